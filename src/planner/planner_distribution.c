/*
 * planner_distribution.c
 *	  Where the rows of a query come from: may it run per shard, or on one shard only?
 *
 * The argument.  Let Q(i) be the query with every keyed relation replaced by its shard of index i.
 * Q is *complete* when its rows are the disjoint union of the rows of all Q(i), and *pinned* to a
 * key value v when its rows are those of Q(i) for the shard i that owns v.
 *
 * Every relation with shards starts a Part: a set of rows cut by the key.  Two parts become one
 * where a join, a correlated condition or a set operation demands that their keys are equal:
 * matching rows then have the same shard index.  A query whose rows come from one part, and which
 * contains nothing that looks at rows of several shards at once, is complete.
 *
 * A part is
 *	 partial	its rows of different shards overlap or depend on each other (the outer side of a
 *				join was a reference table, or an aggregate sits above it): right only when joined
 *				to another part by key, or pinned;
 *	 closed		its key is not visible any more: only what was known inside can pin it.
 *
 * Invariants: (1) keys hold Vars that are never NULL in the rows of the source and whose token is
 * in the range of the shard the row came from; nullable ones may be NULL besides; (2) classes hold
 * Vars that are equal, and so not NULL, in every row of the source; (3) prunes hold for every row
 * that can contribute to the result.
 *
 * Not here: which functions may leave the node (planner_ship.c), and what the top level of a query
 * does with its rows (planner_merge.c).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "citus/routing/routing.h"
#include "planner/planner_parts_internal.h"

/* one query level under analysis */
typedef struct Level
{
	Query	   *query;
	struct Level *parent;
	List	   *activeCtes;		/* names of CTEs of this level being analysed (recursion) */
} Level;

/* findings about the whole statement; one analysis runs at a time per call of planner_shape() */
typedef struct Findings
{
	QueryShape *shape;
	const DistTable *table;		/* first relation with shards */
	const char *blocked;		/* neither complete nor pinned is possible */
	bool		unstableReplica;	/* copies of a reference table may answer differently */
} Findings;

typedef struct Analysis
{
	Findings   *findings;
	Level	   *level;
} Analysis;

static RowSource *analyze_jointree(Analysis *analysis, Node *node);
static List *analyze_query(Analysis *analysis, Query *query);
static void absorb_sublinks(Analysis *analysis, Node *expr, RowSource *source);
static void absorb_clauses(Analysis *analysis, List *clauses, RowSource *source);

static List *
quals_of(Analysis *analysis, Node *quals)
{
	return make_ands_implicit((Expr *) planner_flatten(analysis->level->query, quals));
}

/* ---- range table entries ---- */

static void
block(Analysis *analysis, const char *reason)
{
	if (analysis->findings->blocked == NULL)
		analysis->findings->blocked = reason;
}

/* tables of one group have shards of equal index on equal nodes; managed local ones likewise */
static bool
tables_are_colocated(const DistTable *a, const DistTable *b)
{
	return a->colocationId == b->colocationId && a->kind == b->kind;
}

static Part *
part_of_table(Analysis *analysis, Index rti, const DistTable *table)
{
	Findings   *findings = analysis->findings;
	Part	   *part = palloc0(sizeof(Part));

	findings->shape->hasShards = true;
	if (findings->table == NULL)
		findings->table = table;
	else if (!tables_are_colocated(findings->table, table))
		block(analysis, "the query's tables are not colocated");
	if (table->kind == DIST_TABLE_APPEND || table->kind == DIST_TABLE_RANGE)
		block(analysis, "an append or range distributed table is not cut by hash");

	part->table = table;
	if (DIST_TABLE_HAS_KEY(table))
		part->keys = list_make1(makeVar(rti, table->keyAttno, table->keyType, table->keyTypmod,
										table->keyCollation, 0));
	else
		part->partial = part->closed = true;
	return part;
}

