/*
 * planner_visibility.c
 *	  Shards do not show in pg_class.
 *
 * Clients list relations by reading pg_class; every scan of it gets one more condition, which holds
 * at the scan itself, also below outer joins.  It is an ordinary one, put where the relation stands
 * in the join tree, for catalog queries are planned best so.  A statement that also reads tables of
 * ours gets it as a security qualification of the range table entry: its join tree may be printed,
 * and conditions within a join have no text.  Which sessions see shards, and whether there are any,
 * is the catalog module's decision.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"

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

static Node *
visible_condition(Index rti)
{
	Var		   *oid = makeVar(rti, Anum_pg_class_oid, OIDOID, -1, InvalidOid, 0);

	return (Node *) makeFuncExpr(visible_function(), BOOLOID, list_make1(oid), InvalidOid,
								 InvalidOid, COERCE_EXPLICIT_CALL);
}

static bool
entry_is_hidden(Query *query, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);

	return rte->rtekind == RTE_RELATION && rte->relid == RelationRelationId &&
		query->resultRelation != rti;
}

/* node with the condition at each scan of pg_class in it: changed in place, but for its top */
static Node *
hide_in_join_tree(Query *query, Node *node)
{
	check_stack_depth();
	if (node == NULL)
		return NULL;
	if (IsA(node, RangeTblRef))
	{
		Index		rti = ((RangeTblRef *) node)->rtindex;

		if (entry_is_hidden(query, rti))
			return (Node *) makeFromExpr(list_make1(node), visible_condition(rti));
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		join->larg = hide_in_join_tree(query, join->larg);
		join->rarg = hide_in_join_tree(query, join->rarg);
	}
	else
	{
		FromExpr   *from = castNode(FromExpr, node);
		ListCell   *lc;

		foreach(lc, from->fromlist)
		{
			Node	   *item = lfirst(lc);

			if (!IsA(item, RangeTblRef))
				lfirst(lc) = hide_in_join_tree(query, item);
			else if (entry_is_hidden(query, ((RangeTblRef *) item)->rtindex))
				from->quals = make_and_qual(from->quals,
											visible_condition(((RangeTblRef *) item)->rtindex));
		}
	}
	return node;
}

static void
hide_in_entries(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Index		rti = foreach_current_index(lc) + 1;

		if (entry_is_hidden(query, rti))
			rte->securityQuals = lappend(rte->securityQuals, visible_condition(rti));
	}
}

static bool
hide_walker(Node *node, bool *inEntries)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		if (*inEntries)
			hide_in_entries(query);
		else if (query->jointree != NULL)
			(void) hide_in_join_tree(query, (Node *) query->jointree);
		return !planner_is_flat(query) && query_tree_walker(query, hide_walker, inEntries, 0);
	}
	return expression_tree_walker(node, hide_walker, inEntries);
}

void
planner_hide_shards(Query *query, bool hasKnown)
{
	(void) hide_walker((Node *) query, &hasKnown);
}
