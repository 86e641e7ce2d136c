# Advisory locks hold over the cluster, whichever node a session is connected to.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2, conf => "deadlock_timeout = 300ms\n");
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});

# A session; do() waits for the end of a statement, start() does not, state() is the SQLSTATE of
# what was started.
sub session {
    my ($node) = @_;
    return bless { psql => $c->node($node)->background_psql('citus', on_error_stop => 0) };
}
sub start {
    my ($self, $sql) = @_;
    $self->{psql}{stdin} .= "$sql;\n\\echo result=:SQLSTATE\n";
    $self->{psql}{run}->pump_nb;
}
sub state {
    my ($self) = @_;
    my $out = $self->{psql}->query_until(qr/result=\w{5}\n/, '');
    ($self->{answer}) = $out =~ /^(.*?)\n?result=/s;
    return $out =~ /result=(\w+)/ ? $1 : "none: $out";
}
sub do {
    my ($self, $sql) = @_;
    $self->start($sql);
    return $self->state;
}
sub answer {
    my ($self, $sql) = @_;
    my $state = $self->do($sql);
    return $state eq '00000' ? $self->{answer} : $state;
}
sub quit { eval { $_[0]{psql}->quit } }

sub waits {
    my ($what) = @_;
    $c->wait_until('coordinator', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}, $what);
}

my $x = session('worker1');
my $y = session('worker2');
my $z = session('coordinator');

# ---- locks of the session ----

is($x->do('SELECT pg_advisory_lock(1)'), '00000', 'a worker locks');
is($y->answer('SELECT pg_try_advisory_lock(1)'), 'f', 'another worker cannot');
is($z->answer('SELECT pg_try_advisory_lock(1)'), 'f', 'the coordinator cannot');
is($x->answer('SELECT pg_try_advisory_lock(1), pg_try_advisory_lock_shared(1)'), 't|t', 'the session itself can');
is($y->answer('SELECT pg_try_advisory_lock(0, 1)'), 't', 'two keys are another lock');
is($x->answer('SELECT pg_try_advisory_lock(0, 1)'), 'f', 'and exclude, too');
is($x->answer('SELECT pg_advisory_unlock(1), pg_advisory_unlock_shared(1)'), 't|t', 'unlocked once');
is($y->answer('SELECT pg_try_advisory_lock_shared(1)'), 'f', 'it was locked twice');
$y->start('SELECT pg_advisory_lock_shared(1)');
waits('who waits is seen');
is($x->answer('SELECT pg_advisory_unlock(1)'), 't', 'unlocked');
is($y->state, '00000', 'who waits goes on');
is($z->answer('SELECT pg_try_advisory_lock_shared(1)'), 't', 'shared with another');
is($x->answer('SELECT pg_try_advisory_lock(1)'), 'f', 'but not exclusively');
is($z->answer('SELECT pg_advisory_unlock_shared(1)'), 't', 'one gives it back');
is($y->do('DISCARD ALL'), '00000', 'the other discards everything');
is($x->answer('SELECT pg_try_advisory_lock(1), pg_try_advisory_lock(0, 1)'), 't|t', 'all were given back');
is($x->do('SELECT pg_advisory_unlock_all()'), '00000', 'all at once');
is($z->answer('SELECT pg_try_advisory_lock(1)'), 't', 'are given back');
is($z->answer('SELECT pg_advisory_unlock(1)'), 't', 'by the coordinator, too');
is($x->answer('SELECT pg_advisory_unlock(1)'), 'f', 'nothing to give back');

# ---- locks of the transaction ----

