-- A scan whose rows are unread when another statement needs its connections.
CREATE SCHEMA xc;
SET search_path TO xc;
SET citus.shard_count TO 4;
CREATE TABLE d (k int PRIMARY KEY, v int);
SELECT create_distributed_table('d', 'k');
INSERT INTO d SELECT i, i FROM generate_series(1, 1000) i;

-- a cursor sees the rows as they were when it was opened, fetched from or not
\set QUIET off
BEGIN;
DECLARE fetched CURSOR FOR SELECT k, v FROM d;
DECLARE untouched CURSOR FOR SELECT k, v FROM d;
MOVE 10 IN fetched;
UPDATE d SET v = -1;
INSERT INTO d VALUES (2000, 2000);
SELECT count(*), min(v), max(v) FROM d;
MOVE FORWARD ALL IN fetched;
MOVE FORWARD ALL IN untouched;
ROLLBACK;

-- two cursors side by side
BEGIN;
DECLARE a CURSOR FOR SELECT k FROM d;
DECLARE b CURSOR FOR SELECT v FROM d;
MOVE 3 IN a;
MOVE 4 IN b;
MOVE 5 IN a;
MOVE FORWARD ALL IN b;
MOVE FORWARD ALL IN a;
COMMIT;

\set QUIET on

-- scroll and hold
BEGIN;
DECLARE s SCROLL CURSOR WITH HOLD FOR SELECT k FROM d WHERE k < 6 ORDER BY k;
FETCH 2 FROM s;
FETCH BACKWARD 1 FROM s;
COMMIT;
FETCH ALL FROM s;
FETCH ABSOLUTE 1 FROM s;
CLOSE s;

-- savepoints while a cursor is half read
\set QUIET off
BEGIN;
DECLARE c CURSOR FOR SELECT k FROM d;
MOVE 10 IN c;
SAVEPOINT one;
UPDATE d SET v = 0 WHERE k = 1;
MOVE 10 IN c;
ROLLBACK TO one;
MOVE FORWARD ALL IN c;
SELECT v FROM d WHERE k = 1;
COMMIT;

\set QUIET on

-- a loop over a query that runs statements, with and without exception blocks
DO $$
DECLARE
	r record;
	n int := 0;
BEGIN
	FOR r IN SELECT k FROM d WHERE k <= 200 LOOP
		UPDATE d SET v = v + 1 WHERE k = r.k;
		BEGIN
			IF r.k % 50 = 0 THEN
				INSERT INTO d VALUES (r.k, 0);
			END IF;
		EXCEPTION WHEN unique_violation THEN
			n := n + 1;
		END;
	END LOOP;
	RAISE NOTICE '% violations', n;
END $$;
SELECT count(*), sum(v - k) FROM d;

-- rows that are not read any more
SELECT count(*) FROM (SELECT k FROM d LIMIT 5) x;
SELECT EXISTS (SELECT 1 FROM d, generate_series(1, 3) g WHERE d.v > g);

-- a scan that is read again and again
SET enable_hashjoin TO off;
SET enable_mergejoin TO off;
SET enable_material TO off;
SELECT count(*) FROM generate_series(1, 3) g LEFT JOIN LATERAL (SELECT g + k AS s FROM d) x ON true;
SET client_min_messages TO warning;
DROP SCHEMA xc CASCADE;
