/*
 * change.c
 *	  Rows that a query here has found are changed where they are, or moved where they belong.
 *
 * The child plan says which rows of shards to change and how (ChangeSpec in plan.h).  All of its
 * rows are taken before the first change, so that no part of the statement sees another's.  Then,
 * pass by pass over what was taken, changes go out in batches, a statement for each shard:
 *
 *		DELETE FROM shard t USING (VALUES (n, ctid), ..) v (..) WHERE t.ctid = v.c2
 *		UPDATE shard t SET a = v.c3 FROM (VALUES (n, ctid, a), ..) v (..) WHERE t.ctid = v.c2
 *		INSERT INTO shard (k, a) VALUES (k, a), ..
 *
 * An UPDATE that gives the distribution column a value of another shard is a DELETE and an INSERT.
 *
 * Invariants: (1) a row of a shard is changed at most once; (2) a moved row is inserted only after
 * its old self is known to be gone, except when rows of other tables must follow it (see
 * change_move.c), which then fail if it is not; (3) every copy of a row gets the same values.
 *
 * Main path: executor_change_run().  Not here: the statements' texts (change_sql.c), what foreign
 * keys do when a row moves (change_move.c), what policies ask of rows (change_check.c).
 */
#include "postgres.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "citus/routing/routing.h"
#include "executor/change_internal.h"

#define MAX_BATCH_ROWS		1000	/* a shard and statement */
#define MAX_BATCH_BYTES		(16 * 1024 * 1024)

/* a row of a shard; zeroed before it is filled, for it is hashed as bytes */
typedef struct RowKey
{
	ShardId		shard;
	ItemPointerData ctid;
} RowKey;

/* ---- set-up ---- */

/* columns by which a row's copies are found: ctid differs between them; NIL: by all of them */
static List *
find_identity(Relation relation)
{
	Bitmapset  *attnos = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	List	   *result = NIL;
	int			member = -1;

	while ((member = bms_next_member(attnos, member)) >= 0)
		result = lappend_int(result, member + FirstLowInvalidHeapAttributeNumber);
	return result;
}

/* xmin, cmin, xmax or cmax */
static bool
is_of_transactions(AttrNumber attno)
{
	return attno <= MinTransactionIdAttributeNumber && attno >= MaxCommandIdAttributeNumber;
}

/* attributes of rows that a DELETE has marked as deleted which the outputs need */
static List *
find_marked(const ChangeSpec *spec)
{
	List	   *result = NIL;
	ListCell   *kind;
	ListCell   *number;

	forboth(kind, spec->outputs, number, spec->outputNumbers)
	{
		if ((lfirst_int(kind) == CHANGE_OUTPUT_CURRENT || lfirst_int(kind) == CHANGE_OUTPUT_OLD) &&
			is_of_transactions(lfirst_int(number)))
			result = list_append_unique_int(result, lfirst_int(number));
	}
	return result;
}

/* attributes of new rows that the outputs need */
static List *
find_returned(const ChangeSpec *spec)
{
	List	   *result = NIL;
	ListCell   *kind;
	ListCell   *number;

	forboth(kind, spec->outputs, number, spec->outputNumbers)
	{
		if (lfirst_int(kind) == CHANGE_OUTPUT_CURRENT || lfirst_int(kind) == CHANGE_OUTPUT_NEW)
			result = list_append_unique_int(result, lfirst_int(number));
	}
	return result;
}

static TupleDesc
join_descs(TupleDesc first, TupleDesc second)
{
	TupleDesc	joined = CreateTemplateTupleDesc(first->natts + second->natts);

	for (int i = 1; i <= first->natts; i++)
		TupleDescCopyEntry(joined, i, first, i);
	for (int i = 1; i <= second->natts; i++)
		TupleDescCopyEntry(joined, first->natts + i, second, i);
	return joined;
}

