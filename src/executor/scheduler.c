/*
 * scheduler.c
 *	  Runs tasks on other nodes over few connections, and gives their rows as they come.
 *
 * Every node has a queue of tasks.  Its main connection works on it from the start; additional
 * ones, which txn grants for reads only, join one batch per citus.executor_slow_start_interval
 * while tasks wait, if the time that is left is worth it: opening one costs the other side about as
 * much as the interval.  When more of them get no more done, no others join.  Tasks that compute
 * use a processor each: beyond the processors of a machine, which its nodes share, connections are
 * tried only where there is much time to win, as tasks may wait for disks.  When tasks are quick,
 * a connection has several under way, so that it does not idle between them; when they are slow,
 * it leaves the rest to others.
 *
 * Invariants:
 * (1) answers are read only here while a task is under way on a connection; those to commands of
 *	   txn are passed on;
 * (2) a task has been sent at most once, or its connection was lost before it gave any row;
 * (3) between start and finish no other user has anything under way on the run's connections: at
 *	   start the others are settled, later ones settle this run;
 * (4) tasks that are local are not looked at.
 *
 * Main path: executor_run_start(), executor_run_next() until NULL.  Not here: stages, local tasks,
 * what becomes of rows.
 */
#include "postgres.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "executor/executor_internal.h"
#include "exchange_internal.h"

/*
 * Tasks under way on one connection.  Where more connections may join, a task behind another would
 * wait for it, so the depth grows only after tasks have turned out to be quick.
 */
#define MAX_DEPTH		16
#define QUICK_TASK_US	2000

/* what one more connection has to save, in intervals of slow start; how much more is to be done */
#define WORTH_JOINING	4
#define WORTH_BEYOND	200		/* ... where all processors of the machine have one */
#define WORTH_KEEPING	1.2

typedef struct RunNode RunNode;

/* a connection at work */
typedef struct RunConn
{
	RemoteConn *conn;			/* NULL: given up */
	RunNode    *node;
	bool		main;
	bool		begun;			/* txn_conn_begin() done */
	bool		mayHaveAnswers; /* worth asking before waiting */
	bool		awaitsReport;	/* as executor_run_await_reports() found last */
	List	   *underWay;		/* tasks sent, not done */
	TimestampTz lastEnd;		/* of the task done last; 0: none */
} RunConn;

/* a node and its queue */
struct RunNode
{
	const ClusterNode *node;
	List	   *waiting;		/* of ExecutorTask */
	bool		mayGrow;
	Machine		machine;		/* known as soon as its main connection is there */
	int			depth;			/* tasks under way on one connection, while it may grow */
	TimestampTz growAt;
	int			growBy;

	/* how fast it goes */
	TimestampTz since;			/* the last connection has begun then */
	int			ended;			/* tasks that have ended since */
	double		paceBefore;		/* tasks in a millisecond, before that; 0: not known */
};

struct TaskRun
{
	MemoryContext context;
	RunOptions	options;
	List	   *nodes;			/* of RunNode */
	List	   *conns;			/* of RunConn */
	int			unfinished;		/* remote tasks not done */
	int			next;			/* connection to be read next: in turn, so that none starves */
	const char *consequence;	/* an error that another one must have led to; NULL: none */
};

/* ---- queues ---- */

static RunNode *
node_of(TaskRun *run, const ClusterNode *node)
{
	ListCell   *cell;
	RunNode    *entry;

	foreach(cell, run->nodes)
	{
		entry = lfirst(cell);
		if (entry->node->id == node->id)
			return entry;
	}
	entry = palloc0(sizeof(RunNode));
	entry->node = node;
	entry->growBy = 1;
	entry->mayGrow = run->options.mayGrow && run->options.use == TXN_READ &&
		executor_modify_mode != MODIFY_SEQUENTIAL;
	entry->depth = 1;
	run->nodes = lappend(run->nodes, entry);
	return entry;
}

static void
enqueue_task(TaskRun *run, ExecutorTask *task)
{
	RunNode    *node = node_of(run, task->candidates[task->candidate]);

	task->state = TASK_WAITING;
	node->waiting = lappend(node->waiting, task);
}

