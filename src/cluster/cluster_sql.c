/*
 * cluster_sql.c
 *	  The functions of citus_internal that nodes call on each other: the receiving side of
 *	  delta.c, activation.c and the lock of the node list.
 *
 * Each checks that another node opened this session (55000), and that the user owns the table or
 * object it is about, or is a superuser: the mark of a session can be forged, ownership cannot.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "citus/base/compat.h"
#include "citus/base/own_sql.h"
#include "citus/base/session.h"
#include "cluster/cluster_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_lock_node_list);
PG_FUNCTION_INFO_V1(citus_internal_add_colocation_metadata);
PG_FUNCTION_INFO_V1(citus_internal_delete_colocation_metadata);
PG_FUNCTION_INFO_V1(citus_internal_add_table_metadata);
PG_FUNCTION_INFO_V1(citus_internal_delete_table_metadata);
PG_FUNCTION_INFO_V1(citus_internal_add_shard_metadata);
PG_FUNCTION_INFO_V1(citus_internal_add_placement_metadata);
PG_FUNCTION_INFO_V1(citus_internal_delete_placement_metadata);
PG_FUNCTION_INFO_V1(citus_internal_adjust_sequences);
PG_FUNCTION_INFO_V1(citus_internal_draw_numbers);
PG_FUNCTION_INFO_V1(citus_internal_sequence_positions);
PG_FUNCTION_INFO_V1(citus_internal_restore_sequence);
PG_FUNCTION_INFO_V1(citus_internal_upsert_node);
PG_FUNCTION_INFO_V1(citus_internal_delete_node);
PG_FUNCTION_INFO_V1(citus_internal_reset_node);
PG_FUNCTION_INFO_V1(citus_internal_shell_digests);

/* ---- checks and arguments ---- */

static void
require_node_superuser(FunctionCallInfo fcinfo)
{
	base_require_node_command(fcinfo);
	base_require_superuser("change the list of nodes");
}

static void
require_table_owner(FunctionCallInfo fcinfo, Oid relid)
{
	base_require_node_command(fcinfo);
	if (!superuser() && !compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/* for functions some of whose arguments may be NULL */
static void
require_args(FunctionCallInfo fcinfo, int first, int last)
{
	for (int i = first; i <= last; i++)
		if (fcinfo->args[i].isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d must not be null", i + 1)));
}

static Oid
relation_arg(text *name)
{
	RangeVar   *relation = makeRangeVarFromNameList(textToQualifiedNameList(name));

	return RangeVarGetRelid(relation, AccessShareLock, false);
}

static const Shard *
shard_arg(ShardId shardId)
{
	const Shard *shard = catalog_shard_get(shardId);

	if (shard == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("shard " INT64_FORMAT " does not exist", shardId)));
	return shard;
}

int
cluster_array_arg(ArrayType *array, Oid type, Datum **values, bool **nulls)
{
	int			n;
	bool	   *isNull;

	deconstruct_array(array, type, get_typlen(type), get_typbyval(type),
					  type == INT8OID ? TYPALIGN_DOUBLE : TYPALIGN_INT, values, &isNull, &n);
	if (nulls != NULL)
		*nulls = isNull;
	else if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));
	return n;
}

static void
require_equal_length(int a, int b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrays must have the same length")));
}

Datum
citus_internal_lock_node_list(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	if (PG_GETARG_BOOL(0))
		base_require_superuser("change the list of nodes");
	cluster_lock_node_list_here(PG_GETARG_BOOL(0));
	PG_RETURN_VOID();
}

/* ---- tables, shards, placements ---- */

/* (colocationid, shardcount, replicationfactor, type, collation); the last two may be NULL */
Datum
citus_internal_add_colocation_metadata(PG_FUNCTION_ARGS)
{
	ColocationGroup group = {0};

	base_require_node_command(fcinfo);
	require_args(fcinfo, 0, 2);
	group.id = PG_GETARG_INT32(0);
	group.shardCount = PG_GETARG_INT32(1);
	group.replicationFactor = PG_GETARG_INT32(2);
	if (!PG_ARGISNULL(3))
		group.keyType = DatumGetObjectId(DirectFunctionCall1(
			regtypein, CStringGetDatum(text_to_cstring(PG_GETARG_TEXT_PP(3)))));
	if (!PG_ARGISNULL(4))
		group.keyCollation = get_collation_oid(textToQualifiedNameList(PG_GETARG_TEXT_PP(4)),
											   false);
	cluster_put_colocation(&group);
	PG_RETURN_VOID();
}

