/*
 * planner_values.c
 *	  Sub-queries that stand for values: computed here first, so that what is around them can leave.
 *
 * WHERE x > (SELECT avg(y) FROM local), WHERE x IN (SELECT ..) and the like refer to nothing around
 * them, but read what the shards of the rest cannot: tables of this node, rows of other shards.
 * The rest is planned as if they were parameters; where that makes fragments, the parameters'
 * values become arguments of the fragments' stand-ins (planner_build.c),
 *
 *		fragment_rows(address, (SELECT avg(y) FROM local), ARRAY(SELECT ..))
 *
 * which the server plans like any sub-query that is run once.  When our path becomes a plan node,
 * they are what the fragment's parameters are made of.
 *
 * IN (SELECT ..) becomes = ANY (array), and so does an EXISTS that asks for one equality, as long
 * as the array is estimated to be small.
 *
 * Invariants: (1) a value has no volatile functions: it is computed once for a fragment, and may be
 * computed again for what stays here; (2) nothing is lifted out of CASE and COALESCE,
 * which may never ask for it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "planner_union_internal.h"

/* extern parameters that stand for values, while a statement is being planned */
#define VALUE_PARAM		5000000

typedef struct ValuesContext
{
	PlanRequest *request;
	List	   *values;			/* of SubLink: parameters from VALUE_PARAM */
	bool		found;			/* a sub-query was put into the query at work */
} ValuesContext;

/* ---- which sub-queries ---- */

/* walker: a relation that other nodes' shards do not have beside them */
static bool
distant_relation_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;
		const DistTable *table;

		if (rte->rtekind != RTE_RELATION)
			return false;
		table = catalog_table_get(rte->relid);
		return table == NULL || table->kind != DIST_TABLE_REFERENCE;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, distant_relation_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, distant_relation_walker, context);
}

bool
planner_reads_distant_relation(Query *query)
{
	return distant_relation_walker((Node *) query, NULL);
}

static bool
stands_for_itself(Query *query)
{
	return query->commandType == CMD_SELECT && query->rowMarks == NIL &&
		!query->hasModifyingCTE && !planner_is_correlated(query) &&
		!contain_volatile_functions((Node *) query) &&
		distant_relation_walker((Node *) query, NULL);
}

/* ---- lifting ---- */

/* the parameter that stands for a sub-query's value */
static Node *
make_value(ValuesContext *context, SubLink *sublink)
{
	Param	   *param = makeNode(Param);
	ListCell   *lc;

	param->paramkind = PARAM_EXTERN;
	param->paramid = VALUE_PARAM + list_length(context->values);
	param->paramtype = exprType((Node *) sublink);
	param->paramtypmod = exprTypmod((Node *) sublink);
	param->paramcollid = exprCollation((Node *) sublink);
	param->location = -1;
	foreach(lc, context->values)
	{
		if (equal(lfirst(lc), sublink))
		{
			param->paramid = VALUE_PARAM + foreach_current_index(lc);
			return (Node *) param;
		}
	}
	context->values = lappend(context->values, sublink);
	return (Node *) param;
}

/*
 * False for anonymous rows and the like; for numbers of objects, which other nodes give to others;
 * and for domains: other nodes would ask these whether they may have the value, which is not asked
 * of the NULL of an empty sub-query or an outer join.
 */
static bool
can_be_sent(Oid type)
{
	Oid			element = get_base_element_type(type);
	char		kind = get_typtype(OidIsValid(element) ? element : type);

	return kind != TYPTYPE_PSEUDO && kind != TYPTYPE_DOMAIN && type != OIDOID &&
		element != OIDOID && get_typtype(type) != TYPTYPE_DOMAIN;
}

