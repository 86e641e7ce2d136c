/*
 * remote_queue.c
 *	  What was asked of a connection and is not answered yet, in order; sending.
 *
 * The normal case is libpq's pipeline mode: items are sent as they come.  A simple command (COPY,
 * or several statements in one text) cannot be sent in pipeline mode, so it waits until all before
 * it is answered, and what comes after waits for it (RemoteConn.held).
 *
 * Sending never waits: what the network does not take at once stays in the transport's buffer and
 * goes out whenever somebody receives or waits.
 */
#include "postgres.h"

#include "citus/base/origin.h"
#include "utils/memutils.h"
#include "remote/remote_internal.h"

void
remote_queue_init(RemoteConn *conn)
{
	dlist_init(&conn->items);
	dlist_init(&conn->freeItems);
	dlist_init(&conn->held);
}

RemoteItem *
remote_queue_add(RemoteConn *conn, RemoteItemKind kind, void *owner)
{
	RemoteItem *item;

	if (dlist_is_empty(&conn->freeItems))
		item = MemoryContextAlloc(conn->context, sizeof(RemoteItem));
	else
		item = dlist_container(RemoteItem, node, dlist_pop_head_node(&conn->freeItems));
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	item->owner = owner;
	dlist_push_tail(&conn->items, &item->node);
	conn->nitems++;
	if (kind == REMOTE_ITEM_COMMAND)
		conn->outstanding++;
	return item;
}

RemoteItem *
remote_queue_head(RemoteConn *conn)
{
	if (dlist_is_empty(&conn->items))
		return NULL;
	return dlist_head_element(RemoteItem, node, &conn->items);
}

void
remote_queue_pop(RemoteConn *conn)
{
	RemoteItem *item = remote_queue_head(conn);

	if (item->kind == REMOTE_ITEM_COMMAND)
		conn->outstanding--;
	conn->nitems--;
	dlist_delete(&item->node);
	dlist_push_tail(&conn->freeItems, &item->node);
}

/* is an essential command sent or held? */
bool
remote_queue_has_essential(RemoteConn *conn)
{
	dlist_iter	iter;

	dlist_foreach(iter, &conn->items)
	{
		if (dlist_container(RemoteItem, node, iter.cur)->essential)
			return true;
	}
	dlist_foreach(iter, &conn->held)
	{
		if (dlist_container(RemoteHeld, node, iter.cur)->command.essential)
			return true;
	}
	return false;
}

void
remote_queue_drop_held(RemoteConn *conn)
{
	while (!dlist_is_empty(&conn->held))
	{
		RemoteHeld *held = dlist_container(RemoteHeld, node, dlist_pop_head_node(&conn->held));

		conn->outstanding--;
		MemoryContextDelete(held->context);
	}
}

void
remote_queue_clear(RemoteConn *conn)
{
	while (!dlist_is_empty(&conn->items))
		remote_queue_pop(conn);
	remote_queue_drop_held(conn);
	if (conn->haveKept)
		conn->outstanding--;
	conn->haveKept = false;
	conn->nrows = conn->nextRow = 0;
	conn->sectionOpen = false;
}

void
remote_queue_flush(RemoteConn *conn)
{
	if (!conn->unflushed || conn->state == REMOTE_BROKEN)
		return;
	switch (conn->transport->flush(conn->link))
	{
		case REMOTE_FLUSH_DONE:
			conn->unflushed = false;
			conn->unflushedBytes = 0;
			break;
		case REMOTE_FLUSH_PENDING:
			break;
		case REMOTE_FLUSH_FAILED:

			/*
			 * The server may have said why before it went.  Receiving finds out; until then there
			 * is nothing more to send.
			 */
			conn->unflushed = false;
			break;
	}
}

bool
remote_has_unsent(RemoteConn *conn)
{
	remote_queue_flush(conn);
	return conn->unflushed;
}

/* ---- sending ---- */

