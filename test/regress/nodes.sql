-- Node functions: what they say and what they refuse.  The members of the cluster stay as they are.
SELECT CASE nodeport WHEN :coordinator_port THEN 'coordinator' WHEN :worker1_port THEN 'worker1'
                     WHEN :worker2_port THEN 'worker2' END AS node,
       groupid > 0 AS worker, noderole, isactive, hasmetadata, metadatasynced, shouldhaveshards
FROM pg_dist_node ORDER BY node;
SELECT node_name, node_port IN (:worker1_port, :worker2_port) AS known FROM citus_get_active_worker_nodes();
SELECT count(*), bool_and(result) FROM citus_check_cluster_node_health();
SELECT citus_is_coordinator();
SELECT citus_version() LIKE 'Citus 14%' AS version;

-- an address that is already there gives its id
SELECT citus_add_node('localhost', :worker1_port) = (SELECT nodeid FROM pg_dist_node WHERE nodeport = :worker1_port);
\set VERBOSITY sqlstate
SELECT citus_add_node('localhost', 1);
SELECT citus_remove_node('localhost', 1);
SELECT citus_activate_node('localhost', 1);
SELECT citus_disable_node('localhost', 1);
SELECT citus_update_node(987654, 'localhost', 1);
SELECT citus_set_node_property('localhost', :worker1_port, 'nonsense', true);
SELECT citus_set_node_property('localhost', 1, 'shouldhaveshards', true);
SELECT citus_add_node('localhost', NULL);
\set VERBOSITY terse
SELECT count(*) FROM pg_dist_node;

-- nodes are the business of superusers and of the coordinator
CREATE ROLE nodes_user;
SET ROLE nodes_user;
\set VERBOSITY sqlstate
SELECT citus_add_node('localhost', :worker1_port);
SELECT citus_remove_node('localhost', :worker1_port);
RESET ROLE;
DROP ROLE nodes_user;
\c - - localhost :worker1_port
\set VERBOSITY sqlstate
SELECT citus_add_node('localhost', 1);
SELECT citus_is_coordinator();
\c - - localhost :coordinator_port

-- the workers can be left without new shards
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE SCHEMA nodes;
SELECT citus_set_node_property('localhost', :worker1_port, 'shouldhaveshards', false);
CREATE TABLE nodes.t (k int);
SELECT create_distributed_table('nodes.t', 'k', colocate_with => 'none');
SELECT DISTINCT nodeport = :worker2_port AS all_on_worker2 FROM citus_shards WHERE table_name = 'nodes.t'::regclass;
SELECT citus_set_node_property('localhost', :worker1_port, 'shouldhaveshards', true);
DROP SCHEMA nodes CASCADE;
