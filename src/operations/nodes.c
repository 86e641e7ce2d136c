/*
 * nodes.c
 *	  Membership: nodes that join, return, leave; their properties.
 *
 * Invariants: (1) the node list is locked exclusively on the coordinator from the first check to
 * the end of the transaction; (2) a row changes on all nodes in one distributed transaction; (3) a
 * node is active only after it was given everything: both happen in that transaction; (4) all of it
 * runs as the owner of the extension.
 *
 * Main path: operations_node_add() -> operations_check_joining() -> insert_node() ->
 * operations_node_sync() -> cluster_activation_commands() -> operations_replicate_references().
 */
#include "postgres.h"

#include "access/xact.h"
#include "postmaster/postmaster.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "citus/operations/operations.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

/* ---- rows on all nodes ---- */

NodeRow
operations_node_row(const ClusterNode *node)
{
	NodeRow		row = {
		.id = node->id,
		.groupId = node->groupId,
		.name = node->name,
		.port = node->port,
		.role = node->role == 's' ? "secondary" : node->role == 'u' ? "unavailable" : "primary",
		.cluster = node->cluster,
		.hasMetadata = node->hasMetadata,
		.isActive = node->isActive,
		.metadataSynced = node->metadataSynced,
		.shouldHaveShards = node->shouldHaveShards,
		.rack = node->rack,
		.isClone = node->isClone,
		.primaryNodeId = node->primaryNodeId,
	};

	return row;
}

/*
 * Writes a row here (new: insert) and on the nodes of others.  Returns the node as it is now.
 */
static const ClusterNode *
spread_row(const NodeRow *row, bool new, List *others)
{
	const ClusterNode *node;

	txn_mark_local_write();
	if (new)
		catalog_node_insert(row);
	else
		catalog_node_update(row);
	CommandCounterIncrement();
	node = catalog_node_by_id(row->id);
	cluster_run(others, list_make1(cluster_node_upsert_command(node)));
	return node;
}

/*
 * The nodes that are told of a row, but for one.  Those out of sync are left out: they are given
 * all rows when they are brought up to date.
 */
static List *
nodes_to_tell(NodeId except)
{
	List	   *nodes = NIL;
	ListCell   *lc;

	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId != catalog_local_group() && node->hasMetadata &&
			node->metadataSynced && node->id != except)
			nodes = lappend(nodes, (void *) node);
	}
	return nodes;
}

const ClusterNode *
operations_node_require(const char *name, int port)
{
	const ClusterNode *node = catalog_node_find(name, port);

	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("node %s:%d does not exist", name, port)));
	return node;
}

/* ---- checks ---- */

static bool
is_primary(const NodeSpec *spec)
{
	return strcmp(spec->role, "primary") == 0;
}

void
operations_check_address(const char *name, int port)
{
	if (name[0] == '\0' || strlen(name) > 255)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid node name \"%s\"", name)));
	if (port < 1 || port > 65535)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid port %d", port)));
}

static void
check_spec(const NodeSpec *spec)
{
	ListCell   *lc;
	bool		found = false;

	operations_check_address(spec->name, spec->port);
	if (is_primary(spec) && strcmp(spec->cluster, "default") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("primary nodes can only be in cluster \"default\"")));
	foreach(lc, catalog_nodes())
	{
		const ClusterNode *node = lfirst(lc);

		if (spec->groupId == INVALID_GROUP_ID || node->groupId != spec->groupId)
			continue;
		found = true;
		if (is_primary(spec) && node->role == 'p')
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("group %d already has a primary node", spec->groupId)));
	}
	if (spec->groupId != INVALID_GROUP_ID && spec->groupId != COORDINATOR_GROUP_ID && !found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("group %d does not exist", spec->groupId)));
}

static void
check_sync_mode(void)
{
	if (operations_metadata_sync_mode == METADATA_SYNC_NONTRANSACTIONAL && IsTransactionBlock())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("cannot activate a node in a transaction block when "
						"citus.metadata_sync_mode is nontransactional")));
}

/*
 * Every node must reach the coordinator, which hands out ids: it registers itself when the first
 * node joins, under citus.local_hostname, or, if that can only mean something here, under the
 * address that the new node sees.
 */
static void
ensure_coordinator(const NodeSpec *spec, const char *seenAs)
{
	const ClusterNode *coordinator = catalog_node_of_group(COORDINATOR_GROUP_ID);
	const char *host = cluster_local_hostname;

	if (coordinator != NULL)
	{
		if (operations_host_is_loopback(coordinator->name) &&
			!operations_host_is_loopback(spec->name))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("node %s:%d cannot reach the coordinator under \"%s\"", spec->name,
							spec->port, coordinator->name),
					 errhint("Run citus_set_coordinator_host() with a name that other nodes "
							 "can resolve.")));
		return;
	}
	if (operations_host_is_loopback(host) && !operations_host_is_loopback(spec->name) &&
		seenAs != NULL)
		host = seenAs;
	txn_mark_local_write();
	cluster_register_self(host, false);
	ereport(NOTICE,
			(errmsg("registering this server as the coordinator %s:%d", host, PostPortNumber),
			 errhint("Use citus_set_coordinator_host() to change its address.")));
}

