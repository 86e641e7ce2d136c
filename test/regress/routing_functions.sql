-- Tokens of values, and the shard of a value.
CREATE SCHEMA rf;
SET search_path TO rf;
SET client_min_messages TO warning;

SELECT worker_hash(1), worker_hash(1::int8) AS bigint, worker_hash('abc') AS literal,
    worker_hash('abc'::varchar) AS varchar, worker_hash(NULL::int) AS null;
\set VERBOSITY sqlstate
SELECT worker_hash('{}'::json);
SELECT worker_hash('{}'::json[]);
\set VERBOSITY default

-- enums are hashed by label, so that all nodes agree
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
SELECT worker_hash('ok'::mood) = worker_hash('ok'::text) AS by_label;
CREATE TABLE moods (m mood, n int);
SELECT create_distributed_table('moods', 'm', shard_count => 64);
INSERT INTO moods VALUES ('sad', 1), ('ok', 2), ('happy', 3);
SELECT * FROM moods WHERE m = 'ok';
\c - - localhost :worker1_port
SET search_path TO rf;
SET client_min_messages TO warning;
SELECT * FROM moods WHERE m = 'happy';
INSERT INTO moods VALUES ('happy', 4);
SELECT count(*) FROM moods WHERE m = 'happy';
\c - - localhost :coordinator_port
SET search_path TO rf;
SET client_min_messages TO warning;
SELECT n FROM moods WHERE m = 'happy' ORDER BY n;

CREATE TABLE t (k int, v text);
SELECT create_distributed_table('t', 'k', shard_count => 4, colocate_with => 'none');
SELECT get_shard_id_for_distribution_column('t', 5) - min(shardid) AS index
FROM pg_dist_shard WHERE logicalrelid = 't'::regclass;
SELECT get_shard_id_for_distribution_column('t', 5) = get_shard_id_for_distribution_column('t', v)
FROM (VALUES ('5'), (' 5 ')) x (v);
SELECT get_shard_id_for_distribution_column('t', 5) = get_shard_id_for_distribution_column('t', 5::int8);
CREATE TABLE r (k int);
SELECT create_reference_table('r');
SELECT get_shard_id_for_distribution_column('r') = shardid,
    get_shard_id_for_distribution_column('r', 'anything') = shardid
FROM pg_dist_shard WHERE logicalrelid = 'r'::regclass;
CREATE TABLE plain (k int);
CREATE ROLE rf_nobody;
GRANT USAGE ON SCHEMA rf TO rf_nobody;
\set VERBOSITY sqlstate
SELECT get_shard_id_for_distribution_column('t', 'x');
SELECT get_shard_id_for_distribution_column('t', 5000000000);
SELECT get_shard_id_for_distribution_column('t', NULL::int);
SELECT get_shard_id_for_distribution_column('t');
SELECT get_shard_id_for_distribution_column('plain', 1);
SELECT get_shard_id_for_distribution_column(NULL, 1);
SELECT get_shard_id_for_distribution_column(0, 1);
SET ROLE rf_nobody;
SELECT get_shard_id_for_distribution_column('t', 1);
RESET ROLE;
\set VERBOSITY default

SELECT citus_internal.check_consistency();
DROP SCHEMA rf CASCADE;
DROP ROLE rf_nobody;
