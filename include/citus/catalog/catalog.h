/*
 * catalog.h
 *	  The extension's metadata tables on this node: cached reads, writes.
 *
 * Reads come from a session cache that the server's own invalidation messages keep fresh.  What a
 * reader returns stays allocated until the end of the top transaction, also when it has been
 * invalidated meanwhile: callers need not copy, and must not keep pointers any longer.  None of
 * the readers takes locks on user relations.
 *
 * Writers change this node's tables only; spreading a change to other nodes is cluster's.
 */
#ifndef CITUS_CATALOG_CATALOG_H
#define CITUS_CATALOG_CATALOG_H

#include "postgres.h"
#include "access/attnum.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"
#include "citus/base/types.h"

struct RelationData;
struct Trigger;

typedef enum DistTableKind
{
	DIST_TABLE_HASH,			/* partmethod h */
	DIST_TABLE_SINGLE_SHARD,	/* partmethod n, repmodel s, group <> 0 (schema tables too) */
	DIST_TABLE_REFERENCE,		/* partmethod n, repmodel t */
	DIST_TABLE_LOCAL,			/* partmethod n, repmodel s, group 0: managed local */
	DIST_TABLE_APPEND,			/* partmethod a */
	DIST_TABLE_RANGE			/* partmethod r */
} DistTableKind;

typedef struct Placement
{
	PlacementId id;
	GroupId		groupId;
} Placement;

typedef struct Shard
{
	ShardId		id;
	Oid			relid;			/* shell */
	int			index;			/* position in DistTable.shards; equal in colocated tables */
	bool		hasRange;		/* false: keyless */
	int32		minToken;		/* inclusive, when hasRange */
	int32		maxToken;
	int			nplacements;
	Placement  *placements;		/* ordered by placement id */

	/* of catalog_shard_qualified_name() */
	MemoryContext context;		/* NULL: nothing is kept */
	char	   *qualifiedName;	/* may be NULL */
	uint64		namedAt;		/* names of schemas have not changed since, if this is current */
} Shard;

typedef struct DistTable
{
	Oid			relid;
	DistTableKind kind;
	char		partMethod;
	char		replicationModel;
	bool		autoConverted;
	ColocationId colocationId;

	/* valid for tables with a key (hash, range, append) */
	AttrNumber	keyAttno;		/* InvalidAttrNumber when keyless */
	Oid			keyType;
	int32		keyTypmod;
	Oid			keyCollation;

	int			nshards;
	Shard	  **shards;			/* by minToken; ids ascending when keyless */
} DistTable;

/* a table whose rows are the same on every node, or of which there is one shard */
#define DIST_TABLE_HAS_KEY(t) ((t)->keyAttno != InvalidAttrNumber)

typedef struct ClusterNode
{
	NodeId		id;
	GroupId		groupId;
	char	   *name;
	int			port;
	char	   *rack;
	bool		hasMetadata;
	bool		isActive;
	char		role;			/* 'p' primary, 's' secondary, 'u' unavailable */
	char	   *cluster;
	bool		metadataSynced;
	bool		shouldHaveShards;
	bool		isClone;
	NodeId		primaryNodeId;
} ClusterNode;

typedef struct ColocationGroup
{
	ColocationId id;
	int			shardCount;
	int			replicationFactor;
	Oid			keyType;
	Oid			keyCollation;
} ColocationGroup;

extern void catalog_init(void);

/* ---- reading tables and shards ---- */

/* NULL when relid is not known to the extension (fast negative cache) */
extern const DistTable *catalog_table_get(Oid relid);
extern bool catalog_table_is_known(Oid relid);
/* true when rows are kept more than once: their places, and the nearest copy, differ */
extern bool catalog_table_has_copies(const DistTable *table);
/* NULL when there is no such shard */
extern const Shard *catalog_shard_get(ShardId shardId);
/* false when no table has shards; once true, true for the rest of the session */
extern bool catalog_has_shards(void);
/* oids of all known tables, partitions too, ascending; then those of one group */
extern List *catalog_table_oids(void);
extern List *catalog_colocated_tables(ColocationId colocationId);

