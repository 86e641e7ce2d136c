/*
 * daemon.c
 *	  The maintenance daemon: one background worker per database that runs periodic duties.
 *
 * Who starts it: any session, before its first distributed work in a database (one look into
 * shared memory when it runs already); and, after a restart of the server, the launcher, a static
 * worker that starts one per database and ends.  A daemon in a database without the extension
 * ends at once.
 *
 * Invariants
 * (1) A database has at most one entry in shared memory, and an entry at most one live worker: a
 *	   worker that finds another's pid in its entry ends.
 * (2) An entry is freed by the worker that owns it, in its exit callback, or by whoever finds that
 *	   the worker could not be started.
 *
 * A duty runs in a transaction of its own.  When it fails, the error is logged, the transaction
 * rolled back, and the duty tried again after its interval.  A session that cannot wait that long
 * marks the duty in the entry (daemon_hurry); what keeps the worker long is not done all the time
 * for that.
 *
 * The worker ends when the extension is dropped, and on SIGTERM, which daemon_stop() sends before
 * statements that need the database for themselves.
 *
 * Not here: what the duties do; entry hands in the table.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/base/shmem.h"
#include "citus/base/types.h"
#include "citus/daemon/daemon.h"
#include "citus/remote/remote.h"

#define MAX_DATABASES 128
#define MAX_DUTIES 32
#define DUTY_BIT(number) ((uint32) 1 << (number))

/* how often to look whether the extension is still there, when no duty is due */
#define MAX_NAP_MS 60000

/* between two runs of a duty for those in a hurry; longer ones have longer pauses */
#define MIN_PAUSE_MS 100

typedef struct DaemonEntry
{
	Oid			database;		/* InvalidOid: free */
	pid_t		pid;			/* 0: asked for, not running yet */
	TimestampTz requestedAt;
	uint32		hurried;		/* bit i: duty i is wanted at once */
} DaemonEntry;

typedef struct DaemonTable
{
	DaemonEntry entries[MAX_DATABASES];
} DaemonTable;

/* a worker that does not run after this time was never started */
#define START_TIMEOUT_MS 30000

static DaemonTable *table = NULL;
static LWLock *table_lock = NULL;

static const Duty *duties = NULL;
static int	nduties = 0;

static DaemonEntry *my_entry = NULL;

/* of a duty, in the worker */
typedef struct DutyTimes
{
	TimestampTz nextRun;		/* 0: at once */
	TimestampTz notBefore;		/* though somebody is in a hurry */
} DutyTimes;

extern PGDLLEXPORT void daemon_main(Datum arg);
extern PGDLLEXPORT void daemon_launcher_main(Datum arg);

/* ---- set-up in the postmaster ---- */

static Size
table_size(void)
{
	return sizeof(DaemonTable);
}

static void
register_launcher(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	snprintf(worker.bgw_name, BGW_MAXLEN, "Citus Maintenance Launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "Citus Maintenance Launcher");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, CITUS_EXTENSION_NAME, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "daemon_launcher_main",
			sizeof(worker.bgw_function_name));
	RegisterBackgroundWorker(&worker);
}

void
daemon_init(void)
{
	static const SharedSegment segment = {
		.name = "citus maintenance daemons",
		.size = table_size,
		.address = (void **) &table,
		.lock = &table_lock,
	};

	base_shmem_register(&segment);
	if (process_shared_preload_libraries_in_progress)
		register_launcher();
}

void
daemon_set_duties(const Duty *newDuties, int n)
{
	Assert(n <= MAX_DUTIES);
	duties = newDuties;
	nduties = n;
}

/* ---- starting ---- */

/* the entry of a database, or NULL; the caller holds table_lock */
static DaemonEntry *
find_entry(Oid database)
{
	for (int i = 0; i < MAX_DATABASES; i++)
		if (table->entries[i].database == database)
			return &table->entries[i];
	return NULL;
}

/* makes an entry for the database unless a worker runs or is being started there */
static bool
claim_entry(Oid database)
{
	DaemonEntry *entry;
	TimestampTz now = GetCurrentTimestamp();
	bool		claimed = false;

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	entry = find_entry(database);
	if (entry == NULL)
		entry = find_entry(InvalidOid);
	if (entry != NULL &&
		(entry->database == InvalidOid ||
		 (entry->pid == 0 &&
		  TimestampDifferenceExceeds(entry->requestedAt, now, START_TIMEOUT_MS))))
	{
		entry->database = database;
		entry->pid = 0;
		entry->requestedAt = now;
		claimed = true;
	}
	LWLockRelease(table_lock);
	return claimed;
}

static void
free_entry(Oid database, pid_t pid)
{
	DaemonEntry *entry;

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	entry = find_entry(database);
	if (entry != NULL && entry->pid == pid)
		memset(entry, 0, sizeof(*entry));
	LWLockRelease(table_lock);
}

