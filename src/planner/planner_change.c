/*
 * planner_change.c
 *	  UPDATE, DELETE and MERGE in the way that always works: find the rows here, change them there.
 *
 * The statement becomes a SELECT, planned like any other, whose rows say which row of which shard
 * to change and how.  In it the target is a sub-query that can run per shard and locks its rows:
 *
 *		UPDATE t SET a = s.x + random() FROM s WHERE t.b = s.y AND t.c > 5
 *			->
 *		SELECT t.shard, t.row, s.x + random()
 *		FROM (SELECT .., shard_of_row(tableoid) AS shard, ctid AS row
 *			  FROM t WHERE c > 5 FOR NO KEY UPDATE) t, s
 *		WHERE t.b = s.y
 *
 * A node over it (DIST_PLAN_CHANGES) sends the changes.  Where the statement does not want all
 * rows of the sub-query, this one has no locks: another node (planner_lock.c) goes between and
 * locks what is wanted.  Of a MERGE, and where rows have several copies, policies are applied here,
 * or volatile functions of users are called, the rows of the sub-query stay locked until the end of
 * the transaction, wanted or not.
 *
 * Invariants: (1) the sub-query has the table's columns at their numbers, then shard, place in the
 * shard, tableoid and ctid (which is not the place, see query_adapt.c), and, where they are read,
 * xmin, cmin, xmax and cmax; (2) it is replaced by a fragment before anybody else sees it, for what
 * it asks of the shards (shard_of_row) has no meaning here.
 *
 * Main path: planner_change().  What is special about MERGE: planner_change_merge.c.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/deparse/template.h"
#include "planner_change_internal.h"

/* ---- Vars of the target ---- */

static Var *
target_var(ChangeBuild *build, AttrNumber attno, Oid type, int depth)
{
	return makeVar(build->target, attno, type, -1, InvalidOid, depth);
}

Expr *
planner_change_shard(ChangeBuild *build)
{
	return (Expr *) target_var(build, build->desc->natts + 1, INT8OID, 0);
}

Expr *
planner_change_row(ChangeBuild *build)
{
	return (Expr *) target_var(build, build->desc->natts + 2, TIDOID, 0);
}

/* an attribute of the target, or what stands for a dropped one */
Expr *
planner_change_column(ChangeBuild *build, AttrNumber attno)
{
	Form_pg_attribute attribute = TupleDescAttr(build->desc, attno - 1);

	if (attribute->attisdropped)
		return (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
	return (Expr *) makeVar(build->target, attno, attribute->atttypid, attribute->atttypmod,
							attribute->attcollation, 0);
}

/* the row as a value of the table's type; NULL where an outer join has no row */
static Node *
make_whole_row(ChangeBuild *build, const Var *var)
{
	RowExpr    *row = makeNode(RowExpr);
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);

	for (int i = 0; i < build->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(build->desc, i);
		Expr	   *column = planner_change_column(build, i + 1);

		if (IsA(column, Var))
			((Var *) column)->varlevelsup = var->varlevelsup;
		row->args = lappend(row->args, column);
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(attribute->attname))));
		build->needed = bms_add_member(build->needed, i + 1);
	}
	row->row_typeid = build->desc->tdtypeid;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;

	test->arg = planner_change_row(build);
	((Var *) test->arg)->varlevelsup = var->varlevelsup;
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	when->expr = (Expr *) test;
	when->result = (Expr *) row;
	when->location = -1;
	result->casetype = row->row_typeid;
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(row->row_typeid, -1, InvalidOid);
	result->location = -1;
	return (Node *) result;
}

/* number in the sub-query of xmin, cmin, xmax or cmax */
static AttrNumber
system_column_number(ChangeBuild *build, AttrNumber attno)
{
	return build->desc->natts + 5 + MinTransactionIdAttributeNumber - attno;
}

