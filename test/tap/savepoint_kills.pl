# Nodes that are stopped, killed or hang inside a savepoint or a PL/pgSQL block that catches errors:
# what was done there since is undone and the transaction goes on without them; when it has done
# something there before, it cannot commit.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 1s\n");
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 40) i;
    CREATE FUNCTION add(int, OUT said text) LANGUAGE plpgsql AS $$
    BEGIN
        said := 'none';
        UPDATE t SET v = v + 1 WHERE k = $1;
    EXCEPTION WHEN connection_failure OR query_canceled THEN said := SQLSTATE;
    END $$});
my ($there, $elsewhere) = map { scalar $c->key_on('t', $_) } 'worker1', 'worker2';

# another key of worker1
my $beside = $c->sql("SELECT min(k) FROM t WHERE k <> $there AND get_shard_id_for_distribution_column('t', k)
    = get_shard_id_for_distribution_column('t', $there)");

my @stopped;
END { kill CONT => @stopped if @stopped }
my %away = (
    'is stopped' => sub { $c->stop('worker1', 'fast') },
    'is killed' => sub { $c->kill9('worker1') },
    'hangs' => sub {
        my ($postmaster) = slurp_file($c->node('worker1')->data_dir . '/postmaster.pid') =~ /^(\d+)/;
        @stopped = ($postmaster, grep { /^\d+$/ } split /\s+/, `pgrep -P $postmaster`);
        kill STOP => @stopped;
    });
sub comes_back {
    kill CONT => @stopped if @stopped;
    $c->start('worker1') unless @stopped;
    @stopped = ();
}

my $v = 0;      # that both keys have
sub session {
    my $s = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $s->query('SELECT count(*) FROM t');
    return $s;
}
# with the limits that a client sets who does not want to wait for a node that hangs
sub begin {
    my ($s, @before) = @_;
    $s->{stderr} = '';
    $s->query("SET statement_timeout = '60s'");
    $s->query('BEGIN');
    $s->query("UPDATE t SET v = v + 1 WHERE k = $_") for @before;
}
my $lost = qr/ERROR:  (could not connect to node|connection to node|canceling statement due to statement timeout)/;
sub both { $c->sql("SELECT string_agg(v::text, ' ' ORDER BY k = $there DESC) FROM t WHERE k IN ($there, $elsewhere)") }

# each way of being away with what is different about it: what hangs takes its time
for my $how (sort keys %away) {
    my ($plain, $block, $depends, $read, $nested) = map { session() } 1 .. ($how eq 'is killed' ? 5 : 3);
    my @sessions = grep { defined } $plain, $block, $depends, $read, $nested;
    begin($plain, $elsewhere);
    $plain->query('SAVEPOINT s');
    $plain->query("UPDATE t SET v = v + 100 WHERE k = $there; SAVEPOINT deeper");
    begin($block);
    begin($depends, $beside);       # written there before the savepoint
    $depends->query('SAVEPOINT s');
    if ($read) {
        begin($_) for $read, $nested;
        $read->query("SAVEPOINT s; SELECT v FROM t WHERE k = $there");
        $nested->query('SAVEPOINT a; SAVEPOINT b');
    }
    is(join('', map { $_->{stderr} } @sessions), '', "worker1 $how: all have begun");

    my $start = time;
    $away{$how}->();
    if ($how eq 'hangs') { $_->query("SET LOCAL statement_timeout = '2s'") for @sessions }

    # something was written there, since the savepoint
    $plain->query("UPDATE t SET v = v + 100 WHERE k = $there");
    like($plain->{stderr}, $lost, "worker1 $how: a write fails");
    $plain->{stderr} = '';
    $plain->query('ROLLBACK TO s; RELEASE s; SET LOCAL statement_timeout = 0');
    is($plain->query("UPDATE t SET v = v + 1 WHERE k = $elsewhere RETURNING v"), $v + 2,
       "worker1 $how: the transaction goes on");
    $plain->query('COMMIT');
    is($plain->{stderr}, '', "worker1 $how: and commits");
    $v += 2;

    # errors that are caught
    like($block->query("SELECT add($there)"), qr/^(08006|57014)$/, "worker1 $how: an error is caught");
    $block->query('SET LOCAL statement_timeout = 0');
    is($block->query("SELECT add($elsewhere)"), 'none', "worker1 $how: the next one is not one");
    $block->query('COMMIT');
    is($block->{stderr}, '', "worker1 $how: and it commits");
    $v += 1;

    if ($read) {
        # only read there
        $read->query("SELECT v FROM t WHERE k = $there");
        like($read->{stderr}, $lost, "worker1 $how: a read fails");
        $read->{stderr} = '';
        $read->query('ROLLBACK TO s; SET LOCAL statement_timeout = 0');
        is($read->query("UPDATE t SET v = v + 1 WHERE k = $elsewhere RETURNING v"), $v + 1,
           "worker1 $how: after a read the transaction goes on");
        $read->query('COMMIT');
        is($read->{stderr}, '', "worker1 $how: and commits");
        $v += 1;

        # levels, of which the inner one is given up
        $nested->query("UPDATE t SET v = v + 100 WHERE k = $there");
        like($nested->{stderr}, $lost, "worker1 $how: in two levels");
        $nested->{stderr} = '';
        $nested->query("ROLLBACK TO b; SET LOCAL statement_timeout = 0; UPDATE t SET v = v + 1 WHERE k = $elsewhere");
        $nested->query('RELEASE a; COMMIT');
        is($nested->{stderr}, '', "worker1 $how: the outer one is kept");
        $v += 1;
    }

    # written before the savepoint
    $depends->query("UPDATE t SET v = v + 100 WHERE k = $there");
    like($depends->{stderr}, $lost, "worker1 $how: of which the transaction depends");
    $depends->{stderr} = '';
    $depends->query('ROLLBACK TO s; SET LOCAL statement_timeout = 0');
    $depends->query("UPDATE t SET v = v + 100 WHERE k = $elsewhere");
    $depends->query('COMMIT');
    like($depends->{stderr}, qr/ERROR:  connection to node .* was lost/, "worker1 $how: so it cannot commit");
    cmp_ok(time - $start, '<', 200, "worker1 $how: all in bounded time");

    comes_back();
    $c->wait_until('coordinator', 'SELECT bool_and(result) FROM citus_check_cluster_node_health()', 'it is back');
    is(both(), "0 $v", "worker1 $how: what was to be kept is kept");
    is($c->sql('SELECT sum(v) FROM t'), $v, "worker1 $how: and nothing else");
    for my $s (@sessions) {
        $s->{stderr} = '';
        $s->query('SELECT count(*) FROM t');    # may meet the broken connection
        is($s->query("SELECT v FROM t WHERE k = $there"), '0', "worker1 $how: the session goes on");
        $s->quit;
    }
    $c->wait_until($_, 'SELECT count(*) = 0 FROM pg_prepared_xacts', "worker1 $how: nothing is prepared on $_")
        for $c->names;
    is($c->sql("SET lock_timeout = '30s'; BEGIN; LOCK TABLE t; ROLLBACK; SELECT 1"), '1', "worker1 $how: nothing is locked");
}

# written first inside of what was given up, then outside: the transaction depends on it
{
    my $s = session();
    begin($s);
    $s->query("DO 'BEGIN UPDATE t SET v = v + 100 WHERE k = $there; RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN NULL; END'");
    $s->query("UPDATE t SET v = v + 100 WHERE k = $beside; UPDATE t SET v = v + 100 WHERE k = $elsewhere");
    $s->query('SAVEPOINT s');
    is($s->{stderr}, '', 'written at both levels');
    $c->kill9('worker1');
    $s->query("UPDATE t SET v = v + 100 WHERE k = $there");
    like($s->{stderr}, $lost, 'written at both levels: worker1 is lost');
    $s->{stderr} = '';
    $s->query('ROLLBACK TO s; COMMIT');
    like($s->{stderr}, qr/ERROR:  connection to node .* was lost/, 'written at both levels: no part of it commits');
    $s->quit;
    $c->start('worker1');
    $c->wait_until('coordinator', 'SELECT bool_and(result) FROM citus_check_cluster_node_health()', 'it is back again');
    is(both(), "0 $v", 'written at both levels: nothing is kept');
}

# killed, and back before the savepoint is given up: what comes then goes to the new server
my $s = session();
begin($s, $elsewhere);
$s->query("SAVEPOINT s; UPDATE t SET v = v + 100 WHERE k = $there");
$c->kill9('worker1');
$c->start('worker1');
$s->query('ROLLBACK TO s');
is($s->query("UPDATE t SET v = v + 1 WHERE k = $there RETURNING v"), '1', 'the node is written again');
$s->query('COMMIT');
is($s->{stderr}, '', 'and it commits on both');
is(both(), '1 ' . ($v + 1), 'what was to be kept is kept');
$s->quit;
$c->check;
done_testing();
