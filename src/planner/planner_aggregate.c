/*
 * planner_aggregate.c
 *	  Aggregates in two steps: partial results per shard, finished here.
 *
 * An aggregate is split by a table of rules (aggregateRules): which partial aggregates the shards
 * compute and which expression over them gives the result.  Any other that has a combine function
 * travels as its transition state (citus_internal.partial_state(), combine_states()).  Only
 * aggregates whose split gives the server's own value, digit for digit where the type is exact,
 * are split; any other makes planner_split_aggregates() answer NULL, and the rows are gathered.
 *
 * Aggregates that see all values in order, and count(DISTINCT), over types of fixed length take
 * them from sorted runs, others from the different values and their counts (planner_packed.c).
 *
 * Other DISTINCT: the shards also group by what is distinct, so that each of them sends a value
 * once, and the aggregate itself runs here, over the values of all shards.  When nothing else is
 * computed, a second grouping here makes them distinct (by hashing, where the aggregate would
 * sort).
 *
 * Grouping sets: the shards compute all sets, and tell them apart by a column GROUPING(all
 * columns), by which the rows are grouped here as by any other column.
 *
 * Invariants: (1) the fragment query's columns are the grouping expressions, then what is
 * aggregated, each once; (2) the upper query contains no Var but those columns.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_agg.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_node.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "planner_internal.h"

/* what the shards compute and how it is finished */
typedef enum AggregateRule
{
	AGG_NONE,					/* no split */
	AGG_SAME,					/* the same aggregate over the partial results */
	AGG_COUNT,					/* the sum of the counts, 0 for no rows */
	AGG_SUM,					/* the sum of the sums in their own type */
	AGG_AVERAGE,				/* sum of sums / sum of counts */
	AGG_STATE,					/* transition states, combined */
	AGG_PACKED,					/* all values, packed (planner_packed.c) */
	AGG_WEIGHTED,				/* the different values, counted (planner_packed.c) */
	AGG_DISTINCT				/* as it is, over the distinct values of all shards */
} AggregateRule;

/* aggregates of pg_catalog by name; AGG_SUM and AGG_AVERAGE look at the argument's type as well */
static const struct
{
	const char *name;
	AggregateRule rule;
}			aggregateRules[] =
{
	{"count", AGG_COUNT},
	{"sum", AGG_SUM},
	{"avg", AGG_AVERAGE},
	{"min", AGG_SAME},
	{"max", AGG_SAME},
	{"bool_and", AGG_SAME},
	{"bool_or", AGG_SAME},
	{"every", AGG_SAME},
	{"bit_and", AGG_SAME},
	{"bit_or", AGG_SAME},
	{"bit_xor", AGG_SAME},
	{"any_value", AGG_SAME},
	/* these hold all rows: there is nothing to win */
	{"array_agg", AGG_NONE},
	{"string_agg", AGG_NONE},
};

typedef struct SplitContext
{
	Query	   *query;
	QueryShape *shape;
	List	   *columns;		/* TargetEntry of the fragment query */
	int			ngroups;		/* the first of columns are grouping expressions */
	List	   *groupClause;	/* of the fragment query */
	Var		   *setColumn;		/* which grouping set a row is of; NULL without sets */
	bool		groupsValues;	/* the fragment is grouped by what is DISTINCT */
	bool		unpacked;		/* nothing is packed */
	Aggref	   *packed;			/* one of those whose values are packed */
	Aggref	   *distinct;		/* the first with DISTINCT */
	bool		constantDistinct;	/* one over constants only, of whatever rows there are */
	bool		onlyDistinct;	/* all aggregates are over the same distinct values */
	ParseState *pstate;
	bool		impossible;
} SplitContext;

/* or NULL, which nobody counts */
static bool
argument_is_key(SplitContext *context, Aggref *agg)
{
	Node	   *arg = planner_flatten(context->query,
									  (Node *) linitial_node(TargetEntry, agg->args)->expr);
	ListCell   *lc;

	foreach(lc, list_concat_copy(context->shape->keys, context->shape->nullable))
	{
		if (equal(lfirst(lc), arg))
			return true;
	}
	return false;
}

