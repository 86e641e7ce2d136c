-- Aggregates, DISTINCT and the first rows over UNION ALL; duplicates that set operations do not count.
CREATE TABLE a (k int, g int, x numeric, t text, at date, f float8);
CREATE TABLE b (k bigint, g bigint, x int, t varchar(10), at timestamp, f float4);
CREATE TABLE one (k int, g int, x numeric, t text);
CREATE TABLE r (g int PRIMARY KEY, name text);
CREATE TABLE l (k int, g int, x numeric, t text);
CREATE TABLE e (k int, g int, x numeric, t text);
-- distribute: SET citus.shard_count = 5
-- distribute: SELECT create_distributed_table('a', 'k'), create_distributed_table('b', 'k', colocate_with => 'none')
-- distribute: SELECT create_distributed_table('one', NULL), create_reference_table('r'), create_distributed_table('e', 'k', colocate_with => 'none')
INSERT INTO a SELECT i, nullif(i % 7, 3), i / 8.0, CASE WHEN i % 11 > 0 THEN 't' || i % 5 END, date '2026-01-01' + i % 40, i / 4.0 FROM generate_series(1, 300) i;
INSERT INTO b SELECT i % 90, nullif(i % 9, 5), i % 50, CASE WHEN i % 13 > 0 THEN 't' || i % 6 END, timestamp '2026-01-10' + i % 30 * interval '1 day', i / 2.0 FROM generate_series(1, 200) i;
INSERT INTO one SELECT i, i % 4, -i, 'one' FROM generate_series(1, 20) i;
INSERT INTO r SELECT i, 'n' || i % 3 FROM generate_series(0, 7) i;
INSERT INTO l SELECT i, i % 8, i / 3.0, 't' || i % 4 FROM generate_series(1, 30) i;
ANALYZE;

