/*
 * planner_condition.c
 *	  Conditions that are kept with a relation, such as policies: may they be evaluated where its
 *	  shards are?
 *
 * A condition with sub-queries over a row of a relation is a query of its own: the relation's rows
 * that pass.  When that query is complete, or pinned (planner_distribution.c), each shard can
 * answer it with the shards beside it.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "planner_internal.h"

/* SELECT 1 FROM relation WHERE condition */
static Query *
query_of_condition(Oid relid, Node *condition)
{
	Query	   *query;
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	Const	   *one = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(1), false,
								true);

	rte->rtekind = RTE_RELATION;
	rte->relid = relid;
	rte->relkind = get_rel_relkind(relid);
	rte->rellockmode = AccessShareLock;
	rte->inh = true;
	rte->eref = makeAlias(get_rel_name(relid), NIL);
	query = planner_make_select_from(rte);
	query->hasSubLinks = true;
	query->jointree->quals = copyObject(condition);
	query->targetList = list_make1(makeTargetEntry((Expr *) one, 1, "one", false));
	return query;
}

const char *
planner_condition_obstacle(Oid relid, Node *condition)
{
	const DistTable *table = catalog_table_get(relid);
	bool		copied = table != NULL && table->kind == DIST_TABLE_REFERENCE;
	QueryShape	shape;

	planner_shape(planner_normalize(query_of_condition(relid, condition)), &shape);
	/* not every node with a copy of the table has the one shard that is read */
	if (copied && shape.pinned)
		return "distributed tables are not on every node";
	if (shape.complete || shape.pinned)
		return NULL;
	/* reference tables only: every node has them all */
	if (!shape.hasShards && !shape.hasLocal && shape.hasReplicas && !shape.hasUnstableReplicas)
		return NULL;
	return shape.reason;
}
