/*
 * packed_runs.c
 *	  Aggregates over the sorted runs that packed_values.c makes beside the shards.
 *
 * Percentiles need a few ranks of all values: the value of a rank is found by halving the range of
 * numbers, and looking up in each run how many of its numbers are not greater.  Nothing is merged.
 * mode() and count(DISTINCT) look at all numbers, a stretch of NUMBERS_AT_ONCE of them at a time:
 * the parts of the runs that belong to it are put together and sorted.
 *
 * Runs are kept in memory as long as they fit into work_mem, then in a temporary file; of a run in
 * the file, memory has the first number of each block, and the block that was read last.
 *
 * The aggregates are ordered-set aggregates: the server finishes one group before it begins the
 * next, evaluates the fraction once, and lets several of them share the runs, which the final
 * functions only read.  What a percentile is, is said where the server defines its own
 * (orderedsetaggs.c there).
 *
 * Bytes may come from anybody who calls the aggregates: only their length is relied on.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/buffile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "executor/executor_internal.h"
#include "executor/packed_internal.h"

PG_FUNCTION_INFO_V1(packed_runs_transition);
PG_FUNCTION_INFO_V1(packed_percentile_cont);
PG_FUNCTION_INFO_V1(packed_percentile_cont_multi);
PG_FUNCTION_INFO_V1(packed_percentile_disc);
PG_FUNCTION_INFO_V1(packed_percentile_disc_multi);
PG_FUNCTION_INFO_V1(packed_mode);
PG_FUNCTION_INFO_V1(packed_count);

#define NUMBERS_IN_BLOCK	1024
#define NUMBERS_AT_ONCE		(256 * 1024)

typedef struct PackedRun
{
	int64		n;
	int			width;			/* bytes of a number */
	const char *data;			/* the numbers; NULL: they are in the file */

	/* in the file */
	int			fileno;
	off_t		offset;
	uint64	   *firsts;			/* of each block */
	int64		block;			/* that was read last; -1: none */
	char	   *blockData;
} PackedRun;

/* the runs of one group */
typedef struct PackedRuns
{
	MemoryContext context;
	PackedRun  *runs;
	int			nruns;
	int			room;
	int64		n;				/* numbers of all runs */
	Size		bytes;			/* in memory */
	BufFile    *file;
	int			endFileno;		/* where the next run goes in it */
	off_t		endOffset;
} PackedRuns;

/* ---- numbers of a run ---- */

static uint64
read_number(const char *at, int width)
{
	if (width == sizeof(uint32))
	{
		uint32		number;

		memcpy(&number, at, sizeof(number));
#ifdef WORDS_BIGENDIAN
		number = pg_bswap32(number);
#endif
		return number;
	}
	else
	{
		uint64		number;

		memcpy(&number, at, sizeof(number));
#ifdef WORDS_BIGENDIAN
		number = pg_bswap64(number);
#endif
		return number;
	}
}

