/*
 * object_operators.c
 *	  Operators, operator families, operator classes and casts as statements.
 *
 * A family is printed with the members that belong to no class of it; a class with its own.
 * Members are printed in the order of their texts, so that two nodes with the same ones have the
 * same text.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "citus/base/depend.h"
#include "deparse/deparse_internal.h"


/* ---- operators ---- */

/* One that only a commutator or negator names so far has no function: the other's text makes it. */
bool
deparse_operator_is_supported(Oid operatorId)
{
	return OidIsValid(get_opcode(operatorId));
}

/* "schema.+"; the symbol is never quoted */
static char *
operator_name(Oid operatorId)
{
	HeapTuple	tuple = deparse_must_find(OPEROID, operatorId);
	Form_pg_operator form = (Form_pg_operator) GETSTRUCT(tuple);
	char	   *name;

	name = psprintf("%s.%s", quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

static void
append_function(StringInfo out, const char *option, Oid function)
{
	if (OidIsValid(function))
		appendStringInfo(out, ", %s = %s", option,
						 deparse_name_in_schema(get_func_namespace(function),
												get_func_name(function)));
}

List *
deparse_operator(Oid operatorId)
{
	HeapTuple	tuple = deparse_must_find(OPEROID, operatorId);
	Form_pg_operator form = (Form_pg_operator) GETSTRUCT(tuple);
	char	   *signature = format_operator_qualified(operatorId);
	StringInfoData out;
	List	   *texts;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE OPERATOR %s (FUNCTION = %s", operator_name(operatorId),
					 deparse_name_in_schema(get_func_namespace(form->oprcode),
											get_func_name(form->oprcode)));
	if (OidIsValid(form->oprleft))
		appendStringInfo(&out, ", LEFTARG = %s", format_type_be_qualified(form->oprleft));
	if (OidIsValid(form->oprright))
		appendStringInfo(&out, ", RIGHTARG = %s", format_type_be_qualified(form->oprright));
	if (OidIsValid(form->oprcom))
		appendStringInfo(&out, ", COMMUTATOR = OPERATOR(%s)", operator_name(form->oprcom));
	if (OidIsValid(form->oprnegate))
		appendStringInfo(&out, ", NEGATOR = OPERATOR(%s)", operator_name(form->oprnegate));
	append_function(&out, "RESTRICT", form->oprrest);
	append_function(&out, "JOIN", form->oprjoin);
	if (form->oprcanhash)
		appendStringInfoString(&out, ", HASHES");
	if (form->oprcanmerge)
		appendStringInfoString(&out, ", MERGES");
	appendStringInfoChar(&out, ')');
	texts = deparse_owner(list_make1(out.data), "OPERATOR", signature, form->oprowner);
	texts = deparse_comment(texts, "OPERATOR", signature, OperatorRelationId, operatorId, 0);
	ReleaseSysCache(tuple);
	return texts;
}


/* ---- members of families and classes ---- */

/* "schema.name USING btree" */
static char *
name_using(Oid schemaId, const char *name, Oid accessMethod)
{
	return psprintf("%s USING %s", deparse_name_in_schema(schemaId, name),
					quote_identifier(get_am_name(accessMethod)));
}

static char *
family_name(Oid familyId)
{
	HeapTuple	tuple = deparse_must_find(OPFAMILYOID, familyId);
	Form_pg_opfamily form = (Form_pg_opfamily) GETSTRUCT(tuple);
	char	   *name = deparse_name_in_schema(form->opfnamespace, NameStr(form->opfname));

	ReleaseSysCache(tuple);
	return name;
}

static char *
member_operator(HeapTuple tuple)
{
	Form_pg_amop form = (Form_pg_amop) GETSTRUCT(tuple);
	char	   *text = psprintf("OPERATOR %d %s", form->amopstrategy,
								format_operator_qualified(form->amopopr));

	if (!OidIsValid(form->amopsortfamily))
		return text;
	return psprintf("%s FOR ORDER BY %s", text, family_name(form->amopsortfamily));
}

static char *
member_function(HeapTuple tuple)
{
	Form_pg_amproc form = (Form_pg_amproc) GETSTRUCT(tuple);

	return psprintf("FUNCTION %d (%s, %s) %s", form->amprocnum,
					format_type_be_qualified(form->amproclefttype),
					format_type_be_qualified(form->amprocrighttype),
					format_procedure_qualified(form->amproc));
}

/* a row of pg_amop or pg_amproc; NULL when it is gone */
static char *
member_text(Oid classId, Oid memberId)
{
	bool		isOperator = classId == AccessMethodOperatorRelationId;
	Relation	relation = table_open(classId, AccessShareLock);
	char	   *text = NULL;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, isOperator ? Anum_pg_amop_oid : Anum_pg_amproc_oid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(memberId));
	scan = systable_beginscan(relation, isOperator ? AccessMethodOperatorOidIndexId
							  : AccessMethodProcedureOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		text = isOperator ? member_operator(tuple) : member_function(tuple);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return text;
}

static int
compare_texts(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* those that go when the family or class goes */
static List *
members_of(Oid classId, Oid objectId)
{
	List	   *members = NIL;
	ListCell   *cell;

	foreach(cell, base_depend_on(classId, objectId))
	{
		Form_pg_depend row = lfirst(cell);
		char	   *text;

		if (row->classid != AccessMethodOperatorRelationId &&
			row->classid != AccessMethodProcedureRelationId)
			continue;
		text = member_text(row->classid, row->objid);
		/* the family of an ORDER BY operator does not own the member */
		if (text != NULL && row->deptype != DEPENDENCY_NORMAL)
			members = lappend(members, text);
	}
	list_sort(members, compare_texts);
	return members;
}

static void
append_members(StringInfo out, List *members)
{
	ListCell   *cell;

	foreach(cell, members)
		appendStringInfo(out, "%s%s", cell == list_head(members) ? "" : ", ",
						 (char *) lfirst(cell));
}

List *
deparse_operator_family(Oid familyId)
{
	HeapTuple	tuple = deparse_must_find(OPFAMILYOID, familyId);
	Form_pg_opfamily form = (Form_pg_opfamily) GETSTRUCT(tuple);
	char	   *name = name_using(form->opfnamespace, NameStr(form->opfname), form->opfmethod);
	List	   *members = members_of(OperatorFamilyRelationId, familyId);
	List	   *texts = deparse_append(NIL, "CREATE OPERATOR FAMILY %s", name);

	if (members != NIL)
	{
		StringInfoData out;

		initStringInfo(&out);
		appendStringInfo(&out, "ALTER OPERATOR FAMILY %s ADD ", name);
		append_members(&out, members);
		texts = lappend(texts, out.data);
	}
	texts = deparse_owner(texts, "OPERATOR FAMILY", name, form->opfowner);
	texts = deparse_comment(texts, "OPERATOR FAMILY", name, OperatorFamilyRelationId, familyId, 0);
	ReleaseSysCache(tuple);
	return texts;
}

List *
deparse_operator_class(Oid opclassId)
{
	HeapTuple	tuple = deparse_must_find(CLAOID, opclassId);
	Form_pg_opclass form = (Form_pg_opclass) GETSTRUCT(tuple);
	char	   *name = deparse_name_in_schema(form->opcnamespace, NameStr(form->opcname));
	char	   *target = name_using(form->opcnamespace, NameStr(form->opcname), form->opcmethod);
	List	   *members = members_of(OperatorClassRelationId, opclassId);
	StringInfoData out;
	List	   *texts;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE OPERATOR CLASS %s %sFOR TYPE %s USING %s FAMILY %s AS ", name,
					 form->opcdefault ? "DEFAULT " : "",
					 format_type_be_qualified(form->opcintype),
					 quote_identifier(get_am_name(form->opcmethod)),
					 family_name(form->opcfamily));
	append_members(&out, members);
	/* a class without members must say something; that the key is of its type is what is meant */
	if (OidIsValid(form->opckeytype) || members == NIL)
		appendStringInfo(&out, "%sSTORAGE %s", members == NIL ? "" : ", ",
						 format_type_be_qualified(OidIsValid(form->opckeytype)
												  ? form->opckeytype : form->opcintype));
	texts = deparse_owner(list_make1(out.data), "OPERATOR CLASS", target, form->opcowner);
	texts = deparse_comment(texts, "OPERATOR CLASS", target, OperatorClassRelationId, opclassId,
							0);
	ReleaseSysCache(tuple);
	return texts;
}


/* ---- casts ---- */

static const char *
context_words(char context)
{
	switch (context)
	{
		case COERCION_CODE_IMPLICIT:
			return " AS IMPLICIT";
		case COERCION_CODE_ASSIGNMENT:
			return " AS ASSIGNMENT";
		default:
			return "";
	}
}

static char *
cast_method(Form_pg_cast form)
{
	if (form->castmethod == COERCION_METHOD_INOUT)
		return pstrdup("WITH INOUT");
	if (!OidIsValid(form->castfunc))
		return pstrdup("WITHOUT FUNCTION");
	return psprintf("WITH FUNCTION %s", format_procedure_qualified(form->castfunc));
}

/* a copy of the row, or NULL */
static HeapTuple
find_cast(Oid castId)
{
	Relation	casts = table_open(CastRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_cast_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(castId));
	scan = systable_beginscan(casts, CastOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(casts, AccessShareLock);
	return tuple;
}

List *
deparse_cast(Oid castId)
{
	HeapTuple	tuple = find_cast(castId);
	Form_pg_cast form;
	char	   *name;
	List	   *texts;

	if (tuple == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("cast with OID %u does not exist", castId)));
	form = (Form_pg_cast) GETSTRUCT(tuple);
	name = psprintf("(%s AS %s)", format_type_be_qualified(form->castsource),
					format_type_be_qualified(form->casttarget));
	texts = deparse_append(NIL, "CREATE CAST %s %s%s", name, cast_method(form),
						   context_words(form->castcontext));
	return deparse_comment(texts, "CAST", name, CastRelationId, castId, 0);
}

bool
deparse_cast_types(Oid castId, Oid *source, Oid *target)
{
	HeapTuple	tuple = find_cast(castId);

	if (tuple == NULL)
		return false;
	*source = ((Form_pg_cast) GETSTRUCT(tuple))->castsource;
	*target = ((Form_pg_cast) GETSTRUCT(tuple))->casttarget;
	return true;
}
