/*
 * planner_merge.c
 *	  One query -> a fragment that runs where the shards are, and a query over its rows.
 *
 * planner_transform() tries, in this order,
 *	 whole		the query itself is the fragment and nothing is left to do;
 *	 merge		the query without ORDER BY, LIMIT and DISTINCT is the fragment; these are applied
 *				again to the rows that come back (the shards sort and limit too where it helps);
 *	 partial	grouping and aggregates are computed per shard and finished here
 *				(planner_aggregate.c);
 *	 gather		the fragment gives the columns that the query's upper part needs, and all of
 *				the upper part runs here.
 *
 * The query over the rows is an ordinary Query for the server's planner: range table entry 1 stands
 * for the fragment.  Invariant: the output columns of that query have the names and types of the
 * original's, in the same order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_node.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "citus/deparse/template.h"
#include "planner_ranks_internal.h"
#include "planner_union_internal.h"

#define STRATEGY_ONE_GROUP	"one shard group"
#define STRATEGY_PUSHDOWN	"pushdown"
#define STRATEGY_REPLICA	"reference tables"
#define STRATEGY_MOVE		"rows moved between shards"

/* so many distinct values are counted where equal ones meet, not here */
#define MANY_VALUES			20000.0

/* what planner_transform() knows about the query it works on */
typedef struct Transform
{
	Query	   *query;			/* normalized, not shipped */
	QueryShape	shape;
	const char *strategy;
	List	   *movements;		/* of Movement: rows that the fragment needs */
	bool		isPart;			/* of a larger plan: somebody may ask for estimates */
	bool		keepsOrder;		/* what is above it merges the shards' sorted rows */
	UnionSource *legs;			/* one fragment for each of them; NULL: one for all rows */
	const RankBound *ranks;		/* rows that are wanted; NULL: all */
	Refusal    *refusal;
} Transform;

static bool clauses_have_key(Query *query, List *clauses, List *keys);

static bool
refuse(Transform *transform, const char *reason)
{
	transform->refusal->reason = reason;
	return false;
}

/* anonymous rows and the like have no text that another node's value could be read from */
bool
planner_outputs_can_travel(List *targetList)
{
	ListCell   *lc;

	foreach(lc, targetList)
	{
		Oid			type = exprType((Node *) lfirst_node(TargetEntry, lc)->expr);
		Oid			element = get_base_element_type(type);

		if (get_typtype(OidIsValid(element) ? element : type) == TYPTYPE_PSEUDO)
			return false;
	}
	return true;
}

bool
planner_nothing_makes_nothing(Query *query)
{
	return query->groupingSets == NIL && !query->hasModifyingCTE &&
		(query->groupClause != NIL || (!query->hasAggs && query->havingQual == NULL));
}

/* true when what the shards give is more than what the query would: groups, or first rows */
static bool
rows_repeat(Query *query, List *keys)
{
	return query->limitCount != NULL || !planner_upper_part_is_per_shard(query, keys) ||
		(query->distinctClause != NIL && !clauses_have_key(query, query->distinctClause, keys));
}

/* ships the fragment query and makes its stand-in; NULL when it has to stay here */
static RangeTblEntry *
ship_rows(const Transform *transform, const QueryShape *shape, Query *query)
{
	List	   *params;
	PruneSpec  *prune = shape->prune;
	const char *reason;
	Fragment   *fragment;
	Query	   *rowsOf = NULL;

	if (transform->isPart && transform->movements == NIL)
		rowsOf = copyObject(query);
	reason = planner_ship_query(query, &params);
	if (reason != NULL)
	{
		transform->refusal->reason = reason;
		return NULL;
	}
	if (shape->pinned && shape->pin != NULL && transform->movements == NIL)
		prune = plan_prune_make(PRUNE_EQUAL,
								(Expr *) expression_planner(copyObject(shape->pin)), NIL);
	fragment = planner_make_fragment(query, params, shape->anchor, prune);
	fragment->movements = transform->movements;
	fragment->rowsOf = rowsOf;
	fragment->rowsRepeat = rowsOf != NULL && !shape->pinned && shape->hasShards &&
		rows_repeat(rowsOf, shape->keys);
	fragment->pinned = shape->pinned && shape->pin != NULL && transform->movements == NIL;
	fragment->mayBeNowhere = shape->complete && transform->movements == NIL &&
		planner_nothing_makes_nothing(query);
	/* with row locks the server reads rows again after it has waited: they may come out of order */
	if (transform->keepsOrder && query->rowMarks == NIL)
		fragment->sortKeys = planner_sort_keys_of(query);
	return planner_fragment_rte(fragment, transform->strategy, query->targetList);
}

