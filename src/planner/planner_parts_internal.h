/*
 * planner_parts_internal.h
 *	  Parts, classes and sets of Vars: see planner_distribution.c for what they mean.
 */
#ifndef PLANNER_PARTS_INTERNAL_H
#define PLANNER_PARTS_INTERNAL_H

#include "planner_internal.h"

typedef struct Part
{
	List	   *keys;			/* Var: never NULL */
	List	   *nullable;		/* Var: key or NULL */
	List	   *links;			/* Var of outer levels or (lateral) siblings: equal to the key */
	List	   *prunes;			/* PruneSpec */
	const DistTable *table;		/* one of its relations */
	bool		partial;
	bool		closed;
	bool		moved;			/* all its rows were moved: the keys are not of the table's type */
} Part;

/* rows of a join tree node */
typedef struct RowSource
{
	List	   *parts;			/* of Part */
	List	   *classes;		/* of List of Var */
} RowSource;

extern bool planner_var_in_list(Var *var, List *vars);
extern List *planner_vars_union(List *vars, List *more);
extern bool planner_vars_overlap(List *a, List *b);
extern List *planner_vars_intersection(List *a, List *b);
extern Var *planner_strip_to_var(Node *expr);
extern List *planner_classes_add(List *classes, List *members);
extern bool planner_operator_is_key_equality(Oid opno, Oid type);
extern bool planner_operator_equates(Oid opno, Var *left, Var *right);
extern List *planner_classes_from_quals(List *classes, List *quals);
extern Part *planner_part_copy(Part *part);
extern bool planner_part_touches(Part *part, List *vars);
extern bool planner_parts_touch(Part *a, Part *b);
extern void planner_part_close(Part *part);
extern void planner_part_take_class(Part *part, List *class);
extern void planner_source_merge_parts(RowSource *source);
extern void planner_part_add_prunes(Part *part, List *quals);
extern Expr *planner_prunes_find_pin(List *prunes);

#endif
