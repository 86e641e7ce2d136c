/*
 * planner_normalize.c
 *	  Questions about a whole Query, and its normal form.
 *
 * Owns the walks over a Query and everything below it.  What the walks find out about single
 * relations comes from the catalog module's cache; nothing here knows strategies.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/*
 * planner_is_flat
 *		Does no query stand inside of this one?  Walks that look for queries need not go into its
 *		expressions then, of which there may be thousands in VALUES.  For what the server's parser
 *		and rewriter have made: they say where there are sub-links.
 */
bool
planner_is_flat(Query *query)
{
	ListCell   *lc;

	if (query->hasSubLinks || query->cteList != NIL || query->setOperations != NULL)
		return false;
	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_SUBQUERY)
			return false;
	}
	return true;
}

/* the number of a column among those that SET (a, b) = (SELECT ..) assigns; 0 for others */
static bool
multi_assignment_walker(Node *node, int *paramid)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_MULTIEXPR)
	{
		*paramid = ((Param *) node)->paramid;
		return true;
	}
	if (IsA(node, SubLink))
		return false;
	return expression_tree_walker(node, multi_assignment_walker, paramid);
}

static int
compare_assignments(const ListCell *a, const ListCell *b)
{
	TargetEntry *x = lfirst_node(TargetEntry, a);
	TargetEntry *y = lfirst_node(TargetEntry, b);
	int			xid = 0;
	int			yid = 0;

	(void) multi_assignment_walker((Node *) x->expr, &xid);
	(void) multi_assignment_walker((Node *) y->expr, &yid);
	if (x->resjunk != y->resjunk)
		return x->resjunk ? 1 : -1;
	if (xid != yid)
		return xid < yid ? -1 : 1;
	return x->resno < y->resno ? -1 : x->resno > y->resno;
}

/*
 * The rewriter sorts assignments by column.  Printing pairs the columns of SET (b, a) = (SELECT ..)
 * with those of the sub-query by their order, which was the sub-query's.
 */
static void
restore_assignment_order(List *targetList)
{
	list_sort(targetList, compare_assignments);
}

/* ---- what RETURNING makes NULL ---- */

typedef struct ReturnedContext
{
	const Query *query;			/* whose RETURNING it is */
	int			depth;
} ReturnedContext;

/* CASE WHEN the old (or new) row exists THEN value END */
static Node *
null_without_row(const ReturnedContext *context, bool old, Node *value)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);
	Var		   *ctid = makeVar(context->query->resultRelation, SelfItemPointerAttributeNumber,
							   TIDOID, -1, InvalidOid, context->depth);

	compat_var_set_returning(ctid, old ? COMPAT_RETURNING_OLD : COMPAT_RETURNING_NEW);
	test->arg = (Expr *) ctid;
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	when->expr = (Expr *) test;
	when->result = (Expr *) value;
	when->location = -1;
	result->casetype = exprType(value);
	result->casecollid = exprCollation(value);
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(result->casetype, exprTypmod(value),
											   result->casecollid);
	result->location = -1;
	return (Node *) result;
}

/*
 * A view's columns among old.* and new.* are expressions of its tables, which printing shows
 * without what makes them NULL where there is no such row.
 */
static Node *
returned_mutator(Node *node, ReturnedContext *context)
{
	const Query *query = context->query;
	bool		upserts = query->onConflict != NULL &&
		query->onConflict->action == ONCONFLICT_UPDATE;
	Node	   *value;
	bool		old;

	if (node == NULL)
		return NULL;
	value = compat_returning_expr(node, &old);
	if (value != NULL)
	{
		value = returned_mutator(value, context);
		if (query->commandType == CMD_MERGE || upserts)
			return null_without_row(context, old, value);
		if (query->commandType == (old ? CMD_INSERT : CMD_DELETE))
			return (Node *) makeNullConst(exprType(value), exprTypmod(value),
										  exprCollation(value));
		return value;
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, returned_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, returned_mutator, context);
}

static bool
returned_walker(Node *node, void *context)
{
	bool		old;

	if (node == NULL)
		return false;
	if (compat_returning_expr(node, &old) != NULL)
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, returned_walker, context, 0);
	return expression_tree_walker(node, returned_walker, context);
}

static void
resolve_returned(Query *query)
{
	ReturnedContext context = {query, 0};

	if (returned_walker((Node *) query->returningList, NULL))
		query->returningList = (List *) returned_mutator((Node *) query->returningList,
														 &context);
}