static void
set_pipeline(RemoteConn *conn, bool on)
{
	if (conn->pipeline == on)
		return;
	if (!conn->transport->set_pipeline(conn->link, on))
		remote_error_lost(conn, NULL);
	else
		conn->pipeline = on;
}

/*
 * Proves to the server that a node opened the session, before the first command.  Without a
 * challenge it is no node yet.  Waits only for the challenge of a server behind a pooler.  A
 * failure leaves the connection broken.
 */
static void
send_proof(RemoteConn *conn)
{
	const char *challenge = conn->transport->parameter(conn->link, BASE_CHALLENGE_PARAMETER);
	const char *origin = remote_conninfo_value(conn, "application_name");
	char		proof[BASE_PROOF_DIGITS + 1];
	const char *values[] = {origin, proof};
	RemoteCommand command = {
		.sql = "SELECT citus_internal.prove_session($1, $2)",
		.nparams = lengthof(values),
		.paramValues = values,
	};
	uint64		gpid;

	conn->proved = true;
	/* a pooler in between keeps what it does not know for itself */
	if (challenge == NULL && remote_conn_is_pooled(conn))
	{
		List	   *rows = remote_conn_query(conn, "SELECT citus_internal.session_challenge()");

		challenge = rows != NIL ? ((char **) linitial(rows))[0] : NULL;
	}
	if (challenge == NULL || *challenge == '\0' || !base_origin_is_internal(origin, &gpid))
		return;
	base_proof_make(proof, conn->secret, conn->nodeId, conn->user, origin, challenge);
	set_pipeline(conn, true);
	if (conn->state == REMOTE_BROKEN)
		return;
	if (!conn->transport->send(conn->link, &command))
	{
		remote_error_lost(conn, NULL);
		return;
	}
	remote_queue_add(conn, REMOTE_ITEM_PROOF, NULL)->essential = true;
	conn->unflushed = true;
	conn->sectionOpen = true;
	/* what follows begins a transaction of its own */
	remote_sync(conn);
}

/* sends a command now; a failure leaves the connection broken */
static void
send_now(RemoteConn *conn, const RemoteCommand *command)
{
	const RemoteTransport *transport = conn->transport;
	RemoteItem *item;
	uint32		preparedId = 0;
	bool		ok;

	if (remote_log_commands && remote_is_reported(command->sql))
		remote_log_command(conn, command->sql);
	set_pipeline(conn, !command->simple);
	if (conn->state == REMOTE_BROKEN)
		return;

	if (command->simple)
		ok = transport->send_simple(conn->link, command->sql);
	else if (command->statementName != NULL)
	{
		const RemotePrepared *prepared = remote_prepared_ensure(conn, command);

		ok = prepared != NULL &&
			transport->send_prepared(conn->link, prepared->serverName, command);
		preparedId = prepared != NULL ? prepared->id : 0;
	}
	else
		ok = transport->send(conn->link, command);

	if (!ok)
	{
		remote_error_lost(conn, NULL);
		return;
	}
	item = remote_queue_add(conn, REMOTE_ITEM_COMMAND, command->owner);
	item->simple = command->simple;
	item->essential = command->essential;
	item->decisive = command->decisive;
	if (command->decisive)
	{
		conn->deciding = true;
		conn->giveUpAt = 0;
	}
	item->preparedId = preparedId;
	conn->unflushed = true;
	if (!command->simple)
	{
		conn->sectionOpen = true;
		if (command->sync)
			remote_sync(conn);
	}
	else
		remote_queue_flush(conn);
}

