# Time-outs of sessions: those of the client's session count, on all nodes; those that a worker has
# for its own clients do not reach sessions between nodes.  A connection that was lost meanwhile is
# replaced before anybody notices.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 40) i;
    CREATE FUNCTION nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS 'BEGIN PERFORM pg_sleep(100); RETURN $1; END';
    CREATE FUNCTION short_nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS 'BEGIN PERFORM pg_sleep(0.15); RETURN $1; END'});
my $internal = q{FROM pg_stat_activity WHERE application_name LIKE 'citus_internal%'
    AND backend_type = 'client backend'};
my $since_17 = $c->node('coordinator')->pg_version >= 17;

sub session { return $c->node('coordinator')->background_psql('citus', on_error_stop => 0) }
sub error_of {
    my ($session, $sql) = @_;
    $session->{stderr} = '';
    eval { $session->query($sql) };
    return $session->{stderr};
}

# A worker that has little patience with its own clients.
for my $worker ('worker1', 'worker2') {
    $c->sql_on($worker, "ALTER SYSTEM SET $_ = '100ms'")
        for qw(idle_session_timeout idle_in_transaction_session_timeout), $since_17 ? 'transaction_timeout' : ();
    $c->sql_on($worker, "SET citus.enable_ddl_propagation = off; ALTER DATABASE citus SET statement_timeout = '100ms'");
    $c->sql_on($worker, 'SELECT pg_reload_conf()');
}
my $session = session();
my $backends = "SELECT string_agg(pid::text, ' ') $internal AND application_name <> 'x'";
$session->query('UPDATE t SET v = 1');
my $before = $c->sql_on('worker1', $backends);
$session->query('SELECT pg_sleep(0.4)');
is($session->query('UPDATE t SET v = 1; SELECT sum(v) FROM t'), '40', 'connections that were idle');
is($c->sql_on('worker1', $backends), $before, 'are the same as before');
$session->query('BEGIN; UPDATE t SET v = 2');
$session->query('SELECT pg_sleep(0.4)');
is($session->query('SELECT sum(short_nap(v)) FROM t WHERE k < 5; COMMIT; SELECT sum(v) FROM t'), "8\n80",
   'a transaction that was idle, and a statement that takes longer');
for my $worker ('worker1', 'worker2') {
    $c->sql_on($worker, $_) for 'SET statement_timeout = 0; SET citus.enable_ddl_propagation = off;
        ALTER DATABASE citus RESET ALL', 'ALTER SYSTEM RESET ALL';
    $c->sql_on($worker, 'SELECT pg_reload_conf()');
}

# Connections that were ended by somebody are replaced.
my $end = "SELECT count(pg_terminate_backend(pid, 5000)) $internal";
$c->sql_on($_, $end) for 'worker1', 'worker2';
is(error_of($session, 'SELECT count(*) FROM t'), '', 'a read after all connections were ended');
$c->sql_on($_, $end) for 'worker1', 'worker2';
is(error_of($session, 'UPDATE t SET v = 3'), '', 'a write of all shards');
$c->sql_on($_, $end) for 'worker1', 'worker2';
is(error_of($session, 'UPDATE t SET v = 4 WHERE k = 1'), '', 'a write of one');
$c->sql_on($_, $end) for 'worker1', 'worker2';
is(error_of($session, 'BEGIN; SELECT v FROM t WHERE k = 1; UPDATE t SET v = 5; COMMIT'), '', 'a block');
is(error_of($session, "BEGIN; SELECT count(*) FROM t"), '', 'a block that has only read');
$c->restart('worker1');
is(error_of($session, 'ROLLBACK; SELECT count(*) FROM t'), '', 'after a restart in between');
$session->query('SELECT count(*) FROM t');
$c->restart($_) for 'worker1', 'worker2';
is(error_of($session, 'UPDATE t SET v = 5'), '', 'a write after a restart of all workers');
$c->kill9('worker2');
$c->start('worker2');
is(error_of($session, 'SELECT count(*) FROM t'), '', 'a read after a crash of a worker');
is($session->query('SELECT sum(v) FROM t'), '200', 'nothing is lost');

# The client's own: the session ends, and its work on all nodes.
my $free = "SET lock_timeout = '20s'; UPDATE t SET v = 6 WHERE k <= 10";
my %ends = (
    idle_in_transaction_session_timeout => ['BEGIN; UPDATE t SET v = 7', qr/FATAL: .*idle-in-transaction/],
    idle_session_timeout => ['UPDATE t SET v = 5', qr/FATAL: .*idle-session/],
    $since_17 ? (transaction_timeout => ['BEGIN; UPDATE t SET v = 7; SELECT nap(v) FROM t WHERE k = 3',
                                         qr/FATAL: .*transaction timeout/]) : ());
for my $setting (sort keys %ends) {
    my ($sql, $said) = @{ $ends{$setting} };
    my $patient = session();
    my $pid = $patient->query('SELECT pg_backend_pid()');
    my $gpid = $patient->query('SELECT citus_backend_gpid()');
    $patient->query("SET $setting = '500ms'");
    eval { $patient->query_until(qr/go/, "\\echo go\n$sql;\n") };
    $c->wait_until('coordinator', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid",
                   "$setting ends the session");
    $c->wait_until($_, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE '%$gpid'
        AND pid <> pg_backend_pid()", "and those that worked for it on $_") for 'worker1', 'worker2';
    is(error_of($session, $free), '', "its locks are free");
    like(slurp_file($c->node('coordinator')->logfile), qr/\[$pid\] [^\n]*$said/, 'and it was told why');
    eval { $patient->{run}->finish };
}
# others of the client's, while a node works
for my $setting ('statement_timeout', 'lock_timeout') {
    my $holder = session();
    $holder->query('BEGIN; UPDATE t SET v = 8 WHERE k = 3');
    like(error_of($session, "SET $setting = '300ms'; UPDATE t SET v = 9 WHERE k = 3"),
         qr/ERROR:  canceling statement due to (statement|lock) timeout/, "$setting ends a wait on a node");
    $session->query("RESET $setting");
    $holder->query('ROLLBACK');
    $holder->quit;
}
is($session->query('SELECT DISTINCT v FROM t WHERE k > 10'), '5', 'what was not committed is undone');
$session->quit;
$c->check;
done_testing();
