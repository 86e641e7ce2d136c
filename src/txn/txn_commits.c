/*
 * txn_commits.c
 *	  What this node knows of transactions that commit on several nodes: those that are not over
 *	  here, and those that ended lately.
 *
 * Owns a table in shared memory.  A transaction enters it before it is prepared here (or, on its
 * initiator, before the first PREPARE is sent, when it wrote here itself), and is moved to the ring
 * of those that ended after its end has become visible here.  Whether a snapshot sees it is not
 * told by the table but by the snapshot and the server's commit log, so that a transaction that
 * ended and was not moved yet is seen rightly.
 *
 * Fences: for a short time, a reader keeps transactions that it does not know from ending here,
 * so that its snapshots on several nodes come to agree although many transactions commit.  They
 * are for progress only: one that is ignored, or over too early, costs the reader another round.
 *
 * Invariants
 * (1) When a transaction is visible on any node, it is or was in the table of every node on which
 *	   it commits, unless that node's server was restarted since.
 * (2) Every transaction that left the table less than now - horizon ago is in the ring.
 * (3) After a restart of the server, the prepared transactions that were found on disk are in the
 *	   table before the first report, with unknown participants and of any age.
 *
 * Everything is under one lock, held for short.  Entries of all databases share the table.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "citus/base/compat.h"
#include "citus/base/shmem.h"
#include "txn/txn_snapshot_internal.h"

#define RING_SIZE 1024
#define MAX_FENCES 16
#define MAX_FENCE_IDS 64
/* one fence lasts at most this long, whatever a reader says */
#define MAX_FENCE_MS 100

typedef struct CommitEntry
{
	Oid			database;
	GlobalXact	id;
	int			connection;		/* of the initiator, as in the name; 0: its own transaction */
	TransactionId xid;			/* on this node */
	int64		added;			/* clock */
	int64		ended;			/* clock; of entries in the ring */
	Participants participants;
} CommitEntry;

typedef struct Fence
{
	int			pid;			/* whose; 0: unused */
	Oid			database;
	int64		until;			/* clock */
	int			nids;			/* these may end */
	GlobalXact	ids[MAX_FENCE_IDS];
} Fence;

typedef struct CommitTable
{
	ConditionVariable changed;	/* something ended, or a fence went away */
	bool		loaded;			/* invariant (3) */
	int64		horizon;		/* clock; invariant (2) */
	FullTransactionId newestGone;	/* of those that the ring has lost */
	int			nfences;		/* used ones */
	Fence		fences[MAX_FENCES];
	int			nextInRing;
	int			ninRing;
	CommitEntry ring[RING_SIZE];
	int			maxOpen;
	int			nopen;
	CommitEntry open[FLEXIBLE_ARRAY_MEMBER];
} CommitTable;

static CommitTable *table = NULL;
static LWLock *lock = NULL;
static bool exit_registered = false;

/* ---- the segment ---- */

static int
open_limit(void)
{
	return MaxBackends + max_prepared_xacts;
}

static Size
table_size(void)
{
	return offsetof(CommitTable, open) + (Size) open_limit() * sizeof(CommitEntry);
}

static void
init_table(void *segment)
{
	CommitTable *fresh = segment;

	ConditionVariableInit(&fresh->changed);
	fresh->maxOpen = open_limit();
	fresh->horizon = txn_commits_now();
}

void
txn_commits_init(void)
{
	static const SharedSegment segment = {
		.name = "citus commits",
		.size = table_size,
		.init = init_table,
		.address = (void **) &table,
		.lock = &lock,
	};

	base_shmem_register(&segment);
}

