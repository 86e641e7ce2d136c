/*
 * run_alone.c
 *	  Commands on nodes outside any transaction, each on a connection of its own.
 *
 * Nothing that a node answers raises an error here: it becomes part of the ClusterAnswer.  A
 * connection is closed after use, for a command may have changed its session.
 *
 * Main path: start_call() connects without waiting, drive() is called whenever the connection is
 * ready, until the call is finished.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cluster/cluster_internal.h"
#include "citus/remote/remote.h"

/* AloneCall: one text on one node */
typedef struct AloneCall
{
	ClusterAnswer *answer;
	const char *command;
	RemoteConn *conn;			/* NULL before the start and after the end */
	bool		sent;
	bool		finished;
} AloneCall;

static void
finish_call(AloneCall *call)
{
	if (call->conn != NULL)
		remote_conn_close(call->conn);
	call->conn = NULL;
	call->finished = true;
}

static void
fail_call(AloneCall *call, const char *message)
{
	ClusterAnswer *answer = call->answer;

	if (answer->ok)
	{
		answer->ok = false;
		answer->error = pstrdup(message);
	}
}

/* Turns an error raised by remote into the answer; re-raises what is not the node's. */
static void
catch_failure(AloneCall *call, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_CONNECTION_EXCEPTION)
		PG_RE_THROW();
	FlushErrorState();
	call->answer->reached = false;
	/* the reason is in the detail */
	fail_call(call, error->detail ? error->detail : error->message);
	FreeErrorData(error);
	finish_call(call);
}

static void
start_call(AloneCall *call)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		RemoteTarget target = txn_target_of_node(call->answer->node);

		/* not one from the cache: its session is a node's, and the command may be a user's */
		target.applicationName = psprintf("citus_run_command gpid=" UINT64_FORMAT,
										  txn_global_pid());
		call->conn = remote_conn_acquire(&target, false);
	}
	PG_CATCH();
	{
		catch_failure(call, context);
	}
	PG_END_TRY();
}

static void
send_call(AloneCall *call)
{
	RemoteCommand command = {
		.sql = call->command,
		.owner = call,
		.sync = true,
		.simple = true,
	};

	remote_send(call->conn, &command);
	call->sent = true;
}

static void
take_row(ClusterAnswer *answer, const RemoteAnswer *remote)
{
	char	  **values = palloc0(sizeof(char *) * Max(remote->ncolumns, 1));

	for (int i = 0; i < remote->ncolumns; i++)
		if (remote->values[i] != NULL)
			values[i] = pnstrdup(remote->values[i], remote->lengths[i]);
	answer->ncolumns = remote->ncolumns;
	answer->rows = lappend(answer->rows, values);
}

static void
take_alone_answer(AloneCall *call, const RemoteAnswer *remote)
{
	int			sqlstate;

	switch (remote->kind)
	{
		case REMOTE_ANSWER_ROW:
			/* rows of an earlier statement of the text are of no interest */
			if (call->answer->tag != NULL)
			{
				list_free(call->answer->rows);
				call->answer->rows = NIL;
				call->answer->tag = NULL;
			}
			take_row(call->answer, remote);
			break;
		case REMOTE_ANSWER_DONE:
			if (call->answer->tag != NULL)
				call->answer->rows = NIL;
			call->answer->tag = pstrdup(remote->tag ? remote->tag : "");
			break;
		case REMOTE_ANSWER_ERROR:
			fail_call(call, remote_error_message(call->conn, &sqlstate));
			call->answer->sqlstate = sqlstate;
			break;
		case REMOTE_ANSWER_LOST:
			fail_call(call, remote_error_message(call->conn, &sqlstate));
			call->answer->reached = false;
			finish_call(call);
			break;
		case REMOTE_ANSWER_COPY_IN:
		case REMOTE_ANSWER_COPY_OUT:
			fail_call(call, "COPY to or from the client is not supported here");
			finish_call(call);
			break;
		case REMOTE_ANSWER_NONE:
			break;
	}
}