static RowSource *
source_of_relation(Analysis *analysis, Index rti, RangeTblEntry *rte)
{
	RowSource  *source = palloc0(sizeof(RowSource));
	const DistTable *table = catalog_table_get(rte->relid);

	if (planner_relation_asks_caller(analysis->level->query, rte))
	{
		analysis->findings->shape->hasLocal = true;
		block(analysis, "policies ask for the current user, who is not whom shards are read by");
	}
	if (planner_sample_is_computed(rte))
		block(analysis, "a sample's size is computed on this node");
	if (table == NULL)
	{
		analysis->findings->shape->hasLocal = true;
		block(analysis, "a relation exists on this node only");
	}
	else if (table->kind == DIST_TABLE_REFERENCE)
	{
		analysis->findings->shape->hasReplicas = true;
		if (rte->tablesample != NULL)
			analysis->findings->unstableReplica = true;
	}
	else
		source->parts = list_make1(part_of_table(analysis, rti, table));
	return source;
}

/* rows that were moved are cut by their column as the shards of another table are by its key */
static RowSource *
source_of_moved(Analysis *analysis, Index rti, RangeTblEntry *rte, Oid anchor, AttrNumber key)
{
	RowSource  *source = palloc0(sizeof(RowSource));
	RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);
	Part	   *part = part_of_table(analysis, rti, catalog_table_get(anchor));

	part->moved = true;
	part->keys = NIL;
	part->nullable = list_make1(makeVar(rti, key, list_nth_oid(function->funccoltypes, key - 1),
										list_nth_int(function->funccoltypmods, key - 1),
										list_nth_oid(function->funccolcollations, key - 1), 0));
	source->parts = list_make1(part);
	return source;
}

/* Vars of a sub-query's level, seen one level further out */
static List *
vars_lift(List *vars)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *var = copyObject(lfirst_node(Var, lc));

		var->varlevelsup--;
		result = lappend(result, var);
	}
	return result;
}

/* the parts of a query become those of the range table entry that holds it */
static RowSource *
source_of_subquery(Analysis *analysis, Index rti, Query *query, bool keepLinks)
{
	RowSource  *source = palloc0(sizeof(RowSource));
	ListCell   *lc;

	source->parts = analyze_query(analysis, query);
	foreach(lc, source->parts)
	{
		Part	   *part = lfirst(lc);
		ListCell   *var;

		foreach(var, list_concat_copy(part->keys, part->nullable))
			((Var *) lfirst(var))->varno = rti;
		part->links = keepLinks ? vars_lift(part->links) : NIL;
		if (!keepLinks && part->keys == NIL && part->nullable == NIL)
			planner_part_close(part);
	}
	return source;
}

static RowSource *
source_of_cte(Analysis *analysis, Index rti, RangeTblEntry *rte)
{
	Level	   *saved = analysis->level;
	Level	   *level = saved;
	CommonTableExpr *cte = NULL;
	RowSource  *source = palloc0(sizeof(RowSource));
	ListCell   *lc;

	for (Index up = rte->ctelevelsup; up > 0 && level != NULL; up--)
		level = level->parent;
	if (level != NULL)
	{
		foreach(lc, level->query->cteList)
		{
			if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename, rte->ctename) == 0)
				cte = lfirst(lc);
		}
	}
	if (cte == NULL)
	{
		block(analysis, "a common table expression belongs to an outer query");
		return source;
	}

	foreach(lc, level->activeCtes)
	{
		/* the recursive term reads what the statement itself has made so far */
		if (strcmp(lfirst(lc), cte->ctename) == 0)
			return source;
	}
	level->activeCtes = lcons(cte->ctename, level->activeCtes);
	analysis->level = level;
	source = source_of_subquery(analysis, rti, castNode(Query, cte->ctequery), false);
	analysis->level = saved;
	level->activeCtes = list_delete_first(level->activeCtes);

	if (cte->cterecursive)
	{
		foreach(lc, source->parts)
			planner_part_close(lfirst(lc));
	}
	return source;
}

