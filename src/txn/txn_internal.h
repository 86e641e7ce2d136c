/*
 * txn_internal.h
 *	  What the files of txn share: the participants of the distributed transaction.
 */
#ifndef CITUS_TXN_INTERNAL_H
#define CITUS_TXN_INTERNAL_H

#include "postgres.h"
#include "lib/ilist.h"
#include "citus/txn/txn.h"

/* "citus_<group>_<pid>_<number>_<connection>" fits easily */
#define TXN_GID_SIZE 128

/* in the text of BEGIN, before the transaction's id: initiator's group, number, time */
#define TXN_ID_MARK "/* citus transaction "
/* a rollback may have changed which one is in force */
#define UNKNOWN_SNAPSHOT PG_UINT64_MAX
/* hexadecimal digits of the token of a lent role */
#define TXN_TOKEN_SIZE 32

/*
 * RemoteXactState: what the far side has open for us.
 *
 *	  NONE ----------> OPEN ----------> COMMITTING ---> NONE
 *					   |  ^ \				 |
 *			(rollback) |  |  PREPARING ---> PREPARED --> NONE   (COMMIT / ROLLBACK PREPARED)
 *					   v  |		 |
 *					 NONE		 v
 *						FAILED <-+--- from any state, when the connection is lost
 *
 * NONE: no transaction block.  Commands run there commit on their own.
 * OPEN: BEGIN was sent (its answer perhaps not yet received); everything until the end is ours.
 *		 Failure of a command leaves it OPEN: the far side then refuses all but a rollback.
 * PREPARING: PREPARE TRANSACTION was sent, no answer yet.  An error leads to NONE, because the
 *		 far side has rolled back; a lost connection to FAILED, and recovery decides.
 * PREPARED: the far side keeps the transaction until somebody decides: we, or recovery.
 * COMMITTING: COMMIT was sent, no answer yet.
 * FAILED: the connection is lost.  What was open has been or will be rolled back by the far side,
 *		 except for what is prepared.  The connection must be closed.
 */
typedef enum RemoteXactState
{
	XACT_NONE,
	XACT_OPEN,
	XACT_COMMITTING,
	XACT_PREPARING,
	XACT_PREPARED,
	XACT_FAILED
} RemoteXactState;

/* one connection in the distributed transaction; lives in txn_context */
typedef struct RemoteXact
{
	dlist_node	node;			/* in txn_participants */
	RemoteConn *conn;
	NodeId		nodeId;
	GroupId		groupId;
	Oid			loginId;		/* who logged in there */
	Oid			roleId;			/* who works there, invalid: unknown; txn_role.c */
	bool		roleChanged;	/* these two were different at some time */
	bool		borrowed;		/* the role was lent to it at some time */
	bool		unforced;		/* policies that are forced on owners are not in force there */
	bool		isMain;
	bool		lent;			/* an extra one in use by the running statement */
	RemoteXactState state;
	bool		wrote;			/* commands that write were sent in OPEN */
	bool		locked;			/* commands that lock rows were */
	int			usedLevel;		/* lowest nesting level at which it wrote or locked; 0: none */
	bool		commitFirst;	/* its COMMIT PREPARED is over before others begin */
	int			savepoints;		/* highest nesting level with a savepoint there; 1: none */
	int			constraints;	/* commands of txn_constraints.c that were sent */
	char		gid[TXN_GID_SIZE];	/* from PREPARING on */

	/* cluster snapshots by number, txn_snapshot.c; 0: none */
	uint64		snapshotInForce;	/* or UNKNOWN_SNAPSHOT */
	uint64		snapshotInSlot; /* extra connections may join it */
	List	   *staleSnapshots; /* of uint64 *: still held there, for nothing */

	/* while the answers of one step of the protocol are collected */
	const char *expectedTag;
	bool		stepDone;
	bool		stepFailed;		/* an error, or another tag than expected; remote_error_* */
} RemoteXact;

/* ---- txn.c ---- */

extern MemoryContext txn_context;	/* reset at the end of the transaction */
extern dlist_head txn_participants;
extern void txn_xact_set_state(RemoteXact *xact, RemoteXactState state);
extern RemoteXact *txn_xact_of_conn(RemoteConn *conn);
/* takes it off the list; the connection is released, or closed if it is not as good as new */
extern void txn_xact_remove(RemoteXact *xact);
/* settings, BEGIN, savepoints, role: whatever is needed before commands */
extern void txn_xact_begin(RemoteXact *xact, TxnUse use);
extern bool txn_local_node_wrote(void);
extern bool txn_is_2pc_required(void);
/* a connection for the current role: a cached one, or one that is being opened */
extern RemoteConn *txn_acquire(const ClusterNode *node, bool optional);

/* owner of the answers that are txn's own */
extern char txn_own_answer_marker;
/* queues a command whose answer is txn's */
extern void txn_send_own(RemoteConn *conn, const char *sql);

/* ---- txn_commit.c ---- */

extern void txn_pre_commit(void);
extern void txn_commit(void);
extern void txn_abort(void);
extern void txn_pre_prepare(void);

/* runs what must not raise: an error becomes a warning */
extern void txn_run_guarded(void (*step) (void));

/* ---- txn_advisory.c ---- */

/* AdvisoryKey: an advisory lock and the strength in which it is wanted */
typedef struct AdvisoryKey
{
	int64		value;			/* hasTwoParts: the first in the upper half */
	int32		hasTwoParts;
	int32		isShared;		/* the key of a hash table: no holes */
} AdvisoryKey;

