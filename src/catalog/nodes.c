/*
 * nodes.c
 *	  Nodes, this node's group, colocation groups and distributed schemas.
 *
 * Owns the cached list of all nodes with the local group, and the cached colocation groups.  Lists
 * that readers return are copies; their elements are cache entries.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

/* valid while context is set */
static struct
{
	MemoryContext context;
	List	   *nodes;			/* of ClusterNode *, by id */
	List	   *byAddress;		/* the same by (name, port) */
	GroupId		localGroup;
} nodeCache;

typedef struct ColocationEntry
{
	ColocationId id;			/* key */
	ColocationGroup *group;
} ColocationEntry;

/* valid while context is set */
static struct
{
	MemoryContext context;
	HTAB	   *groups;
} colocationCache;

#define ROLE_PRIMARY 'p'

/* ---- nodes ---- */

/* The first letter of the label: labels of enum noderole differ in it. */
static char
role_letter(Oid enumValue)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(enumValue));
	char		letter;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum value %u", enumValue);
	letter = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel)[0];
	ReleaseSysCache(tuple);
	return letter;
}

static ClusterNode *
node_of_row(CatalogScan *scan, HeapTuple tuple)
{
	ClusterNode *node = palloc0(sizeof(ClusterNode));
	Datum		values[NODE_NATTS];
	bool		isNull[NODE_NATTS];

	for (int i = 0; i < NODE_NATTS; i++)
	{
		values[i] = catalog_scan_value(scan, tuple, i + 1, &isNull[i]);
		if (isNull[i])
			values[i] = (Datum) 0;
	}
	node->id = DatumGetInt32(values[NODE_ID - 1]);
	node->groupId = DatumGetInt32(values[NODE_GROUP - 1]);
	node->name = TextDatumGetCString(values[NODE_NAME - 1]);
	node->port = DatumGetInt32(values[NODE_PORT - 1]);
	node->rack = TextDatumGetCString(values[NODE_RACK - 1]);
	node->hasMetadata = DatumGetBool(values[NODE_HAS_METADATA - 1]);
	node->isActive = DatumGetBool(values[NODE_IS_ACTIVE - 1]);
	node->role = role_letter(DatumGetObjectId(values[NODE_ROLE - 1]));
	node->cluster = pstrdup(NameStr(*DatumGetName(values[NODE_CLUSTER - 1])));
	node->metadataSynced = DatumGetBool(values[NODE_SYNCED - 1]);
	node->shouldHaveShards = DatumGetBool(values[NODE_SHOULD_HAVE_SHARDS - 1]);
	node->isClone = DatumGetBool(values[NODE_IS_CLONE - 1]);
	node->primaryNodeId = DatumGetInt32(values[NODE_PRIMARY_ID - 1]);
	return node;
}

static int
compare_node_ids(const ListCell *a, const ListCell *b)
{
	NodeId		left = ((const ClusterNode *) lfirst(a))->id;
	NodeId		right = ((const ClusterNode *) lfirst(b))->id;

	return left < right ? -1 : (left > right ? 1 : 0);
}

static int
compare_addresses(const ListCell *a, const ListCell *b)
{
	const ClusterNode *left = lfirst(a);
	const ClusterNode *right = lfirst(b);
	int			names = strcmp(left->name, right->name);

	if (names != 0)
		return names;
	return left->port < right->port ? -1 : (left->port > right->port ? 1 : 0);
}

