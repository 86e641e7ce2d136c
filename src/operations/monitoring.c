/*
 * monitoring.c
 *	  Questions about sessions of all nodes, and signals to them.
 *
 * A session of the cluster is known by its global pid: node and process.  A signal goes to the node
 * and is given there by the server's own function, as the current user, so that its rules decide.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_query_other_nodes);
PG_FUNCTION_INFO_V1(citus_cancel_backend);
PG_FUNCTION_INFO_V1(citus_terminate_backend);

/* ---- questions ---- */

/* the only value that a node gave; NULL, with a warning, if it gave none */
static char *
value_of_answer(const ClusterAnswer *answer)
{
	if (answer->ok && list_length(answer->rows) == 1 && answer->ncolumns == 1)
		return ((char **) linitial(answer->rows))[0];
	ereport(WARNING,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("node %s:%d is left out", answer->node->name, answer->node->port),
			 errdetail_internal("%s", answer->error != NULL ? answer->error : "no answer")));
	return NULL;
}

/* citus_internal.query_other_nodes(query text) returns setof json */
Datum
citus_internal_query_other_nodes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *others = NIL;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, catalog_active_primaries())
	{
		ClusterNode *node = lfirst(lc);

		if (node->groupId != catalog_local_group())
			others = lappend(others, node);
	}
	if (others == NIL)
		return (Datum) 0;
	foreach(lc, cluster_ask_alone(others, query))
	{
		char	   *value = value_of_answer(lfirst(lc));
		Datum		values[1];
		bool		nulls[1] = {false};

		if (value == NULL)
			continue;
		values[0] = DirectFunctionCall1(json_in, CStringGetDatum(value));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---- signals ---- */

/* The node that the session's client is connected to; NULL for this one. */
static const ClusterNode *
node_of_session(int64 globalPid)
{
	NodeId		nodeId = txn_gpid_node(globalPid);
	const ClusterNode *node;

	if (globalPid == (int64) txn_gpid_make(catalog_local_node_id(), txn_gpid_pid(globalPid)))
		return NULL;
	node = nodeId > 0 ? catalog_node_by_id(nodeId) : NULL;
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("global pid " INT64_FORMAT " is not of a node of this cluster", globalPid),
				 errhint("Process ids without a node are of type integer.")));
	return node->groupId == catalog_local_group() ? NULL : node;
}

/* Has the node run the call, which returns a bool. */
static bool
call_on_node(const ClusterNode *node, char *call)
{
	ClusterAnswer *answer = linitial(cluster_run_alone(list_make1((void *) node),
													   list_make1(call), false));

	if (!answer->reached)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not connect to node %s:%d", node->name, node->port),
				 errdetail_internal("%s", answer->error)));
	if (!answer->ok)
		ereport(ERROR,
				(errcode(answer->sqlstate),
				 errmsg_internal("%s", answer->error),
				 errcontext("while executing on %s:%d", node->name, node->port)));
	return strcmp(((char **) linitial(answer->rows))[0], "t") == 0;
}

/* pg_cancel_backend(global_pid bigint) returns bool */
Datum
citus_cancel_backend(PG_FUNCTION_ARGS)
{
	int64		globalPid = PG_GETARG_INT64(0);
	int			pid = txn_gpid_pid(globalPid);
	const ClusterNode *node = node_of_session(globalPid);

	if (node == NULL)
		return DirectFunctionCall1(pg_cancel_backend, Int32GetDatum(pid));
	PG_RETURN_BOOL(call_on_node(node, psprintf("SELECT pg_catalog.pg_cancel_backend(%d)", pid)));
}

/* pg_terminate_backend(global_pid bigint, timeout bigint DEFAULT 0) returns bool */
Datum
citus_terminate_backend(PG_FUNCTION_ARGS)
{
	int64		globalPid = PG_GETARG_INT64(0);
	int64		timeout = PG_GETARG_INT64(1);
	int			pid = txn_gpid_pid(globalPid);
	const ClusterNode *node = node_of_session(globalPid);

	if (node == NULL)
		return DirectFunctionCall2(pg_terminate_backend, Int32GetDatum(pid),
								   Int64GetDatum(timeout));
	PG_RETURN_BOOL(call_on_node(node, psprintf("SELECT pg_catalog.pg_terminate_backend(%d, "
											   INT64_FORMAT ")", pid, timeout)));
}
