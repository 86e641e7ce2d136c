-- What the extension runs for itself, with its owner's rights too, means the server's operators,
-- whatever a user has put before them.
CREATE ROLE trapper LOGIN;
CREATE SCHEMA trap AUTHORIZATION trapper;
SET client_min_messages TO warning;
SET ROLE trapper;
CREATE FUNCTION trap.tell() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING 'trap.tell() ran as %', current_user; RETURN false; END $$;
DO $$
DECLARE
    pair record;
    sign text;
BEGIN
    FOR pair IN
        SELECT DISTINCT a, b FROM unnest('{int4,int8,oid,name,text,"\"char\"",float4}'::text[]) a,
            unnest('{int4,int8,oid,name,text,"\"char\"",float4}'::text[]) b
        WHERE a = b OR (a, b) IN (('int8', 'int4'), ('oid', 'int4'), ('name', 'text'), ('float4', 'int4'))
    LOOP
        EXECUTE format('CREATE FUNCTION trap.compare(%1$s, %2$s) RETURNS bool LANGUAGE sql
            AS ''SELECT trap.tell()''', pair.a, pair.b);
        FOREACH sign IN ARRAY '{=,<>,>,<}'::text[] LOOP
            EXECUTE format('CREATE OPERATOR trap.%3$s (leftarg = %1$s, rightarg = %2$s, function = trap.compare)',
                pair.a, pair.b, sign);
        END LOOP;
    END LOOP;
END $$;
CREATE FUNCTION trap.fetch(jsonb, text) RETURNS text LANGUAGE sql AS 'SELECT trap.tell()::pg_catalog.text';
CREATE OPERATOR trap.->> (leftarg = jsonb, rightarg = text, function = trap.fetch);
CREATE FUNCTION trap.total(float8, anyelement) RETURNS float8 LANGUAGE sql AS 'SELECT trap.tell()::int::float8';
CREATE AGGREGATE trap.sum(anyelement) (sfunc = trap.total, stype = float8);
CREATE TABLE trap.t (k int PRIMARY KEY, v text);
CREATE TABLE trap.r (k int PRIMARY KEY);
SELECT create_distributed_table('trap.t', 'k', shard_count => 4);
SELECT create_reference_table('trap.r');
INSERT INTO trap.t SELECT i, 'v' FROM generate_series(1, 100) i;
-- on all nodes
SELECT run_command_on_workers($$SELECT 'trap.tell()'::regprocedure$$) IS NOT NULL AS there LIMIT 1;

SET search_path = trap, pg_catalog;
SELECT citus_update_table_statistics('trap.t');
SELECT citus_update_shard_statistics(min(shardid)) OPERATOR(pg_catalog.>) 0 AS size
    FROM pg_catalog.pg_dist_shard WHERE logicalrelid OPERATOR(pg_catalog.=) 'trap.t'::regclass;
SELECT citus_table_size('trap.t') OPERATOR(pg_catalog.>) 0 AS size;
CALL citus_cleanup_orphaned_resources();
VACUUM ANALYZE trap.t;
SELECT * FROM citus_check_cluster_node_health() WHERE NOT result;
ALTER TABLE trap.t ADD COLUMN more int;
DROP TABLE trap.r;
RESET ROLE;
-- a superuser is not led astray either
SET search_path = trap, pg_catalog;
INSERT INTO pg_catalog.pg_dist_cleanup (operation_id, object_type, object_name, node_group_id, policy_type)
    VALUES (1, 1, 'trap.gone_1', 0, 0);
CALL citus_cleanup_orphaned_resources();
ANALYZE trap.t;
SELECT recover_prepared_transactions();
SELECT citus_add_inactive_node('nowhere.invalid', 1) OPERATOR(pg_catalog.>) 0 AS added;
SELECT citus_remove_node('nowhere.invalid', 1);
SELECT recover_prepared_transactions();
SELECT citus_pause_node_within_txn(nodeid, force => true, lock_cooldown => 0)
    FROM (SELECT * FROM pg_catalog.pg_dist_node WHERE groupid OPERATOR(pg_catalog.>) 0
          ORDER BY groupid USING OPERATOR(pg_catalog.<) LIMIT 1) node;
SELECT * FROM citus_internal.check_consistency();
RESET search_path;
SELECT count(*) FROM trap.t;
DROP SCHEMA trap CASCADE;
DROP ROLE trapper;
