/*
 * txn_snapshot_internal.h
 *	  What the files of cluster snapshots share: what nodes know of commits over several nodes, and
 *	  what they report of them to those who read several nodes.
 */
#ifndef CITUS_TXN_SNAPSHOT_INTERNAL_H
#define CITUS_TXN_SNAPSHOT_INTERNAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "storage/proc.h"
#include "utils/snapshot.h"
#include "txn/txn_internal.h"

/* more nodes than this in one transaction: it is taken to be on all of them */
#define MAX_PARTICIPANTS 16
#define PARTICIPANTS_UNKNOWN (-1)

/* the groups on which a transaction commits */
typedef struct Participants
{
	int			n;				/* or PARTICIPANTS_UNKNOWN: perhaps every group */
	GroupId		groups[MAX_PARTICIPANTS];
} Participants;

/* a transaction over several nodes, as all of them name it */
typedef struct GlobalXact
{
	GroupId		group;			/* of the initiator */
	uint64		number;			/* that its prepared transactions carry */
} GlobalXact;

/* a multi-node transaction as one node sees it in one snapshot */
typedef struct ReportedXact
{
	GlobalXact	id;
	bool		visible;
	int64		age;			/* us since it ended (visible), or since it was about to prepare */
	Participants participants;
} ReportedXact;

/* what a node says about its snapshot */
typedef struct SnapshotReport
{
	GroupId		groupId;
	int64		window;			/* us: no transaction that ended since then is missing */
	int			slot;			/* where others of the node find the snapshot; -1: nowhere */
	int			nxacts;
	ReportedXact *xacts;

	/* made by txn_snapshot_match(): of GlobalXact * that a new snapshot must see */
	List	   *mustSee;
	/* of GlobalXact *: had ended here when the snapshot was taken */
	List	   *seen;
} SnapshotReport;

/* ---- txn_snapshot_match.c: pure ---- */

/*
 * Do the snapshots agree?  elapsed: us since the first of them was asked for, or longer.  If not,
 * mustSee of the reports says what new snapshots must see.  *uncovered: a report does not go back
 * far enough; new ones with a longer window are needed.
 */
extern bool txn_snapshot_match(SnapshotReport *reports, int n, int64 elapsed, bool *uncovered);
/*
 * The same when all but one are in use, were reported on before that one was asked for, and agree
 * with each other.  *uncovered: of that one.
 */
extern bool txn_snapshot_match_late(SnapshotReport *reports, int n, int late, int64 elapsed,
									bool *uncovered);
/*
 * The same for a report and one about a snapshot taken before, which stays, and reported on later:
 * at most elapsed us after the report's snapshot was asked for.  What that must see is added to its
 * mustSee.  False: it sees what the earlier snapshot does not.
 */
extern bool txn_snapshot_match_earlier(const SnapshotReport *earlier, SnapshotReport *report,
									   int64 elapsed);
/* text of a report without set and group, and back; false: malformed */
extern void txn_snapshot_print(const SnapshotReport *report, StringInfo text);
extern bool txn_snapshot_parse(const char *text, SnapshotReport *report);
extern char *txn_snapshot_print_ids(List *ids);
/* of GlobalXact *; raises 22023 on other text */
extern List *txn_snapshot_parse_ids(const char *text);
extern char *txn_snapshot_print_participants(const Participants *participants);
extern bool txn_snapshot_parse_participants(const char *text, Participants *participants);
extern bool txn_snapshot_has_id(List *ids, const GlobalXact *id);

/* ---- txn_commits.c: what this node knows ---- */

extern void txn_commits_init(void);
/* the local transaction is about to be prepared, or to commit as part of id */
extern void txn_commits_add(const GlobalXact *id, int connection,
							const Participants *participants);
/* it has ended (connection 0: the initiator's own), one way or the other */
extern void txn_commits_end(const GlobalXact *id, int connection);
/* about transactions that are not over, and those that ended in the last window us */
extern void txn_commits_report(Snapshot snapshot, int64 window, SnapshotReport *report);
/* the same for a snapshot that was taken earlier; false: what it does not see may be missing */
extern bool txn_commits_report_earlier(Snapshot snapshot, int64 window, SnapshotReport *report);
/* waits until none of ids is in doubt here, at most timeoutMs; false: one still is */
extern bool txn_commits_await(List *ids, long timeoutMs);
/* for ms from now no other transactions than ids end here; 0: goes away */
extern void txn_commits_fence(List *ids, int ms);
/* waits until no fence keeps the transaction from ending */
extern void txn_commits_wait_for_fences(const GlobalXact *id);
/* microseconds of a clock that only goes forward */
extern int64 txn_commits_now(void);

/* ---- txn_held.c: snapshots that statements of a transaction share ---- */

