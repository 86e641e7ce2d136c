/*
 * explain.c
 *	  EXPLAIN of the custom scan: strategy, tasks, and the plan of one task or of all.
 *
 * A task's plan is what EXPLAIN says on its node, without executing it.  Under ANALYZE the
 * statement has run once, as always: the plan is what the node has measured (explain_run.c), rows,
 * bytes and times per task are those seen here.
 */
#include "postgres.h"
#include "commands/dbcommands.h"
#include "commands/explain.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "postmaster/postmaster.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "citus/deparse/template.h"
#include "movement_internal.h"

/* ---- the other side's plan ---- */

static const char *
format_name(ExplainState *es)
{
	switch (es->format)
	{
		case EXPLAIN_FORMAT_JSON:
			return "JSON";
		case EXPLAIN_FORMAT_XML:
			return "XML";
		case EXPLAIN_FORMAT_YAML:
			return "YAML";
		default:
			return "TEXT";
	}
}

static const char *
on_off(bool value)
{
	return value ? "on" : "off";
}

/* a copy of the task that explains it */
static ExecutorTask *
make_explain_task(ExecutorTask *task, ExplainState *es)
{
	ExecutorTask *copy = palloc(sizeof(ExecutorTask));

	*copy = *task;
	copy->sql = psprintf("EXPLAIN (VERBOSE %s, COSTS %s, SETTINGS %s, FORMAT %s) %s",
						 on_off(es->verbose), on_off(es->costs), on_off(es->settings),
						 format_name(es), task->sql);
	copy->statementName = NULL;
	copy->moved = NULL;
	copy->state = TASK_WAITING;
	copy->index = 0;
	copy->stage = 0;
	copy->copy = false;
	copy->rows = 0;
	copy->explain = 0;
	return copy;
}

typedef struct ExplainRun
{
	ConnUser	user;
	TaskRun    *run;
	StringInfoData text;
} ExplainRun;

static bool
explain_uses(ConnUser *user, RemoteConn *conn)
{
	ExplainRun *explain = user->owner;

	return explain->run != NULL && executor_run_uses(explain->run, conn);
}

static void
explain_settle(ConnUser *user)
{
	ExplainRun *explain = user->owner;
	RemoteAnswer answer;

	while (executor_run_next(explain->run, &answer) != NULL)
	{
		if (explain->text.len > 0)
			appendStringInfoChar(&explain->text, '\n');
		if (answer.ncolumns > 0 && answer.values[0] != NULL)
			appendStringInfoString(&explain->text, answer.values[0]);
	}
}

static char *
explain_remotely(ExecutorTask *task, ExplainState *es)
{
	ExplainRun *explain = palloc0(sizeof(ExplainRun));
	RunOptions	options = {.use = TXN_READ};

	initStringInfo(&explain->text);
	explain->user.owner = explain;
	explain->user.uses = explain_uses;
	explain->user.settle = explain_settle;
	options.user = &explain->user;

	executor_user_register(&explain->user, CurrentMemoryContext);
	explain->run = executor_run_start(list_make1(make_explain_task(task, es)), &options);
	explain_settle(&explain->user);
	executor_user_unregister(&explain->user);
	executor_users_release_extras();
	return explain->text.data;
}

static char *
explain_task(ExecutorTask *task, ExplainState *es)
{
	char	   *text = task->local ? executor_local_explain(task, es) :
		explain_remotely(task, es);
	return text;
}

/* ---- putting a plan into ours ---- */

static void
append_lines(StringInfo out, const char *text, int indent, const char *firstPrefix)
{
	bool		first = true;

	while (*text != '\0')
	{
		const char *end = strchrnul(text, '\n');

		appendStringInfoSpaces(out, indent);
		if (firstPrefix != NULL)
			appendStringInfoString(out, first ? firstPrefix : "    ");
		appendBinaryStringInfo(out, text, end - text);
		appendStringInfoChar(out, '\n');
		first = false;
		text = *end == '\0' ? end : end + 1;
	}
}

/*
 * Structured formats: the other side's document becomes the content of a group.  The groups of
 * EXPLAIN write their own separators; JSON's list brackets are ours already.
 */