/* false when there is no free worker slot */
static bool
start_worker(Oid database)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	snprintf(worker.bgw_name, BGW_MAXLEN, "Citus Maintenance Daemon: %u", database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "Citus Maintenance Daemon");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, CITUS_EXTENSION_NAME, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "daemon_main", sizeof(worker.bgw_function_name));
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* the answer of a look without the lock may be stale, which only delays the start */
static bool
is_listed(Oid database)
{
	for (int i = 0; i < MAX_DATABASES; i++)
		if (table->entries[i].database == database && table->entries[i].pid != 0)
			return true;
	return false;
}

void
daemon_ensure_started(void)
{
	static bool warned = false;
	static int	knownAt = -1;

	/* workers and the launcher run statements, too */
	if (table == NULL || nduties == 0 || my_entry != NULL || !IsUnderPostmaster ||
		MyBackendType != B_BACKEND)
		return;
	/* the usual case: still where it was seen last */
	if (knownAt >= 0 && table->entries[knownAt].database == MyDatabaseId &&
		table->entries[knownAt].pid != 0)
		return;
	for (int i = 0; i < MAX_DATABASES; i++)
		if (table->entries[i].database == MyDatabaseId)
			knownAt = i;
	if (is_listed(MyDatabaseId) || !claim_entry(MyDatabaseId))
		return;
	if (start_worker(MyDatabaseId))
		return;

	free_entry(MyDatabaseId, 0);
	if (!warned)
		ereport(WARNING,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not start the maintenance daemon of this database"),
				 errhint("Raise max_worker_processes.")));
	warned = true;
}

/* ---- hurrying ---- */

void
daemon_hurry(const Duty *duty)
{
	DaemonEntry *entry;
	PGPROC	   *worker = NULL;

	if (table == NULL)
		return;
	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	entry = find_entry(MyDatabaseId);
	if (entry != NULL)
	{
		entry->hurried |= DUTY_BIT(duty - duties);
		/* one that is starting runs all of them */
		if (entry->pid != 0)
			worker = BackendPidGetProc(entry->pid);
	}
	LWLockRelease(table_lock);
	if (worker != NULL)
		SetLatch(&worker->procLatch);
}

/* is somebody in a hurry for a duty of this worker? */
static bool
is_hurried(int duty)
{
	return (my_entry->hurried & DUTY_BIT(duty)) != 0;
}

static void
forget_hurry(int duty)
{
	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	my_entry->hurried &= ~(DUTY_BIT(duty));
	LWLockRelease(table_lock);
}

/* ---- stopping ---- */

#define STOP_TIMEOUT_MS 4000

void
daemon_stop(Oid database)
{
	static uint32 waitEvent = 0;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), STOP_TIMEOUT_MS);

	if (table == NULL || !OidIsValid(database))
		return;
	if (waitEvent == 0)
		waitEvent = compat_wait_event_new("CitusMaintenanceStop");
	for (;;)
	{
		DaemonEntry *entry;
		pid_t		pid = 0;

		LWLockAcquire(table_lock, LW_SHARED);
		entry = find_entry(database);
		if (entry != NULL)
			pid = entry->pid;
		/* under the lock the entry's process cannot be another one by now */
		if (pid != 0)
			kill(pid, SIGTERM);
		LWLockRelease(table_lock);
		if (pid == 0 || GetCurrentTimestamp() >= deadline)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20,
						 waitEvent);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- the launcher ---- */

/* databases that accept connections, palloc'd in the current context */
static List *
connectable_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!database->datallowconn || database->datistemplate)
			continue;
		old = MemoryContextSwitchTo(context);
		result = lappend_oid(result, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return result;
}

/*
 * Starts a daemon in every database, and ends.  Without a free slot the rest is left to sessions.
 */
void
daemon_launcher_main(Datum arg)
{
	MemoryContext context;
	ListCell   *lc;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	context = AllocSetContextCreate(TopMemoryContext, "maintenance launcher",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	foreach(lc, connectable_databases())
	{
		Oid			database = lfirst_oid(lc);

		CHECK_FOR_INTERRUPTS();
		if (!claim_entry(database))
			continue;
		if (!start_worker(database))
		{
			free_entry(database, 0);
			ereport(LOG,
					(errmsg("could not start the maintenance daemon of database %u", database),
					 errhint("Raise max_worker_processes.")));
			break;
		}
	}
	proc_exit(0);
}

/* ---- the daemon ---- */

static void
forget_own_entry(int code, Datum arg)
{
	free_entry(DatumGetObjectId(arg), MyProcPid);
	my_entry = NULL;
}

/* takes the database's entry; false when another worker has it */
static bool
take_entry(Oid database)
{
	DaemonEntry *entry;

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	entry = find_entry(database);
	if (entry == NULL)
		entry = find_entry(InvalidOid);
	if (entry != NULL && entry->pid == 0)
	{
		entry->database = database;
		entry->pid = MyProcPid;
		my_entry = entry;
	}
	LWLockRelease(table_lock);
	if (my_entry == NULL)
		return false;
	on_shmem_exit(forget_own_entry, ObjectIdGetDatum(database));
	return true;
}

/* OID of the extension's owner; InvalidOid when the extension is not there */
static Oid
extension_owner(void)
{
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(CITUS_EXTENSION_NAME));
	relation = table_open(ExtensionRelationId, AccessShareLock);
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return owner;
}

