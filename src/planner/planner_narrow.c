/*
 * planner_narrow.c
 *	  Scans that fetch only rows which a join with a small local table can want.
 *
 * Beside tables of this node a known relation is a scan: all of its rows that pass the filters come
 * here.  When few rows of a local table decide which of them are wanted,
 *
 *		D.x = L.y		->		D.x = L.y AND D.x = ANY (ARRAY(SELECT y FROM L WHERE ..))
 *
 * and likewise for D.x IN (SELECT ..).  The server computes the array once, before the scan starts;
 * it travels to the shards as a parameter, where an index serves it, and if x is the distribution
 * column, it says which shards are asked.  So the rows that many outer rows look up come in one
 * round trip.
 *
 * Invariants: (1) a condition that is added follows from one that stands in the same place; (2)
 * what is read twice has the same rows both times: no volatile functions, no samples, no locks.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/* values are worth sending if the table has at least so many times as many rows */
#define WORTH_RATIO	4.0

typedef struct NarrowContext
{
	PlanRequest *request;
	Query	   *query;			/* the level at work */
	Bitmapset  *kept;			/* relations of the level whose rows no outer join fills up */
	Bitmapset  *narrowed;		/* known relations that have a condition already */
} NarrowContext;

/* ---- which relations ---- */

static bool
is_known(NarrowContext *context, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, context->query->rtable);
	const DistTable *table = rte->rtekind == RTE_RELATION ? catalog_table_get(rte->relid) : NULL;

	return table != NULL && table->kind != DIST_TABLE_REFERENCE && rte->tablesample == NULL &&
		rte->securityQuals == NIL;
}

static bool
is_local(NarrowContext *context, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, context->query->rtable);

	return rte->rtekind == RTE_RELATION && rte->tablesample == NULL &&
		rte->securityQuals == NIL &&
		(rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_PARTITIONED_TABLE ||
		 rte->relkind == RELKIND_MATVIEW) && catalog_table_get(rte->relid) == NULL;
}

/* relations below node; kept: that no join fills up with NULLs */
static Bitmapset *
relations_below(Node *node, bool kept)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, RangeTblRef))
		return bms_make_singleton(((RangeTblRef *) node)->rtindex);
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			result = bms_join(result, relations_below(lfirst(lc), kept));
		return result;
	}
	else
	{
		JoinExpr   *join = castNode(JoinExpr, node);

		if (!kept || join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT)
			result = relations_below(join->larg, kept);
		if (!kept || join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT)
			result = bms_join(result, relations_below(join->rarg, kept));
		return result;
	}
}

/* ---- the values ---- */

/* conditions of WHERE that only the local table's columns decide */
static List *
local_quals(NarrowContext *context, Index rti)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!bms_is_member(rti, context->kept))
		return NIL;
	foreach(lc, make_ands_implicit((Expr *) planner_flatten(context->query,
															context->query->jointree->quals)))
	{
		Node	   *qual = lfirst(lc);

		if (!checkExprHasSubLink(qual) && !contain_volatile_functions(qual) &&
			!planner_expr_is_correlated(qual) &&
			bms_equal(pull_varnos(NULL, qual), bms_make_singleton(rti)))
			result = lappend(result, qual);
	}
	return result;
}

/* SELECT column FROM the local table WHERE what is known about it */
static Query *
select_values(NarrowContext *context, Var *column)
{
	RangeTblEntry *rte = copyObject(rt_fetch(column->varno, context->query->rtable));
	Query	   *values = planner_make_select_from(rte);
	Var		   *var = copyObject(column);
	List	   *quals = local_quals(context, column->varno);

	planner_move_vars((Node *) var, column->varno, 1);
	values->targetList = list_make1(makeTargetEntry((Expr *) var, 1, pstrdup("value"), false));
	if (quals != NIL)
	{
		values->jointree->quals = (Node *) make_ands_explicit(quals);
		planner_move_vars(values->jointree->quals, column->varno, 1);
	}
	values->hasRowSecurity = context->query->hasRowSecurity;
	compat_query_take_perminfo(values, rte, context->query);
	return values;
}

/* column op ANY (ARRAY(values)) */
static Node *
make_any(NarrowContext *context, Oid opno, Oid collation, Node *column, Query *values)
{
	Oid			type = exprType((Node *) linitial_node(TargetEntry, values->targetList)->expr);
	SubLink    *array = makeNode(SubLink);
	ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);

	array->subLinkType = ARRAY_SUBLINK;
	array->subselect = (Node *) values;
	array->location = -1;
	any->opno = opno;
	any->opfuncid = get_opcode(opno);
	any->useOr = true;
	any->inputcollid = collation;
	any->args = list_make2(copyObject(column), array);
	any->location = -1;
	context->query->hasSubLinks = true;
	return OidIsValid(get_array_type(type)) && !OidIsValid(get_element_type(type)) ?
		(Node *) any : NULL;
}

/* are so few values worth it for the relation of column? */
static bool
is_worth_it(NarrowContext *context, Var *column, Query *values)
{
	RangeTblEntry *rte = rt_fetch(column->varno, context->query->rtable);
	double		rows = planner_estimate_rows(context->request, values);

	return rows <= PLANNER_MAX_VALUES && rows * WORTH_RATIO <= planner_table_rows(rte->relid);
}

/* ---- conditions ---- */

