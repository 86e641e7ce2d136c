-- Foreign tables as managed local tables.
CREATE EXTENSION postgres_fdw;
CREATE TABLE there (k int PRIMARY KEY, v text);
INSERT INTO there SELECT i, 'there ' || i FROM generate_series(1, 10) i;
DO $$ BEGIN EXECUTE format('CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()); END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER here;
CREATE FOREIGN TABLE f (k int, v text CHECK (v <> '')) SERVER here;
COMMENT ON FOREIGN TABLE f IS 'elsewhere';
SELECT create_distributed_table('f', 'k');
SELECT create_reference_table('f');
SELECT citus_add_local_table_to_metadata('f');
ALTER FOREIGN TABLE f OPTIONS (ADD table_name 'there');
SELECT citus_add_local_table_to_metadata('f');
SELECT shardstorage, table_name FROM pg_dist_shard JOIN citus_tables ON logicalrelid = table_name;
CREATE TABLE d (k int, w int);
SELECT create_distributed_table('d', 'k', shard_count => 4);
INSERT INTO d SELECT i, i * i FROM generate_series(1, 20) i;
-- read and joined from any node
SELECT count(*), max(v) FROM f;
SELECT k, v, w FROM f JOIN d USING (k) WHERE w > 50 ORDER BY k;
SELECT count(*) FROM d LEFT JOIN f USING (k) WHERE f.k IS NULL;
SELECT a.k FROM f a JOIN f b USING (k) JOIN d USING (k) WHERE a.k < 3 ORDER BY 1;
SELECT d.k, (SELECT v FROM f WHERE f.k = d.k) FROM d WHERE d.k IN (1, 15) ORDER BY 1;
SELECT current_setting('port') AS coordinator_port \gset
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
\c - - - :worker_port
SELECT count(*), max(v) FROM f;
SELECT k, v, w FROM f JOIN d USING (k) WHERE w > 90 ORDER BY k;
INSERT INTO f VALUES (11, 'from a worker');
UPDATE f SET v = v || '!' WHERE k > 9;
DELETE FROM f WHERE k = 1;
TRUNCATE f;
SELECT obj_description('f'::regclass);
\c - - - :coordinator_port
-- written
INSERT INTO f VALUES (12, 'x'), (13, 'y') RETURNING *;
INSERT INTO f VALUES (14, '');
INSERT INTO f SELECT k, 'from d' FROM d WHERE k > 18;
UPDATE f SET v = d.w::text FROM d WHERE d.k = f.k AND d.k IN (2, 3) RETURNING f.k, f.v;
DELETE FROM f USING d WHERE f.k = d.k AND d.k = 4;
COPY f FROM stdin;
30	copied
\.
SELECT * FROM there WHERE k < 5 OR k > 9 ORDER BY k;
BEGIN;
DELETE FROM f;
SELECT count(*) FROM f;
ROLLBACK;
PREPARE q(int) AS SELECT v FROM f WHERE k = $1;
EXECUTE q(2);
-- altered
ALTER FOREIGN TABLE f OPTIONS (DROP table_name);
ALTER FOREIGN TABLE f RENAME COLUMN v TO value;
ALTER TABLE there RENAME COLUMN v TO value;
ALTER FOREIGN TABLE f RENAME TO g;
SELECT count(value) FROM g;
UPDATE pg_dist_node SET metadatasynced = false WHERE nodeport = :worker_port;
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT count(value) FROM g');
TRUNCATE g;
SELECT count(*) FROM there;
SELECT undistribute_table('g');
INSERT INTO g VALUES (1, 'one');
SELECT * FROM g;
-- partitions
CREATE TABLE p (k int, value text) PARTITION BY RANGE (k);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (100) TO (200);
SELECT citus_add_local_table_to_metadata('p');
CREATE FOREIGN TABLE p_far PARTITION OF p FOR VALUES FROM (0) TO (100) SERVER here OPTIONS (table_name 'there');
INSERT INTO p VALUES (22, 'two'), (102, 'near');
SELECT tableoid::regclass, * FROM p ORDER BY k;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT count(*) FROM p');
SELECT * FROM there ORDER BY k;
SELECT undistribute_table('p');
SELECT tableoid::regclass, * FROM p ORDER BY k;
CREATE FOREIGN TABLE far_d () INHERITS (d) SERVER here;
SELECT citus_add_local_table_to_metadata('g');
DROP FOREIGN TABLE g;
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT count(*) FROM pg_class WHERE relname ~ '^[fg](_\d+)?$'$$);
DROP TABLE d, p, there;
DROP SERVER here CASCADE;
DROP EXTENSION postgres_fdw;
SELECT * FROM citus_internal.check_consistency();
