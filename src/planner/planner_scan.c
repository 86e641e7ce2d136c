/*
 * planner_scan.c
 *	  The last strategy: known relations are base relations of the server's planner.
 *
 * The server plans the statement as it stands.  For every known relation, and for every stand-in
 * of a fragment, set_rel_pathlist_hook replaces the paths by the one custom path of ours: a scan
 * that fetches the needed columns of the rows that pass the filters other nodes can evaluate.
 * Joins, aggregates, sub-queries and recursion above it are the server's own.  Parts of the
 * statement that the faster strategies can take are replaced by fragments first.
 *
 * Row locks: the server would lock tuples of the shell; the fragments lock instead, and the plan's
 * row marks on known relations are taken away.
 *
 * Invariant: no plan made here reads or locks tuples of a shell.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "citus/routing/routing.h"
#include "planner_paths_internal.h"
#include "planner_ranks_internal.h"
#include "planner_union_internal.h"

static Plan *plan_scan_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path,
							List *tlist, List *clauses, List *customPlans);

static const CustomPathMethods scanPathMethods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.PlanCustomPath = plan_scan_path,
};

/* ---- paths ---- */

/*
 * Marks of a relation that stay while the server plans: the names of common table expressions,
 * which a relation does not have.  The server takes the mark of ONLY from one that has no children,
 * or is not to be expanded.  One whose policies are asked here, not by its shards, is read as its
 * owner reads it, whatever is forced on him.
 */
typedef enum RelationMark
{
	MARK_NONE,
	MARK_ONLY = 1,
	MARK_UNFORCED = 2
} RelationMark;

static char *const relationMarks[] = {NULL, "only", "unforced", "only, unforced"};

static RelationMark
marks_of(const RangeTblEntry *rte)
{
	RelationMark marks = MARK_ONLY | MARK_UNFORCED;

	if (rte->ctename == NULL)
		return MARK_NONE;
	while (strcmp(rte->ctename, relationMarks[marks]) != 0)
		marks--;
	return marks;
}

static void
add_mark(RangeTblEntry *rte, RelationMark mark)
{
	rte->ctename = relationMarks[marks_of(rte) | mark];
}

static bool
is_marked_unforced(const RangeTblEntry *rte)
{
	return (marks_of(rte) & MARK_UNFORCED) != 0;
}

Oid
planner_rel_role(PlannerInfo *root, Index relid)
{
	RangeTblEntry *rte = planner_rt_fetch(relid, root);
	Oid			role = is_marked_unforced(rte) ? catalog_relation_owner(rte->relid) :
		compat_rte_check_as_user(root->parse, rte);

	return role == GetUserId() ? InvalidOid : role;
}

/* the sub-query whose result a parameter is, if the level computes it once; or NULL */
static SubPlan *
init_plan_of_param(PlannerInfo *root, int paramid)
{
	ListCell   *lc;

	foreach(lc, root->init_plans)
	{
		if (list_member_int(lfirst_node(SubPlan, lc)->setParam, paramid))
			return lfirst(lc);
	}
	return NULL;
}

/* walker: what of the plan computes values, which the server must know that the node depends on */
static bool
exec_param_walker(Node *node, List **params)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) ||
		(IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC))
		*params = list_append_unique(*params, node);
	return expression_tree_walker(node, exec_param_walker, params);
}

/*
 * walker: finds values that change while the level runs; and sub-queries' values that it may never
 * ask for, which could fail: a fragment has its values before it starts
 */
static bool
changing_param_walker(Node *node, PlannerInfo *root)
{
	if (node == NULL)
		return false;
	if (IsA(node, CaseExpr) || IsA(node, CoalesceExpr))
	{
		List	   *params = NIL;

		(void) exec_param_walker(node, &params);
		return params != NIL;
	}
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return init_plan_of_param(root, ((Param *) node)->paramid) == NULL;
	return expression_tree_walker(node, changing_param_walker, root);
}

/* walker: finds values of the plan's execution that have no text */
static bool
pseudo_param_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return get_typtype(((Param *) node)->paramtype) == TYPTYPE_PSEUDO;
	return expression_tree_walker(node, pseudo_param_walker, context);
}

