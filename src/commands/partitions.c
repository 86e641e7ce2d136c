/*
 * partitions.c
 *	  DETACH PARTITION CONCURRENTLY of a known table.
 *
 * The server takes two transactions, so as not to wait for the parent's readers, and may leave a
 * partition half detached.  Over many nodes that would leave it half detached on some.  Here it is
 * one distributed transaction, which waits for readers, and whose outcome is the server's: the
 * partition is detached, and what its bounds said remains as a check constraint.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "commands_internal.h"

/*
 * The statement that keeps what the bounds say; NULL when other constraints do, or when the
 * condition names the parent, as with hash partitions.
 */
static char *
constraint_text(Oid parentId, Oid relid)
{
	Relation	parent = table_open(parentId, NoLock);
	Relation	partition;
	char		strategy = RelationGetPartitionKey(parent)->strategy;
	char	   *sql = NULL;

	table_close(parent, NoLock);
	if (strategy == PARTITION_STRATEGY_HASH)
		return NULL;
	partition = table_open(relid, AccessShareLock);
	if (!PartConstraintImpliedByRelConstraint(partition, RelationGetPartitionQual(partition)))
	{
		Datum		condition = DirectFunctionCall1(pg_get_partition_constraintdef,
													ObjectIdGetDatum(relid));

		sql = psprintf("ALTER TABLE %s ADD CHECK (%s)", catalog_qualified_name(relid),
					   TextDatumGetCString(condition));
	}
	table_close(partition, NoLock);
	return sql;
}

static void
add_constraint(Command *command, void *argument)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(argument, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", (char *) argument);
	SPI_finish();
}

/*
 * Makes a plain DETACH of the statement, before its steps are made; returns what comes after them.
 */
List *
commands_steps_after_detach(Command *command, Oid parentId)
{
	AlterTableStmt *statement = (AlterTableStmt *) command->statement;
	PartitionCmd *detach = (PartitionCmd *) ((AlterTableCmd *) linitial(statement->cmds))->def;
	bool		isPartitioned = get_rel_relkind(parentId) == RELKIND_PARTITIONED_TABLE;
	Oid			relid;
	char	   *text;

	PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL,
							  "ALTER TABLE ... DETACH CONCURRENTLY");
	/* of a table without partitions the server refuses it, whatever is named */
	relid = RangeVarGetRelid(detach->name, AccessShareLock, !isPartitioned);
	if (isPartitioned && OidIsValid(get_default_partition_oid(parentId)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot detach partitions concurrently when a default partition exists")));
	detach->concurrent = false;
	commands_drop_concurrently_in_text(command, detach->name);
	if (!isPartitioned || !get_rel_relispartition(relid) ||
		get_partition_parent(relid, true) != parentId)
		return NIL;
	text = constraint_text(parentId, relid);
	return text ? list_make1(commands_step_call(add_constraint, text)) : NIL;
}
