/*
 * planner_stage.c
 *	  Parts of a statement that run first, so that the rest can run where the shards are.
 *
 * A relation of this node, a table of another colocation group, a sub-query that combines rows of
 * several shards: none of them can be part of a fragment.  Each becomes a source: a query whose
 * rows are collected here, once, when the statement starts, and travel to every task as arrays,
 *
 *		FROM l			->		FROM (SELECT * FROM ROWS FROM (unnest($1), unnest($2))) l
 *
 * which every shard sees alike.  All sources are computed by one child plan that returns one row,
 * SELECT s1.a1, s1.a2, s2.a1 FROM (SELECT array_agg(..) ..) s1, (SELECT ..) s2; its columns are
 * the extern parameters numbered from PLAN_STAGED_PARAM.
 *
 * Invariants: (1) a staged part refers to nothing outside itself; (2) its columns keep their
 * positions, so that no Var elsewhere changes.
 *
 * Not here: deciding whether the rest can then travel (planner_distribution.c).
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

typedef struct StageContext
{
	const DistTable *anchor;	/* shards of its group take part as they are */
	bool		subqueries;		/* stage every sub-query with shards, too */
	bool		everything;		/* stage every relation */
	List	   *sources;		/* of Query, each returning one row of arrays */
	int			nparams;
	const char *impossible;
} StageContext;

static void stage_level(StageContext *context, Query *query);

/* ---- a source ---- */

/* array_agg(expr) */
static Expr *
make_array_agg(Expr *expr, Oid arrayType)
{
	Aggref	   *agg = makeNode(Aggref);
	Oid			collation = exprCollation((Node *) expr);

	agg->aggfnoid = F_ARRAY_AGG_ANYNONARRAY;
	agg->aggtype = arrayType;
	agg->aggcollid = collation;
	agg->inputcollid = collation;
	agg->aggargtypes = list_make1_oid(exprType((Node *) expr));
	agg->args = list_make1(makeTargetEntry(expr, 1, NULL, false));
	agg->aggkind = AGGKIND_NORMAL;
	agg->aggsplit = AGGSPLIT_SIMPLE;
	agg->aggno = agg->aggtransno = -1;
	agg->location = -1;
	return (Expr *) agg;
}

static RangeTblFunction *
make_unnest(Param *array, Oid elementType, Oid collation)
{
	RangeTblFunction *function = makeNode(RangeTblFunction);
	FuncExpr   *call = makeFuncExpr(F_UNNEST_ANYARRAY, elementType, list_make1(array), collation,
									collation, COERCE_EXPLICIT_CALL);

	call->funcretset = true;
	function->funcexpr = (Node *) call;
	function->funccolcount = 1;
	return function;
}

static Param *
make_staged_param(StageContext *context, Oid arrayType, Oid collation)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = PLAN_STAGED_PARAM + context->nparams++;
	param->paramtype = arrayType;
	param->paramtypmod = -1;
	param->paramcollid = collation;
	param->location = -1;
	return param;
}

/*
 * One column on its way: aggregated into an array by collect, unnested again by rows.  Returns its
 * Var among the columns of rows.
 */
static Var *
stage_column(StageContext *context, Query *collect, RangeTblEntry *rows, Expr *expr)
{
	Oid			type = exprType((Node *) expr);
	Oid			collation = exprCollation((Node *) expr);
	Oid			arrayType = get_array_type(type);
	AttrNumber	number = list_length(rows->functions) + 1;
	Param	   *param;

	if (!OidIsValid(arrayType) || OidIsValid(get_element_type(type)))
	{
		context->impossible = "a column of a row source cannot be sent as an array";
		return NULL;
	}
	param = make_staged_param(context, arrayType, collation);
	rows->functions = lappend(rows->functions, make_unnest(param, type, collation));
	rows->eref->colnames = lappend(rows->eref->colnames, makeString(psprintf("a%d", number)));
	collect->targetList = lappend(collect->targetList,
								  makeTargetEntry(make_array_agg(expr, arrayType), number,
												  psprintf("a%d", number), false));
	return makeVar(1, number, type, exprTypmod((Node *) expr), collation, 0);
}

