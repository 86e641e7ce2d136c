/*
 * cursor.c
 *	  Cursors whose rows can be changed: UPDATE and DELETE .. WHERE CURRENT OF.
 *
 * The node on top of a cursor's plan (DIST_PLAN_CURSOR) passes its child's rows on without some of
 * their columns, tableoid and ctid of the rows they were made of, and remembers these of the row it
 * gave last.  A statement WHERE CURRENT OF the cursor has conditions that ask for them
 * (planner_cursor.c); errors are those that the server's execCurrentOf() raises.
 *
 * A cursor with row locks does not give rows that its own transaction has changed since: the server
 * would find them changed when it came to lock them.  Ours have been read, and locked, before the
 * change; so from then on each is looked up where it is before it is given out, some at a time as
 * long as nothing changes in between.
 *
 * Invariant: what is remembered is of the row that the portal stands on, in whichever direction it
 * has moved, for a portal asks for no row that it does not give out.
 */
#include "postgres.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "storage/itemptr.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

#define MAX_AHEAD	64

typedef struct CursorRow
{
	Oid			relid;			/* the table, or the partition, that the row is in */
	ItemPointerData ctid;		/* as users see it */
	bool		exists;
} CursorRow;

typedef struct CursorState
{
	CustomScanState css;
	DistPlan   *plan;
	CursorRow  *rows;			/* one for each of the CursorSpec's relids */
	Oid			role;			/* who has opened it */

	/* rows that were looked up, to be given out */
	uint64		changes;		/* executor_changes() when they were, before that when it began */
	bool		looksUp;		/* something has changed since it began */
	MemoryContext aheadContext;
	MinimalTuple ahead[MAX_AHEAD];
	bool		gone[MAX_AHEAD];
	int			nahead;
	int			next;
	int			most;			/* how many are read ahead next time */
} CursorState;

static const CustomExecMethods cursor_methods;

/* ---- the node ---- */

static void
begin_cursor(CustomScanState *node, EState *estate, int eflags)
{
	CursorState *state = (CursorState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	int			n = list_length(state->plan->cursor->relids);

	state->rows = palloc0(sizeof(CursorRow) * Max(n, 1));
	state->role = GetUserId();
	state->changes = executor_changes();
	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

/* the row of table number i that a row of the child is made of */
static void
read_row(const CursorState *state, const TupleTableSlot *slot, int i, CursorRow *row)
{
	int			column = state->plan->cursor->first + 2 * i;

	row->exists = !slot->tts_isnull[column] && !slot->tts_isnull[column + 1];
	if (!row->exists)
		return;
	row->relid = DatumGetObjectId(slot->tts_values[column]);
	ItemPointerCopy((ItemPointer) DatumGetPointer(slot->tts_values[column + 1]), &row->ctid);
}

/* where a row is; false: nowhere any more */
static bool
find_row(CursorRow *row, RowId *place)
{
	const DistTable *table = row->exists ? catalog_table_get(row->relid) : NULL;
	int			index;

	if (table == NULL)
		return false;
	index = routing_place_of_tid(table, &row->ctid, &place->ctid);
	if (index >= table->nshards)
		return false;
	place->shard = table->shards[index]->id;
	return true;
}

/* ---- rows that the transaction has changed ---- */

/* which of the rows ahead, from the next one on, have lost their row of table number i */
static void
look_up_table(CursorState *state, int i)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	RowId	   *places = palloc0(sizeof(RowId) * MAX_AHEAD);
	bool	   *locked = palloc0(sizeof(bool) * MAX_AHEAD);
	int			numbers[MAX_AHEAD];
	int			n = 0;

	for (int number = state->next; number < state->nahead; number++)
	{
		CursorRow	row = {0};

		ExecForceStoreMinimalTuple(state->ahead[number], slot, false);
		read_row(state, slot, i, &row);
		if (find_row(&row, &places[n]))
			numbers[n++] = number;
	}
	if (n > 0)
		executor_rows_lock(list_nth_oid(state->plan->cursor->relids, i), places, locked, n);
	for (int j = 0; j < n; j++)
		state->gone[numbers[j]] |= !locked[j];
}

static void
look_up(CursorState *state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus cursor rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	CallerRole	role = executor_enter_role(state->role);

	memset(state->gone, 0, sizeof(state->gone));
	for (int i = 0; i < list_length(state->plan->cursor->relids); i++)
		look_up_table(state, i);
	executor_leave_role(role);
	ExecClearTuple(state->css.ss.ss_ScanTupleSlot);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	/* locking is no change */
	state->changes = executor_changes();
}

/* the server locks rows of its own relations one by one, and knows the last one as the current */
static bool
may_read_ahead(const EState *estate)
{
	for (Index i = 0; estate->es_rowmarks != NULL && i < estate->es_range_table_size; i++)
	{
		if (estate->es_rowmarks[i] != NULL &&
			RowMarkRequiresRowShareLock(estate->es_rowmarks[i]->markType))
			return false;
	}
	return true;
}

/* false: there are no more */
static bool
read_ahead(CursorState *state)
{
	EState	   *estate = state->css.ss.ps.state;

	if (state->aheadContext == NULL)
		state->aheadContext = AllocSetContextCreate(estate->es_query_cxt, "citus cursor ahead",
													ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(state->aheadContext);
	state->most = may_read_ahead(estate) ? Min(Max(state->most * 2, 1), MAX_AHEAD) : 1;
	state->nahead = state->next = 0;
	while (state->nahead < state->most)
	{
		TupleTableSlot *row = ExecProcNode(linitial(state->css.custom_ps));
		MemoryContext caller;

		if (TupIsNull(row))
			break;
		caller = MemoryContextSwitchTo(state->aheadContext);
		state->ahead[state->nahead++] = ExecCopySlotMinimalTuple(row);
		MemoryContextSwitchTo(caller);
	}
	return state->nahead > 0;
}

/* a row that is still as it was read, in the slot; false at the end */
static bool
next_unchanged(CursorState *state, TupleTableSlot *slot)
{
	do
	{
		if (state->next == state->nahead)
		{
			if (!read_ahead(state))
				return false;
			look_up(state);
		}
		else if (state->changes != executor_changes())
		{
			state->most = 0;
			look_up(state);
		}
	} while (state->gone[state->next++]);
	ExecForceStoreMinimalTuple(state->ahead[state->next - 1], slot, false);
	return true;
}

/* ---- rows ---- */

static bool
next_child_row(CursorState *state, TupleTableSlot *slot)
{
	TupleTableSlot *row = ExecProcNode(linitial(state->css.custom_ps));

	if (TupIsNull(row))
		return false;
	executor_share_row(slot, row);
	return true;
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	CursorState *state = (CursorState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;

	ExecClearTuple(slot);
	state->looksUp |= state->plan->cursor->leavesChanged && state->changes != executor_changes();
	if (!(state->looksUp ? next_unchanged(state, slot) : next_child_row(state, slot)))
		return slot;
	for (int i = 0; i < list_length(state->plan->cursor->relids); i++)
		read_row(state, slot, i, &state->rows[i]);
	return slot;
}

static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_cursor(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_cursor(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

static void
rescan_cursor(CustomScanState *node)
{
	ExecReScan(linitial(node->custom_ps));
}

static void
explain_cursor(CustomScanState *node, List *ancestors, ExplainState *es)
{
	ExplainPropertyText("Strategy", ((CursorState *) node)->plan->strategy, es);
}

static const CustomExecMethods cursor_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_cursor,
	.ExecCustomScan = exec_cursor,
	.EndCustomScan = end_cursor,
	.ReScanCustomScan = rescan_cursor,
	.ExplainCustomScan = explain_cursor,
};

/* the state of a DIST_PLAN_CURSOR node */
Node *
executor_cursor_create(DistPlan *plan)
{
	CursorState *state = palloc0(sizeof(CursorState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &cursor_methods;
	state->plan = plan;
	return (Node *) state;
}

/* ---- the current row ---- */

/* the query of an open cursor */
static QueryDesc *
query_of_cursor(const char *cursor, Portal *portal)
{
	*portal = GetPortalByName(cursor);
	if (!PortalIsValid(*portal))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_CURSOR),
				 errmsg("cursor \"%s\" does not exist", cursor)));
	if ((*portal)->strategy != PORTAL_ONE_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" is not a SELECT query", cursor)));
	if ((*portal)->queryDesc == NULL || (*portal)->queryDesc->estate == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" is held from a previous transaction", cursor)));
	return (*portal)->queryDesc;
}

