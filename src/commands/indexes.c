/*
 * indexes.c
 *	  CREATE INDEX, DROP INDEX, REINDEX, CLUSTER over known tables.
 *
 * Without CONCURRENTLY they are table DDL like any other.  With it, and with partitioned tables in
 * REINDEX and CLUSTER, they cannot be part of a transaction: the shell's index is made first, then
 * the shards', here in this session, elsewhere each on a connection of its own; a failure half-way
 * leaves invalid indexes behind, as the server's own CONCURRENTLY does.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "citus/cluster/cluster.h"
#include "citus/executor/executor.h"
#include "citus/deparse/template.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

/* ---- statements over shards that commit on their own ---- */

/* one statement for one shard's placement; lives across commits */
typedef struct AloneStatement
{
	GroupId		groupId;
	char	   *text;			/* for other nodes */
	Node	   *statement;		/* for this one */
} AloneStatement;

/*
 * Each statement has a transaction of its own, as if the client had sent it: it insists on being
 * the first in it.  The statement pops the snapshot that it finds before it ends the transaction.
 */
static void
run_statement_here(Command *command, Node *statement)
{
	QueryCompletion ignored;
	MemoryContext context = CurrentMemoryContext;

	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	StartTransactionCommand();
	MemoryContextSwitchTo(context);

	PushActiveSnapshot(GetTransactionSnapshot());
	commands_run_local_statement(command, statement, &ignored);
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
}

static void
run_statements_elsewhere(List *nodes, List *texts)
{
	ListCell   *cell;

	foreach(cell, cluster_run_alone(nodes, texts, true))
	{
		ClusterAnswer *answer = lfirst(cell);

		if (!answer->ok)
			ereport(ERROR,
					(errcode(commands_answer_sqlstate(answer)),
					 errmsg_internal("%s", catalog_user_text(answer->error, true)),
					 errdetail("It happened on node %s:%d, outside the transaction.",
							   answer->node->name, answer->node->port),
					 errhint("What other nodes have done stays. Drop the index if it exists, "
							 "and try again.")));
	}
}

/* runs AloneStatements: here one by one, then all others at once */
static void
run_alone(Command *command, void *argument)
{
	List	   *statements = argument;
	GroupId		localGroup = catalog_local_group();
	List	   *nodes = NIL;
	List	   *texts = NIL;
	ListCell   *cell;

	foreach(cell, statements)
	{
		AloneStatement *alone = lfirst(cell);

		if (alone->groupId == localGroup)
			run_statement_here(command, alone->statement);
	}
	foreach(cell, statements)
	{
		AloneStatement *alone = lfirst(cell);
		const ClusterNode *node;

		if (alone->groupId == localGroup)
			continue;
		node = catalog_node_of_group(alone->groupId);
		if (node == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("there is no active node in group %d", alone->groupId)));
		nodes = lappend(nodes, unconstify(ClusterNode *, node));
		texts = lappend(texts, alone->text);
	}
	if (nodes != NIL)
		run_statements_elsewhere(nodes, texts);
}

/* one AloneStatement a placement; make() gives statement and text for a shard */
typedef void (*MakeAlone) (AloneStatement *alone, const Shard *shard, void *argument);

static List *
alone_statements(const DistTable *table, MakeAlone make, void *argument)
{
	List	   *result = NIL;

	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		for (int j = 0; j < shard->nplacements; j++)
		{
			AloneStatement *alone = palloc0(sizeof(AloneStatement));

			alone->groupId = shard->placements[j].groupId;
			make(alone, shard, argument);
			result = lappend(result, alone);
		}
	}
	return result;
}

/* ---- CREATE INDEX ---- */

/*
 * A key that a unique index lacks is seen before the index exists: CONCURRENTLY cannot be taken
 * back.
 */
