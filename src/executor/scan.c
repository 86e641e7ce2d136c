/*
 * scan.c
 *	  The custom scan node: runs the plan's fragment and hands out the rows.
 *
 * Reads: remote tasks are sent, local ones run into the node's tuplestore, then rows come from the
 * store first and from the connections as they arrive.  When somebody else needs one of the
 * connections, the rest goes through the store.  When rows must be readable twice, or backwards,
 * each goes into the store when it is asked for, and is read from there.  Writes run to their end
 * on the first call; rows that they return wait in the store.
 *
 * Invariants:
 * (1) no tuple is in the store while its reader is at the end of the store and the run goes on: at
 *	   the end the store is cleared (unless kept), so that tuples added later are found;
 * (2) a node whose rows are kept reads them from the store only; the store is not read past its
 *	   last row while more may come, for its reader would miss them (position, counted from 1).
 */
#include "postgres.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "executor/executor_internal.h"

#define SCAN_DESC(state) ((state)->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor)

/* ---- what the plan is ---- */

static bool
plan_writes(const DistPlan *plan)
{
	if (plan->kind != DIST_PLAN_FRAGMENT)
		return true;
	return plan->fragment->command != CMD_SELECT || plan->fragment->hasModifyingCte;
}

static bool
plan_returns_rows(const DistPlan *plan)
{
	if (plan->kind == DIST_PLAN_CHANGES)
		return plan->change->outputs != NIL;
	return plan->kind == DIST_PLAN_INSERT ? plan->insert->returning :
		plan->fragment->returnsRows;
}

static const char *
command_name(const DistPlan *plan)
{
	CmdType		command = plan->kind == DIST_PLAN_INSERT ? CMD_INSERT :
		plan->kind == DIST_PLAN_CHANGES ? plan->change->command : plan->fragment->command;

	switch (command)
	{
		case CMD_INSERT:
			return "INSERT";
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		case CMD_MERGE:
			return "MERGE";
		default:
			return "SELECT";
	}
}

/* ---- the store ---- */

/* made with the node's resource owner: temporary files must outlive whoever is active now */
static void
ensure_store(DistScanState *state)
{
	MemoryContext caller;
	ResourceOwner owner = CurrentResourceOwner;

	if (state->store != NULL)
		return;
	caller = MemoryContextSwitchTo(state->context);
	CurrentResourceOwner = state->owner;
	state->store = tuplestore_begin_heap(false, false, work_mem);
	if (state->keep)
		tuplestore_set_eflags(state->store, EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
}

RowSink
executor_scan_sink(DistScanState *state)
{
	RowSink		sink;

	if (state->reader != NULL)
		ensure_store(state);
	sink.reader = state->reader;
	sink.store = state->store;
	return sink;
}

/* the next stored row in the scan slot, or the one before; false at the end */
static bool
fetch_stored(DistScanState *state, bool forward, TupleTableSlot *slot)
{
	TupleTableSlot *stored = state->storeSlot;

	if (state->store == NULL)
		return false;
	/* a copy: rows that are added later may move what the store holds */
	if (!tuplestore_gettupleslot(state->store, forward, true, stored))
	{
		if (!state->keep)
			tuplestore_clear(state->store); /* invariant (1) */
		else
			state->position = forward ? tuplestore_tuple_count(state->store) + 1 : 0;
		return false;
	}
	state->position += forward ? 1 : -1;

	executor_share_row(slot, stored);
	return true;
}

ExecutorTask *
executor_scan_next_answer(DistScanState *state, RemoteAnswer *answer)
{
	CallerRole	caller = executor_enter_fragment(state->plan->fragment);
	ExecutorTask *task = executor_run_next(state->run, answer);

	executor_leave_role(caller);
	return task;
}

/* ---- running ---- */

typedef struct StagedRow
{
	TupleTableSlot *slot;		/* NULL under EXPLAIN: every value is NULL */
} StagedRow;

/* replaces staged parameters by the child's values */
static Node *
staged_mutator(Node *node, StagedRow *row)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid >= PLAN_STAGED_PARAM)
	{
		Param	   *param = (Param *) node;
		Datum		value = (Datum) 0;
		bool		isNull = true;

		if (row->slot != NULL)
			value = slot_getattr(row->slot, param->paramid - PLAN_STAGED_PARAM + 1, &isNull);
		/* an array, by reference: the child keeps its row until it ends */
		return (Node *) makeConst(param->paramtype, -1, param->paramcollid, -1, value, isNull,
								  false);
	}
	return expression_tree_mutator(node, staged_mutator, row);
}

