/*
 * planner_one_row.c
 *	  Does a statement find one row of its table at most, by a unique index?
 *
 * Who waited on another node for a transaction must see here what that one has written.  A write
 * that looks for one row waits for the row itself, or does not find it and looks again; one that
 * chooses among rows must know of all before it begins (executor/snapshots.c).
 *
 * Owns only that question; who asks keeps the answer in Fragment.findsOneRow.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "planner_internal.h"

/* is the clause column = value, as column n of the index compares? */
static bool
clause_fixes_column(Node *clause, Index rti, Relation index, int n)
{
	OpExpr	   *op = (OpExpr *) clause;
	AttrNumber	attno = index->rd_index->indkey.values[n];

	if (!IsA(clause, OpExpr) || list_length(op->args) != 2 || attno == 0 ||
		op->inputcollid != index->rd_indcollation[n] ||
		get_op_opfamily_strategy(op->opno, index->rd_opfamily[n]) != BTEqualStrategyNumber)
		return false;
	for (int i = 0; i < 2; i++)
	{
		Node	   *side = list_nth(op->args, i);
		Node	   *value = list_nth(op->args, 1 - i);

		if (IsA(side, RelabelType))
			side = (Node *) ((RelabelType *) side)->arg;
		if (IsA(side, Var) && ((Var *) side)->varno == rti && ((Var *) side)->varattno == attno &&
			!contain_var_clause(value) && !contain_subplans(value) &&
			!contain_volatile_functions(value))
			return true;
	}
	return false;
}

static bool
clauses_fix_index(List *clauses, Index rti, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		bool		fixed = false;
		ListCell   *lc;

		foreach(lc, clauses)
		{
			fixed = fixed || clause_fixes_column(lfirst(lc), rti, index, i);
		}
		if (!fixed)
			return false;
	}
	return true;
}

/*
 * planner_finds_one_row
 *		True if an UPDATE, DELETE or locking SELECT of one relation can find only one row of it.
 *		The relation must be locked.
 */
bool
planner_finds_one_row(Query *query)
{
	List	   *clauses = make_ands_implicit((Expr *) query->jointree->quals);
	RangeTblRef *ref;
	RangeTblEntry *rte;
	Relation	relation;
	bool		found = false;
	ListCell   *lc;

	if (list_length(query->jointree->fromlist) != 1 || clauses == NIL ||
		query->cteList != NIL || query->commandType == CMD_MERGE)
		return false;
	ref = linitial(query->jointree->fromlist);
	if (!IsA(ref, RangeTblRef))
		return false;
	rte = rt_fetch(ref->rtindex, query->rtable);
	if (rte->rtekind != RTE_RELATION ||
		(rte->inh && rte->relkind != RELKIND_PARTITIONED_TABLE && has_subclass(rte->relid)))
		return false;
	relation = RelationIdGetRelation(rte->relid);
	if (relation == NULL)
		return false;
	foreach(lc, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || clauses_fix_index(clauses, ref->rtindex, index);
		index_close(index, NoLock);
	}
	RelationClose(relation);
	return found;
}
