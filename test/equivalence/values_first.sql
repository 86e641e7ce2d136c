-- Sub-queries on local tables, and on other rows than a shard's, that are computed first.
CREATE TABLE d (k int, g int, x numeric, t text COLLATE "C", at date);
CREATE TABLE o (id int, k int, x numeric);
CREATE TABLE e (k int, g int);
CREATE TABLE l (a int, b numeric, t text COLLATE "C", g int);
CREATE TABLE el (a int, b numeric);
CREATE TABLE r (g int PRIMARY KEY, name text);
-- distribute: SET citus.shard_count = 5
-- distribute: SELECT create_distributed_table('d', 'k'), create_distributed_table('o', 'id', colocate_with => 'none')
-- distribute: SELECT create_distributed_table('e', NULL), create_reference_table('r')
INSERT INTO d SELECT nullif(i % 80, 0) + 0 * i, nullif(i % 7, 3), i / 8.0, CASE WHEN i % 11 > 0 THEN 't' || i % 5 END, date '2026-01-01' + i % 40 FROM generate_series(1, 400) i WHERE i % 80 > 0;
INSERT INTO o SELECT i, nullif(i % 60, 7), i / 3.0 FROM generate_series(1, 150) i;
INSERT INTO l SELECT i, nullif(i % 9, 4), 't' || i % 4, i % 6 FROM generate_series(1, 30) i;
INSERT INTO r SELECT i, 'n' || i % 3 FROM generate_series(0, 7) i;
ANALYZE;

-- lists
SELECT DISTINCT g FROM d WHERE k IN (SELECT a FROM l WHERE g < 3);
SELECT g, t, count(*) FROM d WHERE g IN (SELECT b FROM l) GROUP BY ROLLUP (g, t);
SELECT g, count(*) FROM d WHERE x NOT IN (SELECT b FROM l WHERE b IS NOT NULL) GROUP BY CUBE (g);
SELECT g, count(*) FROM d WHERE x NOT IN (SELECT b FROM l) GROUP BY g;
SELECT count(*), count(x) FROM d WHERE g NOT IN (SELECT a FROM el);
SELECT count(*), count(x) FROM d WHERE g IN (SELECT a FROM el);
SELECT count(*) FROM d WHERE (g IN (SELECT g FROM l WHERE a < 4)) IS NULL;
SELECT g, g IN (SELECT g FROM l WHERE a < 4), count(*) FROM d GROUP BY 1, 2;
SELECT count(*) FROM d WHERE x > ALL (SELECT b FROM l WHERE b < 8);
SELECT count(*) FROM d WHERE x > ALL (SELECT b FROM l);
SELECT count(*) FROM d WHERE x > ALL (SELECT b FROM el);
SELECT count(*) FROM d WHERE x < ANY (SELECT b + 1 FROM l GROUP BY b HAVING count(*) > 2);
SELECT count(*) FROM d WHERE t = ANY (SELECT t FROM l WHERE a = 2 UNION SELECT 't4');
SELECT count(*) FROM d WHERE (k, g) IN (SELECT a, g FROM l);
SELECT DISTINCT t FROM d WHERE t || 'x' IN (SELECT t || 'x' FROM l WHERE a < 3);
SELECT at, count(*) FROM d WHERE at IN (SELECT date '2026-01-01' + a FROM l WHERE a < 5) GROUP BY GROUPING SETS ((at), ());
SELECT sum(x) FROM d WHERE k = 5 AND g IN (SELECT g FROM l);
SELECT t, sum(x) FROM d WHERE k = (SELECT min(a) FROM l) GROUP BY t;
SELECT t, count(DISTINCT g), count(DISTINCT x) FROM d WHERE k IN (SELECT a FROM l WHERE a < 9) GROUP BY t;

