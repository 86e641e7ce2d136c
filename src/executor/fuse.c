/*
 * fuse.c
 *	  Quick statements over several shards: the tasks of a node as one statement.
 *
 * A task costs a statement on the other side: parsed, planned, started, answered.  For a query that
 * reads few rows of each of many shards that is nearly all it costs.  A statement that takes little
 * time is sent as one a node, with UNION ALL, which the other side keeps prepared.  It is cut into
 * tasks again, for a while, when it takes longer than the tasks did and longer than the scheduler
 * waits with further connections, several times in turn: a busy machine is slow with everything.
 *
 * Invariant: which statements are quick is a guess about time only; forgetting it, or being wrong,
 * changes no row.
 *
 * Main path: executor_fuse_key(), executor_fuse(), after the run executor_fuse_learn().
 */
#include "postgres.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/hsearch.h"
#include "executor/executor_internal.h"

#define MAX_FUSED_TASKS		100
#define MAX_FUSED_LENGTH	(64 * 1024)
#define MAX_QUICK			512
#define MAX_SLOW_RUNS		3
#define APART_RUNS			100

/* a statement is worth trying when its tasks took less than some times the slow start interval */
#define IS_SHORT(ms) ((ms) < 5L * executor_slow_start_ms)

typedef struct QuickStatement
{
	uint64		key;
	bool		together;
	long		apartMs;		/* what the tasks took */
	int			slowRuns;		/* in turn, together */
	int			apartRuns;		/* to come before it is tried again */
} QuickStatement;

static HTAB *quick = NULL;

/*
 * The first task stands for all: the others are the same text for other shards.  Values of
 * parameters are left out, the number of shards is not.
 */
uint64
executor_fuse_key(const Fragment *fragment, List *tasks)
{
	ExecutorTask *first;
	uint64		key;

	if (fragment->target != FRAGMENT_SHARDS || fragment->command != CMD_SELECT ||
		!fragment->returnsRows || fragment->hasRowLocks || fragment->hasModifyingCte ||
		fragment->movements != NIL ||
		list_length(tasks) < 2 || executor_force_parallel || executor_slow_start_ms == 0)
		return 0;
	first = linitial(tasks);
	key = hash_bytes_extended((const unsigned char *) first->sql, strlen(first->sql),
							  list_length(tasks));
	return key == 0 ? 1 : key;
}

static QuickStatement *
find_quick(uint64 key)
{
	return key == 0 || quick == NULL ? NULL : hash_search(quick, &key, HASH_FIND, NULL);
}

/* one place, another node; the task's text is all that is to be said about it */
static bool
may_fuse(const ExecutorTask *task)
{
	return !task->local && !task->copy && task->ncandidates == 1;
}

/* tasks of one node that become one; n 0: a task that stays as it is */
typedef struct Bundle
{
	ExecutorTask *task;
	int			n;
	StringInfoData sql;
} Bundle;

/* the bundle that takes the task, a new one if necessary */
static Bundle *
bundle_for(ExecutorTask *task, Bundle *bundles, int *nbundles)
{
	Bundle	   *bundle;

	for (int i = 0; i < *nbundles && may_fuse(task); i++)
	{
		bundle = &bundles[i];
		if (bundle->n > 0 && bundle->n < MAX_FUSED_TASKS && bundle->sql.len < MAX_FUSED_LENGTH &&
			bundle->task->candidates[0]->id == task->candidates[0]->id)
			return bundle;
	}
	bundle = &bundles[(*nbundles)++];
	bundle->n = 0;
	bundle->task = memcpy(palloc(sizeof(ExecutorTask)), task, sizeof(ExecutorTask));
	initStringInfo(&bundle->sql);
	return bundle;
}

/*
 * The tasks of each node as one, as far as texts are not too long.  Allocates in the current
 * context; the tasks themselves are not changed.  With resultDesc, what became one gets a name.
 */
List *
executor_fuse_all(List *tasks, TupleDesc resultDesc)
{
	List	   *fused = NIL;
	Bundle	   *bundles = palloc(sizeof(Bundle) * list_length(tasks));
	int			nbundles = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);
		Bundle	   *bundle = bundle_for(task, bundles, &nbundles);

		if (may_fuse(task))
			appendStringInfo(&bundle->sql, bundle->n++ == 0 ? "(%s)" : " UNION ALL (%s)",
							 task->sql);
	}
	for (int i = 0; i < nbundles; i++)
	{
		ExecutorTask *task = bundles[i].task;

		if (bundles[i].n > 1)
		{
			task->sql = bundles[i].sql.data;
			if (resultDesc != NULL)
				task->statementName = executor_task_name(task, resultDesc);
		}
		fused = lappend(fused, task);
	}
	return fused;
}

List *
executor_fuse(uint64 key, List *tasks, TupleDesc resultDesc)
{
	QuickStatement *entry = find_quick(key);

	if (entry == NULL || !entry->together)
		return tasks;
	return executor_fuse_all(tasks, resultDesc);
}

/* how long the tasks that ran took together; -1: nothing to be learnt from them */
static long
elapsed_ms(List *tasks)
{
	TimestampTz started = 0;
	TimestampTz ended = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->local)
			continue;
		if (task->state != TASK_DONE)
			return -1;
		if (started == 0 || task->started < started)
			started = task->started;
		ended = Max(ended, task->ended);
	}
	return started == 0 ? -1 : TimestampDifferenceMilliseconds(started, ended);
}

static QuickStatement *
make_quick(uint64 key)
{
	QuickStatement *entry;
	bool		found;

	/* those that still come will soon be known again */
	if (quick != NULL && hash_get_num_entries(quick) >= MAX_QUICK && find_quick(key) == NULL)
	{
		hash_destroy(quick);
		quick = NULL;
	}
	if (quick == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(QuickStatement)};

		quick = hash_create("citus quick statements", MAX_QUICK, &control,
							HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(quick, &key, HASH_ENTER, &found);
	if (!found)
		memset((char *) entry + sizeof(key), 0, sizeof(QuickStatement) - sizeof(key));
	return entry;
}

static void
learn_together(QuickStatement *entry, long elapsed)
{
	if (elapsed <= Max(executor_slow_start_ms, entry->apartMs))
		entry->slowRuns = 0;
	else if (++entry->slowRuns >= MAX_SLOW_RUNS)
	{
		entry->together = false;
		entry->apartRuns = APART_RUNS;
	}
}

static void
learn_apart(uint64 key, long elapsed)
{
	QuickStatement *entry = find_quick(key);

	if (entry != NULL && entry->apartRuns > 0)
		entry->apartRuns--;
	else if (IS_SHORT(elapsed))
	{
		entry = make_quick(key);
		entry->together = true;
		entry->apartMs = elapsed;
		entry->slowRuns = 0;
	}
}

void
executor_fuse_learn(uint64 key, List *tasks, bool together)
{
	long		elapsed = key == 0 ? -1 : elapsed_ms(tasks);
	QuickStatement *entry = find_quick(key);

	if (elapsed < 0)
		return;
	if (!together)
		learn_apart(key, elapsed);
	else if (entry != NULL && entry->together)
		learn_together(entry, elapsed);
}