static Node *
replace_target_var(ChangeBuild *build, Var *var)
{
	Var		   *result;

	if (var->varattno > 0)
	{
		build->needed = bms_add_member(build->needed, var->varattno);
		return (Node *) copyObject(var);
	}
	if (var->varattno == InvalidAttrNumber)
		return make_whole_row(build, var);
	result = copyObject(var);
	if (var->varattno == SelfItemPointerAttributeNumber)
		result->varattno = build->desc->natts + 4;
	else if (var->varattno == TableOidAttributeNumber)
		result->varattno = build->desc->natts + 3;
	else
	{
		result->varattno = system_column_number(build, var->varattno);
		build->system = true;
	}
	return (Node *) result;
}

/* Vars that mean the table become Vars that mean the sub-query in its place */
static Node *
target_mutator(Node *node, ChangeBuild *build)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == build->target &&
		((Var *) node)->varlevelsup == build->depth)
		return replace_target_var(build, (Var *) node);
	if (IsA(node, CurrentOfExpr))
		build->impossible = "the row of a cursor is not known here";
	if (IsA(node, Query))
	{
		Query	   *result;

		build->depth++;
		result = query_tree_mutator((Query *) node, target_mutator, build, 0);
		build->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, target_mutator, build);
}

/* ---- the target as a sub-query ---- */

static bool
qual_is_targets(ChangeBuild *build, Node *qual)
{
	Oid			role = build->spec->role;

	return !checkExprHasSubLink(qual) && !contain_volatile_functions(qual) &&
		!contain_vars_of_level(qual, 1) &&
		bms_equal(pull_varnos(NULL, qual), bms_make_singleton(build->target)) &&
		planner_expr_is_shippable(qual) &&
		((!OidIsValid(role) && !build->unforced) || planner_expr_is_trusted(qual));
}

/* moves conditions that only the target decides from *quals to its sub-query */
void
planner_change_take_quals(ChangeBuild *build, Node **quals)
{
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) *quals))
	{
		Node	   *qual = planner_flatten(build->source, lfirst(lc));

		if ((!build->barrier || planner_is_row_condition(qual)) && qual_is_targets(build, qual))
			build->targetQuals = lappend(build->targetQuals, qual);
		else
			left = lappend(left, lfirst(lc));
	}
	*quals = left == NIL ? NULL : (Node *) make_ands_explicit(left);
}

/* conditions of a security-barrier view, and policies, which shards may apply again */
static void
take_security_quals(ChangeBuild *build, RangeTblEntry *rte)
{
	ListCell   *lc;

	foreach(lc, rte->securityQuals)
	{
		if (qual_is_targets(build, lfirst(lc)))
			build->targetQuals = lappend(build->targetQuals, copyObject(lfirst(lc)));
		else
			build->viewQuals = lappend(build->viewQuals, copyObject(lfirst(lc)));
		build->barrier = true;
	}
	rte->securityQuals = NIL;
}

static void
add_output(Query *query, Expr *expr, const char *name)
{
	AttrNumber	number = list_length(query->targetList) + 1;

	query->targetList = lappend(query->targetList,
								makeTargetEntry(expr, number, pstrdup(name), false));
}

/* a column of the system as a Var of entry rti */
static Var *
system_var(Index rti, AttrNumber attno)
{
	const FormData_pg_attribute *attribute = SystemAttributeDefinition(attno);

	return makeVar(rti, attno, attribute->atttypid, -1, InvalidOid, 0);
}

