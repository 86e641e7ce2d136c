/*
 * types.h
 *	  Identifiers that every module uses.
 *
 * Owns the integer types of cluster-wide identities and their invalid values.  Anything with a
 * structure lives in the module that owns it.
 */
#ifndef CITUS_BASE_TYPES_H
#define CITUS_BASE_TYPES_H

#include "postgres.h"

typedef int64 ShardId;			/* pg_dist_shard.shardid */
typedef int64 PlacementId;		/* pg_dist_placement.placementid */
typedef int32 NodeId;			/* pg_dist_node.nodeid */
typedef int32 GroupId;			/* pg_dist_node.groupid */
typedef int32 ColocationId;		/* pg_dist_colocation.colocationid */

#define INVALID_SHARD_ID	((ShardId) 0)
#define INVALID_GROUP_ID	((GroupId) -1)
#define INVALID_COLOCATION_ID ((ColocationId) 0)
#define COORDINATOR_GROUP_ID ((GroupId) 0)

/* version of the library; the SQL side is citus--14.0-1.sql */
#define CITUS_VERSION "14.0"
#define CITUS_EXTENSION_NAME "citus"

/* application names that mark sessions opened by another node */
#define CITUS_INTERNAL_APP_PREFIX "citus_internal gpid="

/*
 * What a node sends of its own accord begins so; what it sends for a user never does: that is
 * either made of a query tree, which has no comments, or a utility statement, or sent to a session
 * of another kind.
 */
#define BASE_NODE_SELECT "/* citus node */ SELECT "

#endif
