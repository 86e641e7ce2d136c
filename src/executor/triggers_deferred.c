/*
 * triggers_deferred.c
 *	  Constraint triggers whose check is deferred, and what SET CONSTRAINTS said about them.
 *
 * The server keeps the events of deferred triggers by the rows' places in the heap.  Rows of shards
 * have none here, so that the events are kept by this file, rows and all, until the transaction
 * ends or SET CONSTRAINTS asks for them.  Conditions (WHEN, UPDATE OF) are decided when the event
 * happens.
 *
 * Invariants: (1) an event and a setting belong to the sub-transaction they come from, and go when
 * it is rolled back; (2) an event that was fired in a sub-transaction is kept until that commits up
 * to the top, for its rollback makes it wait again; (3) sub-transactions never get older along the
 * list of events, so that those of the innermost one are its end.
 *
 * Main path: executor_triggers_defer(); executor_constraints_fire() before commit.
 */
#include "postgres.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "citus/base/compat_triggers.h"
#include "citus/base/lifecycle.h"
#include "executor/triggers_internal.h"

typedef struct DeferredEvent
{
	Oid			trigger;
	Oid			relid;
	int			event;			/* TRIGGER_EVENT_ of the row */
	MinimalTuple old;			/* as the relation has it; or NULL */
	MinimalTuple new;
	Bitmapset  *updated;
	Oid			role;
	SubTransactionId subid;		/* that it belongs to */
	SubTransactionId firedIn;	/* InvalidSubTransactionId: it waits */
} DeferredEvent;

/* of the transaction; newer ones win */
typedef struct ConstraintSetting
{
	Oid			trigger;		/* InvalidOid: all */
	bool		deferred;
	SubTransactionId subid;
} ConstraintSetting;

/* both in the top transaction's context, oldest first */
static List *events = NIL;
static List *settings = NIL;
static int	nfired = 0;			/* of the events */
static int	firingDepth = 0;	/* who goes through events does so by their places */

/* ---- settings ---- */

bool
executor_trigger_is_deferred(const Trigger *trigger)
{
	if (!trigger->tgdeferrable)
		return false;
	for (int i = list_length(settings) - 1; i >= 0; i--)
	{
		ConstraintSetting *setting = list_nth(settings, i);

		if (!OidIsValid(setting->trigger) || setting->trigger == trigger->tgoid)
			return setting->deferred;
	}
	return trigger->tginitdeferred;
}

static void
add_setting(Oid trigger, bool deferred)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	ConstraintSetting *setting = palloc(sizeof(ConstraintSetting));

	setting->trigger = trigger;
	setting->deferred = deferred;
	setting->subid = GetCurrentSubTransactionId();
	settings = lappend(settings, setting);
	MemoryContextSwitchTo(caller);
}

/* ---- events ---- */

static bool
trigger_is_enabled(const Trigger *trigger)
{
	if (trigger->tgenabled == TRIGGER_DISABLED)
		return false;
	return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
		trigger->tgenabled != TRIGGER_FIRES_ON_ORIGIN :
		trigger->tgenabled != TRIGGER_FIRES_ON_REPLICA;
}

static bool
concerns_columns(const Trigger *trigger, int event, Bitmapset *updated)
{
	if (trigger->tgnattr == 0 || event != TRIGGER_EVENT_UPDATE)
		return true;
	for (int i = 0; i < trigger->tgnattr; i++)
	{
		if (bms_is_member(trigger->tgattr[i] - FirstLowInvalidHeapAttributeNumber, updated))
			return true;
	}
	return false;
}

static void
prepare_conditions(TriggerRun *run, FireTarget *target)
{
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	ListCell   *cell;

	foreach(cell, target->conditions == NIL ? target->deferred : NIL)
	{
		const Trigger *trigger = lfirst(cell);
		ExprState  *state = NULL;

		if (trigger->tgqual != NULL)
		{
			Node	   *condition = stringToNode(trigger->tgqual);

			ChangeVarNodes(condition, PRS2_OLD_VARNO, INNER_VAR, 0);
			ChangeVarNodes(condition, PRS2_NEW_VARNO, OUTER_VAR, 0);
			state = ExecPrepareQual(make_ands_implicit((Expr *) condition), run->estate);
		}
		target->conditions = lappend(target->conditions, state);
	}
	MemoryContextSwitchTo(caller);
}

static bool
condition_holds(TriggerRun *run, ExprState *condition, TupleTableSlot *old, TupleTableSlot *new)
{
	ExprContext *econtext = GetPerTupleExprContext(run->estate);

	econtext->ecxt_innertuple = old;
	econtext->ecxt_outertuple = new;
	return condition == NULL || ExecQual(condition, econtext);
}

static bool
concerns_event(const Trigger *trigger, int event)
{
	return event == TRIGGER_EVENT_INSERT ? TRIGGER_FOR_INSERT(trigger->tgtype) :
		event == TRIGGER_EVENT_UPDATE ? TRIGGER_FOR_UPDATE(trigger->tgtype) :
		TRIGGER_FOR_DELETE(trigger->tgtype);
}

