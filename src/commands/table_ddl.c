/*
 * table_ddl.c
 *	  CREATE TABLE where a known table is involved, and ALTER TABLE.
 *
 * ALTER TABLE goes as text to the shells of the other nodes and to the shards, whatever its
 * subcommands are; alter_checks.c refuses what cannot hold.  Tables that come to be linked to known
 * ones (partitions, foreign keys to reference tables) become known themselves on the way.
 *
 * Dropping tables is not here: the event trigger of the tables module sees every way in which a
 * table can go.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "citus/cluster/cluster.h"
#include "citus/executor/executor.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

/* ---- becoming known ---- */

static char *
key_column_name(const DistTable *table)
{
	if (!DIST_TABLE_HAS_KEY(table))
		return NULL;
	return get_attname(table->relid, table->keyAttno, false);
}

/* an event trigger of the statement may have made it known already */
static void
make_managed(Oid relid, bool automatic)
{
	TableSpec	spec = {0};

	if (catalog_table_is_known(relid))
		return;
	spec.relid = relid;
	spec.kind = DIST_TABLE_LOCAL;
	spec.colocateWith = "default";
	spec.autoConverted = automatic;
	tables_create(&spec);
}

/*
 * A plain table is linked to a reference or managed table by a foreign key of either: it has to
 * become managed, which only the coordinator's tables can.
 */
static void
require_managed_possible(const char *name, Oid known)
{
	if (!tables_enable_local_reference_fks)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create a foreign key between local table \"%s\" and \"%s\"",
						name, get_rel_name(known)),
				 errhint("Set citus.enable_local_reference_table_foreign_keys, or make "
						 "\"%s\" a reference or distributed table.", name)));
	if (!catalog_is_coordinator())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create a foreign key between local table \"%s\" and \"%s\" on a "
						"worker", name, get_rel_name(known)),
				 errhint("Create the table on the coordinator.")));
}

/* ---- foreign keys in raw statements ---- */

static bool
is_spread(const DistTable *table)
{
	return table->kind != DIST_TABLE_REFERENCE && table->kind != DIST_TABLE_LOCAL;
}

/* what a foreign key may point to */
typedef enum ReferencedKind
{
	REFERENCED_SPREAD,			/* a distributed table */
	REFERENCED_COPIED,			/* a reference or managed table */
	REFERENCED_PLAIN			/* a permanent table of this node only */
} ReferencedKind;

static ReferencedKind
referenced_kind(const DistTable *table)
{
	if (table == NULL)
		return REFERENCED_PLAIN;
	return is_spread(table) ? REFERENCED_SPREAD : REFERENCED_COPIED;
}

/* the table of the kind that a foreign key points to */
static Oid
referenced_table(const Constraint *constraint, ReferencedKind kind)
{
	Oid			relid;

	if (constraint->contype != CONSTR_FOREIGN || constraint->pktable == NULL)
		return InvalidOid;
	relid = RangeVarGetRelid(constraint->pktable, NoLock, true);
	if (!OidIsValid(relid) || referenced_kind(catalog_table_get(relid)) != kind)
		return InvalidOid;
	if (kind == REFERENCED_PLAIN && (get_rel_persistence(relid) == RELPERSISTENCE_TEMP ||
									 get_rel_relispartition(relid) ||
									 (get_rel_relkind(relid) != RELKIND_RELATION &&
									  get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)))
		return InvalidOid;
	return relid;
}

/* the first table of the kind that constraints (of a column or a table) point to */
static Oid
find_referenced(List *constraints, ReferencedKind kind)
{
	ListCell   *cell;

	foreach(cell, constraints)
	{
		Node	   *node = lfirst(cell);
		Oid			relid = InvalidOid;

		if (IsA(node, Constraint))
			relid = referenced_table((Constraint *) node, kind);
		else if (IsA(node, ColumnDef))
			relid = find_referenced(((ColumnDef *) node)->constraints, kind);
		if (OidIsValid(relid))
			return relid;
	}
	return InvalidOid;
}

