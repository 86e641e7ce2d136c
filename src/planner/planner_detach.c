/*
 * planner_detach.c
 *	  RETURNING, and the check options of views, apart from the statement they belong to.
 *
 * Where the expressions of RETURNING cannot run beside the change, and where a view says WITH CHECK
 * OPTION, a statement becomes
 *
 *		the statement, RETURNING the columns that are read, nothing else
 *		SELECT an error FROM these rows WHERE (condition of the view) IS NOT TRUE
 *		SELECT the expressions of RETURNING FROM these rows
 *
 * run one after the other under one node; the last is the main plan.  A check option is so looked
 * at when the row is written, as on one server: its transaction fails.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "planner_internal.h"

PG_FUNCTION_INFO_V1(raise_check_option);

/* a value is quoted as far as the server quotes it */
#define QUOTED_BYTES 64

typedef struct DetachContext
{
	Query	   *query;
	List	   *columns;		/* TargetEntry: Vars that the statement will return */
	int			depth;
} DetachContext;

/* ---- what the error quotes ---- */

static void
append_quoted(StringInfo text, HeapTuple row, TupleDesc desc, int i)
{
	char	   *value;
	int			length;

	if (TupleDescAttr(desc, i)->attgenerated == 'v')
		value = "virtual";
	else
		value = SPI_getvalue(row, desc, i + 1);
	if (value == NULL)
		value = "null";
	length = strlen(value);
	if (length <= QUOTED_BYTES)
		appendStringInfoString(text, value);
	else
	{
		appendBinaryStringInfo(text, value, pg_mbcliplen(value, length, QUOTED_BYTES));
		appendStringInfoString(text, "...");
	}
}

/*
 * The row as the server describes it to the current user: all of it, or the columns that he may
 * read or has given values; NULL when there are none, or policies hide rows.
 */
static char *
describe_row(Oid relid, const char *given, HeapTupleHeader header)
{
	bool		all = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	TupleDesc	desc = lookup_rowtype_tupdesc(get_rel_type_id(relid), -1);
	HeapTupleData row = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *separator = values.len == 0 ? "" : ", ";

		if (attribute->attisdropped ||
			(!all && given[i] != '1' &&
			 pg_attribute_aclcheck(relid, i + 1, GetUserId(), ACL_SELECT) != ACLCHECK_OK))
			continue;
		appendStringInfo(&names, "%s%s", separator, NameStr(attribute->attname));
		appendStringInfoString(&values, separator);
		append_quoted(&values, &row, desc, i);
	}
	ReleaseTupleDesc(desc);
	if (values.len == 0 || check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return NULL;
	return all ? psprintf("(%s)", values.data) :
		psprintf("(%s) = (%s)", names.data, values.data);
}

/*
 * citus_internal.raise_check_option(view text, relation oid, given text, row) returns boolean:
 * never.  given has a 1 for each column that the statement gives a value; the row may be NULL, and
 * is then not quoted.
 */
Datum
raise_check_option(PG_FUNCTION_ARGS)
{
	char	   *row = NULL;

	if (PG_NARGS() > 1 && !PG_ARGISNULL(3))
		row = describe_row(PG_GETARG_OID(1), text_to_cstring(PG_GETARG_TEXT_PP(2)),
						   PG_GETARG_HEAPTUPLEHEADER(3));
	ereport(ERROR,
			(errcode(ERRCODE_WITH_CHECK_OPTION_VIOLATION),
			 errmsg("new row violates check option for view \"%s\"",
					text_to_cstring(PG_GETARG_TEXT_PP(0))),
			 row == NULL ? 0 : errdetail("Failing row contains %s.", row)));
}

/* ---- columns of the statement ---- */

