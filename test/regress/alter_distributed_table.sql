-- alter_distributed_table(), and what ALTER TABLE does to the metadata of a table whose distribution column it changes.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 3700000;
CREATE SCHEMA adt;
SET search_path TO adt;
SET citus.shard_count TO 4;
CREATE VIEW layout AS
SELECT table_name, distribution_column AS key, shard_count AS shards,
       dense_rank() OVER (ORDER BY colocation_id) AS "group"
FROM public.citus_tables WHERE table_name::text !~ '\.' ORDER BY table_name::text;
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE par (k int PRIMARY KEY, r int REFERENCES ref, v int);
CREATE TABLE chi (k int, j int, PRIMARY KEY (k, j));
CREATE TABLE big (k bigint, v int);
CREATE TABLE plain (k int);
SET client_min_messages TO warning;
SELECT create_reference_table('ref');
SELECT create_distributed_table('par', 'k');
SELECT create_distributed_table('chi', 'k', colocate_with => 'par');
SELECT create_distributed_table('big', 'k');
RESET client_min_messages;
ALTER TABLE chi ADD FOREIGN KEY (k) REFERENCES par;
INSERT INTO ref SELECT i FROM generate_series(0, 9) i;
INSERT INTO par SELECT i, i % 10, i FROM generate_series(1, 50) i;
INSERT INTO chi SELECT i, j FROM generate_series(1, 50) i, generate_series(1, 2) j;
CREATE MATERIALIZED VIEW sums AS SELECT sum(v) FROM par;
CREATE VIEW names AS SELECT k FROM par;
CREATE INDEX par_v ON par (v);
GRANT SELECT ON par TO pg_monitor;

-- mistakes
SELECT alter_distributed_table(NULL, shard_count => 3);
SELECT alter_distributed_table('par');
SELECT alter_distributed_table('plain', shard_count => 3);
SELECT alter_distributed_table('ref', shard_count => 3);
SELECT alter_distributed_table('par', distribution_column => 'nope');
SELECT alter_distributed_table('par', distribution_column => 'k');
SELECT alter_distributed_table('par', distribution_column => 'v');
SELECT alter_distributed_table('par', distribution_column => 'v', cascade_to_colocated => true);
SELECT alter_distributed_table('par', colocate_with => 'none', cascade_to_colocated => true);
SELECT alter_distributed_table('par', shard_count => 6);
SELECT alter_distributed_table('par', shard_count => 0, cascade_to_colocated => true);
SELECT alter_distributed_table('par', shard_count => 4, cascade_to_colocated => true);
SELECT alter_distributed_table('par', colocate_with => 'big', cascade_to_colocated => true);
SELECT alter_distributed_table('chi', shard_count => 3, colocate_with => 'par', cascade_to_colocated => false);
SELECT * FROM layout;

-- another number of shards, with those that are linked and without
SELECT alter_distributed_table('par', shard_count => 6, cascade_to_colocated => true);
SELECT * FROM layout;
INSERT INTO chi VALUES (51, 1);
SELECT count(*), sum(v) FROM par JOIN chi USING (k);
SELECT result FROM run_command_on_all_nodes($$SELECT has_table_privilege('pg_monitor', 'adt.par', 'SELECT')$$);
SELECT alter_distributed_table('chi', shard_count => 5, cascade_to_colocated => false);
SELECT * FROM layout;
SELECT count(*) FROM pg_constraint WHERE conrelid = 'chi'::regclass AND contype = 'f';
SELECT alter_distributed_table('chi', colocate_with => 'par');
SELECT distributed_tables_colocated('par', 'chi');
ALTER TABLE chi ADD FOREIGN KEY (k) REFERENCES par;
SELECT alter_distributed_table('par', colocate_with => 'none');
SELECT distributed_tables_colocated('par', 'chi');
SELECT * FROM names ORDER BY k LIMIT 3;
REFRESH MATERIALIZED VIEW sums;
SELECT * FROM sums;

