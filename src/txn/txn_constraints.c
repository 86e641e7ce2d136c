/*
 * txn_constraints.c
 *	  SET CONSTRAINTS, which is in force for the rest of the transaction on all of its nodes.
 *
 * What was said is kept, in order, with the nesting level it was said at, and sent to each
 * participant with the next command that it gets: before the savepoints of deeper levels, so that
 * a rollback there undoes what it does here.
 *
 * Invariant: levels never fall along the list, for what a level said goes, or becomes its parent's,
 * when it ends.  So a participant that has n entries has the first n.
 *
 * Not here: which constraints of shards are meant (commands).
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "txn/txn_internal.h"

typedef struct ConstraintCommand
{
	int			level;
	char	   *sql;
} ConstraintCommand;

/* in the top transaction's context */
static List *commands = NIL;

/* of the transaction, from now on; participants get it with their next command */
void
txn_constraints_add(const char *sql)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	ConstraintCommand *command = palloc(sizeof(ConstraintCommand));

	command->level = GetCurrentTransactionNestLevel();
	command->sql = pstrdup(sql);
	commands = lappend(commands, command);
	MemoryContextSwitchTo(caller);
}

void
txn_constraints_send(RemoteXact *xact, int level)
{
	while (xact->constraints < list_length(commands))
	{
		ConstraintCommand *command = list_nth(commands, xact->constraints);

		if (command->level > level)
			return;
		txn_send_own(xact->conn, command->sql);
		xact->constraints++;
	}
}

/* nodes (const ClusterNode *) that the transaction has written */
List *
txn_constraints_nodes(void)
{
	List	   *nodes = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);
		const ClusterNode *node = catalog_node_by_id(xact->nodeId);

		if (xact->state == XACT_OPEN && xact->wrote && node != NULL)
			nodes = list_append_unique_ptr(nodes, unconstify(ClusterNode *, node));
	}
	return nodes;
}

void
txn_constraints_sub_commit(void)
{
	int			level = GetCurrentTransactionNestLevel();
	ListCell   *cell;

	foreach(cell, commands)
	{
		ConstraintCommand *command = lfirst(cell);

		command->level = Min(command->level, level - 1);
	}
}

void
txn_constraints_sub_abort(void)
{
	int			level = GetCurrentTransactionNestLevel();
	dlist_iter	iter;

	while (commands != NIL && ((ConstraintCommand *) llast(commands))->level >= level)
		commands = list_delete_last(commands);
	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		xact->constraints = Min(xact->constraints, list_length(commands));
	}
}

void
txn_constraints_forget(void)
{
	commands = NIL;
}
