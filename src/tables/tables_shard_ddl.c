/*
 * tables_shard_ddl.c
 *	  Utility statements on all shards of a table.
 *
 * The same command goes to every node that holds a placement: the ids of all shards, the texts,
 * the chosen names and the search_path under which the texts mean what the user meant.  A node
 * executes each text once for each of the shards that it holds itself.
 *
 * Invariants: (1) metadata of the shards is on all nodes before, in the same distributed
 * transaction; (2) statements run under FRAME_OWN_DDL, so that no hook of ours takes them for the
 * user's; (3) they run as the current user, who must own the shell.
 *
 * Main path: tables_run_shard_ddl() -> citus_internal.apply_shard_ddl() on each node ->
 * apply_to_shard() -> tables_extend_names() -> ProcessUtility.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/executor/executor.h"
#include "citus/tables/tables.h"
#include "citus/txn/txn.h"
#include "tables/tables_internal.h"

/* ---- executing ---- */

/*
 * Runs a raw utility statement as part of the current command.  A snapshot of its own is active
 * meanwhile, and its effects are visible afterwards.
 */
void
tables_execute_utility(Node *statement, const char *text)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->canSetTag = false;
	wrapper->utilityStmt = statement;
	wrapper->stmt_location = 0;
	wrapper->stmt_len = 0;

	PushActiveSnapshot(GetTransactionSnapshot());
	base_frame_push(FRAME_OWN_DDL);
	ProcessUtility(wrapper, text, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
				   None_Receiver, NULL);
	base_frame_pop(FRAME_OWN_DDL);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

void
tables_execute_text(const char *text)
{
	tables_execute_utility(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt,
						   text);
}

static bool
has_local_placement(const Shard *shard)
{
	for (int i = 0; i < shard->nplacements; i++)
	{
		if (shard->placements[i].groupId == catalog_local_group())
			return true;
	}
	return false;
}

/*
 * A new shard goes with its shell, whatever drops that, and without being mentioned to the user.
 */
static void
bind_to_shell(const Shard *shard)
{
	ObjectAddress shell;
	ObjectAddress relation;
	Oid			relid = get_relname_relid(catalog_shard_relname(shard),
										  get_rel_namespace(shard->relid));

	ObjectAddressSet(shell, RelationRelationId, shard->relid);
	ObjectAddressSet(relation, RelationRelationId, relid);
	if (OidIsValid(relid))
		recordDependencyOn(&relation, &shell, DEPENDENCY_AUTO);
}

/* ALTER TABLE ... INHERIT */
static bool
makes_a_child(Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AddInherit)
			return true;
	}
	return false;
}

static void
apply_to_shard(const Shard *shard, List *texts, List *names, const TableFills *fills)
{
	List	   *unused = list_copy(names);
	ListCell   *lc;
	ListCell   *raw;

	foreach(lc, texts)
	{
		const char *text = lfirst(lc);

		foreach(raw, raw_parser(text, RAW_PARSE_DEFAULT))
		{
			Node	   *statement = lfirst_node(RawStmt, raw)->stmt;
			Node	   *after = NULL;

			if (!tables_extend_names_filled(statement, shard, &unused, fills, &after))
				continue;
			tables_execute_utility(statement, text);
			if (after != NULL)
				tables_execute_utility(after, text);
			if (IsA(statement, CreateStmt) || IsA(statement, CreateForeignTableStmt))
				bind_to_shell(shard);
			if (makes_a_child(statement))
				tables_mirror_own_parts(shard);
		}
	}
	tables_repair_partition_names(shard);
}

/* with the values of fills for the rows that the shard has */
static void
apply_filled(const Shard *shard, List *texts, List *names, const TableFills *fills)
{
	int64	   *ranks = NULL;

	if (shard->nplacements > 1)
		ranks = tables_fill_ranks(shard, tables_shard_row_count(shard));
	tables_fill_run_begin(fills, shard, ranks);
	PG_TRY();
	{
		apply_to_shard(shard, texts, names, fills);
	}
	PG_FINALLY();
	{
		tables_fill_run_end();
	}
	PG_END_TRY();
}

