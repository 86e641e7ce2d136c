-- EXPLAIN shows the strategy, the number of tasks and the plan of one of them.
CREATE SCHEMA ex;
SET search_path TO ex;
SET citus.shard_count TO 4;
CREATE TABLE d (k int PRIMARY KEY, g int, v text);
CREATE TABLE e (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, name text);
SELECT create_distributed_table('d', 'k');
SELECT create_distributed_table('e', 'k');
SELECT create_reference_table('r');
INSERT INTO d SELECT i, i % 3, 'v' FROM generate_series(1, 20) i;

EXPLAIN (COSTS OFF) SELECT * FROM d WHERE k = 1;
EXPLAIN (COSTS OFF) SELECT count(*) FROM d;
EXPLAIN (COSTS OFF) SELECT g, count(*) FROM d GROUP BY g ORDER BY 2 DESC LIMIT 1;
EXPLAIN (COSTS OFF) SELECT d.k FROM d JOIN e USING (k) JOIN r ON r.id = d.g;
EXPLAIN (COSTS OFF) SELECT d.k FROM d JOIN e ON e.x = d.g;
EXPLAIN (COSTS OFF) SELECT name FROM r WHERE id = 1;
EXPLAIN (COSTS OFF) INSERT INTO d VALUES (100, 1, 'v');
EXPLAIN (COSTS OFF) UPDATE d SET v = 'w' WHERE k = 1;
EXPLAIN (COSTS OFF) DELETE FROM d WHERE g = 1;
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM d WHERE k = 1;
SELECT count(*) FROM d WHERE k = 100;
SET citus.explain_all_tasks TO on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM d;
RESET citus.explain_all_tasks;
DROP SCHEMA ex CASCADE;
