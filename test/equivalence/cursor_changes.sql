-- A cursor with row locks leaves out rows that its own transaction has changed since it was opened; one without
-- gives all rows as they were.
CREATE TABLE t (k int PRIMARY KEY, v int, w text);
CREATE TABLE o (k int PRIMARY KEY, x int);
CREATE TABLE r (k int PRIMARY KEY, x int);
CREATE TABLE l (k int PRIMARY KEY, x int);
CREATE TABLE p (k int, part int, v int, PRIMARY KEY (k, part)) PARTITION BY LIST (part);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('o', 'k', colocate_with => 't')
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, i, 'w' || i FROM generate_series(1, 300) i;
INSERT INTO o SELECT i, i FROM generate_series(1, 300) i;
INSERT INTO r SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO l SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO p SELECT i, 1 + i % 2, i FROM generate_series(1, 20) i;

BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE k < 10 FOR UPDATE;
UPDATE t SET v = v + 1;
FETCH ALL FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE k < 10;
UPDATE t SET v = v + 1;
FETCH ALL FROM c;
ROLLBACK;

-- changed and deleted ones, one after another
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE k <= 20 ORDER BY k FOR UPDATE;
FETCH 2 FROM c;
UPDATE t SET v = 0 WHERE k IN (2, 4, 6);
FETCH 2 FROM c;
DELETE FROM t WHERE k = 7;
INSERT INTO t VALUES (7, 70, 'new');
FETCH c;
UPDATE t SET v = v + 1 WHERE CURRENT OF c RETURNING *;
UPDATE t SET k = 1000 WHERE k = 9;
FETCH c;
FETCH c;
DELETE FROM t WHERE CURRENT OF c;
FETCH c;
FETCH FORWARD 3 FROM c;
MOVE 2 IN c;
FETCH ALL FROM c;
COMMIT;
SELECT * FROM t WHERE k <= 20 OR k = 1000 ORDER BY k;

-- it only goes forward, for rows that it has read ahead may be in its way
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE k <= 20 ORDER BY k FOR UPDATE;
FETCH 3 FROM c;
SAVEPOINT a;
FETCH PRIOR FROM c;
ROLLBACK TO a;
UPDATE t SET v = v + 1 WHERE k = 1;
FETCH 2 FROM c;
SAVEPOINT a;
FETCH PRIOR FROM c;
ROLLBACK TO a;
FETCH c;
ROLLBACK;

-- what a savepoint takes back is there again
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE k BETWEEN 21 AND 30 ORDER BY k FOR NO KEY UPDATE;
FETCH c;
SAVEPOINT a;
DELETE FROM t WHERE k BETWEEN 22 AND 25;
FETCH c;
ROLLBACK TO a;
FETCH c;
SAVEPOINT b;
UPDATE t SET v = 0 WHERE k IN (28, 29);
RELEASE b;
FETCH ALL FROM c;
ROLLBACK;

-- changes before the cursor is opened are its rows; FOR SHARE; nothing changed at all
BEGIN;
UPDATE t SET v = -v WHERE k BETWEEN 31 AND 35;
DECLARE c CURSOR FOR SELECT k, v FROM t WHERE k BETWEEN 31 AND 35 ORDER BY k FOR SHARE;
FETCH c;
UPDATE t SET v = v WHERE k = 33;
UPDATE o SET x = 0;
FETCH ALL FROM c;
ROLLBACK;