/* what a foreign key does to one row, or asks of it, may be about another row of the statement */
static bool
rows_refer_to_rows(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgconstrrelid == RelationGetRelid(relation) &&
			RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK)
			return true;
	}
	return false;
}

static ChangeState *
begin_change(DistScanState *scan)
{
	ChangeState *state = palloc0(sizeof(ChangeState));
	ChangeSpec *spec = scan->plan->change;
	Relation	relation = table_open(spec->relid, NoLock);

	state->scan = scan;
	state->spec = spec;
	state->table = catalog_table_get(spec->relid);
	if (state->table == NULL || state->table->nshards == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not distributed any more",
						RelationGetRelationName(relation))));
	if (DIST_TABLE_HAS_KEY(state->table))
		state->router = routing_router_for(state->table);
	state->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	state->partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	state->atOnce = rows_refer_to_rows(relation);
	state->owner = relation->rd_rel->relowner;
	if (executor_triggers_see_rows(scan->triggers))
	{
		state->acting = catalog_acting_here(relation, NULL);
		state->left = executor_actions_known(relation);
	}
	state->copies = catalog_table_has_copies(state->table);
	if (state->copies)
		state->identity = find_identity(relation);
	table_close(relation, NoLock);

	state->returned = find_returned(spec);
	state->marked = find_marked(spec);
	executor_change_begin_checks(state);
	state->rowDesc = ExecGetResultType(linitial(scan->css.custom_ps));
	if (executor_triggers_see_rows(scan->triggers))
	{
		state->triggers = scan->triggers;
		state->newColumn = state->rowDesc->natts + 1;
		state->rowDesc = join_descs(state->rowDesc, state->desc);
	}
	state->rowSlot = MakeSingleTupleTableSlot(state->rowDesc, &TTSOpsMinimalTuple);
	state->batchContext = AllocSetContextCreate(CurrentMemoryContext, "citus change batch",
												ALLOCSET_DEFAULT_SIZES);
	return state;
}

/* ---- taking the child's rows ---- */

/* what is to be done with the child's row; NULL: nothing */
ChangeAction *
executor_change_action_of_row(ChangeState *state, TupleTableSlot *slot)
{
	ChangeSpec *spec = state->spec;
	int			number = 1;
	bool		isNull = false;
	ChangeAction *action;

	if (spec->actionColumn != 0)
		number = DatumGetInt32(slot_getattr(slot, spec->actionColumn, &isNull));
	if (isNull || number == 0)
		return NULL;
	action = list_nth(spec->actions, number - 1);
	return action->command == CMD_NOTHING ? NULL : action;
}

void
executor_raise_second_conflict(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("ON CONFLICT DO UPDATE command cannot affect row a second time"),
			 errhint("Ensure that no rows proposed for insertion within the same command have "
					 "duplicate constrained values.")));
}

static void
raise_changed_twice(const ChangeSpec *spec)
{
	if (spec->conflict != NULL)
		executor_raise_second_conflict();
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("MERGE command cannot affect row a second time"),
			 errhint("Ensure that not more than one source row matches any one target row.")));
}

void
executor_change_raise_meddled(const ChangeState *state, CmdType command)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 state->spec->command == CMD_MERGE ?
			 errmsg("tuple to be updated or deleted was already modified by an operation "
					"triggered by the current command") :
			 command == CMD_DELETE ?
			 errmsg("tuple to be deleted was already modified by an operation triggered by the "
					"current command") :
			 errmsg("tuple to be updated was already modified by an operation triggered by the "
					"current command"),
			 errhint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate "
					 "changes to other rows.")));
}

/* true when the child has given this row of a shard before */
static bool
row_was_seen(ChangeState *state, TupleTableSlot *slot)
{
	RowKey		key;
	bool		isNull;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.shard = DatumGetInt64(slot_getattr(slot, state->spec->shardColumn, &isNull));
	ItemPointerCopy((ItemPointer)
					DatumGetPointer(slot_getattr(slot, state->spec->rowColumn, &isNull)),
					&key.ctid);
	(void) hash_search(state->seen, &key, HASH_ENTER, &found);
	if (found && (state->spec->command == CMD_MERGE || state->spec->conflict != NULL))
		raise_changed_twice(state->spec);
	return found;
}

