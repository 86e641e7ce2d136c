/*
 * node_checks.c
 *	  May this server join the cluster; may this node leave it?
 *
 * A server is known by two facts together: the id that the extension drew when it was created
 * there, and the time when the server was started.  The first alone is equal on a standby, and on
 * a server made from a copied data directory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "citus/base/own_sql.h"
#include "citus/remote/remote.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

/* ServerFacts: what a server says of itself; strings may be NULL */
typedef struct ServerFacts
{
	char	   *version;		/* of the extension */
	char	   *started;
	char	   *serverId;
	char	   *clusterId;
	int			nnodes;			/* rows of its pg_dist_node */
	int			ntables;		/* rows of its pg_dist_partition */
	GroupId		groupId;
	char	   *seenAs;
} ServerFacts;

#define VERSION_SQL \
	"SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'citus'"

#define FACTS_SQL \
	"SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::pg_catalog.text," \
	" metadata ->> 'server_id', metadata ->> 'cluster_id'," \
	" (SELECT count(*) FROM pg_catalog.pg_dist_node)," \
	" (SELECT count(*) FROM pg_catalog.pg_dist_partition)," \
	" pg_catalog.host(pg_catalog.inet_client_addr())," \
	" (SELECT groupid FROM pg_catalog.pg_dist_local_group)" \
	" FROM pg_catalog.pg_dist_node_metadata"

bool
operations_host_is_loopback(const char *host)
{
	return pg_strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
		strcmp(host, "::1") == 0 || host[0] == '/';
}

/* runs a query on a server that need not be a node; raises 08006 */
static List *
ask(const char *name, int port, const char *sql)
{
	RemoteTarget target = {.host = name, .port = port};
	ClusterNode node = {.name = (char *) name, .port = port};
	bool		ok;
	char	   *message;
	List	   *rows;

	target = txn_target_of_node(&node);
	rows = remote_run_alone(&target, sql, &ok, &message);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not reach node %s:%d", name, port),
				 errdetail_internal("%s", message)));
	return rows;
}

static char *
first_value(List *rows)
{
	return rows == NIL ? NULL : ((char **) linitial(rows))[0];
}

static void
fill_facts(ServerFacts *facts, List *rows)
{
	char	  **row;

	if (rows == NIL)
		return;
	row = linitial(rows);
	facts->started = row[0];
	facts->serverId = row[1];
	facts->clusterId = row[2];
	facts->nnodes = row[3] ? atoi(row[3]) : 0;
	facts->ntables = row[4] ? atoi(row[4]) : 0;
	facts->seenAs = row[5];
	facts->groupId = row[6] ? atoi(row[6]) : COORDINATOR_GROUP_ID;
}

/* A server under a second name would be given the same shards twice. */
static void
check_not_member(const char *name, int port, GroupId groupId)
{
	ListCell   *lc;

	foreach(lc, catalog_nodes())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId != groupId || node->role != 'p' ||
			(strcmp(node->name, name) == 0 && node->port == port))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node %s:%d is already in the cluster as %s:%d", name, port,
						node->name, node->port),
				 errhint("Use citus_update_node() to change its address.")));
	}
}

static bool
same_text(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/*
 * What a server left undone when it was a node before is decided by the records of that node's
 * group, which nobody would look for under its new one.
 */
static void
finish_earlier_membership(const char *name, int port)
{
	bool		recovered = false;

	for (;;)
	{
		bool		pending = false;
		ListCell   *lc;

		foreach(lc, catalog_departed_nodes())
		{
			const ClusterNode *node = lfirst(lc);

			if (strcmp(node->name, name) == 0 && node->port == port)
				pending = true;
		}
		if (!pending)
			return;
		if (recovered)
			break;
		(void) txn_recover();
		CommandCounterIncrement();
		recovered = true;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("node %s:%d has not finished the transactions of its earlier membership",
					name, port),
			 errhint("Try again later.")));
}

void
operations_check_joining(const char *name, int port, char **seenAs)
{
	ServerFacts here = {0};
	ServerFacts there = {0};

	finish_earlier_membership(name, port);
	here.version = first_value(base_own_query(VERSION_SQL));
	there.version = first_value(ask(name, port, VERSION_SQL));
	if (there.version == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node %s:%d does not have the extension citus in database \"%s\"",
						name, port, get_database_name(MyDatabaseId)),
				 errhint("Run CREATE EXTENSION citus there first.")));
	if (!same_text(here.version, there.version))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node %s:%d has version %s of the extension citus, this node has %s",
						name, port, there.version, here.version),
				 errhint("Install the same version on all nodes and run ALTER EXTENSION citus "
						 "UPDATE.")));

	fill_facts(&here, base_own_query(FACTS_SQL));
	fill_facts(&there, ask(name, port, FACTS_SQL));
	if (same_text(here.serverId, there.serverId) && same_text(here.started, there.started))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("node %s:%d is this node itself", name, port),
				 errhint("Use citus_set_coordinator_host() to register the coordinator.")));
	if ((there.nnodes > 0 || there.ntables > 0) &&
		!same_text(there.clusterId, here.clusterId ? here.clusterId : here.serverId))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node %s:%d is part of another cluster", name, port),
				 errdetail("It knows %d nodes and %d distributed tables.", there.nnodes,
						   there.ntables),
				 errhint("Remove it there with citus_remove_node(); or, if that cluster is no "
						 "more, run DROP EXTENSION citus CASCADE in its database with "
						 "citus.enable_ddl_propagation off, and create the extension again.")));
	if (there.nnodes > 0)
		check_not_member(name, port, there.groupId);
	*seenAs = there.seenAs;
}

bool
operations_node_answers(const ClusterNode *node)
{
	RemoteTarget target = txn_target_of_node(node);
	bool		ok;
	char	   *message;

	(void) remote_run_alone(&target, "SELECT 1", &ok, &message);
	return ok;
}

/* true if some active node other than those of group holds the shard */
static bool
shard_is_elsewhere(const Shard *shard, GroupId group)
{
	for (int i = 0; i < shard->nplacements; i++)
	{
		GroupId		other = shard->placements[i].groupId;

		if (other != group && catalog_node_of_group(other) != NULL)
			return true;
	}
	return false;
}

static bool
shard_is_in(const Shard *shard, GroupId group)
{
	for (int i = 0; i < shard->nplacements; i++)
		if (shard->placements[i].groupId == group)
			return true;
	return false;
}

void
operations_check_dispensable(const ClusterNode *node)
{
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		for (int i = 0; table != NULL && i < table->nshards; i++)
			if (shard_is_in(table->shards[i], node->groupId) &&
				!shard_is_elsewhere(table->shards[i], node->groupId))
				ereport(ERROR,
						(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
						 errmsg("cannot remove or disable node %s:%d because it holds the only "
								"copy of shards", node->name, node->port),
						 errdetail("One of them is shard " INT64_FORMAT " of table \"%s\".",
								   table->shards[i]->id, get_rel_name(table->relid))));
	}
}
