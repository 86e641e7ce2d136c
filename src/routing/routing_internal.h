/*
 * routing_internal.h
 *	  What the files of routing share.
 */
#ifndef CITUS_ROUTING_INTERNAL_H
#define CITUS_ROUTING_INTERNAL_H

#include "citus/routing/routing.h"

/*
 * The hash family in which two types must meet for an equality between them to route: InvalidOid
 * for types that cannot be hashed.  Domains count as their base type.
 */
extern Oid	routing_hash_family(Oid type);

/* the router for values of valueType compared with the key of table */
extern ShardRouter *routing_router_for_value(const DistTable *table, Oid valueType);

#endif
