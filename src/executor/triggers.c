/*
 * triggers.c
 *	  Triggers fire on the node that runs the statement, as if the shell had the rows.
 *
 * Shards have no triggers of users.  A statement whose table has some is run so that its rows pass
 * through this node: here the server's own functions call the triggers, with the shell as their
 * relation, in the client's session.  Names, transition tables, nested statements, and the order
 * of things are thus those of one server.
 *
 * The server keeps rows for AFTER ROW triggers by their place in the heap, except rows of foreign
 * tables, which it keeps as a whole.  Rows of shards have no place in the shell's heap; so what it
 * gets to see is a copy of the shell's entry in the relation cache that says foreign table, and
 * has those triggers only that fire here (executor_triggers_info).
 *
 * Several rows may pass their BEFORE triggers before they are sent to their shards.  Where a
 * trigger's function runs a statement, it must see the rows before its own: they are sent first,
 * when the statement starts (executor_statement_starts).
 *
 * Invariants: (1) triggers are called, and events kept, at the statement's own query level only;
 * (2) rows are not sent in a deeper sub-transaction than the statement's, whose rollback would
 * undo it.
 *
 * Main path: executor_triggers_begin(); for each row _insert() or _update() or _delete(), which
 * call BEFORE triggers; when it is changed, _inserted() ..., which keep an event for the AFTER
 * triggers; executor_triggers_end() calls these.  Not here: deferred ones (triggers_deferred.c),
 * the level that they are called at the end of (triggers_level.c), which foreign keys an event is
 * of concern to (triggers_keys.c).
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "citus/base/compat_triggers.h"
#include "executor/triggers_internal.h"

/* whose BEFORE trigger is being called, innermost; each links to the one around it */
static TriggerRun *firing = NULL;

/* statements of this session that change rows of known relations, counted as they start */
static uint64 changesStarted = 0;

/* what a statement that is part of another one fires for, executor_triggers_join() */
static TriggerRun *joined = NULL;

/* ---- which triggers ---- */

