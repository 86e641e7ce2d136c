/*
 * planner_modify.c
 *	  INSERT, UPDATE, DELETE and MERGE of known relations.
 *
 * UPDATE, DELETE and MERGE travel whole: to one shard group, or to every group when all rows they
 * touch or read for a row are in its own group.  INSERT .. SELECT travels whole when the select's
 * rows carry their key into the target's.  Every other INSERT computes its rows here (the source
 * is planned like any SELECT) and hands them to the shards they hash to.
 *
 * Invariants: (1) no plan made here can put a row into a shard that does not own its key; (2) every
 * expression that runs on several copies of a reference table gives the same value on each.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "planner_internal.h"

static const DistTable *
target_table(Query *query)
{
	return catalog_table_get(rt_fetch(query->resultRelation, query->rtable)->relid);
}

static PlannedStmt *
refuse(Refusal *refusal, const char *reason)
{
	refusal->reason = reason;
	return NULL;
}

TargetEntry *
planner_find_column(List *targetList, AttrNumber attno)
{
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && tle->resno == attno)
			return tle;
	}
	return NULL;
}

/* ---- the key of a row must not change ---- */

/* true when assigning expr to the key column leaves every row's key as it is */
static bool
assignment_keeps_key(Query *query, const DistTable *table, Expr *expr, QueryShape *shape)
{
	Node	   *value = planner_flatten(query, (Node *) expr);

	if (IsA(value, Var))
		return ((Var *) value)->varno == query->resultRelation &&
			((Var *) value)->varattno == table->keyAttno && ((Var *) value)->varlevelsup == 0;
	return shape->pinned && shape->pin != NULL &&
		equal(eval_const_expressions(NULL, value), shape->pin);
}

static bool
assigns_key(const DistTable *table, List *targetList)
{
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && DIST_TABLE_HAS_KEY(table) && tle->resno == table->keyAttno)
			return true;
	}
	return false;
}

/*
 * True when no row gets another key.  What ON CONFLICT DO UPDATE finds has the key that the new row
 * has, for every unique index has the key in it: EXCLUDED's is the same.
 */
static bool
conflict_keeps_key(Query *query, const DistTable *table)
{
	TargetEntry *key;
	Var		   *value;

	if (query->onConflict == NULL || !DIST_TABLE_HAS_KEY(table))
		return true;
	key = planner_find_column(query->onConflict->onConflictSet, table->keyAttno);
	if (key == NULL)
		return true;
	value = (Var *) key->expr;
	return IsA(value, Var) && value->varattno == table->keyAttno && value->varlevelsup == 0 &&
		(value->varno == query->onConflict->exclRelIndex ||
		 value->varno == query->resultRelation);
}

static bool
statement_keeps_key(Query *query, const DistTable *table, QueryShape *shape)
{
	ListCell   *lc;

	if (query->commandType == CMD_UPDATE && assigns_key(table, query->targetList))
	{
		foreach(lc, query->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			if (tle->resno == table->keyAttno && !tle->resjunk &&
				!assignment_keeps_key(query, table, tle->expr, shape))
				return false;
		}
	}
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_UPDATE && assigns_key(table, action->targetList))
			return false;
	}
	return true;
}

/* ---- statements that travel whole ---- */

PlannedStmt *
planner_add_node(PlanRequest *request, PlannedStmt *stmt, DistPlan *plan, List *output)
{
	Query	   *query = request->query;
	CustomScan *scan = planner_make_scan(plan, output, list_length(stmt->rtable) + 1);

	compat_stmt_add_rte(stmt, planner_naming_rte(output));
	scan->custom_plans = list_make1(stmt->planTree);
	scan->scan.plan.plan_rows = stmt->planTree->plan_rows;
	stmt->planTree = (Plan *) scan;
	stmt->commandType = query->commandType;
	stmt->hasReturning = query->returningList != NIL;
	stmt->canSetTag = query->canSetTag;
	stmt->queryId = query->queryId;
	stmt->stmt_location = query->stmt_location;
	stmt->stmt_len = query->stmt_len;
	return stmt;
}