/* true if relation (table, index, sequence, toast ...) is or belongs to a shard on this node;
 * *shardId and *shellRelid are set if not NULL */
extern bool catalog_relation_is_shard(Oid relid, ShardId *shardId, Oid *shellRelid);

/* true when this session must not see relations of shards in pg_class */
extern bool catalog_hides_shards(void);
/* citus.enable_manual_changes_to_shards: statements of clients may write to shards by name */
extern bool catalog_shard_changes_allowed(void);

/* the naming rule: behaviour.md section 2.  Palloc'd; catalog_shard_name is schema-qualified and
 * quoted, catalog_shard_relname and catalog_extend_name are bare */
extern char *catalog_extend_name(const char *name, ShardId shardId);
/*
 * Of any relation; all raise 42P01 where it does not exist (any more).  Names are palloc'd; the
 * qualified one is quoted.
 */
extern char *catalog_relation_name(Oid relid);
extern char *catalog_qualified_name(Oid relid);
extern Oid	catalog_relation_owner(Oid relid);

extern char *catalog_shard_relname(const Shard *shard);
extern char *catalog_shard_qualified_name(const Shard *shard);

/* ---- foreign keys that act on the node that runs a statement (actions.c) ---- */

/* true for a trigger by which a foreign key notices changes of rows that it refers to */
extern bool catalog_trigger_is_referenced(const struct Trigger *trigger);
/*
 * OIDs of tables whose foreign keys to the (open) relation act here; a List in the current context.
 * Tables whose triggers that depends on are added to *looked, which may be NULL.  Takes ACCESS
 * SHARE locks on them.
 */
extern List *catalog_acting_here(struct RelationData *relation, List **looked);

/* ---- foreign keys that only another node knows (watches.c) ---- */

/* Watch: what a trigger is about by which such a key notices changes of the rows it refers to */
typedef struct Watch
{
	GroupId		groupId;		/* of the node that knows the key */
	const char *key;			/* as that node tells it, in the trigger's memory */
	Oid			constraint;		/* there */
	char		action;			/* FKCONSTR_ACTION_ of the trigger's event */
	Oid			relid;			/* the relation that has the trigger, and is referenced */
	int			ncolumns;
	AttrNumber	columns[INDEX_MAX_KEYS];	/* of it */
} Watch;

/* the function of such triggers */
extern Oid	catalog_watch_function(void);
extern bool catalog_trigger_is_watch(const struct Trigger *trigger);
extern void catalog_watch_read(const struct Trigger *trigger, Watch *watch);
/*
 * Those by which keys of other nodes watch the (open) relation or its parents: List of Trigger * in
 * the current context.
 */
extern List *catalog_watches(struct RelationData *relation);
/* the keys of a group that watch the relation itself: List of String; oids of their triggers */
extern List *catalog_watch_keys(struct RelationData *relation, GroupId groupId,
								List **triggerIds);

/*
 * The way back, for errors: a name, or all quoted names of a text, as the user gave them;
 * palloc'd, or the argument where there is nothing to change.  mayRead: the catalogs may be read;
 * if not, only shards that the session has met are recognised.
 */
extern char *catalog_user_name(char *shardName, bool mayRead);
extern char *catalog_user_text(const char *text, bool mayRead);

/* pg_dist_partition.partkey text <-> attribute number */
extern char *catalog_partkey_text(Oid relid, AttrNumber attno);

/* ---- reading nodes and groups ---- */

extern GroupId catalog_local_group(void);
extern NodeId catalog_local_node_id(void);	/* 0 if not in metadata */
extern bool catalog_is_coordinator(void);	/* local group is 0 */
/* all rows ordered by node id */
extern List *catalog_nodes(void);
/* active primaries; in order of (name, port) */
extern List *catalog_active_primaries(void);
/* active primaries with shouldHaveShards, ordered by (name, port): the data nodes */
extern List *catalog_data_nodes(void);
extern const ClusterNode *catalog_node_find(const char *name, int port);
extern const ClusterNode *catalog_node_by_id(NodeId id);
/* the active primary of a group; NULL if there is none */
extern const ClusterNode *catalog_node_of_group(GroupId groupId);

