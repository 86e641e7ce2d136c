-- Scans that fetch what few rows of a local table want, and conditions that sub-queries compute.
CREATE TABLE d (k int PRIMARY KEY, v int, b text);
CREATE TABLE e (k bigint, w int);
CREATE TABLE l (a int, c bigint, name text);
CREATE TABLE p (a int, part int) PARTITION BY LIST (part);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
CREATE VIEW few AS SELECT a, name FROM l WHERE a < 5;
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('e', 'k')
INSERT INTO d SELECT i, i % 10, 'b' || i % 7 FROM generate_series(1, 500) i;
INSERT INTO e SELECT i % 100, i FROM generate_series(1, 300) i;
INSERT INTO l SELECT i, i * 10, 'n' || i % 3 FROM generate_series(1, 12) i;
INSERT INTO l VALUES (NULL, NULL, 'null'), (3, 30, 'again'), (1000, NULL, 'nobody');
INSERT INTO p SELECT i, 1 + i % 2 FROM generate_series(1, 20) i;

SELECT d.*, l.name FROM d JOIN l ON d.k = l.a;
SELECT d.*, l.name FROM d JOIN l ON l.a = d.k WHERE l.name = 'n1';
SELECT d.k, l.a FROM d, l WHERE d.v = l.a AND l.c > 50 AND d.k < 60;
SELECT d.k, l.c FROM d JOIN l ON d.k = l.c;
SELECT e.*, l.name FROM e JOIN l ON e.k = l.a WHERE l.a BETWEEN 2 AND 4;
SELECT d.k, l.a FROM l LEFT JOIN d ON d.k = l.a;
SELECT d.k, l.a FROM l LEFT JOIN d ON d.k = l.a AND l.name = 'n1';
SELECT d.k, l.a FROM l LEFT JOIN d ON d.k = l.a WHERE l.a > 3;
SELECT d.k, l.a FROM l LEFT JOIN d ON d.k = l.a WHERE d.k IS NULL;
SELECT d.k, l.a FROM d RIGHT JOIN l ON d.k = l.a;
SELECT d.k, l.a FROM d LEFT JOIN l ON d.k = l.a WHERE l.a IS NULL AND d.k < 30;
SELECT d.k, l.a, l.name FROM d LEFT JOIN l ON d.k = l.a AND l.name = 'n2' WHERE d.k < 9;
SELECT d.k, l.a FROM d FULL JOIN l ON d.k = l.a WHERE coalesce(d.k, 0) < 15;
SELECT count(*) FROM (d LEFT JOIN e ON d.k = e.k) JOIN l ON l.a = d.k;
SELECT count(*), count(e.k) FROM l LEFT JOIN (d LEFT JOIN e ON d.v = e.w) ON l.a = d.k;
SELECT count(*), count(l.a) FROM (d LEFT JOIN l ON d.v = l.a) JOIN p ON p.a = d.k WHERE p.part = 2;
SELECT x.a, y.a, d.k FROM l x JOIN d ON d.k = x.a JOIN l y ON y.a = d.v;
SELECT d.k, p.part FROM d JOIN p ON p.a = d.k;
SELECT d.k, p.a FROM d JOIN p1 p ON p.a = d.k;
SELECT d.k, f.name FROM d JOIN few f ON f.a = d.k;
SELECT k, name FROM d JOIN l USING (k) CROSS JOIN (SELECT 1) x;
SELECT k, l.name FROM d JOIN (SELECT a AS k, name FROM l) l USING (k) WHERE k > 5;
SELECT * FROM d NATURAL JOIN (SELECT a AS k FROM l WHERE a IS NOT NULL) n;

