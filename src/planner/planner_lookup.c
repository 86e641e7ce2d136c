/*
 * planner_lookup.c
 *	  Scans that run again for each row of something else, and ask one shard each time.
 *
 * Where a distribution column must equal a value of an outer row, a scan that starts again with
 * every such row is a lookup: its conditions travel with the row's values, and only the shard that
 * can have the rows is asked.  The other way is to bring all rows here once, and to look at them
 * again and again; that is better for small tables.  Outer rows come from
 *
 *	 a level above		correlated sub-queries, LATERAL ones: the values are parameters when the
 *						level is planned, and nobody knows how many there will be;
 *	 this level			the inner side of a nested loop: a parameterised path, chosen by cost.
 *
 * Where few rows of a local table are all that is joined, planner_narrow.c has them looked up in
 * one go before.
 *
 * Invariant: the fragment of a lookup has another one beside it, without what changes
 * (Fragment.all), and its node checks what changes.  All runs read with one snapshot, so that the
 * node may remember the rows of values that it has looked up (the executor's remembered.c).  Before
 * the session writes, the rows of the other fragment are brought here, for later runs must not see
 * what is written.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paramassign.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "citus/base/compat_planner.h"
#include "citus/routing/routing.h"
#include "planner_paths_internal.h"

/* a table with fewer rows is brought here as a whole where nobody knows how often it is read */
#define MIN_TUPLES	1000.0

/* ---- values of outer rows ---- */

typedef struct OuterContext
{
	PlannerInfo *root;
	Index		relid;			/* whose Vars stay */
	bool		planning;		/* the values are assigned to parameters of the nested loop */
} OuterContext;

/* stands for the value while nobody asks which parameter it is */
static Node *
make_outer_value(Node *expr)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXEC;
	param->paramid = -1;
	param->paramtype = exprType(expr);
	param->paramtypmod = exprTypmod(expr);
	param->paramcollid = exprCollation(expr);
	param->location = -1;
	return (Node *) param;
}

static Node *
outer_vars_mutator(Node *node, OuterContext *context)
{
	PlannerInfo *root = context->root;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno != context->relid)
	{
		if (!context->planning)
			return make_outer_value(node);
		return bms_is_member(((Var *) node)->varno, root->curOuterRels) ?
			(Node *) replace_nestloop_param_var(root, (Var *) node) : node;
	}
	if (IsA(node, PlaceHolderVar))
	{
		/* where the outer rows have its value, they need not have the columns that it is made of */
		PlaceHolderVar *phv = (PlaceHolderVar *) node;

		if (!context->planning && !bms_is_member(context->relid, pull_varnos(root, node)))
			return make_outer_value(node);
		if (context->planning &&
			bms_is_subset(compat_find_placeholder_info(root, phv)->ph_eval_at, root->curOuterRels))
			return (Node *) replace_nestloop_param_placeholdervar(root, phv);
	}
	return expression_tree_mutator(node, outer_vars_mutator, context);
}

Node *
planner_lookup_clause(PlannerInfo *root, RelOptInfo *rel, Node *clause, bool planning)
{
	OuterContext context = {root, rel->relid, planning};

	return outer_vars_mutator(clause, &context);
}

/* ---- what makes a lookup ---- */

/* a conjunction that says which shard it is; or which ones they are */
static bool
prune_names_shards(const PruneSpec *prune, bool orSeveral)
{
	ListCell   *lc;

	if (prune == NULL)
		return false;
	if (prune->kind == PRUNE_EQUAL || (orSeveral && prune->kind == PRUNE_ANY))
		return true;
	if (prune->kind != PRUNE_AND)
		return false;
	foreach(lc, prune->args)
	{
		if (prune_names_shards(lfirst(lc), orSeveral))
			return true;
	}
	return false;
}

/* the table of a relation that can be looked up; or NULL */
static const DistTable *
table_of_rel(PlannerInfo *root, RelOptInfo *rel)
{
	const DistTable *table = catalog_table_get(planner_rt_fetch(rel->relid, root)->relid);

	return table->kind == DIST_TABLE_HASH && root->rowMarks == NIL ? table : NULL;
}

bool
planner_rel_is_looked_up(PlannerInfo *root, RelOptInfo *rel)
{
	const DistTable *table = table_of_rel(root, rel);
	bool		isOthers = OidIsValid(planner_rel_role(root, rel->relid));
	List	   *quals = NIL;
	bool		changing = false;
	ListCell   *lc;

	if (table == NULL || rel->tuples < MIN_TUPLES)
		return false;
	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Node	   *clause = (Node *) rinfo->clause;

		if (!planner_reads_changing_params(root, clause) ||
			!planner_clause_can_be_pushed(root, rel, rinfo, clause, isOthers, true))
			continue;
		changing = true;
		quals = lappend(quals, clause);
	}
	return changing &&
		prune_names_shards(routing_prune_from_quals(quals, rel->relid, table), false);
}

