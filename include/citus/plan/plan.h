/*
 * plan.h
 *	  The words that planner and executor share.
 *
 * Every struct here is an ExtensibleNode: it can be copied (plan cache), compared, and printed.
 * A plan names relations and conditions, never shards or nodes: those are looked up in the catalog
 * when the plan starts, so that a cached plan survives a moved shard.
 */
#ifndef CITUS_PLAN_PLAN_H
#define CITUS_PLAN_PLAN_H

#include "postgres.h"
#include "nodes/extensible.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "citus/base/types.h"

/*
 * SqlTemplate: statement text with holes.  The hole i is at byte holes[i] of text, where the
 * schema-qualified name of relids[i]'s shard belongs (nothing is cut out: the alias that keeps the
 * old name follows in text).  An index stands for the name of its constraint.
 */
typedef struct SqlTemplate
{
	ExtensibleNode node;
	char	   *text;
	int			nholes;
	int		   *holes;			/* ascending byte offsets */
	Oid		   *relids;
} SqlTemplate;

/*
 * PruneSpec: what is known about the key of a relation, as a tree.  Leaves hold expressions
 * without Vars, of any type coercible to the key's, that are evaluated when the plan starts; a
 * NULL value selects no shard.
 */
typedef enum PruneKind
{
	PRUNE_ALL,					/* nothing known */
	PRUNE_NONE,					/* contradiction */
	PRUNE_EQUAL,				/* key = value */
	PRUNE_ANY,					/* key = ANY (value), an array */
	PRUNE_ONLY,					/* key = the only element of value; of several: nothing known */
	PRUNE_ABOVE,				/* key > value */
	PRUNE_FROM,					/* key >= value */
	PRUNE_UPTO,					/* key <= value */
	PRUNE_BELOW,				/* key < value */
	PRUNE_SHARD,				/* the shard with this id (value, int8), or of its index */
	PRUNE_AND,
	PRUNE_OR
} PruneKind;

#define PRUNE_IS_BOUND(kind) ((kind) >= PRUNE_ABOVE && (kind) <= PRUNE_BELOW)

typedef struct PruneSpec
{
	ExtensibleNode node;
	PruneKind	kind;
	Expr	   *value;			/* the key's type; PRUNE_ANY, _ONLY: an array; _SHARD: int8 */
	List	   *args;			/* PRUNE_AND, PRUNE_OR: of PruneSpec */
} PruneSpec;

/* where a fragment runs */
typedef enum FragmentTarget
{
	FRAGMENT_SHARDS,			/* a task per shard of anchor that remains after pruning */
	FRAGMENT_REPLICA,			/* one task on one copy of a reference table, local if possible */
	FRAGMENT_ALL_REPLICAS		/* one task on every copy (writes of reference tables) */
} FragmentTarget;

/*
 * Extern parameters numbered from here are not the client's: they are the columns of the one row
 * that the child plan of the node returns (CustomScan.custom_plans, beside DIST_PLAN_FRAGMENT).
 */
#define PLAN_STAGED_PARAM 1000000

/*
 * Extern parameters numbered from here are rows that were moved: bytea for unpack_rows(), of the
 * fragment's movement 0, 1 ..., and of the bucket of the task's shard.
 */
#define PLAN_MOVED_PARAM 2000000

/* The extern parameter that is the number of an upsert in several statements (upsert.c), int4. */
#define PLAN_UPSERT_PARAM 3000000

/*
 * Extern parameters of a task's own: the least and, one further, the greatest token of its shard,
 * int4.
 */
#define PLAN_TOKENS_PARAM 4000000

/* An upsert of more values is prepared to be sent in several statements. */
#define PLAN_UPSERT_VALUES 60000

/* Extern parameters numbered from here: InsertSpec.conflict; the first is the upsert's number */
#define PLAN_CONFLICT_PARAM 300000

/*
 * The location of a call of citus_internal.combine_states() in a plan: parsed text has none like
 * it, so that users cannot have bytes of their own taken for an aggregate's state.
 */
#define PLAN_COMBINE_LOCATION (-20)

/*
 * FuncExpr.location of a call that draws the value of an identity column, for which no right on the
 * sequence is needed: nothing that a user writes stands there.
 */
#define PLAN_IDENTITY_CALL (-42)

/*
 * Fragment: one statement, run once per task.  Its parameters $1..$n are the values of params,
 * evaluated once, on the planning node, before the first task leaves.
 *
 * Invariants: (1) every hole's relation is anchor, colocated with anchor, or has a single shard
 * with a placement wherever anchor's tasks run; (2) params contain no Vars and no volatile
 * functions; extern parameters of the client's statement are Params in them.
 */
