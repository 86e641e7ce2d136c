/*
 * lock.c
 *	  SELECT .. FOR UPDATE over several shards: candidates first, then locks on those wanted.
 *
 * A fragment that locks what it reads would lock rows that LIMIT or a join throw away later, and
 * who skips locked rows would never see these.  So the query runs without locks, its rows carry
 * shard and ctid, and as many of them as are wanted are locked where they are, in order.
 *
 * A row that could not be locked was skipped (SKIP LOCKED), or somebody has changed or deleted it
 * since the candidates were read: then the candidates are read again, with a new snapshot, until
 * every wanted one was locked as it was read; those of an UPDATE or DELETE are looked at again as
 * they are (lock_again.c).  Under REPEATABLE READ the lock itself fails.
 * Functions of the query may change its rows themselves, at each reading anew: as on one server,
 * such a row is left out.
 *
 * With a LIMIT only some more candidates than needed are asked for, and more when they do not do.
 *
 * Where rows may be changed between two that are given out (LockSpec.leavesChanged), by functions
 * above this node or whoever fetches from a cursor, one server would lock the later ones after the
 * change, and skip them.  All have been locked here, so from the first change on each is looked up
 * where it is, some at a time as long as nothing changes in between; those that are missing to the
 * LIMIT then are locked as late as one server would.
 *
 * Invariant: what one reading of the candidates has returned (or skipped) of a combination of
 * locked rows, a later one does not return again.  A combination may stand in several candidates:
 * rows of other relations of the query come along.
 */
#include "postgres.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "storage/itemptr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "citus/base/compat.h"
#include "executor/lock_internal.h"

#define SPARE_CANDIDATES	64		/* asked for beyond LIMIT, at first */
#define MAX_BATCH_ROWS		1000

#define MAX_AHEAD			64

/* pointers of LockState.rows */
#define WRITE_POINTER		0
#define READ_POINTER		1

typedef struct LockState
{
	CustomScanState css;
	DistPlan   *plan;
	Oid			user;			/* who has begun it */
	Tuplestorestate *rows;		/* candidates that were locked; NULL until it has run */
	TupleTableSlot *rowSlot;	/* of these; after that */

	/* where rows that have changed since are left out */
	struct LockRun *run;		/* to lock more of them; NULL: all are */
	uint64		started;		/* executor_changes_started() when it began */
	uint64		changes;		/* executor_changes() when rows were locked or looked up */
	int64		given;			/* rows since the first one */
	bool		looksUp;		/* something has changed */
	MemoryContext aheadContext;
	MinimalTuple ahead[MAX_AHEAD];	/* rows that were looked up, to be given out */
	bool		gone[MAX_AHEAD];
	int			nahead;
	int			next;
	int			most;			/* how many are read ahead next time */
} LockState;

/* a combination of rows that candidates have named */
typedef struct TriedKey
{
	CandidateKey key;			/* first: the key of the hash table */
	int64		handled;		/* candidates that were returned or skipped */
	int64		seen;			/* candidates of the present reading */
	int			reading;		/* to which seen belongs */
} TriedKey;

/* one execution */
typedef struct LockRun
{
	LockState  *state;
	LockSpec   *spec;
	MemoryContext context;		/* of the run */
	int64		limit;			/* rows to give out; negative: all */
	int64		wanted;			/* rows still to lock; negative: all */
	int64		skip;			/* of those, how many OFFSET drops */
	int64		ask;			/* candidates to ask for; negative: all */
	bool		skipsLocked;
	bool		again;			/* rows have changed since they were read */
	bool		meddled;		/* functions of the query have changed rows */
	bool		late;			/* rows have been given out: it reads as it did before */
	bool		looksAgain;		/* candidates that have changed are not read anew */
	HTAB	   *tried;			/* of TriedKey */
	int			reading;		/* counts readings of the candidates */
	Tuplestorestate *store;		/* of the present reading, as long as there may be more in it */
	int64		count;			/* candidates that were in it up to now */
	TupleDesc	desc;			/* of candidates */
	MemoryContext batchContext;
} LockRun;

/* ---- bounds ---- */

static int64
evaluate_bound(LockState *state, Expr *expr, int64 ifNull, bool isLimit)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	bool		isNull;
	int64		value;

	if (expr == NULL)
		return ifNull;
	value = DatumGetInt64(executor_expr_evaluate(expr, &state->css.ss.ps, econtext, &isNull));
	if (isNull)
		return ifNull;
	if (value < 0)
		ereport(ERROR,
				(errcode(isLimit ? ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE :
						 ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE),
				 errmsg("%s must not be negative", isLimit ? "LIMIT" : "OFFSET")));
	return value;
}

