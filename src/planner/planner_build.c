/*
 * planner_build.c
 *	  From a shipped Query to plan nodes: fragments, custom scans, finished statements.
 *
 * A fragment gets into a plan in one of two ways.  When nothing is left to do with its rows, the
 * statement is made by hand around one CustomScan (planner_make_stmt).  Otherwise a Query over a
 * stand-in range table entry goes to the server's planner: a call of citus_internal.fragment_rows()
 * whose argument is the address of the DistPlan, which planner_rel_pathlist() in planner_scan.c
 * turns into a path of ours.
 *
 * Invariant: such an address never leaves the planning it was made in; the function itself, if it
 * is ever called, raises.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "executor/executor.h"

#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "planner_internal.h"

#define FRAGMENT_ALIAS "remote_scan"

PG_FUNCTION_INFO_V1(fragment_rows);

Datum
fragment_rows(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function fragment_rows cannot be called")));
}

/* a query that locks rows, or one below it */
static bool
has_locks_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, has_locks_walker, context);
	return ((Query *) node)->rowMarks != NIL ||
		query_tree_walker((Query *) node, has_locks_walker, context, 0);
}

bool
planner_has_row_locks(Node *node)
{
	return has_locks_walker(node, NULL);
}

bool
planner_keeps_locks(PlanRequest *request, Query *query, Refusal *refusal)
{
	if (!request->changesBetween || !query_tree_walker(query, has_locks_walker, NULL, 0))
		return false;
	refusal->reason = "rows that sub-queries lock may be changed before they are asked for";
	return true;
}

/*
 * planner_make_fragment
 *		The fragment of a query that planner_ship_query() has accepted.
 */
Fragment *
planner_make_fragment(Query *query, List *params, Oid anchor, PruneSpec *prune)
{
	Fragment   *fragment = plan_fragment_make();
	const DistTable *table = catalog_table_get(anchor);

	fragment->sql = deparse_query_template(query, false);
	fragment->command = query->commandType;
	fragment->returnsRows = query->commandType == CMD_SELECT || query->returningList != NIL;
	fragment->hasRowLocks = planner_has_row_locks((Node *) query);
	fragment->hasModifyingCte = query->hasModifyingCTE;
	fragment->cannotRaise = query->commandType == CMD_SELECT && !plan_may_raise((Node *) query);
	fragment->findsOneRow = (query->commandType == CMD_UPDATE ||
							 query->commandType == CMD_DELETE || query->rowMarks != NIL) &&
		planner_finds_one_row(query);
	fragment->anchor = anchor;
	fragment->prune = prune;
	fragment->params = params;
	fragment->estimatedRows = 1000;
	fragment->role = planner_query_role(query);
	if (table != NULL && table->kind == DIST_TABLE_REFERENCE)
		fragment->target = query->commandType == CMD_SELECT && !fragment->hasRowLocks ?
			FRAGMENT_REPLICA : FRAGMENT_ALL_REPLICAS;
	else
		fragment->target = FRAGMENT_SHARDS;
	fragment->canSort = fragment->target == FRAGMENT_SHARDS &&
		query->commandType == CMD_SELECT && query->sortClause == NIL && !query->hasDistinctOn &&
		query->limitCount == NULL && query->limitOffset == NULL && query->rowMarks == NIL &&
		!query->hasModifyingCTE;
	return fragment;
}

/*
 * Vars of the columns a target list puts out, as seen through range table entry rti.  Junk columns
 * of a plan node under ours are columns like any other to the scan, and junk again above it.
 */
static List *
output_vars(List *targetList, Index rti, bool asOutput, bool withJunk)
{
	List	   *result = NIL;
	AttrNumber	attno = 0;
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		TargetEntry *copy;
		Var		   *var;

		if (tle->resjunk && !withJunk)
			continue;
		var = makeVar(rti, ++attno, exprType((Node *) tle->expr), exprTypmod((Node *) tle->expr),
					  exprCollation((Node *) tle->expr), 0);
		copy = makeTargetEntry((Expr *) var, attno, tle->resname, asOutput && tle->resjunk);
		if (asOutput)
		{
			copy->resorigtbl = tle->resorigtbl;
			copy->resorigcol = tle->resorigcol;
		}
		result = lappend(result, copy);
	}
	return result;
}

CustomScan *
planner_make_scan(DistPlan *plan, List *targetList, Index rti)
{
	CustomScan *scan = makeNode(CustomScan);
	bool		withJunk = plan->kind == DIST_PLAN_PARTS || plan->kind == DIST_PLAN_CURSOR;

	scan->custom_scan_tlist = output_vars(targetList, rti, false, withJunk);
	scan->scan.plan.targetlist = output_vars(targetList, INDEX_VAR, true, withJunk);
	scan->custom_private = list_make1(plan);
	scan->methods = plan_custom_scan_methods();
	if (plan->fragment != NULL)
		scan->scan.plan.plan_rows = plan->fragment->estimatedRows;
	return scan;
}

static List *
output_names(List *targetList)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			names = lappend(names, makeString(pstrdup(tle->resname ? tle->resname : "?column?")));
	}
	return names;
}

RangeTblEntry *
planner_naming_rte(List *targetList)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_VALUES;
	rte->alias = makeAlias(FRAGMENT_ALIAS, NIL);
	rte->eref = makeAlias(FRAGMENT_ALIAS, output_names(targetList));
	return rte;
}

