/*
 * commands_internal.h
 *	  What the files of the module share: commands, steps, handlers.
 */
#ifndef CITUS_COMMANDS_INTERNAL_H
#define CITUS_COMMANDS_INTERNAL_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"
#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/commands/commands.h"

/*
 * Command: one utility statement on its way.  It lives in the memory context that was current
 * when the statement came in (the portal's), which survives statements that commit on their own.
 */
typedef struct Command
{
	UtilityCall *call;
	Node	   *statement;		/* writable copy: what STEP_LOCAL runs */
	const char *text;			/* the statement's text for other nodes and shards */
	const char *ownText;		/* the same as the user wrote it ... */
	int			textStart;		/* ... at this place of the query string */
	List	   *edits;			/* what text.c has changed in it */
	bool		internal;		/* another node's session */
	bool		propagates;		/* DDL may leave this node */
} Command;

typedef enum CommandStepKind
{
	STEP_LOCAL,					/* the statement, by the server (and the hooks after ours) */
	STEP_DEPENDENCIES,			/* what address depends on exists on all nodes */
	STEP_NODES,					/* texts on all other nodes */
	STEP_SHARDS,				/* texts on every placement of every shard of relid */
	STEP_CALL,					/* run(command, argument) */
	STEP_ALONE					/* the same, where the transaction may end inside */
} CommandStepKind;

typedef struct CommandStep
{
	CommandStepKind kind;
	List	   *texts;			/* NODES, SHARDS: of char * */
	Oid			relid;			/* SHARDS: a table known to the catalog */
	List	   *names;			/* SHARDS: of tables_choose_names() */
	ObjectAddress address;		/* DEPENDENCIES */
	void		(*run) (Command *command, void *argument);
	void	   *argument;
} CommandStep;

/*
 * CommandHandler: how one kind of statement is handled.  steps() looks, checks, takes locks on this
 * node, changes nothing but command->statement, and returns NIL when the statement is none of our
 * business.
 */
typedef struct CommandHandler
{
	NodeTag		tag;
	bool		always;			/* also in internal sessions and with propagation off */
	List	   *(*steps) (Command *command);
} CommandHandler;

/* handlers.c: NULL when there is none */
extern const CommandHandler *commands_handler_find(NodeTag tag);

/* ---- steps.c ---- */

extern CommandStep *commands_step_local(void);
/* the same for a statement that changes a known table: nothing of the cluster is read for it */
extern CommandStep *commands_step_local_shell(Oid relid);
/* what that step does */
extern void commands_alter_shell(Command *command, Oid relid);
extern CommandStep *commands_step_dependencies(Oid classId, Oid objectId);
extern CommandStep *commands_step_nodes(const char *text);
extern CommandStep *commands_step_shards(Oid relid, const char *text, List *names);
extern CommandStep *commands_step_call(void (*run) (Command *command, void *argument),
									   void *argument);
extern CommandStep *commands_step_alone(void (*run) (Command *command, void *argument),
										void *argument);
extern void commands_run_steps(Command *command, List *steps);
/* statements on all other nodes, without their notices */
extern void commands_run_on_nodes(List *texts);
/* the statement, by the server, with next's hooks; keeps the memory context */
extern void commands_run_local_statement(Command *command, Node *statement, QueryCompletion *qc);

/* ---- messages.c: dependent objects are told without shards ---- */

/* between the two, for notices; false, and no end, when there are no shards */
extern bool commands_messages_begin(void);
extern void commands_messages_end(void);
/* in place of the end, in PG_CATCH(): raises the error again; context survives the statement */
extern void commands_messages_rethrow(MemoryContext context) pg_attribute_noreturn();

/* ---- text.c ---- */

extern void commands_cut_text(Command *command);
extern void commands_qualify_text(Command *command, List *names);
extern void commands_name_index_in_text(Command *command, const char *name);
extern void commands_drop_concurrently_in_text(Command *command, const RangeVar *name);
/* for the other nodes: sequences that the statement has made here, by their names */
extern void commands_spell_serial_in_text(Command *command, const TypeName *type, Oid sequence);
extern void commands_name_identity_in_text(Command *command, const Constraint *identity,
										   Oid sequence);

/* ---- settings, commands.c ---- */

typedef enum ObjectPropagation
{
	OBJECTS_DEFERRED,
	OBJECTS_AUTOMATIC,
	OBJECTS_IMMEDIATE
} ObjectPropagation;

extern bool commands_create_type_propagation;
extern bool commands_create_role_propagation;
extern bool commands_alter_role_propagation;
extern bool commands_alter_role_set_propagation;
extern bool commands_use_managed_tables;
extern bool commands_alter_database_owner;
extern int	commands_object_propagation;

/* ---- relations, relations.c ---- */

