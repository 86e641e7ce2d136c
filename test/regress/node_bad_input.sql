-- What the node functions refuse, and that a refusal leaves nothing behind.
CREATE SCHEMA node_bad_input;
SET search_path TO node_bad_input;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE t (k int);
SELECT create_distributed_table('t', 'k', colocate_with => 'none');
SELECT count(*) AS nodes FROM pg_dist_node \gset
SELECT nodeid AS worker1 FROM pg_dist_node WHERE nodeport = :worker1_port \gset
SELECT groupid AS worker1_group FROM pg_dist_node WHERE nodeport = :worker1_port \gset
\set VERBOSITY sqlstate

-- addresses
SELECT citus_add_node('localhost', 1);
SELECT citus_add_node('no.such.host.invalid', 5432);
SELECT citus_add_node('', :worker1_port);
SELECT citus_add_node('localhost', 0);
SELECT citus_add_node('localhost', 65536);
SELECT citus_add_node('localhost', -1);
SELECT citus_add_node(repeat('x', 300), 5432);
SELECT citus_add_node(NULL, 1) IS NULL AS strict;
SELECT citus_set_coordinator_host('', :coordinator_port);
SELECT citus_set_coordinator_host('localhost', -5);
SELECT citus_update_node(:worker1, '', :worker1_port);
SELECT citus_update_node(:worker1, repeat('x', 300), :worker1_port);
SELECT citus_update_node(:worker1, 'localhost', 65536);
-- this server itself, and a member, under another name
SELECT citus_add_node('127.0.0.1', :coordinator_port);
SELECT citus_add_node('127.0.0.1', :worker1_port);
-- groups, roles, clusters
SELECT citus_add_node('localhost', 1, groupid => :worker1_group);
SELECT citus_add_node('localhost', 1, groupid => 99999);
SELECT citus_add_node('localhost', 1, nodecluster => 'other');
SELECT citus_add_node('localhost', 1, noderole => 'nonsense');
SELECT citus_add_inactive_node('localhost', 1, groupid => 0);
SELECT citus_add_inactive_node('localhost', 1, groupid => :worker1_group);
SELECT citus_add_secondary_node('localhost', 1, 'localhost', 2);
-- the coordinator and nodes with the only copy of a shard
SELECT citus_remove_node('localhost', :coordinator_port);
SELECT citus_disable_node('localhost', :coordinator_port);
SELECT citus_remove_node('localhost', :worker1_port);
SELECT citus_disable_node('localhost', :worker1_port);
-- nodes that do not exist
SELECT citus_remove_node('localhost', 1);
SELECT citus_disable_node('localhost', 1);
SELECT citus_activate_node('localhost', 1);
SELECT citus_set_node_property('localhost', 1, 'shouldhaveshards', true);
SELECT citus_set_node_property('localhost', :worker1_port, 'isactive', true);
SELECT citus_update_node(-1, 'localhost', 1);
SELECT citus_pause_node_within_txn(-1);
SELECT start_metadata_sync_to_node('localhost', 1);
SELECT stop_metadata_sync_to_node('localhost', 1);
-- addresses that are taken
SELECT citus_update_node(:worker1, 'localhost', :worker2_port);
SELECT citus_set_coordinator_host('localhost', :worker1_port);
SELECT citus_update_node(:worker1, 'localhost', :worker1_port);
-- a mode that cannot be had in a block
SET citus.metadata_sync_mode TO nontransactional;
BEGIN;
SELECT citus_activate_node('localhost', :worker1_port);
ROLLBACK;
RESET citus.metadata_sync_mode;

\set VERBOSITY terse
SELECT citus_check_connection_to_node('localhost', 1);
SELECT citus_check_connection_to_node('localhost', :worker1_port);
SELECT count(*) = :nodes AS unchanged FROM pg_dist_node;
SELECT count(*) FROM t;

-- not a superuser
CREATE ROLE node_bad_input_user;
SET ROLE node_bad_input_user;
\set VERBOSITY sqlstate
SELECT citus_add_node('localhost', :worker1_port);
SELECT citus_add_inactive_node('localhost', 1);
SELECT citus_activate_node('localhost', :worker1_port);
SELECT citus_disable_node('localhost', :worker1_port);
SELECT citus_remove_node('localhost', :worker1_port);
SELECT citus_update_node(:worker1, 'localhost', 1);
SELECT citus_set_node_property('localhost', :worker1_port, 'shouldhaveshards', false);
SELECT citus_set_coordinator_host('localhost');
SELECT start_metadata_sync_to_node('localhost', :worker1_port);
-- what only nodes may call
SELECT citus_internal.upsert_node(1, 1, 'x', 1, 'primary', 'default', true, true, true, true, 'default', false, 0);
SELECT citus_internal.reset_node(0, NULL, true, '{}');
SELECT citus_internal.lock_node_list(true);
SELECT citus_internal.delete_table_metadata('node_bad_input.t');
SELECT citus_internal.prove_session('citus_internal gpid=1', '');
/* citus node */ SELECT citus_internal.upsert_node(1, 1, 'x', 1, 'primary', 'default', true, true, true, true, 'default', false, 0);
/* citus node */ SELECT citus_internal.delete_table_metadata('node_bad_input.t');
/* citus node */ SELECT citus_internal.add_table_metadata('node_bad_input.t', 'h', 'k', 1, 's');
/* citus node */ SELECT citus_internal.add_table_metadata(NULL, NULL, NULL, NULL, NULL);
/* citus node */ SELECT citus_internal.add_object_metadata('schema', '{node_bad_input}', '{}');
/* citus node */ SELECT citus_internal.delete_object_metadata('schema', '{node_bad_input}', '{}');
\c -
SET search_path TO node_bad_input;
SET client_min_messages TO warning;
\set VERBOSITY default
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = 't'::regclass;
DROP ROLE node_bad_input_user;
SET client_min_messages TO error;
DROP SCHEMA node_bad_input CASCADE;
SELECT citus_internal.check_consistency();
