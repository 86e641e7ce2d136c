/*
 * shard_copy.c
 *	  Rows of a buffer into a shard of this node, by the server's own COPY FROM.
 *
 * The same for rows that this session computed or read and for those that another node sent
 * (executor_sql.c).  What fails is told as if it were the user's own COPY: with the user's table
 * and the line of the user's input.  The server has put the line of the shard's rows into the
 * error's context by then; its own words for the true line replace it.  Names of constraints are
 * for user_names.c.
 */
#include "postgres.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "executor/executor_internal.h"
#include "store_internal.h"

/* what COPY reads now: its callback has no argument.  A nested COPY puts back what it found. */
typedef struct RowsSource
{
	const char *data;
	int			left;
} RowsSource;

static RowsSource *current_source = NULL;

static int
read_source(void *buffer, int minRead, int maxRead)
{
	int			n = Min(maxRead, current_source->left);

	memcpy(buffer, current_source->data, n);
	current_source->data += n;
	current_source->left -= n;
	return n;
}

/* ---- errors ---- */

/* text with all occurrences of from replaced; palloc'd, or text itself if there is none */
static char *
replace_text(char *text, const char *from, const char *to)
{
	StringInfoData result;
	char	   *found = text == NULL ? NULL : strstr(text, from);

	if (found == NULL)
		return text;
	initStringInfo(&result);
	for (; found != NULL; found = strstr(text, from))
	{
		appendBinaryStringInfo(&result, text, found - text);
		appendStringInfoString(&result, to);
		text = found + strlen(from);
	}
	appendStringInfoString(&result, text);
	return result.data;
}

/* what the server says about where in its data this COPY is */
static char *
describe_position(CopyFromState state)
{
	ErrorContextCallback callback = {NULL, CopyFromErrorCallback, state};
	ErrorContextCallback *others = error_context_stack;
	char	   *text;

	error_context_stack = &callback;
	text = GetErrorContextStack();
	error_context_stack = others;
	return text;
}

/* the line of the user's input in place of that of the shard's rows; or none at all */
static void
correct_position(ErrorData *error, CopyFromState state, const ShardCopy *copy,
				 const ShardRows *rows)
{
	char	   *said = describe_position(state);

	if (copy->isCopy)
	{
		state->cur_lineno = executor_lines_find(rows->lines, rows->linesLength,
												state->cur_lineno);
		error->context = replace_text(error->context, said, describe_position(state));
		return;
	}
	error->context = replace_text(error->context, psprintf("%s\n", said), "");
	error->context = replace_text(error->context, psprintf("\n%s", said), "");
	if (error->context != NULL && strcmp(error->context, said) == 0)
		error->context = NULL;
}

/* the error being caught; state: NULL before the COPY has begun.  Does not return. */
static void
rethrow_with_position(CopyFromState state, const ShardCopy *copy, const ShardRows *rows)
{
	ErrorData  *error = CopyErrorData();

	FlushErrorState();
	if (state != NULL)
		correct_position(error, state, copy, rows);
	ReThrowError(error);
}

/* ---- the copy ---- */

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

/* statements of other sessions come with no more rights than their users have here */
static void
check_rights(ParseState *pstate, ParseNamespaceItem *nsitem, Relation relation, List *columns)
{
	CompatPermInfo *permissions = compat_nsitem_perminfo(nsitem);
	ListCell   *cell;

	permissions->requiredPerms = ACL_INSERT;
	foreach(cell, CopyGetAttnums(RelationGetDescr(relation), relation, columns))
		permissions->insertedCols =
			bms_add_member(permissions->insertedCols,
						   lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	compat_exec_check_permissions(pstate->p_rtable, compat_pstate_perminfos(pstate), true);
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY FROM not supported with row-level security"),
				 errhint("Use INSERT statements instead.")));
}

/* the lines that are simple, then by the server's parser what is left of the source */
static uint64
copy_lines(CopyFromState state, const List *options)
{
	PlainLines *lines;
	int			length;

	if (!executor_lines_may_be_plain(state, options))
		return CopyFrom(state);
	lines = executor_plain_lines_begin(state);
	length = executor_plain_lines_read(lines, current_source->data, current_source->left);
	current_source->data += length;
	current_source->left -= length;
	return executor_plain_lines_end(lines, current_source->left > 0);
}

static uint64
run_copy(Relation relation, const ShardCopy *copy, const ShardRows *rows)
{
	ParseState *pstate = make_parsestate(NULL);
	CopyStmt   *statement = copy->statement;
	ParseNamespaceItem *nsitem;
	MemoryContext context = CurrentMemoryContext;
	volatile CopyFromState state = NULL;
	uint64		count;

	nsitem = addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock, NULL, false,
										   false);
	if (copy->checkRights)
		check_rights(pstate, nsitem, relation, statement->attlist);

	PG_TRY();
	{
		state = BeginCopyFrom(pstate, relation, NULL, NULL, false, read_source,
							  statement->attlist, statement->options);
		state->cur_relname = get_rel_name(rows->shard->relid);
		state->eol_type = (EolType) rows->lineEnd;
		count = copy_lines(state, statement->options);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		rethrow_with_position(state, copy, rows);
	}
	PG_END_TRY();

	EndCopyFrom(state);
	free_parsestate(pstate);
	return count;
}

