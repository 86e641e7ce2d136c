-- Aggregates in two steps: transition states from the shards, DISTINCT, grouping sets.
CREATE TABLE t (k int, g int, n numeric, f float8, s text, b bool, at timestamptz, i interval, v varchar(10));
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t
SELECT i % 50, nullif(i % 6, 5), CASE WHEN i % 10 = 0 THEN NULL ELSE i * 0.5 END, i * 0.25, 's' || i % 9, i % 4 = 0,
       TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * INTERVAL '1 hour', i * INTERVAL '1 minute', 'v' || i % 7
FROM generate_series(1, 600) i;
CREATE TABLE e (k int, g int, n numeric);
-- distribute: SELECT create_distributed_table('e', 'k')

SELECT stddev(n), variance(n), stddev_pop(n), stddev_samp(k), var_pop(k), var_samp(g) FROM t;
SELECT g, stddev(n), variance(k) FROM t GROUP BY g;
SELECT g, round(stddev(f)::numeric, 8), round(corr(f, k)::numeric, 8), round(regr_slope(f, k)::numeric, 8), regr_count(f, k),
       round(covar_pop(f, g)::numeric, 6) FROM t GROUP BY g;
SELECT avg(i), sum(i), min(i), max(i) FROM t;
SELECT g, avg(i) FILTER (WHERE b), stddev(n) FILTER (WHERE k > 25), stddev(n) FILTER (WHERE false) FROM t GROUP BY g HAVING variance(n) > 1;
SELECT stddev(n), regr_count(k, g), avg(n), count(n), corr(k, g) FROM e;
SELECT g, stddev(n) FROM e GROUP BY g;
SELECT stddev(n) FROM t WHERE k = 1 AND k = 2;
SELECT round(avg(stddev)) FROM (SELECT g, stddev(n) FROM t GROUP BY g) x;
SELECT max(v), min(v), max(ARRAY[k, g]), min(s COLLATE "C") FROM t;

