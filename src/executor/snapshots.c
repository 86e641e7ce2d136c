/*
 * snapshots.c
 *	  Which scans read with the same cluster snapshot.
 *
 * The scans of a statement, and of statements inside it that see what it sees, are those whose
 * executor state has the same snapshot of this node's server.  The first of them that starts takes
 * a cluster snapshot, on the nodes of its tasks or, when there are others, on all nodes of their
 * tables, unless what is read is one task: that sees one state of one node anyway.
 *
 * A statement that calls a function which reads tables of the cluster with the statement's own
 * snapshot (readers.c) has a group from its start to its end, whose snapshot is of all nodes: the
 * function is called again and again, and may read anything.
 *
 * Scans that lock rows of a SELECT skip those that functions beside them have changed, as one
 * server does: they are not made to read before a write, and read again after it.  So their group,
 * too, has its snapshot before that; and so has the group of a scan that may be read again, which
 * began before the write and has kept no rows.
 *
 * The same for a node that finds rows first and locks them after others may have written
 * (executor_snapshot_hold()).
 *
 * Where the transaction has written, or locked rows, on other nodes than those, they are members,
 * too: who had the rows before has committed there, and what it wrote here must be in sight.
 *
 * Writes read with snapshots of their nodes' own.  Before one that reads other rows, too, or
 * chooses among rows, what the transaction has waited for elsewhere is waited for on its nodes
 * (executor_snapshot_await_others); one that looks for one row and finds none is run again then.
 *
 * Invariants: (1) a group exists as long as a scan is in it, or somebody holds it; these keep
 * the server's snapshot registered, so that no other one has its address; (2) a scan leaves at its
 * end or when its memory goes away.
 */
#include "postgres.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "executor/executor_internal.h"

struct ScanGroup
{
	dlist_node	link;
	Snapshot	key;
	dlist_head	scans;			/* of DistScanState, by groupLink */
	int			nscans;
	int			nholds;			/* statements; then of all nodes */
	int			nstays;			/* who will read with it again */
	ClusterSnapshot *snapshot;	/* NULL: not taken yet, or not needed */
	bool		ofTransaction;	/* a scan of it has read with the transaction's */
	/* the transaction's, as it was before the first write beside the scans; NULL: none yet */
	ClusterSnapshot *kept;
};

static dlist_head groups = DLIST_STATIC_INIT(groups);

static ScanGroup *
find_group(Snapshot key)
{
	dlist_iter	iter;

	dlist_foreach(iter, &groups)
	{
		ScanGroup  *group = dlist_container(ScanGroup, link, iter.cur);

		if (group->key == key)
			return group;
	}
	return NULL;
}

static void
leave_by_free(void *arg)
{
	executor_snapshot_leave((DistScanState *) arg);
}

static ScanGroup *
get_group(Snapshot key)
{
	ScanGroup  *group = find_group(key);

	if (group == NULL)
	{
		group = MemoryContextAllocZero(TopMemoryContext, sizeof(ScanGroup));
		group->key = key;
		dlist_init(&group->scans);
		dlist_push_head(&groups, &group->link);
	}
	return group;
}

static void
forget_unused(ScanGroup *group)
{
	if (group->nscans + group->nholds + group->nstays > 0)
		return;
	dlist_delete(&group->link);
	if (group->snapshot != NULL)
		txn_snapshot_release(group->snapshot);
	if (group->kept != NULL)
		txn_snapshot_release(group->kept);
	pfree(group);
}

void
executor_snapshot_enter(DistScanState *state)
{
	Snapshot	key = state->css.ss.ps.state->es_snapshot;

	if (key == NULL || !txn_snapshot_is_wanted())
		return;
	state->group = get_group(key);
	dlist_push_tail(&state->group->scans, &state->groupLink);
	state->group->nscans++;
	state->onFree.func = leave_by_free;
	state->onFree.arg = state;
	MemoryContextRegisterResetCallback(state->context, &state->onFree);
}

/* Raises nothing. */
void
executor_snapshot_leave(DistScanState *state)
{
	ScanGroup  *group = state->group;

	if (group == NULL)
		return;
	state->group = NULL;
	dlist_delete(&state->groupLink);
	group->nscans--;
	forget_unused(group);
}

static void
end_hold(void *arg)
{
	ScanGroup  *group = arg;

	group->nholds--;
	forget_unused(group);
}

/* until the statement ends, whichever way */
static void
hold_group(EState *estate)
{
	ScanGroup  *group = get_group(estate->es_snapshot);
	MemoryContextCallback *callback = MemoryContextAlloc(estate->es_query_cxt,
														 sizeof(MemoryContextCallback));

	group->nholds++;
	callback->func = end_hold;
	callback->arg = group;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);
}

