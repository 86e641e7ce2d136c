/*
 * local_keys.c
 *	  ALTER COLUMN ... TYPE of columns that plain tables of one node reference.
 *
 * Such a foreign key goes before the statement and comes back, checked, when the rows are where
 * their new values belong (tables_local_keys.c; of other nodes' tables, tables_far_keys.c).
 *
 * Main path: commands_local_keys(), whose steps are put around the statement's own.
 */
#include "postgres.h"

#include "citus/tables/tables.h"
#include "commands_internal.h"

/* LocalKeys: what has been taken off by a statement */
struct LocalKeys
{
	Oid			relid;
	List	   *columns;		/* of char *: those that get another type */
	List	   *taken;			/* here */
	FarKeys    *far;			/* on other nodes */
};

static void
take_off(Command *command, void *argument)
{
	LocalKeys  *keys = argument;

	keys->far = tables_take_off_far_keys(keys->relid, keys->columns);
	keys->taken = tables_take_off_local_keys(keys->relid, keys->columns);
}

static void
put_back(Command *command, void *argument)
{
	LocalKeys  *keys = argument;

	tables_put_back_local_keys(keys->taken);
	tables_put_back_far_keys(keys->far);
}

LocalKeys *
commands_local_keys(Oid relid, const AlterTableStmt *statement)
{
	LocalKeys  *keys;
	List	   *columns = NIL;
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_AlterColumnType)
			columns = lappend(columns, pstrdup(cmd->name));
	}
	if (columns == NIL)
		return NULL;
	keys = palloc0(sizeof(LocalKeys));
	keys->relid = relid;
	keys->columns = columns;
	return keys;
}

List *
commands_add_local_keys(LocalKeys *keys, List *steps)
{
	if (keys == NULL)
		return steps;
	steps = lcons(commands_step_call(take_off, keys), steps);
	steps = lcons(commands_step_lock_shells(list_make1_oid(keys->relid), AccessExclusiveLock,
											LOCK_CHILDREN), steps);
	return lappend(steps, commands_step_call(put_back, keys));
}
