/*
 * drop_extension.c
 *	  DROP EXTENSION citus: the end of a cluster.
 *
 * On a coordinator with other nodes the statement ends the cluster before it ends the extension,
 * so that the other servers keep neither shards nor metadata and may join another cluster.  Commit
 * records go with the extension: the cluster ends in a transaction of its own, and the extension
 * is not dropped before that has been finished on all nodes.
 *
 * Main path: drop_extension() -> rehearse() -> end_cluster() -> require_finished() -> the drop.
 *
 * Invariants: (1) nothing has changed when the server refuses to drop the extension, or when a
 * node does not answer; (2) an error in the middle leaves a coordinator without nodes and tables,
 * on which the statement can be repeated.
 *
 * With citus.enable_ddl_propagation off the statement does not come here: it is then about this
 * server alone, which is how the remains of a broken cluster are removed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "citus/base/lifecycle.h"
#include "citus/base/types.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "citus/txn/txn.h"
#include "commands_internal.h"

/* every other primary, in service or not */
static List *
other_primaries(void)
{
	List	   *nodes = NIL;
	ListCell   *lc;

	foreach(lc, catalog_nodes())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->role == 'p' && node->groupId != catalog_local_group())
			nodes = lappend(nodes, (void *) node);
	}
	return nodes;
}

static void
drop_here(void *argument)
{
	Command    *command = argument;
	QueryCompletion ignored;

	PushActiveSnapshot(GetTransactionSnapshot());
	commands_run_local_statement(command, command->statement, &ignored);
	PopActiveSnapshot();
}

/* The server's own drop, undone: it raises the errors and tells what depends on the extension. */
static void
rehearse(Command *command)
{
	ErrorData  *error = base_try_subtransaction(drop_here, command, false);

	if (error != NULL)
		ReThrowError(error);
}

/* A node that does not answer would keep its shards for ever. */
static void
require_answers(List *nodes)
{
	ListCell   *lc;

	foreach(lc, cluster_run_alone(nodes, list_make1("SELECT recover_prepared_transactions()"),
								  true))
	{
		ClusterAnswer *answer = lfirst(lc);

		if (answer->reached)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot drop extension citus while node %s:%d does not answer",
						answer->node->name, answer->node->port),
				 errdetail_internal("%s", answer->error),
				 errhint("Start it; or drop the tables that have shards there and call "
						 "citus_remove_node(); or set citus.enable_ddl_propagation to off to "
						 "drop the extension on this node alone.")));
	}
}

/* All tables go, then all nodes; this session's transaction is left to be committed. */
static void
end_cluster(List *nodes)
{
	List	   *names = NIL;
	ListCell   *lc;

	cluster_lock_node_list(true);
	foreach(lc, catalog_table_oids())
		names = lappend(names, catalog_qualified_name(lfirst_oid(lc)));
	tables_drop_relations(names);
	txn_mark_local_write();
	cluster_run(nodes, list_make1(cluster_leave_command()));
	foreach(lc, catalog_nodes())
		catalog_node_delete(((const ClusterNode *) lfirst(lc))->id);
}

/* a node that left and may still be waiting for the commit of that, or NULL */
static const ClusterNode *
unfinished_node(void)
{
	ListCell   *lc;

	foreach(lc, catalog_departed_nodes())
	{
		const ClusterNode *node = lfirst(lc);

		if (catalog_commit_records(node->groupId) != NIL)
			return node;
	}
	return NULL;
}

static void
require_finished(void)
{
	const ClusterNode *node;

	(void) txn_recover();
	CommandCounterIncrement();
	node = unfinished_node();
	if (node != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot drop extension citus before node %s:%d has left the cluster",
						node->name, node->port),
				 errdetail("The node did not answer when that was committed."),
				 errhint("Try again when it answers.")));
}

static void
new_transaction(void)
{
	MemoryContext context = CurrentMemoryContext;

	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
}

/* the tables are gone, and have been named to the user */
static void
drop_quietly(Command *command)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	commands_run_local_statement(command, command->statement, command->call->qc);
	AtEOXact_GUC(true, level);
}

static void
drop_extension(Command *command, void *argument)
{
	List	   *nodes = other_primaries();

	if (nodes == NIL)
	{
		require_finished();
		commands_run_local_statement(command, command->statement, command->call->qc);
		return;
	}
	rehearse(command);
	require_answers(nodes);
	PushActiveSnapshot(GetTransactionSnapshot());
	end_cluster(nodes);
	PopActiveSnapshot();
	new_transaction();

	PushActiveSnapshot(GetTransactionSnapshot());
	require_finished();
	drop_quietly(command);
	PopActiveSnapshot();
}

List *
commands_steps_drop_own_extension(Command *command)
{
	if (!catalog_is_coordinator())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot drop extension citus on a node that is part of a cluster"),
				 errhint("Call citus_remove_node() on the coordinator first; or set "
						 "citus.enable_ddl_propagation to off to drop the extension, with the "
						 "shards of this node, on this node alone.")));
	if (other_primaries() == NIL && unfinished_node() == NULL)
		return NIL;
	if (other_primaries() != NIL)
		PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL,
								  "DROP EXTENSION citus");
	return list_make1(commands_step_alone(drop_extension, NULL));
}
