/*
 * late_values.c
 *	  Sub-queries whose computing fails: the error is raised where a row asks, and only then.
 *
 * One server computes WHERE x = (SELECT 1 / a FROM t) when the first row is compared, and fails
 * then; without a row it says nothing.  A fragment's parameters have values before the shards are
 * looked at.  So a sub-query that has too many rows, or fails otherwise (late_apart.c),
 * becomes no value but part of the fragment's text,
 *
 *		WHERE x = (SELECT citus_internal.raise_subquery_error('22012', ..))::integer
 *
 * which a shard's server computes when its first row asks, too.
 *
 * Invariants: (1) others of the same plan may ask for a sub-query that was left: it raises the
 * error then, without having run a second time, or, where it depends on values that change, it is
 * in the state from which it runs again, and is known to fail until they do;
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
#include "lib/ilist.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"

#include "citus/deparse/template.h"
#include "executor/executor_internal.h"

PG_FUNCTION_INFO_V1(raise_subquery_error);

/* a sub-query that a fragment has asked for; as long as its statement */
typedef struct LateValue
{
	dlist_node	link;
	SubPlanState *node;
	bool		apart;			/* may fail: computed by late_apart.c, if possible */
	ErrorData  *error;			/* what computing it has raised; NULL: nothing */
	MemoryContextCallback onFree;
} LateValue;

static dlist_head late_values = DLIST_STATIC_INIT(late_values);

static void
forget_value(void *arg)
{
	dlist_delete(&((LateValue *) arg)->link);
}

static LateValue *
get_value(SubPlanState *node)
{
	MemoryContext context = node->planstate->state->es_query_cxt;
	LateValue  *value;
	dlist_iter	iter;

	dlist_foreach(iter, &late_values)
	{
		value = dlist_container(LateValue, link, iter.cur);
		if (value->node == node)
			return value;
	}
	value = MemoryContextAllocZero(context, sizeof(LateValue));
	value->node = node;
	value->apart = executor_apart_is_wanted(node);
	value->onFree.func = forget_value;
	value->onFree.arg = value;
	dlist_push_head(&late_values, &value->link);
	MemoryContextRegisterResetCallback(context, &value->onFree);
	return value;
}

/* ---- computing ---- */

void
executor_late_set(SubPlanState *node, ExprContext *econtext, TupleTableSlot *slot)
{
	MemoryContext caller = MemoryContextSwitchTo(econtext->ecxt_per_query_memory);
	int			column = 0;
	ListCell   *cell;

	if (slot != NULL)
	{
		if (node->curTuple != NULL)
			heap_freetuple(node->curTuple);
		/* as long as the parameters are read */
		node->curTuple = ExecCopySlotHeapTuple(slot);
	}
	foreach(cell, node->subplan->setParam)
	{
		ParamExecData *value = &econtext->ecxt_param_exec_vals[lfirst_int(cell)];

		value->execPlan = NULL;
		value->isnull = true;
		value->value = slot == NULL ? (Datum) 0 :
			heap_getattr(node->curTuple, ++column, slot->tts_tupleDescriptor, &value->isnull);
	}
	MemoryContextSwitchTo(caller);
}

static bool
is_scalar(const SubPlanState *node)
{
	return node->subplan->subLinkType == EXPR_SUBLINK ||
		node->subplan->subLinkType == ROWCOMPARE_SUBLINK;
}

/* in the plan's own node; false: a second row, and no value is set */
static bool
compute_in_place(SubPlanState *node, ExprContext *econtext)
{
	EState	   *estate = node->planstate->state;
	ScanDirection direction = estate->es_direction;
	MemoryContext caller = MemoryContextSwitchTo(econtext->ecxt_per_query_memory);
	TupleTableSlot *slot;
	bool		isOne;

	estate->es_direction = ForwardScanDirection;
	slot = ExecProcNode(node->planstate);
	isOne = TupIsNull(slot);
	executor_late_set(node, econtext, isOne ? NULL : slot);
	if (!isOne)
	{
		slot = ExecProcNode(node->planstate);
		isOne = TupIsNull(slot);
	}
	estate->es_direction = direction;
	MemoryContextSwitchTo(caller);
	return isOne;
}

/* nobody has the value yet */
static void
unset_values(SubPlanState *node, ExprContext *econtext)
{
	ListCell   *cell;

	foreach(cell, node->subplan->setParam)
		econtext->ecxt_param_exec_vals[lfirst_int(cell)].execPlan = node;
}

