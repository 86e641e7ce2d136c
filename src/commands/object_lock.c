/*
 * object_lock.c
 *	  The order in which nodes change one object other than a table.
 *
 * Two sessions that change one object find each other where its catalog row is written, after
 * each has written its own node's: on different nodes that is a deadlock.  So whoever is about to
 * change an object on all nodes locks its name on the coordinator before, until the end of the
 * transaction, as tables are locked there (lock.c); and then on the other nodes, because a commit
 * reaches them later, and who changes a catalog row that a commit is about to change fails.
 * Objects of different kinds or schemas that have one name share a lock; that only makes somebody
 * wait who need not.
 *
 * Not here: what hangs on tables (indexes, policies, triggers, rules, statistics), whose changes
 * the table's lock puts in order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "commands_internal.h"

/* the fourth field of the lock's tag: advisory locks of users have 1 and 2 there */
#define LOCK_CLASS_OBJECT_NAME 10

PG_FUNCTION_INFO_V1(citus_internal_lock_names);

/* ---- names ---- */

/* the last part of the name of an object, as statements carry it; "" when it has none */
static const char *
name_of(Node *object)
{
	if (object == NULL)
		return "";
	switch (nodeTag(object))
	{
		case T_String:
			return strVal(object);
		case T_List:
			return object == (Node *) NIL ? "" : name_of(llast((List *) object));
		case T_RangeVar:
			return ((RangeVar *) object)->relname;
		case T_TypeName:
			return name_of((Node *) ((TypeName *) object)->names);
		case T_ObjectWithArgs:
			return name_of((Node *) ((ObjectWithArgs *) object)->objname);
		case T_RoleSpec:
			return ((RoleSpec *) object)->rolename ? ((RoleSpec *) object)->rolename : "";
		case T_AccessPriv:
			return ((AccessPriv *) object)->priv_name ? ((AccessPriv *) object)->priv_name : "";
		default:
			return "";
	}
}

static List *
names_of_all(List *objects)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, objects)
		names = lappend(names, (char *) name_of(lfirst(cell)));
	return names;
}

static List *
one(const char *name)
{
	return list_make1((char *) (name != NULL ? name : ""));
}

static bool
hangs_on_table(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_STATISTIC_EXT:
			return true;
		default:
			return false;
	}
}

static List *
names_dropped(DropStmt *statement)
{
	List	   *names = names_of_all(statement->objects);
	ListCell   *cell;

	if (hangs_on_table(statement->removeType))
		return NIL;
	/* which ends the cluster, and itself says of a node that does not answer what that means */
	if (statement->removeType == OBJECT_EXTENSION)
		foreach(cell, names)
			if (strcmp(lfirst(cell), CITUS_EXTENSION_NAME) == 0)
				return NIL;
	return names;
}

/* statements that name one of their kind's objects in any of several ways */
static List *
names_in_general(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return names_dropped((DropStmt *) statement);
		case T_RenameStmt:
			{
				RenameStmt *rename = (RenameStmt *) statement;

				if (hangs_on_table(rename->renameType))
					return NIL;
				return list_make2((char *) name_of(rename->object ? rename->object
												   : (Node *) rename->relation),
								  rename->newname);
			}
		case T_AlterObjectSchemaStmt:
			{
				AlterObjectSchemaStmt *alter = (AlterObjectSchemaStmt *) statement;

				if (hangs_on_table(alter->objectType))
					return NIL;
				return one(name_of(alter->object ? alter->object : (Node *) alter->relation));
			}
		case T_AlterOwnerStmt:
			return one(name_of(((AlterOwnerStmt *) statement)->object));
		case T_CommentStmt:
			return one(name_of(((CommentStmt *) statement)->object));
		case T_SecLabelStmt:
			return one(name_of(((SecLabelStmt *) statement)->object));
		case T_GrantStmt:
			return names_of_all(((GrantStmt *) statement)->objects);
		case T_GrantRoleStmt:
			return list_concat(names_of_all(((GrantRoleStmt *) statement)->granted_roles),
							   names_of_all(((GrantRoleStmt *) statement)->grantee_roles));
		case T_DropOwnedStmt:
			return names_of_all(((DropOwnedStmt *) statement)->roles);
		case T_ReassignOwnedStmt:
			return names_of_all(((ReassignOwnedStmt *) statement)->roles);
		case T_DropRoleStmt:
			return names_of_all(((DropRoleStmt *) statement)->roles);
		default:
			return NIL;
	}
}