static void
check_unique_index(const DistTable *table, const IndexStmt *statement)
{
	const char *keyName;
	ListCell   *cell;

	if (!statement->unique || !DIST_TABLE_HAS_KEY(table))
		return;
	keyName = get_attname(table->relid, table->keyAttno, false);
	foreach(cell, statement->indexParams)
	{
		IndexElem  *element = lfirst(cell);

		if (element->name != NULL && strcmp(element->name, keyName) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot create unique index on distributed table \"%s\"",
					get_rel_name(table->relid)),
			 errdetail("It must contain the distribution column \"%s\".", keyName)));
}

typedef struct ConcurrentIndex
{
	IndexStmt  *statement;
	const char *name;			/* of the shell's index */
	char	   *tail;			/* definition after the table's name */
} ConcurrentIndex;

static void
make_create_index(AloneStatement *alone, const Shard *shard, void *argument)
{
	ConcurrentIndex *index = argument;
	char	   *indexName = catalog_extend_name(index->name, shard->id);
	IndexStmt  *statement = copyObject(index->statement);

	alone->text = psprintf("CREATE %sINDEX CONCURRENTLY %s%s ON %s%s",
						   statement->unique ? "UNIQUE " : "",
						   statement->if_not_exists ? "IF NOT EXISTS " : "",
						   quote_identifier(indexName), catalog_shard_qualified_name(shard),
						   index->tail);
	statement->relation = makeRangeVar(get_namespace_name(get_rel_namespace(shard->relid)),
									   catalog_shard_relname(shard), -1);
	statement->idxname = indexName;
	alone->statement = (Node *) statement;
}

/* definition of the shell's index behind the table's name */
static char *
index_text_tail(Oid indexId, Oid relid)
{
	int			level = deparse_settings_begin();
	char	   *definition = pg_get_indexdef_string(indexId);
	char	   *table = catalog_qualified_name(relid);
	char	   *using = strstr(definition, psprintf(" ON %s USING ", table));

	deparse_settings_end(level);
	if (using == NULL)
		elog(ERROR, "could not find the table in index definition: %s", definition);
	return using + strlen(" ON ") + strlen(table);
}

typedef struct ConcurrentTarget
{
	Oid			relid;
	const char *indexName;
} ConcurrentTarget;

/* after the shell's index has been committed */
static void
create_on_shards_alone(Command *command, void *argument)
{
	ConcurrentTarget *target = argument;
	ConcurrentIndex index;
	const DistTable *table = catalog_table_get(target->relid);
	Oid			indexId = get_relname_relid(target->indexName, get_rel_namespace(target->relid));

	if (table == NULL || !OidIsValid(indexId))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("index \"%s\" was dropped meanwhile", target->indexName)));
	index.statement = (IndexStmt *) command->statement;
	index.name = target->indexName;
	index.tail = index_text_tail(indexId, target->relid);
	run_alone(command, alone_statements(table, make_create_index, &index));
}

typedef struct NewIndex
{
	Oid			relid;
	const char *name;
} NewIndex;

/* operator classes, functions and collations of the index's expressions */
static void
ensure_index_dependencies(Command *command, void *argument)
{
	NewIndex   *index = argument;
	Oid			indexId = get_relname_relid(index->name, get_rel_namespace(index->relid));
	ObjectAddress address;

	if (!OidIsValid(indexId))
		return;
	ObjectAddressSet(address, RelationRelationId, indexId);
	cluster_ensure_dependencies(&address, false);
}

/* connections outside the transaction see them once they are committed */
static void
commit_index_dependencies(Command *command, void *argument)
{
	MemoryContext context = CurrentMemoryContext;

	PushActiveSnapshot(GetTransactionSnapshot());
	ensure_index_dependencies(command, argument);
	PopActiveSnapshot();
	CommitTransactionCommand();
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
}

