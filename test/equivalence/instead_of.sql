-- INSTEAD OF triggers of views: they fire on the node that gets the statement, whichever it is.
CREATE TABLE t (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
CREATE VIEW doubled AS SELECT k, v * 2 AS v FROM t;
CREATE FUNCTION halve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO t VALUES (NEW.k, NEW.v / 2);
		RETURN NEW;
	ELSIF TG_OP = 'UPDATE' THEN
		UPDATE t SET v = NEW.v / 2 WHERE k = OLD.k;
		RETURN NEW;
	END IF;
	DELETE FROM t WHERE k = OLD.k;
	RETURN OLD;
END $$;
CREATE TRIGGER halved INSTEAD OF INSERT OR UPDATE OR DELETE ON doubled FOR EACH ROW EXECUTE FUNCTION halve();
CREATE VIEW plain AS SELECT k, v FROM t;
CREATE FUNCTION tenfold() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO t VALUES (NEW.k, NEW.v * 10); RETURN NEW; END $$;
CREATE TRIGGER tenfold INSTEAD OF INSERT ON plain FOR EACH ROW EXECUTE FUNCTION tenfold();
INSERT INTO doubled SELECT i, i * 10 FROM generate_series(1, 5) i;
-- worker
INSERT INTO doubled VALUES (6, 60) RETURNING *;
UPDATE doubled SET v = v + 2 WHERE k IN (2, 6) RETURNING *;
DELETE FROM doubled WHERE k = 3;
INSERT INTO plain VALUES (7, 7);
SELECT * FROM t ORDER BY k;
CREATE OR REPLACE VIEW plain AS SELECT k, v FROM t WHERE k > 0;
INSERT INTO plain VALUES (8, 8);
SELECT * FROM t WHERE k > 6 ORDER BY k;
ALTER TRIGGER tenfold ON plain RENAME TO ten;
DROP TRIGGER ten ON plain;
INSERT INTO plain VALUES (9, 9);
SELECT * FROM t WHERE k > 6 ORDER BY k;
