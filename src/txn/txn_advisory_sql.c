/*
 * txn_advisory_sql.c
 *	  What the planner puts in the place of the server's functions for advisory locks.
 *
 * Where this session's locks are not the coordinator's business they are the server's.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "txn/txn_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_advisory_lock);
PG_FUNCTION_INFO_V1(citus_internal_try_advisory_lock);
PG_FUNCTION_INFO_V1(citus_internal_advisory_lock_shared);
PG_FUNCTION_INFO_V1(citus_internal_try_advisory_lock_shared);
PG_FUNCTION_INFO_V1(citus_internal_advisory_xact_lock);
PG_FUNCTION_INFO_V1(citus_internal_try_advisory_xact_lock);
PG_FUNCTION_INFO_V1(citus_internal_advisory_xact_lock_shared);
PG_FUNCTION_INFO_V1(citus_internal_try_advisory_xact_lock_shared);
PG_FUNCTION_INFO_V1(citus_internal_advisory_unlock);
PG_FUNCTION_INFO_V1(citus_internal_advisory_unlock_shared);
PG_FUNCTION_INFO_V1(citus_internal_advisory_unlock_all);

/* of (bigint) or (int, int) */
static AdvisoryKey
key_of(FunctionCallInfo fcinfo, bool isShared)
{
	AdvisoryKey key = {0};

	key.hasTwoParts = PG_NARGS() == 2;
	key.isShared = isShared;
	if (key.hasTwoParts)
		key.value = (int64) (((uint64) (uint32) PG_GETARG_INT32(0)) << 32 |
							 (uint32) PG_GETARG_INT32(1));
	else
		key.value = PG_GETARG_INT64(0);
	return key;
}

/* citus_internal.advisory_<name>(bigint) and (int, int): as pg_advisory_<name>() */
#define LOCK_FUNCTION(name, isShared, forTransaction) \
Datum \
citus_internal_advisory_##name(PG_FUNCTION_ARGS) \
{ \
	AdvisoryKey key = key_of(fcinfo, isShared); \
	if (!txn_advisory_is_remote()) \
		return PG_NARGS() == 2 ? pg_advisory_##name##_int4(fcinfo) \
			: pg_advisory_##name##_int8(fcinfo); \
	(void) txn_advisory_lock(&key, forTransaction, true); \
	PG_RETURN_VOID(); \
} \
Datum \
citus_internal_try_advisory_##name(PG_FUNCTION_ARGS) \
{ \
	AdvisoryKey key = key_of(fcinfo, isShared); \
	if (!txn_advisory_is_remote()) \
		return PG_NARGS() == 2 ? pg_try_advisory_##name##_int4(fcinfo) \
			: pg_try_advisory_##name##_int8(fcinfo); \
	PG_RETURN_BOOL(txn_advisory_lock(&key, forTransaction, false)); \
}

LOCK_FUNCTION(lock, false, false)
LOCK_FUNCTION(lock_shared, true, false)
LOCK_FUNCTION(xact_lock, false, true)
LOCK_FUNCTION(xact_lock_shared, true, true)

/* citus_internal.advisory_unlock[_shared](bigint) and (int, int) */
#define UNLOCK_FUNCTION(name, isShared) \
Datum \
citus_internal_advisory_##name(PG_FUNCTION_ARGS) \
{ \
	AdvisoryKey key = key_of(fcinfo, isShared); \
	if (!txn_advisory_is_remote()) \
		return PG_NARGS() == 2 ? pg_advisory_##name##_int4(fcinfo) \
			: pg_advisory_##name##_int8(fcinfo); \
	PG_RETURN_BOOL(txn_advisory_unlock(&key)); \
}

UNLOCK_FUNCTION(unlock, false)
UNLOCK_FUNCTION(unlock_shared, true)

/* citus_internal.advisory_unlock_all() */
Datum
citus_internal_advisory_unlock_all(PG_FUNCTION_ARGS)
{
	txn_advisory_unlock_all();
	return pg_advisory_unlock_all(fcinfo);
}
