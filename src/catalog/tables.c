/*
 * tables.c
 *	  Tables, shards and placements as cached from pg_dist_partition, _shard and _placement.
 *
 * Owns two hash tables: relid -> DistTable, where a relation that is not ours has an entry too, and
 * shard id -> relid, a hint that is checked at each use.
 *
 * Invariants
 *	  1. An entry is removed as soon as its relation is invalidated, so an entry that is there is
 *		 right.  The memory of its DistTable is retired, not freed: see cache.c.
 *	  2. The hint of a shard may be stale; the table it points to decides.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

typedef struct TableEntry
{
	Oid			relid;			/* key */
	DistTable  *table;			/* NULL: not known to the extension */
	MemoryContext context;		/* of table */
} TableEntry;

typedef struct ShardHint
{
	ShardId		shardId;		/* key */
	Oid			relid;
} ShardHint;

static HTAB *tableEntries = NULL;
static HTAB *shardHints = NULL;

static void
create_hashes(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(TableEntry);
	tableEntries = hash_create("citus tables", 256, &control, HASH_ELEM | HASH_BLOBS);

	control.keysize = sizeof(ShardId);
	control.entrysize = sizeof(ShardHint);
	shardHints = hash_create("citus shards", 1024, &control, HASH_ELEM | HASH_BLOBS);
}

/* ---- loading ---- */

static DistTableKind
kind_of(const DistTable *table)
{
	switch (table->partMethod)
	{
		case 'h':
			return DIST_TABLE_HASH;
		case 'a':
			return DIST_TABLE_APPEND;
		case 'r':
			return DIST_TABLE_RANGE;
		case 'n':
			if (table->replicationModel == 't')
				return DIST_TABLE_REFERENCE;
			return table->colocationId == INVALID_COLOCATION_ID ? DIST_TABLE_LOCAL :
				DIST_TABLE_SINGLE_SHARD;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("relation %u has unknown distribution method \"%c\"",
							table->relid, table->partMethod)));
	}
}

static void
load_key(DistTable *table, const char *partkey)
{
	int64		attno,
				type,
				typmod,
				collation;

	if (!catalog_partkey_field(partkey, ":varattno", &attno) ||
		!catalog_partkey_field(partkey, ":vartype", &type) ||
		!catalog_partkey_field(partkey, ":vartypmod", &typmod) ||
		!catalog_partkey_field(partkey, ":varcollid", &collation))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("distribution key of relation %u is not readable", table->relid)));
	table->keyAttno = (AttrNumber) attno;
	table->keyType = (Oid) type;
	table->keyTypmod = (int32) typmod;
	table->keyCollation = (Oid) collation;
}

/* The row of pg_dist_partition; false if there is none. */
static bool
load_partition_row(DistTable *table)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	catalog_key_oid(&key, PARTITION_RELID, table->relid);
	catalog_scan_begin(&scan, REL_PARTITION, REL_PARTITION_RELID_INDEX, 1, &key,
					   AccessShareLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isNull;
		Datum		value;

		table->partMethod =
			DatumGetChar(catalog_scan_value(&scan, tuple, PARTITION_METHOD, &isNull));
		table->colocationId =
			DatumGetInt32(catalog_scan_value(&scan, tuple, PARTITION_COLOCATION, &isNull));
		table->replicationModel =
			DatumGetChar(catalog_scan_value(&scan, tuple, PARTITION_REPMODEL, &isNull));
		value = catalog_scan_value(&scan, tuple, PARTITION_AUTOCONVERTED, &isNull);
		table->autoConverted = !isNull && DatumGetBool(value);
		table->kind = kind_of(table);

		value = catalog_scan_value(&scan, tuple, PARTITION_KEY, &isNull);
		if (!isNull && table->partMethod != 'n')
			load_key(table, TextDatumGetCString(value));
	}
	catalog_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

static int
compare_placements(const ListCell *a, const ListCell *b)
{
	PlacementId left = ((Placement *) lfirst(a))->id;
	PlacementId right = ((Placement *) lfirst(b))->id;

	return left < right ? -1 : (left > right ? 1 : 0);
}

