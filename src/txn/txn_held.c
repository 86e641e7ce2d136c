/*
 * txn_held.c
 *	  Snapshots that the statements of a transaction share, in a session that works for another one.
 *
 * A statement that is run as several tasks must see one state of the node in all of them, also at
 * READ COMMITTED and on several connections.  The session that asks for it has the first connection
 * take a snapshot under a number; while the number is in force there, SELECT commands from the
 * client read with that snapshot (txn_held_replace(), called before the executor starts).  Other
 * connections to the node join: they copy the snapshot from shared memory.  So does a session of
 * another transaction that has imported the snapshot of the one that asks (txn_held_import()):
 * there it takes the place of the transaction's own.  At levels of which a transaction has one
 * snapshot, that is in force by itself; a statement that must not see what functions of its own
 * write has it copied as it is (txn_held_keep()).
 *
 * Invariants
 * (1) A held snapshot is registered with the top transaction's resource owner until it is
 *	   forgotten or the transaction ends.
 * (2) What reads with one sees what its own transaction had done when it was taken (or joined), and
 *	   nothing of what the statement that it belongs to has functions write after that.
 * (3) A slot in shared memory holds a snapshot that its owner has registered: whoever copies it
 *	   under the lock can install its xmin.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "citus/base/compat.h"
#include "citus/base/shmem.h"
#include "txn/txn_snapshot_internal.h"

/* room for a snapshot with some 200 transactions in progress; larger ones are not shared */
#define SLOT_BYTES 1000

typedef struct SnapshotSlot
{
	uint64		number;			/* 0: empty */
	Oid			database;
	TransactionId xmin;
	bool		ofTransaction;	/* all that its owner's transaction reads with */
	char		data[SLOT_BYTES];
} SnapshotSlot;

/* the number of a snapshot that was imported, in its list */
#define IMPORTED PG_UINT64_MAX

typedef struct Held
{
	uint64		number;
	Snapshot	snapshot;		/* registered, unless it is the transaction's own */
	bool		registered;
} Held;

static SnapshotSlot *slots = NULL;	/* one a backend, by its number */
static LWLock *lock = NULL;

/* both until the end of the transaction; the list in TopTransactionContext */
static List *held_snapshots = NIL;
static Held *in_force = NULL;
static uint64 slot_number = 0;	/* what is in the own slot; 0: nothing */

/* ---- shared memory ---- */

static int
slot_count(void)
{
	return MaxBackends;
}

static Size
slots_size(void)
{
	return (Size) slot_count() * sizeof(SnapshotSlot);
}

void
txn_held_init(void)
{
	static const SharedSegment segment = {
		.name = "citus snapshots",
		.size = slots_size,
		.address = (void **) &slots,
		.lock = &lock,
	};

	base_shmem_register(&segment);
}

/* -1: it does not fit */
static int
put_into_slot(uint64 number, Snapshot snapshot)
{
	int			index = compat_my_proc_number();
	SnapshotData copy = *snapshot;

	if (index < 0 || index >= slot_count() || copy.takenDuringRecovery)
		return -1;
	if (EstimateSnapshotSpace(&copy) > SLOT_BYTES)
	{
		/* without the sub-transactions: readers then look for their parents */
		copy.subxcnt = 0;
		copy.suboverflowed = true;
	}
	if (EstimateSnapshotSpace(&copy) > SLOT_BYTES)
		return -1;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	slots[index].number = number;
	slots[index].database = MyDatabaseId;
	slots[index].xmin = copy.xmin;
	slots[index].ofTransaction = IsolationUsesXactSnapshot();
	SerializeSnapshot(&copy, slots[index].data);
	LWLockRelease(lock);
	slot_number = number;
	return index;
}

static void
empty_slot(void)
{
	if (slot_number == 0)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	slots[compat_my_proc_number()].number = 0;
	LWLockRelease(lock);
	slot_number = 0;
}

/* NULL: it is not there any more; the lock is held */
static Snapshot
restore_from_slot(int index)
{
	SnapshotSlot *slot = &slots[index];

	if (slot->number == 0 || slot->database != MyDatabaseId ||
		!ProcArrayInstallRestoredXmin(slot->xmin, &ProcGlobal->allProcs[index]))
		return NULL;
	return RestoreSnapshot(slot->data);
}

/* registered with the top transaction's owner */
static Snapshot
copy_from_slot(uint64 number, int index)
{
	Snapshot	snapshot = NULL;

	if (index < 0 || index >= slot_count())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid place of a snapshot: %d", index)));
	LWLockAcquire(lock, LW_SHARED);
	if (slots[index].number == number)
		snapshot = restore_from_slot(index);
	LWLockRelease(lock);
	if (snapshot == NULL)
		ereport(ERROR,
				(errcode(TXN_SNAPSHOT_GONE),
				 errmsg("snapshot " UINT64_FORMAT " is gone", number)));
	return RegisterSnapshotOnOwner(snapshot, TopTransactionResourceOwner);
}

/* ---- the list ---- */

static Held *
find_held(uint64 number)
{
	ListCell   *cell;

	foreach(cell, held_snapshots)
	{
		Held	   *held = lfirst(cell);

		if (held->number == number)
			return held;
	}
	return NULL;
}

