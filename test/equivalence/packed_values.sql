-- Aggregates that need all values, or each once: percentiles, mode, count(DISTINCT), over types of fixed length and others.
CREATE TABLE p (k int, g int, i2 int2, i4 int, i8 int8, f4 float4, f8 float8, d date, t time, ts timestamp,
                tz timestamptz, o oid, b bool, m money, n numeric, s text, iv interval);
-- distribute: SELECT create_distributed_table('p', 'k')
INSERT INTO p
SELECT i, i % 7, i % 300 - 150, (i * 7919) % 1000 - 500, (i * 104729::int8) % 5000 * 1000000007 - 2500000000000,
       (i % 97) * 0.25 - 10, (i * 31 % 1009) * 1.5 - 700, date '2000-01-01' + (i * 37 % 900 - 450),
       time '00:00' + (i * 61 % 86000) * interval '1 second', timestamp '2001-01-01' + (i * 17 % 4000 - 2000) * interval '1 hour',
       timestamptz '1999-06-01 00:00+00' + (i * 13 % 3000) * interval '7 minutes', 4000000000 + i % 50, i % 3 = 0,
       (i % 41 - 20)::money, i * 0.37, 's' || i % 23, (i % 19) * interval '1 day'
FROM generate_series(1, 3000) i;
INSERT INTO p (k, g) SELECT i, 9 FROM generate_series(1, 20) i;
INSERT INTO p (k, g, f4, f8, i4, i8) VALUES (1, 8, 'NaN', 'NaN', 2147483647, 9223372036854775807), (2, 8, '-Infinity', '-Infinity', -2147483648, -9223372036854775808),
       (3, 8, 'Infinity', 'Infinity', 0, 0), (4, 8, '-NaN', '-NaN', -1, -1), (5, 8, 0, 0, NULL, NULL), (6, 8, '-1e-300'::float8, -1e-300, 1, 1);

-- never analyzed, and analyzed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4), percentile_disc(0.5) WITHIN GROUP (ORDER BY i4), count(*), sum(i2), avg(n) FROM p;
SELECT count(DISTINCT i4), count(DISTINCT b), min(i8), count(k) FROM p;
ANALYZE p;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4), percentile_disc(0.5) WITHIN GROUP (ORDER BY i4), count(*), sum(i2), avg(n) FROM p;
SELECT percentile_cont(f) WITHIN GROUP (ORDER BY f8) FROM p, (VALUES (0.37)) v (f) GROUP BY f;
SELECT percentile_disc(ARRAY[0, 0.1, 0.5, 0.99, 1, NULL]) WITHIN GROUP (ORDER BY i2),
       percentile_disc(ARRAY[0, 0.1, 0.5, 0.99, 1, NULL]) WITHIN GROUP (ORDER BY i4 DESC),
       percentile_disc(ARRAY[0, 0.1, 0.5, 0.99, 1]) WITHIN GROUP (ORDER BY i8),
       percentile_disc(ARRAY[0, 0.1, 0.5, 0.99, 1]) WITHIN GROUP (ORDER BY f4),
       percentile_disc(ARRAY[0, 0.1, 0.5, 0.99, 1]) WITHIN GROUP (ORDER BY f8 DESC) FROM p;
SELECT percentile_disc(ARRAY[[0, 0.1], [0.5, 1]]) WITHIN GROUP (ORDER BY d), percentile_disc(ARRAY[0.3, 0.9]) WITHIN GROUP (ORDER BY t DESC),
       percentile_disc(ARRAY[0.3, 0.9]) WITHIN GROUP (ORDER BY ts), percentile_disc(ARRAY[0.3, 0.9]) WITHIN GROUP (ORDER BY tz),
       percentile_disc(ARRAY[0.3, 0.9]) WITHIN GROUP (ORDER BY o), percentile_disc(ARRAY[0.3, 0.9]) WITHIN GROUP (ORDER BY b),
       percentile_disc(ARRAY[0.3, 0.9]) WITHIN GROUP (ORDER BY m) FROM p;