static void
show_structured_plan(const char *text, ExplainState *es)
{
	if (es->format == EXPLAIN_FORMAT_JSON)
	{
		char	   *copy = pstrdup(text);
		char	   *start = strchr(copy, '[');
		char	   *end = strrchr(copy, ']');

		if (start != NULL && end != NULL && end > start)
		{
			*end = '\0';
			copy = start + 1;
		}
		while (*copy == '\n')
			copy++;
		for (int n = strlen(copy); n > 0 && isspace((unsigned char) copy[n - 1]); n--)
			copy[n - 1] = '\0';
		ExplainOpenGroup("Remote Plan", "Remote Plan", false, es);
		appendStringInfoChar(es->str, '\n');
		append_lines(es->str, copy, es->indent * 2 - 2, NULL);
		es->str->data[--es->str->len] = '\0';
		ExplainCloseGroup("Remote Plan", "Remote Plan", false, es);
		return;
	}

	ExplainOpenGroup("Remote Plan", "Remote Plan", false, es);
	if (es->format == EXPLAIN_FORMAT_YAML)
	{
		appendStringInfoChar(es->str, '\n');
		append_lines(es->str, text, es->indent * 2, NULL);
		es->str->data[--es->str->len] = '\0';
	}
	else
		append_lines(es->str, text, es->indent * 2, NULL);
	ExplainCloseGroup("Remote Plan", "Remote Plan", false, es);
}

static void
show_plan(ExecutorTask *task, ExplainState *es)
{
	char	   *text;

	if (!executor_explain_remote)
		return;
	text = task->planText != NULL ? task->planText : explain_task(task, es);
	for (int length = strlen(text); length > 0 && text[length - 1] == '\n';)
		text[--length] = '\0';
	if (es->format == EXPLAIN_FORMAT_TEXT)
		append_lines(es->str, text, es->indent * 2, "->  ");
	else
		show_structured_plan(text, es);
}

/* ---- tasks ---- */

static void
show_node(ExecutorTask *task, ExplainState *es)
{
	const ClusterNode *node = task->local ? catalog_node_of_group(catalog_local_group()) :
		task->candidates[task->candidate];
	const char *database = get_database_name(MyDatabaseId);
	char	   *text;

	if (node == NULL)
		text = psprintf("host=localhost port=%d dbname=%s", PostPortNumber, database);
	else
		text = psprintf("host=%s port=%d dbname=%s", node->name, node->port, database);
	ExplainPropertyText("Node", text, es);
}

static double
task_ms(ExecutorTask *task)
{
	return (task->ended - task->started) / 1000.0;
}

static void
show_task(ExecutorTask *task, ExplainState *es, bool executed)
{
	ExplainOpenGroup("Task", NULL, true, es);
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		appendStringInfoSpaces(es->str, es->indent * 2);
		appendStringInfoString(es->str, "->  Task\n");
		es->indent += 3;
	}
	if (es->verbose)
		ExplainPropertyText("Query", task->sql + strspn(task->sql, " \n"), es);
	if (executed && task->state == TASK_DONE)
	{
		ExplainPropertyUInteger("Rows received from node", NULL, task->rows, es);
		if (!task->local)
			ExplainPropertyUInteger("Tuple data received from node", "bytes", task->bytes, es);
		if (es->timing)
			ExplainPropertyFloat("Task Time", "ms", task_ms(task), 3, es);
	}
	show_node(task, es);
	show_plan(task, es);
	if (es->format == EXPLAIN_FORMAT_TEXT)
		es->indent -= 3;
	ExplainCloseGroup("Task", NULL, true, es);
}

static int
compare_times(const ListCell *a, const ListCell *b)
{
	double		ta = task_ms(lfirst(a));
	double		tb = task_ms(lfirst(b));

	return ta > tb ? -1 : ta < tb;
}

