/*
 * compat_planner.c
 *	  Differences between server majors that only planning sees.
 *
 * A block a release; everything else in the tree sees one signature.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/placeholder.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "citus/base/compat_planner.h"

Node *
compat_flatten_join_alias_vars(Query *query, Node *node)
{
#if PG_VERSION_NUM >= 160000
	return flatten_join_alias_vars(NULL, query, node);
#else
	return flatten_join_alias_vars(query, node);
#endif
}

PlaceHolderInfo *
compat_find_placeholder_info(PlannerInfo *root, PlaceHolderVar *phv)
{
#if PG_VERSION_NUM >= 160000
	return find_placeholder_info(root, phv);
#else
	return find_placeholder_info(root, phv, false);
#endif
}

void
compat_resolve_group_rte(Query *query)
{
#if PG_VERSION_NUM >= 180000
	ListCell   *lc;

	if (!query->hasGroupRTE)
		return;
	query->targetList = (List *) flatten_group_exprs(NULL, query, (Node *) query->targetList);
	query->havingQual = flatten_group_exprs(NULL, query, query->havingQual);
	query->hasGroupRTE = false;

	/* the entry stays so that the others keep their numbers */
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_GROUP)
		{
			rte->rtekind = RTE_RESULT;
			rte->groupexprs = NIL;
		}
	}
#endif
}

#if PG_VERSION_NUM >= 180000
/* what stands for a query's grouping expressions above its grouping step */
typedef struct GroupContext
{
	RangeTblEntry *rte;
	Index		rti;
	int			depth;			/* levels of sub-queries between the node and the query */
} GroupContext;

static Node *
group_mutator(Node *node, GroupContext *context)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	/* the arguments of aggregates and of GROUPING() are from before the grouping step */
	if ((IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->depth) ||
		(IsA(node, GroupingFunc) && ((GroupingFunc *) node)->agglevelsup == context->depth))
		return node;
	foreach(lc, context->rte->groupexprs)
	{
		Node	   *expr = copyObject(lfirst(lc));
		Var		   *var;

		if (context->depth > 0)
			IncrementVarSublevelsUp(expr, context->depth, 0);
		if (!equal(expr, node))
			continue;
		var = makeVar(context->rti, foreach_current_index(lc) + 1, exprType(node),
					  exprTypmod(node), exprCollation(node), context->depth);
		var->varnullingrels = bms_make_singleton(context->rti);
		return (Node *) var;
	}
	if (IsA(node, Query))
	{
		Query	   *query;

		context->depth++;
		query = query_tree_mutator((Query *) node, group_mutator, context, 0);
		context->depth--;
		return (Node *) query;
	}
	return expression_tree_mutator(node, group_mutator, context);
}

static void
restore_group_rte(Query *query)
{
	GroupContext context = {makeNode(RangeTblEntry), list_length(query->rtable) + 1, 0};
	RangeTblEntry *rte = context.rte;
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, query->groupClause)
	{
		TargetEntry *tle = get_sortgroupclause_tle(lfirst(lc), query->targetList);

		rte->groupexprs = lappend(rte->groupexprs, copyObject(tle->expr));
		names = lappend(names, makeString(pstrdup(tle->resname ? tle->resname : "?column?")));
	}
	rte->rtekind = RTE_GROUP;
	rte->eref = makeAlias("*GROUP*", names);
	query->rtable = lappend(query->rtable, rte);
	query->targetList = (List *) group_mutator((Node *) query->targetList, &context);
	query->havingQual = group_mutator(query->havingQual, &context);
	query->hasGroupRTE = true;
}

static bool
restore_group_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		if (query->groupingSets != NIL && query->groupClause != NIL && !query->hasGroupRTE)
			restore_group_rte(query);
		return query_tree_walker(query, restore_group_walker, context, 0);
	}
	return expression_tree_walker(node, restore_group_walker, context);
}
#endif

void
compat_restore_group_rtes(Query *query)
{
#if PG_VERSION_NUM >= 180000
	(void) restore_group_walker((Node *) query, NULL);
#endif
}

void
compat_stmt_add_relation(PlannedStmt *stmt, Query *query, RangeTblEntry *rte)
{
	/* flat copies, as the server's planner makes them: a plan that is kept is copied as a whole */
	rte = memcpy(makeNode(RangeTblEntry), rte, sizeof(RangeTblEntry));
#if PG_VERSION_NUM >= 160000
	if (rte->perminfoindex > 0)
	{
		RTEPermissionInfo *info = getRTEPermissionInfo(query->rteperminfos, rte);

		stmt->permInfos = lappend(stmt->permInfos, memcpy(makeNode(RTEPermissionInfo), info,
														  sizeof(RTEPermissionInfo)));
		rte->perminfoindex = list_length(stmt->permInfos);
	}
#endif
	/* only what locks and permission checks read has to stay */
	rte->subquery = NULL;
	rte->tablesample = NULL;
	rte->securityQuals = NIL;
	stmt->rtable = lappend(stmt->rtable, rte);
#if PG_VERSION_NUM >= 180000
	if (rte->rtekind == RTE_RELATION)
		stmt->unprunableRelids = bms_add_member(stmt->unprunableRelids,
												list_length(stmt->rtable));
#endif
	if (OidIsValid(rte->relid))
		stmt->relationOids = list_append_unique_oid(stmt->relationOids, rte->relid);
}

