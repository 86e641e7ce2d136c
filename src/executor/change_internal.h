/*
 * change_internal.h
 *	  What the files of DIST_PLAN_CHANGES share: its state, and a batch of changes on its way.
 */
#ifndef CITUS_EXECUTOR_CHANGE_INTERNAL_H
#define CITUS_EXECUTOR_CHANGE_INTERNAL_H

#include "postgres.h"
#include "executor/tuptable.h"
#include "utils/hsearch.h"
#include "utils/tuplestore.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

/* what is known about a row of the child */
#define CHANGE_ROW_SKIP		0x01	/* nothing is done with it */
#define CHANGE_ROW_MOVES	0x02	/* an UPDATE puts it into another shard */
#define CHANGE_ROW_GONE		0x04	/* its shard has deleted it */
#define CHANGE_ROW_DONE		0x08	/* its shard has updated it; known where triggers want it */

typedef struct ChangeState
{
	DistScanState *scan;
	ChangeSpec *spec;
	const DistTable *table;
	ShardRouter *router;		/* NULL: keyless */
	TupleDesc	desc;			/* of the table */
	bool		partitioned;
	List	   *acting;			/* OIDs of tables whose foreign keys act here */
	List	   *left;			/* those of them whose shards leave it to us */
	bool		atOnce;			/* its rows refer to each other: as few statements as can be */
	Oid			owner;			/* of the table */
	bool		copies;			/* rows have copies: ctid does not find them */
	List	   *identity;		/* attributes that do, IntList; NIL: all together */
	List	   *returned;		/* attributes of new rows that outputs need, IntList */
	List	   *marked;		/* the same of rows that a DELETE has marked; IntList */
	RowChecks  *checks;			/* what policies ask; NULL: nothing */
	RowConstraints *constraints;	/* asked about rows that an upsert proposes, or NULL */
	TupleTableSlot *checkedRow; /* as the table has it */
	List	   *partitionChecks;	/* of PartitionCheck *, of an upsert */
	ExprContext *partitionContext;

	/* where triggers see the rows: what they made of each follows the child's columns */
	TriggerRun *triggers;		/* NULL: they do not */
	int			newColumn;		/* the first of them, one an attribute; 0: not there */
	Bitmapset  *changed;		/* attributes that triggers gave other values */
	int32		watch;			/* copies: number by which shards know what the statement's
								 * triggers and functions wrote */

	/* the child's rows, and CHANGE_ROW_ flags of each */
	TupleDesc	rowDesc;
	Tuplestorestate *rows;
	TupleTableSlot *rowSlot;
	uint8	   *flags;
	int64		nrows;
	int64		capacity;
	HTAB	   *seen;			/* of RowKey, while they are taken */
	bool		meddled;		/* functions changed rows, too, while these were taken */
	bool		moves;			/* some row moves */
	bool		followed;		/* rows of other tables follow those that move */
	List	   *foreignKeys;	/* of ForeignKey *, valid when moves */

	MemoryContext batchContext;
	uint64		processed;
} ChangeState;

typedef struct ChangeBatchRow
{
	int64		number;			/* among the child's rows */
	int			inBatch;		/* among the batch's */
	ChangeAction *action;
	MinimalTuple tuple;
} ChangeBatchRow;

typedef struct ChangeBatchShard
{
	const Shard *shard;			/* that holds the rows; of a partition, maybe */
	List	   *rows;			/* of ChangeBatchRow * */
} ChangeBatchShard;

/* changes of one kind; all but the first group is in the state's batchContext */
typedef struct ChangeBatch
{
	ChangeState *state;
	CmdType		command;
	ChangeAction *action;		/* of all its rows; NULL for CMD_DELETE */
	bool		moves;			/* its rows are on their way to another shard */
	Oid			role;
	bool		returns;		/* the statement returns its rows */
	bool		counts;
	TupleDesc	desc;			/* what shards return; NULL: nothing */
	List	   *sources;		/* what travels of a row: the child's columns, 0: its number */
	int			firstValue;		/* position among sources of the first new value, from 1 */
	List	   *columns;		/* attributes that get them */

	List	   *shards;			/* of ChangeBatchShard * */
	ChangeBatchRow **rows;
	int			nrows;
	bool		full;
} ChangeBatch;