static void
begin_run(LockRun *run, LockState *state)
{
	HASHCTL		control = {.keysize = sizeof(CandidateKey), .entrysize = sizeof(TriedKey)};
	ListCell   *cell;

	run->state = state;
	run->spec = state->plan->lock;
	run->skip = evaluate_bound(state, run->spec->offset, 0, false);
	run->limit = run->wanted = evaluate_bound(state, run->spec->limit, -1, true);
	if (run->wanted > 0)
		run->wanted += run->skip;
	run->ask = run->wanted < 0 ? -1 : run->wanted + SPARE_CANDIDATES;
	foreach(cell, run->spec->targets)
		run->skipsLocked |= ((LockTarget *) lfirst(cell))->waitPolicy == LockWaitSkip;
	run->looksAgain = run->spec->againId != 0 && !IsolationUsesXactSnapshot() &&
		txn_snapshot_is_wanted();
	control.hcxt = CurrentMemoryContext;
	run->tried = hash_create("citus lock candidates", 64, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	run->batchContext = AllocSetContextCreate(CurrentMemoryContext, "citus lock batch",
											  ALLOCSET_DEFAULT_SIZES);
}

/* ---- candidates ---- */

ParamListInfo
executor_params_with(EState *estate, int number, Oid type, Datum value, bool isNull)
{
	ParamListInfo given = estate->es_param_list_info;
	int			n = Max(given == NULL ? 0 : given->numParams, number);
	ParamListInfo params = makeParamList(n);
	ParamExternData *param = &params->params[number - 1];

	memset(params->params, 0, sizeof(ParamExternData) * n);
	if (given != NULL)
	{
		given = copyParamList(given);
		memcpy(params->params, given->params, sizeof(ParamExternData) * given->numParams);
	}
	param->ptype = type;
	param->pflags = PARAM_FLAG_CONST;
	param->isnull = isNull;
	param->value = value;
	return params;
}

/* the client's parameters, and how many candidates are wanted, if they have a limit */
static ParamListInfo
make_params(LockRun *run, EState *estate)
{
	if (run->spec->limitParam == 0)
		return copyParamList(estate->es_param_list_info);
	return executor_params_with(estate, run->spec->limitParam, INT8OID, Int64GetDatum(run->ask),
								run->ask < 0);
}

Tuplestorestate *
executor_part_read(EState *estate, PlannedStmt *stmt, Snapshot snapshot, ParamListInfo params,
				   TupleDesc *desc)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	QueryDesc  *query;

	SetTuplestoreDestReceiverParams(receiver, store, CurrentMemoryContext, false, NULL, NULL);
	PushActiveSnapshot(snapshot);
	query = CreateQueryDesc(stmt, estate->es_sourceText, GetActiveSnapshot(), InvalidSnapshot,
							receiver, params, estate->es_queryEnv, 0);
	ExecutorStart(query, 0);
	if (desc != NULL)
		*desc = CreateTupleDescCopy(query->tupDesc);
	compat_executor_run(query, ForwardScanDirection, 0);
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	PopActiveSnapshot();
	receiver->rDestroy(receiver);
	return store;
}

static void
read_candidates(LockRun *run)
{
	EState	   *estate = run->state->css.ss.ps.state;
	uint64		changes = run->spec->leavesChanged ? run->state->started :
		executor_changes_started();
	bool		first = run->reading++ == 0 || run->late;

	run->count = 0;
	run->store = executor_part_read(estate, linitial(run->state->plan->parts),
									first ? estate->es_snapshot : GetTransactionSnapshot(),
									make_params(run, estate),
									run->desc == NULL ? &run->desc : NULL);
	run->meddled = run->late || executor_changes_started() != changes;
}

/* the rows that the candidate would lock */
static void
read_places(List *targets, TupleTableSlot *slot, CandidateKey *key)
{
	ListCell   *cell;

	memset(key, 0, sizeof(CandidateKey));
	foreach(cell, targets)
	{
		LockTarget *target = lfirst(cell);
		RowId	   *row = &key->rows[foreach_current_index(cell)];
		bool		isNull;

		row->shard = DatumGetInt64(slot_getattr(slot, target->shardColumn, &isNull));
		if (isNull)
			elog(ERROR, "a candidate names no row");
		ItemPointerCopy((ItemPointer) DatumGetPointer(slot_getattr(slot, target->rowColumn,
																   &isNull)), &row->ctid);
	}
}

