/*
 * txn_recover.c
 *	  Resolving prepared transactions that their initiator, this node, did not finish.
 *
 * Order of reading, per node
 *	 1. commit records			R0
 *	 2. prepared transactions	P	on the node
 *	 3. active transactions		A	in shared memory
 *	 4. commit records again	R1
 *
 * In P, not in A: the session that prepared it is done with it.  Its local transaction ended
 * before A was read, so R1 tells how: a record means COMMIT PREPARED, none ROLLBACK PREPARED.
 * In P and in A: left alone.
 * In R0, not in P: the transaction had committed, thus prepared everywhere, before P was read;
 * so it is finished on the node, and the record is deleted.
 *
 * Nodes that have left the cluster are visited, too, until nothing waits there.
 *
 * One recovery at a time per database: an advisory lock of our own.
 *
 * When it runs: every citus.recover_2pc_interval; at once when a session of this node ends that has
 * lost a node in the middle of its commit, or when another node asks for it (txn_recover_ask) that
 * has started with something of ours or on which somebody waits for it; and again, with longer and
 * longer pauses, while a node does not answer.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "citus/base/injection.h"
#include "txn/txn_internal.h"

/* last field of the advisory lock tag: not one that pg_advisory_lock() can make */
#define RECOVERY_LOCK_CLASS 2201

/* a node that hangs must not keep others from being recovered */
#define PATIENCE_MS 10000
/* a node that is asked to recover does not do it in its answer */
#define ASK_PATIENCE_MS 1000
/* how often other nodes are asked at most: those that ask each other would not come to rest */
#define ASK_PAUSE_MS 5000
/* the first pause of the daemon after one that found nodes not answering */
#define RETRY_MS 1000

static void (*hurry_recovery) (void) = NULL;

/* the current transaction leaves something prepared */
static bool leaves_something = false;

/* in the daemon: the pause until the next run; 0: nothing was left by the last one */
static int	retry_ms = 0;
/* of the run under way: something could not be resolved */
static bool unresolved = false;

/* ---- when it runs ---- */

void
txn_set_recovery_hurrier(void (*hurry) (void))
{
	hurry_recovery = hurry;
}

void
txn_recover_note_leftover(void)
{
	leaves_something = true;
}

void
txn_recover_transaction_ended(void)
{
	if (leaves_something && hurry_recovery != NULL)
		hurry_recovery();
	leaves_something = false;
}

int
txn_recover_interval(void)
{
	int			interval = txn_recover_interval_setting;

	return retry_ms > 0 ? Min(retry_ms, interval) : interval;
}

/* a run is over that took so long: nodes that do not answer are tried more and more seldom */
static void
plan_retry(TimestampTz begun)
{
	long		taken = TimestampDifferenceMilliseconds(begun, GetCurrentTimestamp());

	if (!unresolved)
		retry_ms = 0;
	else
		retry_ms = Max(Min(Max(2 * retry_ms, RETRY_MS), txn_recover_interval_setting),
					   2 * (int) Min(taken, PATIENCE_MS));
}

void
txn_recover_ask(GroupId groupId)
{
	const ClusterNode *node = catalog_node_of_group(groupId);
	RemoteTarget target;
	bool		ok;
	char	   *error;

	if (groupId == catalog_local_group())
	{
		if (hurry_recovery != NULL)
			hurry_recovery();
		return;
	}
	if (node == NULL)
		return;
	target = txn_target_of_node(node);
	target.patienceMs = ASK_PATIENCE_MS;
	(void) remote_run_alone(&target, BASE_NODE_SELECT "citus_internal.hurry_recovery()", &ok,
							&error);
	if (!ok)
		ereport(DEBUG1,
				(errmsg("could not ask node %s:%d to recover its transactions", target.host,
						target.port),
				 errdetail_internal("%s", error)));
}

/* ---- names of prepared transactions ---- */

#define GID_PREFIX "citus_"

void
txn_gid_make(char *gid, int connectionNumber)
{
	snprintf(gid, TXN_GID_SIZE, GID_PREFIX "%d_%d_" UINT64_FORMAT "_%d", catalog_local_group(),
			 MyProcPid, txn_backend_gid_number(), connectionNumber);
}

/* the number behind a prefix; *text is moved behind both, or NULL when they are not there */
static uint64
take_number(const char **text, const char *prefix)
{
	size_t		length = strlen(prefix);
	char	   *next;
	uint64		number;

	if (*text == NULL || strncmp(*text, prefix, length) != 0 ||
		!isdigit((unsigned char) (*text)[length]))
	{
		*text = NULL;
		return 0;
	}
	number = strtou64(*text + length, &next, 10);
	*text = next;
	return number;
}

/* Every transaction of two phases asks; sscanf() would take longer than finding its rows. */
bool
txn_gid_parse(const char *gid, DistributedGid *parts)
{
	parts->group = (GroupId) take_number(&gid, GID_PREFIX);
	(void) take_number(&gid, "_");	/* of the process */
	parts->number = take_number(&gid, "_");
	parts->connection = (int) take_number(&gid, "_");
	return gid != NULL && *gid == '\0';
}

static bool
have_record(List *records, const char *gid)
{
	ListCell   *lc;

	foreach(lc, records)
		if (strcmp(((CommitRecord *) lfirst(lc))->gid, gid) == 0)
			return true;
	return false;
}

static bool
have_gid(List *gids, const char *gid)
{
	ListCell   *lc;

	foreach(lc, gids)
		if (strcmp(lfirst(lc), gid) == 0)
			return true;
	return false;
}

