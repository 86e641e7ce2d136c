/*
 * planner_parallel.c
 *	  Functions that parallel workers cannot call.
 *
 * A parallel worker has its leader's snapshot and sees what its leader has written, on this node.
 * On other nodes it is a stranger: with connections and snapshots of its own, it sees nothing of
 * what the leader's transaction has done there.  Known relations in a query are read by the leader
 * only.  What functions read nobody knows before they are called, whatever they are declared as.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/syscache.h"

#include "citus/base/session.h"
#include "planner_internal.h"

/* declared to be safe in a worker, and able to read tables: not immutable, and not written in C */
static bool
function_may_read(Oid funcid, void *context)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		result;

	if (funcid < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->proparallel == PROPARALLEL_SAFE &&
		form->provolatile != PROVOLATILE_IMMUTABLE &&
		form->prolang != ClanguageId && form->prolang != INTERNALlanguageId;
	ReleaseSysCache(tuple);
	return result;
}

static bool
may_read_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_may_read, context))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, may_read_walker, context, 0);
	return expression_tree_walker(node, may_read_walker, context);
}

/* options for the server's planner: without parallel plans, where workers might read elsewhere */
int
planner_parallel_options(Query *query, int cursorOptions)
{
	if ((cursorOptions & CURSOR_OPT_PARALLEL_OK) != 0 && base_extension_is_active() &&
		may_read_walker((Node *) query, NULL))
		cursorOptions &= ~CURSOR_OPT_PARALLEL_OK;
	return cursorOptions;
}
