/*
 * draw.c
 *	  Values of shared sequences on nodes other than the coordinator, whose sequence is the one that
 *	  counts.
 *
 * nextval() there becomes next_value() in every statement that is planned (planner_sequences.c).
 * It takes values from the coordinator in blocks: one at first, twice as many each time within a
 * statement of the client.  What is left of a block at the statement's end is a gap, as with the
 * server's own caches, so that a setval() or ALTER SEQUENCE anywhere counts from the next statement
 * on.  currval() and lastval() are answered from what this session was given.
 *
 * Values are drawn outside the transaction, on a connection of its own, since nothing undoes them;
 * but within it when it has written on the coordinator, where it may have made or altered the
 * sequence.  The coordinator flushes its log before it hands them out: the rows that will have them
 * may be safe sooner than its next checkpoint.
 *
 * A sequence that other nodes do not share is drawn from by the server's own functions.
 *
 * Main path: citus_internal_next_value() -> take_block() -> citus_internal.draw_numbers() there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "citus/base/compat.h"
#include "citus/base/lifecycle.h"
#include "citus/plan/plan.h"
#include "citus/remote/remote.h"
#include "citus/txn/txn.h"
#include "cluster/cluster_internal.h"

#define LARGEST_BLOCK 1024

/* Drawn: what this session knows of one sequence */
typedef struct Drawn
{
	Oid			sequence;		/* hash key */

	/* valid while statement is the client's statement */
	TimestampTz statement;
	bool		shared;
	int			blockSize;		/* of the next block */
	int64		next;
	int64		step;
	int64		left;

	/* valid for the session */
	bool		hasLast;
	int64		last;
} Drawn;

static HTAB *drawnSequences = NULL;
static Oid	lastDrawn = InvalidOid; /* what lastval() is about; invalid: the server knows */

PG_FUNCTION_INFO_V1(citus_internal_next_value);
PG_FUNCTION_INFO_V1(citus_internal_current_value);
PG_FUNCTION_INFO_V1(citus_internal_last_value);
PG_FUNCTION_INFO_V1(citus_internal_set_value);

/* ---- runs of values ---- */

static void
add_to_runs(List **runs, int64 value)
{
	NumberRun  *run = *runs == NIL ? NULL : llast(*runs);

	if (run != NULL && run->count == 1)
		run->step = value - run->start;
	if (run != NULL && value == run->start + run->step * (int64) run->count)
	{
		run->count++;
		return;
	}
	run = palloc0(sizeof(NumberRun));
	run->start = value;
	run->count = 1;
	*runs = lappend(*runs, run);
}

List *
cluster_draw_numbers_here(Oid sequenceId, int64 count, bool checkRights)
{
	List	   *runs = NIL;

	for (int64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_to_runs(&runs, nextval_internal(sequenceId, checkRights));
	}
	return runs;
}

/* Draw: what a subtransaction draws */
typedef struct Draw
{
	Oid			sequenceId;
	int64		count;
	bool		checkRights;
	List	   *runs;
} Draw;

static void
draw_rest(void *argument)
{
	Draw	   *draw = argument;

	for (int64 i = 1; i < draw->count; i++)
		add_to_runs(&draw->runs, nextval_internal(draw->sequenceId, draw->checkRights));
}

/*
 * The same, but fewer values when the sequence ends before.
 */
List *
cluster_draw_block_here(Oid sequenceId, int64 count, bool checkRights)
{
	Draw		draw = {sequenceId, count, checkRights};
	ErrorData  *error;

	add_to_runs(&draw.runs, nextval_internal(sequenceId, checkRights));
	if (count <= 1)
		return draw.runs;
	error = base_try_subtransaction(draw_rest, &draw, true);
	if (error != NULL && error->sqlerrcode != ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED)
		ReThrowError(error);
	return draw.runs;
}

static List *
runs_of_rows(List *rows)
{
	List	   *runs = NIL;
	ListCell   *lc;

	foreach(lc, rows)
	{
		char	  **row = lfirst(lc);
		NumberRun  *run = palloc(sizeof(NumberRun));

		run->start = pg_strtoint64(row[0]);
		run->step = pg_strtoint64(row[1]);
		run->count = pg_strtoint64(row[2]);
		runs = lappend(runs, run);
	}
	return runs;
}