/* true when states of the aggregate can be combined, and brought from one node to another */
static bool
aggregate_has_states(Aggref *agg)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(agg->aggfnoid));
	Form_pg_aggregate form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	result = OidIsValid(form->aggcombinefn) &&
		(form->aggtranstype != INTERNALOID ||
		 (OidIsValid(form->aggserialfn) && OidIsValid(form->aggdeserialfn)));
	ReleaseSysCache(tuple);
	return result && agg->args != NIL && !OidIsValid(get_func_variadictype(agg->aggfnoid)) &&
		get_typtype(agg->aggtype) != TYPTYPE_PSEUDO && planner_expr_is_shippable((Node *) agg);
}

static bool
packs_values(SplitContext *context, Aggref *agg)
{
	Oid			anchor = context->shape->anchor;

	/* grouping sets have no parts */
	return !context->unpacked && planner_aggregate_packs(agg, anchor) &&
		(context->query->groupingSets == NIL ||
		 planner_packed_part(agg, context->query, anchor) == NULL);
}

static AggregateRule
rule_for(SplitContext *context, Aggref *agg)
{
	AggregateRule rule = AGG_NONE;
	const char *name = NULL;
	bool		listed = false;

	if (agg->agglevelsup != 0)
		return AGG_NONE;
	if (agg->aggkind != AGGKIND_NORMAL)
	{
		if (packs_values(context, agg))
			return AGG_PACKED;
		return context->query->groupingSets == NIL && planner_aggregate_weighs(agg) ?
			AGG_WEIGHTED : AGG_NONE;
	}
	if (get_func_namespace(agg->aggfnoid) == PG_CATALOG_NAMESPACE)
		name = get_func_name(agg->aggfnoid);
	for (int i = 0; name != NULL && i < lengthof(aggregateRules); i++)
	{
		if (strcmp(name, aggregateRules[i].name) == 0)
		{
			rule = aggregateRules[i].rule;
			listed = true;
		}
	}

	if (agg->aggdistinct != NIL)
	{
		/* shards have no key value in common; extremes do not care about duplicates */
		if (rule == AGG_COUNT && !context->groupsValues && list_length(agg->args) == 1 &&
			argument_is_key(context, agg))
			return rule;
		if (listed && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0))
			return rule;
		if (packs_values(context, agg))
			return AGG_PACKED;
		return context->query->groupingSets == NIL ? AGG_DISTINCT : AGG_NONE;
	}
	if (agg->aggorder != NIL)
		return AGG_NONE;
	return listed || !aggregate_has_states(agg) ? rule : AGG_STATE;
}

bool
planner_aggregate_adds_up(Aggref *agg)
{
	const char *name;

	if (agg->aggkind != AGGKIND_NORMAL || get_func_namespace(agg->aggfnoid) != PG_CATALOG_NAMESPACE)
		return false;
	name = get_func_name(agg->aggfnoid);
	for (int i = 0; name != NULL && i < lengthof(aggregateRules); i++)
	{
		if (strcmp(name, aggregateRules[i].name) == 0)
			return aggregateRules[i].rule != AGG_NONE;
	}
	return false;
}

/* true when an aggregate makes the fragment be grouped by its arguments */
static bool
groups_values_walker(Node *node, SplitContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		AggregateRule rule = rule_for(context, (Aggref *) node);

		return rule == AGG_DISTINCT || rule == AGG_WEIGHTED;
	}
	if (IsA(node, SubLink))
		return false;
	return expression_tree_walker(node, groups_values_walker, context);
}

/* a column of the fragment for expr, shared with an equal one */
static Var *
fragment_column(SplitContext *context, Expr *expr)
{
	TargetEntry *tle;
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		tle = lfirst_node(TargetEntry, lc);
		if (equal(tle->expr, expr))
			return makeVar(1, tle->resno, exprType((Node *) expr), exprTypmod((Node *) expr),
						   exprCollation((Node *) expr), 0);
	}
	tle = makeTargetEntry(copyObject(expr), list_length(context->columns) + 1,
						  psprintf("column_%d", list_length(context->columns) + 1), false);
	context->columns = lappend(context->columns, tle);
	return makeVar(1, tle->resno, exprType((Node *) expr), exprTypmod((Node *) expr),
				   exprCollation((Node *) expr), 0);
}

