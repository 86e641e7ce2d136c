/*
 * prune.c
 *	  From a PruneSpec and the values of its expressions to shards.
 *
 * Runs when a plan starts (and at plan time for what is constant).  The answer is a superset of the
 * shards with matching rows, never less.  Conditions are worked out as sets of tokens, so that a
 * key cannot be equal to two values, and become shards at the end.  Comparisons of a conjunction
 * bound keys that are whole numbers: few such keys are as good as a list of them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "routing/routing_internal.h"

typedef struct PruneContext
{
	const DistTable *table;
	RoutingEvaluator evaluate;
	void	   *arg;
} PruneContext;

/* tokens that a row's key can have: ascending, each once; or all of them */
typedef struct TokenSet
{
	bool		all;
	int			n;
	int32	   *tokens;
} TokenSet;

/* what comparisons say about a key that is a whole number */
typedef struct Bounds
{
	bool		known;			/* some comparison was found */
	bool		none;			/* no key satisfies them */
	int64		low;			/* inclusive both */
	int64		high;
} Bounds;

static const TokenSet everything = {.all = true};
static const TokenSet nothing = {.all = false};

static TokenSet tokens_of(PruneContext *context, const PruneSpec *prune);


/* false if the value cannot be known yet */
static bool
value_of(PruneContext *context, Expr *expr, Datum *value, bool *isNull)
{
	if (IsA(expr, Const))
	{
		*value = ((Const *) expr)->constvalue;
		*isNull = ((Const *) expr)->constisnull;
		return true;
	}
	if (context->evaluate == NULL)
		return false;
	*value = context->evaluate(expr, isNull, context->arg);
	return true;
}

/* ---- sets ---- */

static int
compare_tokens(const void *a, const void *b)
{
	int32		ta = *(const int32 *) a;
	int32		tb = *(const int32 *) b;

	return ta < tb ? -1 : ta > tb;
}

static TokenSet
set_of_tokens(int32 *tokens, int n)
{
	TokenSet	set = {.tokens = tokens};

	if (n > 1)
		qsort(tokens, n, sizeof(int32), compare_tokens);
	for (int i = 0; i < n; i++)
	{
		if (set.n == 0 || tokens[set.n - 1] != tokens[i])
			tokens[set.n++] = tokens[i];
	}
	return set;
}

static TokenSet
intersect_sets(TokenSet a, TokenSet b)
{
	TokenSet	set = {.all = false};
	int			j = 0;

	if (a.all)
		return b;
	if (b.all)
		return a;
	set.tokens = palloc(sizeof(int32) * Max(a.n, 1));
	for (int i = 0; i < a.n; i++)
	{
		while (j < b.n && b.tokens[j] < a.tokens[i])
			j++;
		if (j < b.n && b.tokens[j] == a.tokens[i])
			set.tokens[set.n++] = a.tokens[i];
	}
	return set;
}

static Bitmapset *
shards_of_set(const DistTable *table, TokenSet set)
{
	Bitmapset  *shards = NULL;

	if (set.all)
		return table->nshards == 0 ? NULL : bms_add_range(NULL, 0, table->nshards - 1);
	for (int i = 0; i < set.n; i++)
	{
		int			index = routing_shard_of_token(table, set.tokens[i]);

		if (index >= 0)
			shards = bms_add_member(shards, index);
	}
	return shards;
}

/* ---- bounds ---- */

static bool
is_within(const Bounds *bounds, Oid type, Datum value)
{
	int64		number;

	if (bounds == NULL || !bounds->known || !routing_whole_number(type, value, &number))
		return true;
	return !bounds->none && number >= bounds->low && number <= bounds->high;
}