int64
txn_commits_now(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

static uint32
wait_event(void)
{
	static uint32 event = 0;

	if (event == 0)
		event = compat_wait_event_new("CitusCommitOnSeveralNodes");
	return event;
}

/* ---- entries; the lock is held ---- */

/* of a transaction that is not in the future */
static FullTransactionId
full_xid(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		before = XidFromFullTransactionId(next) - xid;

	return FullTransactionIdFromU64(U64FromFullTransactionId(next) - before);
}

static bool
same_id(const GlobalXact *a, const GlobalXact *b)
{
	return a->group == b->group && a->number == b->number;
}

static int
find_open(Oid database, const GlobalXact *id, int connection)
{
	for (int i = 0; i < table->nopen; i++)
	{
		CommitEntry *entry = &table->open[i];

		if (entry->connection == connection && entry->database == database &&
			same_id(&entry->id, id))
			return i;
	}
	return -1;
}

static void
move_to_ring(int index)
{
	CommitEntry *place = &table->ring[table->nextInRing];

	if (table->ninRing == RING_SIZE)
	{
		FullTransactionId gone = full_xid(place->xid);

		table->horizon = Max(table->horizon, place->ended);
		if (FullTransactionIdPrecedes(table->newestGone, gone))
			table->newestGone = gone;
	}
	else
		table->ninRing++;
	*place = table->open[index];
	place->ended = txn_commits_now();
	table->nextInRing = (table->nextInRing + 1) % RING_SIZE;
	table->open[index] = table->open[--table->nopen];
}

/* those whose end nobody told of: their session died in between */
static void
move_ended(void)
{
	for (int i = table->nopen - 1; i >= 0; i--)
		if (!TransactionIdIsInProgress(table->open[i].xid))
			move_to_ring(i);
}

static void
put_open(const CommitEntry *entry)
{
	if (table->nopen == table->maxOpen)
		move_ended();
	if (table->nopen < table->maxOpen)
		table->open[table->nopen++] = *entry;
	else
	{
		LWLockRelease(lock);
		elog(ERROR, "too many transactions over several nodes");
	}
}

/* ---- what the server found on disk, invariant (3) ---- */

static void
put_found(Oid database, const char *gid, TransactionId xid)
{
	CommitEntry entry = {0};
	DistributedGid parts;

	if (!txn_gid_parse(gid, &parts))
		return;
	entry.database = database;
	entry.id.group = parts.group;
	entry.id.number = parts.number;
	entry.connection = parts.connection;
	entry.xid = xid;
	entry.added = 0;
	entry.participants.n = PARTICIPANTS_UNKNOWN;

	if (find_open(database, &entry.id, entry.connection) < 0)
		put_open(&entry);
}

static void
load_prepared(void)
{
	static const char query[] =
		"SELECT dbid, gid, transaction FROM pg_catalog.pg_prepared_xact()";

	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list prepared transactions");
	LWLockAcquire(lock, LW_EXCLUSIVE);
	if (!table->loaded)
	{
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		isNull;
			Oid			database = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isNull));
			char	   *gid = SPI_getvalue(tuple, desc, 2);

			put_found(database, gid,
					  DatumGetTransactionId(SPI_getbinval(tuple, desc, 3, &isNull)));
		}
		table->loaded = true;
	}
	LWLockRelease(lock);
	SPI_finish();
}

/* ---- writers ---- */

void
txn_commits_add(const GlobalXact *id, int connection, const Participants *participants)
{
	CommitEntry entry = {0};

	entry.database = MyDatabaseId;
	entry.id = *id;
	entry.connection = connection;
	entry.xid = GetTopTransactionId();
	entry.added = txn_commits_now();
	entry.participants = *participants;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	put_open(&entry);
	LWLockRelease(lock);
}

/* Raises nothing. */
void
txn_commits_end(const GlobalXact *id, int connection)
{
	int			index;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	index = find_open(MyDatabaseId, id, connection);
	if (index >= 0)
		move_to_ring(index);
	LWLockRelease(lock);
	if (index >= 0)
		ConditionVariableBroadcast(&table->changed);
}

/* ---- readers ---- */

