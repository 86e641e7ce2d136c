/*
 * planner_group_paths.c
 *	  Grouping and aggregates beneath a larger plan that the shards can make.
 *
 * Where the server plans a statement as it stands (planner_scan.c), and what a level groups is one
 * piece (planner_join_paths.c), there are two more ways than to bring the piece's rows here:
 *
 *	 per shard	each group lies in one shard: a fragment has them all, whole;
 *	 two steps	the fragment has partial results, a node of the server's finishes them
 *				(planner_aggregate.c), and a node of ours, DIST_PLAN_RELAY, shows its rows as those
 *				of the aggregates that the rest of the plan knows.
 *
 * Whatever is made of aggregates and of grouping expressions stays here: sub-queries on local
 * relations may be in it.  HAVING stays, too, unless the shards know all about a group.  Conditions
 * of the piece that only this node can check, such as those on a row of an outer query, are checked
 * on partial results that are grouped by the columns they read.  Cost decides, as ever.
 *
 * Invariants: (1) the columns of either way's node are the grouping expressions, then the
 * aggregates, as the server's planner knows them; (2) what is grouped by more than the query asks
 * for is grouped by columns whose equal values cannot be told apart.
 *
 * Not here: grouping sets, and aggregates whose second step needs sorted rows in several groups.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "catalog/pg_aggregate.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "parser/parse_agg.h"
#include "parser/parse_oper.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "citus/base/compat_planner.h"
#include "planner_paths_internal.h"

/* what a level groups, and by what */
typedef struct Grouping
{
	PlannerInfo *root;
	RelOptInfo *input;
	RelOptInfo *output;
	const JoinPiece *piece;
	int			ngroups;		/* the first of columns are grouping expressions */
	List	   *columns;		/* then aggregates, and what depends on the groups */
	List	   *extra;			/* Vars that conditions read which only this node can check */
	List	   *having;			/* conditions that are checked here */
	List	   *shipped;		/* those that the shards may check, where groups are whole there */
	bool		hasAggregates;
	bool		impossible;

	/* once the piece's query is made */
	Index	   *numbers;		/* its entries by those of root */
	List	   *vars;			/* of root, in columns and extra */
} Grouping;

/* a node of ours, and what its plan is made of */
typedef struct GroupedPath
{
	CustomPath	path;
	const char *strategy;
	PieceFragment fragment;		/* query is NULL: rows of a child plan are shown as columns */
	Oid			role;
	List	   *columns;
	List	   *quals;
} GroupedPath;

static Plan *plan_group_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path,
							 List *tlist, List *clauses, List *customPlans);

static const CustomPathMethods groupPathMethods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.PlanCustomPath = plan_group_path,
};

static Plan *
plan_group_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path, List *tlist,
				List *clauses, List *customPlans)
{
	GroupedPath  *group = (GroupedPath *) path;
	DistPlan   *plan;
	CustomScan *scan;

	if (group->fragment.query == NULL)
		plan = plan_make(DIST_PLAN_RELAY, group->strategy);
	else
		plan = planner_piece_plan(&group->fragment, group->strategy, group->role,
								  path->path.rows);
	scan = planner_make_scan_node(plan, tlist, copyObject(group->quals), group->columns);
	scan->custom_plans = customPlans;
	return (Plan *) scan;
}

/* ---- what is grouped ---- */

static bool
system_column_walker(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0;
	return expression_tree_walker(node, system_column_walker, nothing);
}

static bool
may_leave(Grouping *grouping, Node *expr)
{
	return !system_column_walker(expr, NULL) && !expression_returns_set(expr) &&
		!planner_reads_changing_params(grouping->root, expr) &&
		planner_clause_is_for_shards(expr) &&
		(!OidIsValid(grouping->piece->role) || planner_expr_is_trusted(expr));
}

/* walker: finds aggregates, and columns that the groups decide */
static bool
find_columns_walker(Node *node, Grouping *grouping)
{
	if (node == NULL || grouping->impossible)
		return false;
	if (list_member(grouping->columns, node))
		return false;
	if (IsA(node, Aggref) || IsA(node, Var))
	{
		grouping->hasAggregates |= IsA(node, Aggref);
		grouping->columns = lappend(grouping->columns, node);
		return false;
	}
	grouping->impossible |= IsA(node, GroupingFunc) || IsA(node, PlaceHolderVar);
	return expression_tree_walker(node, find_columns_walker, grouping);
}

