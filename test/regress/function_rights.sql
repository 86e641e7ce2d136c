-- What a user without rights gains by calling, by hand, what everybody may call: nothing.  Each
-- function that PUBLIC may execute is called about the table of another, or listed as one that
-- tells and changes nothing that is anybody's.
SET client_min_messages TO warning;
CREATE ROLE fr_owner LOGIN;
CREATE ROLE fr_nobody LOGIN;
CREATE ROLE fr_writer LOGIN;
CREATE SCHEMA fr AUTHORIZATION fr_owner;
GRANT USAGE ON SCHEMA fr TO PUBLIC;
SET ROLE fr_owner;
CREATE TABLE fr.linked (k int PRIMARY KEY);
CREATE TABLE fr.t (k int PRIMARY KEY REFERENCES fr.linked, who name, secret text, n serial);
SELECT create_reference_table('fr.linked');
SELECT create_distributed_table('fr.t', 'k', shard_count => 2);
INSERT INTO fr.linked VALUES (1), (2);
INSERT INTO fr.t VALUES (1, 'fr_writer', 'a'), (2, 'fr_owner', 'b');
CREATE TABLE fr.plain (k int PRIMARY KEY);
RESET ROLE;
SELECT min(shardid) AS shard, 'fr.t_' || min(shardid) AS shard_name FROM pg_dist_shard WHERE logicalrelid = 'fr.t'::regclass \gset
SELECT colocationid AS colocation FROM pg_dist_partition WHERE logicalrelid = 'fr.t'::regclass \gset

CREATE TEMP TABLE calls (call text);
INSERT INTO calls VALUES
    -- statements that work for another node
    ('citus_internal.add_colocation_metadata(999999, 1, 1, NULL, NULL)'),
    ('citus_internal.delete_colocation_metadata(:colocation)'),
    ('citus_internal.add_table_metadata(''fr.plain'', ''h'', ''k'', 1, ''s'')'),
    ('citus_internal.delete_table_metadata(''fr.t'')'),
    ('citus_internal.add_shard_metadata(''fr.t'', ''{999999}'', ''{0}'', ''{1}'')'),
    ('citus_internal.add_placement_metadata(''{999999}'', ''{:shard}'', ''{0}'')'),
    ('citus_internal.delete_placement_metadata(''{:shard}'', ''{1}'')'),
    ('citus_internal.delete_shard_metadata(''{:shard}'')'),
    ('citus_internal.create_object(''role'', ''{evil}'', ''{}'', ''{CREATE ROLE evil}'')'),
    ('citus_internal.add_object_metadata(''role'', ''{fr_nobody}'', ''{}'')'),
    ('citus_internal.delete_object_metadata(''role'', ''{fr_owner}'', ''{}'')'),
    ('citus_internal.forget_dropped()'),
    ('citus_internal.adjust_sequences(''fr.t'')'),
    ('citus_internal.draw_numbers(''fr.t_n_seq'', 1, true)'),
    ('citus_internal.apply_shard_ddl(''{:shard}'', ''{fr.t}'', ''{}'', ''ALTER TABLE fr.t DROP COLUMN who'', ''{}'', ''{}'', ''{}'', 0, ''{}'')'),
    ('citus_internal.drop_relations(''{:shard_name}'')'),
    ('citus_internal.set_own_parts(''fr.t'', ''{}'', ''{}'')'),
    ('citus_internal.set_table_colocation(''fr.t'', 1)'),
    ('citus_internal.set_table_auto_converted(''fr.t'', true)'),
    ('citus_internal.truncate_tables(''{fr.t}'', false)'),
    ('citus_internal.set_constraints(''{fr.t}'', ''{t_k_fkey}'', true)'),
    ('citus_internal.set_table_size(''fr.t'', 1, 1, true)'),
    ('citus_internal.set_column_statistics(''fr.t'', ''k'', 0, 4, 1, NULL, NULL, NULL)'),
    ('citus_internal.set_shard_lengths(''{:shard}'', ''{1}'')'),
    ('citus_internal.alter_sequence(''ALTER SEQUENCE fr.t_n_seq RESTART'', false)'),
    ('citus_internal.alter_shell(''ALTER TABLE fr.t DROP COLUMN who'')'),
    ('citus_internal.lock_relations(''{fr.t}'', 1, 0)'),
    ('citus_internal.lock_relations(''{fr.t}'', 8, 3)'),
    ('citus_internal.lock_names(''{fr.t}'')'),
    ('citus_internal.lock_node_list(true)'),
    ('citus_internal.count_shard_rows(''{:shard}'')'),
    ('citus_internal.write_shards(''DELETE FROM fr.t'', 0, ''{:shard}'', ''{1}'', '''', ''{1}'', '''')'),
    ('citus_internal.leave_shard('':shard_name'', ''{"(0,1)"}'')'),
    ('citus_internal.leave_actions(''{fr.t}'')'),
    ('citus_internal.cursor_shard(''c'', ''fr.t''::regclass)'),
    ('citus_internal.cursor_place(''c'', ''fr.t''::regclass)'),
    ('citus_internal.snapshot_fence(100, '''')'),
    ('citus_internal.snapshot_import(0, 1)'),
    ('citus_internal.hurry_recovery()'),
    ('citus_internal.assume_role(''token'')'),
    ('citus_internal.unforce_policies(true)'),
    ('citus_internal.set_session_user(''postgres'')'),
    ('citus_internal.exchange_open('''')'),
    ('citus_internal.exchange_put('''', '''')'),
    ('citus_internal.query_other_nodes(''SELECT secret FROM fr.t'')'),
    ('assign_distributed_transaction_id(0, 5, now())'),
    ('citus_internal.next_colocation_id()'),
    ('master_get_new_shardid()'),
    ('master_get_new_placementid()'),
    -- about a table, a shard, a sequence, a node
    ('create_distributed_table(''fr.plain'', ''k'')'),
    ('create_reference_table(''fr.plain'')'),
    ('undistribute_table(''fr.t'')'),
    ('citus_add_local_table_to_metadata(''fr.plain'')'),
    ('remove_local_tables_from_metadata()'),
    ('truncate_local_data_after_distributing_table(''fr.t'')'),
    ('alter_distributed_table(''fr.t'', shard_count => 4)'),
    ('update_distributed_table_colocation(''fr.t'', ''none'')'),
    ('citus_drop_all_shards(''fr.t'', ''fr'', ''t'', false)'),
    ('citus_relation_size(''fr.t'')'),
    ('citus_table_size(''fr.t'')'),
    ('citus_total_relation_size(''fr.t'')'),
    ('citus_update_table_statistics(''fr.t'')'),
    ('citus_update_shard_statistics(:shard)'),
    ('master_update_table_statistics(''fr.t'')'),
    ('master_update_shard_statistics(:shard)'),
    ('citus_shard_cost_by_disk_size(:shard)'),
    ('run_command_on_shards(''fr.t'', ''SELECT 1'')'),
    ('run_command_on_placements(''fr.t'', ''SELECT 1'')'),
    ('run_command_on_colocated_placements(''fr.t'', ''fr.t'', ''SELECT 1'')'),
    ('master_get_table_ddl_events(''fr.t'')'),
    ('citus_internal.next_value(''fr.t_n_seq'')'),
    ('citus_internal.current_value(''fr.t_n_seq'')'),
    ('citus_internal.set_value(''fr.t_n_seq'', 1)'),
    ('citus_add_rebalance_strategy(''evil'', ''citus_shard_cost_1'', ''citus_node_capacity_1'', ''citus_shard_allowed_on_node_true'', 0)'),
    ('citus_set_default_rebalance_strategy(''by_shard_count'')'),
    ('citus_internal.set_watches(''fr.t'', 1, ''{}'')'),
    ('citus_internal.act_on_referring(1, ''a'', true, ''{1}'')');
