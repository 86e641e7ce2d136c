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
 * session_user is the user of the client's session; what works for it on another node is a session
 * of whoever may log in there.  In such sessions a function that knows takes its place, and
 * functions in SQL that ask are not inlined: their own statements are planned like others.
 *
 * Functions of users in policies may ask for the same, and nobody can tell.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/origin.h"
#include "citus/base/session.h"
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

/*
 * Policies are not the owner's: they are those of a role whose cursor is read with the owner's
 * rights (planner_cursor.c).
 */
static bool
is_read_by_owner(Query *query, RangeTblEntry *rte)
{
	return query->hasRowSecurity &&
		compat_rte_check_as_user(query, rte) == catalog_relation_owner(rte->relid);
}

bool
planner_relation_asks_caller(Query *query, RangeTblEntry *rte)
{
	return rte->securityQuals != NIL && is_read_by_another(query, rte) &&
		(is_read_by_owner(query, rte) ||
		 asks_caller_walker((Node *) rte->securityQuals, NULL));
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
	if (is_read_by_owner(query, target))
		return true;
	foreach(lc, query->withCheckOptions)
	{
		if (asks_caller_walker(lfirst_node(WithCheckOption, lc)->qual, NULL))
			return true;
	}
	return asks_caller_walker((Node *) target->securityQuals, NULL);
}

/* ---- session_user, where this session works for another one ---- */

static Oid
client_session_user_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	if (!OidIsValid(functionOid) || extensionOid != base_extension_oid())
	{
		functionOid = LookupFuncName(list_make2(makeString("citus_internal"),
												makeString("client_session_user")),
									 0, NULL, false);
		extensionOid = base_extension_oid();
	}
	return functionOid;
}

static bool
is_session_user(Node *node)
{
	return IsA(node, SQLValueFunction) &&
		((SQLValueFunction *) node)->op == SVFOP_SESSION_USER;
}

static bool
asks_session_user_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, asks_session_user_walker, context, 0);
	return is_session_user(node) ||
		expression_tree_walker(node, asks_session_user_walker, context);
}

static Node *
session_user_mutator(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, session_user_mutator, context, 0);
	if (is_session_user(node))
		return (Node *) makeFuncExpr(client_session_user_oid(), NAMEOID, NIL, C_COLLATION_OID,
									 InvalidOid, COERCE_EXPLICIT_CALL);
	return expression_tree_mutator(node, session_user_mutator, context);
}

Query *
planner_ask_session_user(Query *query)
{
	if (!base_session_is_internal() || !asks_session_user_walker((Node *) query, NULL))
		return query;
	return castNode(Query, session_user_mutator((Node *) query, NULL));
}

/* a word of the text of a function, or what stands for it in a body that was parsed */
static bool
body_asks_session_user(HeapTuple tuple)
{
	char	   *parsed = psprintf("{SQLVALUEFUNCTION :op %d ", (int) SVFOP_SESSION_USER);
	bool		isNull;
	Datum		body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isNull);
	char	   *source;

	if (!isNull)
		return strstr(TextDatumGetCString(body), parsed) != NULL;
	body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isNull);
	if (isNull)
		return false;
	source = TextDatumGetCString(body);
	return strstr(asc_tolower(source, strlen(source)), "session_user") != NULL;
}

bool
planner_function_asks_session_user(Oid functionOid)
{
	HeapTuple	tuple;
	bool		asks;

	if (!base_session_is_internal())
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(functionOid));
	if (!HeapTupleIsValid(tuple))
		return false;
	asks = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId &&
		body_asks_session_user(tuple);
	ReleaseSysCache(tuple);
	return asks;
}