#define SET_FLAG(flag, level, timing, event) \
	(triggers->flag |= TRIGGER_TYPE_MATCHES(type, TRIGGER_TYPE_##level, TRIGGER_TYPE_##timing, \
											TRIGGER_TYPE_##event))

void
executor_triggers_add(TriggerDesc *triggers, const Trigger *trigger)
{
	int16		type = trigger->tgtype;

	triggers->triggers[triggers->numtriggers++] = *trigger;
	SET_FLAG(trig_insert_before_row, ROW, BEFORE, INSERT);
	SET_FLAG(trig_insert_after_row, ROW, AFTER, INSERT);
	SET_FLAG(trig_insert_before_statement, STATEMENT, BEFORE, INSERT);
	SET_FLAG(trig_insert_after_statement, STATEMENT, AFTER, INSERT);
	SET_FLAG(trig_update_before_row, ROW, BEFORE, UPDATE);
	SET_FLAG(trig_update_after_row, ROW, AFTER, UPDATE);
	SET_FLAG(trig_update_before_statement, STATEMENT, BEFORE, UPDATE);
	SET_FLAG(trig_update_after_statement, STATEMENT, AFTER, UPDATE);
	SET_FLAG(trig_delete_before_row, ROW, BEFORE, DELETE);
	SET_FLAG(trig_delete_after_row, ROW, AFTER, DELETE);
	SET_FLAG(trig_delete_before_statement, STATEMENT, BEFORE, DELETE);
	SET_FLAG(trig_delete_after_statement, STATEMENT, AFTER, DELETE);
	SET_FLAG(trig_truncate_before_statement, STATEMENT, BEFORE, TRUNCATE);
	SET_FLAG(trig_truncate_after_statement, STATEMENT, AFTER, TRUNCATE);

	triggers->trig_insert_new_table |= TRIGGER_FOR_INSERT(type) &&
		TRIGGER_USES_TRANSITION_TABLE(trigger->tgnewtable);
	triggers->trig_update_old_table |= TRIGGER_FOR_UPDATE(type) &&
		TRIGGER_USES_TRANSITION_TABLE(trigger->tgoldtable);
	triggers->trig_update_new_table |= TRIGGER_FOR_UPDATE(type) &&
		TRIGGER_USES_TRANSITION_TABLE(trigger->tgnewtable);
	triggers->trig_delete_old_table |= TRIGGER_FOR_DELETE(type) &&
		TRIGGER_USES_TRANSITION_TABLE(trigger->tgoldtable);
}

static void
choose_trigger(TriggerDesc *chosen, Trigger *trigger, List **deferred)
{
	if (deferred != NULL && executor_trigger_is_deferred(trigger))
	{
		*deferred = lappend(*deferred, trigger);
		return;
	}
	trigger->tgdeferrable = trigger->tginitdeferred = false;
	executor_triggers_add(chosen, trigger);
}

/*
 * Those of users, of foreign keys that act here, and of those that another node knows; what other
 * constraints are made of fires on the shards.  A trigger that may be deferred and is not is like
 * any other; one that is deferred goes into *deferred.
 */
TriggerDesc *
executor_triggers_choose(Relation relation, List **deferred)
{
	TriggerDesc *all = CopyTriggerDesc(relation->trigdesc);
	TriggerDesc *chosen = palloc0(sizeof(TriggerDesc));
	List	   *watches = catalog_watches(relation);
	List	   *acting;
	ListCell   *cell;

	if (all == NULL && watches == NIL)
		return NULL;
	acting = catalog_acting_here(relation, NULL);
	chosen->triggers = palloc0(sizeof(Trigger) * ((all == NULL ? 0 : all->numtriggers) +
												  list_length(watches)));
	for (int i = 0; all != NULL && i < all->numtriggers; i++)
	{
		Trigger    *trigger = &all->triggers[i];

		if (!trigger->tgisinternal ||
			(catalog_trigger_is_referenced(trigger) &&
			 list_member_oid(acting, trigger->tgconstrrelid)))
			choose_trigger(chosen, trigger, deferred);
	}
	foreach(cell, watches)
		choose_trigger(chosen, lfirst(cell), deferred);
	return chosen->numtriggers == 0 ? NULL : chosen;
}

/* functions that catch errors run statements in sub-transactions, where rows cannot be sent */
static bool
may_use_subtransactions(const TriggerDesc *triggers)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		HeapTuple	tuple;
		bool		isNull;
		Datum		source;
		char	   *lowered;

		if (!TRIGGER_FOR_ROW(trigger->tgtype) || !TRIGGER_FOR_BEFORE(trigger->tgtype))
			continue;
		tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(trigger->tgfoid));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for function %u", trigger->tgfoid);
		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isNull);
		lowered = isNull ? "" : TextDatumGetCString(source);
		lowered = asc_tolower(lowered, strlen(lowered));
		ReleaseSysCache(tuple);
		if (strstr(lowered, "exception") != NULL || strstr(lowered, "subtransaction") != NULL)
			return true;
	}
	return false;
}

/* ---- relations ---- */