/* a call of an aggregate with one argument; direct name look-up, for our own and the server's */
static Node *
make_aggregate(const char *schema, const char *name, Node *arg)
{
	Oid			argType = exprType(arg);
	Oid			oid = LookupFuncName(list_make2(makeString(pstrdup(schema)),
												makeString(pstrdup(name))),
									 1, &argType, false);
	Aggref	   *agg = makeNode(Aggref);

	agg->aggfnoid = oid;
	agg->aggtype = get_func_rettype(oid);
	agg->aggcollid = type_is_collatable(agg->aggtype) ? exprCollation(arg) : InvalidOid;
	agg->inputcollid = exprCollation(arg);
	agg->aggargtypes = list_make1_oid(argType);
	agg->args = list_make1(makeTargetEntry((Expr *) arg, 1, NULL, false));
	agg->aggkind = AGGKIND_NORMAL;
	agg->aggsplit = AGGSPLIT_SIMPLE;
	agg->aggno = agg->aggtransno = -1;
	agg->location = -1;
	return (Node *) agg;
}

static Node *
finish_same(SplitContext *context, Aggref *agg)
{
	Aggref	   *upper = copyObject(agg);
	Aggref	   *lower = copyObject(agg);
	Var		   *column;

	lower->aggdistinct = NIL;
	column = fragment_column(context, (Expr *) lower);
	upper->args = list_make1(makeTargetEntry((Expr *) column, 1, NULL, false));
	upper->aggargtypes = list_make1_oid(column->vartype);
	upper->aggdistinct = NIL;
	upper->aggfilter = NULL;
	return (Node *) upper;
}

/* sum of partial sums: bigint for the small integers, as on one server; else the same type */
static Node *
finish_sum(SplitContext *context, Aggref *agg)
{
	Var		   *column;

	if (agg->aggdistinct != NIL)
		return NULL;
	column = fragment_column(context, (Expr *) agg);
	if (column->vartype == INT8OID)
		return make_aggregate("citus_internal", "bigint_sum", (Node *) column);
	return make_aggregate("pg_catalog", "sum", (Node *) column);
}

static Node *
finish_count(SplitContext *context, Aggref *agg)
{
	return make_aggregate("citus_internal", "count_sum",
						  (Node *) fragment_column(context, (Expr *) agg));
}

/* an aggregate of the shards over the argument of agg, with its filter */
static Node *
lower_aggregate(Aggref *agg, const char *name, Oid castTo)
{
	Node	   *arg = copyObject((Node *) linitial_node(TargetEntry, agg->args)->expr);
	Aggref	   *lower;

	if (OidIsValid(castTo) && exprType(arg) != castTo)
		arg = coerce_to_target_type(NULL, arg, exprType(arg), castTo, -1, COERCION_EXPLICIT,
									COERCE_EXPLICIT_CAST, -1);
	if (strcmp(name, "count") == 0)
	{
		lower = copyObject(agg);
		lower->aggfnoid = LookupFuncName(list_make2(makeString("pg_catalog"),
													makeString("count")),
										 1, (Oid[]) {ANYOID}, false);
		lower->aggtype = INT8OID;
		lower->aggcollid = InvalidOid;
		linitial_node(TargetEntry, lower->args)->expr = (Expr *) arg;
		return (Node *) lower;
	}
	lower = (Aggref *) make_aggregate("pg_catalog", name, arg);
	lower->aggfilter = copyObject(agg->aggfilter);
	return (Node *) lower;
}

/*
 * The server divides the exact sum by the count in the result's type; so do we.  Intervals and
 * floating point divide in double precision.
 */
