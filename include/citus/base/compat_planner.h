/*
 * compat_planner.h
 *	  Differences between server majors that only planning sees.
 */
#ifndef CITUS_BASE_COMPAT_PLANNER_H
#define CITUS_BASE_COMPAT_PLANNER_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* 16: takes the planner's root first, NULL outside the planner */
extern Node *compat_flatten_join_alias_vars(Query *query, Node *node);

/*
 * 18: grouping expressions live in a range table entry of their own; puts them back where they are
 * used and empties the entry.  One level only, in place.
 */
extern void compat_resolve_group_rte(Query *query);

/*
 * 18: the other way round, on all levels, in place.  The server's planner takes columns that
 * grouping sets make NULL for what they were before unless they come from such an entry.
 */
extern void compat_restore_group_rtes(Query *query);

/*
 * Gives a hand-made statement the range table of a query: every relation of every level (for locks,
 * permission checks and invalidation), in the form of the server's major.
 */
extern void compat_stmt_take_relations(PlannedStmt *stmt, Query *query);

/* adds to the statement's range table one more entry of query with the permissions it carries */
extern void compat_stmt_add_relation(PlannedStmt *stmt, Query *query, RangeTblEntry *rte);

/* adds an entry that needs no permission; returns its index */
extern Index compat_stmt_add_rte(PlannedStmt *stmt, RangeTblEntry *rte);

/* 16: empties the list of permissions that goes with a range table */
extern void compat_query_clear_perminfos(Query *query);

/* 16: copies the permissions of an entry of from along, when it moves to another query */
extern void compat_query_take_perminfo(Query *to, RangeTblEntry *rte, const Query *from);

/* 17: MERGE's ON condition left the join tree; NULL where it is still there */
extern Node *compat_merge_condition(Query *query);

/*
 * 17: conditions of a view on the target stand beside the ON condition, where printing does not see
 * them.  Without WHEN NOT MATCHED BY SOURCE they mean the same within it: in place.
 */
extern void compat_merge_fold_view(Query *query);

/* 17: WHEN NOT MATCHED BY SOURCE, and WHEN NOT MATCHED [BY TARGET] */
extern bool compat_action_is_by_source(MergeAction *action);
extern bool compat_action_is_by_target(MergeAction *action);

extern void compat_action_set_matched(MergeAction *action, bool matched);

/* what only a MERGE has is taken from a query that becomes something else */
extern void compat_merge_forget(Query *query);

/* names and Vars of an entry's columns, dropped ones left out */
extern void compat_expand_rte(RangeTblEntry *rte, int rtindex, List **names, List **vars);

/* 16: takes no flag that makes new ones; there is one for each that the planner has met */
extern PlaceHolderInfo *compat_find_placeholder_info(PlannerInfo *root, PlaceHolderVar *phv);

/* 16: adds an outer join that may make columns of these relations NULL to their Vars; in place */
extern Node *compat_add_nulled_by(Node *node, Relids relids, int join);

/* 18: which row a Var of RETURNING means */
typedef enum CompatReturning
{
	COMPAT_RETURNING_CURRENT,
	COMPAT_RETURNING_OLD,
	COMPAT_RETURNING_NEW
} CompatReturning;

extern CompatReturning compat_var_returning(const Var *var);
extern void compat_var_set_returning(Var *var, CompatReturning row);

/* 18: what is NULL when there is no old (or new) row; NULL for any other node */
extern Node *compat_returning_expr(Node *node, bool *old);

/* 17: merge_action() */
extern bool compat_is_merge_action(Node *node);

/* 16: the outer join that may make the column NULL */
extern void compat_var_set_nulled_by(Var *var, int join);

/* 16: the aggregate takes its rows as they come, not in an order that the plan gives them */
extern void compat_aggref_forget_order(Aggref *agg);

/* 18: the kind of comparison in place of a strategy number */
extern bool compat_pathkey_is_descending(const PathKey *pathkey);

#endif