/* the rows of a query over one leg; NULL when they come neither from fragments nor from here */
static RangeTblEntry *
ship_leg(const Transform *transform, Query *query)
{
	QueryShape	shape;
	Transform	leg = *transform;

	if (!planner_has_known_relation(query))
		return planner_subquery_rte(query, "leg");
	planner_shape(query, &shape);
	if (!shape.hasShards && shape.hasReplicas && !shape.hasLocal)
	{
		leg.strategy = STRATEGY_REPLICA;
		shape.anchor = planner_first_reference(query);
	}
	else if ((!shape.pinned && !shape.complete) || planner_shows_source_order(query, false))
		return NULL;
	return ship_rows(&leg, &shape, query);
}

static RangeTblEntry *
ship_legs(Transform *transform, Query *query)
{
	List	   *entries = NIL;

	for (int i = 0; i < list_length(transform->legs->legs); i++)
	{
		RangeTblEntry *rte = ship_leg(transform, planner_union_put_leg(query, transform->legs, i));

		if (rte == NULL)
		{
			refuse(transform, "a leg of UNION ALL is not one for fragments");
			return NULL;
		}
		entries = lappend(entries, rte);
	}
	return planner_union_rte(entries, query->targetList);
}

/* the entry that stands for the rows of the fragment query; NULL when it has to stay here */
static RangeTblEntry *
ship_fragment(Transform *transform, Query *query)
{
	if (!planner_outputs_can_travel(query->targetList))
	{
		refuse(transform, "an anonymous row type cannot be sent between nodes");
		return NULL;
	}
	return transform->legs != NULL ? ship_legs(transform, query)
		: ship_rows(transform, &transform->shape, query);
}

/* junk columns of a fragment query are ordinary columns of its rows */
static void
make_all_visible(Query *query)
{
	ListCell   *lc;
	int			number = 0;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		number++;
		tle->resjunk = false;
		tle->resname = tle->resname ? tle->resname : psprintf("column_%d", number);
	}
}

/* a query that puts out columns of range table entry 1 as the original's target list says */
static Query *
make_upper_query(Query *original, RangeTblEntry *rte)
{
	Query	   *upper = planner_make_select_from(rte);

	upper->querySource = original->querySource;
	upper->queryId = original->queryId;
	upper->canSetTag = original->canSetTag;
	upper->stmt_location = original->stmt_location;
	upper->stmt_len = original->stmt_len;
	return upper;
}

static Var *
column_var(AttrNumber attno, Node *expr)
{
	return makeVar(1, attno, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
}

/* target list of Vars in place of the original's expressions; fragment columns are in order */
static List *
vars_for_target_list(List *targetList)
{
	List	   *result = NIL;
	AttrNumber	attno = 0;
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		TargetEntry *copy = flatCopyTargetEntry(tle);

		copy->expr = (Expr *) column_var(++attno, (Node *) tle->expr);
		result = lappend(result, copy);
	}
	return result;
}

/* ---- whole ---- */

static bool
clauses_have_key(Query *query, List *clauses, List *keys)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		TargetEntry *tle = get_sortgroupclause_tle(lfirst(lc), query->targetList);
		Node	   *expr = planner_flatten(query, (Node *) tle->expr);
		ListCell   *key;

		foreach(key, keys)
		{
			Var		   *var = lfirst_node(Var, key);

			if (IsA(expr, Var) && ((Var *) expr)->varno == var->varno &&
				((Var *) expr)->varattno == var->varattno &&
				((Var *) expr)->varlevelsup == 0)
				return true;
		}
	}
	return false;
}

bool
planner_upper_part_is_per_shard(Query *query, List *keys)
{
	ListCell   *lc;

	if (query->groupingSets != NIL)
		return false;
	if ((query->hasAggs || query->groupClause != NIL || query->havingQual != NULL) &&
		!clauses_have_key(query, query->groupClause, keys))
		return false;
	foreach(lc, query->windowClause)
	{
		if (query->hasWindowFuncs &&
			!clauses_have_key(query, lfirst_node(WindowClause, lc)->partitionClause, keys))
			return false;
	}
	return true;
}

