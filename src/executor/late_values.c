/*
 * late_values.c
 *	  Values of sub-queries that must not be asked for: raised where a row asks, and only then.
 *
 * One server computes WHERE x = (SELECT a FROM t) when the first row is compared, and raises
 * "more than one row returned by a subquery used as an expression" then; without a row it says
 * nothing.  A fragment's parameters have values before the shards are looked at.  So a sub-query
 * that has too many rows becomes no value but part of the fragment's text,
 *
 *		WHERE x = (SELECT citus_internal.raise_more_than_one_row())::integer
 *
 * which a shard's server computes when its first row asks, too.
 *
 * Invariants: (1) others of the same plan may ask for a sub-query that was left: it raises the
 * error then, without having run a second time, or, where it depends on values that change, it is
 * in the state from which it runs again, and is known to have too many rows until they do;
 * (2) conditions on the key that read such a value select all shards; a query that belongs to one
 * shard group then runs on all of them, and rows of one are its rows (tasks.c): no row was found
 * by the value, or the error was raised.
 *
 * Main path: executor_late_fragment(), before parameters are evaluated and shards are chosen.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "citus/deparse/template.h"
#include "executor/executor_internal.h"

#define RAISE_MORE_THAN_ONE "(SELECT citus_internal.raise_more_than_one_row())"

PG_FUNCTION_INFO_V1(raise_more_than_one_row);

/* the parameters of a sub-query's columns; without a row they are NULL */
static void
set_values(SubPlanState *node, ExprContext *econtext, TupleDesc desc)
{
	int			column = 0;
	ListCell   *cell;

	foreach(cell, node->subplan->setParam)
	{
		ParamExecData *value = &econtext->ecxt_param_exec_vals[lfirst_int(cell)];

		value->execPlan = NULL;
		value->isnull = true;
		value->value = desc == NULL ? (Datum) 0 :
			heap_getattr(node->curTuple, ++column, desc, &value->isnull);
	}
}

static void
raise_too_many(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("more than one row returned by a subquery used as an expression")));
}

/* what a sub-query that has too many rows runs from then on: invariant (1) */
static TupleTableSlot *
run_too_many(PlanState *ps)
{
	raise_too_many();
	return NULL;
}

/*
 * Has it been found to have more than one row for the values that it depends on?  What says so is a
 * mark of hashed sub-plans, which are asked for no value.
 */
static bool
has_too_many(const SubPlanState *node)
{
	return node->planstate->ExecProcNode == run_too_many ||
		(node->havenullrows && node->planstate->chgParam == NULL);
}

static void
note_too_many(SubPlanState *node)
{
	if (node->planstate->plan->extParam == NULL)
	{
		node->planstate->ExecProcNode = run_too_many;
		return;
	}
	ExecReScan(node->planstate);
	node->havenullrows = true;
}

/* false: it has more than one row, and its parameters are not set */
static bool
compute_values(SubPlanState *node, ExprContext *econtext)
{
	EState	   *estate = node->planstate->state;
	ScanDirection direction = estate->es_direction;
	MemoryContext caller;
	TupleDesc	desc = NULL;
	TupleTableSlot *slot;

	if (has_too_many(node))
		return false;
	node->havenullrows = false;
	caller = MemoryContextSwitchTo(econtext->ecxt_per_query_memory);
	estate->es_direction = ForwardScanDirection;
	slot = ExecProcNode(node->planstate);
	if (!TupIsNull(slot))
	{
		desc = slot->tts_tupleDescriptor;
		if (node->curTuple != NULL)
			heap_freetuple(node->curTuple);
		/* as long as the parameters are read */
		node->curTuple = ExecCopySlotHeapTuple(slot);
		slot = ExecProcNode(node->planstate);
	}
	estate->es_direction = direction;
	MemoryContextSwitchTo(caller);
	if (TupIsNull(slot))
	{
		set_values(node, econtext, desc);
		return true;
	}
	note_too_many(node);
	return false;
}

/* walker: reads a sub-query that has more than one row; computes those that have not */
static bool
reads_late_value_walker(Node *node, ExprContext *econtext)
{
	SubPlanState *asked;

	if (node == NULL)
		return false;
	if (!IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXEC)
		return expression_tree_walker(node, reads_late_value_walker, econtext);
	asked = econtext->ecxt_param_exec_vals[((Param *) node)->paramid].execPlan;
	return asked != NULL && (asked->subplan->subLinkType == EXPR_SUBLINK ||
							 asked->subplan->subLinkType == ROWCOMPARE_SUBLINK) &&
		!compute_values(asked, econtext);
}

/* a condition on the key without what reads late values */
static PruneSpec *
prune_without_late(const PruneSpec *prune, ExprContext *econtext)
{
	List	   *args = NIL;
	ListCell   *cell;

	if (prune == NULL)
		return NULL;
	if (reads_late_value_walker((Node *) prune->value, econtext))
		return plan_prune_make(PRUNE_ALL, NULL, NIL);
	foreach(cell, prune->args)
		args = lappend(args, prune_without_late(lfirst(cell), econtext));
	return plan_prune_make(prune->kind, prune->value, args);
}

static bool
prune_reads_late(const PruneSpec *prune, ExprContext *econtext)
{
	ListCell   *cell;

	if (prune == NULL)
		return false;
	foreach(cell, prune->args)
	{
		if (prune_reads_late(lfirst(cell), econtext))
			return true;
	}
	return reads_late_value_walker((Node *) prune->value, econtext);
}

Fragment *
executor_late_fragment(Fragment *fragment, ExprContext *econtext)
{
	const char **replacements;
	List	   *params = NIL;
	bool		isLate;
	Fragment   *late;
	ListCell   *cell;

	if (fragment->command != CMD_SELECT || fragment->hasModifyingCte ||
		econtext->ecxt_param_exec_vals == NULL)
		return fragment;
	replacements = palloc0(sizeof(char *) * (list_length(fragment->params) + 1));
	isLate = prune_reads_late(fragment->prune, econtext);
	foreach(cell, fragment->params)
	{
		Node	   *param = lfirst(cell);

		if (reads_late_value_walker(param, econtext))
		{
			replacements[foreach_current_index(cell)] = RAISE_MORE_THAN_ONE;
			/* of a type that needs no cast in the text, from which the parameter is gone */
			param = (Node *) makeNullConst(INT4OID, -1, InvalidOid);
			isLate = true;
		}
		params = lappend(params, param);
	}
	if (!isLate)
		return fragment;
	late = palloc(sizeof(Fragment));
	memcpy(late, fragment, sizeof(Fragment));
	late->params = params;
	late->prune = prune_without_late(fragment->prune, econtext);
	late->mayBeNowhere = false;
	late->sql = deparse_template_replace_params(fragment->sql, replacements, list_length(params));
	return late;
}

Datum
raise_more_than_one_row(PG_FUNCTION_ARGS)
{
	raise_too_many();
	PG_RETURN_NULL();
}