Datum
citus_internal_delete_colocation_metadata(PG_FUNCTION_ARGS)
{
	ColocationId id = PG_GETARG_INT32(0);

	base_require_node_command(fcinfo);
	if (!superuser() && catalog_colocated_tables(id) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for colocation group %d", id),
				 errdetail("It has tables.")));
	catalog_colocation_delete(id);
	PG_RETURN_VOID();
}

/* (relation, partmethod, key column or NULL, colocationid, repmodel) */
Datum
citus_internal_add_table_metadata(PG_FUNCTION_ARGS)
{
	Oid			relid;
	AttrNumber	keyAttno = InvalidAttrNumber;

	require_args(fcinfo, 0, 1);
	require_args(fcinfo, 3, 4);
	relid = relation_arg(PG_GETARG_TEXT_PP(0));
	require_table_owner(fcinfo, relid);
	if (!PG_ARGISNULL(2))
	{
		char	   *column = text_to_cstring(PG_GETARG_TEXT_PP(2));

		keyAttno = get_attnum(relid, column);
		if (keyAttno == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist", column,
							get_rel_name(relid))));
	}
	catalog_table_insert(relid, PG_GETARG_CHAR(1), keyAttno, PG_GETARG_INT32(3),
						 PG_GETARG_CHAR(4));
	CommandCounterIncrement();
	cluster_adjust_sequences(relid);
	PG_RETURN_VOID();
}

Datum
citus_internal_delete_table_metadata(PG_FUNCTION_ARGS)
{
	RangeVar   *relation;
	Oid			relid;

	relation = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	relid = RangeVarGetRelid(relation, AccessShareLock, true);
	base_require_node_command(fcinfo);
	if (!OidIsValid(relid) || !catalog_table_is_known(relid))
		PG_RETURN_VOID();
	require_table_owner(fcinfo, relid);
	catalog_table_delete(relid);
	PG_RETURN_VOID();
}

/* (relation, ids, minimum tokens, maximum tokens): NULL tokens for a shard without a range */
Datum
citus_internal_add_shard_metadata(PG_FUNCTION_ARGS)
{
	Oid			relid = relation_arg(PG_GETARG_TEXT_PP(0));
	Datum	   *ids;
	Datum	   *mins;
	Datum	   *maxs;
	bool	   *isNull;
	bool	   *maxNull;
	int			n = cluster_array_arg(PG_GETARG_ARRAYTYPE_P(1), INT8OID, &ids, NULL);
	char		storage = get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE ? 'f' : 't';

	require_table_owner(fcinfo, relid);
	require_equal_length(n, cluster_array_arg(PG_GETARG_ARRAYTYPE_P(2), INT4OID, &mins, &isNull));
	require_equal_length(n, cluster_array_arg(PG_GETARG_ARRAYTYPE_P(3), INT4OID, &maxs, &maxNull));
	for (int i = 0; i < n; i++)
	{
		bool		hasRange = !isNull[i] && !maxNull[i];

		catalog_shard_insert(relid, DatumGetInt64(ids[i]), storage, hasRange,
							 hasRange ? DatumGetInt32(mins[i]) : 0,
							 hasRange ? DatumGetInt32(maxs[i]) : 0);
	}
	PG_RETURN_VOID();
}

/* the relation of a shard on this node; InvalidOid when there is none */
static Oid
shard_relation(const Shard *shard)
{
	return get_relname_relid(catalog_shard_relname(shard), get_rel_namespace(shard->relid));
}