static List *
read_nodes(void)
{
	CatalogScan scan;
	HeapTuple	tuple;
	List	   *nodes = NIL;

	catalog_scan_begin(&scan, REL_NODE, REL_NODE, 0, NULL, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
		nodes = lappend(nodes, node_of_row(&scan, tuple));
	catalog_scan_end(&scan);
	list_sort(nodes, compare_node_ids);
	return nodes;
}

static GroupId
read_local_group(void)
{
	CatalogScan scan;
	HeapTuple	tuple;
	GroupId		group = COORDINATOR_GROUP_ID;
	bool		isNull;

	catalog_scan_begin(&scan, REL_LOCAL_GROUP, REL_LOCAL_GROUP, 0, NULL, AccessShareLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		group = DatumGetInt32(catalog_scan_value(&scan, tuple, 1, &isNull));
	catalog_scan_end(&scan);
	return group;
}

/*
 * Fills the node cache if it is empty.  Reading opens relations, which delivers invalidations, so
 * that the cache may be emptied right away: read again until nothing intervenes.
 */
static void
ensure_nodes(void)
{
	while (nodeCache.context == NULL)
	{
		MemoryContext context = catalog_context_create("citus nodes");
		MemoryContext old = MemoryContextSwitchTo(context);
		uint64		before = catalog_invalidations();
		List	   *nodes = read_nodes();
		GroupId		localGroup = read_local_group();
		List	   *byAddress = list_copy(nodes);

		list_sort(byAddress, compare_addresses);
		MemoryContextSwitchTo(old);
		CHECK_FOR_INTERRUPTS();
		if (before != catalog_invalidations())
		{
			MemoryContextDelete(context);
			continue;
		}
		nodeCache.context = context;
		nodeCache.nodes = nodes;
		nodeCache.byAddress = byAddress;
		nodeCache.localGroup = localGroup;
	}
}

void
catalog_nodes_forget(void)
{
	catalog_context_retire(nodeCache.context);
	nodeCache.context = NULL;
	nodeCache.nodes = NIL;
	nodeCache.byAddress = NIL;
}

GroupId
catalog_local_group(void)
{
	if (!base_extension_is_active())
		return COORDINATOR_GROUP_ID;
	ensure_nodes();
	return nodeCache.localGroup;
}

bool
catalog_is_coordinator(void)
{
	return catalog_local_group() == COORDINATOR_GROUP_ID;
}

NodeId
catalog_local_node_id(void)
{
	const ClusterNode *found = NULL;
	ListCell   *cell;

	ensure_nodes();
	foreach(cell, nodeCache.nodes)
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId == nodeCache.localGroup &&
			(found == NULL || node->role == ROLE_PRIMARY))
			found = node;
	}
	return found == NULL ? 0 : found->id;
}

List *
catalog_nodes(void)
{
	if (!base_extension_is_active())
		return NIL;
	ensure_nodes();
	return list_copy(nodeCache.nodes);
}

static List *
active_primaries(bool onlyWithShards)
{
	List	   *result = NIL;
	ListCell   *cell;

	if (!base_extension_is_active())
		return NIL;
	ensure_nodes();
	foreach(cell, nodeCache.byAddress)
	{
		ClusterNode *node = lfirst(cell);

		if (node->isActive && node->role == ROLE_PRIMARY && !node->isClone &&
			(node->shouldHaveShards || !onlyWithShards))
			result = lappend(result, node);
	}
	return result;
}

List *
catalog_active_primaries(void)
{
	return active_primaries(false);
}

List *
catalog_data_nodes(void)
{
	return active_primaries(true);
}

const ClusterNode *
catalog_node_find(const char *name, int port)
{
	ListCell   *cell;

	ensure_nodes();
	foreach(cell, nodeCache.nodes)
	{
		const ClusterNode *node = lfirst(cell);

		if (node->port == port && strcmp(node->name, name) == 0)
			return node;
	}
	return NULL;
}

const ClusterNode *
catalog_node_by_id(NodeId id)
{
	ListCell   *cell;

	ensure_nodes();
	foreach(cell, nodeCache.nodes)
	{
		const ClusterNode *node = lfirst(cell);

		if (node->id == id)
			return node;
	}
	return NULL;
}

const ClusterNode *
catalog_node_of_group(GroupId groupId)
{
	ListCell   *cell;

	ensure_nodes();
	foreach(cell, nodeCache.nodes)
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId == groupId && node->isActive && node->role == ROLE_PRIMARY)
			return node;
	}
	return NULL;
}

/* ---- colocation groups ---- */

static ColocationGroup *
group_of_row(CatalogScan *scan, HeapTuple tuple)
{
	ColocationGroup *group = palloc(sizeof(ColocationGroup));
	bool		isNull;

	group->id = DatumGetInt32(catalog_scan_value(scan, tuple, COLOCATION_ID, &isNull));
	group->shardCount =
		DatumGetInt32(catalog_scan_value(scan, tuple, COLOCATION_SHARD_COUNT, &isNull));
	group->replicationFactor =
		DatumGetInt32(catalog_scan_value(scan, tuple, COLOCATION_FACTOR, &isNull));
	group->keyType =
		DatumGetObjectId(catalog_scan_value(scan, tuple, COLOCATION_TYPE, &isNull));
	group->keyCollation =
		DatumGetObjectId(catalog_scan_value(scan, tuple, COLOCATION_COLLATION, &isNull));
	return group;
}