bool
planner_reads_changing_params(PlannerInfo *root, Node *expr)
{
	return changing_param_walker(expr, root);
}

/*
 * walker: tableoid, which clauses that the server has simplified compare with numbers of this node
 * for tables, no longer with names
 */
static bool
tableoid_walker(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno == TableOidAttributeNumber;
	return expression_tree_walker(node, tableoid_walker, nothing);
}

bool
planner_reads_tableoid(Node *expr)
{
	return tableoid_walker(expr, NULL);
}

bool
planner_clause_is_for_shards(Node *clause)
{
	return !tableoid_walker(clause, NULL) && planner_expr_is_shippable(clause);
}

bool
planner_clause_can_be_pushed(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *rinfo,
							 Node *clause, bool isOthers, bool changing)
{
	if (rinfo->pseudoconstant || pseudo_param_walker(clause, NULL) ||
		(!changing && changing_param_walker(clause, root)))
		return false;
	/* a row of a relation beside this one (LATERAL) is known to this node only */
	if (!bms_is_subset(pull_varnos(root, clause), rel->relids))
		return false;
	if (rinfo->security_level > rel->baserestrict_min_security && !rinfo->leakproof)
		return false;
	if (isOthers && !planner_expr_is_trusted(clause))
		return false;
	return planner_clause_is_for_shards(clause);
}

/*
 * Columns of rel (Vars, system columns and whole rows included) that the given expressions read.
 * Columns of other relations in them (LATERAL) are values of the node's execution.
 */
static List *
needed_vars(RelOptInfo *rel, List *exprs, List *quals)
{
	List	   *found = pull_var_clause((Node *) exprs,
										PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
										PVC_RECURSE_PLACEHOLDERS);
	List	   *result = NIL;
	ListCell   *lc;

	found = list_concat(found, pull_var_clause((Node *) quals,
											   PVC_RECURSE_AGGREGATES |
											   PVC_RECURSE_WINDOWFUNCS |
											   PVC_RECURSE_PLACEHOLDERS));
	foreach(lc, found)
	{
		Var		   *var = lfirst_node(Var, lc);

		if (var->varno == rel->relid && var->varlevelsup == 0)
			result = list_append_unique(result, var);
	}
	return result;
}

static RowMarkClause *
row_lock_of(PlannerInfo *root, Index rti)
{
	ListCell   *lc;

	foreach(lc, root->rowMarks)
	{
		PlanRowMark *mark = lfirst_node(PlanRowMark, lc);

		if (mark->rti == rti && mark->markType < ROW_MARK_REFERENCE)
		{
			RowMarkClause *clause = makeNode(RowMarkClause);

			clause->rti = 1;
			clause->strength = mark->strength;
			clause->waitPolicy = mark->waitPolicy;
			return clause;
		}
	}
	return NULL;
}

RangeTblEntry *
planner_rel_entry(PlannerInfo *root, Index relid)
{
	RangeTblEntry *rte = copyObject(planner_rt_fetch(relid, root));

	rte->inh = (marks_of(rte) & MARK_ONLY) == 0;
	rte->relkind = get_rel_relkind(rte->relid);
	rte->ctename = NULL;
	rte->securityQuals = NIL;
	rte->lateral = false;
	return rte;
}

List *
planner_scan_columns(List *vars)
{
	if (vars != NIL)
		return vars;
	return list_make1(makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(0), false, true));
}

