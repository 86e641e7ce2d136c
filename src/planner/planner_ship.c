/*
 * planner_ship.c
 *	  What may leave this node, and in which form.
 *
 * A statement that runs elsewhere must mean the same there.  Functions and types have to exist on
 * every node; what is stable is computed once, here, and travels as a parameter, so that one
 * statement sees one now(); what is volatile stays here, except in statements that modify rows,
 * where the server's own harmless ones (random() and the like) run beside the rows they fill.
 *
 * Invariants: (1) after planner_ship_query() the query's extern parameters are numbered from 1 in
 * the order of *params; (2) every member of *params can be evaluated without a row.
 *
 * A relation that a view reads is read with the rights of the view's owner.  A fragment runs with
 * the rights of one role, so all its relations must be read by the same; and if that is not the
 * current user, nothing but the server's own immutable functions may be in it, because whatever
 * else the user calls must not get the owner's rights.
 *
 * Not here: putting values into text (deparse), evaluating parameters (executor).
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "planner_internal.h"

typedef struct ShipContext
{
	List	   *params;			/* of Expr, as found in the client's statement */
	bool		modifies;		/* harmless volatile functions may go */
	bool		inSample;		/* below TABLESAMPLE */
	const char *reason;			/* why not, once known */
} ShipContext;

/* who reads the relations of a query; invalid: the current user */
typedef struct RoleContext
{
	Oid			role;
	bool		found;			/* a relation was seen */
	bool		several;		/* of different roles */
	bool		named;			/* a role was named, perhaps the current one */
} RoleContext;

/* volatile functions of the server whose result does not depend on where they run */
static bool
function_is_placeless(Oid funcid)
{
	switch (funcid)
	{
#ifdef F_RANDOM_				/* the server gave random() siblings, and this name */
		case F_RANDOM_:
#else
		case F_RANDOM:
#endif
		case F_GEN_RANDOM_UUID:
		case F_CLOCK_TIMESTAMP:
		case F_TIMEOFDAY:
			return true;
		default:
			return false;
	}
}

/* true when the object exists, under the same name, on every node */
static bool
object_is_everywhere(Oid classId, Oid objectId)
{
	ObjectAddress address;
	Oid			extension;

	if (objectId < FirstNormalObjectId)
		return true;
	ObjectAddressSet(address, classId, objectId);
	if (catalog_object_is_distributed(&address))
		return true;
	extension = getExtensionOfObject(classId, objectId);
	if (!OidIsValid(extension))
		return false;
	if (extension == base_extension_oid())
		return true;
	ObjectAddressSet(address, ExtensionRelationId, extension);
	return catalog_object_is_distributed(&address);
}

static bool
type_is_everywhere(Oid type)
{
	Oid			element;
	Oid			relid;

	if (type < FirstNormalObjectId)
		return true;
	element = get_element_type(type);
	if (OidIsValid(element))
		return type_is_everywhere(element);
	relid = get_typ_typrelid(type);
	if (OidIsValid(relid) && get_rel_relkind(relid) != RELKIND_COMPOSITE_TYPE)
		return catalog_table_is_known(relid);
	return object_is_everywhere(TypeRelationId, type);
}

static bool
function_cannot_ship(Oid funcid, void *context)
{
	ShipContext *ship = context;
	char		volatility = func_volatile(funcid);

	if (!object_is_everywhere(ProcedureRelationId, funcid))
		ship->reason = "a function is not known on every node";
	else if (volatility == PROVOLATILE_VOLATILE &&
			 !(ship->modifies && function_is_placeless(funcid)))
		ship->reason = "a volatile function must run on this node";
	else if (volatility == PROVOLATILE_STABLE && funcid >= FirstNormalObjectId)
		ship->reason = "a stable function may read data of this node";
	return ship->reason != NULL;
}

static bool
operators_are_everywhere(List *operators)
{
	ListCell   *lc;

	foreach(lc, operators)
	{
		if (!object_is_everywhere(OperatorRelationId, lfirst_oid(lc)))
			return false;
	}
	return true;
}

