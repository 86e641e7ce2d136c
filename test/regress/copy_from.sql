-- COPY into distributed, reference and local tables.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1200000;
CREATE SCHEMA cf;
SET search_path TO cf;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE d (k int PRIMARY KEY, v text DEFAULT 'none', n bigserial, g int GENERATED ALWAYS AS (k * 2) STORED,
                at timestamptz DEFAULT '2020-01-01 00:00:00Z');
CREATE TABLE r (id int, j jsonb);
CREATE TABLE loc (id int, a int[]);
SELECT create_distributed_table('d', 'k');
SELECT create_reference_table('r');
SELECT citus_add_local_table_to_metadata('loc');

COPY d (k, v) FROM STDIN;
1	one
2	\N
3	with\ttab
\.
COPY d (v, k) FROM STDIN WITH (FORMAT csv, HEADER, NULL 'nil');
v,k
"quoted, comma",4
nil,5
\.
COPY d (k) FROM STDIN;
6
\.
SELECT * FROM d ORDER BY k;
COPY d (k, v, n) FROM STDIN WITH (DELIMITER '|');
7|seven|700
\.
COPY d (k, v) FROM STDIN WHERE k > 100 AND v <> 'no';
99	skipped
101	yes
102	no
\.
SELECT k, v FROM d WHERE k > 6 ORDER BY k;
COPY r FROM STDIN;
1	{"a": 1}
2	\N
\.
COPY loc FROM STDIN;
1	{1,2}
\.
SELECT * FROM r ORDER BY id;
SELECT DISTINCT result FROM run_command_on_placements('r', 'SELECT count(*) FROM %s');
SELECT * FROM loc;

-- many rows, through a program, and binary there and back
TRUNCATE d;
COPY d (k, v) FROM PROGRAM 'seq 1 10000 | sed "s/$/\tv/"';
SELECT count(*), sum(k), count(DISTINCT n) FROM d;
SELECT count(*) FROM run_command_on_placements('d', 'SELECT count(*) FROM %s') WHERE result::int > 1000;
\set copyfile `mktemp -u /tmp/citus_copy_XXXXXX`
COPY d TO :'copyfile' WITH (FORMAT binary);
TRUNCATE d;
COPY d FROM :'copyfile' WITH (FORMAT binary);
SELECT count(*), sum(k), count(DISTINCT n) FROM d;
\set remove 'rm -f ' :copyfile
\! rm -f /tmp/citus_copy_??????

-- in transactions
BEGIN;
COPY d (k, v) FROM STDIN;
20001	a
20002	b
\.
SELECT count(*) FROM d;
SAVEPOINT s;
COPY d (k, v) FROM STDIN;
20001	duplicate
\.
ROLLBACK TO s;
SELECT count(*) FROM d;
ROLLBACK;
SELECT count(*) FROM d;
DROP SCHEMA cf CASCADE;
