-- ON CONFLICT where triggers see the rows.
CREATE TABLE log (n bigserial, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE x text; y text;
BEGIN
    IF TG_ARGV[0] LIKE '%o' THEN SELECT string_agg(o::text, ',' ORDER BY o::text) INTO x FROM o; END IF;
    IF TG_ARGV[0] LIKE 'n%' THEN SELECT string_agg(n::text, ',' ORDER BY n::text) INTO y FROM n; END IF;
    INSERT INTO log (what) SELECT concat_ws(' ', TG_NAME, TG_WHEN, TG_LEVEL, TG_OP, TG_TABLE_NAME,
        CASE WHEN TG_LEVEL = 'ROW' AND TG_OP <> 'INSERT' THEN OLD::text END, '->', CASE WHEN TG_LEVEL = 'ROW' AND TG_OP <> 'DELETE' THEN NEW::text END, '|', x, '->', y);
    IF TG_LEVEL = 'ROW' AND TG_WHEN = 'BEFORE' THEN NEW.b := coalesce(NEW.b, '') || lower(left(TG_OP, 1)); END IF;
    RETURN NEW;
END $$;
CREATE TABLE t (k int, s text, a int DEFAULT 7, b text, PRIMARY KEY (k, s));
CREATE UNIQUE INDEX ON t (k, lower(s)) WHERE a < 100;
CREATE TABLE p (k int, d int, b text, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE TABLE other (k int, v text);
-- distribute: SELECT create_distributed_table('log', 'n')
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('other', 'k')
CREATE TRIGGER rb BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note('');
CREATE TRIGGER ra AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note('');
CREATE TRIGGER ub BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION note('');
CREATE TRIGGER sb BEFORE INSERT OR UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note('');
CREATE TRIGGER si AFTER INSERT ON t REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION note('n');
CREATE TRIGGER su AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION note('no');
CREATE TRIGGER prb BEFORE INSERT OR UPDATE ON p FOR EACH ROW EXECUTE FUNCTION note('');
CREATE TRIGGER pra AFTER INSERT OR UPDATE ON p FOR EACH ROW EXECUTE FUNCTION note('');
INSERT INTO other SELECT i, 'other ' || i FROM generate_series(1, 5) i;
CREATE TABLE called (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('called', 'k')
CREATE FUNCTION called_next() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.v := new.v + 1; RETURN new; END $$;
CREATE FUNCTION called_twice(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN x * 2; END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON called FOR EACH ROW EXECUTE FUNCTION called_next();
-- worker
INSERT INTO t VALUES (1, 'A', 1), (2, 'B', 2) ON CONFLICT (k, s) DO UPDATE SET a = excluded.a;
INSERT INTO t VALUES (1, 'A', 10), (3, 'C', 3) ON CONFLICT (k, s) DO UPDATE SET a = t.a + excluded.a, b = t.b || excluded.b RETURNING *;
SELECT what FROM log ORDER BY n;
TRUNCATE log;
INSERT INTO t VALUES (1, 'A', 10), (4, 'D', 3) ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET b = excluded.b WHERE t.a > 100 RETURNING k, a + 1, b;
INSERT INTO t VALUES (1, 'a', 5), (2, 'b', 6) ON CONFLICT (k, lower(s)) WHERE a < 100 DO UPDATE SET s = excluded.s;
INSERT INTO t VALUES (5, 'E', 1), (5, 'E', 2) ON CONFLICT (k, s) DO UPDATE SET a = excluded.a;
INSERT INTO t VALUES (5, 'E', 1), (5, 'E', 2) ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO t SELECT k, 'Z', k FROM other ORDER BY k ON CONFLICT (k, s) DO UPDATE SET a = 0;
INSERT INTO t SELECT k, 'Z', k FROM other ORDER BY k ON CONFLICT (k, s) DO UPDATE SET a = t.a + 1, b = (SELECT v FROM other WHERE other.k = excluded.k + 1);
INSERT INTO t (k, s) VALUES (1, 'Z') ON CONFLICT (k, s) DO UPDATE SET k = 100 RETURNING *;
INSERT INTO t (k, s) VALUES (2, 'Z') ON CONFLICT (k, s) DO UPDATE SET (a, b) = (SELECT excluded.a * 2, 'row');
PREPARE put(int, text, int) AS INSERT INTO t VALUES ($1, $2, $3) ON CONFLICT (k, s) DO UPDATE SET a = excluded.a + $3;
EXECUTE put(9, 'I', 1);
EXECUTE put(9, 'I', 2);
EXECUTE put(9, 'I', 3);
EXECUTE put(9, 'I', 4);
EXECUTE put(9, 'I', 5);
EXECUTE put(9, 'I', 6);
EXECUTE put(9, 'I', 7);
SELECT what FROM log ORDER BY n;
SELECT * FROM t ORDER BY k, s;
BEGIN;
INSERT INTO t VALUES (9, 'I', 100) ON CONFLICT (k, s) DO UPDATE SET a = -1;
SAVEPOINT s;
INSERT INTO t VALUES (9, 'I', 100) ON CONFLICT (k, s) DO UPDATE SET a = 1 / 0;
ROLLBACK TO s;
COMMIT;
SELECT a FROM t WHERE k = 9;
TRUNCATE log;
INSERT INTO p VALUES (1, 1, 'a'), (2, 11, 'b') ON CONFLICT (k, d) DO UPDATE SET b = excluded.b;
INSERT INTO p VALUES (1, 1, 'c'), (2, 11, 'd'), (3, 12, 'e') ON CONFLICT (k, d) DO UPDATE SET b = p.b || excluded.b RETURNING *;
SELECT what FROM log ORDER BY n;
-- triggers that leave rows out, or change what they conflict with
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.k = 50 THEN NEW.s := 'A'; NEW.k := 1; END IF;
    IF TG_OP = 'INSERT' AND NEW.k = 51 THEN RETURN NULL; END IF;
    IF TG_OP = 'UPDATE' AND OLD.k = 2 THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_change BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO t VALUES (50, 'x', 1), (51, 'y', 2), (52, 'z', 3) ON CONFLICT (k, s) DO UPDATE SET a = -excluded.a RETURNING *;
INSERT INTO t VALUES (2, 'B', 1), (2, 'B', 1) ON CONFLICT (k, s) DO UPDATE SET a = 12345 RETURNING *;
INSERT INTO t VALUES (50, 'x', 1), (1, 'A', 2) ON CONFLICT (k, s) DO UPDATE SET a = 0;
SELECT * FROM t ORDER BY k, s;

-- RETURNING calls what must not run on shards
INSERT INTO called VALUES (1, 1), (2, 2);
INSERT INTO called VALUES (1, 1), (50, 50) ON CONFLICT (k) DO UPDATE SET v = called.v * 10 RETURNING *, called_twice(called.v);
INSERT INTO called VALUES (2, 1), (51, 1) ON CONFLICT (k) DO NOTHING RETURNING called_twice(k);
INSERT INTO called VALUES (2, 1) ON CONFLICT (k) DO UPDATE SET k = called.k + 1000 RETURNING called_twice(called.k), called;
PREPARE called_upsert (int) AS
INSERT INTO called VALUES ($1, 1) ON CONFLICT (k) DO UPDATE SET v = called.v + $1 RETURNING called_twice(called.v), $1;
EXECUTE called_upsert (1);
EXECUTE called_upsert (60);
EXECUTE called_upsert (60);
SELECT * FROM called;
DROP TABLE called;
DROP FUNCTION called_next(), called_twice(int);
