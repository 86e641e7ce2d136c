/*
 * txn.c
 *	  The participants of the distributed transaction: who joins, and how.
 *
 * Invariants
 * (1) At most one participant per (node, login role) is the main one; only main ones write or lock,
 *	   and one that did works for all roles of the transaction.
 * (2) A participant's connection points back to it (remote_conn_user_data) as long as it is in the
 *	   list, and both ends are cut together.
 * (3) When the local transaction has ended, the list is empty.
 *
 * The statement of a client that is alone in its transaction and concerns one node needs no
 * BEGIN there (txn_may_autocommit): it stays in XACT_NONE and commits with its own answer.
 *
 * Not here: the commit protocol (txn_commit.c), savepoints (txn_savepoint.c), settings of the far
 * sessions (txn_settings.c), identities (txn_backend.c), recovery (txn_recover.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"
#include "citus/base/compat.h"
#include "citus/base/lifecycle.h"
#include "citus/base/settings.h"
#include "txn/txn_deadlock_internal.h"
#include "txn/txn_internal.h"
#include "txn/txn_snapshot_internal.h"

MemoryContext txn_context = NULL;
dlist_head	txn_participants = DLIST_STATIC_INIT(txn_participants);
char		txn_own_answer_marker;

/* valid until the end of the transaction */
static bool local_node_wrote = false;
static bool two_phase_required = false;
/* a statement of a function, DO block or trigger has run */
static bool inner_statement_ran = false;

static TxnQuiescer quiescer = NULL;

int			txn_recover_interval_setting = 60000;
static int	max_connections_per_statement = 16;

static const SettingDef settings[] = {
	{
		.name = "citus.max_adaptive_executor_pool_size",
		.description = "Connections that one statement may use per node.",
		.type = SETTING_INT, .variable = &max_connections_per_statement, .boot.i = 16,
		.min = 1, .max = INT_MAX, .context = PGC_USERSET
	},
	{
		.name = "citus.recover_2pc_interval",
		.description = "Time between two runs of the recovery of prepared transactions.",
		.type = SETTING_INT, .variable = &txn_recover_interval_setting,
		.boot.i = 60000,
		.min = -1, .max = 7 * 24 * 3600 * 1000, .context = PGC_SIGHUP, .flags = GUC_UNIT_MS
	},
};

/* ---- participants ---- */

void
txn_xact_set_state(RemoteXact *xact, RemoteXactState state)
{
	static const uint32 allowed[] = {
		[XACT_NONE] = 1 << XACT_OPEN | 1 << XACT_FAILED,
		[XACT_OPEN] = 1 << XACT_COMMITTING | 1 << XACT_PREPARING | 1 << XACT_NONE |
			1 << XACT_FAILED,
		[XACT_COMMITTING] = 1 << XACT_NONE | 1 << XACT_FAILED,
		[XACT_PREPARING] = 1 << XACT_PREPARED | 1 << XACT_NONE | 1 << XACT_FAILED,
		[XACT_PREPARED] = 1 << XACT_NONE | 1 << XACT_FAILED,
		[XACT_FAILED] = 0,
	};

	if (xact->state == state)
		return;
	Assert(allowed[xact->state] & (1 << state));
	(void) allowed;
	xact->state = state;
}

RemoteXact *
txn_xact_of_conn(RemoteConn *conn)
{
	RemoteXact *xact = *remote_conn_user_data(conn);

	if (xact == NULL)
		elog(ERROR, "connection takes no part in the transaction");
	return xact;
}

static RemoteXact *
add_participant(const ClusterNode *node, RemoteConn *conn, bool isMain)
{
	RemoteXact *xact;

	if (txn_context == NULL)
		txn_context = AllocSetContextCreate(TopMemoryContext, "distributed transaction",
											ALLOCSET_SMALL_SIZES);
	xact = MemoryContextAllocZero(txn_context, sizeof(RemoteXact));
	xact->conn = conn;
	xact->nodeId = node->id;
	xact->groupId = node->groupId;
	xact->loginId = txn_role_login();
	xact->roleId = xact->loginId;
	xact->isMain = isMain;
	xact->savepoints = 1;
	dlist_push_tail(&txn_participants, &xact->node);
	*remote_conn_user_data(conn) = xact;
	return xact;
}

