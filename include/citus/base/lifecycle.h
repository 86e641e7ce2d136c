/*
 * lifecycle.h
 *	  End-of-transaction work in named, ordered phases.
 *
 * Only base registers transaction callbacks with the server.  Modules register one callback per
 * phase; for each event all phases run in the order of the enum.
 *
 * LIFECYCLE_PRE_COMMIT may raise errors (the transaction then aborts).  All later events must not.
 * LIFECYCLE_COMMIT and LIFECYCLE_ABORT run after the local transaction's fate is decided.
 */
#ifndef CITUS_BASE_LIFECYCLE_H
#define CITUS_BASE_LIFECYCLE_H

#include "postgres.h"

typedef enum LifecycleEvent
{
	LIFECYCLE_PRE_COMMIT,
	LIFECYCLE_COMMIT,
	LIFECYCLE_ABORT,
	LIFECYCLE_PRE_PREPARE,		/* user's PREPARE TRANSACTION, before it happens */
	LIFECYCLE_PREPARE,
	LIFECYCLE_SUB_START,
	LIFECYCLE_SUB_PRE_COMMIT,
	LIFECYCLE_SUB_COMMIT,
	LIFECYCLE_SUB_ABORT
} LifecycleEvent;

typedef enum LifecyclePhase
{
	PHASE_EXECUTOR,				/* forget running executions */
	PHASE_COMMANDS,				/* deferred work of utility statements */
	PHASE_TXN,					/* prepare, commit, abort remote transactions */
	PHASE_REMOTE,				/* return, drop or keep connections */
	PHASE_CATALOG,				/* free invalidated cache entries */
	PHASE_SESSION				/* reset the stack of session frames */
} LifecyclePhase;

#define LIFECYCLE_NPHASES (PHASE_SESSION + 1)

/* subid and parent are valid for the sub-transaction events only */
typedef void (*LifecycleCallback) (LifecycleEvent event, SubTransactionId subid,
								   SubTransactionId parent);

extern void base_lifecycle_register(LifecyclePhase phase, LifecycleCallback callback);

typedef void (*SubtransactionBody) (void *argument);

/*
 * Runs body in a subtransaction, in the caller's memory context, and returns the error that it
 * raised, NULL if none, in that context.  An error undoes what body did; so does keep = false.
 */
extern ErrorData *base_try_subtransaction(SubtransactionBody body, void *argument, bool keep);

#endif
