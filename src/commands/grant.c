/*
 * grant.c
 *	  GRANT and REVOKE on tables and on other known objects.
 *
 * One statement may name many objects, known ones and others, or all of a schema; for the other
 * nodes and the shards it is printed again for each known object.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "commands_internal.h"

/* ---- text ---- */

static void
append_privileges(StringInfo text, List *privileges)
{
	ListCell   *cell;

	if (privileges == NIL)
	{
		appendStringInfoString(text, "ALL");
		return;
	}
	foreach(cell, privileges)
	{
		AccessPriv *privilege = lfirst(cell);
		ListCell   *columnCell;

		if (cell != list_head(privileges))
			appendStringInfoString(text, ", ");
		appendStringInfoString(text, privilege->priv_name ? privilege->priv_name : "ALL");
		foreach(columnCell, privilege->cols)
			appendStringInfo(text, "%s%s", columnCell == list_head(privilege->cols) ? " (" : ", ",
							 quote_identifier(strVal(lfirst(columnCell))));
		if (privilege->cols != NIL)
			appendStringInfoChar(text, ')');
	}
}

static const char *
role_text(const RoleSpec *spec)
{
	if (spec->roletype == ROLESPEC_PUBLIC)
		return "PUBLIC";
	return quote_identifier(get_rolespec_name(spec));
}

static char *
grant_text(const GrantStmt *statement, const char *kind, const char *objectName)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfoString(&text, statement->is_grant ? "GRANT " : "REVOKE ");
	if (!statement->is_grant && statement->grant_option)
		appendStringInfoString(&text, "GRANT OPTION FOR ");
	append_privileges(&text, statement->privileges);
	appendStringInfo(&text, " ON %s %s %s ", kind, objectName,
					 statement->is_grant ? "TO" : "FROM");
	foreach(cell, statement->grantees)
		appendStringInfo(&text, "%s%s", cell == list_head(statement->grantees) ? "" : ", ",
						 role_text(lfirst(cell)));
	if (statement->is_grant && statement->grant_option)
		appendStringInfoString(&text, " WITH GRANT OPTION");
	if (statement->grantor)
		appendStringInfo(&text, " GRANTED BY %s", role_text(statement->grantor));
	if (!statement->is_grant)
		appendStringInfoString(&text, commands_behavior_text(statement->behavior));
	return text.data;
}

/* ---- objects ---- */

static const char *
grant_keyword(ObjectType type)
{
	if (type == OBJECT_FOREIGN_SERVER)
		return "FOREIGN SERVER";
	return commands_object_keyword(type);
}

static ObjectAddress *
copy_address(ObjectAddress address)
{
	ObjectAddress *copy = palloc(sizeof(ObjectAddress));

	*copy = address;
	return copy;
}

static bool
is_in_schemas(Oid schemaId, List *schemaNames)
{
	ListCell   *cell;

	foreach(cell, schemaNames)
	{
		if (get_namespace_oid(strVal(lfirst(cell)), true) == schemaId)
			return true;
	}
	return false;
}

/* ALL TABLES / SEQUENCES / FUNCTIONS IN SCHEMA: true when address is meant */
static bool
is_of_class(const ObjectAddress *address, ObjectType type)
{
	char		relkind;

	if (address->classId == ProcedureRelationId)
		return type == OBJECT_FUNCTION || type == OBJECT_PROCEDURE || type == OBJECT_ROUTINE;
	if (address->classId != RelationRelationId)
		return false;
	relkind = get_rel_relkind(address->objectId);
	return type == OBJECT_SEQUENCE ? relkind == RELKIND_SEQUENCE
		: type == OBJECT_TABLE && relkind != RELKIND_SEQUENCE;
}

static Oid
schema_of(const ObjectAddress *address)
{
	return address->classId == ProcedureRelationId
		? get_func_namespace(address->objectId) : get_rel_namespace(address->objectId);
}

