/*
 * may_raise.c
 *	  May computing something fail?
 *
 * What is computed before anybody has asked for it must not fail where nobody would have asked.
 * The answer is about values, not about the machine: memory and connections may always be missing.
 * What this file does not know may fail.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "citus/plan/plan.h"

/* equality is no function that looks at values more closely than to compare them */
static bool
operator_may_raise(OpExpr *op)
{
	Oid			function = OidIsValid(op->opfuncid) ? op->opfuncid : get_opcode(op->opno);

	return !op_mergejoinable(op->opno, exprType(linitial(op->args))) &&
		!get_func_leakproof(function);
}

/* functions of this server that take any values; not percentiles, of odd fractions */
static bool
aggregate_may_raise(Aggref *agg)
{
	return agg->aggkind != AGGKIND_NORMAL || agg->aggfnoid >= FirstNormalObjectId;
}

static bool
may_raise_walker(Node *node, void *context)
{
	bool		raises = false;

	if (node == NULL)
		return false;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_List:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_SetOperationStmt:
		case T_CommonTableExpr:
		case T_Var:
		case T_Const:
		case T_Param:
		case T_RelabelType:
		case T_NullTest:
		case T_BooleanTest:
		case T_BoolExpr:
			break;
		case T_OpExpr:
			raises = operator_may_raise((OpExpr *) node);
			break;
		case T_FuncExpr:
			raises = !get_func_leakproof(((FuncExpr *) node)->funcid);
			break;
		case T_Aggref:
			raises = aggregate_may_raise((Aggref *) node);
			break;
		case T_Query:
			return query_tree_walker((Query *) node, may_raise_walker, context, 0);
		default:
			raises = true;
			break;
	}
	return raises || expression_tree_walker(node, may_raise_walker, context);
}

bool
plan_may_raise(Node *node)
{
	return may_raise_walker(node, NULL);
}
