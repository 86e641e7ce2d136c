/*
 * cluster_internal.h
 *	  What the files of cluster share.
 */
#ifndef CLUSTER_CLUSTER_INTERNAL_H
#define CLUSTER_CLUSTER_INTERNAL_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "citus/cluster/cluster.h"
#include "citus/txn/txn.h"

/* citus.enable_metadata_sync: off keeps objects and metadata on this node */
extern bool cluster_enable_metadata_sync;

/* ---- run.c ---- */

/* sends to all, collects from all, raises the first error; NIL unless rows are kept */
extern List *cluster_run_lists(List *nodes, List *commandLists, TxnUse use, bool keepRows);
/* one statement as the extension's owner, outside the transaction, on every node of the list */
extern void cluster_run_alone_as_owner(List *nodes, List *commands);

/* ---- nodeset.c ---- */

extern void cluster_lock_node_list_here(bool exclusive);

/* ---- secret.c ---- */

/* queries the node; what gives it the secret of the cluster */
extern char *cluster_secret_command(const ClusterNode *node);

/* ---- objects.c: objects by names that mean the same everywhere ---- */

/* false when the object does not exist (any more) */
extern bool cluster_object_name(const ObjectAddress *address, char **type, List **names,
								List **args);
/* type, names and args as three SQL literals, separated by commas; false as above */
extern bool cluster_object_literals(const ObjectAddress *address, char **type, char **names,
									char **args);
/* the statement that makes the object on another node unless it is there; NULL if none can */
extern char *cluster_object_create_command(const ObjectAddress *address);
/* of the current user; not for roles */
extern bool cluster_object_is_owned(const ObjectAddress *address);
extern char *cluster_collation_name(Oid collation);

/* ---- objects_sql.c ---- */

/*
 * Deletes metadata of what does not exist any more: a role may have been dropped in another
 * database of the server, where nobody knows of it.
 */
extern void cluster_forget_dropped(void);

/* ---- delta.c ---- */

/* the statements that apply a delta on another node */
extern List *cluster_delta_commands(MetadataDelta *delta);

/* ---- activation.c ---- */

/* digest of the statements that make the table's shell */
extern char *cluster_shell_digest(Oid relid);

/* ---- sequences.c ---- */

/* sequences that columns of the table own or use in defaults */
extern List *cluster_table_sequences(Oid relid);
extern bool cluster_sequence_position(Oid sequenceId, int64 *position);
extern char *cluster_sequence_position_command(const ObjectAddress *address);

/* ---- draw.c ---- */

/* the next values of a sequence as it is here; List of NumberRun * */
extern List *cluster_draw_numbers_here(Oid sequenceId, int64 count, bool checkRights);
/* the same; fewer, but at least one, when the sequence ends before */
extern List *cluster_draw_block_here(Oid sequenceId, int64 count, bool checkRights);
/* may the current user insert into some column of a table? */
extern bool cluster_may_draw_identity(Oid relid);

/* ---- cluster_sql.c ---- */

/* the row of a new group, on this node */
extern void cluster_put_colocation(const ColocationGroup *group);
/*
 * The elements of an array argument of type int4, int8 or text; how many.  Raises 22004 for a
 * null element when nulls is NULL.
 */
extern int	cluster_array_arg(ArrayType *array, Oid type, Datum **values, bool **nulls);

#endif
