/*
 * movement_direct.c
 *	  Rows that move from the nodes that have them to those whose tasks need them.
 *
 * Worth it for many rows only: each session that packs rows opens a connection to each other node
 * that wants some, and keeps it for the next statement.  Fewer rows come here and leave with the
 * tasks.  An exchange (exchange.c) is opened on every node that has tasks, by the transaction's
 * main connection there, so that it ends there when the transaction does, whatever the reason.
 *
 * Invariants: (1) the exchanges are open before the first row is packed; (2) a task runs in one
 * place, known before; (3) tasks and movements work with the rights of the current user, as whom
 * sessions of the nodes can log in to each other.
 *
 * Main path: executor_direct_begin(), executor_direct_route() for each movement,
 * executor_direct_end().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "movement_internal.h"

struct DirectMove
{
	char		key[EXCHANGE_KEY_SIZE];
	int			nnodes;
	GroupId    *groups;			/* of the nodes that have tasks, each once */
	const ClusterNode **nodes;	/* NULL: this one, whose tasks run in this session */
};

/* ---- is it possible, and worth it? ---- */

static bool
is_own_role(Oid role)
{
	return !OidIsValid(role) || role == GetUserId();
}

static double
bytes_to_move(const Fragment *fragment, int ntasks)
{
	double		result = 0;
	ListCell   *cell;

	foreach(cell, fragment->movements)
	{
		Movement   *movement = lfirst(cell);

		result += movement->source->estimatedRows * movement->width *
			(movement->keyColumn > 0 ? 1 : ntasks);
	}
	return result;
}

/* do the tasks run on several nodes, each in one place? */
static bool
have_places(List *tasks)
{
	ExecutorTask *first = tasks == NIL ? NULL : linitial(tasks);
	bool		several = false;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->copy || task->stage > 0 || (!task->local && task->ncandidates != 1))
			return false;
		several |= task->local != first->local ||
			(!task->local && task->candidates[0]->id != first->candidates[0]->id);
	}
	return several;
}

bool
executor_direct_is_worthwhile(const Fragment *fragment, List *tasks)
{
	ListCell   *cell;

	if (executor_direct_move_kb < 0 || !remote_cache_is_on() || !is_own_role(fragment->role) ||
		!have_places(tasks) ||
		bytes_to_move(fragment, list_length(tasks)) < executor_direct_move_kb * 1024.0)
		return false;
	foreach(cell, fragment->movements)
	{
		if (!is_own_role(((Movement *) lfirst(cell))->source->role))
			return false;
	}
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (!task->local &&
			get_role_oid(txn_target_of_node(task->candidates[0]).user, true) != GetUserId())
			return false;
	}
	return true;
}

/* ---- opening ---- */

static GroupId
group_of_task(const ExecutorTask *task)
{
	return task->local ? catalog_local_group() : task->candidates[0]->groupId;
}

int
executor_direct_node_of_task(const DirectMove *direct, const ExecutorTask *task)
{
	GroupId		group = group_of_task(task);

	for (int i = 0; i < direct->nnodes; i++)
	{
		if (direct->groups[i] == group)
			return i;
	}
	return -1;
}

static DirectMove *
make_direct(List *tasks)
{
	DirectMove *direct = palloc0(sizeof(DirectMove));
	ListCell   *cell;

	if (!pg_strong_random(direct->key, EXCHANGE_KEY_SIZE))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random key")));
	direct->groups = palloc(sizeof(GroupId) * list_length(tasks));
	direct->nodes = palloc(sizeof(ClusterNode *) * list_length(tasks));
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (executor_direct_node_of_task(direct, task) >= 0)
			continue;
		direct->groups[direct->nnodes] = group_of_task(task);
		direct->nodes[direct->nnodes++] = task->local ? NULL : task->candidates[0];
	}
	return direct;
}

typedef struct OpenRun
{
	ConnUser	user;
	TaskRun    *run;
	bool		refused;		/* some node has too many */
} OpenRun;

static bool
open_uses(ConnUser *user, RemoteConn *conn)
{
	OpenRun    *run = user->owner;

	return run->run != NULL && executor_run_uses(run->run, conn);
}

