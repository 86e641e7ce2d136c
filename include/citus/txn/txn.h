/*
 * txn.h
 *	  The distributed transaction: which connections take part, begin, savepoints, commit.
 *
 * Rule of connections: per transaction, node and user there is one main connection, and once one
 * of them has written or locked rows, it works for all users of the transaction (txn_role.c).
 * Every write, every COPY and every read after a write on that node uses it, so that a transaction
 * sees its own writes without a map of placements.  Extra connections are for reads only, and only
 * in a statement outside a transaction block (or whose transaction has no remote state on that node
 * yet).
 *
 * A connection joins by txn_conn_begin(): outside a block, a statement with exactly one task on
 * one node needs no BEGIN (TXN_AUTOCOMMIT); otherwise BEGIN with isolation level and read-only
 * flags, assign_distributed_transaction_id and pending savepoints go out in one pipeline with the
 * first command.  Session settings that the far side must share are sent the same way when the
 * fingerprint differs.
 *
 * Only this module sends BEGIN, PREPARE, COMMIT, ROLLBACK, SAVEPOINT.
 */
#ifndef CITUS_TXN_TXN_H
#define CITUS_TXN_TXN_H

#include "postgres.h"
#include "executor/execdesc.h"
#include "nodes/pg_list.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "utils/snapshot.h"
#include "citus/base/types.h"
#include "citus/catalog/catalog.h"
#include "citus/remote/remote.h"

typedef enum TxnUse
{
	TXN_AUTOCOMMIT,				/* single statement, single node: commits on its own there */
	TXN_READ,					/* reads inside the distributed transaction */
	TXN_LOCK,					/* reads, and leaves locks on rows behind */
	TXN_WRITE					/* writes: takes part in the commit protocol */
} TxnUse;

extern void txn_init(void);

/* The main connection to node in this transaction, connecting without waiting. */
extern RemoteConn *txn_main_conn(const ClusterNode *node);
/*
 * Another connection to node for reads; NULL when the rule forbids it, the pool is exhausted or
 * citus.max_adaptive_executor_pool_size is reached.  Released at the statement's end by
 * txn_release_extra_conns().
 */
extern RemoteConn *txn_extra_conn(const ClusterNode *node);
extern void txn_release_extra_conns(void);
/* nobody uses it any more: it may be lent again in the same statement */
extern void txn_return_extra_conn(RemoteConn *conn);

/*
 * To be called once connected (state not CONNECTING) and before the first command of each
 * statement: queues settings, BEGIN, savepoints as needed.  The answers to what it queues come
 * first and belong to txn: receivers must pass every answer with txn_is_own_answer() to
 * txn_handle_answer(), which raises on errors.
 */
extern void txn_conn_begin(RemoteConn *conn, TxnUse use);
/*
 * Called by txn_conn_begin() when answers to somebody's commands are still unread on conn: it must
 * receive them.  Registered once, by the module whose statements overlap.
 */
typedef void (*TxnQuiescer) (RemoteConn *conn);
extern void txn_set_quiescer(TxnQuiescer quiescer);

/* runs what may find constraints violated that were deferred, and mends what such an error tells */
typedef void (*TxnCheckGuard) (void (*check) (void *argument), void *argument);
extern void txn_set_check_guard(TxnCheckGuard guard);
extern bool txn_is_own_answer(const RemoteAnswer *answer);
extern void txn_handle_answer(RemoteConn *conn, const RemoteAnswer *answer);

/*
 * true when TXN_AUTOCOMMIT may be used, as far as the transaction is concerned: no block, nothing
 * joined, nothing written here, READ COMMITTED.  The statement must be the client's besides.
 */
extern bool txn_may_autocommit(void);
/*
 * true when stmt is what the client sent, not a statement of a function or DO block, and its
 * transaction ends with it unless there is a block
 */
extern bool txn_is_client_statement(const PlannedStmt *stmt);
/*
 * May what the transaction does with shards of this node, localNode, be done over a connection?
 * The session there would wait for locks of this one and not see its changes, and this one not see
 * that one's: only in a statement that is a transaction by itself, or where that session has
 * written.
 */
extern bool txn_may_reach_itself(NodeId localNode);
/* a statement starts: is it one inside of the client's? */
extern void txn_note_statement(const PlannedStmt *stmt);
/*
 * List of ClusterNode * that the transaction has written or locked rows of; *local: this node, too.
 * What it found there may depend on transactions that others of its nodes are about to learn of.
 */
extern List *txn_nodes_changed(bool *local);
/* true when a node was written by this transaction, through its main connection */
extern bool txn_node_was_written(NodeId nodeId);
/* this node wrote shards or metadata itself: counts as a participant */
extern void txn_mark_local_write(void);
/* forces two-phase commit even if one node wrote */
extern void txn_require_2pc(void);
/*
 * The part of the current user on the node commits before those on other nodes, on which sessions
 * may go on at once to what they find there.  After the first command to the node.
 */
extern void txn_commit_first(const ClusterNode *node);
/*
 * A SET CONSTRAINTS for shards: in force on every node for the rest of the transaction, or until a
 * rollback to before it.  Nodes get it with the next command.
 */
extern void txn_constraints_add(const char *sql);
/* List of ClusterNode * that the transaction has written: where something may be left to check */
extern List *txn_constraints_nodes(void);
/*
 * Sends a command to a node on which the transaction is open, without waiting for the answer; does
 * nothing where it is not.
 */