ResultRelInfo *
executor_triggers_info(Relation relation, TriggerDesc *triggers, Index rti, ResultRelInfo *root)
{
	ResultRelInfo *info = makeNode(ResultRelInfo);
	Relation	copy = palloc(sizeof(RelationData));

	*copy = *relation;
	copy->rd_rel = palloc(sizeof(FormData_pg_class));
	memcpy(copy->rd_rel, relation->rd_rel, CLASS_TUPLE_SIZE);
	copy->rd_att = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	if (relation->rd_rel->relispartition)
	{
		copy->rd_partcheck = RelationGetPartitionQual(relation);
		copy->rd_partcheckvalid = true;
	}
	copy->trigdesc = triggers;
	compat_relation_forget_indexes(copy);
	InitResultRelInfo(info, copy, rti, root, 0);
	if (copy->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		copy->rd_rel->relkind = RELKIND_FOREIGN_TABLE;
	return info;
}

static FireTarget *
add_target(TriggerRun *run, Relation relation, TriggerDesc *triggers, List *deferred)
{
	FireTarget *target = palloc0(sizeof(FireTarget));
	ResultRelInfo *root = run->root == NULL ? NULL : run->root->info;
	TupleDesc	desc = RelationGetDescr(relation);

	target->relation = relation;
	target->deferred = deferred;
	target->info = executor_triggers_info(relation, triggers, root == NULL ? 1 : 0, root);
	executor_level_announce(run, relation, (triggers == NULL ? 0 : triggers->numtriggers) +
							list_length(deferred));
	target->oldSlot = MakeTupleTableSlot(CreateTupleDescCopyConstr(desc), &TTSOpsVirtual);
	target->newSlot = MakeTupleTableSlot(CreateTupleDescCopyConstr(desc), &TTSOpsVirtual);
	target->oldSlot->tts_tableOid = RelationGetRelid(relation);
	target->newSlot->tts_tableOid = RelationGetRelid(relation);
	if (root != NULL)
	{
		TupleDesc	rootDesc = RelationGetDescr(run->root->relation);

		target->fromRoot = convert_tuples_by_name(rootDesc, desc);
		target->toRoot = convert_tuples_by_name(desc, rootDesc);
	}
	run->targets = lappend(run->targets, target);
	return target;
}

static bool
has_row_triggers(const TriggerDesc *triggers)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (TRIGGER_FOR_ROW(triggers->triggers[i].tgtype))
			return true;
	}
	return false;
}

/* rows of a child (INHERITS) have its triggers, which may read columns that only it has */
static FireTarget *
add_child(TriggerRun *run, Relation child, TriggerDesc *triggers, List *deferred)
{
	FireTarget *target;

	if (has_row_triggers(triggers) || deferred != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot change rows of table \"%s\" by a statement about its parent "
						"\"%s\"", RelationGetRelationName(child),
						RelationGetRelationName(run->root->relation)),
				 errdetail("The table has row triggers of its own."),
				 errhint("Change the rows of each table by itself, with ONLY.")));
	/* columns of the parent are all that is known of the rows; they are only kept */
	target = add_target(run, run->root->relation, NULL, NIL);
	target->relation = child;
	return target;
}

static FireTarget *
find_target(TriggerRun *run, Oid relid)
{
	MemoryContext caller;
	FireTarget *target;
	Relation	relation;
	TriggerDesc *triggers;
	List	   *deferred = NIL;
	ListCell   *cell;

	foreach(cell, run->targets)
	{
		target = lfirst(cell);
		if (RelationGetRelid(target->relation) == relid)
			return target;
	}
	caller = MemoryContextSwitchTo(run->context);
	relation = table_open(relid, RowExclusiveLock);
	triggers = executor_triggers_choose(relation, &deferred);
	run->alone |= may_use_subtransactions(triggers);
	if (relation->rd_rel->relispartition)
		target = add_target(run, relation, triggers, deferred);
	else
		target = add_child(run, relation, triggers, deferred);
	MemoryContextSwitchTo(caller);
	return target;
}

/* ---- partitions ---- */

static void
begin_routing(TriggerRun *run)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	ModifyTableState *state = makeNode(ModifyTableState);
	ResultRelInfo *info = makeNode(ResultRelInfo);

	InitResultRelInfo(info, run->root->relation, 1, NULL, 0);
	state->ps.state = run->estate;
	state->operation = CMD_INSERT;
	state->mt_nrels = 1;
	state->resultRelInfo = info;
	state->rootResultRelInfo = info;
	run->routingState = state;
	run->routing = ExecSetupPartitionTupleRouting(run->estate, run->root->relation);
	MemoryContextSwitchTo(caller);
}

