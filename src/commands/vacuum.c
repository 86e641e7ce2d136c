/*
 * vacuum.c
 *	  VACUUM and ANALYZE.
 *
 * Shells and the shards of this node are handed to the server in one statement; the shards of
 * other nodes are treated there, one statement a node, all nodes at once: outside any transaction,
 * unless ANALYZE runs inside a block.  Without a table list every node does all it has.
 *
 * Afterwards the sizes of the shards are summed into the shells' pg_class rows of all nodes, and
 * the statistics of their columns put together (statistics.c): what the server's planner estimates
 * from.
 *
 * Invariant: VACUUM commits on its own, so nothing here keeps pointers of the catalog cache over
 * it; what must live on is copied into the command's context before.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "citus/base/compat.h"
#include "citus/base/own_sql.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_set_table_size);

/* ---- text ---- */

static void
append_option(StringInfo text, DefElem *option)
{
	appendStringInfo(text, "%s%s", text->len == 0 ? " (" : ", ", option->defname);
	if (option->arg == NULL)
		return;
	if (IsA(option->arg, Integer) || IsA(option->arg, Float))
		appendStringInfo(text, " %s", defGetString(option));
	else
		appendStringInfo(text, " %s", quote_literal_cstr(defGetString(option)));
}

/* "VACUUM (options) " as other nodes get it */
static char *
command_head(const VacuumStmt *statement)
{
	StringInfoData options;
	ListCell   *cell;

	initStringInfo(&options);
	foreach(cell, statement->options)
		append_option(&options, lfirst(cell));
	return psprintf("%s%s%s ", statement->is_vacuumcmd ? "VACUUM" : "ANALYZE", options.data,
					options.len > 0 ? ")" : "");
}

static void
append_columns(StringInfo text, List *columns)
{
	ListCell   *cell;

	foreach(cell, columns)
		appendStringInfo(text, "%s%s", cell == list_head(columns) ? " (" : ", ",
						 quote_identifier(strVal(lfirst(cell))));
	if (columns != NIL)
		appendStringInfoChar(text, ')');
}

/* ---- what goes where ---- */

typedef struct NodeVacuum
{
	GroupId		groupId;
	StringInfo	text;
} NodeVacuum;

typedef struct VacuumTask
{
	List	   *shells;			/* oids of the known tables that are treated */
	List	   *nodes;			/* of NodeVacuum: the other groups */
	bool		inBlock;		/* ANALYZE in a transaction block */
	bool		analyzes;		/* statistics of columns have changed */
} VacuumTask;

static StringInfo
text_of_group(VacuumTask *task, GroupId groupId, const char *head)
{
	NodeVacuum *node;
	ListCell   *cell;

	foreach(cell, task->nodes)
	{
		node = lfirst(cell);
		if (node->groupId == groupId)
		{
			appendStringInfoString(node->text, ", ");
			return node->text;
		}
	}
	node = palloc(sizeof(NodeVacuum));
	node->groupId = groupId;
	node->text = makeStringInfo();
	appendStringInfoString(node->text, head);
	task->nodes = lappend(task->nodes, node);
	return node->text;
}

/* this node's shards join the statement, the others' the texts */
static List *
add_shards(VacuumTask *task, const DistTable *table, const VacuumRelation *target,
		   const char *head)
{
	GroupId		localGroup = catalog_local_group();
	char	   *schemaName = get_namespace_name(get_rel_namespace(table->relid));
	List	   *local = NIL;

	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		for (int j = 0; j < shard->nplacements; j++)
		{
			StringInfo	text;

			if (shard->placements[j].groupId == localGroup)
			{
				RangeVar   *name = makeRangeVar(schemaName, catalog_shard_relname(shard), -1);

				name->inh = target->relation->inh;
				local = lappend(local, makeVacuumRelation(name, InvalidOid, target->va_cols));
				continue;
			}
			text = text_of_group(task, shard->placements[j].groupId, head);
			appendStringInfo(text, "%s%s", target->relation->inh ? "" : "ONLY ",
							 catalog_shard_qualified_name(shard));
			append_columns(text, target->va_cols);
		}
	}
	return local;
}

/* ---- running elsewhere ---- */

static void
raise_answer_errors(List *answers)
{
	ListCell   *cell;

	foreach(cell, answers)
	{
		ClusterAnswer *answer = lfirst(cell);

		if (!answer->ok)
			ereport(ERROR,
					(errcode(commands_answer_sqlstate(answer)),
					 errmsg_internal("%s", catalog_user_text(answer->error, true)),
					 errcontext("on node %s:%d", answer->node->name, answer->node->port)));
	}
}

