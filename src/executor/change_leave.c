/*
 * change_leave.c
 *	  In the session that keeps a shard: rows that move to another one are deleted.
 *
 * A DELETE would do, but for those who wait for such a row: they would find it deleted, and take
 * it for one that is not there.  The server marks rows that an UPDATE moves between partitions, and
 * who waits for one gets an error (40001) by which he knows; rows that move between shards get the
 * same mark.  What foreign keys ask for ON DELETE is done by the shard's own triggers, once all
 * rows are gone.
 */
#include "postgres.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "citus/base/compat.h"
#include "executor/executor_internal.h"

/* the owner's rights are what moves run with (change.c) */
static Relation
open_shard(Oid relid)
{
	Relation	relation = table_open(relid, RowExclusiveLock);
	Oid			shellRelid;

	if (!compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(relation));
	if (relation->rd_rel->relkind != RELKIND_RELATION ||
		!catalog_relation_is_shard(relid, NULL, &shellRelid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a shard", RelationGetRelationName(relation))));
	return relation;
}

/* a row that the transaction has changed since it was found has gone elsewhere */
static bool
row_is_there(Relation relation, ItemPointer place, TupleTableSlot *slot)
{
	bool		result = table_tuple_fetch_row_version(relation, place, SnapshotSelf, slot);

	ExecClearTuple(slot);
	return result;
}

/*
 * executor_rows_leave
 *		Deletes rows of a shard by their places, and marks them as moved; gone says which of them
 *		were there.  Only an owner of the shard may call it.  Fires the shard's triggers before it
 *		returns.
 */
void
executor_rows_leave(Oid relid, ItemPointer places, int n, bool *gone)
{
	Relation	relation = open_shard(relid);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *info = makeNode(ResultRelInfo);
	CommandId	command = GetCurrentCommandId(true);
	TupleTableSlot *slot = table_slot_create(relation, &estate->es_tupleTable);

	InitResultRelInfo(info, relation, 1, NULL, 0);
	executor_actions_filter(info);
	AfterTriggerBeginQuery();
	for (int i = 0; i < n; i++)
	{
		TM_FailureData failure;

		CHECK_FOR_INTERRUPTS();
		gone[i] = row_is_there(relation, &places[i], slot) &&
			table_tuple_delete(relation, &places[i], command, GetActiveSnapshot(),
							   InvalidSnapshot, true, &failure, true) == TM_Ok;
		if (gone[i])
			ExecARDeleteTriggers(estate, info, &places[i], NULL, NULL, false);
		ResetPerTupleExprContext(estate);
	}
	AfterTriggerEndQuery(estate);
	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	table_close(relation, NoLock);
}
