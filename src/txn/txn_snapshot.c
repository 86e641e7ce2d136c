/*
 * txn_snapshot.c
 *	  Cluster snapshots: one on each node that a statement reads, of which none sees part of a
 *	  transaction.
 *
 * txn_snapshot_take() has every node take a snapshot at the same time and report which transactions
 * over several nodes it sees (take_round).  If the reports do not agree (txn_snapshot_match.c), all
 * are taken again; each node first waits until what its snapshot must see has ended there, and a
 * fence on all nodes keeps other transactions from ending in between, so that three rounds are
 * enough as long as the fences last.
 *
 * At READ COMMITTED a snapshot belongs to one statement.  Otherwise it belongs to the transaction,
 * and is that of the remote transactions themselves; to take it again, they are begun again.
 *
 * This node's own snapshot of such a transaction, which tables that are not distributed are read
 * with, is made equal to its member as long as nobody has read with it.  Later it is the member, as
 * it is, and the snapshots of the others must agree with it (own_agrees).  A session that has had
 * this takes its next transaction's snapshots before it reads such a table.
 *
 * A statement that has functions of its own write keeps the transaction's snapshot as it is before
 * they do (txn_snapshot_keep()), and reads with that to its end.
 *
 * A transaction that has imported another one's snapshot reads with that one's members on all nodes
 * (import_member), which agree already.
 *
 * A node that a statement turns to later joins (join_late): if its snapshot can be made to agree
 * with those that are in use, by waiting, it is; otherwise the statement fails.
 *
 * Invariants
 * (1) What was read with a snapshot is given to nobody before the reports agree.
 * (2) Members whose connection was lost have no snapshot; they join again, or the statement fails.
 *
 * What is sent to members, and how their reports arrive, is in txn_snapshot_members.c.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "citus/base/injection.h"
#include "citus/base/session.h"
#include "citus/base/settings.h"
#include "citus/catalog/catalog.h"
#include "txn/txn_snapshot_internal.h"

/* reports go back at least this far */
#define MIN_WINDOW_US 50000
#define FENCE_MS 100
/* one wait of a round; a transaction may take longer */
#define AWAIT_MS 1000
/* for all rounds together, unless lock_timeout says something else */
#define PATIENCE_MS 30000
/* a commit that takes longer has perhaps been interrupted: recovery is asked for, that often */
#define ASK_AFTER_MS 1000
#define ASK_AGAIN_MS 5000

static bool enabled = true;

static ClusterSnapshot *of_transaction = NULL;
static bool taking = false;
static bool own_snapshot_read = false;	/* of the transaction: it must stay as it is */
/* of the transaction: which one's snapshots it has imported; number 0: none of other nodes */
static bool imported = false;
static DistXactId imported_from = {0};
static bool taken_early = false;	/* of_transaction: and nobody has asked for it yet */
/* of the session: its last transaction would have had use for that */
static bool early_is_better = false;

/* ---- taking ---- */

/* opens the members' connections; who cannot be reached is no member, and fails when it is used */
static void
connect_all(ClusterSnapshot *snapshot)
{
	RemoteConn **conns = palloc(list_length(snapshot->members) * sizeof(RemoteConn *));
	bool	   *ready = palloc(list_length(snapshot->members) * sizeof(bool));

	for (;;)
	{
		int			n = 0;
		ListCell   *cell;

		foreach(cell, snapshot->members)
		{
			Member	   *member = lfirst(cell);
			RemoteConnState state;

			if (member->conn == NULL)
				continue;
			state = remote_conn_state(member->conn);
			if (state == REMOTE_CONNECTING)
				state = remote_conn_poll(member->conn);
			if (state == REMOTE_CONNECTING)
				conns[n++] = member->conn;
			else if (state == REMOTE_BROKEN)
				txn_member_lose(member);
		}
		if (n == 0)
			break;
		remote_wait_any(conns, n, -1, ready);
	}
	pfree(conns);
	pfree(ready);
}

/* the remote transaction has one snapshot: another one needs another transaction */
static void
begin_again(Member *member)
{
	RemoteXact *xact = txn_xact_of_conn(member->conn);

	if (xact->wrote)
		elog(ERROR, "a snapshot was used before it was agreed upon");
	if (xact->state != XACT_OPEN)
		return;
	txn_send_own(member->conn, "ROLLBACK");
	txn_settings_forget(member->conn);
	txn_xact_set_state(xact, XACT_NONE);
	xact->roleId = xact->loginId;
	xact->unforced = false;
	xact->savepoints = 1;
	xact->staleSnapshots = NIL;
	xact->snapshotInForce = 0;
}

