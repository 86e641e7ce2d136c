/*
 * tables_internal.h
 *	  What the files of the tables module share.
 */
#ifndef CITUS_TABLES_INTERNAL_H
#define CITUS_TABLES_INTERNAL_H

#include "postgres.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/relcache.h"
#include "citus/base/lifecycle.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"

/* ---- settings ---- */

extern int	tables_shard_count;
extern int	tables_shard_replication_factor;

/* ---- ShardLayout: which shards a new table gets, and where (tables_layout.c) ---- */

typedef struct ShardLayout
{
	char		partMethod;
	char		replicationModel;
	AttrNumber	keyAttno;
	ColocationId colocationId;	/* 0: the kind has no group */
	bool		newGroup;		/* the group's row is still to be made */
	ColocationGroup group;		/* valid when newGroup */
	const DistTable *model;		/* a table of the group: same ranges and nodes; or NULL */
	int			nshards;		/* 0: range and append tables start without */
	List	  **groupIds;		/* per shard: IntList of the groups that get a copy */
} ShardLayout;

/*
 * Decides the layout for a checked table.  May take the advisory lock on making a default group;
 * raises what the spec lists for shard_count and colocate_with.
 */
extern ShardLayout *tables_layout_choose(const TableSpec *spec, AttrNumber keyAttno);
/* the same layout for a partition of an already known table */
extern ShardLayout *tables_layout_like(const DistTable *model, AttrNumber keyAttno);
/*
 * Puts the rows for relid under layout into pg_dist_* of all nodes.  Shard ids are drawn here, in
 * the order of the ranges, but where a shard takes over those of the table as it was (former, or
 * NULL).
 */
extern void tables_layout_record(Oid relid, const ShardLayout *layout, bool autoConverted,
								 const DistTable *former);
/* pg_dist_partition.autoconverted on all nodes */
extern void tables_set_auto_converted(Oid relid, bool autoConverted);
/* removes the row of a group that has no table any more, on all nodes */
extern void tables_colocation_drop_if_empty(ColocationId colocationId);

/* ---- constraints (tables_constraints.c) ---- */

/*
 * Calls visit for the foreign keys (rows of pg_constraint) of relid, referencing others (outgoing)
 * or referenced by others; those that partitions inherit are left out.
 */
typedef void (*ForeignKeyVisitor) (HeapTuple tuple, void *context);
extern void tables_visit_foreign_keys(Oid relid, bool outgoing, ForeignKeyVisitor visit,
									  void *context);
/* what a group's keys (List of String) that reference the relation are, for this node's shell */
extern void tables_set_watches(Oid relid, GroupId groupId, List *keys);
/* the same of this node's keys, as they are (List of String) */
extern List *tables_key_descriptions(Oid relid);
/* the relation is not distributed any more */
extern void tables_unwatch(Oid relid);

/* a foreign key that is not in the catalogs for a while */
typedef struct TakenKey
{
	Oid			relid;			/* whose it is */
	char	   *name;
	char	   *text;			/* ALTER TABLE .. ADD CONSTRAINT */
	char	   *comment;		/* or NULL */
} TakenKey;

/* ALTER TABLE .. ADD CONSTRAINT of a plain table, as the server does it */
extern void tables_add_constraint(const char *text);
/*
 * For the node that alters the referenced table: takes off (List of TakenKey *), raises 0A000 for
 * keys that cannot be checked here; puts back without a check, as one that holds (OID), and tells
 * which table it references.
 */
extern List *tables_take_off_own_keys(Oid relid, List *columns);
extern Oid	tables_put_back_own_key(const TakenKey *key, Oid *referenced);
/* raises 23503 when rows of the node's key refer to nothing; quotes what the user may read */
extern void tables_check_far_key(const ClusterNode *node, Oid constraintId, Oid referenced,
								 const char *user);

/* true when a plain table references a distributed one */
extern bool tables_key_is_one_sided(HeapTuple tuple);

/*
 * Takes from a foreign key of a shard, not yet changed for it, what would change the distribution
 * column of rows there: it is done elsewhere (executor's actions.c), and the shard makes sure that
 * it is.
 */
extern void tables_leave_actions_on_key(Oid shell, Constraint *constraint);

/* ---- checks (tables_check.c) ---- */