/* are advisory locks of this session taken on the coordinator, which is another node? */
extern bool txn_advisory_is_remote(void);
/* false only without wait, when others have the lock */
extern bool txn_advisory_lock(const AdvisoryKey *key, bool forTransaction, bool wait);
/* gives back one of the session's; false, with a warning, when it has none */
extern bool txn_advisory_unlock(const AdvisoryKey *key);
/* raises before a commit when locks have been lost, or when the transaction cannot be prepared */
extern void txn_advisory_check(bool prepares);
extern void txn_advisory_end(void);
extern void txn_advisory_sub_commit(void);
extern void txn_advisory_sub_abort(void);

/* ---- txn_savepoint.c ---- */

/* queues savepoints for all open nesting levels that conn does not have yet */
extern void txn_savepoints_send(RemoteXact *xact);
extern void txn_sub_commit(void);
extern void txn_sub_abort(void);

/* ---- txn_constraints.c ---- */

/* queues what was said of constraints up to a nesting level */
extern void txn_constraints_send(RemoteXact *xact, int level);
extern void txn_constraints_sub_commit(void);
extern void txn_constraints_sub_abort(void);
extern void txn_constraints_forget(void);

/* ---- txn_settings.c ---- */

/* queues what makes the far session's settings equal to this one's; nothing when they are */
extern void txn_settings_send(RemoteConn *conn);
/* the far side has rolled back: its settings are unknown */
extern void txn_settings_forget(RemoteConn *conn);

/* ---- txn_role.c ---- */

/* the role as which connections are opened for the current one */
extern Oid	txn_role_login(void);
/* the user of the client's session, here and where others work for it */
extern Oid	txn_session_user(void);
/* the far side: who the session works for, by session_user; a role's name */
extern void txn_role_set_session_user(const char *role);
/* its name, good until roles are asked for or changed again */
extern const char *txn_role_login_name(void);
extern void txn_role_init(void);
/* queues what makes the current role work there; the remote transaction is open */
extern void txn_role_send(RemoteXact *xact);
/* a rollback to it must not find policies unforced */
extern void txn_role_before_savepoint(RemoteXact *xact);
/* true when what is in force here is there, too */
extern bool txn_role_is_sent(const RemoteXact *xact);
/* the far side has rolled back to a savepoint */
extern void txn_role_forget(RemoteXact *xact);
/* on the far side, before its transaction ends: back to the role that logged in */
extern void txn_role_leave(void);
extern void txn_role_reset(void);
/* for SQL functions: keeps a loan, and takes it to work as the role from now on */
extern void txn_role_lend(const char *token, const char *role);
extern void txn_role_assume(const char *token);
/* from now on policies that are forced on owners do, or do not, concern them */
extern void txn_role_unforce(bool unforced);

/* ---- txn_backend.c ---- */

extern void txn_backend_init(void);
/* the id of the distributed transaction, made at the first call in a transaction */
extern DistXactId txn_backend_begin(void);
/* number that this session's prepared transactions carry; made at the first call */
extern uint64 txn_backend_gid_number(void);
extern void txn_backend_assign(GroupId initiatorGroup, uint64 number, TimestampTz timestamp);
/* forgets the ids; last action of the end of a transaction */
extern void txn_backend_end(void);
/* is a transaction with this number, begun by a session of this node, still in progress? */
extern bool txn_backend_is_active(uint64 gidNumber);

typedef struct BackendInfo
{
	int			pid;			/* 0: unused */
	Oid			database;
	Oid			user;
	uint64		globalPid;
	bool		isInternal;		/* works for a session of another node */
	DistXactId	xact;			/* number 0: none */
	uint64		gidNumber;		/* 0: none */
	uint64		victimNumber;	/* this one of its transactions is in a deadlock; 0: none */
} BackendInfo;

/* copies of all used entries, palloc'd; number of them */
extern int	txn_backend_list(BackendInfo **infos);
/* the distributed transaction that has exported the snapshot of this name; number 0: none */
extern DistXactId txn_backend_exporter(const char *name);
/* the next backend of this database, from index on, that is in the transaction; -1: none */
extern int	txn_backend_find(GroupId initiatorGroup, uint64 number, int index);
/* is the entry that of the session that began its distributed transaction? */
#define TXN_IS_INITIATOR(info) \
	((info)->xact.number != 0 && (info)->gidNumber == (info)->xact.number)
/*
 * Marks the transaction, begun on this node, as victim of a deadlock, or no longer as one; its
 * process, or 0 when it is over.
 */
extern int	txn_backend_mark_victim(const DistXactId *xact, bool victim);
/* was this session's transaction marked?  It no longer is then. */
extern bool txn_backend_take_victim(void);

/* loans of roles: false when there is no room; invalid when there is no such loan any more */
extern bool txn_backend_keep_loan(const char *token, Oid roleId, int seconds);
extern Oid	txn_backend_take_loan(const char *token, int seconds);

#define TXN_UNKNOWN_NODE_ID 99999999

/* ---- txn_recover.c ---- */

/* what the name of a prepared transaction says */
typedef struct DistributedGid
{
	GroupId		group;			/* the initiator's */
	uint64		number;
	int			connection;		/* of the initiator */
} DistributedGid;

/* the name of what this session prepares now; TXN_GID_SIZE bytes */
extern void txn_gid_make(char *gid, int connectionNumber);
/* false: not such a name */
extern bool txn_gid_parse(const char *gid, DistributedGid *parts);
/* citus.recover_2pc_interval */
extern int	txn_recover_interval_setting;
/* the transaction leaves something prepared behind: once it is over, recovery is in a hurry */
extern void txn_recover_note_leftover(void);
/* it is over.  Raises nothing. */
extern void txn_recover_transaction_ended(void);
/*
 * Asks the node of the group to recover what it has begun.  One that does not answer within a
 * second is left alone.
 */
extern void txn_recover_ask(GroupId groupId);

#endif
