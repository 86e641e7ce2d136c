/*
 * executor_internal.h
 *	  What the files of the executor share: tasks, runs of tasks, users of connections.
 */
#ifndef CITUS_EXECUTOR_INTERNAL_H
#define CITUS_EXECUTOR_INTERNAL_H

#include "postgres.h"
#include "fmgr.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/plancache.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/executor/executor.h"
#include "citus/plan/plan.h"
#include "citus/remote/remote.h"
#include "citus/txn/txn.h"

/* ---- roles.c ---- */

typedef struct CallerRole
{
	Oid			userId;
	int			context;
} CallerRole;

/* role is the current user until executor_leave_role(); invalid: nothing changes */
extern CallerRole executor_enter_role(Oid role);
extern void executor_leave_role(CallerRole caller);
/* the same, as an owner of relid whom policies that are forced on owners do not concern */
extern CallerRole executor_enter_unforced(Oid role, Oid relid);
/* with the rights that a fragment runs with */
extern CallerRole executor_enter_fragment(const Fragment *fragment);

/* ---- settings (executor.c) ---- */

typedef enum ModifyMode
{
	MODIFY_PARALLEL,
	MODIFY_SEQUENTIAL
} ModifyMode;

typedef enum ExplainSort
{
	EXPLAIN_SORT_TIME,
	EXPLAIN_SORT_TASK
} ExplainSort;

extern int	executor_slow_start_ms;
extern int	executor_direct_move_kb;
extern bool executor_local_enabled;
extern bool executor_log_local;
extern bool executor_binary_enabled;
extern bool executor_force_parallel;
extern bool executor_deadlock_prevention;
extern int	executor_modify_mode;	/* ModifyMode */
extern int	executor_multi_task_level;	/* elevel, 0: off */
extern int	executor_local_flush_bytes;
extern int	executor_max_copied_kb;	/* rows that go to all tasks; -1: no limit */
extern int	executor_switchover_bytes;
extern bool executor_explain_remote;
extern bool executor_explain_all;
extern int	executor_explain_sort;	/* ExplainSort */

/* ---- users of connections (users.c) ---- */

/*
 * Somebody who may have unread answers on connections: a running scan, a ShardWriter.  Registered
 * users are found by whoever needs a connection next, and settled: told to receive (and keep)
 * everything that is outstanding.
 */
typedef struct ConnUser
{
	dlist_node	link;
	bool		registered;
	SubTransactionId subid;		/* innermost sub-transaction it lives in */
	CallerRole	role;			/* whose statement it is: others may have to settle it */
	MemoryContext context;		/* it is forgotten when this goes away */
	MemoryContextCallback onFree;
	ErrorData  *failure;		/* found while settling where nothing may be raised */
	bool		settling;
	bool		lost;			/* its answers went with a sub-transaction that was rolled back */
	bool		notBegun;		/* has work that it will send only later */
	bool		writeFollows;	/* is settled, because the session will write */

	/* true if it has unread answers (to come) on conn; NULL: on any */
	bool		(*uses) (struct ConnUser *user, RemoteConn *conn);
	void		(*settle) (struct ConnUser *user);
	void	   *owner;
} ConnUser;

extern void executor_users_init(void);
extern void executor_user_register(ConnUser *user, MemoryContext context);
extern void executor_user_unregister(ConnUser *user);
/* raises the failure that was kept, if any */
extern void executor_user_check(ConnUser *user);
/* settles all users of conn but self */
extern void executor_quiesce(RemoteConn *conn, ConnUser *self);
/* settles everybody else, those who have not begun too: their statements are older than a write */
extern void executor_quiesce_all(ConnUser *self);
/* another number whenever rows that the transaction has read may have been changed by itself */
extern uint64 executor_changes(void);
/* the statement-level extra connections go back once nobody is left who may use them */
extern void executor_users_release_extras(void);

/* ---- slots ---- */

/* the columns of to are those of from, which must stay as it is as long as to is used */
static inline void
executor_share_values(TupleTableSlot *to, TupleTableSlot *from)
{
	int			natts = to->tts_tupleDescriptor->natts;

	slot_getallattrs(from);
	memcpy(to->tts_values, from->tts_values, sizeof(Datum) * natts);
	memcpy(to->tts_isnull, from->tts_isnull, sizeof(bool) * natts);
}