static Expr *
make_shard_of_row(void)
{
	Var		   *tableoid = makeVar(1, TableOidAttributeNumber, OIDOID, -1, InvalidOid, 0);

	return (Expr *) makeFuncExpr(deparse_shard_of_row_oid(), INT8OID, list_make1(tableoid),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

Expr *
planner_place_in_shard(Index rti)
{
	Var		   *ctid = makeVar(rti, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);

	return (Expr *) makeFuncExpr(deparse_place_in_shard_oid(), TIDOID, list_make1(ctid),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static void
lock_rows(ChangeBuild *build, Query *query)
{
	RowMarkClause *lock = makeNode(RowMarkClause);

	lock->rti = 1;
	lock->strength = build->strength;
	lock->waitPolicy = LockWaitBlock;
	query->rowMarks = list_make1(lock);
	query->hasForUpdate = true;
}

/* SELECT the needed columns, shard, row FROM the target WHERE .. FOR UPDATE */
static Query *
make_target_query(ChangeBuild *build)
{
	RangeTblEntry *rte = copyObject(rt_fetch(build->target, build->query->rtable));
	Query	   *query;

	rte->securityQuals = NIL;
	query = planner_make_select_from(rte);
	if (build->targetQuals != NIL)
		query->jointree->quals = (Node *) make_ands_explicit(build->targetQuals);
	ChangeVarNodes(query->jointree->quals, build->target, 1, 0);
	for (int i = 0; i < build->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(build->desc, i);
		Expr	   *column = planner_change_column(build, i + 1);

		if (IsA(column, Var) && !bms_is_member(i + 1, build->needed))
			column = (Expr *) makeNullConst(attribute->atttypid, attribute->atttypmod,
											attribute->attcollation);
		else if (IsA(column, Var))
			((Var *) column)->varno = ((Var *) column)->varnosyn = 1;
		add_output(query, column, NameStr(attribute->attname));
	}
	add_output(query, make_shard_of_row(), "shard of row");
	add_output(query, planner_place_in_shard(1), "row");
	add_output(query, (Expr *) system_var(1, TableOidAttributeNumber), "table of row");
	add_output(query, (Expr *) system_var(1, SelfItemPointerAttributeNumber), "ctid of row");
	for (AttrNumber attno = MinTransactionIdAttributeNumber;
		 build->system && attno >= MaxCommandIdAttributeNumber; attno--)
		add_output(query, (Expr *) system_var(1, attno),
				   NameStr(SystemAttributeDefinition(attno)->attname));
	compat_query_take_perminfo(query, rte, build->query);
	if (build->elevated)
		compat_rte_set_check_as_user(query, rte, build->spec->role);
	if (build->strength != LCS_NONE)
		lock_rows(build, query);
	return query;
}

/* rows of the target are read before other parts of the statement run; a stand-in for them */
static RangeTblEntry *
read_target_early(ChangeBuild *build, Query *query, Query *fragment)
{
	EarlyReads *early = build->request->early;
	PlanRequest request = *build->request;
	DistPlan   *plan = plan_make(DIST_PLAN_PART_ROWS, "rows read first");

	plan->partId = planner_new_part_id();
	request.query = fragment;
	request.cursorOptions = 0;
	request.early = NULL;
	early->parts = lappend(early->parts, planner_scan(&request));
	early->ids = lappend_int(early->ids, plan->partId);
	return planner_plan_rte(plan, query->targetList);
}

static void
name_columns(RangeTblEntry *made, const RangeTblEntry *target, Query *query)
{
	ListCell   *lc;

	made->eref = makeAlias(target->eref->aliasname, NIL);
	foreach(lc, query->targetList)
		made->eref->colnames = lappend(made->eref->colnames,
									   makeString(lfirst_node(TargetEntry, lc)->resname));
	made->inFromCl = true;
}

/* SELECT * FROM rows WHERE conditions of a view that this node decides */
static RangeTblEntry *
filter_rows(ChangeBuild *build, RangeTblEntry *rows, Query *query)
{
	RangeTblEntry *made = makeNode(RangeTblEntry);
	Query	   *filter = planner_make_select_from(rows);
	Node	   *quals = (Node *) make_ands_explicit(build->viewQuals);
	ListCell   *lc;

	ChangeVarNodes(quals, build->target, 1, 0);
	filter->jointree->quals = quals;
	filter->hasSubLinks = checkExprHasSubLink(quals);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		filter->targetList = lappend(filter->targetList,
									 makeTargetEntry((Expr *) makeVarFromTargetEntry(1, tle),
													 tle->resno, pstrdup(tle->resname), false));
	}
	made->rtekind = RTE_SUBQUERY;
	made->subquery = filter;
	made->security_barrier = build->barrier;
	return made;
}

static void
mark_fragment(const ChangeBuild *build, Fragment *fragment)
{
	if (fragment == NULL)
		return;
	fragment->unforced |= build->unforced;
	fragment->firstCopy |= build->firstCopy;
	mark_fragment(build, fragment->all);
}

/* which policies the fragments of the target's sub-query obey, and which copies they read */
static bool
mark_walker(Node *node, void *context)
{
	DistPlan   *plan;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mark_walker, context, QTW_EXAMINE_RTES_BEFORE);
	if (!IsA(node, RangeTblEntry))
		return expression_tree_walker(node, mark_walker, context);
	plan = planner_rte_plan((RangeTblEntry *) node);
	if (plan != NULL)
		mark_fragment(context, plan->fragment);
	return false;
}

/* puts the target's sub-query where the target stood in the source */
bool
planner_change_replace_target(ChangeBuild *build)
{
	RangeTblEntry *rte = rt_fetch(build->target, build->query->rtable);
	RangeTblEntry *made = makeNode(RangeTblEntry);
	Query	   *query = NULL;

	if (build->impossible == NULL)
	{
		query = make_target_query(build);
		made->subquery = planner_transform(query, build->refusal, NULL);
		if ((build->unforced || build->firstCopy) && made->subquery != NULL)
			(void) mark_walker((Node *) made->subquery, build);
	}
	if (build->impossible != NULL)
		build->refusal->reason = build->impossible;
	if (made->subquery == NULL)
		return false;
	made->rtekind = RTE_SUBQUERY;
	if (build->request->early != NULL)
		made = read_target_early(build, query, made->subquery);
	name_columns(made, rte, query);
	if (build->viewQuals != NIL)
	{
		made = filter_rows(build, made, query);
		name_columns(made, rte, query);
	}
	list_nth_cell(build->source->rtable, build->target - 1)->ptr_value = made;
	return true;
}

/* Vars of the source that mean the target now mean its sub-query */
void
planner_change_retarget(ChangeBuild *build)
{
	build->depth = 0;
	build->viewQuals = (List *) target_mutator((Node *) build->viewQuals, build);
	build->source = query_tree_mutator(build->source, target_mutator, build, 0);
}

/* ---- columns of the source ---- */

/* the number of a new column of the rows that say what to change */
int
planner_change_add_column(ChangeBuild *build, Expr *expr)
{
	int			number = list_length(build->columns) + 1;

	build->columns = lappend(build->columns,
							 makeTargetEntry(expr, number, psprintf("column_%d", number), false));
	return number;
}

static void
add_output_spec(ChangeBuild *build, ChangeOutput kind, int number)
{
	build->spec->outputs = lappend_int(build->spec->outputs, kind);
	build->spec->outputNumbers = lappend_int(build->spec->outputNumbers, number);
}

static bool
output_needs_old(ChangeBuild *build, const Var *var)
{
	CompatReturning row = compat_var_returning(var);

	return row == COMPAT_RETURNING_OLD ||
		(row == COMPAT_RETURNING_CURRENT && build->query->commandType != CMD_UPDATE &&
		 build->spec->conflict == NULL);
}

static void
describe_target_output(ChangeBuild *build, const Var *var)
{
	CompatReturning row = compat_var_returning(var);

	if (var->varattno == InvalidAttrNumber)
		elog(ERROR, "RETURNING of a change has a whole row");
	add_output_spec(build, row == COMPAT_RETURNING_OLD ? CHANGE_OUTPUT_OLD :
					row == COMPAT_RETURNING_NEW ? CHANGE_OUTPUT_NEW : CHANGE_OUTPUT_CURRENT,
					var->varattno);
}

/* what RETURNING, which has Vars only, is made of; carry makes a column of the source of a Var */
void
planner_change_describe_outputs(ChangeBuild *build, ChangeCarrier carry)
{
	ListCell   *lc;

	foreach(lc, build->query->returningList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (compat_is_merge_action(expr))
			add_output_spec(build, CHANGE_OUTPUT_ACTION, 0);
		else if (castNode(Var, expr)->varno == build->target)
			describe_target_output(build, (Var *) expr);
		else
			add_output_spec(build, CHANGE_OUTPUT_CHILD, carry(build, copyObject(expr)));
	}
}

static bool
sets_key(ChangeBuild *build, List *columns)
{
	return DIST_TABLE_HAS_KEY(build->table) &&
		list_member_int(columns, build->table->keyAttno);
}

/* RETURNING has xmin or its kin of the old row; a DELETE returns them itself */
static bool
returns_old_system(ChangeBuild *build)
{
	ListCell   *lc;

	if (build->query->commandType == CMD_DELETE)
		return false;
	foreach(lc, build->query->returningList)
	{
		Var		   *var = (Var *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(var, Var) && var->varno == build->target && output_needs_old(build, var) &&
			var->varattno <= MinTransactionIdAttributeNumber &&
			var->varattno >= MaxCommandIdAttributeNumber)
			return true;
	}
	return false;
}

/* true when the old row must be known as a whole */
static bool
needs_old(ChangeBuild *build)
{
	ListCell   *lc;

	if (catalog_table_has_copies(build->table) || build->spec->checks != NIL ||
		build->spec->keepsPartition ||
		(build->request->fires != NULL && build->request->fires->rows))
		return true;
	foreach(lc, build->spec->actions)
	{
		ChangeAction *action = lfirst(lc);

		if (action->command == CMD_UPDATE && sets_key(build, action->columns))
			return true;
	}
	foreach(lc, build->query->returningList)
	{
		Var		   *var = (Var *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(var, Var) && var->varno == build->target && output_needs_old(build, var))
			return true;
	}
	return false;
}

/* the row as it was, if it must be known; carry makes a column of the source of an expression */
void
planner_change_add_old(ChangeBuild *build, ChangeCarrier carry)
{
	if (!needs_old(build))
		return;
	build->spec->oldColumn = list_length(build->columns) + 1;
	for (int i = 1; i <= build->desc->natts; i++)
		(void) carry(build, (Node *) planner_change_column(build, i));
	if (!returns_old_system(build))
		return;
	build->spec->oldSystem = list_length(build->columns) + 1;
	for (AttrNumber attno = MinTransactionIdAttributeNumber;
		 attno >= MaxCommandIdAttributeNumber; attno--)
		(void) carry(build, (Node *) system_var(build->target, attno));
}

/* FOR UPDATE where rows may go or move, else what an UPDATE takes */
void
planner_change_choose_lock(ChangeBuild *build)
{
	ListCell   *lc;

	build->strength = LCS_FORNOKEYUPDATE;
	foreach(lc, build->spec->actions)
	{
		ChangeAction *action = lfirst(lc);

		if (action->command == CMD_DELETE ||
			(action->command == CMD_UPDATE && sets_key(build, action->columns)))
			build->strength = LCS_FORUPDATE;
	}
}

/* ---- UPDATE and DELETE ---- */

typedef struct MultiContext
{
	List	   *targetList;
	const char *impossible;
} MultiContext;

/* SELECT column number FROM (query) */
static Query *
select_column(Query *query, int number)
{
	Query	   *outer;
	TargetEntry *tle = list_nth_node(TargetEntry, query->targetList, number - 1);
	Var		   *var = makeVarFromTargetEntry(1, tle);

	IncrementVarSublevelsUp((Node *) query, 1, 1);
	outer = planner_make_select_from(planner_subquery_rte(query, "row"));
	outer->targetList = list_make1(makeTargetEntry((Expr *) var, 1, "column", false));
	return outer;
}

static bool
function_is_volatile(Oid funcid, void *context)
{
	return func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

/* gives other rows each time; what stands for rows that are there already does not */
static bool
is_volatile_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && planner_call_plan((FuncExpr *) node) != NULL)
		return false;
	if (check_functions_in_node(node, function_is_volatile, context))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, is_volatile_walker, context, 0);
	return expression_tree_walker(node, is_volatile_walker, context);
}

