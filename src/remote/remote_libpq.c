/*
 * remote_libpq.c
 *	  The transport over libpq: the only file that knows libpq.
 *
 * A link is a PGconn in non-blocking mode and the PGresult that next() took last.  PGresults are
 * malloc'ed: the link holds at most one, and frees it when the next is taken or the link closes,
 * so that an error thrown by anybody between two calls leaks nothing.
 *
 * Differences between versions of libpq are told by libpq's own feature macros.
 *
 * Not here: order of commands, rows handed to callers, waiting (except for cancel requests, which
 * are connections of their own).
 */
#include "postgres.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpq-fe.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
#include "remote/remote_internal.h"

/* rows that libpq gathers before it hands them over, where it can */
#define ROWS_PER_CHUNK 128

typedef struct PqLink
{
	PGconn	   *conn;
	PGresult   *result;
	PostgresPollingStatusType polling;
	bool		holdsFd;		/* counted by AcquireExternalFD() */
	RemoteNoticeCallback notice;
	void	   *noticeArg;
	long		silenceMs;		/* how long the network may say nothing; 0: the kernel's business */
	TimestampTz silentSince;	/* as far as is_cut() knows; 0: nothing is awaited */
	char		chunkTag[64];	/* command tag that came with the last chunk of rows */
	uint64		chunkCount;		/* its row count */
	char		errorText[1024];	/* of a failed attempt to connect */
} PqLink;

static void
fields_of_result(const PGresult *result, RemoteError *error)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	memset(error, 0, sizeof(*error));
	if (sqlstate != NULL && strlen(sqlstate) == 5)
		error->sqlstate = MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3],
										sqlstate[4]);
	error->severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	error->message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	error->detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	error->hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	error->context = PQresultErrorField(result, PG_DIAG_CONTEXT);
	error->schemaName = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);
	error->tableName = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
	error->columnName = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
	error->dataTypeName = PQresultErrorField(result, PG_DIAG_DATATYPE_NAME);
	error->constraintName = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	if (error->message == NULL)
		error->message = PQresultErrorMessage(result);
}

static void
receive_notice(void *arg, const PGresult *result)
{
	PqLink	   *pq = (PqLink *) arg;
	RemoteError fields;

	fields_of_result(result, &fields);
	pq->notice(pq->noticeArg, &fields);
}

/* ---- opening and closing ---- */

/*
 * Keepalives are not sent while data waits for its acknowledgement, which the kernel repeats for a
 * quarter of an hour.  So we look ourselves, for as long as keepalives would take.  An explicit
 * tcp_user_timeout is the kernel's; it is no default, because it also ends connections to a server
 * that is alive but does not read what it is sent, such as one that waits for a lock.
 */
static long
silence_of_params(const char *const *keywords, const char *const *values)
{
	int			idle = 0;
	int			interval = 0;
	int			count = 0;

	for (int i = 0; keywords[i] != NULL; i++)
	{
		if (strcmp(keywords[i], "keepalives_idle") == 0)
			idle = atoi(values[i]);
		else if (strcmp(keywords[i], "keepalives_interval") == 0)
			interval = atoi(values[i]);
		else if (strcmp(keywords[i], "keepalives_count") == 0)
			count = atoi(values[i]);
		else if (strcmp(keywords[i], "keepalives") == 0 && strcmp(values[i], "0") == 0)
			return 0;
		else if (strcmp(keywords[i], "tcp_user_timeout") == 0 && atoi(values[i]) > 0)
			return 0;
	}
	if (idle <= 0 || interval <= 0 || count <= 0)
		return 0;
	return 1000L * idle + 1000L * interval * count;
}

static void *
pq_open(const char *const *keywords, const char *const *values, RemoteNoticeCallback notice,
		void *noticeArg)
{
	PqLink	   *pq = palloc0(sizeof(PqLink));

	pq->holdsFd = AcquireExternalFD();
	if (!pq->holdsFd)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not open a connection to another node"),
				 errdetail("There are too many open files on this server."),
				 errhint("Raise the server's max_files_per_process and/or \"ulimit -n\" limits.")));
	pq->conn = PQconnectStartParams(keywords, values, 0);
	if (pq->conn == NULL)
	{
		ReleaseExternalFD();
		pfree(pq);
		return NULL;
	}
	/* with the SQLSTATE of a refusal */
	(void) PQsetErrorVerbosity(pq->conn, PQERRORS_VERBOSE);
	pq->silenceMs = silence_of_params(keywords, values);
	pq->notice = notice;
	pq->noticeArg = noticeArg;
	pq->polling = PGRES_POLLING_WRITING;
	PQsetNoticeReceiver(pq->conn, receive_notice, pq);
	return pq;
}

