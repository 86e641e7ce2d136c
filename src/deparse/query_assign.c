/*
 * query_assign.c
 *	  Assignments that the rewriter has merged or dropped, in the form that is printed.
 *
 * SET c.x = 1, c.y = 2 and SET a[1] = 1, a[2] = 2 assign several times to one column; the rewriter
 * has made one expression of it, of which the deparser prints the last part only (or fails).  Here
 * they become target entries of their own again, in the order in which they take effect.
 *
 * A part is a FieldStore of one field, or a SubscriptingRef that assigns, perhaps below a cast to a
 * domain.  What it is applied to is not printed, so it does not matter what that is.
 *
 * SET g = DEFAULT of a generated column assigns nothing, and the rewriter has dropped it; but a
 * list of nothing is no SQL, and triggers of UPDATE OF g are to fire.  It is put back.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

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
static List *
split_assignments(List *targetList)
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

List *
deparse_generated_columns(const Query *query)
{
	RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
	const CompatPermInfo *perminfo = compat_rte_perminfo(compat_query_perminfos(query), rte);
	Relation	relation = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *columns = NIL;

	for (int i = 0; desc->constr != NULL && i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attgenerated != '\0' && !att->attisdropped &&
			bms_is_member(att->attnum - FirstLowInvalidHeapAttributeNumber,
						  perminfo->updatedCols))
			columns = lappend_int(columns, att->attnum);
	}
	table_close(relation, NoLock);
	return columns;
}

/* the entries of SET column = DEFAULT for the columns */
static List *
make_defaults(Oid relid, List *columns)
{
	List	   *entries = NIL;
	ListCell   *cell;

	foreach(cell, columns)
	{
		AttrNumber	attno = lfirst_int(cell);
		SetToDefault *value = makeNode(SetToDefault);

		get_atttypetypmodcoll(relid, attno, &value->typeId, &value->typeMod, &value->collation);
		value->location = -1;
		entries = lappend(entries, makeTargetEntry((Expr *) value, attno,
												   get_attname(relid, attno, false), false));
	}
	return entries;
}

void
deparse_show_assignments(Query *query)
{
	bool		updates = query->commandType == CMD_UPDATE || query->onConflict != NULL ||
		query->mergeActionList != NIL;
	List	   *generated = NIL;
	OnConflictExpr *onConflict = query->onConflict;
	ListCell   *cell;

	if (updates)
		generated = make_defaults(rt_fetch(query->resultRelation, query->rtable)->relid,
								  deparse_generated_columns(query));

	if (query->commandType == CMD_UPDATE || query->commandType == CMD_INSERT)
		query->targetList = split_assignments(query->targetList);
	if (query->commandType == CMD_UPDATE)
		query->targetList = list_concat(query->targetList, generated);
	if (onConflict != NULL && onConflict->action == ONCONFLICT_UPDATE)
		onConflict->onConflictSet = list_concat(split_assignments(onConflict->onConflictSet),
												generated);
	foreach(cell, query->mergeActionList)
	{
		MergeAction *action = lfirst(cell);

		action->targetList = split_assignments(action->targetList);
		if (action->commandType == CMD_UPDATE)
			action->targetList = list_concat(action->targetList, generated);
	}
}