static Oid
find_referenced_by_create(const CreateStmt *statement, ReferencedKind kind)
{
	Oid			relid = find_referenced(statement->constraints, kind);

	return OidIsValid(relid) ? relid : find_referenced(statement->tableElts, kind);
}

static Oid
find_referenced_by_alter(const AlterTableStmt *statement, ReferencedKind kind)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);
		Oid			relid;

		if ((cmd->subtype != AT_AddColumn && cmd->subtype != AT_AddConstraint) ||
			cmd->def == NULL)
			continue;
		relid = find_referenced(list_make1(cmd->def), kind);
		if (OidIsValid(relid))
			return relid;
	}
	return InvalidOid;
}

/* ---- CREATE TABLE ---- */

static void
share_partition(Command *command, void *argument)
{
	CreateStmt *statement = IsA(command->statement, CreateForeignTableStmt)
		? &((CreateForeignTableStmt *) command->statement)->base
		: (CreateStmt *) command->statement;
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, false);

	tables_add_member(relid);
}

static void
share_managed(Command *command, void *argument)
{
	CreateStmt *statement = (CreateStmt *) command->statement;
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, false);

	make_managed(relid, argument != NULL);
}

static Oid
copied_table_of(List *relids)
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		if (referenced_kind(catalog_table_get(lfirst_oid(cell))) == REFERENCED_COPIED)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/*
 * Makes the table known that is a partition or child of a known one, or that a foreign key links to
 * a reference table.  A plain one may reference a distributed table: other nodes get to know.
 */
static void
settle_created(Oid relid)
{
	Oid			copied;

	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP || catalog_table_is_known(relid))
		return;
	tables_add_member(relid);
	if (catalog_table_is_known(relid))
		return;
	tables_watch_referenced(relid);
	if (tables_references_distributed(relid))
		return;
	copied = copied_table_of(tables_referenced(relid));
	if (OidIsValid(copied))
	{
		require_managed_possible(get_rel_name(relid), copied);
		make_managed(relid, true);
	}
	else if (commands_use_managed_tables && catalog_is_coordinator() &&
			 get_rel_relkind(relid) == RELKIND_RELATION)
		make_managed(relid, false);
}

/* the tables among what CREATE SCHEMA has made in its schema */
void
commands_settle_elements(List *elements, Oid schemaId)
{
	ListCell   *cell;

	foreach(cell, elements)
	{
		Oid			relid = InvalidOid;

		if (IsA(lfirst(cell), CreateStmt))
			relid = get_relname_relid(((CreateStmt *) lfirst(cell))->relation->relname, schemaId);
		if (OidIsValid(relid))
			settle_created(relid);
	}
}

void
commands_watch_unhandled(Node *statement)
{
	RangeVar   *name = NULL;
	Oid			relid;

	if (IsA(statement, CreateStmt))
		name = ((CreateStmt *) statement)->relation;
	else if (IsA(statement, AlterTableStmt))
		name = ((AlterTableStmt *) statement)->relation;
	relid = name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	if (OidIsValid(relid) && !catalog_table_is_known(relid))
		tables_watch_referenced(relid);
}

/* a plain table may reference a distributed one: other nodes get to know */
static void
watch_created(Command *command, void *argument)
{
	CreateStmt *statement = (CreateStmt *) command->statement;

	tables_watch_referenced(RangeVarGetRelid(statement->relation, NoLock, false));
}

static bool
table_exists_already(const CreateStmt *statement)
{
	Oid			schemaId;

	if (!statement->if_not_exists)
		return false;
	schemaId = RangeVarGetCreationNamespace(statement->relation);
	return OidIsValid(get_relname_relid(statement->relation->relname, schemaId));
}

static bool
same_distribution(const DistTable *left, const DistTable *right)
{
	if (left->kind != right->kind || left->colocationId != right->colocationId ||
		DIST_TABLE_HAS_KEY(left) != DIST_TABLE_HAS_KEY(right))
		return false;
	return !DIST_TABLE_HAS_KEY(left) ||
		strcmp(key_column_name(left), key_column_name(right)) == 0;
}