SELECT percentile_cont(ARRAY[0.2, 0.8]) WITHIN GROUP (ORDER BY i4 DESC), percentile_cont(ARRAY[]::float8[]) WITHIN GROUP (ORDER BY f8),
       percentile_cont(NULL::float8) WITHIN GROUP (ORDER BY f8), percentile_cont(0.11) WITHIN GROUP (ORDER BY n),
       percentile_cont(0.11) WITHIN GROUP (ORDER BY iv), percentile_disc(0.4) WITHIN GROUP (ORDER BY s) FROM p;
SELECT count(DISTINCT i2), count(DISTINCT i4), count(DISTINCT i8), count(DISTINCT f4), count(DISTINCT f8), count(DISTINCT d), count(DISTINCT t) FROM p;
SELECT count(DISTINCT ts), count(DISTINCT tz), count(DISTINCT o), count(DISTINCT b), count(DISTINCT m), count(DISTINCT k) FROM p;
SELECT count(DISTINCT s), count(DISTINCT i4), sum(DISTINCT i2), percentile_disc(0.5) WITHIN GROUP (ORDER BY i4) FROM p;
SELECT mode() WITHIN GROUP (ORDER BY i4), mode() WITHIN GROUP (ORDER BY i4 DESC), mode() WITHIN GROUP (ORDER BY f4), mode() WITHIN GROUP (ORDER BY d DESC),
       mode() WITHIN GROUP (ORDER BY b), mode() WITHIN GROUP (ORDER BY m), mode() WITHIN GROUP (ORDER BY s) FROM p;

-- groups, filters, grouping sets, HAVING, nothing at all
SELECT g, percentile_cont(0.25) WITHIN GROUP (ORDER BY f8), percentile_disc(0.25) WITHIN GROUP (ORDER BY i8 DESC), mode() WITHIN GROUP (ORDER BY f4),
       count(DISTINCT i4), count(DISTINCT i4) FILTER (WHERE i2 > 0), count(*) FROM p WHERE g <> 8 GROUP BY g;
SELECT g, percentile_disc(ARRAY[0, 0.2, 0.4, 0.6, 0.8, 1]) WITHIN GROUP (ORDER BY f8), percentile_disc(ARRAY[0, 0.3, 0.7, 1]) WITHIN GROUP (ORDER BY f4 DESC),
       percentile_disc(0) WITHIN GROUP (ORDER BY i8), count(DISTINCT f8), mode() WITHIN GROUP (ORDER BY f8) FROM p WHERE g >= 8 GROUP BY g;
SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY f8) FROM p WHERE g = 8 AND k > 2;
SELECT g, percentile_cont(g / 10.0) WITHIN GROUP (ORDER BY i4) FROM p GROUP BY g;
SELECT i4, count(DISTINCT i2), percentile_disc(0.5) WITHIN GROUP (ORDER BY f8) FROM p GROUP BY i4 HAVING count(DISTINCT i2) > 2;
SELECT g, b, count(DISTINCT i4), percentile_cont(0.5) WITHIN GROUP (ORDER BY i4) FROM p GROUP BY GROUPING SETS ((g), (b), (g, b), ());
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4), percentile_disc(0.5) WITHIN GROUP (ORDER BY i4), mode() WITHIN GROUP (ORDER BY i4),
       count(DISTINCT i4), percentile_disc(ARRAY[0.5]) WITHIN GROUP (ORDER BY i4) FROM p WHERE k < 0;
