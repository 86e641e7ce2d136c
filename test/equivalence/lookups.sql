-- Scans that run again with the values of an outer row: correlated sub-queries, LATERAL, nested loops,
-- recursion.  Tables that were never analysed are taken for large ones.
CREATE TABLE d (k int PRIMARY KEY, v int, t text);
CREATE TABLE e (k bigint, w int);
CREATE TABLE c (k text COLLATE "C", w numeric(12, 3));
CREATE TABLE l (a int, b bigint, t text, n numeric);
CREATE TABLE gone (k int, v int);
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('e', 'k')
-- distribute: SELECT create_distributed_table('c', 'k')
-- distribute: SELECT create_distributed_table('gone', 'k', colocate_with => 'd')
INSERT INTO d SELECT i, i % 10, 't' || i % 7 FROM generate_series(1, 300) i;
INSERT INTO e SELECT i % 50, i FROM generate_series(1, 150) i;
INSERT INTO c SELECT 't' || i % 20, i FROM generate_series(1, 60) i;
INSERT INTO l SELECT i, i * 2, 't' || i, i FROM generate_series(1, 25) i;
INSERT INTO l VALUES (NULL, NULL, NULL, NULL), (1000, 1000, 'none', 1000), (3, 3, 't3', 3.5), (3, 4, 't3', 3);

SELECT a, (SELECT v FROM d WHERE k = a) FROM l;
SELECT a, (SELECT count(*) FROM e WHERE k = a) FROM l;
SELECT b, (SELECT sum(v) FROM d WHERE k = b) FROM l;
SELECT n, (SELECT sum(v) FROM d WHERE k = n) FROM l;
SELECT t, (SELECT sum(w) FROM c WHERE k = t) FROM l;
SELECT t, (SELECT sum(w) FROM c WHERE k = lower(t) AND w > a) FROM l;
SELECT a, (SELECT max(v) FROM d WHERE k = a + 1 AND v < b) FROM l;
SELECT a, (SELECT max(v) FROM d WHERE k = (SELECT min(a) + x.a FROM l)) FROM l x;
SELECT a, (SELECT max(v) FROM d WHERE k = a OR k = 5) FROM l;
SELECT a, (SELECT max(v) FROM d WHERE k IN (a, b)) FROM l;
SELECT a FROM l WHERE EXISTS (SELECT FROM d WHERE k = a AND v > 3) OR b > 45;
SELECT a FROM l WHERE a NOT IN (SELECT v FROM d WHERE k = b) OR a IS NULL;
SELECT a FROM l WHERE a > ALL (SELECT w - 100 FROM e WHERE k = a);
SELECT a, x.* FROM l, LATERAL (SELECT w FROM e WHERE k = a ORDER BY w DESC LIMIT 2) x;
SELECT a, x.* FROM l LEFT JOIN LATERAL (SELECT k, w, row_number() OVER (ORDER BY w) FROM e WHERE k = a) x ON true;
SELECT a, x.* FROM l LEFT JOIN LATERAL (SELECT d.v, e.w, l.t FROM d JOIN e ON d.k = e.k WHERE d.k = a LIMIT 100) x ON true;
SELECT a, x.* FROM l LEFT JOIN LATERAL (SELECT d.v, (SELECT sum(w) FROM e WHERE k = d.v) AS s FROM d WHERE k = a OFFSET 0) x ON true;
SELECT a, (SELECT sum(w) FROM d LEFT JOIN e ON e.k = d.k WHERE d.k = a) FROM l;
SELECT a, (SELECT count(*) FROM d JOIN gone USING (k) WHERE d.k = a) FROM l;
SELECT a, (SELECT count(*) FROM gone WHERE gone.k = a) FROM l;
SELECT d.k, (SELECT sum(w) FROM e WHERE e.k = d.v) FROM d WHERE k < 30;
SELECT d.k, e.w FROM (SELECT k, v FROM d WHERE v = 3 ORDER BY k LIMIT 4) d JOIN e ON e.k = d.k;
SELECT x.a, d.v FROM (SELECT a FROM l ORDER BY a LIMIT 3) x JOIN d ON d.k = x.a;
SELECT x.a, d.v FROM (SELECT a FROM l ORDER BY a LIMIT 3) x LEFT JOIN d ON d.k = x.a AND d.v > 1;
SELECT x.a, d.v, e.w FROM (SELECT a FROM l ORDER BY a LIMIT 3) x LEFT JOIN (d JOIN e ON e.k = d.v) ON d.k = x.a;
SELECT x.a FROM (SELECT a FROM l ORDER BY a LIMIT 3) x WHERE EXISTS (SELECT FROM d WHERE d.k = x.a AND d.v = x.a);
SELECT x.a FROM (SELECT a FROM l ORDER BY a LIMIT 5) x WHERE NOT EXISTS (SELECT FROM e WHERE e.k = x.a AND e.w < 60);
SELECT g, d.v FROM generate_series(1, 4) g JOIN d ON d.k = g * 3;
SELECT x.n, c.w FROM (VALUES ('t1'), ('t2'), (NULL)) x(n) JOIN c ON c.k = x.n;
WITH RECURSIVE r AS (SELECT 1 AS k, 0 AS n UNION ALL SELECT d.k + d.v + 1, n + 1 FROM r JOIN d ON d.k = r.k WHERE n < 12) SELECT * FROM r;
WITH RECURSIVE r AS (SELECT 1 AS k UNION SELECT x.w FROM r, LATERAL (SELECT w FROM e WHERE e.k = r.k ORDER BY w LIMIT 2) x) SELECT * FROM r;
SELECT a, (SELECT v FROM d WHERE k = a) AS v FROM l ORDER BY a OFFSET 2 LIMIT 3;
SELECT a, x.v, y.w FROM l LEFT JOIN LATERAL (SELECT v FROM d WHERE k = a LIMIT 1) x ON true LEFT JOIN LATERAL (SELECT w FROM e WHERE e.k = x.v ORDER BY w LIMIT 1) y ON true;

