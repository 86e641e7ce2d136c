/*
 * planner_fast_path.c
 *	  The first strategy: one keyed relation, key = value.
 *
 * The server's planner is not asked at all.  Constants of the conditions and of SET are lifted into
 * parameters, so that statements that differ in values only have one shape: the fragment of a
 * shape (its text above all) is made once a session, and the far side sees one text per shard,
 * which it can keep prepared.
 *
 * Invariants: (1) a shape is compared as a whole tree, so that equal shapes mean equal fragments;
 * (2) an entry is used only while nothing that its text depends on has changed: the relation,
 * and any function, type, operator or schema.
 *
 * Not here: whether the value selects a shard, and which (routing, when the plan starts).
 */
#include "postgres.h"

#include "access/transam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "citus/base/settings.h"
#include "citus/routing/routing.h"
#include "planner_internal.h"

/* shapes kept a session */
#define MAX_SHAPES 64

/* extern parameters numbered from here are lifted constants */
#define LIFTED_PARAM 500000

typedef struct Shape
{
	MemoryContext context;		/* of everything below, and of the struct */
	Query	   *query;			/* with constants lifted */
	Oid			relid;
	Fragment   *fragment;		/* its parameters and condition refer to lifted constants */
	bool		valid;			/* cleared by invalidation; freed at the next look-up */
} Shape;

static bool enableFastPath = true;

/* most recently used first */
static List *shapes = NIL;
static MemoryContext shapesContext = NULL;

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

/* ---- invalidation ---- */

static void
invalidate_relation(Datum arg, Oid relid)
{
	ListCell   *lc;

	foreach(lc, shapes)
	{
		Shape	   *shape = lfirst(lc);

		if (relid == InvalidOid || shape->relid == relid)
			shape->valid = false;
	}
}

static void
invalidate_all(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_relation((Datum) 0, InvalidOid);
}

void
planner_fast_path_init(void)
{
	base_settings_register(fastPathSettings, lengthof(fastPathSettings));
}

/* the first shape of a session: callbacks belong to a backend, not to the postmaster */
static void
prepare_cache(void)
{
	if (shapesContext != NULL)
		return;
	shapesContext = AllocSetContextCreate(CacheMemoryContext, "citus statement shapes",
										  ALLOCSET_SMALL_SIZES);
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
}

/* ---- lifting constants ---- */

static Node *
lift_mutator(Node *node, List **constants)
{
	Const	   *constant = (Const *) node;
	Param	   *param;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Const))
		return expression_tree_mutator(node, lift_mutator, constants);
	if (constant->constisnull || constant->consttype >= FirstNormalObjectId ||
		get_typtype(constant->consttype) == TYPTYPE_PSEUDO)
		return copyObject(node);

	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = LIFTED_PARAM + list_length(*constants);
	param->paramtype = constant->consttype;
	param->paramtypmod = constant->consttypmod;
	param->paramcollid = constant->constcollid;
	param->location = -1;
	*constants = lappend(*constants, constant);
	return (Node *) param;
}

/* puts constants back where lift_mutator() took them away */
static Node *
lower_mutator(Node *node, List *constants)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid >= LIFTED_PARAM &&
		((Param *) node)->paramid < LIFTED_PARAM + list_length(constants))
		return copyObject(list_nth(constants, ((Param *) node)->paramid - LIFTED_PARAM));
	return expression_tree_mutator(node, lower_mutator, constants);
}

static Query *
lift_constants(Query *query, List **constants)
{
	Query	   *lifted = copyObject(query);

	*constants = NIL;
	lifted->jointree->quals = lift_mutator(lifted->jointree->quals, constants);
	if (query->commandType == CMD_UPDATE)
		lifted->targetList = (List *) lift_mutator((Node *) lifted->targetList, constants);
	return lifted;
}

/* ---- shapes ---- */

static Shape *
find_shape(Query *lifted)
{
	ListCell   *lc;

	foreach(lc, shapes)
	{
		Shape	   *shape = lfirst(lc);

		if (!shape->valid)
		{
			shapes = foreach_delete_current(shapes, lc);
			MemoryContextDelete(shape->context);
			continue;
		}
		if (equal(shape->query, lifted))
		{
			if (foreach_current_index(lc) > 0)
			{
				MemoryContext caller = MemoryContextSwitchTo(shapesContext);

				shapes = lcons(shape, list_delete_ptr(shapes, shape));
				MemoryContextSwitchTo(caller);
			}
			return shape;
		}
	}
	return NULL;
}

static void
keep_shape(Query *lifted, Fragment *fragment)
{
	MemoryContext context = AllocSetContextCreate(shapesContext, "citus statement shape",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Shape	   *shape = palloc0(sizeof(Shape));

	shape->context = context;
	shape->query = copyObject(lifted);
	shape->relid = fragment->anchor;
	shape->fragment = copyObject(fragment);
	shape->valid = true;

	MemoryContextSwitchTo(shapesContext);
	shapes = lcons(shape, shapes);
	if (list_length(shapes) > MAX_SHAPES)
	{
		Shape	   *oldest = llast(shapes);

		shapes = list_delete_last(shapes);
		MemoryContextDelete(oldest->context);
	}
	MemoryContextSwitchTo(caller);
}

/* ---- the strategy ---- */

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

/* the fragment of a query; NULL with refusal->reason when it is not one for this strategy */
static Fragment *
make_fragment(Query *query, const DistTable *table, Refusal *refusal)
{
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	PruneSpec  *prune = find_equality(routing_prune_from_quals(quals, 1, table));
	List	   *params;

	if (prune == NULL)
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
	Refusal		refusal = {NULL, 0};
	List	   *constants;
	Query	   *lifted = lift_constants(query, &constants);
	Shape	   *shape;
	Fragment   *fragment;

	prepare_cache();
	shape = find_shape(lifted);
	if (shape != NULL)
		fragment = copyObject(shape->fragment);
	else
	{
		fragment = make_fragment(lifted, table, &refusal);
		if (fragment == NULL)
			return NULL;
		keep_shape(lifted, fragment);
	}
	fragment->params = (List *) lower_mutator((Node *) fragment->params, constants);
	fragment->prune->value = (Expr *) lower_mutator((Node *) fragment->prune->value, constants);
	return fragment;
}

PlannedStmt *
planner_fast_path(PlanRequest *request, Refusal *refusal)
{
	Query	   *query = request->query;
	const DistTable *table = fast_path_table(query);
	Fragment   *fragment;
	DistPlan   *plan;

	refusal->reason = "not one keyed relation filtered by its key";
	if (!enableFastPath || table == NULL || query->commandType == CMD_INSERT ||
		query->commandType == CMD_MERGE || assigns_key(query, table))
		return NULL;

	/* some conditions tell the shard only while their constants are constants */
	fragment = fragment_of_shape(query, table);
	if (fragment == NULL)
		fragment = make_fragment(query, table, refusal);
	if (fragment == NULL)
		return NULL;
	plan = plan_make(DIST_PLAN_FRAGMENT, "fast path");
	plan->fragment = fragment;
	plan->modifies = query->commandType != CMD_SELECT;
	return planner_make_stmt(request, plan, query->commandType == CMD_SELECT ?
							 query->targetList : query->returningList);
}
