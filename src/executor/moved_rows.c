/*
 * moved_rows.c
 *	  Rows on their way from one shard to another, packed.
 *
 * pack_rows() runs a query beside a shard and cuts its rows into buckets by the hash of one of
 * their columns; unpack_rows() (moved_rows_read.c) gives the rows of a bucket where they are
 * needed.  In between they are bytes that nobody looks into.  pack_rows() brings them to where its
 * route says (exchange_send.c) and answers where they are; without a route, or where the way is
 * closed, they are in its answer.
 *
 * A chunk is
 *		length (4, of the whole chunk), number of rows (4), number of columns (2),
 *		how each column is written (1 each, see ColumnForm),
 *		the rows: a bit per column that is set for NULL, then the columns that are not NULL
 * and a value any number of chunks one after the other.  Numbers are in network order.  A chunk
 * may be a ticket in place of many in a file of this node (exchange_text.c).
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
#include "moved_rows_internal.h"

PG_FUNCTION_INFO_V1(pack_rows);

/* a bucket's chunk leaves when it has grown to this */
#define CHUNK_SIZE		(64 * 1024)

#define FIRST_PARAM		5		/* argument of pack_rows(), the query's own from here on */

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

/* 0: the value says how long it is */
static int
size_of_form(ColumnForm form)
{
	switch (form)
	{
		case FORM_BOOL:
			return 1;
		case FORM_2:
			return 2;
		case FORM_4:
			return 4;
		case FORM_8:
			return 8;
		default:
			return 0;
	}
}

ColumnCodec *
executor_codecs_make(TupleDesc desc, bool reads)
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
		codec->size = size_of_form(codec->form);
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
	int			room;			/* for the bits of a row, and its values of fixed size */
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

/* at: room for the value */
static inline void
write_fixed(char *at, ColumnForm form, Datum value)
{
	uint16		two;
	uint32		four;
	uint64		eight;

	switch (form)
	{
		case FORM_BOOL:
			*at = DatumGetBool(value) ? 1 : 0;
			break;
		case FORM_2:
			two = pg_hton16((uint16) DatumGetInt16(value));
			memcpy(at, &two, 2);
			break;
		case FORM_4:
			four = pg_hton32((uint32) DatumGetInt32(value));
			memcpy(at, &four, 4);
			break;
		default:
			eight = pg_hton64((uint64) DatumGetInt64(value));
			memcpy(at, &eight, 8);
			break;
	}
}

static void
append_value(StringInfo chunk, ColumnCodec *codec, Datum value)
{
	switch (codec->form)
	{
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
		default:
			elog(ERROR, "a value of fixed size is appended in place");
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
	packer->codecs = executor_codecs_make(desc, false);
	packer->room = (desc->natts + 7) / 8;
	for (int i = 0; i < desc->natts; i++)
		packer->room += packer->codecs[i].size;
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
	int			middle;
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
	/* most tables have shards of equal width, where the first guess is right */
	middle = (int) (((int64) token - PG_INT32_MIN) * packer->nbuckets >> 32);
	for (; low < high; middle = low + (high - low + 1) / 2)
	{
		if (token < packer->bounds[middle])
			high = middle - 1;
		else if (middle == high || token < packer->bounds[middle + 1])
			return middle;
		else
			low = middle + 1;
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
	/* whatever else is appended keeps room for the values of fixed size that follow */
	enlargeStringInfo(chunk, packer->room);
	memset(chunk->data + bits, 0, (natts + 7) / 8);
	chunk->len += (natts + 7) / 8;
	for (int i = 0; i < natts; i++)
	{
		ColumnCodec *codec = &packer->codecs[i];

		if (slot->tts_isnull[i])
			chunk->data[bits + i / 8] |= 1 << (i % 8);
		else if (codec->size > 0)
		{
			write_fixed(chunk->data + chunk->len, codec->form, slot->tts_values[i]);
			chunk->len += codec->size;
		}
		else
		{
			append_value(chunk, codec, slot->tts_values[i]);
			enlargeStringInfo(chunk, packer->room);
		}
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
