/*
 * writer_order.c
 *	  ShardWriter: which wrong line of a COPY is the first.
 *
 * One server reads line by line and reports the first line that is wrong.  Here the shards read,
 * many at a time, and each stops at its own first wrong line.  So an error about rows is kept until
 * all nodes have read what they were sent.  What was never read (behind the error on the same node)
 * has been kept, and is read here, by the server's parser and the constraints of the table's shell,
 * as far as lines come before the one that is known to be wrong.  The least line's error is raised.
 *
 * Foreign keys are asked when all rows have been read: a row that one refuses is told last, and
 * what is read meanwhile is only looked at where the node's transaction has failed.
 *
 * Only shards see that a row conflicts with another one: of two conflicts in different shards of
 * one node the first to be found is told.
 *
 * Invariant: once there is a failure, nothing but its raise follows; the transaction ends.
 */
#include "postgres.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "executor/writer_internal.h"

/* the line that the server's context of a COPY names, in whatever language */
static uint64
line_of_context(const char *context, const char *table)
{
	const char *found = context == NULL ? NULL : strstr(context, table);

	if (found != NULL)
		found = strpbrk(found + strlen(table), "0123456789");
	return found == NULL ? PG_UINT64_MAX : strtou64(found, NULL, 10);
}

bool
executor_writer_is_wrong_line(const ShardWriter *writer, int sqlstate)
{
	return writer->copy.isCopy &&
		(ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		 ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION);
}

/* what one server asks when all rows have been read */
static bool
is_asked_at_end(int sqlstate)
{
	return sqlstate == ERRCODE_FOREIGN_KEY_VIOLATION;
}

/* Another error may have an earlier line, which is to be told. */
void
executor_writer_keep_failure(ShardWriter *writer)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->context);
	ErrorData  *error = CopyErrorData();
	uint64		line = is_asked_at_end(error->sqlerrcode) ? PG_UINT64_MAX :
		line_of_context(error->context, get_rel_name(writer->table->relid));

	FlushErrorState();
	if (writer->failure == NULL || line < writer->failureLine)
	{
		writer->failure = error;
		writer->failureLine = line;
	}
	MemoryContextSwitchTo(caller);
}

/* rows that nobody has read, of one shard */
static void
check_rows(ShardWriter *writer, const ShardRows *rows)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		executor_shard_copy_check(&writer->copy, rows, writer->failureLine);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		if (!executor_writer_is_wrong_line(writer, geterrcode()))
			PG_RE_THROW();
		executor_writer_keep_failure(writer);
	}
	PG_END_TRY();
}

static void
check_unread(ShardWriter *writer, const KeptRows *kept)
{
	const char *data = kept->data.data;
	const char *lines = kept->lines.data;

	for (int i = 0; i < kept->nparts; i++)
	{
		ShardRows	rows = kept->parts[i];

		rows.data = data;
		rows.lines = lines;
		data += rows.length;
		lines += rows.linesLength;
		check_rows(writer, &rows);
	}
}

static void
check_all_unread(ShardWriter *writer)
{
	ListCell   *cell;

	foreach(cell, writer->unread)
	{
		check_unread(writer, lfirst(cell));
		executor_writer_recycle(writer, lfirst(cell));
	}
	list_free(writer->unread);
	writer->unread = NIL;
}

/*
 * A row that a foreign key refuses is told when all of the input has been read, unless one of the
 * rest is wrong.  After a failure in this session nothing more may run in it, so that it is told.
 */
static bool
failure_waits(const ShardWriter *writer)
{
	return writer->failure != NULL && is_asked_at_end(writer->failure->sqlerrcode) &&
		!writer->ended && !writer->failedHere;
}

void
executor_writer_check(ShardWriter *writer)
{
	if (failure_waits(writer))
		check_all_unread(writer);
	if (writer->failure == NULL || failure_waits(writer))
		return;
	executor_writer_flush_all(writer);
	executor_writer_receive(writer, true);
	check_all_unread(writer);
	(void) executor_enter_role(writer->role);
	ReThrowError(writer->failure);
}

/*
 * The input itself is wrong, behind all rows that have been put: raises the error of an earlier
 * line, if there is one, but none that would be asked for at the end.
 */
void
executor_writer_end_wrong(ShardWriter *writer)
{
	executor_user_check(&writer->user);
	executor_writer_flush_all(writer);
	executor_writer_settle(&writer->user);
	executor_user_check(&writer->user);
	check_all_unread(writer);
	if (writer->failure != NULL && !is_asked_at_end(writer->failure->sqlerrcode))
		executor_writer_check(writer);
}