static RowSource *
source_of_rte(Analysis *analysis, Index rti)
{
	RangeTblEntry *rte = rt_fetch(rti, analysis->level->query->rtable);
	RowSource  *source;
	Oid			anchor;
	AttrNumber	key;

	switch (rte->rtekind)
	{
		case RTE_RELATION:
			return source_of_relation(analysis, rti, rte);
		case RTE_SUBQUERY:
			return source_of_subquery(analysis, rti, rte->subquery, true);
		case RTE_CTE:
			return source_of_cte(analysis, rti, rte);
		case RTE_FUNCTION:
		case RTE_TABLEFUNC:
		case RTE_VALUES:
			if (planner_rte_is_moved(rte, &anchor, &key))
				return source_of_moved(analysis, rti, rte, anchor, key);
			if (planner_rte_plan(rte) != NULL)
				block(analysis, "an earlier part of the statement gives rows to this node");
			source = palloc0(sizeof(RowSource));
			absorb_sublinks(analysis, (Node *) rte->functions, source);
			absorb_sublinks(analysis, (Node *) rte->tablefunc, source);
			absorb_sublinks(analysis, (Node *) rte->values_lists, source);
			return source;
		case RTE_RESULT:
			return palloc0(sizeof(RowSource));
		default:
			block(analysis, "a row source exists on this node only");
			return palloc0(sizeof(RowSource));
	}
}

/* ---- joins ---- */

static RowSource *
source_inner_join(Analysis *analysis, List *sources, Node *quals)
{
	RowSource  *result = palloc0(sizeof(RowSource));
	List	   *clauses = quals_of(analysis, quals);
	ListCell   *lc;

	foreach(lc, sources)
	{
		RowSource  *source = lfirst(lc);
		ListCell   *class;

		result->parts = list_concat_copy(result->parts, source->parts);
		foreach(class, source->classes)
			result->classes = planner_classes_add(result->classes, lfirst(class));
	}
	result->classes = planner_classes_from_quals(result->classes, clauses);
	planner_source_merge_parts(result);
	foreach(lc, result->parts)
		planner_part_add_prunes(lfirst(lc), clauses);
	absorb_clauses(analysis, clauses, result);
	return result;
}

/* a part of left that part's key is equal to wherever the two are joined */
static Part *
find_linked_part(List *parts, Part *part, List *classes)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		Part	   *candidate = lfirst(lc);
		ListCell   *class;

		if (candidate->closed)
			continue;
		if (planner_parts_touch(candidate, part))
			return candidate;
		foreach(class, classes)
		{
			if (planner_part_touches(candidate, lfirst(class)) &&
				planner_part_touches(part, lfirst(class)))
				return candidate;
		}
	}
	return NULL;
}

static void
part_make_nullable(Part *part)
{
	part->nullable = planner_vars_union(list_copy(part->nullable), part->keys);
	part->keys = NIL;
}

/* entries of the range table that a join tree node reads */
static Bitmapset *
entries_of(Node *node)
{
	Bitmapset  *entries = NULL;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, RangeTblRef))
		return bms_make_singleton(((RangeTblRef *) node)->rtindex);
	if (IsA(node, JoinExpr))
		return bms_join(entries_of(((JoinExpr *) node)->larg),
						entries_of(((JoinExpr *) node)->rarg));
	foreach(lc, castNode(FromExpr, node)->fromlist)
		entries = bms_join(entries, entries_of(lfirst(lc)));
	return entries;
}

/*
 * Of the Vars that the condition of an outer join makes equal, those that are NULL where it does
 * not hold, and those of outer levels; the other side's keep whatever values they have.
 */
static List *
nulled_vars(List *class, const Bitmapset *entries)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, class)
	{
		Var		   *var = lfirst_node(Var, lc);

		if (var->varlevelsup > 0 || bms_is_member(var->varno, entries))
			result = lappend(result, var);
	}
	return result;
}

