/*
 * object_roles.c
 *	  Roles as statements, with password, memberships and settings.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "citus/catalog/catalog.h"
#include "deparse/deparse_internal.h"


static char *
attributes_text(HeapTuple tuple)
{
	Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);
	StringInfoData out;
	bool		isNull;
	Datum		value;

	initStringInfo(&out);
	appendStringInfo(&out, "%s %s %s %s %s %s %s CONNECTION LIMIT %d",
					 form->rolsuper ? "SUPERUSER" : "NOSUPERUSER",
					 form->rolinherit ? "INHERIT" : "NOINHERIT",
					 form->rolcreaterole ? "CREATEROLE" : "NOCREATEROLE",
					 form->rolcreatedb ? "CREATEDB" : "NOCREATEDB",
					 form->rolcanlogin ? "LOGIN" : "NOLOGIN",
					 form->rolreplication ? "REPLICATION" : "NOREPLICATION",
					 form->rolbypassrls ? "BYPASSRLS" : "NOBYPASSRLS",
					 form->rolconnlimit);
	value = SysCacheGetAttr(AUTHOID, tuple, Anum_pg_authid_rolpassword, &isNull);
	if (isNull)
		appendStringInfoString(&out, " PASSWORD NULL");
	else
		appendStringInfo(&out, " PASSWORD %s", quote_literal_cstr(TextDatumGetCString(value)));
	value = SysCacheGetAttr(AUTHOID, tuple, Anum_pg_authid_rolvaliduntil, &isNull);
	appendStringInfo(&out, " VALID UNTIL '%s'",
					 isNull ? "infinity" : timestamptz_to_str(DatumGetTimestampTz(value)));
	return out.data;
}

static List *
memberships(List *texts, Oid roleId)
{
	Relation	members = table_open(AuthMemRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_auth_members_member, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(roleId));
	scan = systable_beginscan(members, AuthMemMemRoleIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_auth_members form = (Form_pg_auth_members) GETSTRUCT(tuple);

		texts = deparse_append(texts, "GRANT %s TO %s%s", deparse_role_name(form->roleid),
							   deparse_role_name(roleId),
							   form->admin_option ? " WITH ADMIN OPTION" : "");
	}
	systable_endscan(scan);
	table_close(members, AccessShareLock);
	return texts;
}

/* a.b stays two identifiers */
static char *
setting_name(const char *name)
{
	const char *dot = strchr(name, '.');

	if (dot == NULL)
		return pstrdup(quote_identifier(name));
	return quote_qualified_identifier(pnstrdup(name, dot - name), dot + 1);
}

/* what SET takes for a stored value: settings that are lists of names take several literals */
static char *
setting_value(const char *name, char *value)
{
	StringInfoData out;
	List	   *elements;
	ListCell   *cell;

	if ((GetConfigOptionFlags(name, true) & GUC_LIST_QUOTE) == 0 ||
		!SplitGUCList(pstrdup(value), ',', &elements) || elements == NIL)
		return quote_literal_cstr(value);
	initStringInfo(&out);
	foreach(cell, elements)
		appendStringInfo(&out, "%s%s", out.len > 0 ? ", " : "", quote_literal_cstr(lfirst(cell)));
	return out.data;
}

/* settings of the role in all databases */
static List *
settings_of_role(List *texts, Oid roleId)
{
	Relation	settings = table_open(DbRoleSettingRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(InvalidOid));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(roleId));
	scan = systable_beginscan(settings, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isNull;
		Datum		array = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
										 RelationGetDescr(settings), &isNull);
		Datum	   *items;
		int			nitems = 0;

		if (!isNull)
			deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
							  &items, NULL, &nitems);
		for (int i = 0; i < nitems; i++)
		{
			char	   *name = TextDatumGetCString(items[i]);
			char	   *value = strchr(name, '=');

			if (value == NULL)
				continue;
			*value++ = '\0';
			texts = deparse_append(texts, "ALTER ROLE %s SET %s TO %s", deparse_role_name(roleId),
								   setting_name(name), setting_value(name, value));
		}
	}
	systable_endscan(scan);
	table_close(settings, AccessShareLock);
	return texts;
}

/* A role that is there already is changed to be like ours: roles belong to the whole server. */
List *
deparse_role(Oid roleId)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(roleId));
	const char *name = deparse_role_name(roleId);
	char	   *create = psprintf("CREATE ROLE %s", name);
	List	   *texts = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for role %u", roleId);
	texts = deparse_append(texts, "DO $citus$BEGIN EXECUTE %s; "
						   "EXCEPTION WHEN duplicate_object THEN NULL; END$citus$",
						   quote_literal_cstr(create));
	texts = deparse_append(texts, "ALTER ROLE %s %s", name, attributes_text(tuple));
	texts = memberships(texts, roleId);
	texts = settings_of_role(texts, roleId);
	texts = deparse_shared_comment(texts, "ROLE", name, AuthIdRelationId, roleId);
	ReleaseSysCache(tuple);
	return texts;
}

/* The database itself is made by the administrator of each server, who may have another name. */
/* the rights on foreign-data wrappers of extensions, which come with those */
static List *
wrapper_grants(List *texts, List **grantees)
{
	Relation	wrappers = table_open(ForeignDataWrapperRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(wrappers, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_data_wrapper form = (Form_pg_foreign_data_wrapper) GETSTRUCT(tuple);
		Acl		   *acl = deparse_acl_of(FOREIGNDATAWRAPPEROID, tuple,
										 Anum_pg_foreign_data_wrapper_fdwacl);
		ObjectAddress extension;

		ObjectAddressSet(extension, ExtensionRelationId,
						 getExtensionOfObject(ForeignDataWrapperRelationId, form->oid));
		if (acl == NULL || !catalog_object_is_distributed(&extension))
			continue;
		texts = deparse_grants(texts, "FOREIGN DATA WRAPPER",
							   quote_identifier(NameStr(form->fdwname)), acl, form->fdwowner);
		for (int i = 0; i < ACL_NUM(acl); i++)
			if (ACL_DAT(acl)[i].ai_grantee >= FirstNormalObjectId)
				*grantees = list_append_unique_oid(*grantees, ACL_DAT(acl)[i].ai_grantee);
	}
	systable_endscan(scan);
	table_close(wrappers, AccessShareLock);
	return texts;
}

List *
deparse_database_grants(List **grantees)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Form_pg_database form;
	Acl		   *acl;
	char	   *object;
	List	   *texts = NIL;

	*grantees = NIL;
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	form = (Form_pg_database) GETSTRUCT(tuple);
	object = psprintf("DATABASE %s", quote_identifier(NameStr(form->datname)));
	acl = deparse_acl_of(DATABASEOID, tuple, Anum_pg_database_datacl);
	if (acl != NULL)
		texts = deparse_append(texts, "REVOKE ALL ON %s FROM PUBLIC", object);
	for (int i = 0; acl != NULL && i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];

		if (item->ai_grantee == form->datdba)
			continue;
		texts = deparse_grants_of_item(texts, item, object, "");
		if (item->ai_grantee >= FirstNormalObjectId)
			*grantees = list_append_unique_oid(*grantees, item->ai_grantee);
	}
	ReleaseSysCache(tuple);
	return wrapper_grants(texts, grantees);
}
