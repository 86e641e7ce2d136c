/*
 * executor_sql.c
 *	  SQL-callable functions of the executor.
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "citus/base/session.h"
#include "executor/elsewhere_internal.h"
#include "executor/executor_internal.h"
#include "exchange_internal.h"

#define LOGGED_BYTES 1024		/* of a parameter */

PG_FUNCTION_INFO_V1(write_shards);
PG_FUNCTION_INFO_V1(leave_shard);
PG_FUNCTION_INFO_V1(leave_actions);
PG_FUNCTION_INFO_V1(raise_unseen_reference);
PG_FUNCTION_INFO_V1(referenced_elsewhere);
PG_FUNCTION_INFO_V1(note_reference);
PG_FUNCTION_INFO_V1(act_on_referring);
PG_FUNCTION_INFO_V1(raise_second_conflict);
PG_FUNCTION_INFO_V1(upsert_starts);
PG_FUNCTION_INFO_V1(upsert_is_first);
PG_FUNCTION_INFO_V1(row_is_older);
PG_FUNCTION_INFO_V1(cursor_shard);
PG_FUNCTION_INFO_V1(cursor_place);
PG_FUNCTION_INFO_V1(exchange_open);
PG_FUNCTION_INFO_V1(exchange_close);
PG_FUNCTION_INFO_V1(exchange_put);

/* elements of a bigint array without NULLs */
static int64 *
bigint_elements(ArrayType *array, int *n)
{
	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a list of numbers is needed")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int64 *) ARR_DATA_PTR(array);
}

static const Shard *
shard_to_write(ShardId id)
{
	const Shard *shard = catalog_shard_get(id);

	if (shard == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("shard " INT64_FORMAT " does not exist", id)));
	return shard;
}

/* rows are not for the server's log, where log_statement would write them as parameters */
static void
limit_logging(void)
{
	if (base_session_is_internal() &&
		(log_parameter_max_length < 0 || log_parameter_max_length > LOGGED_BYTES))
		SetConfigOption("log_parameter_max_length", CppAsString2(LOGGED_BYTES), PGC_SUSET,
						PGC_S_SESSION);
}

/* the part of bytes between two offsets; checked, since the sender may be anybody */
static const char *
part_of(bytea *bytes, int64 from, int64 to, int *length)
{
	if (from < 0 || to < from || to > VARSIZE_ANY_EXHDR(bytes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("offset " INT64_FORMAT " is out of range", to)));
	*length = (int) (to - from);
	return VARDATA_ANY(bytes) + from;
}

/*
 * write_shards(copy text, line_end int, shards bigint[], ends bigint[], data bytea,
 *				line_ends bigint[], lines bytea): rows of one table into shards of this node, as
 * another node sends them.  copy: COPY FROM STDIN of the table, with columns and options of the
 * data.  line_end: the kind of line end known before the first row (0: none).  ends: where in data
 * each shard's part ends.  lines: maps of line_map.c, cut by line_ends; NULL when the rows are not
 * a COPY.
 */
