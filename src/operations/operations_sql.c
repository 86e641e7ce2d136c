/*
 * operations_sql.c
 *	  SQL functions about nodes: arguments, the owner's rights, one call, the result.
 *
 * EXECUTE is revoked from PUBLIC in nodes.sql; whoever is granted it acts as the extension's owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "citus/base/session.h"
#include "citus/remote/remote.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

PG_FUNCTION_INFO_V1(citus_set_coordinator_host);
PG_FUNCTION_INFO_V1(citus_add_node);
PG_FUNCTION_INFO_V1(citus_add_inactive_node);
PG_FUNCTION_INFO_V1(citus_add_secondary_node);
PG_FUNCTION_INFO_V1(citus_activate_node);
PG_FUNCTION_INFO_V1(citus_disable_node);
PG_FUNCTION_INFO_V1(citus_remove_node);
PG_FUNCTION_INFO_V1(citus_update_node);
PG_FUNCTION_INFO_V1(citus_pause_node_within_txn);
PG_FUNCTION_INFO_V1(citus_set_node_property);
PG_FUNCTION_INFO_V1(start_metadata_sync_to_node);
PG_FUNCTION_INFO_V1(start_metadata_sync_to_all_nodes);
PG_FUNCTION_INFO_V1(stop_metadata_sync_to_node);
PG_FUNCTION_INFO_V1(replicate_reference_tables);
PG_FUNCTION_INFO_V1(citus_check_connection_to_node);
PG_FUNCTION_INFO_V1(citus_check_cluster_node_health);

static char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static char *
role_arg(FunctionCallInfo fcinfo, int n)
{
	return DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(n)));
}

/* (name, port, group, role, cluster) */
static NodeSpec
spec_args(FunctionCallInfo fcinfo)
{
	NodeSpec	spec = {
		.name = text_arg(fcinfo, 0),
		.port = PG_GETARG_INT32(1),
		.groupId = PG_GETARG_INT32(2),
		.role = role_arg(fcinfo, 3),
		.cluster = NameStr(*PG_GETARG_NAME(4)),
	};

	return spec;
}

