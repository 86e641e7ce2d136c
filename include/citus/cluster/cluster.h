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

/* ---- sets of nodes: List of const ClusterNode * ---- */

/* active primaries with metadata other than this node; raises 55000 when one is out of sync */
extern List *cluster_other_nodes(void);
/* the coordinator's node; raises XX000 when it is not in metadata and this is not it */
extern const ClusterNode *cluster_coordinator(void);

/* ---- running ---- */

/* commands: List of char *, run in order on each node */
extern void cluster_run(List *nodes, List *commands);
extern void cluster_run_on_others(List *commands);	/* cluster_other_nodes() */
/* rows of one query on one node: List of char ** (text values, NULL for NULL) */
extern List *cluster_query(const ClusterNode *node, const char *sql);

/* as cluster_query on every node of the list at once, outside any transaction */
typedef struct ClusterAnswer
{
	const ClusterNode *node;
	bool		ok;
	char	   *error;			/* message, when not ok */
	List	   *rows;			/* of char ** */
	char	   *tag;
} ClusterAnswer;
/* commands: one text for all (list of one), or one a node */
extern List *cluster_run_alone(List *nodes, List *commands, bool parallel);

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
extern void cluster_delta_drop_object(MetadataDelta *delta, const ObjectAddress *address);
/* applies everything; ends with CommandCounterIncrement() */
extern void cluster_delta_apply(MetadataDelta *delta);

/*
 * Makes sure that everything the object depends on, and with includeSelf the object, exists on all
 * other nodes and is in pg_dist_object.  Objects already there are skipped.
 */
extern void cluster_ensure_dependencies(const ObjectAddress *address, bool includeSelf);

/* statements that bring all metadata and objects to an empty node, in order (List of char *) */
extern List *cluster_activation_commands(const ClusterNode *node);

/*
 * Cluster-wide lock that serialises node changes against shard creation, taken on this node
 * (ShareLock by creators of shards, ExclusiveLock by node functions); until transaction end.
 */
extern void cluster_lock_node_list(bool exclusive);

/* raises XX000 with a hint when this node is not the coordinator */
extern void cluster_require_coordinator(void);

#endif
