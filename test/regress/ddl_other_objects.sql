-- Extensions, servers, publications, settings of the database; statements that stay local.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2700000;
CREATE SCHEMA doo;
SET search_path TO doo;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE EXTENSION pg_trgm SCHEMA doo;
CREATE EXTENSION hstore SCHEMA doo;
CREATE TABLE e (k int, h hstore, s text);
SELECT create_distributed_table('e', 'k');
CREATE INDEX ON e USING gin (s gin_trgm_ops);
INSERT INTO e VALUES (1, 'a=>1', 'hello'), (2, 'b=>2', 'world');
SELECT * FROM e WHERE s LIKE '%ell%';
ALTER EXTENSION hstore SET SCHEMA public;
DROP EXTENSION hstore;
DROP EXTENSION hstore CASCADE;
SELECT * FROM e ORDER BY k;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension WHERE extname IN ('hstore', 'pg_trgm') $$);
CREATE EXTENSION postgres_fdw;
CREATE SERVER sv FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x');
ALTER SERVER sv OPTIONS (ADD port '1');
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT srvoptions FROM pg_foreign_server $$);
DROP SERVER sv;
DROP EXTENSION postgres_fdw;
CREATE PUBLICATION doo_pub FOR TABLE e;
ALTER PUBLICATION doo_pub SET (publish = 'insert');
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT concat_ws(' ', pubname, pubinsert, pubupdate) FROM pg_publication $$);
ALTER PUBLICATION doo_pub DROP TABLE e;
ALTER PUBLICATION doo_pub ADD TABLE e (k) WHERE (k > 3);
DROP PUBLICATION doo_pub;
SELECT format('ALTER DATABASE %I SET doo.setting TO %L', current_database(), 'z') \gexec
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0 $$);
SELECT format('ALTER DATABASE %I RESET doo.setting', current_database()) \gexec

-- a schema with its tables: the tables are plain ones of this node
CREATE SCHEMA doo2 CREATE TABLE ct (a int) CREATE VIEW cv AS SELECT * FROM ct;
SELECT result, count(*) FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_tables WHERE schemaname = 'doo2' $$) GROUP BY 1 ORDER BY 1;
DROP SCHEMA doo2 CASCADE;
-- plain tables know nothing of all this
CREATE TABLE plain (a int PRIMARY KEY, b int);
ALTER TABLE plain ADD c int, ADD CHECK (c > 0);
CREATE INDEX CONCURRENTLY ON plain (b);
COPY plain FROM STDIN;
1	2	3
\.
COPY plain TO STDOUT;
VACUUM ANALYZE plain;
TRUNCATE plain;
CREATE TABLE copied (LIKE e INCLUDING ALL);
CREATE TABLE ctas AS SELECT k, s FROM e;
SELECT k INTO chosen FROM e;
SELECT count(*) FROM ctas;
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM e;
INSERT INTO e VALUES (3);
REFRESH MATERIALIZED VIEW mv;
SELECT * FROM mv;
SELECT count(*) FROM pg_dist_partition;
-- procedures that end transactions
CREATE PROCEDURE pc() LANGUAGE plpgsql AS $$
BEGIN ALTER TABLE doo.e ADD p1 int; COMMIT; ALTER TABLE doo.e ADD p2 int; ROLLBACK; END $$;
CALL pc();
SELECT * FROM e ORDER BY k;
-- all in one transaction
BEGIN;
CREATE TABLE tx (k int);
SELECT create_distributed_table('tx', 'k');
ALTER TABLE tx ADD v int;
CREATE INDEX ON tx (v);
COPY tx FROM STDIN;
1	1
\.
TRUNCATE tx;
INSERT INTO tx VALUES (2, 2);
ALTER TABLE tx RENAME TO ty;
SELECT * FROM ty;
DROP TABLE ty;
COMMIT;
DROP SCHEMA doo CASCADE;