extern void txn_tell(const ClusterNode *node, const char *sql);
/* a connection failed: if it took part with writes, the transaction cannot commit any more */
extern void txn_conn_failed(RemoteConn *conn);

/*
 * Cluster snapshots (txn_snapshot.c): one on each node that a statement reads, of which none sees
 * part of a transaction.
 */
typedef struct ClusterSnapshot ClusterSnapshot;

/* does this session want them? */
extern bool txn_snapshot_is_wanted(void);
/*
 * Snapshots of nodes (const ClusterNode *, not this one) and, if local, of this node, that agree.
 * Waits for all of them.  Kept until txn_snapshot_release(), valid until the transaction ends.
 */
extern ClusterSnapshot *txn_snapshot_take(List *nodes, bool local);
/*
 * The same without waiting, for a client's statement of one command per node, each of which commits
 * by itself: the snapshots are asked for by txn_conn_begin_reading(), together with the commands.
 * Nothing that was read may be given away before all reports are there and agree.
 */
extern ClusterSnapshot *txn_snapshot_try(bool local);
/* is the report of the connection's node still to come? */
extern bool txn_snapshot_awaits(ClusterSnapshot *snapshot, RemoteConn *conn);
extern bool txn_snapshot_agrees(ClusterSnapshot *snapshot);
/* that of the transaction, over all nodes, at isolation levels where it has only one */
extern ClusterSnapshot *txn_snapshot_of_transaction(void);
/*
 * The same, as it is now: what reads with it does not see what the transaction writes from here on.
 * Kept until txn_snapshot_release().
 */
extern ClusterSnapshot *txn_snapshot_keep(void);
extern void txn_snapshot_release(ClusterSnapshot *snapshot);
/* this node's part */
extern Snapshot txn_snapshot_local(ClusterSnapshot *snapshot);
/* makes the server's snapshot, which nobody has read with, the same as this node's part */
extern void txn_snapshot_adopt(ClusterSnapshot *snapshot, Snapshot target);
/* the transaction has read with the server's own snapshot */
extern void txn_snapshot_note_read(void);
/* the same, before it does; NULL: for all that is known distributed tables will not be read */
extern ClusterSnapshot *txn_snapshot_early(void);
/*
 * pg_export_snapshot(): whoever imports the snapshot reads other nodes with those of this
 * transaction, too, which are taken before.
 */
extern char *txn_snapshot_export(void);
/* SET and its kin were run */
extern void txn_variable_set(const VariableSetStmt *stmt);
/*
 * txn_conn_begin(), and commands from here on read with the snapshot; it may be NULL.  False if the
 * connection is lost while its node takes a snapshot after the others: remote_error_raise() tells.
 */
extern bool txn_conn_begin_reading(RemoteConn *conn, TxnUse use, ClusterSnapshot *snapshot);
/*
 * The SQLSTATE of an additional connection's task whose snapshot has ended with the transaction
 * that had taken it: not by itself a reason, that transaction's error is on its way, too.
 */
#define TXN_SNAPSHOT_GONE MAKE_SQLSTATE('C', 'X', 'S', 'N', 'G')
/* may additional connections to the node read with it? */
extern bool txn_snapshot_can_join(ClusterSnapshot *snapshot, const ClusterNode *node);

/* bodies of hooks, called by entry: for what other nodes ask of this session */
extern bool txn_held_replace(QueryDesc *query);
extern void txn_statement_starts(const TransactionStmt *stmt, const char *text);
extern void txn_statement_ended(const TransactionStmt *stmt, const char *text);

/* identity of this session and transaction over the cluster */
/* gives back all advisory locks of the session, as opposed to the transaction */
extern void txn_advisory_unlock_all(void);

extern uint64 txn_global_pid(void);
/* node id times the factor, plus the process id */
#define TXN_GPID_NODE_FACTOR UINT64CONST(10000000000)
extern uint64 txn_gpid_make(NodeId nodeId, int pid);	/* nodeId 0: an unknown one */
extern NodeId txn_gpid_node(uint64 globalPid);
extern int	txn_gpid_pid(uint64 globalPid);
typedef struct DistXactId
{
	GroupId		initiatorGroup;
	uint64		number;			/* 0: no distributed transaction */
	TimestampTz timestamp;
} DistXactId;
extern DistXactId txn_current_id(void);

/* resolves prepared transactions of this initiator on all nodes; number of those resolved */
extern int	txn_recover(void);
/*
 * The daemon's: txn_recover(), and other nodes are told of what they have left prepared here; every
 * txn_recover_interval() ms, -1: never.  That is citus.recover_2pc_interval, or less while
 * something could not be resolved.
 */
extern void txn_recover_duty(void);
extern int	txn_recover_interval(void);
/* what makes the daemon of this node run it soon, from any session; registered by entry */
extern void txn_set_recovery_hurrier(void (*hurry) (void));

/*
 * Looks for deadlocks over nodes, and cancels those victims that were begun here; how many.  The
 * daemon runs the duty, which looks when there is a reason, every txn_deadlock_interval ms (-1:
 * off).
 */
extern int	txn_deadlock_resolve(void);
extern void txn_deadlock_duty(void);
extern int	txn_deadlock_interval;
/* for emit_log_hook: tells the victim of a deadlock what the server's error leaves empty */
extern void txn_edit_message(ErrorData *edata);

/* RemoteTarget of a node for the current user with authinfo and poolinfo filled in */
extern RemoteTarget txn_target_of_node(const ClusterNode *node);

#endif
