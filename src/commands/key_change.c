/*
 * key_change.c
 *	  ALTER TABLE ... DROP COLUMN and ALTER COLUMN ... TYPE of the distribution column.
 *
 * A column that goes is left first: the table becomes a single shard, then the statement runs as
 * any other.  Before its rows are touched the statement is tried on this node's shell, in a
 * subtransaction, so that what PostgreSQL has to say against it is said at once.
 *
 * A column that gets another type gets it as any other column does, shard by shard; then the rows
 * go where the hashes of their new values say.
 *
 * Main path: commands_steps_before_key_change(), commands_steps_after_key_change(), around the
 * statement's own steps.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/lifecycle.h"
#include "citus/base/session.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

/* KeyChange: what a statement does to the distribution column of a table */
struct KeyChange
{
	Oid			relid;
	char	   *column;
	bool		dropped;
	bool		converted;
	List	   *storage;		/* of Oid: where the shells' rows would be, before the statement */
	List	   *members;
};

static Oid
storage_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			storage;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	storage = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	return storage;
}

KeyChange *
commands_key_change(const DistTable *table, const AlterTableStmt *statement)
{
	KeyChange  *change;
	ListCell   *cell;

	if (!DIST_TABLE_HAS_KEY(table))
		return NULL;
	change = palloc0(sizeof(KeyChange));
	change->relid = table->relid;
	change->column = get_attname(table->relid, table->keyAttno, false);
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->name == NULL || strcmp(cmd->name, change->column) != 0)
			continue;
		change->dropped |= cmd->subtype == AT_DropColumn;
		change->converted |= cmd->subtype == AT_AlterColumnType;
	}
	return change->dropped || change->converted ? change : NULL;
}

/* ---- dropping ---- */

static void
run_on_own_shell(Command *command, Oid relid)
{
	PlannedStmt *wrapper = copyObject(command->call->pstmt);
	AlterTableStmt *statement = copyObject((AlterTableStmt *) command->statement);

	tables_forget_local_rows(relid);
	if (!commands_fit_alter_table(relid, statement))
		return;
	wrapper->utilityStmt = (Node *) statement;
	base_frame_push(FRAME_OWN_DDL);
	ProcessUtility(wrapper, command->call->queryString, false, PROCESS_UTILITY_SUBCOMMAND,
				   command->call->params, command->call->queryEnv, None_Receiver, NULL);
	base_frame_pop(FRAME_OWN_DDL);
}

/* Rehearsal: a statement that is undone */
typedef struct Rehearsal
{
	Command    *command;
	Oid			relid;
} Rehearsal;

static void
rehearse_on_shell(void *argument)
{
	Rehearsal  *rehearsal = argument;

	run_on_own_shell(rehearsal->command, rehearsal->relid);
}

/* event triggers do not see it, and what it has to remark is remarked when it is done for good */
static void
rehearse(Command *command, void *argument)
{
	Rehearsal	rehearsal = {command, ((KeyChange *) argument)->relid};
	int			level = NewGUCNestLevel();
	ErrorData  *error;

	(void) set_config_option("client_min_messages", "error", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	error = base_try_subtransaction(rehearse_on_shell, &rehearsal, false);
	AtEOXact_GUC(true, level);
	if (error != NULL)
		ReThrowError(error);
}

static void
leave_key(Command *command, void *argument)
{
	tables_drop_key(((KeyChange *) argument)->relid);
}

/* ---- converting ---- */

static void
note_storage(Command *command, void *argument)
{
	KeyChange  *change = argument;
	ListCell   *cell;

	change->members = tables_family(change->relid);
	foreach(cell, change->members)
		change->storage = lappend_oid(change->storage, storage_of(lfirst_oid(cell)));
}

static void
check_new_type(Command *command, void *argument)
{
	KeyChange  *change = argument;

	tables_check_new_key(change->relid, change->column);
}

/* a table that the server does not rewrite keeps its values, at most with another type */
static bool
was_rewritten(const KeyChange *change)
{
	for (int i = 0; i < list_length(change->members); i++)
	{
		if (storage_of(list_nth_oid(change->members, i)) != list_nth_oid(change->storage, i))
			return true;
	}
	return false;
}

static void
rehash(Command *command, void *argument)
{
	KeyChange  *change = argument;

	tables_rehash(change->relid, change->column, was_rewritten(change));
}

/* ---- the steps ---- */

List *
commands_steps_before_key_change(KeyChange *change)
{
	List	   *steps;

	if (change == NULL)
		return NIL;
	steps = list_make1(commands_step_lock_shells(list_make1_oid(change->relid),
												 AccessExclusiveLock, LOCK_CHILDREN));
	if (change->dropped)
		return list_concat(steps, list_make2(commands_step_call(rehearse, change),
											 commands_step_call(leave_key, change)));
	return lappend(steps, commands_step_call(note_storage, change));
}

List *
commands_steps_amid_key_change(KeyChange *change)
{
	if (change == NULL || change->dropped)
		return NIL;
	return list_make1(commands_step_call(check_new_type, change));
}

List *
commands_steps_after_key_change(KeyChange *change)
{
	if (change == NULL || change->dropped)
		return NIL;
	return list_make1(commands_step_call(rehash, change));
}
