/*
 * planner_shield.c
 *	  Levels that may look at rows again: what stands beside rows of this node.
 *
 * A level that locks or changes rows of relations of this node may find that such a row has changed
 * while it waited for it.  Then the server looks at the row as it is now, together with the rows
 * that the other relations had given for it (EvalPlanQual).  Those it has from the relations' whole
 * rows, or by a ctid that only means something for relations of this node.  A sub-query gives its
 * whole row; so in such a level known relations and stand-ins become sub-queries, of the columns
 * that the statement reads:
 *
 *		UPDATE local l SET v = d.v FROM dist d WHERE d.id = l.id AND d.x > 5
 *			->
 *		UPDATE local l SET v = d.v FROM (SELECT v, id, x FROM dist) d WHERE ..
 *
 * The server's planner pushes conditions into them, but does not pull them up.  What is below such
 * a sub-query does not run when rows are looked at again; scans in sub-plans do, and read anew.
 *
 * Invariant: a level whose rows of known relations only are locked stays as it is, for these are
 * never looked at again here.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "citus/base/compat_planner.h"
#include "planner_internal.h"

/* ---- sub-queries that stay ---- */

/*
 * The server's planner takes no query into another that has common table expressions; one that
 * nobody reads comes to nothing.
 */
static void
keep_apart(Query *query)
{
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	Query	   *nothing = planner_make_select();
	Const	   *null = makeNullConst(INT4OID, -1, InvalidOid);

	nothing->targetList = list_make1(makeTargetEntry((Expr *) null, 1, pstrdup("nothing"),
													 false));
	cte->ctename = pstrdup("nothing");
	cte->ctequery = (Node *) nothing;
	cte->location = -1;
	query->cteList = list_make1(cte);
}

static void
add_output(Query *query, Expr *expr, const char *name)
{
	AttrNumber	number = list_length(query->targetList) + 1;

	query->targetList = lappend(query->targetList,
								makeTargetEntry(expr, number, pstrdup(name), false));
}

/* the entry becomes a sub-query, which reads what the entry was */
static void
become_subquery(RangeTblEntry *rte, Query *query)
{
	RangeTblEntry *made = makeNode(RangeTblEntry);
	ListCell   *lc;

	/* values of levels above are one level further away */
	IncrementVarSublevelsUp((Node *) query, 1, 1);
	keep_apart(query);
	made->rtekind = RTE_SUBQUERY;
	made->subquery = query;
	made->lateral = rte->lateral;
	made->inFromCl = rte->inFromCl;
	made->alias = makeAlias(rte->eref->aliasname, NIL);
	made->eref = makeAlias(rte->eref->aliasname, NIL);
	foreach(lc, query->targetList)
		made->eref->colnames = lappend(made->eref->colnames,
									   makeString(pstrdup(lfirst_node(TargetEntry, lc)->resname)));
	linitial_node(RangeTblEntry, query->rtable)->lateral = false;
	memcpy(rte, made, sizeof(RangeTblEntry));
}

/* SELECT of all columns of a stand-in */
static void
shield_stand_in(RangeTblEntry *rte)
{
	Query	   *query = planner_make_select_from(copyObject(rte));
	RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);
	ListCell   *type;
	ListCell   *typmod;
	ListCell   *collation;
	ListCell   *name;

	forfour(type, function->funccoltypes, typmod, function->funccoltypmods,
			collation, function->funccolcollations, name, function->funccolnames)
		add_output(query, (Expr *) makeVar(1, list_length(query->targetList) + 1,
										   lfirst_oid(type), lfirst_int(typmod),
										   lfirst_oid(collation), 0), strVal(lfirst(name)));
	become_subquery(rte, query);
}

/* ---- known relations ---- */

/* a known relation of a level, and the Vars of it that the level and those below it read */
typedef struct ShieldedRelation
{
	Index		rti;
	List	   *columns;
	List	   *securityQuals;	/* they read the relation, not its sub-query */
} ShieldedRelation;

typedef struct LevelContext
{
	Query	   *query;
	List	   *relations;		/* of ShieldedRelation */
	int			depth;			/* of the walk below the level */
} LevelContext;