static Node *
finish_average(SplitContext *context, Aggref *agg)
{
	Oid			type = linitial_oid(agg->aggargtypes);
	Oid			castTo = type == FLOAT4OID ? FLOAT8OID : InvalidOid;
	Node	   *sum;
	Node	   *count;
	Node	   *zero;
	Node	   *divisor;

	if (type != INT2OID && type != INT4OID && type != INT8OID && type != NUMERICOID &&
		type != FLOAT4OID && type != FLOAT8OID)
		return NULL;

	sum = (Node *) fragment_column(context, (Expr *) lower_aggregate(agg, "sum", castTo));
	count = (Node *) fragment_column(context,
									 (Expr *) lower_aggregate(agg, "count", InvalidOid));
	if (exprType(sum) == INT8OID)
		sum = make_aggregate("citus_internal", "bigint_sum", sum);
	else
		sum = make_aggregate("pg_catalog", "sum", sum);
	sum = coerce_to_target_type(NULL, sum, exprType(sum), agg->aggtype, -1, COERCION_EXPLICIT,
								COERCE_EXPLICIT_CAST, -1);
	count = make_aggregate("citus_internal", "count_sum", count);
	zero = (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false,
							  true);
	divisor = (Node *) make_op(context->pstate, list_make1(makeString("=")), count, zero, NULL,
							   -1);
	((OpExpr *) divisor)->opfuncid = InvalidOid;
	{
		NullIfExpr *nullif = (NullIfExpr *) copyObject(divisor);

		NodeSetTag(nullif, T_NullIfExpr);
		nullif->opresulttype = INT8OID;
		divisor = (Node *) nullif;
	}
	divisor = coerce_to_target_type(NULL, divisor, INT8OID, agg->aggtype, -1, COERCION_EXPLICIT,
									COERCE_EXPLICIT_CAST, -1);
	return (Node *) make_op(context->pstate,
							list_make2(makeString("pg_catalog"), makeString("/")),
							sum, divisor, NULL, -1);
}

static TargetEntry *
argument(Expr *expr, int number)
{
	return makeTargetEntry(expr, number, NULL, false);
}

static Aggref *
make_own_aggregate(const char *name, List *types, Oid resultType, Aggref *like)
{
	Aggref	   *agg = makeNode(Aggref);
	int			n = list_length(types);
	Oid		   *oids = palloc(sizeof(Oid) * n);
	ListCell   *lc;

	foreach(lc, types)
		oids[foreach_current_index(lc)] = lfirst_oid(lc);
	agg->aggfnoid = LookupFuncName(list_make2(makeString("citus_internal"),
											  makeString(pstrdup(name))), n, oids, false);
	agg->aggtype = resultType;
	agg->inputcollid = like->inputcollid;
	agg->aggkind = AGGKIND_NORMAL;
	agg->aggsplit = AGGSPLIT_SIMPLE;
	agg->aggno = agg->aggtransno = -1;
	agg->location = -1;
	return agg;
}

static Const *
procedure_const(Oid function)
{
	return makeConst(REGPROCEDUREOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(function),
					 false, true);
}

/* partial_state() with the arguments and the filter of agg */
static Aggref *
lower_state(Aggref *agg)
{
	Aggref	   *lower = make_own_aggregate("partial_state",
										   list_make2_oid(REGPROCEDUREOID, ANYOID), BYTEAOID, agg);
	ListCell   *lc;

	lower->args = list_make1(argument((Expr *) procedure_const(agg->aggfnoid), 1));
	lower->aggargtypes = list_make1_oid(REGPROCEDUREOID);
	foreach(lc, agg->args)
	{
		Expr	   *expr = copyObject(lfirst_node(TargetEntry, lc)->expr);

		lower->args = lappend(lower->args, argument(expr, list_length(lower->args) + 1));
		lower->aggargtypes = lappend_oid(lower->aggargtypes, exprType((Node *) expr));
	}
	lower->aggfilter = copyObject(agg->aggfilter);
	return lower;
}

