/*
 * plan.c: the shared plan words as nodes of the server.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "citus/plan/plan.h"
#include "unit.h"

static DistPlan *
make_example(void)
{
	int			holes[] = {14, 20};
	Oid			relids[] = {16384, 4000000000u};
	DistPlan   *plan = plan_make(DIST_PLAN_FRAGMENT, "one \"shard\" {group}");
	Expr	   *five = (Expr *) makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(5), false,
									  true);

	plan->modifies = true;
	plan->fragment = plan_fragment_make();
	plan->fragment->sql = plan_template_make("SELECT * FROM  a,  b", 2, holes, relids);
	plan->fragment->target = FRAGMENT_ALL_REPLICAS;
	plan->fragment->anchor = 4000000000u;
	plan->fragment->estimatedRows = 1.0 / 3;
	plan->fragment->params = list_make1(five);
	plan->fragment->prune =
		plan_prune_make(PRUNE_OR, NULL,
						list_make2(plan_prune_make(PRUNE_EQUAL, copyObject(five), NIL),
								   plan_prune_make(PRUNE_NONE, NULL, NIL)));
	plan->insert = plan_insert_make();
	plan->insert->columns = list_make2_int(1, 3);
	plan->insert->head = plan_template_make("", 0, NULL, NULL);
	return plan;
}

UNIT_TEST(plan_nodes_are_copied)
{
	DistPlan   *plan = make_example();
	DistPlan   *copy = copyObject(plan);

	UNIT_ASSERT(equal(plan, copy));
	UNIT_ASSERT(plan->fragment->sql->holes != copy->fragment->sql->holes);
	copy->fragment->sql->holes[1] = 21;
	UNIT_ASSERT(!equal(plan, copy));
	copy = copyObject(plan);
	copy->fragment->prune->args = list_delete_last(copy->fragment->prune->args);
	UNIT_ASSERT(!equal(plan, copy));
}

UNIT_TEST(plan_nodes_are_printed_and_read)
{
	DistPlan   *plan = make_example();
	DistPlan   *read = stringToNode(nodeToString(plan));

	UNIT_ASSERT(equal(plan, read));
	UNIT_ASSERT_STR("one \"shard\" {group}", read->strategy);
	UNIT_ASSERT_INT(20, read->fragment->sql->holes[1]);
}
