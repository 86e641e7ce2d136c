/*
 * planner_change_policies.c
 *	  What policies of row-level security ask of the rows that DIST_PLAN_CHANGES changes.
 *
 * Where shards would not apply them as one server does, rows are found and changed as if there were
 * none.  Those that say which rows a statement sees have become conditions of the source
 * (planner_change_begin()).  The others are asked here, before a row is changed, and an answer
 * other than yes is an error: of the row as it is (ON CONFLICT, MERGE), and of what it will be.
 *
 * Answers come from the executor, which knows what triggers make of a row, and what volatile
 * functions have given.  A sub-query that is asked about each row of an UPDATE is made part of the
 * source, so that it need not run once a row, where nothing of that stands in the way.
 */
#include "postgres.h"

#include "access/table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"

#include "planner_change_internal.h"

/* an expression over the target's row, while its Vars are replaced */
typedef struct RowContext
{
	ChangeBuild *build;
	Relation	relation;
	Index		target;
	int			depth;
	bool		params;			/* Vars become parameters of the check's query */
	ChangeAction *action;		/* or what the action makes of the row, in the source; or NULL */
	bool		isVolatile;		/* there are values that the source must not compute twice */
} RowContext;

static Node *row_mutator(Node *node, RowContext *context);

/* ---- the row's columns ---- */

static Node *
column_as_param(RowContext *context, AttrNumber attno)
{
	Form_pg_attribute attribute = TupleDescAttr(context->build->desc, attno - 1);
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = PLAN_CONFLICT_PARAM + attno;
	param->paramtype = attribute->atttypid;
	param->paramtypmod = attribute->atttypmod;
	param->paramcollid = attribute->attcollation;
	param->location = -1;
	return (Node *) param;
}

/* the value that the action gives an attribute, or that the row has, as the source has it */
static Node *
column_in_source(RowContext *context, AttrNumber attno)
{
	ChangeBuild *build = context->build;
	Node	   *value = (Node *) planner_change_column(build, attno);
	ListCell   *lc;

	foreach(lc, context->action->columns)
	{
		int			column = context->action->firstValue + foreach_current_index(lc);

		if (lfirst_int(lc) == attno)
			value = (Node *) list_nth_node(TargetEntry, build->columns, column - 1)->expr;
	}
	context->isVolatile |= contain_volatile_functions(value);
	value = copyObject(value);
	IncrementVarSublevelsUp(value, context->depth, 0);
	return value;
}

/* generated columns have no value yet: what computes it */
static Node *
generated_column(RowContext *context, AttrNumber attno)
{
	RowContext	inner = *context;
	Node	   *expr = build_column_default(context->relation, attno);

	inner.target = 1;
	inner.depth = 0;
	expr = row_mutator(expr, &inner);
	context->isVolatile |= inner.isVolatile;
	if (context->depth > 0 && !context->params)
		IncrementVarSublevelsUp(expr, context->depth, 0);
	return expr;
}

static Node *
row_column(RowContext *context, AttrNumber attno)
{
	Form_pg_attribute attribute = TupleDescAttr(context->build->desc, attno - 1);

	if (attribute->attisdropped)
		return (Node *) makeNullConst(INT4OID, -1, InvalidOid);
	if (attribute->attgenerated != '\0')
		return generated_column(context, attno);
	if (context->params)
		return column_as_param(context, attno);
	if (context->action != NULL)
		return column_in_source(context, attno);
	return (Node *) makeVar(1, attno, attribute->atttypid, attribute->atttypmod,
							attribute->attcollation, context->depth);
}

static Node *
whole_row(RowContext *context)
{
	TupleDesc	desc = context->build->desc;
	RowExpr    *row = makeNode(RowExpr);

	row->row_typeid = desc->tdtypeid;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	for (int i = 0; i < desc->natts; i++)
	{
		row->args = lappend(row->args, row_column(context, i + 1));
		row->colnames = lappend(row->colnames,
								makeString(pstrdup(NameStr(TupleDescAttr(desc, i)->attname))));
	}
	return (Node *) row;
}

static Node *
row_mutator(Node *node, RowContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == context->target &&
		((Var *) node)->varlevelsup == context->depth)
	{
		AttrNumber	attno = ((Var *) node)->varattno;

		if (attno > 0)
			return row_column(context, attno);
		if (attno == InvalidAttrNumber)
			return whole_row(context);
		context->build->impossible = "a policy reads system columns of rows that are changed";
		return copyObject(node);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, row_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, row_mutator, context);
}