/* how many of n numbers in ascending order are less than number, or not greater if orEqual */
static int64
count_below(const char *data, int width, int64 n, uint64 number, bool orEqual)
{
	int64		low = 0;
	int64		high = n;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;
		uint64		found = read_number(data + middle * width, width);

		if (found < number || (orEqual && found == number))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
seek_file(PackedRuns *runs, int fileno, off_t offset)
{
	if (BufFileSeek(runs->file, fileno, offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in the temporary file of packed values")));
}

/* bytes of a run from the file */
static void
read_file(PackedRuns *runs, const PackedRun *run, int64 first, int64 n, char *data)
{
	seek_file(runs, run->fileno, run->offset + first * run->width);
	if (BufFileRead(runs->file, data, n * run->width) != (size_t) (n * run->width))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the temporary file of packed values")));
}

static int64
numbers_of_block(const PackedRun *run, int64 block)
{
	return Min(NUMBERS_IN_BLOCK, run->n - block * NUMBERS_IN_BLOCK);
}

static int64
run_count_below(PackedRuns *runs, PackedRun *run, uint64 number, bool orEqual)
{
	int64		low = 0;
	int64		high = (run->n + NUMBERS_IN_BLOCK - 1) / NUMBERS_IN_BLOCK;

	if (run->data != NULL)
		return count_below(run->data, run->width, run->n, number, orEqual);
	/* blocks whose first number counts; the last of them is the one to look into */
	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (run->firsts[middle] < number || (orEqual && run->firsts[middle] == number))
			low = middle + 1;
		else
			high = middle;
	}
	if (low-- == 0)
		return 0;
	if (run->block != low)
	{
		if (run->blockData == NULL)
			run->blockData = MemoryContextAlloc(runs->context, NUMBERS_IN_BLOCK * run->width);
		run->block = -1;
		read_file(runs, run, low * NUMBERS_IN_BLOCK, numbers_of_block(run, low), run->blockData);
		run->block = low;
	}
	return low * NUMBERS_IN_BLOCK +
		count_below(run->blockData, run->width, numbers_of_block(run, low), number, orEqual);
}

static int64
runs_count_below(PackedRuns *runs, uint64 number, bool orEqual)
{
	int64		count = 0;

	for (int i = 0; i < runs->nruns; i++)
		count += run_count_below(runs, &runs->runs[i], number, orEqual);
	return count;
}

/* the number of a rank, counted from 0: the least that has more than rank numbers up to it */
static uint64
number_of_rank(PackedRuns *runs, int64 rank)
{
	uint64		low = 0;
	uint64		high = PG_UINT64_MAX;

	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		CHECK_FOR_INTERRUPTS();
		if (runs_count_below(runs, middle, true) > rank)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* ---- taking runs ---- */

static void
close_file(Datum arg)
{
	PackedRuns *runs = (PackedRuns *) DatumGetPointer(arg);

	if (runs->file != NULL)
		BufFileClose(runs->file);
	runs->file = NULL;
}

/* a run leaves memory */
static void
run_to_file(PackedRuns *runs, PackedRun *run)
{
	int64		nblocks = (run->n + NUMBERS_IN_BLOCK - 1) / NUMBERS_IN_BLOCK;
	char	   *data = unconstify(char *, run->data);

	run->firsts = MemoryContextAllocHuge(runs->context, sizeof(uint64) * nblocks);
	for (int64 i = 0; i < nblocks; i++)
		run->firsts[i] = read_number(data + i * NUMBERS_IN_BLOCK * run->width, run->width);
	run->fileno = runs->endFileno;
	run->offset = runs->endOffset;
	seek_file(runs, run->fileno, run->offset);
	BufFileWrite(runs->file, data, run->n * run->width);
	BufFileTell(runs->file, &runs->endFileno, &runs->endOffset);
	run->block = -1;
	run->data = NULL;
	runs->bytes -= run->n * run->width;
	pfree(data);
}

/* memory is for runs that fit into a part of it; the others go */
static void
bound_memory(PackedRuns *runs)
{
	if (runs->bytes <= work_mem * (Size) 1024)
		return;
	if (runs->file == NULL)
	{
		PrepareTempTablespaces();
		runs->file = BufFileCreateTemp(false);
	}
	for (int i = 0; i < runs->nruns; i++)
	{
		if (runs->runs[i].data != NULL && runs->runs[i].n > NUMBERS_IN_BLOCK)
			run_to_file(runs, &runs->runs[i]);
	}
}

static void
refuse_bytes(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("packed values have an invalid form")));
}

static void
add_run(PackedRuns *runs, const bytea *bytes)
{
	int64		length = VARSIZE_ANY_EXHDR(bytes) - PACKED_HEADER;
	int			width = length < 0 ? 0 : *VARDATA_ANY(bytes);
	PackedRun  *run;
	char	   *data;

	if ((width != sizeof(uint32) && width != sizeof(uint64)) || length % width != 0)
		refuse_bytes();
	if (length == 0)
		return;
	if (runs->nruns == runs->room)
	{
		runs->room = Max(runs->room * 2, 8);
		if (runs->runs == NULL)
			runs->runs = palloc(sizeof(PackedRun) * runs->room);
		else
			runs->runs = repalloc_huge(runs->runs, sizeof(PackedRun) * runs->room);
	}
	data = palloc(length);
	memcpy(data, VARDATA_ANY(bytes) + PACKED_HEADER, length);
	run = &runs->runs[runs->nruns++];
	memset(run, 0, sizeof(PackedRun));
	run->n = length / width;
	run->width = width;
	run->data = data;
	runs->n += run->n;
	runs->bytes += length;
	bound_memory(runs);
}

/* packed_runs_transition(internal, bytea) */
Datum
packed_runs_transition(PG_FUNCTION_ARGS)
{
	PackedRuns *runs = PG_ARGISNULL(0) ? NULL : (PackedRuns *) PG_GETARG_POINTER(0);
	MemoryContext context;
	MemoryContext caller;

	if (AggCheckCallContext(fcinfo, &context) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "packed_runs_transition called in non-aggregate context");
	if (runs == NULL && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	caller = MemoryContextSwitchTo(context);
	if (runs == NULL)
	{
		runs = palloc0(sizeof(PackedRuns));
		runs->context = context;
		AggRegisterCallback(fcinfo, close_file, PointerGetDatum(runs));
	}
	if (!PG_ARGISNULL(1))
	{
		bytea	   *bytes = PG_GETARG_BYTEA_PP(1);

		add_run(runs, bytes);
		PG_FREE_IF_COPY(bytes, 1);
	}
	MemoryContextSwitchTo(caller);
	PG_RETURN_POINTER(runs);
}

/* ---- percentiles ---- */

/* NULL when there were no values */
static PackedRuns *
get_runs(FunctionCallInfo fcinfo)
{
	PackedRuns *runs = PG_ARGISNULL(0) ? NULL : (PackedRuns *) PG_GETARG_POINTER(0);

	if (AggCheckCallContext(fcinfo, NULL) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "packed runs are read in an aggregate only");
	return runs != NULL && runs->n > 0 ? runs : NULL;
}

static void
check_fraction(float8 fraction)
{
	if (fraction < 0 || fraction > 1 || isnan(fraction))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("percentile value %g is not between 0 and 1", fraction)));
}

