/*
 * insert.c
 *	  INSERT of rows that are computed here: cut by shard, sent as statements or as COPY.
 *
 * Few rows travel as one INSERT with many VALUES per shard.  When there are more than
 * STREAM_AFTER and the statement allows it (no RETURNING, no ON CONFLICT), the rows go through a
 * ShardWriter instead.  Otherwise batches are sent whenever they are full.
 *
 * Where the table has row triggers, each row passes the BEFORE triggers first, and has then values
 * for all columns.  Whether ON CONFLICT let a row be inserted is known from the count of a
 * statement of its own; so do upserts work that go row by row for another reason (upsert_rows.c).
 */
#include "postgres.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "citus/deparse/template.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

#define STREAM_AFTER		10	/* rows */
#define MAX_ROWS			1000	/* per statement */
#define MAX_PARAMS			65535	/* of the protocol */
#define MAX_BATCH_BYTES		(16 * 1024 * 1024)

typedef struct InsertRow
{
	int			shard;
	Datum	   *values;
	bool	   *nulls;
} InsertRow;

typedef struct InsertState
{
	DistScanState *scan;
	InsertSpec *spec;
	const DistTable *table;
	ShardRouter *router;		/* NULL: keyless */
	int			keyColumn;		/* position of the key in the rows */
	TupleDesc	desc;			/* of the child's rows */
	int			ncolumns;
	ExecutorParams *tailParams;
	int			maxRows;		/* per statement */

	/* rows that wait, by shard index; all in batchContext */
	MemoryContext batchContext;
	List	  **batches;
	int			nrows;
	bool		full;
	SqlTemplate *tail;			/* of the next statements */

	bool		streaming;
	ShardWriter *writer;		/* while streaming; NULL: nothing is under way */
	bool		flushed;		/* statements have been sent */

	TriggerRun *triggers;		/* NULL: none see the rows */

	/* where triggers see the rows, or an upsert goes row by row */
	MemoryContext context;
	TupleTableSlot *row;		/* a row as the table has it */
	TupleTableSlot *passed;		/* the same as the child's rows */
	bool		tracks;			/* not every row need be inserted */
	List	   *ordered;		/* of InsertRow *: those that wait, when it tracks */
	List	   *inserted;		/* of MinimalTuple: rows that were, whose events are to be kept */
	UpsertRun  *upsert;			/* what is in the way is updated; NULL: it stays */
	RowChecks  *checks;			/* what policies ask of rows; NULL: nothing */
	TupleTableSlot *checkedRow;
	uint64		processed;
} InsertState;

static void send_waiting(void *argument);

/* ---- set-up ---- */

static int
find_key_column(const DistTable *table, List *columns)
{
	int			position = list_member_int(columns, table->keyAttno) ? 0 : -1;
	ListCell   *cell;

	if (position < 0)
		routing_refuse_null(table, "The statement gives the column no value.");
	foreach(cell, columns)
	{
		if (lfirst_int(cell) == table->keyAttno)
			return position;
		position++;
	}
	return -1;
}

/* a slot for rows of the table */
static TupleTableSlot *
make_table_slot(Oid relid)
{
	Relation	relation = table_open(relid, NoLock);
	TupleDesc	desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));

	table_close(relation, NoLock);
	return MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
}

static void announce_upsert(InsertState *insert, int32 id);

static void
begin_rows(InsertState *insert)
{
	insert->context = CurrentMemoryContext;
	insert->tracks = insert->spec->onConflict;
	insert->row = make_table_slot(insert->spec->relid);
	insert->passed = MakeSingleTupleTableSlot(insert->desc, &TTSOpsVirtual);
	if (executor_triggers_see_rows(insert->scan->triggers))
	{
		insert->triggers = insert->scan->triggers;
		executor_triggers_set_flush(insert->triggers, send_waiting, insert);
	}
	if (insert->spec->conflict == NULL)
		return;
	insert->upsert = executor_upsert_rows_begin(insert->scan);
	if (executor_upsert_rows_id(insert->upsert) != 0)
		announce_upsert(insert, executor_upsert_rows_id(insert->upsert));
}