void
txn_xact_remove(RemoteXact *xact)
{
	txn_snapshot_lose_conn(xact->conn);
	*remote_conn_user_data(xact->conn) = NULL;
	dlist_delete(&xact->node);
	if (xact->state == XACT_NONE)
		remote_conn_release(xact->conn);
	else
		remote_conn_close(xact->conn);
	pfree(xact);
}

/* how much depends on the connection: another does not see what it did, or waits for it */
static int
weight_of(const RemoteXact *xact)
{
	if (xact->wrote)
		return 2;
	return xact->locked || (xact->state == XACT_OPEN && IsolationUsesXactSnapshot()) ? 1 : 0;
}

/*
 * Where the current user's commands go: its own connection, unless on another one this transaction
 * wrote or locked rows as another user, or has its only snapshot there.
 */
static RemoteXact *
find_main(NodeId nodeId)
{
	Oid			loginId = txn_role_login();
	RemoteXact *other = NULL;
	RemoteXact *own = NULL;
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (!xact->isMain || xact->nodeId != nodeId)
			continue;
		if (xact->loginId == loginId)
			own = xact;
		else if (weight_of(xact) > (other == NULL ? 0 : weight_of(other)))
			other = xact;
	}
	return other != NULL && (own == NULL || weight_of(own) < weight_of(other)) ? other : own;
}

RemoteTarget
txn_target_of_node(const ClusterNode *node)
{
	RemoteTarget target = {0};

	target.nodeId = node->id;
	target.host = node->name;
	target.port = node->port;
	target.user = GetUserNameFromId(txn_role_login(), false);
	target.authinfo = catalog_authinfo(node->id, target.user);
	target.poolinfo = catalog_poolinfo(node->id);
	target.secret = catalog_secret();
	return target;
}

RemoteConn *
txn_acquire(const ClusterNode *node, bool optional)
{
	RemoteTarget target = {0};
	RemoteConn *conn;
	char		name[NAMEDATALEN];

	/* only new connections need what the catalog has on credentials */
	target.nodeId = node->id;
	target.host = node->name;
	target.port = node->port;
	target.user = txn_role_login_name();
	conn = remote_conn_acquire_cached(&target);
	if (conn != NULL)
		return conn;

	target = txn_target_of_node(node);
	snprintf(name, sizeof(name), CITUS_INTERNAL_APP_PREFIX UINT64_FORMAT, txn_global_pid());
	remote_set_application_name(name);
	return remote_conn_acquire(&target, optional);
}

/*
 * A lost main connection is replaced if nothing depends on what was open there: no writes or locks,
 * and no snapshot that later statements must share.
 */
static bool
may_replace(RemoteXact *xact)
{
	return !xact->wrote && !xact->locked &&
		(xact->state == XACT_NONE || !IsolationUsesXactSnapshot() || xact->savepoints == 0);
}

RemoteConn *
txn_main_conn(const ClusterNode *node)
{
	RemoteXact *xact = find_main(node->id);

	if (xact != NULL && remote_conn_state(xact->conn) == REMOTE_BROKEN)
	{
		if (!may_replace(xact))
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("connection to node %s:%d was lost", node->name, node->port),
					 errdetail("The transaction depends on work done there and cannot go on.")));
		txn_xact_set_state(xact, XACT_FAILED);
		txn_xact_remove(xact);
		xact = NULL;
	}
	if (xact == NULL)
		xact = add_participant(node, txn_acquire(node, false), true);
	return xact->conn;
}

RemoteConn *
txn_extra_conn(const ClusterNode *node)
{
	RemoteConn *conn;
	RemoteXact *unused = NULL;
	dlist_iter	iter;
	int			n = 0;

	if (IsTransactionBlock() || GetCurrentTransactionNestLevel() > 1 ||
		txn_role_login() != GetUserId())
		return NULL;
	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->nodeId != node->id)
			continue;
		if (xact->wrote)
			return NULL;
		if (!xact->isMain && !xact->lent && xact->loginId == GetUserId() &&
			remote_conn_state(xact->conn) == REMOTE_IDLE)
			unused = xact;
		else
			n++;
	}
	if (n >= max_connections_per_statement)
		return NULL;
	if (unused == NULL)
	{
		conn = txn_acquire(node, true);
		if (conn == NULL)
			return NULL;
		unused = add_participant(node, conn, false);
	}
	unused->lent = true;
	return unused->conn;
}

