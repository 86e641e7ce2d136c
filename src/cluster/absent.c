/*
 * absent.c
 *	  Going on without nodes that are down.
 *
 * Nearly everything waits until all nodes can take part.  What makes a table go away need not: a
 * node that misses it is marked as out of sync, on all nodes that are there, and given all
 * metadata anew when it answers again (operations_sync_metadata()).  Until then other changes of
 * metadata are refused, see cluster_other_nodes().
 *
 * Main path: cluster_absent_groups() -> begin_connecting() -> confirm_absence() -> mark_absent().
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "citus/base/own_sql.h"
#include "citus/remote/remote.h"
#include "cluster/cluster_internal.h"

bool		cluster_skip_unsynced = false;

/* Peer: another node, and the connection that this transaction has to it */
typedef struct Peer
{
	const ClusterNode *node;
	RemoteConn *conn;
} Peer;

/* the nodes that should take part, connecting; *absent: groups known to be out of sync */
static List *
begin_connecting(List **absent)
{
	List	   *peers = NIL;
	ListCell   *lc;

	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);
		Peer	   *peer;

		if (node->groupId == catalog_local_group() || !node->hasMetadata)
			continue;
		if (!node->metadataSynced)
		{
			*absent = lappend_int(*absent, node->groupId);
			continue;
		}
		peer = palloc(sizeof(Peer));
		peer->node = node;
		peer->conn = txn_main_conn(node);
		peers = lappend(peers, peer);
	}
	return peers;
}

static bool
connects(RemoteConn *conn)
{
	bool		ready;

	while (remote_conn_poll(conn) == REMOTE_CONNECTING)
		remote_wait_any(&conn, 1, 100, &ready);
	return remote_conn_state(conn) != REMOTE_BROKEN;
}

/*
 * A user without the means to connect says nothing about the node.  Raises his error when the
 * owner of the extension gets through.
 */
static void
confirm_absence(List *peers)
{
	List	   *nodes = NIL;
	List	   *answers;
	ClusterUser saved;

	for (int i = 0; i < list_length(peers); i++)
		nodes = lappend(nodes, (void *) ((Peer *) list_nth(peers, i))->node);
	saved = cluster_become_owner();
	answers = cluster_run_alone(nodes, list_make1("SELECT 1"), true);
	cluster_restore_user(saved);
	for (int i = 0; i < list_length(peers); i++)
		if (((ClusterAnswer *) list_nth(answers, i))->reached)
			remote_conn_finish(((Peer *) list_nth(peers, i))->conn);
}

/* here and on all nodes that are there */
static void
mark_absent(List *peers)
{
	ClusterUser saved = cluster_become_owner();
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "UPDATE pg_catalog.pg_dist_node SET metadatasynced = false "
						   "WHERE nodeid OPERATOR(pg_catalog.=) ANY (ARRAY[");
	foreach(lc, peers)
	{
		const ClusterNode *node = ((Peer *) lfirst(lc))->node;

		appendStringInfo(&sql, "%s%d", lc == list_head(peers) ? "" : ", ", node->id);
		ereport(WARNING,
				(errmsg("node %s:%d does not answer and is left behind", node->name, node->port),
				 errdetail("It is brought up to date when it answers again.")));
	}
	appendStringInfoString(&sql, "])");

	cluster_lock_node_list(true);
	txn_mark_local_write();
	(void) base_own_execute(sql.data, SPI_OK_UPDATE);
	CommandCounterIncrement();
	cluster_skip_unsynced = true;
	cluster_run(cluster_other_nodes(), list_make1(sql.data));
	cluster_restore_user(saved);
}

List *
cluster_absent_groups(void)
{
	List	   *groups = NIL;
	List	   *lost = NIL;
	List	   *peers;
	bool		skipped = cluster_skip_unsynced;
	ListCell   *lc;

	if (!cluster_enable_metadata_sync)
		return NIL;
	peers = begin_connecting(&groups);
	foreach(lc, peers)
		if (!connects(((Peer *) lfirst(lc))->conn))
			lost = lappend(lost, lfirst(lc));
	if (lost == NIL)
		return groups;

	confirm_absence(lost);
	foreach(lc, lost)
		groups = lappend_int(groups, ((Peer *) lfirst(lc))->node->groupId);
	PG_TRY();
	{
		mark_absent(lost);
	}
	PG_FINALLY();
	{
		cluster_skip_unsynced = skipped;
	}
	PG_END_TRY();
	return groups;
}

bool
cluster_is_complete(void)
{
	ListCell   *lc;

	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->hasMetadata && !node->metadataSynced)
			return false;
	}
	return true;
}

void
cluster_defer_drop(List *names, List *groups)
{
	ClusterUser saved;
	StringInfoData nameList;
	StringInfoData groupList;
	char	   *sql;

	if (names == NIL)
		return;
	initStringInfo(&nameList);
	initStringInfo(&groupList);
	for (int i = 0; i < list_length(names); i++)
	{
		const char *separator = i == 0 ? "" : ",";

		appendStringInfo(&nameList, "%s%s", separator, quote_literal_cstr(list_nth(names, i)));
		appendStringInfo(&groupList, "%s%d", separator, list_nth_int(groups, i));
	}
	sql = psprintf("INSERT INTO pg_catalog.pg_dist_cleanup (operation_id, object_type, "
				   "object_name, node_group_id, policy_type) "
				   "SELECT (SELECT pg_catalog.nextval('pg_catalog.pg_dist_operationid_seq')), "
				   "1, name, node_group, 0 FROM ROWS FROM ("
				   "pg_catalog.unnest(ARRAY[%s]::pg_catalog.text[]), "
				   "pg_catalog.unnest(ARRAY[%s]::pg_catalog.int4[])) "
				   "AS dropped (name, node_group)", nameList.data, groupList.data);

	saved = cluster_become_owner();
	if (catalog_is_coordinator())
	{
		txn_mark_local_write();
		(void) base_own_execute(sql, SPI_OK_INSERT);
	}
	else
		cluster_run(list_make1((void *) cluster_coordinator()), list_make1(sql));
	cluster_restore_user(saved);
}