static Node *
finish_state(SplitContext *context, Aggref *agg)
{
	Aggref	   *upper = make_own_aggregate("combine_states",
										   list_make4_oid(REGPROCEDUREOID, OIDARRAYOID, BYTEAOID,
														  ANYELEMENTOID), agg->aggtype, agg);
	int			ntypes = list_length(agg->aggargtypes);
	Datum	   *types = palloc(sizeof(Datum) * Max(ntypes, 1));
	ArrayType  *array;
	ListCell   *lc;

	foreach(lc, agg->aggargtypes)
		types[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	array = construct_array(types, ntypes, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	upper->args = list_make4(argument((Expr *) procedure_const(agg->aggfnoid), 1),
							 argument((Expr *) makeConst(OIDARRAYOID, -1, InvalidOid, -1,
														 PointerGetDatum(array), false, false),
									  2),
							 argument((Expr *) fragment_column(context,
															   (Expr *) lower_state(agg)), 3),
							 argument((Expr *) makeNullConst(agg->aggtype, -1, agg->aggcollid),
									  4));
	upper->aggargtypes = list_make4_oid(REGPROCEDUREOID, OIDARRAYOID, BYTEAOID, agg->aggtype);
	upper->aggcollid = agg->aggcollid;
	upper->location = PLAN_COMBINE_LOCATION;
	return (Node *) upper;
}

/* a column that the fragment is grouped by, besides the query's own grouping */
static Var *
grouped_column(SplitContext *context, Expr *expr, const SortGroupClause *like)
{
	Var		   *column = fragment_column(context, expr);
	TargetEntry *own = list_nth_node(TargetEntry, context->columns, column->varattno - 1);
	SortGroupClause *clause;

	if (own->ressortgroupref != 0)
		return column;
	if (like != NULL)
		clause = copyObject(unconstify(SortGroupClause *, like));
	else
	{
		clause = makeNode(SortGroupClause);
		get_sort_group_operators(exprType((Node *) expr), true, true, false, &clause->sortop,
								 &clause->eqop, NULL, &clause->hashable);
	}
	own->ressortgroupref = clause->tleSortGroupRef = column->varattno;
	context->groupClause = lappend(context->groupClause, clause);
	return column;
}

static bool
same_distinct(Aggref *a, Aggref *b)
{
	return equal(a->args, b->args) && equal(a->aggfilter, b->aggfilter) &&
		equal(a->aggdistinct, b->aggdistinct);
}

/* the aggregate over columns of the fragment, which is grouped by them */
static Node *
finish_distinct(SplitContext *context, Aggref *agg)
{
	Aggref	   *upper = copyObject(agg);
	bool		constant = agg->aggfilter == NULL;
	ListCell   *lc;

	if (context->distinct == NULL)
		context->distinct = agg;
	if (!same_distinct(context->distinct, agg) || agg->aggorder != NIL)
		context->onlyDistinct = false;
	foreach(lc, upper->args)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		SortGroupClause *clause;

		if (IsA(tle->expr, Const))
			continue;
		clause = get_sortgroupref_clause_noerr(tle->ressortgroupref, agg->aggdistinct);
		if (clause == NULL)
			return NULL;
		tle->expr = (Expr *) grouped_column(context, tle->expr, clause);
		constant = false;
	}
	context->constantDistinct |= constant;
	if (agg->aggfilter != NULL)
		upper->aggfilter = (Expr *) grouped_column(context, agg->aggfilter, NULL);
	return (Node *) upper;
}

/* (column >> from & 1) << to, as a term of a sum */
static Node *
move_bit(SplitContext *context, Var *column, int from, int to)
{
	Node	   *bit = (Node *) makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(1 << from),
										 false, true);
	Node	   *term = (Node *) make_op(context->pstate, list_make1(makeString("&")),
										(Node *) copyObject(column), bit, NULL, -1);
	bool		left = to > from;

	if (from == to)
		return term;
	return (Node *) make_op(context->pstate, list_make1(makeString(left ? "<<" : ">>")), term,
							(Node *) makeConst(INT4OID, -1, InvalidOid, 4,
											   Int32GetDatum(left ? to - from : from - to), false,
											   true), NULL, -1);
}

