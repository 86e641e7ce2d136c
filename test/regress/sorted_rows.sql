-- ORDER BY: the shards sort, rows are merged; LIMIT travels
CREATE SCHEMA sorted;
SET search_path = sorted;
SET citus.shard_count = 4;
CREATE TABLE t (k int, v int, b text COLLATE "C", u text COLLATE "und-x-icu", r regclass);
CREATE TABLE l (v int, name text);
SELECT create_distributed_table('t', 'k');
INSERT INTO t SELECT i, i % 10, i, i, 'pg_class' FROM generate_series(1, 100) i;

CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		line := regexp_replace(line, 'port=\d+', 'port=N');
		CONTINUE WHEN line ~ 'Node:|Tasks Shown|Task Count|Shards:|Strategy|Window:';
		RETURN NEXT regexp_replace(line, '_\d{6,}', '_N', 'g');
	END LOOP;
END $$;

SELECT plan_of('SELECT k, b FROM t ORDER BY b DESC, k');
SELECT plan_of('SELECT k FROM t ORDER BY k LIMIT 3 OFFSET 2');
SELECT plan_of('SELECT k, sum(v) FROM t GROUP BY k ORDER BY 2 DESC NULLS LAST LIMIT 3');
SELECT plan_of('SELECT rank() OVER (ORDER BY v DESC) FROM t');
-- another library may sort otherwise: only what may be wanted is asked for, and sorted here
SELECT plan_of('SELECT k FROM t ORDER BY u LIMIT 3');
-- the number of a relation differs between nodes
SELECT plan_of('SELECT k FROM t ORDER BY r LIMIT 3');
-- more than one value in a statement
SELECT plan_of('SELECT k FROM t ORDER BY k LIMIT 3 * random()');
SET citus.explain_distributed_queries = off;
SELECT plan_of('SELECT k, name FROM t LEFT JOIN l USING (v) ORDER BY k LIMIT 3');

-- tasks that give many rows: those that have to wait are in files
RESET citus.explain_distributed_queries;
SET work_mem = '64kB';
INSERT INTO t SELECT i, i % 100 FROM generate_series(101, 20000) i;
SELECT count(*), sum(CASE WHEN k < before THEN 1 ELSE 0 END) AS out_of_order
	FROM (SELECT k, lag(k) OVER () AS before FROM (SELECT k FROM t ORDER BY k) s) s;
SELECT count(*), sum(CASE WHEN v < before THEN 1 ELSE 0 END) AS out_of_order
	FROM (SELECT v, lag(v) OVER () AS before FROM (SELECT v, b FROM t ORDER BY v, b DESC) s) s;
SELECT k FROM t ORDER BY k DESC OFFSET 10000 LIMIT 2;

SET client_min_messages = warning;
DROP SCHEMA sorted CASCADE;
