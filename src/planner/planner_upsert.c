/*
 * planner_upsert.c
 *	  INSERT .. ON CONFLICT DO UPDATE that no shard can do alone: the distribution column gets a new
 *	  value, or the clause reads rows of other shards.
 *
 * The statement is planned as a MERGE of its rows, which stand in the range table where EXCLUDED
 * stood, with the target:
 *
 *		INSERT INTO t VALUES .. ON CONFLICT (a) DO UPDATE SET b = excluded.c WHERE q
 *			->
 *		MERGE INTO t USING (VALUES ..) excluded ON t.a = excluded.a
 *			WHEN MATCHED AND q THEN UPDATE SET b = excluded.c
 *			WHEN NOT MATCHED THEN INSERT VALUES (excluded.a, ..)
 *
 * by way of planner_change().  What an upsert promises beyond that is kept by the executor
 * (ChangeSpec.conflict): nobody else writes to the table meanwhile, so that what did not match
 * still does not, and a row that the statement has written before is an error.
 *
 * The condition is made of the index that decides about conflicts, as the server finds it; where
 * the values of its columns are known now, only such rows of the target are looked at and locked.
 *
 * Where the key may get a new value, or triggers see the rows (planner_upsert_rows), each row is
 * inserted, or an UPDATE is run of the row that is in its way: it may meet what became of the row
 * before, and its BEFORE INSERT triggers come before either.
 *
 * Policies are asked in either way (planner_change_policies.c): an upsert does not leave out a row
 * that it may not update, but fails, and so all rows are found.
 *
 * Several indexes may decide, of which each lets other rows conflict (partial ones).  Then rows
 * are taken one by one: the UPDATE's condition is that of the first index for which a row is in
 * the way.
 *
 * Not here: several such indexes and a clause that reads the target.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_index.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "citus/base/compat_planner.h"
#include "citus/deparse/template.h"
#include "planner_change_internal.h"

#define MAX_KNOWN_VALUES	10000	/* rows whose values become a condition */

typedef struct Upsert
{
	Query	   *query;			/* normalized; not changed */
	Index		target;
	Index		excluded;
	Relation	relation;
	Relation	index;			/* that decides; the first of several */
	List	   *indexes;		/* of Oid: all that are needed to decide, in the server's order */
	const char *impossible;
} Upsert;

/* ---- the rows ---- */

static Expr *
null_column(Form_pg_attribute attribute)
{
	if (attribute->attisdropped)
		return (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
	return (Expr *) makeNullConst(attribute->atttypid, attribute->atttypmod,
								  attribute->attcollation);
}

/* the rows to insert, with all columns of the table; *columns: the attributes given values */
static RangeTblEntry *
make_rows(Upsert *upsert, List **columns)
{
	TupleDesc	desc = RelationGetDescr(upsert->relation);
	Query	   *source = planner_insert_source(upsert->query, columns);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *given = source->targetList;

	source->targetList = NIL;
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = source;
	rte->alias = makeAlias("excluded", NIL);
	rte->eref = makeAlias("excluded", NIL);
	rte->inFromCl = true;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Expr	   *expr = null_column(attribute);
		ListCell   *column;
		ListCell   *tle;

		forboth(column, *columns, tle, given)
		{
			if (lfirst_int(column) == i + 1)
				expr = lfirst_node(TargetEntry, tle)->expr;
		}
		source->targetList = lappend(source->targetList,
									 makeTargetEntry(expr, i + 1,
													 pstrdup(NameStr(attribute->attname)),
													 false));
		rte->eref->colnames = lappend(rte->eref->colnames,
									  makeString(pstrdup(NameStr(attribute->attname))));
	}
	return rte;
}

/* ---- EXCLUDED in expressions ---- */

typedef struct ExcludedContext
{
	Upsert	   *upsert;
	int			depth;
} ExcludedContext;