void
txn_return_extra_conn(RemoteConn *conn)
{
	RemoteXact *xact = txn_xact_of_conn(conn);

	if (xact != NULL && !xact->isMain)
		xact->lent = false;
}

void
txn_release_extra_conns(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->isMain)
			continue;
		if (xact->state == XACT_OPEN)
		{
			/* stays until the transaction ends, for other statements to use */
			xact->lent = false;
			continue;
		}
		if (remote_conn_state(xact->conn) != REMOTE_IDLE)
			txn_xact_set_state(xact, XACT_FAILED);
		txn_xact_remove(xact);
	}
}

/* ---- joining ---- */

void
txn_send_own(RemoteConn *conn, const char *sql)
{
	RemoteCommand command = {
		.sql = sql,
		.sync = true,
		.essential = true,
		.owner = &txn_own_answer_marker,
	};

	remote_send(conn, &command);
}

void
txn_tell(const ClusterNode *node, const char *sql)
{
	RemoteXact *xact = find_main(node->id);

	if (xact != NULL && xact->state == XACT_OPEN &&
		remote_conn_state(xact->conn) != REMOTE_BROKEN)
		txn_send_own(xact->conn, sql);
}

/*
 * Sessions between nodes begin at READ COMMITTED (remote_settings.c); to say so in every BEGIN
 * would cost the far side a tenth of a short transaction.  A pooler may not have passed that on.
 */
static const char *
isolation_level(RemoteConn *conn)
{
	switch (XactIsoLevel)
	{
		case XACT_SERIALIZABLE:
			return " ISOLATION LEVEL SERIALIZABLE";
		case XACT_REPEATABLE_READ:
			return " ISOLATION LEVEL REPEATABLE READ";
		default:
			return remote_conn_is_pooled(conn) ? " ISOLATION LEVEL READ COMMITTED" : "";
	}
}

/*
 * BEGIN, with the id of the transaction in a comment: a command of its own would cost as much as a
 * short query.  Behind the semicolon it is not part of the statement, so that statistics of
 * statements know one BEGIN.  Without a Sync: it travels with the first command, and if it fails
 * nothing after it is executed.
 */
static void
send_begin(RemoteXact *xact)
{
	char		text[200];
	RemoteCommand command = {0};
	DistXactId	id = txn_backend_begin();

	snprintf(text, sizeof(text), "BEGIN TRANSACTION%s%s%s; "
			 TXN_ID_MARK "%d " UINT64_FORMAT " " INT64_FORMAT " */",
			 isolation_level(xact->conn), XactReadOnly ? " READ ONLY" : "",
			 XactDeferrable ? " DEFERRABLE" : "",
			 id.initiatorGroup, id.number, id.timestamp);
	command.sql = text;
	command.owner = &txn_own_answer_marker;
	remote_send(xact->conn, &command);
	xact->constraints = 0;
	txn_xact_set_state(xact, XACT_OPEN);
}

static void
note_use(RemoteXact *xact, TxnUse use)
{
	int			level = GetCurrentTransactionNestLevel();

	if (use != TXN_WRITE && use != TXN_LOCK)
		return;
	xact->wrote |= use == TXN_WRITE;
	xact->locked |= use == TXN_LOCK;
	/* the first use may have been deeper, and rolled back */
	xact->usedLevel = xact->usedLevel == 0 ? level : Min(xact->usedLevel, level);
}

/* Roles are changed inside transactions only, and some settings only the new one may change. */
static void
begin_as_other_role(RemoteXact *xact, TxnUse use)
{
	if (xact->state == XACT_NONE)
		send_begin(xact);
	txn_savepoints_send(xact);
	txn_role_send(xact);
	txn_settings_send(xact->conn);
	/* what would have committed on its own may write */
	if (use == TXN_AUTOCOMMIT)
		use = TXN_WRITE;
	note_use(xact, use);
}

