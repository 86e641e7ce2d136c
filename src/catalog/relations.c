/*
 * relations.c
 *	  Our tables, indexes and sequences: their oids, scans over them, invalidation.
 *
 * Owns the oids, looked up once a session and forgotten when one of the relations is invalidated,
 * which happens when the extension is dropped or created anew.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/catalog_internal.h"

static const char *const relationNames[NCATALOG_RELATIONS] = {
	[REL_PARTITION] = "pg_dist_partition",
	[REL_PARTITION_RELID_INDEX] = "pg_dist_partition_logical_relid_index",
	[REL_PARTITION_COLOCATION_INDEX] = "pg_dist_partition_colocationid_index",
	[REL_SHARD] = "pg_dist_shard",
	[REL_SHARD_ID_INDEX] = "pg_dist_shard_shardid_index",
	[REL_SHARD_RELID_INDEX] = "pg_dist_shard_logical_relid_index",
	[REL_PLACEMENT] = "pg_dist_placement",
	[REL_PLACEMENT_SHARD_INDEX] = "pg_dist_placement_shardid_index",
	[REL_COLOCATION] = "pg_dist_colocation",
	[REL_COLOCATION_ID_INDEX] = "pg_dist_colocation_pkey",
	[REL_COLOCATION_CONFIG_INDEX] = "pg_dist_colocation_configuration_index",
	[REL_SCHEMA] = "pg_dist_schema",
	[REL_SCHEMA_ID_INDEX] = "pg_dist_schema_pkey",
	[REL_SCHEMA_COLOCATION_INDEX] = "pg_dist_schema_unique_colocationid_index",
	[REL_NODE] = "pg_dist_node",
	[REL_NODE_ID_INDEX] = "pg_dist_node_pkey",
	[REL_LOCAL_GROUP] = "pg_dist_local_group",
	[REL_OBJECT] = "pg_dist_object",
	[REL_OBJECT_INDEX] = "pg_dist_object_pkey",
	[REL_TRANSACTION] = "pg_dist_transaction",
	[REL_TRANSACTION_INDEX] = "pg_dist_transaction_unique_constraint",
	[REL_AUTHINFO] = "pg_dist_authinfo",
	[REL_AUTHINFO_INDEX] = "pg_dist_authinfo_identification_index",
	[REL_POOLINFO] = "pg_dist_poolinfo",
	[REL_POOLINFO_INDEX] = "pg_dist_poolinfo_pkey",
	[REL_SECRET] = "pg_dist_secret",
	[REL_SHARD_ID_SEQUENCE] = "pg_dist_shardid_seq",
	[REL_PLACEMENT_ID_SEQUENCE] = "pg_dist_placement_placementid_seq",
	[REL_NODE_ID_SEQUENCE] = "pg_dist_node_nodeid_seq",
	[REL_GROUP_ID_SEQUENCE] = "pg_dist_groupid_seq",
	[REL_COLOCATION_ID_SEQUENCE] = "pg_dist_colocationid_seq",
};

static Oid	relationOids[NCATALOG_RELATIONS];

Oid
catalog_relation_oid(CatalogRelation which)
{
	if (!OidIsValid(relationOids[which]))
	{
		relationOids[which] = get_relname_relid(relationNames[which], PG_CATALOG_NAMESPACE);
		if (!OidIsValid(relationOids[which]))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("metadata relation \"%s\" does not exist", relationNames[which])));
	}
	return relationOids[which];
}

bool
catalog_relation_is(CatalogRelation which, Oid relid)
{
	return OidIsValid(relid) && relationOids[which] == relid;
}

bool
catalog_relation_forget(Oid relid)
{
	for (int i = 0; i < NCATALOG_RELATIONS; i++)
	{
		if (relationOids[i] == relid)
		{
			relationOids[i] = InvalidOid;
			return true;
		}
	}
	return false;
}

void
catalog_relations_forget(void)
{
	memset(relationOids, 0, sizeof(relationOids));
}

/* ---- scans ---- */

void
catalog_scan_begin(CatalogScan *scan, CatalogRelation table, CatalogRelation index,
				   int nkeys, ScanKeyData *keys, LOCKMODE lock)
{
	bool		useIndex = index != table;

	scan->relation = table_open(catalog_relation_oid(table), lock);
	scan->scan = NULL;
	/* scans of serializable transactions leave locks: none where there was never a row */
	if (RelationGetNumberOfBlocks(scan->relation) == 0)
		return;
	scan->scan = systable_beginscan(scan->relation,
									useIndex ? catalog_relation_oid(index) : InvalidOid,
									useIndex, NULL, nkeys, keys);
}

HeapTuple
catalog_scan_next(CatalogScan *scan)
{
	return scan->scan != NULL ? systable_getnext(scan->scan) : NULL;
}

/* Writers keep their lock until the end of the transaction. */
void
catalog_scan_end(CatalogScan *scan)
{
	if (scan->scan != NULL)
		systable_endscan(scan->scan);
	table_close(scan->relation, NoLock);
}

Datum
catalog_scan_value(CatalogScan *scan, HeapTuple tuple, int attno, bool *isNull)
{
	TupleDesc	desc = RelationGetDescr(scan->relation);

	if (attno > desc->natts)
	{
		*isNull = true;
		return (Datum) 0;
	}
	return heap_getattr(tuple, attno, desc, isNull);
}

void
catalog_key_oid(ScanKeyData *key, AttrNumber attno, Oid value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
}

void
catalog_key_int4(ScanKeyData *key, AttrNumber attno, int32 value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value));
}

void
catalog_key_int8(ScanKeyData *key, AttrNumber attno, int64 value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
}

void
catalog_key_text(ScanKeyData *key, AttrNumber attno, const char *value)
{
	ScanKeyEntryInitialize(key, 0, attno, BTEqualStrategyNumber, InvalidOid,
						   DEFAULT_COLLATION_OID, F_TEXTEQ, CStringGetTextDatum(value));
}

void
catalog_key_name(ScanKeyData *key, AttrNumber attno, const char *value)
{
	Name		name = palloc(sizeof(NameData));

	namestrcpy(name, value);
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(name));
}

/* ---- invalidation ---- */

void
catalog_invalidate(Oid relid)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		CacheInvalidateRelcacheByRelid(relid);
	else
		catalog_tables_forget(relid);
}
