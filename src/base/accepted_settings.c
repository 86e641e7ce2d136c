/*
 * accepted_settings.c
 *	  Settings that are accepted and have no effect.
 *
 * The prefix of our settings is reserved, so that a name that does not exist is an error.  These
 * names are in configuration files, role settings and scripts out there: old ones that have had no
 * effect for long, and permissions, hints and safety valves for ways of executing a query that
 * this extension either always uses or never needs.
 *
 * A module that begins to honour one of them declares it; the row here is then skipped, and to be
 * removed.
 */
#include "postgres.h"

#include <limits.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "citus/base/settings.h"

#define HIDDEN (GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE)

/* values of all settings of a type: nobody reads them */
typedef union AcceptedValue
{
	bool		b;
	int			i;
	double		r;
	char	   *s;
} AcceptedValue;

static const struct config_enum_entry replicationModels[] = {
	{"statement", 0, false}, {"streaming", 1, false}, {NULL, 0, false}
};

static const struct config_enum_entry executorTypes[] = {
	{"adaptive", 0, false}, {"real-time", 1, false}, {"task-tracker", 2, false},
	{NULL, 0, false}
};

static const struct config_enum_entry joinPolicies[] = {
	{"never", 0, false}, {"prefer-local", 1, false}, {"prefer-distributed", 2, false},
	{"auto", 3, false}, {NULL, 0, false}
};

static const struct config_enum_entry aggregationStrategies[] = {
	{"disabled", 0, false}, {"row-gather", 1, false}, {NULL, 0, false}
};

static const struct config_enum_entry setCommands[] = {
	{"none", 0, false}, {"local", 1, false}, {NULL, 0, false}
};

static const struct config_enum_entry assignmentPolicies[] = {
	{"greedy", 0, false}, {"first-replica", 1, false}, {"round-robin", 2, false},
	{NULL, 0, false}
};

static const struct config_enum_entry messageLevels[] = {
	{"off", 0, false}, {"debug5", DEBUG5, false}, {"debug4", DEBUG4, false},
	{"debug3", DEBUG3, false}, {"debug2", DEBUG2, false}, {"debug1", DEBUG1, false},
	{"debug", DEBUG2, true}, {"log", LOG, false}, {"notice", NOTICE, false},
	{"warning", WARNING, false}, {"error", ERROR, false}, {NULL, 0, false}
};

static const struct config_enum_entry nodesToRead[] = {
	{"never", 0, false}, {"always", 1, false}, {NULL, 0, false}
};

static const struct config_enum_entry whatIsTracked[] = {
	{"none", 0, false}, {"all", 1, false}, {NULL, 0, false}
};

static const struct config_enum_entry priorities[] = {
	{"inherit", 100, false},
	{"-20", -20, false}, {"-19", -19, false}, {"-18", -18, false}, {"-17", -17, false},
	{"-16", -16, false}, {"-15", -15, false}, {"-14", -14, false}, {"-13", -13, false},
	{"-12", -12, false}, {"-11", -11, false}, {"-10", -10, false}, {"-9", -9, false},
	{"-8", -8, false}, {"-7", -7, false}, {"-6", -6, false}, {"-5", -5, false},
	{"-4", -4, false}, {"-3", -3, false}, {"-2", -2, false}, {"-1", -1, false},
	{"0", 0, false}, {"1", 1, false}, {"2", 2, false}, {"3", 3, false}, {"4", 4, false},
	{"5", 5, false}, {"6", 6, false}, {"7", 7, false}, {"8", 8, false}, {"9", 9, false},
	{"10", 10, false}, {"11", 11, false}, {"12", 12, false}, {"13", 13, false},
	{"14", 14, false}, {"15", 15, false}, {"16", 16, false}, {"17", 17, false},
	{"18", 18, false}, {"19", 19, false}, {NULL, 0, false}
};

/*
 * Somebody asks for what there is not.  A file of the server is read by every process, and warns in
 * the log when the server starts; workers of a parallel query take over what the session was
 * warned of.
 */
static void
warn_of_wish(const char *name, const char *feature, GucSource source)
{
	if (source < PGC_S_CLIENT && (IsUnderPostmaster || source <= PGC_S_DYNAMIC_DEFAULT))
		return;
	if (IsParallelWorker())
		return;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("setting \"citus.%s\" is accepted and has no effect", name),
			 errdetail("There is no %s in this version.", feature)));
}