/* keeps a copy of the command until it may be sent */
static void
hold(RemoteConn *conn, const RemoteCommand *command)
{
	MemoryContext context = AllocSetContextCreate(conn->context, "held command",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RemoteHeld *held = palloc(sizeof(RemoteHeld));
	RemoteCommand *copy = &held->command;
	int			n = command->nparams;

	held->context = context;
	*copy = *command;
	copy->sql = pstrdup(command->sql);
	if (command->statementName != NULL)
		copy->statementName = pstrdup(command->statementName);
	if (n > 0)
	{
		const char **values = palloc(n * sizeof(char *));

#define COPY_ARRAY(field, type) \
		if (command->field != NULL) \
			copy->field = memcpy(palloc(n * sizeof(type)), command->field, n * sizeof(type))
		COPY_ARRAY(paramTypes, Oid);
		COPY_ARRAY(paramLengths, int);
		COPY_ARRAY(paramFormats, int);
#undef COPY_ARRAY
		for (int i = 0; i < n; i++)
		{
			const char *value = command->paramValues[i];
			bool		binary = command->paramFormats != NULL && command->paramFormats[i] == 1;

			if (value == NULL)
				values[i] = NULL;
			else if (binary)
				values[i] = memcpy(palloc(command->paramLengths[i] + 1), value,
								   command->paramLengths[i]);
			else
				values[i] = pstrdup(value);
		}
		copy->paramValues = values;
	}
	MemoryContextSwitchTo(old);
	dlist_push_tail(&conn->held, &held->node);
	conn->outstanding++;
}

static bool
is_copy(const char *sql)
{
	while (*sql == ' ' || *sql == '\n' || *sql == '\t' || *sql == '\r')
		sql++;
	return pg_strncasecmp(sql, "copy", 4) == 0 &&
		(sql[4] == ' ' || sql[4] == '\n' || sql[4] == '\t' || sql[4] == '(');
}

/* may a command of this kind be sent, given what was sent and is not answered?  Invariant 2. */
static bool
may_send(RemoteConn *conn, bool simple)
{
	if (dlist_is_empty(&conn->items))
		return true;
	return !simple && !dlist_tail_element(RemoteItem, node, &conn->items)->simple;
}

void
remote_send(RemoteConn *conn, const RemoteCommand *command)
{
	RemoteCommand simple;

	if (conn->state == REMOTE_CONNECTING)
		elog(ERROR, "command for a connection that is not open yet");
	if (conn->state == REMOTE_BROKEN)
		remote_error_raise(conn);
	if (conn->secret != NULL && !conn->proved)
		send_proof(conn);

	if (!command->simple && command->nparams == 0 && is_copy(command->sql))
	{
		simple = *command;
		simple.simple = true;
		command = &simple;
	}
	/* whoever waits for answers must have a Sync behind the commands */
	if (command->simple)
		remote_sync(conn);
	if (dlist_is_empty(&conn->held) && may_send(conn, command->simple))
		send_now(conn, command);
	else
		hold(conn, command);
	if (conn->state == REMOTE_BROKEN)
		remote_error_raise(conn);
}

void
remote_send_sql(RemoteConn *conn, const char *sql, void *owner)
{
	RemoteCommand command = {0};

	command.sql = sql;
	command.sync = true;
	command.owner = owner;
	remote_send(conn, &command);
}

void
remote_sync(RemoteConn *conn)
{
	if (conn->state == REMOTE_BROKEN)
		return;
	if (!dlist_is_empty(&conn->held))
		dlist_tail_element(RemoteHeld, node, &conn->held)->command.sync = true;
	else if (conn->sectionOpen)
	{
		if (!conn->transport->send_sync(conn->link))
		{
			remote_error_lost(conn, NULL);
			return;
		}
		remote_queue_add(conn, REMOTE_ITEM_SYNC, NULL);
		conn->sectionOpen = false;
		conn->unflushed = true;
	}
	remote_queue_flush(conn);
}

void
remote_queue_send_held(RemoteConn *conn)
{
	while (!dlist_is_empty(&conn->held) && conn->state != REMOTE_BROKEN)
	{
		RemoteHeld *held = dlist_head_element(RemoteHeld, node, &conn->held);

		if (!may_send(conn, held->command.simple))
			break;
		dlist_delete(&held->node);
		conn->outstanding--;
		send_now(conn, &held->command);
		MemoryContextDelete(held->context);
	}
	remote_queue_flush(conn);
}
