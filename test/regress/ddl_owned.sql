-- What roles own, over all nodes.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 3100000;
CREATE SCHEMA dow;
SET search_path TO dow;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
-- a role that other nodes have not heard of
SET citus.enable_ddl_propagation TO off;
CREATE ROLE dow_lonely;
RESET citus.enable_ddl_propagation;
CREATE ROLE dow_other;
GRANT CREATE, USAGE ON SCHEMA dow TO dow_lonely, dow_other;
CREATE TABLE t (k int);
CREATE TABLE plain (k int);
SELECT create_distributed_table('t', 'k');
ALTER TABLE t OWNER TO dow_lonely;
ALTER TABLE plain OWNER TO dow_lonely;
-- to a role whose rights one may take, but does not have
CREATE ROLE dow_giver;
CREATE ROLE dow_taker;
GRANT CREATE, USAGE ON SCHEMA dow TO dow_giver, dow_taker;
CREATE TABLE given (k int);
SELECT create_distributed_table('given', 'k');
ALTER TABLE given OWNER TO dow_giver;
SET ROLE dow_giver;
\set VERBOSITY sqlstate
ALTER TABLE given OWNER TO dow_taker;
\set VERBOSITY terse
RESET ROLE;
DO $$BEGIN
    EXECUTE CASE WHEN current_setting('server_version_num')::int >= 160000
        THEN 'GRANT dow_taker TO dow_giver WITH INHERIT FALSE, SET TRUE'
        ELSE 'ALTER ROLE dow_giver NOINHERIT; GRANT dow_taker TO dow_giver' END;
END$$;
SET ROLE dow_giver;
ALTER TABLE given OWNER TO dow_taker;
RESET ROLE;
SELECT DISTINCT result FROM run_command_on_placements('given', $$
    SELECT relowner::regrole FROM pg_class WHERE oid = '%s'::regclass $$);
DROP TABLE given;
REVOKE ALL ON SCHEMA dow FROM dow_giver, dow_taker;
DROP ROLE dow_giver, dow_taker;
GRANT SELECT ON t TO dow_other;
DROP OWNED BY dow_other;
SELECT DISTINCT result FROM run_command_on_placements('t', $$
    SELECT replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = '%s'::regclass $$);
GRANT CREATE, USAGE ON SCHEMA dow TO dow_other;
REASSIGN OWNED BY dow_lonely TO dow_other;
SELECT DISTINCT result FROM run_command_on_placements('t', $$
    SELECT relowner::regrole FROM pg_class WHERE oid = '%s'::regclass $$);
DROP OWNED BY dow_other;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text LIKE '%t';
DROP OWNED BY dow_lonely;
DROP ROLE dow_lonely, dow_other;
DROP OWNED BY dow_nobody;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT count(*) FROM pg_roles WHERE rolname LIKE 'dow%' $$);
DROP SCHEMA dow CASCADE;
