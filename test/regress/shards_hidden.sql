-- Clients do not see shards, neither in \d nor in their own catalog queries.
CREATE SCHEMA hide;
SET search_path TO hide;
SET client_min_messages TO warning;
SELECT citus_set_node_property('localhost', :coordinator_port, 'shouldhaveshards', true);
SET citus.shard_count TO 4;
CREATE TABLE d (k int PRIMARY KEY, v text DEFAULT 'x');
CREATE TABLE r (id int PRIMARY KEY);
CREATE INDEX d_v ON d (v);
SELECT create_distributed_table('d', 'k', colocate_with => 'none');
SELECT create_reference_table('r');
INSERT INTO d SELECT generate_series(1, 10);

\d
\dt
\di
\d d
\dt hide.*
SELECT relname FROM pg_class WHERE relnamespace = 'hide'::regnamespace ORDER BY 1;
SELECT table_name FROM information_schema.tables WHERE table_schema = 'hide' ORDER BY 1;
SELECT tablename FROM pg_tables WHERE schemaname = 'hide' ORDER BY 1;

-- but who asks for them gets them
SET citus.override_table_visibility TO off;
SELECT count(*) > 2 AS more FROM pg_class WHERE relnamespace = 'hide'::regnamespace AND relkind = 'r';
RESET citus.override_table_visibility;
SELECT count(*) > 0 AS listed FROM citus_shards WHERE table_name = 'd'::regclass;

DROP SCHEMA hide CASCADE;
SELECT citus_set_node_property('localhost', :coordinator_port, 'shouldhaveshards', false);
