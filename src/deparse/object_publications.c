/*
 * object_publications.c
 *	  Publications as statements, with row filters and column lists.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"


static void
append_columns(StringInfo out, Oid relid, Datum numbers)
{
	int2vector *columns = (int2vector *) DatumGetPointer(numbers);

	for (int i = 0; i < columns->dim1; i++)
		appendStringInfo(out, "%s%s", i == 0 ? " (" : ", ",
						 quote_identifier(get_attname(relid, columns->values[i], false)));
	appendStringInfoChar(out, ')');
}

/* "TABLE a (x), b WHERE (...)", with separator before it; what is left of separator otherwise */
static void
append_tables(StringInfo out, Oid publicationId, const char **separator)
{
	Relation	tables = table_open(PublicationRelRelationId, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(tables);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_publication_rel_prpubid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(publicationId));
	scan = systable_beginscan(tables, PublicationRelPrpubidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			relid = ((Form_pg_publication_rel) GETSTRUCT(tuple))->prrelid;
		bool		isNull;
		Datum		value;

		appendStringInfo(out, "%sTABLE %s", *separator, catalog_qualified_name(relid));
		*separator = ", ";
		value = heap_getattr(tuple, Anum_pg_publication_rel_prattrs, desc, &isNull);
		if (!isNull)
			append_columns(out, relid, value);
		value = heap_getattr(tuple, Anum_pg_publication_rel_prqual, desc, &isNull);
		if (!isNull)
			appendStringInfo(out, " WHERE (%s)",
							 deparse_expression_of(relid, TextDatumGetCString(value)));
	}
	systable_endscan(scan);
	table_close(tables, AccessShareLock);
}

static void
append_schemas(StringInfo out, Oid publicationId, const char **separator)
{
	ListCell   *cell;

	foreach(cell, GetPublicationSchemas(publicationId))
	{
		appendStringInfo(out, "%sTABLES IN SCHEMA %s", *separator,
						 quote_identifier(get_namespace_name(lfirst_oid(cell))));
		*separator = ", ";
	}
}

/* WITH (...); generated columns are an option since PostgreSQL 18 */
static void
append_options(StringInfo out, HeapTuple tuple)
{
	Form_pg_publication form = (Form_pg_publication) GETSTRUCT(tuple);
	AttrNumber	generated = get_attnum(PublicationRelationId, "pubgencols");
	StringInfoData publish;

	initStringInfo(&publish);
	appendStringInfo(&publish, "%s%s%s%s", form->pubinsert ? ", insert" : "",
					 form->pubupdate ? ", update" : "", form->pubdelete ? ", delete" : "",
					 form->pubtruncate ? ", truncate" : "");
	appendStringInfo(out, " WITH (publish = '%s', publish_via_partition_root = %s",
					 publish.len > 0 ? publish.data + 2 : "", form->pubviaroot ? "true" : "false");
	if (generated != InvalidAttrNumber)
	{
		bool		isNull;
		Datum		kind = SysCacheGetAttr(PUBLICATIONOID, tuple, generated, &isNull);

		appendStringInfo(out, ", publish_generated_columns = %s",
						 !isNull && DatumGetChar(kind) == 's' ? "stored" : "none");
	}
	appendStringInfoChar(out, ')');
}

List *
deparse_publication(Oid publicationId)
{
	HeapTuple	tuple = SearchSysCache1(PUBLICATIONOID, ObjectIdGetDatum(publicationId));
	const char *separator = " FOR ";
	Form_pg_publication form;
	const char *name;
	StringInfoData out;
	List	   *texts;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for publication %u", publicationId);
	form = (Form_pg_publication) GETSTRUCT(tuple);
	name = quote_identifier(NameStr(form->pubname));
	initStringInfo(&out);
	appendStringInfo(&out, "CREATE PUBLICATION %s", name);
	if (form->puballtables)
		appendStringInfoString(&out, " FOR ALL TABLES");
	else
	{
		append_tables(&out, publicationId, &separator);
		append_schemas(&out, publicationId, &separator);
	}
	append_options(&out, tuple);
	texts = deparse_owner(list_make1(out.data), "PUBLICATION", name, form->pubowner);
	texts = deparse_comment(texts, "PUBLICATION", name, PublicationRelationId, publicationId, 0);
	ReleaseSysCache(tuple);
	return texts;
}