/* column number of the sub-query with this id, as a sub-query of its own */
static Node *
select_one_column(MultiContext *context, int subLinkId, int number)
{
	ListCell   *lc;

	foreach(lc, context->targetList)
	{
		SubLink    *sublink = (SubLink *) lfirst_node(TargetEntry, lc)->expr;
		Query	   *select;

		if (!IsA(sublink, SubLink) || sublink->subLinkType != MULTIEXPR_SUBLINK ||
			sublink->subLinkId != subLinkId)
			continue;
		select = (Query *) sublink->subselect;
		if (planner_query_is_a_row(select))
		{
			TargetEntry *tle = list_nth_node(TargetEntry, select->targetList, number - 1);
			Node	   *value = copyObject((Node *) tle->expr);

			IncrementVarSublevelsUp(value, -1, 1);
			return value;
		}
		if (is_volatile_walker(sublink->subselect, NULL))
			context->impossible = "a volatile sub-query sets several columns";
		select = select_column(copyObject((Query *) sublink->subselect), number);
		sublink = makeNode(SubLink);
		sublink->subLinkType = EXPR_SUBLINK;
		sublink->subselect = (Node *) select;
		sublink->location = -1;
		return (Node *) sublink;
	}
	elog(ERROR, "sub-query %d of a multiple assignment not found", subLinkId);
}