/* the same, and to is filled with them */
static inline TupleTableSlot *
executor_share_row(TupleTableSlot *to, TupleTableSlot *from)
{
	ExecClearTuple(to);
	executor_share_values(to, from);
	return ExecStoreVirtualTuple(to);
}

/* ---- values on the wire (params.c) ---- */

/* values of $1..$n; the wire form is made when the first remote task needs it */
typedef struct ExecutorParams
{
	int			n;
	Oid		   *types;
	Datum	   *values;
	bool	   *nulls;

	/* valid after executor_params_encode() */
	bool		encoded;
	Oid		   *wireTypes;
	const char **wireValues;
	int		   *wireLengths;
	int		   *wireFormats;
} ExecutorParams;

/* binary form exists, is the same on every node, and is not touched by client_encoding */
extern bool executor_type_is_binary(Oid type);
extern bool executor_binary_allowed(void);
/* the same whatever client_encoding is: numbers, times, and arrays of them */
extern bool executor_type_is_plain_binary(Oid type);
/* text of a value, by its output function, under settings that lose nothing */
extern char *executor_lossless_text(FmgrInfo *output, Datum value);

extern ExecutorParams *executor_params_make(int n);
/* n of one's own, not set yet, and behind them copies of params, which may be NULL */
extern ExecutorParams *executor_params_behind(const ExecutorParams *params, int n);
/*
 * Ends a call that passes them on: ", $n+1::type ...)"; params: of Expr.  More than a function may
 * have arguments are passed in rows.
 */
extern void executor_wrap_arguments(StringInfo sql, List *params, int n);
/* in such a function: the parameters that its arguments from first on are; NULL: none */
extern ParamListInfo executor_wrapped_params(FunctionCallInfo fcinfo, int first);
/* evaluates exprs once; results live in the current context */
extern ExecutorParams *executor_params_evaluate(List *exprs, PlanState *parent,
												ExprContext *econtext);
extern Datum executor_expr_evaluate(Expr *expr, PlanState *parent, ExprContext *econtext,
									bool *isNull);
extern void executor_params_encode(ExecutorParams *params);
extern ParamListInfo executor_params_list(const ExecutorParams *params);

/* ---- values from text or binary form (value_input.c) ---- */

struct ValueParts;

/* how values of a type are read; domains, of which they were where they were read, are not asked */
typedef struct ValueInput
{
	FmgrInfo	function;
	Oid			ioparam;
	int32		typmod;
	struct ValueParts *whole;	/* there is a domain inside: made of parts; else NULL */
} ValueInput;

/* of a type that is the server's own, and no domain: how its values travel in binary */
typedef struct BinaryFunctions
{
	Oid			type;
	FmgrInfo	send;
	FmgrInfo	receive;
	Oid			ioparam;
} BinaryFunctions;

/* to be copied: another type may take its place */
extern BinaryFunctions *executor_binary_functions(Oid type);

/* in the current memory context, for as long as input is used */
extern void executor_input_make(ValueInput *input, Oid type, int32 typmod, bool binary);
extern Datum executor_input_read_parts(ValueInput *input, char *text);

/* the value of a text, in the current memory context; for inputs that are not binary */
static inline Datum
executor_input_read(ValueInput *input, char *text)
{
	if (input->whole != NULL)
		return executor_input_read_parts(input, text);
	return InputFunctionCall(&input->function, text, input->ioparam, input->typmod);
}

/* the value of its binary form; callers check that buffer->cursor came to its end */
static inline Datum
executor_input_receive(ValueInput *input, StringInfo buffer)
{
	return ReceiveFunctionCall(&input->function, buffer, input->ioparam, input->typmod);
}

/* columns of remote rows -> Datums of a descriptor */
typedef struct RowReader
{
	TupleDesc	desc;
	int			ncolumns;		/* columns of remote rows */
	int		   *attributes;		/* 0-based attribute of each column */
	bool		hasGaps;		/* dropped attributes that no column fills */
	bool		binary;
	ValueInput *inputs;
	MemoryContext rowContext;	/* of the row in the scan's slot, which others may still read */
	MemoryContext sinkContext;	/* executor_reader_sink_context(), once it is used */
	Datum	   *values;			/* scratch for one row on its way to a tuplestore */
	bool	   *nulls;
} RowReader;

