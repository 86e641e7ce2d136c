/*
 * tables_layout.c
 *	  ShardLayout: how many shards a table gets, in which colocation group, on which nodes.
 *
 * Invariants: (1) all tables of a colocation group have equal ranges and, index by index, equal
 * placements; (2) two sessions never make two default groups with the same properties: an advisory
 * lock is held from the search to the end of the transaction; (3) ids are drawn on the
 * coordinator only, asked for from elsewhere.
 *
 * Main path: tables_layout_choose() decides, tables_layout_record() writes to all nodes.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/routing/routing.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

#define MAX_SHARD_COUNT 64000

/* advisory locks of the extension are told from users' by this fourth field */
#define LOCK_CLASS_DEFAULT_GROUP 9

/* the group of all reference tables */
#define REFERENCE_REPLICATION_FACTOR (-1)

/* ---- groups ---- */

static void
lock_default_group(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, LOCK_CLASS_DEFAULT_GROUP);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

static bool
is_none(const char *colocateWith)
{
	return pg_strcasecmp(colocateWith, "none") == 0;
}

static bool
is_default(const char *colocateWith)
{
	return colocateWith == NULL || pg_strcasecmp(colocateWith, "default") == 0;
}

/* the coordinator's sequence is the one that counts */
static ColocationId
next_colocation_id(void)
{
	List	   *rows;

	if (catalog_is_coordinator())
		return catalog_next_colocation_id();
	rows = cluster_query(cluster_coordinator(),
						 BASE_NODE_SELECT "citus_internal.next_colocation_id()");
	return pg_strtoint32(((char **) linitial(rows))[0]);
}

static void
use_new_group(ShardLayout *layout, int shardCount, int replicationFactor, Oid keyType,
			  Oid keyCollation)
{
	layout->newGroup = true;
	layout->colocationId = next_colocation_id();
	layout->group.id = layout->colocationId;
	layout->group.shardCount = shardCount;
	layout->group.replicationFactor = replicationFactor;
	layout->group.keyType = keyType;
	layout->group.keyCollation = keyCollation;
}

/* the default group with these properties, made if there is none */
static void
use_default_group(ShardLayout *layout, int shardCount, int replicationFactor, Oid keyType,
				  Oid keyCollation)
{
	lock_default_group();
	layout->colocationId = catalog_colocation_find(shardCount, replicationFactor, keyType,
												   keyCollation);
	if (layout->colocationId == INVALID_COLOCATION_ID)
		use_new_group(layout, shardCount, replicationFactor, keyType, keyCollation);
}

/* ---- placements ---- */

static List *
groups_of_nodes(List *nodes)
{
	List	   *groups = NIL;
	ListCell   *lc;

	foreach(lc, nodes)
		groups = lappend_int(groups, ((const ClusterNode *) lfirst(lc))->groupId);
	return groups;
}

static void
allocate_shards(ShardLayout *layout, int nshards)
{
	layout->nshards = nshards;
	layout->groupIds = palloc0(sizeof(List *) * nshards);
}

/* as the shards of model lie */
static void
place_like(ShardLayout *layout, const DistTable *model)
{
	allocate_shards(layout, model->nshards);
	layout->model = model;
	for (int i = 0; i < model->nshards; i++)
	{
		for (int p = 0; p < model->shards[i]->nplacements; p++)
			layout->groupIds[i] = lappend_int(layout->groupIds[i],
											  model->shards[i]->placements[p].groupId);
	}
}

static const DistTable *
member_of_group(ColocationId colocationId)
{
	List	   *members = catalog_colocated_tables(colocationId);
	ListCell   *lc;

	foreach(lc, members)
	{
		const DistTable *member = catalog_table_get(lfirst_oid(lc));

		if (member != NULL && member->nshards > 0)
			return member;
	}
	return NULL;
}

static List *
data_node_groups(void)
{
	List	   *nodes = catalog_data_nodes();

	if (nodes == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no node may hold shards"),
				 errhint("Add a node with citus_add_node(), or set shouldhaveshards of one with "
						 "citus_set_node_property().")));
	return groups_of_nodes(nodes);
}

/* shard i on data node i mod n, further copies on the following nodes */
static void
place_round_robin(ShardLayout *layout, int nshards, int replicationFactor)
{
	List	   *groups = data_node_groups();
	int			n = list_length(groups);

	if (replicationFactor > n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("replication factor %d exceeds the number of data nodes, %d",
						replicationFactor, n),
				 errhint("Add nodes, or lower citus.shard_replication_factor.")));
	allocate_shards(layout, nshards);
	for (int i = 0; i < nshards; i++)
	{
		for (int copy = 0; copy < replicationFactor; copy++)
			layout->groupIds[i] = lappend_int(layout->groupIds[i],
											  list_nth_int(groups, (i + copy) % n));
	}
}

