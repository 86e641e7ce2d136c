/*
 * roles.c
 *	  With whose rights a fragment runs.
 *
 * What a view reads or writes is checked against the rights of its owner, here and on the shards.
 * While commands are sent, and tasks of this node run, that role is the current user as in a
 * SECURITY DEFINER function; values are computed and rows decoded as the caller.
 *
 * An error of a shard quotes the row that it is about, as far as the role that runs there may see
 * it.  What is told to the caller is no more than the caller may see; at COMMIT, and by SET
 * CONSTRAINTS, shards check rows that were written with whatever rights.
 *
 * Not here: which fragments may run so (planner_ship.c); sessions that work as another role (txn).
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "executor/executor_internal.h"

/*
 * After an error the end of the (sub)transaction brings the caller back; whoever goes on without
 * one must do so.
 */
CallerRole
executor_enter_role(Oid role)
{
	CallerRole	caller;

	GetUserIdAndSecContext(&caller.userId, &caller.context);
	if (OidIsValid(role))
		SetUserIdAndSecContext(role, caller.context | SECURITY_LOCAL_USERID_CHANGE);
	return caller;
}

/*
 * As the server's own triggers read rows that foreign keys refer to.  On other nodes it takes a
 * command of its own (txn), which is why nothing is done where no policy is forced.
 */
CallerRole
executor_enter_unforced(Oid role, Oid relid)
{
	CallerRole	caller = executor_enter_role(role);
	Oid			user;
	int			context;

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
	{
		GetUserIdAndSecContext(&user, &context);
		SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	}
	return caller;
}

CallerRole
executor_enter_fragment(const Fragment *fragment)
{
	return fragment->unforced ? executor_enter_unforced(fragment->role, fragment->anchor) :
		executor_enter_role(fragment->role);
}

void
executor_leave_role(CallerRole caller)
{
	SetUserIdAndSecContext(caller.userId, caller.context);
}

/* ---- what errors quote ---- */

static bool
quotes_row(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		sqlstate == ERRCODE_WITH_CHECK_OPTION_VIOLATION;
}

static Oid
find_relation(const char *schemaName, const char *name)
{
	Oid			schema = schemaName == NULL || name == NULL ? InvalidOid :
		get_namespace_oid(schemaName, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/* the current user may read all columns of an index */
static bool
may_read_key(Oid indexId)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexId));
	Form_pg_index index;
	bool		may = true;

	if (!HeapTupleIsValid(tuple))
		return false;
	index = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; may && i < index->indnkeyatts; i++)
	{
		AttrNumber	attno = index->indkey.values[i];

		may = attno != InvalidAttrNumber &&
			pg_attribute_aclcheck(index->indrelid, attno, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	}
	ReleaseSysCache(tuple);
	return may;
}

/* the current user may read the columns of a foreign key, whose values the other side has, too */
static bool
may_read_reference(Oid relid, const char *name)
{
	Oid			constraintId;
	Bitmapset  *attnos = name == NULL ? NULL :
		get_relation_constraint_attnos(relid, name, true, &constraintId);
	bool		may = !bms_is_empty(attnos);
	int			member = -1;

	while (may && (member = bms_next_member(attnos, member)) >= 0)
		may = pg_attribute_aclcheck(relid, member + FirstLowInvalidHeapAttributeNumber,
									GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	return may;
}

/* the current user may read what the error quotes */
static bool
may_read_quoted(const ErrorData *error)
{
	Oid			relid = find_relation(error->schema_name, error->table_name);
	Oid			root = relid;

	if (!OidIsValid(relid))
		return false;
	if (get_rel_relispartition(relid))
		root = llast_oid(get_partition_ancestors(relid));
	if (check_enable_rls(root, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(root, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	if (error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION)
		return may_read_reference(relid, error->constraint_name);
	return (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION ||
			error->sqlerrcode == ERRCODE_EXCLUSION_VIOLATION) &&
		may_read_key(find_relation(error->schema_name, error->constraint_name));
}

/* the current error, caught, is raised again */
static void
rethrow_readable(void)
{
	MemoryContext context;
	ErrorData  *error;

	if (!quotes_row(geterrcode()))
		PG_RE_THROW();
	context = MemoryContextSwitchTo(CurTransactionContext);
	error = CopyErrorData();
	FlushErrorState();
	if (error->detail != NULL && !may_read_quoted(error))
		error->detail = NULL;
	MemoryContextSwitchTo(context);
	ReThrowError(error);
}

void
executor_write_for_caller(void (*write) (void *argument), void *argument)
{
	CallerRole	caller = executor_enter_role(InvalidOid);

	PG_TRY();
	{
		write(argument);
	}
	PG_CATCH();
	{
		/* which role is in force tells with whose rights the write failed */
		bool		elevated = GetUserId() != caller.userId;

		executor_leave_role(caller);
		if (!elevated)
			PG_RE_THROW();
		rethrow_readable();
	}
	PG_END_TRY();
}

void
executor_check_for_caller(void (*check) (void *argument), void *argument)
{
	PG_TRY();
	{
		check(argument);
	}
	PG_CATCH();
	{
		rethrow_readable();
	}
	PG_END_TRY();
}
