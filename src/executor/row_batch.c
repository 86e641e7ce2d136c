/*
 * row_batch.c
 *	  Rows into a table of this node, many at a time.
 *
 * As COPY of the server does it: a page is looked for, locked and logged once for all rows that go
 * there, then the rows' index entries are made.  The server makes a thousand slots for a COPY, and
 * each of them registers the table's descriptor with the resource owner; a COPY of a shard's share
 * has about as many rows.  The slots here have a descriptor of their own that nobody counts.
 *
 * Main path: executor_batch_slot(), executor_batch_add() for a row; executor_batch_store().
 */
#include "postgres.h"

#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/rel.h"

#include "citus/base/compat_triggers.h"
#include "store_internal.h"

void
executor_batch_begin(RowBatch *batch, EState *estate, ResultRelInfo *target)
{
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);

	batch->estate = estate;
	batch->target = target;
	batch->desc = CreateTupleDescCopyConstr(RelationGetDescr(target->ri_RelationDesc));
	MemoryContextSwitchTo(caller);
}

TupleTableSlot *
executor_batch_slot(RowBatch *batch)
{
	TupleTableSlot *slot = batch->slots[batch->nrows];

	if (slot == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(batch->estate->es_query_cxt);

		slot = ExecInitExtraTupleSlot(batch->estate, batch->desc, &TTSOpsHeapTuple);
		slot->tts_tableOid = RelationGetRelid(batch->target->ri_RelationDesc);
		batch->slots[batch->nrows] = slot;
		MemoryContextSwitchTo(caller);
	}
	return slot;
}

void
executor_batch_add(RowBatch *batch, Size bytes)
{
	batch->nrows++;
	batch->nbytes += bytes;
}

/* index entries, and what triggers of constraints are to know */
static void
finish_row(RowBatch *batch, TupleTableSlot *row)
{
	List	   *recheck = NIL;

	ResetPerTupleExprContext(batch->estate);
	if (batch->target->ri_NumIndices > 0)
		recheck = compat_insert_index_tuples(batch->target, row, batch->estate);
	ExecARInsertTriggers(batch->estate, batch->target, row, recheck, NULL);
	list_free(recheck);
}

void
executor_batch_store(RowBatch *batch)
{
	EState	   *estate = batch->estate;
	ResultRelInfo *target = batch->target;
	bool		finish = target->ri_NumIndices > 0 || target->ri_TrigDesc != NULL;
	MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	if (batch->nrows > 0)
		table_multi_insert(target->ri_RelationDesc, batch->slots, batch->nrows,
						   estate->es_output_cid, 0, batch->pages);
	MemoryContextSwitchTo(caller);
	for (int i = 0; i < batch->nrows; i++)
	{
		if (batch->line != NULL)
			*batch->line = batch->lines[i];
		if (finish)
			finish_row(batch, batch->slots[i]);
		ExecClearTuple(batch->slots[i]);
	}
	ResetPerTupleExprContext(estate);
	batch->nrows = 0;
	batch->nbytes = 0;
}