void
executor_snapshot_hold(EState *estate)
{
	if (estate->es_snapshot != NULL && txn_snapshot_is_wanted())
		hold_group(estate);
}

static void
end_stay(void *arg)
{
	ScanGroup  *group = arg;

	group->nstays--;
	forget_unused(group);
}

void
executor_snapshot_stay(EState *estate, MemoryContext context)
{
	ScanGroup  *group;
	MemoryContextCallback *callback;

	if (!txn_snapshot_is_wanted())
		return;
	group = get_group(estate->es_snapshot);
	group->nstays++;
	callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));
	callback->func = end_stay;
	callback->arg = group;
	MemoryContextRegisterResetCallback(context, callback);
}

static bool
is_shared(const ScanGroup *group)
{
	return group->nscans + group->nholds + group->nstays > 1;
}

bool
executor_snapshot_is_shared(DistScanState *state)
{
	return state->group != NULL && is_shared(state->group);
}

/* ---- which nodes ---- */

typedef struct Places
{
	bool		local;
	List	   *nodes;			/* of ClusterNode *, each once */
} Places;

static void
add_node(Places *places, const ClusterNode *node)
{
	ListCell   *cell;

	foreach(cell, places->nodes)
	{
		if (((const ClusterNode *) lfirst(cell))->id == node->id)
			return;
	}
	places->nodes = lappend(places->nodes, (void *) node);
}

static void
add_places_of_tasks(Places *places, List *tasks)
{
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->local)
			places->local = true;
		else
			add_node(places, task->candidates[0]);
	}
}

/* where reads of the scan's table go, whatever its conditions */
static void
add_places_of_table(Places *places, const Fragment *fragment)
{
	const DistTable *table = catalog_table_get(fragment->anchor);
	ListCell   *movement;

	for (int i = 0; table != NULL && i < table->nshards; i++)
	{
		List	   *placements = executor_placements(table->shards[i]);
		bool		onlyFirst = fragment->hasRowLocks || fragment->firstCopy;
		bool		local = false;
		ListCell   *cell;

		foreach(cell, placements)
		{
			local |= executor_group_is_local(((Placement *) lfirst(cell))->groupId);
			if (onlyFirst)
				break;
		}
		if (local)
			places->local = true;
		else
			add_node(places,
					 catalog_node_of_group(((Placement *) linitial(placements))->groupId));
	}
	foreach(movement, fragment->movements)
		add_places_of_table(places, ((Movement *) lfirst(movement))->source);
}

static void
add_places_of_group(Places *places, ScanGroup *group)
{
	dlist_iter	iter;
	ListCell   *cell;

	if (group->nholds > 0)
	{
		places->local = true;
		foreach(cell, catalog_active_primaries())
		{
			const ClusterNode *node = lfirst(cell);

			if (!executor_group_is_local(node->groupId))
				add_node(places, node);
		}
		return;
	}
	dlist_foreach(iter, &group->scans)
	{
		DistScanState *scan = dlist_container(DistScanState, groupLink, iter.cur);

		if (scan->plan->fragment != NULL)
			add_places_of_table(places, scan->plan->fragment);
	}
}

/* does the statement read with one snapshot of the whole transaction? */
static bool
is_of_transaction(const PlannedStmt *stmt)
{
	return IsolationUsesXactSnapshot() &&
		(IsTransactionBlock() || !txn_is_client_statement(stmt));
}

/* places that the transaction has changed; true when there are others than those of the tasks */
static bool
add_changed_places(Places *places)
{
	int			before = list_length(places->nodes);
	bool		wasLocal = places->local;
	bool		local;
	ListCell   *cell;

	foreach(cell, txn_nodes_changed(&local))
		add_node(places, lfirst(cell));
	places->local |= local;
	return list_length(places->nodes) > before || places->local != wasLocal;
}

static ClusterSnapshot *
take_for(DistScanState *state)
{
	ScanGroup  *group = state->group;
	Places		places = {false, NIL};
	bool		changedElsewhere;

	add_places_of_tasks(&places, state->running);
	changedElsewhere = add_changed_places(&places);
	if (is_shared(group))
		add_places_of_group(&places, group);
	else if (state->plan->fragment->movements != NIL || state->plan->fragment->all != NULL)
		add_places_of_table(&places, state->plan->fragment);
	else if (list_length(state->running) == 1 && !changedElsewhere)
		return NULL;
	if (places.nodes == NIL)
		return NULL;
	return txn_snapshot_take(places.nodes, places.local);
}

/*
 * The snapshot for the scan's tasks, which are known; NULL: each task's own will do.  May wait for
 * other nodes.
 */
