-- Values that are too long for the column they are assigned to are an error, wherever they are checked.
CREATE TABLE t (k bigint PRIMARY KEY, s text, v varchar(8));
CREATE TABLE u (k bigint PRIMARY KEY, s varchar(12), b bit(3), c char(4), n numeric(4, 1), ts timestamp(0));
CREATE TABLE a (k bigint, e varchar(3)[]);
CREATE TABLE r (k bigint PRIMARY KEY, s varchar(12));
CREATE TABLE plain (k bigint, s varchar(12));
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k')
-- distribute: SELECT create_distributed_table('a', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t VALUES (1, 'longer than a column', 'short'), (2, 'short', 'word'), (3, 'with spaces         ', 'x');
INSERT INTO u (k, s) SELECT k, s FROM t;
INSERT INTO u (k, s) SELECT k, s || '!' FROM t WHERE k <> 2;
INSERT INTO u (k, s) SELECT k + 1, s FROM t;
INSERT INTO u (k, s) SELECT max(k), s FROM t GROUP BY s;
INSERT INTO u (k, s) SELECT k, s FROM t WHERE k = 3;
INSERT INTO u (k, s) SELECT k + 10, s::varchar(12) FROM t;
INSERT INTO u (k, c) SELECT k + 20, s FROM t WHERE k = 1;
INSERT INTO u (k, c) SELECT k + 20, 'abc     ' FROM t;
INSERT INTO u (k, c) SELECT k + 30, CASE WHEN s <> '' THEN 'abc' || repeat(' ', 9) END FROM t;
INSERT INTO u (k, b) SELECT k + 40, CASE WHEN s <> '' THEN B'10101' END FROM t;
INSERT INTO u (k, b) SELECT k + 40, CASE WHEN s <> '' THEN B'101' END FROM t;
INSERT INTO u (k, n, ts) SELECT k + 50, k * 10.26, timestamp '2020-01-01 10:00:00.7' FROM t;
INSERT INTO u (k, n) SELECT k + 60, k * 1000.26 FROM t;
INSERT INTO a SELECT k, ARRAY[s] FROM t;
INSERT INTO a SELECT k + 1, ARRAY[s] FROM t;
INSERT INTO a SELECT k, ARRAY['abc' || repeat(' ', 9)] FROM t;
INSERT INTO r SELECT k, s FROM t;
INSERT INTO r SELECT k, v FROM t;
INSERT INTO plain SELECT k, s FROM t;
INSERT INTO plain SELECT k, v || v || v FROM t WHERE k < 2;
INSERT INTO plain SELECT k, v || v FROM t;
INSERT INTO u (k, s) SELECT k, s FROM t WHERE k < 3 ON CONFLICT (k) DO UPDATE SET s = excluded.s;
INSERT INTO u (k, s) SELECT k, v FROM t ON CONFLICT (k) DO UPDATE SET s = u.s || u.s || excluded.s || 'longer';
UPDATE u SET s = t.s FROM t WHERE t.k = u.k;
UPDATE u SET s = (SELECT s FROM t WHERE t.k = u.k);
UPDATE u SET (s, c) = (SELECT s, s FROM t WHERE t.k = u.k);
UPDATE u SET (c, s) = (SELECT v, s FROM t WHERE t.k = u.k - 10 AND t.k = 2) WHERE k = 12;
UPDATE u SET c = s || s;
UPDATE u SET s = t.s FROM t WHERE t.k = u.k - 50;
MERGE INTO u USING t ON t.k = u.k WHEN MATCHED THEN UPDATE SET s = t.s;
MERGE INTO u USING t ON t.k + 100 = u.k WHEN NOT MATCHED THEN INSERT (k, s) VALUES (t.k + 100, t.s);
MERGE INTO u USING t ON t.k = u.k WHEN NOT MATCHED THEN INSERT (k, s) VALUES (t.k, t.v);
WITH q AS (INSERT INTO u (k, s) SELECT k + 200, v FROM t RETURNING k, s) INSERT INTO r SELECT k, s || ' and more' FROM q;
SELECT * FROM u ORDER BY k;
SELECT * FROM a ORDER BY k;
SELECT * FROM r ORDER BY k;
SELECT * FROM plain ORDER BY k;
