/*
 * compat_triggers.c
 *	  compat_triggers.h, where majors differ by more than a line.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"

#include "citus/base/compat_triggers.h"

static RangeTblEntry *
make_target_rte(Relation relation)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(relation);
	rte->relkind = relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
	return rte;
}

#if PG_VERSION_NUM >= 160000

void
compat_estate_add_target(EState *estate, Relation relation, Bitmapset *updated)
{
	RangeTblEntry *rte = make_target_rte(relation);
	List	   *permissions = NIL;

	addRTEPermissionInfo(&permissions, rte)->updatedCols = updated;
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(rte), permissions, bms_make_singleton(1));
#else
	ExecInitRangeTable(estate, list_make1(rte), permissions);
#endif
}

void
compat_relation_forget_indexes(Relation copy)
{
	copy->rd_attrsvalid = false;
	copy->rd_rel->relhasindex = false;
}

#else

/* generated columns that are computed from updated ones */
static Bitmapset *
dependent_columns(Relation relation, Bitmapset *updated)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;
	Bitmapset  *result = NULL;

	for (int i = 0; constraints != NULL && i < constraints->num_defval; i++)
	{
		AttrDefault *expression = &constraints->defval[i];
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation),
													expression->adnum - 1);
		Bitmapset  *used = NULL;

		if (attribute->attgenerated == '\0')
			continue;
		pull_varattnos(stringToNode(expression->adbin), 1, &used);
		if (bms_overlap(used, updated))
			result = bms_add_member(result,
									expression->adnum - FirstLowInvalidHeapAttributeNumber);
	}
	return result;
}

void
compat_estate_add_target(EState *estate, Relation relation, Bitmapset *updated)
{
	RangeTblEntry *rte = make_target_rte(relation);

	rte->updatedCols = updated;
	rte->extraUpdatedCols = dependent_columns(relation, updated);
	ExecInitRangeTable(estate, list_make1(rte));
}

void
compat_relation_forget_indexes(Relation copy)
{
	copy->rd_indexattr = NULL;
	copy->rd_rel->relhasindex = false;
}

#endif

bool
compat_fire_before_update(EState *estate, ResultRelInfo *relation, HeapTuple old,
						  TupleTableSlot *slot)
{
#if PG_VERSION_NUM >= 180000
	return ExecBRUpdateTriggers(estate, NULL, relation, NULL, old, slot, NULL, NULL, false);
#elif PG_VERSION_NUM >= 160000
	return ExecBRUpdateTriggers(estate, NULL, relation, NULL, old, slot, NULL, NULL);
#else
	return ExecBRUpdateTriggers(estate, NULL, relation, NULL, old, slot, NULL);
#endif
}

bool
compat_fire_before_delete(EState *estate, ResultRelInfo *relation, HeapTuple old)
{
#if PG_VERSION_NUM >= 180000
	return ExecBRDeleteTriggers(estate, NULL, relation, NULL, old, NULL, NULL, NULL, false);
#elif PG_VERSION_NUM >= 160000
	return ExecBRDeleteTriggers(estate, NULL, relation, NULL, old, NULL, NULL, NULL);
#else
	return ExecBRDeleteTriggers(estate, NULL, relation, NULL, old, NULL);
#endif
}

bool
compat_deferred_triggers_keep_role(void)
{
	return PG_VERSION_NUM >= 180000;
}
