/*
 * prepared_here.c
 *	  Statements that another node keeps prepared in this session: planned once, where their values
 *	  cannot matter.
 *
 * The server plans a prepared statement anew for the values of its first five executions, to see
 * whether that pays.  A session between nodes has a statement per shard, so that most executions in
 * a young session would be planned.  A row found by all columns of a unique index, and rows of
 * VALUES, have the same plan for all values: after one look at it the statement is marked as one
 * whose plan is generic.  Everything else is left to the server.
 *
 * Not here: tasks of this session's own statements (local_plans.c).
 */
#include "postgres.h"

#include "access/skey.h"
#include "access/stratnum.h"
#include "commands/prepare.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "tcop/pquery.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "citus/base/session.h"
#include "executor/executor_internal.h"

/* do the keys ask for one value of each column of a unique index? */
static bool
keys_find_one_row(Relation index, ScanKey keys, int nkeys)
{
	Bitmapset  *columns = NULL;
	int			count;

	if (index == NULL || !index->rd_index->indisunique)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		if (keys[i].sk_strategy == BTEqualStrategyNumber && keys[i].sk_flags == 0)
			columns = bms_add_member(columns, keys[i].sk_attno);
	}
	count = bms_num_members(columns);
	bms_free(columns);
	return count == index->rd_index->indnkeyatts;
}

static bool
finds_one_row(PlanState *node)
{
	if (node != NULL && IsA(node, LockRowsState))
		node = outerPlanState(node);
	if (node == NULL)
		return false;
	if (IsA(node, IndexScanState))
	{
		IndexScanState *scan = (IndexScanState *) node;

		return keys_find_one_row(scan->iss_RelationDesc, scan->iss_ScanKeys,
								 scan->iss_NumScanKeys);
	}
	if (IsA(node, IndexOnlyScanState))
	{
		IndexOnlyScanState *scan = (IndexOnlyScanState *) node;

		return keys_find_one_row(scan->ioss_RelationDesc, scan->ioss_ScanKeys,
								 scan->ioss_NumScanKeys);
	}
	return false;
}

static bool
inserts_values(PlannedStmt *stmt, PlanState *source)
{
	return stmt->commandType == CMD_INSERT && source != NULL &&
		(IsA(source, ValuesScanState) ||
		 (IsA(source, ResultState) && outerPlanState(source) == NULL));
}

/* would the plan be the same for all values? */
static bool
suits_all_values(QueryDesc *query)
{
	PlannedStmt *stmt = query->plannedstmt;
	PlanState  *node = query->planstate;

	if (stmt->subplans != NIL || node == NULL)
		return false;
	if (IsA(node, ModifyTableState))
	{
		if (list_length(stmt->resultRelations) != 1)
			return false;
		node = outerPlanState(node);
	}
	return inserts_values(stmt, node) || finds_one_row(node);
}

/*
 * The executor has started a statement that was planned for its values.
 */
void
executor_custom_plan_started(QueryDesc *query)
{
	PreparedStatement *prepared;

	if (ActivePortal == NULL || ActivePortal->prepStmtName == NULL ||
		list_length(ActivePortal->stmts) != 1 ||
		linitial(ActivePortal->stmts) != query->plannedstmt ||
		!base_session_is_internal())
		return;
	prepared = FetchPreparedStatement(ActivePortal->prepStmtName, false);
	if (prepared != NULL && suits_all_values(query))
		prepared->plansource->cursor_options |= CURSOR_OPT_GENERIC_PLAN;
}