static void
load_placements(Shard *shard)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *placements = NIL;

	catalog_key_int8(&key, PLACEMENT_SHARD, shard->id);
	catalog_scan_begin(&scan, REL_PLACEMENT, REL_PLACEMENT_SHARD_INDEX, 1, &key,
					   AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		bool		isNull;
		Placement  *placement;

		if (DatumGetInt32(catalog_scan_value(&scan, tuple, PLACEMENT_STATE, &isNull)) !=
			PLACEMENT_STATE_ACTIVE)
			continue;
		placement = palloc(sizeof(Placement));
		placement->id = DatumGetInt64(catalog_scan_value(&scan, tuple, PLACEMENT_ID, &isNull));
		placement->groupId =
			DatumGetInt32(catalog_scan_value(&scan, tuple, PLACEMENT_GROUP, &isNull));
		placements = lappend(placements, placement);
	}
	catalog_scan_end(&scan);

	list_sort(placements, compare_placements);
	shard->placements = palloc(Max(list_length(placements), 1) * sizeof(Placement));
	for (int i = 0; i < list_length(placements); i++)
		shard->placements[i] = *(Placement *) list_nth(placements, i);
	shard->nplacements = list_length(placements);
}

/* By range where there is one, by id otherwise: colocated tables have equal orders. */
static int
compare_shards(const ListCell *a, const ListCell *b)
{
	const Shard *left = lfirst(a);
	const Shard *right = lfirst(b);

	if (left->hasRange && right->hasRange && left->minToken != right->minToken)
		return left->minToken < right->minToken ? -1 : 1;
	return left->id < right->id ? -1 : (left->id > right->id ? 1 : 0);
}

static Shard *
shard_of_row(CatalogScan *scan, HeapTuple tuple, const DistTable *table)
{
	Shard	   *shard = palloc0(sizeof(Shard));
	bool		minIsNull,
				maxIsNull,
				isNull;
	Datum		min = catalog_scan_value(scan, tuple, SHARD_MIN, &minIsNull);
	Datum		max = catalog_scan_value(scan, tuple, SHARD_MAX, &maxIsNull);

	shard->id = DatumGetInt64(catalog_scan_value(scan, tuple, SHARD_ID, &isNull));
	shard->relid = table->relid;
	shard->context = GetMemoryChunkContext(shard);
	if (table->kind == DIST_TABLE_HASH && !minIsNull && !maxIsNull)
	{
		shard->hasRange = true;
		shard->minToken = pg_strtoint32(TextDatumGetCString(min));
		shard->maxToken = pg_strtoint32(TextDatumGetCString(max));
	}
	return shard;
}

static void
load_shards(DistTable *table)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *shards = NIL;

	catalog_key_oid(&key, SHARD_RELID, table->relid);
	catalog_scan_begin(&scan, REL_SHARD, REL_SHARD_RELID_INDEX, 1, &key, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
		shards = lappend(shards, shard_of_row(&scan, tuple, table));
	catalog_scan_end(&scan);

	list_sort(shards, compare_shards);
	table->nshards = list_length(shards);
	table->shards = palloc(Max(table->nshards, 1) * sizeof(Shard *));
	for (int i = 0; i < table->nshards; i++)
	{
		table->shards[i] = list_nth(shards, i);
		table->shards[i]->index = i;
		load_placements(table->shards[i]);
	}
}

/* Reads a table into the current context; NULL if it is not known. */
static DistTable *
load_table(Oid relid)
{
	DistTable  *table = palloc0(sizeof(DistTable));

	table->relid = relid;
	if (!load_partition_row(table))
		return NULL;
	load_shards(table);
	return table;
}

/* ---- the cache ---- */

static void
remember_shards(const DistTable *table)
{
	for (int i = 0; i < table->nshards; i++)
	{
		ShardHint  *hint = hash_search(shardHints, &table->shards[i]->id, HASH_ENTER, NULL);

		hint->relid = table->relid;
	}
}

static const DistTable *
load_and_remember(Oid relid)
{
	MemoryContext context = catalog_context_create("citus table");
	MemoryContext old = MemoryContextSwitchTo(context);
	uint64		before = catalog_invalidations();
	DistTable  *table;

	table = load_table(relid);
	MemoryContextSwitchTo(old);
	if (table == NULL)
	{
		MemoryContextDelete(context);
		context = NULL;
	}

	if (before == catalog_invalidations())
	{
		TableEntry *entry = hash_search(tableEntries, &relid, HASH_ENTER, NULL);

		entry->table = table;
		entry->context = context;
		if (table != NULL)
			remember_shards(table);
	}
	else
		catalog_context_retire(context);
	return table;
}

const DistTable *
catalog_table_get(Oid relid)
{
	TableEntry *entry;
	const DistTable *table;

	if (relid < FirstNormalObjectId || !base_extension_is_active())
		return NULL;
	if (tableEntries == NULL)
		create_hashes();

	entry = hash_search(tableEntries, &relid, HASH_FIND, NULL);
	table = entry != NULL ? entry->table : load_and_remember(relid);
	if (table != NULL)
		base_check_version();
	return table;
}

