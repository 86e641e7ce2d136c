/*
 * steps.c
 *	  Making and running the steps of a command.
 *
 * Owns the driver: one loop over a list of steps, all in the distributed transaction of the
 * session.  A step that fails raises, and the transaction undoes what earlier steps did here, on
 * the nodes and on the shards.
 *
 * Invariant: steps and what they point to live in the context that was current when the command
 * came in.  A statement that commits on its own (VACUUM, CREATE INDEX CONCURRENTLY) leaves another
 * context behind, so the driver returns to that one after each step.  Nothing that belongs to the
 * catalog cache may be kept in a step across such a statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "citus/executor/executor.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

static CommandStep *
make_step(CommandStepKind kind)
{
	CommandStep *step = palloc0(sizeof(CommandStep));

	step->kind = kind;
	return step;
}

CommandStep *
commands_step_local(void)
{
	return make_step(STEP_LOCAL);
}

CommandStep *
commands_step_dependencies(Oid classId, Oid objectId)
{
	CommandStep *step = make_step(STEP_DEPENDENCIES);

	ObjectAddressSet(step->address, classId, objectId);
	return step;
}

CommandStep *
commands_step_nodes(const char *text)
{
	CommandStep *step = make_step(STEP_NODES);

	step->texts = list_make1(pstrdup(text));
	return step;
}

CommandStep *
commands_step_shards(Oid relid, const char *text, List *names)
{
	CommandStep *step = make_step(STEP_SHARDS);

	step->relid = relid;
	step->texts = list_make1(pstrdup(text));
	step->names = names;
	return step;
}

CommandStep *
commands_step_call(void (*run) (Command *command, void *argument), void *argument)
{
	CommandStep *step = make_step(STEP_CALL);

	step->run = run;
	step->argument = argument;
	return step;
}

CommandStep *
commands_step_alone(void (*run) (Command *command, void *argument), void *argument)
{
	CommandStep *step = commands_step_call(run, argument);

	step->kind = STEP_ALONE;
	return step;
}

/*
 * Runs a statement through the hooks after ours, in the place of the one that came in.
 */
void
commands_run_local_statement(Command *command, Node *statement, QueryCompletion *qc)
{
	UtilityCall *call = command->call;
	PlannedStmt *pstmt = copyObject(call->pstmt);
	MemoryContext context = CurrentMemoryContext;
	ProcessUtility_hook_type next = call->next ? call->next : standard_ProcessUtility;

	pstmt->utilityStmt = statement;
	if (commands_messages_begin())
	{
		PG_TRY();
		{
			next(pstmt, call->queryString, false, call->context, call->params, call->queryEnv,
				 call->dest, qc);
		}
		PG_CATCH();
		{
			commands_messages_rethrow(context);
		}
		PG_END_TRY();
		commands_messages_end();
	}
	else
		next(pstmt, call->queryString, false, call->context, call->params, call->queryEnv,
			 call->dest, qc);
	MemoryContextSwitchTo(context);
}

/* The server may come across shards of this node first, and complain of them. */
static void
run_local(Command *command)
{
	PG_TRY();
	{
		commands_run_local_statement(command, command->statement, command->call->qc);
	}
	PG_CATCH();
	{
		executor_rethrow_with_user_names();
	}
	PG_END_TRY();
}

/*
 * The statement on a shell: whatever the server reads of shells to validate a constraint is to be
 * empty, since the shards validate for themselves.
 */
void
commands_alter_shell(Command *command, Oid relid)
{
	tables_forget_local_rows(relid);
	base_frame_push(FRAME_OWN_DDL);
	run_local(command);
	base_frame_pop(FRAME_OWN_DDL);
}

static void
run_on_shell(Command *command, void *argument)
{
	commands_alter_shell(command, *(Oid *) argument);
}

CommandStep *
commands_step_local_shell(Oid relid)
{
	Oid		   *argument = palloc(sizeof(Oid));

	*argument = relid;
	return commands_step_call(run_on_shell, argument);
}

static void
run_shards_step(CommandStep *step)
{
	const DistTable *table = catalog_table_get(step->relid);

	/* the statement itself may have made the table a plain one */
	if (table == NULL)
		return;
	tables_run_shard_ddl(table, step->texts, step->names, namespace_search_path);
}

/*
 * What the other nodes have to remark or warn of, this one has already.  They go back to what this
 * session lets through.
 */
void
commands_run_on_nodes(List *texts)
{
	const char *level = GetConfigOption("citus.worker_min_messages", true, false);
	List	   *commands = list_make1("SET LOCAL client_min_messages TO error");

	commands = list_concat(commands, texts);
	commands = lappend(commands, psprintf("SET LOCAL client_min_messages TO %s",
										  level == NULL || strcmp(level, "off") == 0
										  ? "error" : level));
	cluster_run_on_others(commands);
}

static void
run_in_snapshot(Command *command, CommandStep *step)
{
	switch (step->kind)
	{
		case STEP_DEPENDENCIES:
			cluster_ensure_dependencies(&step->address, false);
			break;
		case STEP_NODES:
			commands_run_on_nodes(step->texts);
			break;
		case STEP_SHARDS:
			run_shards_step(step);
			break;
		default:
			step->run(command, step->argument);
			break;
	}
}

/*
 * What earlier steps have done is visible to later ones, also to those that look through the
 * active snapshot.
 */
static void
run_step(Command *command, CommandStep *step)
{
	if (step->kind == STEP_LOCAL)
		run_local(command);
	else if (step->kind == STEP_ALONE)
		step->run(command, step->argument);
	else
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		run_in_snapshot(command, step);
		PopActiveSnapshot();
	}
}

void
commands_run_steps(Command *command, List *steps)
{
	MemoryContext context = CurrentMemoryContext;
	ListCell   *cell;

	foreach(cell, steps)
	{
		run_step(command, lfirst(cell));
		MemoryContextSwitchTo(context);
	}
}