static bool
describe_grouping(Grouping *grouping, List *having)
{
	PlannerInfo *root = grouping->root;
	ListCell   *lc;

	foreach(lc, root->parse->groupClause)
		grouping->columns =
			lappend(grouping->columns,
					get_sortgroupclause_tle(lfirst(lc), root->processed_tlist)->expr);
	grouping->ngroups = list_length(grouping->columns);
	(void) find_columns_walker((Node *) grouping->output->reltarget->exprs, grouping);
	(void) find_columns_walker((Node *) having, grouping);
	foreach(lc, grouping->columns)
		grouping->impossible |= !may_leave(grouping, lfirst(lc));
	foreach(lc, having)
	{
		if (may_leave(grouping, lfirst(lc)))
			grouping->shipped = lappend(grouping->shipped, lfirst(lc));
		else
			grouping->having = lappend(grouping->having, lfirst(lc));
	}
	foreach(lc, pull_var_clause((Node *) grouping->piece->localQuals, 0))
		grouping->extra = list_append_unique(grouping->extra, lfirst(lc));
	/* without either there is one row, whatever there is below it */
	return grouping->columns != NIL && !grouping->impossible &&
		!system_column_walker((Node *) grouping->extra, NULL);
}

/* ---- the query of the shards ---- */

/* aggregates as they were before they were planned; in place */
static bool
forget_plan_walker(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		((Aggref *) node)->aggno = ((Aggref *) node)->aggtransno = -1;
		compat_aggref_forget_order((Aggref *) node);
	}
	return expression_tree_walker(node, forget_plan_walker, nothing);
}

/* takes the last n columns from a query, as expressions */
static List *
take_columns(Query *query, int n)
{
	int			left = list_length(query->targetList) - n;
	List	   *taken = NIL;
	ListCell   *lc;

	foreach(lc, list_copy_tail(query->targetList, left))
		taken = lappend(taken, lfirst_node(TargetEntry, lc)->expr);
	query->targetList = list_truncate(query->targetList, left);
	return taken;
}

/* the grouped query over the piece, with the extra columns at the end of its target list */
static Query *
make_grouped_query(Grouping *grouping)
{
	List	   *columns = list_concat_copy(grouping->columns, grouping->extra);
	Query	   *query = planner_piece_query(grouping->root, grouping->piece,
											list_concat(columns, grouping->shipped),
											&grouping->numbers);
	List	   *having;
	ListCell   *lc;

	if (query == NULL)
		return NULL;
	(void) forget_plan_walker((Node *) query->targetList, NULL);
	foreach(lc, grouping->root->parse->groupClause)
	{
		SortGroupClause *clause = copyObject(lfirst_node(SortGroupClause, lc));

		list_nth_node(TargetEntry, query->targetList,
					  foreach_current_index(lc))->ressortgroupref = clause->tleSortGroupRef;
		query->groupClause = lappend(query->groupClause, clause);
	}
	query->hasAggs = grouping->hasAggregates;
	having = take_columns(query, list_length(grouping->shipped));
	query->havingQual = having == NIL ? NULL : (Node *) make_ands_explicit(having);
	return query;
}

static Node *
back_mutator(Node *node, Grouping *grouping)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, back_mutator, grouping);
	foreach(lc, grouping->vars)
	{
		Var		   *var = lfirst_node(Var, lc);

		if (grouping->numbers[var->varno] == ((Var *) node)->varno &&
			var->varattno == ((Var *) node)->varattno)
			return (Node *) copyObject(var);
	}
	elog(ERROR, "a column of a fragment belongs to no relation");
}

/* an expression of the piece's query as one of the level */
static Node *
back_to_level(Grouping *grouping, Node *expr)
{
	return back_mutator(expr, grouping);
}

/* false: the same column is known as one that an outer join makes NULL, and as one that is not */
static bool
note_vars(Grouping *grouping)
{
	ListCell   *lc;

	foreach(lc, pull_var_clause((Node *) list_concat_copy(grouping->columns, grouping->extra),
								PVC_RECURSE_AGGREGATES))
	{
		Var		   *var = lfirst_node(Var, lc);
		ListCell   *other;

		foreach(other, grouping->vars)
		{
			Var		   *known = lfirst_node(Var, other);

			if (known->varno == var->varno && known->varattno == var->varattno &&
				!equal(known, var))
				return false;
		}
		grouping->vars = list_append_unique(grouping->vars, var);
	}
	return true;
}

