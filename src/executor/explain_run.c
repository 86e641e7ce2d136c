/*
 * explain_run.c
 *	  EXPLAIN ANALYZE: what a task's plan has really done, where it ran.
 *
 * executor_explain_begin()		EXPLAIN of a client starts: how plans shall look is known
 *   tasks of its scans			are marked with it when the statement is instrumented
 *   executor_explain_sql()		the text that is sent begins with the mark, a comment
 * on the other node
 *   executor_explain_measure()	a statement of a node's session that begins so is instrumented
 *   executor_explain_report()	when it has run, its plan is told as a message of level INFO, which
 *								the remote module lays aside
 * Tasks of this node are measured without a detour (local.c).
 *
 * Invariant: a mark changes nothing but what is measured; whoever writes one by hand is told the
 * plan of a statement of his own.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "commands/defrem.h"
#include "commands/explain.h"
#include "executor/instrument.h"

#include "citus/base/compat.h"
#include "citus/base/lifecycle.h"
#include "citus/base/session.h"
#include "executor/executor_internal.h"

#define MARK "/* citus explain"

/* bits of a mark beside the flags of instrument.h */
#define EXPLAIN_MARK_VERBOSE	0x100
#define EXPLAIN_MARK_COSTS		0x200
#define EXPLAIN_MARK_SETTINGS	0x400

static ExplainWish wish = {false};

/* ---- the statement ---- */

static ExplainFormat
format_of(DefElem *option)
{
	char	   *name = defGetString(option);

	if (strcmp(name, "json") == 0)
		return EXPLAIN_FORMAT_JSON;
	if (strcmp(name, "xml") == 0)
		return EXPLAIN_FORMAT_XML;
	if (strcmp(name, "yaml") == 0)
		return EXPLAIN_FORMAT_YAML;
	return EXPLAIN_FORMAT_TEXT;
}

/*
 * What an EXPLAIN says about how plans look; options that are wrong are the server's to refuse.
 * Answers what was wished for before, for executor_explain_end().
 */
ExplainWish
executor_explain_begin(const ExplainStmt *stmt)
{
	ExplainWish before = wish;
	ExplainWish now = {.active = true,.costs = true};
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "verbose") == 0)
			now.verbose = defGetBoolean(option);
		else if (strcmp(option->defname, "costs") == 0)
			now.costs = defGetBoolean(option);
		else if (strcmp(option->defname, "settings") == 0)
			now.settings = defGetBoolean(option);
		else if (strcmp(option->defname, "format") == 0 && option->arg != NULL)
			now.format = format_of(option);
	}
	wish = now;
	return before;
}

void
executor_explain_end(ExplainWish before)
{
	wish = before;
}

static void
on_lifecycle(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	if (event == LIFECYCLE_ABORT)
		wish.active = false;
}

void
executor_explain_init(void)
{
	base_lifecycle_register(PHASE_EXECUTOR, on_lifecycle);
}

/* ---- tasks ---- */

/* makes the tasks of an instrumented statement tell their plans */
void
executor_explain_mark(List *tasks, int instrument)
{
	ListCell   *cell;

	if (!wish.active || instrument == 0 || !executor_explain_remote)
		return;
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		task->explain = (instrument & 0xff) | (wish.verbose ? EXPLAIN_MARK_VERBOSE : 0) |
			(wish.costs ? EXPLAIN_MARK_COSTS : 0) | (wish.settings ? EXPLAIN_MARK_SETTINGS : 0);
		task->explainFormat = wish.format;
		task->planText = NULL;
	}
}

/* the task's text as it is sent, palloc'd if it is marked */
const char *
executor_explain_sql(const ExecutorTask *task)
{
	if (task->explain == 0)
		return task->sql;
	return psprintf(MARK " %d %d %d */ %s", task->explain, task->explainFormat, task->index,
					task->sql);
}

/* the flags of instrument.h in a mark */
int
executor_explain_instrument(int mark)
{
	return mark & 0xff;
}

/* ---- the plan ---- */

/* what the statement has done, palloc'd; it was instrumented, and has run */
char *
executor_explain_plan(QueryDesc *query, int mark, int format)
{
	ExplainState *es = NewExplainState();

	es->analyze = true;
	es->verbose = (mark & EXPLAIN_MARK_VERBOSE) != 0;
	es->costs = (mark & EXPLAIN_MARK_COSTS) != 0;
	es->settings = (mark & EXPLAIN_MARK_SETTINGS) != 0;
	es->timing = (mark & INSTRUMENT_TIMER) != 0;
	es->buffers = (mark & INSTRUMENT_BUFFERS) != 0;
	es->wal = (mark & INSTRUMENT_WAL) != 0;
	es->format = format;
	ExplainBeginOutput(es);
	ExplainOpenGroup("Query", NULL, true, es);
	ExplainPrintPlan(es, query);
	if (es->costs)
		ExplainPrintJITSummary(es, query);
	ExplainCloseGroup("Query", NULL, true, es);
	ExplainEndOutput(es);
	return es->str->data;
}

/* ---- on the other node ---- */

static bool
read_mark(const QueryDesc *query, int *mark, int *format, int *id)
{
	return base_session_is_internal() && !IsParallelWorker() && query->sourceText != NULL &&
		strncmp(query->sourceText, MARK, strlen(MARK)) == 0 &&
		sscanf(query->sourceText + strlen(MARK), " %d %d %d */", mark, format, id) == 3;
}

/* before the server starts the statement */
void
executor_explain_measure(QueryDesc *query)
{
	int			mark;
	int			format;
	int			id;

	if (read_mark(query, &mark, &format, &id))
		query->instrument_options |= executor_explain_instrument(mark);
}

/* when it has run to its end */
void
executor_explain_report(QueryDesc *query)
{
	int			mark;
	int			format;
	int			id;

	if (!read_mark(query, &mark, &format, &id) || format < EXPLAIN_FORMAT_TEXT ||
		format > EXPLAIN_FORMAT_YAML)
		return;
	ereport(INFO,
			(errcode(REMOTE_PLAN_MESSAGE),
			 errmsg_internal("%s", executor_explain_plan(query, mark, format)),
			 errdetail_internal("%d", id)));
}
