# Thousands of transactions of all kinds in one session: no memory, connection, file, prepared
# statement, lock or record stays behind, on any node.
#
#   LONG_SESSION=100000    transactions (3000)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $transactions = $ENV{LONG_SESSION} // 3000;
my $rounds = 4;                 # the first two fill the caches
my $rows = 400;

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 2s\n");
$c->sql(qq{
    SELECT citus_set_node_property('localhost', } . $c->port('coordinator') . qq{, 'shouldhaveshards', true);
    CREATE TABLE t (k int PRIMARY KEY, v int NOT NULL, txt text);
    SELECT create_distributed_table('t', 'k', shard_count => 6);
    INSERT INTO t SELECT i, 0, repeat('x', 50) FROM generate_series(1, $rows) i;
    CREATE TABLE other (k int, v int);
    SELECT create_distributed_table('other', 'k', colocate_with => 't');
    INSERT INTO other SELECT i, i FROM generate_series(1, $rows) i;
    CREATE TABLE ref (k int PRIMARY KEY, v int);
    SELECT create_reference_table('ref');
    INSERT INTO ref SELECT i, i FROM generate_series(1, 20) i});

# What a client may do; \$a and \$b are keys, \$n is a number that was not there before.
my @kinds = split /^--.*\n/m, q{
SELECT v FROM t WHERE k = $a;
-- a write of one shard
UPDATE t SET v = v + 1 WHERE k = $a;
-- all shards
SELECT count(*), sum(v) FROM t;
-- a join by key, and by something else
SELECT count(*) FROM t JOIN other USING (k) JOIN ref ON ref.k = other.v;
-- two nodes
BEGIN; UPDATE t SET v = v - 1 WHERE k = $a; UPDATE t SET v = v + 1 WHERE k = $b; COMMIT;
-- the same, rolled back
BEGIN; UPDATE t SET v = v - 1 WHERE k = $a; UPDATE t SET v = v + 1 WHERE k = $b; ROLLBACK;
-- an error of a node, of this one, and one in a block
INSERT INTO t VALUES ($a, 0);
SELECT 1 / (v - v) FROM t WHERE k = $a;
BEGIN; UPDATE t SET v = v + 1 WHERE k = $a; SELECT count(*) / 0 FROM t; COMMIT;
-- savepoints
BEGIN; UPDATE t SET v = v + 1 WHERE k = $a; SAVEPOINT s; UPDATE t SET v = v / 0 WHERE k = $b;
ROLLBACK TO s; UPDATE t SET v = v + 1 WHERE k = $b; SAVEPOINT s2; INSERT INTO t VALUES ($n, 1);
RELEASE s2; DELETE FROM t WHERE k = $n; COMMIT;
-- cursors, read in part
BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 5 FROM c; CLOSE c;
DECLARE d CURSOR FOR SELECT * FROM t ORDER BY k; FETCH 5 FROM d; COMMIT;
-- COPY in and out
COPY t FROM STDIN;
$n	1	a
9$n	2	b
\.
DELETE FROM t WHERE k IN ($n, 9$n);
COPY (SELECT * FROM t WHERE k < 20) TO STDOUT;
-- COPY that fails
COPY t FROM STDIN;
$n	1	a
$n	1	a
\.
-- temporary tables
BEGIN; CREATE TEMP TABLE tmp ON COMMIT DROP AS SELECT k, v FROM t WHERE k <= 10;
SELECT count(*) FROM tmp JOIN t USING (k); COMMIT;
-- prepared statements, kept and dropped
EXECUTE kept($a);
PREPARE p(int) AS SELECT count(*) FROM t WHERE v > $1 OR k = $n; EXECUTE p(1); EXECUTE p(2); DEALLOCATE p;
-- functions with exception blocks
DO $do$ BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            INSERT INTO t VALUES (CASE i WHEN 2 THEN $a ELSE $n + i END, 0);
        EXCEPTION WHEN unique_violation THEN
            UPDATE t SET v = v + 1 WHERE k = $a;
        END;
    END LOOP;
    DELETE FROM t WHERE k BETWEEN $n AND $n + 3;
END $do$;
-- INSERT .. SELECT, MERGE, ON CONFLICT, many rows
INSERT INTO other SELECT k + $n, v FROM t WHERE k = $a; DELETE FROM other WHERE k > $rows;
MERGE INTO t USING other ON t.k = other.k AND other.k = $a WHEN MATCHED THEN UPDATE SET v = other.v;
INSERT INTO t VALUES ($a, 1), ($b, 2) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING v;
-- a reference table
UPDATE ref SET v = v + 1 WHERE k = $a % 20;
-- snapshots
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT sum(v) FROM t; SELECT sum(v) FROM t WHERE k > 5;
UPDATE t SET v = v WHERE k = $a; COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT sum(v) FROM t; COMMIT;
-- settings
BEGIN; SET LOCAL work_mem = '$a MB'; SELECT count(*) FROM t WHERE k = $a; COMMIT;
SET my.value = 'v$a'; SELECT v FROM t WHERE k = $a;
-- a time-out
SET statement_timeout = '15ms'; SELECT pg_sleep(1) FROM t WHERE k = $a; RESET statement_timeout;
-- a statement whose text was never seen
SELECT sum(v + $n) FROM t WHERE k < $b;
};
my $number = 100_000;
my $keys = 1;

