/*
 * sorted_rows.c
 *	  Rows of a scan whose tasks are sorted: merged as they come.
 *
 * A task is a run.  The run with the least row gives the next one; rows of other runs that arrive
 * meanwhile wait in their run's store, which spills.  Tasks of a node that travel as one statement
 * (fuse.c) are sorted each, but not together: then all rows are sorted here, for they are few.
 *
 * Invariants: (1) every run that is not at its end has a row in the heap, but for the one whose
 * row was handed out last; (2) a run's store holds exactly unread rows, in their order, and is
 * cleared when there are none, so that its reader never stands behind rows that come later.
 *
 * Main path: executor_sorted_make(), rows of local tasks into executor_sorted_sink(), then
 * executor_sorted_next() until false.
 */
#include "postgres.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/sortsupport.h"
#include "utils/tuplesort.h"
#include "executor/executor_internal.h"

/* read rows are taken out of a run's store now and then */
#define TRIM_ROWS	1024

typedef struct SortedRun
{
	ExecutorTask *task;
	TupleTableSlot *slot;		/* its least unread row */
	TupleTableSlot *stored;		/* the same, as it comes from the store */
	MemoryContext context;		/* of the row, when it came from the connection */
	Tuplestorestate *store;		/* NULL until a row has to wait */
	int64		waiting;		/* rows in it */
	int64		taken;
} SortedRun;

struct SortedRows
{
	DistScanState *state;
	TupleDesc	desc;
	int			nkeys;
	SortSupport keys;

	/* runs are merged */
	int			nruns;
	SortedRun  *runs;			/* by the task's index */
	binaryheap *heap;			/* of indexes of runs */
	bool		begun;

	/* all rows are sorted */
	Tuplesortstate *sort;
	TupleTableSlot *sortSlot;
	bool		sorted;
	bool		fused;
};

/* ---- order ---- */

static int
compare_runs(Datum a, Datum b, void *arg)
{
	SortedRows *rows = arg;
	TupleTableSlot *sa = rows->runs[DatumGetInt32(a)].slot;
	TupleTableSlot *sb = rows->runs[DatumGetInt32(b)].slot;

	for (int i = 0; i < rows->nkeys; i++)
	{
		SortSupport key = &rows->keys[i];
		int			column = key->ssup_attno - 1;
		int			result = ApplySortComparator(sa->tts_values[column], sa->tts_isnull[column],
												 sb->tts_values[column], sb->tts_isnull[column],
												 key);

		/* the heap's first is its greatest */
		if (result != 0)
			return result < 0 ? 1 : -1;
	}
	return 0;
}

static void
prepare_keys(SortedRows *rows, List *clauses)
{
	ListCell   *cell;

	rows->nkeys = list_length(clauses);
	rows->keys = palloc0(sizeof(SortSupportData) * rows->nkeys);
	foreach(cell, clauses)
	{
		SortGroupClause *clause = lfirst(cell);
		SortSupport key = &rows->keys[foreach_current_index(cell)];

		key->ssup_cxt = CurrentMemoryContext;
		key->ssup_attno = clause->tleSortGroupRef;
		key->ssup_collation = TupleDescAttr(rows->desc, key->ssup_attno - 1)->attcollation;
		key->ssup_nulls_first = clause->nulls_first;
		PrepareSortSupportFromOrderingOp(clause->sortop, key);
	}
}

/* ---- runs ---- */

static void
make_run(SortedRows *rows, ExecutorTask *task)
{
	SortedRun  *run = &rows->runs[task->index];

	run->task = task;
	run->slot = MakeSingleTupleTableSlot(rows->desc, &TTSOpsVirtual);
	run->stored = MakeSingleTupleTableSlot(rows->desc, &TTSOpsMinimalTuple);
	run->context = AllocSetContextCreate(CurrentMemoryContext, "citus sorted run",
										 ALLOCSET_SMALL_SIZES);
}