/* false if an earlier reading has dealt with the candidate */
static bool
is_new_candidate(LockRun *run, TupleTableSlot *slot, CandidateKey *key)
{
	bool		found;
	TriedKey   *tried;

	read_places(run->spec->targets, slot, key);
	tried = hash_search(run->tried, key, HASH_ENTER, &found);
	if (!found)
		tried->handled = 0;
	if (!found || tried->reading != run->reading)
		tried->seen = 0;
	tried->reading = run->reading;
	if (++tried->seen <= tried->handled)
		return false;
	tried->handled++;
	return true;
}

/* ---- locks ---- */

static const char *
clause_of(const LockTarget *target)
{
	static const char *const waits[] = {"", " SKIP LOCKED", " NOWAIT"};
	const char *strength = target->strength == LCS_FORUPDATE ? "UPDATE" :
		target->strength == LCS_FORNOKEYUPDATE ? "NO KEY UPDATE" :
		target->strength == LCS_FORSHARE ? "SHARE" : "KEY SHARE";

	return psprintf(" FOR %s OF t%s", strength, waits[target->waitPolicy]);
}

/* what a statement locks or, if it finds, looks for */
typedef struct LockTasks
{
	const LockTarget *target;
	int			position;
	Candidate  *candidates;
	bool		finds;
	List	   *tasks;
} LockTasks;

/* a statement for the rows that candidates (numbers, IntList) have in one shard */
static void
add_lock_statement(LockTasks *lock, const Shard *shard, List *numbers)
{
	const LockTarget *target = lock->target;
	const DistTable *table = catalog_table_get(target->relid);
	const Shard *whole = table->shards[shard->index];
	ExecutorParams *params = executor_params_make(2 * list_length(numbers));
	StringInfoData sql;
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT v.n%s FROM %s t, (VALUES ", lock->finds ? ", t.ctid" : "",
					 catalog_shard_qualified_name(whole));
	foreach(cell, numbers)
	{
		int			i = 2 * foreach_current_index(cell);

		appendStringInfo(&sql, "%s($%d::pg_catalog.int4, $%d::pg_catalog.tid)",
						 i == 0 ? "" : ", ", i + 1, i + 2);
		params->types[i] = INT4OID;
		params->values[i] = Int32GetDatum(lfirst_int(cell));
		params->types[i + 1] = TIDOID;
		params->values[i + 1] =
			PointerGetDatum(&lock->candidates[lfirst_int(cell)].key.rows[lock->position].ctid);
	}
	appendStringInfoString(&sql, ") v (n, id) WHERE t.ctid OPERATOR(pg_catalog.=) ");
	if (lock->finds)
		appendStringInfo(&sql, "citus_internal.row_version(" INT64_FORMAT ", v.id)", shard->id);
	else
		appendStringInfoString(&sql, "v.id");
	if (shard->relid != target->relid)
		appendStringInfo(&sql, " AND t.tableoid = %s::pg_catalog.regclass",
						 quote_literal_cstr(catalog_shard_qualified_name(shard)));
	if (!lock->finds)
		appendStringInfoString(&sql, clause_of(target));
	lock->tasks = executor_tasks_to_lock(lock->tasks, whole, sql.data, params);
}

static const Shard *
get_shard(const LockTarget *target, ShardId id)
{
	const Shard *shard = catalog_shard_get(id);

	if (shard == NULL || catalog_table_get(target->relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("shard " INT64_FORMAT " of table \"%s\" does not exist any more", id,
						get_rel_name(target->relid))));
	return shard;
}

List *
executor_candidates_tasks(const LockTarget *target, int position, Candidate *candidates, int n,
						  bool finds)
{
	LockTasks	lock = {target, position, candidates, finds, NIL};
	bool	   *done = palloc0(sizeof(bool) * n);

	for (int i = 0; i < n; i++)
	{
		ShardId		id = candidates[i].key.rows[position].shard;
		List	   *numbers = NIL;

		for (int j = i; j < n && !done[i]; j++)
		{
			if (candidates[j].key.rows[position].shard != id || done[j])
				continue;
			if (candidates[j].locked == position)
				numbers = lappend_int(numbers, j);
			if (j > i)
				done[j] = true;
		}
		if (numbers != NIL)
			add_lock_statement(&lock, get_shard(target, id), numbers);
	}
	return lock.tasks;
}