/* what movements bring is NULL until a task is sent */
static List *
without_moved(List *params)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, params)
	{
		Param	   *param = lfirst(lc);

		if (IsA(param, Param) && param->paramkind == PARAM_EXTERN &&
			param->paramid >= PLAN_MOVED_PARAM)
			result = lappend(result, makeNullConst(param->paramtype, -1, InvalidOid));
		else
			result = lappend(result, param);
	}
	return result;
}

static PruneSpec *
stage_prune(const PruneSpec *prune, StagedRow *row)
{
	List	   *args = NIL;
	ListCell   *lc;

	if (prune == NULL)
		return NULL;
	foreach(lc, prune->args)
		args = lappend(args, stage_prune(lfirst(lc), row));
	return plan_prune_make(prune->kind, (Expr *) staged_mutator((Node *) prune->value, row),
						   args);
}

/* until the scan runs again */
static void
take_fragment(DistScanState *state, Fragment *fragment)
{
	DistPlan   *plan = palloc(sizeof(DistPlan));

	memcpy(plan, state->plan, sizeof(DistPlan));
	plan->fragment = fragment;
	if (state->punctual == NULL)
		state->punctual = state->plan;
	state->plan = plan;
}

/*
 * The fragment's parameters with the values that had to be computed first, which its condition on
 * the key may read, too.  Under EXPLAIN there are none.
 */
static List *
stage_params(DistScanState *state)
{
	List	   *params = without_moved(state->plan->fragment->params);
	StagedRow	row = {NULL};
	Fragment   *fragment;

	if (state->css.custom_ps == NIL)
		return params;
	if (!state->explainOnly)
	{
		row.slot = ExecProcNode(linitial(state->css.custom_ps));
		if (TupIsNull(row.slot))
			elog(ERROR, "staged sources gave no row");
	}
	fragment = palloc(sizeof(Fragment));
	memcpy(fragment, state->plan->fragment, sizeof(Fragment));
	fragment->prune = stage_prune(fragment->prune, &row);
	take_fragment(state, fragment);
	return (List *) staged_mutator((Node *) params, &row);
}

/* a fragment whose values raise their errors where a row asks */
static void
leave_late_values(DistScanState *state)
{
	Fragment   *late = executor_late_fragment(state->plan->fragment, state->econtext);

	if (late != state->plan->fragment)
		take_fragment(state, late);
}

void
executor_scan_resolve(DistScanState *state)
{
	MemoryContext caller;
	PlanState  *parent = &state->css.ss.ps;
	ResourceOwner owner = CurrentResourceOwner;

	if (state->tasks != NIL || state->plan->fragment == NULL)
		return;
	caller = MemoryContextSwitchTo(state->runContext);
	/* sub-queries of the plan start when they are needed first, maybe on behalf of a write */
	CurrentResourceOwner = state->owner;
	if (state->params == NULL)
		leave_late_values(state);
	if (state->params == NULL)
		state->params = executor_params_evaluate(stage_params(state), parent, state->econtext);
	state->tasks = executor_tasks_make(state->plan->fragment, state->params, parent,
									   state->econtext, &state->nshards);
	executor_tasks_name(state->tasks, state->reader == NULL ? NULL : SCAN_DESC(state));
	executor_explain_mark(state->tasks, state->css.ss.ps.state->es_instrument);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
}

static void
move_rows(DistScanState *state, RunOptions *options)
{
	ListCell   *cell;

	executor_movements_end(state);
	executor_movements_run(state, options);
	foreach(cell, state->tasks)
		((ExecutorTask *) lfirst(cell))->moved = state->moved;
}

/* the rows that the tasks write: each task has some afterwards */
static void
move_rows_to_write(DistScanState *state)
{
	RunOptions	options = {.use = TXN_READ};
	MemoryContext caller;

	executor_snapshot_enter(state);
	options.snapshot = executor_snapshot_for_write();
	if (options.snapshot == NULL)
		options.snapshot = executor_snapshot_get(state);
	move_rows(state, &options);
	executor_snapshot_leave(state);
	caller = MemoryContextSwitchTo(state->context);
	state->tasks = executor_movements_cut(state->tasks, state->moved);
	MemoryContextSwitchTo(caller);
}

