# pg_dump of a database with distributed tables: their rows, and no shard.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 1, conf => "citus.shard_count = 4\n");
$c->sql(q{
    CREATE TABLE d (k int PRIMARY KEY, v text);
    CREATE TABLE r (id int PRIMARY KEY);
    CREATE TABLE l (x int);
    SELECT citus_set_node_property('localhost', (SELECT nodeport FROM pg_dist_node WHERE groupid = 0),
                                   'shouldhaveshards', true);
    SELECT create_distributed_table('d', 'k');
    SELECT create_reference_table('r');
    INSERT INTO d SELECT i, 'value ' || i FROM generate_series(1, 20) i;
    INSERT INTO r VALUES (1);
    INSERT INTO l VALUES (2)});
my ($out, $err) = run_command(['pg_dump', '-h', $c->node('coordinator')->host, '-p',
                               $c->port('coordinator'), 'citus']);
unlike($out, qr/\bd_\d{6}\b/, 'no shard is dumped');
like($out, qr/^7\tvalue 7$/m, 'rows of the distributed table are');
my $rows = () = $out =~ /^\d+\tvalue \d+$/mg;
is($rows, 20, 'each of them once');
like($out, qr/CREATE EXTENSION IF NOT EXISTS citus/, 'the extension is');
is($err, '', 'without a complaint');
done_testing();
