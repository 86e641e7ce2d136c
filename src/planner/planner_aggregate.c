/*
 * planner_aggregate.c
 *	  Aggregates in two steps: partial results per shard, finished here.
 *
 * An aggregate is split by a table of rules (aggregateRules): which partial aggregates the shards
 * compute and which expression over them gives the result.  Only aggregates whose split gives the
 * server's own value, digit for digit where the type is exact, have a rule; any other makes
 * planner_split_aggregates() answer NULL, and the rows are gathered instead.
 *
 * Invariants: (1) the fragment query's columns are the grouping expressions, then the partial
 * aggregates, each once; (2) the upper query contains no Var but those columns.
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
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_node.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
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
	AGG_AVERAGE					/* sum of sums / sum of counts */
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
};

typedef struct SplitContext
{
	Query	   *query;
	QueryShape *shape;
	List	   *columns;		/* TargetEntry of the fragment query */
	int			ngroups;		/* the first of columns are grouping expressions */
	ParseState *pstate;
	bool		impossible;
} SplitContext;

static bool
argument_is_key(SplitContext *context, Aggref *agg)
{
	Node	   *arg = planner_flatten(context->query,
									  (Node *) linitial_node(TargetEntry, agg->args)->expr);
	ListCell   *lc;

	foreach(lc, context->shape->keys)
	{
		if (equal(lfirst(lc), arg))
			return true;
	}
	return false;
}

static AggregateRule
rule_for(SplitContext *context, Aggref *agg)
{
	AggregateRule rule = AGG_NONE;
	char	   *name;

	if (agg->agglevelsup != 0 || agg->aggkind != AGGKIND_NORMAL || agg->aggorder != NIL)
		return AGG_NONE;
	if (get_func_namespace(agg->aggfnoid) != PG_CATALOG_NAMESPACE)
		return AGG_NONE;
	name = get_func_name(agg->aggfnoid);
	for (int i = 0; i < lengthof(aggregateRules); i++)
	{
		if (strcmp(name, aggregateRules[i].name) == 0)
			rule = aggregateRules[i].rule;
	}

	if (agg->aggdistinct != NIL)
	{
		/* shards have no key value in common; extremes do not care about duplicates */
		if (rule == AGG_COUNT && list_length(agg->args) == 1 && argument_is_key(context, agg))
			return rule;
		if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
			return rule;
		return AGG_NONE;
	}
	return rule;
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
	if (IsA(node, Aggref))
	{
		Aggref	   *agg = (Aggref *) node;
		Node	   *result = NULL;

		switch (rule_for(context, agg))
		{
			case AGG_SAME:
				result = finish_same(context, agg);
				break;
			case AGG_COUNT:
				result = finish_count(context, agg);
				break;
			case AGG_SUM:
				result = finish_sum(context, agg);
				break;
			case AGG_AVERAGE:
				result = finish_average(context, agg);
				break;
			case AGG_NONE:
				break;
		}
		if (result == NULL)
			context->impossible = true;
		return result;
	}
	if (IsA(node, Var) || IsA(node, SubLink) || IsA(node, GroupingFunc) || IsA(node, WindowFunc))
	{
		context->impossible = true;
		return node;
	}
	return expression_tree_mutator(node, split_mutator, context);
}

/* the grouping expressions become the fragment's first columns, grouped by in the same way */
static List *
split_groups(SplitContext *context)
{
	List	   *groupClause = NIL;
	ListCell   *lc;

	foreach(lc, context->query->groupClause)
	{
		SortGroupClause *clause = copyObject(lfirst_node(SortGroupClause, lc));
		TargetEntry *tle = get_sortgroupclause_tle(clause, context->query->targetList);
		Var		   *column = fragment_column(context, tle->expr);
		TargetEntry *own = list_nth_node(TargetEntry, context->columns, column->varattno - 1);

		if (own->ressortgroupref != 0)
			continue;
		own->ressortgroupref = clause->tleSortGroupRef = column->varattno;
		groupClause = lappend(groupClause, clause);
	}
	context->ngroups = list_length(context->columns);
	return groupClause;
}

Query *
planner_split_aggregates(Query *query, QueryShape *shape, Query **fragmentQuery)
{
	SplitContext context = {query, shape, NIL, 0, NULL, false};
	Query	   *lower = copyObject(query);
	Query	   *upper = makeNode(Query);

	if (query->groupingSets != NIL || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->setOperations != NULL)
		return NULL;

	context.pstate = make_parsestate(NULL);
	lower->groupClause = split_groups(&context);
	upper->commandType = CMD_SELECT;
	upper->querySource = query->querySource;
	upper->queryId = query->queryId;
	upper->canSetTag = query->canSetTag;
	upper->stmt_location = query->stmt_location;
	upper->stmt_len = query->stmt_len;
	upper->targetList = (List *) split_mutator((Node *) query->targetList, &context);
	upper->havingQual = split_mutator(query->havingQual, &context);
	free_parsestate(context.pstate);
	if (context.impossible)
		return NULL;

	upper->hasAggs = query->hasAggs;
	upper->groupClause = copyObject(query->groupClause);
	upper->distinctClause = copyObject(query->distinctClause);
	upper->hasDistinctOn = query->hasDistinctOn;
	upper->sortClause = copyObject(query->sortClause);
	upper->limitCount = copyObject(query->limitCount);
	upper->limitOffset = copyObject(query->limitOffset);
	upper->limitOption = query->limitOption;

	if (context.columns == NIL)
		return NULL;
	lower->targetList = copyObject(context.columns);
	lower->havingQual = NULL;
	lower->distinctClause = lower->sortClause = NIL;
	lower->hasDistinctOn = false;
	lower->limitCount = lower->limitOffset = NULL;
	lower->limitOption = LIMIT_OPTION_COUNT;
	*fragmentQuery = lower;
	return upper;
}
