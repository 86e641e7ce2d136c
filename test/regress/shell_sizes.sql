-- What ANALYZE has found stays known when the server reads the empty shell.
CREATE SCHEMA shell_sizes;
SET search_path TO shell_sizes;
CREATE TABLE t (k int, id bigint, at date, PRIMARY KEY (k, id));
SELECT create_distributed_table('t', 'k');
CREATE TABLE p (k int, d date) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT create_distributed_table('p', 'k');
INSERT INTO t SELECT i % 100, i, date '2020-01-01' + i % 300 FROM generate_series(1, 500) i;
INSERT INTO p SELECT k, at FROM t;
ANALYZE t, p1;
CREATE VIEW sizes AS SELECT relname, reltuples FROM pg_class
WHERE relname IN ('t', 'p1') AND relnamespace = 'shell_sizes'::regnamespace ORDER BY 1;
CREATE FUNCTION elsewhere(OUT result text) RETURNS SETOF text LANGUAGE sql AS
	$$ SELECT DISTINCT result FROM run_command_on_workers('SELECT string_agg(relname || ' || quote_literal(' ') || ' || reltuples, '', '') FROM shell_sizes.sizes') $$;
SELECT * FROM sizes;
SELECT * FROM elsewhere();
CREATE INDEX ON t (at);
CREATE INDEX CONCURRENTLY t_at ON t (at, k);
CREATE INDEX ON p (d);
SELECT * FROM sizes;
REINDEX INDEX t_at;
REINDEX TABLE t;
REINDEX TABLE CONCURRENTLY t;
CLUSTER t USING t_at;
SELECT * FROM sizes;
ALTER TABLE t ALTER at TYPE timestamp;
ALTER TABLE p ALTER d SET NOT NULL, ADD UNIQUE (k, d, x), ADD x serial;
ALTER TABLE t ADD UNIQUE (k, at, id);
SELECT * FROM sizes;
SELECT * FROM elsewhere();
BEGIN;
ALTER TABLE t ALTER id TYPE numeric;
SELECT * FROM sizes;
ROLLBACK;
SELECT * FROM sizes;
SET client_min_messages TO warning;
DROP SCHEMA shell_sizes CASCADE;
SELECT citus_internal.check_consistency();
