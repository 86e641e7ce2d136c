-- Whoever calls a session that of another node gains nothing by it.
SELECT current_user AS super \gset
CREATE ROLE forger LOGIN;
GRANT CREATE ON SCHEMA public TO forger;
CREATE TABLE theirs (k int PRIMARY KEY);
SELECT create_distributed_table('theirs', 'k', shard_count => 2);
INSERT INTO theirs VALUES (1);
SELECT shardid AS shard, 'theirs_' || shardid AS shard_name FROM pg_dist_shard
    WHERE logicalrelid = 'theirs'::regclass ORDER BY 1 LIMIT 1 \gset
SELECT last_value + 1 AS next_group FROM pg_dist_colocationid_seq \gset

-- the name of a session proves nothing
\c - forger
SET application_name = 'citus_internal gpid=10000000001';
\set VERBOSITY sqlstate
SELECT citus_internal.add_colocation_metadata(:next_group, 99, 1, 'text', NULL);
SELECT citus_internal.delete_colocation_metadata(colocationid) FROM pg_dist_partition WHERE logicalrelid = 'theirs'::regclass;
SELECT citus_internal.add_table_metadata('theirs', 'h', 'k', 1, 's');
SELECT citus_internal.add_placement_metadata(ARRAY[:shard]::bigint[], ARRAY[1]::bigint[], ARRAY[0]);
SELECT citus_internal.add_object_metadata('role', ARRAY['forger'], ARRAY[]::text[]);
SELECT citus_internal.delete_shard_metadata(ARRAY[:shard]::bigint[]);
SELECT citus_internal.delete_table_metadata('theirs');
SELECT citus_internal.set_table_colocation('theirs', 1);
SELECT citus_internal.truncate_tables(ARRAY['theirs']::regclass[], false);
SELECT citus_internal.drop_relations(ARRAY['public.theirs']);
SELECT citus_internal.alter_shell('ALTER TABLE theirs OWNER TO forger');
SELECT citus_internal.create_object('role', ARRAY['evil'], ARRAY[]::text[], ARRAY['CREATE ROLE evil SUPERUSER']);
SELECT citus_internal.lock_relations(ARRAY['public.theirs'], 8, 3);
SELECT citus_internal.lock_relations(ARRAY['pg_catalog.pg_dist_node'], 1, 0);
SELECT citus_internal.lock_names(ARRAY['x']);
SELECT citus_internal.lock_node_list(true);
SELECT citus_internal.count_shard_rows(ARRAY[:shard]::bigint[]);
SELECT citus_internal.lend_role('token', 'postgres');
SELECT citus_internal.assume_role('token');
SELECT assign_distributed_transaction_id(0, 5, now());
/* citus node */ SELECT citus_internal.snapshot_fence(100, '');
BEGIN; /* citus transaction 0 5 0 */
SELECT initiator_node_identifier, transaction_number FROM get_current_transaction_id();
COMMIT;
SELECT citus_backend_gpid() = 10000000001 AS forged, count(*) FILTER (WHERE is_worker_query) AS helpers
    FROM citus_stat_activity WHERE pid = pg_backend_pid();
SELECT * FROM pg_dist_secret;
UPDATE pg_dist_secret SET secret = secret;
SELECT citus_internal.own_secret();
SELECT citus_internal.take_secret('', '', '');
SET citus.session_origin = 'citus_internal gpid=10000000001';
SELECT set_config('citus.session_origin', 'citus_internal gpid=10000000001', false);
ALTER ROLE forger SET citus.session_origin = 'citus_internal gpid=10000000001';

-- nor is a user's statement one of the node that runs it, or of one that his function calls
\set VERBOSITY terse
CREATE TABLE own (k int PRIMARY KEY, v boolean);
SELECT create_distributed_table('own', 'k', shard_count => 2);
INSERT INTO own VALUES (1), (2), (3);
SELECT citus_internal.snapshot_fence(100, '') FROM own;
UPDATE own SET v = citus_internal.snapshot_fence(100, '');
CREATE FUNCTION call_in_sql(int) RETURNS boolean LANGUAGE sql
    AS $$/* citus node */ SELECT citus_internal.snapshot_fence(100, '')$$;