/* the shells of the other nodes, without blocking writers there either */
static void
create_on_shells(Command *command, void *argument)
{
	ConcurrentTarget *target = argument;
	Oid			indexId = get_relname_relid(target->indexName, get_rel_namespace(target->relid));
	IndexStmt  *statement = (IndexStmt *) command->statement;
	List	   *nodes = cluster_other_nodes();
	char	   *text;

	if (!OidIsValid(indexId) || nodes == NIL)
		return;
	text = psprintf("CREATE %sINDEX CONCURRENTLY IF NOT EXISTS %s ON %s%s",
					statement->unique ? "UNIQUE " : "", quote_identifier(target->indexName),
					catalog_qualified_name(target->relid),
					index_text_tail(indexId, target->relid));
	run_statements_elsewhere(nodes, list_make1(text));
}

static List *
steps_concurrent_index(Command *command, const DistTable *table)
{
	IndexStmt  *statement = (IndexStmt *) command->statement;
	ConcurrentTarget *target = palloc(sizeof(ConcurrentTarget));
	NewIndex   *index = palloc(sizeof(NewIndex));

	PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL,
							  "CREATE INDEX CONCURRENTLY");
	tables_forget_local_rows(table->relid);
	target->relid = table->relid;
	target->indexName = pstrdup(statement->idxname);
	index->relid = table->relid;
	index->name = target->indexName;
	return list_make4(commands_step_local(),
					  commands_step_alone(commit_index_dependencies, index),
					  commands_step_alone(create_on_shells, target),
					  commands_step_alone(create_on_shards_alone, target));
}

static void
check_constraints(Command *command, void *argument)
{
	const DistTable *table = catalog_table_get(*(Oid *) argument);

	if (table != NULL)
		tables_check_constraints(table->relid, table->keyAttno, table->kind,
								 table->colocationId);
}

List *
commands_steps_create_index(Command *command)
{
	IndexStmt  *statement = (IndexStmt *) command->statement;
	Oid			relid = commands_relation_find(command, statement->relation);
	const DistTable *table = OidIsValid(relid) ? catalog_table_get(relid) : NULL;
	NewIndex   *index;
	Oid		   *argument;

	if (table == NULL)
		return NIL;
	if (statement->idxname != NULL && statement->if_not_exists &&
		OidIsValid(get_relname_relid(statement->idxname, get_rel_namespace(relid))))
		return NIL;
	commands_require_owner(relid);
	executor_triggers_refuse_pending(relid, "CREATE INDEX");
	check_unique_index(table, statement);
	/* on the coordinator itself several at once are fine, as on one server */
	if (!catalog_is_coordinator())
		commands_lock_coordinator_first(list_make1_oid(relid), ShareUpdateExclusiveLock,
										statement->relation->inh ? LOCK_CHILDREN : LOCK_ALONE);
	/* before names are chosen: another node may be about to take them */
	LockRelationOid(relid, statement->concurrent ? ShareUpdateExclusiveLock : ShareLock);
	commands_qualify_text(command, list_make1(statement->relation));
	if (statement->idxname == NULL)
	{
		(void) tables_choose_names((Node *) statement, relid);
		commands_name_index_in_text(command, statement->idxname);
	}
	if (statement->concurrent)
		return steps_concurrent_index(command, table);

	argument = palloc(sizeof(Oid));
	*argument = relid;
	index = palloc(sizeof(NewIndex));
	index->relid = relid;
	index->name = pstrdup(statement->idxname);
	return list_make5(commands_step_local_shell(relid),
					  commands_step_call(check_constraints, argument),
					  commands_step_call(ensure_index_dependencies, index),
					  commands_step_nodes(command->text),
					  commands_step_shards(relid, command->text, NIL));
}

/* ---- DROP INDEX ---- */

typedef struct DroppedIndex
{
	const char *name;
	const char *schemaName;
} DroppedIndex;

static void
make_drop_index(AloneStatement *alone, const Shard *shard, void *argument)
{
	DroppedIndex *index = argument;
	char	   *name = catalog_extend_name(index->name, shard->id);
	DropStmt   *statement = makeNode(DropStmt);

	alone->text = psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s",
						   quote_qualified_identifier(index->schemaName, name));
	statement->removeType = OBJECT_INDEX;
	statement->missing_ok = true;
	statement->concurrent = true;
	statement->objects = list_make1(list_make2(makeString(pstrdup(index->schemaName)),
											   makeString(name)));
	alone->statement = (Node *) statement;
}

