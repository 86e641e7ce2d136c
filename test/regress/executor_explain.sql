-- EXPLAIN: tasks, formats, ANALYZE.  Ports of nodes and shard names differ from run to
-- run, so they are blanked out.
CREATE SCHEMA xe;
SET search_path TO xe;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE d (k int PRIMARY KEY, v int);
CREATE TABLE r (id int PRIMARY KEY);
SELECT create_distributed_table('d', 'k');
SELECT create_reference_table('r');
INSERT INTO d SELECT i, i FROM generate_series(1, 100) i;
INSERT INTO r VALUES (1), (2);
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		CONTINUE WHEN line ~ 'Heap Fetches|Index Searches|Rows Removed';
		line := regexp_replace(line, 'port=\d+', 'port=N', 'g');
		line := regexp_replace(line, '_\d{6}', '_N', 'g');
		line := regexp_replace(line, '\d+\.\d+ ms', 'N ms', 'g');
		line := regexp_replace(line, 'rows=(\d+)(\.\d+)?', 'rows=\1', 'g');
		RETURN NEXT line;
	END LOOP;
END $$;

SELECT plan_of('(COSTS OFF) SELECT * FROM d WHERE k = 1');
SELECT plan_of('(COSTS OFF, VERBOSE) SELECT v FROM d WHERE k = 1');
SELECT plan_of('(COSTS OFF) SELECT count(*) FROM d');
SELECT plan_of('(COSTS OFF) SELECT v FROM d WHERE k = 1 AND k = 2');
SELECT plan_of('(COSTS OFF) UPDATE d SET v = 1');
SELECT plan_of('(COSTS OFF) DELETE FROM r WHERE id = 7');
SELECT plan_of('(COSTS OFF) INSERT INTO d VALUES (101, 1)');
SELECT plan_of('(COSTS OFF) INSERT INTO d SELECT k + 1000, v FROM d');
SELECT count(*), sum(v) FROM d;

SELECT plan_of('(COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT k FROM d WHERE k = 5');
SELECT plan_of('(COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF) UPDATE d SET v = 0 WHERE k = 5');
SELECT v FROM d WHERE k = 5;

SET citus.explain_all_tasks TO on;
SELECT count(*) FROM plan_of('(COSTS OFF) SELECT count(*) FROM d') p WHERE p LIKE '%->  Task%';
RESET citus.explain_all_tasks;
SET citus.explain_distributed_queries TO off;
SELECT plan_of('(COSTS OFF) SELECT count(*) FROM d');
RESET citus.explain_distributed_queries;

-- structured formats are well-formed
CREATE FUNCTION json_plan_of(query text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN plan;
END $$;
SELECT json_plan_of('SELECT v FROM d WHERE k = 1')
	#>> '{0,Plan,Distributed Query,Job,Tasks,0,Remote Plan,0,Plan,Node Type}';
SELECT json_array_length(json_plan_of('SELECT v FROM d')
	#> '{0,Plan,Distributed Query,Job,Tasks}');

-- ANALYZE: what each task has really done, on its node
CREATE FUNCTION measured(query text, options text DEFAULT '') RETURNS TABLE (rows bigint, timed boolean)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON' || options || ') ' || query INTO plan;
	RETURN QUERY SELECT
		sum((p.plan ->> 'Actual Rows')::numeric)::bigint, bool_and(p.plan ? 'Actual Total Time')
	FROM (SELECT DISTINCT node -> 'Remote Plan' -> 0 -> 'Plan' AS plan, node
		FROM jsonb_path_query(plan::jsonb, '$.**."Tasks"[*]') AS node) p;
END $$;
SET citus.explain_all_tasks TO on;
SELECT * FROM measured('SELECT v FROM d WHERE k <= 10');
SELECT * FROM measured('SELECT count(*) FROM d', ', TIMING OFF');
SELECT * FROM measured('SELECT v FROM d WHERE k IN (1, 2) ORDER BY v');
SELECT * FROM measured('UPDATE d SET v = v WHERE k <= 10 RETURNING v', ', BUFFERS, WAL, VERBOSE');
SELECT * FROM measured('SELECT * FROM r');
SELECT * FROM measured('SELECT d.k FROM d JOIN d e ON e.v = d.k AND e.k < 5');
BEGIN;
DELETE FROM d WHERE k < 5;
SELECT * FROM measured('SELECT v FROM d WHERE k <= 10');
ROLLBACK;
CREATE FUNCTION measured_inside() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT sum(rows) FROM measured('SELECT v FROM d WHERE k <= 20'));
END $$;
SELECT * FROM measured('SELECT v, measured_inside() FROM d WHERE k = 1');
PREPARE m(int) AS SELECT v FROM d WHERE k <= $1;
SELECT * FROM measured('EXECUTE m (10)');
SELECT * FROM measured('EXECUTE m (11)');
SELECT count(*) FROM d;
SET citus.explain_distributed_queries TO off;
SELECT * FROM measured('SELECT v FROM d WHERE k <= 10');
RESET citus.explain_distributed_queries;
RESET citus.explain_all_tasks;
SELECT sum(length(line)) > 0 FROM plan_of('(ANALYZE, FORMAT YAML) SELECT v FROM d') AS line;
SELECT count(*) FROM plan_of('(ANALYZE, FORMAT XML) SELECT v FROM d') AS line WHERE line ~ '<Remote-Plan>.*<Actual-Rows>';

-- a generic plan is pruned when it is explained
PREPARE p(int) AS SELECT v FROM d WHERE k = $1;
SET plan_cache_mode TO force_generic_plan;
SELECT plan_of('(COSTS OFF) EXECUTE p(3)');
DROP SCHEMA xe CASCADE;