/* SET (a, b) = (SELECT x, y ..) is SET a = (SELECT x ..), b = (SELECT y ..) */
static Node *
multi_mutator(Node *node, MultiContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_MULTIEXPR)
	{
		int			id = ((Param *) node)->paramid;

		return select_one_column(context, id >> 16, id & 0xFFFF);
	}
	return expression_tree_mutator(node, multi_mutator, context);
}

static int
carry_var(ChangeBuild *build, Node *var)
{
	return planner_change_add_column(build, (Expr *) var);
}

/* the expression of an assignment of targetList, without references to its other entries */
Expr *
planner_change_assigned(ChangeBuild *build, List *targetList, TargetEntry *tle)
{
	MultiContext context = {targetList, NULL};
	Node	   *value = multi_mutator((Node *) tle->expr, &context);

	if (context.impossible != NULL)
		build->impossible = context.impossible;
	return (Expr *) value;
}

static void
add_assignments(ChangeBuild *build, ChangeAction *action)
{
	List	   *targetList = build->query->targetList;
	ListCell   *lc;

	action->defaults = deparse_generated_columns(build->query);
	action->firstValue = list_length(build->columns) + 1;
	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		action->columns = lappend_int(action->columns, tle->resno);
		(void) planner_change_add_column(build, planner_change_assigned(build, targetList, tle));
	}
}

