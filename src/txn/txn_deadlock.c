/*
 * txn_deadlock.c
 *	  Deadlocks over several nodes: edges of this node and of all, and the end of a victim.
 *
 * Each node's daemon looks on its own.  It asks the other nodes only while a statement of a
 * distributed transaction begun here has run for deadlock_timeout, so that an idle cluster, and one
 * with short statements, costs nothing.  All choose victims by the same rule, and each cancels only
 * those that were begun on it.  Before that the edges are gathered again, and only what was there
 * both times counts: the first picture is made of different moments on different nodes.
 *
 * How a victim ends
 *	 - It waits for a lock on this node: it is taken off the lock's queue as the server's own
 *	   detector does it, and raises the server's own error.  That one's detail would be the cycle
 *	   on this node, of which there is none: txn_edit_message() says what it was.
 *	 - It waits for other nodes: its query is canceled; txn_deadlock_check(), called by whatever
 *	   waits in remote, turns that into an error with SQLSTATE 40P01.
 *	 - Otherwise, which is hardly possible for somebody in a cycle, the cancel is a cancel.
 * Either way rollback cancels what it runs on other nodes.
 *
 * Not seen: waits for a transaction that is prepared already, and those that are no lock.
 */
#include "postgres.h"

#include <signal.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"
#include "citus/base/compat.h"
#include "citus/base/settings.h"
#include "txn/txn_deadlock_internal.h"
#include "txn/txn_internal.h"

/* what another node may take to answer */
#define GATHER_TIMEOUT "2s"
/* and one that does not even look at the clock */
#define GATHER_PATIENCE_MS 3000

/* what the victim's client reads */
static const char victim_detail[] =
	"Transactions wait for each other on different nodes, and this one is the youngest of them.";
static const char victim_hint[] =
	"Run it again.  The server log of this node names the sessions.";

int			txn_deadlock_interval = 2000;
static double detection_factor = 2;
static bool log_detection = false;

/* ---- settings ---- */

static void
set_interval(double factor)
{
	txn_deadlock_interval =
		factor < 0 ? -1 : (int) Min(factor * DeadlockTimeout, (double) INT_MAX);
}

static bool
check_factor(double *newval, void **extra, GucSource source)
{
	if (*newval == -1 || *newval > 1)
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("citus.distributed_deadlock_detection_factor must be greater than 1"),
			 errhint("-1 turns the detection off.")));
	return false;
}

static void
assign_factor(double newval, void *extra)
{
	set_interval(newval);
}

static const SettingDef settings[] = {
	{
		.name = "citus.distributed_deadlock_detection_factor",
		.description = "Time between two looks for deadlocks, in units of deadlock_timeout.",
		.type = SETTING_REAL, .variable = &detection_factor, .boot.r = 2,
		.min = -1, .max = 1000, .context = PGC_SIGHUP,
		.check_hook = check_factor, .assign_hook = assign_factor
	},
	{
		.name = "citus.log_distributed_deadlock_detection",
		.description = "Logs what the search for deadlocks over nodes sees.",
		.type = SETTING_BOOL, .variable = &log_detection, .boot.b = false,
		.context = PGC_SIGHUP, .flags = GUC_NO_SHOW_ALL
	},
};

/* ---- sessions of this node ---- */

typedef struct Session
{
	int			pid;
	WaitMember	member;
	bool		active;			/* runs a statement */
	TimestampTz activeSince;
	bool		initiator;		/* began its distributed transaction */
} Session;

/* clientGroup and clientPid from globalPid */
static void
set_client(WaitMember *member)
{
	NodeId		nodeId = member->globalPid / TXN_GPID_NODE_FACTOR;
	const ClusterNode *node;

	if (nodeId == catalog_local_node_id() || nodeId == TXN_UNKNOWN_NODE_ID)
		node = NULL;
	else
		node = catalog_node_by_id(nodeId);
	member->clientPid = member->globalPid % TXN_GPID_NODE_FACTOR;
	if (node != NULL)
		member->clientGroup = node->groupId;
	else if (nodeId == TXN_UNKNOWN_NODE_ID)
		member->clientGroup = COORDINATOR_GROUP_ID;
	else
		member->clientGroup = catalog_local_group();
}

static Session *
add_session(HTAB *sessions, int pid)
{
	bool		found;
	Session    *session = hash_search(sessions, &pid, HASH_ENTER, &found);

	if (!found)
	{
		memset(session, 0, sizeof(*session));
		session->pid = pid;
		session->member.group = catalog_local_group();
		session->member.pid = pid;
		session->member.clientGroup = catalog_local_group();
		session->member.clientPid = pid;
		session->member.globalPid = txn_gpid_make(catalog_local_node_id(), pid);
		session->member.xact.initiatorGroup = catalog_local_group();
	}
	return session;
}

