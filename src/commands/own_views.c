/*
 * own_views.c
 *	  The extension's views in schema public, when that schema goes and comes.
 *
 * citus_tables and citus_schemas are found in schema public where there is one, in schema citus
 * where there is none (sql/views.sql).  DROP SCHEMA public CASCADE is how many empty a database:
 * by the server's dependencies it would take the views, with them the extension, and with that the
 * cluster.  So the views go to schema citus before, and come back when public is made again.  This
 * happens on each node, where the statement runs there.
 *
 * Not here: what DROP OWNED and other cascades reach; the views go the way of the server there.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "commands/tablecmds.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

#include "citus/base/types.h"
#include "commands_internal.h"

static const char *const own_views[] = {"citus_tables", "citus_schemas"};

/* The name may be taken in the new schema: then the view stays where it is. */
static void
move_view(const char *name, Oid from, Oid to)
{
	Oid			relid = get_relname_relid(name, from);
	ObjectAddresses *moved;
	Relation	view;

	if (!OidIsValid(relid) || OidIsValid(get_relname_relid(name, to)) ||
		getExtensionOfObject(RelationRelationId, relid) !=
		get_extension_oid(CITUS_EXTENSION_NAME, true))
		return;
	moved = new_object_addresses();
	view = table_open(relid, AccessExclusiveLock);
	AlterTableNamespaceInternal(view, from, to, moved);
	table_close(view, NoLock);
	free_object_addresses(moved);
}

static void
move_views(const char *from, const char *to)
{
	Oid			fromId = get_namespace_oid(from, true);
	Oid			toId = get_namespace_oid(to, true);

	if (!OidIsValid(fromId) || !OidIsValid(toId))
		return;
	for (int i = 0; i < lengthof(own_views); i++)
		move_view(own_views[i], fromId, toId);
	CommandCounterIncrement();
}

/*
 * Before the server runs the statement.  Takes AccessExclusiveLock on the views.  Whoever may not
 * drop the schema gets the server's error, which takes this back.
 */
void
commands_own_views_leave(Node *statement)
{
	DropStmt   *drop = (DropStmt *) statement;
	ListCell   *cell;

	if (!IsA(statement, DropStmt) || drop->removeType != OBJECT_SCHEMA)
		return;
	foreach(cell, drop->objects)
	{
		if (strcmp(strVal(lfirst(cell)), "public") == 0)
			move_views("public", "citus");
	}
}

/* After the server has run the statement; locks as above. */
void
commands_own_views_return(Node *statement)
{
	CreateSchemaStmt *create = (CreateSchemaStmt *) statement;

	if (IsA(statement, CreateSchemaStmt) && create->schemaname != NULL &&
		strcmp(create->schemaname, "public") == 0)
		move_views("citus", "public");
}