/* the statements on those of the shards that this node holds */
static void
apply_here(List *shards, List *texts, List *names, const char *searchPath,
		   const TableFills *fills)
{
	int			level = NewGUCNestLevel();
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "shard ddl",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldContext;
	ListCell   *lc;

	if (searchPath != NULL)
		(void) set_config_option("search_path", searchPath, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	/* the user has been told once, by the shell */
	(void) set_config_option("client_min_messages", "error", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* rows are numbered from the first page on */
	if (fills != NULL)
		(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	txn_mark_local_write();
	oldContext = MemoryContextSwitchTo(context);
	foreach(lc, shards)
	{
		CHECK_FOR_INTERRUPTS();
		if (fills != NULL)
			apply_filled(lfirst(lc), texts, names, fills);
		else
			apply_to_shard(lfirst(lc), texts, names, NULL);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(oldContext);
	MemoryContextDelete(context);
	AtEOXact_GUC(true, level);
}

/* ---- sending ---- */

/* a List of char * as a text[] expression */
static void
append_text_array(StringInfo sql, List *texts)
{
	ListCell   *lc;

	appendStringInfoString(sql, "ARRAY[");
	foreach(lc, texts)
	{
		if (lc != list_head(texts))
			appendStringInfoChar(sql, ',');
		appendStringInfoString(sql, quote_literal_cstr(lfirst(lc)));
	}
	appendStringInfoString(sql, "]::pg_catalog.text[]");
}

static char *
make_command(const DistTable *table, List *texts, List *names, const char *searchPath,
			 const TableFills *fills)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, BASE_NODE_SELECT "citus_internal.apply_shard_ddl(ARRAY[");
	for (int i = 0; i < table->nshards; i++)
		appendStringInfo(&sql, "%s" INT64_FORMAT, i > 0 ? "," : "", table->shards[i]->id);
	appendStringInfoString(&sql, "]::pg_catalog.int8[], ");
	append_text_array(&sql, texts);
	appendStringInfoString(&sql, ", ");
	append_text_array(&sql, names);
	appendStringInfo(&sql, ", %s", searchPath ? quote_literal_cstr(searchPath) : "NULL");
	if (fills != NULL)
		tables_fills_append(&sql, fills);
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/*
 * The nodes that hold shards of table, this one left out; *here is set if it does, too.  A copy
 * of a reference table on a node that is out of service is left for its return.
 */
static List *
nodes_of_table(const DistTable *table, List **here)
{
	List	   *nodes = NIL;

	*here = NIL;
	for (int i = 0; i < table->nshards; i++)
	{
		Shard	   *shard = table->shards[i];

		if (has_local_placement(shard))
			*here = lappend(*here, shard);
		for (int p = 0; p < shard->nplacements; p++)
		{
			GroupId		group = shard->placements[p].groupId;
			const ClusterNode *node;

			if (group == catalog_local_group())
				continue;
			node = catalog_node_of_group(group);
			if (node != NULL)
				nodes = list_append_unique_ptr(nodes, (void *) node);
			else if (table->kind != DIST_TABLE_REFERENCE)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("no active node holds shard " INT64_FORMAT " of table \"%s\"",
								shard->id, get_rel_name(table->relid))));
		}
	}
	return nodes;
}

static void
run_shard_ddl(const DistTable *table, List *texts, List *names, const char *searchPath,
			  const TableFills *fills)
{
	List	   *here;
	List	   *nodes;

	nodes = nodes_of_table(table, &here);
	if (nodes != NIL)
		cluster_run(nodes, list_make1(make_command(table, texts, names, searchPath, fills)));
	if (here == NIL)
		return;
	PG_TRY();
	{
		apply_here(here, texts, names, searchPath, fills);
	}
	PG_CATCH();
	{
		executor_rethrow_with_user_names();
	}
	PG_END_TRY();
}

void
tables_run_filled_shard_ddl(const DistTable *table, List *texts, List *names,
							const char *searchPath, const TableFills *fills)
{
	if (texts == NIL || table->nshards == 0)
		return;
	if (fills != NULL && fills->columns == NIL)
		fills = NULL;
	if (fills == NULL || fills->values == NIL || table->nshards == 1)
	{
		run_shard_ddl(table, texts, names, searchPath, fills);
		return;
	}
	/* values go to the shard whose rows they are for, and to no other */
	for (int i = 0; i < table->nshards; i++)
	{
		DistTable	alone = *table;

		alone.nshards = 1;
		alone.shards = &table->shards[i];
		run_shard_ddl(&alone, texts, names, searchPath, tables_fills_of_shard(fills, table, i));
	}
}

void
tables_run_shard_ddl(const DistTable *table, List *texts, List *names, const char *searchPath)
{
	tables_run_filled_shard_ddl(table, texts, names, searchPath, NULL);
}

void
tables_shard_ddl_parts(Oid relid, int parts)
{
	List	   *texts = deparse_table_ddl(relid, parts);

	tables_run_shard_ddl(catalog_table_get(relid), texts, NIL, "pg_catalog");
}

/* ---- receiving ---- */

static List *
texts_of_array(ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	List	   *texts = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			texts = lappend(texts, TextDatumGetCString(values[i]));
	}
	return texts;
}