/* a column of EXCLUDED that is computed is not among the rows: the expression that computes it */
static Node *
excluded_column(Upsert *upsert, const Var *var, AttrNumber attno)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(upsert->relation), attno - 1);
	Node	   *result;
	List	   *vars;
	ListCell   *lc;

	if (attribute->attisdropped)
		return (Node *) null_column(attribute);
	if (attribute->attgenerated == '\0')
		return (Node *) makeVar(var->varno, attno, attribute->atttypid, attribute->atttypmod,
								attribute->attcollation, var->varlevelsup);
	result = build_column_default(upsert->relation, attno);
	vars = pull_var_clause(result, 0);
	foreach(lc, vars)
	{
		if (lfirst_node(Var, lc)->varattno <= 0)
			upsert->impossible = "ON CONFLICT reads a system column of EXCLUDED";
	}
	ChangeVarNodes(result, 1, var->varno, 0);
	IncrementVarSublevelsUp(result, var->varlevelsup, 0);
	return result;
}

static Node *
excluded_row(Upsert *upsert, const Var *var)
{
	TupleDesc	desc = RelationGetDescr(upsert->relation);
	RowExpr    *row = makeNode(RowExpr);

	row->row_typeid = var->vartype;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		row->args = lappend(row->args, excluded_column(upsert, var, i + 1));
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(attribute->attname))));
	}
	return (Node *) row;
}

/* whole rows of EXCLUDED become rows of columns, and computed columns what computes them */
static Node *
excluded_mutator(Node *node, ExcludedContext *context)
{
	Upsert	   *upsert = context->upsert;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == upsert->excluded &&
		((Var *) node)->varlevelsup == context->depth)
	{
		Var		   *var = (Var *) node;

		if (var->varattno == InvalidAttrNumber)
			return excluded_row(upsert, var);
		if (var->varattno > 0)
			return excluded_column(upsert, var, var->varattno);
		upsert->impossible = "ON CONFLICT reads a system column of EXCLUDED";
		return copyObject(node);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, excluded_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, excluded_mutator, context);
}

static Node *
adapt_excluded(Upsert *upsert, Node *node)
{
	ExcludedContext context = {upsert, 0};

	return excluded_mutator(node, &context);
}

/* ---- the condition ---- */

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

/* the indexes that decide; raises what the server raises when there is none */
static void
find_indexes(Upsert *upsert)
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

/* the index that decides alone; invalid: there are several */
static Oid
find_index(Upsert *upsert)
{
	find_indexes(upsert);
	if (list_length(upsert->indexes) == 1)
		return linitial_oid(upsert->indexes);
	upsert->impossible = "several indexes decide about conflicts";
	return InvalidOid;
}

/* column number of the index, of the rows of entry rti */
static Expr *
index_column(Upsert *upsert, IndexInfo *info, int number, Index rti)
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

static Expr *
make_equality(Upsert *upsert, IndexInfo *info, int number, Expr *left, Expr *right)
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

/* the rows of VALUES that a Var of them stands for */
typedef struct ValuesContext
{
	Query	   *query;
	List	   *row;			/* NIL: Vars of VALUES are not allowed */
	Index		values;			/* entry that was met */
} ValuesContext;

static Node *
values_mutator(Node *node, ValuesContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == 0 &&
		rt_fetch(((Var *) node)->varno, context->query->rtable)->rtekind == RTE_VALUES)
	{
		context->values = ((Var *) node)->varno;
		if (context->row != NIL)
			return copyObject(list_nth(context->row, ((Var *) node)->varattno - 1));
	}
	return expression_tree_mutator(node, values_mutator, context);
}

static bool
is_known(Node *value)
{
	return !contain_var_clause(value) && !contain_volatile_functions(value) &&
		!checkExprHasSubLink(value);
}

/* what the statement gives the column, in all of its rows; NIL when that is not known */
static List *
known_values(Upsert *upsert, AttrNumber attno)
{
	ValuesContext context = {upsert->query, NIL, 0};
	List	   *rows;
	List	   *result = NIL;
	Node	   *given = NULL;
	ListCell   *lc;

	foreach(lc, upsert->query->targetList)
	{
		if (lfirst_node(TargetEntry, lc)->resno == attno)
			given = (Node *) lfirst_node(TargetEntry, lc)->expr;
	}
	if (given == NULL)
		return NIL;
	(void) values_mutator(given, &context);
	if (context.values == 0)
		return is_known(given) ? list_make1(given) : NIL;
	rows = rt_fetch(context.values, upsert->query->rtable)->values_lists;
	if (list_length(rows) > MAX_KNOWN_VALUES)
		return NIL;
	foreach(lc, rows)
	{
		Node	   *value;

		context.row = lfirst(lc);
		value = values_mutator(given, &context);
		if (!is_known(value))
			return NIL;
		result = lappend(result, value);
	}
	return result;
}

