-- The isolation that a role has by default on the nodes does not count between them: the client's transaction's does.
CREATE SCHEMA isolation_defaults;
SET search_path TO isolation_defaults;
SET citus.shard_count TO 4;
SET citus.next_shard_id TO 2715000;
CREATE TABLE t (k int PRIMARY KEY, v text);
SELECT create_distributed_table('t', 'k', colocate_with => 'none');
INSERT INTO t SELECT i, '' FROM generate_series(1, 8) i;
CREATE FUNCTION level() RETURNS text LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN current_setting('transaction_isolation'); END$$;
SET client_min_messages TO warning;
CREATE ROLE isolation_defaults LOGIN;
RESET client_min_messages;
GRANT ALL ON SCHEMA isolation_defaults TO isolation_defaults;
GRANT ALL ON t TO isolation_defaults;
ALTER ROLE isolation_defaults SET default_transaction_isolation = 'serializable';
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'isolation_defaults'::regrole$$);

SET ROLE isolation_defaults;
-- on their own, and in blocks
SELECT level() FROM t WHERE k = 1;
SELECT DISTINCT level() FROM t;
BEGIN;
SELECT level() FROM t WHERE k = 1;
UPDATE t SET v = 'changed' WHERE k = 2;
SELECT DISTINCT level() FROM t;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT level() FROM t WHERE k = 1;
COMMIT;
SET default_transaction_isolation TO 'serializable';
SELECT DISTINCT level() FROM t;
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SELECT level() FROM t WHERE k = 1;
ROLLBACK;
RESET default_transaction_isolation;
RESET ROLE;

SET client_min_messages TO warning;
DROP SCHEMA isolation_defaults CASCADE;
DROP ROLE isolation_defaults;
SELECT * FROM citus_internal.check_consistency();
