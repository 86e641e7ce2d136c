/*
 * nodeset.c
 *	  Sets of nodes, the lock of the node list, this node's own registration; settings of cluster.
 *
 * The node list is locked on the coordinator: a ShareLock on its pg_dist_node by whoever creates
 * shards or objects, an ExclusiveLock by whoever changes the list.  So an object is either there
 * when a joining node is filled, or made after the node is in the list.
 *
 * Not here: what is run on the nodes (run.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "citus/base/session.h"
#include "citus/base/settings.h"
#include "cluster/cluster_internal.h"

char	   *cluster_local_hostname = NULL;
bool		cluster_enable_metadata_sync = true;

static const SettingDef settings[] = {
	{
		.name = "citus.local_hostname",
		.description = "Host by which this node reaches itself.",
		.type = SETTING_STRING,
		.variable = &cluster_local_hostname,
		.boot.s = "localhost",
		.context = PGC_SUSET,
	},
	{
		.name = "citus.enable_metadata_sync",
		.description = "Ships metadata and objects to the other nodes.",
		.type = SETTING_BOOL,
		.variable = &cluster_enable_metadata_sync,
		.boot.b = true,
		.context = PGC_USERSET,
		.flags = GUC_NO_SHOW_ALL,
	},
};

void
cluster_init(void)
{
	base_settings_register(settings, lengthof(settings));
}

List *
cluster_other_nodes(void)
{
	GroupId		localGroup = catalog_local_group();
	List	   *others = NIL;
	ListCell   *lc;

	if (!cluster_enable_metadata_sync)
		return NIL;
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId == localGroup || !node->hasMetadata)
			continue;
		if (!node->metadataSynced && cluster_skip_unsynced)
			continue;
		if (!node->metadataSynced)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("metadata of node %s:%d is out of sync", node->name, node->port),
					 errhint("Bring it up to date with start_metadata_sync_to_node(), or take it "
							 "out of service with citus_disable_node().")));
		others = lappend(others, (void *) node);
	}
	return others;
}

const ClusterNode *
cluster_coordinator(void)
{
	const ClusterNode *node = catalog_node_of_group(COORDINATOR_GROUP_ID);

	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the coordinator is not in the metadata of this node"),
				 errhint("Run citus_set_coordinator_host() on the coordinator.")));
	return node;
}

void
cluster_require_coordinator(void)
{
	if (!catalog_is_coordinator())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("operation is not allowed on this node"),
				 errhint("Connect to the coordinator and run it again.")));
}

void
cluster_lock_node_list_here(bool exclusive)
{
	Oid			relid = get_relname_relid("pg_dist_node", PG_CATALOG_NAMESPACE);

	if (!OidIsValid(relid))
		elog(ERROR, "pg_dist_node does not exist");
	LockRelationOid(relid, exclusive ? ExclusiveLock : ShareLock);
}

void
cluster_lock_node_list(bool exclusive)
{
	if (catalog_is_coordinator())
		cluster_lock_node_list_here(exclusive);
	else
		cluster_query(cluster_coordinator(),
					  psprintf(BASE_NODE_SELECT "citus_internal.lock_node_list(%s)",
							   exclusive ? "true" : "false"));
}

ClusterUser
cluster_become_owner(void)
{
	ClusterUser saved;

	GetUserIdAndSecContext(&saved.userId, &saved.securityContext);
	if (!superuser())
		SetUserIdAndSecContext(base_extension_owner(),
							   saved.securityContext | SECURITY_LOCAL_USERID_CHANGE);
	return saved;
}

void
cluster_restore_user(ClusterUser saved)
{
	SetUserIdAndSecContext(saved.userId, saved.securityContext);
}

void
cluster_register_self(const char *host, bool shouldHaveShards)
{
	NodeRow		row = {
		.groupId = COORDINATOR_GROUP_ID,
		.name = host,
		.port = PostPortNumber,
		.role = "primary",
		.cluster = "default",
		.hasMetadata = true,
		.isActive = true,
		.metadataSynced = true,
		.shouldHaveShards = shouldHaveShards,
	};

	if (catalog_nodes() != NIL)
		return;
	cluster_require_coordinator();
	row.id = catalog_next_node_id();
	catalog_node_insert(&row);
	CommandCounterIncrement();
}