/* the child's column that gives attribute attno a value; 0 if the action leaves it */
int
executor_change_value_column(ChangeState *state, const ChangeAction *action, AttrNumber attno)
{
	ListCell   *cell;

	if (state->newColumn > 0)
		return state->newColumn + attno - 1;
	foreach(cell, action->columns)
	{
		if (lfirst_int(cell) == attno)
			return action->firstValue + foreach_current_index(cell);
	}
	return 0;
}

/* the shard that the row is in: of the partition, if there are partitions */
const Shard *
executor_change_shard_of_row(ChangeState *state, TupleTableSlot *slot)
{
	bool		isNull;
	ShardId		id = DatumGetInt64(slot_getattr(slot, state->spec->shardColumn, &isNull));
	const Shard *shard = catalog_shard_get(id);

	if (isNull || shard == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("shard " INT64_FORMAT " of table \"%s\" does not exist any more", id,
						get_rel_name(state->spec->relid))));
	return shard;
}

/* index of the shard that owns what the action makes of the row */
static int
new_shard_index(ChangeState *state, const ChangeAction *action, TupleTableSlot *slot)
{
	AttrNumber	attno = state->table->keyAttno;
	int			column = executor_change_value_column(state, action, attno);
	bool		isNull = true;
	Datum		value = (Datum) 0;

	if (state->router == NULL)
		return 0;
	if (column == 0 && action->command == CMD_UPDATE)
		column = state->spec->oldColumn + attno - 1;
	if (column > 0)
		value = slot_getattr(slot, column, &isNull);
	return routing_shard_of_value(state->table, state->router, value, isNull);
}

static bool
row_moves(ChangeState *state, const ChangeAction *action, TupleTableSlot *slot)
{
	if (action->command != CMD_UPDATE || state->router == NULL ||
		executor_change_value_column(state, action, state->table->keyAttno) == 0)
		return false;
	return new_shard_index(state, action, slot) !=
		executor_change_shard_of_row(state, slot)->index;
}

/* the columns that only a child has are not known to a statement about its parent */
static void
refuse_move_of_child(ChangeState *state, TupleTableSlot *slot)
{
	const Shard *shard = executor_change_shard_of_row(state, slot);

	if (state->partitioned || shard->relid == state->spec->relid)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot move rows of table \"%s\" between shards by a statement about its "
					"parent \"%s\"", get_rel_name(shard->relid),
					get_rel_name(state->spec->relid)),
			 errhint("Change the distribution column of each table by itself, with ONLY.")));
}

uint8
executor_change_move_flag(ChangeState *state, const ChangeAction *action, TupleTableSlot *slot)
{
	if (!row_moves(state, action, slot))
		return 0;
	refuse_move_of_child(state, slot);
	return CHANGE_ROW_MOVES;
}

static void
add_flags(ChangeState *state, uint8 flags)
{
	if (state->nrows == state->capacity)
	{
		state->capacity = Max(state->capacity * 2, 1024);
		state->flags = state->flags == NULL ?
			MemoryContextAllocHuge(state->scan->context, state->capacity) :
			repalloc_huge(state->flags, state->capacity);
	}
	state->flags[state->nrows++] = flags;
}

static uint8
flags_of_row(ChangeState *state, TupleTableSlot *slot)
{
	ChangeAction *action = executor_change_action_of_row(state, slot);

	executor_change_check_proposed(state, slot);
	executor_change_check_conflict(state, slot);
	if (action == NULL)
		return CHANGE_ROW_SKIP;
	if (action->command != CMD_INSERT && row_was_seen(state, slot))
		return CHANGE_ROW_SKIP;
	executor_change_check_old(state, action, slot);
	/* where triggers see the row, it is not known yet what it will be */
	if (state->triggers != NULL)
		return 0;
	executor_change_check_new(state, action, slot, NULL);
	return executor_change_move_flag(state, action, slot);
}

