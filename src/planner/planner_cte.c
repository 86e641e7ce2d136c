/*
 * planner_cte.c
 *	  WITH x AS (INSERT | UPDATE | DELETE ... RETURNING ...) over known relations.
 *
 * Each such common table expression becomes a statement of its own, planned by all strategies. The
 * node on top of the main plan runs them first, in order, to their end, and keeps what they
 * return; references to them, in later ones and in the main query, read these rows.
 *
 * On one server all parts of a statement see the data as it was before.  Here the parts run one
 * after the other, so what a part reads of a table that an earlier part changes is read before the
 * first change (EarlyReads): the reference becomes one to rows that another part, a SELECT,
 * returns.  A part that changes the same table once more finds its rows so, too
 * (planner_change.c).
 *
 * Invariant: after replacement no range table entry refers to a replaced expression.
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/* ---- reads of what an earlier part changes ---- */

typedef struct ReadContext
{
	PlanRequest *request;
	List	   *changed;		/* OIDs of tables, or of the roots of partition trees */
	EarlyReads *early;
} ReadContext;

/* what stands for a table and all that shares rows with it */
static Oid
root_of(Oid relid)
{
	List	   *ancestors = get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL;

	return ancestors == NIL ? relid : llast_oid(ancestors);
}

static Oid
target_root(Query *query)
{
	return root_of(rt_fetch(query->resultRelation, query->rtable)->relid);
}

/* plans a SELECT as a part that runs before others; what stands for its rows */
static RangeTblEntry *
select_early(PlanRequest *request, Query *query, EarlyReads *early)
{
	PlanRequest each = *request;
	DistPlan   *plan = plan_make(DIST_PLAN_PART_ROWS, "rows read first");

	each.query = query;
	each.cursorOptions = 0;
	each.early = NULL;
	plan->partId = planner_new_part_id();
	early->parts = lappend(early->parts, planner_plan_request(&each));
	early->ids = lappend_int(early->ids, plan->partId);
	return planner_plan_rte(plan, query->targetList);
}

static void
read_early(ReadContext *context, Query *query, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	RangeTblEntry *made;
	const char *reason;
	Query	   *select = planner_select_relation(query, rti, &reason);

	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot modify table \"%s\" in a statement that also reads it in this way",
						get_rel_name(rte->relid)),
				 errdetail_internal("%s", reason),
				 errhint("Run the modification as a statement of its own.")));
	made = select_early(context->request, select, context->early);
	made->alias = rte->alias;
	made->eref = rte->eref;
	made->inFromCl = rte->inFromCl;
	list_nth_cell(query->rtable, rti - 1)->ptr_value = made;
}

static bool
read_walker(Node *node, ReadContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		for (int rti = 1; rti <= list_length(query->rtable); rti++)
		{
			RangeTblEntry *rte = rt_fetch(rti, query->rtable);

			if (rte->rtekind == RTE_RELATION && rti != query->resultRelation && rte->inFromCl &&
				list_member_oid(context->changed, root_of(rte->relid)))
				read_early(context, query, rti);
		}
		return query_tree_walker(query, read_walker, context, 0);
	}
	return expression_tree_walker(node, read_walker, context);
}

void
planner_read_early(PlanRequest *request, Query *query, Oid changed, EarlyReads *early)
{
	ReadContext context = {request, list_make1_oid(root_of(changed)), early};

	(void) read_walker((Node *) query, &context);
}

/* SELECT * of the only entry of a query, which gives what is in targetList */
static List *
all_columns(List *targetList)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, makeTargetEntry((Expr *) makeVarFromTargetEntry(1, tle),
													 tle->resno, tle->resname, false));
	}
	return result;
}

Query *
planner_compute_early(PlanRequest *request, Query *query, EarlyReads *early)
{
	Query	   *result = planner_make_select_from(select_early(request, query, early));

	result->targetList = all_columns(query->targetList);
	return result;
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

/* what reads rows of earlier parts is ours to plan, also when it touches no relation of ours */
static PlannedStmt *
plan_with_part_rows(PlanRequest *request)
{
	return planner_has_known_relation(request->query) ? planner_plan_request(request) :
		planner_scan(request);
}

/*
 * Plans a part, or the main query, when the tables of changed have been changed before.  query is
 * ours to change.
 */
static PlannedStmt *
plan_after(PlanRequest *request, Query *query, List *changed, EarlyReads *early)
{
	PlanRequest each = *request;
	ReadContext context = {request, changed, early};

	each.query = query;
	each.cursorOptions = 0;
	if (changed == NIL)
		return plan_with_part_rows(&each);
	(void) read_walker((Node *) query, &context);
	if (query->commandType != CMD_SELECT && query->commandType != CMD_INSERT &&
		list_member_oid(changed, target_root(query)))
	{
		if (planner_find_modification(query, false) != query)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot modify table \"%s\" twice in one statement",
							get_rel_name(rt_fetch(query->resultRelation,
												  query->rtable)->relid))));
		each.early = early;
	}
	return plan_with_part_rows(&each);
}

