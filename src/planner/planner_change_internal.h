/*
 * planner_change_internal.h
 *	  What the files that make DIST_PLAN_CHANGES share.
 */
#ifndef PLANNER_CHANGE_INTERNAL_H
#define PLANNER_CHANGE_INTERNAL_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "planner_internal.h"

/* a statement on its way to a source query and a ChangeSpec */
typedef struct ChangeBuild
{
	PlanRequest *request;
	Query	   *query;			/* the statement, normalized; not changed */
	Query	   *source;			/* the SELECT it becomes */
	Index		target;			/* range table index of the table, in both */
	const DistTable *table;
	TupleDesc	desc;
	ChangeSpec *spec;
	Refusal    *refusal;
	const char *impossible;		/* why not, once known */

	LockClauseStrength strength;	/* LCS_NONE: its rows are not locked */
	List	   *targetQuals;	/* conditions for the target's sub-query, Vars as in the source */
	List	   *viewQuals;		/* conditions of its rows for this node, Vars as in the source */
	bool		elevated;		/* rows are read with the rights of spec->role, the owner */
	bool		unforced;		/* policies are applied here, not by the shards */
	bool		firstCopy;		/* rows are read from the copy that writers lock */
	bool		barrier;		/* a security-barrier view's conditions: no others may join them */
	Bitmapset  *needed;			/* attributes of the target that the source reads */
	bool		system;			/* it reads xmin, cmin, xmax or cmax */
	int			depth;			/* of the walk over the source */
	List	   *columns;		/* TargetEntry: what the rows of the source are made of */
} ChangeBuild;

/* makes a column of the source of a Var of the statement; returns its number */
typedef int (*ChangeCarrier) (ChangeBuild *build, Node *var);

/* ---- planner_change.c ---- */

/* starts with a query whose entry target is to be found row by row; source is a copy of it */
extern void planner_change_begin(ChangeBuild *build, Query *query, Index target);
/* calls volatile functions of users, which may change rows that the query reads */
extern bool planner_calls_users(Query *query);
/* in a query for shards: ctid of a row of entry rti as it is there */
extern Expr *planner_place_in_shard(Index rti);
extern Expr *planner_change_shard(ChangeBuild *build);
extern Expr *planner_change_row(ChangeBuild *build);
extern Expr *planner_change_column(ChangeBuild *build, AttrNumber attno);
extern Expr *planner_change_assigned(ChangeBuild *build, List *targetList, TargetEntry *tle);
extern void planner_change_take_quals(ChangeBuild *build, Node **quals);
extern bool planner_change_replace_target(ChangeBuild *build);
extern void planner_change_retarget(ChangeBuild *build);
extern int	planner_change_add_column(ChangeBuild *build, Expr *expr);
extern void planner_change_describe_outputs(ChangeBuild *build, ChangeCarrier carry);
extern void planner_change_add_old(ChangeBuild *build, ChangeCarrier carry);
extern void planner_change_choose_lock(ChangeBuild *build);
extern void planner_change_add_identity(ChangeBuild *build, Expr *shard, Expr *row);

/* ---- planner_again.c ---- */

typedef struct LookAgain LookAgain;

extern LookAgain *planner_again_begin(ChangeBuild *build);
extern void planner_again_plan(ChangeBuild *build, LookAgain *again, DistPlan *plan);

/* ---- planner_lock.c ---- */

/*
 * A query for the rows of the source, which has no locks, whose row of the target could be locked.
 * again: NULL, or how rows are looked at that have changed.
 */
extern Query *planner_lock_found(ChangeBuild *build, LockTarget *target, LookAgain *again);

/* ---- planner_change_policies.c ---- */

/* what policies ask of rows; the actions and their values are known */
extern void planner_change_add_checks(ChangeBuild *build);

/* ---- planner_change_merge.c ---- */

/* makes the source of a MERGE; false with the refusal filled in when that cannot be done */
extern bool planner_change_merge_source(ChangeBuild *build);

#endif
