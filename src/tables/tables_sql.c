/*
 * tables_sql.c
 *	  SQL functions over tables: arguments, one call, result.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

PG_FUNCTION_INFO_V1(create_distributed_table);
PG_FUNCTION_INFO_V1(create_reference_table);
PG_FUNCTION_INFO_V1(undistribute_table);
PG_FUNCTION_INFO_V1(citus_add_local_table_to_metadata);
PG_FUNCTION_INFO_V1(remove_local_tables_from_metadata);
PG_FUNCTION_INFO_V1(truncate_local_data_after_distributing_table);
PG_FUNCTION_INFO_V1(alter_distributed_table);
PG_FUNCTION_INFO_V1(update_distributed_table_colocation);
PG_FUNCTION_INFO_V1(citus_drop_all_shards);
PG_FUNCTION_INFO_V1(master_get_new_shardid);
PG_FUNCTION_INFO_V1(master_get_new_placementid);
PG_FUNCTION_INFO_V1(citus_internal_next_colocation_id);
PG_FUNCTION_INFO_V1(citus_internal_set_watches);
PG_FUNCTION_INFO_V1(citus_internal_take_off_local_keys);
PG_FUNCTION_INFO_V1(citus_internal_put_back_local_key);
PG_FUNCTION_INFO_V1(citus_internal_local_key_watches);

/* the label of an enum value */
static char *
enum_label(Oid value)
{
	return DatumGetCString(OidFunctionCall1(F_ENUM_OUT, ObjectIdGetDatum(value)));
}

static DistTableKind
kind_of_method(const char *method, bool hasKey)
{
	if (!hasKey)
		return DIST_TABLE_SINGLE_SHARD;
	if (strcmp(method, "append") == 0)
		return DIST_TABLE_APPEND;
	if (strcmp(method, "range") == 0)
		return DIST_TABLE_RANGE;
	return DIST_TABLE_HASH;
}

/* create_distributed_table(regclass, text, citus.distribution_type, text, int) */
Datum
create_distributed_table(PG_FUNCTION_ARGS)
{
	TableSpec	spec = {0};
	bool		hasKey = !PG_ARGISNULL(1);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		PG_RETURN_VOID();
	spec.relid = PG_GETARG_OID(0);
	spec.keyColumn = hasKey ? text_to_cstring(PG_GETARG_TEXT_PP(1)) : NULL;
	spec.kind = kind_of_method(PG_ARGISNULL(2) ? "hash" : enum_label(PG_GETARG_OID(2)), hasKey);
	spec.colocateWith = text_to_cstring(PG_GETARG_TEXT_PP(3));
	if (!PG_ARGISNULL(4))
	{
		spec.shardCount = PG_GETARG_INT32(4);
		if (spec.shardCount == 0)
			spec.shardCount = -1;	/* given, and not valid */
	}
	tables_create(&spec);
	PG_RETURN_VOID();
}

Datum
create_reference_table(PG_FUNCTION_ARGS)
{
	TableSpec	spec = {.relid = PG_GETARG_OID(0), .kind = DIST_TABLE_REFERENCE};

	tables_create(&spec);
	PG_RETURN_VOID();
}

