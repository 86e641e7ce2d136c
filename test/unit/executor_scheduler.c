/*
 * executor_scheduler.c: tasks over several connections, on a transport whose servers obey the
 * statements that they are sent:
 *
 *	   ROWS n		n rows
 *	   SLOW ms		nothing, after a while
 *	   FAIL [ms]	an error, after a while
 *	   DIE			the connection is lost
 *
 * Anything else succeeds.  A server whose host is "down" cannot be reached; on that of the name
 * "late" transactions find their snapshot gone when they begin.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "executor/executor_internal.h"
#include "remote/remote_internal.h"
#include "citus/txn/txn.h"
#include "unit.h"

#define MAX_STEPS 500

typedef struct Step
{
	RemoteResult kind;
	TimestampTz due;
	char		tag[32];
} Step;

typedef struct Link
{
	bool		down;
	bool		late;
	bool		skips;			/* up to the Sync */
	Step		steps[MAX_STEPS];
	int			nsteps;
	int			next;
	bool		inTransaction;
} Link;

static int	opened;

static void
add_step(Link *link, RemoteResult kind, int ms, const char *tag)
{
	Step	   *step = &link->steps[link->nsteps++];

	if (link->nsteps >= MAX_STEPS)
		elog(ERROR, "the script is too long");
	step->kind = kind;
	step->due = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
	strlcpy(step->tag, tag, sizeof(step->tag));
}

/* ---- the transport ---- */

static void *
obey_open(const char *const *keywords, const char *const *values, RemoteNoticeCallback notice,
		  void *noticeArg)
{
	Link	   *link = palloc0(sizeof(Link));

	for (int i = 0; keywords[i] != NULL; i++)
	{
		if (strcmp(keywords[i], "host") == 0 && values[i] && strcmp(values[i], "down") == 0)
			link->down = true;
		if (strcmp(keywords[i], "host") == 0 && values[i] && strcmp(values[i], "late") == 0)
			link->late = true;
	}
	opened++;
	return link;
}

static RemotePoll
obey_poll(void *link)
{
	return ((Link *) link)->down ? REMOTE_POLL_FAILED : REMOTE_POLL_OK;
}

static void
obey_close(void *link)
{
	pfree(link);
}

static pgsocket
obey_socket(void *link)
{
	return PGINVALID_SOCKET;
}

static bool
obey_yes(void *link)
{
	return true;
}

static bool
obey_no(void *link)
{
	return false;
}

static const char *
obey_parameter(void *link, const char *name)
{
	return NULL;
}

static int
obey_pid(void *link)
{
	return 1;
}

static bool
obey_in_transaction(void *link)
{
	return ((Link *) link)->inTransaction;
}

static const char *
obey_error_text(void *link)
{
	return "the script says so";
}

static bool
obey_set_pipeline(void *link, bool on)
{
	return true;
}

static bool
obey_statement(Link *link, const char *sql)
{
	int			n;

	while (*sql == ' ')
		sql++;
	if (strncmp(sql, "BEGIN", 5) == 0)
		link->inTransaction = true;
	else if (strncmp(sql, "COMMIT", 6) == 0 || strncmp(sql, "ROLLBACK", 8) == 0)
		link->inTransaction = false;

	if (link->skips)
		add_step(link, REMOTE_RESULT_SKIPPED, 0, sql);
	else if (strncmp(sql, "FAIL", 4) == 0)
		add_step(link, REMOTE_RESULT_ERROR, atoi(sql + 4), sql);
	else if (link->late && strncmp(sql, "BEGIN", 5) == 0)
	{
		add_step(link, REMOTE_RESULT_ERROR, 0, sql);
		link->skips = true;
	}
	else if (strcmp(sql, "DIE") == 0)
		add_step(link, REMOTE_RESULT_LOST, 0, sql);
	else
	{
		for (n = strncmp(sql, "ROWS ", 5) == 0 ? atoi(sql + 5) : 0; n > 0; n--)
			add_step(link, REMOTE_RESULT_ROWS, 0, "row");
		add_step(link, REMOTE_RESULT_COMPLETE,
				 strncmp(sql, "SLOW ", 5) == 0 ? atoi(sql + 5) : 0,
				 strcmp(sql, "COMMIT") == 0 ? "COMMIT" : "DONE");
	}
	add_step(link, REMOTE_RESULT_END, 0, "");
	return true;
}

static bool
obey_send(void *link, const RemoteCommand *command)
{
	return obey_statement(link, command->sql);
}

