/*
 * lock_again.c
 *	  Rows that have changed since an UPDATE or DELETE has found them: are they wanted as they are?
 *
 * A candidate that could not be locked is followed to the version its row has now; one that was
 * deleted is left out.  When the present version is locked, it is read (the second part of the
 * plan), and what the statement does with it is computed anew, beside what the candidate had of
 * other relations, with the statement's own snapshot (the third part).  What comes of that takes
 * the candidate's place.  See planner_again.c.
 *
 * The versions between are there as long as the snapshot with which the candidates were found is
 * held on their nodes (executor_snapshot_stay()).
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "executor/lock_internal.h"

#define GONE	(-1)

/* a row that was locked, and what it has now */
typedef struct RowNow
{
	RowId		id;				/* zeroed before it is filled: the key of the hash table */
	MinimalTuple tuple;			/* NULL: it is not there, or the target's conditions leave it out */
} RowNow;

static const LockTarget *
target_of(const LookAgainRun *run)
{
	return linitial(run->plan->lock->targets);
}

/* ---- the version a row has now ---- */

static int
count_pending(const LookAgainRun *run)
{
	int			count = 0;

	for (int i = 0; i < run->n; i++)
		count += run->candidates[i].locked == 0;
	return count;
}

static TupleDesc
make_place_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(desc, 1, "n", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 2, "place", TIDOID, -1, 0);
	return desc;
}

