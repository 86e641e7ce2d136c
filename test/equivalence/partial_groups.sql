-- Grouping and aggregates over known relations beneath a plan of the server's, made by the shards.
CREATE TABLE d (k int, k2 int, x numeric(12, 2), v bigint, f float8, s text, n numeric, c char(4), j json, PRIMARY KEY (k));
CREATE TABLE e (k int, k2 int, y int);
CREATE TABLE o (a int, b int);
CREATE TABLE r (id int, name text);
CREATE TABLE l (id int, name text);
CREATE TABLE empty (k int, v int);
-- distribute: SELECT create_distributed_table('d', 'k', shard_count => 6)
-- distribute: SELECT create_distributed_table('e', 'k', colocate_with => 'd')
-- distribute: SELECT create_distributed_table('empty', 'k', colocate_with => 'd')
-- distribute: SELECT create_distributed_table('o', 'a', shard_count => 3, colocate_with => 'none')
-- distribute: SELECT create_reference_table('r')
INSERT INTO d SELECT i, i % 20, i * 1.5, i % 7, i % 9, 's' || i % 5, ('1.' || repeat('0', i % 3))::numeric, 'c' || i % 4, '{}'
FROM generate_series(1, 2000) i;
INSERT INTO d (k, k2) SELECT i, NULL FROM generate_series(2001, 2010) i;
INSERT INTO e SELECT i % 900, i % 20, i FROM generate_series(1, 1500) i;
INSERT INTO o SELECT i, i % 20 FROM generate_series(1, 200) i;
INSERT INTO r SELECT i, 'name ' || i % 5 FROM generate_series(1, 30) i;
INSERT INTO l SELECT i, 'name ' || i % 5 FROM generate_series(1, 30) i;
ANALYZE;

-- beside a sub-query that the server plans
SELECT count(*), sum(x), avg(x), avg(v), min(s), max(s), stddev(x), bool_and(v > 0), bit_or(v) FROM d WHERE x > (SELECT avg(id) FROM l);
SELECT k2, count(*), sum(v), avg(f), count(k2), regr_count(f, v), var_pop(v) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY k2;
SELECT k2, count(*) FROM d WHERE v IN (SELECT id FROM l WHERE id < 5) GROUP BY k2 HAVING count(*) > (SELECT min(id) FROM l) ORDER BY 2 DESC, 1 LIMIT 5;
SELECT k2 + 1, upper(s), sum(x) / count(*), (SELECT name FROM l WHERE id = k2 + 1) FROM d GROUP BY k2 + 1, upper(s), d.k2;
SELECT s, (SELECT count(*) FROM l WHERE l.name < d.s), max(x) FROM d GROUP BY s ORDER BY s;
SELECT count(*) FILTER (WHERE v > (SELECT min(id) FROM l)), sum(x) FILTER (WHERE s = 's1') FROM d WHERE v < (SELECT max(id) FROM l);
SELECT d.k2, sum(x), count(y), min(y) FROM d JOIN e USING (k) WHERE x > (SELECT avg(id) FROM l) GROUP BY 1;
SELECT d.k2, count(*), count(e.y) FROM d LEFT JOIN e ON d.k = e.k AND e.y > 100 WHERE x > (SELECT min(id) FROM l) GROUP BY 1;
SELECT e.k2, count(*) FROM d LEFT JOIN e ON d.k = e.k WHERE x > (SELECT min(id) FROM l) GROUP BY 1;
SELECT r.name, sum(x) FROM d JOIN r ON r.id = d.k2 WHERE x > (SELECT avg(id) FROM l) GROUP BY 1;
SELECT count(*) FROM d WHERE EXISTS (SELECT FROM e WHERE e.k = d.k) AND x > (SELECT avg(id) FROM l);
SELECT count(*), sum(v) FROM empty WHERE v > (SELECT min(id) FROM l);
SELECT k, count(*) FROM empty WHERE v > (SELECT min(id) FROM l) GROUP BY k;
SELECT count(*), sum(x) FROM d WHERE k = (SELECT min(id) FROM l);
SELECT count(*), sum(x) FROM d WHERE k = 7 AND x > (SELECT min(id) FROM l);
SELECT count(*) FROM d WHERE k = 7 AND k = 8 AND x > (SELECT min(id) FROM l);