static void
take_remote(ClusterSnapshot *snapshot, Member *member, int round, int64 window)
{
	if (round > 0)
	{
		if (IsolationUsesXactSnapshot())
			begin_again(member);
		txn_member_send_fence(member->conn, member->report.mustSee, FENCE_MS);
	}
	txn_xact_begin(txn_xact_of_conn(member->conn), TXN_READ);
	txn_snapshot_clear(txn_xact_of_conn(member->conn), false);
	txn_member_send_take(snapshot, member, window);
}

/*
 * What is committed by now.  Beside parallel workers of the plan that is under way the server takes
 * such a snapshot by one of its functions only; under READ COMMITTED both give the same.
 */
static Snapshot
latest_snapshot(void)
{
	return IsInParallelMode() && !IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
		GetLatestSnapshot();
}

static void
take_local(ClusterSnapshot *snapshot, Member *member, int round, int64 window)
{
	MemoryContext caller;
	List	   *seen = member->report.seen;

	if (round > 0)
	{
		txn_commits_fence(member->report.mustSee, FENCE_MS);
		(void) txn_commits_await(member->report.mustSee, AWAIT_MS);
	}
	txn_snapshot_drop_local(snapshot);
	snapshot->local = RegisterSnapshotOnOwner(latest_snapshot(), TopTransactionResourceOwner);

	caller = MemoryContextSwitchTo(snapshot->context);
	memset(&member->report, 0, sizeof(member->report));
	txn_commits_report(snapshot->local, window, &member->report);
	member->report.slot = -1;
	member->report.groupId = member->groupId;
	member->report.seen = seen;
	member->hasReport = true;
	MemoryContextSwitchTo(caller);
}

/* what the new snapshot will see, because it is waited for */
static void
remember_seen(ClusterSnapshot *snapshot, Member *member)
{
	MemoryContext caller = MemoryContextSwitchTo(snapshot->context);

	member->report.seen = list_concat(member->report.seen, member->report.mustSee);
	MemoryContextSwitchTo(caller);
}

/* members take new snapshots, all at the same time */
static void
take_round(ClusterSnapshot *snapshot, List *members, int round, int64 window)
{
	ListCell   *cell;

	foreach(cell, members)
	{
		Member	   *member = lfirst(cell);

		if (member->conn != NULL)
			take_remote(snapshot, member, round, window);
	}
	foreach(cell, members)
	{
		Member	   *member = lfirst(cell);

		if (member->nodeId == 0)
			take_local(snapshot, member, round, window);
	}
	txn_member_receive_all(snapshot, members);
}

/*
 * Do all reports agree?  What they lack is noted in their members.  late: the one that comes when
 * the others are in use; NULL: all are new.
 */
static bool
reports_agree(ClusterSnapshot *snapshot, const Member *late, int64 elapsed, bool *uncovered)
{
	MemoryContext caller = MemoryContextSwitchTo(snapshot->context);
	SnapshotReport *reports = palloc(list_length(snapshot->members) * sizeof(SnapshotReport));
	int			n = 0;
	int			number = -1;	/* of the late one */
	bool		agree;
	ListCell   *cell;

	foreach(cell, snapshot->members)
	{
		Member	   *member = lfirst(cell);

		if (member == late)
			number = n;
		if (member->hasReport)
			reports[n++] = member->report;
	}
	agree = number < 0 ? txn_snapshot_match(reports, n, elapsed, uncovered) :
		txn_snapshot_match_late(reports, n, number, elapsed, uncovered);
	n = 0;
	foreach(cell, snapshot->members)
	{
		Member	   *member = lfirst(cell);

		if (member->hasReport)
			member->report.mustSee = reports[n++].mustSee;
	}
	pfree(reports);
	MemoryContextSwitchTo(caller);
	return agree;
}

static void
raise_disagreement(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not take a snapshot over all nodes"),
			 errdetail("A transaction has committed on one node and not yet on another."),
			 errhint("Run the transaction again. If this lasts, a node is perhaps down and the"
					 " transaction waits for recover_prepared_transactions().")));
}