/* SELECT vars FROM relation WHERE quals, as a Query with the relation at 1 */
static Query *
make_scan_query(PlannerInfo *root, RelOptInfo *rel, List *vars, List *quals)
{
	RangeTblEntry *rte = planner_rel_entry(root, rel->relid);
	Query	   *query = planner_make_select_from(rte);
	RowMarkClause *lock = row_lock_of(root, rel->relid);
	ListCell   *lc;

	/* of a lateral sub-query that is part of the level now */
	rte->tablesample = (TableSampleClause *)
		planner_lookup_clause(root, rel, (Node *) rte->tablesample, true);
	if (quals != NIL)
		query->jointree->quals = (Node *) make_ands_explicit(copyObject(quals));
	foreach(lc, planner_scan_columns(vars))
	{
		int			number = foreach_current_index(lc) + 1;

		query->targetList = lappend(query->targetList,
									makeTargetEntry(copyObject(lfirst(lc)), number,
													psprintf("column_%d", number), false));
	}
	planner_move_vars((Node *) query->targetList, rel->relid, 1);
	planner_move_vars((Node *) query->jointree->quals, rel->relid, 1);
	if (lock != NULL)
	{
		query->rowMarks = list_make1(lock);
		query->hasForUpdate = true;
	}
	return query;
}

static Fragment *
make_scan_fragment(PlannerInfo *root, RelOptInfo *rel, List *vars, List *quals)
{
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	const DistTable *table = catalog_table_get(rte->relid);
	Query	   *query = make_scan_query(root, rel, vars, quals);
	PruneSpec  *prune = NULL;
	Fragment   *fragment;
	List	   *params;
	const char *reason;

	if (table->kind == DIST_TABLE_HASH)
		prune = routing_prune_from_quals(make_ands_implicit((Expr *) query->jointree->quals), 1,
										 table);
	reason = planner_ship_query(query, &params);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read table \"%s\" from its shards", get_rel_name(rte->relid)),
				 errdetail_internal("%s", reason)));
	fragment = planner_make_fragment(query, params, rte->relid, prune);
	fragment->mayBeNowhere = true;
	fragment->estimatedRows = rel->rows;
	fragment->role = planner_rel_role(root, rel->relid);
	fragment->unforced = is_marked_unforced(rte);
	return fragment;
}

static void
find_exec_params(const Fragment *fragment, List **params)
{
	ListCell   *lc;

	(void) exec_param_walker((Node *) fragment->params, params);
	foreach(lc, fragment->movements)
		find_exec_params(((Movement *) lfirst(lc))->source, params);
}

CustomScan *
planner_make_scan_node(DistPlan *plan, List *tlist, List *quals, List *columns)
{
	CustomScan *scan = makeNode(CustomScan);
	ListCell   *lc;

	foreach(lc, columns)
		scan->custom_scan_tlist =
			lappend(scan->custom_scan_tlist,
					makeTargetEntry(copyObject(lfirst(lc)), foreach_current_index(lc) + 1, NULL,
									false));
	if (plan->fragment != NULL)
		find_exec_params(plan->fragment, &scan->custom_exprs);
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = quals;
	scan->scan.scanrelid = 0;
	scan->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	scan->custom_private = list_make1(plan);
	scan->methods = plan_custom_scan_methods();
	return scan;
}

static Plan *
plan_relation_path(PlannerInfo *root, RelOptInfo *rel, const CustomPath *path, List *tlist,
				   List *clauses)
{
	List	   *pushed = NIL;
	List	   *constant = NIL;	/* of those pushed: do not change from run to run */
	List	   *local = NIL;
	List	   *vars;
	List	   *sortKeys;
	DistPlan   *plan;
	bool		isOthers = OidIsValid(planner_rel_role(root, rel->relid));
	bool		lookup = planner_path_is_lookup(path);
	ListCell   *lc;

	foreach(lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Node	   *clause = (Node *) rinfo->clause;

		if (lookup && path->path.param_info != NULL)
			clause = planner_lookup_clause(root, rel, clause, true);
		if (planner_clause_can_be_pushed(root, rel, rinfo, clause, isOthers, lookup))
			pushed = lappend(pushed, clause);
		else if (rinfo->pseudoconstant)
			continue;
		if (!list_member_ptr(pushed, clause) ||
			(lookup && changing_param_walker(clause, root)))
			local = lappend(local, clause);
		else
			constant = lappend(constant, clause);
	}
	/* tlist may be empty when a projection above will replace it */
	vars = needed_vars(rel, list_concat_copy(rel->reltarget->exprs, tlist), local);
	sortKeys = planner_sort_keys_for(rel, path->path.pathkeys, &vars);
	plan = plan_make(DIST_PLAN_FRAGMENT, lookup ? "lookup" : "scan");
	plan->fragment = make_scan_fragment(root, rel, vars, pushed);
	if (lookup)
		plan->fragment->all = make_scan_fragment(root, rel, vars, constant);
	if (sortKeys != NIL)
		planner_fragment_sort(plan->fragment, sortKeys);
	return (Plan *) planner_make_scan_node(plan, tlist, local, planner_scan_columns(vars));
}

