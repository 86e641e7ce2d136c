-- Rows computed here and sent to shards: statements, batches, COPY; counts; reference tables.
CREATE SCHEMA xw;
SET search_path TO xw;
SET citus.shard_count TO 8;
CREATE TABLE d (k int PRIMARY KEY, v int, t text);
CREATE TABLE r (id int PRIMARY KEY, v int);
SELECT create_distributed_table('d', 'k');
SELECT create_reference_table('r');
CREATE TABLE plain AS SELECT i AS k, i * 2 AS v FROM generate_series(1, 5000) i;

\set QUIET off
INSERT INTO d VALUES (1, 1, 'a');
INSERT INTO d VALUES (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd');
INSERT INTO d SELECT k, v, 'plain' FROM plain WHERE k > 4 AND k <= 50;
INSERT INTO d SELECT k, v, 'plain' FROM plain WHERE k > 50;
INSERT INTO d SELECT k, v, 'upsert' FROM plain ON CONFLICT (k) DO UPDATE SET t = 'upsert', v = d.v + 1;
INSERT INTO d SELECT k, v FROM plain WHERE false;
UPDATE d SET v = 0 WHERE k <= 10;
DELETE FROM d WHERE k > 4990;
UPDATE d SET v = 0 WHERE k = 1 AND false;
INSERT INTO r SELECT i, i FROM generate_series(1, 300) i;
UPDATE r SET v = 0 WHERE id < 4;
DELETE FROM r WHERE id > 290;
\set QUIET on
SELECT count(*), sum(v) FROM d;
SELECT count(*), sum(v) FROM r;
INSERT INTO r VALUES (1000, 1), (1001, 2) RETURNING id, v;

-- reading and writing the same table
INSERT INTO d SELECT k + 10000, v, t FROM d WHERE k <= 2000;
INSERT INTO d SELECT k + 20000, v, t FROM d WHERE k <= 20 RETURNING k - 20000 > 0 AS moved;
SELECT count(*) FROM d;

-- what must not be
INSERT INTO d (v) VALUES (1);
INSERT INTO d VALUES (NULL, 1);
INSERT INTO d SELECT NULL, 1 FROM generate_series(1, 200);
DO $$
BEGIN
	BEGIN
		INSERT INTO d VALUES (1, 1);
	EXCEPTION WHEN unique_violation THEN
		RAISE NOTICE 'one row: %', SQLSTATE;
	END;
	BEGIN
		INSERT INTO d SELECT k, v FROM plain WHERE k < 500;
	EXCEPTION WHEN unique_violation THEN
		RAISE NOTICE 'many rows: %', SQLSTATE;
	END;
END $$;
BEGIN READ ONLY;
INSERT INTO d VALUES (-1, 1);
ROLLBACK;
BEGIN READ ONLY;
UPDATE d SET v = 1;
ROLLBACK;
SELECT count(*) FROM d;

-- prunes to nothing
SELECT count(*) FROM d WHERE k = NULL;
SELECT count(*), sum(v) FROM d WHERE k = 1 AND k = 2;
SELECT k FROM d WHERE k = NULL;
SELECT citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA xw CASCADE;