/* the expression as a statement: what it refers to in the main query comes along */
static Query *
make_part(Query *part, List *earlier)
{
	IncrementVarSublevelsUp((Node *) part, -1, 1);
	part->cteList = list_concat(copyObject(earlier), part->cteList);
	part->canSetTag = false;
	return part;
}

/* the same of a SELECT, which may refer to itself */
static Query *
make_select_part(CommonTableExpr *cte, List *earlier)
{
	RangeTblEntry *rte;
	Query	   *part;

	if (!cte->cterecursive)
		return make_part(castNode(Query, copyObject(cte->ctequery)), earlier);
	rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_CTE;
	rte->ctename = cte->ctename;
	rte->coltypes = cte->ctecoltypes;
	rte->coltypmods = cte->ctecoltypmods;
	rte->colcollations = cte->ctecolcollations;
	rte->eref = makeAlias(cte->ctename, copyObject(cte->ctecolnames));
	rte->inFromCl = true;
	part = planner_make_select_from(rte);
	part->targetList = all_columns(castNode(Query, cte->ctequery)->targetList);
	part->cteList = lappend(copyObject(earlier), copyObject(cte));
	part->hasRecursive = true;
	part->canSetTag = false;
	return part;
}

/*
 * A SELECT that must run once, however many parts (more than few) read its rows.  few < 0: any,
 * whatever it is.
 */
static bool
runs_once(CommonTableExpr *cte, int few)
{
	Query	   *query = castNode(Query, cte->ctequery);

	if (few < 0)
		return query->commandType == CMD_SELECT && cte->cterefcount > 0;
	return query->commandType == CMD_SELECT && !cte->cterecursive && cte->cterefcount > few &&
		(query->rowMarks != NIL || contain_volatile_functions((Node *) query));
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

/* SELECTs that more than few references read, and that must run once, are parts, too */
static PlannedStmt *
plan_in_parts(PlanRequest *request, int few)
{
	Query	   *query = copyObject(request->query);
	EarlyReads	early = {NIL, NIL};
	List	   *parts = NIL;
	List	   *ids = NIL;
	List	   *kept = NIL;
	List	   *changed = NIL;
	PlannedStmt *stmt;
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		Query	   *part = castNode(Query, cte->ctequery);
		ReplaceContext context = {cte->ctename, -1, NULL, part->returningList};
		bool		changes = part->commandType != CMD_SELECT;

		if (!changes)
		{
			if (!runs_once(cte, few))
			{
				kept = lappend(kept, cte);
				continue;
			}
			context.targetList = part->targetList;
		}
		/* before its references to itself are replaced, too */
		part = part->commandType == CMD_SELECT ? make_select_part(cte, kept) :
			make_part(copyObject(part), kept);
		context.plan = plan_make(DIST_PLAN_PART_ROWS, "rows of a common table expression");
		context.plan->partId = planner_new_part_id();
		ids = lappend_int(ids, context.plan->partId);
		if (context.targetList != NIL)
			(void) replace_walker((Node *) query, &context);
		parts = lappend(parts, plan_after(request, part, changed, &early));
		if (changes)
			changed = lappend_oid(changed, target_root(part));
	}

	query->cteList = kept;
	query->hasModifyingCTE = false;
	stmt = plan_after(request, query, changed, &early);
	compat_stmt_take_relations(stmt, request->query);
	return planner_add_parts(stmt, list_concat(early.parts, parts),
							 list_concat(early.ids, ids));
}

/*
 * planner_modifying_ctes
 *		Plans a statement with modifying common table expressions over known relations.
 */
PlannedStmt *
planner_modifying_ctes(PlanRequest *request)
{
	return plan_in_parts(request, 1);
}

/* depth: of the node below the statement */
static bool
cte_walker(Node *node, int *depth)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_CTE &&
			((RangeTblEntry *) node)->ctelevelsup == *depth;
	if (IsA(node, Query))
	{
		bool		result;

		++*depth;
		result = query_tree_walker((Query *) node, cte_walker, depth, QTW_EXAMINE_RTES_BEFORE);
		--*depth;
		return result;
	}
	return expression_tree_walker(node, cte_walker, depth);
}

bool
planner_conflict_reads_ctes(Query *query)
{
	int			depth = 0;

	return cte_walker((Node *) query->onConflict, &depth);
}

/* A clause that is read again for each row, as ON CONFLICT is, must find the same rows. */
PlannedStmt *
planner_conflict_ctes(PlanRequest *request)
{
	Query	   *query = request->query;
	ListCell   *lc;

	if (query->onConflict == NULL)
		return NULL;
	if (planner_conflict_reads_ctes(query))
		return plan_in_parts(request, -1);
	foreach(lc, query->cteList)
	{
		if (runs_once(lfirst_node(CommonTableExpr, lc), 0))
			return plan_in_parts(request, 0);
	}
	return NULL;
}
