/*
 * moved_rows_read.c
 *	  Rows that have moved, where they are needed: chunks become rows again.
 *
 * A task reads them as the rows of unpack_rows().  Its plan has a node of DIST_PLAN_MOVED_ROWS in
 * the place of the server's node for that function (planner_moved_rows.c), which gives row by row
 * what the function would lay down in a tuplestore first.
 *
 * Main path: open_rows(), next_packed() for each row.  What a chunk is: moved_rows.c.
 *
 * Invariant: any bytes are read without harm.  Lengths are checked against what is left; a column
 * is only read in the form that its type has; what could be wrong inside a value is checked by the
 * type's own receive or input function.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "executor/executor_internal.h"
#include "exchange_internal.h"
#include "moved_rows_internal.h"

PG_FUNCTION_INFO_V1(unpack_rows);
PG_FUNCTION_INFO_V1(unpack_rows_support);

typedef struct Reading
{
	const char *at;
	const char *end;
} Reading;

/* the rows of a value of chunks */
typedef struct PackedRows
{
	TupleDesc	desc;
	ColumnCodec *codecs;
	int			fixedSize;		/* of a row without NULLs; 0: it depends */
	StringInfoData buffer;		/* a value, for functions that read it */

	Reading		chunks;			/* not begun yet */
	ExchangeReader *file;		/* chunks that a ticket stands for; NULL: not at one */
	Reading		chunk;			/* rows not read yet */
	uint32		left;			/* their number */
} PackedRows;

static void
damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("packed rows are damaged")));
}

static const char *
take(Reading *reading, int64 n)
{
	const char *result = reading->at;

	if (n < 0 || n > reading->end - reading->at)
		damaged();
	reading->at += n;
	return result;
}

static uint32
take_number(Reading *reading)
{
	uint32		number;

	memcpy(&number, take(reading, 4), 4);
	return pg_ntoh32(number);
}

/* ---- values ---- */

static inline Datum
read_fixed(const char *at, ColumnForm form)
{
	uint16		two;
	uint32		four;
	uint64		eight;

	switch (form)
	{
		case FORM_BOOL:
			return BoolGetDatum(*at != 0);
		case FORM_2:
			memcpy(&two, at, 2);
			return Int16GetDatum((int16) pg_ntoh16(two));
		case FORM_4:
			memcpy(&four, at, 4);
			return Int32GetDatum((int32) pg_ntoh32(four));
		default:
			memcpy(&eight, at, 8);
			return Int64GetDatum((int64) pg_ntoh64(eight));
	}
}

static Datum
read_sized(Reading *reading, ColumnCodec *codec, StringInfo buffer)
{
	int			length = (int) take_number(reading);
	const char *data = take(reading, length);
	Datum		value;

	if (codec->form == FORM_STRING)
		pg_verify_mbstr(GetDatabaseEncoding(), data, length, false);
	if (codec->form == FORM_STRING || codec->form == FORM_BYTES)
		return PointerGetDatum(cstring_to_text_with_len(data, length));

	/* receive and input functions want a NUL behind the value */
	resetStringInfo(buffer);
	appendBinaryStringInfo(buffer, data, length);
	if (codec->form == FORM_TEXT)
	{
		pg_verify_mbstr(GetDatabaseEncoding(), data, length, false);
		return executor_input_read(&codec->input, buffer->data);
	}
	value = executor_input_receive(&codec->input, buffer);
	if (buffer->cursor != length)
		damaged();
	return value;
}

/* ---- rows ---- */

static bool
has_nulls(const char *bits, int natts)
{
	for (int i = 0; i < natts; i += 8)
	{
		if (bits[i / 8] != 0)
			return true;
	}
	return false;
}

static void
read_row(PackedRows *rows, Datum *values, bool *nulls)
{
	int			natts = rows->desc->natts;
	const char *bits = take(&rows->chunk, (natts + 7) / 8);
	bool		anyNull = has_nulls(bits, natts);

	if (!anyNull && rows->fixedSize > 0)
	{
		const char *at = take(&rows->chunk, rows->fixedSize);

		for (int i = 0; i < natts; i++)
		{
			nulls[i] = false;
			values[i] = read_fixed(at, rows->codecs[i].form);
			at += rows->codecs[i].size;
		}
		return;
	}
	for (int i = 0; i < natts; i++)
	{
		ColumnCodec *codec = &rows->codecs[i];

		nulls[i] = anyNull && (bits[i / 8] & (1 << (i % 8))) != 0;
		if (nulls[i])
			values[i] = (Datum) 0;
		else if (codec->size > 0)
			values[i] = read_fixed(take(&rows->chunk, codec->size), codec->form);
		else
			values[i] = read_sized(&rows->chunk, codec, &rows->buffer);
	}
}

