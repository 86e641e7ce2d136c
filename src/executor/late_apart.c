/*
 * late_apart.c
 *	  Computes a sub-query's value so that an error of it is a result like any other.
 *
 * A fragment's parameters are computed before any row has asked for them, and what one server
 * would perhaps never compute must not fail the statement (late_values.c).  So a sub-query that may
 * fail runs in a sub-transaction, with an executor state of its own: that of the statement around
 * it could not be used, nor ended, after an error.  It reads with the statement's snapshot, and so
 * with its cluster snapshot.
 *
 * Not so, and an error is the statement's at once: what reads rows that other parts of the
 * statement compute or keep (common table expressions, sub-queries that have no value yet), in
 * parallel workers, where the server looks at a row again, and under EXPLAIN ANALYZE, which
 * is to show how the plan's own nodes have run.
 *
 * Invariant: the plan's own node of such a sub-query is never run, unless somebody asks for its
 * value after it has failed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "citus/base/lifecycle.h"
#include "executor/executor_internal.h"

/* ---- which sub-queries ---- */

static bool
fragment_may_raise(const Fragment *fragment)
{
	ListCell   *cell;

	foreach(cell, fragment->movements)
	{
		if (fragment_may_raise(((Movement *) lfirst(cell))->source))
			return true;
	}
	return !fragment->cannotRaise;
}

/* of the node itself, other than its target list and its conditions */
static bool
own_parts_may_raise(Plan *plan)
{
	const DistPlan *dist;
	const Node *count;

	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_Agg:
		case T_Sort:
		case T_Unique:
		case T_Material:
		case T_SubqueryScan:
			return false;
		case T_Result:
			return plan_may_raise(((Result *) plan)->resconstantqual);
		case T_IndexScan:
			return plan_may_raise((Node *) ((IndexScan *) plan)->indexqual);
		case T_IndexOnlyScan:
			return plan_may_raise((Node *) ((IndexOnlyScan *) plan)->indexqual);
		case T_Limit:
			/* a number below zero would be wrong */
			count = ((Limit *) plan)->limitCount;
			return (count != NULL && !IsA(count, Const)) ||
				((Limit *) plan)->limitOffset != NULL;
		case T_CustomScan:
			dist = plan_of_custom_scan(plan);
			return dist == NULL || dist->kind != DIST_PLAN_FRAGMENT ||
				fragment_may_raise(dist->fragment) ||
				plan_may_raise((Node *) ((CustomScan *) plan)->custom_exprs);
		default:
			return true;
	}
}

/* walker: a node that may fail for what it computes */
static bool
may_raise_walker(PlanState *ps, void *context)
{
	Plan	   *plan = ps->plan;

	return own_parts_may_raise(plan) || plan_may_raise((Node *) plan->targetlist) ||
		plan_may_raise((Node *) plan->qual) || planstate_tree_walker(ps, may_raise_walker, context);
}

/* walker: a node of ours that belongs to others of the statement */
static bool
belongs_walker(PlanState *ps, void *context)
{
	const DistPlan *plan = plan_of_custom_scan(ps->plan);

	return (plan != NULL && plan->kind != DIST_PLAN_FRAGMENT) ||
		planstate_tree_walker(ps, belongs_walker, context);
}

bool
executor_apart_is_wanted(SubPlanState *node)
{
	return may_raise_walker(node->planstate, NULL) && !belongs_walker(node->planstate, NULL);
}

bool
executor_apart_is_possible(SubPlanState *node, ExprContext *econtext)
{
	EState	   *estate = node->planstate->state;
	List	   *types = estate->es_plannedstmt->paramExecTypes;
	int			paramid = -1;

	if (IsInParallelMode() || estate->es_epq_active != NULL ||
		node->planstate->instrument != NULL)
		return false;
	while ((paramid = bms_next_member(node->planstate->plan->extParam, paramid)) >= 0)
	{
		/* the numbers of nodes, which have no type, stand for their rows */
		if (!OidIsValid(list_nth_oid(types, paramid)) ||
			econtext->ecxt_param_exec_vals[paramid].execPlan != NULL)
			return false;
	}
	return true;
}

/* ---- computing ---- */

typedef struct ApartRun
{
	SubPlanState *node;
	ExprContext *econtext;
	MemoryContext context;		/* what it takes to run */
	bool		tooMany;		/* a scalar has a second row */
} ApartRun;

