-- Joins that the shards make beneath a larger plan: beside tables of one node, joins off the key,
-- sub-queries, recursion.
CREATE TABLE d (k int PRIMARY KEY, v int, t text);
CREATE TABLE e (k int, w int, t text);
CREATE TABLE f (k bigint, x int);
CREATE TABLE o (k int, x int);
CREATE TABLE s (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, name text);
CREATE TABLE dp (k int, v int, part int) PARTITION BY LIST (part);
CREATE TABLE dp1 PARTITION OF dp FOR VALUES IN (1);
CREATE TABLE dp2 PARTITION OF dp FOR VALUES IN (2);
CREATE TABLE l (a int, b int, name text);
CREATE VIEW dv AS SELECT d.k, d.v, e.w FROM d JOIN e USING (k);
CREATE FUNCTION odd(n int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN n % 2 = 1; END';
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('e', 'k', colocate_with => 'd')
-- distribute: SELECT create_distributed_table('f', 'k')
-- distribute: SELECT create_distributed_table('dp', 'k', colocate_with => 'd')
-- distribute: SELECT create_distributed_table('o', 'k', shard_count => 3)
-- distribute: SELECT create_distributed_table('s', NULL)
-- distribute: SELECT create_reference_table('r')
INSERT INTO d SELECT i, NULLIF(i % 20, 7), 't' || i % 7 FROM generate_series(1, 200) i;
INSERT INTO e SELECT i % 150, NULLIF(i, 33), 't' || i % 5 FROM generate_series(1, 300) i;
INSERT INTO f SELECT i % 90, i FROM generate_series(1, 120) i;
INSERT INTO o SELECT i % 40, i FROM generate_series(1, 60) i;
INSERT INTO s SELECT i, i * 2 FROM generate_series(1, 10) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 15) i;
INSERT INTO dp SELECT i, i % 9, 1 + i % 2 FROM generate_series(1, 80) i;
INSERT INTO l SELECT i, i % 10, 'l' || i % 4 FROM generate_series(1, 100) i;
INSERT INTO l VALUES (NULL, 1, NULL), (5, NULL, 'l5');
ANALYZE;

-- inner joins, with conditions of all kinds
SELECT d.k, d.t, e.w, l.name FROM d JOIN e ON d.k = e.k JOIN l ON l.a = d.v + e.w;
SELECT d.k, e.w, l.b FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE e.t = 't1' AND d.v + e.w > 100;
SELECT d.k, l.b FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k = 5;
SELECT d.k, l.b FROM d JOIN e USING (k) JOIN l ON l.a = e.w WHERE e.k IN (5, 6, 7);
SELECT d.k, f.x, e.w, l.a FROM d JOIN e USING (k) JOIN dp USING (k) JOIN f ON f.k = d.k JOIN l ON l.a = f.x;
SELECT d.k, dp.part, l.a FROM d JOIN dp USING (k) JOIN l ON l.b = dp.v WHERE dp.part = 2;
SELECT d.k, dp.k, l.a FROM d JOIN ONLY dp USING (k) JOIN l ON l.b = dp.v;
SELECT d.k, r.name, l.name FROM d JOIN r ON r.id = d.v JOIN l ON l.a = d.k WHERE l.b < 4;
SELECT x.k, y.k, l.a FROM d x JOIN d y ON x.k = y.k AND x.v < y.k JOIN l ON l.a = x.k;
SELECT count(*), sum(d.k) FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE odd(d.k);
SELECT count(*), sum(d.k) FROM d JOIN e ON d.k = e.k AND odd(e.w) JOIN l ON l.a = d.v;
SELECT count(*), sum(d.k) FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.v > (SELECT avg(b) FROM l);
SELECT count(*), sum(d.k) FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE EXISTS (SELECT FROM l x WHERE x.a = d.k) OR e.w < 9;
SELECT d, e.w, l FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k < 20;
SELECT count(*) FROM d JOIN e ON d.k = e.k, l;
SELECT count(*) FROM d, e, l WHERE d.v = e.w AND l.a = d.k;
SELECT dv.k, l.name FROM dv JOIN l ON l.a = dv.w;
SELECT d.k, r.id, s.x, l.a FROM d JOIN r ON r.id = d.v JOIN s ON s.k = d.k JOIN l ON l.a = s.x;
SELECT s.k, r.name, l.a FROM s JOIN r ON r.id = s.k JOIN l ON l.a = s.x;
SELECT a.name, b.name, l.a FROM r a JOIN r b ON a.id = b.id + 1 JOIN l ON l.a = b.id;

