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

#define MAX_SPARE			16	/* buffers */

#define MAX_NODES_WAITED	64

/* a command under way */
typedef struct SentRows
{
	int64		bytes;
	bool		counts;			/* not a copy of other rows */
	KeptRows   *kept;			/* of a COPY; NULL of copies */
} SentRows;

/* ---- rows that are kept until they have been read ---- */

static void
add_unread(ShardWriter *writer, KeptRows *kept)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->context);

	writer->unread = lappend(writer->unread, kept);
	MemoryContextSwitchTo(caller);
}

/* the shard has read them: their buffers serve others */
void
executor_writer_recycle(ShardWriter *writer, KeptRows *kept)
{
	MemoryContext caller;
	StringInfo	spare;

	if (kept == NULL)
		return;
	if (kept->data.maxlen <= 2 * USUAL_FLUSH && list_length(writer->spare) < MAX_SPARE)
	{
		caller = MemoryContextSwitchTo(writer->context);
		spare = palloc(sizeof(StringInfoData));
		*spare = kept->data;
		writer->spare = lappend(writer->spare, spare);
		MemoryContextSwitchTo(caller);
	}
	else
		pfree(kept->data.data);
	pfree(kept->lines.data);
	pfree(kept->parts);
	pfree(kept);
}

static void
forget_sent(ShardWriter *writer, WriterNode *node, SentRows *sent)
{
	node->commands--;
	node->bytes -= sent->bytes;
	pfree(sent);
}

/* ---- errors ---- */

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
		MemoryContextSwitchTo(caller);
		executor_writer_keep_failure(writer);
	}
	PG_END_TRY();
	node->failed = true;
}

static bool
is_wrong_line(ShardWriter *writer, RemoteConn *conn)
{
	int			sqlstate;
	char	   *message = remote_error_message(conn, &sqlstate);

	pfree(message);
	return executor_writer_is_wrong_line(writer, sqlstate);
}

/* commands behind one that failed fail, too, for they are in its transaction */
static void
take_error(ShardWriter *writer, WriterNode *node, SentRows *sent)
{
	if (!node->failed && !is_wrong_line(writer, node->conn))
	{
		(void) executor_enter_role(writer->role);
		remote_error_raise(node->conn);
	}
	if (!node->failed)
		keep_failure(writer, node);
	if (sent->kept != NULL)
		add_unread(writer, sent->kept);
	forget_sent(writer, node, sent);
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
			executor_writer_recycle(writer, sent->kept);
			forget_sent(writer, node, sent);
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
	StringInfoData data;		/* of several shards; a single one's need not be copied */
	StringInfoData lines;
	ShardRows  *parts;			/* lengths only */
	const ShardBuffer *only;
	int			lineEnd;		/* the same for all */
} Batch;

/* nshards: the most that are to be added */
static void
begin_batch(Batch *batch, int nshards)
{
	memset(batch, 0, sizeof(*batch));
	initStringInfo(&batch->shards);
	initStringInfo(&batch->ends);
	initStringInfo(&batch->lineEnds);
	initStringInfo(&batch->data);
	initStringInfo(&batch->lines);
	batch->parts = palloc(sizeof(ShardRows) * nshards);
}

static void
free_batch(Batch *batch)
{
	pfree(batch->shards.data);
	pfree(batch->ends.data);
	pfree(batch->lineEnds.data);
	if (batch->data.data == NULL)
		return;					/* kept */
	pfree(batch->data.data);
	pfree(batch->lines.data);
	pfree(batch->parts);
}

static void
add_to_batch(Batch *batch, const ShardBuffer *buffer)
{
	char		before = batch->n == 0 ? '{' : ',';
	ShardRows  *part = &batch->parts[batch->n++];

	memset(part, 0, sizeof(*part));
	part->shard = buffer->shard;
	part->length = buffer->data.len;
	part->linesLength = buffer->lines.len;
	part->lineEnd = batch->lineEnd = buffer->lineEnd;
	appendStringInfo(&batch->shards, "%c" INT64_FORMAT, before, (int64) buffer->shard->id);
	appendStringInfo(&batch->ends, "%c%d", before, batch->data.len + part->length);
	appendStringInfo(&batch->lineEnds, "%c%d", before, batch->lines.len + part->linesLength);
}

/* as the last of several */
static void
add_copy_to_batch(Batch *batch, const ShardBuffer *buffer)
{
	add_to_batch(batch, buffer);
	appendBinaryStringInfo(&batch->data, buffer->data.data, buffer->data.len);
	appendBinaryStringInfo(&batch->lines, buffer->lines.data, buffer->lines.len);
}

/* NULL: the node has refused earlier rows, and takes no more */
static SentRows *
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
		return NULL;
	prepare_node(writer, node);
	if (node->failed)
		return NULL;
	command.sql = BASE_NODE_SELECT "citus_internal.write_shards($1, $2, $3, $4, $5, $6, $7)";
	command.statementName = "citus_write_shards";
	command.nparams = lengthof(types);
	command.paramTypes = types;
	command.paramValues = values;
	command.paramLengths = lengths;
	command.paramFormats = formats;
	command.sync = true;
	sent = palloc0(sizeof(SentRows));
	command.owner = sent;
	sent->bytes = data->len;
	sent->counts = counts;
	remote_send(node->conn, &command);
	node->commands++;
	node->bytes += sent->bytes;
	return sent;
}

static void
run_copy_here(ShardWriter *writer, const ShardBuffer *buffer, bool counts)
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