/* one value for the whole statement, whoever computes it */
static bool
is_simple_bound(Node *bound)
{
	return !checkExprHasSubLink(bound) && !contain_volatile_functions(bound) &&
		!contain_vars_of_level(bound, 0);
}

static Node *
min_or_max(MinMaxOp op, Node *a, Node *b)
{
	MinMaxExpr *expr = makeNode(MinMaxExpr);

	expr->minmaxtype = INT8OID;
	expr->op = op;
	expr->args = list_make2(a, b);
	expr->location = -1;
	return (Node *) expr;
}

static Node *
int8_constant(int64 value)
{
	return (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(value), false,
							  FLOAT8PASSBYVAL);
}

/* LIMIT plus OFFSET, or as many rows as can be counted; NULL is no limit */
static Node *
add_bounds(Node *count, Node *offset)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *room;
	Node	   *sum;

	room = (Node *) make_op(pstate, list_make1(makeString("-")), int8_constant(PG_INT64_MAX),
							min_or_max(IS_GREATEST, copyObject(count), int8_constant(0)), NULL, -1);
	sum = (Node *) make_op(pstate, list_make1(makeString("+")), count,
						   min_or_max(IS_LEAST, offset, room), NULL, -1);
	free_parsestate(pstate);
	return sum;
}

/* the number of rows a shard must give: LIMIT + OFFSET; false when nobody knows it beforehand */
static bool
push_limit(Query *query)
{
	Node	   *count = query->limitCount;
	Node	   *offset = query->limitOffset;

	if (count == NULL || !is_simple_bound(count) || !is_simple_bound(offset))
		return false;
	if (offset != NULL)
		count = add_bounds(count, offset);
	query->limitCount = eval_const_expressions(NULL, count);
	query->limitOffset = NULL;
	return true;
}

static Query *
transform_merge(Transform *transform)
{
	Query	   *query = transform->query;
	Query	   *lower = copyObject(query);
	Query	   *upper;
	RangeTblEntry *rte;
	bool		hadLimit = query->limitCount != NULL || query->limitOffset != NULL;
	bool		distinctHere;

	/* set-returning functions are called for sorted rows, and what they give keeps that order */
	if (query->hasTargetSRFs && query->sortClause != NIL && query->distinctClause == NIL)
	{
		refuse(transform, "set-returning functions follow ORDER BY");
		return NULL;
	}
	distinctHere = query->distinctClause != NIL &&
		!clauses_have_key(query, query->distinctClause, transform->shape.keys);
	if (distinctHere && query->hasDistinctOn &&
		(query->hasTargetSRFs ||
		 !planner_clauses_sort_alike(query->sortClause, query->targetList)))
	{
		refuse(transform, "DISTINCT ON needs the rows of all shards");
		return NULL;
	}
	if (!planner_clauses_sort_alike(query->sortClause, query->targetList) || !push_limit(lower))
	{
		lower->limitCount = lower->limitOffset = NULL;
		lower->limitOption = LIMIT_OPTION_COUNT;
		if (!lower->hasDistinctOn)
			lower->sortClause = NIL;
	}
	make_all_visible(lower);
	transform->keepsOrder = true;
	rte = ship_fragment(transform, lower);
	if (rte == NULL)
		return NULL;

	upper = make_upper_query(query, rte);
	upper->targetList = vars_for_target_list(query->targetList);
	upper->sortClause = copyObject(query->sortClause);
	if (distinctHere)
	{
		upper->distinctClause = copyObject(query->distinctClause);
		upper->hasDistinctOn = query->hasDistinctOn;
	}
	if (hadLimit)
	{
		upper->limitCount = copyObject(query->limitCount);
		upper->limitOffset = copyObject(query->limitOffset);
		upper->limitOption = query->limitOption;
	}
	return upper;
}

static Query *
transform_whole(Transform *transform, DistPlan **whole)
{
	Query	   *query = transform->query;
	Query	   *lower = copyObject(query);
	Query	   *upper;
	RangeTblEntry *rte;
	ListCell   *lc;

	rte = ship_fragment(transform, lower);
	if (rte == NULL)
		return NULL;
	if (whole != NULL)
		*whole = planner_rte_plan(rte);

	upper = make_upper_query(query, rte);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		TargetEntry *copy;

		if (tle->resjunk)
			continue;
		copy = flatCopyTargetEntry(tle);
		copy->ressortgroupref = 0;
		copy->expr = (Expr *) column_var(list_length(upper->targetList) + 1,
										 (Node *) tle->expr);
		upper->targetList = lappend(upper->targetList, copy);
	}
	return upper;
}

