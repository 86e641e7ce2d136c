-- Writes of a role that has rights on columns only, or one of the rights that finding rows takes.
CREATE ROLE eq_columns_user;
CREATE TABLE t (k int PRIMARY KEY, v int, note text);
CREATE TABLE o (a int, b int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('o', 'b')
CREATE TABLE s (k int, d text DEFAULT 'd', n serial);
-- distribute: SELECT create_distributed_table('s', 'k')
GRANT INSERT (k), SELECT (k) ON s TO eq_columns_user;
CREATE TABLE guarded (k int, v int DEFAULT 1);
-- distribute: SELECT create_distributed_table('guarded', 'k')
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY eq_columns_policy ON guarded USING (k > 0 AND current_user = 'eq_columns_user');
GRANT INSERT (k), SELECT (k) ON guarded TO eq_columns_user;
GRANT USAGE ON SEQUENCE s_n_seq TO eq_columns_user;
INSERT INTO t SELECT i, i, 'n' FROM generate_series(1, 20) i;
INSERT INTO o SELECT i, i FROM generate_series(1, 20) i;
GRANT SELECT (k, v), UPDATE (v), INSERT (k, v) ON t TO eq_columns_user;
GRANT SELECT (a, b) ON o TO eq_columns_user;
CREATE FUNCTION eq_columns_asked(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN current_user = 'eq_columns_user'; END $$;
SET ROLE eq_columns_user;
UPDATE t SET v = v + 1 WHERE k = 1 RETURNING k, v;
UPDATE t SET v = v + 1 WHERE v < 5;
UPDATE t SET v = o.a FROM o WHERE o.b = t.k AND t.k < 4 RETURNING t.k;
UPDATE t SET v = v + (random() * 0)::int WHERE k < 5;
UPDATE t SET v = v + nullif(pg_backend_pid(), pg_backend_pid()) WHERE k = 20;
UPDATE t SET v = o.a FROM (SELECT a, a + 1 AS b FROM o ORDER BY a LIMIT 3) o WHERE t.v = o.b AND random() < 2 RETURNING t.k, t.v;
UPDATE t SET note = 'x' WHERE v = 9;
UPDATE t SET k = 100 WHERE k = 9;
UPDATE t SET v = 1 WHERE note = 'n';
INSERT INTO t (k, v) VALUES (30, 30), (31, 31);
INSERT INTO t (k, v) SELECT a + 100, b FROM o;
INSERT INTO t (k, v) VALUES (30, 5) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, v;
INSERT INTO t (k, v) VALUES (30, 5) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(a) FROM o) RETURNING k, v;
INSERT INTO t (k, v) VALUES (30, 5) ON CONFLICT (k) DO UPDATE SET note = (SELECT max(a) FROM o);
MERGE INTO t USING (SELECT a, b FROM o WHERE a < 5) o ON t.k = o.a WHEN MATCHED THEN UPDATE SET v = o.b;
MERGE INTO t USING (SELECT a + 200 AS a, b FROM o WHERE a < 5) o ON t.k = o.a WHEN NOT MATCHED THEN INSERT (k, v) VALUES (a, b);
DELETE FROM t WHERE v = 4;
-- the row of a cursor
BEGIN;
DECLARE c CURSOR FOR SELECT k, v FROM t WHERE k = 6;
FETCH c;
UPDATE t SET v = v + 1 WHERE CURRENT OF c RETURNING k, v;
UPDATE t SET v = 66 + (random() * 0)::int WHERE CURRENT OF c RETURNING k, v;
SAVEPOINT s;
UPDATE t SET note = 'x' WHERE CURRENT OF c;
ROLLBACK TO s;
UPDATE t SET v = length(note) WHERE CURRENT OF c;
ROLLBACK TO s;
DELETE FROM t WHERE CURRENT OF c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT k, v FROM t WHERE k BETWEEN 11 AND 14 AND eq_columns_asked(v) ORDER BY k FOR UPDATE;
FETCH c;
UPDATE t SET v = -11 WHERE CURRENT OF c RETURNING k, v;
UPDATE t SET v = -12 WHERE k = 12;
FETCH c;
UPDATE t SET v = -13 WHERE CURRENT OF c RETURNING k, v;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT k, note FROM t WHERE k = 6;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT k FROM t WHERE note = 'n' FOR UPDATE;
ROLLBACK;
-- row locks
SELECT k, v FROM t ORDER BY k LIMIT 3 FOR UPDATE;
SELECT k FROM t WHERE v > 0 ORDER BY v DESC, k LIMIT 2 OFFSET 1 FOR SHARE SKIP LOCKED;
SELECT t.k, o.b FROM t JOIN o ON o.a = t.v WHERE t.k < 8 ORDER BY 1, 2 FOR UPDATE OF t;
SELECT x.k, y.v FROM t x JOIN t y ON x.k = y.v WHERE x.k < 8 ORDER BY 1, 2 FOR NO KEY UPDATE;
SELECT t.k, o.b FROM t JOIN o ON o.a = t.v WHERE t.k < 8 ORDER BY 1, 2 FOR UPDATE OF o;
SELECT k, note FROM t ORDER BY k LIMIT 3 FOR UPDATE;
UPDATE t SET v = v + 1 WHERE k IN (SELECT k FROM t ORDER BY k LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING k, v;
-- values of columns without rights
INSERT INTO s (k) VALUES (1), (2);
INSERT INTO s (k) VALUES (3);
INSERT INTO s (k) VALUES (4) RETURNING k;
INSERT INTO s (k) VALUES (5), (6) RETURNING k AS a, k AS b;
INSERT INTO s (k) SELECT a + 6000 FROM o WHERE a < 4 RETURNING k;
INSERT INTO s (k) SELECT i FROM generate_series(7001, 7015) i RETURNING k;
INSERT INTO s (k) VALUES (7) RETURNING n;
INSERT INTO s (k) VALUES (7), (8) RETURNING *;
INSERT INTO s (k) SELECT a FROM o RETURNING k, d;
INSERT INTO s (k) SELECT i FROM generate_series(1, 20) i RETURNING s;
INSERT INTO s (k) VALUES (7) RETURNING k, length(d);
WITH i AS (INSERT INTO s (k) VALUES (8001), (8002) RETURNING k) SELECT sum(k) FROM i;
WITH i AS (INSERT INTO s (k) VALUES (7) RETURNING n) SELECT * FROM i;
WITH i AS (INSERT INTO s (k) SELECT i FROM generate_series(1, 20) i RETURNING d) SELECT * FROM i;
WITH i AS (INSERT INTO s (k) SELECT a FROM o RETURNING k, n) SELECT count(*) FROM i;
PREPARE p (int) AS INSERT INTO s (k) VALUES ($1) RETURNING k;
EXECUTE p (8003);
EXECUTE p (8004);
-- policies see the role: no row gets past them
INSERT INTO guarded (k) VALUES (-1);
INSERT INTO guarded (k) VALUES (-1) RETURNING k;
INSERT INTO guarded (k) VALUES (3) RETURNING v;
INSERT INTO s (k) SELECT a + 10 FROM o;
INSERT INTO s (k) SELECT i FROM generate_series(100, 5000) i;
INSERT INTO s (k) SELECT i FROM generate_series(5001, 5010) i ORDER BY random();
INSERT INTO s (k, d) VALUES (3, 'x');
INSERT INTO s (k, d) SELECT a, 'x' FROM o;
COPY s (k) FROM STDIN;
6001
6002
\.
COPY s (k, d) FROM STDIN;
6001	x
\.
COPY s FROM STDIN;
6001	x	1
\.
RESET ROLE;
SELECT count(*), sum(k), min(d), max(d), count(DISTINCT n) FROM s;
GRANT DELETE ON t TO eq_columns_user;
GRANT SELECT, DELETE ON o TO eq_columns_user;
SET ROLE eq_columns_user;
DELETE FROM t WHERE k = 1 RETURNING k;
DELETE FROM t USING o WHERE o.b = t.k AND o.a < 4 RETURNING t.k;
DELETE FROM t WHERE v > 4 AND random() < 2 AND v < 8;
DELETE FROM t WHERE v IN (SELECT a FROM o ORDER BY a DESC LIMIT 2) AND random() < 2 RETURNING t.k, t.v;
WITH d AS (DELETE FROM t WHERE k = 10 RETURNING k) SELECT * FROM d;
DELETE FROM t WHERE note = 'n';
DELETE FROM t WHERE v = 19 RETURNING *;
DELETE FROM o USING t WHERE t.k = o.a AND o.a > 15 AND random() < 2 RETURNING o.a;
SELECT * FROM o FOR UPDATE;
UPDATE o SET a = 1;
RESET ROLE;
SELECT k, v, note FROM t;
SELECT * FROM o;
SELECT * FROM guarded;
-- row locks where rows are found one relation at a time
CREATE TABLE lr (g int PRIMARY KEY, name text, secret text);
CREATE TABLE ld (k int PRIMARY KEY, g int, secret text);
-- distribute: SELECT create_reference_table('lr'), create_distributed_table('ld', 'k')
INSERT INTO lr SELECT i, 'n' || i, 's' FROM generate_series(1, 5) i;
INSERT INTO ld SELECT i, i % 5, 's' FROM generate_series(1, 20) i;
GRANT SELECT (g, name), UPDATE (name) ON lr TO eq_columns_user;
GRANT SELECT (k, g), UPDATE (g) ON ld TO eq_columns_user;
SET ROLE eq_columns_user;
SELECT g, name FROM lr WHERE random() < 2 ORDER BY g FOR UPDATE;
SELECT k, g FROM ld WHERE g = 2 AND random() < 2 ORDER BY k FOR NO KEY UPDATE;
SELECT count(*) FROM (SELECT k, g FROM ld WHERE g = 2 AND random() < 2 FOR UPDATE) s;
-- distribute: SET citus.enable_router_execution = off
SELECT g, name FROM lr WHERE g = 2 FOR UPDATE;
SELECT g, name FROM lr ORDER BY g FOR UPDATE;
SELECT g FROM lr ORDER BY g LIMIT 2 FOR SHARE;
SELECT g, name FROM lr ORDER BY g LIMIT 2 FOR UPDATE SKIP LOCKED;
SELECT lr.g, ld.k FROM lr JOIN ld USING (g) ORDER BY 1, 2 FOR UPDATE;
SELECT lr.g, ld.k FROM lr JOIN ld ON ld.k = lr.g ORDER BY 1, 2 LIMIT 3 FOR UPDATE OF lr;
SELECT k, g FROM ld WHERE k = 3 FOR UPDATE;
SELECT k FROM ld WHERE g = 2 ORDER BY k FOR NO KEY UPDATE;
SELECT secret FROM lr FOR UPDATE;
SELECT g FROM lr WHERE secret = 's' FOR UPDATE;
-- distribute: RESET citus.enable_router_execution
RESET ROLE;
DROP TABLE lr, ld;
DROP TABLE t, o, s, guarded;
DROP ROLE eq_columns_user;