/* Shards go with their shell.  One that is here already was left by release_shards(). */
static void
bind_shard(const Shard *shard)
{
	ObjectAddress relation;
	ObjectAddress shell;

	ObjectAddressSet(relation, RelationRelationId, shard_relation(shard));
	ObjectAddressSet(shell, RelationRelationId, shard->relid);
	if (OidIsValid(relation.objectId))
		recordDependencyOn(&relation, &shell, DEPENDENCY_AUTO);
}

/* (shard ids, placement ids, groups) */
Datum
citus_internal_add_placement_metadata(PG_FUNCTION_ARGS)
{
	Datum	   *shards;
	Datum	   *ids;
	Datum	   *groups;
	int			n = cluster_array_arg(PG_GETARG_ARRAYTYPE_P(0), INT8OID, &shards, NULL);
	Oid			checked = InvalidOid;

	base_require_node_command(fcinfo);
	require_equal_length(n, cluster_array_arg(PG_GETARG_ARRAYTYPE_P(1), INT8OID, &ids, NULL));
	require_equal_length(n, cluster_array_arg(PG_GETARG_ARRAYTYPE_P(2), INT4OID, &groups, NULL));
	/* check all first: each insert makes the cache read the table anew */
	for (int i = 0; i < n; i++)
	{
		Oid			relid = shard_arg(DatumGetInt64(shards[i]))->relid;

		if (relid != checked)
			require_table_owner(fcinfo, relid);
		checked = relid;
	}
	for (int i = 0; i < n; i++)
	{
		if (DatumGetInt32(groups[i]) == catalog_local_group())
			bind_shard(shard_arg(DatumGetInt64(shards[i])));
		catalog_placement_insert(DatumGetInt64(ids[i]), DatumGetInt64(shards[i]),
								 DatumGetInt32(groups[i]));
	}
	PG_RETURN_VOID();
}

/* (shard ids, groups) */
Datum
citus_internal_delete_placement_metadata(PG_FUNCTION_ARGS)
{
	Datum	   *shards;
	Datum	   *groups;
	int			n = cluster_array_arg(PG_GETARG_ARRAYTYPE_P(0), INT8OID, &shards, NULL);

	base_require_node_command(fcinfo);
	require_equal_length(n, cluster_array_arg(PG_GETARG_ARRAYTYPE_P(1), INT4OID, &groups, NULL));
	for (int i = 0; i < n; i++)
		require_table_owner(fcinfo, shard_arg(DatumGetInt64(shards[i]))->relid);
	for (int i = 0; i < n; i++)
		catalog_placement_delete(DatumGetInt64(shards[i]), DatumGetInt32(groups[i]));
	PG_RETURN_VOID();
}

/* ---- sequences ---- */

Datum
citus_internal_adjust_sequences(PG_FUNCTION_ARGS)
{
	Oid			relid = relation_arg(PG_GETARG_TEXT_PP(0));

	require_table_owner(fcinfo, relid);
	cluster_adjust_sequences(relid);
	PG_RETURN_VOID();
}

/*
 * (name, count, fewer): the next values of a sequence of this node, as runs (start, step, amount);
 * fewer: what there is will do.  Those of an identity column are for who may insert into the table.
 */
Datum
citus_internal_draw_numbers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			sequenceId = relation_arg(PG_GETARG_TEXT_PP(0));
	Oid			relid;
	int32		attno;
	bool		isIdentity = sequenceIsOwned(sequenceId, DEPENDENCY_INTERNAL, &relid, &attno);
	int64		count = PG_GETARG_INT64(1);
	List	   *runs;
	ListCell   *lc;

	base_require_node_command(fcinfo);
	if (isIdentity && !cluster_may_draw_identity(relid))
		require_table_owner(fcinfo, relid);
	runs = PG_GETARG_BOOL(2) ? cluster_draw_block_here(sequenceId, count, !isIdentity)
		: cluster_draw_numbers_here(sequenceId, count, !isIdentity);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, runs)
	{
		NumberRun  *run = lfirst(lc);
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		values[0] = Int64GetDatum(run->start);
		values[1] = Int64GetDatum(run->step);
		values[2] = Int64GetDatum(run->count);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	/* rows on other nodes may outlive a crash here that forgets who gave them their values */
	if (XactLastRecEnd != InvalidXLogRecPtr)
		XLogFlush(XactLastRecEnd);
	return (Datum) 0;
}