/* what a cast converts, when it is written as one; NULL for other nodes */
static Node *
cast_argument(Node *node)
{
	FuncExpr   *function = (FuncExpr *) node;

	switch (nodeTag(node))
	{
		case T_FuncExpr:
			if (function->funcid < FirstNormalObjectId || function->args == NIL ||
				(function->funcformat != COERCE_EXPLICIT_CAST &&
				 function->funcformat != COERCE_IMPLICIT_CAST))
				return NULL;
			return linitial(function->args);
		case T_RelabelType:
			return (Node *) ((RelabelType *) node)->arg;
		case T_CoerceViaIO:
			return (Node *) ((CoerceViaIO *) node)->arg;
		default:
			return NULL;
	}
}

/* Whether other nodes, too, can do the conversion: its text does not say how.  The server's can. */
static bool
cast_is_everywhere(Node *node)
{
	Node	   *argument = cast_argument(node);
	Oid			source;
	Oid			target;
	Oid			castId;

	if (argument == NULL)
		return true;
	source = getBaseType(exprType(argument));
	target = getBaseType(exprType(node));
	if (source < FirstNormalObjectId && target < FirstNormalObjectId && !IsA(node, FuncExpr))
		return true;
	castId = GetSysCacheOid2(CASTSOURCETARGET, Anum_pg_cast_oid, ObjectIdGetDatum(source),
							 ObjectIdGetDatum(target));
	return !OidIsValid(castId) || object_is_everywhere(CastRelationId, castId);
}