bool
executor_fraction_is_given(FunctionCallInfo fcinfo, float8 *fraction)
{
	if (PG_ARGISNULL(1))
		return false;
	*fraction = PG_GETARG_FLOAT8(1);
	check_fraction(*fraction);
	return true;
}

/* runs, and how ranks are counted in them */
typedef struct RankedRuns
{
	PackedRuns *runs;
	PackedKind	kind;
	bool		descending;
} RankedRuns;

/* the value of a rank in the aggregate's own order */
static Datum
value_of_rank(const RankedRuns *ranked, int64 rank)
{
	if (ranked->descending)
		rank = ranked->runs->n - 1 - rank;
	return executor_packed_decode(ranked->kind, number_of_rank(ranked->runs, rank));
}

static Datum
continuous_value(void *state, float8 fraction)
{
	RankedRuns *ranked = state;
	float8		place = fraction * (ranked->runs->n - 1);
	int64		first = floor(place);
	int64		second = ceil(place);
	float8		low = DatumGetFloat8(value_of_rank(ranked, first));
	float8		high;

	if (first == second)
		return Float8GetDatum(low);
	high = DatumGetFloat8(value_of_rank(ranked, second));
	return Float8GetDatum(low + (place - first) * (high - low));
}

static Datum
discrete_value(void *state, float8 fraction)
{
	RankedRuns *ranked = state;
	int64		row = ceil(fraction * ranked->runs->n);

	return value_of_rank(ranked, Max(row, 1) - 1);
}