List *
planner_function_vars(RangeTblEntry *rte, Index rti)
{
	RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);
	List	   *vars = NIL;
	ListCell   *type;
	ListCell   *typmod;
	ListCell   *collation;

	forthree(type, function->funccoltypes, typmod, function->funccoltypmods,
			 collation, function->funccolcollations)
		vars = lappend(vars, makeVar(rti, list_length(vars) + 1, lfirst_oid(type),
									 lfirst_int(typmod), lfirst_oid(collation), 0));
	return vars;
}

/* Vars of the columns that a stand-in gives */
static List *
stand_in_vars(PlannerInfo *root, RelOptInfo *rel)
{
	return planner_function_vars(planner_rt_fetch(rel->relid, root), rel->relid);
}

static Plan *
plan_fragment_path(PlannerInfo *root, RelOptInfo *rel, const CustomPath *path, DistPlan *plan,
				   List *tlist, List *clauses)
{
	List	   *vars = stand_in_vars(root, rel);

	plan = planner_plan_with_values(plan, planner_rt_fetch(rel->relid, root));
	if (path->path.pathkeys != NIL && plan->fragment->sortKeys == NIL)
	{
		plan = copyObject(plan);
		planner_fragment_sort(plan->fragment,
							  planner_sort_keys_for(rel, path->path.pathkeys, &vars));
	}
	return (Plan *) planner_make_scan_node(plan, tlist, extract_actual_clauses(clauses, false),
										   vars);
}

static Plan *
plan_scan_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path, List *tlist,
			   List *clauses, List *customPlans)
{
	DistPlan   *plan = planner_rte_plan(planner_rt_fetch(rel->relid, root));

	if (plan != NULL)
		return plan_fragment_path(root, rel, path, plan, tlist, clauses);
	return plan_relation_path(root, rel, path, tlist, clauses);
}

/* the path for rows in an order that is wanted, or that a fragment has; NULL: none */
static Path *
make_sorted_path(PlannerInfo *root, RelOptInfo *rel, const CustomPath *path)
{
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	DistPlan   *plan = planner_rte_plan(rte);

	if (plan != NULL)
		return plan->fragment == NULL ? NULL :
			planner_sort_path(root, rel, path, plan->fragment,
							  catalog_table_get(plan->fragment->anchor),
							  stand_in_vars(root, rel));
	if (row_lock_of(root, rel->relid) != NULL ||
		catalog_table_get(rte->relid)->kind == DIST_TABLE_REFERENCE)
		return NULL;
	return planner_sort_path(root, rel, path, NULL, catalog_table_get(rte->relid), NIL);
}

/*
 * The server takes an array that it does not know for one of ten values: corrected where a
 * sub-query makes it.
 */
static void
correct_rows(PlannerInfo *root, RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) lfirst_node(RestrictInfo, lc)->clause;
		Param	   *array = IsA(any, ScalarArrayOpExpr) ? lsecond(any->args) : NULL;
		SubPlan    *subplan;
		Plan	   *plan;

		if (array == NULL || !IsA(array, Param) || array->paramkind != PARAM_EXEC)
			continue;
		subplan = init_plan_of_param(root, array->paramid);
		if (subplan == NULL || subplan->subLinkType != ARRAY_SUBLINK)
			continue;
		plan = list_nth(root->glob->subplans, subplan->plan_id - 1);
		rel->rows = clamp_row_est(Min(rel->rows * plan->plan_rows / 10.0, rel->tuples));
	}
}

