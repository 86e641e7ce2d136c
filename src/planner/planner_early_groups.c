/*
 * planner_early_groups.c
 *	  Groups of a distributed table that is joined with what only this node has: made before the
 *	  join, by the shards.
 *
 *		SELECT l.name, sum(d.x), count(*) FROM d JOIN l ON d.g = l.id WHERE d.y > 3 GROUP BY l.name
 *
 * needs of d no rows, but what they are together for each value that the rest of the query can see:
 *
 *		SELECT l.name, sum(s.sum), count_sum(s.count)
 *		  FROM (SELECT g, sum(x), count(*) FROM d WHERE y > 3 GROUP BY g) s JOIN l ON s.g = l.id
 *		 GROUP BY l.name
 *
 * The sub-query stands for itself, and is a fragment like any other.  A row of it meets the rows of
 * the others that each of its rows would have met, so its part of an aggregate is counted as often.
 *
 * Invariants: (1) no join fills up the table's rows with NULLs; (2) whatever reads the table
 * outside of aggregates reads columns that s is grouped by, whose equal values are the same;
 * (3) all aggregates are over the table alone, and sums of sums, as the shards' are.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/* groups are worth it if there are so many times as many rows, and more than these */
#define WORTH_RATIO	4.0
#define WORTH_ROWS	1000.0

typedef struct EarlyContext
{
	Query	   *query;			/* the level at work: a copy without join aliases */
	Index		rti;			/* the table's */
	int			depth;			/* of a walker: levels above it */
	List	   *columns;		/* of Var: the table's that others read */
	List	   *aggregates;		/* of Aggref, each once */
	List	   *finished;		/* of Expr: what takes their places; Vars of varno 1 */
} EarlyContext;

/* ---- which queries ---- */

/* the only known relation that has shards of its own; 0: there is none, or several */
static Index
find_table(Query *query)
{
	Index		found = 0;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		const DistTable *table = rte->rtekind != RTE_RELATION ? NULL :
			catalog_table_get(rte->relid);

		if (rte->lateral && rte->rtekind == RTE_SUBQUERY)
			return 0;
		if (table == NULL || table->kind == DIST_TABLE_REFERENCE)
			continue;
		if (found != 0 || rte->tablesample != NULL || rte->securityQuals != NIL)
			return 0;
		found = foreach_current_index(lc) + 1;
	}
	return found;
}

static bool
is_level_to_group(Query *query)
{
	return query->commandType == CMD_SELECT && query->hasAggs && query->groupingSets == NIL &&
		query->setOperations == NULL && query->rowMarks == NIL && !query->hasModifyingCTE &&
		!query->hasWindowFuncs && !query->hasTargetSRFs && list_length(query->rtable) > 1 &&
		!planner_is_correlated(query) && !contain_volatile_functions((Node *) query);
}

static bool
is_early_aggregate(EarlyContext *context, Aggref *agg)
{
	Bitmapset  *relations = pull_varnos(NULL, (Node *) agg);

	return agg->aggdistinct == NIL && agg->aggorder == NIL &&
		planner_aggregate_adds_up(agg) && !checkExprHasSubLink((Node *) agg->args) &&
		!checkExprHasSubLink((Node *) agg->aggfilter) &&
		bms_is_subset(relations, bms_make_singleton(context->rti));
}

/* walker: true where something reads the table in a way that groups do not allow */
static bool
collect_walker(Node *node, EarlyContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno != context->rti || (int) var->varlevelsup != context->depth)
			return false;
		if (context->depth > 0 || var->varattno <= 0 || !planner_equal_is_same(var))
			return true;
		context->columns = list_append_unique(context->columns, var);
		return false;
	}
	if (IsA(node, Aggref) && (int) ((Aggref *) node)->agglevelsup == context->depth)
	{
		if (context->depth > 0 || !is_early_aggregate(context, (Aggref *) node))
			return true;
		context->aggregates = list_append_unique(context->aggregates, node);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		found;

		context->depth++;
		found = query_tree_walker((Query *) node, collect_walker, context, 0);
		context->depth--;
		return found;
	}
	return expression_tree_walker(node, collect_walker, context);
}

/* ---- the groups ---- */

/* of conditions that stand together, those that are about the table alone, which are taken away */
static List *
take_from(EarlyContext *context, Node **quals)
{
	Bitmapset  *table = bms_make_singleton(context->rti);
	List	   *taken = NIL;
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) *quals))
	{
		Node	   *qual = lfirst(lc);

		if (bms_equal(pull_varnos(NULL, qual), table) && !planner_expr_is_correlated(qual) &&
			(context->query->cteList == NIL || !checkExprHasSubLink(qual)))
			taken = lappend(taken, qual);
		else
			left = lappend(left, qual);
	}
	*quals = left == NIL ? NULL : (Node *) make_ands_explicit(left);
	return taken;
}

/* the same, of WHERE and of joins whose condition a row of the table must meet */
static List *
take_quals(EarlyContext *context, Node *node)
{
	List	   *taken = NIL;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			taken = list_concat(taken, take_quals(context, lfirst(lc)));
		return list_concat(taken, take_from(context, &((FromExpr *) node)->quals));
	}
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		if (join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT)
			taken = take_quals(context, join->larg);
		if (join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT)
			taken = list_concat(taken, take_quals(context, join->rarg));
		if (join->jointype == JOIN_INNER)
			taken = list_concat(taken, take_from(context, &join->quals));
	}
	return taken;
}