/* fewer: as many as there are will do */
static char *
draw_query(Oid sequenceId, int64 count, bool fewer)
{
	return psprintf(BASE_NODE_SELECT "start, step, amount FROM citus_internal.draw_numbers(%s, "
					INT64_FORMAT ", %s)", quote_literal_cstr(catalog_qualified_name(sequenceId)),
					count, fewer ? "true" : "false");
}

/* the table whose identity column owns the sequence, or InvalidOid */
static Oid
identity_table(Oid sequenceId)
{
	Oid			relid;
	int32		attno;

	return sequenceIsOwned(sequenceId, DEPENDENCY_INTERNAL, &relid, &attno) ? relid : InvalidOid;
}

/* other nodes have it, too: known as an object, or owned by a column of a known table */
static bool
is_shared(Oid sequenceId)
{
	ObjectAddress address;
	Oid			relid;
	int32		attno;

	ObjectAddressSet(address, RelationRelationId, sequenceId);
	if (catalog_object_is_distributed(&address))
		return true;
	return (sequenceIsOwned(sequenceId, DEPENDENCY_AUTO, &relid, &attno) ||
			sequenceIsOwned(sequenceId, DEPENDENCY_INTERNAL, &relid, &attno)) &&
		catalog_table_is_known(relid);
}

/*
 * The next count values of a sequence, from the coordinator, where those of all types are; a List
 * of NumberRun *, palloc'd.  Raises what nextval() raises.
 */
List *
cluster_draw_numbers(Oid sequenceId, int64 count, bool checkRights)
{
	if (catalog_is_coordinator() || !is_shared(sequenceId))
		return cluster_draw_numbers_here(sequenceId, count, checkRights);
	return runs_of_rows(cluster_query(cluster_coordinator(), draw_query(sequenceId, count, false)));
}

bool
cluster_may_draw_identity(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_INSERT, ACLMASK_ANY) == ACLCHECK_OK;
}

/* ---- this session's values ---- */

static Drawn *
find_drawn(Oid sequenceId)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Drawn	   *drawn;
	bool		found;

	if (drawnSequences == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Drawn)};

		drawnSequences = hash_create("drawn sequences", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	drawn = hash_search(drawnSequences, &sequenceId, HASH_ENTER, &found);
	if (!found)
	{
		drawn->hasLast = false;
		drawn->statement = 0;
	}
	if (drawn->statement != now)
	{
		drawn->statement = now;
		drawn->blockSize = 1;
		drawn->left = 0;
		drawn->shared = !catalog_is_coordinator() && is_shared(sequenceId);
	}
	return drawn;
}

/*
 * Rows of a query to the coordinator; see the top of the file.  The current user's right has been
 * checked: it may be none that can connect, or (identityTable) none that has a right there.
 */
static List *
ask_coordinator(const char *sql, Oid identityTable)
{
	const ClusterNode *node = cluster_coordinator();
	bool		asOwner = GetUserId() != GetSessionUserId() ||
		(OidIsValid(identityTable) && !cluster_may_draw_identity(identityTable));
	RemoteTarget target;
	ClusterUser saved;
	List	   *rows;

	if (txn_node_was_written(node->id))
		return cluster_query(node, sql);
	if (asOwner)
		saved = cluster_become_owner();
	target = txn_target_of_node(node);
	rows = remote_run_alone(&target, sql, NULL, NULL);
	if (asOwner)
		cluster_restore_user(saved);
	return rows;
}

static void
take_block(Drawn *drawn, bool isIdentity)
{
	Oid			table = isIdentity ? identity_table(drawn->sequence) : InvalidOid;
	char	   *sql = draw_query(drawn->sequence, drawn->blockSize, true);
	NumberRun  *run = linitial(runs_of_rows(ask_coordinator(sql, table)));

	/* of a block that goes around the end of a cycle, the first part */
	drawn->next = run->start;
	drawn->step = run->step;
	drawn->left = run->count;
	drawn->blockSize = Min(drawn->blockSize * 2, LARGEST_BLOCK);
}

