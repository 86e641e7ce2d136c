/*
 * catalog_internal.h
 *	  What the files of catalog share among themselves: relations, columns, caches.
 */
#ifndef CATALOG_INTERNAL_H
#define CATALOG_INTERNAL_H

#include "postgres.h"
#include "access/genam.h"
#include "access/htup.h"
#include "access/skey.h"
#include "utils/rel.h"

#include "citus/catalog/catalog.h"

/* ---- our relations; the names are in relations.c, in this order ---- */

typedef enum CatalogRelation
{
	REL_PARTITION,
	REL_PARTITION_RELID_INDEX,
	REL_PARTITION_COLOCATION_INDEX,
	REL_SHARD,
	REL_SHARD_ID_INDEX,
	REL_SHARD_RELID_INDEX,
	REL_PLACEMENT,
	REL_PLACEMENT_SHARD_INDEX,
	REL_COLOCATION,
	REL_COLOCATION_ID_INDEX,
	REL_COLOCATION_CONFIG_INDEX,
	REL_SCHEMA,
	REL_SCHEMA_ID_INDEX,
	REL_SCHEMA_COLOCATION_INDEX,
	REL_NODE,
	REL_NODE_ID_INDEX,
	REL_LOCAL_GROUP,
	REL_OBJECT,
	REL_OBJECT_INDEX,
	REL_TRANSACTION,
	REL_TRANSACTION_INDEX,
	REL_AUTHINFO,
	REL_AUTHINFO_INDEX,
	REL_POOLINFO,
	REL_POOLINFO_INDEX,
	REL_SECRET,
	REL_SHARD_ID_SEQUENCE,
	REL_PLACEMENT_ID_SEQUENCE,
	REL_NODE_ID_SEQUENCE,
	REL_GROUP_ID_SEQUENCE,
	REL_COLOCATION_ID_SEQUENCE
} CatalogRelation;

#define NCATALOG_RELATIONS (REL_COLOCATION_ID_SEQUENCE + 1)

/* columns of our tables */
#define PARTITION_RELID 1
#define PARTITION_METHOD 2
#define PARTITION_KEY 3
#define PARTITION_COLOCATION 4
#define PARTITION_REPMODEL 5
#define PARTITION_AUTOCONVERTED 6
#define PARTITION_NATTS 6

#define SHARD_RELID 1
#define SHARD_ID 2
#define SHARD_STORAGE 3
#define SHARD_MIN 4
#define SHARD_MAX 5
#define SHARD_NATTS 5

#define PLACEMENT_ID 1
#define PLACEMENT_SHARD 2
#define PLACEMENT_STATE 3
#define PLACEMENT_LENGTH 4
#define PLACEMENT_GROUP 5
#define PLACEMENT_NATTS 5

#define PLACEMENT_STATE_ACTIVE 1

#define COLOCATION_ID 1
#define COLOCATION_SHARD_COUNT 2
#define COLOCATION_FACTOR 3
#define COLOCATION_TYPE 4
#define COLOCATION_COLLATION 5
#define COLOCATION_NATTS 5

#define SCHEMA_ID 1
#define SCHEMA_COLOCATION 2

#define NODE_ID 1
#define NODE_GROUP 2
#define NODE_NAME 3
#define NODE_PORT 4
#define NODE_RACK 5
#define NODE_HAS_METADATA 6
#define NODE_IS_ACTIVE 7
#define NODE_ROLE 8
#define NODE_CLUSTER 9
#define NODE_SYNCED 10
#define NODE_SHOULD_HAVE_SHARDS 11
#define NODE_IS_CLONE 12
#define NODE_PRIMARY_ID 13
#define NODE_NATTS 13

#define OBJECT_CLASSID 1
#define OBJECT_OBJID 2
#define OBJECT_SUBID 3
#define OBJECT_NATTS 9

#define TRANSACTION_GROUP 1
#define TRANSACTION_GID 2
#define TRANSACTION_NATTS 3

#define AUTHINFO_NODE 1
#define AUTHINFO_ROLE 2
#define AUTHINFO_TEXT 3

#define POOLINFO_NODE 1
#define POOLINFO_TEXT 2

#define SECRET_BYTES 1
#define SECRET_SECOND 2

/* ---- relations.c ---- */

/* raises XX000 when the extension is not there */
extern Oid	catalog_relation_oid(CatalogRelation which);
/* true if relid is this relation, as far as it has been looked up */
extern bool catalog_relation_is(CatalogRelation which, Oid relid);
extern void catalog_relations_forget(void);
/* looks this relation up again when it is needed; true if it was known */
extern bool catalog_relation_forget(Oid relid);

/* An index scan over one of our tables, with its lock; rows as of now, own changes included. */
typedef struct CatalogScan
{
	Relation	relation;
	SysScanDesc scan;
} CatalogScan;

extern void catalog_scan_begin(CatalogScan *scan, CatalogRelation table, CatalogRelation index,
							   int nkeys, ScanKeyData *keys, LOCKMODE lock);
extern HeapTuple catalog_scan_next(CatalogScan *scan);
extern void catalog_scan_end(CatalogScan *scan);
/* value of a column, which may be added by a later version: NULL if there is none */
extern Datum catalog_scan_value(CatalogScan *scan, HeapTuple tuple, int attno, bool *isNull);

/* keys of scans */
extern void catalog_key_oid(ScanKeyData *key, AttrNumber attno, Oid value);
extern void catalog_key_int4(ScanKeyData *key, AttrNumber attno, int32 value);
extern void catalog_key_int8(ScanKeyData *key, AttrNumber attno, int64 value);
extern void catalog_key_text(ScanKeyData *key, AttrNumber attno, const char *value);
extern void catalog_key_name(ScanKeyData *key, AttrNumber attno, const char *value);

/*
 * Makes all sessions forget what they know about relid: a user's table, or one of our tables for
 * what is cached from it as a whole.  A relation that is gone already needs no message.
 */
extern void catalog_invalidate(Oid relid);

/* ---- invalidation and memory: cache.c ---- */

/* a new context for a cached entry, and its way out: it lives until the transaction's end */
extern MemoryContext catalog_context_create(const char *name);
extern void catalog_context_retire(MemoryContext context);
/* counts invalidations: unchanged means that what was read meanwhile may be cached */
extern uint64 catalog_invalidations(void);

extern void catalog_tables_forget(Oid relid);	/* InvalidOid: all */
extern void catalog_nodes_forget(void);
extern void catalog_colocations_forget(void);

/* ---- partkey text: partkey.c ---- */

/* the integer after field (":varattno"); false if text is not that of a column node */
extern bool catalog_partkey_field(const char *text, const char *field, int64 *value);

/* ---- credentials.c ---- */

/* true when text is a list of key=value with keys out of allowed, a NULL-terminated array */
extern bool catalog_conninfo_is_valid(const char *text, const char *const *allowed);

/* ---- visibility.c, ids.c: parts of catalog_init() ---- */

extern void catalog_visibility_start(void);
extern void catalog_ids_start(void);

/* ---- naming.c ---- */

extern void catalog_naming_start(void);

/* ---- naming.c, tables.c: for user_names.c ---- */

extern ShardId catalog_shard_id_of_name(const char *name);
extern bool catalog_shard_is_cached(ShardId shardId);

#endif
