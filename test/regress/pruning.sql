-- conditions on the key -> shards; EXPLAIN says how many remain
CREATE SCHEMA pruning;
SET search_path = pruning;
SET citus.shard_count = 32;
SET citus.explain_distributed_queries = off;

CREATE TABLE a (k int, v int);
CREATE TABLE b (k int, w int);
CREATE TABLE days (d date, v int);
SELECT create_distributed_table('a', 'k'), create_distributed_table('b', 'k', colocate_with => 'a'),
	create_distributed_table('days', 'd');
INSERT INTO a SELECT i, i % 10 FROM generate_series(1, 200) i;
INSERT INTO b SELECT i, i % 7 FROM generate_series(1, 200) i;
INSERT INTO days SELECT date '2024-02-01' + i, i FROM generate_series(1, 60) i;

CREATE FUNCTION shards(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Shards: %' THEN
			RETURN trim(line);
		END IF;
	END LOOP;
END;
$$;

-- ranges of few values
SELECT shards('SELECT * FROM a WHERE k BETWEEN 11 AND 13') = shards('SELECT * FROM a WHERE k IN (11, 12, 13)');
SELECT shards('SELECT * FROM a WHERE k > 10 AND k < 12');
SELECT shards('SELECT count(*) FROM a JOIN b USING (k) WHERE b.k >= 11 AND a.k <= 11');
SELECT shards('SELECT * FROM a WHERE (k, v) >= (11, 3) AND (k, v) < (11, 9)');
SELECT shards('SELECT * FROM days WHERE d >= ''2024-02-29'' AND d < ''2024-03-01''');
SELECT shards('SELECT * FROM a WHERE k > 10');
SELECT shards('DELETE FROM a WHERE k BETWEEN 11 AND 11');
SELECT k, v FROM a WHERE k BETWEEN 11 AND 13 ORDER BY k;
SELECT count(*), sum(v) FROM days WHERE d BETWEEN '2024-02-28' AND '2024-03-01';
PREPARE range(int, int) AS SELECT count(*) FROM a WHERE k BETWEEN $1 AND $2;
EXECUTE range(11, 12);
EXECUTE range(11, 100);
EXECUTE range(12, 11);
EXECUTE range(NULL, 11);

-- other ways to say it
SELECT shards('SELECT * FROM a WHERE k IN (VALUES (11), (12), (13))') = shards('SELECT * FROM a WHERE k IN (11, 12, 13)');
SELECT shards('SELECT * FROM a WHERE (k, v) IN (VALUES (11, 1), (11, 2))');
SELECT shards('SELECT * FROM a WHERE k NOT IN (VALUES (1), (2))');
SELECT shards('SELECT * FROM a WHERE k = ANY (''{11.0, 1.5, 1e30, NULL}''::numeric[])');
SELECT shards('SELECT * FROM a WHERE k = ANY (''{1.5}''::numeric[])');
SELECT shards('SELECT * FROM a WHERE (k = 11) IS TRUE AND v > 0');
SELECT shards('SELECT * FROM a WHERE (k = 11) IS NOT TRUE');
SELECT shards('SELECT * FROM a WHERE k IS NOT DISTINCT FROM 11');
SELECT shards('SELECT * FROM a WHERE k IS DISTINCT FROM 11');
SELECT k, v FROM a WHERE k IN (VALUES (11), (NULL), (13)) ORDER BY k;
SELECT k, v FROM a WHERE (v, k) IN (VALUES (1, 11), (7, 12), (2, 12)) ORDER BY k;
SELECT k FROM a WHERE k = ANY ('{11.0, 1.5, 12, NULL}'::numeric[]) ORDER BY k;
SELECT b.k, a.k FROM b LEFT JOIN a ON a.k = b.k AND a.v > 5 WHERE a.k IS NOT DISTINCT FROM NULL AND b.k < 5 ORDER BY 1;
SELECT b.k, a.k FROM b LEFT JOIN a ON a.k = b.k AND a.v > 5 WHERE (a.k = 7) IS NOT TRUE AND b.k < 8 ORDER BY 1;
SELECT k FROM a WHERE k IS NOT DISTINCT FROM 11 AND (k = 11) IS TRUE;

-- values of another type, and of sub-queries without a table
SET my.k = 11;
SELECT shards('SELECT * FROM a WHERE k = (SELECT 11)');
SELECT shards('SELECT * FROM a WHERE k = (SELECT current_setting(''my.k'')::int)');
SELECT shards('SELECT * FROM a JOIN b USING (k) WHERE a.k = (SELECT 11) AND b.w < 9');
SELECT shards('UPDATE a SET v = v WHERE k = (SELECT 11)');
SELECT shards('SELECT * FROM a WHERE k = (SELECT 11 WHERE false)');
SELECT shards('SELECT * FROM a WHERE k = (SELECT a.v)');
SELECT shards('SELECT * FROM days WHERE d = timestamp ''2024-02-29''');
SELECT shards('SELECT * FROM days WHERE timestamp ''2024-02-29 12:00'' = d');
PREPARE number(numeric) AS SELECT * FROM a WHERE k = $1;
PREPARE moment(timestamp) AS SELECT * FROM days WHERE d = $1;
SET plan_cache_mode = force_generic_plan;
SELECT shards('EXECUTE number(11.0)'), shards('EXECUTE moment(''2024-02-29'')');
EXECUTE number(11.0);
EXECUTE number(11.5);
EXECUTE number('NaN');
EXECUTE number(1e30);
EXECUTE number(NULL);
EXECUTE moment('2024-02-29');
EXECUTE moment('2024-02-29 12:00');
EXECUTE moment('infinity');
RESET plan_cache_mode;
EXECUTE number(11.00);
EXECUTE moment('2024-03-01');
SELECT * FROM a WHERE k = (SELECT current_setting('my.k')::int);
SELECT * FROM a WHERE k = (SELECT a.v) ORDER BY k;
SELECT k FROM a WHERE EXISTS (SELECT FROM b WHERE b.k = (SELECT a.k + 1) AND b.w = (SELECT 3)) AND k < 30 ORDER BY k;

-- contradictions: no shard is asked, unless a row comes of nothing
SELECT shards('SELECT * FROM a WHERE false');
SELECT shards('SELECT * FROM a WHERE k = 1 AND k = 2');
SELECT shards('SELECT v, count(*) FROM a WHERE k = 1 AND k = 2 GROUP BY v');
SELECT shards('SELECT * FROM a WHERE k > 5 AND k < 5');
SELECT shards('SELECT * FROM a WHERE k = 5 AND k > 7');
SELECT shards('SELECT count(*) FROM a WHERE false');
SELECT shards('UPDATE a SET v = 0 WHERE k = 1 AND k = 2');
SELECT * FROM a WHERE k = 1 AND k = 2;
SELECT count(*), sum(v) FROM a WHERE k = 1 AND k = 2;
SELECT v, count(*) FROM a WHERE k > 5 AND k < 5 GROUP BY v;
SELECT 1 FROM a WHERE false HAVING true;
SELECT v, count(*) FROM a WHERE false GROUP BY ROLLUP (v);
SELECT (SELECT count(*) FROM b) FROM a WHERE false;
SELECT * FROM (VALUES (1)) x (x) LEFT JOIN a ON k = 1 AND k = 2;
SELECT max(k) FROM a WHERE false ORDER BY 1 LIMIT 1;
SELECT k FROM a WHERE false ORDER BY k LIMIT 3;
SELECT k FROM a WHERE k = 1 AND k = 2 FOR UPDATE;
UPDATE a SET v = 0 WHERE k = 1 AND k = 2;
BEGIN;
DECLARE c CURSOR FOR SELECT k FROM a WHERE k > 5 AND k < 5;
FETCH ALL FROM c;
COMMIT;
PREPARE two(int, int) AS SELECT v FROM a WHERE k = $1 AND k = $2;
EXECUTE two(1, 1);
EXECUTE two(1, 2);

-- what equalities, sub-queries and set operations imply
SELECT shards('SELECT * FROM a WHERE k = v AND v = 5');
SELECT shards('SELECT * FROM a JOIN b ON a.k = b.k AND b.k = b.w WHERE b.w = 5');
SELECT shards('SELECT * FROM a WHERE EXISTS (SELECT FROM b WHERE b.k = a.k AND b.k = 7)');
SELECT shards('SELECT * FROM a WHERE k IN (SELECT k FROM b WHERE k BETWEEN 7 AND 7)');
SELECT shards('SELECT * FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.k = a.k AND b.k = 7)');
SELECT shards('SELECT * FROM a WHERE EXISTS (SELECT count(*) FROM b WHERE b.k = a.k AND b.k = 7)');
SELECT shards('SELECT * FROM a WHERE k = 7 UNION ALL SELECT * FROM b WHERE k = 7');
SELECT shards('SELECT * FROM a WHERE k = 7 UNION ALL SELECT * FROM b WHERE k = 8')
	= shards('SELECT * FROM a WHERE k IN (7, 8)');
SELECT * FROM a WHERE EXISTS (SELECT FROM b WHERE b.k = a.k AND b.k = 7);
SELECT count(*) FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.k = a.k AND b.k = 7);
SELECT count(*) FROM a WHERE EXISTS (SELECT count(*) FROM b WHERE b.k = a.k AND b.k = 7);
SELECT count(*) FROM a WHERE EXISTS (SELECT FROM b WHERE b.k = a.k AND b.k = 7) OR k = 9;
SELECT * FROM (SELECT * FROM a WHERE k = 7 UNION ALL SELECT * FROM b WHERE k = 8) u ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA pruning CASCADE;