static void
raise_own_disagreement(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to a concurrent update on several nodes"),
			 errdetail("This transaction has read tables of this node that are not distributed;"
					   " since then another one has committed on this node and on others."),
			 errhint("Run the transaction again, in the same session.")));
}

static void
lift_fences(ClusterSnapshot *snapshot)
{
	ListCell   *cell;

	foreach(cell, snapshot->members)
	{
		Member	   *member = lfirst(cell);

		if (member->nodeId == 0)
			txn_commits_fence(NIL, 0);
		else if (member->conn != NULL)
			txn_member_send_fence(member->conn, NIL, 0);
	}
}

/*
 * Do the members agree with the server's own snapshot, which cannot be taken again?  What they lack
 * is noted.
 */
static bool
own_agrees(ClusterSnapshot *snapshot, List *members, int64 elapsed)
{
	MemoryContext caller;
	SnapshotReport own = {0};
	bool		agree = true;
	ListCell   *cell;

	if (!snapshot->localIsOwn)
		return true;
	caller = MemoryContextSwitchTo(snapshot->context);
	own.groupId = catalog_local_group();
	if (!txn_commits_report_earlier(snapshot->local, MIN_WINDOW_US, &own))
		raise_own_disagreement();
	foreach(cell, members)
	{
		Member	   *member = lfirst(cell);

		if (!member->hasReport)
			continue;
		if (!txn_snapshot_match_earlier(&own, &member->report, elapsed))
			raise_own_disagreement();
		agree = agree && member->report.mustSee == NIL;
	}
	pfree(own.xacts);
	MemoryContextSwitchTo(caller);
	return agree;
}

/* how long transactions are waited for that are in doubt */
typedef struct Patience
{
	int64		end;			/* clock */
	int64		ask;			/* clock: those that have begun them are asked to recover then */
} Patience;

static Patience
new_patience(void)
{
	int64		now = txn_commits_now();
	Patience	patience;

	patience.end = now + (LockTimeout > 0 ? LockTimeout : PATIENCE_MS) * INT64CONST(1000);
	patience.ask = now + ASK_AFTER_MS * INT64CONST(1000);
	return patience;
}

/*
 * Another round is needed.  A transaction that is in doubt for long has lost a node, or its
 * session: its initiator need not know yet that there is something to recover.
 */
static void
lose_patience(ClusterSnapshot *snapshot, Patience *patience)
{
	List	   *groups = NIL;
	ListCell   *cell;

	if (txn_commits_now() > patience->end)
		raise_disagreement();
	if (txn_commits_now() < patience->ask)
		return;
	foreach(cell, snapshot->members)
	{
		ListCell   *idCell;

		foreach(idCell, ((Member *) lfirst(cell))->report.mustSee)
			groups = list_append_unique_int(groups, ((GlobalXact *) lfirst(idCell))->group);
	}
	foreach(cell, groups)
		txn_recover_ask(lfirst_int(cell));
	list_free(groups);
	patience->ask = txn_commits_now() + ASK_AGAIN_MS * INT64CONST(1000);
}

static void
send_import(Member *member)
{
	char		group[16];
	char		number[32];

	snprintf(group, sizeof(group), "%d", imported_from.initiatorGroup);
	snprintf(number, sizeof(number), UINT64_FORMAT, imported_from.number);
	txn_xact_begin(txn_xact_of_conn(member->conn), TXN_READ);
	txn_snapshot_send(member->conn, "citus: snapshot_import",
					  BASE_NODE_SELECT "citus_internal.snapshot_import($1::int4, $2::int8)",
					  group, number, &txn_own_answer_marker);
	remote_sync(member->conn);
	member->agreed = true;
}

static void
check_import(void)
{
	if (IsolationIsSerializable())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a serializable transaction with an imported snapshot cannot read tables of"
						" other nodes"),
				 errhint("Use isolation level REPEATABLE READ.")));
	if (imported_from.number == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the imported snapshot is one of this node only"),
				 errdetail("The transaction that has exported it has no snapshot of other nodes."),
				 errhint("Export it by SELECT pg_export_snapshot() in a transaction of isolation"
						 " level REPEATABLE READ.")));
}