static void
narrow_bounds(Bounds *bounds, PruneKind kind, int64 value)
{
	switch (kind)
	{
		case PRUNE_ABOVE:
		case PRUNE_FROM:
			if (kind == PRUNE_ABOVE && value == PG_INT64_MAX)
				bounds->none = true;
			else
				bounds->low = Max(bounds->low, kind == PRUNE_ABOVE ? value + 1 : value);
			break;
		default:
			if (kind == PRUNE_BELOW && value == PG_INT64_MIN)
				bounds->none = true;
			else
				bounds->high = Min(bounds->high, kind == PRUNE_BELOW ? value - 1 : value);
			break;
	}
	bounds->none |= bounds->low > bounds->high;
}

/* what the comparisons of a conjunction, and of those in it, say together */
static void
find_bounds(PruneContext *context, const PruneSpec *prune, Bounds *bounds)
{
	ListCell   *cell;
	Datum		value;
	bool		isNull;
	int64		number;

	check_stack_depth();
	if (prune->kind == PRUNE_AND)
	{
		foreach(cell, prune->args)
			find_bounds(context, lfirst(cell), bounds);
	}
	if (!PRUNE_IS_BOUND(prune->kind) || !value_of(context, prune->value, &value, &isNull))
		return;
	if (isNull)
	{
		bounds->known = bounds->none = true;
		return;
	}
	if (!routing_whole_number(exprType((Node *) prune->value), value, &number))
		return;
	bounds->known = true;
	narrow_bounds(bounds, prune->kind, number);
}

/* the keys between the bounds, one by one, unless they would reach most shards anyway */
static TokenSet
tokens_within(PruneContext *context, const Bounds *bounds)
{
	const DistTable *table = context->table;
	int64		low;
	int64		high;
	Oid			type = getBaseType(table->keyType);
	ShardRouter *router;
	int32	   *tokens;
	int			n;

	if (bounds->none)
		return nothing;
	if (!bounds->known || !routing_whole_range(type, &low, &high))
		return everything;
	low = Max(low, bounds->low);
	high = Min(high, bounds->high);
	if (low > high)
		return nothing;
	if ((uint64) high - (uint64) low >= 2 * (uint64) table->nshards)
		return everything;

	n = (int) (high - low + 1);
	tokens = palloc(sizeof(int32) * n);
	router = routing_router_for(table);
	for (int i = 0; i < n; i++)
		tokens[i] = routing_token(router, routing_whole_datum(type, low + i));
	return set_of_tokens(tokens, n);
}

/* ---- leaves and nodes ---- */

static TokenSet
tokens_of_equal(PruneContext *context, Expr *expr, const Bounds *bounds)
{
	Oid			type = exprType((Node *) expr);
	TokenSet	set = {.n = 1};
	Datum		value;
	bool		isNull;

	if (!value_of(context, expr, &value, &isNull))
		return everything;
	if (isNull || !is_within(bounds, type, value))
		return nothing;
	set.tokens = palloc(sizeof(int32));
	set.tokens[0] = routing_token(routing_router_for_value(context->table, type), value);
	return set;
}

/* only: of an array with several elements nothing is known */
static TokenSet
tokens_of_array(PruneContext *context, Expr *expr, const Bounds *bounds, bool only)
{
	ShardRouter *router;
	ArrayType  *array;
	Datum		value;
	bool		isNull;
	Oid			type;
	int16		length;
	bool		byValue;
	char		align;
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	int32	   *tokens;
	int			n = 0;

	if (!value_of(context, expr, &value, &isNull))
		return everything;
	if (isNull)
		return nothing;

	array = DatumGetArrayTypeP(value);
	type = ARR_ELEMTYPE(array);
	get_typlenbyvalalign(type, &length, &byValue, &align);
	deconstruct_array(array, type, length, byValue, align, &elements, &nulls, &count);
	if (only && count > 1)
		return everything;
	router = routing_router_for_value(context->table, type);
	tokens = palloc(sizeof(int32) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i] && is_within(bounds, type, elements[i]))
			tokens[n++] = routing_token(router, elements[i]);
	}
	return set_of_tokens(tokens, n);
}

