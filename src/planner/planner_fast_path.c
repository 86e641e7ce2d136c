/*
 * planner_fast_path.c
 *	  The first strategy: one keyed relation, key = value; or one row to insert.
 *
 * The server's planner is not asked at all for statements whose shape has been seen in this
 * session (planner_shapes.c).
 *
 * Not here: whether the value selects a shard, and which (routing, when the plan starts).
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "citus/base/settings.h"
#include "citus/routing/routing.h"
#include "planner_internal.h"

static bool enableFastPath = true;

static const SettingDef fastPathSettings[] = {
	{
		.name = "citus.enable_fast_path_router_planner",
		.description = "Enables the short way of planning for simple statements by key.",
		.type = SETTING_BOOL,
		.variable = &enableFastPath,
		.boot.b = true,
		.context = PGC_USERSET,
		.flags = GUC_NO_SHOW_ALL,
	},
};

void
planner_fast_path_init(void)
{
	base_settings_register(fastPathSettings, lengthof(fastPathSettings));
}

/* ---- by key ---- */

/* one keyed relation, no join, no sub-query */
static const DistTable *
fast_path_table(Query *query)
{
	RangeTblEntry *rte;
	const DistTable *table;

	if (list_length(query->rtable) != 1 || query->cteList != NIL || query->hasSubLinks ||
		query->setOperations != NULL || list_length(query->jointree->fromlist) != 1 ||
		query->jointree->quals == NULL)
		return NULL;
	rte = linitial_node(RangeTblEntry, query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->tablesample != NULL || rte->securityQuals != NIL)
		return NULL;
	table = catalog_table_get(rte->relid);
	return table != NULL && table->kind == DIST_TABLE_HASH ? table : NULL;
}

/* whether the key may be assigned is for the next strategy to decide */
static bool
assigns_key(Query *query, const DistTable *table)
{
	ListCell   *lc;

	if (query->commandType != CMD_UPDATE)
		return false;
	foreach(lc, query->targetList)
	{
		if (lfirst_node(TargetEntry, lc)->resno == table->keyAttno)
			return true;
	}
	return false;
}

/* the first "key = value" of a conjunction; *count: how many there are */
static PruneSpec *
find_equality(PruneSpec *prune, int *count)
{
	PruneSpec  *first = NULL;
	ListCell   *lc;

	if (prune->kind == PRUNE_EQUAL)
	{
		(*count)++;
		return prune;
	}
	if (prune->kind == PRUNE_AND)
	{
		foreach(lc, prune->args)
		{
			PruneSpec  *found = find_equality(lfirst(lc), count);

			if (first == NULL)
				first = found;
		}
	}
	return first;
}

/*
 * The fragment of a query; NULL with refusal->reason when it is not one for this strategy.  lifted:
 * its constants are parameters, so that it is not seen whether two of them contradict each other.
 */
static Fragment *
make_fragment(Query *query, const DistTable *table, bool lifted, Refusal *refusal)
{
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	int			count = 0;
	PruneSpec  *prune = find_equality(routing_prune_from_quals(quals, 1, table), &count);
	List	   *params;

	if (prune == NULL || (lifted && count > 1))
	{
		refusal->reason = "no condition key = value";
		return NULL;
	}
	query = planner_normalize(query);
	if (!planner_outputs_can_travel(query->targetList) ||
		!planner_outputs_can_travel(query->returningList))
	{
		refusal->reason = "an anonymous row type cannot be sent between nodes";
		return NULL;
	}
	refusal->reason = planner_ship_query(query, &params);
	if (refusal->reason != NULL)
		return NULL;
	prune = plan_prune_make(PRUNE_EQUAL, expression_planner(copyObject(prune->value)), NIL);
	return planner_make_fragment(query, params, table->relid, prune);
}

/* a fragment with constants lifted, made now or before; then with the statement's own constants */
static Fragment *
fragment_of_shape(Query *query, const DistTable *table)
{
	LiftedQuery lifted = planner_shape_lift(SHAPE_KEYED, query);
	bool		known;
	const Fragment *made = (const Fragment *) planner_shape_find(&lifted, &known);
	Fragment   *fragment;

	if (!known)
	{
		Refusal		refusal = {NULL, 0};

		made = make_fragment(lifted.query, table, true, &refusal);
		planner_shape_keep(&lifted, (const Node *) made);
	}
	if (made == NULL)
		return NULL;
	fragment = copyObject(unconstify(Fragment *, made));
	fragment->params = (List *) planner_shape_lower(&lifted, (Node *) fragment->params);
	fragment->prune->value =
		(Expr *) planner_shape_lower(&lifted, (Node *) fragment->prune->value);
	return fragment;
}