PlannedStmt *
planner_make_whole(PlanRequest *request, const WholeSpec *spec, Refusal *refusal)
{
	Query	   *shipped = copyObject(spec->query);
	DistPlan   *plan;
	PlanRequest sourceRequest = *request;
	PlannedStmt *stmt;
	List	   *params;
	const char *reason;

	planner_leave_policies(shipped);
	reason = planner_ship_query(shipped, &params);
	if (reason != NULL)
		return refuse(refusal, reason);
	plan = plan_make(DIST_PLAN_FRAGMENT, spec->strategy);
	plan->fragment = planner_make_fragment(shipped, params, spec->anchor, spec->prune);
	plan->fragment->movements = spec->movements;
	plan->fragment->copiesAtOnce = spec->copiesAtOnce;
	plan->modifies = true;
	plan->fires = request->fires;
	if (spec->sources == NULL)
		return planner_make_stmt(request, plan, spec->query->returningList);

	sourceRequest.query = spec->sources;
	sourceRequest.cursorOptions = 0;
	stmt = planner_plan_request(&sourceRequest);
	compat_stmt_take_relations(stmt, request->query);
	return planner_add_node(request, stmt, plan, spec->query->returningList);
}

static PruneSpec *
prune_of_shape(QueryShape *shape)
{
	if (shape->pinned && shape->pin != NULL)
		return plan_prune_make(PRUNE_EQUAL,
							   (Expr *) expression_planner(copyObject(shape->pin)), NIL);
	return shape->pinned ? NULL : shape->prune;
}

static PlannedStmt *
modify_reference(PlanRequest *request, WholeSpec *spec, QueryShape *shape, Refusal *refusal)
{
	Query	   *query = spec->query;

	if (shape->hasShards || shape->hasLocal)
		return refuse(refusal, "a reference table can be modified only from reference tables");
	if (shape->hasUnstableReplicas)
		return refuse(refusal, "copies of a reference table may give different rows");
	if (contain_volatile_functions((Node *) query))
		return refuse(refusal, "a volatile function would differ between the copies of a "
					  "reference table");
	spec->strategy = "reference tables";
	return planner_make_whole(request, spec, refusal);
}

static PlannedStmt *modify_shards(PlanRequest *request, Query *query, Query *sources,
								  Refusal *refusal);

/* what stands in the way runs first, as little of it as will do */
static PlannedStmt *
modify_staged(PlanRequest *request, Query *query, Refusal *refusal)
{
	for (StageExtent extent = STAGE_RELATIONS; extent <= STAGE_EVERYTHING; extent++)
	{
		Query	   *staged = copyObject(query);
		const char *reason;
		Query	   *sources = planner_stage(staged, target_table(query), extent, &reason);

		if (reason != NULL)
			return refuse(refusal, reason);
		if (sources != NULL)
		{
			PlannedStmt *stmt = modify_shards(request, staged, sources, refusal);

			if (stmt != NULL)
				return stmt;
		}
	}
	return NULL;
}

/* values that choose the shards of an UPDATE or DELETE are computed first */
static PlannedStmt *
modify_by_keys(PlanRequest *request, Query *query)
{
	Refusal		refusal = {NULL, 0};
	Query	   *staged;
	Query	   *sources;
	const char *reason;
	QueryShape	shape;

	if ((query->commandType != CMD_UPDATE && query->commandType != CMD_DELETE) ||
		!query->hasSubLinks || !DIST_TABLE_HAS_KEY(target_table(query)))
		return NULL;
	staged = copyObject(query);
	sources = planner_stage_keys(request, staged, &reason);
	if (sources == NULL)
		return NULL;
	planner_shape(query, &shape);
	return shape.pinned ? NULL : modify_shards(request, staged, sources, &refusal);
}

/*
 * Conditions of a view on the target that cannot be printed as part of the statement: of a MERGE;
 * those of a security barrier where they read other relations, or others would see what they hide.
 * And what is asked of a row in an upsert's way, which is an UPDATE here, or by policies of who
 * runs the statement.
 */
