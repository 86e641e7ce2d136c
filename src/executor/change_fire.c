/*
 * change_fire.c
 *	  Rows that are to be changed pass the table's triggers first.
 *
 * BEFORE ROW triggers are called row by row, in the order in which the rows were found; what they
 * make of a row is kept beside it.  The rows are sent together, unless a trigger's function runs a
 * statement, which must see the rows before its own: then these are sent as they are (a segment).
 * Which rows were really changed is known afterwards, and events for AFTER triggers are kept then.
 *
 * Main path: executor_change_fire() -> fire_row(), send_segment(), queue_segment().
 */
#include "postgres.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "executor/change_internal.h"

/* rows that have been sent together */
typedef struct Segment
{
	Tuplestorestate *rows;
	uint8	   *flags;
	int64		nrows;
} Segment;

typedef struct FireState
{
	ChangeState *state;
	MemoryContext context;		/* where segments live */
	List	   *sent;			/* of Segment *, whose events have not been kept */
	TupleTableSlot *old;		/* rows as the table has them */
	TupleTableSlot *new;
	TupleTableSlot *complete;	/* a row of the child with what triggers made of it */
} FireState;

/* ---- rows ---- */

static void
fill_nulls(TupleTableSlot *slot)
{
	ExecClearTuple(slot);
	ExecStoreAllNullTuple(slot);
}

/* which columns the triggers gave other values than the statement did */
static void
note_changed(FireState *fire, TupleTableSlot *row, const ChangeAction *action)
{
	ChangeState *state = fire->state;
	TupleTableSlot *before = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);

	executor_change_fill_row(before, row, state->spec->oldColumn);
	executor_change_assign(before, row, action);
	for (int i = 0; i < state->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(state->desc, i);
		bool		isNull = fire->new->tts_isnull[i];

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		if (isNull != before->tts_isnull[i] ||
			(!isNull && !datum_image_eq(fire->new->tts_values[i], before->tts_values[i],
										attribute->attbyval, attribute->attlen)))
			state->changed = bms_add_member(state->changed, attribute->attnum);
	}
	ExecDropSingleTupleTableSlot(before);
}

static bool
fire_update(FireState *fire, TupleTableSlot *row, const ChangeAction *action, Oid relid)
{
	ChangeState *state = fire->state;

	executor_change_fill_row(fire->new, row, state->spec->oldColumn);
	executor_change_assign(fire->new, row, action);
	ExecMaterializeSlot(fire->new);
	if (!executor_triggers_update(state->triggers, relid, fire->old, fire->new))
		return false;
	ExecMaterializeSlot(fire->new);
	if (!state->partitioned || executor_triggers_partition(state->triggers, fire->new) == relid)
		return true;

	/* another partition: as one server does it */
	if (!executor_triggers_delete(state->triggers, relid, fire->old) ||
		!executor_triggers_insert(state->triggers, fire->new))
		return false;
	ExecMaterializeSlot(fire->new);
	return true;
}

/* false: a trigger wants the row left alone */
static bool
fire_before(FireState *fire, TupleTableSlot *row, const ChangeAction *action)
{
	ChangeState *state = fire->state;
	Oid			relid = InvalidOid;
	bool		goesOn;

	if (action->command != CMD_INSERT)
	{
		relid = executor_change_shard_of_row(state, row)->relid;
		executor_change_fill_row(fire->old, row, state->spec->oldColumn);
	}
	if (action->command == CMD_UPDATE)
	{
		goesOn = fire_update(fire, row, action, relid);
		if (goesOn)
			note_changed(fire, row, action);
		return goesOn;
	}
	fill_nulls(fire->new);
	if (action->command == CMD_DELETE)
		return executor_triggers_delete(state->triggers, relid, fire->old);
	executor_change_assign(fire->new, row, action);
	goesOn = executor_triggers_insert(state->triggers, fire->new);
	ExecMaterializeSlot(fire->new);
	return goesOn;
}

