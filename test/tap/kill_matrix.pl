# Every step of a commit over three nodes, begun on the coordinator or on a worker, with every one of
# them killed there, the server or only the process: what was acknowledged is there, what was refused
# is not, nothing is half done or left over.  With the stop points of servers built for it (17 and later).
#
#   KILL_MATRIX=all        all 72 cases (six of them)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish);
use Test::More;
use Time::HiRes qw(sleep);

my $sharedir = `$ENV{PG_CONFIG} --sharedir`;
chomp $sharedir;
plan skip_all => 'this server has no injection points'
    unless -e "$sharedir/extension/injection_points.control";

my $c = CitusCluster->new(workers => 2,
    conf => "citus.recover_2pc_interval = -1\nrestart_after_crash = on\n");
$c->sql_on($_, 'CREATE EXTENSION IF NOT EXISTS injection_points') for $c->names;
$c->sql(q{
    SELECT citus_set_node_property('localhost', } . $c->port('coordinator') . q{, 'shouldhaveshards', true);
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 6);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 60) i});
is($c->sql("SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = 't'::regclass"), '3',
   'shards on all nodes');
my @nodes = ('coordinator', 'worker1', 'worker2');
my $value = 0;

# step, where it is: on the initiator, or on another participant; decided there?
my @steps = (
    ['txn-before-prepare', 'initiator', 0], ['txn-part-before-prepare', 'part', 0],
    ['txn-after-prepare', 'initiator', 0], ['txn-before-commit-prepared', 'initiator', 1],
    ['txn-part-before-commit', 'part', 1], ['txn-part-after-commit', 'part', 1]);

sub wait_alive {
    my ($node) = @_;
    for (1 .. 600) {
        return if ($c->node($node)->psql('citus', 'SELECT 1', timeout => 10) // 1) == 0;
        sleep 0.1;
    }
    die "$node does not come back";
}

sub kill_at {
    my ($initiator, $part, $step, $place, $decided, $victim, $how) = @_;
    my $stopped = $place eq 'part' ? $part : $initiator;
    my $point = "citus-$step";
    my $what = "$step on $stopped, begun on $initiator, kill of $victim" . ($how eq 'process' ? "'s process" : '');
    my $before = $value++;
    $c->sql_on($stopped, "SELECT injection_points_attach('$point', 'wait')");
    my ($out, $err) = ('', '');
    my $run = start(['psql', '-X', '-q', '-A', '-t', '-d', 'citus', '-h', $c->node($initiator)->host,
                     '-p', $c->port($initiator), '-c', "UPDATE t SET v = $value"], '>', \$out, '2>', \$err);
    $c->stands_at($stopped, $point) or die "$what: not stopped";
    $c->sql_on($stopped, "SELECT injection_points_detach('$point')");
    if ($how eq 'process') {
        # the one that works for this transaction there
        my $pid = $c->sql_on($victim, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'
            AND pid <> pg_backend_pid() AND " . ($victim eq $initiator ? "query LIKE 'UPDATE t SET v = $value'"
            : "application_name LIKE 'citus_internal%'") . " ORDER BY (wait_event = '$point') DESC LIMIT 1");
        kill KILL => $pid;
        sleep 0.05;
    }
    else { $c->kill9($victim) }
    if ($victim ne $stopped) {
        eval { $c->wake($stopped, $point) };
    }
    finish $run;
    my $acknowledged = $run->result == 0;
    my $refused = !$acknowledged && $victim ne $initiator && $err =~ /ERROR/;
    $c->start($victim) if $how eq 'server';
    wait_alive($_) for @nodes;
    $c->sql_on($_, 'SELECT recover_prepared_transactions()') for @nodes;
    my $now = $c->sql('SELECT string_agg(DISTINCT v::text, $$ $$) FROM t');
    ok($now eq $value || $now eq $before, "$what: all or nothing") or diag "$now instead of $before or $value; $err";
    is($now, $value, "$what: acknowledged, and there") if $acknowledged;
    is($now, $before, "$what: refused, and not there") or diag $err if $refused;
    is($now, $decided ? $value : $before, "$what: as it was decided") if $victim eq $initiator;
    is(join(' ', map { $c->sql_on($_, 'SELECT count(*) FROM pg_prepared_xacts') } @nodes), '0 0 0',
       "$what: nothing is prepared");
    is(join(' ', map { $c->sql_on($_, 'SELECT count(*) FROM pg_dist_transaction') } @nodes), '0 0 0',
       "$what: no record is left");
    $value++;
    is(($c->try_on($initiator, "UPDATE t SET v = $value"))[0], 0, "$what: the next one goes through");
}

my @cases;
for my $initiator ('coordinator', 'worker1') {
    my ($part) = grep { $_ ne $initiator && $_ ne 'worker2' } @nodes;
    for my $step (@steps) {
        for my $victim (@nodes) {
            push @cases, [$initiator, $part, @$step, $victim, $_] for 'server', 'process';
        }
    }
}
# each step once, each kind of victim
@cases = @cases[1, 38, 14, 57, 28, 71] unless ($ENV{KILL_MATRIX} // '') eq 'all';
kill_at(@$_) for @cases;
$c->check;
done_testing();
