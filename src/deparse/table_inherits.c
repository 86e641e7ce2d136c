/*
 * table_inherits.c
 *	  Children of tables (INHERITS, not partitions).
 *
 * A child is made as a table of its own, so that its columns keep their order, and then bound to
 * its parents.  Which of its columns and constraints are its own, and so stay when a parent loses
 * them, is told apart, as no statement can say it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "deparse/deparse_internal.h"

List *
deparse_parents(Oid relid)
{
	Relation	inherits;
	List	   *parents = NIL;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	if (get_rel_relispartition(relid))
		return NIL;
	inherits = table_open(InheritsRelationId, AccessShareLock);
	/* the index is on (child, sequence number) */
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return parents;
}

List *
deparse_inherit(List *texts, Relation relation)
{
	ListCell   *cell;

	foreach(cell, deparse_parents(RelationGetRelid(relation)))
		texts = deparse_append(texts, "ALTER TABLE %s INHERIT %s",
							   catalog_qualified_name(RelationGetRelid(relation)),
							   catalog_qualified_name(lfirst_oid(cell)));
	return texts;
}

static void
append_name(StringInfo list, const char *name)
{
	appendStringInfo(list, "%s%s", list->len > 0 ? "," : "", quote_literal_cstr(name));
}

static char *
own_constraints(Oid relid)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	StringInfoData names;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	initStringInfo(&names);
	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->conislocal)
			append_name(&names, NameStr(form->conname));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return names.data;
}

List *
deparse_own_parts(List *texts, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	TupleDesc	desc = RelationGetDescr(relation);
	StringInfoData columns;

	if (deparse_parents(relid) == NIL)
		return texts;
	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped && attr->attislocal)
			append_name(&columns, NameStr(attr->attname));
	}
	return deparse_append(texts, BASE_NODE_SELECT "citus_internal.set_own_parts(%s, "
						  "ARRAY[%s]::pg_catalog.text[], ARRAY[%s]::pg_catalog.text[])",
						  quote_literal_cstr(catalog_qualified_name(relid)), columns.data,
						  own_constraints(relid));
}
