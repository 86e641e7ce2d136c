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

/* ---- planner_scan.c ---- */

/* true while the rows of a query are estimated: no paths of ours are wanted */
extern bool planner_is_estimating(void);
/* true for an expression that reads values which change while the level of root runs */
extern bool planner_reads_changing_params(PlannerInfo *root, Node *expr);
/* whose rights a relation is read with; invalid: the current user's */
extern Oid	planner_rel_role(PlannerInfo *root, Index relid);
/* the entry of a relation as it is printed for the shards */
extern RangeTblEntry *planner_rel_entry(PlannerInfo *root, Index relid);
/* conditions of a relation that its shards may check */
extern bool planner_clause_can_be_pushed(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *rinfo,
										 bool isOthers);
/* vars, or a constant when there are none: a fragment has at least one column */
extern List *planner_scan_columns(List *vars);
/* a node that returns the columns of a fragment and checks quals on them */
extern CustomScan *planner_make_scan_node(DistPlan *plan, List *tlist, List *quals,
										  List *columns);

/* ---- planner_join_paths.c ---- */

/* notes what a known relation can bring into a join that its shards make */
extern void planner_join_note_relation(PlannerInfo *root, RelOptInfo *rel);

#endif