void
executor_change_keep_row(ChangeState *state, TupleTableSlot *slot, uint8 flags)
{
	if (state->rows == NULL)
	{
		state->rows = tuplestore_begin_heap(false, false, work_mem);
		tuplestore_set_eflags(state->rows, EXEC_FLAG_REWIND);
	}
	state->moves |= (flags & CHANGE_ROW_MOVES) != 0;
	add_flags(state, flags);
	tuplestore_puttupleslot(state->rows, slot);
}

/* what the child makes for itself has to live as long as the child */
static TupleTableSlot *
next_child_row(ChangeState *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->scan->context);
	TupleTableSlot *slot = ExecProcNode(linitial(state->scan->css.custom_ps));

	MemoryContextSwitchTo(caller);
	return slot;
}

static void
take_rows(ChangeState *state)
{
	HASHCTL		control = {.keysize = sizeof(RowKey), .entrysize = sizeof(RowKey)};
	TupleTableSlot *slot;

	control.hcxt = AllocSetContextCreate(CurrentMemoryContext, "citus changed rows",
										 ALLOCSET_DEFAULT_SIZES);
	state->seen = hash_create("citus changed rows", 256, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (slot = next_child_row(state); !TupIsNull(slot); slot = next_child_row(state))
	{
		CHECK_FOR_INTERRUPTS();
		executor_change_keep_row(state, slot, flags_of_row(state, slot));
	}
	executor_change_end_checks(state);
	/* what no row has asked for is not read before the changes: it might fail */
	executor_scans_over(linitial(state->scan->css.custom_ps));
	hash_destroy(state->seen);
	MemoryContextDelete(control.hcxt);
}

/* calls visit for each row that something is done with */
void
executor_change_each_row(ChangeState *state, ChangeVisitor visit, void *arg)
{
	tuplestore_rescan(state->rows);
	for (int64 i = 0; tuplestore_gettupleslot(state->rows, true, false, state->rowSlot); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if ((state->flags[i] & CHANGE_ROW_SKIP) == 0)
			visit(state, i, state->rowSlot, arg);
	}
	ExecClearTuple(state->rowSlot);
}

/* ---- what the statement returns ---- */

/* the value of an attribute of the row as it was */
static Datum
old_value(ChangeState *state, TupleTableSlot *row, AttrNumber attno, bool *isNull)
{
	ChangeSpec *spec = state->spec;

	if (attno == SelfItemPointerAttributeNumber)
	{
		ItemPointer tid = palloc(sizeof(ItemPointerData));

		routing_tid(state->table, executor_change_shard_of_row(state, row)->index,
					(ItemPointer) DatumGetPointer(slot_getattr(row, spec->rowColumn, isNull)),
					tid);
		return PointerGetDatum(tid);
	}
	if (is_of_transactions(attno))
		return slot_getattr(row, spec->oldSystem + MinTransactionIdAttributeNumber - attno,
							isNull);
	if (attno != TableOidAttributeNumber)
		return slot_getattr(row, spec->oldColumn + attno - 1, isNull);
	*isNull = false;
	return ObjectIdGetDatum(executor_change_shard_of_row(state, row)->relid);
}

/* the same of the row as it is; fresh is what its shard returned of it, columns start at first */
static Datum
returned_value(List *returned, TupleTableSlot *fresh, int first, AttrNumber attno, bool *isNull)
{
	ListCell   *cell;
	int			column = first;
	Datum		value;

	foreach(cell, returned)
	{
		if (lfirst_int(cell) == attno)
			break;
		column++;
	}
	value = slot_getattr(fresh, column, isNull);
	if (attno == TableOidAttributeNumber && !*isNull)
		value = ObjectIdGetDatum(catalog_shard_get(DatumGetInt64(value))->relid);
	return value;
}

static const char *
name_of_command(CmdType command)
{
	return command == CMD_INSERT ? "INSERT" : command == CMD_DELETE ? "DELETE" : "UPDATE";
}

static void
put_output(ChangeState *state, ChangeBatchRow *row, TupleTableSlot *fresh, int first)
{
	TupleDesc	desc = state->scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	Datum	   *values = palloc0(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	CmdType		command = row->action->command;
	RowSink		sink = executor_scan_sink(state->scan);
	ListCell   *kind;
	ListCell   *number;
	int			i = 0;

	ExecForceStoreMinimalTuple(row->tuple, state->rowSlot, false);
	forboth(kind, state->spec->outputs, number, state->spec->outputNumbers)
	{
		int			n = lfirst_int(number);
		ChangeOutput output = lfirst_int(kind);

		nulls[i] = true;
		if (output == CHANGE_OUTPUT_CURRENT)
			output = command == CMD_DELETE ? CHANGE_OUTPUT_OLD : CHANGE_OUTPUT_NEW;
		if (output == CHANGE_OUTPUT_CHILD)
			values[i] = slot_getattr(state->rowSlot, n, &nulls[i]);
		else if (output == CHANGE_OUTPUT_NEW && command != CMD_DELETE)
			values[i] = returned_value(state->returned, fresh, first, n, &nulls[i]);
		else if (output == CHANGE_OUTPUT_OLD && command == CMD_DELETE && is_of_transactions(n))
			values[i] = returned_value(state->marked, fresh, first, n, &nulls[i]);
		else if (output == CHANGE_OUTPUT_OLD && command != CMD_INSERT)
			values[i] = old_value(state, state->rowSlot, n, &nulls[i]);
		else if (output == CHANGE_OUTPUT_ACTION)
		{
			values[i] = CStringGetTextDatum(name_of_command(command));
			nulls[i] = false;
		}
		i++;
	}
	tuplestore_putvalues(sink.store, desc, values, nulls);
}

/* ---- batches ---- */

static void
clear_batch(ChangeBatch *batch)
{
	ChangeState *state = batch->state;

	batch->shards = NIL;
	batch->rows = NULL;
	batch->nrows = 0;
	batch->full = false;
	MemoryContextReset(state->batchContext);
}

/* the rows of the batch by the number that their statements gave them */
static void
number_rows(ChangeBatch *batch)
{
	ListCell   *shard;
	ListCell   *cell;

	batch->rows = palloc(sizeof(ChangeBatchRow *) * batch->nrows);
	batch->nrows = 0;
	foreach(shard, batch->shards)
	{
		foreach(cell, ((ChangeBatchShard *) lfirst(shard))->rows)
		{
			ChangeBatchRow *row = lfirst(cell);

			row->inBatch = batch->nrows;
			batch->rows[batch->nrows++] = row;
		}
	}
}

/* a copy of a row must not change in another way than the row */
static void
check_copies(ChangeState *state, List *tasks)
{
	ExecutorTask *first = NULL;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (!task->copy)
			first = task;
		else if (task->count != first->count)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("copies of table \"%s\" differ", get_rel_name(state->spec->relid)),
					 errdetail("A change found " UINT64_FORMAT " rows in one copy and "
							   UINT64_FORMAT " in another.", first->count, task->count)));
	}
}

