/*
 * users.c
 *	  Who has unread answers on which connection.
 *
 * A connection answers in order, so before a new statement uses one, everything that others have
 * under way on it must have been received.  Scans and writers register here; executor_quiesce()
 * settles them.  Before a sub-transaction starts all users are settled, so that rolling it back
 * finds no answers of the surrounding ones on the connections.
 *
 * Invariants:
 * (1) a main connection belongs to at most one user that is not settled;
 * (2) a user is unlinked when its memory goes away, whichever way that happens;
 * (3) nothing is raised from the events of the end of a (sub)transaction, nor from SUB_START: a
 *	   failure is kept in the user and raised by its next own call.
 *
 * Main path: executor_run_start() -> executor_quiesce() -> user->settle().
 */
#include "postgres.h"
#include "access/xact.h"
#include "citus/base/lifecycle.h"
#include "executor/executor_internal.h"

static dlist_head users = DLIST_STATIC_INIT(users);
static uint64 changes = 0;

static void
forget_user(void *arg)
{
	executor_user_unregister((ConnUser *) arg);
}

/*
 * context: deleting or resetting it unregisters the user.  It is registered at most once at a
 * time; a second registration is only an entry in the list again.
 */
void
executor_user_register(ConnUser *user, MemoryContext context)
{
	if (user->registered)
		return;

	if (user->onFree.func == NULL)
	{
		user->context = context;
		user->onFree.func = forget_user;
		user->onFree.arg = user;
		MemoryContextRegisterResetCallback(context, &user->onFree);
	}
	user->subid = GetCurrentSubTransactionId();
	user->role = executor_enter_role(InvalidOid);
	user->registered = true;
	dlist_push_tail(&users, &user->link);
}

void
executor_user_unregister(ConnUser *user)
{
	if (!user->registered)
		return;
	dlist_delete(&user->link);
	user->registered = false;
}

void
executor_user_check(ConnUser *user)
{
	if (user->lost)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows were lost when the sub-transaction that read them was rolled "
						"back")));
	if (user->failure != NULL)
	{
		ErrorData  *failure = user->failure;

		user->failure = NULL;
		ReThrowError(failure);
	}
}

static void
settle_user(ConnUser *user, bool writeFollows)
{
	CallerRole	caller = executor_enter_role(InvalidOid);

	user->settling = true;
	user->writeFollows = writeFollows;
	executor_leave_role(user->role);
	user->settle(user);
	executor_leave_role(caller);
	user->settling = false;
}

/* The first user that waits to be settled; the list may change while one is. */
static ConnUser *
find_unsettled(RemoteConn *conn, ConnUser *self, bool orNotBegun)
{
	dlist_iter	iter;

	dlist_foreach(iter, &users)
	{
		ConnUser   *user = dlist_container(ConnUser, link, iter.cur);

		if (user == self || user->settling || user->failure != NULL)
			continue;
		if ((orNotBegun && user->notBegun) || user->uses(user, conn))
			return user;
	}
	return NULL;
}

void
executor_quiesce(RemoteConn *conn, ConnUser *self)
{
	ConnUser   *user;

	while ((user = find_unsettled(conn, self, false)) != NULL)
		settle_user(user, false);
}

uint64
executor_changes(void)
{
	return changes;
}

static void
settle_all(ConnUser *self)
{
	ConnUser   *user;

	changes++;
	while ((user = find_unsettled(NULL, self, true)) != NULL)
		settle_user(user, true);
}

void
executor_quiesce_all(ConnUser *self)
{
	executor_snapshots_before_write();
	settle_all(self);
}

/* before a sub-transaction begins: nothing may be raised here, invariant (3) */
static void
settle_all_quietly(void)
{
	MemoryContext caller = CurrentMemoryContext;
	ConnUser   *user;

	while ((user = find_unsettled(NULL, NULL, false)) != NULL)
	{
		ConnUser   *volatile current = user;
		CallerRole	callerRole = executor_enter_role(InvalidOid);

		PG_TRY();
		{
			settle_user(current, false);
		}
		PG_CATCH();
		{
			executor_leave_role(callerRole);
			MemoryContextSwitchTo(current->context);
			current->failure = CopyErrorData();
			current->settling = false;
			FlushErrorState();
			MemoryContextSwitchTo(caller);
		}
		PG_END_TRY();
	}
}

static void
forget_subtransaction(SubTransactionId subid)
{
	dlist_mutable_iter iter;

	changes++;
	dlist_foreach_modify(iter, &users)
	{
		ConnUser   *user = dlist_container(ConnUser, link, iter.cur);

		user->settling = false;
		if (user->subid == subid)
			executor_user_unregister(user);
		else if (user->uses(user, NULL))
		{
			/* a portal from outside that failed here: its answers are taken off the connections */
			user->lost = true;
			executor_user_unregister(user);
		}
	}
}

static void
hand_to_parent(SubTransactionId subid, SubTransactionId parent)
{
	dlist_iter	iter;

	dlist_foreach(iter, &users)
	{
		ConnUser   *user = dlist_container(ConnUser, link, iter.cur);

		if (user->subid == subid)
			user->subid = parent;
	}
}

static void
forget_all(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &users)
		executor_user_unregister(dlist_container(ConnUser, link, iter.cur));
}

static void
on_lifecycle(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	switch (event)
	{
		case LIFECYCLE_SUB_START:
			settle_all_quietly();
			break;
		case LIFECYCLE_SUB_COMMIT:
			hand_to_parent(subid, parent);
			break;
		case LIFECYCLE_SUB_ABORT:
			forget_subtransaction(subid);
			break;
		case LIFECYCLE_PRE_COMMIT:
		case LIFECYCLE_PRE_PREPARE:
			settle_all(NULL);
			break;
		case LIFECYCLE_COMMIT:
		case LIFECYCLE_ABORT:
		case LIFECYCLE_PREPARE:
			forget_all();
			break;
		case LIFECYCLE_SUB_PRE_COMMIT:
			break;
	}
}

/* other modules' statements on conn: nobody of ours is in the middle of using it */
static void
quiesce_for_others(RemoteConn *conn)
{
	executor_quiesce(conn, NULL);
}

void
executor_users_init(void)
{
	txn_set_quiescer(quiesce_for_others);
	base_lifecycle_register(PHASE_EXECUTOR, on_lifecycle);
}

void
executor_users_release_extras(void)
{
	if (dlist_is_empty(&users))
		txn_release_extra_conns();
}
