/*
 * planner_visibility.c
 *	  Shards do not show in pg_class.
 *
 * Clients list relations by reading pg_class; every scan of it gets one more condition, as a
 * security qualification of the range table entry, so that it holds at the scan itself, also
 * below outer joins.  Which sessions see shards is the catalog module's decision.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_func.h"

#include "citus/base/session.h"
#include "planner_internal.h"


static Oid
visible_function(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	if (!OidIsValid(functionOid) || extensionOid != base_extension_oid())
	{
		Oid			argument = OIDOID;

		functionOid = LookupFuncName(list_make2(makeString("citus_internal"),
												makeString("relation_is_visible")),
									 1, &argument, false);
		extensionOid = base_extension_oid();
	}
	return functionOid;
}

static void
hide_in_entry(RangeTblEntry *rte, Index rti)
{
	Var		   *oid = makeVar(rti, Anum_pg_class_oid, OIDOID, -1, InvalidOid, 0);
	FuncExpr   *call = makeFuncExpr(visible_function(), BOOLOID, list_make1(oid), InvalidOid,
									InvalidOid, COERCE_EXPLICIT_CALL);

	rte->securityQuals = lappend(rte->securityQuals, call);
}

static bool
hide_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind == RTE_RELATION && rte->relid == RelationRelationId &&
				query->resultRelation != foreach_current_index(lc) + 1)
				hide_in_entry(rte, foreach_current_index(lc) + 1);
		}
		return query_tree_walker(query, hide_walker, context, 0);
	}
	return expression_tree_walker(node, hide_walker, context);
}

void
planner_hide_shards(Query *query)
{
	(void) hide_walker((Node *) query, NULL);
}
