/*
 * remembered.c
 *	  Rows of earlier runs of a lookup, by the values that it was run with.
 *
 * A correlated sub-query runs for each outer row, and often with the same value again.  Its
 * fragment depends on nothing but these values: all runs read with one snapshot.  So each run's
 * rows are kept beside the values, up to the memory that a hash table of the server may take; when
 * that is full, everything is forgotten, for what was looked up last is as likely to come again as
 * anything.
 *
 * Values are the same when their bytes are: 1.0 and 1.00 are looked up twice.
 *
 * Invariants: (1) an entry is found by others only when it has all rows of its run; (2) nothing is
 * forgotten while rows of an entry are read.
 */
#include "postgres.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "executor/executor_internal.h"

/* a guess at what memory contexts and the hash table add to each piece */
#define PIECE_OVERHEAD	32

struct RememberedRun
{
	RememberedRuns *runs;
	RememberedRun *next;		/* with the same hash; NULL: none */
	Datum	   *values;
	bool	   *nulls;
	bool		complete;
	int			nrows;
	int			maxRows;
	MinimalTuple *rows;
};

typedef struct RunBucket
{
	uint32		hash;			/* hash key; must be first */
	RememberedRun *first;
} RunBucket;

struct RememberedRuns
{
	MemoryContext context;		/* of everything below, reset to forget it */
	HTAB	   *buckets;		/* NULL: nothing is remembered */
	Size		used;
	Size		limit;

	/* what a run depends on: the fragment's parameters; lives as long as the node */
	Fragment   *fragment;
	ExprContext *econtext;
	int			nvalues;
	ExprState **exprs;
	int16	   *lengths;
	bool	   *byValue;

	/* of the run that was asked for last, in econtext's memory */
	Datum	   *values;
	bool	   *nulls;
	uint32		hash;

	uint64		made;
	uint64		found;
};

RememberedRuns *
executor_remembered_make(Fragment *fragment, PlanState *parent)
{
	RememberedRuns *runs = palloc0(sizeof(RememberedRuns));
	ListCell   *cell;

	runs->context = AllocSetContextCreate(CurrentMemoryContext, "citus remembered runs",
										  ALLOCSET_DEFAULT_SIZES);
	runs->limit = get_hash_memory_limit();
	runs->econtext = CreateExprContext(parent->state);
	runs->fragment = fragment;
	runs->nvalues = list_length(fragment->params);
	runs->exprs = palloc(sizeof(ExprState *) * runs->nvalues);
	runs->lengths = palloc(sizeof(int16) * runs->nvalues);
	runs->byValue = palloc(sizeof(bool) * runs->nvalues);
	runs->values = palloc(sizeof(Datum) * runs->nvalues);
	runs->nulls = palloc(sizeof(bool) * runs->nvalues);
	foreach(cell, fragment->params)
	{
		int			i = foreach_current_index(cell);

		fix_opfuncids(lfirst(cell));
		runs->exprs[i] = ExecInitExpr(lfirst(cell), parent);
		get_typlenbyval(exprType(lfirst(cell)), &runs->lengths[i], &runs->byValue[i]);
	}
	return runs;
}

static void
evaluate_values(RememberedRuns *runs)
{
	runs->hash = 0;
	for (int i = 0; i < runs->nvalues; i++)
	{
		uint32		hash = 0;

		runs->values[i] = ExecEvalExprSwitchContext(runs->exprs[i], runs->econtext,
													&runs->nulls[i]);
		if (!runs->nulls[i])
			hash = datum_image_hash(runs->values[i], runs->byValue[i], runs->lengths[i]);
		runs->hash = hash_combine(runs->hash, hash);
	}
}

static bool
has_values(const RememberedRuns *runs, const RememberedRun *run)
{
	for (int i = 0; i < runs->nvalues; i++)
	{
		if (run->nulls[i] != runs->nulls[i])
			return false;
		if (!run->nulls[i] &&
			!datum_image_eq(run->values[i], runs->values[i], runs->byValue[i], runs->lengths[i]))
			return false;
	}
	return true;
}