/* expr op ANY (or ALL) of the rows of query; NULL when they are no array, or too many */
static Node *
make_comparison(ValuesContext *context, Node *expr, Oid opno, Oid collation, Query *query, bool any)
{
	Oid			type = exprType((Node *) linitial_node(TargetEntry, query->targetList)->expr);
	SubLink    *array = makeNode(SubLink);
	ScalarArrayOpExpr *result = makeNode(ScalarArrayOpExpr);

	if (!OidIsValid(get_array_type(type)) || OidIsValid(get_element_type(type)) ||
		!can_be_sent(type) ||
		planner_estimate_rows(context->request, query) > PLANNER_MAX_VALUES)
		return NULL;
	array->subLinkType = ARRAY_SUBLINK;
	array->subselect = (Node *) query;
	array->location = -1;
	result->opno = opno;
	result->opfuncid = get_opcode(opno);
	result->useOr = any;
	result->inputcollid = collation;
	result->args = list_make2(expr, make_value(context, array));
	result->location = -1;
	return (Node *) result;
}

/* expr op ANY | ALL (SELECT ..) */
static Node *
lift_comparison(ValuesContext *context, SubLink *sublink)
{
	OpExpr	   *op = (OpExpr *) sublink->testexpr;
	Param	   *param;

	if (op == NULL || !IsA(op, OpExpr) || list_length(op->args) != 2)
		return NULL;
	param = lsecond(op->args);
	if (!IsA(param, Param) || param->paramkind != PARAM_SUBLINK)
		return NULL;
	return make_comparison(context, linitial(op->args), op->opno, op->inputcollid,
						   (Query *) sublink->subselect, sublink->subLinkType == ANY_SUBLINK);
}

/* a query of rows that exist or do not, whatever it selects of them */
static bool
is_plain_existence(Query *query)
{
	return query->commandType == CMD_SELECT && query->rowMarks == NIL && query->cteList == NIL &&
		query->setOperations == NULL && !query->hasAggs && query->groupClause == NIL &&
		query->groupingSets == NIL && query->havingQual == NULL && !query->hasWindowFuncs &&
		!query->hasTargetSRFs && query->limitCount == NULL && query->limitOffset == NULL &&
		query->jointree != NULL;
}

/* true for outer op inner: of columns around the query, and of its own, which are compared */
static bool
compares_with_outer(Node *outer, Node *inner)
{
	return !contain_vars_of_level(outer, 0) && contain_vars_of_level(outer, 1) &&
		!checkExprHasSubLink(outer) && !contain_aggs_of_level(outer, 1) &&
		!planner_expr_is_correlated(inner) && contain_vars_of_level(inner, 0);
}

/*
 * EXISTS (SELECT .. WHERE inner = outer AND ..) as outer = ANY (ARRAY(SELECT inner ..)), which is
 * not false but NULL where there is no such row: isQual, nobody sees the difference.
 */
static Node *
lift_existence(ValuesContext *context, SubLink *sublink, bool isQual)
{
	Query	   *query = copyObject((Query *) sublink->subselect);
	OpExpr	   *found = NULL;
	List	   *left = NIL;
	Node	   *outer;
	Node	   *inner;
	Node	   *any;
	Oid			opno;
	BooleanTest *test;
	ListCell   *lc;

	if (!is_plain_existence(query))
		return NULL;
	foreach(lc, make_ands_implicit((Expr *) planner_flatten(query, query->jointree->quals)))
	{
		if (!planner_expr_is_correlated(lfirst(lc)))
			left = lappend(left, lfirst(lc));
		else if (found != NULL || !IsA(lfirst(lc), OpExpr))
			return NULL;
		else
			found = lfirst(lc);
	}
	if (found == NULL || list_length(found->args) != 2 ||
		!op_mergejoinable(found->opno, exprType(linitial(found->args))))
		return NULL;
	opno = found->opno;
	outer = linitial(found->args);
	inner = lsecond(found->args);
	if (!compares_with_outer(outer, inner))
	{
		opno = get_commutator(opno);
		outer = lsecond(found->args);
		inner = linitial(found->args);
	}
	if (!OidIsValid(opno) || !op_strict(opno) || !compares_with_outer(outer, inner))
		return NULL;
	query->jointree->quals = left == NIL ? NULL : (Node *) make_ands_explicit(left);
	query->targetList = list_make1(makeTargetEntry((Expr *) inner, 1, pstrdup("value"), false));
	query->distinctClause = query->sortClause = NIL;
	query->hasDistinctOn = false;
	if (!stands_for_itself(query))
		return NULL;
	IncrementVarSublevelsUp(outer, -1, 1);
	any = make_comparison(context, outer, opno, found->inputcollid, query, true);
	if (any == NULL || isQual)
		return any;
	test = makeNode(BooleanTest);
	test->arg = (Expr *) any;
	test->booltesttype = IS_TRUE;
	test->location = -1;
	return (Node *) test;
}

