/*
 * quals.c
 *	  From conditions to a PruneSpec: what they say about the key of one relation.
 *
 * Invariant: a spec made here never excludes a row that satisfies the conditions.  A leaf is made
 * only for an equality of the hash operator family of the key's type (so that equal values have
 * equal tokens, also across types) with a deterministic collation, or for a comparison of whole
 * numbers by the server's own order, against an expression that has one value for the whole
 * statement.  Everything else is PRUNE_ALL.
 *
 * Main path: routing_prune_from_quals() folds constants, then spec_of() walks lists and AND, OR
 * down to leaves.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "routing/routing_internal.h"

typedef struct KeyColumn
{
	Index		varno;
	AttrNumber	attno;
	Oid			type;			/* base type */
	Oid			family;			/* its hash operator family */
	const DistTable *table;
} KeyColumn;

static PruneSpec *spec_of(Node *node, const KeyColumn *key);


static PruneSpec *
make_leaf(PruneKind kind)
{
	return plan_prune_make(kind, NULL, NIL);
}

static PruneSpec *
or_of(List *specs)
{
	if (specs == NIL)
		return make_leaf(PRUNE_NONE);
	if (list_length(specs) == 1)
		return linitial(specs);
	return plan_prune_make(PRUNE_OR, NULL, specs);
}

static Node *
strip_relabel(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

static bool
is_key(Node *node, const KeyColumn *key)
{
	Var		   *var = (Var *) strip_relabel(node);

	return var != NULL && IsA(var, Var) && var->varno == key->varno &&
		var->varattno == key->attno && var->varlevelsup == 0;
}

static bool
find_key(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (is_key(node, context))
		return true;
	return expression_tree_walker(node, find_key, context);
}

/* finds what has no single value before the scan starts; PARAM_EXEC is as planner_scan.c says */
static bool
find_unusable(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN &&
				((Param *) node)->paramkind != PARAM_EXEC;
		case T_Var:
		case T_SubLink:
		case T_SubPlan:
		case T_AlternativeSubPlan:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
		case T_PlaceHolderVar:
		case T_CurrentOfExpr:
		case T_SetToDefault:
		case T_NextValueExpr:
			return true;
		default:
			return expression_tree_walker(node, find_unusable, context);
	}
}

static bool
is_usable_value(Node *node)
{
	return !find_unusable(node, NULL) && !contain_volatile_functions(node) &&
		!expression_returns_set(node);
}

/*
 * Whether equality opno between the key (as keySideType) and a value tells the token of the rows it
 * accepts.
 */
static bool
is_routing_equality(Oid opno, Oid collation, Oid keySideType, Oid valueType,
					const KeyColumn *key)
{
	Oid			left;
	Oid			right;

	if (!op_in_opfamily(opno, key->family) || !op_strict(opno))
		return false;
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return false;

	keySideType = getBaseType(keySideType);
	valueType = getBaseType(valueType);
	if (keySideType == valueType)
		return routing_hash_family(valueType) == key->family;

	/* across types: not for operators whose real types are only known when they run */
	op_input_types(opno, &left, &right);
	return !IsPolymorphicType(left) && !IsPolymorphicType(right) &&
		left != RECORDOID && right != RECORDOID &&
		routing_hash_family(valueType) == key->family;
}

/* Integers as numeric: a whole number in range becomes an int8; NULL if nothing can be equal. */
static Const *
integer_of_numeric(Const *value)
{
	Datum		number = value->constvalue;
	Datum		low = NumericGetDatum(int64_to_numeric(PG_INT64_MIN));
	Datum		high = NumericGetDatum(int64_to_numeric(PG_INT64_MAX));
	Datum		whole;

	if (value->constisnull ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, number, low)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, high)))
		return NULL;
	whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));
	if (DatumGetBool(DirectFunctionCall2(numeric_ne, number, whole)))
		return NULL;
	return makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
					 DirectFunctionCall1(numeric_int8, number), false, FLOAT8PASSBYVAL);
}

/* "key::numeric" for integer keys, compared by the numbers' own equality */
static bool
is_key_as_numeric(Oid function, Node *keySide, const KeyColumn *key)
{
	FuncExpr   *cast = (FuncExpr *) keySide;

	return IsA(cast, FuncExpr) && function == F_NUMERIC_EQ &&
		(cast->funcid == F_NUMERIC_INT2 || cast->funcid == F_NUMERIC_INT4 ||
		 cast->funcid == F_NUMERIC_INT8) &&
		is_key(linitial(cast->args), key) && routing_hash_family(INT8OID) == key->family;
}

