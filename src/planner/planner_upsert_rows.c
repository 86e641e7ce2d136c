/*
 * planner_upsert_rows.c
 *	  INSERT .. ON CONFLICT DO UPDATE, row by row.
 *
 * A row may meet what became of the row before, where the UPDATE may move rows or take them out of
 * the index, several indexes decide, or triggers see the rows.  Then each row is inserted, or an
 * UPDATE is run of the row that is in its way (InsertSpec.conflict, executor/upsert_rows.c), with
 * the columns of EXCLUDED as parameters:
 *
 *		INSERT INTO t VALUES .. ON CONFLICT (a) DO UPDATE SET b = excluded.c WHERE q
 *			->
 *		INSERT INTO t VALUES .. ON CONFLICT (a) DO NOTHING
 *		UPDATE t SET b = $c WHERE a = $a AND q
 *
 * Of several indexes the UPDATE's condition is that of the first for which a row is in the way.
 *
 * Invariants: (1) the clause sees the data as it was before the statement: what it reads of the
 * target, and sub-queries that are the same for all rows, are read first (EarlyReads); (2) common
 * table expressions that it reads have become such reads before (planner_conflict_ctes()).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/index.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat_planner.h"
#include "planner_upsert_internal.h"

/* ---- EXCLUDED as parameters ---- */

typedef struct ParamContext
{
	Index		excluded;
	int			depth;
} ParamContext;

/* columns of EXCLUDED become parameters */
static Node *
param_mutator(Node *node, ParamContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == context->excluded &&
		((Var *) node)->varlevelsup == context->depth)
	{
		Var		   *var = (Var *) node;
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = PLAN_CONFLICT_PARAM + var->varattno;
		param->paramtype = var->vartype;
		param->paramtypmod = var->vartypmod;
		param->paramcollid = var->varcollid;
		param->location = -1;
		return (Node *) param;
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		context->depth++;
		result = query_tree_mutator((Query *) node, param_mutator, context, 0);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, param_mutator, context);
}

static Node *
excluded_to_params(Upsert *upsert, Node *node)
{
	ParamContext context = {upsert->excluded, 0};

	return param_mutator(planner_upsert_adapt_excluded(upsert, node), &context);
}

/* ---- the condition ---- */

/* an UPDATE that sets these columns may leave the row with other values in the index */
static bool
may_change_index(const IndexInfo *info, List *targetList)
{
	ListCell   *lc;

	if (info->ii_Expressions != NIL || info->ii_Predicate != NIL || info->ii_NullsNotDistinct)
		return true;
	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		{
			if (!tle->resjunk && info->ii_IndexAttrNumbers[i] == tle->resno)
				return true;
		}
	}
	return false;
}

/* what the executor compares to find rows that are written twice: of a row, with itself */
static OpExpr *
make_key(Upsert *upsert, IndexInfo *info, int number)
{
	Relation	index = upsert->index;
	Oid			type = index->rd_opcintype[number];
	Expr	   *own = planner_upsert_index_column(upsert, info, number, 1);

	return (OpExpr *) make_opclause(get_opfamily_member(index->rd_opfamily[number], type, type,
														BTEqualStrategyNumber),
									BOOLOID, false, own, (Expr *) copyObject(own), InvalidOid,
									index->rd_indcollation[number]);
}

/* true where the condition is false or NULL */
static Expr *
make_is_not_true(Expr *condition)
{
	BooleanTest *result = makeNode(BooleanTest);

	result->arg = condition;
	result->booltesttype = IS_NOT_TRUE;
	result->location = -1;
	return (Expr *) result;
}

/* CASE WHEN conditions THEN upsert_is_first(..) AND filter END, for these have an order */
static Expr *
make_guard(Upsert *upsert, List *conditions, Node *filter)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	Expr	   *first = planner_upsert_first_check(upsert->query, PLAN_CONFLICT_PARAM);

	when->expr = make_ands_explicit(copyObject(conditions));
	when->result = filter == NULL ? first :
		make_ands_explicit(list_make2(first, copyObject(filter)));
	when->location = -1;
	result->casetype = BOOLOID;
	result->args = list_make1(when);
	result->defresult = (Expr *) makeBoolConst(false, false);
	result->location = -1;
	return (Expr *) result;
}