static RunConn *
add_conn(TaskRun *run, RunNode *node, RemoteConn *conn, bool isMain)
{
	RunConn    *rc = palloc0(sizeof(RunConn));

	rc->conn = conn;
	rc->node = node;
	rc->main = isMain;
	run->conns = lappend(run->conns, rc);
	return rc;
}

static bool
has_conn(TaskRun *run, RunNode *node)
{
	ListCell   *cell;

	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn != NULL && rc->node == node)
			return true;
	}
	return false;
}

/* ---- sending ---- */

static void
send_task(TaskRun *run, RunConn *rc, ExecutorTask *task)
{
	RemoteCommand command = {0};

	command.sql = executor_explain_sql(task);
	command.statementName = task->explain == 0 ? task->statementName : NULL;
	command.binaryResult = run->options.binary;
	command.sync = true;
	command.decisive = run->options.commits;
	command.owner = task;
	executor_movements_bind(task);
	if (task->params != NULL)
	{
		executor_params_encode(task->params);
		command.nparams = task->params->n;
		command.paramTypes = task->params->wireTypes;
		command.paramValues = task->params->wireValues;
		command.paramLengths = task->params->wireLengths;
		command.paramFormats = task->params->wireFormats;
	}
	remote_send(rc->conn, &command);
	executor_movements_unbind(task);

	task->state = TASK_SENT;
	task->started = GetCurrentTimestamp();
	/* what was sent just now is not answered yet: waiting comes before reading */
	rc->underWay = lappend(rc->underWay, task);
}

/* tasks in a millisecond since the last connection has begun; 0: none has ended */
static double
pace_of_node(const RunNode *node, TimestampTz now)
{
	return node->ended == 0 ? 0 : node->ended * 1000.0 / Max(now - node->since, 1);
}

/* the connection's first task was sent */
static void
note_begin(RunNode *node, TimestampTz now)
{
	if (node->ended > 0)
		node->paceBefore = pace_of_node(node, now);
	node->since = now;
	node->ended = 0;
}

/*
 * The connection begins to read.  Where a snapshot of its node is taken for that, whoever is in the
 * middle of using the connection is settled first: not the run itself, which is about to use it.
 * False if the connection broke meanwhile.
 */
static bool
begin_reading(TaskRun *run, RunConn *rc)
{
	ConnUser   *user = run->options.user;
	bool		settling = user != NULL && user->settling;

	if (user != NULL)
		user->settling = true;
	rc->begun = txn_conn_begin_reading(rc->conn, run->options.use, run->options.snapshot);
	if (user != NULL)
		user->settling = settling;
	return rc->begun;
}

/* Gives a connection work, up to the depth that leaves the rest to others; false if it broke. */
static bool
feed_conn(TaskRun *run, RunConn *rc)
{
	int			depth = rc->node->mayGrow ? rc->node->depth : MAX_DEPTH;

	while (rc->node->waiting != NIL && list_length(rc->underWay) < depth)
	{
		ExecutorTask *task = linitial(rc->node->waiting);
		bool		begins = !rc->begun;

		if (begins && !begin_reading(run, rc))
			return false;
		rc->node->waiting = list_delete_first(rc->node->waiting);
		send_task(run, rc, task);
		if (begins)
			note_begin(rc->node, task->started);
	}
	return true;
}

/* ---- connections: joining, failing ---- */

static void
join_main_conn(TaskRun *run, RunNode *node)
{
	RemoteConn *conn = txn_main_conn(node->node);

	executor_quiesce(conn, run->options.user);	/* invariant (3) */
	add_conn(run, node, conn, true);
}

/* another place for a task that gave no row yet; false if there is none */
static bool
move_task(TaskRun *run, ExecutorTask *task)
{
	RunNode    *node;

	if (run->options.use == TXN_WRITE || task->rows > 0 ||
		task->candidate + 1 >= task->ncandidates)
		return false;

	task->candidate++;
	enqueue_task(run, task);
	node = node_of(run, task->candidates[task->candidate]);
	if (!has_conn(run, node))
		join_main_conn(run, node);
	return true;
}

/*
 * A connection broke.  Without an additional one the rest go on; the work of a main one moves to
 * other copies of the shards, and raises the connection's error if there are none.
 */