/* Does what can be done without waiting. */
static void
drive_call(AloneCall *call)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		if (!call->sent && remote_conn_state(call->conn) == REMOTE_CONNECTING)
			(void) remote_conn_poll(call->conn);
		if (!call->sent && remote_conn_state(call->conn) == REMOTE_BROKEN)
			remote_conn_finish(call->conn);	/* raises the reason */
		if (!call->sent && remote_conn_state(call->conn) != REMOTE_CONNECTING)
			send_call(call);
		while (call->sent && !call->finished)
		{
			RemoteAnswer answer;

			if (remote_outstanding(call->conn) == 0)
			{
				finish_call(call);
				break;
			}
			remote_receive(call->conn, &answer);
			if (answer.kind == REMOTE_ANSWER_NONE)
				break;
			take_alone_answer(call, &answer);
		}
	}
	PG_CATCH();
	{
		catch_failure(call, context);
	}
	PG_END_TRY();
}

/* Gives up whoever has not answered. */
static void
end_patience(AloneCall *calls, int first, int last)
{
	for (int i = first; i < last; i++)
	{
		if (calls[i].finished)
			continue;
		fail_call(&calls[i], "no answer in time");
		calls[i].answer->reached = false;
		finish_call(&calls[i]);
	}
}

/* Runs calls[first .. last) to their end, or, with a deadline (0: none), until then. */
static void
drive_calls(AloneCall *calls, int first, int last, TimestampTz deadline)
{
	int			ncalls = last - first;
	RemoteConn **waiting = palloc(sizeof(RemoteConn *) * ncalls);
	bool	   *ready = palloc(sizeof(bool) * ncalls);

	for (int i = first; i < last; i++)
		start_call(&calls[i]);
	for (;;)
	{
		int			nwaiting = 0;
		long		timeout = -1;

		for (int i = first; i < last; i++)
		{
			if (!calls[i].finished)
				drive_call(&calls[i]);
			if (!calls[i].finished)
				waiting[nwaiting++] = calls[i].conn;
		}
		if (nwaiting == 0)
			break;
		if (deadline != 0)
			timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (timeout == 0)
		{
			end_patience(calls, first, last);
			break;
		}
		remote_wait_any(waiting, nwaiting, timeout, ready);
	}
	pfree(waiting);
	pfree(ready);
}

/* connections that one run opens at once */
#define ALONE_MAX_PARALLEL 16
/* how long a look at all nodes waits for one that hangs */
#define ASK_PATIENCE_MS 5000

static List *
run_alone(List *nodes, List *commands, bool parallel, long patienceMs)
{
	int			ncalls = list_length(nodes);
	int			step = parallel ? ALONE_MAX_PARALLEL : 1;
	AloneCall  *calls = palloc0(sizeof(AloneCall) * Max(ncalls, 1));
	List	   *answers = NIL;

	for (int i = 0; i < ncalls; i++)
	{
		ClusterAnswer *answer = palloc0(sizeof(ClusterAnswer));

		answer->node = list_nth(nodes, i);
		answer->ok = true;
		answer->reached = true;
		calls[i].answer = answer;
		calls[i].command = list_nth(commands, list_length(commands) == 1 ? 0 : i);
		answers = lappend(answers, answer);
	}
	for (int i = 0; i < ncalls; i += step)
		drive_calls(calls, i, Min(i + step, ncalls), patienceMs == 0 ? 0 :
					TimestampTzPlusMilliseconds(GetCurrentTimestamp(), patienceMs));
	pfree(calls);
	return answers;
}

List *
cluster_run_alone(List *nodes, List *commands, bool parallel)
{
	return run_alone(nodes, commands, parallel, 0);
}

List *
cluster_ask_alone(List *nodes, const char *query)
{
	return run_alone(nodes, list_make1((char *) query), true, ASK_PATIENCE_MS);
}

List *
cluster_ask_each_alone(List *nodes, List *queries)
{
	return run_alone(nodes, queries, true, ASK_PATIENCE_MS);
}

void
cluster_run_alone_as_owner(List *nodes, List *commands)
{
	ClusterUser saved = cluster_become_owner();
	ListCell   *lc;

	foreach(lc, commands)
	{
		List	   *answers = cluster_run_alone(nodes, list_make1(lfirst(lc)), true);
		ListCell   *la;

		foreach(la, answers)
		{
			ClusterAnswer *answer = lfirst(la);

			if (!answer->ok)
				ereport(ERROR,
						(errcode(answer->reached ? answer->sqlstate :
								 ERRCODE_CONNECTION_FAILURE),
						 errmsg("%s", answer->error),
						 errcontext("while preparing node %s:%d", answer->node->name,
									answer->node->port)));
		}
	}
	cluster_restore_user(saved);
}
