/*
 * planner_order.c
 *	  Does a query show the order of the rows that its sub-query gives?
 *
 * SQL promises nothing, but the server keeps the order of SELECT .. FROM (SELECT .. ORDER BY ..),
 * and its manual tells users to sort the input of array_agg() and the like in this way.  Rows of
 * several shards come in no order unless somebody merges them, so such a query is not one for
 * fragments: its sub-query is, with a merge above it, and the rest runs on this node.
 *
 * What does not show the order: aggregates that ignore it, DISTINCT, joins, one's own ORDER BY.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "planner_internal.h"

/* aggregates of pg_catalog that give the same for their input in any order, rounding apart */
static const char *const orderless[] = {
	"avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count", "covar_pop",
	"covar_samp", "every", "max", "min", "range_agg", "range_intersect_agg", "regr_avgx",
	"regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy",
	"regr_syy", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance",
};

static bool
aggregate_ignores_order(Aggref *agg)
{
	char	   *name;

	if (agg->aggkind != AGGKIND_NORMAL || agg->aggorder != NIL || agg->aggdistinct != NIL)
		return true;
	if (get_func_namespace(agg->aggfnoid) != PG_CATALOG_NAMESPACE)
		return false;
	name = get_func_name(agg->aggfnoid);
	for (int i = 0; i < lengthof(orderless); i++)
	{
		if (strcmp(name, orderless[i]) == 0)
			return true;
	}
	return false;
}

static bool
ordered_aggregate_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == 0 &&
		!aggregate_ignores_order((Aggref *) node))
		return true;
	return expression_tree_walker(node, ordered_aggregate_walker, context);
}

static bool
has_ordered_aggregate(Query *query)
{
	return ordered_aggregate_walker((Node *) query->targetList, NULL) ||
		ordered_aggregate_walker(query->havingQual, NULL);
}

/* the only thing that the query reads, if that is a query of its own level */
static Query *
only_source(Query *query)
{
	RangeTblEntry *rte;
	ListCell   *lc;

	if (query->setOperations != NULL || query->jointree == NULL ||
		list_length(query->jointree->fromlist) != 1 ||
		!IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return NULL;
	rte = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY)
		return rte->subquery;
	if (rte->rtekind != RTE_CTE || rte->ctelevelsup > 0)
		return NULL;
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, rte->ctename) == 0 && !cte->cterecursive &&
			IsA(cte->ctequery, Query))
			return (Query *) cte->ctequery;
	}
	return NULL;
}

/* true when the rows of the query come in an order that its text asks for */
static bool
gives_order(Query *query)
{
	Query	   *source;

	check_stack_depth();
	if (query->sortClause != NIL)
		return true;
	if (query->hasAggs || query->groupClause != NIL || query->distinctClause != NIL ||
		query->hasWindowFuncs)
		return false;
	source = only_source(query);
	return source != NULL && gives_order(source);
}

/*
 * perShard: what the query does above its FROM, LIMIT apart, it does for each shard by itself; then
 * only the order of its own rows is to be seen.
 */
bool
planner_shows_source_order(Query *query, bool perShard)
{
	Query	   *source = only_source(query);
	bool		hasLimit = query->limitCount != NULL || query->limitOffset != NULL;

	if (source == NULL || !gives_order(source))
		return false;
	if (query->hasAggs || query->groupClause != NIL)
		return !perShard && has_ordered_aggregate(query);
	if (query->hasWindowFuncs)
		return !perShard || (hasLimit && query->sortClause == NIL);
	if (query->distinctClause != NIL)
		return query->hasDistinctOn && query->sortClause == NIL;
	return query->sortClause == NIL;
}
