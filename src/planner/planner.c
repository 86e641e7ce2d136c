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
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "citus/base/settings.h"
#include "citus/routing/routing.h"
#include "planner_internal.h"

static bool logRefusals = false;
static bool enableFastPath = true;
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
		.name = "citus.enable_fast_path_router_planner",
		.description = "Enables the short way of planning for simple statements by key.",
		.type = SETTING_BOOL,
		.variable = &enableFastPath,
		.boot.b = true,
		.context = PGC_USERSET,
		.flags = GUC_NO_SHOW_ALL,
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
}

/* ---- fast path ---- */

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

static PruneSpec *
find_equality(PruneSpec *prune)
{
	ListCell   *lc;

	if (prune == NULL || prune->kind == PRUNE_EQUAL)
		return prune;
	if (prune->kind == PRUNE_AND)
	{
		foreach(lc, prune->args)
		{
			PruneSpec  *found = find_equality(lfirst(lc));

			if (found != NULL)
				return found;
		}
	}
	return NULL;
}

static PlannedStmt *
plan_fast_path(PlanRequest *request, Refusal *refusal)
{
	const DistTable *table = fast_path_table(request->query);
	Query	   *query;
	PruneSpec  *prune;
	DistPlan   *plan;
	List	   *params;
	List	   *quals;

	refusal->reason = "not one keyed relation filtered by its key";
	if (!enableFastPath || table == NULL || request->query->commandType == CMD_INSERT ||
		request->query->commandType == CMD_MERGE)
		return NULL;
	quals = make_ands_implicit((Expr *) request->query->jointree->quals);
	prune = find_equality(routing_prune_from_quals(quals, 1, table));
	if (prune == NULL)
		return NULL;
	if (request->query->commandType == CMD_UPDATE)
	{
		ListCell   *lc;

		foreach(lc, request->query->targetList)
		{
			/* whether it may be assigned is decided by the next strategy */
			if (lfirst_node(TargetEntry, lc)->resno == table->keyAttno)
				return NULL;
		}
	}

	query = planner_normalize(request->query);
	if (!planner_outputs_can_travel(query->targetList) ||
		!planner_outputs_can_travel(query->returningList))
		return NULL;
	refusal->reason = planner_ship_query(query, &params);
	if (refusal->reason != NULL)
		return NULL;
	plan = plan_make(DIST_PLAN_FRAGMENT, "fast path");
	prune = plan_prune_make(PRUNE_EQUAL, expression_planner(copyObject(prune->value)), NIL);
	plan->fragment = planner_make_fragment(query, params, table->relid, prune);
	plan->modifies = query->commandType != CMD_SELECT;
	return planner_make_stmt(request, plan, query->commandType == CMD_SELECT ?
							 request->query->targetList : request->query->returningList);
}

/* ---- one shard group, pushdown ---- */

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
	query = planner_normalize(request->query);
	upper = planner_transform(query, refusal, &whole);
	if (upper == NULL)
		return NULL;
	if (whole != NULL)
		return planner_make_stmt(request, whole, request->query->targetList);
	stmt = planner_run_server(request, upper);
	compat_stmt_take_relations(stmt, request->query);
	return stmt;
}

static PlannedStmt *
plan_scan(PlanRequest *request, Refusal *refusal)
{
	return planner_scan(request);
}

/* ---- strategies in order ---- */

typedef PlannedStmt *(*StrategyPlan) (PlanRequest *request, Refusal *refusal);

typedef struct Strategy
{
	const char *name;
	StrategyPlan plan;
} Strategy;

static const Strategy selectStrategies[] = {
	{"fast path", plan_fast_path},
	{"one shard group or pushdown", plan_transformed},
	{"scan", plan_scan},
};

static const Strategy modifyStrategies[] = {
	{"fast path", plan_fast_path},
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

PlannedStmt *
planner_plan_request(PlanRequest *request)
{
	bool		modifies = modifies_known_relation(request->query);
	const Strategy *strategies = modifies ? modifyStrategies : selectStrategies;
	int			n = modifies ? lengthof(modifyStrategies) : lengthof(selectStrategies);
	Refusal		refusal = {NULL, 0};

	if (!planner_has_known_relation(request->query))
		return planner_run_server(request, request->query);

	if (request->query->hasModifyingCTE &&
		planner_find_modification(request->query, true) != NULL)
	{
		PlannedStmt *stmt = modifies ? NULL : plan_transformed(request, &refusal);

		return stmt != NULL ? stmt : planner_modifying_ctes(request);
	}
	for (int i = 0; i < n; i++)
	{
		PlannedStmt *stmt;

		memset(&refusal, 0, sizeof(refusal));
		stmt = strategies[i].plan(request, &refusal);
		if (stmt != NULL)
			return stmt;
		if (logRefusals)
			ereport(NOTICE,
					(errmsg("planner strategy \"%s\" steps aside", strategies[i].name),
					 errdetail_internal("%s", refusal.reason ? refusal.reason : "")));
	}
	raise_refusal(request->query, &refusal);
	return NULL;
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

/*
 * planner_plan
 *		Plans any statement.  Runs in the caller's memory context; takes no locks but those the
 *		server's planner takes.
 */
PlannedStmt *
planner_plan(Query *parse, const char *queryString, int cursorOptions,
			 ParamListInfo boundParams, planner_hook_type next)
{
	PlanRequest request = {parse, queryString, cursorOptions, boundParams, next};

	if (!base_extension_is_active())
		return planner_run_server(&request, parse);
	if (catalog_hides_shards())
		planner_hide_shards(parse);
	if (base_frame_active(FRAME_OWN_DDL) || parse->utilityStmt != NULL)
		return planner_run_server(&request, parse);
	if (!planner_has_known_relation(parse))
	{
		refuse_shard_change(parse);
		return planner_run_server(&request, parse);
	}
	return planner_plan_request(&request);
}
