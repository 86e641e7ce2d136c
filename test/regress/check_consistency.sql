-- What citus_internal.check_consistency() finds, and what it leaves alone.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2300000;
CREATE SCHEMA consistency;
SET search_path TO consistency;
SET citus.shard_count TO 2;
SET client_min_messages TO warning;
CREATE TABLE t (k int PRIMARY KEY, v text);
SELECT create_distributed_table('t', 'k');
INSERT INTO t SELECT i FROM generate_series(1, 20) i;
SELECT citus_internal.check_consistency();

-- tables of a user's own: no id, one before the first, one not given yet, one of another table
CREATE TABLE t_12345 (k int);
CREATE TABLE t_102007 (k int);
CREATE TABLE t_2300999 (k int);
CREATE TABLE other_2300000 (k int);
CREATE TABLE t_00102009 (k int);
CREATE TABLE t_ (k int);
SELECT citus_internal.check_consistency();

-- ids that were given to shards which are no more
SELECT pg_catalog.nextval('pg_catalog.pg_dist_shardid_seq') > 0 AS given;
CREATE TABLE t_2300002 (k int);
CREATE TABLE gone_2290000 (k int);
SELECT regexp_replace(problem, '^\S+:\d+', 'node') AS problem
FROM citus_internal.check_consistency() problem ORDER BY 1;
DROP TABLE t_2300002, gone_2290000;

-- a shard on a node where it has no placement
SELECT count(*) FROM pg_dist_shard, run_command_on_workers(
    format('CREATE TABLE IF NOT EXISTS consistency.t_%s (k int)', shardid)) WHERE success
    AND logicalrelid = 't'::regclass;
SELECT regexp_replace(problem, '^\S+:\d+', 'node') AS problem
FROM citus_internal.check_consistency() problem ORDER BY 1;
DO $$
DECLARE
    stray record;
BEGIN
    FOR stray IN SELECT s.shard_name, n.nodename, n.nodeport
        FROM citus_shards s JOIN pg_dist_node n ON n.nodeport <> s.nodeport
        WHERE s.table_name = 'consistency.t'::regclass AND n.groupid > 0
    LOOP
        PERFORM master_run_on_worker(ARRAY[stray.nodename::text], ARRAY[stray.nodeport],
            ARRAY['DROP TABLE ' || stray.shard_name], false);
    END LOOP;
END $$;
SELECT citus_internal.check_consistency();

-- a row in the wrong shard, a shard without its relation
SELECT count(*) FROM run_command_on_shards('t', 'INSERT INTO %s VALUES (1000) ON CONFLICT DO NOTHING')
WHERE success;
SELECT regexp_replace(problem, '^\S+:\d+', 'node') AS problem
FROM citus_internal.check_consistency() problem ORDER BY 1;
DROP SCHEMA consistency CASCADE;
SELECT citus_internal.check_consistency();