$x->do('BEGIN');
$x->do('SELECT pg_advisory_xact_lock(1)');
$x->do('SAVEPOINT s');
$x->do('SELECT pg_advisory_xact_lock(2)');
$x->do('SELECT pg_advisory_lock(3)');
is($y->answer('SELECT pg_try_advisory_xact_lock(2)'), 'f', 'locked after a savepoint');
$x->do('ROLLBACK TO s');
is($y->answer('SELECT pg_try_advisory_xact_lock(2)'), 't', 'given back by ROLLBACK TO');
is($y->answer('SELECT pg_try_advisory_xact_lock(1)'), 'f', 'not what was locked before');
is($x->do('COMMIT'), '00000', 'COMMIT');
is($y->answer('SELECT pg_try_advisory_xact_lock(1)'), 't', 'gives the rest back');
is($y->answer('SELECT pg_try_advisory_xact_lock(3)'), 'f', 'but not what is the session\'s');
is($x->do('DO $$ BEGIN PERFORM pg_advisory_xact_lock(4); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN
    PERFORM pg_advisory_xact_lock(5); END $$'), '00000', 'in PL/pgSQL');
$x->do('BEGIN');
is($x->answer('SELECT count(pg_advisory_xact_lock(100 + k)) FROM t WHERE k <= 3'), 3, 'rows of a distributed table');
is($z->answer('SELECT string_agg(pg_try_advisory_xact_lock(100 + k)::text, \' \' ORDER BY k) FROM t WHERE k <= 4'),
   'false false false true', 'lock for all nodes');
$x->do('ROLLBACK');
is($z->answer('SELECT pg_try_advisory_xact_lock(101)'), 't', 'ROLLBACK gives them back');

# ---- waits that do not end well ----

$z->do('SELECT pg_advisory_lock(10)');
$x->do("SET lock_timeout = '100ms'");
is($x->do('SELECT pg_advisory_lock(10)'), '55P03', 'lock_timeout');
$x->do('RESET lock_timeout');
$x->do("SET statement_timeout = '300ms'");
is($x->do('SELECT pg_advisory_lock(10)'), '57014', 'statement_timeout');
$x->do('RESET statement_timeout');
is($y->answer('SELECT pg_try_advisory_xact_lock(3)'), 'f', 'an older lock is still there');
$z->do('SELECT pg_advisory_unlock(10)');
is($y->answer('SELECT pg_try_advisory_xact_lock(10)'), 't', 'who gave up holds nothing');
is($x->answer('SELECT pg_advisory_unlock(3)'), 't', 'given back');

# ---- deadlocks ----

$x->do('SELECT pg_advisory_lock(20)');
$y->do('SELECT pg_advisory_lock(21)');
$x->start('SELECT pg_advisory_lock(21)');
waits('one waits');
$y->start('SELECT pg_advisory_lock(20)');
# one of them fails, the other may then wait for what the failed one still holds
my $failed = 0;
for (1 .. 1000) {
    $_->{psql}{run}->pump_nb for $x, $y;
    $failed = $x->{psql}{stdout} =~ /result=40P01/ ? $x : $y->{psql}{stdout} =~ /result=40P01/ ? $y : 0;
    last if $failed;
    select(undef, undef, undef, 0.01);
}
ok($failed, 'two workers that lock crosswise: one fails with 40P01');
if ($failed) {
    my $other = $failed == $x ? $y : $x;
    $failed->state;
    $failed->do('SELECT pg_advisory_unlock_all()');
    is($other->state, '00000', 'the other goes on');
    $other->do('SELECT pg_advisory_unlock_all()');
}

# rows and advisory locks: no single node sees the whole
for my $nodes (['worker1', 'worker2'], ['worker1', 'coordinator'], ['worker1', 'worker1']) {
    my ($p, $q) = map { session($_) } @$nodes;
    $p->do('SELECT pg_advisory_lock(30)');
    $q->do('BEGIN');
    $q->do('UPDATE t SET v = v + 1 WHERE k IN (1, 2, 3, 4, 5)');
    $p->do('BEGIN');
    $p->start('UPDATE t SET v = v + 1 WHERE k IN (1, 2, 3, 4, 5)');
    $c->wait_until('coordinator', 'SELECT count(*) > 0 FROM dump_global_wait_edges()', 'one waits for rows');
    $q->start('SELECT pg_advisory_xact_lock(30)');
    my $codes = '';
    for (1 .. 1000) {
        $_->{psql}{run}->pump_nb for $p, $q;
        $codes = join ' ', map { $_->{psql}{stdout} =~ /result=(40P01)/ ? $1 : () } $p, $q;
        last if $codes;
        select(undef, undef, undef, 0.01);
    }
    is($codes, '40P01', "@$nodes: one of those who wait for a row and an advisory lock fails");
    $p->quit;
    $q->quit;
}

# ---- ends of sessions, and of the coordinator ----

$x->do('SELECT pg_advisory_lock(40)');
$y->start('SELECT pg_advisory_lock(40)');
waits('one waits');
$x->quit;
is($y->state, '00000', 'the end of a session gives its locks back');
$z->quit;
$c->restart('coordinator');
is($y->do('SELECT pg_advisory_lock(41)'), '08006', 'locks that went with the coordinator are missed');
is($y->answer('SELECT pg_try_advisory_lock(40)'), 't', 'and can be had again');
$c->restart('coordinator');
$y->do('BEGIN');
is($y->do('COMMIT'), '08006', 'no transaction commits that may rely on them');
$c->stop('coordinator');
is($y->do('SELECT pg_advisory_lock(42)'), '08006', 'without the coordinator there are none');
$c->start('coordinator');
$y->quit;

$c->check('the cluster is consistent');
done_testing();
