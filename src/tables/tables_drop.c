/*
 * tables_drop.c
 *	  Dropping: shards, shells on other nodes, metadata.
 *
 * Whatever drops a known table on a node, by name or by cascade, ends in the event trigger
 * citus_drop_trigger(): the node where the user dropped it drops the shards and the shells on all
 * nodes; a node where another one drops it only forgets it.
 *
 * Invariants: (1) the statements on other nodes are IF EXISTS ... CASCADE: a part that is gone
 * already, with its schema or its parent, is no error; (2) a node forgets a table exactly when its
 * shell goes there.
 *
 * Nodes that are down do not keep a table from being dropped: they are left behind, out of sync,
 * and their shards are noted in pg_dist_cleanup.
 *
 * Main path: citus_drop_trigger() -> collect_dropped() -> drop_everywhere() -> drop_on_nodes().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "citus/txn/txn.h"
#include "tables/tables_internal.h"

/* DroppedTable: what has to be known of a table after it is gone */
typedef struct DroppedTable
{
	Oid			relid;
	ColocationId colocationId;
	char	   *shellName;		/* qualified and quoted */
	List	   *shardNames;		/* so are these */
	List	   *placedNames;	/* of placements, and the group of each */
	List	   *placedGroups;
} DroppedTable;

List *
tables_shard_names(const DistTable *table, const char *schemaName, const char *relationName)
{
	List	   *names = NIL;

	for (int i = 0; i < table->nshards; i++)
	{
		char	   *name = catalog_extend_name(relationName, table->shards[i]->id);

		names = lappend(names, quote_qualified_identifier(schemaName, name));
	}
	return names;
}

/*
 * A constraint has been dropped in this statement: managed local tables may have lost what they
 * were managed for.  Cleared by tables_after_statement(), or when the statement fails.
 */
static bool linksDropped = false;

/* ---- on one node ---- */

static char *
join(List *texts, const char *separator)
{
	StringInfoData joined;
	ListCell   *lc;

	initStringInfo(&joined);
	foreach(lc, texts)
	{
		if (lc != list_head(texts))
			appendStringInfoString(&joined, separator);
		appendStringInfoString(&joined, lfirst(lc));
	}
	return joined.data;
}

/* a complete statement, so that event triggers see it, unlike tables_execute_utility() */
static void
execute_drop(const char *text)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

	PushActiveSnapshot(GetTransactionSnapshot());
	base_frame_push(FRAME_OWN_DDL);
	ProcessUtility(wrapper, text, false, PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver, NULL);
	base_frame_pop(FRAME_OWN_DDL);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

static bool
is_foreign_table(const char *name)
{
	List	   *parts = textToQualifiedNameList(cstring_to_text(name));
	RangeVar   *relation = makeRangeVarFromNameList(parts);
	Oid			relid = RangeVarGetRelid(relation, NoLock, true);

	return OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE;
}

void
tables_drop_relations(List *names)
{
	List	   *ordinary = NIL;
	List	   *foreign = NIL;
	ListCell   *lc;
	int			level;

	if (names == NIL)
		return;
	level = NewGUCNestLevel();
	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	txn_mark_local_write();
	foreach(lc, names)
	{
		if (is_foreign_table(lfirst(lc)))
			foreign = lappend(foreign, lfirst(lc));
		else
			ordinary = lappend(ordinary, lfirst(lc));
	}
	if (foreign != NIL)
		execute_drop(psprintf("DROP FOREIGN TABLE IF EXISTS %s CASCADE", join(foreign, ", ")));
	if (ordinary != NIL)
		execute_drop(psprintf("DROP TABLE IF EXISTS %s CASCADE", join(ordinary, ", ")));
	AtEOXact_GUC(true, level);
}

PG_FUNCTION_INFO_V1(citus_internal_drop_relations);

/* citus_internal.drop_relations(names text[]): tables_drop_relations() for another node */
Datum
citus_internal_drop_relations(PG_FUNCTION_ARGS)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	List	   *names = NIL;

	base_require_node_command(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls,
					  &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			names = lappend(names, TextDatumGetCString(values[i]));
	}
	tables_drop_relations(names);
	PG_RETURN_VOID();
}

/* ---- on all nodes ---- */

static void
drop_on_others(List *names)
{
	StringInfoData sql;
	List	   *literals = NIL;
	ListCell   *lc;

	if (names == NIL || cluster_other_nodes() == NIL)
		return;
	foreach(lc, names)
		literals = lappend(literals, quote_literal_cstr(lfirst(lc)));
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 BASE_NODE_SELECT "citus_internal.drop_relations(ARRAY[%s]::pg_catalog.text[])",
					 join(literals, ","));
	cluster_run_on_others(list_make1(sql.data));
}

