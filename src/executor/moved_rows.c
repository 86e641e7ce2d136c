/*
 * moved_rows.c
 *	  Rows on their way from one shard to another, packed.
 *
 * pack_rows() runs a query beside a shard and cuts its rows into buckets by the hash of one of
 * their columns; unpack_rows() gives the rows of a bucket where they are needed.  In between they
 * are bytes that nobody looks into.  pack_rows() brings them to where its route says
 * (exchange_send.c) and answers where they are; without a route, or where the way is closed, they
 * are in its answer.
 *
 * A chunk is
 *		length (4, of the whole chunk), number of rows (4), number of columns (2),
 *		how each column is written (1 each, see ColumnForm),
 *		the rows: a bit per column that is set for NULL, then the columns that are not NULL
 * and a value any number of chunks one after the other.  Numbers are in network order.  A chunk
 * may be a ticket in place of many in a file of this node (exchange_text.c).
 *
 * Invariant: any bytes are read without harm.  Lengths are checked against what is left; a column
 * is only read in the form that its type has; what could be wrong inside a value is checked by the
 * type's own receive or input function.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "citus/routing/routing.h"
#include "executor/executor_internal.h"
#include "exchange_internal.h"

PG_FUNCTION_INFO_V1(pack_rows);
PG_FUNCTION_INFO_V1(unpack_rows);
PG_FUNCTION_INFO_V1(unpack_rows_support);

/* a bucket's chunk leaves when it has grown to this */
#define CHUNK_SIZE		(64 * 1024)
#define CHUNK_HEADER	10

#define FIRST_PARAM		5		/* argument of pack_rows(), the query's own from here on */

typedef enum ColumnForm
{
	FORM_BOOL = 'b',
	FORM_2 = '2',				/* by-value numbers of so many bytes */
	FORM_4 = '4',
	FORM_8 = '8',
	FORM_BYTES = 'y',			/* length and bytes of a bytea */
	FORM_STRING = 'v',			/* length and bytes of text in the server's encoding */
	FORM_SENT = 's',			/* length and what the type's send function gives */
	FORM_TEXT = 't'				/* length and what the type's output function gives */
} ColumnForm;

typedef struct ColumnCodec
{
	ColumnForm	form;
	FmgrInfo	output;			/* FORM_SENT, FORM_TEXT: how a value leaves, ... */
	ValueInput	input;			/* ... or how it is read */
} ColumnCodec;

static ColumnForm
form_of_type(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return FORM_BOOL;
		case INT2OID:
			return FORM_2;
		case INT4OID:
		case DATEOID:
			return FORM_4;
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return FORM_8;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return FORM_STRING;
		case BYTEAOID:
			return FORM_BYTES;
		default:
			return executor_type_is_plain_binary(type) ? FORM_SENT : FORM_TEXT;
	}
}

/* how the columns of desc are written, or read */
static ColumnCodec *
make_codecs(TupleDesc desc, bool reads)
{
	ColumnCodec *codecs = palloc0(sizeof(ColumnCodec) * Max(desc->natts, 1));

	for (int i = 0; i < desc->natts; i++)
	{
		ColumnCodec *codec = &codecs[i];
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Oid			type = getBaseType(attribute->atttypid);
		Oid			function;
		bool		isVarlena;

		codec->form = form_of_type(type);
		if (codec->form != FORM_SENT && codec->form != FORM_TEXT)
			continue;
		if (reads)
		{
			executor_input_make(&codec->input, attribute->atttypid, attribute->atttypmod,
								codec->form == FORM_SENT);
			continue;
		}
		if (codec->form == FORM_SENT)
			getTypeBinaryOutputInfo(type, &function, &isVarlena);
		else
			getTypeOutputInfo(type, &function, &isVarlena);
		fmgr_info(function, &codec->output);
	}
	return codecs;
}

/* ---- packing ---- */

typedef struct Packer
{
	DestReceiver pub;
	Tuplestorestate *store;		/* of chunks */
	TupleDesc	storeDesc;
	MemoryContext context;		/* of the call */
	MemoryContext rowContext;
	TupleDesc	desc;			/* of the rows, from the first of them on */
	ColumnCodec *codecs;
	int			keyColumn;		/* from 1; 0: one bucket */
	const char *keyName;		/* the key must not be NULL; or NULL */
	ShardRouter *router;
	int			nbuckets;
	int32	   *bounds;			/* least token of each bucket, ascending */
	StringInfoData *chunks;
	int		   *counts;			/* rows of each chunk */
	ExchangeSender *sender;		/* NULL: chunks go into the store */
} Packer;

