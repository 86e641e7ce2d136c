/*
 * planner_sorted.c
 *	  Rows that the shards sort, and that are merged here instead of being sorted again.
 *
 * A fragment may have an order of its own (ORDER BY that travels with LIMIT); any other SELECT gets
 * one, at the end of its text, when the rest of the plan is cheaper with it.  Either way its
 * sortKeys say so, and the executor merges what the shards send.
 *
 * Invariant: rows are merged only by an order that is the same on every node.  The server's own
 * types have one, with two exceptions: numbers that stand for names (OIDs differ), and text by the
 * rules of a library that may be of another version elsewhere.  Such rows are sorted here.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "citus/base/compat_planner.h"
#include "citus/routing/routing.h"
#include "planner_internal.h"

/* pg_collation.collprovider of what the server brings itself: 17 */
#define PROVIDER_BUILTIN 'b'

/* ---- what sorts alike on every node ---- */

static bool
has_version(PGFunction function, Oid argument)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo	flinfo = {.fn_addr = function,.fn_nargs = 1,.fn_strict = true};

	InitFunctionCallInfoData(*fcinfo, &flinfo, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(argument);
	fcinfo->args[0].isnull = false;
	(void) function(fcinfo);
	return !fcinfo->isnull;
}

/* false: the order is made by a library, whose versions differ */
static bool
collation_is_alike(Oid collation)
{
	HeapTuple	tuple;
	bool		builtin;

	if (!OidIsValid(collation))
		return true;
	if (collation == DEFAULT_COLLATION_OID)
	{
		tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
		if (!HeapTupleIsValid(tuple))
			return false;
		builtin = ((Form_pg_database) GETSTRUCT(tuple))->datlocprovider == PROVIDER_BUILTIN;
		ReleaseSysCache(tuple);
		return builtin || !has_version(pg_database_collation_actual_version, MyDatabaseId);
	}
	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		return false;
	builtin = ((Form_pg_collation) GETSTRUCT(tuple))->collprovider == PROVIDER_BUILTIN;
	ReleaseSysCache(tuple);
	return builtin || !has_version(pg_collation_actual_version, collation);
}

/* types of the server whose values are sorted by something that differs between nodes */
static bool
type_is_alike(Oid type)
{
	Oid			element = get_base_element_type(type);

	type = getBaseType(OidIsValid(element) ? element : type);
	if (OidIsValid(routing_object_class(type)))
		return false;
	if (type == JSONBOID)
		return collation_is_alike(DEFAULT_COLLATION_OID);
	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
		case TYPTYPE_ENUM:
			return true;
		default:
			return false;
	}
}

/* are all expressions of an ORDER BY of types that are sorted alike, libraries apart? */
bool
planner_clauses_sort_alike(List *clauses, List *targetList)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		if (!type_is_alike(exprType(get_sortgroupclause_expr(lfirst(lc), targetList))))
			return false;
	}
	return true;
}

/*
 * The order of a fragment whose query is sorted, as its sortKeys: clauses that name the columns it
 * puts out by number.  NIL when the order is not the same on every node.
 */
List *
planner_sort_keys_of(Query *query)
{
	List	   *keys = NIL;
	ListCell   *lc;

	if (!planner_clauses_sort_alike(query->sortClause, query->targetList))
		return NIL;
	foreach(lc, query->sortClause)
	{
		SortGroupClause *key = copyObject(lfirst_node(SortGroupClause, lc));
		TargetEntry *tle = get_sortgroupclause_tle(key, query->targetList);

		if (!collation_is_alike(exprCollation((Node *) tle->expr)))
			return NIL;
		key->tleSortGroupRef = tle->resno;
		keys = lappend(keys, key);
	}
	return keys;
}

/* ---- orders that the plan would like ---- */

/* the column of rel that a pathkey sorts by; NULL: none */
static Var *
column_of_pathkey(RelOptInfo *rel, PathKey *pathkey)
{
	ListCell   *lc;

	if (pathkey->pk_eclass->ec_has_volatile)
		return NULL;
	foreach(lc, pathkey->pk_eclass->ec_members)
	{
		EquivalenceMember *member = lfirst_node(EquivalenceMember, lc);
		Node	   *expr = (Node *) member->em_expr;

		if (member->em_is_const || !bms_equal(member->em_relids, rel->relids))
			continue;
		while (IsA(expr, RelabelType) &&
			   exprCollation(expr) == exprCollation((Node *) ((RelabelType *) expr)->arg))
			expr = (Node *) ((RelabelType *) expr)->arg;
		if (IsA(expr, Var) && ((Var *) expr)->varlevelsup == 0 && ((Var *) expr)->varattno > 0)
			return (Var *) expr;
	}
	return NULL;
}

/* a clause for column number of a fragment; NULL when its order cannot be asked for by number */
static SortGroupClause *
clause_for_column(PathKey *pathkey, Var *var, int number)
{
	TypeCacheEntry *entry = lookup_type_cache(var->vartype, TYPECACHE_BTREE_OPFAMILY |
											  TYPECACHE_LT_OPR | TYPECACHE_GT_OPR |
											  TYPECACHE_EQ_OPR);
	bool		descending = compat_pathkey_is_descending(pathkey);
	SortGroupClause *clause = makeNode(SortGroupClause);

	if (entry->btree_opf != pathkey->pk_opfamily || !type_is_alike(var->vartype) ||
		!collation_is_alike(var->varcollid))
		return NULL;
	clause->tleSortGroupRef = number;
	clause->eqop = entry->eq_opr;
	clause->sortop = descending ? entry->gt_opr : entry->lt_opr;
	clause->nulls_first = pathkey->pk_nulls_first;
	if (!OidIsValid(clause->sortop) || !OidIsValid(clause->eqop))
		return NULL;
	return clause;
}

