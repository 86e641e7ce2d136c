/*
 * txn_savepoint.c
 *	  Savepoints of this node's transaction, mirrored on the participants.
 *
 * A sub-transaction of nesting level n is the savepoint "savepoint_n" on the far side.  It is sent
 * with the first command that needs it, together with those of the levels around it, so that
 * sub-transactions that touch no other node cost nothing.
 *
 * Answers are not waited for: they belong to txn and come before those of the next command, or are
 * collected at commit.  A savepoint command that fails leaves the far transaction failed, which
 * nobody can overlook.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
#include "txn/txn_internal.h"

/* how long cancelled commands may take to end, all together; then connections are given up */
#define SUB_ABORT_TIMEOUT_MS 10000

void
txn_savepoints_send(RemoteXact *xact)
{
	int			level = GetCurrentTransactionNestLevel();

	while (xact->savepoints < level)
	{
		char		sql[64];

		txn_constraints_send(xact, xact->savepoints);
		txn_role_before_savepoint(xact);
		snprintf(sql, sizeof(sql), "SAVEPOINT savepoint_%d", xact->savepoints + 1);
		txn_send_own(xact->conn, sql);
		xact->savepoints++;
	}
	txn_constraints_send(xact, level);
}

/* The sub-transaction is about to become part of its parent. */
void
txn_sub_commit(void)
{
	int			level = GetCurrentTransactionNestLevel();
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);
		char		sql[64];

		xact->usedLevel = Min(xact->usedLevel, level - 1);
		if (xact->state != XACT_OPEN || xact->savepoints < level ||
			remote_conn_state(xact->conn) == REMOTE_BROKEN)
			continue;
		snprintf(sql, sizeof(sql), "RELEASE SAVEPOINT savepoint_%d", level);
		txn_send_own(xact->conn, sql);
		xact->savepoints = level - 1;
	}
}

static void
roll_back(RemoteXact *xact, int level, TimestampTz deadline)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	char		sql[64];

	/* if the node is gone, it is better known now, when nothing is lost yet */
	if (!remote_settle(xact->conn, Max(left, 100)) ||
		(xact->usedLevel >= level && !remote_conn_is_alive(xact->conn)))
	{
		txn_conn_failed(xact->conn);
		return;
	}
	if (xact->state != XACT_OPEN)
		return;
	/* settings changed inside go with it */
	txn_settings_forget(xact->conn);
	txn_role_forget(xact);
	if (xact->snapshotInForce != 0)
		xact->snapshotInForce = UNKNOWN_SNAPSHOT;
	snprintf(sql, sizeof(sql), "ROLLBACK TO SAVEPOINT savepoint_%d", level);
	txn_send_own(xact->conn, sql);
	snprintf(sql, sizeof(sql), "RELEASE SAVEPOINT savepoint_%d", level);
	txn_send_own(xact->conn, sql);
	xact->savepoints = level - 1;
}

/*
 * What a connection did that is lost is undone.  If all of it was done inside what is rolled back
 * now, the transaction does not depend on it any more.
 */
static void
forget_lost_use(RemoteXact *xact, int level)
{
	if (xact->usedLevel < level ||
		(xact->state != XACT_FAILED && remote_conn_state(xact->conn) != REMOTE_BROKEN))
		return;
	xact->wrote = false;
	xact->locked = false;
	xact->usedLevel = 0;
}

/*
 * What runs on a connection that has no savepoint of this level was started outside, by a cursor,
 * and goes on; except where no transaction is open, for then it can only be a command of ours.
 * Raises no errors.
 */
void
txn_sub_abort(void)
{
	int			level = GetCurrentTransactionNestLevel();
	uint32		holdoff = InterruptHoldoffCount;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													   SUB_ABORT_TIMEOUT_MS);
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);
		MemoryContext context = CurrentMemoryContext;

		forget_lost_use(xact, level);
		if (xact->state == XACT_FAILED ||
			(xact->state == XACT_OPEN && xact->savepoints < level))
			continue;
		PG_TRY();
		{
			roll_back(xact, level, deadline);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			FlushErrorState();
			InterruptHoldoffCount = holdoff;
			txn_conn_failed(xact->conn);
		}
		PG_END_TRY();
		forget_lost_use(xact, level);
	}
}
