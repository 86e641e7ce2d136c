/*
 * planner_sequences.c
 *	  Sequences and advisory locks in statements on nodes other than the coordinator.
 *
 * The values of sequences that nodes share come from the coordinator (cluster/draw.c).  Calls of
 * nextval(), currval(), lastval() and setval(), and the values of identity columns, become calls of
 * our functions, which leave sequences that are this node's own to the server.  Advisory locks are
 * taken on the coordinator, too (txn/txn_advisory.c).  Exported snapshots are ones of all nodes, on
 * the coordinator, too, where only statements without tables are looked at for that.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/planner/planner.h"
#include "planner_internal.h"

static const struct
{
	Oid			function;
	const char *name;			/* of ours, with the same arguments */
}			redirections[] = {
	{F_NEXTVAL, "next_value"},
	{F_CURRVAL, "current_value"},
	{F_LASTVAL, "last_value"},
	{F_SETVAL_REGCLASS_INT8, "set_value"},
	{F_SETVAL_REGCLASS_INT8_BOOL, "set_value"},
	{F_PG_ADVISORY_LOCK_INT8, "advisory_lock"},
	{F_PG_ADVISORY_LOCK_INT4_INT4, "advisory_lock"},
	{F_PG_TRY_ADVISORY_LOCK_INT8, "try_advisory_lock"},
	{F_PG_TRY_ADVISORY_LOCK_INT4_INT4, "try_advisory_lock"},
	{F_PG_ADVISORY_LOCK_SHARED_INT8, "advisory_lock_shared"},
	{F_PG_ADVISORY_LOCK_SHARED_INT4_INT4, "advisory_lock_shared"},
	{F_PG_TRY_ADVISORY_LOCK_SHARED_INT8, "try_advisory_lock_shared"},
	{F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4, "try_advisory_lock_shared"},
	{F_PG_ADVISORY_XACT_LOCK_INT8, "advisory_xact_lock"},
	{F_PG_ADVISORY_XACT_LOCK_INT4_INT4, "advisory_xact_lock"},
	{F_PG_TRY_ADVISORY_XACT_LOCK_INT8, "try_advisory_xact_lock"},
	{F_PG_TRY_ADVISORY_XACT_LOCK_INT4_INT4, "try_advisory_xact_lock"},
	{F_PG_ADVISORY_XACT_LOCK_SHARED_INT8, "advisory_xact_lock_shared"},
	{F_PG_ADVISORY_XACT_LOCK_SHARED_INT4_INT4, "advisory_xact_lock_shared"},
	{F_PG_TRY_ADVISORY_XACT_LOCK_SHARED_INT8, "try_advisory_xact_lock_shared"},
	{F_PG_TRY_ADVISORY_XACT_LOCK_SHARED_INT4_INT4, "try_advisory_xact_lock_shared"},
	{F_PG_ADVISORY_UNLOCK_INT8, "advisory_unlock"},
	{F_PG_ADVISORY_UNLOCK_INT4_INT4, "advisory_unlock"},
	{F_PG_ADVISORY_UNLOCK_SHARED_INT8, "advisory_unlock_shared"},
	{F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4, "advisory_unlock_shared"},
	{F_PG_ADVISORY_UNLOCK_ALL, "advisory_unlock_all"},
	{F_PG_EXPORT_SNAPSHOT, "export_snapshot"},
};

static Oid
our_function(int i)
{
	List	   *name = list_make2(makeString("citus_internal"),
								  makeString(pstrdup(redirections[i].name)));
	Oid		   *types;
	int			nargs;

	(void) get_func_signature(redirections[i].function, &types, &nargs);
	return LookupFuncName(name, nargs, types, false);
}

/* Redirection: a statement on its way, and what makes more of it than changed names of functions */
typedef struct Redirection
{
	bool		rebuild;		/* found something that is replaced, not changed in place */
	PlannerInfo *root;			/* collects what the plan depends on */
} Redirection;