typedef struct Fragment
{
	ExtensibleNode node;
	SqlTemplate *sql;
	CmdType		command;		/* CMD_SELECT, CMD_INSERT ... */
	bool		returnsRows;	/* false: only a row count comes back */
	bool		hasRowLocks;	/* FOR UPDATE and the like: runs in a transaction */
	bool		firstCopy;		/* reads the copy that writers lock, not the nearest */
	bool		hasModifyingCte;
	bool		findsOneRow;	/* a write of one row at most, by a unique index */
	FragmentTarget target;
	Oid			anchor;			/* relation whose shards enumerate the tasks */
	PruneSpec  *prune;			/* of anchor; NULL is PRUNE_ALL */
	bool		copiesAtOnce;	/* of FRAGMENT_ALL_REPLICAS: no row that it writes waits for
								 * another's, and writers need not queue up at the first copy */
	bool		mayBeNowhere;	/* no shard can hold rows: no task is needed to know the result */
	bool		pinned;			/* prune selects one shard group, whose rows are all its rows */
	bool		cannotRaise;	/* no value makes it fail: plan_may_raise() of its query */
	List	   *params;			/* of Expr */
	struct Fragment *all;		/* a lookup, which runs again with other params: the same without
								 * what changes, whose rows the node's own conditions choose from;
								 * or NULL */
	bool		canSort;		/* ORDER BY may be added at the end of sql */
	List	   *sortKeys;		/* each task's rows are in this order: of SortGroupClause, with
								 * numbers of columns as tleSortGroupRef; the scan's are, too */
	double		estimatedRows;	/* total over all tasks */

	/* while the server plans what is above it; copies have none of this */
	Query	   *rowsOf;			/* whose rows they are, for an estimate; NULL: nobody knows */
	bool		rowsRepeat;		/* each shard gives as many */
	bool		isEstimated;

	Oid			role;			/* with whose rights it runs; invalid: the current user's */
	bool		unforced;		/* as the anchor's owner, but for policies that are forced on it */
	List	   *movements;		/* of Movement: run before the first task */
} Fragment;

/*
 * Movement: rows of one fragment that tasks of another need.  The shards of the other's anchor are
 * the buckets, chosen by the hash of a column.
 */
typedef struct Movement
{
	ExtensibleNode node;
	Fragment   *source;			/* a SELECT */
	int			keyColumn;		/* of the source's columns, from 1; 0: every task gets all rows */
	int			width;			/* of a row, in bytes, as estimated */
	char	   *name;			/* of the relation and its column, for EXPLAIN */
	char	   *keyName;		/* the key must not be NULL: its name, for the error; or NULL */
	bool		canCut;			/* a task may run for a part of its rows, then for others */
} Movement;

/*
 * RowCheck: what a policy asks of a row, in one of three forms: a column of the child, whose rows
 * have the answer; an expression over the row (varno 1); or a query that gives the answer, for
 * which attribute n of the row is the extern parameter PLAN_CONFLICT_PARAM + n.
 */
typedef struct RowCheck
{
	ExtensibleNode node;
	int			kind;			/* WCOKind */
	char	   *policy;			/* its name; NULL: all of a kind */
	int			column;			/* 0: not there */
	Expr	   *qual;			/* or NULL */
	PlannedStmt *query;			/* or NULL */
} RowCheck;

/*
 * InsertSpec: rows computed on the planning node that go to shards.  The child plan's target list
 * gives the values of columns, in their order, already of the columns' types.
 *
 * head, row-values and tail make a statement:
 *	   head VALUES ($p, ...), ($q, ...) tail
 * where tail's own parameters are $1..$m (tailParams) and rows number on from $(m+1).
 */
typedef struct InsertSpec
{
	ExtensibleNode node;
	Oid			relid;
	List	   *columns;		/* attribute numbers, IntList */
	SqlTemplate *head;			/* "INSERT INTO <hole> AS t (a, b) [OVERRIDING SYSTEM VALUE]" */
	SqlTemplate *tail;			/* " ON CONFLICT ... RETURNING ..." or empty text */
	List	   *tailParams;		/* of Expr */
	SqlTemplate *again;			/* tail of an upsert's later statements; NULL: it has one */
	List	   *againParams;	/* of Expr */
	bool		onConflict;
	bool		updates;		/* ON CONFLICT DO UPDATE */
	bool		returning;
	bool		onlyColumns;	/* the tail has nothing but DO NOTHING, and RETURNING of columns */
	bool		canStream;		/* no conflict clause, no RETURNING: COPY may be used */

	/*
	 * An upsert row by row: the tail says DO NOTHING; this is the UPDATE of what is in the way.
	 * The row's attribute n is the extern parameter PLAN_CONFLICT_PARAM + n.
	 */
	PlannedStmt *conflict;		/* NULL: the tail says it all */
	List	   *conflictKeys;	/* of OpExpr: left is what decides, of a row of varno 1; equality.
								 * NIL: shards tell rows that are written twice (upsert.c) */
	bool		conflictFilters;	/* the UPDATE need not take what is in the way */
	List	   *checks;			/* of RowCheck: policies, which shards do not apply */
	Oid			role;			/* with whose rights it writes; invalid: the current user's */
	bool		unforced;		/* as in Fragment */
} InsertSpec;

