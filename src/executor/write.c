/*
 * write.c
 *	  Runs tasks that write, to their end; puts the rows that come back into a tuplestore.
 *
 * Remote tasks are sent first, local ones run meanwhile.  While they do, triggers of theirs may
 * run distributed statements: the write is a registered user of its connections, too.
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "citus/deparse/template.h"
#include "executor/executor_internal.h"

/* ---- rows into a sink ---- */

typedef struct SinkReceiver
{
	DestReceiver pub;
	RowSink    *sink;
	ExecutorTask *task;
	Datum	   *values;			/* for descriptors with gaps */
	bool	   *nulls;
} SinkReceiver;

static void
sink_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	RowReader  *reader = ((SinkReceiver *) self)->sink->reader;

	if (desc->natts != reader->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("local result has %d columns where %d were expected",
						desc->natts, reader->ncolumns)));
}

static bool
sink_receive(TupleTableSlot *slot, DestReceiver *self)
{
	SinkReceiver *receiver = (SinkReceiver *) self;
	RowReader  *reader = receiver->sink->reader;

	receiver->task->rows++;
	if (!reader->hasGaps)
	{
		tuplestore_puttupleslot(receiver->sink->store, slot);
		return true;
	}

	slot_getallattrs(slot);
	for (int c = 0; c < reader->ncolumns; c++)
	{
		receiver->values[reader->attributes[c]] = slot->tts_values[c];
		receiver->nulls[reader->attributes[c]] = slot->tts_isnull[c];
	}
	tuplestore_putvalues(receiver->sink->store, reader->desc, receiver->values,
						 receiver->nulls);
	return true;
}

static void
sink_shutdown(DestReceiver *self)
{
}

DestReceiver *
executor_sink_receiver(RowSink *sink, ExecutorTask *task)
{
	SinkReceiver *receiver;

	if (sink->reader == NULL || task->copy)
		return None_Receiver;

	receiver = palloc0(sizeof(SinkReceiver));
	receiver->pub.receiveSlot = sink_receive;
	receiver->pub.rStartup = sink_startup;
	receiver->pub.rShutdown = sink_shutdown;
	receiver->pub.rDestroy = sink_shutdown;
	receiver->pub.mydest = DestTuplestore;
	receiver->sink = sink;
	receiver->task = task;
	receiver->values = palloc0(sizeof(Datum) * Max(sink->reader->desc->natts, 1));
	receiver->nulls = palloc(sizeof(bool) * Max(sink->reader->desc->natts, 1));
	memset(receiver->nulls, true, sizeof(bool) * sink->reader->desc->natts);
	return &receiver->pub;
}

/* values and nulls are the reader's own scratch for one row */
void
executor_sink_put(RowSink *sink, ExecutorTask *task, const RemoteAnswer *answer)
{
	RowReader  *reader = sink->reader;

	if (reader == NULL || task->copy)
		return;
	executor_reader_decode(reader, answer, executor_reader_sink_context(reader),
						   reader->values, reader->nulls);
	tuplestore_putvalues(sink->store, reader->desc, reader->values, reader->nulls);
}

/* ---- writes ---- */

typedef struct WriteRun
{
	ConnUser	user;
	TaskRun    *run;
	RowSink    *sink;
} WriteRun;

static bool
write_uses(ConnUser *user, RemoteConn *conn)
{
	WriteRun   *write = user->owner;

	return write->run != NULL && executor_run_uses(write->run, conn);
}

static void
write_settle(ConnUser *user)
{
	WriteRun   *write = user->owner;
	ExecutorTask *task;
	RemoteAnswer answer;

	while ((task = executor_run_next(write->run, &answer)) != NULL)
		executor_sink_put(write->sink, task, &answer);
}

static List *
tasks_of_stage(List *tasks, int stage)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (task->stage == stage)
			result = lappend(result, task);
	}
	return result;
}

static void
write_stage(WriteRun *write, List *tasks, const RunOptions *options, Snapshot snapshot)
{
	bool		writes = options->use != TXN_LOCK;
	ListCell   *cell;

	write->run = executor_run_start(tasks, options);
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (!task->local)
			continue;
		executor_movements_bind(task);
		executor_local_run(task, writes, snapshot, GetCurrentCommandId(false),
						   executor_sink_receiver(write->sink, task));
		executor_movements_unbind(task);
	}
	executor_user_check(&write->user);
	write_settle(&write->user);
}

bool
executor_may_autocommit(const PlannedStmt *stmt)
{
	return stmt != NULL && txn_is_client_statement(stmt) && txn_may_autocommit();
}

