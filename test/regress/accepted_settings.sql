-- Settings of other versions and other ways of execution are accepted; unknown names are not.
SET citus.enable_repartition_joins TO on;
SHOW citus.enable_repartition_joins;
SET citus.local_table_join_policy TO 'prefer-local';
SHOW citus.local_table_join_policy;
SET citus.count_distinct_error_rate TO 0.005;
SHOW citus.count_distinct_error_rate;
SET citus.task_executor_type TO 'adaptive';
SET citus.all_modifications_commutative TO on;
SHOW citus.local_shared_pool_size;
SET citus.limit_clause_row_fetch_count TO 10000;

-- Every setting that scripts and files of the same interface may name, by who may set it: there is none that does
-- not exist.  What is asked for: the value that it has.
CREATE FUNCTION pg_temp.try_setting(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config(name, current_setting(name), true);
	RETURN 'set';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE TEMP TABLE spec (may_set text, names text);
INSERT INTO spec VALUES
('user', 'all_modifications_commutative allow_modifications_from_workers_to_replicated_tables
allow_nested_distributed_execution allow_unsafe_constraints allow_unsafe_locks_from_workers
check_available_space_before_move coordinator_aggregation_strategy copy_switchover_threshold
count_distinct_error_rate create_object_propagation defer_drop_after_shard_move defer_drop_after_shard_split
enable_alter_database_owner enable_alter_role_propagation enable_alter_role_set_propagation
enable_binary_protocol enable_change_data_capture enable_cluster_clock
enable_cost_based_connection_establishment enable_create_database_propagation enable_create_role_propagation
enable_create_type_propagation enable_ddl_propagation enable_deadlock_prevention
enable_fast_path_router_planner enable_local_execution enable_local_fast_path_query_optimization
enable_local_reference_table_foreign_keys enable_manual_changes_to_shards enable_metadata_sync
enable_non_colocated_router_query_pushdown enable_outer_joins_with_pseudoconstant_quals_pre_pg17
enable_recurring_outer_join_pushdown enable_repartition_joins enable_repartitioned_insert_select
enable_router_execution enable_schema_based_sharding enable_single_hash_repartition_joins
enable_unsafe_triggers enable_version_checks enforce_foreign_key_restrictions
enforce_object_restrictions_for_local_objects executor_slow_start_interval explain_all_tasks
explain_analyze_sort_method explain_distributed_queries force_max_query_parallelization
function_opens_transaction_block grep_remote_commands isolation_test_session_process_id
isolation_test_session_remote_process_id limit_clause_row_fetch_count local_copy_flush_threshold
local_table_join_policy log_intermediate_results log_local_commands log_multi_join_order log_remote_commands
max_adaptive_executor_pool_size max_cached_connection_lifetime max_cached_conns_per_worker
max_intermediate_result_size max_matview_size_to_auto_recreate max_rebalancer_logged_ignored_moves
multi_shard_modify_mode multi_task_query_log_level next_cleanup_record_id next_operation_id next_placement_id
next_shard_id node_connection_timeout override_table_visibility prevent_incomplete_connection_establishment
propagate_session_settings_for_loopback_connection propagate_set_commands rebalancer_by_disk_size_base_cost
remote_copy_flush_threshold remote_task_check_interval replicate_reference_tables_on_activate
select_opens_transaction_block shard_count shard_replication_factor show_shards_for_app_name_prefixes
skip_jsonb_validation_in_copy stat_tenants_log_level stat_tenants_period stat_tenants_untracked_sample_rate
subquery_pushdown task_assignment_policy task_executor_type use_citus_managed_tables
values_materialization_threshold worker_min_messages writable_standby_coordinator'),
('su', 'cpu_priority cpu_priority_for_logical_replication_senders enable_stat_counters
enable_unsupported_feature_messages hide_shards_from_app_name_prefixes local_hostname max_client_connections
max_high_priority_background_processes metadata_sync_mode mitmfifo replication_model
running_under_citus_test_suite skip_advisory_lock_permission_checks skip_constraint_validation sort_returning
stat_statements_track stat_tenants_track superuser'),
('sighup', 'background_task_queue_interval defer_shard_delete_interval desired_percent_disk_available_after_move
distributed_deadlock_detection_factor enable_statistics_collection local_shared_pool_size
log_distributed_deadlock_detection logical_replication_timeout max_background_task_executors
max_background_task_executors_per_node max_shared_pool_size metadata_sync_interval
metadata_sync_retry_interval node_conninfo recover_2pc_interval repartition_join_bucket_count_per_node
stat_statements_purge_interval'),
('backend-su', 'cluster_name use_secondary_nodes'),
('start', 'max_worker_nodes_tracked stat_statements_max stat_tenants_limit'),
('internal', 'version'),
('sighup, su', 'enable_manual_metadata_changes_for_user'),
('user(su-only flag)', 'enable_unique_job_ids hide_citus_dependent_objects');
CREATE TEMP VIEW spec_settings AS SELECT may_set, 'citus.' || name AS name
FROM spec, regexp_split_to_table(names, '\s+') name;
SELECT may_set, count(*), string_agg(name, ' ' ORDER BY name) FILTER (WHERE current_setting(name, true) IS NULL) AS missing
FROM pg_temp.spec_settings GROUP BY may_set ORDER BY may_set;
SELECT may_set, pg_temp.try_setting(name), count(*) FROM pg_temp.spec_settings GROUP BY 1, 2 ORDER BY 1, 2;
CREATE ROLE settings_user;
GRANT SELECT ON pg_temp.spec_settings TO settings_user;
SET ROLE settings_user;
SELECT may_set, pg_temp.try_setting(name), count(*), CASE WHEN count(*) < 5 THEN string_agg(name, ' ' ORDER BY name) END AS which
FROM pg_temp.spec_settings GROUP BY 1, 2 ORDER BY 1, 2;
RESET ROLE;
DROP VIEW spec_settings;
DROP ROLE settings_user;

-- asking for what there is not
SET citus.enable_schema_based_sharding TO on;
SET citus.enable_change_data_capture TO on;
-- the workers of a parallel query do not say it again
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode'
	ELSE 'debug_parallel_query' END, 'on', false) = 'on' AS parallel;
SELECT count(*) FROM pg_class WHERE oid = 'pg_class'::regclass;
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode'
	ELSE 'debug_parallel_query' END, 'off', false) = 'off' AS serial;
SET citus.stat_statements_track TO 'all';
SET citus.max_client_connections TO 10;
SET citus.superuser TO 'nobody';
SET citus.superuser TO '';
SET columnar.compression TO 'zstd';
SET citus.grep_remote_commands TO 'odd\';
\set VERBOSITY sqlstate
SET citus.local_table_join_policy TO 'sometimes';
SET citus.count_distinct_error_rate TO 2;
SET citus.no_such_setting TO 1;
ALTER ROLE postgres SET citus.no_such_setting TO 1;
