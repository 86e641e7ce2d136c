-- Every node is equal: queries, writes, transactions and DDL typed on a worker.
CREATE SCHEMA fw;
SET search_path TO fw;
SET client_min_messages TO warning;
CREATE TABLE d (k int PRIMARY KEY, v int DEFAULT 1);
CREATE TABLE r (id int PRIMARY KEY, name text);
SELECT create_distributed_table('d', 'k');
SELECT create_reference_table('r');
\c - - localhost :worker1_port
SET search_path TO fw;
SET client_min_messages TO warning;
INSERT INTO d SELECT generate_series(1, 50);
INSERT INTO d VALUES (51, 51) RETURNING *;
INSERT INTO r VALUES (1, 'one'), (2, 'two');
SELECT count(*), sum(v) FROM d;
SELECT d.k, r.name FROM d JOIN r ON r.id = d.v WHERE d.k < 3 ORDER BY 1;
UPDATE d SET v = v + 1 WHERE k < 10;
DELETE FROM d WHERE k = 50;
BEGIN;
UPDATE d SET v = 0;
SAVEPOINT s;
DELETE FROM d;
ROLLBACK TO s;
COMMIT;
SELECT count(*), sum(v) FROM d;
ALTER TABLE d ADD COLUMN extra text DEFAULT 'e';
CREATE INDEX d_extra ON d (extra);
COPY d FROM STDIN;
100	100	copied
101	101	copied
\.
TRUNCATE r;
\c - - localhost :worker2_port
SET search_path TO fw;
SELECT extra, count(*), sum(v) FROM d GROUP BY extra ORDER BY 1;
SELECT count(*) FROM r;
SELECT count(*) FROM pg_indexes WHERE schemaname = 'fw' AND indexname = 'd_extra';
\c - - localhost :coordinator_port
SET search_path TO fw;
SET client_min_messages TO warning;
SELECT extra, count(*), sum(v) FROM d GROUP BY extra ORDER BY 1;
DROP SCHEMA fw CASCADE;
