/*
 * planner_upsert.c
 *	  INSERT .. ON CONFLICT DO UPDATE that no shard can do alone, for the clause reads rows of other
 *	  shards: all rows at once.
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
 * Where a row may meet what became of the row before, rows are taken one by one instead:
 * planner_upsert_rows.c.
 *
 * Policies are asked in either way (planner_change_policies.c): an upsert does not leave out a row
 * that it may not update, but fails, and so all rows are found.
 *
 * Not here: which indexes decide (planner_upsert_indexes.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "catalog/pg_index.h"
#include "access/table.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "citus/base/compat_planner.h"
#include "citus/deparse/template.h"
#include "planner_upsert_internal.h"

#define MAX_KNOWN_VALUES	10000	/* rows whose values become a condition */

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

Node *
planner_upsert_adapt_excluded(Upsert *upsert, Node *node)
{
	ExcludedContext context = {upsert, 0};

	return excluded_mutator(node, &context);
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
	Expr	   *column = planner_upsert_index_column(upsert, info, number, upsert->target);
	Oid			type = exprType((Node *) column);
	ArrayExpr  *array;
	ScalarArrayOpExpr *result;
	OpExpr	   *equality;

	if (values == NIL)
		return NULL;
	equality = (OpExpr *) planner_upsert_equality(upsert, info, number, column, linitial(values));
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
			conditions = lappend(conditions, planner_upsert_equality(upsert, info, number,
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
		Expr	   *left = planner_upsert_index_column(upsert, info, i, upsert->target);
		Expr	   *right = planner_upsert_index_column(upsert, info, i, upsert->excluded);

		conditions = lappend(conditions,
							 planner_upsert_equality(upsert, info, i, left, right));
		if (restriction != NULL)
			conditions = lappend(conditions, restriction);
	}
	for (int side = 0; side < 2; side++)
	{
		List	   *predicate = copyObject(info->ii_Predicate);

		ChangeVarNodes((Node *) predicate, 1, side == 0 ? upsert->target : upsert->excluded, 0);
		conditions = list_concat(conditions, predicate);
	}
	return planner_upsert_adapt_excluded(upsert, (Node *) make_ands_explicit(conditions));
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

void
planner_upsert_forget_sources(Upsert *upsert, Query *merge)
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
	Node	   *where = planner_upsert_adapt_excluded(upsert, conflict->onConflictWhere);
	Node	   *set = planner_upsert_adapt_excluded(upsert, (Node *) conflict->onConflictSet);
	MergeAction *update = make_action(CMD_UPDATE, where, (List *) set);
	MergeAction *insert;

	insert = make_action(CMD_INSERT, NULL, make_insert_list(upsert, columns));
	planner_upsert_forget_sources(upsert, merge);
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

/* ---- all rows at once ---- */

static const char *
find_obstacle(Query *query)
{
	if (contain_volatile_functions((Node *) query->cteList))
		return "ON CONFLICT beside a volatile common table expression";
	return NULL;
}

/* the index that decides alone; invalid: there are several */
static Oid
find_index(Upsert *upsert)
{
	planner_upsert_find_indexes(upsert);
	if (list_length(upsert->indexes) == 1)
		return linitial_oid(upsert->indexes);
	upsert->impossible = "several indexes decide about conflicts";
	return InvalidOid;
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
