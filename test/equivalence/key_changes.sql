-- UPDATE, ON CONFLICT and MERGE that give the distribution column a new value: the row moves.
-- only: distributed single
CREATE TABLE t (k int PRIMARY KEY, v int, note text DEFAULT 'd', twice int GENERATED ALWAYS AS (v * 2) STORED);
CREATE TABLE s (k int, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('s', 'k')
INSERT INTO t (k, v) SELECT i, i % 7 FROM generate_series(1, 40) i;
INSERT INTO s SELECT i, i FROM generate_series(1, 60) i;
UPDATE t SET k = 101 WHERE k = 1 RETURNING *;
UPDATE t SET k = k + 1000, v = v + 1 WHERE v = 2 RETURNING t.*, k + v;
UPDATE t SET k = k WHERE k < 10;
UPDATE t SET k = k + 500 WHERE k IN (8, 10) RETURNING 'moved', 1 + 1;
UPDATE t SET k = k - 500 WHERE k IN (508, 510) RETURNING 'back';
UPDATE t SET k = -k, note = 'moved' FROM s WHERE s.v = t.k AND s.k < 9 RETURNING t.k, s.k, note, twice;
UPDATE t SET (k, v) = (SELECT max(s.k) + t.k + 2000, 5 FROM s WHERE s.v < t.v) WHERE v = 5;
UPDATE t SET k = (SELECT max(k) FROM t) + 1 WHERE k = 101;
UPDATE t SET k = 7 WHERE k = 11;
UPDATE t SET k = 7 WHERE k = 12;
-- differs: SQLSTATE, a key without a shard is found before the constraint
UPDATE t SET k = NULL WHERE k = 13;
UPDATE t SET k = 500 WHERE k = 12345678 RETURNING *;
SELECT * FROM t;

BEGIN;
UPDATE t SET k = k + 5000;
SELECT count(*), sum(k) FROM t;
SAVEPOINT a;
UPDATE t SET k = k - 5000 WHERE k % 2 = 0;
SELECT count(*), sum(k) FROM t;
ROLLBACK TO a;
UPDATE t SET k = k - 5000, note = 'back';
COMMIT;
SELECT * FROM t;

PREPARE p (int, int) AS UPDATE t SET k = $2 WHERE k = $1 RETURNING k, v;
EXECUTE p (20, 620);
EXECUTE p (620, 621);
EXECUTE p (621, 20);

-- upserts that repeat the key, as mappers write them
INSERT INTO t (k, v) VALUES (20, 1), (7000, 2) ON CONFLICT (k) DO UPDATE SET k = excluded.k, v = excluded.v + 100 RETURNING k, v;
INSERT INTO t AS x (k, v) VALUES (20, 1) ON CONFLICT (k) DO UPDATE SET k = x.k, v = 55 RETURNING k, v;

MERGE INTO t USING s ON t.k = s.k WHEN MATCHED AND s.v % 2 = 0 THEN UPDATE SET k = t.k + 300 WHEN MATCHED AND s.v = 15 THEN DELETE WHEN NOT MATCHED AND s.v > 55 THEN INSERT (k, v) VALUES (s.k + 400, s.v);
SELECT * FROM t;

-- references
CREATE TABLE parent (k int, id int, PRIMARY KEY (k, id));
CREATE TABLE follow (k int, id int, x int, FOREIGN KEY (k, id) REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE stay (k int, id int, x int, FOREIGN KEY (k, id) REFERENCES parent);
CREATE TABLE fall (k int, id int, x int, FOREIGN KEY (k, id) REFERENCES parent ON DELETE CASCADE);
-- distribute: SELECT create_distributed_table('parent', 'k')
-- distribute: SELECT create_distributed_table('follow', 'k')
-- distribute: SELECT create_distributed_table('stay', 'k')
-- distribute: SELECT create_distributed_table('fall', 'k')
INSERT INTO parent SELECT i, 1 FROM generate_series(1, 10) i;
INSERT INTO follow VALUES (1, 1, 1), (1, 1, 2), (2, 1, 3);
INSERT INTO stay VALUES (2, 1, 4), (3, 1, 5);
INSERT INTO fall VALUES (4, 1, 6), (5, 1, 7);
UPDATE parent SET k = 21 WHERE k = 1;
SELECT * FROM parent;
SELECT * FROM follow;
UPDATE parent SET k = 22 WHERE k = 2;
UPDATE parent SET k = 23 WHERE k = 3;
UPDATE parent SET k = 24 WHERE k = 4;
UPDATE parent SET k = 26 WHERE k = 6;
UPDATE follow SET k = 22 WHERE k = 2;
UPDATE follow SET k = 26 WHERE k = 2;
DELETE FROM parent WHERE k = 5;
SELECT * FROM parent;
SELECT * FROM follow;
SELECT * FROM stay;
SELECT * FROM fall;

-- partitions
CREATE TABLE p (k int, d int, note text) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5);
CREATE TABLE p2 PARTITION OF p DEFAULT;
-- distribute: SELECT create_distributed_table('p', 'k')
INSERT INTO p SELECT i, i, 'n' || i FROM generate_series(1, 12) i;
UPDATE p SET k = k + 100, d = d + 3 RETURNING tableoid::regclass, *;
UPDATE p1 SET k = k + 100 RETURNING *;
UPDATE p2 SET k = 1 WHERE d = 9 RETURNING *;
SELECT tableoid::regclass, * FROM p;

-- types that print as something shorter without a length
CREATE TABLE lengths (k char(10) PRIMARY KEY, b bit(3), n numeric(6, 2), v varchar(4), c char(3));
-- distribute: SELECT create_distributed_table('lengths', 'k')
INSERT INTO lengths VALUES ('one', '101', 1, 'v1', 'c1'), ('two', '011', 2, 'v2', 'c2');
UPDATE lengths SET k = 'three', n = n + 1.239 WHERE k = 'one' RETURNING *;
UPDATE lengths SET b = '111', c = 'xyz' WHERE n > (SELECT avg(n) FROM lengths) OR random() < 0;
MERGE INTO lengths USING (VALUES ('two'), ('four')) s (k) ON lengths.k = s.k
	WHEN MATCHED THEN UPDATE SET k = 'five', c = lengths.c || '' WHEN NOT MATCHED THEN INSERT VALUES (s.k, '000');
SELECT * FROM lengths;