/* The members are those of the transaction whose snapshot was imported; all at the same time. */
static void
import_all(ClusterSnapshot *snapshot)
{
	ListCell   *cell;

	if (snapshot->members == NIL)
		return;
	check_import();
	connect_all(snapshot);
	foreach(cell, snapshot->members)
		if (((Member *) lfirst(cell))->conn != NULL)
			send_import(lfirst(cell));
	txn_member_receive_all(snapshot, snapshot->members);
}

/* until all members agree */
static void
take_all(ClusterSnapshot *snapshot)
{
	Patience	patience = new_patience();
	int64		window = MIN_WINDOW_US;

	connect_all(snapshot);
	for (int round = 0;; round++)
	{
		int64		elapsed;
		bool		uncovered;
		ListCell   *cell;

		snapshot->start = txn_commits_now();
		take_round(snapshot, snapshot->members, round, window);
		BASE_STOP_POINT("txn-snapshot-taken");
		elapsed = txn_commits_now() - snapshot->start;
		if (reports_agree(snapshot, NULL, elapsed, &uncovered) &
			own_agrees(snapshot, snapshot->members, elapsed))
		{
			if (round > 0)
				lift_fences(snapshot);
			foreach(cell, snapshot->members)
				((Member *) lfirst(cell))->agreed = ((Member *) lfirst(cell))->hasReport;
			break;
		}
		lose_patience(snapshot, &patience);
		window = Max(MIN_WINDOW_US, 4 * elapsed);
		foreach(cell, snapshot->members)
			remember_seen(snapshot, lfirst(cell));
	}
}

static ClusterSnapshot *
take(List *nodes, bool local, Snapshot own)
{
	ClusterSnapshot *snapshot = txn_snapshot_make();
	ListCell   *cell;

	if (own != NULL)
	{
		snapshot->local = RegisterSnapshotOnOwner(own, TopTransactionResourceOwner);
		snapshot->localIsOwn = true;
	}
	else if (local)
		(void) txn_member_add(snapshot, catalog_local_group(), 0);
	taking = true;
	foreach(cell, nodes)
	{
		const ClusterNode *node = lfirst(cell);
		Member	   *member = txn_member_add(snapshot, node->groupId, node->id);

		member->conn = txn_main_conn(node);
	}
	if (own != NULL && imported)
		import_all(snapshot);
	else
		take_all(snapshot);
	taking = false;
	snapshot->owned = true;
	return snapshot;
}

ClusterSnapshot *
txn_snapshot_take(List *nodes, bool local)
{
	return take(nodes, local, NULL);
}

/*
 * Others have seen it, the server has waited for one that is good, or parallel workers have it: the
 * server takes no other beside them.
 */
static bool
own_snapshot_stays(void)
{
	return own_snapshot_read || XactHasExportedSnapshots() ||
		(XactReadOnly && XactDeferrable) || IsInParallelMode();
}

ClusterSnapshot *
txn_snapshot_of_transaction(void)
{
	GroupId		localGroup = catalog_local_group();
	Snapshot	own = GetTransactionSnapshot();
	List	   *nodes = NIL;
	ListCell   *cell;

	taken_early = false;
	if (of_transaction != NULL || taking)
		return of_transaction;
	if (own_snapshot_read && !base_session_is_internal())
		early_is_better = true;
	foreach(cell, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId != localGroup)
			nodes = lappend(nodes, (void *) node);
	}
	of_transaction = take(nodes, true, own_snapshot_stays() ? own : NULL);
	txn_snapshot_adopt(of_transaction, own);
	return of_transaction;
}

/* the member's transaction keeps its snapshot as it is, and reads with that */
static void
send_keep(ClusterSnapshot *snapshot, Member *member)
{
	RemoteXact *xact = txn_xact_of_conn(member->conn);

	txn_xact_begin(xact, TXN_READ);
	txn_snapshot_clear(xact, false);
	txn_snapshot_send_number(member->conn, "citus: snapshot_keep",
							 "SELECT citus_internal.snapshot_keep($1::int8)", snapshot->number);
	remote_sync(member->conn);
	xact->snapshotInForce = snapshot->number;
	member->agreed = true;
}

