/*
 * txn_commit.c
 *	  The end of a distributed transaction.
 *
 * txn_pre_commit(), errors allowed
 *	 -> read-only participants: COMMIT, first of all when serializable; not yet those which hold row
 *		locks, for whoever gets one next must find what was written elsewhere
 *	 -> one participant wrote, and nothing here: COMMIT; its answer decides the transaction
 *	 -> otherwise: PREPARE TRANSACTION to all writers at once, commit records into the local
 *		transaction while they work, answers collected
 * the local transaction commits, with the records: from here on the outcome is commit
 * txn_commit(), no errors: COMMIT PREPARED to all at once, answers collected; then COMMIT to those
 *		which hold row locks
 *
 * txn_abort(), no errors: ROLLBACK or ROLLBACK PREPARED to all at once.
 *
 * Whatever cannot be finished here (a node does not answer) is left to recovery, with a WARNING;
 * recovery begins at once.
 *
 * Invariant: a commit record is in the local transaction for every prepared transaction before the
 * local commit, so that a record without its prepared transaction means "done", and the reverse
 * means "rolled back" once the session's gid number is no longer active.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/predicate.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "citus/base/injection.h"
#include "txn/txn_internal.h"
#include "txn/txn_snapshot_internal.h"

/* how long the far side may take, where nobody can cancel */
#define COMMIT_TIMEOUT_MS 60000
#define ABORT_TIMEOUT_MS 10000
/* the same once the user has asked to cancel, which cannot change the outcome any more */
#define CANCELED_TIMEOUT_MS 10000
/* a second attempt, over another connection */
#define AGAIN_TIMEOUT_MS 5000

static TxnCheckGuard check_guard = NULL;

/* ---- one step of the protocol on many connections ---- */

static void
send_step(RemoteXact *xact, const char *sql, const char *expectedTag, RemoteXactState state)
{
	RemoteCommand command = {0};

	xact->expectedTag = expectedTag;
	xact->stepDone = false;
	xact->stepFailed = false;
	txn_xact_set_state(xact, state);
	command.sql = sql;
	command.sync = true;
	command.essential = true;
	command.decisive = state == XACT_COMMITTING && xact->wrote;
	command.owner = &txn_own_answer_marker;
	remote_send(xact->conn, &command);
}

static void
lose(RemoteXact *xact)
{
	if (xact->gid[0] != '\0')
		txn_recover_note_leftover();
	xact->stepDone = true;
	xact->stepFailed = true;
	txn_xact_set_state(xact, XACT_FAILED);
}

/* takes what has arrived; errors of earlier commands show in the tag of the step's own */
static void
take_answers(RemoteXact *xact)
{
	RemoteAnswer answer;

	while (!xact->stepDone)
	{
		remote_receive(xact->conn, &answer);
		switch (answer.kind)
		{
			case REMOTE_ANSWER_NONE:
				return;
			case REMOTE_ANSWER_LOST:
				lose(xact);
				break;
			case REMOTE_ANSWER_ERROR:
				xact->stepFailed = true;
				xact->stepDone = remote_outstanding(xact->conn) == 0;
				break;
			case REMOTE_ANSWER_DONE:
				xact->stepDone = remote_outstanding(xact->conn) == 0;
				if (xact->stepDone && strcmp(answer.tag, xact->expectedTag) != 0)
					xact->stepFailed = true;
				break;
			default:
				break;
		}
	}
}

/*
 * Whom to wait for next: all answers are needed, so the one that was asked last is watched, whose
 * answer probably comes last, and the process is woken once.  What could not be sent goes out, too.
 */
static int
choose_awaited(List *xacts, RemoteConn **conns)
{
	RemoteConn *last = NULL;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, xacts)
	{
		RemoteXact *xact = lfirst(lc);

		if (xact->stepDone)
			continue;
		if (last != NULL && remote_has_unsent(last))
			conns[n++] = last;
		last = xact->conn;
	}
	if (last != NULL)
		conns[n++] = last;
	return n;
}

static void
take_all_answers(List *xacts)
{
	ListCell   *lc;

	foreach(lc, xacts)
		take_answers(lfirst(lc));
}