double
planner_rel_rows_to_bring(PlannerInfo *root, RelOptInfo *rel)
{
	bool		isOthers = OidIsValid(planner_rel_role(root, rel->relid));
	List	   *pushed = NIL;
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (planner_clause_can_be_pushed(root, rel, rinfo, (Node *) rinfo->clause, isOthers,
										 false))
			pushed = lappend(pushed, rinfo);
	}
	if (list_length(pushed) == list_length(rel->baserestrictinfo))
		return rel->rows;
	return clamp_row_est(rel->tuples *
						 clauselist_selectivity(root, pushed, 0, JOIN_INNER, NULL));
}

/*
 * Our paths in place of the server's; answers a copy of the one that brings all rows: add_path()
 * frees what the sorted one is as cheap as.  tuples: how many are read; brought: how many come
 * here, to be filtered further.
 */
static CustomPath *
replace_paths(PlannerInfo *root, RelOptInfo *rel, double tuples, double brought, bool lookup)
{
	CustomPath *path = makeNode(CustomPath);
	CustomPath *copy = makeNode(CustomPath);
	Path	   *sorted;

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
	path->path.rows = rel->rows;
	path->path.startup_cost = SCAN_STARTUP_COST;
	path->path.total_cost = SCAN_STARTUP_COST + tuples * cpu_tuple_cost +
		brought * SCAN_ROW_COST;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &scanPathMethods;
	if (lookup)
	{
		path->custom_private = planner_lookup_mark();
		planner_cost_lookup(root, rel, &path->path);
	}

	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	rel->consider_parallel = false;
	*copy = *path;
	sorted = lookup ? NULL : make_sorted_path(root, rel, path);
	add_path(rel, (Path *) path);
	if (sorted != NULL)
		add_path(rel, sorted);
	return copy;
}

static bool
relation_is_ours_to_scan(Oid relid)
{
	return base_extension_is_active() && !base_frame_active(FRAME_OWN_DDL) &&
		catalog_table_is_known(relid);
}

void
planner_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	/* what is known to be empty is not looked at, by us neither: its estimate is no row at all */
	if (planner_is_estimating() || IS_DUMMY_REL(rel))
		return;
	if (rte->rtekind == RTE_FUNCTION)
	{
		DistPlan   *plan;

		if (!base_extension_is_active())
			return;
		plan = planner_rte_plan(rte);
		if (plan != NULL)
		{
			planner_estimate_stand_in(root, rel, plan);
			(void) replace_paths(root, rel, rel->tuples, rel->rows, false);
		}
		else
			planner_moved_pathlist(root, rel, rte);
	}
	else if (rte->rtekind == RTE_RELATION && !rte->inh &&
			 rte->relkind != RELKIND_PARTITIONED_TABLE && relation_is_ours_to_scan(rte->relid))
	{
		CustomPath *path;

		correct_rows(root, rel);
		path = replace_paths(root, rel, rel->tuples, planner_rel_rows_to_bring(root, rel),
							 planner_rel_is_looked_up(root, rel));
		planner_add_lookup_paths(root, rel, path);
		planner_join_note_relation(root, rel);
	}
}

/*
 * Indexes of the shell serve no path.  Unique ones still tell the planner that rows are unique; a
 * partitioned one must not stay, for no access method stands behind it.
 */
static List *
indexes_that_prove(List *indexes)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		if (index->unique && index->amcostestimate != NULL)
			result = lappend(result, index);
	}
	return result;
}

void
planner_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	if (!relation_is_ours_to_scan(relid))
		return;
	/*
	 * A foreign table's wrapper has no part in the plan: its shard is read, where that is.  An
	 * estimate also comes by partitions, whose entries the server's planner has made itself.
	 */
	if (rel->fdwroutine != NULL)
		planner_rt_fetch(rel->relid, root)->relkind = RELKIND_RELATION;
	rel->fdwroutine = NULL;
	rel->serverid = InvalidOid;
	rel->tuples = planner_table_rows(relid);
	rel->pages = (BlockNumber) (rel->tuples / 100) + 1;
	rel->indexlist = indexes_that_prove(rel->indexlist);
}

/* ---- the statement ---- */