static InsertState *
begin_insert(DistScanState *scan)
{
	InsertState *insert = palloc0(sizeof(InsertState));
	InsertSpec *spec = scan->plan->insert;
	PlanState  *child = linitial(scan->css.custom_ps);

	insert->scan = scan;
	insert->spec = spec;
	insert->table = catalog_table_get(spec->relid);
	if (insert->table == NULL || insert->table->nshards == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not distributed any more",
						get_rel_name(spec->relid))));
	insert->desc = ExecGetResultType(child);
	insert->ncolumns = list_length(spec->columns);
	if (DIST_TABLE_HAS_KEY(insert->table))
	{
		insert->router = routing_router_for(insert->table);
		insert->keyColumn = find_key_column(insert->table, spec->columns);
	}
	insert->tail = spec->tail;
	insert->tailParams = executor_params_evaluate(spec->tailParams, &scan->css.ss.ps,
												  scan->econtext);

	/* a shard finds repeated keys of an upsert most easily when it gets all rows at once */
	insert->maxRows = (MAX_PARAMS - Max(insert->tailParams->n, list_length(spec->againParams))) /
		Max(insert->ncolumns, 1);
	if (insert->ncolumns == 0)
		insert->maxRows = 1;
	else if (!spec->onConflict)
		insert->maxRows = Min(insert->maxRows, MAX_ROWS);

	insert->batchContext = AllocSetContextCreate(CurrentMemoryContext, "citus insert batch",
												 ALLOCSET_DEFAULT_SIZES);
	insert->batches = palloc0(sizeof(List *) * insert->table->nshards);
	insert->checks = executor_checks_begin(scan, spec->checks, spec->relid);
	if (insert->checks != NULL)
		insert->checkedRow = make_table_slot(spec->relid);
	if (executor_triggers_see_rows(scan->triggers) || spec->conflict != NULL)
		begin_rows(insert);
	return insert;
}

/* ---- collecting rows ---- */

static void
add_row(InsertState *insert, TupleTableSlot *slot)
{
	MemoryContext caller;
	InsertRow  *row;
	int			shard = 0;

	slot_getallattrs(slot);
	if (insert->router != NULL)
		shard = routing_shard_of_value(insert->table, insert->router,
									   slot->tts_values[insert->keyColumn],
									   slot->tts_isnull[insert->keyColumn]);

	caller = MemoryContextSwitchTo(insert->batchContext);
	row = palloc(sizeof(InsertRow));
	row->shard = shard;
	row->values = palloc(sizeof(Datum) * Max(insert->ncolumns, 1));
	row->nulls = palloc(sizeof(bool) * Max(insert->ncolumns, 1));
	for (int i = 0; i < insert->ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(insert->desc, i);

		row->nulls[i] = slot->tts_isnull[i];
		row->values[i] = row->nulls[i] ? (Datum) 0 :
			datumCopy(slot->tts_values[i], attribute->attbyval, attribute->attlen);
	}
	insert->batches[shard] = lappend(insert->batches[shard], row);
	if (insert->tracks)
		insert->ordered = lappend(insert->ordered, row);
	MemoryContextSwitchTo(caller);

	insert->nrows++;
	if (list_length(insert->batches[shard]) >= insert->maxRows ||
		(MemoryContextMemAllocated(insert->batchContext, false) > MAX_BATCH_BYTES &&
		 (!insert->spec->updates || insert->spec->again != NULL)))
		insert->full = true;
}

static void
clear_batches(InsertState *insert)
{
	memset(insert->batches, 0, sizeof(List *) * insert->table->nshards);
	MemoryContextReset(insert->batchContext);
	insert->ordered = NIL;
	insert->nrows = 0;
	insert->full = false;
}

/* ---- statements ---- */