/* is the socket ready for what libpq waits for? */
static bool
socket_is_ready(pgsocket sock, bool forWrite)
{
	struct pollfd pfd;

	if (sock == PGINVALID_SOCKET)
		return true;
	pfd.fd = sock;
	pfd.events = forWrite ? POLLOUT : POLLIN;
	pfd.revents = 0;
	return poll(&pfd, 1, 0) != 0;
}

static RemotePoll
pq_poll(void *link)
{
	PqLink	   *pq = link;

	if (PQstatus(pq->conn) == CONNECTION_BAD)
		return REMOTE_POLL_FAILED;
	if (socket_is_ready(PQsocket(pq->conn), pq->polling == PGRES_POLLING_WRITING))
		pq->polling = PQconnectPoll(pq->conn);

	switch (pq->polling)
	{
		case PGRES_POLLING_READING:
			return REMOTE_POLL_WAIT_READ;
		case PGRES_POLLING_OK:
			PQsetnonblocking(pq->conn, 1);
			(void) PQsetErrorVerbosity(pq->conn, PQERRORS_DEFAULT);
			return REMOTE_POLL_OK;
		case PGRES_POLLING_FAILED:
			return REMOTE_POLL_FAILED;
		default:
			return REMOTE_POLL_WAIT_WRITE;
	}
}

static void
pq_close(void *link)
{
	PqLink	   *pq = link;

	PQclear(pq->result);
	PQfinish(pq->conn);
	if (pq->holdsFd)
		ReleaseExternalFD();
	pfree(pq);
}

static pgsocket
pq_socket(void *link)
{
	return PQsocket(((PqLink *) link)->conn);
}

/* Data on an idle connection is a notice, a changed parameter, or the news of its end. */
static bool
pq_is_alive(void *link)
{
	PqLink	   *pq = link;

	while (PQstatus(pq->conn) == CONNECTION_OK)
	{
		if (!socket_is_ready(PQsocket(pq->conn), false))
			return true;
		if (!PQconsumeInput(pq->conn))
			return false;
		(void) PQisBusy(pq->conn);	/* has what arrived parsed */
	}
	return false;
}

