/*
 * store.c
 *	  The rows of a child plan into a table of this node, many at a time.
 *
 * What a task of INSERT .. SELECT does on a shard.  The server's own node for INSERT looks for a
 * page, locks it and writes a WAL record for each row; COPY does so for each page, and so does this
 * node, which stands in the place of the server's where nobody can tell the difference
 * (planner_store.c).
 *
 * Main path: the first call takes all rows of the child into a batch of slots; when that is full,
 * and at the end, row_batch.c stores its rows, then makes their index entries, then tells the
 * triggers of constraints.
 *
 * Invariant: a row of the batch is a copy, with generated columns, that has passed all checks which
 * need nothing but the row.
 */
#include "postgres.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/extensible.h"
#include "utils/rel.h"
#include "executor/executor_internal.h"
#include "store_internal.h"

#define BATCH_BYTES (128 * 1024)

typedef struct StoreState
{
	CustomScanState css;
	DistPlan   *plan;
	ResultRelInfo *target;

	RowBatch	batch;
	bool		done;
} StoreState;

static void
begin_store(CustomScanState *node, EState *estate, int eflags)
{
	StoreState *state = (StoreState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	state->target = makeNode(ResultRelInfo);
	ExecInitResultRelation(estate, state->target,
						   linitial_int(estate->es_plannedstmt->resultRelations));
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY) &&
		state->target->ri_RelationDesc->rd_rel->relhasindex)
		ExecOpenIndices(state->target, false);
	executor_batch_begin(&state->batch, estate, state->target);
	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

/* ---- rows into the batch ---- */

/* generated columns, and what is asked of a row by itself */
static void
check_row(StoreState *state, TupleTableSlot *row)
{
	EState	   *estate = state->css.ss.ps.state;
	Relation	relation = state->target->ri_RelationDesc;
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(state->target, estate, row, CMD_INSERT);
	if (constraints != NULL)
		ExecConstraints(state->target, row, estate);
	if (relation->rd_rel->relispartition)
		ExecPartitionCheck(state->target, row, estate, true);
}

static void
add_row(StoreState *state, TupleTableSlot *source)
{
	TupleTableSlot *row = executor_batch_slot(&state->batch);

	ExecCopySlot(row, source);
	row->tts_tableOid = RelationGetRelid(state->target->ri_RelationDesc);
	check_row(state, row);
	executor_batch_add(&state->batch, ((HeapTupleTableSlot *) row)->tuple->t_len);
}

static void
store_batch(StoreState *state)
{
	state->css.ss.ps.state->es_processed += state->batch.nrows;
	executor_batch_store(&state->batch);
}

/* returns no row: all of the child's are stored at the first call */
static TupleTableSlot *
exec_store(CustomScanState *node)
{
	StoreState *state = (StoreState *) node;
	PlanState  *child = linitial(node->custom_ps);
	TupleTableSlot *row;

	while (!state->done)
	{
		row = ExecProcNode(child);
		state->done = TupIsNull(row);
		ResetPerTupleExprContext(node->ss.ps.state);
		if (!state->done)
			add_row(state, row);
		if (state->done || state->batch.nrows == BATCH_ROWS ||
			state->batch.nbytes >= BATCH_BYTES)
			store_batch(state);
	}
	return NULL;
}

/* the executor closes the target and its indexes, and drops the slots, with those of the query */
static void
end_store(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

static void
rescan_store(CustomScanState *node)
{
	elog(ERROR, "rows are stored once");
}

static void
explain_store(CustomScanState *node, List *ancestors, ExplainState *es)
{
	StoreState *state = (StoreState *) node;

	ExplainPropertyText("Strategy", state->plan->strategy, es);
	ExplainPropertyText("Insert on", RelationGetRelationName(state->target->ri_RelationDesc), es);
}

static const CustomExecMethods store_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_store,
	.ExecCustomScan = exec_store,
	.EndCustomScan = end_store,
	.ReScanCustomScan = rescan_store,
	.ExplainCustomScan = explain_store,
};

/* the state of a DIST_PLAN_STORE node */
Node *
executor_store_create(DistPlan *plan)
{
	StoreState *state = palloc0(sizeof(StoreState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &store_methods;
	state->plan = plan;
	return (Node *) state;
}