/* ---- paths ---- */

static GroupedPath *
make_path(Grouping *grouping, const char *strategy, PathTarget *target, double rows)
{
	GroupedPath  *group = palloc0(sizeof(GroupedPath));
	Path	   *path = &group->path.path;

	NodeSetTag(group, T_CustomPath);
	path->pathtype = T_CustomScan;
	path->parent = grouping->input;
	path->pathtarget = target;
	path->rows = clamp_row_est(rows);
	group->path.flags = CUSTOMPATH_SUPPORT_PROJECTION;
	group->path.methods = &groupPathMethods;
	group->strategy = strategy;
	group->role = grouping->piece->role;
	return group;
}

/* the piece's rows are grouped where they are, by nodes at the same time */
static void
cost_fragment(Grouping *grouping, GroupedPath *group)
{
	Path	   *path = &group->path.path;
	double		step = cpu_operator_cost * list_length(grouping->columns);

	path->startup_cost = SCAN_STARTUP_COST + grouping->piece->work +
		grouping->piece->rows * step;
	path->total_cost = path->startup_cost + path->rows * SCAN_ROW_COST;
}

static void
cost_target(Grouping *grouping, GroupedPath *group, double rows)
{
	Path	   *path = &group->path.path;
	QualCost	quals;

	cost_qual_eval(&quals, group->quals, grouping->root);
	path->startup_cost += quals.startup + path->pathtarget->cost.startup;
	path->total_cost += quals.startup + path->pathtarget->cost.startup +
		rows * (quals.per_tuple + path->pathtarget->cost.per_tuple);
}

static double
count_groups(Grouping *grouping, List *by, double rows)
{
	return by == NIL ? 1 : estimate_num_groups(grouping->root, by, rows, NULL, NULL);
}

static List *
grouped_by(Grouping *grouping)
{
	return list_copy_head(grouping->columns, grouping->ngroups);
}

/* ---- groups that lie in one shard ---- */

static void
add_whole_path(Grouping *grouping, Query *query, const QueryShape *shape)
{
	double		groups = count_groups(grouping, grouped_by(grouping), grouping->piece->rows);
	GroupedPath  *group = make_path(grouping, "aggregates per shard", grouping->output->reltarget,
								  groups);

	group->fragment.query = query;
	if (!planner_piece_take_shape(&group->fragment, shape))
		return;
	group->columns = grouping->columns;
	group->quals = grouping->having;
	cost_fragment(grouping, group);
	cost_target(grouping, group, groups);
	add_path(grouping->output, &group->path.path);
}

/* ---- groups of several shards ---- */

bool
planner_equal_is_same(const Var *var)
{
	TypeCacheEntry *type = lookup_type_cache(getBaseType(var->vartype), TYPECACHE_BTREE_OPFAMILY);
	Oid			function;

	if (!OidIsValid(type->btree_opf))
		return false;
	function = get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype,
								 BTEQUALIMAGE_PROC);
	return OidIsValid(function) &&
		DatumGetBool(OidFunctionCall1Coll(function, var->varcollid,
										  ObjectIdGetDatum(type->btree_opintype)));
}

/* groups lower by a column more, unless it already is */
static void
group_lower_by(Query *lower, Expr *column)
{
	SortGroupClause *clause = makeNode(SortGroupClause);
	TargetEntry *tle;
	Index		ref = 0;
	ListCell   *lc;

	foreach(lc, lower->targetList)
	{
		tle = lfirst_node(TargetEntry, lc);
		ref = Max(ref, tle->ressortgroupref);
		if (equal(tle->expr, column))
			return;
	}
	tle = makeTargetEntry(column, list_length(lower->targetList) + 1,
						  psprintf("column_%d", list_length(lower->targetList) + 1), false);
	tle->ressortgroupref = clause->tleSortGroupRef = ref + 1;
	get_sort_group_operators(exprType((Node *) column), true, true, false, &clause->sortop,
							 &clause->eqop, NULL, &clause->hashable);
	lower->targetList = lappend(lower->targetList, tle);
	lower->groupClause = lappend(lower->groupClause, clause);
}

/* columns of lower as the level's; refs of the clauses that it is grouped by, if marked */
static PathTarget *
target_of_lower(Grouping *grouping, Query *lower, bool marked)
{
	PathTarget *target = create_empty_pathtarget();
	ListCell   *lc;

	foreach(lc, lower->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		add_column_to_pathtarget(target, (Expr *) back_to_level(grouping, (Node *) tle->expr),
								 marked ? tle->ressortgroupref : 0);
	}
	return set_pathtarget_cost_width(grouping->root, target);
}

