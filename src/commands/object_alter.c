/*
 * object_alter.c
 *	  ALTER of known types, domains, functions, operators, collations, text search objects,
 *	  servers, publications and extensions.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "citus/base/types.h"
#include "commands_internal.h"

static void
refuse_from_current(AlterFunctionStmt *statement, const ObjectAddress *address)
{
	ListCell   *cell;

	if (!commands_object_is_known(address))
		return;
	foreach(cell, statement->actions)
	{
		DefElem    *action = lfirst(cell);

		if (strcmp(action->defname, "set") == 0 &&
			((VariableSetStmt *) action->arg)->kind == VAR_SET_CURRENT)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot use SET FROM CURRENT for a function that all nodes share"),
					 errhint("Give the value: SET ... TO ...")));
	}
}

/* OBJECT_* and name of what an ALTER statement changes */
static ObjectAddress
altered_object(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterEnumStmt:
			return commands_object_find(OBJECT_TYPE, (Node *) ((AlterEnumStmt *) node)->typeName);
		case T_AlterTypeStmt:
			return commands_object_find(OBJECT_TYPE, (Node *) ((AlterTypeStmt *) node)->typeName);
		case T_AlterDomainStmt:
			return commands_object_find(OBJECT_DOMAIN,
										(Node *) ((AlterDomainStmt *) node)->typeName);
		case T_AlterFunctionStmt:
			return commands_object_find(((AlterFunctionStmt *) node)->objtype,
										(Node *) ((AlterFunctionStmt *) node)->func);
		case T_AlterOperatorStmt:
			return commands_object_find(OBJECT_OPERATOR,
										(Node *) ((AlterOperatorStmt *) node)->opername);
		case T_AlterOpFamilyStmt:
			return commands_object_find(OBJECT_OPFAMILY, (Node *)
										lcons(makeString(((AlterOpFamilyStmt *) node)->amname),
											  list_copy(((AlterOpFamilyStmt *)
														 node)->opfamilyname)));
		case T_AlterCollationStmt:
			return commands_object_find(OBJECT_COLLATION,
										(Node *) ((AlterCollationStmt *) node)->collname);
		case T_AlterTSConfigurationStmt:
			return commands_object_find(OBJECT_TSCONFIGURATION,
										(Node *) ((AlterTSConfigurationStmt *) node)->cfgname);
		case T_AlterTSDictionaryStmt:
			return commands_object_find(OBJECT_TSDICTIONARY,
										(Node *) ((AlterTSDictionaryStmt *) node)->dictname);
		case T_AlterForeignServerStmt:
			return commands_object_find(OBJECT_FOREIGN_SERVER, (Node *)
										makeString(((AlterForeignServerStmt *) node)->servername));
		case T_AlterPublicationStmt:
			return commands_object_find(OBJECT_PUBLICATION, (Node *)
										makeString(((AlterPublicationStmt *) node)->pubname));
		default:
			elog(ERROR, "unexpected kind of statement: %d", (int) nodeTag(node));
	}
	return InvalidObjectAddress;
}

List *
commands_steps_alter_object(Command *command)
{
	ObjectAddress address = altered_object(command->statement);

	if (IsA(command->statement, AlterFunctionStmt))
		refuse_from_current((AlterFunctionStmt *) command->statement, &address);
	if (IsA(command->statement, AlterPublicationStmt) &&
		((AlterPublicationStmt *) command->statement)->action != AP_DropObjects)
		commands_warn_of_published(((AlterPublicationStmt *) command->statement)->pubobjects);
	if (IsA(command->statement, AlterEnumStmt) &&
		((AlterEnumStmt *) command->statement)->oldVal != NULL)
		return commands_add_rehash(address.objectId,
								   commands_steps_for_object(command, &address));
	return commands_steps_for_object(command, &address);
}

List *
commands_steps_alter_extension(Command *command)
{
	AlterExtensionStmt *statement = (AlterExtensionStmt *) command->statement;
	ObjectAddress address;

	if (strcmp(statement->extname, CITUS_EXTENSION_NAME) == 0)
		return NIL;
	address = commands_object_find(OBJECT_EXTENSION, (Node *) makeString(statement->extname));
	return commands_steps_for_object(command, &address);
}
