-- Indexes of distributed and reference tables.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1700000;
CREATE SCHEMA ddl_ix;
SET search_path TO ddl_ix;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE t (k int, a int, b text, j jsonb);
SELECT create_distributed_table('t', 'k');
INSERT INTO t SELECT i, i % 7, 'b' || i, jsonb_build_object('i', i) FROM generate_series(1, 100) i;
CREATE VIEW shard_indexes AS
SELECT result, count(*) FROM (
    SELECT regexp_replace(unnest(string_to_array(result, E'\n')), '_\d{6,}', '_N', 'g') AS result
    FROM run_command_on_placements('t', $$
        SELECT string_agg(pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END, E'\n')
        FROM pg_index WHERE indrelid = '%s'::regclass$$)) s
GROUP BY 1 ORDER BY 1;
CREATE VIEW shell_indexes AS
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE indrelid = 'ddl_ix.t'::regclass$$);

CREATE INDEX ON t (a);
CREATE INDEX ON t (a);
CREATE INDEX named ON t (b DESC NULLS LAST) INCLUDE (a) WITH (fillfactor = 50) WHERE a > 2;
CREATE INDEX IF NOT EXISTS named ON t (k);
CREATE INDEX ON t (lower(b), (a + k));
CREATE INDEX gin ON t USING gin (j jsonb_path_ops);
CREATE UNIQUE INDEX uk ON t (k, a);
TABLE shell_indexes;
TABLE shard_indexes;
ALTER INDEX named RENAME TO renamed;
ALTER INDEX renamed SET (fillfactor = 60);
ALTER INDEX t_a_idx1 RENAME TO second;
DROP INDEX gin, t_a_idx;
DROP INDEX IF EXISTS gin;
REINDEX INDEX renamed;
REINDEX TABLE t;
TABLE shell_indexes;
TABLE shard_indexes;

-- outside a transaction
CREATE INDEX CONCURRENTLY alone ON t (b, a);
CREATE INDEX CONCURRENTLY ON t (a, b) WHERE a = 1;
CREATE INDEX CONCURRENTLY IF NOT EXISTS alone ON t (k);
REINDEX INDEX CONCURRENTLY alone;
REINDEX (CONCURRENTLY) TABLE t;
TABLE shell_indexes;
TABLE shard_indexes;
DROP INDEX CONCURRENTLY alone;
TABLE shell_indexes;
BEGIN;
CREATE INDEX CONCURRENTLY never ON t (a);
ROLLBACK;
BEGIN;
DROP INDEX CONCURRENTLY second;
ROLLBACK;

-- rolled back; mistakes
BEGIN;
CREATE INDEX gone ON t (a);
DROP INDEX second;
ROLLBACK;
CREATE INDEX bad ON t (nothing);
CREATE INDEX second ON t (a);
DROP INDEX nothing_here;
TABLE shell_indexes;

CLUSTER t USING second;
CLUSTER t;
-- a name that is too long for an id behind it
CREATE INDEX a_name_of_sixty_three_bytes_that_leaves_no_room_for_the_shard_i ON t (a);
DROP INDEX a_name_of_sixty_three_bytes_that_leaves_no_room_for_the_shard_i;

CREATE TABLE r (id int);
SELECT create_reference_table('r');
CREATE UNIQUE INDEX ON r (id);
INSERT INTO r VALUES (1);
INSERT INTO r VALUES (1);

-- partitions are reindexed and clustered one by one, on all nodes; schemas and the database by every node
CREATE TABLE p (k int, d int, v int) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
SELECT create_distributed_table('p', 'k');
CREATE INDEX p_v ON p (v);
INSERT INTO p SELECT i, i % 20, i FROM generate_series(1, 100) i;
CREATE TABLE seen (files text);
CREATE FUNCTION changed() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    now_there text;
    others int;
BEGIN
    SELECT string_agg(shardid || ':' || result, ' ') INTO now_there FROM run_command_on_placements('p1',
        'SELECT min(relfilenode::text) FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE indrelid = ''%s''::regclass');
    SELECT count(*) INTO others FROM seen WHERE string_to_array(files, ' ') && string_to_array(now_there, ' ');
    TRUNCATE seen;
    INSERT INTO seen VALUES (now_there);
    RETURN CASE others WHEN 0 THEN 'all are new' ELSE 'not all are new' END;
END $$;
SELECT changed();
SELECT changed();
REINDEX TABLE p;
SELECT changed();
REINDEX INDEX p_v;
SELECT changed();
REINDEX TABLE CONCURRENTLY p;
SELECT changed();
REINDEX SCHEMA ddl_ix;
SELECT changed();
SELECT 'REINDEX DATABASE ' || quote_ident(current_database()) \gexec
SELECT changed();
CLUSTER p USING p_v;
SELECT changed();
BEGIN;
REINDEX TABLE p;
ROLLBACK;
BEGIN;
CLUSTER p USING p_v;
ROLLBACK;
SELECT changed();
CLUSTER p;
-- what goes wrong on a node has the code it has there
\set VERBOSITY sqlstate
CREATE INDEX CONCURRENTLY broken ON p1 ((1 / (v - 25)));
DROP INDEX broken;
INSERT INTO p1 VALUES (1, 1, 1), (1, 1, 1);
CREATE UNIQUE INDEX CONCURRENTLY broken ON p1 (k);
\set VERBOSITY default
DROP INDEX broken;
SELECT citus_internal.check_consistency();
DROP SCHEMA ddl_ix CASCADE;
