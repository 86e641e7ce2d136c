-- citus.enable_local_execution = off: a transaction does not wait for itself, and sees what it has done.
-- only: distributed single reference
SET citus.enable_local_execution = off;
CREATE TABLE t (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
CREATE TABLE log (n bigint);
INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 50) i;
SELECT count(*), sum(v) FROM t;
UPDATE t SET v = v + 1 WHERE k = 3;
UPDATE t SET v = v + 1;

BEGIN;
INSERT INTO t VALUES (101, 1);
ALTER TABLE t ADD COLUMN w int DEFAULT 5;
UPDATE t SET w = k WHERE k > 40;
SELECT count(*), sum(v), sum(w) FROM t;
CREATE INDEX t_w ON t (w);
DELETE FROM t WHERE w = 101;
COMMIT;
SELECT count(*), sum(v), sum(w) FROM t;

BEGIN;
SELECT sum(v) FROM t;
ALTER TABLE t ALTER COLUMN w TYPE bigint;
SAVEPOINT s;
UPDATE t SET w = 0;
TRUNCATE t;
SELECT count(*) FROM t;
ROLLBACK TO s;
SELECT count(*), sum(w) FROM t;
COMMIT;

-- statements of functions and blocks
DO $$ BEGIN
	INSERT INTO t VALUES (201, 1, 1);
	ALTER TABLE t ADD COLUMN x int DEFAULT 2;
	UPDATE t SET x = x + 1 WHERE k = 201;
END $$;
CREATE FUNCTION change(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r bigint; BEGIN
	INSERT INTO t VALUES (n, 1, 1, 1);
	ALTER TABLE t DROP COLUMN IF EXISTS x;
	SELECT count(*) INTO r FROM t;
	RETURN r;
END $$;
SELECT change(202);
INSERT INTO t SELECT 203, change(204), 1;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO log SELECT count(*) FROM t;
	UPDATE t SET v = v + 1 WHERE k = 1;
	RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
INSERT INTO t SELECT i, i, i FROM generate_series(301, 320) i;
INSERT INTO t VALUES (321, 1, 1), (322, 1, 1), (323, 1, 1) RETURNING v;
COPY t FROM STDIN;
401	1	1
402	2	2
\.
SELECT * FROM log;
SELECT count(*), sum(v), sum(w) FROM t;
CREATE TABLE u AS SELECT k, v FROM t WHERE k > 300;
SELECT count(*) FROM u;
DROP TABLE t, u, log;
DROP FUNCTION change, note;
