/*
 * planner_ranks.c
 *	  The first rows of each partition of a window: chosen by the shards first.
 *
 *		SELECT .. FROM (SELECT .., row_number() OVER (PARTITION BY a ORDER BY b) r FROM d) s
 *			WHERE r <= 3
 *
 * is planned on this node, over the rows of all shards, where a is not the key.  A row that has n
 * rows before it in its shard has as many of them before it among all: so a shard gives only rows
 * whose rank among its own is within the bound, and the window above them, over fewer rows, gives
 * the same ranks to those that the condition wants.
 *
 * Invariants: (1) all window functions of the query are row_number(), rank() or dense_rank() of one
 * window: others see all rows; (2) the condition stands in the WHERE clause, for which no row is
 * made up by an outer join that would not fail it.
 *
 * Not here: windows over groups, whose rows no shard knows.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_node.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "planner_ranks_internal.h"

/* ---- which queries ---- */

static bool
is_rank(const WindowFunc *function)
{
	switch (function->winfnoid)
	{
		case F_ROW_NUMBER:
		case F_RANK_:
		case F_DENSE_RANK_:
			return true;
		default:
			return false;
	}
}

/* walker: a window function that sees more than the rows before its own, or another window */
static bool
other_function_walker(Node *node, Index *winref)
{
	if (node == NULL || IsA(node, SubLink))
		return false;
	if (IsA(node, WindowFunc))
	{
		WindowFunc *function = (WindowFunc *) node;

		if (!is_rank(function) || (*winref != 0 && *winref != function->winref))
			return true;
		*winref = function->winref;
		return false;
	}
	return expression_tree_walker(node, other_function_walker, winref);
}

/* true for a query of ranks over plain rows */
static bool
is_ranking(Query *query)
{
	Index		winref = 0;

	return query->commandType == CMD_SELECT && query->hasWindowFuncs && !query->hasAggs &&
		query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		query->distinctClause == NIL && query->limitCount == NULL &&
		query->limitOffset == NULL && !query->hasTargetSRFs && query->setOperations == NULL &&
		query->rowMarks == NIL && !query->hasModifyingCTE &&
		!other_function_walker((Node *) query->targetList, &winref) && winref != 0;
}

/* the query that an entry of a level stands for, if nobody else reads its rows */
static Query **
query_of_entry(Query *level, RangeTblEntry *rte)
{
	ListCell   *lc;

	if (rte->rtekind == RTE_SUBQUERY)
		return rte->lateral ? NULL : &rte->subquery;
	if (rte->rtekind != RTE_CTE || rte->ctelevelsup > 0 || rte->self_reference)
		return NULL;
	foreach(lc, level->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, rte->ctename) == 0)
			return cte->cterefcount == 1 && !cte->cterecursive && IsA(cte->ctequery, Query) ?
				(Query **) &cte->ctequery : NULL;
	}
	return NULL;
}

/* column op bound, as column <= or < bound; false: it is something else */
static bool
read_bound(OpExpr *op, Var **column, RankBound *bound)
{
	Node	   *left;
	Node	   *right;
	Oid			opno = op->opno;

	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return false;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (!IsA(left, Var))
	{
		left = lsecond(op->args);
		right = linitial(op->args);
		opno = get_commutator(opno);
	}
	if (!IsA(left, Var) || ((Var *) left)->varlevelsup > 0 || ((Var *) left)->varattno <= 0 ||
		!OidIsValid(opno) ||
		(!IsA(right, Const) &&
		 !(IsA(right, Param) && ((Param *) right)->paramkind == PARAM_EXTERN)))
		return false;
	switch (get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID))
	{
		case BTLessStrategyNumber:
			bound->less = true;
			break;
		case BTLessEqualStrategyNumber:
		case BTEqualStrategyNumber:
			bound->less = false;
			break;
		default:
			return false;
	}
	*column = (Var *) left;
	bound->value = right;
	return true;
}

/*
 * planner_ranks_reduce
 *		Replaces sub-queries of a level, in place, of whose ranks the level wants the first.
 */