static Held *
add_held(uint64 number, Snapshot snapshot, bool registered)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	Held	   *held = palloc(sizeof(Held));

	held->number = number;
	held->snapshot = snapshot;
	held->registered = registered;
	held_snapshots = lappend(held_snapshots, held);
	MemoryContextSwitchTo(caller);
	return held;
}

static void
drop_held(Held *held)
{
	if (in_force == held)
		in_force = NULL;
	held_snapshots = list_delete_ptr(held_snapshots, held);
	if (held->registered)
		UnregisterSnapshotFromOwner(held->snapshot, TopTransactionResourceOwner);
	pfree(held);
}

Snapshot
txn_held_take(uint64 number, int *slot)
{
	Held	   *held;

	txn_held_forget(number);
	if (IsolationUsesXactSnapshot())
		held = add_held(number, GetTransactionSnapshot(), false);
	else
		held = add_held(number,
						RegisterSnapshotOnOwner(GetLatestSnapshot(), TopTransactionResourceOwner),
						true);
	*slot = put_into_slot(number, held->snapshot);
	in_force = held;
	return held->snapshot;
}

void
txn_held_join(uint64 number, int slot)
{
	txn_held_forget(number);
	in_force = add_held(number, copy_from_slot(number, slot), true);
	in_force->snapshot->curcid = GetCurrentCommandId(false);
}

void
txn_held_keep(uint64 number)
{
	txn_held_forget(number);
	PushCopiedSnapshot(GetTransactionSnapshot());
	in_force = add_held(number, RegisterSnapshotOnOwner(GetActiveSnapshot(),
														TopTransactionResourceOwner), true);
	PopActiveSnapshot();
	in_force->snapshot->curcid = GetCurrentCommandId(false);
}

static TransactionId *
copy_xids(const TransactionId *xids, int n)
{
	Size		size = n * sizeof(TransactionId);

	if (n == 0)
		return NULL;
	return memcpy(MemoryContextAlloc(TopTransactionContext, size), xids, size);
}

/* in place, because others point to the target */
void
txn_held_copy(Snapshot target, Snapshot source)
{
	target->xmax = source->xmax;
	target->xcnt = source->xcnt;
	target->xip = copy_xids(source->xip, source->xcnt);
	target->subxcnt = source->subxcnt;
	target->subxip = copy_xids(source->subxip, source->subxcnt);
	target->suboverflowed = source->suboverflowed;
}

/*
 * Another transaction's snapshot of this node takes the place of this one's, before anything was
 * read with that.  It is registered besides, for the server's list of snapshots knows the place of
 * the one that is changed by the xmin that it had.
 */
void
txn_held_import(GroupId initiatorGroup, uint64 number)
{
	Snapshot	snapshot = NULL;
	Snapshot	own = GetTransactionSnapshot();

	LWLockAcquire(lock, LW_SHARED);
	for (int i = txn_backend_find(initiatorGroup, number, 0); snapshot == NULL && i >= 0;
		 i = txn_backend_find(initiatorGroup, number, i + 1))
	{
		if (i < slot_count() && slots[i].ofTransaction)
			snapshot = restore_from_slot(i);
	}
	LWLockRelease(lock);
	if (snapshot == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the imported snapshot is not known on this node"),
				 errdetail("The transaction that has exported it is over, or has no snapshot of"
						   " this node.")));
	snapshot = RegisterSnapshotOnOwner(snapshot, TopTransactionResourceOwner);
	(void) add_held(IMPORTED, snapshot, true);
	Assert(own->copied);
	own->xmin = snapshot->xmin;
	txn_held_copy(own, snapshot);
	(void) put_into_slot(IMPORTED, snapshot);
}

void
txn_held_use(uint64 number)
{
	in_force = NULL;
	if (number == 0)
		return;
	in_force = find_held(number);
	if (in_force == NULL)
		ereport(ERROR,
				(errcode(TXN_SNAPSHOT_GONE),
				 errmsg("snapshot " UINT64_FORMAT " is gone", number)));
}

void
txn_held_forget(uint64 number)
{
	Held	   *held = find_held(number);

	if (held == NULL)
		return;
	if (slot_number == number)
		empty_slot();
	drop_held(held);
}

/* isCommit: before it */
void
txn_held_end(bool isCommit)
{
	empty_slot();
	if (isCommit)
		while (held_snapshots != NIL)
			drop_held(linitial(held_snapshots));
	/* after an abort the server takes back what is registered */
	held_snapshots = NIL;
	in_force = NULL;
}

/* ---- the executor is about to start ---- */

/* what the client sent, not a statement of a function */
static bool
is_top_statement(const PlannedStmt *stmt)
{
	return ActivePortal != NULL && list_length(ActivePortal->stmts) == 1 &&
		linitial(ActivePortal->stmts) == stmt;
}

/* true: the query has another snapshot now */
bool
txn_held_replace(QueryDesc *query)
{
	if (in_force == NULL || !in_force->registered || query->operation != CMD_SELECT ||
		query->plannedstmt->hasModifyingCTE || !is_top_statement(query->plannedstmt))
		return false;
	UnregisterSnapshot(query->snapshot);
	query->snapshot = RegisterSnapshot(in_force->snapshot);
	return true;
}
