# Requests and answers of the commit protocol that are lost on their way, at each step, and cancel
# requests that come while it is under way: the client is told what happened, or that nobody knows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;
use Time::HiRes qw(sleep);

my $c = CitusCluster->new(workers => 2, relay => 'worker1', conf => "citus.recover_2pc_interval = -1\n");
my $relay = $c->relay;
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 40) i});
my $there = $c->key_on('t', 'worker1');
$c->sql('SELECT recover_prepared_transactions()');

my $session;
my $value = 0;
my $one = sub { "UPDATE t SET v = $value WHERE k = $there;" };
my $all = sub { "UPDATE t SET v = $value;" };

sub session {
    $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $session->query('\set VERBOSITY sqlstate');
    $session->query('\set ECHO none');
    $session->query($_[0]) if $_[0];
}

# What the client is told: the SQLSTATE of an error, or "done".
sub begin_statement { $session->{stderr} = ''; $session->query_until(qr/go/, "\\echo go\n$_[0]\n") }
sub told {
    $session->query('\echo');
    my $told = $session->{stderr};
    return $told =~ /ERROR: +(\w+)/ ? $1 : 'done';
}

# After recovery: has the statement changed all, or nothing?
sub happened {
    my ($what, $condition) = @_;
    $relay->go_on;
    $c->sql('SELECT recover_prepared_transactions()');
    is($c->sql_on($_, 'SELECT count(*) FROM pg_prepared_xacts'), '0', "$what: nothing is prepared on $_")
        for 'worker1', 'worker2';
    my $values = $c->sql('SELECT DISTINCT v FROM t' . ($condition // ''));
    $values =~ /\n/ and return 'half';
    return $values eq $value ? 'committed' : 'not committed';
}

sub case {
    my ($text, $action, $sql, $told, $happened, $what, $condition) = @_;
    session();      # whose connections have prepared nothing
    $value++;
    $relay->when($text, $action);
    begin_statement($sql->());
    $relay->wait_for($action);
    is(told(), $told, "$what: told $told");
    if ($text eq 'COMMIT PREPARED') {
        # who is told so can rely on it, at once
        is($c->sql("SELECT v FROM t WHERE k = $there"), $value, "$what: visible to all");
        unlike($session->{stderr}, qr/WARNING/, "$what: nothing is left to do");
    }
    is(happened($what, $condition), $happened, "$what: $happened");
    is($session->query('SELECT count(*) FROM t'), '40', "$what: the session goes on");
    $session->quit;
}

# BEGIN .. READ COMMITTED is not meant
my $where = " WHERE k = $there";
my $block = sub { my $sql = $_[0]; sub { 'BEGIN; ' . $sql->() . ' COMMIT;' } };

# One node writes: the statement by itself, and in a block.
case('UPDATE', 'lose_request', $one, '08007', 'not committed', 'one shard, request lost', $where);
case('UPDATE', 'lose_answer', $one, '08007', 'committed', 'one shard, answer lost', $where);
case('UPDATE', 'lose_request', $block->($one), '08006', 'not committed', 'in a block, request lost', $where);
case("COMMIT\0", 'lose_request', $block->($one), '08007', 'not committed', 'COMMIT lost', $where);
case("COMMIT\0", 'lose_answer', $block->($one), '08007', 'committed', 'answer to COMMIT lost', $where);
$c->sql('UPDATE t SET v = 0');

# Several write.
$c->sql('UPDATE t SET v = ' . $value);
case('UPDATE', 'lose_request', $all, '08006', 'not committed', 'all shards, request lost');
case('UPDATE', 'lose_answer', $all, '08006', 'not committed', 'all shards, answer lost');
case('PREPARE TRANSACTION', 'lose_request', $all, '08006', 'not committed', 'PREPARE lost');
case('PREPARE TRANSACTION', 'lose_answer', $all, '08006', 'not committed', 'answer to PREPARE lost');
case('COMMIT PREPARED', 'lose_request', $all, 'done', 'committed', 'COMMIT PREPARED lost');
case('COMMIT PREPARED', 'lose_answer', $all, 'done', 'committed', 'answer to COMMIT PREPARED lost');
# a reader of one node whose answer is lost does not matter
case("COMMIT\0", 'lose_answer', sub { "BEGIN; SELECT 1 FROM t WHERE k = $there; COMMIT; " . $all->() },
     'done', 'committed', 'answer to the COMMIT of a reader lost');

# A time-out or cancel request while the answer is on its way: the statement has been carried out.
sub late {
    my ($text, $sql, $what, $condition) = @_;
    my $cancels = $what =~ /^a cancel/;
    session($cancels ? 'SELECT 1' : "SET statement_timeout = '500ms'");
    my $pid = $session->query('SELECT pg_backend_pid()');
    $value++;
    $relay->when($text, 'hold_answer');
    begin_statement($sql->());
    $relay->wait_for('hold_answer');
    my $connections = $relay->connections;
    $c->sql("SELECT pg_cancel_backend($pid)") if $cancels;
    if ($text ne 'COMMIT PREPARED') {
        # the request is passed on
        for (1 .. 500) { last if $relay->connections > $connections; sleep 0.02 }
        cmp_ok($relay->connections, '>', $connections, "$what: was passed on");
    }
    $relay->go_on;
    is(told(), 'done', "$what: it is done");
    is(happened($what, $condition), 'committed', "$what: and committed");
    is($session->query('SELECT count(*) FROM t'), '40', "$what: the session goes on");
    $session->quit;
}
late('UPDATE', $one, 'a time-out of a statement', $where);
late('UPDATE', $one, 'a cancel request for a statement', $where);
late("COMMIT\0", $block->($one), 'a time-out of COMMIT', $where);
late("COMMIT\0", $block->($one), 'a cancel request for COMMIT', $where);
$c->sql("UPDATE t SET v = $value");
late('COMMIT PREPARED', $all, 'a cancel request for COMMIT PREPARED');

# Work that can still be canceled is.
session("SET statement_timeout = '500ms'");
my $holder = $c->node('worker1')->background_psql('citus');
$holder->query("SET citus.enable_manual_changes_to_shards = on; BEGIN; UPDATE t SET v = v WHERE k = $there");
begin_statement("UPDATE t SET v = -1 WHERE k = $there;");
is(told(), '57014', 'a statement that waits for a lock is canceled');
$holder->query('ROLLBACK');
$holder->quit;
is(happened('a canceled statement'), 'committed', 'and has changed nothing');

$session->quit;
$c->check;
done_testing();
