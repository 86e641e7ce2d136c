-- Transaction blocks over many shards: own writes, savepoints, errors.
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE TABLE r (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, 0 FROM generate_series(1, 50) i;

BEGIN;
UPDATE t SET v = v - 10 WHERE k = 1;
UPDATE t SET v = v + 10 WHERE k = 2;
SELECT k, v FROM t WHERE v <> 0 ORDER BY k;
SELECT sum(v) FROM t;
COMMIT;
SELECT k, v FROM t WHERE v <> 0 ORDER BY k;

BEGIN;
DELETE FROM t;
SELECT count(*) FROM t;
INSERT INTO t VALUES (1, 1), (2, 2);
SELECT * FROM t ORDER BY k;
ROLLBACK;
SELECT count(*), sum(v) FROM t;

BEGIN;
INSERT INTO t VALUES (100, 1);
SAVEPOINT a;
INSERT INTO t VALUES (101, 1), (102, 1), (103, 1);
SAVEPOINT b;
UPDATE t SET v = 99 WHERE k > 99;
SELECT k, v FROM t WHERE k > 99 ORDER BY k;
ROLLBACK TO b;
SELECT k, v FROM t WHERE k > 99 ORDER BY k;
ROLLBACK TO a;
SELECT k, v FROM t WHERE k > 99 ORDER BY k;
INSERT INTO t VALUES (104, 4);
RELEASE a;
COMMIT;
SELECT k, v FROM t WHERE k > 99 ORDER BY k;

BEGIN;
INSERT INTO t VALUES (200, 1);
INSERT INTO t VALUES (100, 2);
SELECT 1;
COMMIT;
SELECT count(*) FROM t WHERE k = 200;

BEGIN;
SAVEPOINT s;
INSERT INTO t VALUES (100, 2);
ROLLBACK TO s;
INSERT INTO t VALUES (201, 2);
COMMIT;
SELECT * FROM t WHERE k IN (100, 201) ORDER BY k;

BEGIN;
INSERT INTO r VALUES (1, 1);
UPDATE t SET v = 5 WHERE k = 7;
SELECT t.v, r.v FROM t JOIN r ON r.k = 1 WHERE t.k = 7;
ROLLBACK;
SELECT count(*) FROM r;
SELECT v FROM t WHERE k = 7;

BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM t;
UPDATE t SET v = v + 1 WHERE k < 10;
SELECT sum(v) FROM t WHERE k < 10;
COMMIT;

BEGIN READ ONLY;
SELECT count(*) FROM t;
INSERT INTO t VALUES (300, 1);
ROLLBACK;

BEGIN;
TRUNCATE t;
SELECT count(*) FROM t;
ROLLBACK;
SELECT count(*) FROM t;

BEGIN;
CREATE TABLE n (k int, v int);
-- distribute: SELECT create_distributed_table('n', 'k')
INSERT INTO n SELECT i, i FROM generate_series(1, 10) i;
SELECT sum(v) FROM n;
ROLLBACK;
SELECT * FROM n;

DO $$
BEGIN
    FOR i IN 400..405 LOOP
        BEGIN
            INSERT INTO t VALUES (i, 1 / (i - 402));
        EXCEPTION WHEN division_by_zero THEN
            INSERT INTO t VALUES (i, -1);
        END;
    END LOOP;
END $$;
SELECT * FROM t WHERE k >= 400 ORDER BY k;

CREATE PROCEDURE fill(n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        INSERT INTO t VALUES (500 + i, i);
        COMMIT;
    END LOOP;
    INSERT INTO t VALUES (600, 1);
    ROLLBACK;
END $$;
CALL fill(4);
SELECT * FROM t WHERE k >= 500 ORDER BY k;
SELECT k FROM t WHERE k < 5 ORDER BY k FOR UPDATE;
SELECT k FROM t WHERE k = 5 FOR SHARE;