PlannedStmt *
planner_make_stmt(PlanRequest *request, DistPlan *plan, List *targetList)
{
	Query	   *query = request->query;
	PlannedStmt *stmt = makeNode(PlannedStmt);
	CustomScan *scan;

	stmt->commandType = query->commandType;
	stmt->queryId = query->queryId;
	stmt->hasReturning = query->returningList != NIL;
	stmt->hasModifyingCTE = query->hasModifyingCTE;
	stmt->canSetTag = query->canSetTag;
	stmt->dependsOnRole = query->hasRowSecurity;
	stmt->stmt_location = query->stmt_location;
	stmt->stmt_len = query->stmt_len;
	compat_stmt_take_relations(stmt, query);

	scan = planner_make_scan(plan, targetList,
							 compat_stmt_add_rte(stmt, planner_naming_rte(targetList)));
	stmt->planTree = (Plan *) scan;
	if ((request->cursorOptions & CURSOR_OPT_SCROLL) && !ExecSupportsBackwardScan(stmt->planTree))
		stmt->planTree = materialize_finished_plan(stmt->planTree);
	return stmt;
}

static Oid
fragment_rows_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	if (!OidIsValid(functionOid) || extensionOid != base_extension_oid())
	{
		Oid			argument = INT8OID;

		functionOid = LookupFuncName(list_make2(makeString("citus_internal"),
												makeString("fragment_rows")),
									 1, &argument, false);
		extensionOid = base_extension_oid();
	}
	return functionOid;
}

RangeTblEntry *
planner_fragment_rte(Fragment *fragment, const char *strategy, List *targetList)
{
	DistPlan   *plan = plan_make(DIST_PLAN_FRAGMENT, strategy);

	plan->fragment = fragment;
	plan->modifies = fragment->hasModifyingCte;
	return planner_plan_rte(plan, targetList);
}

RangeTblEntry *
planner_plan_rte(DistPlan *plan, List *targetList)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);
	Const	   *address = makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
									Int64GetDatum((int64) (uintptr_t) plan), false, true);
	ListCell   *lc;

	function->funcexpr = (Node *) makeFuncExpr(fragment_rows_oid(), RECORDOID,
											   list_make1(address), InvalidOid, InvalidOid,
											   COERCE_EXPLICIT_CALL);
	((FuncExpr *) function->funcexpr)->funcretset = true;
	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;

		if (tle->resjunk)
			continue;
		function->funccoltypes = lappend_oid(function->funccoltypes, exprType(expr));
		function->funccoltypmods = lappend_int(function->funccoltypmods, exprTypmod(expr));
		function->funccolcollations = lappend_oid(function->funccolcollations,
												  exprCollation(expr));
		function->funccolcount++;
	}
	function->funccolnames = output_names(targetList);

	rte->rtekind = RTE_FUNCTION;
	rte->functions = list_make1(function);
	rte->alias = makeAlias(FRAGMENT_ALIAS, NIL);
	rte->eref = makeAlias(FRAGMENT_ALIAS, output_names(targetList));
	rte->inFromCl = true;
	return rte;
}

DistPlan *
planner_rte_plan(RangeTblEntry *rte)
{
	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
		return NULL;
	return planner_call_plan((FuncExpr *) linitial_node(RangeTblFunction,
														rte->functions)->funcexpr);
}

DistPlan *
planner_call_plan(FuncExpr *call)
{
	if (!IsA(call, FuncExpr) || call->funcresulttype != RECORDOID ||
		list_length(call->args) < 1 || !IsA(linitial(call->args), Const) ||
		call->funcid != fragment_rows_oid())
		return NULL;
	return (DistPlan *) (uintptr_t) DatumGetInt64(linitial_node(Const, call->args)->constvalue);
}

/* ---- joins ---- */

static int
index_of_source(Node *source)
{
	return IsA(source, JoinExpr) ? ((JoinExpr *) source)->rtindex :
		castNode(RangeTblRef, source)->rtindex;
}

/* columns of one side of a join, as the join's range table entry lists them; their numbers */
static List *
add_join_columns(Query *query, RangeTblEntry *join, int rti)
{
	List	   *numbers = NIL;
	RangeTblEntry *side = rt_fetch(rti, query->rtable);
	List	   *names;
	List	   *vars;
	ListCell   *lc;

	/* of a join within, vars are those of its own sides */
	compat_expand_rte(side, rti, &names, &vars);
	foreach(lc, vars)
		numbers = lappend_int(numbers, side->rtekind == RTE_JOIN ?
							  foreach_current_index(lc) + 1 : lfirst_node(Var, lc)->varattno);
	join->eref->colnames = list_concat(join->eref->colnames, names);
	join->joinaliasvars = list_concat(join->joinaliasvars, vars);
	return numbers;
}

JoinExpr *
planner_add_join(Query *query, JoinType type, Node *left, Node *right, List *quals)
{
	JoinExpr   *join = makeNode(JoinExpr);
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_JOIN;
	rte->jointype = type;
	rte->eref = makeAlias("unnamed_join", NIL);
	rte->inFromCl = true;
	rte->joinleftcols = add_join_columns(query, rte, index_of_source(left));
	rte->joinrightcols = add_join_columns(query, rte, index_of_source(right));
	query->rtable = lappend(query->rtable, rte);
	join->jointype = type;
	join->larg = left;
	join->rarg = right;
	join->quals = quals == NIL ? NULL : (Node *) make_ands_explicit(quals);
	join->rtindex = list_length(query->rtable);
	return join;
}