/* packed_percentile_cont(internal, fraction float8, descending boolean) */
Datum
packed_percentile_cont(PG_FUNCTION_ARGS)
{
	RankedRuns	ranked = {get_runs(fcinfo), PACKED_FLOAT8, PG_GETARG_BOOL(2)};
	float8		fraction;

	if (!executor_fraction_is_given(fcinfo, &fraction) || ranked.runs == NULL)
		PG_RETURN_NULL();
	return continuous_value(&ranked, fraction);
}

/* the kind of the values by the declared type of an argument, which is NULL */
static PackedKind
kind_of_argument(FunctionCallInfo fcinfo, int argument)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	PackedKind	kind = plan_packed_kind(type);

	if (kind == PACKED_NOT)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("values of type %s cannot be packed", format_type_be(type))));
	return kind;
}

/* packed_percentile_disc(internal, fraction float8, anyelement, descending boolean) */
Datum
packed_percentile_disc(PG_FUNCTION_ARGS)
{
	RankedRuns	ranked = {get_runs(fcinfo), PACKED_NOT, PG_GETARG_BOOL(3)};
	float8		fraction;

	if (!executor_fraction_is_given(fcinfo, &fraction) || ranked.runs == NULL)
		PG_RETURN_NULL();
	ranked.kind = kind_of_argument(fcinfo, 2);
	return discrete_value(&ranked, fraction);
}

Datum
executor_percentiles(ArrayType *fractions, Oid type, Datum (*value) (void *, float8), void *state)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int16		length;
	bool		byValue;
	char		align;

	deconstruct_array(fractions, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, &nulls, &n);
	if (n == 0)
		return PointerGetDatum(construct_empty_array(type));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			check_fraction(DatumGetFloat8(values[i]));
	}
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			values[i] = value(state, DatumGetFloat8(values[i]));
	}
	get_typlenbyvalalign(type, &length, &byValue, &align);
	return PointerGetDatum(construct_md_array(values, nulls, ARR_NDIM(fractions),
											  ARR_DIMS(fractions), ARR_LBOUND(fractions), type,
											  length, byValue, align));
}