ClusterSnapshot *
txn_snapshot_keep(void)
{
	ClusterSnapshot *whole = txn_snapshot_of_transaction();
	ClusterSnapshot *kept = txn_snapshot_make();
	ListCell   *cell;

	kept->kept = true;
	kept->owned = true;
	kept->local = RegisterSnapshotOnOwner(txn_snapshot_local(whole), TopTransactionResourceOwner);
	foreach(cell, whole->members)
	{
		const Member *member = lfirst(cell);
		const ClusterNode *node = member->nodeId == 0 || member->conn == NULL ? NULL :
			catalog_node_by_id(member->nodeId);
		Member	   *own;

		/* others join when they are read */
		if (node == NULL)
			continue;
		own = txn_member_add(kept, member->groupId, member->nodeId);
		own->conn = txn_main_conn(node);
		send_keep(kept, own);
	}
	txn_member_receive_all(kept, kept->members);
	return kept;
}

ClusterSnapshot *
txn_snapshot_early(void)
{
	if (of_transaction == NULL && !taking && early_is_better && !own_snapshot_stays())
	{
		(void) txn_snapshot_of_transaction();
		taken_early = true;
	}
	return of_transaction;
}

char *
txn_snapshot_export(void)
{
	if (IsolationUsesXactSnapshot() && IsTransactionBlock() && !IsSubTransaction() &&
		txn_snapshot_is_wanted())
		(void) txn_snapshot_of_transaction();
	/* the one that is in force was copied before */
	return ExportSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
						  GetActiveSnapshot());
}

/* ---- this node's own tables ---- */

void
txn_snapshot_note_read(void)
{
	own_snapshot_read = IsolationUsesXactSnapshot();
}

void
txn_variable_set(const VariableSetStmt *stmt)
{
	if (stmt->kind != VAR_SET_MULTI || strcmp(stmt->name, "TRANSACTION SNAPSHOT") != 0)
		return;
	txn_snapshot_note_read();
	imported = true;
	imported_from = txn_backend_exporter(strVal(&linitial_node(A_Const, stmt->args)->val));
}

/*
 * In place.  The target's xmin, by which the server has it in order, stays: an
 * older one says less, not something else.
 */
void
txn_snapshot_adopt(ClusterSnapshot *snapshot, Snapshot target)
{
	Snapshot	local;

	if (snapshot == NULL || own_snapshot_stays() ||
		target->snapshot_type != SNAPSHOT_MVCC || !target->copied)
		return;
	local = txn_snapshot_local(snapshot);
	Assert(TransactionIdPrecedesOrEquals(target->xmin, local->xmin));
	Assert(TransactionIdPrecedesOrEquals(target->xmax, local->xmax));
	txn_held_copy(target, local);
}

/* ---- trying ---- */

ClusterSnapshot *
txn_snapshot_try(bool local)
{
	ClusterSnapshot *snapshot = txn_snapshot_make();

	snapshot->tried = true;
	snapshot->owned = true;
	snapshot->start = txn_commits_now();
	if (local)
		take_local(snapshot, txn_member_add(snapshot, catalog_local_group(), 0), 0, MIN_WINDOW_US);
	return snapshot;
}

/* the command that follows shares the snapshot's transaction, and ends it */
static void
begin_trying(ClusterSnapshot *snapshot, RemoteXact *xact)
{
	Member	   *member = txn_member_add(snapshot, xact->groupId, xact->nodeId);

	member->conn = xact->conn;
	txn_member_send_take_only(snapshot, member, MIN_WINDOW_US);
}

bool
txn_snapshot_awaits(ClusterSnapshot *snapshot, RemoteConn *conn)
{
	ListCell   *cell;

	foreach(cell, snapshot->members)
	{
		Member	   *member = lfirst(cell);

		if (member->conn == conn && !member->hasReport)
			return true;
	}
	return false;
}

/* All reports are there. */
bool
txn_snapshot_agrees(ClusterSnapshot *snapshot)
{
	bool		uncovered;

	return reports_agree(snapshot, NULL, txn_commits_now() - snapshot->start, &uncovered);
}

/* ---- who comes later ---- */

/* what this session has committed earlier had ended on all nodes before the members were asked */
static void
remember_own(ClusterSnapshot *snapshot, const Member *late)
{
	MemoryContext caller = MemoryContextSwitchTo(snapshot->context);
	ListCell   *cell;

	foreach(cell, snapshot->members)
	{
		Member	   *member = lfirst(cell);

		if (member != late)
			member->report.seen = list_concat(member->report.seen, txn_snapshot_own_commits());
	}
	MemoryContextSwitchTo(caller);
}