-- the user's own: states of all kinds of types
CREATE AGGREGATE total (numeric) (sfunc = numeric_add, stype = numeric, combinefunc = numeric_add);
CREATE AGGREGATE total0 (int) (sfunc = int4pl, stype = int, combinefunc = int4pl, initcond = '0');
CREATE FUNCTION longer (text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT CASE WHEN (length($1), $1) > (length($2), $2) THEN $1 ELSE $2 END $$;
CREATE AGGREGATE longest (text) (sfunc = longer, stype = text, combinefunc = longer);
CREATE FUNCTION larger_any (anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT greatest($1, $2) $$;
CREATE AGGREGATE largest (anyelement) (sfunc = larger_any, stype = anyelement, combinefunc = larger_any);
CREATE TYPE span AS (low float8, high float8, day date);
CREATE FUNCTION span_add (span, float8) RETURNS span LANGUAGE sql IMMUTABLE AS $$ SELECT least(($1).low, $2), greatest(($1).high, $2), date '2024-02-03' $$;
CREATE FUNCTION span_join (span, span) RETURNS span LANGUAGE sql IMMUTABLE AS $$ SELECT least(($1).low, ($2).low), greatest(($1).high, ($2).high), coalesce(($1).day, ($2).day) $$;
CREATE FUNCTION span_width (span) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).high - ($1).low $$;
CREATE AGGREGATE width (float8) (sfunc = span_add, stype = span, combinefunc = span_join, finalfunc = span_width, initcond = '(,,)');
CREATE AGGREGATE bounds (float8) (sfunc = span_add, stype = span, combinefunc = span_join);
CREATE FUNCTION weighed_add (float8[], float8, float8) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[$1[1] + coalesce($2 * $3, 0), $1[2] + coalesce($3, 0)] $$;
CREATE FUNCTION weighed_join (float8[], float8[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[$1[1] + $2[1], $1[2] + $2[2]] $$;
CREATE FUNCTION weighed_end (float8[], float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT $1[1] / nullif($1[2], 0) $$;
CREATE AGGREGATE weighed (float8, float8) (sfunc = weighed_add, stype = float8[], combinefunc = weighed_join, finalfunc = weighed_end, finalfunc_extra, initcond = '{0,0}');
CREATE AGGREGATE uncombined (int) (sfunc = int4pl, stype = int, initcond = '0');
SELECT total(n), total0(k), longest(s), longest(v), largest(k), largest(s), width(f), bounds(f), weighed(f, k), uncombined(k) FROM t;
SELECT total(n), total0(k), longest(s), longest(v), largest(k), largest(s), width(f), bounds(f), weighed(f, k) FROM t;
SELECT g, total(n), total0(k), longest(s), longest(v), largest(k), largest(at), width(f), bounds(f), weighed(f, k) FROM t GROUP BY g;
SELECT total(n), total0(k), largest(g), weighed(n, k), bounds(n), width(n) FROM e;
SET extra_float_digits = -5;
SELECT bounds(f / 3) = ROW(0.25::float8 / 3, 150::float8 / 3, date '2024-02-03')::span FROM t;
SET DateStyle = 'SQL, DMY';
SELECT (bounds(f)).day FROM t;
RESET DateStyle;
RESET extra_float_digits;
SELECT sum(total) FROM (SELECT b, total(n) FROM t GROUP BY b) x;

-- DISTINCT: alone, several, with others, with FILTER and ORDER BY
SELECT count(DISTINCT s), count(DISTINCT n), count(DISTINCT g) FROM t;
SELECT count(DISTINCT g) FROM t;
SELECT count(DISTINCT g), sum(DISTINCT g), avg(DISTINCT g) FROM t;
SELECT count(DISTINCT g) FROM e;
SELECT count(DISTINCT g), count(*), sum(n), stddev(n), total0(k), regr_count(k, g) FROM e;
SELECT g, count(DISTINCT s) FROM t GROUP BY g ORDER BY g;
SELECT g, count(DISTINCT s), count(*), sum(n), avg(n), max(at), stddev(n) FROM t GROUP BY g;
SELECT b, count(DISTINCT g) FILTER (WHERE k > 10), count(DISTINCT g) FILTER (WHERE n IS NULL) FROM t GROUP BY b;
SELECT count(DISTINCT g) FILTER (WHERE k < 3) FROM t;
SELECT count(DISTINCT (g, s)), count(DISTINCT g + 1) FROM t;
SELECT string_agg(DISTINCT s, ','), array_agg(DISTINCT g), string_agg(DISTINCT s, '-' ORDER BY s DESC) FROM t;
SELECT g, array_agg(DISTINCT s ORDER BY s DESC), sum(k) FROM t GROUP BY g HAVING count(DISTINCT s) > 1 ORDER BY count(DISTINCT s) DESC, g;
SELECT count(DISTINCT k), count(DISTINCT s), sum(DISTINCT k) FROM t;
SELECT stddev(DISTINCT n), total(DISTINCT n), bool_and(DISTINCT b), json_agg(DISTINCT g) FROM t;
SELECT g % 2, count(DISTINCT g % 2), count(DISTINCT g) FROM t GROUP BY g % 2;
SELECT count(DISTINCT v), count(DISTINCT upper(v)) FROM t WHERE v > 'v3';
SELECT count(DISTINCT random() < 2) FROM t;
SELECT count(DISTINCT x) FROM (SELECT s || g AS x FROM t) y;
SELECT DISTINCT count(DISTINCT g) OVER () FROM t;

-- grouping sets
SELECT g, b, count(*), sum(n), avg(n), grouping(g, b), grouping(b) FROM t GROUP BY GROUPING SETS ((g), (b), (g, b), ());
SELECT g, b, stddev(n), grouping(b, g) FROM t GROUP BY CUBE (g, b) HAVING grouping(g) = 0 OR count(*) > 10;
SELECT g, s, sum(k) FROM t WHERE g < 3 GROUP BY ROLLUP (g, s) ORDER BY grouping(g, s), 1, 2;
SELECT g, b, count(*) FROM t GROUP BY g, ROLLUP (b);
SELECT g, count(*) FROM t GROUP BY GROUPING SETS ((g), (g), ());
SELECT g, count(*) FROM t GROUP BY DISTINCT GROUPING SETS ((g), (g), ());
SELECT g, b, count(*) FROM t GROUP BY GROUPING SETS ((g, b), (b, g));
SELECT count(*), sum(k) FROM t GROUP BY ();
SELECT count(*), g FROM e GROUP BY GROUPING SETS ((), (g));
SELECT count(*), g FROM e GROUP BY CUBE (g, n);
SELECT g, b FROM t GROUP BY GROUPING SETS ((g), (b));
SELECT g + 1, (g + 1) * 2, count(*) FROM t GROUP BY ROLLUP (g + 1);
SELECT g, sum(g), count(g), max(k) FROM t GROUP BY ROLLUP (g);
SELECT g, count(DISTINCT s) FROM t GROUP BY ROLLUP (g);
SELECT k, g, count(*) FROM t WHERE k < 4 GROUP BY GROUPING SETS ((k), (k, g));
SELECT g, b, count(*), rank() OVER (PARTITION BY grouping(g, b) ORDER BY count(*), g, b) FROM t GROUP BY CUBE (g, b);
SELECT CASE grouping(g) WHEN 1 THEN 'all' ELSE g::text END, count(*) FROM t GROUP BY ROLLUP (g);

-- window functions and set-returning functions over aggregates
SELECT g, sum(n), sum(sum(n)) OVER (ORDER BY g), rank() OVER (ORDER BY count(*) DESC, g) FROM t GROUP BY g;
SELECT b, g, avg(n), avg(avg(n)) OVER (PARTITION BY b ORDER BY g ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t GROUP BY b, g;
SELECT g, generate_series(1, count(DISTINCT b)) FROM t GROUP BY g;
SELECT generate_series(1, g) AS x, count(*) FROM t GROUP BY 1;
SELECT unnest(ARRAY[min(k), max(k)]) FROM t;

-- the two steps are not for everybody to call
-- differs: there is no such function on a plain server
SELECT citus_internal.combine_states('count("any")'::regprocedure, '{23}'::oid[], '\x00'::bytea, 1::bigint);