-- the key among the groups
SELECT k, sum(x), count(*) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY k HAVING sum(x) > (SELECT max(id) FROM l) * 90;
SELECT k, s, string_agg(s, ',' ORDER BY v), (SELECT name FROM l WHERE id = k) FROM d WHERE k < (SELECT 12 FROM l LIMIT 1) GROUP BY k HAVING count(*) = 1 AND max(x) > 3;
SELECT d.k, d.s, count(e.*) FROM d JOIN e USING (k) WHERE x < (SELECT max(id) FROM l) GROUP BY d.k;
SELECT e.k, count(DISTINCT y % 3), array_agg(y ORDER BY y DESC) FROM e WHERE y < (SELECT max(id) FROM l) GROUP BY e.k;

-- DISTINCT
SELECT count(DISTINCT k2), count(DISTINCT s) FROM d WHERE x > (SELECT avg(id) FROM l);
SELECT count(DISTINCT k2) FROM d WHERE x > (SELECT avg(id) FROM l);
SELECT count(DISTINCT n), sum(DISTINCT v) FROM d WHERE x > (SELECT avg(id) FROM l);
SELECT s, count(DISTINCT k2) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY s;
SELECT s, count(DISTINCT k2), sum(v) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY s;
SELECT count(DISTINCT 1), count(DISTINCT k) FROM d WHERE x > (SELECT max(id) * 1000 FROM l);
SELECT max(DISTINCT v), count(DISTINCT v + k2) FILTER (WHERE s <> 's2') FROM d WHERE x > (SELECT avg(id) FROM l);

-- a row of an outer query
SELECT l.id, (SELECT count(*) FROM d WHERE k2 = l.id), (SELECT avg(x) FROM d WHERE k2 < l.id), (SELECT regr_count(f, v) FROM d WHERE k2 = l.id) FROM l;
SELECT l.id, (SELECT sum(DISTINCT v) FROM d WHERE k2 <> l.id), (SELECT avg(DISTINCT v) FROM d WHERE k2 > l.id) FROM l;
SELECT l.id, (SELECT count(DISTINCT s) FROM d WHERE k2 <> l.id AND v <> l.id % 7), (SELECT sum(DISTINCT v) FROM d WHERE v <> l.id) FROM l;
SELECT l.id, c, t FROM l, LATERAL (SELECT count(*) c, sum(x) t FROM d WHERE k2 = l.id) q;
SELECT l.id, q.* FROM l LEFT JOIN LATERAL (SELECT s, max(x) m FROM d WHERE k2 = l.id AND v > 2 GROUP BY s HAVING count(*) > 3) q ON true;
SELECT l.id, c FROM l CROSS JOIN LATERAL (SELECT count(*) c, sum(x) FROM d) q;
SELECT l.name FROM l WHERE l.id < (SELECT count(*) FROM d WHERE d.s = 's' || l.id % 9);
SELECT l.id, (SELECT count(*) FROM d JOIN e ON d.k = e.k WHERE e.k2 = l.id) FROM l;
SELECT l.id, (SELECT sum(l.id + v) FROM d WHERE k2 = l.id) FROM l;
SELECT l.id, (SELECT sum(v) + l.id FROM d WHERE k2 = l.id GROUP BY ()) FROM l;
SELECT l.id, (SELECT count(DISTINCT s) FROM d WHERE k2 = l.id) FROM l;
SELECT l.id, (SELECT count(*) FROM d WHERE k = l.id), (SELECT count(*) FROM e WHERE k = l.id) FROM l;
SELECT l.id, (SELECT string_agg(s, ',' ORDER BY k) FROM d WHERE k = l.id) FROM l;
-- equal values that look different are told apart
SELECT l.id, (SELECT count(*) FROM d WHERE length(n::text) = l.id) FROM l WHERE id < 6;
SELECT l.id, (SELECT count(*) FROM d WHERE length(f::text) = l.id) FROM l WHERE id < 4;
SELECT l.id, (SELECT count(*) FROM d WHERE length(c || 'x') = l.id) FROM l WHERE id < 6;
SELECT l.id, (SELECT count(*) FROM d WHERE j::text = repeat('{}', l.id)) FROM l WHERE id < 3;
WITH RECURSIVE w(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w WHERE n < 9) SELECT n, (SELECT count(*) FROM d WHERE v = n) FROM w;

