/*
 * commands.c
 *	  Entry of utility statements and settings of the module.
 *
 * Every utility statement of the session comes through commands_process().  Most leave at once:
 * the extension is not active, the statement is one of ours or a part of one that has been
 * handled already, or no handler is interested.  The rest become a Command, whose handler answers
 * a list of steps (steps.c runs them).
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "tcop/utility.h"

#include "citus/base/session.h"
#include "citus/base/settings.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

static bool ddl_propagation = true;
bool		commands_create_type_propagation = true;
bool		commands_create_role_propagation = true;
bool		commands_alter_role_propagation = true;
bool		commands_alter_role_set_propagation = true;
bool		commands_use_managed_tables = false;
bool		commands_alter_database_owner = true;
int			commands_object_propagation = OBJECTS_IMMEDIATE;

static const struct config_enum_entry object_propagation_options[] = {
	{"deferred", OBJECTS_DEFERRED, false},
	{"automatic", OBJECTS_AUTOMATIC, false},
	{"immediate", OBJECTS_IMMEDIATE, false},
	{NULL, 0, false}
};

#define HIDDEN (GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE)

static const SettingDef settings[] = {
	{.name = "citus.enable_ddl_propagation",
		.description = "Sends DDL statements to the other nodes and to shards.",
		.type = SETTING_BOOL, .variable = &ddl_propagation, .boot.b = true,
	.context = PGC_USERSET, .flags = HIDDEN},
	{.name = "citus.enable_create_type_propagation",
		.description = "Creates types on the other nodes too.",
		.type = SETTING_BOOL, .variable = &commands_create_type_propagation, .boot.b = true,
	.context = PGC_USERSET, .flags = HIDDEN},
	{.name = "citus.enable_create_role_propagation",
		.description = "Creates and drops roles, and changes their memberships, on all nodes.",
		.type = SETTING_BOOL, .variable = &commands_create_role_propagation, .boot.b = true,
	.context = PGC_USERSET},
	{.name = "citus.enable_alter_role_propagation",
		.description = "Alters roles on the other nodes too.",
		.type = SETTING_BOOL, .variable = &commands_alter_role_propagation, .boot.b = true,
	.context = PGC_USERSET, .flags = HIDDEN},
	{.name = "citus.enable_alter_role_set_propagation",
		.description = "Alters settings of roles on the other nodes too.",
		.type = SETTING_BOOL, .variable = &commands_alter_role_set_propagation, .boot.b = true,
	.context = PGC_USERSET, .flags = HIDDEN},
	{.name = "citus.enable_alter_database_owner",
		.description = "Changes the owner of the database on the other nodes too.",
		.type = SETTING_BOOL, .variable = &commands_alter_database_owner, .boot.b = true,
	.context = PGC_USERSET, .flags = HIDDEN},
	{.name = "citus.use_citus_managed_tables",
		.description = "Makes every new local table known to all nodes.",
		.type = SETTING_BOOL, .variable = &commands_use_managed_tables, .boot.b = false,
	.context = PGC_USERSET},
	{.name = "citus.create_object_propagation",
		.description = "Says when new types, functions and other objects reach the other nodes.",
		.type = SETTING_ENUM, .variable = &commands_object_propagation,
		.boot.i = OBJECTS_IMMEDIATE, .options = object_propagation_options,
	.context = PGC_USERSET, .flags = HIDDEN},
};

void
commands_init(void)
{
	base_settings_register(settings, lengthof(settings));
}

static void
pass_through(UtilityCall *call)
{
	ProcessUtility_hook_type next = call->next ? call->next : standard_ProcessUtility;

	next(call->pstmt, call->queryString, call->readOnlyTree, call->context, call->params,
		 call->queryEnv, call->dest, call->qc);
}

/* true when the catalogs may be asked about the statement, and ours are there */
static bool
can_look(const UtilityCall *call)
{
	return call->context != PROCESS_UTILITY_SUBCOMMAND && !creating_extension &&
		IsTransactionState() && !IsAbortedTransactionBlockState() && base_extension_is_active();
}

/*
 * The handler of a statement that may concern us, or NULL.
 *
 * Statements inside an extension's script belong to the extension: they run on every node with
 * CREATE EXTENSION there.
 */
static const CommandHandler *
handler_for(const UtilityCall *call, bool propagates)
{
	const CommandHandler *handler;

	if (call->context == PROCESS_UTILITY_SUBCOMMAND || creating_extension)
		return NULL;
	handler = commands_handler_find(nodeTag(call->pstmt->utilityStmt));
	if (handler == NULL || (!handler->always && !propagates))
		return NULL;
	return can_look(call) ? handler : NULL;
}

static List *
steps_of(Command *command, const CommandHandler *handler)
{
	command->statement = copyObject(command->call->pstmt->utilityStmt);
	command->edits = NIL;
	commands_cut_text(command);
	return handler->steps(command);
}

static void
run_here(UtilityCall *call, bool internal)
{
	/*
	 * A shell altered for another node: foreign keys are checked between shards, and the server's
	 * own check of a new one must read the (empty) shells.
	 */
	bool		isShell = internal && IsA(call->pstmt->utilityStmt, AlterTableStmt);
	List	   *sizes = NIL;

	if (internal && can_look(call))
		sizes = commands_shell_sizes(call->pstmt->utilityStmt);
	if (isShell)
		base_frame_push(FRAME_OWN_DDL);
	pass_through(call);
	if (isShell)
		base_frame_pop(FRAME_OWN_DDL);
	commands_shell_sizes_restore(sizes);
	/* without citus.enable_ddl_propagation, or in a script; parts belong to their statement */
	if (!internal && call->context != PROCESS_UTILITY_SUBCOMMAND && IsTransactionState() &&
		base_extension_is_active() && cluster_is_complete())
		commands_watch_unhandled(call->pstmt->utilityStmt);
}

static void
run_handler(UtilityCall *call, Command *command, const CommandHandler *handler)
{
	List	   *sizes = commands_shell_sizes(call->pstmt->utilityStmt);
	List	   *steps = steps_of(command, handler);

	if (steps != NIL && commands_lock_names(command))
		steps = steps_of(command, handler);
	if (steps == NIL)
		pass_through(call);
	else
		commands_run_steps(command, steps);
	commands_shell_sizes_restore(sizes);
}

static void
process(UtilityCall *call)
{
	Command		command = {0};
	const CommandHandler *handler;

	if (base_frame_active(FRAME_OWN_DDL) || base_frame_active(FRAME_METADATA_CHANGE))
	{
		pass_through(call);
		return;
	}

	command.call = call;
	command.internal = base_session_is_internal();
	command.propagates = ddl_propagation && !command.internal;
	handler = handler_for(call, command.propagates);
	if (handler == NULL)
		run_here(call, command.internal);
	else
		run_handler(call, &command, handler);
	tables_after_statement();
}

void
commands_process(UtilityCall *call)
{
	Node	   *statement = call->pstmt->utilityStmt;
	bool		meetsViews = (IsA(statement, DropStmt) || IsA(statement, CreateSchemaStmt)) &&
		can_look(call);

	if (meetsViews)
		commands_own_views_leave(statement);
	process(call);
	if (meetsViews)
		commands_own_views_return(statement);
}
