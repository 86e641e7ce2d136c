/*
 * cache.c
 *	  When cached metadata is forgotten, and when its memory is freed.
 *
 * Owns the relcache callback and the memory contexts of cached entries.
 *
 * Invariants
 *	  1. A change of a table's rows in pg_dist_partition, _shard or _placement sends a relcache
 *		 invalidation of the table; a change of nodes, groups or schemas sends one of the metadata
 *		 table itself.  The server delivers them as it does its own, also after an abort.
 *	  2. A superseded entry is moved below retiredContext, not freed: callers may still look at
 *		 it.  It is freed when the top transaction ends.
 *	  3. What was read while an invalidation arrived is handed out, but not kept.
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/memutils.h"

#include "catalog/catalog_internal.h"
#include "citus/base/lifecycle.h"

static MemoryContext liveContext = NULL;
static MemoryContext retiredContext = NULL;
static uint64 invalidationCount = 0;

MemoryContext
catalog_context_create(const char *name)
{
	if (liveContext == NULL)
	{
		liveContext = AllocSetContextCreate(TopMemoryContext, "citus catalog",
											ALLOCSET_SMALL_SIZES);
		retiredContext = AllocSetContextCreate(TopMemoryContext, "citus retired catalog",
											   ALLOCSET_SMALL_SIZES);
	}
	return AllocSetContextCreateInternal(liveContext, name, ALLOCSET_SMALL_SIZES);
}

void
catalog_context_retire(MemoryContext context)
{
	if (context != NULL)
		MemoryContextSetParent(context, retiredContext);
}

uint64
catalog_invalidations(void)
{
	return invalidationCount;
}

void
catalog_cache_reset(void)
{
	invalidationCount++;
	catalog_relations_forget();
	catalog_tables_forget(InvalidOid);
	catalog_nodes_forget();
	catalog_colocations_forget();
}

/*
 * An oid of ours is forgotten only together with what was cached from that relation: with the oid
 * unknown, its invalidations would not be recognised.
 */
static void
on_relcache_invalidation(Datum arg, Oid relid)
{
	invalidationCount++;
	if (!OidIsValid(relid) || catalog_relation_is(REL_PARTITION, relid) ||
		catalog_relation_is(REL_SHARD, relid) || catalog_relation_is(REL_PLACEMENT, relid))
	{
		catalog_cache_reset();
		return;
	}

	if (catalog_relation_is(REL_NODE, relid) || catalog_relation_is(REL_LOCAL_GROUP, relid))
		catalog_nodes_forget();
	else if (catalog_relation_is(REL_COLOCATION, relid))
		catalog_colocations_forget();

	if (!catalog_relation_forget(relid))
		catalog_tables_forget(relid);
}

static void
free_retired(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	switch (event)
	{
		case LIFECYCLE_COMMIT:
		case LIFECYCLE_ABORT:
		case LIFECYCLE_PREPARE:
			if (retiredContext != NULL)
				MemoryContextDeleteChildren(retiredContext);
			break;
		default:
			break;
	}
}

void
catalog_init(void)
{
	catalog_visibility_start();
	catalog_ids_start();
	catalog_naming_start();
	CacheRegisterRelcacheCallback(on_relcache_invalidation, (Datum) 0);
	base_lifecycle_register(PHASE_CATALOG, free_retired);
}
