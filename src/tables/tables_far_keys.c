/*
 * tables_far_keys.c
 *	  Foreign keys of another node's plain tables, when their columns get another type.
 *
 * As with those of this node (tables_local_keys.c), they are taken off before the statement and put
 * back after it.  Their node does both when it is told to, but it does not see what the transaction
 * has done to the shards: it puts the key back unchecked, as one that holds, and this node, which
 * runs the statement, looks whether it does (tables_key_rows.c).  The key is another object then,
 * so all shells are told of it.
 *
 * Main path, here: tables_take_off_far_keys(), tables_put_back_far_keys(); there:
 * tables_take_off_own_keys(), tables_put_back_own_key().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "commands/comment.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* what is taken off on one node */
typedef struct FarNode
{
	const ClusterNode *node;
	List	   *keys;			/* of char **: columns of citus_internal.take_off_local_keys() */
} FarNode;

enum
{
	FAR_RELATION,
	FAR_NAME,
	FAR_TEXT,
	FAR_COMMENT
};

struct FarKeys
{
	List	   *members;		/* OIDs of the table and its family */
	List	   *nodes;			/* of FarNode * */
};

/* ---- the node that runs the statement ---- */

static bool
watches_columns(const Watch *watch, List *columns)
{
	for (int i = 0; i < watch->ncolumns; i++)
	{
		const char *name = get_attname(watch->relid, watch->columns[i], false);
		ListCell   *lc;

		foreach(lc, columns)
		{
			if (strcmp(lfirst(lc), name) == 0)
				return true;
		}
	}
	return false;
}

/* other nodes (ClusterNode *) with keys to the columns */
static List *
nodes_with_keys(List *members, List *columns)
{
	List	   *nodes = NIL;
	ListCell   *member;

	foreach(member, members)
	{
		Relation	relation = table_open(lfirst_oid(member), AccessShareLock);
		ListCell   *lc;

		foreach(lc, catalog_watches(relation))
		{
			const ClusterNode *node;
			Watch		watch;

			catalog_watch_read(lfirst(lc), &watch);
			node = catalog_node_of_group(watch.groupId);
			if (node != NULL && watches_columns(&watch, columns))
				nodes = list_append_unique_ptr(nodes, unconstify(ClusterNode *, node));
		}
		table_close(relation, NoLock);
	}
	return nodes;
}

/* rows (char **) of a function's call on the node, as part of what the transaction does there */
static List *
call(const ClusterNode *node, const char *sql)
{
	return linitial(cluster_call_each(list_make1(unconstify(ClusterNode *, node)), sql));
}

FarKeys *
tables_take_off_far_keys(Oid relid, List *columns)
{
	FarKeys    *far = palloc0(sizeof(FarKeys));
	ClusterUser saved = cluster_become_owner();
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, BASE_NODE_SELECT "* FROM citus_internal.take_off_local_keys(%s, ARRAY[",
					 quote_literal_cstr(catalog_qualified_name(relid)));
	foreach(lc, columns)
		appendStringInfo(&sql, "%s%s", foreach_current_index(lc) == 0 ? "" : ", ",
						 quote_literal_cstr(lfirst(lc)));
	appendStringInfoString(&sql, "]::pg_catalog.text[])");
	far->members = tables_family(relid);
	foreach(lc, nodes_with_keys(far->members, columns))
	{
		FarNode    *node = palloc(sizeof(FarNode));

		node->node = lfirst(lc);
		node->keys = call(node->node, sql.data);
		far->nodes = lappend(far->nodes, node);
	}
	cluster_restore_user(saved);
	return far;
}

static void
put_back_key(const ClusterNode *node, char **key, const char *user)
{
	char	   *comment = key[FAR_COMMENT] == NULL ? "NULL" :
		quote_literal_cstr(key[FAR_COMMENT]);
	char	   *sql = psprintf(BASE_NODE_SELECT "* FROM citus_internal.put_back_local_key(%s, %s, "
							   "%s, %s)", quote_literal_cstr(key[FAR_RELATION]),
							   quote_literal_cstr(key[FAR_NAME]),
							   quote_literal_cstr(key[FAR_TEXT]), comment);
	char	  **row = linitial(call(node, sql));
	Oid			referenced = DatumGetObjectId(DirectFunctionCall1(regclassin,
																  CStringGetDatum(row[1])));

	tables_check_far_key(node, atooid(row[0]), referenced, user);
}

/* all shells get to know the keys of the node's tables to one */
static void
watch_again(const ClusterNode *node, Oid relid)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, call(node, psprintf(BASE_NODE_SELECT "* FROM citus_internal.local_key_watches(%s)",
									quote_literal_cstr(catalog_qualified_name(relid)))))
		keys = lappend(keys, makeString(((char **) lfirst(lc))[0]));
	cluster_run_on_others(list_make1(deparse_set_watches(relid, node->groupId, keys)));
	tables_set_watches(relid, node->groupId, keys);
}

void
tables_put_back_far_keys(FarKeys *far)
{
	char	   *user = GetUserNameFromId(GetUserId(), false);
	ClusterUser saved = cluster_become_owner();
	ListCell   *lc;
	ListCell   *inner;

	foreach(lc, far->nodes)
	{
		const FarNode *node = lfirst(lc);

		foreach(inner, node->keys)
			put_back_key(node->node, lfirst(inner), user);
		foreach(inner, far->members)
			watch_again(node->node, lfirst_oid(inner));
	}
	cluster_restore_user(saved);
}

/* ---- the node that has the keys ---- */

/*
 * The server adds no foreign key of a partitioned table without checking it, and one with PERIOD
 * asks for more than that values are there.
 */
static void
refuse_unchecked(const TakenKey *key)
{
	if (get_rel_relkind(key->relid) != RELKIND_PARTITIONED_TABLE &&
		strstr(key->text, ", PERIOD ") == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot alter type of a column that foreign key \"%s\" of table \"%s\" "
					"references from another node", key->name, get_rel_name(key->relid)),
			 errdetail("The table is partitioned, or the foreign key has a PERIOD."),
			 errhint("Run the statement on the node of that table, or distribute it.")));
}

List *
tables_take_off_own_keys(Oid relid, List *columns)
{
	List	   *keys = tables_take_off_local_keys(relid, columns);
	ListCell   *lc;

	foreach(lc, keys)
		refuse_unchecked(lfirst(lc));
	return keys;
}

/* gives the table that the key references */
static Oid
mark_valid(Oid constraintId)
{
	Relation	catalog = table_open(ConstraintRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(constraintId));
	Form_pg_constraint form;
	Oid			referenced;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraintId);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	referenced = form->confrelid;
	form->convalidated = true;
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	CacheInvalidateRelcacheByRelid(form->conrelid);
	heap_freetuple(tuple);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
	return referenced;
}

Oid
tables_put_back_own_key(const TakenKey *key, Oid *referenced)
{
	ClusterUser saved = cluster_become_owner();
	Oid			constraintId;

	tables_add_constraint(psprintf("%s NOT VALID", key->text));
	constraintId = get_relation_constraint_oid(key->relid, key->name, false);
	*referenced = mark_valid(constraintId);
	if (key->comment != NULL)
		CreateComments(constraintId, ConstraintRelationId, 0, key->comment);
	cluster_restore_user(saved);
	return constraintId;
}