/* a chunk of rows, of the length that it says it has */
static void
begin_chunk(PackedRows *rows, const char *data, uint32 length)
{
	Reading    *chunk = &rows->chunk;
	uint16		natts;
	const char *forms;

	if (length < CHUNK_HEADER)
		damaged();
	chunk->at = data;
	chunk->end = data + length;
	(void) take_number(chunk);
	rows->left = take_number(chunk);
	memcpy(&natts, take(chunk, 2), 2);
	if (pg_ntoh16(natts) != rows->desc->natts)
		damaged();
	forms = take(chunk, rows->desc->natts);
	for (int i = 0; i < rows->desc->natts; i++)
	{
		if (forms[i] != (char) rows->codecs[i].form)
			damaged();
	}
}

/* the next chunk of the value; or a ticket's file is opened */
static void
next_in_value(PackedRows *rows)
{
	const char *start = rows->chunks.at;
	uint32		length = take_number(&rows->chunks);
	const char *key;
	int			n;
	ExchangeExtent *extents;

	if (length < CHUNK_HEADER || length > rows->chunks.end - start)
		damaged();
	rows->chunks.at = start + length;
	extents = executor_ticket_decode(start, length, &n, &key);
	if (extents != NULL)
		rows->file = executor_exchange_read(key, extents, n);
	else
		begin_chunk(rows, start, length);
}

/* false: there is none; allocates in the current context, which lasts as long as the rows */
static bool
next_chunk(PackedRows *rows)
{
	while (rows->left == 0)
	{
		const char *chunk;
		uint32		length;

		if (rows->chunk.at != rows->chunk.end)
			damaged();
		if (rows->file == NULL)
		{
			if (rows->chunks.at == rows->chunks.end)
				return false;
			next_in_value(rows);
			continue;
		}
		chunk = executor_exchange_next(rows->file, &length);
		if (chunk != NULL)
			begin_chunk(rows, chunk, length);
		else
		{
			executor_exchange_read_end(rows->file);
			rows->file = NULL;
		}
	}
	return true;
}

/* all memory is of the current context; data is the caller's for as long as rows are read */
static PackedRows *
open_rows(bytea *data, TupleDesc desc)
{
	PackedRows *rows = palloc0(sizeof(PackedRows));
	bool		fixed = true;

	rows->desc = desc;
	rows->codecs = executor_codecs_make(desc, true);
	for (int i = 0; i < desc->natts; i++)
	{
		rows->fixedSize += rows->codecs[i].size;
		fixed &= rows->codecs[i].size > 0;
	}
	if (!fixed)
		rows->fixedSize = 0;
	initStringInfo(&rows->buffer);
	rows->chunks.at = VARDATA_ANY(data);
	rows->chunks.end = rows->chunks.at + VARSIZE_ANY_EXHDR(data);
	return rows;
}

