/*
 * tables_partition_names.c
 *	  Names of indexes that partitions of a shard got from their parent.
 *
 * When an index is made on a partitioned table, the server makes one on each partition and names
 * it after that.  On shards these names come from the shards' names, and differ from the name on
 * the partition's shell with the shard's id, under which later statements will look for it.
 *
 * Invariant: shells have been altered first; their names are the model.
 *
 * Main path: tables_repair_partition_names(), after each statement on a partitioned shard.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "citus/catalog/catalog.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

static List *
indexes_of(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	List	   *indexes = list_copy(RelationGetIndexList(rel));

	relation_close(rel, AccessShareLock);
	return indexes;
}

/* the index of relid that is the partition of parentIndex; InvalidOid if there is none */
static Oid
index_attached_to(Oid relid, Oid parentIndex)
{
	ListCell   *lc;

	foreach(lc, indexes_of(relid))
	{
		Oid			index = lfirst_oid(lc);

		if (get_rel_relispartition(index) && get_partition_parent(index, true) == parentIndex)
			return index;
	}
	return InvalidOid;
}

static Oid
relation_of_shard(const Shard *shard)
{
	return get_relname_relid(catalog_shard_relname(shard), get_rel_namespace(shard->relid));
}

/* model: the index on the partition's shell; index: the same on its shard */
static void
name_after(Oid index, Oid model, const Shard *shard)
{
	char	   *name = catalog_extend_name(get_rel_name(model), shard->id);

	if (strcmp(get_rel_name(index), name) == 0)
		return;
	/* renames the constraint behind the index, too */
	RenameRelationInternal(index, name, false, true);
	CommandCounterIncrement();
}

static void
repair_partition(const Shard *parentShard, Oid partition)
{
	const DistTable *table = catalog_table_get(partition);
	Oid			parentRelation = relation_of_shard(parentShard);
	const Shard *shard;
	Oid			relation;
	ListCell   *lc;

	if (table == NULL || parentShard->index >= table->nshards)
		return;
	shard = table->shards[parentShard->index];
	relation = relation_of_shard(shard);
	if (!OidIsValid(relation) || !OidIsValid(parentRelation))
		return;
	foreach(lc, indexes_of(parentShard->relid))
	{
		Oid			shellIndex = lfirst_oid(lc);
		Oid			model = index_attached_to(partition, shellIndex);
		char	   *name = catalog_extend_name(get_rel_name(shellIndex), parentShard->id);
		Oid			shardIndex = get_relname_relid(name, get_rel_namespace(parentRelation));
		Oid			index = OidIsValid(shardIndex) ? index_attached_to(relation, shardIndex) :
			InvalidOid;

		if (OidIsValid(model) && OidIsValid(index))
			name_after(index, model, shard);
	}
	tables_repair_partition_names(shard);
}

void
tables_repair_partition_names(const Shard *shard)
{
	ListCell   *lc;

	if (get_rel_relkind(shard->relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(lc, find_inheritance_children(shard->relid, NoLock))
		repair_partition(shard, lfirst_oid(lc));
}