/*
 * A function in SQL, whose body the server's planner puts in the place of a call: what is in it
 * must be seen before.
 */
static bool
may_be_inlined(const FuncExpr *call)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		result;

	if (call->funcid < FirstNormalObjectId || call->funcretset)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->prolang == SQLlanguageId && form->provolatile == PROVOLATILE_VOLATILE;
	ReleaseSysCache(tuple);
	return result;
}

static void
redirect_call(FuncExpr *call)
{
	if (call->funcid >= FirstNormalObjectId)
		return;
	for (int i = 0; i < lengthof(redirections); i++)
	{
		if (call->funcid == redirections[i].function)
		{
			call->funcid = our_function(i);
			return;
		}
	}
}

/* walker: changes calls in place */
static bool
redirect_calls(Node *node, Redirection *redirection)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr))
		redirection->rebuild = true;
	else if (IsA(node, FuncExpr))
	{
		redirect_call((FuncExpr *) node);
		redirection->rebuild |= may_be_inlined((FuncExpr *) node);
	}
	else if (IsA(node, Query))
		return query_tree_walker((Query *) node, redirect_calls, redirection, 0);
	return expression_tree_walker(node, redirect_calls, redirection);
}

static Node *
identity_call(const NextValueExpr *expression)
{
	Const	   *sequence = makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid),
									 ObjectIdGetDatum(expression->seqid), false, true);
	FuncExpr   *call = makeFuncExpr(our_function(0), INT8OID, list_make1(sequence), InvalidOid,
									InvalidOid, COERCE_EXPLICIT_CALL);

	call->location = PLAN_IDENTITY_CALL;
	if (expression->typeId == INT8OID)
		return (Node *) call;
	return (Node *) makeFuncExpr(expression->typeId == INT2OID ? F_INT2_INT8 : F_INT4_INT8,
								 expression->typeId, list_make1(call), InvalidOid, InvalidOid,
								 COERCE_IMPLICIT_CAST);
}

/* mutator */
static Node *
rebuild(Node *node, Redirection *redirection)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, NextValueExpr))
		return identity_call((NextValueExpr *) node);
	if (IsA(node, FuncExpr) && may_be_inlined((FuncExpr *) node))
	{
		Node	   *inlined = eval_const_expressions(redirection->root, node);

		if (!equal(inlined, node))
		{
			(void) redirect_calls(inlined, redirection);
			return rebuild(inlined, redirection);
		}
	}
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, rebuild, redirection, 0);
	return expression_tree_mutator(node, rebuild, redirection);
}

/* the statement with the calls redirected; *dependencies: PlanInvalItems that its plan gets, too */
Query *
planner_redirect_sequences(Query *query, List **dependencies)
{
	Redirection redirection = {false, NULL};

	*dependencies = NIL;
	(void) query_tree_walker(query, redirect_calls, &redirection, 0);
	if (!redirection.rebuild)
		return query;
	redirection.root = makeNode(PlannerInfo);
	redirection.root->glob = makeNode(PlannerGlobal);
	redirection.root->parse = query;
	query = query_tree_mutator(query, rebuild, &redirection, 0);
	*dependencies = redirection.root->glob->invalItems;
	return query;
}

/* walker: pg_export_snapshot() */
static bool
redirect_exports(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_PG_EXPORT_SNAPSHOT)
		redirect_call((FuncExpr *) node);
	return expression_tree_walker(node, redirect_exports, context);
}

void
planner_redirect_export(Query *query)
{
	if (query->rtable == NIL && query->commandType == CMD_SELECT)
		(void) redirect_exports((Node *) query->targetList, NULL);
}

Node *
planner_redirect_expression(Node *expression)
{
	Redirection redirection = {false, NULL};

	if (catalog_is_coordinator())
		return expression;
	expression = copyObject(expression);
	(void) redirect_calls(expression, &redirection);
	return redirection.rebuild ? rebuild(expression, &redirection) : expression;
}
