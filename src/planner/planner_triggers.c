/*
 * planner_triggers.c
 *	  Which triggers a statement fires.
 *
 * They fire on this node (executor/triggers.c).  Statement triggers leave the plan as it is; a row
 * trigger, or a transition table, makes the statement one whose rows come here: INSERT computes
 * them here and sends them, UPDATE, DELETE and MERGE find them first (planner_change.c).
 *
 * Main path: planner_fires().
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/planner/planner.h"
#include "planner_internal.h"

/* what the rows of a statement may go through */
typedef struct Events
{
	bool		inserts;
	bool		updates;
	bool		deletes;
} Events;

/* ---- what the statement does ---- */

static void
add_command(FireSpec *spec, CmdType command)
{
	spec->commands = list_append_unique_int(spec->commands, command);
}

static void
add_updated(FireSpec *spec, List *targetList)
{
	ListCell   *lc;

	add_command(spec, CMD_UPDATE);
	foreach(lc, targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			spec->updated = list_append_unique_int(spec->updated, tle->resno);
	}
}

static FireSpec *
describe_statement(Query *query)
{
	FireSpec   *spec = plan_fire_make();
	ListCell   *lc;

	spec->relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	spec->command = query->commandType;
	if (query->commandType == CMD_UPDATE)
		add_updated(spec, query->targetList);
	else if (query->commandType != CMD_MERGE)
		add_command(spec, query->commandType);
	if (query->onConflict != NULL && query->onConflict->action == ONCONFLICT_UPDATE)
		add_updated(spec, query->onConflict->onConflictSet);
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_UPDATE)
			add_updated(spec, action->targetList);
		else if (action->commandType != CMD_NOTHING)
			add_command(spec, action->commandType);
	}
	return spec;
}

/* ---- triggers ---- */

static bool
concerns(const Trigger *trigger, const Events *events)
{
	return (events->inserts && TRIGGER_FOR_INSERT(trigger->tgtype)) ||
		(events->updates && TRIGGER_FOR_UPDATE(trigger->tgtype)) ||
		(events->deletes && TRIGGER_FOR_DELETE(trigger->tgtype));
}

/* looks at users' triggers of a relation; root: it is the one that the statement names */
static void
look_at(const TriggerDesc *triggers, const Events *events, bool root, bool *any, bool *rows)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		bool		forRow = TRIGGER_FOR_ROW(trigger->tgtype);

		if (trigger->tgisinternal || !concerns(trigger, events) || (!root && !forRow))
			continue;
		*any = true;
		*rows |= forRow || trigger->tgoldtable != NULL || trigger->tgnewtable != NULL;
	}
}

/* an UPDATE of partitions may delete rows from one and insert them into another */
static void
look_at_partitions(Oid relid, Events events, bool *any, bool *rows)
{
	List	   *relids = find_all_inheritors(relid, AccessShareLock, NULL);
	ListCell   *lc;

	if (events.updates && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		events.inserts = events.deletes = true;
	foreach(lc, relids)
	{
		Relation	relation;

		if (lfirst_oid(lc) == relid)
			continue;
		relation = table_open(lfirst_oid(lc), NoLock);
		look_at(relation->trigdesc, &events, false, any, rows);
		table_close(relation, NoLock);
	}
}

static FireSpec *
with_triggers(FireSpec *spec)
{
	Relation	relation = table_open(spec->relid, AccessShareLock);
	Events		events;
	bool		any = false;
	bool		rows = false;

	events.inserts = list_member_int(spec->commands, CMD_INSERT);
	events.updates = list_member_int(spec->commands, CMD_UPDATE);
	events.deletes = list_member_int(spec->commands, CMD_DELETE);
	look_at(relation->trigdesc, &events, true, &any, &rows);
	if (relation->rd_rel->relhassubclass)
		look_at_partitions(spec->relid, events, &any, &rows);
	table_close(relation, NoLock);
	if (!any)
		return NULL;
	spec->rows = rows;
	return spec;
}

FireSpec *
planner_fires(Query *query)
{
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	Relation	relation = table_open(relid, AccessShareLock);
	bool		none = relation->trigdesc == NULL && !relation->rd_rel->relhassubclass;

	table_close(relation, NoLock);
	return none ? NULL : with_triggers(describe_statement(query));
}

/* the triggers that COPY fires, which is not planned */
FireSpec *
planner_fires_copy(Oid relid)
{
	FireSpec   *spec = plan_fire_make();

	spec->relid = relid;
	spec->command = CMD_INSERT;
	add_command(spec, CMD_INSERT);
	return with_triggers(spec);
}
