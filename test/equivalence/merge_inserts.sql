-- MERGE that inserts rows of any shard.  A reference table's serial would differ between copies.
-- only: distributed single
CREATE TABLE l (k int, a int);
INSERT INTO l SELECT i, i FROM generate_series(1, 11) i;
CREATE TABLE m (k int PRIMARY KEY, a int DEFAULT 5, b serial);
CREATE TABLE s (k int, a int);
-- distribute: SELECT create_distributed_table('m', 'k')
-- distribute: SELECT create_distributed_table('s', 'a')
INSERT INTO m (k) SELECT i FROM generate_series(1, 10) i;
INSERT INTO s SELECT i, i FROM generate_series(1, 20) i;
MERGE INTO m USING (VALUES (8), (12)) v (x) ON m.k = v.x WHEN MATCHED THEN UPDATE SET a = 8 WHEN NOT MATCHED THEN INSERT (k) VALUES (v.x);
MERGE INTO m USING (VALUES (30)) v (x) ON m.k = 500 WHEN NOT MATCHED THEN INSERT (k, a) VALUES (v.x, 1);
MERGE INTO m USING s ON m.k = s.k AND s.a > 3
    WHEN NOT MATCHED AND s.k = 13 THEN DO NOTHING
    WHEN MATCHED AND s.k % 2 = 0 THEN DELETE
    WHEN NOT MATCHED AND s.k > 10 THEN INSERT (k, a) VALUES (s.k + 100, s.a)
    WHEN MATCHED THEN UPDATE SET a = -s.a;
SELECT k, a FROM m;
MERGE INTO m USING s ON m.k = s.k WHEN NOT MATCHED THEN INSERT (k, a) VALUES (1, s.a);
MERGE INTO m USING (SELECT s.a, count(*) AS n FROM s JOIN m ON m.a <> s.k GROUP BY s.a) q ON m.k = q.a WHEN NOT MATCHED THEN INSERT (k, a) VALUES (q.a, q.n);
WITH w AS (SELECT max(k) AS k FROM s) MERGE INTO m USING w ON m.k = w.k + 500 WHEN NOT MATCHED THEN INSERT (k) VALUES (w.k + 500);
MERGE INTO m USING s JOIN l ON l.k = s.k ON m.k = s.k + 700 WHEN NOT MATCHED THEN INSERT (k, a) VALUES (s.k + 700, l.a);
SELECT k, a FROM m;
SELECT count(*) FROM m WHERE k = 520;
PREPARE p (int, int) AS MERGE INTO m USING (SELECT $1 AS k) v ON m.k = v.k WHEN MATCHED THEN UPDATE SET a = $2 WHEN NOT MATCHED THEN INSERT (k, a) VALUES (v.k, $2);
EXECUTE p (900, 1);
EXECUTE p (900, 2);
EXECUTE p (901, 2);
SELECT k, a FROM m WHERE k >= 900;
BEGIN;
MERGE INTO m USING s ON m.k = s.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k);
SELECT k, a FROM m;
ROLLBACK;
SELECT count(*) FROM m;

-- Through a view: its condition says which rows match.  15 and 16 refuse.
CREATE VIEW mv AS SELECT * FROM m WHERE k < 9;
MERGE INTO mv x USING s ON x.k = s.k WHEN MATCHED THEN UPDATE SET a = 77 WHEN NOT MATCHED AND s.k = 700 THEN INSERT (k) VALUES (s.k);
SELECT k, a FROM m;
