-- What the server says about shards and what hangs on them names the user's objects.
CREATE SCHEMA sne;
SET search_path TO sne;
SET citus.shard_count TO 4;
\set VERBOSITY terse
CREATE TABLE t (a int, b int);
SELECT create_distributed_table('t', 'a');
INSERT INTO t VALUES (1, 1), (1, 1), (2, 0);
CREATE TABLE r (a int PRIMARY KEY);
SELECT create_reference_table('r');
CREATE TABLE pk (a int PRIMARY KEY) PARTITION BY LIST (a);
SELECT create_distributed_table('pk', 'a');
CREATE TABLE pk1 PARTITION OF pk FOR VALUES IN (1);
CREATE TABLE fk (a int REFERENCES pk);
SELECT create_distributed_table('fk', 'a');
INSERT INTO pk VALUES (1);
INSERT INTO fk VALUES (1);
-- constraints that the server has named after the shard's
DO $$
BEGIN
	DELETE FROM pk;
EXCEPTION WHEN foreign_key_violation THEN
	-- majors number them differently
	RAISE NOTICE '%', replace(SQLERRM, '_fkey_1"', '_fkey"');
END $$;
-- descriptions of objects, without quotes
DROP INDEX r_pkey;
DROP INDEX pk1_pkey;
-- what commits on its own keeps its code
CREATE UNIQUE INDEX CONCURRENTLY t_a_b ON t (a, b);
\echo :SQLSTATE
CREATE INDEX CONCURRENTLY t_div ON t ((a / b));
\echo :SQLSTATE
DROP INDEX t_a_b, t_div;
-- functions in what is made so are found by their schema, and brought to other nodes
CREATE FUNCTION big(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 1';
CREATE INDEX CONCURRENTLY t_big ON t (a) WHERE big(b);
-- shards of this node come first
CREATE DOMAIN d AS int;
CREATE TABLE dt (a d);
SELECT create_reference_table('dt');
INSERT INTO dt VALUES (NULL);
ALTER DOMAIN d SET NOT NULL;
ALTER TABLE t SET SCHEMA pg_catalog;
SELECT citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA sne CASCADE;