/* unpack_rows(data bytea, key_column integer, key_values real): the last two are for the planner */
Datum
unpack_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext rowContext = AllocSetContextCreate(caller, "citus unpacked row",
													 ALLOCSET_DEFAULT_SIZES);
	PackedRows *rows;
	Datum	   *values;
	bool	   *nulls;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	rows = open_rows(PG_GETARG_BYTEA_PP(0), rsinfo->setDesc);
	values = palloc(sizeof(Datum) * Max(rows->desc->natts, 1));
	nulls = palloc(sizeof(bool) * Max(rows->desc->natts, 1));
	while (next_chunk(rows))
	{
		MemoryContextSwitchTo(rowContext);
		read_row(rows, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(caller);
		rows->left--;
		MemoryContextReset(rowContext);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextDelete(rowContext);
	return (Datum) 0;
}

/* ---- the node ---- */

typedef struct MovedRowsState
{
	CustomScanState css;
	DistPlan   *plan;
	ExprState  *data;			/* the chunks */
	MemoryContext context;		/* of rows */
	PackedRows *rows;			/* NULL: not begun */
} MovedRowsState;

static void
begin_moved_rows(CustomScanState *node, EState *estate, int eflags)
{
	MovedRowsState *state = (MovedRowsState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	state->data = ExecInitExpr(linitial(scan->custom_exprs), &node->ss.ps);
	state->context = AllocSetContextCreate(estate->es_query_cxt, "citus moved rows",
										   ALLOCSET_DEFAULT_SIZES);
}

static void
start_reading(MovedRowsState *state)
{
	bool		isNull;
	Datum		data = ExecEvalExpr(state->data, state->css.ss.ps.ps_ExprContext, &isNull);
	bytea	   *bytes;

	/* the function is strict */
	bytes = isNull ? palloc0(VARHDRSZ) : DatumGetByteaPP(data);
	if (isNull)
		SET_VARSIZE(bytes, VARHDRSZ);
	state->rows = open_rows(bytes, state->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor);
}

/* values by reference last until the scan is asked for the next row, as its other results do */
static TupleTableSlot *
next_row(ScanState *ss)
{
	MovedRowsState *state = (MovedRowsState *) ss;
	TupleTableSlot *slot = ExecClearTuple(ss->ss_ScanTupleSlot);
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	bool		found;

	if (state->rows == NULL)
		start_reading(state);
	found = state->rows->left > 0 || next_chunk(state->rows);
	if (found)
	{
		MemoryContextSwitchTo(ss->ps.ps_ExprContext->ecxt_per_tuple_memory);
		read_row(state->rows, slot->tts_values, slot->tts_isnull);
		state->rows->left--;
		ExecStoreVirtualTuple(slot);
	}
	MemoryContextSwitchTo(caller);
	return found ? slot : NULL;
}

/* the planner chooses the node only where no row is looked at again */
static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	elog(ERROR, "moved rows cannot be looked at again");
}

static TupleTableSlot *
exec_moved_rows(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
forget_rows(MovedRowsState *state)
{
	state->rows = NULL;
	MemoryContextReset(state->context);
}

static void
end_moved_rows(CustomScanState *node)
{
	forget_rows((MovedRowsState *) node);
}

static void
rescan_moved_rows(CustomScanState *node)
{
	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	forget_rows((MovedRowsState *) node);
	ExecScanReScan(&node->ss);
}

static void
explain_moved_rows(CustomScanState *node, List *ancestors, ExplainState *es)
{
	ExplainPropertyText("Strategy", ((MovedRowsState *) node)->plan->strategy, es);
}

static const CustomExecMethods moved_rows_methods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.BeginCustomScan = begin_moved_rows,
	.ExecCustomScan = exec_moved_rows,
	.EndCustomScan = end_moved_rows,
	.ReScanCustomScan = rescan_moved_rows,
	.ExplainCustomScan = explain_moved_rows,
};

/* the state of a DIST_PLAN_MOVED_ROWS node */
Node *
executor_moved_rows_create(DistPlan *plan)
{
	MovedRowsState *state = palloc0(sizeof(MovedRowsState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &moved_rows_methods;
	state->plan = plan;
	return (Node *) state;
}

/* ---- estimates ---- */

static double
count_rows(bytea *data)
{
	const char *at = VARDATA_ANY(data);
	const char *end = at + VARSIZE_ANY_EXHDR(data);
	double		rows = 0;

	while (end - at >= CHUNK_HEADER)
	{
		uint32		length;
		uint32		count;

		memcpy(&length, at, 4);
		memcpy(&count, at + 4, 4);
		length = pg_ntoh32(length);
		if (length < CHUNK_HEADER || length > end - at)
			break;
		rows += pg_ntoh32(count);
		at += length;
	}
	return rows;
}

/* what the call's data is, where the planner can know it; NULL: it cannot */
static bytea *
known_data(Node *call, PlannerInfo *root)
{
	Node	   *data = is_funcclause(call) ? linitial(((FuncExpr *) call)->args) : NULL;
	ParamListInfo params = root == NULL ? NULL : root->glob->boundParams;
	Param	   *param;

	if (data == NULL)
		return NULL;
	if (IsA(data, Const))
		return ((Const *) data)->constisnull ? NULL :
			DatumGetByteaPP(((Const *) data)->constvalue);
	param = (Param *) data;
	if (!IsA(param, Param) || param->paramkind != PARAM_EXTERN || params == NULL ||
		params->paramFetch != NULL || param->paramid < 1 || param->paramid > params->numParams ||
		params->params[param->paramid - 1].isnull ||
		params->params[param->paramid - 1].ptype != BYTEAOID)
		return NULL;
	return DatumGetByteaPP(params->params[param->paramid - 1].value);
}

/* tells the server's planner how many rows there are */
Datum
unpack_rows_support(PG_FUNCTION_ARGS)
{
	Node	   *node = (Node *) PG_GETARG_POINTER(0);

	if (IsA(node, SupportRequestRows))
	{
		SupportRequestRows *request = (SupportRequestRows *) node;
		bytea	   *data = known_data(request->node, request->root);

		if (data != NULL)
		{
			request->rows = count_rows(data);
			PG_RETURN_POINTER(request);
		}
	}
	PG_RETURN_POINTER(NULL);
}
