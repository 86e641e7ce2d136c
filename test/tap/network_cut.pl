# A network that is cut without a word: whoever waits gets an error in bounded time by himself, and
# both ends give up what the other one cannot end any more; when it is back, all is as before.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CutNetwork;
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $line = CutNetwork->new;
my ($near, $far) = ($CutNetwork::near, $CutNetwork::far);
# as short as the kernel has it; the defaults are ten times that
my $c = CitusCluster->new(workers => 2, nodes => 0,
    conninfo => 'sslmode=prefer keepalives_idle=1 keepalives_interval=1 keepalives_count=2',
    conf => "listen_addresses = '*'\ncitus.recover_2pc_interval = -1\n"
        . "citus.node_connection_timeout = 3s\n");
for my $name ($c->names) {
    append_to_file($c->node($name)->data_dir . '/pg_hba.conf', "host all all $near/24 trust\n");
    $c->stop($name);
    $name eq 'worker1' ? $line->start_beyond($c->node($name)) : $c->start($name);
}
my %address = (coordinator => $near, worker1 => $far, worker2 => $near);
$c->sql("SELECT citus_set_coordinator_host('$near', " . $c->port('coordinator') . ')');
$c->sql("SELECT citus_add_node('$address{$_}', " . $c->port($_) . ')') for 'worker1', 'worker2';
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int, txt text);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 40) i;
    CREATE FUNCTION nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS 'BEGIN PERFORM pg_sleep(100); RETURN $1; END'});
