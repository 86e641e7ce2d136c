/*
 * tables_fill_run.c
 *	  Giving out the values of a TableFills while a shard is rewritten.
 *
 * The server computes the default of a new column, or USING, once for each row in the order of a
 * scan.  fill_number() and fill_text() stand in these expressions; each call gives the next value.
 *
 * Copies of a reference table hold the same rows in any order.  So that a row gets the same value
 * in each copy, values go by the row's rank among all rows as text; equal rows may swap theirs.
 *
 * Invariants: (1) at most one run at a time, ended by whoever began it, also after an error;
 * (2) as many values as rows: a shard that has more raises an error, which undoes the statement.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "executor/tuptable.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "tables/tables_internal.h"

/* FillRun: the values of one shard on their way */
typedef struct FillRun
{
	const TableFills *fills;
	int64	   *ranks;			/* NULL: as they come */
	int			nseries;
	List	  **runs;			/* a series: of NumberRun, those of the shard */
	int64	   *given;			/* a series, then a list of values: how many */
} FillRun;

static FillRun *running = NULL;

PG_FUNCTION_INFO_V1(citus_internal_fill_number);
PG_FUNCTION_INFO_V1(citus_internal_fill_text);
PG_FUNCTION_INFO_V1(citus_internal_count_shard_rows);

void
tables_fill_run_begin(const TableFills *fills, const Shard *shard, int64 *ranks)
{
	FillRun    *run = palloc0(sizeof(FillRun));
	ListCell   *lc;
	ListCell   *piece;

	run->fills = fills;
	run->ranks = ranks;
	run->runs = palloc0(sizeof(List *) * Max(list_length(fills->series), 1));
	run->given = palloc0(sizeof(int64) *
						 (list_length(fills->series) + list_length(fills->values) + 1));
	foreach(lc, fills->series)
	{
		foreach(piece, ((FillSeries *) lfirst(lc))->pieces)
		{
			FillPiece  *part = lfirst(piece);

			if (part->shardId == shard->id)
				run->runs[run->nseries] = lappend(run->runs[run->nseries], &part->run);
		}
		run->nseries++;
	}
	running = run;
}

void
tables_fill_run_end(void)
{
	running = NULL;
}

static void
require_run(int number, int limit)
{
	if (running == NULL || number < 0 || number >= limit)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this function is for shards that are being altered only")));
}

static void
raise_exhausted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("shard has more rows than it got values for")));
}

/* the place among the values of what the next row gets */
static int64
next_place(int counter)
{
	int64		place = running->given[counter]++;

	return running->ranks ? running->ranks[place] : place;
}

Datum
citus_internal_fill_number(PG_FUNCTION_ARGS)
{
	int			number = PG_GETARG_INT32(0);
	int64		place;
	ListCell   *lc;

	require_run(number, running ? running->nseries : 0);
	place = next_place(number);
	foreach(lc, running->runs[number])
	{
		NumberRun  *run = lfirst(lc);

		if (place < run->count)
			PG_RETURN_INT64(run->start + run->step * place);
		place -= run->count;
	}
	raise_exhausted();
	PG_RETURN_NULL();
}

Datum
citus_internal_fill_text(PG_FUNCTION_ARGS)
{
	int			number = PG_GETARG_INT32(0);
	FillValues *values;
	int64		place;

	require_run(number, running ? list_length(running->fills->values) : 0);
	values = list_nth(running->fills->values, number);
	place = next_place(running->nseries + number);
	if (place >= values->count)
		raise_exhausted();
	if (values->texts[place] == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(values->texts[place]));
}

Node *
tables_fill_expression(const TableFills *fills, const char *column)
{
	ListCell   *name;
	ListCell   *text;

	if (fills == NULL)
		return NULL;
	forboth(name, fills->columns, text, fills->expressions)
	{
		List	   *parsed;
		SelectStmt *select;

		if (strcmp(lfirst(name), column) != 0)
			continue;
		parsed = deparse_parse_text(psprintf("SELECT %s", (char *) lfirst(text)));
		select = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);
		return linitial_node(ResTarget, select->targetList)->val;
	}
	return NULL;
}

/* ---- rows of a shard ---- */

