# Sessions, locks and waits of all nodes in views, and signals to sessions of any node.
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
$c->sql_on($_, q{DO $$ BEGIN CREATE ROLE visitor LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$})
    for $c->names;

sub session {
    my ($node) = @_;
    my $psql = $c->node($node)->background_psql('citus', on_error_stop => 0);
    return ($psql, $psql->query_safe('SELECT citus_backend_gpid()'));
}

my ($holder, $holder_gpid) = session('coordinator');
my ($waiter, $waiter_gpid) = session('worker1');
is(int($holder_gpid / 10_000_000_000), 1, 'the global pid names the node');
isnt(int($waiter_gpid / 10_000_000_000), 1, 'which is another for a session of a worker');

# one session of a worker waits for one of the coordinator, at a shard of any node
$holder->query_safe('BEGIN; UPDATE t SET v = 1');
$waiter->{stdin} .= "UPDATE t SET v = 2 WHERE k = 7;\n\\echo result=:SQLSTATE\n";
$waiter->{run}->pump_nb;
for my $node (sort $c->names) {
    $c->wait_until($node, "SELECT count(*) = 1 FROM citus_lock_waits
        WHERE waiting_gpid = $waiter_gpid AND blocking_gpid = $holder_gpid
            AND blocked_statement LIKE 'UPDATE t SET v = 2%'
            AND current_statement_in_blocking_process LIKE '%UPDATE t SET v = 1%'", "$node shows who waits for whom");
    is($c->sql_on($node, "SELECT count(*), count(DISTINCT nodeid) FROM citus_stat_activity
        WHERE global_pid = $holder_gpid AND state LIKE 'idle in transaction'"), '3|3',
        "$node shows the session on all nodes where it is at work");
    is($c->sql_on($node, "SELECT count(*), bool_or(is_worker_query) FROM citus_dist_stat_activity
        WHERE global_pid = $holder_gpid"), '1|f', "$node shows it once, as the client's");
    is($c->sql_on($node, "SELECT count(DISTINCT relation_name) FROM citus_locks
        WHERE global_pid = $holder_gpid AND mode = 'RowExclusiveLock' AND relation_name ~ '^public.t_[0-9]+\$'"), 32,
        "$node shows its locks");
    is($c->sql_on($node, "SELECT count(*) > 0 FROM citus_locks WHERE global_pid = $waiter_gpid AND NOT granted"),
        't', "$node shows what is waited for");
}

# others see that there are sessions, not what they do
my $seen = $c->sql(qq{SET ROLE visitor;
    SELECT count(*) || ' ' || string_agg(DISTINCT query, ',') FROM citus_stat_activity WHERE global_pid = $holder_gpid});
is($seen, '3 <insufficient privilege>', 'statements of others stay hidden');
for my $call ("pg_cancel_backend($waiter_gpid)", "pg_terminate_backend($holder_gpid)") {
    my ($status, undef, $err) = $c->try_on('worker2', "SET ROLE visitor; \\set VERBOSITY sqlstate \n SELECT $call");
    like($err, qr/42501/, "$call needs the right to");
}

# signals from a third node
is($c->sql_on('worker2', "SELECT pg_cancel_backend($waiter_gpid)"), 't', 'a statement is canceled from another node');
like($waiter->query_until(qr/result=\w{5}\n/, ''), qr/result=57014/, 'and fails as canceled');
is($c->sql_on('worker2', "SELECT pg_terminate_backend($holder_gpid, 5000)"), 't', 'a session is ended from another node');
$c->wait_until('worker1', "SELECT count(*) = 0 FROM citus_stat_activity WHERE global_pid = $holder_gpid",
               'with what it had on all nodes');
like($waiter->query('UPDATE t SET v = 3 WHERE k = 7 RETURNING v'), qr/^3/, 'its locks are free');
my ($status, undef, $err) = $c->try_on('coordinator', 'SELECT pg_cancel_backend(5::bigint)');
like($err, qr/not of a node of this cluster/, 'a number that is no global pid is an error');
is($c->sql("SELECT pg_cancel_backend($holder_gpid)"), 'f', 'a session that is gone is a warning and false');

# a node that is down is left out
$waiter->quit;
$c->stop('worker2', 'immediate');
my (undef, $out, $warning) = $c->try_on('coordinator', 'SELECT count(DISTINCT nodeid) FROM citus_stat_activity');
is($out, '2', 'nodes that are there are shown');
like($warning, qr/WARNING:.*is left out/, 'and the other one is said to be missing');
$c->start('worker2');
$c->check;
done_testing();