extern RowReader *executor_reader_make(TupleDesc desc);
/* of a row on its way to a tuplestore */
extern MemoryContext executor_reader_sink_context(RowReader *reader);
/* Datums live until the next call */
extern void executor_reader_decode(RowReader *reader, const RemoteAnswer *answer,
								   MemoryContext context, Datum *values, bool *nulls);

/* ---- tasks (tasks.c) ---- */

typedef enum TaskState
{
	TASK_WAITING,				/* in its node's queue */
	TASK_SENT,					/* on a connection */
	TASK_DONE					/* its last answer has come */
} TaskState;

/* one statement for one placement */
typedef struct ExecutorTask
{
	int			index;
	int			shardIndex;
	const char *sql;
	ExecutorParams *params;		/* may be NULL */
	struct MovedRows *moved;	/* some of params come from here; or NULL */
	int			firstChunk;		/* of the bucket; ... */
	int			nchunks;		/* ... 0: all */
	ExecutorParams *unbound;	/* params while they are bound, in boundContext */
	MemoryContext boundContext;
	const char *statementName;	/* worth preparing under this name; or NULL */
	bool		local;			/* runs in-process */
	bool		copy;			/* of another task's rows: its rows and count are dropped */
	int			stage;			/* tasks of stage 1 start after those of stage 0 have ended */

	/* remote: where it can run, in order of preference */
	int			ncandidates;
	const ClusterNode **candidates;
	int			candidate;		/* in use */

	/* EXPLAIN ANALYZE: what the task shall tell about its plan; 0: nothing */
	int			explain;
	int			explainFormat;
	char	   *planText;		/* what it has told */

	TaskState	state;
	uint64		rows;			/* received */
	uint64		bytes;
	uint64		count;			/* of the command tag */
	TimestampTz started;
	TimestampTz ended;
} ExecutorTask;

/* true when tasks for placements of the group run in this session */
extern bool executor_group_is_local(GroupId group);
/* List of Placement *: on active nodes, lowest group first; raises 55000 if there is none */
extern List *executor_placements(const Shard *shard);
/* tasks of a fragment whose parameters are known; *nshards: shards of the anchor */
extern List *executor_tasks_make(const Fragment *fragment, ExecutorParams *params,
								 PlanState *parent, ExprContext *econtext, int *nshards);
/* tasks of one statement on a shard: one for reads (with candidates), one a placement for writes */
extern List *executor_tasks_for_shard(List *tasks, const Shard *shard, const char *sql,
									  ExecutorParams *params, bool writes);
/* a task of a statement that locks rows of a shard */
extern List *executor_tasks_to_lock(List *tasks, const Shard *shard, const char *sql,
									ExecutorParams *params);
/* a name for the task's text and types, palloc'd; NULL: too long to be kept prepared */
extern char *executor_task_name(const ExecutorTask *task, TupleDesc resultDesc);
/* sets statementName of the only task when it is worth it */
extern void executor_tasks_name(List *tasks, TupleDesc resultDesc);
extern uint64 executor_tasks_count(List *tasks);
/* they can be run again, as if they had not been */
extern void executor_tasks_reset(List *tasks);

/* ---- plans that tasks have run (explain_run.c) ---- */

extern void executor_explain_init(void);
extern void executor_explain_mark(List *tasks, int instrument);
extern const char *executor_explain_sql(const ExecutorTask *task);
extern int	executor_explain_instrument(int mark);
extern char *executor_explain_plan(QueryDesc *query, int mark, int format);

/* ---- scheduler (scheduler.c) ---- */

typedef struct TaskRun TaskRun;

typedef struct RunOptions
{
	TxnUse		use;
	bool		commits;		/* TXN_AUTOCOMMIT, and the task writes */
	bool		binary;			/* ask for binary results */
	bool		mayGrow;		/* more than one connection per node is wanted */
	ConnUser   *user;			/* on whose behalf: not settled by this run */
	ClusterSnapshot *snapshot;	/* reads see it; may be NULL */
} RunOptions;

/* opens connections and sends what can be sent; local tasks are skipped */
extern TaskRun *executor_run_start(List *tasks, const RunOptions *options);
/* waits for the next row of any task; NULL after the last answer */
extern ExecutorTask *executor_run_next(TaskRun *run, RemoteAnswer *answer);
/* waits for the reports of the snapshots that the tasks see */
extern void executor_run_await_reports(TaskRun *run);
extern bool executor_run_uses(TaskRun *run, RemoteConn *conn);
extern bool executor_run_is_finished(TaskRun *run);
/* of one that is finished: its additional connections are for the statement's next run */
extern void executor_run_return_conns(TaskRun *run);
/* ends early: cancels (only if nothing else happens in those sessions) or reads to the end */
extern void executor_run_stop(TaskRun *run, bool cancel);