/*
 * unnest() of rows in FROM gives their fields as columns; in a target list it gives the rows.  Puts
 * the functions of rows there: SELECT unnest($1), unnest($2), which go on in step.
 */
static void
unnest_in_targets(Query *result, const RangeTblEntry *rows)
{
	ListCell   *lc;

	foreach(lc, result->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (IsA(tle->expr, Var))
			tle->expr = (Expr *) list_nth_node(RangeTblFunction, rows->functions,
											   ((Var *) tle->expr)->varattno - 1)->funcexpr;
	}
	result->rtable = NIL;
	result->jointree->fromlist = NIL;
	result->hasTargetSRFs = true;
}

/*
 * Registers the rows of source (whose columns have the names and positions that the statement
 * knows) and returns a query that gives the same rows from parameters.
 */
static Query *
stage_source(StageContext *context, Query *source)
{
	RangeTblEntry *rows = makeNode(RangeTblEntry);
	Query	   *collect = planner_make_select_from(planner_subquery_rte(source, "source"));
	Query	   *result = planner_make_select_from(rows);
	bool		hasRows = false;
	AttrNumber	attno = 0;
	ListCell   *lc;

	rows->rtekind = RTE_FUNCTION;
	rows->alias = makeAlias("staged", NIL);
	rows->eref = makeAlias("staged", NIL);
	foreach(lc, source->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *value = (Node *) tle->expr;
		Expr	   *column;

		if (tle->resjunk)
			continue;
		attno++;
		if (IsA(value, Const) && ((Const *) value)->constisnull)
			column = (Expr *) copyObject(value);	/* a column that nobody reads */
		else
		{
			hasRows |= type_is_rowtype(exprType(value));
			column = (Expr *) stage_column(context, collect, rows,
										   (Expr *) makeVar(1, attno, exprType(value),
															exprTypmod(value),
															exprCollation(value), 0));
		}
		if (context->impossible != NULL)
			return source;
		result->targetList = lappend(result->targetList,
									 makeTargetEntry(column, attno,
													 pstrdup(tle->resname ? tle->resname :
															 "?column?"), false));
	}

	/* the number of rows is what counts when no column does */
	if (rows->functions == NIL)
		(void) stage_column(context, collect, rows,
							(Expr *) makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(0),
											   false, true));
	if (hasRows)
		unnest_in_targets(result, rows);
	collect->hasAggs = true;
	context->sources = lappend(context->sources, collect);
	return result;
}

/* ---- relations ---- */

typedef struct NeededContext
{
	Index		rti;
	int			sublevels;
	Bitmapset  *attnos;			/* as MEMBER_OF_ATTNO says */
} NeededContext;

#define MEMBER_OF_ATTNO(attno) ((attno) - FirstLowInvalidHeapAttributeNumber)

static bool
needed_walker(Node *node, NeededContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno == context->rti && var->varlevelsup == context->sublevels)
			context->attnos = bms_add_member(context->attnos, MEMBER_OF_ATTNO(var->varattno));
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		context->sublevels++;
		result = query_tree_walker((Query *) node, needed_walker, context, 0);
		context->sublevels--;
		return result;
	}
	return expression_tree_walker(node, needed_walker, context);
}

/* conditions of the level's WHERE that only this relation's columns decide */
static List *
own_quals(Query *query, Index rti)
{
	List	   *result = NIL;
	ListCell   *lc;
	bool		inFrom = false;

	/* the condition of a MERGE keeps no row away: what it does not join is "not matched" */
	if (query->commandType == CMD_MERGE)
		return NIL;
	foreach(lc, query->jointree->fromlist)
	{
		if (IsA(lfirst(lc), RangeTblRef) && ((RangeTblRef *) lfirst(lc))->rtindex == rti)
			inFrom = true;
	}
	if (!inFrom)
		return NIL;
	foreach(lc, make_ands_implicit((Expr *) query->jointree->quals))
	{
		Node	   *qual = lfirst(lc);

		if (!checkExprHasSubLink(qual) && !contain_volatile_functions(qual) &&
			!planner_expr_is_correlated(qual) &&
			bms_equal(pull_varnos(NULL, qual), bms_make_singleton(rti)))
			result = lappend(result, copyObject(qual));
	}
	return result;
}