/* rows that came back: of those that exist no more, or of those that are new */
static void
read_answers(ChangeBatch *batch, Tuplestorestate *store, TupleDesc desc)
{
	ChangeState *state = batch->state;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	int		   *counts = palloc0(sizeof(int) * batch->nrows);

	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		bool		isNull;
		int			number = DatumGetInt32(slot_getattr(slot, 1, &isNull));
		ChangeBatchRow *row;

		/* an INSERT returns, for each row, the number of its statement's first one */
		if (batch->command == CMD_INSERT)
			number += counts[number]++;
		if (number < 0 || number >= batch->nrows)
			elog(ERROR, "a shard returned row %d of %d", number, batch->nrows);
		row = batch->rows[number];
		if (batch->command != CMD_INSERT)
			state->flags[row->number] |= batch->command == CMD_DELETE ? CHANGE_ROW_GONE :
				CHANGE_ROW_DONE;
		if (batch->returns && !(state->flags[row->number] & CHANGE_ROW_MOVES &&
								batch->command == CMD_DELETE))
			put_output(state, row, slot, 2);
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
send_batch(ChangeBatch *batch)
{
	ChangeState *state = batch->state;
	EState	   *estate = state->scan->css.ss.ps.state;
	MemoryContext caller = MemoryContextSwitchTo(state->batchContext);
	RowSink		sink = {NULL, NULL};
	/* rows may have been locked in a newer state than the statement's snapshot shows */
	Snapshot	snapshot = IsolationUsesXactSnapshot() ? estate->es_snapshot : NULL;
	List	   *tasks = NIL;
	CallerRole	role;
	uint64		count;
	ListCell   *cell;

	if (batch->nrows > 0)
	{
		number_rows(batch);
		foreach(cell, batch->shards)
			tasks = executor_change_add_tasks(batch, tasks, lfirst(cell));
		if (batch->desc != NULL)
		{
			sink.reader = executor_reader_make(batch->desc);
			sink.store = tuplestore_begin_heap(false, false, work_mem);
		}
		role = batch->moves || state->spec->unforced ?
			executor_enter_unforced(batch->role, state->spec->relid) :
			executor_enter_role(batch->role);
		count = executor_tasks_write(tasks, &sink, NULL, snapshot);
		executor_leave_role(role);
		check_copies(state, tasks);
		if (state->meddled && batch->command != CMD_INSERT && count < batch->nrows)
			executor_change_raise_meddled(state, batch->moves ? CMD_UPDATE : batch->command);
		if (batch->counts)
			state->processed += count;
		if (sink.store != NULL)
		{
			read_answers(batch, sink.store, batch->desc);
			tuplestore_end(sink.store);
		}
	}
	MemoryContextSwitchTo(caller);
	clear_batch(batch);
}

static ChangeBatchShard *
find_batch_shard(ChangeBatch *batch, const Shard *shard)
{
	ChangeBatchShard *found;
	ListCell   *cell;

	foreach(cell, batch->shards)
	{
		found = lfirst(cell);
		if (found->shard->id == shard->id)
			return found;
	}
	found = palloc0(sizeof(ChangeBatchShard));
	found->shard = shard;
	batch->shards = lappend(batch->shards, found);
	return found;
}

static void
add_to_batch(ChangeBatch *batch, const Shard *shard, int64 number, TupleTableSlot *slot,
			 ChangeAction *action)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->state->batchContext);
	ChangeBatchShard *entry = find_batch_shard(batch, shard);
	ChangeBatchRow *row = palloc(sizeof(ChangeBatchRow));

	row->number = number;
	row->action = action;
	row->tuple = ExecCopySlotMinimalTuple(slot);
	entry->rows = lappend(entry->rows, row);
	batch->nrows++;
	MemoryContextSwitchTo(caller);

	batch->full = !batch->state->atOnce &&
		(list_length(entry->rows) >= MAX_BATCH_ROWS ||
		 MemoryContextMemAllocated(batch->state->batchContext, false) > MAX_BATCH_BYTES);
	if (batch->full)
		send_batch(batch);
}

