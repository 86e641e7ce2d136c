/*
 * common.c
 *	  Pieces that the texts of all kinds of objects are made of: names, options, rights, comments.
 *
 * Everything here runs under the settings of deparse_settings_begin().
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_shdescription.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"

/* in pg_attribute.attoptions: late releases of old majors keep a number of their own there */
#define SERVER_OWN_OPTION "pg_attver"

/* privileges by their bits, and SQL's words for them */
static const struct
{
	AclMode		mode;
	const char *word;
}			privileges[] = {
	{ACL_SELECT, "SELECT"},
	{ACL_INSERT, "INSERT"},
	{ACL_UPDATE, "UPDATE"},
	{ACL_DELETE, "DELETE"},
	{ACL_TRUNCATE, "TRUNCATE"},
	{ACL_REFERENCES, "REFERENCES"},
	{ACL_TRIGGER, "TRIGGER"},
	{ACL_EXECUTE, "EXECUTE"},
	{ACL_USAGE, "USAGE"},
	{ACL_CREATE, "CREATE"},
	{ACL_CREATE_TEMP, "TEMPORARY"},
	{ACL_CONNECT, "CONNECT"},
#ifdef ACL_MAINTAIN
	{ACL_MAINTAIN, "MAINTAIN"},
#endif
};


List *
deparse_append(List *texts, const char *format,...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	return lappend(texts, text.data);
}


/* ---- names ---- */

char *
deparse_name_in_schema(Oid schemaId, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(schemaId), name);
}

/* quoted; InvalidOid is PUBLIC */
const char *
deparse_role_name(Oid roleId)
{
	if (!OidIsValid(roleId))
		return "PUBLIC";
	return quote_identifier(GetUserNameFromId(roleId, false));
}

/* a stored expression over the columns of a relation (or over none: InvalidOid) */
char *
deparse_expression_of(Oid relid, const char *nodeText)
{
	List	   *context = NIL;

	if (OidIsValid(relid))
		context = deparse_context_for(get_rel_name(relid), relid);
	return deparse_expression(stringToNode(nodeText), context, false, false);
}


/* ---- options ---- */

static char *
options_text(Datum options, const char *prefix, const char *format)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, untransformRelOptions(options))
	{
		DefElem    *option = lfirst(cell);
		char	   *value = option->arg ? defGetString(option) : "";

		if (strcmp(option->defname, SERVER_OWN_OPTION) == 0)
			continue;
		if (text.len > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text, prefix);
		appendStringInfo(&text, format, quote_identifier(option->defname),
						 quote_literal_cstr(value));
	}
	return text.data;
}

char *
deparse_reloptions(Datum options, const char *prefix)
{
	return options_text(options, prefix, "%s=%s");
}

char *
deparse_fdw_options(Datum options)
{
	return options_text(options, "", "%s %s");
}

/* everything but type and owner, fit for CREATE SEQUENCE and for an identity column */
char *
deparse_sequence_options(Oid sequenceId)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequenceId));
	Form_pg_sequence form;
	char	   *text;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", sequenceId);
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	text = psprintf("INCREMENT BY " INT64_FORMAT " MINVALUE " INT64_FORMAT
					" MAXVALUE " INT64_FORMAT " START WITH " INT64_FORMAT
					" CACHE " INT64_FORMAT " %s",
					form->seqincrement, form->seqmin, form->seqmax, form->seqstart,
					form->seqcache, form->seqcycle ? "CYCLE" : "NO CYCLE");
	ReleaseSysCache(tuple);
	return text;
}


/* ---- owners, rights, comments ---- */

List *
deparse_owner(List *texts, const char *kind, const char *target, Oid owner)
{
	return deparse_append(texts, "ALTER %s %s OWNER TO %s", kind, target,
						  deparse_role_name(owner));
}

Acl *
deparse_acl_of(int cacheId, HeapTuple tuple, AttrNumber attno)
{
	bool		isNull;
	Datum		acl = SysCacheGetAttr(cacheId, tuple, attno, &isNull);

	return isNull ? NULL : DatumGetAclPCopy(acl);
}