-- another column
SELECT alter_distributed_table('chi', distribution_column => 'j', shard_count => 3);
SELECT * FROM layout;
SELECT count(*) FROM chi WHERE j = 2;
ALTER TABLE chi ALTER COLUMN j TYPE bigint;
UPDATE chi SET j = NULL WHERE false;
ALTER TABLE chi DROP CONSTRAINT chi_pkey, ALTER COLUMN k DROP NOT NULL;
UPDATE chi SET k = NULL WHERE k = 7;
SELECT alter_distributed_table('chi', distribution_column => 'k');
UPDATE chi SET k = 7 WHERE k IS NULL;
BEGIN;
SELECT alter_distributed_table('chi', distribution_column => 'k');
INSERT INTO chi VALUES (1000, 1);
SELECT count(*) FROM chi WHERE k IN (7, 1000);
ROLLBACK;
SELECT * FROM layout;

-- ALTER TABLE says what becomes of the table
ALTER TABLE par DROP COLUMN k;
ALTER TABLE par DROP COLUMN k CASCADE;
SELECT * FROM layout;
SELECT count(*), sum(v) FROM par;
SELECT alter_distributed_table('par', shard_count => 2);
SELECT alter_distributed_table('par', distribution_column => 'v', shard_count => 2);
ALTER TABLE par ALTER COLUMN v TYPE bigint;
ALTER TABLE par ALTER COLUMN v TYPE point USING point(v, v);
ALTER TABLE par ALTER COLUMN v TYPE json USING to_json(v);
DROP INDEX par_v;
DROP MATERIALIZED VIEW sums;
ALTER TABLE par ALTER COLUMN v TYPE json USING to_json(v);
ALTER TABLE par ALTER COLUMN v TYPE numeric(8,-2);
SELECT * FROM layout;
SELECT count(*) FROM par WHERE v = 17;
CREATE TABLE two (k int, v int);
SELECT create_distributed_table('two', 'k', colocate_with => 'none');
SELECT create_distributed_table('plain', 'k', colocate_with => 'two');
ALTER TABLE two ADD UNIQUE (k, v);
ALTER TABLE plain ADD COLUMN v int, ADD FOREIGN KEY (k, v) REFERENCES two (k, v);
ALTER TABLE two ALTER COLUMN k TYPE bigint;
ALTER TABLE plain ALTER COLUMN k TYPE bigint;
-- whoever does not own it
CREATE ROLE adt_user;
GRANT USAGE ON SCHEMA adt TO adt_user;
SET ROLE adt_user;
SELECT alter_distributed_table('two', shard_count => 2, cascade_to_colocated => true);
ALTER TABLE two ALTER COLUMN k TYPE bigint;
ALTER TABLE two DROP COLUMN k;
RESET ROLE;
-- its owner may, with force row level security, too
GRANT CREATE ON SCHEMA adt TO adt_user;
ALTER TABLE plain OWNER TO adt_user;
ALTER TABLE two OWNER TO adt_user;
ALTER TABLE big OWNER TO adt_user;
INSERT INTO big SELECT i, i FROM generate_series(1, 30) i;
ALTER TABLE big ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON big USING (k < 10);
SET ROLE adt_user;
SET client_min_messages TO warning;
SELECT alter_distributed_table('big', shard_count => 3);
ALTER TABLE two DROP COLUMN k CASCADE;
ALTER TABLE plain ALTER COLUMN k TYPE bigint;
SELECT count(*) FROM big;
RESET ROLE;
SELECT count(*) FROM big;
SELECT * FROM layout;
-- nothing is left of the former shards, on any node
SELECT sum(result::int) = (SELECT count(*) FROM citus_shards WHERE table_name::text !~ '\.') AS all_known
FROM run_command_on_all_nodes($$
    SELECT count(*) FROM pg_class WHERE relnamespace = 'adt'::regnamespace AND relkind = 'r' AND relname ~ '_\d{6,}$'$$);
SELECT citus_internal.check_consistency();
DROP SCHEMA adt CASCADE;
DROP ROLE adt_user;