/* ---- passes ---- */

static void
visit_deletes(ChangeState *state, int64 number, TupleTableSlot *slot, void *arg)
{
	ChangeBatch *batch = arg;
	ChangeAction *action = executor_change_action_of_row(state, slot);
	bool		moves = (state->flags[number] & CHANGE_ROW_MOVES) != 0;

	if (moves ? batch->moves : action->command == CMD_DELETE && !batch->moves)
		add_to_batch(batch, executor_change_shard_of_row(state, slot), number, slot, action);
}

static void
visit_updates(ChangeState *state, int64 number, TupleTableSlot *slot, void *arg)
{
	ChangeBatch *batch = arg;

	if (executor_change_action_of_row(state, slot) == batch->action &&
		(state->flags[number] & CHANGE_ROW_MOVES) == 0)
		add_to_batch(batch, executor_change_shard_of_row(state, slot), number, slot,
					 batch->action);
}

/* rows of an action that inserts, or the new selves of rows that move */
static void
visit_inserts(ChangeState *state, int64 number, TupleTableSlot *slot, void *arg)
{
	ChangeBatch *batch = arg;
	int			index;

	if (executor_change_action_of_row(state, slot) != batch->action)
		return;
	if (batch->action->command == CMD_UPDATE &&
		((state->flags[number] & CHANGE_ROW_MOVES) == 0 ||
		 (!state->followed && (state->flags[number] & CHANGE_ROW_GONE) == 0)))
		return;
	index = new_shard_index(state, batch->action, slot);
	add_to_batch(batch, state->table->shards[index], number, slot, batch->action);
}

