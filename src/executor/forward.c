/*
 * forward.c
 *	  Many rows for the client that are passed on as they come.
 *
 * Where a query is a fragment's rows and nothing else, and many of them are expected, the tasks
 * give messages for the client in place of rows (row_messages.c), and this node passes them on
 * without reading a value.  The server's executor runs as ever: each row is a slot whose values
 * nobody looks at, and a receiver before the client's sends the message that it stands for.
 *
 * Invariant: a slot whose row is a message reaches our receiver only: the scan is the whole plan,
 * has no condition and no projection, runs once and to its end, and keeps no rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "port/pg_bswap.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/portal.h"

#include "citus/executor/executor.h"
#include "executor/executor_internal.h"

/* fewer rows are not worth it */
#define MANY_ROWS		5000.0

#define OWN_PARAMS		4
#define DATA_ROW		'D'

struct ForwardedRows
{
	DestReceiver pub;
	DestReceiver *client;
	bool		binary;
	int			natts;
	const char *at;				/* messages that have come */
	const char *end;
	const char *message;		/* that the scan's slot stands for; NULL: the slot has values */
	int			length;
};

/* ---- where it is right ---- */

/* true for types whose text is the same on all nodes, given the settings that travel */
static bool
type_has_one_text(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case BYTEAOID:
		case UUIDOID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case JSONOID:
		case JSONBOID:
			return true;
		default:
			return false;
	}
}

/* what the client wants each column in; false: not all in the same form, or in another one */
static bool
form_is_uniform(const int16 *formats, TupleDesc desc, bool *binary)
{
	*binary = formats != NULL && desc->natts > 0 && formats[0] == 1;
	for (int i = 0; i < desc->natts; i++)
	{
		Oid			type = TupleDescAttr(desc, i)->atttypid;

		if (TupleDescAttr(desc, i)->attisdropped || (formats != NULL && formats[i] != *binary))
			return false;
		if (*binary ? !executor_type_is_binary(type) : !type_has_one_text(type))
			return false;
	}
	return true;
}

static bool
scan_may_forward(const DistScanState *state)
{
	const Fragment *fragment = state->plan->fragment;
	const PlanState *ps = &state->css.ss.ps;

	return state->plan->kind == DIST_PLAN_FRAGMENT && state->phase == SCAN_NEW &&
		state->reader != NULL && !state->keep && !state->hasAll && state->tasks == NIL &&
		state->css.ss.ss_currentRelation == NULL && ps->ps_ProjInfo == NULL && ps->qual == NULL &&
		ps->plan->plan_rows >= MANY_ROWS && state->user.subid == GetCurrentSubTransactionId() &&
		fragment->command == CMD_SELECT && !fragment->hasRowLocks && !fragment->hasModifyingCte &&
		fragment->movements == NIL && fragment->sortKeys == NIL && fragment->all == NULL &&
		!fragment->unforced;
}

static void
forward_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	ForwardedRows *rows = (ForwardedRows *) self;

	rows->client->rStartup(rows->client, operation, desc);
}

static void
forward_shutdown(DestReceiver *self)
{
	ForwardedRows *rows = (ForwardedRows *) self;

	rows->client->rShutdown(rows->client);
}

static bool
forward_receive(TupleTableSlot *slot, DestReceiver *self)
{
	ForwardedRows *rows = (ForwardedRows *) self;
	StringInfoData message;

	if (rows->message == NULL)
		return rows->client->receiveSlot(slot, rows->client);
	/* bytes are sent from where they are; a buffer's cursor is its message's type (pqformat.c) */
	message.data = unconstify(char *, rows->message);
	message.len = message.maxlen = rows->length;
	message.cursor = DATA_ROW;
	pq_endmessage_reuse(&message);
	rows->message = NULL;
	return true;
}

static void
forward_nothing(DestReceiver *self)
{
}

/*
 * executor_forward_begin
 *		A receiver to run the query with, in place of its own, or NULL: its rows are not forwarded.
 *		count: of the rows that are wanted now; 0: all.  Allocates in the query's memory.
 */