static void
add_status(HTAB *sessions, const PgBackendStatus *status)
{
	Session    *session;

	if (status->st_procpid == 0)
		return;
	session = add_session(sessions, status->st_procpid);
	session->member.xact.timestamp = status->st_xact_start_timestamp;
	session->active = status->st_state != STATE_IDLE &&
		status->st_state != STATE_IDLEINTRANSACTION &&
		status->st_state != STATE_IDLEINTRANSACTION_ABORTED;
	session->activeSince = status->st_state_start_timestamp;
}

/* all sessions by pid, in a hash table in the current context */
static HTAB *
sessions_of_node(void)
{
	HASHCTL		control = {
		.keysize = sizeof(int),
		.entrysize = sizeof(Session),
		.hcxt = CurrentMemoryContext,
	};
	HTAB	   *sessions = hash_create("sessions", 256, &control,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	BackendInfo *infos;
	int			n;

	/* otherwise the picture of the first look in this transaction */
	pgstat_clear_backend_activity_snapshot();
	n = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= n; i++)
	{
		LocalPgBackendStatus *local = compat_local_backend_status(i);

		if (local != NULL)
			add_status(sessions, &local->backendStatus);
	}
	n = txn_backend_list(&infos);
	for (int i = 0; i < n; i++)
	{
		Session    *session;

		if (infos[i].database != MyDatabaseId ||
			(infos[i].xact.number == 0 && !infos[i].isInternal))
			continue;
		session = add_session(sessions, infos[i].pid);
		if (infos[i].isInternal)
		{
			session->member.globalPid = infos[i].globalPid;
			session->member.awaitsClient = !session->active;
			set_client(&session->member);
		}
		if (infos[i].xact.number == 0)
			continue;
		session->member.xact = infos[i].xact;
		session->member.awaitsClient = false;
		session->initiator = TXN_IS_INITIATOR(&infos[i]);
	}
	pfree(infos);
	return sessions;
}

/* is a distributed transaction of another session, begun here, in progress? */
static bool
any_initiator(void)
{
	BackendInfo *infos;
	int			n = txn_backend_list(&infos);
	bool		result = false;

	for (int i = 0; i < n && !result; i++)
		result = TXN_IS_INITIATOR(&infos[i]) && infos[i].database == MyDatabaseId &&
			infos[i].pid != MyProcPid;
	pfree(infos);
	return result;
}

/* does a statement of one of them take long? */
static bool
is_worth_looking(void)
{
	TimestampTz now = GetCurrentTimestamp();
	HTAB	   *sessions;
	HASH_SEQ_STATUS scan;
	Session    *session;
	bool		result = false;

	if (!any_initiator())
		return false;
	sessions = sessions_of_node();
	hash_seq_init(&scan, sessions);
	while ((session = hash_seq_search(&scan)) != NULL)
		if (session->initiator && session->active && session->pid != MyProcPid &&
			TimestampDifferenceExceeds(session->activeSince, now, DeadlockTimeout))
			result = true;
	hash_destroy(sessions);
	return result;
}

/* ---- edges ---- */

/* Held for a moment only, and never while waiting for another lock: in no deadlock. */
static bool
ends_by_itself(uint32 waitEvent)
{
	/* the event is the kind of lock */
	switch (waitEvent & 0xFFFF)
	{
		case LOCKTAG_RELATION_EXTEND:
		case LOCKTAG_DATABASE_FROZEN_IDS:
		case LOCKTAG_PAGE:
		case LOCKTAG_SPECULATIVE_TOKEN:
			return true;
		default:
			return false;
	}
}

/*
 * Processes that wait for a lock; one of a parallel query counts as its leader.  Read without
 * locks: who is missed has just begun to wait.
 */
static List *
waiting_pids(void)
{
	List	   *pids = NIL;

	for (int i = 0; i < ProcGlobal->allProcCount; i++)
	{
		volatile PGPROC *proc = &ProcGlobal->allProcs[i];
		uint32		waitEvent = proc->wait_event_info;
		PGPROC	   *leader = proc->lockGroupLeader;
		int			pid = leader != NULL ? leader->pid : proc->pid;

		if (pid != 0 && (waitEvent & 0xFF000000U) == PG_WAIT_LOCK && !ends_by_itself(waitEvent))
			pids = list_append_unique_int(pids, pid);
	}
	return pids;
}

