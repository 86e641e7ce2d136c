/*
 * planner_cte.c
 *	  WITH x AS (INSERT | UPDATE | DELETE ... RETURNING ...) over known relations.
 *
 * Each such common table expression becomes a statement of its own, planned by all strategies. The
 * node on top of the main plan runs them first, in order, to their end, and keeps what they
 * return; references to them, in later ones and in the main query, read these rows.
 *
 * On one server all parts of a statement see the data as it was before.  Here the parts run one
 * after the other, so a part that reads what an earlier part changed would see too much: such a
 * statement is refused.
 *
 * Invariant: after replacement no range table entry refers to a replaced expression.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/* ---- who reads what ---- */

typedef struct ReadContext
{
	Query	   *modifying;		/* its own target does not count */
	Oid			relid;
} ReadContext;

static bool
reads_walker(Node *node, ReadContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		if (query == context->modifying)
			return false;
		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
			bool		inserted = query->commandType == CMD_INSERT &&
				query->onConflict == NULL &&
				foreach_current_index(lc) + 1 == query->resultRelation;

			if (rte->rtekind == RTE_RELATION && rte->relid == context->relid && !inserted)
				return true;
		}
		return query_tree_walker(query, reads_walker, context, 0);
	}
	return expression_tree_walker(node, reads_walker, context);
}

static void
check_nobody_reads(Query *query, Query *modifying)
{
	RangeTblEntry *target = rt_fetch(modifying->resultRelation, modifying->rtable);
	ReadContext context = {modifying, target->relid};

	if (reads_walker((Node *) query, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot modify table \"%s\" in a common table expression of a statement "
						"that also reads it", target->eref->aliasname),
				 errdetail("The parts of the statement run one after the other, and would see "
						   "each other's changes."),
				 errhint("Run the modification as a statement of its own.")));
}

/* ---- replacing references ---- */

typedef struct ReplaceContext
{
	const char *name;
	int			depth;			/* levels below the one that has the expression */
	DistPlan   *plan;
	List	   *targetList;
} ReplaceContext;

static void
replace_entry(ReplaceContext *context, RangeTblEntry *rte)
{
	RangeTblEntry *made = planner_plan_rte(context->plan, context->targetList);

	made->alias = rte->alias;
	made->eref = rte->eref;
	made->lateral = false;
	made->inFromCl = rte->inFromCl;
	memcpy(rte, made, sizeof(RangeTblEntry));
}

static bool
replace_walker(Node *node, ReplaceContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_CTE && rte->ctelevelsup == context->depth &&
			strcmp(rte->ctename, context->name) == 0)
			replace_entry(context, rte);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		context->depth++;
		result = query_tree_walker((Query *) node, replace_walker, context,
								   QTW_EXAMINE_RTES_BEFORE);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, replace_walker, context);
}

/* ---- the statement ---- */

static bool
modifies_known(Query *query)
{
	return query->commandType != CMD_SELECT && planner_find_modification(query, false) == query;
}

/* what reads rows of earlier parts is ours to plan, also when it touches no relation of ours */
static PlannedStmt *
plan_with_part_rows(PlanRequest *request)
{
	return planner_has_known_relation(request->query) ? planner_plan_request(request) :
		planner_scan(request);
}

/* the expression as a statement: what it refers to in the main query comes along */
static PlannedStmt *
plan_part(PlanRequest *request, Query *part, List *earlier)
{
	PlanRequest partRequest = *request;

	IncrementVarSublevelsUp((Node *) part, -1, 1);
	part->cteList = list_concat(copyObject(earlier), part->cteList);
	part->canSetTag = false;
	partRequest.query = part;
	partRequest.cursorOptions = 0;
	return plan_with_part_rows(&partRequest);
}

int
planner_new_part_id(void)
{
	static int	last = 0;

	return last = last < PG_INT32_MAX ? last + 1 : 1;
}

PlannedStmt *
planner_add_parts(PlannedStmt *stmt, List *parts, List *ids)
{
	DistPlan   *plan = plan_make(DIST_PLAN_PARTS, "common table expressions first");
	List	   *targetList = stmt->planTree->targetlist;
	Index		rti = compat_stmt_add_rte(stmt, planner_naming_rte(targetList));
	CustomScan *scan;

	plan->parts = parts;
	plan->partIds = ids;
	plan->modifies = true;
	scan = planner_make_scan(plan, targetList, rti);
	scan->custom_plans = list_make1(stmt->planTree);
	stmt->planTree = (Plan *) scan;
	stmt->hasModifyingCTE = true;
	return stmt;
}

/*
 * planner_modifying_ctes
 *		Plans a statement with modifying common table expressions over known relations.
 */
PlannedStmt *
planner_modifying_ctes(PlanRequest *request)
{
	PlanRequest mainRequest = *request;
	Query	   *query = copyObject(request->query);
	List	   *parts = NIL;
	List	   *ids = NIL;
	List	   *kept = NIL;
	PlannedStmt *stmt;
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		Query	   *part = castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery);

		if (modifies_known(part))
			check_nobody_reads(query, part);
	}
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		Query	   *part = castNode(Query, cte->ctequery);
		ReplaceContext context = {cte->ctename, -1, NULL, part->returningList};

		if (part->commandType == CMD_SELECT)
		{
			kept = lappend(kept, cte);
			continue;
		}
		context.plan = plan_make(DIST_PLAN_PART_ROWS, "rows of a common table expression");
		context.plan->partId = planner_new_part_id();
		ids = lappend_int(ids, context.plan->partId);
		if (part->returningList != NIL)
			(void) replace_walker((Node *) query, &context);
		parts = lappend(parts, plan_part(request, copyObject(part), kept));
	}

	query->cteList = kept;
	query->hasModifyingCTE = false;
	mainRequest.query = query;
	mainRequest.cursorOptions = 0;
	stmt = plan_with_part_rows(&mainRequest);
	compat_stmt_take_relations(stmt, request->query);
	return planner_add_parts(stmt, parts, ids);
}