static Oid
shard_oid(const Shard *shard)
{
	Oid			relid = get_relname_relid(catalog_shard_relname(shard),
										  get_rel_namespace(shard->relid));

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("shard " INT64_FORMAT " of table \"%s\" is not on this node", shard->id,
						get_rel_name(shard->relid))));
	return relid;
}

static int64
count_relation(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	int64		count = 0;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;

	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		table_close(relation, NoLock);
		return 0;
	}
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(relation, NULL);
	scan = table_beginscan(relation, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		count++;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(relation, NoLock);
	return count;
}

int64
tables_shard_row_count(const Shard *shard)
{
	int64		count = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(shard_oid(shard), AccessShareLock, NULL))
		count += count_relation(lfirst_oid(lc));
	return count;
}

/* citus_internal.count_shard_rows(bigint[]): the rows of shards of this node, of tables one owns */
Datum
citus_internal_count_shard_rows(PG_FUNCTION_ARGS)
{
	Datum	   *ids;
	Datum	   *counts;
	int			n;

	base_require_node_command(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, 8, true, TYPALIGN_DOUBLE, &ids, NULL,
					  &n);
	counts = palloc(sizeof(Datum) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const Shard *shard = catalog_shard_get(DatumGetInt64(ids[i]));

		if (shard == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("shard " INT64_FORMAT " does not exist", DatumGetInt64(ids[i]))));
		tables_require_owner(shard->relid);
		counts[i] = Int64GetDatum(tables_shard_row_count(shard));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(counts, n, INT8OID, 8, true, TYPALIGN_DOUBLE));
}

/* TableFillScan: a shard, or its partitions, read in the order in which the server rewrites it */
struct TableFillScan
{
	List	   *relids;			/* what is still to be read */
	Snapshot	snapshot;
	int			level;

	/* the relation that is being read, or NULL */
	Relation	relation;
	TableScanDesc scan;
	TupleTableSlot *slot;

	/* rows of the shell's type are wanted; else NULL */
	TupleDesc	shell;
	TupleConversionMap *map;	/* NULL: columns are the same */
	TupleTableSlot *mapped;
};

/*
 * The relations that hold a shard's rows, in the order of a rewrite: partitions by their oids.
 * With partitions of partitions that depends on the kind of change, so that those are refused.
 */
static List *
relations_of_shard(const Shard *shard)
{
	List	   *relids = NIL;
	Oid			top = shard_oid(shard);
	ListCell   *lc;

	foreach(lc, find_all_inheritors(top, AccessShareLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
			relids = lappend_oid(relids, relid);
		else if (relid != top)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot compute values for rows of table \"%s\"",
							get_rel_name(shard->relid)),
					 errdetail("Its shards have copies, and partitions that have partitions.")));
	}
	return relids;
}

static void
open_next(TableFillScan *scan)
{
	scan->relation = table_open(linitial_oid(scan->relids), AccessShareLock);
	scan->relids = list_delete_first(scan->relids);
	scan->slot = table_slot_create(scan->relation, NULL);
	scan->scan = table_beginscan(scan->relation, scan->snapshot, 0, NULL);
	if (scan->shell != NULL)
		scan->map = convert_tuples_by_name(RelationGetDescr(scan->relation), scan->shell);
}

static void
close_current(TableFillScan *scan)
{
	if (scan->relation == NULL)
		return;
	table_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	table_close(scan->relation, NoLock);
	scan->relation = NULL;
}

