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
 * free of them, so that sessions that wait always get their turn.
 *
 * Not here: which connection is kept (remote_conn.c).
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
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

/* nodes are protected by pool_lock */
typedef struct Pool
{
	ConditionVariable freed;
	PoolNode	nodes[POOL_NODES];
} Pool;

static Pool *pool = NULL;
static LWLock *pool_lock = NULL;

static Size
pool_size(void)
{
	return sizeof(Pool);
}

static void
init_pool(void *segment)
{
	ConditionVariableInit(&((Pool *) segment)->freed);
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

/* one attempt; false when the limit is reached */
static bool
try_take(const char *host, int port, int *slot)
{
	int			limit = pool_limit();
	bool		taken = true;

	LWLockAcquire(pool_lock, LW_EXCLUSIVE);
	*slot = find_node(host, port);
	if (*slot >= 0)
	{
		if (limit > 0 && pool->nodes[*slot].connections >= limit)
			taken = false;
		else
			pool->nodes[*slot].connections++;
	}
	LWLockRelease(pool_lock);
	if (!taken)
		*slot = -1;
	return taken;
}

/*
 * A session that holds other connections might wait for one that waits for it: it gives up after
 * the time it would wait for the network.
 */
int
remote_pool_take(const char *host, int port, bool optional, bool holdsOthers, bool *full)
{
	static uint32 waitEvent = 0;
	TimestampTz deadline;
	int			slot;

	*full = false;
	if (pool == NULL || strlen(host) >= POOL_HOST_SIZE)
		return -1;
	if (try_take(host, port, &slot))
		return slot;
	if (optional)
	{
		*full = true;
		return -1;
	}

	if (waitEvent == 0)
		waitEvent = compat_wait_event_new("CitusConnectionLimit");
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), remote_connection_timeout);
	ConditionVariablePrepareToSleep(&pool->freed);
	while (!try_take(host, port, &slot))
	{
		ConditionVariableTimedSleep(&pool->freed, 1000, waitEvent);
		if (holdsOthers && GetCurrentTimestamp() > deadline)
		{
			ConditionVariableCancelSleep();
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
					 errmsg("too many connections to node %s:%d", host, port),
					 errdetail("All sessions of this server together have reached the limit of"
							   " %d connections.", pool_limit()),
					 errhint("Raise citus.max_shared_pool_size, or use fewer sessions.")));
		}
	}
	ConditionVariableCancelSleep();
	return slot;
}

void
remote_pool_give(int slot)
{
	if (slot < 0)
		return;
	LWLockAcquire(pool_lock, LW_EXCLUSIVE);
	Assert(pool->nodes[slot].connections > 0);
	pool->nodes[slot].connections--;
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
	Pool	   *copy = palloc(sizeof(Pool));

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
