/*
 * plan.c
 *	  Making the words that planner and executor share, and the custom scan that carries them.
 *
 * The methods of the scan live here because a plan may be read before the executor has run in this
 * process; what makes the execution state is the executor's and is registered by it.
 */
#include "postgres.h"

#include "nodes/extensible.h"

#include "plan/plan_internal.h"

static Node *create_scan_state(CustomScan *scan);

static const CustomScanMethods scanMethods = {
	.CustomName = PLAN_CUSTOM_SCAN_NAME,
	.CreateCustomScanState = create_scan_state
};

static PlanStateCreator stateCreator = NULL;


void
plan_init(void)
{
	plan_nodes_register();
	RegisterCustomScanMethods(&scanMethods);
}

/* a zeroed node of ours; the name is kept by reference */
static void *
make_node(Size size, const char *name)
{
	ExtensibleNode *node = (ExtensibleNode *) newNode(size, T_ExtensibleNode);

	node->extnodename = name;
	return node;
}

/* text, holes and relids are copied into the current context */
SqlTemplate *
plan_template_make(const char *text, int nholes, const int *holes, const Oid *relids)
{
	SqlTemplate *sql = make_node(sizeof(SqlTemplate), PLAN_NODE_TEMPLATE);

	sql->text = pstrdup(text);
	sql->nholes = nholes;
	if (nholes > 0)
	{
		sql->holes = palloc(nholes * sizeof(int));
		memcpy(sql->holes, holes, nholes * sizeof(int));
		sql->relids = palloc(nholes * sizeof(Oid));
		memcpy(sql->relids, relids, nholes * sizeof(Oid));
	}
	return sql;
}

PruneSpec *
plan_prune_make(PruneKind kind, Expr *value, List *args)
{
	PruneSpec  *prune = make_node(sizeof(PruneSpec), PLAN_NODE_PRUNE);

	prune->kind = kind;
	prune->value = value;
	prune->args = args;
	return prune;
}

Fragment *
plan_fragment_make(void)
{
	Fragment   *fragment = make_node(sizeof(Fragment), PLAN_NODE_FRAGMENT);

	fragment->command = CMD_SELECT;
	fragment->returnsRows = true;
	return fragment;
}

InsertSpec *
plan_insert_make(void)
{
	return make_node(sizeof(InsertSpec), PLAN_NODE_INSERT);
}

ChangeSpec *
plan_change_make(void)
{
	return make_node(sizeof(ChangeSpec), PLAN_NODE_CHANGE);
}

RowCheck *
plan_row_check_make(void)
{
	return make_node(sizeof(RowCheck), PLAN_NODE_CHECK);
}

ChangeAction *
plan_change_action_make(void)
{
	return make_node(sizeof(ChangeAction), PLAN_NODE_ACTION);
}

LockSpec *
plan_lock_make(void)
{
	return make_node(sizeof(LockSpec), PLAN_NODE_LOCK);
}

FireSpec *
plan_fire_make(void)
{
	return make_node(sizeof(FireSpec), PLAN_NODE_FIRE);
}

LockTarget *
plan_lock_target_make(void)
{
	return make_node(sizeof(LockTarget), PLAN_NODE_TARGET);
}

CursorSpec *
plan_cursor_make(void)
{
	return make_node(sizeof(CursorSpec), PLAN_NODE_CURSOR);
}

/* name is copied */
Movement *
plan_movement_make(Fragment *source, int keyColumn, const char *name)
{
	Movement   *movement = make_node(sizeof(Movement), PLAN_NODE_MOVEMENT);

	movement->source = source;
	movement->keyColumn = keyColumn;
	movement->name = pstrdup(name);
	return movement;
}

/* strategy is copied */
DistPlan *
plan_make(DistPlanKind kind, const char *strategy)
{
	DistPlan   *plan = make_node(sizeof(DistPlan), PLAN_NODE_PLAN);

	plan->kind = kind;
	plan->strategy = pstrdup(strategy);
	return plan;
}

DistPlan *
plan_of_custom_scan(const Plan *plan)
{
	const CustomScan *scan = (const CustomScan *) plan;

	if (plan == NULL || !IsA(plan, CustomScan) || scan->methods != &scanMethods)
		return NULL;
	return linitial(scan->custom_private);
}

const CustomScanMethods *
plan_custom_scan_methods(void)
{
	return &scanMethods;
}

void
plan_set_state_creator(PlanStateCreator creator)
{
	stateCreator = creator;
}

static Node *
create_scan_state(CustomScan *scan)
{
	if (stateCreator == NULL)
		elog(ERROR, "no executor is registered for \"%s\"", PLAN_CUSTOM_SCAN_NAME);
	return stateCreator(scan);
}
