-- INSERT, UPDATE and MERGE of who has rights on some columns only; others get their values from defaults.
-- only: distributed single worker
CREATE ROLE eq_rights_user;
CREATE TABLE t (k int PRIMARY KEY, v int, d int DEFAULT 7, o text DEFAULT 'none', g int GENERATED ALWAYS AS (v + 1) STORED);
CREATE TABLE q (k int, v int);
CREATE TABLE l (k int, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('q', 'k')
-- distribute: SELECT create_distributed_table('l', 'v')
INSERT INTO q SELECT i, i * 10 FROM generate_series(1, 8) i;
INSERT INTO l SELECT i, i * 10 FROM generate_series(1, 8) i;
GRANT SELECT (k, v, d, g), INSERT (k, v), UPDATE (v, d) ON t TO eq_rights_user;
GRANT SELECT ON q, l TO eq_rights_user;
CREATE FUNCTION who(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN current_user || $1; END';
CREATE VIEW tv AS SELECT * FROM t WHERE v < 1000;
GRANT SELECT (k, v), INSERT (k, v), UPDATE (v) ON tv TO eq_rights_user;
-- worker
SET ROLE eq_rights_user;
INSERT INTO t (k, v) VALUES (1, 10) RETURNING k, d + v, who(d);
INSERT INTO t (k, v) VALUES (2, 20), (3, 30) RETURNING k, (SELECT max(v) FROM q WHERE q.k <= t.k), who(v);
INSERT INTO t (k, v) VALUES (3, 31), (4, 40) ON CONFLICT (k) DO NOTHING RETURNING k, v, d, g;
INSERT INTO t (k, v) VALUES (3, 32), (5, 50) ON CONFLICT (k) DO UPDATE SET v = excluded.v + t.d RETURNING k, v, who(g);
INSERT INTO t (k, v) VALUES (3, 33), (6, 60) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(v) FROM q), d = 8 WHERE t.v > 0 RETURNING k, v, (xmax = 0) AS inserted;
INSERT INTO t (k, v) VALUES (3, 34) ON CONFLICT (k) DO UPDATE SET o = 'x';
INSERT INTO t (k, v, d) VALUES (9, 34, 1);
INSERT INTO t (k, v) SELECT k + 10, v FROM q RETURNING k, d;
INSERT INTO t (k, v) SELECT k + 20, v FROM l RETURNING k, who(d);
INSERT INTO t (k, v) SELECT k + 30, v FROM q WHERE k < 4 ON CONFLICT DO NOTHING;
INSERT INTO t (k, v) SELECT k, v + 3 FROM q WHERE k < 4 ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO t (k) SELECT i FROM generate_series(100, 180) i;
MERGE INTO t USING q ON t.k = q.k + 5 WHEN MATCHED THEN UPDATE SET v = t.v + 1 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (q.k + 5, 1);
MERGE INTO t USING l ON t.v = l.v + 1 WHEN MATCHED THEN UPDATE SET v = t.v + 1 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (l.k + 60, 1);
MERGE INTO t USING q ON t.k = q.k WHEN NOT MATCHED THEN INSERT (k, v, d) VALUES (q.k + 5, 1, 2);
UPDATE t SET v = v + 1 WHERE k = 1 RETURNING k, v, who(d);
UPDATE t SET v = t.v + l.v FROM l WHERE l.k = t.k AND random() < 2 RETURNING t.k, t.v, who(t.d);
DELETE FROM t WHERE k = 1;
SELECT k, v FROM t WHERE k = 1 FOR UPDATE;
INSERT INTO tv (k, v) VALUES (50, 10) RETURNING k, v, who(v);
UPDATE tv SET v = v + 1 WHERE k = 50 RETURNING k, v;
BEGIN;
DECLARE c CURSOR FOR SELECT k, v FROM tv WHERE k = 50;
FETCH c;
UPDATE tv SET v = 11 WHERE CURRENT OF c;
COMMIT;
RESET ROLE;
SELECT * FROM t ORDER BY k;

-- and policies
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY s ON t FOR SELECT USING (v < 500);
CREATE POLICY i ON t FOR INSERT WITH CHECK (v < 90 AND d = 7 AND g < 80);
CREATE POLICY u ON t FOR UPDATE USING (v < 300) WITH CHECK (v < 400);
SET ROLE eq_rights_user;
INSERT INTO t (k, v) VALUES (201, 10) RETURNING k, d + v, who(d);
INSERT INTO t (k, v) VALUES (202, 95);
INSERT INTO t (k, v) VALUES (202, 79);
INSERT INTO t (k, v) VALUES (203, 20), (204, 30) RETURNING k;
INSERT INTO t (k, v) VALUES (203, 20), (205, 30) ON CONFLICT DO NOTHING RETURNING k;
INSERT INTO t (k, v) VALUES (203, 90), (205, 30) ON CONFLICT DO NOTHING RETURNING k;
INSERT INTO t (k, v) VALUES (203, 21), (206, 30) ON CONFLICT (k) DO UPDATE SET v = excluded.v + 1 RETURNING k, v;
INSERT INTO t (k, v) VALUES (203, 21) ON CONFLICT (k) DO UPDATE SET v = 400;
INSERT INTO t (k, v) SELECT k + 210, v FROM q WHERE v < 70 RETURNING k, d;
INSERT INTO t (k, v) SELECT k + 220, v FROM q RETURNING k, d;
INSERT INTO t (k, v) SELECT i, 5 FROM generate_series(300, 340) i;
MERGE INTO t USING q ON t.k = q.k + 205 WHEN MATCHED THEN UPDATE SET v = t.v + 1 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (q.k + 230, 1);
RESET ROLE;
SELECT * FROM t ORDER BY k;
DROP VIEW tv;
DROP TABLE t, q, l;
DROP FUNCTION who;
DROP ROLE eq_rights_user;