void
planner_ranks_reduce(Query *level)
{
	ListCell   *lc;

	if (level->commandType != CMD_SELECT || level->jointree == NULL)
		return;
	foreach(lc, make_ands_implicit((Expr *) planner_flatten(level, level->jointree->quals)))
	{
		RankBound	bound;
		Refusal		refusal = {NULL, 0};
		Var		   *column;
		Query	  **query;
		Query	   *reduced;
		TargetEntry *tle;

		if (!read_bound(lfirst(lc), &column, &bound))
			continue;
		query = query_of_entry(level, rt_fetch(column->varno, level->rtable));
		if (query == NULL || !is_ranking(*query) || planner_is_correlated(*query) ||
			!planner_has_known_relation(*query))
			continue;
		tle = get_tle_by_resno((*query)->targetList, column->varattno);
		if (tle == NULL || !IsA(tle->expr, WindowFunc))
			continue;
		bound.rank = (WindowFunc *) tle->expr;
		reduced = planner_transform_ranks(planner_normalize(*query), &bound, &refusal);
		if (reduced != NULL)
			*query = reduced;
	}
}

/* ---- the query of the shards ---- */

/* adds what the window's clauses refer to, which lower need not give */
static void
add_window_columns(Query *lower, Query *query, List *clauses)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		TargetEntry *tle = copyObject(get_sortgroupclause_tle(lfirst(lc), query->targetList));
		bool		there = false;
		ListCell   *other;

		foreach(other, lower->targetList)
			there |= lfirst_node(TargetEntry, other)->ressortgroupref == tle->ressortgroupref;
		if (there)
			continue;
		tle->resno = list_length(lower->targetList) + 1;
		tle->resname = NULL;
		tle->resjunk = true;
		lower->targetList = lappend(lower->targetList, tle);
	}
}

/*
 * planner_ranks_bound
 *		The query that gives those rows of lower, per shard, that are within the bound; lower has
 *		the FROM clause of query and plain columns.  NULL: other nodes may sort in another order, or
 *		have other numbers for tables.
 */
Query *
planner_ranks_bound(Query *query, Query *lower, const RankBound *bound)
{
	int			ncolumns = list_length(lower->targetList);
	WindowClause *window = NULL;
	WindowFunc *function;
	ParseState *pstate;
	Query	   *result;
	Var		   *rank;
	ListCell   *lc;

	foreach(lc, query->windowClause)
	{
		if (lfirst_node(WindowClause, lc)->winref == bound->rank->winref)
			window = copyObject(lfirst_node(WindowClause, lc));
	}
	if (window == NULL || !planner_clauses_sort_alike(window->orderClause, query->targetList) ||
		planner_reads_tableoid((Node *) lower->targetList))
		return NULL;
	/* ranks do not look at the frame; what it has of another window is written out */
	window->name = window->refname = NULL;
	window->copiedOrder = false;
	window->frameOptions = FRAMEOPTION_DEFAULTS;
	window->startOffset = window->endOffset = NULL;
	/* the only one now, and the server looks for it by its place in the list */
	function = copyObject(bound->rank);
	window->winref = function->winref = 1;
	lower->targetList = lappend(lower->targetList,
								makeTargetEntry((Expr *) function, ncolumns + 1,
												"rank_in_shard", false));
	add_window_columns(lower, query, window->partitionClause);
	add_window_columns(lower, query, window->orderClause);
	lower->windowClause = list_make1(window);
	lower->hasWindowFuncs = true;

	result = planner_make_select_from(planner_subquery_rte(lower, "ranked"));
	foreach(lc, list_copy_head(lower->targetList, ncolumns))
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		result->targetList = lappend(result->targetList,
									 makeTargetEntry((Expr *) makeVarFromTargetEntry(1, tle),
													 tle->resno, pstrdup(tle->resname), false));
	}
	rank = makeVar(1, ncolumns + 1, INT8OID, -1, InvalidOid, 0);
	pstate = make_parsestate(NULL);
	result->jointree->quals =
		(Node *) make_op(pstate, list_make2(makeString("pg_catalog"),
											makeString(bound->less ? "<" : "<=")),
						 (Node *) rank, copyObject(bound->value), NULL, -1);
	free_parsestate(pstate);
	return result;
}