/* runs the duty as the extension's owner; false when the extension is gone */
static bool
run_duty(const Duty *duty)
{
	bool		present;
	Oid			owner;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	owner = extension_owner();
	present = OidIsValid(owner);
	if (present && base_extension_is_active())
	{
		pgstat_report_activity(STATE_RUNNING, duty->name);
		SetUserIdAndSecContext(owner, 0);
		duty->run();
	}
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	return present;
}

/* the same; an error is logged and rolled back, and counts as "present" */
static bool
try_duty(const Duty *duty, MemoryContext context)
{
	volatile bool present = true;

	PG_TRY();
	{
		present = run_duty(duty);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		pgstat_report_activity(STATE_IDLE, NULL);
	}
	PG_END_TRY();
	/* idle connections would keep other nodes from dropping the database */
	remote_cache_clear(0);
	MemoryContextSwitchTo(context);
	MemoryContextReset(context);
	return present;
}

/* looks whether the extension is there, which is the daemon's reason to live */
static void
check_extension(void)
{
}

static const Duty presence_check = {"look for the extension", NULL, check_extension};

static void
nap(long timeoutMs)
{
	static uint32 waitEvent = 0;
	int			rc;

	if (waitEvent == 0)
		waitEvent = compat_wait_event_new("CitusMaintenanceMain");
	rc = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeoutMs,
				   waitEvent);
	if (rc & WL_LATCH_SET)
		ResetLatch(MyLatch);
	/* SIGTERM (die), and barriers, which DROP DATABASE waits for */
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* is the duty due?  *times says when it is next. */
static bool
is_due(int duty, int interval, DutyTimes *times)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz latest = TimestampTzPlusMilliseconds(now, interval);

	/* a shorter interval takes effect at once */
	times->nextRun = Min(times->nextRun, latest);
	if (is_hurried(duty))
		times->nextRun = Min(times->nextRun, Max(times->notBefore, now));
	return now >= times->nextRun;
}

/* runs it; false when the extension is gone */
static bool
run_now(int duty, int interval, DutyTimes *times, MemoryContext context)
{
	TimestampTz begun = GetCurrentTimestamp();
	TimestampTz now;

	forget_hurry(duty);
	if (!try_duty(&duties[duty], context))
		return false;
	now = GetCurrentTimestamp();
	times->notBefore = now + Max(4 * (now - begun), MIN_PAUSE_MS * INT64CONST(1000));
	times->nextRun = TimestampTzPlusMilliseconds(now, interval);
	return true;
}

/* the interval of the duty in ms; -1: off */
static int
interval_of(const Duty *duty)
{
	return duty->interval ? duty->interval() : *duty->intervalMs;
}

static void
run_duties_forever(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "maintenance daemon",
												  ALLOCSET_DEFAULT_SIZES);
	DutyTimes	times[MAX_DUTIES] = {0};

	MemoryContextSwitchTo(context);
	for (;;)
	{
		long		napMs = MAX_NAP_MS;
		bool		ranAny = false;

		for (int i = 0; i < nduties; i++)
		{
			int			interval = interval_of(&duties[i]);

			if (interval < 0)
				continue;
			if (is_due(i, interval, &times[i]))
			{
				if (!run_now(i, interval, &times[i], context))
					return;
				ranAny = true;
				/* it may have found that it is to run again soon */
				(void) is_due(i, interval_of(&duties[i]), &times[i]);
			}
			napMs = Min(napMs, TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
															   times[i].nextRun));
			CHECK_FOR_INTERRUPTS();
		}
		if (!ranAny && !try_duty(&presence_check, context))
			return;
		nap(Max(napMs, 1));
	}
}

void
daemon_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	if (!take_entry(database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	pgstat_report_appname("Citus Maintenance Daemon");
	if (try_duty(&presence_check, AllocSetContextCreate(TopMemoryContext, "maintenance start",
														ALLOCSET_SMALL_SIZES)))
		run_duties_forever();
	proc_exit(0);
}
