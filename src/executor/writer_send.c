/*
 * writer_send.c
 *	  ShardWriter: buffers of shards to their nodes.
 *
 * Rows leave as the argument of citus_internal.write_shards(), which is sent without waiting for
 * what was sent before; a node has work in its socket while this one goes on reading.  At the end
 * the rows of many shards travel in one command, so that a small write is one round trip a node.
 *
 * Invariants:
 * (1) while commands of the writer are under way on a connection, nobody else uses it (the writer
 *	   is a registered user: it is settled when somebody needs the connection);
 * (2) at most WINDOW bytes are under way on a node, plus one command, and a connection that has
 *	   bytes left to send gets no more.
 */
#include "postgres.h"
#include "catalog/pg_type.h"
#include "port/pg_bswap.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "executor/writer_internal.h"

#define FIRST_FLUSH		(64 * 1024)
#define USUAL_FLUSH		(1024 * 1024)
#define BATCH			(256 * 1024)	/* of several shards' rows, at the end */
#define WINDOW			(8 * 1024 * 1024)
#define KEPT_BUFFER		(64 * 1024) /* larger ones are freed when flushed */

#define MAX_NODES_WAITED	64

/* a command under way */
typedef struct SentRows
{
	int64		bytes;
	bool		counts;			/* not a copy of other rows */
} SentRows;

/* ---- errors in the lines of a COPY ---- */

/* the line that the server's context of a COPY names, in whatever language */
static uint64
line_of_context(const char *context, const char *table)
{
	const char *found = context == NULL ? NULL : strstr(context, table);

	if (found != NULL)
		found = strpbrk(found + strlen(table), "0123456789");
	return found == NULL ? PG_UINT64_MAX : strtou64(found, NULL, 10);
}