/* asShell: rows of the shell's type, which must have the shard's columns; else of the shard's */
TableFillScan *
tables_fill_scan_begin(const Shard *shard, bool asShell)
{
	TableFillScan *scan = palloc0(sizeof(TableFillScan));

	/* from the first page on */
	scan->level = NewGUCNestLevel();
	(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	scan->relids = relations_of_shard(shard);
	scan->snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (asShell)
	{
		Relation	shell = table_open(shard->relid, NoLock);

		scan->shell = CreateTupleDescCopy(RelationGetDescr(shell));
		scan->mapped = MakeSingleTupleTableSlot(scan->shell, &TTSOpsVirtual);
		table_close(shell, NoLock);
	}
	return scan;
}

TupleTableSlot *
tables_fill_scan_next(TableFillScan *scan)
{
	for (;;)
	{
		if (scan->relation == NULL && scan->relids == NIL)
			return NULL;
		if (scan->relation == NULL)
			open_next(scan);
		if (table_scan_getnextslot(scan->scan, ForwardScanDirection, scan->slot))
			break;
		close_current(scan);
	}
	if (scan->map == NULL)
		return scan->slot;
	return execute_attr_map_slot(scan->map->attrMap, scan->slot, scan->mapped);
}

void
tables_fill_scan_end(TableFillScan *scan)
{
	close_current(scan);
	if (scan->mapped != NULL)
		ExecDropSingleTupleTableSlot(scan->mapped);
	UnregisterSnapshot(scan->snapshot);
	AtEOXact_GUC(true, scan->level);
}

/* ---- ranks ---- */

/* RowMark: a row by its text, and where the scan met it */
typedef struct RowMark
{
	uint64		hash[2];
	int64		position;
} RowMark;

static int
compare_marks(const void *left, const void *right)
{
	const RowMark *a = left;
	const RowMark *b = right;

	for (int i = 0; i < 2; i++)
	{
		if (a->hash[i] != b->hash[i])
			return a->hash[i] < b->hash[i] ? -1 : 1;
	}
	return 0;
}

static void
mark_row(RowMark *mark, TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Oid			output;
		bool		isVarlena;
		char	   *text = "";
		int			length = 0;

		/* copies have the same columns; generated ones follow from the others */
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		if (!slot->tts_isnull[i])
		{
			getTypeOutputInfo(attribute->atttypid, &output, &isVarlena);
			text = OidOutputFunctionCall(output, slot->tts_values[i]);
			length = strlen(text) + 1;
		}
		for (int j = 0; j < 2; j++)
			mark->hash[j] = hash_bytes_extended((unsigned char *) text, length,
												mark->hash[j] * 31 + j);
	}
}