/* where rows of the run wait; all stores together have the memory of one */
static Tuplestorestate *
ensure_store(SortedRows *rows, SortedRun *run)
{
	MemoryContext caller;
	ResourceOwner owner = CurrentResourceOwner;

	if (run->store != NULL)
		return run->store;
	caller = MemoryContextSwitchTo(rows->state->context);
	CurrentResourceOwner = rows->state->owner;
	run->store = tuplestore_begin_heap(false, false, Max(work_mem / rows->nruns, 64));
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
	return run->store;
}

static void
put_answer(SortedRows *rows, SortedRun *run, const RemoteAnswer *answer)
{
	RowSink		sink = {rows->state->reader, ensure_store(rows, run)};

	executor_sink_put(&sink, run->task, answer);
	run->waiting++;
}

static void
take_stored(SortedRun *run)
{
	/* a copy: rows that are added later may move what the store holds */
	if (!tuplestore_gettupleslot(run->store, true, true, run->stored))
		elog(ERROR, "a row of a sorted run is missing");
	executor_share_values(run->slot, run->stored);
	if (--run->waiting == 0)
		tuplestore_clear(run->store);	/* invariant (2) */
	else if (++run->taken % TRIM_ROWS == 0)
		tuplestore_trim(run->store);
}

/* the run's next row into its slot; false at its end */
static bool
advance_run(SortedRows *rows, SortedRun *run)
{
	RowReader  *reader = rows->state->reader;

	while (run->waiting == 0)
	{
		RemoteAnswer answer;
		ExecutorTask *task;

		if (run->task->state == TASK_DONE || rows->state->phase != SCAN_STREAMING)
			return false;
		task = executor_scan_next_answer(rows->state, &answer);
		if (task == NULL)
			return false;
		if (task == run->task)
		{
			executor_reader_decode(reader, &answer, run->context, run->slot->tts_values,
								   run->slot->tts_isnull);
			return true;
		}
		put_answer(rows, &rows->runs[task->index], &answer);
	}
	take_stored(run);
	return true;
}

static void
begin_merge(SortedRows *rows)
{
	rows->begun = true;
	for (int i = 0; i < rows->nruns; i++)
	{
		if (advance_run(rows, &rows->runs[i]))
			binaryheap_add_unordered(rows->heap, Int32GetDatum(i));
	}
	binaryheap_build(rows->heap);
}

static bool
next_merged(SortedRows *rows, TupleTableSlot *slot)
{
	SortedRun  *run;

	if (!rows->begun)
		begin_merge(rows);
	else if (!binaryheap_empty(rows->heap))
	{
		/* invariant (1) */
		run = &rows->runs[DatumGetInt32(binaryheap_first(rows->heap))];
		if (advance_run(rows, run))
			binaryheap_replace_first(rows->heap, binaryheap_first(rows->heap));
		else
			(void) binaryheap_remove_first(rows->heap);
	}
	if (binaryheap_empty(rows->heap))
		return false;
	run = &rows->runs[DatumGetInt32(binaryheap_first(rows->heap))];
	memcpy(slot->tts_values, run->slot->tts_values,
		   sizeof(Datum) * slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_isnull, run->slot->tts_isnull,
		   sizeof(bool) * slot->tts_tupleDescriptor->natts);
	return true;
}

/* ---- sorting ---- */

static void
begin_sort(SortedRows *rows)
{
	AttrNumber *columns = palloc(sizeof(AttrNumber) * rows->nkeys);
	Oid		   *operators = palloc(sizeof(Oid) * rows->nkeys);
	Oid		   *collations = palloc(sizeof(Oid) * rows->nkeys);
	bool	   *nullsFirst = palloc(sizeof(bool) * rows->nkeys);
	ListCell   *cell;

	foreach(cell, rows->state->plan->fragment->sortKeys)
	{
		SortGroupClause *clause = lfirst(cell);
		int			i = foreach_current_index(cell);

		columns[i] = clause->tleSortGroupRef;
		operators[i] = clause->sortop;
		collations[i] = TupleDescAttr(rows->desc, columns[i] - 1)->attcollation;
		nullsFirst[i] = clause->nulls_first;
	}
	rows->sort = tuplesort_begin_heap(rows->desc, rows->nkeys, columns, operators, collations,
									  nullsFirst, work_mem, NULL, TUPLESORT_NONE);
}