/* the relation that a new row goes to; raises 23514 when no partition takes it */
static FireTarget *
target_of_new_row(TriggerRun *run, TupleTableSlot *row)
{
	ResultRelInfo *partition;

	if (run->root->relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return run->root;
	if (run->routing == NULL)
		begin_routing(run);
	partition = ExecFindPartition(run->routingState, run->routingState->rootResultRelInfo,
								  run->routing, row, run->estate);
	return find_target(run, RelationGetRelid(partition->ri_RelationDesc));
}

Oid
executor_triggers_partition(TriggerRun *run, TupleTableSlot *row)
{
	ResetPerTupleExprContext(run->estate);
	return RelationGetRelid(target_of_new_row(run, row)->relation);
}

static void
copy_row(TupleConversionMap *map, TupleTableSlot *from, TupleTableSlot *to)
{
	if (map != NULL)
	{
		execute_attr_map_slot(map->attrMap, from, to);
		return;
	}
	executor_share_row(to, from);
}

/* a row as the target has it, as a tuple in memory of the row's own */
static HeapTuple
old_tuple(TriggerRun *run, FireTarget *target, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(run->estate));
	HeapTuple	tuple;

	copy_row(target->fromRoot, row, target->oldSlot);
	tuple = ExecCopySlotHeapTuple(target->oldSlot);
	tuple->t_tableOid = RelationGetRelid(target->relation);
	MemoryContextSwitchTo(caller);
	return tuple;
}

/* ---- while a trigger's function runs ---- */

static void
flush_pending(TriggerRun *run)
{
	CallerRole	caller;

	if (run->outer != NULL)
		flush_pending(run->outer);
	if (!run->pending)
		return;
	if (GetCurrentTransactionNestLevel() != run->nestLevel)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot use distributed tables in a sub-transaction of a BEFORE trigger"),
				 errdetail("Earlier rows of the same statement have not been sent to their "
						   "shards."),
				 errhint("Write one row a statement.")));
	run->pending = false;
	run->interrupted = true;
	caller = executor_enter_role(run->userId);
	run->flush(run->flushArgument);
	executor_leave_role(caller);
}

void
executor_triggers_settle(void)
{
	if (firing != NULL)
		flush_pending(firing);
}

static bool
is_distributed(const PlannedStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->relationOids)
	{
		if (catalog_table_is_known(lfirst_oid(cell)))
			return true;
	}
	return false;
}

/*
 * Nothing of the statement is under way; it sees the rows that are sent now.  It may also write the
 * very row whose trigger runs, which is found out when that is sent.
 */
void
executor_statement_starts(QueryDesc *query)
{
	bool		changes = query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE;
	CommandId	before;

	if ((firing == NULL && !changes) || !is_distributed(query->plannedstmt))
		return;
	if (changes)
		changesStarted++;
	if (firing == NULL)
		return;
	firing->interrupted |= changes;
	before = GetCurrentCommandId(false);
	flush_pending(firing);
	if (query->snapshot != NULL && GetCurrentCommandId(false) != before)
		query->snapshot->curcid = GetCurrentCommandId(false);
}

uint64
executor_changes_started(void)
{
	return changesStarted;
}

/* after an error nobody is called any more */
void
executor_triggers_forget(void)
{
	firing = joined = NULL;
	executor_level_forget();
}

TriggerRun *
executor_triggers_join(TriggerRun *run)
{
	TriggerRun *before = joined;

	joined = run;
	return before;
}

void
executor_triggers_unjoin(TriggerRun *before)
{
	joined = before;
}

/* ---- BEFORE ROW ---- */

typedef enum FireEvent
{
	FIRE_INSERT,
	FIRE_UPDATE,
	FIRE_DELETE
} FireEvent;

static bool
call_before(TriggerRun *run, FireTarget *target, FireEvent event, HeapTuple old)
{
	switch (event)
	{
		case FIRE_INSERT:
			return ExecBRInsertTriggers(run->estate, target->info, target->newSlot);
		case FIRE_UPDATE:
			return compat_fire_before_update(run->estate, target->info, old, target->newSlot);
		default:
			return compat_fire_before_delete(run->estate, target->info, old);
	}
}

