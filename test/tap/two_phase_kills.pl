# Each step of two-phase commit, with each participant killed there: an acknowledged write is never
# lost, none is half applied, nothing stays prepared.  And what others see while a commit stands
# still on one of two nodes.  With the stop points of servers built for it (17 and later).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish);
use Test::More;

my $sharedir = `$ENV{PG_CONFIG} --sharedir`;
chomp $sharedir;
plan skip_all => 'this server has no injection points'
    unless -e "$sharedir/extension/injection_points.control";

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = -1\n");
my $all = q{SELECT string_agg(DISTINCT v::text, ' ') FROM t};
$c->sql_on($_, 'CREATE EXTENSION IF NOT EXISTS injection_points') for $c->names;
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) i});
my $value = 0;
my $settings = '';

sub psql {
    my ($sql) = @_;
    my %run = (out => '', err => '');
    my $server = $c->node('coordinator');
    $run{h} = start(['psql', '-X', '-q', '-A', '-t', '-d', 'citus', '-h', $server->host,
                     '-p', $server->port, map { ('-c', $_) } split /;\s*/, $sql],
                    '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

# A transaction over both workers that stands still at the point of a node.
sub stop_at {
    my ($node, $point) = @_;
    $c->sql_on($node, "SELECT injection_points_attach('citus-$point', 'wait')");
    $value++;
    my $run = psql("${settings}UPDATE t SET v = $value");
    $c->stands_at($node, "citus-$point") or die "not stopped at $point of $node";
    $c->sql_on($node, "SELECT injection_points_detach('citus-$point')");
    return $run;
}

sub go_on {
    my ($node, $point) = @_;
    $c->wake($node, "citus-$point");
}

sub kill_at {
    my ($node, $point, $victim, $commits) = @_;
    my $before = $value;
    my $run = stop_at($node, $point);
    $c->kill9($victim);
    go_on($node, $point) if $node ne $victim;
    finish $run->{h};
    my $acknowledged = $run->{h}->result == 0;
    $c->start($victim);
    $c->sql('SELECT recover_prepared_transactions()');
    my $what = "$point of $node, kill of $victim";
    is($c->sql($all), $commits ? $value : $before, "$what: " . ($commits ? 'done' : 'undone'));
    ok(!$acknowledged || $commits, "$what: the client was told the truth");
    is(join(' ', map { $c->sql_on($_, 'SELECT count(*) FROM pg_prepared_xacts') } $c->names),
       '0 0 0', "$what: nothing stays prepared");
    $value = $c->sql($all);
}

# What is read while worker1 has not yet committed and worker2 has.
my $run = stop_at('worker1', 'txn-part-before-commit');
$c->wait_until('worker2', 'SELECT count(*) = 0 FROM pg_prepared_xacts', 'worker2 has committed');
is($c->sql("SET citus.cluster_snapshots = off; $all"), '0 1', 'half of it, without snapshots');
$c->fails("SET lock_timeout = '300ms'; $all", qr/could not take a snapshot over all nodes/,
          'a reader waits, at most lock_timeout');
my ($status, undef, $err) = $c->try_on('coordinator', "SET statement_timeout = '300ms'; $all");
like($err, qr/canceling statement due to statement timeout/, 'and can be cancelled');
$c->fails("SET lock_timeout = '300ms'; BEGIN ISOLATION LEVEL REPEATABLE READ; $all",
          qr/could not take a snapshot over all nodes/, 'so does a transaction');
is($c->sql('SELECT v FROM t WHERE k = 1'), $c->sql('SELECT v FROM t WHERE k = 1'),
   'who reads one row does not');
my $reader = psql($all);
$c->wait_until('coordinator', "SELECT count(*) > 0 FROM pg_stat_activity
    WHERE query LIKE '%string_agg%' AND pid <> pg_backend_pid() AND state = 'active'", 'it reads');
go_on('worker1', 'txn-part-before-commit');
finish $_->{h} for $run, $reader;
is($reader->{out}, "1\n", 'then it sees all of it');

kill_at('coordinator', 'txn-before-prepare', 'coordinator', 0);
kill_at('coordinator', 'txn-before-prepare', 'worker1', 0);
kill_at('worker1', 'txn-part-before-prepare', 'coordinator', 0);
kill_at('worker1', 'txn-part-before-prepare', 'worker1', 0);
kill_at('worker1', 'txn-part-before-prepare', 'worker2', 1);
kill_at('coordinator', 'txn-after-prepare', 'worker2', 1);
kill_at('worker1', 'txn-part-before-commit', 'coordinator', 1);
kill_at('worker1', 'txn-part-before-commit', 'worker1', 1);
kill_at('worker1', 'txn-part-before-commit', 'worker2', 1);
kill_at('worker1', 'txn-part-after-commit', 'coordinator', 1);
kill_at('worker1', 'txn-part-after-commit', 'worker1', 1);

# A client that does not wait for the disk: the commit that decides does, or part of it would be lost.
# The writer of the log is kept from being there first: it has been woken, and has just been at work.
$settings = 'SET synchronous_commit = off; ';
$c->set('wal_writer_delay', '10s');
for (1 .. 2) {
    my $written = $c->sql("${settings}SELECT pg_logical_emit_message(true, 'test', 'written')");
    $c->wait_until('coordinator', "SELECT pg_current_wal_lsn() >= '$written'", 'the log is written');
}
$run = stop_at('worker1', 'txn-part-before-commit');
$c->wait_until('worker2', 'SELECT count(*) = 0 FROM pg_prepared_xacts', 'worker2 has committed');
$c->kill9($_) for 'worker1', 'coordinator';
finish $run->{h};
$c->start($_) for 'worker1', 'coordinator';
is($c->sql('SELECT recover_prepared_transactions()'), '1', 'what is left on worker1 is resolved');
is($c->sql($all), $value, 'what one node had committed, all have');
$c->check;
done_testing();
