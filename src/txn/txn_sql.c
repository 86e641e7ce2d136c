/*
 * txn_sql.c
 *	  SQL functions about distributed transactions and identities of sessions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "citus/base/session.h"
#include "txn/txn_deadlock_internal.h"
#include "txn/txn_internal.h"

PG_FUNCTION_INFO_V1(recover_prepared_transactions);
PG_FUNCTION_INFO_V1(citus_internal_hurry_recovery);
PG_FUNCTION_INFO_V1(assign_distributed_transaction_id);
PG_FUNCTION_INFO_V1(get_current_transaction_id);
PG_FUNCTION_INFO_V1(get_all_active_transactions);
PG_FUNCTION_INFO_V1(get_global_active_transactions);
PG_FUNCTION_INFO_V1(dump_local_wait_edges);
PG_FUNCTION_INFO_V1(dump_global_wait_edges);
PG_FUNCTION_INFO_V1(check_distributed_deadlocks);
PG_FUNCTION_INFO_V1(citus_backend_gpid);
PG_FUNCTION_INFO_V1(citus_calculate_gpid);
PG_FUNCTION_INFO_V1(citus_nodeid_for_gpid);
PG_FUNCTION_INFO_V1(citus_pid_for_gpid);
PG_FUNCTION_INFO_V1(citus_internal_prove_session);
PG_FUNCTION_INFO_V1(citus_internal_session_challenge);
PG_FUNCTION_INFO_V1(citus_internal_helper_sessions);
PG_FUNCTION_INFO_V1(citus_internal_lend_role);
PG_FUNCTION_INFO_V1(citus_internal_assume_role);
PG_FUNCTION_INFO_V1(citus_internal_unforce_policies);
PG_FUNCTION_INFO_V1(citus_internal_set_session_user);
PG_FUNCTION_INFO_V1(citus_internal_client_session_user);

/* recover_prepared_transactions() returns int */
Datum
recover_prepared_transactions(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(txn_recover());
}

/* citus_internal.hurry_recovery() returns void */
Datum
citus_internal_hurry_recovery(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	txn_recover_ask(catalog_local_group());
	PG_RETURN_VOID();
}

/* assign_distributed_transaction_id(int, bigint, timestamptz) returns void */
Datum
assign_distributed_transaction_id(PG_FUNCTION_ARGS)
{
	/* who takes another's number is taken for a part of it when a deadlock is resolved */
	if (!superuser())
		base_require_node_command(fcinfo);
	txn_backend_assign(PG_GETARG_INT32(0), (uint64) PG_GETARG_INT64(1),
					   PG_GETARG_TIMESTAMPTZ(2));
	PG_RETURN_VOID();
}

/*
 * get_current_transaction_id() returns (database_id oid, process_id int,
 *		initiator_node_identifier int, transaction_number bigint, transaction_stamp timestamptz)
 */
