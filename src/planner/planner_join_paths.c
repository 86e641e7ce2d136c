/*
 * planner_join_paths.c
 *	  Joins beneath a larger plan that the shards can make.
 *
 * Where the server plans a statement as it stands (planner_scan.c), it asks for each set of
 * relations in which ways they can be joined.  When all of them are known relations, and the join
 * of their shards is the join of the tables, one of the ways is a fragment that brings the joined
 * rows here.  Cost decides between it and the scans of the relations.
 *
 * What the server's planner has put together is remembered as a tree of pieces, in the fdw_private
 * of relations that no foreign-data wrapper reads.  The tree is written down as a Query when it is
 * needed; whether that may run per shard is the question of all queries (planner_distribution.c),
 * so what has no answer of its own, such as a reference table LEFT JOIN a distributed one, may
 * still be part of something that has.
 *
 * Invariants: (1) the rows of a piece's Query, with localQuals checked here, are those of the
 * relation that it is kept in; (2) columns of hidden relations, which EXISTS stands for, are not
 * read above the join that hides them.
 *
 * Not here: levels with row locks, and with conditions that must be checked before others
 * (security barriers).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "planner_paths_internal.h"

static Plan *plan_join_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path,
							List *tlist, List *clauses, List *customPlans);

static const CustomPathMethods joinPathMethods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.PlanCustomPath = plan_join_path,
};

JoinPiece *
planner_piece_of(RelOptInfo *rel)
{
	JoinPiece  *piece = rel->fdwroutine == NULL ? rel->fdw_private : NULL;

	return piece != NULL && piece->methods == &joinPathMethods ? piece : NULL;
}

/* conditions that this node may as well check later, for more or fewer rows */
static bool
can_wait(Node *qual)
{
	ListCell   *lc;

	foreach(lc, pull_var_clause(qual, PVC_INCLUDE_PLACEHOLDERS))
	{
		/* computed below the join, maybe in a row that the join fills up */
		if (!IsA(lfirst(lc), Var))
			return false;
	}
	return !contain_volatile_functions(qual);
}

/* ---- pieces ---- */

void
planner_join_note_relation(PlannerInfo *root, RelOptInfo *rel)
{
	JoinPiece  *piece;
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	ListCell   *lc;

	if (root->parse->commandType != CMD_SELECT || root->rowMarks != NIL ||
		root->qual_security_level > 0 || rte->tablesample != NULL ||
		rel->lateral_relids != NULL || rel->fdw_private != NULL)
		return;
	piece = palloc0(sizeof(JoinPiece));
	piece->methods = &joinPathMethods;
	piece->relids = rel->relids;
	piece->relid = rel->relid;
	piece->role = planner_rel_role(root, rel->relid);
	piece->work = rel->tuples * cpu_tuple_cost;
	piece->rows = planner_rel_rows_to_bring(root, rel);
	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (rinfo->pseudoconstant)
			return;
		if (planner_clause_can_be_pushed(root, rel, rinfo, (Node *) rinfo->clause,
										 OidIsValid(piece->role), false))
			piece->quals = lappend(piece->quals, rinfo->clause);
		else if (can_wait((Node *) rinfo->clause))
			piece->localQuals = lappend(piece->localQuals, rinfo->clause);
		else
			return;
	}
	rel->fdw_private = piece;
}

static bool
reads_hidden(PlannerInfo *root, const JoinPiece *piece, Node *expr)
{
	return piece->hidden != NULL && bms_overlap(pull_varnos(root, expr), piece->hidden);
}

static bool
qual_can_be_shipped(PlannerInfo *root, const JoinPiece *piece, Node *qual)
{
	return !planner_reads_changing_params(root, qual) &&
		(!OidIsValid(piece->role) || planner_expr_is_trusted(qual)) &&
		planner_clause_is_for_shards(qual);
}

/* puts the conditions of a join where they belong; false: not all of them have a place */
static bool
take_restrictions(PlannerInfo *root, RelOptInfo *joinrel, JoinPiece *piece, List *restrictions)
{
	ListCell   *lc;

	foreach(lc, restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Node	   *qual = (Node *) rinfo->clause;
		bool		filters = piece->type == JOIN_INNER ||
			(IS_OUTER_JOIN(piece->type) && RINFO_IS_PUSHED_DOWN(rinfo, joinrel->relids));

		if (rinfo->pseudoconstant || reads_hidden(root, piece, qual))
			return false;
		if (!qual_can_be_shipped(root, piece, qual))
		{
			if (!filters || !can_wait(qual))
				return false;
			piece->localQuals = lappend(piece->localQuals, qual);
		}
		else if (filters)
			piece->quals = lappend(piece->quals, qual);
		else
			piece->joinQuals = lappend(piece->joinQuals, qual);
	}
	return true;
}

