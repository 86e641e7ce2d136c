/*
 * remote_receive.c
 *	  Answers of a connection, in the order of its commands.
 *
 * remote_receive() -> advance(): take one result from the transport, let the head of the queue say
 * what it means -> an answer for the caller, or progress inside (a PREPARE answered, a Sync).
 *
 * The final answer of a command that was sent with a Sync is kept back until the server has
 * answered the Sync: errors that come with the end of an implicit transaction (deferred
 * constraints) belong to the command, and a DONE means that the effect is durable.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "remote/remote_internal.h"

/* what to do after taking one step */
typedef enum Step
{
	STEP_AGAIN,
	STEP_ANSWER,				/* *answer is filled */
	STEP_WAIT
} Step;

static void
answer_lost(RemoteConn *conn, RemoteAnswer *answer)
{
	RemoteItem *head = remote_queue_head(conn);

	memset(answer, 0, sizeof(*answer));
	answer->kind = REMOTE_ANSWER_LOST;
	if (conn->haveKept)
		answer->owner = conn->kept.owner;
	else if (head != NULL)
		answer->owner = head->owner;
	else if (!dlist_is_empty(&conn->held))
		answer->owner = dlist_head_element(RemoteHeld, node, &conn->held)->command.owner;
	remote_queue_clear(conn);
}

/* ---- rows ---- */

static void
take_rows(RemoteConn *conn)
{
	conn->nextRow = 0;
	conn->nrows = conn->transport->row_count(conn->link);
	conn->ncolumns = conn->transport->column_count(conn->link, &conn->binary);
	if (conn->ncolumns > conn->maxColumns || conn->values == NULL)
	{
		int			n = Max(conn->ncolumns, 16);

		if (conn->values != NULL)
		{
			pfree(conn->values);
			pfree(conn->lengths);
		}
		conn->values = MemoryContextAlloc(conn->context, n * sizeof(char *));
		conn->lengths = MemoryContextAlloc(conn->context, n * sizeof(int));
		conn->maxColumns = n;
	}
}

/* rows belong to the head of the queue: its final answer has not been taken yet */
static bool
next_row(RemoteConn *conn, RemoteAnswer *answer)
{
	if (conn->nextRow >= conn->nrows)
		return false;
	conn->transport->row(conn->link, conn->nextRow++, conn->values, conn->lengths);
	answer->kind = REMOTE_ANSWER_ROW;
	answer->owner = remote_queue_head(conn)->owner;
	answer->ncolumns = conn->ncolumns;
	answer->values = conn->values;
	answer->lengths = conn->lengths;
	answer->binary = conn->binary;
	return true;
}

/* ---- final answers ---- */

static void
keep_done(RemoteConn *conn, RemoteItem *item)
{
	conn->kept.kind = REMOTE_ANSWER_DONE;
	conn->kept.owner = item->owner;
	strlcpy(conn->tag, conn->transport->tag(conn->link, &conn->kept.rowCount),
			sizeof(conn->tag));
	conn->kept.tag = conn->tag;
}

static void
keep_error(RemoteConn *conn, RemoteItem *item, bool skipped)
{
	RemoteError fields = {0};

	if (!skipped)
	{
		conn->transport->error(conn->link, &fields);
		remote_error_set(conn, &fields);
	}
	conn->kept.kind = REMOTE_ANSWER_ERROR;
	conn->kept.owner = item->owner;
	/* what was skipped has not failed */
	if (item->preparedId != 0)
		remote_prepared_failed(conn, item->preparedId, skipped ?
							   ERRCODE_IN_FAILED_SQL_TRANSACTION : fields.sqlstate);
}

static Step
give_kept(RemoteConn *conn, RemoteAnswer *answer)
{
	*answer = conn->kept;
	if (conn->keptDecides)
	{
		conn->deciding = false;
		if (conn->kept.kind == REMOTE_ANSWER_DONE)
			remote_forget_cancel(conn);
	}
	conn->haveKept = false;
	conn->outstanding--;
	memset(&conn->kept, 0, sizeof(conn->kept));
	return STEP_ANSWER;
}

