# Two-phase commit is finished by recovery: a prepared transaction with a commit record is
# committed, one without is rolled back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = -1\n");
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});

# As if the coordinator had died between PREPARE and COMMIT PREPARED: prepared by hand, under names
# of its pattern, on a worker.
my $shard = $c->sql("SELECT shardid FROM citus_shards WHERE nodeport = " . $c->port('worker1')
                    . " AND table_name = 't'::regclass ORDER BY 1 LIMIT 1");
my $keys = $c->sql("SELECT count(*) FROM generate_series(1, 100) k
                    WHERE get_shard_id_for_distribution_column('t', k) = $shard");
my $group = $c->sql('SELECT groupid FROM pg_dist_node WHERE nodeport = ' . $c->port('worker1'));
my $prepare = sub {
    my ($gid, $add) = @_;
    $c->sql_on('worker1', "SET citus.enable_manual_changes_to_shards = on;
        BEGIN; UPDATE t_$shard SET v = v + $add; PREPARE TRANSACTION '$gid'");
};
$prepare->('citus_0_1_1_1', 1);
$c->sql("INSERT INTO pg_dist_transaction (groupid, gid) VALUES ($group, 'citus_0_1_1_1')");
$c->sql('SELECT recover_prepared_transactions()');
is($c->sql('SELECT sum(v) FROM t'), $keys, 'with a record: committed');
is($c->sql('SELECT count(*) FROM pg_dist_transaction'), '0', 'the record is gone');

$prepare->('citus_0_1_2_1', 10);
$c->sql('SELECT recover_prepared_transactions()');
is($c->sql('SELECT sum(v) FROM t'), $keys, 'without a record: rolled back');

$prepare->('somebody_elses', 100);
$c->sql('SELECT recover_prepared_transactions()');
is($c->sql_on('worker1', 'SELECT gid FROM pg_prepared_xacts'), 'somebody_elses',
   'what is not ours is left alone');
$c->sql_on('worker1', q{ROLLBACK PREPARED 'somebody_elses'});

# A real one: the transaction commits on both workers; kill one right after, nothing is lost.
$c->sql('UPDATE t SET v = 5');
$c->kill9('worker2');
$c->kill9('coordinator');
$c->start('worker2');
$c->start('coordinator');
is($c->sql('SELECT sum(v) FROM t'), '500', 'a committed transaction survives the death of two nodes');
$c->sql('SELECT recover_prepared_transactions()');
is($c->sql_on($_, 'SELECT count(*) FROM pg_prepared_xacts'), '0', "nothing is prepared on $_")
    for $c->names;

# Many initiators: each finishes its own.
my $worker1 = $c->sql('SELECT groupid FROM pg_dist_node WHERE nodeport = ' . $c->port('worker1'));
my $by_hand = sub {
    my ($node, $database, $gid) = @_;
    $c->node($node)->safe_psql($database, "CREATE TABLE of_$gid (); BEGIN; DROP TABLE of_$gid; PREPARE TRANSACTION '$gid'");
};
my $left = sub { $c->sql_on($_[0], 'SELECT string_agg(gid, $$ $$ ORDER BY gid) FROM pg_prepared_xacts') };
$by_hand->('worker2', 'citus', "citus_${worker1}_1_3_1");
is($c->sql('SELECT recover_prepared_transactions()'), '0', 'not begun here');
is($left->('worker2'), "citus_${worker1}_1_3_1", 'left alone');
is($c->sql_on('worker1', 'SELECT recover_prepared_transactions()'), '1', 'but there');
is($left->('worker2'), '', 'and resolved');

# A node that is down keeps no other from being recovered, and keeps what is to be done for it.
$prepare->('citus_0_1_4_1', 20);
$by_hand->('worker2', 'citus', 'citus_0_1_4_2');
my $other = $c->sql('SELECT groupid FROM pg_dist_node WHERE nodeport = ' . $c->port('worker2'));
$c->sql("INSERT INTO pg_dist_transaction (groupid, gid) VALUES ($group, 'citus_0_1_4_1'), ($other, 'citus_0_1_4_2')");
$c->kill9('worker1');
is($c->sql('SELECT recover_prepared_transactions()'), '1', 'one is resolved, the other node is down');
is($left->('worker2'), '', 'that of the node that answers');
is($c->sql('SELECT gid FROM pg_dist_transaction'), 'citus_0_1_4_1', 'the record of the other is kept');
$c->start('worker1');
is($c->sql('SELECT recover_prepared_transactions()'), '1', 'until it is back');
is($c->sql('SELECT count(*) FROM pg_dist_transaction'), '0', 'then it is removed');
is($c->sql('SELECT sum(v) FROM t'), 500 + 20 * $keys, 'and it is committed');
$c->sql('UPDATE t SET v = 5');

# Several databases of the same servers: each finishes its own.
for my $node ($c->names) {
    $c->node($node)->safe_psql('postgres', 'CREATE DATABASE second');
    $c->node($node)->safe_psql('second', 'CREATE EXTENSION citus');
}
my $second = $c->node('coordinator');
$second->safe_psql('second', "SELECT citus_set_coordinator_host('localhost', " . $c->port('coordinator') . ')');
$second->safe_psql('second', "SELECT citus_add_node('localhost', " . $c->port('worker1') . ')');
$by_hand->('worker1', 'second', 'citus_0_1_5_1');
$by_hand->('worker1', 'citus', 'citus_0_1_5_2');
is($c->sql('SELECT recover_prepared_transactions()'), '1', 'one of this database');
is($left->('worker1'), 'citus_0_1_5_1', 'the other is left alone');
is($second->safe_psql('second', 'SELECT recover_prepared_transactions()'), '1', 'one of the other');
is($left->('worker1'), '', 'both are resolved');

# The duty of the daemon does the same by itself.
$prepare->('citus_0_1_9_1', 1000);
$c->set('citus.recover_2pc_interval', '100ms');
$c->wait_until('worker1', 'SELECT count(*) = 0 FROM pg_prepared_xacts', 'the daemon recovers, too');
is($c->sql('SELECT sum(v) FROM t'), '500', 'and rolls back what has no record');
$c->check;
done_testing();
