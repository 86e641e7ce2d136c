/*
 * planner_lock.c
 *	  SELECT .. FOR UPDATE and the like, when only the rows that are returned must be locked.
 *
 * A fragment that locks is right when all of its rows are rows of the result: on one shard group,
 * or per shard without LIMIT, and when no function of a user's changes them before.  Otherwise the
 * query is planned without its locks, as candidates that carry shard and ctid of the rows to lock,
 * and a node of DIST_PLAN_LOCK goes through them.  The candidates' LIMIT is a parameter, which the
 * node sets: more are asked for than are wanted.
 *
 * The same for an UPDATE or DELETE that finds its rows first (planner_change.c).
 *
 * Rows of a reference table are locked in its first copy, where writers queue up, but fragments
 * that read shards, too, have the copy at hand: planner_shape() says that no fragment takes such a
 * query.  The relations whose rows are locked are read from their first copies then, one by one.
 *
 * Not here: locks on shards with several copies where no reference table is locked, and on local
 * relations, which the scan strategy handles.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/rls.h"

#include "citus/base/compat.h"
#include "citus/base/compat_planner.h"
#include "citus/deparse/template.h"
#include "planner_change_internal.h"

#define MAX_TARGETS 8			/* as many as the executor has room for */

bool
planner_locks_replica(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rowMarks)
	{
		RangeTblEntry *rte = rt_fetch(lfirst_node(RowMarkClause, lc)->rti, query->rtable);
		const DistTable *table = rte->rtekind != RTE_RELATION ? NULL :
			catalog_table_get(rte->relid);

		if (table != NULL && table->kind == DIST_TABLE_REFERENCE)
			return true;
	}
	return false;
}

/* true when all locks are on tables whose rows a node can lock one by one */
static bool
locks_are_ours(Query *query)
{
	bool		replica = planner_locks_replica(query);
	ListCell   *lc;

	if (list_length(query->rowMarks) > MAX_TARGETS)
		return false;
	foreach(lc, query->rowMarks)
	{
		RangeTblEntry *rte = rt_fetch(lfirst_node(RowMarkClause, lc)->rti, query->rtable);

		if (rte->rtekind != RTE_RELATION || !catalog_table_is_known(rte->relid) ||
			rte->securityQuals != NIL ||
			(catalog_table_has_copies(catalog_table_get(rte->relid)) && !replica))
			return false;
	}
	return true;
}

/* true when every row that fragments of the query lock is a row of its result */
static bool
fragments_lock_right(Query *query, QueryShape *shape)
{
	if (!shape->hasShards)
		return true;
	return shape->pinned ||
		(shape->complete && query->limitCount == NULL && query->limitOffset == NULL);
}

static bool
max_param_walker(Node *node, int *max)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid < PLAN_STAGED_PARAM)
		*max = Max(*max, ((Param *) node)->paramid);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, max_param_walker, max, 0);
	return expression_tree_walker(node, max_param_walker, max);
}

int
planner_max_param(Query *query)
{
	int			max = 0;

	(void) query_tree_walker(query, max_param_walker, &max, 0);
	return max;
}

static Param *
make_limit_param(LockSpec *spec)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = spec->limitParam;
	param->paramtype = INT8OID;
	param->paramtypmod = -1;
	param->location = -1;
	return param;
}

/* a column of the candidates; its number among those that come out */
static int
add_column(Query *query, Expr *expr)
{
	int			count = 0;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		if (!lfirst_node(TargetEntry, lc)->resjunk)
			count++;
	}
	query->targetList = lappend(query->targetList,
								makeTargetEntry(expr, list_length(query->targetList) + 1,
												psprintf("row_%d", count), false));
	return count + 1;
}

static LockTarget *
make_target(Query *query, RowMarkClause *lock)
{
	RangeTblEntry *rte = rt_fetch(lock->rti, query->rtable);
	LockTarget *target = plan_lock_target_make();
	Oid			role = compat_rte_check_as_user(query, rte);

	target->relid = rte->relid;
	target->strength = lock->strength;
	target->waitPolicy = lock->waitPolicy;
	target->role = role == GetUserId() ? InvalidOid : role;
	return target;
}

