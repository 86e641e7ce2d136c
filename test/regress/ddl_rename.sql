-- Names and places of tables and what they have.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2000000;
CREATE SCHEMA ddl_rn;
CREATE SCHEMA ddl_rn2;
SET search_path TO ddl_rn;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE t (k int PRIMARY KEY, a int);
SELECT create_distributed_table('t', 'k');
INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;
ALTER TABLE t RENAME TO u;
SELECT count(*) FROM u;
ALTER TABLE u RENAME COLUMN a TO b;
ALTER TABLE u RENAME k TO key;
SELECT sum(b) FROM u WHERE key = 3;
INSERT INTO u (key, b) VALUES (11, 11);
ALTER TABLE u RENAME CONSTRAINT t_pkey TO u_pkey;
INSERT INTO u VALUES (11, 11);
ALTER TABLE u SET SCHEMA ddl_rn2;
SELECT count(*) FROM u;
SELECT count(*) FROM ddl_rn2.u;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_tables WHERE schemaname = 'ddl_rn' $$);
-- \d shows no shards; names of shards follow
SELECT bool_and(shard_name LIKE 'ddl_rn2.u\_%') FROM citus_shards WHERE table_name = 'ddl_rn2.u'::regclass;
ALTER SCHEMA ddl_rn2 RENAME TO ddl_rn3;
SELECT count(*) FROM ddl_rn3.u;
BEGIN;
ALTER TABLE ddl_rn3.u RENAME TO w;
INSERT INTO ddl_rn3.w VALUES (12, 12);
SELECT count(*) FROM ddl_rn3.w;
ROLLBACK;
SELECT count(*) FROM ddl_rn3.u;
-- mistakes
CREATE TABLE taken (x int);
CREATE TABLE ddl_rn3.taken (x int);
ALTER TABLE ddl_rn3.u RENAME TO taken;
ALTER TABLE ddl_rn3.u SET SCHEMA nowhere;
ALTER TABLE ddl_rn3.u RENAME COLUMN nothing TO x;
ALTER TABLE ddl_rn3.u RENAME COLUMN b TO key;
ALTER TABLE IF EXISTS nothing_here RENAME TO x;
COMMENT ON TABLE ddl_rn3.u IS 'a comment';
COMMENT ON COLUMN ddl_rn3.u.b IS 'another';
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT obj_description('ddl_rn3.u'::regclass) || ' ' || col_description('ddl_rn3.u'::regclass, 2) $$);
SELECT count(*) FROM ddl_rn3.u;
DROP SCHEMA ddl_rn, ddl_rn3 CASCADE;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ddl\_rn%' $$);