/* the sub-query as a statement */
static PlannedStmt *
make_statement(SubPlanState *node)
{
	PlannedStmt *stmt = makeNode(PlannedStmt);
	ListCell   *cell;

	memcpy(stmt, node->planstate->state->es_plannedstmt, sizeof(PlannedStmt));
	stmt->commandType = CMD_SELECT;
	stmt->queryId = 0;
	stmt->hasReturning = stmt->hasModifyingCTE = stmt->canSetTag = false;
	stmt->parallelModeNeeded = false;
	stmt->resultRelations = NIL;
	stmt->planTree = node->planstate->plan;
	stmt->subplans = list_copy(stmt->subplans);
	foreach(cell, stmt->subplans)
	{
		if (lfirst(cell) != NULL && IsA(lfirst(cell), ModifyTable))
			lfirst(cell) = NULL;
	}
	return stmt;
}

/* what it refers to around it */
static void
give_params(ApartRun *run, EState *estate)
{
	Bitmapset  *params = run->node->planstate->plan->extParam;
	int			paramid = -1;

	while ((paramid = bms_next_member(params, paramid)) >= 0)
		estate->es_param_exec_vals[paramid] = run->econtext->ecxt_param_exec_vals[paramid];
}

static void
set_value(ApartRun *run, Datum value)
{
	ParamExecData *param =
		&run->econtext->ecxt_param_exec_vals[linitial_int(run->node->subplan->setParam)];

	param->execPlan = NULL;
	param->isnull = false;
	param->value = value;
}

/* the next row, or NULL */
static TupleTableSlot *
next_row(PlanState *top)
{
	TupleTableSlot *slot = ExecProcNode(top);

	return TupIsNull(slot) ? NULL : slot;
}

static void
take_array(ApartRun *run, PlanState *top)
{
	SubPlanState *node = run->node;
	ArrayBuildStateAny *array = initArrayResultAny(node->subplan->firstColType,
												   CurrentMemoryContext, true);
	TupleTableSlot *slot;
	Datum		before = node->curArray;

	while ((slot = next_row(top)) != NULL)
	{
		bool		isNull;
		Datum		value = slot_getattr(slot, 1, &isNull);

		array = accumArrayResultAny(array, value, isNull, node->subplan->firstColType,
									CurrentMemoryContext);
	}
	node->curArray = makeArrayResultAny(array, run->econtext->ecxt_per_query_memory, true);
	set_value(run, node->curArray);
	if (before != (Datum) 0)
		pfree(DatumGetPointer(before));
}

static void
take_row(ApartRun *run, PlanState *top)
{
	TupleTableSlot *slot = next_row(top);

	executor_late_set(run->node, run->econtext, slot);
	run->tooMany = slot != NULL && next_row(top) != NULL;
}

static void
compute(void *argument)
{
	ApartRun   *run = argument;
	EState	   *around = run->node->planstate->state;
	QueryDesc  *query;

	MemoryContextSwitchTo(run->context);
	PushActiveSnapshot(around->es_snapshot);
	query = CreateQueryDesc(make_statement(run->node), around->es_sourceText, GetActiveSnapshot(),
							around->es_crosscheck_snapshot, None_Receiver,
							around->es_param_list_info, around->es_queryEnv, 0);
	/* part of the statement around it, which has been announced to everybody */
	standard_ExecutorStart(query, EXEC_FLAG_SKIP_TRIGGERS);
	give_params(run, query->estate);
	MemoryContextSwitchTo(query->estate->es_query_cxt);
	switch (run->node->subplan->subLinkType)
	{
		case ARRAY_SUBLINK:
			take_array(run, query->planstate);
			break;
		case EXISTS_SUBLINK:
			set_value(run, BoolGetDatum(next_row(query->planstate) != NULL));
			break;
		default:
			take_row(run, query->planstate);
			break;
	}
	MemoryContextSwitchTo(run->context);
	standard_ExecutorFinish(query);
	standard_ExecutorEnd(query);
	FreeQueryDesc(query);
	PopActiveSnapshot();
}

/* is it about the values, and not about the machine or other transactions? */
static bool
is_of_values(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
				error->sqlerrcode != ERRCODE_IDLE_IN_TRANSACTION_SESSION_TIMEOUT;
	}
}

bool
executor_apart_compute(SubPlanState *node, ExprContext *econtext, ErrorData **error)
{
	ApartRun	run = {node, econtext};
	MemoryContext caller = MemoryContextSwitchTo(econtext->ecxt_per_query_memory);

	run.context = AllocSetContextCreate(CurrentMemoryContext, "citus late value",
										ALLOCSET_SMALL_SIZES);
	*error = base_try_subtransaction(compute, &run, true);
	if (*error != NULL && !is_of_values(*error))
		ReThrowError(*error);
	MemoryContextDelete(run.context);
	MemoryContextSwitchTo(caller);
	if (*error != NULL || run.tooMany)
		return false;
	/* the value is that of what has changed */
	node->planstate->chgParam = NULL;
	return true;
}