/* t.column = ANY of the known values; NULL when they are not known */
static Expr *
make_restriction(Upsert *upsert, IndexInfo *info, int number)
{
	AttrNumber	attno = info->ii_IndexAttrNumbers[number];
	List	   *values = attno > 0 && !info->ii_NullsNotDistinct ? known_values(upsert, attno) :
		NIL;
	List	   *conditions = NIL;
	Expr	   *column = index_column(upsert, info, number, upsert->target);
	Oid			type = exprType((Node *) column);
	ArrayExpr  *array;
	ScalarArrayOpExpr *result;
	OpExpr	   *equality;

	if (values == NIL)
		return NULL;
	equality = (OpExpr *) make_equality(upsert, info, number, column, linitial(values));
	if (list_length(values) == 1)
		return (Expr *) equality;
	array = makeNode(ArrayExpr);
	array->array_typeid = get_array_type(type);
	array->array_collid = exprCollation((Node *) column);
	array->element_typeid = type;
	array->elements = values;
	array->location = -1;
	if (!OidIsValid(array->array_typeid) || type != upsert->index->rd_opcintype[number])
	{
		ListCell   *lc;

		foreach(lc, values)
			conditions = lappend(conditions, make_equality(upsert, info, number,
														   copyObject(column), lfirst(lc)));
		return make_orclause(conditions);
	}
	result = makeNode(ScalarArrayOpExpr);
	result->opno = equality->opno;
	result->opfuncid = equality->opfuncid;
	result->useOr = true;
	result->inputcollid = equality->inputcollid;
	result->args = list_make2(column, array);
	result->location = -1;
	return (Expr *) result;
}

static Node *
make_condition(Upsert *upsert)
{
	IndexInfo  *info = BuildIndexInfo(upsert->index);
	List	   *conditions = NIL;

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		Expr	   *restriction = make_restriction(upsert, info, i);

		conditions = lappend(conditions,
							 make_equality(upsert, info, i,
										   index_column(upsert, info, i, upsert->target),
										   index_column(upsert, info, i, upsert->excluded)));
		if (restriction != NULL)
			conditions = lappend(conditions, restriction);
	}
	for (int side = 0; side < 2; side++)
	{
		List	   *predicate = copyObject(info->ii_Predicate);

		ChangeVarNodes((Node *) predicate, 1, side == 0 ? upsert->target : upsert->excluded, 0);
		conditions = list_concat(conditions, predicate);
	}
	return adapt_excluded(upsert, (Node *) make_ands_explicit(conditions));
}

/* "((a), (lower(b))) WHERE (c)": how a statement on a shard names the index */
static char *
make_conflict_target(Upsert *upsert)
{
	Oid			index = RelationGetRelid(upsert->index);
	int			level = deparse_settings_begin();
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	StringInfoData sql;
	Datum		predicate;
	bool		isNull;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "index %u not found", index);
	initStringInfo(&sql);
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(upsert->index); i++)
	{
		Datum		column = DirectFunctionCall3(pg_get_indexdef_ext, ObjectIdGetDatum(index),
												 Int32GetDatum(i + 1), BoolGetDatum(false));

		appendStringInfo(&sql, "%s(%s)", i == 0 ? "(" : ", ", TextDatumGetCString(column));
	}
	appendStringInfoChar(&sql, ')');
	predicate = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &isNull);
	if (!isNull)
	{
		predicate = DirectFunctionCall2(pg_get_expr, predicate,
										ObjectIdGetDatum(RelationGetRelid(upsert->relation)));
		appendStringInfo(&sql, " WHERE %s", TextDatumGetCString(predicate));
	}
	ReleaseSysCache(tuple);
	deparse_settings_end(level);
	return sql.data;
}

/* ---- the statement ---- */

static MergeAction *
make_action(CmdType command, Node *qual, List *targetList)
{
	MergeAction *action = makeNode(MergeAction);

	compat_action_set_matched(action, command == CMD_UPDATE);
	action->commandType = command;
	action->qual = qual;
	action->targetList = targetList;
	return action;
}