/* relkind, persistence, inheritance, ownership ... of a table that is to become known */
extern void tables_check_relation(Relation rel, DistTableKind kind);
/* the number of the key column; raises if it cannot be one */
extern AttrNumber tables_check_key(Relation rel, const char *keyColumn);
/* raises HV00J when a shard of a foreign table would not read what the table reads */
extern void tables_check_foreign(Oid relid);
/* raises 42809 when rel is a partition or child, which becomes known with its parent */
extern void tables_refuse_partition(Relation rel);
/* a partition, or a child by INHERITS */
extern bool tables_is_member(Oid relid);
/* makes own parts of a child shard those of its shell; tables_inherits.c */
extern void tables_mirror_own_parts(const Shard *shard);
/* what a check constraint of the shell is called on the shard; tables_rewrite_names.c */
extern char *tables_constraint_name(const Shard *shard, const char *name);
/* transitive closure of both, relid first */
extern List *tables_linked(Oid relid);
/* raises 42501 */
extern void tables_require_owner(Oid relid);

/* ---- rows (tables_data.c) ---- */

/* copies the rows of the shell's own heap to the shards; number of rows */
extern uint64 tables_data_push(Oid relid);
/*
 * HeldRows: the rows of a table's shards, kept by this node while the shards are replaced.  Lives
 * in the context that is current when they are read; NULL for a table that has no rows of its own.
 */
typedef struct HeldRows HeldRows;
extern HeldRows *tables_data_hold(Oid relid);
/* puts them into the shards that the table has now, and frees them; their number */
extern uint64 tables_data_release(HeldRows *held);
/* replaces the shell's own heap by the rows of the shards */
extern uint64 tables_data_pull(Oid relid);
/* empties the shell's own heap and indexes */
extern void tables_data_clear(Oid relid);
extern bool tables_heap_is_empty(Oid relid);

/* ---- shard DDL (tables_shard_ddl.c) ---- */

/* deparse_table_ddl(relid, parts) on the shards of relid */
extern void tables_shard_ddl_parts(Oid relid, int parts);
/* executes one raw statement of ours, as a subcommand, as the current user */
extern void tables_execute_utility(Node *statement, const char *text);
/* the same for a text of one statement */
extern void tables_execute_text(const char *text);

/* indexes on partitions of a shard get the names that their shells' have, and their shard's id */
extern void tables_repair_partition_names(const Shard *shard);

/* ---- values for rows that are there (tables_fill.c, tables_fill_run.c) ---- */

/* FillPiece: values of a series that go to the rows of one shard */
typedef struct FillPiece
{
	ShardId		shardId;
	NumberRun	run;
} FillPiece;

/* FillSeries: what one call of nextval() gives, a value a row */
typedef struct FillSeries
{
	Oid			sequence;
	bool		checkRights;
	bool		drawn;
	List	   *pieces;			/* of FillPiece *, in the order in which rows get them */
} FillSeries;

/* FillValues: an expression computed on the planning node, a value a row, shard by shard */
typedef struct FillValues
{
	Node	   *expression;
	bool		computed;
	int64		count;
	char	  **texts;			/* NULL for NULL */
} FillValues;

struct TableFills
{
	Oid			relid;
	List	   *columns;		/* of char * */
	List	   *expressions;	/* of char *: what shards compute for them */
	List	   *series;			/* of FillSeries * */
	List	   *values;			/* of FillValues * */
	int64	   *counts;			/* rows of each shard of the table, once drawn */
};

extern TableFills *tables_fills_of_shard(const TableFills *fills, const DistTable *table,
										 int index);

extern bool tables_extend_names_filled(Node *statement, const Shard *shard, List **names,
									   const TableFills *fills, Node **after);
/* the expression that replaces a column's own while a shard is altered, raw; NULL when none does */
extern Node *tables_fill_expression(const TableFills *fills, const char *column);

/*
 * Between the two calls fill_number() and fill_text() give values for shard, row after row; ranks
 * (or NULL) say which one the row at each place of a scan gets.  The second belongs into a
 * PG_FINALLY block.
 */
