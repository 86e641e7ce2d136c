/*
 * remote_error.c
 *	  Errors and notices of other nodes become local ones: here only.
 *
 * The last error of a connection is copied into the connection, so that it outlives the libpq
 * result it came from.  Notices arrive while libpq parses, where no error may be thrown; they are
 * kept and given to the client when the caller is outside of it.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "remote/remote_internal.h"

static void
copy_fields(RemoteError *to, const RemoteError *from, MemoryContext context)
{
#define COPY(field) \
	to->field = from->field ? MemoryContextStrdup(context, from->field) : NULL
	to->sqlstate = from->sqlstate;
	COPY(severity);
	COPY(message);
	COPY(detail);
	COPY(hint);
	COPY(context);
	COPY(schemaName);
	COPY(tableName);
	COPY(columnName);
	COPY(dataTypeName);
	COPY(constraintName);
#undef COPY
}

/* libpq's own messages end with a line feed and may have several lines */
static void
chomp(char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
}

void
remote_error_set(RemoteConn *conn, const RemoteError *error)
{
	MemoryContextReset(conn->errorContext);
	copy_fields(&conn->error, error, conn->errorContext);
}

void
remote_error_lost(RemoteConn *conn, const char *text)
{
	char	   *copy;

	if (text == NULL)
		text = conn->link != NULL ? conn->transport->error_text(conn->link) : "out of memory";
	MemoryContextReset(conn->errorContext);
	memset(&conn->error, 0, sizeof(conn->error));
	copy = MemoryContextStrdup(conn->errorContext, text);
	chomp(copy);
	conn->error.message = copy;
	conn->connectFailed = conn->state == REMOTE_CONNECTING;
	conn->lost = true;
	conn->outcomeUnknown = conn->deciding;
	conn->deciding = false;
	conn->state = REMOTE_BROKEN;
}

/* the report of a lost connection, or of one that never was */
static void
report_lost(RemoteConn *conn, int elevel)
{
	const char *reason = conn->error.message;

	if (conn->outcomeUnknown)
	{
		ereport(elevel,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 errmsg("connection to node %s:%d was lost while it was committing", conn->host,
						conn->port),
				 errdetail("It is not known whether the changes were committed. %s",
						   reason != NULL ? reason : "")));
		return;
	}
	ereport(elevel,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 conn->connectFailed ?
			 errmsg("could not connect to node %s:%d", conn->host, conn->port) :
			 errmsg("connection to node %s:%d was lost", conn->host, conn->port),
			 reason != NULL && *reason != '\0' ? errdetail_internal("%s", reason) : 0));
}

static const char *
same_names(const char *text, bool isName)
{
	return text;
}

static const char *(*user_names) (const char *text, bool isName) = same_names;

void
remote_set_user_names(const char *(*restore) (const char *text, bool isName))
{
	user_names = restore;
}

/* An error about data quotes data; every other quotes names. */
static RemoteError
error_for_user(const RemoteError *error)
{
	RemoteError told = *error;

	if (ERRCODE_TO_CATEGORY(error->sqlstate) == ERRCODE_DATA_EXCEPTION)
		return told;
	told.message = unconstify(char *, user_names(error->message, false));
	told.detail = unconstify(char *, user_names(error->detail, false));
	told.hint = unconstify(char *, user_names(error->hint, false));
	told.context = unconstify(char *, user_names(error->context, false));
	told.tableName = unconstify(char *, user_names(error->tableName, true));
	told.constraintName = unconstify(char *, user_names(error->constraintName, true));
	return told;
}

static void
report(RemoteConn *conn, int elevel, bool nameNode)
{
	RemoteError told;
	const RemoteError *error = &told;

	remote_notices_relay(conn);
	/* what a cancel request that was passed on has ended is canceled here, in the words of here */
	if (elevel >= ERROR && conn->giveUpAt != 0 && !conn->outcomeUnknown)
		remote_check_interrupts();
	if (conn->lost)
	{
		report_lost(conn, elevel);
		return;
	}
	told = error_for_user(&conn->error);
	ereport(elevel,
			(errcode(error->sqlstate != 0 ? error->sqlstate : ERRCODE_CONNECTION_FAILURE),
			 errmsg_internal("%s", error->message ? error->message : "unknown error"),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0,
			 error->context ? errcontext("%s", error->context) : 0,
			 nameNode ? errcontext("while executing on %s:%d", conn->host, conn->port) : 0,
			 error->schemaName ? err_generic_string(PG_DIAG_SCHEMA_NAME, error->schemaName) : 0,
			 error->tableName ? err_generic_string(PG_DIAG_TABLE_NAME, error->tableName) : 0,
			 error->columnName ? err_generic_string(PG_DIAG_COLUMN_NAME, error->columnName) : 0,
			 error->dataTypeName ?
			 err_generic_string(PG_DIAG_DATATYPE_NAME, error->dataTypeName) : 0,
			 error->constraintName ?
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, error->constraintName) : 0));
}

void
remote_error_report(RemoteConn *conn, int elevel)
{
	report(conn, elevel, true);
}

