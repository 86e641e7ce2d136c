/*
 * sizes.c
 *	  How much space tables take on all nodes.
 *
 * A table's size is the sum over all placements of its shards, those of its partitions included:
 * one query a node, within the transaction, so that tables made in it count.  citus_shard_sizes()
 * serves views: it asks outside the transaction, warns about nodes that do not answer, and waits
 * for no lock: the statement that holds it may be of the very transaction that asks.
 */
#include "postgres.h"

#include <sys/statvfs.h>

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/own_sql.h"
#include "citus/base/session.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

PG_FUNCTION_INFO_V1(citus_relation_size);
PG_FUNCTION_INFO_V1(citus_table_size);
PG_FUNCTION_INFO_V1(citus_total_relation_size);
PG_FUNCTION_INFO_V1(citus_shard_sizes);
PG_FUNCTION_INFO_V1(citus_internal_local_shard_sizes);
PG_FUNCTION_INFO_V1(citus_internal_set_shard_lengths);
PG_FUNCTION_INFO_V1(citus_update_table_statistics);
PG_FUNCTION_INFO_V1(citus_update_shard_statistics);
PG_FUNCTION_INFO_V1(citus_local_disk_space_stats);

/* NodeNames: relations to measure on the nodes of one group */
typedef struct NodeNames
{
	GroupId		groupId;
	StringInfoData names;		/* literals, separated by commas */
} NodeNames;

/* ---- which relations ---- */

static NodeNames *
names_of_group(List **all, GroupId groupId)
{
	NodeNames  *names;
	ListCell   *lc;

	foreach(lc, *all)
	{
		names = lfirst(lc);
		if (names->groupId == groupId)
			return names;
	}
	names = palloc0(sizeof(NodeNames));
	names->groupId = groupId;
	initStringInfo(&names->names);
	*all = lappend(*all, names);
	return names;
}

/* the shards of relid, a known table or an index of one, by group */
static void
add_relation(List **all, Oid relid)
{
	bool		isIndex = get_rel_relkind(relid) == RELKIND_INDEX;
	const DistTable *table = catalog_table_get(isIndex ? IndexGetRelation(relid, false) : relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	for (int i = 0; table != NULL && i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];
		char	   *name;

		name = quote_qualified_identifier(schema, catalog_extend_name(get_rel_name(relid),
																	  shard->id));
		for (int j = 0; j < shard->nplacements; j++)
		{
			NodeNames  *names = names_of_group(all, shard->placements[j].groupId);

			appendStringInfo(&names->names, "%s%s", names->names.len > 0 ? "," : "",
							 quote_literal_cstr(name));
		}
	}
}

/* checks that the caller may ask, and that relid is known; List of NodeNames * */
static List *
names_to_measure(Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	bool		isIndex = relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX;
	Oid			tableId = isIndex ? IndexGetRelation(relid, true) : relid;
	AclResult	result;
	List	   *all = NIL;
	ListCell   *lc;

	if (relkind == '\0' || !OidIsValid(tableId))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	result = pg_class_aclcheck(tableId, GetUserId(), ACL_SELECT);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(relkind), get_rel_name(relid));
	if (!catalog_table_is_known(tableId))
		ereport(ERROR,
				(errcode(isIndex ? ERRCODE_INVALID_OBJECT_DEFINITION :
						 ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("\"%s\" is not %s distributed table", get_rel_name(relid),
						isIndex ? "an index of a" : "a")));
	/* a partitioned table is as large as its partitions; children are tables of their own */
	if (relkind != RELKIND_PARTITIONED_TABLE && relkind != RELKIND_PARTITIONED_INDEX)
		add_relation(&all, relid);
	else
		foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
			add_relation(&all, lfirst_oid(lc));
	return all;
}

/* ---- asking ---- */

static char *
size_query(const char *function, const NodeNames *names)
{
	return psprintf("SELECT coalesce(pg_catalog.sum(pg_catalog.%s("
					"pg_catalog.to_regclass(n))), 0)::pg_catalog.int8 "
					"FROM pg_catalog.unnest(ARRAY[%s]::pg_catalog.text[]) n",
					function, names->names.data);
}

static int64
parse_size(List *rows)
{
	const char *text = rows ? ((char **) linitial(rows))[0] : NULL;

	return text ? strtoll(text, NULL, 10) : 0;
}