/* the first columns of every source */
void
planner_change_add_identity(ChangeBuild *build, Expr *shard, Expr *row)
{
	build->spec->shardColumn = planner_change_add_column(build, shard);
	build->spec->rowColumn = planner_change_add_column(build, row);
}

/* the number of the action for rows that an upsert wants to update, NULL for others */
static Expr *
make_wanted(ChangeBuild *build)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);

	when->expr = (Expr *) copyObject(build->query->onConflict->onConflictWhere);
	when->result = (Expr *) makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(1), false, true);
	when->location = -1;
	result->casetype = INT4OID;
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
	result->location = -1;
	return (Expr *) result;
}

static void
make_plain_source(ChangeBuild *build)
{
	ChangeAction *action = plan_change_action_make();
	Query	   *source = build->source;

	action->command = build->query->commandType;
	build->spec->actions = list_make1(action);
	planner_change_add_identity(build, planner_change_shard(build), planner_change_row(build));
	if (build->query->onConflict != NULL && build->query->onConflict->onConflictWhere != NULL)
		build->spec->actionColumn = planner_change_add_column(build, make_wanted(build));
	if (action->command == CMD_UPDATE)
		add_assignments(build, action);
	planner_change_add_checks(build);
	planner_change_add_old(build, carry_var);
	planner_change_describe_outputs(build, carry_var);

	planner_change_take_quals(build, &source->jointree->quals);
	source->targetList = build->columns;
	source->hasSubLinks |= checkExprHasSubLink((Node *) source->targetList);
}