/* SELECT FROM the table WHERE quals; nothing is selected yet */
static Query *
select_from_table(EarlyContext *context, List *quals)
{
	RangeTblEntry *rte = copyObject(rt_fetch(context->rti, context->query->rtable));
	Query	   *result = planner_make_select_from(rte);

	if (quals != NIL)
	{
		result->jointree->quals = (Node *) make_ands_explicit(copyObject(quals));
		planner_move_vars(result->jointree->quals, context->rti, 1);
	}
	result->hasSubLinks = checkExprHasSubLink(result->jointree->quals);
	result->hasRowSecurity = context->query->hasRowSecurity;
	compat_query_take_perminfo(result, rte, context->query);
	return result;
}

static void
select_column(EarlyContext *context, Query *query, Node *expr, bool grouped)
{
	int			number = list_length(query->targetList) + 1;
	TargetEntry *tle;

	expr = copyObject(expr);
	planner_move_vars(expr, context->rti, 1);
	tle = makeTargetEntry((Expr *) expr, number, psprintf("column_%d", number), false);
	query->targetList = lappend(query->targetList, tle);
	if (grouped)
		query->groupClause = addTargetToSortList(NULL, tle, query->groupClause,
												 query->targetList, makeNode(SortBy));
}

/* the columns, grouped by them, and aggregates */
static Query *
select_groups(EarlyContext *context, List *quals)
{
	Query	   *result = select_from_table(context, quals);
	ListCell   *lc;

	foreach(lc, context->columns)
		select_column(context, result, lfirst(lc), true);
	foreach(lc, context->aggregates)
		select_column(context, result, lfirst(lc), false);
	result->hasAggs = true;
	return result;
}

/* can the shards group the table's rows at all? */
static bool
shards_can_group(EarlyContext *context)
{
	Query	   *plain = select_groups(context, NIL);
	QueryShape	shape;

	planner_shape(plain, &shape);
	return shape.complete && !shape.pinned && planner_outputs_can_travel(plain->targetList);
}

static bool
is_worth_it(PlanRequest *request, EarlyContext *context, Query *groups, List *quals)
{
	Oid			relid = rt_fetch(context->rti, context->query->rtable)->relid;
	Query	   *rows;
	double		nrows;

	if (!planner_table_is_analyzed(relid))
		return false;
	rows = select_from_table(context, quals);
	select_column(context, rows, linitial(context->columns), false);
	nrows = planner_estimate_rows(request, rows);
	return nrows >= WORTH_ROWS && planner_estimate_rows(request, groups) * WORTH_RATIO <= nrows;
}

/* the query of the groups, and context->finished; NULL: it is not to be */
static Query *
make_groups(PlanRequest *request, EarlyContext *context, List *quals)
{
	SplitResult split = {0};
	QueryShape	shape;
	Query	   *query;
	Query	   *upper;
	ListCell   *lc;

	if (!shards_can_group(context))
		return NULL;
	query = select_groups(context, quals);
	planner_shape(query, &shape);
	upper = planner_split_aggregates(query, &shape, &split);
	if (upper == NULL || !is_worth_it(request, context, split.lower, quals))
		return NULL;
	foreach(lc, list_copy_tail(upper->targetList, list_length(context->columns)))
		context->finished = lappend(context->finished, lfirst_node(TargetEntry, lc)->expr);
	foreach(lc, split.lower->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resname == NULL)
			tle->resname = psprintf("column_%d", tle->resno);
	}
	return split.lower;
}

/* ---- what reads them ---- */

static Node *
read_mutator(Node *node, EarlyContext *context)
{
	ListCell   *lc;

	/* sub-queries do not read the table */
	if (node == NULL || IsA(node, Query))
		return node;
	if (IsA(node, Var) && ((Var *) node)->varno == context->rti)
	{
		Var		   *var = copyObject((Var *) node);

		foreach(lc, context->columns)
		{
			if (((Var *) lfirst(lc))->varattno == var->varattno)
			{
				var->varattno = var->varattnosyn = foreach_current_index(lc) + 1;
				return (Node *) var;
			}
		}
		/* nobody reads it: an alias of a join's column */
		return (Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid);
	}
	if (IsA(node, Aggref))
	{
		foreach(lc, context->aggregates)
		{
			if (equal(lfirst(lc), node))
			{
				Node	   *expr = copyObject(list_nth(context->finished,
													   foreach_current_index(lc)));

				planner_move_vars(expr, 1, context->rti);
				return expr;
			}
		}
	}
	return expression_tree_mutator(node, read_mutator, context);
}

static void
flatten_level(Query *query)
{
	query->targetList = (List *) planner_flatten(query, (Node *) query->targetList);
	query->jointree = (FromExpr *) planner_flatten(query, (Node *) query->jointree);
	query->havingQual = planner_flatten(query, query->havingQual);
}

/*
 * planner_group_early
 *		The query with groups of its distributed table in place of the table; NULL: it stays.
 */
Query *
planner_group_early(PlanRequest *request, Query *query)
{
	EarlyContext context = {NULL};
	Query	   *copy;
	Query	   *groups;
	RangeTblEntry *rte;
	List	   *quals;

	if (!is_level_to_group(query) || (context.rti = find_table(query)) == 0)
		return NULL;
	context.query = copy = planner_normalize(query);
	if (!planner_keeps_rows_of(copy, context.rti))
		return NULL;
	flatten_level(copy);
	planner_narrow_level(request, copy);
	quals = take_quals(&context, (Node *) copy->jointree);
	if (query_tree_walker(copy, collect_walker, &context, QTW_IGNORE_JOINALIASES) ||
		context.columns == NIL || context.aggregates == NIL ||
		(groups = make_groups(request, &context, quals)) == NULL)
		return NULL;

	rte = planner_subquery_rte(groups, rt_fetch(context.rti, copy->rtable)->eref->aliasname);
	lfirst(list_nth_cell(copy->rtable, context.rti - 1)) = rte;
	return query_tree_mutator(copy, read_mutator, &context, QTW_DONT_COPY_QUERY);
}