static void
refuse_parents(Oid left, Oid right)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot inherit from both table \"%s\" and table \"%s\"", get_rel_name(left),
					get_rel_name(right)),
			 errdetail("The two are not colocated by the same column.")));
}

/*
 * The first known parent of CREATE TABLE ... INHERITS / PARTITION OF.  Raises 0A000 when the
 * parents' rows are not distributed alike.
 */
static const DistTable *
known_parent(Command *command, const CreateStmt *statement)
{
	const DistTable *first = NULL;
	Oid			plain = InvalidOid;
	ListCell   *cell;

	foreach(cell, statement->inhRelations)
	{
		Oid			relid = commands_relation_find(command, lfirst(cell));
		const DistTable *table = OidIsValid(relid) ? catalog_table_get(relid) : NULL;

		if (table == NULL)
			plain = relid;
		else if (first == NULL)
			first = table;
		else if (!same_distribution(first, table))
			refuse_parents(first->relid, table->relid);
	}
	if (first != NULL && OidIsValid(plain))
		refuse_parents(first->relid, plain);
	return first;
}

static void
check_child(const CreateStmt *statement, const DistTable *parent)
{
	if (statement->relation->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create a temporary partition or child of distributed table "
						"\"%s\"", get_rel_name(parent->relid))));
}

List *
commands_steps_create_table(Command *command)
{
	CreateStmt *statement = (CreateStmt *) command->statement;
	const DistTable *parent = known_parent(command, statement);
	Oid			referenced;

	if (parent != NULL)
	{
		check_child(statement, parent);
		if (table_exists_already(statement))
			return NIL;
		commands_require_owner(parent->relid);
		commands_lock_coordinator_first(list_make1_oid(parent->relid), ShareUpdateExclusiveLock,
										LOCK_ALONE);
		return list_make2(commands_step_local(), commands_step_call(share_partition, NULL));
	}
	if (statement->relation->relpersistence == RELPERSISTENCE_TEMP ||
		table_exists_already(statement))
		return NIL;

	if (OidIsValid(find_referenced_by_create(statement, REFERENCED_SPREAD)))
		return list_make2(commands_step_local(), commands_step_call(watch_created, NULL));
	referenced = find_referenced_by_create(statement, REFERENCED_COPIED);
	if (OidIsValid(referenced))
	{
		require_managed_possible(statement->relation->relname, referenced);
		return list_make2(commands_step_local(),
						  commands_step_call(share_managed, (void *) "automatic"));
	}
	if (commands_use_managed_tables && catalog_is_coordinator() &&
		statement->inhRelations == NIL && statement->ofTypename == NULL)
		return list_make2(commands_step_local(), commands_step_call(share_managed, NULL));
	return NIL;
}

static void
share_managed_as(Command *command, void *argument)
{
	CreateTableAsStmt *statement = (CreateTableAsStmt *) command->statement;
	Oid			relid = RangeVarGetRelid(statement->into->rel, NoLock, false);

	/* it may be temporary by its schema */
	if (get_rel_persistence(relid) != RELPERSISTENCE_TEMP)
		make_managed(relid, false);
}

List *
commands_steps_create_table_as(Command *command)
{
	CreateTableAsStmt *statement = (CreateTableAsStmt *) command->statement;
	RangeVar   *name = statement->into->rel;

	if (!commands_use_managed_tables || !catalog_is_coordinator() ||
		statement->objtype != OBJECT_TABLE || name->relpersistence == RELPERSISTENCE_TEMP ||
		(statement->if_not_exists && OidIsValid(RangeVarGetRelid(name, NoLock, true))))
		return NIL;
	return list_make2(commands_step_local(), commands_step_call(share_managed_as, NULL));
}

List *
commands_steps_create_foreign_table(Command *command)
{
	CreateStmt *statement = &((CreateForeignTableStmt *) command->statement)->base;
	const DistTable *parent = known_parent(command, statement);

	if (parent == NULL || table_exists_already(statement))
		return NIL;
	if (parent->kind != DIST_TABLE_LOCAL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create a foreign table as partition or child of distributed "
						"table \"%s\"", get_rel_name(parent->relid))));
	cluster_require_coordinator();
	return list_make2(commands_step_local(), commands_step_call(share_partition, NULL));
}