/* what takes a sub-query's place; NULL: it stays */
static Node *
lift_sublink(ValuesContext *context, SubLink *sublink, bool isQual)
{
	Query	   *query = castNode(Query, sublink->subselect);

	if (!stands_for_itself(query))
		return sublink->subLinkType == EXISTS_SUBLINK ?
			lift_existence(context, sublink, isQual) : NULL;
	switch (sublink->subLinkType)
	{
		case ANY_SUBLINK:
		case ALL_SUBLINK:
			return lift_comparison(context, sublink);
		case ARRAY_SUBLINK:
		case EXPR_SUBLINK:
			if (!can_be_sent(exprType((Node *) sublink)))
				return NULL;
			/* FALLTHROUGH */
		case EXISTS_SUBLINK:
			return make_value(context, sublink);
		default:
			return NULL;
	}
}

static void lift_from_query(ValuesContext *context, Query *query);

static Node *
lift_mutator(Node *node, ValuesContext *context)
{
	if (node == NULL || IsA(node, CaseExpr) || IsA(node, CoalesceExpr))
		return node;
	if (IsA(node, SubLink))
	{
		Node	   *value = lift_sublink(context, (SubLink *) node, false);

		if (value != NULL)
			return expression_tree_mutator(value, lift_mutator, context);
	}
	if (IsA(node, FromExpr) || IsA(node, JoinExpr))
	{
		Node	  **quals = IsA(node, FromExpr) ? &((FromExpr *) node)->quals
			: &((JoinExpr *) node)->quals;
		List	   *list = make_ands_implicit((Expr *) *quals);
		ListCell   *lc;

		foreach(lc, list)
		{
			Node	   *value = IsA(lfirst(lc), SubLink) ?
				lift_sublink(context, lfirst(lc), true) : NULL;

			if (value != NULL)
				lfirst(lc) = value;
		}
		*quals = list == NIL ? NULL : (Node *) make_ands_explicit(list);
	}
	if (IsA(node, Query))
	{
		lift_from_query(context, (Query *) node);
		return node;
	}
	return expression_tree_mutator(node, lift_mutator, context);
}

/* ---- conditions on distribution columns ---- */

/* what takes the place of a condition that compares a distribution column; NULL: it stays */
static Node *
lift_key_condition(ValuesContext *context, Query *query, Node *qual)
{
	SubLink    *sublink = planner_key_sublink(context->request, query, qual);
	OpExpr	   *op;

	if (sublink == NULL)
		return NULL;
	if (sublink == (SubLink *) qual)
		return lift_comparison(context, sublink);
	if (!can_be_sent(exprType((Node *) sublink)))
		return NULL;
	op = (OpExpr *) copyObject(qual);
	if (IsA(linitial(op->args), SubLink))
		linitial(op->args) = make_value(context, sublink);
	else
		lsecond(op->args) = make_value(context, sublink);
	return (Node *) op;
}

