/*
 * weighted_values.c
 *	  Percentiles and mode of values of any type, from values and how often each of them occurs.
 *
 * Shards group by the value that an ordered-set aggregate sorts, and count; here the values of all
 * shards are sorted, with their counts, in memory or on disk as the server's sort does it.  The
 * value of a rank is the first up to which there are more.  A value may come several times.
 *
 * For types of fixed length packed_values.c costs less.  What a percentile is, is said where the
 * server defines its own (orderedsetaggs.c there).
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "executor/packed_internal.h"

PG_FUNCTION_INFO_V1(weighted_transition);
PG_FUNCTION_INFO_V1(weighted_percentile_cont);
PG_FUNCTION_INFO_V1(weighted_percentile_cont_multi);
PG_FUNCTION_INFO_V1(weighted_percentile_disc);
PG_FUNCTION_INFO_V1(weighted_percentile_disc_multi);
PG_FUNCTION_INFO_V1(weighted_mode);

/* the values of one group */
typedef struct WeightedValues
{
	TypeCacheEntry *type;
	Oid			typeId;
	Oid			collation;
	Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;
	int64		n;				/* all counts */

	/* once they are sorted */
	bool		sorted;
	bool		descending;		/* ranks are counted from the end */
	int64		before;			/* counts of the values before the one in out, and with it */
	int64		upto;
} WeightedValues;

/* ---- taking values ---- */

static void
end_values(Datum arg)
{
	WeightedValues *values = (WeightedValues *) DatumGetPointer(arg);

	ExecDropSingleTupleTableSlot(values->in);
	ExecDropSingleTupleTableSlot(values->out);
	tuplesort_end(values->sort);
}

static WeightedValues *
make_values(FunctionCallInfo fcinfo)
{
	WeightedValues *values = palloc0(sizeof(WeightedValues));
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	AttrNumber	column = 1;
	bool		nullsFirst = false;

	values->typeId = get_fn_expr_argtype(fcinfo->flinfo, 1);
	values->collation = PG_GET_COLLATION();
	values->type = lookup_type_cache(values->typeId,
									 TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR_FINFO);
	if (!OidIsValid(values->type->lt_opr) || !OidIsValid(values->type->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an ordering operator for type %s",
						format_type_be(values->typeId))));
	TupleDescInitEntry(desc, 1, "value", values->typeId, -1, 0);
	TupleDescInitEntryCollation(desc, 1, values->collation);
	TupleDescInitEntry(desc, 2, "n", INT8OID, -1, 0);
	values->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	values->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	values->sort = tuplesort_begin_heap(desc, 1, &column, &values->type->lt_opr,
										&values->collation, &nullsFirst, work_mem, NULL,
										TUPLESORT_RANDOMACCESS);
	AggRegisterCallback(fcinfo, end_values, PointerGetDatum(values));
	return values;
}

/* weighted_transition(internal, value anyelement, n bigint) */
Datum
weighted_transition(PG_FUNCTION_ARGS)
{
	WeightedValues *values = PG_ARGISNULL(0) ? NULL : (WeightedValues *) PG_GETARG_POINTER(0);
	MemoryContext context;
	MemoryContext caller;

	if (AggCheckCallContext(fcinfo, &context) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "weighted_transition called in non-aggregate context");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_GETARG_INT64(2) <= 0)
	{
		if (values == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(values);
	}
	if (values == NULL)
	{
		caller = MemoryContextSwitchTo(context);
		values = make_values(fcinfo);
		MemoryContextSwitchTo(caller);
	}
	ExecClearTuple(values->in);
	values->in->tts_values[0] = PG_GETARG_DATUM(1);
	values->in->tts_values[1] = PG_GETARG_DATUM(2);
	values->in->tts_isnull[0] = values->in->tts_isnull[1] = false;
	ExecStoreVirtualTuple(values->in);
	tuplesort_puttupleslot(values->sort, values->in);
	values->n += PG_GETARG_INT64(2);
	PG_RETURN_POINTER(values);
}

/* ---- sorted values ---- */

/* the values of a final function, sorted; NULL when there were none */
static WeightedValues *
get_values(FunctionCallInfo fcinfo, bool descending)
{
	WeightedValues *values = PG_ARGISNULL(0) ? NULL : (WeightedValues *) PG_GETARG_POINTER(0);

	if (AggCheckCallContext(fcinfo, NULL) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "weighted values are read in an aggregate only");
	if (values == NULL)
		return NULL;
	if (!values->sorted)
		tuplesort_performsort(values->sort);
	else
		tuplesort_rescan(values->sort);
	values->sorted = true;
	values->descending = descending;
	values->before = values->upto = 0;
	return values;
}