/* conditions that wait must not find rows that they would have kept from being joined */
static bool
local_quals_can_wait(const JoinPiece *left, const JoinPiece *right, JoinType type)
{
	return type == JOIN_INNER ||
		(right->localQuals == NIL && (type != JOIN_FULL || left->localQuals == NIL));
}

static JoinPiece *
join_pieces(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer, RelOptInfo *inner,
			JoinType type, List *restrictions)
{
	JoinPiece  *left = planner_piece_of(outer);
	JoinPiece  *right = planner_piece_of(inner);
	JoinPiece  *piece;

	if (left == NULL || right == NULL || left->role != right->role ||
		!local_quals_can_wait(left, right, type))
		return NULL;
	piece = palloc0(sizeof(JoinPiece));
	piece->methods = &joinPathMethods;
	piece->relids = bms_union(left->relids, right->relids);
	piece->hidden = bms_union(left->hidden, right->hidden);
	piece->role = left->role;
	piece->work = left->work + right->work +
		(outer->rows + inner->rows) * cpu_operator_cost + joinrel->rows * cpu_tuple_cost;
	piece->rows = clamp_row_est(joinrel->rows * Max(left->rows / outer->rows, 1) *
								Max(right->rows / inner->rows, 1));
	piece->type = type;
	piece->left = left;
	piece->right = right;
	piece->localQuals = list_concat_copy(left->localQuals, right->localQuals);
	if (!take_restrictions(root, joinrel, piece, restrictions))
		return NULL;
	if (type == JOIN_SEMI || type == JOIN_ANTI)
		piece->hidden = bms_union(piece->hidden, right->relids);
	/* what a join hides is not there for conditions that wait */
	if (reads_hidden(root, piece, (Node *) piece->localQuals))
		return NULL;
	return piece;
}

/* ---- the query of a piece ---- */

/* one level of it: EXISTS is a level below */
typedef struct PieceLevel
{
	PlannerInfo *root;
	Query	   *query;
	Index	   *numbers;		/* of the level's entries, by the planner's; 0: not of this level */
	Index	   *nulledBy;		/* an outer join that may make the relation's row NULL */
	struct PieceLevel *above;
	bool	   *impossible;
} PieceLevel;

static Node *
place_vars_mutator(Node *node, PieceLevel *level)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		Index		up = 0;

		for (PieceLevel *each = level; each != NULL; each = each->above, up++)
		{
			Index		number = each->numbers[var->varno];
			Var		   *placed;

			if (number == 0)
				continue;
			placed = makeVar(number, var->varattno, var->vartype, var->vartypmod,
							 var->varcollid, up);
			if (each->nulledBy[var->varno] > 0 && compat_var_may_be_nulled(var))
				compat_var_set_nulled_by(placed, each->nulledBy[var->varno]);
			return (Node *) placed;
		}
		*level->impossible = true;
		return node;
	}
	return expression_tree_mutator(node, place_vars_mutator, level);
}

static List *
place_vars(List *exprs, PieceLevel *level)
{
	return (List *) place_vars_mutator((Node *) exprs, level);
}

static void
begin_level(PieceLevel *level, PlannerInfo *root, PieceLevel *above, bool *impossible)
{
	level->root = root;
	level->above = above;
	level->impossible = impossible;
	level->numbers = palloc0(sizeof(Index) * root->simple_rel_array_size);
	level->nulledBy = palloc0(sizeof(Index) * root->simple_rel_array_size);
	level->query = planner_make_select();
}

static List *add_piece(PieceLevel *level, const JoinPiece *piece, List **quals);

static Node *
add_relation(PieceLevel *level, Index relid)
{
	RangeTblRef *ref = makeNode(RangeTblRef);
	RangeTblEntry *rte = planner_rel_entry(level->root, relid);

	rte->inFromCl = true;
	level->query->rtable = lappend(level->query->rtable, rte);
	level->numbers[relid] = ref->rtindex = list_length(level->query->rtable);
	return (Node *) ref;
}

/* several items of a FROM list as one */
static Node *
one_item(PieceLevel *level, List *items)
{
	Node	   *result = linitial(items);

	for (int i = 1; i < list_length(items); i++)
		result = (Node *) planner_add_join(level->query, JOIN_INNER, result, list_nth(items, i),
										   NIL);
	return result;
}

