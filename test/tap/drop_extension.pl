# DROP EXTENSION citus ends the cluster: no shard, no metadata and nothing prepared is left on any
# node, and the servers can make a cluster again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2);
my $tables = q{
    CREATE TABLE t (k int PRIMARY KEY, s serial);
    CREATE TABLE p (k int, d date) PARTITION BY RANGE (d);
    CREATE TABLE p1 PARTITION OF p DEFAULT;
    CREATE TABLE r (k int PRIMARY KEY);
    CREATE TABLE m (k int REFERENCES r);
    SELECT create_reference_table('r');
    SELECT create_distributed_table('t', 'k', shard_count => 6);
    SELECT create_distributed_table('p', 'k', shard_count => 4);
    INSERT INTO t SELECT generate_series(1, 100);
    CREATE VIEW tv AS SELECT count(*) FROM t;
};
my $left = q{SET citus.override_table_visibility TO off;
    SELECT (SELECT count(*) FROM pg_class WHERE relname ~ '^(t|p|p1|r|m|tv)(_\d+)?$')
        || '|' || (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())};
my $rows = 'SELECT count(*) FROM t; SELECT * FROM tv';

sub join_again {
    $c->sql('CREATE EXTENSION citus');
    $c->sql("SELECT citus_set_coordinator_host('localhost', " . $c->port('coordinator') . ')');
    $c->add_node($_) for 'worker1', 'worker2';
}

$c->sql($tables);
$c->fails('DROP EXTENSION citus',
    qr/cannot drop extension citus because other objects depend on it/, 'tables need it');
$c->fails('BEGIN; DROP EXTENSION citus CASCADE; COMMIT',
    qr/DROP EXTENSION citus cannot run inside a transaction block/, 'not in a block');
for my $worker ('worker1', 'worker2') {
    my ($status, undef, $err) = $c->try_on($worker, 'DROP EXTENSION citus CASCADE');
    like($err, qr/ERROR:  cannot drop extension citus on a node that is part of a cluster/,
        "nor on $worker");
}
is($c->sql($rows), "100\n100", 'nothing has changed');
$c->check;

$c->stop('worker2', 'immediate');
$c->fails('DROP EXTENSION citus CASCADE',
    qr/cannot drop extension citus while node .* does not answer/, 'a node that is down');
$c->start('worker2');
is($c->sql($rows), "100\n100", 'nothing has changed');

$c->sql('CREATE TABLE near (k int REFERENCES t)');
my (undef, undef, $err) = $c->try_on('coordinator', 'DROP EXTENSION citus CASCADE');
like($err, qr/NOTICE:  drop cascades to 6 other objects/, 'what goes is told');
unlike($err, qr/WARNING|ERROR/, 'and nothing else');
$c->sql('DROP TABLE near');
is($c->sql_on($_, $left =~ s/SET[^;]*;//r), '0|0', "nothing is left on $_") for 'coordinator';
is($c->sql_on($_, $left), '0|0', "nothing is left on $_") for 'worker1', 'worker2';
is($c->sql_on('worker1', 'SELECT count(*) FROM pg_dist_node'), '0', 'a worker stands alone');

join_again();
$c->sql($tables);
is($c->sql($rows), "100\n100", 'a cluster again');
$c->check;

# in two steps
$c->sql('DROP TABLE t, p, r, m CASCADE');
$c->sql('DROP EXTENSION citus');
is($c->sql_on($_, 'SELECT count(*) FROM pg_dist_node'), '0', "$_ stands alone")
    for 'worker1', 'worker2';
join_again();

# A worker whose extension was dropped by force is filled again.
$c->sql($tables);
$c->sql_on('worker1', 'SET citus.enable_ddl_propagation TO off; DROP EXTENSION citus CASCADE;
    CREATE EXTENSION citus');
$c->sql("SELECT citus_activate_node('localhost', " . $c->port('worker1') . ')');
is($c->sql_on('worker1', 'SELECT count(*) > 0 FROM citus_tables'), 't', 'it knows the tables');
$c->sql('DROP TABLE t, p, m, r CASCADE');
$c->check;

# So is a cluster whose coordinator was dropped by force, node by node.
$c->sql('SET citus.enable_ddl_propagation TO off; DROP EXTENSION citus CASCADE');
$c->sql('CREATE EXTENSION citus');
$c->sql("SELECT citus_set_coordinator_host('localhost', " . $c->port('coordinator') . ')');
$c->fails("SELECT citus_add_node('localhost', " . $c->port('worker1') . ')',
    qr/is part of another cluster/, 'what has been left is in the way');
for my $worker ('worker1', 'worker2') {
    $c->sql_on($worker, 'SET citus.enable_ddl_propagation TO off; DROP EXTENSION citus CASCADE;
        CREATE EXTENSION citus');
    $c->add_node($worker);
}
$c->sql($tables);
is($c->sql($rows), "100\n100", 'a cluster again');
$c->check;
done_testing();