/*
 * ChangeAction: what becomes of a row that the child plan of a DIST_PLAN_CHANGES node gives.
 * Columns of the child are numbered from 1.
 */
typedef struct ChangeAction
{
	ExtensibleNode node;
	CmdType		command;		/* CMD_UPDATE, CMD_DELETE, CMD_INSERT or CMD_NOTHING */
	List	   *columns;		/* attribute numbers that are given values, IntList */
	int			firstValue;		/* the child's column with the first of them; the others follow */
	List	   *defaults;		/* generated columns that an UPDATE names, IntList */
} ChangeAction;

/* where a column that DIST_PLAN_CHANGES returns comes from, and what its number means */
typedef enum ChangeOutput
{
	CHANGE_OUTPUT_CURRENT,		/* attribute of the row as it is now, or was before a DELETE */
	CHANGE_OUTPUT_NEW,			/* attribute; NULL after a DELETE */
	CHANGE_OUTPUT_OLD,			/* attribute; NULL for an INSERT */
	CHANGE_OUTPUT_CHILD,		/* column of the child's row */
	CHANGE_OUTPUT_ACTION		/* name of the command, as merge_action() gives it; no number */
} ChangeOutput;

/*
 * ChangeSpec: rows of a table that the child plan has found (and locked), and what to do with
 * them.  A row is known by the shard it is in (of the partition, when the table is partitioned)
 * and its ctid there; both are NULL where there is none (WHEN NOT MATCHED of a MERGE).
 */
typedef struct ChangeSpec
{
	ExtensibleNode node;
	Oid			relid;
	CmdType		command;		/* of the statement */
	int			shardColumn;	/* int8, shard id */
	int			rowColumn;		/* tid */
	int			actionColumn;	/* int4, from 1, 0 or NULL: nothing to do; 0: always the first */
	int			oldColumn;		/* first of the row's columns, one an attribute; 0: not there */
	int			oldSystem;		/* first of its xmin, cmin, xmax and cmax; 0: not there */
	List	   *actions;		/* of ChangeAction */
	List	   *outputs;		/* of ChangeOutput, IntList */
	List	   *outputNumbers;
	const char *conflict;		/* an upsert: index columns as ON CONFLICT names them; or NULL */
	/* an upsert: first column of the row to insert, which policies, checks are asked about; or 0 */
	int			proposedColumn;
	List	   *checks;			/* of RowCheck: policies, which shards do not apply */
	Oid			role;			/* with whose rights it writes; invalid: the current user's */
	bool		unforced;		/* as in Fragment */
	bool		keepsPartition; /* an upsert, which must not move a row to another partition */
	bool		callsUsers;		/* users' volatile functions are called for the rows */
} ChangeSpec;

/*
 * FireSpec: triggers of the table that the statement names (and of its partitions).  They fire on
 * the node that runs the statement; shards have none.
 */
typedef struct FireSpec
{
	ExtensibleNode node;
	Oid			relid;
	CmdType		command;		/* of the statement */
	List	   *commands;		/* IntList of CmdType: whose statement triggers fire */
	List	   *updated;		/* IntList: attributes that get new values by UPDATE */
	bool		rows;			/* rows go through row triggers, or into transition tables */
	bool		joins;			/* it is InsertSpec.conflict: the INSERT's triggers fire */
} FireSpec;

/* LockTarget: a relation whose rows a SELECT locks, and the candidates' columns that name a row */
typedef struct LockTarget
{
	ExtensibleNode node;
	Oid			relid;
	int			shardColumn;	/* int8, as in ChangeSpec */
	int			rowColumn;		/* tid */
	int			strength;		/* LockClauseStrength */
	int			waitPolicy;		/* LockWaitPolicy */
	Oid			role;			/* with whose rights; invalid: the current user's */
	bool		unforced;		/* as in Fragment */
} LockTarget;

/*
 * LockSpec: a SELECT that locks rows of several shards, and only those that it returns.  The
 * candidates (parts, the first) have the output's columns first; planner_again.c tells the rest.
 */