/* the names in a node that functions and types do not cover: operators, casts, collations */
static const char *
find_local_name(Node *node)
{
	List	   *operators = NIL;

	if (!cast_is_everywhere(node))
		return "a cast is not known on every node";
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			operators = list_make1_oid(((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			operators = list_make1_oid(((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_RowCompareExpr:
			operators = ((RowCompareExpr *) node)->opnos;
			break;
		case T_SortGroupClause:
			operators = list_make2_oid(((SortGroupClause *) node)->eqop,
									   ((SortGroupClause *) node)->sortop);
			break;
		case T_CollateExpr:
		case T_RelabelType:
		case T_Const:
			/* the latter two may have been made of the first */
			if (!object_is_everywhere(CollationRelationId, exprCollation(node)))
				return "a collation is not known on every node";
			break;
		default:
			break;
	}
	return operators_are_everywhere(operators) ? NULL :
		"an operator is not known on every node";
}

/* a row's own column names, as USING (..) AS x gives them, have no text */
static bool
row_has_names(RowExpr *row)
{
	ListCell   *lc;

	if (row->row_typeid != RECORDOID)
		return false;
	foreach(lc, row->colnames)
	{
		if (strcmp(strVal(lfirst(lc)), psprintf("f%d", foreach_current_index(lc) + 1)) != 0)
			return true;
	}
	return false;
}

/* rows for an INSERT that assigns to parts of columns: only the INSERT itself could say so */
static bool
selects_assignments(Query *query)
{
	ListCell   *lc;

	if (query->commandType != CMD_SELECT)
		return false;
	foreach(lc, query->targetList)
	{
		if (deparse_assigns_parts(lfirst_node(TargetEntry, lc)->expr))
			return true;
	}
	return false;
}

/* an assignment of an array, whose elements must not be too long; written, it would cut them */
static bool
fits_elements(const ArrayCoerceExpr *coerce)
{
	return coerce->coerceformat == COERCE_IMPLICIT_CAST &&
		exprIsLengthCoercion((Node *) coerce, NULL) && IsA(coerce->elemexpr, FuncExpr) &&
		list_length(((FuncExpr *) coerce->elemexpr)->args) == 3;
}

static bool
ship_walker(Node *node, ShipContext *context)
{
	if (node == NULL || context->reason != NULL)
		return context->reason != NULL;

	if (check_functions_in_node(node, function_cannot_ship, context))
		return true;
	context->reason = find_local_name(node);
	switch (nodeTag(node))
	{
		case T_Const:
		case T_Param:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_RowExpr:
		case T_CoerceToDomain:
			if (!type_is_everywhere(exprType(node)))
				context->reason = "a type is not known on every node";
			else if (IsA(node, RowExpr) && row_has_names((RowExpr *) node))
				context->reason = "the column names of a row have no text";
			else if (IsA(node, ArrayCoerceExpr) && fits_elements((ArrayCoerceExpr *) node))
				context->reason = "a check of the length of an array's elements has no text";
			break;
		case T_NextValueExpr:
		case T_CurrentOfExpr:
		case T_SubPlan:
		case T_AlternativeSubPlan:
		case T_PlaceHolderVar:
			context->reason = "an expression must run on this node";
			break;
		case T_SQLValueFunction:
			context->reason = "a value depends on the session";
			break;
		case T_Query:
			if (selects_assignments((Query *) node))
			{
				context->reason = "columns are assigned by their parts";
				return true;
			}
			return query_tree_walker((Query *) node, ship_walker, context,
									 QTW_EXAMINE_SORTGROUP);
		default:
			break;
	}
	if (context->reason != NULL)
		return true;
	return expression_tree_walker(node, ship_walker, context);
}

/* ---- lifting ---- */

static bool
unliftable_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Aggref:
		case T_WindowFunc:
		case T_GroupingFunc:
		case T_SubLink:
		case T_SubPlan:
		case T_CaseTestExpr:
		case T_CoerceToDomainValue:
		case T_SetToDefault:
		case T_CurrentOfExpr:
		case T_NextValueExpr:
		case T_PlaceHolderVar:
		case T_Query:
			return true;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		default:
			return expression_tree_walker(node, unliftable_walker, context);
	}
}

/* a value that this node computes once for the whole statement */
static bool
expr_is_liftable(Node *node)
{
	switch (nodeTag(node))
	{
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_RelabelType:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_SQLValueFunction:
		case T_NullTest:
		case T_BooleanTest:
		case T_ArrayExpr:
			break;
		default:
			return false;
	}
	if (!contain_mutable_functions(node) || contain_volatile_functions(node))
		return false;
	if (expression_returns_set(node) || unliftable_walker(node, NULL))
		return false;
	return get_typtype(exprType(node)) != TYPTYPE_PSEUDO;
}

static Node *
make_param(ShipContext *context, Node *value)
{
	Param	   *param = makeNode(Param);
	ListCell   *lc;

	param->paramkind = PARAM_EXTERN;
	param->paramtype = exprType(value);
	param->paramtypmod = exprTypmod(value);
	param->paramcollid = exprCollation(value);
	param->location = -1;

	foreach(lc, context->params)
	{
		if (equal(lfirst(lc), value))
		{
			param->paramid = foreach_current_index(lc) + 1;
			return (Node *) param;
		}
	}
	context->params = lappend(context->params, copyObject(value));
	param->paramid = list_length(context->params);
	return (Node *) param;
}

static Node *
lift_mutator(Node *node, ShipContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, lift_mutator, context,
										   QTW_DONT_COPY_QUERY);
	if (IsA(node, RangeTblFunction))
	{
		/* the function itself is a row source; its arguments are values */
		RangeTblFunction *function = (RangeTblFunction *) node;

		function->funcexpr = expression_tree_mutator(function->funcexpr, lift_mutator,
													 context);
		return node;
	}
	if (IsA(node, TableSampleClause))
	{
		context->inSample = true;
		node = expression_tree_mutator(node, lift_mutator, context);
		context->inSample = false;
		return node;
	}
	/* is run once for a scan, while one in a condition is run for each row */
	if (IsA(node, SubPlan) && context->inSample)
		return make_param(context, node);
	if (IsA(node, Param))
	{
		/* PARAM_EXEC: of a scan only, which has seen to it that its value stays */
		if (((Param *) node)->paramkind == PARAM_EXTERN ||
			((Param *) node)->paramkind == PARAM_EXEC)
			return make_param(context, node);
		return node;
	}
	if (expr_is_liftable(node))
		return make_param(context, node);
	return expression_tree_mutator(node, lift_mutator, context);
}

/* ---- roles ---- */

/* walker: numbers of the relations of a FROM list */
static bool
from_walker(Node *node, Bitmapset **found)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblRef))
	{
		*found = bms_add_member(*found, ((RangeTblRef *) node)->rtindex);
		return false;
	}
	if (IsA(node, FromExpr))
		return from_walker((Node *) ((FromExpr *) node)->fromlist, found);
	if (IsA(node, JoinExpr))
		return from_walker(((JoinExpr *) node)->larg, found) ||
			from_walker(((JoinExpr *) node)->rarg, found);
	return expression_tree_walker(node, from_walker, found);
}