static RememberedRun *
find_run(const RememberedRuns *runs)
{
	RunBucket  *bucket = runs->buckets == NULL ? NULL :
		hash_search(runs->buckets, &runs->hash, HASH_FIND, NULL);
	RememberedRun *run = bucket == NULL ? NULL : bucket->first;

	while (run != NULL && !(run->complete && has_values(runs, run)))
		run = run->next;
	return run;
}

bool
executor_remembered_find(RememberedRuns *runs, RememberedRun **run)
{
	MemoryContext caller = MemoryContextSwitchTo(runs->econtext->ecxt_per_tuple_memory);
	bool		known;

	ResetExprContext(runs->econtext);
	*run = NULL;
	known = executor_late_fragment(runs->fragment, runs->econtext) == runs->fragment;
	if (known)
	{
		evaluate_values(runs);
		*run = find_run(runs);
	}
	if (*run != NULL)
		runs->found++;
	MemoryContextSwitchTo(caller);
	return known;
}

static void
begin_anew(RememberedRuns *runs)
{
	HASHCTL		control = {.keysize = sizeof(uint32), .entrysize = sizeof(RunBucket)};

	MemoryContextReset(runs->context);
	runs->used = 0;
	control.hcxt = runs->context;
	runs->buckets = hash_create("citus remembered runs", 64, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
executor_remembered_forget(RememberedRuns *runs)
{
	if (runs->buckets != NULL)
		begin_anew(runs);
}

RememberedRun *
executor_remembered_add(RememberedRuns *runs)
{
	MemoryContext caller = CurrentMemoryContext;
	RunBucket  *bucket;
	RememberedRun *run;
	bool		found;

	if (runs->buckets == NULL || runs->used >= runs->limit)
		begin_anew(runs);
	MemoryContextSwitchTo(runs->context);
	run = palloc0(sizeof(RememberedRun));
	run->runs = runs;
	run->values = palloc0(sizeof(Datum) * runs->nvalues);
	run->nulls = palloc(sizeof(bool) * runs->nvalues);
	runs->used += sizeof(RememberedRun) + sizeof(RunBucket) + PIECE_OVERHEAD * 4;
	for (int i = 0; i < runs->nvalues; i++)
	{
		run->nulls[i] = runs->nulls[i];
		if (run->nulls[i])
			continue;
		run->values[i] = datumCopy(runs->values[i], runs->byValue[i], runs->lengths[i]);
		runs->used += sizeof(Datum) + PIECE_OVERHEAD +
			(runs->byValue[i] ? 0 : datumGetSize(run->values[i], false, runs->lengths[i]));
	}
	bucket = hash_search(runs->buckets, &runs->hash, HASH_ENTER, &found);
	run->next = found ? bucket->first : NULL;
	bucket->first = run;
	runs->made++;
	MemoryContextSwitchTo(caller);
	return run;
}

bool
executor_remembered_put(RememberedRun *run, TupleTableSlot *slot)
{
	RememberedRuns *runs = run->runs;
	MemoryContext caller = MemoryContextSwitchTo(runs->context);

	if (run->nrows == run->maxRows)
	{
		run->maxRows = Max(run->maxRows * 2, 4);
		run->rows = run->rows == NULL ? palloc(sizeof(MinimalTuple) * run->maxRows) :
			repalloc_huge(run->rows, sizeof(MinimalTuple) * run->maxRows);
	}
	run->rows[run->nrows] = ExecCopySlotMinimalTuple(slot);
	runs->used += run->rows[run->nrows]->t_len + sizeof(MinimalTuple) + PIECE_OVERHEAD;
	run->nrows++;
	MemoryContextSwitchTo(caller);
	return runs->used < runs->limit;
}

void
executor_remembered_complete(RememberedRun *run)
{
	run->complete = true;
}

bool
executor_remembered_get(const RememberedRun *run, int row, TupleTableSlot *slot)
{
	if (row >= run->nrows)
		return false;
	ExecStoreMinimalTuple(run->rows[row], slot, false);
	return true;
}

void
executor_remembered_counts(const RememberedRuns *runs, uint64 *made, uint64 *found)
{
	*made = runs->made;
	*found = runs->found;
}