extern void tables_fill_run_begin(const TableFills *fills, const Shard *shard, int64 *ranks);
extern void tables_fill_run_end(void);
/* of a shard that is here; its partitions' rows included */
extern int64 tables_shard_row_count(const Shard *shard);
/* the place of each row of a scan, 0 .. count - 1, in an order that all copies have in common */
extern int64 *tables_fill_ranks(const Shard *shard, int64 count);
/* rows of a shard that is here, or the same as rows of its shell, in the order of a rewrite */
typedef struct TableFillScan TableFillScan;
extern TableFillScan *tables_fill_scan_begin(const Shard *shard, bool asShell);
extern TupleTableSlot *tables_fill_scan_next(TableFillScan *scan);	/* NULL at the end */
extern void tables_fill_scan_end(TableFillScan *scan);
/* as arguments of citus_internal.apply_shard_ddl() */
extern void tables_fills_append(StringInfo sql, const TableFills *fills);
extern TableFills *tables_fills_of_arguments(FunctionCallInfo fcinfo, int first);

/* ---- dropping (tables_drop.c) ---- */

/* qualified names of the shards of relid's metadata that have a placement in group */
extern List *tables_shard_names(const DistTable *table, const char *schemaName,
								const char *relationName);
/* all shards of a table, but not the table; their number.  Names as of the shell's present name */
extern int	tables_drop_all_shards(const DistTable *table, const char *schemaName,
								   const char *relationName, bool metadataOnly);

/* ---- creating and going back (tables_create.c, tables_undistribute.c) ---- */

extern void tables_create_local(Oid relid, bool cascadeViaForeignKeys);
/* one table and its partitions, whatever foreign keys say */
extern void tables_make_plain(Oid relid);
/*
 * Metadata and shards of a family whose shells are there, with held rows (of HeldRows *); former:
 * the family as it was (of const DistTable *)
 */
extern void tables_lay_out_again(Oid relid, ShardLayout *layout, List *held, List *former);
/* its shards and metadata, everywhere; not the shells */
extern void tables_drop_shards_of_family(List *family);
/* AccessExclusiveLock on the shells of all nodes; action is for the error when they are in use */
extern void tables_lock_everywhere(List *family, const char *action);
/*
 * Forced row-level security would hide rows from their owner: off on the shell and on shards that
 * are about to go.  True if the shell is to be protected again, by the other function.
 */
extern bool tables_suspend_row_security(Oid relid);
extern void tables_resume_row_security(Oid relid);

extern void tables_forget_links(LifecycleEvent event, SubTransactionId subid,
								SubTransactionId parent);

/* ---- another layout (tables_relayout.c, tables_alter.c) ---- */

/* Relayout: one table, with its family, on its way to another layout */
typedef struct Relayout
{
	Oid			relid;
	List	   *family;			/* oids, relid first */
	ShardLayout *layout;		/* the new one, of relid; the caller sets it */
	ColocationId oldGroup;
	List	   *held;			/* of HeldRows *, while it runs */
	List	   *former;			/* of const DistTable *: the family as it was */
} Relayout;

extern Relayout *tables_relayout_make(Oid relid);
/* the number of the new key in a member of the family */
extern AttrNumber tables_relayout_key(const Relayout *relayout, Oid member);
/* raises what create_distributed_table() would, of constraints that the new layout cannot keep */
extern void tables_relayout_check(const Relayout *relayout);
/*
 * Lays all of them (of Relayout *) out; those of one new group with the one that makes it first.
 * Shells are locked everywhere.  keyLeaves: foreign keys to other distributed tables do not come
 * back.
 */
extern void tables_relayout_run(List *relayouts, bool keyLeaves);

/* AlterSpec: the arguments of alter_distributed_table() */
typedef struct AlterSpec
{
	Oid			relid;
	const char *keyColumn;		/* NULL: not given */
	bool		hasShardCount;
	int			shardCount;
	const char *colocateWith;	/* NULL: not given */
	bool		hasCascade;
	bool		cascade;
} AlterSpec;
extern void tables_alter(const AlterSpec *spec);

/* foreign keys (oids) for which tables_check_constraints() would raise an error */
extern List *tables_refused_foreign_keys(Oid relid, AttrNumber keyAttno, DistTableKind kind,
										 ColocationId colocationId);

/* ---- the rest ---- */

extern void tables_update_colocation(Oid relid, const char *colocateWith);
extern void tables_remove_local(void);
extern void tables_truncate_leftovers(Oid relid);
extern List *tables_check_consistency(void);
/* citus.local_hostname and this server's port become the coordinator's row, if there is none */
extern void tables_ensure_local_node(void);

/* a known table one of whose policies (its name: *policy) reads relid, or InvalidOid */
extern Oid	tables_policy_user(Oid relid, char **policy);

#endif