-- values
SELECT DISTINCT t FROM d WHERE x > (SELECT avg(b) FROM l);
SELECT g, count(*), (SELECT max(b) FROM l) FROM d WHERE x > (SELECT avg(b) FROM l) GROUP BY ROLLUP (g) HAVING count(*) > (SELECT min(a) FROM l) ORDER BY 1, 2;
SELECT g, sum(x) / (SELECT sum(x) FROM d) AS share, sum(x) > (SELECT avg(x) FROM o) FROM d GROUP BY GROUPING SETS ((g), ());
SELECT count(*) FROM d WHERE x > (SELECT b FROM el);
SELECT count(*) FROM d WHERE x > (SELECT b FROM l);
SELECT count(*) FROM d WHERE k < 0 AND CASE WHEN x > 1 THEN true ELSE x > (SELECT b FROM l) END;
SELECT k, x FROM d WHERE x = (SELECT max(x) FROM d);
SELECT DISTINCT ON (g) g, x FROM d WHERE EXISTS (SELECT 1 FROM l WHERE a = 3) ORDER BY g, x;
SELECT DISTINCT g FROM d WHERE NOT EXISTS (SELECT 1 FROM el);
SELECT count(*) FROM d WHERE g = ANY (ARRAY(SELECT g FROM l WHERE a < 3)) AND cardinality(ARRAY(SELECT a FROM el)) = 0;
SELECT k, x FROM d ORDER BY x DESC LIMIT (SELECT count(*) FROM l WHERE a < 5) OFFSET (SELECT min(a) FROM l);
SELECT g, sum(x) OVER (ORDER BY x, k ROWS (SELECT 2 + min(a) FROM l)::int PRECEDING) FROM d WHERE k IN (SELECT a FROM l WHERE a < 4) ORDER BY x, k;
SELECT x + (SELECT min(b) FROM l) AS y, count(*) FROM d WHERE k < 5 GROUP BY y HAVING x + (SELECT min(b) FROM l) > 4;
SELECT sum(x) FILTER (WHERE g > (SELECT min(g) FROM l)), max(CASE WHEN g = 1 THEN (SELECT 1 FROM l WHERE a < 3) END) FROM d WHERE g <> 1;
SELECT coalesce(g, (SELECT a FROM l WHERE a < 3)), count(*) FROM d WHERE g IS NOT NULL GROUP BY 1;

-- of domains that let no NULL in
CREATE DOMAIN whole AS int NOT NULL;
SELECT t, count((SELECT a::whole FROM el)) FROM d WHERE k IN (SELECT a FROM l WHERE a < 4) GROUP BY ROLLUP (t);
SELECT g, cardinality(ARRAY(SELECT s.w FROM l LEFT JOIN (SELECT 1::whole AS w) s ON false)), count(*) FROM d WHERE k IN (SELECT a FROM l WHERE a < 4) GROUP BY CUBE (g);
SELECT g, count((SELECT s.w FROM l LEFT JOIN (SELECT 1::whole AS w) s ON false WHERE l.a = 1)), count(*) FROM d WHERE k IN (SELECT a::whole FROM l WHERE a < 4) GROUP BY CUBE (g);

-- numbers of tables, which are others on other nodes
SELECT t, count(*) FROM d WHERE tableoid IN (SELECT oid FROM pg_class) AND k < 9 GROUP BY ROLLUP (t);
SELECT count(*) FROM d WHERE tableoid = (SELECT max(oid) FROM pg_class WHERE oid = 'd'::regclass);
SELECT count(*) FROM d WHERE tableoid = ANY (ARRAY(SELECT oid FROM pg_class WHERE oid = 'd'::regclass));
SELECT t, count(*) FROM d WHERE (SELECT max(oid) FROM pg_class WHERE oid = 'r'::regclass) = 'r'::regclass GROUP BY CUBE (t);
SELECT tableoid::regclass, g, k FROM (SELECT tableoid, g, k, row_number() OVER (PARTITION BY g ORDER BY k, x) AS n FROM d) s WHERE n = 1;
SELECT tableoid::regclass, count(*) FROM (SELECT tableoid, k FROM d UNION ALL SELECT tableoid, k FROM o) u GROUP BY tableoid;

