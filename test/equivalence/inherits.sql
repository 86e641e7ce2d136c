-- Parents and children.
CREATE TABLE p (k int, v int, note text DEFAULT 'p', CONSTRAINT v_small CHECK (v < 100000));
CREATE TABLE c1 (own int DEFAULT 7) INHERITS (p);
CREATE TABLE c11 (deep text) INHERITS (c1);
CREATE TABLE other (k int, v int);
INSERT INTO p SELECT i % 10, i FROM generate_series(1, 30) i;
INSERT INTO c1 SELECT i % 10, i, 'c1', i FROM generate_series(101, 120) i;
INSERT INTO c11 SELECT i % 10, i, 'c11', i, 'd' || i FROM generate_series(201, 210) i;
INSERT INTO other SELECT i, i FROM generate_series(1, 5) i;
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('other', 'k')
SELECT count(*), sum(v) FROM p;
SELECT count(*), sum(v) FROM ONLY p;
SELECT count(*), sum(v), sum(own) FROM c1;
SELECT count(*), sum(v) FROM ONLY c1;
SELECT * FROM c11 ORDER BY v;
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
SELECT tableoid::regclass, k, v FROM p WHERE k = 3 ORDER BY v;
SELECT tableoid::regclass, k, v FROM ONLY p WHERE k = 3 ORDER BY v;
SELECT p FROM p WHERE k = 4 ORDER BY p.v;
SELECT a.v, b.v FROM p a JOIN c1 b USING (k) WHERE a.v < 5 ORDER BY 1, 2;
SELECT a.k, count(*) FROM ONLY p a JOIN p b ON a.v < b.v GROUP BY 1 ORDER BY 1;
SELECT o.k, (SELECT count(*) FROM p WHERE p.v > o.v), (SELECT count(*) FROM ONLY p WHERE p.v > o.v) FROM other o ORDER BY 1;
SELECT o.k, count(p.v), count(q.v) FROM other o LEFT JOIN p ON p.k = o.k LEFT JOIN ONLY p q ON q.v = o.v + 1 GROUP BY 1 ORDER BY 1;
WITH RECURSIVE r AS (SELECT k, v FROM ONLY p WHERE v = 1 UNION SELECT p.k, p.v FROM p JOIN r ON p.v = r.v + 1 AND r.v < 29) SELECT count(*), max(v) FROM r;
SELECT grouping(k), k, count(*) FROM p GROUP BY ROLLUP (k) ORDER BY 1, 2;
PREPARE q(int) AS SELECT count(*) FROM p WHERE k = $1;
PREPARE o(int) AS SELECT count(*) FROM ONLY p WHERE k = $1;
EXECUTE q(1);
EXECUTE o(1);
EXECUTE q(2);
EXECUTE o(2);
-- writes
UPDATE p SET note = note || '!' WHERE v % 10 = 0 RETURNING tableoid::regclass, v, note;
UPDATE ONLY p SET note = 'only' WHERE k = 1 RETURNING v;
UPDATE c1 SET own = own + 1 WHERE k = 1 RETURNING v, own;
UPDATE p SET v = v + (SELECT max(own) FROM c11) WHERE k = 2;
DELETE FROM p WHERE v BETWEEN 105 AND 106;
DELETE FROM ONLY p WHERE k = 5;
DELETE FROM p USING other WHERE p.k = other.k AND other.v = 4 AND p.v > 100;
INSERT INTO p VALUES (1, 1000), (2, 2000) RETURNING tableoid::regclass, *;
INSERT INTO c1 (k, v) VALUES (1, 1001);
INSERT INTO c11 SELECT k, v + 5000 FROM p WHERE k = 1;
INSERT INTO p VALUES (1, 200000);
INSERT INTO c11 VALUES (1, 200000);
SELECT tableoid::regclass, count(*), sum(v) FROM p GROUP BY 1 ORDER BY 1;
COPY p (k, v) FROM stdin;
7	70000
8	80000
\.
SELECT count(*) FROM ONLY p;
SELECT v FROM p WHERE k = 3 ORDER BY v FOR UPDATE;
-- new children
CREATE TABLE c2 (k int, v int, note text, extra int, CONSTRAINT v_small CHECK (v < 100000));
INSERT INTO c2 SELECT i % 10, i, 'c2', i FROM generate_series(301, 320) i;
ALTER TABLE c2 INHERIT p;
SELECT count(*) FROM p;
SELECT count(*) FROM c2;
CREATE TABLE c3 () INHERITS (p);
INSERT INTO c3 SELECT i % 10, i FROM generate_series(401, 420) i;
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
-- columns and constraints
ALTER TABLE p ADD COLUMN w int DEFAULT 3;
ALTER TABLE ONLY p ADD COLUMN z int;
ALTER TABLE c1 DROP COLUMN w;
ALTER TABLE p ADD CONSTRAINT w_positive CHECK (w > 0);
INSERT INTO c11 (k, v, w) VALUES (1, 1, -1);
INSERT INTO c2 (k, v, w) VALUES (1, 1, -1);
ALTER TABLE p RENAME COLUMN w TO weight;
SELECT sum(weight) FROM c2;
ALTER TABLE p DROP CONSTRAINT v_small;
INSERT INTO c1 (k, v) VALUES (1, 100001);
INSERT INTO c2 (k, v) VALUES (1, 100001);
ALTER TABLE p DROP COLUMN note;
SELECT note FROM c1;
SELECT count(note) FROM c2;
SELECT column_name FROM information_schema.columns WHERE table_name = 'c11' ORDER BY ordinal_position;
SELECT * FROM c3 WHERE k = 1 ORDER BY v;
ALTER TABLE c2 NO INHERIT p;
SELECT count(*) FROM p;
SELECT count(*) FROM c2;
INSERT INTO c2 VALUES (1, 5);
ALTER TABLE c2 NO INHERIT p;
ALTER TABLE c2 INHERIT p;
CREATE INDEX ON p (v);
CREATE TABLE d (k int, x int);
-- distribute: SELECT create_distributed_table('d', 'k', colocate_with => 'p')
CREATE TABLE both () INHERITS (p, d);
INSERT INTO both (k, v, x) SELECT i, i, i FROM generate_series(1, 9) i;
SELECT count(*) FROM d;
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
TRUNCATE ONLY p;
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
TRUNCATE c1;
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
DROP TABLE p;
DROP TABLE c2;
SELECT count(*) FROM p;
BEGIN;
TRUNCATE p;
SELECT count(*) FROM p;
ROLLBACK;
SELECT count(*) FROM p;
DROP TABLE p CASCADE;
SELECT 1 FROM c11;
SELECT count(*) FROM d;
DROP TABLE d, other;
-- writes that find their rows first, and rows that move
CREATE TABLE p (k int, v int);
CREATE TABLE c (w int) INHERITS (p);
CREATE TABLE s (a int, b int);
INSERT INTO p SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO c SELECT i, i, i FROM generate_series(1, 20) i;
INSERT INTO s SELECT i, i * 3 FROM generate_series(1, 7) i;
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('s', 'a')
UPDATE p SET v = p.v + s.a FROM s WHERE p.v = s.b RETURNING p.tableoid::regclass, p.k, p.v;
DELETE FROM ONLY p USING s WHERE p.v = s.b + 2 RETURNING *;
UPDATE p SET v = v + 100 WHERE v > (SELECT avg(v) FROM p) RETURNING tableoid::regclass, k, v;
UPDATE ONLY p SET k = k + 1000 WHERE k IN (2, 3) RETURNING tableoid::regclass, k, v;
UPDATE c SET k = k + 1000 WHERE k IN (2, 3) RETURNING tableoid::regclass, k, v, w;
UPDATE p SET k = k WHERE k = 6;
UPDATE ONLY p SET k = k + 2000 WHERE k = 4;
UPDATE c SET k = -k, w = 0 WHERE k = 5;
SELECT tableoid::regclass, * FROM p ORDER BY 1, 2, 3;
SELECT * FROM c ORDER BY k, v;
DROP TABLE p CASCADE;
DROP TABLE s;
