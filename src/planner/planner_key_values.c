/*
 * planner_key_values.c
 *	  Conditions that compare a distribution column with what a sub-query gives.
 *
 * WHERE k = (SELECT x FROM r WHERE ..) can run on every shard, for all of them see the reference
 * table.  Computed first, the value says which one to ask.  This file says which sub-queries are
 * worth that, and may be computed by the node that plans: planner_values.c makes them parameters of
 * a SELECT, planner_stage.c sources of an UPDATE or DELETE, which then write on one node.
 *
 * Invariants: (1) the sub-query has the same rows wherever it runs: nothing volatile, nothing of
 * the rows around it; (2) it raises no error but that a scalar has several rows, which is left to
 * the shards: one server computes it when the first row is compared, and never without a row.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "planner_internal.h"

/*
 * A SELECT that reads a value first needs a snapshot of all nodes: more work than to look into an
 * index of each shard, and than to read small ones.
 */
#define WORTH_ROWS	100000.0

/* of IN (SELECT ..): a list that reaches more of the shards than this share is not worth it */
#define WORTH_SHARE	0.25

/* ---- keys ---- */

/* the table whose distribution column a Var of the query is, maybe through sub-queries, or NULL */
static const DistTable *
table_of_key(Query *query, Node *node)
{
	Var		   *var = (Var *) planner_flatten(query, node);
	RangeTblEntry *rte;
	const DistTable *table;

	check_stack_depth();
	while (var != NULL && IsA(var, RelabelType))
		var = (Var *) ((RelabelType *) var)->arg;
	if (var == NULL || !IsA(var, Var) || var->varlevelsup != 0 || var->varattno <= 0)
		return NULL;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY)
	{
		TargetEntry *column = list_nth(rte->subquery->targetList, var->varattno - 1);

		return table_of_key(rte->subquery, (Node *) column->expr);
	}
	table = rte->rtekind == RTE_RELATION ? catalog_table_get(rte->relid) : NULL;
	return table != NULL && table->kind == DIST_TABLE_HASH && var->varattno == table->keyAttno ?
		table : NULL;
}

/* the sub-query that key = (SELECT ..) or key IN (SELECT ..) asks, and the other side */
static SubLink *
find_sublink(Node *qual, Node **other)
{
	bool		isAny = IsA(qual, SubLink) && ((SubLink *) qual)->subLinkType == ANY_SUBLINK;
	OpExpr	   *op = (OpExpr *) (isAny ? ((SubLink *) qual)->testexpr : qual);
	Node	   *right;

	if (op == NULL || !IsA(op, OpExpr) || list_length(op->args) != 2 ||
		!op_hashjoinable(op->opno, exprType(linitial(op->args))))
		return NULL;
	*other = linitial(op->args);
	right = lsecond(op->args);
	if (isAny)
		return IsA(right, Param) && ((Param *) right)->paramkind == PARAM_SUBLINK ?
			(SubLink *) qual : NULL;
	if (IsA(*other, SubLink))
	{
		right = *other;
		*other = lsecond(op->args);
	}
	return IsA(right, SubLink) && ((SubLink *) right)->subLinkType == EXPR_SUBLINK ?
		(SubLink *) right : NULL;
}

/* few enough for the shards of table; sent: the values have to be sent there in any case */
static bool
is_short_list(PlanRequest *request, Query *query, const DistTable *table, bool sent)
{
	double		limit = sent ? PLANNER_MAX_VALUES : Max(1, table->nshards * WORTH_SHARE);

	return planner_estimate_rows(request, query) <= limit;
}

/* are fewer shards worth the way to them? */
static bool
is_worth_it(Query *query, const DistTable *table)
{
	return query->commandType != CMD_SELECT ||
		(planner_table_is_analyzed(table->relid) &&
		 planner_table_rows(table->relid) >= WORTH_ROWS &&
		 !planner_column_has_index(table->relid, table->keyAttno));
}

/*
 * planner_key_sublink
 *		The sub-query that qual, a condition of query's level, compares a distribution column with,
 *		if it may and should be computed before shards are chosen; or NULL.  Its own node in qual.
 *		Of a SELECT only if all nodes have what it reads: others are computed first anyway.
 */
SubLink *
planner_key_sublink(PlanRequest *request, Query *query, Node *qual)
{
	Node	   *key = NULL;
	SubLink    *sublink = find_sublink(qual, &key);
	Query	   *values = sublink == NULL ? NULL : castNode(Query, sublink->subselect);
	const DistTable *table = values == NULL ? NULL : table_of_key(query, key);
	bool		distant;

	if (table == NULL || table->nshards < 2 || !is_worth_it(query, table) ||
		values->commandType != CMD_SELECT || values->rowMarks != NIL ||
		values->hasModifyingCTE || planner_is_correlated(values))
		return NULL;
	distant = planner_reads_distant_relation(values);
	if ((distant && query->commandType == CMD_SELECT) ||
		contain_volatile_functions((Node *) values) || plan_may_raise((Node *) values))
		return NULL;
	if (sublink->subLinkType == ANY_SUBLINK && !is_short_list(request, values, table, distant))
		return NULL;
	return sublink;
}