/* ---- cost ---- */

/* true when an index begins with the column: the shards have it, too */
bool
planner_column_has_index(Oid relid, AttrNumber attno)
{
	Relation	relation = RelationIdGetRelation(relid);
	bool		found = false;
	ListCell   *lc;

	if (relation == NULL)
		return false;
	foreach(lc, RelationGetIndexList(relation))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		found |= ((Form_pg_index) GETSTRUCT(tuple))->indkey.values[0] == attno;
		ReleaseSysCache(tuple);
	}
	RelationClose(relation);
	return found;
}

void
planner_cost_lookup(PlannerInfo *root, RelOptInfo *rel, Path *path)
{
	const DistTable *table = table_of_rel(root, rel);
	double		looked = rel->tuples / Max(table->nshards, 1);

	if (planner_column_has_index(table->relid, table->keyAttno))
		looked = Min(looked, path->rows);
	path->startup_cost = LOOKUP_STARTUP_COST;
	path->total_cost = LOOKUP_STARTUP_COST + looked * cpu_tuple_cost + path->rows * SCAN_ROW_COST;
}

/* ---- parameterised paths ---- */

static bool
member_is_key(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *class,
			  EquivalenceMember *member, void *arg)
{
	const DistTable *table = arg;
	Node	   *expr = (Node *) member->em_expr;

	while (expr != NULL && IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return IsA(expr, Var) && ((Var *) expr)->varno == rel->relid &&
		((Var *) expr)->varattno == table->keyAttno;
}

/* the relations whose rows say which shard it is, if the condition is such a one; or NULL */
static Relids
outer_of_clause(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *rinfo, const DistTable *table)
{
	Node	   *clause = planner_lookup_clause(root, rel, (Node *) rinfo->clause, false);
	Relids		outer;

	if (!join_clause_is_movable_to(rinfo, rel) ||
		!planner_clause_can_be_pushed(root, rel, rinfo, clause,
									  OidIsValid(planner_rel_role(root, rel->relid)), true) ||
		!prune_names_shards(routing_prune_from_quals(list_make1(clause), rel->relid, table),
							false))
		return NULL;
	outer = bms_copy(rinfo->clause_relids);
	return bms_del_member(outer, rel->relid);
}

/*
 * planner_add_lookup_paths
 *		Paths of a known relation for each set of relations whose rows it can be looked up for.
 */
void
planner_add_lookup_paths(PlannerInfo *root, RelOptInfo *rel, const CustomPath *scan)
{
	const DistTable *table = table_of_rel(root, rel);
	List	   *clauses;
	List	   *outers = NIL;
	ListCell   *lc;

	if (table == NULL || rel->lateral_relids != NULL)
		return;
	/* what follows from few rows (planner_narrow.c) has said already where to look */
	if (prune_names_shards(routing_prune_from_quals(extract_actual_clauses(rel->baserestrictinfo,
																		   false),
													rel->relid, table), true))
		return;
	clauses = list_copy(rel->joininfo);
	if (rel->has_eclass_joins)
		clauses = list_concat(clauses,
							  generate_implied_equalities_for_column(root, rel, member_is_key,
																	 unconstify(DistTable *, table),
																	 rel->lateral_referencers));
	foreach(lc, clauses)
	{
		Relids		outer = outer_of_clause(root, rel, lfirst_node(RestrictInfo, lc), table);
		bool		known = false;
		ListCell   *each;
		CustomPath *path;

		foreach(each, outers)
			known |= bms_equal(lfirst(each), outer);
		if (bms_is_empty(outer) || known)
			continue;
		outers = lappend(outers, outer);
		path = palloc(sizeof(CustomPath));
		memcpy(path, scan, sizeof(CustomPath));
		path->path.param_info = get_baserel_parampathinfo(root, rel, outer);
		path->path.rows = path->path.param_info->ppi_rows;
		path->path.pathkeys = NIL;
		path->custom_private = planner_lookup_mark();
		planner_cost_lookup(root, rel, &path->path);
		add_path(rel, (Path *) path);
	}
}

/* ---- paths that are lookups ---- */

List *
planner_lookup_mark(void)
{
	return list_make1(makeString(pstrdup("lookup")));
}

bool
planner_path_is_lookup(const CustomPath *path)
{
	return path->custom_private != NIL;
}