static bool
has_apart_conditions(Query *query)
{
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);

	if (query->commandType == CMD_INSERT)
		return false;
	if (query->onConflict != NULL || planner_policies_ask_caller(query))
		return true;
	if (query->commandType == CMD_MERGE && compat_merge_condition(query) != NULL &&
		query->jointree->quals != NULL)
		return true;
	if (target->securityQuals == NIL || query->hasRowSecurity)
		return false;
	return query->commandType == CMD_MERGE ||
		checkExprHasSubLink((Node *) target->securityQuals) ||
		contain_leaked_vars(query->jointree->quals);
}

static bool
fires_for_rows(PlanRequest *request)
{
	return request->fires != NULL && request->fires->rows;
}

static bool
may_insert(Oid relid, Oid role, List *targetList)
{
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk &&
			pg_attribute_aclcheck(relid, tle->resno, role, ACL_INSERT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/*
 * On one server nobody asks for rights on columns that get their values from defaults, or from
 * triggers; statements on shards name them.
 */
bool
planner_lacks_insert_rights(PlanRequest *request, Query *query)
{
	RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
	Oid			role = compat_rte_check_as_user(query, rte);
	ListCell   *lc;

	if (planner_policies_ask_caller(query))
		return true;
	role = OidIsValid(role) ? role : GetUserId();
	if (pg_class_aclcheck(rte->relid, role, ACL_INSERT) == ACLCHECK_OK)
		return false;
	if (query->commandType == CMD_INSERT)
		return fires_for_rows(request) || !may_insert(rte->relid, role, query->targetList);
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_INSERT &&
			!may_insert(rte->relid, role, action->targetList))
			return true;
	}
	return false;
}

static PlannedStmt *
modify_whole(PlanRequest *request, Query *query, Refusal *refusal)
{
	PlannedStmt *stmt = NULL;
	bool		inserts = false;

	if (planner_has_check_options(query))
		return planner_detach_output(request, query);
	if (!has_apart_conditions(query) && request->early == NULL && !fires_for_rows(request) &&
		!planner_lacks_insert_rights(request, query))
	{
		stmt = modify_by_keys(request, query);
		if (stmt == NULL)
			stmt = modify_shards(request, query, NULL, refusal);
		if (stmt == NULL)
			stmt = modify_staged(request, query, refusal);
		inserts = stmt == NULL && query->commandType == CMD_MERGE && request->fires == NULL;
		if (inserts && !planner_merge_may_wait(query))
			stmt = planner_merge_insert(request, query, target_table(query));
	}
	if (stmt == NULL)
		stmt = planner_returning_is_plain(query) ? planner_change(request, query, refusal) :
			planner_detach_output(request, query);
	if (stmt == NULL && inserts)
		stmt = planner_merge_insert(request, query, target_table(query));
	return stmt;
}

List *
planner_without_target(List *fromlist, int target)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, fromlist)
	{
		if (!IsA(lfirst(lc), RangeTblRef) || ((RangeTblRef *) lfirst(lc))->rtindex != target)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* sources is the query of the child plan that gives the staged parameters, or NULL */
static PlannedStmt *
modify_shards(PlanRequest *request, Query *query, Query *sources, Refusal *refusal)
{
	const DistTable *table = target_table(query);
	WholeSpec	spec = {query, sources, NULL, table->relid, NULL, NIL};
	QueryShape	shape;
	Query	   *folded = planner_fold_rows(query);
	bool		merges = query->commandType == CMD_MERGE;

	if (merges)
		spec.query = planner_merge_shape(query, folded, &shape);
	else
		planner_shape(folded, &shape);
	if (catalog_table_has_copies(table) && planner_finds_row_by_place(query))
		return refuse(refusal, "copies of a row have different places");
	if (table->kind == DIST_TABLE_REFERENCE)
		return modify_reference(request, &spec, &shape, refusal);
	if (!statement_keeps_key(folded, table, &shape))
		return refuse(refusal, "the distribution column may get a new value");
	if (!shape.pinned && !shape.complete)
		return refuse(refusal, shape.reason);
	if (merges && !planner_merge_inserts_in_place(folded, table, &shape))
		return refuse(refusal, "MERGE would insert rows that belong to other shards");
	spec.strategy = shape.pinned ? "one shard group" : sources != NULL ? "staged" : "pushdown";
	spec.prune = prune_of_shape(&shape);
	return planner_make_whole(request, &spec, refusal);
}

/* ---- INSERT ---- */

/* rows of VALUES, of which there may be many, move from one query to another of the same form */
static void
move_values(Query *from, Query *to)
{
	ListCell   *lc;

	foreach(lc, from->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind != RTE_VALUES)
			continue;
		if (to != NULL)
			rt_fetch(foreach_current_index(lc) + 1, to->rtable)->values_lists = rte->values_lists;
		rte->values_lists = NIL;
	}
}