void
txn_set_quiescer(TxnQuiescer function)
{
	quiescer = function;
}

void
txn_xact_begin(RemoteXact *xact, TxnUse use)
{
	RemoteConn *conn = xact->conn;

	if (quiescer != NULL && remote_outstanding(conn) > 0)
		quiescer(conn);

	if (xact->state == XACT_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("connection to node %s:%d was lost", remote_conn_host(conn),
						remote_conn_port(conn))));
	if (!txn_role_is_sent(xact))
	{
		begin_as_other_role(xact, use);
		return;
	}
	txn_settings_send(conn);
	if (use == TXN_AUTOCOMMIT && xact->state == XACT_NONE)
		return;
	if (xact->state == XACT_NONE)
		send_begin(xact);
	txn_savepoints_send(xact);
	note_use(xact, use);
}

void
txn_conn_begin(RemoteConn *conn, TxnUse use)
{
	RemoteXact *xact = txn_xact_of_conn(conn);

	/* in a block all nodes' snapshots are taken with the first one */
	if (IsolationUsesXactSnapshot() && IsTransactionBlock() && txn_snapshot_is_wanted())
		(void) txn_snapshot_of_transaction();
	txn_xact_begin(xact, use);
	if (xact->state == XACT_OPEN)
		txn_snapshot_clear(xact, true);
}

bool
txn_is_own_answer(const RemoteAnswer *answer)
{
	return answer->owner == &txn_own_answer_marker || answer->owner == &txn_report_marker;
}

void
txn_handle_answer(RemoteConn *conn, const RemoteAnswer *answer)
{
	switch (answer->kind)
	{
		case REMOTE_ANSWER_LOST:
			txn_conn_failed(conn);
			remote_error_raise(conn);
		case REMOTE_ANSWER_ERROR:
			txn_settings_forget(conn);
			remote_error_raise(conn);
		case REMOTE_ANSWER_ROW:
			if (answer->owner == &txn_report_marker)
				txn_snapshot_take_report(conn, answer);
			break;
		default:
			break;
	}
}

/* ---- what is known about the transaction ---- */

/*
 * In the extended protocol a transaction ends with a Sync, and until then more statements may
 * come, which a client in pipeline mode sends without waiting.  Usually the Sync comes in one
 * packet with the statement and is in the buffer already.
 */
static bool
ends_with_this_statement(Portal portal)
{
	int			next;

	/* the portals of the simple protocol are not visible; blocks are known there */
	if (!portal->visible)
		return true;
	if (!compat_pq_buffer_has_data())
		return false;
	pq_startmsgread();
	next = pq_peekbyte();
	pq_endmsgread();
	return next == 'S';
}

/*
 * The statement that the client sent is the only one of the unnamed portal; statements of
 * functions run outside of portals, or in named ones.
 */
bool
txn_is_client_statement(const PlannedStmt *stmt)
{
	return stmt != NULL && ActivePortal != NULL && ActivePortal->name[0] == '\0' &&
		list_length(ActivePortal->stmts) == 1 && linitial(ActivePortal->stmts) == stmt &&
		ends_with_this_statement(ActivePortal);
}

void
txn_note_statement(const PlannedStmt *stmt)
{
	if (!inner_statement_ran &&
		(ActivePortal == NULL || !list_member_ptr(ActivePortal->stmts, stmt)))
		inner_statement_ran = true;
}

/* COPY is run by a portal and nothing else; another command may run statements of its own */
static bool
portal_is_statement(void)
{
	PlannedStmt *stmt;

	if (ActivePortal == NULL || list_length(ActivePortal->stmts) != 1)
		return false;
	stmt = linitial_node(PlannedStmt, ActivePortal->stmts);
	return stmt->utilityStmt == NULL || IsA(stmt->utilityStmt, CopyStmt);
}

bool
txn_may_reach_itself(NodeId localNode)
{
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->nodeId == localNode && (xact->wrote || xact->locked))
			return true;
	}
	return !inner_statement_ran && !IsTransactionBlock() &&
		GetCurrentTransactionNestLevel() == 1 && !txn_local_node_wrote() && portal_is_statement();
}

