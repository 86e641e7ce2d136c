/*
 * planner_again.c
 *	  Rows that an UPDATE or DELETE has found, and that have changed when they are locked.
 *
 * One server looks at such a row again as it is now, beside the rows of other relations that had
 * been found with it; it is changed if it still is wanted.  Rows that only have come to be wanted
 * meanwhile are not looked for (EvalPlanQual).  So the query that finds rows, and a node of
 * DIST_PLAN_LOCK goes through, says of other relations all that the rest of the statement reads,
 * and two more statements go with it, which run when rows have changed:
 *
 *		UPDATE t SET a = o.x FROM o WHERE o.y + random() > t.b
 *			->
 *		found:	SELECT t.shard, t.row, o.x, o.x, o.y FROM (SELECT ..) t, o
 *				WHERE o.y + random() > t.b
 *		now:	SELECT .., shard, row FROM t WHERE place = ANY ($places)
 *		again:	SELECT t.shard, t.row, o.x, n FROM (rows of both, and their numbers) WHERE ..
 *
 * Invariant: columns of the rows of "again" are those of "now", those of "found" from ownColumns
 * on, and the number of the candidate.
 *
 * Main path: planner_again_begin(), then planner_again_plan().  The executor's part: lock_again.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "planner_change_internal.h"

struct LookAgain
{
	Query	   *source;			/* what finds the rows, with the target's columns in place */
	Index		target;
	List	   *others;			/* of Var: what it reads of other relations */
	int			ncolumns;		/* of the target's rows; 0: not known yet */
	int			depth;			/* of a walk */
};

/* ---- what is read of others ---- */

static int
find_other(const LookAgain *again, const Var *var)
{
	ListCell   *lc;

	foreach(lc, again->others)
	{
		const Var  *other = lfirst(lc);

		if (other->varno == var->varno && other->varattno == var->varattno)
			return foreach_current_index(lc);
	}
	return -1;
}

static bool
collect_walker(Node *node, LookAgain *again)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varlevelsup == again->depth && var->varno != again->target &&
			find_other(again, var) < 0)
		{
			var = copyObject(var);
			var->varlevelsup = 0;
			again->others = lappend(again->others, var);
		}
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		again->depth++;
		result = query_tree_walker((Query *) node, collect_walker, again, 0);
		again->depth--;
		return result;
	}
	return expression_tree_walker(node, collect_walker, again);
}

/* can they be columns of rows that are kept? */
static bool
others_can_be_kept(const LookAgain *again, const ChangeBuild *build)
{
	ListCell   *lc;

	foreach(lc, again->others)
	{
		if (get_typtype(exprType(lfirst(lc))) == TYPTYPE_PSEUDO)
			return false;
	}
	/* the rows have the target's columns, places and system columns, and the number, too */
	return build->desc->natts + list_length(build->columns) + list_length(again->others) + 10 <
		MaxHeapAttributeNumber;
}

/*
 * planner_again_begin
 *		The source of the statement is complete but for the target, and gives more columns from
 *		here on.  NULL: rows cannot be looked at again.
 */
LookAgain *
planner_again_begin(ChangeBuild *build)
{
	LookAgain  *again = palloc0(sizeof(LookAgain));
	Query	   *source = copyObject(build->source);
	ListCell   *lc;

	source->jointree->quals = planner_flatten(source, source->jointree->quals);
	source->targetList = (List *) planner_flatten(source, (Node *) source->targetList);
	again->source = source;
	again->target = build->target;
	(void) collect_walker(source->jointree->quals, again);
	(void) collect_walker((Node *) source->targetList, again);
	if (!others_can_be_kept(again, build))
		return NULL;
	build->source->targetList = list_copy(build->source->targetList);
	foreach(lc, again->others)
	{
		AttrNumber	number = list_length(build->source->targetList) + 1;

		build->source->targetList =
			lappend(build->source->targetList,
					makeTargetEntry(copyObject(lfirst(lc)), number,
									psprintf("other_%d", number), false));
	}
	return again;
}

/* ---- the target's rows as they are now ---- */