static DroppedTable *
describe(const DistTable *table, const char *schemaName, const char *relationName)
{
	DroppedTable *dropped = palloc(sizeof(DroppedTable));

	dropped->relid = table->relid;
	dropped->colocationId = table->colocationId;
	dropped->shellName = quote_qualified_identifier(schemaName, relationName);
	dropped->shardNames = tables_shard_names(table, schemaName, relationName);
	dropped->placedNames = NIL;
	dropped->placedGroups = NIL;
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		for (int j = 0; j < shard->nplacements; j++)
		{
			dropped->placedNames = lappend(dropped->placedNames,
										   list_nth(dropped->shardNames, i));
			dropped->placedGroups = lappend_int(dropped->placedGroups,
												shard->placements[j].groupId);
		}
	}
	return dropped;
}

static void
forget_here(Oid relid)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, relid);
	catalog_table_delete(relid);
	if (catalog_object_is_distributed(&address))
		catalog_object_delete(&address);
}

/* the shards of nodes that are not there go when these are back */
static void
defer_drops(List *dropped, List *absent)
{
	List	   *names = NIL;
	List	   *groups = NIL;
	ListCell   *lc;

	foreach(lc, dropped)
	{
		DroppedTable *table = lfirst(lc);

		for (int i = 0; i < list_length(table->placedNames); i++)
		{
			GroupId		group = list_nth_int(table->placedGroups, i);

			if (!list_member_int(absent, group))
				continue;
			names = lappend(names, list_nth(table->placedNames, i));
			groups = lappend_int(groups, group);
		}
	}
	cluster_defer_drop(names, groups);
}

/* shards and metadata everywhere, shells on the other nodes */
static void
drop_on_nodes(List *dropped)
{
	List	   *shards = NIL;
	List	   *shells = NIL;
	ListCell   *lc;

	foreach(lc, dropped)
	{
		DroppedTable *table = lfirst(lc);

		shards = list_concat(shards, table->shardNames);
		shells = lappend(shells, table->shellName);
	}
	drop_on_others(list_concat(list_copy(shards), shells));
	tables_drop_relations(shards);
	foreach(lc, dropped)
		forget_here(((DroppedTable *) lfirst(lc))->relid);
	CommandCounterIncrement();
	foreach(lc, dropped)
		tables_colocation_drop_if_empty(((DroppedTable *) lfirst(lc))->colocationId);
}

static void
drop_everywhere(List *dropped)
{
	List	   *absent = cluster_absent_groups();
	bool		skipped = cluster_skip_unsynced;

	cluster_skip_unsynced = absent != NIL;
	PG_TRY();
	{
		drop_on_nodes(dropped);
		if (absent != NIL)
			defer_drops(dropped, absent);
	}
	PG_FINALLY();
	{
		cluster_skip_unsynced = skipped;
	}
	PG_END_TRY();
}

void
tables_drop(Oid relid, const char *schemaName, const char *relationName)
{
	const DistTable *table = catalog_table_get(relid);

	if (table != NULL)
		drop_everywhere(list_make1(describe(table, schemaName, relationName)));
}

void
tables_drop_shards_of_family(List *family)
{
	MetadataDelta *delta = cluster_delta_begin();
	List	   *names = NIL;

	/* partitions go first, so that dropping their parent's shards finds nothing to cascade to */
	for (int i = list_length(family) - 1; i >= 0; i--)
	{
		Oid			relid = list_nth_oid(family, i);

		names = list_concat(names,
							tables_shard_names(catalog_table_get(relid),
											   get_namespace_name(get_rel_namespace(relid)),
											   get_rel_name(relid)));
		cluster_delta_drop_table(delta, relid);
	}
	drop_on_others(names);
	tables_drop_relations(names);
	cluster_delta_apply(delta);
}

PG_FUNCTION_INFO_V1(citus_internal_delete_shard_metadata);

/* citus_internal.delete_shard_metadata(shard_ids bigint[]): rows of shards and placements here */
Datum
citus_internal_delete_shard_metadata(PG_FUNCTION_ARGS)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;

	base_require_node_command(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, 8, true, TYPALIGN_DOUBLE, &values,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		const Shard *shard = nulls[i] ? NULL : catalog_shard_get(DatumGetInt64(values[i]));

		if (shard == NULL)
			continue;
		tables_require_owner(shard->relid);
		catalog_shard_delete(shard->id);
	}
	PG_RETURN_VOID();
}

int
tables_drop_all_shards(const DistTable *table, const char *schemaName, const char *relationName,
					   bool metadataOnly)
{
	List	   *names = tables_shard_names(table, schemaName, relationName);
	List	   *ids = NIL;
	char	   *sql;

	if (names == NIL)
		return 0;
	if (!metadataOnly)
	{
		drop_on_others(names);
		tables_drop_relations(names);
	}
	for (int i = 0; i < table->nshards; i++)
		ids = lappend(ids, psprintf(INT64_FORMAT, table->shards[i]->id));
	sql = psprintf(BASE_NODE_SELECT
				   "citus_internal.delete_shard_metadata(ARRAY[%s]::pg_catalog.int8[])",
				   join(ids, ","));
	cluster_run_on_others(list_make1(sql));
	for (int i = 0; i < table->nshards; i++)
		catalog_shard_delete(table->shards[i]->id);
	CommandCounterIncrement();
	return list_length(ids);
}