my ($there, $elsewhere) = map { $c->sql("SELECT min(k) FROM t JOIN citus_shards s
    ON s.shardid = get_shard_id_for_distribution_column('t', t.k) AND table_name = 't'::regclass
    WHERE nodename = '$_'") } $far, $near;

sub session {
    my ($name) = @_;
    return $c->node($name // 'coordinator')->background_psql('citus', on_error_stop => 0);
}

# the errors of what the session does, in bounded time
sub error_of {
    my ($session, $sql, $seconds, $what) = @_;
    my $start = time;
    $session->{stderr} = '';
    $session->query($sql);
    my $error = $session->{stderr};
    $session->{stderr} = '';
    cmp_ok(time - $start, '<', $seconds, "$what: in bounded time");
    return $error;
}

my $lost = qr/ERROR:  connection to node $far:\d+ was lost/;
my $start_of_work = q{SELECT count(*) %s 0 FROM pg_stat_activity WHERE wait_event = '%s'
    AND application_name LIKE 'citus_internal%%'};

# Nothing is on its way: the far side works, and waits for a lock.
my $holder = session('worker1');
$holder->query("SET citus.enable_manual_changes_to_shards = on; BEGIN; UPDATE t SET v = v WHERE k = $there");
my ($waiting, $sleeping, $idle, $writing, $sending) = map { session() } 1 .. 5;
$idle->query('SELECT count(*) FROM t');
$sending->query('SELECT count(*) FROM t');
$writing->query("BEGIN; INSERT INTO t SELECT i, 0 FROM generate_series(1001, 1020) i");
$waiting->query_until(qr/go/, "\\echo go\nUPDATE t SET v = 1 WHERE k = $there;\n");
$sleeping->query_until(qr/go/, "\\echo go\nSELECT nap(k) FROM t WHERE k = $there;\n");
$c->wait_until('worker1', sprintf($start_of_work, '>', 'transactionid'), 'one waits for a lock there');
$c->wait_until('worker1', sprintf($start_of_work, '>', 'PgSleep'), 'one works there');

$line->settle;
$line->cut;
# Something is on its way.
like(error_of($sending, "UPDATE t SET v = 5 WHERE k = $there", 20, 'a write'), $lost, 'a write fails');
like(error_of($waiting, '\echo', 20, 'the wait for a lock'), $lost, 'who waited for a lock is told');
like(error_of($sleeping, '\echo', 20, 'a long statement'), $lost, 'who waited for an answer is told');
like(error_of($writing, 'COMMIT', 20, 'a commit'), qr/ERROR:  connection to node $far/, 'a commit fails');
is($idle->query("SELECT count(*) FROM t WHERE k = $elsewhere"), '1', 'others go on');
like(error_of($idle, 'SELECT count(*) FROM t', 20, 'an idle connection'), qr/ERROR:  could not connect/,
     'the loss of an idle connection has been noticed');
is($idle->query("UPDATE t SET v = 7 WHERE k = $elsewhere RETURNING v"), '7', 'and still others go on');
like(error_of($idle, "SET citus.node_connection_timeout = '1h'; SET statement_timeout = '1s';"
              . " SELECT count(*) FROM t", 10, 'a statement timeout while connecting'),
     qr/ERROR:  canceling statement due to statement timeout/, 'a timeout while connecting');

# Beyond, sessions notice that nobody is there any more.
$c->wait_until('worker1', sprintf($start_of_work, '=', 'PgSleep'), 'nobody works there any more');
$c->wait_until('worker1', sprintf($start_of_work, '=', 'transactionid'), 'nor waits');
$holder->query('ROLLBACK');
$c->wait_until('worker1', q{SELECT count(*) = 0 FROM pg_stat_activity
    WHERE application_name LIKE 'citus_internal%' AND backend_type = 'client backend'}, 'all are gone');

$line->mend;
my $ready = 'SELECT bool_and(result) FROM citus_check_cluster_node_health()';
$c->wait_until('coordinator', $ready, 'the network is back');
$idle->query('RESET statement_timeout');
is($idle->query('SELECT count(*) FROM t'), '40', 'a session that was there reads again');
$c->sql('SELECT recover_prepared_transactions()');
is($c->sql_on($_, 'SELECT count(*) FROM pg_prepared_xacts'), '0', "nothing is prepared on $_") for $c->names;

# From the other side: what a node beyond has begun here is ended here.
my $beyond = session('worker1');
$beyond->query("BEGIN; UPDATE t SET v = 3");
$line->settle;
$line->cut;
is($c->sql("SET lock_timeout = '20s'; UPDATE t SET v = 4 WHERE k = $elsewhere RETURNING v"), '4',
   'a lock of a session beyond is given up');
like(error_of($beyond, 'COMMIT', 20, 'the commit there'), qr/ERROR:  connection to node $near/,
     'whose commit fails');
$line->mend;
$c->wait_until('coordinator', $ready, 'the network is back');

# Between PREPARE and COMMIT PREPARED the transaction is committed, whatever happens then.
SKIP: {
    skip 'this server has no injection points', 5
        unless $c->sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'injection_points'});
    my $point = 'citus-txn-before-commit-prepared';
    $c->sql('CREATE EXTENSION IF NOT EXISTS injection_points');
    $idle->query("SELECT injection_points_attach('$point', 'wait')");
    $idle->query_until(qr/go/, "\\echo go\nUPDATE t SET v = 9;\n");
    ok($c->stands_at('coordinator', $point), "stopped at $point");
    $c->sql("SELECT injection_points_detach('$point')");
    $line->settle;
    $line->cut;
    $c->wake('coordinator', $point);
    my $said = error_of($idle, 'SELECT 1', 20, 'the second phase');
    like($said, qr/WARNING:  could not commit prepared transaction/, 'a warning');
    unlike($said, qr/ERROR/, 'no error: it is committed');
    $line->mend;
    $c->wait_until('coordinator', $ready, 'the network is back');
    $c->sql('SELECT recover_prepared_transactions()');
    is($c->sql('SELECT DISTINCT v FROM t'), '9', 'all of it');
}
$c->check;
$_->quit for $idle, $sending, $waiting, $sleeping, $writing, $beyond, $holder;
$c->stop('worker1');
done_testing();
