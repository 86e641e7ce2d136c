/*
 * objects.c
 *	  Objects by names that mean the same on every node; what an object depends on.
 *
 * An object travels as (type, names, args), the words of pg_get_object_address(): OIDs differ
 * between nodes.
 *
 * Not here: the statements that make an object (deparse), rows of pg_dist_object (delta.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/deparse/object.h"
#include "cluster/cluster_internal.h"

bool
cluster_object_name(const ObjectAddress *address, char **type, List **names, List **args)
{
	*names = NIL;
	*args = NIL;
	*type = getObjectTypeDescription(address, true);
	if (*type == NULL)
		return false;
	return getObjectIdentityParts(address, names, args, true) != NULL;
}

/* a SQL literal of an array of text */
static char *
array_literal(List *strings)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	foreach(lc, strings)
	{
		if (buf.len > 1)
			appendStringInfoChar(&buf, ',');
		appendStringInfoChar(&buf, '"');
		for (const char *p = lfirst(lc); *p; p++)
		{
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(&buf, '\\');
			appendStringInfoChar(&buf, *p);
		}
		appendStringInfoChar(&buf, '"');
	}
	appendStringInfoChar(&buf, '}');
	return quote_literal_cstr(buf.data);
}

bool
cluster_object_literals(const ObjectAddress *address, char **type, char **names, char **args)
{
	List	   *nameList;
	List	   *argList;

	if (!cluster_object_name(address, type, &nameList, &argList))
		return false;
	*type = quote_literal_cstr(*type);
	*names = array_literal(nameList);
	*args = array_literal(argList);
	return true;
}

char *
cluster_object_create_command(const ObjectAddress *address)
{
	List	   *ddl = deparse_object_ddl(address);
	StringInfoData texts;
	char	   *type;
	char	   *names;
	char	   *args;
	ListCell   *lc;

	if (ddl == NIL || !cluster_object_literals(address, &type, &names, &args))
		return NULL;
	initStringInfo(&texts);
	foreach(lc, ddl)
		appendStringInfo(&texts, "%s%s", texts.len > 0 ? "," : "",
						 quote_literal_cstr(lfirst(lc)));
	return psprintf(BASE_NODE_SELECT "citus_internal.create_object(%s, %s::pg_catalog.text[], "
					"%s::pg_catalog.text[], ARRAY[%s]::pg_catalog.text[])", type, names, args,
					texts.data);
}

char *
cluster_collation_name(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace),
									  NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

/* ---- dependencies ---- */

/* what exists on every node without us */
static bool
is_everywhere(const ObjectAddress *address)
{
	if (address->classId == ExtensionRelationId && address->objectId == base_extension_oid())
		return true;
	/* relations spread as known tables, or not at all */
	if (address->classId == RelationRelationId)
	{
		char		relkind = get_rel_relkind(address->objectId);

		if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
			relkind == RELKIND_FOREIGN_TABLE || relkind == RELKIND_INDEX ||
			relkind == RELKIND_PARTITIONED_INDEX || relkind == RELKIND_MATVIEW)
			return true;
	}
	return false;
}

bool
cluster_object_is_owned(const ObjectAddress *address)
{
	Oid			source;
	Oid			target;

	if (address->classId != CastRelationId)
		return compat_object_ownercheck(address->classId, address->objectId, GetUserId());
	return deparse_cast_types(address->objectId, &source, &target) &&
		(compat_object_ownercheck(TypeRelationId, source, GetUserId()) ||
		 compat_object_ownercheck(TypeRelationId, target, GetUserId()));
}

/* true if the current user can make the object in its own name */
static bool
is_own(const ObjectAddress *address)
{
	if (superuser())
		return true;
	if (address->classId == AuthIdRelationId || address->classId == ExtensionRelationId ||
		address->classId == DatabaseRelationId)
		return false;
	return cluster_object_is_owned(address);
}

static void
record_as_owner(const ObjectAddress *address, List **commands)
{
	char	   *type;
	char	   *names;
	char	   *args;

	catalog_object_insert(address);
	if (cluster_object_literals(address, &type, &names, &args))
		*commands = lappend(*commands,
							psprintf(BASE_NODE_SELECT "citus_internal.add_object_metadata("
									 "%s, %s::pg_catalog.text[], %s::pg_catalog.text[])",
									 type, names, args));
}

/* roles have passwords */
static bool
has_role(List *objects)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		if (((const ObjectAddress *) lfirst(lc))->classId == AuthIdRelationId)
			return true;
	}
	return false;
}

/*
 * Makes objects on all other nodes and records them.  Those that the user may not make are made,
 * with all that stand before them, by the extension's owner at once: statements of a second
 * session would not be seen by the user's own before they are committed, and making an object
 * again is harmless.
 */
static void
spread_objects(List *objects)
{
	List	   *others = cluster_other_nodes();
	MetadataDelta *delta = cluster_delta_begin();
	List	   *asOwner = NIL;
	List	   *asUser = NIL;
	int			nowner = 0;

	for (int i = 0; i < list_length(objects); i++)
		if (!is_own(list_nth(objects, i)))
			nowner = i + 1;
	for (int i = 0; i < list_length(objects); i++)
	{
		const ObjectAddress *address = list_nth(objects, i);
		List	  **commands = i < nowner ? &asOwner : &asUser;
		char	   *create = others == NIL ? NULL : cluster_object_create_command(address);

		char	   *position = others == NIL ? NULL : cluster_sequence_position_command(address);

		if (create != NULL)
			*commands = lappend(*commands, create);
		if (create != NULL && position != NULL)
			*commands = lappend(*commands, position);
		if (i < nowner)
			record_as_owner(address, &asOwner);
		else
			cluster_delta_add_object(delta, address);
	}
	if (asOwner != NIL)
		cluster_run_alone_as_owner(others, asOwner);
	cluster_run(others, superuser() && has_role(objects) ? cluster_unlogged(asUser) : asUser);
	cluster_delta_apply(delta);
}

void
cluster_ensure_dependencies(const ObjectAddress *address, bool includeSelf)
{
	List	   *candidates = deparse_object_dependencies(address);
	List	   *missing = NIL;
	ListCell   *lc;

	if (includeSelf)
	{
		ObjectAddress *self = palloc(sizeof(ObjectAddress));

		*self = *address;
		candidates = lappend(candidates, self);
	}
	foreach(lc, candidates)
	{
		const ObjectAddress *candidate = lfirst(lc);

		if (is_everywhere(candidate) || catalog_object_is_distributed(candidate) ||
			!deparse_object_is_supported(candidate))
			continue;
		missing = lappend(missing, (void *) candidate);
	}
	if (missing == NIL)
		return;
	cluster_lock_node_list(false);
	spread_objects(missing);
}
