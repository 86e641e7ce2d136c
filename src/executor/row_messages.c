/*
 * row_messages.c
 *	  Rows as the client will get them, made beside the shards.
 *
 * row_messages() runs a query and gives its rows as DataRow messages of the protocol, many of them
 * in one value, so that the node that the client is connected to need not look into them
 * (forward.c).  A value is any number of
 *		length (4, network order), the message's body: number of columns, for each its length, or
 *		-1 for NULL, and its bytes
 * Values are in the form that the client asked for, by the type's output or send function.  Text
 * is in the encoding that the caller names; the settings that it depends on travel anyway.
 *
 * The rows stream: a portal of the query is read until a value is full, when one is asked for.  It
 * is read a few rows at a time, the fewer the longer they are; where they become long all of a
 * sudden, what is full waits behind the value that is given out.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "executor/executor_internal.h"

PG_FUNCTION_INFO_V1(row_messages);

#define FULL_VALUE		(32 * 1024)
#define MAX_ROWS_AT_ONCE	64
#define ENCODING_PARAM	3		/* argument of row_messages(); the query's own follow */

typedef struct MessageWriter
{
	DestReceiver pub;
	char	   *portalName;
	bool		binary;
	int			encoding;		/* of text */
	int			natts;
	Oid		   *types;
	FmgrInfo   *functions;		/* send or output */
	MemoryContext rowContext;
	MemoryContext context;		/* of what follows */
	StringInfoData value;
	List	   *full;			/* of bytea, made before value */
	long		rowsAtOnce;
	bool		atEnd;
} MessageWriter;

static void
append_field(StringInfo value, const char *data, int length)
{
	uint32		size = pg_hton32(length);

	appendBinaryStringInfo(value, (char *) &size, sizeof(size));
	appendBinaryStringInfo(value, data, length);
}

static void
append_text(MessageWriter *writer, const char *text, int length)
{
	char	   *converted = pg_server_to_any(text, length, writer->encoding);

	if (converted != text)
		length = strlen(converted);
	append_field(&writer->value, converted, length);
}

static void
append_datum(MessageWriter *writer, int column, Datum datum)
{
	FmgrInfo   *function = &writer->functions[column];
	char		digits[MAXINT8LEN + 1];

	if (writer->binary)
	{
		bytea	   *bytes = SendFunctionCall(function, datum);

		append_field(&writer->value, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
		return;
	}
	switch (writer->types[column])
	{
		case INT4OID:
			append_field(&writer->value, digits, pg_ltoa(DatumGetInt32(datum), digits));
			break;
		case INT8OID:
			append_field(&writer->value, digits, pg_lltoa(DatumGetInt64(datum), digits));
			break;
		case TEXTOID:
		case VARCHAROID:
			{
				struct varlena *bytes = PG_DETOAST_DATUM_PACKED(datum);

				append_text(writer, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
			}
			break;
		default:
			{
				char	   *text = OutputFunctionCall(function, datum);

				append_text(writer, text, strlen(text));
			}
			break;
	}
}

/* the value as it is, in the current memory context; the next one begins */
static bytea *
take_value(MessageWriter *writer)
{
	bytea	   *result = (bytea *) cstring_to_text_with_len(writer->value.data, writer->value.len);

	resetStringInfo(&writer->value);
	return result;
}

static void
message_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static bool
message_receive(TupleTableSlot *slot, DestReceiver *self)
{
	MessageWriter *writer = (MessageWriter *) self;
	StringInfo	value = &writer->value;
	MemoryContext caller = MemoryContextSwitchTo(writer->context);
	int			start;
	uint32		length;
	uint16		natts = pg_hton16(writer->natts);

	if (value->len >= FULL_VALUE)
		writer->full = lappend(writer->full, take_value(writer));
	start = value->len;
	MemoryContextSwitchTo(writer->rowContext);
	slot_getallattrs(slot);
	appendStringInfoSpaces(value, sizeof(length));
	appendBinaryStringInfo(value, (char *) &natts, sizeof(natts));
	for (int i = 0; i < writer->natts; i++)
	{
		uint32		null = pg_hton32((uint32) -1);

		if (slot->tts_isnull[i])
			appendBinaryStringInfo(value, (char *) &null, sizeof(null));
		else
			append_datum(writer, i, slot->tts_values[i]);
	}
	length = pg_hton32(value->len - start - sizeof(length));
	memcpy(value->data + start, &length, sizeof(length));
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->rowContext);
	return true;
}

static void
message_nothing(DestReceiver *self)
{
}

/* the rows must be those that the other node's plan is about */
static void
set_columns(MessageWriter *writer, TupleDesc desc, ArrayType *types)
{
	Oid		   *expected = (Oid *) ARR_DATA_PTR(types);
	Oid			function;
	bool		isVarlena;

	if (ARR_HASNULL(types) || ARR_ELEMTYPE(types) != OIDOID ||
		ArrayGetNItems(ARR_NDIM(types), ARR_DIMS(types)) != desc->natts)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the query does not have the expected number of columns")));
	writer->natts = desc->natts;
	writer->types = palloc(sizeof(Oid) * Max(desc->natts, 1));
	writer->functions = palloc(sizeof(FmgrInfo) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Oid			type = TupleDescAttr(desc, i)->atttypid;

		if (type != expected[i])
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column %d of the query has type %s where type %s was expected",
							i + 1, format_type_be(type), format_type_be(expected[i]))));
		if (writer->binary)
			getTypeBinaryOutputInfo(type, &function, &isVarlena);
		else
			getTypeOutputInfo(type, &function, &isVarlena);
		writer->types[i] = type;
		fmgr_info(function, &writer->functions[i]);
	}
}