static void
drop_on_shells(Command *command, void *argument)
{
	List	   *nodes = cluster_other_nodes();

	if (nodes != NIL)
		run_statements_elsewhere(nodes, list_make1(argument));
}

static List *
steps_drop_index_alone(Command *command, Oid indexId, const DistTable *table)
{
	DroppedIndex *index = palloc(sizeof(DroppedIndex));
	char	   *text;

	PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL,
							  "DROP INDEX CONCURRENTLY");
	index->name = get_rel_name(indexId);
	index->schemaName = get_namespace_name(get_rel_namespace(indexId));
	text = psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s", catalog_qualified_name(indexId));
	return list_make3(commands_step_local(), commands_step_alone(drop_on_shells, text),
					  commands_step_alone(run_alone,
										 alone_statements(table, make_drop_index, index)));
}

/* indexes of known tables one by one; others are the server's alone */
List *
commands_steps_drop_index(Command *command)
{
	DropStmt   *statement = (DropStmt *) command->statement;
	List	   *steps = NIL;
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, statement->objects)
	{
		RangeVar   *name = makeRangeVarFromNameList(lfirst(cell));
		Oid			indexId = commands_relation_find(command, name);
		const DistTable *table = commands_table_of_relation(indexId);
		char	   *text;

		if (table == NULL || table->relid == indexId)
			continue;
		commands_require_owner(indexId);
		if (statement->concurrent)
			return steps_drop_index_alone(command, indexId, table);
		relids = list_append_unique_oid(relids, table->relid);
		text = psprintf("DROP INDEX IF EXISTS %s%s", catalog_qualified_name(indexId),
						commands_behavior_text(statement->behavior));
		steps = lappend(steps, commands_step_shards(table->relid, text, NIL));
		steps = lappend(steps, commands_step_nodes(text));
	}
	if (steps == NIL)
		return NIL;
	steps = lcons(commands_step_lock_shells(relids, AccessExclusiveLock, LOCK_CHILDREN), steps);
	return lappend(steps, commands_step_local());
}

/* ---- REINDEX ---- */

typedef struct ReindexTarget
{
	ReindexStmt *statement;
	const char *indexName;		/* NULL: the whole table */
	const char *options;
} ReindexTarget;

static char *
reindex_options(const ReindexStmt *statement)
{
	StringInfoData text;
	ListCell   *cell;

	if (statement->params == NIL)
		return "";
	initStringInfo(&text);
	foreach(cell, statement->params)
	{
		DefElem    *option = lfirst(cell);

		appendStringInfo(&text, "%s%s", text.len == 0 ? "(" : ", ", option->defname);
		if (option->arg)
			appendStringInfo(&text, " %s", quote_literal_cstr(defGetString(option)));
	}
	appendStringInfoString(&text, ") ");
	return text.data;
}

static void
make_reindex(AloneStatement *alone, const Shard *shard, void *argument)
{
	ReindexTarget *target = argument;
	char	   *schemaName = get_namespace_name(get_rel_namespace(shard->relid));
	char	   *name = target->indexName ? catalog_extend_name(target->indexName, shard->id)
		: catalog_shard_relname(shard);
	ReindexStmt *statement = copyObject(target->statement);

	alone->text = psprintf("REINDEX %s%s %s", target->options,
						   target->indexName ? "INDEX" : "TABLE",
						   quote_qualified_identifier(schemaName, name));
	statement->relation = makeRangeVar(schemaName, name, -1);
	alone->statement = (Node *) statement;
}

static bool
reindex_is_concurrent(const ReindexStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->params)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "concurrently") == 0)
			return defGetBoolean(option);
	}
	return false;
}

static void
reindex_elsewhere(Command *command, void *argument)
{
	List	   *nodes = cluster_other_nodes();

	if (nodes != NIL)
		run_statements_elsewhere(nodes, list_make1(argument));
}