Datum
write_shards(PG_FUNCTION_ARGS)
{
	bool		hasLines = !PG_ARGISNULL(5) && !PG_ARGISNULL(6);
	ShardCopy	copy = {0};
	int			lineEnd = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	int			nshards;
	int			nends;
	int			nlines = 0;
	int64	   *shards;
	int64	   *ends;
	int64	   *lineEnds = NULL;
	bytea	   *data;
	bytea	   *lines = NULL;
	int64		count = 0;

	for (int i = 0; i < 5; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d must not be null", i + 1)));
	}
	if (!base_is_node_command(fcinfo) && !catalog_shard_changes_allowed())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot modify shards directly"),
				 errhint("Use the table itself, or set citus.enable_manual_changes_to_shards.")));
	PreventCommandIfReadOnly("COPY FROM");

	limit_logging();
	copy.statement = executor_shard_copy_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	copy.checkRights = true;
	copy.isCopy = hasLines;
	shards = bigint_elements(PG_GETARG_ARRAYTYPE_P(2), &nshards);
	ends = bigint_elements(PG_GETARG_ARRAYTYPE_P(3), &nends);
	data = PG_GETARG_BYTEA_PP(4);
	if (hasLines)
	{
		lineEnds = bigint_elements(PG_GETARG_ARRAYTYPE_P(5), &nlines);
		lines = PG_GETARG_BYTEA_PP(6);
	}
	if (nends != nshards || (hasLines && nlines != nshards) || lineEnd < 0 ||
		lineEnd > EXECUTOR_LINE_END_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments do not fit together")));

	for (int i = 0; i < nshards; i++)
	{
		ShardRows	rows = {0};

		rows.lineEnd = lineEnd;
		rows.shard = shard_to_write(shards[i]);
		rows.data = part_of(data, i == 0 ? 0 : ends[i - 1], ends[i], &rows.length);
		if (hasLines)
			rows.lines = part_of(lines, i == 0 ? 0 : lineEnds[i - 1], lineEnds[i],
								 &rows.linesLength);
		count += executor_shard_copy(&copy, &rows);
	}
	PG_RETURN_INT64(count);
}

/* arguments are the cursor's name and the table; false: its current row is not the table's */
static bool
cursor_position(FunctionCallInfo fcinfo, ShardId *shard, ItemPointer place)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no value found for the name of a cursor")));
	return executor_cursor_position(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1),
									shard, place);
}

/* citus_internal.cursor_shard(cursor text, relation oid) returns bigint */
Datum
cursor_shard(PG_FUNCTION_ARGS)
{
	ItemPointerData place;
	ShardId		shard;

	if (!cursor_position(fcinfo, &shard, &place))
		PG_RETURN_NULL();
	PG_RETURN_INT64(shard);
}

/* citus_internal.cursor_place(cursor text, relation oid) returns tid */
Datum
cursor_place(PG_FUNCTION_ARGS)
{
	ItemPointer place = palloc(sizeof(ItemPointerData));
	ShardId		shard;

	if (!cursor_position(fcinfo, &shard, place))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(place);
}

/* leave_shard(shard oid, places tid[]) returns setof int: positions, from 0, of rows now gone */
Datum
leave_shard(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *values;
	ItemPointer places;
	bool	   *gone;
	int			n;

	if (!base_session_is_internal() && !base_frame_active(FRAME_LOCAL_TASK) &&
		!catalog_shard_changes_allowed())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot modify shards directly")));
	PreventCommandIfReadOnly("DELETE");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TIDOID, sizeof(ItemPointerData), false,
					  TYPALIGN_SHORT, &values, NULL, &n);
	places = palloc(sizeof(ItemPointerData) * Max(n, 1));
	gone = palloc(sizeof(bool) * Max(n, 1));
	for (int i = 0; i < n; i++)
		ItemPointerCopy((ItemPointer) DatumGetPointer(values[i]), &places[i]);
	executor_rows_leave(PG_GETARG_OID(0), places, n, gone);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < n; i++)
	{
		Datum		value = Int32GetDatum(i);
		bool		isNull = false;

		if (gone[i])
			tuplestore_putvalues(result->setResult, result->setDesc, &value, &isNull);
	}
	return (Datum) 0;
}

/* citus_internal.leave_actions(tables regclass[]): see executor_actions_set() */
Datum
leave_actions(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *values;
	bool	   *nulls;
	int			count;
	List	   *shells = NIL;

	base_require_node_command(fcinfo);
	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &values, &nulls,
					  &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			shells = lappend_oid(shells, DatumGetObjectId(values[i]));
	}
	executor_actions_set(shells);
	PG_RETURN_VOID();
}

/* citus_internal.raise_unseen_reference() returns trigger: see executor_actions_look() */
Datum
raise_unseen_reference(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !data->tg_trigger->tgisinternal)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a foreign key's trigger",
						"raise_unseen_reference")));
	executor_actions_look(data);
	return PointerGetDatum(NULL);
}