/* nulled: the join tree node of right */
static RowSource *
source_left_join(Analysis *analysis, RowSource *left, RowSource *right, Node *nulled, Node *quals)
{
	Bitmapset  *entries = entries_of(nulled);
	RowSource  *result = palloc0(sizeof(RowSource));
	List	   *clauses = quals_of(analysis, quals);
	List	   *classes = list_concat_copy(left->classes, NIL);
	RowSource	sublinks = {NIL, NIL};
	ListCell   *lc;

	foreach(lc, right->classes)
		classes = planner_classes_add(classes, lfirst(lc));
	classes = planner_classes_from_quals(classes, clauses);

	result->classes = left->classes;
	result->parts = list_copy(left->parts);
	foreach(lc, right->parts)
	{
		Part	   *part = planner_part_copy(lfirst(lc));
		Part	   *partner = find_linked_part(left->parts, part, classes);
		ListCell   *class;

		planner_part_add_prunes(part, clauses);
		foreach(class, classes)
		{
			if (planner_part_touches(part, lfirst(class)))
				planner_part_take_class(part, nulled_vars(lfirst(class), entries));
		}
		part_make_nullable(part);
		if (partner != NULL)
		{
			partner->nullable = planner_vars_union(list_copy(partner->nullable), part->nullable);
			continue;
		}
		part->partial = true;
		result->parts = lappend(result->parts, part);
	}
	absorb_clauses(analysis, clauses, &sublinks);
	result->parts = list_concat(result->parts, sublinks.parts);
	return result;
}

static RowSource *
source_full_join(Analysis *analysis, RowSource *left, RowSource *right, Node *quals)
{
	RowSource  *result = palloc0(sizeof(RowSource));
	List	   *clauses = quals_of(analysis, quals);
	List	   *classes = list_concat_copy(left->classes, right->classes);
	RowSource	sublinks = {NIL, NIL};
	ListCell   *lc;

	classes = planner_classes_from_quals(classes, clauses);
	foreach(lc, list_concat_copy(left->parts, right->parts))
	{
		Part	   *part = planner_part_copy(lfirst(lc));
		Part	   *partner = find_linked_part(result->parts, part, classes);

		part_make_nullable(part);
		if (partner != NULL && !partner->partial && !part->partial)
		{
			partner->nullable = planner_vars_union(partner->nullable, part->nullable);
			partner->prunes = NIL;
			continue;
		}
		part->partial = part->partial || left->parts == NIL || right->parts == NIL;
		result->parts = lappend(result->parts, part);
	}
	absorb_clauses(analysis, clauses, &sublinks);
	result->parts = list_concat(result->parts, sublinks.parts);
	return result;
}

static RowSource *
analyze_jointree(Analysis *analysis, Node *node)
{
	check_stack_depth();

	if (IsA(node, RangeTblRef))
		return source_of_rte(analysis, ((RangeTblRef *) node)->rtindex);
	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;
		List	   *sources = NIL;
		ListCell   *lc;

		foreach(lc, from->fromlist)
			sources = lappend(sources, analyze_jointree(analysis, lfirst(lc)));
		return source_inner_join(analysis, sources, from->quals);
	}
	else
	{
		JoinExpr   *join = castNode(JoinExpr, node);
		RowSource  *left = analyze_jointree(analysis, join->larg);
		RowSource  *right = analyze_jointree(analysis, join->rarg);

		switch (join->jointype)
		{
			case JOIN_INNER:
				return source_inner_join(analysis, list_make2(left, right), join->quals);
			case JOIN_LEFT:
				return source_left_join(analysis, left, right, join->rarg, join->quals);
			case JOIN_RIGHT:
				return source_left_join(analysis, right, left, join->larg, join->quals);
			default:
				return source_full_join(analysis, left, right, join->quals);
		}
	}
}

/* ---- sublinks ---- */

/* Vars that are the key or NULL */
static List *
key_or_null(Part *part)
{
	return planner_vars_union(list_copy(part->nullable), part->keys);
}

typedef struct SublinkContext
{
	Analysis   *analysis;
	RowSource  *source;
	bool		nullIsFalse;	/* of the outermost sublink */
	bool		demanded;		/* the outermost sublink must have a row that matches */
} SublinkContext;

