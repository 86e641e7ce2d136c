/*
 * planner_merge_shape.c
 *	  Which shards a MERGE runs on, as it stands.
 *
 * A MERGE travels like the join of its source and its target.  What sets it apart are rows of the
 * source without a match: each must be dealt with once, where it would be inserted.  Where the
 * source is the same on every shard, rows of it have their matches on one of them and none on all
 * others; what is inserted is then told from the key that a match would have had:
 *
 *		MERGE INTO t USING s ON t.k = s.a WHEN NOT MATCHED AND q THEN INSERT (k) VALUES (s.a)
 *			->
 *		MERGE INTO t USING s ON t.k = s.a
 *			WHEN NOT MATCHED AND token_is_between(s.a, $1, $2) AND q THEN INSERT (k) VALUES (s.a)
 *
 * with the least and the greatest token of each task's shard.
 *
 * Invariant: no row is inserted on a shard that does not own its key.
 *
 * Not here: MERGE that inserts rows whose shard is known only when they have been computed
 * (planner_merge_insert.c), or changes keys (planner_change.c).
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "planner_internal.h"

/*
 * The join that a MERGE makes of its target and its source, for the analysis.  Source rows without
 * a match count when they are inserted: then each must be seen by one shard only.  matches: they
 * do not count.
 */
static Query *
merge_as_join(Query *query, bool matches)
{
	Query	   *joined = copyObject(query);
	FromExpr   *from = joined->jointree;
	JoinExpr   *join = makeNode(JoinExpr);
	RangeTblRef *target = makeNode(RangeTblRef);
	ListCell   *lc;
	bool		inserts = false;
	bool		keepsTarget = false;

	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_INSERT && !matches)
			inserts = true;
		if (compat_action_is_by_source(action))
			keepsTarget = true;
	}
	join->jointype = inserts ? (keepsTarget ? JOIN_FULL : JOIN_LEFT) :
		keepsTarget ? JOIN_RIGHT : JOIN_INNER;
	target->rtindex = query->resultRelation;
	join->larg = (Node *) makeFromExpr(planner_without_target(from->fromlist,
																  query->resultRelation),
										NULL);
	join->rarg = (Node *) target;
	join->quals = (Node *)
		make_ands_explicit(list_concat(make_ands_implicit((Expr *) from->quals),
									   make_ands_implicit((Expr *)
														  compat_merge_condition(joined))));
	joined->jointree = makeFromExpr(list_make1(join), NULL);
	return joined;
}

/* true when every row a MERGE inserts has a key of the shard it is inserted at */
bool
planner_merge_inserts_in_place(Query *query, const DistTable *table, QueryShape *shape)
{
	ListCell   *lc;

	if (!DIST_TABLE_HAS_KEY(table))
		return true;
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);
		TargetEntry *key;
		Node	   *value;

		if (action->commandType != CMD_INSERT)
			continue;
		key = planner_find_column(action->targetList, table->keyAttno);
		if (key == NULL)
			return false;
		value = planner_flatten(query, (Node *) key->expr);
		if (shape->pinned && shape->pin != NULL &&
			equal(eval_const_expressions(NULL, value), shape->pin))
			continue;
		if (exprType(value) != table->keyType || !list_member(shape->keys, value))
			return false;
	}
	return true;
}

static bool
is_on_shards(Node *node, void *context)
{
	const DistTable *table;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, is_on_shards, context,
								 QTW_EXAMINE_RTES_BEFORE);
	if (!IsA(node, RangeTblEntry))
		return expression_tree_walker(node, is_on_shards, context);
	table = ((RangeTblEntry *) node)->rtekind == RTE_RELATION ?
		catalog_table_get(((RangeTblEntry *) node)->relid) : NULL;
	return table != NULL && table->kind != DIST_TABLE_REFERENCE;
}

/* true when anything but the target of a MERGE has rows in shards */
static bool
merge_reads_shards(Query *query)
{
	Query	   *source = copyObject(query);

	rt_fetch(source->resultRelation, source->rtable)->rtekind = RTE_RESULT;
	return is_on_shards((Node *) source, NULL);
}

static bool
key_may_be_null(const DistTable *table)
{
	Relation	relation = table_open(table->relid, AccessShareLock);
	bool		result = DIST_TABLE_HAS_KEY(table) &&
		!TupleDescAttr(RelationGetDescr(relation), table->keyAttno - 1)->attnotnull;

	table_close(relation, NoLock);
	return result;
}

/*
 * Where the source is the same on every shard, and the condition is for rows of one shard, that
 * shard is all the MERGE needs, if it inserts there, too: ON t.k = s.k, with s (VALUES (3, 'x')).
 * When the value turns out to be NULL, the statement runs somewhere; it must not insert there.
 */