/* does one of those that are in use lack something? */
static bool
others_lack(const ClusterSnapshot *snapshot, const Member *late)
{
	ListCell   *cell;

	foreach(cell, snapshot->members)
	{
		const Member *member = lfirst(cell);

		if (member != late && member->report.mustSee != NIL)
			return true;
	}
	return false;
}

/*
 * A single member takes its snapshot when the others are in use.  Whatever those lack cannot be
 * mended, and neither can it that the member's server knows too little of what ended since then.
 */
static void
join_late(ClusterSnapshot *snapshot, Member *member)
{
	Patience	patience = new_patience();
	bool		wasTaking = taking;

	taking = true;
	remember_own(snapshot, member);
	for (int round = 0;; round++)
	{
		bool		uncovered;
		int64		begun = txn_commits_now();
		int64		elapsed = begun - snapshot->start;
		int64		window = Max(MIN_WINDOW_US, 4 * elapsed);

		take_round(snapshot, list_make1(member), round, window);
		if (!member->hasReport)
			break;				/* lost: its user tells why */
		elapsed = txn_commits_now() - snapshot->start;
		if (reports_agree(snapshot, member, elapsed, &uncovered) &
			own_agrees(snapshot, list_make1(member), txn_commits_now() - begun))
			break;
		if (others_lack(snapshot, member) || (uncovered && member->report.window < window))
			raise_disagreement();
		lose_patience(snapshot, &patience);
		remember_seen(snapshot, member);
	}
	member->agreed = member->hasReport;
	taking = wasTaking;
}

/* the same for a member of an imported snapshot */
static void
import_late(ClusterSnapshot *snapshot, Member *member)
{
	bool		wasTaking = taking;

	check_import();
	taking = true;
	send_import(member);
	txn_member_receive_all(snapshot, list_make1(member));
	taking = wasTaking;
}

static Member *member_for(ClusterSnapshot *snapshot, const RemoteXact *xact);

/* a node that the kept snapshot does not have yet, and that the transaction's has, or has now */
static void
keep_late(ClusterSnapshot *snapshot, Member *member)
{
	(void) member_for(txn_snapshot_of_transaction(), txn_xact_of_conn(member->conn));
	send_keep(snapshot, member);
	txn_member_receive_all(snapshot, list_make1(member));
}

static Member *
member_for(ClusterSnapshot *snapshot, const RemoteXact *xact)
{
	Member	   *member = txn_member_of_node(snapshot, xact->nodeId);

	if (member == NULL)
		member = txn_member_add(snapshot, xact->groupId, xact->nodeId);
	if (member->conn == NULL)
	{
		if (member->agreed)
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("connection to node %s:%d was lost", remote_conn_host(xact->conn),
							remote_conn_port(xact->conn)),
					 errdetail("The statement depends on a snapshot taken there.")));
		member->conn = xact->conn;
		if (snapshot->kept)
			keep_late(snapshot, member);
		else if (snapshot->localIsOwn && imported)
			import_late(snapshot, member);
		else
			join_late(snapshot, member);
	}
	return member;
}

bool
txn_snapshot_can_join(ClusterSnapshot *snapshot, const ClusterNode *node)
{
	Member	   *member = txn_member_of_node(snapshot, node->id);

	return member != NULL && member->hasReport && member->report.slot >= 0 &&
		member->conn != NULL && !IsolationIsSerializable() &&
		txn_xact_of_conn(member->conn)->snapshotInSlot == snapshot->number;
}

static void
send_join(RemoteConn *conn, uint64 number, int slot)
{
	char		numberText[32];
	char		slotText[16];

	snprintf(numberText, sizeof(numberText), UINT64_FORMAT, number);
	snprintf(slotText, sizeof(slotText), "%d", slot);
	txn_snapshot_send(conn, "citus: snapshot_join",
					  "SELECT citus_internal.snapshot_join($1::int8, $2::int4)", numberText,
					  slotText, &txn_own_answer_marker);
}