static void
run_elsewhere(Command *command, void *argument)
{
	VacuumTask *task = argument;
	List	   *nodes = NIL;
	List	   *texts = NIL;
	ListCell   *cell;

	foreach(cell, task->nodes)
	{
		NodeVacuum *vacuum = lfirst(cell);
		const ClusterNode *node = catalog_node_of_group(vacuum->groupId);

		if (node == NULL)
			continue;
		if (task->inBlock)
			cluster_run(list_make1(unconstify(ClusterNode *, node)),
						list_make1(vacuum->text->data));
		nodes = lappend(nodes, unconstify(ClusterNode *, node));
		texts = lappend(texts, vacuum->text->data);
	}
	if (!task->inBlock && nodes != NIL)
		raise_answer_errors(cluster_run_alone(nodes, texts, true));
}

/* VACUUM or ANALYZE without a table list */
static void
run_everywhere(Command *command, void *argument)
{
	List	   *nodes = cluster_other_nodes();

	if (argument != NULL)
		cluster_run_on_others(list_make1(argument));
	else if (nodes != NIL)
		raise_answer_errors(cluster_run_alone(nodes,
											  list_make1(command_head((VacuumStmt *)
																	  command->statement)),
											  true));
}

/* ---- sizes of shells ---- */

typedef struct TableSize
{
	double		pages;
	double		rows;
} TableSize;

/* one query for the shards of table in one group: pages and rows, as their node knows them */
static char *
size_query(const DistTable *table, GroupId groupId)
{
	char	   *schemaName = get_namespace_name(get_rel_namespace(table->relid));
	StringInfoData text;
	bool		any = false;

	initStringInfo(&text);
	appendStringInfo(&text,
					 "SELECT coalesce(pg_catalog.sum(greatest(relpages, 0)), 0), "
					 "coalesce(pg_catalog.sum(greatest(reltuples, 0)), 0) "
					 "FROM pg_catalog.pg_class WHERE relnamespace OPERATOR(pg_catalog.=) "
					 "(SELECT oid FROM pg_catalog.pg_namespace "
					 "WHERE nspname OPERATOR(pg_catalog.=) %s) "
					 "AND relname OPERATOR(pg_catalog.=) ANY (ARRAY[",
					 quote_literal_cstr(schemaName));
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		/* the first copy of each shard counts */
		if (shard->nplacements == 0 || shard->placements[0].groupId != groupId)
			continue;
		appendStringInfo(&text, "%s%s", any ? ", " : "",
						 quote_literal_cstr(catalog_shard_relname(shard)));
		any = true;
	}
	appendStringInfoString(&text, "]::pg_catalog.name[])");
	return any ? text.data : NULL;
}

static void
add_group_size(List *rows, TableSize *size)
{
	if (rows != NIL)
	{
		char	  **values = linitial(rows);

		size->pages += strtod(values[0], NULL);
		size->rows += strtod(values[1], NULL);
	}
}

static TableSize
gather_size(const DistTable *table)
{
	TableSize	size = {0, 0};
	GroupId		localGroup = catalog_local_group();
	char	   *localQuery = size_query(table, localGroup);
	ListCell   *cell;

	if (localQuery)
	{
		base_frame_push(FRAME_OWN_DDL);
		add_group_size(base_own_query(localQuery), &size);
		base_frame_pop(FRAME_OWN_DDL);
	}
	foreach(cell, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(cell);
		char	   *query = node->groupId == localGroup ? NULL
			: size_query(table, node->groupId);

		if (query != NULL)
			add_group_size(cluster_query(node, query), &size);
	}
	return size;
}

/*
 * pg_class.relpages and reltuples of a shell here; stays if the transaction is rolled back.
 * gathered: the statistics of its columns are of now, too, which the server's views show.
 */
void
commands_set_shell_size(Oid relid, double pages, double rows, bool gathered)
{
	Relation	relation = try_relation_open(relid, ShareUpdateExclusiveLock);

	if (relation == NULL)
		return;
	compat_vac_update_relstats(relation, (BlockNumber) Min(pages, MaxBlockNumber), rows,
							   relation->rd_rel->relhasindex);
	if (gathered)
		compat_report_analyze(relation, rows);
	relation_close(relation, NoLock);
}

