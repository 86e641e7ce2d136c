/*
 * planner_estimates.c
 *	  How many rows: of tables, of queries, and of fragments that stand in a larger plan.
 *
 * ANALYZE leaves what the shards have in the statistics of their shell, where the server's planner
 * looks.  So a query over shells is estimated by planning it as if they had rows.  A fragment that
 * the server joins with other things keeps the query whose rows it gives (Fragment.rowsOf), and is
 * estimated when the server asks for its paths: most fragments stand alone, and nobody asks.  What
 * its columns are like is told by the columns that they are of.
 *
 * Invariant: what is planned to be estimated is never run; its relations have the server's paths.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "planner_paths_internal.h"

/* assumed for a table whose shards have never been analysed */
#define DEFAULT_TUPLES		100000.0

/* of a stand-in of which nothing is known, as of any function */
#define UNKNOWN_ROWS		1000.0

/* true while the rows of a query are estimated: only its relations' statistics matter */
static bool estimating = false;

bool
planner_is_estimating(void)
{
	return estimating;
}

bool
planner_set_estimating(bool on)
{
	bool		before = estimating;

	estimating = on;
	return before;
}

/* ---- tables ---- */

double
planner_table_rows(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		tuples = -1;

	if (HeapTupleIsValid(tuple))
	{
		tuples = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return tuples >= 0 ? tuples : DEFAULT_TUPLES;
}

bool
planner_table_is_analyzed(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->reltuples >= 0;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* ---- queries ---- */

/* a known foreign table is read by its shard: its wrapper has nothing to say about the shell */
static bool
hide_wrappers_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE &&
			catalog_table_is_known(rte->relid))
			rte->relkind = RELKIND_RELATION;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, hide_wrappers_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, hide_wrappers_walker, context);
}

/*
 * Plans the query for its estimates: what it gives, and in *most the most rows that a node gives
 * on the way from there down to the first join or scan; most may be NULL.
 */
static double
estimate_query(Query *query, const char *queryString, ParamListInfo params, double *most)
{
	double		rows = 0;
	bool		before;

	query = copyObject(query);
	(void) hide_wrappers_walker((Node *) query, NULL);
	before = planner_set_estimating(true);
	PG_TRY();
	{
		PlannedStmt *stmt = standard_planner(query, queryString, 0, params);

		rows = stmt->planTree->plan_rows;
		if (most != NULL)
			*most = rows;
		for (Plan *plan = stmt->planTree; most != NULL && plan != NULL;
			 plan = plan->righttree == NULL ? plan->lefttree : NULL)
			*most = Max(*most, plan->plan_rows);
	}
	PG_FINALLY();
	{
		(void) planner_set_estimating(before);
	}
	PG_END_TRY();
	return rows;
}

double
planner_estimate_rows(PlanRequest *request, Query *query)
{
	return estimate_query(query, request ? request->queryString : "",
						  request ? request->boundParams : NULL, NULL);
}

/* ---- fragments ---- */

/* true when somebody wants to know: it is not the only source of rows of the whole plan */
static bool
is_worth_an_estimate(PlannerInfo *root)
{
	return root->parent_root != NULL || bms_membership(root->all_baserels) == BMS_MULTIPLE;
}

static void
estimate_fragment(PlannerInfo *root, Fragment *fragment)
{
	const DistTable *table = catalog_table_get(fragment->anchor);
	double		most;
	double		rows = estimate_query(fragment->rowsOf, "", root->glob->boundParams, &most);

	/* each shard gives groups, or first rows, of its own */
	if (fragment->rowsRepeat && table != NULL)
		rows = Min(rows * Max(table->nshards, 1), most);
	fragment->estimatedRows = clamp_row_est(rows);
	fragment->isEstimated = true;
}

void
planner_estimate_stand_in(PlannerInfo *root, RelOptInfo *rel, const DistPlan *plan)
{
	Fragment   *fragment = plan->fragment;
	double		passed = rel->tuples > 0 ? Min(rel->rows / rel->tuples, 1.0) : 1.0;

	if (fragment != NULL && fragment->rowsOf != NULL && !fragment->isEstimated &&
		is_worth_an_estimate(root))
		estimate_fragment(root, fragment);
	rel->tuples = fragment == NULL ? UNKNOWN_ROWS : fragment->estimatedRows;
	rel->rows = clamp_row_est(rel->tuples * passed);
}

/* ---- columns of fragments ---- */

/* the column's expression, of those that the query shows; or NULL */
static Node *
shown_column(Query *query, AttrNumber attno)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && --attno == 0)
			return planner_flatten(query, (Node *) tle->expr);
	}
	return NULL;
}

static bool
column_may_be_read(Query *query, RangeTblEntry *rte, AttrNumber attno)
{
	Oid			role = compat_rte_check_as_user(query, rte);

	if (!OidIsValid(role))
		role = GetUserId();
	return rte->securityQuals == NIL &&
		(pg_class_aclcheck(rte->relid, role, ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck(rte->relid, attno, role, ACL_SELECT) == ACLCHECK_OK);
}

/* true when some values of a column may be left out, or given less often than they are there */
static bool
counts_values_once(Query *query)
{
	return query->groupClause != NIL || query->distinctClause != NIL ||
		query->setOperations != NULL || query->groupingSets != NIL;
}

/*
 * What ANALYZE has found of the column that column attno of the query is: as the server looks into
 * sub-queries, and no deeper.  False: nothing.
 */
static bool
find_column_statistics(Query *query, AttrNumber attno, VariableStatData *found)
{
	Var		   *var = (Var *) shown_column(query, attno);
	RangeTblEntry *rte;
	HeapTuple	tuple;

	check_stack_depth();
	if (var == NULL || !IsA(var, Var) || var->varlevelsup > 0 || var->varattno <= 0 ||
		query->setOperations != NULL)
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY && !counts_values_once(query))
		return find_column_statistics(rte->subquery, var->varattno, found);
	if (rte->rtekind != RTE_RELATION)
		return false;
	tuple = SearchSysCacheCopy3(STATRELATTINH, ObjectIdGetDatum(rte->relid),
								Int16GetDatum(var->varattno),
								BoolGetDatum(rte->inh &&
											 get_rel_relkind(rte->relid) ==
											 RELKIND_PARTITIONED_TABLE));
	if (!HeapTupleIsValid(tuple))
		return false;
	if (counts_values_once(query))
	{
		float4		distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;

		heap_freetuple(tuple);
		tuple = planner_make_statistics(attno, distinct);
	}
	found->statsTuple = tuple;
	found->freefunc = heap_freetuple;
	found->acl_ok = column_may_be_read(query, rte, var->varattno);
	return true;
}

bool
planner_stand_in_statistics(RangeTblEntry *rte, AttrNumber attno, VariableStatData *found)
{
	DistPlan   *plan = base_extension_is_active() ? planner_rte_plan(rte) : NULL;

	return plan != NULL && plan->fragment != NULL && plan->fragment->rowsOf != NULL && attno > 0 &&
		find_column_statistics(plan->fragment->rowsOf, attno, found);
}
