-- What the hash of a distribution column is made of stays as it is.
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
INSERT INTO ke VALUES ('d', 1), ('a', 2);
SELECT * FROM ke WHERE e = 'd';
DROP TYPE en CASCADE;
DROP DOMAIN dom CASCADE;
SELECT count(*) FROM ke;
DROP TABLE ke, kc;
ALTER TYPE en RENAME VALUE 'a' TO 'c';
DROP TABLE ka;
ALTER TYPE en RENAME VALUE 'a' TO 'c';
ALTER TYPE comp ADD ATTRIBUTE z int;
DROP TYPE en CASCADE;
SELECT DISTINCT result FROM run_command_on_placements('other', $$
    SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped $$);
-- a table of a type follows it, but for the distribution column's type
CREATE TYPE tt AS (a int);
CREATE TABLE typed OF tt;
SELECT create_distributed_table('typed', 'a');
ALTER TYPE tt ADD ATTRIBUTE b int CASCADE;
ALTER TYPE tt RENAME ATTRIBUTE a TO z CASCADE;
ALTER TYPE tt ALTER ATTRIBUTE z TYPE bigint CASCADE;
ALTER TYPE tt DROP ATTRIBUTE z CASCADE;
INSERT INTO typed VALUES (1, 2);
SELECT DISTINCT result FROM run_command_on_placements('typed', $$
    SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped $$);
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT reloftype::regtype FROM pg_class WHERE relname = 'typed' AND relnamespace = 'dkt'::regnamespace $$);
SELECT * FROM typed;
DROP SCHEMA dkt CASCADE;
