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

void
executor_leave_role(CallerRole caller)
{
	SetUserIdAndSecContext(caller.userId, caller.context);
}
