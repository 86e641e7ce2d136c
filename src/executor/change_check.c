/*
 * change_check.c
 *	  What policies of row-level security ask of rows before they are changed.
 *
 * The statements that change rows run as the table's owner then, and shards ask nothing
 * (planner_change_policies.c says when).  The server's errors come at the row where it would raise
 * them: before the row's BEFORE triggers for the row as it is, after them for what it will be.
 *
 * Not here: how they are asked (row_checks.c); rows that a statement does not see, which are not
 * among the child's.
 */
#include "postgres.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "executor/change_internal.h"

/* ---- rows ---- */

void
executor_change_fill_row(TupleTableSlot *slot, TupleTableSlot *from, int first)
{
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	for (int i = 0; i < natts; i++)
	{
		if (TupleDescAttr(slot->tts_tupleDescriptor, i)->attisdropped)
		{
			slot->tts_values[i] = (Datum) 0;
			slot->tts_isnull[i] = true;
		}
		else
			slot->tts_values[i] = slot_getattr(from, first + i, &slot->tts_isnull[i]);
	}
	ExecStoreVirtualTuple(slot);
}

void
executor_change_assign(TupleTableSlot *slot, TupleTableSlot *row, const ChangeAction *action)
{
	ListCell   *cell;

	foreach(cell, action->columns)
	{
		int			i = lfirst_int(cell) - 1;

		slot->tts_values[i] = slot_getattr(row, action->firstValue + foreach_current_index(cell),
										   &slot->tts_isnull[i]);
	}
}

/* ---- questions ---- */

void
executor_change_begin_checks(ChangeState *state)
{
	state->checks = executor_checks_begin(state->scan, state->spec->checks, state->spec->relid);
	if (state->checks != NULL)
		state->checkedRow = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);
}

void
executor_change_check_proposed(ChangeState *state, TupleTableSlot *row)
{
	if (state->checks == NULL || state->spec->proposedColumn == 0)
		return;
	executor_change_fill_row(state->checkedRow, row, state->spec->proposedColumn);
	executor_checks_ask(state->checks, WCO_RLS_INSERT_CHECK, state->checkedRow, row);
}

/* whether the statement wants to update the row or not */
void
executor_change_check_conflict(ChangeState *state, TupleTableSlot *row)
{
	bool		isNull;

	if (state->checks == NULL)
		return;
	(void) slot_getattr(row, state->spec->rowColumn, &isNull);
	if (isNull)
		return;
	executor_change_fill_row(state->checkedRow, row, state->spec->oldColumn);
	executor_checks_ask(state->checks, WCO_RLS_CONFLICT_CHECK, state->checkedRow, row);
}

void
executor_change_check_old(ChangeState *state, const ChangeAction *action, TupleTableSlot *row)
{
	if (state->checks == NULL || action->command == CMD_INSERT)
		return;
	executor_change_fill_row(state->checkedRow, row, state->spec->oldColumn);
	executor_checks_ask(state->checks, action->command == CMD_DELETE ?
						WCO_RLS_MERGE_DELETE_CHECK : WCO_RLS_MERGE_UPDATE_CHECK,
						state->checkedRow, row);
}

void
executor_change_check_new(ChangeState *state, const ChangeAction *action, TupleTableSlot *row,
						  TupleTableSlot *made)
{
	if (state->checks == NULL || action->command == CMD_DELETE ||
		(action->command == CMD_INSERT && state->spec->proposedColumn > 0))
		return;
	if (made == NULL)
	{
		made = state->checkedRow;
		if (action->command == CMD_UPDATE)
			executor_change_fill_row(made, row, state->spec->oldColumn);
		else
			ExecStoreAllNullTuple(made);
		executor_change_assign(made, row, action);
	}
	executor_checks_ask(state->checks, action->command == CMD_UPDATE ? WCO_RLS_UPDATE_CHECK :
						WCO_RLS_INSERT_CHECK, made, row);
}