extern const ColocationGroup *catalog_colocation_get(ColocationId id);
/* lowest id with these properties, 0 if none; groups of distributed schemas are skipped */
extern ColocationId catalog_colocation_find(int shardCount, int replicationFactor, Oid keyType,
											Oid keyCollation);
/* pg_dist_schema: 0 when the schema is not distributed */
extern ColocationId catalog_schema_colocation(Oid schemaId);

/* ---- writing (this node only) ---- */

typedef struct NodeRow
{
	NodeId		id;
	GroupId		groupId;
	const char *name;
	int			port;
	const char *role;			/* label of enum noderole */
	const char *cluster;
	bool		hasMetadata;
	bool		isActive;
	bool		metadataSynced;
	bool		shouldHaveShards;
	const char *rack;			/* NULL: this and what follows is "default", or stays */
	bool		isClone;
	NodeId		primaryNodeId;
} NodeRow;

extern void catalog_table_insert(Oid relid, char partMethod, AttrNumber keyAttno,
								 ColocationId colocationId, char replicationModel);
extern void catalog_table_delete(Oid relid);	/* its shards and placements too */
extern void catalog_table_set_colocation(Oid relid, ColocationId colocationId);
extern void catalog_table_set_auto_converted(Oid relid, bool autoConverted);
extern void catalog_shard_insert(Oid relid, ShardId shardId, char storage, bool hasRange,
								 int32 minToken, int32 maxToken);
extern void catalog_shard_delete(ShardId shardId);	/* placements too */
extern void catalog_placement_insert(PlacementId id, ShardId shardId, GroupId groupId);
extern void catalog_placement_delete(ShardId shardId, GroupId groupId);
extern void catalog_colocation_insert(const ColocationGroup *group);
extern void catalog_colocation_delete(ColocationId id);
extern void catalog_node_insert(const NodeRow *row);
extern void catalog_node_update(const NodeRow *row);	/* by id */
extern void catalog_node_delete(NodeId id); /* primaries are noted as departed */
extern void catalog_local_group_set(GroupId groupId);

/* next values of our sequences, drawn on this node (the coordinator hands out ids) */
extern ShardId catalog_next_shard_id(void);
extern PlacementId catalog_next_placement_id(void);
extern NodeId catalog_next_node_id(void);
extern GroupId catalog_next_group_id(void);
extern ColocationId catalog_next_colocation_id(void);

/* pg_dist_object: objects kept identical on all nodes */
extern bool catalog_object_is_distributed(const ObjectAddress *address);
extern void catalog_object_insert(const ObjectAddress *address);
extern void catalog_object_delete(const ObjectAddress *address);
extern List *catalog_objects(void);	/* of ObjectAddress * */

/* pg_dist_transaction: commit records of this initiator */
typedef struct CommitRecord
{
	GroupId		groupId;
	char	   *gid;
} CommitRecord;

extern void catalog_commit_records_insert(const CommitRecord *records, int n);
extern void catalog_commit_record_delete(GroupId groupId, const char *gid);
/* of CommitRecord *, read with a fresh snapshot */
extern List *catalog_commit_records(GroupId groupId);

/*
 * Nodes that left and that recovery still has to visit: of ClusterNode * with a group and an
 * address, palloc'd.  catalog_node_delete() notes them.
 */
extern List *catalog_departed_nodes(void);
extern void catalog_departed_note(const ClusterNode *node);
extern void catalog_departed_forget(GroupId groupId);

/* pg_dist_authinfo / pg_dist_poolinfo for a node and role; NULL when there is none */
extern char *catalog_authinfo(NodeId nodeId, const char *role);
extern char *catalog_poolinfo(NodeId nodeId);
/* the secret of the cluster, BASE_SECRET_SIZE bytes, palloc'd; NULL when there is none */
extern unsigned char *catalog_secret(void);
/* with another one by which nodes are known for the time being; mostly NULL */
extern unsigned char *catalog_secrets(unsigned char **second);
extern void catalog_secret_set(const unsigned char *secret, const unsigned char *second);

/* drop every cached entry of this session */
extern void catalog_cache_reset(void);

#endif
