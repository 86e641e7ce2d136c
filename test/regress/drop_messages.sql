-- What is said of dependent objects does not name shards, also where the node has some.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 3800000;
CREATE SCHEMA drop_said;
CREATE SCHEMA drop_other;
SET search_path TO drop_said;
SET citus.shard_count TO 4;
-- the coordinator has a copy of reference tables
CREATE TYPE en AS ENUM ('a', 'b');
CREATE DOMAIN dom AS int;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE COLLATION co (locale = 'C');
CREATE TABLE r (id int PRIMARY KEY, "e e" en, d dom, t text COLLATE co, x int DEFAULT f(3), CHECK (f(x) > 0));
CREATE TABLE "r two" (id int REFERENCES r, e en);
CREATE INDEX r_f ON r (f(x));
CREATE VIEW v AS SELECT id, "e e" FROM r;
SELECT create_reference_table('r');
SELECT create_reference_table('"r two"');
CREATE FUNCTION said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN message || E'\n' || detail;
END $$;
\pset format unaligned
\pset tuples_only on
SELECT said('DROP TYPE en');
SELECT said('DROP DOMAIN dom');
SELECT said('DROP FUNCTION f(int)');
SELECT said('DROP COLLATION co');
SELECT said('DROP TABLE r');
SELECT said('DROP SCHEMA drop_said');
CREATE ROLE drop_owner;
ALTER TABLE r OWNER TO drop_owner;
SELECT said('DROP ROLE drop_owner');
\pset tuples_only off
BEGIN;
DROP TYPE en CASCADE;
DROP DOMAIN dom CASCADE;
DROP FUNCTION f(int) CASCADE;
DROP COLLATION co CASCADE;
DROP TABLE r CASCADE;
ROLLBACK;
BEGIN;
ALTER TABLE r DROP COLUMN id CASCADE;
ROLLBACK;
-- more than the client is shown
DO $$ BEGIN
    FOR i IN 1 .. 60 LOOP
        EXECUTE format('ALTER TABLE r ADD COLUMN c%s dom', i);
    END LOOP;
END $$;
BEGIN;
DROP DOMAIN dom CASCADE;
ROLLBACK;
-- constraints of other schemas go with their tables
CREATE TABLE drop_other.o (id int REFERENCES r, e en);
SELECT create_reference_table('drop_other.o');
REVOKE ALL ON SCHEMA drop_said FROM drop_owner;
DROP SCHEMA drop_said CASCADE;
SELECT count(*) FROM drop_other.o;
SELECT citus_internal.check_consistency();
DROP SCHEMA drop_other CASCADE;
DROP ROLE drop_owner;