static List *
known_objects_in_schemas(const GrantStmt *statement)
{
	List	   *result = NIL;
	List	   *tables = catalog_table_oids();
	ListCell   *cell;

	if (statement->objtype == OBJECT_TABLE)
	{
		foreach(cell, tables)
		{
			ObjectAddress address;

			ObjectAddressSet(address, RelationRelationId, lfirst_oid(cell));
			if (is_in_schemas(get_rel_namespace(address.objectId), statement->objects))
				result = lappend(result, copy_address(address));
		}
	}
	foreach(cell, catalog_objects())
	{
		ObjectAddress *address = lfirst(cell);

		if (!is_of_class(address, statement->objtype) ||
			(address->classId == RelationRelationId &&
			 list_member_oid(tables, address->objectId)))
			continue;
		if (is_in_schemas(schema_of(address), statement->objects))
			result = lappend(result, copy_address(*address));
	}
	return result;
}

static ObjectAddress
granted_object(Command *command, ObjectType type, Node *object)
{
	ObjectAddress address = InvalidObjectAddress;

	/* tables, views and, in the old way, sequences */
	if (IsA(object, RangeVar))
	{
		ObjectAddressSet(address, RelationRelationId,
						 commands_relation_find(command, (RangeVar *) object));
		return address;
	}
	if (grant_keyword(type) == NULL)
		return address;
	return commands_object_find(type, object);
}

/* objects that every node has had from the start, or has with their extension */
static bool
is_everywhere(ObjectType type, const ObjectAddress *address)
{
	ObjectAddress extension;

	switch (type)
	{
		case OBJECT_DATABASE:
			return address->objectId == MyDatabaseId;
		case OBJECT_SCHEMA:
			return address->objectId == PG_PUBLIC_NAMESPACE;
		case OBJECT_FDW:
			if (!OidIsValid(address->objectId))
				return false;
			ObjectAddressSet(extension, ExtensionRelationId,
							 getExtensionOfObject(address->classId, address->objectId));
			return catalog_object_is_distributed(&extension);
		default:
			return false;
	}
}

static List *
known_objects(Command *command, const GrantStmt *statement)
{
	List	   *result = NIL;
	ListCell   *cell;

	if (statement->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		return known_objects_in_schemas(statement);
	if (statement->targtype != ACL_TARGET_OBJECT)
		return NIL;
	foreach(cell, statement->objects)
	{
		ObjectAddress address = granted_object(command, statement->objtype, lfirst(cell));

		if (is_everywhere(statement->objtype, &address) || commands_object_is_known(&address))
			result = lappend(result, copy_address(address));
	}
	return result;
}

/* rights on a database do not make it depend on their roles */
static void
share_grantees(Command *command, void *argument)
{
	commands_share_roles(argument);
}

List *
commands_steps_grant(Command *command)
{
	GrantStmt  *statement = (GrantStmt *) command->statement;
	List	   *objects = known_objects(command, statement);
	List	   *steps = NIL;
	ListCell   *cell;

	foreach(cell, objects)
	{
		ObjectAddress *address = lfirst(cell);
		bool		isRelation = address->classId == RelationRelationId;
		char	   *name = isRelation ? catalog_qualified_name(address->objectId)
			: getObjectIdentity(address, false);
		char	   *text = grant_text(statement, grant_keyword(statement->objtype), name);

		if (address->classId == DatabaseRelationId ||
			address->classId == ForeignDataWrapperRelationId)
			steps = lappend(steps, commands_step_call(share_grantees, statement->grantees));
		else
			steps = lappend(steps, commands_step_dependencies(address->classId,
															  address->objectId));
		steps = lappend(steps, commands_step_nodes(text));
		if (isRelation && catalog_table_is_known(address->objectId))
			steps = lappend(steps, commands_step_shards(address->objectId, text, NIL));
	}
	return steps == NIL ? NIL : lcons(commands_step_local(), steps);
}
