/*
 * planner_store.c
 *	  INSERT of many rows into a shard: stored many at a time.
 *
 * In a task, the server's node for INSERT is replaced by one that writes a page's rows at once
 * (store.c of the executor).  Its rows, constraints, index entries and foreign keys are the same;
 * it is chosen where nothing can tell when within the statement a row was stored.
 *
 * Invariant: what would make the answer another one (triggers, policies, functions) is part of the
 * relation or of the statement, whose changes make the server plan anew.
 */
#include "postgres.h"

#include "access/table.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/rel.h"

#include "citus/base/session.h"
#include "planner_internal.h"

/* a trigger of the relation, or a function that it calls for a row, may look at its rows */
static bool
relation_is_watched(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (triggers != NULL &&
		(triggers->trig_insert_before_row || triggers->trig_insert_instead_row ||
		 triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
		 triggers->trig_insert_new_table))
		return true;
	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
	{
		if (contain_volatile_functions(stringToNode(constraints->check[i].ccbin)))
			return true;
	}
	return false;
}

/* a table of its own, with no more than constraints to keep */
static bool
relation_takes_batches(Oid relid)
{
	Relation	relation;
	bool		takes;

	if (!catalog_relation_is_shard(relid, NULL, NULL))
		return false;
	relation = table_open(relid, NoLock);
	takes = relation->rd_rel->relkind == RELKIND_RELATION && !relation_is_watched(relation);
	table_close(relation, NoLock);
	return takes;
}

/* rows that the server's node would insert and do nothing else with */
static bool
inserts_only(ModifyTable *modify)
{
	ListCell   *lc;

	if (modify->operation != CMD_INSERT || !modify->canSetTag ||
		list_length(modify->resultRelations) != 1 || modify->rootRelation != 0 ||
		modify->onConflictAction != ONCONFLICT_NONE || modify->returningLists != NIL ||
		modify->withCheckOptionLists != NIL || modify->rowMarks != NIL)
		return false;
	foreach(lc, outerPlan(modify)->targetlist)
	{
		if (lfirst_node(TargetEntry, lc)->resjunk)
			return false;
	}
	return true;
}

/*
 * planner_may_store_batches
 *		Is query, which has not been planned yet, a task whose rows nothing watches on their way?
 */
bool
planner_may_store_batches(Query *query)
{
	return query->commandType == CMD_INSERT && query->onConflict == NULL &&
		query->returningList == NIL &&
		(base_session_is_internal() || base_frame_active(FRAME_LOCAL_TASK)) &&
		!contain_volatile_functions_not_nextval((Node *) query);
}

/*
 * planner_store_batches
 *		Changes the server's plan of such a query, if its table takes rows in batches.
 */
void
planner_store_batches(PlannedStmt *stmt)
{
	ModifyTable *modify = (ModifyTable *) stmt->planTree;
	CustomScan *scan;

	if (modify == NULL || !IsA(modify, ModifyTable) || !inserts_only(modify))
		return;
	/* one row: nothing is won */
	if (IsA(outerPlan(modify), Result) && outerPlan(outerPlan(modify)) == NULL)
		return;
	if (!relation_takes_batches(rt_fetch(linitial_int(modify->resultRelations),
										 stmt->rtable)->relid))
		return;
	scan = planner_make_scan(plan_make(DIST_PLAN_STORE, "rows stored in batches"), NIL, 0);
	scan->scan.plan.startup_cost = modify->plan.startup_cost;
	scan->scan.plan.total_cost = modify->plan.total_cost;
	scan->scan.plan.plan_rows = modify->plan.plan_rows;
	scan->scan.plan.plan_width = modify->plan.plan_width;
	scan->scan.plan.initPlan = modify->plan.initPlan;
	scan->scan.plan.extParam = modify->plan.extParam;
	scan->scan.plan.allParam = modify->plan.allParam;
	scan->custom_plans = list_make1(outerPlan(modify));
	stmt->planTree = (Plan *) scan;
}
