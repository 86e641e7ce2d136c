/*
 * cluster.h
 *	  Do a thing on a set of nodes; keep metadata equal on all.
 *
 * Everything here is part of the distributed transaction (main connections, TXN_WRITE) unless its
 * name says "alone".  Commands go to all nodes first, answers are then collected; the first error
 * is raised after all nodes have answered.
 */
#ifndef CITUS_CLUSTER_CLUSTER_H
#define CITUS_CLUSTER_CLUSTER_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "citus/catalog/catalog.h"

extern void cluster_init(void);

/* citus.local_hostname: the host by which this node reaches itself */
extern char *cluster_local_hostname;

/* ---- sets of nodes: List of const ClusterNode * ---- */

/*
 * active primaries with metadata other than this node; raises 55000 when one is out of sync,
 * unless cluster_skip_unsynced
 */
extern List *cluster_other_nodes(void);
/* the coordinator's node; raises 55000 when it is not in metadata and this is not it */
extern const ClusterNode *cluster_coordinator(void);

/* ---- going on without nodes that are down (absent.c) ---- */

/*
 * Groups of nodes that should have metadata but are out of sync or do not answer; a List of ints.
 * The latter are marked as out of sync, here and on the nodes that are there.  Raises 08006 when
 * this transaction has used a node that is lost.
 */
extern List *cluster_absent_groups(void);
/* while true, cluster_other_nodes() leaves nodes that are out of sync out; reset it on errors */
extern bool cluster_skip_unsynced;
/* false when a node is out of sync */
extern bool cluster_is_complete(void);
/* notes on the coordinator that tables (qualified and quoted) are to be dropped in groups */
extern void cluster_defer_drop(List *names, List *groups);

/* ---- running ---- */

/* commands: List of char *, run in order on each node */
extern void cluster_run(List *nodes, List *commands);
extern void cluster_run_on_others(List *commands);	/* cluster_other_nodes() */
/*
 * The same commands, so that the nodes that run them do not write them to their logs; for what has
 * passwords in it, and for superusers only.
 */
extern List *cluster_unlogged(List *commands);

/*
 * Rows of one query on one node, read within the transaction: List of char ** (text values, NULL
 * for NULL).  The query must not write: the node does not take part in two-phase commit for it.
 */
extern List *cluster_query(const ClusterNode *node, const char *sql);
/* the same on many nodes at once, queries one a node; List of such lists in the order of nodes */
extern List *cluster_query_each(List *nodes, List *queries);

/* one query on many nodes, as part of what the transaction writes there */
extern List *cluster_call_each(List *nodes, const char *sql);

/* what one node answered outside any transaction */
typedef struct ClusterAnswer
{
	const ClusterNode *node;
	bool		ok;
	bool		reached;		/* false: no connection, or lost */
	char	   *error;			/* message, when not ok */
	int			sqlstate;		/* of the error, where the node reported one */
	int			ncolumns;		/* of rows */
	List	   *rows;			/* of char ** */
	char	   *tag;			/* of the last statement */
} ClusterAnswer;

/*
 * Runs a text of one or more statements on each node, on connections of their own, outside any
 * transaction: one text for all (a list of one), or one a node.  A node may be listed repeatedly.
 * Never raises for what a node says; List of ClusterAnswer * in the order of nodes.
 */
extern List *cluster_run_alone(List *nodes, List *commands, bool parallel);
/* a query to all at once; who has not answered after a few seconds counts as not reached */
extern List *cluster_ask_alone(List *nodes, const char *query);
/* the same, with a text a node */
extern List *cluster_ask_each_alone(List *nodes, List *queries);

/*
 * Runs what follows, and its connections, as the owner of the extension (a superuser), for the
 * few things that users may cause but not do: creating roles, and other people's objects.  An
 * error restores the user as well.
 */
typedef struct ClusterUser
{
	Oid			userId;
	int			securityContext;
} ClusterUser;
extern ClusterUser cluster_become_owner(void);
extern void cluster_restore_user(ClusterUser saved);

