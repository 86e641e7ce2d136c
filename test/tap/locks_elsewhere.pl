# A lock on a row of one node guards rows of another: who gets the lock next finds there what the one
# before has written; and a lock that was lost with its connection is an error, not forgotten.
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
my ($near, $far) = map { scalar $c->key_on('t', $_) } 'worker2', 'worker1';

sub session {
    my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $session->query('\set VERBOSITY sqlstate');
    $session->query($_) for @_;
    return $session;
}

# Sends SQL and does not wait for its end.
sub start { my ($session, $sql) = @_; $session->{stderr} = ''; $session->query_until(qr/go/, "\\echo go\n$sql\n") }

sub told {
    my ($session) = @_;
    chomp(my $rows = $session->query('\echo'));
    return $session->{stderr} =~ /ERROR: +(\w+)/ ? $1 : $rows eq '' ? 'done' : $rows;
}

sub lock_is_free {
    my ($key) = @_;
    my ($status) = $c->try_on('coordinator', "SELECT FROM t WHERE k = $key FOR UPDATE NOWAIT");
    return $status == 0 ? 'free' : 'held';
}

# The lock is given away when what it guards is to be seen.
my $writer = session('BEGIN', "SELECT FROM t WHERE k = $near FOR UPDATE", "UPDATE t SET v = 1 WHERE k = $far");
$relay->when("COMMIT\0", 'hold_answer');
start($writer, 'COMMIT;');
$relay->wait_for('hold_answer');
is(lock_is_free($near), 'held', 'the lock is held while the other node commits');
$relay->go_on;
is(told($writer), 'done', 'the transaction commits');
is(lock_is_free($near), 'free', 'then the lock is free');
is($c->sql("SELECT v FROM t WHERE k = $far"), '1', 'and what it guarded is there');

# Both nodes write: who follows on the first waits for the other before it reads there.
$writer->query($_) for 'BEGIN', "UPDATE t SET v = 2 WHERE k IN ($near, $far)";
$relay->when('COMMIT PREPARED', 'hold_request');
start($writer, 'COMMIT;');
$relay->wait_for('hold_request');
my $reader = session('BEGIN');
my $pid = $reader->query('SELECT pg_backend_pid()');
is($reader->query("UPDATE t SET v = 3 WHERE k = $near RETURNING 1"), '1', 'the row of the first node is changed');
start($reader, "SELECT v FROM t WHERE k = $far;");
my $state = '';
for (1 .. 25) {
    $state = $c->sql("SELECT state FROM pg_stat_activity WHERE pid = $pid");
    last if $state ne 'active';
    sleep 0.02;
}
is($state, 'active', 'a read of the other waits');
$relay->go_on;
is(told($reader), '2', 'and finds what was written there');
is(told($writer), 'done', 'the transaction commits');
$reader->query('COMMIT');

