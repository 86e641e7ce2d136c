/*
 * deparse_sql.c
 *	  SQL functions that show statements which make objects again.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "deparse/deparse_internal.h"

PG_FUNCTION_INFO_V1(master_get_table_ddl_events);
PG_FUNCTION_INFO_V1(shell_of_relation);
PG_FUNCTION_INFO_V1(shard_of_row);
PG_FUNCTION_INFO_V1(place_in_shard);


/* master_get_table_ddl_events(text) returns setof text: statements that recreate a table */
Datum
master_get_table_ddl_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RangeVar   *name = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	Oid			relid = RangeVarGetRelid(name, AccessShareLock, false);
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(cell, deparse_table_ddl(relid, TABLE_DDL_SHELL & ~TABLE_DDL_ATTACH))
	{
		Datum		text = CStringGetTextDatum(lfirst(cell));
		bool		isNull = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &text, &isNull);
	}
	return (Datum) 0;
}

/*
 * citus_internal.shell_of_relation(oid) returns oid: the shell of a shard, the relation itself for
 * any other; what tableoid means in a statement on shards
 */
Datum
shell_of_relation(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Oid			shell;
	ShardId		shardId;

	if (catalog_relation_is_shard(relid, &shardId, &shell))
		PG_RETURN_OID(shell);
	PG_RETURN_OID(relid);
}

/*
 * citus_internal.shard_of_row(tableoid oid) returns bigint: id of the shard that is the relation.
 * Only for statements on shards, whose text keeps the argument as it is.
 */
Datum
shard_of_row(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ShardId		shardId;

	if (!catalog_relation_is_shard(relid, &shardId, NULL))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("relation with OID %u is not a shard", relid));
	PG_RETURN_INT64(shardId);
}

/* citus_internal.place_in_shard(ctid tid) returns tid: the argument */
Datum
place_in_shard(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