/* true when relid is table or below it in a tree of partitions or children */
static bool
is_or_inherits(Oid relid, Oid table)
{
	return relid == table || (has_superclass(relid) &&
							  list_member_oid(find_all_inheritors(table, NoLock, NULL), relid));
}

/* which of the cursor's rows are the table's; raises unless it is exactly one */
static int
find_target(const CursorState *state, const char *cursor, Oid relid)
{
	bool		locks = state != NULL && state->plan->cursor->locks;
	int			found = -1;
	ListCell   *cell;

	foreach(cell, state == NULL ? NIL : state->plan->cursor->relids)
	{
		if (!is_or_inherits(relid, lfirst_oid(cell)))
			continue;
		if (found >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_CURSOR_STATE),
					 errmsg("cursor \"%s\" has multiple FOR UPDATE/SHARE references to table "
							"\"%s\"", cursor, get_rel_name(relid))));
		found = foreach_current_index(cell);
	}
	if (found < 0 && locks)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table "
						"\"%s\"", cursor, get_rel_name(relid))));
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" is not a simply updatable scan of table \"%s\"", cursor,
						get_rel_name(relid))));
	return found;
}

bool
executor_cursor_position(const char *cursor, Oid relid, ShardId *shard, ItemPointer ctid)
{
	Portal		portal;
	QueryDesc  *query = query_of_cursor(cursor, &portal);
	CustomScanState *top = (CustomScanState *) query->planstate;
	CursorState *state = IsA(top, CustomScanState) && top->methods == &cursor_methods ?
		(CursorState *) top : NULL;
	int			target = find_target(state, cursor, relid);
	CursorRow  *row = &state->rows[target];
	RowId		place;

	if (portal->atStart || portal->atEnd)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" is not positioned on a row", cursor)));
	if (!row->exists || !is_or_inherits(row->relid, relid))
		return false;
	if (!find_row(row, &place))
		return false;
	*shard = place.shard;
	*ctid = place.ctid;
	return true;
}
