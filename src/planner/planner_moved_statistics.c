/*
 * planner_moved_statistics.c
 *	  What the server's planner is told about rows that were moved.
 *
 * Where a task joins moved rows they are a function's result, of which the server assumes that a
 * column has 200 different values: it expects too many rows by far, and sorts both sides.  The
 * column by which rows were cut is mostly somebody's key; it is taken to be different in each row,
 * so that a join has about as many rows as its larger side.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/rel.h"

#include "citus/base/session.h"
#include "planner_internal.h"

/* the column by which the rows of a function were cut; 0: it is another function, or none */
static AttrNumber
cut_column(RangeTblEntry *rte)
{
	FuncExpr   *call;
	Const	   *key;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1 ||
		!base_extension_is_active())
		return 0;
	call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	if (!IsA(call, FuncExpr) || call->funcresulttype != RECORDOID ||
		list_length(call->args) != 2 || call->funcid != planner_unpack_rows_oid())
		return 0;
	key = lsecond(call->args);
	return IsA(key, Const) && !key->constisnull ? DatumGetInt32(key->constvalue) : 0;
}

static HeapTuple
make_statistics(AttrNumber attno)
{
	Relation	catalog = table_open(StatisticRelationId, AccessShareLock);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {false};
	HeapTuple	tuple;

	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(InvalidOid);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(attno);
	values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(0);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(0);
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(-1);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		/* no slot is in use: its kind is 0 */
		values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(0);
		values[Anum_pg_statistic_staop1 - 1 + i] = ObjectIdGetDatum(InvalidOid);
		values[Anum_pg_statistic_stacoll1 - 1 + i] = ObjectIdGetDatum(InvalidOid);
		nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = true;
		nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
	}
	tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* false: the server looks for itself */
bool
planner_relation_statistics(RangeTblEntry *rte, AttrNumber attno, VariableStatData *found)
{
	if (attno <= 0 || cut_column(rte) != attno)
		return false;
	found->statsTuple = make_statistics(attno);
	found->freefunc = heap_freetuple;
	found->acl_ok = true;
	return true;
}