Datum
get_current_transaction_id(PG_FUNCTION_ARGS)
{
	DistXactId	id = txn_current_id();
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {false, false, false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = ObjectIdGetDatum(MyDatabaseId);
	values[1] = Int32GetDatum(MyProcPid);
	values[2] = Int32GetDatum(id.initiatorGroup);
	values[3] = Int64GetDatum((int64) id.number);
	values[4] = TimestampTzGetDatum(id.timestamp);
	nulls[4] = id.number == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * get_all_active_transactions() returns setof (datid oid, process_id int,
 *		initiator_node_identifier int, worker_query bool, transaction_number bigint,
 *		transaction_stamp timestamptz, global_pid bigint)
 *
 * Sessions of others are shown to those who may see all statistics.
 */
static void
put_local_transactions(ReturnSetInfo *rsinfo)
{
	bool		seesAll = has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
	BackendInfo *infos;
	int			n = txn_backend_list(&infos);

	for (int i = 0; i < n; i++)
	{
		BackendInfo *info = &infos[i];
		Datum		values[7];
		bool		nulls[7] = {false};

		if (!seesAll && info->user != GetUserId())
			continue;
		values[0] = ObjectIdGetDatum(info->database);
		values[1] = Int32GetDatum(info->pid);
		values[2] = Int32GetDatum(info->xact.initiatorGroup);
		values[3] = BoolGetDatum(info->isInternal);
		values[4] = Int64GetDatum((int64) info->xact.number);
		values[5] = TimestampTzGetDatum(info->xact.timestamp);
		nulls[5] = info->xact.number == 0;
		values[6] = Int64GetDatum((int64) info->globalPid);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

Datum
get_all_active_transactions(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	put_local_transactions((ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

/* how long a node that hangs is waited for */
#define PATIENCE_MS 5000

/* the row of text values as a row of the result */
static void
put_text_row(ReturnSetInfo *rsinfo, AttInMetadata *types, char **values)
{
	HeapTuple	tuple = BuildTupleFromCStrings(types, values);

	tuplestore_puttuple(rsinfo->setResult, tuple);
	heap_freetuple(tuple);
}

/*
 * get_global_active_transactions() returns the same of all nodes; one that does not answer is left
 * out with a warning.
 */
Datum
get_global_active_transactions(PG_FUNCTION_ARGS)
{
	/* the time in the one form that every DateStyle reads */
	static const char query[] =
		"SELECT datid, process_id, initiator_node_identifier, worker_query, transaction_number,"
		" pg_catalog.to_char(transaction_stamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'),"
		" global_pid FROM pg_catalog.get_all_active_transactions()";
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AttInMetadata *types;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	types = TupleDescGetAttInMetadata(rsinfo->setDesc);
	put_local_transactions(rsinfo);
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);
		RemoteTarget target = txn_target_of_node(node);
		List	   *rows;
		ListCell   *rowCell;
		bool		ok;
		char	   *error;

		if (node->groupId == catalog_local_group())
			continue;
		target.patienceMs = PATIENCE_MS;
		rows = remote_run_alone(&target, query, &ok, &error);
		if (!ok)
			ereport(WARNING,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("could not list the transactions of node %s:%d", target.host,
							target.port),
					 errdetail_internal("%s", error)));
		foreach(rowCell, rows)
			put_text_row(rsinfo, types, lfirst(rowCell));
	}
	return (Datum) 0;
}

/* ---- who waits for whom ---- */

#define COLUMNS_OF_EDGE 12		/* the last one for citus_internal.local_wait_edges() only */

static void
put_edges(ReturnSetInfo *rsinfo, const WaitEdge *edges, int n)
{
	for (int i = 0; i < n; i++)
	{
		const WaitMember *members[] = {&edges[i].waiting, &edges[i].blocking};
		Datum		values[COLUMNS_OF_EDGE];
		bool		nulls[COLUMNS_OF_EDGE] = {false};

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < 2; j++)
		{
			const WaitMember *member = members[j];
			Datum	   *first = &values[4 * j];

			first[0] = Int32GetDatum(member->pid);
			first[1] = Int32GetDatum(member->xact.initiatorGroup);
			first[2] = Int64GetDatum((int64) member->xact.number);
			first[3] = TimestampTzGetDatum(member->xact.timestamp);
			nulls[4 * j + 3] = member->xact.timestamp == 0;
			values[9 + j] = Int64GetDatum((int64) member->globalPid);
		}
		values[8] = BoolGetDatum(edges[i].blockingWaits);
		values[11] = BoolGetDatum(edges[i].blocking.awaitsClient);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/*
 * dump_local_wait_edges() returns setof (waiting_pid int, waiting_node_id int,
 *		waiting_transaction_num bigint, waiting_transaction_stamp timestamptz, the same four with
 *		blocking_, blocking_transaction_waiting bool, waiting_global_pid bigint,
 *		blocking_global_pid bigint)
 */
Datum
dump_local_wait_edges(PG_FUNCTION_ARGS)
{
	WaitEdge   *edges;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = txn_deadlock_local_edges(&edges);
	put_edges((ReturnSetInfo *) fcinfo->resultinfo, edges, n);
	return (Datum) 0;
}

/* dump_global_wait_edges() returns the same of all nodes */
Datum
dump_global_wait_edges(PG_FUNCTION_ARGS)
{
	WaitEdge   *edges;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = txn_deadlock_all_edges(&edges, WARNING);
	put_edges((ReturnSetInfo *) fcinfo->resultinfo, edges, n);
	return (Datum) 0;
}

/* check_distributed_deadlocks() returns bool */
Datum
check_distributed_deadlocks(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(txn_deadlock_resolve() > 0);
}

/* ---- identities ---- */

/* citus_backend_gpid() returns bigint */
Datum
citus_backend_gpid(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) txn_global_pid());
}

/* citus_internal.helper_sessions() returns setof (pid int, client_gpid bigint) */
Datum
citus_internal_helper_sessions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BackendInfo *infos;
	int			n = txn_backend_list(&infos);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
	{
		Datum		values[] = {Int32GetDatum(infos[i].pid),
								Int64GetDatum((int64) infos[i].globalPid)};
		bool		nulls[] = {false, false};

		if (infos[i].isInternal && infos[i].database == MyDatabaseId)
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* citus_calculate_gpid(nodeid int, pid int) returns bigint */
Datum
citus_calculate_gpid(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) txn_gpid_make(PG_GETARG_INT32(0), PG_GETARG_INT32(1)));
}

/* citus_nodeid_for_gpid(gpid bigint) returns int */
Datum
citus_nodeid_for_gpid(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(txn_gpid_node((uint64) PG_GETARG_INT64(0)));
}

/* citus_pid_for_gpid(gpid bigint) returns int */
Datum
citus_pid_for_gpid(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(txn_gpid_pid((uint64) PG_GETARG_INT64(0)));
}

/* citus_internal.session_challenge() returns text: for whom a pooler did not tell it */
Datum
citus_internal_session_challenge(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(base_session_challenge()));
}

/*
 * citus_internal.prove_session(origin text, proof text) returns void
 *
 * A superuser needs no proof: he may do all that nodes may, and comes to servers that are about to
 * join.  Whoever else is wrong has no second try.
 */
Datum
citus_internal_prove_session(PG_FUNCTION_ARGS)
{
	char	   *origin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *proof = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			roleId = GetAuthenticatedUserId();
	unsigned char *second;
	unsigned char *secret = catalog_secrets(&second);
	uint64		gpid;

	if (!base_origin_is_internal(origin, &gpid) ||
		(!base_proof_is_right(proof, secret, second, catalog_local_node_id(),
							  GetUserNameFromId(roleId, false), origin) &&
		 !superuser_arg(roleId)))
		ereport(FATAL,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("session does not come from a node of the cluster"),
				 errdetail("The proof does not fit the secret of the cluster.")));
	base_session_set_origin(origin);
	(void) txn_global_pid();
	PG_RETURN_VOID();
}

/* citus_internal.lend_role(token text, role text) returns void */
Datum
citus_internal_lend_role(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	base_require_superuser("lend a role");
	txn_role_lend(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}

/* citus_internal.assume_role(token text) returns void */
Datum
citus_internal_assume_role(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	txn_role_assume(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

/* citus_internal.set_session_user(role text) returns void */
Datum
citus_internal_set_session_user(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	txn_role_set_session_user(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

/* citus_internal.client_session_user() returns name */
Datum
citus_internal_client_session_user(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DirectFunctionCall1(namein, CStringGetDatum(
		GetUserNameFromId(txn_session_user(), false))));
}

/* citus_internal.unforce_policies(boolean) returns void */
Datum
citus_internal_unforce_policies(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	txn_role_unforce(PG_GETARG_BOOL(0));
	PG_RETURN_VOID();
}
