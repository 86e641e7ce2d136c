/*
 * triggers_keys.c
 *	  Foreign keys among the triggers that fire: which of them an event of a row concerns.
 *
 * The server leaves out foreign keys that need not follow an event: the row had no key, or has it
 * still.  It finds that out when it has marked the row, kept as a whole, as the one that the event
 * is to read, so that the next trigger would have none, and later ones those of others (foreign
 * tables, for which it keeps rows so, have no foreign keys).  So they are disabled before.
 *
 * Invariant: a trigger's place among those of its relation stays, for the server keeps what it has
 * made of its condition by that.
 */
#include "postgres.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "utils/rel.h"
#include "executor/triggers_internal.h"

static bool
is_of_foreign_key(const Trigger *trigger)
{
	return catalog_trigger_is_referenced(trigger) || catalog_trigger_is_watch(trigger);
}

/* true if the trigger is of a foreign key to the relation itself, and not to a parent of it */
static bool
is_of_key_to(const Trigger *trigger, Oid relid)
{
	Watch		watch;

	if (catalog_trigger_is_referenced(trigger))
		return !trigger->tgisclone;
	if (!catalog_trigger_is_watch(trigger))
		return false;
	catalog_watch_read(trigger, &watch);
	return watch.relid == relid;
}

bool
executor_key_leaves(const Trigger *trigger, const FireTarget *departed)
{
	return is_of_foreign_key(trigger) &&
		!is_of_key_to(trigger, RelationGetRelid(departed->relation));
}

TriggerDesc *
executor_keys_of(const TriggerDesc *triggers)
{
	TriggerDesc *keys = palloc0(sizeof(TriggerDesc));

	keys->triggers = palloc0(sizeof(Trigger) * (triggers == NULL ? 0 : triggers->numtriggers));
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (is_of_foreign_key(&triggers->triggers[i]))
			executor_triggers_add(keys, &triggers->triggers[i]);
	}
	return keys->numtriggers == 0 ? NULL : keys;
}

static bool
concerns(const Trigger *trigger, Relation relation, const FireTarget *departed,
		 TupleTableSlot *old, TupleTableSlot *new)
{
	if (departed != NULL && executor_key_leaves(trigger, departed))
		return false;
	return !catalog_trigger_is_referenced(trigger) ||
		RI_FKey_pk_upd_check_required(unconstify(Trigger *, trigger), relation, old, new);
}

/* NULL: none was disabled */
char *
executor_keys_leave(ResultRelInfo *info, const FireTarget *departed, TupleTableSlot *old,
					TupleTableSlot *new)
{
	TriggerDesc *triggers = info->ri_TrigDesc;
	char	   *enabled = NULL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (concerns(trigger, info->ri_RelationDesc, departed, old, new))
			continue;
		if (enabled == NULL)
			enabled = palloc0(triggers->numtriggers);
		enabled[i] = trigger->tgenabled;
		trigger->tgenabled = TRIGGER_DISABLED;
	}
	return enabled;
}

void
executor_keys_restore(ResultRelInfo *info, char *enabled)
{
	if (enabled == NULL)
		return;
	for (int i = 0; i < info->ri_TrigDesc->numtriggers; i++)
	{
		if (enabled[i] != '\0')
			info->ri_TrigDesc->triggers[i].tgenabled = enabled[i];
	}
	pfree(enabled);
}

/* as the server does not know where such a row goes, for a foreign key to a part of the table */
void
executor_keys_refuse_move(const TriggerRun *run, const FireTarget *from)
{
	const char *root = RelationGetRelationName(run->root->relation);
	ListCell   *cell;

	foreach(cell, get_partition_ancestors(RelationGetRelid(from->relation)))
	{
		Relation	ancestor;
		List	   *deferred = NIL;
		TriggerDesc *triggers;

		if (lfirst_oid(cell) == RelationGetRelid(run->root->relation))
			break;
		ancestor = table_open(lfirst_oid(cell), AccessShareLock);
		triggers = executor_triggers_choose(ancestor, &deferred);
		for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		{
			if (is_of_key_to(&triggers->triggers[i], lfirst_oid(cell)))
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot move tuple across partitions when a non-root ancestor of "
								"the source partition is directly referenced in a foreign key"),
						 errdetail("A foreign key points to ancestor \"%s\" but not the root "
								   "ancestor \"%s\".", RelationGetRelationName(ancestor), root),
						 errhint("Consider defining the foreign key on table \"%s\".", root)));
		}
		table_close(ancestor, NoLock);
	}
}
