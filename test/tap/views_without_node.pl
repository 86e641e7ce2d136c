# What shows sessions, locks and tables of all nodes goes on without a node that is down or hangs: in
# bounded time, with a warning, and with what the others have.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4)});
# a session of the other worker that holds a lock and a transaction over nodes
my $client = $c->node('worker2')->background_psql('citus', on_error_stop => 0);
$client->query('BEGIN; INSERT INTO t SELECT generate_series(1, 20)');
my $gpid = $client->query('SELECT citus_backend_gpid()');

# each gives at least one row of what worker2 has
my @questions = (
    "SELECT count(*) > 0 FROM citus_stat_activity WHERE global_pid = $gpid AND NOT is_worker_query",
    "SELECT count(*) > 0 FROM citus_dist_stat_activity WHERE global_pid = $gpid",
    "SELECT count(*) > 0 FROM citus_locks WHERE global_pid = $gpid",
    "SELECT count(*) > 0 FROM get_global_active_transactions() WHERE global_pid = $gpid",
    'SELECT count(*) = 0 FROM citus_lock_waits',
    'SELECT count(*) >= 0 FROM dump_global_wait_edges()');

sub ask_all {
    my ($state, @asked) = @_;
    for my $question (@asked) {
        my ($view) = $question =~ /FROM (\w+)/;
        my $start = time;
        my ($status, $out, $err) = $c->try_on('coordinator', $question);
        is($out, 't', "$view, a node $state: the others' rows") or diag($err);
        like($err, qr/WARNING:/, "$view, a node $state: a warning");
        cmp_ok(time - $start, '<', 20, "$view, a node $state: in bounded time");
    }
}

my ($postmaster) = slurp_file($c->node('worker1')->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my @stopped = ($postmaster, grep { /^\d+$/ } split /\s+/, `pgrep -P $postmaster`);
kill STOP => @stopped;
END { kill CONT => @stopped if @stopped }
# one question of each way of asking: each waits for a while
ask_all('that hangs', @questions[0, 3]);
kill CONT => @stopped;
@stopped = ();
$client->query('ROLLBACK');
$client->query('BEGIN; INSERT INTO t VALUES (100), (101), (102), (103), (104)');
$c->stop('worker1', 'immediate');
ask_all('that is down', @questions);
is($c->sql('SELECT count(*) FROM citus_tables'), '1', 'citus_tables');
is($c->sql('SELECT count(*) FROM citus_shards'), '4', 'citus_shards');
$client->quit;
$c->start('worker1');
$c->check('at the end');
done_testing();