/*
 * Waits for the answers of the step that was sent to xacts.  deadline 0: until they have come or
 * the user cancels; otherwise participants that are late are lost, and a cancel request only makes
 * the time shorter.
 */
static void
collect_step(List *xacts, TimestampTz deadline)
{
	int			n = list_length(xacts);
	RemoteConn **conns = palloc(n * sizeof(RemoteConn *));
	bool	   *ready = palloc(n * sizeof(bool));
	bool		canceled = false;
	int			waiting;

	while ((waiting = choose_awaited(xacts, conns)) > 0)
	{
		long		left = -1;

		if (deadline != 0)
		{
			if (QueryCancelPending && !canceled)
			{
				TimestampTz limit = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
																CANCELED_TIMEOUT_MS);

				canceled = true;
				deadline = Min(deadline, limit);
			}
			left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
			if (left <= 0 || ProcDiePending)
			{
				ListCell   *lc;

				take_all_answers(xacts);
				foreach(lc, xacts)
					if (!((RemoteXact *) lfirst(lc))->stepDone)
						lose(lfirst(lc));
				break;
			}
		}
		remote_wait_any(conns, waiting, left, ready);
		take_all_answers(xacts);
	}
	pfree(conns);
	pfree(ready);
}

static List *
participants_in(RemoteXactState state)
{
	List	   *result = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->state == state)
			result = lappend(result, xact);
	}
	return result;
}

/* ---- before the local commit ---- */

/* statements that ended early, such as cursors, may have left something running */
static void
make_quiet(RemoteXact *xact)
{
	if (remote_outstanding(xact->conn) == 0)
		return;

	/* answers of our own (RELEASE SAVEPOINT ...) are simply taken */
	xact->expectedTag = "";
	xact->stepDone = false;
	take_answers(xact);
	if (!xact->stepDone && !remote_settle(xact->conn, COMMIT_TIMEOUT_MS))
		lose(xact);
}

static void
raise_lost(RemoteXact *xact)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("connection to node %s:%d was lost", remote_conn_host(xact->conn),
					remote_conn_port(xact->conn)),
			 xact->wrote ?
			 errdetail("The transaction has changed data there and cannot be committed.") :
			 errdetail("The transaction has locked rows there and cannot be committed.")));
}

/* a node that is known to be gone has given its locks away, and has not committed */
static void
require_alive(List *xacts)
{
	ListCell   *lc;

	foreach(lc, xacts)
	{
		RemoteXact *xact = lfirst(lc);

		if (!remote_conn_is_alive(xact->conn))
			raise_lost(xact);
	}
}

/* the error of the first participant whose step failed */
static void
raise_step_errors(List *xacts)
{
	ListCell   *lc;

	foreach(lc, xacts)
	{
		RemoteXact *xact = lfirst(lc);
		char	   *message;

		if (!xact->stepFailed)
			continue;
		message = remote_error_message(xact->conn, NULL);
		if (xact->state != XACT_FAILED && strcmp(message, "unknown error") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_IN_FAILED_SQL_TRANSACTION),
					 errmsg("transaction on node %s:%d has failed and was rolled back",
							remote_conn_host(xact->conn), remote_conn_port(xact->conn))));
		remote_error_raise(xact->conn);
	}
}

/*
 * COMMIT of the only one that wrote decides the transaction: what can fail before, must.  Of a node
 * that goes now, nobody will know.
 */
static void
before_deciding(List *writers)
{
	require_alive(writers);
	/* the server would look after COMMIT; nothing can be added, as nothing was written here */
	if (writers != NIL && IsolationIsSerializable())
		PreCommit_CheckForSerializationFailure();
}

/* whoever has answered has nothing open any more, whatever the answer */
static void
note_ended(List *xacts)
{
	ListCell   *lc;

	foreach(lc, xacts)
	{
		RemoteXact *xact = lfirst(lc);

		/* settings sent inside a transaction that was rolled back are undone */
		if (xact->stepFailed)
			txn_settings_forget(xact->conn);
		if (xact->state == XACT_COMMITTING)
			txn_xact_set_state(xact, XACT_NONE);
	}
}

/*
 * COMMIT to all at once; whoever has answered has nothing open any more, whatever the answer.  The
 * one that decides comes first when answers are waited for: after it, nobody may cancel any more.
 */