/* ($3, $4::public.mood), ...: types of users are named, as their parameters travel untyped */
static void
append_rows(StringInfo sql, InsertState *insert, int nrows)
{
	int			number = insert->tailParams->n;
	char	  **casts = palloc0(sizeof(char *) * Max(insert->ncolumns, 1));

	for (int i = 0; i < insert->ncolumns; i++)
	{
		Oid			type = TupleDescAttr(insert->desc, i)->atttypid;

		casts[i] = type < FirstGenbkiObjectId ? "" :
			psprintf("::%s", format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	}
	appendStringInfoString(sql, " VALUES ");
	for (int r = 0; r < nrows; r++)
	{
		appendStringInfoString(sql, r == 0 ? "(" : ", (");
		for (int i = 0; i < insert->ncolumns; i++)
		{
			char		digits[12];

			pg_ltoa(++number, digits);
			appendStringInfoString(sql, i == 0 ? "$" : ", $");
			appendStringInfoString(sql, digits);
			appendStringInfoString(sql, casts[i]);
		}
		appendStringInfoChar(sql, ')');
	}
}

static ExecutorParams *
make_row_params(InsertState *insert, List *rows)
{
	int			n = insert->tailParams->n;
	ExecutorParams *params = executor_params_make(n + list_length(rows) * insert->ncolumns);
	ListCell   *cell;

	memcpy(params->types, insert->tailParams->types, sizeof(Oid) * n);
	memcpy(params->values, insert->tailParams->values, sizeof(Datum) * n);
	memcpy(params->nulls, insert->tailParams->nulls, sizeof(bool) * n);
	foreach(cell, rows)
	{
		InsertRow  *row = lfirst(cell);

		for (int i = 0; i < insert->ncolumns; i++)
		{
			params->types[n] = TupleDescAttr(insert->desc, i)->atttypid;
			params->values[n] = row->values[i];
			params->nulls[n++] = row->nulls[i];
		}
	}
	return params;
}

static List *
add_statement(InsertState *insert, List *tasks, int shard, List *rows)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, deparse_template_fill(insert->spec->head, shard));
	if (insert->ncolumns == 0)
		appendStringInfo(&sql, " SELECT FROM pg_catalog.generate_series(1, %d)",
						 list_length(rows));
	else
		append_rows(&sql, insert, list_length(rows));
	appendStringInfoString(&sql, deparse_template_fill(insert->tail, shard));
	return executor_tasks_for_shard(tasks, insert->table->shards[shard], sql.data,
									make_row_params(insert, rows), true);
}

static List *
make_tasks(InsertState *insert)
{
	List	   *tasks = NIL;
	ListCell   *cell;

	foreach(cell, insert->ordered)
	{
		InsertRow  *row = lfirst(cell);

		tasks = add_statement(insert, tasks, row->shard, list_make1(row));
	}
	for (int shard = 0; !insert->tracks && shard < insert->table->nshards; shard++)
	{
		if (insert->batches[shard] != NIL)
			tasks = add_statement(insert, tasks, shard, insert->batches[shard]);
	}
	return tasks;
}

/* rows of the statement's columns, as rows of the table */
static void
fill_row(InsertState *insert, TupleTableSlot *row, const Datum *values, const bool *nulls)
{
	ListCell   *cell;

	ExecClearTuple(row);
	memset(row->tts_isnull, true, sizeof(bool) * row->tts_tupleDescriptor->natts);
	foreach(cell, insert->spec->columns)
	{
		row->tts_values[lfirst_int(cell) - 1] = values[foreach_current_index(cell)];
		row->tts_isnull[lfirst_int(cell) - 1] = nulls[foreach_current_index(cell)];
	}
	ExecStoreVirtualTuple(row);
}

/* policies, where shards do not apply them */
static void
check_row(InsertState *insert, TupleTableSlot *slot)
{
	if (insert->checks == NULL)
		return;
	slot_getallattrs(slot);
	fill_row(insert, insert->checkedRow, slot->tts_values, slot->tts_isnull);
	executor_checks_ask(insert->checks, WCO_RLS_INSERT_CHECK, insert->checkedRow, slot);
}

/* tasks were made of the ordered rows, one by one; those of copies follow the first */
static void
note_inserted(InsertState *insert, List *tasks)
{
	MemoryContext caller = MemoryContextSwitchTo(insert->context);
	int			number = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);
		InsertRow  *row;

		if (task->copy)
			continue;
		row = list_nth(insert->ordered, number++);
		if (task->count == 0)
			continue;
		fill_row(insert, insert->row, row->values, row->nulls);
		insert->inserted = lappend(insert->inserted, ExecCopySlotMinimalTuple(insert->row));
	}
	MemoryContextSwitchTo(caller);
}

/* expressions that follow the rows in a statement run with the role's own rights */
static CallerRole
enter_role(InsertState *insert)
{
	const InsertSpec *spec = insert->spec;

	if (spec->unforced)
		return executor_enter_unforced(spec->role, spec->relid);
	return executor_enter_role(spec->onlyColumns ?
							   executor_role_to_insert(spec->relid, spec->columns, spec->role) :
							   spec->role);
}

/* more than one statement a shard: the sessions that write are told (upsert.c) */
static void
announce_upsert(InsertState *insert, int32 id)
{
	MemoryContext caller = MemoryContextSwitchTo(insert->batchContext);
	char	   *sql = psprintf("SELECT citus_internal.upsert_starts(%d)", id);
	RowSink		sink = {NULL, NULL};
	List	   *tasks = NIL;
	CallerRole	role = enter_role(insert);

	for (int shard = 0; shard < insert->table->nshards; shard++)
		tasks = executor_tasks_for_shard(tasks, insert->table->shards[shard], sql, NULL, true);
	(void) executor_tasks_write(tasks, &sink, NULL, NULL);
	executor_leave_role(role);
	MemoryContextSwitchTo(caller);
}