static void
begin_chunk(Packer *packer, int bucket)
{
	StringInfo	chunk = &packer->chunks[bucket];
	uint16		natts = pg_hton16(packer->desc->natts);

	resetStringInfo(chunk);
	appendStringInfoSpaces(chunk, CHUNK_HEADER);
	memcpy(chunk->data + 8, &natts, 2);
	for (int i = 0; i < packer->desc->natts; i++)
		appendStringInfoChar(chunk, packer->codecs[i].form);
	packer->counts[bucket] = 0;
}

/* a row of the answer; number: of the bucket, or place, or PACKED_NOTES */
static void
answer_bytes(void *arg, int number, const char *data, int length)
{
	Packer	   *packer = arg;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	values[0] = Int32GetDatum(number);
	values[1] = PointerGetDatum(cstring_to_text_with_len(data, length));
	tuplestore_putvalues(packer->store, packer->storeDesc, values, nulls);
	pfree(DatumGetPointer(values[1]));
}

static void
end_chunk(Packer *packer, int bucket)
{
	StringInfo	chunk = &packer->chunks[bucket];
	uint32		length = pg_hton32(chunk->len);
	uint32		count = pg_hton32(packer->counts[bucket]);

	if (packer->counts[bucket] == 0)
		return;
	memcpy(chunk->data, &length, 4);
	memcpy(chunk->data + 4, &count, 4);
	if (packer->sender != NULL)
		executor_sender_put(packer->sender, bucket, chunk->data, chunk->len,
							packer->counts[bucket]);
	else
		answer_bytes(packer, bucket, chunk->data, chunk->len);
	begin_chunk(packer, bucket);
}

static void
append_sized(StringInfo chunk, const char *data, int length)
{
	uint32		size = pg_hton32(length);

	appendBinaryStringInfo(chunk, (char *) &size, 4);
	appendBinaryStringInfo(chunk, data, length);
}

static void
append_value(StringInfo chunk, ColumnCodec *codec, Datum value)
{
	uint16		two;
	uint32		four;
	uint64		eight;

	switch (codec->form)
	{
		case FORM_BOOL:
			appendStringInfoChar(chunk, DatumGetBool(value) ? 1 : 0);
			break;
		case FORM_2:
			two = pg_hton16((uint16) DatumGetInt16(value));
			appendBinaryStringInfo(chunk, (char *) &two, 2);
			break;
		case FORM_4:
			four = pg_hton32((uint32) DatumGetInt32(value));
			appendBinaryStringInfo(chunk, (char *) &four, 4);
			break;
		case FORM_8:
			eight = pg_hton64((uint64) DatumGetInt64(value));
			appendBinaryStringInfo(chunk, (char *) &eight, 8);
			break;
		case FORM_BYTES:
		case FORM_STRING:
			{
				struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

				append_sized(chunk, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
			}
			break;
		case FORM_SENT:
			{
				bytea	   *bytes = SendFunctionCall(&codec->output, value);

				append_sized(chunk, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
			}
			break;
		case FORM_TEXT:
			{
				char	   *text = executor_lossless_text(&codec->output, value);

				append_sized(chunk, text, strlen(text));
			}
			break;
	}
}

static void
pack_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	Packer	   *packer = (Packer *) self;
	MemoryContext caller;

	if (packer->keyColumn < 0 || packer->keyColumn > desc->natts || desc->natts > PG_UINT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query has no column %d", packer->keyColumn)));
	caller = MemoryContextSwitchTo(packer->context);
	packer->desc = CreateTupleDescCopy(desc);
	packer->codecs = make_codecs(desc, false);
	packer->chunks = palloc(sizeof(StringInfoData) * packer->nbuckets);
	packer->counts = palloc(sizeof(int) * packer->nbuckets);
	for (int i = 0; i < packer->nbuckets; i++)
	{
		initStringInfo(&packer->chunks[i]);
		begin_chunk(packer, i);
	}
	if (packer->keyColumn > 0)
	{
		Form_pg_attribute key = TupleDescAttr(desc, packer->keyColumn - 1);

		packer->router = routing_router_make(key->atttypid, key->attcollation);
	}
	MemoryContextSwitchTo(caller);
}

/* NULLs are equal to nothing; all of them are in the first bucket */
static int
bucket_of_row(Packer *packer, TupleTableSlot *slot)
{
	int			low = 0;
	int			high = packer->nbuckets - 1;
	int32		token;

	if (packer->keyColumn == 0)
		return 0;
	if (slot->tts_isnull[packer->keyColumn - 1])
	{
		if (packer->keyName != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("null value in distribution column %s", packer->keyName)));
		return 0;
	}
	token = routing_token(packer->router, slot->tts_values[packer->keyColumn - 1]);
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (token < packer->bounds[middle])
			high = middle - 1;
		else
			low = middle;
	}
	return low;
}

