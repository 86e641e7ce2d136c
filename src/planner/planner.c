/*
 * planner.c
 *	  The driver: which statements are ours, and the strategies in order.
 *
 * Main path: planner_plan() lets the server plan what touches no known relation.  Otherwise the
 * strategies are asked in the order of the table below; each answers with a statement or fills in
 * a Refusal, and the last one always answers for a SELECT.
 *
 * Invariant: request->query is never changed by a strategy, so the next one starts afresh.
 *
 * Not here: anything a strategy does.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "citus/base/settings.h"
#include "citus/routing/routing.h"
#include "planner_change_internal.h"
#include "planner_paths_internal.h"

/* so many rows of a table may become many of a result */
#define LARGE_TABLE		5000.0

static bool logRefusals = false;
static bool enableRouter = true;

static const SettingDef plannerSettings[] = {
	{
		.name = "citus.log_planner_refusals",
		.description = "Reports why planner strategies step aside.",
		.type = SETTING_BOOL,
		.variable = &logRefusals,
		.boot.b = false,
		.context = PGC_USERSET,
	},
	{
		.name = "citus.enable_router_execution",
		.description = "Enables sending whole statements to one shard group.",
		.type = SETTING_BOOL,
		.variable = &enableRouter,
		.boot.b = true,
		.context = PGC_USERSET,
		.flags = GUC_NO_SHOW_ALL,
	},
};

void
planner_init(void)
{
	base_settings_register(plannerSettings, lengthof(plannerSettings));
	planner_fast_path_init();
}

/* ---- one shard group, pushdown ---- */

/* a join of relations by key: several relations, nothing below them, constants to be lifted */
static bool
may_have_shape(Query *query)
{
	ListCell   *lc;

	if (query->cteList != NIL || query->hasSubLinks || query->setOperations != NULL ||
		query->jointree->quals == NULL)
		return false;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if ((rte->rtekind != RTE_RELATION && rte->rtekind != RTE_JOIN) ||
			rte->tablesample != NULL || rte->securityQuals != NIL)
			return false;
	}
	return true;
}

/* is the key equal to something else, too?  Then constants may contradict each other. */
static bool
has_another_pin(const PruneSpec *prune, const Expr *pin)
{
	ListCell   *lc;

	if (prune == NULL)
		return false;
	if (prune->kind == PRUNE_EQUAL)
		return !equal(prune->value, pin);
	if (prune->kind != PRUNE_AND)
		return false;
	foreach(lc, prune->args)
	{
		if (has_another_pin(lfirst(lc), pin))
			return true;
	}
	return false;
}

/* the plan of a query that one shard group answers whatever the constants; or NULL */
static const DistPlan *
plan_pinned(Query *lifted)
{
	Query	   *query = planner_normalize(lifted);
	QueryShape	shape = {0};
	Refusal		refusal = {NULL, 0};
	DistPlan   *whole = NULL;

	planner_shape(query, &shape);
	if (!shape.pinned || shape.pin == NULL || has_another_pin(shape.prune, shape.pin))
		return NULL;
	if (planner_transform(query, &refusal, &whole) == NULL || whole == NULL ||
		whole->fragment->prune == NULL || whole->fragment->prune->kind != PRUNE_EQUAL)
		return NULL;
	return whole;
}

static DistPlan *
plan_of_shape(Query *query)
{
	LiftedQuery lifted;
	const DistPlan *made;
	DistPlan   *plan;
	bool		known;

	if (!may_have_shape(query))
		return NULL;
	lifted = planner_shape_lift(SHAPE_PINNED, query);
	if (lifted.constants == NIL)
		return NULL;
	made = (const DistPlan *) planner_shape_find(&lifted, &known);
	if (!known)
	{
		made = plan_pinned(lifted.query);
		planner_shape_keep(&lifted, (const Node *) made);
	}
	if (made == NULL)
		return NULL;
	plan = copyObject(unconstify(DistPlan *, made));
	plan->fragment->params = (List *)
		planner_shape_lower(&lifted, (Node *) plan->fragment->params);
	plan->fragment->prune->value = (Expr *)
		planner_shape_lower(&lifted, (Node *) plan->fragment->prune->value);
	return plan;
}

