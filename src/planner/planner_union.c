/*
 * planner_union.c
 *	  Set operations whose legs do part of the work of the query above them.
 *
 * A query over the rows of a UNION ALL, SELECT k, sum(x) FROM (A UNION ALL B) u JOIN r .. GROUP BY
 * k, is what it is over the rows of A and of B: where u's rows are not filled up by an outer join,
 * each row of the query's FROM clause comes from one row of one leg.  So the query's lower part,
 * partial aggregates or the first rows in an order, is computed for each leg by itself, by its
 * shards, and its upper part over the UNION ALL of those.  planner_merge.c divides the query; here
 * is where legs are found and put in its place.
 *
 * UNION, INTERSECT and EXCEPT do not ask how often a leg has a row: where many of them are equal, a
 * leg is made DISTINCT, and only its distinct rows come here.
 *
 * Invariants: (1) a leg has the columns of the set operation, by position, name and type; (2) it
 * stands as many levels below the query as before, so that what it refers to keeps its place.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "planner_union_internal.h"

/* legs are made distinct that have at least so many rows for each of them */
#define WORTH_RATIO		4.0

/* ---- legs ---- */

/* the column of a leg as that of the set operation; NULL when that is not a matter of casts */
static Expr *
coerce_column(TargetEntry *tle, Oid type, int32 typmod, Oid collation)
{
	Node	   *expr = (Node *) makeVar(1, tle->resno, exprType((Node *) tle->expr),
										exprTypmod((Node *) tle->expr),
										exprCollation((Node *) tle->expr), 0);

	if (exprType(expr) != type)
		expr = coerce_to_target_type(NULL, expr, exprType(expr), type, -1, COERCION_IMPLICIT,
									 COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return NULL;
	if (!IsA(expr, Var))
		assign_expr_collations(NULL, expr);
	return exprCollation(expr) == collation ? (Expr *) expr : NULL;
}

/* SELECT columns of the set operation FROM leg */
static Query *
wrap_leg(Query *leg, const SetOperationStmt *operation, List *names)
{
	Query	   *query = planner_make_select_from(planner_subquery_rte(leg, "leg"));
	ListCell   *lc;

	if (planner_reads_tableoid((Node *) leg->targetList))
		return NULL;
	foreach(lc, leg->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		int			n = list_length(query->targetList);
		Expr	   *column;

		if (tle->resjunk)
			continue;
		column = coerce_column(tle, list_nth_oid(operation->colTypes, n),
							   list_nth_int(operation->colTypmods, n),
							   list_nth_oid(operation->colCollations, n));
		if (column == NULL)
			return NULL;
		query->targetList = lappend(query->targetList,
									makeTargetEntry(column, n + 1,
													pstrdup(strVal(list_nth(names, n))), false));
	}
	return query;
}

/* false: something in the tree is not UNION ALL */
static bool
collect_legs(const UnionSource *source, Node *node, List **legs)
{
	SetOperationStmt *operation = (SetOperationStmt *) node;
	Query	   *leg;

	check_stack_depth();
	if (IsA(node, SetOperationStmt))
		return operation->op == SETOP_UNION && operation->all &&
			collect_legs(source, operation->larg, legs) &&
			collect_legs(source, operation->rarg, legs);
	leg = rt_fetch(castNode(RangeTblRef, node)->rtindex, source->operation->rtable)->subquery;
	leg = wrap_leg(leg, castNode(SetOperationStmt, source->operation->setOperations),
				   source->names);
	*legs = lappend(*legs, leg);
	return leg != NULL;
}

/* a UNION ALL that stands for itself */
static bool
is_plain_union(const RangeTblEntry *rte)
{
	Query	   *query = rte->subquery;

	return rte->rtekind == RTE_SUBQUERY && !rte->lateral && !rte->security_barrier &&
		query->setOperations != NULL && query->commandType == CMD_SELECT &&
		query->cteList == NIL && query->sortClause == NIL && query->limitCount == NULL &&
		query->limitOffset == NULL && query->rowMarks == NIL && planner_has_known_relation(query);
}

/* entries below node whose rows each make rows of it; none of them is filled up */
static Bitmapset *
entries_that_give_rows(Node *node)
{
	Bitmapset  *result = NULL;
	JoinExpr   *join;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, RangeTblRef))
		return bms_make_singleton(((RangeTblRef *) node)->rtindex);
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			result = bms_join(result, entries_that_give_rows(lfirst(lc)));
		return result;
	}
	join = castNode(JoinExpr, node);
	if (join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT)
		result = entries_that_give_rows(join->larg);
	if (join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT)
		result = bms_join(result, entries_that_give_rows(join->rarg));
	return result;
}