/* in place: of WHERE and of joins that keep no other rows */
static void
lift_key_conditions(ValuesContext *context, Query *query, Node *node)
{
	Node	  **quals;
	List	   *list;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			lift_key_conditions(context, query, lfirst(lc));
		quals = &((FromExpr *) node)->quals;
	}
	else if (IsA(node, JoinExpr) && ((JoinExpr *) node)->jointype == JOIN_INNER)
	{
		lift_key_conditions(context, query, ((JoinExpr *) node)->larg);
		lift_key_conditions(context, query, ((JoinExpr *) node)->rarg);
		quals = &((JoinExpr *) node)->quals;
	}
	else
		return;
	if (!checkExprHasSubLink(*quals))
		return;
	list = make_ands_implicit((Expr *) *quals);
	foreach(lc, list)
	{
		Node	   *value = lift_key_condition(context, query, lfirst(lc));

		if (value != NULL)
			lfirst(lc) = value;
	}
	*quals = list == NIL ? NULL : (Node *) make_ands_explicit(list);
}

static void
lift_keys_from_query(ValuesContext *context, Query *query)
{
	ListCell   *lc;

	if (query->rowMarks != NIL || query->commandType != CMD_SELECT)
		return;
	if (query->hasSubLinks)
		lift_key_conditions(context, query, (Node *) query->jointree);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			lift_keys_from_query(context, rte->subquery);
	}
}

/* ---- all others ---- */

/* in place; conditions of policies and calls in FROM stay as they are */
static void
lift_from_query(ValuesContext *context, Query *query)
{
	ListCell   *lc;

	/* rows that are waited for are looked at again, and so is what they are compared with */
	if (query->rowMarks != NIL)
		return;
	(void) query_tree_mutator(query, lift_mutator, context,
							  QTW_DONT_COPY_QUERY | QTW_IGNORE_RANGE_TABLE);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			lift_from_query(context, rte->subquery);
	}
}

/* ---- putting values where they are read ---- */

/* walker: reads one of the values */
static bool
reads_value_walker(Node *node, const int *paramid)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramid == *paramid;
	return expression_tree_walker(node, reads_value_walker, (void *) paramid);
}

static bool
prune_reads_value(const PruneSpec *prune, int paramid)
{
	ListCell   *lc;

	if (prune == NULL)
		return false;
	foreach(lc, prune->args)
	{
		if (prune_reads_value(lfirst(lc), paramid))
			return true;
	}
	return reads_value_walker((Node *) prune->value, &paramid);
}

static bool
fragment_reads_value(const Fragment *fragment, int paramid)
{
	ListCell   *lc;

	foreach(lc, fragment->movements)
	{
		if (fragment_reads_value(((Movement *) lfirst(lc))->source, paramid))
			return true;
	}
	return reads_value_walker((Node *) fragment->params, &paramid) ||
		prune_reads_value(fragment->prune, paramid);
}

/* a stand-in gets the values that its fragment reads, in their places */
static void
give_values(ValuesContext *context, FuncExpr *call, const Fragment *fragment)
{
	ListCell   *lc;

	foreach(lc, context->values)
	{
		bool		reads = fragment_reads_value(fragment,
												 VALUE_PARAM + foreach_current_index(lc));

		call->args = lappend(call->args, reads ? copyObject(lfirst(lc))
							 : makeBoolConst(false, true));
		context->found |= reads;
	}
}

static Node *
give_mutator(Node *node, ValuesContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		bool		before = context->found;
		Query	   *query = (Query *) node;

		context->found = false;
		(void) query_tree_mutator(query, give_mutator, context, QTW_DONT_COPY_QUERY);
		query->hasSubLinks |= context->found;
		context->found = before;
		return node;
	}
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid >= VALUE_PARAM)
	{
		context->found = true;
		return copyObject(list_nth(context->values, ((Param *) node)->paramid - VALUE_PARAM));
	}
	if (IsA(node, FuncExpr) && planner_call_plan((FuncExpr *) node) != NULL)
	{
		FuncExpr   *call = copyObject((FuncExpr *) node);
		DistPlan   *plan = planner_call_plan(call);

		if (plan->fragment != NULL && list_length(call->args) == 1)
			give_values(context, call, plan->fragment);
		return (Node *) call;
	}
	return expression_tree_mutator(node, give_mutator, context);
}

