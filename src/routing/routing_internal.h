/*
 * routing_internal.h
 *	  What the files of routing share.
 */
#ifndef CITUS_ROUTING_INTERNAL_H
#define CITUS_ROUTING_INTERNAL_H

#include "citus/routing/routing.h"

/* the router for values of valueType compared with the key of table */
extern ShardRouter *routing_router_for_value(const DistTable *table, Oid valueType);

#endif
