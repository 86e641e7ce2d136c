-- What is said of objects, and rights on wrappers, is on all nodes, also on those that join later.
CREATE ROLE oc_role;
CREATE TABLE t (k int CONSTRAINT positive CHECK (k > 0), v text);
SELECT create_distributed_table('t', 'k');
CREATE STATISTICS st ON k, v FROM t;
CREATE VIEW vw AS SELECT * FROM t;
CREATE DOMAIN dom AS int CONSTRAINT small CHECK (VALUE < 10);
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE EXTENSION postgres_fdw;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO oc_role;
COMMENT ON STATISTICS st IS 'said';
COMMENT ON COLUMN vw.k IS 'said';
COMMENT ON CONSTRAINT positive ON t IS 'said';
COMMENT ON CONSTRAINT small ON DOMAIN dom IS 'said';
COMMENT ON COLUMN pair.a IS 'said';
COMMENT ON ROLE oc_role IS 'said';
CREATE VIEW said AS SELECT result FROM run_command_on_all_nodes($$
    SELECT string_agg(x, ', ' ORDER BY x) FROM (
        SELECT (pg_identify_object(classoid, objoid, objsubid)).identity x FROM pg_description WHERE description = 'said'
        UNION ALL SELECT (pg_identify_object(classoid, objoid, 0)).identity FROM pg_shdescription WHERE description = 'said'
        UNION ALL SELECT fdwacl::text FROM pg_foreign_data_wrapper
        UNION ALL SELECT typname FROM pg_type WHERE typname = 'span') said$$);
SELECT DISTINCT result FROM said;
DROP TABLE t CASCADE;
-- a worker that leaves, forgets, and joins again
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
SELECT current_setting('port') AS coordinator_port \gset
SELECT citus_remove_node('localhost', :worker_port);
\c - - - :worker_port
SET citus.enable_ddl_propagation TO off;
DROP TYPE pair;
DROP TYPE span;
DROP DOMAIN dom;
DROP EXTENSION postgres_fdw;
DROP ROLE oc_role;
\c - - - :coordinator_port
CREATE TABLE t (k int CONSTRAINT positive CHECK (k > 0), v text);
SELECT create_distributed_table('t', 'k');
CREATE STATISTICS st ON k, v FROM t;
CREATE VIEW vw AS SELECT * FROM t;
COMMENT ON STATISTICS st IS 'said';
COMMENT ON COLUMN vw.k IS 'said';
COMMENT ON CONSTRAINT positive ON t IS 'said';
UPDATE pg_dist_node SET noderack = 'cellar' WHERE groupid = 0;
SELECT citus_add_node('localhost', :worker_port) > 0 AS joined;
SELECT DISTINCT result FROM said;
\c - - - :worker_port
SELECT noderack FROM pg_dist_node WHERE groupid = 0;
UPDATE pg_dist_node SET noderack = 'default';
\c - - - :coordinator_port
UPDATE pg_dist_node SET noderack = 'default';
DROP VIEW said;
DROP TABLE t CASCADE;
DROP TYPE pair;
DROP TYPE span;
DROP DOMAIN dom;
DROP EXTENSION postgres_fdw;
DROP ROLE oc_role;
SELECT * FROM citus_internal.check_consistency();