/* beside the group's other tables, or by the rule for new groups */
static void
place_shards(ShardLayout *layout, int nshards, int replicationFactor)
{
	const DistTable *member = layout->newGroup ? NULL : member_of_group(layout->colocationId);

	if (member != NULL)
		place_like(layout, member);
	else
		place_round_robin(layout, nshards, replicationFactor);
}

static void
place_single_shard(ShardLayout *layout)
{
	const DistTable *member = layout->newGroup ? NULL : member_of_group(layout->colocationId);
	List	   *groups;

	if (member != NULL)
	{
		place_like(layout, member);
		return;
	}
	groups = data_node_groups();
	allocate_shards(layout, 1);
	layout->groupIds[0] =
		list_make1_int(list_nth_int(groups, layout->colocationId % list_length(groups)));
}

/* ---- an explicit table to colocate with ---- */

static const DistTable *
find_model(const char *colocateWith)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(colocateWith));
	Oid			relid = RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock, false);
	const DistTable *model = catalog_table_get(relid);

	if (model == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" is not distributed", colocateWith)));
	tables_require_owner(relid);
	return model;
}

static void
refuse_model(const DistTable *model, int sqlstate, const char *detail)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("cannot colocate with table \"%s\"", get_rel_name(model->relid)),
			 errdetail_internal("%s", detail)));
}

static void
use_group_of_table(ShardLayout *layout, const TableSpec *spec, Oid keyType, Oid keyCollation)
{
	const DistTable *model = find_model(spec->colocateWith);

	switch (model->kind)
	{
		case DIST_TABLE_APPEND:
		case DIST_TABLE_RANGE:
			refuse_model(model, ERRCODE_FEATURE_NOT_SUPPORTED,
						 "It is distributed by append or range.");
			break;
		case DIST_TABLE_LOCAL:
			refuse_model(model, ERRCODE_FEATURE_NOT_SUPPORTED, "It is a local table.");
			break;
		case DIST_TABLE_REFERENCE:
			refuse_model(model, ERRCODE_WRONG_OBJECT_TYPE, "It is a reference table.");
			break;
		default:
			break;
	}
	if (catalog_schema_colocation(get_rel_namespace(model->relid)) != INVALID_COLOCATION_ID)
		refuse_model(model, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 "It belongs to a distributed schema.");
	if (model->kind != spec->kind)
		refuse_model(model, ERRCODE_INVALID_TABLE_DEFINITION,
					 "One of the tables has a distribution column, the other has none.");
	if (model->keyAttno != InvalidAttrNumber && model->keyType != keyType)
		refuse_model(model, ERRCODE_DATATYPE_MISMATCH,
					 "The distribution columns have different types.");
	if (model->keyAttno != InvalidAttrNumber && model->keyCollation != keyCollation)
		refuse_model(model, ERRCODE_COLLATION_MISMATCH,
					 "The distribution columns have different collations.");

	layout->colocationId = model->colocationId;
	layout->replicationModel = model->replicationModel;
	place_like(layout, model);
}

/* ---- one function a kind ---- */

static void
check_shard_count(const TableSpec *spec)
{
	if (spec->shardCount == 0)
		return;
	if (spec->kind == DIST_TABLE_SINGLE_SHARD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot choose a shard count for a table without a distribution column")));
	if (!is_default(spec->colocateWith) && !is_none(spec->colocateWith))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot choose a shard count when colocating with another table"),
				 errhint("The shard count is that of the other table.")));
	if (spec->shardCount < 1 || spec->shardCount > MAX_SHARD_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shard count must be between 1 and %d", MAX_SHARD_COUNT)));
}

static int
replication_factor(const TableSpec *spec)
{
	return spec->replicationFactor ? spec->replicationFactor : tables_shard_replication_factor;
}