-- outer joins
SELECT d.k, e.w, l.a FROM d LEFT JOIN e ON d.k = e.k JOIN l ON l.a = d.v;
SELECT d.k, e.w, l.a FROM d LEFT JOIN e ON d.k = e.k AND e.w > 100 JOIN l ON l.a = d.v;
SELECT d.k, e.w, l.a FROM d LEFT JOIN e ON d.k = e.k AND d.v > 10 JOIN l ON l.a = d.v;
SELECT d.k, e.w, l.a FROM d LEFT JOIN e ON d.k = e.k JOIN l ON l.a = d.v WHERE coalesce(e.w, 0) < 120;
SELECT d.k, e.w, l.a FROM d LEFT JOIN e ON d.k = e.k JOIN l ON l.a = d.v WHERE e.k IS NULL;
SELECT d.k, e.w, l.a FROM d LEFT JOIN (SELECT * FROM e WHERE w > 50) e ON d.k = e.k JOIN l ON l.a = d.v;
SELECT d.k, e.w, l.a FROM d LEFT JOIN (SELECT k, w + 1 AS w, 5 AS five FROM e) e ON d.k = e.k JOIN l ON l.a = d.v WHERE coalesce(five, 0) = 5;
SELECT d.k, e.w, f.x, l.a FROM d LEFT JOIN e ON d.k = e.k LEFT JOIN f ON f.k = e.k JOIN l ON l.a = d.v;
SELECT d.k, e.w, f.x, l.a FROM d LEFT JOIN (e JOIN f ON f.k = e.k AND f.x > 3) ON d.k = e.k JOIN l ON l.a = d.v;
SELECT d.k, e.w, f.x, l.a FROM l LEFT JOIN (d JOIN e ON d.k = e.k) ON l.a = d.v LEFT JOIN f ON f.k = d.k WHERE l.a < 30;
SELECT d.k, e.w, l.a FROM l LEFT JOIN (d LEFT JOIN e ON d.k = e.k AND e.w < 99) ON l.a = d.v;
SELECT d.k, e.k, l.a FROM l JOIN (d FULL JOIN e ON d.k = e.k) ON l.a = coalesce(d.v, e.w);
SELECT d.k, e.k, l.a FROM l JOIN ((SELECT * FROM d WHERE v > 3) d FULL JOIN e ON d.k = e.k) ON l.a = coalesce(d.v, e.w);
SELECT d.k, r.name, l.a FROM d LEFT JOIN r ON r.id = d.v JOIN l ON l.a = d.k;
SELECT d.k, r.name, l.a FROM r LEFT JOIN d ON r.id = d.v JOIN l ON l.a = r.id;
SELECT d.k, r.name, e.w, l.a FROM r LEFT JOIN d ON r.id = d.v JOIN l ON l.a = r.id LEFT JOIN e ON e.k = d.k;
SELECT d.k, r.name, l.a FROM r RIGHT JOIN d ON r.id = d.v JOIN e ON e.k = d.k JOIN l ON l.a = d.k;
SELECT count(*), count(e.k), count(d.k) FROM r LEFT JOIN d ON d.k = 5 AND r.id = d.v LEFT JOIN e ON e.k = 5 JOIN l ON l.a = r.id;
SELECT d.k, e IS NULL AS none, e, l.a FROM d LEFT JOIN e ON d.k = e.k JOIN l ON l.a = d.v WHERE d.k < 60;

-- semi and anti joins
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE EXISTS (SELECT FROM e WHERE e.k = d.k AND e.w > 100);
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE NOT EXISTS (SELECT FROM e WHERE e.k = d.k AND e.w > 100);
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE d.k IN (SELECT k FROM e WHERE t = 't1');
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE d.k NOT IN (SELECT k FROM e WHERE k IS NOT NULL);
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE EXISTS (SELECT FROM e JOIN f ON f.k = e.k WHERE e.k = d.k AND e.w > f.x);
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE EXISTS (SELECT FROM e WHERE e.k = d.k AND EXISTS (SELECT FROM f WHERE f.k = e.k AND f.x > d.v));
SELECT d.k, l.a FROM d JOIN l ON l.a = d.v WHERE NOT EXISTS (SELECT FROM e WHERE e.k = d.k AND NOT EXISTS (SELECT FROM f WHERE f.k = e.k));
SELECT d.k, f.x, l.a FROM d JOIN f ON f.k = d.k JOIN l ON l.a = d.v WHERE EXISTS (SELECT FROM e WHERE e.k = d.k AND e.w <> f.x);
SELECT d.k, l.a FROM l LEFT JOIN d ON l.a = d.v AND EXISTS (SELECT FROM e WHERE e.k = d.k AND e.w > 100);
SELECT d.k, f.x, l.a FROM d LEFT JOIN f ON f.k = d.k AND EXISTS (SELECT FROM e WHERE e.k = f.k AND e.w > 100) JOIN l ON l.a = d.v;
SELECT r.id, l.a FROM r JOIN l ON l.a = r.id WHERE EXISTS (SELECT FROM d WHERE d.v = r.id);
SELECT d.k, l.a FROM d JOIN l ON l.a = d.k WHERE EXISTS (SELECT FROM r WHERE r.id = d.v AND r.name < 'r5');
SELECT d.k, l.a FROM d JOIN l ON l.a = d.k WHERE NOT EXISTS (SELECT FROM r WHERE r.id = d.v);
SELECT d.k, l.a FROM d LEFT JOIN e ON e.k = d.k JOIN l ON l.a = d.v WHERE e.w IS NULL;