static void
lose_conn(TaskRun *run, RunConn *rc)
{
	List	   *tasks = rc->underWay;
	RemoteConn *conn = rc->conn;
	ListCell   *cell;

	if (rc->main)
	{
		tasks = list_concat(tasks, rc->node->waiting);
		rc->node->waiting = NIL;
	}
	else
		rc->node->mayGrow = false;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (!rc->main && task->rows == 0)
			enqueue_task(run, task);
		else if (!move_task(run, task))
			remote_error_raise(conn);
	}

	rc->conn = NULL;
	rc->underWay = NIL;
	txn_conn_failed(conn);
}

/* takes a connection one step on: towards being connected, or to work */
static void
advance_conn(TaskRun *run, RunConn *rc)
{
	RemoteConnState state;

	if (rc->conn == NULL)
		return;
	state = remote_conn_state(rc->conn);
	if (state == REMOTE_CONNECTING)
		state = remote_conn_poll(rc->conn);

	if (state == REMOTE_BROKEN || (state != REMOTE_CONNECTING && !feed_conn(run, rc)))
		lose_conn(run, rc);
}

static bool
is_connecting(RunConn *rc)
{
	return rc->conn != NULL && remote_conn_state(rc->conn) == REMOTE_CONNECTING;
}

static int
count_connecting(TaskRun *run, RunNode *node)
{
	int			count = 0;
	ListCell   *cell;

	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->node == node && is_connecting(rc))
			count++;
	}
	return count;
}

static int
count_working(TaskRun *run, RunNode *node)
{
	int			count = 0;
	ListCell   *cell;

	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn != NULL && rc->node == node && rc->begun)
			count++;
	}
	return count;
}

/*
 * How many processors of the node's machine have no connection of the run yet; of a machine of
 * which nothing is known, as many as anybody wants.
 */
static int
count_idle_processors(TaskRun *run, RunNode *node)
{
	int			idle = node->machine.processors;
	ListCell   *cell;

	if (idle == 0)
		return INT_MAX;
	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn != NULL &&
			(rc->node == node ||
			 (node->machine.id != 0 && rc->node->machine.id == node->machine.id)))
			idle--;
	}
	return Max(idle, 0);
}

/*
 * How many connections are worth opening for the tasks that wait, by the time that those took which
 * have ended; one for each task that waits and each idle processor while none has.
 */
static int
count_worthwhile(TaskRun *run, RunNode *node, TimestampTz now)
{
	int			waiting = list_length(node->waiting);
	int			working = count_working(run, node);
	int			connecting = count_connecting(run, node);
	int			idle = count_idle_processors(run, node);
	double		pace = pace_of_node(node, now);
	double		left;
	int			count = 0;

	if (pace == 0 && node->paceBefore == 0)
		return Min(waiting - connecting, idle);
	if (node->paceBefore > 0 && node->ended >= working)
	{
		/* the processors there have enough to do */
		if (pace < node->paceBefore * WORTH_KEEPING)
			return 0;
	}
	else if (node->paceBefore > 0)
		pace = node->paceBefore;
	left = waiting / pace * working;
	while (count < waiting &&
		   left / (working + count) - left / (working + count + 1) >
		   (count - connecting < idle ? WORTH_JOINING : WORTH_BEYOND) * executor_slow_start_ms)
		count++;
	return Max(count - connecting, 0);
}

/*
 * Nodes tell of their machines when they are connected to.  False if one is still to tell: it may
 * share its machine with others.
 */
static bool
know_machines(TaskRun *run)
{
	ListCell   *cell;

	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (!rc->main || rc->conn == NULL || rc->node->machine.processors > 0)
			continue;
		if (is_connecting(rc))
			return false;
		rc->node->machine = remote_conn_machine(rc->conn);
	}
	return true;
}

