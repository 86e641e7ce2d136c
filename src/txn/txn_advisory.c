/*
 * txn_advisory.c
 *	  Advisory locks of clients' sessions on nodes other than the coordinator.
 *
 * pg_advisory_lock() and its kin hold over the cluster: all of them are taken on the coordinator,
 * where those of its own sessions are.  Here, one connection to the coordinator holds all locks of
 * the session, as locks of that connection's session; which of them are the session's and which
 * the transaction's, and how often each was taken, is counted here.  So a lock that the session has
 * is no obstacle to the session itself, in whatever way it has it.
 *
 * Invariants
 *	 1. holder is open as long as some lock is held; it is given back at the end of a
 *		transaction that leaves none behind.
 *	 2. A lock is held on the coordinator (isHeld) when it is counted here at least once.  One
 *		without counts was being asked for when an error came, and may be held there: it is
 *		given back by the end of the (sub)transaction.
 *	 3. acquisitions are the transaction's locks in the order of their nest levels.
 *
 * When the connection breaks the coordinator gives the locks away.  The session is told when it
 * next asks for one, and a transaction that wants to commit fails.
 *
 * Main path: citus_internal.advisory_lock() and so on (txn_advisory_sql.c), by which the planner
 * replaces the server's functions -> txn_advisory_lock() -> ask_coordinator(); txn_advisory_end().
 *
 * Not here: sessions that work for other nodes, whose calls (in a trigger on a shard, say) are
 * about that node alone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "citus/base/session.h"
#include "txn/txn_internal.h"

/* what the coordinator may take to answer when nobody can be told of an error */
#define RELEASE_TIMEOUT_MS 5000

typedef struct AdvisoryLock
{
	AdvisoryKey key;			/* hash key */
	int			sessionHolds;
	int			xactHolds;
	bool		isHeld;
} AdvisoryLock;

typedef struct Acquisition
{
	AdvisoryKey key;
	int			nestLevel;
} Acquisition;

static RemoteConn *holder = NULL;
static HTAB *locks = NULL;
static Acquisition *acquisitions = NULL;
static int	nacquisitions = 0;
static int	maxAcquisitions = 0;

/* for give_up() */
static int	endingLevel;
static bool gaveUp;

/* ---- what is held ---- */

static AdvisoryLock *
lock_of(const AdvisoryKey *key)
{
	AdvisoryLock *lock;
	bool		found;

	if (locks == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(AdvisoryKey),
			.entrysize = sizeof(AdvisoryLock),
			.hcxt = TopMemoryContext,
		};

		locks = hash_create("advisory locks", 16, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	lock = hash_search(locks, key, HASH_ENTER, &found);
	if (!found)
	{
		lock->sessionHolds = 0;
		lock->xactHolds = 0;
		lock->isHeld = false;
	}
	return lock;
}

static bool
any_lock(void)
{
	return locks != NULL && hash_get_num_entries(locks) > 0;
}

/* forgets all, since the coordinator has */
static void
forget_all(void)
{
	if (holder != NULL)
		remote_conn_close(holder);
	holder = NULL;
	nacquisitions = 0;
	if (locks != NULL)
		hash_destroy(locks);
	locks = NULL;
}

static bool
holder_is_lost(void)
{
	return holder != NULL && !remote_conn_is_alive(holder);
}

static void
report_loss(void)
{
	forget_all();
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("advisory locks of this session were lost"),
			 errdetail("The connection to the coordinator, which holds them, has ended.")));
}

/* ---- the coordinator ---- */

bool
txn_advisory_is_remote(void)
{
	return !base_session_is_internal() && !catalog_is_coordinator() &&
		catalog_node_of_group(COORDINATOR_GROUP_ID) != NULL;
}

static void
open_holder(void)
{
	if (holder_is_lost())
	{
		if (any_lock())
			report_loss();
		forget_all();
	}
	if (holder == NULL)
	{
		RemoteConn *conn = txn_acquire(catalog_node_of_group(COORDINATOR_GROUP_ID), false);

		remote_conn_finish(conn);
		remote_conn_keep(conn);
		holder = conn;
	}
}

/* "pg_advisory_lock(1)" */
static char *
call_text(const char *function, const AdvisoryKey *key)
{
	const char *suffix = key->isShared ? "_shared" : "";

	if (key->hasTwoParts)
		return psprintf("pg_catalog.%s%s(%d, %d)", function, suffix, (int32) (key->value >> 32),
						(int32) key->value);
	return psprintf("pg_catalog.%s%s(" INT64_FORMAT ")", function, suffix, key->value);
}

/* true when the coordinator has given the lock; the wait is the session's, with its lock_timeout */
static bool
ask_coordinator(AdvisoryLock *lock, bool wait)
{
	char	   *sql;
	List	   *rows;

	/* whoever waits may be chosen to end a deadlock, which takes an identity */
	(void) txn_backend_begin();
	open_holder();
	if (wait)
		sql = psprintf("SET LOCAL lock_timeout = %d; SELECT %s", LockTimeout,
					   call_text("pg_advisory_lock", &lock->key));
	else
		sql = psprintf("SELECT %s", call_text("pg_try_advisory_lock", &lock->key));
	rows = remote_conn_query(holder, sql);
	return wait || strcmp(((char **) linitial(rows))[0], "t") == 0;
}