/* true if the entry says something: not when it was rolled back */
static bool
report_entry(const CommitEntry *entry, bool open, Snapshot snapshot, int64 now,
			 ReportedXact *xact)
{
	xact->visible = !XidInMVCCSnapshot(entry->xid, snapshot);
	if ((xact->visible || !open) && !TransactionIdDidCommit(entry->xid))
		return false;
	xact->id = entry->id;
	xact->age = now - (xact->visible ? entry->ended : entry->added);
	xact->participants = entry->participants;
	return true;
}

/* the one that ended last is number 0 */
static CommitEntry *
ring_entry(int number)
{
	return &table->ring[(table->nextInRing - 1 - number + RING_SIZE) % RING_SIZE];
}

typedef struct Entries
{
	CommitEntry *entries;		/* palloc'd; open ones come first */
	int			n;
	int			nopen;
	int64		now;
	int64		window;			/* no older ones were lost */
	FullTransactionId newestGone;
} Entries;

/* those that ended in the last window us, and, unless it is invalid, those from xmin on */
static void
copy_entries(Entries *copy, int64 window, TransactionId xmin)
{
	CommitEntry *next;

	LWLockAcquire(lock, LW_SHARED);
	copy->now = txn_commits_now();
	copy->window = Min(window, copy->now - table->horizon);
	copy->newestGone = table->newestGone;
	copy->entries = next = palloc((table->nopen + table->ninRing + 1) * sizeof(CommitEntry));
	for (int i = 0; i < table->nopen; i++)
		if (table->open[i].database == MyDatabaseId)
			*next++ = table->open[i];
	copy->nopen = next - copy->entries;
	for (int i = 0; i < table->ninRing; i++)
	{
		CommitEntry *entry = ring_entry(i);

		if (copy->now - entry->ended > window &&
			(!TransactionIdIsValid(xmin) || TransactionIdPrecedes(entry->xid, xmin)))
		{
			if (!TransactionIdIsValid(xmin))
				break;
			continue;
		}
		if (entry->database == MyDatabaseId)
			*next++ = *entry;
	}
	LWLockRelease(lock);
	copy->n = next - copy->entries;
}

/* An open entry that the snapshot sees has ended just now. */
static void
put_report(Entries *copy, Snapshot snapshot, SnapshotReport *report)
{
	report->window = copy->window;
	report->nxacts = 0;
	report->xacts = palloc(Max(copy->n, 1) * sizeof(ReportedXact));
	for (int i = 0; i < copy->n; i++)
	{
		ReportedXact *xact = &report->xacts[report->nxacts];
		bool		open = i < copy->nopen;

		if (!report_entry(&copy->entries[i], open, snapshot, copy->now, xact))
			continue;
		if (open && xact->visible)
			xact->age = 0;
		report->nxacts++;
	}
	pfree(copy->entries);
}

/* The report is palloc'd; slot and group are the caller's. */
void
txn_commits_report(Snapshot snapshot, int64 window, SnapshotReport *report)
{
	Entries		copy;

	if (!table->loaded)
		load_prepared();
	copy_entries(&copy, window, InvalidTransactionId);
	put_report(&copy, snapshot, report);
}

/*
 * The same of a snapshot that was taken earlier: of all that it does not see, and those that ended
 * in the last window us.  False: some that it does not see may be missing.
 */
bool
txn_commits_report_earlier(Snapshot snapshot, int64 window, SnapshotReport *report)
{
	Entries		copy;

	if (!table->loaded)
		load_prepared();
	copy_entries(&copy, window, snapshot->xmin);
	put_report(&copy, snapshot, report);
	return FullTransactionIdPrecedes(copy.newestGone, full_xid(snapshot->xmin));
}

/* is one of ids open here?  Entries that have ended are moved. */
static bool
any_open(List *ids)
{
	bool		found = false;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = table->nopen - 1; i >= 0; i--)
	{
		CommitEntry *entry = &table->open[i];

		if (entry->database != MyDatabaseId || !txn_snapshot_has_id(ids, &entry->id))
			continue;
		if (TransactionIdIsInProgress(entry->xid))
			found = true;
		else
			move_to_ring(i);
	}
	LWLockRelease(lock);
	return found;
}

