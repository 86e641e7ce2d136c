/*
 * plan_internal.h
 *	  What the files of plan share.
 */
#ifndef CITUS_PLAN_INTERNAL_H
#define CITUS_PLAN_INTERNAL_H

#include "citus/plan/plan.h"

/* names under which the server knows our nodes */
#define PLAN_NODE_TEMPLATE	"CitusSqlTemplate"
#define PLAN_NODE_PRUNE		"CitusPruneSpec"
#define PLAN_NODE_FRAGMENT	"CitusFragment"
#define PLAN_NODE_INSERT	"CitusInsertSpec"
#define PLAN_NODE_ACTION	"CitusChangeAction"
#define PLAN_NODE_CHANGE	"CitusChangeSpec"
#define PLAN_NODE_CHECK		"CitusRowCheck"
#define PLAN_NODE_FIRE	"CitusFireSpec"
#define PLAN_NODE_LOCK		"CitusLockSpec"
#define PLAN_NODE_TARGET	"CitusLockTarget"
#define PLAN_NODE_CURSOR	"CitusCursorSpec"
#define PLAN_NODE_MOVEMENT	"CitusMovement"
#define PLAN_NODE_PLAN		"CitusDistPlan"

extern void plan_nodes_register(void);

#endif