/* ---- partial ---- */

/* a sub-query that gives each row of the fragment once: grouped as lower is */
static RangeTblEntry *
group_again(Query *original, Query *lower, RangeTblEntry *rows)
{
	Query	   *query = make_upper_query(original, rows);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	ListCell   *lc;

	foreach(lc, lower->targetList)
	{
		TargetEntry *tle = copyObject(lfirst_node(TargetEntry, lc));

		tle->expr = (Expr *) column_var(tle->resno, (Node *) tle->expr);
		query->targetList = lappend(query->targetList, tle);
	}
	query->groupClause = copyObject(lower->groupClause);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->alias = copyObject(rows->alias);
	rte->eref = copyObject(rows->eref);
	rte->inFromCl = true;
	return rte;
}

static Query *
transform_partial(Transform *transform)
{
	SplitResult split = {0};
	Query	   *upper = planner_split_aggregates(transform->query, &transform->shape, &split);
	Query	   *made;
	RangeTblEntry *rte;

	if (upper == NULL)
		return NULL;
	if (split.counted > 0 && !transform->shape.pinned && transform->movements == NIL &&
		transform->legs == NULL &&
		planner_estimate_rows(NULL, split.lower) >= MANY_VALUES)
	{
		made = planner_move_values(split.lower, split.counted, split.counts,
								   transform->shape.anchor, transform->refusal);
		if (made != NULL)
			return made;
	}
	rte = ship_fragment(transform, copyObject(split.lower));
	if (rte == NULL)
		return NULL;
	if (split.groupAgain)
		rte = group_again(transform->query, split.lower, rte);
	made = make_upper_query(transform->query, rte);
	upper->rtable = made->rtable;
	upper->jointree = made->jointree;
	return upper;
}

/* ---- gather ---- */

typedef struct GatherContext
{
	Query	   *query;
	List	   *columns;		/* TargetEntry: columns of the fragment */
	bool		inAggregate;
	bool		keepsSublinks;	/* the upper query has some */
	bool		impossible;
} GatherContext;

static Node *
gather_column(GatherContext *context, Node *expr)
{
	ListCell   *lc;
	TargetEntry *tle;

	foreach(lc, context->columns)
	{
		if (equal(lfirst_node(TargetEntry, lc)->expr, expr))
			return (Node *) column_var(lfirst_node(TargetEntry, lc)->resno, expr);
	}
	tle = makeTargetEntry((Expr *) copyObject(expr), list_length(context->columns) + 1,
						  psprintf("column_%d", list_length(context->columns) + 1), false);
	context->columns = lappend(context->columns, tle);
	return (Node *) column_var(tle->resno, expr);
}

/* true when an aggregate of an outer level occurs in the sub-query */
static bool
sublink_has_outer_aggregate(SubLink *sublink)
{
	return contain_aggs_of_level(sublink->testexpr, 0) ||
		contain_windowfuncs(sublink->testexpr) ||
		contain_aggs_of_level(sublink->subselect, 1);
}

/*
 * A sub-query becomes a column of the fragment, computed for each row.  That is too early where a
 * row of the result stands for no row, or sees columns that grouping sets have made NULL: there it
 * stays, if it has nothing to do with any row.
 */
static Node *
gather_sublink(GatherContext *context, SubLink *sublink)
{
	Query	   *query = context->query;
	bool		grouped = query->hasAggs || query->havingQual != NULL;

	if (sublink_has_outer_aggregate(sublink))
		context->impossible = true;
	else if (context->inAggregate ||
			 (query->groupingSets == NIL && (!grouped || query->groupClause != NIL)))
		return gather_column(context, (Node *) sublink);
	else if (planner_is_correlated(castNode(Query, sublink->subselect)) ||
			 planner_has_known_relation(castNode(Query, sublink->subselect)) ||
			 contain_vars_of_level(sublink->testexpr, 0))
		context->impossible = true;
	else
		context->keepsSublinks = true;
	return (Node *) sublink;
}

/* where a row is, only its shard can say */
static bool
is_place_of_row(Node *node)
{
	return IsA(node, FuncExpr) &&
		(((FuncExpr *) node)->funcid == deparse_shard_of_row_oid() ||
		 ((FuncExpr *) node)->funcid == deparse_place_in_shard_oid());
}