static void
show_tasks(List *tasks, ExplainState *es, bool executed)
{
	List	   *shown = list_copy(tasks);
	int			n = list_length(tasks);
	bool		all = executor_explain_all || n <= 1;
	ListCell   *cell;

	if (executed && es->timing && executor_explain_sort == EXPLAIN_SORT_TIME)
		list_sort(shown, compare_times);
	if (!all)
		shown = list_truncate(shown, 1);

	ExplainPropertyText("Tasks Shown", all ? "All" : psprintf("One of %d", n), es);
	ExplainOpenGroup("Tasks", "Tasks", false, es);
	foreach(cell, shown)
		show_task(lfirst(cell), es, executed);
	ExplainCloseGroup("Tasks", "Tasks", false, es);
}

static void
show_received(List *tasks, ExplainState *es)
{
	uint64		bytes = 0;
	ListCell   *cell;

	foreach(cell, tasks)
		bytes += ((ExecutorTask *) lfirst(cell))->bytes;
	ExplainPropertyUInteger("Tuple data received from nodes", "bytes", bytes, es);
}

/* of a lookup: the tasks are those of the last run that was sent */
static void
show_remembered(DistScanState *state, ExplainState *es)
{
	uint64		made;
	uint64		found;

	if (state->earlier == NULL)
		return;
	executor_remembered_counts(state->earlier, &made, &found);
	ExplainPropertyUInteger("Lookups Sent", NULL, made, es);
	ExplainPropertyUInteger("Lookups Remembered", NULL, found, es);
}

/* ---- parameters that have no value yet ---- */

static bool
has_extern_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		return ((Param *) node)->paramid < PLAN_STAGED_PARAM;
	return expression_tree_walker(node, has_extern_param, context);
}

/* the result of a sub-query that has not run */
static bool
has_exec_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return true;
	return expression_tree_walker(node, has_exec_param, context);
}

static bool
prune_has_extern_param(const PruneSpec *prune)
{
	ListCell   *cell;

	if (prune == NULL)
		return false;
	if (has_extern_param((Node *) prune->value, NULL))
		return true;
	foreach(cell, prune->args)
	{
		if (prune_has_extern_param(lfirst(cell)))
			return true;
	}
	return false;
}

/* a value that is known only when the statement runs: of a sub-query, or of what runs first */
static bool
has_late_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC ||
			(((Param *) node)->paramkind == PARAM_EXTERN &&
			 ((Param *) node)->paramid >= PLAN_STAGED_PARAM);
	return expression_tree_walker(node, has_late_param, context);
}

static bool
prune_has_late_param(const PruneSpec *prune)
{
	ListCell   *cell;

	if (prune == NULL)
		return false;
	if (has_late_param((Node *) prune->value, NULL))
		return true;
	foreach(cell, prune->args)
	{
		if (prune_has_late_param(lfirst(cell)))
			return true;
	}
	return false;
}

/* one of the conditions that all rows satisfy says which shard they are in */
static bool
prune_finds_one(const PruneSpec *prune)
{
	ListCell   *cell;

	if (prune == NULL)
		return false;
	foreach(cell, prune->kind == PRUNE_AND ? prune->args : NIL)
	{
		if (prune_finds_one(lfirst(cell)))
			return true;
	}
	return prune->kind == PRUNE_EQUAL || prune->kind == PRUNE_ONLY || prune->kind == PRUNE_SHARD;
}

/* false for EXPLAIN (GENERIC_PLAN): neither shards nor values are known */
static bool
can_resolve(DistScanState *state)
{
	Fragment   *fragment = state->plan->fragment;

	if (state->params == NULL && (has_exec_param((Node *) fragment->params, NULL) ||
								  prune_has_late_param(fragment->prune)))
		return false;
	if (state->css.ss.ps.state->es_param_list_info != NULL)
		return true;
	return !has_extern_param((Node *) fragment->params, NULL) &&
		!prune_has_extern_param(fragment->prune);
}

/* which shards remain is known at execution: how many of them, where that is known now */
static void
explain_late_shards(const Fragment *fragment, ExplainState *es)
{
	const DistTable *table = catalog_table_get(fragment->anchor);

	if (fragment->target != FRAGMENT_SHARDS || table == NULL ||
		!prune_has_late_param(fragment->prune))
		return;
	ExplainPropertyText("Shards",
						psprintf(prune_finds_one(fragment->prune) ?
								 "1 of %d, chosen at execution" :
								 "some of %d, chosen at execution", table->nshards), es);
}

