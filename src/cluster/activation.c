/*
 * activation.c
 *	  Everything that a node has to be told to become an equal of the others.
 *
 * The statements come in this order: forget an earlier membership; the nodes; objects and shells,
 * each after what it depends on; partitions attached, foreign keys, policies, rules; the rows of
 * metadata, which also give the sequences their share; the old positions of sequences.
 *
 * Not here: copies of reference tables, which operations makes.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "common/md5.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "citus/base/own_sql.h"
#include "citus/base/session.h"
#include "citus/deparse/object.h"
#include "cluster/cluster_internal.h"

/* what may name any other table, and comes when all are there */
#define LAST_PARTS (TABLE_DDL_ATTACH | TABLE_DDL_FOREIGN_KEYS | TABLE_DDL_POLICIES | \
					TABLE_DDL_RULES | TABLE_DDL_TRIGGERS | TABLE_DDL_OWN_PARTS)

/* ObjectOrder: statements of objects, each object once */
typedef struct ObjectOrder
{
	HTAB	   *seen;			/* of ObjectAddress */
	List	   *kept;			/* oids of tables whose shells the node has as they should be */
	List	   *commands;
} ObjectOrder;

static const char *
role_label(char role)
{
	switch (role)
	{
		case 's':
			return "secondary";
		case 'u':
			return "unavailable";
		default:
			return "primary";
	}
}

static const char *
bool_text(bool value)
{
	return value ? "true" : "false";
}

char *
cluster_node_upsert_command(const ClusterNode *node)
{
	return psprintf(BASE_NODE_SELECT "citus_internal.upsert_node(%d, %d, %s, %d, %s, %s, %s, "
					"%s, %s, %s, %s, %s, %d)",
					node->id, node->groupId, quote_literal_cstr(node->name), node->port,
					quote_literal_cstr(role_label(node->role)),
					quote_literal_cstr(node->cluster), bool_text(node->hasMetadata),
					bool_text(node->isActive), bool_text(node->metadataSynced),
					bool_text(node->shouldHaveShards), quote_literal_cstr(node->rack),
					bool_text(node->isClone), node->primaryNodeId);
}

char *
cluster_node_delete_command(NodeId id)
{
	return psprintf(BASE_NODE_SELECT "citus_internal.delete_node(%d)", id);
}

char *
cluster_leave_command(void)
{
	return BASE_NODE_SELECT "citus_internal.reset_node(0, NULL, true, '{}')";
}

/* the identity of this cluster: that of its coordinator */
static char *
cluster_identity(void)
{
	List	   *rows = base_own_query("SELECT coalesce(metadata ->> 'cluster_id', "
									  "metadata ->> 'server_id') FROM pg_dist_node_metadata");
	char	   *identity = rows != NIL ? ((char **) linitial(rows))[0] : NULL;

	if (identity == NULL)
		elog(ERROR, "pg_dist_node_metadata has no server_id");
	return identity;
}

static bool
is_table_kind(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_FOREIGN_TABLE;
}

static void
emit_object(ObjectOrder *order, const ObjectAddress *address)
{
	ObjectAddress key = {.classId = address->classId, .objectId = address->objectId};
	char	   *command;
	bool		found;

	hash_search(order->seen, &key, HASH_ENTER, &found);
	if (found)
		return;
	if (key.classId == ExtensionRelationId && key.objectId == base_extension_oid())
		return;
	if (key.classId == RelationRelationId && is_table_kind(get_rel_relkind(key.objectId)))
	{
		if (catalog_table_is_known(key.objectId) &&
			!list_member_oid(order->kept, key.objectId))
			order->commands = list_concat(order->commands,
										  deparse_table_ddl(key.objectId, TABLE_DDL_SHELL &
															~LAST_PARTS));
		return;
	}
	if (!deparse_object_is_supported(&key))
		return;
	command = cluster_object_create_command(&key);
	if (command != NULL)
		order->commands = lappend(order->commands, command);
}

static void
emit_with_dependencies(ObjectOrder *order, const ObjectAddress *address)
{
	ListCell   *lc;

	foreach(lc, deparse_object_dependencies(address))
		emit_object(order, lfirst(lc));
	emit_object(order, address);
}

/* statements of one part of all shells that the node does not have yet */
static void
emit_parts(ObjectOrder *order, List *tables, int parts)
{
	ListCell   *lc;

	foreach(lc, tables)
		if (!list_member_oid(order->kept, lfirst_oid(lc)))
			order->commands = list_concat(order->commands,
										  deparse_table_ddl(lfirst_oid(lc), parts));
}

static void
emit_database_grants(ObjectOrder *order)
{
	List	   *grantees;
	List	   *texts = deparse_database_grants(&grantees);
	ListCell   *lc;

	foreach(lc, grantees)
	{
		ObjectAddress role;

		ObjectAddressSet(role, AuthIdRelationId, lfirst_oid(lc));
		emit_with_dependencies(order, &role);
	}
	order->commands = list_concat(order->commands, texts);
}