static void
keep_event(TriggerRun *run, FireTarget *target, const Trigger *trigger, int event,
		   TupleTableSlot *old, TupleTableSlot *new)
{
	MemoryContext caller;
	DeferredEvent *kept;

	/* as on one server: at the end of the transaction it would run with the rights of another */
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot fire deferred trigger within security-restricted operation")));

	caller = MemoryContextSwitchTo(TopTransactionContext);
	kept = palloc0(sizeof(DeferredEvent));
	kept->trigger = trigger->tgoid;
	kept->relid = RelationGetRelid(target->relation);
	kept->event = event;
	kept->old = old == NULL ? NULL : ExecCopySlotMinimalTuple(old);
	kept->new = new == NULL ? NULL : ExecCopySlotMinimalTuple(new);
	kept->updated = bms_copy(run->updated);
	kept->role = run->userId;
	kept->subid = GetCurrentSubTransactionId();
	kept->firedIn = InvalidSubTransactionId;
	events = lappend(events, kept);
	MemoryContextSwitchTo(caller);
}

/* rows are in the target's format */
void
executor_triggers_defer(TriggerRun *run, FireTarget *target, int event, TupleTableSlot *old,
						TupleTableSlot *new)
{
	ListCell   *cell;
	ListCell   *condition;

	prepare_conditions(run, target);
	forboth(cell, target->deferred, condition, target->conditions)
	{
		Trigger    *trigger = lfirst(cell);

		if (catalog_trigger_is_referenced(trigger) && event == TRIGGER_EVENT_UPDATE &&
			!RI_FKey_pk_upd_check_required(trigger, target->relation, old, new))
			continue;
		if (concerns_event(trigger, event) && trigger_is_enabled(trigger) &&
			concerns_columns(trigger, event, run->updated) &&
			condition_holds(run, lfirst(condition), old, new))
			keep_event(run, target, trigger, event, old, new);
	}
}

void
executor_triggers_refuse_pending(Oid relid, const char *statement)
{
	ListCell   *cell;

	foreach(cell, events)
	{
		const DeferredEvent *event = lfirst(cell);

		if (event->relid == relid && event->firedIn == InvalidSubTransactionId)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("cannot %s \"%s\" because it has pending trigger events", statement,
							get_rel_name(relid))));
	}
}

/* ---- firing ---- */

/* the trigger alone, with nothing left to be decided; NULL: it is gone */
static TriggerDesc *
choose_one(Relation relation, Oid triggerId)
{
	TriggerDesc *triggers = executor_triggers_choose(relation, NULL);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgoid != triggerId)
			continue;
		trigger->tgqual = NULL;
		trigger->tgnattr = 0;
		trigger->tgenabled = TRIGGER_FIRES_ALWAYS;
		triggers->triggers[0] = *trigger;
		triggers->numtriggers = 1;
		return triggers;
	}
	return NULL;
}

static TupleTableSlot *
slot_of(MinimalTuple tuple, TupleDesc desc)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);

	ExecForceStoreMinimalTuple(tuple, slot, false);
	return slot;
}

static void
queue_event(EState *estate, ResultRelInfo *info, const DeferredEvent *event)
{
	TupleDesc	desc = RelationGetDescr(info->ri_RelationDesc);
	TupleTableSlot *new = event->new == NULL ? NULL : slot_of(event->new, desc);
	HeapTuple	old = event->old == NULL ? NULL : heap_tuple_from_minimal_tuple(event->old);

	if (event->event == TRIGGER_EVENT_INSERT)
		ExecARInsertTriggers(estate, info, new, NIL, NULL);
	else if (event->event == TRIGGER_EVENT_UPDATE)
		ExecARUpdateTriggers(estate, info, NULL, NULL, NULL, old, new, NIL, NULL, false);
	else
		ExecARDeleteTriggers(estate, info, NULL, old, NULL, false);
	if (new != NULL)
		ExecDropSingleTupleTableSlot(new);
}

static void
fire_event(DeferredEvent *event)
{
	Relation	relation = try_table_open(event->relid, RowExclusiveLock);
	TriggerDesc *triggers = relation == NULL ? NULL : choose_one(relation, event->trigger);
	CallerRole	caller;
	EState	   *estate;
	ResultRelInfo *info;

	event->firedIn = GetCurrentSubTransactionId();
	nfired++;
	if (triggers != NULL)
	{
		caller = executor_enter_role(compat_deferred_triggers_keep_role() ? event->role :
									 InvalidOid);
		estate = CreateExecutorState();
		compat_estate_add_target(estate, relation, event->updated);
		info = executor_triggers_info(relation, triggers, 1, NULL);
		/* a partitioned table's, too, has the row with it */
		info->ri_RelationDesc->rd_rel->relkind = RELKIND_FOREIGN_TABLE;
		estate->es_trig_target_relations = list_make1(info);
		AfterTriggerBeginQuery();
		queue_event(estate, info, event);
		executor_elsewhere_around(AfterTriggerEndQuery, estate);
		executor_level_close_found(estate, list_make1(info));
		ExecResetTupleTable(estate->es_tupleTable, false);
		FreeExecutorState(estate);
		executor_leave_role(caller);
	}
	if (relation != NULL)
		table_close(relation, NoLock);
}

