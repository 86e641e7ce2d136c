/*
 * rename.c
 *	  Statements that name any kind of object: RENAME, SET SCHEMA, OWNER TO, DEPENDS ON, COMMENT,
 *	  SECURITY LABEL.
 *
 * Invariant: what changes the name by which a statement finds its relation runs on the shards
 * first, because they are told the old name and find other relations through the shells.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "nodes/makefuncs.h"
#include "rewrite/rewriteSupport.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

/* ---- relations ---- */

/* what the server will ask, asked before the shards do it in their words */
static void
check_new_name(Oid relid, Oid schemaId, const char *name)
{
	AclResult	result = compat_object_aclcheck(NamespaceRelationId, schemaId, GetUserId(),
												ACL_CREATE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schemaId));
	if (OidIsValid(get_relname_relid(name, schemaId)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists in schema \"%s\"", name,
						get_namespace_name(schemaId))));
}

/* what leaves the relation's name alone: here first, so that mistakes are told in its words */
static List *
steps_shards_last(Command *command, const DistTable *table)
{
	return list_make3(commands_step_local(), commands_step_nodes(command->text),
					  commands_step_shards(table->relid, command->text, NIL));
}

/* locks, shards, here, nodes */
static List *
steps_shards_first(Command *command, const DistTable *table, LOCKMODE mode)
{
	return list_make4(commands_step_lock_shells(list_make1_oid(table->relid), mode, LOCK_ALONE),
					  commands_step_shards(table->relid, command->text, NIL),
					  commands_step_local(), commands_step_nodes(command->text));
}

/* a rule that the relation has on all nodes */
static List *
steps_for_rule(Command *command, Oid relid, const char *name)
{
	if (!commands_has_shared_rules(relid) || !OidIsValid(get_rewrite_oid(relid, name, true)) ||
		OidIsValid(deparse_rule_obstacle(relid, name)))
		return NIL;
	commands_require_owner(relid);
	commands_lock_coordinator_first(list_make1_oid(relid), AccessExclusiveLock, LOCK_ALONE);
	return list_make2(commands_step_local(), commands_step_nodes(command->text));
}

static List *
steps_for_rename_in_table(Command *command, Oid relid)
{
	RenameStmt *statement = (RenameStmt *) command->statement;
	const DistTable *table = commands_table_of_relation(relid);
	/* nobody who reads or writes the table minds the name of an index */
	LOCKMODE	mode = statement->renameType == OBJECT_INDEX &&
		(get_rel_relkind(relid) == RELKIND_INDEX ||
		 get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX) ?
		ShareUpdateExclusiveLock : AccessExclusiveLock;

	commands_require_owner(relid);
	commands_lock_coordinator_first(list_make1_oid(table->relid), mode, LOCK_CHILDREN);
	commands_qualify_text(command, list_make1(statement->relation));
	if (statement->renameType == OBJECT_TRIGGER)
		return list_make2(commands_step_local(), commands_step_nodes(command->text));
	if (statement->renameType == OBJECT_COLUMN || statement->renameType == OBJECT_TABCONSTRAINT ||
		statement->renameType == OBJECT_POLICY)
		return steps_shards_last(command, table);
	check_new_name(relid, get_rel_namespace(relid), statement->newname);
	return steps_shards_first(command, table, mode);
}

static List *
steps_for_relation_object(Command *command, Oid relid)
{
	ObjectAddress address;

	if (get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		ObjectAddressSet(address, TypeRelationId, get_rel_type_id(relid));
	else
		ObjectAddressSet(address, RelationRelationId, relid);
	return commands_steps_for_object(command, &address);
}

/* RENAME ATTRIBUTE: tables of the type have it as a column */
static List *
steps_for_rename_attribute(Command *command, Oid relid)
{
	return commands_add_tables_of_type(command, get_rel_type_id(relid),
									   steps_for_relation_object(command, relid));
}

List *
commands_steps_rename(Command *command)
{
	RenameStmt *statement = (RenameStmt *) command->statement;
	ObjectType	type = statement->renameType;
	Node	   *object = statement->object;
	ObjectAddress address;

	if (statement->relation != NULL)
	{
		Oid			relid = commands_relation_find(command, statement->relation);

		if (!OidIsValid(relid))
			return NIL;
		if (type == OBJECT_RULE)
			return steps_for_rule(command, relid, statement->subname);
		if (commands_table_of_relation(relid) != NULL)
			return steps_for_rename_in_table(command, relid);
		if (type == OBJECT_ATTRIBUTE)
			return steps_for_rename_attribute(command, relid);
		if (type == OBJECT_TABCONSTRAINT && tables_references_distributed(relid))
			return commands_steps_to_reference(relid, InvalidOid);
		return steps_for_relation_object(command, relid);
	}

	if (type == OBJECT_DATABASE || type == OBJECT_TABLESPACE)
		return NIL;
	if (type == OBJECT_STATISTIC_EXT)
		return commands_steps_for_statistics(command, castNode(List, object));
	if (type == OBJECT_DOMCONSTRAINT)
		type = OBJECT_DOMAIN;
	if (object == NULL && statement->subname != NULL)
		object = (Node *) makeString(statement->subname);
	address = commands_object_find(type, object);
	return commands_steps_for_object(command, &address);
}

static void
share_schema(Command *command, void *argument)
{
	commands_share_object((ObjectAddress *) argument);
}

static List *
steps_for_table_schema(Command *command, const DistTable *table)
{
	AlterObjectSchemaStmt *statement = (AlterObjectSchemaStmt *) command->statement;
	Oid			schemaId = get_namespace_oid(statement->newschema, true);
	ObjectAddress *address = palloc(sizeof(ObjectAddress));

	if (!OidIsValid(schemaId) || schemaId == get_rel_namespace(table->relid))
		return NIL;
	commands_require_owner(table->relid);
	/* in statements for shards what has no schema is the server's */
	if (schemaId == PG_CATALOG_NAMESPACE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot move distributed table \"%s\" into schema \"pg_catalog\"",
						get_rel_name(table->relid))));
	check_new_name(table->relid, schemaId, get_rel_name(table->relid));
	ObjectAddressSet(*address, NamespaceRelationId, schemaId);
	commands_qualify_text(command, list_make1(statement->relation));
	return lcons(commands_step_call(share_schema, address), steps_shards_first(command, table,
											 AccessExclusiveLock));
}

