/*
 * tables_data.c
 *	  Rows between a shell's own heap and its shards.
 *
 * A table that becomes distributed keeps its rows in its own heap, where no query looks for them
 * any more; they go when the table is truncated by
 * truncate_local_data_after_distributing_table().  A table that becomes plain again gets its
 * shards' rows into a new heap.
 *
 * Invariants: (1) callers hold a lock that keeps writers away: ExclusiveLock for pushing,
 * AccessExclusiveLock for pulling and clearing, on all nodes; (2) neither direction fires triggers
 * or applies row-level security: rows are moved, not inserted by anybody.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/executor/executor.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

#define FETCH_ROWS 1000

static bool
has_rows_of_its_own(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION;
}

/* ---- shell -> shards ---- */

/* columns whose values travel: neither dropped nor computed by the shard */
static List *
stored_columns(TupleDesc desc)
{
	List	   *columns = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && attribute->attgenerated == '\0')
			columns = lappend_int(columns, attribute->attnum);
	}
	return columns;
}

static TupleDesc
descriptor_of_columns(TupleDesc desc, List *columns)
{
	TupleDesc	result = CreateTemplateTupleDesc(list_length(columns));
	AttrNumber	position = 1;
	ListCell   *lc;

	foreach(lc, columns)
		TupleDescCopyEntry(result, position++, desc, lfirst_int(lc));
	return result;
}

static void
project(TupleTableSlot *to, TupleTableSlot *from, List *columns)
{
	int			position = 0;
	ListCell   *lc;

	slot_getallattrs(from);
	ExecClearTuple(to);
	foreach(lc, columns)
	{
		to->tts_values[position] = from->tts_values[lfirst_int(lc) - 1];
		to->tts_isnull[position] = from->tts_isnull[lfirst_int(lc) - 1];
		position++;
	}
	ExecStoreVirtualTuple(to);
}

bool
tables_heap_is_empty(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		empty = true;

	if (has_rows_of_its_own(rel))
	{
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
		TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
		TupleTableSlot *slot = table_slot_create(rel, NULL);

		empty = !table_scan_getnextslot(scan, ForwardScanDirection, slot);
		ExecDropSingleTupleTableSlot(slot);
		table_endscan(scan);
		UnregisterSnapshot(snapshot);
	}
	table_close(rel, AccessShareLock);
	return empty;
}

uint64
tables_data_push(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *columns = stored_columns(RelationGetDescr(rel));
	TupleDesc	desc = descriptor_of_columns(RelationGetDescr(rel), columns);
	TupleTableSlot *row = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ShardWriter *writer = executor_writer_begin(catalog_table_get(relid), columns, desc);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	uint64		count;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		project(row, slot, columns);
		executor_writer_put(writer, row);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	count = executor_writer_end(writer);

	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(row);
	table_close(rel, NoLock);
	return count;
}

/* ---- shards -> shell ---- */

/* virtual generated columns, which PostgreSQL 18 brought, are null in the heap */
static bool
is_in_heap(Form_pg_attribute attribute)
{
	return !attribute->attisdropped && attribute->attgenerated != 'v';
}

void
tables_data_clear(Oid relid)
{
	Relation	rel = table_open(relid, AccessExclusiveLock);
	ReindexParams params = {0};
	Oid			toastId = rel->rd_rel->reltoastrelid;

	if (has_rows_of_its_own(rel))
	{
		compat_relation_set_new_filenumber(rel, rel->rd_rel->relpersistence);
		if (OidIsValid(toastId))
		{
			Relation	toast = table_open(toastId, AccessExclusiveLock);

			compat_relation_set_new_filenumber(toast, toast->rd_rel->relpersistence);
			table_close(toast, NoLock);
		}
		compat_reindex_relation(NULL, relid, REINDEX_REL_PROCESS_TOAST, &params);
		pgstat_count_truncate(rel);
	}
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

void
tables_forget_local_rows(Oid relid)
{
	ListCell   *lc;

	foreach(lc, tables_family(relid))
	{
		Oid			member = lfirst_oid(lc);

		if (catalog_table_is_known(member) && !tables_heap_is_empty(member))
			tables_data_clear(member);
	}
}

static char *
make_select(Relation rel)
{
	StringInfoData sql;
	TupleDesc	desc = RelationGetDescr(rel);
	const char *separator = "";

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!is_in_heap(attribute))
			continue;
		appendStringInfo(&sql, "%s%s", separator, quote_identifier(NameStr(attribute->attname)));
		separator = ", ";
	}
	/* its children have rows, and shells, of their own */
	appendStringInfo(&sql, " FROM ONLY %s", catalog_qualified_name(RelationGetRelid(rel)));
	return sql.data;
}

