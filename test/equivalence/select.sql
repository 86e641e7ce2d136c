-- Filters, expressions, ordering and limits over one table.
CREATE TABLE t (k int PRIMARY KEY, g int, n numeric(12, 2), s text, b bool, d date, a int[], j jsonb);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t
SELECT i, i % 7, i * 1.25, CASE WHEN i % 11 = 0 THEN NULL ELSE 'name ' || i % 13 END, i % 3 = 0,
       DATE '2024-01-01' + i % 400, ARRAY[i, i % 5], jsonb_build_object('i', i, 'm', i % 4)
FROM generate_series(1, 300) i;

SELECT * FROM t WHERE k = 17;
SELECT * FROM t WHERE k = 1000000;
SELECT * FROM t WHERE k = NULL;
SELECT k, s FROM t WHERE k IN (3, 1, 4, 15, 92) ORDER BY k;
SELECT k FROM t WHERE k = ANY (ARRAY[5, 6, NULL, 7]) ORDER BY k;
SELECT k FROM t WHERE k BETWEEN 10 AND 20;
SELECT k FROM t WHERE k = 3 OR k = 290 OR g = 100;
SELECT k FROM t WHERE (k = 3 AND g = 3) OR (k = 4 AND g = 5);
SELECT k FROM t WHERE k = 3 AND k = 4;
SELECT k FROM t WHERE false;
SELECT k, s FROM t WHERE s IS NULL ORDER BY k;
SELECT k FROM t WHERE s LIKE 'name 1_' AND b;
SELECT k FROM t WHERE NOT b AND n > 300.5 AND d < DATE '2024-06-01';
SELECT k FROM t WHERE a @> ARRAY[3] AND j ->> 'm' = '2';
SELECT k + g AS sum, upper(s), n * 2, coalesce(s, 'none'), CASE g WHEN 1 THEN 'one' ELSE 'more' END
FROM t WHERE g < 2;
SELECT k, (a)[2], j -> 'i', d + 1, extract(dow FROM d) FROM t WHERE k < 12;
SELECT t FROM t WHERE k < 4;
SELECT (t).s FROM t WHERE k < 4;
SELECT DISTINCT g, b FROM t;
SELECT DISTINCT ON (g) g, k FROM t ORDER BY g, k DESC;
SELECT k FROM t ORDER BY n DESC LIMIT 5;
SELECT k FROM t ORDER BY s NULLS FIRST, k OFFSET 20 LIMIT 5;
SELECT g, k FROM t ORDER BY g DESC, k LIMIT 3 OFFSET 3;
SELECT g FROM t ORDER BY g FETCH FIRST 2 ROWS WITH TIES;
SELECT count(*) FROM (SELECT k FROM t LIMIT 10) x;
SELECT k FROM t ORDER BY k LIMIT 0;
SELECT k FROM t WHERE k > (SELECT avg(k) FROM t) ORDER BY k LIMIT 4;
SELECT 1 FROM t WHERE k = 5;
SELECT FROM t WHERE k < 3;
SELECT count(*) FROM t WHERE k % 2 = 0 AND s IS NOT NULL;
SELECT k, row_number() OVER () > 0 FROM t WHERE k = 8;
SELECT generate_series(1, g) FROM t WHERE k IN (1, 2, 3);
SELECT k, unnest(a) FROM t WHERE k < 5;
SELECT tableoid::regclass FROM t WHERE k = 5;
TABLE t ORDER BY k LIMIT 2;
VALUES (1, 'a'), (2, 'b');
SELECT s, k FROM t WHERE s = 'name 3' ORDER BY 2 LIMIT 3;
SELECT k FROM t WHERE k = 3.0;
SELECT k FROM t WHERE k = 3.5;
SELECT k FROM t WHERE k::text = '33';
SELECT k FROM t WHERE 5 = k;
SELECT k FROM t WHERE k = 2 + 3;
SELECT k FROM t WHERE k = length('four');
SELECT 1 / (k - 5) FROM t WHERE k = 5;
SELECT nope FROM t;
SELECT * FROM nope;
SELECT k::date FROM t;
SELECT s::int FROM t WHERE k = 5;