/* citus_internal.referenced_elsewhere() returns trigger: see executor_elsewhere_ask() */
Datum
referenced_elsewhere(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !catalog_trigger_is_watch(data->tg_trigger))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a foreign key's trigger",
						"referenced_elsewhere")));
	executor_elsewhere_ask(data);
	return PointerGetDatum(NULL);
}

/* citus_internal.note_reference() returns trigger: see executor_elsewhere_note() */
Datum
note_reference(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"note_reference")));
	executor_elsewhere_note((TriggerData *) fcinfo->context);
	PG_RETURN_POINTER(NULL);
}

/* citus_internal.act_on_referring(constraint oid, action, on delete, values) returns records */
Datum
act_on_referring(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *findings;
	ListCell   *cell;

	base_require_node_command(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	findings = executor_elsewhere_act(PG_GETARG_OID(0), PG_GETARG_CHAR(1), PG_GETARG_BOOL(2),
									  PG_GETARG_ARRAYTYPE_P(3));
	foreach(cell, findings)
	{
		const Finding *found = lfirst(cell);
		const char *texts[] = {
			NULL, found->schema, found->table, found->constraint, found->referenced,
			found->condition, found->quoted
		};
		Datum		values[FINDING_COLUMNS] = {0};
		bool		nulls[FINDING_COLUMNS];

		values[0] = Int32GetDatum(found->number);
		nulls[0] = false;
		for (int i = 1; i < FINDING_COLUMNS; i++)
		{
			nulls[i] = texts[i] == NULL;
			if (!nulls[i])
				values[i] = CStringGetTextDatum(texts[i]);
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* citus_internal.raise_second_conflict() returns boolean: never */
Datum
raise_second_conflict(PG_FUNCTION_ARGS)
{
	executor_raise_second_conflict();
	PG_RETURN_NULL();
}

/* citus_internal.upsert_starts(id int) returns void */
Datum
upsert_starts(PG_FUNCTION_ARGS)
{
	executor_upsert_start(PG_GETARG_INT32(0));
	PG_RETURN_VOID();
}

/* citus_internal.upsert_is_first(id int, xmin xid, cmin cid) returns boolean: true */
Datum
upsert_is_first(PG_FUNCTION_ARGS)
{
	executor_upsert_check(PG_GETARG_INT32(0), PG_GETARG_TRANSACTIONID(1),
						  DatumGetCommandId(PG_GETARG_DATUM(2)));
	PG_RETURN_BOOL(true);
}

/* citus_internal.row_is_older(id int, xmin xid, cmin cid) returns boolean */
Datum
row_is_older(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!executor_upsert_wrote(PG_GETARG_INT32(0), PG_GETARG_TRANSACTIONID(1),
										  DatumGetCommandId(PG_GETARG_DATUM(2))));
}

/* ---- exchanges ---- */

static const char *
key_of_exchange(bytea *key)
{
	if (VARSIZE_ANY_EXHDR(key) != EXCHANGE_KEY_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key has %d bytes", EXCHANGE_KEY_SIZE)));
	return VARDATA_ANY(key);
}

/* exchange_open(key): false when there are too many */
Datum
exchange_open(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(executor_exchange_open(key_of_exchange(PG_GETARG_BYTEA_PP(0))));
}

Datum
exchange_close(PG_FUNCTION_ARGS)
{
	executor_exchange_close(key_of_exchange(PG_GETARG_BYTEA_PP(0)));
	PG_RETURN_VOID();
}

/* exchange_put(key, data): the file and the place in it where the data is */
Datum
exchange_put(PG_FUNCTION_ARGS)
{
	const char *key = key_of_exchange(PG_GETARG_BYTEA_PP(0));
	bytea	   *data = PG_GETARG_BYTEA_PP(1);
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	uint32		file;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "exchange_put returns a row");
	limit_logging();
	values[1] = Int64GetDatum(executor_exchange_write(key, VARDATA_ANY(data),
													  VARSIZE_ANY_EXHDR(data), &file));
	values[0] = Int32GetDatum(file);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
