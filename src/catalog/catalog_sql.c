/*
 * catalog_sql.c
 *	  SQL-callable functions over the metadata of this node.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "catalog/catalog_internal.h"

PG_FUNCTION_INFO_V1(citus_dist_partition_cache_invalidate);
PG_FUNCTION_INFO_V1(citus_dist_shard_cache_invalidate);
PG_FUNCTION_INFO_V1(citus_dist_placement_cache_invalidate);
PG_FUNCTION_INFO_V1(citus_dist_node_cache_invalidate);
PG_FUNCTION_INFO_V1(citus_dist_local_group_cache_invalidate);
PG_FUNCTION_INFO_V1(citus_dist_object_cache_invalidate);
PG_FUNCTION_INFO_V1(citus_conninfo_cache_invalidate);
PG_FUNCTION_INFO_V1(authinfo_valid);
PG_FUNCTION_INFO_V1(poolinfo_valid);
PG_FUNCTION_INFO_V1(role_exists);
PG_FUNCTION_INFO_V1(citus_is_coordinator);
PG_FUNCTION_INFO_V1(citus_coordinator_nodeid);
PG_FUNCTION_INFO_V1(citus_is_primary_node);
PG_FUNCTION_INFO_V1(citus_nodename_for_nodeid);
PG_FUNCTION_INFO_V1(citus_nodeport_for_nodeid);
PG_FUNCTION_INFO_V1(get_nodeid_for_groupid);
PG_FUNCTION_INFO_V1(citus_get_active_worker_nodes);
PG_FUNCTION_INFO_V1(column_to_column_name);
PG_FUNCTION_INFO_V1(column_name_to_column);
PG_FUNCTION_INFO_V1(shard_name);
PG_FUNCTION_INFO_V1(relation_is_a_known_shard);
PG_FUNCTION_INFO_V1(citus_table_is_visible);
PG_FUNCTION_INFO_V1(citus_internal_relation_is_visible);
PG_FUNCTION_INFO_V1(distributed_tables_colocated);
PG_FUNCTION_INFO_V1(get_colocated_table_array);
PG_FUNCTION_INFO_V1(get_colocated_shard_array);

/* ---- triggers that invalidate caches ---- */

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	return (TriggerData *) fcinfo->context;
}

static Oid
oid_of_row(TriggerData *trigger, HeapTuple tuple, int attno)
{
	bool		isNull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(trigger->tg_relation),
									 &isNull);

	return isNull ? InvalidOid : DatumGetObjectId(value);
}

static void
invalidate_if_known(Oid relid)
{
	if (OidIsValid(relid))
		catalog_invalidate(relid);
}

/* Both pg_dist_partition and pg_dist_shard name the table in their first column. */
static Datum
invalidate_table_of_row(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = trigger_data(fcinfo);

	StaticAssertStmt(PARTITION_RELID == SHARD_RELID, "one function serves both");
	invalidate_if_known(oid_of_row(trigger, trigger->tg_trigtuple, PARTITION_RELID));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		invalidate_if_known(oid_of_row(trigger, trigger->tg_newtuple, PARTITION_RELID));
	return PointerGetDatum(NULL);
}

/* What is cached from this table as a whole. */
static Datum
invalidate_own_table(FunctionCallInfo fcinfo)
{
	catalog_invalidate(RelationGetRelid(trigger_data(fcinfo)->tg_relation));
	return PointerGetDatum(NULL);
}

Datum
citus_dist_partition_cache_invalidate(PG_FUNCTION_ARGS)
{
	return invalidate_table_of_row(fcinfo);
}

Datum
citus_dist_shard_cache_invalidate(PG_FUNCTION_ARGS)
{
	return invalidate_table_of_row(fcinfo);
}

static void
invalidate_placement(TriggerData *trigger, HeapTuple tuple)
{
	bool		isNull;
	Datum		shardId = heap_getattr(tuple, PLACEMENT_SHARD,
									   RelationGetDescr(trigger->tg_relation), &isNull);
	const Shard *shard = isNull ? NULL : catalog_shard_get(DatumGetInt64(shardId));

	if (shard != NULL)
		catalog_invalidate(shard->relid);
}