static Node *
gather_mutator(Node *node, GatherContext *context)
{
	if (node == NULL)
		return NULL;
	if (is_place_of_row(node))
		return gather_column(context, node);
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == 0)
			return gather_column(context, node);
		return node;
	}
	if (IsA(node, SubLink))
		return gather_sublink(context, (SubLink *) node);
	if (IsA(node, Aggref) && !context->inAggregate)
	{
		Node	   *result;

		context->inAggregate = true;
		result = expression_tree_mutator(node, gather_mutator, context);
		context->inAggregate = false;
		return result;
	}
	return expression_tree_mutator(node, gather_mutator, context);
}

static Query *
transform_gather(Transform *transform)
{
	Query	   *query = transform->query;
	Query	   *upper = copyObject(query);
	Query	   *lower = copyObject(query);
	Query	   *made;
	RangeTblEntry *rte;
	GatherContext context = {.query = query};

	if (query->setOperations != NULL || query->rowMarks != NIL)
	{
		refuse(transform, "a set operation or row locks stand in the way");
		return NULL;
	}
	upper->targetList = (List *) gather_mutator((Node *) upper->targetList, &context);
	upper->havingQual = gather_mutator(upper->havingQual, &context);
	upper->windowClause = (List *) gather_mutator((Node *) upper->windowClause, &context);
	if (context.impossible)
	{
		refuse(transform, "a sub-query depends on an aggregate or grouping of the outer query");
		return NULL;
	}

	if (context.columns == NIL)
		context.columns = list_make1(makeTargetEntry((Expr *)
													 makeConst(INT4OID, -1, InvalidOid, 4,
															   Int32GetDatum(0), false, true),
													 1, "column_1", false));
	lower->targetList = context.columns;
	lower->groupClause = lower->groupingSets = NIL;
	lower->havingQual = NULL;
	lower->windowClause = lower->distinctClause = lower->sortClause = NIL;
	lower->limitCount = lower->limitOffset = NULL;
	lower->limitOption = LIMIT_OPTION_COUNT;
	lower->hasAggs = lower->hasWindowFuncs = lower->hasDistinctOn = false;
	lower->hasTargetSRFs = expression_returns_set((Node *) lower->targetList);
	lower->hasSubLinks = query->hasSubLinks;
	if (transform->ranks != NULL)
		lower = planner_ranks_bound(query, lower, transform->ranks);
	if (lower == NULL)
	{
		refuse(transform, "other nodes may sort in another order");
		return NULL;
	}

	rte = ship_fragment(transform, lower);
	if (rte == NULL)
		return NULL;
	made = make_upper_query(query, rte);
	upper->rtable = made->rtable;
	upper->jointree = made->jointree;
	upper->cteList = NIL;
	upper->hasRecursive = upper->hasModifyingCTE = false;
	upper->hasForUpdate = upper->hasRowSecurity = false;
	upper->hasSubLinks = context.keepsSublinks;
	upper->rowMarks = NIL;
	compat_query_clear_perminfos(upper);
	return upper;
}

/* ---- the choice ---- */

/* true when LIMIT, OFFSET or a window's frame depends on a sub-query: no column can replace it */
static bool
bounds_have_sublinks(Query *query)
{
	ListCell   *lc;

	if (checkExprHasSubLink(query->limitCount) || checkExprHasSubLink(query->limitOffset))
		return true;
	foreach(lc, query->windowClause)
	{
		WindowClause *clause = lfirst_node(WindowClause, lc);

		if (checkExprHasSubLink(clause->startOffset) || checkExprHasSubLink(clause->endOffset))
			return true;
	}
	return false;
}

/* true when the rows of all shards, one after the other, are the query's result */
static bool
nothing_to_merge(Query *query, List *keys)
{
	return planner_upper_part_is_per_shard(query, keys) && query->sortClause == NIL &&
		query->limitCount == NULL && query->limitOffset == NULL &&
		(query->distinctClause == NIL ||
		 clauses_have_key(query, query->distinctClause, keys));
}

Query *
planner_transform_ranks(Query *query, const RankBound *bound, Refusal *refusal)
{
	Transform	transform = {
		.query = query,.strategy = STRATEGY_PUSHDOWN,.isPart = true,.ranks = bound,
		.refusal = refusal
	};

	planner_shape(query, &transform.shape);
	if (!transform.shape.complete || transform.shape.pinned || bounds_have_sublinks(query) ||
		planner_upper_part_is_per_shard(query, transform.shape.keys) ||
		planner_shows_source_order(query, false))
	{
		refuse(&transform, "a shard does not have rows to choose the first of");
		return NULL;
	}
	return transform_gather(&transform);
}

