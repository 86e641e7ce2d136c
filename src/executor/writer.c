/*
 * writer.c
 *	  ShardWriter: rows in, a buffer per shard in COPY's format.
 *
 * Tuples become COPY's binary format, or text when a type has no binary form; lines of the user's
 * input are appended as they are.  writer_send.c brings the buffers to their nodes.
 *
 * Invariant: bytes buffered over all shards stay below MAX_BUFFERED plus one row.
 *
 * Main path: executor_writer_put() -> append_row_binary() -> row_added() ->
 * executor_writer_flush().
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "executor/writer_internal.h"

#define MAX_BUFFERED	(32 * 1024 * 1024)

static const char binary_signature[11] = "PGCOPY\n\377\r\n\0";

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

/* one that a shard has read the rows of, or a new one */
static void
get_buffer(ShardWriter *writer, StringInfo data)
{
	if (writer->spare == NIL)
	{
		initStringInfo(data);
		return;
	}
	*data = *(StringInfo) llast(writer->spare);
	resetStringInfo(data);
	pfree(llast(writer->spare));
	writer->spare = list_delete_last(writer->spare);
}

static void
ensure_buffer(ShardWriter *writer, ShardBuffer *buffer)
{
	if (buffer->data.data == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(writer->context);

		get_buffer(writer, &buffer->data);
		initStringInfo(&buffer->lines);
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

/* ---- beginning ---- */

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
		if (attno == writer->table->keyAttno)
			writer->keyColumn = foreach_current_index(cell);
	}
	if (list.len > 0)
		appendStringInfoChar(&list, ')');
	writer->columnList = list.data;
	writer->ncolumns = list_length(columns);

	if (DIST_TABLE_HAS_KEY(writer->table) && writer->keyColumn < 0)
		routing_refuse_null(writer->table, "The column is not among those that are given.");
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
		writer->maxPlacements = Max(writer->maxPlacements, list_length(buffer->placements));
		executor_writer_next_flush(buffer);
	}
}

/* options: of the COPY into the shards, or NULL */
static void
make_statement(ShardWriter *writer, const char *options)
{
	Oid			relid = writer->table->relid;

	writer->copy.text =
		psprintf("COPY %s %s FROM STDIN%s%s%s",
				 catalog_qualified_name(relid),
				 writer->columnList, options == NULL ? "" : " WITH (",
				 options == NULL ? "" : options, options == NULL ? "" : ")");
	writer->copy.statement = executor_shard_copy_parse(writer->copy.text);
}

/* slotDesc NULL: rows are lines */
static ShardWriter *
begin(const DistTable *table, List *columns, TupleDesc slotDesc, const char *options)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus shard writer",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ShardWriter *writer = palloc0(sizeof(ShardWriter));

	PreventCommandIfReadOnly("COPY FROM");
	executor_triggers_settle();
	writer->context = context;
	writer->rowContext = AllocSetContextCreate(context, "citus shard writer row",
											   ALLOCSET_DEFAULT_SIZES);
	writer->table = table;
	if (DIST_TABLE_HAS_KEY(table))
		writer->router = routing_router_for(table);
	writer->role = executor_role_to_insert(table->relid, columns, InvalidOid);
	resolve_columns(writer, columns);
	if (slotDesc != NULL)
	{
		resolve_outputs(writer, slotDesc);
		options = writer->binary ? "FORMAT binary" :
			psprintf("ENCODING %s", quote_literal_cstr(GetDatabaseEncodingName()));
	}
	make_statement(writer, options);
	resolve_shards(writer);

	writer->user.owner = writer;
	writer->user.uses = executor_writer_uses;
	writer->user.settle = executor_writer_settle;
	executor_user_register(&writer->user, context);
	MemoryContextSwitchTo(caller);
	return writer;
}

/*
 * Allocates in a context of its own under the current one, freed by executor_writer_end().  slots
 * may have more columns than columns has.  Raises 22004 when the key is not among the columns,
 * 25006 in a read-only transaction.
 */
ShardWriter *
executor_writer_begin(const DistTable *table, List *columns, TupleDesc slotDesc)
{
	return begin(table, columns, slotDesc, NULL);
}

ShardWriter *
executor_writer_begin_lines(const DistTable *table, List *columns, const char *options)
{
	ShardWriter *writer = begin(table, columns, NULL, options);

	writer->copy.isCopy = true;
	return writer;
}

/* ---- rows ---- */

static void
flush_largest(ShardWriter *writer)
{
	ShardBuffer *largest = &writer->buffers[0];

	for (int i = 1; i < writer->table->nshards; i++)
	{
		if (writer->buffers[i].data.len > largest->data.len)
			largest = &writer->buffers[i];
	}
	executor_writer_flush(writer, largest);
}

/* before: length of the buffer without the row */
static void
row_added(ShardWriter *writer, ShardBuffer *buffer, int before, int inner)
{
	writer->buffered += buffer->data.len - before;
	if (writer->copy.isCopy)
	{
		if (buffer->lines.len == 0)
			buffer->lineEnd = writer->lineEnd;
		executor_lines_append(&buffer->lines, writer->line - buffer->lastLine - 1 - inner, inner);
		buffer->lastLine = writer->line;
	}
	if (buffer->data.len >= buffer->flushAt)
		executor_writer_flush(writer, buffer);
	else if (writer->buffered >= MAX_BUFFERED)
		flush_largest(writer);	/* the invariant */
	else
		return;
	executor_writer_check(writer);
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
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->rowContext);
	row_added(writer, buffer, before, 0);
}

void
executor_writer_put_line(ShardWriter *writer, int shard, const char *line, int length, int inner)
{
	ShardBuffer *buffer = &writer->buffers[shard];
	int			before;

	executor_user_check(&writer->user);
	ensure_buffer(writer, buffer);
	before = buffer->data.len;
	appendBinaryStringInfo(&buffer->data, line, length);
	row_added(writer, buffer, before, inner);
}

void
executor_writer_set_line_end(ShardWriter *writer, int kind)
{
	writer->lineEnd = kind;
}

void
executor_writer_set_line(ShardWriter *writer, uint64 line)
{
	writer->copy.isCopy = true;
	writer->line = line;
}

void
executor_writer_poll(ShardWriter *writer)
{
	executor_user_check(&writer->user);
	executor_writer_receive(writer, false);
	executor_writer_check(writer);
}

uint64
executor_writer_end(ShardWriter *writer)
{
	uint64		rows;

	executor_user_check(&writer->user);
	writer->ended = true;
	executor_writer_flush_all(writer);
	executor_writer_settle(&writer->user);
	executor_user_check(&writer->user);
	executor_writer_check(writer);
	executor_user_unregister(&writer->user);
	rows = writer->rows;
	MemoryContextDelete(writer->context);
	return rows;
}