static bool
changes_owner(Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_ChangeOwner)
			return true;
	}
	return false;
}

/*
 * What others than the owner may do, and the server checks for itself: rights may be handed on, and
 * one of them is that to maintain a table.  Where the owner changes, the shell has another already.
 */
static bool
owner_is_not_needed(List *texts)
{
	ListCell   *lc;
	ListCell   *raw;

	foreach(lc, texts)
	{
		foreach(raw, raw_parser(lfirst(lc), RAW_PARSE_DEFAULT))
		{
			Node	   *statement = lfirst_node(RawStmt, raw)->stmt;

			if (!IsA(statement, GrantStmt) && !IsA(statement, ReindexStmt) &&
				!IsA(statement, ClusterStmt) && !changes_owner(statement))
				return false;
		}
	}
	return true;
}

/*
 * The shards of an int8[] that this node holds.  The caller must own their shells, if so wanted.
 */
static List *
local_shards_of_array(ArrayType *array, bool requireOwner)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	List	   *shards = NIL;

	deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		const Shard *shard = nulls[i] ? NULL : catalog_shard_get(DatumGetInt64(values[i]));

		if (shard == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("shard " INT64_FORMAT " does not exist",
							nulls[i] ? 0 : DatumGetInt64(values[i]))));
		if (requireOwner)
			tables_require_owner(shard->relid);
		if (has_local_placement(shard))
			shards = lappend(shards, (void *) shard);
	}
	return shards;
}

PG_FUNCTION_INFO_V1(citus_internal_apply_shard_ddl);

Datum
citus_internal_apply_shard_ddl(PG_FUNCTION_ARGS)
{
	List	   *shards;
	List	   *texts;

	base_require_node_command(fcinfo);
	for (int i = 0; i < 3; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("shard ids, statements and names must not be null")));
	}
	texts = texts_of_array(PG_GETARG_ARRAYTYPE_P(1));
	shards = local_shards_of_array(PG_GETARG_ARRAYTYPE_P(0), !owner_is_not_needed(texts));
	if (shards != NIL)
		apply_here(shards, texts,
				   texts_of_array(PG_GETARG_ARRAYTYPE_P(2)),
				   PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)),
				   tables_fills_of_arguments(fcinfo, 4));
	PG_RETURN_VOID();
}
