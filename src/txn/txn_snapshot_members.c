/*
 * txn_snapshot_members.c
 *	  Cluster snapshots in memory: their members, what is sent to these, and what they report.
 *
 * All cluster snapshots of the session are in txn_snapshots until they are freed.  Reports may
 * arrive while answers to other commands are awaited: whoever meets one gives it to
 * txn_snapshot_take_report(), by its owner txn_report_marker.
 *
 * When snapshots are taken, and whether they agree, is the affair of txn_snapshot.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "citus/base/session.h"
#include "txn/txn_snapshot_internal.h"

dlist_head	txn_snapshots = DLIST_STATIC_INIT(txn_snapshots);
char		txn_report_marker;

/* ---- in memory ---- */

ClusterSnapshot *
txn_snapshot_make(void)
{
	static uint64 next = 0;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "cluster snapshot",
												  ALLOCSET_SMALL_SIZES);
	ClusterSnapshot *snapshot = MemoryContextAllocZero(context, sizeof(ClusterSnapshot));

	/* not one that another session's slot may have from before */
	if (next == 0)
		next = (uint64) GetCurrentTimestamp();
	snapshot->number = next++;
	snapshot->context = context;
	dlist_push_tail(&txn_snapshots, &snapshot->node);
	return snapshot;
}

void
txn_snapshot_drop_local(ClusterSnapshot *snapshot)
{
	if (snapshot->local != NULL)
		UnregisterSnapshotFromOwner(snapshot->local, TopTransactionResourceOwner);
	snapshot->local = NULL;
}

void
txn_snapshot_free(ClusterSnapshot *snapshot)
{
	dlist_delete(&snapshot->node);
	MemoryContextDelete(snapshot->context);
}

Member *
txn_member_of_node(ClusterSnapshot *snapshot, NodeId nodeId)
{
	ListCell   *cell;

	foreach(cell, snapshot->members)
	{
		Member	   *member = lfirst(cell);

		if (member->nodeId == nodeId)
			return member;
	}
	return NULL;
}

Member *
txn_member_add(ClusterSnapshot *snapshot, GroupId groupId, NodeId nodeId)
{
	MemoryContext caller = MemoryContextSwitchTo(snapshot->context);
	Member	   *member = palloc0(sizeof(Member));

	member->groupId = groupId;
	member->nodeId = nodeId;
	snapshot->members = lappend(snapshot->members, member);
	MemoryContextSwitchTo(caller);
	return member;
}

/* ---- commands ---- */

void
txn_snapshot_send(RemoteConn *conn, const char *name, const char *sql, const char *first,
				  const char *second, void *owner)
{
	RemoteCommand command = {0};
	const char *values[2] = {first, second};

	command.sql = sql;
	command.statementName = name;
	command.nparams = second == NULL ? 1 : 2;
	command.paramValues = values;
	command.owner = owner;
	remote_send(conn, &command);
}

void
txn_snapshot_send_number(RemoteConn *conn, const char *name, const char *sql, uint64 number)
{
	char		text[32];

	snprintf(text, sizeof(text), UINT64_FORMAT, number);
	txn_snapshot_send(conn, name, sql, text, NULL, &txn_own_answer_marker);
}

void
txn_member_send_take_only(ClusterSnapshot *snapshot, Member *member, int64 window)
{
	char		number[32];
	char		us[32];

	snprintf(number, sizeof(number), UINT64_FORMAT, snapshot->number);
	snprintf(us, sizeof(us), INT64_FORMAT, window);
	txn_snapshot_send(member->conn, "citus: snapshot_take",
					  "SELECT citus_internal.snapshot_take($1::int8, $2::int8)", number, us,
					  &txn_report_marker);
	member->hasReport = false;
}

void
txn_member_send_take(ClusterSnapshot *snapshot, Member *member, int64 window)
{
	RemoteXact *xact = txn_xact_of_conn(member->conn);

	txn_member_send_take_only(snapshot, member, window);
	remote_sync(member->conn);
	/* other isolation levels have one snapshot, which is in force by itself */
	xact->snapshotInForce = IsolationUsesXactSnapshot() ? 0 : snapshot->number;
	xact->snapshotInSlot = snapshot->number;
}