/* ---- quick statements over several shards (fuse.c) ---- */

/* what a statement over several shards is recognised by; 0: it is not one to be fused */
extern uint64 executor_fuse_key(const Fragment *fragment, List *tasks);
/* the tasks as they shall run: as they are, or those of a node as one */
extern List *executor_fuse(uint64 key, List *tasks, TupleDesc resultDesc);
extern List *executor_fuse_all(List *tasks, TupleDesc resultDesc);
/* the tasks that ran, as they are or together, are done: is it a quick statement? */
extern void executor_fuse_learn(uint64 key, List *tasks, bool together);

/* ---- in-process tasks (local.c) ---- */

/*
 * Runs sql on this node; rows go to dest; answers the processed count.  Reads see what commands of
 * this transaction before cid did, writes everything.  snapshot may be NULL: a new one is taken.
 */
extern uint64 executor_local_run(ExecutorTask *task, bool writes, Snapshot snapshot,
								 CommandId cid, DestReceiver *dest);
/* EXPLAIN of the same with the options of es: text in es's format */
extern char *executor_local_explain(ExecutorTask *task, struct ExplainState *es);

/* the server's cached plan of a task that has a name (local_plans.c) */
extern CachedPlanSource *executor_local_plan(ExecutorTask *task);

/* ---- all of it, to the end (write.c) ---- */

/* where rows of a completed run go */
typedef struct RowSink
{
	RowReader  *reader;			/* NULL: rows are dropped */
	Tuplestorestate *store;
} RowSink;

/*
 * Runs tasks as writes, stage by stage, local ones included; sum of counts.  alone: the statement
 * that consists of these tasks only, so that a single one may commit by itself; or NULL.  snapshot
 * may be NULL.
 */
extern uint64 executor_tasks_write(List *tasks, RowSink *sink, const PlannedStmt *alone,
								   Snapshot snapshot);
/* the same for statements that lock rows and change none */
extern void executor_tasks_lock(List *tasks, RowSink *sink, Snapshot snapshot);
/*
 * For what changes no rows, as LOCK TABLE of shards: whoever has not begun to read does so later,
 * behind the lock.  Rows that the statements return are left.
 */
extern void executor_tasks_run_quietly(List *tasks);
/* true when a single remote task of stmt needs no transaction around it; stmt may be NULL */
extern bool executor_may_autocommit(const PlannedStmt *stmt);
/* makes a write of several shards wait for other such writes of the table, on all nodes */
extern void executor_lock_for_write(const Fragment *fragment, List *tasks);
/* with whose rights a statement of the role, which was allowed to run, locks shards */
extern Oid	executor_role_to_insert(Oid relid, const List *columns, Oid role);
extern Oid	executor_role_to_lock(const DistTable *table, Oid role);
extern void executor_lock_table_for_write(const DistTable *table, Oid role);
/* a receiver of a local task's rows into the sink; pfree'd with the current context */
extern DestReceiver *executor_sink_receiver(RowSink *sink, ExecutorTask *task);
extern void executor_sink_put(RowSink *sink, ExecutorTask *task, const RemoteAnswer *answer);

/* ---- who reads with which cluster snapshot (snapshots.c) ---- */

struct DistScanState;
typedef struct ScanGroup ScanGroup;

/* what functions read that see what the statement sees (readers.c) */
#define READS_KNOWN		1		/* tables of the cluster */
#define READS_PLAIN		2		/* others, of this node */

extern void executor_readers_init(void);
/* of READS_...; 0 for a statement that calls none of users' */
extern int	executor_functions_read(const PlannedStmt *stmt);