/* ---- ALTER TABLE ---- */

static void
check_constraints(Command *command, void *argument)
{
	const DistTable *table = catalog_table_get(*(Oid *) argument);

	if (table != NULL)
		tables_check_constraints(table->relid, table->keyAttno, table->kind,
								 table->colocationId);
}

static void
adjust_sequences(Command *command, void *argument)
{
	Oid			relid = *(Oid *) argument;

	cluster_adjust_sequences(relid);
	cluster_run_on_others(list_make1(cluster_adjust_sequences_command(relid)));
}

static CommandStep *
call_with_relid(void (*run) (Command *command, void *argument), Oid relid)
{
	Oid		   *argument = palloc(sizeof(Oid));

	*argument = relid;
	return commands_step_call(run, argument);
}

/* the parent of INHERIT / NO INHERIT, InvalidOid for other subcommands */
static Oid
parent_in_subcommand(const AlterTableCmd *cmd)
{
	if (cmd->subtype != AT_AddInherit && cmd->subtype != AT_DropInherit)
		return InvalidOid;
	return RangeVarGetRelid(castNode(RangeVar, cmd->def), NoLock, true);
}

/* true when the statement gives a known parent to a table */
static bool
adds_known_parent(const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);
		Oid			relid = cmd->subtype == AT_AddInherit ? parent_in_subcommand(cmd) : InvalidOid;

		if (OidIsValid(relid) && catalog_table_is_known(relid))
			return true;
	}
	return false;
}

/* the partition of ATTACH / DETACH PARTITION, InvalidOid for other statements */
static Oid
attached_partition(const AlterTableStmt *statement)
{
	AlterTableCmd *cmd = linitial(statement->cmds);

	if (cmd->subtype != AT_AttachPartition && cmd->subtype != AT_DetachPartition)
		return InvalidOid;
	return RangeVarGetRelid(((PartitionCmd *) cmd->def)->name, NoLock, true);
}

/* rows and all */
static void
share_attached(Command *command, void *argument)
{
	tables_add_member(*(Oid *) argument);
}

/*
 * Checks the partition of ATTACH PARTITION to a known parent; its oid when it has to become known
 * by that, InvalidOid otherwise.
 */
static Oid
unknown_partition(Command *command, const DistTable *parent)
{
	AlterTableStmt *statement = (AlterTableStmt *) command->statement;
	AlterTableCmd *cmd = linitial(statement->cmds);
	Oid			relid = attached_partition(statement);
	const DistTable *partition;

	commands_refuse_shard(command, relid);
	/* the server says so when there is nothing to attach to */
	if (!OidIsValid(relid) || cmd->subtype != AT_AttachPartition ||
		get_rel_relkind(parent->relid) != RELKIND_PARTITIONED_TABLE)
		return InvalidOid;
	partition = catalog_table_get(relid);
	if (partition == NULL)
		return relid;
	if (!same_distribution(partition, parent))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot attach table \"%s\" to distributed table \"%s\"",
						get_rel_name(relid), get_rel_name(parent->relid)),
				 errdetail("The two are not colocated by the same column.")));
	return InvalidOid;
}

/* a known table gets and loses parents that are distributed like it */
static void
check_parents(const DistTable *table, const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		Oid			relid = parent_in_subcommand(lfirst(cell));
		const DistTable *parent = OidIsValid(relid) ? catalog_table_get(relid) : NULL;

		if (OidIsValid(relid) && (parent == NULL || !same_distribution(parent, table)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot make distributed table \"%s\" a child of table \"%s\"",
							get_rel_name(table->relid), get_rel_name(relid)),
					 errdetail("The two are not colocated by the same column.")));
	}
}