/* false: the row is to be left alone; otherwise *row may have been changed */
static bool
fire_before(TriggerRun *run, FireTarget *target, FireEvent event, HeapTuple old,
			TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	bool		goesOn;

	if (run->alone && run->pending)
	{
		run->pending = false;
		run->flush(run->flushArgument);
	}
	if (row != NULL)
	{
		copy_row(target->fromRoot, row, target->newSlot);
		/* what it holds must outlive the row's own */
		ExecMaterializeSlot(target->newSlot);
	}
	firing = run;
	PG_TRY();
	{
		goesOn = call_before(run, target, event, old);
	}
	PG_FINALLY();
	{
		firing = run->outer;
	}
	PG_END_TRY();
	if (goesOn && row != NULL)
		copy_row(target->toRoot, target->newSlot, row);
	MemoryContextSwitchTo(caller);
	return goesOn;
}

/*
 * The functions below have rows in the format of the statement's relation.  What they put into a
 * row lives until the next call.
 */
bool
executor_triggers_insert(TriggerRun *run, TupleTableSlot *row)
{
	FireTarget *target;

	ResetPerTupleExprContext(run->estate);
	target = target_of_new_row(run, row);
	if (target->info->ri_TrigDesc == NULL || !target->info->ri_TrigDesc->trig_insert_before_row)
		return true;
	return fire_before(run, target, FIRE_INSERT, NULL, row);
}

bool
executor_triggers_update(TriggerRun *run, Oid relid, TupleTableSlot *old, TupleTableSlot *row)
{
	FireTarget *target = find_target(run, relid);

	ResetPerTupleExprContext(run->estate);
	run->updates++;
	if (target->info->ri_TrigDesc == NULL || !target->info->ri_TrigDesc->trig_update_before_row)
		return true;
	return fire_before(run, target, FIRE_UPDATE, old_tuple(run, target, old), row);
}

bool
executor_triggers_delete(TriggerRun *run, Oid relid, TupleTableSlot *old)
{
	FireTarget *target = find_target(run, relid);

	ResetPerTupleExprContext(run->estate);
	if (target->info->ri_TrigDesc == NULL || !target->info->ri_TrigDesc->trig_delete_before_row)
		return true;
	return fire_before(run, target, FIRE_DELETE, old_tuple(run, target, old), NULL);
}

/* ---- AFTER ROW, and transition tables ---- */

/* the new row as the target has it, with the columns that its shard computes */
static TupleTableSlot *
new_row(TriggerRun *run, FireTarget *target, TupleTableSlot *row, CmdType command)
{
	TupleConstr *constraints = RelationGetDescr(target->relation)->constr;

	copy_row(target->fromRoot, row, target->newSlot);
	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(target->info, run->estate, target->newSlot, command);
	return target->newSlot;
}

/* where rows go that an event of the statement makes or takes */
static TransitionCaptureState *
capture_of(TriggerRun *run, FireEvent event)
{
	return run->spec->command == CMD_INSERT && event == FIRE_UPDATE ? run->conflictCapture :
		run->capture;
}

static bool
wants_after(TriggerRun *run, FireTarget *target, FireEvent event)
{
	TriggerDesc *triggers = target->info->ri_TrigDesc;
	TransitionCaptureState *capture = capture_of(run, event);

	if (target->deferred != NIL)
		return true;
	switch (event)
	{
		case FIRE_INSERT:
			return (triggers != NULL && triggers->trig_insert_after_row) ||
				(capture != NULL && capture->tcs_insert_new_table);
		case FIRE_UPDATE:
			return (triggers != NULL && triggers->trig_update_after_row) ||
				(capture != NULL &&
				 (capture->tcs_update_old_table || capture->tcs_update_new_table));
		default:
			return (triggers != NULL && triggers->trig_delete_after_row) ||
				(capture != NULL && capture->tcs_delete_old_table);
	}
}

static void
after_insert(TriggerRun *run, FireTarget *target, TupleTableSlot *row,
			 TransitionCaptureState *capture)
{
	TupleTableSlot *new = new_row(run, target, row, CMD_INSERT);

	ExecARInsertTriggers(run->estate, target->info, new, NIL, capture);
	executor_triggers_defer(run, target, TRIGGER_EVENT_INSERT, NULL, new);
}