/* Vars of a relation whose rows are about to come from elsewhere */
typedef struct ExtraContext
{
	Index		rti;
	int			sublevels;
	TupleDesc	desc;
	List	   *extras;			/* system columns: they follow the table's own, IntList */
} ExtraContext;

static Var *
extra_var(ExtraContext *context, const Var *var, AttrNumber attno)
{
	Var		   *result = copyObject((Var *) var);
	ListCell   *lc;

	foreach(lc, context->extras)
	{
		if (lfirst_int(lc) == attno)
			result->varattno = context->desc->natts + foreach_current_index(lc) + 1;
	}
	result->varattnosyn = result->varattno;
	result->vartype = SystemAttributeDefinition(attno)->atttypid;
	result->vartypmod = -1;
	result->varcollid = InvalidOid;
	return result;
}

/* the row as a value; NULL where there is no row, which ctid tells */
static Node *
row_of_columns(ExtraContext *context, const Var *var)
{
	RowExpr    *row = makeNode(RowExpr);
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);

	row->row_typeid = var->vartype;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	for (int i = 0; i < context->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(context->desc, i);
		Var		   *column = copyObject((Var *) var);

		column->varattno = column->varattnosyn = i + 1;
		column->vartype = attribute->atttypid;
		column->vartypmod = attribute->atttypmod;
		column->varcollid = attribute->attcollation;
		row->args = lappend(row->args, attribute->attisdropped ?
							(void *) makeNullConst(INT4OID, -1, InvalidOid) : (void *) column);
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(attribute->attname))));
	}
	test->arg = (Expr *) extra_var(context, var, SelfItemPointerAttributeNumber);
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	when->expr = (Expr *) test;
	when->result = (Expr *) row;
	when->location = -1;
	result->casetype = var->vartype;
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(var->vartype, -1, InvalidOid);
	result->location = -1;
	return (Node *) result;
}

static Node *
extra_mutator(Node *node, ExtraContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno != context->rti || var->varlevelsup != context->sublevels ||
			var->varattno > 0)
			return copyObject(node);
		return var->varattno == InvalidAttrNumber ? row_of_columns(context, var) :
			(Node *) extra_var(context, var, var->varattno);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->sublevels++;
		result = query_tree_mutator((Query *) node, extra_mutator, context, 0);
		context->sublevels--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, extra_mutator, context);
}

/*
 * Whole rows and system columns that query reads of the relation: the latter are columns of source,
 * after the table's own; Vars in query are changed to mean these, in place.
 */
static void
add_extras(Query *query, Index rti, TupleDesc desc, Query *source, Bitmapset *needed)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	ExtraContext context = {rti, 0, desc, NIL};

	for (int attno = FirstLowInvalidHeapAttributeNumber + 1; attno < 0; attno++)
	{
		Oid			type = SystemAttributeDefinition(attno)->atttypid;
		char	   *name = psprintf("system_%d", -attno);

		if (!bms_is_member(MEMBER_OF_ATTNO(attno), needed))
			continue;
		context.extras = lappend_int(context.extras, attno);
		source->targetList = lappend(source->targetList,
									 makeTargetEntry((Expr *) makeVar(1, attno, type, -1,
																	  InvalidOid, 0),
													 list_length(source->targetList) + 1, name,
													 false));
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(name)));
	}
	if (context.extras != NIL)
		(void) query_tree_mutator(query, extra_mutator, &context, QTW_DONT_COPY_QUERY);
}