/* [NOT] EXISTS (SELECT FROM the right side WHERE it matches) */
static Node *
exists_of(PieceLevel *level, const JoinPiece *piece)
{
	PieceLevel	below;
	SubLink    *sublink = makeNode(SubLink);
	List	   *items;
	List	   *quals;
	Const	   *one = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(1), false,
								true);

	begin_level(&below, level->root, level, level->impossible);
	items = add_piece(&below, piece->right, &quals);
	quals = list_concat(quals, place_vars(piece->joinQuals, &below));
	below.query->jointree = makeFromExpr(items, (Node *) make_ands_explicit(quals));
	below.query->targetList = list_make1(makeTargetEntry((Expr *) one, 1, "one", false));
	sublink->subLinkType = EXISTS_SUBLINK;
	sublink->subselect = (Node *) below.query;
	sublink->location = -1;
	level->query->hasSubLinks = true;
	return piece->type == JOIN_SEMI ? (Node *) sublink :
		(Node *) makeBoolExpr(NOT_EXPR, list_make1(sublink), -1);
}

/* rows of these relations may be NULL from here on */
static void
note_nulled(PieceLevel *level, Relids relids, const JoinExpr *join)
{
	int			relid = -1;

	while ((relid = bms_next_member(relids, relid)) >= 0)
		level->nulledBy[relid] = join->rtindex;
}

/* a LEFT or FULL join as an item; *quals: what its rows must pass */
static Node *
add_outer_join(PieceLevel *level, const JoinPiece *piece, List **quals)
{
	List	   *rightQuals;
	List	   *on;
	JoinExpr   *join;
	Node	   *left = one_item(level, add_piece(level, piece->left, quals));
	Node	   *right = one_item(level, add_piece(level, piece->right, &rightQuals));

	/* either side of a full join keeps the rows that match none */
	if (piece->type == JOIN_FULL && (*quals != NIL || rightQuals != NIL))
		*level->impossible = true;
	on = list_concat(rightQuals, place_vars(piece->joinQuals, level));
	join = planner_add_join(level->query, piece->type, left, right, on);
	note_nulled(level, piece->right->relids, join);
	if (piece->type == JOIN_FULL)
		note_nulled(level, piece->left->relids, join);
	return (Node *) join;
}

/* the piece as items of the level's FROM list; *quals: what their rows must pass */
static List *
add_piece(PieceLevel *level, const JoinPiece *piece, List **quals)
{
	List	   *items;
	List	   *more;

	check_stack_depth();
	*quals = NIL;
	if (piece->relid > 0)
		items = list_make1(add_relation(level, piece->relid));
	else if (piece->type == JOIN_INNER)
	{
		items = add_piece(level, piece->left, quals);
		items = list_concat(items, add_piece(level, piece->right, &more));
		*quals = list_concat(*quals, more);
	}
	else if (piece->type == JOIN_SEMI || piece->type == JOIN_ANTI)
	{
		items = add_piece(level, piece->left, quals);
		*quals = lappend(*quals, exists_of(level, piece));
	}
	else
		items = list_make1(add_outer_join(level, piece, quals));
	*quals = list_concat(*quals, place_vars(piece->quals, level));
	return items;
}

Query *
planner_piece_query(PlannerInfo *root, const JoinPiece *piece, List *columns, Index **numbers)
{
	PieceLevel	level;
	bool		impossible = false;
	List	   *items;
	List	   *quals;
	ListCell   *lc;

	begin_level(&level, root, NULL, &impossible);
	items = add_piece(&level, piece, &quals);
	level.query->jointree = makeFromExpr(items, quals == NIL ? NULL :
										 (Node *) make_ands_explicit(quals));
	foreach(lc, columns)
	{
		int			number = foreach_current_index(lc) + 1;
		Node	   *expr = place_vars_mutator(lfirst(lc), &level);

		level.query->targetList = lappend(level.query->targetList,
										  makeTargetEntry((Expr *) expr, number,
														  psprintf("column_%d", number), false));
	}
	if (numbers != NULL)
		*numbers = level.numbers;
	return impossible ? NULL : level.query;
}

/* ---- fragments ---- */

bool
planner_piece_take_shape(PieceFragment *fragment, const QueryShape *shape)
{
	fragment->anchor = shape->anchor;
	fragment->prune = shape->prune;
	fragment->pinned = shape->pinned && shape->pin != NULL;
	if (shape->complete)
		fragment->mayBeNowhere = planner_nothing_makes_nothing(fragment->query);
	else if (shape->pinned)
		fragment->prune = shape->pin == NULL ? shape->prune :
			plan_prune_make(PRUNE_EQUAL, (Expr *) expression_planner(copyObject(shape->pin)),
							NIL);
	else if (planner_shape_is_replica(shape))
		fragment->anchor = planner_first_reference(fragment->query);
	else
		return false;
	return planner_outputs_can_travel(fragment->query->targetList) &&
		planner_ship_query(fragment->query, &fragment->params) == NULL;
}