static bool
query_is_worth_a_fragment(Query *query)
{
	ListCell   *lc;
	int			known = 0;

	if (query->commandType != CMD_SELECT)
		return false;
	if (query->hasAggs || query->groupClause != NIL || query->distinctClause != NIL ||
		query->hasWindowFuncs || query->setOperations != NULL || query->limitCount != NULL)
		return true;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && catalog_table_is_known(rte->relid))
			known++;
	}
	return known > 1;
}

/* the query over a node that locks its rows; NULL: it needs none, see planner_lock() */
static Query *
lock_rows(PlanRequest *request, Query *query, bool scans)
{
	DistPlan   *plan = query->rowMarks == NIL || planner_is_correlated(query) ? NULL :
		planner_lock(request, query, scans);

	return plan == NULL ? NULL : planner_select_from_plan(plan, query->targetList);
}

/* the query over a fragment that gives query's rows, or query itself */
static Query *
reduce_query(PlanRequest *request, Query *query)
{
	Refusal		refusal = {NULL, 0};
	Query	   *reduced = lock_rows(request, query, false);

	if (reduced != NULL)
		return reduced;
	if (query_is_worth_a_fragment(query) && planner_has_known_relation(query) &&
		!planner_is_correlated(query))
	{
		Query	   *normal = planner_normalize(query);

		reduced = planner_transform_fragments(request, normal, &refusal, NULL);
		if (reduced == NULL)
			reduced = planner_transform_values(request, normal, &refusal);
		if (reduced == NULL)
			planner_union_thin(request, query);
	}
	if (reduced == NULL)
		reduced = lock_rows(request, query, true);
	return reduced != NULL ? reduced : query;
}

/* in place */
static void
group_early(PlanRequest *request, Query *query)
{
	Query	   *grouped = planner_group_early(request, query);

	if (grouped != NULL)
		memcpy(query, grouped, sizeof(Query));
}

static bool
reduce_walker(Node *node, void *context)
{
	PlanRequest *request = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_SUBQUERY && !rte->lateral)
			rte->subquery = reduce_query(request, rte->subquery);
		return false;
	}
	if (IsA(node, CommonTableExpr))
	{
		CommonTableExpr *cte = (CommonTableExpr *) node;

		if (!cte->cterecursive)
			cte->ctequery = (Node *) reduce_query(request, castNode(Query, cte->ctequery));
	}
	else if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;

		sublink->subselect = (Node *) reduce_query(request, castNode(Query, sublink->subselect));
	}
	else if (IsA(node, Query))
	{
		group_early(request, (Query *) node);
		planner_ranks_reduce((Query *) node);
		return query_tree_walker((Query *) node, reduce_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	}
	return expression_tree_walker(node, reduce_walker, context);
}

/*
 * A partitioned table of ours, or one with children, is one relation to the planner: its shards are
 * partitioned, or have children, themselves.  ONLY keeps its meaning: no rows, or those without
 * the children's.
 */
static bool
collapse_partitions_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind != RTE_RELATION || !catalog_table_is_known(rte->relid))
			return false;
		if (!rte->inh && rte->relkind == RELKIND_RELATION)
			add_mark(rte, MARK_ONLY);
		else if (rte->inh || rte->relkind == RELKIND_FOREIGN_TABLE)
			rte->relkind = RELKIND_RELATION;
		rte->inh = false;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collapse_partitions_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, collapse_partitions_walker, context);
}

static bool
mark_unforced_walker(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, mark_unforced_walker, context);
	foreach(lc, ((Query *) node)->rtable)
	{
		if (planner_relation_asks_caller((Query *) node, lfirst(lc)))
			add_mark(lfirst(lc), MARK_UNFORCED);
	}
	return query_tree_walker((Query *) node, mark_unforced_walker, context, 0);
}

static List *
marks_without_known(PlannedStmt *stmt, List *marks)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, marks)
	{
		PlanRowMark *mark = lfirst_node(PlanRowMark, lc);
		RangeTblEntry *rte = rt_fetch(mark->rti, stmt->rtable);

		if (mark->markType >= ROW_MARK_REFERENCE || rte->rtekind != RTE_RELATION ||
			!catalog_table_is_known(rte->relid))
			result = lappend(result, mark);
	}
	return result;
}