/* relation by name without a lock; InvalidOid when it does not exist; refuses shards (see below) */
extern Oid	commands_relation_find(Command *command, const RangeVar *name);
/* raises 42501 when relid is a shard and the client may not touch it by hand */
extern void commands_refuse_shard(Command *command, Oid relid);
/* the known table that a table, index (of any kind) or statistics' relation stands for, or NULL */
extern const DistTable *commands_table_of_relation(Oid relid);
/* raises 42501 the way the server does */
extern void commands_require_owner(Oid relid);
/* of what a node says was wrong: the node's own, or that the node was not reached */
struct ClusterAnswer;
extern int	commands_answer_sqlstate(const struct ClusterAnswer *answer);
/* " CASCADE" or "" */
extern const char *commands_behavior_text(DropBehavior behavior);

/* ---- locks, lock.c ---- */

/* LockScope: which relations a statement locks besides those it names; bits */
typedef enum LockScope
{
	LOCK_ALONE = 0,
	LOCK_CHILDREN = 1,			/* partitions and children, of all levels */
	LOCK_DROPPED_FROM = 2		/* parents, and tables that share a foreign key */
} LockScope;

/*
 * Locks the coordinator's shells, before any other is locked, so that nodes that change one table
 * wait for each other there instead of crosswise.  In the mode in which the statement is going to:
 * who takes a weaker lock first deadlocks with others who did so.  The caller has checked rights.
 */
extern void commands_lock_coordinator_first(List *relids, LOCKMODE mode, int scope);
/* the same for ALTER TABLE: also those that it links with relid, or no longer does */
extern void commands_lock_for_alter(Oid relid, AlterTableStmt *statement);
/* the step that locks the shells of all nodes, the coordinator's first */
extern CommandStep *commands_step_lock_shells(List *relids, LOCKMODE mode, int scope);

/* ---- names of objects, object_lock.c ---- */

/*
 * Locks, on the coordinator and until the end of the transaction, the names of the objects that
 * the statement changes on all nodes.  True when it had to wait: what is known of them is old then.
 */
extern bool commands_lock_names(Command *command);

/* ---- objects, objects.c ---- */

/* keeps the object on all nodes: creates it there, unless it has to stay local */
extern void commands_share_object(const ObjectAddress *address);
extern bool commands_object_is_known(const ObjectAddress *address);
/* every object of addresses known: local, dependencies, own text on the nodes; else NIL */
extern List *commands_steps_for_object(Command *command, const ObjectAddress *address);
/* address of an existing object; InvalidOid inside when there is none */
extern ObjectAddress commands_object_find(ObjectType type, Node *object);
/* SQL word for DROP and GRANT ("TEXT SEARCH CONFIGURATION"), NULL when unknown */
extern const char *commands_object_keyword(ObjectType type);
/* "DROP kind IF EXISTS identity [CASCADE]" */
extern char *commands_drop_text(ObjectType type, const ObjectAddress *address,
								DropBehavior behavior);

/* ---- handlers, by file ---- */

/* table_ddl.c */
extern List *commands_steps_create_table(Command *command);
extern List *commands_steps_create_table_as(Command *command);
/* after CREATE SCHEMA: what a handler does for a table that comes alone */
extern void commands_settle_elements(List *elements, Oid schemaId);
/* after a statement without a handler: watches for foreign keys that it may have made */
extern void commands_watch_unhandled(Node *statement);
/*
 * The statement here, and after it all nodes hear of foreign keys of a plain table to distributed
 * ones; referenced: one that it may get a foreign key to, or InvalidOid.
 */
extern List *commands_steps_to_reference(Oid relid, Oid referenced);
extern List *commands_steps_create_foreign_table(Command *command);
extern List *commands_steps_alter_table(Command *command);
/* known tables of a composite type; what their shards are told when it changes */
extern List *commands_tables_of_type(Oid typeId);
extern List *commands_add_tables_of_type(Command *command, Oid typeId, List *steps);

/* key_change.c: DROP COLUMN and ALTER COLUMN TYPE of the distribution column */
typedef struct KeyChange KeyChange;

/* NULL when the statement does neither; NULL is fine for the others */
extern KeyChange *commands_key_change(const DistTable *table, const AlterTableStmt *statement);
/* steps before the statement runs anywhere; when it has run on this node's shell; at its end */
extern List *commands_steps_before_key_change(KeyChange *change);
extern List *commands_steps_amid_key_change(KeyChange *change);
extern List *commands_steps_after_key_change(KeyChange *change);

/* ---- foreign keys of this node only (local_keys.c) ---- */

typedef struct LocalKeys LocalKeys;

/* those that a statement about the referenced table must not meet; NULL: none */
extern LocalKeys *commands_local_keys(Oid relid, const AlterTableStmt *statement);
/* the statement's steps, with those before and after it that the keys need */
extern List *commands_add_local_keys(LocalKeys *keys, List *steps);

/* key_types.c: the steps of a statement that changes, or drops, types of distribution columns */
extern List *commands_add_rehash(Oid type, List *steps);
extern List *commands_add_dropped_types(List *addresses, List *steps);

