/*
 * write.c
 *	  Writes to our tables on this node.
 *
 * Every writer sends the invalidation that belongs to the change.  All but those of shards and
 * placements make the change visible to later commands; these two are called in bulk, and the
 * caller does so once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

#define MAX_NATTS 16

/* a row to be written; columns not set are NULL, or unchanged in an update */
typedef struct NewRow
{
	Datum		values[MAX_NATTS];
	bool		isNull[MAX_NATTS];
	bool		replace[MAX_NATTS];
} NewRow;

static void
row_init(NewRow *row)
{
	memset(row->values, 0, sizeof(row->values));
	memset(row->isNull, true, sizeof(row->isNull));
	memset(row->replace, false, sizeof(row->replace));
}

static void
row_set(NewRow *row, int attno, Datum value)
{
	row->values[attno - 1] = value;
	row->isNull[attno - 1] = false;
	row->replace[attno - 1] = true;
}

/*
 * Writing takes a snapshot, because a value may be toasted.  A statement has one; the end of a
 * transaction, where commit records are written, has none.
 */
static bool
snapshot_begin(void)
{
	if (ActiveSnapshotSet())
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

static void
snapshot_end(bool pushed)
{
	if (pushed)
		PopActiveSnapshot();
}

static void
rows_insert(CatalogRelation table, NewRow *rows, int n)
{
	bool		pushed = snapshot_begin();
	Relation	relation = table_open(catalog_relation_oid(table), RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(relation);
	CatalogIndexState indexes = CatalogOpenIndexes(relation);

	Assert(desc->natts <= MAX_NATTS);
	for (int i = 0; i < n; i++)
	{
		HeapTuple	tuple = heap_form_tuple(desc, rows[i].values, rows[i].isNull);

		CatalogTupleInsertWithInfo(relation, tuple, indexes);
		heap_freetuple(tuple);
	}
	CatalogCloseIndexes(indexes);
	table_close(relation, NoLock);
	snapshot_end(pushed);
}

static void
row_insert(CatalogRelation table, NewRow *row)
{
	rows_insert(table, row, 1);
}

static void
row_update(CatalogScan *scan, HeapTuple tuple, NewRow *row)
{
	bool		pushed = snapshot_begin();
	HeapTuple	changed = heap_modify_tuple(tuple, RelationGetDescr(scan->relation),
											row->values, row->isNull, row->replace);

	CatalogTupleUpdate(scan->relation, &changed->t_self, changed);
	heap_freetuple(changed);
	snapshot_end(pushed);
}

/* Deletes all rows that the keys select; how many there were. */
static int
rows_delete(CatalogRelation table, CatalogRelation index, int nkeys, ScanKeyData *keys)
{
	bool		pushed = snapshot_begin();
	CatalogScan scan;
	HeapTuple	tuple;
	int			deleted = 0;

	catalog_scan_begin(&scan, table, index, nkeys, keys, RowExclusiveLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		CatalogTupleDelete(scan.relation, &tuple->t_self);
		deleted++;
	}
	catalog_scan_end(&scan);
	snapshot_end(pushed);
	return deleted;
}

/* The row with this key, raising 42704 if it is not there; the scan is left open. */
static HeapTuple
row_find(CatalogScan *scan, CatalogRelation table, CatalogRelation index, ScanKeyData *key,
		 const char *what)
{
	HeapTuple	tuple;

	catalog_scan_begin(scan, table, index, 1, key, RowExclusiveLock);
	tuple = catalog_scan_next(scan);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("metadata of %s does not exist", what)));
	return tuple;
}

/* ---- tables ---- */

/* Known tables depend on the extension, so that it cannot be dropped from under them. */
static void
add_dependency(Oid relid)
{
	ObjectAddress table,
				extension;

	ObjectAddressSet(table, RelationRelationId, relid);
	ObjectAddressSet(extension, ExtensionRelationId, base_extension_oid());
	recordDependencyOn(&table, &extension, DEPENDENCY_NORMAL);
}