static ErrorData *
make_too_many(MemoryContext context)
{
	ErrorData  *error = MemoryContextAllocZero(context, sizeof(ErrorData));

	error->elevel = ERROR;
	error->sqlerrcode = ERRCODE_CARDINALITY_VIOLATION;
	error->message = MemoryContextStrdup(context, _("more than one row returned by a subquery used"
													" as an expression"));
	error->assoc_context = context;
	return error;
}

/* what a sub-query that fails runs from then on: invariant (1) */
static TupleTableSlot *
run_failure(PlanState *ps)
{
	dlist_iter	iter;

	dlist_foreach(iter, &late_values)
	{
		LateValue  *value = dlist_container(LateValue, link, iter.cur);

		if (value->node->planstate == ps)
			ThrowErrorData(value->error);
	}
	elog(ERROR, "a sub-query has no value and no error");
	return NULL;
}

/* NULL, or the error that it fails with; its parameters are not set then */
static const ErrorData *
compute_value(SubPlanState *node, ExprContext *econtext)
{
	LateValue  *value = get_value(node);
	PlanState  *plan = node->planstate;
	bool		computed = true;
	bool		apart;

	if (value->error != NULL && plan->chgParam == NULL)
		return value->error;
	value->error = NULL;
	apart = value->apart && executor_apart_is_possible(node, econtext);
	if (apart)
		computed = executor_apart_compute(node, econtext, &value->error);
	else if (is_scalar(node))
		computed = compute_in_place(node, econtext);
	if (computed)
		return NULL;
	unset_values(node, econtext);
	if (value->error == NULL)
		value->error = make_too_many(econtext->ecxt_per_query_memory);
	if (plan->plan->extParam == NULL)
		plan->ExecProcNode = run_failure;
	else if (!apart || plan->chgParam != NULL)
		ExecReScan(plan);
	return value->error;
}

typedef struct Asking
{
	ExprContext *econtext;
	const ErrorData *error;		/* of a sub-query that fails */
} Asking;

/* walker: reads a sub-query that fails */
static bool
asks_walker(Node *node, Asking *asking)
{
	SubPlanState *asked;

	if (node == NULL)
		return false;
	if (!IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXEC)
		return expression_tree_walker(node, asks_walker, asking);
	asked = asking->econtext->ecxt_param_exec_vals[((Param *) node)->paramid].execPlan;
	if (asked == NULL || asked->subplan->subLinkType == CTE_SUBLINK)
		return false;
	asking->error = compute_value(asked, asking->econtext);
	return asking->error != NULL;
}

/* the error that evaluating an expression raises; computes sub-queries that it reads.  Or NULL */
static const ErrorData *
error_of(Node *expr, ExprContext *econtext)
{
	Asking		asking = {econtext};

	return asks_walker(expr, &asking) ? asking.error : NULL;
}

/* a condition on the key without what reads late values */
static PruneSpec *
prune_without_late(const PruneSpec *prune, ExprContext *econtext)
{
	List	   *args = NIL;
	ListCell   *cell;

	if (prune == NULL)
		return NULL;
	if (error_of((Node *) prune->value, econtext) != NULL)
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
	return error_of((Node *) prune->value, econtext) != NULL;
}

/* ---- raising ---- */

static void
append_argument(StringInfo call, const char *value)
{
	appendStringInfo(call, ", %s", value == NULL ? "NULL" : quote_literal_cstr(value));
}

/* text that takes the place of a parameter */
static const char *
raise_call(const ErrorData *error)
{
	StringInfoData call;

	initStringInfo(&call);
	appendStringInfo(&call, "(SELECT citus_internal.raise_subquery_error('%s'",
					 unpack_sql_state(error->sqlerrcode));
	append_argument(&call, error->message);
	append_argument(&call, error->detail);
	append_argument(&call, error->hint);
	appendStringInfoString(&call, "))");
	return call.data;
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
		const ErrorData *error = error_of(param, econtext);

		if (error != NULL)
		{
			replacements[foreach_current_index(cell)] = raise_call(error);
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

static char *
text_or_null(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

Datum
raise_subquery_error(PG_FUNCTION_ARGS)
{
	char	   *code = text_or_null(fcinfo, 0);
	char	   *message = text_or_null(fcinfo, 1);
	char	   *detail = text_or_null(fcinfo, 2);
	char	   *hint = text_or_null(fcinfo, 3);

	if (code == NULL || strlen(code) != 5 || message == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an error has a code of five characters and a message")));
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4])),
			 errmsg_internal("%s", message),
			 detail == NULL ? 0 : errdetail_internal("%s", detail),
			 hint == NULL ? 0 : errhint("%s", hint)));
	PG_RETURN_NULL();
}
