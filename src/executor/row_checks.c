/*
 * row_checks.c
 *	  Asks policies of row-level security about rows that this node has, where shards do not.
 *
 * The errors are those of ExecWithCheckOptions().
 */
#include "postgres.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "executor/executor_internal.h"

struct RowChecks
{
	DistScanState *scan;
	Oid			relid;
	List	   *checks;			/* of RowCheck */
	ExprContext *econtext;
	ExprState **quals;			/* of these; NULL: not an expression */
};

RowChecks *
executor_checks_begin(DistScanState *scan, List *checks, Oid relid)
{
	RowChecks  *result;
	ListCell   *cell;

	if (checks == NIL)
		return NULL;
	result = palloc0(sizeof(RowChecks));
	result->scan = scan;
	result->relid = relid;
	result->checks = checks;
	result->econtext = CreateExprContext(scan->css.ss.ps.state);
	result->quals = palloc0(sizeof(ExprState *) * list_length(checks));
	foreach(cell, checks)
	{
		RowCheck   *check = lfirst(cell);

		if (check->qual != NULL)
			result->quals[foreach_current_index(cell)] =
				ExecInitQual(list_make1(check->qual), &scan->css.ss.ps);
	}
	return result;
}

static void
raise_violation(Oid relid, const RowCheck *check)
{
	const char *table = get_rel_name(relid);
	bool		isNew = check->kind == WCO_RLS_INSERT_CHECK ||
		check->kind == WCO_RLS_UPDATE_CHECK;
	bool		isTarget = check->kind == WCO_RLS_MERGE_UPDATE_CHECK ||
		check->kind == WCO_RLS_MERGE_DELETE_CHECK;
	const char *row = isTarget ? "target" : "new";
	const char *using = isNew ? "" : "(USING expression) ";

	if (check->policy == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s row violates row-level security policy %sfor table \"%s\"", row, using,
						table)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s row violates row-level security policy \"%s\" %sfor table \"%s\"", row,
					check->policy, using, table)));
}

void
executor_checks_ask(RowChecks *checks, int kind, TupleTableSlot *made, TupleTableSlot *row)
{
	ListCell   *cell;

	foreach(cell, checks->checks)
	{
		RowCheck   *check = lfirst(cell);
		bool		passes;
		bool		isNull = false;

		if (check->kind != kind)
			continue;
		ResetExprContext(checks->econtext);
		checks->econtext->ecxt_scantuple = made;
		if (check->column > 0)
			passes = DatumGetBool(slot_getattr(row, check->column, &isNull));
		else if (check->query != NULL)
			passes = executor_query_of_row(checks->scan, check->query, made);
		else
			passes = ExecQual(checks->quals[foreach_current_index(cell)], checks->econtext);
		if (isNull || !passes)
			raise_violation(checks->relid, check);
	}
}
