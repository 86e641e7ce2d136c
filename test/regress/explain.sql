-- EXPLAIN shows the strategy, the number of tasks and the plan of one of them.
CREATE SCHEMA ex;
SET search_path TO ex;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE d (k int PRIMARY KEY, g int, v text);
CREATE TABLE e (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, name text);
SELECT create_distributed_table('d', 'k');
SELECT create_distributed_table('e', 'k');
SELECT create_reference_table('r');
INSERT INTO d SELECT i, i % 3, 'v' FROM generate_series(1, 20) i;
-- Ports and shard ids are of the day.
CREATE FUNCTION pg_temp.plan_of(query text, options text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF' || options || ') ' || query LOOP
        CONTINUE WHEN line ~ 'Heap Fetches|Index Searches';
        line := regexp_replace(line, 'port=\d+', 'port=N');
        line := regexp_replace(line, 'rows=(\d+)\.00', 'rows=\1');     -- 18 shows fractions
        RETURN NEXT regexp_replace(line, '_1\d{5}', '_N', 'g');
    END LOOP;
END $$;
\pset tuples_only on
\pset format unaligned

SELECT pg_temp.plan_of($$SELECT * FROM d WHERE k = 1$$);
SELECT pg_temp.plan_of($$SELECT count(*) FROM d$$);
SELECT pg_temp.plan_of($$SELECT g, count(*) FROM d GROUP BY g ORDER BY 2 DESC LIMIT 1$$);
-- states of aggregates, distinct values and grouping sets come from the shards
SELECT pg_temp.plan_of($$SELECT stddev(g), avg(k) FROM d$$, ', VERBOSE');
SELECT pg_temp.plan_of($$SELECT count(DISTINCT g) FROM d$$);
SELECT pg_temp.plan_of($$SELECT g, count(*), grouping(g) FROM d GROUP BY ROLLUP (g)$$);
SELECT pg_temp.plan_of($$SELECT d.k FROM d JOIN e USING (k) JOIN r ON r.id = d.g$$);
SELECT pg_temp.plan_of($$SELECT d.k FROM d JOIN e ON e.x = d.g$$);
SELECT pg_temp.plan_of($$SELECT name FROM r WHERE id = 1$$);
SELECT pg_temp.plan_of($$INSERT INTO d VALUES (100, 1, 'v')$$);
SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = 1$$);
SELECT pg_temp.plan_of($$DELETE FROM d WHERE g = 1$$);
SELECT pg_temp.plan_of($$SELECT * FROM d WHERE k = 1$$, ', ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT count(*) FROM d WHERE k = 100;
SET citus.explain_all_tasks TO on;
SELECT pg_temp.plan_of($$SELECT count(*) FROM d$$);
RESET citus.explain_all_tasks;
-- values of all rows: of a small table as one run a shard, of a join, or of grouping sets of who knows how many rows, not
ANALYZE d;
SELECT pg_temp.plan_of($$SELECT mode() WITHIN GROUP (ORDER BY g) FROM d$$, ', VERBOSE');
SELECT pg_temp.plan_of($$SELECT mode() WITHIN GROUP (ORDER BY d.g) FROM d JOIN e USING (k)$$, ', VERBOSE');
SELECT pg_temp.plan_of($$SELECT mode() WITHIN GROUP (ORDER BY d.g) FROM d JOIN e USING (k) GROUP BY ROLLUP (d.g)$$);
DROP SCHEMA ex CASCADE;
