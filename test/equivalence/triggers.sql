-- Triggers: they fire on the node that gets the statement, under the names of the user's tables.
CREATE TABLE t (k int PRIMARY KEY, a int, b text, c int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE log (n bigserial, what text);
CREATE TABLE sums (k int PRIMARY KEY, n int DEFAULT 0, total bigint DEFAULT 0);
CREATE TABLE src (k int, a int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (what) SELECT concat_ws(' ', TG_NAME, TG_WHEN, TG_LEVEL, TG_OP, TG_TABLE_NAME, TG_RELID = TG_TABLE_NAME::regclass, TG_NARGS,
        CASE WHEN TG_LEVEL = 'ROW' AND TG_OP <> 'INSERT' THEN OLD::text END, '->', CASE WHEN TG_LEVEL = 'ROW' AND TG_OP <> 'DELETE' THEN NEW::text END);
    IF TG_LEVEL = 'ROW' AND TG_WHEN = 'BEFORE' AND TG_OP <> 'DELETE' THEN NEW.b := coalesce(NEW.b, '') || '+'; END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
-- a table that has rows and triggers: they stay, and do not fire when the rows are loaded
INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two');
CREATE TRIGGER early AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note('x', 'y');
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('log', 'n')
-- distribute: SELECT create_distributed_table('sums', 'k')
-- distribute: SELECT create_distributed_table('src', 'k')
INSERT INTO src SELECT i, i FROM generate_series(1, 60) i;
SELECT what FROM log ORDER BY n;
INSERT INTO t VALUES (3, 3, 'three');
DROP TRIGGER early ON t;
CREATE TRIGGER rb BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER ra AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER sb BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER sa AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER ua AFTER UPDATE OF a ON t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a AND NEW.k < 50) EXECUTE FUNCTION note('of a');
CREATE TRIGGER uc AFTER UPDATE OF c ON t FOR EACH ROW EXECUTE FUNCTION note();
SELECT what FROM log ORDER BY n;
-- worker
TRUNCATE log;
INSERT INTO t VALUES (4, 4, 'x'), (5, 5, 'y') RETURNING *;
INSERT INTO t (k, a) SELECT i, i FROM generate_series(6, 8) i;
INSERT INTO t (k, a) SELECT k, a FROM src WHERE k BETWEEN 11 AND 13;
INSERT INTO t (k, a) SELECT k + 1000, a FROM src;
SELECT what FROM log WHERE what LIKE 'rb%' ORDER BY what;
SELECT count(*) FROM log;
TRUNCATE log;
UPDATE t SET a = a + 10 WHERE k = 1;
UPDATE t SET a = a + 10 WHERE k < 3 RETURNING *;
UPDATE t SET b = 'other' WHERE k = 3;
UPDATE t SET a = s.a + t.a FROM src s WHERE s.k = t.k AND t.k BETWEEN 4 AND 6;
UPDATE t SET a = 1 WHERE k = -5;
DELETE FROM t WHERE k = 5 RETURNING *;
DELETE FROM t USING src s WHERE s.k = t.k AND t.k BETWEEN 11 AND 13;
UPDATE t SET k = k + 5000 WHERE k = 4;
DELETE FROM t WHERE k = -1;
INSERT INTO t (k, a) VALUES (6, 1), (77, 7) ON CONFLICT DO NOTHING;
INSERT INTO t (k, a) SELECT 1, 1 WHERE false;
MERGE INTO t USING (VALUES (7, 70), (90, 90)) s (k, a) ON t.k = s.k
    WHEN MATCHED THEN UPDATE SET a = s.a WHEN NOT MATCHED THEN INSERT (k, a) VALUES (s.k, s.a);
MERGE INTO t USING (VALUES (7, 70), (90, 90)) s (k, a) ON t.k = s.k WHEN MATCHED AND t.k = 7 THEN DELETE WHEN MATCHED THEN DO NOTHING;
SELECT regexp_replace(what, '\(.*', '') AS what, count(*) FROM log GROUP BY 1 ORDER BY 1;
SELECT what FROM log WHERE what LIKE 'ra%' OR what LIKE 'u%' ORDER BY what;
SELECT * FROM t ORDER BY k;
WITH x AS (INSERT INTO t (k, a) VALUES (201, 1) RETURNING *), y AS (DELETE FROM t WHERE k = 77 RETURNING *) SELECT * FROM x UNION ALL SELECT * FROM y;
PREPARE put(int, int) AS INSERT INTO t (k, a) VALUES ($1, $2);
EXECUTE put(301, 1);
EXECUTE put(302, 1);
PREPARE change(int, int) AS UPDATE t SET a = $2 WHERE k = $1;
EXECUTE change(301, 5);
EXECUTE change(302, 6);
SELECT what FROM log WHERE what LIKE 'ra%' ORDER BY n DESC LIMIT 6;
TRUNCATE log;
BEGIN;
TRUNCATE t;
SELECT what FROM log ORDER BY n;
ROLLBACK;
SELECT count(*) FROM t;

-- what becomes of triggers
TRUNCATE log;
ALTER TABLE t DISABLE TRIGGER USER;
UPDATE t SET a = 1 WHERE k = 1;
ALTER TABLE t ENABLE TRIGGER ra;
ALTER TABLE t ENABLE REPLICA TRIGGER rb;
ALTER TRIGGER ra ON t RENAME TO "R a";
UPDATE t SET a = 2 WHERE k = 1;
SELECT what FROM log ORDER BY n;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 't'::regclass ORDER BY 1;
DROP FUNCTION note();
DROP TRIGGER nothing ON t;
DROP TRIGGER IF EXISTS nothing ON t;
ALTER TRIGGER nothing ON t RENAME TO nothing2;
DROP TRIGGER "R a" ON t;
DROP TRIGGER rb ON t;
DROP TRIGGER sa ON t;
DROP TRIGGER sb ON t;
DROP TRIGGER ua ON t;
COMMENT ON TRIGGER uc ON t IS 'the last';
DROP TRIGGER uc ON t;
UPDATE t SET a = 3 WHERE k = 1;
SELECT count(*) FROM log;

-- functions that read and write other rows, those of the statement included
CREATE FUNCTION summed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sums SET n = n + 1, total = total + NEW.a WHERE k = NEW.k % 3;
    IF NOT FOUND THEN INSERT INTO sums VALUES (NEW.k % 3, 1, NEW.a); END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.a := (SELECT count(*) FROM t);
    RETURN NEW;
END $$;
CREATE TRIGGER summed AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION summed();
CREATE TRIGGER numbered BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION numbered();
INSERT INTO t VALUES (401), (402), (403), (404);
INSERT INTO t SELECT i FROM generate_series(405, 430) i;
SELECT k, a, c FROM t WHERE k > 400 ORDER BY k;
SELECT * FROM sums ORDER BY k;
UPDATE t SET a = 1 WHERE k > 410;
SELECT * FROM sums ORDER BY k;
DROP TRIGGER summed ON t;
DROP TRIGGER numbered ON t;

-- rows are left out, get another key, or a key at all
CREATE FUNCTION filtered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.k % 2 = 0 THEN RETURN NULL; END IF;
        RETURN OLD;
    END IF;
    IF NEW.a = 0 THEN RETURN NULL; END IF;
    NEW.k := coalesce(NEW.k, NEW.a + 7000);
    IF NEW.b = 'move' THEN NEW.k := NEW.k + 1; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER filtered BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION filtered();
TRUNCATE t;
INSERT INTO t (a) VALUES (1), (0), (2), (3) RETURNING k;
INSERT INTO t (a, b) VALUES (10, 'move') RETURNING *;
UPDATE t SET a = 0 WHERE k = 7001;
UPDATE t SET b = 'move' WHERE k = 7003 RETURNING *;
UPDATE t SET b = 'move', k = k + 100 RETURNING k;
DELETE FROM t WHERE k > 0 RETURNING k;
SELECT * FROM t ORDER BY k;
DROP TRIGGER filtered ON t;

-- a function fails; a row that the function has changed itself
CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a = 13 THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
CREATE TRIGGER failing AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION failing();
INSERT INTO t (k, a) VALUES (1, 1), (2, 13);
SELECT count(*) FROM t WHERE k < 10;
CREATE FUNCTION meddling() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET b = 'meddled' WHERE k = NEW.k; RETURN NEW; END $$;
CREATE TRIGGER meddling BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION meddling();
UPDATE t SET a = 5 WHERE k = 7104;
SELECT * FROM t ORDER BY k;
DROP TRIGGER meddling ON t;
CREATE FUNCTION catching() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO src VALUES (NEW.k, 1 / (NEW.a - 3));
    EXCEPTION WHEN division_by_zero THEN NEW.b := 'caught';
    END;
    RETURN NEW;
END $$;
CREATE TRIGGER catching BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION catching();
INSERT INTO t (k, a) SELECT i + 500, i FROM generate_series(1, 6) i;
SELECT * FROM t WHERE k > 500 AND k < 600 ORDER BY k;
SELECT count(*) FROM src WHERE k > 500 AND k < 600;
BEGIN;
INSERT INTO t (k, a) VALUES (601, 1);
SAVEPOINT s;
INSERT INTO t (k, a) VALUES (602, 13);
ROLLBACK TO s;
INSERT INTO t (k, a) VALUES (603, 4);
COMMIT;
SELECT k FROM t WHERE k > 600 AND k < 700 ORDER BY k;

-- writes inside functions, through views, and by SQL functions
CREATE FUNCTION put_rows(int) RETURNS bigint LANGUAGE sql AS $$ INSERT INTO t (k, a) SELECT 800 + i, i FROM generate_series(1, $1) i; SELECT count(*) FROM t WHERE k > 800 AND k < 900 $$;
SELECT put_rows(3);
CREATE VIEW v AS SELECT k, a, b FROM t WHERE k > 800 AND k < 900;
UPDATE v SET a = a + 1 WHERE k = 801;
INSERT INTO v VALUES (805, 3);
SELECT * FROM v ORDER BY k;