-- existence of an equal row
SELECT g, count(*) FROM d WHERE EXISTS (SELECT 1 FROM l WHERE l.g = d.g AND b > 2) GROUP BY g;
SELECT g, count(*) FROM d WHERE NOT EXISTS (SELECT 1 FROM l WHERE d.g = l.g AND b > 2) GROUP BY g;
SELECT EXISTS (SELECT 1 FROM l WHERE l.g = d.g), count(*) FROM d GROUP BY 1;
SELECT EXISTS (SELECT 1 FROM l WHERE b = d.g OR b IS NULL), count(*) FROM d GROUP BY 1;
SELECT count(*) FROM d WHERE EXISTS (SELECT 1 FROM l WHERE l.g = d.g AND b > d.x);
SELECT count(*) FROM d WHERE EXISTS (SELECT 1 FROM l JOIN r ON r.g = l.g WHERE l.b = d.g + 1 AND name = 'n1');
SELECT count(*) FROM d WHERE EXISTS (SELECT count(*) FROM l WHERE l.g = d.g);
SELECT count(*) FROM d WHERE EXISTS (SELECT 1 FROM l WHERE l.g = d.g LIMIT 0);
SELECT count(*) FROM d WHERE EXISTS (SELECT DISTINCT a FROM l WHERE l.g = d.g AND NOT EXISTS (SELECT 1 FROM o WHERE o.id = 5));
SELECT g, count(*) FROM d WHERE EXISTS (SELECT 1 FROM o WHERE o.k = d.k AND o.x > 9) GROUP BY g;
SELECT g, count(*) FROM d WHERE NOT EXISTS (SELECT 1 FROM o WHERE o.k = d.k AND o.x > 9) GROUP BY g;
SELECT g, count(*) FROM d LEFT JOIN r USING (g) WHERE d.k NOT IN (SELECT id FROM o WHERE x > 2) OR r.name IS NULL GROUP BY g;
SELECT d.g, count(r.g) FROM d LEFT JOIN r ON r.g = d.g AND EXISTS (SELECT 1 FROM l WHERE l.g = r.g AND a < 4) GROUP BY d.g;

-- beneath other things
SELECT * FROM l JOIN (SELECT DISTINCT g FROM d WHERE k IN (SELECT a FROM l)) s USING (g) ORDER BY a, b LIMIT 9;
SELECT d.g, count(*) FROM d JOIN o ON o.k = d.g WHERE o.x > (SELECT avg(b) FROM l) GROUP BY d.g;
SELECT count(*) FROM (SELECT k FROM d WHERE x > (SELECT avg(b) FROM l) UNION ALL SELECT k FROM o WHERE x > (SELECT avg(b) FROM l)) u;
WITH w AS (SELECT g, sum(x) AS s FROM d WHERE g IN (SELECT g FROM l WHERE a > 2) GROUP BY ROLLUP (g)) SELECT * FROM w WHERE s > (SELECT avg(s) FROM w);
SELECT l.a, (SELECT count(DISTINCT d.t) FROM d WHERE d.g = l.g AND d.x > (SELECT avg(b) FROM l)) FROM l WHERE a < 6;
SELECT count(*) FROM d WHERE k IN (SELECT k FROM o WHERE x IN (SELECT b FROM l));
SELECT count(*) FROM d WHERE k IN (SELECT (random() * 0)::int + a FROM l);
SELECT count(*) FROM e WHERE g IN (SELECT g FROM l) OR k > (SELECT min(k) FROM d);
SELECT count(*) FROM r WHERE g IN (SELECT g FROM d WHERE x > (SELECT avg(b) FROM l));
CREATE VIEW v AS SELECT g, t, x FROM d WHERE k IN (SELECT a FROM l);
SELECT t, count(*), max(x) FROM v GROUP BY ROLLUP (t);
SELECT DISTINCT relkind FROM d, pg_class WHERE oid = (SELECT min(oid) FROM pg_class WHERE relname = 'pg_class') AND k IN (SELECT a FROM l);

-- prepared, in a transaction, for writes
SET plan_cache_mode = force_generic_plan;
PREPARE p(int) AS SELECT g, count(*) FROM d WHERE k IN (SELECT a FROM l WHERE a < $1) AND x > $1 GROUP BY ROLLUP (g);
EXECUTE p(3);
EXECUTE p(20);
BEGIN;
INSERT INTO l VALUES (70, 7, 't', 7);
EXECUTE p(100);
ROLLBACK;
EXECUTE p(100);
RESET plan_cache_mode;
SELECT g FROM d WHERE k IN (SELECT a FROM l WHERE a < 3) ORDER BY x FOR UPDATE;
INSERT INTO e SELECT g, count(*) FROM d WHERE k IN (SELECT a FROM l) GROUP BY ROLLUP (g);
UPDATE e SET g = (SELECT count(DISTINCT t) FROM d WHERE x > (SELECT avg(b) FROM l));
SELECT * FROM e;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT DISTINCT g FROM d WHERE k IN (SELECT a FROM l) ORDER BY g;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
CLOSE c;

