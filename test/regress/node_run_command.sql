-- Commands on other nodes: results, failures, names of shards.
CREATE SCHEMA node_run_command;
SET search_path TO node_run_command;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE t (k int, v text);
CREATE TABLE u (k int);
CREATE TABLE r (id int);
CREATE TABLE plain (id int);
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('u', 'k', colocate_with => 't');
SELECT create_reference_table('r');
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 100) i;

SELECT nodeport IN (:worker1_port, :worker2_port) AS known, success, result
FROM run_command_on_workers('SELECT 1 + 1');
SELECT success, result FROM run_command_on_workers('SELECT NULL');
SELECT success, result FROM run_command_on_workers('SELECT 1 WHERE false');
SELECT success, result FROM run_command_on_workers('SELECT generate_series(1, 2)');
SELECT success, result FROM run_command_on_workers('SELECT 1, 2');
SELECT success, result FROM run_command_on_workers('SELECT 1 / 0');
SELECT success, result FROM run_command_on_workers('no sql', parallel => false);
SELECT success, result FROM run_command_on_workers('');
SELECT success, result FROM run_command_on_workers('COPY plain FROM STDIN');
SELECT success, result FROM run_command_on_workers('CREATE TEMP TABLE x (i int); SELECT count(*) FROM x');
SELECT success, result FROM run_command_on_workers('VACUUM pg_class');
SELECT count(*), bool_and(success) FROM run_command_on_all_nodes('SELECT 1');
SELECT n.groupid, success, result FROM run_command_on_all_nodes('SHOW port') JOIN pg_dist_node n USING (nodeid)
WHERE result <> n.nodeport::text;
SELECT success, result = :'coordinator_port' AS here FROM run_command_on_coordinator('SHOW port');

SELECT count(*), bool_and(success), sum(result::int) FROM run_command_on_shards('t', 'SELECT count(*) FROM %s');
SELECT count(*), bool_and(success) FROM run_command_on_shards('t', 'SELECT %L::regclass');
SELECT count(*), bool_and(success) FROM run_command_on_placements('r', 'SELECT count(*) FROM %s');
SELECT count(*) FROM run_command_on_shards('plain', 'SELECT count(*) FROM %s');
SELECT count(*), bool_and(success), bool_and(shardid1 <> shardid2)
FROM run_command_on_colocated_placements('t', 'u', 'SELECT count(*) FROM %s t JOIN %s u USING (k)');
\set VERBOSITY sqlstate
SELECT * FROM run_command_on_colocated_placements('t', 'r', 'SELECT 1');
SELECT * FROM run_command_on_shards('t', 'SELECT %z');
SELECT * FROM master_run_on_worker(ARRAY['localhost'], ARRAY[1, 2], ARRAY['SELECT 1'], true);
\set VERBOSITY default
SELECT success FROM master_run_on_worker(ARRAY['localhost', 'localhost'], ARRAY[:worker1_port, 1],
    ARRAY['SELECT 1', 'SELECT 1'], true);
SELECT citus_run_local_command('CREATE TABLE made_here (i int)');
SELECT count(*) FROM made_here;

-- not part of the transaction
BEGIN;
SELECT success, result FROM run_command_on_shards('u', 'INSERT INTO %s VALUES (1)') LIMIT 1;
ROLLBACK;
SELECT sum(result::int) FROM run_command_on_shards('u', 'SELECT count(*) FROM %s');
TRUNCATE u;

DROP SCHEMA node_run_command CASCADE;