static void
commit_one_phase(List *readers, List *deciding)
{
	List	   *all = list_concat_copy(readers, deciding);
	TimestampTz deadline;
	ListCell   *lc;

	foreach(lc, all)
		send_step(lfirst(lc), "COMMIT", "COMMIT", XACT_COMMITTING);
	if (deciding == NIL)
		collect_step(readers, 0);
	else
	{
		collect_step(deciding, 0);
		deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ABORT_TIMEOUT_MS);
		HOLD_CANCEL_INTERRUPTS();
		collect_step(readers, deadline);
		RESUME_CANCEL_INTERRUPTS();
		if (!((RemoteXact *) linitial(deciding))->stepFailed)
			QueryCancelPending = false;
	}
	note_ended(all);
}

/*
 * The local commit is what decides.  It is on disk before anybody is told to commit, whatever
 * synchronous_commit says: a crash would otherwise take the records with it, and recovery would
 * roll back what has not yet committed by then, beside what has.
 */
static void
write_records(List *writers)
{
	CommitRecord *records = palloc(sizeof(CommitRecord) * list_length(writers));
	ListCell   *lc;

	foreach(lc, writers)
	{
		RemoteXact *xact = lfirst(lc);

		records[foreach_current_index(lc)] = (CommitRecord) {xact->groupId, xact->gid};
	}
	catalog_commit_records_insert(records, list_length(writers));
	pfree(records);
	ForceSyncCommit();
}

static void
prepare_all(List *writers)
{
	int			number = 0;
	char	   *groups = txn_snapshot_commit_begin(writers, txn_local_node_wrote());
	ListCell   *lc;

	BASE_STOP_POINT("txn-before-prepare");
	foreach(lc, writers)
	{
		RemoteXact *xact = lfirst(lc);

		txn_gid_make(xact->gid, ++number);
		send_step(xact, psprintf("PREPARE TRANSACTION '%s'%s", xact->gid, groups),
				  "PREPARE TRANSACTION", XACT_PREPARING);
	}
	write_records(writers);
	collect_step(writers, 0);
	foreach(lc, writers)
	{
		RemoteXact *xact = lfirst(lc);

		if (xact->state == XACT_PREPARING)
			txn_xact_set_state(xact, xact->stepFailed ? XACT_NONE : XACT_PREPARED);
	}
	raise_step_errors(writers);
	txn_snapshot_commit_wait();
	BASE_STOP_POINT("txn-after-prepare");
}

/*
 * The server stops the clock of statement_timeout before it commits, as it does not wait for
 * anybody then.  This waits for other nodes.
 */
static bool
go_on_timing(void)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentStatementStartTimestamp(),
												  StatementTimeout);
	long		left;

	if (StatementTimeout <= 0 || get_timeout_active(STATEMENT_TIMEOUT))
		return false;
	left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
	enable_timeout_after(STATEMENT_TIMEOUT, Max(left, 1));
	return true;
}

static void
end_first_phase(void)
{
	List	   *writers = NIL;
	List	   *readers = NIL;
	List	   *lockers = NIL;
	bool		twoPhase;
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->state != XACT_FAILED)
			make_quiet(xact);
		if (xact->state == XACT_FAILED && (xact->wrote || xact->locked))
			raise_lost(xact);
		if (xact->state == XACT_OPEN && xact->wrote)
			writers = lappend(writers, xact);
		else if (xact->state == XACT_OPEN && xact->locked)
			lockers = lappend(lockers, xact);
		else if (xact->state == XACT_OPEN)
			readers = lappend(readers, xact);
	}

	twoPhase = list_length(writers) > 1 ||
		(writers != NIL && (txn_local_node_wrote() || txn_is_2pc_required()));
	require_alive(lockers);
	if (IsolationIsSerializable())
	{
		/* the end of a serializable reader may be what finds the conflict */
		readers = list_concat(readers, lockers);
		commit_one_phase(readers, NIL);
		raise_step_errors(readers);
		readers = NIL;
	}
	if (twoPhase)
	{
		commit_one_phase(readers, NIL);
		prepare_all(writers);
	}
	else
	{
		before_deciding(writers);
		/* a reader that fails now has done its work; its connection is closed */
		commit_one_phase(readers, writers);
		raise_step_errors(writers);
	}
}