static void
require_right(Oid sequenceId, AclMode right)
{
	if (pg_class_aclcheck(sequenceId, GetUserId(), right) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for sequence %s", get_rel_name(sequenceId))));
}

/* whether the call stands for an identity column: only our planner marks one so */
static bool
call_is_identity(FunctionCallInfo fcinfo)
{
	Node	   *call = fcinfo->flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) &&
		((FuncExpr *) call)->location == PLAN_IDENTITY_CALL;
}

/* citus_internal.next_value(regclass): nextval() */
Datum
citus_internal_next_value(PG_FUNCTION_ARGS)
{
	Oid			sequenceId = PG_GETARG_OID(0);
	bool		isIdentity = call_is_identity(fcinfo);
	Drawn	   *drawn = find_drawn(sequenceId);

	if (!drawn->shared)
	{
		int64		value = nextval_internal(sequenceId, !isIdentity);

		lastDrawn = InvalidOid;
		PG_RETURN_INT64(value);
	}
	PreventCommandIfReadOnly("nextval()");
	/* as nextval() does, against its being dropped or altered meanwhile */
	LockRelationOid(sequenceId, RowExclusiveLock);
	if (!isIdentity)
		require_right(sequenceId, ACL_USAGE | ACL_UPDATE);
	if (drawn->left == 0)
		take_block(drawn, isIdentity);
	drawn->last = drawn->next;
	drawn->hasLast = true;
	drawn->left--;
	if (drawn->left > 0)
		drawn->next += drawn->step;
	lastDrawn = sequenceId;
	PG_RETURN_INT64(drawn->last);
}

/* citus_internal.current_value(regclass): currval() */
Datum
citus_internal_current_value(PG_FUNCTION_ARGS)
{
	Oid			sequenceId = PG_GETARG_OID(0);
	Drawn	   *drawn = find_drawn(sequenceId);

	if (!drawn->shared)
		return DirectFunctionCall1(currval_oid, ObjectIdGetDatum(sequenceId));
	require_right(sequenceId, ACL_SELECT | ACL_USAGE);
	if (!drawn->hasLast)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("currval of sequence \"%s\" is not yet defined in this session",
						get_rel_name(sequenceId))));
	PG_RETURN_INT64(drawn->last);
}

/* citus_internal.last_value(): lastval() */
Datum
citus_internal_last_value(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 0);

	if (OidIsValid(lastDrawn) && get_rel_name(lastDrawn) != NULL)
	{
		require_right(lastDrawn, ACL_SELECT | ACL_USAGE);
		PG_RETURN_INT64(find_drawn(lastDrawn)->last);
	}
	if (OidIsValid(lastDrawn))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("lastval is not yet defined in this session")));
	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	return lastval(call);
}

/* citus_internal.set_value(regclass, bigint [, boolean]): setval() */
Datum
citus_internal_set_value(PG_FUNCTION_ARGS)
{
	Oid			sequenceId = PG_GETARG_OID(0);
	int64		value = PG_GETARG_INT64(1);
	bool		isCalled = PG_NARGS() < 3 || PG_GETARG_BOOL(2);
	Drawn	   *drawn = find_drawn(sequenceId);

	if (!drawn->shared)
		return DirectFunctionCall3(setval3_oid, ObjectIdGetDatum(sequenceId),
								   Int64GetDatum(value), BoolGetDatum(isCalled));
	require_right(sequenceId, ACL_UPDATE);
	PreventCommandIfReadOnly("setval()");
	(void) ask_coordinator(psprintf("SELECT pg_catalog.setval(%s, " INT64_FORMAT ", %s)",
									quote_literal_cstr(catalog_qualified_name(sequenceId)),
									value, isCalled ? "true" : "false"), InvalidOid);
	drawn->left = 0;
	drawn->blockSize = 1;
	if (isCalled)
	{
		drawn->last = value;
		drawn->hasLast = true;
	}
	PG_RETURN_INT64(value);
}