/* adds a batch of connections to a node whose tasks wait and whose time has come */
static void
grow_node(TaskRun *run, RunNode *node)
{
	int			wanted;
	bool		atOnce = executor_force_parallel || executor_slow_start_ms == 0;
	TimestampTz now;

	if (!node->mayGrow || node->waiting == NIL)
		return;
	now = GetCurrentTimestamp();
	if (!atOnce && now < node->growAt)
		return;
	node->growAt = TimestampTzPlusMilliseconds(now, executor_slow_start_ms);
	if (!atOnce && !know_machines(run))
		return;

	wanted = list_length(node->waiting) - count_connecting(run, node);
	if (!atOnce)
		wanted = Min(count_worthwhile(run, node, now), node->growBy);
	if (!atOnce && wanted > 0)
		node->growBy++;
	for (int i = 0; i < wanted; i++)
	{
		RemoteConn *conn = NULL;

		if (run->options.snapshot == NULL ||
			txn_snapshot_can_join(run->options.snapshot, node->node))
			conn = txn_extra_conn(node->node);

		if (conn == NULL)
		{
			node->mayGrow = false;
			break;
		}
		advance_conn(run, add_conn(run, node, conn, false));
	}
}

/* growth, and steps of those that are connecting */
static void
tend_conns(TaskRun *run)
{
	for (int i = 0; i < list_length(run->nodes); i++)
		grow_node(run, list_nth(run->nodes, i));
	for (int i = 0; i < list_length(run->conns); i++)
	{
		RunConn    *rc = list_nth(run->conns, i);

		if (rc->conn != NULL && (is_connecting(rc) || rc->underWay == NIL))
			advance_conn(run, rc);
	}
}

/* ---- receiving ---- */

/* the depth follows the time that the connection needed for its last task */
static void
adapt_depth(RunConn *rc, ExecutorTask *task)
{
	RunNode    *node = rc->node;

	if (!node->mayGrow || executor_force_parallel)
		return;
	if (task->ended - Max(task->started, rc->lastEnd) < QUICK_TASK_US)
		node->depth = Min(node->depth * 4, MAX_DEPTH);
	else
		node->depth = 1;
}

/* it lives as long as the task, longer than the run */
static void
take_plan(RunConn *rc, ExecutorTask *task)
{
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(task));

	task->planText = remote_take_plan(rc->conn, task->index);
	MemoryContextSwitchTo(caller);
}

static void
finish_task(TaskRun *run, RunConn *rc, ExecutorTask *task, uint64 count)
{
	task->state = TASK_DONE;
	task->count = count;
	task->ended = GetCurrentTimestamp();
	rc->underWay = list_delete_ptr(rc->underWay, task);
	run->unfinished--;
	rc->node->ended++;
	if (task->explain != 0)
		take_plan(rc, task);
	adapt_depth(rc, task);
	rc->lastEnd = task->ended;
	(void) feed_conn(run, rc);	/* it has begun to read */
}

static void
count_row(ExecutorTask *task, const RemoteAnswer *answer)
{
	task->rows++;
	for (int i = 0; i < answer->ncolumns; i++)
		task->bytes += answer->values[i] == NULL ? 0 : answer->lengths[i];
}

static void
keep_consequence(TaskRun *run, const char *message)
{
	if (run->consequence == NULL)
		run->consequence = message;
}

/*
 * A task has failed.  What followed from an error of another one is kept until that has come; it is
 * raised at the end of the run if none does.
 */
static void
fail_task(TaskRun *run, RunConn *rc, ExecutorTask *task)
{
	int			sqlstate;
	char	   *message = remote_error_message(rc->conn, &sqlstate);

	if (sqlstate != EXCHANGE_ENDED && sqlstate != TXN_SNAPSHOT_GONE &&
		(run->consequence == NULL || sqlstate != ERRCODE_IN_FAILED_SQL_TRANSACTION))
		remote_error_raise(rc->conn);
	keep_consequence(run, message);
	finish_task(run, rc, task, 0);
}

/* the tasks that were sent behind it fail by what began their transaction */
static void
take_own_answer(TaskRun *run, RunConn *rc, const RemoteAnswer *answer)
{
	int			sqlstate;

	if (answer->kind == REMOTE_ANSWER_ERROR)
	{
		char	   *message = remote_error_message(rc->conn, &sqlstate);

		if (sqlstate == TXN_SNAPSHOT_GONE)
		{
			keep_consequence(run, message);
			return;
		}
	}
	txn_handle_answer(rc->conn, answer);
}

