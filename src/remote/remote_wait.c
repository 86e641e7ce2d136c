/*
 * remote_wait.c
 *	  Waiting for connections, on the latch, with a wait event, cancellable.
 *
 * Building a wait event set costs several system calls, more than a short answer takes to come.
 * The sets used last are kept, named by the connections they watch.  A connection that is still
 * being opened may change its socket, so sets with such connections are not kept; a closing
 * connection takes its sets with it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "citus/base/compat.h"
#include "remote/remote_internal.h"

#define KEPT_SETS 8
#define MAX_EVENTS 64

/* while nothing comes, whether the network is still there is looked at this often */
#define LOOK_INTERVAL_MS 1000

/* how long a server that is committing may take to answer, once it was asked to cancel */
#define DECISION_TIMEOUT_MS 10000

typedef struct WaitSet
{
	WaitEventSet *set;			/* NULL: entry unused */
	MemoryContext context;
	int			nconns;
	uint64	   *ids;
	int		   *positions;		/* in the set; -1: not watched */
	uint64		used;
} WaitSet;

static WaitSet kept_sets[KEPT_SETS];
static uint64 use_counter = 0;
static void (*interrupt_check) (void) = NULL;

static uint32
wanted_events(RemoteConn *conn)
{
	if (conn->state == REMOTE_CONNECTING)
		return conn->wants == REMOTE_POLL_WAIT_READ ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;
	return WL_SOCKET_READABLE | (conn->unflushed ? WL_SOCKET_WRITEABLE : 0);
}

static void
free_set(WaitSet *entry)
{
	if (entry->set != NULL)
		FreeWaitEventSet(entry->set);
	if (entry->context != NULL)
		MemoryContextDelete(entry->context);
	memset(entry, 0, sizeof(*entry));
}

void
remote_wait_forget(RemoteConn *conn)
{
	for (int i = 0; i < KEPT_SETS; i++)
		for (int j = 0; j < kept_sets[i].nconns; j++)
			if (kept_sets[i].ids[j] == conn->id)
			{
				free_set(&kept_sets[i]);
				break;
			}
}

