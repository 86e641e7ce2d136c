/*
 * routing.h
 *	  Value or conditions -> shards.
 *
 * The token of a value is the 32-bit hash of its type's default hash operator class, with the
 * column's collation.  Types whose server hash is made of OIDs (enums, reg* types, and arrays,
 * ranges, composites, domains over them) are hashed by label or name, so that every node agrees.
 */
#ifndef CITUS_ROUTING_ROUTING_H
#define CITUS_ROUTING_ROUTING_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "storage/itemptr.h"
#include "citus/catalog/catalog.h"
#include "citus/plan/plan.h"

/* ShardRouter: token function of one type, looked up once */
typedef struct ShardRouter ShardRouter;

/*
 * Palloc'd in the current context, or kept for ever.  Raises 42704 (no default hash class) or
 * 42883 (no function).
 */
extern ShardRouter *routing_router_make(Oid type, Oid collation);
extern ShardRouter *routing_router_for(const DistTable *table);
/* value must not be NULL */
extern int32 routing_token(ShardRouter *router, Datum value);

/*
 * The catalog whose OIDs the values of a type are (reg* types; domains are not looked through), and
 * which mean something on one node only; InvalidOid if they are no such OIDs.
 */
extern Oid	routing_object_class(Oid type);

/*
 * The hash family in which two types must meet for an equality between them to route: InvalidOid
 * for types that cannot be hashed.  Domains count as their base type.
 */
extern Oid	routing_hash_family(Oid type);

/* index of the shard that owns token; -1 if none does */
extern int	routing_shard_of_token(const DistTable *table, int32 token);

/* raises 23502 where the column is NOT NULL, else 22004 with the detail, which may be NULL */
extern void routing_refuse_null(const DistTable *table, const char *detail);

/*
 * Shard index of a key value.  Raises 22004 for NULL (naming the column), 42704-class errors as
 * above.  Keyless tables answer 0.
 */
extern int	routing_shard_of_value(const DistTable *table, ShardRouter *router, Datum value,
								   bool isNull);

/*
 * What a user sees as ctid of a row at place in a shard, unlike that of any other row of the table
 * (of one partition): the shard's index stands in bits that no place in a heap uses.  Raises 54000
 * when there is no room for it.  Order within a shard is kept.
 */
extern void routing_tid(const DistTable *table, int index, ItemPointer place, ItemPointer tid);

/* The reverse: the row's place, and its shard's index, which may be any for what is no such tid. */
extern int	routing_place_of_tid(const DistTable *table, ItemPointer tid, ItemPointer place);

/* the ranges of nshards shards, behaviour.md section 2 */
extern void routing_shard_range(int index, int nshards, int32 *minToken, int32 *maxToken);

/* evaluates a Var-free expression; *isNull set */
typedef Datum (*RoutingEvaluator) (Expr *expr, bool *isNull, void *arg);

/* The set of shard indexes that can hold rows; prune NULL selects all. */
extern Bitmapset *routing_prune(const DistTable *table, const PruneSpec *prune,
								RoutingEvaluator evaluate, void *arg);

/*
 * Builds what the conjunction quals says about column attno of range table entry varno, sublevel
 * 0.  Understands =, IN, = ANY, AND, OR, IS NULL, constant FALSE, row comparisons; coerces
 * constants of other types.  Never claims too much: PRUNE_ALL when in doubt.
 */
extern PruneSpec *routing_prune_from_quals(List *quals, Index varno, const DistTable *table);

#endif
