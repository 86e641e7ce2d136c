-- With citus.enable_ddl_propagation off a table goes from this node alone; schemas go without a
-- word about shards.
SET citus.shard_count TO 4;
CREATE TABLE t (k int);
SELECT create_distributed_table('t', 'k', colocate_with => 'none');
CREATE TABLE r (k int);
SELECT create_reference_table('r');
INSERT INTO t SELECT generate_series(1, 10);
SELECT current_setting('port') AS coordinator_port \gset
SELECT nodeport AS worker1_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
SELECT nodeport AS worker2_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid DESC LIMIT 1 \gset
BEGIN;
SET LOCAL citus.enable_ddl_propagation TO off;
DROP TABLE t;
ROLLBACK;
SELECT count(*) FROM t;
SET citus.enable_ddl_propagation TO off;
DROP TABLE t, r;
SELECT count(*) FROM pg_dist_partition;
RESET citus.enable_ddl_propagation;
\c - - - :worker1_port
SELECT count(*) FROM t;
SET citus.enable_ddl_propagation TO off;
DROP TABLE t, r;
\c - - - :worker2_port
SET citus.enable_ddl_propagation TO off;
SET client_min_messages TO error;
DROP TABLE t, r;
\c - - - :coordinator_port
SELECT * FROM citus_internal.check_consistency();
-- schemas
CREATE SCHEMA gone;
CREATE TABLE gone.r1 (k int PRIMARY KEY);
CREATE TABLE gone.r2 (k int REFERENCES gone.r1);
CREATE TABLE gone.d (k int);
SELECT create_reference_table('gone.r1');
SELECT create_reference_table('gone.r2');
SELECT create_distributed_table('gone.d', 'k');
CREATE VIEW gone.v AS SELECT * FROM gone.r1;
DROP SCHEMA gone;
DROP SCHEMA gone CASCADE;
SELECT * FROM citus_internal.check_consistency();