/* GROUPING(...) from the bits of the column that has them for all grouping expressions */
static Node *
finish_grouping(SplitContext *context, GroupingFunc *grouping)
{
	Node	   *result = NULL;
	int			n = list_length(grouping->args);
	ListCell   *lc;

	if (grouping->agglevelsup != 0 || context->setColumn == NULL)
		return NULL;
	foreach(lc, grouping->args)
	{
		Node	   *term = NULL;

		for (int i = 0; i < context->ngroups; i++)
		{
			if (equal(list_nth_node(TargetEntry, context->columns, i)->expr, lfirst(lc)))
				term = move_bit(context, context->setColumn, context->ngroups - 1 - i,
								n - 1 - foreach_current_index(lc));
		}
		if (term == NULL)
			return NULL;
		result = result == NULL ? term
			: (Node *) make_op(context->pstate, list_make1(makeString("|")), result, term, NULL,
							   -1);
	}
	return result;
}

static Node *split_mutator(Node *node, SplitContext *context);

static Node *
finish_packed(SplitContext *context, Aggref *agg)
{
	List	   *direct = (List *) split_mutator((Node *) agg->aggdirectargs, context);

	context->packed = agg;
	return planner_packed_upper(agg, direct,
								fragment_column(context, (Expr *) planner_packed_lower(agg)));
}

/* the fragment is grouped by the value, and counts */
static Node *
finish_weighted(SplitContext *context, Aggref *agg)
{
	List	   *direct = (List *) split_mutator((Node *) agg->aggdirectargs, context);
	Var		   *value = grouped_column(context, linitial_node(TargetEntry, agg->args)->expr,
									   linitial(agg->aggorder));
	Aggref	   *count = makeNode(Aggref);

	count->aggfnoid = F_COUNT_;
	count->aggtype = INT8OID;
	count->aggstar = true;
	count->aggfilter = copyObject(agg->aggfilter);
	count->aggkind = AGGKIND_NORMAL;
	count->aggsplit = AGGSPLIT_SIMPLE;
	count->aggno = count->aggtransno = -1;
	count->location = -1;
	return planner_weighted_upper(agg, direct, value, fragment_column(context, (Expr *) count));
}

static Node *
finish_aggregate(SplitContext *context, Aggref *agg)
{
	AggregateRule rule = rule_for(context, agg);
	Node	   *result = NULL;

	if (rule != AGG_DISTINCT)
		context->onlyDistinct = false;
	switch (rule)
	{
		case AGG_SAME:
			return finish_same(context, agg);
		case AGG_COUNT:
			return finish_count(context, agg);
		case AGG_SUM:
			return finish_sum(context, agg);
		case AGG_AVERAGE:
			result = finish_average(context, agg);
			if (result == NULL && aggregate_has_states(agg))
				result = finish_state(context, agg);
			return result;
		case AGG_STATE:
			return finish_state(context, agg);
		case AGG_PACKED:
			return finish_packed(context, agg);
		case AGG_WEIGHTED:
			return finish_weighted(context, agg);
		case AGG_DISTINCT:
			return finish_distinct(context, agg);
		case AGG_NONE:
			break;
	}
	return NULL;
}

static Node *
split_mutator(Node *node, SplitContext *context)
{
	if (node == NULL || context->impossible)
		return node;

	for (int i = 0; i < context->ngroups; i++)
	{
		TargetEntry *tle = list_nth_node(TargetEntry, context->columns, i);

		if (equal(tle->expr, node))
			return (Node *) fragment_column(context, tle->expr);
	}
	if (IsA(node, Aggref) || IsA(node, GroupingFunc))
	{
		Node	   *result = IsA(node, Aggref) ? finish_aggregate(context, (Aggref *) node)
			: finish_grouping(context, (GroupingFunc *) node);

		if (result == NULL)
			context->impossible = true;
		return result;
	}
	if (IsA(node, Var) || IsA(node, SubLink))
	{
		context->impossible = true;
		return node;
	}
	return expression_tree_mutator(node, split_mutator, context);
}

/* the grouping expressions become the fragment's first columns, grouped by in the same way */
static void
split_groups(SplitContext *context)
{
	ListCell   *lc;

	foreach(lc, context->query->groupClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		TargetEntry *tle = get_sortgroupclause_tle(clause, context->query->targetList);

		if (expression_returns_set((Node *) tle->expr))
			context->impossible = true;
		(void) grouped_column(context, tle->expr, clause);
	}
	context->ngroups = list_length(context->columns);
}