# So does a write that reads other rows there.
$c->sql("CREATE TABLE u (k int PRIMARY KEY, v int); SELECT create_distributed_table('u', 'k', colocate_with => 't');
    INSERT INTO u VALUES ($far, 0)");
$writer->query($_) for 'BEGIN', "UPDATE t SET v = 8 WHERE k IN ($near, $far)";
$relay->when('COMMIT PREPARED', 'hold_request');
start($writer, 'COMMIT;');
$relay->wait_for('hold_request');
$reader->query('BEGIN');
$reader->query("UPDATE t SET v = 3 WHERE k = $near");
start($reader, "UPDATE u SET v = (SELECT v FROM t WHERE t.k = $far) WHERE k = $far RETURNING v;");
for (1 .. 25) {
    $state = $c->sql("SELECT state FROM pg_stat_activity WHERE pid = $pid");
    last if $state ne 'active';
    sleep 0.02;
}
$relay->go_on;
is(told($reader), '8', 'a write that reads finds what was written there');
is(told($writer), 'done', 'the transaction commits');
$reader->query('COMMIT');

# And one that chooses its rows by what was written there, or whose row was inserted there.
$c->sql("CREATE TABLE m (k int, v int); SELECT create_distributed_table('m', 'k', colocate_with => 't');
    INSERT INTO m VALUES ($far, 1), ($far, 2)");
my $new = $c->key_on('t', 'worker1', from => 100);
sub follow_with {
    my ($write, $expected, $what) = @_;
    $writer->query($_) for 'BEGIN', "UPDATE t SET v = 20 WHERE k IN ($near, $far)",
        "DELETE FROM t WHERE k = $new", "INSERT INTO t VALUES ($new, 20)", "UPDATE m SET v = 20 WHERE k = $far AND v = 2";
    $relay->when('COMMIT PREPARED', 'hold_request');
    start($writer, 'COMMIT;');
    $relay->wait_for('hold_request');
    $reader->query($_) for 'BEGIN', "UPDATE t SET v = 3 WHERE k = $near";
    start($reader, "$write;");
    for (1 .. 25) {
        $state = $c->sql("SELECT state FROM pg_stat_activity WHERE pid = $pid");
        last if $state ne 'active';
        sleep 0.02;
    }
    $relay->go_on;
    is(told($reader), $expected, $what);
    is(told($writer), 'done', 'the transaction commits');
    $reader->query('ROLLBACK');
    $c->sql("UPDATE t SET v = 8 WHERE k = $far; DELETE FROM t WHERE k = $new;
             DELETE FROM m; INSERT INTO m VALUES ($far, 1), ($far, 2)");
}
follow_with("UPDATE t SET v = v + 1 WHERE k = $far AND v = 20 RETURNING v", 21, 'a condition finds what was written');
follow_with("DELETE FROM t WHERE v = 20 AND k = $far RETURNING k", $far, 'one that comes first, too');
follow_with("UPDATE t SET v = v + 1 WHERE k = $new RETURNING v", 21, 'a key finds a row that is new');
follow_with("MERGE INTO t USING (VALUES ($new, 5)) s (k, v) ON t.k = s.k WHEN MATCHED THEN DELETE
    WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v)", 'done', 'so does MERGE');
follow_with("SELECT v FROM t WHERE k = $far AND v = 20 FOR UPDATE", 20, 'and a lock');
follow_with("UPDATE m SET v = v * 10 WHERE k = $far AND v IN (1, 20) RETURNING v", "10\n200",
            'a condition that several rows meet finds all of them');
follow_with("DELETE FROM m WHERE v = 20 RETURNING v", 20, 'also in all shards');

# The connection that held a lock is lost.
sub lose_lock {
    my $lock = shift // "SELECT FROM t WHERE k = $near FOR UPDATE";
    $writer->query($_) for 'BEGIN', $lock;
    $c->sql_on('worker2', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                            WHERE application_name LIKE 'citus_internal%' AND pid <> pg_backend_pid()});
}
lose_lock();
start($writer, "UPDATE t SET v = v + 1 WHERE k = $near;");
is(told($writer), '08006', 'a statement on the node whose lock was lost fails');
$writer->query('ROLLBACK');
lose_lock();
$writer->query("UPDATE t SET v = 4 WHERE k = $far");
start($writer, 'COMMIT;');
is(told($writer), '08006', 'and so does COMMIT');
is($c->sql("SELECT v FROM t WHERE k = $far"), '8', 'of which nothing is left');
lose_lock();
start($writer, "ROLLBACK;");
is(told($writer), 'done', 'ROLLBACK does not mind');
lose_lock("SELECT count(*) FROM (SELECT FROM t WHERE k IN ($near, $far) FOR UPDATE) s");
start($writer, 'COMMIT;');
is(told($writer), '08006', 'a lock that a sub-query took is not forgotten');

# A sub-query locks a row of a reference table where others do, not in the copy at hand.
$c->sql("CREATE TABLE r (k int); SELECT create_reference_table('r'); INSERT INTO r VALUES (1)");
my $inside = 'SELECT count(*) FROM (SELECT FROM r FOR UPDATE) s';
$writer->query($_) for 'BEGIN', $inside;
my ($status, undef, $said) = $c->try_on('worker2', "SET lock_timeout = '500ms'; $inside");
isnt($status, 0, 'a row of a reference table is locked for all nodes');
like($said, qr/lock timeout/, 'by its lock');
$writer->query('COMMIT');
is($c->sql_on('worker2', $inside), 1, 'and free when the transaction is over');

$_->quit for $writer, $reader;
$c->check;
done_testing();
