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

/*
 * ShardWriter: tuples in, a COPY stream per shard out.  Rows wait in a buffer per shard and go out
 * as COPY <shard> FROM STDIN in binary (or text when a type has no binary form) over the main
 * connection of each placement's node, or in-process for placements here; total memory is bounded.
 * Every placement of a reference table gets every row.
 *
 * columns: attribute numbers (IntList) of the shell that slots carry, in the order of the slot's
 * columns.  A NULL or missing key raises 22004.
 */
typedef struct ShardWriter ShardWriter;

extern ShardWriter *executor_writer_begin(const DistTable *table, List *columns,
										  TupleDesc slotDesc);
extern void executor_writer_put(ShardWriter *writer, TupleTableSlot *slot);
/* flushes, waits for all nodes, frees; rows written (copies count once) */
extern uint64 executor_writer_end(ShardWriter *writer);

/*
 * Runs one SQL statement on every placement of the given shards (templates filled per shard),
 * inside the distributed transaction as writes; sum of row counts.  For TRUNCATE and the like.
 */
extern uint64 executor_run_on_shards(const DistTable *table, const SqlTemplate *sql);

/*
 * For PG_CATCH() around a statement on shards of this node: raises the caught error again, with
 * the names of the user's relations and constraints instead of the shards'.
 */
extern void executor_rethrow_with_user_names(void) pg_attribute_noreturn();

#endif