-- PATTERN|WHY: what is nobody's
CREATE TEMP TABLE free (pattern text, why text);
INSERT INTO free VALUES
    ('cache_invalidate|citus_drop_trigger|referenced_elsewhere|note_reference|_valid$|role_exists', 'triggers and constraints of catalogs'),
    ('citus_version|citus_server_id|is_coordinator|coordinator_nodeid|is_primary_node|_for_nodeid|_for_groupid|active_worker_nodes', 'what pg_dist_node tells everybody'),
    ('column_name|shard_name|is_a_known_shard|is_visible|colocated|on_worker|time_partition_range|table_type|shell_of_relation|shard_of_row', 'what the catalogs tell everybody'),
    ('shard_cost_1|node_capacity_1|allowed_on_node_true|validate_rebalance', 'constants'),
    ('gpid|current_transaction_id|session_challenge|prove_session|client_session_user', 'the own session; proofs take the secret'),
    ('active_transactions|stat_activity|helper_sessions|local_activity|_locks$|lock_waits', 'as pg_stat_activity and pg_locks: query texts of others are hidden'),
    ('advisory_', 'as the server''s'),
    ('snapshot_(take|join|keep|use|forget)|export_snapshot|exchange_close|upsert_starts|upsert_is_first|row_is_older|last_value', 'the own transaction'),
    ('worker_hash|get_shard_id_for|row_tid|is_row|row_version|token_is_between|key_is_given|place_in_shard|fragment_rows|raise_|count_sum|bigint_sum|partial_state|combine_states|pack|weighted|row_messages|fill_', 'values only'),
    ('shard_sizes|disk_space|check_connection|node_health', 'sizes and health; pg_database_size() and the like tell as much'),
    ('orphaned', 'work that the daemon does anyway'),
    ('run_command_on_(workers|all_nodes|coordinator)|run_on_worker|run_local_command', 'as the user himself'),
    ('pg_(cancel|terminate)_backend', 'as the server''s');

