-- Statements that the random tests found wrong or refused.
CREATE TABLE d (k int, a int, b int, t text, n numeric);
CREATE TABLE e (k int, a int, b int, t text, n numeric);
CREATE TABLE f (k int PRIMARY KEY, a int, b int, t text, n numeric);
CREATE TABLE r (k int, a int, b int, t text, n numeric);
CREATE TABLE l (k int, a int, b int, t text, n numeric);
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('e', 'k')
-- distribute: SELECT create_distributed_table('f', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO d SELECT i % 11 + 1, nullif(i % 7, 3), i % 3, 't' || i % 5, i FROM generate_series(1, 24) i;
INSERT INTO e SELECT i % 13 + 1, nullif(i % 6, 4), i % 3, 't' || i % 4, i FROM generate_series(1, 20) i;
INSERT INTO f SELECT i, i % 5, i % 2, 'u' || i % 3, i FROM generate_series(1, 8) i;
INSERT INTO r SELECT i, i % 4, i % 3, 't' || i % 5, i FROM generate_series(1, 9) i;
INSERT INTO l SELECT i, i % 3, i % 2, 't' || i % 4, i FROM generate_series(1, 6) i;

-- A table of this node from groups over shards: whole rows for the second look at a changed row.
UPDATE l SET a = s.a FROM (SELECT k, max(a) AS a FROM d GROUP BY k) s WHERE s.k = l.k;
UPDATE l SET b = 4 WHERE k IN (SELECT max(k) FROM d GROUP BY a);
DELETE FROM l USING (SELECT k, count(*) AS n FROM d GROUP BY k) s WHERE s.k = l.k AND s.n > 2;
MERGE INTO l USING (SELECT k, max(a) AS a FROM d GROUP BY k) s ON s.k = l.k
    WHEN MATCHED THEN UPDATE SET a = s.a WHEN NOT MATCHED THEN INSERT (k, a) VALUES (s.k, s.a);
SELECT * FROM l, (SELECT k, max(a) AS a FROM d GROUP BY k) s WHERE s.k = l.k FOR UPDATE OF l;
WITH w AS (DELETE FROM d WHERE b = 2 AND a < 3 RETURNING k, a) UPDATE l SET a = w.a FROM w WHERE w.k = l.k AND w.k < 4;
SELECT * FROM l;

-- Rows compared other than by their key.
DELETE FROM d x WHERE NOT EXISTS (SELECT FROM e WHERE e.b < x.a AND e.k = x.b) AND x.k < 4 RETURNING *;
UPDATE d x SET n = n + 1 WHERE a > (SELECT min(e.a) FROM e WHERE e.t = x.t) AND EXISTS (SELECT FROM d y WHERE y.a = x.b);
UPDATE d x SET b = s.a FROM (SELECT a, max(b) AS b FROM d GROUP BY a) s WHERE x.a = s.a AND EXISTS (SELECT FROM e WHERE e.a < s.b);
WITH w AS (DELETE FROM e WHERE EXISTS (SELECT FROM f WHERE f.n + 0.5 < e.n AND f.b = e.b) RETURNING k) SELECT count(*) FROM w;
SELECT * FROM d;

-- Several columns from one sub-query, not in the table's order.
UPDATE d SET (b, a) = (SELECT a, b);
UPDATE d SET (n, t) = (SELECT a + 0.5, t || 'x') WHERE k = 2;
INSERT INTO f VALUES (3, 1, 1) ON CONFLICT (k) DO UPDATE SET (n, t, b) = (SELECT 3.5, excluded.a || 'y', excluded.k);
SELECT * FROM d;
SELECT * FROM f;

-- Copies of a reference table are all changed.
WITH w AS (DELETE FROM r WHERE k < 3 RETURNING k) SELECT * FROM w;
WITH w AS (UPDATE r SET a = 9 WHERE k IN (SELECT k FROM f WHERE k = 5) RETURNING k) SELECT * FROM w;
INSERT INTO r (t) VALUES (DEFAULT);
INSERT INTO r DEFAULT VALUES RETURNING *;
SELECT * FROM r;
SELECT f.k, r.a FROM f JOIN r ON r.k = f.k;

-- MERGE over several shards.
MERGE INTO f x USING (SELECT k, max(a) AS a, min(b) AS b FROM d GROUP BY k) s ON x.k = s.k AND s.a > 1
    WHEN MATCHED AND s.b = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET a = s.a
    WHEN NOT MATCHED AND s.k > 9 THEN INSERT (k, a) VALUES (s.k, s.a);
MERGE INTO f x USING (VALUES (2, 'two'), (3, 'three')) s (k, t) ON x.k = s.k WHEN MATCHED THEN UPDATE SET t = s.t;
MERGE INTO f x USING l s ON x.a = s.k WHEN MATCHED AND EXISTS (SELECT FROM d WHERE d.a = x.a) THEN UPDATE SET t = 'l';
MERGE INTO f x USING (SELECT 1000 AS k) s ON x.k = 1000 WHEN NOT MATCHED THEN INSERT (k, a) VALUES (1000, 1);
SELECT * FROM f;

-- What an outer join's condition makes equal on the side that keeps its rows is equal in matching rows only.
SELECT x.k, y.k, z.n FROM d x JOIN e y ON x.k <> y.k LEFT JOIN f z ON y.k = z.k AND x.k = z.k;
SELECT x.k, y.k, z.n FROM f z RIGHT JOIN (d x CROSS JOIN e y) ON y.k = z.k AND x.k = z.k;
SELECT x.k, y.k, z.n FROM d x JOIN e y ON x.k < y.k LEFT JOIN f z ON x.k = z.k AND y.k = x.k;
SELECT x.k, count(*) FROM d x JOIN e y ON x.b = y.b LEFT JOIN f z ON y.k = z.k AND x.k = z.k GROUP BY x.k;
SELECT q.k, w.k, z.n FROM (d x JOIN f q USING (k)) JOIN e w ON w.b > x.b LEFT JOIN f z ON w.k = z.k AND q.k = z.k LEFT JOIN d v ON v.k = z.k;

-- Copies of a reference table keep their rows in orders of their own.
DELETE FROM d x WHERE x.k IN (SELECT q.k FROM (SELECT r.k, r.a, r.b FROM r WHERE k > 4 ORDER BY 1, 2, 3 LIMIT 3) q);
UPDATE d x SET b = (SELECT r.k FROM r WHERE r.a <> x.a ORDER BY r.k LIMIT 1);
UPDATE r x SET b = (SELECT y.k FROM r y WHERE y.a <> x.a ORDER BY y.k LIMIT 1);
UPDATE r x SET a = (SELECT k FROM (SELECT k, rank() OVER (ORDER BY k) FROM r) y WHERE rank = 2);
SELECT * FROM d;
SELECT * FROM r;

-- Shards group by what a condition that stays here reads, too: a key is in several of these groups.
SELECT x.k, (SELECT count(DISTINCT y.k) FROM e y WHERE y.b <> x.k) FROM r x;