/* The head is answered completely; its final answer, if it is a command, is in kept. */
static Step
finish_item(RemoteConn *conn, RemoteAnswer *answer)
{
	RemoteItem *item = remote_queue_head(conn);
	bool		isCommand = item->kind == REMOTE_ITEM_COMMAND;
	bool		cancel = item->kind == REMOTE_ITEM_PROOF && conn->cancelProved;

	remote_queue_pop(conn);
	if (cancel)
	{
		conn->cancelProved = false;
		(void) conn->transport->cancel(conn->link, CANCEL_TIMEOUT_MS);
	}
	if (isCommand)
	{
		conn->keptDecides = item->decisive;
		conn->haveKept = true;
		conn->outstanding++;
	}
	item = remote_queue_head(conn);
	if (item == NULL)
		remote_queue_send_held(conn);
	if (conn->haveKept && (item == NULL || item->kind != REMOTE_ITEM_SYNC))
		return give_kept(conn, answer);
	return STEP_AGAIN;
}

/* a result of the head, which is not a Sync */
static Step
item_result(RemoteConn *conn, RemoteItem *item, RemoteResult result, RemoteAnswer *answer)
{
	bool		isCommand = item->kind == REMOTE_ITEM_COMMAND;

	switch (result)
	{
		case REMOTE_RESULT_COMPLETE:
			if (item->kind == REMOTE_ITEM_PREPARE)
				remote_prepared_done(conn, item->preparedId);
			if (!isCommand)
				return STEP_AGAIN;
			/* an error ends a simple text with several statements: nothing follows it */
			keep_done(conn, item);
			take_rows(conn);
			return next_row(conn, answer) ? STEP_ANSWER : STEP_AGAIN;
		case REMOTE_RESULT_ROWS:
			if (!isCommand)
				return STEP_AGAIN;
			take_rows(conn);
			return next_row(conn, answer) ? STEP_ANSWER : STEP_AGAIN;
		case REMOTE_RESULT_ERROR:
		case REMOTE_RESULT_SKIPPED:
			keep_error(conn, item, result == REMOTE_RESULT_SKIPPED);
			return STEP_AGAIN;
		case REMOTE_RESULT_COPY_IN:
		case REMOTE_RESULT_COPY_OUT:
			if (!item->simple)
			{
				remote_error_lost(conn, "COPY outside of a simple command");
				answer_lost(conn, answer);
				return STEP_ANSWER;
			}
			conn->state = result == REMOTE_RESULT_COPY_IN ? REMOTE_COPY_IN : REMOTE_COPY_OUT;
			answer->kind = result == REMOTE_RESULT_COPY_IN ?
				REMOTE_ANSWER_COPY_IN : REMOTE_ANSWER_COPY_OUT;
			answer->owner = item->owner;
			return STEP_ANSWER;
		case REMOTE_RESULT_END:
			return finish_item(conn, answer);
		default:
			elog(ERROR, "unexpected answer of another node");
	}
	return STEP_AGAIN;
}

/* a result while the head is a Sync: its answer, or an error of the implicit transaction's end */
static Step
sync_result(RemoteConn *conn, RemoteItem *item, RemoteResult result, RemoteAnswer *answer)
{
	switch (result)
	{
		case REMOTE_RESULT_SYNC:
			remote_queue_pop(conn);
			if (remote_queue_head(conn) == NULL)
				remote_queue_send_held(conn);
			return conn->haveKept ? give_kept(conn, answer) : STEP_AGAIN;
		case REMOTE_RESULT_ERROR:
			if (conn->haveKept)
			{
				RemoteItem	command = {0};

				command.owner = conn->kept.owner;
				keep_error(conn, &command, false);
			}
			return STEP_AGAIN;
		default:
			return STEP_AGAIN;
	}
}

/* before the first look for a result of the head */
static void
begin_item(RemoteConn *conn, RemoteItem *item)
{
	if (!item->streaming && item->kind == REMOTE_ITEM_COMMAND)
		conn->transport->stream_rows(conn->link);
	item->streaming = true;
}

