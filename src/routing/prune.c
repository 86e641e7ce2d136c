/*
 * prune.c
 *	  From a PruneSpec and the values of its expressions to shards.
 *
 * Runs when a plan starts (and at plan time for what is constant).  The answer is a superset of the
 * shards with matching rows, never less.
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


static Bitmapset *
all_shards(const DistTable *table)
{
	if (table->nshards == 0)
		return NULL;
	return bms_add_range(NULL, 0, table->nshards - 1);
}

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

static Bitmapset *
add_shard_of(Bitmapset *shards, const DistTable *table, ShardRouter *router, Datum value)
{
	int			index = routing_shard_of_token(table, routing_token(router, value));

	return index < 0 ? shards : bms_add_member(shards, index);
}

static Bitmapset *
shards_of_equal(PruneContext *context, Expr *expr)
{
	const DistTable *table = context->table;
	Datum		value;
	bool		isNull;

	if (!value_of(context, expr, &value, &isNull))
		return all_shards(table);
	if (isNull)
		return NULL;
	return add_shard_of(NULL, table, routing_router_for_value(table, exprType((Node *) expr)),
						value);
}

static Bitmapset *
shards_of_any(PruneContext *context, Expr *expr)
{
	const DistTable *table = context->table;
	Bitmapset  *shards = NULL;
	ShardRouter *router;
	ArrayType  *array;
	Datum		value;
	bool		isNull;
	int16		length;
	bool		byValue;
	char		align;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (!value_of(context, expr, &value, &isNull))
		return all_shards(table);
	if (isNull)
		return NULL;

	array = DatumGetArrayTypeP(value);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &byValue, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, byValue, align, &elements, &nulls,
					  &count);
	router = routing_router_for_value(table, ARR_ELEMTYPE(array));
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			shards = add_shard_of(shards, table, router, elements[i]);
	}
	return shards;
}

static Bitmapset *
shards_of(PruneContext *context, const PruneSpec *prune)
{
	Bitmapset  *shards = NULL;
	ListCell   *cell;

	check_stack_depth();
	switch (prune->kind)
	{
		case PRUNE_ALL:
			return all_shards(context->table);
		case PRUNE_NONE:
			return NULL;
		case PRUNE_EQUAL:
			return shards_of_equal(context, prune->value);
		case PRUNE_ANY:
			return shards_of_any(context, prune->value);
		case PRUNE_AND:
			shards = all_shards(context->table);
			foreach(cell, prune->args)
				shards = bms_int_members(shards, shards_of(context, lfirst(cell)));
			return shards;
		case PRUNE_OR:
			foreach(cell, prune->args)
				shards = bms_join(shards, shards_of(context, lfirst(cell)));
			return shards;
	}
	elog(ERROR, "unknown kind of pruning %d", (int) prune->kind);
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
		return all_shards(table);
	return shards_of(&context, prune);
}