/* what is read again for each leg must be the same each time, and must not see beside itself */
static bool
others_can_be_read_again(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->tablesample != NULL || rte->lateral)
			return false;
	}
	return !query->hasModifyingCTE && !query->hasRecursive && query->rowMarks == NIL;
}

/*
 * planner_union_find
 *		Finds the UNION ALL whose rows the query's rows are made of.  False: there is none.
 */
bool
planner_union_find(Query *query, UnionSource *source)
{
	Bitmapset  *entries;
	int			rti = -1;

	if (query->commandType != CMD_SELECT || query->setOperations != NULL ||
		query->jointree == NULL || !others_can_be_read_again(query))
		return false;
	entries = entries_that_give_rows((Node *) query->jointree);
	while ((rti = bms_next_member(entries, rti)) >= 0)
	{
		RangeTblEntry *rte = rt_fetch(rti, query->rtable);

		if (!is_plain_union(rte))
			continue;
		*source = (UnionSource)
		{
			.rti = rti,.operation = rte->subquery,.names = rte->eref->colnames
		};
		return collect_legs(source, rte->subquery->setOperations, &source->legs);
	}
	return false;
}

/* a copy of query, which is one over the source, over one of its legs only */
Query *
planner_union_put_leg(Query *query, const UnionSource *source, int number)
{
	Query	   *copy = copyObject(query);

	rt_fetch(source->rti, copy->rtable)->subquery = copyObject(list_nth(source->legs, number));
	return copy;
}

/* the number of an entry of query for all columns of rte */
static Query *
select_all(RangeTblEntry *rte, List *targetList)
{
	Query	   *query = planner_make_select_from(rte);
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;

		query->targetList =
			lappend(query->targetList,
					makeTargetEntry((Expr *) makeVar(1, tle->resno, exprType(expr),
													 exprTypmod(expr), exprCollation(expr), 0),
									tle->resno, pstrdup(tle->resname), false));
	}
	return query;
}

/*
 * planner_union_rte
 *		The rows of several entries, all with the columns of targetList, none of them junk, as one.
 */
RangeTblEntry *
planner_union_rte(List *entries, List *targetList)
{
	Query	   *query = planner_make_select();
	Node	   *tree = NULL;
	ListCell   *lc;

	foreach(lc, entries)
	{
		RangeTblRef *ref = makeNode(RangeTblRef);
		SetOperationStmt *operation;
		ListCell   *column;
		RangeTblEntry *entry = planner_subquery_rte(select_all(lfirst(lc), targetList), "leg");

		entry->inFromCl = false;
		query->rtable = lappend(query->rtable, entry);
		ref->rtindex = list_length(query->rtable);
		if (tree == NULL)
		{
			tree = (Node *) ref;
			continue;
		}
		operation = makeNode(SetOperationStmt);
		operation->op = SETOP_UNION;
		operation->all = true;
		operation->larg = tree;
		operation->rarg = (Node *) ref;
		foreach(column, targetList)
		{
			Node	   *expr = (Node *) lfirst_node(TargetEntry, column)->expr;

			operation->colTypes = lappend_oid(operation->colTypes, exprType(expr));
			operation->colTypmods = lappend_int(operation->colTypmods, exprTypmod(expr));
			operation->colCollations = lappend_oid(operation->colCollations,
												   exprCollation(expr));
		}
		tree = (Node *) operation;
	}
	query->setOperations = tree;
	query->targetList =
		copyObject(linitial_node(RangeTblEntry, query->rtable)->subquery->targetList);
	return planner_subquery_rte(query, "legs");
}

/*
 * planner_union_enclose
 *		(A UNION ALL B ORDER BY .. LIMIT ..) as SELECT .. FROM (A UNION ALL B) ORDER BY .. LIMIT ..,
 *		which planner_union_find() knows; any other query as it is.
 */