ClusterSnapshot *
executor_snapshot_get(DistScanState *state)
{
	ScanGroup  *group = state->group;
	PlannedStmt *stmt = state->css.ss.ps.state->es_plannedstmt;

	if (group == NULL)
		return NULL;
	if (group->kept != NULL)
		return group->kept;
	if (group->snapshot != NULL)
		return group->snapshot;
	/* what is computed in a sub-transaction (late_apart.c) is in a block, and the rest is not */
	group->ofTransaction |= is_of_transaction(stmt);
	if (group->ofTransaction)
		return txn_snapshot_of_transaction();
	group->snapshot = take_for(state);
	return group->snapshot;
}

/* a scan of a statement that writes nothing itself: its functions may, or who has it as a cursor */
static bool
is_of_reading_statement(const DistScanState *state)
{
	const PlannedStmt *stmt = state->css.ss.ps.state->es_plannedstmt;

	return state->plan->fragment != NULL && stmt->commandType == CMD_SELECT &&
		!stmt->hasModifyingCTE;
}

bool
executor_snapshot_skips_changed(const DistScanState *state)
{
	return state->group != NULL && is_of_reading_statement(state) &&
		state->plan->fragment->hasRowLocks;
}

/* is it the first of everything that the statement reads, which is read once? */
static bool
is_read_once(const DistScanState *state)
{
	const Plan *plan = state->css.ss.ps.state->es_plannedstmt->planTree;

	while (plan != NULL && plan != state->css.ss.ps.plan)
		plan = IsA(plan, SubqueryScan) ? ((const SubqueryScan *) plan)->subplan : outerPlan(plan);
	return plan != NULL;
}

/*
 * May the scan read its shards after others have written?  One that has not begun is made to begin
 * before they do, and a lookup to read all that it can want, unless they lock rows.
 */
static bool
may_read_later(const DistScanState *scan)
{
	if (!is_of_reading_statement(scan))
		return false;
	if (scan->phase == SCAN_NEW)
		return scan->plan->fragment->hasRowLocks;
	return (scan->plan->fragment->hasRowLocks || scan->plan->fragment->all == NULL) &&
		!is_read_once(scan);
}

/* will its scans, or functions, read after others of the same statement have written? */
static bool
reads_after_writes(ScanGroup *group)
{
	dlist_iter	iter;

	if (group->nholds > 0)
		return true;
	dlist_foreach(iter, &group->scans)
	{
		if (may_read_later(dlist_container(DistScanState, groupLink, iter.cur)))
			return true;
	}
	return false;
}

/*
 * Somebody is about to write, perhaps a function of a statement of which others read with its
 * snapshot: that is taken before, if it has not been.
 */
void
executor_snapshots_before_write(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &groups)
	{
		ScanGroup  *group = dlist_container(ScanGroup, link, iter.cur);
		Places		places = {false, NIL};

		if (!reads_after_writes(group))
			continue;
		if (IsolationUsesXactSnapshot())
		{
			if (group->kept == NULL)
				group->kept = txn_snapshot_keep();
			continue;
		}
		if (group->snapshot != NULL)
			continue;
		add_places_of_group(&places, group);
		if (places.nodes != NIL)
			group->snapshot = txn_snapshot_take(places.nodes, places.local);
	}
}

/* ---- tables that are not distributed ---- */

/* one whose rows others can change */
static bool
is_plain_table(Oid relid)
{
	return relid >= FirstNormalObjectId && catalog_table_get(relid) == NULL &&
		get_rel_persistence(relid) != RELPERSISTENCE_TEMP;
}

/* does the statement itself read tables with this server's own snapshot? */
static bool
reads_plain_tables(const PlannedStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW &&
			is_plain_table(rte->relid))
			return true;
	}
	return false;
}

/* nobody but the statement has the snapshot, and it has read nothing yet */
static bool
may_adopt(Snapshot snapshot)
{
	return snapshot->copied && snapshot->regd_count <= 2 && snapshot->active_count <= 1;
}

/*
 * Known tables are open until the statement ends, as those that the server reads are: it is what
 * tells statements that alter or drop them in this session that they are in use.
 */
static void
open_tables(EState *estate, const PlannedStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);
		Relation   *place = &estate->es_relations[foreach_current_index(cell)];

		/* ended by the server, together with its own */
		if (rte->rtekind == RTE_RELATION && *place == NULL && catalog_table_is_known(rte->relid))
			*place = table_open(rte->relid, NoLock);
	}
}

/*
 * The executor has started, and nothing was read.  A statement that reads other tables, too, takes
 * its cluster snapshot now, and what it reads of this node is read with this node's member.
 */
