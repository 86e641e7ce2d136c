/*
 * tasks.c
 *	  Fragment -> tasks: which shards remain, where their placements are.
 *
 * Nothing here talks to another node.  Pointers to shards and nodes are those of the catalog's
 * cache: good until the end of the transaction.
 */
#include "postgres.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"
#include "citus/deparse/template.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

/* texts longer than this are not worth keeping prepared on the other side */
#define MAX_NAMED_LENGTH 8192

bool
executor_group_is_local(GroupId group)
{
	const ClusterNode *node;

	if (group != catalog_local_group())
		return false;
	if (executor_local_enabled)
		return true;
	node = catalog_node_of_group(group);
	return node == NULL || !txn_may_reach_itself(node->id);
}

static int
compare_groups(const ListCell *a, const ListCell *b)
{
	const Placement *pa = lfirst(a);
	const Placement *pb = lfirst(b);

	return pa->groupId < pb->groupId ? -1 : pa->groupId > pb->groupId;
}

/* placements on active nodes, lowest group first: the order in which all initiators lock */
List *
executor_placements(const Shard *shard)
{
	List	   *result = NIL;

	for (int i = 0; i < shard->nplacements; i++)
	{
		Placement  *placement = &shard->placements[i];

		if (executor_group_is_local(placement->groupId) ||
			catalog_node_of_group(placement->groupId) != NULL)
			result = lappend(result, placement);
	}
	if (result == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("shard " INT64_FORMAT " has no placement on an active node",
						shard->id),
				 errdetail("It is a shard of relation \"%s\".",
						   get_rel_name(shard->relid))));
	list_sort(result, compare_groups);
	return result;
}

static ExecutorTask *
make_task(List *tasks, const Shard *shard, const char *sql, ExecutorParams *params)
{
	ExecutorTask *task = palloc0(sizeof(ExecutorTask));

	task->index = list_length(tasks);
	task->shardIndex = shard->index;
	task->sql = sql;
	task->params = params;
	task->candidates = palloc0(sizeof(ClusterNode *) * Max(shard->nplacements, 1));
	return task;
}

/* one task, here if there is a copy here, else on the first node that answers */
static List *
add_read_task(List *tasks, const Shard *shard, const char *sql, ExecutorParams *params)
{
	ExecutorTask *task = make_task(tasks, shard, sql, params);
	ListCell   *cell;

	foreach(cell, executor_placements(shard))
	{
		Placement  *placement = lfirst(cell);

		if (executor_group_is_local(placement->groupId))
			task->local = true;
		else
			task->candidates[task->ncandidates++] = catalog_node_of_group(placement->groupId);
	}
	return lappend(tasks, task);
}

/* one task on the copy where writers queue up, so that its row locks are seen by all of them */
List *
executor_tasks_to_lock(List *tasks, const Shard *shard, const char *sql,
					   ExecutorParams *params)
{
	ExecutorTask *task = make_task(tasks, shard, sql, params);
	Placement  *first = linitial(executor_placements(shard));

	if (executor_group_is_local(first->groupId))
		task->local = true;
	else
		task->candidates[task->ncandidates++] = catalog_node_of_group(first->groupId);
	return lappend(tasks, task);
}

/* a task for each copy; the others wait for the first, so that writers queue up in one place */
static List *
add_write_tasks(List *tasks, const Shard *shard, const char *sql, ExecutorParams *params)
{
	bool		first = true;
	ListCell   *cell;

	foreach(cell, executor_placements(shard))
	{
		Placement  *placement = lfirst(cell);
		ExecutorTask *task = make_task(tasks, shard, sql, params);

		if (executor_group_is_local(placement->groupId))
			task->local = true;
		else
			task->candidates[task->ncandidates++] = catalog_node_of_group(placement->groupId);
		task->copy = !first;
		task->stage = first ? 0 : 1;
		first = false;
		tasks = lappend(tasks, task);
	}
	return tasks;
}

List *
executor_tasks_for_shard(List *tasks, const Shard *shard, const char *sql, ExecutorParams *params,
						 bool writes)
{
	if (writes)
		return add_write_tasks(tasks, shard, sql, params);
	return add_read_task(tasks, shard, sql, params);
}

/* ---- pruning ---- */

typedef struct EvaluatorArg
{
	PlanState  *parent;
	ExprContext *econtext;
} EvaluatorArg;

static Datum
evaluate_for_pruning(Expr *expr, bool *isNull, void *arg)
{
	EvaluatorArg *evaluator = arg;

	return executor_expr_evaluate(expr, evaluator->parent, evaluator->econtext, isNull);
}

/* a shard to run on when none can hold rows: one here if possible */
static int
any_shard_index(const DistTable *table)
{
	for (int i = 0; i < table->nshards; i++)
	{
		for (int p = 0; p < table->shards[i]->nplacements; p++)
		{
			if (executor_group_is_local(table->shards[i]->placements[p].groupId))
				return i;
		}
	}
	return 0;
}

/*
 * Shards that the fragment runs on.  A query runs at least once, also when its conditions exclude
 * every row, unless it is known to have no rows then: an aggregate without GROUP BY has one.  A
 * MERGE may have something to do without a match.
 */
static Bitmapset *
choose_shards(const DistTable *table, const Fragment *fragment, EvaluatorArg *evaluator)
{
	Bitmapset  *shards;

	if (fragment->target != FRAGMENT_SHARDS)
		return bms_make_singleton(0);

	shards = routing_prune(table, fragment->prune, evaluate_for_pruning, evaluator);
	if (bms_is_empty(shards) && !fragment->mayBeNowhere &&
		(fragment->command == CMD_SELECT || fragment->command == CMD_MERGE ||
		 fragment->hasModifyingCte))
		shards = bms_make_singleton(any_shard_index(table));
	return shards;
}