/* where the fragments of the query can say it: shard and ctid of the relation's rows */
static void
add_row_columns(Query *query, Index rti, LockTarget *target)
{
	Var		   *tableoid = makeVar(rti, TableOidAttributeNumber, OIDOID, -1, InvalidOid, 0);

	target->shardColumn = add_column(query, (Expr *)
									 makeFuncExpr(deparse_shard_of_row_oid(), INT8OID,
												  list_make1(tableoid), InvalidOid, InvalidOid,
												  COERCE_EXPLICIT_CALL));
	target->rowColumn = add_column(query, planner_place_in_shard(rti));
}

/* where a role may not read where rows are, their owner may */
static bool
lacks_place_rights(const LockTarget *target)
{
	Oid			role = OidIsValid(target->role) ? target->role : GetUserId();
	Oid			owner = catalog_relation_owner(target->relid);

	return owner != GetUserId() && !planner_may_read_places(target->relid, role);
}

static bool
any_lacks_place_rights(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rowMarks)
	{
		if (lacks_place_rights(make_target(query, lfirst(lc))))
			return true;
	}
	return false;
}

/* elsewhere: the relation becomes a sub-query that runs per shard; NULL when it cannot */
static Query *
replace_relation(PlanRequest *request, Query *query, Index rti, LockTarget *target)
{
	Refusal		refusal = {NULL, 0};
	ChangeBuild build = {.request = request, .refusal = &refusal, .strength = LCS_NONE,
		.firstCopy = true};

	planner_change_begin(&build, query, rti);
	if (lacks_place_rights(target))
	{
		build.spec->role = target->role = catalog_relation_owner(target->relid);
		build.elevated = true;
		/* policies that the owner would have to obey, and the role need not */
		build.unforced = target->unforced =
			check_enable_rls(target->relid, target->role, true) == RLS_ENABLED;
	}
	/* no outer join fills up rows that are locked: conditions apply below joins */
	planner_change_take_quals(&build, &build.source->jointree->quals);
	planner_change_retarget(&build);
	target->shardColumn = add_column(build.source, planner_change_shard(&build));
	target->rowColumn = add_column(build.source, planner_change_row(&build));
	return planner_change_replace_target(&build) ? build.source : NULL;
}

/*
 * The query without its locks; complete: it is to run per shard.  NULL when a relation cannot say
 * which rows it has.
 */
static Query *
make_candidates(PlanRequest *request, Query *query, LockSpec *spec, bool complete)
{
	Query	   *candidates = copyObject(query);
	ListCell   *lc;

	spec->targets = NIL;
	candidates->rowMarks = NIL;
	candidates->hasForUpdate = false;
	candidates->limitOffset = NULL;
	candidates->limitCount = spec->limit == NULL ? NULL : (Node *) make_limit_param(spec);
	foreach(lc, query->rowMarks)
	{
		RowMarkClause *lock = lfirst_node(RowMarkClause, lc);
		LockTarget *target = make_target(query, lock);

		spec->targets = lappend(spec->targets, target);
		if (complete)
			add_row_columns(candidates, lock->rti, target);
		else
			candidates = replace_relation(request, candidates, lock->rti, target);
		if (candidates == NULL)
			return NULL;
	}
	return candidates;
}

/* the plan of the candidates; NULL: there is none */
static PlannedStmt *
plan_candidates(PlanRequest *request, Query *query, LockSpec *spec, bool complete)
{
	PlanRequest each = *request;
	PlannedStmt *stmt = NULL;

	each.cursorOptions = 0;
	/* all of them are read before anybody sees one */
	each.changesBetween = planner_calls_users(query);
	if (complete)
	{
		each.query = make_candidates(request, query, spec, true);
		stmt = planner_push_down(&each);
	}
	/* what keeps the query here (a volatile function) keeps no relation from being read */
	if (stmt == NULL)
	{
		each.query = make_candidates(request, query, spec, false);
		stmt = each.query == NULL ? NULL : planner_scan(&each);
	}
	return stmt;
}

