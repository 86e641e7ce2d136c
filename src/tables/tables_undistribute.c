/*
 * tables_undistribute.c
 *	  Known table -> plain table of the coordinator, and what is like it.
 *
 * The shell has had the table's whole definition all the time, so that going back is: its rows
 * come from the shards into its own heap, then shards, metadata and the shells of other nodes go.
 *
 * Invariants: (1) all nodes' shells are locked before the first row is read, so that no node
 * writes to a shard that is about to go; (2) of tables that foreign keys link, all or none.
 *
 * Main path: tables_undistribute() -> tables_make_plain().
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* ---- one table ---- */

void
tables_lock_everywhere(List *family, const char *action)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, family)
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessExclusiveLock);

		CheckTableNotInUse(rel, action);
		relation_close(rel, NoLock);
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			continue;
		names = lappend(names, psprintf("LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE",
										catalog_qualified_name(lfirst_oid(lc))));
	}
	if (names != NIL)
		cluster_run_on_others(names);
}

/*
 * Forced row-level security would hide rows from their owner; what is being given up need not be
 * protected from him.  True if the shell has to be protected again.
 */
bool
tables_suspend_row_security(Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	bool		forced = rel->rd_rel->relforcerowsecurity;
	char	   *text;

	RelationClose(rel);
	if (!forced)
		return false;
	text = psprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY", catalog_qualified_name(relid));
	tables_run_shard_ddl(catalog_table_get(relid), list_make1(text), NIL, NULL);
	tables_execute_text(text);
	return true;
}

void
tables_resume_row_security(Oid relid)
{
	tables_execute_text(psprintf("ALTER TABLE %s FORCE ROW LEVEL SECURITY",
								 catalog_qualified_name(relid)));
}

static void
pull_rows(Oid relid)
{
	bool		wasForced;

	if (get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
		return;
	wasForced = tables_suspend_row_security(relid);

	ereport(NOTICE,
			(errmsg("moving the rows of table \"%s\" from its shards into a local table",
					get_rel_name(relid))));
	tables_data_pull(relid);
	if (wasForced)
		tables_resume_row_security(relid);
}

static bool
depends_on(const ObjectAddress *object, Oid relid)
{
	ListCell   *lc;

	foreach(lc, deparse_object_dependencies(object))
	{
		const ObjectAddress *dependency = lfirst(lc);

		if (dependency->classId == RelationRelationId && dependency->objectId == relid)
			return true;
	}
	return false;
}

/*
 * The sequences that the table owns, its views and whatever else needs it go from the other nodes
 * with its shells; here they stay, as objects of this node alone.
 */
static void
forget_dependents(Oid relid)
{
	ListCell   *lc;

	foreach(lc, getOwnedSequences(relid))
	{
		ObjectAddress sequence;

		ObjectAddressSet(sequence, RelationRelationId, lfirst_oid(lc));
		if (catalog_object_is_distributed(&sequence))
			catalog_object_delete(&sequence);
	}
	foreach(lc, catalog_objects())
	{
		const ObjectAddress *object = lfirst(lc);
		bool		isTable = object->classId == RelationRelationId &&
			get_rel_relkind(object->objectId) != RELKIND_VIEW;

		if (!isTable && deparse_object_is_supported(object) && depends_on(object, relid))
			catalog_object_delete(object);
	}
}

static void
drop_remains(List *family)
{
	/* partitions go first, so that dropping their parent's shards finds nothing to cascade to */
	for (int i = list_length(family) - 1; i >= 0; i--)
	{
		Oid			relid = list_nth_oid(family, i);

		ereport(NOTICE,
				(errmsg("dropping the shards of table \"%s\"", get_rel_name(relid))));
		tables_drop(relid, get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
		forget_dependents(relid);
		tables_unwatch(relid);
		CacheInvalidateRelcacheByRelid(relid);
	}
	CommandCounterIncrement();
}

void
tables_make_plain(Oid relid)
{
	List	   *family = tables_family(relid);
	ListCell   *lc;

	tables_lock_everywhere(family, "undistribute");
	foreach(lc, family)
		pull_rows(lfirst_oid(lc));
	drop_remains(family);
}

/* ---- with what it is linked to ---- */

static void
check_undistribute(Oid relid)
{
	const char *name = get_rel_name(relid);
	char	   *policy;
	Oid			user;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	tables_require_owner(relid);
	if (!catalog_table_is_known(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("cannot undistribute table \"%s\" because it is not distributed", name)));
	if (tables_is_member(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 get_rel_relispartition(relid) ?
				 errmsg("cannot undistribute partition \"%s\" on its own", name) :
				 errmsg("cannot undistribute table \"%s\" on its own because it inherits from a "
						"distributed table", name),
				 errhint("Undistribute table \"%s\" instead.",
						 get_rel_name(tables_root(relid)))));
	user = tables_policy_user(relid, &policy);
	if (OidIsValid(user))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot undistribute table \"%s\" because policy \"%s\" on table \"%s\" "
						"uses it", name, policy, get_rel_name(user))));
	if (catalog_schema_colocation(get_rel_namespace(relid)) != INVALID_COLOCATION_ID)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot undistribute table \"%s\" because its schema is distributed",
						name)));
}

