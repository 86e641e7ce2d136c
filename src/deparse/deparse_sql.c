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
