-- Statements that differ in their constants only, planned once a session; what they depend on changes between them.
CREATE TABLE t (k int PRIMARY KEY, r int, s text, n numeric(6,2) DEFAULT 1.5);
-- distribute: SELECT create_distributed_table('t', 'k')
CREATE TABLE u (k int, i int, v varchar(4), PRIMARY KEY (k, i));
-- distribute: SELECT create_distributed_table('u', 'k')
CREATE TABLE r (id int PRIMARY KEY, name text);
-- distribute: SELECT create_reference_table('r')

-- one row
INSERT INTO t VALUES (1, 1, 'one', 10);
INSERT INTO t VALUES (2, 2, 'two', 20.005);
INSERT INTO t VALUES (3, NULL, 'three', '30');
INSERT INTO t (s, k) VALUES ('four', 2 + 2);
INSERT INTO t (s, k) VALUES ('five', 2 + 3);
INSERT INTO t (s, k) VALUES (upper('six'), 6) RETURNING *, 'x' || s;
INSERT INTO t (s, k) VALUES (upper('seven'), 7) RETURNING *, 'x' || s;
INSERT INTO t (s, k) VALUES ('again', 7);
INSERT INTO t (s, k) VALUES ('again', 7) ON CONFLICT (k) DO UPDATE SET s = excluded.s || 1;
INSERT INTO t (s, k) VALUES ('again', 6) ON CONFLICT (k) DO UPDATE SET s = excluded.s || 2;
INSERT INTO t (s, k) VALUES ('again', 8) ON CONFLICT (k) DO UPDATE SET s = excluded.s || 2 RETURNING s;
-- differs: SQLSTATE, a key is needed to find the shard
INSERT INTO t (s, k) VALUES ('null', NULL);
-- differs: SQLSTATE, a key is needed to find the shard
INSERT INTO t (s) VALUES ('none');
INSERT INTO t VALUES (9, 1 / 0);
INSERT INTO t VALUES (9, 1, 'nine', 1000000);
INSERT INTO t VALUES (9, 3000000000);
INSERT INTO t VALUES (9, 9, 'nine', 9);
INSERT INTO u VALUES (1, 1, 'abcd');
INSERT INTO u VALUES (1, 2, 'abcd   ');
INSERT INTO u VALUES (1, 3, 'abcde');
INSERT INTO u VALUES (2, 1, 'b'::char(3));
SELECT * FROM t ORDER BY k;
SELECT *, length(v) FROM u ORDER BY k, i;

-- what rows depend on changes
ALTER TABLE t ALTER COLUMN n SET DEFAULT 2.5;
INSERT INTO t (s, k) VALUES ('ten', 10);
ALTER TABLE t ADD COLUMN extra text DEFAULT 'more';
INSERT INTO t (s, k) VALUES ('eleven', 11);
INSERT INTO t VALUES (12, 1, 'twelve', 12, 'given');
ALTER TABLE t DROP COLUMN r;
INSERT INTO t (s, k) VALUES ('thirteen', 13);
INSERT INTO t VALUES (14, 'fourteen', 14, 'given');
ALTER TABLE t ADD COLUMN r int DEFAULT 1;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 100';
INSERT INTO u VALUES (f(1), 1, 'f');
CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 200';
INSERT INTO u VALUES (f(1), 1, 'f');
CREATE DOMAIN small AS int;
INSERT INTO u VALUES (300, 5::small, 'd');
INSERT INTO u VALUES (300, 50::small, 'd');
ALTER DOMAIN small ADD CHECK (VALUE < 10);
INSERT INTO u VALUES (300, 6::small, 'd');
INSERT INTO u VALUES (300, 60::small, 'd');
SELECT * FROM t ORDER BY k;
SELECT * FROM u ORDER BY k, i;

-- joins by key
INSERT INTO r SELECT i, 'name ' || i FROM generate_series(1, 20) i;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = 1;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = 10;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = 11;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = NULL;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = 1 AND k = 2;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = 1 AND k = 1;
SELECT t.k, s, name FROM t LEFT JOIN r ON r.id = t.k AND r.name <> 'name 2' WHERE k = 2;
SELECT t.k, s, name FROM t LEFT JOIN r ON r.id = t.k AND r.name <> 'name 2' WHERE k = 3;
SELECT t.k, s, name FROM t LEFT JOIN r ON r.id = t.k AND r.name <> 'name 4' WHERE k = 3;
SELECT t.s, u.v FROM t, u WHERE t.k = 1 AND u.k = t.k AND u.i = 1;
SELECT t.s, u.v FROM t, u WHERE t.k = 1 AND u.k = t.k AND u.i = 2;
SELECT t.s, u.v FROM t, u WHERE t.k = 1 AND u.k = 1 AND u.i = 1;
SELECT t.s, u.v FROM t, u WHERE t.k = 1 AND u.k = 2 AND u.i = 1;
SELECT t.s, u.v FROM t, u WHERE t.k = 2 AND u.k = 1 AND u.i = 2;
SELECT count(*), max(name) FROM t JOIN r USING (r) WHERE k = 1;
SELECT count(*), max(name) FROM t JOIN r ON true WHERE k = 1 AND id > 5 GROUP BY id % 2 ORDER BY 1, 2 LIMIT 1;
SELECT count(*), max(name) FROM t JOIN r ON true WHERE k = 1 AND id > 15 GROUP BY id % 2 ORDER BY 1, 2 LIMIT 1;
SELECT count(*), max(name) FROM t JOIN r ON true WHERE k = 1000 AND id > 15;
SELECT s FROM t JOIN r ON r.id = t.r WHERE k IN (1) AND name LIKE 'name%' FOR UPDATE OF t;
SELECT s FROM t JOIN r ON r.id = t.r WHERE k IN (2) AND name LIKE 'name 1%' FOR UPDATE OF t;
ALTER TABLE r RENAME COLUMN name TO label;
SELECT t.k, s, name FROM t JOIN r ON r.id = t.r WHERE k = 1;
SELECT t.k, s, label FROM t JOIN r ON r.id = t.r WHERE k = 1;
ALTER TABLE r ALTER COLUMN label TYPE varchar(6);
SELECT t.k, s, label FROM t JOIN r ON r.id = t.r WHERE k = 1;
PREPARE p (int) AS SELECT s, label FROM t JOIN r ON r.id = t.r WHERE k = $1 AND id > 0;
EXECUTE p (1);
EXECUTE p (2);
EXECUTE p (10);
DEALLOCATE p;
DROP TABLE t, u, r;
DROP FUNCTION f(int);
DROP DOMAIN small;
