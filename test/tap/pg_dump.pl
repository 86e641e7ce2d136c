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

# A snapshot of this node that a session has imported stays what it is.
my $file = PostgreSQL::Test::Utils::tempdir() . '/two.sql';
PostgreSQL::Test::Utils::append_to_file($file, q{
    BEGIN ISOLATION LEVEL REPEATABLE READ;
    SELECT pg_export_snapshot() AS id \gset
    \setenv ID :id
    \! psql -qXc "BEGIN; INSERT INTO l VALUES (3); UPDATE d SET v = 'new'; COMMIT"
    \! psql -qAtX -v VERBOSITY=sqlstate -c "BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '$ID'; SELECT count(*) FROM d WHERE v = 'new'" 2>&1
    \! psql -qAtX -c "BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '$ID'; SELECT count(*) FROM l"
});
local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($c->node('coordinator')->host, $c->port('coordinator'), 'citus');
($out) = run_command(['psql', '-qAtXf', $file]);
is($out, "ERROR:  40001\n1", 'an imported snapshot is not mixed with later ones of other nodes');
done_testing();
