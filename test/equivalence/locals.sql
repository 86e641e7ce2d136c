-- Local, temporary, distributed and reference tables in one statement, views and materialised views.
CREATE TABLE d (k int PRIMARY KEY, v int);
CREATE TABLE r (id int PRIMARY KEY, name text);
CREATE TABLE l (a int, b text);
CREATE TEMP TABLE tmp (a int);
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO d SELECT i, i % 6 FROM generate_series(1, 60) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 5) i;
INSERT INTO l SELECT i, 'l' || i FROM generate_series(1, 10) i;
INSERT INTO tmp VALUES (3), (4), (5), (1000);

SELECT d.k, l.b FROM d JOIN l ON l.a = d.k;
SELECT l.b, d.v FROM l LEFT JOIN d ON d.k = l.a + 55;
SELECT r.name, l.b FROM r JOIN l ON l.a = r.id;
SELECT d.k, r.name, l.b FROM d JOIN r ON r.id = d.v JOIN l ON l.a = d.k;
SELECT d.k FROM d WHERE k IN (SELECT a FROM tmp);
SELECT tmp.a, d.k FROM tmp LEFT JOIN d ON d.k = tmp.a;
INSERT INTO l SELECT k, 'from d' FROM d WHERE v = 2;
INSERT INTO tmp SELECT k FROM d WHERE k > 55;
SELECT count(*) FROM l;
SELECT count(*) FROM tmp;
UPDATE l SET b = 'seen' WHERE a IN (SELECT k FROM d WHERE v = 1);
UPDATE l SET b = d.v::text FROM d WHERE d.k = l.a AND d.k < 4;
DELETE FROM l USING d WHERE d.k = l.a AND d.v = 3;
SELECT * FROM l ORDER BY a, b;
UPDATE d SET v = 100 FROM l WHERE l.a = d.k AND l.b = 'seen';
DELETE FROM d USING tmp WHERE tmp.a = d.k RETURNING d.k;
SELECT count(*), sum(v) FROM d;
CREATE VIEW dv AS SELECT k, v, name FROM d LEFT JOIN r ON r.id = d.v;
SELECT * FROM dv WHERE k = 7;
SELECT name, count(*) FROM dv GROUP BY name;
CREATE MATERIALIZED VIEW mv AS SELECT v, count(*) AS n FROM d GROUP BY v;
SELECT * FROM mv ORDER BY v;
INSERT INTO d VALUES (1001, 1);
REFRESH MATERIALIZED VIEW mv;
SELECT * FROM mv ORDER BY v;
CREATE TABLE made AS SELECT * FROM d WHERE k < 9;
SELECT count(*) FROM made;
SELECT k, v INTO made2 FROM d WHERE v = 5;
SELECT count(*) FROM made2;
SELECT count(*) FROM pg_class c JOIN d ON d.k = c.relnatts WHERE c.relname = 'pg_class';
