/*
 * lock.c
 *	  LOCK TABLE, and the order in which DDL takes locks.
 *
 * Whoever reads or writes a table holds a lock on the shell of its own node before it asks for one
 * on a shard.  DDL therefore has to lock the shells of all nodes before the first shard, or it
 * waits for a shell whose holder waits for a shard: a circle that no single server sees.  Among the
 * shells the coordinator's is the first, so that DDL from two nodes meets there.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "citus/txn/txn.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_lock_relations);

static const char *const mode_names[] = {
	[AccessShareLock] = "ACCESS SHARE",
	[RowShareLock] = "ROW SHARE",
	[RowExclusiveLock] = "ROW EXCLUSIVE",
	[ShareUpdateExclusiveLock] = "SHARE UPDATE EXCLUSIVE",
	[ShareLock] = "SHARE",
	[ShareRowExclusiveLock] = "SHARE ROW EXCLUSIVE",
	[ExclusiveLock] = "EXCLUSIVE",
	[AccessExclusiveLock] = "ACCESS EXCLUSIVE",
};

static void
lock_coordinator(Command *command, void *argument)
{
	const ClusterNode *node = catalog_node_of_group(COORDINATOR_GROUP_ID);

	if (!catalog_is_coordinator() && node != NULL)
		cluster_run(list_make1(unconstify(ClusterNode *, node)), list_make1(argument));
}

static void
lock_others(Command *command, void *argument)
{
	List	   *nodes = NIL;
	ListCell   *cell;

	foreach(cell, cluster_other_nodes())
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId != COORDINATOR_GROUP_ID)
			nodes = lappend(nodes, lfirst(cell));
	}
	cluster_run(nodes, list_make1(argument));
}

/* LOCK TABLE of those relations that the other nodes know; NULL when there are none */
static char *
text_for_known(Command *command, const LockStmt *statement)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, statement->relations)
	{
		RangeVar   *name = lfirst(cell);
		Oid			relid = RangeVarGetRelid(name, NoLock, true);
		ObjectAddress address;

		ObjectAddressSet(address, RelationRelationId, relid);
		if (!commands_object_is_known(&address))
			continue;
		appendStringInfo(&text, "%s%s%s", text.len == 0 ? "LOCK TABLE " : ", ",
						 name->inh ? "" : "ONLY ", catalog_qualified_name(relid));
	}
	if (text.len == 0)
		return NULL;
	appendStringInfo(&text, " IN %s MODE%s", mode_names[statement->mode],
					 statement->nowait ? " NOWAIT" : "");
	return text.data;
}

/* ---- for DDL: on one node ---- */

/* relations of other owners that a DROP locks, too: those that lose a partition or a foreign key */
static List *
with_dropped_from(List *relids, Oid relid)
{
	if (get_rel_relispartition(relid))
		relids = list_concat_unique_oid(relids, get_partition_ancestors(relid));
	return list_concat_unique_oid(list_concat_unique_oid(relids, tables_referenced(relid)),
								  tables_referencing(relid));
}

/* whoever may run DDL that takes such a lock, or LOCK TABLE */
static void
require_right_to_lock(Oid relid, LOCKMODE mode)
{
	AclMode		rights = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;

	if (mode <= ShareRowExclusiveLock)
		rights |= ACL_TRIGGER | ACL_REFERENCES;
	if (!compat_object_ownercheck(RelationRelationId, relid, GetUserId()) &&
		!compat_may_maintain(relid) &&
		pg_class_aclmask(relid, GetUserId(), rights, ACLMASK_ANY) == ACL_NO_RIGHTS)
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/*
 * By OID: the coordinator is the node on which sessions of all nodes meet, so its order is that of
 * everybody.
 */
static void
lock_here(List *relids, LOCKMODE mode, int scope)
{
	List	   *all = list_copy(relids);
	ListCell   *cell;

	foreach(cell, relids)
	{
		if (scope & LOCK_CHILDREN)
			all = list_concat_unique_oid(all, find_all_inheritors(lfirst_oid(cell), NoLock, NULL));
		/* other owners' tables are an owner's to lock: only his DDL changes the links */
		if ((scope & LOCK_DROPPED_FROM) &&
			compat_object_ownercheck(RelationRelationId, lfirst_oid(cell), GetUserId()))
			all = with_dropped_from(all, lfirst_oid(cell));
	}
	list_sort(all, list_oid_cmp);
	foreach(cell, all)
		LockRelationOid(lfirst_oid(cell), mode);
}

/*
 * citus_internal.lock_relations(names text[], mode int, scope int): what another node asks this
 * one to do; nothing that the user could not do with LOCK TABLE and DROP.
 */
Datum
citus_internal_lock_relations(PG_FUNCTION_ARGS)
{
	int			mode = PG_GETARG_INT32(1);
	List	   *relids = NIL;
	Datum	   *values;
	int			count;

	if (mode < AccessShareLock || mode > AccessExclusiveLock)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid lock mode %d", mode)));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	for (int i = 0; i < count; i++)
	{
		List	   *name = textToQualifiedNameList(DatumGetTextPP(values[i]));
		Oid			relid = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, false);

		require_right_to_lock(relid, mode);
		relids = lappend_oid(relids, relid);
	}
	lock_here(relids, mode, PG_GETARG_INT32(2));
	PG_RETURN_VOID();
}

