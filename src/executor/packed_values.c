/*
 * packed_values.c
 *	  Values of fixed length as sorted bytes, made beside the shards.
 *
 * Aggregates that must see all values in order (percentiles, mode) or each of them once
 * (count(DISTINCT)) are computed in two steps: pack_values() and pack_distinct_values() give the
 * values of a shard as one sorted run of numbers, and packed_runs.c takes what it needs from the
 * runs of all shards.  A value costs four or eight bytes on its way, no row, and no comparison by
 * a function: numbers are sorted by their bytes.
 *
 * Invariants: (1) a < b exactly when number(a) < number(b), for all values but the two zeros of
 * floating point, which are equal and have numbers side by side; (2) the numbers of a state of
 * pack_distinct_values() before "sorted" are in order, and each occurs once.
 *
 * A state has room for MAX_PACKED values.  Where a shard may have more, the planner lets
 * packed_part() cut its rows into parts, each a group with a state of its own.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "executor/executor_internal.h"
#include "executor/packed_internal.h"

PG_FUNCTION_INFO_V1(pack_values_transition);
PG_FUNCTION_INFO_V1(pack_distinct_values_transition);
PG_FUNCTION_INFO_V1(pack_values_final);
PG_FUNCTION_INFO_V1(packed_part);

#define MAX_PACKED			(48 * 1024 * 1024)
#define FIRST_ROOM			16
#define ROOM_TO_LOOK		1024	/* so many values are worth looking for equal ones */
#define FEW					256		/* are not sorted by their bytes */
#define PART_ROWS			(512 * 1024)

#define SIGN_32				UINT64CONST(0x80000000)
#define SIGN_64				UINT64CONST(0x8000000000000000)

/* the values of one group */
typedef struct PackState
{
	PackedKind	kind;
	bool		distinct;
	int64		n;
	int64		room;
	int64		sorted;			/* invariant (2) */
	uint64	   *numbers;
} PackState;

/* ---- numbers ---- */

static uint64
number_of_float8(float8 value)
{
	uint64		bits;

	/* whatever its sign is, it sorts last */
	if (isnan(value))
		return PG_UINT64_MAX;
	memcpy(&bits, &value, sizeof(bits));
	return bits & SIGN_64 ? ~bits : bits ^ SIGN_64;
}

static uint64
number_of_float4(float4 value)
{
	uint32		bits;

	if (isnan(value))
		return PG_UINT32_MAX;
	memcpy(&bits, &value, sizeof(bits));
	return bits & SIGN_32 ? (uint32) ~bits : bits ^ (uint32) SIGN_32;
}

static Datum
float8_of_number(uint64 number)
{
	uint64		bits = number & SIGN_64 ? number ^ SIGN_64 : ~number;
	float8		value;

	if (number == PG_UINT64_MAX)
		return Float8GetDatum(get_float8_nan());
	memcpy(&value, &bits, sizeof(value));
	return Float8GetDatum(value);
}

static Datum
float4_of_number(uint64 number)
{
	uint32		bits = number & SIGN_32 ? (uint32) number ^ (uint32) SIGN_32 : ~(uint32) number;
	float4		value;

	if (number == PG_UINT32_MAX)
		return Float4GetDatum(get_float4_nan());
	memcpy(&value, &bits, sizeof(value));
	return Float4GetDatum(value);
}

uint64
executor_packed_encode(PackedKind kind, Datum value)
{
	switch (kind)
	{
		case PACKED_NOT:
			break;
		case PACKED_BOOL:
			return DatumGetBool(value) ? 1 : 0;
		case PACKED_OID:
			return DatumGetObjectId(value);
		case PACKED_INT2:
			return (uint32) (int32) DatumGetInt16(value) ^ (uint32) SIGN_32;
		case PACKED_INT4:
			return (uint32) DatumGetInt32(value) ^ (uint32) SIGN_32;
		case PACKED_FLOAT4:
			return number_of_float4(DatumGetFloat4(value));
		case PACKED_INT8:
			return (uint64) DatumGetInt64(value) ^ SIGN_64;
		case PACKED_FLOAT8:
			return number_of_float8(DatumGetFloat8(value));
	}
	elog(ERROR, "value of a type that is not packed");
	return 0;
}