/* the value of (SELECT expression), as an expression of the level around it; or NULL */
static Node *
value_of_sublink(SubLink *sublink)
{
	Query	   *query = (Query *) sublink->subselect;
	TargetEntry *tle;

	if (sublink->subLinkType != EXPR_SUBLINK || !IsA(query, Query) || query->hasSubLinks ||
		list_length(query->targetList) != 1 || !planner_query_is_a_row(query) ||
		contain_volatile_functions((Node *) query->targetList))
		return NULL;
	tle = linitial_node(TargetEntry, query->targetList);
	if (contain_vars_of_level((Node *) tle->expr, 1))
		return NULL;
	tle = copyObject(tle);
	IncrementVarSublevelsUp((Node *) tle->expr, -1, 1);
	return (Node *) tle->expr;
}

/* below the level's own conditions, for queries below it are levels of their own */
static Node *
sublink_mutator(Node *node, void *context)
{
	Node	   *value;

	if (node == NULL)
		return NULL;
	if (IsA(node, SubLink))
	{
		value = value_of_sublink((SubLink *) node);
		return value != NULL ? value : node;
	}
	return expression_tree_mutator(node, sublink_mutator, context);
}

static bool
normalize_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		compat_resolve_group_rte(query);
		resolve_returned(query);
		/* conditions on the key are to be seen in what asks for a value in this way, too */
		if (query->hasSubLinks && query->jointree != NULL)
			query->jointree = (FromExpr *) sublink_mutator((Node *) query->jointree, NULL);
		if (query->commandType == CMD_MERGE)
			compat_merge_fold_view(query);
		if (query->commandType == CMD_UPDATE)
			restore_assignment_order(query->targetList);
		if (query->onConflict != NULL)
			restore_assignment_order(query->onConflict->onConflictSet);
		foreach(lc, query->mergeActionList)
		{
			MergeAction *action = lfirst_node(MergeAction, lc);

			if (action->commandType == CMD_UPDATE)
				restore_assignment_order(action->targetList);
		}
		/* many rows of values */
		if (query->commandType == CMD_INSERT && planner_is_flat(query))
			return false;
		return query_tree_walker(query, normalize_walker, context, 0);
	}
	return expression_tree_walker(node, normalize_walker, context);
}

Query *
planner_normalize(Query *query)
{
	Query	   *copy = copyObject(query);

	(void) normalize_walker((Node *) copy, NULL);
	return copy;
}

Node *
planner_flatten(Query *query, Node *node)
{
	if (node == NULL)
		return NULL;
	return compat_flatten_join_alias_vars(query, copyObject(node));
}

/* true when the query's rows are those of its FROM clause, without a condition */
static bool
selects_plainly(Query *query)
{
	return query->commandType == CMD_SELECT && query->cteList == NIL &&
		query->jointree->quals == NULL && query->limitCount == NULL &&
		query->limitOffset == NULL && query->havingQual == NULL && !query->hasAggs &&
		!query->hasWindowFuncs && !query->hasTargetSRFs && query->setOperations == NULL &&
		query->groupClause == NIL && query->groupingSets == NIL;
}

bool
planner_query_is_a_row(Query *query)
{
	return selects_plainly(query) && query->rtable == NIL;
}

/* the value of a column of a query that is SELECT expressions, or one row of VALUES; or NULL */
static Node *
value_of_row(Query *query, AttrNumber attno)
{
	TargetEntry *tle = list_nth_node(TargetEntry, query->targetList, attno - 1);
	RangeTblEntry *values;

	if (planner_query_is_a_row(query))
		return (Node *) tle->expr;
	if (!selects_plainly(query) || list_length(query->rtable) != 1 || !IsA(tle->expr, Var))
		return NULL;
	values = linitial_node(RangeTblEntry, query->rtable);
	if (values->rtekind != RTE_VALUES || list_length(values->values_lists) != 1)
		return NULL;
	return list_nth(linitial(values->values_lists), ((Var *) tle->expr)->varattno - 1);
}

typedef struct FoldContext
{
	Query	   *query;
	Bitmapset  *rows;			/* entries that are one row */
	int			depth;
} FoldContext;

static Node *
fold_mutator(Node *node, FoldContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->depth &&
		((Var *) node)->varattno > 0 &&
		bms_is_member(((Var *) node)->varno, context->rows))
	{
		RangeTblEntry *rte = rt_fetch(((Var *) node)->varno, context->query->rtable);
		Node	   *value = value_of_row(rte->subquery, ((Var *) node)->varattno);

		return copyObject(value == NULL ? node : value);
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, fold_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, fold_mutator, context);
}

/*
 * A copy of the query in which columns of sub-queries that are one row, (VALUES (1, 'x')), have
 * become the values; for questions about it.  Rows that an outer join may make NULL stay.
 */
