-- What COPY refuses, and that nothing of it stays.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1100000;
CREATE SCHEMA ce;
SET search_path TO ce;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
\set VERBOSITY default
CREATE TABLE d (k int, v int NOT NULL CHECK (v < 1000), g int GENERATED ALWAYS AS (v + 1) STORED);
SELECT create_distributed_table('d', 'k');
COPY d FROM STDIN;
1	1
2	x
\.
COPY d FROM STDIN;
1	1	1
\.
COPY d FROM STDIN;
1
\.
COPY d FROM STDIN;
1	1
\N	2
\.
COPY d (v) FROM STDIN;
1
\.
\set VERBOSITY terse
COPY d (k) FROM STDIN;
1
\.
\set VERBOSITY default
COPY d (k, g) FROM STDIN;
\.
COPY d (k, nothing) FROM STDIN;
\.
COPY d (k, k) FROM STDIN;
\.
COPY d FROM STDIN WITH (FORMAT nothing);
\.
COPY d FROM STDIN WHERE nothing > 1;
\.
COPY d FROM STDIN WHERE g > 1;
\.
COPY d FROM '/nothing/here';
\set VERBOSITY terse
COPY d FROM STDIN;
1	1
2	5000
\.
\set VERBOSITY default
SELECT count(*) FROM d;
-- rights
CREATE ROLE ce_user;
GRANT USAGE ON SCHEMA ce TO ce_user;
SET ROLE ce_user;
COPY ce.d FROM STDIN;
\.
COPY ce.d FROM '/etc/passwd';
COPY ce.d FROM PROGRAM 'true';
COPY ce.d TO STDOUT;
RESET ROLE;
GRANT INSERT (k, v), SELECT (k) ON d TO ce_user;
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
SET ROLE ce_user;
COPY ce.d FROM STDIN;
\.
RESET ROLE;
ALTER TABLE d DISABLE ROW LEVEL SECURITY;
BEGIN READ ONLY;
COPY d FROM STDIN;
\.
ROLLBACK;
\c - - localhost :worker1_port
SELECT shard_name AS shard FROM citus_shards
WHERE table_name = 'ce.d'::regclass AND nodeport = :worker1_port ORDER BY shardid LIMIT 1 \gset
\set VERBOSITY sqlstate
COPY :shard FROM STDIN;
\.
\c - - localhost :coordinator_port
\set VERBOSITY terse
SET search_path TO ce;
SET client_min_messages TO warning;
SELECT count(*) FROM d;
DROP SCHEMA ce CASCADE;
DROP ROLE ce_user;