/* relid and the known tables that foreign keys link it to; partitions follow their parents */
static List *
linked_known_tables(Oid relid)
{
	List	   *known = NIL;
	ListCell   *lc;

	foreach(lc, tables_linked(relid))
	{
		Oid			other = lfirst_oid(lc);

		other = tables_root(other);
		if (catalog_table_is_known(other))
			known = list_append_unique_oid(known, other);
	}
	return known;
}

void
tables_undistribute(Oid relid, bool cascadeViaForeignKeys)
{
	List	   *tables;
	ListCell   *lc;

	cluster_require_coordinator();
	check_undistribute(relid);
	cluster_lock_node_list(false);
	LockRelationOid(relid, AccessExclusiveLock);

	tables = linked_known_tables(relid);
	if (list_length(tables) > 1 && !cascadeViaForeignKeys)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot undistribute table \"%s\" because foreign keys link it to table "
						"\"%s\"", get_rel_name(relid), get_rel_name(lsecond_oid(tables))),
				 errhint("Set cascade_via_foreign_keys to undistribute all linked tables.")));
	foreach(lc, tables)
		check_undistribute(lfirst_oid(lc));
	foreach(lc, tables)
		tables_make_plain(lfirst_oid(lc));
}

/* ---- managed local tables that have become needless ---- */

static bool
is_auto_converted(const DistTable *table)
{
	return table != NULL && table->kind == DIST_TABLE_LOCAL && table->autoConverted;
}

/* true if foreign keys or policies link it to a table that is known for its own sake */
static bool
is_needed(Oid relid)
{
	char	   *policy;
	ListCell   *lc;

	if (OidIsValid(tables_policy_user(relid, &policy)))
		return true;
	foreach(lc, tables_linked(relid))
	{
		const DistTable *other = catalog_table_get(lfirst_oid(lc));

		if (other != NULL && !is_auto_converted(other))
			return true;
	}
	return false;
}

void
tables_remove_local(void)
{
	ListCell   *lc;

	cluster_require_coordinator();
	foreach(lc, catalog_table_oids())
	{
		Oid			relid = lfirst_oid(lc);

		if (is_auto_converted(catalog_table_get(relid)) && !tables_is_member(relid) &&
			!is_needed(relid) &&
			compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
			tables_make_plain(relid);
	}
}

/* ---- rows left over ---- */

static void
check_truncate_right(Oid relid)
{
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_TRUNCATE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

/* relid and all that reference it, as TRUNCATE CASCADE would; all must be known */
static List *
leftovers_of(Oid relid)
{
	List	   *tables = list_copy(tables_family(relid));

	for (int i = 0; i < list_length(tables); i++)
	{
		Oid			current = list_nth_oid(tables, i);
		ListCell   *lc;

		if (!catalog_table_is_known(current))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot truncate the local rows of table \"%s\"",
							get_rel_name(relid)),
					 errdetail("Table \"%s\" references it and is not distributed.",
							   get_rel_name(current))));
		foreach(lc, tables_referencing(current))
			tables = list_concat_unique_oid(tables, tables_family(lfirst_oid(lc)));
	}
	return tables;
}

void
tables_truncate_leftovers(Oid relid)
{
	List	   *tables;
	ListCell   *lc;

	cluster_require_coordinator();
	if (!catalog_table_is_known(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("relation \"%s\" is not distributed", catalog_relation_name(relid))));
	check_truncate_right(relid);
	LockRelationOid(relid, AccessExclusiveLock);
	tables = leftovers_of(relid);
	foreach(lc, tables)
	{
		check_truncate_right(lfirst_oid(lc));
		tables_data_clear(lfirst_oid(lc));
	}
}
