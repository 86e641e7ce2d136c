-- Operators, operator families and classes, and casts are on all nodes, also on those that join later.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2950000;
CREATE ROLE dop_role;
CREATE SCHEMA dop;
GRANT ALL ON SCHEMA dop TO dop_role;
SET search_path TO dop;
SET client_min_messages TO warning;
CREATE VIEW known AS SELECT DISTINCT unnest(string_to_array(result, '; ')) AS object FROM run_command_on_all_nodes($$
    SELECT string_agg(pg_describe_object(classid, objid, 0) || ' ' || coalesce(obj_description(objid), ''), '; ')
    FROM pg_dist_object WHERE classid IN ('pg_operator'::regclass, 'pg_opfamily'::regclass,
                                          'pg_opclass'::regclass, 'pg_cast'::regclass)
    HAVING count(*) > 0$$) ORDER BY 1;
CREATE VIEW members AS SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT (SELECT string_agg(amopopr::regoperator::text, ', ' ORDER BY amopopr::regoperator::text)
            FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily WHERE opfname = 'far')
        || '; ' || (SELECT string_agg(amproc::regprocedure::text, ', ' ORDER BY amproc::regprocedure::text)
            FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily WHERE opfname = 'far')$$);

CREATE FUNCTION less(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE FUNCTION hash4(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION hash8(int8) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1::int';
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION to_pair(int) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, $1)::dop.pair';

-- in a transaction: when they are needed; casts at once, because nothing says that it needs them
BEGIN;
CREATE OPERATOR <<< (FUNCTION = less, LEFTARG = int, RIGHTARG = int, NEGATOR = >>=);
CREATE CAST (int AS pair) WITH FUNCTION to_pair(int) AS IMPLICIT;
CREATE TABLE t (k int CHECK (k <<< 100), v int);
SELECT create_distributed_table('t', 'k');
COMMIT;
SELECT * FROM known;
COMMENT ON OPERATOR <<< (int, int) IS 'less';
COMMENT ON CAST (int AS pair) IS 'twice';
CREATE OPERATOR FAMILY far USING hash;
CREATE OPERATOR CLASS far4 FOR TYPE int USING hash FAMILY far AS OPERATOR 1 =, FUNCTION 1 hash4(int);
ALTER OPERATOR FAMILY far USING hash ADD OPERATOR 1 = (int4, int8), OPERATOR 1 = (int8, int8), FUNCTION 1 (int8) hash8(int8);
CREATE INDEX ON t USING hash (v far4);
SELECT * FROM known;
SELECT * FROM members;
ALTER OPERATOR <<< (int, int) SET (RESTRICT = scalarltsel);
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT oprrest FROM pg_operator WHERE oprname = '<<<'$$);
INSERT INTO t VALUES (100, 1);
INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;
SELECT count(*) FROM t WHERE v <<< 5;

-- an ordinary user's
SET ROLE dop_role;
CREATE TYPE own AS (a int);
CREATE FUNCTION to_own(int) RETURNS own LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::dop.own';
CREATE CAST (int AS own) WITH FUNCTION to_own(int);
CREATE OPERATOR <<@ (FUNCTION = less, LEFTARG = int, RIGHTARG = int);
ALTER OPERATOR <<< (int, int) OWNER TO dop_role;
DROP CAST (int AS pair);
RESET ROLE;
GRANT SELECT ON t TO dop_role;
SET ROLE dop_role;
SELECT k::own FROM t WHERE k <<@ 2;
DROP CAST (int AS own);
DROP OPERATOR <<@ (int, int);
DROP FUNCTION to_own(int);
RESET ROLE;

-- one of this node only is not sent to others
SET citus.enable_ddl_propagation TO off;
CREATE OPERATOR <<# (FUNCTION = less, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION to_int(pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.b';
CREATE CAST (pair AS int) WITH FUNCTION to_int(pair);
RESET citus.enable_ddl_propagation;
SELECT count(*) FROM t WHERE v <<# 5;
SELECT v::pair::int FROM t WHERE k = 5;
SELECT ROW(v, v)::pair::int AS two FROM t ORDER BY 1 LIMIT 1;
DROP OPERATOR <<# (int, int);

-- a worker that leaves, forgets, and joins again
SELECT undistribute_table('t');
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
SELECT current_setting('port') AS coordinator_port \gset
SELECT citus_remove_node('localhost', :worker_port);
\c - - - :worker_port
SET client_min_messages TO warning;
SET citus.enable_ddl_propagation TO off;
DROP SCHEMA dop CASCADE;
\c - - - :coordinator_port
SET search_path TO dop;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE VIEW pairs AS SELECT i::pair AS p FROM generate_series(1, 3) i;
SELECT citus_add_node('localhost', :worker_port) > 0 AS joined;
SELECT create_distributed_table('t', 'k');
SELECT * FROM known;
SELECT * FROM members;
SELECT count(*) FROM t WHERE v <<< 5;
\c - - - :worker_port
SELECT * FROM dop.pairs;
\c - - - :coordinator_port
SET search_path TO dop;
SET client_min_messages TO warning;

DROP OPERATOR FAMILY far USING hash CASCADE;
ALTER OPERATOR <<< (int, int) SET SCHEMA public;
DROP OPERATOR public.<<< (int, int) CASCADE;
DROP VIEW pairs;
DROP CAST (int AS pair);
SELECT * FROM known;
SELECT * FROM citus_internal.check_consistency();
DROP SCHEMA dop CASCADE;
DROP ROLE dop_role;
SELECT * FROM citus_internal.check_consistency();