Query *
planner_union_enclose(Query *query)
{
	Query	   *inner;
	Query	   *outer;
	ListCell   *lc;

	if (query->setOperations == NULL || query->cteList != NIL || query->rowMarks != NIL ||
		(query->limitCount == NULL && query->limitOffset == NULL))
		return query;
	inner = copyObject(query);
	inner->sortClause = NIL;
	inner->limitCount = inner->limitOffset = NULL;
	inner->limitOption = LIMIT_OPTION_COUNT;
	foreach(lc, inner->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			return query;
		tle->ressortgroupref = 0;
	}
	outer = planner_make_select_from(planner_subquery_rte(inner, "legs"));
	outer->querySource = query->querySource;
	outer->queryId = query->queryId;
	outer->canSetTag = query->canSetTag;
	outer->stmt_location = query->stmt_location;
	outer->stmt_len = query->stmt_len;
	outer->hasSubLinks = query->hasSubLinks;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));
		Node	   *expr = (Node *) tle->expr;

		tle->expr = (Expr *) makeVar(1, tle->resno, exprType(expr), exprTypmod(expr),
									 exprCollation(expr), 0);
		outer->targetList = lappend(outer->targetList, tle);
	}
	outer->sortClause = copyObject(query->sortClause);
	outer->limitCount = copyObject(query->limitCount);
	outer->limitOffset = copyObject(query->limitOffset);
	outer->limitOption = query->limitOption;
	return outer;
}

/* ---- legs whose duplicates nobody counts ---- */

/* a leg of plain rows, whose columns have the types of the set operation's */
static bool
may_be_distinct(Query *leg, const SetOperationStmt *operation)
{
	ListCell   *lc;

	if (leg->commandType != CMD_SELECT || leg->setOperations != NULL || leg->hasAggs ||
		leg->groupClause != NIL || leg->groupingSets != NIL || leg->distinctClause != NIL ||
		leg->hasWindowFuncs || leg->hasTargetSRFs || leg->sortClause != NIL ||
		leg->limitCount != NULL || leg->limitOffset != NULL || leg->rowMarks != NIL ||
		leg->hasModifyingCTE || leg->targetList == NIL || !planner_has_known_relation(leg) ||
		contain_volatile_functions((Node *) leg))
		return false;
	foreach(lc, leg->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		int			n = foreach_current_index(lc);

		if (tle->resjunk || exprType((Node *) tle->expr) != list_nth_oid(operation->colTypes, n) ||
			exprCollation((Node *) tle->expr) != list_nth_oid(operation->colCollations, n))
			return false;
	}
	return true;
}

static void
make_distinct(Query *leg)
{
	ListCell   *lc;

	foreach(lc, leg->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		SortGroupClause *clause = makeNode(SortGroupClause);

		tle->ressortgroupref = clause->tleSortGroupRef = foreach_current_index(lc) + 1;
		get_sort_group_operators(exprType((Node *) tle->expr), false, true, false,
								 &clause->sortop, &clause->eqop, NULL, &clause->hashable);
		leg->distinctClause = lappend(leg->distinctClause, clause);
	}
}

/* free: what is above asks for the set of the node's rows only */
static void
thin_legs(PlanRequest *request, Query *query, Node *node, const SetOperationStmt *parent,
		  bool free)
{
	check_stack_depth();
	if (IsA(node, SetOperationStmt))
	{
		SetOperationStmt *operation = (SetOperationStmt *) node;

		/* what is equal here may differ in another type or collation above */
		free = free && equal(operation->colTypes, parent->colTypes) &&
			equal(operation->colCollations, parent->colCollations);
		free = !operation->all || (operation->op == SETOP_UNION && free);
		thin_legs(request, query, operation->larg, operation, free);
		thin_legs(request, query, operation->rarg, operation, free);
	}
	else if (free)
	{
		RangeTblEntry *rte = rt_fetch(castNode(RangeTblRef, node)->rtindex, query->rtable);
		Query	   *leg = copyObject(rte->subquery);

		if (!may_be_distinct(leg, parent) || planner_is_correlated(leg))
			return;
		make_distinct(leg);
		if (planner_estimate_rows(request, leg) * WORTH_RATIO <=
			planner_estimate_rows(request, rte->subquery))
			rte->subquery = leg;
	}
}

/* planner_union_thin: makes legs of a set operation distinct, in place, where that is worth it */
void
planner_union_thin(PlanRequest *request, Query *query)
{
	if (query->setOperations != NULL && query->commandType == CMD_SELECT)
		thin_legs(request, query, query->setOperations, NULL, false);
}
