-- Quick statements over all shards, again and again: from the second time on they are sent as one.
-- only: distributed
CREATE TABLE t (k int PRIMARY KEY, g int, s varchar(10), n numeric(8,2), j json);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SET citus.executor_slow_start_interval TO 10000
INSERT INTO t SELECT i, i % 4, 's' || i, i / 8.0, json_build_object('i', i) FROM generate_series(1, 200) i;

SELECT count(*), sum(n), min(s) FROM t;
SELECT count(*), sum(n), min(s) FROM t;
SELECT count(*), sum(n), min(s) FROM t;
SELECT * FROM t WHERE g = 2;
SELECT * FROM t WHERE g = 2;
SELECT * FROM t WHERE g = 2;
SELECT k, 'text', NULL, 1.50, j, s, n FROM t ORDER BY n DESC, k LIMIT 7 OFFSET 2;
SELECT k, 'text', NULL, 1.50, j, s, n FROM t ORDER BY n DESC, k LIMIT 7 OFFSET 2;
SELECT k, 'text', NULL, 1.50, j, s, n FROM t ORDER BY n DESC, k LIMIT 7 OFFSET 2;
SELECT FROM t WHERE g = 1;
SELECT FROM t WHERE g = 1;
SELECT FROM t WHERE g = 1;
SELECT t FROM t WHERE k < 5;
SELECT t FROM t WHERE k < 5;
SELECT t FROM t WHERE k < 5;
WITH x AS (SELECT k, g FROM t WHERE g > 1) SELECT g, count(*) FROM x GROUP BY g;
WITH x AS (SELECT k, g FROM t WHERE g > 1) SELECT g, count(*) FROM x GROUP BY g;
WITH x AS (SELECT k, g FROM t WHERE g > 1) SELECT g, count(*) FROM x GROUP BY g;
SELECT k FROM t WHERE g = 1 UNION SELECT k + 1 FROM t WHERE g = 0 ORDER BY 1 LIMIT 5;
SELECT k FROM t WHERE g = 1 UNION SELECT k + 1 FROM t WHERE g = 0 ORDER BY 1 LIMIT 5;
SELECT k FROM t WHERE g = 1 UNION SELECT k + 1 FROM t WHERE g = 0 ORDER BY 1 LIMIT 5;

-- some of the shards
SELECT g, s FROM t WHERE k IN (1, 2, 3, 77, 133);
SELECT g, s FROM t WHERE k IN (1, 2, 3, 77, 133);
SELECT g, s FROM t WHERE k IN (1, 2, 3, 77, 133);
SELECT g, s FROM t WHERE k IN (5, 6);
SELECT g, s FROM t WHERE k IN (5, 6);

-- parameters
PREPARE p (int, text) AS SELECT count(*), max(n) FROM t WHERE g = $1 AND s > $2;
EXECUTE p (1, 's1');
EXECUTE p (2, 's1');
EXECUTE p (3, 's2');
EXECUTE p (NULL, 's2');
EXECUTE p (0, '');
EXECUTE p (0, NULL);
EXECUTE p (1, 's5');

-- rows of the same transaction
BEGIN;
INSERT INTO t (k, g) VALUES (1001, 9), (1002, 9);
SELECT count(*), sum(n), min(s) FROM t;
SAVEPOINT s;
DELETE FROM t WHERE g = 0;
SELECT count(*), sum(n), min(s) FROM t;
ROLLBACK TO s;
SELECT count(*), sum(n), min(s) FROM t;
ROLLBACK;
SELECT count(*), sum(n), min(s) FROM t;

-- an error in one shard of many, also in a block
SELECT sum(1 / (k - 77)) FROM t;
SELECT sum(1 / (k - 500)) FROM t;
SELECT sum(1 / (k - 500)) FROM t;
SELECT sum(1 / (k - 500)) FROM t;
UPDATE t SET n = 0 WHERE k = 77;
SELECT sum(k / n) FROM t WHERE k = 77 OR g > 2;
SELECT sum(k / nullif(n, 0)) FROM t;
SELECT sum(k / nullif(n, 0)) FROM t;
BEGIN;
SELECT count(*), sum(n), min(s) FROM t;
SELECT max(100 / (k - 77)) FROM t;
ROLLBACK;
SELECT count(*), sum(n), min(s) FROM t;

-- a cursor, read in part
BEGIN;
DECLARE c CURSOR FOR SELECT count(*), sum(n), min(s) FROM t;
FETCH c;
CLOSE c;
DECLARE c CURSOR FOR SELECT k FROM t WHERE g = 3;
MOVE 3 IN c;
UPDATE t SET g = 33 WHERE k = 3;
MOVE FORWARD ALL IN c;
COMMIT;

-- the table changes
ALTER TABLE t ADD COLUMN extra text DEFAULT 'x';
SELECT * FROM t WHERE g = 2;
SELECT * FROM t WHERE g = 2;
ALTER TABLE t ALTER COLUMN s TYPE text;
SELECT count(*), sum(n), min(s) FROM t;
SELECT * FROM t WHERE g = 2;
SELECT * FROM t WHERE g = 2;
ALTER TABLE t RENAME TO u;
SELECT count(*), sum(n), min(s) FROM u;
SELECT count(*), sum(n), min(s) FROM u;
ALTER TABLE u DROP COLUMN s;
SELECT * FROM u WHERE g = 2;
SELECT * FROM u WHERE g = 2;
SELECT count(*), sum(n), min(s) FROM u;

-- a function that reads, in a loop
CREATE FUNCTION total() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    result numeric := 0;
BEGIN
    FOR i IN 1..5 LOOP
        UPDATE u SET n = n + 1 WHERE k = i;
        result := result + (SELECT sum(n) FROM u WHERE g < 3);
    END LOOP;
    RETURN result;
END $$;
SELECT total();
DROP FUNCTION total();
DROP TABLE u;