-- aggregates
SELECT g, count(*), count(x), sum(x), avg(x), min(t), max(x), bool_or(x > 3) FROM (SELECT g, x, t FROM a UNION ALL SELECT g, x, t FROM b) u GROUP BY g;
SELECT count(*), sum(x), round(stddev(x), 6), min(t) FROM (SELECT x, t FROM a UNION ALL SELECT x, t FROM b) u;
SELECT count(*), sum(x), avg(x), max(t) FROM (SELECT x, t FROM a WHERE k < 0 UNION ALL SELECT x, t FROM e) u;
SELECT g, count(*) FROM (SELECT g FROM a WHERE k < 0 UNION ALL SELECT g FROM e) u GROUP BY g;
SELECT t, count(*) FILTER (WHERE x > 10), sum(x) FILTER (WHERE g IS NULL) FROM (SELECT * FROM a UNION ALL SELECT * FROM b) u GROUP BY t HAVING count(*) > 20 ORDER BY t;
SELECT g + 1 AS h, count(DISTINCT t), count(DISTINCT x), sum(x) FROM (SELECT g, t, x FROM a UNION ALL SELECT g, t, x FROM b) u GROUP BY g + 1;
SELECT count(DISTINCT k), count(DISTINCT t) FROM (SELECT k, t FROM a UNION ALL SELECT k, t FROM b) u;
SELECT count(DISTINCT k) FROM (SELECT k FROM a UNION ALL SELECT k FROM b UNION ALL SELECT k FROM a) u;
SELECT g, count(DISTINCT k), percentile_disc(0.5) WITHIN GROUP (ORDER BY f), mode() WITHIN GROUP (ORDER BY k) FROM (SELECT g, k, f FROM a UNION ALL SELECT g, k, f FROM b) u GROUP BY g;
SELECT g, percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY f) FROM (SELECT g, f FROM a UNION ALL SELECT g, f FROM b) u GROUP BY g;
SELECT g, array_agg(f ORDER BY f), string_agg(DISTINCT t, ',' ORDER BY t) FROM (SELECT g, f, t FROM a UNION ALL SELECT g, f, t FROM b) u GROUP BY g;
SELECT g, t, count(*), grouping(g, t) FROM (SELECT g, t FROM a UNION ALL SELECT g, t FROM b) u GROUP BY ROLLUP (g, t);
SELECT g, count(*), rank() OVER (ORDER BY count(*) DESC), sum(count(*)) OVER () FROM (SELECT g FROM a UNION ALL SELECT g FROM b) u GROUP BY g ORDER BY 3, 1 LIMIT 4;
SELECT at, count(*) FROM (SELECT at FROM a UNION ALL SELECT at FROM b) u GROUP BY at ORDER BY 1 LIMIT 7 OFFSET 3;
SELECT g, count(*), sum(x) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM one UNION ALL SELECT g, x FROM l UNION ALL SELECT g, g FROM r UNION ALL SELECT 3, NULL UNION ALL VALUES (4, 4.5), (4, 5)) u GROUP BY g;
SELECT src, count(*), sum(x) FROM (SELECT 'a' AS src, x FROM a UNION ALL SELECT 'b', x FROM b WHERE g = 2 UNION ALL SELECT 'c', x FROM a WHERE k = 5) u GROUP BY src;
SELECT src, sum(n) FROM (SELECT 'a' AS src, count(*) AS n FROM a GROUP BY g UNION ALL SELECT 'b', count(*) FROM b GROUP BY k) u GROUP BY src;
SELECT count(*), count(x) FROM (SELECT x FROM a UNION ALL (SELECT x FROM b ORDER BY x, k LIMIT 5)) u;
SELECT count(*), sum(x) FROM (SELECT x FROM a UNION ALL SELECT x FROM b UNION SELECT 5) u;
SELECT count(*) FROM ((SELECT x FROM a UNION SELECT x FROM b) UNION ALL SELECT x FROM b) u;
SELECT sum(x), count(*) FROM (SELECT x FROM a UNION ALL SELECT x FROM b) u WHERE x > (SELECT avg(x) FROM a) AND x IN (SELECT x FROM b);
SELECT g, sum(x), (SELECT count(*) FROM l WHERE l.g = u.g) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u GROUP BY g;
WITH u AS (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) SELECT g, sum(x) FROM u GROUP BY g;
WITH u AS (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) SELECT v.g, sum(v.x) FROM u JOIN u v USING (g) GROUP BY v.g;
WITH p AS (SELECT g, x FROM a WHERE x > 5) SELECT g, sum(x) FROM (SELECT * FROM p UNION ALL SELECT g, x FROM b) u GROUP BY g;
SELECT count(*) FROM (SELECT random() AS x FROM a UNION ALL SELECT x FROM b) u WHERE x >= 0;
SELECT g, count(*) FROM (SELECT g, generate_series(1, 2) FROM a UNION ALL SELECT g, 1 FROM b) u GROUP BY g;
SELECT x, count(*) FROM (SELECT x, t FROM b UNION ALL SELECT x, t FROM b) u(y, x) GROUP BY x;
SELECT sum(n) FROM (SELECT g, count(*) AS n FROM (SELECT g FROM a UNION ALL SELECT g FROM b) u GROUP BY g) v JOIN l USING (g);
SELECT l.g, (SELECT sum(x) FROM (SELECT x FROM a UNION ALL SELECT x FROM b) u WHERE u.x > l.x) FROM l;

