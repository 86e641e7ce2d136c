-- Joins off the distribution key: which rows move, and what becomes of bytes that are none.
CREATE SCHEMA mr;
SET search_path TO mr;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE big (k int, x int, v text);
CREATE TABLE other (k int, x int, v text);
CREATE TABLE small (k int, x int);
SELECT create_distributed_table(t, 'k') FROM (VALUES ('big'), ('other'), ('small')) AS tables(t);
INSERT INTO big SELECT i, i % 5000, 'v' FROM generate_series(1, 20000) i;
INSERT INTO other SELECT i, i, 'w' FROM generate_series(1, 20000) i;
INSERT INTO small SELECT i, i FROM generate_series(1, 20) i;
ANALYZE big, other, small;
CREATE FUNCTION pg_temp.moves_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Strategy|Rows Moved|Rows Sent|Way|Shards' THEN
            RETURN NEXT trim(line);
        END IF;
    END LOOP;
END $$;
\pset tuples_only on
\pset format unaligned
-- both sides, one side, the smaller side to all tasks, none because there is little to gain
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other ON big.x = other.x');
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other ON big.x = other.k');
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other USING (k) JOIN small ON small.x = big.x');
SELECT pg_temp.moves_of('SELECT count(*) FROM small s1 JOIN small s2 ON s1.x = s2.k');
-- conditions go with the rows, and choose shards
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other ON big.x = other.k WHERE other.k IN (1, 2) AND big.v < ''w''');
SELECT pg_temp.moves_of('SELECT count(*) FROM big LEFT JOIN other ON big.x = other.x');
SELECT pg_temp.moves_of('SELECT count(*) FROM big WHERE NOT EXISTS (SELECT FROM other WHERE big.x = other.x)');
SELECT pg_temp.moves_of('SELECT count(*) FROM big WHERE x IN (SELECT x FROM other)');
SELECT count(*), sum(big.k), sum(other.k) FROM big JOIN other ON big.x = other.x;
-- in a task the server expects about as many joined rows as there are: each is 5000 with 5000
CREATE FUNCTION pg_temp.expected(query text) RETURNS TABLE (kind text, likely boolean) LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
    RETURN QUERY SELECT DISTINCT node ->> 'Node Type', (node ->> 'Plan Rows')::numeric < 20000
        FROM jsonb_path_query(plan::jsonb, '$.**."Remote Plan".**') AS node WHERE node ->> 'Node Type' ~ 'Join|Loop';
END $$;
SELECT * FROM pg_temp.expected('SELECT count(*) FROM big JOIN other ON big.x = other.x');
-- rows that a view may hide do not move to where the user's functions run: the view's own do, and the functions see them here
CREATE VIEW seen WITH (security_barrier) AS SELECT big.k, big.x FROM big JOIN other ON big.x = other.x;
CREATE FUNCTION looks(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
SELECT pg_temp.moves_of('SELECT count(*) FROM seen WHERE x > 3');
SELECT pg_temp.moves_of('SELECT count(*) FROM seen WHERE looks(x)');
-- many distinct values are counted where equal ones meet
INSERT INTO other SELECT i, CASE WHEN i % 10 > 0 THEN i * 7 % 89989 END, 'x' FROM generate_series(20001, 80000) i;
ANALYZE other;
SELECT pg_temp.moves_of('SELECT count(DISTINCT x::numeric) FROM other');
SELECT pg_temp.moves_of('SELECT v, count(DISTINCT x::numeric) AS n FROM other GROUP BY v HAVING count(DISTINCT x::numeric) > 1 ORDER BY n');
SELECT pg_temp.moves_of('SELECT count(DISTINCT x::numeric), count(*) FROM other');
SELECT pg_temp.moves_of('SELECT count(DISTINCT v) FROM other');
SELECT count(DISTINCT x::numeric), count(DISTINCT x::numeric) * 2 FROM other;
SELECT v, count(DISTINCT x::numeric) AS n FROM other GROUP BY v HAVING count(DISTINCT x::numeric) > 1 ORDER BY n;
SELECT v < 'x', count(DISTINCT (x + k % 2)::numeric) FROM other WHERE x > 100 GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT x), count(*) FROM other;
-- what no node has packed
SELECT * FROM citus_internal.unpack_rows('', 0) AS t(a int);
SELECT * FROM citus_internal.unpack_rows('\x01', 0) AS t(a int);
SELECT * FROM citus_internal.unpack_rows('\xffffffff0000000100013400000000', 0) AS t(a int);
SELECT * FROM citus_internal.unpack_rows('\x00000010000000010001340000000005', 0) AS t(a int);
SELECT * FROM citus_internal.unpack_rows('\x00000010000000020001340000000005', 0) AS t(a int);
SELECT * FROM citus_internal.unpack_rows('\x00000010000000010001340000000005', 0) AS t(a text);
SELECT * FROM citus_internal.unpack_rows('\x00000010000000010001760000000005', 0) AS t(a text);
SELECT * FROM citus_internal.unpack_rows('\x0000001100000001000176000000000141', 0) AS t(a text);
SELECT * FROM citus_internal.unpack_rows('\x00000011000000010001760000000001ff', 0) AS t(a text);
SELECT * FROM citus_internal.unpack_rows('\x00000010000000010002340000000005', 0) AS t(a int);
SELECT bucket, length(data) FROM citus_internal.pack_rows('SELECT i, i % 2 FROM generate_series(1, 10) i', 1, '{-2147483648,0}', NULL, 0);
SELECT bucket, u.* FROM citus_internal.pack_rows('SELECT i, $1 || i FROM generate_series(1, 3) i', 0, '{0}', NULL, 0, 'x'::text), LATERAL citus_internal.unpack_rows(data, 0) AS u(a int, b text);
SELECT * FROM citus_internal.pack_rows('SELECT 1', 2, '{0}', NULL, 0);
SELECT * FROM citus_internal.pack_rows('SELECT 1', 1, '{}', NULL, 0);
SELECT * FROM citus_internal.pack_rows('SELECT 1', 1, '{NULL}', NULL, 0);
SELECT * FROM citus_internal.pack_rows('CREATE TABLE x ()', 0, '{0}', NULL, 0);
-- forms of columns, NULLs, rows that are read again, in part, backwards, and looked at again when another is locked
SELECT data AS packed FROM citus_internal.pack_rows($q$SELECT i, i % 3 = 0, i::int2, i::int8 << 33, 'text ' || i, i * 1.5, decode('0' || i, 'hex'), 'k'::char(3),
    CASE WHEN i % 2 = 0 THEN i END, ARRAY[i, NULL] FROM generate_series(1, 4) i$q$, 0, '{0}', NULL, 0) \gset
SELECT * FROM citus_internal.unpack_rows(:'packed', 0) AS t(a int, b boolean, c int2, d int8, e text, f numeric, g bytea, h char(3), i int, j int[]);
SET enable_material TO off;
SET enable_hashjoin TO off;
SET enable_mergejoin TO off;
SELECT s, a, e FROM generate_series(2, 4) s LEFT JOIN
    citus_internal.unpack_rows(:'packed', 0) AS t(a int, b boolean, c int2, d int8, e text, f numeric, g bytea, h char(3), i int, j int[]) ON a < s AND i IS NULL;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT a, i FROM
    citus_internal.unpack_rows(:'packed', 1, 'NaN') AS t(a int, b boolean, c int2, d int8, e text, f numeric, g bytea, h char(3), i int, j int[]) WHERE a > 1;
FETCH LAST FROM c;
FETCH BACKWARD 2 FROM c;
SELECT a, k FROM small JOIN
    citus_internal.unpack_rows(:'packed', 0) AS t(a int, b boolean, c int2, d int8, e text, f numeric, g bytea, h char(3), i int, j int[]) ON k = a ORDER BY a FOR UPDATE OF small;
ROLLBACK;
-- many rows do not come here
SET citus.direct_move_threshold TO '1kB';
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other ON big.x = other.x');
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other USING (k) JOIN small ON small.x = big.x');
SELECT count(*), sum(big.k), sum(other.k) FROM big JOIN other ON big.x = other.x;
SELECT count(*), sum(big.k), sum(other.k) FROM big JOIN other USING (k) JOIN small ON small.x = big.x;
-- from a worker, as a user without rights on anything but the tables
CREATE ROLE mr_user;
GRANT USAGE ON SCHEMA mr TO mr_user;
GRANT SELECT ON big, other TO mr_user;
SET ROLE mr_user;
SELECT count(*), sum(big.k), sum(other.k) FROM big JOIN other ON big.x = other.x;
RESET ROLE;
SET citus.direct_move_threshold TO -1;
SELECT pg_temp.moves_of('SELECT count(*) FROM big JOIN other ON big.x = other.x');
RESET citus.direct_move_threshold;
-- keys and places that no statement knows
SELECT * FROM citus_internal.exchange_put('\x00', 'x');
SELECT * FROM citus_internal.exchange_put('\x00112233445566778899aabbccddeeff', 'x');
SELECT citus_internal.exchange_close('\x00112233445566778899aabbccddeeff');
SELECT * FROM citus_internal.unpack_rows('\x0000002e00000001ffff00112233445566778899aabbccddeeff0000000000000000000000000000000000000010', 0) AS t(a int);
SELECT * FROM citus_internal.pack_rows('SELECT 1', 1, '{0}', '\x00112233445566778899aabbccddeeff', 0);
SELECT * FROM citus_internal.pack_rows('SELECT 1', 1, '{0}', '\x00112233445566778899aabbccddeeff00ffffffff', 0);
SELECT * FROM citus_internal.pack_rows('SELECT 1', 1, '{0}', '\x00112233445566778899aabbccddeeff000000000100000000', 0);
-- one's own, and nobody else's
BEGIN;
SELECT citus_internal.exchange_open('\x00112233445566778899aabbccddeeff'), citus_internal.exchange_open('\x00112233445566778899aabbccddeeff');
SELECT * FROM citus_internal.exchange_put('\x00112233445566778899aabbccddeeff', '\x00000010000000010001340000000005');
SELECT * FROM citus_internal.exchange_put('\x00112233445566778899aabbccddeeff', '\x00000010000000010001340000000006');
SELECT * FROM citus_internal.unpack_rows('\x0000002e00000001ffff00112233445566778899aabbccddeeff0000000000000000000000000000000000000020', 0) AS t(a int);
SAVEPOINT s;
SELECT * FROM citus_internal.unpack_rows('\x0000002e00000001ffff00112233445566778899aabbccddeeff0000000000000000000000010000000000000010', 0) AS t(a int);
ROLLBACK TO SAVEPOINT s;
SELECT * FROM citus_internal.unpack_rows('\x0000002e00000001ffff00112233445566778899aabbccddeeff0000000000000000000000100000000000000020', 0) AS t(a int);
ROLLBACK TO SAVEPOINT s;
SELECT * FROM citus_internal.unpack_rows('\x0000002e00000001ffff00112233445566778899aabbccddeeff0000000900000000000000000000000000000010', 0) AS t(a int);
ROLLBACK TO SAVEPOINT s;
SET LOCAL ROLE mr_user;
SELECT * FROM citus_internal.exchange_put('\x00112233445566778899aabbccddeeff', 'x');
ROLLBACK TO SAVEPOINT s;
SELECT citus_internal.exchange_open('\x0f112233445566778899aabbccddeeff');
SELECT * FROM citus_internal.exchange_put('\x0f112233445566778899aabbccddeeff', 'x');
ROLLBACK TO SAVEPOINT s;
SELECT * FROM citus_internal.exchange_put('\x0f112233445566778899aabbccddeeff', 'x');
ROLLBACK;
SELECT count(*) FROM pg_ls_tmpdir();
DROP SCHEMA mr CASCADE;
DROP ROLE mr_user;
