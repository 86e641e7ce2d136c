/*
 * planner_change_merge.c
 *	  The source of a MERGE: which action each pair of rows gets, and the values for it.
 *
 *		MERGE INTO t USING s ON c WHEN MATCHED AND q THEN UPDATE SET a = x
 *								  WHEN NOT MATCHED THEN INSERT (k) VALUES (y)
 *			->
 *		SELECT shard, row, action, CASE WHEN action = 1 THEN x END, CASE WHEN action = 2 THEN y END
 *		FROM (SELECT .., CASE WHEN matched AND q THEN 1 WHEN not matched THEN 2 END AS action
 *			  FROM s LEFT JOIN (the target's sub-query) t ON c) pairs
 *
 * The inner query has every column of t and s that the actions read; their expressions are moved
 * to the outer one with references to its columns.  See planner_change.c for the rest.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/deparse/template.h"
#include "planner_change_internal.h"

/* ---- columns of pairs ---- */

/* a reference, from depth levels below the outer query, to a column of pairs that has expr */
static Var *
pair_column(ChangeBuild *build, Expr *expr, int depth)
{
	Query	   *pairs = build->source;
	TargetEntry *found = NULL;
	ListCell   *lc;

	foreach(lc, pairs->targetList)
	{
		if (equal(lfirst_node(TargetEntry, lc)->expr, expr))
			found = lfirst(lc);
	}
	if (found == NULL)
	{
		AttrNumber	number = list_length(pairs->targetList) + 1;

		found = makeTargetEntry(expr, number, psprintf("column_%d", number), false);
		pairs->targetList = lappend(pairs->targetList, found);
	}
	return makeVar(1, found->resno, exprType((Node *) expr), exprTypmod((Node *) expr),
				   exprCollation((Node *) expr), depth);
}

/* an expression over t and s becomes one over pairs */
static Node *
pair_mutator(Node *node, ChangeBuild *build)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == build->depth)
	{
		Var		   *var = copyObject((Var *) node);

		var->varlevelsup = 0;
		return (Node *) pair_column(build, (Expr *) var, build->depth);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		build->depth++;
		result = query_tree_mutator((Query *) node, pair_mutator, build, 0);
		build->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, pair_mutator, build);
}

static Expr *
over_pairs(ChangeBuild *build, Expr *expr)
{
	build->depth = 0;
	return (Expr *) pair_mutator(planner_flatten(build->query, (Node *) expr), build);
}

static int
carry_over_pairs(ChangeBuild *build, Node *var)
{
	return planner_change_add_column(build, over_pairs(build, (Expr *) var));
}

/* ---- actions ---- */

static Node *
make_null_test(Expr *expr, NullTestType type)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = expr;
	test->nulltesttype = type;
	test->location = -1;
	return (Node *) test;
}

/* the kind of pair that an action is for; present is true in every row of the source, or NULL */
static Node *
action_condition(ChangeBuild *build, MergeAction *action, Expr *present)
{
	bool		needsTarget = !compat_action_is_by_target(action);
	List	   *quals = list_make1(make_null_test(planner_change_shard(build),
												  needsTarget ? IS_NOT_NULL : IS_NULL));

	if (present != NULL)
		quals = lappend(quals, make_null_test(copyObject(present),
											  compat_action_is_by_source(action) ? IS_NULL :
											  IS_NOT_NULL));
	if (action->qual != NULL)
		quals = lappend(quals, planner_flatten(build->query, action->qual));
	return (Node *) make_ands_explicit(quals);
}

static Const *
make_number(int number)
{
	return makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(number), false, true);
}

/* CASE WHEN condition THEN value END */
static Expr *
make_case(List *conditions, List *values)
{
	CaseExpr   *result = makeNode(CaseExpr);
	ListCell   *condition;
	ListCell   *value;

	result->casetype = exprType(linitial(values));
	result->casecollid = exprCollation(linitial(values));
	result->location = -1;
	forboth(condition, conditions, value, values)
	{
		CaseWhen   *when = makeNode(CaseWhen);

		when->expr = lfirst(condition);
		when->result = lfirst(value);
		when->location = -1;
		result->args = lappend(result->args, when);
	}
	result->defresult = (Expr *) makeNullConst(result->casetype, exprTypmod(linitial(values)),
											   result->casecollid);
	return (Expr *) result;
}

/* CASE over the kinds of pairs: the number of the action, NULL for none */
static Expr *
make_action_number(ChangeBuild *build, Expr *present)
{
	List	   *conditions = NIL;
	List	   *numbers = NIL;
	ListCell   *lc;

	foreach(lc, build->query->mergeActionList)
	{
		conditions = lappend(conditions, action_condition(build, lfirst(lc), present));
		numbers = lappend(numbers, make_number(foreach_current_index(lc) + 1));
	}
	return make_case(conditions, numbers);
}

static Expr *
make_action_test(Var *action, int number)
{
	return make_opclause(Int4EqualOperator, BOOLOID, false, (Expr *) copyObject(action),
						 (Expr *) make_number(number), InvalidOid, InvalidOid);
}

