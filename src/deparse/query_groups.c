/*
 * query_groups.c
 *	  Columns that depend on a primary key among the grouped ones.
 *
 * The server takes them without GROUP BY, SELECT id, name FROM t GROUP BY id, where the relation
 * has the key.  In a fragment the relation may be rows that were moved, which have none: there the
 * text would be refused (42803).  Such columns are grouped, too, which changes no group: they are
 * the same in all rows of one.  A type without equality (json) cannot be grouped; any of the
 * group's values serves, (array_agg(name))[1].
 *
 * Relations of the fragment keep their keys, and what depends on them is left as it is.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "deparse/deparse_internal.h"

typedef struct GroupContext
{
	Query	   *query;
	List	   *grouped;		/* expressions, without the names that joins give */
	List	   *missing;		/* Vars of level 0 */
	List	   *unsortable;		/* the same, of types without equality */
	int			depth;
} GroupContext;

static bool dependent_walker(Node *node, GroupContext *context);

/* a Var of the query's level, seen from that level */
static void
note_var(Var *var, GroupContext *context)
{
	RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);
	Oid			equal;

	if (rte->rtekind == RTE_JOIN)
	{
		int			depth = context->depth;
		Node	   *value = compat_flatten_join_alias_vars(context->query,
														   (Node *) copyObject(var));

		context->depth = 0;
		(void) dependent_walker(value, context);
		context->depth = depth;
		return;
	}
	if ((rte->rtekind != RTE_SUBQUERY && rte->rtekind != RTE_FUNCTION) ||
		list_member(context->grouped, var))
		return;
	get_sort_group_operators(var->vartype, false, false, false, NULL, &equal, NULL, NULL);
	if (OidIsValid(equal))
		context->missing = list_append_unique(context->missing, var);
	else
		context->unsortable = list_append_unique(context->unsortable, var);
}

/* an aggregate or GROUPING() of the query itself: what it reads need not be grouped */
static bool
is_of_groups(const Node *node, int depth)
{
	return (IsA(node, Aggref) && ((const Aggref *) node)->agglevelsup == depth) ||
		(IsA(node, GroupingFunc) && ((const GroupingFunc *) node)->agglevelsup == depth);
}

static bool
dependent_walker(Node *node, GroupContext *context)
{
	if (node == NULL || is_of_groups(node, context->depth))
		return false;
	if (context->depth == 0 && list_member(context->grouped, node))
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		if (var->varlevelsup != context->depth)
			return false;
		var->varlevelsup = 0;
		note_var(var, context);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		context->depth++;
		result = query_tree_walker((Query *) node, dependent_walker, context, 0);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, dependent_walker, context);
}

/* the Var joins the grouped columns; of grouping sets, all of them */
static void
group_by_var(Query *query, Var *var)
{
	TargetEntry *tle = makeTargetEntry((Expr *) copyObject(var), list_length(query->targetList) + 1,
									   NULL, true);
	SortGroupClause *clause = makeNode(SortGroupClause);

	query->targetList = lappend(query->targetList, tle);
	clause->tleSortGroupRef = assignSortGroupRef(tle, query->targetList);
	get_sort_group_operators(var->vartype, false, true, false, &clause->sortop, &clause->eqop, NULL,
							 &clause->hashable);
	query->groupClause = lappend(query->groupClause, clause);
	if (query->groupingSets != NIL)
		query->groupingSets = lappend(query->groupingSets,
									  makeGroupingSet(GROUPING_SET_SIMPLE,
													  list_make1_int(clause->tleSortGroupRef), -1));
}

/* ---- types without equality ---- */

/* (array_agg(var))[1], in a query that is depth levels below that of the groups */
static Node *
value_of_group(Var *var, int depth)
{
	Aggref	   *agg = makeNode(Aggref);
	SubscriptingRef *element = makeNode(SubscriptingRef);
	Oid			array = get_array_type(var->vartype);
	Const	   *first = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(1), false,
								  true);

	agg->aggfnoid = F_ARRAY_AGG_ANYNONARRAY;
	agg->aggtype = array;
	agg->aggcollid = var->varcollid;
	agg->inputcollid = var->varcollid;
	agg->aggtranstype = InvalidOid;
	agg->aggargtypes = list_make1_oid(var->vartype);
	agg->args = list_make1(makeTargetEntry((Expr *) var, 1, NULL, false));
	agg->aggkind = AGGKIND_NORMAL;
	agg->agglevelsup = depth;
	agg->aggno = agg->aggtransno = -1;
	agg->location = -1;
	element->refcontainertype = array;
	element->refelemtype = var->vartype;
	element->refrestype = var->vartype;
	element->reftypmod = -1;
	element->refcollid = var->varcollid;
	element->refupperindexpr = list_make1(first);
	element->reflowerindexpr = NIL;
	element->refexpr = (Expr *) agg;
	return (Node *) element;
}

static Node *
value_mutator(Node *node, GroupContext *context)
{
	if (node == NULL)
		return NULL;
	if (is_of_groups(node, context->depth) ||
		(context->depth == 0 && list_member(context->grouped, node)))
		return copyObject(node);
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->depth)
	{
		Var		   *var = copyObject((Var *) node);

		var->varlevelsup = 0;
		if (!list_member(context->unsortable, var) || !OidIsValid(get_array_type(var->vartype)))
			return copyObject(node);
		return value_of_group(copyObject((Var *) node), context->depth);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, value_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, value_mutator, context);
}

/*
 * The query is changed in place; its sub-queries have been before.
 */
void
deparse_group_dependents(Query *query)
{
	GroupContext context = {query, NIL, NIL, NIL, 0};
	ListCell   *lc;

	if (query->groupClause == NIL)
		return;
	foreach(lc, query->groupClause)
	{
		TargetEntry *tle = get_sortgroupclause_tle(lfirst(lc), query->targetList);

		context.grouped = lappend(context.grouped,
								  compat_flatten_join_alias_vars(query,
																 (Node *) copyObject(tle->expr)));
		context.grouped = lappend(context.grouped, tle->expr);
	}
	(void) dependent_walker((Node *) query->targetList, &context);
	(void) dependent_walker(query->havingQual, &context);
	foreach(lc, context.missing)
		group_by_var(query, lfirst(lc));
	if (context.unsortable == NIL)
		return;
	query->targetList = (List *) value_mutator((Node *) query->targetList, &context);
	query->havingQual = value_mutator(query->havingQual, &context);
	query->hasAggs = true;
}