typedef struct LockSpec
{
	ExtensibleNode node;
	List	   *targets;		/* of LockTarget */
	Expr	   *limit;			/* NULL: no limit */
	Expr	   *offset;
	int			limitParam;		/* of candidates: how many are wanted, int8; 0: there is none */
	int			placesParam;	/* extern parameter of the second part: tid[] */
	int			againId;		/* by which the third part knows its rows; 0: there is none */
	int			ownColumns;		/* of candidates: the output's */
	int			placeColumns;	/* of the second part: shard, int8, and behind it place, tid */
	bool		leavesChanged;	/* does not give rows that its transaction has changed since */
} LockSpec;

/*
 * CursorSpec: what a cursor remembers of its current row, for WHERE CURRENT OF.  Columns of the
 * child plan, from first (counted from 0) on, are tableoid and ctid, as users see them, of a row of
 * each of relids.
 */
typedef struct CursorSpec
{
	ExtensibleNode node;
	List	   *relids;			/* OidList */
	int			first;
	bool		locks;			/* the cursor's query has row locks, and relids are what it locks */
	bool		leavesChanged;	/* does not give rows that its transaction has changed */
} CursorSpec;

typedef enum DistPlanKind
{
	DIST_PLAN_FRAGMENT,			/* rows or row count of one fragment */
	DIST_PLAN_INSERT,			/* child plan's rows go to shards */
	DIST_PLAN_CHANGES,			/* child plan's rows say which rows of shards to change, and how */
	DIST_PLAN_LOCK,				/* rows of candidates that could be locked */
	DIST_PLAN_PARTS,			/* statements that run first; then the child plan's rows */
	DIST_PLAN_PART_ROWS,		/* what one of these statements returned */
	DIST_PLAN_CURSOR,			/* the child plan's rows, without the columns that name them */
	DIST_PLAN_RELAY,			/* the child plan's rows, as other expressions */
	DIST_PLAN_STORE,			/* the child plan's rows go into a table of this node */
	DIST_PLAN_MOVED_ROWS		/* in a task: rows that were moved, of custom_exprs */
} DistPlanKind;

/*
 * DistPlan: the only element of custom_private of a CustomScan of ours.  Its rows are described by
 * custom_scan_tlist (types as on this node), or, with scanrelid > 0, by the relation's descriptor.
 */
typedef struct DistPlan
{
	ExtensibleNode node;
	DistPlanKind kind;
	char	   *strategy;		/* shown by EXPLAIN: "fast path", "one shard group", ... */
	Fragment   *fragment;		/* DIST_PLAN_FRAGMENT */
	InsertSpec *insert;			/* DIST_PLAN_INSERT */
	ChangeSpec *change;			/* DIST_PLAN_CHANGES */
	LockSpec   *lock;			/* DIST_PLAN_LOCK */
	CursorSpec *cursor;			/* DIST_PLAN_CURSOR */
	FireSpec   *fires;			/* triggers of what it modifies; NULL: none */
	List	   *parts;			/* DIST_PLAN_PARTS, DIST_PLAN_LOCK: of PlannedStmt */
	List	   *partIds;		/* DIST_PLAN_PARTS: what readers know them by, IntList */
	int			partId;			/* DIST_PLAN_PART_ROWS: whose rows */
	bool		modifies;		/* counts into es_processed; no parallel reads beside it */
} DistPlan;

extern void plan_init(void);
extern SqlTemplate *plan_template_make(const char *text, int nholes, const int *holes,
									   const Oid *relids);
extern PruneSpec *plan_prune_make(PruneKind kind, Expr *value, List *args);
extern Fragment *plan_fragment_make(void);
extern InsertSpec *plan_insert_make(void);
extern ChangeSpec *plan_change_make(void);
extern ChangeAction *plan_change_action_make(void);
extern RowCheck *plan_row_check_make(void);
extern FireSpec *plan_fire_make(void);
extern LockSpec *plan_lock_make(void);
extern LockTarget *plan_lock_target_make(void);
extern CursorSpec *plan_cursor_make(void);
extern Movement *plan_movement_make(Fragment *source, int keyColumn, const char *name);
extern DistPlan *plan_make(DistPlanKind kind, const char *strategy);

/*
 * A Query, or an expression of one or of a plan: may computing it fail for the values that it
 * finds?  Looks into catalogs.
 */
extern bool plan_may_raise(Node *node);

/* the DistPlan of a CustomScan of ours; NULL for any other plan node */
extern DistPlan *plan_of_custom_scan(const Plan *plan);

/* methods with which planner makes CustomScan nodes; executor registers the state's creator */
extern const CustomScanMethods *plan_custom_scan_methods(void);
typedef Node *(*PlanStateCreator) (CustomScan *scan);
extern void plan_set_state_creator(PlanStateCreator creator);

#define PLAN_CUSTOM_SCAN_NAME "Citus Adaptive"

#endif