/* rows of entry rti that are in EXCLUDED's way by upsert->index; level: EXCLUDED's above theirs */
static List *
make_index_conditions(Upsert *upsert, IndexInfo *info, Index rti, int level)
{
	List	   *predicate = copyObject(info->ii_Predicate);
	List	   *conditions = NIL;

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		Expr	   *column = planner_upsert_index_column(upsert, info, i, rti);
		Expr	   *excluded = planner_upsert_index_column(upsert, info, i, upsert->excluded);

		IncrementVarSublevelsUp((Node *) excluded, level, 0);
		conditions = lappend(conditions,
							 planner_upsert_equality(upsert, info, i, column, excluded));
	}
	ChangeVarNodes((Node *) predicate, 1, rti, 0);
	return list_concat(conditions, predicate);
}

/* of a row to insert: without it the index has no say */
static List *
make_excluded_predicate(Upsert *upsert, IndexInfo *info)
{
	List	   *predicate = copyObject(info->ii_Predicate);

	ChangeVarNodes((Node *) predicate, 1, upsert->excluded, 0);
	return predicate;
}

/* EXISTS (SELECT FROM t WHERE it is in EXCLUDED's way by upsert->index) */
static Expr *
make_conflict_exists(Upsert *upsert, IndexInfo *info)
{
	RangeTblEntry *rte = copyObject(rt_fetch(upsert->target, upsert->query->rtable));
	Query	   *query = planner_make_select_from(rte);
	SubLink    *result = makeNode(SubLink);

	rte->alias = makeAlias("in the way", NIL);
	rte->inh = upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	query->jointree->quals = (Node *)
		make_ands_explicit(make_index_conditions(upsert, info, 1, 1));
	compat_query_take_perminfo(query, rte, upsert->query);
	result->subLinkType = EXISTS_SUBLINK;
	result->subselect = (Node *) query;
	result->location = -1;
	return (Expr *) result;
}

/*
 * Several indexes: a row is in the way by one of them, if none is by those before it.  What they
 * have in common stands by itself, for the choice of the shard.  *guarded: the same without a
 * look at other rows.
 */
static List *
make_conditions_of_several(Upsert *upsert, List **guarded)
{
	List	   *earlier = NIL;	/* conditions under which earlier indexes have no row in the way */
	List	   *choices = NIL;
	List	   *ways = NIL;
	List	   *common = NIL;
	ListCell   *lc;

	foreach(lc, upsert->indexes)
	{
		IndexInfo  *info;
		List	   *predicate;
		List	   *own;
		Expr	   *here;

		upsert->index = index_open(lfirst_oid(lc), AccessShareLock);
		info = BuildIndexInfo(upsert->index);
		predicate = make_excluded_predicate(upsert, info);
		own = make_index_conditions(upsert, info, upsert->target, 0);
		common = choices == NIL ? own : list_intersection(common, own);
		here = make_ands_explicit(lappend(list_copy(predicate),
										  make_conflict_exists(upsert, info)));
		own = list_concat_copy(predicate, own);
		ways = lappend(ways, make_ands_explicit(own));
		choices = lappend(choices, make_ands_explicit(list_concat_copy(own, earlier)));
		/* not true: a predicate may be NULL */
		earlier = lappend(earlier, make_is_not_true(here));
		index_close(upsert->index, NoLock);
	}
	*guarded = lappend(list_copy(common), make_orclause(ways));
	return lappend(list_copy(common), make_orclause(choices));
}

/*
 * WHERE of the UPDATE; keys, or a condition of it, keep rows from being written twice.  What
 * policies do not let pass is an error whether the statement's own WHERE wants the row or not:
 * that stays in the conflict clause then (planner_change.c).
 */