DestReceiver *
executor_forward_begin(QueryDesc *query, ScanDirection direction, uint64 count)
{
	DistScanState *state = executor_scan_of(query->planstate);
	ForwardedRows *rows;
	bool		binary;

	if (state == NULL || count != 0 || !ScanDirectionIsForward(direction) ||
		query->operation != CMD_SELECT || query->instrument_options != 0 ||
		(query->dest->mydest != DestRemote && query->dest->mydest != DestRemoteExecute) ||
		query->estate->es_junkFilter != NULL || ActivePortal == NULL ||
		ActivePortal->queryDesc != query || !executor_binary_allowed() ||
		!scan_may_forward(state) ||
		!form_is_uniform(ActivePortal->formats, query->tupDesc, &binary))
		return NULL;

	rows = MemoryContextAllocZero(query->estate->es_query_cxt, sizeof(ForwardedRows));
	rows->pub.receiveSlot = forward_receive;
	rows->pub.rStartup = forward_startup;
	rows->pub.rShutdown = forward_shutdown;
	rows->pub.rDestroy = forward_nothing;
	rows->pub.mydest = query->dest->mydest;
	rows->client = query->dest;
	rows->binary = binary;
	rows->natts = query->tupDesc->natts;
	state->forwarded = rows;
	return &rows->pub;
}

/* ---- the tasks ---- */

static Datum
types_of(TupleDesc desc)
{
	Datum	   *types = palloc(sizeof(Datum) * Max(desc->natts, 1));

	for (int i = 0; i < desc->natts; i++)
		types[i] = ObjectIdGetDatum(TupleDescAttr(desc, i)->atttypid);
	return PointerGetDatum(construct_array(types, desc->natts, OIDOID, sizeof(Oid), true,
										   TYPALIGN_INT));
}

/* the tasks, wrapped; NIL when one of them runs here, and its rows would not be messages */
static List *
wrap_tasks(DistScanState *state)
{
	const ForwardedRows *rows = state->forwarded;
	Datum		types = types_of(state->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor);
	StringInfoData sql;
	List	   *wrapped = NIL;
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT citus_internal.row_messages($1::text, $2::oid[], "
						   "$3::boolean, $4::integer");
	executor_wrap_arguments(&sql, state->plan->fragment->params, OWN_PARAMS);
	foreach(cell, state->tasks)
	{
		ExecutorTask *task = memcpy(palloc(sizeof(ExecutorTask)), lfirst(cell),
									sizeof(ExecutorTask));
		ExecutorParams *params = executor_params_behind(task->params, OWN_PARAMS);

		if (task->local)
			return NIL;
		params->types[0] = TEXTOID;
		params->values[0] = CStringGetTextDatum(task->sql);
		params->types[1] = OIDARRAYOID;
		params->values[1] = types;
		params->types[2] = BOOLOID;
		params->values[2] = BoolGetDatum(rows->binary);
		params->types[3] = INT4OID;
		params->values[3] = Int32GetDatum(GetDatabaseEncoding());
		task->sql = sql.data;
		task->statementName = NULL;
		task->params = params;
		wrapped = lappend(wrapped, task);
	}
	return wrapped;
}

/*
 * executor_forward_start
 *		The tasks of a scan that begins to run are those that give messages.  False when the scan
 *		is not forwarded after all.  In the run's memory.
 */
bool
executor_forward_start(DistScanState *state)
{
	List	   *wrapped;

	if (state->forwarded == NULL)
		return false;
	wrapped = wrap_tasks(state);
	if (wrapped == NIL)
	{
		state->forwarded = NULL;
		return false;
	}
	state->running = wrapped;
	return true;
}

/* ---- the rows ---- */

static void
damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("rows of another node are not messages for the client")));
}

static void
take_message(ForwardedRows *rows)
{
	uint32		length;
	uint16		natts;

	if (rows->end - rows->at < (int) (sizeof(length) + sizeof(natts)))
		damaged();
	memcpy(&length, rows->at, sizeof(length));
	rows->at += sizeof(length);
	length = pg_ntoh32(length);
	memcpy(&natts, rows->at, sizeof(natts));
	if (length > rows->end - rows->at || pg_ntoh16(natts) != rows->natts)
		damaged();
	rows->message = rows->at;
	rows->length = length;
	rows->at += length;
}

/*
 * executor_forward_next
 *		The next row of a scan whose rows are forwarded, as a slot without values; false at the end.
 *		What has come lies in the connection's memory until the next answer is asked for.
 */
bool
executor_forward_next(DistScanState *state, TupleTableSlot *slot)
{
	ForwardedRows *rows = state->forwarded;
	RemoteAnswer answer;

	ExecClearTuple(slot);
	while (rows->at == rows->end)
	{
		if (executor_scan_next_answer(state, &answer) == NULL)
			return false;
		if (answer.ncolumns != 1 || answer.values[0] == NULL || !answer.binary)
			damaged();
		rows->at = answer.values[0];
		rows->end = rows->at + answer.lengths[0];
	}
	take_message(rows);
	ExecStoreAllNullTuple(slot);
	return true;
}
