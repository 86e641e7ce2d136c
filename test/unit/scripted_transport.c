/*
 * scripted_transport.c: see scripted_transport.h.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "scripted_transport.h"

typedef struct ScriptItem
{
	RemoteResult kind;
	const char *text;
	int nrows;
	int sqlstate;
	const char *severity;
	bool delayed;
} ScriptItem;

#define MAX_ITEMS 200

static ScriptItem items[MAX_ITEMS];
static int nitems;
static int next_item;
static ScriptItem *taken;
static bool delay_next;
static StringInfoData log_text;

void
scripted_start(void)
{
	extern const RemoteTransport scripted_transport;

	nitems = next_item = 0;
	delay_next = false;
	initStringInfo(&log_text);
	remote_transport = &scripted_transport;
}

void
scripted_stop(void)
{
	remote_transport = &remote_libpq_transport;
}

static ScriptItem *
add_item(RemoteResult kind, const char *text)
{
	ScriptItem *item = &items[nitems++];

	Assert(nitems < MAX_ITEMS);
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	item->text = text;
	item->delayed = delay_next;
	delay_next = false;
	return item;
}

void
scripted_answer(RemoteResult kind, const char *text)
{
	add_item(kind, text);
}

void
scripted_rows(const char *text, int n)
{
	add_item(REMOTE_RESULT_ROWS, text)->nrows = n;
}

void
scripted_error(int sqlstate, const char *severity, const char *message)
{
	ScriptItem *item = add_item(REMOTE_RESULT_ERROR, message);

	item->sqlstate = sqlstate;
	item->severity = severity;
}

void
scripted_delay(void)
{
	delay_next = true;
}

void
scripted_done(const char *tag)
{
	scripted_answer(REMOTE_RESULT_COMPLETE, tag);
	scripted_answer(REMOTE_RESULT_END, NULL);
}

const char *
scripted_log(void)
{
	return log_text.data;
}

void
scripted_clear_log(void)
{
	resetStringInfo(&log_text);
}

static void
log_sent(const char *what)
{
	appendStringInfo(&log_text, "%s%s", log_text.len > 0 ? "; " : "", what);
}

RemoteConn *
scripted_conn(void)
{
	RemoteTarget target = {0};
	RemoteConn *conn;

	target.nodeId = 1;
	target.host = "nowhere.invalid";
	target.port = 1;
	conn = remote_conn_acquire(&target, false);
	remote_conn_finish(conn);
	return conn;
}

/* ---- the functions of the transport ---- */

static void *
scripted_open(const char *const *keywords, const char *const *values,
			  RemoteNoticeCallback notice, void *noticeArg)
{
	return palloc0(1);
}

static RemotePoll
scripted_poll(void *link)
{
	return REMOTE_POLL_OK;
}

static void
scripted_close(void *link)
{
	pfree(link);
}

static pgsocket
scripted_socket(void *link)
{
	return PGINVALID_SOCKET;
}

static bool
scripted_yes(void *link)
{
	return true;
}

static bool
scripted_no(void *link)
{
	return false;
}

static const char *
scripted_parameter(void *link, const char *name)
{
	return NULL;
}

static int
scripted_pid(void *link)
{
	return 1;
}

static const char *
scripted_error_text(void *link)
{
	return "the script says so";
}

static bool
scripted_set_pipeline(void *link, bool on)
{
	log_sent(on ? "pipeline on" : "pipeline off");
	return true;
}

static bool
scripted_send(void *link, const RemoteCommand *command)
{
	log_sent(command->sql);
	return true;
}

static bool
scripted_send_simple(void *link, const char *sql)
{
	log_sent("simple:");
	log_sent(sql);
	return true;
}

static bool
scripted_send_prepare(void *link, const char *name, const char *sql, int nparams,
					  const Oid *types)
{
	log_sent("prepare");
	log_sent(name);
	return true;
}

static bool
scripted_send_prepared(void *link, const char *name, const RemoteCommand *command)
{
	log_sent("execute");
	log_sent(name);
	return true;
}

static bool
scripted_send_unprepare(void *link, const char *name)
{
	log_sent("unprepare");
	log_sent(name);
	return true;
}

static bool
scripted_send_sync(void *link)
{
	log_sent("sync");
	return true;
}

static RemoteFlush
scripted_flush(void *link)
{
	return REMOTE_FLUSH_DONE;
}

static bool
scripted_consume(void *link)
{
	if (next_item < nitems)
		items[next_item].delayed = false;
	return true;
}

static bool
scripted_busy(void *link)
{
	return next_item >= nitems || items[next_item].delayed;
}

static void
scripted_stream_rows(void *link)
{
}

static RemoteResult
scripted_next(void *link)
{
	taken = &items[next_item++];
	return taken->kind;
}

static int
scripted_row_count(void *link)
{
	return taken->nrows;
}

static int
scripted_column_count(void *link, bool *binary)
{
	*binary = false;
	return 1;
}

static void
scripted_row(void *link, int row, const char **values, int *lengths)
{
	values[0] = taken->text;
	lengths[0] = strlen(taken->text);
}

static const char *
scripted_tag(void *link, uint64 *rowCount)
{
	*rowCount = 0;
	return taken->text;
}

static void
scripted_fields(void *link, RemoteError *error)
{
	memset(error, 0, sizeof(*error));
	error->sqlstate = taken->sqlstate;
	error->severity = taken->severity;
	error->message = taken->text;
}

static int
scripted_copy_put(void *link, const char *data, int length)
{
	log_sent("data");
	return 1;
}

static bool
scripted_copy_end(void *link, const char *errormsg)
{
	log_sent(errormsg ? "copy failed" : "copy end");
	return true;
}

static int
scripted_copy_get(void *link, char **data)
{
	return -1;
}

static void
scripted_copy_free(void *link, char *data)
{
}

static bool
scripted_cancel(void *link, long timeoutMs)
{
	log_sent("cancel");
	return true;
}

extern const RemoteTransport scripted_transport;
const RemoteTransport scripted_transport = {
	.open = scripted_open,
	.poll = scripted_poll,
	.close = scripted_close,
	.socket = scripted_socket,
	.is_alive = scripted_yes,
	.is_cut = scripted_no,
	.is_full = scripted_no,
	.backend_pid = scripted_pid,
	.in_transaction = scripted_no,
	.parameter = scripted_parameter,
	.error_text = scripted_error_text,
	.set_pipeline = scripted_set_pipeline,
	.send = scripted_send,
	.send_simple = scripted_send_simple,
	.send_prepare = scripted_send_prepare,
	.send_prepared = scripted_send_prepared,
	.send_unprepare = scripted_send_unprepare,
	.send_sync = scripted_send_sync,
	.flush = scripted_flush,
	.consume = scripted_consume,
	.busy = scripted_busy,
	.stream_rows = scripted_stream_rows,
	.next = scripted_next,
	.row_count = scripted_row_count,
	.column_count = scripted_column_count,
	.row = scripted_row,
	.tag = scripted_tag,
	.error = scripted_fields,
	.copy_put = scripted_copy_put,
	.copy_end = scripted_copy_end,
	.copy_get = scripted_copy_get,
	.copy_free = scripted_copy_free,
	.cancel = scripted_cancel,
};
