-- grouping beneath a larger plan: what the shards make of it
CREATE SCHEMA grouped;
SET search_path = grouped;
SET citus.shard_count = 4;
CREATE TABLE d (k int PRIMARY KEY, k2 int, v int, n numeric, t text);
CREATE TABLE e (k int, w int);
CREATE TABLE l (a int, b int);
SELECT create_distributed_table('d', 'k'), create_distributed_table('e', 'k', colocate_with => 'd');
INSERT INTO d SELECT i, i % 20, i % 50, i, 't' || i % 7 FROM generate_series(1, 5000) i;
INSERT INTO e SELECT i % 1500, i FROM generate_series(1, 3000) i;
INSERT INTO l SELECT i, i % 10 FROM generate_series(1, 100) i;
ANALYZE d, e, l;

-- what is asked of the shards
CREATE FUNCTION asked(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT DISTINCT regexp_replace(concat_ws(': ', node ->> 'Strategy', node #>> '{Job,Tasks,0,Query}'), '_\d{6,}|\s+', ' ', 'g')
		FROM jsonb_path_query(plan::jsonb, '$.**."Distributed Query"') AS node ORDER BY 1;
END $$;
SELECT asked('SELECT k2, avg(v), (SELECT min(b) FROM l WHERE a = k2) FROM d GROUP BY k2');
SELECT asked('SELECT count(*) FROM d WHERE v > (SELECT avg(a) FROM l)');
SELECT asked('SELECT t, count(w), count(DISTINCT k2) FROM d JOIN e USING (k) WHERE v > (SELECT avg(a) FROM l) GROUP BY t');
SELECT asked('SELECT count(DISTINCT k2) FROM d WHERE v > (SELECT avg(a) FROM l)');
SELECT asked('SELECT a, (SELECT sum(v) FROM d WHERE k2 = a) FROM l');
SELECT asked('SELECT a, c FROM l, LATERAL (SELECT count(*) c FROM d) x');
SELECT asked('SELECT k, sum(v) FROM d WHERE v > (SELECT avg(a) FROM l) GROUP BY k HAVING sum(v) > 40 AND count(*) > (SELECT min(b) FROM l WHERE a < k)');
SELECT asked('SELECT count(*) FROM d WHERE k = 7 AND v > (SELECT avg(a) FROM l)');

-- not by columns that are nearly as many as rows, nor by values that are equal and look different
SELECT asked('SELECT n, count(*) FROM d WHERE v > (SELECT avg(a) FROM l WHERE a <> d.k) GROUP BY n');
SELECT asked('SELECT a, (SELECT sum(v) FROM d WHERE n = a) FROM l');

-- legs of set operations, the first row of each group
CREATE TABLE f (id int, k2 int, v numeric, t text);
SELECT create_distributed_table('f', 'id', colocate_with => 'none');
INSERT INTO f SELECT i, i % 30, i % 40, 't' || i % 9 FROM generate_series(1, 4000) i;
ANALYZE f;
-- whether columns are written with their table's name is a matter of the server's version
CREATE FUNCTION plainly(query text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(asked(query), '\m(d|f|u|leg|legs|moved|ranked)\.', '', 'g')
$$;
SELECT plainly('SELECT k2, count(*), avg(v) FROM (SELECT k2, v FROM d UNION ALL SELECT k2, v FROM f) u WHERE v > 3 GROUP BY k2 HAVING count(*) > 1');
SELECT plainly('SELECT t, count(*) FROM (SELECT k2, t FROM d UNION ALL SELECT k2, t FROM f UNION ALL SELECT a, NULL FROM l) u GROUP BY t');
SELECT plainly('SELECT k FROM d UNION ALL SELECT id FROM f ORDER BY k LIMIT 3');
SELECT plainly('SELECT k2 FROM d UNION SELECT k2 FROM f');
SELECT plainly('SELECT k FROM d UNION SELECT id FROM f');
SELECT plainly('SELECT DISTINCT ON (k2) k2, v FROM d ORDER BY k2, v DESC');
SELECT plainly('SELECT * FROM l JOIN (SELECT d.t, count(*) FROM d JOIN f ON d.k = f.k2 GROUP BY d.t) s ON a = s.count');
SELECT plainly('SELECT * FROM (SELECT k, v, rank() OVER (PARTITION BY k2 ORDER BY v DESC) r FROM d) s WHERE r <= 3');

-- what is left to this node
CREATE FUNCTION planned(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF, VERBOSE) ' || query LOOP
		EXIT WHEN line ~ 'Tasks Shown';
		RETURN NEXT line;
	END LOOP;
END $$;
SELECT planned('SELECT k2, avg(v) + 1, (SELECT min(b) FROM l WHERE a = k2) FROM d GROUP BY k2 HAVING count(*) > 2 ORDER BY sum(n)');
DROP SCHEMA grouped CASCADE;