static bool
pq_is_cut(void *link)
{
#if defined(__linux__) && defined(TCP_INFO)
	PqLink	   *pq = link;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz heard;
	struct tcp_info info;
	socklen_t	length = sizeof(info);

	if (pq->silenceMs == 0 || PQsocket(pq->conn) == PGINVALID_SOCKET ||
		getsockopt(PQsocket(pq->conn), IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
		(info.tcpi_unacked == 0 && info.tcpi_probes == 0))
	{
		pq->silentSince = 0;
		return false;
	}
	/* what was heard before we began to look does not count: nothing may have been awaited */
	heard = TimestampTzPlusMilliseconds(now, -(int64) info.tcpi_last_ack_recv);
	if (pq->silentSince == 0 || heard > pq->silentSince)
		pq->silentSince = now;
	return TimestampDifferenceExceeds(pq->silentSince, now, pq->silenceMs);
#else
	return false;
#endif
}

static int
pq_backend_pid(void *link)
{
	return PQbackendPID(((PqLink *) link)->conn);
}

static bool
pq_in_transaction(void *link)
{
	return PQtransactionStatus(((PqLink *) link)->conn) != PQTRANS_IDLE;
}

static const char *
pq_parameter(void *link, const char *name)
{
	return PQparameterStatus(((PqLink *) link)->conn, name);
}

/*
 * Of an attempt to connect only the text is known, but a verbose one: "FATAL:  53300: sorry, ..."
 * with a line about the source of the server at its end.
 */
static const char *
find_sqlstate(const char *text)
{
	const char *found = text;

	while ((found = strstr(found, ":  ")) != NULL)
	{
		found += 3;
		if (strspn(found, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
			strncmp(found + 5, ": ", 2) == 0)
			return found;
	}
	return NULL;
}

static bool
pq_is_full(void *link)
{
	const char *sqlstate = find_sqlstate(PQerrorMessage(((PqLink *) link)->conn));

	return sqlstate != NULL && strncmp(sqlstate, "53300", 5) == 0;
}

/* the text as it is when not verbose */
static const char *
pq_error_text(void *link)
{
	PqLink	   *pq = link;
	const char *text = PQerrorMessage(pq->conn);
	const char *sqlstate = pq->polling == PGRES_POLLING_FAILED ? find_sqlstate(text) : NULL;
	char	   *end;

	if (sqlstate == NULL)
		return text;
	snprintf(pq->errorText, sizeof(pq->errorText), "%.*s%s", (int) (sqlstate - text), text,
			 sqlstate + 7);
	end = strrchr(pq->errorText, '\n');
	if (end != NULL && end[1] == '\0')
	{
		*end = '\0';
		end = strrchr(pq->errorText, '\n');
	}
	if (end != NULL)
		*end = '\0';
	return pq->errorText;
}

/* ---- sending ---- */

static bool
pq_set_pipeline(void *link, bool on)
{
	PGconn	   *conn = ((PqLink *) link)->conn;

	return (on ? PQenterPipelineMode(conn) : PQexitPipelineMode(conn)) == 1;
}

static bool
pq_send(void *link, const RemoteCommand *command)
{
	return PQsendQueryParams(((PqLink *) link)->conn, command->sql, command->nparams,
							 command->paramTypes, command->paramValues, command->paramLengths,
							 command->paramFormats, command->binaryResult) == 1;
}

static bool
pq_send_simple(void *link, const char *sql)
{
	return PQsendQuery(((PqLink *) link)->conn, sql) == 1;
}

static bool
pq_send_prepare(void *link, const char *name, const char *sql, int nparams,
				const Oid *paramTypes)
{
	return PQsendPrepare(((PqLink *) link)->conn, name, sql, nparams, paramTypes) == 1;
}

static bool
pq_send_prepared(void *link, const char *name, const RemoteCommand *command)
{
	return PQsendQueryPrepared(((PqLink *) link)->conn, name, command->nparams,
							   command->paramValues, command->paramLengths,
							   command->paramFormats, command->binaryResult) == 1;
}

static bool
pq_send_unprepare(void *link, const char *name)
{
	PGconn	   *conn = ((PqLink *) link)->conn;

#ifdef LIBPQ_HAS_CLOSE_PREPARED
	return PQsendClosePrepared(conn, name) == 1;
#else
	char		sql[NAMEDATALEN + 32];

	snprintf(sql, sizeof(sql), "DEALLOCATE %s", name);
	return PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
#endif
}

static bool
pq_send_sync(void *link)
{
	PGconn	   *conn = ((PqLink *) link)->conn;

#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	return PQsendPipelineSync(conn) == 1;
#else
	return PQpipelineSync(conn) == 1;
#endif
}

static RemoteFlush
pq_flush(void *link)
{
	int			rc = PQflush(((PqLink *) link)->conn);

	return rc == 0 ? REMOTE_FLUSH_DONE : rc == 1 ? REMOTE_FLUSH_PENDING : REMOTE_FLUSH_FAILED;
}

/* ---- receiving ---- */

static bool
pq_consume(void *link)
{
	return PQconsumeInput(((PqLink *) link)->conn) == 1;
}

static bool
pq_busy(void *link)
{
	return PQisBusy(((PqLink *) link)->conn) == 1;
}

static void
pq_stream_rows(void *link)
{
	PGconn	   *conn = ((PqLink *) link)->conn;

	/* refused without harm when the section has failed and there will be no rows */
#ifdef LIBPQ_HAS_CHUNK_MODE
	(void) PQsetChunkedRowsMode(conn, ROWS_PER_CHUNK);
#else
	(void) PQsetSingleRowMode(conn);
#endif
}

static RemoteResult
pq_next(void *link)
{
	PqLink	   *pq = link;
	ExecStatusType status;

	PQclear(pq->result);
	pq->result = PQgetResult(pq->conn);
	if (pq->result == NULL)
		return PQstatus(pq->conn) == CONNECTION_BAD ? REMOTE_RESULT_LOST : REMOTE_RESULT_END;

	status = PQresultStatus(pq->result);
	switch (status)
	{
#ifdef LIBPQ_HAS_CHUNK_MODE
		case PGRES_TUPLES_CHUNK:
			/* libpq puts the tag on the last chunk, not on the empty result that ends the rows */
			strlcpy(pq->chunkTag, PQcmdStatus(pq->result), sizeof(pq->chunkTag));
			pq->chunkCount = strtou64(PQcmdTuples(pq->result), NULL, 10);
			return REMOTE_RESULT_ROWS;
#endif
		case PGRES_SINGLE_TUPLE:
			return REMOTE_RESULT_ROWS;
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
		case PGRES_EMPTY_QUERY:
			return REMOTE_RESULT_COMPLETE;
		case PGRES_PIPELINE_SYNC:
			return REMOTE_RESULT_SYNC;
		case PGRES_PIPELINE_ABORTED:
			return REMOTE_RESULT_SKIPPED;
		case PGRES_COPY_IN:
			return REMOTE_RESULT_COPY_IN;
		case PGRES_COPY_OUT:
			return REMOTE_RESULT_COPY_OUT;
		default:
			if (PQstatus(pq->conn) == CONNECTION_BAD)
				return REMOTE_RESULT_LOST;
			return REMOTE_RESULT_ERROR;
	}
}

static int
pq_row_count(void *link)
{
	return PQntuples(((PqLink *) link)->result);
}

static int
pq_column_count(void *link, bool *binary)
{
	PGresult   *result = ((PqLink *) link)->result;
	int			n = PQnfields(result);

	*binary = n > 0 && PQfformat(result, 0) == 1;
	return n;
}

static void
pq_row(void *link, int row, const char **values, int *lengths)
{
	PGresult   *result = ((PqLink *) link)->result;
	int			n = PQnfields(result);

	for (int i = 0; i < n; i++)
	{
		bool		isNull = PQgetisnull(result, row, i);

		values[i] = isNull ? NULL : PQgetvalue(result, row, i);
		lengths[i] = isNull ? 0 : PQgetlength(result, row, i);
	}
}

static const char *
pq_tag(void *link, uint64 *rowCount)
{
	PqLink	   *pq = link;
	const char *tag = PQcmdStatus(pq->result);

	if (tag[0] == '\0' && PQresultStatus(pq->result) == PGRES_TUPLES_OK)
	{
		*rowCount = pq->chunkCount;
		return pq->chunkTag;
	}
	*rowCount = strtou64(PQcmdTuples(pq->result), NULL, 10);
	return tag;
}

static void
pq_error(void *link, RemoteError *error)
{
	fields_of_result(((PqLink *) link)->result, error);
}

/* ---- COPY ---- */

static int
pq_copy_put(void *link, const char *data, int length)
{
	return PQputCopyData(((PqLink *) link)->conn, data, length);
}

static bool
pq_copy_end(void *link, const char *errormsg)
{
	/* 0, would block, happens without memory for a few bytes only */
	return PQputCopyEnd(((PqLink *) link)->conn, errormsg) == 1;
}

static int
pq_copy_get(void *link, char **data)
{
	return PQgetCopyData(((PqLink *) link)->conn, data, true);
}

static void
pq_copy_free(void *link, char *data)
{
	PQfreemem(data);
}

/* ---- cancel ---- */

#ifndef LIBPQ_HAS_ASYNC_CANCEL

/* waits for events on the socket; false: the time is over */
static bool
poll_socket(pgsocket sock, short events, TimestampTz deadline)
{
	for (;;)
	{
		struct pollfd pfd = {.fd = sock, .events = events};
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		if (left <= 0)
			return false;
		if (poll(&pfd, 1, Min(left, 100)) > 0)
			return true;
	}
}

/*
 * PQcancel() waits for the server for ever, and cannot be interrupted: not to be called when the
 * server hangs.  One that does not closes a connection on which the client says nothing at all,
 * without a word in its log.
 */
static bool
server_answers(PGconn *conn, long timeoutMs)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeoutMs);
	struct sockaddr_storage address;
	socklen_t	length = sizeof(address);
	pgsocket	sock;
	bool		answers = false;
	char		byte;

	if (PQsocket(conn) == PGINVALID_SOCKET ||
		getpeername(PQsocket(conn), (struct sockaddr *) &address, &length) != 0)
		return false;
	sock = socket(address.ss_family, SOCK_STREAM, 0);
	if (sock == PGINVALID_SOCKET)
		return false;
	if (pg_set_noblock(sock) &&
		(connect(sock, (struct sockaddr *) &address, length) == 0 || errno == EINPROGRESS) &&
		poll_socket(sock, POLLOUT, deadline) && shutdown(sock, SHUT_WR) == 0)
		answers = poll_socket(sock, POLLIN, deadline) && recv(sock, &byte, 1, 0) == 0;
	closesocket(sock);
	return answers;
}

