-- beside few rows of a local table only what they can want is fetched, from the shards that have it
CREATE SCHEMA narrowed;
SET search_path = narrowed;
SET citus.shard_count = 32;
CREATE TABLE d (k int PRIMARY KEY, v int);
CREATE TABLE l (a int, name text);
SELECT create_distributed_table('d', 'k');
INSERT INTO d SELECT i, i FROM generate_series(1, 1000) i;
INSERT INTO l SELECT i, 'n' || i FROM generate_series(1, 100) i;
ANALYZE d, l;

-- rows that came here, and shards they came from
CREATE FUNCTION fetched(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	node jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	FOR node IN SELECT DISTINCT value FROM jsonb_path_query(plan::jsonb, '$.**."Distributed Query"."Job"') AS value LOOP
		RETURN NEXT (node ->> 'Shards') || ', bytes ' || (node ->> 'Tuple data received from nodes');
	END LOOP;
END $$;
SELECT * FROM fetched('SELECT * FROM d JOIN l ON d.k = l.a WHERE l.name IN (''n5'', ''n7'')');
SELECT * FROM fetched('SELECT * FROM l LEFT JOIN d ON d.k = l.a WHERE l.name = ''n5''');
SELECT * FROM fetched('SELECT * FROM d WHERE k IN (SELECT a FROM l WHERE name = ''n5'')');
SELECT * FROM fetched('SELECT * FROM d WHERE k = (SELECT max(a) FROM l)');
SELECT * FROM fetched('SELECT * FROM d WHERE k = (SELECT a FROM l WHERE name = ''none'')');
SELECT * FROM fetched('SELECT * FROM d JOIN l ON d.v = l.a WHERE l.name IN (''n5'', ''n7'')');
-- nothing is known before it has run
CREATE FUNCTION tasks_shown(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Tasks Shown%' THEN
			RETURN trim(line);
		END IF;
	END LOOP;
END $$;
SELECT tasks_shown('SELECT * FROM d WHERE k = (SELECT max(a) FROM l)');
-- too many, or not kept away
SELECT fetched LIKE '32 of 32%' FROM fetched('SELECT * FROM d JOIN (SELECT a % 3 AS a FROM l) x ON d.k = x.a');
SELECT fetched LIKE '32 of 32%' FROM fetched('SELECT * FROM d LEFT JOIN l ON d.k = l.a');

-- rights
CREATE USER narrow_reader;
GRANT USAGE ON SCHEMA narrowed TO narrow_reader;
GRANT SELECT ON d TO narrow_reader;
GRANT SELECT (a) ON l TO narrow_reader;
SET ROLE narrow_reader;
SELECT k, l.a FROM d JOIN l ON d.k = l.a WHERE l.a < 3 ORDER BY 1;
SELECT k FROM d JOIN l ON d.k = l.a WHERE l.name = 'n5';
RESET ROLE;
SET client_min_messages = error;
CREATE VIEW shown AS SELECT d.k, l.name FROM d JOIN l ON d.k = l.a;
RESET client_min_messages;
GRANT SELECT ON shown TO narrow_reader;
REVOKE SELECT ON d FROM narrow_reader;
REVOKE SELECT (a) ON l FROM narrow_reader;
SET ROLE narrow_reader;
SELECT * FROM shown WHERE name = 'n5';
RESET ROLE;
ALTER TABLE l ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_ones ON l USING (a < 3);
GRANT SELECT ON d, l TO narrow_reader;
SET ROLE narrow_reader;
SELECT k, name FROM d JOIN l ON d.k = l.a ORDER BY 1;
SELECT count(*) FROM d WHERE k IN (SELECT a FROM l);
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA narrowed CASCADE;
DROP USER narrow_reader;
