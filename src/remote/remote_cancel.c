/*
 * remote_cancel.c
 *	  Stopping what runs on the far side, and running single commands outside of transactions.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "remote/remote_internal.h"

/* a server that does not even take the request will not answer to anything else */
#define HUNG_TIMEOUT_MS 1000

/*
 * Commands that were queued behind the cancelled one go on, each has to be cancelled itself.  The
 * next request follows soon, for the far side may have been between two of them; then less often.
 */
#define CANCEL_AGAIN_MIN_MS 10
#define CANCEL_AGAIN_MAX_MS 500

void
remote_cancel(RemoteConn *conn)
{
	RemoteConnState state = remote_conn_state(conn);
	RemoteItem *head = remote_queue_head(conn);

	/* without the proof it would be the session of a client, and lost */
	if (head != NULL && head->kind == REMOTE_ITEM_PROOF)
		conn->cancelProved = true;
	else if (state == REMOTE_BUSY || state == REMOTE_COPY_IN || state == REMOTE_COPY_OUT)
		(void) conn->transport->cancel(conn->link, CANCEL_TIMEOUT_MS);
}

/* one non-blocking step of throwing away what comes */
static void
discard_some(RemoteConn *conn)
{
	RemoteAnswer answer;

	if (conn->state == REMOTE_COPY_IN)
	{
		conn->state = REMOTE_IDLE;
		if (!conn->transport->copy_end(conn->link, "canceled by the initiating node"))
			remote_error_lost(conn, NULL);
		conn->unflushed = true;
	}
	else if (conn->state == REMOTE_COPY_OUT)
	{
		char	   *data = NULL;
		int			rc;

		while ((rc = conn->transport->copy_get(conn->link, &data)) > 0)
			conn->transport->copy_free(conn->link, data);
		if (rc < 0)
			conn->state = REMOTE_IDLE;
		else if (!conn->transport->consume(conn->link))
			remote_error_lost(conn, NULL);
	}
	do
		remote_receive(conn, &answer);
	while (answer.kind == REMOTE_ANSWER_ROW || answer.kind == REMOTE_ANSWER_DONE ||
		   answer.kind == REMOTE_ANSWER_ERROR);
}

/*
 * A request cancels whatever runs when it arrives.  With spareEssential it is not made as long as
 * that may be an essential command.
 */
static bool
drain(RemoteConn *conn, long timeoutMs, bool spareEssential)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeoutMs);
	TimestampTz cancelAgain;
	bool		needCancel = conn->outstanding > 0;
	int			outstanding;
	int			pause = CANCEL_AGAIN_MIN_MS;

	if (conn->state == REMOTE_BROKEN)
		return false;
	if (conn->state == REMOTE_CONNECTING)
	{
		remote_error_lost(conn, "abandoned");
		return false;
	}
	if (!spareEssential)
		remote_queue_drop_held(conn);
	if (conn->sectionOpen)
		remote_sync(conn);
	discard_some(conn);
	/* what is nearly done needs no request, whose effect might come late */
	cancelAgain = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CANCEL_AGAIN_MIN_MS);
	outstanding = conn->outstanding;
	while (remote_conn_state(conn) != REMOTE_IDLE && conn->state != REMOTE_BROKEN)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (needCancel && now >= cancelAgain)
		{
			if ((!spareEssential || !remote_queue_has_essential(conn)) &&
				!conn->transport->cancel(conn->link, Min(CANCEL_TIMEOUT_MS, timeoutMs)))
			{
				TimestampTz limit = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
																HUNG_TIMEOUT_MS);

				needCancel = false;
				deadline = Min(deadline, limit);
			}
			cancelAgain = TimestampTzPlusMilliseconds(now, pause);
			pause = Min(2 * pause, CANCEL_AGAIN_MAX_MS);
		}
		if (now >= deadline)
		{
			remote_error_lost(conn, "no answer in time to a cancel request");
			remote_queue_clear(conn);
			break;
		}
		remote_wait_one(conn, needCancel ? Min(deadline, cancelAgain) : deadline);
		discard_some(conn);
		if (conn->outstanding != outstanding)
		{
			outstanding = conn->outstanding;
			pause = CANCEL_AGAIN_MIN_MS;
			cancelAgain = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause);
		}
	}
	return conn->state != REMOTE_BROKEN;
}

bool
remote_abandon(RemoteConn *conn, long timeoutMs)
{
	return drain(conn, timeoutMs, false);
}

bool
remote_settle(RemoteConn *conn, long timeoutMs)
{
	return drain(conn, timeoutMs, true);
}

/* ---- commands on their own ---- */