-- every function is one or the other
SELECT p.oid::regprocedure FROM pg_proc p
    JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'citus'
WHERE has_function_privilege('fr_nobody', p.oid, 'EXECUTE')
    AND NOT EXISTS (SELECT FROM calls WHERE call LIKE '%' || replace(p.proname, '_', '\_') || '(%')
    AND NOT EXISTS (SELECT FROM free WHERE p.proname ~ pattern)
ORDER BY 1;

CREATE FUNCTION pg_temp.try(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT * FROM ' || call;
    RETURN 'DONE';
EXCEPTION WHEN others THEN RETURN SQLSTATE;
END $$;
GRANT SELECT ON calls TO PUBLIC;
SELECT set_config('fr.shard', :'shard', false), set_config('fr.shard_name', :'shard_name', false),
    set_config('fr.colocation', :'colocation', false) \g /dev/null
CREATE TEMP VIEW calls_here AS SELECT call, replace(replace(replace(call, ':shard_name', current_setting('fr.shard_name')),
    ':shard', current_setting('fr.shard')), ':colocation', current_setting('fr.colocation')) AS text FROM calls;
GRANT SELECT ON calls_here TO PUBLIC;
CREATE TABLE fr.managed (k int PRIMARY KEY);
ALTER TABLE fr.managed OWNER TO fr_owner;
SELECT citus_add_local_table_to_metadata('fr.managed');
UPDATE pg_dist_partition SET autoconverted = true WHERE logicalrelid = 'fr.managed'::regclass;
SET client_min_messages TO error;
SET ROLE fr_nobody;
SELECT pg_temp.try(text), call FROM calls_here ORDER BY call COLLATE "C";
RESET ROLE;
SET client_min_messages TO warning;
SELECT logicalrelid, partmethod, autoconverted, (SELECT count(*) FROM citus_shards WHERE table_name = logicalrelid) AS placements
FROM pg_dist_partition ORDER BY logicalrelid::text COLLATE "C";

-- whoever may write a table does not lock the tables that its foreign keys link to
GRANT UPDATE, SELECT ON fr.t TO fr_writer;
BEGIN;
SET ROLE fr_writer;
SELECT citus_internal.lock_relations('{fr.t}', 8, 3);
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock'
    AND relation IN ('fr.t'::regclass, 'fr.linked'::regclass);
ROLLBACK;

-- a shard has the rights and policies of its table, whoever reads it by its name
ALTER TABLE fr.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON fr.t USING (who = current_user);
SET ROLE fr_writer;
SELECT string_agg(result, ',') FROM run_command_on_shards('fr.t', 'SELECT secret FROM %s') WHERE result <> '';
SELECT string_agg(result, ',' ORDER BY result) FROM run_command_on_shards('fr.t', 'UPDATE %s SET secret = secret');
SELECT bool_or(success) FROM run_command_on_shards('fr.t', 'DELETE FROM %s');
SELECT bool_or(success) FROM run_command_on_shards('fr.t', 'ALTER TABLE %s DISABLE ROW LEVEL SECURITY');
RESET ROLE;
REVOKE ALL ON fr.t FROM fr_writer;
GRANT SELECT (k) ON fr.t TO fr_writer;
SET ROLE fr_writer;
SELECT count(k) FROM fr.t;
SELECT DISTINCT success FROM run_command_on_workers(format('SELECT secret FROM %s', current_setting('fr.shard_name')));
RESET ROLE;

-- a user's function that runs in a node's session is the user's there, too
CREATE SCHEMA fr_writer AUTHORIZATION fr_writer;
SET ROLE fr_writer;
CREATE TABLE fr_writer.own (k int PRIMARY KEY, v text);
SELECT create_distributed_table('fr_writer.own', 'k', shard_count => 2);
CREATE FUNCTION fr_writer.reach(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'UPDATE ' || name || ' SET secret = ''reached''';
    RETURN 'reached';
EXCEPTION WHEN others THEN RETURN SQLSTATE;
END $$;
ALTER TABLE fr_writer.own ADD CHECK (fr_writer.reach('fr.t') <> 'reached');
ALTER TABLE fr_writer.own ADD CHECK (fr_writer.reach(current_setting('fr.shard_name')) <> 'reached');
INSERT INTO fr_writer.own SELECT i, fr_writer.reach('fr.t') FROM generate_series(1, 4) i;
UPDATE fr_writer.own SET v = fr_writer.reach(current_setting('fr.shard_name')) || ' ' || v;
SELECT DISTINCT v FROM fr_writer.own ORDER BY 1;
RESET ROLE;
SELECT k, secret FROM fr.t ORDER BY k;

DROP SCHEMA fr, fr_writer CASCADE;
DROP ROLE fr_owner, fr_nobody, fr_writer;
SELECT * FROM citus_internal.check_consistency();
