/*
 * triggers_level.c
 *	  Statements whose AFTER triggers are called together.
 *
 * The server calls AFTER triggers at the end of a level of queries, which is a statement's.  What a
 * foreign key does for the statement's rows belongs to the same level: its function runs a query of
 * its own for each row, while the triggers of the level are being called, and leaves what that
 * fires to it.  So statement triggers fire once for all of these rows, and transition tables have
 * them all.  A run of such a query shares the level of the run that is ending.
 *
 * At the end the server looks for the relations of events in the list of one estate, that of the
 * level's run.  What it does not find it opens itself, which is right for tables of this node.
 *
 * Invariants: (1) a relation of ours is in the list before an event of it is kept, with each of the
 * triggers that the event may be of: the server reads the rows of events one after another, and
 * those of an event that it leaves out would be taken for the next one's; (2) it stays open until
 * the level has ended; (3) ending is the innermost run whose AFTER triggers are being called.
 *
 * Main path: executor_level_enter(); executor_level_announce() for each relation;
 * executor_level_end() by the run that has opened the level.
 */
#include "postgres.h"
#include "access/table.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "executor/triggers_internal.h"

static TriggerRun *ending = NULL;

/* how many triggers' functions are under way */
static int
trigger_depth(void)
{
	return DatumGetInt32(pg_trigger_depth(NULL));
}

/*
 * executor_level_enter
 *		Gives the run its level: with the executor's flags of a foreign key's query that of the
 *		run whose triggers are being called, a new one otherwise.
 */
void
executor_level_enter(TriggerRun *run, int eflags)
{
	if ((eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0 && ending != NULL &&
		trigger_depth() == ending->depth + 1)
	{
		run->level = ending;
		return;
	}
	run->level = run;
	AfterTriggerBeginQuery();
}

static ResultRelInfo *
find_announced(const TriggerRun *level, Oid relid)
{
	ListCell   *cell;

	foreach(cell, level->announced)
	{
		ResultRelInfo *info = lfirst(cell);

		if (RelationGetRelid(info->ri_RelationDesc) == relid)
			return info;
	}
	return NULL;
}

/* as long as the relation is open, triggers only come to it */
static bool
has_triggers(const ResultRelInfo *info, int count)
{
	return count == 0 || (info->ri_TrigDesc != NULL && info->ri_TrigDesc->numtriggers >= count);
}

/*
 * executor_level_announce
 *		The relation, which is open, may have events of so many triggers.  The server looks for one
 *		that is below no other; rows of a partitioned table, too, are kept as a whole.
 */
void
executor_level_announce(TriggerRun *run, Relation relation, int ntriggers)
{
	TriggerRun *level = run->level;
	ResultRelInfo *info = find_announced(level, RelationGetRelid(relation));
	MemoryContext caller;

	if (info != NULL && has_triggers(info, ntriggers))
		return;
	caller = MemoryContextSwitchTo(level->context);
	if (level != run)
		level->opened = lappend(level->opened,
								table_open(RelationGetRelid(relation), NoLock));
	info = executor_triggers_info(relation, executor_triggers_choose(relation, NULL), 0, NULL);
	info->ri_RelationDesc->rd_rel->relkind = RELKIND_FOREIGN_TABLE;
	level->announced = lcons(info, level->announced);
	level->estate->es_trig_target_relations = lcons(info,
													level->estate->es_trig_target_relations);
	MemoryContextSwitchTo(caller);
}

/*
 * executor_level_close_found
 *		Closes what the server has opened for AFTER triggers of relations that are not announced.
 */
void
executor_level_close_found(EState *estate, const List *announced)
{
	ListCell   *cell;

	foreach(cell, estate->es_trig_target_relations)
	{
		ResultRelInfo *info = lfirst(cell);

		if (!list_member_ptr(announced, info))
			table_close(info->ri_RelationDesc, NoLock);
	}
}

/* calls AFTER triggers of a run that has a level of its own, and of all that share it */
void
executor_level_end(TriggerRun *run)
{
	TriggerRun *outer = ending;
	ListCell   *cell;

	Assert(run->level == run);
	run->depth = trigger_depth();
	PG_TRY();
	{
		ending = run;
		executor_elsewhere_around(AfterTriggerEndQuery, run->estate);
	}
	PG_FINALLY();
	{
		ending = outer;
	}
	PG_END_TRY();
	executor_level_close_found(run->estate, run->announced);
	foreach(cell, run->opened)
		table_close(lfirst(cell), NoLock);
}

/* after an error no trigger is being called any more */
void
executor_level_forget(void)
{
	ending = NULL;
}
