/*
 * planner_caller.c
 *	  Policies that ask who runs a statement, where its relations are read with another's rights.
 *
 * Through a view, relations are read with the rights of the view's owner, and policies are those
 * for this role; but what current_user says in them is who runs the statement.  Shards are read by
 * the view's owner, and so would be told a wrong name.  Such policies are asked on this node: of
 * what changes rows by planner_change_policies.c, of what reads them by planner_scan.c, whose
 * fragments see all rows and get from policies what this node has computed.
 *
 * Functions of users in policies may ask for the same, and nobody can tell.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "planner_internal.h"

/* may speak of the current user; functions of the server with an argument more, of a role */
static bool
function_asks_caller(Oid funcid, void *context)
{
	char	   *name;
	int			nargs;

	if (func_volatile(funcid) == PROVOLATILE_IMMUTABLE)
		return false;
	if (funcid >= FirstNormalObjectId)
		return true;
	name = get_func_name(funcid);
	if (name == NULL)
		return false;
	nargs = strcmp(name, "has_column_privilege") == 0 ? 3 : 2;
	return strcmp(name, "current_user") == 0 || strcmp(name, "getpgusername") == 0 ||
		strcmp(name, "row_security_active") == 0 ||
		((strcmp(name, "pg_has_role") == 0 || strncmp(name, "has_", 4) == 0) &&
		 get_func_nargs(funcid) == nargs);
}

static bool
asks_caller_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction))
	{
		SQLValueFunctionOp op = ((SQLValueFunction *) node)->op;

		return op == SVFOP_CURRENT_USER || op == SVFOP_CURRENT_ROLE || op == SVFOP_USER;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, asks_caller_walker, context, 0);
	return check_functions_in_node(node, function_asks_caller, context) ||
		expression_tree_walker(node, asks_caller_walker, context);
}

static bool
is_read_by_another(Query *query, RangeTblEntry *rte)
{
	Oid			role;

	if (rte->rtekind != RTE_RELATION || !catalog_table_is_known(rte->relid))
		return false;
	role = compat_rte_check_as_user(query, rte);
	return OidIsValid(role) && role != GetUserId();
}

bool
planner_relation_asks_caller(Query *query, RangeTblEntry *rte)
{
	return rte->securityQuals != NIL && is_read_by_another(query, rte) &&
		asks_caller_walker((Node *) rte->securityQuals, NULL);
}

bool
planner_policies_ask_caller(Query *query)
{
	RangeTblEntry *target;
	ListCell   *lc;

	if (!query->hasRowSecurity)
		return false;
	target = rt_fetch(query->resultRelation, query->rtable);
	if (!is_read_by_another(query, target))
		return false;
	foreach(lc, query->withCheckOptions)
	{
		if (asks_caller_walker(lfirst_node(WithCheckOption, lc)->qual, NULL))
			return true;
	}
	return asks_caller_walker((Node *) target->securityQuals, NULL);
}
