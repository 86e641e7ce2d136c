-- Schemas, types, functions and other objects exist on all nodes.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1800000;
CREATE SCHEMA ddl_ob;
SET search_path TO ddl_ob;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;

CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, m mood);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE FUNCTION noargs() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'first'; END $$;
CREATE PROCEDURE proc(IN a int, OUT b int) LANGUAGE plpgsql AS $$ BEGIN b := a; END $$;
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE COLLATION german (provider = icu, locale = 'de-DE');
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
CREATE TABLE t (k int, m mood, p pair, n positive);
SELECT create_distributed_table('t', 'k');
CREATE VIEW v AS SELECT k, m FROM t;
CREATE VIEW vv AS SELECT count(*) AS n FROM v;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT (SELECT string_agg(typname, ' ' ORDER BY typname) FROM pg_type
            WHERE typnamespace = 'ddl_ob'::regnamespace AND typtype IN ('e', 'd')) || ' / ' ||
           (SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc
            WHERE pronamespace = 'ddl_ob'::regnamespace) || ' / ' ||
           (SELECT string_agg(collname, ' ') FROM pg_collation WHERE collnamespace = 'ddl_ob'::regnamespace) || ' / ' ||
           (SELECT string_agg(cfgname, ' ') FROM pg_ts_config WHERE cfgnamespace = 'ddl_ob'::regnamespace) || ' / ' ||
           (SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
            WHERE relnamespace = 'ddl_ob'::regnamespace AND relkind IN ('v', 'c'))
$$);
ALTER TYPE mood ADD VALUE 'happy';
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE pair ADD ATTRIBUTE c text;
ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 100);
INSERT INTO t VALUES (1, 'happy', (1, 'blue', 'c'), 5), (2, 'ok', NULL, 7);
INSERT INTO t VALUES (3, 'ok', NULL, 101);
SELECT * FROM t ORDER BY k;
CREATE OR REPLACE FUNCTION noargs() RETURNS text LANGUAGE sql AS $$ SELECT 'second' $$;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT ddl_ob.noargs()');
ALTER FUNCTION noargs() RENAME TO renamed;
ALTER FUNCTION renamed() SET work_mem = '8MB';
ALTER FUNCTION twice(int) STRICT PARALLEL SAFE;
ALTER ROUTINE proc OWNER TO CURRENT_USER;
COMMENT ON FUNCTION twice(int) IS 'a comment';
ALTER VIEW v RENAME COLUMN m TO mm;
ALTER VIEW v SET (security_barrier = true);
CREATE OR REPLACE VIEW vv AS SELECT count(*) AS n, max(k) AS m FROM v;
SELECT * FROM vv;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT vv FROM ddl_ob.vv');
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT concat_ws(' ', proisstrict, proparallel, obj_description(oid)) FROM pg_proc WHERE oid = 'ddl_ob.twice(int)'::regprocedure $$);

-- what depends on a plain table stays here
CREATE TABLE plain (x int);
CREATE VIEW local_view AS SELECT x FROM plain;
SET client_min_messages TO warning;
CREATE VIEW mixed_view AS SELECT x FROM plain JOIN t ON x = k;
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_views WHERE viewname IN ('local_view', 'mixed_view') $$);
CREATE TEMP VIEW temporary AS SELECT * FROM t;

-- rolled back, with settings, dropped
BEGIN;
CREATE TYPE gone AS ENUM ('x');
ROLLBACK;
SET citus.enable_create_type_propagation TO off;
CREATE TYPE held AS ENUM ('x');
RESET citus.enable_create_type_propagation;
SET citus.create_object_propagation TO deferred;
CREATE FUNCTION late() RETURNS int LANGUAGE sql AS 'SELECT 1';
RESET citus.create_object_propagation;
SET citus.enable_ddl_propagation TO off;
CREATE SCHEMA ddl_ob_local;
RESET citus.enable_ddl_propagation;
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_type WHERE typname IN ('gone', 'held') $$);
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_namespace WHERE nspname = 'ddl_ob_local' $$);
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_proc WHERE proname = 'late' $$);
CREATE TABLE needs (k int, h held);
SELECT create_distributed_table('needs', 'k');
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_type WHERE typname = 'held' $$);

-- under the name of an array type, which makes room
CREATE TYPE _held AS ENUM ('x');
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_type WHERE typname = '_held' AND typtype = 'e' $$);
DROP TYPE _held;
-- replaced by what only this node can have
CREATE TABLE here_only (k int);
CREATE VIEW replaced AS SELECT NULL::int AS k;
CREATE VIEW above AS SELECT * FROM replaced;
CREATE OR REPLACE VIEW replaced AS SELECT k FROM here_only;
DROP VIEW above;
CREATE OR REPLACE VIEW replaced AS SELECT k FROM here_only;
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_class WHERE relname = 'replaced' $$);
CREATE OR REPLACE VIEW replaced AS SELECT k FROM here_only WHERE k > 1;
DROP TABLE here_only CASCADE;

DROP VIEW vv;
DROP FUNCTION twice(int), renamed();
DROP PROCEDURE proc;
DROP AGGREGATE total(int);
DROP TEXT SEARCH CONFIGURATION words;
DROP TYPE pair;
DROP TYPE pair CASCADE;
SELECT * FROM t ORDER BY k;
DROP COLLATION german;
SELECT DISTINCT result FROM run_command_on_workers($$
    SELECT count(*) FROM pg_proc WHERE pronamespace = 'ddl_ob'::regnamespace $$);
DROP SCHEMA ddl_ob CASCADE;
DROP SCHEMA ddl_ob_local;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ddl\_ob%' $$);
SELECT count(*) FROM pg_dist_object o WHERE classid = 'pg_type'::regclass
   AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = o.objid);
