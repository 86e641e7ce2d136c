/*
 * compat_values.h
 *	  What making values of types takes, for all supported majors.
 */
#ifndef CITUS_BASE_COMPAT_VALUES_H
#define CITUS_BASE_COMPAT_VALUES_H

#include "postgres.h"
#include "utils/rangetypes.h"

/* 16: errors that are not raised */
#if PG_VERSION_NUM >= 160000
#define compat_range_serialize(cache, lower, upper, empty, escontext) \
	range_serialize(cache, lower, upper, empty, escontext)
#else
#define compat_range_serialize(cache, lower, upper, empty, escontext) \
	range_serialize(cache, lower, upper, empty)
#endif

#endif
