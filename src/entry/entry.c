/*
 * entry.c
 *	  What the server calls when it loads the library: initialises the modules and installs hooks.
 *
 * The list of modules below is the map of the extension.  Only this file assigns hooks; each is
 * chained in the same style: the previous value is kept, and either handed to the module that
 * works in place of the hook or called before it.
 *
 * Invariant: the library is the first in shared_preload_libraries that hooks into planning and
 * utility statements, so that other libraries see the statements that users send.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "citus/base/compat.h"
#include "citus/base/module.h"
#include "citus/base/session.h"
#include "citus/base/settings.h"
#include "citus/base/shmem.h"
#include "citus/base/types.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/commands/commands.h"
#include "citus/daemon/daemon.h"
#include "citus/executor/executor.h"
#include "citus/operations/operations.h"
#include "citus/plan/plan.h"
#include "citus/planner/planner.h"
#include "citus/remote/remote.h"
#include "citus/tables/tables.h"
#include "citus/txn/txn.h"

COMPAT_MODULE_MAGIC("citus", CITUS_VERSION);

extern void _PG_init(void);

/* bottom to top */
static const ModuleDef modules[] = {
	{"base", base_init},
	{"catalog", catalog_init},
	{"remote", remote_init},
	{"plan", plan_init},
	{"txn", txn_init},
	{"cluster", cluster_init},
	{"planner", planner_init},
	{"executor", executor_init},
	{"tables", tables_init},
	{"commands", commands_init},
	{"operations", operations_init},
	{"daemon", daemon_init},
};

static void clean_up(void);

static const Duty duties[] = {
	{"recovery of prepared transactions", NULL, txn_recover_duty, txn_recover_interval},
	{"deadlocks between nodes", &txn_deadlock_interval, txn_deadlock_duty},
	{"metadata of nodes that missed a change", &operations_sync_interval,
	operations_sync_metadata},
	{"cleanup of leftovers", &operations_cleanup_interval, clean_up},
	{"statistics of distributed tables", NULL, commands_statistics_duty,
	commands_statistics_interval},
};

static planner_hook_type previousPlanner = NULL;
static set_rel_pathlist_hook_type previousRelPathlist = NULL;
static set_join_pathlist_hook_type previousJoinPathlist = NULL;
static create_upper_paths_hook_type previousUpperPaths = NULL;
static get_relation_info_hook_type previousRelationInfo = NULL;
static get_relation_stats_hook_type previousRelationStats = NULL;
static ProcessUtility_hook_type previousUtility = NULL;
static ExecutorStart_hook_type previousExecutorStart = NULL;
static ExecutorRun_hook_type previousExecutorRun = NULL;
static emit_log_hook_type previousEmitLog = NULL;
static needs_fmgr_hook_type previousNeedsFmgr = NULL;
static fmgr_hook_type previousFmgr = NULL;
static shmem_request_hook_type previousShmemRequest = NULL;
static shmem_startup_hook_type previousShmemStartup = NULL;

/* the statement that was planned last, and has not started yet: only a hint */
static bool planned_for_values = false;

/* the first of the table */
static void
hurry_recovery(void)
{
	daemon_hurry(&duties[0]);
}

static void
clean_up(void)
{
	(void) operations_clean_up();
}

/* Duties write, and belong to the database, not to a helper process of one statement. */
static void
ensure_daemon(void)
{
	if (IsParallelWorker() || RecoveryInProgress() || !base_extension_is_active())
		return;
	daemon_ensure_started();
}

static bool
function_needs_hook(Oid functionOid)
{
	return (previousNeedsFmgr && previousNeedsFmgr(functionOid)) ||
		base_user_code_needs_hook(functionOid) ||
		planner_function_asks_session_user(functionOid);
}

/* what the hooks keep for a call */
typedef struct FunctionCall
{
	Datum		userCode;
	Datum		previous;
} FunctionCall;

static void
surround_function(FmgrHookEventType event, FmgrInfo *flinfo, Datum *data)
{
	FunctionCall *call = (FunctionCall *) DatumGetPointer(*data);

	if (call == NULL)
	{
		call = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(FunctionCall));
		*data = PointerGetDatum(call);
	}
	if (previousFmgr)
		previousFmgr(event, flinfo, &call->previous);
	base_user_code_hook(event, &call->userCode);
}

static PlannedStmt *
plan_statement(Query *parse, const char *queryString, int cursorOptions,
			   ParamListInfo boundParams)
{
	ensure_daemon();
	planned_for_values = boundParams != NULL;
	return planner_plan(parse, queryString, cursorOptions, boundParams, previousPlanner);
}

static void
add_rel_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (previousRelPathlist)
		previousRelPathlist(root, rel, rti, rte);
	planner_rel_pathlist(root, rel, rti, rte);
}

static void
add_join_paths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
			   RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	if (previousJoinPathlist)
		previousJoinPathlist(root, joinrel, outerrel, innerrel, jointype, extra);
	planner_join_pathlist(root, joinrel, outerrel, innerrel, jointype, extra);
}

static void
add_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
				void *extra)
{
	if (previousUpperPaths)
		previousUpperPaths(root, stage, input, output, extra);
	planner_upper_paths(root, stage, input, output, extra);
}

static void
add_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	if (previousRelationInfo)
		previousRelationInfo(root, relid, inhparent, rel);
	planner_relation_info(root, relid, inhparent, rel);
}

static bool
find_statistics(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attno, VariableStatData *found)
{
	if (previousRelationStats && previousRelationStats(root, rte, attno, found))
		return true;
	return planner_relation_statistics(rte, attno, found);
}

