-- Tables of another node's own that come first in the search path are left alone.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2900000;
CREATE SCHEMA dot_a;
CREATE SCHEMA dot_b;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
SET search_path TO dot_a, dot_b;
CREATE TABLE dot_b.t (k int PRIMARY KEY, v int);
CREATE TABLE dot_b.r (id int PRIMARY KEY);
SELECT create_distributed_table('dot_b.t', 'k');
SELECT create_reference_table('dot_b.r');
\c - - localhost :worker1_port
SET citus.enable_ddl_propagation TO off;
CREATE TABLE dot_a.t (k int, v int);
CREATE TABLE dot_a.r (id int);
CREATE INDEX t_v_idx ON dot_a.t (v);
CREATE TABLE dot_b.t_y_idx (x int);
\c - - localhost :coordinator_port
SET client_min_messages TO warning;
SET search_path TO dot_a, dot_b;
ALTER TABLE t ADD COLUMN x int, ADD FOREIGN KEY (v) REFERENCES r;
ALTER TABLE t RENAME COLUMN x TO y;
CREATE INDEX ti ON t (v);
CREATE INDEX ON t (y);
CREATE INDEX /* on */ ON t (v) INCLUDE (y);
DROP INDEX dot_b.t_v_y_idx;
CREATE STATISTICS ts ON v, y FROM t;
CREATE POLICY tp ON t USING (v > 0);
ALTER POLICY tp ON t RENAME TO tp2;
DROP POLICY tp2 ON t;
GRANT SELECT ON t TO PUBLIC;
ALTER INDEX ti RENAME TO tj;
REINDEX INDEX tj;
DROP INDEX tj;
ALTER TABLE t RENAME TO t2;
TRUNCATE t2;
VACUUM t2;
COPY t2 FROM STDIN;
1	\N	1
\.
SELECT * FROM t2;
\c - - localhost :worker1_port
SET search_path TO dot_a, dot_b;
\d dot_a.t
\d dot_b.t2
\c - - localhost :coordinator_port
SET client_min_messages TO warning;
DROP SCHEMA dot_a, dot_b CASCADE;