/* false, and a warning, when a node did not answer and that is allowed */
static bool
sizes_elsewhere(List *nodes, List *queries, bool failOnError, int64 *total)
{
	List	   *answers;
	ListCell   *lc;
	bool		complete = true;

	if (failOnError)
	{
		foreach(lc, cluster_query_each(nodes, queries))
			*total += parse_size(lfirst(lc));
		return true;
	}
	answers = nodes == NIL ? NIL : cluster_run_alone(nodes, queries, true);
	foreach(lc, answers)
	{
		ClusterAnswer *answer = lfirst(lc);

		if (answer->ok)
			*total += parse_size(answer->rows);
		else
		{
			ereport(WARNING,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("could not get sizes from node %s:%d", answer->node->name,
							answer->node->port),
					 errdetail_internal("%s", answer->error)));
			complete = false;
		}
	}
	return complete;
}

static Datum
return_size(FunctionCallInfo fcinfo, const char *function, bool failOnError)
{
	List	   *nodes = NIL;
	List	   *queries = NIL;
	int64		total = 0;
	ListCell   *lc;

	foreach(lc, names_to_measure(PG_GETARG_OID(0)))
	{
		NodeNames  *names = lfirst(lc);
		const ClusterNode *node = catalog_node_of_group(names->groupId);

		if (names->groupId == catalog_local_group())
			total += parse_size(base_own_query(size_query(function, names)));
		else if (node != NULL)
		{
			nodes = lappend(nodes, (void *) node);
			queries = lappend(queries, size_query(function, names));
		}
	}
	if (!sizes_elsewhere(nodes, queries, failOnError, &total))
		PG_RETURN_NULL();
	PG_RETURN_INT64(total);
}

Datum
citus_relation_size(PG_FUNCTION_ARGS)
{
	return return_size(fcinfo, "pg_relation_size", true);
}

Datum
citus_table_size(PG_FUNCTION_ARGS)
{
	return return_size(fcinfo, "pg_table_size", true);
}

Datum
citus_total_relation_size(PG_FUNCTION_ARGS)
{
	return return_size(fcinfo, "pg_total_relation_size", PG_GETARG_BOOL(1));
}

/* ---- all shards ---- */

/* the pages that the catalog knows of a relation, in bytes */
static int64
recorded_size(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	int64		size;
	Oid			toast;

	if (!HeapTupleIsValid(tuple))
		return 0;
	form = (Form_pg_class) GETSTRUCT(tuple);
	size = Max(form->relpages, 0) * (int64) BLCKSZ;
	toast = form->reltoastrelid;
	ReleaseSysCache(tuple);
	return size + (OidIsValid(toast) ? recorded_size(toast) : 0);
}

/*
 * Total size of a relation of this node, false when it is gone.  Of one that somebody has locked,
 * what the last VACUUM or ANALYZE has recorded.
 */
static bool
total_size(Oid relid, int64 *size)
{
	LOCAL_FCINFO(call, 1);
	FmgrInfo	flinfo;
	Datum		value;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
	{
		*size = recorded_size(relid);
		return true;
	}
	fmgr_info(F_PG_TOTAL_RELATION_SIZE, &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(relid);
	call->args[0].isnull = false;
	value = FunctionCallInvoke(call);
	UnlockRelationOid(relid, AccessShareLock);
	if (call->isnull)
		return false;
	*size = DatumGetInt64(value);
	return true;
}

static void
put_shard_size(ReturnSetInfo *rsinfo, ShardId shardId, int64 size)
{
	Datum		values[2];
	bool		nulls[2] = {false, false};

	values[0] = Int32GetDatum((int32) shardId);
	values[1] = Int64GetDatum(size);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static bool
is_here(const Shard *shard)
{
	for (int i = 0; i < shard->nplacements; i++)
		if (shard->placements[i].groupId == catalog_local_group())
			return true;
	return false;
}

static void
put_local_sizes(ReturnSetInfo *rsinfo)
{
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));
		Oid			schema = get_rel_namespace(lfirst_oid(lc));

		for (int i = 0; table != NULL && OidIsValid(schema) && i < table->nshards; i++)
		{
			const Shard *shard = table->shards[i];
			Oid			relid;
			int64		size;

			if (!is_here(shard))
				continue;
			relid = get_relname_relid(catalog_shard_relname(shard), schema);
			if (OidIsValid(relid) && total_size(relid, &size))
				put_shard_size(rsinfo, shard->id, size);
		}
	}
}