extern void executor_snapshot_enter(struct DistScanState *state);
extern void executor_snapshot_leave(struct DistScanState *state);
/* the snapshot of the statement's scans stays as it is until the context goes away */
extern void executor_snapshot_stay(EState *estate, MemoryContext context);
/* until the statement ends its snapshot is of all nodes, and from before the next write */
extern void executor_snapshot_hold(EState *estate);
/* may other scans read with the same? */
extern bool executor_snapshot_is_shared(struct DistScanState *state);
extern ClusterSnapshot *executor_snapshot_get(struct DistScanState *state);
/* does it lock rows of a statement that does not change them itself?  Those changed since go. */
extern bool executor_snapshot_skips_changed(const struct DistScanState *state);
/* before anything is written: functions of statements under way read what was there before */
extern void executor_snapshots_before_write(void);
extern ClusterSnapshot *executor_snapshot_for_write(void);
/*
 * Before a write that reads, too, or chooses among rows, and after one that has found none; true:
 * what it waited for, later snapshots see.
 */
extern bool executor_snapshot_await_others(struct DistScanState *state, bool foundNone);
/*
 * Starts the scan's tasks together with the snapshots that they see; NULL: that cannot be, or the
 * snapshots did not agree.  options are completed.
 */
extern TaskRun *executor_snapshot_try(struct DistScanState *state, RunOptions *options);

/* ---- rows that move between shards before a fragment runs (movement.c) ---- */

typedef struct MovedRows MovedRows;

/* gives a task its rows while it is sent, or run; takes them away */
extern void executor_movements_bind(ExecutorTask *task);
/* tasks that write what one movement has brought: those that have rows, cut if they are many */
extern List *executor_movements_cut(List *tasks, struct MovedRows *rows);
extern void executor_movements_unbind(ExecutorTask *task);

/* ---- rows of sorted tasks (sorted_rows.c) ---- */

typedef struct SortedRows SortedRows;

extern SortedRows *executor_sorted_make(struct DistScanState *state);
extern RowSink executor_sorted_sink(SortedRows *rows, ExecutorTask *task);
extern void executor_sorted_local_done(SortedRows *rows, ExecutorTask *task);
extern bool executor_sorted_drain(SortedRows *rows);
extern bool executor_sorted_next(SortedRows *rows, TupleTableSlot *slot);
extern void executor_sorted_end(SortedRows *rows);
/* ---- triggers fire here (triggers.c) ---- */

extern void executor_triggers_init(void);
extern void executor_triggers_forget(void);

/* a statement that is part of the run's: executor_triggers_begin() of it answers the run */
extern TriggerRun *executor_triggers_join(TriggerRun *run);
extern void executor_triggers_unjoin(TriggerRun *before);
/* rows that have come to BEFORE UPDATE triggers, whether there are any or not */
extern uint64 executor_triggers_updates(const TriggerRun *run);
/* a trigger's function has run a statement for which rows were sent */
extern bool executor_triggers_were_interrupted(const TriggerRun *run);
/* before something distributed starts */
extern void executor_triggers_settle(void);
/* how many statements this session has begun that change rows of known relations */
extern uint64 executor_changes_started(void);

/* as for INSERT (executor.h); relid: the table or partition that the row is in */
extern bool executor_triggers_update(TriggerRun *run, Oid relid, TupleTableSlot *old,
									 TupleTableSlot *row);
extern bool executor_triggers_delete(TriggerRun *run, Oid relid, TupleTableSlot *old);
/* the partition that a row belongs to; the table itself when it has none */
extern Oid	executor_triggers_partition(TriggerRun *run, TupleTableSlot *row);
extern void executor_triggers_updated(TriggerRun *run, Oid relid, TupleTableSlot *old,
									  TupleTableSlot *row);
extern void executor_triggers_deleted(TriggerRun *run, Oid relid, TupleTableSlot *old);

/* ---- the scan node (scan.c, insert.c, explain.c, explain_tasks.c) ---- */

typedef enum ScanPhase
{
	SCAN_NEW,					/* nothing evaluated, nothing sent */
	SCAN_STREAMING,				/* tasks are on their way; rows come from store, then run */
	SCAN_COMPLETE				/* every task has ended; what is left is in store */
} ScanPhase;

typedef struct ForwardedRows ForwardedRows;

/* ---- rows of earlier runs of a lookup (remembered.c) ---- */

typedef struct RememberedRuns RememberedRuns;
typedef struct RememberedRun RememberedRun;

/* in the current context, until that is gone */
extern RememberedRuns *executor_remembered_make(Fragment *fragment, PlanState *parent);
/*
 * *run: the run with the values that the fragment's parameters have now; NULL: there was none.
 * False: some of them have none that can be asked for (late_values.c).
 */