static HTAB *
read_groups(MemoryContext context)
{
	HASHCTL		control = {0};
	HTAB	   *groups;
	CatalogScan scan;
	HeapTuple	tuple;

	control.keysize = sizeof(ColocationId);
	control.entrysize = sizeof(ColocationEntry);
	control.hcxt = context;
	groups = hash_create("citus colocation groups", 64, &control,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	catalog_scan_begin(&scan, REL_COLOCATION, REL_COLOCATION, 0, NULL, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		ColocationGroup *group = group_of_row(&scan, tuple);
		ColocationEntry *entry = hash_search(groups, &group->id, HASH_ENTER, NULL);

		entry->group = group;
	}
	catalog_scan_end(&scan);
	return groups;
}

static void
ensure_colocations(void)
{
	while (colocationCache.context == NULL)
	{
		MemoryContext context = catalog_context_create("citus colocation");
		MemoryContext old = MemoryContextSwitchTo(context);
		uint64		before = catalog_invalidations();
		HTAB	   *groups = read_groups(context);

		MemoryContextSwitchTo(old);
		CHECK_FOR_INTERRUPTS();
		if (before != catalog_invalidations())
		{
			MemoryContextDelete(context);
			continue;
		}
		colocationCache.context = context;
		colocationCache.groups = groups;
	}
}

void
catalog_colocations_forget(void)
{
	catalog_context_retire(colocationCache.context);
	colocationCache.context = NULL;
	colocationCache.groups = NULL;
}

const ColocationGroup *
catalog_colocation_get(ColocationId id)
{
	ColocationEntry *entry;

	ensure_colocations();
	entry = hash_search(colocationCache.groups, &id, HASH_FIND, NULL);
	return entry == NULL ? NULL : entry->group;
}

static bool
group_belongs_to_schema(ColocationId id)
{
	CatalogScan scan;
	ScanKeyData key;
	bool		found;

	catalog_key_int4(&key, SCHEMA_COLOCATION, id);
	catalog_scan_begin(&scan, REL_SCHEMA, REL_SCHEMA_COLOCATION_INDEX, 1, &key,
					   AccessShareLock);
	found = HeapTupleIsValid(catalog_scan_next(&scan));
	catalog_scan_end(&scan);
	return found;
}

ColocationId
catalog_colocation_find(int shardCount, int replicationFactor, Oid keyType, Oid keyCollation)
{
	CatalogScan scan;
	ScanKeyData keys[4];
	HeapTuple	tuple;
	ColocationId best = INVALID_COLOCATION_ID;
	bool		isNull;

	/* in the order of the index; its columns are named by their position in the table */
	catalog_key_oid(&keys[0], COLOCATION_TYPE, keyType);
	catalog_key_int4(&keys[1], COLOCATION_SHARD_COUNT, shardCount);
	catalog_key_int4(&keys[2], COLOCATION_FACTOR, replicationFactor);
	catalog_key_oid(&keys[3], COLOCATION_COLLATION, keyCollation);
	catalog_scan_begin(&scan, REL_COLOCATION, REL_COLOCATION_CONFIG_INDEX, 4, keys,
					   AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		ColocationId id =
			DatumGetInt32(catalog_scan_value(&scan, tuple, COLOCATION_ID, &isNull));

		if ((best == INVALID_COLOCATION_ID || id < best) && !group_belongs_to_schema(id))
			best = id;
	}
	catalog_scan_end(&scan);
	return best;
}

ColocationId
catalog_schema_colocation(Oid schemaId)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	ColocationId id = INVALID_COLOCATION_ID;
	bool		isNull;

	if (!base_extension_is_active())
		return INVALID_COLOCATION_ID;
	catalog_key_oid(&key, SCHEMA_ID, schemaId);
	catalog_scan_begin(&scan, REL_SCHEMA, REL_SCHEMA_ID_INDEX, 1, &key, AccessShareLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		id = DatumGetInt32(catalog_scan_value(&scan, tuple, SCHEMA_COLOCATION, &isNull));
	catalog_scan_end(&scan);
	return id;
}