static bool
take_relations_walker(Node *node, PlannedStmt *stmt)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		bool		hasQueries = query->hasSubLinks || query->cteList != NIL;
		ListCell   *lc;

		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			hasQueries |= rte->rtekind == RTE_SUBQUERY;
			/* views are sub-queries with a relation of their own since 16 */
			if (rte->rtekind == RTE_RELATION ||
				(rte->rtekind == RTE_SUBQUERY && OidIsValid(rte->relid)))
				compat_stmt_add_relation(stmt, query, rte);
		}
		return hasQueries && query_tree_walker(query, take_relations_walker, stmt, 0);
	}
	return expression_tree_walker(node, take_relations_walker, stmt);
}

void
compat_stmt_take_relations(PlannedStmt *stmt, Query *query)
{
	(void) take_relations_walker((Node *) query, stmt);
}

Index
compat_stmt_add_rte(PlannedStmt *stmt, RangeTblEntry *rte)
{
	stmt->rtable = lappend(stmt->rtable, rte);
	return list_length(stmt->rtable);
}

void
compat_query_clear_perminfos(Query *query)
{
#if PG_VERSION_NUM >= 160000
	query->rteperminfos = NIL;
#endif
}

void
compat_query_take_perminfo(Query *to, RangeTblEntry *rte, const Query *from)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *info = getRTEPermissionInfo(from->rteperminfos, rte);

	to->rteperminfos = lappend(to->rteperminfos, copyObject(info));
	rte->perminfoindex = list_length(to->rteperminfos);
#endif
}

Node *
compat_merge_condition(Query *query)
{
#if PG_VERSION_NUM >= 170000
	return query->mergeJoinCondition;
#else
	return NULL;
#endif
}

bool
compat_action_is_by_source(MergeAction *action)
{
#if PG_VERSION_NUM >= 170000
	return action->matchKind == MERGE_WHEN_NOT_MATCHED_BY_SOURCE;
#else
	return false;
#endif
}

bool
compat_action_is_by_target(MergeAction *action)
{
#if PG_VERSION_NUM >= 170000
	return action->matchKind == MERGE_WHEN_NOT_MATCHED_BY_TARGET;
#else
	return !action->matched;
#endif
}

void
compat_action_set_matched(MergeAction *action, bool matched)
{
#if PG_VERSION_NUM >= 170000
	action->matchKind = matched ? MERGE_WHEN_MATCHED : MERGE_WHEN_NOT_MATCHED_BY_TARGET;
#else
	action->matched = matched;
#endif
}

void
compat_merge_fold_view(Query *query)
{
#if PG_VERSION_NUM >= 170000
	ListCell   *lc;

	if (query->jointree->quals == NULL)
		return;
	foreach(lc, query->mergeActionList)
	{
		if (compat_action_is_by_source(lfirst_node(MergeAction, lc)))
			return;
	}
	query->mergeJoinCondition = make_and_qual(query->mergeJoinCondition, query->jointree->quals);
	query->jointree->quals = NULL;
#endif
}

void
compat_merge_forget(Query *query)
{
	query->mergeActionList = NIL;
#if PG_VERSION_NUM >= 170000
	query->mergeTargetRelation = 0;
	query->mergeJoinCondition = NULL;
#else
	query->mergeUseOuterJoin = false;
#endif
}

void
compat_expand_rte(RangeTblEntry *rte, int rtindex, List **names, List **vars)
{
#if PG_VERSION_NUM >= 180000
	expandRTE(rte, rtindex, 0, VAR_RETURNING_DEFAULT, -1, false, names, vars);
#else
	expandRTE(rte, rtindex, 0, -1, false, names, vars);
#endif
}

void
compat_var_set_nulled_by(Var *var, int join)
{
#if PG_VERSION_NUM >= 160000
	var->varnullingrels = bms_make_singleton(join);
#endif
}

Node *
compat_add_nulled_by(Node *node, Relids relids, int join)
{
#if PG_VERSION_NUM >= 160000
	return add_nulling_relids(node, relids, bms_make_singleton(join));
#else
	return node;
#endif
}

CompatReturning
compat_var_returning(const Var *var)
{
#if PG_VERSION_NUM >= 180000
	if (var->varreturningtype == VAR_RETURNING_OLD)
		return COMPAT_RETURNING_OLD;
	if (var->varreturningtype == VAR_RETURNING_NEW)
		return COMPAT_RETURNING_NEW;
#endif
	return COMPAT_RETURNING_CURRENT;
}

bool
compat_is_merge_action(Node *node)
{
#if PG_VERSION_NUM >= 170000
	return IsA(node, MergeSupportFunc);
#else
	return false;
#endif
}

void
compat_var_set_returning(Var *var, CompatReturning row)
{
#if PG_VERSION_NUM >= 180000
	var->varreturningtype = row == COMPAT_RETURNING_OLD ? VAR_RETURNING_OLD :
		row == COMPAT_RETURNING_NEW ? VAR_RETURNING_NEW : VAR_RETURNING_DEFAULT;
#endif
}

Node *
compat_returning_expr(Node *node, bool *old)
{
#if PG_VERSION_NUM >= 180000
	if (IsA(node, ReturningExpr))
	{
		*old = ((ReturningExpr *) node)->retold;
		return (Node *) ((ReturningExpr *) node)->retexpr;
	}
#endif
	return NULL;
}

bool
compat_pathkey_is_descending(const PathKey *pathkey)
{
#if PG_VERSION_NUM >= 180000
	return pathkey->pk_cmptype == COMPARE_GT;
#else
	return pathkey->pk_strategy == BTGreaterStrategyNumber;
#endif
}

void
compat_aggref_forget_order(Aggref *agg)
{
#if PG_VERSION_NUM >= 160000
	agg->aggpresorted = false;
#endif
}