-- LIMIT, joins, reference tables, partitions, local tables
BEGIN;
DECLARE c CURSOR FOR SELECT k FROM t WHERE k BETWEEN 41 AND 50 ORDER BY k LIMIT 5 FOR UPDATE;
FETCH c;
DELETE FROM t WHERE k IN (42, 44);
FETCH 2 FROM c;
DECLARE d CURSOR FOR SELECT t.k, o.x FROM t JOIN o USING (k) WHERE k BETWEEN 51 AND 60 ORDER BY t.k FOR UPDATE;
FETCH d;
UPDATE o SET x = 0 WHERE k = 53;
UPDATE t SET v = 0 WHERE k = 55;
FETCH ALL FROM d;
DECLARE e CURSOR FOR SELECT t.k, o.x FROM t JOIN o USING (k) WHERE k BETWEEN 61 AND 65 ORDER BY t.k FOR UPDATE OF t;
UPDATE o SET x = 0 WHERE k = 63;
UPDATE t SET v = 0 WHERE k = 64;
FETCH ALL FROM e;
DECLARE f CURSOR FOR SELECT * FROM r WHERE k < 6 ORDER BY k FOR UPDATE;
FETCH f;
UPDATE r SET x = 0 WHERE k = 2;
FETCH f;
DELETE FROM r WHERE k = 5;
FETCH ALL FROM f;
DECLARE g CURSOR FOR SELECT * FROM p WHERE k < 6 ORDER BY k FOR UPDATE;
FETCH g;
UPDATE p SET v = 0 WHERE k = 2;
UPDATE p SET part = 1 WHERE k = 3;
FETCH ALL FROM g;
DECLARE h CURSOR FOR SELECT l.k, t.v FROM l JOIN t USING (k) WHERE k < 9 ORDER BY l.k FOR UPDATE;
FETCH h;
UPDATE l SET x = 0 WHERE k = 3;
UPDATE t SET v = 0 WHERE k = 5;
FETCH h;
UPDATE l SET x = 100 WHERE CURRENT OF h RETURNING *;
FETCH ALL FROM h;
ROLLBACK;

-- levels of isolation; a role that comes later; many rows
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT k FROM t WHERE k BETWEEN 71 AND 80 ORDER BY k FOR UPDATE;
FETCH c;
UPDATE t SET v = 0 WHERE k IN (72, 75, 80);
FETCH ALL FROM c;
COMMIT;
BEGIN;
DECLARE c NO SCROLL CURSOR FOR SELECT k FROM t WHERE k > 100 ORDER BY k FOR UPDATE;
FETCH c;
UPDATE t SET v = -1 WHERE k % 3 = 0;
FETCH 90 FROM c;
DELETE FROM t WHERE k % 5 = 0;
FETCH ALL FROM c;
ROLLBACK;
DO $$
DECLARE
    c CURSOR FOR SELECT * FROM t WHERE k > 100 AND k < 120 ORDER BY k FOR UPDATE;
BEGIN
    FOR row IN c LOOP
        DELETE FROM t WHERE k = row.k + 1;
        UPDATE t SET v = v + 1000 WHERE CURRENT OF c;
    END LOOP;
END $$;
SELECT k, v FROM t WHERE k > 100 AND k < 122 ORDER BY k;
DROP TABLE t, o, r, l, p;
-- A sub-query of a cursor that is first asked for a value after a write has the rows from before it.
CREATE TABLE asked (k int, t text);
CREATE TABLE asking (k int, t text);
CREATE TABLE beside (k int, b int);
-- distribute: SELECT create_distributed_table('asked', 'k')
-- distribute: SELECT create_distributed_table('asking', 'k')
-- distribute: SELECT create_distributed_table('beside', 'k')
INSERT INTO asked SELECT i, 't' || i FROM generate_series(1, 4) i;
INSERT INTO asking SELECT i, 't' || i FROM generate_series(1, 6) i;
INSERT INTO beside SELECT i, i % 3 FROM generate_series(1, 6) i;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE late CURSOR FOR SELECT x.k, (SELECT max(z.k) FROM asked z WHERE z.t = x.t) FROM asking x ORDER BY 1, 2;
INSERT INTO asked SELECT i + 10, 't' || i FROM generate_series(2, 5) i;
FETCH ALL FROM late;
ROLLBACK;
BEGIN;
DECLARE late CURSOR FOR SELECT x.k, (SELECT max(z.k) FROM asked z WHERE z.t = x.t) FROM (SELECT DISTINCT b FROM beside) y CROSS JOIN asking x ORDER BY 1, 2;
INSERT INTO asked SELECT i + 10, 't' || i FROM generate_series(2, 5) i;
FETCH ALL FROM late;
ROLLBACK;
DROP TABLE asked, asking, beside;