void
remote_error_raise(RemoteConn *conn)
{
	report(conn, ERROR, true);
	pg_unreachable();
}

void
remote_error_raise_data(RemoteConn *conn)
{
	int			category = ERRCODE_TO_CATEGORY(conn->error.sqlstate);

	report(conn, ERROR, category != ERRCODE_DATA_EXCEPTION &&
		   category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION);
	pg_unreachable();
}

char *
remote_error_message(RemoteConn *conn, int *sqlstate)
{
	const RemoteError *error = &conn->error;

	if (sqlstate != NULL)
		*sqlstate = error->sqlstate != 0 ? error->sqlstate : ERRCODE_CONNECTION_FAILURE;
	if (conn->connectFailed)
		return psprintf("could not connect to node %s:%d: %s", conn->host, conn->port,
						error->message ? error->message : "");
	if (conn->lost)
		return psprintf("connection to node %s:%d was lost: %s", conn->host, conn->port,
						error->message ? error->message : "");
	return pstrdup(error->message ? error->message : "unknown error");
}

/* ---- notices ---- */

static int
level_of_severity(const char *severity)
{
	static const struct
	{
		const char *name;
		int			elevel;
	}			levels[] = {
		{"DEBUG5", DEBUG5}, {"DEBUG4", DEBUG4}, {"DEBUG3", DEBUG3}, {"DEBUG2", DEBUG2},
		{"DEBUG1", DEBUG1}, {"DEBUG", DEBUG1}, {"LOG", LOG}, {"INFO", INFO},
		{"NOTICE", NOTICE}, {"WARNING", WARNING},
	};

	for (int i = 0; severity != NULL && i < lengthof(levels); i++)
		if (strcmp(levels[i].name, severity) == 0)
			return levels[i].elevel;
	/* an error of an idle session: the server says why it closes the connection */
	return severity == NULL ? NOTICE : DEBUG1;
}

void
remote_notice_receive(void *arg, const RemoteError *fields)
{
	RemoteConn *conn = (RemoteConn *) arg;
	int			elevel = level_of_severity(fields->severity);
	RemoteNotice *notice;

	if (elevel != INFO && elevel < remote_worker_min_messages)
		return;
	/* the ROLLBACK of a session whose BEGIN was cancelled: no client's */
	if (fields->sqlstate == ERRCODE_NO_ACTIVE_SQL_TRANSACTION)
		return;
	notice = MemoryContextAllocZero(conn->noticeContext, sizeof(RemoteNotice));
	notice->elevel = elevel == LOG ? NOTICE : elevel;
	copy_fields(&notice->fields, fields, conn->noticeContext);
	*conn->noticesTail = notice;
	conn->noticesTail = &notice->next;
}

static bool
is_plan(const RemoteNotice *notice)
{
	return notice->fields.sqlstate == REMOTE_PLAN_MESSAGE && notice->elevel == INFO &&
		notice->fields.message != NULL && notice->fields.detail != NULL;
}

static void
keep_plan(RemoteConn *conn, const RemoteError *fields)
{
	if (conn->plan != NULL)
		pfree(conn->plan);
	conn->plan = MemoryContextStrdup(conn->context, fields->message);
	conn->planId = atoi(fields->detail);
}

char *
remote_take_plan(RemoteConn *conn, int id)
{
	char	   *plan = NULL;

	remote_notices_relay(conn);
	if (conn->plan == NULL)
		return NULL;
	if (conn->planId == id)
		plan = pstrdup(conn->plan);
	pfree(conn->plan);
	conn->plan = NULL;
	return plan;
}

void
remote_notices_relay(RemoteConn *conn)
{
	RemoteNotice *notice = conn->notices;

	if (notice == NULL)
		return;
	conn->notices = NULL;
	conn->noticesTail = &conn->notices;
	for (; notice != NULL; notice = notice->next)
	{
		RemoteError told;
		const RemoteError *fields = &told;

		if (is_plan(notice))
		{
			keep_plan(conn, &notice->fields);
			continue;
		}
		told = error_for_user(&notice->fields);
		ereport(notice->elevel,
				(fields->sqlstate != 0 ? errcode(fields->sqlstate) : 0,
				 errmsg_internal("%s", fields->message ? fields->message : ""),
				 fields->detail ? errdetail_internal("%s", fields->detail) : 0,
				 fields->hint ? errhint("%s", fields->hint) : 0,
				 fields->context ? errcontext("%s", fields->context) : 0));
	}
	MemoryContextReset(conn->noticeContext);
}

/* the text up to a password */
static char *
text_to_show(const char *sql)
{
	const char *secret = strstr(sql, " PASSWORD '");

	if (secret == NULL)
		return pstrdup(sql);
	return psprintf("%.*s PASSWORD '...", (int) (secret - sql), sql);
}

void
remote_log_command(RemoteConn *conn, const char *sql)
{
	char	   *shown = text_to_show(sql);

	ereport(NOTICE,
			(errmsg("sending to another node: %s", shown),
			 errdetail("on server %s@%s:%d connection " UINT64_FORMAT,
					   conn->user, conn->host, conn->port, conn->id)));
	pfree(shown);
}
