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

/* what is asked for; see create_distributed_table in the spec */
typedef struct TableSpec
{
	Oid			relid;
	DistTableKind kind;
	const char *keyColumn;		/* NULL: keyless */
	const char *colocateWith;	/* "default", "none" or a table name */
	int			shardCount;		/* 0: not given */
	bool		autoConverted;
} TableSpec;

/* plain (or managed local) table -> the kind asked for; copies its rows.  Checks ownership. */
extern void tables_create(const TableSpec *spec);
/* the way back */
extern void tables_undistribute(Oid relid, bool cascadeViaForeignKeys);

/*
 * Shard DDL.  text is one utility statement as the user (or deparse_table_ddl) wrote it, names are
 * the names chosen for what it leaves unnamed, in the order of tables_unnamed_objects(). Sent to
 * every placement of the table's shards; there, tables_apply_shard_ddl() parses it, extends
 * relation, index, constraint, trigger and statistics names with the shard's id (other known
 * relations get their shard of the same index, or their only one) and executes it.
 */
extern void tables_run_shard_ddl(const DistTable *table, List *texts, List *names,
								 const char *searchPath);
/* rewrites a raw statement in place for one shard of table; names is consumed */
extern void tables_extend_names(Node *statement, const Shard *shard, List *names);

/*
 * Fills in the names that the server would choose for unnamed constraints and indexes of an ALTER
 * TABLE or CREATE INDEX statement, by the server's own rules; the names in order (List of char *).
 */
extern List *tables_choose_names(Node *statement, Oid relid);

/* drops shards (all placements) and metadata of a table that is being dropped everywhere */
extern void tables_drop(Oid relid, const char *schemaName, const char *relationName);

/* checks that a table's constraints can be kept when distributed by key; raises 0A000 / 42P16 */
extern void tables_check_constraints(Oid relid, AttrNumber keyAttno, DistTableKind kind,
									 ColocationId colocationId);

#endif
