/*
 * copy_from.c
 *	  COPY table FROM for known tables.
 *
 * Rights are checked as the server does it for any table.  Where each line can be read by its shard
 * as it is, copy_through.c forwards it.  Otherwise the server's own parser of COPY data reads and
 * converts rows here and fills in defaults (BeginCopyFrom, NextCopyFrom); each row goes to a
 * ShardWriter, which routes it.  Generated columns are left to the shards.
 *
 *	   commands_copy_from
 *		   begin_input: rights, WHERE, the input
 *		   commands_copy_pass: lines as they are
 *		   or copy_parsed: NextCopyFrom -> WHERE -> triggers -> executor_writer_put, row by row
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/copyfrom_internal.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/cmdtag.h"
#include "utils/backend_progress.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "citus/base/compat.h"
#include "citus/base/compat_copy.h"
#include "citus/executor/executor.h"
#include "commands/copy_internal.h"
#include "citus/planner/planner.h"
#include "citus/routing/routing.h"
#include "commands_internal.h"

/* ---- WHERE ---- */

static void
refuse_generated(Node *expression, Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	Bitmapset  *used = NULL;

	pull_varattnos(expression, 1, &used);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attgenerated != '\0' &&
			(bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, used) ||
			 bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("generated columns are not supported in COPY FROM WHERE conditions"),
					 errdetail("Column \"%s\" is a generated column.",
							   NameStr(attribute->attname))));
	}
}

/* list of conjuncts, as BeginCopyFrom() wants it */
static Node *
transform_where(ParseState *pstate, ParseNamespaceItem *nsitem, Node *where, Relation relation)
{
	Node	   *clause;

	if (where == NULL)
		return NULL;
	addNSItemToQuery(pstate, nsitem, false, true, true);
	clause = transformExpr(pstate, where, EXPR_KIND_COPY_WHERE);
	clause = coerce_to_boolean(pstate, clause, "WHERE");
	assign_expr_collations(pstate, clause);
	refuse_generated(clause, relation);
	clause = eval_const_expressions(NULL, clause);
	clause = (Node *) canonicalize_qual((Expr *) clause, false);
	return (Node *) make_ands_implicit((Expr *) clause);
}

/* ---- rows ---- */

/* every column with values of its own; defaults of those not named are computed here */
static void
prepare_output(CopyRun *run)
{
	TupleDesc	desc = RelationGetDescr(run->relation);
	TupleDesc	outputDesc;
	ListCell   *cell;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && attribute->attgenerated == '\0')
			run->columns = lappend_int(run->columns, attribute->attnum);
	}
	outputDesc = CreateTemplateTupleDesc(list_length(run->columns));
	foreach(cell, run->columns)
		TupleDescCopyEntry(outputDesc, foreach_current_index(cell) + 1, desc, lfirst_int(cell));
	run->row = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	run->output = MakeSingleTupleTableSlot(outputDesc, &TTSOpsVirtual);
}

void
commands_copy_refuse_null_key(CopyRun *run)
{
	if (DIST_TABLE_HAS_KEY(run->table) && run->row->tts_isnull[run->table->keyAttno - 1])
		routing_refuse_null(run->table, NULL);
}

/* a shard's COPY has told the line of its errors */
static void
copy_error_context(void *argument)
{
	CopyRun    *run = argument;

	if (!run->sending)
		CopyFromErrorCallback(run->input);
}

static void
send_row(CopyRun *run)
{
	int			index = 0;
	ListCell   *cell;

	ExecClearTuple(run->output);
	foreach(cell, run->columns)
	{
		run->output->tts_values[index] = run->row->tts_values[lfirst_int(cell) - 1];
		run->output->tts_isnull[index] = run->row->tts_isnull[lfirst_int(cell) - 1];
		index++;
	}
	ExecStoreVirtualTuple(run->output);

	run->sending = true;
	if (run->writer == NULL)
		run->writer = executor_writer_begin(run->table, run->columns,
											run->output->tts_tupleDescriptor);
	executor_writer_set_line(run->writer, run->input->cur_lineno);
	executor_writer_put(run->writer, run->output);
	run->sending = false;
	run->rows++;
}

/* sends what waits; may be called while a trigger's function runs */
static void
end_writer(void *argument)
{
	CopyRun    *run = argument;

	run->sending = true;
	if (run->writer != NULL)
		run->written += executor_writer_end(run->writer);
	run->writer = NULL;
	run->sending = false;
}

/* false: a trigger wants the row left out */
static bool
fire_before(CopyRun *run)
{
	if (!executor_triggers_see_rows(run->triggers))
		return true;
	if (!executor_triggers_insert(run->triggers, run->row))
		return false;
	ExecMaterializeSlot(run->row);
	return true;
}

static void
fire_after(CopyRun *run)
{
	if (!executor_triggers_see_rows(run->triggers))
		return;
	executor_triggers_inserted(run->triggers, run->row);
	executor_triggers_set_pending(run->triggers);
}

/* reads one row in the row's memory; false at the end of data */
static bool
read_row(CopyRun *run, ExprContext *econtext)
{
	MemoryContext context = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	bool		found;

	ExecClearTuple(run->row);
	found = NextCopyFrom(run->input, econtext, run->row->tts_values, run->row->tts_isnull);
	MemoryContextSwitchTo(context);
	return found;
}