static Node *
returned_column(DetachContext *context, Expr *expr)
{
	TargetEntry *found = NULL;
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		if (equal(lfirst_node(TargetEntry, lc)->expr, expr))
			found = lfirst(lc);
	}
	if (found == NULL)
	{
		AttrNumber	number = list_length(context->columns) + 1;

		found = makeTargetEntry(expr, number, psprintf("column_%d", number), false);
		context->columns = lappend(context->columns, found);
	}
	return (Node *) makeVar(1, found->resno, exprType((Node *) expr),
							exprTypmod((Node *) expr), exprCollation((Node *) expr),
							context->depth);
}

static Var *
sibling(const Var *var, AttrNumber attno, Oid type, int32 typmod, Oid collation)
{
	Var		   *result = copyObject((Var *) var);

	result->varattno = result->varattnosyn = attno;
	result->vartype = type;
	result->vartypmod = typmod;
	result->varcollid = collation;
	return result;
}

/* CASE WHEN the row that var is of exists THEN value END */
static Node *
null_without_row(DetachContext *context, const Var *var, Expr *value)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);
	Var		   *ctid = sibling(var, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid);

	test->arg = (Expr *) returned_column(context, (Expr *) ctid);
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	when->expr = (Expr *) test;
	when->result = value;
	when->location = -1;
	result->casetype = exprType((Node *) value);
	result->casecollid = exprCollation((Node *) value);
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(result->casetype, -1, result->casecollid);
	result->location = -1;
	return (Node *) result;
}

/* the whole row of a table, from its columns */
static Node *
row_of_table(DetachContext *context, const Var *var, Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	RowExpr    *row = makeNode(RowExpr);

	row->row_typeid = var->vartype;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Node	   *column;

		if (attribute->attisdropped)
			column = (Node *) makeNullConst(INT4OID, -1, InvalidOid);
		else
			column = returned_column(context, (Expr *) sibling(var, i + 1, attribute->atttypid,
															   attribute->atttypmod,
															   attribute->attcollation));
		row->args = lappend(row->args, column);
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(attribute->attname))));
	}
	table_close(relation, NoLock);
	if (var->varno == context->query->resultRelation &&
		compat_var_returning(var) == COMPAT_RETURNING_CURRENT)
		return (Node *) row;
	return null_without_row(context, var, (Expr *) row);
}

/* the whole row of anything that has no type of its own */
static Node *
row_of_columns(DetachContext *context, const Var *var, RangeTblEntry *rte)
{
	RowExpr    *row = makeNode(RowExpr);
	List	   *names;
	List	   *vars;
	ListCell   *lc;

	compat_expand_rte(rte, var->varno, &names, &vars);
	row->row_typeid = RECORDOID;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->colnames = names;
	row->location = -1;
	foreach(lc, vars)
	{
		Var		   *column = lfirst_node(Var, lc);

		row->args = lappend(row->args, returned_column(context, (Expr *)
													   sibling(var, column->varattno,
															   column->vartype,
															   column->vartypmod,
															   column->varcollid)));
	}
	return (Node *) row;
}

static Node *
detach_var(DetachContext *context, const Var *original)
{
	Var		   *var = copyObject((Var *) original);
	RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);

	var->varlevelsup = 0;
	if (var->varattno != InvalidAttrNumber)
		return returned_column(context, (Expr *) var);
	if (rte->rtekind == RTE_RELATION)
		return row_of_table(context, var, rte->relid);
	if (var->vartype == RECORDOID)
		return row_of_columns(context, var, rte);
	return returned_column(context, (Expr *) var);
}

static Node *
detach_mutator(Node *node, DetachContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->depth)
		return detach_var(context, (Var *) node);
	if (compat_is_merge_action(node))
		return returned_column(context, (Expr *) copyObject(node));
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, detach_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, detach_mutator, context);
}

static Node *
detach_expr(DetachContext *context, Node *expr)
{
	return detach_mutator(planner_flatten(context->query, expr), context);
}

/* ---- the statements ---- */

