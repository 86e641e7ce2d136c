-- Rules: rewritten on the node that gets the statement.
CREATE TABLE t (k int PRIMARY KEY, v int, gone boolean DEFAULT false);
CREATE TABLE seen (k int, op text, v int);
CREATE TABLE other (k int, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
CREATE RULE old_one AS ON INSERT TO other DO ALSO INSERT INTO seen VALUES (new.k, 'other', new.v);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('seen', 'k')
-- distribute: SELECT create_distributed_table('other', 'k')
INSERT INTO other VALUES (1, 1), (2, 2);
SELECT * FROM seen ORDER BY k, op;
CREATE RULE on_insert AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES (new.k, 'i', new.v);
CREATE RULE on_update AS ON UPDATE TO t WHERE old.v IS DISTINCT FROM new.v
    DO ALSO INSERT INTO seen VALUES (old.k, 'u', new.v - old.v);
CREATE RULE on_delete AS ON DELETE TO t DO INSTEAD UPDATE t SET gone = true WHERE k = old.k;
INSERT INTO t VALUES (21, 21);
INSERT INTO t SELECT i, i FROM generate_series(22, 30) i;
UPDATE t SET v = v + 100 WHERE k = 3;
UPDATE t SET v = v + 1 WHERE k BETWEEN 5 AND 8;
UPDATE t SET v = v WHERE k < 4;
DELETE FROM t WHERE k = 10;
DELETE FROM t WHERE k > 25;
SELECT * FROM t ORDER BY k;
SELECT op, k, v FROM seen ORDER BY op, k, v;
PREPARE put(int, int) AS INSERT INTO t VALUES ($1, $2);
EXECUTE put(40, 1);
EXECUTE put(41, 2);
BEGIN;
INSERT INTO t VALUES (50, 50);
ROLLBACK;
INSERT INTO t VALUES (40, 40);
SELECT count(*), count(*) FILTER (WHERE gone) FROM t;
SELECT count(*) FROM seen;
ALTER TABLE t DISABLE RULE on_insert;
INSERT INTO t VALUES (60, 60);
SELECT count(*) FROM seen WHERE k = 60;
ALTER TABLE t ENABLE RULE on_insert, ADD COLUMN w int;
INSERT INTO t VALUES (61, 61);
SELECT count(*) FROM seen WHERE k = 61;
ALTER RULE on_insert ON t RENAME TO on_ins;
COMMENT ON RULE on_ins ON t IS 'remembers';
ALTER RULE on_insert ON t RENAME TO x;
DROP RULE on_insert ON t;
DROP RULE on_ins ON t;
DROP RULE IF EXISTS on_ins ON t;
INSERT INTO t VALUES (62, 62);
SELECT count(*) FROM seen WHERE k = 62;
CREATE RULE nothing AS ON INSERT TO t WHERE new.k % 2 = 0 DO INSTEAD NOTHING;
INSERT INTO t SELECT i FROM generate_series(100, 109) i;
SELECT k FROM t WHERE k >= 100 ORDER BY k;
CREATE OR REPLACE RULE nothing AS ON INSERT TO t DO INSTEAD
    INSERT INTO other VALUES (new.k, new.v) RETURNING k, v, false, 0;
INSERT INTO t VALUES (200, 5) RETURNING *;
SELECT * FROM other ORDER BY k;
CREATE RULE twice AS ON UPDATE TO other DO ALSO
    (DELETE FROM seen WHERE k = old.k; INSERT INTO seen SELECT t.k, 'join', old.v FROM t WHERE t.k = old.k);
UPDATE other SET v = 7 WHERE k IN (1, 2, 200);
SELECT * FROM seen WHERE op = 'join' OR k IN (1, 2) ORDER BY k;
DROP TABLE other CASCADE;
DROP RULE on_update ON t;
UPDATE t SET v = -1 WHERE k = 1 RETURNING k, v;
DELETE FROM t WHERE k = 1 RETURNING *;
DROP TABLE t, seen;

-- conditions of rules choose rows of an INSERT .. SELECT
CREATE TABLE low (a int, b text);
CREATE TABLE high (a int, b text);
CREATE TABLE source (a int, b text);
-- distribute: SELECT create_distributed_table('low', 'a')
-- distribute: SELECT create_distributed_table('high', 'a')
-- distribute: SELECT create_distributed_table('source', 'a')
CREATE RULE to_high AS ON INSERT TO low WHERE new.a >= 10 AND new.a < 20 DO INSTEAD INSERT INTO high VALUES (new.a, new.b);
INSERT INTO source SELECT i, 'x' || i FROM generate_series(1, 25) i;
INSERT INTO low SELECT * FROM source WHERE a < 22;
INSERT INTO low VALUES (11, 'z'), (12, 'y'), (3, 'x');
INSERT INTO low VALUES (13, 'z');
SELECT * FROM low;
SELECT * FROM high;
CREATE RULE instead AS ON DELETE TO high DO INSTEAD UPDATE high SET b = 'gone' WHERE a = old.a;
DELETE FROM high WHERE a > 12;
SELECT * FROM high;
DROP TABLE low, high, source;

-- OLD and NEW in sub-queries and VALUES
CREATE TABLE src (f1 int PRIMARY KEY, f2 int);
-- distribute: SELECT create_distributed_table('src', 'f1')
INSERT INTO src VALUES (1, 2), (11, 12);
CREATE RULE show_both AS ON UPDATE TO src DO ALSO VALUES (old.*), (new.*);
UPDATE src SET f2 = f2 / 10;
CREATE TABLE under (a int, b text DEFAULT 'xxx', c int);
-- distribute: SELECT create_distributed_table('under', 'a')
CREATE VIEW over AS SELECT * FROM under;
CREATE RULE over_ins AS ON INSERT TO over DO ALSO
    INSERT INTO under SELECT * FROM (SELECT a + 10 FROM under WHERE a = new.a) tt;
CREATE RULE over_upd AS ON UPDATE TO over DO ALSO
    UPDATE under t SET c = tt.a * 10 FROM (SELECT a FROM under WHERE a = old.a) tt WHERE t.a = tt.a;
INSERT INTO over VALUES (1, 'a'), (2, 'b');
UPDATE over SET b = upper(b);
ALTER RULE over_ins ON over RENAME TO over_insert;
SELECT * FROM under;
DROP RULE over_upd ON over;
CREATE RULE over_del AS ON DELETE TO over DO INSTEAD UPDATE under SET c = -1 WHERE a = old.a;
COMMENT ON RULE over_del ON over IS 'keeps the row';
-- worker
SET search_path = eq, public;
DELETE FROM over WHERE a = 2;
UPDATE over SET b = b || '!' WHERE a = 1;
INSERT INTO over VALUES (3, 'c');
CREATE RULE over_none AS ON UPDATE TO over WHERE new.a = 3 DO INSTEAD NOTHING;
UPDATE over SET b = 'none';
SELECT * FROM under;
DROP RULE over_del ON over;
DELETE FROM over WHERE a = 3;
SELECT * FROM under;
