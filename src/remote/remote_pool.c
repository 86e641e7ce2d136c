/*
 * remote_pool.c
 *	  How many connections all sessions of this node have open to each other node.
 *
 * Shared memory holds one counter per (host, port, database), in a flat array: a cluster has few
 * nodes, and connections are opened rarely compared to what they are used for.  When the array is
 * full of nodes in use, further ones are not counted and not limited.
 *
 * A session at the limit waits on one condition variable for all nodes until somebody closes a
 * connection.  Idle cached connections hold a place, too; the last tenth of the places is kept
 * free of them, and a session that waits gives up its own, so that all get their turn.
 *
 * Sessions that hold connections while they wait for another may wait for each other.  What each
 * holds and waits for is in shared memory, too, and whoever has waited for a second looks whether
 * anybody is left who could give back what is missing; if not, the youngest gives up.
 *
 * Not here: which connection is kept (remote_conn.c).
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/base/shmem.h"
#include "remote/remote_internal.h"

PG_FUNCTION_INFO_V1(citus_remote_connection_stats);

#define POOL_NODES 512
#define POOL_HOST_SIZE 256

typedef struct PoolNode
{
	char		host[POOL_HOST_SIZE];
	int			port;
	Oid			database;
	int			connections;	/* 0: the entry is free */
} PoolNode;

/* by number of its process */
typedef struct PoolSession
{
	int			waitsFor;		/* index of the node; -1: does not wait */
	TimestampTz since;
	int			nheld;
	uint16		held[POOL_NODES];
} PoolSession;

/* nodes and sessions are protected by pool_lock */
typedef struct Pool
{
	ConditionVariable freed;
	PoolNode	nodes[POOL_NODES];
	int			nsessions;
	PoolSession sessions[FLEXIBLE_ARRAY_MEMBER];
} Pool;

static Pool *pool = NULL;
static LWLock *pool_lock = NULL;

static int
session_count(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS;
}

static Size
pool_size(void)
{
	return offsetof(Pool, sessions) + (Size) session_count() * sizeof(PoolSession);
}

static void
init_pool(void *segment)
{
	Pool	   *fresh = segment;

	ConditionVariableInit(&fresh->freed);
	fresh->nsessions = session_count();
	for (int i = 0; i < fresh->nsessions; i++)
		fresh->sessions[i].waitsFor = -1;
}

void
remote_pool_init(void)
{
	static const SharedSegment segment = {
		.name = "citus remote connections",
		.size = pool_size,
		.init = init_pool,
		.address = (void **) &pool,
		.lock = &pool_lock,
	};

	base_shmem_register(&segment);
}

/* connections allowed to one node; 0: unlimited */
static int
pool_limit(void)
{
	if (remote_max_shared_pool_size < 0)
		return 0;
	return remote_max_shared_pool_size == 0 ? MaxConnections : remote_max_shared_pool_size;
}

/* the node's entry, or a free one made its own; -1: none.  The caller holds pool_lock. */
static int
find_node(const char *host, int port)
{
	int			unused = -1;

	for (int i = 0; i < POOL_NODES; i++)
	{
		PoolNode   *node = &pool->nodes[i];

		if (node->connections == 0)
		{
			if (unused < 0)
				unused = i;
		}
		else if (node->port == port && node->database == MyDatabaseId &&
				 strcmp(node->host, host) == 0)
			return i;
	}
	if (unused >= 0)
	{
		strlcpy(pool->nodes[unused].host, host, POOL_HOST_SIZE);
		pool->nodes[unused].port = port;
		pool->nodes[unused].database = MyDatabaseId;
	}
	return unused;
}

/* one attempt; false when the limit is reached, and since then, if that is given, it waits */
static bool
try_take(const char *host, int port, TimestampTz since, int *slot)
{
	PoolSession *own = &pool->sessions[compat_my_proc_number()];
	int			limit = pool_limit();
	bool		taken = true;

	LWLockAcquire(pool_lock, LW_EXCLUSIVE);
	own->waitsFor = -1;
	*slot = find_node(host, port);
	if (*slot >= 0)
	{
		if (limit > 0 && pool->nodes[*slot].connections >= limit)
		{
			taken = false;
			if (since != 0)
			{
				own->waitsFor = *slot;
				own->since = since;
			}
		}
		else
		{
			pool->nodes[*slot].connections++;
			own->held[*slot]++;
			own->nheld++;
		}
	}
	LWLockRelease(pool_lock);
	if (!taken)
		*slot = -1;
	return taken;
}

static void
stop_waiting(void)
{
	LWLockAcquire(pool_lock, LW_EXCLUSIVE);
	pool->sessions[compat_my_proc_number()].waitsFor = -1;
	LWLockRelease(pool_lock);
}

/*
 * Lets everybody who can go on end and give back what he holds, until nobody is left who can.  The
 * caller holds pool_lock.
 */