bool
txn_may_autocommit(void)
{
	dlist_iter	iter;

	if (IsTransactionBlock() || GetCurrentTransactionNestLevel() != 1 ||
		IsolationUsesXactSnapshot() || txn_local_node_wrote() || two_phase_required)
		return false;
	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->state != XACT_NONE)
			return false;
	}
	return true;
}

bool
txn_node_was_written(NodeId nodeId)
{
	dlist_iter	iter;

	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);

		if (xact->nodeId == nodeId && xact->wrote)
			return true;
	}
	return false;
}

List *
txn_nodes_changed(bool *local)
{
	List	   *nodes = NIL;
	dlist_iter	iter;

	*local = txn_local_node_wrote();
	dlist_foreach(iter, &txn_participants)
	{
		RemoteXact *xact = dlist_container(RemoteXact, node, iter.cur);
		const ClusterNode *node = NULL;

		if (xact->state == XACT_OPEN && (xact->wrote || xact->locked))
			node = catalog_node_by_id(xact->nodeId);
		if (node != NULL)
			nodes = list_append_unique_ptr(nodes, unconstify(ClusterNode *, node));
	}
	return nodes;
}

void
txn_commit_first(const ClusterNode *node)
{
	RemoteXact *xact = find_main(node->id);

	if (xact != NULL)
		xact->commitFirst = true;
}

void
txn_mark_local_write(void)
{
	local_node_wrote = true;
}

/* Whatever wrote here has a transaction id, also what other modules did not tell of. */
bool
txn_local_node_wrote(void)
{
	return local_node_wrote || TransactionIdIsValid(GetTopTransactionIdIfAny());
}

void
txn_require_2pc(void)
{
	two_phase_required = true;
}

bool
txn_is_2pc_required(void)
{
	return two_phase_required;
}

void
txn_conn_failed(RemoteConn *conn)
{
	RemoteXact *xact = *remote_conn_user_data(conn);

	if (xact != NULL)
		txn_xact_set_state(xact, XACT_FAILED);
}

/* ---- events ---- */

static void
forget_transaction(void)
{
	Assert(dlist_is_empty(&txn_participants));	/* invariant 3 */
	local_node_wrote = false;
	two_phase_required = false;
	inner_statement_ran = false;
	txn_role_reset();
	txn_constraints_forget();
	txn_backend_end();
	txn_recover_transaction_ended();
	if (txn_context != NULL)
		MemoryContextReset(txn_context);
}

static void
on_lifecycle_event(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	switch (event)
	{
		case LIFECYCLE_PRE_COMMIT:
			txn_snapshot_end(true);
			txn_held_end(true);
			txn_advisory_check(false);
			txn_pre_commit();
			txn_role_leave();
			break;
		case LIFECYCLE_COMMIT:
			txn_snapshot_commit_end(false);
			txn_commit();
			txn_advisory_end();
			forget_transaction();
			break;
		case LIFECYCLE_ABORT:
			txn_snapshot_end(false);
			txn_held_end(false);
			txn_abort();
			txn_advisory_end();
			txn_snapshot_commit_end(false);
			forget_transaction();
			break;
		case LIFECYCLE_PRE_PREPARE:
			txn_snapshot_end(true);
			txn_held_end(true);
			txn_advisory_check(true);
			txn_pre_prepare();
			txn_role_leave();
			txn_snapshot_pre_prepare();
			break;
		case LIFECYCLE_PREPARE:
			txn_snapshot_commit_end(true);
			txn_advisory_end();
			forget_transaction();
			break;
		case LIFECYCLE_SUB_PRE_COMMIT:
			txn_sub_commit();
			txn_advisory_sub_commit();
			txn_constraints_sub_commit();
			break;
		case LIFECYCLE_SUB_ABORT:
			txn_snapshot_sub_abort();
			txn_sub_abort();
			txn_advisory_sub_abort();
			txn_constraints_sub_abort();
			break;
		default:
			break;
	}
}

void
txn_init(void)
{
	base_settings_register(settings, lengthof(settings));
	txn_role_init();
	txn_backend_init();
	txn_deadlock_init();
	txn_snapshot_init();
	base_lifecycle_register(PHASE_TXN, on_lifecycle_event);
}