SELECT g, count(DISTINCT i4) FROM p WHERE k < 0 GROUP BY g;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4) FILTER (WHERE i4 > 5000), count(DISTINCT i4) FILTER (WHERE false) FROM p;
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY i4) FROM p;
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY i4) FROM p WHERE k < 0;
SELECT percentile_disc('NaN'::float8) WITHIN GROUP (ORDER BY i4) FROM p;
SELECT percentile_disc(ARRAY[0.5, -1]) WITHIN GROUP (ORDER BY i4) FROM p;
SELECT percentile_disc(ARRAY[0.5, -1]) WITHIN GROUP (ORDER BY i4) FROM p WHERE k < 0;
SELECT count(DISTINCT 1), count(DISTINCT NULL::int), percentile_disc(0.5) WITHIN GROUP (ORDER BY 7) FROM p;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4 USING >), percentile_disc(0.2) WITHIN GROUP (ORDER BY i4 DESC NULLS LAST) FROM p;
SELECT max(c) FROM (SELECT g, count(DISTINCT d) AS c FROM p GROUP BY g) x;
SELECT g, (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY q.i4 + x.g) FROM p q WHERE q.g = x.g) FROM (SELECT DISTINCT g FROM p) x;
SELECT count(DISTINCT a.i4 + b.i2), percentile_cont(0.7) WITHIN GROUP (ORDER BY a.f8 * b.i4) FROM p a JOIN p b USING (k) WHERE a.g < 8 AND b.g < 8;
SELECT count(DISTINCT i4) OVER () FROM p;

-- a domain, and a prepared statement
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY i4::small), count(DISTINCT i4::small), mode() WITHIN GROUP (ORDER BY i2::small) FROM p WHERE g < 8;
PREPARE q (float8, int) AS SELECT percentile_cont($1) WITHIN GROUP (ORDER BY i8), count(DISTINCT d) FROM p WHERE g < $2;
EXECUTE q (0.1, 5);
EXECUTE q (0.9, 3);
EXECUTE q (NULL, 9);

-- more than fits into memory, and more than one run a shard
SET work_mem = '64kB';
CREATE TABLE few (k int);
-- distribute: SELECT create_distributed_table('few', 'k')
INSERT INTO few SELECT generate_series(1, 4);
SELECT percentile_cont(ARRAY[0, 0.001, 0.5, 0.77, 1]) WITHIN GROUP (ORDER BY v * 7919 % 100003 + k),
       percentile_disc(0.3) WITHIN GROUP (ORDER BY v % 1000 * 0.5::float8), count(DISTINCT v * 7919 % 100003 + k), count(DISTINCT v % 10),
       mode() WITHIN GROUP (ORDER BY v * k % 1000 * 0.5::float8), mode() WITHIN GROUP (ORDER BY v * k % 99999 DESC), count(*), count(DISTINCT v)
FROM few, generate_series(1, 40000) v;
SELECT k % 2, percentile_cont(0.5) WITHIN GROUP (ORDER BY v), count(DISTINCT v * k), count(*) FROM few, generate_series(1, 10000) v GROUP BY 1;
SELECT percentile_cont(0.123) WITHIN GROUP (ORDER BY v * k), count(DISTINCT v * k), count(*) FROM few, generate_series(1, 530000) v WHERE k IN (1, 3);
ANALYZE few;
SELECT percentile_cont(0.123) WITHIN GROUP (ORDER BY v * k), count(DISTINCT v * k), count(*) FROM few, generate_series(1, 60000) v WHERE k IN (1, 3);
RESET work_mem;

-- values of other types, and of those beside others that are grouped by
CREATE TABLE w (k int, g int, n numeric, s text, c text COLLATE "C", iv interval, u uuid, f float8, i int, a int[], j jsonb);
-- distribute: SELECT create_distributed_table('w', 'k')
INSERT INTO w SELECT i, i % 5, nullif(i % 31, 4) / 7.0, 's' || nullif(i % 17, 3), 'c' || i % 13, (i % 23) * interval '1 hour 1 minute', md5((i % 40)::text)::uuid,
       i % 29 / 4.0, i % 37, ARRAY[i % 3, i % 4], to_jsonb(i % 6) FROM generate_series(1, 700) i;
