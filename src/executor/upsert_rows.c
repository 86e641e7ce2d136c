/*
 * upsert_rows.c
 *	  ON CONFLICT DO UPDATE, row by row: rows may get other keys, or triggers see them.
 *
 * The INSERT (insert.c) does nothing for a row when another one is in its way; then the statement
 * that updates that one is run (InsertSpec.conflict), with the row's columns as parameters, and as
 * part of the INSERT: it fires the INSERT's triggers.
 *
 * No row may be written twice.  Keys of rows that the statement has written are kept; where an
 * UPDATE may change keys, it asks the shards instead (upsert.c).
 */
#include "postgres.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "optimizer/optimizer.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"
#include "citus/base/compat.h"
#include "executor/executor_internal.h"

/* what decides about conflicts, of a row that was written */
typedef struct WrittenKey
{
	Datum	   *values;
	bool	   *nulls;
} WrittenKey;

/* rows of one hash */
typedef struct WrittenEntry
{
	uint32		hash;
	List	   *keys;			/* of WrittenKey * */
} WrittenEntry;

struct UpsertRun
{
	DistScanState *scan;
	InsertSpec *spec;
	MemoryContext context;
	int32		id;				/* 0: keys are kept */
	ExprContext *econtext;		/* its scan tuple is the row */
	int			nkeys;
	ExprState **keys;
	FmgrInfo   *equals;
	FmgrInfo   *hashes;
	Oid		   *collations;
	int16	   *lengths;
	bool	   *byValue;
	HTAB	   *written;
};

/* ---- keys ---- */

static void
prepare_key(UpsertRun *upsert, int number, OpExpr *equality)
{
	Node	   *key = linitial(equality->args);
	TypeCacheEntry *type = lookup_type_cache(exprType(key), TYPECACHE_HASH_PROC_FINFO);

	upsert->keys[number] = ExecInitExpr(expression_planner((Expr *) copyObject(key)), NULL);
	fmgr_info(get_opcode(equality->opno), &upsert->equals[number]);
	upsert->hashes[number] = type->hash_proc_finfo;
	upsert->collations[number] = equality->inputcollid;
	upsert->lengths[number] = type->typlen;
	upsert->byValue[number] = type->typbyval;
}