/* shards of tables that were distributed before there were workers stay where they are */
static void
notice_coordinator_shards(void)
{
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table == NULL || table->kind == DIST_TABLE_REFERENCE ||
			table->kind == DIST_TABLE_LOCAL)
			continue;
		for (int i = 0; i < table->nshards; i++)
			if (table->shards[i]->nplacements > 0 &&
				table->shards[i]->placements[0].groupId == COORDINATOR_GROUP_ID)
			{
				ereport(NOTICE,
						(errmsg("shards are still on the coordinator"),
						 errdetail("One of them belongs to table \"%s\".",
								   get_rel_name(table->relid)),
						 errhint("Rebalance the shards to move them to the new node.")));
				return;
			}
	}
}

/* ---- joining ---- */

/* The row of a new node, here and everywhere.  Active nodes are given their contents later. */
static const ClusterNode *
insert_node(const NodeSpec *spec, bool active)
{
	List	   *others = cluster_other_nodes();
	bool		primary = is_primary(spec);
	NodeRow		row = {
		.groupId = spec->groupId,
		.name = spec->name,
		.port = spec->port,
		.role = spec->role,
		.cluster = spec->cluster,
		.hasMetadata = primary && active,
		.isActive = active,
		.metadataSynced = primary && active,
		.shouldHaveShards = true,
	};

	row.id = catalog_next_node_id();
	if (row.groupId == INVALID_GROUP_ID)
		row.groupId = catalog_next_group_id();
	return spread_row(&row, true, others);
}

void
operations_node_sync(const ClusterNode *node)
{
	cluster_run(list_make1((void *) node), cluster_activation_commands(node, false));
}

/* gives an active node all that nodes have */
static void
fill_node(const ClusterNode *node, bool dropCopies)
{
	cluster_run(list_make1((void *) node), cluster_activation_commands(node, dropCopies));
	/* sessions elsewhere that waited write to the new copies as soon as they go on */
	txn_commit_first(node);
	if (operations_replicate_on_activate)
		operations_replicate_references();
}

NodeId
operations_node_add(const NodeSpec *spec, bool activate)
{
	const ClusterNode *node;
	char	   *seenAs = NULL;

	cluster_require_coordinator();
	cluster_lock_node_list(true);
	node = catalog_node_find(spec->name, spec->port);
	if (node != NULL)
		return node->id;
	check_spec(spec);

	if (!activate)
		return insert_node(spec, false)->id;
	check_sync_mode();
	if (is_primary(spec))
		operations_check_joining(spec->name, spec->port, &seenAs);
	ensure_coordinator(spec, seenAs);
	node = insert_node(spec, true);
	if (is_primary(spec))
	{
		fill_node(node, true);
		notice_coordinator_shards();
	}
	return node->id;
}

void
operations_coordinator_set_host(const NodeSpec *spec)
{
	const ClusterNode *coordinator = NULL;
	const ClusterNode *taken;
	ListCell   *lc;
	NodeRow		row;

	cluster_require_coordinator();
	operations_check_address(spec->name, spec->port);
	cluster_lock_node_list(true);
	foreach(lc, catalog_nodes())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId == COORDINATOR_GROUP_ID && node->role == 'p')
			coordinator = node;
	}
	taken = catalog_node_find(spec->name, spec->port);
	if (taken != NULL && taken != coordinator)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is already a node at %s:%d", spec->name, spec->port)));
	if (coordinator == NULL || !is_primary(spec))
	{
		NodeSpec	own = *spec;

		own.groupId = COORDINATOR_GROUP_ID;
		check_spec(&own);
		coordinator = insert_node(&own, true);
		row = operations_node_row(coordinator);
		row.shouldHaveShards = false;
	}
	else
	{
		row = operations_node_row(coordinator);
		row.name = spec->name;
		row.port = spec->port;
	}
	(void) spread_row(&row, false, nodes_to_tell(0));
}

/* the copies of reference tables that a node had while it was out of service count no more */
static void
forget_copies(GroupId group)
{
	MetadataDelta *delta = cluster_delta_begin();
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table == NULL || table->kind != DIST_TABLE_REFERENCE)
			continue;
		for (int i = 0; i < table->shards[0]->nplacements; i++)
			if (table->shards[0]->placements[i].groupId == group)
				cluster_delta_drop_placement(delta, table->shards[0]->id, group);
	}
	cluster_delta_apply(delta);
}

