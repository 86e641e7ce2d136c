-- GROUPING SETS over what comes from shards.
CREATE TABLE t (k int PRIMARY KEY, a int, b int, v numeric);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i % 4, i % 3, i / 7.0 FROM generate_series(1, 100) i;

-- what grouping sets make NULL is not what it was below
SELECT a, x FROM (SELECT a, b, 'foo'::text AS x FROM t) s GROUP BY GROUPING SETS (a, x) HAVING x = 'foo';
-- differs: the server itself gets this wrong before 18
SELECT x, y FROM (SELECT a AS x, a AS y FROM t) s GROUP BY GROUPING SETS (x, y) HAVING y IS NULL ORDER BY 1, 2;
SELECT a, b, count(*) FROM t GROUP BY ROLLUP (a, b) HAVING a = 1;
SELECT a, b, sum(v) FROM t GROUP BY CUBE (a, b) HAVING b IS NULL AND grouping(a) = 1;
SELECT a + 1 AS x, count(*) FROM t GROUP BY ROLLUP (a + 1) HAVING a + 1 IS NULL;
SELECT coalesce(a, -1), grouping(a), array_agg(DISTINCT b) FROM t GROUP BY ROLLUP (a) ORDER BY 1, 2;
SELECT a, b, (SELECT count(*) FROM t u WHERE u.k < 10 AND u.a = s.a) FROM t s GROUP BY GROUPING SETS ((a, b), (b)) ORDER BY 1, 2;
SELECT a, rank() OVER (ORDER BY sum(v)) FROM t GROUP BY ROLLUP (a) ORDER BY 2;
SELECT k, a, sum(v) FROM t WHERE k < 6 GROUP BY GROUPING SETS ((k, a), (k)) HAVING a IS NULL ORDER BY 1;
SELECT * FROM (SELECT a, count(*) AS n FROM t GROUP BY ROLLUP (a) HAVING a IS NULL) s JOIN t ON t.k = s.n;
INSERT INTO t SELECT 1000 + row_number() OVER (), a, b, 0 FROM t GROUP BY CUBE (a, b) HAVING a = 3;
SELECT a, b FROM t WHERE k > 1000;

-- sub-queries beside aggregates of no rows, and of what grouping sets make NULL
SELECT count(*), (SELECT 5) FROM t WHERE false;
SELECT array_agg(a), (SELECT 5), EXISTS (SELECT 1) FROM t WHERE v < 0;
SELECT array_agg(a), (SELECT count(*) FROM t u) FROM t WHERE v < 0;
SELECT array_agg(a ORDER BY k) FROM t WHERE v < 0 HAVING (SELECT true);
SELECT count(*) FROM t WHERE v < 0 HAVING (SELECT count(*) > 3 FROM t);
SELECT sum((SELECT u.a FROM t u WHERE u.k = t.k)), max(a) FROM t WHERE k < 30;
SELECT sum((SELECT u.a FROM t u WHERE u.k = t.k)) FILTER (WHERE a IN (SELECT 1)) FROM t;
SELECT k, (SELECT 5), (SELECT count(*) FROM t u WHERE u.k = s.k) FROM t s WHERE k < 5 GROUP BY GROUPING SETS ((k), ());
SELECT a, (SELECT count(*) FROM t u WHERE u.k = s.a), array_agg(k ORDER BY k) FROM t s WHERE k < 9 GROUP BY a;
SELECT count(*), a IN (SELECT 1) FROM t GROUP BY ROLLUP (a);
SELECT 3 IN (SELECT generate_series(1, count(*))) FROM t WHERE false;