/* ---- the statement ---- */

/*
 * Shards apply the policies of an UPDATE as they would on one server, if it comes to them as one.
 * To find rows is to read them: an UPDATE that reads none is asked by no policy of SELECT.
 */
static bool
shards_apply_policies(ChangeBuild *build)
{
	Query	   *query = build->query;
	Relids		read = pull_varnos(NULL, (Node *) list_make3(query->targetList, query->jointree,
															 query->returningList));
	Oid			role = OidIsValid(build->spec->role) ? build->spec->role : GetUserId();
	AclMode		needed = ACL_SELECT | ACL_UPDATE;

	return query->commandType == CMD_UPDATE && !planner_upsert_asks_policies(query) &&
		!planner_policies_ask_caller(query) &&
		bms_is_member(build->target, read) &&
		(build->request->fires == NULL || !build->request->fires->rows) &&
		(!DIST_TABLE_HAS_KEY(build->table) ||
		 planner_find_column(query->targetList, build->table->keyAttno) == NULL) &&
		pg_class_aclmask(build->spec->relid, role, needed, ACLMASK_ALL) == needed;
}

/*
 * Rows are found by their place, locked, and changed by it, for which rights on columns, or the
 * right to DELETE alone, do not do: where the role has no others, the owner's rights are taken.
 * What the statement needs by itself is checked as on one server.
 *
 * The same where policies ask of a row what depends on what becomes of it: all rows are found then,
 * and the policies applied here.
 */
static void
choose_role(ChangeBuild *build)
{
	Oid			relid = build->spec->relid;
	AclMode		needed = ACL_SELECT | ACL_UPDATE |
		(build->query->commandType == CMD_MERGE ? ACL_INSERT : 0);
	bool		policies = check_enable_rls(relid, build->spec->role, true) == RLS_ENABLED ||
		planner_policies_ask_caller(build->query);

	build->unforced = policies && !shards_apply_policies(build);
	if (!build->unforced &&
		(OidIsValid(build->spec->role) || policies ||
		 pg_class_aclmask(relid, GetUserId(), needed, ACLMASK_ALL) == needed))
		return;
	build->spec->role = catalog_relation_owner(relid);
	/* policies that the owner would have to obey, and the role need not */
	build->unforced |= !policies &&
		check_enable_rls(relid, build->spec->role, true) == RLS_ENABLED;
	if (build->spec->role == GetUserId())
		build->spec->role = InvalidOid;
	build->spec->unforced = build->unforced;
	build->elevated = true;
}

void
planner_change_begin(ChangeBuild *build, Query *query, Index target)
{
	RangeTblEntry *rte = rt_fetch(target, query->rtable);
	Relation	relation = table_open(rte->relid, AccessShareLock);
	Oid			role = compat_rte_check_as_user(query, rte);

	build->query = query;
	build->source = copyObject(query);
	build->target = target;
	build->table = catalog_table_get(rte->relid);
	build->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	build->desc->tdtypeid = relation->rd_rel->reltype;
	table_close(relation, NoLock);
	build->spec = plan_change_make();
	build->spec->relid = rte->relid;
	build->spec->command = query->commandType;
	build->spec->role = role == GetUserId() ? InvalidOid : role;

	build->source->commandType = CMD_SELECT;
	build->source->resultRelation = 0;
	build->source->returningList = NIL;
	build->source->withCheckOptions = NIL;
	build->source->onConflict = NULL;
	build->source->canSetTag = true;
	if (query->commandType != CMD_SELECT)
		choose_role(build);
	take_security_quals(build, rt_fetch(build->target, build->source->rtable));
}