void
txn_member_send_fence(RemoteConn *conn, List *ids, int ms)
{
	char		text[16];

	snprintf(text, sizeof(text), "%d", ms);
	txn_snapshot_send(conn, "citus: snapshot_fence",
					  BASE_NODE_SELECT "citus_internal.snapshot_fence($1::int4, $2::text)",
					  text, txn_snapshot_print_ids(ids), &txn_own_answer_marker);
	remote_sync(conn);
}

void
txn_snapshot_clear(RemoteXact *xact, bool leave)
{
	ListCell   *cell;

	foreach(cell, xact->staleSnapshots)
		txn_snapshot_send_number(xact->conn, "citus: snapshot_forget",
								 "SELECT citus_internal.snapshot_forget($1::int8)",
								 *(uint64 *) lfirst(cell));
	xact->staleSnapshots = NIL;
	if (leave && xact->snapshotInForce != 0)
	{
		txn_snapshot_send_number(xact->conn, "citus: snapshot_use",
								 "SELECT citus_internal.snapshot_use($1::int8)", 0);
		xact->snapshotInForce = 0;
	}
}

/* ---- receiving reports ---- */

void
txn_member_lose(Member *member)
{
	/* where nothing was begun another connection may do */
	if (txn_xact_of_conn(member->conn)->state != XACT_NONE)
		txn_conn_failed(member->conn);
	member->conn = NULL;
	member->hasReport = false;
}

static void
take_report(ClusterSnapshot *snapshot, Member *member, const RemoteAnswer *answer)
{
	MemoryContext caller = MemoryContextSwitchTo(snapshot->context);
	List	   *seen = member->report.seen;

	memset(&member->report, 0, sizeof(member->report));
	if (answer->ncolumns != 1 || answer->values[0] == NULL ||
		!txn_snapshot_parse(answer->values[0], &member->report))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("invalid report of a snapshot of node %s:%d",
						remote_conn_host(member->conn), remote_conn_port(member->conn))));
	member->report.groupId = member->groupId;
	member->report.seen = seen;
	member->hasReport = true;
	MemoryContextSwitchTo(caller);
}

/* a report that comes where commands of others are awaited, too */
void
txn_snapshot_take_report(RemoteConn *conn, const RemoteAnswer *answer)
{
	dlist_iter	iter;

	dlist_foreach(iter, &txn_snapshots)
	{
		ClusterSnapshot *snapshot = dlist_container(ClusterSnapshot, node, iter.cur);
		ListCell   *cell;

		foreach(cell, snapshot->members)
		{
			Member	   *member = lfirst(cell);

			if (snapshot->tried && member->conn == conn && !member->hasReport)
				take_report(snapshot, member, answer);
		}
	}
}

/* takes what has arrived on the member's connection */
static void
receive_some(ClusterSnapshot *snapshot, Member *member)
{
	while (member->conn != NULL && remote_outstanding(member->conn) > 0)
	{
		RemoteAnswer answer;

		remote_receive(member->conn, &answer);
		if (answer.kind == REMOTE_ANSWER_NONE)
			return;
		if (answer.kind == REMOTE_ANSWER_ROW && answer.owner == &txn_report_marker)
			take_report(snapshot, member, &answer);
		else if (answer.kind == REMOTE_ANSWER_LOST &&
				 !txn_xact_of_conn(member->conn)->wrote)
			txn_member_lose(member);
		else
			txn_handle_answer(member->conn, &answer);
	}
}

/* until everything that was sent to members is answered */
void
txn_member_receive_all(ClusterSnapshot *snapshot, List *members)
{
	RemoteConn **conns = palloc(list_length(members) * sizeof(RemoteConn *));
	bool	   *ready = palloc(list_length(members) * sizeof(bool));

	for (;;)
	{
		int			n = 0;
		ListCell   *cell;

		foreach(cell, members)
		{
			Member	   *member = lfirst(cell);

			receive_some(snapshot, member);
			if (member->conn != NULL && remote_outstanding(member->conn) > 0)
				conns[n++] = member->conn;
		}
		if (n == 0)
			break;
		remote_wait_any(conns, n, -1, ready);
	}
	pfree(conns);
	pfree(ready);
}