static void
write_copies_at_once(List *tasks)
{
	ListCell   *cell;

	foreach(cell, tasks)
		((ExecutorTask *) lfirst(cell))->stage = 0;
}

static void
write_fragment(DistScanState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	const PlannedStmt *alone = state->triggers == NULL ? estate->es_plannedstmt : NULL;
	RowSink		sink;
	CallerRole	caller;
	uint64		count;
	bool		awaited;

	executor_scan_resolve(state);
	if (state->plan->fragment->movements != NIL)
	{
		move_rows_to_write(state);
		alone = NULL;
	}
	if (state->plan->fragment->copiesAtOnce)
		write_copies_at_once(state->tasks);
	sink = executor_scan_sink(state);
	caller = executor_enter_fragment(state->plan->fragment);
	executor_lock_for_write(state->plan->fragment, state->tasks);
	awaited = executor_snapshot_await_others(state, false);
	count = executor_tasks_write(state->tasks, &sink, alone, awaited ? NULL : estate->es_snapshot);
	if (count == 0 && !awaited && executor_snapshot_await_others(state, true))
	{
		executor_tasks_reset(state->tasks);
		count = executor_tasks_write(state->tasks, &sink, NULL, NULL);
	}
	executor_leave_role(caller);
	if (state->plan->fragment->command != CMD_SELECT)
		estate->es_processed += count;
}

static void
write_rows(void *argument)
{
	DistScanState *state = argument;

	if (state->plan->kind == DIST_PLAN_INSERT)
		executor_insert_run(state);
	else if (state->plan->kind == DIST_PLAN_CHANGES)
		executor_change_run(state);
	else
		write_fragment(state);
}

static void
run_writes(DistScanState *state)
{
	PreventCommandIfReadOnly(command_name(state->plan));
	PreventCommandIfParallelMode(command_name(state->plan));
	state->phase = SCAN_COMPLETE;
	executor_user_unregister(&state->user);

	state->triggers = executor_triggers_begin(state->plan->fires,
											  state->css.ss.ps.state->es_top_eflags);
	executor_write_for_caller(write_rows, state);
	if (state->triggers != NULL && !state->plan->fires->joins)
		executor_triggers_end(state->triggers);
	state->triggers = NULL;
}

static void
complete_reads(DistScanState *state)
{
	executor_fuse_learn(state->fuseKey, state->running, state->running != state->tasks);
	state->phase = SCAN_COMPLETE;
	/* a lookup has more to do, before anybody writes */
	state->user.notBegun = state->plan->fragment->all != NULL;
	if (!state->user.notBegun)
		executor_user_unregister(&state->user);
	executor_users_release_extras();
}

/* everything that is still to come goes into the store */
static void
drain_reads(DistScanState *state)
{
	/* nothing that needs a connection runs between two rows for the client */
	if (state->forwarded != NULL)
		elog(ERROR, "rows for the client cannot wait");
	if (state->sorted == NULL || !executor_sorted_drain(state->sorted))
	{
		RowSink		sink = executor_scan_sink(state);
		RemoteAnswer answer;
		ExecutorTask *task;

		while ((task = executor_scan_next_answer(state, &answer)) != NULL)
			executor_sink_put(&sink, task, &answer);
	}
	complete_reads(state);
}

/* EXPLAIN ANALYZE is about the tasks as they are */
static void
choose_running(DistScanState *state)
{
	state->fuseKey = 0;
	state->running = state->tasks;
	if (executor_forward_start(state))
		return;
	if (state->reader == NULL || state->css.ss.ps.state->es_instrument != 0)
		return;
	/* what is fused has to be sorted again, in the store that kept rows need */
	if (state->keep && state->plan->fragment->sortKeys != NIL)
		return;
	state->fuseKey = executor_fuse_key(state->plan->fragment, state->tasks);
	state->running = executor_fuse(state->fuseKey, state->tasks, SCAN_DESC(state));
}