/* ---- one row ---- */

/* INSERT of one row of values into a distributed table */
static bool
inserts_one_row(Query *query)
{
	const DistTable *table;
	ListCell   *lc;

	if (query->jointree->fromlist != NIL || query->jointree->quals != NULL ||
		query->cteList != NIL || query->hasSubLinks || query->hasTargetSRFs)
		return false;
	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind != RTE_RELATION)
			return false;
	}
	table = catalog_table_get(rt_fetch(query->resultRelation, query->rtable)->relid);
	return table != NULL && table->kind == DIST_TABLE_HASH;
}

/* the plan that gives the row, when it is a plain list of expressions; else NULL */
static Plan *
row_plan(const PlannedStmt *stmt)
{
	CustomScan *scan = (CustomScan *) stmt->planTree;
	Plan	   *plan;

	if (!IsA(scan, CustomScan) || list_length(scan->custom_plans) != 1 || stmt->subplans != NIL)
		return NULL;
	plan = linitial(scan->custom_plans);
	if (!IsA(plan, Result) || plan->lefttree != NULL || plan->qual != NIL ||
		((Result *) plan)->resconstantqual != NULL)
		return NULL;
	return plan;
}

/* the plan of a statement with lifted constants: good for any values, and thus for no others */
static const PlannedStmt *
plan_lifted_row(PlanRequest *request, const LiftedQuery *lifted)
{
	PlanRequest liftedRequest = *request;
	Refusal		refusal = {NULL, 0};
	PlannedStmt *stmt;

	liftedRequest.query = lifted->query;
	liftedRequest.boundParams = NULL;
	stmt = planner_modify(&liftedRequest, &refusal);
	return stmt != NULL && row_plan(stmt) != NULL ? stmt : NULL;
}

static PlannedStmt *
plan_row(PlanRequest *request, Refusal *refusal)
{
	Query	   *query = request->query;
	LiftedQuery lifted = planner_shape_lift(SHAPE_ROW, query);
	bool		known;
	const PlannedStmt *made = (const PlannedStmt *) planner_shape_find(&lifted, &known);
	PlannedStmt *stmt;
	ListCell   *lc;

	refusal->reason = "the row to insert needs a plan of its own";
	if (!known)
	{
		made = plan_lifted_row(request, &lifted);
		planner_shape_keep(&lifted, (const Node *) made);
	}
	if (made == NULL)
		return NULL;

	stmt = copyObject(unconstify(PlannedStmt *, made));
	stmt->queryId = query->queryId;
	stmt->stmt_location = query->stmt_location;
	stmt->stmt_len = query->stmt_len;
	foreach(lc, row_plan(stmt)->targetlist)
	{
		TargetEntry *column = lfirst_node(TargetEntry, lc);

		/* the others, defaults mostly, are as the server has planned them */
		if (planner_shape_is_lifted((Node *) column->expr))
			column->expr = (Expr *)
				eval_const_expressions(NULL, planner_shape_lower(&lifted, (Node *) column->expr));
	}
	return stmt;
}

/* ---- the strategy ---- */

PlannedStmt *
planner_fast_path(PlanRequest *request, Refusal *refusal)
{
	Query	   *query = request->query;
	const DistTable *table;
	Fragment   *fragment;
	DistPlan   *plan;

	refusal->reason = "not one keyed relation filtered by its key";
	if (!enableFastPath || query->commandType == CMD_MERGE)
		return NULL;
	if (query->commandType == CMD_INSERT)
	{
		/* an upsert that triggers see has a plan of its own for what is in the way */
		if (query->onConflict != NULL && request->fires != NULL && request->fires->rows)
			return NULL;
		if (planner_lacks_insert_rights(request, query))
			return NULL;
		return inserts_one_row(query) ? plan_row(request, refusal) : NULL;
	}
	table = fast_path_table(query);
	if (table == NULL || assigns_key(query, table))
		return NULL;
	if (request->fires != NULL && request->fires->rows)
	{
		refusal->reason = "triggers see the rows";
		return NULL;
	}

	/* some conditions tell the shard only while their constants are constants */
	fragment = fragment_of_shape(query, table);
	if (fragment == NULL)
		fragment = make_fragment(query, table, false, refusal);
	if (fragment == NULL)
		return NULL;
	plan = plan_make(DIST_PLAN_FRAGMENT, "fast path");
	plan->fragment = fragment;
	plan->modifies = query->commandType != CMD_SELECT;
	plan->fires = request->fires;
	return planner_make_stmt(request, plan, query->commandType == CMD_SELECT ?
							 query->targetList : query->returningList);
}
