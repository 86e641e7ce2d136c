/*
 * planner_insert_select.c
 *	  INSERT .. SELECT that runs on the shards.
 *
 * Where the new rows stay in the shard group they come from, the statement runs per shard as it
 * stands.  Otherwise, if the select needs no more than its shards, its rows move: they are cut by
 * the new key into buckets that are the target's shards (planner_move.c), and
 *
 *		INSERT INTO t SELECT ...	->	INSERT INTO t SELECT a1, a2 FROM unpack_rows($1, 1) ...
 *
 * runs on each shard that gets any.  The planning node hands packed rows on and looks into none.
 * Each copy of a reference table gets all rows.
 *
 * Invariant: the select has come to its end before the first row is written, so that a table may
 * be filled from itself.
 *
 * Not here: rows that are computed on the planning node (planner_modify.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/deparse/template.h"
#include "planner_internal.h"

#define MANY_ROWS	500			/* fewer are sent from here at less cost */

static PlannedStmt *
refuse(Refusal *refusal, const char *reason)
{
	refusal->reason = reason;
	return NULL;
}

/*
 * The text of an INSERT .. SELECT has the select's own columns; defaults and casts that the
 * rewriter put beside them become a select around it.  In place; source is the range table index of
 * the select.
 */
static void
wrap_select(Query *query, Index source)
{
	RangeTblEntry *rte = rt_fetch(source, query->rtable);
	RangeTblEntry *inner = copyObject(rte);
	Query	   *wrapper = planner_make_select_from(inner);
	List	   *columns = NIL;
	ListCell   *lc;

	IncrementVarSublevelsUp((Node *) inner->subquery, 1, 1);
	inner->alias = makeAlias("source", NIL);
	inner->eref->aliasname = pstrdup("source");

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		AttrNumber	number = list_length(wrapper->targetList) + 1;
		Node	   *value = copyObject((Node *) tle->expr);
		char	   *name = psprintf("column_%d", number);

		if (tle->resjunk)
			continue;
		planner_move_vars(value, source, 1);
		wrapper->targetList = lappend(wrapper->targetList,
									  makeTargetEntry((Expr *) value, number, name, false));
		tle->expr = (Expr *) makeVar(source, number, exprType(value), exprTypmod(value),
									 exprCollation(value), 0);
		columns = lappend(columns, makeString(name));
	}
	wrapper->hasSubLinks = checkExprHasSubLink((Node *) wrapper->targetList);
	rte->subquery = wrapper;
	rte->eref = makeAlias(rte->eref->aliasname, columns);
	rte->alias = NULL;
}

/* what no statement on a shard can say; NULL: nothing of the kind */
static const char *
reason_to_stay(Query *query, const DistTable *table)
{
	ListCell   *lc;

	if (table->kind != DIST_TABLE_HASH && table->kind != DIST_TABLE_REFERENCE)
		return "the target has no key";
	if (table->kind == DIST_TABLE_REFERENCE && query->onConflict != NULL)
		return "copies might keep different rows";
	/* a rule's condition stands beside the select, where the text has no place for it */
	if (query->jointree->quals != NULL)
		return "a rule chooses rows of the source";
	foreach(lc, query->targetList)
	{
		if (deparse_assigns_parts(lfirst_node(TargetEntry, lc)->expr))
			return "columns are assigned by their parts";
	}
	if (DIST_TABLE_HAS_KEY(table) &&
		planner_find_column(query->targetList, table->keyAttno) == NULL)
		return "the key is not given a value";
	return NULL;
}

/* the statement may run per shard of the target's group */
static bool
runs_per_shard(Query *query, const DistTable *table, QueryShape *shape, Refusal *refusal)
{
	planner_shape(query, shape);
	if (!shape->complete)
		refusal->reason = shape->reason;
	else if (catalog_table_get(shape->anchor)->colocationId != table->colocationId)
		refusal->reason = "source and target are not colocated";
	else
		return true;
	return false;
}

/* the new key is a key that the rows of the statement are cut by */
static bool
key_is_kept(Query *query, const DistTable *table, QueryShape *shape)
{
	TargetEntry *key = planner_find_column(query->targetList, table->keyAttno);
	Node	   *value = planner_flatten(query, (Node *) key->expr);
	ListCell   *lc;

	foreach(lc, shape->keys)
	{
		if (equal(value, lfirst(lc)) && exprType(value) == table->keyType)
			return true;
	}
	return false;
}

