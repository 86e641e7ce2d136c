# A worker that is killed in the middle of things: errors while it is down, none after, nothing lost
# that was committed, nothing left over.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i});
my ($there, $elsewhere) = map { scalar $c->key_on('t', $_) } 'worker1', 'worker2';

# A session that is open the whole time, with connections in its cache.
my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
is($session->query('SELECT count(*) FROM t'), '1000', 'a session reads all shards');

$c->kill9('worker1');
$c->fails('SELECT count(*) FROM t', qr/ERROR/, 'a read of all shards fails while the worker is down');
$c->fails("UPDATE t SET v = 1 WHERE k = $there", qr/ERROR/, 'a write to the dead worker fails');
is($c->sql("SELECT v FROM t WHERE k = $elsewhere"), '0', 'the other worker is still read');
is($c->sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT v FROM t WHERE k = $elsewhere;
    UPDATE t SET v = 7 WHERE k = $elsewhere RETURNING v; COMMIT"), "0\n7",
   'also in a block that keeps one snapshot');
$c->fails("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT v FROM t WHERE k = $elsewhere;
    SELECT v FROM t WHERE k = $there", qr/could not connect to node/, 'until it needs the dead one');
$c->fails('UPDATE t SET v = v + 1', qr/ERROR/, 'a write to all shards fails');
is($c->sql("SELECT v FROM t WHERE k = $elsewhere"), '7', 'and has changed nothing');

$c->start('worker1');
is($c->sql('SELECT count(*), sum(v) FROM t'), '1000|7', 'a new session reads all after the restart');
# The open session may meet its broken connection once, not twice.
$session->query('SELECT count(*) FROM t');
is($session->query('SELECT count(*) FROM t'), '1000', 'the open session reads all again');
$c->sql('UPDATE t SET v = v + 1');
is($c->sql('SELECT sum(v) FROM t'), '1007', 'writes work again');

# In the middle of a transaction: it cannot commit.
$session->query('BEGIN');
$session->query("UPDATE t SET v = 100 WHERE k IN ($there, $elsewhere)");
$c->kill9('worker1');
$c->start('worker1');
$session->query('COMMIT');
is($c->sql('SELECT sum(v) FROM t'), '1007', 'a transaction that lost a worker is rolled back everywhere');

# In the middle of a COPY, whose client has more to say.  Lines are long: what is sent are blocks.
my $copy = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$copy->query_until(qr/started/, "\\echo started\nCOPY t FROM STDIN CSV;\n"
                   . join('', map { sprintf("%d,%01000d\n", $_, 1) } 10001 .. 16000));
$copy->{run}->pump while length $copy->{stdin};
ok($c->node('worker1')->poll_query_until('citus',
    q{SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%write_shards%' AND pid <> pg_backend_pid()}),
   'the COPY has reached the worker');
$c->kill9('worker1');
$c->start('worker1');
$copy->query_until(qr/over/, "\\.\n\\echo over\n");
like($copy->{stderr}, qr/ERROR:  connection to node .* was lost/, 'it fails');
$copy->quit;
is($c->sql('SELECT count(*) FROM t'), '1000', 'a COPY that lost a worker has left no row');

eval { $session->quit };
$c->sql('SELECT recover_prepared_transactions()');
$c->check;
done_testing();