UpsertRun *
executor_upsert_rows_begin(DistScanState *scan)
{
	UpsertRun  *upsert = palloc0(sizeof(UpsertRun));
	HASHCTL		control = {.keysize = sizeof(uint32), .entrysize = sizeof(WrittenEntry)};
	int			n;
	ListCell   *cell;

	upsert->scan = scan;
	upsert->spec = scan->plan->insert;
	upsert->context = CurrentMemoryContext;
	upsert->econtext = CreateExprContext(scan->css.ss.ps.state);
	upsert->nkeys = n = list_length(upsert->spec->conflictKeys);
	upsert->id = n == 0 ? executor_upsert_new_id() : 0;
	upsert->keys = palloc0(sizeof(ExprState *) * n);
	upsert->equals = palloc0(sizeof(FmgrInfo) * n);
	upsert->hashes = palloc0(sizeof(FmgrInfo) * n);
	upsert->collations = palloc0(sizeof(Oid) * n);
	upsert->lengths = palloc0(sizeof(int16) * n);
	upsert->byValue = palloc0(sizeof(bool) * n);
	foreach(cell, upsert->spec->conflictKeys)
		prepare_key(upsert, foreach_current_index(cell), lfirst(cell));
	control.hcxt = CurrentMemoryContext;
	upsert->written = hash_create("citus upserted rows", 256, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return upsert;
}

int32
executor_upsert_rows_id(UpsertRun *upsert)
{
	return upsert->id;
}

/* false: a NULL is among them, which conflicts with nothing */
static bool
evaluate_key(UpsertRun *upsert, TupleTableSlot *row, WrittenKey *key, uint32 *hash)
{
	ResetExprContext(upsert->econtext);
	upsert->econtext->ecxt_scantuple = row;
	key->values = palloc(sizeof(Datum) * upsert->nkeys);
	*hash = 0;
	for (int i = 0; i < upsert->nkeys; i++)
	{
		bool		isNull;

		key->values[i] = ExecEvalExprSwitchContext(upsert->keys[i], upsert->econtext, &isNull);
		if (isNull)
			return false;
		if (OidIsValid(upsert->hashes[i].fn_oid))
			*hash = hash_combine(*hash,
								 DatumGetUInt32(FunctionCall1Coll(&upsert->hashes[i],
																  upsert->collations[i],
																  key->values[i])));
	}
	return true;
}

static bool
keys_are_equal(UpsertRun *upsert, const WrittenKey *a, const WrittenKey *b)
{
	for (int i = 0; i < upsert->nkeys; i++)
	{
		if (!DatumGetBool(FunctionCall2Coll(&upsert->equals[i], upsert->collations[i],
											a->values[i], b->values[i])))
			return false;
	}
	return true;
}

void
executor_upsert_rows_check(UpsertRun *upsert, TupleTableSlot *row)
{
	WrittenKey	key;
	WrittenEntry *entry;
	uint32		hash;
	ListCell   *cell;

	if (upsert->id != 0 || !evaluate_key(upsert, row, &key, &hash))
		return;
	entry = hash_search(upsert->written, &hash, HASH_FIND, NULL);
	if (entry == NULL)
		return;
	foreach(cell, entry->keys)
	{
		if (keys_are_equal(upsert, lfirst(cell), &key))
			executor_raise_second_conflict();
	}
}

void
executor_upsert_rows_note(UpsertRun *upsert, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(upsert->context);
	WrittenKey *key = palloc0(sizeof(WrittenKey));
	WrittenEntry *entry;
	uint32		hash;
	bool		found;

	if (upsert->id == 0 && evaluate_key(upsert, row, key, &hash))
	{
		for (int i = 0; i < upsert->nkeys; i++)
			key->values[i] = datumCopy(key->values[i], upsert->byValue[i], upsert->lengths[i]);
		entry = hash_search(upsert->written, &hash, HASH_ENTER, &found);
		if (!found)
			entry->keys = NIL;
		entry->keys = lappend(entry->keys, key);
	}
	MemoryContextSwitchTo(caller);
}

/* ---- the UPDATE ---- */

typedef struct RowParams
{
	TupleTableSlot *row;
	int32		id;				/* of the upsert */
	ParamListInfo outer;		/* the client's; may be NULL */
} RowParams;

static ParamExternData *
fetch_param(ParamListInfo params, int number, bool speculative, ParamExternData *workspace)
{
	RowParams  *row = params->paramFetchArg;
	ParamListInfo outer = row->outer;

	if (number > PLAN_CONFLICT_PARAM)
	{
		AttrNumber	attno = number - PLAN_CONFLICT_PARAM;

		workspace->ptype = TupleDescAttr(row->row->tts_tupleDescriptor, attno - 1)->atttypid;
		workspace->pflags = 0;
		workspace->value = slot_getattr(row->row, attno, &workspace->isnull);
		return workspace;
	}
	if (number == PLAN_CONFLICT_PARAM)
	{
		workspace->ptype = INT4OID;
		workspace->pflags = 0;
		workspace->value = Int32GetDatum(row->id);
		workspace->isnull = false;
		return workspace;
	}
	if (outer != NULL && number <= outer->numParams)
		return outer->paramFetch != NULL ?
			outer->paramFetch(outer, number, speculative, workspace) :
			&outer->params[number - 1];
	workspace->ptype = InvalidOid;
	workspace->isnull = true;
	return workspace;
}

static ParamListInfo
make_params(RowParams *row)
{
	ParamListInfo params = makeParamList(0);

	params->paramFetch = fetch_param;
	params->paramFetchArg = row;
	params->numParams = PLAN_CONFLICT_PARAM + row->row->tts_tupleDescriptor->natts;
	return params;
}

/* runs a statement with the row as parameters; what it returns goes to store, if there is one */
static uint64
run_statement(DistScanState *scan, PlannedStmt *stmt, RowParams *row, Tuplestorestate *store,
			  int eflags)
{
	EState	   *estate = scan->css.ss.ps.state;
	DestReceiver *receiver = None_Receiver;
	QueryDesc  *query;
	uint64		count;

	if (store != NULL)
	{
		receiver = CreateDestReceiver(DestTuplestore);
		SetTuplestoreDestReceiverParams(receiver, store, estate->es_query_cxt, false, NULL, NULL);
	}
	query = CreateQueryDesc(stmt, estate->es_sourceText, GetActiveSnapshot(), InvalidSnapshot,
							receiver, make_params(row), estate->es_queryEnv, 0);
	ExecutorStart(query, eflags);
	compat_executor_run(query, ForwardScanDirection, 0);
	count = query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	if (receiver != None_Receiver)
		receiver->rDestroy(receiver);
	return count;
}

bool
executor_query_of_row(DistScanState *scan, PlannedStmt *stmt, TupleTableSlot *row)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus query of a row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowParams	params = {row, 0, scan->css.ss.ps.state->es_param_list_info};
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	TupleTableSlot *answer = MakeSingleTupleTableSlot(ExecTypeFromTL(stmt->planTree->targetlist),
													  &TTSOpsMinimalTuple);
	bool		isNull = true;
	bool		result = false;

	/* a snapshot of its own: the statement's need not extend to all nodes that are read here */
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) run_statement(scan, stmt, &params, store, 0);
	PopActiveSnapshot();
	if (tuplestore_gettupleslot(store, true, false, answer))
		result = DatumGetBool(slot_getattr(answer, 1, &isNull));
	ExecDropSingleTupleTableSlot(answer);
	tuplestore_end(store);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return result && !isNull;
}

uint64
executor_upsert_rows_update(UpsertRun *upsert, TupleTableSlot *row, bool *found)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus upsert",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowParams	params = {row, upsert->id, upsert->scan->css.ss.ps.state->es_param_list_info};
	TriggerRun *run = upsert->scan->triggers;
	uint64		before = run == NULL ? 0 : executor_triggers_updates(run);
	TriggerRun *joined = executor_triggers_join(run);
	uint64		count = 0;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	PG_TRY();
	{
		/* its events belong to the INSERT */
		count = run_statement(upsert->scan, upsert->spec->conflict, &params,
							  executor_scan_sink(upsert->scan).store, EXEC_FLAG_SKIP_TRIGGERS);
	}
	PG_FINALLY();
	{
		executor_triggers_unjoin(joined);
	}
	PG_END_TRY();
	PopActiveSnapshot();
	*found = run == NULL || !executor_triggers_see_rows(run) ? count > 0 :
		executor_triggers_updates(run) != before;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return count;
}
