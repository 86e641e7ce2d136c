-- Aggregates of every kind, grouped by the key, by something else, and not at all.
CREATE TABLE t (k int, g int, n numeric, f float8, s text, b bool, at timestamptz);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t
SELECT i % 50, i % 6, CASE WHEN i % 10 = 0 THEN NULL ELSE i * 0.5 END, i * 0.25, 's' || i % 9, i % 4 = 0,
       TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * INTERVAL '1 hour'
FROM generate_series(1, 600) i;

SELECT count(*), count(n), sum(n), avg(n), min(n), max(n) FROM t;
SELECT count(*), sum(n), avg(f), min(s), max(at) FROM t WHERE false;
SELECT count(*) FROM t WHERE k = 7;
SELECT g, count(*), sum(k), avg(n) FROM t GROUP BY g;
SELECT k, count(*), sum(n) FROM t GROUP BY k;
SELECT k, g, count(*) FROM t GROUP BY k, g HAVING count(*) > 1;
SELECT g, max(at) - min(at) FROM t GROUP BY g ORDER BY g;
SELECT g, count(*) FROM t GROUP BY 1 HAVING sum(n) > 5000 ORDER BY 2 DESC, 1;
SELECT g % 2 AS odd, count(*) FILTER (WHERE b), sum(k) FILTER (WHERE NOT b) FROM t GROUP BY g % 2;
SELECT count(DISTINCT k), count(DISTINCT s), count(DISTINCT (g, b)) FROM t;
SELECT g, count(DISTINCT k), sum(DISTINCT n) FROM t GROUP BY g;
SELECT bool_and(b), bool_or(b), every(k >= 0) FROM t;
SELECT bit_and(k), bit_or(k), bit_xor(k) FROM t;
SELECT stddev(n), variance(n), stddev_pop(k), var_samp(k) FROM t;
SELECT corr(k, g), regr_slope(k, g), covar_pop(k, g) FROM t;
SELECT string_agg(s, ',' ORDER BY s, k, n) FROM t WHERE k < 5;
SELECT g, array_agg(k ORDER BY k, n) FROM t WHERE k < 9 GROUP BY g;
SELECT g, array_agg(DISTINCT s ORDER BY s DESC) FROM t GROUP BY g;
SELECT jsonb_agg(k ORDER BY k) FROM (SELECT DISTINCT k FROM t WHERE k < 6) x;
SELECT jsonb_object_agg(k, g ORDER BY g) FROM (SELECT k, min(g) AS g FROM t GROUP BY k HAVING k < 4) x;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n), percentile_disc(0.9) WITHIN GROUP (ORDER BY k) FROM t;
SELECT g, percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY f) FROM t GROUP BY g;
SELECT mode() WITHIN GROUP (ORDER BY s) FROM t WHERE s < 's5';
SELECT rank(10) WITHIN GROUP (ORDER BY k) FROM t;
SELECT g, b, count(*), grouping(g, b) FROM t GROUP BY GROUPING SETS ((g), (b), (g, b), ());
SELECT g, b, count(*) FROM t GROUP BY CUBE (g, b);
SELECT g, s, sum(k) FROM t WHERE g < 3 GROUP BY ROLLUP (g, s);
SELECT sum(count) FROM (SELECT k, count(*) FROM t GROUP BY k) x;
SELECT avg(total) FROM (SELECT g, sum(k) AS total FROM t GROUP BY g) x;
SELECT max(k) FROM t HAVING max(k) > 1000;
SELECT 'x' FROM t HAVING count(*) > 1;
SELECT count(*) + 1, sum(k) * 2, round(avg(k), 3) FROM t;
SELECT g, sum(n) / nullif(count(n), 0) FROM t GROUP BY g;
SELECT coalesce(sum(n), 0) FROM t WHERE k = -1;
SELECT k, sum(g) FROM t GROUP BY k ORDER BY sum(g) DESC, k LIMIT 5;
SELECT g, count(*) FROM t GROUP BY g ORDER BY avg(k) + g LIMIT 3;
SELECT DISTINCT count(*) FROM t GROUP BY k;
SELECT DISTINCT g, count(*) OVER (PARTITION BY g) FROM t;
SELECT min(at)::date, max(at)::date FROM t GROUP BY date_trunc('day', at) HAVING count(*) < 24;
SELECT upper(s), count(*) FROM t GROUP BY upper(s);
SELECT s, sum(k) FROM t GROUP BY s, g % 1 HAVING count(*) FILTER (WHERE b) > 5;
SELECT any_s FROM (SELECT k, max(s) AS any_s FROM t GROUP BY k) x WHERE k = 3;
SELECT sum(k), g FROM t GROUP BY g HAVING g IN (SELECT g FROM t WHERE k = 3);
SELECT sum(1 / (k - 1000)) FROM t;
SELECT sum(1 / k) FROM t;
SELECT sum(s) FROM t;
SELECT avg(DISTINCT 4.000) FROM t WHERE false;
SELECT count(DISTINCT 1), array_agg(DISTINCT 'x'::text), count(*) FROM t WHERE k < 0;
SELECT count(DISTINCT 1), sum(DISTINCT 5), count(DISTINCT k), max(k) FROM t WHERE k < 0;
SELECT count(DISTINCT 1), sum(DISTINCT 5), sum(k), count(DISTINCT NULL::int) FROM t;
SELECT avg(DISTINCT 4.000) FILTER (WHERE k > 3), count(*) FROM t;
SELECT avg(DISTINCT 4.000) FILTER (WHERE k > 300), count(*) FROM t WHERE k = 1;
SELECT count(*) FROM t WHERE k < 0 HAVING count(DISTINCT 1) = 0;
SELECT g, sum(DISTINCT 4), sum(k) FROM t WHERE k < 2 GROUP BY g;
SELECT g, sum(DISTINCT 4), sum(k) FROM t WHERE k < 0 GROUP BY GROUPING SETS ((g), ());
SELECT string_agg(DISTINCT 'x', ','), count(*) FROM t WHERE k < 0;
SELECT s, count(*) FROM t;