/* HeldRows: rows between two sets of shards */
struct HeldRows
{
	Oid			relid;
	List	   *columns;		/* attribute numbers */
	TupleDesc	desc;
	Tuplestorestate *rows;
};

static char *
select_columns(Oid relid, List *columns)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	foreach(lc, columns)
		appendStringInfo(&sql, "%s%s", lc == list_head(columns) ? "" : ", ",
						 quote_identifier(get_attname(relid, lfirst_int(lc), false)));
	appendStringInfo(&sql, " FROM ONLY %s", catalog_qualified_name(relid));
	return sql.data;
}

HeldRows *
tables_data_hold(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	HeldRows   *held;
	Portal		portal;

	if (!has_rows_of_its_own(rel))
	{
		table_close(rel, NoLock);
		return NULL;
	}
	held = palloc(sizeof(HeldRows));
	held->relid = relid;
	held->columns = stored_columns(RelationGetDescr(rel));
	held->desc = descriptor_of_columns(RelationGetDescr(rel), held->columns);
	held->rows = tuplestore_begin_heap(false, false, work_mem);
	table_close(rel, NoLock);

	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, select_columns(relid, held->columns), 0, NULL, NULL,
									   NULL, false, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(held->rows, SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	return held;
}

uint64
tables_data_release(HeldRows *held)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(held->desc, &TTSOpsMinimalTuple);
	ShardWriter *writer = executor_writer_begin(catalog_table_get(held->relid), held->columns,
												held->desc);
	uint64		count;

	while (tuplestore_gettupleslot(held->rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		executor_writer_put(writer, slot);
	}
	count = executor_writer_end(writer);
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(held->rows);
	pfree(held);
	return count;
}

/* HeapFill: rows on their way into the new heap */
typedef struct HeapFill
{
	Relation	rel;
	TupleTableSlot *slot;
	BulkInsertState bulk;
	CommandId	commandId;
	MemoryContext rowContext;
	uint64		count;
} HeapFill;

static void
put_row(HeapFill *fill, HeapTuple tuple, TupleDesc desc)
{
	TupleDesc	target = RelationGetDescr(fill->rel);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	int			source = 0;

	heap_deform_tuple(tuple, desc, values, nulls);
	ExecClearTuple(fill->slot);
	for (int i = 0; i < target->natts; i++)
	{
		bool		present = is_in_heap(TupleDescAttr(target, i));

		fill->slot->tts_values[i] = present ? values[source] : (Datum) 0;
		fill->slot->tts_isnull[i] = present ? nulls[source] : true;
		if (present)
			source++;
	}
	ExecStoreVirtualTuple(fill->slot);
	table_tuple_insert(fill->rel, fill->slot, fill->commandId, TABLE_INSERT_SKIP_FSM, fill->bulk);
	fill->count++;
}

static void
fill_heap(HeapFill *fill, const char *sql)
{
	Portal		portal;

	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, false, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext oldContext = MemoryContextSwitchTo(fill->rowContext);

			put_row(fill, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			ExecClearTuple(fill->slot);
			MemoryContextSwitchTo(oldContext);
			MemoryContextReset(fill->rowContext);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

uint64
tables_data_pull(Oid relid)
{
	Relation	rel = table_open(relid, AccessExclusiveLock);
	ReindexParams params = {0};
	HeapFill	fill = {.rel = rel};

	/* a table distributed by range or append has no shards, and no rows */
	if (!has_rows_of_its_own(rel) || catalog_table_get(relid)->nshards == 0)
	{
		table_close(rel, NoLock);
		return 0;
	}
	tables_data_clear(relid);
	fill.slot = table_slot_create(rel, NULL);
	fill.bulk = GetBulkInsertState();
	fill.commandId = GetCurrentCommandId(true);
	fill.rowContext = AllocSetContextCreate(CurrentMemoryContext, "row", ALLOCSET_DEFAULT_SIZES);
	fill_heap(&fill, make_select(rel));

	MemoryContextDelete(fill.rowContext);
	FreeBulkInsertState(fill.bulk);
	ExecDropSingleTupleTableSlot(fill.slot);
	table_finish_bulk_insert(rel, TABLE_INSERT_SKIP_FSM);
	CommandCounterIncrement();
	compat_reindex_relation(NULL, relid, 0, &params);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return fill.count;
}