/* ---- checks ---- */

/* SELECT qual, with the row's columns as parameters */
static PlannedStmt *
plan_query(RowContext *context, Node *qual)
{
	PlanRequest request = *context->build->request;
	Query	   *query = planner_make_select();

	context->params = true;
	query->targetList = list_make1(makeTargetEntry((Expr *) row_mutator(qual, context), 1,
												   pstrdup("check"), false));
	query->hasSubLinks = true;
	query->hasRowSecurity = true;
	request.query = query;
	request.cursorOptions = 0;
	request.early = NULL;
	request.fires = NULL;
	return planner_has_known_relation(query) ? planner_plan_request(&request) :
		planner_scan(&request);
}

/* true when the answer is a column of the source */
static bool
add_column(RowContext *context, RowCheck *check, Node *qual)
{
	ChangeBuild *build = context->build;
	Node	   *answer;

	if (build->query->commandType != CMD_UPDATE || check->kind != WCO_RLS_UPDATE_CHECK ||
		(build->request->fires != NULL && build->request->fires->rows))
		return false;
	context->action = linitial(build->spec->actions);
	answer = row_mutator(qual, context);
	if (!context->isVolatile)
		check->column = planner_change_add_column(build, (Expr *) answer);
	context->action = NULL;
	return check->column != 0;
}

static RowCheck *
make_check(ChangeBuild *build, Relation relation, WithCheckOption *option)
{
	RowContext	context = {.build = build, .relation = relation, .target = build->target};
	RowCheck   *check = plan_row_check_make();

	check->kind = option->kind;
	check->policy = option->polname;
	if (!checkExprHasSubLink(option->qual))
	{
		Node	   *qual = row_mutator(option->qual, &context);

		check->qual = expression_planner((Expr *) eval_const_expressions(NULL, qual));
	}
	else if (!add_column(&context, check, option->qual))
		check->query = plan_query(&context, option->qual);
	return check;
}

static bool
has_action(ChangeBuild *build, CmdType command)
{
	ListCell   *lc;

	foreach(lc, build->spec->actions)
	{
		if (((ChangeAction *) lfirst(lc))->command == command)
			return true;
	}
	return false;
}

/* may the statement have to ask this? */
static bool
is_asked(ChangeBuild *build, WCOKind kind)
{
	switch (kind)
	{
		case WCO_RLS_INSERT_CHECK:
			return has_action(build, CMD_INSERT);
		case WCO_RLS_UPDATE_CHECK:
		case WCO_RLS_CONFLICT_CHECK:
		case WCO_RLS_MERGE_UPDATE_CHECK:
			return has_action(build, CMD_UPDATE);
		case WCO_RLS_MERGE_DELETE_CHECK:
			return has_action(build, CMD_DELETE);
		default:
			return false;
	}
}

void
planner_change_add_checks(ChangeBuild *build)
{
	Relation	relation;
	ListCell   *lc;

	if (!build->unforced)
		return;
	relation = table_open(build->spec->relid, NoLock);
	foreach(lc, build->query->withCheckOptions)
	{
		WithCheckOption *option = lfirst_node(WithCheckOption, lc);

		if (is_asked(build, option->kind))
			build->spec->checks = lappend(build->spec->checks,
										  make_check(build, relation, option));
	}
	table_close(relation, NoLock);
}

List *
planner_insert_checks(PlanRequest *request, Query *query, Refusal *refusal)
{
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	Relation	relation = table_open(relid, NoLock);
	ChangeBuild build = {.request = request, .query = query, .target = query->resultRelation,
		.desc = CreateTupleDescCopyConstr(RelationGetDescr(relation)),
	.spec = plan_change_make()};
	List	   *checks = NIL;
	ListCell   *lc;

	build.desc->tdtypeid = relation->rd_rel->reltype;
	build.spec->relid = relid;
	foreach(lc, query->withCheckOptions)
	{
		WithCheckOption *option = lfirst_node(WithCheckOption, lc);

		if (option->kind == WCO_RLS_INSERT_CHECK)
			checks = lappend(checks, make_check(&build, relation, option));
	}
	table_close(relation, NoLock);
	refusal->reason = build.impossible;
	return checks;
}

bool
planner_upsert_asks_policies(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->withCheckOptions)
	{
		if (lfirst_node(WithCheckOption, lc)->kind == WCO_RLS_CONFLICT_CHECK)
			return true;
	}
	return false;
}
