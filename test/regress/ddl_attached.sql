-- Extended statistics and triggers.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1500000;
CREATE SCHEMA ddl_ta;
SET search_path TO ddl_ta;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE t (k int, a int, b int);
CREATE TABLE log (k int, what text);
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('log', 'k');
CREATE VIEW shard_statistics AS
SELECT result, count(*) FROM (
    SELECT regexp_replace(result, 'ddl_ta\.|(?<=_)\d{6,}', '', 'g') AS result
    FROM run_command_on_placements('t', $$
        SELECT string_agg(pg_get_statisticsobjdef(oid) || ' ' || coalesce(nullif(stxstattarget, -1)::text, 'default'), ' | ' ORDER BY stxname)
        FROM pg_statistic_ext WHERE stxrelid = '%s'::regclass$$)) s
GROUP BY 1 ORDER BY 1;
CREATE STATISTICS named (ndistinct, mcv) ON a, b FROM t;
CREATE STATISTICS IF NOT EXISTS named ON a, b FROM t;
CREATE STATISTICS expressions ON (a + b), k FROM t;
ALTER STATISTICS named SET STATISTICS 50;
ALTER STATISTICS named RENAME TO renamed;
TABLE shard_statistics;
DROP STATISTICS renamed;
DROP STATISTICS IF EXISTS renamed;
TABLE shard_statistics;

CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.a := NEW.a + 1; RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION note();
INSERT INTO t VALUES (1, 1), (2, 2), (3, 0);
SELECT * FROM t ORDER BY k;
ALTER TRIGGER tr ON t RENAME TO tr2;
ALTER TABLE t DISABLE TRIGGER tr2;
INSERT INTO t VALUES (4, 4);
ALTER TABLE t ENABLE TRIGGER tr2;
INSERT INTO t VALUES (5, 5);
SELECT * FROM t ORDER BY k;
DROP TRIGGER tr2 ON t;
DROP TRIGGER IF EXISTS tr2 ON t;
INSERT INTO t VALUES (6, 6);
SELECT * FROM t WHERE k = 6;
DROP SCHEMA ddl_ta CASCADE;