/*
 * Rows that move are deleted and inserted with the rights of the table's owner: who may update a
 * row needs no others.
 */
static void
run_pass(ChangeState *state, CmdType command, ChangeAction *action, bool moves,
		 ChangeVisitor visit)
{
	ChangeBatch batch = {.state = state, .command = command, .action = action};

	batch.moves = moves;
	batch.role = moves ? state->owner : state->spec->role;
	batch.returns = state->spec->outputs != NIL;
	batch.counts = true;
	executor_change_describe(&batch);
	executor_change_each_row(state, visit, &batch);
	send_batch(&batch);
}

static void
run_deletes(ChangeState *state)
{
	uint64		before;
	bool		deletes = false;
	ListCell   *cell;

	foreach(cell, state->spec->actions)
		deletes |= ((ChangeAction *) lfirst(cell))->command == CMD_DELETE;
	if (deletes)
		run_pass(state, CMD_DELETE, NULL, false, visit_deletes);

	/* rows that move count once, when they have arrived */
	before = state->processed;
	if (state->moves)
		run_pass(state, CMD_DELETE, NULL, true, visit_deletes);
	state->processed = before;
}

static void
run_actions(ChangeState *state, CmdType command)
{
	ListCell   *cell;

	foreach(cell, state->spec->actions)
	{
		ChangeAction *action = lfirst(cell);

		if (action->command == command)
			run_pass(state, command, action, false,
					 command == CMD_UPDATE ? visit_updates : visit_inserts);
	}
}

static void
run_arrivals(ChangeState *state)
{
	ListCell   *cell;

	foreach(cell, state->spec->actions)
	{
		ChangeAction *action = lfirst(cell);

		if (state->moves && action->command == CMD_UPDATE)
			run_pass(state, CMD_INSERT, action, true, visit_inserts);
	}
}

/* invariant (2) */
static void
check_followed(ChangeState *state)
{
	for (int64 i = 0; state->followed && i < state->nrows; i++)
	{
		if ((state->flags[i] & (CHANGE_ROW_GONE | CHANGE_ROW_MOVES)) == CHANGE_ROW_MOVES)
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
					 errmsg("a row of table \"%s\" could not be moved to another shard",
							get_rel_name(state->spec->relid)),
					 errdetail("It was kept from being deleted where it was.")));
	}
}

static void
send_changes(ChangeState *state)
{
	if (state->moves)
		executor_change_begin_moves(state);
	if (state->followed)
	{
		run_arrivals(state);
		executor_change_follow_moves(state);
	}
	run_deletes(state);
	check_followed(state);
	run_actions(state, CMD_UPDATE);
	if (!state->followed)
		run_arrivals(state);
	run_actions(state, CMD_INSERT);
}

