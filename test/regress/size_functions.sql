-- Sizes: the sum over all placements of all shards.
CREATE SCHEMA size_functions;
SET search_path TO size_functions;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE t (k int PRIMARY KEY, v text);
CREATE TABLE r (id int);
CREATE TABLE plain (id int PRIMARY KEY);
CREATE TABLE p (k int, d date) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('r');
SELECT create_distributed_table('p', 'k');
SELECT citus_relation_size('t'), citus_table_size('r'), citus_relation_size('t_pkey') / 8192 AS index_pages;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 1000) i;
INSERT INTO r VALUES (1);
INSERT INTO p SELECT i, '2020-05-05' FROM generate_series(1, 100) i;

SELECT citus_relation_size('t') = sum(result::bigint) AS relation
FROM run_command_on_placements('t', 'SELECT pg_relation_size(%L)');
SELECT citus_table_size('t') = sum(result::bigint) AS table
FROM run_command_on_placements('t', 'SELECT pg_table_size(%L)');
SELECT citus_total_relation_size('t') = sum(result::bigint) AS total
FROM run_command_on_placements('t', 'SELECT pg_total_relation_size(%L)');
SELECT citus_relation_size('r') / 8192 AS copies;
SELECT citus_relation_size('p') = citus_relation_size('p1') AS partitions, citus_relation_size('p') > 0 AS some;
SELECT citus_total_relation_size('t', fail_on_error => false) = citus_total_relation_size('t') AS lenient;
SELECT sum(size) = citus_total_relation_size('t') AS shards
FROM citus_shard_sizes() JOIN pg_dist_shard ON shardid = shard_id WHERE logicalrelid = 't'::regclass;
SELECT table_size = pg_size_pretty(citus_total_relation_size('t')) AS view FROM public.citus_tables
WHERE table_name = 't'::regclass;

-- within the transaction that makes the table
BEGIN;
CREATE TABLE n (k int);
SELECT create_distributed_table('n', 'k', colocate_with => 'none');
INSERT INTO n VALUES (1);
SELECT citus_relation_size('n');
ROLLBACK;

-- what this transaction has locked is measured without waiting for itself
BEGIN;
ALTER TABLE t ADD COLUMN more int;
SELECT table_name, shard_count FROM public.citus_tables WHERE table_name = 't'::regclass;
SELECT count(*) FROM citus_shards WHERE table_name = 't'::regclass AND shard_size >= 0;
ROLLBACK;

-- recorded sizes
SELECT citus_update_table_statistics('t');
SELECT sum(shardlength) > 0 FROM pg_dist_placement JOIN pg_dist_shard USING (shardid) WHERE logicalrelid = 't'::regclass;
SELECT citus_update_shard_statistics(min(shardid)) > 0 FROM pg_dist_shard WHERE logicalrelid = 't'::regclass;
SELECT available_disk_size > 0 AS available, total_disk_size >= available_disk_size AS total
FROM citus_local_disk_space_stats();

\set VERBOSITY sqlstate
SELECT citus_relation_size('plain');
SELECT citus_table_size('plain');
SELECT citus_total_relation_size('plain');
SELECT citus_relation_size('plain_pkey');
SELECT citus_relation_size(0);
SELECT citus_update_table_statistics('plain');
SELECT citus_update_shard_statistics(1);
SET citus.rebalancer_by_disk_size_base_cost = '1GB';
SELECT citus_shard_cost_by_disk_size(min(shardid)) >= 1024 ^ 3 AS gigabyte FROM pg_dist_shard;
SET citus.rebalancer_by_disk_size_base_cost = 1025;
SELECT citus_shard_cost_by_disk_size(min(shardid)) BETWEEN 1025 AND 1024 ^ 3 AS kilobyte FROM pg_dist_shard;
RESET citus.rebalancer_by_disk_size_base_cost;
CREATE ROLE size_functions_user;
GRANT USAGE ON SCHEMA size_functions TO size_functions_user;
SET ROLE size_functions_user;
SELECT citus_relation_size('size_functions.t');
SELECT citus_update_table_statistics('size_functions.t');
RESET ROLE;
\set VERBOSITY default
DROP SCHEMA size_functions CASCADE;
DROP ROLE size_functions_user;
SELECT citus_internal.check_consistency();