#endif

static bool
pq_cancel(void *link, long timeoutMs)
{
	PGconn	   *conn = ((PqLink *) link)->conn;

#ifdef LIBPQ_HAS_ASYNC_CANCEL
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeoutMs);
	PGcancelConn *cancel = PQcancelCreate(conn);
	PostgresPollingStatusType polling = PGRES_POLLING_WRITING;
	bool		ok = cancel != NULL && PQcancelStart(cancel) == 1;

	while (ok && polling != PGRES_POLLING_OK)
	{
		struct pollfd pfd;
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		pfd.fd = PQcancelSocket(cancel);
		pfd.events = polling == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
		if (left <= 0 || (poll(&pfd, 1, Min(left, 100)) < 0 && errno != EINTR))
			ok = false;
		else if (pfd.revents != 0)
		{
			polling = PQcancelPoll(cancel);
			ok = polling != PGRES_POLLING_FAILED;
		}
	}
	PQcancelFinish(cancel);
	return ok;
#else
	PGcancel   *cancel;
	char		reason[256];
	bool		ok;

	if (!server_answers(conn, timeoutMs))
		return false;
	cancel = PQgetCancel(conn);
	ok = cancel != NULL && PQcancel(cancel, reason, sizeof(reason)) == 1;
	PQfreeCancel(cancel);
	return ok;
