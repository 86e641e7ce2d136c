/*
 * planner_triggers.c
 *	  Which triggers a statement fires.
 *
 * They fire on this node (executor/triggers.c).  Statement triggers leave the plan as it is; a row
 * trigger, or a transition table, makes the statement one whose rows come here: INSERT computes
 * them here and sends them, UPDATE, DELETE and MERGE find them first (planner_change.c).  So does a
 * foreign key that acts here (catalog's actions.c) when rows go, or get other values, that it may
 * refer to; a statement depends on the triggers of tables that were looked at for it.
 *
 * Main path: planner_fires().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "citus/catalog/catalog.h"
#include "citus/deparse/template.h"
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
	if (list_member_int(spec->commands, CMD_UPDATE))
		spec->updated = list_concat_unique_int(spec->updated, deparse_generated_columns(query));
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

/* Look: what is found out about the triggers of a statement */
typedef struct Look
{
	const FireSpec *spec;
	bool		any;			/* some fire */
	bool		rows;			/* for rows, or with transition tables */
	List	   *looked;			/* OIDs of other tables whose triggers were looked at */
} Look;

/* true if the statement gives columns other values that a foreign key's trigger is there for */
static bool
updates_referenced(const Look *look, const Trigger *trigger)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(trigger->tgconstraint));
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
	int			count;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", trigger->tgconstraint);
	DeconstructFkConstraintRow(tuple, &count, own, referenced, NULL, NULL, NULL, NULL, NULL);
	ReleaseSysCache(tuple);
	for (int i = 0; i < count; i++)
	{
		if (list_member_int(look->spec->updated, referenced[i]))
			return true;
	}
	return false;
}

/* foreign keys to the relation may act here; numbers of columns are the statement's at the root */
static void
look_at_referenced(Look *look, Relation relation, const Events *events, bool root)
{
	const TriggerDesc *triggers = relation->trigdesc;
	List	   *concerned = NIL;
	List	   *acting;
	ListCell   *cell;

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (catalog_trigger_is_referenced(trigger) && concerns(trigger, events) &&
			!(root && TRIGGER_FOR_UPDATE(trigger->tgtype) && !updates_referenced(look, trigger)))
			concerned = lappend_oid(concerned, trigger->tgconstrrelid);
	}
	if (concerned == NIL)
		return;
	acting = catalog_acting_here(relation, &look->looked);
	foreach(cell, concerned)
	{
		if (list_member_oid(acting, lfirst_oid(cell)))
			look->any = look->rows = true;
	}
}

/* root: the relation is the one that the statement names */
static void
look_at(Look *look, Relation relation, const Events *events, bool root)
{
	const TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		bool		forRow = TRIGGER_FOR_ROW(trigger->tgtype);

		if (trigger->tgisinternal || !concerns(trigger, events) || (!root && !forRow))
			continue;
		look->any = true;
		look->rows |= forRow || trigger->tgoldtable != NULL || trigger->tgnewtable != NULL;
	}
	if (triggers != NULL && (events->updates || events->deletes))
		look_at_referenced(look, relation, events, root);
	if ((events->updates || events->deletes) && catalog_watches(relation) != NIL)
		look->any = look->rows = true;
}

/* an UPDATE of partitions may delete rows from one and insert them into another */
static void
look_at_partitions(Look *look, Events events)
{
	Oid			relid = look->spec->relid;
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
		look_at(look, relation, &events, false);
		table_close(relation, NoLock);
	}
}

/* the spec, or NULL when nothing fires; adds to *looked, which may be NULL */
static FireSpec *
with_triggers(FireSpec *spec, List **looked)
{
	Relation	relation = table_open(spec->relid, AccessShareLock);
	Look		look = {.spec = spec};
	Events		events;

	events.inserts = list_member_int(spec->commands, CMD_INSERT);
	events.updates = list_member_int(spec->commands, CMD_UPDATE);
	events.deletes = list_member_int(spec->commands, CMD_DELETE);
	look_at(&look, relation, &events, true);
	if (relation->rd_rel->relhassubclass)
		look_at_partitions(&look, events);
	table_close(relation, NoLock);
	if (looked != NULL)
		*looked = list_concat_unique_oid(*looked, look.looked);
	if (!look.any)
		return NULL;
	spec->rows = look.rows;
	return spec;
}

FireSpec *
planner_fires(Query *query, List **looked)
{
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	Relation	relation = table_open(relid, AccessShareLock);
	bool		none = relation->trigdesc == NULL && !relation->rd_rel->relhassubclass &&
		!relation->rd_rel->relispartition;

	table_close(relation, NoLock);
	return none ? NULL : with_triggers(describe_statement(query), looked);
}

/* the triggers that COPY fires, which is not planned */
FireSpec *
planner_fires_copy(Oid relid)
{
	FireSpec   *spec = plan_fire_make();

	spec->relid = relid;
	spec->command = CMD_INSERT;
	add_command(spec, CMD_INSERT);
	return with_triggers(spec, NULL);
}
