/*
 * change_check.c
 *	  What policies of row-level security ask of rows before they are changed.
 *
 * The statements that change rows run as the table's owner then, and shards ask nothing
 * (planner_change_policies.c says when).  The errors are those of the server, at the row where it
 * would raise them: before the row's BEFORE triggers for the row as it is, after them for what it
 * will be.
 *
 * Not here: rows that a statement does not see; they are not among the child's.
 */
#include "postgres.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "executor/change_internal.h"

typedef struct ChangeChecks
{
	ExprContext *econtext;
	ExprState **quals;			/* of ChangeSpec.checks; NULL: not an expression */
	TupleTableSlot *row;		/* as the table has it */
} ChangeChecks;

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
	ChangeChecks *checks;
	ListCell   *cell;

	if (state->spec->checks == NIL)
		return;
	checks = palloc0(sizeof(ChangeChecks));
	checks->econtext = CreateExprContext(state->scan->css.ss.ps.state);
	checks->quals = palloc0(sizeof(ExprState *) * list_length(state->spec->checks));
	checks->row = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);
	foreach(cell, state->spec->checks)
	{
		RowCheck   *check = lfirst(cell);

		if (check->qual != NULL)
			checks->quals[foreach_current_index(cell)] =
				ExecInitQual(list_make1(check->qual), &state->scan->css.ss.ps);
	}
	state->checks = checks;
}

/* "new row violates .." as ExecWithCheckOptions() has it */
static void
raise_violation(ChangeState *state, const RowCheck *check)
{
	const char *table = get_rel_name(state->spec->relid);
	bool		isNew = check->kind == WCO_RLS_INSERT_CHECK ||
		check->kind == WCO_RLS_UPDATE_CHECK;
	bool		isTarget = check->kind == WCO_RLS_MERGE_UPDATE_CHECK ||
		check->kind == WCO_RLS_MERGE_DELETE_CHECK;
	const char *row = isTarget ? "target" : "new";
	const char *using = isNew ? "" : "(USING expression) ";

	if (check->policy == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s row violates row-level security policy %sfor table \"%s\"", row, using,
						table)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s row violates row-level security policy \"%s\" %sfor table \"%s\"", row,
					check->policy, using, table)));
}

/* made: the row in question; row: the child's */
static void
ask(ChangeState *state, WCOKind kind, TupleTableSlot *made, TupleTableSlot *row)
{
	ChangeChecks *checks = state->checks;
	ListCell   *cell;

	foreach(cell, state->spec->checks)
	{
		RowCheck   *check = lfirst(cell);
		bool		passes;
		bool		isNull = false;

		if (check->kind != kind)
			continue;
		ResetExprContext(checks->econtext);
		checks->econtext->ecxt_scantuple = made;
		if (check->column > 0)
			passes = DatumGetBool(slot_getattr(row, check->column, &isNull));
		else if (check->query != NULL)
			passes = executor_query_of_row(state->scan, check->query, made);
		else
			passes = ExecQual(checks->quals[foreach_current_index(cell)], checks->econtext);
		if (isNull || !passes)
			raise_violation(state, check);
	}
}

void
executor_change_check_proposed(ChangeState *state, TupleTableSlot *row)
{
	if (state->checks == NULL || state->spec->proposedColumn == 0)
		return;
	executor_change_fill_row(state->checks->row, row, state->spec->proposedColumn);
	ask(state, WCO_RLS_INSERT_CHECK, state->checks->row, row);
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
	executor_change_fill_row(state->checks->row, row, state->spec->oldColumn);
	ask(state, WCO_RLS_CONFLICT_CHECK, state->checks->row, row);
}

void
executor_change_check_old(ChangeState *state, const ChangeAction *action, TupleTableSlot *row)
{
	if (state->checks == NULL || action->command == CMD_INSERT)
		return;
	executor_change_fill_row(state->checks->row, row, state->spec->oldColumn);
	ask(state, action->command == CMD_DELETE ? WCO_RLS_MERGE_DELETE_CHECK :
		WCO_RLS_MERGE_UPDATE_CHECK, state->checks->row, row);
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
		made = state->checks->row;
		if (action->command == CMD_UPDATE)
			executor_change_fill_row(made, row, state->spec->oldColumn);
		else
			ExecStoreAllNullTuple(made);
		executor_change_assign(made, row, action);
	}
	ask(state, action->command == CMD_UPDATE ? WCO_RLS_UPDATE_CHECK : WCO_RLS_INSERT_CHECK, made,
		row);
}