/* place = ANY ($param), of rows of the target */
static Node *
make_place_condition(ChangeBuild *build, int param)
{
	ScalarArrayOpExpr *result = makeNode(ScalarArrayOpExpr);
	Param	   *places = makeNode(Param);

	places->paramkind = PARAM_EXTERN;
	places->paramid = param;
	places->paramtype = get_array_type(TIDOID);
	places->paramtypmod = -1;
	places->location = -1;
	result->opno = TIDEqualOperator;
	result->opfuncid = get_opcode(TIDEqualOperator);
	result->useOr = true;
	result->args = list_make2(planner_place_in_shard(build->target), places);
	result->location = -1;
	return (Node *) result;
}

/* the sub-query of the target's rows at some places; NULL when there is none */
static Query *
make_now(ChangeBuild *build, LookAgain *again, int param)
{
	ChangeBuild now = *build;

	now.source = copyObject(again->source);
	now.targetQuals = lappend(copyObject(build->targetQuals),
							  make_place_condition(build, param));
	now.viewQuals = copyObject(build->viewQuals);
	if (!planner_change_replace_target(&now))
		return NULL;
	return rt_fetch(build->target, now.source->rtable)->subquery;
}

/* ---- the rest of the statement, of rows that were found ---- */

static Node *
place_mutator(Node *node, LookAgain *again)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == again->depth)
	{
		Var		   *var = (Var *) node;
		AttrNumber	attno = var->varno == again->target ? var->varattno :
			again->ncolumns + find_other(again, var) + 1;

		return (Node *) makeVar(1, attno, var->vartype, var->vartypmod, var->varcollid,
								var->varlevelsup);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		again->depth++;
		result = query_tree_mutator((Query *) node, place_mutator, again, 0);
		again->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, place_mutator, again);
}

static List *
add_entry(List *list, Expr *expr)
{
	AttrNumber	number = list_length(list) + 1;

	return lappend(list, makeTargetEntry(expr, number, psprintf("again_%d", number), false));
}

/* what the rows that are looked at are made of; now: the columns of the target */
static List *
row_columns(const LookAgain *again, const Query *now)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, now->targetList)
		columns = add_entry(columns, copyObject(lfirst_node(TargetEntry, lc)->expr));
	foreach(lc, again->others)
		columns = add_entry(columns, copyObject(lfirst(lc)));
	return add_entry(columns, (Expr *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
												 Int32GetDatum(0), false, true));
}

static Query *
make_again(LookAgain *again, const Query *now, int partId)
{
	DistPlan   *rows = plan_make(DIST_PLAN_PART_ROWS, "rows that have changed");
	List	   *columns = row_columns(again, now);
	Query	   *query = planner_make_select_from(planner_plan_rte(rows, columns));
	Var		   *number = makeVar(1, list_length(columns), INT4OID, -1, InvalidOid, 0);

	rows->partId = partId;
	again->ncolumns = list_length(now->targetList);
	query->cteList = again->source->cteList;
	query->hasRecursive = again->source->hasRecursive;
	query->hasSubLinks = again->source->hasSubLinks;
	query->hasRowSecurity = again->source->hasRowSecurity;
	query->jointree->quals = place_mutator(again->source->jointree->quals, again);
	query->targetList = (List *) place_mutator((Node *) again->source->targetList, again);
	query->targetList = add_entry(query->targetList, (Expr *) number);
	return query;
}

/*
 * planner_again_plan
 *		Adds to a plan of DIST_PLAN_LOCK, which has that of the rows that are found, what is needed
 *		to look at them again.  Once the target is in its place.
 */
void
planner_again_plan(ChangeBuild *build, LookAgain *again, DistPlan *plan)
{
	PlanRequest each = *build->request;
	LockSpec   *spec = plan->lock;
	Query	   *now;

	spec->placesParam = planner_max_param(build->query) + 1;
	now = make_now(build, again, spec->placesParam);
	if (now == NULL)
		return;
	spec->againId = planner_new_part_id();
	spec->ownColumns = list_length(again->source->targetList);
	spec->placeColumns = build->desc->natts + 1;
	each.cursorOptions = 0;
	each.early = NULL;
	each.query = now;
	plan->parts = lappend(plan->parts, planner_scan(&each));
	each.query = make_again(again, now, spec->againId);
	plan->parts = lappend(plan->parts, planner_scan(&each));
}