/* candidates without a lock are where their rows are now, or gone */
static void
find_versions(LookAgainRun *run)
{
	TupleDesc	desc = make_place_desc();
	RowSink		sink = {executor_reader_make(desc), tuplestore_begin_heap(false, false, work_mem)};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	List	   *tasks = executor_candidates_tasks(target_of(run), 0, run->candidates, run->n, true);
	CallerRole	caller = executor_enter_role(target_of(run)->role);

	executor_tasks_lock(tasks, &sink, NULL);
	executor_leave_role(caller);
	for (int i = 0; i < run->n; i++)
	{
		if (run->candidates[i].locked == 0)
			run->candidates[i].locked = GONE;
	}
	while (tuplestore_gettupleslot(sink.store, true, false, slot))
	{
		bool		isNull;
		int			number = DatumGetInt32(slot_getattr(slot, 1, &isNull));
		Candidate  *candidate = &run->candidates[number];

		if (number < 0 || number >= run->n || candidate->locked > 0)
			elog(ERROR, "a shard found row %d of %d", number, run->n);
		candidate->locked = 0;
		ItemPointerCopy((ItemPointer) DatumGetPointer(slot_getattr(slot, 2, &isNull)),
						&candidate->key.rows[0].ctid);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(sink.store);
}

/* true when there is something to look at */
static bool
lock_versions(LookAgainRun *run)
{
	bool		any = false;

	for (int i = 0; i < run->n; i++)
		run->candidates[i].changed = run->candidates[i].locked == 0;
	while (count_pending(run) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		find_versions(run);
		executor_candidates_lock(target_of(run), 0, run->candidates, run->n, NULL);
	}
	for (int i = 0; i < run->n; i++)
		any |= run->candidates[i].changed && run->candidates[i].locked > 0;
	return any;
}

/* ---- what it has ---- */

static HTAB *
make_table(const LookAgainRun *run, ArrayType **places)
{
	HASHCTL		control = {.keysize = sizeof(RowId), .entrysize = sizeof(RowNow)};
	HTAB	   *table;
	Datum	   *values = palloc(sizeof(Datum) * run->n);
	int			n = 0;

	control.hcxt = CurrentMemoryContext;
	table = hash_create("citus rows looked at again", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < run->n; i++)
	{
		Candidate  *candidate = &run->candidates[i];
		RowNow	   *row;
		bool		found;

		if (!candidate->changed || candidate->locked <= 0)
			continue;
		row = hash_search(table, &candidate->key.rows[0], HASH_ENTER, &found);
		row->tuple = NULL;
		if (!found)
			values[n++] = PointerGetDatum(&candidate->key.rows[0].ctid);
	}
	*places = construct_array(values, n, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT);
	return table;
}

/* *desc: of the rows' tuples */
static HTAB *
read_now(const LookAgainRun *run, TupleDesc *desc)
{
	const LockSpec *spec = run->plan->lock;
	ArrayType  *places;
	HTAB	   *table = make_table(run, &places);
	ParamListInfo params = executor_params_with(run->estate, spec->placesParam, TIDARRAYOID,
												PointerGetDatum(places), false);
	Tuplestorestate *store = executor_part_read(run->estate, lsecond(run->plan->parts),
												GetTransactionSnapshot(), params, desc);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(*desc, &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		RowId		id;
		RowNow	   *row;
		bool		isNull;

		memset(&id, 0, sizeof(id));
		id.shard = DatumGetInt64(slot_getattr(slot, spec->placeColumns, &isNull));
		ItemPointerCopy((ItemPointer) DatumGetPointer(slot_getattr(slot, spec->placeColumns + 1,
																   &isNull)), &id.ctid);
		/* another shard may have another row at the same place */
		row = hash_search(table, &id, HASH_FIND, NULL);
		if (row != NULL)
			row->tuple = ExecCopySlotMinimalTuple(slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(store);
	return table;
}

/* ---- what comes of it ---- */

/* columns of the row now, those that the candidate has of other relations, its number */
static TupleDesc
make_row_desc(const LookAgainRun *run, TupleDesc now)
{
	int			own = run->plan->lock->ownColumns;
	int			others = run->desc->natts - own;
	TupleDesc	desc = CreateTemplateTupleDesc(now->natts + others + 1);

	for (int i = 1; i <= now->natts; i++)
		TupleDescCopyEntry(desc, i, now, i);
	for (int i = 1; i <= others; i++)
		TupleDescCopyEntry(desc, now->natts + i, run->desc, own + i);
	TupleDescInitEntry(desc, now->natts + others + 1, "n", INT4OID, -1, 0);
	return desc;
}

static Tuplestorestate *
make_rows(const LookAgainRun *run, HTAB *table, TupleDesc now)
{
	int			own = run->plan->lock->ownColumns;
	int			others = run->desc->natts - own;
	TupleDesc	desc = make_row_desc(run, now);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc0(sizeof(bool) * desc->natts);
	TupleTableSlot *nowSlot = MakeSingleTupleTableSlot(now, &TTSOpsMinimalTuple);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(run->desc, &TTSOpsMinimalTuple);
	Tuplestorestate *store = tuplestore_begin_heap(true, false, work_mem);

	for (int i = 0; i < run->n; i++)
	{
		Candidate  *candidate = &run->candidates[i];
		RowNow	   *row = candidate->changed ?
			hash_search(table, &candidate->key.rows[0], HASH_FIND, NULL) : NULL;

		if (row == NULL || row->tuple == NULL)
			continue;
		ExecStoreMinimalTuple(row->tuple, nowSlot, false);
		ExecStoreMinimalTuple(candidate->tuple, slot, false);
		slot_getallattrs(nowSlot);
		slot_getallattrs(slot);
		memcpy(values, nowSlot->tts_values, sizeof(Datum) * now->natts);
		memcpy(nulls, nowSlot->tts_isnull, sizeof(bool) * now->natts);
		memcpy(values + now->natts, slot->tts_values + own, sizeof(Datum) * others);
		memcpy(nulls + now->natts, slot->tts_isnull + own, sizeof(bool) * others);
		values[now->natts + others] = Int32GetDatum(i);
		nulls[now->natts + others] = false;
		tuplestore_putvalues(store, desc, values, nulls);
	}
	ExecDropSingleTupleTableSlot(nowSlot);
	ExecDropSingleTupleTableSlot(slot);
	return store;
}

/* the rows of the third part become those of their candidates */
static void
take_results(LookAgainRun *run, Tuplestorestate *store, TupleDesc desc)
{
	int			own = run->plan->lock->ownColumns;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TupleTableSlot *result = MakeSingleTupleTableSlot(run->desc, &TTSOpsVirtual);

	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		bool		isNull;
		int			number = DatumGetInt32(slot_getattr(slot, own + 1, &isNull));

		ExecClearTuple(result);
		slot_getallattrs(slot);
		memset(result->tts_isnull, true, sizeof(bool) * run->desc->natts);
		memcpy(result->tts_values, slot->tts_values, sizeof(Datum) * own);
		memcpy(result->tts_isnull, slot->tts_isnull, sizeof(bool) * own);
		ExecStoreVirtualTuple(result);
		run->candidates[number].tuple = ExecCopySlotMinimalTuple(result);
		run->candidates[number].changed = false;
	}
	ExecDropSingleTupleTableSlot(result);
	ExecDropSingleTupleTableSlot(slot);
}

void
executor_look_again(LookAgainRun *run)
{
	EState	   *estate = run->estate;
	TupleDesc	now;
	TupleDesc	desc;
	HTAB	   *table;
	Tuplestorestate *rows;
	Tuplestorestate *results;

	if (!lock_versions(run))
		return;
	table = read_now(run, &now);
	rows = make_rows(run, table, now);
	executor_part_rows_give(run->plan->lock->againId, rows);
	results = executor_part_read(estate, lthird(run->plan->parts), estate->es_snapshot,
								 estate->es_param_list_info, &desc);
	executor_part_rows_take();
	take_results(run, results, desc);
	for (int i = 0; i < run->n; i++)
	{
		if (run->candidates[i].changed)
			run->candidates[i].locked = GONE;
	}
	tuplestore_end(rows);
	tuplestore_end(results);
	hash_destroy(table);
}