/* what the statement's object is called; NIL where the locks of tables put statements in order */
static List *
names_in(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateSchemaStmt:
			return one(((CreateSchemaStmt *) statement)->schemaname);
		case T_CreateFunctionStmt:
			return one(name_of((Node *) ((CreateFunctionStmt *) statement)->funcname));
		case T_AlterFunctionStmt:
			return one(name_of((Node *) ((AlterFunctionStmt *) statement)->func));
		case T_DefineStmt:
			return one(name_of((Node *) ((DefineStmt *) statement)->defnames));
		case T_CompositeTypeStmt:
			return one(name_of((Node *) ((CompositeTypeStmt *) statement)->typevar));
		case T_CreateEnumStmt:
			return one(name_of((Node *) ((CreateEnumStmt *) statement)->typeName));
		case T_AlterEnumStmt:
			return one(name_of((Node *) ((AlterEnumStmt *) statement)->typeName));
		case T_CreateRangeStmt:
			return one(name_of((Node *) ((CreateRangeStmt *) statement)->typeName));
		case T_CreateDomainStmt:
			return one(name_of((Node *) ((CreateDomainStmt *) statement)->domainname));
		case T_AlterDomainStmt:
			return one(name_of((Node *) ((AlterDomainStmt *) statement)->typeName));
		case T_AlterTypeStmt:
			return one(name_of((Node *) ((AlterTypeStmt *) statement)->typeName));
		case T_AlterCollationStmt:
			return one(name_of((Node *) ((AlterCollationStmt *) statement)->collname));
		case T_AlterTSConfigurationStmt:
			return one(name_of((Node *) ((AlterTSConfigurationStmt *) statement)->cfgname));
		case T_AlterTSDictionaryStmt:
			return one(name_of((Node *) ((AlterTSDictionaryStmt *) statement)->dictname));
		case T_CreateCastStmt:
			return one(name_of((Node *) ((CreateCastStmt *) statement)->targettype));
		case T_CreateOpClassStmt:
			return one(name_of((Node *) ((CreateOpClassStmt *) statement)->opclassname));
		case T_CreateOpFamilyStmt:
			return one(name_of((Node *) ((CreateOpFamilyStmt *) statement)->opfamilyname));
		case T_AlterOpFamilyStmt:
			return one(name_of((Node *) ((AlterOpFamilyStmt *) statement)->opfamilyname));
		case T_AlterOperatorStmt:
			return one(name_of((Node *) ((AlterOperatorStmt *) statement)->opername));
		case T_ViewStmt:
			return one(name_of((Node *) ((ViewStmt *) statement)->view));
		case T_CreateSeqStmt:
			return one(name_of((Node *) ((CreateSeqStmt *) statement)->sequence));
		case T_CreateExtensionStmt:
			return one(((CreateExtensionStmt *) statement)->extname);
		case T_AlterExtensionStmt:
			return one(((AlterExtensionStmt *) statement)->extname);
		case T_CreateForeignServerStmt:
			return one(((CreateForeignServerStmt *) statement)->servername);
		case T_AlterForeignServerStmt:
			return one(((AlterForeignServerStmt *) statement)->servername);
		case T_CreatePublicationStmt:
			return one(((CreatePublicationStmt *) statement)->pubname);
		case T_AlterPublicationStmt:
			return one(((AlterPublicationStmt *) statement)->pubname);
		case T_CreateRoleStmt:
			return one(((CreateRoleStmt *) statement)->role);
		case T_AlterRoleStmt:
			return one(name_of((Node *) ((AlterRoleStmt *) statement)->role));
		case T_AlterRoleSetStmt:
			return one(name_of((Node *) ((AlterRoleSetStmt *) statement)->role));
		case T_AlterDatabaseSetStmt:
			return one(((AlterDatabaseSetStmt *) statement)->dbname);
		default:
			return names_in_general(statement);
	}
}

/* ---- locks ---- */

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	return lfirst_oid(a) < lfirst_oid(b) ? -1 : lfirst_oid(a) > lfirst_oid(b);
}

/* in the order of their keys; true when somebody else had one of them */
static bool
lock_names_here(List *names)
{
	List	   *keys = NIL;
	bool		waited = false;
	ListCell   *cell;

	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		keys = list_append_unique_oid(keys, hash_bytes((const unsigned char *) name, strlen(name)));
	}
	list_sort(keys, compare_keys);
	foreach(cell, keys)
	{
		LOCKTAG		tag;

		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, lfirst_oid(cell), LOCK_CLASS_OBJECT_NAME);
		if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
			continue;
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		waited = true;
	}
	return waited;
}

/* citus_internal.lock_names(text[]) returns boolean: the same, for another node */
Datum
citus_internal_lock_names(PG_FUNCTION_ARGS)
{
	List	   *names = NIL;
	Datum	   *values;
	int			count;
	bool		waited;

	/* nobody else may lock names on end */
	base_require_node_command(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		names = lappend(names, TextDatumGetCString(values[i]));
	waited = lock_names_here(names);
	if (waited)
		AcceptInvalidationMessages();
	PG_RETURN_BOOL(waited);
}

/* on other nodes, at once; true when it had to be waited for on one of them */
static bool
lock_names_there(List *nodes, List *names)
{
	StringInfoData sql;
	bool		waited = false;
	ListCell   *cell;

	initStringInfo(&sql);
	foreach(cell, names)
		appendStringInfo(&sql, "%s%s",
						 sql.len > 0 ? ", " : BASE_NODE_SELECT "citus_internal.lock_names(ARRAY[",
						 quote_literal_cstr(lfirst(cell)));
	appendStringInfoString(&sql, "])");
	/* as what is written: parts of a transaction that only read end before it commits */
	foreach(cell, cluster_call_each(nodes, sql.data))
	{
		char	  **row = linitial((List *) lfirst(cell));

		waited = waited || strcmp(row[0], "t") == 0;
	}
	return waited;
}

/* true when somebody else had one of them */
static bool
lock_names(List *names)
{
	const ClusterNode *coordinator = catalog_node_of_group(COORDINATOR_GROUP_ID);
	List	   *others = NIL;
	bool		waited = false;
	ListCell   *cell;

	if (names == NIL || coordinator == NULL)
		return false;
	if (!catalog_is_coordinator())
		waited = lock_names_there(list_make1((void *) coordinator), names);
	waited = lock_names_here(names) || waited;
	foreach(cell, cluster_other_nodes())
		if (((const ClusterNode *) lfirst(cell))->groupId != COORDINATOR_GROUP_ID)
			others = lappend(others, lfirst(cell));
	if (others != NIL)
		waited = lock_names_there(others, names) || waited;
	return waited;
}

bool
commands_lock_names(Command *command)
{
	bool		waited = lock_names(names_in(command->statement));

	/* what the others did is to be seen by the next look into the catalogs */
	if (waited)
		AcceptInvalidationMessages();
	return waited;
}
