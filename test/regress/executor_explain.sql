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

-- a generic plan is pruned when it is explained
PREPARE p(int) AS SELECT v FROM d WHERE k = $1;
SET plan_cache_mode TO force_generic_plan;
SELECT plan_of('(COSTS OFF) EXECUTE p(3)');
DROP SCHEMA xe CASCADE;
