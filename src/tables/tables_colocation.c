/*
 * tables_colocation.c
 *	  Regrouping of tables that lie alike already, and other changes to their metadata row alone.
 *
 * Main path: tables_update_colocation().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

static Oid
relation_of_text(const char *name)
{
	RangeVar   *relation =
		makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));

	return RangeVarGetRelid(relation, NoLock, false);
}

/* ---- rows, here and on the other nodes ---- */

static void
set_colocation(Oid relid, ColocationId colocationId)
{
	char	   *name = quote_literal_cstr(catalog_qualified_name(relid));
	char	   *sql = psprintf(BASE_NODE_SELECT "citus_internal.set_table_colocation(%s, %d)",
							   name, colocationId);

	catalog_table_set_colocation(relid, colocationId);
	CommandCounterIncrement();
	cluster_run_on_others(list_make1(sql));
}

PG_FUNCTION_INFO_V1(citus_internal_set_table_colocation);

Datum
citus_internal_set_table_colocation(PG_FUNCTION_ARGS)
{
	Oid			relid;

	base_require_node_command(fcinfo);
	relid = relation_of_text(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	tables_require_owner(relid);
	catalog_table_set_colocation(relid, PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

void
tables_set_auto_converted(Oid relid, bool autoConverted)
{
	char	   *name = quote_literal_cstr(catalog_qualified_name(relid));
	char	   *sql = psprintf(BASE_NODE_SELECT "citus_internal.set_table_auto_converted(%s, %s)",
							   name, autoConverted ? "true" : "false");

	catalog_table_set_auto_converted(relid, autoConverted);
	CommandCounterIncrement();
	cluster_run_on_others(list_make1(sql));
}

PG_FUNCTION_INFO_V1(citus_internal_set_table_auto_converted);

Datum
citus_internal_set_table_auto_converted(PG_FUNCTION_ARGS)
{
	Oid			relid;

	base_require_node_command(fcinfo);
	relid = relation_of_text(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	tables_require_owner(relid);
	catalog_table_set_auto_converted(relid, PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

/* ---- regrouping ---- */

static void
refuse(Oid relid, const char *colocateWith, int sqlstate, const char *detail)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("cannot colocate table \"%s\" with \"%s\"", get_rel_name(relid),
					colocateWith),
			 errdetail_internal("%s", detail)));
}

static const DistTable *
check_table(Oid relid, const char *colocateWith)
{
	const DistTable *table = catalog_table_get(relid);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("relation \"%s\" is not distributed", catalog_relation_name(relid))));
	tables_require_owner(relid);
	if (table->kind != DIST_TABLE_HASH && table->kind != DIST_TABLE_SINGLE_SHARD)
		refuse(relid, colocateWith, ERRCODE_FEATURE_NOT_SUPPORTED,
			   "Only hash-distributed and single-shard tables can be regrouped.");
	if (catalog_schema_colocation(get_rel_namespace(relid)) != INVALID_COLOCATION_ID)
		refuse(relid, colocateWith, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   "The table belongs to a distributed schema.");
	return table;
}

static bool
same_placements(const Shard *one, const Shard *other)
{
	if (one->nplacements != other->nplacements)
		return false;
	for (int i = 0; i < one->nplacements; i++)
	{
		bool		found = false;

		for (int j = 0; j < other->nplacements; j++)
			found = found || one->placements[i].groupId == other->placements[j].groupId;
		if (!found)
			return false;
	}
	return true;
}

/* NULL, or what is different */
static const char *
difference(const DistTable *one, const DistTable *other)
{
	if (one->kind != other->kind || one->replicationModel != other->replicationModel)
		return "They are distributed in different ways.";
	if (one->keyType != other->keyType)
		return "Their distribution columns have different types.";
	if (one->keyCollation != other->keyCollation)
		return "Their distribution columns have different collations.";
	if (one->nshards != other->nshards)
		return "They have different numbers of shards.";
	for (int i = 0; i < one->nshards; i++)
	{
		const Shard *a = one->shards[i];
		const Shard *b = other->shards[i];

		if (a->hasRange != b->hasRange ||
			(a->hasRange && (a->minToken != b->minToken || a->maxToken != b->maxToken)))
			return "Their shards have different ranges.";
		if (!same_placements(a, b))
			return "Their shards are on different nodes.";
	}
	return NULL;
}

/* a new group with the properties of the table's present one */
static ColocationId
make_group_like(ColocationId colocationId)
{
	const ColocationGroup *present = catalog_colocation_get(colocationId);
	ColocationGroup group = *present;
	MetadataDelta *delta = cluster_delta_begin();

	group.id = catalog_next_colocation_id();
	cluster_delta_add_colocation(delta, &group);
	cluster_delta_apply(delta);
	return group.id;
}

void
tables_update_colocation(Oid relid, const char *colocateWith)
{
	const DistTable *table = check_table(relid, colocateWith);
	ColocationId oldGroup = table->colocationId;
	ColocationId newGroup;
	ListCell   *lc;

	cluster_require_coordinator();
	if (pg_strcasecmp(colocateWith, "default") == 0)
		refuse(relid, colocateWith, ERRCODE_INVALID_PARAMETER_VALUE,
			   "A default group cannot be asked for here.");
	cluster_lock_node_list(false);
	LockRelationOid(relid, ExclusiveLock);

	if (pg_strcasecmp(colocateWith, "none") == 0)
		newGroup = make_group_like(oldGroup);
	else
	{
		const DistTable *other = check_table(relation_of_text(colocateWith), colocateWith);
		const char *reason = difference(table, other);

		if (reason != NULL)
			refuse(relid, colocateWith, ERRCODE_INVALID_TABLE_DEFINITION, reason);
		newGroup = other->colocationId;
	}
	if (newGroup == oldGroup)
		return;
	foreach(lc, tables_family(relid))
		set_colocation(lfirst_oid(lc), newGroup);
	tables_colocation_drop_if_empty(oldGroup);
}
