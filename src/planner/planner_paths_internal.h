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

#include "planner_internal.h"

/* cost of a task's round trip, and of a row on the wire, in the planner's units */
#define SCAN_STARTUP_COST	100.0
#define SCAN_ROW_COST		0.05
/* cost of a round trip to one node, prepared there */
#define LOOKUP_STARTUP_COST	25.0

/* ---- planner_scan.c ---- */

/* true while the rows of a query are estimated: no paths of ours are wanted */
extern bool planner_is_estimating(void);
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
/* vars, or a constant when there are none: a fragment has at least one column */
extern List *planner_scan_columns(List *vars);
/* a node that returns the columns of a fragment and checks quals on them */
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

/* notes what a known relation can bring into a join that its shards make */
extern void planner_join_note_relation(PlannerInfo *root, RelOptInfo *rel);

#endif
