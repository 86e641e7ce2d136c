-- values of outer rows say which shard is asked
CREATE SCHEMA looked_up;
SET search_path = looked_up;
SET citus.shard_count = 8;
CREATE TABLE d (k int PRIMARY KEY, v int);
CREATE TABLE e (k int, w int);
CREATE TABLE small (k int, v int);
CREATE TABLE l (a int, b int);
SELECT create_distributed_table('d', 'k'), create_distributed_table('e', 'k'), create_distributed_table('small', 'k');
INSERT INTO d SELECT i, i % 50 FROM generate_series(1, 20000) i;
INSERT INTO e SELECT i % 5000, i FROM generate_series(1, 20000) i;
INSERT INTO small SELECT i, i FROM generate_series(1, 100) i;
INSERT INTO l SELECT i, i % 10 FROM generate_series(1, 100) i;
ANALYZE d, e, small, l;

-- what our scans have done: strategy, rows of a run, runs
CREATE FUNCTION scanned(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT DISTINCT concat_ws(' ', node #>> '{Distributed Query,Strategy}', node #>> '{Distributed Query,Job,Shards}', 'shards,', (node ->> 'Actual Rows')::numeric::int, 'rows,', node ->> 'Actual Loops', 'times')
		FROM jsonb_path_query(plan::jsonb, '$.** ? (exists (@."Distributed Query"))') AS node ORDER BY 1;
END $$;
SELECT scanned('SELECT a, (SELECT v FROM d WHERE k = a) FROM l');
SELECT scanned('SELECT a, x.w FROM l, LATERAL (SELECT w FROM e WHERE k = a ORDER BY w LIMIT 1) x');
SELECT scanned('SELECT a, (SELECT sum(w) FROM d JOIN e USING (k) WHERE d.k = a) FROM l');
SELECT scanned('SELECT x.a, d.v FROM (SELECT a FROM l LIMIT 3) x JOIN d ON d.k = x.a');
SELECT scanned('SELECT x.a, d.v FROM (SELECT a FROM l LIMIT 3) x LEFT JOIN d ON d.k = x.a');
SELECT scanned('WITH RECURSIVE r AS (SELECT 51 AS k UNION SELECT d.v FROM r JOIN d ON d.k = r.k) SELECT * FROM r');
-- brought here once: few rows, and conditions that do not say which shard it is
SELECT scanned('SELECT a, (SELECT sum(v) FROM small WHERE k = a) FROM l');
SELECT scanned('SELECT a, (SELECT count(*) FROM d WHERE v = a) FROM l WHERE a < 3');

-- what was looked up before is not asked for again, as long as there is room for it
CREATE FUNCTION looked_up(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT DISTINCT concat_ws(' ', node #>> '{Distributed Query,Job,Lookups Sent}', 'sent,', node #>> '{Distributed Query,Job,Lookups Remembered}', 'remembered')
		FROM jsonb_path_query(plan::jsonb, '$.** ? (exists (@."Distributed Query".Job."Lookups Sent"))') AS node ORDER BY 1;
END $$;
SELECT looked_up('SELECT a, (SELECT v FROM d WHERE k = b + 1) FROM l');
SELECT looked_up('SELECT a, (SELECT v FROM d WHERE k = nullif(b, 3)) FROM l WHERE b < 7');
SELECT looked_up('SELECT a FROM l WHERE EXISTS (SELECT FROM e WHERE k = b AND w > b % 2 OFFSET 0)');
SELECT looked_up('SELECT a, (SELECT sum(w) FROM d JOIN e USING (k) WHERE d.k = b) FROM l');
BEGIN;
SET LOCAL work_mem = 64;
SELECT split_part(looked_up, ' ', 1)::int BETWEEN 1500 AND 1550 AS few FROM looked_up('SELECT g, (SELECT v FROM d WHERE k = g) FROM (SELECT g / 2 AS g FROM generate_series(2, 3001) g OFFSET 0) x');
SELECT looked_up('SELECT (SELECT sum(v) FROM d WHERE k = g) FROM (SELECT g % 1000 AS g FROM generate_series(1, 2000) g OFFSET 0) x');
COMMIT;

-- nothing is left of the runs before, beyond what there is room for
SET work_mem = 64;
CREATE FUNCTION memory_of(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
	highest bigint;
BEGIN
	SELECT sum(total_bytes) INTO before FROM pg_backend_memory_contexts;
	SELECT max(m) INTO highest FROM (SELECT (SELECT v FROM d WHERE k = g % 20000) AS v,
		CASE WHEN g = n THEN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE g > 0) END AS m FROM generate_series(1, n) g) x;
	RETURN highest - before;
END $$;
SELECT memory_of(200) > 0 AS some;
SELECT memory_of(4000) - memory_of(200) < 1000000 AS no_more;
RESET work_mem;

SET client_min_messages = warning;
DROP SCHEMA looked_up CASCADE;