#define ASKED_BOOL(name, feature) \
static bool \
check_##name(bool *value, void **extra, GucSource source) \
{ \
	if (*value) \
		warn_of_wish(#name, feature, source); \
	return true; \
}

#define ASKED_INT(name, unset, feature) \
static bool \
check_##name(int *value, void **extra, GucSource source) \
{ \
	if (*value != (unset)) \
		warn_of_wish(#name, feature, source); \
	return true; \
}

#define ASKED_STRING(name, unset, feature) \
static bool \
check_##name(char **value, void **extra, GucSource source) \
{ \
	if (*value != NULL && strcmp(*value, unset) != 0) \
		warn_of_wish(#name, feature, source); \
	return true; \
}

ASKED_BOOL(enable_schema_based_sharding, "sharding by schema")
ASKED_BOOL(enable_change_data_capture, "change data capture")
ASKED_BOOL(enable_create_database_propagation, "propagation of databases")
ASKED_BOOL(enable_stat_counters, "counting of statements and connections")
ASKED_BOOL(writable_standby_coordinator, "writing from a standby")
ASKED_INT(use_secondary_nodes, 0, "reading from standbys")
ASKED_INT(stat_statements_track, 0, "tracking of distributed statements")
ASKED_INT(stat_tenants_track, 0, "tracking of tenants")
ASKED_INT(max_client_connections, -1, "limit of clients beside max_connections")
ASKED_STRING(cluster_name, "default", "choice among several clusters")
ASKED_STRING(superuser, "", "DDL over databases")

#define BOOL_ROW(setting, value, when, extra) \
	{.name = "citus." setting, .type = SETTING_BOOL, .boot.b = value, \
	 .context = when, .flags = extra}
#define INT_ROW(setting, value, low, high, when, extra) \
	{.name = "citus." setting, .type = SETTING_INT, .boot.i = value, .min = low, .max = high, \
	 .context = when, .flags = extra}
#define ENUM_ROW(setting, value, labels, when, extra) \
	{.name = "citus." setting, .type = SETTING_ENUM, .boot.i = value, .options = labels, \
	 .context = when, .flags = extra}

#define REAL_ROW(setting, value, low, high, when, extra) \
	{.name = "citus." setting, .type = SETTING_REAL, .boot.r = value, .min = low, .max = high, \
	 .context = when, .flags = extra}
#define STRING_ROW(setting, value, when, extra) \
	{.name = "citus." setting, .type = SETTING_STRING, .boot.s = value, \
	 .context = when, .flags = extra}
#define ASKED_BOOL_ROW(setting, when) \
	{.name = "citus." #setting, .type = SETTING_BOOL, .boot.b = false, \
	 .context = when, .check_hook = check_##setting}
#define ASKED_ENUM_ROW(setting, labels, when) \
	{.name = "citus." #setting, .type = SETTING_ENUM, .boot.i = 0, .options = labels, \
	 .context = when, .check_hook = check_##setting}
#define ASKED_STRING_ROW(setting, value, when) \
	{.name = "citus." #setting, .type = SETTING_STRING, .boot.s = value, \
	 .context = when, .check_hook = check_##setting}

#define WEEK_MS (7 * 24 * 60 * 60 * 1000)

static const SettingDef accepted[] = {
	/* without effect for many versions */
	ENUM_ROW("replication_model", 1, replicationModels, PGC_SUSET, HIDDEN),
	ENUM_ROW("task_executor_type", 0, executorTypes, PGC_USERSET, 0),
	INT_ROW("remote_task_check_interval", 10, 1, INT_MAX, PGC_USERSET, GUC_UNIT_MS),
	BOOL_ROW("subquery_pushdown", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("defer_drop_after_shard_move", true, PGC_USERSET, 0),
	BOOL_ROW("defer_drop_after_shard_split", true, PGC_USERSET, 0),
	BOOL_ROW("enable_statistics_collection", false, PGC_SIGHUP, 0),
	INT_ROW("max_worker_nodes_tracked", 2048, 1024, INT_MAX, PGC_POSTMASTER, 0),

	/* permissions that are not needed: every query is executed in some way */
	BOOL_ROW("enable_repartition_joins", false, PGC_USERSET, 0),
	BOOL_ROW("enable_single_hash_repartition_joins", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("enable_repartitioned_insert_select", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("enable_non_colocated_router_query_pushdown", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("enable_recurring_outer_join_pushdown", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("enable_outer_joins_with_pseudoconstant_quals_pre_pg17", false, PGC_USERSET,
			 HIDDEN),
	BOOL_ROW("enable_unsafe_triggers", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("allow_nested_distributed_execution", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("allow_modifications_from_workers_to_replicated_tables", true, PGC_USERSET,
			 HIDDEN),
	ENUM_ROW("coordinator_aggregation_strategy", 1, aggregationStrategies, PGC_USERSET, 0),

	/* choices between ways of executing of which there is one: local work needs no connections */
	INT_ROW("local_shared_pool_size", 0, -1, INT_MAX, PGC_SIGHUP, 0),
	BOOL_ROW("all_modifications_commutative", false, PGC_USERSET, 0),
	BOOL_ROW("select_opens_transaction_block", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("function_opens_transaction_block", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("allow_unsafe_locks_from_workers", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("skip_advisory_lock_permission_checks", false, PGC_SUSET, HIDDEN),
	/* what a session sets is in force wherever it works */
	ENUM_ROW("propagate_set_commands", 0, setCommands, PGC_USERSET, 0),
	BOOL_ROW("propagate_session_settings_for_loopback_connection", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("enforce_object_restrictions_for_local_objects", true, PGC_USERSET, HIDDEN),

	/* hints */
	INT_ROW("repartition_join_bucket_count_per_node", 4, 1, INT_MAX, PGC_SIGHUP, HIDDEN),
	ENUM_ROW("local_table_join_policy", 3, joinPolicies, PGC_USERSET, 0),
	ENUM_ROW("task_assignment_policy", 0, assignmentPolicies, PGC_USERSET, 0),
	INT_ROW("values_materialization_threshold", 100, -1, INT_MAX, PGC_USERSET, 0),
	INT_ROW("limit_clause_row_fetch_count", -1, -1, INT_MAX, PGC_USERSET, 0),
	{.name = "citus.count_distinct_error_rate", .type = SETTING_REAL, .boot.r = 0, .min = 0,
	.max = 1, .context = PGC_USERSET},
	BOOL_ROW("enable_local_fast_path_query_optimization", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("enable_cost_based_connection_establishment", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("prevent_incomplete_connection_establishment", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("enforce_foreign_key_restrictions", true, PGC_USERSET, HIDDEN),
	BOOL_ROW("skip_jsonb_validation_in_copy", true, PGC_USERSET, 0),
	BOOL_ROW("log_multi_join_order", false, PGC_USERSET, HIDDEN),
	BOOL_ROW("log_intermediate_results", false, PGC_USERSET, HIDDEN),
	INT_ROW("metadata_sync_retry_interval", 5000, 1, WEEK_MS, PGC_SIGHUP,
			GUC_UNIT_MS | HIDDEN),
	INT_ROW("cpu_priority", 0, -20, 19, PGC_SUSET, 0),
	BOOL_ROW("skip_constraint_validation", false, PGC_SUSET, 0),
	INT_ROW("max_matview_size_to_auto_recreate", 1024, -1, INT_MAX, PGC_USERSET, GUC_UNIT_MB),

	/* what there is not: moving shards */
	INT_ROW("logical_replication_timeout", 7200000, 0, WEEK_MS, PGC_SIGHUP,
			GUC_UNIT_MS | HIDDEN),
	ENUM_ROW("cpu_priority_for_logical_replication_senders", 100, priorities, PGC_SUSET, 0),
	INT_ROW("max_high_priority_background_processes", 2, 0, 10000, PGC_SUSET, 0),
	BOOL_ROW("check_available_space_before_move", true, PGC_USERSET, HIDDEN),
	REAL_ROW("desired_percent_disk_available_after_move", 10, 0, 100, PGC_SIGHUP, 0),
	INT_ROW("max_rebalancer_logged_ignored_moves", 5, -1, INT_MAX, PGC_USERSET, HIDDEN),
	INT_ROW("max_background_task_executors", 1, 1, 1000, PGC_SIGHUP, 0),
	INT_ROW("max_background_task_executors_per_node", 1, 1, 128, PGC_SIGHUP, 0),
	INT_ROW("background_task_queue_interval", 5000, -1, WEEK_MS, PGC_SIGHUP, GUC_UNIT_MS),

	/* statistics of statements and tenants */
	ASKED_ENUM_ROW(stat_statements_track, whatIsTracked, PGC_SUSET),
	INT_ROW("stat_statements_max", 50000, 1000, 10000000, PGC_POSTMASTER, HIDDEN),
	INT_ROW("stat_statements_purge_interval", 10, -1, INT_MAX, PGC_SIGHUP, HIDDEN),
	ASKED_ENUM_ROW(stat_tenants_track, whatIsTracked, PGC_SUSET),
	INT_ROW("stat_tenants_limit", 100, 1, 10000, PGC_POSTMASTER, 0),
	INT_ROW("stat_tenants_period", 60, 1, 86400, PGC_USERSET, GUC_UNIT_S),
	REAL_ROW("stat_tenants_untracked_sample_rate", 1, 0, 1, PGC_USERSET, 0),
	ENUM_ROW("stat_tenants_log_level", 0, messageLevels, PGC_USERSET, 0),
	ASKED_BOOL_ROW(enable_stat_counters, PGC_SUSET),

	/* the rest of it */
	ASKED_BOOL_ROW(enable_schema_based_sharding, PGC_USERSET),
	ASKED_BOOL_ROW(enable_change_data_capture, PGC_USERSET),
	ASKED_BOOL_ROW(enable_create_database_propagation, PGC_USERSET),
	ASKED_BOOL_ROW(writable_standby_coordinator, PGC_USERSET),
	ASKED_ENUM_ROW(use_secondary_nodes, nodesToRead, PGC_SU_BACKEND),
	ASKED_STRING_ROW(cluster_name, "default", PGC_SU_BACKEND),
	ASKED_STRING_ROW(superuser, "", PGC_SUSET),
	{.name = "citus.max_client_connections", .type = SETTING_INT, .boot.i = -1, .min = -1,
	.max = INT_MAX / 2, .context = PGC_SUSET, .check_hook = check_max_client_connections},
	BOOL_ROW("enable_cluster_clock", true, PGC_USERSET, HIDDEN),
	STRING_ROW("enable_manual_metadata_changes_for_user", "", PGC_SIGHUP, HIDDEN),

	/* for tests of another program */
	BOOL_ROW("enable_unsupported_feature_messages", true, PGC_SUSET, HIDDEN),
	BOOL_ROW("hide_citus_dependent_objects", false, PGC_USERSET,
			 HIDDEN | GUC_SUPERUSER_ONLY),
	BOOL_ROW("enable_unique_job_ids", true, PGC_USERSET, HIDDEN | GUC_SUPERUSER_ONLY),
	BOOL_ROW("sort_returning", false, PGC_SUSET, HIDDEN),
	INT_ROW("next_operation_id", 0, 0, INT_MAX, PGC_USERSET, HIDDEN),
	INT_ROW("next_cleanup_record_id", 0, 0, INT_MAX, PGC_USERSET, HIDDEN),
	INT_ROW("isolation_test_session_process_id", -1, -1, INT_MAX, PGC_USERSET, HIDDEN),
	INT_ROW("isolation_test_session_remote_process_id", -1, -1, INT_MAX, PGC_USERSET, HIDDEN),
	BOOL_ROW("running_under_citus_test_suite", false, PGC_SUSET, HIDDEN),
	STRING_ROW("mitmfifo", "", PGC_SUSET, HIDDEN),
};

/* True when a module has declared the setting; a placeholder of a file's line does not count. */
static bool
is_declared(const char *name)
{
	return GetConfigOption(name, true, false) != NULL &&
		(GetConfigOptionFlags(name, true) & GUC_CUSTOM_PLACEHOLDER) == 0;
}

/* Called by entry after the modules have declared theirs. */
void
base_settings_register_accepted(void)
{
	static AcceptedValue values[lengthof(accepted)];

	for (int i = 0; i < lengthof(accepted); i++)
	{
		SettingDef	def = accepted[i];

		if (is_declared(def.name))
			continue;
		def.description = "Accepted for compatibility; has no effect.";
		def.variable = &values[i];
		if (def.type == SETTING_ENUM)
			values[i].i = def.boot.i;
		base_settings_register(&def, 1);
	}
}
