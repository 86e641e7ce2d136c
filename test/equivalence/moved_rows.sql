-- Joins off the distribution key: rows move between shards.
-- only: distributed single
-- distribute: SET citus.shard_count TO 6
-- distribute: SET citus.direct_move_threshold TO 0
CREATE TABLE a (k int, x int, y int8, s text, n numeric, d date, f float8, v varchar(8), b bool, i interval, j jsonb, u uuid, r int[], sm int2, c char(4), by bytea, ts timestamptz);
-- distribute: SELECT create_distributed_table('a', 'k')
CREATE TABLE b (k int, x int, y int8, s text, n numeric, d date, f float8, v varchar(8), b bool, i interval, j jsonb, u uuid, r int[], sm int2, c char(4), by bytea, ts timestamptz);
-- distribute: SELECT create_distributed_table('b', 'k')
CREATE TABLE o (id bigint PRIMARY KEY, x int, s text);
-- distribute: SELECT create_distributed_table('o', 'id', colocate_with => 'none', shard_count => 7)
CREATE TABLE r (id int, name text);
-- distribute: SELECT create_reference_table('r')
CREATE TABLE p (k int, x int, at date) PARTITION BY RANGE (at);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
-- distribute: SELECT create_distributed_table('p', 'k')
CREATE TABLE empty (k int, x int);
-- distribute: SELECT create_distributed_table('empty', 'k')
INSERT INTO a SELECT i, nullif(i % 40, 7), i % 30, 's' || i % 11, i * 0.5, date '2024-01-01' + i % 50, nullif(i % 9, 4) / 4.0, 'v' || i % 13, i % 3 = 0,
    i * interval '1 hour', jsonb_build_object('i', i), md5(i::text)::uuid, ARRAY[i, i + 1], i % 20, 'c' || i % 5, decode(md5(i::text), 'hex'), timestamptz '2024-01-01 00:00+00' + i * interval '1 min'
    FROM generate_series(1, 200) i;
INSERT INTO b SELECT i * 3, nullif(i % 50, 7), i % 25, 's' || i % 17, i, date '2024-01-20' + i % 50, nullif(i % 7, 3) / 4.0, 'v' || i % 17, i % 2 = 0,
    i * interval '30 min', jsonb_build_object('i', i), md5((i + 20)::text)::uuid, ARRAY[i, i + 1], i % 30, 'c' || i % 7, decode(md5((i + 30)::text), 'hex'), timestamptz '2024-01-01 00:00+00' + i * interval '2 min'
    FROM generate_series(1, 150) i;
INSERT INTO o SELECT i, i % 10, 's' || i % 6 FROM generate_series(1, 60) i;
INSERT INTO r SELECT i, 'name ' || i FROM generate_series(1, 12) i;
INSERT INTO p SELECT i, i % 20, date '2024-01-01' + i % 55 FROM generate_series(1, 120) i;

