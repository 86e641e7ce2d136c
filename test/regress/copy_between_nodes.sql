-- How nodes give each other rows: not a way around rights, nor one to break a node.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1150000;
CREATE SCHEMA cb;
SET search_path TO cb;
SET citus.shard_count TO 1;
SET client_min_messages TO warning;
CREATE TABLE d (k int, v text);
SELECT create_distributed_table('d', 'k');
SELECT nodeport AS port FROM citus_shards WHERE table_name = 'd'::regclass \gset
\c - - localhost :port
\set SHOW_CONTEXT never
\set VERBOSITY default
PREPARE put(text, int, bigint[], bigint[], bytea, bigint[], bytea) AS
    SELECT citus_internal.write_shards($1, $2, $3, $4, $5, $6, $7);
EXECUTE put('COPY cb.d (k, v) FROM STDIN', 0, '{1150000}', '{4}', E'1\ta\n', NULL, NULL);
SET citus.enable_manual_changes_to_shards TO on;
EXECUTE put('COPY cb.d (k, v) FROM STDIN', 0, '{1150000}', '{4}', E'1\ta\n', NULL, NULL);
EXECUTE put('COPY cb.d (v, k) FROM STDIN WITH (FORMAT csv)', 1, '{1150000,1150000}', '{4,8}', E'b,2\nc,3\n', '{1,2}', '\x0000');
EXECUTE put('COPY cb.d (v, k) FROM STDIN WITH (FORMAT csv)', 1, '{}', '{}', '', NULL, NULL);
-- not what it should be
EXECUTE put(NULL, 0, '{1150000}', '{4}', '', NULL, NULL);
EXECUTE put('SELECT 1', 0, '{1150000}', '{4}', '', NULL, NULL);
EXECUTE put('COPY cb.d TO STDOUT', 0, '{1150000}', '{0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM ''/etc/passwd''', 0, '{1150000}', '{0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM PROGRAM ''true''', 0, '{1150000}', '{0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN; SELECT 1', 0, '{1150000}', '{0}', '', NULL, NULL);
EXECUTE put('COPY', 0, '{1150000}', '{0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 7, '{1150000}', '{0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1}', '{0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000,NULL}', '{0,0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{0,0}', '', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{5}', '1234', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000,1150000}', '{4,2}', E'1\ta\n', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{-1}', '1234', NULL, NULL);
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{4}', E'1\ta\n', '{9}', '\x00');
EXECUTE put('COPY cb.d FROM STDIN WITH (FORMAT binary)', 0, '{1150000}', '{4}', E'1\ta\n', NULL, NULL);
EXECUTE put('COPY cb.d (nothing) FROM STDIN', 0, '{1150000}', '{4}', E'1\ta\n', NULL, NULL);
\set SHOW_CONTEXT errors
-- line 2 of the shard is line 7 of the input; a map that is cut off
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{8}', E'1\ta\nx\tb\n', '{2}', '\x0406');
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{8}', E'1\ta\nx\tb\n', '{1}', '\xff');
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{8}', E'1\ta\nx\tb\n', NULL, NULL);
BEGIN READ ONLY;
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{4}', E'1\ta\n', NULL, NULL);
ROLLBACK;
CREATE ROLE cb_user;
GRANT USAGE ON SCHEMA cb TO cb_user;
SET ROLE cb_user;
SET citus.enable_manual_changes_to_shards TO on;
EXECUTE put('COPY cb.d FROM STDIN', 0, '{1150000}', '{4}', E'1\ta\n', NULL, NULL);
RESET ROLE;
\c - - localhost :coordinator_port
SELECT * FROM cb.d ORDER BY k;
DROP SCHEMA cb CASCADE;
DROP ROLE cb_user;