static TupleDesc
make_number_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(desc, 1, "n", INT4OID, -1, 0);
	return desc;
}

void
executor_candidates_lock(const LockTarget *target, int position, Candidate *candidates, int n,
						 Snapshot snapshot)
{
	TupleDesc	desc = make_number_desc();
	RowSink		sink = {executor_reader_make(desc), tuplestore_begin_heap(false, false, work_mem)};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	List	   *tasks = executor_candidates_tasks(target, position, candidates, n, false);
	CallerRole	caller;

	if (tasks != NIL)
	{
		caller = target->unforced ? executor_enter_unforced(target->role, target->relid) :
			executor_enter_role(target->role);
		executor_tasks_lock(tasks, &sink, snapshot);
		executor_leave_role(caller);
	}
	while (tuplestore_gettupleslot(sink.store, true, false, slot))
	{
		bool		isNull;
		int			number = DatumGetInt32(slot_getattr(slot, 1, &isNull));

		if (number < 0 || number >= n)
			elog(ERROR, "a shard locked row %d of %d", number, n);
		candidates[number].locked = position + 1;
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(sink.store);
}

void
executor_rows_lock(Oid relid, const RowId *rows, bool *locked, int n)
{
	LockTarget *target = plan_lock_target_make();
	Candidate  *candidates = palloc0(sizeof(Candidate) * n);
	AclMode		needed = ACL_SELECT | ACL_UPDATE;

	target->relid = relid;
	target->strength = LCS_FORKEYSHARE;
	target->waitPolicy = LockWaitBlock;
	/* rights on columns do for the cursor that asks, which has seen what policies show */
	if (pg_class_aclmask(relid, GetUserId(), needed, ACLMASK_ALL) != needed)
	{
		target->role = catalog_relation_owner(relid);
		target->unforced = true;
	}
	for (int i = 0; i < n; i++)
		candidates[i].key.rows[0] = rows[i];
	executor_candidates_lock(target, 0, candidates, n,
							 IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : NULL);
	for (int i = 0; i < n; i++)
		locked[i] = candidates[i].locked > 0;
}

/* these will be read again, and are then as good as new */
static void
forget_candidates(LockRun *run, Candidate *candidates, int n)
{
	for (int i = 0; i < n; i++)
	{
		TriedKey   *tried = hash_search(run->tried, &candidates[i].key, HASH_FIND, NULL);

		tried->handled--;
	}
}

/* locks what can be locked of a batch, and keeps the rows that are */
static void
lock_batch(LockRun *run, Candidate *candidates, int n)
{
	LockState  *state = run->state;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(run->desc, &TTSOpsMinimalTuple);
	LookAgainRun again = {state->plan, state->css.ss.ps.state, run->desc, candidates, n};

	for (int i = 0; i < list_length(run->spec->targets); i++)
		executor_candidates_lock(list_nth(run->spec->targets, i), i, candidates, n,
								 IsolationUsesXactSnapshot() ? again.estate->es_snapshot : NULL);
	if (run->looksAgain)
		executor_look_again(&again);
	for (int i = 0; i < n; i++)
	{
		if (candidates[i].locked < list_length(run->spec->targets))
		{
			if (run->skipsLocked || run->meddled || run->looksAgain)
				continue;
			/* its turn is before the others' */
			run->again = true;
			forget_candidates(run, candidates + i, n - i);
			break;
		}
		if (run->wanted > 0)
			run->wanted--;
		if (run->skip > 0)
		{
			run->skip--;
			continue;
		}
		ExecStoreMinimalTuple(candidates[i].tuple, slot, false);
		tuplestore_puttupleslot(state->rows, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* goes through the candidates in order */
static void
lock_candidates(LockRun *run)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(run->desc, &TTSOpsMinimalTuple);
	bool		more = true;

	while (more && run->wanted != 0 && !run->again)
	{
		MemoryContext caller = MemoryContextSwitchTo(run->batchContext);
		int			max = run->wanted < 0 ? MAX_BATCH_ROWS : Min(run->wanted, MAX_BATCH_ROWS);
		Candidate  *candidates = palloc0(sizeof(Candidate) * max);
		int			n = 0;

		while (n < max && (more = tuplestore_gettupleslot(run->store, true, false, slot)))
		{
			CHECK_FOR_INTERRUPTS();
			run->count++;
			if (!is_new_candidate(run, slot, &candidates[n].key))
				continue;
			candidates[n++].tuple = ExecCopySlotMinimalTuple(slot);
		}
		if (n > 0)
			lock_batch(run, candidates, n);
		MemoryContextSwitchTo(caller);
		/* a candidate that was read from disk is in the context */
		ExecClearTuple(slot);
		MemoryContextReset(run->batchContext);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* locks as many as are wanted, if there are so many */
static void
lock_wanted(LockRun *run)
{
	tuplestore_select_read_pointer(run->state->rows, WRITE_POINTER);
	while (run->wanted != 0)
	{
		bool		isAll;

		if (run->store == NULL)
			read_candidates(run);
		run->again = false;
		lock_candidates(run);
		if (run->wanted == 0)
			break;
		tuplestore_end(run->store);
		run->store = NULL;
		isAll = run->ask < 0 || run->count < run->ask;
		if (!run->again && isAll)
			break;
		if (!run->again)
			run->ask = run->ask > PG_INT32_MAX ? -1 : run->ask * 4;
	}
	tuplestore_select_read_pointer(run->state->rows, READ_POINTER);
}

static void
end_run(LockState *state)
{
	LockRun    *run = state->run;

	state->run = NULL;
	if (run == NULL)
		return;
	if (run->store != NULL)
		tuplestore_end(run->store);
	MemoryContextDelete(run->context);
}

/* in the statement's memory */
static void
run_lock(LockState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus row locks",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	LockRun    *run;

	state->rows = tuplestore_begin_heap(true, false, work_mem);
	(void) tuplestore_alloc_read_pointer(state->rows, EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD);
	MemoryContextSwitchTo(context);
	run = state->run = palloc0(sizeof(LockRun));
	run->context = context;
	begin_run(run, state);
	if (run->looksAgain)
		executor_snapshot_stay(estate, context);
	lock_wanted(run);
	MemoryContextSwitchTo(caller);
	if (run->desc != NULL)
		state->rowSlot = ExecInitExtraTupleSlot(estate, CreateTupleDescCopy(run->desc),
												&TTSOpsMinimalTuple);
	state->changes = executor_changes();
	if (!run->spec->leavesChanged || run->limit < 0)
		end_run(state);
}

/* ---- rows that the transaction has changed ---- */

/* which of the rows ahead, from the next one on, are not as they were locked */
static void
look_up(LockState *state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus rows ahead",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	List	   *targets = state->plan->lock->targets;
	int			n = state->nahead - state->next;
	Candidate  *candidates = palloc0(sizeof(Candidate) * Max(n, 1));
	Snapshot	snapshot = IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : NULL;
	ListCell   *cell;

	for (int i = 0; i < n; i++)
	{
		ExecForceStoreMinimalTuple(state->ahead[state->next + i], state->rowSlot, false);
		read_places(targets, state->rowSlot, &candidates[i].key);
	}
	foreach(cell, targets)
	{
		LockTarget	target = *(LockTarget *) lfirst(cell);

		target.strength = LCS_FORKEYSHARE;
		target.waitPolicy = LockWaitBlock;
		if (!OidIsValid(target.role))
			target.role = state->user;
		executor_candidates_lock(&target, foreach_current_index(cell), candidates, n, snapshot);
	}
	for (int i = 0; i < n; i++)
		state->gone[state->next + i] = candidates[i].locked < list_length(targets);
	ExecClearTuple(state->rowSlot);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	/* locking is no change */
	state->changes = executor_changes();
}

/* rows in the place of those that were left out, if there are any */
static bool
lock_more(LockState *state)
{
	LockRun    *run = state->run;
	MemoryContext caller;

	if (run == NULL || state->given >= run->limit)
		return false;
	caller = MemoryContextSwitchTo(run->context);
	run->wanted = run->limit - state->given;
	run->late = run->meddled = true;
	lock_wanted(run);
	MemoryContextSwitchTo(caller);
	return true;
}

/* false: there are no more */
static bool
read_ahead(LockState *state)
{
	MemoryContextReset(state->aheadContext);
	state->most = Min(Max(state->most * 2, 1), MAX_AHEAD);
	state->nahead = state->next = 0;
	while (state->nahead < state->most &&
		   tuplestore_gettupleslot(state->rows, true, false, state->rowSlot))
	{
		MemoryContext caller = MemoryContextSwitchTo(state->aheadContext);

		state->ahead[state->nahead++] = ExecCopySlotMinimalTuple(state->rowSlot);
		MemoryContextSwitchTo(caller);
	}
	ExecClearTuple(state->rowSlot);
	return state->nahead > 0;
}

/* a row that is still as it was locked, in rowSlot; false at the end */
static bool
next_unchanged(LockState *state)
{
	do
	{
		if (state->next == state->nahead)
		{
			if (!read_ahead(state) && !(lock_more(state) && read_ahead(state)))
				return false;
			look_up(state);
		}
		else if (state->changes != executor_changes())
		{
			state->most = 0;
			look_up(state);
		}
	} while (state->gone[state->next++]);
	ExecForceStoreMinimalTuple(state->ahead[state->next - 1], state->rowSlot, false);
	return true;
}

static bool
next_locked(LockState *state, bool forward)
{
	if (state->rowSlot == NULL)
		return false;
	state->looksUp |= state->plan->lock->leavesChanged && state->changes != executor_changes();
	if (!state->looksUp || !forward)
		return tuplestore_gettupleslot(state->rows, forward, true, state->rowSlot);
	if (state->run != NULL && state->given >= state->run->limit)
		return false;
	return next_unchanged(state);
}

/* ---- the node ---- */

static void
begin_lock(CustomScanState *node, EState *estate, int eflags)
{
	LockState  *state = (LockState *) node;

	/* candidates are those from before changes, whenever they are read */
	if (state->plan->lock->leavesChanged && (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		executor_snapshot_hold(estate);
	state->user = GetUserId();
	state->started = executor_changes_started();
	state->aheadContext = AllocSetContextCreate(estate->es_query_cxt, "citus rows ahead",
												ALLOCSET_DEFAULT_SIZES);
}

/* the output's columns of the candidate */
static TupleTableSlot *
show_row(TupleTableSlot *slot, TupleTableSlot *row)
{
	int			n = slot->tts_tupleDescriptor->natts;

	slot_getsomeattrs(row, n);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * n);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * n);
	return ExecStoreVirtualTuple(slot);
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	LockState  *state = (LockState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	EState	   *estate = ss->ps.state;
	bool		forward = !ScanDirectionIsBackward(estate->es_direction);
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	bool		found;

	ExecClearTuple(slot);
	if (state->rows == NULL)
	{
		PreventCommandIfReadOnly("SELECT FOR UPDATE");
		run_lock(state);
	}
	found = next_locked(state, forward);
	MemoryContextSwitchTo(caller);
	if (!found)
		return slot;
	state->given += forward ? 1 : -1;
	return show_row(slot, state->rowSlot);
}

/* where rows are looked at again, sub-plans run from the start: see planner_shield.c */
static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return !TupIsNull(next_row(ss));
}

static TupleTableSlot *
exec_lock(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_lock(CustomScanState *node)
{
	LockState  *state = (LockState *) node;

	end_run(state);
	if (state->rows != NULL)
		tuplestore_end(state->rows);
	state->rows = NULL;
}

static void
rescan_lock(CustomScanState *node)
{
	LockState  *state = (LockState *) node;

	state->given = state->nahead = state->next = 0;
	if (state->rows != NULL)
		tuplestore_rescan(state->rows);
}

static void
explain_lock(CustomScanState *node, List *ancestors, ExplainState *es)
{
	DistPlan   *plan = ((LockState *) node)->plan;
	ListCell   *cell;

	ExplainPropertyText("Strategy", plan->strategy, es);
	foreach(cell, plan->lock->targets)
	{
		Oid			relid = ((LockTarget *) lfirst(cell))->relid;

		ExplainPropertyText("Locks Rows Of", catalog_qualified_name(relid), es);
	}
}

static const CustomExecMethods lock_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_lock,
	.ExecCustomScan = exec_lock,
	.EndCustomScan = end_lock,
	.ReScanCustomScan = rescan_lock,
	.ExplainCustomScan = explain_lock,
};

/* the state of a DIST_PLAN_LOCK node */
Node *
executor_lock_create(DistPlan *plan)
{
	LockState  *state = palloc0(sizeof(LockState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &lock_methods;
	state->plan = plan;
	return (Node *) state;
}
