/*
 * node_address.c
 *	  A node under a new address, and the locks that let its writers finish first.
 *
 * Writers of a table hold a lock on its shell: an ExclusiveLock on all shells with shards on the
 * node waits for those of this node.  With force, whoever still blocks after the cool-down is
 * terminated.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/timestamp.h"

#include "citus/base/compat.h"
#include "citus/base/own_sql.h"
#include "citus/remote/remote.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

#define RETRY_MS 20L

static bool
table_is_on(const DistTable *table, GroupId group)
{
	for (int i = 0; i < table->nshards; i++)
		for (int j = 0; j < table->shards[i]->nplacements; j++)
			if (table->shards[i]->placements[j].groupId == group)
				return true;
	return false;
}

static void
pause_for_retry(void)
{
	static uint32 waitEvent = 0;

	if (waitEvent == 0)
		waitEvent = compat_wait_event_new("CitusNodeDrain");
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, RETRY_MS,
					 waitEvent);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* ends the sessions that hold a lock of a writer on the relation */
static void
terminate_writers(Oid relid)
{
	(void) base_own_query(psprintf("SELECT pg_terminate_backend(pid) FROM pg_locks "
								   "WHERE locktype = 'relation' AND relation = %u AND granted "
								   "AND database = %u AND pid <> pg_backend_pid() "
								   "AND mode NOT IN ('AccessShareLock', 'RowShareLock')",
								   relid, MyDatabaseId));
}

static void
lock_shell(Oid relid, bool force, TimestampTz deadline)
{
	if (!force)
	{
		LockRelationOid(relid, ExclusiveLock);
		return;
	}
	while (!ConditionalLockRelationOid(relid, ExclusiveLock))
	{
		if (GetCurrentTimestamp() >= deadline)
			terminate_writers(relid);
		pause_for_retry();
	}
}

static const ClusterNode *
find_node(NodeId id)
{
	const ClusterNode *node = catalog_node_by_id(id);

	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("node %d does not exist", id)));
	return node;
}

static void
lock_tables_of(const ClusterNode *node, bool force, int cooldownMs)
{
	TimestampTz deadline;
	ListCell   *lc;

	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), Max(cooldownMs, 0));
	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table != NULL && table_is_on(table, node->groupId))
			lock_shell(table->relid, force, deadline);
	}
}

void
operations_node_pause(NodeId id, bool force, int cooldownMs)
{
	cluster_require_coordinator();
	lock_tables_of(find_node(id), force, cooldownMs);
}

void
operations_node_set_address(NodeId id, const char *name, int port, bool force, int cooldownMs)
{
	const ClusterNode *node;
	const ClusterNode *taken;
	List	   *informed;
	ListCell   *lc;
	bool		answers;
	NodeRow		row;

	cluster_require_coordinator();
	operations_check_address(name, port);
	cluster_lock_node_list(true);
	node = find_node(id);
	if (strcmp(node->name, name) == 0 && node->port == port)
		return;
	taken = catalog_node_find(name, port);
	if (taken != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is already a node at %s:%d", name, port)));
	if (node->role == 'p')
		lock_tables_of(node, force, cooldownMs);

	/* sessions of this transaction that know the old address are of no use any more */
	remote_cache_clear(node->id);
	row = operations_node_row(node);
	row.name = name;
	row.port = port;
	txn_mark_local_write();
	catalog_node_update(&row);
	CommandCounterIncrement();
	node = catalog_node_by_id(id);
	answers = node->groupId == catalog_local_group() || !node->isActive || !node->hasMetadata ||
		operations_node_answers(node);
	if (!answers)
	{
		row.metadataSynced = false;
		catalog_node_update(&row);
		CommandCounterIncrement();
		node = catalog_node_by_id(id);
		ereport(WARNING,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("node %s:%d does not answer", name, port),
				 errdetail("Its metadata counts as out of sync."),
				 errhint("Run start_metadata_sync_to_node() when it is up.")));
	}

	informed = NIL;
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *other = lfirst(lc);

		if (other->groupId != catalog_local_group() && other->hasMetadata &&
			(other->id != id || answers) && other->metadataSynced)
			informed = lappend(informed, (void *) other);
	}
	cluster_run(informed, list_make1(cluster_node_upsert_command(node)));
}