/* true when the upper part of a query leaves fewer rows of those of its FROM clause */
static bool
upper_part_takes_rows_away(Query *query)
{
	if (query->hasAggs || query->groupClause != NIL || query->havingQual != NULL)
		return true;
	return !query->hasWindowFuncs &&
		(query->limitCount != NULL || query->distinctClause != NIL);
}

/*
 * planner_transform_legs
 *		Like planner_transform() for a query that it refuses: over UNION ALL, each leg of which
 *		gives partial results, or the first rows.  A key of one leg may be one of another, too.
 */
Query *
planner_transform_legs(Query *query, Refusal *refusal)
{
	Transform	transform = {.strategy = STRATEGY_PUSHDOWN,.isPart = true,.refusal = refusal};
	UnionSource source;
	QueryShape	leg;

	query = planner_union_enclose(query);
	transform.query = query;
	if (!upper_part_takes_rows_away(query) || bounds_have_sublinks(query) ||
		!planner_union_find(query, &source))
	{
		refuse(&transform, "there is no UNION ALL below it");
		return NULL;
	}
	transform.legs = &source;
	for (int i = 0; i < list_length(source.legs) && !OidIsValid(transform.shape.anchor); i++)
	{
		planner_shape(list_nth(source.legs, i), &leg);
		transform.shape.anchor = leg.anchor;
	}
	if (!OidIsValid(transform.shape.anchor))
	{
		refuse(&transform, "no leg of UNION ALL has shards");
		return NULL;
	}
	return planner_upper_part_is_per_shard(query, NIL) ? transform_merge(&transform)
		: transform_partial(&transform);
}

Query *
planner_transform(Query *query, Refusal *refusal, DistPlan **whole)
{
	return planner_transform_moved(query, NIL, refusal, whole);
}

Query *
planner_transform_fragments(PlanRequest *request, Query *query, Refusal *refusal,
							DistPlan **whole)
{
	Query	   *upper;

	if (planner_keeps_locks(request, query, refusal))
		return NULL;
	upper = planner_transform(query, refusal, whole);
	if (upper == NULL)
		upper = planner_transform_legs(query, refusal);
	return upper != NULL ? upper : planner_move(request, query, refusal, whole);
}

Query *
planner_transform_moved(Query *query, List *movements, Refusal *refusal, DistPlan **whole)
{
	Transform	transform = {
		.query = query,.movements = movements,.isPart = whole == NULL,.refusal = refusal
	};
	QueryShape *shape = &transform.shape;
	Query	   *result;

	if (whole != NULL)
		*whole = NULL;
	planner_shape(query, shape);
	if (!shape->hasShards && shape->hasReplicas && !shape->hasLocal)
	{
		transform.strategy = STRATEGY_REPLICA;
		shape->anchor = planner_first_reference(query);
		return transform_whole(&transform, whole);
	}
	if (!shape->pinned && !shape->complete)
	{
		refusal->reason = shape->reason;
		return NULL;
	}

	if ((!shape->pinned || movements != NIL) &&
		planner_shows_source_order(query, planner_upper_part_is_per_shard(query, shape->keys)))
	{
		refusal->reason = "rows are needed in the order of a sub-query";
		return NULL;
	}
	if (movements != NIL && !shape->complete)
	{
		refusal->reason = "rows move to all shards";
		return NULL;
	}
	if (movements != NIL)
		transform.strategy = STRATEGY_MOVE;
	else
		transform.strategy = shape->pinned ? STRATEGY_ONE_GROUP : STRATEGY_PUSHDOWN;

	if ((shape->pinned && movements == NIL) || nothing_to_merge(query, shape->keys))
		result = transform_whole(&transform, whole);
	else if (bounds_have_sublinks(query))
		result = NULL;
	else if (planner_upper_part_is_per_shard(query, shape->keys))
		result = transform_merge(&transform);
	else
		result = transform_partial(&transform);
	if (result == NULL && bounds_have_sublinks(query))
	{
		refusal->reason = "LIMIT, OFFSET or a window's frame depends on a sub-query";
		return NULL;
	}

	/* whatever kept the upper part from leaving does not keep it from running here */
	transform.keepsOrder = false;
	return result != NULL ? result : transform_gather(&transform);
}
