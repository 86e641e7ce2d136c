/*
 * roles.c
 *	  Roles, memberships, settings of roles and of the database: equal on all nodes.
 *
 * A role is made on the other nodes from the catalogs, so that its password travels as the hash
 * that this node has stored and never in clear.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "commands_internal.h"

static ObjectAddress
role_address(const char *name)
{
	ObjectAddress address;

	ObjectAddressSet(address, AuthIdRelationId, get_role_oid(name, true));
	return address;
}

static void
share_role(const char *name)
{
	ObjectAddress address = role_address(name);

	if (OidIsValid(address.objectId) && !IsReservedName(name))
		cluster_ensure_dependencies(&address, true);
}

/* makes the roles known on all nodes; specs: a List of RoleSpec * */
void
commands_share_roles(List *specs)
{
	ListCell   *cell;

	foreach(cell, specs)
	{
		RoleSpec   *spec = lfirst(cell);

		if (spec->roletype != ROLESPEC_PUBLIC)
			share_role(get_rolespec_name(spec));
	}
}

/* ---- CREATE ROLE ---- */

static char *
role_spec_text(const RoleSpec *spec)
{
	if (spec->roletype == ROLESPEC_PUBLIC)
		return "PUBLIC";
	return pstrdup(quote_identifier(get_rolespec_name(spec)));
}

/* memberships that CREATE ROLE gives beside the role's own attributes */
static void
share_memberships(const CreateRoleStmt *statement)
{
	const char *role = quote_identifier(statement->role);
	ListCell   *optionCell;

	foreach(optionCell, statement->options)
	{
		DefElem    *option = lfirst(optionCell);
		bool		into = strcmp(option->defname, "addroleto") == 0;
		bool		admin = strcmp(option->defname, "adminmembers") == 0;
		ListCell   *cell;

		if (!into && !admin && strcmp(option->defname, "rolemembers") != 0)
			continue;
		commands_share_roles((List *) option->arg);
		foreach(cell, (List *) option->arg)
		{
			char	   *other = role_spec_text(lfirst(cell));
			char	   *text = psprintf("GRANT %s TO %s%s", into ? other : role,
										into ? role : other, admin ? " WITH ADMIN OPTION" : "");

			commands_run_on_nodes(list_make1(text));
		}
	}
}

static void
share_created_role(Command *command, void *argument)
{
	CreateRoleStmt *statement = (CreateRoleStmt *) command->statement;

	share_role(statement->role);
	share_memberships(statement);
}

List *
commands_steps_create_role(Command *command)
{
	if (!commands_create_role_propagation)
		return NIL;
	return list_make2(commands_step_local(), commands_step_call(share_created_role, NULL));
}

/* ---- ALTER ROLE ---- */

static bool
changes_password(const AlterRoleStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->options)
	{
		if (strcmp(((DefElem *) lfirst(cell))->defname, "password") == 0)
			return true;
	}
	return false;
}

/*
 * All attributes of the role as they are now, on the other nodes; as the extension's owner, who
 * may say them in full and keep the password out of their logs.  The server here has found that
 * the user may change what he changed.
 */
static void
run_as_it_is(const ObjectAddress *role)
{
	ClusterUser saved = cluster_become_owner();

	commands_run_on_nodes(cluster_unlogged(deparse_object_ddl(role)));
	cluster_restore_user(saved);
}

/* a password travels as this node has stored it, never as the user has typed it */
static void
share_altered_role(Command *command, void *argument)
{
	AlterRoleStmt *statement = (AlterRoleStmt *) command->statement;
	char	   *name = get_rolespec_name(statement->role);
	ObjectAddress address = role_address(name);

	if (!commands_object_is_known(&address))
		cluster_ensure_dependencies(&address, true);
	else if (superuser() || changes_password(statement))
		run_as_it_is(&address);
	else
		commands_run_on_nodes(list_make1(unconstify(char *, command->text)));
}

static bool
changes_members_only(const AlterRoleStmt *statement)
{
	DefElem    *option;

	if (list_length(statement->options) != 1)
		return false;
	option = linitial(statement->options);
	return strcmp(option->defname, "rolemembers") == 0;
}

static void
share_named_role(Command *command, void *argument)
{
	share_role((const char *) argument);
}