void
executor_change_send(ChangeState *state)
{
	if (state->rows == NULL)
		return;
	if (state->left != NIL)
		executor_actions_leave(state->table, state->left);
	send_changes(state);
	if (state->left != NIL)
		executor_actions_leave(state->table, NIL);
}

/* the rows that were taken become those that triggers make of them */
static void
fire_and_send(ChangeState *state)
{
	Tuplestorestate *rows = state->rows;
	uint8	   *flags = state->flags;

	state->rows = NULL;
	state->flags = NULL;
	state->nrows = state->capacity = 0;
	if (rows != NULL)
	{
		executor_change_fire(state, rows,
							 ExecGetResultType(linitial(state->scan->css.custom_ps)), flags);
		tuplestore_end(rows);
		pfree(flags);
	}
}

/*
 * An upsert's rows must not come into being between looking for them and inserting them: until the
 * end of the transaction nobody else writes to the shards.  Then the child plan, of which nothing
 * has started yet, gets a snapshot of its own, and sees what those have done who did before.
 */
void
executor_change_begin_upsert(DistScanState *scan)
{
	const ChangeSpec *spec = scan->plan->change;
	const DistTable *table = catalog_table_get(spec->relid);
	List	   *tasks = NIL;
	CallerRole	caller;

	PreventCommandIfReadOnly("INSERT");
	if (table == NULL)
		return;
	executor_lock_table_for_write(table, spec->role);
	caller = executor_enter_role(executor_role_to_lock(table, spec->role));
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];
		char	   *sql = psprintf("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE",
								   catalog_shard_qualified_name(shard));

		tasks = executor_tasks_for_shard(tasks, shard, sql, NULL, true);
	}
	executor_tasks_run_quietly(tasks);
	executor_leave_role(caller);
	if (!IsolationUsesXactSnapshot())
		scan->childSnapshot = RegisterSnapshot(GetTransactionSnapshot());
}

/*
 * A row that a function or trigger of the statement has written is not found by its place any more;
 * copies of rows are found otherwise, and their sessions are asked when rows were written.
 */
static void
watch_copies(ChangeState *state)
{
	List	   *tasks = NIL;
	char	   *sql;
	CallerRole	role;

	if (!state->copies || (state->triggers == NULL && !state->spec->callsUsers))
		return;
	state->watch = executor_upsert_new_id();
	sql = psprintf("SELECT citus_internal.upsert_starts(%d)", state->watch);
	role = executor_enter_role(state->spec->role);
	for (int i = 0; i < state->table->nshards; i++)
		tasks = executor_tasks_for_shard(tasks, state->table->shards[i], sql, NULL, true);
	executor_tasks_run_quietly(tasks);
	executor_leave_role(role);
}

/* takes the child's rows, as its own snapshot shows them if it has one */
static void
take_rows_at_snapshot(ChangeState *state)
{
	EState	   *estate = state->scan->css.ss.ps.state;
	Snapshot	statement = estate->es_snapshot;
	uint64		before = executor_changes_started();

	watch_copies(state);
	if (state->scan->childSnapshot == NULL)
		take_rows(state);
	else
	{
		estate->es_snapshot = state->scan->childSnapshot;
		PushActiveSnapshot(estate->es_snapshot);
		take_rows(state);
		PopActiveSnapshot();
		estate->es_snapshot = statement;
	}
	state->meddled = executor_changes_started() != before;
}

/* Runs the whole statement; rows of RETURNING are left in the scan's store. */
void
executor_change_run(DistScanState *scan)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus change",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ChangeState *state = begin_change(scan);

	if (state->spec->conflict == NULL)
		executor_lock_table_for_write(state->table, state->spec->role);
	take_rows_at_snapshot(state);
	if (state->triggers != NULL)
		fire_and_send(state);
	else
		executor_change_send(state);

	scan->css.ss.ps.state->es_processed += state->processed;
	if (state->rows != NULL)
		tuplestore_end(state->rows);
	ExecDropSingleTupleTableSlot(state->rowSlot);
	if (state->flags != NULL)
		pfree(state->flags);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