/* the nodes that can have a LockRows below them: it tops a query level, LIMIT apart */
static void
strip_lock_rows(PlannedStmt *stmt, Plan *plan)
{
	ListCell   *lc;
	List	   *children = NIL;

	if (plan == NULL)
		return;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_LockRows:
			((LockRows *) plan)->rowMarks = marks_without_known(stmt,
																((LockRows *) plan)->rowMarks);
			break;
		case T_Append:
			children = ((Append *) plan)->appendplans;
			break;
		case T_MergeAppend:
			children = ((MergeAppend *) plan)->mergeplans;
			break;
		case T_SubqueryScan:
			strip_lock_rows(stmt, ((SubqueryScan *) plan)->subplan);
			break;
		default:
			break;
	}
	foreach(lc, children)
		strip_lock_rows(stmt, lfirst(lc));
	strip_lock_rows(stmt, plan->lefttree);
	strip_lock_rows(stmt, plan->righttree);
}

static void
strip_row_marks(PlannedStmt *stmt)
{
	ListCell   *lc;

	if (stmt->rowMarks == NIL)
		return;
	strip_lock_rows(stmt, stmt->planTree);
	foreach(lc, stmt->subplans)
		strip_lock_rows(stmt, lfirst(lc));
	stmt->rowMarks = marks_without_known(stmt, stmt->rowMarks);
}

/*
 * Scans below nodes that pass the direction on can be read backwards, at the price of keeping their
 * rows: what DECLARE CURSOR asks for unless it says NO SCROLL.
 */
void
planner_allow_backward(Plan *plan)
{
	ListCell   *lc;

	if (plan == NULL)
		return;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_CustomScan:
			{
				CustomScan *scan = (CustomScan *) plan;
				DistPlan   *dist = plan_of_custom_scan(plan);

				if (dist != NULL && dist->kind == DIST_PLAN_FRAGMENT && !dist->modifies &&
					dist->fragment->command == CMD_SELECT)
					scan->flags |= CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
				break;
			}
		case T_Append:
			foreach(lc, ((Append *) plan)->appendplans)
				planner_allow_backward(lfirst(lc));
			break;
		case T_SubqueryScan:
			planner_allow_backward(((SubqueryScan *) plan)->subplan);
			break;
		case T_Result:
		case T_Limit:
		case T_LockRows:
			planner_allow_backward(plan->lefttree);
			break;
		default:
			break;
	}
}

PlannedStmt *
planner_run_server(PlanRequest *request, Query *query)
{
	int			options = planner_parallel_options(query, request->cursorOptions);
	ParamListInfo params = planner_moved_params(query, request->boundParams);

	if (query != request->query)
		compat_restore_group_rtes(query);
	if (request->next != NULL)
		return request->next(query, request->queryString, options, params);
	return standard_planner(query, request->queryString, options, params);
}

/*
 * planner_scan
 *		Never refuses a SELECT.  Raises 0A000 when part of the statement would modify a known
 *		relation.
 */
PlannedStmt *
planner_scan(PlanRequest *request)
{
	if (planner_find_modification(request->query, false) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot modify a distributed table in a sub-query that several shards "
						"take part in"),
				 errhint("Run the modification as a statement of its own.")));
	return planner_scan_query(request, copyObject(request->query));
}

PlannedStmt *
planner_scan_query(PlanRequest *request, Query *query)
{
	PlannedStmt *stmt;

	planner_compute_samples(query);
	group_early(request, query);
	planner_union_thin(request, query);
	planner_ranks_reduce(query);
	(void) query_tree_walker(query, reduce_walker, request, QTW_EXAMINE_RTES_BEFORE);
	planner_narrow(request, query);
	(void) mark_unforced_walker((Node *) query, NULL);
	(void) query_tree_walker(query, collapse_partitions_walker, NULL, QTW_EXAMINE_RTES_BEFORE);
	planner_shield(query);
	stmt = planner_run_server(request, query);
	strip_row_marks(stmt);
	compat_stmt_take_relations(stmt, request->query);
	return stmt;
}