/*
 * How many rows the client gets decides about their way to it: worth knowing where they may be
 * many, and planning takes little of the time.
 */
static void
estimate_whole(PlanRequest *request, Fragment *fragment)
{
	if (OidIsValid(fragment->anchor) && planner_table_rows(fragment->anchor) >= LARGE_TABLE &&
		(fragment->prune == NULL || fragment->prune->kind != PRUNE_EQUAL))
		fragment->estimatedRows = planner_estimate_rows(request, request->query);
}

/*
 * May rows change between two that the statement gives?  By functions of users, or by whoever
 * fetches them: cursors, and loops of procedural languages, which do not plan for parallel workers.
 */
static bool
changes_between_rows(const PlanRequest *request)
{
	return (request->query->commandType == CMD_SELECT &&
			(request->cursorOptions & CURSOR_OPT_PARALLEL_OK) == 0) ||
		planner_calls_users(request->query);
}

static PlannedStmt *
plan_transformed(PlanRequest *request, Refusal *refusal)
{
	DistPlan   *whole;
	Query	   *upper;
	PlannedStmt *stmt;
	Query	   *query;

	if (request->query->commandType != CMD_SELECT)
	{
		refusal->reason = "the statement modifies a relation of this node";
		return NULL;
	}
	if (!enableRouter)
	{
		refusal->reason = "switched off";
		return NULL;
	}
	if (planner_keeps_locks(request, request->query, refusal))
		return NULL;
	whole = plan_of_shape(request->query);
	if (whole != NULL)
		return planner_make_stmt(request, whole, request->query->targetList);
	query = planner_normalize(request->query);
	upper = planner_transform_key_values(request, query);
	if (upper != NULL)
		return planner_scan_query(request, upper);
	upper = planner_transform_fragments(request, query, refusal, &whole);
	if (upper == NULL)
	{
		upper = planner_transform_values(request, query, refusal);
		return upper == NULL ? NULL : planner_scan_query(request, upper);
	}
	if (whole != NULL)
	{
		estimate_whole(request, whole->fragment);
		return planner_make_stmt(request, whole, request->query->targetList);
	}
	stmt = planner_run_server(request, upper);
	compat_stmt_take_relations(stmt, request->query);
	return stmt;
}

PlannedStmt *
planner_push_down(PlanRequest *request)
{
	Refusal		refusal = {NULL, 0};

	return plan_transformed(request, &refusal);
}

static PlannedStmt *
plan_row_locks(PlanRequest *request, bool scans)
{
	DistPlan   *plan;
	PlannedStmt *stmt;

	if (request->query->commandType != CMD_SELECT || request->query->rowMarks == NIL)
		return NULL;
	plan = planner_lock(request, request->query, scans);
	if (plan == NULL)
		return NULL;
	stmt = planner_make_stmt(request, plan, request->query->targetList);
	/* with whose rights rows are found and locked depends on what the user may do */
	stmt->dependsOnRole = true;
	return stmt;
}

static PlannedStmt *
plan_lock(PlanRequest *request, Refusal *refusal)
{
	refusal->reason = "no rows are locked, or fragments can lock them";
	return plan_row_locks(request, false);
}

static PlannedStmt *
plan_scan(PlanRequest *request, Refusal *refusal)
{
	PlannedStmt *stmt = plan_row_locks(request, true);

	return stmt != NULL ? stmt : planner_scan(request);
}

/* ---- strategies in order ---- */

typedef PlannedStmt *(*StrategyPlan) (PlanRequest *request, Refusal *refusal);

typedef struct Strategy
{
	const char *name;
	StrategyPlan plan;
} Strategy;

static const Strategy selectStrategies[] = {
	{"fast path", planner_fast_path},
	{"row locks", plan_lock},
	{"one shard group or pushdown", plan_transformed},
	{"scan", plan_scan},
};

static const Strategy modifyStrategies[] = {
	{"fast path", planner_fast_path},
	{"modify", planner_modify},
};

static bool
modifies_known_relation(Query *query)
{
	return query->commandType != CMD_SELECT && query->resultRelation > 0 &&
		catalog_table_is_known(rt_fetch(query->resultRelation, query->rtable)->relid);
}