/* packed_percentile_cont(internal, fractions float8[], descending boolean) */
Datum
packed_percentile_cont_multi(PG_FUNCTION_ARGS)
{
	RankedRuns	ranked = {get_runs(fcinfo), PACKED_FLOAT8, PG_GETARG_BOOL(2)};

	if (ranked.runs == NULL || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	return executor_percentiles(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, continuous_value, &ranked);
}

/* packed_percentile_disc(internal, fractions float8[], anyelement, descending boolean) */
Datum
packed_percentile_disc_multi(PG_FUNCTION_ARGS)
{
	RankedRuns	ranked = {get_runs(fcinfo), PACKED_NOT, PG_GETARG_BOOL(3)};

	if (ranked.runs == NULL || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	ranked.kind = kind_of_argument(fcinfo, 2);
	return executor_percentiles(PG_GETARG_ARRAYTYPE_P(1), get_fn_expr_argtype(fcinfo->flinfo, 2),
								discrete_value, &ranked);
}

/* ---- all numbers ---- */

/* a stretch of the numbers of all runs */
typedef struct Stretch
{
	int64	   *from;			/* of each run: where the next stretch begins */
	uint64	   *numbers;		/* of this one, sorted */
	uint64	   *spare;
	char	   *bytes;			/* of one run, from the file */
	int64		n;
	uint64		last;			/* the number that comes after these, and how often */
	int64		lastCount;
} Stretch;

static void
take_numbers(PackedRuns *runs, PackedRun *run, Stretch *stretch, int64 from, int64 to)
{
	const char *at;

	if (from == to)
		return;
	if (run->data != NULL)
		at = run->data + from * run->width;
	else
	{
		read_file(runs, run, from, to - from, stretch->bytes);
		at = stretch->bytes;
	}
	for (int64 i = from; i < to; i++, at += run->width)
		stretch->numbers[stretch->n++] = read_number(at, run->width);
}

/*
 * The next stretch: numbers less than the one NUMBERS_AT_ONCE ranks further on, and how often that
 * one occurs.  False at the end.
 */
static bool
next_stretch(PackedRuns *runs, Stretch *stretch)
{
	int64		done = 0;
	int64		to;

	for (int i = 0; i < runs->nruns; i++)
		done += stretch->from[i];
	if (done == runs->n)
		return false;
	stretch->last = number_of_rank(runs, Min(done + NUMBERS_AT_ONCE, runs->n) - 1);
	stretch->n = stretch->lastCount = 0;
	for (int i = 0; i < runs->nruns; i++)
	{
		PackedRun  *run = &runs->runs[i];

		to = run_count_below(runs, run, stretch->last, false);
		/* runs that are not sorted are nobody's but a liar's */
		if (to < stretch->from[i] || stretch->n + to - stretch->from[i] > NUMBERS_AT_ONCE)
			refuse_bytes();
		take_numbers(runs, run, stretch, stretch->from[i], to);
		stretch->from[i] = run_count_below(runs, run, stretch->last, true);
		stretch->lastCount += stretch->from[i] - to;
	}
	if (stretch->lastCount <= 0)
		refuse_bytes();
	executor_packed_sort(stretch->numbers, stretch->spare, stretch->n);
	return true;
}

static Stretch *
make_stretch(PackedRuns *runs)
{
	Stretch    *stretch = palloc0(sizeof(Stretch));
	int64		n = Min(runs->n, NUMBERS_AT_ONCE);

	stretch->from = palloc0(sizeof(int64) * runs->nruns);
	stretch->numbers = palloc(sizeof(uint64) * n);
	stretch->spare = palloc(sizeof(uint64) * n);
	stretch->bytes = palloc(sizeof(uint64) * n);
	return stretch;
}

static void
free_stretch(Stretch *stretch)
{
	pfree(stretch->from);
	pfree(stretch->numbers);
	pfree(stretch->spare);
	pfree(stretch->bytes);
	pfree(stretch);
}

/* packed_count(internal): how many different numbers */
Datum
packed_count(PG_FUNCTION_ARGS)
{
	PackedRuns *runs = get_runs(fcinfo);
	Stretch    *stretch;
	int64		count = 0;

	if (runs == NULL)
		PG_RETURN_INT64(0);
	stretch = make_stretch(runs);
	while (next_stretch(runs, stretch))
	{
		count += stretch->n > 0 ? 2 : 1;
		for (int64 i = 1; i < stretch->n; i++)
			count += stretch->numbers[i] != stretch->numbers[i - 1];
	}
	free_stretch(stretch);
	PG_RETURN_INT64(count);
}

/* the value that occurs most often so far, and the one that is being counted */
typedef struct ModeSearch
{
	PackedKind	kind;
	bool		descending;		/* the last of several values wins, not the first */
	uint64		number;
	int64		count;
	uint64		best;
	int64		bestCount;
} ModeSearch;

static void
count_number(ModeSearch *search, uint64 number, int64 times)
{
	if (search->count > 0 && executor_packed_equal(search->kind, search->number, number))
		search->count += times;
	else
	{
		search->number = number;
		search->count = times;
	}
	if (search->count > search->bestCount ||
		(search->descending && search->count == search->bestCount))
	{
		search->best = search->number;
		search->bestCount = search->count;
	}
}

/* packed_mode(internal, anyelement, descending boolean) */
Datum
packed_mode(PG_FUNCTION_ARGS)
{
	PackedRuns *runs = get_runs(fcinfo);
	ModeSearch	search = {PACKED_NOT};
	Stretch    *stretch;

	if (runs == NULL)
		PG_RETURN_NULL();
	search.kind = kind_of_argument(fcinfo, 1);
	search.descending = PG_GETARG_BOOL(2);
	stretch = make_stretch(runs);
	while (next_stretch(runs, stretch))
	{
		for (int64 i = 0; i < stretch->n; i++)
			count_number(&search, stretch->numbers[i], 1);
		count_number(&search, stretch->last, stretch->lastCount);
	}
	free_stretch(stretch);
	PG_RETURN_DATUM(executor_packed_decode(search.kind, search.best));
}
