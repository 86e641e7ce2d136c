/*
 * local.c
 *	  Tasks on shards of this node: parsed, planned and run in this backend.
 *
 * The statement's text names shards, which are plain tables to the server.  Reads see the
 * snapshot of the statement that they are part of; writes see also what it has done so far.
 */
#include "postgres.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "executor/executor_internal.h"

/* the statement's queries after rewriting, in the current context */
static List *
analyze_task(ExecutorTask *task)
{
	List	   *raw = deparse_parse_text(task->sql);
	int			nparams = task->params == NULL ? 0 : task->params->n;

	if (list_length(raw) != 1)
		elog(ERROR, "a task holds %d statements", list_length(raw));
	return pg_analyze_and_rewrite_fixedparams(linitial(raw), task->sql,
											  nparams == 0 ? NULL : task->params->types,
											  nparams, NULL);
}

/* a utility statement (TRUNCATE and the like) as a task */
static void
run_utility(PlannedStmt *planned, ExecutorTask *task, ParamListInfo params, DestReceiver *dest)
{
	QueryCompletion completion;

	base_frame_push(FRAME_OWN_DDL);
	InitializeQueryCompletion(&completion);
	ProcessUtility(planned, task->sql, false, PROCESS_UTILITY_SUBCOMMAND, params, NULL, dest,
				   &completion);
	base_frame_pop(FRAME_OWN_DDL);
}

static uint64
run_plan(PlannedStmt *planned, ExecutorTask *task, ParamListInfo params, DestReceiver *dest)
{
	QueryDesc  *desc;
	uint64		processed;

	desc = CreateQueryDesc(planned, task->sql, GetActiveSnapshot(), InvalidSnapshot,
						   planned->canSetTag ? dest : None_Receiver, params, NULL,
						   executor_explain_instrument(task->explain));
	ExecutorStart(desc, 0);
	/* rows that the transaction has changed since its snapshot are skipped by row locks */
	if (planned->commandType == CMD_SELECT && !planned->hasModifyingCTE)
		desc->estate->es_output_cid = desc->snapshot->curcid;
	compat_executor_run(desc, ForwardScanDirection, 0);
	processed = desc->estate->es_processed;
	if (task->explain != 0 && planned->canSetTag)
		task->planText = MemoryContextStrdup(GetMemoryChunkContext(task),
											 executor_explain_plan(desc, task->explain,
																   task->explainFormat));
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	return planned->canSetTag ? processed : 0;
}

/* writes see what the statement has done so far */
static void
advance_snapshot(bool writes)
{
	if (writes)
	{
		CommandCounterIncrement();
		UpdateActiveSnapshotCommandId();
	}
}

/* a task with a name: its plan is kept for the next time */
static uint64
run_cached(ExecutorTask *task, bool writes, DestReceiver *dest)
{
	ParamListInfo params = executor_params_list(task->params);
	CachedPlan *plan = GetCachedPlan(executor_local_plan(task), params, CurrentResourceOwner,
									 NULL);
	uint64		processed = 0;
	ListCell   *cell;

	foreach(cell, plan->stmt_list)
	{
		advance_snapshot(writes);
		processed += run_plan(lfirst_node(PlannedStmt, cell), task, params, dest);
	}
	ReleaseCachedPlan(plan, CurrentResourceOwner);
	return processed;
}

static uint64
run_queries(ExecutorTask *task, bool writes, DestReceiver *dest)
{
	ParamListInfo params = executor_params_list(task->params);
	int			options = IsInParallelMode() ? 0 : CURSOR_OPT_PARALLEL_OK;
	uint64		processed = 0;
	ListCell   *cell;

	foreach(cell, analyze_task(task))
	{
		Query	   *query = lfirst_node(Query, cell);

		advance_snapshot(writes);
		if (query->commandType == CMD_UTILITY)
		{
			PlannedStmt *planned = makeNode(PlannedStmt);

			planned->commandType = CMD_UTILITY;
			planned->canSetTag = true;
			planned->utilityStmt = query->utilityStmt;
			run_utility(planned, task, params, dest);
		}
		else
			processed += run_plan(pg_plan_query(query, task->sql, options, params), task, params,
								  dest);
	}
	return processed;
}

/*
 * Operators, functions and types in a task are the server's own, also for a user who has others of
 * the same names in front: their code would run with the rights of whoever the task runs for.
 * Returns the level for end_names().
 */
static int
begin_names(void)
{
	char	   *path = base_task_search_path(InLocalUserIdChange());
	int			level;

	if (path == NULL)
		return 0;
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return level;
}

static void
end_names(int level)
{
	if (level > 0)
		AtEOXact_GUC(true, level);
}

/*
 * Everything but what dest keeps is freed at the end.
 */
uint64
executor_local_run(ExecutorTask *task, bool writes, Snapshot snapshot, CommandId cid,
				   DestReceiver *dest)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus local task",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	volatile uint64 processed = 0;
	int			names = begin_names();

	if (executor_log_local && remote_is_reported(task->sql))
		ereport(NOTICE, (errmsg("running task in this session: %s", task->sql)));
	if (writes)
		txn_mark_local_write();

	base_frame_push(FRAME_LOCAL_TASK);
	task->started = GetCurrentTimestamp();
	if (snapshot == NULL)
		snapshot = GetTransactionSnapshot();
	if (writes || snapshot->curcid != cid)
		PushCopiedSnapshot(snapshot);
	else
		PushActiveSnapshot(snapshot);
	if (!writes)
		GetActiveSnapshot()->curcid = cid;

	PG_TRY();
	{
		if (task->statementName != NULL)
			processed = run_cached(task, writes, dest);
		else
			processed = run_queries(task, writes, dest);
	}
	PG_CATCH();
	{
		executor_rethrow_with_user_names();
	}
	PG_END_TRY();

	PopActiveSnapshot();
	if (writes)
		CommandCounterIncrement();
	base_frame_pop(FRAME_LOCAL_TASK);
	end_names(names);
	task->state = TASK_DONE;
	task->count = processed;
	task->ended = GetCurrentTimestamp();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return processed;
}

/* Palloc'd.  Nothing is executed.  The statement may have ended: auto_explain asks then. */
char *
executor_local_explain(ExecutorTask *task, ExplainState *es)
{
	ExplainState *inner = NewExplainState();
	ParamListInfo params = executor_params_list(task->params);
	int			names = begin_names();
	ListCell   *cell;

	inner->verbose = es->verbose;
	inner->costs = es->costs;
	inner->settings = es->settings;
	inner->format = es->format;

	base_frame_push(FRAME_LOCAL_TASK);
	PushActiveSnapshot(ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot());
	ExplainBeginOutput(inner);
	foreach(cell, analyze_task(task))
	{
		PlannedStmt *planned = pg_plan_query(lfirst_node(Query, cell), task->sql,
											 CURSOR_OPT_PARALLEL_OK, params);

		/* who counts statements by their number does not count this one, which is not run */
		planned->queryId = 0;
		compat_explain_one_plan(planned, NULL, inner, task->sql, params, NULL, NULL, NULL);
	}
	ExplainEndOutput(inner);
	PopActiveSnapshot();
	base_frame_pop(FRAME_LOCAL_TASK);
	end_names(names);
	return inner->str->data;
}