/* true if the head has a result; reads and writes what the network has and takes */
static bool
have_result(RemoteConn *conn, RemoteItem *item)
{
	const RemoteTransport *transport = conn->transport;

	begin_item(conn, item);
	if (!transport->busy(conn->link))
		return true;
	/* waiting for an answer without a Sync would never end */
	if (conn->sectionOpen)
		remote_sync(conn);
	remote_queue_flush(conn);
	if (conn->state == REMOTE_BROKEN)
		return false;

	/* when reading fails, what was read before is still taken; after that next() says LOST */
	if (!transport->consume(conn->link) && transport->busy(conn->link))
	{
		remote_error_lost(conn, NULL);
		return false;
	}
	return !transport->busy(conn->link);
}

bool
remote_has_result(RemoteConn *conn)
{
	RemoteItem *item = remote_queue_head(conn);

	if (conn->nextRow < conn->nrows)
		return true;
	if (item == NULL || conn->state != REMOTE_IDLE)
		return false;
	begin_item(conn, item);
	return !conn->transport->busy(conn->link);
}

/*
 * The server ends the session with this error, or does not know whose it is: what has interrupted
 * the proof.  A database without the extension asks for none.
 */
static bool
ends_session(RemoteConn *conn, const RemoteItem *item)
{
	RemoteError fields;

	conn->transport->error(conn->link, &fields);
	if (item->kind == REMOTE_ITEM_PROOF && fields.sqlstate != ERRCODE_UNDEFINED_SCHEMA &&
		fields.sqlstate != ERRCODE_UNDEFINED_FUNCTION)
		return true;
	return fields.severity != NULL &&
		(strcmp(fields.severity, "FATAL") == 0 || strcmp(fields.severity, "PANIC") == 0);
}

static Step
advance(RemoteConn *conn, RemoteAnswer *answer)
{
	RemoteItem *item;
	RemoteResult result;

	item = remote_queue_head(conn);
	if (item == NULL || conn->state == REMOTE_COPY_IN || conn->state == REMOTE_COPY_OUT)
		return STEP_WAIT;
	if (!have_result(conn, item))
	{
		if (conn->state != REMOTE_BROKEN)
			return STEP_WAIT;
		answer_lost(conn, answer);
		return STEP_ANSWER;
	}

	result = conn->transport->next(conn->link);
	if (result == REMOTE_RESULT_LOST ||
		(result == REMOTE_RESULT_ERROR && ends_session(conn, item)))
	{
		remote_error_lost(conn, NULL);
		answer_lost(conn, answer);
		return STEP_ANSWER;
	}
	if (item->kind == REMOTE_ITEM_SYNC)
		return sync_result(conn, item, result, answer);
	return item_result(conn, item, result, answer);
}

void
remote_receive(RemoteConn *conn, RemoteAnswer *answer)
{
	memset(answer, 0, sizeof(*answer));
	if (conn->state == REMOTE_BROKEN)
		answer_lost(conn, answer);
	else if (!next_row(conn, answer))
	{
		while (advance(conn, answer) == STEP_AGAIN)
			;
		/* sending what was held may have failed */
		if (answer->kind == REMOTE_ANSWER_NONE && conn->state == REMOTE_BROKEN)
			answer_lost(conn, answer);
	}
	remote_notices_relay(conn);
}

void
remote_receive_wait(RemoteConn *conn, RemoteAnswer *answer)
{
	for (;;)
	{
		remote_check_interrupts();
		remote_receive(conn, answer);
		if (answer->kind != REMOTE_ANSWER_NONE)
			return;
		if (conn->outstanding == 0)
			elog(ERROR, "no answer is expected from the connection");
		if (!remote_wait_one(conn, conn->answerBy))
			remote_error_lost(conn, "no answer in time");
	}
}

int
remote_outstanding(const RemoteConn *conn)
{
	return conn->outstanding;
}