/* ---- for DDL: on all nodes ---- */

static char *
text_of_locks(List *relids, LOCKMODE mode, int scope)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, relids)
		appendStringInfo(&text, "%s%s",
						 text.len == 0 ? "SELECT citus_internal.lock_relations(ARRAY[" : ", ",
						 quote_literal_cstr(catalog_qualified_name(lfirst_oid(cell))));
	appendStringInfo(&text, "], %d, %d)", mode, scope);
	return text.data;
}

void
commands_lock_coordinator_first(List *relids, LOCKMODE mode, int scope)
{
	if (catalog_is_coordinator())
		lock_here(relids, mode, scope);
	else if (relids != NIL)
		lock_coordinator(NULL, text_of_locks(relids, mode, scope));
}

typedef struct ShellLocks
{
	List	   *relids;
	LOCKMODE	mode;
	int			scope;
} ShellLocks;

static void
lock_shells(Command *command, void *argument)
{
	ShellLocks *locks = argument;
	char	   *text = text_of_locks(locks->relids, locks->mode, locks->scope);

	lock_coordinator(command, text);
	lock_here(locks->relids, locks->mode, locks->scope);
	lock_others(command, text);
}

/*
 * The step that locks the shells of known tables on all nodes.  The user must have the right to
 * lock them: callers check ownership, or let the server do so, before.
 */
CommandStep *
commands_step_lock_shells(List *relids, LOCKMODE mode, int scope)
{
	ShellLocks *locks = palloc(sizeof(ShellLocks));

	locks->relids = relids;
	locks->mode = mode;
	locks->scope = scope;
	return commands_step_call(lock_shells, locks);
}

/* ---- ALTER TABLE ---- */

static List *
add_known(List *relids, const RangeVar *name)
{
	Oid			relid = name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	return OidIsValid(relid) && catalog_table_is_known(relid)
		? list_append_unique_oid(relids, relid) : relids;
}

static List *
add_referenced(List *relids, const Node *definition)
{
	ListCell   *cell;

	if (definition == NULL)
		return relids;
	if (IsA(definition, Constraint) && ((Constraint *) definition)->contype == CONSTR_FOREIGN)
		return add_known(relids, ((Constraint *) definition)->pktable);
	if (IsA(definition, ColumnDef))
	{
		foreach(cell, ((ColumnDef *) definition)->constraints)
			relids = add_referenced(relids, lfirst(cell));
	}
	return relids;
}

/* a foreign key, or what one may stand on */
static bool
may_concern_others(Oid relid, const char *constraintName)
{
	Oid			id = get_relation_constraint_oid(relid, constraintName, true);
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(id));
	char		kind;

	if (!HeapTupleIsValid(tuple))
		return false;
	kind = ((Form_pg_constraint) GETSTRUCT(tuple))->contype;
	ReleaseSysCache(tuple);
	return kind == CONSTRAINT_FOREIGN || kind == CONSTRAINT_PRIMARY || kind == CONSTRAINT_UNIQUE;
}

void
commands_lock_for_alter(Oid relid, AlterTableStmt *statement)
{
	LOCKMODE	mode = AlterTableGetLockLevel(statement->cmds);
	int			scope = statement->relation->inh ? LOCK_CHILDREN : LOCK_ALONE;
	List	   *relids = list_make1_oid(relid);
	List	   *attached = NIL;
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		switch (cmd->subtype)
		{
			case AT_AddConstraint:
			case AT_AddColumn:
				relids = add_referenced(relids, cmd->def);
				break;
			case AT_DropConstraint:
				if (may_concern_others(relid, cmd->name))
					scope |= LOCK_DROPPED_FROM;
				break;
			case AT_AttachPartition:
				/* what else is under the parent goes on */
				scope &= ~LOCK_CHILDREN;
				attached = add_known(NIL, ((PartitionCmd *) cmd->def)->name);
				break;
			default:
				break;
		}
	}
	commands_lock_coordinator_first(relids, mode, scope);
	commands_lock_coordinator_first(attached, AccessExclusiveLock, LOCK_CHILDREN);
}

/* ---- the statement ---- */

List *
commands_steps_lock(Command *command)
{
	LockStmt   *statement = (LockStmt *) command->statement;
	char	   *text = text_for_known(command, statement);

	if (text == NULL)
		return NIL;
	RequireTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL, "LOCK TABLE");
	return list_make3(commands_step_call(lock_coordinator, text), commands_step_local(),
					  commands_step_call(lock_others, text));
}

/* ---- DISCARD ALL ---- */

/*
 * The session's advisory locks may be on the coordinator.  A pooler may give the session to
 * somebody else now, who has proved nothing.
 */
static void
discard_own(Command *command, void *argument)
{
	txn_advisory_unlock_all();
	base_session_set_origin(NULL);
}

List *
commands_steps_discard(Command *command)
{
	if (((DiscardStmt *) command->statement)->target != DISCARD_ALL)
		return NIL;
	return list_make2(commands_step_local(), commands_step_call(discard_own, NULL));
}
