/*
 * roles.c
 *	  With whose rights a fragment runs.
 *
 * What a view reads or writes is checked against the rights of its owner, here and on the shards.
 * While commands are sent, and tasks of this node run, that role is the current user as in a
 * SECURITY DEFINER function; values are computed and rows decoded as the caller.
 *
 * Not here: which fragments may run so (planner_ship.c); sessions that work as another role (txn).
 */
#include "postgres.h"
#include "miscadmin.h"
#include "utils/rls.h"
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