NodeId
operations_node_activate(const char *name, int port)
{
	const ClusterNode *node;
	NodeSpec	spec = {.name = name, .port = port};
	char	   *seenAs = NULL;
	bool		wasActive;
	NodeRow		row;

	cluster_require_coordinator();
	check_sync_mode();
	cluster_lock_node_list(true);
	node = operations_node_require(name, port);
	if (node->groupId == catalog_local_group() && node->role == 'p')
		return node->id;
	wasActive = node->isActive;
	row = operations_node_row(node);
	row.isActive = true;
	if (node->role != 'p')
		return spread_row(&row, false, nodes_to_tell(0))->id;

	operations_check_joining(name, port, &seenAs);
	ensure_coordinator(&spec, seenAs);
	if (!wasActive)
		forget_copies(node->groupId);
	row.hasMetadata = true;
	row.metadataSynced = true;
	node = spread_row(&row, false, nodes_to_tell(node->id));
	fill_node(node, !wasActive);
	return node->id;
}

/* ---- leaving ---- */

void
operations_node_disable(const char *name, int port)
{
	const ClusterNode *node;
	List	   *informed;
	NodeRow		row;

	cluster_require_coordinator();
	cluster_lock_node_list(true);
	node = operations_node_require(name, port);
	if (node->groupId == COORDINATOR_GROUP_ID && node->role == 'p')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot disable the coordinator")));
	if (!node->isActive)
		return;
	if (node->role == 'p')
		operations_check_dispensable(node);
	row = operations_node_row(node);
	row.isActive = false;
	row.metadataSynced = false;
	node = spread_row(&row, false, NIL);
	operations_lock_references_in(node->groupId);

	/* the node itself is told if it listens: it must not take writes as if nothing had happened */
	informed = nodes_to_tell(0);
	if (row.hasMetadata && operations_node_answers(node))
		informed = lappend(informed, (void *) node);
	cluster_run(informed, list_make1(cluster_node_upsert_command(node)));
}

static void
check_coordinator_removal(void)
{
	ListCell   *lc;

	foreach(lc, catalog_nodes())
		if (((const ClusterNode *) lfirst(lc))->groupId != COORDINATOR_GROUP_ID)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot remove the coordinator while there are other nodes")));
}

void
operations_node_remove(const char *name, int port)
{
	const ClusterNode *node;
	MetadataDelta *delta = cluster_delta_begin();
	bool		primary;
	ListCell   *lc;

	cluster_require_coordinator();
	cluster_lock_node_list(true);
	node = operations_node_require(name, port);
	primary = node->role == 'p';
	if (primary && node->groupId == COORDINATOR_GROUP_ID)
		check_coordinator_removal();
	if (primary)
		operations_check_dispensable(node);

	txn_mark_local_write();
	catalog_node_delete(node->id);
	CommandCounterIncrement();
	if (primary)
		operations_lock_references_in(node->groupId);
	foreach(lc, primary ? catalog_table_oids() : NIL)
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		for (int i = 0; table != NULL && i < table->nshards; i++)
			for (int j = 0; j < table->shards[i]->nplacements; j++)
				if (table->shards[i]->placements[j].groupId == node->groupId)
					cluster_delta_drop_placement(delta, table->shards[i]->id, node->groupId);
	}
	cluster_delta_apply(delta);
	cluster_run(nodes_to_tell(0), list_make1(cluster_node_delete_command(node->id)));

	/* a server that is up stands alone from now on; one that is down is told when it returns */
	if (primary && node->hasMetadata && node->groupId != catalog_local_group() &&
		operations_node_answers(node))
		cluster_run(list_make1((void *) node), list_make1(cluster_leave_command()));
}

/* ---- properties ---- */

void
operations_node_set_should_have_shards(const char *name, int port, bool value)
{
	const ClusterNode *node;
	NodeRow		row;

	cluster_require_coordinator();
	cluster_lock_node_list(true);
	node = operations_node_require(name, port);
	row = operations_node_row(node);
	row.shouldHaveShards = value;
	(void) spread_row(&row, false, nodes_to_tell(0));
}

void
operations_node_stop_sync(const ClusterNode *node, bool clear)
{
	NodeRow		row = operations_node_row(node);

	row.hasMetadata = false;
	row.metadataSynced = false;
	(void) spread_row(&row, false, nodes_to_tell(node->id));
	if (clear && node->isActive)
		cluster_run(list_make1((void *) node),
					list_make1(psprintf(BASE_NODE_SELECT
										"citus_internal.reset_node(%d, NULL, false, '{}')",
										node->groupId)));
}

/* ---- bringing up to date ---- */

void
operations_sync_metadata(void)
{
	ListCell   *lc;

	if (!catalog_is_coordinator())
		return;
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->metadataSynced || !node->hasMetadata || !operations_node_answers(node))
			continue;
		(void) operations_node_activate(node->name, node->port);
	}
}
