/*
 * local_plans.c
 *	  Plans of tasks that run in this session again and again, by the name of their statement.
 *
 * The counterpart of statements prepared on other nodes.  The server's plan cache does the work:
 * it notices changes of tables, of search_path and of roles, and chooses between generic and
 * custom plans.  At most MAX_PLANS are kept; the one used longest ago goes first.
 *
 * Invariant: an entry's source is saved, complete, and of the text that the entry was made for.
 */
#include "postgres.h"
#include "lib/ilist.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "citus/deparse/template.h"
#include "executor/executor_internal.h"

#define MAX_PLANS 256

typedef struct LocalPlan
{
	char		name[NAMEDATALEN];	/* key */
	CachedPlanSource *source;
	dlist_node	node;			/* in recent */
} LocalPlan;

static HTAB *plans = NULL;
static dlist_head recent = DLIST_STATIC_INIT(recent);	/* used last first */
static int	nplans = 0;

static void
create_table(void)
{
	HASHCTL		control = {0};

	control.keysize = NAMEDATALEN;
	control.entrysize = sizeof(LocalPlan);
	control.hcxt = CacheMemoryContext;
	plans = hash_create("citus local plans", MAX_PLANS, &control,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
forget_plan(LocalPlan *plan)
{
	CachedPlanSource *source = plan->source;

	dlist_delete(&plan->node);
	nplans--;
	hash_search(plans, plan->name, HASH_REMOVE, NULL);
	DropCachedPlan(source);
}

/* a saved source; errors of parsing and analysis leave nothing behind */
static CachedPlanSource *
make_source(ExecutorTask *task)
{
	RawStmt    *raw = linitial_node(RawStmt, deparse_parse_text(task->sql));
	CachedPlanSource *source = CreateCachedPlan(raw, task->sql, CreateCommandTag(raw->stmt));
	List	   *queries = pg_analyze_and_rewrite_fixedparams(raw, task->sql, task->params->types,
															 task->params->n, NULL);

	CompleteCachedPlan(source, queries, NULL, task->params->types, task->params->n, NULL, NULL,
					   0, false);
	SaveCachedPlan(source);
	return source;
}

/*
 * The plan source of a named task.  It may be dropped by the next call: get its plan (which counts
 * references) before running anything.
 */
CachedPlanSource *
executor_local_plan(ExecutorTask *task)
{
	LocalPlan  *plan;
	CachedPlanSource *source;
	bool		found;

	if (plans == NULL)
		create_table();

	plan = hash_search(plans, task->statementName, HASH_FIND, NULL);
	if (plan != NULL && strcmp(plan->source->query_string, task->sql) == 0)
	{
		dlist_move_head(&recent, &plan->node);
		return plan->source;
	}
	if (plan != NULL)
		forget_plan(plan);

	source = make_source(task);
	if (nplans >= MAX_PLANS)
		forget_plan(dlist_tail_element(LocalPlan, node, &recent));
	plan = hash_search(plans, task->statementName, HASH_ENTER, &found);
	plan->source = source;
	dlist_push_head(&recent, &plan->node);
	nplans++;
	return source;
}
