# Deadlocks that no single node sees: one of those in the cycle fails with 40P01, the others go on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;
use Time::HiRes qw(time);

my $c = CitusCluster->new(workers => 2, conf => "log_lock_waits = on\n");
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});
my ($k1, $k2, $k3) = ($c->key_on('t', 'worker1'), $c->key_on('t', 'worker2', n => 2));

# A session; do() waits for the end of a statement, start() does not, state() is the SQLSTATE of
# what was started.
sub session {
    my ($node) = @_;
    return bless { psql => $c->node($node // 'coordinator')->background_psql('citus', on_error_stop => 0) };
}
sub do {
    my ($self, $sql) = @_;
    $self->start($sql);
    return $self->state;
}
sub start {
    my ($self, $sql) = @_;
    $self->{psql}{stdin} .= "$sql;\n\\echo result=:SQLSTATE\n";
    $self->{psql}{run}->pump_nb;
}
sub state {
    my ($self) = @_;
    my $out = $self->{psql}->query_until(qr/result=\w{5}\n/, '');
    return $out =~ /result=(\w+)/ ? $1 : "none: $out";
}
# what the last statement that failed said, whole
sub message {
    my ($self) = @_;
    my $psql = $self->{psql};
    $psql->{stderr} = '';
    $psql->{stdin} .= "\\errverbose\n\\warn said\n";
    $psql->{run}->pump until $psql->{stderr} =~ /said\n/;
    return $psql->{stderr};
}
sub fails_without_rights {
    my ($self) = @_;
    is($self->do("SELECT * FROM $_()"), '42501', "$_() is not for everybody")
        for qw(check_distributed_deadlocks dump_local_wait_edges dump_global_wait_edges);
}
sub quit { eval { $_[0]{psql}->quit } }

sub update { "UPDATE t SET v = v + 1 WHERE k = $_[0]" }

sub waiters_are {
    my ($n) = @_;
    $c->wait_until('coordinator', "SELECT count(DISTINCT waiting_global_pid) = $n FROM dump_global_wait_edges()",
                   "$n sessions wait");
}

# Starts the last statement of each, in order; one fails, the others commit.
sub resolves {
    my ($what, $victim, @steps) = @_;
    my $start = time;
    my $n = 0;
    for (@steps) {
        $_->[0]->start($_->[1]);
        # once all of them wait, the cycle may be gone at any time
        waiters_are($n) if ++$n < @steps;
    }
    is($steps[$victim][0]->state, '40P01', "$what: the youngest fails");
    like($steps[$victim][0]->message, qr/DETAIL:  Transactions wait for each other on different nodes/,
         "$what: it reads why");
    is($steps[$victim][0]->do('ROLLBACK'), '00000', "$what: it rolls back");
    my @left = map { $steps[$_][0] } grep { $_ != $victim } reverse 0 .. $#steps;
    return ($start, @left);
}

my ($x, $y) = map { session() } 1 .. 2;
my $away = session('worker1');

# ---- two transactions of one node ----

$x->do('BEGIN');
$x->do(update($k1));
$y->do('BEGIN');
$y->do(update($k2));
my ($start) = resolves('two', 1, [ $x, update($k2) ], [ $y, update($k1) ]);
is($x->state, '00000', 'two: the other goes on');
is($x->do('COMMIT'), '00000', 'two: and commits');
cmp_ok(time - $start, '<', 15, 'two: within some seconds');
is($c->sql("SELECT sum(v) FROM t"), 2, 'two: its changes are there');

# ---- of two nodes; the younger one waits for a shard of its own node ----

$x->do('BEGIN');
$x->do(update($k1));
$away->do('BEGIN');
$away->do(update($k2));
resolves('from two nodes', 1, [ $x, update($k2) ], [ $away, update($k1) ]);
is($x->state, '00000', 'from two nodes: the other goes on');
is($x->do('COMMIT'), '00000', 'from two nodes: and commits');

$away->do('BEGIN');
$away->do(update($k1));
$x->do('BEGIN');
$x->do(update($k2));
resolves('the other way round', 1, [ $away, update($k2) ], [ $x, update($k1) ]);
is($away->state, '00000', 'the other way round: the other goes on');
is($away->do('COMMIT'), '00000', 'the other way round: and commits');

# ---- three transactions of two nodes ----

$x->do('BEGIN');
$x->do(update($k1));
$away->do('BEGIN');
$away->do(update($k2));
$y->do('BEGIN');
$y->do(update($k3));
resolves('three', 2, [ $x, update($k2) ], [ $away, update($k3) ], [ $y, update($k1) ]);
is($away->state, '00000', 'three: the second goes on');
is($away->do('COMMIT'), '00000', 'three: and commits');
is($x->state, '00000', 'three: the first goes on');
is($x->do('COMMIT'), '00000', 'three: and commits');

# ---- a lock of the shell on one side, a statement without a block on the other ----

$y->do('BEGIN');
$y->do(update($k1));
$x->start(update($k1));
waiters_are(1);
$y->start('ALTER TABLE t ADD COLUMN w int');
is($y->state, '40P01', 'shell: the only distributed transaction fails');
$y->do('ROLLBACK');
is($x->state, '00000', 'shell: the statement goes on');

# ---- a reference table, and a role without privileges ----

$c->sql(q{
    CREATE TABLE r (k int PRIMARY KEY, v int);
    SELECT create_reference_table('r');
    INSERT INTO r VALUES (1, 0);
    CREATE ROLE app;
    GRANT ALL ON t, r TO app});
for ($x, $away) {
    $_->do('SET ROLE app');
    $_->do('BEGIN');
}
$x->do('UPDATE r SET v = v + 1');
$away->do(update($k1));
resolves('reference table', 1, [ $x, 'UPDATE t SET v = v + 1' ], [ $away, 'UPDATE r SET v = v + 1' ]);
is($x->state, '00000', 'reference table: the other goes on');
is($x->do('COMMIT'), '00000', 'reference table: and commits');
$away->fails_without_rights;
$_->do('RESET ROLE') for $x, $away;

# ---- long waits are none ----

my $before = $c->sql("SELECT sum(v) FROM t");
$x->do('BEGIN');
$x->do(update($k1));
$y->do('BEGIN');
$y->do(update($k2));
$y->start(update($k1));
$away->do('BEGIN');
$away->start(update($k2));
waiters_are(2);
$c->sql('SELECT pg_sleep(7)');
is($c->sql('SELECT check_distributed_deadlocks()'), 'f', 'a chain has no victim');
waiters_are(2);
is($x->do('COMMIT'), '00000', 'the first commits');
is($y->state, '00000', 'the second goes on');
is($y->do('COMMIT'), '00000', 'the second commits');
is($away->state, '00000', 'the third goes on');
is($away->do('COMMIT'), '00000', 'the third commits');
is($c->sql('SELECT sum(v) FROM t') - $before, 4, 'nothing is lost');

# ---- by hand ----

$c->set('citus.distributed_deadlock_detection_factor', '-1');
$x->do('BEGIN');
$x->do(update($k1));
$y->do('BEGIN');
$y->do(update($k2));
$x->start(update($k2));
$y->start(update($k1));
waiters_are(2);
my $pid = $c->sql("SELECT citus_pid_for_gpid(waiting_global_pid) FROM dump_global_wait_edges() LIMIT 1");
like($c->sql("SELECT citus_blocking_pids($pid)"), qr/^\{\d+\}$/, 'the one that blocks is named');
is($c->sql('SELECT count(*) FROM get_global_active_transactions() WHERE transaction_number <> 0'), '6',
   'the two sessions, and two each for them');
$c->sql('SELECT pg_sleep(3)');
waiters_are(2);
is($c->sql_on('worker1', 'SELECT check_distributed_deadlocks()'), 'f', 'not the node of the victim');
is($c->sql('SELECT check_distributed_deadlocks()'), 't', 'the node of the victim');
is($y->state, '40P01', 'the youngest fails');
is($y->do('ROLLBACK'), '00000', 'it rolls back');
is($x->state, '00000', 'the other goes on');
is($x->do('COMMIT'), '00000', 'and commits');
$_->quit for $x, $y, $away;
$c->check;
done_testing();
