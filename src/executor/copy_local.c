/*
 * copy_local.c
 *	  COPY of a buffer into a shard of this node, by the server's own COPY FROM.
 */
#include "postgres.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/copy.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "citus/base/session.h"
#include "executor/executor_internal.h"

/* what COPY reads now: its callback has no argument.  A nested COPY puts back what it found. */
typedef struct CopySource
{
	const char *data;
	int			left;
} CopySource;

static CopySource *current_source = NULL;

static int
read_source(void *buffer, int minRead, int maxRead)
{
	int			n = Min(maxRead, current_source->left);

	memcpy(buffer, current_source->data, n);
	current_source->data += n;
	current_source->left -= n;
	return n;
}

static Oid
find_shard_relation(const Shard *shard)
{
	Oid			relid = get_relname_relid(catalog_shard_relname(shard),
										  get_rel_namespace(shard->relid));

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("shard " INT64_FORMAT " of relation \"%s\" does not exist on this node",
						shard->id, get_rel_name(shard->relid))));
	return relid;
}

static void
run_copy(Relation relation, List *columnNames, bool binary)
{
	ParseState *pstate = make_parsestate(NULL);
	List	   *options = NIL;
	CopyFromState copy;

	(void) addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock, NULL, false, false);
	if (binary)
		options = lappend(options, makeDefElem("format", (Node *) makeString("binary"), -1));
	else
		options = lappend(options,
						  makeDefElem("encoding",
									  (Node *) makeString(pstrdup(GetDatabaseEncodingName())),
									  -1));
	copy = BeginCopyFrom(pstate, relation, NULL, NULL, false, read_source, columnNames, options);
	(void) CopyFrom(copy);
	EndCopyFrom(copy);
	free_parsestate(pstate);
}

/*
 * columnNames: List of String.  Raises whatever COPY raises.  Frees what it needed; the caller's
 * active snapshot, or a new one, is what index expressions and constraints see.
 */
void
executor_copy_local(const Shard *shard, List *columnNames, bool binary, const char *data,
					int length)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus local copy",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	CopySource	source = {data, length};
	CopySource *outer = current_source;
	Relation	relation = table_open(find_shard_relation(shard), RowExclusiveLock);

	txn_mark_local_write();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	base_frame_push(FRAME_LOCAL_TASK);

	PG_TRY();
	{
		current_source = &source;
		run_copy(relation, columnNames, binary);
	}
	PG_CATCH();
	{
		current_source = outer;
		executor_rethrow_with_user_names();
	}
	PG_END_TRY();
	current_source = outer;

	base_frame_pop(FRAME_LOCAL_TASK);
	PopActiveSnapshot();
	table_close(relation, NoLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
