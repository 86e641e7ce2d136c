-- Shapes of SELECT that sharded databases are known to refuse, one by one: every kind of relation
-- joined with every other in every way, correlation across shards, set operations, grouping sets,
-- recursion, row locks, aggregates and functions.
CREATE TABLE t (k int PRIMARY KEY, v int, s text, at timestamptz);
CREATE TABLE u (k int, x int);
CREATE TABLE w (id bigint PRIMARY KEY, k int, x int);
CREATE TABLE one (k int, x int);
CREATE TABLE other (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, label text);
CREATE TABLE managed (k int PRIMARY KEY, x int);
CREATE TABLE plain (k int, x int);
CREATE TABLE kept (k int, d timestamptz);
CREATE FUNCTION halved(n int) RETURNS TABLE (h int) LANGUAGE sql STABLE AS 'SELECT v FROM t WHERE k = n';
CREATE FUNCTION of_key(n int) RETURNS bigint LANGUAGE plpgsql STABLE AS
	$$ DECLARE c bigint; BEGIN SELECT sum(x) INTO c FROM u WHERE k = n; RETURN c; END $$;
CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
CREATE VIEW joined AS SELECT t.k, t.v, u.x, w.id FROM t JOIN u USING (k) LEFT JOIN w ON w.x = t.v;
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k', colocate_with => 't')
-- distribute: SELECT create_distributed_table('w', 'id')
-- distribute: SELECT create_distributed_table('one', NULL)
-- distribute: SELECT create_distributed_table('other', NULL, colocate_with => 'none')
-- distribute: SELECT create_reference_table('r')
-- distribute: SELECT citus_add_local_table_to_metadata('managed')
INSERT INTO t SELECT i, NULLIF(i * 7 % 31, 3), 's' || i % 5, timestamptz '2020-01-01 00:00+00' + i * interval '1 day' FROM generate_series(1, 60) i;
INSERT INTO u SELECT i % 40 + 1, i FROM generate_series(1, 80) i;
INSERT INTO w SELECT i, i % 50, i * 3 % 31 FROM generate_series(1, 45) i;
INSERT INTO one SELECT i, i * 2 FROM generate_series(1, 10) i;
INSERT INTO other SELECT i * 2, i FROM generate_series(1, 10) i;
INSERT INTO r SELECT i, 'label ' || i FROM generate_series(0, 6) i;
INSERT INTO managed SELECT i, i % 4 FROM generate_series(1, 20) i;
INSERT INTO plain SELECT i, i % 3 FROM generate_series(1, 15) i;
-- Joins of every pair, in every way
SELECT count(*), sum(t.v), sum(w.x) FROM t JOIN w ON t.v = w.x;
SELECT count(*), sum(t.v), sum(w.x) FROM t LEFT JOIN w ON t.v = w.x;
SELECT count(*), sum(t.v), sum(w.x) FROM t RIGHT JOIN w ON t.v = w.x AND t.k > 10;
SELECT count(*), sum(t.v), sum(w.x) FROM t FULL JOIN w ON t.v = w.x;
SELECT count(*), sum(t.v), sum(u.x) FROM t FULL JOIN u ON t.k = u.k;
SELECT count(*), sum(t.v), sum(u.x) FROM t LEFT JOIN u ON t.v = u.x;
SELECT count(*), sum(t.v + u.x) FROM t CROSS JOIN u;
SELECT count(*) FROM t, w WHERE t.v < w.x;
SELECT count(*), sum(t.v) FROM t LEFT JOIN r ON t.v = r.id;
SELECT r.id, count(t.k) FROM r LEFT JOIN t ON t.v = r.id GROUP BY 1;
SELECT r.id, count(t.k) FROM r LEFT JOIN t ON t.k = r.id AND t.v > 3 GROUP BY 1;
SELECT count(*), count(r.id), count(t.k) FROM r FULL JOIN t ON t.k = r.id;
SELECT count(*), count(r.id) FROM r FULL JOIN t ON t.v = r.id;
SELECT g, count(t.k) FROM generate_series(0, 6) g LEFT JOIN t ON t.v = g GROUP BY 1;
SELECT a.n, count(t.k) FROM (VALUES (1), (2), (NULL)) a(n) LEFT JOIN t ON t.k = a.n GROUP BY 1;
SELECT a.n, count(t.k) FROM (VALUES (1), (2), (NULL)) a(n) FULL JOIN t ON t.k = a.n GROUP BY 1;
SELECT r.id, x.v FROM r LEFT JOIN LATERAL (SELECT v FROM t WHERE t.v > r.id ORDER BY v, k LIMIT 2) x ON true;
SELECT g, x.c FROM generate_series(1, 4) g LEFT JOIN LATERAL (SELECT count(*) AS c FROM t WHERE v = g) x ON true;
SELECT plain.k, t.v FROM plain LEFT JOIN t ON t.k = plain.k;
SELECT t.k, plain.x FROM t LEFT JOIN plain ON plain.k = t.v WHERE t.k < 20;
SELECT count(*), count(plain.k) FROM t FULL JOIN plain ON plain.k = t.v;
SELECT count(*), count(managed.k) FROM t FULL JOIN managed ON managed.k = t.v;
SELECT managed.k, r.label, plain.x FROM managed JOIN r ON r.id = managed.x LEFT JOIN plain ON plain.k = managed.k;
SELECT count(*) FROM t JOIN plain USING (k) JOIN managed USING (k) JOIN r ON r.id = plain.x;
SELECT count(*) FROM one JOIN other ON one.k = other.k;
SELECT count(*), count(other.k) FROM one LEFT JOIN other ON one.x = other.k;
SELECT count(*), count(one.k) FROM one FULL JOIN t ON t.k = one.k;
SELECT count(*) FROM one, other, r, plain WHERE one.k = other.x AND r.id = one.k AND plain.k = r.id;
SELECT count(*) FROM t NATURAL JOIN u;
SELECT count(*) FROM t JOIN u USING (k) JOIN w USING (k);
SELECT k, count(*) FROM t JOIN (u JOIN w USING (k)) USING (k) GROUP BY k;
SELECT count(*) FROM t a JOIN t b ON a.k = b.v JOIN t c ON b.k = c.v;
SELECT count(*) FROM t JOIN u ON t.k = u.k OR t.v = u.x;
SELECT count(*) FROM t JOIN u ON (t.k, t.v) = (u.k, u.x);
SELECT count(*) FROM t JOIN w ON t.k::bigint = w.id;
SELECT count(*) FROM joined;
SELECT a.k, b.id FROM joined a JOIN joined b ON a.x = b.v ORDER BY 1, 2 LIMIT 7;
-- Correlation
SELECT k FROM t WHERE v > (SELECT avg(x) FROM w WHERE w.k <= t.k) AND k < 30;
SELECT k, (SELECT count(*) FROM w WHERE w.x = t.v) FROM t WHERE k < 15;
SELECT k, (SELECT count(*) FROM plain WHERE plain.x = t.v) FROM t WHERE k < 15;
SELECT k FROM t WHERE EXISTS (SELECT FROM plain WHERE plain.k = t.v AND plain.x < t.k) OR k = 1;
SELECT k FROM t WHERE NOT EXISTS (SELECT FROM w WHERE w.x = t.v OR w.k = t.k);
SELECT id, (SELECT count(*) FROM t WHERE t.v = r.id) FROM r;
SELECT id FROM r WHERE EXISTS (SELECT FROM t WHERE t.v > r.id * 5);
SELECT id FROM r WHERE id NOT IN (SELECT v FROM t WHERE v IS NOT NULL AND k % 2 = r.id % 2);
SELECT n, (SELECT sum(v) FROM t WHERE k < n) FROM (VALUES (5), (50)) a(n);
SELECT g FROM generate_series(1, 9) g WHERE g IN (SELECT v FROM t WHERE k > g);
SELECT (SELECT count(*) FROM t WHERE k > (SELECT min(x) FROM u WHERE u.k > one.k)) FROM one;
SELECT v, count(*) FROM t GROUP BY v HAVING count(*) > (SELECT count(*) FROM w WHERE w.x = t.v) ORDER BY v;
SELECT s, sum(v) FROM t GROUP BY s HAVING sum(v) > (SELECT avg(x) FROM w) ORDER BY 1;
SELECT k FROM t ORDER BY k LIMIT (SELECT min(id) + 2 FROM w) OFFSET (SELECT count(*) FROM r);
SELECT t.k, x.c FROM t, LATERAL (SELECT count(*) AS c FROM w WHERE w.x > t.v) x WHERE t.k < 9;
SELECT t.k, x.y FROM t CROSS JOIN LATERAL (SELECT t.v + u.x AS y FROM u WHERE u.k = t.k ORDER BY u.x LIMIT 1) x WHERE t.k < 9;
SELECT t.k, y.m FROM t, LATERAL (SELECT x FROM u WHERE u.k = t.k) q, LATERAL (SELECT max(w.id) AS m FROM w WHERE w.x <= q.x) y WHERE t.k < 5;
SELECT k FROM t WHERE v = ANY (ARRAY(SELECT x FROM w WHERE w.k > t.k));
SELECT k FROM t WHERE (k, v) = (SELECT max(k), max(x) FROM w WHERE w.id < t.k) OR k = 2;
SELECT k, CASE WHEN v IN (SELECT x FROM w) THEN (SELECT label FROM r WHERE id = t.k % 7) ELSE s END FROM t WHERE k < 20;
-- Set operations
SELECT v FROM t UNION SELECT x FROM w;
SELECT k FROM t INTERSECT ALL SELECT k FROM u;
SELECT k FROM t EXCEPT SELECT x FROM w;
SELECT count(*) FROM (SELECT k FROM t INTERSECT SELECT k FROM u EXCEPT SELECT id FROM r) x;
SELECT count(*), sum(a) FROM (SELECT k AS a FROM t UNION ALL SELECT id FROM r UNION ALL VALUES (7), (8) UNION ALL SELECT generate_series(1, 3)) x;
SELECT t.k, x.a FROM t JOIN (SELECT k, x AS a FROM u UNION SELECT id, 0 FROM r) x USING (k) WHERE t.k < 9;
(SELECT k FROM t ORDER BY v DESC NULLS LAST, k LIMIT 3) EXCEPT (SELECT k FROM u ORDER BY x LIMIT 3);
SELECT k, (SELECT count(*) FROM (SELECT x FROM u WHERE u.k = t.k UNION SELECT x FROM w WHERE w.k = t.k) q) FROM t WHERE k < 9;
-- Grouping, windows, aggregates
SELECT s, v % 3, count(*), sum(v), grouping(s, v % 3) FROM t GROUP BY GROUPING SETS ((s, v % 3), (s), ());
SELECT s, v % 2 AS odd, count(DISTINCT v), avg(v) FROM t GROUP BY CUBE (s, v % 2);
SELECT k % 3, s, max(at) FROM t GROUP BY ROLLUP (k % 3, s) HAVING count(*) > 2;
SELECT count(DISTINCT v), count(DISTINCT s), sum(DISTINCT v), count(DISTINCT (v, s)) FROM t;
SELECT s, string_agg(DISTINCT s || v % 3, ',' ORDER BY s || v % 3), array_agg(v ORDER BY v DESC NULLS LAST, k) FROM t GROUP BY s;
SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY v), mode() WITHIN GROUP (ORDER BY s), rank(7) WITHIN GROUP (ORDER BY v) FROM t;
SELECT s, percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY v) FILTER (WHERE k > 10), count(*) FROM t GROUP BY s;
SELECT sum(v) OVER (ORDER BY k), lag(v, 2) OVER (PARTITION BY s ORDER BY k), ntile(4) OVER (ORDER BY v, k) FROM t ORDER BY k LIMIT 12;
SELECT s, sum(sum(v)) OVER (ORDER BY s), rank() OVER (ORDER BY count(*) DESC, s) FROM t GROUP BY s;
SELECT DISTINCT ON (s) s, k, v FROM t ORDER BY s, v DESC NULLS LAST, k;
SELECT DISTINCT v % 4, s FROM t ORDER BY 1, 2;
SELECT k, generate_series(1, v % 3) FROM t WHERE k < 10 ORDER BY 1, 2;
SELECT s, unnest(array_agg(k ORDER BY k)) FROM t WHERE k < 12 GROUP BY s;
SELECT v FROM t ORDER BY v FETCH FIRST 5 ROWS WITH TIES;
SELECT count(*) FROM t TABLESAMPLE BERNOULLI (100);
SELECT max(k) FROM (SELECT k FROM t TABLESAMPLE SYSTEM (100) REPEATABLE (3)) q;
SELECT variance(v), regr_slope(v, k), bit_xor(v), bool_or(v > 3), json_object_agg(k, v ORDER BY k) FILTER (WHERE k < 4) FROM t;
SELECT avg(x.v) FROM (SELECT v FROM t ORDER BY k LIMIT 10 OFFSET 5) x;
-- Common table expressions and recursion
WITH RECURSIVE a(k, n) AS (SELECT k, 1 FROM t WHERE k = 1 UNION ALL SELECT t.k, n + 1 FROM a JOIN t ON t.v = a.k + n WHERE n < 5) SELECT k, n FROM a;
WITH RECURSIVE a(k) AS (SELECT 1 UNION SELECT w.x FROM a JOIN w ON w.k = a.k + 1) SELECT count(*), sum(k) FROM a;
WITH RECURSIVE a(k, v) AS (SELECT k, v FROM t WHERE k < 3 UNION ALL SELECT t.k, t.v FROM a, t WHERE t.k = a.v) CYCLE k SET looped USING path SELECT k, v, looped FROM a;
SELECT k, (WITH q AS (SELECT x FROM u WHERE u.k = t.k) SELECT sum(x) FROM q) FROM t WHERE k < 9;
SELECT k, (WITH q AS MATERIALIZED (SELECT x FROM w WHERE w.x = t.v) SELECT count(*) FROM q a, q b) FROM t WHERE k < 9;
WITH a AS (SELECT * FROM t), b AS (SELECT a.k, w.x FROM a JOIN w ON a.v = w.x) SELECT count(*) FROM a LEFT JOIN b USING (k) FULL JOIN r ON r.id = b.x;
WITH gone AS (DELETE FROM w WHERE id > 40 RETURNING x), made AS (INSERT INTO u SELECT 41, x FROM gone RETURNING k, x) SELECT count(*), sum(x) FROM made JOIN gone USING (x);
-- Row locks over many shards
SELECT k FROM t WHERE v = 5 FOR UPDATE;
SELECT t.k FROM t JOIN w ON w.x = t.v WHERE t.k < 9 FOR UPDATE OF t NOWAIT;
SELECT k FROM t ORDER BY v NULLS FIRST, k LIMIT 4 FOR NO KEY UPDATE SKIP LOCKED;
SELECT t.k, r.label FROM t JOIN r ON r.id = t.v FOR SHARE OF t FOR KEY SHARE OF r;
SELECT q.k FROM (SELECT k FROM t WHERE k < 6 FOR UPDATE) q JOIN plain USING (k);
-- Functions
SELECT * FROM halved(7);
SELECT g, h FROM generate_series(1, 5) g, halved(g);
SELECT k, of_key(k) FROM t WHERE k < 12;
SELECT k FROM t WHERE of_key(k) > 60;
SELECT k FROM t WHERE k = doubled(3) OR v = doubled(k);
SELECT count(*) FROM t WHERE at < now() AND at <= current_timestamp AND at::date < current_date;
SELECT count(*) FROM t WHERE random() >= 0 AND clock_timestamp() > at;
SELECT count(*) FROM ROWS FROM (generate_series(1, 5), halved(3)) WITH ORDINALITY f(a, b, n) JOIN t ON t.k = f.n;
SELECT t FROM t WHERE k = 3;
SELECT (t).v, (t.*)::text FROM t WHERE k < 3;
SELECT row_to_json(t)->>'s', to_jsonb(u) FROM t JOIN u USING (k) WHERE k = 4;
SELECT count(*), tableoid::regclass FROM t GROUP BY 2;
-- What selects nothing
SELECT count(*), sum(v) FROM t WHERE false;
SELECT k FROM t WHERE k = 1 AND k = 2;
SELECT count(*) FROM t WHERE k IS NULL;
SELECT count(*) FROM t JOIN u USING (k) WHERE t.k = 3 AND u.k = 4;
-- Prepared, with parameters that choose the shard and that do not
PREPARE by_key(int) AS SELECT t.k, count(w.id) FROM t LEFT JOIN w ON w.x = t.v WHERE t.k = $1 GROUP BY 1;
EXECUTE by_key(1);
EXECUTE by_key(2);
EXECUTE by_key(3);
EXECUTE by_key(4);
EXECUTE by_key(5);
EXECUTE by_key(6);
EXECUTE by_key(NULL);
PREPARE by_list(int[], int) AS SELECT k, (SELECT count(*) FROM w WHERE w.x > $2 AND w.k > t.k) FROM t WHERE k = ANY ($1) ORDER BY k LIMIT $2;
EXECUTE by_list('{1,5,9,13}', 3);
EXECUTE by_list('{}', 3);
EXECUTE by_list(NULL, NULL);
CREATE MATERIALIZED VIEW counted AS SELECT s, count(*) AS n FROM t GROUP BY s;
SELECT t.k, n FROM t JOIN counted USING (s) WHERE k < 5;
INSERT INTO kept SELECT k, at FROM t WHERE v IN (SELECT x FROM w);
SELECT count(*) FROM kept;
