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
#include "citus/base/own_sql.h"
#include "citus/base/session.h"

/*
 * As the extension's owner: whoever may run recovery need not be granted the table.  Rows of a
 * query, NIL of other statements.
 */
static List *
execute(const char *sql, int expected)
{
	List	   *rows = NIL;
	Oid			userId;
	int			securityContext;

	GetUserIdAndSecContext(&userId, &securityContext);
	SetUserIdAndSecContext(base_extension_owner(),
						   securityContext | SECURITY_LOCAL_USERID_CHANGE);
	if (expected == SPI_OK_SELECT)
		rows = base_own_query(sql);
	else
		(void) base_own_execute(sql, expected);
	SetUserIdAndSecContext(userId, securityContext);
	return rows;
}

void
catalog_departed_note(const ClusterNode *node)
{
	char	   *sql = psprintf("INSERT INTO citus_internal.departed_node "
							   "(groupid, nodename, nodeport) VALUES (%d, %s, %d) "
							   "ON CONFLICT (groupid) DO UPDATE SET nodename = excluded.nodename, "
							   "nodeport = excluded.nodeport, since = excluded.since",
							   node->groupId, quote_literal_cstr(node->name), node->port);

	(void) execute(sql, SPI_OK_INSERT);
}

void
catalog_departed_forget(GroupId groupId)
{
	(void) execute(psprintf("DELETE FROM citus_internal.departed_node WHERE groupid = %d", groupId),
				   SPI_OK_DELETE);
}

List *
catalog_departed_nodes(void)
{
	List	   *nodes = NIL;
	ListCell   *lc;

	(void) execute("DELETE FROM citus_internal.departed_node d "
				   "WHERE since < now() - '1 day'::interval "
				   "AND NOT EXISTS (SELECT FROM pg_dist_transaction t "
				   "WHERE t.groupid = d.groupid)", SPI_OK_DELETE);
	foreach(lc, execute("SELECT groupid, nodename, nodeport FROM citus_internal.departed_node "
						"ORDER BY groupid", SPI_OK_SELECT))
	{
		char	  **row = lfirst(lc);
		ClusterNode *node = palloc0(sizeof(ClusterNode));

		node->groupId = atoi(row[0]);
		node->name = row[1];
		node->port = atoi(row[2]);
		node->role = 'p';
		nodes = lappend(nodes, node);
	}
	return nodes;
}
