-- Row triggers of an upsert whose RETURNING is computed where the statement runs.
CREATE TABLE t (k text PRIMARY KEY, v text);
CREATE TABLE noted (k text, n int, what text);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('noted', 'k')
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted SELECT COALESCE(NEW.k, OLD.k), (SELECT count(*) FROM t), TG_OP || ' ' || TG_WHEN || ' ' || COALESCE(OLD.v, '-') || ' ' || COALESCE(NEW.v, '-');
    RETURN NEW;
END $$;
CREATE TRIGGER b BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER a AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO t VALUES ('a', 'first'), ('b', 'unwanted'), ('c', 'third');
INSERT INTO t VALUES ('a', 'again') ON CONFLICT (k) DO UPDATE SET v = t.v || '+' WHERE t.v <> 'unwanted' RETURNING k, v || (random() * 0)::int AS v;
INSERT INTO t VALUES ('a', 'again'), ('b', 'again'), ('c', 'again'), ('d', 'new') ON CONFLICT (k) DO UPDATE SET v = t.v || excluded.v WHERE t.v <> 'unwanted' RETURNING k, v || (random() * 0)::int AS v;
INSERT INTO t VALUES ('a', 'again'), ('e', 'new') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, v || (random() * 0)::int AS v;
SELECT * FROM t ORDER BY k;
SELECT * FROM noted ORDER BY k, n, what;
DROP TABLE t, noted;
DROP FUNCTION note;