#endif
}

const RemoteTransport remote_libpq_transport = {
	.open = pq_open,
	.poll = pq_poll,
	.close = pq_close,
	.socket = pq_socket,
	.is_alive = pq_is_alive,
	.is_cut = pq_is_cut,
	.is_full = pq_is_full,
	.backend_pid = pq_backend_pid,
	.in_transaction = pq_in_transaction,
	.parameter = pq_parameter,
	.error_text = pq_error_text,
	.set_pipeline = pq_set_pipeline,
	.send = pq_send,
	.send_simple = pq_send_simple,
	.send_prepare = pq_send_prepare,
	.send_prepared = pq_send_prepared,
	.send_unprepare = pq_send_unprepare,
	.send_sync = pq_send_sync,
	.flush = pq_flush,
	.consume = pq_consume,
	.busy = pq_busy,
	.stream_rows = pq_stream_rows,
	.next = pq_next,
	.row_count = pq_row_count,
	.column_count = pq_column_count,
	.row = pq_row,
	.tag = pq_tag,
	.error = pq_error,
	.copy_put = pq_copy_put,
	.copy_end = pq_copy_end,
	.copy_get = pq_copy_get,
	.copy_free = pq_copy_free,
	.cancel = pq_cancel,
};

/* ---- conninfo strings ---- */

List *
remote_libpq_parse_conninfo(const char *conninfo, char **error)
{
	char	   *message = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);
	List	   *result = NIL;

	*error = NULL;
	if (options == NULL)
	{
		*error = pstrdup(message != NULL ? message : "out of memory");
		PQfreemem(message);
		/* libpq ends its messages with a line feed */
		if (**error != '\0' && (*error)[strlen(*error) - 1] == '\n')
			(*error)[strlen(*error) - 1] = '\0';
		return NIL;
	}
	for (PQconninfoOption *option = options; option->keyword != NULL; option++)
	{
		RemoteOption *pair;

		if (option->val == NULL)
			continue;
		pair = palloc(sizeof(RemoteOption));
		pair->keyword = pstrdup(option->keyword);
		pair->value = pstrdup(option->val);
		result = lappend(result, pair);
	}
	PQconninfoFree(options);
	return result;
}
