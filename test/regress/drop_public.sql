-- DROP SCHEMA public CASCADE empties a database; the extension and the cluster stay.
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE public.dp_t (k int PRIMARY KEY, v int);
CREATE TABLE public.dp_r (id int PRIMARY KEY);
SELECT create_distributed_table('public.dp_t', 'k');
SELECT create_reference_table('public.dp_r');
INSERT INTO public.dp_t SELECT i, i FROM generate_series(1, 20) i;
SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'citus_tables';

BEGIN;
DROP SCHEMA public CASCADE;
SELECT relnamespace::regnamespace FROM pg_class WHERE relname IN ('citus_tables', 'citus_schemas');
SELECT count(*) FROM citus.citus_tables WHERE table_name::text LIKE '%dp\_%';
ROLLBACK;
SELECT count(*), sum(v) FROM public.dp_t;
SELECT table_name, citus_table_type FROM public.citus_tables WHERE table_name::text ~ 'dp_[tr]$' ORDER BY 1;

-- whoever may not drop the schema changes nothing
CREATE ROLE dp_user;
SET ROLE dp_user;
DROP SCHEMA public CASCADE;
RESET ROLE;
DROP SCHEMA public;
SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'citus_tables';
DROP ROLE dp_user;

DROP SCHEMA public CASCADE;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(relnamespace::regnamespace::text, ' ') FROM pg_class WHERE relname IN ('citus_tables', 'citus_schemas') $$);
SELECT extname FROM pg_extension WHERE extname = 'citus';
SELECT count(*) FROM pg_dist_partition p LEFT JOIN pg_class c ON c.oid = p.logicalrelid WHERE c.oid IS NULL;

-- it comes back
CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(relnamespace::regnamespace::text, ' ') FROM pg_class WHERE relname IN ('citus_tables', 'citus_schemas') $$);
CREATE TABLE public.dp_t (k int PRIMARY KEY, v int);
SELECT create_distributed_table('public.dp_t', 'k');
INSERT INTO public.dp_t SELECT i, i FROM generate_series(1, 20) i;
SELECT count(*), sum(v) FROM public.dp_t;
SELECT table_name, citus_table_type FROM citus_tables WHERE table_name::text ~ 'dp_[tr]$' ORDER BY 1;
DROP TABLE public.dp_t;

-- a schema without anything but the views goes without CASCADE
DROP SCHEMA public;
CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'citus_tables';
