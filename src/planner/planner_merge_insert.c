/*
 * planner_merge_insert.c
 *	  MERGE that inserts rows whose shard is known only when they have been computed.
 *
 * Such a statement becomes three, run one after the other under one node:
 *
 *		SELECT the row to insert FROM source LEFT JOIN target ON .. WHERE nothing matched
 *		MERGE with the actions on rows that match, as they stand
 *		INSERT of the rows that the first one gave
 *
 * The first one sees the target as it was before the statement, which is what NOT MATCHED means.
 *
 * Not here: MERGE with RETURNING, with several actions that insert, or that gives rows other keys.
 * The rows of the latter are found and locked before they are changed (planner_change.c), and all
 * at once, so that one that somebody has deleted in between has no match.  The same is tried first
 * where rows that match are changed: here, those that are deleted meanwhile would be left out.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/* the only INSERT; *earlier: conditions of actions for rows without a match that come before it */
static MergeAction *
find_insert(Query *query, List **earlier)
{
	MergeAction *found = NULL;
	ListCell   *lc;

	*earlier = NIL;
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_INSERT)
		{
			if (found != NULL)
				return NULL;
			found = action;
		}
		else if (found == NULL && compat_action_is_by_target(action))
		{
			if (action->qual == NULL)
				return NULL;
			*earlier = lappend(*earlier, action->qual);
		}
	}
	return found;
}

/* source JOIN target ON the condition, with an entry in the range table */
JoinExpr *
planner_merge_join(Query *query, Node *source, int target, JoinType type)
{
	RangeTblRef *ref = makeNode(RangeTblRef);

	ref->rtindex = target;
	return planner_add_join(query, type, source, (Node *) ref,
							list_concat(make_ands_implicit((Expr *) query->jointree->quals),
										make_ands_implicit((Expr *)
														   compat_merge_condition(query))));
}

/* the key is never NULL in a row, so it is where a row of the source had no match */
static Node *
make_no_match(const DistTable *table, int target, int join)
{
	NullTest   *test = makeNode(NullTest);
	Var		   *key = makeVar(target, table->keyAttno, table->keyType, table->keyTypmod,
							  table->keyCollation, 0);

	compat_var_set_nulled_by(key, join);
	test->arg = (Expr *) key;
	test->nulltesttype = IS_NULL;
	test->location = -1;
	return (Node *) test;
}

/* the rows to insert; *columns tells where their columns go */
static Query *
make_rows_query(Query *query, const DistTable *table, Node *source, List **columns)
{
	Query	   *rows = copyObject(query);
	List	   *earlier;
	MergeAction *insert = find_insert(rows, &earlier);
	JoinExpr   *join = planner_merge_join(rows, copyObject(source), query->resultRelation,
										JOIN_LEFT);
	List	   *quals = list_make1(make_no_match(table, query->resultRelation, join->rtindex));
	ListCell   *lc;

	rt_fetch(query->resultRelation, rows->rtable)->inFromCl = true;
	foreach(lc, earlier)
	{
		BooleanTest *test = makeNode(BooleanTest);

		test->arg = lfirst(lc);
		test->booltesttype = IS_NOT_TRUE;
		test->location = -1;
		quals = lappend(quals, test);
	}
	quals = list_concat(quals, make_ands_implicit((Expr *) insert->qual));
	rows->targetList = NIL;
	*columns = NIL;
	foreach(lc, insert->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		AttrNumber	number = list_length(*columns) + 1;

		if (tle->resjunk)
			continue;
		*columns = lappend_int(*columns, tle->resno);
		rows->targetList = lappend(rows->targetList,
								   makeTargetEntry(tle->expr, number,
												   psprintf("column_%d", number), false));
	}
	rows->commandType = CMD_SELECT;
	rows->resultRelation = 0;
	rows->canSetTag = false;
	rows->jointree = makeFromExpr(list_make1(join), (Node *) make_ands_explicit(quals));
	compat_merge_forget(rows);
	return rows;
}

/* what is left for rows that match; NULL if nothing is */
static Query *
make_matched_query(Query *query)
{
	Query	   *matched = copyObject(query);
	ListCell   *lc;

	foreach(lc, matched->mergeActionList)
	{
		if (compat_action_is_by_target(lfirst_node(MergeAction, lc)))
			matched->mergeActionList = foreach_delete_current(matched->mergeActionList, lc);
	}
	return matched->mergeActionList == NIL ? NULL : matched;
}