/* prune is part of a conjunction whose comparisons say bounds */
static TokenSet
tokens_of_conjunct(PruneContext *context, const PruneSpec *prune, const Bounds *bounds)
{
	TokenSet	set = everything;
	ListCell   *cell;

	check_stack_depth();
	switch (prune->kind)
	{
		case PRUNE_EQUAL:
			return tokens_of_equal(context, prune->value, bounds);
		case PRUNE_ANY:
			return tokens_of_array(context, prune->value, bounds, false);
		case PRUNE_ONLY:
			return tokens_of_array(context, prune->value, bounds, true);
		case PRUNE_AND:
			foreach(cell, prune->args)
				set = intersect_sets(set, tokens_of_conjunct(context, lfirst(cell), bounds));
			return set;
		default:
			return PRUNE_IS_BOUND(prune->kind) ? everything : tokens_of(context, prune);
	}
}

static TokenSet
tokens_of_or(PruneContext *context, List *args)
{
	int32	   *tokens = NULL;
	int			n = 0;
	ListCell   *cell;

	foreach(cell, args)
	{
		TokenSet	set = tokens_of(context, lfirst(cell));

		if (set.all)
			return set;
		if (set.n == 0)
			continue;
		tokens = tokens == NULL ? palloc(sizeof(int32) * set.n) :
			repalloc(tokens, sizeof(int32) * (n + set.n));
		memcpy(tokens + n, set.tokens, sizeof(int32) * set.n);
		n += set.n;
	}
	return set_of_tokens(tokens, n);
}

static TokenSet
tokens_of(PruneContext *context, const PruneSpec *prune)
{
	Bounds		bounds = {.low = PG_INT64_MIN,.high = PG_INT64_MAX};

	check_stack_depth();
	switch (prune->kind)
	{
		case PRUNE_ALL:
			return everything;
		case PRUNE_NONE:
			return nothing;
		case PRUNE_EQUAL:
			return tokens_of_equal(context, prune->value, NULL);
		case PRUNE_ANY:
			return tokens_of_array(context, prune->value, NULL, false);
		case PRUNE_ONLY:
			return tokens_of_array(context, prune->value, NULL, true);
		case PRUNE_SHARD:
			/* says nothing about tokens: shards_by_id() */
			return everything;
		case PRUNE_OR:
			return tokens_of_or(context, prune->args);
		case PRUNE_ABOVE:
		case PRUNE_FROM:
		case PRUNE_UPTO:
		case PRUNE_BELOW:
		case PRUNE_AND:
			find_bounds(context, prune, &bounds);
			return intersect_sets(tokens_of_conjunct(context, prune, &bounds),
								  tokens_within(context, &bounds));
	}
	elog(ERROR, "unknown kind of pruning %d", (int) prune->kind);
}

/*
 * Of shards, those that conjuncts name by id: perhaps that of a partition, or of another table of
 * the colocation group.
 */
static Bitmapset *
shards_by_id(PruneContext *context, const PruneSpec *prune, Bitmapset *shards)
{
	const Shard *shard;
	Datum		value;
	bool		isNull;
	ListCell   *cell;

	foreach(cell, prune->kind == PRUNE_AND ? prune->args : NIL)
		shards = shards_by_id(context, lfirst(cell), shards);
	if (prune->kind != PRUNE_SHARD || !value_of(context, prune->value, &value, &isNull))
		return shards;
	shard = isNull ? NULL : catalog_shard_get(DatumGetInt64(value));
	if (shard == NULL || !bms_is_member(shard->index, shards))
		return NULL;
	return bms_make_singleton(shard->index);
}

/*
 * Palloc'd in the current context; empty (NULL) when no shard can hold rows.  With evaluate NULL
 * only constants count, and anything else selects every shard.  Raises what the evaluation of the
 * expressions raises.
 */
Bitmapset *
routing_prune(const DistTable *table, const PruneSpec *prune, RoutingEvaluator evaluate,
			  void *arg)
{
	PruneContext context = {table, evaluate, arg};

	if (prune == NULL || table->kind != DIST_TABLE_HASH)
		return shards_of_set(table, everything);
	return shards_by_id(&context, prune, shards_of_set(table, tokens_of(&context, prune)));
}