/*
 * REINDEX SCHEMA and DATABASE: the shells and shards of each node, by the node itself.  SYSTEM is
 * about catalogs, which every node has for itself.
 */
static List *
steps_reindex_many(Command *command, const ReindexStmt *statement)
{
	char	   *text;

	if (statement->kind == REINDEX_OBJECT_SCHEMA)
	{
		Oid			schemaId = get_namespace_oid(statement->name, true);
		ObjectAddress address;

		ObjectAddressSet(address, NamespaceRelationId, schemaId);
		/* every node has the schema public */
		if (!OidIsValid(schemaId) ||
			(schemaId != PG_PUBLIC_NAMESPACE && !commands_object_is_known(&address)))
			return NIL;
	}
	else if (statement->kind != REINDEX_OBJECT_DATABASE)
		return NIL;
	text = pstrdup(command->text);
	return list_make2(commands_step_local(), commands_step_alone(reindex_elsewhere, text));
}

List *
commands_steps_reindex(Command *command)
{
	ReindexStmt *statement = (ReindexStmt *) command->statement;
	Oid			relid = commands_relation_find(command, statement->relation);
	const DistTable *table = commands_table_of_relation(relid);
	bool		partitioned;
	ReindexTarget *target;
	List	   *shards;

	if (statement->relation == NULL)
		return steps_reindex_many(command, statement);
	if (table == NULL)
		return NIL;
	compat_require_maintenance(relid, table->relid);
	commands_qualify_text(command, list_make1(statement->relation));
	partitioned = get_rel_relkind(table->relid) == RELKIND_PARTITIONED_TABLE;
	if (!partitioned && !reindex_is_concurrent(statement))
		/* one at a time: the shards of two would wait for each other in any order */
		return list_make3(commands_step_lock_shells(list_make1_oid(table->relid),
													ShareRowExclusiveLock, LOCK_ALONE),
						  commands_step_local(),
						  commands_step_shards(table->relid, command->text, NIL));

	/* the server takes partitions one by one, in transactions of their own */
	PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL,
							  partitioned ? "REINDEX of a partitioned table" :
							  "REINDEX CONCURRENTLY");
	target = palloc(sizeof(ReindexTarget));
	target->statement = statement;
	target->indexName = relid == table->relid ? NULL : get_rel_name(relid);
	target->options = reindex_options(statement);
	shards = alone_statements(table, make_reindex, target);
	return list_make2(commands_step_local(), commands_step_alone(run_alone, shards));
}

/* ---- CLUSTER ---- */

static void
make_cluster(AloneStatement *alone, const Shard *shard, void *argument)
{
	ClusterStmt *statement = copyObject((ClusterStmt *) argument);
	char	   *using = "";

	statement->relation = makeRangeVar(get_namespace_name(get_rel_namespace(shard->relid)),
									   catalog_shard_relname(shard), -1);
	if (statement->indexname != NULL)
	{
		statement->indexname = catalog_extend_name(statement->indexname, shard->id);
		using = psprintf(" USING %s", quote_identifier(statement->indexname));
	}
	alone->text = psprintf("CLUSTER %s%s", catalog_shard_qualified_name(shard), using);
	alone->statement = (Node *) statement;
}

List *
commands_steps_cluster(Command *command)
{
	ClusterStmt *statement = (ClusterStmt *) command->statement;
	Oid			relid = commands_relation_find(command, statement->relation);
	const DistTable *table = OidIsValid(relid) ? catalog_table_get(relid) : NULL;

	if (table == NULL)
		return NIL;
	compat_require_maintenance(relid, relid);
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
	{
		PreventInTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL, "CLUSTER");
		return list_make2(commands_step_local(),
						  commands_step_alone(run_alone,
											  alone_statements(table, make_cluster, statement)));
	}
	commands_qualify_text(command, list_make1(statement->relation));
	return list_make3(commands_step_lock_shells(list_make1_oid(relid), AccessExclusiveLock,
												LOCK_ALONE),
					  commands_step_local(), commands_step_shards(relid, command->text, NIL));
}