/* false: an earlier COPY has failed here, the rows have not been looked at */
static bool
copy_here(ShardWriter *writer, const ShardBuffer *buffer, bool counts)
{
	MemoryContext caller = CurrentMemoryContext;

	if (writer->failedHere)
		return false;
	PG_TRY();
	{
		run_copy_here(writer, buffer, counts);
	}
	PG_CATCH();
	{
		if (!executor_writer_is_wrong_line(writer, geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		executor_writer_keep_failure(writer);
		writer->failedHere = true;
	}
	PG_END_TRY();
	return true;
}

/* sent NULL: nobody is going to read them */
static void
keep_rows(ShardWriter *writer, SentRows *sent, KeptRows *kept)
{
	if (sent == NULL)
		add_unread(writer, kept);
	else
		sent->kept = kept;
}

/* the buffer is without its rows then */
static KeptRows *
take_rows(ShardWriter *writer, ShardBuffer *buffer)
{
	KeptRows   *kept = palloc0(sizeof(KeptRows));

	kept->parts = palloc0(sizeof(ShardRows));
	kept->nparts = 1;
	kept->parts[0].shard = buffer->shard;
	kept->parts[0].length = buffer->data.len;
	kept->parts[0].linesLength = buffer->lines.len;
	kept->parts[0].lineEnd = buffer->lineEnd;
	kept->data = buffer->data;
	kept->lines = buffer->lines;
	writer->buffered -= buffer->data.len;
	memset(&buffer->data, 0, sizeof(buffer->data));
	memset(&buffer->lines, 0, sizeof(buffer->lines));
	return kept;
}

static KeptRows *
take_batch(Batch *batch)
{
	KeptRows   *kept = palloc(sizeof(KeptRows));

	kept->data = batch->data;
	kept->lines = batch->lines;
	kept->nparts = batch->n;
	kept->parts = batch->parts;
	batch->data.data = NULL;
	return kept;
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
	buffer->lastLine = 0;
	executor_writer_next_flush(buffer);
	if (buffer->data.data == NULL)
		return;
	writer->buffered -= buffer->data.len;
	resetStringInfo(&buffer->lines);
	if (buffer->data.maxlen > KEPT_BUFFER && buffer->data.maxlen > 2 * buffer->flushAt)
	{
		pfree(buffer->data.data);
		pfree(buffer->lines.data);
		buffer->data.data = NULL;
		buffer->data.len = 0;
	}
	else
		resetStringInfo(&buffer->data);
}

/* the rows of a shard that is on one node */
static void
flush_single(ShardWriter *writer, ShardBuffer *buffer, GroupId group)
{
	SentRows   *sent;
	Batch		batch;

	if (executor_group_is_local(group))
	{
		if (!copy_here(writer, buffer, true))
			keep_rows(writer, NULL, take_rows(writer, buffer));
		return;
	}
	begin_batch(&batch, 1);
	add_to_batch(&batch, buffer);
	batch.only = buffer;
	sent = send_batch(writer, node_for(writer, group), &batch, true);
	if (writer->copy.isCopy)
		keep_rows(writer, sent, take_rows(writer, buffer));
	free_batch(&batch);
}

static void
flush_replicated(ShardWriter *writer, ShardBuffer *buffer)
{
	ListCell   *cell;

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
		begin_batch(&batch, 1);
		add_to_batch(&batch, buffer);
		batch.only = buffer;
		send_batch(writer, node_for(writer, group), &batch, counts);
		free_batch(&batch);
	}
}

void
executor_writer_flush(ShardWriter *writer, ShardBuffer *buffer)
{
	MemoryContext caller;
	CallerRole	role;

	if (is_empty(buffer))
		return;
	executor_quiesce_all(&writer->user);
	role = executor_enter_role(writer->role);
	caller = MemoryContextSwitchTo(writer->context);
	end_rows(writer, buffer);
	if (list_length(buffer->placements) == 1)
		flush_single(writer, buffer, ((Placement *) linitial(buffer->placements))->groupId);
	else
		flush_replicated(writer, buffer);
	empty_buffer(writer, buffer);
	MemoryContextSwitchTo(caller);
	executor_leave_role(role);
}

/* the first copies of a COPY's rows are kept */
static void
send_copies(ShardWriter *writer, Batch *batch, int nth, GroupId group)
{
	SentRows   *sent;

	if (batch->n > 0)
	{
		sent = send_batch(writer, node_for(writer, group), batch, nth == 0);
		if (writer->copy.isCopy && nth == 0)
			keep_rows(writer, sent, take_batch(batch));
	}
	free_batch(batch);
}

/* the copies of rows that are the nth of their shards, on one node */
static void
flush_copies(ShardWriter *writer, int nth, GroupId group)
{
	int			nshards = writer->table->nshards;
	Batch		batch;

	begin_batch(&batch, nshards);
	for (int i = 0; i < nshards; i++)
	{
		ShardBuffer *buffer = &writer->buffers[i];

		if (is_empty(buffer) || nth >= list_length(buffer->placements) ||
			((Placement *) list_nth(buffer->placements, nth))->groupId != group)
			continue;
		if (executor_group_is_local(group))
		{
			if (!copy_here(writer, buffer, nth == 0) && nth == 0)
				keep_rows(writer, NULL, take_rows(writer, buffer));
			continue;
		}
		if (batch.n > 0 && (batch.lineEnd != buffer->lineEnd || batch.data.len >= BATCH))
		{
			send_copies(writer, &batch, nth, group);
			begin_batch(&batch, nshards);
		}
		add_copy_to_batch(&batch, buffer);
	}
	send_copies(writer, &batch, nth, group);
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
	CallerRole	role;

	executor_quiesce_all(&writer->user);
	role = executor_enter_role(writer->role);
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
	executor_leave_role(role);
}
