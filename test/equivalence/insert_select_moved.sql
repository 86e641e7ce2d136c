-- INSERT .. SELECT whose rows move to other shards than they come from.
CREATE TABLE t (k int PRIMARY KEY, v int, s text, at timestamptz);
CREATE TABLE u (k bigint PRIMARY KEY, n numeric(8, 1) DEFAULT 4.5, s varchar(12) NOT NULL DEFAULT 'none', d date DEFAULT current_date, CHECK (n < 100000));
CREATE TABLE w (k int, v int, s text);
CREATE TABLE text_key (s text PRIMARY KEY, n bigint);
CREATE TABLE p (k int, d date, v int) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2021-01-01') TO ('2031-01-01');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE types (k uuid, a int[], b jsonb, c pair, d boolean, e float8, f bytea, g smallint, h "char", i interval);
CREATE TABLE types_too (LIKE types);
CREATE TABLE everywhere (k int, v int, s text);
CREATE TABLE fresh (LIKE t);
CREATE VIEW few AS SELECT k, v FROM t WHERE v < 20;
-- distribute: SET citus.direct_move_threshold TO 0
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k')
-- distribute: SELECT create_distributed_table('w', 'k', colocate_with => 't')
-- distribute: SELECT create_distributed_table('text_key', 's')
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('types', 'k')
-- distribute: SELECT create_distributed_table('types_too', 'k')
-- distribute: SELECT create_reference_table('everywhere')
-- distribute: SELECT create_distributed_table('fresh', 'k')
INSERT INTO t SELECT i, i * 7 % 31, 's' || i % 9, timestamptz '2020-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(1, 1000) i;
ANALYZE t;
INSERT INTO w SELECT v, k, s FROM t;
SELECT count(*), sum(k), sum(v), count(DISTINCT s) FROM w;
SELECT * FROM w WHERE k = 5 ORDER BY v LIMIT 3;
INSERT INTO u (k, n) SELECT k * 2, v FROM t;
INSERT INTO u (s, k) SELECT s || '!', -k FROM t WHERE v <> 4 RETURNING k, n, s, d = current_date;
SELECT count(*), sum(n), min(s), max(k) FROM u;
INSERT INTO text_key SELECT s, count(*) FROM t GROUP BY s;
INSERT INTO text_key SELECT at::text, k FROM t ON CONFLICT DO NOTHING;
INSERT INTO text_key SELECT s || k % 100, 1 FROM t ON CONFLICT (s) DO UPDATE SET n = text_key.n + excluded.n;
INSERT INTO text_key SELECT DISTINCT s || k % 100, 1 FROM t ON CONFLICT (s) DO UPDATE SET n = text_key.n + excluded.n RETURNING *;
SELECT count(*), sum(n) FROM text_key;
INSERT INTO p SELECT v, at::date, k FROM t;
INSERT INTO p SELECT v, date '2035-01-01', k FROM t;
SELECT tableoid::regclass, count(*), sum(v) FROM p GROUP BY 1;
INSERT INTO t SELECT k + 5000, k, s, now() FROM t;
SELECT count(*), sum(v), count(DISTINCT at) FROM t WHERE k > 5000;
INSERT INTO t SELECT k + 1, v, s, at FROM t;
-- differs: SQLSTATE, a row without a key is 22004
INSERT INTO t SELECT NULLIF(k, 77) + 20000, v, s, at FROM t;
INSERT INTO u SELECT k + 100000, k * 100.26, s FROM t WHERE k < 900;
INSERT INTO u SELECT k + 200000, k * 100.26, s FROM t;
INSERT INTO u SELECT k + 300000, 1, s || ' is a very long text' FROM t;
INSERT INTO u SELECT k + 400000, 1, NULL FROM t;
SELECT count(*), sum(n) FROM u;
INSERT INTO u (k, s) SELECT t.k + 500000, w.s FROM t JOIN w ON w.k = t.k WHERE t.k < 40 ON CONFLICT DO NOTHING;
INSERT INTO u (k, s) SELECT max(k) + 600000, s FROM t GROUP BY v, s;
INSERT INTO w (v, k) SELECT k, v FROM few;
INSERT INTO w (v, k) SELECT a.k, b.v FROM t a LEFT JOIN (SELECT k, max(v) AS v FROM w GROUP BY k) b USING (k) WHERE b.v IS NOT NULL;
INSERT INTO w SELECT k, rank() OVER (PARTITION BY k ORDER BY v), 'ranked' FROM (SELECT k % 50 AS k, v FROM w WHERE s IS NULL) q;
INSERT INTO w SELECT v, k, s FROM t ORDER BY k LIMIT 700;
WITH q AS (SELECT k, v FROM t WHERE v > 5) INSERT INTO w SELECT v, k, 'cte' FROM q;
SELECT s, count(*), sum(k), sum(v) FROM w GROUP BY s;
INSERT INTO types SELECT md5(k::text)::uuid, ARRAY[k, v], jsonb_build_object('k', k, 's', s), (k, s)::pair, v > 5, k / 7.0, decode(md5(s), 'hex'), v::smallint, 'x', k * interval '1 minute' FROM t;
INSERT INTO types_too SELECT md5(a[1]::text || 'x')::uuid, a, b, c, d, e, f, g, h, i FROM types;
SELECT count(*), sum(a[1]), sum((b->>'k')::int), sum((c).a), count(*) FILTER (WHERE d), round(sum(e)), count(DISTINCT f), sum(g), max(h), sum(i) FROM types_too;
BEGIN;
INSERT INTO w SELECT k + 1, v, 'in block' FROM w;
SAVEPOINT s;
INSERT INTO w SELECT k + 1, v, 'undone' FROM w;
ROLLBACK TO s;
SELECT count(*), sum(k) FROM w WHERE s = 'in block';
SELECT count(*) FROM w WHERE s = 'undone';
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM w;
INSERT INTO w SELECT v, k, 'later' FROM w;
SELECT s, count(*) FROM w GROUP BY s;
ROLLBACK;
PREPARE shifted(int, text) AS INSERT INTO w SELECT k + $1, v, $2 FROM t WHERE v < $1;
EXECUTE shifted(3, 'a');
EXECUTE shifted(9, 'b');
EXECUTE shifted(9, NULL);
EXECUTE shifted(NULL, 'c');
EXECUTE shifted(4, 'd');
EXECUTE shifted(5, 'e');
EXECUTE shifted(6, 'f');
SELECT s, count(*), sum(k) FROM w GROUP BY s;
-- worker
INSERT INTO w SELECT v, k, 'worker' FROM t;
INSERT INTO u (k, s) SELECT k + 700000, s FROM t RETURNING k % 10, s;
INSERT INTO text_key SELECT s || k % 90, 1 FROM t ON CONFLICT (s) DO UPDATE SET n = 0;
SELECT count(*), sum(k), sum(v) FROM w WHERE s = 'worker';
-- by way of the node that runs the statement: in memory, and in a file; tables that tasks read one by one, and together
-- distribute: SET citus.direct_move_threshold TO -1
INSERT INTO fresh SELECT * FROM t;
ANALYZE t;
INSERT INTO everywhere SELECT k, v, s FROM t;
INSERT INTO everywhere SELECT k, -v, repeat(s, 20) FROM fresh;
INSERT INTO w SELECT v, k, 'small' FROM t;
SET work_mem = '64kB';
INSERT INTO everywhere SELECT k, v * 100, repeat(s, 30) FROM t;
INSERT INTO everywhere SELECT k, v * 100, repeat(s, 40) FROM t WHERE v > 3 UNION ALL SELECT k, v, repeat(s, 50) FROM t WHERE v < 4;
INSERT INTO w SELECT v, k, 'large' || repeat(s, 30) FROM t;
INSERT INTO everywhere SELECT a.k, b.v, repeat(a.s, 9) FROM t a JOIN w b ON b.v = a.k;
SELECT count(*), sum(k), sum(v), sum(length(s)), count(DISTINCT s) FROM everywhere;
SELECT count(*), sum(k), sum(v), sum(length(s)) FROM w WHERE s ~ '^(small|large)';
SELECT count(*), sum(a.v), sum(b.v) FROM t a JOIN (SELECT v, s || '' AS s FROM fresh WHERE v < 12) b ON b.v = a.v;
RESET work_mem;
SELECT count(*), sum(a.v), sum(length(b.s)) FROM t a JOIN fresh b ON b.v = a.v WHERE b.k < 700;
BEGIN;
INSERT INTO everywhere SELECT k + 1, v, s FROM t;
INSERT INTO everywhere SELECT k, k / 0, s FROM t;
ROLLBACK;
SELECT count(*) FROM everywhere;
