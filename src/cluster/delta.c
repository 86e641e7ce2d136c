/*
 * delta.c
 *	  Rows of metadata to add or remove, applied here and sent to all other nodes.
 *
 * Rows travel by name: relations schema-qualified, columns, types and collations by name, objects
 * as objects.c names them.  A kind of rows is one statement, calling a function of citus_internal
 * (cluster_sql.c), whatever their number.
 *
 * Order, here and there: what goes (placements, tables, objects), what comes (colocation groups,
 * tables, shards, placements, objects), colocation groups that go.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "cluster/cluster_internal.h"

typedef struct TableRow
{
	Oid			relid;
	char		partMethod;
	AttrNumber	keyAttno;
	ColocationId colocationId;
	char		replicationModel;
} TableRow;

typedef struct ShardRow
{
	Oid			relid;
	ShardId		shardId;
	bool		hasRange;
	int32		minToken;
	int32		maxToken;
} ShardRow;

typedef struct PlacementRow
{
	PlacementId id;				/* 0 in rows to drop */
	ShardId		shardId;
	GroupId		groupId;
} PlacementRow;

struct MetadataDelta
{
	List	   *dropPlacements; /* of PlacementRow * */
	List	   *dropTables;		/* of oids */
	List	   *dropObjects;	/* of ObjectAddress * */
	List	   *colocations;	/* of const ColocationGroup * */
	List	   *tables;			/* of TableRow * */
	List	   *shards;			/* of ShardRow * */
	List	   *placements;		/* of PlacementRow * */
	List	   *objects;		/* of ObjectAddress * */
	List	   *dropColocations;	/* of ints */
};

MetadataDelta *
cluster_delta_begin(void)
{
	return palloc0(sizeof(MetadataDelta));
}

void
cluster_delta_add_colocation(MetadataDelta *delta, const ColocationGroup *group)
{
	ColocationGroup *copy = palloc(sizeof(ColocationGroup));

	*copy = *group;
	delta->colocations = lappend(delta->colocations, copy);
}

void
cluster_delta_drop_colocation(MetadataDelta *delta, ColocationId id)
{
	delta->dropColocations = lappend_int(delta->dropColocations, id);
}

void
cluster_delta_add_table(MetadataDelta *delta, Oid relid, char partMethod, AttrNumber keyAttno,
						ColocationId colocationId, char replicationModel)
{
	TableRow   *row = palloc(sizeof(TableRow));

	row->relid = relid;
	row->partMethod = partMethod;
	row->keyAttno = keyAttno;
	row->colocationId = colocationId;
	row->replicationModel = replicationModel;
	delta->tables = lappend(delta->tables, row);
}

void
cluster_delta_drop_table(MetadataDelta *delta, Oid relid)
{
	delta->dropTables = lappend_oid(delta->dropTables, relid);
}

void
cluster_delta_add_shard(MetadataDelta *delta, Oid relid, ShardId shardId, bool hasRange,
						int32 minToken, int32 maxToken)
{
	ShardRow   *row = palloc(sizeof(ShardRow));

	row->relid = relid;
	row->shardId = shardId;
	row->hasRange = hasRange;
	row->minToken = minToken;
	row->maxToken = maxToken;
	delta->shards = lappend(delta->shards, row);
}

static PlacementRow *
make_placement_row(PlacementId id, ShardId shardId, GroupId groupId)
{
	PlacementRow *row = palloc(sizeof(PlacementRow));

	row->id = id;
	row->shardId = shardId;
	row->groupId = groupId;
	return row;
}

void
cluster_delta_add_placement(MetadataDelta *delta, ShardId shardId, PlacementId placementId,
							GroupId groupId)
{
	delta->placements = lappend(delta->placements,
								make_placement_row(placementId, shardId, groupId));
}

void
cluster_delta_drop_placement(MetadataDelta *delta, ShardId shardId, GroupId groupId)
{
	delta->dropPlacements = lappend(delta->dropPlacements,
									make_placement_row(0, shardId, groupId));
}

static ObjectAddress *
copy_address(const ObjectAddress *address)
{
	ObjectAddress *copy = palloc(sizeof(ObjectAddress));

	*copy = *address;
	return copy;
}

void
cluster_delta_add_object(MetadataDelta *delta, const ObjectAddress *address)
{
	delta->objects = lappend(delta->objects, copy_address(address));
}

void
cluster_delta_drop_object(MetadataDelta *delta, const ObjectAddress *address)
{
	if (catalog_object_is_distributed(address))
		delta->dropObjects = lappend(delta->dropObjects, copy_address(address));
}

/* ---- statements for other nodes ---- */

/* ArrayText: the text of one array constructor, growing */
typedef struct ArrayText
{
	StringInfoData buf;
	const char *type;
} ArrayText;