static void
open_settle(ConnUser *user)
{
	OpenRun    *run = user->owner;
	RemoteAnswer answer;

	while (executor_run_next(run->run, &answer) != NULL)
		run->refused |= answer.ncolumns != 1 || answer.values[0] == NULL ||
			answer.values[0][0] != 't';
}

static List *
make_open_tasks(const DirectMove *direct)
{
	ExecutorParams *params = executor_params_make(1);
	List	   *tasks = NIL;

	params->types[0] = BYTEAOID;
	params->values[0] = PointerGetDatum(cstring_to_text_with_len(direct->key,
																 EXCHANGE_KEY_SIZE));
	for (int i = 0; i < direct->nnodes; i++)
	{
		ExecutorTask *task;

		if (direct->nodes[i] == NULL)
			continue;
		task = palloc0(sizeof(ExecutorTask));
		task->sql = "SELECT citus_internal.exchange_open($1)";
		task->params = params;
		task->candidates = &direct->nodes[i];
		task->ncandidates = 1;
		tasks = lappend(tasks, task);
	}
	return tasks;
}

/* on all nodes; what was opened where others refused ends with the transaction */
static bool
open_all(const DirectMove *direct, const RunOptions *like)
{
	OpenRun    *run = palloc0(sizeof(OpenRun));
	RunOptions	options = {.use = TXN_READ,.snapshot = like->snapshot,.user = &run->user};

	for (int i = 0; i < direct->nnodes; i++)
	{
		if (direct->nodes[i] == NULL)
			run->refused |= !executor_exchange_open(direct->key);
	}
	run->user.owner = run;
	run->user.uses = open_uses;
	run->user.settle = open_settle;
	executor_user_register(&run->user, CurrentMemoryContext);
	run->run = executor_run_start(make_open_tasks(direct), &options);
	open_settle(&run->user);
	executor_user_check(&run->user);
	executor_user_unregister(&run->user);
	return !run->refused;
}

DirectMove *
executor_direct_begin(DistScanState *state, RunOptions *options)
{
	DirectMove *direct;

	if (!executor_direct_is_worthwhile(state->plan->fragment, state->tasks))
		return NULL;
	direct = make_direct(state->tasks);
	if (!open_all(direct, options))
		return NULL;
	options->use = TXN_READ;
	return direct;
}

/* ---- under way ---- */

int
executor_direct_nodes(const DirectMove *direct)
{
	return direct->nnodes;
}

const char *
executor_direct_key(const DirectMove *direct)
{
	return direct->key;
}

/* rows of buckets without a task are of no use to anybody */
bytea *
executor_direct_route(const DirectMove *direct, const Movement *movement, int nbuckets,
					  List *tasks)
{
	ExchangeRoute route = {.toAll = movement->keyColumn == 0};
	ListCell   *cell;

	memcpy(route.key, direct->key, EXCHANGE_KEY_SIZE);
	route.nplaces = nbuckets;
	route.groups = direct->groups;
	if (!route.toAll)
	{
		route.groups = palloc(sizeof(GroupId) * nbuckets);
		for (int i = 0; i < nbuckets; i++)
			route.groups[i] = EXCHANGE_NOBODY;
		foreach(cell, tasks)
		{
			ExecutorTask *task = lfirst(cell);

			route.groups[task->shardIndex] = group_of_task(task);
		}
	}
	return executor_route_encode(&route);
}

/* The files of a client's statement outside of a block go with its transaction. */
void
executor_direct_end(DistScanState *state)
{
	const DirectMove *direct = state->moved->direct;
	char	   *key;

	executor_exchange_close(direct->key);
	if (!IsTransactionBlock() &&
		txn_is_client_statement(state->css.ss.ps.state->es_plannedstmt))
		return;
	key = palloc(EXCHANGE_KEY_SIZE * 2 + 1);
	key[hex_encode(direct->key, EXCHANGE_KEY_SIZE, key)] = '\0';
	for (int i = 0; i < direct->nnodes; i++)
	{
		if (direct->nodes[i] != NULL)
			txn_tell(direct->nodes[i],
					 psprintf("SELECT citus_internal.exchange_close('\\x%s')", key));
	}
}