static void
start_reads(DistScanState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	RunOptions	options = {.use = state->plan->fragment->hasRowLocks ? TXN_LOCK : TXN_READ};
	Snapshot	snapshot = estate->es_snapshot;
	CallerRole	caller;
	ListCell   *cell;

	executor_scan_resolve(state);
	if (state->tasks == NIL)
	{
		/* no shard can hold rows */
		complete_reads(state);
		return;
	}
	choose_running(state);
	state->sorted = executor_sorted_make(state);
	/* rows that a write has locked stay locked until it has changed them */
	state->cancelable = executor_may_autocommit(estate->es_plannedstmt) &&
		!(state->plan->fragment->hasRowLocks &&
		  estate->es_plannedstmt->commandType != CMD_SELECT);
	caller = executor_enter_fragment(state->plan->fragment);
	options.binary = state->forwarded != NULL || (state->reader != NULL && state->reader->binary);
	options.mayGrow = !state->plan->fragment->hasRowLocks;
	options.user = &state->user;

	if (state->plan->fragment->movements == NIL)
		state->run = executor_snapshot_try(state, &options);
	if (state->run == NULL)
	{
		options.snapshot = executor_snapshot_get(state);
		if (options.snapshot != NULL)
			state->cancelable = state->cancelable && !executor_snapshot_is_shared(state);
		else if (state->cancelable && !state->plan->fragment->hasModifyingCte &&
				 (list_length(state->tasks) == 1 || !state->plan->fragment->hasRowLocks))
			options.use = TXN_AUTOCOMMIT;
		if (state->plan->fragment->movements != NIL)
		{
			/* each source has a role of its own */
			executor_leave_role(caller);
			move_rows(state, &options);
			caller = executor_enter_fragment(state->plan->fragment);
		}
		state->run = executor_run_start(state->running, &options);
	}
	state->phase = SCAN_STREAMING;
	foreach(cell, state->tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->local)
		{
			RowSink		sink = state->sorted == NULL ? executor_scan_sink(state) :
				executor_sorted_sink(state->sorted, task);

			if (options.snapshot != NULL)
				snapshot = txn_snapshot_local(options.snapshot);
			executor_movements_bind(task);
			executor_local_run(task, false, snapshot, estate->es_snapshot->curcid,
							   executor_sink_receiver(&sink, task));
			executor_movements_unbind(task);
			if (state->sorted != NULL)
				executor_sorted_local_done(state->sorted, task);
		}
	}
	executor_leave_role(caller);
}

/*
 * In a sub-transaction deeper than the node's own, rows may not stay on the connections: its
 * rollback would lose them.
 */
static void
start_scan(DistScanState *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->runContext);

	state->user.notBegun = false;
	state->changes = executor_changes();
	if (plan_writes(state->plan))
		run_writes(state);
	else
	{
		start_reads(state);
		if (state->phase == SCAN_STREAMING && state->user.subid != GetCurrentSubTransactionId())
			drain_reads(state);
	}
	MemoryContextSwitchTo(caller);
}

static bool
scan_uses(ConnUser *user, RemoteConn *conn)
{
	DistScanState *state = user->owner;

	return state->phase == SCAN_STREAMING && state->run != NULL &&
		executor_run_uses(state->run, conn);
}

/*
 * What later runs of a lookup can want: they must not see what the session is going to write.  The
 * run under way keeps its rows.
 */
static void
fetch_all(DistScanState *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	DistPlan   *plan = palloc(sizeof(DistPlan));
	ScanPhase	phase = state->phase;
	Tuplestorestate *store = state->store;
	bool		keep = state->keep;

	memcpy(plan, state->plan, sizeof(DistPlan));
	plan->fragment = state->plan->fragment->all;
	state->plan = plan;
	state->runContext = state->context;
	state->params = NULL;
	state->tasks = NIL;
	state->run = NULL;
	state->store = NULL;
	state->keep = true;
	state->user.notBegun = false;
	start_reads(state);
	if (state->phase == SCAN_STREAMING)
		drain_reads(state);
	ensure_store(state);
	state->allStore = state->store;
	state->hasAll = true;
	state->store = store;
	state->keep = keep;
	state->phase = phase;
	MemoryContextSwitchTo(caller);
}

