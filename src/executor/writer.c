/*
 * writer.c
 *	  ShardWriter: tuples in, a COPY stream per shard out.
 *
 * Rows wait in a buffer per shard, in COPY's own format, and leave as one COPY statement per
 * buffer: in-process for a copy of the shard here, else over the main connection of its node.  The
 * other side's answer is awaited only when the node is needed again, so that nodes load while more
 * rows come in.
 *
 * Invariants:
 * (1) at most one COPY per node is under way, and nobody else uses the connection meanwhile (the
 *	   writer is a registered user: it is settled when somebody needs the connection);
 * (2) bytes buffered over all shards stay below MAX_BUFFERED plus one row.
 *
 * Main path: executor_writer_put() -> flush_buffer() -> send_copy().
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

#define MAX_BUFFERED	(16 * 1024 * 1024)
#define KEPT_BUFFER		(64 * 1024) /* larger ones are freed when flushed */

static const char binary_signature[11] = "PGCOPY\n\377\r\n\0";

typedef struct WriterNode
{
	const ClusterNode *node;
	RemoteConn *conn;
	bool		pending;		/* a COPY is ended and its answer awaited */
} WriterNode;

typedef struct ShardBuffer
{
	const Shard *shard;
	List	   *placements;		/* of Placement, usable ones; lowest group first */
	bool		isLocal;		/* only here */
	StringInfoData data;		/* data.data NULL: empty */
} ShardBuffer;

struct ShardWriter
{
	MemoryContext context;
	MemoryContext rowContext;
	const DistTable *table;
	ShardRouter *router;		/* NULL: keyless */
	int			keyColumn;
	int			ncolumns;
	List	   *columnNames;	/* of String */
	char	   *columnList;		/* (a, "B"), or nothing */
	bool		binary;
	FmgrInfo   *outputs;
	ShardBuffer *buffers;		/* by shard index */
	int64		buffered;
	List	   *nodes;			/* of WriterNode */
	uint64		rows;
	ConnUser	user;
};

/* ---- receiving what is under way ---- */

/* the next answer that is not txn's; errors are raised */
static RemoteAnswerKind
receive_own(WriterNode *node)
{
	RemoteAnswer answer;

	for (;;)
	{
		remote_receive_wait(node->conn, &answer);
		if (answer.kind == REMOTE_ANSWER_LOST)
			remote_error_raise(node->conn);
		if (txn_is_own_answer(&answer))
		{
			txn_handle_answer(node->conn, &answer);
			continue;
		}
		if (answer.kind == REMOTE_ANSWER_ERROR)
			remote_error_raise(node->conn);
		return answer.kind;
	}
}

static void
settle_node(WriterNode *node)
{
	if (!node->pending)
		return;
	node->pending = false;
	if (receive_own(node) != REMOTE_ANSWER_DONE)
		elog(ERROR, "unexpected answer to the end of a COPY");
}

static bool
writer_uses(ConnUser *user, RemoteConn *conn)
{
	ShardWriter *writer = user->owner;
	ListCell   *cell;

	foreach(cell, writer->nodes)
	{
		WriterNode *node = lfirst(cell);

		if (node->pending && (conn == NULL || node->conn == conn))
			return true;
	}
	return false;
}

static void
writer_settle(ConnUser *user)
{
	ShardWriter *writer = user->owner;
	ListCell   *cell;

	foreach(cell, writer->nodes)
		settle_node(lfirst(cell));
}

/* ---- sending ---- */

static WriterNode *
node_for(ShardWriter *writer, GroupId group)
{
	const ClusterNode *node = catalog_node_of_group(group);
	WriterNode *entry;
	ListCell   *cell;

	foreach(cell, writer->nodes)
	{
		entry = lfirst(cell);
		if (entry->node->id == node->id)
			return entry;
	}
	entry = palloc0(sizeof(WriterNode));
	entry->node = node;
	writer->nodes = lappend(writer->nodes, entry);
	return entry;
}

static void
send_copy(ShardWriter *writer, WriterNode *node, ShardBuffer *buffer)
{
	RemoteCommand command = {0};

	settle_node(node);
	if (node->conn == NULL)
		node->conn = txn_main_conn(node->node);
	remote_conn_finish(node->conn);
	executor_quiesce(node->conn, &writer->user);

	txn_conn_begin(node->conn, TXN_WRITE);
	command.sql = psprintf("COPY %s %s FROM STDIN%s", catalog_shard_qualified_name(buffer->shard),
						   writer->columnList, writer->binary ? " WITH (FORMAT binary)" : "");
	command.sync = true;
	command.owner = writer;
	remote_send(node->conn, &command);
	if (receive_own(node) != REMOTE_ANSWER_COPY_IN)
		elog(ERROR, "unexpected answer to a COPY");
	remote_copy_put(node->conn, buffer->data.data, buffer->data.len);
	remote_copy_end(node->conn, NULL);
	node->pending = true;
}