static void
raise_consequence(const TaskRun *run)
{
	if (run->consequence != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s", run->consequence)));
}

/*
 * Reads until there is a row (its task is returned), or nothing more for now.  ignoreErrors: the
 * run is being stopped, a failed task is a finished one.
 */
static ExecutorTask *
read_conn(TaskRun *run, RunConn *rc, RemoteAnswer *answer, bool ignoreErrors)
{
	while (rc->conn != NULL && rc->underWay != NIL)
	{
		ExecutorTask *task;

		remote_receive(rc->conn, answer);
		if (answer->kind == REMOTE_ANSWER_NONE)
			break;
		if (answer->kind == REMOTE_ANSWER_LOST)
		{
			lose_conn(run, rc);
			break;
		}
		if (txn_is_own_answer(answer))
		{
			take_own_answer(run, rc, answer);
			continue;
		}

		task = answer->owner;
		switch (answer->kind)
		{
			case REMOTE_ANSWER_ROW:
				count_row(task, answer);
				return task;
			case REMOTE_ANSWER_DONE:
				finish_task(run, rc, task, answer->rowCount);
				break;
			case REMOTE_ANSWER_ERROR:
				if (ignoreErrors)
					finish_task(run, rc, task, 0);
				else
					fail_task(run, rc, task);
				break;
			default:
				elog(ERROR, "unexpected answer %d to a task", answer->kind);
		}
	}
	rc->mayHaveAnswers = false;
	return NULL;
}

/* milliseconds until a node may grow; -1 if none waits for that */
static long
time_to_growth(TaskRun *run)
{
	long		result = -1;
	ListCell   *cell;

	foreach(cell, run->nodes)
	{
		RunNode    *node = lfirst(cell);
		long		ms;

		if (!node->mayGrow || node->waiting == NIL)
			continue;
		ms = Max(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), node->growAt), 1);
		if (result < 0 || ms < result)
			result = ms;
	}
	return result;
}

/*
 * Waits until a connection has something; at most maxMs (-1: as long as it takes).  forReports:
 * only those whose report is to come; the others have something already, perhaps.
 */
static void
wait_for_conns(TaskRun *run, long maxMs, bool forReports)
{
	int			total = list_length(run->conns);
	RemoteConn **conns = palloc(sizeof(RemoteConn *) * total);
	RunConn   **waiters = palloc(sizeof(RunConn *) * total);
	bool	   *ready = palloc0(sizeof(bool) * total);
	int			n = 0;
	long		timeout = time_to_growth(run);
	ListCell   *cell;

	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn == NULL || (rc->underWay == NIL && !is_connecting(rc)) ||
			(forReports && !rc->awaitsReport))
			continue;
		conns[n] = rc->conn;
		waiters[n++] = rc;
	}
	if (n == 0)
		elog(ERROR, "%d tasks are left without a connection", run->unfinished);

	if (maxMs >= 0 && (timeout < 0 || maxMs < timeout))
		timeout = maxMs;
	remote_wait_any(conns, n, timeout, ready);
	for (int i = 0; i < n; i++)
	{
		if (ready[i])
			waiters[i]->mayHaveAnswers = true;
	}
	pfree(conns);
	pfree(waiters);
	pfree(ready);
}

/* one round over the connections, beginning with the one that gave the last row */
static ExecutorTask *
read_round(TaskRun *run, RemoteAnswer *answer, bool ignoreErrors)
{
	int			n = list_length(run->conns);

	for (int i = 0; i < n && run->unfinished > 0; i++)
	{
		int			index = (run->next + i) % n;
		RunConn    *rc = list_nth(run->conns, index);
		ExecutorTask *task;

		if (rc->conn == NULL || !rc->mayHaveAnswers)
			continue;
		task = read_conn(run, rc, answer, ignoreErrors);
		if (task != NULL)
		{
			run->next = index;
			return task;
		}
	}
	run->next = 0;
	return NULL;
}

/* ---- the interface ---- */

/*
 * Allocates in a context of its own under the current one.  Connection errors of reads that have
 * another copy are not raised.
 */
TaskRun *
executor_run_start(List *tasks, const RunOptions *options)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus task run",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TaskRun    *run = palloc0(sizeof(TaskRun));
	ListCell   *cell;

	run->context = context;
	run->options = *options;
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->local || task->state != TASK_WAITING)
			continue;			/* invariant (4) */
		enqueue_task(run, task);
		run->unfinished++;
	}

	for (int i = 0; i < list_length(run->nodes); i++)
	{
		RunNode    *node = list_nth(run->nodes, i);

		/* nothing waits behind a single task */
		if (run->unfinished > 1)
			node->growAt = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													   executor_slow_start_ms);
		join_main_conn(run, node);
	}
	tend_conns(run);
	MemoryContextSwitchTo(caller);
	return run;
}