void
txn_set_check_guard(TxnCheckGuard function)
{
	check_guard = function;
}

static void
end_first_phase_guarded(void *unused)
{
	end_first_phase();
}

void
txn_pre_commit(void)
{
	bool		timed;

	if (dlist_is_empty(&txn_participants))
		return;
	timed = go_on_timing();
	PG_TRY();
	{
		/* checks that were deferred */
		if (check_guard != NULL)
			check_guard(end_first_phase_guarded, NULL);
		else
			end_first_phase();
	}
	PG_FINALLY();
	{
		if (timed)
			disable_timeout(STATEMENT_TIMEOUT, false);
	}
	PG_END_TRY();
}

void
txn_pre_prepare(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->state != XACT_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot prepare a transaction that involves other nodes"),
					 errdetail("It has used the connection to node %s:%d.",
							   remote_conn_host(xact->conn), remote_conn_port(xact->conn))));
	}
	while (!dlist_is_empty(&txn_participants))
		txn_xact_remove(dlist_head_element(RemoteXact, node, &txn_participants));
}

/* ---- after the local transaction's fate is decided: no errors from here on ---- */

/* runs step for what is still to be done; an error in it is reported and ends it */
void
txn_run_guarded(void (*step) (void))
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancelHoldoff = QueryCancelHoldoffCount;

	PG_TRY();
	{
		step();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
		QueryCancelHoldoffCount = cancelHoldoff;
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not end a transaction on other nodes"),
				 errdetail_internal("%s", error->message)));
	}
	PG_END_TRY();
}

static void
warn_unresolved(RemoteXact *xact, const char *what)
{
	char	   *message = remote_error_message(xact->conn, NULL);

	ereport(WARNING,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("could not %s prepared transaction \"%s\" on node %s:%d", what, xact->gid,
					remote_conn_host(xact->conn), remote_conn_port(xact->conn)),
			 errdetail_internal("%s", message),
			 errhint("It will be resolved by the maintenance daemon, or by"
					 " recover_prepared_transactions().")));
}

/*
 * The connection was lost, but perhaps not the node: others would go on to read there what was
 * before the commit, until recovery comes.  That the prepared transaction is not there any more
 * means that only the answer was lost.
 */
static bool
commit_again(RemoteXact *xact, TimestampTz deadline)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	char		sql[TXN_GID_SIZE + 32];
	int			sqlstate = 0;

	if (remote_conn_state(xact->conn) != REMOTE_BROKEN || left <= 0 || ProcDiePending)
		return false;
	snprintf(sql, sizeof(sql), "COMMIT PREPARED '%s'", xact->gid);
	return remote_run_again(xact->conn, sql, Min(left, AGAIN_TIMEOUT_MS), &sqlstate) ||
		sqlstate == ERRCODE_UNDEFINED_OBJECT;
}

/* COMMIT PREPARED or ROLLBACK PREPARED on those given, which are prepared */
static void
finish_prepared(List *prepared, bool commit, TimestampTz deadline)
{
	const char *command = commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
	ListCell   *lc;

	foreach(lc, prepared)
	{
		RemoteXact *xact = lfirst(lc);
		char		sql[TXN_GID_SIZE + 32];

		snprintf(sql, sizeof(sql), "%s '%s'", command, xact->gid);
		if (remote_conn_state(xact->conn) == REMOTE_BROKEN)
			lose(xact);
		else
			send_step(xact, sql, command, XACT_PREPARED);
	}
	collect_step(prepared, deadline);
	foreach(lc, prepared)
	{
		RemoteXact *xact = lfirst(lc);

		if (xact->stepFailed && !(commit && commit_again(xact, deadline)))
			warn_unresolved(xact, commit ? "commit" : "roll back");
		if (xact->state == XACT_PREPARED)
			txn_xact_set_state(xact, XACT_NONE);
	}
}