static void
copy_rows(void *argument)
{
	CopyRun    *run = argument;
	ExprContext *econtext = GetPerTupleExprContext(run->estate);

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		ResetPerTupleExprContext(run->estate);
		if (!read_row(run, econtext))
			break;
		if (compat_copy_from_skips_row(run->input))
			continue;
		ExecStoreVirtualTuple(run->row);
		run->row->tts_tableOid = RelationGetRelid(run->relation);
		econtext->ecxt_scantuple = run->row;
		if (run->filter && !ExecQual(run->filter, econtext))
		{
			run->excluded++;
			commands_copy_show_progress(run, run->input->bytes_processed);
			continue;
		}
		if (!fire_before(run))
			continue;
		commands_copy_refuse_null_key(run);
		send_row(run);
		fire_after(run);
		commands_copy_show_progress(run, run->input->bytes_processed);
	}
}

/*
 * Errors in the data, found here: lines before it may be wrong, too, and are on their way.  Their
 * shards come first.
 */
void
commands_copy_in_order(CopyRun *run, void (*read) (void *argument), void *argument)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		read(argument);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		if (run->sending || ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		run->judge = NULL;
		run->sending = true;
		if (run->writer != NULL)
			executor_writer_end_wrong(run->writer);
		ReThrowError(error);
	}
	PG_END_TRY();
}

/* every row is read here, and goes to its shard as values */
static void
copy_parsed(CopyRun *run)
{
	ErrorContextCallback errorContext = {error_context_stack, copy_error_context, run};

	error_context_stack = &errorContext;
	if (executor_triggers_see_rows(run->triggers))
		executor_triggers_set_flush(run->triggers, end_writer, run);
	commands_copy_in_order(run, copy_rows, run);
	end_writer(run);
	run->rows = run->written;
	run->sending = true;
	error_context_stack = errorContext.previous;
	compat_copy_from_report_skipped(run->input);
}

/* ---- progress ---- */

void
commands_copy_show_progress(CopyRun *run, uint64 bytes)
{
	/* the COPY of a shard here has put an end to it */
	commands_progress_assert(&run->progress);
	pgstat_progress_update_param(PROGRESS_COPY_BYTES_PROCESSED, bytes);
	pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, run->rows);
	pgstat_progress_update_param(PROGRESS_COPY_TUPLES_EXCLUDED, run->excluded);
	compat_copy_show_skipped(run->input);
}

/* ---- the statement ---- */

/*
 * FREEZE is allowed where one server allows it.  The rows of the shards are not frozen, though: it
 * would take a shard that this transaction has made, and be seen by nobody.
 */
static void
check_freeze(Relation relation)
{
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot perform COPY FREEZE on a partitioned table")));
	InvalidateCatalogSnapshot();
	if (!ThereAreNoPriorRegisteredSnapshots() || !ThereAreNoReadyPortals())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot perform COPY FREEZE because of prior transaction activity")));
	if (relation->rd_createSubid != GetCurrentSubTransactionId() &&
		compat_relation_new_file_subid(relation) != GetCurrentSubTransactionId())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot perform COPY FREEZE because the table was not created or "
						"truncated in the current subtransaction")));
}

static void
begin_input(CopyRun *run, const char *queryString)
{
	CopyStmt   *statement = run->statement;
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;
	Node	   *where;

	pstate->p_sourcetext = queryString;
	nsitem = addRangeTableEntryForRelation(pstate, run->relation, RowExclusiveLock, NULL,
										   false, false);
	where = transform_where(pstate, nsitem, statement->whereClause, run->relation);
	commands_copy_check_rights(statement, run->relation, pstate, nsitem);
	PreventCommandIfReadOnly("COPY FROM");
	run->input = BeginCopyFrom(pstate, run->relation, where, statement->filename,
							   statement->is_program, NULL, statement->attlist,
							   statement->options);
	if (where)
		run->filter = ExecInitQual((List *) where, NULL);
	if (run->input->opts.freeze)
		check_freeze(run->relation);
	commands_progress_begin(&run->progress, RelationGetRelid(run->relation));
}

/* values of sequences that nodes share come from the coordinator */
static void
redirect_defaults(CopyRun *run)
{
	ListCell   *cell;

	if (catalog_is_coordinator())
		return;
	foreach(cell, run->columns)
	{
		ExprState **state = compat_copy_from_default(run->input, lfirst_int(cell));
		Node	   *expression;

		if (state == NULL)
			continue;
		expression = build_column_default(run->relation, lfirst_int(cell));
		expression = planner_redirect_expression(expression);
		*state = ExecInitExpr(expression_planner((Expr *) expression), NULL);
	}
}

static void
copy_lines(void *argument)
{
	CopyRun    *run = argument;

	if (!executor_triggers_see_rows(run->triggers) && commands_copy_may_pass(run))
		commands_copy_pass(run);
	else
		copy_parsed(run);
}

void
commands_copy_from(Command *command, void *argument)
{
	CopyRun		run = {0};

	run.statement = (CopyStmt *) command->statement;
	commands_copy_check_source(run.statement);
	run.relation = table_openrv(run.statement->relation, RowExclusiveLock);
	run.table = catalog_table_get(RelationGetRelid(run.relation));
	run.estate = CreateExecutorState();
	prepare_output(&run);
	begin_input(&run, command->call->queryString);
	redirect_defaults(&run);
	run.triggers = executor_triggers_begin(planner_fires_copy(RelationGetRelid(run.relation)), 0);
	executor_write_for_caller(copy_lines, &run);
	executor_triggers_end(run.triggers);
	EndCopyFrom(run.input);
	ExecDropSingleTupleTableSlot(run.row);
	ExecDropSingleTupleTableSlot(run.output);
	FreeExecutorState(run.estate);
	table_close(run.relation, NoLock);
	if (command->call->qc)
		SetQueryCompletion(command->call->qc, CMDTAG_COPY, run.rows);
}
