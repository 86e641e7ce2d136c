/*
 * key_types.c
 *	  Types by whose values tables are distributed: they change, or are dropped.
 *
 * Rows are where the hash of their key says, which labels of enums and attributes of composite
 * types are part of.  When those change, the rows of such tables are put where the new hashes
 * say.  A table whose distribution column is about to go with its type (DROP ... CASCADE) becomes
 * a single shard first, as it does when the column is dropped by name (key_change.c).
 *
 * Main path: commands_add_rehash(), commands_add_dropped_types(), around the statement's own steps.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "citus/tables/tables.h"
#include "commands_internal.h"

typedef bool (*TypePredicate) (Oid type, void *context);

/* is type, or a type that values of it are made of, such a type?  Attributes only if so wanted */
static bool
type_has(Oid type, bool attributes, TypePredicate predicate, void *context)
{
	TupleDesc	desc;
	bool		found = false;

	if (predicate(type, context))
		return true;
	if (get_typtype(type) == TYPTYPE_DOMAIN)
		return type_has(getBaseType(type), attributes, predicate, context);
	if (OidIsValid(get_element_type(type)))
		return type_has(get_element_type(type), attributes, predicate, context);
	if (type_is_range(type))
		return type_has(get_range_subtype(type), attributes, predicate, context);
	if (type_is_multirange(type))
		return type_has(get_multirange_range(type), attributes, predicate, context);
	if (get_typtype(type) != TYPTYPE_COMPOSITE || !attributes)
		return false;
	desc = lookup_rowtype_tupdesc_copy(type, -1);
	for (int i = 0; i < desc->natts && !found; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		found = !attribute->attisdropped &&
			type_has(attribute->atttypid, attributes, predicate, context);
	}
	return found;
}

/* ---- types that change ---- */

static bool
is_type(Oid type, void *context)
{
	return type == *(Oid *) context;
}

/* roots of the families that are distributed by values of type */
static List *
tables_keyed_by(Oid type)
{
	List	   *roots = NIL;
	ListCell   *cell;

	foreach(cell, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(cell));

		if (table != NULL && table->kind == DIST_TABLE_HASH &&
			type_has(table->keyType, true, is_type, &type))
			roots = list_append_unique_oid(roots, tables_root(table->relid));
	}
	return roots;
}

static void
rehash(Command *command, void *argument)
{
	tables_rehash_all(argument);
}

static List *
with_rehash(List *steps, List *roots)
{
	if (steps == NIL || roots == NIL)
		return steps;
	steps = lcons(commands_step_lock_shells(roots, AccessExclusiveLock, LOCK_CHILDREN), steps);
	return lappend(steps, commands_step_call(rehash, roots));
}

List *
commands_add_rehash(Oid type, List *steps)
{
	if (steps == NIL || !OidIsValid(type))
		return steps;
	return with_rehash(steps, tables_keyed_by(type));
}

/* ---- types that go ---- */

static bool
is_among(List *addresses, Oid classId, Oid objectId)
{
	ListCell   *cell;

	foreach(cell, addresses)
	{
		const ObjectAddress *address = lfirst(cell);

		if (address->classId == classId && address->objectId == objectId)
			return true;
	}
	return false;
}

/* dropped itself, or with its schema or extension */
static bool
is_dropped(Oid type, void *context)
{
	List	   *addresses = context;
	HeapTuple	tuple;
	Oid			schemaId;

	if (is_among(addresses, TypeRelationId, type))
		return true;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return false;
	schemaId = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
	return is_among(addresses, NamespaceRelationId, schemaId) ||
		is_among(addresses, ExtensionRelationId, getExtensionOfObject(TypeRelationId, type));
}

static bool
loses_key(const DistTable *table, List *addresses)
{
	return type_has(table->keyType, false, is_dropped, addresses) ||
		(OidIsValid(table->keyCollation) &&
		 is_among(addresses, CollationRelationId, table->keyCollation));
}

static void
leave_keys(Command *command, void *argument)
{
	ListCell   *cell;

	foreach(cell, (List *) argument)
		tables_drop_key(lfirst_oid(cell));
}

/*
 * steps of DROP ... CASCADE of the objects at addresses, with what becomes of tables that lose
 * their distribution column, or part of its values, by that.
 */
List *
commands_add_dropped_types(List *addresses, List *steps)
{
	List	   *losing = NIL;
	List	   *changing = NIL;
	ListCell   *cell;

	foreach(cell, steps == NIL ? NIL : catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(cell));
		Oid			root;

		if (table == NULL || table->kind != DIST_TABLE_HASH ||
			is_among(addresses, NamespaceRelationId, get_rel_namespace(table->relid)))
			continue;
		root = tables_root(table->relid);
		if (loses_key(table, addresses))
			losing = list_append_unique_oid(losing, root);
		else if (type_has(table->keyType, true, is_dropped, addresses))
			changing = list_append_unique_oid(changing, root);
	}
	steps = with_rehash(steps, changing);
	if (losing == NIL)
		return steps;
	return lcons(commands_step_lock_shells(losing, AccessExclusiveLock, LOCK_CHILDREN),
				 lcons(commands_step_call(leave_keys, losing), steps));
}