-- beside joins
SELECT r.name, count(*), sum(u.x) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u JOIN r USING (g) GROUP BY r.name;
SELECT r.name, count(*), sum(u.x) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u LEFT JOIN r ON u.g = r.g + 2 GROUP BY r.name;
SELECT r.name, count(*), count(u.x) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u RIGHT JOIN r ON u.g = r.g + 2 GROUP BY r.name;
SELECT r.name, count(*), count(u.x) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u FULL JOIN r USING (g) GROUP BY r.name;
SELECT r.name, count(*) FROM r LEFT JOIN (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u ON u.g = r.g AND u.x > 30 GROUP BY r.name;
SELECT u.t, count(*) FROM (SELECT k, t FROM a UNION ALL SELECT k, t FROM b) u JOIN a ON a.k = u.k GROUP BY u.t;
SELECT u.t, count(*) FROM (SELECT k, t FROM a UNION ALL SELECT k, t FROM e) u JOIN l ON l.k = u.k GROUP BY u.t;
SELECT u.t, count(*) FROM (SELECT k, t FROM a UNION ALL SELECT k, t FROM b) u, (SELECT k FROM a UNION ALL SELECT k FROM b) v WHERE u.k = v.k GROUP BY u.t;
SELECT r.name, count(*) FROM r, LATERAL (SELECT x FROM a WHERE a.g = r.g UNION ALL SELECT x FROM b WHERE b.g = r.g) u GROUP BY r.name;
SELECT count(*) FROM (SELECT g FROM a UNION ALL SELECT g FROM b) u WHERE EXISTS (SELECT 1 FROM r WHERE r.g = u.g AND name = 'n1');
SELECT count(*) FROM (SELECT g FROM a UNION ALL SELECT g FROM b) u WHERE NOT EXISTS (SELECT 1 FROM l WHERE l.g = u.g);

-- the first rows, in an order and in none
SELECT k, g, x FROM (SELECT k, g, x FROM a UNION ALL SELECT k, g, x FROM b) u ORDER BY x DESC, k, g LIMIT 7;
SELECT k, g, x FROM a UNION ALL SELECT k, g, x FROM b ORDER BY x DESC NULLS FIRST, k, g LIMIT 7 OFFSET 5;
SELECT x FROM a UNION ALL SELECT x FROM b ORDER BY x FETCH FIRST 3 ROWS WITH TIES;
SELECT t FROM a UNION ALL SELECT t FROM b UNION ALL SELECT t FROM one ORDER BY t NULLS FIRST LIMIT 40;
SELECT 1 FROM a UNION ALL SELECT 1 FROM b LIMIT 9;
SELECT count(*) FROM (SELECT k FROM a UNION ALL SELECT k FROM b LIMIT 350) u;
SELECT k FROM a UNION ALL SELECT k FROM b ORDER BY k LIMIT (SELECT min(k) + 3 FROM a);
SELECT DISTINCT g, t FROM (SELECT g, t FROM a UNION ALL SELECT g, t FROM b) u ORDER BY g, t NULLS FIRST LIMIT 10;
SELECT DISTINCT ON (g) g, x, t FROM (SELECT g, x, t FROM a UNION ALL SELECT g, x, t FROM b) u ORDER BY g, x DESC, t;
SELECT g, lag(x) OVER (PARTITION BY g ORDER BY x, t) FROM (SELECT g, x, t FROM a UNION ALL SELECT g, x, t FROM b) u ORDER BY g, x, t LIMIT 9;
SELECT max(x) FROM (SELECT x FROM a UNION ALL SELECT x FROM b ORDER BY x LIMIT 10) u;
(SELECT x, k FROM a ORDER BY x DESC LIMIT 3) UNION ALL (SELECT x, k FROM b ORDER BY x, k LIMIT 2) ORDER BY x, k LIMIT 4;

-- DISTINCT ON of other columns than the key
SELECT DISTINCT ON (g) g, k, x FROM a ORDER BY g, x DESC;
SELECT DISTINCT ON (g, t) g, t, k FROM a ORDER BY g, t NULLS FIRST, k DESC LIMIT 9;
SELECT DISTINCT ON (t) t, k FROM b ORDER BY t DESC, x, k OFFSET 2;
SELECT DISTINCT ON (g) g, t, count(*) FROM a GROUP BY g, t ORDER BY g, count(*) DESC, t;
SELECT DISTINCT ON (g) g, k, sum(x) FROM a GROUP BY k, g ORDER BY g, sum(x) DESC;
SELECT DISTINCT ON (g) g, row_number() OVER (PARTITION BY k ORDER BY x, g), k FROM b ORDER BY g, k, 2 DESC;
SELECT DISTINCT ON (g) g, generate_series(1, 3) FROM a ORDER BY g, 2 DESC;
SELECT count(*) FROM (SELECT DISTINCT ON (t) t, k FROM a) u;
SELECT DISTINCT ON (g) g FROM e ORDER BY g;

-- set operations that count no duplicates
SELECT count(*), sum(g) FROM (SELECT g FROM a UNION SELECT g FROM b) u;
SELECT g, t FROM a INTERSECT SELECT g, t FROM b;
SELECT g FROM b EXCEPT SELECT g FROM a;
SELECT g FROM b EXCEPT ALL SELECT g FROM a ORDER BY 1 LIMIT 5;
SELECT g FROM a INTERSECT ALL SELECT g FROM b;
SELECT g FROM b UNION ALL SELECT g FROM a EXCEPT SELECT g FROM one;
SELECT t FROM a UNION SELECT t FROM b UNION SELECT t FROM l EXCEPT SELECT 't1';
SELECT f FROM (SELECT 0.0::float8 AS f FROM a UNION SELECT -0.0::float8 FROM a) u;
(SELECT g FROM a UNION ALL SELECT g FROM b) INTERSECT (SELECT g FROM l UNION ALL SELECT g FROM a);
SELECT g FROM a WHERE g = 1 UNION SELECT count(*)::int % 2 FROM b UNION (SELECT g FROM a ORDER BY k LIMIT 2);

-- who reads, and what is prepared
CREATE VIEW both_legs AS SELECT k, g, x FROM a UNION ALL SELECT k, g, x FROM b;
CREATE VIEW barrier WITH (security_barrier) AS SELECT k, g, x FROM a UNION ALL SELECT k, g, x FROM b;
SELECT g, count(*), sum(x) FROM both_legs GROUP BY g;
SELECT g, count(*), sum(x) FROM barrier WHERE x > 3 GROUP BY g;
SELECT * FROM both_legs ORDER BY x, k, g LIMIT 4;
SET plan_cache_mode = force_generic_plan;
PREPARE p(int, text) AS SELECT g, $2 || count(*), sum(x + $1) FROM (SELECT g, x FROM a WHERE k > $1 UNION ALL SELECT g, x FROM b WHERE k = $1) u GROUP BY g;
EXECUTE p(7, 'x');
EXECUTE p(250, 'y');
PREPARE q(int) AS SELECT k FROM a UNION ALL SELECT k FROM b ORDER BY k DESC LIMIT $1;
EXECUTE q(3);
EXECUTE q(NULL);
RESET plan_cache_mode;
BEGIN;
INSERT INTO b VALUES (1000, 1, 1000);
SELECT max(k), count(*) FROM both_legs;
ROLLBACK;
DELETE FROM a WHERE g IN (SELECT g FROM both_legs GROUP BY g HAVING count(*) > 60);
INSERT INTO e (k, g, x) SELECT coalesce(g, -1), g, sum(x) FROM both_legs GROUP BY g;
SELECT * FROM e;
-- a leg that the shards have sorted beside one that stays here
CREATE TABLE few (k int, g int, x int);
-- distribute: SELECT create_reference_table('few')
INSERT INTO few SELECT i, i % 3, i FROM generate_series(1, 30) i;
SELECT t.k, t.k, t.g, t.x FROM few t UNION ALL (SELECT t.k, t.k, t.g, t.k FROM a t) ORDER BY 1 DESC, 2, 3, 4 NULLS FIRST LIMIT 6;
SELECT t.k, t.g, t.x FROM few t UNION ALL (SELECT t.k, t.g, t.k FROM a t ORDER BY 2 DESC, 1 LIMIT 5) ORDER BY 2 DESC, 1, 3 LIMIT 7;
-- a small table, as cheap to read in order as without, that may be looked up, too
CREATE TABLE tiny (k int, name text);
-- distribute: SELECT create_distributed_table('tiny', 'k', colocate_with => 'none')
INSERT INTO tiny SELECT i, 'n' || i % 3 FROM generate_series(1, 6) i;
ANALYZE tiny;
SELECT t.name, sum(u.x) FROM (SELECT g, x FROM a UNION ALL SELECT g, x FROM b) u JOIN tiny t ON t.k = u.g GROUP BY t.name ORDER BY t.name;
-- legs whose equal rows differ in the collation of the set operation above them
CREATE COLLATION ci (provider = icu, locale = '@colStrength=secondary', deterministic = false);
CREATE TABLE words (k int, t text COLLATE ci);
-- distribute: SELECT create_distributed_table('words', 'k')
INSERT INTO words SELECT i, CASE WHEN i % 2 = 0 THEN 'Abc' ELSE 'aBC' END FROM generate_series(1, 300) i;
ANALYZE words;
SELECT t FROM (SELECT t FROM words UNION ALL SELECT t FROM words WHERE k < 200) w EXCEPT SELECT t COLLATE "C" FROM l;
(SELECT t FROM words UNION ALL SELECT t FROM words WHERE k < 200) EXCEPT SELECT t COLLATE "C" FROM l;
(SELECT t FROM words UNION ALL SELECT t FROM words WHERE k < 200) INTERSECT SELECT 'abc' COLLATE "C" UNION SELECT 'Abc';