void
executor_statement_started(QueryDesc *query)
{
	EState	   *estate = query->estate;
	ScanGroup  *group;
	int			reads;

	/* a worker has its leader's locks and snapshot */
	if (IsParallelWorker())
		return;
	txn_note_statement(query->plannedstmt);
	executor_actions_statement_started(query);
	executor_elsewhere_started(query);
	open_tables(estate, query->plannedstmt);
	if (estate->es_snapshot == NULL || !txn_snapshot_is_wanted())
		return;
	reads = executor_functions_read(query->plannedstmt);
	if (reads & READS_KNOWN)
		hold_group(estate);
	if ((dlist_is_empty(&groups) && !IsolationUsesXactSnapshot()) ||
		!((reads & READS_PLAIN) || reads_plain_tables(query->plannedstmt)))
		return;
	group = find_group(estate->es_snapshot);
	if (may_adopt(estate->es_snapshot))
	{
		if (is_of_transaction(query->plannedstmt))
			txn_snapshot_adopt(group != NULL ? txn_snapshot_of_transaction() :
							   txn_snapshot_early(), estate->es_snapshot);
		else if (group != NULL)
		{
			Places		places = {true, NIL};

			add_places_of_group(&places, group);
			if (group->snapshot == NULL && places.nodes != NIL)
				group->snapshot = txn_snapshot_take(places.nodes, true);
			if (group->snapshot != NULL)
				txn_snapshot_adopt(group->snapshot, estate->es_snapshot);
		}
	}
	txn_snapshot_note_read();
}

void
executor_plain_table_read(Oid relid)
{
	Snapshot	snapshot = GetActiveSnapshot();

	if (!IsolationUsesXactSnapshot() || !txn_snapshot_is_wanted() || !is_plain_table(relid))
		return;
	if (may_adopt(snapshot))
		txn_snapshot_adopt(txn_snapshot_early(), snapshot);
	txn_snapshot_note_read();
}

/* ---- snapshots and tasks at the same time ---- */

/* one task a node, with nowhere else to go */
static bool
may_try(DistScanState *state, Places *places)
{
	ListCell   *cell;

	if (state->group == NULL || executor_snapshot_is_shared(state) ||
		state->group->snapshot != NULL ||
		!state->cancelable || IsolationUsesXactSnapshot() ||
		state->plan->fragment->hasRowLocks || state->plan->fragment->all != NULL ||
		list_length(state->running) < 2)
		return false;
	foreach(cell, state->running)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->local)
			continue;
		if (task->ncandidates > 1)
			return false;
		for (int i = 0; i < foreach_current_index(cell); i++)
		{
			ExecutorTask *other = list_nth(state->running, i);

			if (!other->local && other->candidates[0]->id == task->candidates[0]->id)
				return false;
		}
	}
	add_places_of_tasks(places, state->running);
	return places->nodes != NIL;
}

TaskRun *
executor_snapshot_try(DistScanState *state, RunOptions *options)
{
	Places		places = {false, NIL};
	RunOptions	tried = *options;
	TaskRun    *run;

	if (!may_try(state, &places))
		return NULL;
	tried.use = TXN_AUTOCOMMIT;
	tried.mayGrow = false;
	tried.snapshot = txn_snapshot_try(places.local);
	state->group->snapshot = tried.snapshot;
	run = executor_run_start(state->running, &tried);
	executor_run_await_reports(run);
	if (txn_snapshot_agrees(tried.snapshot))
	{
		*options = tried;
		return run;
	}

	/* their rows are of no use; they are quick, or there would be more than one a node */
	executor_run_stop(run, false);
	txn_snapshot_release(tried.snapshot);
	state->group->snapshot = NULL;
	executor_tasks_reset(state->running);
	return NULL;
}

/*
 * For a write's tasks on this node: the transaction's snapshot where it has only one; NULL
 * otherwise.
 */
ClusterSnapshot *
executor_snapshot_for_write(void)
{
	if (!IsolationUsesXactSnapshot() || !IsTransactionBlock() || !txn_snapshot_is_wanted())
		return NULL;
	return txn_snapshot_of_transaction();
}

/*
 * A write reads with snapshots that its nodes take.  Whoever had the rows that the transaction has
 * changed or locked elsewhere before it must have ended on the write's nodes, too, when it reads
 * other rows than those it writes, chooses among rows, or has not found the one it looked for:
 * snapshots that agree are taken, and let go.
 */
bool
executor_snapshot_await_others(DistScanState *state, bool foundNone)
{
	const Fragment *fragment = state->plan->fragment;
	Places		places = {false, NIL};

	if (fragment->sql->nholes <= 1 &&
		(fragment->command == CMD_INSERT || fragment->findsOneRow != foundNone))
		return false;
	if (foundNone && fragment->movements != NIL)
		return false;
	if (IsolationUsesXactSnapshot() || !txn_snapshot_is_wanted())
		return false;
	if (!add_changed_places(&places))
		return false;
	add_places_of_tasks(&places, state->tasks);
	if (list_length(places.nodes) + places.local < 2)
		return false;
	txn_snapshot_release(txn_snapshot_take(places.nodes, places.local));
	return true;
}