static Node *
make_call(Oid function, Oid type, List *args)
{
	return (Node *) makeFuncExpr(function, type, copyObject(args), InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* "key = CASE WHEN test THEN value END", whose value is known when the statement runs */
static PruneSpec *
spec_of_case(Node *test, Node *value)
{
	CaseExpr   *choice = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	Node	   *folded;

	when->expr = (Expr *) test;
	when->result = (Expr *) value;
	when->location = choice->location = -1;
	choice->casetype = exprType(value);
	choice->args = list_make1(when);
	choice->defresult = (Expr *) makeNullConst(choice->casetype, -1, InvalidOid);
	folded = eval_const_expressions(NULL, (Node *) choice);
	if (IsA(folded, Const) && ((Const *) folded)->constisnull)
		return make_leaf(PRUNE_NONE);
	return plan_prune_make(PRUNE_EQUAL, (Expr *) folded, NIL);
}

static Node *
make_numeric(int64 value)
{
	return (Node *) makeConst(NUMERICOID, -1, InvalidOid, -1,
							  NumericGetDatum(int64_to_numeric(value)), false, false);
}

/* integer_of_numeric() for what is no constant yet */
static PruneSpec *
spec_of_numeric_value(Node *value)
{
	Node	   *low = make_numeric(PG_INT64_MIN);
	Node	   *high = make_numeric(PG_INT64_MAX);
	Node	   *zero = (Node *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
										  Int32GetDatum(0), false, true);
	Node	   *whole = make_call(F_TRUNC_NUMERIC_INT4, NUMERICOID, list_make2(value, zero));
	List	   *tests = list_make3(make_call(F_NUMERIC_EQ, BOOLOID, list_make2(whole, value)),
								   make_call(F_NUMERIC_GE, BOOLOID, list_make2(value, low)),
								   make_call(F_NUMERIC_LE, BOOLOID, list_make2(value, high)));

	return spec_of_case((Node *) make_andclause(tests),
						make_call(F_INT8_NUMERIC, INT8OID, list_make1(value)));
}

/* a day that is equal to a timestamp: none, but at midnight */
static PruneSpec *
spec_of_day(Node *value)
{
	Node	   *day = make_call(F_DATE_TIMESTAMP, DATEOID, list_make1(value));
	Node	   *midnight = make_call(F_TIMESTAMP_DATE, TIMESTAMPOID, list_make1(day));

	return spec_of_case(make_call(F_TIMESTAMP_EQ, BOOLOID, list_make2(midnight, value)), day);
}

/* "key::numeric = value", which the parser makes of "key = 5.0" */
static PruneSpec *
spec_of_numeric_equality(OpExpr *op, Node *keySide, Node *value, const KeyColumn *key)
{
	Const	   *integer;

	if (!is_key_as_numeric(op->opfuncid, keySide, key) || !is_usable_value(value))
		return make_leaf(PRUNE_ALL);
	if (!IsA(value, Const))
		return spec_of_numeric_value(value);
	integer = integer_of_numeric((Const *) value);
	if (integer == NULL)
		return make_leaf(PRUNE_NONE);
	return plan_prune_make(PRUNE_EQUAL, (Expr *) integer, NIL);
}

/* "key::numeric = ANY (constant array)" */
static PruneSpec *
spec_of_numeric_array(ScalarArrayOpExpr *op, Node *keySide, Node *array, const KeyColumn *key)
{
	ArrayIterator iterator;
	List	   *specs = NIL;
	Datum		value;
	bool		isNull;

	set_sa_opfuncid(op);
	if (!IsA(array, Const) || !is_key_as_numeric(op->opfuncid, keySide, key))
		return make_leaf(PRUNE_ALL);
	if (((Const *) array)->constisnull)
		return make_leaf(PRUNE_NONE);
	iterator = array_create_iterator(DatumGetArrayTypeP(((Const *) array)->constvalue), 0, NULL);
	while (array_iterate(iterator, &value, &isNull))
	{
		Const	   *integer = integer_of_numeric(makeConst(NUMERICOID, -1, InvalidOid, -1, value,
														   isNull, false));

		if (integer != NULL)
			specs = lappend(specs, plan_prune_make(PRUNE_EQUAL, (Expr *) integer, NIL));
	}
	return or_of(specs);
}

/* PRUNE_ALL unless the operator compares whole numbers, the key on its left, by their order */
static PruneKind
kind_of_comparison(Oid opno, Oid keySideType, Oid valueType)
{
	TypeCacheEntry *entry;
	int64		low;
	int64		high;

	keySideType = getBaseType(keySideType);
	if (!routing_whole_range(keySideType, &low, &high) ||
		!routing_whole_range(valueType, &low, &high))
		return PRUNE_ALL;
	entry = lookup_type_cache(keySideType, TYPECACHE_BTREE_OPFAMILY);
	switch (get_op_opfamily_strategy(opno, entry->btree_opf))
	{
		case BTLessStrategyNumber:
			return PRUNE_BELOW;
		case BTLessEqualStrategyNumber:
			return PRUNE_UPTO;
		case BTGreaterEqualStrategyNumber:
			return PRUNE_FROM;
		case BTGreaterStrategyNumber:
			return PRUNE_ABOVE;
		default:
			return PRUNE_ALL;
	}
}

/* dates are compared with timestamps, too, and those are no whole days */
static PruneSpec *
spec_of_comparison(Oid opno, Node *keySide, Node *value, const KeyColumn *key)
{
	Oid			valueType = exprType(value);
	PruneKind	kind = PRUNE_ALL;

	if (OidIsValid(opno) && is_key(keySide, key))
		kind = kind_of_comparison(opno, exprType(keySide), valueType);
	if (kind == PRUNE_ALL || !is_usable_value(value))
		return make_leaf(PRUNE_ALL);
	if (IsA(value, Const) && ((Const *) value)->constisnull)
		return make_leaf(PRUNE_NONE);
	return plan_prune_make(kind, (Expr *) copyObject(value), NIL);
}

/* (key, ...) >= (value, ...) needs key >= value, whatever follows; others likewise */
static PruneSpec *
spec_of_row_comparison(RowCompareExpr *compare, const KeyColumn *key)
{
	Node	   *keySide = linitial(compare->largs);
	Node	   *value = linitial(compare->rargs);
	Oid			opno = linitial_oid(compare->opnos);
	PruneSpec  *spec;

	if (find_key(value, (void *) key))
	{
		keySide = linitial(compare->rargs);
		value = linitial(compare->largs);
		opno = get_commutator(opno);
	}
	spec = spec_of_comparison(opno, keySide, value, key);
	if (spec->kind == PRUNE_ABOVE)
		spec->kind = PRUNE_FROM;
	else if (spec->kind == PRUNE_BELOW)
		spec->kind = PRUNE_UPTO;
	return spec;
}

/*
 * The array of a query that only gives its elements: SELECT a FROM unnest(array) AS rows (a); NULL:
 * it is another one.
 */
static Node *
array_of_rows(Query *query)
{
	RangeTblEntry *rte = list_length(query->rtable) == 1 ? linitial(query->rtable) : NULL;
	FuncExpr   *call;
	Var		   *column;

	if (rte == NULL || rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1 ||
		rte->funcordinality || list_length(query->targetList) != 1 ||
		query->jointree->quals != NULL || query->limitCount != NULL ||
		query->limitOffset != NULL || query->hasAggs || query->hasTargetSRFs ||
		query->groupClause != NIL || query->groupingSets != NIL || query->havingQual != NULL)
		return NULL;
	call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	column = (Var *) linitial_node(TargetEntry, query->targetList)->expr;
	if (!IsA(call, FuncExpr) || call->funcid != F_UNNEST_ANYARRAY ||
		!IsA(column, Var) || column->varno != 1 || column->varlevelsup != 0 ||
		!is_usable_value(linitial(call->args)))
		return NULL;
	return linitial(call->args);
}

/* key = (SELECT the elements of an array): of several, a row that asks raises the error */
static PruneSpec *
spec_of_scalar(OpExpr *op, Node *keySide, SubLink *sublink, const KeyColumn *key)
{
	Node	   *array = sublink->subLinkType == EXPR_SUBLINK && IsA(sublink->subselect, Query) ?
		array_of_rows((Query *) sublink->subselect) : NULL;

	if (array == NULL ||
		!is_routing_equality(op->opno, op->inputcollid, exprType(keySide),
							 get_element_type(exprType(array)), key))
		return make_leaf(PRUNE_ALL);
	return plan_prune_make(PRUNE_ONLY, (Expr *) copyObject(array), NIL);
}

static PruneSpec *
spec_of_operator(OpExpr *op, const KeyColumn *key)
{
	Node	   *keySide;
	Node	   *value;
	bool		swapped;

	if (list_length(op->args) != 2)
		return make_leaf(PRUNE_ALL);
	keySide = linitial(op->args);
	value = lsecond(op->args);
	swapped = find_key(value, (void *) key);
	if (swapped)
	{
		keySide = lsecond(op->args);
		value = linitial(op->args);
	}

	set_opfuncid(op);
	if (!is_key(keySide, key))
		return spec_of_numeric_equality(op, keySide, value, key);
	if (IsA(value, SubLink))
		return spec_of_scalar(op, keySide, (SubLink *) value, key);
	if ((op->opfuncid == F_DATE_EQ_TIMESTAMP || op->opfuncid == F_TIMESTAMP_EQ_DATE) &&
		key->type == DATEOID && is_usable_value(value))
		return spec_of_day(value);
	if (!op_in_opfamily(op->opno, key->family))
		return spec_of_comparison(swapped ? get_commutator(op->opno) : op->opno, keySide, value,
								  key);
	if (!is_routing_equality(op->opno, op->inputcollid, exprType(keySide), exprType(value), key) ||
		!is_usable_value(value))
		return make_leaf(PRUNE_ALL);
	if (IsA(value, Const) && ((Const *) value)->constisnull)
		return make_leaf(PRUNE_NONE);
	return plan_prune_make(PRUNE_EQUAL, (Expr *) copyObject(value), NIL);
}

static PruneSpec *
spec_of_array_operator(ScalarArrayOpExpr *op, const KeyColumn *key)
{
	Node	   *keySide = linitial(op->args);
	Node	   *array = lsecond(op->args);
	Oid			elementType = get_base_element_type(exprType(array));

	if (!op->useOr || !OidIsValid(elementType))
		return make_leaf(PRUNE_ALL);
	if (!is_key(keySide, key))
		return spec_of_numeric_array(op, keySide, array, key);
	if (!is_routing_equality(op->opno, op->inputcollid, exprType(keySide), elementType, key) ||
		!is_usable_value(array))
		return make_leaf(PRUNE_ALL);
	if (IsA(array, Const) && ((Const *) array)->constisnull)
		return make_leaf(PRUNE_NONE);
	return plan_prune_make(PRUNE_ANY, (Expr *) copyObject(array), NIL);
}

/*
 * Keys are not null, but the relation may be on the side of an outer join that is filled up with
 * nulls; a composite key of nulls is not null either, yet "IS NULL" says so.
 */
static PruneSpec *
spec_of_null_test(NullTest *test, const KeyColumn *key)
{
	Node	   *var = strip_relabel((Node *) test->arg);

	if (test->nulltesttype == IS_NULL && !test->argisrow && is_key(var, key) &&
		!compat_var_may_be_nulled((Var *) var))
		return make_leaf(PRUNE_NONE);
	return make_leaf(PRUNE_ALL);
}

/* two constants that cannot be equal: equal ones have equal tokens */
static bool
have_contradiction(List *specs, const KeyColumn *key)
{
	bool		found = false;
	int32		token = 0;
	ListCell   *cell;

	foreach(cell, specs)
	{
		PruneSpec  *spec = lfirst(cell);
		Const	   *value = (Const *) spec->value;
		int32		another;

		if (spec->kind != PRUNE_EQUAL || !IsA(value, Const))
			continue;
		another = routing_token(routing_router_for_value(key->table, value->consttype),
								value->constvalue);
		if (found && another != token)
			return true;
		token = another;
		found = true;
	}
	return false;
}

static PruneSpec *
spec_of_and(List *args, const KeyColumn *key)
{
	List	   *specs = NIL;
	ListCell   *cell;

	foreach(cell, args)
	{
		PruneSpec  *spec = spec_of(lfirst(cell), key);

		if (spec->kind == PRUNE_NONE)
			return spec;
		if (spec->kind == PRUNE_AND)
			specs = list_concat(specs, spec->args);
		else if (spec->kind != PRUNE_ALL)
			specs = lappend(specs, spec);
	}
	if (specs == NIL)
		return make_leaf(PRUNE_ALL);
	if (list_length(specs) == 1)
		return linitial(specs);
	if (have_contradiction(specs, key))
		return make_leaf(PRUNE_NONE);
	return plan_prune_make(PRUNE_AND, NULL, specs);
}

static PruneSpec *
spec_of_or(List *args, const KeyColumn *key)
{
	List	   *specs = NIL;
	ListCell   *cell;

	foreach(cell, args)
	{
		PruneSpec  *spec = spec_of(lfirst(cell), key);

		if (spec->kind == PRUNE_ALL)
			return spec;
		if (spec->kind == PRUNE_OR)
			specs = list_concat(specs, spec->args);
		else if (spec->kind != PRUNE_NONE)
			specs = lappend(specs, spec);
	}
	return or_of(specs);
}

/* A boolean key stands for itself: folding makes "key" of "key = true", "NOT key" of the other. */
static PruneSpec *
spec_of_boolean_key(bool value)
{
	return plan_prune_make(PRUNE_EQUAL, (Expr *) makeBoolConst(value, false), NIL);
}

/* "key IS NOT DISTINCT FROM constant", which no row that is filled up with nulls passes */
static PruneSpec *
spec_of_not_distinct(DistinctExpr *expr, const KeyColumn *key)
{
	OpExpr	   *equal = (OpExpr *) copyObject(expr);

	if (!IsA(linitial(expr->args), Const) && !IsA(lsecond(expr->args), Const))
		return make_leaf(PRUNE_ALL);
	if ((IsA(linitial(expr->args), Const) && linitial_node(Const, expr->args)->constisnull) ||
		(IsA(lsecond(expr->args), Const) && lsecond_node(Const, expr->args)->constisnull))
		return make_leaf(PRUNE_ALL);
	NodeSetTag(equal, T_OpExpr);
	return spec_of_operator(equal, key);
}

static PruneSpec *
spec_of_boolean(BoolExpr *expr, const KeyColumn *key)
{
	switch (expr->boolop)
	{
		case AND_EXPR:
			return spec_of_and(expr->args, key);
		case OR_EXPR:
			return spec_of_or(expr->args, key);
		case NOT_EXPR:
			if (is_key(linitial(expr->args), key) && key->type == BOOLOID)
				return spec_of_boolean_key(false);
			if (IsA(linitial(expr->args), DistinctExpr))
				return spec_of_not_distinct(linitial(expr->args), key);
			break;
	}
	return make_leaf(PRUNE_ALL);
}

typedef struct RowContext
{
	List	   *targetList;		/* of the sub-query, Vars of its VALUES */
	List	   *row;
} RowContext;

static Node *
row_mutator(Node *node, RowContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_SUBLINK)
	{
		TargetEntry *tle = list_nth(context->targetList, ((Param *) node)->paramid - 1);

		return copyObject(list_nth(context->row, ((Var *) tle->expr)->varattno - 1));
	}
	return expression_tree_mutator(node, row_mutator, context);
}

/* the rows of a sub-query that is VALUES and nothing else; NULL: it is another one */
static RangeTblEntry *
values_of(Query *query)
{
	RangeTblEntry *rte = list_length(query->rtable) == 1 ? linitial(query->rtable) : NULL;
	ListCell   *cell;

	if (rte == NULL || rte->rtekind != RTE_VALUES || query->jointree->quals != NULL ||
		query->limitCount != NULL || query->limitOffset != NULL || query->hasAggs ||
		query->hasWindowFuncs || query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL)
		return NULL;
	foreach(cell, query->targetList)
	{
		Var		   *var = (Var *) lfirst_node(TargetEntry, cell)->expr;

		if (!IsA(var, Var) || var->varno != 1 || var->varlevelsup != 0)
			return NULL;
	}
	return rte;
}

/* key IN (SELECT the elements of an array); NULL: it is something else */
static PruneSpec *
spec_of_elements(SubLink *sublink, const KeyColumn *key)
{
	OpExpr	   *op = (OpExpr *) sublink->testexpr;
	Node	   *array = array_of_rows((Query *) sublink->subselect);

	if (array == NULL || !IsA(op, OpExpr) || !is_key(linitial(op->args), key) ||
		!is_routing_equality(op->opno, op->inputcollid, exprType(linitial(op->args)),
							 get_element_type(exprType(array)), key))
		return NULL;
	return plan_prune_make(PRUNE_ANY, (Expr *) copyObject(array), NIL);
}

/* (key, ...) IN (VALUES ...): the condition for any of the rows */
static PruneSpec *
spec_of_sublink(SubLink *sublink, const KeyColumn *key)
{
	Query	   *query = (Query *) sublink->subselect;
	RangeTblEntry *rte = sublink->subLinkType == ANY_SUBLINK && IsA(query, Query) ?
		values_of(query) : NULL;
	PruneSpec  *spec = sublink->subLinkType == ANY_SUBLINK && IsA(query, Query) ?
		spec_of_elements(sublink, key) : NULL;
	List	   *conditions = NIL;
	ListCell   *cell;

	if (spec != NULL)
		return spec;
	if (rte == NULL || contain_vars_of_level((Node *) rte->values_lists, 1))
		return make_leaf(PRUNE_ALL);
	foreach(cell, rte->values_lists)
	{
		RowContext	context = {query->targetList, lfirst(cell)};

		conditions = lappend(conditions, row_mutator(sublink->testexpr, &context));
	}
	return spec_of_or(conditions, key);
}

/* citus_internal.is_row(tableoid, ctid, shard, place) of the relation */
static bool
is_row_condition(FuncExpr *call, const KeyColumn *key)
{
	Var		   *tableoid;

	if (call->funcid < FirstNormalObjectId || call->funcid != base_is_row_oid())
		return false;
	tableoid = linitial(call->args);
	return IsA(tableoid, Var) && tableoid->varno == key->varno && tableoid->varlevelsup == 0;
}

static PruneSpec *
spec_of(Node *node, const KeyColumn *key)
{
	check_stack_depth();
	if (node == NULL)
		return make_leaf(PRUNE_ALL);
	switch (nodeTag(node))
	{
		case T_List:
			return spec_of_and((List *) node, key);
		case T_BoolExpr:
			return spec_of_boolean((BoolExpr *) node, key);
		case T_OpExpr:
			return spec_of_operator((OpExpr *) node, key);
		case T_ScalarArrayOpExpr:
			return spec_of_array_operator((ScalarArrayOpExpr *) node, key);
		case T_RowCompareExpr:
			return spec_of_row_comparison((RowCompareExpr *) node, key);
		case T_SubLink:
			return spec_of_sublink((SubLink *) node, key);
		case T_BooleanTest:
			if (((BooleanTest *) node)->booltesttype == IS_TRUE)
				return spec_of((Node *) ((BooleanTest *) node)->arg, key);
			break;
		case T_NullTest:
			return spec_of_null_test((NullTest *) node, key);
		case T_Const:
			if (((Const *) node)->constisnull || !DatumGetBool(((Const *) node)->constvalue))
				return make_leaf(PRUNE_NONE);
			break;
		case T_FuncExpr:
			if (is_row_condition((FuncExpr *) node, key))
				return plan_prune_make(PRUNE_SHARD, lthird(((FuncExpr *) node)->args), NIL);
			break;
		case T_RelabelType:
		case T_Var:
			if (is_key(node, key) && key->type == BOOLOID)
				return spec_of_boolean_key(true);
			break;
		default:
			break;
	}
	return make_leaf(PRUNE_ALL);
}

/*
 * Palloc'd in the current context; quals (a list or a single expression, AND and OR nested at will,
 * folded or not) are not changed.  They must restrict the rows of the relation: conditions of an
 * outer join that keeps unmatched rows of the relation do not.  Vars must name the relation itself,
 * not an alias of a join.  Raises what folding constants raises.
 */
PruneSpec *
routing_prune_from_quals(List *quals, Index varno, const DistTable *table)
{
	List	   *folded = NIL;
	KeyColumn	key;
	ListCell   *cell;

	if (table->kind != DIST_TABLE_HASH)
		return make_leaf(PRUNE_ALL);

	key.varno = varno;
	key.attno = table->keyAttno;
	key.type = getBaseType(table->keyType);
	key.family = routing_hash_family(table->keyType);
	key.table = table;
	if (quals != NIL && !IsA(quals, List))
		quals = list_make1(quals);

	/* those without the key, too: they may be constant */
	foreach(cell, quals)
		folded = lappend(folded, eval_const_expressions(NULL, lfirst(cell)));
	return spec_of_and(folded, &key);
}
