# Connections between nodes: how many there are over all sessions, who waits for one, and what
# happens when a node has none left.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});
my $count = q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'citus_internal%'
    AND backend_type = 'client backend'};
my $dir = $c->node('coordinator')->basedir;

sub pgbench {
    my ($clients, $transactions, $script) = @_;
    my $file = "$dir/pgbench.sql";
    unlink $file;
    append_to_file($file, $script);
    my %run = (out => '', err => '');
    $run{h} = start(['pgbench', '-n', '-c', $clients, '-j', '2', '-t', $transactions, '-f', $file,
                     '-h', $c->node('coordinator')->host, '-p', $c->port('coordinator'), 'citus'],
                    '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

# Runs to its end, and tells the most connections that a worker had.
sub most_connections {
    my ($run) = @_;
    my $most = 0;
    while ($run->{h}->pumpable) {
        $run->{h}->pump_nb;
        for my $worker ('worker1', 'worker2') {
            my $n = $c->sql_on($worker, $count);
            $most = $n if $n > $most;
        }
    }
    finish $run->{h};
    return $most;
}

# A limit over all sessions: the rest waits in line.
my $limit = 4;
$c->set('citus.max_shared_pool_size', $limit);
my $run = pgbench(16, 8, q{
\set i random(1, 100)
\set j random(1, 100)
SELECT v FROM t WHERE k = :i;
UPDATE t SET v = v WHERE k = :i;
SELECT count(*) FROM t;
});
my $most = most_connections($run);
unlike($run->{err}, qr/ERROR|aborted/, '16 clients share connections: no error') or diag $run->{err};
# one more for a moment: the server has not seen yet that a connection was closed; and the daemon's
cmp_ok($most, '<=', $limit + 2, "at most $limit connections to a node: $most");
cmp_ok($most, '>', 1, 'but more than one');

# Transactions that take connections to both nodes, in any order: those that keep each other waiting
# are told so; the others go on.
$limit = 2;
$c->set('citus.max_shared_pool_size', $limit);
$run = pgbench(8, 8, q{
\set i random(1, 100)
\set j random(1, 100)
BEGIN;
SELECT v FROM t WHERE k = :i;
SELECT v FROM t WHERE k = :j;
END;
});
my $start = time;
$most = most_connections($run);
cmp_ok($most, '<=', $limit + 2, "at most $limit connections of transactions: $most");
cmp_ok(time - $start, '<', 60, 'nobody waits for ever');
unlike($run->{err} =~ s/.*deadlock.*//gr, qr/ERROR/, 'no other errors') or diag $run->{err};
is($c->sql(q{SELECT coalesce(max(connection_count_to_node), 0) <= } . $limit
           . ' FROM citus_remote_connection_stats()'), 't', 'they are counted');

# What sessions keep when they are idle, and for how long.
$c->set('citus.max_shared_pool_size', '0');
my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
my $gpid = $session->query('SELECT citus_backend_gpid()');
my $mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'citus_internal gpid=$gpid'";
$session->query('SET citus.force_max_query_parallelization = on; SELECT count(*) FROM t');
$c->wait_until('worker1', "SELECT ($mine) = 1", 'one idle connection a node is kept');
$session->query('SET citus.max_cached_conns_per_worker = 0; SELECT count(*) FROM t');
$c->wait_until('worker1', "SELECT ($mine) = 0", 'none, if none is wanted');
$session->query('RESET citus.max_cached_conns_per_worker; SELECT count(*) FROM t');
$c->wait_until('worker1', "SELECT ($mine) = 1", 'one again');
$session->query("SET citus.max_cached_connection_lifetime = '10ms'; SELECT pg_sleep(0.1)");
$c->wait_until('worker1', "SELECT ($mine) = 0", 'none that is too old');
$session->query('RESET citus.max_cached_connection_lifetime');

# A node that has no place left for a while: the statement waits for one.
$session->quit;
$c->node('worker1')->append_conf('postgresql.conf',
    "max_connections = 12\nsuperuser_reserved_connections = 0\n");
$c->restart('worker1');
sub fill {
    my ($used) = $c->sql_on('worker1', q{SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
    return map { $c->node('worker1')->background_psql('citus', on_error_stop => 0) } 1 .. 12 - $used;
}
my @others = fill();
my ($out, $err) = ('', '');
my $waiting = start(['psql', '-X', '-q', '-A', '-t', '-h', $c->node('coordinator')->host,
                     '-p', $c->port('coordinator'), '-c', 'SELECT count(*) FROM t', 'citus'],
                    '>', \$out, '2>', \$err);
$c->wait_until('coordinator', q{SELECT count(*) > 0 FROM pg_stat_activity
    WHERE query = 'SELECT count(*) FROM t' AND state = 'active'
        AND query_start < clock_timestamp() - interval '500ms'}, 'a statement waits for a place');
$_->quit for splice @others, 0, 6;
finish $waiting;
is("$out$err", "100\n", 'and gets one');
$_->quit for @others;

# .. for as long as connecting may take.
@others = fill();
$c->fails("SET citus.node_connection_timeout = '1s'; SELECT count(*) FROM t",
          qr/ERROR:  could not connect to node.*FATAL:  sorry, too many clients already$/s,
          'at most citus.node_connection_timeout');
$_->quit for @others;
$c->check;
done_testing();
