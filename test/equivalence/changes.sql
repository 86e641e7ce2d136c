-- Writes that no shard can do alone: their rows are found first, and changed one by one.
CREATE TABLE t (k int PRIMARY KEY, v int, note text);
CREATE TABLE u (k int, v int, note text);
CREATE TABLE l (k int, v int);
CREATE SEQUENCE s;
CREATE FUNCTION add_one(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1 + 1; END';
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'v', colocate_with => 'none')
INSERT INTO t SELECT i, i % 5, 'n' || i FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, i % 5, 'u' || i FROM generate_series(1, 30) i;
INSERT INTO l SELECT i, i FROM generate_series(1, 10) i;
UPDATE t SET v = add_one(v) RETURNING *;
UPDATE t SET v = nextval('s') WHERE k < 8;
SELECT count(DISTINCT v), min(v), max(v) FROM t WHERE k < 8;
UPDATE t SET v = k;
DELETE FROM t WHERE add_one(k) = 31 RETURNING *;
UPDATE t SET v = u.k FROM u WHERE u.k = t.v + 1 AND add_one(u.k) = t.k + 2 RETURNING t.k, t.v, u.note;
DELETE FROM t USING u, l WHERE u.k = t.k AND l.k = u.k AND add_one(l.k) = 6 RETURNING t.k, u, l.v;
UPDATE t SET v = add_one((SELECT max(u.k) FROM u WHERE u.k < t.k)) WHERE k > 20;
WITH c AS (SELECT k, random() AS r FROM u WHERE k < 4) UPDATE t SET note = 'c' FROM c WHERE c.k = t.k AND c.r >= 0 RETURNING t.k, note;
DELETE FROM t WHERE k IN (SELECT add_one(k) FROM l WHERE k < 3);
SELECT k, v, note FROM t;
SELECT count(*) FROM t WHERE random() >= 0;
UPDATE t SET note = 'r' WHERE random() >= 0;
UPDATE t SET v = (random() * 0)::int + k;
UPDATE t SET v = v + 1 WHERE k = 4 RETURNING (SELECT count(*) FROM u WHERE u.k < t.v), add_one(v);
DELETE FROM t WHERE k = 5 RETURNING (SELECT max(k) FROM u), t;
INSERT INTO t VALUES (90, 1, 'x'), (91, 2, 'y') RETURNING add_one(k), (SELECT count(*) FROM u WHERE u.v = t.v);
SELECT k, v, note FROM t;

MERGE INTO t USING (SELECT k, v, random() AS r FROM u) q ON t.k = q.k WHEN MATCHED AND q.k < 10 AND q.r >= 0 THEN DELETE WHEN MATCHED THEN UPDATE SET note = 'm' || q.v, v = add_one(t.v) WHEN NOT MATCHED AND q.v = 1 THEN INSERT VALUES (q.k, q.v, 'one') WHEN NOT MATCHED AND q.v = 2 THEN INSERT (k) VALUES (q.k + 100) WHEN NOT MATCHED THEN DO NOTHING;
SELECT k, v, note FROM t;
MERGE INTO t USING u ON t.v = u.v AND add_one(u.k) > 0 WHEN MATCHED THEN UPDATE SET note = 'twice';
MERGE INTO t USING l ON t.k = l.k + 20 WHEN MATCHED THEN UPDATE SET (v, note) = (SELECT add_one(l.k) * 0, 'l') WHEN NOT MATCHED THEN INSERT (k, v) VALUES (l.k + 200, add_one(l.v));
MERGE INTO t USING l ON t.k = l.k + 20 WHEN MATCHED THEN UPDATE SET (v, note) = (SELECT max(u.k), 'u' FROM u WHERE u.k < l.k) WHEN NOT MATCHED THEN INSERT (k, v) VALUES (l.k + 300, add_one(l.v));
SELECT k, v, note FROM t;

-- arrays and composites of which a part is assigned
CREATE TYPE pair AS (a int, b text);
-- distribute: SELECT 1
CREATE TABLE c (k int PRIMARY KEY, arr int[], p pair);
-- distribute: SELECT create_distributed_table('c', 'k')
INSERT INTO c VALUES (1, '{1,2,3}', '(1,x)'), (2, '{4}', NULL), (3, NULL, '(2,)');
UPDATE c SET arr[2] = add_one(k), p.b = 'b' || add_one(k) RETURNING *;
UPDATE c SET arr[1:2] = ARRAY[add_one(0), add_one(1)] WHERE k = 3;
SELECT * FROM c;

-- sub-queries in RETURNING and in check options see the rows as they were before the statement
UPDATE c SET k = k + 10 RETURNING k, (SELECT sum(x.k) FROM c x), (SELECT count(*) FROM c x WHERE x.k = c.k);
DELETE FROM c WHERE add_one(k) > 0 RETURNING k, (SELECT count(*) FROM c x);
INSERT INTO c SELECT i FROM generate_series(1, 3) i RETURNING add_one(k), (SELECT count(*) FROM c);

-- sub-queries of ON CONFLICT and RETURNING read whole tables, or the statement says that it cannot
INSERT INTO t (k, v) VALUES (400, 1), (401, 1) RETURNING k, (SELECT sum(u.k) FROM u), (SELECT count(*) FROM t x);
INSERT INTO t (k, v) VALUES (400, 1), (401, 1) ON CONFLICT (k) DO UPDATE SET v = (SELECT x.v FROM t x WHERE x.k = t.k) + 5 RETURNING k, v;
INSERT INTO t (k, v) VALUES (400, 1), (402, 1) ON CONFLICT (k) DO UPDATE SET (v, note) = (SELECT x.v + 1, 'e' FROM t x WHERE x.k = excluded.k) RETURNING k, v;
WITH a AS (SELECT 9 AS x) INSERT INTO t (k, v) VALUES (400, 1), (403, 1) ON CONFLICT (k) DO UPDATE SET v = (SELECT x FROM a) RETURNING k, v;
SELECT k, v, note FROM t WHERE k >= 400;