/* the fragment's rows, as the partial results that they are */
static GroupedPath *
make_partial_path(Grouping *grouping, Query *lower, const QueryShape *shape, bool marked)
{
	List	   *by = list_concat(grouped_by(grouping), grouping->extra);
	const DistTable *table = catalog_table_get(shape->anchor);
	double		groups = count_groups(grouping, by, grouping->piece->rows);
	double		rows = Min(groups * table->nshards, grouping->piece->rows);
	GroupedPath  *group = make_path(grouping, "partial aggregates",
								  target_of_lower(grouping, lower, marked), rows);

	group->columns = group->path.path.pathtarget->exprs;
	group->quals = grouping->piece->localQuals;
	group->fragment.query = lower;
	if (!planner_piece_take_shape(&group->fragment, shape))
		return NULL;
	cost_fragment(grouping, group);
	cost_target(grouping, group, rows);
	return group;
}

static Oid
transition_type(Aggref *agg)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(agg->aggfnoid));
	Oid			types[FUNC_MAX_ARGS];
	Oid			type;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", agg->aggfnoid);
	type = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggtranstype;
	ReleaseSysCache(tuple);
	return resolve_aggregate_transtype(agg->aggfnoid, type, types,
									   get_aggregate_argtypes(agg, types));
}

/*
 * Makes aggregates those of a node, as the server's planner does with those of a query; what is
 * below them are columns of the node's input.
 */
static bool
number_walker(Node *node, int *next)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		Aggref	   *agg = (Aggref *) node;

		agg->aggno = agg->aggtransno = (*next)++;
		agg->aggtranstype = transition_type(agg);
		return false;
	}
	return expression_tree_walker(node, number_walker, next);
}

typedef struct FinishContext
{
	Grouping   *grouping;
	List	   *columns;		/* exprs of the partial results */
} FinishContext;

/* columns of the fragment as expressions of the level; the numbers of fragments end here */
static Node *
finish_mutator(Node *node, FinishContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
		return copyObject(list_nth(context->columns, ((Var *) node)->varattno - 1));
	return expression_tree_mutator(node, finish_mutator, context);
}

/* a column has one ref: of clauses that have become the same, upper keeps the first */
static void
mark_grouped(Query *upper, PathTarget *columns, int column, Index ref)
{
	ListCell   *lc;

	if (columns->sortgrouprefs[column] == 0)
	{
		columns->sortgrouprefs[column] = ref;
		return;
	}
	foreach(lc, upper->groupClause)
	{
		if (lfirst_node(SortGroupClause, lc)->tleSortGroupRef == ref)
			upper->groupClause = foreach_delete_current(upper->groupClause, lc);
	}
}

/*
 * Results as expressions over the columns, which get the refs of the clauses that upper groups by.
 * NULL when upper groups by something else.
 */
static PathTarget *
target_of_upper(Grouping *grouping, Query *upper, PathTarget *columns)
{
	FinishContext context = {grouping, columns->exprs};
	PathTarget *target = create_empty_pathtarget();
	int			next = 0;
	ListCell   *lc;

	foreach(lc, upper->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Expr	   *expr = (Expr *) finish_mutator((Node *) tle->expr, &context);

		if (tle->ressortgroupref > 0)
		{
			if (!IsA(tle->expr, Var))
				return NULL;
			mark_grouped(upper, columns, ((Var *) tle->expr)->varattno - 1, tle->ressortgroupref);
		}
		(void) number_walker((Node *) expr, &next);
		add_column_to_pathtarget(target, expr, tle->ressortgroupref);
	}
	return set_pathtarget_cost_width(grouping->root, target);
}

/* the server's node that finishes partial results */
static Path *
make_finish_path(Grouping *grouping, Path *rows, PathTarget *target, List *groupClause,
				 double groups)
{
	AggClauseCosts costs = {.transCost.per_tuple =
		cpu_operator_cost * (list_length(grouping->columns) - grouping->ngroups)};

	return (Path *) create_agg_path(grouping->root, grouping->input, rows, target,
									groupClause == NIL ? AGG_PLAIN : AGG_HASHED,
									AGGSPLIT_SIMPLE, groupClause, NIL, &costs,
									clamp_row_est(groups));
}