-- values that are computed among the outer rows, which do not have the columns any more that they are made of
SELECT a, x.* FROM l, LATERAL (SELECT y.k, count(*) FROM (SELECT coalesce(s.k, d.k), s.w, d.t FROM (SELECT k, max(w) AS w FROM e GROUP BY k) s JOIN d ON d.k = s.k) y (k, w, t)
    WHERE (y.k, y.w) <> (4, 104) AND y.w = b + 100 GROUP BY GROUPING SETS ((y.k), ())) x;
SELECT a, x.* FROM l, LATERAL (SELECT y.k, count(*), max(y.t) FROM (SELECT coalesce(d.v, s.k), s.w + 0, d.t FROM (SELECT k, max(w) AS w FROM e GROUP BY k) s JOIN d ON d.k = s.k) y (k, w, t)
    WHERE (y.k, y.w) <> (4, 104) AND y.w = b + 100 GROUP BY GROUPING SETS ((y.k), ())) x;
SELECT x.a, y.w, d.v FROM (SELECT a FROM l ORDER BY a LIMIT 4) x LEFT JOIN (SELECT a, coalesce(b, 1) AS w FROM l) y ON y.a = x.a - 1 LEFT JOIN d ON d.k = y.w;
SELECT x.a, y.w, d.v FROM (SELECT a FROM l ORDER BY a LIMIT 4) x LEFT JOIN (SELECT a, coalesce(b, 1) AS w FROM l) y ON y.a = x.a - 1 JOIN d ON d.k = y.w;
SELECT x.a, y.w, d.v FROM (SELECT a FROM l ORDER BY a LIMIT 4) x LEFT JOIN ((SELECT a, coalesce(b, 1) AS w FROM l) y LEFT JOIN d ON d.k = y.w) ON y.a = x.a - 1;

-- the same values again and again
CREATE TABLE again (g int, h int, t text, n numeric);
INSERT INTO again SELECT i, i % 7, 't' || i % 3, (ARRAY[1, 1.0, 1.00, 2, NULL])[i % 5 + 1] FROM generate_series(1, 60) i;
SELECT g, (SELECT v FROM d WHERE k = h) FROM again;
SELECT g, (SELECT count(*) FROM e WHERE k = nullif(h, 2)), (SELECT max(w) FROM e WHERE k = h) FROM again;
SELECT g, x.* FROM again, LATERAL (SELECT k, w FROM e WHERE k = h ORDER BY w LIMIT 2) x;
SELECT g FROM again WHERE EXISTS (SELECT FROM e WHERE k = h AND w > h * 20 OFFSET 0);
SELECT g, x.w FROM again LEFT JOIN LATERAL (SELECT sum(w) AS w FROM c WHERE k = again.t AND w > h % 2) x ON true;
SELECT n, (SELECT sum(w) FROM c WHERE w >= n AND k = 't' || again.n) FROM again;
SELECT t, (SELECT min(k) FROM d WHERE d.t = again.t AND k = h) FROM again;
SELECT g, (SELECT sum(w) FROM e WHERE k = h AND w > (SELECT max(a) FROM l)) FROM again;
SELECT g, (SELECT sum(w) FROM e WHERE k = h AND w > (SELECT a FROM l)) FROM again;
SET work_mem = 64;
SELECT g, md5(string_agg(x.t, ',' ORDER BY x.t, x.w)) FROM again, LATERAL (SELECT e.w, repeat(e.w::text, 4000) AS t FROM e WHERE k = h % 3 OFFSET 0) x GROUP BY g;
SELECT sum((SELECT sum(v) FROM d WHERE k = x.g)) FROM (SELECT g % 290 AS g FROM generate_series(1, 900) g OFFSET 0) x;
RESET work_mem;

