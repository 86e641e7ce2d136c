-- What a user may get wrong in a call: the error says so, with a code of its own.
CREATE SCHEMA mistakes;
SET search_path TO mistakes;
SET client_min_messages TO warning;
CREATE TABLE d (k int PRIMARY KEY, v text);
CREATE TABLE l (k int);
CREATE VIEW vw AS SELECT * FROM d;
SELECT create_distributed_table('d', 'k', colocate_with => 'none', shard_count => 4);

-- relations that are not there
SELECT citus_update_table_statistics(0);
SELECT truncate_local_data_after_distributing_table(0);
SELECT update_distributed_table_colocation(0, 'none');
SELECT get_colocated_table_array(0);
SELECT create_distributed_table(4294967295, 'k');
SELECT undistribute_table(0);

-- numbers
SELECT create_distributed_table('l', 'k', shard_count => 0);
SELECT create_distributed_table('l', 'k', shard_count => -5);
SELECT create_distributed_table('l', 'k', shard_count => 64001);
SELECT alter_distributed_table('d', shard_count => 0);

-- tables of kinds that have no shards are made plain again
SELECT create_distributed_table('l', 'k', 'range');
SELECT undistribute_table('l');
SELECT create_distributed_table('l', 'k', 'append');
SELECT undistribute_table('l');
INSERT INTO l VALUES (1);
TABLE l;

-- no mistake is an internal error
\set VERBOSITY sqlstate
SELECT undistribute_table('l');
SELECT undistribute_table('vw');
SELECT alter_distributed_table('d');
SELECT alter_distributed_table('l', shard_count => 3);
SELECT create_distributed_table('l', 'k', colocate_with => 'd', shard_count => 4);
SELECT create_distributed_table('l', NULL, shard_count => 4);
SELECT pg_cancel_backend(99::bigint);
SELECT time_partition_range('d');
SELECT citus_set_default_rebalance_strategy('nothing');
\c - - - :worker1_port
\set VERBOSITY sqlstate
SELECT create_distributed_table('mistakes.d', 'k');
SELECT citus_add_node('localhost', 1);
\c - - - :coordinator_port
SET client_min_messages TO warning;
DROP SCHEMA mistakes CASCADE;
SELECT citus_internal.check_consistency();
