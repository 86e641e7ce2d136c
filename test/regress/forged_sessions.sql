-- Whoever calls a session that of another node gains nothing by it.
CREATE ROLE forger;
CREATE TABLE theirs (k int PRIMARY KEY);
SELECT create_distributed_table('theirs', 'k', shard_count => 2);
INSERT INTO theirs VALUES (1);
SELECT shardid AS shard, 'theirs_' || shardid AS shard_name FROM pg_dist_shard
    WHERE logicalrelid = 'theirs'::regclass ORDER BY 1 LIMIT 1 \gset
SELECT last_value + 1 AS next_group FROM pg_dist_colocationid_seq \gset
\set VERBOSITY terse
SET ROLE forger;
SELECT citus_internal.snapshot_fence(100, '');
SELECT citus_internal.add_colocation_metadata(:next_group, 99, 1, 'text', NULL);
SET application_name = 'citus_internal gpid=10000000001';
-- a group that misleads nobody
SELECT citus_internal.add_colocation_metadata(:next_group, 99, 1, 'text', NULL);
\set VERBOSITY sqlstate
SELECT citus_internal.delete_colocation_metadata(colocationid) FROM pg_dist_partition WHERE logicalrelid = 'theirs'::regclass;
\set VERBOSITY default
SELECT citus_internal.add_table_metadata('theirs', 'h', 'k', 1, 's');
SELECT citus_internal.add_placement_metadata(ARRAY[:shard]::bigint[], ARRAY[1]::bigint[], ARRAY[0]);
SELECT citus_internal.add_object_metadata('role', ARRAY['forger'], ARRAY[]::text[]);
SELECT citus_internal.delete_shard_metadata(ARRAY[:shard]::bigint[]);
SELECT citus_internal.delete_table_metadata('theirs');
SELECT citus_internal.set_table_colocation('theirs', 1);
SELECT citus_internal.truncate_tables(ARRAY['theirs']::regclass[], false);
SELECT citus_internal.drop_relations(ARRAY['public.theirs']);
SELECT citus_internal.alter_shell('ALTER TABLE theirs OWNER TO forger');
\set VERBOSITY sqlstate
SELECT citus_internal.create_object('role', ARRAY['evil'], ARRAY[]::text[], ARRAY['CREATE ROLE evil SUPERUSER']);
\set VERBOSITY terse
SELECT citus_internal.lock_relations(ARRAY['public.theirs'], 8, 3);
SELECT citus_internal.lock_relations(ARRAY['pg_catalog.pg_dist_node'], 1, 0);
SELECT citus_internal.lock_names(ARRAY['x']);
SELECT citus_internal.lock_node_list(true);
SELECT citus_internal.count_shard_rows(ARRAY[:shard]::bigint[]);
SELECT citus_internal.lend_role('token', 'postgres');
SELECT citus_internal.assume_role('token');
SELECT count(*) FROM theirs;
RESET application_name;
RESET ROLE;
SELECT rolname FROM pg_roles WHERE rolname = 'evil';
CREATE TABLE honest (k int PRIMARY KEY);
SELECT create_distributed_table('honest', 'k', shard_count => 3, colocate_with => 'none');
SELECT colocationid = :next_group AS the_same_group FROM pg_dist_partition WHERE logicalrelid = 'honest'::regclass;
SELECT DISTINCT result FROM run_command_on_all_nodes($$SELECT shardcount || ' ' || distributioncolumntype::regtype FROM pg_dist_colocation
    WHERE colocationid = (SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = 'honest'::regclass)$$);
DROP TABLE theirs, honest;
DROP ROLE forger;
SELECT * FROM citus_internal.check_consistency();