static bool
next_of_sort(SortedRows *rows, TupleTableSlot *slot)
{
	TupleTableSlot *found = rows->sortSlot;

	if (!rows->sorted)
	{
		MemoryContext caller = MemoryContextSwitchTo(rows->state->context);

		begin_sort(rows);
		MemoryContextSwitchTo(caller);
		while (executor_scan_next_raw(rows->state, slot))
			tuplesort_puttupleslot(rows->sort, slot);
		tuplesort_performsort(rows->sort);
		rows->sorted = true;
	}
	ExecClearTuple(slot);
	if (!tuplesort_gettupleslot(rows->sort, true, false, found, NULL))
		return false;
	executor_share_values(slot, found);
	return true;
}

/* ---- the interface ---- */

/*
 * For a scan whose tasks, as they run, are known; NULL when they need no merging: there is one, or
 * they have no order.  Allocates in the current context, which lives as long as the scan.
 */
SortedRows *
executor_sorted_make(DistScanState *state)
{
	SortedRows *rows;
	ListCell   *cell;

	if (state->plan->fragment->sortKeys == NIL || state->reader == NULL ||
		list_length(state->tasks) < 2)
		return NULL;
	rows = palloc0(sizeof(SortedRows));
	rows->state = state;
	rows->desc = state->reader->desc;
	rows->fused = state->running != state->tasks;
	prepare_keys(rows, state->plan->fragment->sortKeys);
	if (rows->fused)
	{
		rows->sortSlot = MakeSingleTupleTableSlot(rows->desc, &TTSOpsMinimalTuple);
		return rows;
	}
	rows->nruns = list_length(state->tasks);
	rows->runs = palloc0(sizeof(SortedRun) * rows->nruns);
	rows->heap = binaryheap_allocate(rows->nruns, compare_runs, rows);
	foreach(cell, state->tasks)
		make_run(rows, lfirst(cell));
	return rows;
}

/* where a local task's rows go; they are counted when the task is done */
RowSink
executor_sorted_sink(SortedRows *rows, ExecutorTask *task)
{
	RowSink		sink = {rows->state->reader, NULL};

	if (rows->fused)
		return executor_scan_sink(rows->state);
	sink.store = ensure_store(rows, &rows->runs[task->index]);
	return sink;
}

void
executor_sorted_local_done(SortedRows *rows, ExecutorTask *task)
{
	SortedRun  *run;

	if (rows->fused)
		return;
	run = &rows->runs[task->index];
	run->waiting = tuplestore_tuple_count(run->store);
}

/*
 * Takes everything that is still to come off the connections; false: this is for whoever handles
 * rows without an order.
 */
bool
executor_sorted_drain(SortedRows *rows)
{
	RemoteAnswer answer;
	ExecutorTask *task;

	if (rows->fused)
		return false;
	while ((task = executor_scan_next_answer(rows->state, &answer)) != NULL)
		put_answer(rows, &rows->runs[task->index], &answer);
	return true;
}

/* the next row in order, in a virtual slot, until the next call; false at the end */
bool
executor_sorted_next(SortedRows *rows, TupleTableSlot *slot)
{
	bool		found;

	ExecClearTuple(slot);
	found = rows->fused ? next_of_sort(rows, slot) : next_merged(rows, slot);
	if (found)
		ExecStoreVirtualTuple(slot);
	return found;
}

void
executor_sorted_end(SortedRows *rows)
{
	if (rows->sort != NULL)
		tuplesort_end(rows->sort);
	if (rows->sortSlot != NULL)
		ExecDropSingleTupleTableSlot(rows->sortSlot);
	for (int i = 0; i < rows->nruns; i++)
	{
		SortedRun  *run = &rows->runs[i];

		ExecDropSingleTupleTableSlot(run->slot);
		ExecDropSingleTupleTableSlot(run->stored);
		MemoryContextDelete(run->context);
		if (run->store != NULL)
			tuplestore_end(run->store);
	}
	pfree(rows);
}
