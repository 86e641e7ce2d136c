-- Rows that are passed on to the client unread: which queries, and what row_messages() makes of what it is given.
CREATE SCHEMA fr;
SET search_path TO fr;
SET citus.shard_count TO 2;
SET client_min_messages TO warning;
CREATE TABLE many (k int, v text, m money);
SELECT create_distributed_table('many', 'k');
INSERT INTO many SELECT i, 'v' || i, 1 FROM generate_series(1, 8000) i;
ANALYZE many;
-- what the workers' sessions have run last
CREATE VIEW asked AS SELECT count(*) AS messages FROM run_command_on_workers($$
    SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT citus_internal.row_messages%' AND pid <> pg_backend_pid()$$)
    WHERE result::int > 0;
\o /dev/null
SELECT k, v FROM many;
\o
SELECT messages > 0 AS passed_on FROM asked;
\o /dev/null
SELECT k, v, m FROM many;
\o
SELECT messages > 0 AS passed_on FROM asked;
-- more parameters than a function has arguments, and than a row has columns
SELECT string_agg(format('v <> (now() + ''%s s'')::text', i), ' AND ') AS few FROM generate_series(1, 110) i
\gset
SELECT string_agg(format('v <> (now() + ''%s s'')::text', i), ' AND ') AS lots FROM generate_series(1, 1100) i
\gset
\o /dev/null
SELECT k, v FROM many WHERE :few;
\echo :ROW_COUNT
SELECT k, v FROM many WHERE k > 10 AND :lots;
\echo :ROW_COUNT
\o
SELECT count(*) FROM (SELECT * FROM many WHERE :few) a JOIN many b USING (v);
SELECT citus_internal.row_messages('SELECT $1, $2, $3, $4', '{23,25,25,25}', false, 6, ROW(7, 'seven'::text, NULL::text), 'x'::text);
-- what it refuses
SELECT citus_internal.row_messages(NULL, '{23}', false, 6);
SELECT citus_internal.row_messages('SELECT 1', '{23}', false, NULL::int);
SELECT citus_internal.row_messages('SELECT 1', '{23}', false, 'x'::text);
SELECT citus_internal.row_messages('SELECT 1', '{23}', false, 4711);
SELECT citus_internal.row_messages('SELECT 1', '{25}', false, 6);
SELECT citus_internal.row_messages('SELECT 1', '{23,23}', false, 6);
SELECT citus_internal.row_messages('SELECT 1', ARRAY[NULL::oid], false, 6);
SELECT citus_internal.row_messages('CREATE TABLE x ()', '{}', false, 6);
SELECT citus_internal.row_messages('DELETE FROM fr.many', '{}', false, 6);
SELECT citus_internal.row_messages('SELECT 1; SELECT 2', '{23}', false, 6);
SELECT citus_internal.row_messages('SELECT 1/0', '{23}', false, 6);
SELECT citus_internal.row_messages('SELECT', '{}', false, 6);
SELECT citus_internal.row_messages('SELECT $1, $2, NULL::text', '{23,25,25}', false, 6, 7, 'seven'::text);
SELECT * FROM citus_internal.row_messages('SELECT i FROM generate_series(1, 3) i', '{23}', true, 6);
SELECT count(*), sum(length(m)) FROM citus_internal.row_messages('SELECT repeat(''x'', 1000) FROM generate_series(1, 1000)', '{25}', false, 6) m;
SELECT citus_internal.row_messages('SELECT i FROM generate_series(1, 100000) i', '{23}', false, 6) IS NULL LIMIT 1;
SELECT count(*) FROM pg_cursors WHERE name <> '';
-- rows that become long: a value each, after one of the short ones
SELECT length(m) FROM citus_internal.row_messages('SELECT CASE WHEN i > 100 THEN repeat(''x'', 40000) END FROM generate_series(1, 104) i', '{25}', false, 6) m;
-- one that is not read to its end leaves no portal behind
BEGIN;
SELECT citus_internal.row_messages('SELECT i FROM generate_series(1, 100000) i', '{23}', false, 6) IS NULL LIMIT 1;
SELECT count(*) FROM pg_cursors WHERE statement LIKE '%generate_series%' AND statement NOT LIKE '%pg_cursors%';
COMMIT;
SET client_min_messages TO warning;
DROP SCHEMA fr CASCADE;