static Node *
make_row_condition(Upsert *upsert, InsertSpec *insert)
{
	OnConflictExpr *conflict = upsert->query->onConflict;
	bool		asks = planner_upsert_asks_policies(upsert->query);
	Node	   *filter = copyObject(conflict->onConflictWhere);
	bool		mayChange = true;
	List	   *conditions;
	List	   *guarded;		/* of rows that may be in the way */

	if (list_length(upsert->indexes) > 1)
		conditions = make_conditions_of_several(upsert, &guarded);
	else
	{
		IndexInfo  *info;

		upsert->index = index_open(linitial_oid(upsert->indexes), AccessShareLock);
		info = BuildIndexInfo(upsert->index);
		mayChange = may_change_index(info, conflict->onConflictSet);
		conditions = guarded = make_index_conditions(upsert, info, upsert->target, 0);
		for (int i = 0; !mayChange && i < info->ii_NumIndexKeyAttrs; i++)
			insert->conflictKeys = lappend(insert->conflictKeys, make_key(upsert, info, i));
		index_close(upsert->index, NoLock);
	}
	if (mayChange)
	{
		bool		apart = asks || checkExprHasSubLink(filter) ||
			contain_volatile_functions(filter);

		conditions = lappend(conditions, make_guard(upsert, guarded, apart ? NULL : filter));
		filter = apart ? filter : NULL;
	}
	if (filter != NULL && !asks)
		conditions = lappend(conditions, filter);
	return excluded_to_params(upsert, (Node *) make_ands_explicit(conditions));
}

/* ---- the statements ---- */

/*
 * In RETURNING xmax of a row that an upsert has updated is the transaction that locked it before,
 * which is its own; here nothing locks it first.
 */
static Node *
locker_mutator(Node *node, Upsert *upsert)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == upsert->target &&
		((Var *) node)->varlevelsup == 0 &&
		((Var *) node)->varattno == MaxTransactionIdAttributeNumber &&
		compat_var_returning((Var *) node) != COMPAT_RETURNING_OLD)
	{
		Var		   *var = copyObject((Var *) node);

		var->varattno = var->varattnosyn = MinTransactionIdAttributeNumber;
		return (Node *) var;
	}
	return expression_tree_mutator(node, locker_mutator, upsert);
}