static bool
pack_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Packer	   *packer = (Packer *) self;
	MemoryContext caller = MemoryContextSwitchTo(packer->rowContext);
	int			natts = packer->desc->natts;
	int			bucket;
	int			bits;
	StringInfo	chunk;

	slot_getallattrs(slot);
	bucket = bucket_of_row(packer, slot);
	chunk = &packer->chunks[bucket];
	bits = chunk->len;
	for (int i = 0; i < natts; i += 8)
		appendStringInfoChar(chunk, 0);
	for (int i = 0; i < natts; i++)
	{
		if (slot->tts_isnull[i])
			chunk->data[bits + i / 8] |= 1 << (i % 8);
		else
			append_value(chunk, &packer->codecs[i], slot->tts_values[i]);
	}
	packer->counts[bucket]++;
	if (chunk->len >= CHUNK_SIZE)
		end_chunk(packer, bucket);
	MemoryContextReset(packer->rowContext);
	MemoryContextSwitchTo(caller);
	return true;
}

static void
pack_nothing(DestReceiver *self)
{
}

static void
read_bounds(Packer *packer, ArrayType *array)
{
	if (ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT4OID)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the bounds of buckets must not be null")));
	packer->nbuckets = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	packer->bounds = (int32 *) ARR_DATA_PTR(array);
	if (packer->nbuckets < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be at least one bucket")));
}

/* runs the query to its end; what is left of chunks leaves, too */
static void
run_query(Packer *packer, const char *query, ParamListInfo params)
{
	SPIExecuteOptions options = {0};

	options.params = params;
	options.read_only = true;
	options.dest = &packer->pub;
	if (SPI_execute_extended(query, &options) != SPI_OK_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows are packed of queries only")));
	for (int i = 0; i < packer->nbuckets; i++)
		end_chunk(packer, i);
}

/* the same, and the rows are brought to where the route says */
static void
run_query_for_exchange(Packer *packer, bytea *bytes, const char *query, ParamListInfo params)
{
	ExchangeRoute *route = executor_route_decode(bytes);
	StringInfoData notes;

	if (route->nplaces != packer->nbuckets && !route->toAll)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d places for %d buckets", route->nplaces,
						packer->nbuckets)));
	packer->sender = executor_sender_begin(route, answer_bytes, packer);
	PG_TRY();
	{
		run_query(packer, query, params);
		initStringInfo(&notes);
		executor_notes_encode(&notes, executor_sender_end(packer->sender));
	}
	PG_CATCH();
	{
		executor_sender_abandon(packer->sender);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (notes.len > 0)
		answer_bytes(packer, PACKED_NOTES, notes.data, notes.len);
}

/*
 * pack_rows(query text, key_column integer, bounds integer[], route bytea, VARIADIC parameters
 * "any"): the query's rows by bucket, or where they were brought to.  The first of parameters is
 * not the query's: it is the name of the key column, a text, when the key must not be NULL; or
 * NULL.
 */
Datum
pack_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Packer		packer = {0};
	char	   *query;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query, column and bounds must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	packer.pub.receiveSlot = pack_receive;
	packer.pub.rStartup = pack_startup;
	packer.pub.rShutdown = pack_nothing;
	packer.pub.rDestroy = pack_nothing;
	packer.pub.mydest = DestTuplestore;
	packer.store = rsinfo->setResult;
	packer.storeDesc = rsinfo->setDesc;
	packer.keyColumn = PG_GETARG_INT32(1);
	read_bounds(&packer, PG_GETARG_ARRAYTYPE_P(2));
	query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (PG_NARGS() > FIRST_PARAM - 1 && !PG_ARGISNULL(FIRST_PARAM - 1) &&
		get_fn_expr_argtype(fcinfo->flinfo, FIRST_PARAM - 1) == TEXTOID)
		packer.keyName = text_to_cstring(PG_GETARG_TEXT_PP(FIRST_PARAM - 1));

	SPI_connect();
	packer.context = CurrentMemoryContext;
	packer.rowContext = AllocSetContextCreate(CurrentMemoryContext, "citus packed row",
											  ALLOCSET_DEFAULT_SIZES);
	if (PG_ARGISNULL(3))
		run_query(&packer, query, executor_wrapped_params(fcinfo, FIRST_PARAM));
	else
		run_query_for_exchange(&packer, PG_GETARG_BYTEA_PP(3), query,
							   executor_wrapped_params(fcinfo, FIRST_PARAM));
	SPI_finish();
	return (Datum) 0;
}

/* ---- unpacking ---- */

typedef struct Reading
{
	const char *at;
	const char *end;
} Reading;

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