int
txn_deadlock_local_edges(WaitEdge **edges)
{
	List	   *waiting = waiting_pids();
	HTAB	   *sessions = waiting != NIL ? sessions_of_node() : NULL;
	int			n = 0;
	int			size = 64;
	ListCell   *lc;

	*edges = palloc(size * sizeof(WaitEdge));
	foreach(lc, waiting)
	{
		Datum		blockers = DirectFunctionCall1(pg_blocking_pids,
												   Int32GetDatum(lfirst_int(lc)));
		ArrayType  *array = DatumGetArrayTypeP(blockers);
		int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
		const int32 *pids = (const int32 *) ARR_DATA_PTR(array);
		WaitMember	member = add_session(sessions, lfirst_int(lc))->member;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
		{
			if (n == size)
			{
				size *= 2;
				*edges = repalloc_huge(*edges, size * sizeof(WaitEdge));
			}
			(*edges)[n].waiting = member;
			(*edges)[n].blocking = add_session(sessions, pids[i])->member;
			(*edges)[n].blockingWaits = list_member_int(waiting, pids[i]);
			n++;
		}
		pfree(array);
	}
	if (sessions != NULL)
		hash_destroy(sessions);
	list_free(waiting);
	return n;
}

/* columns of one end, in the order in which read_member() wants them */
#define MEMBER_COLUMNS(who) \
	who "_pid, " who "_global_pid, " who "_node_id, " who "_transaction_num, " \
	"(extract(epoch FROM " who "_transaction_stamp) * 1000000)::bigint"
#define COLUMNS_PER_MEMBER 5

static const char gather_query[] =
	"SET LOCAL statement_timeout = '" GATHER_TIMEOUT "'; "
	"SELECT " MEMBER_COLUMNS("waiting") ", " MEMBER_COLUMNS("blocking") ","
	" blocking_transaction_waiting, blocking_awaits_client FROM citus_internal.local_wait_edges()";

static void
read_member(WaitMember *member, char **row, GroupId group)
{
	memset(member, 0, sizeof(*member));
	member->group = group;
	member->pid = row[0] ? atoi(row[0]) : 0;
	member->globalPid = row[1] ? strtou64(row[1], NULL, 10) : 0;
	set_client(member);
	member->xact.initiatorGroup = row[2] ? atoi(row[2]) : group;
	member->xact.number = row[3] ? strtou64(row[3], NULL, 10) : 0;
	if (row[4] != NULL)
		member->xact.timestamp = strtoi64(row[4], NULL, 10) -
			(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

int
txn_deadlock_all_edges(WaitEdge **edges, int elevel)
{
	int			n = txn_deadlock_local_edges(edges);
	ListCell   *lc;

	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);
		GroupId		group = node->groupId;
		RemoteTarget target = txn_target_of_node(node);
		List	   *rows;
		ListCell   *rowCell;
		bool		ok;
		char	   *error;

		CHECK_FOR_INTERRUPTS();
		if (group == catalog_local_group())
			continue;
		target.patienceMs = GATHER_PATIENCE_MS;
		rows = remote_run_alone(&target, gather_query, &ok, &error);
		if (!ok)
		{
			ereport(elevel,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("could not ask node %s:%d who waits for whom", target.host,
							target.port),
					 errdetail_internal("%s", error)));
			continue;
		}
		*edges = repalloc_huge(*edges, (n + list_length(rows) + 1) * sizeof(WaitEdge));
		foreach(rowCell, rows)
		{
			char	  **row = lfirst(rowCell);
			WaitEdge   *edge = &(*edges)[n++];

			read_member(&edge->waiting, row, group);
			read_member(&edge->blocking, row + COLUMNS_PER_MEMBER, group);
			edge->blockingWaits = strcmp(row[2 * COLUMNS_PER_MEMBER], "t") == 0;
			edge->blocking.awaitsClient = strcmp(row[2 * COLUMNS_PER_MEMBER + 1], "t") == 0;
		}
	}
	return n;
}

/* ---- the end of a victim ---- */

/*
 * Ends the victim's wait for a lock with the error of a deadlock, in the way in which the server's
 * detector ends its own process's wait.  False when it does not wait for a lock.
 */
static bool
end_lock_wait(const DistXactId *xact, int pid)
{
	PGPROC	   *proc = BackendPidGetProc(pid);
	bool		ended = false;

	if (proc == NULL)
		return false;
	/* all, because which lock it waits for may change before one is taken */
	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
		LWLockAcquire(LockHashPartitionLockByIndex(i), LW_EXCLUSIVE);
	/*
	 * Who waits now, in that transaction, goes on waiting until the locks are released.  The mark
	 * is for a cancel, which is not needed then.
	 */
	if (proc->pid == pid && proc->waitLock != NULL &&
		proc->waitStatus == PROC_WAIT_STATUS_WAITING &&
		txn_backend_mark_victim(xact, false) == pid)
	{
		RemoveFromWaitQueue(proc, LockTagHashCode(&proc->waitLock->tag));
		ended = true;
	}
	for (int i = NUM_LOCK_PARTITIONS; --i >= 0;)
		LWLockRelease(LockHashPartitionLockByIndex(i));
	if (ended)
		SetLatch(&proc->procLatch);
	return ended;
}