/* a copy of everything but the rows of VALUES */
static Query *
copy_without_values(Query *query)
{
	List	   *values = NIL;
	Query	   *copy;
	ListCell   *lc;

	foreach(lc, query->rtable)
		values = lappend(values, lfirst_node(RangeTblEntry, lc)->values_lists);
	move_values(query, NULL);
	copy = copyObject(query);
	foreach(lc, query->rtable)
		lfirst_node(RangeTblEntry, lc)->values_lists =
			list_nth(values, foreach_current_index(lc));
	return copy;
}

/* nothing but rows of VALUES, which the server can plan by itself */
static bool
is_values_only(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RTEKind		kind = lfirst_node(RangeTblEntry, lc)->rtekind;

		if (foreach_current_index(lc) + 1 != query->resultRelation && kind != RTE_VALUES)
			return false;
	}
	return !query->hasSubLinks && query->cteList == NIL && list_length(query->rtable) == 2;
}

/* the rows an INSERT computes, as a SELECT without rows of VALUES; *columns: where they go */
static Query *
make_source_query(Query *query, List **columns)
{
	Query	   *source = copy_without_values(query);
	List	   *targetList = NIL;
	ListCell   *lc;

	*columns = NIL;
	foreach(lc, source->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		*columns = lappend_int(*columns, tle->resno);
		tle->resno = list_length(*columns);
		tle->ressortgroupref = 0;
		targetList = lappend(targetList, tle);
	}
	/* an INSERT's source is not marked as standing in FROM, which printing goes by */
	foreach(lc, source->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY || rte->rtekind == RTE_VALUES)
			rte->inFromCl = true;
	}
	/* rows of an INSERT are no FROM item; those of a SELECT are, or its text would lack them */
	foreach(lc, source->rtable)
	{
		if (foreach_current_index(lc) + 1 != query->resultRelation)
			lfirst_node(RangeTblEntry, lc)->inFromCl = true;
	}
	source->targetList = targetList;
	source->commandType = CMD_SELECT;
	source->resultRelation = 0;
	source->onConflict = NULL;
	source->returningList = NIL;
	source->override = OVERRIDING_NOT_SET;
	return source;
}

Query *
planner_insert_source(Query *query, List **columns)
{
	Query	   *copy = copyObject(query);
	Query	   *source = make_source_query(copy, columns);

	move_values(copy, source);
	return source;
}

/* the EXCLUDED of a view, which the rewriter has replaced by that of the view's table */
static bool
is_views_excluded(Query *shell, RangeTblEntry *rte)
{
	return shell->onConflict != NULL && rte->rtekind == RTE_RELATION &&
		rte->relkind == RELKIND_COMPOSITE_TYPE &&
		rte != rt_fetch(shell->onConflict->exclRelIndex, shell->rtable);
}

/* entries that give the rows stay in the range table, for its numbering, but as nothing */
static void
drop_row_sources(Query *shell)
{
	ListCell   *lc;

	foreach(lc, shell->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind != RTE_SUBQUERY && rte->rtekind != RTE_VALUES &&
			!is_views_excluded(shell, rte))
			continue;
		if (rte->rtekind == RTE_RELATION)
		{
			/* the other one must get the name when the query is printed */
			rte->alias = NULL;
			rte->eref->aliasname = pstrdup("excluded of view");
		}
		rte->rtekind = RTE_RESULT;
		rte->subquery = NULL;
		rte->values_lists = NIL;
	}
}

/*
 * ON CONFLICT runs where the conflicting row is.  True when its sub-queries find all that they read
 * there: rows of the same key, for the row and EXCLUDED have the same one, and reference tables.
 */