static void
lay_out_hash(ShardLayout *layout, const TableSpec *spec)
{
	int			shardCount = spec->shardCount ? spec->shardCount : tables_shard_count;
	int			factor = replication_factor(spec);
	Oid			keyType;
	int32		keyTypmod;
	Oid			keyCollation;

	get_atttypetypmodcoll(spec->relid, layout->keyAttno, &keyType, &keyTypmod, &keyCollation);
	layout->partMethod = 'h';
	layout->replicationModel = factor > 1 ? 'c' : 's';
	if (!is_default(spec->colocateWith) && !is_none(spec->colocateWith))
	{
		use_group_of_table(layout, spec, keyType, keyCollation);
		return;
	}
	if (is_none(spec->colocateWith ? spec->colocateWith : "default"))
		use_new_group(layout, shardCount, factor, keyType, keyCollation);
	else
		use_default_group(layout, shardCount, factor, keyType, keyCollation);
	place_shards(layout, shardCount, factor);
}

static void
lay_out_single_shard(ShardLayout *layout, const TableSpec *spec)
{
	layout->partMethod = 'n';
	layout->replicationModel = 's';
	if (replication_factor(spec) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot replicate a table without a distribution column"),
				 errhint("Set citus.shard_replication_factor to 1.")));
	if (!is_default(spec->colocateWith) && !is_none(spec->colocateWith))
	{
		use_group_of_table(layout, spec, InvalidOid, InvalidOid);
		return;
	}
	if (is_none(spec->colocateWith ? spec->colocateWith : "default"))
		use_new_group(layout, 1, 1, InvalidOid, InvalidOid);
	else
		use_default_group(layout, 1, 1, InvalidOid, InvalidOid);
	place_single_shard(layout);
}

static void
lay_out_reference(ShardLayout *layout)
{
	List	   *nodes = catalog_active_primaries();

	layout->partMethod = 'n';
	layout->replicationModel = 't';
	if (nodes == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no active node may hold the reference table")));
	use_default_group(layout, 1, REFERENCE_REPLICATION_FACTOR, InvalidOid, InvalidOid);
	allocate_shards(layout, 1);
	layout->groupIds[0] = groups_of_nodes(nodes);
}

static void
lay_out_local(ShardLayout *layout)
{
	if (catalog_node_of_group(COORDINATOR_GROUP_ID) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot add a local table because the coordinator is not in the metadata"),
				 errhint("Call citus_set_coordinator_host() first.")));
	layout->partMethod = 'n';
	layout->replicationModel = 's';
	allocate_shards(layout, 1);
	layout->groupIds[0] = list_make1_int(COORDINATOR_GROUP_ID);
}

ShardLayout *
tables_layout_choose(const TableSpec *spec, AttrNumber keyAttno)
{
	ShardLayout *layout = palloc0(sizeof(ShardLayout));

	layout->keyAttno = keyAttno;
	check_shard_count(spec);
	switch (spec->kind)
	{
		case DIST_TABLE_HASH:
			lay_out_hash(layout, spec);
			break;
		case DIST_TABLE_SINGLE_SHARD:
			lay_out_single_shard(layout, spec);
			break;
		case DIST_TABLE_REFERENCE:
			lay_out_reference(layout);
			break;
		case DIST_TABLE_LOCAL:
			lay_out_local(layout);
			break;
		case DIST_TABLE_APPEND:
			layout->partMethod = 'a';
			layout->replicationModel = 'c';
			break;
		case DIST_TABLE_RANGE:
			layout->partMethod = 'r';
			layout->replicationModel = 'c';
			break;
	}
	return layout;
}

ShardLayout *
tables_layout_like(const DistTable *model, AttrNumber keyAttno)
{
	ShardLayout *layout = palloc0(sizeof(ShardLayout));

	layout->partMethod = model->partMethod;
	layout->replicationModel = model->replicationModel;
	layout->keyAttno = keyAttno;
	layout->colocationId = model->colocationId;
	place_like(layout, model);
	return layout;
}

/* ---- recording ---- */

/* n new ids of the coordinator, List of int64 * */
static List *
draw_ids(int n, int64 (*next) (void), const char *function)
{
	List	   *ids = NIL;
	ListCell   *lc;

	if (catalog_is_coordinator())
	{
		for (int i = 0; i < n; i++)
		{
			int64	   *id = palloc(sizeof(int64));

			*id = next();
			ids = lappend(ids, id);
		}
		return ids;
	}
	if (n == 0)
		return NIL;
	foreach(lc, cluster_query(cluster_coordinator(),
							  psprintf("SELECT %s FROM pg_catalog.generate_series(1, %d)",
									   function, n)))
	{
		int64	   *id = palloc(sizeof(int64));

		*id = strtoi64(((char **) lfirst(lc))[0], NULL, 10);
		ids = lappend(ids, id);
	}
	return ids;
}

static int64
next_of(List **ids)
{
	int64		id = *(int64 *) linitial(*ids);

	*ids = list_delete_first(*ids);
	return id;
}