/* the maintenance daemon is no reason to refuse what needs a database without sessions */
static void
stop_daemon_for(Node *statement)
{
	const char *name = NULL;
	Oid			database;

	if (IsA(statement, DropdbStmt))
		name = castNode(DropdbStmt, statement)->dbname;
	else if (IsA(statement, RenameStmt) &&
			 castNode(RenameStmt, statement)->renameType == OBJECT_DATABASE)
		name = castNode(RenameStmt, statement)->subname;
	if (name == NULL)
		return;
	database = get_database_oid(name, true);
	if (OidIsValid(database) &&
		compat_object_ownercheck(DatabaseRelationId, database, GetUserId()))
		daemon_stop(database);
}

static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	UtilityCall call = {
		.pstmt = pstmt,
		.queryString = queryString,
		.readOnlyTree = readOnlyTree,
		.context = context,
		.params = params,
		.queryEnv = queryEnv,
		.dest = dest,
		.qc = qc,
		.next = previousUtility,
	};

	stop_daemon_for(pstmt->utilityStmt);
	if (IsA(pstmt->utilityStmt, TransactionStmt))
	{
		txn_statement_starts((TransactionStmt *) pstmt->utilityStmt, queryString);
		commands_process(&call);
		txn_statement_ended((TransactionStmt *) pstmt->utilityStmt, queryString);
	}
	else if (IsA(pstmt->utilityStmt, VariableSetStmt))
	{
		commands_process(&call);
		txn_variable_set((VariableSetStmt *) pstmt->utilityStmt);
	}
	else if (IsA(pstmt->utilityStmt, ExplainStmt))
	{
		ExplainWish before = executor_explain_begin((ExplainStmt *) pstmt->utilityStmt);

		commands_process(&call);
		executor_explain_end(before);
	}
	else
		commands_process(&call);
}

static void
start_executor(QueryDesc *query, int eflags)
{
	bool		replaced;

	executor_statement_starts(query);
	executor_explain_measure(query);
	replaced = txn_held_replace(query);
	/* the executor wants the query's snapshot to be the active one */
	if (replaced)
		PushActiveSnapshot(query->snapshot);
	if (previousExecutorStart)
		previousExecutorStart(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (replaced)
	{
		PopActiveSnapshot();
		/* rows that the transaction has changed since the snapshot are skipped by row locks */
		query->estate->es_output_cid = query->snapshot->curcid;
	}
	executor_statement_started(query);
	if (planned_for_values)
	{
		planned_for_values = false;
		executor_custom_plan_started(query);
	}
}

static void
run_executor(COMPAT_EXECUTOR_RUN_PARAMS)
{
	DestReceiver *client = query->dest;
	DestReceiver *forwards = executor_forward_begin(query, direction, count);

	if (forwards != NULL)
		query->dest = forwards;
	if (previousExecutorRun)
		previousExecutorRun(COMPAT_EXECUTOR_RUN_ARGS);
	else
		standard_ExecutorRun(COMPAT_EXECUTOR_RUN_ARGS);
	query->dest = client;
	if (count == 0)
		executor_explain_report(query);
}

static void
edit_message(ErrorData *edata)
{
	if (previousEmitLog)
		previousEmitLog(edata);
	commands_edit_message(edata);
	executor_edit_message(edata);
	txn_edit_message(edata);
}

static void
request_shmem(void)
{
	if (previousShmemRequest)
		previousShmemRequest();
	base_shmem_request();
}

static void
start_shmem(void)
{
	if (previousShmemStartup)
		previousShmemStartup();
	base_shmem_startup();
}

static void
check_load(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library \"%s\" must be loaded when the server starts",
						CITUS_EXTENSION_NAME),
				 errhint("Add %s as the first item to shared_preload_libraries and restart "
						 "the server.", CITUS_EXTENSION_NAME)));
	if (planner_hook != NULL || ProcessUtility_hook != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library \"%s\" must be loaded before other libraries",
						CITUS_EXTENSION_NAME),
				 errhint("Make %s the first item of shared_preload_libraries.",
						 CITUS_EXTENSION_NAME)));
}

/*
 * Commits over several nodes are prepared.  A value that the administrator chose is kept, also 0.
 */
static void
raise_max_prepared_transactions(void)
{
	char		value[16];

	if (!base_setting_is_default("max_prepared_transactions"))
		return;
	snprintf(value, sizeof(value), "%d", 2 * MaxConnections);
	SetConfigOption("max_prepared_transactions", value, PGC_POSTMASTER, PGC_S_DYNAMIC_DEFAULT);
}

static void
install_hooks(void)
{
	previousPlanner = planner_hook;
	planner_hook = plan_statement;
	previousRelPathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_rel_paths;
	previousJoinPathlist = set_join_pathlist_hook;
	set_join_pathlist_hook = add_join_paths;
	previousUpperPaths = create_upper_paths_hook;
	create_upper_paths_hook = add_upper_paths;
	previousRelationInfo = get_relation_info_hook;
	get_relation_info_hook = add_relation_info;
	previousRelationStats = get_relation_stats_hook;
	get_relation_stats_hook = find_statistics;
	previousUtility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	previousExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = start_executor;
	previousExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = run_executor;
	previousEmitLog = emit_log_hook;
	emit_log_hook = edit_message;
	previousNeedsFmgr = needs_fmgr_hook;
	needs_fmgr_hook = function_needs_hook;
	previousFmgr = fmgr_hook;
	fmgr_hook = surround_function;
	previousShmemRequest = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previousShmemStartup = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
}

void
_PG_init(void)
{
	check_load();
	for (int i = 0; i < lengthof(modules); i++)
		modules[i].init();
	daemon_set_duties(duties, lengthof(duties));
	txn_set_recovery_hurrier(hurry_recovery);
	base_settings_register_accepted();
	MarkGUCPrefixReserved(CITUS_EXTENSION_NAME);
	raise_max_prepared_transactions();
	install_hooks();
}