/* the outer Var that testexpr compares with output column paramid by the key's equality */
static void
link_by_testexpr(Part *part, Node *testexpr, bool nullIsFalse)
{
	OpExpr	   *op;
	Var		   *outer;
	Node	   *param;
	ListCell   *lc;

	if (testexpr == NULL)
		return;
	if (is_andclause(testexpr))
	{
		foreach(lc, ((BoolExpr *) testexpr)->args)
			link_by_testexpr(part, lfirst(lc), nullIsFalse);
		return;
	}
	if (!IsA(testexpr, OpExpr) || list_length(((OpExpr *) testexpr)->args) != 2)
		return;
	op = (OpExpr *) testexpr;
	outer = planner_strip_to_var(linitial(op->args));
	param = lsecond(op->args);
	while (IsA(param, RelabelType))
		param = (Node *) ((RelabelType *) param)->arg;
	if (outer == NULL || outer->varlevelsup > 0 || !IsA(param, Param) ||
		((Param *) param)->paramkind != PARAM_SUBLINK ||
		((Param *) param)->paramtype != outer->vartype ||
		!planner_operator_is_key_equality(op->opno, outer->vartype))
		return;

	/* a NULL among the rows makes "no match" unknown, which may be the same */
	foreach(lc, nullIsFalse ? key_or_null(part) : part->keys)
	{
		if (((Var *) lfirst(lc))->varattno == ((Param *) param)->paramid)
		{
			part->links = planner_vars_union(list_copy(part->links), list_make1(outer));
			return;
		}
	}
}

/*
 * A part inside a sublink needs no place of its own when its key equals the outer row's: all rows
 * it can see for that row are in the same shard.  A NULL outer key is told from an empty set by
 * ANY and ALL, so there it must be a key that is never NULL.
 */
static void
absorb_sublink_part(RowSource *source, Part *part, SubLinkType type, bool demanded)
{
	ListCell   *lc;

	foreach(lc, source->parts)
	{
		Part	   *host = lfirst(lc);

		if (host->closed)
			continue;
		if (planner_vars_overlap(host->keys, part->links) ||
			(type != ANY_SUBLINK && type != ALL_SUBLINK &&
			 planner_vars_overlap(host->nullable, part->links)))
		{
			/* a row that fulfils the condition has a partner with its key */
			if (demanded && !part->partial)
				host->prunes = list_concat_copy(host->prunes, part->prunes);
			return;
		}
	}

	part = planner_part_copy(part);
	part->keys = part->nullable = NIL;
	part->partial = true;
	if (part->links == NIL)
		part->closed = true;
	source->parts = lappend(source->parts, part);
}

static bool
sublink_walker(Node *node, SublinkContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;
		Node	   *testexpr = planner_flatten(context->analysis->level->query,
											   sublink->testexpr);
		bool		nullIsFalse = context->nullIsFalse;
		bool		demanded = context->demanded;
		ListCell   *lc;

		context->nullIsFalse = context->demanded = false;

		foreach(lc, analyze_query(context->analysis, castNode(Query, sublink->subselect)))
		{
			Part	   *part = lfirst(lc);

			part->links = vars_lift(part->links);
			if (sublink->subLinkType == ANY_SUBLINK && !part->partial)
				link_by_testexpr(part, testexpr, nullIsFalse);
			absorb_sublink_part(context->source, part,
								nullIsFalse ? EXISTS_SUBLINK : sublink->subLinkType, demanded);
		}
		return sublink_walker(sublink->testexpr, context);
	}
	if (IsA(node, Query))
		return false;
	return expression_tree_walker(node, sublink_walker, context);
}

static void
absorb_sublinks(Analysis *analysis, Node *expr, RowSource *source)
{
	SublinkContext context = {analysis, source, false, false};

	(void) sublink_walker(expr, &context);
}

