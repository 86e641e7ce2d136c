/*
 * actions.c
 *	  What foreign keys ask for when rows go or change that others refer to, and that the node that
 *	  runs the statement does itself (catalog's actions.c says which foreign keys).
 *
 * There the triggers of the shell do it, after the rows have been changed: the server's own
 * functions, whose statements are planned like a user's.  Meanwhile the shards' triggers for the
 * same foreign keys must not: whoever is about to change rows tells the sessions that have the
 * shards so, and when it is over.
 *
 * A session's snapshot may be older than rows that refer to the ones that go: in REPEATABLE READ
 * no statement of ours finds them.  There, the shards look for such rows (40001).
 *
 * Invariant: nothing but the change itself runs while actions are left out.
 *
 * Main path: executor_actions_leave() around executor_change_send(); in the session of a shard
 * executor_actions_set(), executor_actions_filter().
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "citus/base/lifecycle.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "executor/change_internal.h"

/* OIDs of shells; what is asked for by foreign keys of their shards is done elsewhere */
static List *left = NIL;

/* ---- the node that runs the statement ---- */

List *
executor_actions_known(Relation relation)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, catalog_acting_here(relation, NULL))
	{
		if (catalog_table_is_known(lfirst_oid(cell)))
			result = lappend_oid(result, lfirst_oid(cell));
	}
	return result;
}

/* the other nodes that have shards of the table */
static List *
nodes_of_table(const DistTable *table)
{
	List	   *nodes = NIL;

	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		for (int j = 0; j < shard->nplacements; j++)
		{
			const ClusterNode *node = catalog_node_of_group(shard->placements[j].groupId);

			if (node != NULL && node->groupId != catalog_local_group())
				nodes = list_append_unique_ptr(nodes, unconstify(ClusterNode *, node));
		}
	}
	return nodes;
}

void
executor_actions_leave(const DistTable *table, List *shells)
{
	List	   *nodes = nodes_of_table(table);
	StringInfoData sql;
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfoString(&sql, BASE_NODE_SELECT "citus_internal.leave_actions(ARRAY[");
	foreach(cell, shells)
		appendStringInfo(&sql, "%s%s", foreach_current_index(cell) == 0 ? "" : ", ",
						 quote_literal_cstr(catalog_qualified_name(lfirst_oid(cell))));
	appendStringInfoString(&sql, "]::pg_catalog.regclass[])");
	executor_quiesce_all(NULL);
	if (nodes != NIL)
		cluster_run(nodes, list_make1(sql.data));
	executor_actions_set(shells);
}

/* ---- the session that keeps the shards ---- */

void
executor_actions_set(List *shells)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);

	list_free(left);
	left = list_copy(shells);
	MemoryContextSwitchTo(caller);
}

static bool
is_left(const Trigger *trigger)
{
	Oid			shell;

	return catalog_trigger_is_referenced(trigger) &&
		catalog_relation_is_shard(trigger->tgconstrrelid, NULL, &shell) &&
		list_member_oid(left, shell);
}

static Oid
unseen_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	return base_own_function("raise_unseen_reference", 0, NULL, &functionOid, &extensionOid);
}

/* takes what is done elsewhere from the triggers of a relation that is about to be changed */
void
executor_actions_filter(ResultRelInfo *info)
{
	TriggerDesc *triggers = info->ri_TrigDesc;
	int			kept = 0;

	if (left == NIL || triggers == NULL)
		return;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		if (is_left(&triggers->triggers[i]))
		{
			if (!IsolationUsesXactSnapshot())
				continue;
			triggers->triggers[i].tgfoid = unseen_oid();
			triggers->triggers[i].tgdeferrable = triggers->triggers[i].tginitdeferred = false;
		}
		if (kept != i)
			triggers->triggers[kept] = triggers->triggers[i];
		kept++;
	}
	triggers->numtriggers = kept;
}

void
executor_actions_statement_started(QueryDesc *query)
{
	ListCell   *cell;

	if (left == NIL)
		return;
	foreach(cell, query->estate->es_opened_result_relations)
		executor_actions_filter(lfirst(cell));
}

static void
on_lifecycle(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	if (event == LIFECYCLE_COMMIT || event == LIFECYCLE_ABORT || event == LIFECYCLE_PREPARE ||
		event == LIFECYCLE_SUB_ABORT)
		left = NIL;
}

void
executor_actions_init(void)
{
	base_lifecycle_register(PHASE_EXECUTOR, on_lifecycle);
}

/* ---- rows that the transaction does not see ---- */

/* SELECT xmin FROM ONLY shard WHERE $1 = a AND ..; fills in the values of the row that goes */
static char *
make_query(const Trigger *trigger, TupleTableSlot *row, Oid *types, Datum *values, char *nulls,
		   int *count)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(trigger->tgconstraint));
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
	Oid			equals[INDEX_MAX_KEYS];
	StringInfoData sql;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", trigger->tgconstraint);
	DeconstructFkConstraintRow(tuple, count, own, referenced, equals, NULL, NULL, NULL, NULL);
	ReleaseSysCache(tuple);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT xmin FROM %s%s",
					 get_rel_relkind(trigger->tgconstrrelid) == RELKIND_RELATION ? "ONLY " : "",
					 catalog_qualified_name(trigger->tgconstrrelid));
	executor_append_references(&sql, trigger->tgconstrrelid, own, equals, *count);
	for (int i = 0; i < *count; i++)
	{
		bool		isNull;

		types[i] = TupleDescAttr(row->tts_tupleDescriptor, referenced[i] - 1)->atttypid;
		values[i] = slot_getattr(row, referenced[i], &isNull);
		nulls[i] = isNull ? 'n' : ' ';
	}
	return sql.data;
}

/* true if the last query's rows, of which it has xmin, are not all in the snapshot */
static bool
some_are_unseen(Snapshot snapshot)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isNull;
		TransactionId xmin = DatumGetTransactionId(SPI_getbinval(SPI_tuptable->vals[i],
																 SPI_tuptable->tupdesc, 1,
																 &isNull));

		if (!TransactionIdIsCurrentTransactionId(xmin) && XidInMVCCSnapshot(xmin, snapshot))
			return true;
	}
	return false;
}

/*
 * executor_actions_look
 *		In place of a trigger that is left out, where the transaction keeps its snapshot: raises
 *		40001 when there are rows that refer to the trigger's row and that the snapshot lacks.
 */
void
executor_actions_look(TriggerData *data)
{
	const Trigger *trigger = data->tg_trigger;
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	char		nulls[INDEX_MAX_KEYS];
	int			count;
	char	   *sql;
	SPIPlanPtr	plan;
	CallerRole	caller;
	Snapshot	latest;
	bool		unseen;

	sql = make_query(trigger, data->tg_trigslot, types, values, nulls, &count);
	caller = executor_enter_unforced(catalog_relation_owner(trigger->tgconstrrelid),
									 trigger->tgconstrrelid);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(sql, count, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	latest = RegisterSnapshot(GetLatestSnapshot());
	if (SPI_execute_snapshot(plan, values, nulls, latest, InvalidSnapshot, true, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	unseen = some_are_unseen(GetTransactionSnapshot());
	UnregisterSnapshot(latest);
	SPI_finish();
	executor_leave_role(caller);
	if (unseen)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("Rows of table \"%s\" refer to the row since the transaction began.",
						   get_rel_name(trigger->tgconstrrelid))));
}
