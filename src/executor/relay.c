/*
 * relay.c
 *	  The rows of a child plan, as columns that the rest of the plan knows by other expressions.
 *
 * The server finds what a node computes in what its child gives by comparing expressions.  Partial
 * aggregates are finished by expressions of their own; a node of DIST_PLAN_RELAY over them has the
 * query's aggregates as its columns (custom_scan_tlist), each in the place of its result.
 *
 * Invariant: the child's columns have the types of the node's, in the same order.
 */
#include "postgres.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "executor/executor_internal.h"

typedef struct RelayState
{
	CustomScanState css;
	DistPlan   *plan;
} RelayState;

static void
begin_relay(CustomScanState *node, EState *estate, int eflags)
{
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	CustomScanState *node = (CustomScanState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	TupleTableSlot *row = ExecProcNode(linitial(node->custom_ps));

	return TupIsNull(row) ? ExecClearTuple(slot) : executor_share_row(slot, row);
}

/* where rows are looked at again, sub-plans run from the start: see planner_shield.c */
static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return !TupIsNull(next_row(ss));
}

static TupleTableSlot *
exec_relay(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_relay(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

static void
rescan_relay(CustomScanState *node)
{
	PlanState  *child = linitial(node->custom_ps);

	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(child, node->ss.ps.chgParam);
	/* the child does it by itself when it is asked for a row */
	if (child->chgParam == NULL)
		ExecReScan(child);
}

static void
explain_relay(CustomScanState *node, List *ancestors, ExplainState *es)
{
	ExplainPropertyText("Strategy", ((RelayState *) node)->plan->strategy, es);
}

static const CustomExecMethods relay_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_relay,
	.ExecCustomScan = exec_relay,
	.EndCustomScan = end_relay,
	.ReScanCustomScan = rescan_relay,
	.ExplainCustomScan = explain_relay,
};

/* the state of a DIST_PLAN_RELAY node */
Node *
executor_relay_create(DistPlan *plan)
{
	RelayState *state = palloc0(sizeof(RelayState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &relay_methods;
	state->plan = plan;
	return (Node *) state;
}
