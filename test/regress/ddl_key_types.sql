-- Rows follow when what the hash of their distribution column is made of changes; a table whose column goes with its
-- type becomes a single shard.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2800000;
CREATE SCHEMA dkt;
SET search_path TO dkt;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TYPE en AS ENUM ('a', 'b');
CREATE TYPE comp AS (a int, e en);
CREATE DOMAIN dom AS en;
CREATE TABLE ke (e en, v int);
CREATE TABLE kc (c comp);
CREATE TABLE ka (c dom[]);
CREATE TABLE other (a int, e en, c comp);
SELECT create_distributed_table('ke', 'e');
SELECT create_distributed_table('kc', 'c');
SELECT create_distributed_table('ka', 'c');
SELECT create_distributed_table('other', 'a');
ALTER TYPE en RENAME VALUE 'a' TO 'c';
ALTER TYPE comp ADD ATTRIBUTE z int;
ALTER TYPE en ADD VALUE 'd';
INSERT INTO ke VALUES ('d', 1), ('c', 2);
ALTER TYPE en RENAME VALUE 'c' TO 'a';
SELECT * FROM ke WHERE e = 'a';
SELECT citus_internal.check_consistency();
DROP TYPE en CASCADE;
SELECT count(*) FROM ke;
SELECT table_name, distribution_column, shard_count FROM public.citus_tables
WHERE table_name::text !~ '\.' ORDER BY table_name::text;
SELECT citus_internal.check_consistency();
SELECT DISTINCT result FROM run_command_on_placements('other', $$
    SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped $$);
-- a table of a type follows it
CREATE TYPE tt AS (a int);
CREATE TABLE typed OF tt;
SELECT create_distributed_table('typed', 'a');
ALTER TYPE tt ADD ATTRIBUTE b int CASCADE;
ALTER TYPE tt RENAME ATTRIBUTE a TO z CASCADE;
ALTER TYPE tt ALTER ATTRIBUTE z TYPE bigint CASCADE;
ALTER TYPE tt DROP ATTRIBUTE z CASCADE;
INSERT INTO typed VALUES (2);
SELECT DISTINCT result FROM run_command_on_placements('typed', $$
    SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT (SELECT typname FROM pg_type t WHERE t.oid = reloftype) FROM pg_class WHERE relname = 'typed' AND relnamespace = 'dkt'::regnamespace $$);
SELECT * FROM typed;
SELECT citus_internal.check_consistency();
DROP SCHEMA dkt CASCADE;