/* entries that a query reads or writes; a rule's action keeps those of the statement besides */
static Bitmapset *
used_entries(Query *query)
{
	Bitmapset  *used = NULL;

	if (query->resultRelation > 0)
		used = bms_make_singleton(query->resultRelation);
	(void) from_walker((Node *) query->jointree, &used);
	return used;
}

static void
note_roles(Query *query, RoleContext *context)
{
	Bitmapset  *used = used_entries(query);
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Oid			role;

		/* nothing is read of a view, nor of the row type that EXCLUDED is */
		if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW ||
			rte->relkind == RELKIND_COMPOSITE_TYPE)
			continue;
		role = compat_rte_check_as_user(query, rte);
		context->named |= OidIsValid(role);
		if (role == GetUserId())
			role = InvalidOid;
		if (!bms_is_member(foreach_current_index(lc) + 1, used))
			continue;
		context->several |= context->found && role != context->role;
		context->found = true;
		context->role = role;
	}
}

static bool
role_walker(Node *node, RoleContext *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, role_walker, context);
	note_roles((Query *) node, context);
	return query_tree_walker((Query *) node, role_walker, context, 0);
}

static RoleContext
find_roles(Query *query)
{
	RoleContext context = {InvalidOid, false, false, false};

	(void) role_walker((Node *) query, &context);
	return context;
}

Oid
planner_query_role(Query *query)
{
	return find_roles(query).role;
}

/* of a statement as the server gives it */
bool
planner_depends_on_role(Query *query)
{
	RoleContext context = {InvalidOid, false, false, false};

	if (!planner_is_flat(query))
		return find_roles(query).named;
	note_roles(query, &context);
	return context.named;
}

static bool
function_is_foreign(Oid funcid, void *context)
{
	return (funcid >= FirstNormalObjectId && funcid != deparse_shard_of_row_oid() &&
			funcid != deparse_place_in_shard_oid() && funcid != base_is_row_oid() &&
			funcid != planner_upsert_is_first_oid()) ||
		func_volatile(funcid) != PROVOLATILE_IMMUTABLE;
}

/* code that is not the server's own, or that sees who runs it */
static bool
foreign_code_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_is_foreign, context))
		return true;
	switch (nodeTag(node))
	{
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_ArrayCoerceExpr:
			if (exprType(node) >= FirstNormalObjectId)
				return true;
			break;
		case T_Query:
			return query_tree_walker((Query *) node, foreign_code_walker, context, 0);
		default:
			break;
	}
	return expression_tree_walker(node, foreign_code_walker, context);
}

/* what travels as the value of a parameter has been computed by the caller */
bool
planner_expr_is_trusted(Node *expr)
{
	ShipContext context = {NIL};

	return !foreign_code_walker(lift_mutator(copyObject(expr), &context), NULL);
}

static const char *
check_roles(Query *query)
{
	RoleContext roles = find_roles(query);

	if (roles.several)
		return "relations are read with the rights of several roles";
	if (OidIsValid(roles.role) && foreign_code_walker((Node *) query, NULL))
		return "a function must not run with the rights of a view's owner";
	return NULL;
}

const char *
planner_ship_query(Query *query, List **params)
{
	ShipContext context = {.modifies = query->commandType != CMD_SELECT};
	ListCell   *lc;

	(void) lift_mutator((Node *) query, &context);
	(void) ship_walker((Node *) query, &context);
	if (context.reason == NULL)
		context.reason = check_roles(query);
	if (context.reason != NULL)
		return context.reason;

	*params = NIL;
	foreach(lc, context.params)
		*params = lappend(*params, expression_planner((Expr *) lfirst(lc)));
	return NULL;
}

bool
planner_expr_is_shippable(Node *expr)
{
	ShipContext context = {NIL};
	Node	   *copy = lift_mutator(copyObject(expr), &context);

	return !ship_walker(copy, &context) && context.reason == NULL;
}
