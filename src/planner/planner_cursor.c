/*
 * planner_cursor.c
 *	  Cursors that know which row they stand on, and WHERE CURRENT OF them.
 *
 * The query of a cursor that can be updated through gets more columns, tableoid and ctid of its
 * rows, and is planned like any other; a node above it (DIST_PLAN_CURSOR) keeps them from the user.
 *
 *		UPDATE t SET .. WHERE CURRENT OF c
 *			->
 *		UPDATE t SET .. WHERE is_row(t.tableoid, t.ctid, cursor_shard('c'), cursor_place('c'))
 *
 * of which the last two are computed here, once.  The condition chooses the shard (PRUNE_SHARD)
 * and finds the row there by its place, or that of the version it has now (query_adapt.c).
 *
 * Invariant: rows that have several copies are read, and found again, in the copy that writers
 * lock, for places differ between copies.
 *
 * Not here: joins, and queries on sub-queries or views.  Rows that the cursor's query sorts can be
 * updated, which one server does only when an index gives the order.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "planner_internal.h"

/* ---- the cursor's query ---- */

bool
planner_may_read_places(Oid relid, Oid role)
{
	return pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK;
}

/* the rights with which a relation is read */
static Oid
role_of(Query *query, RangeTblEntry *rte)
{
	Oid			role = compat_rte_check_as_user(query, rte);

	return OidIsValid(role) ? role : GetUserId();
}

static bool
may_be_named(RangeTblEntry *rte)
{
	return rte->rtekind == RTE_RELATION && catalog_table_is_known(rte->relid);
}

/*
 * Who has rights on columns only works on the shards as the owner; what the statement itself needs
 * is checked as ever, and the policies of the role are asked here (planner_caller.c).  Where the
 * role has none, and the owner is subject to some, they are one that all rows pass.
 */
static void
name_as_owner(Query *query, RangeTblEntry *rte)
{
	Oid			owner = catalog_relation_owner(rte->relid);

	if (planner_may_read_places(rte->relid, role_of(query, rte)))
		return;
	compat_rte_set_check_as_user(query, rte, owner);
	if (rte->securityQuals == NIL && check_enable_rls(rte->relid, owner, true) == RLS_ENABLED)
	{
		rte->securityQuals = list_make1(makeBoolConst(true, false));
		query->hasRowSecurity = true;
	}
}

/* the only relation of a query without joins, whose rows are rows of it; 0: it is something else */
static Index
simple_relation(Query *query)
{
	List	   *from = query->jointree->fromlist;

	if (query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->groupClause != NIL || query->groupingSets != NIL || query->havingQual != NULL ||
		query->distinctClause != NIL || query->setOperations != NULL ||
		list_length(from) != 1 || !IsA(linitial(from), RangeTblRef))
		return 0;
	return linitial_node(RangeTblRef, from)->rtindex;
}

/* range table indexes of what can be updated through the cursor, IntList */
static List *
find_targets(Query *query)
{
	List	   *found = NIL;
	Index		rti = simple_relation(query);
	ListCell   *lc;

	if (query->rowMarks == NIL)
		return rti > 0 && may_be_named(rt_fetch(rti, query->rtable)) ?
			list_make1_int(rti) : NIL;
	foreach(lc, query->rowMarks)
	{
		RowMarkClause *mark = lfirst_node(RowMarkClause, lc);

		if (!mark->pushedDown && may_be_named(rt_fetch(mark->rti, query->rtable)))
			found = lappend_int(found, mark->rti);
	}
	return found;
}

static void
add_column(Query *query, Index rti, AttrNumber attno, Oid type)
{
	AttrNumber	number = list_length(query->targetList) + 1;
	Var		   *var = makeVar(rti, attno, type, -1, InvalidOid, 0);

	query->targetList = lappend(query->targetList,
								makeTargetEntry((Expr *) var, number,
												psprintf("cursor_%d", number), false));
}

static CursorSpec *
add_columns(Query *query, List *targets)
{
	CursorSpec *spec = plan_cursor_make();
	ListCell   *lc;

	spec->locks = query->rowMarks != NIL;
	spec->leavesChanged = spec->locks && planner_locks_keep_others_off(query);
	foreach(lc, targets)
	{
		add_column(query, lfirst_int(lc), TableOidAttributeNumber, OIDOID);
		add_column(query, lfirst_int(lc), SelfItemPointerAttributeNumber, TIDOID);
		name_as_owner(query, rt_fetch(lfirst_int(lc), query->rtable));
		spec->relids = lappend_oid(spec->relids, rt_fetch(lfirst_int(lc), query->rtable)->relid);
	}
	return spec;
}

