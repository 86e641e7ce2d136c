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

-- statistics of columns: those of the shards, put together, on every node
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE st (k int, few int, half text, unique_value bigint, m mood, odd json) WITH (autovacuum_enabled = off);
SELECT create_distributed_table('st', 'k');
INSERT INTO st SELECT i, CASE WHEN i % 10 < 9 THEN 1 ELSE i % 4 END, CASE WHEN i % 2 = 0 THEN 'x' || i % 50 END, i,
    CASE i % 4 WHEN 0 THEN 'sad' ELSE 'happy' END::mood, '{}' FROM generate_series(1, 4000) i;
ANALYZE st;
CREATE VIEW statistics_here AS
SELECT attname, round(null_frac::numeric, 2) AS nulls, avg_width, round(n_distinct::numeric, 1) AS distinct, most_common_vals::text::text[] AS common,
       (SELECT array_agg(round(f::numeric, 2)) FROM unnest(most_common_freqs) f) AS frequencies,
       (histogram_bounds::text::text[])[1] AS first, array_length(histogram_bounds::text::text[], 1) AS bounds
FROM pg_stats WHERE schemaname = 'va' AND tablename = 'st';
SELECT attname, nulls, avg_width, "distinct", CASE WHEN attname <> 'half' THEN common END AS common,
       CASE WHEN attname <> 'half' THEN frequencies END AS frequencies, first, bounds
FROM statistics_here ORDER BY 1;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT md5(string_agg(s::text, ' ' ORDER BY attname)) FROM va.statistics_here s $$);
-- ... and estimates that are made of them
CREATE TABLE here (x int);
CREATE FUNCTION pg_temp.estimate(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN SELECT random() FROM here, st WHERE ' || condition LOOP
        IF line ~ 'Custom Scan' THEN
            RETURN round(substring(line FROM 'rows=(\d+)')::numeric, -2);
        END IF;
    END LOOP;
END $$;
SELECT condition, pg_temp.estimate(condition)
FROM (VALUES ('few = 1'), ('half IS NULL'), ('unique_value < 1000'), ('m = ''sad'''), ('true')) AS c(condition);
-- only those who may analyze the table may say what is in it
CREATE ROLE va_other;
GRANT USAGE ON SCHEMA va, citus_internal TO va_other;
SET ROLE va_other;
SELECT citus_internal.set_column_statistics('va.st', 'few', 0, 4, 1, NULL, NULL, NULL);
RESET ROLE;
SELECT citus_internal.set_column_statistics('va.st', 'nothing', 0, 4, 1, NULL, NULL, NULL);
SELECT citus_internal.set_column_statistics('va.st', 'few', 0, 4, 1, '{1,2}', '{1}', NULL);
SELECT citus_internal.set_column_statistics('va.st', 'few', 0, 4, 1, '{x}', '{1}', NULL);
REVOKE ALL ON SCHEMA va, citus_internal FROM va_other;
DROP ROLE va_other;

LOCK TABLE d;
BEGIN;
LOCK TABLE d, r IN SHARE MODE NOWAIT;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT count(*) FROM pg_locks WHERE relation = 'va.d'::regclass AND mode = 'ShareLock' $$);
COMMIT;
-- without a list of tables: those that are distributed, too
CREATE TABLE listed_nowhere (k int PRIMARY KEY, v int);
SELECT create_distributed_table('listed_nowhere', 'k', colocate_with => 'none');
INSERT INTO listed_nowhere SELECT i, i % 3 FROM generate_series(1, 100) i;
ANALYZE;
SELECT reltuples FROM pg_class WHERE oid = 'listed_nowhere'::regclass;
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'listed_nowhere' ORDER BY 1;

DROP SCHEMA va CASCADE;
