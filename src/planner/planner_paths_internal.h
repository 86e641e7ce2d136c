/*
 * planner_paths_internal.h
 *	  What the files share that give the server's planner paths of ours: scans of known relations
 *	  (planner_scan.c) and joins of them (planner_join_paths.c).
 */
#ifndef PLANNER_PATHS_INTERNAL_H
#define PLANNER_PATHS_INTERNAL_H

#include "postgres.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"
#include "utils/selfuncs.h"

#include "planner_internal.h"

/* cost of a task's round trip, and of a row on the wire, in the planner's units */
#define SCAN_STARTUP_COST	100.0
#define SCAN_ROW_COST		0.05
/* cost of a round trip to one node, prepared there */
#define LOOKUP_STARTUP_COST	25.0

/* ---- planner_estimates.c ---- */

/* true while the rows of a query are estimated: no paths of ours are wanted */
extern bool planner_is_estimating(void);
/* what it was before */
extern bool planner_set_estimating(bool on);
/* how many rows an entry gives that stands for a plan's */
extern void planner_estimate_stand_in(PlannerInfo *root, RelOptInfo *rel, const DistPlan *plan);
/* what its columns are like; false: nobody knows */
extern bool planner_stand_in_statistics(RangeTblEntry *rte, AttrNumber attno,
										VariableStatData *found);
/* a row of pg_statistic that tells how many values column attno has, and nothing else */
extern HeapTuple planner_make_statistics(AttrNumber attno, float4 distinct);

/* ---- planner_scan.c ---- */

/* true for an expression that reads values which change while the level of root runs */
extern bool planner_reads_changing_params(PlannerInfo *root, Node *expr);
/* whose rights a relation is read with; invalid: the current user's */
extern Oid	planner_rel_role(PlannerInfo *root, Index relid);
/* the entry of a relation as it is printed for the shards */
extern RangeTblEntry *planner_rel_entry(PlannerInfo *root, Index relid);
/* a condition, simplified by the server's planner, that means on shards what it means here */
extern bool planner_clause_is_for_shards(Node *clause);
/*
 * A condition of a relation that its shards may check.  clause: of rinfo, or what was made of it;
 * isOthers: they are read with another role's rights; changing: values that it reads may change.
 */
extern bool planner_clause_can_be_pushed(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *rinfo,
										 Node *clause, bool isOthers, bool changing);
/* rows of a relation that pass the conditions which its shards may check */
extern double planner_rel_rows_to_bring(PlannerInfo *root, RelOptInfo *rel);
/* vars, or a constant when there are none: a fragment has at least one column */
extern List *planner_scan_columns(List *vars);
/* a node that returns the columns of a fragment and checks quals on them */
/* Vars of the columns of a function in FROM */
extern List *planner_function_vars(RangeTblEntry *rte, Index rti);
extern CustomScan *planner_make_scan_node(DistPlan *plan, List *tlist, List *quals,
										  List *columns);

/* ---- planner_lookup.c ---- */

/* the level's parameters, which change, say which shard of rel is asked; that is worth it */
extern bool planner_rel_is_looked_up(PlannerInfo *root, RelOptInfo *rel);
/*
 * A condition of rel in which columns of other relations are parameters: those of the nested loop
 * whose plan is made, or (not planning) some.
 */
extern Node *planner_lookup_clause(PlannerInfo *root, RelOptInfo *rel, Node *clause,
								   bool planning);
extern void planner_cost_lookup(PlannerInfo *root, RelOptInfo *rel, Path *path);
extern void planner_add_lookup_paths(PlannerInfo *root, RelOptInfo *rel, const CustomPath *scan);
/* CustomPath.custom_private of lookups */
extern List *planner_lookup_mark(void);
extern bool planner_path_is_lookup(const CustomPath *path);

/* ---- planner_join_paths.c ---- */

/* JoinPiece: a relation, or two pieces joined */
typedef struct JoinPiece
{
	const CustomPathMethods *methods;	/* joinPathMethods, if this is a piece of ours */
	Relids		relids;			/* base relations */
	Relids		hidden;			/* those of them whose columns the rows do not have */
	Oid			role;			/* with whose rights they are read; invalid: the current user's */
	double		work;			/* cost of making the rows where they are */
	double		rows;			/* that they make, before localQuals */

	Index		relid;			/* a relation; 0: a join */

	/* a join */
	JoinType	type;
	struct JoinPiece *left;
	struct JoinPiece *right;
	List	   *joinQuals;		/* which rows match, where rows without a match count as well */

	List	   *quals;			/* which rows remain of the relation, or of what is joined */
	List	   *localQuals;		/* likewise, of the whole piece, but only this node can tell */
} JoinPiece;

/* a query on a piece, ready to leave */
typedef struct PieceFragment
{
	Query	   *query;
	List	   *params;
	Oid			anchor;
	PruneSpec  *prune;
	bool		mayBeNowhere;
	bool		pinned;
} PieceFragment;

/* notes what a known relation can bring into a join that its shards make */
extern void planner_join_note_relation(PlannerInfo *root, RelOptInfo *rel);
/* what is known of a relation, or of a join; NULL: no fragment can make it */
extern JoinPiece *planner_piece_of(RelOptInfo *rel);
/*
 * SELECT columns FROM the piece; NULL when it has no such query.  *numbers, unless numbers is NULL:
 * entries of the query by those of root, 0 for what is not in it.
 */
extern Query *planner_piece_query(PlannerInfo *root, const JoinPiece *piece, List *columns,
								  Index **numbers);
/*
 * Makes fragment->query, of whose rows shape tells, ready to leave, and fills in the rest.  False:
 * it may not run where its relations are, or its rows cannot be sent.
 */
extern bool planner_piece_take_shape(PieceFragment *fragment, const QueryShape *shape);
/* true when a query reads copies only, and all of them are alike */
extern bool planner_shape_is_replica(const QueryShape *shape);
extern DistPlan *planner_piece_plan(const PieceFragment *fragment, const char *strategy, Oid role,
									double rows);

#endif