/* INSERT of the excluded row */
static List *
make_insert_list(Upsert *upsert, List *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(upsert->relation),
													lfirst_int(lc) - 1);
		Var		   *var = makeVar(upsert->excluded, attribute->attnum, attribute->atttypid,
								  attribute->atttypmod, attribute->attcollation, 0);

		result = lappend(result, makeTargetEntry((Expr *) var, attribute->attnum,
												 pstrdup(NameStr(attribute->attname)), false));
	}
	return result;
}

/*
 * What gave the rows stays in the range table, for its numbering, but as nothing; relations, which
 * are those of a view that the rewriter has replaced, stay as what the user must have rights on.
 */
static void
forget_sources(Upsert *upsert, Query *merge)
{
	ListCell   *lc;

	foreach(lc, merge->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Index		rti = foreach_current_index(lc) + 1;

		if (rti == upsert->target || rti == upsert->excluded || rte->rtekind == RTE_RELATION)
			continue;
		rte->rtekind = RTE_RESULT;
		rte->subquery = NULL;
		rte->values_lists = NIL;
		rte->inFromCl = false;
	}
}

static Query *
make_merge(Upsert *upsert)
{
	Query	   *query = upsert->query;
	OnConflictExpr *conflict = query->onConflict;
	Query	   *merge = copyObject(query);
	RangeTblRef *source = makeNode(RangeTblRef);
	List	   *columns;
	RangeTblEntry *rows = make_rows(upsert, &columns);
	MergeAction *update;
	MergeAction *insert;

	update = make_action(CMD_UPDATE, adapt_excluded(upsert, conflict->onConflictWhere),
						 (List *) adapt_excluded(upsert, (Node *) conflict->onConflictSet));
	insert = make_action(CMD_INSERT, NULL, make_insert_list(upsert, columns));
	forget_sources(upsert, merge);
	list_nth_cell(merge->rtable, upsert->excluded - 1)->ptr_value = rows;
	/* partitions have their part of the index; children have none */
	rt_fetch(upsert->target, merge->rtable)->inh =
		upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	source->rtindex = upsert->excluded;
	merge->commandType = CMD_MERGE;
	merge->onConflict = NULL;
	merge->targetList = NIL;
	merge->override = OVERRIDING_NOT_SET;
	merge->jointree = makeFromExpr(list_make1(source), make_condition(upsert));
	merge->mergeActionList = list_make2(update, insert);
	return merge;
}

/* ---- row by row, where triggers see the rows ---- */

typedef struct ParamContext
{
	Index		excluded;
	int			depth;
} ParamContext;

/* columns of EXCLUDED become parameters */
static Node *
param_mutator(Node *node, ParamContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == context->excluded &&
		((Var *) node)->varlevelsup == context->depth)
	{
		Var		   *var = (Var *) node;
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = PLAN_CONFLICT_PARAM + var->varattno;
		param->paramtype = var->vartype;
		param->paramtypmod = var->vartypmod;
		param->paramcollid = var->varcollid;
		param->location = -1;
		return (Node *) param;
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, param_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, param_mutator, context);
}

static Node *
excluded_to_params(Upsert *upsert, Node *node)
{
	ParamContext context = {upsert->excluded, 0};

	return param_mutator(adapt_excluded(upsert, node), &context);
}

/* an UPDATE that sets these columns may leave the row with other values in the index */
static bool
may_change_index(const IndexInfo *info, List *targetList)
{
	ListCell   *lc;

	if (info->ii_Expressions != NIL || info->ii_Predicate != NIL || info->ii_NullsNotDistinct)
		return true;
	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		{
			if (!tle->resjunk && info->ii_IndexAttrNumbers[i] == tle->resno)
				return true;
		}
	}
	return false;
}

/* what the executor compares to find rows that are written twice: of a row, with itself */
static OpExpr *
make_key(Upsert *upsert, IndexInfo *info, int number)
{
	Relation	index = upsert->index;
	Oid			type = index->rd_opcintype[number];
	Expr	   *own = index_column(upsert, info, number, 1);

	return (OpExpr *) make_opclause(get_opfamily_member(index->rd_opfamily[number], type, type,
														BTEqualStrategyNumber),
									BOOLOID, false, own, (Expr *) copyObject(own), InvalidOid,
									index->rd_indcollation[number]);
}