static List *
referenced_names(List *names, List *constraints)
{
	ListCell   *cell;

	foreach(cell, constraints)
	{
		Node	   *node = lfirst(cell);

		if (IsA(node, Constraint))
			names = lappend(names, ((Constraint *) node)->pktable);
		else if (IsA(node, ColumnDef))
			names = referenced_names(names, ((ColumnDef *) node)->constraints);
	}
	return names;
}

/* the relations that ALTER TABLE names */
static List *
names_in_alter(const AlterTableStmt *statement)
{
	List	   *names = list_make1(statement->relation);
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->def == NULL)
			continue;
		if (IsA(cmd->def, PartitionCmd))
			names = lappend(names, ((PartitionCmd *) cmd->def)->name);
		else if (IsA(cmd->def, RangeVar))
			names = lappend(names, cmd->def);
		else
			names = referenced_names(names, list_make1(cmd->def));
	}
	return names;
}

/* true when a column may have got a sequence, or another type of its sequence */
static bool
changes_numbering(const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		switch (((AlterTableCmd *) lfirst(cell))->subtype)
		{
			case AT_AddColumn:
			case AT_ColumnDefault:
			case AT_AlterColumnType:
			case AT_AddIdentity:
			case AT_SetIdentity:
				return true;
			default:
				break;
		}
	}
	return false;
}

/* this node's shell; the statement that is left of it, where this is not the coordinator */
static void
alter_own_shell(Command *command, void *argument)
{
	TableChange *change = argument;

	if (commands_fit_alter_table(change->relid, (AlterTableStmt *) command->statement))
		commands_alter_shell(command, change->relid);
}

static bool
detaches_concurrently(const AlterTableStmt *statement)
{
	AlterTableCmd *cmd = linitial(statement->cmds);

	return cmd->subtype == AT_DetachPartition && ((PartitionCmd *) cmd->def)->concurrent;
}

static void
check_detached(Command *command, void *argument)
{
	const Oid  *relids = argument;

	tables_check_detached(relids[0], relids[1]);
}

/* before a partition is detached; nobody adds rows that refer to it, from whatever node, after */
static List *
add_check_of_detached(Oid relid, const AlterTableStmt *statement, List *steps)
{
	Oid		   *relids;

	if (((AlterTableCmd *) linitial(statement->cmds))->subtype != AT_DetachPartition)
		return steps;
	relids = palloc(2 * sizeof(Oid));
	relids[0] = relid;
	relids[1] = attached_partition(statement);
	if (!OidIsValid(relids[1]))
		return steps;
	steps = lcons(commands_step_call(check_detached, relids), steps);
	return lcons(commands_step_lock_shells(list_make1_oid(relid), AccessExclusiveLock,
										   LOCK_CHILDREN), steps);
}

static void
manage_altered(Command *command, void *argument)
{
	make_managed(*(Oid *) argument, true);
}

/* a table that is not the statement's own */
static void
manage_linked(Command *command, void *argument)
{
	ereport(NOTICE,
			(errmsg("table \"%s\" becomes known to all nodes because a foreign key links it to "
					"a reference table", get_rel_name(*(Oid *) argument))));
	manage_altered(command, argument);
}

static void run_as_known(Command *command, void *argument);

/* the partition, with its rows, becomes known before or after the server attaches it */
static void
attach_unknown(Command *command, void *argument)
{
	const Oid  *relids = argument;

	if (tables_add_partition_first(relids[1], relids[0]))
		run_as_known(command, argument);
	else
	{
		commands_alter_shell(command, relids[0]);
		tables_add_member(relids[1]);
	}
}

static List *
steps_to_attach(Oid relid, Oid partition)
{
	Oid		   *relids = palloc(2 * sizeof(Oid));

	relids[0] = relid;
	relids[1] = partition;
	return list_make1(commands_step_call(attach_unknown, relids));
}

