/*
 * planner_upsert_indexes.c
 *	  Which unique indexes decide about the conflicts of an upsert, and what they compare.
 *
 * The server infers all indexes that fit ON CONFLICT's target.  Most often one of them is enough:
 * rows that conflict by another one do so by it, too.  Where each lets other rows conflict (partial
 * ones), a row is in the way by the first, in the order of their OIDs, by which one is.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "planner_upsert_internal.h"

/* ---- which indexes decide ---- */

static bool
index_is_partial(Oid relid)
{
	Relation	index = index_open(relid, AccessShareLock);
	bool		result = RelationGetIndexPredicate(index) != NIL;

	index_close(index, NoLock);
	return result;
}

/* number of the same key column in another index, compared in the same way; -1: none */
static int
find_same_column(Relation index, int number, Relation other)
{
	AttrNumber	attno = index->rd_index->indkey.values[number];

	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(other); i++)
	{
		if (other->rd_index->indkey.values[i] == attno && attno != 0 &&
			other->rd_opfamily[i] == index->rd_opfamily[number] &&
			other->rd_indcollation[i] == index->rd_indcollation[number])
			return i;
	}
	return -1;
}

/*
 * The indexes that the server infers have the same columns and expressions.  True when rows that
 * conflict by the other one do so by the first, too.
 */
static bool
index_covers(Oid first, Oid other)
{
	Relation	one = index_open(first, AccessShareLock);
	Relation	two = index_open(other, AccessShareLock);
	List	   *predicate = RelationGetIndexPredicate(one);
	bool		result = first == other || predicate == NIL ||
		equal(predicate, RelationGetIndexPredicate(two));

	if (first != other &&
		(RelationGetIndexExpressions(one) != NIL ||
		 one->rd_index->indnullsnotdistinct != two->rd_index->indnullsnotdistinct))
		result = false;
	for (int i = 0; result && i < IndexRelationGetNumberOfKeyAttributes(one); i++)
		result = first == other || find_same_column(one, i, two) >= 0;
	index_close(one, NoLock);
	index_close(two, NoLock);
	return result;
}

void
planner_upsert_find_indexes(Upsert *upsert)
{
	PlannerInfo *root = makeNode(PlannerInfo);
	OnConflictExpr *conflict;
	List	   *indexes;
	bool		covered = true;
	Oid			result;
	ListCell   *lc;

	root->parse = copyObject(upsert->query);
	conflict = root->parse->onConflict;
	conflict->arbiterElems = (List *)
		eval_const_expressions(NULL, (Node *) conflict->arbiterElems);
	conflict->arbiterWhere = (Node *)
		make_ands_implicit((Expr *) eval_const_expressions(NULL, conflict->arbiterWhere));
	indexes = infer_arbiter_indexes(root);
	result = linitial_oid(indexes);
	foreach(lc, indexes)
	{
		if (!index_is_partial(lfirst_oid(lc)))
			result = lfirst_oid(lc);
	}
	foreach(lc, indexes)
	{
		if (!index_covers(result, lfirst_oid(lc)))
			covered = false;
	}
	upsert->indexes = covered ? list_make1_oid(result) : list_copy(indexes);
	list_sort(upsert->indexes, list_oid_cmp);
}

/* column number of the index, of the rows of entry rti */
Expr *
planner_upsert_index_column(Upsert *upsert, IndexInfo *info, int number, Index rti)
{
	AttrNumber	attno = info->ii_IndexAttrNumbers[number];
	ListCell   *expr = list_head(info->ii_Expressions);
	Node	   *result;

	if (attno > 0)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(upsert->relation), attno - 1);

		return (Expr *) makeVar(rti, attno, attribute->atttypid, attribute->atttypmod,
								attribute->attcollation, 0);
	}
	for (int i = 0; i < number; i++)
	{
		if (info->ii_IndexAttrNumbers[i] == 0)
			expr = lnext(info->ii_Expressions, expr);
	}
	result = copyObject(lfirst(expr));
	ChangeVarNodes(result, 1, rti, 0);
	return (Expr *) result;
}

/* as an argument of the index's operator */
static Expr *
as_operand(Expr *expr, Oid type)
{
	if (exprType((Node *) expr) == type || IsPolymorphicType(type) || type == RECORDOID)
		return expr;
	return (Expr *) makeRelabelType(expr, type, -1, exprCollation((Node *) expr),
									COERCE_IMPLICIT_CAST);
}

Expr *
planner_upsert_equality(Upsert *upsert, IndexInfo *info, int number, Expr *left, Expr *right)
{
	Relation	index = upsert->index;
	Oid			type = index->rd_opcintype[number];
	Oid			operator = get_opfamily_member(index->rd_opfamily[number], type, type,
											   BTEqualStrategyNumber);
	OpExpr	   *result;

	if (!OidIsValid(operator))
		elog(ERROR, "index %u has no equality for column %d", RelationGetRelid(index), number + 1);
	result = (OpExpr *) make_opclause(operator, BOOLOID, false, as_operand(left, type),
									  as_operand(right, type), InvalidOid,
									  index->rd_indcollation[number]);
	set_opfuncid(result);
	if (!info->ii_NullsNotDistinct)
		return (Expr *) result;
	result->xpr.type = T_DistinctExpr;
	return makeBoolExpr(NOT_EXPR, list_make1(result), -1);
}
