-- joins of colocated tables beneath a larger plan: what the shards make of them
CREATE SCHEMA joined;
SET search_path = joined;
SET citus.shard_count = 4;
CREATE TABLE d (k int PRIMARY KEY, v int, t text);
CREATE TABLE e (k int, w int, t text);
CREATE TABLE o (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, name text);
CREATE TABLE l (a int, b int);
SELECT create_distributed_table('d', 'k'), create_distributed_table('e', 'k', colocate_with => 'd'),
	create_distributed_table('o', 'k', colocate_with => 'none'), create_reference_table('r');
INSERT INTO d SELECT i, i % 50, 't' || i % 7 FROM generate_series(1, 2000) i;
INSERT INTO e SELECT i % 1500, i, 't' || i % 5 FROM generate_series(1, 3000) i;
INSERT INTO o SELECT i, i % 50 FROM generate_series(1, 2000) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 60) i;
INSERT INTO l SELECT i, i % 10 FROM generate_series(1, 1000) i;
ANALYZE d, e, o, r, l;

-- what is asked of the shards
CREATE FUNCTION asked(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT DISTINCT regexp_replace(concat_ws(': ', node ->> 'Strategy', node #>> '{Job,Tasks,0,Query}'), '_\d{6,}|\s+', ' ', 'g')
		FROM jsonb_path_query(plan::jsonb, '$.**."Distributed Query"') AS node ORDER BY 1;
END $$;
SELECT asked('SELECT d.t, e.w, l.b FROM d JOIN e ON d.k = e.k JOIN l ON l.a = d.v + e.w WHERE e.w < 500');
SELECT asked('SELECT d.k, l.b FROM d JOIN e USING (k) JOIN l ON l.a = d.v WHERE d.k = 5 AND l.b < 1000');
SELECT asked('SELECT count(*) FROM d LEFT JOIN e ON d.k = e.k AND e.w > 5 JOIN l ON l.b = d.v');
SELECT asked('SELECT d.k FROM l JOIN (d FULL JOIN e ON d.k = e.k) ON l.b = coalesce(d.v, e.w)');
SELECT asked('SELECT d.k, l.b FROM d JOIN l ON l.a = d.v WHERE EXISTS (SELECT FROM e WHERE e.k = d.k AND e.w > 2000)');
SELECT asked('SELECT d.k, l.b FROM d JOIN l ON l.a = d.v WHERE NOT EXISTS (SELECT FROM e JOIN r ON r.id < e.w WHERE e.k = d.k)');
SELECT asked('SELECT d.k, l.b FROM d JOIN r ON r.id >= d.v JOIN l ON l.a = d.v WHERE r.name = ''r5''');
SELECT asked('SELECT l.a, (SELECT sum(e.w) FROM d JOIN e USING (k) WHERE d.v = l.b) FROM l');
SELECT asked('WITH RECURSIVE x(k) AS (SELECT 1 UNION SELECT e.w % 9 FROM x JOIN d ON d.v = x.k JOIN e ON e.k = d.k) SELECT * FROM x');

-- not off the key, not where rows of a reference table are kept, not with more rows than the tables have
SELECT asked('SELECT l.b FROM d JOIN e ON d.v = e.w JOIN l ON l.a = d.v');
SELECT asked('SELECT l.b FROM d JOIN o USING (k) JOIN l ON l.a = d.v');
SELECT asked('SELECT l.b FROM r LEFT JOIN d ON d.v = r.id JOIN l ON l.a = r.id');
SELECT asked('SELECT l.b FROM d JOIN d x ON d.k % 2 = x.k % 2 AND d.k = x.k OR d.k > x.k JOIN l ON l.a = d.v');
SELECT asked('SELECT l.b FROM d JOIN e ON d.k = e.k AND e.w > random() JOIN l ON l.a = d.v');

-- rights, and rows that policies hide
CREATE USER join_reader;
GRANT USAGE ON SCHEMA joined TO join_reader;
GRANT SELECT ON d, l TO join_reader;
SET ROLE join_reader;
SELECT count(*) FROM d JOIN e USING (k) JOIN l ON l.a = d.v;
RESET ROLE;
CREATE VIEW shown AS SELECT d.k, e.w, d.v FROM d JOIN e USING (k);
GRANT SELECT ON shown TO join_reader;
SET ROLE join_reader;
SELECT count(*) FROM shown JOIN l ON l.a = shown.v;
RESET ROLE;
GRANT SELECT ON e TO join_reader;
ALTER TABLE e ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON e USING (w < 100);
SET ROLE join_reader;
SELECT count(*), max(w) FROM d JOIN e USING (k) JOIN l ON l.a = d.v;
RESET ROLE;

-- rows of fragments that stand in a larger plan, as estimated
CREATE FUNCTION estimated(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN (SELECT string_agg(DISTINCT node ->> 'Plan Rows', ', ')
		FROM jsonb_path_query(plan::jsonb, '$.** ? (exists (@."Distributed Query"))') AS node);
END $$;
SELECT estimated('SELECT * FROM (SELECT k, count(*) AS n FROM e GROUP BY k OFFSET 0) x JOIN l ON x.k = l.a');
SELECT estimated('SELECT * FROM (SELECT v, count(*) AS n FROM d GROUP BY v) x JOIN l ON x.v = l.a');
SELECT estimated('SELECT * FROM (SELECT count(*) AS n FROM d) x JOIN l ON x.n = l.a');
SELECT estimated('SELECT * FROM (SELECT DISTINCT t FROM d) x JOIN l ON length(x.t) = l.a');
SELECT estimated('SELECT * FROM (SELECT k, v FROM d ORDER BY v LIMIT 10) x JOIN l ON x.k = l.a');
SELECT estimated('SELECT * FROM (SELECT d.k, d.v FROM d WHERE v < 5 OFFSET 0) x JOIN l ON x.v = l.a');
SELECT estimated('WITH x AS MATERIALIZED (SELECT d.k, e.w FROM d JOIN e USING (k)) SELECT * FROM x JOIN l ON x.k = l.a');
SELECT estimated('SELECT * FROM (SELECT k FROM d WHERE k = 7 OFFSET 0) x JOIN l ON x.k = l.a');
SELECT estimated('SELECT * FROM (SELECT name FROM r WHERE id < 10 OFFSET 0) x JOIN l ON length(x.name) = l.a');

SET client_min_messages = warning;
DROP SCHEMA joined CASCADE;
DROP USER join_reader;
