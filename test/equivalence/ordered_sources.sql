-- Order that a sub-query gives, as the server keeps it.
CREATE TABLE t (k int PRIMARY KEY, g int, v text);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i % 3, chr(97 + i * 7 % 26) || i FROM generate_series(1, 60) i;

SELECT array_agg(k) FROM (SELECT k FROM t ORDER BY k DESC) s;
SELECT string_agg(v, ',') FROM (SELECT v FROM t WHERE k < 30 ORDER BY v) s;
SELECT g, array_agg(k) FROM (SELECT k, g FROM t ORDER BY k) s GROUP BY g ORDER BY g;
SELECT json_agg(s) FROM (SELECT k, v FROM t WHERE g = 1 ORDER BY v LIMIT 5) s;
SELECT array_agg(k) FROM (SELECT k FROM (SELECT k, v FROM t ORDER BY v) x WHERE k < 20) s;
WITH s AS (SELECT k FROM t ORDER BY v) SELECT array_agg(k), count(*), sum(k) FROM s;
WITH s AS MATERIALIZED (SELECT k FROM t ORDER BY v) SELECT array_agg(k) FROM s;
SELECT array_agg(k) FROM (SELECT k, row_number() OVER (ORDER BY v) AS n FROM t ORDER BY k) s WHERE n < 9;
-- in ties of the outer ORDER BY nothing is promised; here there are none
SELECT * FROM (SELECT k, v FROM t ORDER BY v) s LIMIT 3;
SELECT * FROM (SELECT k, v FROM t ORDER BY v) s OFFSET 57;
SELECT * FROM (SELECT k, v FROM t ORDER BY v) s ORDER BY k LIMIT 3;
SELECT array(SELECT k FROM (SELECT k FROM t ORDER BY v) s);
SELECT array(SELECT k FROM t ORDER BY v DESC LIMIT 4);
SELECT first_value(k) OVER () FROM (SELECT k FROM t ORDER BY v) s LIMIT 1;
SELECT k, row_number() OVER () FROM (SELECT k FROM t WHERE k < 12 ORDER BY v) s;
SELECT k, sum(k) OVER (ROWS UNBOUNDED PRECEDING) FROM (SELECT k FROM t WHERE k < 12 ORDER BY v) s;
SELECT DISTINCT ON (g) g, k FROM (SELECT g, k FROM t ORDER BY g, v) s;
-- what does not see it
SELECT count(*), sum(k), max(v) FROM (SELECT * FROM t ORDER BY v) s;
SELECT DISTINCT g FROM (SELECT * FROM t ORDER BY v) s;
SELECT a.k FROM t a JOIN (SELECT k FROM t ORDER BY v) b ON a.k = b.k WHERE a.g = 0 ORDER BY a.k;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM (SELECT k, v FROM t ORDER BY v) s;
FETCH 4 FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
