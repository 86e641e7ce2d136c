/*
 * object_kinds.c
 *	  The kinds of objects that need only a few lines each: schemas, collations, sequences,
 *	  extensions, views, text search objects, servers.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_config_map.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"


HeapTuple
deparse_must_find(int cacheId, Oid objectId)
{
	HeapTuple	tuple = SearchSysCache1(cacheId, ObjectIdGetDatum(objectId));

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("object with OID %u does not exist", objectId));
	return tuple;
}

List *
deparse_schema(Oid schemaId)
{
	HeapTuple	tuple = deparse_must_find(NAMESPACEOID, schemaId);
	Form_pg_namespace form = (Form_pg_namespace) GETSTRUCT(tuple);
	const char *name = quote_identifier(NameStr(form->nspname));
	List	   *texts;

	texts = deparse_append(NIL, "CREATE SCHEMA IF NOT EXISTS %s", name);
	texts = deparse_owner(texts, "SCHEMA", name, form->nspowner);
	texts = deparse_grants(texts, "SCHEMA", name,
						   deparse_acl_of(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl),
						   form->nspowner);
	texts = deparse_comment(texts, "SCHEMA", name, NamespaceRelationId, schemaId, 0);
	ReleaseSysCache(tuple);
	return texts;
}


/* ---- collations ---- */

/* A text column of pg_collation by name, as releases name them differently; NULL when null. */
static char *
collation_text(HeapTuple tuple, const char *column)
{
	AttrNumber	attno = get_attnum(CollationRelationId, column);
	bool		isNull;
	Datum		value;

	if (attno == InvalidAttrNumber)
		return NULL;
	value = SysCacheGetAttr(COLLOID, tuple, attno, &isNull);
	return isNull ? NULL : TextDatumGetCString(value);
}

static void
append_collation_option(StringInfo out, const char *option, const char *value)
{
	if (value != NULL)
		appendStringInfo(out, ", %s = %s", option, quote_literal_cstr(value));
}

static const char *
provider_name(char provider)
{
	switch (provider)
	{
		case COLLPROVIDER_ICU:
			return "icu";
		case COLLPROVIDER_LIBC:
			return "libc";
		default:
			return "builtin";
	}
}

List *
deparse_collation(Oid collationId)
{
	HeapTuple	tuple = deparse_must_find(COLLOID, collationId);
	Form_pg_collation form = (Form_pg_collation) GETSTRUCT(tuple);
	char	   *name = deparse_name_in_schema(form->collnamespace, NameStr(form->collname));
	char	   *locale = collation_text(tuple, "colllocale");
	StringInfoData out;
	List	   *texts;

	if (locale == NULL)
		locale = collation_text(tuple, "colliculocale");
	initStringInfo(&out);
	appendStringInfo(&out, "CREATE COLLATION IF NOT EXISTS %s (PROVIDER = %s, DETERMINISTIC = %s",
					 name, provider_name(form->collprovider),
					 form->collisdeterministic ? "true" : "false");
	append_collation_option(&out, "LOCALE", locale);
	append_collation_option(&out, "LC_COLLATE", collation_text(tuple, "collcollate"));
	append_collation_option(&out, "LC_CTYPE", collation_text(tuple, "collctype"));
	append_collation_option(&out, "RULES", collation_text(tuple, "collicurules"));
	appendStringInfoChar(&out, ')');
	texts = deparse_owner(list_make1(out.data), "COLLATION", name, form->collowner);
	texts = deparse_comment(texts, "COLLATION", name, CollationRelationId, collationId, 0);
	ReleaseSysCache(tuple);
	return texts;
}


/* ---- sequences, extensions, views ---- */

List *
deparse_sequence(Oid sequenceId)
{
	HeapTuple	classTuple = deparse_must_find(RELOID, sequenceId);
	HeapTuple	tuple = deparse_must_find(SEQRELID, sequenceId);
	Form_pg_class form = (Form_pg_class) GETSTRUCT(classTuple);
	char	   *name = catalog_qualified_name(sequenceId);
	List	   *texts;

	texts = deparse_append(NIL, "CREATE SEQUENCE IF NOT EXISTS %s AS %s %s", name,
						   format_type_be(((Form_pg_sequence) GETSTRUCT(tuple))->seqtypid),
						   deparse_sequence_options(sequenceId));
	texts = deparse_owner(texts, "SEQUENCE", name, form->relowner);
	texts = deparse_grants(texts, "SEQUENCE", name,
						   deparse_acl_of(RELOID, classTuple, Anum_pg_class_relacl),
						   form->relowner);
	texts = deparse_comment(texts, "SEQUENCE", name, RelationRelationId, sequenceId, 0);
	ReleaseSysCache(tuple);
	ReleaseSysCache(classTuple);
	return texts;
}