/* a Var of a known relation that a condition may be added for */
static bool
can_narrow(NarrowContext *context, Var *var, Bitmapset *allowed)
{
	return var->varlevelsup == 0 && var->varattno > 0 && bms_is_member(var->varno, allowed) &&
		!bms_is_member(var->varno, context->narrowed) && is_known(context, var->varno);
}

/* what follows from D.x = L.y; NULL: nothing that is worth it */
static Node *
narrow_by_join(NarrowContext *context, OpExpr *op, Bitmapset *allowed)
{
	Node	   *left;
	Node	   *right;
	Oid			opno = op->opno;
	Query	   *values;

	if (list_length(op->args) != 2 || !op_mergejoinable(opno, exprType(linitial(op->args))))
		return NULL;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (!IsA(left, Var) || !IsA(right, Var))
		return NULL;
	if (!can_narrow(context, (Var *) left, allowed))
	{
		left = lsecond(op->args);
		right = linitial(op->args);
		opno = get_commutator(opno);
	}
	if (!OidIsValid(opno) || !can_narrow(context, (Var *) left, allowed) ||
		((Var *) right)->varlevelsup > 0 || ((Var *) right)->varattno <= 0 ||
		!is_local(context, ((Var *) right)->varno))
		return NULL;
	values = select_values(context, (Var *) right);
	if (!is_worth_it(context, (Var *) left, values))
		return NULL;
	context->narrowed = bms_add_member(context->narrowed, ((Var *) left)->varno);
	return make_any(context, opno, op->inputcollid, left, values);
}

/* D.x IN (SELECT ..) as D.x = ANY (ARRAY(SELECT ..)); NULL: not worth it */
static Node *
narrow_by_sublink(NarrowContext *context, SubLink *sublink, Bitmapset *allowed)
{
	OpExpr	   *op = (OpExpr *) sublink->testexpr;
	Query	   *values = (Query *) sublink->subselect;
	Node	   *column;
	Param	   *param;

	if (sublink->subLinkType != ANY_SUBLINK || op == NULL || !IsA(op, OpExpr) ||
		list_length(op->args) != 2 || !op_mergejoinable(op->opno, exprType(linitial(op->args))))
		return NULL;
	column = linitial(op->args);
	param = lsecond(op->args);
	if (!IsA(column, Var) || !IsA(param, Param) || param->paramkind != PARAM_SUBLINK ||
		!can_narrow(context, (Var *) column, allowed) || planner_is_correlated(values) ||
		planner_has_known_relation(values) || values->rowMarks != NIL ||
		!is_worth_it(context, (Var *) column, values))
		return NULL;
	return make_any(context, op->opno, op->inputcollid, column, copyObject(values));
}

/* the conditions of one place, with what they imply for the relations that are allowed */
static Node *
narrow_quals(NarrowContext *context, Node *quals, Bitmapset *allowed)
{
	List	   *result = NIL;
	bool		changed = false;
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) quals))
	{
		Node	   *flat = planner_flatten(context->query, lfirst(lc));
		Node	   *implied = NULL;

		if (IsA(flat, SubLink))
			implied = narrow_by_sublink(context, (SubLink *) flat, allowed);
		else if (IsA(flat, OpExpr))
			implied = narrow_by_join(context, (OpExpr *) flat, allowed);
		if (implied == NULL || !IsA(flat, SubLink))
			result = lappend(result, lfirst(lc));
		if (implied != NULL)
			result = lappend(result, implied);
		changed |= implied != NULL;
	}
	return changed ? (Node *) make_ands_explicit(result) : quals;
}

static void
narrow_joins(NarrowContext *context, Node *node)
{
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			narrow_joins(context, lfirst(lc));
		((FromExpr *) node)->quals = narrow_quals(context, ((FromExpr *) node)->quals,
												  relations_below(node, true));
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		Bitmapset  *allowed = NULL;

		narrow_joins(context, join->larg);
		narrow_joins(context, join->rarg);
		/* a condition of an outer join keeps no row of its other side away */
		if (join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT)
			allowed = relations_below(join->larg, true);
		if (join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT)
			allowed = bms_join(allowed, relations_below(join->rarg, true));
		join->quals = narrow_quals(context, join->quals, allowed);
	}
}

bool
planner_keeps_rows_of(Query *query, Index rti)
{
	return bms_is_member(rti, relations_below((Node *) query->jointree, true));
}

void
planner_narrow_level(PlanRequest *request, Query *query)
{
	NarrowContext context = {request, query, NULL, NULL};

	if (query->commandType != CMD_SELECT || query->jointree == NULL || query->rowMarks != NIL ||
		query->setOperations != NULL)
		return;
	context.kept = relations_below((Node *) query->jointree, true);
	narrow_joins(&context, (Node *) query->jointree);
}

static bool
narrow_walker(Node *node, void *request)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		/* from the inside out: what is added here is not to be looked at */
		(void) query_tree_walker((Query *) node, narrow_walker, request, 0);
		planner_narrow_level(request, (Query *) node);
		return false;
	}
	return expression_tree_walker(node, narrow_walker, request);
}

/*
 * planner_narrow
 *		Adds conditions to the query and its sub-queries, in place, that follow from those which
 *		are there.
 */
void
planner_narrow(PlanRequest *request, Query *query)
{
	(void) narrow_walker((Node *) query, request);
}