Query *
planner_fold_rows(Query *query)
{
	FoldContext context = {query, NULL, 0};
	ListCell   *lc;

	foreach(lc, query->jointree->fromlist)
	{
		Index		rti = IsA(lfirst(lc), RangeTblRef) ? ((RangeTblRef *) lfirst(lc))->rtindex : 0;
		RangeTblEntry *rte = rti == 0 ? NULL : rt_fetch(rti, query->rtable);

		if (rte != NULL && rte->rtekind == RTE_SUBQUERY && !rte->lateral &&
			!rte->subquery->hasSubLinks && !contain_volatile_functions((Node *) rte->subquery))
			context.rows = bms_add_member(context.rows, rti);
	}
	return context.rows == NULL ? query :
		query_tree_mutator(query, fold_mutator, &context, 0);
}

/* which column Vars of level 0 name in the text they were parsed from is forgotten */
static bool
forget_syntax_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == 0)
			((Var *) node)->varnosyn = ((Var *) node)->varattnosyn = 0;
		return false;
	}
	/* Vars of deeper levels keep theirs: join aliases are there still */
	return expression_tree_walker(node, forget_syntax_walker, context);
}

void
planner_move_vars(Node *expr, Index from, Index to)
{
	ChangeVarNodes(expr, from, to, 0);
	(void) forget_syntax_walker(expr, NULL);
}

static bool
known_relation_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		return rte->rtekind == RTE_RELATION && catalog_table_is_known(rte->relid);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, known_relation_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, known_relation_walker, context);
}

bool
planner_has_known_relation(Query *query)
{
	ListCell   *lc;

	/* mostly it is one of the query's own, found without a walk over its expressions */
	foreach(lc, query->rtable)
	{
		if (known_relation_walker(lfirst(lc), NULL))
			return true;
	}
	return query_tree_walker(query, known_relation_walker, NULL, QTW_EXAMINE_RTES_BEFORE);
}

static bool
reference_walker(Node *node, Oid *found)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;
		const DistTable *table = rte->rtekind == RTE_RELATION ?
			catalog_table_get(rte->relid) : NULL;

		if (table != NULL && table->kind == DIST_TABLE_REFERENCE)
			*found = rte->relid;
		return OidIsValid(*found);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, reference_walker, found,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, reference_walker, found);
}

Oid
planner_first_reference(Query *query)
{
	Oid			found = InvalidOid;

	(void) query_tree_walker(query, reference_walker, &found, QTW_EXAMINE_RTES_BEFORE);
	return found;
}

/* context of correlated_walker: how many Query levels are above the node */
typedef struct LevelContext
{
	int			depth;
} LevelContext;

static bool
correlated_walker(Node *node, LevelContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varlevelsup > context->depth;
	if (IsA(node, Aggref))
	{
		if (((Aggref *) node)->agglevelsup > context->depth)
			return true;
	}
	else if (IsA(node, GroupingFunc))
	{
		if (((GroupingFunc *) node)->agglevelsup > context->depth)
			return true;
	}
	else if (IsA(node, PlaceHolderVar))
		return true;
	else if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		/* the contents of the entry are walked by query_tree_walker */
		return rte->rtekind == RTE_CTE && rte->ctelevelsup > context->depth;
	}
	else if (IsA(node, Query))
	{
		bool		result;

		context->depth++;
		result = query_tree_walker((Query *) node, correlated_walker, context,
								   QTW_EXAMINE_RTES_BEFORE);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, correlated_walker, context);
}

bool
planner_is_correlated(Query *query)
{
	LevelContext context = {0};

	return query_tree_walker(query, correlated_walker, &context, QTW_EXAMINE_RTES_BEFORE);
}

bool
planner_expr_is_correlated(Node *expr)
{
	LevelContext context = {0};

	return correlated_walker(expr, &context);
}

typedef struct ModificationContext
{
	Query	   *found;
	bool		skip;
} ModificationContext;

static bool
modification_walker(Node *node, ModificationContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		bool		skip = context->skip;

		context->skip = false;
		if (!skip && query->commandType != CMD_SELECT && query->resultRelation > 0 &&
			catalog_table_is_known(rt_fetch(query->resultRelation, query->rtable)->relid))
		{
			context->found = query;
			return true;
		}
		return !planner_is_flat(query) &&
			query_tree_walker(query, modification_walker, context, 0);
	}
	return expression_tree_walker(node, modification_walker, context);
}

Query *
planner_find_modification(Query *query, bool skipTop)
{
	ModificationContext context = {NULL, skipTop};

	(void) modification_walker((Node *) query, &context);
	return context.found;
}