static void
remove_dependency(Oid relid)
{
	deleteDependencyRecordsForSpecific(RelationRelationId, relid, DEPENDENCY_NORMAL,
									   ExtensionRelationId, base_extension_oid());
}

void
catalog_table_insert(Oid relid, char partMethod, AttrNumber keyAttno,
					 ColocationId colocationId, char replicationModel)
{
	NewRow		row;

	row_init(&row);
	row_set(&row, PARTITION_RELID, ObjectIdGetDatum(relid));
	row_set(&row, PARTITION_METHOD, CharGetDatum(partMethod));
	if (keyAttno != InvalidAttrNumber)
		row_set(&row, PARTITION_KEY,
				CStringGetTextDatum(catalog_partkey_text(relid, keyAttno)));
	row_set(&row, PARTITION_COLOCATION, Int32GetDatum(colocationId));
	row_set(&row, PARTITION_REPMODEL, CharGetDatum(replicationModel));
	row_set(&row, PARTITION_AUTOCONVERTED, BoolGetDatum(false));
	row_insert(REL_PARTITION, &row);
	add_dependency(relid);
	catalog_invalidate(relid);
	CommandCounterIncrement();
}

void
catalog_table_delete(Oid relid)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	bool		isNull;

	catalog_key_oid(&key, SHARD_RELID, relid);
	catalog_scan_begin(&scan, REL_SHARD, REL_SHARD_RELID_INDEX, 1, &key, RowExclusiveLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		ScanKeyData shardKey;

		catalog_key_int8(&shardKey, PLACEMENT_SHARD,
						 DatumGetInt64(catalog_scan_value(&scan, tuple, SHARD_ID, &isNull)));
		rows_delete(REL_PLACEMENT, REL_PLACEMENT_SHARD_INDEX, 1, &shardKey);
		CatalogTupleDelete(scan.relation, &tuple->t_self);
	}
	catalog_scan_end(&scan);

	catalog_key_oid(&key, PARTITION_RELID, relid);
	rows_delete(REL_PARTITION, REL_PARTITION_RELID_INDEX, 1, &key);
	remove_dependency(relid);
	catalog_invalidate(relid);
	CommandCounterIncrement();
}

/* Changes one column of the row of pg_dist_partition. */
static void
table_set(Oid relid, int attno, Datum value)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	NewRow		row;

	row_init(&row);
	row_set(&row, attno, value);
	catalog_key_oid(&key, PARTITION_RELID, relid);
	tuple = row_find(&scan, REL_PARTITION, REL_PARTITION_RELID_INDEX, &key, "the table");
	row_update(&scan, tuple, &row);
	catalog_scan_end(&scan);
	catalog_invalidate(relid);
	CommandCounterIncrement();
}

void
catalog_table_set_colocation(Oid relid, ColocationId colocationId)
{
	table_set(relid, PARTITION_COLOCATION, Int32GetDatum(colocationId));
}

void
catalog_table_set_auto_converted(Oid relid, bool autoConverted)
{
	table_set(relid, PARTITION_AUTOCONVERTED, BoolGetDatum(autoConverted));
}

/* ---- shards and placements ---- */

void
catalog_shard_insert(Oid relid, ShardId shardId, char storage, bool hasRange,
					 int32 minToken, int32 maxToken)
{
	NewRow		row;

	/* plans kept by sessions so far read pg_class as it is: see catalog_hides_shards() */
	if (!catalog_has_shards())
		CacheInvalidateRelcacheByRelid(RelationRelationId);
	row_init(&row);
	row_set(&row, SHARD_RELID, ObjectIdGetDatum(relid));
	row_set(&row, SHARD_ID, Int64GetDatum(shardId));
	row_set(&row, SHARD_STORAGE, CharGetDatum(storage));
	if (hasRange)
	{
		row_set(&row, SHARD_MIN, CStringGetTextDatum(psprintf("%d", minToken)));
		row_set(&row, SHARD_MAX, CStringGetTextDatum(psprintf("%d", maxToken)));
	}
	row_insert(REL_SHARD, &row);
	catalog_invalidate(relid);
}