/* conditions that rows must fulfil: one that is unknown keeps a row away as one that is false */
static void
absorb_clauses(Analysis *analysis, List *clauses, RowSource *source)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		SublinkContext context = {analysis, source, false, false};
		SubLink    *sublink = lfirst(lc);

		if (IsA(sublink, SubLink))
		{
			context.nullIsFalse = sublink->subLinkType == ANY_SUBLINK;
			context.demanded = context.nullIsFalse || sublink->subLinkType == EXISTS_SUBLINK;
		}
		(void) sublink_walker((Node *) sublink, &context);
	}
}

/* ---- queries ---- */

static bool
clause_has_key(Query *query, List *clauses, List *keys)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		TargetEntry *tle = get_sortgroupclause_tle(clause, query->targetList);
		Var		   *var = planner_strip_to_var(planner_flatten(query, (Node *) tle->expr));

		if (var != NULL && var->varlevelsup == 0 && planner_var_in_list(var, keys) &&
			planner_operator_is_key_equality(clause->eqop, var->vartype))
			return true;
	}
	return false;
}

/* true when nothing in the query looks at rows of several shards together */
static bool
query_works_per_shard(Query *query, List *keys)
{
	ListCell   *lc;

	if (query->limitCount != NULL || query->limitOffset != NULL)
		return false;
	if (query->groupingSets != NIL)
		return false;
	if ((query->hasAggs || query->groupClause != NIL || query->havingQual != NULL) &&
		!clause_has_key(query, query->groupClause, keys))
		return false;
	if (query->distinctClause != NIL && !clause_has_key(query, query->distinctClause, keys))
		return false;
	if (query->hasWindowFuncs)
	{
		foreach(lc, query->windowClause)
		{
			if (!clause_has_key(query, lfirst_node(WindowClause, lc)->partitionClause, keys))
				return false;
		}
	}
	return true;
}

/* turns keys of the query's own level into its output columns (varno is the caller's to set) */
static List *
vars_to_outputs(Query *query, List *vars)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Var		   *var;

		if (tle->resjunk)
			continue;
		var = planner_strip_to_var(planner_flatten(query, (Node *) tle->expr));
		if (var != NULL && var->varlevelsup == 0 && planner_var_in_list(var, vars))
			result = lappend(result,
							 makeVar(1, tle->resno, exprType((Node *) tle->expr),
									 exprTypmod((Node *) tle->expr),
									 exprCollation((Node *) tle->expr), 0));
	}
	return result;
}

/* what is known about rows that come from either side */
static List *
prunes_of_either(const Part *part, const Part *other)
{
	if (part->prunes == NIL || other->prunes == NIL)
		return NIL;
	if (equal(part->prunes, other->prunes))
		return part->prunes;
	return list_make1(plan_prune_make(PRUNE_OR, NULL,
									  list_make2(plan_prune_make(PRUNE_AND, NULL, part->prunes),
												 plan_prune_make(PRUNE_AND, NULL,
																 other->prunes))));
}

static List *
setop_combine(List *left, List *right)
{
	Part	   *part;
	Part	   *other;
	ListCell   *lc;

	if (list_length(left) == 1 && list_length(right) == 1)
	{
		part = planner_part_copy(linitial(left));
		other = linitial(right);
		part->keys = planner_vars_intersection(part->keys, other->keys);
		part->nullable = planner_vars_intersection(key_or_null(linitial(left)),
												   key_or_null(other));
		part->links = planner_vars_intersection(part->links, other->links);
		part->prunes = prunes_of_either(part, other);
		part->partial = part->partial || other->partial;
		if (part->keys != NIL || part->links != NIL)
			return list_make1(part);
	}

	left = list_concat_copy(left, right);
	foreach(lc, left)
	{
		Part	   *each = lfirst(lc);

		each->keys = each->nullable = NIL;
		each->partial = true;
		each->closed = each->links == NIL;
	}
	return left;
}

/*
 * Rows of UNION ALL stay where they are, whatever their keys: a plain concatenation of complete
 * legs is complete.
 */
