-- Assignments to fields and elements of columns, several to one column; casts with a length.
CREATE TYPE pair AS (x int, y int, z int[]);
CREATE DOMAIN dpair AS pair CHECK ((VALUE).x > 0 OR (VALUE).x IS NULL);
CREATE TABLE t (k int PRIMARY KEY, a int[], p point, c pair, cs pair[], d dpair);
-- distribute: SELECT create_distributed_table('t', 'k')
CREATE TABLE src (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('src', 'k')
INSERT INTO src SELECT i, i * 10 FROM generate_series(1, 5) i;

INSERT INTO t VALUES (1, '{1,2,3}', '(1,2)', (1, 2, '{3}'), ARRAY[(1, 2, '{3}')::pair], (1, 2, '{3}'));
INSERT INTO t (k, c.x, c.z) VALUES (2, 5, '{6}');
INSERT INTO t (k, c.x, c.y, cs[1].x, cs[2].y, a[2], a[4]) VALUES (3, 5, 6, 7, 8, 9, 10), (4, 9, 9, 9, 9, 9, 9);
INSERT INTO t (k, c.x, c.z[2], d.x, d.y) SELECT k + 10, v, k, 1, v FROM src;
INSERT INTO t (k, c.y, d.y) SELECT 100, max(v), 1 FROM src;
SELECT * FROM t;
UPDATE t SET a[1] = 10, a[3] = 30, p[0] = -10, p[1] = -11 WHERE k = 1 RETURNING a, p::text;
UPDATE t SET c.x = 10, c.y = 30 WHERE k = 1 RETURNING c;
UPDATE t SET c.x = (c).y, c.y = (c).x, c.z[1] = 7, c.z[2] = 8 RETURNING k, c;
UPDATE t SET cs[1].y = 5, cs[1].x = 6, d.x = 1, d.y = 2 RETURNING cs, d;
UPDATE t SET d.x = -1, d.y = 3 WHERE k = 1;
UPDATE t SET (c.x, c.y) = (SELECT v, v + 1 FROM src WHERE src.k = t.k), a[1:2] = '{8,9}', a[3] = 4 WHERE k < 5 RETURNING c, a;
UPDATE t SET c.x = v, c.y = -v FROM src WHERE src.k = t.k RETURNING t.k, c;
INSERT INTO t (k, c.x) VALUES (1, 5), (50, 6) ON CONFLICT (k) DO UPDATE SET c.x = excluded.k + 70, c.y = 80, a[1] = 0, a[2] = 1;
MERGE INTO t USING src ON t.k = src.k WHEN MATCHED THEN UPDATE SET c.x = v + 1, c.y = v + 2, a[5] = 1, a[6] = 2;
WITH w AS (UPDATE t SET c.x = 1, c.y = 2 WHERE k < 3 RETURNING k, c) SELECT * FROM w;
SELECT * FROM t;

-- what a cast's length or EXTRACT's field says is not a value
CREATE TABLE l (at timestamp(2), n numeric(6, 2), s varchar(4), k int);
-- distribute: SELECT create_distributed_table('l', 'at', colocate_with => 'none')
INSERT INTO l VALUES ('2024-05-06 07:08:09.126', 1.255, 'abcd', 1), ('2024-05-06 07:08:09.124', 2, 'x', 2);
SELECT count(*) FROM l WHERE at = timestamp(2) '2024-05-06 07:08:09.1261';
SELECT count(*) FROM l WHERE at = timestamp(2) '2024-05-06 07:08:09.1199';
SELECT count(*) FROM l WHERE at = timestamp(2) '2024-05-06 07:08:09.1261' AND n = 1.2551::numeric(6, 2) AND s = 'abcdef'::varchar(4);
SELECT count(*) FROM l WHERE at = timestamp(2) '2024-05-06 07:08:09.1261' AND n = 1.2551::numeric(6, 1);
SELECT count(*) FROM l WHERE at = '2024-05-06 07:08:09.13' AND extract(hour FROM at) = 7 AND position('b' IN s) = 2 AND substring(s FROM 2 FOR 2) = 'bc';
SELECT count(*) FROM l WHERE at = '2024-05-06 07:08:09.13' AND extract(minute FROM at) = 8 AND s LIKE 'a%' AND overlay(s PLACING 'zz' FROM 1 FOR 2) = 'zzcd';
SELECT count(*) FROM l WHERE at = '2024-05-06 07:08:09.13' AND (at AT TIME ZONE 'UTC') IS NOT NULL AND (at, at) OVERLAPS (at, at) AND normalize(s, NFC) = s;
UPDATE l SET n = 3.14159::numeric(5, 1), s = 'overlong'::varchar(3) WHERE at = '2024-05-06 07:08:09.13' RETURNING *;
INSERT INTO l VALUES (timestamp(0) '2024-01-01 00:00:00.7', 5.678::numeric(4, 1), 'abcdefgh'::varchar(2), 3);
SELECT * FROM l;
SELECT interval(0) '1.7 seconds' AS i, k FROM l WHERE at = timestamp(0) '2024-01-01 00:00:00.7';

-- set-returning functions after ORDER BY
SELECT k, generate_series(1, 3) AS g FROM src ORDER BY k DESC;
SELECT k, generate_series(1, 3) AS g FROM src ORDER BY v LIMIT 7;
SELECT k, generate_series(1, 2) AS g FROM src ORDER BY g, k;
SELECT generate_series(1, 2) AS g, count(*) FROM src GROUP BY v ORDER BY v LIMIT 3;