/* the fragment's number of the grouping expression that the query knows as ref */
static int
fragment_group(SplitContext *context, Index ref)
{
	TargetEntry *tle = get_sortgroupref_tle(ref, context->query->targetList);

	return fragment_column(context, tle->expr)->varattno;
}

static void
renumber_sets(SplitContext *context, List *sets)
{
	ListCell   *lc;

	foreach(lc, sets)
	{
		GroupingSet *set = lfirst_node(GroupingSet, lc);
		ListCell   *ref;

		if (set->kind != GROUPING_SET_SIMPLE)
		{
			renumber_sets(context, set->content);
			continue;
		}
		foreach(ref, set->content)
			lfirst_int(ref) = fragment_group(context, lfirst_int(ref));
	}
}

/* true when a grouping set occurs twice: its rows could not be told apart */
static bool
sets_repeat(List *groupingSets, bool groupDistinct)
{
	List	   *sets = expand_grouping_sets(copyObject(groupingSets), groupDistinct, -1);
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, sets)
	{
		Bitmapset  *members = NULL;
		ListCell   *other;

		foreach(other, (List *) lfirst(lc))
			members = bms_add_member(members, lfirst_int(other));
		foreach(other, seen)
		{
			if (bms_equal(lfirst(other), members))
				return true;
		}
		seen = lappend(seen, members);
	}
	return false;
}

/* the fragment computes the same grouping sets, and says of each row which of them it is of */
static List *
split_sets(SplitContext *context)
{
	Query	   *query = context->query;
	List	   *sets = copyObject(query->groupingSets);
	GroupingFunc *grouping = makeNode(GroupingFunc);

	/* GROUPING() is a number of 31 bits */
	if (context->ngroups == 0 || context->ngroups > 31)
	{
		context->impossible = true;
		return NIL;
	}
	renumber_sets(context, sets);
	if (sets_repeat(sets, query->groupDistinct))
	{
		context->impossible = true;
		return NIL;
	}
	for (int i = 0; i < context->ngroups; i++)
	{
		TargetEntry *tle = list_nth_node(TargetEntry, context->columns, i);

		grouping->args = lappend(grouping->args, copyObject(tle->expr));
		grouping->refs = lappend_int(grouping->refs, tle->ressortgroupref);
	}
	grouping->location = -1;
	context->setColumn = fragment_column(context, (Expr *) grouping);
	return sets;
}

/* the rows are grouped here by their grouping set, too */
static void
group_by_set(SplitContext *context, Query *upper)
{
	Index		ref = 0;
	TargetEntry *tle = makeTargetEntry((Expr *) copyObject(context->setColumn),
									   list_length(upper->targetList) + 1, NULL, true);
	SortGroupClause *clause = makeNode(SortGroupClause);
	ListCell   *lc;

	foreach(lc, upper->targetList)
		ref = Max(ref, lfirst_node(TargetEntry, lc)->ressortgroupref);
	tle->ressortgroupref = clause->tleSortGroupRef = ref + 1;
	get_sort_group_operators(INT4OID, true, true, false, &clause->sortop, &clause->eqop, NULL,
							 &clause->hashable);
	upper->targetList = lappend(upper->targetList, tle);
	upper->groupClause = lappend(upper->groupClause, clause);
}

/* rows of large shards are grouped by parts of them, too; not among grouping sets */
static void
split_parts(SplitContext *context)
{
	Expr	   *part = context->query->groupingSets != NIL ? NULL :
		planner_packed_part(context->packed, context->query, context->shape->anchor);

	if (part != NULL)
		(void) grouped_column(context, part, NULL);
}

/* what upper does after grouping is what query does */
static void
take_upper_clauses(SplitContext *context, Query *upper)
{
	Query	   *query = context->query;

	upper->hasAggs = query->hasAggs;
	upper->hasWindowFuncs = query->hasWindowFuncs;
	upper->hasTargetSRFs = query->hasTargetSRFs;
	upper->groupClause = copyObject(query->groupClause);
	upper->windowClause = (List *) split_mutator((Node *) query->windowClause, context);
	upper->distinctClause = copyObject(query->distinctClause);
	upper->hasDistinctOn = query->hasDistinctOn;
	upper->sortClause = copyObject(query->sortClause);
	upper->limitCount = copyObject(query->limitCount);
	upper->limitOffset = copyObject(query->limitOffset);
	upper->limitOption = query->limitOption;
}