static void
close_portal(Datum arg)
{
	MessageWriter *writer = (MessageWriter *) DatumGetPointer(arg);
	Portal		portal = writer->portalName == NULL ? NULL : GetPortalByName(writer->portalName);

	writer->portalName = NULL;
	if (PortalIsValid(portal))
		SPI_cursor_close(portal);
}

/* with the arguments behind the encoding as parameters */
static Portal
open_portal(FunctionCallInfo fcinfo)
{
	SPIParseOpenOptions options = {0};
	Portal		portal;

	options.params = executor_wrapped_params(fcinfo, ENCODING_PARAM + 1);
	options.cursorOptions = CURSOR_OPT_NO_SCROLL;
	options.read_only = true;
	SPI_connect();
	portal = SPI_cursor_parse_open(NULL, text_to_cstring(PG_GETARG_TEXT_PP(0)), &options);
	SPI_finish();
	return portal;
}

static MessageWriter *
begin_messages(FunctionCallInfo fcinfo, MemoryContext context)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MessageWriter *writer = MemoryContextAllocZero(context, sizeof(MessageWriter));
	MemoryContext caller;
	Portal		portal;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(ENCODING_PARAM) ||
		get_fn_expr_argtype(fcinfo->flinfo, ENCODING_PARAM) != INT4OID)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query, types, form and encoding must not be null")));
	writer->binary = PG_GETARG_BOOL(2);
	writer->encoding = PG_GETARG_INT32(ENCODING_PARAM);
	if (!PG_VALID_ENCODING(writer->encoding))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d is not the number of an encoding", writer->encoding)));
	writer->pub.receiveSlot = message_receive;
	writer->pub.rStartup = message_startup;
	writer->pub.rShutdown = message_nothing;
	writer->pub.rDestroy = message_nothing;
	writer->pub.mydest = DestTuplestore;

	portal = open_portal(fcinfo);
	caller = MemoryContextSwitchTo(context);
	writer->portalName = pstrdup(portal->name);
	RegisterExprContextCallback(rsinfo->econtext, close_portal, PointerGetDatum(writer));
	if (portal->tupDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("messages are made of the rows of queries only")));
	set_columns(writer, portal->tupDesc, PG_GETARG_ARRAYTYPE_P(1));
	initStringInfo(&writer->value);
	writer->context = context;
	writer->rowsAtOnce = 1;
	writer->rowContext = AllocSetContextCreate(context, "citus row message",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(caller);
	return writer;
}

/* reads on until a value is full, or all rows have been read */
static void
fill_value(MessageWriter *writer)
{
	while (!writer->atEnd && writer->value.len < FULL_VALUE)
	{
		Portal		portal = GetPortalByName(writer->portalName);
		int			before = writer->value.len;
		long		rows = writer->rowsAtOnce;

		if (!PortalIsValid(portal))
			elog(ERROR, "the portal of a query is gone");
		writer->atEnd = PortalRunFetch(portal, FETCH_FORWARD, rows, &writer->pub) < rows;
		if (writer->full != NIL)
		{
			writer->rowsAtOnce = 1;
			return;
		}
		writer->rowsAtOnce = FULL_VALUE / ((writer->value.len - before) / rows + 1);
		writer->rowsAtOnce = Max(1, Min(MAX_ROWS_AT_ONCE, writer->rowsAtOnce));
	}
}

/*
 * row_messages(query text, types oid[], binary boolean, VARIADIC parameters "any"): the query's
 * rows as messages.  The first of parameters is not the query's: it is the encoding of text.
 */
Datum
row_messages(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FuncCallContext *call;
	MessageWriter *writer;
	Datum		result;

	if (SRF_IS_FIRSTCALL())
	{
		if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
			(rsinfo->allowedModes & SFRM_ValuePerCall) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("set-valued function called in context that cannot accept a set")));
		call = SRF_FIRSTCALL_INIT();
		call->user_fctx = begin_messages(fcinfo, call->multi_call_memory_ctx);
	}
	call = SRF_PERCALL_SETUP();
	writer = call->user_fctx;
	if (writer->full == NIL)
		fill_value(writer);
	if (writer->full != NIL)
	{
		bytea	   *first = linitial(writer->full);

		result = datumCopy(PointerGetDatum(first), false, -1);
		writer->full = list_delete_first(writer->full);
		pfree(first);
		SRF_RETURN_NEXT(call, result);
	}
	if (writer->value.len == 0)
	{
		UnregisterExprContextCallback(rsinfo->econtext, close_portal, PointerGetDatum(writer));
		close_portal(PointerGetDatum(writer));
		SRF_RETURN_DONE(call);
	}
	result = PointerGetDatum(take_value(writer));
	SRF_RETURN_NEXT(call, result);
}