static ShieldedRelation *
find_relation(LevelContext *context, Index rti)
{
	ListCell   *lc;

	foreach(lc, context->relations)
	{
		ShieldedRelation *relation = lfirst(lc);

		if (relation->rti == rti)
			return relation;
	}
	return NULL;
}

/* the number of the column that a Var is, from 0; -1: the relation's columns do not have it yet */
static int
find_column(const ShieldedRelation *relation, const Var *var)
{
	ListCell   *lc;

	foreach(lc, relation->columns)
	{
		if (((const Var *) lfirst(lc))->varattno == var->varattno)
			return foreach_current_index(lc);
	}
	return -1;
}

static bool note_columns_walker(Node *node, LevelContext *context);

/* notes a column of the level; of a join, those that stand behind it */
static void
note_column(LevelContext *context, const Var *var)
{
	ShieldedRelation *relation = find_relation(context, var->varno);
	RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);

	if (relation != NULL && find_column(relation, var) < 0)
		relation->columns = lappend(relation->columns,
									makeVar(1, var->varattno, var->vartype, var->vartypmod,
											var->varcollid, 0));
	else if (rte->rtekind == RTE_JOIN)
	{
		int			depth = context->depth;

		context->depth = 0;
		if (var->varattno > 0)
			(void) note_columns_walker(list_nth(rte->joinaliasvars, var->varattno - 1), context);
		else
			(void) note_columns_walker((Node *) rte->joinaliasvars, context);
		context->depth = depth;
	}
}

static bool
note_columns_walker(Node *node, LevelContext *context)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == context->depth)
			note_column(context, (Var *) node);
		return false;
	}
	if (IsA(node, Query))
	{
		context->depth++;
		(void) query_tree_walker((Query *) node, note_columns_walker, context, 0);
		context->depth--;
		return false;
	}
	return expression_tree_walker(node, note_columns_walker, context);
}

/* Vars of the relations become those of the sub-queries */
static Node *
place_columns_mutator(Node *node, LevelContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->depth)
	{
		ShieldedRelation *relation = find_relation(context, ((Var *) node)->varno);
		Var		   *var = copyObject((Var *) node);
		int			number = relation == NULL ? 0 : find_column(relation, var);

		if (relation == NULL)
			return (Node *) var;
		/* a column of a join that nobody reads */
		if (number < 0)
			return (Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid);
		var->varattno = var->varattnosyn = number + 1;
		var->varnosyn = var->varno;
		return (Node *) var;
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, place_columns_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, place_columns_mutator, context);
}

static const char *
column_name(Oid relid, AttrNumber attno)
{
	if (attno == InvalidAttrNumber)
		return "whole row";
	if (attno < 0)
		return NameStr(SystemAttributeDefinition(attno)->attname);
	return get_attname(relid, attno, false);
}

/* the locks of a relation are those of its sub-query */
static void
take_lock(Query *query, const Query *level, Index rti)
{
	ListCell   *lc;

	foreach(lc, level->rowMarks)
	{
		RowMarkClause *lock = copyObject(lfirst_node(RowMarkClause, lc));

		if (lock->rti != rti)
			continue;
		lock->rti = 1;
		lock->pushedDown = true;
		query->rowMarks = lappend(query->rowMarks, lock);
		query->hasForUpdate = true;
	}
}

static void
shield_relation(Query *level, const ShieldedRelation *relation)
{
	RangeTblEntry *rte = rt_fetch(relation->rti, level->rtable);
	RangeTblEntry *inner = copyObject(rte);
	TableSampleClause *sample = inner->tablesample;
	Query	   *query;
	ListCell   *lc;

	inner->securityQuals = relation->securityQuals;
	planner_move_vars((Node *) inner->securityQuals, relation->rti, 1);
	query = planner_make_select_from(inner);
	query->hasRowSecurity = level->hasRowSecurity;
	foreach(lc, relation->columns)
	{
		Var		   *var = lfirst_node(Var, lc);

		add_output(query, (Expr *) var, column_name(rte->relid, var->varattno));
	}
	if (relation->columns == NIL)
		add_output(query, (Expr *) makeNullConst(INT4OID, -1, InvalidOid), "nothing");
	take_lock(query, level, relation->rti);
	compat_query_take_perminfo(query, inner, level);
	/* a sample's size reads what is beside the relation, which is a level above the sub-query */
	inner->tablesample = NULL;
	become_subquery(rte, query);
	inner->tablesample = sample;
	IncrementVarSublevelsUp((Node *) sample, 1, 0);
}