/* ---- metadata on this node and all others ---- */

/*
 * MetadataDelta: rows to add or remove, collected, then applied here and sent to all other nodes
 * in as few statements as possible.
 */
typedef struct MetadataDelta MetadataDelta;

extern MetadataDelta *cluster_delta_begin(void);
extern void cluster_delta_add_colocation(MetadataDelta *delta, const ColocationGroup *group);
extern void cluster_delta_drop_colocation(MetadataDelta *delta, ColocationId id);
extern void cluster_delta_add_table(MetadataDelta *delta, Oid relid, char partMethod,
									AttrNumber keyAttno, ColocationId colocationId,
									char replicationModel);
extern void cluster_delta_drop_table(MetadataDelta *delta, Oid relid);
extern void cluster_delta_add_shard(MetadataDelta *delta, Oid relid, ShardId shardId,
									bool hasRange, int32 minToken, int32 maxToken);
extern void cluster_delta_add_placement(MetadataDelta *delta, ShardId shardId,
										PlacementId placementId, GroupId groupId);
extern void cluster_delta_drop_placement(MetadataDelta *delta, ShardId shardId, GroupId groupId);
extern void cluster_delta_add_object(MetadataDelta *delta, const ObjectAddress *address);
/* no-op when the object is not in pg_dist_object; it may be gone already */
extern void cluster_delta_drop_object(MetadataDelta *delta, const ObjectAddress *address);
/* applies everything; ends with CommandCounterIncrement() */
extern void cluster_delta_apply(MetadataDelta *delta);

/*
 * Makes sure that everything the object depends on, and with includeSelf the object, exists on all
 * other nodes and is in pg_dist_object.  Objects already there are skipped.
 */
extern void cluster_ensure_dependencies(const ObjectAddress *address, bool includeSelf);

/*
 * Statements that bring all metadata and objects to a node, in order (List of char *).  What an
 * earlier membership left there is replaced, the positions of its sequences are kept.  To be
 * run by cluster_run() as a superuser; queries the node.  dropCopies: its copies of reference
 * tables go, too.
 */
extern List *cluster_activation_commands(const ClusterNode *node, bool dropCopies);
/* a statement by which a node that left forgets the cluster: shells, copies, metadata */
extern char *cluster_leave_command(void);
/* statements that tell a node of the row of another, or of its end */
extern char *cluster_node_upsert_command(const ClusterNode *node);
extern char *cluster_node_delete_command(NodeId id);

/*
 * Gives the sequences behind a known table's columns this node's share of the values, behaviour.md
 * section 12; a no-op on the coordinator.  cluster_delta_add_table() implies it on all nodes; the
 * command is for columns that came later.
 */
extern void cluster_adjust_sequences(Oid relid);
/* the same for one sequence that a known table uses */
extern void cluster_adjust_sequence(Oid sequenceId);
extern char *cluster_adjust_sequences_command(Oid relid);

/* NumberRun: values drawn from a sequence, start, start + step ... */
typedef struct NumberRun
{
	int64		start;
	int64		step;
	int64		count;
} NumberRun;

/*
 * The next count values of a known table's sequence, as List of NumberRun *, from the coordinator.
 * checkRights: as nextval() does, and identity columns do not.  Raises what nextval() raises.
 */
extern List *cluster_draw_numbers(Oid sequenceId, int64 count, bool checkRights);

/*
 * Puts this node as the coordinator into an empty pg_dist_node under citus.local_hostname.  No-op
 * when there are nodes.  To be called with the node list locked.
 */
extern void cluster_register_self(const char *host, bool shouldHaveShards);

/*
 * Cluster-wide lock that serialises node changes (exclusive) against the creation of shards and
 * objects (shared); held on the coordinator until the transaction ends.
 */
extern void cluster_lock_node_list(bool exclusive);

/* raises 55000 with a hint when this node is not the coordinator */
extern void cluster_require_coordinator(void);

#endif