static void
after_delete(TriggerRun *run, FireTarget *target, TupleTableSlot *row,
			 TransitionCaptureState *capture, bool departs)
{
	HeapTuple	tuple = old_tuple(run, target, row);
	char	   *enabled = executor_keys_leave(target->info, departs ? target : NULL,
											  target->oldSlot, NULL);

	ExecARDeleteTriggers(run->estate, target->info, NULL, tuple, capture, false);
	executor_keys_restore(target->info, enabled);
	executor_triggers_defer(run, target, TRIGGER_EVENT_DELETE, target->oldSlot, NULL);
}

void
executor_triggers_inserted(TriggerRun *run, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	FireTarget *target;

	ResetPerTupleExprContext(run->estate);
	target = target_of_new_row(run, row);
	if (wants_after(run, target, FIRE_INSERT))
		after_insert(run, target, row, run->capture);
	MemoryContextSwitchTo(caller);
}

void
executor_triggers_deleted(TriggerRun *run, Oid relid, TupleTableSlot *old)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	FireTarget *target = find_target(run, relid);

	ResetPerTupleExprContext(run->estate);
	if (wants_after(run, target, FIRE_DELETE))
		after_delete(run, target, old, run->capture, false);
	MemoryContextSwitchTo(caller);
}

/* the row stayed in its relation, if not in its shard */
static void
after_update(TriggerRun *run, FireTarget *target, TupleTableSlot *old, TupleTableSlot *row)
{
	HeapTuple	tuple = old_tuple(run, target, old);
	TupleTableSlot *new = new_row(run, target, row, CMD_UPDATE);
	char	   *enabled = executor_keys_leave(target->info, NULL, target->oldSlot, new);

	ExecARUpdateTriggers(run->estate, target->info, NULL, NULL, NULL, tuple, new, NIL,
						 capture_of(run, FIRE_UPDATE), false);
	executor_keys_restore(target->info, enabled);
	executor_triggers_defer(run, target, TRIGGER_EVENT_UPDATE, target->oldSlot, new);
}

/*
 * The row has left the relation for another partition: for a foreign key to the whole table it has
 * been updated, for one to the partition it has gone.
 */
static void
after_departure(TriggerRun *run, FireTarget *from, TupleTableSlot *row,
				TransitionCaptureState *capture)
{
	List	   *deferred = from->deferred;
	List	   *conditions = from->conditions;
	ListCell   *cell;

	from->deferred = from->conditions = NIL;
	foreach(cell, deferred)
	{
		if (!executor_key_leaves(lfirst(cell), from))
			from->deferred = lappend(from->deferred, lfirst(cell));
	}
	after_delete(run, from, row, capture, true);
	from->deferred = deferred;
	from->conditions = conditions;
}

/* what foreign keys to the whole table do for a row that changed its partition */
static void
after_root_update(TriggerRun *run, TupleTableSlot *old, TupleTableSlot *row)
{
	FireTarget *root = run->root;
	HeapTuple	tuple = old_tuple(run, root, old);
	char	   *enabled;

	if (run->rootWithRows == NULL)
	{
		run->rootWithRows = executor_triggers_info(root->relation,
												   executor_keys_of(root->info->ri_TrigDesc), 0,
												   NULL);
		/* so that the server keeps the row as a whole */
		run->rootWithRows->ri_RelationDesc->rd_rel->relkind = RELKIND_FOREIGN_TABLE;
	}
	enabled = executor_keys_leave(run->rootWithRows, NULL, root->oldSlot, row);
	ExecARUpdateTriggers(run->estate, run->rootWithRows, NULL, NULL, NULL, tuple, row, NIL, NULL,
						 false);
	executor_keys_restore(run->rootWithRows, enabled);
	if (root->deferred != NIL)
		executor_triggers_defer(run, root, TRIGGER_EVENT_UPDATE, old, row);
}