static List *
union_all_combine(List *left, List *right)
{
	Part	   *part;
	Part	   *other;

	if (list_length(left) != 1 || list_length(right) != 1)
		return setop_combine(left, right);
	part = planner_part_copy(linitial(left));
	other = linitial(right);
	if (part->closed || other->closed || part->partial || other->partial)
		return setop_combine(left, right);
	part->keys = planner_vars_intersection(part->keys, other->keys);
	part->nullable = NIL;
	part->links = planner_vars_intersection(part->links, other->links);
	part->prunes = prunes_of_either(part, other);
	return list_make1(part);
}

static List *
analyze_setop(Analysis *analysis, Node *node)
{
	check_stack_depth();

	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex,
									  analysis->level->query->rtable);
		ListCell   *lc;
		List	   *parts = analyze_query(analysis, rte->subquery);

		/* the leg is a level of its own; links are to levels above the set operation */
		foreach(lc, parts)
			((Part *) lfirst(lc))->links = vars_lift(((Part *) lfirst(lc))->links);
		return parts;
	}
	else
	{
		SetOperationStmt *setop = castNode(SetOperationStmt, node);
		List	   *left = analyze_setop(analysis, setop->larg);
		List	   *right = analyze_setop(analysis, setop->rarg);

		if (setop->op == SETOP_UNION && setop->all)
			return union_all_combine(left, right);
		return setop_combine(left, right);
	}
}

/* the rows of one level before GROUP BY and all that follows it */
static RowSource *
analyze_level(Analysis *analysis)
{
	Query	   *query = analysis->level->query;
	RowSource  *source;

	analysis->findings->shape->locksReplicas |= planner_locks_replica(query);
	if (query->setOperations != NULL)
	{
		ListCell   *lc;
		int			first = 0;

		source = palloc0(sizeof(RowSource));
		source->parts = analyze_setop(analysis, query->setOperations);

		/* output columns of a set operation are Vars of its leftmost leg */
		for (Node *leg = query->setOperations; first == 0;)
		{
			if (IsA(leg, RangeTblRef))
				first = ((RangeTblRef *) leg)->rtindex;
			else
				leg = ((SetOperationStmt *) leg)->larg;
		}
		foreach(lc, source->parts)
		{
			Part	   *part = lfirst(lc);
			ListCell   *var;

			foreach(var, list_concat_copy(part->keys, part->nullable))
				((Var *) lfirst(var))->varno = first;
		}
		return source;
	}

	source = analyze_jointree(analysis, (Node *) query->jointree);
	absorb_sublinks(analysis, planner_flatten(query, (Node *) query->targetList), source);
	absorb_sublinks(analysis, planner_flatten(query, query->havingQual), source);
	absorb_sublinks(analysis, (Node *) query->windowClause, source);
	absorb_sublinks(analysis, query->limitCount, source);
	absorb_sublinks(analysis, query->limitOffset, source);
	absorb_sublinks(analysis, (Node *) query->returningList, source);
	absorb_sublinks(analysis, (Node *) query->onConflict, source);
	absorb_sublinks(analysis, (Node *) query->mergeActionList, source);
	return source;
}

/* copies of the same rows in another order may give other results */
static bool
rows_depend_on_order(Query *query)
{
	return query->limitCount != NULL || query->limitOffset != NULL || query->hasWindowFuncs ||
		query->hasDistinctOn;
}

/* where new rows go is told by nothing that is read: their target stands in no FROM clause */
static void
analyze_inserts(Analysis *analysis, Query *query)
{
	QueryShape *shape = analysis->findings->shape;

	block(analysis, "a common table expression inserts rows");
	if (catalog_table_is_known(rt_fetch(query->resultRelation, query->rtable)->relid))
		shape->hasShards = true;
	else
		shape->hasLocal = true;
}

/*
 * The parts of a query below the top level, as its parent sees them: keys and nullable are output
 * columns, links are Vars with varlevelsup counted from the query itself.
 */
