-- VACUUM, ANALYZE and LOCK reach the shards.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2300000;
CREATE SCHEMA va;
SET search_path TO va;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE d (k int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
CREATE TABLE r (id int) WITH (autovacuum_enabled = off);
SELECT create_distributed_table('d', 'k');
SELECT create_reference_table('r');
INSERT INTO d SELECT i, i FROM generate_series(1, 1000) i;
INSERT INTO r SELECT i FROM generate_series(1, 100) i;
CREATE VIEW shard_state AS
SELECT sum(result::int) FROM run_command_on_placements('d', $$ SELECT reltuples::int FROM pg_class WHERE oid = '%s'::regclass $$);
ANALYZE d;
TABLE shard_state;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT reltuples FROM pg_class WHERE oid = 'va.d'::regclass $$);
ANALYZE r;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT reltuples FROM pg_class WHERE oid = 'va.r'::regclass $$);
DELETE FROM d WHERE k > 500;
VACUUM d;
TABLE shard_state;
VACUUM (FULL, ANALYZE) d, r;
SELECT reltuples FROM pg_class WHERE oid = 'd'::regclass;
VACUUM (FREEZE, VERBOSE off, INDEX_CLEANUP auto, PARALLEL 0) d;
VACUUM (ANALYZE) d (k, v);
BEGIN;
INSERT INTO d SELECT i, i FROM generate_series(501, 600) i;
ANALYZE d;
SELECT reltuples FROM pg_class WHERE oid = 'd'::regclass;
VACUUM d;
ROLLBACK;
VACUUM nothing_here;
VACUUM ANALYZE d (nothing);
ANALYZE d (k);
VACUUM;
ANALYZE;

-- partitions count, too
CREATE TABLE p (k int, d int) PARTITION BY LIST (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT create_distributed_table('p', 'k');
INSERT INTO p SELECT i, 1 FROM generate_series(1, 300) i;
ANALYZE p;
SELECT relname, reltuples, relpages > 0 AS has_pages FROM pg_class WHERE oid IN ('p'::regclass, 'p1'::regclass) ORDER BY 1;

LOCK TABLE d;
BEGIN;
LOCK TABLE d, r IN SHARE MODE NOWAIT;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT count(*) FROM pg_locks WHERE relation = 'va.d'::regclass AND mode = 'ShareLock' $$);
COMMIT;
DROP SCHEMA va CASCADE;