/* scans of relations of the cursor's own FROM list read first copies; false: there is none */
static bool
set_first_copy(Plan *plan)
{
	DistPlan   *dist;
	bool		left;
	bool		right;

	if (plan == NULL)
		return false;
	check_stack_depth();
	/* beside rows of this node they are in sub-queries (planner_shield.c) */
	if (IsA(plan, SubqueryScan))
		return set_first_copy(((SubqueryScan *) plan)->subplan);
	left = set_first_copy(outerPlan(plan));
	right = set_first_copy(innerPlan(plan));
	dist = IsA(plan, CustomScan) ? plan_of_custom_scan(plan) : NULL;
	/* candidates of row locks come from first copies already (planner_lock.c) */
	if (dist != NULL && dist->kind == DIST_PLAN_LOCK)
		return true;
	if (dist == NULL || dist->fragment == NULL)
		return left || right;
	dist->fragment->firstCopy = true;
	if (dist->fragment->all != NULL)
		dist->fragment->all->firstCopy = true;
	return true;
}

/* invariant; false when the plan cannot be made to keep it */
static bool
read_first_copies(PlannedStmt *stmt, CursorSpec *spec)
{
	bool		copies = false;
	ListCell   *lc;

	foreach(lc, spec->relids)
		copies |= catalog_table_has_copies(catalog_table_get(lfirst_oid(lc)));
	return !copies || set_first_copy(stmt->planTree);
}

/* puts the node that remembers rows over the plan, of whose columns it shows the first nshown */
static void
add_cursor_node(PlannedStmt *stmt, CursorSpec *spec, int nshown)
{
	DistPlan   *plan = plan_make(DIST_PLAN_CURSOR, "rows with their places");
	Plan	   *child = stmt->planTree;
	List	   *targetList = child->targetlist;
	List	   *shown = NIL;
	CustomScan *scan;
	ListCell   *lc;

	plan->cursor = spec;
	scan = planner_make_scan(plan, targetList,
							 compat_stmt_add_rte(stmt, planner_naming_rte(targetList)));
	foreach(lc, scan->scan.plan.targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		if (list_length(shown) == nshown)
		{
			spec->first = foreach_current_index(lc);
			break;
		}
		tle->resno = list_length(shown) + 1;
		shown = lappend(shown, tle);
	}
	scan->scan.plan.targetlist = shown;
	scan->scan.plan.startup_cost = child->startup_cost;
	scan->scan.plan.total_cost = child->total_cost;
	scan->scan.plan.plan_rows = child->plan_rows;
	/* as on one server, one with row locks only goes forward: rows that it is past may be others */
	if (!spec->locks && ExecSupportsBackwardScan(child))
		scan->flags |= CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
	scan->custom_plans = list_make1(child);
	stmt->planTree = (Plan *) scan;
	/* whether columns may be added depends on who asks */
	stmt->dependsOnRole = true;
}

/* a loop of a procedural language, whose body may change rows that come later */
static bool
is_loop(PlanRequest *request)
{
	return (request->cursorOptions & CURSOR_OPT_PARALLEL_OK) == 0 &&
		request->query->rowMarks != NIL && planner_locks_keep_others_off(request->query) &&
		!planner_finds_one_row(request->query);
}

CursorSpec *
planner_cursor_begin(PlanRequest *request)
{
	Query	   *query;
	List	   *targets;

	if (request->query->commandType != CMD_SELECT ||
		((request->cursorOptions & CURSOR_OPT_FAST_PLAN) == 0 && !is_loop(request)))
		return NULL;
	targets = find_targets(request->query);
	if (targets == NIL)
		return NULL;
	request->query = query = copyObject(request->query);
	return add_columns(query, targets);
}

