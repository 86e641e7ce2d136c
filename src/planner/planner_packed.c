/*
 * planner_packed.c
 *	  Aggregates that see all values: sorted runs from the shards, looked into here.
 *
 * percentile_cont, percentile_disc, mode and count(DISTINCT) of one column of fixed length become
 * an aggregate of the shards that packs the values (pack_values, pack_distinct_values) and one
 * above them that takes the result from all runs (packed_...); executor/packed_values.c has both.
 * The direct arguments stay with the upper aggregate.
 *
 * Values of other types, and those beside aggregates that make the shards group by values anyway,
 * come grouped, with a count for each (executor/weighted_values.c).
 *
 * Where a shard may have more values than one run takes, its rows are cut into parts: one more
 * column that the fragment is grouped by.  Whatever else it computes is combined above anyway.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "citus/catalog/catalog.h"
#include "citus/plan/packed.h"
#include "planner_internal.h"

/* more values than these are counted where equal ones meet */
#define MAX_COUNTED_ROWS	3e7
/* a shard of more rows sends several runs */
#define MAX_RUN_ROWS		1e6
/* so does one of a table of more rows, which may all lie there; a run takes twice as many */
#define MAX_ROWS_IN_ONE_RUN	2.4e7

#define PACKED_CONT		"packed_percentile_cont"
#define PACKED_DISC		"packed_percentile_disc"
#define WEIGHTED_CONT	"weighted_percentile_cont"
#define WEIGHTED_DISC	"weighted_percentile_disc"

/* which aggregate stands above the runs, and which above values and their counts */
static const struct
{
	Oid			aggregate;
	const char *upper;
	const char *weighted;
	bool		typed;			/* of any type: upper takes a NULL of the values' type */
}			packedAggregates[] =
{
	{F_PERCENTILE_CONT_FLOAT8_FLOAT8, PACKED_CONT, WEIGHTED_CONT, false},
	{F_PERCENTILE_CONT__FLOAT8_FLOAT8, PACKED_CONT, WEIGHTED_CONT, false},
	{F_PERCENTILE_CONT_FLOAT8_INTERVAL, NULL, WEIGHTED_CONT, false},
	{F_PERCENTILE_CONT__FLOAT8_INTERVAL, NULL, WEIGHTED_CONT, false},
	{F_PERCENTILE_DISC_FLOAT8_ANYELEMENT, PACKED_DISC, WEIGHTED_DISC, true},
	{F_PERCENTILE_DISC__FLOAT8_ANYELEMENT, PACKED_DISC, WEIGHTED_DISC, true},
	{F_MODE, "packed_mode", "weighted_mode", true},
};

static Expr *
value_of(const Aggref *agg)
{
	return linitial_node(TargetEntry, agg->args)->expr;
}