static bool
conflict_reads_here(Query *query, const DistTable *table)
{
	OnConflictExpr *conflict = query->onConflict;
	Query	   *row;
	RangeTblRef *ref = makeNode(RangeTblRef);
	QueryShape	shape;

	if (conflict == NULL || !checkExprHasSubLink((Node *) conflict))
		return true;
	row = copyObject(query);
	ref->rtindex = query->resultRelation;
	rt_fetch(ref->rtindex, row->rtable)->inFromCl = true;
	row->commandType = CMD_SELECT;
	row->resultRelation = 0;
	row->targetList = row->onConflict->onConflictSet;
	row->jointree = makeFromExpr(list_make1(ref), row->onConflict->onConflictWhere);
	row->onConflict = NULL;
	row->returningList = NIL;
	ChangeVarNodes((Node *) row->targetList, conflict->exclRelIndex, query->resultRelation, 0);
	ChangeVarNodes(row->jointree->quals, conflict->exclRelIndex, query->resultRelation, 0);
	planner_shape(row, &shape);
	if (table->kind == DIST_TABLE_REFERENCE)
		return !shape.hasShards && !shape.hasLocal && !shape.hasUnstableReplicas;
	return shape.complete || shape.pinned;
}

/* true when an upsert's rows are few enough for one statement a shard, whatever they are */
static bool
rows_are_few(Query *query, int ncolumns)
{
	int			nrows = 1;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			return false;
		if (rte->rtekind == RTE_VALUES)
			nrows = list_length(rte->values_lists);
	}
	return !query->hasTargetSRFs && (int64) nrows * ncolumns <= PLAN_UPSERT_VALUES;
}

Oid
planner_upsert_is_first_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;
	Oid			args[] = {INT4OID, XIDOID, CIDOID};

	return base_own_function("upsert_is_first", lengthof(args), args, &functionOid,
							 &extensionOid);
}

