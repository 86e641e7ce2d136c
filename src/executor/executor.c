/*
 * executor.c
 *	  Initialisation and settings of the executor.
 */
#include "postgres.h"
#include "utils/guc.h"
#include "citus/base/settings.h"
#include "executor/executor_internal.h"
#include "exchange_internal.h"

int			executor_slow_start_ms = 10;
int			executor_direct_move_kb = 4096;
bool		executor_local_enabled = true;
bool		executor_log_local = false;
bool		executor_binary_enabled = true;
bool		executor_force_parallel = false;
bool		executor_deadlock_prevention = true;
int			executor_modify_mode = MODIFY_PARALLEL;
int			executor_multi_task_level = 0;
int			executor_local_flush_bytes = 512 * 1024;
int			executor_max_copied_kb = 1048576;
int			executor_switchover_bytes = 4 * 1024 * 1024;
bool		executor_explain_remote = true;
bool		executor_explain_all = false;
int			executor_explain_sort = EXPLAIN_SORT_TIME;

static const struct config_enum_entry modify_modes[] = {
	{"parallel", MODIFY_PARALLEL, false},
	{"sequential", MODIFY_SEQUENTIAL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry log_levels[] = {
	{"off", 0, false},
	{"debug5", DEBUG5, false},
	{"debug4", DEBUG4, false},
	{"debug3", DEBUG3, false},
	{"debug2", DEBUG2, false},
	{"debug1", DEBUG1, false},
	{"log", LOG, false},
	{"notice", NOTICE, false},
	{"warning", WARNING, false},
	{"error", ERROR, false},
	{NULL, 0, false}
};

static const struct config_enum_entry explain_sorts[] = {
	{"execution-time", EXPLAIN_SORT_TIME, false},
	{"taskId", EXPLAIN_SORT_TASK, false},
	{NULL, 0, false}
};

static const SettingDef settings[] = {
	{"citus.executor_slow_start_interval",
		"Time between batches of additional connections to a node.",
		SETTING_INT, &executor_slow_start_ms, {.i = 10}, 0, INT_MAX, NULL,
	PGC_USERSET, GUC_UNIT_MS | GUC_NO_SHOW_ALL},
	{"citus.enable_local_execution",
		"Runs tasks for shards on this node in the same backend.",
	SETTING_BOOL, &executor_local_enabled, {.b = true}, 0, 0, NULL, PGC_USERSET, 0},
	{"citus.log_local_commands",
		"Reports each task that runs in the same backend.",
		SETTING_BOOL, &executor_log_local, {.b = false}, 0, 0, NULL,
	PGC_USERSET, GUC_NO_SHOW_ALL},
	{"citus.enable_binary_protocol",
		"Transfers results in binary where every type allows it.",
	SETTING_BOOL, &executor_binary_enabled, {.b = true}, 0, 0, NULL, PGC_USERSET, 0},
	{"citus.force_max_query_parallelization",
		"Opens a connection for every task of a query at once.",
		SETTING_BOOL, &executor_force_parallel, {.b = false}, 0, 0, NULL,
	PGC_USERSET, GUC_NO_SHOW_ALL},
	{"citus.enable_deadlock_prevention",
		"Lets UPDATE and DELETE of several shards of a table wait for each other.",
		SETTING_BOOL, &executor_deadlock_prevention, {.b = true}, 0, 0, NULL,
	PGC_USERSET, 0},
	{"citus.multi_shard_modify_mode",
		"Whether statements over many shards use one connection per node or more.",
		SETTING_ENUM, &executor_modify_mode, {.i = MODIFY_PARALLEL}, 0, 0, modify_modes,
	PGC_USERSET, 0},
	{"citus.multi_task_query_log_level",
		"Level at which statements that need more than one task are reported.",
	SETTING_ENUM, &executor_multi_task_level, {.i = 0}, 0, 0, log_levels, PGC_USERSET, 0},
	{"citus.max_intermediate_result_size",
		"Limits the rows of a table that a join sends to all shards; -1 is no limit.",
		SETTING_INT, &executor_max_copied_kb, {.i = 1048576}, -1, INT_MAX, NULL,
	PGC_USERSET, GUC_UNIT_KB},
	{"citus.local_copy_flush_threshold",
		"Size of the buffer of a local shard at which its rows are written.",
		SETTING_INT, &executor_local_flush_bytes, {.i = 512 * 1024}, 1, INT_MAX, NULL,
	PGC_USERSET, GUC_UNIT_BYTE | GUC_NO_SHOW_ALL},
	{"citus.copy_switchover_threshold",
		"Size of the buffer of a remote shard at which its rows are sent.",
		SETTING_INT, &executor_switchover_bytes, {.i = 4 * 1024 * 1024}, 1, INT_MAX, NULL,
	PGC_USERSET, GUC_UNIT_BYTE | GUC_NO_SHOW_ALL},
	{"citus.direct_move_threshold",
		"Rows of at least this size move from node to node, fewer through the planning node.",
		SETTING_INT, &executor_direct_move_kb, {.i = 4096}, -1, INT_MAX, NULL,
	PGC_USERSET, GUC_UNIT_KB},
	{"citus.explain_distributed_queries",
		"Shows the plans of the tasks in EXPLAIN.",
		SETTING_BOOL, &executor_explain_remote, {.b = true}, 0, 0, NULL,
	PGC_USERSET, GUC_NO_SHOW_ALL},
	{"citus.explain_all_tasks",
		"Shows every task in EXPLAIN, not one of them.",
	SETTING_BOOL, &executor_explain_all, {.b = false}, 0, 0, NULL, PGC_USERSET, 0},
	{"citus.explain_analyze_sort_method",
		"Order of the tasks in EXPLAIN ANALYZE.",
		SETTING_ENUM, &executor_explain_sort, {.i = EXPLAIN_SORT_TIME}, 0, 0, explain_sorts,
	PGC_USERSET, 0},
};

void
executor_init(void)
{
	base_settings_register(settings, lengthof(settings));
	executor_users_init();
	txn_set_check_guard(executor_check_for_caller);
	executor_readers_init();
	executor_explain_init();
	executor_triggers_init();
	executor_parts_init();
	executor_upsert_init();
	executor_actions_init();
	executor_user_names_init();
	executor_exchange_init();
	plan_set_state_creator(executor_scan_create);
}
