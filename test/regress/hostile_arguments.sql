-- What everybody may call takes any arguments: an error, or an answer, and a server that goes on.
CREATE ROLE hostile;
CREATE TABLE h (k int PRIMARY KEY);
SELECT create_distributed_table('h', 'k', shard_count => 2);
CREATE TABLE calls (function regprocedure, call text);
INSERT INTO calls
WITH f AS (
    SELECT p.oid, format('%s.%I', p.pronamespace::regnamespace, p.proname) AS name, p.proargtypes::oid[] AS types
    FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'citus'
    WHERE p.prokind = 'f' AND has_function_privilege('hostile', p.oid, 'execute')
        AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
        AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
        -- they wait or end the session, as they should
        AND p.proname !~ 'advisory_lock|prove_session|terminate|wait')
SELECT f.oid, format('SELECT 1 FROM %s(%s)', name, coalesce((
    SELECT string_agg(format('%L::%s', CASE
            WHEN t = 'bigint'::regtype THEN ('{9223372036854775807,-1,102008,0}'::text[])[i]
            WHEN t = 'int'::regtype THEN ('{2147483647,-1,1,0}'::text[])[i]
            WHEN t IN ('oid'::regtype, 'regclass'::regtype, 'regproc'::regtype, 'regrole'::regtype,
                       'regnamespace'::regtype) THEN ('{1259,4294967295,1260,0}'::text[])[i]
            WHEN t IN ('text'::regtype, 'name'::regtype, 'cstring'::regtype, '"char"'::regtype)
                THEN (ARRAY[repeat('x', 9999), '', 'pg_authid', 'SELECT 1'])[i]
            WHEN t = 'bytea'::regtype THEN ('{"\\x","\\xffffffffffffffffffff","\\x00","\\x01"}'::text[])[i]
            WHEN y.typelem <> 0 AND y.typlen = -1 THEN (ARRAY['{}', '{NULL}', '{1,2}', '{{1},{2}}'])[i]
            WHEN i > 0 THEN '1' END,
            CASE WHEN y.typtype = 'p' THEN 'text' ELSE t::regtype::text END), ', ' ORDER BY o)
    FROM unnest(types) WITH ORDINALITY u(t, o) JOIN pg_type y ON y.oid = t), ''))
FROM f, generate_series(0, 4) i;
GRANT SELECT ON calls TO hostile;
SELECT count(*) > 500 AS many FROM calls;
SET ROLE hostile;
SET statement_timeout TO '60s';
SET client_min_messages TO error;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT call FROM calls LOOP
        BEGIN
            EXECUTE c.call;
        EXCEPTION WHEN others THEN
            IF SQLSTATE = '57014' THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END $$;
RESET ROLE;
SELECT count(*) FROM h;
SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 'h'::regclass;
DROP TABLE h, calls;
DROP ROLE hostile;
SELECT * FROM citus_internal.check_consistency();