/* the row changed its partition: DELETE and INSERT triggers, but transition tables of the UPDATE */
static void
after_move(TriggerRun *run, FireTarget *from, FireTarget *to, TupleTableSlot *old,
		   TupleTableSlot *row)
{
	TransitionCaptureState *capture = capture_of(run, FIRE_UPDATE);
	TriggerDesc *triggers;

	executor_keys_refuse_move(run, from);
	if (capture != NULL && (capture->tcs_update_old_table || capture->tcs_update_new_table))
	{
		/* nobody's row triggers: they would take it for an event of theirs */
		triggers = from->info->ri_TrigDesc;
		from->info->ri_TrigDesc = NULL;
		ExecARUpdateTriggers(run->estate, from->info, NULL, NULL, NULL,
							 old_tuple(run, from, old), NULL, NIL, capture, false);
		from->info->ri_TrigDesc = triggers;
		triggers = to->info->ri_TrigDesc;
		to->info->ri_TrigDesc = NULL;
		ExecARUpdateTriggers(run->estate, to->info, NULL, NULL, NULL, NULL,
							 new_row(run, to, row, CMD_INSERT), NIL, capture, false);
		to->info->ri_TrigDesc = triggers;
		capture = NULL;
	}
	after_departure(run, from, old, capture);
	after_insert(run, to, row, capture);
	after_root_update(run, old, row);
}

void
executor_triggers_updated(TriggerRun *run, Oid relid, TupleTableSlot *old, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	FireTarget *from = find_target(run, relid);
	FireTarget *to = from;

	ResetPerTupleExprContext(run->estate);
	if (from->relation->rd_rel->relispartition && from != run->root)
		to = target_of_new_row(run, row);
	if (to != from)
		after_move(run, from, to, old, row);
	else if (wants_after(run, from, FIRE_UPDATE))
		after_update(run, from, old, row);
	MemoryContextSwitchTo(caller);
}

/* ---- a statement ---- */

static void
fire_statement_before(TriggerRun *run)
{
	ResultRelInfo *info = run->root->info;
	List	   *commands = run->spec->commands;

	if (list_member_int(commands, CMD_INSERT))
		ExecBSInsertTriggers(run->estate, info);
	if (list_member_int(commands, CMD_UPDATE))
		ExecBSUpdateTriggers(run->estate, info);
	if (list_member_int(commands, CMD_DELETE))
		ExecBSDeleteTriggers(run->estate, info);
}

static void
fire_statement_after(TriggerRun *run)
{
	ResultRelInfo *info = run->root->info;
	List	   *commands = run->spec->commands;

	if (list_member_int(commands, CMD_DELETE))
		ExecASDeleteTriggers(run->estate, info, run->capture);
	if (list_member_int(commands, CMD_UPDATE))
		ExecASUpdateTriggers(run->estate, info, capture_of(run, FIRE_UPDATE));
	if (list_member_int(commands, CMD_INSERT))
		ExecASInsertTriggers(run->estate, info, run->capture);
}

static TriggerRun *
make_run(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus triggers",
												  ALLOCSET_DEFAULT_SIZES);
	TriggerRun *run = MemoryContextAllocZero(context, sizeof(TriggerRun));

	run->context = context;
	run->outer = firing;
	run->nestLevel = GetCurrentTransactionNestLevel();
	run->userId = GetUserId();
	return run;
}