static Datum
read_value(Reading *reading, ColumnCodec *codec, StringInfo buffer)
{
	uint16		two;
	uint64		eight;
	int			length;
	const char *data;
	Datum		value;

	switch (codec->form)
	{
		case FORM_BOOL:
			return BoolGetDatum(*take(reading, 1) != 0);
		case FORM_2:
			memcpy(&two, take(reading, 2), 2);
			return Int16GetDatum((int16) pg_ntoh16(two));
		case FORM_4:
			return Int32GetDatum((int32) take_number(reading));
		case FORM_8:
			memcpy(&eight, take(reading, 8), 8);
			return Int64GetDatum((int64) pg_ntoh64(eight));
		default:
			break;
	}

	length = (int) take_number(reading);
	data = take(reading, length);
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

static void
check_header(Reading *reading, TupleDesc desc, ColumnCodec *codecs)
{
	uint16		natts;
	const char *forms;

	memcpy(&natts, take(reading, 2), 2);
	if (pg_ntoh16(natts) != desc->natts)
		damaged();
	forms = take(reading, desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		if (forms[i] != (char) codecs[i].form)
			damaged();
	}
}

/* the rows of one chunk into the store */
static void
unpack_chunk(Reading *chunk, uint32 count, TupleDesc desc, ColumnCodec *codecs,
			 Tuplestorestate *store)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus unpacked row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Datum	   *values = MemoryContextAllocZero(caller, sizeof(Datum) * Max(desc->natts, 1));
	bool	   *nulls = MemoryContextAllocZero(caller, sizeof(bool) * Max(desc->natts, 1));
	StringInfoData buffer;

	MemoryContextSwitchTo(caller);
	initStringInfo(&buffer);
	MemoryContextSwitchTo(context);
	for (uint32 row = 0; row < count; row++)
	{
		const char *bits = take(chunk, (desc->natts + 7) / 8);

		for (int i = 0; i < desc->natts; i++)
		{
			nulls[i] = (bits[i / 8] & (1 << (i % 8))) != 0;
			if (!nulls[i])
				values[i] = read_value(chunk, &codecs[i], &buffer);
		}
		tuplestore_putvalues(store, desc, values, nulls);
		if (row % 64 == 63)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(context);
		}
	}
	if (chunk->at != chunk->end)
		damaged();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	pfree(buffer.data);
	pfree(values);
	pfree(nulls);
}

/* a chunk of rows, of the length that it says it has */
static void
unpack_one(const char *data, uint32 length, ReturnSetInfo *rsinfo, ColumnCodec *codecs)
{
	Reading		chunk = {data, data + length};
	uint32		count;

	if (length < CHUNK_HEADER)
		damaged();
	(void) take_number(&chunk);
	count = take_number(&chunk);
	check_header(&chunk, rsinfo->setDesc, codecs);
	unpack_chunk(&chunk, count, rsinfo->setDesc, codecs, rsinfo->setResult);
}

/* the rows of chunks that were laid aside on this node */
static void
unpack_ticket(const char *key, const ExchangeExtent *extents, int nextents,
			  ReturnSetInfo *rsinfo, ColumnCodec *codecs)
{
	ExchangeReader *reader = executor_exchange_read(key, extents, nextents);
	const char *chunk;
	uint32		length;

	while ((chunk = executor_exchange_next(reader, &length)) != NULL)
		unpack_one(chunk, length, rsinfo, codecs);
	executor_exchange_read_end(reader);
}

/* unpack_rows(data bytea, key_column integer): the rows; key_column is for the planner */
Datum
unpack_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	Reading		reading = {VARDATA_ANY(data), VARDATA_ANY(data) + VARSIZE_ANY_EXHDR(data)};
	ColumnCodec *codecs;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	codecs = make_codecs(rsinfo->setDesc, true);
	while (reading.at < reading.end)
	{
		const char *start = reading.at;
		uint32		length = take_number(&reading);
		const char *key;
		int			n;
		ExchangeExtent *extents;

		if (length < CHUNK_HEADER || length > reading.end - start)
			damaged();
		extents = executor_ticket_decode(start, length, &n, &key);
		if (extents != NULL)
			unpack_ticket(key, extents, n, rsinfo, codecs);
		else
			unpack_one(start, length, rsinfo, codecs);
		reading.at = start + length;
	}
	return (Datum) 0;
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

/* tells the server's planner how many rows there are: the data is a constant to it */
Datum
unpack_rows_support(PG_FUNCTION_ARGS)
{
	Node	   *node = (Node *) PG_GETARG_POINTER(0);

	if (IsA(node, SupportRequestRows))
	{
		SupportRequestRows *request = (SupportRequestRows *) node;
		Node	   *data = is_funcclause(request->node) ?
			linitial(((FuncExpr *) request->node)->args) : NULL;

		if (data != NULL && IsA(data, Const) && !((Const *) data)->constisnull)
		{
			request->rows = count_rows(DatumGetByteaPP(((Const *) data)->constvalue));
			PG_RETURN_POINTER(request);
		}
	}
	PG_RETURN_POINTER(NULL);
}