-- off the key, beside other groups
SELECT d.k, e.w, o.x FROM d JOIN e USING (k) JOIN o ON o.x = d.v;
SELECT d.k, e.w, o.x FROM d LEFT JOIN e USING (k) LEFT JOIN o ON o.x = d.v WHERE d.k < 50;
SELECT count(*), count(o.k) FROM (d JOIN e USING (k)) FULL JOIN o ON o.x = d.v;

-- in sub-queries, CTEs, recursion, set operations
SELECT l.a, (SELECT sum(e.w) FROM d JOIN e USING (k) WHERE d.v = l.b) FROM l WHERE l.a < 30;
SELECT l.a, (SELECT count(*) FROM d LEFT JOIN e USING (k) WHERE d.v > l.b) FROM l WHERE l.a < 10;
SELECT l.a FROM l WHERE EXISTS (SELECT FROM d JOIN e USING (k) WHERE d.v = l.b AND e.w > l.a);
SELECT l.a, x.k, x.w FROM l LEFT JOIN LATERAL (SELECT d.k, e.w FROM d JOIN e USING (k) WHERE d.v = l.b ORDER BY 1, 2 LIMIT 3) x ON true WHERE l.a < 20;
SELECT l.a, x.k, x.w FROM l, LATERAL (SELECT d.k, e.w + l.b AS w FROM d JOIN e USING (k) WHERE d.v = l.b) x WHERE l.a < 20;
WITH x AS MATERIALIZED (SELECT d.k, e.w, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v) SELECT count(*), sum(x.w) FROM x JOIN x y USING (k);
WITH RECURSIVE x(k) AS (SELECT 1 UNION SELECT e.w % 100 FROM x JOIN d ON d.k = x.k JOIN e ON e.k = d.k) SELECT * FROM x;
SELECT d.k FROM d JOIN e USING (k) JOIN l ON l.a = d.v UNION SELECT o.k FROM o JOIN l ON l.a = o.x;
SELECT DISTINCT ON (d.v) d.v, e.w FROM d JOIN e USING (k) JOIN l ON l.a = d.v ORDER BY d.v, e.w;
SELECT d.v, sum(e.w), rank() OVER (ORDER BY sum(e.w)) FROM d JOIN e USING (k) JOIN l ON l.a = d.v GROUP BY d.v;
SELECT d.k, e.w FROM d JOIN e USING (k) JOIN l ON l.a = d.v ORDER BY d.k, e.w LIMIT 7;

-- plans used again
PREPARE p (int, text) AS SELECT d.k, e.w, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k < $1 AND e.t = $2;
EXECUTE p (50, 't1');
EXECUTE p (20, 't2');
EXECUTE p (NULL, 't2');
SET plan_cache_mode = force_generic_plan;
EXECUTE p (50, 't1');
EXECUTE p (70, 't3');
PREPARE pk (int) AS SELECT d.k, e.w, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k = $1;
EXECUTE pk (5);
EXECUTE pk (6);
EXECUTE pk (NULL);
ALTER TABLE e ADD COLUMN more int DEFAULT 3;
ALTER TABLE d ALTER COLUMN v TYPE bigint;
EXECUTE pk (6);
ALTER TABLE e DROP COLUMN w CASCADE;
EXECUTE pk (6);
EXECUTE p (50, 't1');
SELECT d.k, e, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE e.more = 3 AND d.k < 20;
RESET plan_cache_mode;
CREATE FUNCTION matches(n int) RETURNS bigint LANGUAGE plpgsql AS 'DECLARE c bigint; BEGIN SELECT count(*) INTO c FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.v < n; RETURN c; END';
SELECT n, matches(n) FROM generate_series(1, 8) n;
SELECT l.a, matches(l.a) FROM l JOIN d ON d.v = l.a JOIN e USING (k) WHERE l.a < 4;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT d.k, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k < 8 ORDER BY 1, 2;
FETCH 2 FROM c;
UPDATE e SET more = 4 WHERE k < 8;
FETCH ALL FROM c;
FETCH FIRST FROM c;
SELECT count(*) FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE e.more = 4;
ROLLBACK;
-- writes that find their rows so
UPDATE l SET name = x.t FROM (SELECT d.v, min(d.t || e.t) AS t FROM d JOIN e USING (k) GROUP BY 1) x WHERE x.v = l.a;
UPDATE l SET b = 0 FROM d JOIN e USING (k) WHERE d.v = l.a AND e.more = 3 AND l.a < 5;
DELETE FROM l USING d JOIN e USING (k) WHERE d.v = l.a AND l.b = 6;
INSERT INTO l SELECT d.k, e.k, l.name FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k < 10;
SELECT a, b, name FROM l;
SELECT d.k, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k < 40 FOR UPDATE OF d;
SELECT d.k, l.a FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k < 40 FOR SHARE OF l;