-- more rows than one, where no row asks for the value, and where one does
CREATE TABLE ed (k int, g int, x numeric, t text);
CREATE TABLE eo (id int, k int, x numeric);
-- distribute: SELECT create_distributed_table('ed', 'k'), create_distributed_table('eo', 'id', colocate_with => 'none')
SELECT t, count(*) FROM ed WHERE t = (SELECT t FROM l) GROUP BY t;
SELECT k, count(*) FROM ed WHERE k = (SELECT a FROM l) GROUP BY k;
SELECT count(*), sum(x) FROM ed WHERE k = (SELECT a FROM l);
SELECT count(*), sum(x) FROM ed WHERE g = (SELECT a FROM l);
SELECT count(*), sum(x) FROM ed WHERE (g, t) < (SELECT a, t FROM l);
SELECT * FROM ed WHERE x = (SELECT b FROM l) + 1 ORDER BY (SELECT a FROM l);
SELECT k, (SELECT a FROM l) FROM ed;
SELECT count(*) FROM ed JOIN eo USING (k) WHERE ed.x = (SELECT b FROM l);
SELECT count(*) FROM ed LEFT JOIN eo ON eo.k = ed.k AND eo.x > (SELECT x FROM d);
SELECT g, sum(x) FROM ed WHERE x > (SELECT x FROM o) GROUP BY ROLLUP (g);
SELECT (SELECT count(*) FROM ed WHERE ed.g = l.a AND ed.x = (SELECT i.b FROM l i WHERE i.g = l.g)) FROM l;
SELECT (SELECT count(*) FROM ed WHERE ed.k = l.a AND ed.x = (SELECT i.b FROM l i WHERE i.g = l.g)) FROM l;
SELECT a, (SELECT count(*) FROM d WHERE d.k = 5 AND d.g = (SELECT i.a FROM l i WHERE i.a IN (l.a, l.a / 3 * 3))) FROM l WHERE a % 3 = 0;
SELECT a, (SELECT count(*) FROM d WHERE d.k = 5 AND d.g = (SELECT i.a FROM l i WHERE i.a IN (l.a, l.a / 3 * 3))) FROM l;
SELECT count(*) FROM r WHERE name = 'none' AND g = (SELECT a FROM l);
SELECT count(*) FROM d WHERE k = 1000 AND g = (SELECT a FROM l);
SELECT k, g FROM d WHERE k = (SELECT a FROM l);
SELECT count(*) FROM d WHERE k = (SELECT a FROM l);
SELECT count(*) FROM d WHERE g = (SELECT a FROM l);
SELECT count(*) FROM d LEFT JOIN o ON o.k = d.k AND o.x > (SELECT x FROM d);
SELECT (SELECT a FROM l) FROM d;
PREPARE late (int) AS SELECT count(*) FROM ed WHERE g > $1 AND k = (SELECT a FROM l WHERE a > $1);
EXECUTE late (29);
EXECUTE late (5);
EXECUTE late (5);
EXECUTE late (5);
EXECUTE late (5);
EXECUTE late (5);
EXECUTE late (5);
INSERT INTO ed VALUES (1, 2, 3, 'four');
EXECUTE late (5);
EXECUTE late (0);

-- a sub-query that has too many rows is run once
CREATE SEQUENCE s;
TRUNCATE ed;
SELECT a, (SELECT count(*) FROM ed WHERE ed.k = l.a AND ed.g = (SELECT nextval('s') FROM l)) FROM l WHERE a < 9;
SELECT count(*) FROM ed, eo WHERE ed.k = eo.k AND ed.x < (SELECT nextval('s') FROM l);
SELECT nextval('s') < 6;
SELECT setval('s', 1);
SELECT a, (SELECT count(*) FROM d WHERE d.k = 5 AND d.g = (SELECT nextval('s') FROM l i WHERE i.a >= l.a)) FROM l WHERE a < 9;
SELECT nextval('s');

-- OFFSET without LIMIT in a sub-query that runs when a row asks for it.
SELECT count(*) FROM d WHERE EXISTS (SELECT count(*) FROM o OFFSET 2);
SELECT count(*) FROM d WHERE EXISTS (SELECT string_agg(t, '-' ORDER BY t) FROM d OFFSET 0);
SELECT count(*) FROM d WHERE d.g > (SELECT max(k) - 58 FROM o OFFSET 0);
SELECT count(*) FROM d WHERE d.g > (SELECT max(k) - 58 FROM o LIMIT NULL OFFSET -1);