static void
let_end(int limit, bool *ended)
{
	int			unused[POOL_NODES];
	bool		progress = true;

	for (int i = 0; i < POOL_NODES; i++)
		unused[i] = limit - pool->nodes[i].connections;
	while (progress)
	{
		progress = false;
		for (int i = 0; i < pool->nsessions; i++)
		{
			PoolSession *session = &pool->sessions[i];

			if (ended[i] || (session->waitsFor >= 0 && unused[session->waitsFor] <= 0))
				continue;
			ended[i] = progress = true;
			for (int node = 0; session->nheld > 0 && node < POOL_NODES; node++)
				unused[node] += session->held[node];
		}
	}
}

/* Is this the youngest of sessions that hold connections and wait for each other? */
static bool
is_victim(void)
{
	bool	   *ended = palloc0(pool->nsessions * sizeof(bool));
	int			limit = pool_limit();
	int			youngest = -1;

	LWLockAcquire(pool_lock, LW_SHARED);
	if (limit > 0)
		let_end(limit, ended);
	for (int i = 0; limit > 0 && i < pool->nsessions; i++)
	{
		PoolSession *session = &pool->sessions[i];

		if (!ended[i] && session->nheld > 0 &&
			(youngest < 0 || session->since > pool->sessions[youngest].since))
			youngest = i;
	}
	LWLockRelease(pool_lock);
	pfree(ended);
	return youngest == compat_my_proc_number();
}

/*
 * Waits in line; holdsOthers: for others that may wait for this session.  What they wait for may
 * be no connection, so there is an end to it: the time that it would wait for the network.
 */
static int
wait_for_place(const char *host, int port, bool holdsOthers)
{
	static uint32 waitEvent = 0;
	TimestampTz since = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(since, remote_connection_timeout);
	int			slot;

	if (waitEvent == 0)
		waitEvent = compat_wait_event_new("CitusConnectionLimit");
	ConditionVariablePrepareToSleep(&pool->freed);
	while (!try_take(host, port, since, &slot))
	{
		bool		timedOut = ConditionVariableTimedSleep(&pool->freed, 1000, waitEvent);

		if (timedOut && holdsOthers && is_victim())
			ereport(ERROR,
					(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
					 errmsg("deadlock of sessions that wait for connections to other nodes"),
					 errdetail("This one waits for a connection to node %s:%d. All sessions of"
							   " this server together have reached the limit of %d connections.",
							   host, port, pool_limit()),
					 errhint("Run the transaction again, or raise citus.max_shared_pool_size.")));
		if (holdsOthers && GetCurrentTimestamp() > deadline)
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
					 errmsg("too many connections to node %s:%d", host, port),
					 errdetail("All sessions of this server together have reached the limit of"
							   " %d connections.", pool_limit()),
					 errhint("Raise citus.max_shared_pool_size, or use fewer sessions.")));
	}
	return slot;
}

int
remote_pool_take(const char *host, int port, bool optional, bool holdsOthers, bool *full)
{
	int			slot = -1;

	*full = false;
	if (pool == NULL || strlen(host) >= POOL_HOST_SIZE)
		return -1;
	if (try_take(host, port, 0, &slot))
		return slot;
	if (optional)
	{
		*full = true;
		return -1;
	}

	PG_TRY();
	{
		slot = wait_for_place(host, port, holdsOthers);
	}
	PG_FINALLY();
	{
		ConditionVariableCancelSleep();
		stop_waiting();
	}
	PG_END_TRY();
	return slot;
}

void
remote_pool_give(int slot)
{
	PoolSession *own;

	if (slot < 0)
		return;
	own = &pool->sessions[compat_my_proc_number()];
	LWLockAcquire(pool_lock, LW_EXCLUSIVE);
	Assert(pool->nodes[slot].connections > 0);
	pool->nodes[slot].connections--;
	own->held[slot]--;
	own->nheld--;
	LWLockRelease(pool_lock);
	ConditionVariableBroadcast(&pool->freed);
}

bool
remote_pool_may_cache(int slot)
{
	int			limit = pool_limit();
	int			open;

	if (slot < 0 || limit == 0)
		return true;
	LWLockAcquire(pool_lock, LW_SHARED);
	open = pool->nodes[slot].connections;
	LWLockRelease(pool_lock);
	return open <= limit - Max(limit / 10, 1);
}

/*
 * citus_remote_connection_stats(out hostname text, out port int, out database_name text,
 *								 out connection_count_to_node int) returns setof record
 */
Datum
citus_remote_connection_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Pool	   *copy = palloc(offsetof(Pool, sessions));

	InitMaterializedSRF(fcinfo, 0);
	LWLockAcquire(pool_lock, LW_SHARED);
	memcpy(copy->nodes, pool->nodes, sizeof(pool->nodes));
	LWLockRelease(pool_lock);

	for (int i = 0; i < POOL_NODES; i++)
	{
		PoolNode   *node = &copy->nodes[i];
		char	   *database;
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		if (node->connections == 0)
			continue;
		database = get_database_name(node->database);
		values[0] = CStringGetTextDatum(node->host);
		values[1] = Int32GetDatum(node->port);
		nulls[2] = database == NULL;
		values[2] = database ? CStringGetTextDatum(database) : (Datum) 0;
		values[3] = Int32GetDatum(node->connections);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