void
planner_cursor_end(PlannedStmt *stmt, CursorSpec *spec)
{
	int			nshown = -2 * list_length(spec->relids);
	DistPlan   *below = plan_of_custom_scan(stmt->planTree);
	ListCell   *lc;

	if (below != NULL && below->kind == DIST_PLAN_LOCK && below->lock->leavesChanged)
		spec->leavesChanged = false;

	foreach(lc, stmt->planTree->targetlist)
	{
		if (!lfirst_node(TargetEntry, lc)->resjunk)
			nshown++;
	}
	if (!read_first_copies(stmt, spec))
		spec->relids = NIL;
	add_cursor_node(stmt, spec, nshown);
}

/* ---- WHERE CURRENT OF ---- */

/* the name of the cursor, which may be a variable of a procedural language */
static Expr *
cursor_name(CurrentOfExpr *current)
{
	Param	   *param;

	if (current->cursor_name != NULL)
		return (Expr *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
								  CStringGetTextDatum(current->cursor_name), false, false);
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = current->cursor_param;
	param->paramtype = REFCURSOROID;
	param->paramtypmod = -1;
	param->location = -1;
	return (Expr *) makeRelabelType((Expr *) param, TEXTOID, -1, DEFAULT_COLLATION_OID,
									COERCE_IMPLICIT_CAST);
}

/* citus_internal.cursor_shard(cursor, relid), or cursor_place */
static Expr *
ask_cursor(const char *function, Oid type, CurrentOfExpr *current, Oid relid)
{
	Oid			args[] = {TEXTOID, OIDOID};
	Oid			functionOid = InvalidOid;
	Oid			extensionOid = InvalidOid;
	Const	   *table = makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(relid),
								  false, true);

	return (Expr *)
		makeFuncExpr(base_own_function(function, 2, args, &functionOid, &extensionOid), type,
					 list_make2(cursor_name(current), table), InvalidOid, DEFAULT_COLLATION_OID,
					 COERCE_EXPLICIT_CALL);
}

static Node *
is_current_row(CurrentOfExpr *current, Oid relid)
{
	Var		   *tableoid = makeVar(current->cvarno, TableOidAttributeNumber, OIDOID, -1,
								   InvalidOid, 0);
	Var		   *ctid = makeVar(current->cvarno, SelfItemPointerAttributeNumber, TIDOID, -1,
							   InvalidOid, 0);

	return (Node *)
		makeFuncExpr(base_is_row_oid(), BOOLOID,
					 list_make4(tableoid, ctid,
								ask_cursor("cursor_shard", INT8OID, current, relid),
								ask_cursor("cursor_place", TIDOID, current, relid)),
					 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

bool
planner_is_row_condition(Node *node)
{
	return node != NULL && IsA(node, FuncExpr) &&
		((FuncExpr *) node)->funcid == base_is_row_oid();
}

bool
planner_finds_row_by_place(Query *query)
{
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) query->jointree->quals))
	{
		if (planner_is_row_condition(lfirst(lc)))
			return true;
	}
	return false;
}

static Node *
current_mutator(Node *node, Query *query)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, CurrentOfExpr))
	{
		RangeTblEntry *rte = rt_fetch(((CurrentOfExpr *) node)->cvarno, query->rtable);

		if (rte->rtekind != RTE_RELATION || !catalog_table_is_known(rte->relid))
			return copyObject(node);
		return is_current_row((CurrentOfExpr *) node, rte->relid);
	}
	return expression_tree_mutator(node, current_mutator, query);
}

static bool
has_current(Query *query)
{
	ListCell   *lc;

	if (query->commandType != CMD_UPDATE && query->commandType != CMD_DELETE)
		return false;
	foreach(lc, make_ands_implicit((Expr *) query->jointree->quals))
	{
		if (IsA(lfirst(lc), CurrentOfExpr))
			return true;
	}
	return false;
}

static void
resolve_current(Query *query)
{
	RangeTblEntry *target;

	if (!has_current(query))
		return;
	query->jointree->quals = current_mutator(query->jointree->quals, query);
	target = rt_fetch(query->resultRelation, query->rtable);
	if (may_be_named(target))
		name_as_owner(query, target);
}

Query *
planner_resolve_current_of(Query *query)
{
	bool		found = has_current(query);
	ListCell   *lc;

	foreach(lc, query->hasModifyingCTE ? query->cteList : NIL)
		found |= has_current(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery));
	if (!found)
		return query;
	query = copyObject(query);
	resolve_current(query);
	foreach(lc, query->cteList)
		resolve_current(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery));
	return query;
}