Datum
undistribute_table(PG_FUNCTION_ARGS)
{
	tables_undistribute(PG_GETARG_OID(0), PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

Datum
citus_add_local_table_to_metadata(PG_FUNCTION_ARGS)
{
	tables_create_local(PG_GETARG_OID(0), PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

Datum
remove_local_tables_from_metadata(PG_FUNCTION_ARGS)
{
	tables_remove_local();
	PG_RETURN_VOID();
}

Datum
truncate_local_data_after_distributing_table(PG_FUNCTION_ARGS)
{
	tables_truncate_leftovers(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/* alter_distributed_table(regclass, text, int, text, bool) */
Datum
alter_distributed_table(PG_FUNCTION_ARGS)
{
	AlterSpec	spec = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	spec.relid = PG_GETARG_OID(0);
	spec.keyColumn = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	spec.hasShardCount = !PG_ARGISNULL(2);
	spec.shardCount = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
	spec.colocateWith = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	spec.hasCascade = !PG_ARGISNULL(4);
	spec.cascade = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4);
	tables_alter(&spec);
	PG_RETURN_VOID();
}

Datum
update_distributed_table_colocation(PG_FUNCTION_ARGS)
{
	tables_update_colocation(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}

/* citus_drop_all_shards(regclass, schema_name text, table_name text, metadata_only bool) */
Datum
citus_drop_all_shards(PG_FUNCTION_ARGS)
{
	const DistTable *table = catalog_table_get(PG_GETARG_OID(0));

	cluster_require_coordinator();
	if (table == NULL)
		PG_RETURN_INT32(0);
	if (get_rel_name(table->relid) != NULL)
		tables_require_owner(table->relid);
	else
		base_require_superuser("drop the shards of a table that does not exist");
	PG_RETURN_INT32(tables_drop_all_shards(table, text_to_cstring(PG_GETARG_TEXT_PP(1)),
										   text_to_cstring(PG_GETARG_TEXT_PP(2)),
										   PG_GETARG_BOOL(3)));
}

Datum
master_get_new_shardid(PG_FUNCTION_ARGS)
{
	cluster_require_coordinator();
	PG_RETURN_INT64(catalog_next_shard_id());
}

Datum
master_get_new_placementid(PG_FUNCTION_ARGS)
{
	cluster_require_coordinator();
	PG_RETURN_INT64(catalog_next_placement_id());
}

Datum
citus_internal_next_colocation_id(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	cluster_require_coordinator();
	PG_RETURN_INT32(catalog_next_colocation_id());
}

/* (relation, group, keys): which foreign keys of the group's plain tables reference the relation */
Datum
citus_internal_set_watches(PG_FUNCTION_ARGS)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	List	   *keys = NIL;
	RangeVar   *relation;

	base_require_node_command(fcinfo);
	relation = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			keys = lappend(keys, makeString(TextDatumGetCString(elements[i])));
	}
	tables_set_watches(RangeVarGetRelid(relation, NoLock, false), PG_GETARG_INT32(1), keys);
	PG_RETURN_VOID();
}

static Oid
relation_of_name(text *name)
{
	return RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(name)), NoLock,
							false);
}

/* a row of texts that may be NULL */
static void
put_texts(ReturnSetInfo *result, int count, const char **texts)
{
	Datum		values[4] = {0};
	bool		nulls[4] = {0};

	Assert(count <= lengthof(values));
	for (int i = 0; i < count; i++)
	{
		nulls[i] = texts[i] == NULL;
		if (!nulls[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* citus_internal.take_off_local_keys(text, text[]) returns records: a key each */
Datum
citus_internal_take_off_local_keys(PG_FUNCTION_ARGS)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	List	   *columns = NIL;
	ListCell   *lc;

	base_require_node_command(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			columns = lappend(columns, TextDatumGetCString(elements[i]));
	}
	foreach(lc, tables_take_off_own_keys(relation_of_name(PG_GETARG_TEXT_PP(0)), columns))
	{
		const TakenKey *key = lfirst(lc);
		const char *texts[] = {
			catalog_qualified_name(key->relid), key->name, key->text, key->comment
		};

		put_texts((ReturnSetInfo *) fcinfo->resultinfo, lengthof(texts), texts);
	}
	return (Datum) 0;
}

/* citus_internal.put_back_local_key(text, text, text, text) returns oid and referenced table */
Datum
citus_internal_put_back_local_key(PG_FUNCTION_ARGS)
{
	TakenKey	key = {0};
	Oid			referenced;
	const char *texts[2];

	base_require_node_command(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	key.relid = relation_of_name(PG_GETARG_TEXT_PP(0));
	key.name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	key.text = text_to_cstring(PG_GETARG_TEXT_PP(2));
	key.comment = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	texts[0] = psprintf("%u", tables_put_back_own_key(&key, &referenced));
	texts[1] = catalog_qualified_name(referenced);
	put_texts((ReturnSetInfo *) fcinfo->resultinfo, lengthof(texts), texts);
	return (Datum) 0;
}

/* citus_internal.local_key_watches(text) returns what citus_internal.set_watches() takes */
Datum
citus_internal_local_key_watches(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	base_require_node_command(fcinfo);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, tables_key_descriptions(relation_of_name(PG_GETARG_TEXT_PP(0))))
	{
		const char *texts[] = {strVal(lfirst(lc))};

		put_texts((ReturnSetInfo *) fcinfo->resultinfo, lengthof(texts), texts);
	}
	return (Datum) 0;
}
