# What a commit leaves prepared is resolved as soon as it can be, not only at the next interval of
# recovery: its session says that it has lost a node, a node that starts says what it has found, and
# so does who waits for it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

my $c = CitusCluster->new(workers => 2, relay => 'worker1', conf => "citus.recover_2pc_interval = 1d\n");
my $relay = $c->relay;
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 2);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});
my %shard = ($c->sql("SELECT 'worker1 ' || shardid FROM citus_shards WHERE nodename = '127.0.0.1'")
             . ' ' . $c->sql("SELECT 'worker2 ' || shardid FROM citus_shards WHERE nodename = 'localhost'"))
    =~ /(worker\d) (\d+)/g;
my %group = map { $_ => $c->sql_on($_, 'SELECT groupid FROM pg_dist_local_group') } keys %shard;
my $value = 0;
my $prepared = 'SELECT count(*) = 0 FROM pg_prepared_xacts';

# A session whose COMMIT PREPARED does not reach worker1.
sub lose_commit {
    my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    my $pid = $session->query('SELECT pg_backend_pid()');
    $value++;
    $relay->when('COMMIT PREPARED', 'hold_request');
    $session->query_until(qr/go/, "\\echo go\nUPDATE t SET v = $value;\n");
    $relay->wait_for('hold_request');
    is($c->sql_on('worker1', 'SELECT count(*) FROM pg_prepared_xacts'), '1', 'it is prepared on worker1');
    return ($session, $pid);
}

sub is_resolved {
    my ($what) = @_;
    $c->wait_until('worker1', $prepared, "$what: it is resolved");
    is($c->sql('SELECT min(v), max(v) FROM t'), "$value|$value", "$what: and committed");
}

# As if the initiator had decided, and died after one of two nodes had committed.
sub half_commit {
    my ($number) = @_;
    $value++;
    my $n = 0;
    for my $node (sort keys %shard) {
        $n++;
        $c->sql("INSERT INTO pg_dist_transaction (groupid, gid) VALUES ($group{$node}, 'citus_0_1_${number}_$n')");
        $c->sql_on($node, "SET citus.enable_manual_changes_to_shards = on; BEGIN;
            UPDATE t_$shard{$node} SET v = $value;
            PREPARE TRANSACTION 'citus_0_1_${number}_$n' /* groups " . join(',', sort values %group) . ' */');
    }
    $c->sql_on('worker2', "COMMIT PREPARED 'citus_0_1_${number}_2'");
}

# The session ends.  Its node's daemon knows at once.
my ($session, $pid) = lose_commit();
$c->sql("SELECT pg_terminate_backend($pid)");
is_resolved('a session that ends');
eval { $session->quit };
$relay->go_on;

# The worker dies, and is not there when the daemon looks first; it does not report.
$c->sql_on('worker1', "ALTER SYSTEM SET citus.recover_2pc_interval = '-1'");
($session) = lose_commit();
$c->kill9('worker1');
$session->query_until(qr/over/, "\\echo over\n");
like($session->{stderr}, qr/WARNING:  could not commit prepared transaction/, 'a warning says so');
$session->quit;
$relay->go_on;
$c->start('worker1');
is_resolved('a worker that comes back');
$c->sql_on('worker1', 'ALTER SYSTEM RESET citus.recover_2pc_interval');

# Nobody at the initiator knows, and the worker starts.
half_commit(1);
$c->restart('worker1');
is_resolved('a worker that finds it');

# Nobody knows but who wants to read, here and elsewhere.
half_commit(2);
is($c->sql('SELECT min(v), max(v) FROM t'), "$value|$value", 'a reader of the initiator has it resolved');
half_commit(3);
is($c->sql_on('worker2', 'SELECT min(v), max(v) FROM t'), "$value|$value", 'a reader elsewhere, too');
half_commit(4);
is($c->sql('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT min(v), max(v) FROM t; COMMIT'),
   "$value|$value", 'and a transaction');

# Two nodes that find what the other one has under way ask each other, but not all the time.
my %other = (coordinator => 'worker2', worker2 => 'coordinator');
my %open = map { $_ => $c->node($_)->background_psql('citus', on_error_stop => 0) } keys %other;
for my $node (sort keys %other) {
    $open{$node}->query('BEGIN; UPDATE t SET v = v WHERE k = ' . length $node);
    my $number = $open{$node}->query('SELECT transaction_number FROM get_current_transaction_id()');
    my $group = $c->sql_on($node, 'SELECT groupid FROM pg_dist_local_group');
    $c->sql_on($other{$node}, "BEGIN; SELECT pg_current_xact_id();
        PREPARE TRANSACTION 'citus_${group}_1_${number}_9'");
    $c->sql_on($node, "ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()");
}
sub asked { () = slurp_file($c->node($_[0])->logfile) =~ /hurry_recovery/g }
my ($start, %before) = (time, map { $_ => scalar asked($_) } keys %other);
$c->sql_on('worker2', "ALTER SYSTEM SET citus.recover_2pc_interval = '100ms'; SELECT pg_reload_conf()");
sleep 0.1 while asked('coordinator') < $before{coordinator} + 10 && time - $start < 120;
cmp_ok(asked('coordinator') - $before{coordinator}, '>=', 10, 'the coordinator is asked often');
cmp_ok(asked('worker2') - $before{worker2}, '<=', 1 + (time - $start) / 5, 'and asks now and then');
$open{$_}->query('ROLLBACK'), $open{$_}->quit for keys %other;
$c->wait_until($_, $prepared, "nothing is left on $_") for sort keys %other;
$c->check;
done_testing();