/* a run of a lookup that chooses from what is here */
static void
read_all(DistScanState *state)
{
	if (state->store != NULL && state->store != state->allStore)
		tuplestore_end(state->store);
	state->store = state->allStore;
	tuplestore_rescan(state->store);
	state->keep = true;
	state->remembered = NULL;
	state->position = 0;
	state->phase = SCAN_COMPLETE;
}

static void
scan_settle(ConnUser *user)
{
	DistScanState *state = user->owner;
	MemoryContext caller = MemoryContextSwitchTo(state->runContext);
	bool		lookup = !plan_writes(state->plan) && state->plan->fragment->all != NULL;
	bool		skips = user->writeFollows && executor_snapshot_skips_changed(state);

	/*
	 * A lookup that has not begun has no values to begin with.  The first reading of what begins
	 * here may be announced as a rescan, and must not come after the write then.
	 */
	if (state->phase == SCAN_NEW && !lookup && !skips)
	{
		state->keep |= !plan_writes(state->plan);
		start_scan(state);
	}
	if (state->phase == SCAN_STREAMING)
		drain_reads(state);
	if (skips)
		user->notBegun = false;
	else if (lookup && user->writeFollows)
		fetch_all(state);
	MemoryContextSwitchTo(caller);
}

/* walker: scans that have nothing to come are no users any more */
static bool
leave_users_walker(PlanState *ps, void *context)
{
	DistScanState *scan = executor_scan_of(ps);

	if (scan != NULL && scan->user.registered && !scan->user.uses(&scan->user, NULL))
		executor_user_unregister(&scan->user);
	return planstate_tree_walker(ps, leave_users_walker, context);
}

void
executor_scans_over(PlanState *ps)
{
	(void) leave_users_walker(ps, NULL);
}

/* rows of a relation's own scan say which relation they are of */
static TupleTableSlot *
returned(ScanState *ss, TupleTableSlot *slot)
{
	if (ss->ss_currentRelation != NULL)
		slot->tts_tableOid = RelationGetRelid(ss->ss_currentRelation);
	return slot;
}

bool
executor_scan_next_raw(DistScanState *state, TupleTableSlot *slot)
{
	RemoteAnswer answer;

	if (fetch_stored(state, true, slot))
		return true;
	ExecClearTuple(slot);
	if (state->phase == SCAN_COMPLETE)
		return false;
	if (state->forwarded != NULL)
	{
		if (executor_forward_next(state, slot))
			return true;
		complete_reads(state);
		return false;
	}
	if (executor_scan_next_answer(state, &answer) == NULL)
	{
		complete_reads(state);
		return false;
	}
	executor_reader_decode(state->reader, &answer, state->reader->rowContext,
						   slot->tts_values, slot->tts_isnull);
	ExecStoreVirtualTuple(slot);
	return true;
}

/* as above, for tasks whose rows are merged */
static bool
next_sorted(DistScanState *state, TupleTableSlot *slot)
{
	if (executor_sorted_next(state->sorted, slot))
		return true;
	if (state->phase == SCAN_STREAMING)
		complete_reads(state);
	return false;
}

/* one more row into the store of kept ones, if there is one */
static void
keep_next_sorted(DistScanState *state, TupleTableSlot *slot)
{
	if (!next_sorted(state, slot))
		return;
	ensure_store(state);
	tuplestore_puttupleslot(state->store, slot);
}

/* a kept row, in either direction */
static TupleTableSlot *
next_kept_row(DistScanState *state, TupleTableSlot *slot)
{
	bool		forward = ScanDirectionIsForward(state->css.ss.ps.state->es_direction);

	bool		atEnd = state->store == NULL ||
		state->position == tuplestore_tuple_count(state->store);

	if (forward && atEnd && state->sorted != NULL)
		keep_next_sorted(state, slot);
	else if (forward && atEnd && state->phase == SCAN_STREAMING)
	{
		RowSink		sink = executor_scan_sink(state);
		RemoteAnswer answer;
		ExecutorTask *task = executor_scan_next_answer(state, &answer);

		if (task == NULL)
			complete_reads(state);
		else
			executor_sink_put(&sink, task, &answer);
	}
	if (!fetch_stored(state, forward, slot))
		return ExecClearTuple(slot);
	return returned(&state->css.ss, slot);
}

static void
forget_sorted(DistScanState *state)
{
	if (state->sorted != NULL)
		executor_sorted_end(state->sorted);
	state->sorted = NULL;
}