void
catalog_shard_delete(ShardId shardId)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	bool		isNull;

	catalog_key_int8(&key, PLACEMENT_SHARD, shardId);
	rows_delete(REL_PLACEMENT, REL_PLACEMENT_SHARD_INDEX, 1, &key);

	catalog_key_int8(&key, SHARD_ID, shardId);
	catalog_scan_begin(&scan, REL_SHARD, REL_SHARD_ID_INDEX, 1, &key, RowExclusiveLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		catalog_invalidate(DatumGetObjectId(catalog_scan_value(&scan, tuple, SHARD_RELID,
															   &isNull)));
		CatalogTupleDelete(scan.relation, &tuple->t_self);
	}
	catalog_scan_end(&scan);
	CommandCounterIncrement();
}

/*
 * Invalidates the table of a shard whose placements change.  Its row may have been written by this
 * very command, and then so has the invalidation.
 */
static void
invalidate_table_of_shard(ShardId shardId)
{
	const Shard *shard = catalog_shard_get(shardId);

	if (shard != NULL)
		catalog_invalidate(shard->relid);
}

void
catalog_placement_insert(PlacementId id, ShardId shardId, GroupId groupId)
{
	NewRow		row;

	row_init(&row);
	row_set(&row, PLACEMENT_ID, Int64GetDatum(id));
	row_set(&row, PLACEMENT_SHARD, Int64GetDatum(shardId));
	row_set(&row, PLACEMENT_STATE, Int32GetDatum(PLACEMENT_STATE_ACTIVE));
	row_set(&row, PLACEMENT_LENGTH, Int64GetDatum(0));
	row_set(&row, PLACEMENT_GROUP, Int32GetDatum(groupId));
	row_insert(REL_PLACEMENT, &row);
	invalidate_table_of_shard(shardId);
}

void
catalog_placement_delete(ShardId shardId, GroupId groupId)
{
	ScanKeyData keys[2];

	catalog_key_int8(&keys[0], PLACEMENT_SHARD, shardId);
	catalog_key_int4(&keys[1], PLACEMENT_GROUP, groupId);
	rows_delete(REL_PLACEMENT, REL_PLACEMENT_SHARD_INDEX, 2, keys);
	invalidate_table_of_shard(shardId);
	CommandCounterIncrement();
}

/* ---- colocation groups ---- */

void
catalog_colocation_insert(const ColocationGroup *group)
{
	NewRow		row;

	row_init(&row);
	row_set(&row, COLOCATION_ID, Int32GetDatum(group->id));
	row_set(&row, COLOCATION_SHARD_COUNT, Int32GetDatum(group->shardCount));
	row_set(&row, COLOCATION_FACTOR, Int32GetDatum(group->replicationFactor));
	row_set(&row, COLOCATION_TYPE, ObjectIdGetDatum(group->keyType));
	row_set(&row, COLOCATION_COLLATION, ObjectIdGetDatum(group->keyCollation));
	row_insert(REL_COLOCATION, &row);
	catalog_invalidate(catalog_relation_oid(REL_COLOCATION));
	CommandCounterIncrement();
}

void
catalog_colocation_delete(ColocationId id)
{
	ScanKeyData key;

	catalog_key_int4(&key, COLOCATION_ID, id);
	rows_delete(REL_COLOCATION, REL_COLOCATION_ID_INDEX, 1, &key);
	catalog_invalidate(catalog_relation_oid(REL_COLOCATION));
	CommandCounterIncrement();
}

/* ---- nodes ---- */

static Oid
role_value(const char *label)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("noderole"),
									   ObjectIdGetDatum(PG_CATALOG_NAMESPACE));
	Oid			value = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
										ObjectIdGetDatum(type), CStringGetDatum(label));

	if (!OidIsValid(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid node role: \"%s\"", label)));
	return value;
}

