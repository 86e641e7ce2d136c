/*
 * txn_snapshot_sql.c
 *	  SQL functions that nodes call on each other for cluster snapshots.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "citus/base/session.h"
#include "txn/txn_internal.h"
#include "txn/txn_snapshot_internal.h"

/* how long one call waits for transactions to end */
#define AWAIT_MS 1000

PG_FUNCTION_INFO_V1(citus_internal_snapshot_take);
PG_FUNCTION_INFO_V1(citus_internal_snapshot_join);
PG_FUNCTION_INFO_V1(citus_internal_snapshot_use);
PG_FUNCTION_INFO_V1(citus_internal_snapshot_forget);
PG_FUNCTION_INFO_V1(citus_internal_snapshot_keep);
PG_FUNCTION_INFO_V1(citus_internal_snapshot_fence);
PG_FUNCTION_INFO_V1(citus_internal_snapshot_import);
PG_FUNCTION_INFO_V1(citus_internal_export_snapshot);

/* citus_internal.snapshot_take(snapshot_number bigint, window_us bigint) returns text */
Datum
citus_internal_snapshot_take(PG_FUNCTION_ARGS)
{
	SnapshotReport report = {0};
	StringInfoData text;
	Snapshot	snapshot = txn_held_take((uint64) PG_GETARG_INT64(0), &report.slot);

	txn_commits_report(snapshot, PG_GETARG_INT64(1), &report);
	initStringInfo(&text);
	txn_snapshot_print(&report, &text);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}

/* citus_internal.snapshot_join(snapshot_number bigint, slot int) returns void */
Datum
citus_internal_snapshot_join(PG_FUNCTION_ARGS)
{
	txn_held_join((uint64) PG_GETARG_INT64(0), PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

/* citus_internal.snapshot_keep(snapshot_number bigint) returns void */
Datum
citus_internal_snapshot_keep(PG_FUNCTION_ARGS)
{
	txn_held_keep((uint64) PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

/* citus_internal.snapshot_use(snapshot_number bigint) returns void */
Datum
citus_internal_snapshot_use(PG_FUNCTION_ARGS)
{
	txn_held_use((uint64) PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

/* citus_internal.snapshot_forget(snapshot_number bigint) returns void */
Datum
citus_internal_snapshot_forget(PG_FUNCTION_ARGS)
{
	txn_held_forget((uint64) PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

/*
 * citus_internal.snapshot_fence(ms int, transactions text) returns bool: have they all ended?
 * Commits of others wait for a fence, for two fences' time at most (txn_commits.c).
 */
Datum
citus_internal_snapshot_fence(PG_FUNCTION_ARGS)
{
	List	   *ids = txn_snapshot_parse_ids(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	base_require_node_command(fcinfo);
	txn_commits_fence(ids, PG_GETARG_INT32(0));
	PG_RETURN_BOOL(txn_commits_await(ids, AWAIT_MS));
}

/* citus_internal.snapshot_import(initiator_group int, transaction_number bigint) returns void */
Datum
citus_internal_snapshot_import(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	txn_held_import(PG_GETARG_INT32(0), (uint64) PG_GETARG_INT64(1));
	PG_RETURN_VOID();
}

/* citus_internal.export_snapshot() returns text, in the place of pg_export_snapshot() */
Datum
citus_internal_export_snapshot(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(txn_snapshot_export()));
}