static bool
function_is_users(Oid funcid, void *context)
{
	return funcid >= FirstNormalObjectId && func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

static bool
calls_users_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_is_users, context))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_users_walker, context, 0);
	return expression_tree_walker(node, calls_users_walker, context);
}

bool
planner_calls_users(Query *query)
{
	return calls_users_walker((Node *) query, NULL);
}

/* true when the rest of the statement leaves out rows of the target that are found */
static bool
leaves_rows_out(ChangeBuild *build)
{
	FromExpr   *from = build->source->jointree;

	return from->quals != NULL || build->viewQuals != NIL || list_length(from->fromlist) > 1 ||
		!IsA(linitial(from->fromlist), RangeTblRef);
}

/*
 * No row is locked before it is known to be wanted.  Functions of users may change the rows that
 * they are called for, which have to be locked by then.
 */
static bool
locks_wanted_rows(ChangeBuild *build)
{
	return build->spec->conflict == NULL && build->query->onConflict == NULL &&
		!build->unforced && !build->query->hasModifyingCTE && build->request->early == NULL &&
		!catalog_table_has_copies(build->table) && leaves_rows_out(build) &&
		!planner_calls_users(build->source);
}

static LockTarget *
make_lock_target(ChangeBuild *build, LockClauseStrength strength)
{
	LockTarget *target = plan_lock_target_make();

	target->relid = build->spec->relid;
	target->shardColumn = build->spec->shardColumn;
	target->rowColumn = build->spec->rowColumn;
	target->strength = strength;
	target->waitPolicy = LockWaitBlock;
	target->role = build->spec->role;
	return target;
}

PlannedStmt *
planner_change_upsert(PlanRequest *request, Query *query, const char *conflict,
					  Refusal *refusal)
{
	ChangeBuild build = {.request = request, .refusal = refusal};
	PlanRequest sourceRequest = *request;
	LockTarget *wanted = NULL;
	LookAgain  *again = NULL;
	DistPlan   *plan;
	PlannedStmt *stmt;

	planner_change_begin(&build, query, query->resultRelation);
	build.spec->conflict = conflict;
	build.spec->keepsPartition = (conflict != NULL || query->onConflict != NULL) &&
		(get_rel_relkind(build.spec->relid) == RELKIND_PARTITIONED_TABLE ||
		 get_rel_relispartition(build.spec->relid));
	if (conflict != NULL)
		build.spec->command = CMD_INSERT;
	if (query->commandType == CMD_MERGE)
	{
		if (!planner_change_merge_source(&build))
			return NULL;
	}
	else
	{
		make_plain_source(&build);
		planner_change_retarget(&build);
		planner_change_choose_lock(&build);
		if (locks_wanted_rows(&build))
		{
			wanted = make_lock_target(&build, build.strength);
			build.strength = LCS_NONE;
			again = planner_again_begin(&build);
		}
		if (!planner_change_replace_target(&build))
			return NULL;
	}
	plan = plan_make(DIST_PLAN_CHANGES, "rows found first");
	build.spec->callsUsers = planner_calls_users(build.source);
	plan->change = build.spec;
	plan->modifies = true;
	plan->fires = request->fires;

	sourceRequest.query = build.source;
	sourceRequest.cursorOptions = 0;
	sourceRequest.early = NULL;
	if (wanted != NULL)
		sourceRequest.query = planner_lock_found(&build, wanted, again);
	stmt = planner_scan(&sourceRequest);
	compat_stmt_take_relations(stmt, request->query);
	stmt->dependsOnRole = true;
	return planner_add_node(request, stmt, plan, query->returningList);
}

PlannedStmt *
planner_change(PlanRequest *request, Query *query, Refusal *refusal)
{
	return planner_change_upsert(request, query, NULL, refusal);
}
