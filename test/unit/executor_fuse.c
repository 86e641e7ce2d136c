/*
 * executor_fuse.c: which tasks become one statement, and when.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "executor/executor_internal.h"
#include "unit.h"

static ClusterNode a = {.id = 90001, .groupId = 90001, .name = "a", .port = 1};
static ClusterNode b = {.id = 90002, .groupId = 90002, .name = "b", .port = 1};

static Fragment *
make_select(void)
{
	Fragment   *fragment = plan_fragment_make();

	fragment->command = CMD_SELECT;
	fragment->target = FRAGMENT_SHARDS;
	fragment->returnsRows = true;
	return fragment;
}

static List *
add(List *tasks, const char *sql, const ClusterNode *node)
{
	ExecutorTask *task = palloc0(sizeof(ExecutorTask));

	task->index = list_length(tasks);
	task->sql = sql;
	task->candidates = palloc0(sizeof(ClusterNode *));
	task->candidates[0] = node;
	task->ncandidates = 1;
	return lappend(tasks, task);
}

static List *
make_tasks(const char *prefix)
{
	List	   *tasks = add(NIL, psprintf("%s 1", prefix), &a);

	tasks = add(tasks, psprintf("%s 2", prefix), &b);
	tasks = add(tasks, psprintf("%s 3", prefix), &a);
	return add(tasks, psprintf("%s 4", prefix), &a);
}

/* as if they had run */
static void
finish(List *tasks, int ms)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		task->state = TASK_DONE;
		task->started = now;
		task->ended = TimestampTzPlusMilliseconds(now, ms);
	}
}

UNIT_TEST(fuse_follows_what_was_quick)
{
	List	   *tasks = make_tasks("Q");
	uint64		key = executor_fuse_key(make_select(), tasks);
	TupleDesc	desc = CreateTemplateTupleDesc(1);
	List	   *fused;

	TupleDescInitEntry(desc, 1, "a", INT4OID, -1, 0);
	UNIT_ASSERT(key != 0);
	UNIT_ASSERT(executor_fuse(key, tasks, desc) == tasks);
	finish(tasks, 100 * executor_slow_start_ms);
	executor_fuse_learn(key, tasks, false);
	UNIT_ASSERT(executor_fuse(key, tasks, desc) == tasks);

	finish(tasks, 2 * executor_slow_start_ms);
	executor_fuse_learn(key, tasks, false);
	fused = executor_fuse(key, tasks, desc);
	UNIT_ASSERT_INT(2, list_length(fused));
	UNIT_ASSERT_STR("(Q 1) UNION ALL (Q 3) UNION ALL (Q 4)",
					((ExecutorTask *) linitial(fused))->sql);
	UNIT_ASSERT(((ExecutorTask *) linitial(fused))->statementName != NULL);
	UNIT_ASSERT_STR("Q 2", ((ExecutorTask *) lsecond(fused))->sql);
	UNIT_ASSERT_STR("Q 1", ((ExecutorTask *) linitial(tasks))->sql);
}

UNIT_TEST(fuse_ends_when_it_does_not_pay)
{
	List	   *tasks = make_tasks("E");
	uint64		key = executor_fuse_key(make_select(), tasks);
	List	   *fused;

	finish(tasks, 2 * executor_slow_start_ms);
	executor_fuse_learn(key, tasks, false);
	fused = executor_fuse(key, tasks, NULL);

	/* as slow as the tasks is not slow, nor is slow now and then */
	for (int i = 0; i < 9; i++)
	{
		UNIT_ASSERT_INT(2, list_length(executor_fuse(key, tasks, NULL)));
		finish(fused, (i % 3 == 0 ? 2 : 3) * executor_slow_start_ms);
		executor_fuse_learn(key, fused, true);
	}
	finish(fused, 3 * executor_slow_start_ms);
	executor_fuse_learn(key, fused, true);

	/* a while later it is tried again */
	for (int i = 0; i <= 100; i++)
	{
		UNIT_ASSERT(executor_fuse(key, tasks, NULL) == tasks);
		executor_fuse_learn(key, tasks, false);
	}
	UNIT_ASSERT_INT(2, list_length(executor_fuse(key, tasks, NULL)));
}

UNIT_TEST(fuse_learns_nothing_from_what_was_stopped)
{
	List	   *tasks = make_tasks("S");
	uint64		key = executor_fuse_key(make_select(), tasks);

	finish(tasks, 1);
	((ExecutorTask *) llast(tasks))->state = TASK_SENT;
	executor_fuse_learn(key, tasks, false);
	UNIT_ASSERT(executor_fuse(key, tasks, NULL) == tasks);
}

UNIT_TEST(fuse_leaves_others_alone)
{
	List	   *tasks = make_tasks("O");
	Fragment   *fragment = make_select();
	uint64		key = executor_fuse_key(fragment, tasks);
	List	   *fused;

	finish(tasks, 1);
	executor_fuse_learn(key, tasks, false);
	((ExecutorTask *) linitial(tasks))->local = true;
	((ExecutorTask *) lthird(tasks))->ncandidates = 2;
	fused = executor_fuse(key, tasks, NULL);
	UNIT_ASSERT_INT(4, list_length(fused));
	UNIT_ASSERT(((ExecutorTask *) linitial(fused))->local);
	UNIT_ASSERT_INT(2, ((ExecutorTask *) lthird(fused))->ncandidates);

	fragment->hasRowLocks = true;
	UNIT_ASSERT(executor_fuse_key(fragment, tasks) == 0);
	fragment = make_select();
	fragment->hasModifyingCte = true;
	UNIT_ASSERT(executor_fuse_key(fragment, tasks) == 0);
	fragment = make_select();
	fragment->command = CMD_UPDATE;
	UNIT_ASSERT(executor_fuse_key(fragment, tasks) == 0);
	UNIT_ASSERT(executor_fuse_key(make_select(), list_make1(linitial(tasks))) == 0);
}

UNIT_TEST(fuse_forgets_when_there_are_many)
{
	List	   *last = NIL;
	uint64		key = 0;

	for (int i = 0; i < 2000; i++)
	{
		last = make_tasks(psprintf("M%d", i));
		key = executor_fuse_key(make_select(), last);
		finish(last, 1);
		executor_fuse_learn(key, last, false);
		executor_fuse_learn(key, last, false);
	}
	executor_fuse_learn(key, last, false);
	UNIT_ASSERT_INT(2, list_length(executor_fuse(key, last, NULL)));
}
