-- COPY out of distributed tables.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1300000;
CREATE SCHEMA ct;
SET search_path TO ct;
SET citus.shard_count TO 1;
SET client_min_messages TO warning;
CREATE TABLE d (k int PRIMARY KEY, v text, g int GENERATED ALWAYS AS (k * 2) STORED, "Odd name" int);
SELECT create_distributed_table('d', 'k');
INSERT INTO d VALUES (1, 'one, two', DEFAULT, 3), (2, NULL, DEFAULT, 4);
COPY d TO STDOUT;
COPY d ("Odd name", v) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE (v), NULL 'nil');
COPY (SELECT k, g FROM d ORDER BY k DESC) TO STDOUT;
COPY d (g) TO STDOUT;
COPY d (nothing) TO STDOUT;
COPY nothing_here TO STDOUT;
COPY (INSERT INTO d VALUES (3, 'three') RETURNING k, v) TO STDOUT;
CREATE TABLE p (k int, d int) PARTITION BY LIST (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT create_distributed_table('p', 'k');
INSERT INTO p VALUES (1, 1);
COPY p TO STDOUT;
COPY p1 TO STDOUT;
\c - - localhost :worker1_port
COPY ct.d TO STDOUT;
\c - - localhost :coordinator_port
SET client_min_messages TO warning;
DROP SCHEMA ct CASCADE;