static void
row_set_node(NewRow *row, const NodeRow *node, NameData *cluster)
{
	namestrcpy(cluster, node->cluster);
	row_init(row);
	row_set(row, NODE_ID, Int32GetDatum(node->id));
	row_set(row, NODE_GROUP, Int32GetDatum(node->groupId));
	row_set(row, NODE_NAME, CStringGetTextDatum(node->name));
	row_set(row, NODE_PORT, Int32GetDatum(node->port));
	row_set(row, NODE_HAS_METADATA, BoolGetDatum(node->hasMetadata));
	row_set(row, NODE_IS_ACTIVE, BoolGetDatum(node->isActive));
	row_set(row, NODE_ROLE, ObjectIdGetDatum(role_value(node->role)));
	row_set(row, NODE_CLUSTER, NameGetDatum(cluster));
	row_set(row, NODE_SYNCED, BoolGetDatum(node->metadataSynced));
	row_set(row, NODE_SHOULD_HAVE_SHARDS, BoolGetDatum(node->shouldHaveShards));
}

/* What the table's constraints and triggers check for rows written by hand. */
static void
check_node(const NodeRow *node)
{
	ListCell   *cell;

	if (strcmp(node->role, "primary") != 0)
		return;
	if (strcmp(node->cluster, "default") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("primary nodes can only be in cluster \"default\"")));
	foreach(cell, catalog_nodes())
	{
		const ClusterNode *other = lfirst(cell);

		if (other->groupId == node->groupId && other->id != node->id && other->role == 'p')
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("group %d has a primary node already", node->groupId),
					 errdetail("It is \"%s:%d\".", other->name, other->port)));
	}
}

static void
nodes_changed(void)
{
	catalog_invalidate(catalog_relation_oid(REL_NODE));
	CommandCounterIncrement();
}

/* where the node stands, and what it is a clone of */
static void
row_set_place(NewRow *row, const NodeRow *node, const char *rack)
{
	row_set(row, NODE_RACK, CStringGetTextDatum(node->rack != NULL ? node->rack : rack));
	row_set(row, NODE_IS_CLONE, BoolGetDatum(node->isClone));
	row_set(row, NODE_PRIMARY_ID, Int32GetDatum(node->primaryNodeId));
}

void
catalog_node_insert(const NodeRow *node)
{
	NewRow		row;
	NameData	cluster;

	check_node(node);
	row_set_node(&row, node, &cluster);
	row_set_place(&row, node, "default");
	row_insert(REL_NODE, &row);
	nodes_changed();
}

void
catalog_node_update(const NodeRow *node)
{
	NewRow		row;
	NameData	cluster;
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;

	check_node(node);
	row_set_node(&row, node, &cluster);
	if (node->rack != NULL)
		row_set_place(&row, node, NULL);
	catalog_key_int4(&key, NODE_ID, node->id);
	tuple = row_find(&scan, REL_NODE, REL_NODE_ID_INDEX, &key, "the node");
	row_update(&scan, tuple, &row);
	catalog_scan_end(&scan);
	nodes_changed();
}

void
catalog_node_delete(NodeId id)
{
	const ClusterNode *node = catalog_node_by_id(id);
	ScanKeyData key;

	if (node != NULL && node->role == 'p' && node->groupId != catalog_local_group())
		catalog_departed_note(node);
	catalog_key_int4(&key, NODE_ID, id);
	rows_delete(REL_NODE, REL_NODE_ID_INDEX, 1, &key);
	nodes_changed();
}