static bool
is_placed_on(const Shard *shard, List *groupIds)
{
	if (shard->nplacements != list_length(groupIds))
		return false;
	for (int i = 0; i < shard->nplacements; i++)
	{
		if (!list_member_int(groupIds, shard->placements[i].groupId))
			return false;
	}
	return true;
}

/*
 * For each shard of layout the former one, on the same nodes, whose ids it takes over, or NULL.
 * Whoever looks for a shard on a node that has not committed yet finds the former one there, which
 * is locked, and waits; one with a new id would not exist for him.
 */
static const Shard **
match_former(const ShardLayout *layout, const DistTable *former)
{
	const Shard **match = palloc0(sizeof(Shard *) * Max(layout->nshards, 1));
	bool	   *taken = former == NULL ? NULL : palloc0(sizeof(bool) * Max(former->nshards, 1));

	for (int i = 0; former != NULL && i < layout->nshards; i++)
	{
		/* the one of the same index, if possible */
		for (int n = 0; match[i] == NULL && n < former->nshards; n++)
		{
			int			candidate = (i + n) % former->nshards;

			if (taken[candidate] ||
				!is_placed_on(former->shards[candidate], layout->groupIds[i]))
				continue;
			match[i] = former->shards[candidate];
			taken[candidate] = true;
		}
	}
	return match;
}

/* Ids: those that are new, in the order of the shards */
typedef struct Ids
{
	List	   *shards;			/* of int64 * */
	List	   *placements;
} Ids;

static void
draw_new_ids(Ids *ids, const ShardLayout *layout, const Shard **match)
{
	int			nshards = 0;
	int			nplacements = 0;

	for (int i = 0; i < layout->nshards; i++)
	{
		if (match[i] != NULL)
			continue;
		nshards++;
		nplacements += list_length(layout->groupIds[i]);
	}
	ids->shards = draw_ids(nshards, catalog_next_shard_id, "pg_catalog.master_get_new_shardid()");
	ids->placements = draw_ids(nplacements, catalog_next_placement_id,
							   "pg_catalog.master_get_new_placementid()");
}

static void
record_shard(MetadataDelta *delta, Oid relid, const ShardLayout *layout, int index,
			 const Shard *former, Ids *ids)
{
	bool		hasRange = layout->partMethod == 'h';
	ShardId		shardId = former != NULL ? former->id : next_of(&ids->shards);
	int32		minToken = 0;
	int32		maxToken = 0;
	ListCell   *lc;

	if (hasRange && layout->model != NULL)
	{
		minToken = layout->model->shards[index]->minToken;
		maxToken = layout->model->shards[index]->maxToken;
	}
	else if (hasRange)
		routing_shard_range(index, layout->nshards, &minToken, &maxToken);
	cluster_delta_add_shard(delta, relid, shardId, hasRange, minToken, maxToken);
	for (int p = 0; former != NULL && p < former->nplacements; p++)
		cluster_delta_add_placement(delta, shardId, former->placements[p].id,
									former->placements[p].groupId);
	if (former != NULL)
		return;
	foreach(lc, layout->groupIds[index])
		cluster_delta_add_placement(delta, shardId, next_of(&ids->placements), lfirst_int(lc));
}

void
tables_layout_record(Oid relid, const ShardLayout *layout, bool autoConverted,
					 const DistTable *former)
{
	MetadataDelta *delta = cluster_delta_begin();
	const Shard **match = match_former(layout, former);
	Ids			ids;
	ObjectAddress address;

	draw_new_ids(&ids, layout, match);
	if (layout->newGroup)
		cluster_delta_add_colocation(delta, &layout->group);
	cluster_delta_add_table(delta, relid, layout->partMethod, layout->keyAttno,
							layout->colocationId, layout->replicationModel);
	for (int i = 0; i < layout->nshards; i++)
		record_shard(delta, relid, layout, i, match[i], &ids);
	ObjectAddressSet(address, RelationRelationId, relid);
	cluster_delta_add_object(delta, &address);
	cluster_delta_apply(delta);
	if (autoConverted)
		tables_set_auto_converted(relid, true);
}

void
tables_colocation_drop_if_empty(ColocationId colocationId)
{
	MetadataDelta *delta;

	if (colocationId == INVALID_COLOCATION_ID || catalog_colocation_get(colocationId) == NULL ||
		catalog_colocated_tables(colocationId) != NIL)
		return;
	delta = cluster_delta_begin();
	cluster_delta_drop_colocation(delta, colocationId);
	cluster_delta_apply(delta);
}