void
commands_require_maintained(Oid relid)
{
	if (!catalog_table_is_known(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("relation with OID %u is not distributed", relid)));
	if (!compat_may_maintain(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/*
 * citus_internal.set_table_size(regclass, float8, float8, bool): what another node has gathered.
 * For those who may ANALYZE the table.
 */
Datum
citus_internal_set_table_size(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	TableSize	size;

	size.pages = Max(PG_GETARG_FLOAT8(1), 0);
	size.rows = Max(PG_GETARG_FLOAT8(2), 0);
	commands_require_maintained(relid);
	commands_set_shell_size(relid, size.pages, size.rows, PG_GETARG_BOOL(3));
	PG_RETURN_VOID();
}

static void
gather_sizes(Command *command, void *argument)
{
	VacuumTask *task = argument;
	List	   *texts = NIL;
	ListCell   *cell;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(cell, task->shells)
	{
		Oid			relid = lfirst_oid(cell);
		const DistTable *table = catalog_table_get(relid);
		TableSize	size;

		if (table == NULL)
			continue;
		size = gather_size(table);
		texts = lappend(texts,
						psprintf("SELECT citus_internal.set_table_size(%s, %.0f, %.0f, %s)",
								 quote_literal_cstr(catalog_qualified_name(relid)),
								 size.pages, size.rows, task->analyzes ? "true" : "false"));
		if (task->analyzes)
		{
			List	   *rows;

			(void) commands_read_statistics(table, false, &rows);
			texts = list_concat(texts, commands_merge_statistics(table, rows, size.rows));
		}
		commands_set_shell_size(relid, size.pages, size.rows, task->analyzes);
	}
	if (texts != NIL)
		cluster_run_on_others(texts);
	PopActiveSnapshot();
}

/* ---- the statement ---- */

static bool
analyzes(const VacuumStmt *statement)
{
	bool		result = !statement->is_vacuumcmd;
	ListCell   *cell;

	foreach(cell, statement->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (statement->is_vacuumcmd && strcmp(option->defname, "analyze") == 0)
			result = defGetBoolean(option);
	}
	return result;
}

static List *
tables_to_maintain(void)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, catalog_table_oids())
	{
		if (compat_may_maintain(lfirst_oid(cell)))
			result = lappend_oid(result, lfirst_oid(cell));
	}
	return result;
}

static List *
steps_without_list(Command *command)
{
	VacuumStmt *statement = (VacuumStmt *) command->statement;
	VacuumTask *task = palloc0(sizeof(VacuumTask));
	char	   *inBlock = NULL;

	task->shells = tables_to_maintain();
	task->analyzes = analyzes(statement);

	if (statement->is_vacuumcmd)
		PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL, "VACUUM");
	else if (IsInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL))
		inBlock = command_head(statement);
	return list_make3(commands_step_local(), commands_step_alone(run_everywhere, inBlock),
					  commands_step_alone(gather_sizes, task));
}

List *
commands_steps_vacuum(Command *command)
{
	VacuumStmt *statement = (VacuumStmt *) command->statement;
	bool		topLevel = command->call->context == PROCESS_UTILITY_TOPLEVEL;
	VacuumTask *task = palloc0(sizeof(VacuumTask));
	char	   *head = command_head(statement);
	List	   *local = NIL;
	ListCell   *cell;

	if (statement->rels == NIL)
		return steps_without_list(command);
	foreach(cell, statement->rels)
	{
		VacuumRelation *target = lfirst(cell);
		Oid			relid = RangeVarGetRelid(target->relation, NoLock, true);
		const DistTable *table = OidIsValid(relid) ? catalog_table_get(relid) : NULL;

		local = lappend(local, target);
		/* what the user may not maintain the server skips, with a warning */
		if (table == NULL || !compat_may_maintain(relid))
			continue;
		task->shells = list_concat_unique_oid(task->shells,
											  find_all_inheritors(relid, NoLock, NULL));
		local = list_concat(local, add_shards(task, table, target, head));
	}
	if (task->shells == NIL)
		return NIL;
	if (statement->is_vacuumcmd)
		PreventInTransactionBlock(topLevel, "VACUUM");
	task->inBlock = !statement->is_vacuumcmd && IsInTransactionBlock(topLevel);
	task->analyzes = analyzes(statement);
	statement->rels = local;
	return list_make3(commands_step_local(), commands_step_alone(run_elsewhere, task),
					  commands_step_alone(gather_sizes, task));
}