static void
build_set(WaitSet *entry, RemoteConn **conns, int nconns)
{
	MemoryContext old;
	ResourceOwner owner = CurrentResourceOwner;

	memset(entry, 0, sizeof(*entry));
	entry->context = AllocSetContextCreate(TopMemoryContext, "wait for nodes",
										   ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(entry->context);
	CurrentResourceOwner = NULL;	/* it outlives the transaction */
	entry->nconns = nconns;
	entry->ids = palloc(nconns * sizeof(uint64));
	entry->positions = palloc(nconns * sizeof(int));
	entry->set = compat_wait_event_set_create(nconns + 2);
	CurrentResourceOwner = owner;
	AddWaitEventToSet(entry->set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, (void *) -1);
	AddWaitEventToSet(entry->set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, (void *) -1);
	for (int i = 0; i < nconns; i++)
	{
		entry->ids[i] = conns[i]->id;
		entry->positions[i] = -1;
		if (conns[i]->retryAt != 0)
			continue;
		entry->positions[i] =
			AddWaitEventToSet(entry->set, wanted_events(conns[i]),
							  conns[i]->transport->socket(conns[i]->link), NULL,
							  (void *) (intptr_t) i);
	}
	MemoryContextSwitchTo(old);
}

/* the kept set for exactly these connections, made if necessary */
static WaitSet *
kept_set(RemoteConn **conns, int nconns)
{
	WaitSet    *oldest = &kept_sets[0];

	for (int i = 0; i < KEPT_SETS; i++)
	{
		WaitSet    *entry = &kept_sets[i];
		int			j = 0;

		if (entry->set != NULL && entry->nconns == nconns)
			while (j < nconns && entry->ids[j] == conns[j]->id)
				j++;
		if (entry->set != NULL && j == nconns)
		{
			for (j = 0; j < nconns; j++)
				ModifyWaitEvent(entry->set, entry->positions[j], wanted_events(conns[j]), NULL);
			return entry;
		}
		if (entry->used < oldest->used)
			oldest = entry;
	}
	free_set(oldest);
	build_set(oldest, conns, nconns);
	return oldest;
}

void
remote_set_interrupt_check(void (*check) (void))
{
	interrupt_check = check;
}

void
remote_check_interrupts(void)
{
	if (interrupt_check != NULL && INTERRUPTS_PENDING_CONDITION())
		interrupt_check();
	CHECK_FOR_INTERRUPTS();
}

void
remote_forget_cancel(RemoteConn *conn)
{
	if (conn->giveUpAt == 0)
		return;
	conn->giveUpAt = 0;
	QueryCancelPending = false;
	(void) get_timeout_indicator(STATEMENT_TIMEOUT, true);
	(void) get_timeout_indicator(LOCK_TIMEOUT, true);
}

/*
 * The server commits with what it does: whether it has is known from its answer only.  So a cancel
 * request is passed on, and the answer tells what came of it.
 */
static void
pass_on_cancel(RemoteConn *conn)
{
	TimestampTz now = GetCurrentTimestamp();

	if (conn->giveUpAt == 0)
	{
		conn->giveUpAt = TimestampTzPlusMilliseconds(now, DECISION_TIMEOUT_MS);
		(void) conn->transport->cancel(conn->link, CANCEL_TIMEOUT_MS);
	}
	else if (now >= conn->giveUpAt)
		remote_error_lost(conn, "No answer came to a request to cancel.");
}

static void
check_interrupts_waiting(RemoteConn **conns, int nconns)
{
	bool		deciding = false;

	for (int i = 0; i < nconns; i++)
		deciding |= conns[i]->deciding || conns[i]->outcomeUnknown;
	if (!deciding)
	{
		remote_check_interrupts();
		return;
	}
	HOLD_CANCEL_INTERRUPTS();
	remote_check_interrupts();
	RESUME_CANCEL_INTERRUPTS();
	if (!QueryCancelPending || InterruptHoldoffCount != 0)
		return;
	for (int i = 0; i < nconns; i++)
		if (conns[i]->deciding)
			pass_on_cancel(conns[i]);
}

/* a connection that the network has left is broken */
static void
find_cut(RemoteConn **conns, int nconns, bool *ready)
{
	for (int i = 0; i < nconns; i++)
		if (conns[i]->state != REMOTE_CONNECTING && conns[i]->state != REMOTE_BROKEN &&
			conns[i]->transport->is_cut(conns[i]->link))
		{
			remote_error_lost(conns[i], "The network has been silent for too long.");
			ready[i] = true;
		}
}

/* waits for the sockets; conns are all open and have one */
static void
wait_sockets(RemoteConn **conns, int nconns, long timeoutMs, bool *ready)
{
	static uint32 waitEvent = 0;
	WaitEvent	occurred[MAX_EVENTS];
	WaitSet		temporary;
	WaitSet    *entry;
	bool		connecting = false;
	bool		latchSet = false;
	int			n;

	if (timeoutMs < 0 || timeoutMs > LOOK_INTERVAL_MS)
		timeoutMs = LOOK_INTERVAL_MS;

	if (waitEvent == 0)
		waitEvent = compat_wait_event_new("CitusRemoteNode");
	for (int i = 0; i < nconns; i++)
		connecting |= conns[i]->state == REMOTE_CONNECTING;
	if (connecting)
	{
		build_set(&temporary, conns, nconns);
		entry = &temporary;
	}
	else
	{
		entry = kept_set(conns, nconns);
		entry->used = ++use_counter;
	}

	n = WaitEventSetWait(entry->set, timeoutMs, occurred, MAX_EVENTS, waitEvent);
	if (connecting)
		free_set(&temporary);
	for (int i = 0; i < n; i++)
	{
		if (occurred[i].events & WL_LATCH_SET)
			latchSet = true;
		else if ((intptr_t) occurred[i].user_data >= 0)
			ready[(intptr_t) occurred[i].user_data] = true;
	}
	if (latchSet)
		ResetLatch(MyLatch);
	check_interrupts_waiting(conns, nconns);
	if (n == 0)
		find_cut(conns, nconns, ready);
}

static bool
is_ready_now(RemoteConn *conn)
{
	if (conn->state == REMOTE_BROKEN)
		return true;
	if (conn->retryAt != 0)
		return GetCurrentTimestamp() >= conn->retryAt;
	remote_queue_flush(conn);
	return remote_has_result(conn) || conn->transport->socket(conn->link) == PGINVALID_SOCKET;
}

/* when a connection that is being opened must be looked at, whatever its socket says */
static TimestampTz
wake_up_at(RemoteConn *conn)
{
	return conn->retryAt != 0 ? conn->retryAt : conn->deadline;
}

void
remote_wait_any(RemoteConn **conns, int nconns, long timeoutMs, bool *ready)
{
	bool		anyReady = false;
	bool		anyConnecting = false;
	TimestampTz now = 0;

	check_interrupts_waiting(conns, nconns);
	for (int i = 0; i < nconns; i++)
	{
		ready[i] = is_ready_now(conns[i]);
		anyReady |= ready[i];
		if (conns[i]->state == REMOTE_CONNECTING)
		{
			long		left;

			if (now == 0)
				now = GetCurrentTimestamp();
			left = TimestampDifferenceMilliseconds(now, wake_up_at(conns[i]));
			if (timeoutMs < 0 || left < timeoutMs)
				timeoutMs = left;
			anyConnecting = true;
		}
	}
	if (anyReady)
		return;
	wait_sockets(conns, nconns, timeoutMs, ready);

	/* whose time is up learns it from remote_conn_poll() */
	if (!anyConnecting)
		return;
	now = GetCurrentTimestamp();
	for (int i = 0; i < nconns; i++)
		if (conns[i]->state == REMOTE_CONNECTING && wake_up_at(conns[i]) <= now)
			ready[i] = true;
}

bool
remote_wait_one(RemoteConn *conn, TimestampTz deadline)
{
	long		timeoutMs = -1;
	bool		ready;

	if (deadline != 0)
	{
		timeoutMs = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (timeoutMs <= 0)
			return false;
	}
	remote_wait_any(&conn, 1, timeoutMs, &ready);
	return true;
}