/* Version and schema are those of here, whatever the other node's default is. */
List *
deparse_extension(Oid extensionId)
{
	char	   *name = get_extension_name(extensionId);
	Relation	extensions;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *texts = NIL;

	if (name == NULL)
		elog(ERROR, "cache lookup failed for extension %u", extensionId);
	extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extensionId));
	scan = systable_beginscan(extensions, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);
		bool		isNull;
		Datum		version = heap_getattr(tuple, Anum_pg_extension_extversion,
										   RelationGetDescr(extensions), &isNull);

		texts = deparse_append(texts, "CREATE EXTENSION IF NOT EXISTS %s WITH SCHEMA %s VERSION %s",
							   quote_identifier(name),
							   quote_identifier(get_namespace_name(form->extnamespace)),
							   quote_identifier(TextDatumGetCString(version)));
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return texts;
}

List *
deparse_view(Oid viewId)
{
	HeapTuple	tuple = deparse_must_find(RELOID, viewId);
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
	char	   *name = catalog_qualified_name(viewId);
	Datum		query = DirectFunctionCall1(pg_get_viewdef, ObjectIdGetDatum(viewId));
	StringInfoData out;
	bool		isNull;
	Datum		options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isNull);
	Relation	relation;
	List	   *texts;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE OR REPLACE VIEW %s", name);
	if (!isNull)
		appendStringInfo(&out, " WITH (%s)", deparse_reloptions(options, ""));
	appendStringInfo(&out, " AS %s", TextDatumGetCString(query));
	texts = deparse_owner(list_make1(out.data), "VIEW", name, form->relowner);
	texts = deparse_grants(texts, "TABLE", name,
						   deparse_acl_of(RELOID, tuple, Anum_pg_class_relacl), form->relowner);
	texts = deparse_comment(texts, "VIEW", name, RelationRelationId, viewId, 0);
	texts = deparse_column_comments(texts, viewId, name);
	relation = table_open(viewId, AccessShareLock);
	texts = deparse_table_rules(texts, relation);
	texts = deparse_table_triggers(texts, relation);
	table_close(relation, NoLock);
	ReleaseSysCache(tuple);
	return texts;
}


/* ---- text search ---- */

static char *
dictionary_name(Oid dictionaryId)
{
	HeapTuple	tuple = deparse_must_find(TSDICTOID, dictionaryId);
	Form_pg_ts_dict form = (Form_pg_ts_dict) GETSTRUCT(tuple);
	char	   *name = deparse_name_in_schema(form->dictnamespace, NameStr(form->dictname));

	ReleaseSysCache(tuple);
	return name;
}

List *
deparse_ts_dictionary(Oid dictionaryId)
{
	HeapTuple	tuple = deparse_must_find(TSDICTOID, dictionaryId);
	Form_pg_ts_dict form = (Form_pg_ts_dict) GETSTRUCT(tuple);
	HeapTuple	templateTuple = deparse_must_find(TSTEMPLATEOID, form->dicttemplate);
	Form_pg_ts_template template = (Form_pg_ts_template) GETSTRUCT(templateTuple);
	char	   *name = dictionary_name(dictionaryId);
	bool		isNull;
	Datum		options = SysCacheGetAttr(TSDICTOID, tuple, Anum_pg_ts_dict_dictinitoption,
										  &isNull);
	List	   *texts;

	texts = deparse_append(NIL, "CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %s%s%s)", name,
						   deparse_name_in_schema(template->tmplnamespace,
												  NameStr(template->tmplname)),
						   isNull ? "" : ", ", isNull ? "" : TextDatumGetCString(options));
	texts = deparse_owner(texts, "TEXT SEARCH DICTIONARY", name, form->dictowner);
	texts = deparse_comment(texts, "TEXT SEARCH DICTIONARY", name, TSDictionaryRelationId,
							dictionaryId, 0);
	ReleaseSysCache(templateTuple);
	ReleaseSysCache(tuple);
	return texts;
}

/* the name of a token type of a parser */
static const char *
token_name(Oid parserId, int token)
{
	TSParserCacheEntry *parser = lookup_ts_parser_cache(parserId);
	LexDescr   *types = (LexDescr *)
		DatumGetPointer(OidFunctionCall1(parser->lextypeOid, Int32GetDatum(0)));

	for (; types != NULL && types->lexid != 0; types++)
	{
		if (types->lexid == token)
			return types->alias;
	}
	elog(ERROR, "text search parser %u has no token type %d", parserId, token);
}

