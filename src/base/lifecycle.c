/*
 * lifecycle.c
 *	  End-of-transaction work of modules in named, ordered phases.
 *
 * Owns the only transaction callbacks that the extension registers with the server.
 *
 * Parallel workers: their COMMIT and ABORT are passed on, because caches must be cleaned there,
 * too; there is no PRE_COMMIT in them, because they have nothing to prepare.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/base_internal.h"
#include "citus/base/lifecycle.h"

#define MAX_CALLBACKS 8			/* per phase */

static LifecycleCallback callbacks[LIFECYCLE_NPHASES][MAX_CALLBACKS];
static int	ncallbacks[LIFECYCLE_NPHASES];

void
base_lifecycle_register(LifecyclePhase phase, LifecycleCallback callback)
{
	if (ncallbacks[phase] == MAX_CALLBACKS)
		elog(ERROR, "too many lifecycle callbacks in phase %d", (int) phase);
	callbacks[phase][ncallbacks[phase]++] = callback;
}

static void
run_phases(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	for (int phase = 0; phase < LIFECYCLE_NPHASES; phase++)
	{
		for (int i = 0; i < ncallbacks[phase]; i++)
			callbacks[phase][i] (event, subid, parent);
	}
}

static void
on_xact_event(XactEvent event, void *arg)
{
	LifecycleEvent ours;

	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			ours = LIFECYCLE_PRE_COMMIT;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
			ours = LIFECYCLE_COMMIT;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			ours = LIFECYCLE_ABORT;
			break;
		case XACT_EVENT_PRE_PREPARE:
			ours = LIFECYCLE_PRE_PREPARE;
			break;
		case XACT_EVENT_PREPARE:
			ours = LIFECYCLE_PREPARE;
			break;
		default:
			return;
	}
	run_phases(ours, InvalidSubTransactionId, InvalidSubTransactionId);
}

static void
on_subxact_event(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	LifecycleEvent ours;

	switch (event)
	{
		case SUBXACT_EVENT_START_SUB:
			ours = LIFECYCLE_SUB_START;
			break;
		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			ours = LIFECYCLE_SUB_PRE_COMMIT;
			break;
		case SUBXACT_EVENT_COMMIT_SUB:
			ours = LIFECYCLE_SUB_COMMIT;
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			ours = LIFECYCLE_SUB_ABORT;
			break;
		default:
			return;
	}
	run_phases(ours, subid, parent);
}

/* Called once from base_init(). */
void
base_lifecycle_start(void)
{
	RegisterXactCallback(on_xact_event, NULL);
	RegisterSubXactCallback(on_subxact_event, NULL);
}

ErrorData *
base_try_subtransaction(SubtransactionBody body, void *argument, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		body(argument);
		if (keep)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL || !keep)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}
