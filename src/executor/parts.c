/*
 * parts.c
 *	  Statements inside a statement: modifying common table expressions.
 *
 * The node on top of the plan (DIST_PLAN_PARTS) runs its statements in order when its first row is
 * asked for, each to its end, and keeps the rows they return; then it passes on its child's rows.
 * Nodes of DIST_PLAN_PART_ROWS, anywhere below it or in a later statement, read what was kept.
 *
 * A reader finds the node by its executor state; a reader in a statement that is being run, by
 * being under the innermost node that has such a statement.  Rows of a statement of another node
 * are given to its readers (executor_part_rows_give()).
 *
 * Invariants: (1) every statement runs exactly once, also when nobody reads its rows and when the
 * main plan gives none; (2) the list of nodes is empty between transactions.
 */
#include "postgres.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "citus/base/compat.h"
#include "citus/base/lifecycle.h"
#include "executor/executor_internal.h"

typedef struct PartsState
{
	CustomScanState css;
	DistPlan   *plan;
	bool		explainOnly;
	bool		done;			/* all statements have run */
	bool		running;		/* one is running now */
	Tuplestorestate **stores;	/* one a statement, NULL until it has run */
} PartsState;

typedef struct PartRowsState
{
	CustomScanState css;
	DistPlan   *plan;
	TupleTableSlot *row;		/* as the store keeps it */
	Tuplestorestate *store;		/* belongs to the PartsState */
	int			pointer;		/* own read pointer in it */
} PartRowsState;

typedef struct GivenRows
{
	int			id;
	Tuplestorestate *store;
} GivenRows;

/* of PartsState *, innermost first; cells live in the top transaction's context */
static List *nodes = NIL;
/* of GivenRows *, the last first; the same */
static List *given = NIL;

static void
forget_nodes(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	if (event == LIFECYCLE_COMMIT || event == LIFECYCLE_ABORT || event == LIFECYCLE_PREPARE)
		nodes = given = NIL;
}

void
executor_parts_init(void)
{
	base_lifecycle_register(PHASE_EXECUTOR, forget_nodes);
}

/* ---- running the statements ---- */

static void
run_part(PartsState *state, int number)
{
	EState	   *estate = state->css.ss.ps.state;
	PlannedStmt *stmt = list_nth_node(PlannedStmt, state->plan->parts, number);
	DestReceiver *receiver = None_Receiver;
	QueryDesc  *query;

	state->stores[number] = tuplestore_begin_heap(true, false, work_mem);
	if (stmt->hasReturning || stmt->commandType == CMD_SELECT)
	{
		receiver = CreateDestReceiver(DestTuplestore);
		SetTuplestoreDestReceiverParams(receiver, state->stores[number], estate->es_query_cxt,
										false, NULL, NULL);
	}
	query = CreateQueryDesc(stmt, estate->es_sourceText, estate->es_snapshot, InvalidSnapshot,
							receiver, estate->es_param_list_info, estate->es_queryEnv, 0);
	/* triggers that it fires for a statement around this one are that one's: upsert_rows.c */
	ExecutorStart(query, estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS);
	compat_executor_run(query, ForwardScanDirection, 0);
	if (stmt->canSetTag && stmt->commandType != CMD_SELECT)
		estate->es_processed += query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	if (receiver != None_Receiver)
		receiver->rDestroy(receiver);
}

static void
run_parts(PartsState *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);

	state->running = true;
	for (int i = 0; i < list_length(state->plan->parts); i++)
		run_part(state, i);
	state->running = false;
	state->done = true;
	MemoryContextSwitchTo(caller);
}

/* ---- the node on top ---- */