extern void txn_held_init(void);
/* the transaction's or a new snapshot, kept under the number, and in force; *slot for others */
extern Snapshot txn_held_take(uint64 number, int *slot);
/* keeps the snapshot of another session, and puts it in force */
extern void txn_held_join(uint64 number, int slot);
/* keeps the transaction's as it is, and puts that in force */
extern void txn_held_keep(uint64 number);
/* the snapshot of the transaction of that name becomes this transaction's; raises 55000 */
extern void txn_held_import(GroupId initiatorGroup, uint64 number);
/* makes target see what the other one sees, but for its xmin; in TopTransactionContext */
extern void txn_held_copy(Snapshot target, Snapshot source);
/* 0: none is in force */
extern void txn_held_use(uint64 number);
extern void txn_held_forget(uint64 number);
/* the transaction is about to commit, or was rolled back */
extern void txn_held_end(bool isCommit);

/* ---- txn_snapshot_members.c ---- */

typedef struct Member
{
	GroupId		groupId;
	NodeId		nodeId;			/* 0: this node */
	RemoteConn *conn;			/* NULL: this node, or lost */
	bool		hasReport;
	bool		agreed;			/* its snapshot may have been used */
	SnapshotReport report;
} Member;

struct ClusterSnapshot
{
	dlist_node	node;
	uint64		number;			/* names it on the nodes */
	MemoryContext context;
	bool		owned;			/* somebody will release it */
	bool		tried;			/* by txn_snapshot_try() */
	bool		kept;			/* by txn_snapshot_keep() */
	bool		ended;			/* with its transaction */
	int64		start;			/* clock: before the first of its snapshots was taken */
	List	   *members;		/* of Member */
	Snapshot	local;			/* registered with the top transaction's owner; NULL: none */
	bool		localIsOwn;		/* the server's, which was read with before; no member */
};

/* of the session */
extern dlist_head txn_snapshots;
/* owner of answers that are reports */
extern char txn_report_marker;

/* an empty one with a number of its own, in a context of its own */
extern ClusterSnapshot *txn_snapshot_make(void);
extern void txn_snapshot_free(ClusterSnapshot *snapshot);
extern void txn_snapshot_drop_local(ClusterSnapshot *snapshot);
/* NULL: none */
extern Member *txn_member_of_node(ClusterSnapshot *snapshot, NodeId nodeId);
extern Member *txn_member_add(ClusterSnapshot *snapshot, GroupId groupId, NodeId nodeId);

/* queues a call of a function of schema citus_internal; second may be NULL */
extern void txn_snapshot_send(RemoteConn *conn, const char *name, const char *sql,
							  const char *first, const char *second, void *owner);
extern void txn_snapshot_send_number(RemoteConn *conn, const char *name, const char *sql,
									 uint64 number);
/* asks for a snapshot, which reports on the last window us; _only: without a sync */
extern void txn_member_send_take_only(ClusterSnapshot *snapshot, Member *member, int64 window);
extern void txn_member_send_take(ClusterSnapshot *snapshot, Member *member, int64 window);
/* keeps all transactions but ids from ending there, for ms */
extern void txn_member_send_fence(RemoteConn *conn, List *ids, int ms);
/* queues what the statement before has left to do on the connection */
extern void txn_snapshot_clear(RemoteXact *xact, bool leave);

/* its connection is lost; raises the connection's error where something was begun on it */
extern void txn_member_lose(Member *member);
extern void txn_snapshot_take_report(RemoteConn *conn, const RemoteAnswer *answer);
/* until everything that was sent to members is answered; raises what they raise */
extern void txn_member_receive_all(ClusterSnapshot *snapshot, List *members);

/* ---- txn_snapshot.c ---- */

extern void txn_snapshot_init(void);
/* an error may have left the middle of something */
extern void txn_snapshot_sub_abort(void);
/* the connection leaves the transaction */
extern void txn_snapshot_lose_conn(RemoteConn *conn);
/* the transaction ends: its snapshots with it */
extern void txn_snapshot_end(bool isCommit);

/* ---- txn_snapshot_commit.c: this node's part of commits on several nodes ---- */

/* the transaction is about to be prepared on the nodes of writers; text for the statements */
extern char *txn_snapshot_commit_begin(List *writers, bool localWrote);
/* of GlobalXact *: those that this session has committed last, each from begin to end */
extern List *txn_snapshot_own_commits(void);
/* all have prepared; waits while a reader needs it */
extern void txn_snapshot_commit_wait(void);
/* the local transaction has ended, or was prepared */
extern void txn_snapshot_commit_end(bool prepared);
/* the local transaction is about to be prepared */
extern void txn_snapshot_pre_prepare(void);

#endif
