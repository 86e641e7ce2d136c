/*
 * cursor.c
 *	  Cursors whose rows can be changed: UPDATE and DELETE .. WHERE CURRENT OF.
 *
 * The node on top of a cursor's plan (DIST_PLAN_CURSOR) passes its child's rows on without some of
 * their columns, tableoid and ctid of the rows they were made of, and remembers these of the row it
 * gave last.  A statement WHERE CURRENT OF the cursor has conditions that ask for them
 * (planner_cursor.c); errors are those that the server's execCurrentOf() raises.
 *
 * Invariant: what is remembered is of the row that the portal stands on, in whichever direction it
 * has moved, for a portal asks for no row that it does not give out.
 */
#include "postgres.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "storage/itemptr.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

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
	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

static void
remember_rows(CursorState *state, TupleTableSlot *slot)
{
	for (int i = 0; i < list_length(state->plan->cursor->relids); i++)
	{
		CursorRow  *row = &state->rows[i];
		int			column = state->plan->cursor->first + 2 * i;

		row->exists = !slot->tts_isnull[column] && !slot->tts_isnull[column + 1];
		if (!row->exists)
			continue;
		row->relid = DatumGetObjectId(slot->tts_values[column]);
		ItemPointerCopy((ItemPointer) DatumGetPointer(slot->tts_values[column + 1]), &row->ctid);
	}
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	CustomScanState *node = (CustomScanState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	TupleTableSlot *row = ExecProcNode(linitial(node->custom_ps));
	TupleDesc	desc = slot->tts_tupleDescriptor;

	ExecClearTuple(slot);
	if (TupIsNull(row))
		return slot;
	slot_getallattrs(row);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * desc->natts);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * desc->natts);
	remember_rows((CursorState *) node, slot);
	return ExecStoreVirtualTuple(slot);
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
executor_cursor_position(const char *cursor, Oid relid, ShardId *shard, ItemPointer place)
{
	Portal		portal;
	QueryDesc  *query = query_of_cursor(cursor, &portal);
	CustomScanState *top = (CustomScanState *) query->planstate;
	CursorState *state = IsA(top, CustomScanState) && top->methods == &cursor_methods ?
		(CursorState *) top : NULL;
	int			target = find_target(state, cursor, relid);
	const DistTable *table;
	CursorRow  *row = &state->rows[target];
	int			index;

	if (portal->atStart || portal->atEnd)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" is not positioned on a row", cursor)));
	if (!row->exists || !is_or_inherits(row->relid, relid))
		return false;
	table = catalog_table_get(row->relid);
	if (table == NULL)
		return false;
	index = routing_place_of_tid(table, &row->ctid, place);
	if (index >= table->nshards)
		return false;
	*shard = table->shards[index]->id;
	return true;
}