typedef void (*ChangeVisitor) (ChangeState *state, int64 number, TupleTableSlot *slot, void *arg);

/* ---- change.c ---- */

extern void executor_change_each_row(ChangeState *state, ChangeVisitor visit, void *arg);
extern int	executor_change_value_column(ChangeState *state, const ChangeAction *action,
										 AttrNumber attno);
extern const Shard *executor_change_shard_of_row(ChangeState *state, TupleTableSlot *slot);
extern ChangeAction *executor_change_action_of_row(ChangeState *state, TupleTableSlot *slot);
/* adds the row to those that are to be changed */
extern void executor_change_keep_row(ChangeState *state, TupleTableSlot *slot, uint8 flags);
/* CHANGE_ROW_MOVES or nothing, for a row that is complete */
extern uint8 executor_change_move_flag(ChangeState *state, const ChangeAction *action,
									   TupleTableSlot *slot);
/* changes the rows that are there, pass by pass */
extern void executor_change_send(ChangeState *state);
/* 27000: a trigger or function of the statement has changed the row before it could */
extern void executor_change_raise_meddled(const ChangeState *state, CmdType command);

/* ---- change_check.c ---- */

/* columns of a row of the child, from first on, as a row of the table */
extern void executor_change_fill_row(TupleTableSlot *slot, TupleTableSlot *from, int first);
/* what the action gives columns, into a row of the table */
extern void executor_change_assign(TupleTableSlot *slot, TupleTableSlot *row,
								   const ChangeAction *action);
extern void executor_change_begin_checks(ChangeState *state);
/* 42501 when a policy does not want it: the row that an upsert would insert, */
extern void executor_change_check_proposed(ChangeState *state, TupleTableSlot *row);
extern void executor_change_end_checks(ChangeState *state);
/* one that is in its way, */
extern void executor_change_check_conflict(ChangeState *state, TupleTableSlot *row);
/* a row as it is, */
extern void executor_change_check_old(ChangeState *state, const ChangeAction *action,
									  TupleTableSlot *row);
/* and as it will be: what triggers have made of it, or NULL */
extern void executor_change_check_new(ChangeState *state, const ChangeAction *action,
									  TupleTableSlot *row, TupleTableSlot *made);

/* ---- change_fire.c ---- */

/* lets the child's rows pass the triggers, and changes them; flags: of each, when it was taken */
extern void executor_change_fire(ChangeState *state, Tuplestorestate *rows, TupleDesc rowDesc,
								 const uint8 *flags);

/* ---- change_sql.c ---- */

/* fills in what depends on the batch's command and action */
extern void executor_change_describe(ChangeBatch *batch);
/* appends the tasks that change the rows of one shard */
extern List *executor_change_add_tasks(ChangeBatch *batch, List *tasks, ChangeBatchShard *entry);

/* ---- change_move.c ---- */

/* appends " WHERE $1 OPERATOR(s.=) a AND ..", of columns of the relation */
extern void executor_append_references(StringInfo sql, Oid relid, const AttrNumber *own,
									   const Oid *equals, int count);

/* finds out what foreign keys do with rows that move; raises when some cannot be kept */
extern void executor_change_begin_moves(ChangeState *state);
/* rows that refer to moved rows are updated: ON UPDATE CASCADE */
extern void executor_change_follow_moves(ChangeState *state);

/* ---- elsewhere.c ---- */

/* for a watch's trigger; raises what the server would for a foreign key */
extern void executor_elsewhere_ask(struct TriggerData *data);

#endif
