/*
 * departed.c
 *	  Nodes that left the cluster, for as long as recovery has to visit them.
 *
 * A node that is removed takes part in the transaction that removes it.  When that is interrupted
 * between the two phases of its commit, the node waits, prepared, for an answer from somebody who
 * does not have it among its nodes any more: so each node keeps the address of those that left,
 * until recovery has found nothing there that waits for it.
 *
 * Rows come and go with those of pg_dist_node.  One that is a day old and to which no commit
 * record belongs is void: its server is gone for good.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

/*
 * As the extension's owner: whoever may run recovery need not be granted the table.  The caller
 * reads the result and calls SPI_finish().
 */
static void
execute(const char *sql, int expected)
{
	Oid			userId;
	int			securityContext;

	GetUserIdAndSecContext(&userId, &securityContext);
	SetUserIdAndSecContext(base_extension_owner(),
						   securityContext | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute(sql, false, 0) != expected)
		elog(ERROR, "could not execute \"%s\"", sql);
	SetUserIdAndSecContext(userId, securityContext);
}

void
catalog_departed_note(const ClusterNode *node)
{
	execute(psprintf("INSERT INTO citus_internal.departed_node (groupid, nodename, nodeport) "
					 "VALUES (%d, %s, %d) ON CONFLICT (groupid) DO UPDATE SET "
					 "nodename = excluded.nodename, nodeport = excluded.nodeport, "
					 "since = excluded.since",
					 node->groupId, quote_literal_cstr(node->name), node->port),
			SPI_OK_INSERT);
	SPI_finish();
}

void
catalog_departed_forget(GroupId groupId)
{
	execute(psprintf("DELETE FROM citus_internal.departed_node WHERE groupid = %d", groupId),
			SPI_OK_DELETE);
	SPI_finish();
}

List *
catalog_departed_nodes(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *nodes = NIL;

	execute("DELETE FROM citus_internal.departed_node d "
			"WHERE since OPERATOR(pg_catalog.<) "
			"(pg_catalog.now() OPERATOR(pg_catalog.-) '1 day'::pg_catalog.interval) "
			"AND NOT EXISTS (SELECT FROM pg_catalog.pg_dist_transaction t "
			"WHERE t.groupid OPERATOR(pg_catalog.=) d.groupid)", SPI_OK_DELETE);
	SPI_finish();
	execute("SELECT groupid, nodename, nodeport FROM citus_internal.departed_node "
			"ORDER BY groupid", SPI_OK_SELECT);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext spiContext = MemoryContextSwitchTo(context);
		ClusterNode *node = palloc0(sizeof(ClusterNode));

		node->groupId = atoi(SPI_getvalue(tuple, desc, 1));
		node->name = SPI_getvalue(tuple, desc, 2);
		node->port = atoi(SPI_getvalue(tuple, desc, 3));
		node->role = 'p';
		nodes = lappend(nodes, node);
		MemoryContextSwitchTo(spiContext);
	}
	SPI_finish();
	return nodes;
}