/* bytes in the buffer have been sent or written: forget them, keep a small buffer */
static void
empty_buffer(ShardWriter *writer, ShardBuffer *buffer)
{
	writer->buffered -= buffer->data.len;
	if (buffer->data.maxlen > KEPT_BUFFER)
	{
		pfree(buffer->data.data);
		buffer->data.data = NULL;
		buffer->data.len = 0;
	}
	else
		resetStringInfo(&buffer->data);
}

static void
flush_buffer(ShardWriter *writer, ShardBuffer *buffer)
{
	MemoryContext caller;
	ListCell   *cell;

	if (buffer->data.data == NULL || buffer->data.len == 0)
		return;
	executor_quiesce_all(&writer->user);
	caller = MemoryContextSwitchTo(writer->context);
	if (writer->binary)
	{
		int16		trailer = pg_hton16(-1);

		appendBinaryStringInfo(&buffer->data, (char *) &trailer, sizeof(trailer));
		writer->buffered += sizeof(trailer);
	}

	foreach(cell, buffer->placements)
	{
		Placement  *placement = lfirst(cell);

		if (executor_group_is_local(placement->groupId))
			executor_copy_local(buffer->shard, writer->columnNames, writer->binary,
								buffer->data.data, buffer->data.len);
		else
			send_copy(writer, node_for(writer, placement->groupId), buffer);
	}
	empty_buffer(writer, buffer);
	MemoryContextSwitchTo(caller);
}

static void
flush_largest(ShardWriter *writer)
{
	ShardBuffer *largest = &writer->buffers[0];

	for (int i = 1; i < writer->table->nshards; i++)
	{
		if (writer->buffers[i].data.len > largest->data.len)
			largest = &writer->buffers[i];
	}
	flush_buffer(writer, largest);
}

/* ---- rows in COPY's formats ---- */

static void
append_escaped(StringInfo out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		switch (*p)
		{
			case '\b':
				appendStringInfoString(out, "\\b");
				break;
			case '\f':
				appendStringInfoString(out, "\\f");
				break;
			case '\n':
				appendStringInfoString(out, "\\n");
				break;
			case '\r':
				appendStringInfoString(out, "\\r");
				break;
			case '\t':
				appendStringInfoString(out, "\\t");
				break;
			case '\v':
				appendStringInfoString(out, "\\v");
				break;
			case '\\':
				appendStringInfoString(out, "\\\\");
				break;
			default:
				appendStringInfoCharMacro(out, *p);
		}
	}
}

static void
append_row_text(ShardWriter *writer, StringInfo out, TupleTableSlot *slot)
{
	for (int i = 0; i < writer->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, '\t');
		if (slot->tts_isnull[i])
			appendStringInfoString(out, "\\N");
		else
			append_escaped(out, OutputFunctionCall(&writer->outputs[i], slot->tts_values[i]));
	}
	appendStringInfoCharMacro(out, '\n');
}

static void
append_int32(StringInfo out, int32 value)
{
	uint32		n = pg_hton32((uint32) value);

	appendBinaryStringInfo(out, (char *) &n, sizeof(n));
}

static void
append_row_binary(ShardWriter *writer, StringInfo out, TupleTableSlot *slot)
{
	uint16		n = pg_hton16((uint16) writer->ncolumns);

	appendBinaryStringInfo(out, (char *) &n, sizeof(n));
	for (int i = 0; i < writer->ncolumns; i++)
	{
		bytea	   *bytes;

		if (slot->tts_isnull[i])
		{
			append_int32(out, -1);
			continue;
		}
		bytes = SendFunctionCall(&writer->outputs[i], slot->tts_values[i]);
		append_int32(out, VARSIZE(bytes) - VARHDRSZ);
		appendBinaryStringInfo(out, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
	}
}

static void
ensure_buffer(ShardWriter *writer, ShardBuffer *buffer)
{
	if (buffer->data.data == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(writer->context);

		initStringInfo(&buffer->data);
		MemoryContextSwitchTo(caller);
	}
	if (buffer->data.len == 0 && writer->binary)
	{
		appendBinaryStringInfo(&buffer->data, binary_signature, sizeof(binary_signature));
		append_int32(&buffer->data, 0); /* flags */
		append_int32(&buffer->data, 0); /* no extension of the header */
		writer->buffered += buffer->data.len;
	}
}

/* ---- the interface ---- */

static void
resolve_columns(ShardWriter *writer, List *columns)
{
	StringInfoData list;
	ListCell   *cell;

	writer->keyColumn = -1;
	initStringInfo(&list);
	foreach(cell, columns)
	{
		AttrNumber	attno = lfirst_int(cell);
		char	   *name = get_attname(writer->table->relid, attno, false);

		appendStringInfo(&list, "%s%s", list.len == 0 ? "(" : ", ", quote_identifier(name));
		writer->columnNames = lappend(writer->columnNames, makeString(name));
		if (attno == writer->table->keyAttno)
			writer->keyColumn = foreach_current_index(cell);
	}
	if (list.len > 0)
		appendStringInfoChar(&list, ')');
	writer->columnList = list.data;
	writer->ncolumns = list_length(columns);

	if (DIST_TABLE_HAS_KEY(writer->table) && writer->keyColumn < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("null value in distribution column \"%s\" of table \"%s\"",
						get_attname(writer->table->relid, writer->table->keyAttno, false),
						get_rel_name(writer->table->relid)),
				 errdetail("The column is not among those that are given.")));
}

