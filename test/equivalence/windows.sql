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

-- the first rows of each partition
CREATE TABLE ranked (k int, g int, h text, x numeric, at date);
CREATE TABLE ranked_one (k int, g int, x numeric);
-- distribute: SELECT create_distributed_table('ranked', 'k'), create_distributed_table('ranked_one', NULL)
INSERT INTO ranked SELECT i % 97, nullif(i % 6, 2), CASE WHEN i % 5 > 0 THEN 'h' || i % 4 END, i * 37 % 101, date '2026-01-01' + i % 30 FROM generate_series(1, 500) i;
INSERT INTO ranked_one SELECT i, i % 4, i % 9 FROM generate_series(1, 40) i;
SELECT * FROM (SELECT g, k, x, row_number() OVER (PARTITION BY g ORDER BY x DESC, k, at) AS r FROM ranked) s WHERE r <= 3;
SELECT * FROM (SELECT g, x, rank() OVER (PARTITION BY g ORDER BY x) AS r, dense_rank() OVER (PARTITION BY g ORDER BY x) FROM ranked) s WHERE r < 4;
SELECT * FROM (SELECT h, x, dense_rank() OVER (PARTITION BY h ORDER BY x NULLS FIRST) AS r FROM ranked) s WHERE 2 >= r AND x > 3;
SELECT * FROM (SELECT g, x, k, row_number() OVER (ORDER BY x DESC, k, at, g) AS r FROM ranked) s WHERE r = 1;
SELECT * FROM (SELECT g, x, k, row_number() OVER (ORDER BY x DESC, k, at, g) AS r FROM ranked) s WHERE r BETWEEN 3 AND 5;
SELECT * FROM (SELECT g, x, row_number() OVER (ORDER BY x) AS r FROM ranked) s WHERE r <= 0 OR r IS NULL;
SELECT * FROM (SELECT g, x, row_number() OVER (ORDER BY x) AS r FROM ranked) s WHERE r <= 0;
SELECT * FROM (SELECT g, x, row_number() OVER (ORDER BY x) AS r FROM ranked) s WHERE r <= NULL::int;
SELECT g, r, n FROM (SELECT g, rank() OVER (PARTITION BY g ORDER BY x) AS r, count(*) OVER (PARTITION BY g) AS n FROM ranked) s WHERE r <= 1;
SELECT g, r, p FROM (SELECT g, rank() OVER (PARTITION BY g ORDER BY x) AS r, percent_rank() OVER (PARTITION BY g ORDER BY x) AS p FROM ranked) s WHERE r <= 1;
SELECT g, r, q FROM (SELECT g, rank() OVER (PARTITION BY g ORDER BY x) AS r, rank() OVER (PARTITION BY h ORDER BY x) AS q FROM ranked) s WHERE r <= 1 AND q <= 3;
SELECT m, x, r FROM (SELECT date_trunc('week', at) AS m, x, rank() OVER w AS r FROM ranked WHERE g IS NOT NULL WINDOW v AS (PARTITION BY date_trunc('week', at)), w AS (v ORDER BY x + g)) s WHERE r <= 2;
SELECT s.h, s.x, o.x FROM ranked_one o LEFT JOIN (SELECT h, x, g, rank() OVER (PARTITION BY h, g ORDER BY x DESC) AS r FROM ranked) s ON s.g = o.g WHERE s.r <= 1 ORDER BY 1, 2, 3;
SELECT o.k, s.x FROM ranked_one o LEFT JOIN (SELECT x, g, rank() OVER (PARTITION BY g ORDER BY x DESC) AS r FROM ranked) s ON s.g = o.g AND s.r <= 1 ORDER BY 1, 2;
WITH s AS (SELECT g, x, rank() OVER (PARTITION BY g ORDER BY x DESC) AS r FROM ranked) SELECT g, x FROM s WHERE r = 1;
WITH s AS MATERIALIZED (SELECT g, x, rank() OVER (PARTITION BY g ORDER BY x DESC) AS r FROM ranked) SELECT g, count(*), max(x) FROM s WHERE r < 3 GROUP BY g;
WITH s AS (SELECT g, x, rank() OVER (PARTITION BY g ORDER BY x DESC) AS r FROM ranked) SELECT a.g, a.x, count(*) FROM s a JOIN s b ON a.g = b.g AND b.x < a.x WHERE a.r = 1 GROUP BY a.g, a.x;
SELECT g, avg(x) FROM (SELECT g, x, row_number() OVER (PARTITION BY g ORDER BY x DESC) AS r FROM ranked) s WHERE r <= 10 GROUP BY g;
SELECT * FROM (SELECT h, c, rank() OVER (ORDER BY c DESC) AS r FROM (SELECT h, count(*) AS c FROM ranked GROUP BY h) t) s WHERE r <= 2;
SELECT * FROM (SELECT h, sum(x), rank() OVER (ORDER BY sum(x) DESC) AS r FROM ranked GROUP BY h) s WHERE r <= 2;
SELECT * FROM (SELECT k, x, row_number() OVER (PARTITION BY k ORDER BY x, at) AS r FROM ranked) s WHERE r <= 1 AND k < 9;
SELECT * FROM (SELECT DISTINCT g, rank() OVER (ORDER BY g) AS r FROM ranked) s WHERE r <= 90;
SELECT * FROM (SELECT g, x, rank() OVER (ORDER BY x, k) AS r FROM ranked ORDER BY x DESC LIMIT 20) s WHERE r <= 480;
SELECT * FROM (SELECT u.g, u.x, rank() OVER (PARTITION BY u.g ORDER BY u.x) AS r FROM ranked u JOIN ranked_one o ON o.k = u.k) s WHERE r <= 1;
SELECT * FROM (SELECT u.g, u.x, rank() OVER (PARTITION BY u.g ORDER BY u.x) AS r FROM ranked u WHERE x > (SELECT avg(x) FROM ranked_one)) s WHERE r <= 1;
SELECT o.k, (SELECT max(x) FROM (SELECT x, rank() OVER (ORDER BY x) AS r FROM ranked WHERE ranked.g = o.g) s WHERE r <= 2) FROM ranked_one o WHERE k < 8;
SET plan_cache_mode = force_generic_plan;
PREPARE firsts(int) AS SELECT g, x FROM (SELECT g, x, rank() OVER (PARTITION BY g ORDER BY x DESC) AS r FROM ranked) s WHERE r <= $1;
EXECUTE firsts(1);
EXECUTE firsts(2);
RESET plan_cache_mode;
