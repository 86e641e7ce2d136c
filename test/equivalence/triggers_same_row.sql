-- A BEFORE trigger whose function writes the row that it is called for, the first of its statement.
-- only: distributed single worker
CREATE TABLE t (k int PRIMARY KEY, a int, b text);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i, 'row' FROM generate_series(1, 6) i;
CREATE FUNCTION meddling() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET b = 'meddled' WHERE k = NEW.k; RETURN NEW; END $$;
CREATE TRIGGER meddling BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION meddling();
UPDATE t SET a = 50 WHERE k = 1;
UPDATE t SET a = 50 WHERE k IN (2, 3);
SELECT * FROM t ORDER BY k;
DROP TRIGGER meddling ON t;
CREATE FUNCTION removing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t WHERE k = OLD.k; RETURN NEW; END $$;
CREATE TRIGGER removing BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION removing();
UPDATE t SET a = 50 WHERE k = 4;
SELECT * FROM t ORDER BY k;
DROP TRIGGER removing ON t;
-- it may write other rows, and leave its own alone
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET b = b || '!' WHERE k = 6; IF NEW.k = 5 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER elsewhere BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION elsewhere();
UPDATE t SET a = 50 WHERE k = 4;
UPDATE t SET a = 50 WHERE k = 5;
SELECT * FROM t ORDER BY k;

-- rows that a function of the query has changed are left out by its row locks
CREATE TABLE few (k int, v int);
-- distribute: SELECT create_distributed_table('few', 'k')
INSERT INTO few SELECT i, i FROM generate_series(1, 10) i;
CREATE FUNCTION changes_row(i int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN UPDATE few SET v = 0 WHERE k = i AND k % 2 = 0; RETURN true; END $$;
SELECT * FROM few WHERE changes_row(k) ORDER BY k LIMIT 3 FOR UPDATE;
SELECT * FROM few ORDER BY k;
SELECT * FROM few WHERE changes_row(k) ORDER BY k LIMIT 20 FOR UPDATE;