void
catalog_local_group_set(GroupId groupId)
{
	CatalogScan scan;
	HeapTuple	tuple;
	NewRow		row;

	row_init(&row);
	row_set(&row, 1, Int32GetDatum(groupId));
	catalog_scan_begin(&scan, REL_LOCAL_GROUP, REL_LOCAL_GROUP, 0, NULL, RowExclusiveLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		row_update(&scan, tuple, &row);
	catalog_scan_end(&scan);
	if (!HeapTupleIsValid(tuple))
		row_insert(REL_LOCAL_GROUP, &row);
	catalog_invalidate(catalog_relation_oid(REL_LOCAL_GROUP));
	CommandCounterIncrement();
}

/* ---- objects ---- */

static void
object_keys(ScanKeyData *keys, const ObjectAddress *address)
{
	catalog_key_oid(&keys[0], OBJECT_CLASSID, address->classId);
	catalog_key_oid(&keys[1], OBJECT_OBJID, address->objectId);
	catalog_key_int4(&keys[2], OBJECT_SUBID, address->objectSubId);
}

bool
catalog_object_is_distributed(const ObjectAddress *address)
{
	CatalogScan scan;
	ScanKeyData keys[3];
	bool		found;

	object_keys(keys, address);
	catalog_scan_begin(&scan, REL_OBJECT, REL_OBJECT_INDEX, 3, keys, AccessShareLock);
	found = HeapTupleIsValid(catalog_scan_next(&scan));
	catalog_scan_end(&scan);
	return found;
}

/* An object that is there already stays as it is. */
void
catalog_object_insert(const ObjectAddress *address)
{
	NewRow		row;

	if (catalog_object_is_distributed(address))
		return;
	row_init(&row);
	row_set(&row, OBJECT_CLASSID, ObjectIdGetDatum(address->classId));
	row_set(&row, OBJECT_OBJID, ObjectIdGetDatum(address->objectId));
	row_set(&row, OBJECT_SUBID, Int32GetDatum(address->objectSubId));
	row_insert(REL_OBJECT, &row);
	CommandCounterIncrement();
}

void
catalog_object_delete(const ObjectAddress *address)
{
	ScanKeyData keys[3];

	object_keys(keys, address);
	if (rows_delete(REL_OBJECT, REL_OBJECT_INDEX, 3, keys) > 0)
		CommandCounterIncrement();
}

List *
catalog_objects(void)
{
	CatalogScan scan;
	HeapTuple	tuple;
	List	   *objects = NIL;
	bool		isNull;

	catalog_scan_begin(&scan, REL_OBJECT, REL_OBJECT, 0, NULL, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		ObjectAddress *address = palloc(sizeof(ObjectAddress));

		address->classId =
			DatumGetObjectId(catalog_scan_value(&scan, tuple, OBJECT_CLASSID, &isNull));
		address->objectId =
			DatumGetObjectId(catalog_scan_value(&scan, tuple, OBJECT_OBJID, &isNull));
		address->objectSubId =
			DatumGetInt32(catalog_scan_value(&scan, tuple, OBJECT_SUBID, &isNull));
		objects = lappend(objects, address);
	}
	catalog_scan_end(&scan);
	return objects;
}

/* ---- commit records ---- */

void
catalog_commit_records_insert(const CommitRecord *records, int n)
{
	NewRow	   *rows = palloc(sizeof(NewRow) * n);

	for (int i = 0; i < n; i++)
	{
		row_init(&rows[i]);
		row_set(&rows[i], TRANSACTION_GROUP, Int32GetDatum(records[i].groupId));
		row_set(&rows[i], TRANSACTION_GID, CStringGetTextDatum(records[i].gid));
	}
	rows_insert(REL_TRANSACTION, rows, n);
	pfree(rows);
}

void
catalog_commit_record_delete(GroupId groupId, const char *gid)
{
	ScanKeyData keys[2];

	catalog_key_int4(&keys[0], TRANSACTION_GROUP, groupId);
	catalog_key_text(&keys[1], TRANSACTION_GID, gid);
	rows_delete(REL_TRANSACTION, REL_TRANSACTION_INDEX, 2, keys);
}

List *
catalog_commit_records(GroupId groupId)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *records = NIL;
	bool		isNull;

	catalog_key_int4(&key, TRANSACTION_GROUP, groupId);
	catalog_scan_begin(&scan, REL_TRANSACTION, REL_TRANSACTION_INDEX, 1, &key, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		CommitRecord *record = palloc(sizeof(CommitRecord));

		record->groupId = groupId;
		record->gid = TextDatumGetCString(catalog_scan_value(&scan, tuple, TRANSACTION_GID,
															 &isNull));
		records = lappend(records, record);
	}
	catalog_scan_end(&scan);
	return records;
}