Datum
citus_dist_placement_cache_invalidate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);

	invalidate_placement(trigger, trigger->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		invalidate_placement(trigger, trigger->tg_newtuple);
	return PointerGetDatum(NULL);
}

Datum
citus_dist_node_cache_invalidate(PG_FUNCTION_ARGS)
{
	return invalidate_own_table(fcinfo);
}

Datum
citus_dist_local_group_cache_invalidate(PG_FUNCTION_ARGS)
{
	return invalidate_own_table(fcinfo);
}

Datum
citus_dist_object_cache_invalidate(PG_FUNCTION_ARGS)
{
	return invalidate_own_table(fcinfo);
}

Datum
citus_conninfo_cache_invalidate(PG_FUNCTION_ARGS)
{
	return invalidate_own_table(fcinfo);
}

/* ---- constraints of pg_dist_authinfo and pg_dist_poolinfo ---- */

Datum
authinfo_valid(PG_FUNCTION_ARGS)
{
	static const char *const allowed[] = {"password", "sslcert", "sslkey", NULL};

	PG_RETURN_BOOL(catalog_conninfo_is_valid(text_to_cstring(PG_GETARG_TEXT_PP(0)), allowed));
}

Datum
poolinfo_valid(PG_FUNCTION_ARGS)
{
	static const char *const allowed[] = {"host", "port", "dbname", NULL};

	PG_RETURN_BOOL(catalog_conninfo_is_valid(text_to_cstring(PG_GETARG_TEXT_PP(0)), allowed));
}

Datum
role_exists(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(OidIsValid(get_role_oid(NameStr(*PG_GETARG_NAME(0)), true)));
}

/* ---- nodes ---- */

/* True where metadata says so, too: a server of its own is its own coordinator. */
Datum
citus_is_coordinator(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(catalog_is_coordinator());
}

Datum
citus_coordinator_nodeid(PG_FUNCTION_ARGS)
{
	const ClusterNode *node = catalog_node_of_group(COORDINATOR_GROUP_ID);

	PG_RETURN_INT32(node == NULL ? 0 : node->id);
}

Datum
citus_is_primary_node(PG_FUNCTION_ARGS)
{
	const ClusterNode *node = catalog_node_by_id(catalog_local_node_id());

	if (node == NULL)
	{
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this node is not in the metadata")));
		PG_RETURN_NULL();
	}
	PG_RETURN_BOOL(node->role == 'p');
}

Datum
citus_nodename_for_nodeid(PG_FUNCTION_ARGS)
{
	const ClusterNode *node = catalog_node_by_id(PG_GETARG_INT32(0));

	if (node == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(node->name));
}

Datum
citus_nodeport_for_nodeid(PG_FUNCTION_ARGS)
{
	const ClusterNode *node = catalog_node_by_id(PG_GETARG_INT32(0));

	if (node == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(node->port);
}

Datum
get_nodeid_for_groupid(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	foreach(cell, catalog_nodes())
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId == PG_GETARG_INT32(0) && node->role == 'p')
			PG_RETURN_INT32(node->id);
	}
	PG_RETURN_NULL();
}

Datum
citus_get_active_worker_nodes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(cell);
		Datum		values[2];
		bool		isNull[2] = {false, false};

		if (node->groupId == COORDINATOR_GROUP_ID)
			continue;
		values[0] = CStringGetTextDatum(node->name);
		values[1] = Int64GetDatum(node->port);
		tuplestore_putvalues(result->setResult, result->setDesc, values, isNull);
	}
	return (Datum) 0;
}

/* ---- columns ---- */

static bool
relation_exists(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

/* NULL for a relation that has been dropped since the views that call this saw it. */
Datum
column_to_column_name(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int64		attno;
	char	   *name;

	if (!relation_exists(relid))
		PG_RETURN_NULL();
	if (!catalog_partkey_field(text_to_cstring(PG_GETARG_TEXT_PP(1)), ":varattno", &attno))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a column")));
	if (attno == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("not a single column"),
				 errdetail("The reference is to a whole row.")));
	name = attno < PG_INT16_MIN || attno > PG_INT16_MAX ? NULL :
		get_attname(relid, (AttrNumber) attno, true);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column number " INT64_FORMAT " of relation \"%s\" does not exist",
						attno, get_rel_name(relid))));
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