bool
planner_locks_keep_others_off(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rowMarks)
	{
		if (lfirst_node(RowMarkClause, lc)->strength <= LCS_FORKEYSHARE)
			return false;
	}
	return true;
}

bool
planner_lock_is_wanted(PlanRequest *request, Query *query)
{
	/* of the statement itself, unless it has a LIMIT, the node on top of cursors knows */
	return request->changesBetween && query->rowMarks != NIL &&
		planner_locks_keep_others_off(query) &&
		(query != request->query || query->limitCount != NULL || query->limitOffset != NULL) &&
		!planner_finds_one_row(query);
}

DistPlan *
planner_lock(PlanRequest *request, Query *query, bool scans)
{
	DistPlan   *plan = plan_make(DIST_PLAN_LOCK, "row locks");
	LockSpec   *spec = plan_lock_make();
	PlannedStmt *candidates;
	QueryShape	shape;
	ListCell   *lc;
	bool		wanted = planner_lock_is_wanted(request, query);
	bool		returns = false;

	query = planner_normalize(query);
	foreach(lc, query->targetList)
		returns |= !lfirst_node(TargetEntry, lc)->resjunk;
	if (!returns || query->setOperations != NULL || !locks_are_ours(query) ||
		query->limitOption == LIMIT_OPTION_WITH_TIES)
		return NULL;
	planner_shape(query, &shape);
	/* a row that a function of the query has changed when it comes to be locked is left out */
	if (fragments_lock_right(query, &shape) && !planner_calls_users(query) && !wanted &&
		!(scans && any_lacks_place_rights(query)))
		return NULL;

	spec->leavesChanged = request->changesBetween && planner_locks_keep_others_off(query);
	spec->limitParam = planner_max_param(query) + 1;
	spec->limit = (Expr *) query->limitCount;
	spec->offset = (Expr *) query->limitOffset;
	if (checkExprHasSubLink((Node *) spec->limit) || checkExprHasSubLink((Node *) spec->offset))
		return NULL;
	if (spec->limit != NULL)
		spec->limit = expression_planner(copyObject(spec->limit));
	if (spec->offset != NULL)
		spec->offset = expression_planner(copyObject(spec->offset));
	/* what is the user's must not run with the rights of owners: it stays above sub-queries */
	candidates = plan_candidates(request, query, spec,
								 shape.complete && !any_lacks_place_rights(query));
	if (candidates == NULL)
		return NULL;
	plan->parts = list_make1(candidates);
	plan->lock = spec;
	return plan;
}

Query *
planner_lock_found(ChangeBuild *build, LockTarget *target, LookAgain *again)
{
	DistPlan   *plan = plan_make(DIST_PLAN_LOCK, "row locks");
	PlanRequest each = *build->request;

	plan->lock = plan_lock_make();
	plan->lock->targets = list_make1(target);
	each.query = build->source;
	each.cursorOptions = 0;
	each.early = NULL;
	plan->parts = list_make1(planner_scan(&each));
	if (again != NULL)
		planner_again_plan(build, again, plan);
	return planner_select_from_plan(plan, build->columns);
}

Query *
planner_select_from_plan(DistPlan *plan, List *targetList)
{
	Query	   *query = planner_make_select_from(planner_plan_rte(plan, targetList));
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		AttrNumber	number = list_length(query->targetList) + 1;
		TargetEntry *copy;

		if (tle->resjunk)
			continue;
		copy = flatCopyTargetEntry(tle);
		copy->expr = (Expr *) makeVar(1, number, exprType((Node *) tle->expr),
									  exprTypmod((Node *) tle->expr),
									  exprCollation((Node *) tle->expr), 0);
		copy->resno = number;
		copy->ressortgroupref = 0;
		query->targetList = lappend(query->targetList, copy);
	}
	return query;
}
