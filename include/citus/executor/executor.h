/*
 * executor.h
 *	  Runs DistPlans and writes tuples to shards.
 *
 * The planner's CustomScan nodes reach this module through plan_set_state_creator().
 */
#ifndef CITUS_EXECUTOR_EXECUTOR_H
#define CITUS_EXECUTOR_EXECUTOR_H

#include "postgres.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/tuplestore.h"
#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/plan/plan.h"

extern void executor_init(void);
/* called by entry before the server's executor starts a statement */
extern void executor_statement_starts(QueryDesc *query);
/* called by entry after the server's executor has started a statement */
extern void executor_statement_started(QueryDesc *query);
/* a utility statement is about to read the relation with the active snapshot */
extern void executor_plain_table_read(Oid relid);
/* called by entry after that, when the statement was planned for the values of its parameters */
extern void executor_custom_plan_started(QueryDesc *query);
/*
 * ExecutorRun: a receiver to run the query with in place of its own, which gets many rows without
 * reading them, or NULL.  count: of the rows that are wanted; 0: all.
 */
extern DestReceiver *executor_forward_begin(QueryDesc *query, ScanDirection direction,
											uint64 count);

/* EXPLAIN of a client is about to run, and has run; statements inside are those it is about */
typedef struct ExplainWish
{
	bool		active;
	bool		verbose;
	bool		costs;
	bool		settings;
	int			format;			/* ExplainFormat */
} ExplainWish;

extern ExplainWish executor_explain_begin(const ExplainStmt *stmt);
extern void executor_explain_end(ExplainWish before);
/* called by entry before a statement starts, and when it has run: another node may want its plan */
extern void executor_explain_measure(QueryDesc *query);
extern void executor_explain_report(QueryDesc *query);

/*
 * ShardWriter: rows in, COPY into shards out.  Rows wait in a buffer per shard, in COPY's own
 * format, and leave as the argument of a function that copies them into the shard (in-process for
 * placements here); several of them are under way on every node, total memory is bounded.  Every
 * placement of a reference table gets every row.
 *
 * Rows are tuples, or lines of the user's COPY as they are.  columns: attribute numbers (IntList)
 * of the shell that they carry, in their order.  A NULL or missing key raises 22004.
 */
typedef struct ShardWriter ShardWriter;

extern ShardWriter *executor_writer_begin(const DistTable *table, List *columns,
										  TupleDesc slotDesc);
extern void executor_writer_put(ShardWriter *writer, TupleTableSlot *slot);

/*
 * options: the part of the COPY statement in parentheses after WITH.  A line is put with its line
 * end, or without if it is the last one; inner: line ends in it that belong to a field.
 */
extern ShardWriter *executor_writer_begin_lines(const DistTable *table, List *columns,
												const char *options);
extern void executor_writer_put_line(ShardWriter *writer, int shard, const char *line, int length,
									 int inner);
/* kind of line end known before the next line: 0 unknown, 1 LF, 2 CR, 3 CR LF */
extern void executor_writer_set_line_end(ShardWriter *writer, int kind);

/* the statement is a COPY: errors are to name lines of its input.  The next row ends in line. */
extern void executor_writer_set_line(ShardWriter *writer, uint64 line);
/* takes what has come from the nodes meanwhile, without waiting; raises what failed there */
extern void executor_writer_poll(ShardWriter *writer);
/* flushes, waits for all nodes, frees; rows written (copies count once) */
extern uint64 executor_writer_end(ShardWriter *writer);
/* the input is wrong behind all rows that were put: raises what is wrong before, if anything */
extern void executor_writer_end_wrong(ShardWriter *writer);

/*
 * Runs write(); errors about rows that it raises while it works with somebody else's rights quote
 * no more of them than the current user may read.
 */
extern void executor_write_for_caller(void (*write) (void *argument), void *argument);
/* the same for checks that were deferred: nobody knows with whose rights rows were written */
extern void executor_check_for_caller(void (*check) (void *argument), void *argument);

/*
 * Runs one SQL statement on every placement of the given shards (templates filled per shard),
 * inside the distributed transaction as writes; sum of row counts.  For TRUNCATE and the like.
 */
extern uint64 executor_run_on_shards(const DistTable *table, const SqlTemplate *sql);

/*
 * Triggers of a statement that is not planned: COPY FROM, row by row, and TRUNCATE of tables.  A
 * run lives in the current memory context from its beginning to its end.
 */
typedef struct TriggerRun TriggerRun;
typedef void (*TriggerFlush) (void *argument);

/* fires BEFORE STATEMENT triggers; NULL without a spec; with the executor's flags, or 0 */
extern TriggerRun *executor_triggers_begin(FireSpec *spec, int eflags);
/* fires AFTER triggers; run may be NULL */
extern void executor_triggers_end(TriggerRun *run);
/* rows must pass through the functions below; run may be NULL */
extern bool executor_triggers_see_rows(const TriggerRun *run);

/*
 * How rows that have passed their BEFORE triggers are sent, and that there are some now.  A
 * trigger's function that runs a statement makes that happen first.
 */
extern void executor_triggers_set_flush(TriggerRun *run, TriggerFlush flush, void *argument);
extern void executor_triggers_set_pending(TriggerRun *run);

/*
 * BEFORE ROW triggers; false: the row is left alone.  What is put into the row, which is as those
 * of the table, lives until the next call.
 */
extern bool executor_triggers_insert(TriggerRun *run, TupleTableSlot *row);
/* the row is inserted: AFTER ROW triggers are called at the end */
extern void executor_triggers_inserted(TriggerRun *run, TupleTableSlot *row);

/* locks the tables */
extern TriggerRun *executor_triggers_begin_truncate(List *relids);
extern void executor_triggers_end_truncate(TriggerRun *run);

/* SET CONSTRAINTS: OIDs of constraint triggers of ours, or all of them */
/* raises 55006 when checks of the table's rows wait for the end of the transaction */
extern void executor_triggers_refuse_pending(Oid relid, const char *statement);
extern void executor_constraints_set(List *triggers, bool all, bool deferred);

/*
 * For PG_CATCH() around a statement on shards of this node: raises the caught error again, with
 * the names of the user's relations and constraints instead of the shards'.
 */
extern void executor_rethrow_with_user_names(void) pg_attribute_noreturn();
/* the same for an error that is about to be sent */
extern void executor_edit_message(ErrorData *edata);

#endif