/* the column of the select that chooses the shard; 0: all rows go to all copies; or a refusal */
static bool
find_new_key(Query *query, const DistTable *table, AttrNumber *column, Refusal *refusal)
{
	Expr	   *key;

	*column = 0;
	if (!DIST_TABLE_HAS_KEY(table))
		return true;
	key = planner_find_column(query->targetList, table->keyAttno)->expr;
	/* the same value has to have the same hash */
	if (exprType((Node *) key) != table->keyType ||
		exprCollation((Node *) key) != table->keyCollation)
	{
		refusal->reason = "the new key is not of the key's type";
		return false;
	}
	*column = castNode(Var, key)->varattno;
	return true;
}

/* a new row can be in nobody's way, and refers to none */
static bool
rows_wait_for_none(Oid relid)
{
	Relation	relation = table_open(relid, NoLock);
	bool		result = relation->rd_rel->relkind == RELKIND_RELATION &&
		!relation->rd_rel->relhastriggers;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result = result && !index->rd_index->indisunique && !index->rd_index->indisexclusion;
		index_close(index, NoLock);
	}
	table_close(relation, NoLock);
	return result;
}

/* the select's rows move to the target's shards, or all of its copies; query has been wrapped */
static PlannedStmt *
insert_moved(PlanRequest *request, Query *query, Index source, Refusal *refusal)
{
	RangeTblEntry *rte = rt_fetch(source, query->rtable);
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	const DistTable *table = catalog_table_get(relid);
	bool		copied = table->kind == DIST_TABLE_REFERENCE;
	WholeSpec	spec = {query, NULL, "moved rows", relid, NULL, NIL};
	QueryShape	shape;
	AttrNumber	key;
	double		rows;
	char	   *column;
	Movement   *movement;

	if (query->cteList != NIL)
		return refuse(refusal, "the select reads common table expressions of the INSERT");
	if (!find_new_key(query, table, &key, refusal))
		return NULL;
	if (contain_volatile_functions((Node *) rte->subquery))
		return refuse(refusal, "volatile functions are called here");
	rows = planner_estimate_rows(request, rte->subquery);
	if (rows < MANY_ROWS)
		return refuse(refusal, "there are few rows");
	column = copied ? NULL : get_attname(relid, table->keyAttno, false);
	rte->subquery = planner_move_select(rte->subquery, key, relid,
										copied ? "rows" : psprintf("rows by %s", column),
										&movement);
	if (rte->subquery == NULL)
		return refuse(refusal, "the select needs more than its shards");
	movement->source->estimatedRows = rows;
	if (!copied)
		movement->keyName = psprintf("\"%s\" of table \"%s\"", column, get_rel_name(relid));
	/* one command must not update a row twice, and says so when it sees both */
	movement->canCut = query->onConflict == NULL ||
		query->onConflict->action == ONCONFLICT_NOTHING;
	if (!copied && !runs_per_shard(query, table, &shape, refusal))
		return NULL;
	spec.movements = list_make1(movement);
	spec.copiesAtOnce = copied && rows_wait_for_none(relid);
	return planner_make_whole(request, &spec, refusal);
}

PlannedStmt *
planner_insert_select(PlanRequest *request, Query *query, Index source, Refusal *refusal)
{
	const DistTable *table =
		catalog_table_get(rt_fetch(query->resultRelation, query->rtable)->relid);
	const char *reason = reason_to_stay(query, table);
	WholeSpec	spec = {NULL, NULL, "pushdown", table->relid, NULL, NIL};
	QueryShape	shape;

	if (reason != NULL)
		return refuse(refusal, reason);
	spec.query = copyObject(query);
	if (table->kind == DIST_TABLE_HASH && runs_per_shard(query, table, &shape, refusal) &&
		key_is_kept(query, table, &shape))
	{
		wrap_select(spec.query, source);
		spec.prune = shape.prune;
		return planner_make_whole(request, &spec, refusal);
	}
	wrap_select(spec.query, source);
	return insert_moved(request, spec.query, source, refusal);
}