/* true when the query, or one in its FROM, has sub-queries in expressions */
static bool
has_sublinks(Query *query)
{
	ListCell   *lc;

	check_stack_depth();
	if (query->hasSubLinks)
		return true;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY && has_sublinks(rte->subquery))
			return true;
	}
	return false;
}

/*
 * planner_transform_values
 *		Like planner_transform() and those that follow it, for a normalized query that they refuse:
 *		some of its sub-queries are computed first.  The query that is returned has sub-queries
 *		which planner_scan_query() must see.
 */
Query *
planner_transform_values(PlanRequest *request, Query *query, Refusal *refusal)
{
	ValuesContext context = {request};
	Query	   *lifted = copyObject(query);
	Query	   *upper;

	lift_from_query(&context, lifted);
	if (context.values == NIL)
		return NULL;
	upper = planner_transform_fragments(request, lifted, refusal, NULL);
	if (upper != NULL)
		(void) give_mutator((Node *) upper, &context);
	return upper;
}

/* true when a fragment of the query, which has no values yet, chooses its shards by one */
static bool
chooses_by_value(ValuesContext *context, Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		DistPlan   *plan = planner_rte_plan(rte);

		if (rte->rtekind == RTE_SUBQUERY && chooses_by_value(context, rte->subquery))
			return true;
		for (int i = 0; plan != NULL && plan->fragment != NULL &&
			 i < list_length(context->values); i++)
		{
			if (prune_reads_value(plan->fragment->prune, VALUE_PARAM + i))
				return true;
		}
	}
	return false;
}

/*
 * planner_transform_key_values
 *		The same for a query that they would not refuse, but run on all shards: where a distribution
 *		column is compared with a sub-query's value.  NULL: there is none, or it chooses no shard.
 */
Query *
planner_transform_key_values(PlanRequest *request, Query *query)
{
	ValuesContext context = {request};
	Refusal		refusal = {NULL, 0};
	Query	   *lifted;
	Query	   *upper;
	QueryShape	shape;

	if (query->rowMarks != NIL || query->hasModifyingCTE || !has_sublinks(query))
		return NULL;
	lifted = copyObject(query);
	lift_keys_from_query(&context, lifted);
	if (context.values == NIL)
		return NULL;
	planner_shape(query, &shape);
	if (!shape.complete || shape.pinned)
		return NULL;
	upper = planner_transform(lifted, &refusal, NULL);
	if (upper == NULL || !chooses_by_value(&context, upper))
		return NULL;
	(void) give_mutator((Node *) upper, &context);
	return upper;
}

/* ---- plans ---- */

static Node *
take_mutator(Node *node, List *values)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid >= VALUE_PARAM)
		return copyObject(list_nth(values, ((Param *) node)->paramid - VALUE_PARAM));
	return expression_tree_mutator(node, take_mutator, values);
}

static void
take_into_prune(PruneSpec *prune, List *values)
{
	ListCell   *lc;

	if (prune == NULL)
		return;
	prune->value = (Expr *) take_mutator((Node *) prune->value, values);
	foreach(lc, prune->args)
		take_into_prune(lfirst(lc), values);
}

static void
take_into_fragment(Fragment *fragment, List *values)
{
	ListCell   *lc;

	fragment->params = (List *) take_mutator((Node *) fragment->params, values);
	take_into_prune(fragment->prune, values);
	foreach(lc, fragment->movements)
		take_into_fragment(((Movement *) lfirst(lc))->source, values);
}

/* the plan of a stand-in with the values it was given, as the server has planned them */
DistPlan *
planner_plan_with_values(DistPlan *plan, RangeTblEntry *rte)
{
	FuncExpr   *call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;

	if (list_length(call->args) == 1)
		return plan;
	plan = copyObject(plan);
	take_into_fragment(plan->fragment, list_copy_tail(call->args, 1));
	return plan;
}