/*
 * Number of rows inserted.  Raises whatever COPY raises.  Frees what it needed; a new snapshot is
 * what index expressions and constraints see.
 */
uint64
executor_shard_copy(const ShardCopy *copy, const ShardRows *rows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus shard copy",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowsSource	source = {rows->data, rows->length};
	RowsSource *outer = current_source;
	Relation	relation = table_open(find_shard_relation(rows->shard), RowExclusiveLock);
	uint64		count;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());

	PG_TRY();
	{
		current_source = &source;
		count = run_copy(relation, copy, rows);
	}
	PG_FINALLY();
	{
		current_source = outer;
	}
	PG_END_TRY();

	PopActiveSnapshot();
	table_close(relation, NoLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return count;
}

static uint64
copy_with_user_names(const ShardCopy *copy, const ShardRows *rows)
{
	volatile uint64 count = 0;

	PG_TRY();
	{
		count = executor_shard_copy(copy, rows);
	}
	PG_CATCH();
	{
		executor_rethrow_with_user_names();
	}
	PG_END_TRY();
	return count;
}

/* the same as part of a statement of this session, which may look at others' errors first */
uint64
executor_shard_copy_here(const ShardCopy *copy, const ShardRows *rows)
{
	volatile uint64 count = 0;

	txn_mark_local_write();
	base_frame_push(FRAME_LOCAL_TASK);
	PG_TRY();
	{
		count = copy_with_user_names(copy, rows);
	}
	PG_FINALLY();
	{
		base_frame_pop(FRAME_LOCAL_TASK);
	}
	PG_END_TRY();
	return count;
}

/* ---- rows that no shard has read ---- */

static void
check_rows(CopyFromState state, RowConstraints *constraints, const ShardRows *rows, uint64 before)
{
	TupleTableSlot *row = MakeSingleTupleTableSlot(RelationGetDescr(constraints->relation),
												   &TTSOpsVirtual);
	ExprContext *econtext = GetPerTupleExprContext(constraints->estate);
	ErrorContextCallback callback = {error_context_stack, CopyFromErrorCallback, state};
	const char *at = rows->lines;
	uint64		line = 0;

	error_context_stack = &callback;
	while (executor_lines_next(&at, rows->lines + rows->linesLength, &line) && line < before)
	{
		MemoryContext caller = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(row);
		if (!NextCopyFrom(state, econtext, row->tts_values, row->tts_isnull))
			break;
		ExecStoreVirtualTuple(row);
		row->tts_tableOid = RelationGetRelid(constraints->relation);
		executor_constraints_check(constraints, row);
		ExecClearTuple(row);
		MemoryContextSwitchTo(caller);
		ResetPerTupleExprContext(constraints->estate);
	}
	error_context_stack = callback.previous;
}

/*
 * For a COPY that has failed already: nothing is cleaned up behind an error, which ends the
 * transaction, and the table's shell is what is looked at.
 */
void
executor_shard_copy_check(const ShardCopy *copy, const ShardRows *rows, uint64 before)
{
	RowsSource	source = {rows->data, rows->length};
	RowsSource *outer = current_source;
	MemoryContext context = CurrentMemoryContext;
	Relation	relation = table_open(rows->shard->relid, RowExclusiveLock);
	volatile CopyFromState state = NULL;
	RowConstraints constraints;

	PG_TRY();
	{
		current_source = &source;
		state = BeginCopyFrom(make_parsestate(NULL), relation, NULL, NULL, false, read_source,
							  copy->statement->attlist, copy->statement->options);
		state->eol_type = (EolType) rows->lineEnd;
		executor_constraints_begin(&constraints, relation);
		check_rows(state, &constraints, rows, before);
	}
	PG_CATCH();
	{
		current_source = outer;
		MemoryContextSwitchTo(context);
		rethrow_with_position(state, copy, rows);
	}
	PG_END_TRY();
	current_source = outer;
	EndCopyFrom(state);
	table_close(relation, NoLock);
}

/* text: COPY table (columns) FROM STDIN WITH (options); in the current context */
CopyStmt *
executor_shard_copy_parse(const char *text)
{
	List	   *parsed = deparse_parse_text(text);
	Node	   *statement = list_length(parsed) == 1 ? linitial_node(RawStmt, parsed)->stmt : NULL;

	if (statement == NULL || !IsA(statement, CopyStmt) || !((CopyStmt *) statement)->is_from ||
		((CopyStmt *) statement)->filename != NULL || ((CopyStmt *) statement)->relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a COPY FROM STDIN: %s", text)));
	return (CopyStmt *) statement;
}