ExecutorTask *
executor_run_next(TaskRun *run, RemoteAnswer *answer)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	ExecutorTask *task = NULL;

	while (run->unfinished > 0)
	{
		task = read_round(run, answer, false);
		if (task != NULL || run->unfinished == 0)
			break;
		tend_conns(run);
		wait_for_conns(run, -1, false);
		tend_conns(run);
	}
	if (task == NULL)
		raise_consequence(run);
	MemoryContextSwitchTo(caller);
	return task;
}

/* takes the reports that have arrived; true if the connection's is still to come */
static bool
awaits_report(TaskRun *run, RunConn *rc)
{
	while (rc->conn != NULL && rc->begun &&
		   txn_snapshot_awaits(run->options.snapshot, rc->conn))
	{
		RemoteAnswer answer;

		remote_receive(rc->conn, &answer);
		if (answer.kind == REMOTE_ANSWER_NONE)
			return true;
		if (answer.kind == REMOTE_ANSWER_LOST)
			lose_conn(run, rc);
		else
			txn_handle_answer(rc->conn, &answer);
	}
	return rc->conn != NULL && !rc->begun;
}

/* A connection's first answers are txn's: its report is among them, before those to tasks. */
void
executor_run_await_reports(TaskRun *run)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);

	for (;;)
	{
		bool		waiting = false;

		for (int i = 0; i < list_length(run->conns); i++)
		{
			RunConn    *rc = list_nth(run->conns, i);

			rc->awaitsReport = awaits_report(run, rc);
			waiting |= rc->awaitsReport;
		}
		if (!waiting)
			break;
		wait_for_conns(run, -1, true);
		tend_conns(run);
	}
	for (int i = 0; i < list_length(run->conns); i++)
		((RunConn *) list_nth(run->conns, i))->mayHaveAnswers = true;
	MemoryContextSwitchTo(caller);
}

bool
executor_run_uses(TaskRun *run, RemoteConn *conn)
{
	ListCell   *cell;

	if (run->unfinished == 0)
		return false;
	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn != NULL && (conn == NULL || rc->conn == conn))
			return true;
	}
	return false;
}

bool
executor_run_is_finished(TaskRun *run)
{
	return run->unfinished == 0;
}

void
executor_run_return_conns(TaskRun *run)
{
	ListCell   *cell;

	Assert(run->unfinished == 0);
	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn != NULL && !rc->main)
			txn_return_extra_conn(rc->conn);
	}
}

static void
drop_waiting(TaskRun *run)
{
	ListCell   *cell;

	foreach(cell, run->nodes)
	{
		RunNode    *node = lfirst(cell);

		run->unfinished -= list_length(node->waiting);
		node->waiting = NIL;
		node->mayGrow = false;
	}
}

/* asks the servers to stop, on connections that have written nothing */
static void
cancel_conns(TaskRun *run)
{
	ListCell   *cell;

	foreach(cell, run->conns)
	{
		RunConn    *rc = lfirst(cell);

		if (rc->conn != NULL && rc->underWay != NIL && !txn_node_was_written(rc->node->node->id))
			remote_cancel(rc->conn);
	}
}

/*
 * Tasks that are not sent are dropped; answers to the others are received and dropped.  What has
 * not come soon is cancelled when that is allowed: a cancelled statement aborts the transaction
 * that it is part of over there.
 */
void
executor_run_stop(TaskRun *run, bool cancel)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	TimestampTz patience = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 10);
	bool		cancelled = false;
	RemoteAnswer answer;

	drop_waiting(run);
	while (run->unfinished > 0)
	{
		if (cancel && !cancelled && GetCurrentTimestamp() >= patience)
		{
			cancel_conns(run);
			cancelled = true;
		}
		if (read_round(run, &answer, cancelled) == NULL && run->unfinished > 0)
			wait_for_conns(run, cancel && !cancelled ? 10 : -1, false);
	}
	MemoryContextSwitchTo(caller);
}
