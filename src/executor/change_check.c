/*
 * change_check.c
 *	  What policies of row-level security ask of rows before they are changed, what constraints ask
 *	  of rows that an upsert proposes, and partitions of those that it updates.
 *
 * The statements that change rows run as the table's owner then, and shards ask nothing
 * (planner_change_policies.c says when).  The server's errors come at the row where it would raise
 * them: before the row's BEFORE triggers for the row as it is, after them for what it will be.
 *
 * An upsert must not move a row to another partition: the server refuses it before it asks policies
 * of the new row.
 *
 * Not here: how they are asked (row_checks.c); rows that a statement does not see, which are not
 * among the child's.
 */
#include "postgres.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "utils/partcache.h"
#include "utils/rel.h"
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

/* ---- partitions ---- */

typedef struct PartitionCheck
{
	Oid			relid;
	ExprState  *qual;			/* of the table's columns */
} PartitionCheck;

static PartitionCheck *
make_partition_check(ChangeState *state, Oid relid)
{
	EState	   *estate = state->scan->css.ss.ps.state;
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	PartitionCheck *check = palloc0(sizeof(PartitionCheck));
	Relation	table = table_open(state->spec->relid, NoLock);
	Relation	partition = table_open(relid, AccessShareLock);
	List	   *qual = map_partition_varattnos(RelationGetPartitionQual(partition), 1, table,
											   partition);

	check->relid = relid;
	check->qual = ExecPrepareCheck(qual, estate);
	table_close(partition, NoLock);
	table_close(table, NoLock);
	state->partitionChecks = lappend(state->partitionChecks, check);
	MemoryContextSwitchTo(caller);
	return check;
}

static PartitionCheck *
find_partition_check(ChangeState *state, Oid relid)
{
	ListCell   *cell;

	foreach(cell, state->partitionChecks)
	{
		PartitionCheck *check = lfirst(cell);

		if (check->relid == relid)
			return check;
	}
	return make_partition_check(state, relid);
}

static void
check_partition(ChangeState *state, TupleTableSlot *row, TupleTableSlot *made)
{
	Oid			relid = executor_change_shard_of_row(state, row)->relid;
	PartitionCheck *check = find_partition_check(state, relid);
	bool		stays;

	ResetExprContext(state->partitionContext);
	state->partitionContext->ecxt_scantuple = made;
	stays = ExecCheck(check->qual, state->partitionContext);
	if (!stays)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("invalid ON UPDATE specification"),
				 errdetail("The result tuple would appear in a different partition than the "
						   "original tuple.")));
}

/* ---- questions ---- */

void
executor_change_begin_checks(ChangeState *state)
{
	state->checks = executor_checks_begin(state->scan, state->spec->checks, state->spec->relid);
	if (state->spec->keepsPartition)
		state->partitionContext = CreateExprContext(state->scan->css.ss.ps.state);
	if (state->spec->proposedColumn > 0)
	{
		state->constraints = palloc0(sizeof(RowConstraints));
		executor_constraints_begin(state->constraints, table_open(state->spec->relid, NoLock));
	}
	if (state->checks != NULL || state->constraints != NULL || state->spec->keepsPartition)
		state->checkedRow = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);
}

/* the server asks them before it looks for conflicts, and so of rows that are never inserted */
static void
ask_constraints(ChangeState *state)
{
	EState	   *estate = state->constraints->estate;
	MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	executor_constraints_check(state->constraints, state->checkedRow);
	MemoryContextSwitchTo(caller);
	ExecClearTuple(state->checkedRow);
	ResetPerTupleExprContext(estate);
}

void
executor_change_check_proposed(ChangeState *state, TupleTableSlot *row)
{
	if (state->constraints == NULL)
		return;
	executor_change_fill_row(state->checkedRow, row, state->spec->proposedColumn);
	if (state->checks != NULL)
		executor_checks_ask(state->checks, WCO_RLS_INSERT_CHECK, state->checkedRow, row);
	ask_constraints(state);
}

/* all rows have been taken; after an error the transaction closes the relation */
void
executor_change_end_checks(ChangeState *state)
{
	if (state->constraints == NULL)
		return;
	executor_constraints_end(state->constraints);
	table_close(state->constraints->relation, NoLock);
	state->constraints = NULL;
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

/* what the action makes of a row, where no trigger sees it */
static TupleTableSlot *
make_row(ChangeState *state, const ChangeAction *action, TupleTableSlot *row)
{
	TupleTableSlot *made = state->checkedRow;

	if (action->command == CMD_UPDATE)
		executor_change_fill_row(made, row, state->spec->oldColumn);
	else
		ExecStoreAllNullTuple(made);
	executor_change_assign(made, row, action);
	return made;
}

void
executor_change_check_new(ChangeState *state, const ChangeAction *action, TupleTableSlot *row,
						  TupleTableSlot *made)
{
	bool		keepsPartition = state->spec->keepsPartition && action->command == CMD_UPDATE;

	if ((state->checks == NULL && !keepsPartition) || action->command == CMD_DELETE ||
		(action->command == CMD_INSERT && state->spec->proposedColumn > 0))
		return;
	if (made == NULL)
		made = make_row(state, action, row);
	if (keepsPartition)
		check_partition(state, row, made);
	if (state->checks != NULL)
		executor_checks_ask(state->checks, action->command == CMD_UPDATE ?
							WCO_RLS_UPDATE_CHECK : WCO_RLS_INSERT_CHECK, made, row);
}