/* SELECT of the needed columns of a relation, all others NULL */
static Query *
select_from_relation(StageContext *context, Query *query, Index rti)
{
	RangeTblEntry *rte = copyObject(rt_fetch(rti, query->rtable));
	Relation	relation = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	Query	   *source = planner_make_select_from(rte);
	NeededContext needed = {rti, 0, NULL};
	bool		wholeRow;
	List	   *quals;

	if (planner_sample_is_computed(rte) || contain_var_clause((Node *) rte->tablesample))
		context->impossible = "a sample's size is computed by the statement";
	planner_move_vars((Node *) rte->securityQuals, rti, 1);
	(void) query_tree_walker(query, needed_walker, &needed, 0);
	wholeRow = bms_is_member(MEMBER_OF_ATTNO(InvalidAttrNumber), needed.attnos);
	if (wholeRow)
		needed.attnos = bms_add_member(needed.attnos,
									   MEMBER_OF_ATTNO(SelfItemPointerAttributeNumber));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Expr	   *expr;

		if (!attribute->attisdropped &&
			(wholeRow || bms_is_member(MEMBER_OF_ATTNO(attribute->attnum), needed.attnos)))
			expr = (Expr *) makeVar(1, attribute->attnum, attribute->atttypid,
									attribute->atttypmod, attribute->attcollation, 0);
		else
			expr = (Expr *) makeNullConst(attribute->attisdropped ? INT4OID :
										  attribute->atttypid, -1, attribute->attcollation);
		source->targetList = lappend(source->targetList,
									 makeTargetEntry(expr, attribute->attnum,
													 pstrdup(NameStr(attribute->attname)),
													 false));
	}
	quals = own_quals(query, rti);
	if (quals != NIL)
	{
		source->jointree->quals = (Node *) make_ands_explicit(quals);
		planner_move_vars(source->jointree->quals, rti, 1);
	}
	compat_query_take_perminfo(source, rte, query);
	add_extras(query, rti, desc, source, needed.attnos);
	table_close(relation, NoLock);
	return source;
}

Query *
planner_select_relation(Query *query, Index rti, const char **reason)
{
	StageContext context = {NULL};
	Query	   *result = select_from_relation(&context, query, rti);

	*reason = context.impossible;
	return result;
}

static bool
relation_must_be_staged(StageContext *context, Query *query, RangeTblEntry *rte)
{
	const DistTable *table = catalog_table_get(rte->relid);

	if (table == NULL || context->everything || planner_relation_asks_caller(query, rte))
		return true;
	if (table->kind == DIST_TABLE_REFERENCE)
		return false;
	return context->anchor->kind == DIST_TABLE_REFERENCE || table->kind != context->anchor->kind ||
		table->colocationId != context->anchor->colocationId;
}

static void
stage_relation(StageContext *context, Query *query, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	Query	   *source = select_from_relation(context, query, rti);
	Query	   *rows;
	RangeTblEntry *made;

	if (context->impossible != NULL)
		return;
	rows = stage_source(context, source);
	made = planner_subquery_rte(rows, rte->eref->aliasname);
	made->alias = copyObject(rte->alias);
	made->eref = copyObject(rte->eref);
	made->inFromCl = rte->inFromCl;
	list_nth_cell(query->rtable, rti - 1)->ptr_value = made;
}

/* rows that an earlier part of the statement gives here */
static void
stage_rows(StageContext *context, Query *query, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);
	Query	   *source = planner_make_select_from(copyObject(rte));
	RangeTblEntry *made;
	ListCell   *type;
	ListCell   *typmod;
	ListCell   *collation;
	AttrNumber	attno = 0;

	forthree(type, function->funccoltypes, typmod, function->funccoltypmods,
			 collation, function->funccolcollations)
	{
		Var		   *var = makeVar(1, ++attno, lfirst_oid(type), lfirst_int(typmod),
								  lfirst_oid(collation), 0);

		source->targetList = lappend(source->targetList,
									 makeTargetEntry((Expr *) var, attno,
													 strVal(list_nth(rte->eref->colnames,
																	 attno - 1)), false));
	}
	made = planner_subquery_rte(stage_source(context, source), rte->eref->aliasname);
	made->alias = rte->alias;
	made->eref = rte->eref;
	list_nth_cell(query->rtable, rti - 1)->ptr_value = made;
}

/* ---- conditions on distribution columns ---- */

/* those of an UPDATE's or DELETE's WHERE: their sub-queries become sources */
static void
stage_key_conditions(StageContext *context, PlanRequest *request, Query *query)
{
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) query->jointree->quals))
	{
		SubLink    *sublink = planner_key_sublink(request, query, lfirst(lc));

		if (sublink != NULL && context->impossible == NULL)
			sublink->subselect = (Node *) stage_source(context,
													   castNode(Query, sublink->subselect));
	}
}

/* ---- levels ---- */

