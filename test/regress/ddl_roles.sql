-- Roles, rights and settings are the same on all nodes.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2100000;
CREATE SCHEMA ddl_ro;
SET search_path TO ddl_ro;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE ROLE ro_reader;
CREATE ROLE ro_user LOGIN PASSWORD 'secret' CONNECTION LIMIT 5 IN ROLE ro_reader;
CREATE USER "Ro Quoted";
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(concat_ws(' ', rolname, rolcanlogin, rolconnlimit, rolpassword LIKE 'SCRAM%'), ', ' ORDER BY rolname COLLATE "C")
    FROM pg_authid WHERE rolname ILIKE 'ro\_%' OR rolname = 'Ro Quoted' $$);
SELECT count(DISTINCT result) FROM run_command_on_all_nodes($$ SELECT rolpassword FROM pg_authid WHERE rolname = 'ro_user' $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_auth_members WHERE member = 'ro_user'::regrole AND roleid = 'ro_reader'::regrole $$);
ALTER ROLE ro_user CREATEDB PASSWORD 'other' VALID UNTIL '2100-01-01';
ALTER ROLE ro_user SET work_mem = '7MB';
ALTER ROLE ro_user RENAME TO ro_user2;
GRANT ro_reader TO "Ro Quoted" WITH ADMIN OPTION;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT concat_ws(' ', rolname, rolcreatedb, rolvaliduntil, rolconfig) FROM pg_roles WHERE rolname LIKE 'ro\_user%' $$);
REVOKE ro_reader FROM "Ro Quoted";
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_auth_members WHERE member = '"Ro Quoted"'::regrole $$);

CREATE TABLE t (k int, a int, b int);
CREATE TABLE t2 (k int);
CREATE TABLE plain (k int);
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('t2', 'k');
CREATE VIEW v AS SELECT k FROM t;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;
GRANT USAGE ON SCHEMA ddl_ro TO ro_reader;
GRANT SELECT, INSERT ON t, plain TO ro_reader WITH GRANT OPTION;
GRANT UPDATE (a, b) ON t TO ro_reader;
GRANT SELECT ON v TO ro_user2;
GRANT EXECUTE ON FUNCTION f() TO ro_user2;
GRANT SELECT ON ALL TABLES IN SCHEMA ddl_ro TO "Ro Quoted";
SELECT DISTINCT result FROM run_command_on_placements('t', $$ SELECT replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = '%s'::regclass $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = 'ddl_ro.t'::regclass $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT string_agg(attacl::text, ' ') FROM pg_attribute WHERE attrelid = 'ddl_ro.t'::regclass $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT proacl FROM pg_proc WHERE oid = 'ddl_ro.f()'::regprocedure $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = 'ddl_ro.v'::regclass $$);
REVOKE INSERT ON t FROM ro_reader CASCADE;
REVOKE ALL ON ALL TABLES IN SCHEMA ddl_ro FROM "Ro Quoted";
SELECT DISTINCT result FROM run_command_on_placements('t', $$ SELECT replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = '%s'::regclass $$);
ALTER TABLE t OWNER TO ro_reader;
SELECT DISTINCT result FROM run_command_on_placements('t', $$ SELECT relowner::regrole FROM pg_class WHERE oid = '%s'::regclass $$);
REASSIGN OWNED BY ro_reader TO postgres;
SELECT DISTINCT result FROM run_command_on_placements('t', $$ SELECT relowner::regrole FROM pg_class WHERE oid = '%s'::regclass $$);

-- policies
CREATE POLICY mine ON t FOR SELECT TO ro_reader USING (a < 5);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER POLICY mine ON t RENAME TO yours;
ALTER POLICY yours ON t USING (a < 4);
SELECT DISTINCT result FROM run_command_on_placements('t', $$ SELECT polname || pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = '%s'::regclass $$);
CREATE POLICY sub ON t USING (a IN (SELECT 1));
DROP POLICY yours ON t;
SELECT DISTINCT result FROM run_command_on_placements('t', $$ SELECT count(*) FROM pg_policy WHERE polrelid = '%s'::regclass $$);

DROP SCHEMA ddl_ro CASCADE;
DROP ROLE ro_reader, ro_user2;
DROP USER "Ro Quoted";
DROP ROLE IF EXISTS ro_nobody;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT count(*) FROM pg_roles WHERE rolname ILIKE 'ro\_%' $$);