CREATE FUNCTION call_in_plpgsql(int) RETURNS boolean LANGUAGE plpgsql
    AS $$BEGIN EXECUTE '/* citus node */ SELECT citus_internal.snapshot_fence(100, '''')'; RETURN true; END$$;
SELECT call_in_sql(k) FROM own;
SELECT call_in_plpgsql(k) FROM own;
SELECT DISTINCT success, result FROM run_command_on_all_nodes($$/* citus node */ SELECT citus_internal.snapshot_fence(100, '')$$);
ALTER TABLE own ADD CONSTRAINT called CHECK (call_in_plpgsql(k));
DROP TABLE own;

-- what would be left to do with a proof
\c - :super
SELECT citus_internal.prove_session('citus_internal gpid=10000000001', '');
SET ROLE forger;
-- a group that misleads nobody
/* citus node */ SELECT citus_internal.add_colocation_metadata(:next_group, 99, 1, 'text', NULL);
\set VERBOSITY sqlstate
/* citus node */ SELECT citus_internal.delete_colocation_metadata(colocationid) FROM pg_dist_partition WHERE logicalrelid = 'theirs'::regclass;
\set VERBOSITY default
/* citus node */ SELECT citus_internal.add_table_metadata('theirs', 'h', 'k', 1, 's');
/* citus node */ SELECT citus_internal.add_placement_metadata(ARRAY[:shard]::bigint[], ARRAY[1]::bigint[], ARRAY[0]);
/* citus node */ SELECT citus_internal.add_object_metadata('role', ARRAY['forger'], ARRAY[]::text[]);
/* citus node */ SELECT citus_internal.delete_shard_metadata(ARRAY[:shard]::bigint[]);
/* citus node */ SELECT citus_internal.delete_table_metadata('theirs');
/* citus node */ SELECT citus_internal.set_table_colocation('theirs', 1);
/* citus node */ SELECT citus_internal.truncate_tables(ARRAY['theirs']::regclass[], false);
/* citus node */ SELECT citus_internal.drop_relations(ARRAY['public.theirs']);
/* citus node */ SELECT citus_internal.alter_shell('ALTER TABLE theirs OWNER TO forger');
\set VERBOSITY sqlstate
/* citus node */ SELECT citus_internal.create_object('role', ARRAY['evil'], ARRAY[]::text[], ARRAY['CREATE ROLE evil SUPERUSER']);
\set VERBOSITY terse
/* citus node */ SELECT citus_internal.lock_relations(ARRAY['public.theirs'], 8, 3);
/* citus node */ SELECT citus_internal.lock_relations(ARRAY['pg_catalog.pg_dist_node'], 1, 0);
/* citus node */ SELECT citus_internal.lock_names(ARRAY['x']);
/* citus node */ SELECT citus_internal.lock_node_list(true);
/* citus node */ SELECT citus_internal.count_shard_rows(ARRAY[:shard]::bigint[]);
/* citus node */ SELECT citus_internal.lend_role('token', 'postgres');
/* citus node */ SELECT citus_internal.assume_role('token');
SELECT count(*) FROM theirs;
\c - :super
SELECT rolname FROM pg_roles WHERE rolname = 'evil';
CREATE TABLE honest (k int PRIMARY KEY);
SELECT create_distributed_table('honest', 'k', shard_count => 3, colocate_with => 'none');
SELECT colocationid = :next_group AS the_same_group FROM pg_dist_partition WHERE logicalrelid = 'honest'::regclass;
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT shardcount || ' ' || distributioncolumntype::regtype FROM pg_dist_colocation
    WHERE colocationid = (SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = 'honest'::regclass)$$);
DROP TABLE theirs, honest;
DROP FUNCTION call_in_sql, call_in_plpgsql;
REVOKE CREATE ON SCHEMA public FROM forger;
DROP ROLE forger;
SELECT * FROM citus_internal.check_consistency();