/* "SELECT, INSERT", each with suffix; NULL for no privilege */
static char *
privileges_text(AclMode modes, const char *suffix)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(privileges); i++)
	{
		if ((modes & privileges[i].mode) == 0)
			continue;
		appendStringInfo(&text, "%s%s%s", text.len > 0 ? ", " : "", privileges[i].word, suffix);
	}
	return text.len > 0 ? text.data : NULL;
}

List *
deparse_grants_of_item(List *texts, const AclItem *item, const char *target, const char *suffix)
{
	AclMode		grantable = ACLITEM_GET_GOPTIONS(*item);
	AclMode		plain = ACLITEM_GET_PRIVS(*item) & ~grantable;
	char	   *words = privileges_text(plain, suffix);

	if (words != NULL)
		texts = deparse_append(texts, "GRANT %s ON %s TO %s", words, target,
							   deparse_role_name(item->ai_grantee));
	words = privileges_text(grantable, suffix);
	if (words != NULL)
		texts = deparse_append(texts, "GRANT %s ON %s TO %s WITH GRANT OPTION", words, target,
							   deparse_role_name(item->ai_grantee));
	return texts;
}

/*
 * From whatever rights a fresh object has to those of acl (NULL: the server's defaults).  All are
 * granted by the owner: who granted them here is not kept.
 */
List *
deparse_grants(List *texts, const char *kind, const char *target, Acl *acl, Oid owner)
{
	char	   *object = psprintf("%s %s", kind, target);

	if (acl == NULL)
		return texts;
	texts = deparse_append(texts, "REVOKE ALL ON %s FROM PUBLIC", object);
	texts = deparse_append(texts, "REVOKE ALL ON %s FROM %s", object,
						   deparse_role_name(owner));
	for (int i = 0; i < ACL_NUM(acl); i++)
		texts = deparse_grants_of_item(texts, &ACL_DAT(acl)[i], object, "");
	return texts;
}

List *
deparse_column_grants(List *texts, Oid relid, const char *column, Acl *acl)
{
	char	   *suffix = psprintf(" (%s)", quote_identifier(column));
	char	   *object = psprintf("TABLE %s", catalog_qualified_name(relid));

	for (int i = 0; acl != NULL && i < ACL_NUM(acl); i++)
		texts = deparse_grants_of_item(texts, &ACL_DAT(acl)[i], object, suffix);
	return texts;
}

List *
deparse_comment(List *texts, const char *kind, const char *target, Oid classId, Oid objectId,
				int subId)
{
	char	   *comment = GetComment(objectId, classId, subId);

	if (comment == NULL)
		return texts;
	return deparse_append(texts, "COMMENT ON %s %s IS %s", kind, target,
						  quote_literal_cstr(comment));
}

/* comments on the columns of a view or composite type; kind COLUMN takes both */
List *
deparse_column_comments(List *texts, Oid relid, const char *name)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped)
			texts = deparse_comment(texts, "COLUMN",
									psprintf("%s.%s", name,
											 quote_identifier(NameStr(attr->attname))),
									RelationRelationId, relid, attr->attnum);
	}
	relation_close(relation, NoLock);
	return texts;
}

/* the comment on an object of all databases */
List *
deparse_shared_comment(List *texts, const char *kind, const char *target, Oid classId,
					   Oid objectId)
{
	Relation	comments = table_open(SharedDescriptionRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_shdescription_objoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(objectId));
	ScanKeyInit(&keys[1], Anum_pg_shdescription_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(classId));
	scan = systable_beginscan(comments, SharedDescriptionObjIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isNull;
		Datum		value = heap_getattr(tuple, Anum_pg_shdescription_description,
										 RelationGetDescr(comments), &isNull);

		if (!isNull)
			texts = deparse_append(texts, "COMMENT ON %s %s IS %s", kind, target,
								   quote_literal_cstr(TextDatumGetCString(value)));
	}
	systable_endscan(scan);
	table_close(comments, AccessShareLock);
	return texts;
}