static Node *
upsert_id_mutator(Node *node, int32 *id)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramid == PLAN_UPSERT_PARAM)
		return (Node *) makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(*id), false, true);
	return expression_tree_mutator(node, upsert_id_mutator, id);
}

/* statements after the first ones ask whether a row was written by these */
static void
change_tail(InsertState *insert, int32 id)
{
	DistScanState *scan = insert->scan;
	List	   *params = (List *) upsert_id_mutator((Node *) insert->spec->againParams, &id);

	insert->tail = insert->spec->again;
	insert->tailParams = executor_params_evaluate(params, &scan->css.ss.ps, scan->econtext);
}

/* sends what waits; last: nothing follows, so that a single statement may stand alone */
static void
flush_statements(InsertState *insert, bool last)
{
	EState	   *estate = insert->scan->css.ss.ps.state;
	RowSink		sink = executor_scan_sink(insert->scan);
	MemoryContext caller = MemoryContextSwitchTo(insert->batchContext);
	const PlannedStmt *alone = last && !insert->flushed && insert->scan->triggers == NULL ?
		estate->es_plannedstmt : NULL;
	int32		upsertId = 0;
	List	   *tasks;
	CallerRole	role;

	if (!last && !insert->flushed && insert->spec->again != NULL)
	{
		upsertId = executor_upsert_new_id();
		announce_upsert(insert, upsertId);
	}
	tasks = make_tasks(insert);
	if (tasks != NIL)
	{
		if (insert->nrows == 1)
			executor_tasks_name(tasks, sink.reader == NULL ? NULL : sink.reader->desc);
		role = enter_role(insert);
		insert->processed += executor_tasks_write(tasks, &sink, alone, estate->es_snapshot);
		executor_leave_role(role);
		insert->flushed = true;
		if (insert->tracks)
			note_inserted(insert, tasks);
	}
	MemoryContextSwitchTo(caller);
	clear_batches(insert);
	if (upsertId != 0)
		change_tail(insert, upsertId);
}

/* ---- streaming ---- */

/* COPY is no way around policies of row-level security */
static bool
may_stream(InsertState *insert)
{
	return insert->spec->canStream && insert->ncolumns > 0 && insert->checks == NULL &&
		check_enable_rls(insert->spec->relid, InvalidOid, true) != RLS_ENABLED;
}

static void
stream_row(InsertState *insert, TupleTableSlot *slot)
{
	CallerRole	caller = executor_enter_role(insert->spec->role);

	if (insert->writer == NULL)
		insert->writer = executor_writer_begin(insert->table, insert->spec->columns,
											   insert->desc);
	executor_writer_put(insert->writer, slot);
	executor_leave_role(caller);
}

static void
end_stream(InsertState *insert)
{
	CallerRole	caller = executor_enter_role(insert->spec->role);

	if (insert->writer != NULL)
		insert->processed += executor_writer_end(insert->writer);
	insert->writer = NULL;
	executor_leave_role(caller);
}

/* the rows collected so far go first */
static void
start_streaming(InsertState *insert)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(insert->desc, &TTSOpsVirtual);

	insert->streaming = true;
	for (int shard = 0; shard < insert->table->nshards; shard++)
	{
		ListCell   *cell;

		foreach(cell, insert->batches[shard])
		{
			InsertRow  *row = lfirst(cell);

			ExecClearTuple(slot);
			memset(slot->tts_isnull, true, sizeof(bool) * insert->desc->natts);
			memcpy(slot->tts_values, row->values, sizeof(Datum) * insert->ncolumns);
			memcpy(slot->tts_isnull, row->nulls, sizeof(bool) * insert->ncolumns);
			ExecStoreVirtualTuple(slot);
			stream_row(insert, slot);
		}
	}
	ExecDropSingleTupleTableSlot(slot);
	clear_batches(insert);
}

/* ---- rows one by one ---- */

/* may be called while a trigger's function runs */
static void
send_waiting(void *argument)
{
	InsertState *insert = argument;

	if (insert->streaming)
		end_stream(insert);
	else
		flush_statements(insert, false);
}