extern bool executor_remembered_find(RememberedRuns *runs, RememberedRun **run);
/* after it, no row is found that was put before */
extern void executor_remembered_forget(RememberedRuns *runs);
/* one that is to have the rows of those values; forgets others when there are too many */
extern RememberedRun *executor_remembered_add(RememberedRuns *runs);
/* keeps a copy of the row; false: there is no room for more */
extern bool executor_remembered_put(RememberedRun *run, TupleTableSlot *slot);
/* it has all rows: it may be found */
extern void executor_remembered_complete(RememberedRun *run);
/* a row, from 0, in a slot for minimal tuples; false: there are not so many */
extern bool executor_remembered_get(const RememberedRun *run, int row, TupleTableSlot *slot);
/* how many runs have been made, and how many were found */
extern void executor_remembered_counts(const RememberedRuns *runs, uint64 *made, uint64 *found);

typedef struct DistScanState
{
	CustomScanState css;
	DistPlan   *plan;
	ScanPhase	phase;
	bool		keep;			/* rows stay in store, to be read again */
	int64		position;		/* in the store, when kept: of the last row read, from 1 */
	bool		cancelable;		/* remote work may be cancelled without harm */
	Snapshot	childSnapshot;	/* registered: what the child plan of an upsert sees; or NULL */
	bool		explainOnly;	/* nothing is run, not even the child plan */

	/* valid from Begin */
	MemoryContext context;		/* what lives as long as the node */
	MemoryContext runContext;	/* what lives until it starts again; context before it ever has */
	ResourceOwner owner;
	ExprContext *econtext;		/* for parameters */
	ConnUser	user;
	RowReader  *reader;			/* NULL when no rows come back */

	/* while it is in a group, snapshots.c */
	ScanGroup  *group;
	dlist_node	groupLink;
	MemoryContextCallback onFree;

	/* valid once started */
	ExecutorParams *params;
	DistPlan   *punctual;		/* the plan itself, while late_values.c has changed it; or NULL */
	uint64		changes;		/* executor_changes() then; for rows that are locked */
	MovedRows  *moved;			/* NULL: the fragment has no movements */
	List	   *tasks;
	int			nshards;
	List	   *running;		/* reads: the tasks as sent, those of a node perhaps as one */
	uint64		fuseKey;
	TaskRun    *run;			/* SCAN_STREAMING */
	SortedRows *sorted;			/* NULL: rows are in no order, or come from one task */
	TriggerRun *triggers;		/* while a write runs; NULL: none */
	Tuplestorestate *store;		/* may be NULL */
	bool		hasAll;			/* a lookup whose next runs choose from allStore */
	Tuplestorestate *allStore;
	RememberedRuns *earlier;	/* of a lookup; NULL: its rows are not kept */
	RememberedRun *remembered;	/* whose rows come first; NULL: nothing is remembered */
	int			nread;			/* of those */
	TupleTableSlot *storeSlot;
	ForwardedRows *forwarded;	/* rows are messages for the client (forward.c); or NULL */
} DistScanState;

/* the scan, if that is all of the plan; else NULL */
extern DistScanState *executor_scan_of(PlanState *ps);

/* ---- rows for the client that nobody reads here (forward.c) ---- */

extern bool executor_forward_start(DistScanState *state);
extern bool executor_forward_next(DistScanState *state, TupleTableSlot *slot);

/* brings what the fragment's movements say; forgets it */
extern void executor_movements_run(DistScanState *state, RunOptions *options);
extern void executor_movements_end(DistScanState *state);

extern Node *executor_scan_create(CustomScan *scan);

/* ---- values that rows may not ask for (late_values.c, late_apart.c) ---- */

/*
 * The fragment, or, when computing sub-queries that its parameters or conditions on the key read
 * fails, a copy that raises the error where a row asks for them.  Computes the others, as reading
 * them would.  Palloc'd in the current context.
 */
extern Fragment *executor_late_fragment(Fragment *fragment, ExprContext *econtext);

/* sets a scalar sub-query's parameters to a row's values, which are copied; NULL: to NULL */
extern void executor_late_set(SubPlanState *node, ExprContext *econtext, TupleTableSlot *slot);

