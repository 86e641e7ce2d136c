/*
 * tables_key_rows.c
 *	  Whether the shards have what rows of plain tables refer to, where the server cannot ask.
 *
 * A foreign key to a partitioned table forbids to detach a partition with rows that it refers to.
 * The server checks that on shells, which have no rows; and what shards refer to is checked
 * between shards.  A foreign key of another node's table that is put back after ALTER COLUMN ..
 * TYPE (tables_far_keys.c) cannot be checked there: only this session sees the shards.  So for keys
 * of plain tables, of this node and of others that watch (catalog's watches.c), their values are
 * read where they are, and looked for here.
 *
 * Main path: tables_check_detached(), once nobody can add rows or keys any more;
 * tables_check_far_key().
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* keys of a node's tables with their parts as SQL; of %s: the user, as a literal, which ones */
#define KEYS_QUERY \
	"SELECT n.nspname, r.relname, c.conname, " \
	"pg_catalog.format('%%s%%I.%%I', CASE r.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, " \
	"n.nspname, r.relname), " \
	"pg_catalog.string_agg(a.attname, ', ' ORDER BY k.i), " \
	"pg_catalog.string_agg(pg_catalog.format('%%I::pg_catalog.text', a.attname), ', ' " \
	"ORDER BY k.i), " \
	"pg_catalog.string_agg(pg_catalog.format('%%I IS NOT NULL', a.attname), ' AND '), " \
	"pg_catalog.string_agg(pg_catalog.format('pk.%%I OPERATOR(%%I.%%s) CAST(v.c%%s AS %%I.%%I)', " \
	"p.attname, s.nspname, o.oprname, k.i - 1, ts.nspname, t.typname), ' AND '), " \
	"pg_catalog.max(k.i), " \
	"pg_catalog.has_table_privilege(%s, r.oid, 'SELECT') AND NOT r.relrowsecurity " \
	"FROM pg_catalog.pg_constraint c " \
	"JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) c.conrelid " \
	"JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace, " \
	"ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey), " \
	"pg_catalog.unnest(c.conpfeqop)) WITH ORDINALITY k (own, referenced, operator, i) " \
	"JOIN pg_catalog.pg_operator o ON o.oid OPERATOR(pg_catalog.=) k.operator " \
	"JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) o.oprnamespace, " \
	"pg_catalog.pg_attribute a, pg_catalog.pg_attribute p, pg_catalog.pg_type h, " \
	"pg_catalog.pg_type t " \
	"JOIN pg_catalog.pg_namespace ts ON ts.oid OPERATOR(pg_catalog.=) t.typnamespace " \
	"WHERE c.contype OPERATOR(pg_catalog.=) 'f' " \
	"AND %s " \
	"AND a.attrelid OPERATOR(pg_catalog.=) c.conrelid " \
	"AND a.attnum OPERATOR(pg_catalog.=) k.own " \
	"AND p.attrelid OPERATOR(pg_catalog.=) c.confrelid " \
	"AND p.attnum OPERATOR(pg_catalog.=) k.referenced " \
	"AND h.oid OPERATOR(pg_catalog.=) o.oprright " \
	"AND t.oid OPERATOR(pg_catalog.=) " \
	"CASE h.typtype WHEN 'p' THEN p.atttypid ELSE h.oid END " \
	"GROUP BY c.oid, n.nspname, r.relname, c.conname, r.relkind, r.oid, r.relrowsecurity " \
	"ORDER BY c.oid"

/* the keys of plain tables that refer to a partition (a literal) by a parent of it */
#define KEYS_TO_PARTITION \
	"c.conparentid OPERATOR(pg_catalog.<>) 0 " \
	"AND c.confrelid OPERATOR(pg_catalog.=) %s::pg_catalog.regclass " \
	"AND NOT EXISTS (SELECT FROM pg_catalog.pg_dist_partition d " \
	"WHERE d.logicalrelid OPERATOR(pg_catalog.=) c.conrelid)"

/* its columns */
enum
{
	KEY_SCHEMA,
	KEY_TABLE,
	KEY_NAME,
	KEY_SOURCE,
	KEY_COLUMNS,
	KEY_VALUES,
	KEY_NOT_NULL,
	KEY_CONDITION,
	KEY_COUNT,
	KEY_MAY_QUOTE
};

/* List of char ** in the current context, as cluster_query() */
static List *
query_here(const char *sql, int nargs, Oid *types, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *rows = NIL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext oldContext = MemoryContextSwitchTo(context);
		char	  **row = palloc(desc->natts * sizeof(char *));

		for (int column = 0; column < desc->natts; column++)
			row[column] = SPI_getvalue(SPI_tuptable->vals[i], desc, column + 1);
		rows = lappend(rows, row);
		MemoryContextSwitchTo(oldContext);
	}
	SPI_finish();
	return rows;
}

/* node NULL: this one; the transaction may have changed the node's catalogs */
static List *
query(const ClusterNode *node, const char *sql)
{
	return node == NULL ? query_here(sql, 0, NULL, NULL) :
		linitial(cluster_call_each(list_make1(unconstify(ClusterNode *, node)), sql));
}

static List *
query_keys(const ClusterNode *node, const char *user, const char *which)
{
	return query(node, psprintf(KEYS_QUERY, quote_literal_cstr(user), which));
}

/* List of char **: the values of the key's rows, as text */
static List *
query_values(const ClusterNode *node, char **key)
{
	return query(node, psprintf("SELECT DISTINCT %s FROM %s WHERE %s", key[KEY_VALUES],
								key[KEY_SOURCE], key[KEY_NOT_NULL]));
}

