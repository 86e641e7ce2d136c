/*
 * remote_conn.c
 *	  Opening, keeping and closing connections.
 *
 * A connection is in exactly one of two lists: in use (acquired and not yet released), or cached.
 * Whatever is in use when a transaction ends was forgotten by an error and is closed; whoever
 * keeps connections for a transaction releases them in an earlier phase of its end.  When the
 * session ends, all sockets are closed, so that the far side rolls back.
 *
 * Cached connections are found by the node's host and port (pg_dist_poolinfo matters for new ones
 * only), user and database.  One that has been lost meanwhile is replaced by a new one before
 * anybody notices.
 *
 * Not here: limits over all sessions (remote_pool.c), commands.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "citus/base/lifecycle.h"
#include "citus/base/origin.h"
#include "remote/remote_internal.h"

/* a busy server does not look at its socket, so it is told; but nobody waits long for that */
#define FORGOTTEN_CANCEL_MS 1000

/* pauses between attempts to connect to a server that has no place */
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 1000

const RemoteTransport *remote_transport = &remote_libpq_transport;

static dlist_head in_use = DLIST_STATIC_INIT(in_use);
static dlist_head kept = DLIST_STATIC_INIT(kept);
static dlist_head cache = DLIST_STATIC_INIT(cache);
static uint64 last_id = 0;
static bool exit_callback_registered = false;

/* where a connection goes */
typedef struct Address
{
	const char *host;
	int			port;
	const char *user;
	const char *database;
} Address;

/* nobody can rename the database of a session */
static const char *
own_database(void)
{
	static char *name = NULL;

	if (name == NULL)
	{
		char	   *found = get_database_name(MyDatabaseId);

		if (found == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_DATABASE),
					 errmsg("database with OID %u does not exist", MyDatabaseId)));
		name = MemoryContextStrdup(TopMemoryContext, found);
	}
	return name;
}

static void
set_address(const RemoteTarget *target, Address *address)
{
	address->host = target->host;
	address->port = target->port;
	address->user = target->user ? target->user : GetUserNameFromId(GetUserId(), false);
	address->database = target->database ? target->database : own_database();
}

/* new connections go where pg_dist_poolinfo says */
static void
apply_poolinfo(const RemoteTarget *target, Address *address)
{
	if (target->poolinfo != NULL && *target->poolinfo != '\0')
	{
		char	   *error;
		List	   *options = remote_libpq_parse_conninfo(target->poolinfo, &error);
		ListCell   *lc;

		if (error != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid connection parameters in pg_dist_poolinfo"),
					 errdetail("%s", error)));
		foreach(lc, options)
		{
			RemoteOption *option = lfirst(lc);

			if (strcmp(option->keyword, "host") == 0)
				address->host = option->value;
			else if (strcmp(option->keyword, "port") == 0)
				address->port = atoi(option->value);
			else if (strcmp(option->keyword, "dbname") == 0)
				address->database = option->value;
		}
	}
}

/* ---- closing ---- */

void
remote_conn_close(RemoteConn *conn)
{
	dlist_delete(&conn->node);
	remote_wait_forget(conn);
	if (conn->link != NULL)
		conn->transport->close(conn->link);
	remote_pool_give(conn->sharedSlot);
	MemoryContextDelete(conn->context);
}

/* true if nothing is left of earlier use and it is not too old at the time given */
static bool
is_worth_keeping(RemoteConn *conn, TimestampTz now)
{
	if (conn->isClosing || remote_conn_state(conn) != REMOTE_IDLE ||
		conn->generation != remote_conninfo_generation ||
		conn->transport->in_transaction(conn->link))
		return false;
	if (remote_max_cached_lifetime >= 0 &&
		TimestampDifferenceExceeds(conn->openedAt, now, remote_max_cached_lifetime))
		return false;
	return true;
}

bool
remote_cache_is_on(void)
{
	return remote_max_cached_conns_per_worker > 0;
}

void
remote_conn_release(RemoteConn *conn)
{
	int			sameNode = 0;
	dlist_iter	iter;

	/* the end of the transaction looks again, with the time of then */
	if (!is_worth_keeping(conn, GetCurrentStatementStartTimestamp()) ||
		!remote_pool_may_cache(conn->sharedSlot))
	{
		remote_conn_close(conn);
		return;
	}
	dlist_foreach(iter, &cache)
	{
		RemoteConn *other = dlist_container(RemoteConn, node, iter.cur);

		if (other->port == conn->port && strcmp(other->host, conn->host) == 0)
			sameNode++;
	}
	if (sameNode >= remote_max_cached_conns_per_worker)
	{
		remote_conn_close(conn);
		return;
	}
	dlist_delete(&conn->node);
	dlist_push_head(&cache, &conn->node);
	conn->cached = true;
}