/* upsert_is_first(parameter: number of the upsert, t.xmin, t.cmin) */
Expr *
planner_upsert_first_check(Query *query, int paramId)
{
	Param	   *id = makeNode(Param);
	Var		   *xmin = makeVar(query->resultRelation, MinTransactionIdAttributeNumber, XIDOID, -1,
							   InvalidOid, 0);
	Var		   *cmin = makeVar(query->resultRelation, MinCommandIdAttributeNumber, CIDOID, -1,
							   InvalidOid, 0);

	id->paramkind = PARAM_EXTERN;
	id->paramid = paramId;
	id->paramtype = INT4OID;
	id->paramtypmod = -1;
	id->location = -1;
	return (Expr *) makeFuncExpr(planner_upsert_is_first_oid(), BOOLOID,
								 list_make3(id, xmin, cmin), InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* the tail of an upsert's later statements; shell is the INSERT without rows, not yet shipped */
static void
make_again(InsertSpec *insert, Query *shell, List *targetList, List *columns)
{
	Query	   *again = copyObject(shell);
	OnConflictExpr *conflict = again->onConflict;
	SqlTemplate *head;

	conflict->onConflictWhere =
		make_and_qual((Node *) planner_upsert_first_check(again, PLAN_UPSERT_PARAM),
					  conflict->onConflictWhere);
	if (planner_ship_query(again, &insert->againParams) != NULL)
		return;
	again->targetList = copyObject(targetList);
	deparse_insert_templates(again, columns, &head, &insert->again);
}

static bool
is_upsert(Query *query)
{
	return query->onConflict != NULL && query->onConflict->action == ONCONFLICT_UPDATE;
}

static bool
upserts_row_by_row(PlanRequest *request, Query *query)
{
	const DistTable *table = target_table(query);

	return is_upsert(query) &&
		(fires_for_rows(request) || !conflict_keeps_key(query, table) ||
		 planner_lacks_insert_rights(request, query) ||
		 (!conflict_reads_here(query, table) && planner_upsert_needs_rows(query)));
}

/* true when nothing of a user's runs with the rows of an INSERT; the rows themselves are values */
static bool
carries_only_columns(Query *query)
{
	OnConflictExpr *conflict = query->onConflict;

	return planner_returning_is_plain(query) &&
		(conflict == NULL || (conflict->action == ONCONFLICT_NOTHING &&
							  planner_expr_is_trusted((Node *) conflict)));
}

/* fills in with whose rights the rows are written; false with the refusal filled in */
static bool
choose_insert_role(PlanRequest *request, Query *query, InsertSpec *insert, Refusal *refusal)
{
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	Oid			role = compat_rte_check_as_user(query, target);

	insert->onlyColumns = carries_only_columns(query);
	insert->role = role == GetUserId() ? InvalidOid : role;
	if (!insert->onlyColumns || !planner_lacks_insert_rights(request, query) ||
		check_enable_rls(insert->relid, insert->role, true) != RLS_ENABLED)
		return true;
	insert->checks = planner_insert_checks(request, query, refusal);
	if (refusal->reason != NULL)
		return false;
	insert->role = catalog_relation_owner(insert->relid);
	insert->unforced = true;
	return true;
}

/* early: NULL, or the upsert goes row by row and leaves there what must run before */
static InsertSpec *
make_insert_spec(PlanRequest *request, Query *query, List *columns, EarlyReads *early,
				 Refusal *refusal)
{
	InsertSpec *insert = plan_insert_make();
	Query	   *shell;
	const char *reason;

	if (early != NULL)
	{
		query = planner_upsert_rows(request, query, insert, early, refusal);
		if (query == NULL)
			return NULL;
	}
	shell = copy_without_values(query);

	/* only the conflict clause and RETURNING travel as text; rows travel as values */
	shell->targetList = NIL;
	if (!checkExprHasSubLink((Node *) shell->onConflict))
		shell->cteList = NIL;
	shell->jointree = makeFromExpr(NIL, NULL);
	planner_leave_policies(shell);
	drop_row_sources(shell);
	if (query->onConflict != NULL && query->onConflict->action == ONCONFLICT_UPDATE &&
		!rows_are_few(query, list_length(columns)))
		make_again(insert, shell, query->targetList, columns);
	reason = planner_ship_query(shell, &insert->tailParams);
	if (reason != NULL)
	{
		refusal->reason = reason;
		return NULL;
	}
	shell->targetList = copyObject(query->targetList);
	deparse_insert_templates(shell, columns, &insert->head, &insert->tail);
	insert->relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	insert->columns = columns;
	insert->onConflict = query->onConflict != NULL;
	insert->updates = query->onConflict != NULL &&
		query->onConflict->action == ONCONFLICT_UPDATE;
	insert->returning = query->returningList != NIL;
	insert->canStream = !insert->onConflict && !insert->returning;
	return choose_insert_role(request, query, insert, refusal) ? insert : NULL;
}

/*
 * INSERT .. DEFAULT VALUES where no column has a default: the rows need a column, which one does
 * not matter.  The rewriter has put the defaults in, so what is missing is NULL.  NIL for a table
 * whose columns are all computed, or that has none.
 */
static List *
add_null_column(Query *source, Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *columns = NIL;

	for (int i = 0; i < desc->natts && columns == NIL; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		columns = list_make1_int(attribute->attnum);
		source->targetList =
			list_make1(makeTargetEntry((Expr *) makeNullConst(attribute->atttypid,
															  attribute->atttypmod,
															  attribute->attcollation),
									   1, pstrdup(NameStr(attribute->attname)), false));
	}
	table_close(relation, NoLock);
	return columns;
}

/* an INSERT without a value for the distribution column, which triggers may give */
static bool
lacks_key(Query *query)
{
	const DistTable *table = target_table(query);

	return DIST_TABLE_HAS_KEY(table) &&
		planner_find_column(query->targetList, table->keyAttno) == NULL;
}

/* NULL for columns that get no value from the statement */
static void
add_missing_columns(Query *source, Oid relid, List **columns)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Const	   *nothing;

		if (attribute->attisdropped || attribute->attgenerated != '\0' ||
			list_member_int(*columns, attribute->attnum))
			continue;
		nothing = makeNullConst(attribute->atttypid, attribute->atttypmod,
								attribute->attcollation);
		*columns = lappend_int(*columns, attribute->attnum);
		source->targetList =
			lappend(source->targetList,
					makeTargetEntry((Expr *) nothing, list_length(*columns),
									pstrdup(NameStr(attribute->attname)), false));
	}
	table_close(relation, NoLock);
}