static List *
steps_for_known_table(Command *command, Oid relid)
{
	AlterTableStmt *statement = (AlterTableStmt *) command->statement;
	const DistTable *table = catalog_table_get(relid);
	KeyChange  *keyChange = commands_key_change(table, statement);
	TableChange *change;
	Oid			linked;
	Oid			partition;
	List	   *last = NIL;
	List	   *steps;

	executor_triggers_refuse_pending(relid, "ALTER TABLE");
	linked = is_spread(table) ? InvalidOid : find_referenced_by_alter(statement, REFERENCED_PLAIN);
	if (OidIsValid(linked))
	{
		require_managed_possible(get_rel_name(linked), relid);
		return list_make2(call_with_relid(manage_linked, linked),
						  call_with_relid(run_as_known, relid));
	}
	commands_check_alter_table(table, statement);
	check_parents(table, statement);
	partition = unknown_partition(command, table);
	if (OidIsValid(partition))
		return steps_to_attach(relid, partition);

	if (detaches_concurrently(statement))
		last = commands_steps_after_detach(command, relid);
	commands_qualify_text(command, names_in_alter(statement));
	change = commands_table_change(relid, statement, command->text,
								   tables_choose_names((Node *) statement, relid));
	steps = lcons(commands_step_call(alter_own_shell, change),
				  commands_steps_amid_key_change(keyChange));
	steps = list_concat(steps,
						list_make3(call_with_relid(check_constraints, relid),
								   commands_step_dependencies(RelationRelationId, relid),
								   commands_step_change_shells(change, statement)));
	if (changes_numbering(statement))
		steps = lappend(steps, call_with_relid(adjust_sequences, relid));
	steps = list_concat(lappend(steps, commands_step_change_shards(change)), last);
	steps = list_concat(commands_steps_before_change(change), steps);
	steps = list_concat(list_concat(commands_steps_before_key_change(keyChange), steps),
						commands_steps_after_key_change(keyChange));
	steps = add_check_of_detached(relid, statement, steps);
	return commands_add_local_keys(commands_local_keys(relid, statement), steps);
}

/* foreign keys to distributed tables may have come, changed, or got another oid */
static void
watch_altered(Command *command, void *argument)
{
	tables_watch_referenced(*(Oid *) argument);
}

/* nobody deletes rows, from whatever node, between the check of a foreign key and its end */
List *
commands_steps_to_reference(Oid relid, Oid referenced)
{
	List	   *steps = list_make2(commands_step_local(), call_with_relid(watch_altered, relid));

	if (!OidIsValid(referenced))
		return steps;
	return lcons(commands_step_lock_shells(list_make1_oid(referenced), ShareRowExclusiveLock,
										   LOCK_CHILDREN), steps);
}

static void
run_as_known(Command *command, void *argument)
{
	commands_run_steps(command, steps_for_known_table(command, *(Oid *) argument));
}

static List *
steps_for_plain_table(Command *command, Oid relid)
{
	AlterTableStmt *statement = (AlterTableStmt *) command->statement;
	Oid			partition = attached_partition(statement);
	Oid			referenced;

	if (OidIsValid(partition) && catalog_table_is_known(partition))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot attach distributed table \"%s\" to local table \"%s\"",
						get_rel_name(partition), get_rel_name(relid)),
				 errhint("Distribute \"%s\" first.", get_rel_name(relid))));

	if (adds_known_parent(statement))
		return list_make2(commands_step_local(), call_with_relid(share_attached, relid));
	referenced = find_referenced_by_alter(statement, REFERENCED_SPREAD);
	if (OidIsValid(referenced) || tables_references_distributed(relid))
		return commands_steps_to_reference(relid, referenced);
	referenced = find_referenced_by_alter(statement, REFERENCED_COPIED);
	if (!OidIsValid(referenced) || get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return NIL;
	require_managed_possible(statement->relation->relname, referenced);
	return list_make2(call_with_relid(manage_altered, relid),
					  call_with_relid(run_as_known, relid));
}

