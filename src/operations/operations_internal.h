/*
 * operations_internal.h
 *	  What the files of operations share.
 */
#ifndef OPERATIONS_OPERATIONS_INTERNAL_H
#define OPERATIONS_OPERATIONS_INTERNAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"

/* citus.replicate_reference_tables_on_activate */
extern bool operations_replicate_on_activate;

typedef enum MetadataSyncMode
{
	METADATA_SYNC_TRANSACTIONAL,
	METADATA_SYNC_NONTRANSACTIONAL
} MetadataSyncMode;
/* citus.metadata_sync_mode */
extern int	operations_metadata_sync_mode;

/* ---- nodes.c ---- */

/* what citus_add_node and its siblings are given */
typedef struct NodeSpec
{
	const char *name;
	int			port;
	GroupId		groupId;		/* INVALID_GROUP_ID: a new one */
	const char *role;			/* label of noderole */
	const char *cluster;
} NodeSpec;

extern NodeId operations_node_add(const NodeSpec *spec, bool activate);
extern void operations_coordinator_set_host(const NodeSpec *spec);
extern NodeId operations_node_activate(const char *name, int port);
extern void operations_node_sync(const ClusterNode *node);
extern void operations_node_stop_sync(const ClusterNode *node, bool clear);
extern void operations_node_disable(const char *name, int port);
extern void operations_node_remove(const char *name, int port);
extern void operations_node_set_should_have_shards(const char *name, int port, bool value);
/* raises 22023 for what is no address at all */
extern void operations_check_address(const char *name, int port);
/* the node as a row to write, with strings of its cache entry */
extern NodeRow operations_node_row(const ClusterNode *node);
extern const ClusterNode *operations_node_require(const char *name, int port);

/* ---- node_address.c ---- */

extern void operations_node_set_address(NodeId id, const char *name, int port, bool force,
										int cooldownMs);
extern void operations_node_pause(NodeId id, bool force, int cooldownMs);

/* ---- node_checks.c ---- */

extern bool operations_host_is_loopback(const char *host);
/*
 * Raises unless the server at the address can join: it answers (08006), has the extension in the
 * same version, is not this one, and in no other cluster.  *seenAs is the address from which it
 * sees this server, NULL for a Unix socket.
 */
extern void operations_check_joining(const char *name, int port, char **seenAs);
/* true if the server answers at all */
extern bool operations_node_answers(const ClusterNode *node);
/* raises 2BP01 when shards would be lost without the group's nodes */
extern void operations_check_dispensable(const ClusterNode *node);

/* ---- reference.c ---- */

/* Copies all reference tables to active primaries that lack them; number of copies made. */
extern int	operations_replicate_references(void);
/* Makes writers of reference tables with copies in group wait, on all active nodes. */
extern void operations_lock_references_in(GroupId group);

#endif