static void
explain_fragment(DistScanState *state, ExplainState *es)
{
	bool		executed = es->analyze && state->phase != SCAN_NEW;
	ListCell   *cell;

	if (!can_resolve(state))
	{
		explain_late_shards(state->plan->fragment, es);
		ExplainPropertyText("Tasks Shown", "None, parameters have no values", es);
		if (es->verbose)
			ExplainPropertyText("Query",
								deparse_template_fill_shells(state->plan->fragment->sql), es);
		return;
	}
	executor_scan_resolve(state);
	foreach(cell, state->plan->fragment->movements)
	{
		Movement   *movement = lfirst(cell);

		ExplainPropertyText(movement->keyColumn > 0 ? "Rows Moved" : "Rows Sent To All Tasks",
							movement->name, es);
	}
	if (state->plan->fragment->movements != NIL)
		ExplainPropertyText("Way Of Rows",
							executor_direct_is_worthwhile(state->plan->fragment, state->tasks) ?
							"from node to node" : "through this node", es);
	ExplainPropertyInteger("Task Count", NULL, list_length(state->tasks), es);
	if (state->plan->fragment->target == FRAGMENT_SHARDS)
		ExplainPropertyText("Shards",
							psprintf("%d of %d", list_length(state->tasks), state->nshards), es);
	if (executed)
	{
		show_received(state->tasks, es);
		show_remembered(state, es);
	}
	if (state->tasks != NIL)
	{
		/* a view's owner has the rights on its tables */
		CallerRole	caller = executor_enter_fragment(state->plan->fragment);

		show_tasks(state->tasks, es, executed);
		executor_leave_role(caller);
	}
}

/* the order in which the rows of tasks are merged */
static void
show_merge_key(DistScanState *state, List *ancestors, ExplainState *es)
{
	CustomScan *scan = (CustomScan *) state->css.ss.ps.plan;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) scan, ancestors);
	List	   *keys = NIL;
	ListCell   *cell;

	foreach(cell, state->plan->fragment->sortKeys)
	{
		SortGroupClause *clause = lfirst(cell);
		TargetEntry *column = list_nth(scan->custom_scan_tlist, clause->tleSortGroupRef - 1);
		char	   *text = deparse_expression((Node *) column->expr, context,
											  es->verbose || list_length(es->rtable) > 1, false);
		bool		descending;

		(void) get_equality_op_for_ordering_op(clause->sortop, &descending);
		if (descending)
			text = psprintf("%s DESC", text);
		if (clause->nulls_first != descending)
			text = psprintf("%s NULLS %s", text, clause->nulls_first ? "FIRST" : "LAST");
		keys = lappend(keys, text);
	}
	if (keys != NIL)
		ExplainPropertyList("Merge Key", keys, es);
}

static void
explain_target(Oid relid, const char *label, ExplainState *es)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	ExplainPropertyText(label, quote_qualified_identifier(schema, get_rel_name(relid)), es);
}

void
executor_explain_scan(CustomScanState *node, List *ancestors, ExplainState *es)
{
	DistScanState *state = (DistScanState *) node;
	DistPlan   *plan = state->plan;

	ExplainOpenGroup("Distributed Query", "Distributed Query", true, es);
	if (plan->strategy != NULL)
		ExplainPropertyText("Strategy", plan->strategy, es);
	if (plan->kind == DIST_PLAN_INSERT)
	{
		explain_target(plan->insert->relid, "Insert Into", es);
		ExplainPropertyText("Method", plan->insert->canStream ?
							"statements, or COPY when there are many rows" : "statements", es);
	}
	else if (plan->kind == DIST_PLAN_CHANGES)
		explain_target(plan->change->relid, "Change Rows Of", es);
	else
	{
		show_merge_key(state, ancestors, es);
		ExplainOpenGroup("Job", "Job", true, es);
		explain_fragment(state, es);
		ExplainCloseGroup("Job", "Job", true, es);
	}
	ExplainCloseGroup("Distributed Query", "Distributed Query", true, es);
}