static void
array_begin(ArrayText *array, const char *type)
{
	initStringInfo(&array->buf);
	appendStringInfoString(&array->buf, "ARRAY[");
	array->type = type;
}

/* text: a SQL expression */
static void
array_add(ArrayText *array, const char *text)
{
	if (array->buf.data[array->buf.len - 1] != '[')
		appendStringInfoChar(&array->buf, ',');
	appendStringInfoString(&array->buf, text);
}

static void
array_add_int(ArrayText *array, int64 value)
{
	array_add(array, psprintf(INT64_FORMAT, value));
}

static char *
array_end(ArrayText *array)
{
	appendStringInfo(&array->buf, "]::pg_catalog.%s[]", array->type);
	return array->buf.data;
}

static char *
literal_or_null(const char *text)
{
	return text ? quote_literal_cstr(text) : "NULL";
}

static char *
relation_literal(Oid relid)
{
	return quote_literal_cstr(catalog_qualified_name(relid));
}

static char *
colocation_command(const ColocationGroup *group)
{
	char	   *type = NULL;
	char	   *collation = NULL;

	if (OidIsValid(group->keyType))
		type = format_type_extended(group->keyType, -1, FORMAT_TYPE_FORCE_QUALIFY);
	if (OidIsValid(group->keyCollation))
		collation = cluster_collation_name(group->keyCollation);
	return psprintf(BASE_NODE_SELECT "citus_internal.add_colocation_metadata(%d, %d, %d, %s, %s)",
					group->id, group->shardCount, group->replicationFactor,
					literal_or_null(type), literal_or_null(collation));
}

static char *
table_command(const TableRow *row)
{
	char	   *column = NULL;

	if (row->keyAttno != InvalidAttrNumber)
		column = get_attname(row->relid, row->keyAttno, false);
	return psprintf(BASE_NODE_SELECT "citus_internal.add_table_metadata(%s, '%c', %s, %d, '%c')",
					relation_literal(row->relid), row->partMethod, literal_or_null(column),
					row->colocationId, row->replicationModel);
}

/* Shards come grouped by table: the name stands once in an array of its own for each run. */
static List *
shard_commands(List *shards)
{
	List	   *commands = NIL;
	int			i = 0;

	while (i < list_length(shards))
	{
		const ShardRow *first = list_nth(shards, i);
		ArrayText	ids;
		ArrayText	mins;
		ArrayText	maxs;

		array_begin(&ids, "int8");
		array_begin(&mins, "int4");
		array_begin(&maxs, "int4");
		for (; i < list_length(shards); i++)
		{
			const ShardRow *row = list_nth(shards, i);

			if (row->relid != first->relid)
				break;
			array_add_int(&ids, row->shardId);
			array_add(&mins, row->hasRange ? psprintf("%d", row->minToken) : "NULL");
			array_add(&maxs, row->hasRange ? psprintf("%d", row->maxToken) : "NULL");
		}
		commands = lappend(commands,
						   psprintf(BASE_NODE_SELECT
									"citus_internal.add_shard_metadata(%s, %s, %s, %s)",
									relation_literal(first->relid), array_end(&ids),
									array_end(&mins), array_end(&maxs)));
	}
	return commands;
}

static char *
placements_command(const char *function, List *placements, bool withIds)
{
	ArrayText	shards;
	ArrayText	ids;
	ArrayText	groups;
	ListCell   *lc;

	array_begin(&shards, "int8");
	array_begin(&ids, "int8");
	array_begin(&groups, "int4");
	foreach(lc, placements)
	{
		const PlacementRow *row = lfirst(lc);

		array_add_int(&shards, row->shardId);
		array_add_int(&ids, row->id);
		array_add_int(&groups, row->groupId);
	}
	if (!withIds)
		return psprintf(BASE_NODE_SELECT "citus_internal.%s(%s, %s)", function,
						array_end(&shards), array_end(&groups));
	return psprintf(BASE_NODE_SELECT "citus_internal.%s(%s, %s, %s)", function,
					array_end(&shards), array_end(&ids), array_end(&groups));
}

/* NULL when the object is gone */
static char *
object_command(const char *function, const ObjectAddress *address)
{
	char	   *type;
	char	   *names;
	char	   *args;

	if (!cluster_object_literals(address, &type, &names, &args))
		return NULL;
	return psprintf(BASE_NODE_SELECT "citus_internal.%s(%s, %s::pg_catalog.text[], "
					"%s::pg_catalog.text[])", function, type, names, args);
}