/* the columns an action gives values; an INSERT of defaults only needs one all the same */
static ChangeAction *
describe_action(ChangeBuild *build, MergeAction *merge)
{
	ChangeAction *action = plan_change_action_make();
	ListCell   *lc;

	action->command = merge->commandType;
	if (action->command == CMD_UPDATE)
		action->defaults = deparse_generated_columns(build->query);
	foreach(lc, merge->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			action->columns = lappend_int(action->columns, tle->resno);
	}
	for (int i = 0; i < build->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(build->desc, i);

		if (action->command == CMD_INSERT && action->columns == NIL &&
			!attribute->attisdropped && attribute->attgenerated == '\0')
			action->columns = list_make1_int(i + 1);
	}
	return action;
}

static void
add_action_values(ChangeBuild *build, MergeAction *merge, ChangeAction *action, Expr *test)
{
	ListCell   *lc;

	action->firstValue = list_length(build->columns) + 1;
	foreach(lc, merge->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Expr	   *value;

		if (tle->resjunk)
			continue;
		value = over_pairs(build, planner_change_assigned(build, merge->targetList, tle));
		(void) planner_change_add_column(build, make_case(list_make1(copyObject(test)),
														  list_make1(value)));
	}
	if (merge->targetList == NIL && action->columns != NIL)
	{
		Form_pg_attribute attribute = TupleDescAttr(build->desc,
													linitial_int(action->columns) - 1);

		(void) planner_change_add_column(build, (Expr *) makeNullConst(attribute->atttypid,
																	   attribute->atttypmod,
																	   attribute->attcollation));
	}
}

/* ---- the join ---- */

/* SELECT all columns, true FROM the entry: tells a row of the source from none; its Var */
static Expr *
mark_source(ChangeBuild *build, Index rti)
{
	Query	   *source = build->source;
	RangeTblEntry *rte = rt_fetch(rti, source->rtable);
	RangeTblEntry *made = makeNode(RangeTblEntry);
	Query	   *query = planner_make_select_from(rte);
	List	   *names;
	List	   *vars;
	ListCell   *name;
	ListCell   *var;
	AttrNumber	attno = 0;

	compat_expand_rte(rte, 1, &names, &vars);
	if (rte->rtekind == RTE_RELATION)
		compat_query_take_perminfo(query, rte, build->query);
	IncrementVarSublevelsUp_rtable(query->rtable, 1, 1);
	made->eref = makeAlias(rte->eref->aliasname, NIL);
	forboth(name, names, var, vars)
	{
		/* columns keep their numbers: those that are not there any more stay as gaps */
		while (++attno < lfirst_node(Var, var)->varattno)
		{
			query->targetList = lappend(query->targetList,
										makeTargetEntry((Expr *) makeNullConst(INT4OID, -1,
																			   InvalidOid),
														attno, pstrdup("gap"), false));
			made->eref->colnames = lappend(made->eref->colnames, makeString(pstrdup("gap")));
		}
		query->targetList = lappend(query->targetList,
									makeTargetEntry(lfirst(var), attno,
													pstrdup(strVal(lfirst(name))), false));
		made->eref->colnames = lappend(made->eref->colnames, lfirst(name));
	}
	query->targetList = lappend(query->targetList,
								makeTargetEntry((Expr *) makeBoolConst(true, false), ++attno,
												pstrdup("present"), false));
	made->eref->colnames = lappend(made->eref->colnames, makeString(pstrdup("present")));
	made->rtekind = RTE_SUBQUERY;
	made->subquery = query;
	made->inFromCl = true;
	list_nth_cell(source->rtable, rti - 1)->ptr_value = made;
	return (Expr *) makeVar(rti, attno, BOOLOID, -1, InvalidOid, 0);
}

static bool
reads_whole_row(Node *node, void *rti)
{
	return node != NULL && (IsA(node, Var) ? ((Var *) node)->varno == *(Index *) rti &&
							((Var *) node)->varattno <= 0 :
							IsA(node, Query) ? query_tree_walker((Query *) node, reads_whole_row,
																 rti, 0) :
							expression_tree_walker(node, reads_whole_row, rti));
}

static JoinType
find_join_type(Query *query, bool *keepsTarget)
{
	bool		inserts = false;
	ListCell   *lc;

	*keepsTarget = false;
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (compat_action_is_by_target(action))
			inserts = true;
		if (compat_action_is_by_source(action))
			*keepsTarget = true;
	}
	if (inserts)
		return *keepsTarget ? JOIN_FULL : JOIN_LEFT;
	return *keepsTarget ? JOIN_RIGHT : JOIN_INNER;
}