bool
catalog_table_has_copies(const DistTable *table)
{
	for (int i = 0; i < table->nshards; i++)
	{
		if (table->shards[i]->nplacements > 1)
			return true;
	}
	return table->kind == DIST_TABLE_REFERENCE;
}

bool
catalog_table_is_known(Oid relid)
{
	return catalog_table_get(relid) != NULL;
}

static void
forget_entry(TableEntry *entry)
{
	catalog_context_retire(entry->context);
	hash_search(tableEntries, &entry->relid, HASH_REMOVE, NULL);
}

void
catalog_tables_forget(Oid relid)
{
	if (tableEntries == NULL)
		return;
	if (OidIsValid(relid))
	{
		TableEntry *entry = hash_search(tableEntries, &relid, HASH_FIND, NULL);

		if (entry != NULL)
			forget_entry(entry);
	}
	else
	{
		HASH_SEQ_STATUS status;
		TableEntry *entry;

		hash_seq_init(&status, tableEntries);
		while ((entry = hash_seq_search(&status)) != NULL)
			forget_entry(entry);
	}
}

/* ---- shards ---- */

static const Shard *
find_shard(const DistTable *table, ShardId shardId)
{
	if (table == NULL)
		return NULL;
	for (int i = 0; i < table->nshards; i++)
	{
		if (table->shards[i]->id == shardId)
			return table->shards[i];
	}
	return NULL;
}

/* The table of a shard, from pg_dist_shard; InvalidOid if there is no such shard. */
static Oid
look_up_shard_table(ShardId shardId)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;
	bool		isNull;

	catalog_key_int8(&key, SHARD_ID, shardId);
	catalog_scan_begin(&scan, REL_SHARD, REL_SHARD_ID_INDEX, 1, &key, AccessShareLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		relid = DatumGetObjectId(catalog_scan_value(&scan, tuple, SHARD_RELID, &isNull));
	catalog_scan_end(&scan);
	return relid;
}

const Shard *
catalog_shard_get(ShardId shardId)
{
	ShardHint  *hint;

	if (!base_extension_is_active())
		return NULL;
	if (tableEntries == NULL)
		create_hashes();

	hint = hash_search(shardHints, &shardId, HASH_FIND, NULL);
	if (hint != NULL)
	{
		const Shard *shard = find_shard(catalog_table_get(hint->relid), shardId);

		if (shard != NULL)
			return shard;
	}
	return find_shard(catalog_table_get(look_up_shard_table(shardId)), shardId);
}

/* No catalog is read: has the session met the shard? */
bool
catalog_shard_is_cached(ShardId shardId)
{
	return shardHints != NULL && hash_search(shardHints, &shardId, HASH_FIND, NULL) != NULL;
}

/*
 * Whether this database has shards.  "None" is believed until the next invalidation of anything,
 * "some" for the rest of the session: too much is harmless, too little is not.
 */
bool
catalog_has_shards(void)
{
	static bool some = false;
	static uint64 noneSince = PG_UINT64_MAX;
	uint64		now = catalog_invalidations();
	CatalogScan scan;

	if (some || noneSince == now)
		return some;
	catalog_scan_begin(&scan, REL_SHARD, REL_SHARD_ID_INDEX, 0, NULL, AccessShareLock);
	some = HeapTupleIsValid(catalog_scan_next(&scan));
	catalog_scan_end(&scan);
	noneSince = now;
	return some;
}

/* ---- lists of tables ---- */

static List *
table_oids(CatalogRelation index, int nkeys, ScanKeyData *keys)
{
	CatalogScan scan;
	HeapTuple	tuple;
	List	   *oids = NIL;
	bool		isNull;

	catalog_scan_begin(&scan, REL_PARTITION, index, nkeys, keys, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
		oids = lappend_oid(oids, DatumGetObjectId(catalog_scan_value(&scan, tuple,
																	 PARTITION_RELID, &isNull)));
	catalog_scan_end(&scan);
	list_sort(oids, list_oid_cmp);
	return oids;
}

List *
catalog_table_oids(void)
{
	if (!base_extension_is_active())
		return NIL;
	return table_oids(REL_PARTITION_RELID_INDEX, 0, NULL);
}

List *
catalog_colocated_tables(ColocationId colocationId)
{
	ScanKeyData key;

	if (!base_extension_is_active())
		return NIL;
	catalog_key_int4(&key, PARTITION_COLOCATION, colocationId);
	return table_oids(REL_PARTITION_COLOCATION_INDEX, 1, &key);
}