int64 *
tables_fill_ranks(const Shard *shard, int64 count)
{
	RowMark    *marks = MemoryContextAllocHuge(CurrentMemoryContext,
											   Max(count, 1) * sizeof(RowMark));
	int64	   *ranks = MemoryContextAllocHuge(CurrentMemoryContext,
											   Max(count, 1) * sizeof(int64));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rows of a copy",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldContext = MemoryContextSwitchTo(context);
	TableFillScan *scan = tables_fill_scan_begin(shard, false);
	MemoryContext rowContext = AllocSetContextCreate(context, "row", ALLOCSET_DEFAULT_SIZES);
	int			level = deparse_settings_begin();
	TupleTableSlot *slot;
	int64		n = 0;

	while ((slot = tables_fill_scan_next(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (n == count)
			raise_exhausted();
		MemoryContextSwitchTo(rowContext);
		memset(&marks[n], 0, sizeof(RowMark));
		marks[n].position = n;
		mark_row(&marks[n++], slot);
		MemoryContextSwitchTo(context);
		MemoryContextReset(rowContext);
	}
	deparse_settings_end(level);
	tables_fill_scan_end(scan);
	MemoryContextSwitchTo(oldContext);
	MemoryContextDelete(context);

	qsort(marks, n, sizeof(RowMark), compare_marks);
	for (int64 i = 0; i < n; i++)
		ranks[marks[i].position] = i;
	pfree(marks);
	return ranks;
}

/* ---- from node to node ---- */

/* a List of char *, NULL for NULL, as elements of an array */
static void
append_texts(StringInfo sql, List *texts)
{
	ListCell   *lc;

	appendStringInfoString(sql, "ARRAY[");
	foreach(lc, texts)
		appendStringInfo(sql, "%s%s", lc == list_head(texts) ? "" : ",",
						 lfirst(lc) ? quote_literal_cstr(lfirst(lc)) : "NULL");
	appendStringInfoChar(sql, ']');
}

static void
append_series(StringInfo sql, const TableFills *fills)
{
	const char *separator = "";
	int			number = 0;
	ListCell   *lc;
	ListCell   *piece;

	appendStringInfoString(sql, "'{");
	foreach(lc, fills->series)
	{
		foreach(piece, ((FillSeries *) lfirst(lc))->pieces)
		{
			FillPiece  *part = lfirst(piece);

			appendStringInfo(sql, "%s" INT64_FORMAT ",%d," INT64_FORMAT "," INT64_FORMAT ","
							 INT64_FORMAT, separator, part->shardId, number, part->run.start,
							 part->run.step, part->run.count);
			separator = ",";
		}
		number++;
	}
	appendStringInfo(sql, "}'::pg_catalog.int8[], %d", number);
}

void
tables_fills_append(StringInfo sql, const TableFills *fills)
{
	ListCell   *lc;

	appendStringInfoString(sql, ", ");
	append_texts(sql, fills->columns);
	appendStringInfoString(sql, "::pg_catalog.text[], ");
	append_texts(sql, fills->expressions);
	appendStringInfoString(sql, "::pg_catalog.text[], ");
	append_series(sql, fills);
	appendStringInfoString(sql, ", ARRAY[");
	foreach(lc, fills->values)
	{
		FillValues *values = lfirst(lc);
		List	   *texts = NIL;

		for (int64 i = 0; i < values->count; i++)
			texts = lappend(texts, values->texts[i]);
		if (lc != list_head(fills->values))
			appendStringInfoChar(sql, ',');
		append_texts(sql, texts);
		list_free(texts);
	}
	appendStringInfoString(sql, "]::pg_catalog.text[]");
}

static List *
texts_of(Datum array)
{
	Datum	   *values;
	int			count;
	List	   *texts = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		texts = lappend(texts, TextDatumGetCString(values[i]));
	return texts;
}

static void
read_series(TableFills *fills, Datum array, int number)
{
	Datum	   *items;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, 8, true, TYPALIGN_DOUBLE, &items, NULL,
					  &count);
	for (int i = 0; i < number; i++)
		fills->series = lappend(fills->series, palloc0(sizeof(FillSeries)));
	for (int i = 0; i + 4 < count; i += 5)
	{
		int64		which = DatumGetInt64(items[i + 1]);
		FillPiece  *piece = palloc(sizeof(FillPiece));
		FillSeries *series;

		if (which < 0 || which >= number)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there are %d series of values", number)));
		piece->shardId = DatumGetInt64(items[i]);
		piece->run.start = DatumGetInt64(items[i + 2]);
		piece->run.step = DatumGetInt64(items[i + 3]);
		piece->run.count = DatumGetInt64(items[i + 4]);
		series = list_nth(fills->series, which);
		series->pieces = lappend(series->pieces, piece);
	}
}

/* lists of the same length, one after the other in an array of two dimensions */
static void
read_values(TableFills *fills, ArrayType *array)
{
	Datum	   *items;
	bool	   *nulls;
	int			count;
	int			length;

	if (ARR_NDIM(array) != 2)
		return;
	length = ARR_DIMS(array)[1];
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &count);
	for (int first = 0; first < count; first += length)
	{
		FillValues *values = palloc0(sizeof(FillValues));

		values->count = length;
		values->texts = palloc(sizeof(char *) * length);
		for (int i = 0; i < length; i++)
			values->texts[i] = nulls[first + i] ? NULL : TextDatumGetCString(items[first + i]);
		fills->values = lappend(fills->values, values);
	}
}

/* NULL when the first argument of the five is */
TableFills *
tables_fills_of_arguments(FunctionCallInfo fcinfo, int first)
{
	TableFills *fills;

	if (PG_ARGISNULL(first))
		return NULL;
	for (int i = 1; i < 5; i++)
	{
		if (PG_ARGISNULL(first + i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("values for rows must not be null")));
	}
	fills = tables_fills_make(InvalidOid);
	fills->columns = texts_of(PG_GETARG_DATUM(first));
	fills->expressions = texts_of(PG_GETARG_DATUM(first + 1));
	if (list_length(fills->columns) != list_length(fills->expressions))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be as many expressions as columns")));
	read_series(fills, PG_GETARG_DATUM(first + 2), PG_GETARG_INT32(first + 3));
	read_values(fills, PG_GETARG_ARRAYTYPE_P(first + 4));
	return fills;
}