/* Last values given here by the sequences of known tables: setof (sequence_name, last_value) */
Datum
citus_internal_sequence_positions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *sequences = NIL;
	ListCell   *lc;

	require_node_superuser(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, catalog_table_oids())
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			sequences = list_concat_unique_oid(sequences,
											   cluster_table_sequences(lfirst_oid(lc)));
	foreach(lc, sequences)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};
		int64		position;

		if (!cluster_sequence_position(lfirst_oid(lc), &position))
			continue;
		values[1] = Int64GetDatum(position);
		values[0] = CStringGetTextDatum(catalog_qualified_name(lfirst_oid(lc)));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* (sequence, position): not behind the position, if the sequence is there and may reach it */
Datum
citus_internal_restore_sequence(PG_FUNCTION_ARGS)
{
	RangeVar   *relation;
	Oid			relid;
	int64		position = PG_GETARG_INT64(1);
	HeapTuple	tuple;
	Form_pg_sequence form;
	bool		within;

	require_node_superuser(fcinfo);
	relation = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	relid = RangeVarGetRelid(relation, NoLock, true);
	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		PG_RETURN_VOID();
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	within = position >= form->seqmin && position <= form->seqmax;
	ReleaseSysCache(tuple);
	if (within)
		DirectFunctionCall2(setval_oid, ObjectIdGetDatum(relid), Int64GetDatum(position));
	PG_RETURN_VOID();
}

/* ---- nodes ---- */

/*
 * (id, group, name, port, role, cluster, hasmetadata, isactive, synced, shouldhaveshards, rack,
 * isclone, primarynodeid)
 */
Datum
citus_internal_upsert_node(PG_FUNCTION_ARGS)
{
	NodeRow		row = {0};

	require_node_superuser(fcinfo);
	row.id = PG_GETARG_INT32(0);
	row.groupId = PG_GETARG_INT32(1);
	row.name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	row.port = PG_GETARG_INT32(3);
	row.role = text_to_cstring(PG_GETARG_TEXT_PP(4));
	row.cluster = text_to_cstring(PG_GETARG_TEXT_PP(5));
	row.hasMetadata = PG_GETARG_BOOL(6);
	row.isActive = PG_GETARG_BOOL(7);
	row.metadataSynced = PG_GETARG_BOOL(8);
	row.shouldHaveShards = PG_GETARG_BOOL(9);
	row.rack = text_to_cstring(PG_GETARG_TEXT_PP(10));
	row.isClone = PG_GETARG_BOOL(11);
	row.primaryNodeId = PG_GETARG_INT32(12);
	if (catalog_node_by_id(row.id) != NULL)
		catalog_node_update(&row);
	else
		catalog_node_insert(&row);
	PG_RETURN_VOID();
}

Datum
citus_internal_delete_node(PG_FUNCTION_ARGS)
{
	require_node_superuser(fcinfo);
	if (catalog_node_by_id(PG_GETARG_INT32(0)) != NULL)
		catalog_node_delete(PG_GETARG_INT32(0));
	PG_RETURN_VOID();
}

/* Unties the shards of a table from its shell, which is to be made anew. */
static void
release_shards(const DistTable *table)
{
	for (int i = 0; i < table->nshards; i++)
	{
		Oid			relation = shard_relation(table->shards[i]);

		if (OidIsValid(relation))
			deleteDependencyRecordsForSpecific(RelationRelationId, relation, DEPENDENCY_AUTO,
											   RelationRelationId, table->relid);
	}
}

/*
 * What an earlier membership left and must go: shells that are not in kept (a List of oids), and
 * copies of reference tables.
 */
