-- MERGE from rows that all shards of the target see: the shard that has a key inserts it, once.
CREATE TABLE t (k int, v text, n numeric DEFAULT 1);
CREATE TABLE c (k text COLLATE "C" PRIMARY KEY, n int);
CREATE TABLE b (k bigint PRIMARY KEY, n int);
CREATE TABLE l (a int, v text);
CREATE TABLE s (id int, a int, v text);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('c', 'k')
-- distribute: SELECT create_distributed_table('b', 'k')
-- distribute: SELECT create_distributed_table('s', 'id', colocate_with => 'none')
INSERT INTO l SELECT i, 'l' || i FROM generate_series(0, 20) i;
INSERT INTO s SELECT 100 - i, i, 's' || i FROM generate_series(0, 40) i;
INSERT INTO t SELECT i, 't' || i FROM generate_series(0, 5) i;

MERGE INTO t USING l ON t.k = l.a WHEN MATCHED AND l.a > 3 THEN DELETE WHEN MATCHED THEN UPDATE SET v = t.v || l.v WHEN NOT MATCHED AND l.a < 15 THEN INSERT (k, v) VALUES (l.a, l.v);
SELECT * FROM t;
MERGE INTO t USING s ON s.a = t.k AND s.id > 62 WHEN NOT MATCHED AND s.a = 39 THEN DO NOTHING WHEN NOT MATCHED AND s.a % 2 = 0 THEN INSERT (k, v, n) VALUES (s.a, 'even', s.id) WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.a, 'odd') WHEN MATCHED THEN DELETE;
SELECT * FROM t;
-- what is asked of rows without a match is asked of no others
DELETE FROM t;
INSERT INTO t VALUES (0, 'zero');
MERGE INTO t USING l ON t.k = l.a WHEN NOT MATCHED AND 10 / l.a > 2 THEN INSERT (k, v, n) VALUES (l.a, l.v, 10 / l.a);
SELECT * FROM t;
-- several rows of the source, and of the target
MERGE INTO t USING (SELECT a % 3 + 1 AS a, max(v) AS v FROM s GROUP BY 1) q ON q.a = t.k WHEN MATCHED THEN UPDATE SET v = q.v WHEN NOT MATCHED THEN INSERT (k) VALUES (q.a);
MERGE INTO t USING (VALUES (50, 'x'), (50, 'y')) q (a, v) ON q.a = t.k WHEN NOT MATCHED THEN INSERT (k, v) VALUES (q.a, q.v);
MERGE INTO t USING (SELECT 1 AS a FROM generate_series(1, 2)) q ON q.a = t.k WHEN MATCHED THEN UPDATE SET v = '' WHEN NOT MATCHED THEN INSERT (k) VALUES (q.a);
SELECT * FROM t;
-- joins, common table expressions, outer joins
MERGE INTO t USING l JOIN s USING (a) ON t.k = l.a AND t.n > 0 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (l.a, s.v) WHEN MATCHED THEN UPDATE SET n = -s.id;
WITH w AS (SELECT a + 100 AS a FROM s WHERE a < 3) MERGE INTO t USING w ON t.k = w.a WHEN NOT MATCHED THEN INSERT (k, v) VALUES (w.a, (SELECT count(*)::text FROM w));
SELECT * FROM t;
-- other types of keys
MERGE INTO c USING l ON l.v = c.k WHEN NOT MATCHED THEN INSERT VALUES (l.v, l.a);
MERGE INTO c USING (SELECT v COLLATE "C" AS v, a FROM l UNION ALL SELECT v, a FROM s) q ON q.v = c.k WHEN MATCHED THEN UPDATE SET n = -q.a WHEN NOT MATCHED THEN INSERT VALUES (q.v, q.a);
SELECT * FROM c;
MERGE INTO b USING l ON l.a = b.k WHEN NOT MATCHED THEN INSERT VALUES (l.a, l.a);
MERGE INTO b USING (SELECT a::bigint AS a FROM s) q ON q.a = b.k WHEN MATCHED THEN UPDATE SET n = -q.a WHEN NOT MATCHED THEN INSERT VALUES (q.a, q.a);
SELECT * FROM b;
PREPARE p (int) AS MERGE INTO t USING (SELECT a + $1 AS a, v FROM l) q ON q.a = t.k WHEN MATCHED THEN UPDATE SET v = t.v || '+' WHEN NOT MATCHED AND q.a > $1 + 15 THEN INSERT (k, v) VALUES (q.a, q.v);
EXECUTE p (200);
EXECUTE p (201);
SET plan_cache_mode = force_generic_plan;
EXECUTE p (200);
RESET plan_cache_mode;
SELECT * FROM t WHERE k > 150;
