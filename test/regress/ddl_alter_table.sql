-- ALTER TABLE: every kind of subcommand reaches the shells of all nodes and the shards.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1400000;
CREATE SCHEMA ddl_at;
SET search_path TO ddl_at;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE t (k int PRIMARY KEY, a int, b text DEFAULT 'x');
SELECT create_distributed_table('t', 'k');
INSERT INTO t (k, a) SELECT i, i % 10 FROM generate_series(1, 100) i;

-- one line a definition of the columns that shells and shards have
CREATE VIEW shard_columns AS
SELECT DISTINCT result FROM run_command_on_placements('t', $$
    SELECT string_agg(attname || ':' || format_type(atttypid, atttypmod) ||
                      CASE WHEN attnotnull THEN '!' ELSE '' END ||
                      coalesce('=' || pg_get_expr(adbin, adrelid), ''), ' ' ORDER BY attnum)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped$$);
CREATE VIEW shell_columns AS
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(attname || ':' || format_type(atttypid, atttypmod) ||
                      CASE WHEN attnotnull THEN '!' ELSE '' END ||
                      coalesce('=' || pg_get_expr(adbin, adrelid), ''), ' ' ORDER BY attnum)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = 'ddl_at.t'::regclass AND attnum > 0 AND NOT attisdropped$$);
TABLE shell_columns;

ALTER TABLE t ADD COLUMN c numeric(10,2) DEFAULT 1.5 NOT NULL;
ALTER TABLE t ADD COLUMN IF NOT EXISTS c int;
ALTER TABLE t ADD COLUMN d timestamptz, ADD COLUMN e int GENERATED ALWAYS AS (a * 2) STORED,
    ALTER COLUMN b SET DEFAULT 'y', ALTER a SET NOT NULL;
TABLE shell_columns;
TABLE shard_columns;
SELECT count(*), sum(c), sum(e) FROM t;
ALTER TABLE t ALTER COLUMN e DROP EXPRESSION, ALTER COLUMN k SET STATISTICS 5;
ALTER TABLE t ALTER COLUMN a TYPE bigint USING a + 1, DROP COLUMN d, ALTER COLUMN c DROP NOT NULL;
TABLE shell_columns;
TABLE shard_columns;
SELECT sum(a) FROM t;
ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid();
SELECT count(DISTINCT u) FROM t;
ALTER TABLE t ALTER COLUMN b DROP DEFAULT, ALTER COLUMN b SET STATISTICS 200,
    ALTER COLUMN b SET STORAGE EXTERNAL, ALTER COLUMN a SET (n_distinct = 5);
SELECT DISTINCT result FROM run_command_on_placements('t', $$
    SELECT concat_ws(chr(32), attstattarget, attstorage) FROM pg_attribute
    WHERE attrelid = '%s'::regclass AND attname IN ('b', 'a') ORDER BY attname DESC LIMIT 1$$);
SET standard_conforming_strings TO off;
SET escape_string_warning TO off;
ALTER TABLE t ADD COLUMN esc text DEFAULT 'a\'b';
RESET standard_conforming_strings;
SELECT DISTINCT esc FROM t;
ALTER TABLE t DROP COLUMN esc;
ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE t RESET (autovacuum_enabled);
ALTER TABLE t SET UNLOGGED;
ALTER TABLE t REPLICA IDENTITY FULL, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE t CLUSTER ON t_pkey;
SELECT DISTINCT result FROM run_command_on_placements('t', $$
    SELECT concat_ws(' ', reloptions, relpersistence, relreplident, relrowsecurity, relforcerowsecurity,
           (SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisclustered))
    FROM pg_class c WHERE oid = '%s'::regclass$$);
ALTER TABLE t SET LOGGED, SET WITHOUT CLUSTER, NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY,
    REPLICA IDENTITY USING INDEX t_pkey;
SELECT DISTINCT result FROM run_command_on_placements('t', $$
    SELECT concat_ws(' ', reloptions, relpersistence, relreplident, relrowsecurity, relforcerowsecurity)
    FROM pg_class c WHERE oid = '%s'::regclass$$);
ALTER TABLE IF EXISTS nothing_here ADD COLUMN x int;
ALTER TABLE t ENABLE TRIGGER ALL;