static void
commit_prepared(void)
{
	int			timeout = StatementTimeout > 0 ?
		Min(Max(StatementTimeout, CANCELED_TIMEOUT_MS), COMMIT_TIMEOUT_MS) : COMMIT_TIMEOUT_MS;
	TimestampTz deadline;
	List	   *prepared = participants_in(XACT_PREPARED);
	List	   *first = NIL;
	List	   *rest = NIL;
	ListCell   *lc;

	BASE_STOP_POINT("txn-before-commit-prepared");
	if (prepared == NIL)
		return;
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout);
	foreach(lc, prepared)
	{
		RemoteXact *xact = lfirst(lc);

		if (xact->commitFirst)
			first = lappend(first, xact);
		else
			rest = lappend(rest, xact);
	}
	if (first != NIL)
		finish_prepared(first, true, deadline);
	finish_prepared(rest, true, deadline);
}

/* what the transaction wrote is to be seen: who waits for its row locks may go on */
static void
release_locks(void)
{
	List	   *lockers = participants_in(XACT_OPEN);
	ListCell   *lc;

	if (lockers == NIL)
		return;
	foreach(lc, lockers)
		send_step(lfirst(lc), "COMMIT", "COMMIT", XACT_COMMITTING);
	collect_step(lockers, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ABORT_TIMEOUT_MS));
	note_ended(lockers);
}

static void
remove_all(void)
{
	while (!dlist_is_empty(&txn_participants))
	{
		RemoteXact *xact = dlist_head_element(RemoteXact, node, &txn_participants);

		/* what is not known to be closed there is closed with its connection */
		if (xact->state != XACT_NONE)
			txn_xact_set_state(xact, XACT_FAILED);
		txn_xact_remove(xact);
	}
}

void
txn_commit(void)
{
	if (dlist_is_empty(&txn_participants))
		return;
	txn_run_guarded(commit_prepared);
	txn_run_guarded(release_locks);
	txn_run_guarded(remove_all);
}

/* ---- abort ---- */

/* cancels everything first, so that the nodes stop at the same time */
static void
cancel_running(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		/* a COMMIT or PREPARE on its way is not stopped: its outcome must be learnt */
		if (xact->state == XACT_OPEN || xact->state == XACT_NONE)
			remote_cancel(xact->conn);
	}
}

static void
drain_all(TimestampTz deadline)
{
	List	   *ending = list_concat(participants_in(XACT_PREPARING),
									 participants_in(XACT_COMMITTING));
	ListCell   *lc;
	dlist_iter	iter;

	collect_step(ending, deadline);
	foreach(lc, ending)
	{
		RemoteXact *xact = lfirst(lc);

		if (xact->state == XACT_PREPARING)
			txn_xact_set_state(xact, xact->stepFailed ? XACT_NONE : XACT_PREPARED);
		else if (xact->state == XACT_COMMITTING)
			txn_xact_set_state(xact, XACT_NONE);
	}
	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		if ((xact->state == XACT_OPEN || xact->state == XACT_NONE) &&
			!remote_abandon(xact->conn, Max(left, 100)))
			txn_xact_set_state(xact, XACT_FAILED);
	}
}

static void
roll_back_all(void)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ABORT_TIMEOUT_MS);
	List	   *open;
	ListCell   *lc;

	cancel_running();
	drain_all(deadline);
	open = participants_in(XACT_OPEN);
	foreach(lc, open)
	{
		RemoteXact *xact = lfirst(lc);

		txn_settings_forget(xact->conn);
		send_step(xact, "ROLLBACK", "ROLLBACK", XACT_OPEN);
	}
	collect_step(open, deadline);
	foreach(lc, open)
	{
		RemoteXact *xact = lfirst(lc);

		if (!xact->stepFailed)
			txn_xact_set_state(xact, XACT_NONE);
		else if (xact->state != XACT_FAILED)
			txn_xact_set_state(xact, XACT_FAILED);
	}
	finish_prepared(participants_in(XACT_PREPARED), false, deadline);
}

void
txn_abort(void)
{
	if (dlist_is_empty(&txn_participants))
		return;
	/* without a postmaster this process may not wait any more; closed sockets say it, too */
	if (!proc_exit_inprogress || PostmasterIsAlive())
		txn_run_guarded(roll_back_all);
	txn_run_guarded(remove_all);
}