/* UPDATE of the row that has what the index compares in common with EXCLUDED */
static Query *
make_row_update(Upsert *upsert, InsertSpec *insert)
{
	OnConflictExpr *conflict = upsert->query->onConflict;
	Query	   *update = copyObject(upsert->query);
	RangeTblRef *target = makeNode(RangeTblRef);
	Node	   *where = make_row_condition(upsert, insert);

	target->rtindex = upsert->target;
	update->commandType = CMD_UPDATE;
	/* it says that the UPDATE is an upsert's, where that means something */
	update->onConflict = NULL;
	if (planner_upsert_asks_policies(update) || upsert->relation->rd_rel->relispartition ||
		upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		update->onConflict = makeNode(OnConflictExpr);
	if (planner_upsert_asks_policies(update))
		update->onConflict->onConflictWhere =
			excluded_to_params(upsert, conflict->onConflictWhere);
	update->override = OVERRIDING_NOT_SET;
	update->targetList = (List *) excluded_to_params(upsert, (Node *) conflict->onConflictSet);
	update->jointree = makeFromExpr(list_make1(target), where);
	update->returningList = (List *) locker_mutator((Node *) update->returningList, upsert);
	update->cteList = NIL;
	update->hasModifyingCTE = update->hasRecursive = false;
	update->hasSubLinks = checkExprHasSubLink((Node *) update->targetList) ||
		checkExprHasSubLink(where) || checkExprHasSubLink((Node *) update->onConflict) ||
		checkExprHasSubLink((Node *) update->returningList);
	planner_upsert_forget_sources(upsert, update);
	rt_fetch(upsert->target, update->rtable)->inh =
		upsert->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	return update;
}

static Query *
make_row_insert(Upsert *upsert)
{
	Query	   *insert = copyObject(upsert->query);
	OnConflictExpr *conflict = insert->onConflict;

	conflict->action = ONCONFLICT_NOTHING;
	conflict->onConflictSet = NIL;
	conflict->onConflictWhere = NULL;
	return insert;
}

/* ---- what the clause reads ---- */

/*
 * The clause is run again for each row, but sees no other one that the statement has written: what
 * it reads is read before the first.  A sub-query that is the same for all rows is computed then;
 * of the others, that is what they read of the target.
 */
static bool
read_early_walker(Node *node, Upsert *upsert)
{
	SubLink    *sublink = (SubLink *) node;
	Query	   *query;

	if (node == NULL)
		return false;
	if (!IsA(node, SubLink))
		return expression_tree_walker(node, read_early_walker, upsert);
	query = castNode(Query, sublink->subselect);
	if (planner_has_known_relation(query) && !planner_is_correlated(query))
		sublink->subselect = (Node *) planner_compute_early(upsert->request, query, upsert->early);
	else if (planner_has_known_relation(query))
		planner_read_early(upsert->request, query, RelationGetRelid(upsert->relation),
						   upsert->early);
	return read_early_walker(sublink->testexpr, upsert);
}

/* ---- when, and the whole ---- */

/* the UPDATE sets a column that decides whether a row is in the index, and where */
static bool
assigns_index_column(Upsert *upsert, Oid indexId)
{
	TupleDesc	desc = RelationGetDescr(upsert->relation);
	Relation	index = index_open(indexId, AccessShareLock);
	IndexInfo  *info = BuildIndexInfo(index);
	Bitmapset  *attnos = NULL;
	bool		result = false;
	int			member = -1;

	index_close(index, NoLock);
	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		if (info->ii_IndexAttrNumbers[i] != 0)
			attnos = bms_add_member(attnos, info->ii_IndexAttrNumbers[i] -
									FirstLowInvalidHeapAttributeNumber);
	}
	pull_varattnos((Node *) info->ii_Expressions, 1, &attnos);
	pull_varattnos((Node *) info->ii_Predicate, 1, &attnos);
	while (!result && (member = bms_next_member(attnos, member)) >= 0)
	{
		AttrNumber	attno = member + FirstLowInvalidHeapAttributeNumber;

		result = attno <= 0 || TupleDescAttr(desc, attno - 1)->attgenerated != '\0' ||
			planner_find_column(upsert->query->onConflict->onConflictSet, attno) != NULL;
	}
	return result;
}

bool
planner_upsert_needs_rows(Query *query)
{
	Upsert		upsert = {query, query->resultRelation, query->onConflict->exclRelIndex};
	bool		result;

	upsert.relation = table_open(rt_fetch(upsert.target, query->rtable)->relid, NoLock);
	planner_upsert_find_indexes(&upsert);
	result = list_length(upsert.indexes) > 1 ||
		assigns_index_column(&upsert, linitial_oid(upsert.indexes));
	table_close(upsert.relation, NoLock);
	return result;
}

Query *
planner_upsert_rows(PlanRequest *request, Query *query, InsertSpec *insert, EarlyReads *early,
					Refusal *refusal)
{
	Query	   *own = copyObject(query);
	Upsert		upsert = {own, own->resultRelation, own->onConflict->exclRelIndex};
	PlanRequest each = *request;

	if (planner_conflict_reads_ctes(query))
	{
		refusal->reason = "ON CONFLICT reads a common table expression, row by row";
		return NULL;
	}
	upsert.relation = table_open(rt_fetch(upsert.target, own->rtable)->relid, NoLock);
	upsert.request = request;
	upsert.early = early;
	(void) read_early_walker((Node *) own->onConflict->onConflictSet, &upsert);
	(void) read_early_walker(own->onConflict->onConflictWhere, &upsert);
	planner_upsert_find_indexes(&upsert);
	each.query = make_row_update(&upsert, insert);
	table_close(upsert.relation, NoLock);
	refusal->reason = upsert.impossible;
	if (upsert.impossible != NULL)
		return NULL;
	insert->conflictFilters = own->onConflict->onConflictWhere != NULL;
	each.cursorOptions = 0;
	each.early = NULL;
	each.joins = true;
	insert->conflict = planner_plan_request(&each);
	return make_row_insert(&upsert);
}
