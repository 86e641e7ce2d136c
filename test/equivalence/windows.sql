-- Window functions, partitioned by the key and otherwise.
CREATE TABLE t (k int, g int, v int, at date);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i % 12, i % 5, i * 13 % 101, DATE '2024-01-01' + i FROM generate_series(1, 150) i;

SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY at) FROM t;
SELECT k, v, rank() OVER (PARTITION BY k ORDER BY v), dense_rank() OVER (PARTITION BY k ORDER BY v) FROM t;
SELECT k, at, sum(v) OVER (PARTITION BY k ORDER BY at) FROM t;
SELECT g, at, sum(v) OVER (PARTITION BY g ORDER BY at) FROM t;
SELECT at, avg(v) OVER (ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM t;
SELECT at, count(*) OVER (ORDER BY at RANGE BETWEEN INTERVAL '3 days' PRECEDING AND CURRENT ROW) FROM t;
SELECT v, count(*) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM t;
SELECT k, at, lag(v) OVER w, lead(v, 2, -1) OVER w, first_value(v) OVER w, nth_value(v, 2) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY at);
SELECT g, v, percent_rank() OVER (PARTITION BY g ORDER BY v, at), cume_dist() OVER (PARTITION BY g ORDER BY v, at), ntile(3) OVER (PARTITION BY g ORDER BY v, at) FROM t;
SELECT k, count(*), rank() OVER (ORDER BY count(*) DESC, k) FROM t GROUP BY k;
SELECT g, sum(v), sum(sum(v)) OVER (ORDER BY g) FROM t GROUP BY g ORDER BY g;
SELECT k, v FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC, at) AS p FROM t) x WHERE p = 1;
SELECT DISTINCT k, max(v) OVER (PARTITION BY k) FROM t;
SELECT k, g, sum(v) OVER (PARTITION BY k, g), sum(v) OVER () FROM t;
SELECT at, v - avg(v) OVER () FROM t ORDER BY at LIMIT 5;
SELECT k, sum(v) FILTER (WHERE g = 1) OVER (PARTITION BY k) FROM t ORDER BY k, at LIMIT 20;
SELECT at, row_number() OVER (ORDER BY at) FROM t WHERE k = 3;