/* the part of query that runs on the shards; its upper part has been taken off */
static Query *
make_lower(SplitContext *context, List *sets)
{
	Query	   *lower = copyObject(context->query);

	lower->targetList = copyObject(context->columns);
	lower->groupClause = copyObject(context->groupClause);
	lower->groupingSets = sets;
	lower->havingQual = NULL;
	lower->windowClause = lower->distinctClause = lower->sortClause = NIL;
	lower->hasWindowFuncs = lower->hasDistinctOn = lower->hasTargetSRFs = false;
	lower->limitCount = lower->limitOffset = NULL;
	lower->limitOption = LIMIT_OPTION_COUNT;
	lower->hasAggs = contain_aggs_of_level((Node *) lower->targetList, 0);
	return lower;
}

static bool
other_than_count_walker(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
		return ((Aggref *) node)->aggfnoid != F_COUNT_ANY;
	return expression_tree_walker(node, other_than_count_walker, nothing);
}

/* a query of count(DISTINCT column) only may count where equal values have been brought together */
static void
note_counts(SplitContext *context, Query *upper, SplitResult *result)
{
	Aggref	   *distinct = context->distinct;

	if (list_length(distinct->args) != 1 || distinct->aggfilter != NULL ||
		IsA(linitial_node(TargetEntry, distinct->args)->expr, Const) ||
		other_than_count_walker((Node *) upper->targetList, NULL) ||
		other_than_count_walker(upper->havingQual, NULL))
		return;
	result->counted = fragment_column(context,
									  linitial_node(TargetEntry, distinct->args)->expr)->varattno;
	result->counts = copyObject(upper);
}

static bool
without_distinct_walker(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
		((Aggref *) node)->aggdistinct = NIL;
	return expression_tree_walker(node, without_distinct_walker, nothing);
}

Query *
planner_split_aggregates(Query *query, QueryShape *shape, SplitResult *result)
{
	SplitContext context = {.query = query,.shape = shape,.onlyDistinct = true};
	Query	   *upper = makeNode(Query);
	List	   *sets = NIL;

	if (query->setOperations != NULL)
		return NULL;

	context.groupsValues = groups_values_walker((Node *) query->targetList, &context) ||
		groups_values_walker(query->havingQual, &context);
	/* the groups of a fragment that is grouped by values are too small for runs */
	context.unpacked = context.groupsValues;
	context.pstate = make_parsestate(NULL);
	split_groups(&context);
	if (query->groupingSets != NIL)
		sets = split_sets(&context);
	upper->commandType = CMD_SELECT;
	upper->querySource = query->querySource;
	upper->queryId = query->queryId;
	upper->canSetTag = query->canSetTag;
	upper->stmt_location = query->stmt_location;
	upper->stmt_len = query->stmt_len;
	upper->targetList = (List *) split_mutator((Node *) query->targetList, &context);
	upper->havingQual = split_mutator(query->havingQual, &context);
	take_upper_clauses(&context, upper);
	if (!context.impossible && context.setColumn != NULL)
		group_by_set(&context, upper);
	if (!context.impossible && context.packed != NULL)
		split_parts(&context);
	free_parsestate(context.pstate);
	if (context.impossible || context.columns == NIL)
		return NULL;
	/* ungrouped, the fragment has a row where there is none: a value for DISTINCT from nothing */
	if (context.constantDistinct && context.groupClause == NIL)
		return NULL;

	result->lower = make_lower(&context, sets);
	result->groupAgain = context.distinct != NULL && context.onlyDistinct;
	if (result->groupAgain)
	{
		note_counts(&context, upper, result);
		(void) without_distinct_walker((Node *) upper->targetList, NULL);
		(void) without_distinct_walker(upper->havingQual, NULL);
	}
	return upper;
}