/* true when the event's trigger is deferred no more */
static bool
is_due(const DeferredEvent *event)
{
	for (int i = list_length(settings) - 1; i >= 0; i--)
	{
		ConstraintSetting *setting = list_nth(settings, i);

		if (!OidIsValid(setting->trigger) || setting->trigger == event->trigger)
			return !setting->deferred;
	}
	return false;
}

static void
free_event(DeferredEvent *event)
{
	if (event->firedIn != InvalidSubTransactionId)
		nfired--;
	if (event->old != NULL)
		pfree(event->old);
	if (event->new != NULL)
		pfree(event->new);
	bms_free(event->updated);
	pfree(event);
}

static void
drop_fired(void)
{
	int			kept = 0;
	ListCell   *cell;

	if (IsSubTransaction() || firingDepth > 0)
		return;					/* invariant (2) */
	foreach(cell, events)
	{
		DeferredEvent *event = lfirst(cell);

		if (event->firedIn != InvalidSubTransactionId)
			free_event(event);
		else
			lfirst(list_nth_cell(events, kept++)) = event;
	}
	events = list_truncate(events, kept);
}

/* what is fired may add more */
static bool
go_through_events(bool all, MemoryContext context)
{
	bool		found = false;

	for (int i = 0; i < list_length(events); i++)
	{
		DeferredEvent *event = list_nth(events, i);

		CHECK_FOR_INTERRUPTS();
		if (event->firedIn != InvalidSubTransactionId || (!all && !is_due(event)))
			continue;
		if (!found)
			PushActiveSnapshot(GetTransactionSnapshot());
		found = true;
		CommandCounterIncrement();
		UpdateActiveSnapshotCommandId();
		fire_event(event);
		MemoryContextReset(context);
	}
	if (found)
		PopActiveSnapshot();
	return found;
}

/* fires what waits, all of it or what SET CONSTRAINTS made immediate; true if there was any */
static bool
fire_waiting(bool all)
{
	MemoryContext context;
	MemoryContext caller;
	volatile bool found = false;

	if (events == NIL)
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "citus deferred triggers",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	firingDepth++;
	PG_TRY();
	{
		found = go_through_events(all, context);
	}
	PG_FINALLY();
	{
		firingDepth--;
	}
	PG_END_TRY();
	drop_fired();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return found;
}

/* SET CONSTRAINTS: triggers is a list of their OIDs, NIL means all */
void
executor_constraints_set(List *triggers, bool all, bool deferred)
{
	ListCell   *cell;

	if (all)
		add_setting(InvalidOid, deferred);
	foreach(cell, triggers)
		add_setting(lfirst_oid(cell), deferred);
	if (!deferred)
		(void) fire_waiting(false);
}

/* ---- the end of (sub)transactions ---- */

/* the server's own deferred triggers have been fired; more may come of ours */
static void
fire_all(void)
{
	while (fire_waiting(true))
		AfterTriggerFireDeferred();
}

static void
forget_subtransaction(SubTransactionId subid)
{
	ListCell   *cell;

	while (events != NIL && ((DeferredEvent *) llast(events))->subid >= subid)
	{
		free_event(llast(events));
		events = list_delete_last(events);
	}
	foreach(cell, nfired > 0 ? events : NIL)
	{
		DeferredEvent *event = lfirst(cell);

		if (event->firedIn == subid)
		{
			event->firedIn = InvalidSubTransactionId;
			nfired--;
		}
	}
	foreach(cell, settings)
	{
		if (((ConstraintSetting *) lfirst(cell))->subid == subid)
			settings = foreach_delete_current(settings, cell);
	}
}

static void
hand_to_parent(SubTransactionId subid, SubTransactionId parent)
{
	ListCell   *cell;

	for (int i = list_length(events) - 1; i >= 0; i--)
	{
		DeferredEvent *event = list_nth(events, i);

		if (event->subid < subid)
			break;				/* invariant (3) */
		event->subid = parent;
	}
	foreach(cell, nfired > 0 ? events : NIL)
	{
		DeferredEvent *event = lfirst(cell);

		if (event->firedIn == subid)
			event->firedIn = parent;
	}
	foreach(cell, settings)
	{
		ConstraintSetting *setting = lfirst(cell);

		if (setting->subid == subid)
			setting->subid = parent;
	}
}

static void
on_lifecycle(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	switch (event)
	{
		case LIFECYCLE_PRE_COMMIT:
		case LIFECYCLE_PRE_PREPARE:
			fire_all();
			break;
		case LIFECYCLE_SUB_ABORT:
			forget_subtransaction(subid);
			break;
		case LIFECYCLE_SUB_COMMIT:
			hand_to_parent(subid, parent);
			break;
		case LIFECYCLE_COMMIT:
		case LIFECYCLE_ABORT:
		case LIFECYCLE_PREPARE:
			events = settings = NIL;
			nfired = firingDepth = 0;
			executor_triggers_forget();
			break;
		default:
			break;
	}
}

void
executor_triggers_init(void)
{
	base_lifecycle_register(PHASE_EXECUTOR, on_lifecycle);
}