void
remote_conn_keep(RemoteConn *conn)
{
	dlist_delete(&conn->node);
	dlist_push_head(&kept, &conn->node);
}

void
remote_cache_clear(NodeId nodeId)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &cache)
	{
		RemoteConn *conn = dlist_container(RemoteConn, node, iter.cur);

		if (nodeId <= 0 || conn->nodeId == nodeId)
			remote_conn_close(conn);
	}
	dlist_foreach_modify(iter, &in_use)
	{
		RemoteConn *conn = dlist_container(RemoteConn, node, iter.cur);

		if (nodeId <= 0 || conn->nodeId == nodeId)
			conn->isClosing = true;
	}
}

static void
close_cached(void)
{
	while (!dlist_is_empty(&cache))
		remote_conn_close(dlist_head_element(RemoteConn, node, &cache));
}

/* an error has left the connection behind; what still runs there is of no use to anybody */
static void
close_forgotten(RemoteConn *conn)
{
	RemoteConnState state = remote_conn_state(conn);

	if (state == REMOTE_BUSY || state == REMOTE_COPY_OUT)
		(void) conn->transport->cancel(conn->link, FORGOTTEN_CANCEL_MS);
	remote_conn_close(conn);
}

/* The session ends; its transaction has been aborted before (this is not before_shmem_exit). */
static void
close_all_at_exit(int code, Datum arg)
{
	while (!dlist_is_empty(&in_use))
		close_forgotten(dlist_head_element(RemoteConn, node, &in_use));
	while (!dlist_is_empty(&kept))
		close_forgotten(dlist_head_element(RemoteConn, node, &kept));
	while (!dlist_is_empty(&cache))
		remote_conn_close(dlist_head_element(RemoteConn, node, &cache));
}

static void
at_transaction_end(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	TimestampTz now;
	dlist_mutable_iter iter;

	if (event != LIFECYCLE_COMMIT && event != LIFECYCLE_ABORT && event != LIFECYCLE_PREPARE)
		return;
	while (!dlist_is_empty(&in_use))
		close_forgotten(dlist_head_element(RemoteConn, node, &in_use));
	if (dlist_is_empty(&cache))
		return;
	now = GetCurrentTimestamp();
	dlist_foreach_modify(iter, &cache)
	{
		RemoteConn *conn = dlist_container(RemoteConn, node, iter.cur);

		if (!is_worth_keeping(conn, now))
			remote_conn_close(conn);
	}
}

void
remote_init(void)
{
	remote_settings_init();
	remote_pool_init();
	base_lifecycle_register(PHASE_REMOTE, at_transaction_end);
}

/* ---- opening ---- */

static RemoteConn *
take_cached(const Address *address, bool pristine)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &cache)
	{
		RemoteConn *conn = dlist_container(RemoteConn, node, iter.cur);

		if (conn->targetPort != address->port ||
			strcmp(conn->targetHost, address->host) != 0 ||
			strcmp(conn->user, address->user) != 0 ||
			strcmp(conn->database, address->database) != 0 ||
			(pristine && conn->settings[0] != '\0'))
			continue;
		if (!is_worth_keeping(conn, now) || !conn->transport->is_alive(conn->link))
		{
			remote_conn_close(conn);
			continue;
		}
		dlist_delete(&conn->node);
		dlist_push_head(&in_use, &conn->node);
		conn->cached = false;
		return conn;
	}
	return NULL;
}

