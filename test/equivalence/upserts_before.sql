-- Upserts whose rows meet what became of the rows before, and whose clause reads their own table: it sees the rows as they were.
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE TABLE o (a int, b int);
CREATE TABLE here (a int, b int);
CREATE TABLE p (k int, d int, v int, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (1000);
CREATE TABLE w (k int, v int);
CREATE UNIQUE INDEX ON w (k) WHERE v > 0;
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('o', 'b')
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('w', 'k')
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO o SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO here SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO p SELECT i, i, i FROM generate_series(1, 20) i;
INSERT INTO w SELECT i, i FROM generate_series(1, 20) i;
-- common table expressions, recursive ones too
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) INSERT INTO t VALUES (1, 1), (1, 2) ON CONFLICT (k) DO UPDATE SET k = 1000 + (SELECT sum(n) FROM r) RETURNING *;
WITH RECURSIVE s AS (SELECT max(k) AS m FROM t), r(n) AS (SELECT m FROM s UNION ALL SELECT n + 1 FROM r WHERE n < 1020), z AS (SELECT * FROM r UNION ALL SELECT 1 FROM s) INSERT INTO t VALUES (2, 1), (2, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(n) + 1 FROM z), v = (SELECT count(*) FROM r) RETURNING *, (SELECT count(*) FROM z);
WITH c AS (SELECT a, b FROM o ORDER BY b DESC LIMIT 3) INSERT INTO t SELECT a, b FROM c ON CONFLICT (k) DO UPDATE SET k = t.k + 100 WHERE t.k IN (SELECT a - 1 FROM c) RETURNING *;
WITH c AS (UPDATE o SET a = a + 1 WHERE b < 4 RETURNING a) INSERT INTO t SELECT a, 1 FROM c UNION ALL SELECT a, 2 FROM c ON CONFLICT (k) DO UPDATE SET k = t.k + 200 + (SELECT count(*) FROM c) RETURNING *;
-- local tables, other shards, other levels
INSERT INTO t VALUES (5, 1), (5, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(h.a) + excluded.k + 300 FROM here h WHERE EXISTS (SELECT FROM t q WHERE q.k = h.a)) RETURNING *;
INSERT INTO t VALUES (6, 1), (6, 2) ON CONFLICT (k) DO UPDATE SET k = t.k + 400, v = (SELECT count(*) FROM o JOIN t q ON q.v = o.a WHERE o.b > excluded.v) RETURNING *;
INSERT INTO t VALUES (7, 1), (7, 2) ON CONFLICT (k) DO UPDATE SET k = t.k + 500, v = (SELECT (SELECT count(*) FROM t q WHERE q.k > o.a AND q.k > excluded.k) FROM o WHERE o.b = t.k) RETURNING *;
INSERT INTO t VALUES (8, 1), (8, 2) ON CONFLICT (k) DO UPDATE SET k = t.k + 600, v = cardinality(ARRAY(SELECT q.v FROM t q ORDER BY q.k DESC)) + cardinality(ARRAY(SELECT (q).v FROM t q WHERE q.k < t.k)) RETURNING *;
INSERT INTO t VALUES (9, 1), (9, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT q.k FROM t q) + t.k;
INSERT INTO t VALUES (9, 1), (9, 2) ON CONFLICT (k) DO UPDATE SET k = t.k + 700 WHERE (t.k, t.v) IN (SELECT q.k, q.v FROM t q) RETURNING *;
INSERT INTO t SELECT k, max(v) OVER () FROM t q WHERE k BETWEEN 10 AND 12 UNION ALL VALUES (10, 1), (11, 2) ON CONFLICT (k) DO UPDATE SET k = excluded.v + t.k, v = (SELECT sum(q.k) FROM t q WHERE q.k <> excluded.k) RETURNING *;
INSERT INTO t VALUES (13, 1), (33, 1), (13, 1) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(q.v) + 13 FROM t q WHERE q.k < 20);
SELECT * FROM t;
PREPARE u(int, int) AS INSERT INTO t VALUES ($1, 1), ($1, 2) ON CONFLICT (k) DO UPDATE SET k = $2 + (SELECT max(q.k) FROM t q WHERE q.k < $2) RETURNING *;
EXECUTE u(14, 2000);
EXECUTE u(15, 3000);
EXECUTE u(16, 4000);
BEGIN;
INSERT INTO t VALUES (16, 5000) ON CONFLICT (k) DO UPDATE SET v = 5000;
EXECUTE u(16, 6000);
SELECT * FROM t;
ROLLBACK;
-- out of the index, without another key
INSERT INTO w VALUES (1, 1), (1, 2), (2, 1), (2, 0), (2, 7) ON CONFLICT (k) WHERE v > 0 DO UPDATE SET v = -(SELECT max(b) FROM o) RETURNING *;
INSERT INTO w VALUES (3, 1), (3, 2) ON CONFLICT (k) WHERE v > 0 DO UPDATE SET v = (SELECT max(b) FROM o) RETURNING *;
INSERT INTO w VALUES (4, 1), (4, 2) ON CONFLICT (k) WHERE v > 0 DO UPDATE SET v = (SELECT min(q.v) FROM w q) - w.v RETURNING *;
SELECT * FROM w;
-- partitions
INSERT INTO p VALUES (1, 1, 1), (1, 1, 2), (12, 12, 3), (12, 12, 4) ON CONFLICT (k, d) DO UPDATE SET k = (SELECT max(q.k) FROM p q) + excluded.k RETURNING *;
INSERT INTO p VALUES (2, 2, 1), (2, 2, 2) ON CONFLICT (k, d) DO UPDATE SET k = (SELECT max(q.k) FROM p1 q WHERE q.d > p.d) + excluded.k RETURNING *;
INSERT INTO p1 VALUES (3, 3, 1), (3, 3, 2) ON CONFLICT (k, d) DO UPDATE SET d = (SELECT max(q.d) FROM p q) % 10, k = p1.k + 50 RETURNING *;
SELECT * FROM p;
-- triggers
CREATE TABLE tr (k int PRIMARY KEY, v int);
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := NEW.v + 1; RETURN NEW; END $$;
CREATE TRIGGER more BEFORE INSERT OR UPDATE ON tr FOR EACH ROW EXECUTE FUNCTION more();
-- distribute: SELECT create_distributed_table('tr', 'k')
INSERT INTO tr SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO tr VALUES (1, 1), (2, 2), (3, 3) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(v) FROM tr) + 1 RETURNING *;
INSERT INTO tr VALUES (1, 1), (2, 2), (3, 3) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(v) FROM tr q WHERE q.k < tr.k) + 1 RETURNING *;
INSERT INTO tr VALUES (1, 1), (2, 2), (3, 3) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(k) FROM tr q) + excluded.k RETURNING *;
WITH c AS (SELECT max(k) AS m FROM tr) INSERT INTO tr VALUES (4, 1), (4, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT m FROM c) + excluded.k RETURNING *;
SELECT * FROM tr;
-- keys that come twice
TRUNCATE t;
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO t VALUES (1, 1), (2, 2), (1, 3), (2, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(k) FROM t q) + excluded.k RETURNING *;
INSERT INTO t VALUES (3, 1), (3, 1), (3, 1) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(k) FROM t q) + excluded.k RETURNING *;
INSERT INTO t VALUES (5, 1), (5, 2), (6, 1), (6, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT max(k) FROM t q WHERE q.k % 2 = excluded.k % 2) + excluded.k RETURNING *;
INSERT INTO t VALUES (7, 1), (7, 2), (8, 1), (8, 2) ON CONFLICT (k) DO UPDATE SET k = (SELECT count(*) FROM t q WHERE q.k <= t.k) + t.k + 100 RETURNING *;
INSERT INTO t VALUES (9, 1), (9, 2), (10, 1) ON CONFLICT (k) DO UPDATE SET k = excluded.k WHERE EXISTS (SELECT FROM t q WHERE q.v > t.v + 100) RETURNING *;
INSERT INTO t VALUES (9, 1), (9, 2), (10, 1) ON CONFLICT (k) DO UPDATE SET k = excluded.k + 1000 WHERE EXISTS (SELECT FROM t q WHERE q.k > t.k + 10) RETURNING *;
WITH c AS (SELECT max(k) AS m FROM t), o AS (SELECT m + 1 AS n FROM c) INSERT INTO t VALUES (11, 1), (11, 2), (12, 1) ON CONFLICT (k) DO UPDATE SET k = excluded.k + (SELECT n FROM o) RETURNING *;
WITH c AS (SELECT max(k) AS m FROM t), o AS (SELECT m + 1 AS n FROM c) INSERT INTO t VALUES (11, 1), (11, 2), (12, 1) ON CONFLICT (k) DO UPDATE SET k = excluded.k + (SELECT n FROM o) RETURNING *;
WITH c AS (SELECT max(k) AS m FROM t), o AS (SELECT m + 1 AS n FROM c) INSERT INTO t SELECT 13, n FROM o UNION ALL SELECT 13, 2 ON CONFLICT (k) DO UPDATE SET (k, v) = (SELECT n + excluded.k, t.v FROM o) RETURNING *;
INSERT INTO t VALUES (14, 1), (14, 2) ON CONFLICT (k) DO UPDATE SET (k, v) = (SELECT max(k) + 5, min(v) FROM t q WHERE q.v <> excluded.v) RETURNING *;
SELECT * FROM t;