INSERT INTO w (k, g) SELECT i, 6 FROM generate_series(1, 5) i;
INSERT INTO w (k, g, iv, n) VALUES (1, 7, '1 mon', 1.0), (2, 7, '30 days', 1.00), (3, 7, '2 years', 'NaN'), (4, 7, '-5 days', -1), (5, 7, '-5 days', 'NaN');
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY n), percentile_disc(0.25) WITHIN GROUP (ORDER BY s), percentile_disc(0.75) WITHIN GROUP (ORDER BY c DESC) FROM w WHERE g < 7;
SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY u), percentile_cont(0.3) WITHIN GROUP (ORDER BY iv), percentile_cont(0.9) WITHIN GROUP (ORDER BY iv DESC) FROM w GROUP BY g;
SELECT g, mode() WITHIN GROUP (ORDER BY s), mode() WITHIN GROUP (ORDER BY c DESC), mode() WITHIN GROUP (ORDER BY n), mode() WITHIN GROUP (ORDER BY a) FROM w WHERE g < 7 GROUP BY g;
SELECT mode() WITHIN GROUP (ORDER BY j), percentile_disc(ARRAY[[0.2, NULL], [1, 0]]) WITHIN GROUP (ORDER BY j DESC) FROM w;
SELECT g, percentile_cont(ARRAY[0, 0.1, 0.9, 1, NULL]) WITHIN GROUP (ORDER BY iv), percentile_disc(ARRAY[0.7, 0.1, 0.9]) WITHIN GROUP (ORDER BY s) FROM w GROUP BY g;
SELECT g, percentile_cont(0.4) WITHIN GROUP (ORDER BY f), percentile_cont(ARRAY[0.4, 0.6]) WITHIN GROUP (ORDER BY i), count(DISTINCT s), count(*), sum(n) FROM w WHERE g < 7 GROUP BY g;
SELECT percentile_cont(0.4) WITHIN GROUP (ORDER BY i), mode() WITHIN GROUP (ORDER BY c), mode() WITHIN GROUP (ORDER BY i), count(DISTINCT c) FROM w;
SELECT g, mode() WITHIN GROUP (ORDER BY s) FILTER (WHERE i > 20), mode() WITHIN GROUP (ORDER BY s) FILTER (WHERE i < 0), percentile_disc(g / 10.0) WITHIN GROUP (ORDER BY c) FROM w GROUP BY g HAVING mode() WITHIN GROUP (ORDER BY c) > 'c1' ORDER BY 1 LIMIT 4;
SELECT g, c, mode() WITHIN GROUP (ORDER BY s) FROM w GROUP BY ROLLUP (g, c) ORDER BY 1, 2 LIMIT 5;
SELECT mode() WITHIN GROUP (ORDER BY s), percentile_cont(0.5) WITHIN GROUP (ORDER BY iv), percentile_disc(ARRAY[0.5]) WITHIN GROUP (ORDER BY n) FROM w WHERE k < 0;
SELECT percentile_disc(1.5) WITHIN GROUP (ORDER BY s) FROM w WHERE k < 0;
SELECT percentile_disc(-0.1) WITHIN GROUP (ORDER BY s) FROM w;
SELECT percentile_disc(ARRAY[0.5, 2]) WITHIN GROUP (ORDER BY s) FROM w;
SELECT percentile_disc(NULL::float8) WITHIN GROUP (ORDER BY s), percentile_disc(ARRAY[]::float8[]) WITHIN GROUP (ORDER BY s), percentile_disc(NULL::float8[]) WITHIN GROUP (ORDER BY s) FROM w;
SELECT mode() WITHIN GROUP (ORDER BY 'x'::text), percentile_disc(0.5) WITHIN GROUP (ORDER BY 3.0) FROM w;
SELECT mode() WITHIN GROUP (ORDER BY s || c), percentile_disc(0.5) WITHIN GROUP (ORDER BY upper(c) COLLATE "C") FROM w;
SELECT g, mode() WITHIN GROUP (ORDER BY s) FROM (SELECT g, s FROM w UNION ALL SELECT g, s FROM w WHERE g = 1) x GROUP BY g;
SELECT s, mode() WITHIN GROUP (ORDER BY s), mode() WITHIN GROUP (ORDER BY g) FROM w GROUP BY s;
SELECT k, mode() WITHIN GROUP (ORDER BY s) FROM w GROUP BY k ORDER BY k LIMIT 3;
SET work_mem = '64kB';
SELECT mode() WITHIN GROUP (ORDER BY repeat(s, 20)), percentile_disc(ARRAY[0.9, 0.1]) WITHIN GROUP (ORDER BY repeat(c, 30) || i) FROM w;
RESET work_mem;
