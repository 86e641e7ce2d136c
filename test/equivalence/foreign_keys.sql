-- What foreign keys do, and ask for, when rows that they refer to go or change: also where rows of
-- other shards change so, or triggers see it.
-- only: distributed worker single
CREATE TABLE log (n bigserial, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (what) SELECT concat_ws(' ', TG_NAME, TG_WHEN, TG_OP, TG_TABLE_NAME,
        CASE WHEN TG_LEVEL = 'ROW' AND TG_OP <> 'INSERT' THEN OLD::text END, CASE WHEN TG_LEVEL = 'ROW' AND TG_OP <> 'DELETE' THEN NEW::text END);
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TABLE p (k int, i int, v text, PRIMARY KEY (k, i));
CREATE TABLE sets_null (k int, i int, w text, FOREIGN KEY (k, i) REFERENCES p ON DELETE SET NULL (i));
CREATE TABLE sets_default (k int, i int DEFAULT 7, w text, FOREIGN KEY (k, i) REFERENCES p ON DELETE SET DEFAULT (i));
CREATE TABLE q (k int PRIMARY KEY, v text);
CREATE TABLE defaults (k int DEFAULT 0 CONSTRAINT defaults_k REFERENCES q ON DELETE SET DEFAULT ON UPDATE SET DEFAULT, w text);
CREATE TABLE nulls (k int CONSTRAINT nulls_k REFERENCES q ON DELETE SET NULL, w text);
CREATE TABLE r (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE by_r (k int DEFAULT 0 REFERENCES r ON UPDATE CASCADE ON DELETE SET DEFAULT, w text);
CREATE TABLE also_by_r (k int, id int DEFAULT 0 REFERENCES r ON UPDATE CASCADE ON DELETE CASCADE, w text);
CREATE TABLE tree (k int, id int, up int, PRIMARY KEY (k, id), FOREIGN KEY (k, up) REFERENCES tree ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE a (k int PRIMARY KEY, children int DEFAULT 0);
CREATE TABLE b (k int, id int, PRIMARY KEY (k, id), FOREIGN KEY (k) REFERENCES a ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE c (k int, id int, n int, FOREIGN KEY (k, id) REFERENCES b ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE d (k int, id int, n int, CONSTRAINT d_k FOREIGN KEY (k, id) REFERENCES b DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE ranges (k int, n int, v text, PRIMARY KEY (k, n)) PARTITION BY RANGE (n);
CREATE TABLE ranges_1 PARTITION OF ranges FOR VALUES FROM (0) TO (10);
CREATE TABLE ranges_2 PARTITION OF ranges FOR VALUES FROM (10) TO (20);
CREATE TABLE in_ranges (k int, n int, m int, FOREIGN KEY (k, n) REFERENCES ranges ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE late_in_ranges (k int, n int, m int, FOREIGN KEY (k, n) REFERENCES ranges ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
-- distribute: SELECT create_distributed_table('log', 'n')
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('sets_null', 'k', colocate_with => 'p')
-- distribute: SELECT create_distributed_table('sets_default', 'k', colocate_with => 'p')
-- distribute: SELECT create_distributed_table('q', 'k')
-- distribute: SELECT create_distributed_table('defaults', 'k', colocate_with => 'q')
-- distribute: SELECT create_distributed_table('nulls', 'k', colocate_with => 'q')
-- distribute: SELECT create_reference_table('r')
-- distribute: SELECT create_distributed_table('by_r', 'k')
-- distribute: SELECT create_distributed_table('also_by_r', 'k')
-- distribute: SELECT create_distributed_table('tree', 'k')
-- distribute: SELECT create_distributed_table('a', 'k')
-- distribute: SELECT create_distributed_table('b', 'k', colocate_with => 'a')
-- distribute: SELECT create_distributed_table('c', 'k', colocate_with => 'a')
-- distribute: SELECT create_distributed_table('d', 'k', colocate_with => 'a')
-- distribute: SELECT create_distributed_table('ranges', 'k')
-- distribute: SELECT create_distributed_table('in_ranges', 'k', colocate_with => 'ranges')
-- distribute: SELECT create_distributed_table('late_in_ranges', 'k', colocate_with => 'ranges')
-- worker

-- columns that ON DELETE names, without the distribution column
INSERT INTO p SELECT k, i, k || '.' || i FROM generate_series(1, 4) k, generate_series(1, 8) i;
INSERT INTO sets_null SELECT k, i, v FROM p;
INSERT INTO sets_default SELECT k, i, v FROM p;
DELETE FROM p WHERE i = 3;
DELETE FROM p WHERE k = 2 AND i = 4 RETURNING *;
SELECT * FROM sets_null ORDER BY w;
SELECT * FROM sets_default ORDER BY w;
DELETE FROM p WHERE i = 7;
DELETE FROM p WHERE k = 4 AND i = 7;
SELECT * FROM p ORDER BY k, i;

-- the distribution column gets its default: rows move
INSERT INTO q SELECT i, 'v' || i FROM generate_series(0, 12) i;
INSERT INTO defaults SELECT i, 'w' || i || '.' || j FROM generate_series(1, 12) i, generate_series(1, 2) j;
DELETE FROM q WHERE k = 1;
DELETE FROM q WHERE k BETWEEN 2 AND 4 RETURNING *;
UPDATE q SET k = k + 100 WHERE k = 5;
UPDATE q SET k = k + 100, v = 'moved' WHERE k IN (6, 7) RETURNING k, v;
UPDATE q SET v = 'same' WHERE k = 8;
SELECT * FROM defaults ORDER BY w;
-- the default refers to nothing
BEGIN;
DELETE FROM defaults WHERE k = 0;
DELETE FROM q WHERE k = 0;
SAVEPOINT s;
DELETE FROM q WHERE k = 8;
ROLLBACK TO s;
SELECT count(*) FROM defaults;
ROLLBACK;
DELETE FROM q WHERE k = 0;
PREPARE gone(int) AS DELETE FROM q WHERE k = $1;
EXECUTE gone(9);
EXECUTE gone(10);
EXECUTE gone(10);
EXECUTE gone(99);
DO $$ BEGIN DELETE FROM q WHERE k = 11; BEGIN DELETE FROM q WHERE k = 0; EXCEPTION WHEN foreign_key_violation THEN RAISE NOTICE 'kept'; END; END $$;
INSERT INTO q VALUES (12, 'new') ON CONFLICT (k) DO UPDATE SET k = 112;
WITH x AS (DELETE FROM q WHERE k = 8 RETURNING *) SELECT * FROM x;
SELECT * FROM q ORDER BY k;
SELECT * FROM defaults ORDER BY w;
-- one server sets it to NULL
INSERT INTO nulls VALUES (107, 'n');
DELETE FROM q WHERE k = 106;
BEGIN;
-- differs: 23502, a distribution column cannot be NULL
DELETE FROM q WHERE k = 107;
ROLLBACK;
DELETE FROM nulls;
DELETE FROM q WHERE k = 107;

-- a reference table's
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 9) i;
INSERT INTO by_r SELECT i, 'w' || i FROM generate_series(1, 9) i;
INSERT INTO also_by_r SELECT i, i, 'w' || i FROM generate_series(1, 9) i;
UPDATE r SET id = 100 + id WHERE id IN (1, 2) RETURNING *;
UPDATE r SET id = 103, name = 'r103' WHERE name = 'r3';
DELETE FROM r WHERE id = 4;
DELETE FROM r WHERE name IN ('r5', 'r6');
UPDATE r SET name = 'none' WHERE id = 7;
DELETE FROM r WHERE id = 0;
SELECT * FROM r ORDER BY id;
SELECT * FROM by_r ORDER BY w;
SELECT * FROM also_by_r ORDER BY w;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE r SET id = 108 WHERE id = 8;
DELETE FROM r WHERE id = 7;
COMMIT;
SELECT * FROM by_r ORDER BY w;

-- a table's to itself
INSERT INTO tree VALUES (1, 1, NULL), (1, 2, 1), (1, 3, 2), (2, 1, 1), (3, 1, NULL);
UPDATE tree SET k = 4 WHERE k = 1 AND id = 1;
SELECT * FROM tree ORDER BY k, id;
UPDATE tree SET k = 5 WHERE k = 4;
UPDATE tree SET k = k + 10, id = id + 10 WHERE k = 2;
SELECT * FROM tree ORDER BY k, id;
DELETE FROM tree WHERE k = 5 AND id = 1;
SELECT * FROM tree ORDER BY k, id;

-- row triggers see what foreign keys do, on every level
CREATE TRIGGER b_row AFTER INSERT OR UPDATE OR DELETE ON b FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER c_before BEFORE UPDATE OR DELETE ON c FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER c_row AFTER UPDATE OR DELETE ON c FOR EACH ROW EXECUTE FUNCTION note();
CREATE FUNCTION count_children() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE a SET children = children + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END WHERE k = CASE TG_OP WHEN 'INSERT' THEN NEW.k ELSE OLD.k END; RETURN NULL; END $$;
CREATE TRIGGER counts AFTER INSERT OR DELETE ON b FOR EACH ROW EXECUTE FUNCTION count_children();
INSERT INTO a SELECT i FROM generate_series(1, 8) i;
INSERT INTO b SELECT i, j FROM generate_series(1, 8) i, generate_series(1, 2) j;
INSERT INTO c SELECT k, id, 10 * k + id FROM b;
SELECT * FROM a ORDER BY k;
TRUNCATE log;
DELETE FROM b WHERE k = 1 AND id = 1;
SELECT * FROM a WHERE k = 1;
DELETE FROM a WHERE k = 1;
DELETE FROM a WHERE k IN (2, 3);
UPDATE a SET k = 104 WHERE k = 4;
SELECT what FROM log ORDER BY what;
SELECT * FROM c ORDER BY n;
-- a deferred one on the way
INSERT INTO d VALUES (5, 1, 51), (6, 1, 61);
BEGIN;
DELETE FROM a WHERE k = 5;
COMMIT;
BEGIN;
DELETE FROM a WHERE k IN (5, 6);
DELETE FROM d WHERE k = 5;
UPDATE d SET k = 7;
COMMIT;
BEGIN;
DELETE FROM a WHERE k = 7;
SET CONSTRAINTS d_k IMMEDIATE;
ROLLBACK;
SELECT * FROM a ORDER BY k;
SELECT * FROM c ORDER BY n;
SELECT * FROM d ORDER BY n;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM a WHERE k = 104;
COMMIT;
SELECT * FROM c ORDER BY n;
-- a row that changes its partition is updated for those that refer to it
INSERT INTO ranges SELECT k, 5, 'r' || k FROM generate_series(1, 4) k;
INSERT INTO in_ranges SELECT k, n, k FROM ranges;
INSERT INTO late_in_ranges SELECT k, n, k FROM ranges WHERE k = 4;
CREATE TRIGGER in_ranges_row AFTER UPDATE OR DELETE ON in_ranges FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER late_row AFTER UPDATE OR DELETE ON late_in_ranges FOR EACH ROW EXECUTE FUNCTION note();
TRUNCATE log;
UPDATE ranges SET n = 15 WHERE k = 1;
UPDATE ranges SET k = 12, n = 16 WHERE k = 2;
UPDATE ranges SET n = 6 WHERE k = 3;
DELETE FROM ranges WHERE k = 3;
UPDATE ranges SET n = 17 WHERE k = 4;
SELECT * FROM ranges ORDER BY k;
SELECT * FROM in_ranges ORDER BY m;
SELECT * FROM late_in_ranges ORDER BY m;
SELECT what FROM log ORDER BY what;
-- triggers that come later are seen by statements that were prepared
PREPARE del(int) AS DELETE FROM p WHERE k = 1 AND i = $1;
EXECUTE del(1);
EXECUTE del(2);
CREATE TRIGGER p_row AFTER UPDATE ON sets_null FOR EACH ROW EXECUTE FUNCTION note();
TRUNCATE log;
EXECUTE del(5);
SELECT what FROM log;
DROP TABLE in_ranges, late_in_ranges, ranges, sets_null, sets_default, p, defaults, nulls, q, by_r, also_by_r, r, tree, c, d, b, a, log;
DROP FUNCTION note, count_children;