/* ALTER INDEX, also spelled ALTER TABLE, of an index of a known table */
static List *
steps_for_index(Command *command, Oid relid)
{
	const DistTable *table = commands_table_of_relation(relid);

	if (table == NULL)
		return NIL;
	commands_require_owner(relid);
	commands_lock_coordinator_first(list_make1_oid(table->relid), ShareUpdateExclusiveLock,
									LOCK_ALONE);
	commands_qualify_text(command,
						  names_in_alter((AlterTableStmt *) command->statement));
	return list_make3(commands_step_local(), commands_step_nodes(command->text),
					  commands_step_shards(table->relid, command->text, NIL));
}

/* what the shards of a foreign table need to read what the table reads */
static void
check_foreign_options(Oid relid, const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);
		ListCell   *option;

		if (cmd->subtype != AT_GenericOptions)
			continue;
		foreach(option, (List *) cmd->def)
		{
			DefElem    *element = lfirst_node(DefElem, option);

			if (element->defaction == DEFELEM_DROP && strcmp(element->defname, "table_name") == 0)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot drop option \"table_name\" of foreign table \"%s\", which "
								"is known to all nodes", get_rel_name(relid))));
		}
	}
}

/* the known tables whose columns are those of a type: CREATE TABLE OF, ALTER TABLE OF */
List *
commands_tables_of_type(Oid typeId)
{
	List	   *tables = NIL;
	ListCell   *cell;

	foreach(cell, catalog_table_oids())
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_class) GETSTRUCT(tuple))->reloftype == typeId)
			tables = lappend_oid(tables, lfirst_oid(cell));
		ReleaseSysCache(tuple);
	}
	return tables;
}

/*
 * The server changes the shells of tables of a type with it, on each node; their shards, which are
 * of no type, are told.
 */
List *
commands_add_tables_of_type(Command *command, Oid typeId, List *steps)
{
	ListCell   *cell;

	if (steps == NIL)
		return NIL;
	foreach(cell, commands_tables_of_type(typeId))
	{
		steps = lcons(commands_step_lock_shells(list_make1_oid(lfirst_oid(cell)),
												AccessExclusiveLock, LOCK_CHILDREN), steps);
		steps = lappend(steps, commands_step_shards(lfirst_oid(cell), command->text, NIL));
	}
	return steps;
}

/* ALTER TYPE of a composite type */
static List *
steps_for_row_type(Command *command, AlterTableStmt *statement, const ObjectAddress *address)
{
	List	   *steps = commands_steps_for_object(command, address);
	ListCell   *cell;

	steps = commands_add_rehash(address->objectId,
								commands_add_tables_of_type(command, address->objectId, steps));
	if (steps == NIL)
		return NIL;
	foreach(cell, commands_tables_of_type(address->objectId))
	{
		KeyChange  *change = commands_key_change(catalog_table_get(lfirst_oid(cell)), statement);

		steps = list_concat(commands_steps_before_key_change(change), steps);
		steps = list_concat(steps, commands_steps_amid_key_change(change));
		steps = list_concat(steps, commands_steps_after_key_change(change));
	}
	return steps;
}

List *
commands_steps_alter_table(Command *command)
{
	AlterTableStmt *statement = (AlterTableStmt *) command->statement;
	ObjectAddress address;
	char		relkind;
	Oid			relid = commands_relation_find(command, statement->relation);

	if (!OidIsValid(relid))
		return NIL;
	relkind = get_rel_relkind(relid);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		return steps_for_index(command, relid);
	if (relkind == RELKIND_COMPOSITE_TYPE)
	{
		ObjectAddressSet(address, TypeRelationId, get_rel_type_id(relid));
		return steps_for_row_type(command, statement, &address);
	}
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_FOREIGN_TABLE)
	{
		ObjectAddressSet(address, RelationRelationId, relid);
		return commands_steps_for_object(command, &address);
	}
	if (!catalog_table_is_known(relid))
		return steps_for_plain_table(command, relid);

	if (relkind == RELKIND_FOREIGN_TABLE)
		check_foreign_options(relid, statement);
	commands_require_owner(relid);
	commands_lock_for_alter(relid, statement);
	/* checks that the relation is of the kind the statement names */
	AlterTableLookupRelation(statement, AlterTableGetLockLevel(statement->cmds));
	return steps_for_known_table(command, relid);
}