static void
fire_row(FireState *fire, TupleTableSlot *row)
{
	ChangeState *state = fire->state;
	ChangeAction *action = executor_change_action_of_row(state, row);
	TupleTableSlot *complete = fire->complete;
	int			natts = row->tts_tupleDescriptor->natts;

	if (!fire_before(fire, row, action))
		return;
	if (action->command != CMD_DELETE)
		executor_change_check_new(state, action, row, fire->new);
	slot_getallattrs(row);
	ExecClearTuple(complete);
	memcpy(complete->tts_values, row->tts_values, sizeof(Datum) * natts);
	memcpy(complete->tts_isnull, row->tts_isnull, sizeof(bool) * natts);
	memcpy(complete->tts_values + natts, fire->new->tts_values,
		   sizeof(Datum) * state->desc->natts);
	memcpy(complete->tts_isnull + natts, fire->new->tts_isnull,
		   sizeof(bool) * state->desc->natts);
	ExecStoreVirtualTuple(complete);
	executor_change_keep_row(state, complete,
							 executor_change_move_flag(state, action, complete));
	executor_triggers_set_pending(state->triggers);
}

/* ---- segments ---- */

/* may be called while a trigger's function runs */
static void
send_segment(void *argument)
{
	FireState  *fire = argument;
	ChangeState *state = fire->state;
	MemoryContext caller = MemoryContextSwitchTo(fire->context);
	Segment    *segment;

	if (state->rows != NULL)
	{
		executor_change_send(state);
		segment = palloc(sizeof(Segment));
		segment->rows = state->rows;
		segment->flags = state->flags;
		segment->nrows = state->nrows;
		fire->sent = lappend(fire->sent, segment);
		state->rows = NULL;
		state->flags = NULL;
		state->nrows = state->capacity = 0;
		state->moves = state->followed = false;
		state->changed = NULL;
	}
	MemoryContextSwitchTo(caller);
}

static void
visit_sent(ChangeState *state, int64 number, TupleTableSlot *slot, void *argument)
{
	FireState  *fire = argument;
	ChangeAction *action = executor_change_action_of_row(state, slot);
	uint8		flags = state->flags[number];
	Oid			relid;

	executor_change_fill_row(fire->new, slot, state->newColumn);
	if (action->command == CMD_INSERT)
	{
		executor_triggers_inserted(state->triggers, fire->new);
		return;
	}
	if ((flags & (CHANGE_ROW_GONE | CHANGE_ROW_DONE)) == 0)
	{
		if (state->meddled || executor_triggers_were_interrupted(state->triggers))
			executor_change_raise_meddled(state, action->command);
		return;
	}
	relid = executor_change_shard_of_row(state, slot)->relid;
	executor_change_fill_row(fire->old, slot, state->spec->oldColumn);
	if (action->command == CMD_DELETE)
		executor_triggers_deleted(state->triggers, relid, fire->old);
	else
		executor_triggers_updated(state->triggers, relid, fire->old, fire->new);
}

/* events of rows that have been sent, in the order of the rows */
static void
queue_sent(FireState *fire)
{
	ChangeState *state = fire->state;
	Tuplestorestate *rows = state->rows;
	uint8	   *flags = state->flags;
	int64		nrows = state->nrows;
	ListCell   *cell;

	foreach(cell, fire->sent)
	{
		Segment    *segment = lfirst(cell);

		state->rows = segment->rows;
		state->flags = segment->flags;
		state->nrows = segment->nrows;
		executor_change_each_row(state, visit_sent, fire);
		tuplestore_end(segment->rows);
		pfree(segment->flags);
	}
	fire->sent = NIL;
	state->rows = rows;
	state->flags = flags;
	state->nrows = nrows;
}

void
executor_change_fire(ChangeState *state, Tuplestorestate *rows, TupleDesc rowDesc,
					 const uint8 *flags)
{
	FireState	fire = {.state = state, .context = CurrentMemoryContext};
	TupleTableSlot *row = MakeSingleTupleTableSlot(rowDesc, &TTSOpsMinimalTuple);

	fire.old = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);
	fire.new = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);
	fire.complete = MakeSingleTupleTableSlot(state->rowDesc, &TTSOpsVirtual);
	executor_triggers_set_flush(state->triggers, send_segment, &fire);
	for (int64 i = 0; tuplestore_gettupleslot(rows, true, false, row); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (flags[i] & CHANGE_ROW_SKIP)
			continue;
		fire_row(&fire, row);
		if (fire.sent != NIL)
			queue_sent(&fire);
	}
	send_segment(&fire);
	queue_sent(&fire);
	executor_triggers_set_flush(state->triggers, NULL, NULL);
	ExecDropSingleTupleTableSlot(row);
	ExecDropSingleTupleTableSlot(fire.old);
	ExecDropSingleTupleTableSlot(fire.new);
	ExecDropSingleTupleTableSlot(fire.complete);
}