static RemoteConn *
make_conn(const RemoteTarget *target, const Address *address, int sharedSlot)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "connection to a node",
												  ALLOCSET_SMALL_SIZES);
	RemoteConn *conn = MemoryContextAllocZero(context, sizeof(RemoteConn));

	conn->context = context;
	conn->id = ++last_id;
	conn->nodeId = target->nodeId;
	conn->targetHost = MemoryContextStrdup(context, target->host);
	conn->targetPort = target->port;
	conn->host = MemoryContextStrdup(context, address->host);
	conn->port = address->port;
	conn->user = MemoryContextStrdup(context, address->user);
	conn->database = MemoryContextStrdup(context, address->database);
	conn->settings = MemoryContextStrdup(context, "");
	conn->sharedSlot = sharedSlot;
	if (target->secret != NULL && target->nodeId > 0)
		conn->secret = memcpy(MemoryContextAlloc(context, BASE_SECRET_SIZE), target->secret,
							  BASE_SECRET_SIZE);
	/* to a server that is no node it did not prove who it is, as it must if that becomes one */
	conn->isClosing = target->applicationName != NULL || target->nodeId <= 0;
	conn->errorContext = AllocSetContextCreate(context, "error of a node", ALLOCSET_SMALL_SIZES);
	conn->noticeContext = AllocSetContextCreate(context, "notices of a node",
												ALLOCSET_SMALL_SIZES);
	conn->noticesTail = &conn->notices;
	remote_queue_init(conn);
	conn->transport = remote_transport;
	conn->state = REMOTE_CONNECTING;
	conn->wants = REMOTE_POLL_WAIT_WRITE;
	dlist_push_head(&in_use, &conn->node);
	return conn;
}

static void
open_link(RemoteConn *conn)
{
	MemoryContext old = MemoryContextSwitchTo(conn->context);

	conn->wants = REMOTE_POLL_WAIT_WRITE;
	conn->link = conn->transport->open(conn->keywords, conn->keywordValues,
									   remote_notice_receive, conn);
	MemoryContextSwitchTo(old);
	if (conn->link == NULL)
		remote_error_lost(conn, "out of memory");
}

static void
connect_now(RemoteConn *conn)
{
	conn->generation = remote_conninfo_generation;
	conn->openedAt = GetCurrentTimestamp();
	conn->deadline = TimestampTzPlusMilliseconds(conn->openedAt, remote_connection_timeout);
	open_link(conn);
}

static void
start_connecting(RemoteConn *conn, const RemoteTarget *target, const Address *address)
{
	RemoteTarget resolved = *target;
	MemoryContext old = MemoryContextSwitchTo(conn->context);

	resolved.host = address->host;
	resolved.port = address->port;
	remote_conninfo_build(&resolved, address->user, address->database, &conn->keywords,
						  &conn->keywordValues);
	/* they are used again, when what they came from may be gone */
	for (int i = 0; conn->keywords[i] != NULL; i++)
	{
		conn->keywords[i] = pstrdup(conn->keywords[i]);
		conn->keywordValues[i] = pstrdup(conn->keywordValues[i]);
	}
	MemoryContextSwitchTo(old);
	connect_now(conn);
}

/*
 * A server that is full may have a place soon.  Its sessions end when they like, so it is asked
 * again, less and less often, for as long as connecting may take.
 */
static bool
plan_retry(RemoteConn *conn)
{
	TimestampTz retryAt;

	if (!conn->transport->is_full(conn->link))
		return false;
	conn->retryPause = conn->retryPause == 0 ? RETRY_MIN_MS :
		Min(2 * conn->retryPause, RETRY_MAX_MS);
	retryAt = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), conn->retryPause);
	if (retryAt >= conn->deadline)
		return false;
	conn->retryAt = retryAt;
	return true;
}

static void
retry(RemoteConn *conn)
{
	void	   *link = conn->link;

	conn->retryAt = 0;
	conn->link = NULL;
	conn->transport->close(link);
	open_link(conn);
}

RemoteConn *
remote_acquire(const RemoteTarget *target, bool optional, bool pristine)
{
	Address		address;
	RemoteConn *conn;
	bool		full;
	int			slot;

	if (!exit_callback_registered)
	{
		on_shmem_exit(close_all_at_exit, (Datum) 0);
		exit_callback_registered = true;
	}
	set_address(target, &address);
	if (target->applicationName == NULL)
	{
		conn = take_cached(&address, pristine);
		if (conn != NULL)
			return conn;
	}

	apply_poolinfo(target, &address);
	slot = remote_pool_take(address.host, address.port, true, false, &full);
	if (full && optional)
		return NULL;
	if (full)
	{
		/* who waits keeps no place from others */
		close_cached();
		slot = remote_pool_take(address.host, address.port, false, !dlist_is_empty(&in_use),
								&full);
	}
	conn = make_conn(target, &address, slot);
	start_connecting(conn, target, &address);
	return conn;
}