/* true where the condition is false or NULL */
static Expr *
make_is_not_true(Expr *condition)
{
	BooleanTest *result = makeNode(BooleanTest);

	result->arg = condition;
	result->booltesttype = IS_NOT_TRUE;
	result->location = -1;
	return (Expr *) result;
}

/* CASE WHEN conditions THEN upsert_is_first(..) AND filter END, for these have an order */
static Expr *
make_guard(Upsert *upsert, List *conditions, Node *filter)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	Expr	   *first = planner_upsert_first_check(upsert->query, PLAN_CONFLICT_PARAM);

	when->expr = make_ands_explicit(copyObject(conditions));
	when->result = filter == NULL ? first :
		make_ands_explicit(list_make2(first, copyObject(filter)));
	when->location = -1;
	result->casetype = BOOLOID;
	result->args = list_make1(when);
	result->defresult = (Expr *) makeBoolConst(false, false);
	result->location = -1;
	return (Expr *) result;
}

/* rows of entry rti that are in EXCLUDED's way by upsert->index; level: EXCLUDED's above theirs */
static List *
make_index_conditions(Upsert *upsert, IndexInfo *info, Index rti, int level)
{
	List	   *predicate = copyObject(info->ii_Predicate);
	List	   *conditions = NIL;

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		Expr	   *excluded = index_column(upsert, info, i, upsert->excluded);

		IncrementVarSublevelsUp((Node *) excluded, level, 0);
		conditions = lappend(conditions,
							 make_equality(upsert, info, i, index_column(upsert, info, i, rti),
										   excluded));
	}
	ChangeVarNodes((Node *) predicate, 1, rti, 0);
	return list_concat(conditions, predicate);
}

/* of a row to insert: without it the index has no say */
static List *
make_excluded_predicate(Upsert *upsert, IndexInfo *info)
{
	List	   *predicate = copyObject(info->ii_Predicate);

	ChangeVarNodes((Node *) predicate, 1, upsert->excluded, 0);
	return predicate;
}

/* EXISTS (SELECT FROM t WHERE it is in EXCLUDED's way by upsert->index) */
static Expr *
make_conflict_exists(Upsert *upsert, IndexInfo *info)
{
	RangeTblEntry *rte = copyObject(rt_fetch(upsert->target, upsert->query->rtable));
	Query	   *query = planner_make_select_from(rte);
	SubLink    *result = makeNode(SubLink);

	rte->alias = makeAlias("in the way", NIL);
	rte->inh = upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	query->jointree->quals = (Node *)
		make_ands_explicit(make_index_conditions(upsert, info, 1, 1));
	compat_query_take_perminfo(query, rte, upsert->query);
	result->subLinkType = EXISTS_SUBLINK;
	result->subselect = (Node *) query;
	result->location = -1;
	return (Expr *) result;
}

/*
 * Several indexes: a row is in the way by one of them, if none is by those before it.  What they
 * have in common stands by itself, for the choice of the shard.  *guarded: the same without a
 * look at other rows.
 */
static List *
make_conditions_of_several(Upsert *upsert, List **guarded)
{
	List	   *earlier = NIL;	/* conditions under which earlier indexes have no row in the way */
	List	   *choices = NIL;
	List	   *ways = NIL;
	List	   *common = NIL;
	ListCell   *lc;

	foreach(lc, upsert->indexes)
	{
		IndexInfo  *info;
		List	   *predicate;
		List	   *own;
		Expr	   *here;

		upsert->index = index_open(lfirst_oid(lc), AccessShareLock);
		info = BuildIndexInfo(upsert->index);
		predicate = make_excluded_predicate(upsert, info);
		own = make_index_conditions(upsert, info, upsert->target, 0);
		common = choices == NIL ? own : list_intersection(common, own);
		here = make_ands_explicit(lappend(list_copy(predicate),
										  make_conflict_exists(upsert, info)));
		own = list_concat_copy(predicate, own);
		ways = lappend(ways, make_ands_explicit(own));
		choices = lappend(choices, make_ands_explicit(list_concat_copy(own, earlier)));
		/* not true: a predicate may be NULL */
		earlier = lappend(earlier, make_is_not_true(here));
		index_close(upsert->index, NoLock);
	}
	*guarded = lappend(list_copy(common), make_orclause(ways));
	return lappend(list_copy(common), make_orclause(choices));
}

