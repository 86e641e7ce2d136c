/*
 * drop.c
 *	  DROP and the ends of ownership.
 *
 * Tables go by the event trigger of the tables module, which sees cascades too.  Other objects
 * that are known are dropped here by the server, then by name on the other nodes.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "citus/base/types.h"
#include "citus/cluster/cluster.h"
#include "citus/executor/executor.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

typedef struct DroppedObjects
{
	List	   *addresses;		/* of ObjectAddress * */
	List	   *texts;
} DroppedObjects;

static void
drop_elsewhere(Command *command, void *argument)
{
	DroppedObjects *dropped = argument;

	commands_run_on_nodes(dropped->texts);
}

static void
forget_objects(Command *command, void *argument)
{
	DroppedObjects *dropped = argument;
	MetadataDelta *delta = cluster_delta_begin();
	ListCell   *cell;

	foreach(cell, dropped->addresses)
		cluster_delta_drop_object(delta, lfirst(cell));
	cluster_delta_apply(delta);
}

/* the rows of pg_dist_object first, while all nodes still know the objects by name */
static List *
steps_for_dropped(DroppedObjects *dropped)
{
	if (dropped->addresses == NIL)
		return NIL;
	return list_make3(commands_step_call(forget_objects, dropped), commands_step_local(),
					  commands_step_call(drop_elsewhere, dropped));
}

static void
note_dropped(DroppedObjects *dropped, ObjectType type, const ObjectAddress *address,
			 DropBehavior behavior)
{
	ObjectAddress *copy = palloc(sizeof(ObjectAddress));

	*copy = *address;
	dropped->addresses = lappend(dropped->addresses, copy);
	dropped->texts = lappend(dropped->texts, commands_drop_text(type, address, behavior));
}

/*
 * The tables of the schemas that are dropped, where the user may lock them: queries hold their
 * shells when they come to shards, so whoever drops both takes them in that order.
 */
static void
lock_tables_of_schemas(Command *command, void *argument)
{
	List	   *schemas = NIL;
	List	   *relids = NIL;
	CommandStep *lock;
	ListCell   *cell;

	foreach(cell, ((DropStmt *) command->statement)->objects)
	{
		Oid			schemaId = get_namespace_oid(strVal(lfirst(cell)), true);

		/* whoever may not drop the schema is told so by the server */
		if (OidIsValid(schemaId) &&
			compat_object_ownercheck(NamespaceRelationId, schemaId, GetUserId()))
			schemas = lappend_oid(schemas, schemaId);
	}
	foreach(cell, catalog_table_oids())
	{
		Oid			relid = lfirst_oid(cell);

		if (list_member_oid(schemas, get_rel_namespace(relid)) &&
			compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
			relids = lappend_oid(relids, relid);
	}
	if (relids == NIL)
		return;
	lock = commands_step_lock_shells(relids, AccessExclusiveLock,
									 LOCK_CHILDREN | LOCK_DROPPED_FROM);
	lock->run(command, lock->argument);
}

/*
 * A missing schema or type in the name is an error of the server's only without IF EXISTS; here
 * it means that there is nothing to drop.
 */
static List *
steps_drop_objects(Command *command)
{
	DropStmt   *statement = (DropStmt *) command->statement;
	DroppedObjects *dropped = palloc0(sizeof(DroppedObjects));
	List	   *steps;
	ListCell   *cell;

	if (commands_object_keyword(statement->removeType) == NULL)
		return NIL;
	foreach(cell, statement->objects)
	{
		Node	   *object = lfirst(cell);
		ObjectAddress address;

		if (statement->removeType == OBJECT_EXTENSION &&
			strcmp(strVal(object), CITUS_EXTENSION_NAME) == 0)
			return commands_steps_drop_own_extension(command);
		address = commands_object_find(statement->removeType, object);
		if (commands_object_is_known(&address))
			note_dropped(dropped, statement->removeType, &address, statement->behavior);
	}
	steps = steps_for_dropped(dropped);
	if (statement->behavior == DROP_CASCADE && steps != NIL)
		steps = commands_add_dropped_types(dropped->addresses, steps);
	if (statement->removeType == OBJECT_SCHEMA && statement->behavior == DROP_CASCADE &&
		steps != NIL)
		steps = lcons(commands_step_call(lock_tables_of_schemas, NULL), steps);
	return steps;
}

/* Nodes that are down do not keep a table from being dropped: they are left behind. */
static void
lock_where_present(Command *command, void *argument)
{
	CommandStep *lock = argument;
	bool		skipped = cluster_skip_unsynced;

	(void) cluster_absent_groups();
	cluster_skip_unsynced = true;
	PG_TRY();
	{
		lock->run(command, lock->argument);
	}
	PG_FINALLY();
	{
		cluster_skip_unsynced = skipped;
	}
	PG_END_TRY();
}

/*
 * Tables go by the event trigger; here their shells are locked, before that comes to the shards.
 * Clients do not drop shards by hand.
 */
static List *
steps_drop_tables(Command *command)
{
	DropStmt   *statement = (DropStmt *) command->statement;
	List	   *relids = NIL;
	CommandStep *lock;
	ListCell   *cell;

	foreach(cell, statement->objects)
	{
		Oid			relid = commands_relation_find(command,
												   makeRangeVarFromNameList(lfirst(cell)));

		if (!OidIsValid(relid) || !catalog_table_is_known(relid))
			continue;
		/* the owner of the schema may drop it, too, but not lock it */
		if (compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
			relids = list_append_unique_oid(relids, relid);
		executor_triggers_refuse_pending(relid, "DROP TABLE");
		if (statement->behavior == DROP_RESTRICT)
			tables_refuse_watched(relid);
	}
	if (relids == NIL)
		return NIL;
	lock = commands_step_lock_shells(relids, AccessExclusiveLock,
									 LOCK_CHILDREN | LOCK_DROPPED_FROM);
	return list_make2(commands_step_call(lock_where_present, lock), commands_step_local());
}

List *
commands_steps_drop(Command *command)
{
	DropStmt   *statement = (DropStmt *) command->statement;

	switch (statement->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
			return steps_drop_tables(command);
		case OBJECT_MATVIEW:
			return NIL;
		case OBJECT_INDEX:
			return commands_steps_drop_index(command);
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			return commands_steps_drop_attached(command);
		case OBJECT_STATISTIC_EXT:
			return commands_steps_drop_statistics(command);
		default:
			return steps_drop_objects(command);
	}
}