static PlannedStmt *
insert_rows(PlanRequest *request, Query *query, bool byRows, Refusal *refusal)
{
	EarlyReads	early = {NIL, NIL};
	DistPlan   *plan = plan_make(DIST_PLAN_INSERT, "insert");
	PlanRequest sourceRequest = *request;
	PlannedStmt *stmt;
	List	   *columns;

	sourceRequest.query = make_source_query(request->query, &columns);
	sourceRequest.cursorOptions = 0;
	if (fires_for_rows(request) || lacks_key(query))
		add_missing_columns(sourceRequest.query, target_table(query)->relid, &columns);
	if (columns == NIL)
		columns = add_null_column(sourceRequest.query, target_table(query)->relid);
	plan->insert = make_insert_spec(request, query, columns, byRows ? &early : NULL, refusal);
	if (plan->insert == NULL)
		return NULL;
	plan->modifies = true;
	plan->fires = request->fires;

	move_values(query, sourceRequest.query);
	if (is_values_only(request->query))
	{
		stmt = planner_run_server(&sourceRequest, sourceRequest.query);
		compat_stmt_take_relations(stmt, copy_without_values(request->query));
	}
	else
		stmt = planner_plan_request(&sourceRequest);
	stmt = planner_add_node(request, stmt, plan, query->returningList);
	return early.parts == NIL ? stmt : planner_add_parts(stmt, early.parts, early.ids);
}

/* ON CONFLICT that shards cannot do alone; RETURNING may be anything */
static PlannedStmt *
plan_upsert(PlanRequest *request, Query *query, bool byRows, Refusal *refusal)
{
	PlannedStmt *stmt = NULL;

	if (byRows)
		stmt = insert_rows(request, query, true, refusal);
	else if (planner_returning_is_plain(query))
		stmt = planner_upsert(request, query, refusal);
	return stmt != NULL || planner_returning_is_plain(query) ? stmt :
		planner_detach_output(request, query);
}

static PlannedStmt *
plan_insert(PlanRequest *request, Query *query, Refusal *refusal)
{
	const DistTable *table = target_table(query);
	bool		lacksRights = planner_lacks_insert_rights(request, query);
	bool		keyless = lacks_key(query) && !fires_for_rows(request);
	PlannedStmt *stmt;
	Index		source = 0;
	ListCell   *lc;

	/* rows are sent to their shards, where a sub-query would find rows of these shards only */
	if (planner_has_check_options(query) || checkExprHasSubLink((Node *) query->returningList) ||
		(lacksRights && !planner_returning_is_plain(query)))
		return planner_detach_output(request, query);
	/* the first row is an error, whether it is in another one's way or not */
	if (keyless)
		query->onConflict = NULL;
	if (upserts_row_by_row(request, query))
		return plan_upsert(request, query, true, refusal);
	if (!conflict_reads_here(query, table))
		return plan_upsert(request, query, false, refusal);
	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_SUBQUERY)
			source = foreach_current_index(lc) + 1;
	}
	if (source != 0 && !fires_for_rows(request) && !lacksRights && !keyless)
	{
		stmt = planner_insert_select(request, query, source, refusal);
		if (stmt != NULL)
			return stmt;
	}
	stmt = insert_rows(request, query, false, refusal);
	if (stmt == NULL && !planner_returning_is_plain(query))
		stmt = planner_detach_output(request, query);
	if (stmt == NULL && is_upsert(query))
		stmt = plan_upsert(request, query, planner_upsert_needs_rows(query), refusal);
	return stmt;
}

PlannedStmt *
planner_modify(PlanRequest *request, Refusal *refusal)
{
	Query	   *query = planner_normalize(request->query);
	const DistTable *table = target_table(query);

	if (table->kind == DIST_TABLE_APPEND || table->kind == DIST_TABLE_RANGE)
		return refuse(refusal, "rows of append and range distributed tables cannot be placed");
	if (planner_find_modification(query, true) != NULL)
		return refuse(refusal, "a common table expression modifies a distributed table");
	if (query->commandType == CMD_INSERT)
		return plan_insert(request, query, refusal);
	return modify_whole(request, query, refusal);
}