static bool
obey_send_simple(void *link, const char *sql)
{
	return obey_statement(link, sql);
}

static bool
obey_send_prepare(void *link, const char *name, const char *sql, int nparams, const Oid *types)
{
	return obey_statement(link, "PREPARE");
}

static bool
obey_send_prepared(void *link, const char *name, const RemoteCommand *command)
{
	return obey_statement(link, command->sql);
}

static bool
obey_send_unprepare(void *link, const char *name)
{
	return obey_statement(link, "DEALLOCATE");
}

static bool
obey_send_sync(void *link)
{
	((Link *) link)->skips = false;
	add_step(link, REMOTE_RESULT_SYNC, 0, "");
	return true;
}

static RemoteFlush
obey_flush(void *link)
{
	return REMOTE_FLUSH_DONE;
}

static bool
obey_busy(void *p)
{
	Link	   *link = p;

	return link->next >= link->nsteps || link->steps[link->next].due > GetCurrentTimestamp();
}

static void
obey_stream_rows(void *link)
{
}

static RemoteResult
obey_next(void *p)
{
	Link	   *link = p;

	return link->steps[link->next++].kind;
}

static int
obey_row_count(void *p)
{
	Link	   *link = p;

	return link->steps[link->next - 1].kind == REMOTE_RESULT_ROWS ? 1 : 0;
}

static int
obey_column_count(void *link, bool *binary)
{
	*binary = false;
	return 1;
}

static void
obey_row(void *link, int row, const char **values, int *lengths)
{
	values[0] = "x";
	lengths[0] = 1;
}

static const char *
obey_tag(void *p, uint64 *rowCount)
{
	Link	   *link = p;

	*rowCount = 1;
	return link->steps[link->next - 1].tag;
}

static void
obey_error(void *link, RemoteError *error)
{
	memset(error, 0, sizeof(*error));
	error->sqlstate = ((Link *) link)->late ? TXN_SNAPSHOT_GONE : ERRCODE_DIVISION_BY_ZERO;
	error->severity = "ERROR";
	error->message = "told to fail";
}

static bool
obey_cancel(void *link, long timeoutMs)
{
	return true;
}

static const RemoteTransport obeying_transport = {
	.open = obey_open,
	.poll = obey_poll,
	.close = obey_close,
	.socket = obey_socket,
	.is_alive = obey_yes,
	.is_cut = obey_no,
	.is_full = obey_no,
	.backend_pid = obey_pid,
	.in_transaction = obey_in_transaction,
	.parameter = obey_parameter,
	.error_text = obey_error_text,
	.set_pipeline = obey_set_pipeline,
	.send = obey_send,
	.send_simple = obey_send_simple,
	.send_prepare = obey_send_prepare,
	.send_prepared = obey_send_prepared,
	.send_unprepare = obey_send_unprepare,
	.send_sync = obey_send_sync,
	.flush = obey_flush,
	.consume = obey_yes,
	.busy = obey_busy,
	.stream_rows = obey_stream_rows,
	.next = obey_next,
	.row_count = obey_row_count,
	.column_count = obey_column_count,
	.row = obey_row,
	.tag = obey_tag,
	.error = obey_error,
	.cancel = obey_cancel,
};

/* ---- tasks ---- */

static ClusterNode nodes[] = {
	{.id = 90001, .groupId = 90001, .name = "a", .port = 1},
	{.id = 90002, .groupId = 90002, .name = "b", .port = 1},
	{.id = 90003, .groupId = 90003, .name = "down", .port = 1},
	{.id = 90004, .groupId = 90004, .name = "late", .port = 1},
};
#define A (&nodes[0])
#define B (&nodes[1])
#define DOWN (&nodes[2])
#define LATE (&nodes[3])

static void
start(void)
{
	opened = 0;
	remote_transport = &obeying_transport;
}

static List *
add(List *tasks, const char *sql, const ClusterNode *node, const ClusterNode *other)
{
	ExecutorTask *task = palloc0(sizeof(ExecutorTask));

	task->sql = sql;
	task->candidates = palloc0(sizeof(ClusterNode *) * 2);
	task->candidates[0] = node;
	task->candidates[1] = other;
	task->ncandidates = other == NULL ? 1 : 2;
	return lappend(tasks, task);
}

static int
run_all(List *tasks, bool mayGrow)
{
	RunOptions	options = {.use = TXN_READ, .mayGrow = mayGrow};
	TaskRun    *run = executor_run_start(tasks, &options);
	RemoteAnswer answer;
	int			rows = 0;

	while (executor_run_next(run, &answer) != NULL)
		rows++;
	UNIT_ASSERT(executor_run_is_finished(run));
	return rows;
}