static List *
object_commands(List *kept)
{
	ObjectOrder order = {.kept = kept};
	HASHCTL		ctl = {
		.keysize = sizeof(ObjectAddress),
		.entrysize = sizeof(ObjectAddress),
		.hcxt = CurrentMemoryContext,
	};
	List	   *tables = catalog_table_oids();
	ListCell   *lc;

	order.seen = hash_create("objects of activation", 256, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	/* casts first: what uses them does not depend on them */
	foreach(lc, catalog_objects())
	{
		if (((const ObjectAddress *) lfirst(lc))->classId == CastRelationId)
			emit_with_dependencies(&order, lfirst(lc));
	}
	foreach(lc, catalog_objects())
		emit_with_dependencies(&order, lfirst(lc));
	foreach(lc, tables)
	{
		ObjectAddress address;

		ObjectAddressSet(address, RelationRelationId, lfirst_oid(lc));
		emit_with_dependencies(&order, &address);
	}
	emit_database_grants(&order);
	emit_parts(&order, tables, TABLE_DDL_ATTACH);
	emit_parts(&order, tables, TABLE_DDL_OWN_PARTS);
	emit_parts(&order, tables, TABLE_DDL_FOREIGN_KEYS);
	emit_parts(&order, tables, TABLE_DDL_POLICIES | TABLE_DDL_RULES | TABLE_DDL_TRIGGERS);
	hash_destroy(order.seen);
	return order.commands;
}

static void
add_table_to_delta(MetadataDelta *delta, const DistTable *table, List **groups)
{
	if (table->colocationId != INVALID_COLOCATION_ID &&
		!list_member_int(*groups, table->colocationId))
	{
		const ColocationGroup *group = catalog_colocation_get(table->colocationId);

		*groups = lappend_int(*groups, table->colocationId);
		if (group != NULL)
			cluster_delta_add_colocation(delta, group);
	}
	cluster_delta_add_table(delta, table->relid, table->partMethod, table->keyAttno,
							table->colocationId, table->replicationModel);
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		cluster_delta_add_shard(delta, table->relid, shard->id, shard->hasRange,
								shard->minToken, shard->maxToken);
		for (int j = 0; j < shard->nplacements; j++)
			cluster_delta_add_placement(delta, shard->id, shard->placements[j].id,
										shard->placements[j].groupId);
	}
}

static List *
metadata_commands(void)
{
	MetadataDelta *delta = cluster_delta_begin();
	List	   *groups = NIL;
	List	   *marks = NIL;
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table == NULL)
			continue;
		add_table_to_delta(delta, table, &groups);
		if (table->autoConverted)
			marks = lappend(marks, psprintf(BASE_NODE_SELECT
											"citus_internal.set_table_auto_converted(%s, true)",
											quote_literal_cstr(
												catalog_qualified_name(table->relid))));
	}
	foreach(lc, catalog_objects())
		cluster_delta_add_object(delta, lfirst(lc));
	return list_concat(cluster_delta_commands(delta), marks);
}

char *
cluster_shell_digest(Oid relid)
{
	StringInfoData texts;
	char		digest[33];
	const char *problem = NULL;
	ListCell   *lc;

	initStringInfo(&texts);
	foreach(lc, deparse_table_ddl(relid, TABLE_DDL_SHELL))
		appendStringInfo(&texts, "%s;", (char *) lfirst(lc));
	if (!pg_md5_hash(texts.data, texts.len, digest, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute %s hash: %s", "MD5", problem)));
	pfree(texts.data);
	return pstrdup(digest);
}

/*
 * Tables whose shells the node has exactly as they are here.  A partition and its parent, and both
 * ends of a foreign key, are kept or made anew together: dropping one would change the other.
 */
static List *
kept_shells(const ClusterNode *node)
{
	List	   *answers = cluster_query(node, BASE_NODE_SELECT "relation, digest "
										"FROM citus_internal.shell_digests()");
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		char	   *name = catalog_qualified_name(lfirst_oid(lc));
		char	   *digest = cluster_shell_digest(lfirst_oid(lc));
		bool		equal = false;
		ListCell   *la;

		foreach(la, answers)
		{
			char	  **row = lfirst(la);

			if (strcmp(row[0], name) == 0 && strcmp(row[1], digest) == 0)
				equal = true;
		}
		if (equal)
			kept = lappend_oid(kept, lfirst_oid(lc));
	}
	/* one that differs, or is missing, may be tied to any other */
	if (list_length(kept) != list_length(answers) ||
		list_length(kept) != list_length(catalog_table_oids()))
		return NIL;
	return kept;
}

static char *
name_array(List *relids)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, relids)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "," : "",
						 quote_literal_cstr(catalog_qualified_name(lfirst_oid(lc))));
	return psprintf("ARRAY[%s]::pg_catalog.text[]", buf.data);
}

List *
cluster_activation_commands(const ClusterNode *node, bool dropCopies)
{
	List	   *kept;
	List	   *positions;
	List	   *commands = NIL;
	ListCell   *lc;

	cluster_forget_dropped();
	kept = kept_shells(node);
	positions = cluster_query(node, BASE_NODE_SELECT "sequence_name, last_value "
							  "FROM citus_internal.sequence_positions()");

	/* bodies may name what comes later; what exists already is no news */
	commands = lappend(commands, "SET LOCAL check_function_bodies TO off");
	commands = lappend(commands, "SET LOCAL client_min_messages TO warning");
	commands = lappend(commands, psprintf(BASE_NODE_SELECT
										  "citus_internal.reset_node(%d, %s, %s, %s)",
										  node->groupId,
										  quote_literal_cstr(cluster_identity()),
										  bool_text(dropCopies), name_array(kept)));
	commands = lappend(commands, cluster_secret_command(node));
	foreach(lc, catalog_nodes())
		commands = lappend(commands, cluster_node_upsert_command(lfirst(lc)));
	commands = list_concat(commands, cluster_unlogged(object_commands(kept)));
	commands = list_concat(commands, metadata_commands());
	foreach(lc, positions)
	{
		char	  **row = lfirst(lc);

		commands = lappend(commands, psprintf(BASE_NODE_SELECT
											  "citus_internal.restore_sequence(%s, %s)",
											  quote_literal_cstr(row[0]), row[1]));
	}
	return commands;
}