/* true when the query must not run once per shard: it would see other rows each time */
static bool
differs_between_tasks(Query *query)
{
	QueryShape	shape;

	planner_shape(query, &shape);
	return shape.hasShards || shape.hasUnstableReplicas;
}

static Query *
stage_subquery(StageContext *context, Query *query)
{
	if (context->subqueries && query->commandType == CMD_SELECT &&
		!planner_is_correlated(query) && differs_between_tasks(query))
		return stage_source(context, query);
	stage_level(context, query);
	return query;
}

static bool
stage_sublinks(Node *node, StageContext *context)
{
	if (node == NULL || context->impossible != NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;

		sublink->subselect = (Node *) stage_subquery(context,
													 castNode(Query, sublink->subselect));
		return stage_sublinks(sublink->testexpr, context);
	}
	if (IsA(node, Query))
		return false;
	return expression_tree_walker(node, stage_sublinks, context);
}

static void
stage_level(StageContext *context, Query *query)
{
	ListCell   *lc;
	int			n = list_length(query->rtable);

	check_stack_depth();
	for (int rti = 1; rti <= n && context->impossible == NULL; rti++)
	{
		RangeTblEntry *rte = rt_fetch(rti, query->rtable);

		if (rti == query->resultRelation)
			continue;
		if (rte->rtekind == RTE_RELATION && rte->inFromCl &&
			relation_must_be_staged(context, query, rte))
			stage_relation(context, query, rti);
		else if (planner_rte_plan(rte) != NULL)
			stage_rows(context, query, rti);
		else if (rte->rtekind == RTE_SUBQUERY)
			rte->subquery = stage_subquery(context, rte->subquery);
	}
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (!cte->cterecursive && IsA(cte->ctequery, Query))
			cte->ctequery = (Node *) stage_subquery(context, castNode(Query, cte->ctequery));
	}
	(void) stage_sublinks((Node *) query->targetList, context);
	(void) stage_sublinks((Node *) query->jointree, context);
	(void) stage_sublinks(query->havingQual, context);
	(void) stage_sublinks((Node *) query->returningList, context);
	(void) stage_sublinks((Node *) query->mergeActionList, context);
	(void) stage_sublinks(compat_merge_condition(query), context);
}

/* one row with the arrays of all sources */
static Query *
join_sources(List *sources)
{
	Query	   *query = planner_make_select();
	ListCell   *lc;

	foreach(lc, sources)
	{
		Query	   *source = lfirst_node(Query, lc);
		RangeTblRef *ref = makeNode(RangeTblRef);
		ListCell   *column;

		query->rtable = lappend(query->rtable,
								planner_subquery_rte(source, psprintf("s%d",
																   foreach_current_index(lc) + 1)));
		ref->rtindex = list_length(query->rtable);
		query->jointree->fromlist = lappend(query->jointree->fromlist, ref);
		foreach(column, source->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, column);
			Var		   *var = makeVarFromTargetEntry(ref->rtindex, tle);

			query->targetList = lappend(query->targetList,
										makeTargetEntry((Expr *) var,
														list_length(query->targetList) + 1,
														tle->resname, false));
		}
	}
	return query;
}

/*
 * planner_stage
 *		Stages, in place, what keeps a normalized query from running beside the shards of anchor.
 *		Returns the query of the child plan, or NULL when nothing was staged; *reason is set when
 *		something that should have been cannot.
 */
Query *
planner_stage(Query *query, const DistTable *anchor, StageExtent extent, const char **reason)
{
	StageContext context = {
		.anchor = anchor,
		.subqueries = extent != STAGE_RELATIONS,
		.everything = extent == STAGE_EVERYTHING,
	};

	stage_level(&context, query);
	*reason = context.impossible;
	if (context.impossible != NULL || context.sources == NIL)
		return NULL;
	return join_sources(context.sources);
}

/*
 * planner_stage_keys
 *		The same for sub-queries only that distribution columns are compared with, whose values then
 *		choose shards.
 */
Query *
planner_stage_keys(PlanRequest *request, Query *query, const char **reason)
{
	StageContext context = {NULL};

	stage_key_conditions(&context, request, query);
	*reason = context.impossible;
	return context.impossible != NULL || context.sources == NIL ? NULL :
		join_sources(context.sources);
}
