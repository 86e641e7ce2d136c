-- A sub-query's value chooses the shard of a write, and of a SELECT where that saves much.
CREATE SCHEMA keysub;
SET search_path TO keysub;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE d (k int PRIMARY KEY, g int, v text);
CREATE TABLE e (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, name text);
CREATE TABLE l (id int PRIMARY KEY, name text);
SELECT create_distributed_table('d', 'k'), create_distributed_table('e', 'k'), create_reference_table('r');
INSERT INTO d SELECT i, i % 3, 'v' FROM generate_series(1, 20) i;
INSERT INTO r SELECT i, 'n' || i FROM generate_series(1, 20) i;
INSERT INTO l SELECT * FROM r;
ANALYZE d, r, l;
CREATE FUNCTION pg_temp.plan_of(query text, options text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF' || options || ') ' || query LOOP
        IF line ~ 'Strategy|Shards:|Tasks Shown' THEN
            RETURN NEXT trim(line);
        END IF;
    END LOOP;
END $$;
\pset tuples_only on
\pset format unaligned

SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = (SELECT id FROM r WHERE name = 'n1')$$);
SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = (SELECT id FROM l WHERE name = 'n1')$$);
SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = (SELECT id + 1 FROM l WHERE name = 'n1')$$);
SELECT pg_temp.plan_of($$DELETE FROM d WHERE k IN (SELECT id FROM r WHERE name = 'n1') AND k < 100$$);
SELECT pg_temp.plan_of($$DELETE FROM d WHERE k IN (SELECT id FROM r)$$);
SELECT pg_temp.plan_of($$DELETE FROM d WHERE k = 3 AND k IN (SELECT id FROM r WHERE name = 'n1')$$);
-- where it has run, as it was
SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = (SELECT id FROM r WHERE name = 'n1')$$, ', ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = (SELECT id FROM r WHERE name = 'none')$$, ', ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT pg_temp.plan_of($$UPDATE d SET v = 'w' WHERE k = (SELECT id FROM r WHERE id < 3) AND k < 0$$, ', ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF');

-- an index finds nothing in other shards as quickly; who knows how large the second one is
SELECT pg_temp.plan_of($$SELECT * FROM d WHERE k = (SELECT id FROM r WHERE name = 'n1')$$);
SELECT pg_temp.plan_of($$SELECT * FROM e WHERE k = (SELECT id FROM r WHERE name = 'n1')$$);
INSERT INTO e SELECT i % 1000, i FROM generate_series(1, 100000) i;
ANALYZE e;
SELECT pg_temp.plan_of($$SELECT * FROM e WHERE k = (SELECT id FROM r WHERE name = 'n1')$$);
SELECT pg_temp.plan_of($$SELECT count(*) FROM e WHERE k = (SELECT id FROM r WHERE name = 'n1')$$, ', ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT pg_temp.plan_of($$SELECT count(*) FROM e WHERE k IN (SELECT id FROM r WHERE name = 'n1')$$);
SELECT pg_temp.plan_of($$SELECT count(*) FROM e WHERE k IN (SELECT id FROM r)$$);
SELECT pg_temp.plan_of($$SELECT * FROM e WHERE k = (SELECT id / 2 FROM r WHERE name = 'n1')$$);
DROP SCHEMA keysub CASCADE;