-- inner
SELECT count(*), sum(a.k + b.k) FROM a JOIN b ON a.x = b.x;
-- LATERAL: what the moved rows are compared with is the outer row's
SELECT count(*), sum(a.k) FROM a LEFT JOIN LATERAL (SELECT a.sm AS c, b.k, b.x FROM b) s ON a.x = s.x WHERE s.c = s.k AND a.k < 100;
SELECT count(*), sum(a.k) FROM a LEFT JOIN LATERAL (SELECT a.k + 0 AS c, b.k, b.x FROM b) s ON a.x = s.x WHERE s.c = s.k;
SELECT count(*), sum(a.k), max(b.s) FROM a, b WHERE a.y = b.x AND a.k < 100;
SELECT a.k, b.k FROM a JOIN b ON a.k = b.x;
SELECT a.k, b.k FROM a JOIN b ON a.x = b.k WHERE a.b;
SELECT a.k, a.s, b.s FROM a JOIN b USING (x) WHERE b.k < 60 ORDER BY 1, 3, b.k;
SELECT x, count(*) FROM a NATURAL JOIN (SELECT x, s FROM b) z GROUP BY x;
SELECT count(*) FROM a JOIN b ON a.s = b.v OR a.x = b.x;
SELECT count(*) FROM a JOIN b ON a.x < b.x;
SELECT count(*) FROM a CROSS JOIN o;
-- of all types
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.n = b.n;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.d = b.d;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.f = b.f;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.v = b.v;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.v = b.s;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.i = b.i;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.j = b.j;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.u = b.u;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.r = b.r;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.sm = b.y;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.c = b.c;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.by = b.by;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.ts = b.ts AND a.b = b.b;
SELECT count(*), min(a.k), max(b.k) FROM a JOIN b ON a.x = b.n;
SELECT a.j, a.u, a.r, a.c, a.by, a.ts, a.i, a.f, a.d, b.n, b.v, b.b FROM a JOIN b ON a.x = b.y WHERE a.k < 30;
-- outer
SELECT a.k, a.x, b.k, b.x FROM a LEFT JOIN b ON a.x = b.x WHERE a.k < 80;
SELECT a.k, b.k FROM a RIGHT JOIN b ON a.x = b.x AND a.k > 100;
SELECT a.k, a.x, b.k, b.x FROM a FULL JOIN b ON a.x = b.x;
SELECT a.k, b.k FROM a FULL JOIN b ON a.x = b.x AND a.b;
SELECT count(*), count(b.k) FROM a LEFT JOIN b ON a.x = b.x AND b.k > 1000;
SELECT count(*), count(b.k) FROM a LEFT JOIN b ON a.x = b.x AND a.k > 100 WHERE a.s <> 's1';
SELECT count(*), count(b.k) FROM a LEFT JOIN b ON a.x = b.x WHERE b.k IS NULL;
SELECT count(*), count(e.k) FROM a LEFT JOIN empty e ON a.x = e.x;
SELECT count(*), count(a.k) FROM a RIGHT JOIN empty e ON a.x = e.x;
SELECT count(*), count(o.id) FROM (a LEFT JOIN b ON a.x = b.x) LEFT JOIN o ON o.x = a.x AND b.s = 's3';
SELECT count(*), count(o.id) FROM (a LEFT JOIN b ON a.x = b.x) LEFT JOIN o ON o.x = b.x;
-- semi, anti
SELECT k FROM a WHERE x IN (SELECT x FROM b);
SELECT k FROM a WHERE x IN (SELECT x FROM b WHERE b.s > a.s);
SELECT k FROM a WHERE x NOT IN (SELECT x FROM b WHERE x IS NOT NULL);
SELECT k FROM a WHERE x NOT IN (SELECT x FROM b);
SELECT k FROM a WHERE EXISTS (SELECT FROM b WHERE b.x = a.x AND b.k > a.k);
SELECT k FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.x = a.x);
SELECT k, (SELECT max(b.k) FROM b WHERE b.x = a.x) FROM a WHERE k < 50;
SELECT k FROM a WHERE n > (SELECT avg(n) FROM b WHERE b.x = a.x);
-- several
SELECT count(*), sum(o.id) FROM a JOIN b ON a.x = b.x JOIN o ON o.x = b.x;
SELECT count(*), sum(o.id) FROM a JOIN b USING (k) JOIN o ON o.x = b.x;
SELECT count(*) FROM a JOIN b USING (k) JOIN o ON o.s = a.s AND o.x = b.x;
SELECT count(*) FROM a JOIN b ON a.x = b.x JOIN r ON r.id = a.y;
SELECT r.name, count(*) FROM r LEFT JOIN a ON r.id = a.y LEFT JOIN b ON b.x = a.x GROUP BY 1;
SELECT count(*) FROM a a1 JOIN a a2 ON a1.x = a2.y JOIN a a3 ON a3.k = a2.y;
SELECT count(*), sum(p.k) FROM p JOIN a ON p.x = a.y WHERE p.at < '2024-02-10';
SELECT x, count(*) FROM (SELECT a.x, b.k FROM a JOIN b ON a.x = b.x WHERE b.k < 200) z GROUP BY x HAVING count(*) > 2;
SELECT a.x, count(*), count(DISTINCT b.s), stddev(b.n) FROM a JOIN b ON a.x = b.x GROUP BY a.x ORDER BY 2 DESC, 1 LIMIT 5;
SELECT DISTINCT a.s FROM a JOIN b ON a.x = b.x WHERE b.k % 2 = 0 ORDER BY 1;
SELECT a.k, row_number() OVER (PARTITION BY a.x ORDER BY a.k, b.k) FROM a JOIN b ON a.x = b.x WHERE a.k < 30;
SELECT a.k FROM a JOIN b ON a.x = b.x UNION SELECT o.id FROM o JOIN a ON o.x = a.x;
WITH w AS (SELECT a.x, b.k FROM a JOIN b ON a.x = b.x) SELECT count(*), (SELECT max(k) FROM w) FROM w;
SELECT (SELECT count(*) FROM a JOIN b ON a.x = b.x) + count(*) FROM r;
SELECT count(*) FROM (SELECT k, x FROM a WHERE s = 's1') a1 JOIN (SELECT x, max(k) AS m FROM b GROUP BY x) b1 ON a1.x = b1.x;
SELECT a.k, z.k FROM a, LATERAL (SELECT b.k FROM b WHERE b.x = a.x ORDER BY b.k LIMIT 2) z WHERE a.k < 20;
SELECT count(*) FROM a JOIN r ON a.y = r.id JOIN LATERAL (SELECT FROM b t10 JOIN o ON t10.k = r.id UNION ALL SELECT FROM b WHERE b.k = r.id) x ON true;
SELECT count(*) FROM a CROSS JOIN LATERAL (SELECT b.x, b.y FROM b JOIN o ON b.n = a.n UNION SELECT o.x, o.id FROM o WHERE o.x > a.x) z WHERE a.k < 10;
-- conditions, parameters, constants
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k = 5;
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.x = 5;
SELECT count(*) FROM a JOIN b ON a.k = b.x WHERE a.k IN (5, 6, 9);
SELECT count(*) FROM a JOIN b ON a.k = b.x WHERE b.x = 11;
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k = 5 AND a.k = 6;
SELECT count(*) FROM a JOIN b ON a.x = b.x AND a.d < now()::date;
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE false;
PREPARE q (int, text) AS SELECT a.k, b.k FROM a JOIN b ON a.x = b.x WHERE a.k < $1 AND b.s <> $2;
EXECUTE q (20, 's1');
EXECUTE q (10, 's2');
EXECUTE q (10, 's2');
EXECUTE q (10, 's2');
EXECUTE q (10, 's2');
EXECUTE q (10, 's2');
EXECUTE q (0, 's2');
SELECT a.*, b FROM a JOIN b ON a.x = b.x WHERE a.k < 3;
SELECT count(*), count(a.tableoid > 0) FROM a JOIN b ON a.x = b.x;
-- in a transaction: what was written is seen
BEGIN;
INSERT INTO a (k, x) VALUES (1001, 1), (1002, 2);
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k > 1000;
SAVEPOINT s;
DELETE FROM b WHERE x = 1;
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k > 1000;
ROLLBACK TO s;
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k > 1000;
ROLLBACK;
-- errors in the middle, cursors, functions
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE 1 / (b.k - 30) > 5;
SELECT sum(1 / (a.k - b.k)) FROM a JOIN b ON a.x = b.x;
BEGIN;
DECLARE c CURSOR FOR SELECT a.k, b.k FROM a JOIN b ON a.x = b.x ORDER BY 1, 2;
FETCH 3 FROM c;
SELECT count(*) FROM a JOIN b ON a.x = b.x;
FETCH 2 FROM c;
COMMIT;
CREATE FUNCTION pairs (int) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k < $1 $$;
SELECT pairs(10), pairs(50);
SELECT id, pairs(id) FROM r WHERE id < 4;
CREATE VIEW joined AS SELECT a.k, b.k AS bk, a.s FROM a JOIN b ON a.x = b.x;
SELECT s, count(*) FROM joined WHERE k < 100 GROUP BY s;
INSERT INTO empty SELECT a.k, b.k FROM a JOIN b ON a.x = b.x;
SELECT count(*), sum(k), sum(x) FROM empty;
ANALYZE a, b, o;
SELECT count(*), sum(a.k + b.k) FROM a JOIN b ON a.x = b.x;
SELECT count(*), sum(o.id) FROM a JOIN b USING (k) JOIN o ON o.x = b.x;
-- values larger than what is sent at once, and more rows than fit in a chunk
CREATE TABLE large (k int, x int, s text);
CREATE TABLE many (k int, x int, s text);
-- distribute: SELECT create_distributed_table('large', 'k'), create_distributed_table('many', 'k', colocate_with => 'large')
INSERT INTO large SELECT i, i * 3, repeat(md5(i::text), 60000) FROM generate_series(1, 5) i;
INSERT INTO large SELECT i, i * 3, 'short' FROM generate_series(6, 4000) i;
INSERT INTO many SELECT i, nullif(i % 5000, 3), md5(i::text) FROM generate_series(1, 20000) i;
ANALYZE large, many;
SELECT count(*), sum(length(l.s)), sum(hashtext(l.s)::bigint), sum(hashtext(m.s)::bigint) FROM large l JOIN many m ON m.x = l.x;
SELECT count(*), sum(length(l.s)), count(m.k) FROM large l LEFT JOIN many m ON m.x = l.x;
SELECT count(*), count(l.k), count(m.k) FROM large l FULL JOIN many m ON m.x = l.x;
SELECT count(*), sum(length(s)) FROM large WHERE x NOT IN (SELECT x FROM many WHERE x IS NOT NULL);
SELECT count(*) FROM many m WHERE EXISTS (SELECT FROM large l WHERE l.x = m.x);
SELECT count(*) FROM many m JOIN large l ON m.x < l.x AND l.k < 10 AND m.k < 3000;
SELECT count(*) FROM many m JOIN large l ON m.x = l.x WHERE m.k = 17;
SELECT count(*), count(l.k) FROM many m LEFT JOIN large l ON m.x = l.x AND false;
-- again in the same transaction, with its own changes, and after a rollback
BEGIN;
UPDATE many SET x = x + 1 WHERE k <= 100;
SELECT count(*), sum(l.k) FROM large l JOIN many m ON m.x = l.x;
SAVEPOINT s;
DELETE FROM large WHERE k > 2000;
SELECT count(*), sum(l.k) FROM large l JOIN many m ON m.x = l.x;
ROLLBACK TO SAVEPOINT s;
SELECT count(*), sum(l.k) FROM large l JOIN many m ON m.x = l.x;
INSERT INTO many SELECT x, k, s FROM large WHERE k <= 3000;
SELECT count(*), sum(k), sum(x), sum(length(s)) FROM many;
ROLLBACK;
-- a plan that is used again, and a table that is altered in between
PREPARE joined(int) AS SELECT count(*), sum(l.k) FROM large l JOIN many m ON m.x = l.x WHERE l.k <= $1;
EXECUTE joined(1000);
EXECUTE joined(2000);
ALTER TABLE many ALTER COLUMN x TYPE bigint;
ALTER TABLE large ADD COLUMN z int;
EXECUTE joined(3000);
EXECUTE joined(3000);
EXECUTE joined(3000);
EXECUTE joined(4000);