Datum
citus_internal_local_shard_sizes(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	put_local_sizes((ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
citus_shard_sizes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *nodes = NIL;
	List	   *answers;
	ClusterUser saved;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	put_local_sizes(rsinfo);
	foreach(lc, catalog_active_primaries())
		if (((const ClusterNode *) lfirst(lc))->groupId != catalog_local_group())
			nodes = lappend(nodes, lfirst(lc));
	/* anybody may see the sizes, also who may not log in there */
	saved = cluster_become_owner();
	answers = nodes == NIL ? NIL :
		cluster_run_alone(nodes, list_make1("SELECT shard_id, size "
											"FROM citus_internal.local_shard_sizes()"), true);
	cluster_restore_user(saved);
	foreach(lc, answers)
	{
		ClusterAnswer *answer = lfirst(lc);
		ListCell   *lr;

		if (!answer->ok)
			ereport(WARNING,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("could not get sizes from node %s:%d", answer->node->name,
							answer->node->port),
					 errdetail_internal("%s", answer->error)));
		foreach(lr, answer->rows)
		{
			char	  **row = lfirst(lr);

			put_shard_size(rsinfo, strtoll(row[0], NULL, 10), strtoll(row[1], NULL, 10));
		}
	}
	return (Datum) 0;
}

/* ---- recorded sizes ---- */

static void
require_owner(Oid relid)
{
	if (!compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

static void
set_length(ShardId shardId, int64 length)
{
	ClusterUser saved = cluster_become_owner();

	(void) base_own_execute(psprintf("UPDATE pg_dist_placement SET shardlength = " INT64_FORMAT
									 " WHERE shardid = " INT64_FORMAT, length, shardId),
							SPI_OK_UPDATE);
	cluster_restore_user(saved);
}

static const Shard *
owned_shard(ShardId shardId)
{
	const Shard *shard = catalog_shard_get(shardId);

	if (shard == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("shard " INT64_FORMAT " does not exist", shardId)));
	require_owner(shard->relid);
	return shard;
}

/* (shard ids, sizes), from another node */
Datum
citus_internal_set_shard_lengths(PG_FUNCTION_ARGS)
{
	Datum	   *shards;
	Datum	   *lengths;
	int			n;
	int			nlengths;

	base_require_node_command(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &shards, NULL, &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &lengths, NULL, &nlengths);
	for (int i = 0; i < n && i < nlengths; i++)
		set_length(owned_shard(DatumGetInt64(shards[i]))->id, DatumGetInt64(lengths[i]));
	PG_RETURN_VOID();
}

/* size of one copy of a shard */
static int64
measure_shard(const Shard *shard)
{
	for (int i = 0; i < shard->nplacements; i++)
	{
		GroupId		group = shard->placements[i].groupId;
		const ClusterNode *node = catalog_node_of_group(group);
		char	   *query;

		query = psprintf("SELECT coalesce(pg_catalog.pg_total_relation_size("
						 "pg_catalog.to_regclass(%s)), 0)",
						 quote_literal_cstr(catalog_shard_qualified_name(shard)));
		if (group == catalog_local_group())
			return parse_size(base_own_query(query));
		if (node != NULL)
			return parse_size(cluster_query(node, query));
	}
	return 0;
}

static int64
refresh_shard(const Shard *shard)
{
	ShardId		id = shard->id;
	int64		size = measure_shard(shard);

	set_length(id, size);
	cluster_run_on_others(list_make1(
		psprintf(BASE_NODE_SELECT "citus_internal.set_shard_lengths("
				 "ARRAY[" INT64_FORMAT "]::pg_catalog.int8[], "
				 "ARRAY[" INT64_FORMAT "]::pg_catalog.int8[])", id, size)));
	return size;
}

Datum
citus_update_table_statistics(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const DistTable *table = catalog_table_get(relid);

	require_owner(relid);
	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("\"%s\" is not a distributed table", catalog_relation_name(relid))));
	txn_mark_local_write();
	for (int i = 0; i < table->nshards; i++)
		(void) refresh_shard(table->shards[i]);
	PG_RETURN_VOID();
}

Datum
citus_update_shard_statistics(PG_FUNCTION_ARGS)
{
	const Shard *shard = owned_shard(PG_GETARG_INT64(0));

	txn_mark_local_write();
	PG_RETURN_INT64(refresh_shard(shard));
}

/* ---- disk ---- */

/* bytes free and in all, of the file system with the data directory */
Datum
citus_local_disk_space_stats(PG_FUNCTION_ARGS)
{
	struct statvfs stat;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (statvfs(DataDir, &stat) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not get the free space of \"%s\": %m", DataDir)));
	values[0] = Int64GetDatum((int64) stat.f_bavail * stat.f_frsize);
	values[1] = Int64GetDatum((int64) stat.f_blocks * stat.f_frsize);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
