/*
 * user_names.c
 *	  Errors of statements on shards, of this node and of others, in the user's names.
 *
 * What another node reports passes through restore() on its way into an error here; what a
 * statement in this session raises is caught, told anew and raised again; what its commit raises is
 * changed where the server sends it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "citus/base/session.h"

#include "executor/executor_internal.h"

/*
 * Where a transaction is ending nothing can be looked up; the names that the session knows do.
 */
static const char *
restore(const char *text, bool isName)
{
	if (text == NULL)
		return NULL;
	return isName ? catalog_user_name(pstrdup(text), IsTransactionState()) :
		catalog_user_text(text, IsTransactionState());
}

/*
 * Called where an error of a task was caught: raises it again.  An error about data quotes data,
 * not names.  Constraints are checked where catalogs can be read; other errors may come from
 * anywhere, so that only cached names serve.
 */
void
executor_rethrow_with_user_names(void)
{
	MemoryContext context = MemoryContextSwitchTo(CurTransactionContext != NULL ?
												  CurTransactionContext : TopMemoryContext);
	ErrorData  *error = CopyErrorData();
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	bool		mayRead = category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;

	FlushErrorState();
	if (category != ERRCODE_DATA_EXCEPTION)
	{
		error->message = catalog_user_text(error->message, mayRead);
		error->detail = catalog_user_text(error->detail, mayRead);
		error->hint = catalog_user_text(error->hint, mayRead);
		error->context = catalog_user_text(error->context, mayRead);
		if (error->table_name != NULL)
			error->table_name = catalog_user_name(error->table_name, mayRead);
		if (error->constraint_name != NULL)
			error->constraint_name = catalog_user_name(error->constraint_name, mayRead);
	}
	MemoryContextSwitchTo(context);
	ReThrowError(error);
	pg_unreachable();
}

/*
 * Constraint triggers of this node's shards that were deferred fire while the server commits, where
 * nobody can catch what they raise: told anew on its way to the client.  The session has met the
 * shards, which it has written to.
 */
void
executor_edit_message(ErrorData *edata)
{
	MemoryContext context;

	if (edata->elevel != ERROR || base_session_is_internal() ||
		ERRCODE_TO_CATEGORY(edata->sqlerrcode) != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		return;
	context = MemoryContextSwitchTo(edata->assoc_context);
	edata->message = catalog_user_text(edata->message, false);
	edata->detail = catalog_user_text(edata->detail, false);
	if (edata->table_name != NULL)
		edata->table_name = catalog_user_name(edata->table_name, false);
	if (edata->constraint_name != NULL)
		edata->constraint_name = catalog_user_name(edata->constraint_name, false);
	MemoryContextSwitchTo(context);
}

void
executor_user_names_init(void)
{
	remote_set_user_names(restore);
}