Datum
column_name_to_column(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	AttrNumber	attno = get_attnum(relid, name);

	if (!relation_exists(relid))
		PG_RETURN_NULL();
	if (attno == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, get_rel_name(relid))));
	if (attno < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("cannot reference system column \"%s\"", name)));
	PG_RETURN_TEXT_P(cstring_to_text(catalog_partkey_text(relid, attno)));
}

/* ---- shards ---- */

/* NULL for a relation that has been dropped, as above */
Datum
shard_name(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int64		shardId = PG_GETARG_INT64(1);
	bool		skipPublic = PG_GETARG_BOOL(2);
	char	   *name = get_rel_name(relid);
	char	   *schema;

	if (name == NULL)
		PG_RETURN_NULL();
	if (shardId <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shard id must be greater than zero")));

	name = catalog_extend_name(name, shardId);
	schema = get_namespace_name(get_rel_namespace(relid));
	if (schema == NULL)
		PG_RETURN_NULL();
	if (skipPublic && strcmp(schema, "public") == 0)
		schema = NULL;
	PG_RETURN_TEXT_P(cstring_to_text(quote_qualified_identifier(schema, name)));
}

Datum
relation_is_a_known_shard(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(catalog_relation_is_shard(PG_GETARG_OID(0), NULL, NULL));
}

Datum
citus_table_is_visible(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	if (!relation_exists(relid))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(RelationIsVisible(relid) &&
				   !catalog_relation_is_shard(relid, NULL, NULL));
}

Datum
citus_internal_relation_is_visible(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!catalog_relation_is_shard(PG_GETARG_OID(0), NULL, NULL));
}

/* ---- colocation ---- */

static const DistTable *
known_table(Oid relid)
{
	const DistTable *table = catalog_table_get(relid);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("relation \"%s\" is not distributed", catalog_relation_name(relid))));
	return table;
}

/* Oids of the group that table is in; a table without a group is alone. */
static List *
group_members(const DistTable *table)
{
	if (table->colocationId == INVALID_COLOCATION_ID)
		return list_make1_oid(table->relid);
	return catalog_colocated_tables(table->colocationId);
}

Datum
distributed_tables_colocated(PG_FUNCTION_ARGS)
{
	const DistTable *left;
	const DistTable *right;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	left = known_table(PG_GETARG_OID(0));
	right = known_table(PG_GETARG_OID(1));
	PG_RETURN_BOOL(left->relid == right->relid ||
				   (left->colocationId != INVALID_COLOCATION_ID &&
					left->colocationId == right->colocationId));
}

Datum
get_colocated_table_array(PG_FUNCTION_ARGS)
{
	List	   *members = group_members(known_table(PG_GETARG_OID(0)));
	Datum	   *values = palloc(list_length(members) * sizeof(Datum));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, members)
		values[n++] = ObjectIdGetDatum(lfirst_oid(cell));
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, REGCLASSOID, sizeof(Oid), true,
										  TYPALIGN_INT));
}

static int
compare_int64(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : (left > right ? 1 : 0);
}

Datum
get_colocated_shard_array(PG_FUNCTION_ARGS)
{
	const Shard *shard = catalog_shard_get(PG_GETARG_INT64(0));
	List	   *members;
	int64	   *ids;
	Datum	   *values;
	int			n = 0;
	ListCell   *cell;

	if (shard == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("shard " INT64_FORMAT " does not exist", PG_GETARG_INT64(0))));

	members = group_members(known_table(shard->relid));
	ids = palloc(list_length(members) * sizeof(int64));
	foreach(cell, members)
	{
		const DistTable *table = catalog_table_get(lfirst_oid(cell));

		if (table != NULL && shard->index < table->nshards)
			ids[n++] = table->shards[shard->index]->id;
	}
	qsort(ids, n, sizeof(int64), compare_int64);
	values = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(ids[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}