-- what the shards cannot compute
CREATE FUNCTION pg_temp.odd(bigint) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 2 = 1';
SELECT k2, count(*) FROM d WHERE pg_temp.odd(v) GROUP BY k2;
SELECT pg_temp.odd(v), count(*), sum(x) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY 1;
SELECT sum(v) FILTER (WHERE pg_temp.odd(v)) FROM d WHERE x > (SELECT avg(id) FROM l);
SELECT count(*) FROM d WHERE random() >= 0 AND x > (SELECT avg(id) FROM l);
SELECT tableoid::regclass, count(*) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY 1;
SELECT d.k2, count(d), count(d.*) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY 1;
SELECT k2, grouping(k2), count(*) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY k2;
SELECT k2, s, count(*) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY ROLLUP (k2, s);
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY v), mode() WITHIN GROUP (ORDER BY s) FROM d WHERE x > (SELECT avg(id) FROM l);
SELECT k2, generate_series(1, 2), count(*) FROM d WHERE k2 < (SELECT 3 FROM l LIMIT 1) GROUP BY 1, 2;
SELECT k2, rank() OVER (ORDER BY sum(x) DESC), sum(sum(x)) OVER () FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY k2;

-- in other statements, prepared, in functions and cursors
CREATE TABLE result (k2 int, x numeric);
INSERT INTO result SELECT k2, sum(x) FROM d WHERE v > (SELECT min(id) FROM l) GROUP BY k2;
UPDATE result SET x = x + q.c FROM (SELECT k2, count(*) c FROM d WHERE v > (SELECT min(id) FROM l) GROUP BY k2) q WHERE q.k2 = result.k2;
SELECT * FROM result;
WITH q AS MATERIALIZED (SELECT k2, sum(x) t FROM d WHERE v > (SELECT min(id) FROM l) GROUP BY 1) SELECT max(t), count(*) FROM q;
SELECT count(*) FROM d WHERE v > (SELECT 3 FROM l LIMIT 1) UNION ALL SELECT count(*) FROM l UNION ALL SELECT sum(y) FROM e WHERE y > (SELECT max(id) FROM l);
SELECT q.k2, q.c, o.a FROM o JOIN (SELECT k2, count(*) c FROM d WHERE v < (SELECT max(id) FROM l) GROUP BY 1) q ON q.k2 = o.b WHERE o.a < 5;
PREPARE p (int, bigint) AS SELECT k2, count(*), sum(x + $1) FROM d WHERE v > $2 AND x > (SELECT $1 + avg(id) FROM l) GROUP BY k2 HAVING count(*) > $1;
EXECUTE p (1, 2);
SET plan_cache_mode = force_generic_plan;
EXECUTE p (2, 3);
EXECUTE p (40, 1);
RESET plan_cache_mode;
CREATE FUNCTION many(which int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM d WHERE k2 = which AND x > (SELECT min(id) FROM l); RETURN n; END $$;
SELECT id, many(id) FROM l WHERE id < 8;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT k2, count(*) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY k2 ORDER BY k2;
FETCH 3 FROM c;
FETCH BACKWARD 1 FROM c;
FETCH ABSOLUTE 5 FROM c;
UPDATE d SET k2 = 1 WHERE k = 20;
FETCH ABSOLUTE 6 FROM c;
SELECT count(*) FROM d WHERE k2 = 1 AND x > (SELECT min(id) FROM l);
SAVEPOINT a;
SELECT count(*), sum(1 / (v - 3)) FROM d WHERE x > (SELECT avg(id) FROM l);
ROLLBACK TO a;
ROLLBACK;
CREATE VIEW w AS SELECT k2, sum(x) AS total FROM d GROUP BY k2;
SELECT w.*, l.name FROM l LEFT JOIN LATERAL (SELECT * FROM w WHERE w.k2 = l.id) w ON true;
SET enable_hashagg = off;
SELECT k2, count(*), sum(v) FROM d WHERE x > (SELECT avg(id) FROM l) GROUP BY k2 ORDER BY k2;
RESET enable_hashagg;

-- What it is grouped by becomes the same when constants are known.
SET citus.enable_router_execution = off;
SELECT d.k2, count(*) FROM (VALUES (1.5)) v (c) JOIN d ON true GROUP BY d.k2, CASE WHEN v.c > 2 THEN 1 ELSE d.k2 END;
SELECT d.k2, CASE WHEN v.c > 2 THEN 1 ELSE d.k2 END, sum(DISTINCT d.v) FROM (VALUES (1.5)) v (c) JOIN d ON true GROUP BY 1, 2 HAVING max(d.x) > 1;
SELECT FROM (VALUES (1.5)) v (c) JOIN d ON true GROUP BY d.k2, d.s, CASE WHEN v.c > 2 THEN 1 ELSE d.k2 END;
SELECT d.k, count(*) FROM (VALUES (1.5)) v (c) JOIN d ON true GROUP BY d.k, CASE WHEN v.c > 2 THEN 1 ELSE d.k END;