static ObjectAddresses *
stale_relations(List *kept, bool withCopies)
{
	ObjectAddresses *stale = new_object_addresses();
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		Oid			relid = lfirst_oid(lc);
		const DistTable *table = catalog_table_get(relid);
		ObjectAddress address;

		if (table == NULL || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			continue;
		ObjectAddressSet(address, RelationRelationId, relid);
		release_shards(table);
		if (!list_member_oid(kept, relid))
			add_exact_object_address(&address, stale);
		if (!withCopies || table->kind != DIST_TABLE_REFERENCE || table->nshards != 1)
			continue;
		address.objectId = shard_relation(table->shards[0]);
		if (OidIsValid(address.objectId))
			add_exact_object_address(&address, stale);
	}
	return stale;
}

/* known tables among those named */
static List *
known_tables(ArrayType *names)
{
	Datum	   *values;
	int			n = cluster_array_arg(names, TEXTOID, &values, NULL);
	List	   *tables = NIL;

	for (int i = 0; i < n; i++)
	{
		Oid			relid = relation_arg(DatumGetTextPP(values[i]));

		if (catalog_table_is_known(relid))
			tables = lappend_oid(tables, relid);
	}
	return tables;
}

static void
delete_all_metadata(const char *clusterId)
{
	static const char *const statements[] = {
		"DELETE FROM pg_catalog.pg_dist_placement",
		"DELETE FROM pg_catalog.pg_dist_shard",
		"DELETE FROM pg_catalog.pg_dist_partition",
		"DELETE FROM pg_catalog.pg_dist_schema",
		"DELETE FROM pg_catalog.pg_dist_colocation",
		"DELETE FROM pg_catalog.pg_dist_node",
		"DELETE FROM citus_internal.departed_node",
	};
	Oid			publicId = get_namespace_oid("public", true);
	char	   *identity;
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
		catalog_table_delete(lfirst_oid(lc));
	/* a server that stands alone has the schema public marked, as CREATE EXTENSION left it */
	foreach(lc, catalog_objects())
	{
		const ObjectAddress *object = lfirst(lc);

		if (clusterId != NULL || object->classId != NamespaceRelationId ||
			object->objectId != publicId)
			catalog_object_delete(object);
	}
	for (int i = 0; i < lengthof(statements); i++)
		(void) base_own_execute(statements[i], SPI_OK_DELETE);
	identity = clusterId == NULL ? "metadata - 'cluster_id'" :
		psprintf("metadata || jsonb_build_object('cluster_id', %s)", quote_literal_cstr(clusterId));
	(void) base_own_execute(psprintf("UPDATE pg_dist_node_metadata SET metadata = %s", identity),
							SPI_OK_UPDATE);
}

/*
 * (group, cluster id, drop copies, shells to keep): an end to any earlier membership, and the new
 * group.  Group 0 and a NULL cluster: this node stands alone from now on.
 */
Datum
citus_internal_reset_node(PG_FUNCTION_ARGS)
{
	ObjectAddresses *stale;

	require_node_superuser(fcinfo);
	require_args(fcinfo, 0, 0);
	require_args(fcinfo, 2, 3);
	stale = stale_relations(known_tables(PG_GETARG_ARRAYTYPE_P(3)), PG_GETARG_BOOL(2));
	base_frame_push(FRAME_METADATA_CHANGE);
	base_frame_push(FRAME_OWN_DDL);
	/* who leaves is told nothing of what becomes of the cluster */
	if (PG_ARGISNULL(1))
	{
		unsigned char secret[BASE_SECRET_SIZE];

		base_secret_make(secret);
		catalog_secret_set(secret, NULL);
	}
	delete_all_metadata(PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	CommandCounterIncrement();
	catalog_cache_reset();
	performMultipleDeletions(stale, DROP_CASCADE,
							 PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
	base_frame_pop(FRAME_OWN_DDL);
	base_frame_pop(FRAME_METADATA_CHANGE);
	catalog_local_group_set(PG_GETARG_INT32(0));
	PG_RETURN_VOID();
}

/* What known tables look like here: setof (relation text, digest text) */
Datum
citus_internal_shell_digests(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	require_node_superuser(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, catalog_table_oids())
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			continue;
		values[0] = CStringGetTextDatum(catalog_qualified_name(lfirst_oid(lc)));
		values[1] = CStringGetTextDatum(cluster_shell_digest(lfirst_oid(lc)));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
