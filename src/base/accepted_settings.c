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

#include "utils/guc.h"

#include "citus/base/settings.h"

#define HIDDEN (GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE)

/* values of all settings of a type: nobody reads them */
typedef union AcceptedValue
{
	bool		b;
	int			i;
	double		r;
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

#define BOOL_ROW(setting, value, when, extra) \
	{.name = "citus." setting, .type = SETTING_BOOL, .boot.b = value, \
	 .context = when, .flags = extra}
#define INT_ROW(setting, value, low, high, when, extra) \
	{.name = "citus." setting, .type = SETTING_INT, .boot.i = value, .min = low, .max = high, \
	 .context = when, .flags = extra}
#define ENUM_ROW(setting, value, labels, when, extra) \
	{.name = "citus." setting, .type = SETTING_ENUM, .boot.i = value, .options = labels, \
	 .context = when, .flags = extra}

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