/* ---- the event trigger ---- */

/* what the statement dropped, of pg_event_trigger_dropped_objects(); freed with context */
typedef struct DroppedObject
{
	ObjectAddress address;
	char	   *schemaName;
	char	   *objectName;
} DroppedObject;

static List *
collect_dropped(MemoryContext context)
{
	List	   *objects = NIL;

	SPI_connect();
	if (SPI_execute("SELECT classid, objid, objsubid, schema_name, object_name "
					"FROM pg_catalog.pg_event_trigger_dropped_objects()",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the list of dropped objects");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isNull;
		MemoryContext oldContext;
		DroppedObject *object;
		char	   *schemaName = SPI_getvalue(tuple, desc, 4);
		char	   *objectName = SPI_getvalue(tuple, desc, 5);

		oldContext = MemoryContextSwitchTo(context);
		object = palloc(sizeof(DroppedObject));
		object->address.classId = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isNull));
		object->address.objectId = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isNull));
		object->address.objectSubId = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isNull));
		object->schemaName = schemaName ? pstrdup(schemaName) : NULL;
		object->objectName = objectName ? pstrdup(objectName) : NULL;
		objects = lappend(objects, object);
		MemoryContextSwitchTo(oldContext);
	}
	SPI_finish();
	return objects;
}

/*
 * The distribution column went by a cascade, from its type for instance, and the table stays: its
 * rows would have no place any more.
 */
static void
refuse_dropped_key(const ObjectAddress *column)
{
	const DistTable *table = column->classId == RelationRelationId
		? catalog_table_get(column->objectId) : NULL;
	char	   *name = table != NULL ? get_rel_name(column->objectId) : NULL;

	if (name == NULL || table->keyAttno != column->objectSubId)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot drop the distribution column of distributed table \"%s\"", name),
			 errhint("Drop the table, or call undistribute_table() first.")));
}

/* citus.enable_ddl_propagation */
static bool
ddl_is_propagated(void)
{
	const char *value = GetConfigOption("citus.enable_ddl_propagation", true, false);

	return value == NULL || strcmp(value, "off") != 0;
}

/* a table goes from this node alone, because the user has said so */
static void
drop_here(const DistTable *table, const char *name)
{
	ColocationId colocationId = table->colocationId;

	ereport(WARNING,
			(errmsg("table \"%s\" is dropped on this node only", name),
			 errdetail("Its shards on other nodes stay, as citus.enable_ddl_propagation is off.")));
	forget_here(table->relid);
	CommandCounterIncrement();
	if (colocationId != INVALID_COLOCATION_ID && catalog_colocated_tables(colocationId) == NIL)
		catalog_colocation_delete(colocationId);
}

/*
 * Tables go with everything they have on other nodes, unless another node drops them and does
 * that itself.  Other objects are dropped on the other nodes by the user's statement.
 */
static void
handle_dropped(List *objects)
{
	bool		internal = base_session_is_internal();
	List	   *dropped = NIL;
	ListCell   *lc;

	foreach(lc, objects)
	{
		DroppedObject *object = lfirst(lc);
		const DistTable *table = NULL;

		if (object->address.objectSubId != 0)
		{
			refuse_dropped_key(&object->address);
			continue;
		}
		if (object->address.classId == ConstraintRelationId)
			linksDropped = true;
		if (object->address.classId == RelationRelationId)
			table = catalog_table_get(object->address.objectId);
		if (table != NULL && internal)
			forget_here(table->relid);
		else if (table != NULL && !ddl_is_propagated())
			drop_here(table, object->objectName);
		else if (table != NULL)
			dropped = lappend(dropped, describe(table, object->schemaName, object->objectName));
		else if (catalog_object_is_distributed(&object->address))
			catalog_object_delete(&object->address);
	}
	if (dropped != NIL)
		drop_everywhere(dropped);
}

/* end of transactions and subtransactions */
void
tables_forget_links(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	if (event == LIFECYCLE_ABORT || event == LIFECYCLE_SUB_ABORT)
		linksDropped = false;
}

void
tables_after_statement(void)
{
	if (!linksDropped)
		return;
	linksDropped = false;
	/* the statement may have dropped the extension */
	if (!base_extension_is_active() || base_session_is_internal() || !cluster_is_complete())
		return;
	if (catalog_is_coordinator())
		tables_remove_local();
	tables_watch_again();
}

PG_FUNCTION_INFO_V1(citus_drop_trigger);

Datum
citus_drop_trigger(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("citus_drop_trigger() may only be called as an event trigger")));
	if (base_extension_is_active())
		handle_dropped(collect_dropped(CurrentMemoryContext));
	PG_RETURN_VOID();
}