static void
begin_parts(CustomScanState *node, EState *estate, int eflags)
{
	PartsState *state = (PartsState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	MemoryContext caller;

	state->explainOnly = (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
	state->stores = palloc0(sizeof(Tuplestorestate *) * list_length(state->plan->parts));
	caller = MemoryContextSwitchTo(TopTransactionContext);
	nodes = lcons(state, nodes);
	MemoryContextSwitchTo(caller);
	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

static TupleTableSlot *
next_child_row(ScanState *ss)
{
	CustomScanState *node = (CustomScanState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	TupleTableSlot *row = ExecProcNode(linitial(node->custom_ps));

	return TupIsNull(row) ? ExecClearTuple(slot) : executor_share_row(slot, row);
}

static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_parts(CustomScanState *node)
{
	PartsState *state = (PartsState *) node;

	if (!state->done)
		run_parts(state);
	return ExecScan(&node->ss, next_child_row, recheck_row);
}

static void
end_parts(CustomScanState *node)
{
	PartsState *state = (PartsState *) node;

	/* nobody asked for a row: the statements run all the same */
	if (!state->done && !state->explainOnly)
		run_parts(state);
	ExecEndNode(linitial(node->custom_ps));
	for (int i = 0; i < list_length(state->plan->parts); i++)
	{
		if (state->stores[i] != NULL)
			tuplestore_end(state->stores[i]);
	}
	nodes = list_delete_ptr(nodes, state);
}

static void
rescan_parts(CustomScanState *node)
{
	ExecReScan(linitial(node->custom_ps));
}

static void
explain_parts(CustomScanState *node, List *ancestors, ExplainState *es)
{
	DistPlan   *plan = ((PartsState *) node)->plan;

	ExplainPropertyText("Strategy", plan->strategy, es);
	ExplainPropertyInteger("Statements", NULL, list_length(plan->parts), es);
}

static const CustomExecMethods parts_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_parts,
	.ExecCustomScan = exec_parts,
	.EndCustomScan = end_parts,
	.ReScanCustomScan = rescan_parts,
	.ExplainCustomScan = explain_parts,
};

/* ---- rows of a statement ---- */

static void
begin_rows(CustomScanState *node, EState *estate, int eflags)
{
	PartRowsState *state = (PartRowsState *) node;

	state->row = ExecInitExtraTupleSlot(estate, node->ss.ss_ScanTupleSlot->tts_tupleDescriptor,
										&TTSOpsMinimalTuple);
}

static int
index_of_part(PartsState *parts, int id)
{
	ListCell   *cell;

	foreach(cell, parts->plan->partIds)
	{
		if (lfirst_int(cell) == id)
			return foreach_current_index(cell);
	}
	return -1;
}

/*
 * The node whose statements have given the rows: in this plan, or in one that is running the plan,
 * perhaps as a statement of a node below it.
 */
static PartsState *
find_parts(PartRowsState *state)
{
	PartsState *found = NULL;
	ListCell   *cell;

	foreach(cell, nodes)
	{
		PartsState *candidate = lfirst(cell);

		if (index_of_part(candidate, state->plan->partId) < 0)
			continue;
		if (candidate->css.ss.ps.state == state->css.ss.ps.state)
			return candidate;
		if (found == NULL && (candidate->running || candidate->done))
			found = candidate;
	}
	return found;
}

void
executor_part_rows_give(int id, Tuplestorestate *store)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	GivenRows  *rows = palloc(sizeof(GivenRows));

	rows->id = id;
	rows->store = store;
	given = lcons(rows, given);
	MemoryContextSwitchTo(caller);
}

void
executor_part_rows_take(void)
{
	pfree(linitial(given));
	given = list_delete_first(given);
}

/* the rows to read; of what an error has left only the last is looked at, and never needed */
static Tuplestorestate *
find_store(PartRowsState *state)
{
	PartsState *found = find_parts(state);
	GivenRows  *rows = given == NIL ? NULL : linitial(given);
	Tuplestorestate *store = found == NULL ? NULL :
		found->stores[index_of_part(found, state->plan->partId)];

	if (rows != NULL && rows->id == state->plan->partId)
		return rows->store;
	if (store == NULL)
		elog(ERROR, "rows of part %d of the statement are not there", state->plan->partId);
	return store;
}

static TupleTableSlot *
next_part_row(ScanState *ss)
{
	PartRowsState *state = (PartRowsState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	TupleTableSlot *row = state->row;

	if (state->store == NULL)
	{
		state->store = find_store(state);
		state->pointer = tuplestore_alloc_read_pointer(state->store, EXEC_FLAG_REWIND);
		tuplestore_select_read_pointer(state->store, state->pointer);
		tuplestore_rescan(state->store);
	}
	tuplestore_select_read_pointer(state->store, state->pointer);
	if (!tuplestore_gettupleslot(state->store, true, true, row))
		return ExecClearTuple(slot);
	return executor_share_row(slot, row);
}

/* where rows are looked at again, sub-plans run from the start: see planner_shield.c */
static bool
recheck_part_row(ScanState *ss, TupleTableSlot *slot)
{
	return !TupIsNull(next_part_row(ss));
}

static TupleTableSlot *
exec_rows(CustomScanState *node)
{
	return ExecScan(&node->ss, next_part_row, recheck_part_row);
}

static void
end_rows(CustomScanState *node)
{
}

static void
rescan_rows(CustomScanState *node)
{
	PartRowsState *state = (PartRowsState *) node;

	if (state->store == NULL)
		return;
	tuplestore_select_read_pointer(state->store, state->pointer);
	tuplestore_rescan(state->store);
}

static void
explain_rows(CustomScanState *node, List *ancestors, ExplainState *es)
{
	DistPlan   *plan = ((PartRowsState *) node)->plan;
	PartsState *parts = find_parts((PartRowsState *) node);

	ExplainPropertyText("Strategy", plan->strategy, es);
	if (parts != NULL)
		ExplainPropertyInteger("Statement", NULL, index_of_part(parts, plan->partId) + 1, es);
}

static const CustomExecMethods rows_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_rows,
	.ExecCustomScan = exec_rows,
	.EndCustomScan = end_rows,
	.ReScanCustomScan = rescan_rows,
	.ExplainCustomScan = explain_rows,
};

/* the state of a DIST_PLAN_PARTS or DIST_PLAN_PART_ROWS node */
Node *
executor_parts_create(DistPlan *plan)
{
	CustomScanState *state;

	if (plan->kind == DIST_PLAN_PARTS)
	{
		state = palloc0(sizeof(PartsState));
		state->methods = &parts_methods;
		((PartsState *) state)->plan = plan;
	}
	else
	{
		state = palloc0(sizeof(PartRowsState));
		state->methods = &rows_methods;
		((PartRowsState *) state)->plan = plan;
	}
	NodeSetTag(state, T_CustomScanState);
	return (Node *) state;
}