/* SELECT targetList FROM rows of the part WHERE qual */
static Query *
select_from_part(DetachContext *context, int id, List *targetList, Node *qual)
{
	DistPlan   *plan = plan_make(DIST_PLAN_PART_ROWS, "rows of the statement");
	Query	   *select;

	plan->partId = id;
	select = planner_make_select_from(planner_plan_rte(plan, context->columns));
	select->jointree->quals = qual;
	select->targetList = targetList;
	select->hasSubLinks = checkExprHasSubLink((Node *) targetList) || checkExprHasSubLink(qual);
	select->hasTargetSRFs = expression_returns_set((Node *) targetList);
	if (select->hasSubLinks)
		select->cteList = copyObject(context->query->cteList);
	return select;
}

/* a 1 for each column of the target that the statement gives a value, a 0 for others */
static char *
columns_given(const Query *query, RangeTblEntry *rte)
{
	Relation	relation = table_open(rte->relid, AccessShareLock);
	int			natts = RelationGetNumberOfAttributes(relation);
	char	   *result = palloc0(natts + 1);
	CompatPermInfo *permissions = compat_rte_perminfo(compat_query_perminfos(query), rte);

	for (int i = 0; i < natts; i++)
	{
		int			member = i + 1 - FirstLowInvalidHeapAttributeNumber;

		result[i] = bms_is_member(member, permissions->insertedCols) ||
			bms_is_member(member, permissions->updatedCols) ? '1' : '0';
	}
	table_close(relation, NoLock);
	return result;
}

/* the new row, if whoever the statement works for may read it: more may not be asked for */
static Node *
row_to_quote(DetachContext *context)
{
	Query	   *query = context->query;
	RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
	Oid			role = compat_rte_check_as_user(query, rte);
	Var		   *var;

	if (pg_class_aclcheck(rte->relid, OidIsValid(role) ? role : GetUserId(), ACL_SELECT) !=
		ACLCHECK_OK)
		return (Node *) makeNullConst(RECORDOID, -1, InvalidOid);
	var = makeVar(query->resultRelation, InvalidAttrNumber, get_rel_type_id(rte->relid), -1,
				  InvalidOid, 0);
	return row_of_table(context, var, rte->relid);
}

static Expr *
text_constant(const char *value)
{
	return (Expr *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(value),
							  false, false);
}

static Expr *
call_raise(const Query *query, const char *view, Node *row)
{
	RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
	Oid			types[] = {TEXTOID, OIDOID, TEXTOID, RECORDOID};
	Oid			function = LookupFuncName(list_make2(makeString("citus_internal"),
													 makeString("raise_check_option")),
										  lengthof(types), types, false);
	Const	   *relid = makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
								  ObjectIdGetDatum(rte->relid), false, true);

	return (Expr *) makeFuncExpr(function, BOOLOID,
								 list_make4(text_constant(view), relid,
											text_constant(columns_given(query, rte)), row),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* SELECT an error FROM rows WHERE the view would not show them */
static Query *
make_check(DetachContext *context, int id, WithCheckOption *option, Node *condition, Node *row)
{
	BooleanTest *test = makeNode(BooleanTest);
	Expr	   *call = call_raise(context->query, option->relname, row);

	test->arg = (Expr *) condition;
	test->booltesttype = IS_NOT_TRUE;
	test->location = -1;
	return select_from_part(context, id,
							list_make1(makeTargetEntry(call, 1, pstrdup("check"), false)),
							(Node *) test);
}

static List *
detach_returning(DetachContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, context->query->returningList)
	{
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		tle->expr = (Expr *) detach_expr(context, (Node *) tle->expr);
		result = lappend(result, tle);
	}
	return result;
}

/* RETURNING of constants: something has to come back for each row, or nobody would count them */
static void
ensure_column(DetachContext *context)
{
	Var		   *var;

	if (context->columns != NIL || context->query->returningList == NIL)
		return;
	var = makeVar(context->query->resultRelation, TableOidAttributeNumber, OIDOID, -1, InvalidOid,
				  0);
	context->columns = list_make1(makeTargetEntry((Expr *) var, 1, pstrdup("column_1"), false));
}

