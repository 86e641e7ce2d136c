/*
 * remote_prepared.c
 *	  Prepared statements of a connection: a bounded number, least recently used ones dropped.
 *
 * Callers name statements; the server sees "citus_<number>" with a number never used before on
 * this connection.  So a statement that could not be dropped, for instance in a failed
 * transaction, costs memory on the server but can never be mistaken for another one.
 *
 * A statement is believed to be prepared as soon as its PREPARE was sent.  When that fails, or when
 * a command using it fails because of the statement itself, it is forgotten and prepared anew next
 * time.  Failures of data, locks and cancels leave it as it is.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"
#include "remote/remote_internal.h"

#define MAX_PREPARED 200

static uint32
hash_name(const char *name)
{
	return hash_bytes((const unsigned char *) name, strlen(name));
}

static RemotePrepared **
chain_of(RemoteConn *conn, uint32 hash)
{
	return &conn->prepared[hash % REMOTE_PREPARED_CHAINS];
}

static RemotePrepared *
find_statement(RemoteConn *conn, const char *name, uint32 hash)
{
	RemotePrepared *entry = *chain_of(conn, hash);

	while (entry != NULL && (entry->hash != hash || strcmp(entry->name, name) != 0))
		entry = entry->next;
	return entry;
}

static RemotePrepared *
find_id(RemoteConn *conn, uint32 id)
{
	for (int i = 0; i < REMOTE_PREPARED_CHAINS; i++)
	{
		for (RemotePrepared *entry = conn->prepared[i]; entry != NULL; entry = entry->next)
		{
			if (entry->id == id)
				return entry;
		}
	}
	return NULL;
}

static void
drop_entry(RemoteConn *conn, RemotePrepared *entry)
{
	RemotePrepared **link = chain_of(conn, entry->hash);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	conn->nprepared--;
	pfree(entry);
}

bool
remote_has_prepared(RemoteConn *conn, const char *statementName)
{
	return find_statement(conn, statementName, hash_name(statementName)) != NULL;
}

void
remote_prepared_done(RemoteConn *conn, uint32 id)
{
	RemotePrepared *entry = find_id(conn, id);

	if (entry != NULL)
		entry->done = true;
}

/* errors that have nothing to do with the form of the statement */
static bool
leaves_statement(int sqlstate)
{
	static const int categories[] = {
		ERRCODE_DATA_EXCEPTION, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION,
		ERRCODE_IN_FAILED_SQL_TRANSACTION, ERRCODE_T_R_SERIALIZATION_FAILURE,
		ERRCODE_INSUFFICIENT_RESOURCES, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		ERRCODE_OPERATOR_INTERVENTION, ERRCODE_RAISE_EXCEPTION
	};

	for (int i = 0; i < lengthof(categories); i++)
	{
		if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_TO_CATEGORY(categories[i]))
			return true;
	}
	return false;
}

void
remote_prepared_failed(RemoteConn *conn, uint32 id, int sqlstate)
{
	RemotePrepared *entry = find_id(conn, id);

	if (entry != NULL && !(entry->done && leaves_statement(sqlstate)))
		drop_entry(conn, entry);
}

static RemotePrepared *
find_oldest(RemoteConn *conn)
{
	RemotePrepared *oldest = NULL;

	for (int i = 0; i < REMOTE_PREPARED_CHAINS; i++)
	{
		for (RemotePrepared *entry = conn->prepared[i]; entry != NULL; entry = entry->next)
		{
			if (oldest == NULL || entry->lastUse < oldest->lastUse)
				oldest = entry;
		}
	}
	return oldest;
}

static bool
drop_oldest(RemoteConn *conn)
{
	RemotePrepared *oldest = find_oldest(conn);
	char		serverName[sizeof(oldest->serverName)];

	strlcpy(serverName, oldest->serverName, sizeof(serverName));
	drop_entry(conn, oldest);
	if (!conn->transport->send_unprepare(conn->link, serverName))
		return false;
	remote_queue_add(conn, REMOTE_ITEM_UNPREPARE, NULL);
	return true;
}

/* NULL: sending failed */
const RemotePrepared *
remote_prepared_ensure(RemoteConn *conn, const RemoteCommand *command)
{
	uint32		hash = hash_name(command->statementName);
	RemotePrepared *entry = find_statement(conn, command->statementName, hash);

	if (entry != NULL)
	{
		entry->lastUse = ++conn->preparedUses;
		return entry;
	}

	if (conn->nprepared >= MAX_PREPARED && !drop_oldest(conn))
		return NULL;

	entry = MemoryContextAlloc(conn->context, offsetof(RemotePrepared, name) +
							   strlen(command->statementName) + 1);
	entry->id = ++conn->lastPreparedId;
	entry->done = false;
	entry->hash = hash;
	entry->lastUse = ++conn->preparedUses;
	strcpy(entry->name, command->statementName);
	entry->next = *chain_of(conn, hash);
	*chain_of(conn, hash) = entry;
	conn->nprepared++;

	snprintf(entry->serverName, sizeof(entry->serverName), "citus_%u", entry->id);
	if (!conn->transport->send_prepare(conn->link, entry->serverName, command->sql,
									   command->nparams, command->paramTypes))
		return NULL;
	remote_queue_add(conn, REMOTE_ITEM_PREPARE, NULL)->preparedId = entry->id;
	return entry;
}
