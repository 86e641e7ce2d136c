/*
 * upsert.c
 *	  Upserts whose rows do not fit into one statement a shard.
 *
 * A row that ON CONFLICT DO UPDATE would change twice is an error, which a shard's server finds out
 * within one statement.  Where rows travel in several, each session that works on them is told
 * before the first one that upsert number id starts, and the later ones have a condition that asks
 * whether the row was written since:
 *
 *		SELECT citus_internal.upsert_starts(id)
 *		INSERT .. ON CONFLICT (k) DO UPDATE SET .. WHERE ..
 *		INSERT .. ON CONFLICT (k) DO UPDATE SET ..
 *			WHERE citus_internal.upsert_is_first(id, t.xmin, t.cmin) AND ..
 *
 * In the same way a statement that fires triggers, or calls functions of users for its rows, finds
 * out which rows of a table with copies these have written (row_is_older(), change.c).
 *
 * Invariant: numbers are those of the node that runs the upsert; a session works for one only, and
 * forgets them at the end of the transaction.
 */
#include "postgres.h"
#include "access/transam.h"
#include "access/xact.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "citus/base/lifecycle.h"
#include "executor/executor_internal.h"

typedef struct StartedUpsert
{
	int32		id;
	CommandId	since;			/* rows of this command and later ones are the upsert's */
} StartedUpsert;

/* of StartedUpsert *; lives in the top transaction's context */
static List *started = NIL;

static void
forget_started(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	if (event == LIFECYCLE_COMMIT || event == LIFECYCLE_ABORT || event == LIFECYCLE_PREPARE)
		started = NIL;
}

void
executor_upsert_init(void)
{
	base_lifecycle_register(PHASE_EXECUTOR, forget_started);
}

int32
executor_upsert_new_id(void)
{
	static int32 last = 0;

	return last = last < PG_INT32_MAX ? last + 1 : 1;
}

static StartedUpsert *
find_started(int32 id)
{
	ListCell   *cell;

	foreach(cell, started)
	{
		StartedUpsert *upsert = lfirst(cell);

		if (upsert->id == id)
			return upsert;
	}
	return NULL;
}

void
executor_upsert_start(int32 id)
{
	MemoryContext caller;
	StartedUpsert *upsert;

	if (find_started(id) != NULL)
		return;
	caller = MemoryContextSwitchTo(TopTransactionContext);
	upsert = palloc(sizeof(StartedUpsert));
	upsert->id = id;
	upsert->since = GetCurrentCommandId(false);
	started = lappend(started, upsert);
	MemoryContextSwitchTo(caller);
}

bool
executor_upsert_wrote(int32 id, TransactionId xmin, CommandId cmin)
{
	StartedUpsert *upsert = find_started(id);

	if (upsert == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("upsert %d has not been started in this session", id)));
	return TransactionIdIsNormal(xmin) && TransactionIdIsCurrentTransactionId(xmin) &&
		cmin >= upsert->since;
}

void
executor_upsert_check(int32 id, TransactionId xmin, CommandId cmin)
{
	if (executor_upsert_wrote(id, xmin, cmin))
		executor_raise_second_conflict();
}
