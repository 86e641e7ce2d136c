/*
 * packed_internal.h
 *	  Values of fixed length as sorted bytes: how they are written, sorted and read.
 */
#ifndef EXECUTOR_PACKED_INTERNAL_H
#define EXECUTOR_PACKED_INTERNAL_H

#include "fmgr.h"
#include "utils/array.h"
#include "citus/plan/packed.h"

/*
 * A value becomes a number that sorts as the value does.  Numbers of four or eight bytes follow,
 * in ascending order and with the least significant byte first, one byte that says which.
 */
#define PACKED_HEADER	1

/* the number of a value, and back; negative zero of floating point is a number of its own */
extern uint64 executor_packed_encode(PackedKind kind, Datum value);
extern Datum executor_packed_decode(PackedKind kind, uint64 number);
/* true for numbers of equal values */
extern bool executor_packed_equal(PackedKind kind, uint64 a, uint64 b);

/* sorts n numbers; spare has room for as many */
extern void executor_packed_sort(uint64 *numbers, uint64 *spare, int64 n);

/*
 * What all percentiles share.  False: argument 1 of a final function, the fraction, is NULL; an
 * error where it is none.
 */
extern bool executor_fraction_is_given(FunctionCallInfo fcinfo, float8 *fraction);
/* an array of the values for fractions, in its shape; value gives one, of type, from the state */
extern Datum executor_percentiles(ArrayType *fractions, Oid type,
								  Datum (*value) (void *state, float8 fraction), void *state);

#endif
