# Cancel requests, time-outs, a worker that hangs and one that dies reach statements of every kind in
# their middle: an error in bounded time, nothing left on other nodes, and the session goes on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 1s\n");
# 77 is where they stop: in conditions and results of rows, and in a check of what is written
$c->sql(q{CREATE FUNCTION nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
          AS 'BEGIN IF $1 = 77 THEN PERFORM pg_sleep(120); END IF; RETURN 1; END'});
$c->sql(q{
    CREATE TABLE key_of (k int);
    SELECT create_distributed_table('key_of', 'k', shard_count => 2);
    INSERT INTO key_of SELECT generate_series(1, 20)});
my ($there, $elsewhere) = map { scalar $c->key_on('key_of', $_) } 'worker1', 'worker2';
my $new = $c->key_on('key_of', 'worker1', from => 1000);
my $value = "CASE k WHEN $there THEN 77 ELSE 1 END";

my @kinds = (
    ['a join that is shipped', "SELECT count(*) FROM mine JOIN (t JOIN u USING (k)) ON mine.k = t.v + t.k WHERE nap(t.w) > 0"],
    ['lookups per row', "SELECT (SELECT count(*) FROM t WHERE t.k = mine.k AND nap(t.w) > 0) FROM mine"],
    ['rows from node to node', "SET LOCAL citus.direct_move_threshold = 0; INSERT INTO o SELECT k + 100, nap(w) FROM t"],
    ['an INSTEAD OF trigger', "UPDATE seen SET v = $value"],
    ['MERGE', "MERGE INTO t USING mine ON t.k = mine.k WHEN MATCHED THEN UPDATE SET v = mine.v
        WHEN NOT MATCHED THEN INSERT (k, v) VALUES (mine.k, mine.v)"],
    ['an upsert', "INSERT INTO t (k, v) SELECT k, v FROM mine ON CONFLICT (k) DO UPDATE SET v = EXCLUDED.v"],
    ['COPY', "COPY t (k, v) FROM PROGRAM 'echo $new,77' (FORMAT csv)"],
    ['a cursor', "DECLARE c CURSOR FOR SELECT nap(w) FROM t; FETCH ALL FROM c"],
    ['rows that move', "UPDATE t SET k = k + 5000 WHERE nap(w) > 0"],
);
# each has tables of its own, and only what it names
my $tables = '';
my @locked;
for my $n (0 .. $#kinds) {
    my $sql = $kinds[$n][1];
    $tables .= qq{
        CREATE SCHEMA s$n;
        SET search_path = s$n, public;
        CREATE TABLE t (k int PRIMARY KEY, v int DEFAULT 1, w int DEFAULT 1, CHECK (nap(v) > 0));
        SELECT create_distributed_table('t', 'k', colocate_with => 'public.key_of');
        INSERT INTO t SELECT k, 1, $value FROM generate_series(1, 20) k;};
    push @locked, "s$n.t";
    $tables .= qq{
        CREATE TABLE mine AS SELECT k, $value AS v FROM generate_series(1, 20) k;} if $sql =~ /\bmine\b/;
    $tables .= q{
        CREATE TABLE u (k int PRIMARY KEY);
        SELECT create_distributed_table('u', 'k', colocate_with => 't');
        INSERT INTO u SELECT generate_series(1, 20);} if $sql =~ /\bu\b/;
    if ($sql =~ /INTO o\b/) {
        $tables .= q{
        CREATE TABLE o (k int, v int);
        SELECT create_distributed_table('o', 'v', shard_count => 2, colocate_with => 'none');};
        push @locked, "s$n.o";
    }
    $tables .= qq{
        CREATE VIEW seen AS SELECT k, v FROM t;
        CREATE FUNCTION write() RETURNS trigger LANGUAGE plpgsql SET search_path = s$n, public AS
            'BEGIN UPDATE t SET v = NEW.v WHERE k = NEW.k; RETURN NEW; END';
        CREATE TRIGGER w INSTEAD OF UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION write();} if $sql =~ /\bseen\b/;
}
$c->sql($tables);

# every kind at the same time, each in a block that has written elsewhere before
my @sessions;
sub start_all {
    my $timeout = shift;
    for my $n (0 .. $#kinds) {
        my $s = $sessions[$n] //= $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
        $s->query("SET search_path = s$n, public; SET statement_timeout = 0");
        $s->query("BEGIN; UPDATE t SET v = v + 1 WHERE k = $elsewhere; SAVEPOINT s");
        $s->query("SET LOCAL statement_timeout = '$timeout'");
        $s->{stderr} = '';
        $s->query_until(qr/go/, "\\echo go\n$kinds[$n][1];\n");
    }
    $c->wait_until('worker1', "SELECT count(DISTINCT application_name) = " . @kinds . " FROM pg_stat_activity
        WHERE wait_event = 'PgSleep' AND application_name LIKE 'citus_internal%'", 'all are in their middle on worker1')
        or BAIL_OUT('nothing to interrupt');
}
# the errors; every session is waited for
sub errors {
    my ($pattern, $what) = @_;
    for my $n (0 .. $#kinds) {
        $sessions[$n]->query('SELECT 1');
        like($sessions[$n]{stderr}, $pattern, "$what: $kinds[$n][0]");
        $sessions[$n]{stderr} = '';
    }
}
my $busy = q{SELECT count(*) = 0 FROM pg_stat_activity
             WHERE application_name LIKE 'citus_internal%' AND state <> 'idle' AND pid <> pg_backend_pid()};
sub clean {
    my $what = shift;
    $c->wait_until($_, $busy, "$what: nothing runs on $_") for 'worker1', 'worker2';
    $c->wait_until($_, 'SELECT count(*) = 0 FROM pg_prepared_xacts', "$what: nothing is prepared on $_") for 'worker1', 'worker2';
    my ($status, undef, $err) = $c->try_on('coordinator', join ';', "SET lock_timeout = '5s'; BEGIN",
        "LOCK TABLE " . join(', ', @locked), 'ROLLBACK');
    is($err, '', "$what: nothing is locked");
}

# canceled, with a savepoint before
start_all(0);
$c->sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
          WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'});
my $start = time;
errors(qr/canceling statement due to user request/, 'canceled');
for my $n (0 .. $#kinds) {
    my $s = $sessions[$n];
    $s->query('ROLLBACK TO s');
    is($s->query("UPDATE t SET v = v + 1 WHERE k IN ($there, $elsewhere); SELECT count(*), sum(v) FROM t"), '20|23',
        "the block goes on: $kinds[$n][0]");
    $s->query('COMMIT');
    is($s->{stderr}, '', "and commits: $kinds[$n][0]");
}
cmp_ok(time - $start, '<', 20, 'in bounded time');
clean('canceled');

# the worker hangs
start_all('3s');
my ($postmaster) = slurp_file($c->node('worker1')->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my @stopped = ($postmaster, grep { /^\d+$/ } split /\s+/, `pgrep -P $postmaster`);
kill STOP => @stopped;
END { kill CONT => @stopped if @stopped }
$start = time;
errors(qr/canceling statement due to statement timeout/, 'a worker that hangs');
cmp_ok(time - $start, '<', 40, 'in bounded time');
for my $n (0 .. $#kinds) {
    $sessions[$n]->query('ROLLBACK');
    is($sessions[$n]->query("SELECT v FROM t WHERE k = $elsewhere"), '3', "the session goes on: $kinds[$n][0]");
}
kill CONT => @stopped;
@stopped = ();
clean('a worker that hangs');

# a backend of the worker is killed, and all of its server with it
start_all(0);
kill KILL => $c->sql_on('worker1', q{SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' LIMIT 1});
$start = time;
errors(qr/ERROR:/, 'a worker that dies');
$_->query('ROLLBACK') for @sessions;
cmp_ok(time - $start, '<', 20, 'in bounded time');
my $worker = $c->node('worker1');
for (1 .. 1000) { last unless -e $worker->data_dir . '/postmaster.pid'; sleep 0.02 }
$worker->{_pid} = undef;
$c->start('worker1');
for my $n (0 .. $#kinds) {
    my $s = $sessions[$n];
    $s->query("SELECT count(*) FROM t");    # may meet the broken connection
    is($s->query("SELECT count(*), sum(v) FROM t"), '20|23', "the session goes on: $kinds[$n][0]");
    $s->quit;
}
clean('a worker that dies');
$c->check;
done_testing();
