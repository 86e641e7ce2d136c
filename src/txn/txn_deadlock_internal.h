/*
 * txn_deadlock_internal.h
 *	  Who waits for whom over the cluster: shared by the files txn_deadlock*.c, and their tests.
 */
#ifndef CITUS_TXN_DEADLOCK_INTERNAL_H
#define CITUS_TXN_DEADLOCK_INTERNAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "citus/txn/txn.h"

/* a session at one end of an edge */
typedef struct WaitMember
{
	GroupId		group;			/* where it runs */
	int			pid;			/* 0: a prepared transaction */
	uint64		globalPid;
	GroupId		clientGroup;	/* the session that it works for, may be itself */
	int			clientPid;
	bool		awaitsClient;	/* works for a client, in no distributed transaction, and idle */
	DistXactId	xact;			/* number 0: none; the timestamp is the local transaction's then */
} WaitMember;

typedef struct WaitEdge
{
	WaitMember	waiting;
	WaitMember	blocking;
	bool		blockingWaits;	/* for a lock, on the same node */
} WaitEdge;

/* ---- txn_deadlock_graph.c ---- */

/*
 * The distributed transactions whose end resolves all deadlocks among the edges: of each cycle the
 * youngest.  List of DistXactId *, palloc'd, as is what it needs on the way.
 */
extern List *txn_deadlock_victims(const WaitEdge *edges, int nedges);
/* keeps those of edges that are in earlier, too; how many remain */
extern int	txn_deadlock_confirm(WaitEdge *edges, int nedges, const WaitEdge *earlier,
								 int nearlier);

/* ---- txn_deadlock.c ---- */

extern void txn_deadlock_init(void);
/* edges of this node, palloc'd; how many */
extern int	txn_deadlock_local_edges(WaitEdge **edges);
/* the same for all nodes; one that does not answer is reported at elevel and left out */
extern int	txn_deadlock_all_edges(WaitEdge **edges, int elevel);
/* raises 40P01 when a cancel is pending because the transaction is a victim */
extern void txn_deadlock_check(void);

#endif