-- in a transaction, rolled back; in a function; several statements in one string
BEGIN;
ALTER TABLE t ADD COLUMN gone int;
INSERT INTO t (k, a, gone) VALUES (1000, 1, 1);
SELECT sum(gone) FROM t;
ROLLBACK;
DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN f1 int'; ALTER TABLE t ADD COLUMN f2 int DEFAULT 7; END $$;
ALTER TABLE t ADD COLUMN m1 int\; ALTER TABLE t ADD COLUMN m2 int  ;
SELECT sum(f2), count(m1), count(m2) FROM t;
TABLE shard_columns;

-- what cannot hold
ALTER TABLE t ADD COLUMN gone int, ALTER COLUMN k DROP NOT NULL;
ALTER TABLE t INHERIT t;
-- mistakes are the server's, and leave nothing
ALTER TABLE t ADD COLUMN a int;
ALTER TABLE t DROP COLUMN nothing;
ALTER TABLE t ALTER COLUMN b TYPE int USING b::int;
ALTER TABLE t ALTER COLUMN f1 SET NOT NULL;
SELECT count(*) FROM t;

-- sequences
CREATE TABLE empty (k int);
SELECT create_distributed_table('empty', 'k');
CREATE SEQUENCE sq;
ALTER TABLE empty ADD COLUMN n bigint DEFAULT nextval('sq'), ADD COLUMN i bigint GENERATED ALWAYS AS IDENTITY;
INSERT INTO empty SELECT generate_series(1, 5);
SELECT * FROM empty ORDER BY k;
ALTER SEQUENCE sq RESTART 77 INCREMENT 3 CACHE 2;
SELECT nextval('sq'), nextval('sq');
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT increment_by || ' ' || cache_size FROM pg_sequences
    WHERE sequencename = 'sq'$$);
ALTER TABLE empty ALTER COLUMN i RESTART WITH 100 SET INCREMENT 5;
INSERT INTO empty VALUES (6) RETURNING *;
-- one that exists already becomes owned, and goes with its column everywhere
CREATE SEQUENCE own1 OWNED BY empty.n;
CREATE SEQUENCE own2;
ALTER SEQUENCE own2 OWNED BY empty.n;
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT string_agg(sequencename, ' ' ORDER BY sequencename) FROM pg_sequences
    WHERE schemaname = 'ddl_at'$$);
ALTER TABLE empty DROP COLUMN n, DROP COLUMN i;
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT string_agg(sequencename, ' ' ORDER BY sequencename) FROM pg_sequences
    WHERE schemaname = 'ddl_at'$$);
-- other nodes have other relations by the name that a sequence gets here
SELECT count(*) FROM run_command_on_workers('CREATE TABLE ddl_at.empty_s_seq ()');
CREATE TABLE empty_i_seq ();
ALTER TABLE empty ADD COLUMN i int GENERATED BY DEFAULT AS /* ident(ity */ IDENTITY(START 5);
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT pg_get_serial_sequence('ddl_at.empty', 'i')$$);
ALTER TABLE empty ADD COLUMN s serial;
SELECT count(*) FROM run_command_on_workers('DROP TABLE ddl_at.empty_s_seq');
ALTER TABLE empty ADD COLUMN s serial, ADD COLUMN "s 2" smallserial /* 2 */ CHECK ("s 2" > 0), ALTER COLUMN k SET NOT NULL;
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT pg_get_serial_sequence('ddl_at.empty', 's') || ' ' ||
    pg_get_serial_sequence('ddl_at.empty', 's 2')$$);
SELECT count(DISTINCT s), min("s 2"), max(i) FROM empty;
SET standard_conforming_strings TO off;
ALTER TABLE empty ADD COLUMN s3 serial, ADD COLUMN t3 text DEFAULT 'a\'b';
RESET standard_conforming_strings;
SELECT count(DISTINCT s3), min(t3) FROM empty;

-- a reference table
CREATE TABLE r (id int PRIMARY KEY, v text);
SELECT create_reference_table('r');
INSERT INTO r VALUES (1, 'one');
ALTER TABLE r ADD COLUMN w int DEFAULT 3, ALTER COLUMN v SET NOT NULL;
ALTER TABLE r ALTER COLUMN id TYPE bigint;
SELECT * FROM r;
SELECT DISTINCT result FROM run_command_on_placements('r', 'SELECT sum(w) FROM %s');
DROP SCHEMA ddl_at CASCADE;