static const DistTable *
get_anchor(const Fragment *fragment)
{
	const DistTable *table = catalog_table_get(fragment->anchor);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation with OID %u is no longer distributed", fragment->anchor)));
	if (table->nshards == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" has no shards", get_rel_name(fragment->anchor))));
	return table;
}

static void
log_multi_task(int ntasks)
{
	if (executor_multi_task_level == 0 || ntasks < 2)
		return;
	ereport(executor_multi_task_level,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("statement needs %d tasks", ntasks),
			 errhint("Filter by the distribution column, or change \"%s\".",
					 "citus.multi_task_query_log_level")));
}

/* the parameters of a task: those of all, and the tokens of its shard where it asks for them */
static ExecutorParams *
bind_tokens(const Fragment *fragment, ExecutorParams *params, const Shard *shard)
{
	ExecutorParams *bound = NULL;
	ListCell   *cell;

	foreach(cell, fragment->params)
	{
		Param	   *param = lfirst(cell);
		int			i = foreach_current_index(cell);

		if (!IsA(param, Param) || param->paramkind != PARAM_EXTERN ||
			param->paramid < PLAN_TOKENS_PARAM)
			continue;
		if (bound == NULL)
			bound = executor_params_behind(params, 0);
		bound->values[i] = Int32GetDatum(param->paramid == PLAN_TOKENS_PARAM ? shard->minToken :
										 shard->maxToken);
		bound->nulls[i] = false;
	}
	return bound == NULL ? params : bound;
}

List *
executor_tasks_make(const Fragment *fragment, ExecutorParams *params, PlanState *parent,
					ExprContext *econtext, int *nshards)
{
	const DistTable *table = get_anchor(fragment);
	EvaluatorArg evaluator = {parent, econtext};
	bool		writes = fragment->command != CMD_SELECT || fragment->hasModifyingCte;
	Bitmapset  *shards = choose_shards(table, fragment, &evaluator);
	List	   *tasks = NIL;
	int			i = -1;

	while ((i = bms_next_member(shards, i)) >= 0)
	{
		char	   *sql = deparse_template_fill(fragment->sql, i);
		ExecutorParams *own = fragment->command != CMD_MERGE ? params :
			bind_tokens(fragment, params, table->shards[i]);

		/* which group it belongs to is a value that no row may ask for: see late_values.c */
		if (fragment->pinned && tasks != NIL && !writes)
			sql = psprintf("SELECT * FROM (%s) AS asked OFFSET " INT64_FORMAT, sql, PG_INT64_MAX);
		if ((fragment->hasRowLocks || fragment->firstCopy) && !writes)
			tasks = executor_tasks_to_lock(tasks, table->shards[i], sql, own);
		else
			tasks = executor_tasks_for_shard(tasks, table->shards[i], sql, own, writes);
	}
	*nshards = table->nshards;
	log_multi_task(bms_num_members(shards));
	return tasks;
}

/* 32 hexadecimal digits, without the machinery of printf: one is made for each short statement */
static char *
name_of_hashes(uint64 low, uint64 high)
{
	static const char digits[] = "0123456789abcdef";
	char	   *name = palloc(33);

	for (int i = 0; i < 16; i++)
	{
		name[i] = digits[(low >> (60 - 4 * i)) & 15];
		name[16 + i] = digits[(high >> (60 - 4 * i)) & 15];
	}
	name[32] = '\0';
	return name;
}

/*
 * The name is made of the text, the parameters' types and the result's types: when one of them
 * changes, so does the name, and the statement prepared before is forgotten by and by.
 */
char *
executor_task_name(const ExecutorTask *task, TupleDesc resultDesc)
{
	int			length = strlen(task->sql);
	int			nparams = task->params == NULL ? 0 : task->params->n;
	uint64		low;
	uint64		high;

	if (length > MAX_NAMED_LENGTH)
		return NULL;
	low = hash_bytes_extended((const unsigned char *) task->sql, length, 0);
	high = hash_bytes_extended((const unsigned char *) task->sql, length, low);
	for (int i = 0; i < nparams; i++)
		low = hash_combine64(low, hash_bytes_uint32_extended(task->params->types[i], 0));
	for (int i = 0; resultDesc != NULL && i < resultDesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(resultDesc, i);

		low = hash_combine64(low, hash_bytes_uint32_extended(attribute->atttypid, 1));
		/* two more that the server wants to stay as they are, where a type has them */
		if (attribute->atttypmod != -1)
			low = hash_combine64(low, hash_bytes_uint32_extended(attribute->atttypmod, 2));
		if (OidIsValid(attribute->attcollation))
			low = hash_combine64(low, hash_bytes_uint32_extended(attribute->attcollation, 3));
	}
	return name_of_hashes(low, high);
}

/* several tasks are worth it only together: see fuse.c */
void
executor_tasks_name(List *tasks, TupleDesc resultDesc)
{
	ExecutorTask *task;

	if (list_length(tasks) != 1)
		return;
	task = linitial(tasks);
	if (task->params == NULL || task->params->n == 0)
		return;
	task->statementName = executor_task_name(task, resultDesc);
}

void
executor_tasks_reset(List *tasks)
{
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		task->state = TASK_WAITING;
		task->rows = task->bytes = task->count = 0;
	}
}

/* rows that the statement counts: copies of a shard count once */
uint64
executor_tasks_count(List *tasks)
{
	uint64		count = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (!task->copy)
			count += task->count;
	}
	return count;
}