static List *
analyze_query(Analysis *analysis, Query *query)
{
	Level		level = {query, analysis->level, NIL};
	Findings   *findings = analysis->findings;
	RowSource  *source;
	ListCell   *lc;

	check_stack_depth();
	analysis->level = &level;

	if (query->commandType == CMD_INSERT || query->commandType == CMD_MERGE)
		analyze_inserts(analysis, query);
	source = analyze_level(analysis);

	if (source->parts == NIL && rows_depend_on_order(query) && planner_has_known_relation(query))
		findings->unstableReplica = true;

	foreach(lc, source->parts)
	{
		Part	   *part = lfirst(lc);

		if (part->closed)
			continue;
		if (query->commandType != CMD_SELECT)
			planner_part_close(part);
		else if (list_length(source->parts) > 1 || !query_works_per_shard(query, part->keys))
		{
			/* what is tied to one outer row lies in one shard: any shape is right there */
			part->keys = part->nullable = NIL;
			part->partial = true;
			part->closed = part->links == NIL;
		}
		else
		{
			List	   *keys = part->keys;

			part->keys = vars_to_outputs(query, keys);
			part->nullable =
				vars_to_outputs(query, planner_vars_union(list_copy(part->nullable), keys));
		}
	}

	analysis->level = level.parent;
	return source->parts;
}

static void
shape_take_parts(QueryShape *shape, Findings *findings, List *parts)
{
	ListCell   *lc;
	bool		pinned = parts != NIL;
	Part	   *only = list_length(parts) == 1 ? linitial(parts) : NULL;

	foreach(lc, parts)
	{
		Part	   *part = lfirst(lc);
		Expr	   *pin;

		shape->anchor = part->table->relid;
		if (!DIST_TABLE_HAS_KEY(part->table))
			continue;
		pin = planner_prunes_find_pin(part->prunes);
		if (pin == NULL || (shape->pin != NULL && !equal(pin, shape->pin)))
			pinned = false;
		else
			shape->pin = pin;
	}
	shape->pinned = pinned;
	if (!pinned)
		shape->pin = NULL;

	if (only != NULL && !only->partial && !only->closed && !findings->unstableReplica)
	{
		shape->complete = true;
		shape->keys = only->keys;
		shape->nullable = only->nullable;
		if (only->prunes != NIL)
			shape->prune = plan_prune_make(PRUNE_AND, NULL, only->prunes);
	}
	else if (findings->unstableReplica)
		shape->reason = "copies of a reference table may give different rows";
	else
		shape->reason = "rows of different shards are combined other than by their key";
}

/*
 * planner_shape
 *		Analyses a normalized query; fills *shape.  Allocates in the current context, takes no
 *		locks, raises nothing of its own.
 */
void
planner_shape(Query *query, QueryShape *shape)
{
	Findings	findings = {shape, NULL, NULL, false};
	Level		level = {query, NULL, NIL};
	Analysis	analysis = {&findings, &level};
	RowSource  *source;
	ListCell   *lc;

	memset(shape, 0, sizeof(QueryShape));
	source = analyze_level(&analysis);

	/* a CTE nobody reads still runs when it modifies, and its relations need shards */
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		Query	   *cteQuery = castNode(Query, cte->ctequery);

		if (cteQuery->commandType != CMD_SELECT || cte->cterefcount == 0)
		{
			ListCell   *part;

			foreach(part, analyze_query(&analysis, cteQuery))
			{
				planner_part_close(lfirst(part));
				source->parts = lappend(source->parts, lfirst(part));
			}
		}
	}

	shape->hasUnstableReplicas = findings.unstableReplica ||
		(source->parts == NIL && rows_depend_on_order(query) && shape->hasReplicas);
	if (findings.blocked != NULL)
		shape->reason = findings.blocked;
	else if (shape->locksReplicas && shape->hasShards)
		shape->reason = "rows of a reference table are locked in its first copy";
	else if (source->parts == NIL)
		shape->reason = "no shards are read";
	else
		shape_take_parts(shape, &findings, source->parts);
}
