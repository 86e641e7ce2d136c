# Rows that move from node to node leave nothing behind, whatever ends the statement.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2);
$c->set('citus.direct_move_threshold', 0);
$c->sql(q{
    CREATE TABLE a (k int, x int, s text);
    CREATE TABLE b (k int, x int, s text);
    CREATE TABLE t (k int, x int, s text CHECK (s <> 'wrong'));
    SELECT create_distributed_table('a', 'k', shard_count => 8), create_distributed_table('b', 'k', colocate_with => 'a'),
           create_distributed_table('t', 'k', colocate_with => 'a');
    INSERT INTO a SELECT i, i % 7001, md5(i::text) FROM generate_series(1, 20000) i;
    INSERT INTO b SELECT i, i, md5(i::text) FROM generate_series(1, 20000) i;
    ANALYZE a, b;
    CREATE FUNCTION nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS 'BEGIN IF $1 = 7000 THEN PERFORM pg_sleep(60); END IF; RETURN $1; END';
    CREATE FUNCTION bad(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1 / ($1 - 7000); END'});

my $join = 'SELECT count(*), sum(a.k) FROM a JOIN b ON a.x = b.x';
my $insert = 'INSERT INTO t SELECT x, k, s FROM a';
my $answer = $c->sql("SET citus.direct_move_threshold = -1; $join");
my $files = 'SELECT count(*) = 0 FROM pg_ls_tmpdir()';
my @nodes = ('coordinator', 'worker1', 'worker2');

# rows are needed by a task that sleeps: they are in files then
my $sleeping = 'SELECT count(*), sum(nap(a.x)), max(b.s) FROM a JOIN b ON a.x = b.x';
my $asleep = q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'};

sub clean {
    my ($what) = @_;
    $c->wait_until($_, $files, "$what: no file is left on $_") for @nodes;
    is($c->sql($join), $answer, "$what: the next statement works");
}

# temporary files of FileSets are directories: pg_ls_tmpdir() does not list those
$files = q{SELECT count(*) = 0 FROM pg_ls_dir('base/pgsql_tmp', true, false)};

like($c->sql("EXPLAIN $join"), qr/Way Of Rows: from node to node/, 'rows move directly');
is($c->sql($join), $answer, 'the same rows as by the planning node');
clean('the end');

$c->sql("BEGIN; $insert; COMMIT");
is($c->sql('SELECT count(*), sum(k), sum(x) FROM t'), $c->sql('SELECT count(*), sum(x), sum(k) FROM a'), 'all rows were inserted');
$c->sql('TRUNCATE t');
clean('INSERT');

# inside a transaction the files go with the statement
my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$session->query('BEGIN');
$session->query($join);
$c->wait_until($_, $files, "a statement of a block: no file is left on $_") for @nodes;
$session->query('COMMIT');

# a statement that fails: beside the shards, where rows arrive, by a constraint, in a savepoint
$c->fails('SELECT count(*) FROM (SELECT bad(x) AS y, x FROM a) a JOIN b ON a.x = b.x AND a.y >= 0', qr/division by zero/, 'an error in a task');
clean('an error in a task');
$c->fails("INSERT INTO t SELECT bad(x), k, s FROM a", qr/division by zero/, 'an error while rows are packed');
clean('an error while rows are packed');
$c->fails("INSERT INTO t SELECT x, k, CASE WHEN k = 19999 THEN 'wrong' ELSE s END FROM a", qr/t_s_check/, 'an error of a constraint');
clean('an error of a constraint');
$session->query("BEGIN; SAVEPOINT s");
$session->query("INSERT INTO t SELECT bad(x), k, s FROM a");
$session->query("ROLLBACK TO SAVEPOINT s");
$c->wait_until($_, $files, "a savepoint: no file is left on $_") for @nodes;
is($session->query($join), $answer, 'the transaction goes on');
$session->query($insert);
$session->query('COMMIT');
is($c->sql('SELECT count(*) FROM t'), 20000, 'and commits');
$session->quit;

# a limit of temporary files
$c->set('temp_file_limit', '64kB');
$c->wait_until($_, "SELECT current_setting('temp_file_limit') = '64kB'", "the limit is known to $_") for @nodes;
$c->fails($join, qr/temp_file_limit/, 'temp_file_limit of the nodes');
$c->set('temp_file_limit', -1);
$c->wait_until($_, "SELECT current_setting('temp_file_limit') = '-1'", "no limit on $_") for @nodes;
clean('temp_file_limit');

# cancelled, and its session terminated, while rows are laid aside
for my $how ('pg_cancel_backend', 'pg_terminate_backend') {
    my $s = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    my $pid = $s->query('SELECT pg_backend_pid()');
    $s->query_until(qr/go/, "\\echo go\n$sleeping;\n");
    my $found;
    for (1 .. 200) {
        $found = grep { $c->sql_on($_, $asleep) eq 't' } 'worker1', 'worker2';
        last if $found;
        select undef, undef, undef, 0.05;
    }
    ok($found, 'a task sleeps');
    ok((grep { $c->sql_on($_, $files) eq 'f' } 'worker1', 'worker2'), 'rows wait in files');
    $c->sql("SELECT $how($pid)");
    clean($how);
    eval { $s->quit };
}

# a worker dies while rows are laid aside, and comes back
my $s = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$s->query_until(qr/go/, "\\echo go\n$sleeping;\n");
my $found;
for (1 .. 200) {
    $found = grep { $c->sql_on($_, $asleep) eq 't' } 'worker1', 'worker2';
    last if $found;
    select undef, undef, undef, 0.05;
}
ok($found, 'a task sleeps');
my ($napper) = grep { $c->sql_on($_, $asleep) eq 't' } 'worker1', 'worker2';
$c->kill9($napper);
$s->query('SELECT 1');
isnt($s->{stderr}, '', 'the statement fails');
$c->restart($napper);
clean('kill -9 of a worker');
eval { $s->quit };

# nodes that cannot reach each other: rows come through the planning node
$c->sql_on('worker1', "UPDATE pg_dist_node SET nodeport = 1 WHERE nodeport = " . $c->port('worker2'));
is($c->sql($join), $answer, 'the other node is not there: the rows are the same');
$c->sql_on('worker1', "UPDATE pg_dist_node SET nodeport = " . $c->port('worker2') . " WHERE nodeport = 1");
clean('a node that cannot be reached');
$c->check;
done_testing;