static void
raise_refusal(Query *query, Refusal *refusal)
{
	RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);

	ereport(ERROR,
			(errcode(refusal->sqlstate ? refusal->sqlstate : ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot modify table \"%s\" in this way", rte->eref->aliasname),
			 refusal->reason ? errdetail_internal("%s", refusal->reason) : 0));
}

/*
 * A fragment that selects runs on one copy of what it touches: modifications in it must be of rows
 * that have one copy, leave them where they are, fire no triggers, and no view may check the rows,
 * which the text of a statement on shards does not say.
 */
static bool
ctes_may_travel(Query *query, List **looked)
{
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		Query	   *part = castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery);
		const DistTable *table;
		ListCell   *target;

		if (part->commandType == CMD_SELECT)
			continue;
		table = catalog_table_get(rt_fetch(part->resultRelation, part->rtable)->relid);
		if (table == NULL || table->kind == DIST_TABLE_REFERENCE ||
			planner_fires(part, looked) != NULL ||
			planner_policies_ask_caller(part) || planner_has_check_options(part))
			return false;
		foreach(target, part->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, target);

			if (part->commandType == CMD_UPDATE && DIST_TABLE_HAS_KEY(table) && !tle->resjunk &&
				tle->resno == table->keyAttno)
				return false;
		}
	}
	return true;
}

/*
 * A rule's action reads the rows that the statement is about from an entry that stands in no FROM
 * clause that anybody wrote, and would not be printed in one; its columns are still called those of
 * NEW.
 */
static bool
make_rule_printable(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		((Var *) node)->varnosyn = ((Var *) node)->varno;
		((Var *) node)->varattnosyn = ((Var *) node)->varattno;
		return false;
	}
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->jointree == NULL ? NIL : query->jointree->fromlist)
		{
			Node	   *item = lfirst(lc);

			if (IsA(item, RangeTblRef) &&
				((RangeTblRef *) item)->rtindex != query->resultRelation)
				rt_fetch(((RangeTblRef *) item)->rtindex, query->rtable)->inFromCl = true;
		}
		return query_tree_walker(query, make_rule_printable, context, 0);
	}
	return expression_tree_walker(node, make_rule_printable, context);
}

/* for a query with a known relation */
static PlannedStmt *
plan_by_strategy(PlanRequest *request)
{
	bool		modifies = modifies_known_relation(request->query);
	const Strategy *strategies = modifies ? modifyStrategies : selectStrategies;
	int			n = modifies ? lengthof(modifyStrategies) : lengthof(selectStrategies);
	Refusal		refusal = {NULL, 0};
	PlannedStmt *inParts;
	List	   *looked = NIL;

	if (request->query->hasModifyingCTE &&
		planner_find_modification(request->query, true) != NULL)
	{
		PlannedStmt *stmt = NULL;

		if (!modifies && ctes_may_travel(request->query, &looked))
			stmt = plan_transformed(request, &refusal);
		if (stmt == NULL)
			stmt = planner_modifying_ctes(request);
		stmt->relationOids = list_concat_unique_oid(stmt->relationOids, looked);
		return stmt;
	}
	request->fires = modifies ? planner_fires(request->query, &looked) : NULL;
	if (request->fires != NULL)
		request->fires->joins = request->joins;
	for (int i = 0; i < n; i++)
	{
		PlannedStmt *stmt;

		if ((request->early != NULL || planner_lock_is_wanted(request, request->query)) &&
			strategies[i].plan == planner_fast_path)
			continue;

		memset(&refusal, 0, sizeof(refusal));
		stmt = strategies[i].plan(request, &refusal);
		if (stmt != NULL)
		{
			if (looked != NIL)
				stmt->relationOids = list_concat_unique_oid(stmt->relationOids, looked);
			return stmt;
		}
		if (logRefusals)
			ereport(NOTICE,
					(errmsg("planner strategy \"%s\" steps aside", strategies[i].name),
					 errdetail_internal("%s", refusal.reason ? refusal.reason : "")));
	}
	inParts = planner_conflict_ctes(request);
	if (inParts == NULL)
		raise_refusal(request->query, &refusal);
	return inParts;
}

