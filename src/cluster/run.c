/*
 * run.c
 *	  Commands on a set of nodes, within the distributed transaction.
 *
 * All connections are started first, all commands are sent next, answers are collected last; an
 * error is kept until every node has answered, so that no connection is left in the middle of a
 * statement by an error of another.
 *
 * Not here: commands outside the transaction (run_alone.c).
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "cluster/cluster_internal.h"
#include "citus/remote/remote.h"

/* NodeCall: one node's share of a run */
typedef struct NodeCall
{
	const ClusterNode *node;
	RemoteConn *conn;
	List	   *commands;		/* of char * */
	List	   *rows;			/* of char **, when kept */
	bool		keepRows;
	bool		done;
	ErrorData  *error;			/* the first one, NULL if none */
} NodeCall;

/* Keeps the error being raised as the call's first; to be called in a PG_CATCH block. */
static void
keep_error(NodeCall *call, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (call->error == NULL)
		call->error = error;
}

static void
keep_row(NodeCall *call, const RemoteAnswer *answer)
{
	char	  **values = palloc0(sizeof(char *) * Max(answer->ncolumns, 1));

	for (int i = 0; i < answer->ncolumns; i++)
		values[i] = answer->values[i] ? pnstrdup(answer->values[i], answer->lengths[i]) : NULL;
	call->rows = lappend(call->rows, values);
}

/* Takes one answer.  Errors that a node reports end up in call->error. */
static void
take_answer(NodeCall *call, const RemoteAnswer *answer)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		if (txn_is_own_answer(answer))
			txn_handle_answer(call->conn, answer);
		else
			switch (answer->kind)
			{
				case REMOTE_ANSWER_ROW:
					if (call->keepRows)
						keep_row(call, answer);
					break;
				case REMOTE_ANSWER_LOST:
					txn_conn_failed(call->conn);
					remote_error_raise(call->conn);
					break;
				case REMOTE_ANSWER_ERROR:
					remote_error_raise(call->conn);
					break;
				case REMOTE_ANSWER_COPY_IN:
				case REMOTE_ANSWER_COPY_OUT:
					elog(ERROR, "unexpected COPY in answer of node %s:%d", call->node->name,
						 call->node->port);
					break;
				case REMOTE_ANSWER_DONE:
				case REMOTE_ANSWER_NONE:
					break;
			}
	}
	PG_CATCH();
	{
		keep_error(call, context);
	}
	PG_END_TRY();

	if (answer->kind == REMOTE_ANSWER_LOST)
		call->done = true;
}

static void
send_commands(NodeCall *call, TxnUse use)
{
	ListCell   *lc;

	txn_conn_begin(call->conn, use);
	foreach(lc, call->commands)
	{
		RemoteCommand command = {.sql = lfirst(lc), .owner = call};

		remote_send(call->conn, &command);
	}
	remote_sync(call->conn);
}

/* Takes what has arrived; true if anything had. */
static bool
receive_some(NodeCall *call)
{
	bool		progress = false;

	while (!call->done)
	{
		RemoteAnswer answer;

		if (remote_conn_state(call->conn) != REMOTE_BROKEN &&
			remote_outstanding(call->conn) == 0)
		{
			call->done = true;
			return true;
		}
		remote_receive(call->conn, &answer);
		if (answer.kind == REMOTE_ANSWER_NONE)
			return progress;
		take_answer(call, &answer);
		progress = true;
	}
	return progress;
}

static void
collect_answers(NodeCall *calls, int ncalls)
{
	RemoteConn **waiting = palloc(sizeof(RemoteConn *) * ncalls);
	bool	   *ready = palloc(sizeof(bool) * ncalls);

	for (;;)
	{
		bool		progress = false;
		int			nwaiting = 0;

		for (int i = 0; i < ncalls; i++)
		{
			progress |= receive_some(&calls[i]);
			if (!calls[i].done)
				waiting[nwaiting++] = calls[i].conn;
		}
		if (nwaiting == 0)
			break;
		if (!progress)
			remote_wait_any(waiting, nwaiting, -1, ready);
	}
	pfree(waiting);
	pfree(ready);
}

List *
cluster_run_lists(List *nodes, List *commandLists, TxnUse use, bool keepRows)
{
	int			ncalls = list_length(nodes);
	NodeCall   *calls = palloc0(sizeof(NodeCall) * Max(ncalls, 1));
	List	   *results = NIL;

	for (int i = 0; i < ncalls; i++)
	{
		calls[i].node = list_nth(nodes, i);
		calls[i].commands = list_nth(commandLists, i);
		calls[i].keepRows = keepRows;
		calls[i].conn = txn_main_conn(calls[i].node);
	}
	for (int i = 0; i < ncalls; i++)
		if (remote_conn_state(calls[i].conn) == REMOTE_CONNECTING)
			remote_conn_finish(calls[i].conn);
	for (int i = 0; i < ncalls; i++)
		send_commands(&calls[i], use);
	collect_answers(calls, ncalls);

	for (int i = 0; i < ncalls; i++)
		if (calls[i].error != NULL)
			ReThrowError(calls[i].error);
	if (keepRows)
		for (int i = 0; i < ncalls; i++)
			results = lappend(results, calls[i].rows);
	pfree(calls);
	return results;
}

void
cluster_run(List *nodes, List *commands)
{
	List	   *lists = NIL;

	if (nodes == NIL || commands == NIL)
		return;
	for (int i = 0; i < list_length(nodes); i++)
		lists = lappend(lists, commands);
	cluster_run_lists(nodes, lists, TXN_WRITE, false);
	list_free(lists);
}

void
cluster_run_on_others(List *commands)
{
	cluster_lock_node_list(false);
	cluster_run(cluster_other_nodes(), commands);
}

List *
cluster_query_each(List *nodes, List *queries)
{
	List	   *lists = NIL;
	ListCell   *lc;

	if (nodes == NIL)
		return NIL;
	foreach(lc, queries)
		lists = lappend(lists, list_make1(lfirst(lc)));
	return cluster_run_lists(nodes, lists, TXN_READ, true);
}

List *
cluster_call_each(List *nodes, const char *sql)
{
	List	   *lists = NIL;

	for (int i = 0; i < list_length(nodes); i++)
		lists = lappend(lists, list_make1((char *) sql));
	return nodes == NIL ? NIL : cluster_run_lists(nodes, lists, TXN_WRITE, true);
}

List *
cluster_query(const ClusterNode *node, const char *sql)
{
	return linitial(cluster_query_each(list_make1((void *) node), list_make1((void *) sql)));
}

List *
cluster_unlogged(List *commands)
{
	List	   *result = list_make3("SET LOCAL log_statement TO none",
									"SET LOCAL log_min_duration_statement TO -1",
									"SET LOCAL log_min_error_statement TO panic");

	result = list_concat(result, commands);
	result = lappend(result, "SET LOCAL log_statement TO DEFAULT");
	result = lappend(result, "SET LOCAL log_min_duration_statement TO DEFAULT");
	return lappend(result, "SET LOCAL log_min_error_statement TO DEFAULT");
}