static void
resolve_outputs(ShardWriter *writer, TupleDesc desc)
{
	writer->binary = executor_binary_allowed();
	for (int i = 0; i < writer->ncolumns && writer->binary; i++)
		writer->binary = executor_type_is_binary(TupleDescAttr(desc, i)->atttypid);

	writer->outputs = palloc0(sizeof(FmgrInfo) * Max(writer->ncolumns, 1));
	for (int i = 0; i < writer->ncolumns; i++)
	{
		Oid			type = TupleDescAttr(desc, i)->atttypid;
		Oid			function;
		bool		isVarlena;

		if (writer->binary)
			getTypeBinaryOutputInfo(type, &function, &isVarlena);
		else
			getTypeOutputInfo(type, &function, &isVarlena);
		fmgr_info(function, &writer->outputs[i]);
	}
}

static void
resolve_shards(ShardWriter *writer)
{
	writer->buffers = palloc0(sizeof(ShardBuffer) * Max(writer->table->nshards, 1));
	for (int i = 0; i < writer->table->nshards; i++)
	{
		ShardBuffer *buffer = &writer->buffers[i];

		buffer->shard = writer->table->shards[i];
		buffer->placements = executor_placements(buffer->shard);
		buffer->isLocal = list_length(buffer->placements) == 1 &&
			executor_group_is_local(((Placement *) linitial(buffer->placements))->groupId);
	}
}

/*
 * Allocates in a context of its own under the current one, freed by executor_writer_end().  slots
 * may have more columns than columns has.  Raises 22004 when the key is not among the columns,
 * 25006 in a read-only transaction.
 */
ShardWriter *
executor_writer_begin(const DistTable *table, List *columns, TupleDesc slotDesc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus shard writer",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ShardWriter *writer = palloc0(sizeof(ShardWriter));

	PreventCommandIfReadOnly("COPY FROM");
	writer->context = context;
	writer->rowContext = AllocSetContextCreate(context, "citus shard writer row",
											   ALLOCSET_DEFAULT_SIZES);
	writer->table = table;
	if (DIST_TABLE_HAS_KEY(table))
		writer->router = routing_router_for(table);
	resolve_columns(writer, columns);
	resolve_outputs(writer, slotDesc);
	resolve_shards(writer);

	writer->user.owner = writer;
	writer->user.uses = writer_uses;
	writer->user.settle = writer_settle;
	executor_user_register(&writer->user, context);
	MemoryContextSwitchTo(caller);
	return writer;
}

void
executor_writer_put(ShardWriter *writer, TupleTableSlot *slot)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->rowContext);
	ShardBuffer *buffer;
	int			shard = 0;
	int			before;

	executor_user_check(&writer->user);
	slot_getallattrs(slot);
	if (writer->router != NULL)
		shard = routing_shard_of_value(writer->table, writer->router,
									   slot->tts_values[writer->keyColumn],
									   slot->tts_isnull[writer->keyColumn]);

	buffer = &writer->buffers[shard];
	ensure_buffer(writer, buffer);
	before = buffer->data.len;
	if (writer->binary)
		append_row_binary(writer, &buffer->data, slot);
	else
		append_row_text(writer, &buffer->data, slot);
	writer->buffered += buffer->data.len - before;
	writer->rows++;

	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->rowContext);

	if (buffer->data.len >= (buffer->isLocal ? executor_local_flush_bytes :
							 executor_switchover_bytes))
		flush_buffer(writer, buffer);
	else if (writer->buffered >= MAX_BUFFERED)
		flush_largest(writer);	/* invariant (2) */
}

uint64
executor_writer_end(ShardWriter *writer)
{
	uint64		rows = writer->rows;

	executor_user_check(&writer->user);
	for (int i = 0; i < writer->table->nshards; i++)
		flush_buffer(writer, &writer->buffers[i]);
	writer_settle(&writer->user);
	executor_user_check(&writer->user);
	executor_user_unregister(&writer->user);
	MemoryContextDelete(writer->context);
	return rows;
}