RemoteConn *
remote_open_again(const RemoteConn *conn)
{
	RemoteTarget target = {.nodeId = conn->nodeId, .host = conn->targetHost,
		.port = conn->targetPort, .applicationName = "", .secret = conn->secret};
	Address		address = {conn->host, conn->port, conn->user, conn->database};
	bool		full;
	/* one beyond the limit, for a moment, rather than none */
	int			slot = remote_pool_take(conn->host, conn->port, true, false, &full);
	RemoteConn *again = make_conn(&target, &address, slot);

	again->keywords = conn->keywords;
	again->keywordValues = conn->keywordValues;
	connect_now(again);
	return again;
}

RemoteConn *
remote_conn_acquire(const RemoteTarget *target, bool optional)
{
	return remote_acquire(target, optional, false);
}

RemoteConn *
remote_conn_acquire_cached(const RemoteTarget *target)
{
	Address		address;

	if (dlist_is_empty(&cache))
		return NULL;
	set_address(target, &address);
	return take_cached(&address, false);
}

RemoteConnState
remote_conn_poll(RemoteConn *conn)
{
	if (conn->state != REMOTE_CONNECTING)
		return remote_conn_state(conn);
	if (conn->retryAt != 0)
	{
		if (GetCurrentTimestamp() >= conn->retryAt)
			retry(conn);
		return remote_conn_state(conn);
	}

	conn->wants = conn->transport->poll(conn->link);
	switch (conn->wants)
	{
		case REMOTE_POLL_OK:
			conn->state = REMOTE_IDLE;
			break;
		case REMOTE_POLL_FAILED:
			if (!plan_retry(conn))
				remote_error_lost(conn, NULL);
			break;
		default:
			if (GetCurrentTimestamp() >= conn->deadline)
				remote_error_lost(conn, "timeout expired");
	}
	return remote_conn_state(conn);
}

void
remote_conn_finish(RemoteConn *conn)
{
	while (remote_conn_poll(conn) == REMOTE_CONNECTING)
		remote_wait_one(conn, 0);
	if (conn->state == REMOTE_BROKEN)
		remote_error_raise(conn);
}

/* ---- looking ---- */

RemoteConnState
remote_conn_state(const RemoteConn *conn)
{
	if (conn->state == REMOTE_IDLE &&
		(conn->nitems > 0 || conn->outstanding > 0))
		return REMOTE_BUSY;
	return conn->state;
}

NodeId
remote_conn_node(const RemoteConn *conn)
{
	return conn->nodeId;
}

const char *
remote_conn_host(const RemoteConn *conn)
{
	return conn->host;
}

int
remote_conn_port(const RemoteConn *conn)
{
	return conn->port;
}

const char *
remote_conn_user(const RemoteConn *conn)
{
	return conn->user;
}

Machine
remote_conn_machine(RemoteConn *conn)
{
	if (conn->machine.processors == 0)
		conn->machine = base_machine_parse(conn->transport->parameter(conn->link,
																	  BASE_MACHINE_PARAMETER));
	return conn->machine;
}

uint64
remote_conn_id(const RemoteConn *conn)
{
	return conn->id;
}

int
remote_conn_backend_pid(const RemoteConn *conn)
{
	return conn->transport->backend_pid(conn->link);
}

bool
remote_conn_is_alive(RemoteConn *conn)
{
	if (remote_conn_state(conn) == REMOTE_IDLE && !conn->transport->is_alive(conn->link))
		remote_error_lost(conn, NULL);
	return conn->state != REMOTE_BROKEN;
}

bool
remote_conn_in_transaction(const RemoteConn *conn)
{
	return conn->transport->in_transaction(conn->link);
}

bool
remote_conn_is_pooled(const RemoteConn *conn)
{
	return conn->port != conn->targetPort || strcmp(conn->host, conn->targetHost) != 0;
}

void **
remote_conn_user_data(RemoteConn *conn)
{
	return &conn->userData;
}

const char *
remote_conn_settings(const RemoteConn *conn)
{
	return conn->settings;
}

uint64
remote_conn_settings_number(const RemoteConn *conn)
{
	return conn->settingsNumber;
}

void
remote_conn_set_settings(RemoteConn *conn, const char *settings, uint64 number)
{
	conn->settingsNumber = number;
	if (strcmp(conn->settings, settings) != 0)
	{
		char	   *copy = MemoryContextStrdup(conn->context, settings);

		pfree(conn->settings);
		conn->settings = copy;
	}
}