/*
 * The sort keys of a fragment that puts out *columns, for rows in the order of pathkeys.  Columns
 * that are missing are added at the end.  NIL: no such order can be had.
 */
List *
planner_sort_keys_for(RelOptInfo *rel, List *pathkeys, List **columns)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, pathkeys)
	{
		PathKey    *pathkey = lfirst_node(PathKey, lc);
		Var		   *var = column_of_pathkey(rel, pathkey);
		int			number = 0;
		SortGroupClause *clause;
		ListCell   *column;

		if (var == NULL)
			return NIL;
		foreach(column, *columns)
		{
			Var		   *each = lfirst(column);

			if (IsA(each, Var) && each->varno == var->varno && each->varattno == var->varattno)
				number = foreach_current_index(column) + 1;
		}
		if (number == 0)
		{
			*columns = lappend(*columns, copyObject(var));
			number = list_length(*columns);
		}
		clause = clause_for_column(pathkey, var, number);
		if (clause == NULL)
			return NIL;
		keys = lappend(keys, clause);
	}
	return keys;
}

/* the order of a fragment's own sort keys, as pathkeys of the relation that stands for it */
static List *
pathkeys_of_fragment(PlannerInfo *root, RelOptInfo *rel, const Fragment *fragment,
					 List *columns)
{
	List	   *targetList = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		TargetEntry *tle = makeTargetEntry(copyObject(lfirst(lc)),
										   foreach_current_index(lc) + 1, NULL, false);

		tle->ressortgroupref = tle->resno;
		targetList = lappend(targetList, tle);
	}
	return make_pathkeys_for_sortclauses(root, fragment->sortKeys, targetList);
}

/* the shards sort, each its part; then the runs are merged here */
static void
add_sort_cost(Path *path, double tuples, int nshards)
{
	double		comparison = 2.0 * cpu_operator_cost;
	double		each = Max(tuples / nshards, 2.0);

	tuples = Max(tuples, 2.0);
	path->startup_cost = path->total_cost + comparison * tuples * log2(each) / 2;
	path->total_cost = path->startup_cost + comparison * tuples * log2(Max(nshards, 2));
}

/*
 * planner_sort_path
 *		The path of a scan of ours for rows in an order that the rest of the plan would like, or
 *		that its fragment has anyway; NULL when there is none.  path is that without an order;
 *		fragment is NULL for a relation's own scan; columns are the fragment's.
 */
Path *
planner_sort_path(PlannerInfo *root, RelOptInfo *rel, const CustomPath *path,
				  const Fragment *fragment, const DistTable *table, List *columns)
{
	CustomPath *sorted;
	List	   *pathkeys = root->query_pathkeys;

	if (path->path.param_info != NULL || table == NULL ||
		(fragment != NULL && fragment->sortKeys == NIL && !fragment->canSort))
		return NULL;
	if (fragment != NULL && fragment->sortKeys != NIL && rel->reloptkind == RELOPT_BASEREL)
		pathkeys = pathkeys_of_fragment(root, rel, fragment, columns);
	else if (fragment != NULL && fragment->sortKeys != NIL)
	{
		/* a leg of UNION ALL: the server has no order of its own for these */
		if (!equal(planner_sort_keys_for(rel, pathkeys, &columns), fragment->sortKeys))
			return NULL;
	}
	else if (planner_sort_keys_for(rel, pathkeys, &columns) == NIL)
		return NULL;
	sorted = palloc(sizeof(CustomPath));
	memcpy(sorted, path, sizeof(CustomPath));
	sorted->path.pathkeys = pathkeys;
	if (fragment == NULL || fragment->sortKeys == NIL)
		add_sort_cost(&sorted->path, rel->rows, Max(table->nshards, 1));
	return (Path *) sorted;
}

/* ---- the fragment's text ---- */

/* makes the shards sort what an unsorted fragment puts out; in place */
void
planner_fragment_sort(Fragment *fragment, List *keys)
{
	StringInfoData text;
	ListCell   *lc;

	Assert(fragment->canSort && fragment->sortKeys == NIL);
	initStringInfo(&text);
	appendStringInfoString(&text, fragment->sql->text);
	foreach(lc, keys)
	{
		SortGroupClause *key = lfirst_node(SortGroupClause, lc);
		bool		descending;

		(void) get_equality_op_for_ordering_op(key->sortop, &descending);
		appendStringInfo(&text, "%s%u%s NULLS %s", lc == list_head(keys) ? " ORDER BY " : ", ",
						 key->tleSortGroupRef, descending ? " DESC" : "",
						 key->nulls_first ? "FIRST" : "LAST");
	}
	fragment->sql->text = text.data;
	fragment->sortKeys = keys;
	fragment->canSort = false;
}
