/*
 * object_types.c
 *	  Types as statements: enum, composite, domain, range.
 *
 * Base types and ranges with a canonical function need functions that need the type; they come with
 * extensions and are not made here.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"


static char *
enum_text(const char *name, Oid typeId)
{
	Relation	labels = table_open(EnumRelationId, AccessShareLock);
	Relation	index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	StringInfoData out;
	const char *separator = "";
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE TYPE %s AS ENUM (", name);
	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(typeId));
	scan = systable_beginscan_ordered(labels, index, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		Form_pg_enum form = (Form_pg_enum) GETSTRUCT(tuple);

		appendStringInfo(&out, "%s%s", separator, quote_literal_cstr(NameStr(form->enumlabel)));
		separator = ", ";
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(labels, AccessShareLock);
	appendStringInfoChar(&out, ')');
	return out.data;
}

static void
append_collation(StringInfo out, Oid collation, Oid typeId)
{
	if (OidIsValid(collation) && collation != get_typcollation(typeId))
		appendStringInfo(out, " COLLATE %s", generate_collation_name(collation));
}

static char *
composite_text(const char *name, Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	const char *separator = "";
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE TYPE %s AS (", name);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped)
			continue;
		appendStringInfo(&out, "%s%s %s", separator, quote_identifier(NameStr(attr->attname)),
						 format_type_with_typemod(attr->atttypid, attr->atttypmod));
		append_collation(&out, attr->attcollation, attr->atttypid);
		separator = ", ";
	}
	appendStringInfoChar(&out, ')');
	relation_close(relation, AccessShareLock);
	return out.data;
}

static List *
domain_constraints(List *texts, const char *name, Oid typeId)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(typeId));
	scan = systable_beginscan(constraints, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		Datum		definition;

		/* NOT NULL stands in CREATE DOMAIN */
		if (form->contype != CONSTRAINT_CHECK)
			continue;
		definition = DirectFunctionCall1(pg_get_constraintdef, ObjectIdGetDatum(form->oid));
		texts = deparse_append(texts, "ALTER DOMAIN %s ADD CONSTRAINT %s %s", name,
							   quote_identifier(NameStr(form->conname)),
							   TextDatumGetCString(definition));
		texts = deparse_comment(texts, "CONSTRAINT",
								psprintf("%s ON DOMAIN %s",
										 quote_identifier(NameStr(form->conname)), name),
								ConstraintRelationId, form->oid, 0);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return texts;
}

static List *
domain_texts(const char *name, HeapTuple tuple)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	StringInfoData out;
	bool		isNull;
	Datum		expr = SysCacheGetAttr(TYPEOID, tuple, Anum_pg_type_typdefaultbin, &isNull);

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE DOMAIN %s AS %s", name,
					 format_type_with_typemod(form->typbasetype, form->typtypmod));
	append_collation(&out, form->typcollation, form->typbasetype);
	if (!isNull)
		appendStringInfo(&out, " DEFAULT %s",
						 deparse_expression_of(InvalidOid, TextDatumGetCString(expr)));
	if (form->typnotnull)
		appendStringInfoString(&out, " NOT NULL");
	return domain_constraints(list_make1(out.data), name, form->oid);
}

static char *
range_text(const char *name, Oid typeId)
{
	HeapTuple	tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(typeId));
	Form_pg_range form;
	Oid			multirange = get_range_multirange(typeId);
	StringInfoData out;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for range type %u", typeId);
	form = (Form_pg_range) GETSTRUCT(tuple);
	initStringInfo(&out);
	appendStringInfo(&out, "CREATE TYPE %s AS RANGE (SUBTYPE = %s, SUBTYPE_OPCLASS = %s", name,
					 format_type_be_qualified(form->rngsubtype),
					 generate_opclass_name(form->rngsubopc));
	if (OidIsValid(form->rngcollation))
		appendStringInfo(&out, ", COLLATION = %s", generate_collation_name(form->rngcollation));
	if (OidIsValid(form->rngsubdiff))
		appendStringInfo(&out, ", SUBTYPE_DIFF = %s",
						 deparse_name_in_schema(get_func_namespace(form->rngsubdiff),
												get_func_name(form->rngsubdiff)));
	if (OidIsValid(multirange))
		appendStringInfo(&out, ", MULTIRANGE_TYPE_NAME = %s",
						 format_type_be_qualified(multirange));
	appendStringInfoChar(&out, ')');
	ReleaseSysCache(tuple);
	return out.data;
}

static bool
range_is_canonical(Oid typeId)
{
	HeapTuple	tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(typeId));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = OidIsValid(((Form_pg_range) GETSTRUCT(tuple))->rngcanonical);
	ReleaseSysCache(tuple);
	return result;
}

bool
deparse_type_is_supported(Oid typeId)
{
	switch (get_typtype(typeId))
	{
		case TYPTYPE_ENUM:
		case TYPTYPE_DOMAIN:
			return true;
		case TYPTYPE_COMPOSITE:
			return get_rel_relkind(get_typ_typrelid(typeId)) == RELKIND_COMPOSITE_TYPE;
		case TYPTYPE_RANGE:
			return !range_is_canonical(typeId);
		default:
			return false;
	}
}

List *
deparse_type(Oid typeId)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typeId));
	Form_pg_type form;
	char	   *name;
	const char *kind = "TYPE";
	List	   *texts = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", typeId);
	form = (Form_pg_type) GETSTRUCT(tuple);
	name = deparse_name_in_schema(form->typnamespace, NameStr(form->typname));
	switch (form->typtype)
	{
		case TYPTYPE_ENUM:
			texts = list_make1(enum_text(name, typeId));
			break;
		case TYPTYPE_COMPOSITE:
			texts = list_make1(composite_text(name, form->typrelid));
			break;
		case TYPTYPE_DOMAIN:
			texts = domain_texts(name, tuple);
			kind = "DOMAIN";
			break;
		case TYPTYPE_RANGE:
			texts = list_make1(range_text(name, typeId));
			break;
	}
	texts = deparse_owner(texts, kind, name, form->typowner);
	texts = deparse_grants(texts, kind, name, deparse_acl_of(TYPEOID, tuple, Anum_pg_type_typacl),
						   form->typowner);
	texts = deparse_comment(texts, kind, name, TypeRelationId, typeId, 0);
	if (form->typtype == TYPTYPE_COMPOSITE)
		texts = deparse_column_comments(texts, form->typrelid, name);
	ReleaseSysCache(tuple);
	return texts;
}