/* quiet: nothing that is under way may see a difference, unless it is on the tasks' connections */
static uint64
run_quietly(List *tasks, RowSink *sink, TxnUse use, const PlannedStmt *alone, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus write",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	WriteRun   *write = palloc0(sizeof(WriteRun));
	RunOptions	options = {.use = use};

	write->sink = sink;
	write->user.owner = write;
	write->user.uses = write_uses;
	write->user.settle = write_settle;
	options.user = &write->user;
	options.binary = sink->reader != NULL && sink->reader->binary;
	if (list_length(tasks) == 1 && !((ExecutorTask *) linitial(tasks))->local &&
		executor_may_autocommit(alone))
	{
		options.use = TXN_AUTOCOMMIT;
		options.commits = true;
	}

	executor_user_register(&write->user, context);
	for (int stage = 0; stage <= 1; stage++)
	{
		List	   *current = tasks_of_stage(tasks, stage);

		if (current != NIL)
			write_stage(write, current, &options, snapshot);
	}
	executor_user_unregister(&write->user);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return executor_tasks_count(tasks);
}

static uint64
run_tasks(List *tasks, RowSink *sink, TxnUse use, const PlannedStmt *alone, Snapshot snapshot)
{
	ClusterSnapshot *reads = executor_snapshot_for_write();

	executor_triggers_settle();
	executor_quiesce_all(NULL);
	if (reads != NULL && snapshot != NULL)
		snapshot = txn_snapshot_local(reads);
	return run_quietly(tasks, sink, use, alone, snapshot);
}

uint64
executor_tasks_write(List *tasks, RowSink *sink, const PlannedStmt *alone, Snapshot snapshot)
{
	return run_tasks(tasks, sink, TXN_WRITE, alone, snapshot);
}

void
executor_tasks_lock(List *tasks, RowSink *sink, Snapshot snapshot)
{
	(void) run_tasks(tasks, sink, TXN_LOCK, NULL, snapshot);
}

void
executor_tasks_run_quietly(List *tasks)
{
	RowSink		sink = {NULL, NULL};

	(void) run_quietly(tasks, &sink, TXN_WRITE, NULL, NULL);
}

/* ---- deadlocks ---- */

static int
count_shards(List *tasks)
{
	int			count = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		if (!((ExecutorTask *) lfirst(cell))->copy)
			count++;
	}
	return count;
}

/*
 * Who inserts rows may have no right on columns that get their values from defaults and triggers:
 * on one server nobody asks for it, but shards get these columns with the others.  Nothing else
 * than values may travel then, and come back.  Rights on what the statement names have been
 * checked; policies must see the role.
 */
Oid
executor_role_to_insert(Oid relid, const List *columns, Oid role)
{
	Oid			user = OidIsValid(role) ? role : GetUserId();
	const ListCell *cell;

	if (pg_class_aclcheck(relid, user, ACL_INSERT) == ACLCHECK_OK ||
		check_enable_rls(relid, role, true) == RLS_ENABLED)
		return role;
	foreach(cell, columns)
	{
		if (pg_attribute_aclcheck(relid, lfirst_int(cell), user, ACL_INSERT) != ACLCHECK_OK)
			return catalog_relation_owner(relid);
	}
	return role;
}

/* rights on columns do not allow to lock a table, but who has some may change rows */
Oid
executor_role_to_lock(const DistTable *table, Oid role)
{
	if (pg_class_aclmask(table->relid, OidIsValid(role) ? role : GetUserId(),
						 ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE, ACLMASK_ANY) != 0)
		return role;
	return catalog_relation_owner(table->relid);
}

/*
 * Two statements that change rows of the same shards on several nodes at once would each get
 * there first on another node, and no node would see the deadlock.  They queue up at the first
 * shard of the table instead, whichever shards they change; statements on one shard pass.  The
 * lock mode conflicts with itself and with VACUUM, not with other writes.
 */
void
executor_lock_table_for_write(const DistTable *table, Oid role)
{
	CallerRole	caller;
	char	   *sql;

	if (!executor_deadlock_prevention || table->nshards < 2)
		return;
	sql = psprintf("LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE",
				   catalog_shard_qualified_name(table->shards[0]));
	caller = executor_enter_role(executor_role_to_lock(table, role));
	executor_tasks_run_quietly(executor_tasks_for_shard(NIL, table->shards[0], sql, NULL, true));
	executor_leave_role(caller);
}

/* the same for a fragment that has its tasks; the caller has entered its role */
void
executor_lock_for_write(const Fragment *fragment, List *tasks)
{
	if (fragment->target != FRAGMENT_SHARDS || fragment->command == CMD_INSERT ||
		fragment->command == CMD_SELECT || count_shards(tasks) < 2)
		return;
	executor_lock_table_for_write(catalog_table_get(fragment->anchor), InvalidOid);
}

uint64
executor_run_on_shards(const DistTable *table, const SqlTemplate *sql)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus shard command",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowSink		sink = {NULL, NULL};
	List	   *tasks = NIL;
	uint64		count;

	for (int i = 0; i < table->nshards; i++)
		tasks = executor_tasks_for_shard(tasks, table->shards[i], deparse_template_fill(sql, i),
										 NULL, true);
	count = executor_tasks_write(tasks, &sink, NULL, NULL);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return count;
}