/*
 * WHERE of the UPDATE; keys, or a condition of it, keep rows from being written twice.  What
 * policies do not let pass is an error whether the statement's own WHERE wants the row or not:
 * that stays in the conflict clause then (planner_change.c).
 */
static Node *
make_row_condition(Upsert *upsert, InsertSpec *insert)
{
	OnConflictExpr *conflict = upsert->query->onConflict;
	bool		asks = planner_upsert_asks_policies(upsert->query);
	Node	   *filter = copyObject(conflict->onConflictWhere);
	bool		mayChange = true;
	List	   *conditions;
	List	   *guarded;		/* of rows that may be in the way */

	if (list_length(upsert->indexes) > 1)
		conditions = make_conditions_of_several(upsert, &guarded);
	else
	{
		IndexInfo  *info;

		upsert->index = index_open(linitial_oid(upsert->indexes), AccessShareLock);
		info = BuildIndexInfo(upsert->index);
		mayChange = may_change_index(info, conflict->onConflictSet);
		conditions = guarded = make_index_conditions(upsert, info, upsert->target, 0);
		for (int i = 0; !mayChange && i < info->ii_NumIndexKeyAttrs; i++)
			insert->conflictKeys = lappend(insert->conflictKeys, make_key(upsert, info, i));
		index_close(upsert->index, NoLock);
	}
	if (mayChange)
	{
		bool		apart = asks || checkExprHasSubLink(filter) ||
			contain_volatile_functions(filter);

		conditions = lappend(conditions, make_guard(upsert, guarded, apart ? NULL : filter));
		filter = apart ? filter : NULL;
	}
	if (filter != NULL && !asks)
		conditions = lappend(conditions, filter);
	return excluded_to_params(upsert, (Node *) make_ands_explicit(conditions));
}

/*
 * In RETURNING xmax of a row that an upsert has updated is the transaction that locked it before,
 * which is its own; here nothing locks it first.
 */
static Node *
locker_mutator(Node *node, Upsert *upsert)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == upsert->target &&
		((Var *) node)->varlevelsup == 0 &&
		((Var *) node)->varattno == MaxTransactionIdAttributeNumber &&
		compat_var_returning((Var *) node) != COMPAT_RETURNING_OLD)
	{
		Var		   *var = copyObject((Var *) node);

		var->varattno = var->varattnosyn = MinTransactionIdAttributeNumber;
		return (Node *) var;
	}
	return expression_tree_mutator(node, locker_mutator, upsert);
}

/* UPDATE of the row that has what the index compares in common with EXCLUDED */
static Query *
make_row_update(Upsert *upsert, InsertSpec *insert)
{
	OnConflictExpr *conflict = upsert->query->onConflict;
	Query	   *update = copyObject(upsert->query);
	RangeTblRef *target = makeNode(RangeTblRef);
	Node	   *where = make_row_condition(upsert, insert);

	target->rtindex = upsert->target;
	update->commandType = CMD_UPDATE;
	/* it says that the UPDATE is an upsert's, where that means something */
	update->onConflict = NULL;
	if (planner_upsert_asks_policies(update) || upsert->relation->rd_rel->relispartition ||
		upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		update->onConflict = makeNode(OnConflictExpr);
	if (planner_upsert_asks_policies(update))
		update->onConflict->onConflictWhere =
			excluded_to_params(upsert, conflict->onConflictWhere);
	update->override = OVERRIDING_NOT_SET;
	update->targetList = (List *) excluded_to_params(upsert, (Node *) conflict->onConflictSet);
	update->jointree = makeFromExpr(list_make1(target), where);
	update->returningList = (List *) locker_mutator((Node *) update->returningList, upsert);
	update->cteList = NIL;
	update->hasModifyingCTE = update->hasRecursive = false;
	update->hasSubLinks = checkExprHasSubLink((Node *) update->targetList) ||
		checkExprHasSubLink(where) || checkExprHasSubLink((Node *) update->onConflict) ||
		checkExprHasSubLink((Node *) update->returningList);
	forget_sources(upsert, update);
	rt_fetch(upsert->target, update->rtable)->inh =
		upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	return update;
}

static const char *
find_row_obstacle(Query *query)
{
	OnConflictExpr *conflict = query->onConflict;

	if (query->cteList != NIL && checkExprHasSubLink((Node *) conflict))
		return "ON CONFLICT reads a common table expression, row by row";
	return NULL;
}

static Query *
make_row_insert(Upsert *upsert)
{
	Query	   *insert = copyObject(upsert->query);
	OnConflictExpr *conflict = insert->onConflict;

	conflict->action = ONCONFLICT_NOTHING;
	conflict->onConflictSet = NIL;
	conflict->onConflictWhere = NULL;
	return insert;
}

static bool
reads_relation(Node *node, Oid *relid)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->relid == *relid;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, reads_relation, relid,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, reads_relation, relid);
}

