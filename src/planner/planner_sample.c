/*
 * planner_sample.c
 *		TABLESAMPLE of known relations: what its size and REPEATABLE's seed are made of.
 *
 * Sub-queries and volatile functions in them are this node's to compute, once for a scan: such a
 * relation is part of no larger fragment (planner_distribution.c), and moves nowhere.  The server
 * makes a plan of each sub-query, and the scan's fragment has its value as a parameter
 * (planner_ship.c); volatile functions become sub-queries first, (SELECT random() * 10).
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"

#include "planner_internal.h"

bool
planner_sample_is_computed(const RangeTblEntry *rte)
{
	Node	   *sample = (Node *) rte->tablesample;

	return sample != NULL && (checkExprHasSubLink(sample) || contain_volatile_functions(sample));
}

/* (SELECT expr) */
static Node *
make_scalar_query(Node *expr)
{
	Query	   *query = planner_make_select();
	SubLink    *sublink = makeNode(SubLink);

	IncrementVarSublevelsUp(expr, 1, 0);
	query->targetList = list_make1(makeTargetEntry((Expr *) expr, 1, pstrdup("value"), false));
	query->hasSubLinks = checkExprHasSubLink(expr);
	sublink->subLinkType = EXPR_SUBLINK;
	sublink->subselect = (Node *) query;
	sublink->location = -1;
	return (Node *) sublink;
}

static void
compute_sample(TableSampleClause *sample)
{
	ListCell   *lc;

	if (contain_volatile_functions((Node *) sample->repeatable))
		sample->repeatable = (Expr *) make_scalar_query((Node *) sample->repeatable);
	foreach(lc, sample->args)
	{
		if (contain_volatile_functions(lfirst(lc)))
			lfirst(lc) = make_scalar_query(lfirst(lc));
	}
}

static bool
compute_walker(Node *node, void *context)
{
	Query	   *query = (Query *) node;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, compute_walker, context);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (!planner_sample_is_computed(rte) || !catalog_table_is_known(rte->relid))
			continue;
		compute_sample(rte->tablesample);
		query->hasSubLinks = true;
	}
	return query_tree_walker(query, compute_walker, context, 0);
}

void
planner_compute_samples(Query *query)
{
	(void) compute_walker((Node *) query, NULL);
}