static JoinExpr *
make_join(ChangeBuild *build, Node *node, JoinType type)
{
	Query	   *source = build->source;
	JoinExpr   *join;

	/* where the condition stands apart, what is left in WHERE are a view's on the target */
	if (compat_merge_condition(source) != NULL && source->jointree->quals != NULL)
	{
		planner_change_take_quals(build, &source->jointree->quals);
		build->viewQuals = list_concat(build->viewQuals,
									   make_ands_implicit((Expr *) source->jointree->quals));
		source->jointree->quals = NULL;
	}
	join = planner_merge_join(source, node, build->target, type);
	if (type == JOIN_LEFT || type == JOIN_INNER)
		planner_change_take_quals(build, &join->quals);
	return join;
}

/* Vars of the target list may be NULL because of the join */
static void
set_nulled_by(ChangeBuild *build, Node *source, JoinExpr *join)
{
	Relids		relids = NULL;

	if (join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL)
		relids = bms_make_singleton(build->target);
	if (join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL)
		relids = bms_add_members(relids, compat_get_relids_in_jointree(source, true, true));
	if (relids != NULL)
		build->source->targetList = (List *)
			compat_add_nulled_by((Node *) build->source->targetList, relids, join->rtindex);
}

/* the query over pairs; common table expressions belong to it, for actions may read them */
static Query *
make_outer_query(ChangeBuild *build)
{
	Query	   *outer = planner_make_select_from(planner_subquery_rte(build->source, "pairs"));

	outer->cteList = build->source->cteList;
	outer->hasRecursive = build->source->hasRecursive;
	build->source->cteList = NIL;
	build->source->hasRecursive = false;
	IncrementVarSublevelsUp((Node *) build->source, 1, 1);

	outer->targetList = build->columns;
	outer->hasSubLinks = checkExprHasSubLink((Node *) outer->targetList);
	return outer;
}

/* the row that an upsert would insert, also where it updates another one */
static void
add_proposed_row(ChangeBuild *build)
{
	MergeAction *insert = llast_node(MergeAction, build->query->mergeActionList);

	build->spec->proposedColumn = list_length(build->columns) + 1;
	for (int i = 0; i < build->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(build->desc, i);
		TargetEntry *tle = planner_find_column(insert->targetList, i + 1);
		Expr	   *value;

		if (tle != NULL)
			value = over_pairs(build, tle->expr);
		else if (attribute->attisdropped)
			value = (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
		else
			value = (Expr *) makeNullConst(attribute->atttypid, attribute->atttypmod,
										   attribute->attcollation);
		(void) planner_change_add_column(build, value);
	}
}

static void
add_actions(ChangeBuild *build, Expr *present)
{
	Var		   *number = pair_column(build, make_action_number(build, present), 0);
	ListCell   *merge;
	ListCell   *action;

	build->spec->actionColumn = planner_change_add_column(build, (Expr *) number);
	forboth(merge, build->query->mergeActionList, action, build->spec->actions)
		add_action_values(build, lfirst(merge), lfirst(action),
						  make_action_test(number, foreach_current_index(merge) + 1));
	planner_change_add_checks(build);
	if (build->spec->conflict != NULL &&
		(build->spec->checks != NIL || build->desc->constr != NULL ||
		 get_rel_relkind(build->spec->relid) == RELKIND_PARTITIONED_TABLE))
		add_proposed_row(build);
	planner_change_add_old(build, carry_over_pairs);
	planner_change_describe_outputs(build, carry_over_pairs);
}

bool
planner_change_merge_source(ChangeBuild *build)
{
	Query	   *source = build->source;
	List	   *sources = planner_without_target(source->jointree->fromlist, build->target);
	bool		keepsTarget;
	JoinType	type = find_join_type(build->query, &keepsTarget);
	Expr	   *present = NULL;
	JoinExpr   *join;
	ListCell   *lc;

	foreach(lc, build->query->mergeActionList)
		build->spec->actions = lappend(build->spec->actions,
									   describe_action(build, lfirst(lc)));
	if (list_length(sources) != 1)
		elog(ERROR, "MERGE has %d sources", list_length(sources));
	if (keepsTarget)
	{
		Index		rti = IsA(linitial(sources), RangeTblRef) ?
			((RangeTblRef *) linitial(sources))->rtindex : 0;

		if (rti == 0 || query_tree_walker(build->query, reads_whole_row, &rti, 0))
			build->impossible = "NOT MATCHED BY SOURCE of a join or a whole row";
		else
			present = mark_source(build, rti);
	}
	source->targetList = NIL;
	join = make_join(build, linitial(sources), type);
	compat_merge_forget(source);
	planner_change_add_identity(build, over_pairs(build, planner_change_shard(build)),
								over_pairs(build, planner_change_row(build)));
	add_actions(build, present);
	planner_change_choose_lock(build);

	source->jointree = makeFromExpr(list_make1(join), NULL);
	planner_change_retarget(build);
	if (!planner_change_replace_target(build))
		return false;
	set_nulled_by(build, linitial(sources), join);
	build->source->hasSubLinks |= checkExprHasSubLink((Node *) build->source->targetList);
	build->source = make_outer_query(build);
	return true;
}
