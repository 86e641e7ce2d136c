-- Cursors: directions, savepoints, failures.
CREATE TABLE t (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 200) i;

-- a cursor that fails inside a savepoint, started outside
BEGIN;
DECLARE c CURSOR FOR SELECT k / 0 FROM t ORDER BY k;
SAVEPOINT two;
FETCH 10 FROM c;
ROLLBACK TO SAVEPOINT two;
FETCH 10 FROM c;
ROLLBACK TO SAVEPOINT two;
SELECT count(*) FROM t;
RELEASE SAVEPOINT two;
FETCH 10 FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT k / (k - 150) FROM t;
SAVEPOINT a;
MOVE ALL FROM c;
ROLLBACK TO a;
SAVEPOINT b;
SELECT count(*) FROM t;
COMMIT;
SELECT count(*) FROM t;
