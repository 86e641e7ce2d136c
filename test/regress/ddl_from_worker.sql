-- DDL typed on a worker has the effect of DDL typed on the coordinator.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2400000;
CREATE SCHEMA dfw;
SET search_path TO dfw;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE p (k int, d int) PARTITION BY LIST (d);
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('r');
SELECT create_distributed_table('p', 'k');
INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO r VALUES (1), (2);
\c - - localhost :worker1_port
SET search_path TO dfw;
SET client_min_messages TO warning;
CREATE TYPE mood AS ENUM ('a', 'b');
ALTER TABLE t ADD COLUMN m mood DEFAULT 'a';
ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (v) REFERENCES r NOT VALID;
CREATE INDEX ON t (v);
CREATE INDEX CONCURRENTLY ci ON t (v);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p SELECT i, 1 FROM generate_series(1, 20) i;
ALTER TABLE p DETACH PARTITION p1;
ALTER TABLE p1 RENAME TO p1x;
ALTER TABLE t RENAME TO t3;
ALTER TABLE t3 RENAME COLUMN v TO vv;
CREATE ROLE dfw_role;
GRANT SELECT ON t3 TO dfw_role;
CREATE FUNCTION wf(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE VIEW wv AS SELECT * FROM t3;
CREATE STATISTICS ws ON vv, k FROM t3;
VACUUM ANALYZE t3;
BEGIN;
LOCK TABLE t3 IN SHARE MODE;
COMMIT;
TRUNCATE r CASCADE;
ALTER TABLE r ADD COLUMN x int DEFAULT 4;
COPY r FROM STDIN;
7	8
\.
CREATE TABLE plain_w (id int REFERENCES r);
ALTER TABLE p1x SET SCHEMA public;
DROP INDEX ci;
DROP TABLE public.p1x;
COMMENT ON TABLE t3 IS 'from a worker';
\c - - localhost :worker2_port
SET search_path TO dfw;
SET client_min_messages TO warning;
\d t3
SELECT * FROM r;
SELECT count(*) FROM t3;
SELECT obj_description('t3'::regclass), wf(3), (SELECT count(*) FROM wv);
SELECT has_table_privilege('dfw_role', 't3', 'SELECT');
DROP VIEW wv;
DROP TABLE t3, p;
\c - - localhost :coordinator_port
SET search_path TO dfw;
SET client_min_messages TO warning;
SELECT * FROM r;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid <> 'r'::regclass;
SELECT DISTINCT result FROM run_command_on_all_nodes($$ SELECT count(*) FROM pg_dist_shard $$);
DROP SCHEMA dfw CASCADE;
DROP ROLE dfw_role;
