/*
 * planner_ranks_internal.h
 *	  Ranks that a query wants the first of, for the files that divide it.
 */
#ifndef PLANNER_RANKS_INTERNAL_H
#define PLANNER_RANKS_INTERNAL_H

#include "nodes/primnodes.h"
#include "planner_internal.h"

/* rows of a window whose rank is less than a value, or not greater */
typedef struct RankBound
{
	WindowFunc *rank;
	bool		less;
	Node	   *value;			/* a constant, or a parameter of the statement */
} RankBound;

extern void planner_ranks_reduce(Query *level);
extern Query *planner_ranks_bound(Query *query, Query *lower, const RankBound *bound);
/* planner_merge.c: like planner_transform(), for a query of which the first ranks are wanted */
extern Query *planner_transform_ranks(Query *query, const RankBound *bound, Refusal *refusal);

#endif
