/*
 * planner_union_internal.h
 *	  Legs of set operations, for the files that divide queries over them.
 */
#ifndef PLANNER_UNION_INTERNAL_H
#define PLANNER_UNION_INTERNAL_H

#include "planner_internal.h"

/* the UNION ALL that a query's rows are made of */
typedef struct UnionSource
{
	Index		rti;			/* of the query */
	Query	   *operation;
	List	   *names;			/* of its columns */
	List	   *legs;			/* of Query: each with the columns of the operation */
} UnionSource;

extern bool planner_union_find(Query *query, UnionSource *source);
extern Query *planner_union_put_leg(Query *query, const UnionSource *source, int number);
extern RangeTblEntry *planner_union_rte(List *entries, List *targetList);
extern Query *planner_union_enclose(Query *query);
extern void planner_union_thin(PlanRequest *request, Query *query);

#endif
