/*
 * truncate.c
 *	  TRUNCATE over known tables, from any node.
 *
 * The server truncates the shells here, which checks rights and foreign keys, follows CASCADE and
 * restarts sequences.  The set of tables that this reaches is computed by the server's own rules;
 * each node then truncates its shells and shards of those tables in one statement, so that foreign
 * keys between shards stand in nobody's way.
 *
 * Triggers fire once, here: BEFORE triggers first, AFTER triggers when all shards are empty.  While
 * the server truncates shells it takes this session for a replica, for which it has no triggers to
 * call.  Those that are enabled for replicas, or always, it calls on this node by itself.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "citus/executor/executor.h"
#include "citus/txn/txn.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_truncate_tables);

/* ---- which tables ---- */

static List *
named_tables(Command *command, const TruncateStmt *statement)
{
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, statement->relations)
	{
		RangeVar   *name = lfirst(cell);
		Oid			relid = commands_relation_find(command, name);

		if (!OidIsValid(relid))
			continue;
		if (name->inh)
			relids = list_concat_unique_oid(relids, find_all_inheritors(relid, NoLock, NULL));
		else
			relids = list_append_unique_oid(relids, relid);
	}
	return relids;
}

/* the tables that CASCADE adds, as ExecuteTruncate() finds them */
static List *
with_referencing(List *relids)
{
	for (;;)
	{
		List	   *more = heap_truncate_find_FKs(relids);

		if (more == NIL)
			return relids;
		relids = list_concat(relids, more);
	}
}

static List *
keep_known(List *relids)
{
	List	   *known = NIL;
	ListCell   *cell;

	foreach(cell, relids)
	{
		if (catalog_table_is_known(lfirst_oid(cell)))
			known = lappend_oid(known, lfirst_oid(cell));
	}
	return known;
}

/* ---- on one node ---- */

/* children are listed, too; a partitioned table has no rows without its partitions */
static RangeVar *
range_var_of(const char *schemaName, const char *name, Oid relid)
{
	RangeVar   *relation = makeRangeVar(pstrdup(schemaName), pstrdup(name), -1);

	relation->inh = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	return relation;
}

static void
append_local_shards(List **relations, const DistTable *table, GroupId localGroup)
{
	char	   *schemaName = get_namespace_name(get_rel_namespace(table->relid));

	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		for (int j = 0; j < shard->nplacements; j++)
		{
			if (shard->placements[j].groupId == localGroup)
				*relations = lappend(*relations,
									 range_var_of(schemaName, catalog_shard_relname(shard),
												  table->relid));
		}
	}
}

/* ---- triggers ---- */

/* alone: only those that the server calls for a replica, too */
static bool
has_truncate_triggers(Oid relid, bool alone)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;
	bool		found = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		found |= TRIGGER_FOR_TRUNCATE(trigger->tgtype) && !trigger->tgisinternal &&
			(!alone || trigger->tgenabled == TRIGGER_FIRES_ALWAYS ||
			 trigger->tgenabled == TRIGGER_FIRES_ON_REPLICA);
	}
	table_close(relation, AccessShareLock);
	return found;
}

static bool
any_has_triggers(List *relids)
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		if (has_truncate_triggers(lfirst_oid(cell), false))
			return true;
	}
	return false;
}

/* ends with AtEOXact_GUC() of the level that it returns; 0: nothing was done */
static int
begin_silence(List *relids)
{
	int			level;

	if (!any_has_triggers(relids))
		return 0;
	level = NewGUCNestLevel();
	(void) set_config_option("session_replication_role", "replica", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static void
end_silence(int level)
{
	if (level > 0)
		AtEOXact_GUC(true, level);
}

/* sequences that were restarted still give only what is this node's */
static void
keep_bounds(List *relids)
{
	ListCell   *cell;

	CommandCounterIncrement();
	foreach(cell, relids)
		cluster_adjust_sequences(lfirst_oid(cell));
}

/*
 * Truncates this node's shards of relids, with shells the shells too.  As the current user: the
 * rights on shards are those on the table.
 */
static void
truncate_here(List *relids, bool shells, bool restartSequences)
{
	TruncateStmt *statement = makeNode(TruncateStmt);
	GroupId		localGroup = catalog_local_group();
	bool		wrote = false;
	int			silence;
	ListCell   *cell;

	statement->restart_seqs = restartSequences;
	statement->behavior = DROP_RESTRICT;
	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);
		const DistTable *table = catalog_table_get(relid);
		int			before = list_length(statement->relations);

		if (table == NULL)
			continue;
		append_local_shards(&statement->relations, table, localGroup);
		wrote |= list_length(statement->relations) > before;
		/* the shard of a foreign table is on the coordinator, and is what it reads */
		if (shells && get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE &&
			!has_truncate_triggers(relid, true))
		{
			char	   *schemaName = get_namespace_name(get_rel_namespace(relid));

			statement->relations = lappend(statement->relations,
										   range_var_of(schemaName, get_rel_name(relid), relid));
		}
	}
	if (statement->relations == NIL)
		return;
	if (wrote)
		txn_mark_local_write();
	silence = begin_silence(shells ? relids : NIL);
	base_frame_push(FRAME_OWN_DDL);
	ExecuteTruncate(statement);
	base_frame_pop(FRAME_OWN_DDL);
	end_silence(silence);
	if (restartSequences)
		keep_bounds(relids);
}

