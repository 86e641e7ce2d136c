/*
 * tables.h
 *	  Life of distributed tables and their shards.
 */
#ifndef CITUS_TABLES_TABLES_H
#define CITUS_TABLES_TABLES_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "citus/catalog/catalog.h"

extern void tables_init(void);

/* settings that DDL on known tables goes by, too */
extern bool tables_allow_unsafe_constraints;
extern bool tables_enable_local_reference_fks;

/* what is asked for; see create_distributed_table in the spec */
typedef struct TableSpec
{
	Oid			relid;
	DistTableKind kind;
	const char *keyColumn;		/* NULL: keyless */
	const char *colocateWith;	/* "default", "none" or a table name; NULL: "default" */
	int			shardCount;		/* 0: not given */
	int			replicationFactor;	/* 0: citus.shard_replication_factor */
	bool		autoConverted;
} TableSpec;

/* plain (or managed local) table -> the kind asked for; copies its rows.  Checks ownership. */
extern void tables_create(const TableSpec *spec);
/* the way back */
extern void tables_undistribute(Oid relid, bool cascadeViaForeignKeys);

/*
 * Before the distribution column of a hash-distributed table and its family is dropped: all rows
 * go into a single shard.  Raises 0A000 for tables distributed by append or range.
 */
extern void tables_drop_key(Oid relid);
/* a table, its partitions and children of all levels, itself first */
extern List *tables_family(Oid relid);
/* the topmost (first) parent of a partition or child, or relid */
extern Oid	tables_root(Oid relid);
/* raises what create_distributed_table() would, of a column that has got another type */
extern void tables_check_new_key(Oid relid, const char *keyColumn);
/*
 * After the type of the distribution column has changed, in shells and shards: metadata follow, and
 * rows are where their keys' hashes say.  valuesChanged: false when no row has another key.
 */
extern void tables_rehash(Oid relid, const char *keyColumn, bool valuesChanged);
/* the same for families (their roots) whose keys' hashes have changed, but not their type */
extern void tables_rehash_all(List *relids);

/*
 * Makes a plain partition or child (INHERITS) that has just been created for, or attached to, a
 * known table on this node known too, with those below it: same kind, colocated with its parent,
 * rows moved to its shards.  Does nothing for other tables.
 */
extern void tables_add_member(Oid relid);
/*
 * The same for a plain table with rows before it is attached to a parent that has foreign keys: the
 * shards then find out whether the rows keep them, which the server would do here, where neither
 * the referenced rows are nor, in the end, these.  False when the table has to be attached first.
 */
extern bool tables_add_partition_first(Oid relid, Oid parentId);

/*
 * Empties what the shell of a known table and its partitions still hold from before they were
 * distributed, so that the server does not validate or index rows that are nobody's any more.
 * Takes AccessExclusiveLock where there is something.
 */
extern void tables_forget_local_rows(Oid relid);

/*
 * Shard DDL.  Each text is one utility statement as the user (or deparse_table_ddl) wrote it,
 * names are the names chosen for what they leave unnamed, in the order in which
 * tables_choose_names() meets them.  Sent to every node with a placement of the table's shards;
 * there every shard's id is appended to the names of relations, indexes, constraints, triggers and
 * statistics (other known relations get their shard of the same index, or their only one).
 *
 * The shell may have been altered already, here and there, or not: both are understood.
 */
extern void tables_run_shard_ddl(const DistTable *table, List *texts, List *names,
								 const char *searchPath);
/*
 * TableFills: what rows that are there already get when columns come or change, where their shards
 * must not compute it by themselves.  Add columns with their expressions (of the shell; NULL is
 * none), draw when the shells are locked, then alter the shards.
 */
typedef struct TableFills TableFills;

extern TableFills *tables_fills_make(Oid relid);
extern void tables_fills_add(TableFills *fills, const char *column, Node *expression);
extern void tables_fills_draw(TableFills *fills);
/* tables_run_shard_ddl() with fills */
extern void tables_run_filled_shard_ddl(const DistTable *table, List *texts, List *names,
										const char *searchPath, const TableFills *fills);

/*
 * Rewrites a raw statement in place for one shard; *names is consumed.  False: nothing of the
 * statement concerns shards.
 */
extern bool tables_extend_names(Node *statement, const Shard *shard, List **names);

/*
 * Fills in, in the raw statement, the names that the server would choose for unnamed constraints
 * and indexes of an ALTER TABLE, CREATE INDEX or CREATE STATISTICS statement on relid, by the
 * server's own rules; the names in order (List of char *).
 */
extern List *tables_choose_names(Node *statement, Oid relid);

/*
 * To be called when a utility statement of a client is done: tables that are managed only because
 * of foreign keys which the statement dropped become plain again.
 */
extern void tables_after_statement(void);

/* raises 0A000 when a sub-query of a policy on a known table could not be answered by each shard */
extern void tables_check_policies(Oid relid);

/* DROP TABLE IF EXISTS ... CASCADE here, quietly; names are qualified and quoted */
extern void tables_drop_relations(List *names);
/* drops shards (all placements) and metadata of a table that is being dropped everywhere */
extern void tables_drop(Oid relid, const char *schemaName, const char *relationName);

/* tables that foreign keys of relid point to / that point to relid, without itself; no locks */
extern List *tables_referenced(Oid relid);
extern List *tables_referencing(Oid relid);

/*
 * Plain tables may reference distributed ones.  All nodes are told of foreign keys of this node's
 * plain tables, so that they ask it when they change rows (catalog's watches.c): those that
 * reference relid; all that relid has; all there are, after some have been dropped.  What nodes
 * know already is not sent.  Locks shells that change (SHARE ROW EXCLUSIVE) on all nodes.
 */
extern void tables_watch(Oid relid);
extern void tables_watch_referenced(Oid relid);
extern void tables_watch_again(void);

/* triggers (OIDs) of this node's shells by which keys of a name watch that others know */
typedef struct WatchedName
{
	List	   *triggers;
	bool		deferrable;		/* some key may be deferred */
} WatchedName;

extern WatchedName tables_watches_of_name(const char *schema, const char *name);
/* true when the table has a foreign key to a distributed one */
extern bool tables_references_distributed(Oid relid);
/* raises 2BP01 when a plain table of another node references the table */
extern void tables_refuse_watched(Oid relid);
/* raises 23503 when rows of plain tables, of any node, refer to the partition by a parent's key */
extern void tables_check_detached(Oid parentId, Oid partition);
/*
 * Drops foreign keys of plain tables of this node to columns (char *) of a distributed table or its
 * family that get another type, and creates them again, which raises what ALTER TABLE would.
 */
extern List *tables_take_off_local_keys(Oid relid, List *columns);
extern void tables_put_back_local_keys(List *keys);
/* the same for those of plain tables of other nodes */
typedef struct FarKeys FarKeys;

extern FarKeys *tables_take_off_far_keys(Oid relid, List *columns);
extern void tables_put_back_far_keys(FarKeys *far);

/*
 * Checks that a table's constraints (as they stand in the catalogs now) can be kept when
 * distributed by key; raises 0A000 / 42P16.  colocationId INVALID_COLOCATION_ID: a new group.
 */
extern void tables_check_constraints(Oid relid, AttrNumber keyAttno, DistTableKind kind,
									 ColocationId colocationId);

#endif
