/*
 * actions.c
 *	  Which foreign keys act on the node that runs a statement, and not within the shards.
 *
 * What a foreign key asks for when a row goes, or changes, that others refer to is done by the
 * triggers of the row's shard, as long as the rows that refer to it are in the same shard group,
 * stay there, and nobody else needs to see what happens to them.  Otherwise the triggers of the
 * shell do it, on the node that runs the statement (executor's triggers.c):
 *
 *		the rows that refer are in a table of this node only
 *		their distribution column changes, so that they move to other shards
 *		triggers of users fire for them, or a foreign key to them acts here
 *		a foreign key to them is known to another node only (watches.c)
 *
 * It is decided for all foreign keys between two tables alike.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/catalog_internal.h"

/* Walk: tables whose rows have been looked at, by what happens to them */
typedef struct Walk
{
	List	   *deleted;
	List	   *updated;
} Walk;

static bool acts_here(const Trigger *trigger, Walk *walk);

/* what the trigger does with rows that refer: FKCONSTR_ACTION_ */
static char
action_of(const Trigger *trigger)
{
	switch (trigger->tgfoid)
	{
		case F_RI_FKEY_CASCADE_DEL:
		case F_RI_FKEY_CASCADE_UPD:
			return FKCONSTR_ACTION_CASCADE;
		case F_RI_FKEY_SETNULL_DEL:
		case F_RI_FKEY_SETNULL_UPD:
			return FKCONSTR_ACTION_SETNULL;
		case F_RI_FKEY_SETDEFAULT_DEL:
		case F_RI_FKEY_SETDEFAULT_UPD:
			return FKCONSTR_ACTION_SETDEFAULT;
		default:
			return FKCONSTR_ACTION_NOACTION;
	}
}

bool
catalog_trigger_is_referenced(const Trigger *trigger)
{
	return trigger->tgisinternal && OidIsValid(trigger->tgconstrrelid) &&
		RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK;
}

static bool
contains(const AttrNumber *columns, int count, AttrNumber attno)
{
	for (int i = 0; i < count; i++)
	{
		if (columns[i] == attno)
			return true;
	}
	return false;
}

/*
 * Rows that follow a row of another, colocated table do so by a statement of their own anyway
 * (executor's change_move.c).
 */
static bool
follows_colocated(const DistTable *table, Form_pg_constraint form)
{
	const DistTable *referenced = catalog_table_get(form->confrelid);

	return referenced != NULL && form->confrelid != form->conrelid &&
		referenced->colocationId == table->colocationId;
}

/* true if the action gives the distribution column of the rows that refer another value */
static bool
changes_key(Oid constraintId, const DistTable *table, char action, bool onDelete)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraintId));
	Form_pg_constraint form;
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
	AttrNumber	set[INDEX_MAX_KEYS];
	int			count;
	int			setCount;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraintId);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	DeconstructFkConstraintRow(tuple, &count, own, referenced, NULL, NULL, NULL, &setCount, set);
	if (onDelete && setCount > 0)
		result = contains(set, setCount, table->keyAttno);
	else
		result = contains(own, count, table->keyAttno);
	if (action == FKCONSTR_ACTION_CASCADE)
		result = result && !onDelete && !follows_colocated(table, form);
	ReleaseSysCache(tuple);
	return result;
}

static bool
concerns(const Trigger *trigger, bool deletes)
{
	return deletes ? TRIGGER_FOR_DELETE(trigger->tgtype) : TRIGGER_FOR_UPDATE(trigger->tgtype);
}

/* true if somebody sees rows of the table being deleted, or else updated, but their shard */
static bool
rows_are_watched(Oid relid, bool deletes, Walk *walk)
{
	List	  **seen = deletes ? &walk->deleted : &walk->updated;
	Relation	relation;
	TriggerDesc *triggers;
	bool		result = false;

	if (list_member_oid(*seen, relid))
		return false;
	*seen = lappend_oid(*seen, relid);
	relation = table_open(relid, AccessShareLock);
	triggers = relation->trigdesc;
	for (int i = 0; !result && triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (concerns(trigger, deletes))
			result = !trigger->tgisinternal ||
				(catalog_trigger_is_referenced(trigger) && acts_here(trigger, walk));
	}
	result = result || catalog_watches(relation) != NIL;
	if (!result && relation->rd_rel->relhassubclass)
	{
		ListCell   *cell;

		foreach(cell, find_inheritance_children(relid, AccessShareLock))
			result |= rows_are_watched(lfirst_oid(cell), deletes, walk);
	}
	table_close(relation, NoLock);
	return result;
}

static bool
acts_here(const Trigger *trigger, Walk *walk)
{
	const DistTable *table = catalog_table_get(trigger->tgconstrrelid);
	bool		onDelete = TRIGGER_FOR_DELETE(trigger->tgtype);
	char		action = action_of(trigger);

	if (table == NULL)
		return true;
	if (action == FKCONSTR_ACTION_NOACTION)
		return false;
	if (DIST_TABLE_HAS_KEY(table) &&
		changes_key(trigger->tgconstraint, table, action, onDelete))
		return true;
	return rows_are_watched(table->relid, onDelete && action == FKCONSTR_ACTION_CASCADE, walk);
}

List *
catalog_acting_here(Relation relation, List **looked)
{
	TriggerDesc *triggers = relation->trigdesc;
	List	   *result = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		Walk		walk = {NIL, NIL};

		if (!catalog_trigger_is_referenced(trigger))
			continue;
		if (acts_here(trigger, &walk))
			result = list_append_unique_oid(result, trigger->tgconstrrelid);
		if (looked != NULL)
			*looked = list_concat_unique_oid(list_concat_unique_oid(*looked, walk.deleted),
											 walk.updated);
	}
	return result;
}