/*
 * A key that changes may meet the next row's: one by one, as on one server.  But the clause must
 * not see what the statement has done to the rows before.
 */
bool
planner_upsert_goes_by_rows(Query *query)
{
	OnConflictExpr *conflict = query->onConflict;
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;

	return find_row_obstacle(query) == NULL &&
		!reads_relation((Node *) conflict->onConflictSet, &relid) &&
		!reads_relation(conflict->onConflictWhere, &relid);
}

bool
planner_upsert_has_indexes(Query *query)
{
	Upsert		upsert = {query, query->resultRelation, query->onConflict->exclRelIndex};

	upsert.relation = table_open(rt_fetch(upsert.target, query->rtable)->relid, NoLock);
	find_indexes(&upsert);
	table_close(upsert.relation, NoLock);
	return list_length(upsert.indexes) > 1;
}

Query *
planner_upsert_rows(PlanRequest *request, Query *query, InsertSpec *insert, Refusal *refusal)
{
	Upsert		upsert = {query, query->resultRelation, query->onConflict->exclRelIndex};
	PlanRequest each = *request;

	upsert.relation = table_open(rt_fetch(upsert.target, query->rtable)->relid, NoLock);
	upsert.impossible = find_row_obstacle(query);
	if (upsert.impossible == NULL)
		find_indexes(&upsert);
	if (list_length(upsert.indexes) > 1 && planner_upsert_asks_policies(query))
		upsert.impossible = "several indexes decide about conflicts with policies";
	if (upsert.impossible == NULL)
		each.query = make_row_update(&upsert, insert);
	table_close(upsert.relation, NoLock);
	refusal->reason = upsert.impossible;
	if (upsert.impossible != NULL)
		return NULL;
	insert->conflictFilters = query->onConflict->onConflictWhere != NULL;
	each.cursorOptions = 0;
	each.early = NULL;
	each.joins = true;
	insert->conflict = planner_plan_request(&each);
	return make_row_insert(&upsert);
}

/* ---- all rows at once ---- */

static const char *
find_obstacle(Query *query)
{
	if (contain_volatile_functions((Node *) query->cteList))
		return "ON CONFLICT beside a volatile common table expression";
	return NULL;
}

PlannedStmt *
planner_upsert(PlanRequest *request, Query *query, Refusal *refusal)
{
	Upsert		upsert = {query, query->resultRelation, query->onConflict->exclRelIndex};
	PlannedStmt *stmt = NULL;
	Query	   *merge = NULL;
	char	   *conflict = NULL;
	Oid			index = InvalidOid;

	upsert.relation = table_open(rt_fetch(upsert.target, query->rtable)->relid, NoLock);
	upsert.impossible = find_obstacle(query);
	if (upsert.impossible == NULL)
		index = find_index(&upsert);
	if (OidIsValid(index))
	{
		upsert.index = index_open(index, AccessShareLock);
		merge = make_merge(&upsert);
		conflict = make_conflict_target(&upsert);
		index_close(upsert.index, NoLock);
	}
	table_close(upsert.relation, NoLock);
	if (upsert.impossible != NULL)
		refusal->reason = upsert.impossible;
	else
		stmt = planner_change_upsert(request, merge, conflict, refusal);
	return stmt;
}