PlannedStmt *
planner_plan_request(PlanRequest *request)
{
	return planner_has_known_relation(request->query) ? plan_by_strategy(request) :
		planner_run_server(request, request->query);
}

/* Rows of a shard are written through its table, which knows where else they belong. */
static void
refuse_shard_change(Query *query)
{
	Oid			relid;
	Oid			shellRelid;

	if (query->commandType == CMD_SELECT || query->resultRelation == 0 ||
		base_session_is_internal() || base_frame_active(FRAME_LOCAL_TASK) ||
		catalog_shard_changes_allowed())
		return;
	relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	if (!catalog_relation_is_shard(relid, NULL, &shellRelid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot modify shard relation \"%s\" directly", get_rel_name(relid)),
			 errdetail("It holds rows of table \"%s\".", get_rel_name(shellRelid)),
			 errhint("Use the table itself, or set citus.enable_manual_changes_to_shards.")));
}

/* what follows once the statement is as it is to be planned */
static PlannedStmt *
plan_known(PlanRequest *request)
{
	Query	   *asked = request->query;
	Query	   *query = request->query = planner_resolve_current_of(request->query);
	CursorSpec *cursor;
	PlannedStmt *stmt;

	if (query->querySource != QSRC_ORIGINAL)
		(void) make_rule_printable((Node *) query, NULL);
	request->changesBetween = planner_has_row_locks((Node *) query) &&
		changes_between_rows(request);
	cursor = planner_cursor_begin(request);
	stmt = plan_by_strategy(request);
	stmt->dependsOnRole |= planner_depends_on_role(query);
	/* cursors of SQL, not the loops of procedural languages */
	if ((request->cursorOptions & CURSOR_OPT_FAST_PLAN) &&
		!(request->cursorOptions & CURSOR_OPT_NO_SCROLL) && query->rowMarks == NIL)
		planner_allow_backward(stmt->planTree);
	if (cursor != NULL)
		planner_cursor_end(stmt, cursor);
	/* with whose rights the shards work may have been changed: the user needs his own */
	if (request->query != asked)
	{
		compat_stmt_take_relations(stmt, asked);
		stmt->dependsOnRole = true;
	}
	return stmt;
}

static PlannedStmt *
plan_any(PlanRequest *request)
{
	Query	   *parse = request->query;
	PlannedStmt *stmt;
	List	   *dependencies = NIL;
	bool		ours = !base_frame_active(FRAME_OWN_DDL) && parse->utilityStmt == NULL;
	bool		hasKnown;

	if (!base_extension_is_active())
		return planner_run_server(request, parse);
	request->query = parse = planner_ask_session_user(parse);
	if (parse->utilityStmt == NULL && !catalog_is_coordinator())
		request->query = parse = planner_redirect_sequences(parse, &dependencies);
	else
		planner_redirect_export(parse);
	hasKnown = ours && planner_has_known_relation(parse);
	if (catalog_hides_shards())
		planner_hide_shards(parse, hasKnown);
	if (ours && !hasKnown)
		refuse_shard_change(parse);
	if (hasKnown)
		stmt = plan_known(request);
	else
	{
		bool		batches = ours && planner_may_store_batches(parse);

		stmt = planner_run_server(request, parse);
		if (batches)
			planner_store_batches(stmt);
	}
	stmt->invalItems = list_concat(stmt->invalItems, dependencies);
	return stmt;
}

/*
 * planner_plan
 *		Plans any statement.  Runs in the caller's memory context; takes no locks but those the
 *		server's planner takes.
 */
PlannedStmt *
planner_plan(Query *parse, const char *queryString, int cursorOptions,
			 ParamListInfo boundParams, planner_hook_type next)
{
	PlanRequest request = {parse, queryString, cursorOptions, boundParams, next, NULL, NULL, false};
	PlannedStmt *stmt;

	/* a function whose value an estimate needs: its statements are planned for being run */
	if (!planner_set_estimating(false))
		return plan_any(&request);
	PG_TRY();
	{
		stmt = plan_any(&request);
	}
	PG_FINALLY();
	{
		(void) planner_set_estimating(true);
	}
	PG_END_TRY();
	return stmt;
}