/*
 * Of WithCheckOption: those that views ask for, or the others, which belong to the statement.  A
 * view without a condition has one, too, which asks for nothing.
 */
static List *
check_options(Query *query, bool ofViews)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, query->withCheckOptions)
	{
		WithCheckOption *option = lfirst_node(WithCheckOption, lc);

		if ((option->kind == WCO_VIEW_CHECK) == ofViews && option->qual != NULL)
			result = lappend(result, option);
	}
	return result;
}

void
planner_leave_policies(Query *query)
{
	query->withCheckOptions = check_options(query, true);
}

bool
planner_has_check_options(Query *query)
{
	return check_options(query, true) != NIL;
}

bool
planner_returning_is_plain(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->returningList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (!compat_is_merge_action(expr) &&
			!(IsA(expr, Var) && ((Var *) expr)->varattno != InvalidAttrNumber &&
			  rt_fetch(((Var *) expr)->varno, query->rtable)->rtekind != RTE_JOIN))
			return false;
	}
	return true;
}

/* plans a SELECT from the rows of a statement; sub-queries see tables as they were before it */
static PlannedStmt *
plan_select(PlanRequest *request, Query *query, DetachContext *context, EarlyReads *early)
{
	PlanRequest each = *request;

	each.query = query;
	each.cursorOptions = 0;
	each.early = NULL;
	planner_read_early(&each, query, rt_fetch(context->query->resultRelation,
											  context->query->rtable)->relid, early);
	return planner_has_known_relation(query) ? planner_plan_request(&each) : planner_scan(&each);
}

static PlannedStmt *
plan_change(PlanRequest *request, Query *query)
{
	PlanRequest each = *request;

	each.query = query;
	each.cursorOptions = 0;
	return planner_plan_request(&each);
}

/* plans a normalized statement so that RETURNING has Vars only and no view checks its rows */
PlannedStmt *
planner_detach_output(PlanRequest *request, Query *query)
{
	DetachContext context = {query, NIL, 0};
	EarlyReads	own = {NIL, NIL};
	EarlyReads *early = request->early != NULL ? request->early : &own;
	Query	   *change = copyObject(query);
	int			id = planner_new_part_id();
	List	   *ids = list_make1_int(id);
	List	   *targetList = detach_returning(&context);
	List	   *conditions = NIL;
	List	   *parts;
	Node	   *row = NULL;
	Node	   *nothing = query->returningList == NIL ? makeBoolConst(false, false) : NULL;
	PlannedStmt *stmt;
	ListCell   *option;
	ListCell   *condition;

	foreach(option, check_options(query, true))
		conditions = lappend(conditions, detach_expr(&context,
													 lfirst_node(WithCheckOption, option)->qual));
	if (conditions != NIL)
		row = row_to_quote(&context);
	ensure_column(&context);
	change->returningList = context.columns;
	change->withCheckOptions = check_options(change, false);
	parts = list_make1(plan_change(request, change));
	forboth(option, check_options(query, true), condition, conditions)
	{
		parts = lappend(parts, plan_select(request, make_check(&context, id, lfirst(option),
															   lfirst(condition),
															   copyObject(row)),
										   &context, early));
		ids = lappend_int(ids, planner_new_part_id());
	}
	stmt = plan_select(request, select_from_part(&context, id, targetList, nothing), &context,
					   early);
	compat_stmt_take_relations(stmt, request->query);
	stmt = planner_add_parts(stmt, list_concat(own.parts, parts), list_concat(own.ids, ids));
	stmt->commandType = query->commandType;
	stmt->hasReturning = query->returningList != NIL;
	stmt->canSetTag = request->query->canSetTag;
	stmt->queryId = request->query->queryId;
	stmt->stmt_location = request->query->stmt_location;
	stmt->stmt_len = request->query->stmt_len;
	return stmt;
}
