/*
 * planner.h
 *	  Query -> plan, by strategies in order.  No network, no transaction.
 */
#ifndef CITUS_PLANNER_PLANNER_H
#define CITUS_PLANNER_PLANNER_H

#include "postgres.h"
#include "optimizer/planner.h"
#include "utils/selfuncs.h"
#include "citus/plan/plan.h"

extern void planner_init(void);

/* body of planner_hook; next is the hook that was there before, or NULL */
extern PlannedStmt *planner_plan(Query *parse, const char *queryString, int cursorOptions,
								 ParamListInfo boundParams, planner_hook_type next);
/*
 * NULL when a condition with sub-queries on the rows of a known relation (its Vars are of varno 1)
 * means the same on each shard, with the shards that stand beside it; else the reason.
 */
extern const char *planner_condition_obstacle(Oid relid, Node *condition);

/*
 * On nodes other than the coordinator, calls in an expression that draw from sequences become ours,
 * as they do in statements.  For what is evaluated without being planned by us.
 */
extern Node *planner_redirect_expression(Node *expression);

/*
 * In a session that works for another one: is it a function in SQL that asks for session_user?  It
 * must not be inlined then: where it was, nobody sees what it asks.
 */
extern bool planner_function_asks_session_user(Oid functionOid);

/* the triggers that COPY FROM fires for a table; NULL: none */
extern FireSpec *planner_fires_copy(Oid relid);

/* body of get_relation_stats_hook: false leaves it to the server */
extern bool planner_relation_statistics(RangeTblEntry *rte, AttrNumber attno,
										VariableStatData *found);

/*
 * bodies of set_rel_pathlist_hook, set_join_pathlist_hook, create_upper_paths_hook and
 * get_relation_info_hook
 */
extern void planner_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte);
extern void planner_join_pathlist(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
								  RelOptInfo *innerrel, JoinType jointype,
								  JoinPathExtraData *extra);
extern void planner_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
								RelOptInfo *output, void *extra);
extern void planner_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel);

#endif
