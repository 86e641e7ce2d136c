/*
 * watches.c
 *	  Foreign keys to a distributed table that only one node knows.
 *
 * A table of one node only may reference a distributed table.  So that other nodes do not change
 * rows that it refers to as if nobody did, all nodes' shells have a *watch* for such a foreign key:
 * two internal triggers (DELETE, UPDATE), which ask the node that has the key when rows go or
 * change (executor's elsewhere.c).  What they are about is in their arguments:
 *
 *		0	the group of the node
 *		1	the key as that node tells it: oid of the constraint, ON DELETE, ON UPDATE,
 *			deferrable, initially deferred; names of its schema, itself, the referenced columns
 *		2	oid of the relation here, and numbers of these columns
 *
 * On the node itself nothing asks them: there the foreign key's own triggers act.  A partition is
 * watched by what watches its parents.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "citus/base/session.h"
#include "catalog/catalog_internal.h"

#define WATCH_ARGUMENTS 3

Oid
catalog_watch_function(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	return base_own_function("referenced_elsewhere", 0, NULL, &functionOid, &extensionOid);
}

bool
catalog_trigger_is_watch(const Trigger *trigger)
{
	return trigger->tgisinternal && trigger->tgnargs == WATCH_ARGUMENTS &&
		trigger->tgfoid == catalog_watch_function();
}

/* raises XX000 for arguments that are none of ours */
void
catalog_watch_read(const Trigger *trigger, Watch *watch)
{
	char	   *next = trigger->tgargs[2];
	char		onDelete;
	char		onUpdate;

	watch->groupId = pg_strtoint32(trigger->tgargs[0]);
	watch->key = trigger->tgargs[1];
	if (sscanf(watch->key, "%u %c %c", &watch->constraint, &onDelete, &onUpdate) != 3)
		elog(ERROR, "trigger \"%s\" has wrong arguments", trigger->tgname);
	watch->action = TRIGGER_FOR_DELETE(trigger->tgtype) ? onDelete : onUpdate;
	watch->relid = (Oid) strtoul(next, &next, 10);
	watch->ncolumns = 0;
	while (*next != '\0' && watch->ncolumns < INDEX_MAX_KEYS)
		watch->columns[watch->ncolumns++] = (AttrNumber) strtol(next, &next, 10);
}

static List *
add_watches(List *watches, Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	GroupId		local = catalog_local_group();
	TriggerDesc *copy = NULL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Watch		watch;

		if (!catalog_trigger_is_watch(&triggers->triggers[i]))
			continue;
		catalog_watch_read(&triggers->triggers[i], &watch);
		if (watch.groupId == local)
			continue;
		if (copy == NULL)
			copy = CopyTriggerDesc(triggers);
		watches = lappend(watches, &copy->triggers[i]);
	}
	return watches;
}

List *
catalog_watches(Relation relation)
{
	List	   *watches = add_watches(NIL, relation);
	ListCell   *cell;

	if (!relation->rd_rel->relispartition)
		return watches;
	foreach(cell, get_partition_ancestors(RelationGetRelid(relation)))
	{
		Relation	ancestor = table_open(lfirst_oid(cell), AccessShareLock);

		/* they are copies; a statement that asks before it locks its tables must hold nothing */
		watches = add_watches(watches, ancestor);
		table_close(ancestor, AccessShareLock);
	}
	return watches;
}

List *
catalog_watch_keys(Relation relation, GroupId groupId, List **triggerIds)
{
	TriggerDesc *triggers = relation->trigdesc;
	List	   *keys = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Watch		watch;

		if (!catalog_trigger_is_watch(&triggers->triggers[i]))
			continue;
		catalog_watch_read(&triggers->triggers[i], &watch);
		if (watch.groupId != groupId)
			continue;
		if (triggerIds != NULL)
			*triggerIds = lappend_oid(*triggerIds, triggers->triggers[i].tgoid);
		keys = list_append_unique(keys, makeString(pstrdup(watch.key)));
	}
	return keys;
}