SELECT count(*) FROM d WHERE k IN (SELECT a FROM l);
SELECT count(*) FROM d WHERE k IN (SELECT a FROM l WHERE name = 'none');
SELECT count(*) FROM d WHERE k NOT IN (SELECT a FROM l WHERE a IS NOT NULL);
SELECT count(*) FROM d WHERE k NOT IN (SELECT a FROM l);
SELECT count(*) FROM d WHERE (k IN (SELECT a FROM l)) IS NULL;
SELECT count(*) FROM d WHERE v IN (SELECT a FROM l WHERE a < 3) OR k = 5;
SELECT count(*) FROM d WHERE k IN (SELECT c FROM l);
SELECT count(*) FROM d WHERE k IN (SELECT a FROM l UNION SELECT part FROM p);
SELECT count(*) FROM d WHERE k IN (SELECT max(a) FROM l GROUP BY name);
SELECT count(*) FROM d WHERE b IN (SELECT 'b' || a FROM l);
SELECT count(*) FROM d WHERE (k, v) IN (SELECT a, a FROM l);
SELECT k FROM d WHERE EXISTS (SELECT 1 FROM l WHERE l.a = d.k);
SELECT k FROM d WHERE k = ANY (SELECT a FROM l WHERE l.name = d.b);

-- what a sub-query computes once
SELECT * FROM d WHERE k = (SELECT max(a) FROM l WHERE a < 100);
SELECT * FROM d WHERE k = (SELECT a FROM l WHERE name = 'none');
SELECT * FROM d WHERE k = (SELECT a FROM l WHERE name = 'n1');
SELECT count(*) FROM d WHERE k BETWEEN (SELECT min(a) FROM l) AND (SELECT max(a) FROM l WHERE a < 20);
SELECT count(*) FROM d WHERE v > (SELECT avg(a) FROM l WHERE a < 10);
SELECT count(*) FROM d WHERE (k, v) = (SELECT a, a FROM l WHERE a = 7);
SELECT count(*) FROM d JOIN l ON d.v = l.a WHERE d.k = (SELECT sum(part) FROM p);
SELECT count(*) FROM d WHERE b = (SELECT 'b' || min(a) FROM l) AND EXISTS (SELECT FROM p);

-- again with every row of an outer query
SELECT x.a, (SELECT sum(d.k) FROM d JOIN l ON d.k = l.a WHERE l.a < x.a) FROM l x;
SELECT x.a, (SELECT count(*) FROM d WHERE d.k IN (SELECT l.a FROM l WHERE l.a <= x.a)) FROM l x;
SELECT x.a, y.k FROM l x, LATERAL (SELECT d.k FROM d WHERE d.k = (SELECT max(l.a) FROM l WHERE l.a <= x.a)) y;
SELECT x.a, y.k FROM l x LEFT JOIN LATERAL (SELECT d.k FROM d JOIN l ON l.a = d.k AND l.c < 50 WHERE d.v = x.a) y ON true;
SELECT x.a, (SELECT max(d.k) FROM d WHERE d.k > (SELECT x.a + min(l.a) FROM l)) FROM l x;
PREPARE q (text, int) AS SELECT d.k, l.c FROM d JOIN l ON d.k = l.a WHERE l.name = $1 AND d.k < $2;
EXECUTE q ('n1', 8);
EXECUTE q ('n2', 100);
EXECUTE q ('none', 100);
EXECUTE q (NULL, 100);
WITH x AS MATERIALIZED (SELECT d.k FROM d JOIN l ON d.k = l.a) SELECT * FROM x JOIN d USING (k);
WITH RECURSIVE r AS (SELECT 1 AS k UNION SELECT d.k + 1 FROM r JOIN d ON d.k = r.k JOIN l ON l.a = d.k) SELECT * FROM r;
SELECT d.k FROM d JOIN l ON d.k = l.a WHERE l.a = 3 FOR UPDATE OF l;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT d.k FROM d JOIN l ON d.k = l.a WHERE d.k < 6 ORDER BY 1;
FETCH 2 FROM c;
INSERT INTO l VALUES (5, 50, 'late');
FETCH ALL FROM c;
FETCH FIRST FROM c;
SELECT count(*) FROM d JOIN l ON d.k = l.a;
ROLLBACK;
UPDATE d SET v = 0 WHERE k IN (SELECT a FROM l);
DELETE FROM d USING l WHERE d.k = l.a AND l.name = 'n0';
SELECT count(*), sum(v) FROM d;
