/*
 * query_assign.c
 *	  Assignments to parts of a column, in the form that the server's deparser prints.
 *
 * SET c.x = 1, c.y = 2 and SET a[1] = 1, a[2] = 2 assign several times to one column; the rewriter
 * has made one expression of it, of which the deparser prints the last part only (or fails).  Here
 * they become target entries of their own again, in the order in which they take effect.
 *
 * A part is a FieldStore of one field, or a SubscriptingRef that assigns, perhaps below a cast to a
 * domain.  What it is applied to is not printed, so it does not matter what that is.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "citus/deparse/template.h"
#include "deparse/deparse_internal.h"

/* the assignment below casts to a domain; NULL if expr assigns a whole column */
static Expr *
assignment_of(Expr *expr)
{
	while (expr != NULL && IsA(expr, CoerceToDomain))
		expr = ((CoerceToDomain *) expr)->arg;
	if (expr == NULL)
		return NULL;
	if (IsA(expr, FieldStore))
		return expr;
	if (IsA(expr, SubscriptingRef) && ((SubscriptingRef *) expr)->refassgnexpr != NULL)
		return expr;
	return NULL;
}

bool
deparse_assigns_parts(Expr *expr)
{
	return assignment_of(expr) != NULL;
}

/* the parts of an expression that was applied to before, in their order */
static List *
split_assignment(Expr *expr)
{
	Expr	   *assignment = assignment_of(expr);
	List	   *parts = NIL;
	ListCell   *value;
	ListCell   *field;

	check_stack_depth();
	if (assignment == NULL)
		return NIL;
	if (IsA(assignment, SubscriptingRef))
	{
		parts = split_assignment(((SubscriptingRef *) assignment)->refexpr);
		return lappend(parts, assignment);
	}
	parts = split_assignment(((FieldStore *) assignment)->arg);
	forboth(value, ((FieldStore *) assignment)->newvals,
			field, ((FieldStore *) assignment)->fieldnums)
	{
		List	   *inner = split_assignment(lfirst(value));
		ListCell   *lc;

		if (inner == NIL)
			inner = list_make1(lfirst(value));
		foreach(lc, inner)
		{
			FieldStore *part = makeNode(FieldStore);

			*part = *(FieldStore *) assignment;
			part->newvals = list_make1(lfirst(lc));
			part->fieldnums = list_make1_int(lfirst_int(field));
			parts = lappend(parts, part);
		}
	}
	return parts;
}

/* a target list with an entry for each assignment; entries that assign columns stay as they are */
List *
deparse_split_assignments(List *targetList)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		List	   *parts = tle->resjunk ? NIL : split_assignment(tle->expr);
		ListCell   *part;

		if (parts == NIL)
			result = lappend(result, tle);
		foreach(part, parts)
		{
			TargetEntry *own = flatCopyTargetEntry(tle);

			own->expr = lfirst(part);
			result = lappend(result, own);
		}
	}
	return result;
}
