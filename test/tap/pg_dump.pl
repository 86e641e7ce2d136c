# pg_dump of a database with distributed tables: their rows, and no shard.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run;
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

# An exported snapshot is one of all nodes: what was committed since, on whatever node, is not seen by
# who imports it.
local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($c->node('coordinator')->host, $c->port('coordinator'), 'citus');
my $import = q{psql -qAtX -v VERBOSITY=sqlstate -c "BEGIN ISOLATION LEVEL %s; SET TRANSACTION SNAPSHOT '$ID'; %s" 2>&1};
my $change = q{\! psql -qXc "%s"};
sub script {
    my $file = PostgreSQL::Test::Utils::tempdir() . '/' . $_[0] . '.sql';
    PostgreSQL::Test::Utils::append_to_file($file, join "\n", @_[1 .. $#_], '');
    my ($out) = run_command(['psql', '-qAtXf', $file]);
    return $out;
}
my @export = ("SELECT pg_export_snapshot() AS id \\gset", '\setenv ID :id');
my $count = q{SELECT count(*) FILTER (WHERE v = 'new'), count(*), (SELECT count(*) FROM l) FROM d};
my $rr = 'REPEATABLE READ';
is(script('shared', "BEGIN ISOLATION LEVEL $rr;", @export,
          # on both nodes, on the other one alone, on this one alone
          sprintf($change, q{BEGIN; INSERT INTO l VALUES (3); UPDATE d SET v = 'new' WHERE k < 10; COMMIT}),
          sprintf($change, q{UPDATE d SET v = 'new' WHERE k > 10}),
          sprintf($change, q{INSERT INTO l VALUES (4)}),
          sprintf($change, q{DELETE FROM d WHERE k = 10}),
          '\! ' . sprintf($import, $rr, $count), "$count;",
          # changes what others have changed since: not as if they had not
          '\! ' . sprintf($import, $rr, q{UPDATE d SET v = 'mine' WHERE k = 1}),
          # and sees its own
          '\! ' . sprintf($import, $rr, "DELETE FROM l; INSERT INTO d VALUES (99, 'new'); $count"),
          'COMMIT;'),
   join("\n", '0|20|1', '0|20|1', 'ERROR:  40001', '1|21|0'), 'an imported snapshot is the exported one');
is(script('written', "BEGIN ISOLATION LEVEL $rr;", "UPDATE d SET v = 'mine' WHERE k = 1;", @export,
          '\! ' . sprintf($import, $rr, q{SELECT count(*) FROM d WHERE v = 'mine'}), 'ROLLBACK;'), '0',
   'what the exporter has written is not in it');
is(script('two', "BEGIN ISOLATION LEVEL $rr;", 'SELECT count(*) FROM l;', @export,
          sprintf($change, q{UPDATE d SET v = 'newer'}),
          '\! ' . sprintf($import, $rr, q{SELECT count(*) FROM d WHERE v = 'newer'}), 'COMMIT;'), "3\n0",
   'also when tables of this node have been read before');

# Where there is none of other nodes, an error says so.
is(script('committed', 'BEGIN;', @export, '\! ' . sprintf($import, $rr, 'SELECT count(*) FROM l'),
          '\! ' . sprintf($import, $rr, 'SELECT count(*) FROM d')), "3\nERROR:  55000",
   'a READ COMMITTED transaction exports one of this node');
is(script('serializable', 'BEGIN ISOLATION LEVEL SERIALIZABLE;', @export,
          '\! ' . sprintf($import, 'SERIALIZABLE', 'SELECT count(*) FROM d')), 'ERROR:  0A000',
   'a serializable transaction imports none');

# pg_dump with several jobs, while money moves between tables of all nodes.
$c->sql(q{
    CREATE TABLE a (k int PRIMARY KEY, v int);
    CREATE TABLE b (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('a', 'k'), create_distributed_table('b', 'k');
    INSERT INTO a SELECT i, 1000 FROM generate_series(1, 4) i;
    INSERT INTO b SELECT i, 1000 FROM generate_series(1, 4) i});
my $move = PostgreSQL::Test::Utils::tempdir() . '/move.sql';
append_to_file($move, "\\set k random(1, 4)\nBEGIN;\nUPDATE a SET v = v - 1 WHERE k = :k;\nUPDATE b SET v = v + 1 WHERE k = :k;\nEND;\n");
my ($said, $complained) = ('', '');
my $mover = IPC::Run::start(['pgbench', '-n', '-c', '2', '-T', '300', '-f', $move, 'citus'], '>', \$said, '2>', \$complained);
for my $round (1 .. 3) {
    $c->wait_until('coordinator', "SELECT v < (SELECT 1000 - 5 * $round) FROM a WHERE k = 1", 'money moves');
    my $dir = PostgreSQL::Test::Utils::tempdir() . "/dump$round";
    my (undef, $err) = run_command(['pg_dump', '-Fd', '-j', '2', '-a', '-t', 'a', '-t', 'b', '-f', $dir, 'citus']);
    is($err, '', 'pg_dump --jobs');
    my ($text) = run_command(['pg_restore', '-f', '-', $dir]);
    my $sum = 0;
    $sum += $1 while $text =~ /^[1-4]\t(-?\d+)$/mg;
    is($sum, 8000, 'dumps what there was at one moment');
}
$mover->signal('ALRM');
IPC::Run::finish($mover);
done_testing();
