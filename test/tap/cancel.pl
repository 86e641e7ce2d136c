# Cancel, time-outs and the end of a session reach the remote side.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});
my $busy = q{SELECT count(*) = 0 FROM pg_stat_activity
             WHERE application_name LIKE 'citus_internal%' AND state <> 'idle' AND pid <> pg_backend_pid()};
my $gone = $busy =~ s/ AND state <> 'idle'//r;

# a volatile function of the select list would sleep here
$c->sql(q{CREATE FUNCTION nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
          AS 'BEGIN PERFORM pg_sleep(60); RETURN $1; END'});
my $napping = q{SELECT count(*) > 0 FROM pg_stat_activity
                WHERE wait_event = 'PgSleep' AND application_name LIKE 'citus_internal%'};
for my $query ('SELECT nap(k) FROM t WHERE k = 1', 'SELECT count(nap(k)) FROM t') {
    my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $session->query("SET statement_timeout = '3s'");
    $session->query_until(qr/go/, "\\echo go\n$query;\n");
    $c->wait_until('worker1', $napping, "$query runs on worker1") if $query =~ /count/;
    $session->query('SELECT 1');
    like($session->{stderr}, qr/statement timeout/, "statement_timeout ends $query");
    $session->quit;
}
$c->wait_until($_, $busy, "nothing runs on $_ any more") for 'worker1', 'worker2';

# Statements that wait behind the cancelled one on the same connection end at once, too.
$c->sql(q{CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
          AS 'BEGIN PERFORM pg_sleep(0.3); RETURN $1; END'});
my $start = time;
$c->fails('SET statement_timeout = 500; SET citus.max_adaptive_executor_pool_size = 1;'
          . ' SELECT sum(slow(k)) FROM t', qr/statement timeout/, 'statement_timeout while tasks are queued');
cmp_ok(time - $start, '<', 5, 'ends them without waiting for each');

# A lock held by another session: lock_timeout is the client's.
my $holder = $c->node('coordinator')->background_psql('citus');
$holder->query('BEGIN');
$holder->query('UPDATE t SET v = 1 WHERE k = 5');
$c->fails('SET lock_timeout = 300; UPDATE t SET v = 2 WHERE k = 5', qr/lock timeout/,
          'lock_timeout holds on the worker');

# pg_cancel_backend on the coordinator's backend, while a worker waits for that lock.
my ($where) = grep { $c->sql("SELECT count(*) FROM citus_shards WHERE nodeport = " . $c->port($_)
    . q{ AND shardid = get_shard_id_for_distribution_column('t', 5)}) } 'worker1', 'worker2';
my $sleeper = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
my $pid = $sleeper->query('SELECT pg_backend_pid()');
$sleeper->query_until(qr/go/, "\\echo go\nUPDATE t SET v = 3;\n");
my $waits = q{SELECT count(*) %s 0 FROM pg_stat_activity
              WHERE wait_event_type = 'Lock' AND application_name LIKE 'citus_internal%%'};
$c->wait_until($where, sprintf($waits, '>'), 'the statement waits on the worker');
$c->sql("SELECT pg_cancel_backend($pid)");
$c->wait_until($where, sprintf($waits, '='), 'the cancel reached it');
$holder->query('ROLLBACK');
$holder->quit;      # it would keep its connections to the workers
$c->wait_until($_, $busy, "nothing runs on $_ any more") for 'worker1', 'worker2';
like($sleeper->query('SELECT count(*) FROM t'), qr/100/, 'the session goes on');

# The client's session is killed in a transaction: the far side rolls back, the row is free again.
$sleeper->query('BEGIN');
$sleeper->query('UPDATE t SET v = 9');
$c->sql("SELECT pg_terminate_backend($pid)");
$c->wait_until($_, $gone, "no session is left on $_") for 'worker1', 'worker2';
$c->sql('SET lock_timeout = 5000; UPDATE t SET v = v + 1');
is($c->sql('SELECT sum(v) FROM t'), '100', 'its changes are gone');
eval { $sleeper->quit };
$c->check;
done_testing();