Datum
citus_set_coordinator_host(PG_FUNCTION_ARGS)
{
	NodeSpec	spec = {
		.name = text_arg(fcinfo, 0),
		.port = PG_GETARG_INT32(1),
		.groupId = COORDINATOR_GROUP_ID,
		.role = role_arg(fcinfo, 2),
		.cluster = NameStr(*PG_GETARG_NAME(3)),
	};
	ClusterUser saved = cluster_become_owner();

	operations_coordinator_set_host(&spec);
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

Datum
citus_add_node(PG_FUNCTION_ARGS)
{
	NodeSpec	spec = spec_args(fcinfo);
	ClusterUser saved = cluster_become_owner();
	NodeId		id;

	/* the older way to register the coordinator */
	if (spec.groupId == COORDINATOR_GROUP_ID && strcmp(spec.role, "primary") == 0)
	{
		operations_coordinator_set_host(&spec);
		id = catalog_node_find(spec.name, spec.port)->id;
	}
	else
		id = operations_node_add(&spec, true);
	cluster_restore_user(saved);
	PG_RETURN_INT32(id);
}

Datum
citus_add_inactive_node(PG_FUNCTION_ARGS)
{
	NodeSpec	spec = spec_args(fcinfo);
	ClusterUser saved;
	NodeId		id;

	if (spec.groupId == COORDINATOR_GROUP_ID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot add the coordinator as an inactive node")));
	saved = cluster_become_owner();
	id = operations_node_add(&spec, false);
	cluster_restore_user(saved);
	PG_RETURN_INT32(id);
}

/* (name, port, primary's name, primary's port, cluster) */
Datum
citus_add_secondary_node(PG_FUNCTION_ARGS)
{
	NodeSpec	spec = {
		.name = text_arg(fcinfo, 0),
		.port = PG_GETARG_INT32(1),
		.role = "secondary",
		.cluster = NameStr(*PG_GETARG_NAME(4)),
	};
	ClusterUser saved = cluster_become_owner();
	NodeId		id;

	spec.groupId = operations_node_require(text_arg(fcinfo, 2), PG_GETARG_INT32(3))->groupId;
	id = operations_node_add(&spec, true);
	cluster_restore_user(saved);
	PG_RETURN_INT32(id);
}

Datum
citus_activate_node(PG_FUNCTION_ARGS)
{
	ClusterUser saved = cluster_become_owner();
	NodeId		id = operations_node_activate(text_arg(fcinfo, 0), PG_GETARG_INT32(1));

	cluster_restore_user(saved);
	PG_RETURN_INT32(id);
}

/* the third argument, synchronous, has no effect: it always is */
Datum
citus_disable_node(PG_FUNCTION_ARGS)
{
	ClusterUser saved = cluster_become_owner();

	operations_node_disable(text_arg(fcinfo, 0), PG_GETARG_INT32(1));
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

Datum
citus_remove_node(PG_FUNCTION_ARGS)
{
	ClusterUser saved = cluster_become_owner();

	operations_node_remove(text_arg(fcinfo, 0), PG_GETARG_INT32(1));
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

Datum
citus_update_node(PG_FUNCTION_ARGS)
{
	ClusterUser saved = cluster_become_owner();

	operations_node_set_address(PG_GETARG_INT32(0), text_arg(fcinfo, 1), PG_GETARG_INT32(2),
								PG_GETARG_BOOL(3), PG_GETARG_INT32(4));
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

Datum
citus_pause_node_within_txn(PG_FUNCTION_ARGS)
{
	ClusterUser saved = cluster_become_owner();

	operations_node_pause(PG_GETARG_INT32(0), PG_GETARG_BOOL(1), PG_GETARG_INT32(2));
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

Datum
citus_set_node_property(PG_FUNCTION_ARGS)
{
	char	   *property = text_arg(fcinfo, 2);
	ClusterUser saved;

	if (strcmp(property, "shouldhaveshards") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node property \"%s\" cannot be set", property),
				 errhint("Only \"shouldhaveshards\" can.")));
	saved = cluster_become_owner();
	operations_node_set_should_have_shards(text_arg(fcinfo, 0), PG_GETARG_INT32(1),
										   PG_GETARG_BOOL(3));
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

/* ---- metadata on request ---- */

Datum
start_metadata_sync_to_node(PG_FUNCTION_ARGS)
{
	base_require_superuser("synchronize metadata");
	operations_node_activate(text_arg(fcinfo, 0), PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

Datum
start_metadata_sync_to_all_nodes(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	base_require_superuser("synchronize metadata");
	cluster_require_coordinator();
	cluster_lock_node_list(true);
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId != catalog_local_group())
			operations_node_activate(node->name, node->port);
	}
	PG_RETURN_BOOL(true);
}

Datum
stop_metadata_sync_to_node(PG_FUNCTION_ARGS)
{
	const ClusterNode *node;

	base_require_superuser("stop synchronizing metadata");
	cluster_require_coordinator();
	cluster_lock_node_list(true);
	node = operations_node_require(text_arg(fcinfo, 0), PG_GETARG_INT32(1));
	if (node->groupId == COORDINATOR_GROUP_ID || node->role != 'p')
		ereport(NOTICE,
				(errmsg("node %s:%d is the coordinator or a secondary and keeps its metadata",
						node->name, node->port)));
	else
		operations_node_stop_sync(node, PG_GETARG_BOOL(2));
	PG_RETURN_VOID();
}

/* the transfer mode is of no importance for copies made under a lock */
Datum
replicate_reference_tables(PG_FUNCTION_ARGS)
{
	ClusterUser saved = cluster_become_owner();

	cluster_require_coordinator();
	cluster_lock_node_list(true);
	operations_replicate_references();
	cluster_restore_user(saved);
	PG_RETURN_VOID();
}

/* ---- health ---- */

Datum
citus_check_connection_to_node(PG_FUNCTION_ARGS)
{
	ClusterNode node = {.name = text_arg(fcinfo, 0), .port = PG_GETARG_INT32(1)};
	ClusterAnswer *answer;

	answer = linitial(cluster_run_alone(list_make1(&node), list_make1("SELECT 1"), false));
	if (!answer->ok)
		ereport(WARNING,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not connect to node %s:%d", node.name, node.port),
				 errdetail_internal("%s", answer->error)));
	PG_RETURN_BOOL(answer->ok);
}

/* a query whose row i says whether nodes[i] can be reached from where it runs */
static char *
health_query(List *nodes)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, nodes)
	{
		const ClusterNode *node = lfirst(lc);

		appendStringInfo(&sql, "%sSELECT pg_catalog.citus_check_connection_to_node(%s, %d)",
						 sql.len > 0 ? " UNION ALL " : "", quote_literal_cstr(node->name),
						 node->port);
	}
	return sql.data;
}

static void
put_health(ReturnSetInfo *rsinfo, const ClusterNode *from, const ClusterNode *to,
		   const char *result)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(from->name);
	values[1] = Int32GetDatum(from->port);
	values[2] = CStringGetTextDatum(to->name);
	values[3] = Int32GetDatum(to->port);
	values[4] = BoolGetDatum(result != NULL && result[0] == 't');
	nulls[4] = result == NULL;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
citus_check_cluster_node_health(PG_FUNCTION_ARGS)
{
	List	   *nodes = catalog_active_primaries();
	List	   *answers;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (nodes == NIL)
		return (Datum) 0;
	answers = cluster_run_alone(nodes, list_make1(health_query(nodes)), true);
	foreach(lc, answers)
	{
		ClusterAnswer *answer = lfirst(lc);

		for (int i = 0; i < list_length(nodes); i++)
			put_health((ReturnSetInfo *) fcinfo->resultinfo, answer->node, list_nth(nodes, i),
					   i < list_length(answer->rows) ?
					   ((char **) list_nth(answer->rows, i))[0] : NULL);
	}
	return (Datum) 0;
}
