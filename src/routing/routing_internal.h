/*
 * routing_internal.h
 *	  What the files of routing share.
 */
#ifndef CITUS_ROUTING_INTERNAL_H
#define CITUS_ROUTING_INTERNAL_H

#include "citus/routing/routing.h"

/* the router for values of valueType compared with the key of table */
extern ShardRouter *routing_router_for_value(const DistTable *table, Oid valueType);

/* types whose values are whole numbers, and dates (whole.c) */
extern bool routing_whole_range(Oid type, int64 *low, int64 *high);
extern bool routing_whole_number(Oid type, Datum value, int64 *number);
extern Datum routing_whole_datum(Oid type, int64 number);

#endif