bool
txn_conn_begin_reading(RemoteConn *conn, TxnUse use, ClusterSnapshot *snapshot)
{
	RemoteXact *xact = txn_xact_of_conn(conn);
	Member	   *member;

	if (snapshot == NULL || snapshot->ended)
	{
		txn_conn_begin(conn, use);
		return true;
	}
	txn_xact_begin(xact, use);
	if (snapshot->tried)
	{
		begin_trying(snapshot, xact);
		return true;
	}
	/* the transaction's own is in force where none that was kept is */
	txn_snapshot_clear(xact, IsolationUsesXactSnapshot() && !snapshot->kept);
	if (xact->snapshotInForce == snapshot->number)
		return true;
	member = member_for(snapshot, xact);
	if (member->conn == NULL)
		return false;
	if (member->conn == conn)
	{
		if ((IsolationUsesXactSnapshot() && !snapshot->kept) ||
			xact->snapshotInForce == snapshot->number)
			return true;
		txn_snapshot_send_number(conn, "citus: snapshot_use",
								 "SELECT citus_internal.snapshot_use($1::int8)", snapshot->number);
	}
	else
		send_join(conn, snapshot->number, member->report.slot);
	xact->snapshotInForce = snapshot->number;
	return true;
}

/* registered as long as the cluster snapshot is there */
Snapshot
txn_snapshot_local(ClusterSnapshot *snapshot)
{
	if (snapshot->local == NULL)
		join_late(snapshot, txn_member_add(snapshot, catalog_local_group(), 0));
	return snapshot->local;
}

/* ---- the end ---- */

/*
 * The nodes learn it with the next command.  Raises nothing: called when memory is freed, too.
 */
void
txn_snapshot_release(ClusterSnapshot *snapshot)
{
	dlist_iter	iter;

	if (snapshot == of_transaction)
		return;
	if (!snapshot->ended)
	{
		txn_snapshot_drop_local(snapshot);
		dlist_foreach(iter, &txn_participants)
		{
			RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);
			MemoryContext caller;
			uint64	   *number;

			if (xact->snapshotInForce != snapshot->number &&
				txn_member_of_node(snapshot, xact->nodeId) == NULL)
				continue;
			caller = MemoryContextSwitchTo(txn_context);
			number = palloc(sizeof(uint64));
			*number = snapshot->number;
			xact->staleSnapshots = lappend(xact->staleSnapshots, number);
			MemoryContextSwitchTo(caller);
			if (xact->snapshotInForce == snapshot->number)
				xact->snapshotInForce = 0;
		}
	}
	txn_snapshot_free(snapshot);
}

void
txn_snapshot_end(bool isCommit)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &txn_snapshots)
	{
		ClusterSnapshot *snapshot = dlist_container(ClusterSnapshot, node, iter.cur);

		/* after an abort the server takes back what is registered */
		if (isCommit)
			txn_snapshot_drop_local(snapshot);
		snapshot->local = NULL;
		snapshot->ended = true;
		if (!snapshot->owned || snapshot == of_transaction)
			txn_snapshot_free(snapshot);
	}
	/* it was of no use */
	if (taken_early)
		early_is_better = false;
	of_transaction = NULL;
	taking = false;
	own_snapshot_read = false;
	imported = false;
	taken_early = false;
}

/* an error may have left the middle of something */
void
txn_snapshot_sub_abort(void)
{
	taking = false;
}

/* the connection leaves the transaction */
void
txn_snapshot_lose_conn(RemoteConn *conn)
{
	dlist_iter	iter;

	dlist_foreach(iter, &txn_snapshots)
	{
		ClusterSnapshot *snapshot = dlist_container(ClusterSnapshot, node, iter.cur);
		ListCell   *cell;

		foreach(cell, snapshot->members)
		{
			Member	   *member = lfirst(cell);

			if (member->conn != conn || conn == NULL)
				continue;
			member->conn = NULL;
			member->hasReport = false;
		}
	}
}

void
txn_snapshot_init(void)
{
	static const SettingDef settings[] = {
		{
			.name = "citus.cluster_snapshots",
			.description = "Reads of several nodes see a transaction on all of them or on none.",
			.type = SETTING_BOOL, .variable = &enabled, .boot.b = true,
			.context = PGC_USERSET
		},
	};

	base_settings_register(settings, lengthof(settings));
	txn_commits_init();
	txn_held_init();
}

bool
txn_snapshot_is_wanted(void)
{
	return enabled && !RecoveryInProgress();
}