/* gives back what nobody holds any more; may fail when the connection is lost */
static void
unlock_there(void)
{
	static const char quiet[] = "SET LOCAL client_min_messages = error; ";
	StringInfoData sql;
	HASH_SEQ_STATUS scan;
	AdvisoryLock *lock;
	int			n = 0;

	initStringInfo(&sql);
	hash_seq_init(&scan, locks);
	while ((lock = hash_seq_search(&scan)) != NULL)
	{
		if (lock->sessionHolds > 0 || lock->xactHolds > 0)
			continue;
		appendStringInfo(&sql, "%s%s%s", n == 0 ? quiet : "", n == 0 ? "SELECT " : ", ",
						 call_text("pg_advisory_unlock", &lock->key));
		n++;
		hash_search(locks, &lock->key, HASH_REMOVE, NULL);
	}
	if (n > 0 &&
		(holder == NULL || !remote_conn_run_quietly(holder, sql.data, RELEASE_TIMEOUT_MS)))
		forget_all();
	pfree(sql.data);
}

static bool
is_idle(const AdvisoryLock *lock)
{
	return lock->sessionHolds == 0 && lock->xactHolds == 0;
}

/* ---- locks ---- */

static void
push_acquisition(const AdvisoryKey *key)
{
	if (nacquisitions == maxAcquisitions)
	{
		int			size = maxAcquisitions == 0 ? 16 : 2 * maxAcquisitions;

		if (acquisitions == NULL)
			acquisitions = MemoryContextAlloc(TopMemoryContext, size * sizeof(Acquisition));
		else
			acquisitions = repalloc_huge(acquisitions, size * sizeof(Acquisition));
		maxAcquisitions = size;
	}
	acquisitions[nacquisitions].key = *key;
	acquisitions[nacquisitions].nestLevel = GetCurrentTransactionNestLevel();
	nacquisitions++;
}

bool
txn_advisory_lock(const AdvisoryKey *key, bool forTransaction, bool wait)
{
	AdvisoryLock *lock;

	if (holder_is_lost() && any_lock())
		report_loss();
	lock = lock_of(key);
	if (!lock->isHeld)
	{
		lock->isHeld = ask_coordinator(lock, wait);
		if (!lock->isHeld)
		{
			hash_search(locks, key, HASH_REMOVE, NULL);
			return false;
		}
	}
	if (forTransaction)
	{
		lock->xactHolds++;
		push_acquisition(key);
	}
	else
		lock->sessionHolds++;
	return true;
}

bool
txn_advisory_unlock(const AdvisoryKey *key)
{
	AdvisoryLock *lock = locks != NULL ? hash_search(locks, key, HASH_FIND, NULL) : NULL;

	if (lock == NULL || lock->sessionHolds == 0)
	{
		ereport(WARNING,
				(errmsg("you don't own a lock of type %s",
						key->isShared ? "ShareLock" : "ExclusiveLock")));
		return false;
	}
	lock->sessionHolds--;
	if (is_idle(lock))
		unlock_there();
	return true;
}

void
txn_advisory_unlock_all(void)
{
	HASH_SEQ_STATUS scan;
	AdvisoryLock *lock;

	if (!any_lock())
		return;
	hash_seq_init(&scan, locks);
	while ((lock = hash_seq_search(&scan)) != NULL)
		lock->sessionHolds = 0;
	unlock_there();
}

/* ---- ends of transactions ---- */

void
txn_advisory_check(bool prepares)
{
	if (holder_is_lost() && any_lock())
		report_loss();
	if (prepares && nacquisitions > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that holds advisory locks"),
				 errdetail("On this node they are locks of the session.")));
}

/* gives up the transaction's locks of this nest level and deeper ones */
static void
drop_acquisitions(int nestLevel)
{
	while (nacquisitions > 0 && acquisitions[nacquisitions - 1].nestLevel >= nestLevel)
	{
		AdvisoryLock *lock = lock_of(&acquisitions[--nacquisitions].key);

		lock->xactHolds--;
	}
}

/* an error has left the holder in the middle of something */
static void
settle_holder(void)
{
	if (holder != NULL && remote_conn_state(holder) != REMOTE_IDLE &&
		!remote_abandon(holder, RELEASE_TIMEOUT_MS))
		forget_all();
}

/* locks of the ending level and deeper ones, and what an error has left behind */
static void
give_up(void)
{
	settle_holder();
	drop_acquisitions(endingLevel);
	if (any_lock())
		unlock_there();
	gaveUp = true;
}

/* never raises */
static void
give_up_level(int nestLevel)
{
	endingLevel = nestLevel;
	gaveUp = false;
	txn_run_guarded(give_up);
	if (!gaveUp)
		forget_all();
}

void
txn_advisory_sub_abort(void)
{
	if (any_lock())
		give_up_level(GetCurrentTransactionNestLevel());
}

void
txn_advisory_sub_commit(void)
{
	int			nestLevel = GetCurrentTransactionNestLevel();

	for (int i = nacquisitions - 1; i >= 0 && acquisitions[i].nestLevel >= nestLevel; i--)
		acquisitions[i].nestLevel = nestLevel - 1;
}

void
txn_advisory_end(void)
{
	if (holder == NULL)
	{
		/* the connection could not be made */
		if (locks != NULL)
			forget_all();
		return;
	}
	if (proc_exit_inprogress)
		return;					/* with the connection go the locks */
	give_up_level(0);
	if (holder != NULL && !any_lock())
	{
		remote_conn_release(holder);
		holder = NULL;
	}
}
