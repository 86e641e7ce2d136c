# Without any node added the extension works on its own; workers may come later.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 1, nodes => 0);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, i FROM generate_series(1, 100) i});
is($c->sql('SELECT count(*), sum(v) FROM t'), '100|5050', 'rows are read');
is($c->sql('SELECT v FROM t WHERE k = 42'), '42', 'by key');
is($c->sql('SELECT count(*) FROM citus_shards'), '4', 'the shards are here');
$c->sql('BEGIN; UPDATE t SET v = 0; SAVEPOINT a; DELETE FROM t; ROLLBACK TO a; COMMIT');
is($c->sql('SELECT count(*), sum(v) FROM t'), '100|0', 'transactions');
is($c->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'citus_internal%'}), '0',
   'no connection to itself was needed');

$c->sql("SELECT citus_set_coordinator_host('localhost', " . $c->port('coordinator') . ')');
$c->add_node('worker1');
is($c->sql_on('worker1', 'SELECT count(*) FROM t'), '100', 'a worker that comes later reads it');
$c->check;
$c->restart('coordinator');
is($c->sql('SELECT count(*) FROM t'), '100', 'after a restart');
done_testing();
