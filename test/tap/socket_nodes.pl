# Nodes of one machine that know each other by the directory of the Unix-domain socket: there is
# nothing that needs TCP, and nothing uses it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2, nodes => 0);
my $directory = $c->node('coordinator')->host;
is($_, $directory, 'all servers use one directory') for map { $c->node($_)->host } $c->names;

# a default that goes without saying: TLS is for TCP
$c->set('citus.node_conninfo', 'sslmode=require');
$c->sql("SELECT citus_set_coordinator_host('$directory', " . $c->port('coordinator') . ')');
$c->sql("SELECT citus_add_node('$directory', " . $c->port($_) . ')') for 'worker1', 'worker2';
is($c->sql('SELECT bool_and(result) FROM citus_check_cluster_node_health()'), 't', 'all nodes reach all');

$c->sql(q{
    CREATE TABLE r (id int PRIMARY KEY);
    SELECT create_reference_table('r');
    INSERT INTO r SELECT generate_series(1, 10);
    CREATE TABLE t (k int PRIMARY KEY, v int REFERENCES r);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 1 + i % 10 FROM generate_series(1, 100) i;
    BEGIN;
    UPDATE t SET v = 2;
    DELETE FROM t WHERE k > 90;
    COMMIT});
is($c->sql_on('worker1', 'SELECT count(*), sum(v) FROM t JOIN r ON r.id = t.v'), '90|180',
   'a worker reads what several nodes committed');
is($c->sql(q{SELECT count(*) FROM run_command_on_all_nodes($$
                 SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL $$) WHERE result <> '0'}),
   '0', 'nobody came over TCP');

$c->restart('worker1');
is($c->sql('SELECT count(*), sum(v) FROM t'), '90|180', 'after a restart');
$c->set('citus.node_conninfo', 'sslmode=prefer');
$c->sql("SELECT citus_update_node(nodeid, 'localhost', nodeport) FROM pg_dist_node");
is($c->sql('SELECT count(*), sum(v) FROM t'), '90|180', 'and by TCP again');
$c->check;
done_testing();