sub next_script {
    my ($count) = @_;
    my $script = '';
    for (1 .. $count) {
        my $kind = $kinds[$number++ % @kinds];
        # the time-out takes its time, and the server's cache remembers temporary tables
        $kind = $kinds[0] if $kind =~ /pg_sleep|TEMP TABLE/ && $number / @kinds % 10;
        $keys = $keys * 7 % 397;
        my ($low, $high) = sort { $a <=> $b } 1 + $keys % $rows, 1 + ($keys + $rows / 2) % $rows;
        $kind =~ s/\$a\b/$low/g;
        $kind =~ s/\$b\b/$high/g;
        $kind =~ s/\$n\b/$number/g;
        $kind =~ s/\$rows\b/$rows/g;
        $script .= $kind;
    }
    return $script;
}

my $dir = $c->node('coordinator')->basedir;
my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$session->set_query_timer_restart;
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query("SET temp_buffers = '800kB'");
$session->query('PREPARE kept(int) AS SELECT v FROM t WHERE k = $1');

sub run_some {
    my ($count) = @_;
    my $file = "$dir/some.sql";
    $session->query("\\o /dev/null");
    for (my $done = 0; $done < $count; $done += 500) {
        open my $h, '>', $file or die $!;
        print $h next_script($count - $done > 500 ? 500 : $count - $done);
        close $h;
        $session->query("\\i $file");
    }
    $session->query("\\o");
    my @errors = $session->{stderr} =~ /ERROR:  (.*)/g;
    $session->{stderr} = '';
    return grep { !/division by zero|duplicate key|statement timeout|multiple/ } @errors;
}

# A process of another session may have ended since it was seen; it has nothing then.
sub resident {
    my ($process) = @_;
    open my $h, '<', "/proc/$process/status" or return 0;
    my $status = do { local $/; <$h> } // '';
    close $h;
    # what the server shares is touched bit by bit
    return $status =~ /^RssAnon:\s+(\d+)/m ? $1 : 0;
}

# Where this session works for itself and where others work for it, biggest first.
sub measure {
    my %now;
    $now{'memory contexts of the session'} =
        $session->query('SELECT sum(total_bytes)::int / 1024 FROM pg_backend_memory_contexts');
    $now{'number of memory contexts'} =
        $session->query('SELECT count(*) FROM pg_backend_memory_contexts');
    $now{'memory of the session'} = resident($pid) || die "process $pid of the session is gone";
    $now{'files of the session'} = () = glob "/proc/$pid/fd/*";
    for my $worker ('worker1', 'worker2') {
        my @pids = split /\n/, $c->sql_on($worker, "SELECT pid FROM pg_stat_activity
            WHERE application_name LIKE 'citus_internal%' AND pid <> pg_backend_pid() ORDER BY backend_start");
        $now{"connections to $worker"} = @pids;
        $now{"memory there on $worker"} = 0;
        $now{"memory there on $worker"} += resident($_) for @pids;
        $now{"files there on $worker"} = 0;
        $now{"files there on $worker"} += () = glob "/proc/$_/fd/*" for @pids;
    }
    $now{contexts} = { map { split /\|/ } split /\n/, $session->query(
        'SELECT name, sum(total_bytes)::int / 1024 FROM pg_backend_memory_contexts GROUP BY name') };
    return \%now;
}

# What may differ for other reasons: the daemon's connections, caches of the server.
my %allowed = (
    'memory contexts of the session' => 256, 'number of memory contexts' => 40,
    'memory of the session' => 1536, 'files of the session' => 12,
    map { ("connections to $_" => 3, "memory there on $_" => 6144, "files there on $_" => 40) }
        'worker1', 'worker2');

is(join("\n", run_some(int($transactions / $rounds))), '', 'round 1: no other errors');
is(join("\n", run_some(int($transactions / $rounds))), '', 'round 2: no other errors');
my $before = measure();
for my $round (3 .. $rounds) {
    is(join("\n", run_some(int($transactions / $rounds))), '', "round $round: no other errors");
}
my $after = measure();
for my $name (sort keys %{ $after->{contexts} }) {
    my ($kb, $was) = ($after->{contexts}{$name}, $before->{contexts}{$name} // 0);
    note("context $name: $was kB, then $kb kB") if $kb > $was;
}
for my $what (sort keys %allowed) {
    cmp_ok($after->{$what} - $before->{$what}, '<=', $allowed{$what},
           "$what: $before->{$what}, then $after->{$what}");
}
is($session->query('SELECT count(*) FROM pg_prepared_statements'), '1', 'one prepared statement, the kept one');
is($session->query("SELECT count(*) FROM pg_locks WHERE pid = $pid AND relation IS DISTINCT FROM 'pg_locks'::regclass
    AND locktype = 'relation'"), '0', 'no locks of the session');
for my $node ($c->names) {
    is($c->sql_on($node, "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE application_name LIKE 'citus_internal%'"), '0', "nor of those that work for it on $node");
    is($c->sql_on($node, "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL
        AND application_name LIKE 'citus_internal%'"), '0', "no transaction is open on $node");
    is($c->sql_on($node, 'SELECT count(*) FROM pg_prepared_xacts'), '0', "nothing is prepared on $node");
}
$c->wait_until('coordinator', 'SELECT count(*) = 0 FROM pg_dist_transaction', 'commit records are removed');
is($c->sql("SELECT count(*) FROM t WHERE k > $rows"), '0', 'the session did what it should');
$session->quit;
$c->check;
done_testing();