/* may it fail, and can it be computed for itself? */
extern bool executor_apart_is_wanted(SubPlanState *node);
/* ... now, of one that is wanted? */
extern bool executor_apart_is_possible(SubPlanState *node, ExprContext *econtext);
/*
 * Computes it in a sub-transaction and sets its parameters.  False: *error has been raised, or,
 * where that is NULL, a scalar has a second row; the parameters are then in no state.  Raises
 * errors that are not about values.
 */
extern bool executor_apart_compute(SubPlanState *node, ExprContext *econtext, ErrorData **error);

/* parameters and tasks, without running anything */
extern void executor_scan_resolve(DistScanState *state);
extern RowSink executor_scan_sink(DistScanState *state);
/* the next row off the connections; NULL after the last */
extern ExecutorTask *executor_scan_next_answer(DistScanState *state, RemoteAnswer *answer);
/* the next row, whatever task it is of, in the scan's slot; false at the end */
extern bool executor_scan_next_raw(DistScanState *state, TupleTableSlot *slot);
/* no node at ps or below will be asked for rows again: a write need not read them before */
extern void executor_scans_over(PlanState *ps);
extern void executor_insert_run(DistScanState *state);

/* ---- ON CONFLICT DO UPDATE, row by row (upsert_rows.c) ---- */

typedef struct UpsertRun UpsertRun;

extern UpsertRun *executor_upsert_rows_begin(DistScanState *scan);
/* the number that the sessions that write are to be told; 0: none */
extern int32 executor_upsert_rows_id(UpsertRun *upsert);
/* raises 21000 when the statement has written a row with the same keys */
extern void executor_upsert_rows_check(UpsertRun *upsert, TupleTableSlot *row);
extern void executor_upsert_rows_note(UpsertRun *upsert, TupleTableSlot *row);
/* updates what is in the row's way; how many rows; *found: there was one that it takes */
extern uint64 executor_upsert_rows_update(UpsertRun *upsert, TupleTableSlot *row, bool *found);

/* ---- constraints of rows that no shard has yet (row_constraints.c) ---- */

typedef struct RowConstraints
{
	Relation	relation;
	EState	   *estate;			/* its per-tuple context is the caller's to reset */
	struct ResultRelInfo *info;
	struct ModifyTableState *modify;	/* of a partitioned table */
	struct PartitionTupleRouting *routing;
} RowConstraints;

/* relation stays open until executor_constraints_end(), which an error makes superfluous */
extern void executor_constraints_begin(RowConstraints *constraints, Relation relation);
/*
 * The server's error, in the shell's names, when constraints of the table do not want the row,
 * whose generated columns are computed.
 */
extern void executor_constraints_check(RowConstraints *constraints, TupleTableSlot *row);
extern void executor_constraints_end(RowConstraints *constraints);

/* ---- policies that shards do not apply (row_checks.c) ---- */

typedef struct RowChecks RowChecks;

/* checks: of RowCheck; NULL where there are none.  Lives in the current context */
extern RowChecks *executor_checks_begin(struct DistScanState *scan, List *checks, Oid relid);
/*
 * 42501 when a policy does not want made, a row of the table; row: the child's, with the columns
 * that checks may be.  kind is a WCOKind.
 */
extern void executor_checks_ask(RowChecks *checks, int kind, TupleTableSlot *made,
								TupleTableSlot *row);
/* runs a SELECT of one boolean with the row's columns as parameters; NULL is false */
extern bool executor_query_of_row(struct DistScanState *scan, PlannedStmt *stmt,
								  TupleTableSlot *row);
extern void executor_change_run(DistScanState *state);
/* deletes rows of a shard here that move to another one; gone: which were there (change_leave.c) */
extern void executor_rows_leave(Oid relid, ItemPointer places, int n, bool *gone);
extern void executor_raise_second_conflict(void);
/* before the child plan of an upsert is initialised */
extern void executor_change_begin_upsert(DistScanState *state);
extern void executor_explain_scan(CustomScanState *node, List *ancestors,
								  struct ExplainState *es);

/* ---- statements inside a statement (parts.c) ---- */

extern void executor_parts_init(void);
extern Node *executor_parts_create(DistPlan *plan);
/* nodes of DIST_PLAN_PART_ROWS with this id read these rows until they are taken back */
extern void executor_part_rows_give(int id, Tuplestorestate *store);
extern void executor_part_rows_take(void);

/* ---- rows that are locked one by one (lock.c) ---- */

extern Node *executor_lock_create(DistPlan *plan);

/* ---- foreign keys that act on this node (actions.c) ---- */

