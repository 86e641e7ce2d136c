/*
 * depend.c
 *	  The rows of pg_depend about one object.
 *
 * They are copied, so that who walks them may look into catalogs, and recurse, without a scan of
 * pg_depend being open.
 *
 * Not here: pg_shdepend (roles), which deparse alone reads.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "utils/fmgroids.h"

#include "citus/base/depend.h"

static List *
rows_of(Oid indexId, AttrNumber classColumn, Oid classId, AttrNumber objectColumn, Oid objectId)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *rows = NIL;
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], classColumn, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(classId));
	ScanKeyInit(&keys[1], objectColumn, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(objectId));
	scan = systable_beginscan(depend, indexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = palloc(sizeof(FormData_pg_depend));

		*row = *(Form_pg_depend) GETSTRUCT(tuple);
		rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return rows;
}

List *
base_depend_of(Oid classId, Oid objectId)
{
	return rows_of(DependDependerIndexId, Anum_pg_depend_classid, classId, Anum_pg_depend_objid,
				   objectId);
}

List *
base_depend_on(Oid classId, Oid objectId)
{
	return rows_of(DependReferenceIndexId, Anum_pg_depend_refclassid, classId,
				   Anum_pg_depend_refobjid, objectId);
}