static bool
has_sorted_aggregate(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
		return ((Aggref *) node)->aggdistinct != NIL || ((Aggref *) node)->aggorder != NIL;
	return expression_tree_walker(node, has_sorted_aggregate, nothing);
}

/* the finished rows as those of the aggregates that the plan knows */
static void
add_relay_path(Grouping *grouping, Path *finished, double groups)
{
	GroupedPath  *group = make_path(grouping, "aggregates in two steps",
								  grouping->output->reltarget, groups);

	group->path.custom_paths = list_make1(finished);
	group->columns = grouping->columns;
	group->quals = grouping->having;
	group->path.path.startup_cost = finished->startup_cost;
	group->path.path.total_cost = finished->total_cost;
	cost_target(grouping, group, groups);
	add_path(grouping->output, &group->path.path);
}

static void
add_two_steps(Grouping *grouping, Query *query, QueryShape *shape)
{
	SplitResult split = {0};
	List	   *extra = take_columns(query, list_length(grouping->extra));
	double		groups = count_groups(grouping, grouped_by(grouping), grouping->input->rows);
	Query	   *again = NULL;
	Query	   *upper;
	GroupedPath  *partial;
	PathTarget *columns;
	PathTarget *results;
	Path	   *rows;
	ListCell   *lc;

	query->havingQual = NULL;
	grouping->having = list_concat(grouping->having, grouping->shipped);
	upper = planner_split_aggregates(query, shape, &split);
	if (upper == NULL ||
		(upper->groupClause != NIL && has_sorted_aggregate((Node *) upper->targetList, NULL)) ||
		!grouping_is_hashable(upper->groupClause))
		return;
	/* conditions have been checked when values are made distinct: what these read is left out */
	if (split.groupAgain)
		again = copyObject(split.lower);
	foreach(lc, extra)
		group_lower_by(split.lower, lfirst(lc));
	if (split.groupAgain && !grouping_is_hashable(split.lower->groupClause))
		return;
	split.lower = copyObject(split.lower);
	/* before the fragment's query is made ready to leave */
	columns = target_of_lower(grouping, again != NULL ? again : split.lower, false);
	if (columns->sortgrouprefs == NULL)
		columns->sortgrouprefs = palloc0(sizeof(Index) * list_length(columns->exprs));
	results = target_of_upper(grouping, upper, columns);
	if (results == NULL)
		return;
	partial = make_partial_path(grouping, split.lower, shape, split.groupAgain);
	if (partial == NULL)
		return;
	rows = &partial->path.path;
	if (again != NULL)
		rows = make_finish_path(grouping, rows, columns, again->groupClause, rows->rows);
	else
		rows->pathtarget = columns;
	rows = make_finish_path(grouping, rows, results, upper->groupClause, groups);
	add_relay_path(grouping, rows, groups);
}

static void
add_grouped_paths(Grouping *grouping)
{
	Query	   *query = make_grouped_query(grouping);
	QueryShape	shape;
	ListCell   *lc;

	if (query == NULL || !note_vars(grouping))
		return;
	foreach(lc, grouping->extra)
	{
		if (!planner_equal_is_same(lfirst_node(Var, lc)))
			return;
	}
	/* groups by what the conditions read, too, may have a distribution column's value in common */
	if (grouping->extra != NIL && (has_sorted_aggregate((Node *) query->targetList, NULL) ||
								   has_sorted_aggregate(query->havingQual, NULL)))
		return;
	planner_shape(query, &shape);
	if (grouping->piece->localQuals == NIL &&
		(shape.pinned || planner_shape_is_replica(&shape) ||
		 (shape.complete && planner_upper_part_is_per_shard(query, shape.keys))))
		add_whole_path(grouping, query, &shape);
	else if (shape.complete || shape.pinned)
		add_two_steps(grouping, query, &shape);
}

void
planner_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
					RelOptInfo *output, void *extra)
{
	Grouping	grouping = {.root = root,.input = input,.output = output};

	if (stage != UPPERREL_GROUP_AGG || planner_is_estimating() ||
		root->parse->groupingSets != NIL || output->pathlist == NIL)
		return;
	grouping.piece = planner_piece_of(input);
	if (grouping.piece == NULL ||
		!describe_grouping(&grouping,
						   (List *) ((GroupPathExtraData *) extra)->havingQual))
		return;
	add_grouped_paths(&grouping);
}