/* known relations in the FROM clause of the level, in place */
static void
shield_relations(Query *query)
{
	LevelContext context = {query, NIL, 0};
	Query	   *placed;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		ShieldedRelation *relation;

		if (rte->rtekind != RTE_RELATION || !catalog_table_is_known(rte->relid))
			continue;
		relation = palloc0(sizeof(ShieldedRelation));
		relation->rti = foreach_current_index(lc) + 1;
		relation->securityQuals = rte->securityQuals;
		rte->securityQuals = NIL;
		context.relations = lappend(context.relations, relation);
	}
	if (context.relations == NIL)
		return;
	(void) query_tree_walker(query, note_columns_walker, &context, QTW_IGNORE_JOINALIASES);
	placed = query_tree_mutator(query, place_columns_mutator, &context, 0);
	foreach(lc, context.relations)
		shield_relation(placed, lfirst(lc));
	memcpy(query, placed, sizeof(Query));
}

/* ---- levels ---- */

typedef struct ShieldContext
{
	bool		anywhere;		/* a level somewhere looks at rows again */
	bool		again;			/* this one does, or may become part of one that does */
	bool		marks;			/* it, or one above, asks for whole rows */
} ShieldContext;

static bool
looks_again(Query *query)
{
	ListCell   *lc;

	if (query->commandType == CMD_UPDATE || query->commandType == CMD_DELETE ||
		query->commandType == CMD_MERGE)
		return true;
	foreach(lc, query->rowMarks)
	{
		RangeTblEntry *rte = rt_fetch(lfirst_node(RowMarkClause, lc)->rti, query->rtable);

		if (rte->rtekind == RTE_RELATION && !catalog_table_is_known(rte->relid))
			return true;
	}
	return false;
}

static bool
looks_again_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return looks_again((Query *) node) ||
			query_tree_walker((Query *) node, looks_again_walker, context, 0);
	return expression_tree_walker(node, looks_again_walker, context);
}

/* may the server's planner make the query a part of the one above? */
static bool
may_be_pulled_up(Query *query)
{
	return query->commandType == CMD_SELECT && query->setOperations == NULL && !query->hasAggs &&
		!query->hasWindowFuncs && query->groupClause == NIL && query->groupingSets == NIL &&
		query->havingQual == NULL && query->rowMarks == NIL && query->cteList == NIL;
}

static void shield_level(Query *query, ShieldContext *above);

static bool
shield_walker(Node *node, ShieldContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (context->marks && planner_rte_plan((RangeTblEntry *) node) != NULL)
			shield_stand_in((RangeTblEntry *) node);
		return false;
	}
	if (IsA(node, Query))
	{
		shield_level((Query *) node, context);
		return false;
	}
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType != ANY_SUBLINK &&
		((SubLink *) node)->subLinkType != EXISTS_SUBLINK)
	{
		ShieldContext below = {context->anywhere, false, context->marks};

		return expression_tree_walker(node, shield_walker, &below);
	}
	/* it may take the place of a reference to it */
	if (IsA(node, CommonTableExpr))
	{
		ShieldContext below = {context->anywhere, context->anywhere, context->marks};

		return expression_tree_walker(node, shield_walker, &below);
	}
	return expression_tree_walker(node, shield_walker, context);
}

static void
shield_level(Query *query, ShieldContext *above)
{
	ShieldContext context = {above->anywhere, false, false};

	check_stack_depth();
	context.again = looks_again(query) || (above->again && may_be_pulled_up(query));
	context.marks = above->marks || query->commandType != CMD_SELECT || query->rowMarks != NIL;
	(void) query_tree_walker(query, shield_walker, &context, QTW_EXAMINE_RTES_AFTER);
	if (context.again)
		shield_relations(query);
}

/*
 * planner_shield
 *		Prepares a query that the server's planner gets, in place.
 */
void
planner_shield(Query *query)
{
	ShieldContext context = {looks_again_walker((Node *) query, NULL), false, false};

	shield_level(query, &context);
}
