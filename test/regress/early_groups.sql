-- Groups of a distributed table take its place in a join with what only this node has.
CREATE SCHEMA early_groups;
SET search_path TO early_groups;
CREATE TABLE d (k int, few int, many int, x int, z numeric);
SELECT create_distributed_table('d', 'k', shard_count => 4);
INSERT INTO d SELECT i, i % 20, i, i % 100, i % 9 FROM generate_series(1, 8000) i;
SET citus.explain_distributed_queries TO off;
CREATE TABLE l (i int);
INSERT INTO l SELECT generate_series(1, 9);
CREATE FUNCTION groups_early(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
    strategies text = '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        strategies = strategies || coalesce(substring(line FROM 'Strategy: (\w+)'), '');
    END LOOP;
    RETURN CASE strategies WHEN 'pushdown' THEN true WHEN 'scan' THEN false END;
END $$;
-- nobody has counted the rows
SELECT groups_early('SELECT i, sum(x) FROM d JOIN l ON i = few GROUP BY i');
ANALYZE d, l;
SELECT groups_early('SELECT i, sum(x) FROM d JOIN l ON i = few GROUP BY i');
SELECT groups_early('SELECT sum(x), avg(z), count(*), max(k) FROM d JOIN l ON i = few WHERE z < 5');
SELECT groups_early('SELECT few, count(*) FROM d LEFT JOIN l ON i = few GROUP BY few');
-- as many groups as rows; equal values that differ; other aggregates; rows that a join makes up; the other side's values
SELECT groups_early('SELECT i, sum(x) FROM d JOIN l ON i = many GROUP BY i');
SELECT groups_early('SELECT i, sum(x) FROM d JOIN l ON i = z GROUP BY i');
SELECT groups_early('SELECT i, array_agg(x) FROM d JOIN l ON i = few GROUP BY i');
SELECT groups_early('SELECT i, sum(x) FROM d RIGHT JOIN l ON i = few GROUP BY i');
SELECT groups_early('SELECT i, sum(x * i) FROM d JOIN l ON i = few GROUP BY i');
SELECT i, sum(x), count(*) FROM d JOIN l ON i = few GROUP BY i ORDER BY i;
SET client_min_messages TO warning;
DROP SCHEMA early_groups CASCADE;