/* the next value into out; false at the end */
static bool
next_value(WeightedValues *values, Datum *value, int64 *n)
{
	bool		isNull;

	CHECK_FOR_INTERRUPTS();
	if (!tuplesort_gettupleslot(values->sort, true, false, values->out, NULL))
		return false;
	*value = slot_getattr(values->out, 1, &isNull);
	*n = DatumGetInt64(slot_getattr(values->out, 2, &isNull));
	values->before = values->upto;
	values->upto += *n;
	return true;
}

/* the value of a rank in the aggregate's own order, counted from 0; a copy */
static Datum
value_of_rank(WeightedValues *values, int64 rank)
{
	Datum		value;
	int64		n;
	bool		isNull;

	if (values->descending)
		rank = values->n - 1 - rank;
	if (rank < values->before)
	{
		tuplesort_rescan(values->sort);
		values->before = values->upto = 0;
	}
	while (values->upto <= rank)
	{
		if (!next_value(values, &value, &n))
			elog(ERROR, "there are fewer values than were counted");
	}
	value = slot_getattr(values->out, 1, &isNull);
	return datumCopy(value, values->type->typbyval, values->type->typlen);
}

/* ---- percentiles ---- */

static Datum
discrete_value(void *state, float8 fraction)
{
	WeightedValues *values = state;
	int64		row = ceil(fraction * values->n);

	return value_of_rank(values, Max(row, 1) - 1);
}

/* the value at a part of the way from low to high */
static Datum
between(Oid type, Datum low, Datum high, float8 part)
{
	Datum		way;

	if (type == FLOAT8OID)
		return Float8GetDatum(DatumGetFloat8(low) +
							  part * (DatumGetFloat8(high) - DatumGetFloat8(low)));
	way = DirectFunctionCall2(interval_mi, high, low);
	way = DirectFunctionCall2(interval_mul, way, Float8GetDatum(part));
	return DirectFunctionCall2(interval_pl, way, low);
}

static Datum
continuous_value(void *state, float8 fraction)
{
	WeightedValues *values = state;
	float8		place = fraction * (values->n - 1);
	int64		first = floor(place);
	int64		second = ceil(place);
	Datum		low = value_of_rank(values, first);

	if (first == second)
		return low;
	return between(values->typeId, low, value_of_rank(values, second), place - first);
}

static Datum
percentile(FunctionCallInfo fcinfo, Datum (*value) (void *, float8))
{
	WeightedValues *values;
	float8		fraction;

	if (!executor_fraction_is_given(fcinfo, &fraction))
		PG_RETURN_NULL();
	values = get_values(fcinfo, PG_GETARG_BOOL(2));
	if (values == NULL)
		PG_RETURN_NULL();
	return value(values, fraction);
}

static Datum
percentiles(FunctionCallInfo fcinfo, Datum (*value) (void *, float8))
{
	WeightedValues *values = get_values(fcinfo, PG_GETARG_BOOL(2));

	if (values == NULL || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	return executor_percentiles(PG_GETARG_ARRAYTYPE_P(1), values->typeId, value, values);
}

/* weighted_percentile_cont(internal, fraction float8, descending boolean, value, n) */
Datum
weighted_percentile_cont(PG_FUNCTION_ARGS)
{
	return percentile(fcinfo, continuous_value);
}

Datum
weighted_percentile_cont_multi(PG_FUNCTION_ARGS)
{
	return percentiles(fcinfo, continuous_value);
}

/* weighted_percentile_disc(internal, fraction float8, descending boolean, value, n) */
Datum
weighted_percentile_disc(PG_FUNCTION_ARGS)
{
	return percentile(fcinfo, discrete_value);
}

Datum
weighted_percentile_disc_multi(PG_FUNCTION_ARGS)
{
	return percentiles(fcinfo, discrete_value);
}

/* ---- mode ---- */

/* weighted_mode(internal, descending boolean, value, n): the first of those that are as frequent */
Datum
weighted_mode(PG_FUNCTION_ARGS)
{
	WeightedValues *values = get_values(fcinfo, PG_GETARG_BOOL(1));
	Datum		value;
	Datum		current = (Datum) 0;
	Datum		best = (Datum) 0;
	int64		n;
	int64		count = 0;
	int64		bestCount = 0;

	if (values == NULL)
		PG_RETURN_NULL();
	while (next_value(values, &value, &n))
	{
		if (count == 0 ||
			!DatumGetBool(FunctionCall2Coll(&values->type->eq_opr_finfo, values->collation,
											current, value)))
		{
			if (!values->type->typbyval && count > 0 && current != best)
				pfree(DatumGetPointer(current));
			current = datumCopy(value, values->type->typbyval, values->type->typlen);
			count = 0;
		}
		count += n;
		if (count > bestCount || (values->descending && count == bestCount))
		{
			if (!values->type->typbyval && bestCount > 0 && best != current)
				pfree(DatumGetPointer(best));
			best = current;
			bestCount = count;
		}
	}
	PG_RETURN_DATUM(best);
}