bool
txn_commits_await(List *ids, long timeoutMs)
{
	int64		deadline = txn_commits_now() + timeoutMs * 1000;
	bool		open;

	if (ids == NIL)
		return true;
	if (!table->loaded)
		load_prepared();
	ConditionVariablePrepareToSleep(&table->changed);
	while ((open = any_open(ids)))
	{
		int64		left = deadline - txn_commits_now();

		if (left <= 0)
			break;
		/* an end that nobody tells of is noticed by and by */
		(void) ConditionVariableTimedSleep(&table->changed, Min(left / 1000 + 1, 10),
										   wait_event());
	}
	ConditionVariableCancelSleep();
	return !open;
}

/* ---- fences ---- */

static void
drop_fence_at_exit(int code, Datum arg)
{
	txn_commits_fence(NIL, 0);
}

/* the own one, or a free one or one that is over when it shall be made; NULL: none */
static Fence *
find_fence(bool make)
{
	Fence	   *free = NULL;

	for (int i = 0; i < MAX_FENCES; i++)
	{
		Fence	   *fence = &table->fences[i];

		if (fence->pid == MyProcPid)
			return fence;
		if (fence->pid == 0 || fence->until < txn_commits_now())
			free = fence;
	}
	if (!make || free == NULL)
		return NULL;
	if (free->pid == 0)
		table->nfences++;
	return free;
}

void
txn_commits_fence(List *ids, int ms)
{
	Fence	   *fence;

	if (ms > 0 && !exit_registered)
	{
		before_shmem_exit(drop_fence_at_exit, (Datum) 0);
		exit_registered = true;
	}
	LWLockAcquire(lock, LW_EXCLUSIVE);
	fence = find_fence(ms > 0);
	if (fence != NULL && ms > 0)
	{
		ListCell   *cell;

		fence->pid = MyProcPid;
		fence->database = MyDatabaseId;
		fence->until = txn_commits_now() + (int64) Min(ms, MAX_FENCE_MS) * 1000;
		fence->nids = 0;
		foreach(cell, ids)
		{
			if (fence->nids < MAX_FENCE_IDS)
				fence->ids[fence->nids++] = *(GlobalXact *) lfirst(cell);
		}
	}
	else if (fence != NULL)
	{
		fence->pid = 0;
		table->nfences--;
	}
	LWLockRelease(lock);
	if (fence != NULL)
		ConditionVariableBroadcast(&table->changed);
}

/*
 * The end of the fence that keeps id from ending; 0: none does.  A reader that waits for id is
 * stronger than one that does not know it.
 */
static int64
fenced_until(const GlobalXact *id)
{
	int64		until = 0;
	int64		now = txn_commits_now();

	if (table->nfences == 0)
		return 0;
	LWLockAcquire(lock, LW_SHARED);
	for (int i = 0; i < MAX_FENCES; i++)
	{
		Fence	   *fence = &table->fences[i];

		if (fence->pid == 0 || fence->pid == MyProcPid || fence->database != MyDatabaseId ||
			fence->until <= now)
			continue;
		until = Max(until, fence->until);
		for (int j = 0; j < fence->nids; j++)
		{
			if (same_id(&fence->ids[j], id))
			{
				LWLockRelease(lock);
				return 0;
			}
		}
	}
	LWLockRelease(lock);
	return until;
}

/* Waits for two fences' time at most: new ones may come all the time. */
void
txn_commits_wait_for_fences(const GlobalXact *id)
{
	int64		patience = txn_commits_now() + 2 * MAX_FENCE_MS * 1000;
	int64		until;

	if (fenced_until(id) == 0)
		return;
	ConditionVariablePrepareToSleep(&table->changed);
	while ((until = Min(fenced_until(id), patience)) > txn_commits_now())
		(void) ConditionVariableTimedSleep(&table->changed,
										   (until - txn_commits_now()) / 1000 + 1,
										   wait_event());
	ConditionVariableCancelSleep();
}