static Datum
array_of_column(List *rows, int column)
{
	Datum	   *values = palloc(list_length(rows) * sizeof(Datum));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, rows)
		values[count++] = CStringGetTextDatum(((char **) lfirst(lc))[column]);
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* the first of the key's values (char **) that the relation has, or has not; NULL: none */
static char **
find_value(char **key, List *rows, Oid relid, bool isThere)
{
	int			count = pg_strtoint32(key[KEY_COUNT]);
	Oid			types[INDEX_MAX_KEYS];
	Datum		arrays[INDEX_MAX_KEYS];
	StringInfoData columns;
	StringInfoData parameters;
	char	   *sql;
	List	   *found;

	if (rows == NIL)
		return NULL;
	initStringInfo(&columns);
	initStringInfo(&parameters);
	for (int i = 0; i < count; i++)
	{
		appendStringInfo(&columns, "%sc%d", i == 0 ? "" : ", ", i);
		appendStringInfo(&parameters, "%spg_catalog.unnest($%d)", i == 0 ? "" : ", ", i + 1);
		types[i] = TEXTARRAYOID;
		arrays[i] = array_of_column(rows, i);
	}
	sql = psprintf("SELECT v.* FROM ROWS FROM (%s) v (%s) WHERE %s (SELECT FROM %s%s pk WHERE %s) "
				   "LIMIT 1", parameters.data, columns.data, isThere ? "EXISTS" : "NOT EXISTS",
				   get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
				   catalog_qualified_name(relid), key[KEY_CONDITION]);
	found = query_here(sql, count, types, arrays);
	return found == NIL ? NULL : linitial(found);
}

/* (columns)=(values), or nothing where the user may not read them */
static char *
quoted_values(char **key, char **values)
{
	int			count = pg_strtoint32(key[KEY_COUNT]);
	StringInfoData quoted;

	initStringInfo(&quoted);
	if (strcmp(key[KEY_MAY_QUOTE], "t") != 0)
		return quoted.data;
	appendStringInfo(&quoted, " (%s)=(", key[KEY_COLUMNS]);
	for (int i = 0; i < count; i++)
		appendStringInfo(&quoted, "%s%s", i == 0 ? "" : ", ", values[i]);
	appendStringInfoChar(&quoted, ')');
	return quoted.data;
}

static void
raise_referenced(char **key, char **values, Oid partition)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("removing partition \"%s\" violates foreign key constraint \"%s\"",
					get_rel_name(partition), key[KEY_NAME]),
			 errdetail("Key%s is still referenced from table \"%s\".",
					   quoted_values(key, values), key[KEY_TABLE]),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, key[KEY_SCHEMA]),
			 err_generic_string(PG_DIAG_TABLE_NAME, key[KEY_TABLE]),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, key[KEY_NAME])));
}

/* keys of one node's tables */
static void
check_keys(const ClusterNode *node, Oid partition, const char *user)
{
	char	   *name = quote_literal_cstr(catalog_qualified_name(partition));
	ListCell   *lc;

	foreach(lc, query_keys(node, user, psprintf(KEYS_TO_PARTITION, name)))
	{
		char	  **key = lfirst(lc);
		char	  **found = find_value(key, query_values(node, key), partition, true);

		if (found != NULL)
			raise_referenced(key, found, partition);
	}
}

/* other nodes (const ClusterNode *) whose tables reference the relation or its parents */
static List *
watching_nodes(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	List	   *nodes = NIL;
	ListCell   *lc;

	foreach(lc, catalog_watches(relation))
	{
		const ClusterNode *node;
		Watch		watch;

		catalog_watch_read(lfirst(lc), &watch);
		node = catalog_node_of_group(watch.groupId);
		if (node != NULL)
			nodes = list_append_unique_ptr(nodes, unconstify(ClusterNode *, node));
	}
	table_close(relation, NoLock);
	return nodes;
}

void
tables_check_detached(Oid parentId, Oid partition)
{
	char	   *user = GetUserNameFromId(GetUserId(), false);
	ClusterUser saved;
	ListCell   *lc;

	if (!get_rel_relispartition(partition) || get_partition_parent(partition, true) != parentId)
		return;
	/* who owns the partition need not be allowed to read what refers to it */
	saved = cluster_become_owner();
	check_keys(NULL, partition, user);
	foreach(lc, watching_nodes(parentId))
		check_keys(lfirst(lc), partition, user);
	cluster_restore_user(saved);
}

static void
raise_missing(char **key, char **values, Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
					key[KEY_TABLE], key[KEY_NAME]),
			 errdetail("Key%s is not present in table \"%s\".", quoted_values(key, values),
					   get_rel_name(relid)),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, key[KEY_SCHEMA]),
			 err_generic_string(PG_DIAG_TABLE_NAME, key[KEY_TABLE]),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, key[KEY_NAME])));
}

void
tables_check_far_key(const ClusterNode *node, Oid constraintId, Oid referenced, const char *user)
{
	ListCell   *lc;

	foreach(lc, query_keys(node, user,
						   psprintf("c.oid OPERATOR(pg_catalog.=) %u", constraintId)))
	{
		char	  **key = lfirst(lc);
		char	  **missing = find_value(key, query_values(node, key), referenced, false);

		if (missing != NULL)
			raise_missing(key, missing, referenced);
	}
}