static List *
mappings(List *texts, Oid configId, Oid parserId, const char *name)
{
	Relation	maps = table_open(TSConfigMapRelationId, AccessShareLock);
	Relation	index = index_open(TSConfigMapIndexId, AccessShareLock);
	int			token = 0;
	StringInfoData names;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	initStringInfo(&names);
	ScanKeyInit(&key, Anum_pg_ts_config_map_mapcfg, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(configId));
	scan = systable_beginscan_ordered(maps, index, NULL, 1, &key);
	for (;;)
	{
		Form_pg_ts_config_map form = NULL;

		tuple = systable_getnext_ordered(scan, ForwardScanDirection);
		if (HeapTupleIsValid(tuple))
			form = (Form_pg_ts_config_map) GETSTRUCT(tuple);
		if (names.len > 0 && (form == NULL || form->maptokentype != token))
		{
			texts = deparse_append(texts, "ALTER TEXT SEARCH CONFIGURATION %s "
								   "ADD MAPPING FOR %s WITH %s", name,
								   quote_identifier(token_name(parserId, token)), names.data);
			resetStringInfo(&names);
		}
		if (form == NULL)
			break;
		token = form->maptokentype;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 dictionary_name(form->mapdict));
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(maps, AccessShareLock);
	return texts;
}

List *
deparse_ts_config(Oid configId)
{
	HeapTuple	tuple = deparse_must_find(TSCONFIGOID, configId);
	Form_pg_ts_config form = (Form_pg_ts_config) GETSTRUCT(tuple);
	HeapTuple	parserTuple = deparse_must_find(TSPARSEROID, form->cfgparser);
	Form_pg_ts_parser parser = (Form_pg_ts_parser) GETSTRUCT(parserTuple);
	char	   *name = deparse_name_in_schema(form->cfgnamespace, NameStr(form->cfgname));
	List	   *texts;

	texts = deparse_append(NIL, "CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)", name,
						   deparse_name_in_schema(parser->prsnamespace,
												  NameStr(parser->prsname)));
	texts = mappings(texts, configId, form->cfgparser, name);
	texts = deparse_owner(texts, "TEXT SEARCH CONFIGURATION", name, form->cfgowner);
	texts = deparse_comment(texts, "TEXT SEARCH CONFIGURATION", name, TSConfigRelationId,
							configId, 0);
	ReleaseSysCache(parserTuple);
	ReleaseSysCache(tuple);
	return texts;
}


/* ---- servers ---- */

static char *
wrapper_name(Oid wrapperId)
{
	HeapTuple	tuple = deparse_must_find(FOREIGNDATAWRAPPEROID, wrapperId);
	char	   *name;

	name = pstrdup(NameStr(((Form_pg_foreign_data_wrapper) GETSTRUCT(tuple))->fdwname));
	ReleaseSysCache(tuple);
	return name;
}

List *
deparse_server(Oid serverId)
{
	HeapTuple	tuple = deparse_must_find(FOREIGNSERVEROID, serverId);
	Form_pg_foreign_server form = (Form_pg_foreign_server) GETSTRUCT(tuple);
	const char *name = quote_identifier(NameStr(form->srvname));
	StringInfoData out;
	bool		isNull;
	Datum		value;
	List	   *texts;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE SERVER IF NOT EXISTS %s", name);
	value = SysCacheGetAttr(FOREIGNSERVEROID, tuple, Anum_pg_foreign_server_srvtype, &isNull);
	if (!isNull)
		appendStringInfo(&out, " TYPE %s", quote_literal_cstr(TextDatumGetCString(value)));
	value = SysCacheGetAttr(FOREIGNSERVEROID, tuple, Anum_pg_foreign_server_srvversion, &isNull);
	if (!isNull)
		appendStringInfo(&out, " VERSION %s", quote_literal_cstr(TextDatumGetCString(value)));
	appendStringInfo(&out, " FOREIGN DATA WRAPPER %s",
					 quote_identifier(wrapper_name(form->srvfdw)));
	value = SysCacheGetAttr(FOREIGNSERVEROID, tuple, Anum_pg_foreign_server_srvoptions, &isNull);
	if (!isNull)
		appendStringInfo(&out, " OPTIONS (%s)", deparse_fdw_options(value));
	texts = deparse_owner(list_make1(out.data), "SERVER", name, form->srvowner);
	texts = deparse_grants(texts, "FOREIGN SERVER", name,
						   deparse_acl_of(FOREIGNSERVEROID, tuple,
										  Anum_pg_foreign_server_srvacl), form->srvowner);
	texts = deparse_comment(texts, "SERVER", name, ForeignServerRelationId, serverId, 0);
	ReleaseSysCache(tuple);
	return texts;
}
