/*
 * prepared_here.c
 *	  Statements that another node keeps prepared in this session: planned once, where their values
 *	  cannot matter.
 *
 * The server plans a prepared statement anew for the values of its first five executions, to see
 * whether that pays.  A session between nodes has a statement per shard, so that most executions in
 * a young session would be planned.  A row found by all columns of a unique index, and rows of
 * VALUES, have the same plan for all values: after one look at it the statement is marked as one
 * whose plan is generic.  Everything else is left to the server, also what asks for the columns
 * only because of a value it has now ($1 IS NULL OR k = $1), or finds them by a partial index.
 *
 * Not here: tasks of this session's own statements (local_plans.c).
 */
#include "postgres.h"

#include "access/skey.h"
#include "access/stratnum.h"
#include "commands/prepare.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "citus/base/session.h"
#include "executor/executor_internal.h"

static bool
is_column(Node *node, const Query *query, Oid relid, AttrNumber attno)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node != NULL && IsA(node, Var) && ((Var *) node)->varlevelsup == 0 &&
		((Var *) node)->varattno == attno &&
		rt_fetch(((Var *) node)->varno, query->rtable)->relid == relid;
}

/* does the statement, whatever its values, compare the column with something that is none? */
static bool
query_asks_for(const Query *query, Oid relid, AttrNumber attno)
{
	ListCell   *cell;

	foreach(cell, make_ands_implicit((Expr *) query->jointree->quals))
	{
		OpExpr	   *op = lfirst(cell);

		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		if ((is_column(linitial(op->args), query, relid, attno) &&
			 !contain_var_clause(lsecond(op->args))) ||
			(is_column(lsecond(op->args), query, relid, attno) &&
			 !contain_var_clause(linitial(op->args))))
			return true;
	}
	return false;
}

/* do the keys ask for one value of each column of a unique index? */
static bool
keys_find_one_row(const Query *query, Relation index, ScanKey keys, int nkeys)
{
	Bitmapset  *columns = NULL;
	int			count;

	if (index == NULL || !index->rd_index->indisunique || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attno = index->rd_index->indkey.values[i];

		if (attno <= 0 || !query_asks_for(query, index->rd_index->indrelid, attno))
			return false;
	}
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
finds_one_row(const Query *query, PlanState *node)
{
	if (node != NULL && IsA(node, LockRowsState))
		node = outerPlanState(node);
	if (node == NULL)
		return false;
	if (IsA(node, IndexScanState))
	{
		IndexScanState *scan = (IndexScanState *) node;

		return keys_find_one_row(query, scan->iss_RelationDesc, scan->iss_ScanKeys,
								 scan->iss_NumScanKeys);
	}
	if (IsA(node, IndexOnlyScanState))
	{
		IndexOnlyScanState *scan = (IndexOnlyScanState *) node;

		return keys_find_one_row(query, scan->ioss_RelationDesc, scan->ioss_ScanKeys,
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
suits_all_values(QueryDesc *query, const CachedPlanSource *source)
{
	PlannedStmt *stmt = query->plannedstmt;
	PlanState  *node = query->planstate;

	if (stmt->subplans != NIL || node == NULL || list_length(source->query_list) != 1)
		return false;
	if (IsA(node, ModifyTableState))
	{
		if (list_length(stmt->resultRelations) != 1)
			return false;
		node = outerPlanState(node);
	}
	return inserts_values(stmt, node) ||
		finds_one_row(linitial_node(Query, source->query_list), node);
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
	if (prepared != NULL && suits_all_values(query, prepared->plansource))
		prepared->plansource->cursor_options |= CURSOR_OPT_GENERIC_PLAN;
}