static int
count_done(List *tasks)
{
	int			count = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		if (((ExecutorTask *) lfirst(cell))->state == TASK_DONE)
			count++;
	}
	return count;
}

UNIT_TEST(executor_all_rows_of_all_tasks_come)
{
	List	   *tasks = NIL;

	start();
	for (int i = 0; i < 40; i++)
		tasks = add(tasks, "ROWS 3", i % 2 ? A : B, NULL);
	UNIT_ASSERT_INT(120, run_all(tasks, false));
	UNIT_ASSERT_INT(40, count_done(tasks));
	UNIT_ASSERT_INT(2, opened);
}

UNIT_TEST(executor_no_task_is_no_row)
{
	start();
	UNIT_ASSERT_INT(0, run_all(NIL, false));
	UNIT_ASSERT_INT(0, opened);
}

UNIT_TEST(executor_an_error_is_raised)
{
	start();
	UNIT_ASSERT_ERROR(ERRCODE_DIVISION_BY_ZERO,
					  run_all(add(add(NIL, "ROWS 1", A, NULL), "FAIL", A, NULL), false));
}

UNIT_TEST(executor_a_gone_snapshot_waits_for_the_error_that_ended_it)
{
	List	   *tasks = NIL;

	start();
	tasks = add(tasks, "ROWS 1", LATE, NULL);
	tasks = add(tasks, "FAIL 50", A, NULL);
	UNIT_ASSERT_ERROR(ERRCODE_DIVISION_BY_ZERO, run_all(tasks, false));
}

UNIT_TEST(executor_a_gone_snapshot_is_an_error)
{
	start();
	UNIT_ASSERT_ERROR(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  run_all(add(add(NIL, "ROWS 1", LATE, NULL), "ROWS 1", A, NULL), false));
}

UNIT_TEST(executor_a_dead_node_is_replaced)
{
	List	   *tasks = NIL;

	start();
	tasks = add(tasks, "ROWS 1", DOWN, A);
	tasks = add(tasks, "ROWS 1", DOWN, B);
	tasks = add(tasks, "ROWS 1", A, NULL);
	UNIT_ASSERT_INT(3, run_all(tasks, false));
}

UNIT_TEST(executor_a_dead_node_without_replacement_is_an_error)
{
	start();
	UNIT_ASSERT_ERROR(ERRCODE_CONNECTION_FAILURE, run_all(add(NIL, "ROWS 1", DOWN, NULL), false));
}

UNIT_TEST(executor_a_lost_connection_is_an_error)
{
	start();
	UNIT_ASSERT_ERROR(ERRCODE_CONNECTION_FAILURE, run_all(add(NIL, "DIE", A, NULL), false));
}

/* these tests run inside of one, and 15 ms are longer than the interval for growth */
UNIT_TEST(executor_a_transaction_block_has_one_connection)
{
	List	   *tasks = NIL;

	start();
	for (int i = 0; i < 8; i++)
		tasks = add(tasks, "SLOW 15", A, NULL);
	UNIT_ASSERT_INT(0, run_all(tasks, true));
	UNIT_ASSERT_INT(8, count_done(tasks));
	UNIT_ASSERT_INT(1, opened);
}

UNIT_TEST(executor_quick_tasks_need_one_connection)
{
	List	   *tasks = NIL;

	start();
	for (int i = 0; i < 8; i++)
		tasks = add(tasks, "ROWS 1", A, NULL);
	UNIT_ASSERT_INT(8, run_all(tasks, true));
	UNIT_ASSERT_INT(1, opened);
}

UNIT_TEST(executor_a_stopped_run_leaves_nothing_outstanding)
{
	RunOptions	options = {.use = TXN_READ};
	List	   *tasks = NIL;
	RemoteAnswer answer;
	TaskRun    *run;

	start();
	for (int i = 0; i < 30; i++)
		tasks = add(tasks, "ROWS 5", A, NULL);
	run = executor_run_start(tasks, &options);
	UNIT_ASSERT(executor_run_next(run, &answer) != NULL);
	executor_run_stop(run, false);
	UNIT_ASSERT(executor_run_is_finished(run));
	UNIT_ASSERT_INT(0, remote_outstanding(txn_main_conn(A)));
	UNIT_ASSERT(count_done(tasks) < 30);
}