bool
planner_shape_is_replica(const QueryShape *shape)
{
	return !shape->hasShards && !shape->hasLocal && shape->hasReplicas &&
		!shape->hasUnstableReplicas;
}

DistPlan *
planner_piece_plan(const PieceFragment *fragment, const char *strategy, Oid role, double rows)
{
	DistPlan   *plan = plan_make(DIST_PLAN_FRAGMENT, strategy);

	plan->fragment = planner_make_fragment(fragment->query, fragment->params, fragment->anchor,
										   fragment->prune);
	plan->fragment->mayBeNowhere = fragment->mayBeNowhere;
	plan->fragment->pinned = fragment->pinned;
	plan->fragment->estimatedRows = rows;
	plan->fragment->role = role;
	return plan;
}

static bool
make_piece_fragment(PlannerInfo *root, const JoinPiece *piece, List *columns,
					PieceFragment *fragment)
{
	QueryShape	shape;

	memset(fragment, 0, sizeof(PieceFragment));
	fragment->query = planner_piece_query(root, piece, columns, NULL);
	if (fragment->query == NULL)
		return false;
	planner_shape(fragment->query, &shape);
	return planner_piece_take_shape(fragment, &shape);
}

/* columns of the piece that its readers want; conditions that wait are among them */
static List *
columns_of_piece(const JoinPiece *piece, RelOptInfo *rel)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, pull_var_clause((Node *) list_concat_copy(rel->reltarget->exprs,
														  piece->localQuals), 0))
		columns = list_append_unique(columns, lfirst(lc));
	return columns;
}

static Plan *
plan_join_path(PlannerInfo *root, RelOptInfo *rel, struct CustomPath *path, List *tlist,
			   List *clauses, List *customPlans)
{
	JoinPiece  *piece = planner_piece_of(rel);
	List	   *columns = planner_scan_columns(columns_of_piece(piece, rel));
	PieceFragment fragment;
	DistPlan   *plan;

	if (!make_piece_fragment(root, piece, columns, &fragment))
		elog(ERROR, "a join cannot be made by the shards any more");
	plan = planner_piece_plan(&fragment, "colocated join", piece->role, rel->rows);
	return (Plan *) planner_make_scan_node(plan, tlist, copyObject(piece->localQuals), columns);
}

/* ---- paths ---- */

/* only columns are brought here, and none that is hidden */
static bool
target_is_plain(PlannerInfo *root, const JoinPiece *piece, RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->reltarget->exprs)
	{
		if (!IsA(lfirst(lc), Var))
			return false;
	}
	return !reads_hidden(root, piece, (Node *) rel->reltarget->exprs);
}

static void
add_join_path(PlannerInfo *root, RelOptInfo *rel, const JoinPiece *piece)
{
	CustomPath *path;
	PieceFragment fragment;
	QualCost	local;

	if (!target_is_plain(root, piece, rel) ||
		!make_piece_fragment(root, piece, planner_scan_columns(columns_of_piece(piece, rel)),
							 &fragment))
		return;
	cost_qual_eval(&local, piece->localQuals, root);
	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.rows = rel->rows;
	path->path.startup_cost = SCAN_STARTUP_COST + local.startup;
	path->path.total_cost = path->path.startup_cost + piece->work +
		rel->rows * (SCAN_ROW_COST + local.per_tuple);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &joinPathMethods;
	add_path(rel, (Path *) path);
}

/*
 * planner_join_pathlist
 *		Body of set_join_pathlist_hook: adds the path of a fragment, at most one a joined relation.
 */
void
planner_join_pathlist(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
					  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	JoinPiece  *piece;

	if (planner_is_estimating() || joinrel->fdwroutine != NULL || joinrel->fdw_private != NULL ||
		joinrel->lateral_relids != NULL)
		return;
	if (jointype != JOIN_INNER && jointype != JOIN_LEFT && jointype != JOIN_FULL &&
		jointype != JOIN_SEMI && jointype != JOIN_ANTI)
		return;
	piece = join_pieces(root, joinrel, outerrel, innerrel, jointype, extra->restrictlist);
	if (piece == NULL)
		return;
	joinrel->fdw_private = piece;
	add_join_path(root, joinrel, piece);
}
