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

# each has something of what worker2 has, or of the catalog
my @questions = (
    "SELECT count(*) > 0 FROM citus_stat_activity WHERE global_pid = $gpid AND NOT is_worker_query",
    "SELECT count(*) > 0 FROM citus_dist_stat_activity WHERE global_pid = $gpid",
    "SELECT count(*) > 0 FROM citus_locks WHERE global_pid = $gpid",
    "SELECT count(*) > 0 FROM get_global_active_transactions() WHERE global_pid = $gpid",
    'SELECT count(*) = 0 FROM citus_lock_waits',
    'SELECT count(*) >= 0 FROM dump_global_wait_edges()',
    'SELECT count(size) = 2 FROM citus_shard_sizes()',
    "SELECT count(*) = 1 AND min(shard_count) = 4 FROM citus_tables",
    'SELECT count(shard_size) >= 2 AND count(*) = 4 FROM citus_shards');

# all at the same time
sub ask_all {
    my ($state) = @_;
    my $start = time;
    my @sessions = map {
        my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
        $session->query_until(qr/go/, "\\echo go\n$_;\n");
        $session
    } @questions;
    for my $question (@questions) {
        my ($view) = $question =~ /FROM (\w+)/;
        my $session = shift @sessions;
        like($session->query('\echo'), qr/^t$/m, "$view, a node $state: what is known");
        like($session->{stderr}, qr/WARNING:/, "$view, a node $state: a warning");
        unlike($session->{stderr}, qr/ERROR:/, "$view, a node $state: no error");
        $session->quit;
    }
    cmp_ok(time - $start, '<', 200, "a node $state: in bounded time");
}

my ($postmaster) = slurp_file($c->node('worker1')->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my @stopped = ($postmaster, grep { /^\d+$/ } split /\s+/, `pgrep -P $postmaster`);
kill STOP => @stopped;
END { kill CONT => @stopped if @stopped }
ask_all('that hangs');
kill CONT => @stopped;
@stopped = ();
$client->query('ROLLBACK');
$client->query('BEGIN; INSERT INTO t VALUES (100), (101), (102), (103), (104)');
$c->stop('worker1', 'immediate');
ask_all('that is down');
$client->quit;
$c->start('worker1');
$c->check('at the end');
done_testing();