static CommandStep *
step_share_role(const RoleSpec *spec)
{
	return commands_step_call(share_named_role, get_rolespec_name(spec));
}

List *
commands_steps_alter_role(Command *command)
{
	AlterRoleStmt *statement = (AlterRoleStmt *) command->statement;

	if (!commands_alter_role_propagation)
		return NIL;
	if (changes_members_only(statement))
		return list_make3(commands_step_local(), step_share_role(statement->role),
						  commands_step_nodes(command->text));
	return list_make2(commands_step_local(), commands_step_call(share_altered_role, NULL));
}

static bool
is_other_database(const char *name)
{
	return name != NULL && get_database_oid(name, true) != MyDatabaseId;
}

List *
commands_steps_alter_role_set(Command *command)
{
	AlterRoleSetStmt *statement = (AlterRoleSetStmt *) command->statement;

	if (!commands_alter_role_set_propagation || is_other_database(statement->database))
		return NIL;
	if (statement->role == NULL)
		return list_make2(commands_step_local(), commands_step_nodes(command->text));
	return list_make3(commands_step_local(), step_share_role(statement->role),
					  commands_step_nodes(command->text));
}

/* ---- DROP ROLE ---- */

static void
forget_roles(Command *command, void *argument)
{
	DropRoleStmt *statement = (DropRoleStmt *) command->statement;
	MetadataDelta *delta = cluster_delta_begin();
	ListCell   *cell;

	foreach(cell, statement->roles)
	{
		RoleSpec   *spec = lfirst(cell);
		ObjectAddress address;

		if (spec->roletype != ROLESPEC_CSTRING)
			continue;
		address = role_address(spec->rolename);
		if (OidIsValid(address.objectId))
			cluster_delta_drop_object(delta, &address);
	}
	cluster_delta_apply(delta);
}

List *
commands_steps_drop_role(Command *command)
{
	DropRoleStmt *statement = (DropRoleStmt *) command->statement;
	StringInfoData text;
	ListCell   *cell;

	if (!commands_create_role_propagation)
		return NIL;
	initStringInfo(&text);
	foreach(cell, statement->roles)
		appendStringInfo(&text, "%s%s", text.len == 0 ? "DROP ROLE IF EXISTS " : ", ",
						 ((RoleSpec *) lfirst(cell))->roletype == ROLESPEC_CSTRING
						 ? quote_identifier(((RoleSpec *) lfirst(cell))->rolename)
						 : role_spec_text(lfirst(cell)));
	return list_make3(commands_step_call(forget_roles, NULL), commands_step_local(),
					  commands_step_nodes(text.data));
}

/* ---- memberships ---- */

static void
share_granted_roles(Command *command, void *argument)
{
	GrantRoleStmt *statement = (GrantRoleStmt *) command->statement;
	ListCell   *cell;

	foreach(cell, statement->granted_roles)
		share_role(((AccessPriv *) lfirst(cell))->priv_name);
	commands_share_roles(statement->grantee_roles);
}

List *
commands_steps_grant_role(Command *command)
{
	if (!commands_create_role_propagation)
		return NIL;
	return list_make3(commands_step_local(), commands_step_call(share_granted_roles, NULL),
					  commands_step_nodes(command->text));
}

/* ---- DROP OWNED, REASSIGN OWNED ---- */

static void
share_owners(Command *command, void *argument)
{
	commands_share_roles((List *) argument);
}

List *
commands_steps_drop_owned(Command *command)
{
	List	   *roles;

	if (IsA(command->statement, DropOwnedStmt))
		roles = ((DropOwnedStmt *) command->statement)->roles;
	else
		roles = lappend(list_copy(((ReassignOwnedStmt *) command->statement)->roles),
						((ReassignOwnedStmt *) command->statement)->newrole);
	return list_make3(commands_step_call(share_owners, roles), commands_step_local(),
					  commands_step_nodes(command->text));
}

/* ---- ALTER DATABASE ... SET ---- */

List *
commands_steps_database_set(Command *command)
{
	AlterDatabaseSetStmt *statement = (AlterDatabaseSetStmt *) command->statement;

	if (is_other_database(statement->dbname))
		return NIL;
	return list_make2(commands_step_local(), commands_step_nodes(command->text));
}
