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