/* the row after its BEFORE triggers; NULL: it is not to be inserted */
static TupleTableSlot *
fire_before(InsertState *insert, TupleTableSlot *slot)
{
	TupleTableSlot *passed = insert->passed;
	ListCell   *cell;

	slot_getallattrs(slot);
	fill_row(insert, insert->row, slot->tts_values, slot->tts_isnull);
	if (insert->triggers != NULL && !executor_triggers_insert(insert->triggers, insert->row))
		return NULL;
	ExecMaterializeSlot(insert->row);
	ExecClearTuple(passed);
	memset(passed->tts_isnull, true, sizeof(bool) * insert->desc->natts);
	foreach(cell, insert->spec->columns)
	{
		int			i = foreach_current_index(cell);

		passed->tts_values[i] = insert->row->tts_values[lfirst_int(cell) - 1];
		passed->tts_isnull[i] = insert->row->tts_isnull[lfirst_int(cell) - 1];
	}
	return ExecStoreVirtualTuple(passed);
}

static void
keep_events(InsertState *insert)
{
	ListCell   *cell;

	if (!insert->tracks)
		executor_triggers_inserted(insert->triggers, insert->row);
	foreach(cell, insert->inserted)
	{
		ExecForceStoreMinimalTuple(lfirst(cell), insert->row, false);
		if (insert->triggers != NULL)
			executor_triggers_inserted(insert->triggers, insert->row);
		pfree(lfirst(cell));
	}
	list_free(insert->inserted);
	insert->inserted = NIL;
}

/* ---- the statement ---- */

static void
put_row(InsertState *insert, TupleTableSlot *slot, bool mayStream)
{
	if (insert->streaming)
	{
		stream_row(insert, slot);
		return;
	}
	add_row(insert, slot);
	if (mayStream && insert->nrows > STREAM_AFTER)
		start_streaming(insert);
	else if (insert->full)
		flush_statements(insert, false);
}

/* true when the row was inserted */
static bool
try_insert(InsertState *insert, TupleTableSlot *slot)
{
	add_row(insert, slot);
	flush_statements(insert, false);
	if (insert->inserted == NIL)
		return false;
	keep_events(insert);
	return true;
}

static void
raise_concurrent_update(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
}

/* what is in the way may be gone when it is to be updated, and so on */
static void
upsert_row(InsertState *insert, TupleTableSlot *slot)
{
	TupleTableSlot *row = MakeSingleTupleTableSlot(insert->row->tts_tupleDescriptor,
												   &TTSOpsVirtual);

	ExecCopySlot(row, insert->row);
	executor_upsert_rows_check(insert->upsert, row);
	for (int tries = 1;; tries++)
	{
		uint64		count = 1;
		bool		found = try_insert(insert, slot);

		CHECK_FOR_INTERRUPTS();
		if (!found)
		{
			count = executor_upsert_rows_update(insert->upsert, row, &found);
			insert->processed += count;
		}
		if (count > 0)
			executor_upsert_rows_note(insert->upsert, row);
		if (found)
			break;
		if (insert->spec->conflictFilters && tries > 1)
			break;
		if (!insert->spec->conflictFilters && (IsolationUsesXactSnapshot() || tries > 1000))
			raise_concurrent_update();
	}
	ExecDropSingleTupleTableSlot(row);
}

static void
put_single_row(InsertState *insert, TupleTableSlot *slot, bool mayStream)
{
	slot = fire_before(insert, slot);
	if (slot == NULL)
		return;
	check_row(insert, slot);
	if (insert->upsert != NULL)
	{
		upsert_row(insert, slot);
		return;
	}
	put_row(insert, slot, mayStream);
	keep_events(insert);
	executor_triggers_set_pending(insert->triggers);
}

/* Runs the whole statement; rows of RETURNING are left in the scan's store. */
void
executor_insert_run(DistScanState *scan)
{
	InsertState *insert = begin_insert(scan);
	PlanState  *child = linitial(scan->css.custom_ps);
	bool		mayStream = may_stream(insert);
	TupleTableSlot *slot;

	for (slot = ExecProcNode(child); !TupIsNull(slot); slot = ExecProcNode(child))
	{
		if (insert->row != NULL)
			put_single_row(insert, slot, mayStream);
		else
		{
			check_row(insert, slot);
			put_row(insert, slot, mayStream);
		}
	}
	if (insert->streaming)
		end_stream(insert);
	else
		flush_statements(insert, true);
	if (insert->tracks)
		keep_events(insert);
	if (insert->triggers != NULL)
		executor_triggers_set_flush(insert->triggers, NULL, NULL);
	scan->css.ss.ps.state->es_processed += insert->processed;
	MemoryContextDelete(insert->batchContext);
}