static void
open_root(TriggerRun *run, Oid relid)
{
	Relation	relation = table_open(relid, RowExclusiveLock);
	List	   *deferred = NIL;
	TriggerDesc *triggers = executor_triggers_choose(relation, &deferred);
	ListCell   *cell;

	foreach(cell, run->spec->updated)
		run->updated = bms_add_member(run->updated,
									  lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	compat_estate_add_target(run->estate, relation, run->updated);
	run->root = add_target(run, relation, triggers, deferred);
	run->alone = may_use_subtransactions(triggers);
}

/*
 * executor_triggers_begin
 *		Opens the statement's relation and fires its BEFORE STATEMENT triggers; NULL for no spec.
 *		eflags are the executor's for the statement.
 *		The run lives in a context of its own under the current one, until
 *		executor_triggers_end().
 */
TriggerRun *
executor_triggers_begin(FireSpec *spec, int eflags)
{
	TriggerRun *run;
	MemoryContext caller;

	if (spec == NULL)
		return NULL;
	if (spec->joins)
		return joined;
	run = make_run();
	caller = MemoryContextSwitchTo(run->context);
	run->spec = spec;
	run->estate = CreateExecutorState();
	executor_level_enter(run, eflags);
	open_root(run, spec->relid);
	run->capture = MakeTransitionCaptureState(run->root->info->ri_TrigDesc, spec->relid,
											  spec->command);
	if (spec->command == CMD_INSERT && list_member_int(spec->commands, CMD_UPDATE))
		run->conflictCapture = MakeTransitionCaptureState(run->root->info->ri_TrigDesc,
														  spec->relid, CMD_UPDATE);
	fire_statement_before(run);
	MemoryContextSwitchTo(caller);
	return run;
}

bool
executor_triggers_see_rows(const TriggerRun *run)
{
	return run != NULL && run->spec->rows;
}

uint64
executor_triggers_updates(const TriggerRun *run)
{
	return run->updates;
}

bool
executor_triggers_were_interrupted(const TriggerRun *run)
{
	return run->interrupted;
}

void
executor_triggers_set_flush(TriggerRun *run, TriggerFlush flush, void *argument)
{
	run->flush = flush;
	run->flushArgument = argument;
	run->pending = false;
}

void
executor_triggers_set_pending(TriggerRun *run)
{
	run->pending = true;
}

static void
close_run(TriggerRun *run)
{
	ListCell   *cell;

	if (run->level == run)
		executor_level_end(run);
	ExecResetTupleTable(run->estate->es_tupleTable, false);
	if (run->routing != NULL)
		ExecCleanupTupleRouting(run->routingState, run->routing);
	foreach(cell, run->targets)
	{
		if (((FireTarget *) lfirst(cell))->relation != NULL)
			table_close(((FireTarget *) lfirst(cell))->relation, NoLock);
	}
	FreeExecutorState(run->estate);
	MemoryContextDelete(run->context);
}

/* fires AFTER triggers, of rows and of the statement; the run is gone then */
void
executor_triggers_end(TriggerRun *run)
{
	MemoryContext caller;

	if (run == NULL)
		return;
	caller = MemoryContextSwitchTo(run->context);
	ResetPerTupleExprContext(run->estate);
	fire_statement_after(run);
	MemoryContextSwitchTo(caller);
	close_run(run);
}

/* ---- TRUNCATE ---- */

/* those that fire on a replica, too, the server calls when it truncates the shell */
static TriggerDesc *
choose_for_truncate(Relation relation)
{
	TriggerDesc *triggers = executor_triggers_choose(relation, NULL);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgenabled != TRIGGER_FIRES_ON_ORIGIN)
			triggers->triggers[i].tgenabled = TRIGGER_DISABLED;
	}
	return triggers;
}

/* fires BEFORE TRUNCATE triggers of the tables, in their order; only locks are kept on them */
TriggerRun *
executor_triggers_begin_truncate(List *relids)
{
	TriggerRun *run = make_run();
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	ListCell   *cell;

	run->estate = CreateExecutorState();
	executor_level_enter(run, 0);
	foreach(cell, relids)
	{
		Relation	relation = table_open(lfirst_oid(cell), AccessExclusiveLock);

		(void) add_target(run, relation, choose_for_truncate(relation), NIL);
	}
	foreach(cell, run->targets)
	{
		FireTarget *target = lfirst(cell);

		ExecBSTruncateTriggers(run->estate, target->info);
		/* what is open cannot be truncated */
		table_close(target->relation, NoLock);
		target->relation = NULL;
	}
	MemoryContextSwitchTo(caller);
	return run;
}

void
executor_triggers_end_truncate(TriggerRun *run)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	ListCell   *cell;

	foreach(cell, run->targets)
		ExecASTruncateTriggers(run->estate, ((FireTarget *) lfirst(cell))->info);
	MemoryContextSwitchTo(caller);
	close_run(run);
}