static bool
is_same_xact(const DistXactId *a, const DistXactId *b)
{
	return a->number == b->number && a->initiatorGroup == b->initiatorGroup;
}

/* a line for each wait of the transaction, and for it; palloc'd */
static char *
describe_waits(const DistXactId *xact, const WaitEdge *edges, int n)
{
	StringInfoData lines;

	initStringInfo(&lines);
	for (int i = 0; i < n; i++)
		if (is_same_xact(&edges[i].waiting.xact, xact) ||
			is_same_xact(&edges[i].blocking.xact, xact))
			appendStringInfo(&lines,
							 "%sOn the node of group %d process %d of session " UINT64_FORMAT
							 " waits for process %d of session " UINT64_FORMAT ".",
							 lines.len > 0 ? "\n" : "", edges[i].waiting.group,
							 edges[i].waiting.pid, edges[i].waiting.globalPid,
							 edges[i].blocking.pid, edges[i].blocking.globalPid);
	return lines.data;
}

/* false when the transaction is over, or was begun elsewhere */
static bool
cancel_victim(const DistXactId *xact, const WaitEdge *edges, int n)
{
	int			pid;

	if (xact->initiatorGroup != catalog_local_group())
		return false;
	pid = txn_backend_mark_victim(xact, true);
	if (pid == 0)
		return false;
	ereport(LOG,
			(errmsg("transaction of process %d is canceled to end a deadlock between nodes",
					pid),
			 errdetail_internal("%s", describe_waits(xact, edges, n))));
	return end_lock_wait(xact, pid) || kill(pid, SIGINT) == 0;
}

void
txn_deadlock_check(void)
{
	if (!QueryCancelPending || InterruptHoldoffCount != 0 || QueryCancelHoldoffCount != 0 ||
		CritSectionCount != 0 || ProcDiePending || !txn_backend_take_victim())
		return;
	QueryCancelPending = false;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
			 errmsg("transaction is canceled to end a deadlock between nodes"),
			 errdetail("%s", _(victim_detail)),
			 errhint("%s", _(victim_hint))));
}

void
txn_edit_message(ErrorData *edata)
{
	if (edata->elevel != ERROR || edata->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED ||
		edata->detail == NULL || edata->detail[0] != '\0')
		return;
	edata->detail = MemoryContextStrdup(edata->assoc_context, _(victim_detail));
	edata->detail_log = NULL;
	edata->hint = MemoryContextStrdup(edata->assoc_context, _(victim_hint));
}

/* ---- looking ---- */

static void
log_edges(const WaitEdge *edges, int n, List *victims)
{
	ListCell   *lc;

	for (int i = 0; i < n; i++)
		ereport(LOG,
				(errmsg("on the node of group %d process %d of session " UINT64_FORMAT
						" waits for process %d of session " UINT64_FORMAT,
						edges[i].waiting.group, edges[i].waiting.pid,
						edges[i].waiting.globalPid, edges[i].blocking.pid,
						edges[i].blocking.globalPid)));
	foreach(lc, victims)
	{
		const DistXactId *xact = lfirst(lc);

		ereport(LOG,
				(errmsg("transaction " UINT64_FORMAT " of group %d must end for a deadlock to end",
						xact->number, xact->initiatorGroup)));
	}
}

static bool
any_is_ours(List *victims)
{
	ListCell   *lc;

	foreach(lc, victims)
		if (((const DistXactId *) lfirst(lc))->initiatorGroup == catalog_local_group())
			return true;
	return false;
}

int
txn_deadlock_resolve(void)
{
	int			elevel = log_detection ? LOG : DEBUG1;
	WaitEdge   *edges;
	WaitEdge   *again;
	int			n = txn_deadlock_all_edges(&edges, elevel);
	List	   *victims = txn_deadlock_victims(edges, n);
	ListCell   *lc;
	int			canceled = 0;

	if (any_is_ours(victims))
	{
		int			m = txn_deadlock_all_edges(&again, elevel);

		n = txn_deadlock_confirm(again, m, edges, n);
		edges = again;
		victims = txn_deadlock_victims(edges, n);
	}
	if (log_detection)
		log_edges(edges, n, victims);
	foreach(lc, victims)
		if (cancel_victim(lfirst(lc), edges, n))
			canceled++;
	return canceled;
}

void
txn_deadlock_duty(void)
{
	/* deadlock_timeout may have changed */
	set_interval(detection_factor);
	if (is_worth_looking())
		(void) txn_deadlock_resolve();
}

void
txn_deadlock_init(void)
{
	base_settings_register(settings, lengthof(settings));
	remote_set_interrupt_check(txn_deadlock_check);
}
