/*
 * planner_moved_rows.c
 *	  Rows that were moved, in the plans of tasks: what the server's planner is told about them, and
 *	  the node that reads them.
 *
 * Where a task joins moved rows they are a function's result, of which the server assumes that a
 * column has 200 different values: it expects too many rows by far, and sorts both sides.  Who
 * planned the statement tells how many values the column has by which rows were cut; where he does
 * not know, it is taken to be different in each row, as it is mostly somebody's key, so that a join
 * has about as many rows as its larger side.
 *
 * Invariant: the node gives what the function does.  It cannot give one row again for another look
 * at a changed row (EvalPlanQual), nor compute what depends on an outer row (LATERAL), so it is not
 * chosen where that could be asked for.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "citus/base/session.h"
#include "planner_internal.h"
#include "planner_paths_internal.h"

FuncExpr *
planner_moved_call(const RangeTblEntry *rte)
{
	FuncExpr   *call;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1 ||
		!base_extension_is_active())
		return NULL;
	call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	if (!IsA(call, FuncExpr) || call->funcresulttype != RECORDOID ||
		list_length(call->args) != 3 || call->funcid != planner_unpack_rows_oid())
		return NULL;
	return call;
}

/* ---- their bytes ---- */

/* smaller ones may as well be copied */
#define MANY_BYTES	8192

static bool
has_many_bytes(const ParamExternData *param)
{
	return param->ptype == BYTEAOID && !param->isnull &&
		(param->pflags & PARAM_FLAG_CONST) != 0 &&
		VARSIZE_ANY(DatumGetPointer(param->value)) >= MANY_BYTES;
}

/* the parameters of a query's calls whose arguments are no more than that */
static bool
moved_params_walker(Node *node, Bitmapset **params)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		FuncExpr   *call = planner_moved_call((RangeTblEntry *) node);
		Param	   *param = call == NULL ? NULL : linitial(call->args);

		if (param != NULL && IsA(param, Param) && param->paramkind == PARAM_EXTERN)
			*params = bms_add_member(*params, param->paramid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, moved_params_walker, params,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, moved_params_walker, params);
}

/*
 * planner_moved_params
 *		The parameters that the server's planner shall see: it makes constants of values, copies
 *		them at each step, and keeps them in the plan.  For rows that have moved, which may be many
 *		megabytes, it gains nothing by that: they stay parameters.  In the current context, or
 *		params itself.
 */
ParamListInfo
planner_moved_params(Query *query, ParamListInfo params)
{
	bool		any = false;
	Bitmapset  *moved = NULL;
	ParamListInfo result;

	if (params == NULL || params->paramFetch != NULL ||
		!(base_session_is_internal() || base_frame_active(FRAME_LOCAL_TASK)))
		return params;
	for (int i = 0; i < params->numParams; i++)
		any |= has_many_bytes(&params->params[i]);
	if (!any || moved_params_walker((Node *) query, &moved) || moved == NULL)
		return params;
	result = palloc(offsetof(ParamListInfoData, params) +
					params->numParams * sizeof(ParamExternData));
	memcpy(result, params, offsetof(ParamListInfoData, params) +
		   params->numParams * sizeof(ParamExternData));
	for (int i = 0; i < result->numParams; i++)
	{
		if (bms_is_member(i + 1, moved))
			result->params[i].pflags &= ~PARAM_FLAG_CONST;
	}
	return result;
}

/* ---- statistics ---- */

float4
planner_moved_values(Oid relid, AttrNumber attno, double rows)
{
	bool		partitioned = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(attno), BoolGetDatum(partitioned));
	float4		distinct;

	if (!HeapTupleIsValid(tuple))
		return MOVED_VALUES_UNKNOWN;
	distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	if (distinct > 0)
		distinct = -Min(1.0, distinct / Max(rows, 1.0));
	return distinct == 0 ? MOVED_VALUES_UNKNOWN : distinct;
}

/*
 * The column by which the rows of a function were cut, and its number of values, as a share of the
 * rows below 0; column 0: it is another function, or there is none.
 */
static AttrNumber
cut_column(const RangeTblEntry *rte, float4 *distinct)
{
	FuncExpr   *call = planner_moved_call(rte);
	Const	   *key;
	Const	   *values;

	if (call == NULL)
		return 0;
	key = lsecond(call->args);
	values = lthird(call->args);
	if (!IsA(key, Const) || key->constisnull || !IsA(values, Const) || values->constisnull)
		return 0;
	*distinct = DatumGetFloat4(values->constvalue);
	/* anybody may call the function */
	if (!(*distinct < 0 && *distinct >= -1))
		*distinct = MOVED_VALUES_UNKNOWN;
	return DatumGetInt32(key->constvalue);
}

HeapTuple
planner_make_statistics(AttrNumber attno, float4 distinct)
{
	Relation	catalog = table_open(StatisticRelationId, AccessShareLock);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {false};
	HeapTuple	tuple;

	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(InvalidOid);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(attno);
	values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(0);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(0);
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(distinct);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		/* no slot is in use: its kind is 0 */
		values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(0);
		values[Anum_pg_statistic_staop1 - 1 + i] = ObjectIdGetDatum(InvalidOid);
		values[Anum_pg_statistic_stacoll1 - 1 + i] = ObjectIdGetDatum(InvalidOid);
		nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = true;
		nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
	}
	tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* false: the server looks for itself */
bool
planner_relation_statistics(RangeTblEntry *rte, AttrNumber attno, VariableStatData *found)
{
	float4		distinct;

	if (attno <= 0 || cut_column(rte, &distinct) != attno)
		return planner_stand_in_statistics(rte, attno, found);
	found->statsTuple = planner_make_statistics(attno, distinct);
	found->freefunc = heap_freetuple;
	found->acl_ok = true;
	return true;
}

/* ---- the path ---- */

static Plan *
plan_moved_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path, List *tlist,
				List *clauses, List *customPlans)
{
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	DistPlan   *plan = plan_make(DIST_PLAN_MOVED_ROWS, "rows that have moved");
	CustomScan *scan = planner_make_scan_node(plan, tlist, extract_actual_clauses(clauses, false),
											  planner_function_vars(rte, rel->relid));

	scan->custom_exprs = list_make1(copyObject(linitial(planner_moved_call(rte)->args)));
	return (Plan *) scan;
}

static const CustomPathMethods movedPathMethods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.PlanCustomPath = plan_moved_path,
};

/* a value that is the same in all rows, and for as long as the plan runs */
static bool
is_given(Node *data)
{
	return IsA(data, Const) || (IsA(data, Param) && ((Param *) data)->paramkind == PARAM_EXTERN);
}

/*
 * planner_moved_pathlist
 *		Our path in place of the server's for rows that were moved; others are left alone.
 */
void
planner_moved_pathlist(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	FuncExpr   *call = planner_moved_call(rte);
	CustomPath *path;

	if (call == NULL || !is_given(linitial(call->args)) || rte->funcordinality ||
		root->rowMarks != NIL || !bms_is_empty(rel->lateral_relids) ||
		(root->parse->commandType != CMD_SELECT && root->parse->commandType != CMD_INSERT))
		return;
	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.rows = rel->rows;
	path->path.startup_cost = rel->baserestrictcost.startup + rel->reltarget->cost.startup;
	path->path.total_cost = path->path.startup_cost +
		rel->tuples * (cpu_tuple_cost + rel->baserestrictcost.per_tuple) +
		rel->rows * rel->reltarget->cost.per_tuple;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &movedPathMethods;
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	rel->consider_parallel = false;
	add_path(rel, (Path *) path);
}