static void
shape_of_matches(Query *query, QueryShape *shape)
{
	const DistTable *table = catalog_table_get(rt_fetch(query->resultRelation,
													query->rtable)->relid);
	QueryShape	matches;

	planner_shape(merge_as_join(query, true), &matches);
	/* what equals the key in rows that match need not do so in others */
	matches.keys = NIL;
	if (!matches.pinned || !planner_merge_inserts_in_place(query, table, &matches))
		return;
	if (matches.pin != NULL && key_may_be_null(table) &&
		(!IsA(matches.pin, Const) || ((Const *) matches.pin)->constisnull))
		return;
	*shape = matches;
}

/* ---- a source that is the same on every shard ---- */

static Expr *
call_own(const char *name, Oid *functionOid, Oid *extensionOid, const Oid *argtypes, List *args,
		 Oid collation)
{
	Oid			function = base_own_function(name, list_length(args), argtypes, functionOid,
											 extensionOid);

	return (Expr *) makeFuncExpr(function, BOOLOID, args, InvalidOid, collation,
								 COERCE_EXPLICIT_CALL);
}

static Param *
make_token_param(int number)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = PLAN_TOKENS_PARAM + number;
	param->paramtype = INT4OID;
	param->paramtypmod = -1;
	param->location = -1;
	return param;
}

/* token_is_between(key, the least and the greatest token of the task's shard) */
static Expr *
make_own_shard_check(Expr *key)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	return call_own("token_is_between", &functionOid, &extensionOid,
					(Oid[]) {ANYOID, INT4OID, INT4OID},
					list_make3(copyObject(key), make_token_param(0), make_token_param(1)),
					exprCollation((Node *) key));
}

/* key_is_given(key, what an error calls it) */
static Expr *
make_given_check(const DistTable *table, Expr *key)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;
	char	   *name = psprintf("\"%s\" of table \"%s\"",
								get_attname(table->relid, table->keyAttno, false),
								get_rel_name(table->relid));

	return call_own("key_is_given", &functionOid, &extensionOid, (Oid[]) {ANYOID, TEXTOID},
					list_make2(copyObject(key),
							   makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
										 CStringGetTextDatum(name), false, false)),
					exprCollation((Node *) key));
}

/* the same values of the keys that are inserted have the same token, wherever it is computed */
static bool
may_check_keys(Query *query, const DistTable *table)
{
	ListCell   *lc;

	if (table->kind != DIST_TABLE_HASH ||
		(OidIsValid(table->keyCollation) && !get_collation_isdeterministic(table->keyCollation)))
		return false;
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);
		Node	   *key;

		if (action->commandType != CMD_INSERT)
			continue;
		key = (Node *) planner_find_column(action->targetList, table->keyAttno)->expr;
		if (exprCollation(key) != table->keyCollation || !contain_var_clause(key))
			return false;
	}
	return true;
}

static void
check_shards(Query *query, const DistTable *table)
{
	bool		mayBeNull = key_may_be_null(table);
	ListCell   *lc;

	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);
		Expr	   *key;
		List	   *quals;

		if (action->commandType != CMD_INSERT)
			continue;
		key = planner_find_column(action->targetList, table->keyAttno)->expr;
		/* first: on all other shards, nothing of the user's is asked of the row */
		quals = lcons(make_own_shard_check(key), make_ands_implicit((Expr *) action->qual));
		if (mayBeNull)
			quals = lappend(quals, make_given_check(table, key));
		action->qual = (Node *) make_ands_explicit(quals);
	}
}

/*
 * planner_merge_shape
 *		Fills in *shape for a MERGE; folded is the query with rows of VALUES folded.  Returns the
 *		query that is right on the shards that shape tells: itself, or a changed copy.
 */
Query *
planner_merge_shape(Query *query, Query *folded, QueryShape *shape)
{
	const DistTable *table = catalog_table_get(rt_fetch(query->resultRelation,
													query->rtable)->relid);
	QueryShape	matches;

	planner_shape(merge_as_join(folded, false), shape);
	if (shape->pinned || merge_reads_shards(folded))
		return query;
	shape_of_matches(folded, shape);
	if (shape->pinned || shape->complete)
		return query;
	planner_shape(merge_as_join(folded, true), &matches);
	if (!matches.complete || !planner_merge_inserts_in_place(folded, table, &matches) ||
		!may_check_keys(query, table))
		return query;
	/* where matches may be says nothing of rows without one */
	matches.prune = NULL;
	*shape = matches;
	query = copyObject(query);
	check_shards(query, table);
	return query;
}