Datum
executor_packed_decode(PackedKind kind, uint64 number)
{
	switch (kind)
	{
		case PACKED_NOT:
			break;
		case PACKED_BOOL:
			return BoolGetDatum(number != 0);
		case PACKED_OID:
			return ObjectIdGetDatum((Oid) number);
		case PACKED_INT2:
			return Int16GetDatum((int16) (int32) ((uint32) number ^ (uint32) SIGN_32));
		case PACKED_INT4:
			return Int32GetDatum((int32) ((uint32) number ^ (uint32) SIGN_32));
		case PACKED_FLOAT4:
			return float4_of_number(number);
		case PACKED_INT8:
			return Int64GetDatum((int64) (number ^ SIGN_64));
		case PACKED_FLOAT8:
			return float8_of_number(number);
	}
	elog(ERROR, "value of a type that is not packed");
	return (Datum) 0;
}

/* numbers of negative zero; those of zero come next */
static uint64
negative_zero(PackedKind kind)
{
	return kind == PACKED_FLOAT8 ? SIGN_64 - 1 : kind == PACKED_FLOAT4 ? SIGN_32 - 1 : 0;
}

bool
executor_packed_equal(PackedKind kind, uint64 a, uint64 b)
{
	uint64		zero = negative_zero(kind);

	return a == b || (zero != 0 && Min(a, b) == zero && Max(a, b) == zero + 1);
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/* by one byte after the other, the least significant first; bytes that are all the same are left */
void
executor_packed_sort(uint64 *numbers, uint64 *spare, int64 n)
{
	uint64	   *from = numbers;
	uint64	   *to = spare;
	uint64		differ = 0;

	for (int64 i = 1; i < n; i++)
		differ |= numbers[i] ^ numbers[0];
	if (n < FEW)
	{
		if (differ != 0)
			qsort(numbers, n, sizeof(uint64), compare_numbers);
		return;
	}
	for (int shift = 0; shift < 64; shift += 8)
	{
		int64		places[256] = {0};
		int64		place = 0;
		uint64	   *swap = from;

		if (((differ >> shift) & 0xff) == 0)
			continue;
		for (int64 i = 0; i < n; i++)
			places[(from[i] >> shift) & 0xff]++;
		for (int i = 0; i < 256; i++)
		{
			int64		count = places[i];

			places[i] = place;
			place += count;
		}
		for (int64 i = 0; i < n; i++)
			to[places[(from[i] >> shift) & 0xff]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != numbers)
		memcpy(numbers, from, sizeof(uint64) * n);
}

/* ---- the values of a group ---- */

static PackState *
make_state(PackedKind kind, bool distinct, MemoryContext context)
{
	PackState  *state = MemoryContextAllocZero(context, sizeof(PackState));

	state->kind = kind;
	state->distinct = distinct;
	state->room = FIRST_ROOM;
	state->numbers = MemoryContextAlloc(context, sizeof(uint64) * state->room);
	return state;
}

/* in order, and each number once where that is wanted */
static void
sort_state(PackState *state)
{
	uint64	   *spare;
	int64		n = 0;

	if (state->sorted == state->n)
		return;
	spare = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * state->n);
	executor_packed_sort(state->numbers, spare, state->n);
	pfree(spare);
	if (state->distinct)
	{
		for (int64 i = 0; i < state->n; i++)
		{
			if (n == 0 || state->numbers[i] != state->numbers[n - 1])
				state->numbers[n++] = state->numbers[i];
		}
		state->n = n;
	}
	state->sorted = state->n;
}

static void
make_room(PackState *state)
{
	if (state->distinct && state->n >= ROOM_TO_LOOK)
	{
		sort_state(state);
		if (state->n <= state->room / 2)
			return;
	}
	if (state->n >= MAX_PACKED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a shard has more than %d values for one aggregate", MAX_PACKED),
				 errhint("ANALYZE the table, so that its size is known.")));
	state->room *= 2;
	state->numbers = repalloc_huge(state->numbers, sizeof(uint64) * state->room);
}