/* partitions.c */
extern List *commands_steps_after_detach(Command *command, Oid parentId);
/* alter_checks.c: refuses what cannot hold across shards */
extern void commands_check_alter_table(const DistTable *table, AlterTableStmt *statement);
extern bool commands_type_is_serial(const TypeName *type);

/* defaults.c */

/* TableChange: ALTER TABLE of a known table on its way to shells and shards */
typedef struct TableChange
{
	Oid			relid;
	const char *text;			/* for the shards */
	List	   *names;			/* of tables_choose_names() */
	Node	   *statement;		/* as it came in */
	List	   *added;			/* of ColumnDef *: columns that did not exist before */
	List	   *converted;		/* of AlterTableCmd *: with USING */
	struct TableFills *fills;
} TableChange;

extern TableChange *commands_table_change(Oid relid, const AlterTableStmt *statement,
										  const char *text, List *names);
extern List *commands_steps_before_change(TableChange *change);
extern CommandStep *commands_step_change_shells(TableChange *change,
												const AlterTableStmt *statement);
extern CommandStep *commands_step_change_shards(TableChange *change);
/* rename.c */
extern List *commands_steps_rename(Command *command);
extern List *commands_steps_set_schema(Command *command);
extern List *commands_steps_owner(Command *command);
extern List *commands_steps_depends(Command *command);
extern List *commands_steps_comment(Command *command);
extern List *commands_steps_security_label(Command *command);
/* indexes.c */
extern List *commands_steps_create_index(Command *command);
extern List *commands_steps_reindex(Command *command);
extern List *commands_steps_drop_index(Command *command);
extern List *commands_steps_cluster(Command *command);
/* set_constraints.c */
extern List *commands_steps_set_constraints(Command *command);

/* attached.c: statistics, policies, rules, triggers */
extern List *commands_steps_create_statistics(Command *command);
extern List *commands_steps_alter_statistics(Command *command);
extern List *commands_steps_create_policy(Command *command);
extern List *commands_steps_alter_policy(Command *command);
extern List *commands_steps_create_rule(Command *command);
extern bool commands_has_shared_rules(Oid relid);
extern List *commands_steps_create_trigger(Command *command);
extern List *commands_steps_drop_attached(Command *command);
extern List *commands_steps_drop_statistics(Command *command);
/* true when an extended statistics object is of a known table */
extern bool commands_statistics_is_known(Oid statisticsId);
extern List *commands_steps_for_statistics(Command *command, List *names);
/* drop.c */
extern List *commands_steps_drop(Command *command);
/* drop_extension.c: DROP EXTENSION of the extension itself */
extern List *commands_steps_drop_own_extension(Command *command);
/* objects.c */
/* objects: of PublicationObjSpec */
extern void commands_warn_of_published(List *objects);
extern List *commands_steps_create_object(Command *command);
/* object_alter.c */
extern List *commands_steps_alter_object(Command *command);
extern List *commands_steps_alter_extension(Command *command);
/* sequences.c */
extern List *commands_steps_alter_sequence(Command *command);
extern List *commands_steps_create_sequence(Command *command);
extern Oid	commands_owner_of_sequence(Oid relid);
extern bool commands_fit_alter_table(Oid relid, AlterTableStmt *statement);
extern bool commands_alter_table_needs_fit(const AlterTableStmt *statement);
/* roles.c */
extern void commands_share_roles(List *specs);
extern List *commands_steps_create_role(Command *command);
extern List *commands_steps_alter_role(Command *command);
extern List *commands_steps_alter_role_set(Command *command);
extern List *commands_steps_drop_role(Command *command);
extern List *commands_steps_grant_role(Command *command);
extern List *commands_steps_drop_owned(Command *command);
extern List *commands_steps_database_set(Command *command);
/* grant.c */
extern List *commands_steps_grant(Command *command);
/* truncate.c, lock.c, vacuum.c */
extern List *commands_steps_truncate(Command *command);
extern List *commands_steps_lock(Command *command);
extern List *commands_steps_discard(Command *command);
extern List *commands_steps_vacuum(Command *command);
/* vacuum.c; error unless it is distributed and the caller may ANALYZE it */
extern void commands_require_maintained(Oid relid);
/* vacuum.c, shell_size.c; gathered: its statistics are those of now */
extern void commands_set_shell_size(Oid relid, double pages, double rows, bool gathered);
extern List *commands_shell_sizes(Node *statement);
extern void commands_shell_sizes_restore(List *sizes);
/* own_views.c: the extension's views leave schema public before it goes, return when it comes */
extern void commands_own_views_leave(Node *statement);
extern void commands_own_views_return(Node *statement);
/* statistics.c: statistics of the table's columns from its shards; texts that spread them */
extern bool commands_read_statistics(const DistTable *table, bool alone, List **rows);
extern List *commands_merge_statistics(const DistTable *table, List *rows, double tableRows);
extern List *commands_query_here(const char *sql);
/* copy.c, copy_from.c */
extern List *commands_steps_copy(Command *command);
extern void commands_copy_from(Command *command, void *argument);

#endif