/* INSERT INTO target (columns) SELECT what the first part returned */
static Query *
make_insert_query(Query *query, Query *rows, List *columns, OverridingKind override, int id)
{
	Query	   *insert = makeNode(Query);
	Query	   *select;
	RangeTblEntry *target = copyObject(rt_fetch(query->resultRelation, query->rtable));
	RangeTblEntry *source = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	DistPlan   *plan = plan_make(DIST_PLAN_PART_ROWS, "rows without a match");
	ListCell   *lc;

	plan->partId = id;
	select = planner_make_select_from(planner_plan_rte(plan, rows->targetList));

	insert->commandType = CMD_INSERT;
	insert->querySource = QSRC_ORIGINAL;
	insert->canSetTag = true;
	insert->override = override;
	insert->resultRelation = 1;
	insert->rtable = list_make2(target, source);
	compat_query_take_perminfo(insert, target, query);
	foreach(lc, rows->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		int			attno = list_nth_int(columns, foreach_current_index(lc));
		char	   *name = get_attname(target->relid, attno, false);

		select->targetList = lappend(select->targetList,
									 makeTargetEntry((Expr *) makeVarFromTargetEntry(1, tle),
													 tle->resno, tle->resname, false));
		insert->targetList = lappend(insert->targetList,
									 makeTargetEntry((Expr *) makeVarFromTargetEntry(2, tle),
													 attno, name, false));
	}
	source->rtekind = RTE_SUBQUERY;
	source->subquery = select;
	source->eref = makeAlias("rows", NIL);
	foreach(lc, select->targetList)
		source->eref->colnames = lappend(source->eref->colnames,
										 makeString(lfirst_node(TargetEntry, lc)->resname));
	ref->rtindex = 2;
	insert->jointree = makeFromExpr(list_make1(ref), NULL);
	return insert;
}

bool
planner_merge_may_wait(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->mergeActionList)
	{
		CmdType		command = lfirst_node(MergeAction, lc)->commandType;

		if (command == CMD_UPDATE || command == CMD_DELETE)
			return true;
	}
	return false;
}

static bool
changes_keys(Query *query, const DistTable *table)
{
	ListCell   *lc;

	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_UPDATE &&
			planner_find_column(action->targetList, table->keyAttno) != NULL)
			return true;
	}
	return false;
}

/* the source is computed twice, for rows with and for rows without a match */
static bool
source_is_volatile(Query *query)
{
	Query	   *source = copyObject(query);
	Node	   *condition = compat_merge_condition(source);

	source->targetList = NIL;
	compat_merge_forget(source);
	return contain_volatile_functions((Node *) source) || contain_volatile_functions(condition);
}

static PlannedStmt *
plan_query(PlanRequest *request, Query *query)
{
	PlanRequest each = *request;

	each.query = query;
	each.cursorOptions = 0;
	return planner_plan_request(&each);
}

/*
 * planner_merge_insert
 *		Plans a normalized MERGE into a table with a key as three statements.  NULL, with the
 *		refusal untouched, when it is not of the kind.
 */
PlannedStmt *
planner_merge_insert(PlanRequest *request, Query *query, const DistTable *table)
{
	List	   *earlier;
	MergeAction *action = find_insert(query, &earlier);
	List	   *sources = planner_without_target(query->jointree->fromlist,
												 query->resultRelation);
	Query	   *rows;
	Query	   *matched;
	PlannedStmt *stmt;
	List	   *parts;
	List	   *ids;
	List	   *columns;

	if (action == NULL || query->returningList != NIL || list_length(sources) != 1 ||
		!DIST_TABLE_HAS_KEY(table) || changes_keys(query, table) || source_is_volatile(query))
		return NULL;
	rows = make_rows_query(query, table, linitial(sources), &columns);
	parts = list_make1(plan_query(request, rows));
	ids = list_make1_int(planner_new_part_id());
	matched = make_matched_query(query);
	if (matched != NULL)
	{
		parts = lappend(parts, plan_query(request, matched));
		ids = lappend_int(ids, planner_new_part_id());
	}
	stmt = plan_query(request, make_insert_query(query, rows, columns, action->override,
												 linitial_int(ids)));
	compat_stmt_take_relations(stmt, request->query);
	stmt = planner_add_parts(stmt, parts, ids);
	stmt->commandType = CMD_MERGE;
	stmt->canSetTag = request->query->canSetTag;
	return stmt;
}