static void
forget_stored(DistScanState *state)
{
	if (state->store != NULL)
		tuplestore_end(state->store);
	state->store = NULL;
}

/* what is left of the run before, so that another one can start */
static void
forget_run(DistScanState *state)
{
	forget_stored(state);
	forget_sorted(state);
	state->run = NULL;
	state->params = NULL;
	state->tasks = state->running = NIL;
	if (state->punctual != NULL)
		state->plan = state->punctual;
	state->punctual = NULL;
	ResetExprContext(state->econtext);
	if (state->runContext == state->context)
		state->runContext = AllocSetContextCreate(state->context, "citus scan run",
												  ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(state->runContext);
}

/* rows were locked, and those among them that were changed since would not be locked now */
static bool
locks_are_old(DistScanState *state)
{
	return state->changes != executor_changes() && executor_snapshot_skips_changed(state);
}

/* a run of a lookup: one with the same values may have been made before */
static void
start_lookup(DistScanState *state, TupleTableSlot *slot)
{
	ResourceOwner owner = CurrentResourceOwner;
	bool		room;

	if (locks_are_old(state))
		executor_remembered_forget(state->earlier);
	CurrentResourceOwner = state->owner;
	room = executor_remembered_find(state->earlier, &state->remembered);
	CurrentResourceOwner = owner;
	state->nread = 0;
	if (state->remembered != NULL)
	{
		/* rows that the reading before this one had left belong to other values */
		forget_stored(state);
		forget_sorted(state);
		state->phase = SCAN_COMPLETE;
		return;
	}
	forget_run(state);
	if (room)
		state->remembered = executor_remembered_add(state->earlier);
	start_scan(state);
	while (room && executor_scan_next_raw(state, slot))
		room = executor_remembered_put(state->remembered, slot);
	if (room)
		executor_remembered_complete(state->remembered);
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	DistScanState *state = (DistScanState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	bool		found;

	if (state->phase == SCAN_NEW && state->hasAll)
		read_all(state);
	else if (state->phase == SCAN_NEW && state->earlier != NULL)
		start_lookup(state, slot);
	else if (state->phase == SCAN_NEW)
		start_scan(state);
	executor_user_check(&state->user);
	if (state->remembered != NULL &&
		executor_remembered_get(state->remembered, state->nread, state->storeSlot))
	{
		state->nread++;
		return returned(ss, executor_share_row(slot, state->storeSlot));
	}
	if (state->keep)
		return next_kept_row(state, slot);
	found = state->sorted != NULL ? next_sorted(state, slot) :
		executor_scan_next_raw(state, slot);
	return found ? returned(ss, slot) : slot;
}

/* where rows are looked at again, sub-plans run from the start: see planner_shield.c */
static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return !TupIsNull(next_row(ss));
}

/* ---- the node's methods ---- */

static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	DistScanState *state = (DistScanState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	Snapshot	statement = estate->es_snapshot;
	ListCell   *cell;

	if (state->plan->change != NULL && state->plan->change->conflict != NULL &&
		(eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		executor_change_begin_upsert(state);
	if (state->childSnapshot != NULL)
		estate->es_snapshot = state->childSnapshot;
	foreach(cell, scan->custom_plans)
		node->custom_ps = lappend(node->custom_ps, ExecInitNode(lfirst(cell), estate, eflags));
	estate->es_snapshot = statement;
	/* the node's sub-plans, so that they hear of values that change */
	foreach(cell, scan->custom_exprs)
	{
		if (IsA(lfirst(cell), SubPlan))
			(void) ExecInitExpr(lfirst(cell), &node->ss.ps);
	}

	state->context = state->runContext = estate->es_query_cxt;
	state->owner = CurrentResourceOwner;
	state->econtext = CreateExprContext(estate);
	state->keep = (eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK)) != 0;
	state->storeSlot = ExecInitExtraTupleSlot(estate, SCAN_DESC(state), &TTSOpsMinimalTuple);
	state->user.owner = state;
	state->user.uses = scan_uses;
	state->user.settle = scan_settle;
	state->explainOnly = (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
	if (state->explainOnly)
		return;

	if (plan_returns_rows(state->plan))
		state->reader = executor_reader_make(SCAN_DESC(state));
	if (!plan_writes(state->plan))
	{
		state->user.notBegun = true;
		executor_user_register(&state->user, state->context);
		executor_snapshot_enter(state);
		if (state->plan->fragment->all != NULL && !state->keep)
			state->earlier = executor_remembered_make(state->plan->fragment, &node->ss.ps);
	}
}

static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_scan(CustomScanState *node)
{
	DistScanState *state = (DistScanState *) node;
	ListCell   *cell;

	if (state->phase == SCAN_STREAMING && !state->user.lost)
		executor_run_stop(state->run, state->cancelable);
	state->phase = SCAN_COMPLETE;
	executor_user_unregister(&state->user);
	executor_snapshot_leave(state);
	executor_users_release_extras();
	if (state->store != NULL)
		tuplestore_end(state->store);
	if (state->allStore != NULL && state->allStore != state->store)
		tuplestore_end(state->allStore);
	state->store = state->allStore = NULL;
	forget_sorted(state);
	executor_movements_end(state);

	foreach(cell, node->custom_ps)
		ExecEndNode(lfirst(cell));
	if (state->childSnapshot != NULL)
		UnregisterSnapshot(state->childSnapshot);
}

/* walker: a value of the plan that is about to be another one; conditions above do not count */
static bool
reads_changed_param(Node *node, Bitmapset *changed)
{
	if (node == NULL || changed == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return bms_is_member(((Param *) node)->paramid, changed);
	if (IsA(node, SubPlan))
		return true;
	return expression_tree_walker(node, reads_changed_param, changed);
}

/*
 * Rows that were kept are shown again, unless a value that the fragment depends on is another one
 * now.  A first rescan that nobody announced runs the fragment again, and keeps its rows from then
 * on.
 */
static void
rescan_scan(CustomScanState *node)
{
	DistScanState *state = (DistScanState *) node;
	List	   *params = ((CustomScan *) node->ss.ps.plan)->custom_exprs;
	bool		changed = reads_changed_param((Node *) params, node->ss.ps.chgParam);

	if (state->hasAll)
	{
		executor_user_check(&state->user);
		read_all(state);
		return;
	}
	if (state->phase == SCAN_NEW)
		return;
	if (state->keep && !changed && !locks_are_old(state))
	{
		if (state->store != NULL)
			tuplestore_rescan(state->store);
		state->position = 0;
		return;
	}
	executor_user_check(&state->user);
	if (plan_writes(state->plan))
		elog(ERROR, "rows of a modifying statement cannot be read again");

	if (state->phase == SCAN_STREAMING)
		executor_run_stop(state->run, false);
	state->run = NULL;
	state->remembered = NULL;
	if (state->earlier == NULL)
	{
		forget_run(state);
		state->keep |= !changed;
	}
	state->position = 0;
	state->phase = SCAN_NEW;
	state->user.notBegun = true;
	executor_user_register(&state->user, state->context);
}

static const CustomExecMethods scan_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan_scan,
	.ExplainCustomScan = executor_explain_scan,
};

DistScanState *
executor_scan_of(PlanState *ps)
{
	if (ps == NULL || !IsA(ps, CustomScanState) ||
		((CustomScanState *) ps)->methods != &scan_methods)
		return NULL;
	return (DistScanState *) ps;
}

Node *
executor_scan_create(CustomScan *scan)
{
	DistPlan   *plan = plan_of_custom_scan(&scan->scan.plan);
	DistScanState *state;

	if (plan == NULL)
		elog(ERROR, "custom scan without a distributed plan");
	if (plan->kind == DIST_PLAN_PARTS || plan->kind == DIST_PLAN_PART_ROWS)
		return executor_parts_create(plan);
	if (plan->kind == DIST_PLAN_LOCK)
		return executor_lock_create(plan);
	if (plan->kind == DIST_PLAN_CURSOR)
		return executor_cursor_create(plan);
	if (plan->kind == DIST_PLAN_RELAY)
		return executor_relay_create(plan);
	if (plan->kind == DIST_PLAN_STORE)
		return executor_store_create(plan);
	if (plan->kind == DIST_PLAN_MOVED_ROWS)
		return executor_moved_rows_create(plan);
	state = palloc0(sizeof(DistScanState));
	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &scan_methods;
	state->plan = plan;
	return (Node *) state;
}