/*
 * citus_internal.truncate_tables(regclass[], boolean): what another node asks this one to do.
 */
Datum
citus_internal_truncate_tables(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *values;
	int			count;
	List	   *relids = NIL;

	base_require_node_command(fcinfo);
	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &values, NULL, &count);
	for (int i = 0; i < count; i++)
		relids = lappend_oid(relids, DatumGetObjectId(values[i]));
	truncate_here(relids, true, PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

/* ---- the statement ---- */

typedef struct TruncateTarget
{
	List	   *all;			/* OIDs of tables, in the order in which triggers fire */
	List	   *known;			/* of known ones */
} TruncateTarget;

static char *
remote_text(List *relids, bool restartSequences)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, relids)
		appendStringInfo(&text, "%s%s",
						 text.len > 0 ? ", " :
						 BASE_NODE_SELECT "citus_internal.truncate_tables(ARRAY[",
						 quote_literal_cstr(catalog_qualified_name(lfirst_oid(cell))));
	appendStringInfo(&text, "]::pg_catalog.regclass[], %s)", restartSequences ? "true" : "false");
	return text.data;
}

static void
truncate_everywhere(Command *command, List *relids)
{
	TruncateStmt *statement = (TruncateStmt *) command->statement;

	cluster_run_on_others(list_make1(remote_text(relids, statement->restart_seqs)));
	truncate_here(relids, false, false);
	if (statement->restart_seqs)
		keep_bounds(relids);
}

static void
truncate_tables(Command *command, void *argument)
{
	TruncateTarget *target = argument;
	TriggerRun *run = NULL;
	int			silence;

	if (any_has_triggers(target->all))
		run = executor_triggers_begin_truncate(target->all);
	silence = begin_silence(target->all);
	commands_run_local_statement(command, command->statement, command->call->qc);
	end_silence(silence);
	truncate_everywhere(command, target->known);
	if (run != NULL)
		executor_triggers_end_truncate(run);
}

/* before anything is locked elsewhere; the server checks more */
static void
require_possible(List *relids)
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		AclResult	result = pg_class_aclcheck(lfirst_oid(cell), GetUserId(), ACL_TRUNCATE);

		if (result != ACLCHECK_OK)
			aclcheck_error(result, get_relkind_objtype(get_rel_relkind(lfirst_oid(cell))),
						   get_rel_name(lfirst_oid(cell)));
		executor_triggers_refuse_pending(lfirst_oid(cell), "TRUNCATE");
	}
}

/* the server truncates what the shell of a foreign table stands for, by the wrapper it has here */
static void
refuse_foreign_on_worker(List *relids)
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		if (!catalog_is_coordinator() &&
			get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot truncate foreign table \"%s\" on this node",
							get_rel_name(lfirst_oid(cell))),
					 errhint("Connect to the coordinator and run it again.")));
	}
}

static TruncateTarget
find_tables(Command *command)
{
	TruncateStmt *statement = (TruncateStmt *) command->statement;
	TruncateTarget target;

	target.all = named_tables(command, statement);
	if (statement->behavior == DROP_CASCADE)
		target.all = with_referencing(target.all);
	target.known = keep_known(target.all);
	refuse_foreign_on_worker(target.known);
	require_possible(target.known);
	return target;
}

/*
 * While it waited for a lock, others may have added partitions and foreign keys; no more once all
 * is locked.
 */
static void
lock_tables(Command *command, void *argument)
{
	TruncateTarget *target = argument;

	for (;;)
	{
		CommandStep *lock = commands_step_lock_shells(target->known, AccessExclusiveLock,
													  LOCK_ALONE);
		List	   *locked = target->known;

		lock->run(command, lock->argument);
		*target = find_tables(command);
		if (list_difference_oid(target->known, locked) == NIL)
			break;
	}
}

List *
commands_steps_truncate(Command *command)
{
	TruncateTarget *target = palloc(sizeof(TruncateTarget));

	*target = find_tables(command);
	if (target->known == NIL)
		return NIL;
	return list_make2(commands_step_call(lock_tables, target),
					  commands_step_call(truncate_tables, target));
}