/* The error of a node; another may have an earlier line, which is to be told, as by one server. */
static void
keep_failure(ShardWriter *writer, WriterNode *node)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		remote_error_raise_data(node->conn);
	}
	PG_CATCH();
	{
		ErrorData  *error;
		uint64		line;

		MemoryContextSwitchTo(writer->context);
		error = CopyErrorData();
		FlushErrorState();
		line = line_of_context(error->context, get_rel_name(writer->table->relid));
		if (writer->failure == NULL || line < writer->failureLine)
		{
			writer->failure = error;
			writer->failureLine = line;
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	node->failed = true;
}

static bool
is_about_data(RemoteConn *conn)
{
	int			sqlstate;
	char	   *message = remote_error_message(conn, &sqlstate);

	pfree(message);
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/* commands behind one that failed fail, too, for they are in its transaction */
static void
take_error(ShardWriter *writer, WriterNode *node, SentRows *sent)
{
	if (!node->failed && !(writer->copy.isCopy && is_about_data(node->conn)))
		remote_error_raise(node->conn);
	if (!node->failed)
		keep_failure(writer, node);
	node->commands--;
	node->bytes -= sent->bytes;
	pfree(sent);
}

void
executor_writer_check(ShardWriter *writer)
{
	if (writer->failure == NULL)
		return;
	executor_writer_flush_all(writer);
	executor_writer_receive(writer, true);
	ReThrowError(writer->failure);
}

/* ---- receiving ---- */

static void
take_answer(ShardWriter *writer, WriterNode *node, RemoteAnswer *answer)
{
	SentRows   *sent = answer->owner;

	if (answer->kind == REMOTE_ANSWER_LOST)
		remote_error_raise(node->conn);
	if (txn_is_own_answer(answer))
	{
		txn_handle_answer(node->conn, answer);
		return;
	}
	switch (answer->kind)
	{
		case REMOTE_ANSWER_ROW:
			if (sent->counts && answer->values[0] != NULL)
				writer->rows += strtou64(answer->values[0], NULL, 10);
			break;
		case REMOTE_ANSWER_DONE:
			node->commands--;
			node->bytes -= sent->bytes;
			pfree(sent);
			break;
		case REMOTE_ANSWER_ERROR:
			take_error(writer, node, sent);
			break;
		default:
			elog(ERROR, "unexpected answer to rows of shards");
	}
}

/* what has come; raises errors of the node */
static void
receive_available(ShardWriter *writer, WriterNode *node)
{
	RemoteAnswer answer;

	while (node->commands > 0)
	{
		remote_receive(node->conn, &answer);
		if (answer.kind == REMOTE_ANSWER_NONE)
			break;
		take_answer(writer, node, &answer);
	}
}

/* waits until something happens on any node that has commands under way */
static void
wait_for_nodes(ShardWriter *writer)
{
	RemoteConn *conns[MAX_NODES_WAITED];
	bool		ready[MAX_NODES_WAITED];
	int			n = 0;
	ListCell   *cell;

	foreach(cell, writer->nodes)
	{
		WriterNode *node = lfirst(cell);

		if (node->commands > 0 && n < MAX_NODES_WAITED)
			conns[n++] = node->conn;
	}
	if (n > 0)
		remote_wait_any(conns, n, -1, ready);
}

static bool
has_commands(ShardWriter *writer)
{
	ListCell   *cell;

	foreach(cell, writer->nodes)
	{
		if (((WriterNode *) lfirst(cell))->commands > 0)
			return true;
	}
	return false;
}

void
executor_writer_receive(ShardWriter *writer, bool wait)
{
	for (;;)
	{
		ListCell   *cell;

		foreach(cell, writer->nodes)
			receive_available(writer, lfirst(cell));
		if (!wait || !has_commands(writer))
			break;
		wait_for_nodes(writer);
	}
}

bool
executor_writer_uses(ConnUser *user, RemoteConn *conn)
{
	ShardWriter *writer = user->owner;
	ListCell   *cell;

	foreach(cell, writer->nodes)
	{
		WriterNode *node = lfirst(cell);

		if (node->commands > 0 && (conn == NULL || node->conn == conn))
			return true;
	}
	return false;
}

void
executor_writer_settle(ConnUser *user)
{
	executor_writer_receive(user->owner, true);
}

/* invariant (2) */
static void
wait_for_room(ShardWriter *writer, WriterNode *node)
{
	while (node->commands > 0 && (node->bytes > WINDOW || remote_has_unsent(node->conn)))
	{
		executor_writer_receive(writer, false);
		if (node->commands > 0 && (node->bytes > WINDOW || remote_has_unsent(node->conn)))
			wait_for_nodes(writer);
	}
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

/* the connection, with a transaction on it, and room for a command */
static void
prepare_node(ShardWriter *writer, WriterNode *node)
{
	wait_for_room(writer, node);
	if (node->conn == NULL)
	{
		node->conn = txn_main_conn(node->node);
		remote_conn_finish(node->conn);
	}
	executor_quiesce(node->conn, &writer->user);
	/* with commands of ours under way it has begun; a savepoint would have settled them */
	if (node->commands == 0)
		txn_conn_begin(node->conn, TXN_WRITE);
}

/* rows of some shards on their way to one node */
typedef struct Batch
{
	int			n;
	StringInfoData shards;		/* arrays, as text */
	StringInfoData ends;
	StringInfoData lineEnds;
	StringInfoData data;		/* of several shards; a single one's is not copied */
	StringInfoData lines;
	const ShardBuffer *only;
	int			lineEnd;		/* the same for all */
} Batch;

static void
begin_batch(Batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	initStringInfo(&batch->shards);
	initStringInfo(&batch->ends);
	initStringInfo(&batch->lineEnds);
	initStringInfo(&batch->data);
	initStringInfo(&batch->lines);
}

static void
free_batch(Batch *batch)
{
	pfree(batch->shards.data);
	pfree(batch->ends.data);
	pfree(batch->lineEnds.data);
	pfree(batch->data.data);
	pfree(batch->lines.data);
}

static void
add_to_batch(Batch *batch, const ShardBuffer *buffer)
{
	char		before = batch->n == 0 ? '{' : ',';
	int			offset = batch->data.len;
	int			lineOffset = batch->lines.len;

	if (batch->n++ == 0)
	{
		batch->only = buffer;
		batch->lineEnd = buffer->lineEnd;
	}
	else
	{
		if (batch->only != NULL)
		{
			appendBinaryStringInfo(&batch->data, batch->only->data.data, batch->only->data.len);
			appendBinaryStringInfo(&batch->lines, batch->only->lines.data,
								   batch->only->lines.len);
			batch->only = NULL;
			offset = batch->data.len;
			lineOffset = batch->lines.len;
		}
		appendBinaryStringInfo(&batch->data, buffer->data.data, buffer->data.len);
		appendBinaryStringInfo(&batch->lines, buffer->lines.data, buffer->lines.len);
	}
	appendStringInfo(&batch->shards, "%c" INT64_FORMAT, before, (int64) buffer->shard->id);
	appendStringInfo(&batch->ends, "%c%d", before, offset + buffer->data.len);
	appendStringInfo(&batch->lineEnds, "%c%d", before, lineOffset + buffer->lines.len);
}

static void
send_batch(ShardWriter *writer, WriterNode *node, Batch *batch, bool counts)
{
	const StringInfoData *data = batch->only ? &batch->only->data : &batch->data;
	const StringInfoData *lines = batch->only ? &batch->only->lines : &batch->lines;
	Oid			types[] = {TEXTOID, INT4OID, INT8ARRAYOID, INT8ARRAYOID, BYTEAOID,
	INT8ARRAYOID, BYTEAOID};
	int			formats[] = {0, 0, 0, 0, 1, 0, 1};
	int			lengths[] = {0, 0, 0, 0, data->len, 0, lines->len};
	char	   *lineEnd = psprintf("%d", batch->lineEnd);
	const char *values[lengthof(types)];
	RemoteCommand command = {0};
	SentRows   *sent;

	appendStringInfoChar(&batch->shards, '}');
	appendStringInfoChar(&batch->ends, '}');
	appendStringInfoChar(&batch->lineEnds, '}');
	values[0] = writer->copy.text;
	values[1] = lineEnd;
	values[2] = batch->shards.data;
	values[3] = batch->ends.data;
	values[4] = data->data;
	values[5] = writer->copy.isCopy ? batch->lineEnds.data : NULL;
	values[6] = writer->copy.isCopy ? lines->data : NULL;

	if (node->failed)
		return;
	prepare_node(writer, node);
	if (node->failed)
		return;
	command.sql = BASE_NODE_SELECT "citus_internal.write_shards($1, $2, $3, $4, $5, $6, $7)";
	command.statementName = "citus_write_shards";
	command.nparams = lengthof(types);
	command.paramTypes = types;
	command.paramValues = values;
	command.paramLengths = lengths;
	command.paramFormats = formats;
	command.sync = true;
	sent = palloc(sizeof(SentRows));
	command.owner = sent;
	sent->bytes = data->len;
	sent->counts = counts;
	remote_send(node->conn, &command);
	node->commands++;
	node->bytes += sent->bytes;
}

static void
copy_here(ShardWriter *writer, const ShardBuffer *buffer, bool counts)
{
	ShardRows	rows;
	uint64		count;

	rows.shard = buffer->shard;
	rows.data = buffer->data.data;
	rows.length = buffer->data.len;
	rows.lines = buffer->lines.data;
	rows.linesLength = buffer->lines.len;
	rows.lineEnd = buffer->lineEnd;
	count = executor_shard_copy_here(&writer->copy, &rows);
	if (counts)
		writer->rows += count;
}

/* ---- flushing ---- */

void
executor_writer_next_flush(ShardBuffer *buffer)
{
	/* not all shards at once, which would come in bursts */
	int			most = buffer->isLocal ? executor_local_flush_bytes :
		Min(executor_switchover_bytes, USUAL_FLUSH);
	int			first = FIRST_FLUSH + FIRST_FLUSH / 16 * (buffer->shard->index % 16);

	buffer->flushAt = Min(most, buffer->flushAt == 0 ? first : buffer->flushAt * 2);
}

static bool
is_empty(const ShardBuffer *buffer)
{
	return buffer->data.data == NULL || buffer->data.len == 0;
}

static void
end_rows(ShardWriter *writer, ShardBuffer *buffer)
{
	int16		trailer = pg_hton16(-1);

	if (!writer->binary)
		return;
	appendBinaryStringInfo(&buffer->data, (char *) &trailer, sizeof(trailer));
	writer->buffered += sizeof(trailer);
}

/* bytes in the buffer have been sent or written: forget them, keep a small buffer */
static void
empty_buffer(ShardWriter *writer, ShardBuffer *buffer)
{
	writer->buffered -= buffer->data.len;
	resetStringInfo(&buffer->lines);
	buffer->lastLine = 0;
	if (buffer->data.maxlen > KEPT_BUFFER && buffer->data.maxlen > 2 * buffer->flushAt)
	{
		pfree(buffer->data.data);
		pfree(buffer->lines.data);
		buffer->data.data = NULL;
		buffer->data.len = 0;
	}
	else
		resetStringInfo(&buffer->data);
	executor_writer_next_flush(buffer);
}

void
executor_writer_flush(ShardWriter *writer, ShardBuffer *buffer)
{
	MemoryContext caller;
	ListCell   *cell;

	if (is_empty(buffer))
		return;
	executor_quiesce_all(&writer->user);
	caller = MemoryContextSwitchTo(writer->context);
	end_rows(writer, buffer);
	foreach(cell, buffer->placements)
	{
		GroupId		group = ((Placement *) lfirst(cell))->groupId;
		bool		counts = foreach_current_index(cell) == 0;
		Batch		batch;

		if (executor_group_is_local(group))
		{
			copy_here(writer, buffer, counts);
			continue;
		}
		begin_batch(&batch);
		add_to_batch(&batch, buffer);
		send_batch(writer, node_for(writer, group), &batch, counts);
		free_batch(&batch);
	}
	empty_buffer(writer, buffer);
	MemoryContextSwitchTo(caller);
}

/* the copies of rows that are the nth of their shards, on one node */
static void
flush_copies(ShardWriter *writer, int nth, GroupId group)
{
	Batch		batch;

	begin_batch(&batch);
	for (int i = 0; i < writer->table->nshards; i++)
	{
		ShardBuffer *buffer = &writer->buffers[i];

		if (is_empty(buffer) || nth >= list_length(buffer->placements) ||
			((Placement *) list_nth(buffer->placements, nth))->groupId != group)
			continue;
		if (executor_group_is_local(group))
		{
			copy_here(writer, buffer, nth == 0);
			continue;
		}
		if (batch.n > 0 && batch.lineEnd != buffer->lineEnd)
		{
			send_batch(writer, node_for(writer, group), &batch, nth == 0);
			free_batch(&batch);
			begin_batch(&batch);
		}
		add_to_batch(&batch, buffer);
		if (batch.data.len + (batch.only ? batch.only->data.len : 0) < BATCH)
			continue;
		send_batch(writer, node_for(writer, group), &batch, nth == 0);
		free_batch(&batch);
		begin_batch(&batch);
	}
	if (batch.n > 0)
		send_batch(writer, node_for(writer, group), &batch, nth == 0);
	free_batch(&batch);
}

/* groups of the nth placements, each once; local ones last: the others work meanwhile */
static List *
groups_of_copies(ShardWriter *writer, int nth)
{
	List	   *groups = NIL;
	int			local = -1;

	for (int i = 0; i < writer->table->nshards; i++)
	{
		List	   *placements = writer->buffers[i].placements;
		GroupId		group;

		if (nth >= list_length(placements))
			continue;
		group = ((Placement *) list_nth(placements, nth))->groupId;
		if (executor_group_is_local(group))
			local = group;
		else
			groups = list_append_unique_int(groups, group);
	}
	return local < 0 ? groups : lappend_int(groups, local);
}

void
executor_writer_flush_all(ShardWriter *writer)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->context);

	executor_quiesce_all(&writer->user);
	for (int i = 0; i < writer->table->nshards; i++)
	{
		if (!is_empty(&writer->buffers[i]))
			end_rows(writer, &writer->buffers[i]);
	}
	for (int nth = 0; nth < writer->maxPlacements; nth++)
	{
		ListCell   *cell;

		foreach(cell, groups_of_copies(writer, nth))
			flush_copies(writer, nth, lfirst_int(cell));
	}
	for (int i = 0; i < writer->table->nshards; i++)
	{
		if (!is_empty(&writer->buffers[i]))
			empty_buffer(writer, &writer->buffers[i]);
	}
	MemoryContextSwitchTo(caller);
}