static PackedKind
kind_of_argument(FunctionCallInfo fcinfo)
{
	PackedKind	kind = (PackedKind) (uintptr_t) fcinfo->flinfo->fn_extra;
	Oid			type;

	if (kind != PACKED_NOT)
		return kind;
	type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	kind = plan_packed_kind(type);
	if (kind == PACKED_NOT)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("values of type %s cannot be packed", format_type_be(type))));
	fcinfo->flinfo->fn_extra = (void *) (uintptr_t) kind;
	return kind;
}

static Datum
add_value(FunctionCallInfo fcinfo, bool distinct)
{
	PackState  *state;
	uint64		number;

	if (PG_ARGISNULL(0))
	{
		MemoryContext context;

		if (!AggCheckCallContext(fcinfo, &context))
			elog(ERROR, "values are packed in an aggregate only");
		if (PG_ARGISNULL(1))
			PG_RETURN_NULL();
		state = make_state(kind_of_argument(fcinfo), distinct, context);
	}
	else
		state = (PackState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);

	number = executor_packed_encode(state->kind, PG_GETARG_DATUM(1));
	if (distinct && number != 0 && number == negative_zero(state->kind))
		number++;
	if (state->n == state->room)
		make_room(state);
	state->numbers[state->n++] = number;
	PG_RETURN_POINTER(state);
}

/* pack_values_transition(internal, anyelement) */
Datum
pack_values_transition(PG_FUNCTION_ARGS)
{
	return add_value(fcinfo, false);
}

/* pack_distinct_values_transition(internal, anyelement): equal ones once */
Datum
pack_distinct_values_transition(PG_FUNCTION_ARGS)
{
	return add_value(fcinfo, true);
}

static int
width_of_kind(PackedKind kind)
{
	return kind == PACKED_INT8 || kind == PACKED_FLOAT8 ? sizeof(uint64) : sizeof(uint32);
}

static void
write_number(char *at, uint64 number, int width)
{
	if (width == sizeof(uint32))
	{
		uint32		bytes = (uint32) number;

#ifdef WORDS_BIGENDIAN
		bytes = pg_bswap32(bytes);
#endif
		memcpy(at, &bytes, sizeof(bytes));
	}
	else
	{
#ifdef WORDS_BIGENDIAN
		number = pg_bswap64(number);
#endif
		memcpy(at, &number, sizeof(number));
	}
}

/* pack_values_final(internal): the sorted run; NULL when there were no values */
Datum
pack_values_final(PG_FUNCTION_ARGS)
{
	PackState  *state;
	bytea	   *run;
	char	   *at;
	int			width;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "values are packed in an aggregate only");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (PackState *) PG_GETARG_POINTER(0);
	sort_state(state);
	width = width_of_kind(state->kind);
	run = palloc(VARHDRSZ + PACKED_HEADER + width * state->n);
	SET_VARSIZE(run, VARHDRSZ + PACKED_HEADER + width * state->n);
	at = VARDATA(run);
	*at = width;
	at += PACKED_HEADER;
	for (int64 i = 0; i < state->n; i++, at += width)
		write_number(at, state->numbers[i], width);
	PG_RETURN_BYTEA_P(run);
}

/*
 * packed_part(anyelement): which part of its group a row belongs to; its argument only keeps the
 * server from computing it beforehand.  Any cut will do: the parts are put together again.
 */
Datum
packed_part(PG_FUNCTION_ARGS)
{
	int64	   *rows = fcinfo->flinfo->fn_extra;

	if (rows == NULL)
		rows = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
																 sizeof(int64));
	PG_RETURN_INT32((int32) ((*rows)++ / PART_ROWS));
}