struct TriggerData;

extern void executor_actions_init(void);
/* known tables whose foreign keys to the relation act here: OIDs, in the current context */
extern List *executor_actions_known(Relation relation);
/* shards of the table leave actions of these shells' foreign keys to this node; NIL: no more */
extern void executor_actions_leave(const DistTable *table, List *shells);
/* the same in a session that keeps shards, until it says NIL or the (sub)transaction fails */
extern void executor_actions_set(List *shells);
extern void executor_actions_filter(ResultRelInfo *info);
extern void executor_actions_statement_started(QueryDesc *query);
/* likewise, for checks that another node makes (elsewhere_act.c) */
extern void executor_elsewhere_started(QueryDesc *query);
/* calls AFTER triggers by the function, and then asks other nodes for what these have left */
extern void executor_elsewhere_around(void (*fire) (EState *estate), EState *estate);
extern void executor_actions_look(struct TriggerData *data);

/* ---- upserts in several statements (upsert.c) ---- */

extern void executor_upsert_init(void);
extern int32 executor_upsert_new_id(void);
/* in the session that writes: upsert id starts; raises 21000 for a row that it has written */
extern void executor_upsert_start(int32 id);
extern void executor_upsert_check(int32 id, TransactionId xmin, CommandId cmin);
/* true for a row that was written since the start of id */
extern bool executor_upsert_wrote(int32 id, TransactionId xmin, CommandId cmin);

/* ---- rows as other expressions (relay.c) ---- */

extern Node *executor_relay_create(DistPlan *plan);

/* ---- rows into a table of this node (store.c) ---- */

extern Node *executor_store_create(DistPlan *plan);

/* ---- rows that have moved (moved_rows_read.c) ---- */

extern Node *executor_moved_rows_create(DistPlan *plan);

/* ---- row locks (lock.c) ---- */

/* a row of a shard, by its place there */
typedef struct RowId
{
	ShardId		shard;
	ItemPointerData ctid;
} RowId;

/*
 * Locks rows of a table in the weakest mode; locked[i] tells whether rows[i] was there to be
 * locked: one that the transaction itself has changed or deleted is not.
 */
extern void executor_rows_lock(Oid relid, const RowId *rows, bool *locked, int n);

/* ---- cursors (cursor.c) ---- */

extern Node *executor_cursor_create(DistPlan *plan);
/*
 * Where the current row of a cursor is; false when it is in another table of the same tree.  Raises
 * what the server raises for WHERE CURRENT OF.
 */
extern bool executor_cursor_position(const char *cursor, Oid relid, ShardId *shard,
									 ItemPointer place);

/* ---- which lines of the user's input a shard gets (line_map.c) ---- */

extern void executor_lines_append(StringInfo map, uint64 skipped, uint64 inner);
extern uint64 executor_lines_find(const char *map, int length, uint64 line);
extern bool executor_lines_next(const char **at, const char *end, uint64 *line);

/* ---- COPY into shards of this node (shard_copy.c) ---- */

/* the kinds of line ends that the server tells apart, its EolType: unknown, LF, CR, CR LF */
#define EXECUTOR_LINE_END_MAX 3

/* how the rows of one statement are given */
typedef struct ShardCopy
{
	char	   *text;			/* COPY table (columns) FROM STDIN WITH (options) */
	CopyStmt   *statement;		/* the same, parsed */
	bool		isCopy;			/* the user's statement is a COPY: errors name its lines */
	bool		checkRights;	/* nobody has checked them on the way here */
} ShardCopy;

typedef struct ShardRows
{
	const Shard *shard;
	const char *data;
	int			length;
	const char *lines;			/* a map of lines, when isCopy */
	int			linesLength;
	int			lineEnd;		/* kind known when the first row began: one of those above */
} ShardRows;

extern CopyStmt *executor_shard_copy_parse(const char *text);
extern uint64 executor_shard_copy(const ShardCopy *copy, const ShardRows *rows);
extern uint64 executor_shard_copy_here(const ShardCopy *copy, const ShardRows *rows);
/* reads rows before a line of the user's, checks the table's constraints; raises what is wrong */
extern void executor_shard_copy_check(const ShardCopy *copy, const ShardRows *rows, uint64 before);

/* ---- errors in the user's names (user_names.c) ---- */

extern void executor_user_names_init(void);

#endif
