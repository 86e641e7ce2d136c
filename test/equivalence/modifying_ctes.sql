-- Parts of a statement that change a table and parts that read it: all see the rows as they were.
-- only: distributed single
CREATE TABLE x (k int PRIMARY KEY, v int);
CREATE TABLE y (k int, v int);
CREATE TABLE lx (k int, v int);
CREATE TABLE p (k int, d int) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5);
CREATE TABLE p2 PARTITION OF p DEFAULT;
-- distribute: SELECT create_distributed_table('x', 'k')
-- distribute: SELECT create_distributed_table('y', 'v', colocate_with => 'none')
-- distribute: SELECT create_distributed_table('p', 'k', colocate_with => 'none')
INSERT INTO x SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO y SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO lx SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO p SELECT i, i FROM generate_series(1, 10) i;
WITH d AS (DELETE FROM x WHERE k < 3 RETURNING *) SELECT count(*) FROM x;
WITH d AS (DELETE FROM x WHERE k < 5 RETURNING *) SELECT x.k, d.k FROM x LEFT JOIN d ON x.k = d.k + 1;
WITH a AS (UPDATE x SET v = 0 WHERE k > 7 RETURNING *), b AS (UPDATE x SET v = v + 100 WHERE k <= 7 RETURNING *) SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT sum(v) FROM x);
SELECT * FROM x;
WITH i AS (INSERT INTO x SELECT k + 20, v FROM x RETURNING *) UPDATE x SET v = x.v + (SELECT count(*) FROM i) RETURNING *;
WITH i AS (INSERT INTO x VALUES (50, 50) RETURNING *) DELETE FROM x USING i WHERE x.k > 24 RETURNING x.*, i.k;
SELECT * FROM x;
WITH d AS (DELETE FROM lx WHERE k < 4 RETURNING *) INSERT INTO x SELECT k + 60, v FROM lx WHERE k > 3;
WITH d AS (DELETE FROM y WHERE k < 4 RETURNING *), m AS (UPDATE x SET v = -1 FROM d WHERE d.k + 60 = x.k RETURNING x.k) INSERT INTO y SELECT count(*), (SELECT count(*) FROM m) FROM y, x RETURNING *;
SELECT * FROM x;
SELECT * FROM y;
WITH q AS (SELECT k, random() AS r FROM x), d AS (DELETE FROM x USING q WHERE q.k = x.k AND q.r < 0.5 RETURNING x.k) SELECT count(*) = (SELECT count(*) FROM q WHERE r < 0.5) FROM d;
-- differs: how many rows are left is random
DELETE FROM x;
INSERT INTO x SELECT i, i FROM generate_series(1, 10) i;
-- whole rows and system columns of a table that another part changes
WITH u AS (UPDATE x SET v = v + 1 WHERE k < 4 RETURNING k) SELECT x FROM x WHERE k < 6;
WITH u AS (UPDATE x SET v = v + 1 WHERE k < 4 RETURNING k) SELECT x.xmin IS NOT NULL, x.ctid IS NOT NULL, x.tableoid::regclass, k, cmax IS NULL FROM x WHERE k < 6;
WITH u AS (DELETE FROM x WHERE k = 1 RETURNING k) SELECT y.k, x, x IS NULL, x.tableoid::regclass, to_jsonb(x) FROM y LEFT JOIN x ON x.k = y.k AND x.k < 4;
WITH u AS (UPDATE x SET v = v + 1 WHERE k < 4 RETURNING *) SELECT (SELECT count(DISTINCT x.ctid) FROM x), (SELECT max(x::text) FROM x WHERE x.k = u.k) FROM u;
-- expressions of RETURNING run apart from the statement they belong to
WITH u AS (UPDATE x SET v = v + 1 WHERE k < 8 RETURNING *) UPDATE x SET v = 0 FROM u WHERE u.k = x.k - 5 RETURNING x.k + 1, u;
WITH u AS (UPDATE x SET v = v + 1 WHERE k < 8 RETURNING *) DELETE FROM x USING y, u WHERE y.k = x.k AND x.k = u.k + 1 RETURNING x;
WITH d AS (DELETE FROM x WHERE k < 3 RETURNING *) MERGE INTO x USING (SELECT * FROM y WHERE k > 4) z ON x.k = z.k WHEN MATCHED THEN UPDATE SET v = 9 WHEN NOT MATCHED THEN INSERT VALUES (z.k + 200, 0);
SELECT * FROM x;
WITH d AS (DELETE FROM x RETURNING *), i AS (INSERT INTO y SELECT * FROM d RETURNING k) SELECT (SELECT count(*) FROM x), (SELECT count(*) FROM y), (SELECT count(*) FROM i);
SELECT count(*) FROM x;
WITH d AS (DELETE FROM p1 RETURNING *) SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM p1), (SELECT count(*) FROM d);
WITH d AS (UPDATE p SET d = d + 100 RETURNING *) DELETE FROM p2 WHERE k = 11 RETURNING *;
SELECT * FROM p;
WITH m AS (UPDATE p SET k = k + 1000 RETURNING k), n AS (INSERT INTO lx SELECT * FROM p RETURNING *) SELECT (SELECT sum(k) FROM m), (SELECT sum(k) FROM n), (SELECT sum(k) FROM p);
SELECT * FROM p;
-- rows that are new, where only reference tables are read
CREATE TABLE r (k int, v int);
-- distribute: SELECT create_reference_table('r')
INSERT INTO r SELECT i, i FROM generate_series(500, 540) i;
WITH i AS (INSERT INTO x SELECT k, v FROM r RETURNING k) SELECT count(*), sum(k) FROM i;
WITH i AS (INSERT INTO x VALUES (541, 1), (542, 2) RETURNING *) SELECT i.k, i.v, r.v FROM i LEFT JOIN r ON i.k = r.k + 2;
WITH i AS (INSERT INTO x SELECT k + 100, v FROM r) SELECT count(*) FROM r;
WITH m AS (MERGE INTO x USING r ON x.k = r.k WHEN MATCHED THEN UPDATE SET v = -1 WHEN NOT MATCHED THEN INSERT VALUES (r.k, 0) RETURNING x.k) SELECT count(*), sum(k) FROM m;
WITH d AS (DELETE FROM x USING r WHERE x.k = r.k + 100 RETURNING x.k) SELECT count(*), sum(k) FROM d;
SELECT count(*), sum(k), sum(v) FROM x;
WITH i AS (INSERT INTO lx SELECT k, v FROM r RETURNING k) SELECT count(*) FROM i, r WHERE i.k = r.k;
WITH i AS (INSERT INTO lx VALUES (1000, 0) RETURNING k) SELECT i.k, count(*) FROM i, r GROUP BY 1;
SELECT count(*), sum(k) FROM lx;