/* What is gone has no name: the other nodes forget whatever does not exist there any more. */
static List *
drop_commands(MetadataDelta *delta)
{
	List	   *commands = NIL;
	bool		forget = false;
	ListCell   *lc;

	if (delta->dropPlacements != NIL)
		commands = lappend(commands, placements_command("delete_placement_metadata",
														delta->dropPlacements, false));
	foreach(lc, delta->dropTables)
	{
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			commands = lappend(commands,
							   psprintf(BASE_NODE_SELECT "citus_internal.delete_table_metadata(%s)",
										relation_literal(lfirst_oid(lc))));
		else
			forget = true;
	}
	foreach(lc, delta->dropObjects)
	{
		char	   *command = object_command("delete_object_metadata", lfirst(lc));

		if (command != NULL)
			commands = lappend(commands, command);
		else
			forget = true;
	}
	if (forget)
		commands = lappend(commands, BASE_NODE_SELECT "citus_internal.forget_dropped()");
	return commands;
}

List *
cluster_delta_commands(MetadataDelta *delta)
{
	List	   *commands = drop_commands(delta);
	ListCell   *lc;

	foreach(lc, delta->colocations)
		commands = lappend(commands, colocation_command(lfirst(lc)));
	foreach(lc, delta->tables)
		commands = lappend(commands, table_command(lfirst(lc)));
	commands = list_concat(commands, shard_commands(delta->shards));
	if (delta->placements != NIL)
		commands = lappend(commands, placements_command("add_placement_metadata",
														delta->placements, true));
	foreach(lc, delta->objects)
	{
		char	   *command = object_command("add_object_metadata", lfirst(lc));

		if (command != NULL)
			commands = lappend(commands, command);
	}
	foreach(lc, delta->dropColocations)
		commands = lappend(commands,
						   psprintf(BASE_NODE_SELECT
									"citus_internal.delete_colocation_metadata(%d)",
									lfirst_int(lc)));
	return commands;
}

/* ---- this node ---- */

static void
apply_drops(MetadataDelta *delta)
{
	ListCell   *lc;

	foreach(lc, delta->dropPlacements)
	{
		const PlacementRow *row = lfirst(lc);

		catalog_placement_delete(row->shardId, row->groupId);
	}
	foreach(lc, delta->dropTables)
		catalog_table_delete(lfirst_oid(lc));
	foreach(lc, delta->dropObjects)
		catalog_object_delete(lfirst(lc));
	CommandCounterIncrement();
}

/*
 * A row that was put there by hand, by whoever can look like another node, is in nobody's way and
 * misleads nobody as long as it has no tables.
 */
void
cluster_put_colocation(const ColocationGroup *group)
{
	const ColocationGroup *present = catalog_colocation_get(group->id);

	if (present != NULL && present->shardCount == group->shardCount &&
		present->replicationFactor == group->replicationFactor &&
		present->keyType == group->keyType && present->keyCollation == group->keyCollation)
		return;
	if (present != NULL)
	{
		if (catalog_colocated_tables(group->id) != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("colocation group %d is another one on this node", group->id)));
		catalog_colocation_delete(group->id);
		CommandCounterIncrement();
	}
	catalog_colocation_insert(group);
}

static void
apply_adds(MetadataDelta *delta)
{
	ListCell   *lc;

	foreach(lc, delta->colocations)
		cluster_put_colocation(lfirst(lc));
	foreach(lc, delta->tables)
	{
		const TableRow *row = lfirst(lc);

		catalog_table_insert(row->relid, row->partMethod, row->keyAttno, row->colocationId,
							 row->replicationModel);
	}
	foreach(lc, delta->shards)
	{
		const ShardRow *row = lfirst(lc);

		catalog_shard_insert(row->relid, row->shardId,
							 get_rel_relkind(row->relid) == RELKIND_FOREIGN_TABLE ? 'f' : 't',
							 row->hasRange, row->minToken, row->maxToken);
	}
	CommandCounterIncrement();
	foreach(lc, delta->placements)
	{
		const PlacementRow *row = lfirst(lc);

		catalog_placement_insert(row->id, row->shardId, row->groupId);
	}
	foreach(lc, delta->objects)
		if (!catalog_object_is_distributed(lfirst(lc)))
			catalog_object_insert(lfirst(lc));
	foreach(lc, delta->tables)
		cluster_adjust_sequences(((TableRow *) lfirst(lc))->relid);
}

void
cluster_delta_apply(MetadataDelta *delta)
{
	List	   *commands = cluster_delta_commands(delta);
	ListCell   *lc;

	if (commands == NIL)
		return;
	cluster_lock_node_list(false);
	txn_mark_local_write();
	apply_drops(delta);
	apply_adds(delta);
	foreach(lc, delta->dropColocations)
		catalog_colocation_delete(lfirst_int(lc));
	CommandCounterIncrement();
	cluster_run(cluster_other_nodes(), commands);
}