/* true when the clause sorts and compares as the type's own operators do */
static bool
clause_is_default(const SortGroupClause *clause, Oid type, bool *descending)
{
	TypeCacheEntry *cache = lookup_type_cache(getBaseType(type),
											  TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	*descending = clause->sortop == cache->gt_opr;
	return *descending || clause->sortop == cache->lt_opr;
}

static int
find_packed(Oid aggregate)
{
	for (int i = 0; i < lengthof(packedAggregates); i++)
	{
		if (packedAggregates[i].aggregate == aggregate)
			return i;
	}
	return -1;
}

bool
planner_aggregate_packs(const Aggref *agg, Oid anchor)
{
	bool		counts = agg->aggfnoid == F_COUNT_ANY && list_length(agg->aggdistinct) == 1;
	bool		descending;
	Oid			type;

	if (list_length(agg->args) != 1 || (!counts && find_packed(agg->aggfnoid) < 0))
		return false;
	type = exprType((Node *) value_of(agg));
	if (plan_packed_kind(type) == PACKED_NOT)
		return false;
	if (counts)
		return agg->aggorder == NIL && planner_table_rows(anchor) <= MAX_COUNTED_ROWS &&
			clause_is_default(linitial(agg->aggdistinct), type, &descending);
	return clause_is_default(linitial(agg->aggorder), type, &descending);
}

static Oid
own_function(const char *name, int nargs, const Oid *types)
{
	return LookupFuncName(list_make2(makeString("citus_internal"), makeString(pstrdup(name))),
						  nargs, types, false);
}

Aggref *
planner_packed_lower(const Aggref *agg)
{
	Aggref	   *lower = makeNode(Aggref);
	Expr	   *value = copyObject(value_of(agg));
	Oid			any = ANYELEMENTOID;

	lower->aggfnoid = own_function(agg->aggdistinct != NIL ? "pack_distinct_values"
								   : "pack_values", 1, &any);
	lower->aggtype = BYTEAOID;
	lower->aggargtypes = list_make1_oid(exprType((Node *) value));
	lower->args = list_make1(makeTargetEntry(value, 1, NULL, false));
	lower->aggfilter = copyObject(agg->aggfilter);
	lower->aggkind = AGGKIND_NORMAL;
	lower->aggsplit = AGGSPLIT_SIMPLE;
	lower->aggno = lower->aggtransno = -1;
	lower->location = -1;
	return lower;
}

/* ORDER BY of an ordered-set aggregate: its transition function does not look at it */
static List *
order_by(TargetEntry *tle)
{
	SortGroupClause *clause = makeNode(SortGroupClause);

	tle->ressortgroupref = clause->tleSortGroupRef = 1;
	get_sort_group_operators(exprType((Node *) tle->expr), true, true, false, &clause->sortop,
							 &clause->eqop, NULL, &clause->hashable);
	return list_make1(clause);
}

Node *
planner_packed_upper(const Aggref *agg, List *directArgs, Var *runs)
{
	Aggref	   *upper = makeNode(Aggref);
	int			which = find_packed(agg->aggfnoid);
	Oid			type = exprType((Node *) value_of(agg));
	TargetEntry *tle = makeTargetEntry((Expr *) runs, 1, NULL, false);
	Oid			types[4];
	int			ntypes = 0;
	bool		descending = false;
	ListCell   *lc;

	foreach(lc, directArgs)
		types[ntypes++] = exprType(lfirst(lc));
	upper->aggargtypes = NIL;
	for (int i = 0; i < ntypes; i++)
		upper->aggargtypes = lappend_oid(upper->aggargtypes, types[i]);
	if (which >= 0)
	{
		if (packedAggregates[which].typed)
		{
			directArgs = lappend(directArgs, makeNullConst(type, -1, InvalidOid));
			upper->aggargtypes = lappend_oid(upper->aggargtypes, type);
			types[ntypes++] = ANYELEMENTOID;
		}
		(void) clause_is_default(linitial(agg->aggorder), type, &descending);
		directArgs = lappend(directArgs, makeBoolConst(descending, false));
		upper->aggargtypes = lappend_oid(upper->aggargtypes, BOOLOID);
		types[ntypes++] = BOOLOID;
	}
	types[ntypes++] = BYTEAOID;
	upper->aggargtypes = lappend_oid(upper->aggargtypes, BYTEAOID);
	upper->aggfnoid = own_function(which >= 0 ? packedAggregates[which].upper : "packed_count",
								   ntypes, types);
	upper->aggtype = agg->aggtype;
	upper->aggdirectargs = directArgs;
	upper->args = list_make1(tle);
	upper->aggorder = order_by(tle);
	upper->aggkind = AGGKIND_ORDERED_SET;
	upper->aggsplit = AGGSPLIT_SIMPLE;
	upper->aggno = upper->aggtransno = -1;
	upper->location = -1;
	return (Node *) upper;
}

/* ---- values and their counts ---- */

bool
planner_aggregate_weighs(const Aggref *agg)
{
	bool		descending;
	Expr	   *value;

	if (list_length(agg->args) != 1 || find_packed(agg->aggfnoid) < 0 ||
		contain_volatile_functions((Node *) agg->aggdirectargs))
		return false;
	value = value_of(agg);
	return !IsA(value, Const) && get_typtype(exprType((Node *) value)) != TYPTYPE_PSEUDO &&
		clause_is_default(linitial(agg->aggorder), exprType((Node *) value), &descending);
}

/* one argument of an ordered-set aggregate, and what says that it is sorted */
static void
add_sorted(Aggref *upper, Var *column, Oid type)
{
	int			n = list_length(upper->args) + 1;
	TargetEntry *tle = makeTargetEntry((Expr *) column, n, NULL, false);
	SortGroupClause *clause = linitial_node(SortGroupClause, order_by(tle));

	tle->ressortgroupref = clause->tleSortGroupRef = n;
	upper->args = lappend(upper->args, tle);
	upper->aggorder = lappend(upper->aggorder, clause);
	upper->aggargtypes = lappend_oid(upper->aggargtypes, type);
}

Node *
planner_weighted_upper(const Aggref *agg, List *directArgs, Var *value, Var *count)
{
	Aggref	   *upper = makeNode(Aggref);
	Oid			type = exprType((Node *) value_of(agg));
	int			which = find_packed(agg->aggfnoid);
	Oid			types[4];
	int			ntypes = 0;
	bool		descending;
	ListCell   *lc;

	(void) clause_is_default(linitial(agg->aggorder), type, &descending);
	directArgs = lappend(directArgs, makeBoolConst(descending, false));
	foreach(lc, directArgs)
	{
		types[ntypes++] = exprType(lfirst(lc));
		upper->aggargtypes = lappend_oid(upper->aggargtypes, types[ntypes - 1]);
	}
	types[ntypes++] = packedAggregates[which].typed ? ANYELEMENTOID : type;
	types[ntypes++] = INT8OID;
	add_sorted(upper, value, type);
	add_sorted(upper, count, INT8OID);
	upper->aggfnoid = own_function(packedAggregates[which].weighted, ntypes, types);
	upper->aggtype = agg->aggtype;
	upper->aggcollid = agg->aggcollid;
	upper->inputcollid = agg->inputcollid;
	upper->aggdirectargs = directArgs;
	upper->aggkind = AGGKIND_ORDERED_SET;
	upper->aggsplit = AGGSPLIT_SIMPLE;
	upper->aggno = upper->aggtransno = -1;
	upper->location = -1;
	return (Node *) upper;
}

/* ---- parts ---- */

/*
 * Surely no shard has more values than one run takes: of joins nobody knows, and nor of tables of
 * which most rows may lie in one shard.
 */
static bool
fits_into_runs(const Query *query, Oid anchor)
{
	const DistTable *table = catalog_table_get(anchor);
	double		rows = planner_table_rows(anchor);
	RangeTblRef *from = list_length(query->jointree->fromlist) == 1 ?
		linitial(query->jointree->fromlist) : NULL;

	return from != NULL && IsA(from, RangeTblRef) &&
		rt_fetch(from->rtindex, query->rtable)->rtekind == RTE_RELATION &&
		planner_table_is_analyzed(anchor) && rows <= MAX_ROWS_IN_ONE_RUN &&
		rows / Max(table->nshards, 1) <= MAX_RUN_ROWS;
}

Expr *
planner_packed_part(const Aggref *agg, const Query *query, Oid anchor)
{
	Expr	   *value = copyObject(value_of(agg));
	Oid			any = ANYELEMENTOID;

	if (IsA(value, Const) || fits_into_runs(query, anchor))
		return NULL;
	return (Expr *) makeFuncExpr(own_function("packed_part", 1, &any), INT4OID,
								 list_make1(value), InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}