-- the same with all rows brought here
ANALYZE;
SELECT a, (SELECT v FROM d WHERE k = a) FROM l;
SELECT a, x.* FROM l, LATERAL (SELECT w FROM e WHERE k = a ORDER BY w DESC LIMIT 2) x;

-- plans used again, in functions, in cursors, after writes
PREPARE p (int) AS SELECT a, (SELECT v FROM d WHERE k = a + $1) FROM l WHERE a < 5;
SET plan_cache_mode = force_generic_plan;
EXECUTE p (0);
EXECUTE p (7);
EXECUTE p (NULL);
RESET plan_cache_mode;
INSERT INTO gone SELECT i % 90, i FROM generate_series(1, 1500) i;
ANALYZE gone;
SELECT a, (SELECT sum(v) FROM gone WHERE k = a) FROM l;
CREATE FUNCTION of_key(n int) RETURNS bigint LANGUAGE plpgsql AS 'DECLARE s bigint; BEGIN SELECT sum((SELECT sum(v) FROM gone WHERE k = a + n)) INTO s FROM l; RETURN s; END';
SELECT n, of_key(n) FROM generate_series(1, 4) n;
SELECT a, of_key(a), (SELECT sum(v) FROM gone WHERE k = a) FROM l WHERE a < 4;
CREATE FUNCTION written(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE gone SET v = 0 WHERE k = n; RETURN n; END';
SELECT a, (SELECT sum(v) FROM gone WHERE k = a), (SELECT sum(v) FROM gone WHERE k = a + 1) FROM l WHERE written(a) < 6;
SELECT sum(v) FROM gone WHERE k < 6;
SELECT g, (SELECT sum(v) FROM gone WHERE k = h), written(h) FROM again ORDER BY g LIMIT 30;
SELECT sum(v) FROM gone WHERE k < 9;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT a, (SELECT sum(v) FROM gone WHERE k = a) FROM l ORDER BY a;
FETCH 4 FROM c;
UPDATE gone SET v = v + 1;
SAVEPOINT s;
FETCH 4 FROM c;
ROLLBACK TO s;
FETCH BACKWARD 3 FROM c;
SELECT a, (SELECT sum(v) FROM gone WHERE k = a) FROM l WHERE a < 9;
CLOSE c;
ALTER TABLE gone ALTER COLUMN v TYPE bigint;
SELECT a, (SELECT sum(v) FROM gone WHERE k = a) FROM l WHERE a < 9;
COMMIT;
DO $$
DECLARE r record; BEGIN
	FOR r IN SELECT g, (SELECT sum(v) FROM gone WHERE k = g) AS s, (SELECT w FROM e WHERE k = g ORDER BY w LIMIT 1) AS w FROM generate_series(1, 80) g LOOP
		UPDATE gone SET v = v + r.s WHERE k = r.g + 1;
		BEGIN
			UPDATE e SET w = 0 WHERE k = r.g + 30;
			IF r.g = 70 THEN RAISE 'away'; END IF;
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
END $$;
SELECT k, sum(v) FROM gone GROUP BY k;
SELECT k, sum(w) FROM e GROUP BY k;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT a, (SELECT sum(v) FROM gone WHERE k = a) FROM l WHERE a < 9;
COMMIT;
UPDATE l SET n = (SELECT sum(v) FROM gone WHERE k = a);
DELETE FROM l WHERE (SELECT count(*) FROM gone WHERE k = a) = 0;
INSERT INTO l SELECT a + 100, (SELECT max(v) FROM gone WHERE k = a), t, n FROM l;
SELECT * FROM l;
UPDATE gone SET v = (SELECT max(w) FROM e WHERE e.k = gone.k) WHERE k < 9;
SELECT k, count(*), sum(v) FROM gone WHERE k < 12 GROUP BY k;
SELECT d.k, d.v FROM d WHERE v < (SELECT avg(g.v) FROM gone g WHERE g.k = d.k) FOR UPDATE;
