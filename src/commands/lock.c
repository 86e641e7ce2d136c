/*
 * lock.c
 *	  LOCK TABLE, and the order in which DDL takes locks.
 *
 * Whoever reads or writes a table holds a lock on the shell of its own node before it asks for one
 * on a shard.  DDL therefore has to lock the shells of all nodes before the first shard, or it
 * waits for a shell whose holder waits for a shard: a circle that no single server sees.  Among the
 * shells the coordinator's is the first, so that DDL from two nodes meets there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "citus/cluster/cluster.h"
#include "commands_internal.h"

static const char *const mode_names[] = {
	[AccessShareLock] = "ACCESS SHARE",
	[RowShareLock] = "ROW SHARE",
	[RowExclusiveLock] = "ROW EXCLUSIVE",
	[ShareUpdateExclusiveLock] = "SHARE UPDATE EXCLUSIVE",
	[ShareLock] = "SHARE",
	[ShareRowExclusiveLock] = "SHARE ROW EXCLUSIVE",
	[ExclusiveLock] = "EXCLUSIVE",
	[AccessExclusiveLock] = "ACCESS EXCLUSIVE",
};

static void
lock_coordinator(Command *command, void *argument)
{
	const ClusterNode *node = catalog_node_of_group(COORDINATOR_GROUP_ID);

	if (!catalog_is_coordinator() && node != NULL)
		cluster_run(list_make1(unconstify(ClusterNode *, node)), list_make1(argument));
}

static void
lock_others(Command *command, void *argument)
{
	List	   *nodes = NIL;
	ListCell   *cell;

	foreach(cell, cluster_other_nodes())
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId != COORDINATOR_GROUP_ID)
			nodes = lappend(nodes, lfirst(cell));
	}
	cluster_run(nodes, list_make1(argument));
}

/* LOCK TABLE of those relations that the other nodes know; NULL when there are none */
static char *
text_for_known(Command *command, const LockStmt *statement)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, statement->relations)
	{
		RangeVar   *name = lfirst(cell);
		Oid			relid = RangeVarGetRelid(name, NoLock, true);
		ObjectAddress address;

		ObjectAddressSet(address, RelationRelationId, relid);
		if (!commands_object_is_known(&address))
			continue;
		appendStringInfo(&text, "%s%s%s", text.len == 0 ? "LOCK TABLE " : ", ",
						 name->inh ? "" : "ONLY ", commands_qualified_name(relid));
	}
	if (text.len == 0)
		return NULL;
	appendStringInfo(&text, " IN %s MODE%s", mode_names[statement->mode],
					 statement->nowait ? " NOWAIT" : "");
	return text.data;
}

/* ---- for DDL ---- */

typedef struct ShellLocks
{
	List	   *relids;
	LOCKMODE	mode;
} ShellLocks;

static void
lock_shells(Command *command, void *argument)
{
	ShellLocks *locks = argument;
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, locks->relids)
	{
		/* the server has no statement that locks a foreign table */
		if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_FOREIGN_TABLE)
			appendStringInfo(&text, "%s%s", text.len == 0 ? "LOCK TABLE " : ", ",
							 commands_qualified_name(lfirst_oid(cell)));
	}
	if (text.len > 0)
	{
		appendStringInfo(&text, " IN %s MODE", mode_names[locks->mode]);
		lock_coordinator(command, text.data);
	}
	foreach(cell, locks->relids)
		LockRelationOid(lfirst_oid(cell), locks->mode);
	if (text.len > 0)
		lock_others(command, text.data);
}

/*
 * The step that locks the shells of known tables on all nodes.  The user must have the right to
 * lock them: callers check ownership, or let the server do so, before.
 */
CommandStep *
commands_step_lock_shells(List *relids, LOCKMODE mode)
{
	ShellLocks *locks = palloc(sizeof(ShellLocks));

	locks->relids = relids;
	locks->mode = mode;
	return commands_step_call(lock_shells, locks);
}

/* ---- the statement ---- */

List *
commands_steps_lock(Command *command)
{
	LockStmt   *statement = (LockStmt *) command->statement;
	char	   *text = text_for_known(command, statement);

	if (text == NULL)
		return NIL;
	RequireTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL, "LOCK TABLE");
	return list_make3(commands_step_call(lock_coordinator, text), commands_step_local(),
					  commands_step_call(lock_others, text));
}