static List *
collect_rows(RemoteConn *conn, char **tag)
{
	List	   *rows = NIL;
	RemoteAnswer answer;

	for (;;)
	{
		remote_receive_wait(conn, &answer);
		switch (answer.kind)
		{
			case REMOTE_ANSWER_ROW:
				{
					char	  **row = palloc(Max(answer.ncolumns, 1) * sizeof(char *));

					for (int i = 0; i < answer.ncolumns; i++)
						row[i] = answer.values[i] ? pstrdup(answer.values[i]) : NULL;
					rows = lappend(rows, row);
					break;
				}
			case REMOTE_ANSWER_COPY_IN:
				remote_copy_end(conn, "COPY FROM STDIN is not possible here");
				break;
			case REMOTE_ANSWER_COPY_OUT:
				{
					int			length = 0;

					while (length >= 0)
					{
						char	   *data = remote_copy_get(conn, &length);

						if (data != NULL)
							pfree(data);
					}
					break;
				}
			case REMOTE_ANSWER_DONE:
				if (tag != NULL)
					*tag = pstrdup(answer.tag);
				return rows;
			default:
				return NIL;
		}
	}
}

/* the error of conn, which is of no more use to the caller */
static void
raise_and_release(RemoteConn *conn)
{
	PG_TRY();
	{
		remote_error_raise(conn);
	}
	PG_FINALLY();
	{
		remote_conn_release(conn);
	}
	PG_END_TRY();
}

static void
limit_patience(RemoteConn *conn, long patienceMs)
{
	conn->answerBy = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), patienceMs);
	conn->deadline = Min(conn->deadline, conn->answerBy);
}

bool
remote_run_again(const RemoteConn *conn, const char *sql, long patienceMs, int *sqlstate)
{
	RemoteConn *again = remote_open_again(conn);
	RemoteCommand command = {.sql = sql, .simple = true};
	char	   *tag = NULL;

	limit_patience(again, patienceMs);
	while (remote_conn_poll(again) == REMOTE_CONNECTING)
		remote_wait_one(again, again->deadline);
	if (again->state != REMOTE_BROKEN)
	{
		remote_send(again, &command);
		(void) collect_rows(again, &tag);
	}
	if (tag == NULL)
		(void) remote_error_message(again, sqlstate);
	remote_conn_close(again);
	return tag != NULL;
}

List *
remote_run_alone_tag(const RemoteTarget *target, const char *sql, bool *ok, char **errormsg,
					 int *ncolumns, char **tag)
{
	RemoteConn *conn = remote_acquire(target, false, true);
	RemoteCommand command = {0};
	List	   *rows;

	if (ok != NULL)
		*ok = true;
	if (errormsg != NULL)
		*errormsg = NULL;
	*tag = NULL;
	if (target->patienceMs > 0)
		limit_patience(conn, target->patienceMs);
	while (remote_conn_poll(conn) == REMOTE_CONNECTING)
		remote_wait_one(conn, 0);
	rows = NIL;
	if (conn->state != REMOTE_BROKEN)
	{
		command.sql = sql;
		command.simple = true;
		remote_send(conn, &command);
		rows = collect_rows(conn, tag);
		conn->answerBy = 0;
		*ncolumns = conn->ncolumns;
	}
	if (*tag == NULL)
	{
		if (ok == NULL)
			raise_and_release(conn);
		*ok = false;
		if (errormsg != NULL)
			*errormsg = remote_error_message(conn, NULL);
		remote_conn_close(conn);
		return NIL;
	}
	remote_conn_release(conn);
	return rows;
}

List *
remote_run_alone(const RemoteTarget *target, const char *sql, bool *ok, char **errormsg)
{
	int			ncolumns;
	char	   *tag;

	return remote_run_alone_tag(target, sql, ok, errormsg, &ncolumns, &tag);
}

List *
remote_conn_query(RemoteConn *conn, const char *sql)
{
	RemoteCommand command = {.sql = sql, .simple = true};
	char	   *tag = NULL;
	List	   *rows;

	remote_send(conn, &command);
	rows = collect_rows(conn, &tag);
	if (tag == NULL)
		remote_error_raise(conn);
	return rows;
}

bool
remote_conn_run_quietly(RemoteConn *conn, const char *sql, long timeoutMs)
{
	RemoteCommand command = {.sql = sql, .simple = true};
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeoutMs);
	RemoteAnswer answer;

	if (remote_conn_state(conn) != REMOTE_IDLE || !remote_conn_is_alive(conn))
		return false;
	remote_send(conn, &command);
	for (;;)
	{
		remote_receive(conn, &answer);
		if (answer.kind == REMOTE_ANSWER_DONE)
			return true;
		if (answer.kind == REMOTE_ANSWER_ERROR || answer.kind == REMOTE_ANSWER_LOST)
			return false;
		if (answer.kind != REMOTE_ANSWER_NONE)
			continue;
		if (GetCurrentTimestamp() >= deadline)
			return false;
		remote_wait_one(conn, deadline);
	}
}