/* ---- one node ---- */

/* gids of prepared transactions of this initiator on the node; false: it does not answer */
static bool
prepared_on_node(const RemoteTarget *target, int level, List **gids)
{
	char	   *sql = psprintf("SELECT gid FROM pg_catalog.pg_prepared_xacts"
							   " WHERE gid LIKE 'citus\\_%d\\_%%'"
							   " AND database = pg_catalog.current_database()",
							   catalog_local_group());
	bool		ok;
	char	   *error;
	List	   *rows = remote_run_alone(target, sql, &ok, &error);
	ListCell   *lc;

	*gids = NIL;
	if (!ok)
	{
		ereport(level,
				(errmsg("could not look for prepared transactions on node %s:%d", target->host,
						target->port),
				 errdetail_internal("%s", error)));
		return false;
	}
	foreach(lc, rows)
		*gids = lappend(*gids, ((char **) lfirst(lc))[0]);
	return true;
}

/* true when the transaction is now resolved */
static bool
resolve(const RemoteTarget *target, const char *gid, bool commit)
{
	const char *command = commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
	bool		ok;
	char	   *error;

	(void) remote_run_alone(target, psprintf("%s %s", command, quote_literal_cstr(gid)), &ok,
							&error);
	if (ok)
		ereport(LOG,
				(errmsg("recovered prepared transaction \"%s\" on node %s:%d: %s", gid,
						target->host, target->port, command)));
	else
		ereport(WARNING,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not resolve prepared transaction \"%s\" on node %s:%d", gid,
						target->host, target->port),
				 errdetail_internal("%s", error)));
	return ok;
}

/*
 * How many were resolved; *done when the node has nothing (any more) that waits for this one.
 * level: of the message when it does not answer.
 */
static int
recover_node(const ClusterNode *node, int level, bool *done)
{
	RemoteTarget target = txn_target_of_node(node);
	List	   *recordsBefore = catalog_commit_records(node->groupId);
	List	   *prepared;
	List	   *idle = NIL;
	List	   *records;
	ListCell   *lc;
	int			resolved = 0;

	*done = false;
	target.patienceMs = PATIENCE_MS;
	if (!prepared_on_node(&target, level, &prepared))
	{
		unresolved = true;
		return 0;
	}
	BASE_STOP_POINT("txn-recover-after-list");
	foreach(lc, prepared)
	{
		DistributedGid gid;

		if (txn_gid_parse(lfirst(lc), &gid) && gid.group == catalog_local_group() &&
			!txn_backend_is_active(gid.number))
			idle = lappend(idle, lfirst(lc));
	}

	records = catalog_commit_records(node->groupId);
	foreach(lc, idle)
	{
		const char *gid = lfirst(lc);
		bool		commit = have_record(records, gid);

		if (!resolve(&target, gid, commit))
		{
			unresolved = true;
			continue;
		}
		resolved++;
		if (commit)
			catalog_commit_record_delete(node->groupId, gid);
	}
	foreach(lc, recordsBefore)
	{
		CommitRecord *record = lfirst(lc);

		if (!have_gid(prepared, record->gid))
			catalog_commit_record_delete(record->groupId, record->gid);
	}
	*done = resolved == list_length(prepared);
	return resolved;
}

/* Nodes that left, see catalog: first, as one may have joined again as a node of another group. */
static int
recover_departed(void)
{
	int			resolved = 0;
	ListCell   *lc;

	foreach(lc, catalog_departed_nodes())
	{
		const ClusterNode *node = lfirst(lc);
		bool		done;

		CHECK_FOR_INTERRUPTS();
		resolved += recover_node(node, DEBUG1, &done);
		if (done)
			catalog_departed_forget(node->groupId);
	}
	return resolved;
}

int
txn_recover(void)
{
	GroupId		localGroup = catalog_local_group();
	LOCKTAG		tag;
	ListCell   *lc;
	int			resolved;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, RECOVERY_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);

	resolved = recover_departed();
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);
		bool		done;

		CHECK_FOR_INTERRUPTS();
		if (node->groupId != localGroup)
			resolved += recover_node(node, LOG, &done);
	}
	return resolved;
}

/* ---- the duty ---- */

/* groups of other nodes that have begun what is prepared here */
static List *
initiators_of_prepared(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *groups = NIL;

	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute("SELECT gid FROM pg_catalog.pg_prepared_xacts"
					" WHERE database = pg_catalog.current_database()", true,
					0) != SPI_OK_SELECT)
		elog(ERROR, "could not list prepared transactions");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *gid = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext spi = MemoryContextSwitchTo(caller);
		DistributedGid parts;

		if (txn_gid_parse(gid, &parts) && parts.group != catalog_local_group())
			groups = list_append_unique_int(groups, parts.group);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return groups;
}

/* has the time come to ask others again?  The daemon does when it starts. */
static bool
may_ask(TimestampTz now)
{
	static TimestampTz last = 0;

	if (last != 0 &&
		!TimestampDifferenceExceeds(last, now, Min(ASK_PAUSE_MS, txn_recover_interval_setting)))
		return false;
	last = now;
	return true;
}

void
txn_recover_duty(void)
{
	TimestampTz begun = GetCurrentTimestamp();
	ListCell   *lc;

	if (may_ask(begun))
	{
		foreach(lc, initiators_of_prepared())
			txn_recover_ask(lfirst_int(lc));
	}
	unresolved = false;
	(void) txn_recover();
	plan_retry(begun);
}