List *
commands_steps_set_schema(Command *command)
{
	AlterObjectSchemaStmt *statement = (AlterObjectSchemaStmt *) command->statement;
	ObjectAddress address;

	if (statement->relation != NULL)
	{
		Oid			relid = commands_relation_find(command, statement->relation);
		const DistTable *table = OidIsValid(relid) ? catalog_table_get(relid) : NULL;

		if (!OidIsValid(relid))
			return NIL;
		if (table != NULL)
			return steps_for_table_schema(command, table);
		if (tables_references_distributed(relid))
			return commands_steps_to_reference(relid, InvalidOid);
		return steps_for_relation_object(command, relid);
	}
	if (statement->objectType == OBJECT_STATISTIC_EXT)
		return commands_steps_for_statistics(command, castNode(List, statement->object));
	address = commands_object_find(statement->objectType, statement->object);
	return commands_steps_for_object(command, &address);
}

/* ---- other objects ---- */

List *
commands_steps_owner(Command *command)
{
	AlterOwnerStmt *statement = (AlterOwnerStmt *) command->statement;
	ObjectAddress address;

	if (statement->objectType == OBJECT_DATABASE)
	{
		if (!commands_alter_database_owner ||
			get_database_oid(strVal(statement->object), true) != MyDatabaseId)
			return NIL;
		return list_make2(commands_step_local(), commands_step_nodes(command->text));
	}
	if (statement->objectType == OBJECT_STATISTIC_EXT)
		return commands_steps_for_statistics(command, castNode(List, statement->object));
	address = commands_object_find(statement->objectType, statement->object);
	return commands_steps_for_object(command, &address);
}

List *
commands_steps_depends(Command *command)
{
	AlterObjectDependsStmt *statement = (AlterObjectDependsStmt *) command->statement;
	ObjectAddress address;

	if (statement->relation != NULL)
	{
		Oid			relid = commands_relation_find(command, statement->relation);

		if (commands_table_of_relation(relid) == NULL)
			return NIL;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot make an object of distributed table \"%s\" depend on an "
						"extension", get_rel_name(commands_table_of_relation(relid)->relid))));
	}
	address = commands_object_find(statement->objectType, statement->object);
	return commands_steps_for_object(command, &address);
}

/* of a known table: on all shells */
static List *
steps_for_statistics_label(Command *command, List *names)
{
	Oid			statisticsId = get_statistics_object_oid(names, true);

	if (!OidIsValid(statisticsId) || !commands_statistics_is_known(statisticsId))
		return NIL;
	return list_make2(commands_step_local(), commands_step_nodes(command->text));
}

/*
 * COMMENT and SECURITY LABEL: on the shells of a known table and what hangs on them, and on known
 * objects.
 */
static List *
steps_for_label(Command *command, ObjectType type, Node *object)
{
	Relation	relation = NULL;
	ObjectAddress address;

	if (type == OBJECT_DATABASE || type == OBJECT_TABLESPACE || type == OBJECT_LARGEOBJECT)
		return NIL;
	if (type == OBJECT_STATISTIC_EXT)
		return steps_for_statistics_label(command, castNode(List, object));
	/* a domain's constraint is known with the domain */
	if (type == OBJECT_DOMCONSTRAINT)
	{
		type = OBJECT_DOMAIN;
		object = linitial(castNode(List, object));
	}
	address = get_object_address(type, object, &relation, AccessShareLock, true);
	if (relation != NULL)
	{
		Oid			relid = RelationGetRelid(relation);

		relation_close(relation, NoLock);
		if (commands_table_of_relation(relid) == NULL && type == OBJECT_TRIGGER)
			return NIL;
		if (type == OBJECT_RULE)
			return steps_for_rule(command, relid, strVal(llast(castNode(List, object))));
		if (commands_table_of_relation(relid) == NULL)
			return steps_for_relation_object(command, relid);
		return list_make2(commands_step_local(), commands_step_nodes(command->text));
	}
	return commands_steps_for_object(command, &address);
}

List *
commands_steps_comment(Command *command)
{
	CommentStmt *statement = (CommentStmt *) command->statement;

	return steps_for_label(command, statement->objtype, statement->object);
}

List *
commands_steps_security_label(Command *command)
{
	SecLabelStmt *statement = (SecLabelStmt *) command->statement;

	return steps_for_label(command, statement->objtype, statement->object);
}
