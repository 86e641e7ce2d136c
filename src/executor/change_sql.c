/*
 * change_sql.c
 *	  The statements that change rows of a shard, and their parameters.
 *
 * A statement carries its rows as VALUES of parameters; v.c1 is a row's number in the batch where
 * the answer must say which row it is about.  Rows are found by ctid; where a shard has several
 * copies, by the primary key, or one by one by all their columns.
 */
#include "postgres.h"
#include "access/sysattr.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "executor/change_internal.h"

#define MAX_PARAMS			65535	/* of the protocol */

/* ---- what a batch carries ---- */

/* attributes of a row that an INSERT must give: all that are not computed */
static List *
stored_columns(TupleDesc desc)
{
	List	   *result = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && attribute->attgenerated == '\0')
			result = lappend_int(result, attribute->attnum);
	}
	return result;
}

static List *
live_columns(TupleDesc desc)
{
	List	   *result = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			result = lappend_int(result, i + 1);
	}
	return result;
}

/* attributes by which copies of a row are found */
static List *
identity_columns(ChangeState *state)
{
	return state->identity != NIL ? state->identity : live_columns(state->desc);
}

/* values that find the row */
static List *
add_identity(ChangeState *state, List *sources)
{
	ListCell   *cell;

	if (!state->copies)
		return lappend_int(sources, state->spec->rowColumn);
	foreach(cell, identity_columns(state))
		sources = lappend_int(sources, state->spec->oldColumn + lfirst_int(cell) - 1);
	return sources;
}

/* triggers may have given values to more columns than the statement */
static List *
with_changed(ChangeState *state, List *columns)
{
	int			member = -1;

	columns = list_copy(columns);
	while ((member = bms_next_member(state->changed, member)) >= 0)
		columns = list_append_unique_int(columns, member);
	return columns;
}

static void
describe_values(ChangeBatch *batch)
{
	ChangeState *state = batch->state;
	ChangeAction *action = batch->action;
	ListCell   *cell;

	if (batch->command == CMD_INSERT &&
		(action->command == CMD_UPDATE || state->triggers != NULL))
		batch->columns = stored_columns(state->desc);
	else
		batch->columns = with_changed(state, action->columns);
	batch->firstValue = list_length(batch->sources) + 1;
	foreach(cell, batch->columns)
	{
		int			attno = lfirst_int(cell);
		int			column = executor_change_value_column(state, action, attno);

		if (column == 0)
			column = state->spec->oldColumn + attno - 1;
		batch->sources = lappend_int(batch->sources, column);
	}
}

static void
init_column(TupleDesc desc, int number, TupleDesc table, AttrNumber attno)
{
	Form_pg_attribute attribute;
	Oid			type = INT8OID;

	if (attno > 0)
	{
		TupleDescCopyEntry(desc, number, table, attno);
		return;
	}
	if (attno != TableOidAttributeNumber)
	{
		attribute = (Form_pg_attribute) SystemAttributeDefinition(attno);
		type = attribute->atttypid;
	}
	TupleDescInitEntry(desc, number, "system", type, -1, 0);
}

/* attributes that come back of each row */
static List *
returned_columns(ChangeBatch *batch)
{
	if (!batch->returns)
		return NIL;
	if (batch->command != CMD_DELETE)
		return batch->state->returned;
	return batch->moves ? NIL : batch->state->marked;
}

/* what comes back: a number, then attributes of the new row, or of one that is deleted */
static TupleDesc
describe_answer(ChangeBatch *batch)
{
	ChangeState *state = batch->state;
	List	   *returned = returned_columns(batch);
	TupleDesc	desc;
	int			number = 1;
	ListCell   *cell;

	if (!batch->returns && !(batch->command == CMD_DELETE && state->moves) &&
		!(batch->command != CMD_INSERT && state->triggers != NULL))
		return NULL;
	desc = CreateTemplateTupleDesc(list_length(returned) + 1);
	TupleDescInitEntry(desc, number, "n", INT4OID, -1, 0);
	foreach(cell, returned)
		init_column(desc, ++number, state->desc, lfirst_int(cell));
	return desc;
}

/*
 * Rows on their way to another shard.  Where a shard has copies, rows have no places by which they
 * could be found, and are deleted like others.
 */
static bool
leaves_shard(ChangeBatch *batch)
{
	return batch->command == CMD_DELETE && batch->moves && !batch->state->copies;
}

void
executor_change_describe(ChangeBatch *batch)
{
	if (leaves_shard(batch))
		batch->sources = list_make1_int(batch->state->spec->rowColumn);
	else if (batch->command != CMD_INSERT)
		batch->sources = add_identity(batch->state, list_make1_int(0));
	if (batch->command != CMD_DELETE)
		describe_values(batch);
	batch->desc = describe_answer(batch);
}

/* ---- text ---- */

/*
 * (VALUES ($1::int4, $2::tid), ..), types of users by their names.  Without a given typmod
 * "character" would be printed for bpchar, which is character(1), and "bit" for bit(1).
 */
static void
append_values(StringInfo sql, ChangeBatch *batch, int nrows)
{
	int			n = list_length(batch->sources);
	char	  **types = palloc(sizeof(char *) * Max(n, 1));
	int			number = 0;
	ListCell   *cell;

	foreach(cell, batch->sources)
	{
		int			column = lfirst_int(cell);
		Oid			type = column == 0 ? INT4OID :
			TupleDescAttr(batch->state->rowDesc, column - 1)->atttypid;

		types[foreach_current_index(cell)] =
			format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	}
	appendStringInfoString(sql, "VALUES ");
	for (int row = 0; row < nrows; row++)
	{
		appendStringInfoString(sql, row == 0 ? "(" : ", (");
		for (int i = 0; i < n; i++)
			appendStringInfo(sql, "%s$%d::%s", i == 0 ? "" : ", ", ++number, types[i]);
		appendStringInfoChar(sql, ')');
	}
}

static void
append_source(StringInfo sql, ChangeBatch *batch, int nrows)
{
	appendStringInfoChar(sql, '(');
	append_values(sql, batch, nrows);
	appendStringInfoString(sql, ") v (");
	for (int i = 1; i <= list_length(batch->sources); i++)
		appendStringInfo(sql, "%sc%d", i == 1 ? "" : ", ", i);
	appendStringInfoChar(sql, ')');
}

static const char *
column_name(ChangeState *state, AttrNumber attno)
{
	return quote_identifier(get_attname(state->spec->relid, attno, false));
}

/* ROW(t.a, t.b) or ROW(v.c2, v.c3); without the cast an operator would compare field by field */
static void
append_image(StringInfo sql, ChangeState *state, const char *alias)
{
	int			number = 1;
	ListCell   *cell;

	appendStringInfoString(sql, "ROW(");
	foreach(cell, identity_columns(state))
	{
		appendStringInfoString(sql, number == 1 ? "" : ", ");
		number++;
		if (alias != NULL)
			appendStringInfo(sql, "%s.%s", alias, column_name(state, lfirst_int(cell)));
		else
			appendStringInfo(sql, "v.c%d", number);
	}
	appendStringInfoString(sql, ")::pg_catalog.record");
}

/* " WHERE t is the row of v" */
static void
append_where(StringInfo sql, ChangeBatch *batch, const Shard *shard, const char *relation)
{
	ChangeState *state = batch->state;
	StringInfoData rest;
	int			number = 1;
	ListCell   *cell;

	initStringInfo(&rest);
	if (state->watch != 0)
		appendStringInfo(&rest, " AND citus_internal.row_is_older(%d, t.xmin, t.cmin)",
						 state->watch);
	if (shard->relid != state->spec->relid && state->partitioned)
		appendStringInfo(&rest, " AND t.tableoid = %s::pg_catalog.regclass",
						 quote_literal_cstr(catalog_shard_qualified_name(shard)));
	if (!state->copies)
		appendStringInfo(sql, " WHERE t.ctid OPERATOR(pg_catalog.=) v.c2%s", rest.data);
	else if (state->identity == NIL)
	{
		/* rows that are alike cannot be told apart: one of them */
		appendStringInfo(sql, " WHERE (t.tableoid, t.ctid) = (SELECT t.tableoid, t.ctid FROM %s t"
						 " WHERE ", relation);
		append_image(sql, state, "t");
		appendStringInfoString(sql, " OPERATOR(pg_catalog.*=) ");
		append_image(sql, state, NULL);
		appendStringInfo(sql, "%s LIMIT 1)", rest.data);
	}
	else
	{
		foreach(cell, state->identity)
		{
			number++;
			appendStringInfo(sql, "%st.%s OPERATOR(pg_catalog.=) v.c%d",
							 number == 2 ? " WHERE " : " AND ",
							 column_name(state, lfirst_int(cell)), number);
		}
		appendStringInfoString(sql, rest.data);
	}
}

static void
append_assignments(StringInfo sql, ChangeBatch *batch)
{
	const char *separator = "";
	ListCell   *cell;

	foreach(cell, batch->columns)
	{
		appendStringInfo(sql, "%s%s = v.c%d", separator,
						 column_name(batch->state, lfirst_int(cell)),
						 batch->firstValue + foreach_current_index(cell));
		separator = ", ";
	}
	foreach(cell, batch->action->defaults)
	{
		appendStringInfo(sql, "%s%s = DEFAULT", separator,
						 column_name(batch->state, lfirst_int(cell)));
		separator = ", ";
	}
}

static void
append_returning(StringInfo sql, ChangeBatch *batch, int first)
{
	ChangeState *state = batch->state;
	ListCell   *cell;

	if (batch->desc == NULL)
		return;
	if (batch->command == CMD_INSERT)
		appendStringInfo(sql, " RETURNING %d::pg_catalog.int4", first);
	else
		appendStringInfoString(sql, " RETURNING v.c1");
	foreach(cell, returned_columns(batch))
	{
		AttrNumber	attno = lfirst_int(cell);

		if (attno == TableOidAttributeNumber)
			appendStringInfoString(sql, ", citus_internal.shard_of_row(t.tableoid)");
		else if (attno == SelfItemPointerAttributeNumber && state->table->nshards > 1)
			appendStringInfoString(sql, ", citus_internal.row_tid(t.tableoid, t.ctid)");
		else if (attno < 0)
		{
			/* what an upsert has updated, it has locked first: it is told from new rows by that */
			if (state->spec->conflict != NULL && batch->action->command == CMD_UPDATE &&
				attno == MaxTransactionIdAttributeNumber)
				attno = MinTransactionIdAttributeNumber;
			appendStringInfo(sql, ", t.%s",
							 NameStr(SystemAttributeDefinition(attno)->attname));
		}
		else
			appendStringInfo(sql, ", t.%s", column_name(state, attno));
	}
}

/* a row of an upsert can only conflict with what the statement itself has written: an error */
static void
append_conflict(StringInfo sql, ChangeBatch *batch)
{
	ChangeState *state = batch->state;
	const char *column = column_name(state, linitial_int(batch->columns));
	ListCell   *cell;

	foreach(cell, state->spec->actions)
	{
		ChangeAction *action = lfirst(cell);

		if (action->command == CMD_UPDATE)
			column = column_name(state, linitial_int(action->columns));
	}
	appendStringInfo(sql, " ON CONFLICT %s DO UPDATE SET %s = t.%s "
					 "WHERE citus_internal.raise_second_conflict()", state->spec->conflict,
					 column, column);
}

static void
append_insert(StringInfo sql, ChangeBatch *batch, const char *relation, int nrows)
{
	ListCell   *cell;

	appendStringInfo(sql, "INSERT INTO %s AS t (", relation);
	foreach(cell, batch->columns)
		appendStringInfo(sql, "%s%s", foreach_current_index(cell) == 0 ? "" : ", ",
						 column_name(batch->state, lfirst_int(cell)));
	appendStringInfoString(sql, ") OVERRIDING SYSTEM VALUE ");
	append_values(sql, batch, nrows);
	if (batch->state->spec->conflict != NULL && batch->action->command == CMD_INSERT)
		append_conflict(sql, batch);
}

/*
 * What a statement about rows of a shard names: a partition's rows may move, which its parent sees
 * to; those of a table and of its children are told apart.
 */
static char *
relation_of_rows(ChangeBatch *batch, const Shard *shard)
{
	ChangeState *state = batch->state;

	if (batch->command == CMD_INSERT || state->partitioned)
		return catalog_shard_qualified_name(state->table->shards[shard->index]);
	return psprintf("ONLY %s", catalog_shard_qualified_name(shard));
}

/* $1 .. are the rows' places; their numbers have no gaps */
static void
append_leave(StringInfo sql, const Shard *shard, int first, int nrows)
{
	appendStringInfo(sql, "SELECT n OPERATOR(pg_catalog.+) %d FROM citus_internal.leave_shard("
					 "%s::pg_catalog.regclass, ARRAY[", first,
					 quote_literal_cstr(catalog_shard_qualified_name(shard)));
	for (int i = 0; i < nrows; i++)
		appendStringInfo(sql, "%s$%d::pg_catalog.tid", i == 0 ? "" : ", ", i + 1);
	appendStringInfoString(sql, "]) n");
}

static char *
make_statement(ChangeBatch *batch, const Shard *shard, int first, int nrows)
{
	char	   *relation = relation_of_rows(batch, shard);
	StringInfoData sql;

	initStringInfo(&sql);
	if (leaves_shard(batch))
	{
		append_leave(&sql, shard, first, nrows);
		return sql.data;
	}
	switch (batch->command)
	{
		case CMD_INSERT:
			append_insert(&sql, batch, relation, nrows);
			break;
		case CMD_UPDATE:
			appendStringInfo(&sql, "UPDATE %s t SET ", relation);
			append_assignments(&sql, batch);
			appendStringInfoString(&sql, " FROM ");
			append_source(&sql, batch, nrows);
			append_where(&sql, batch, shard, relation);
			break;
		default:
			appendStringInfo(&sql, "DELETE FROM %s t USING ", relation);
			append_source(&sql, batch, nrows);
			append_where(&sql, batch, shard, relation);
			break;
	}
	append_returning(&sql, batch, first);
	return sql.data;
}

/* ---- parameters ---- */

static ExecutorParams *
make_params(ChangeBatch *batch, List *rows, int first, int nrows)
{
	TupleDesc	desc = batch->state->rowDesc;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	ExecutorParams *params = executor_params_make(nrows * list_length(batch->sources));
	int			n = 0;

	for (int i = first; i < first + nrows; i++)
	{
		ChangeBatchRow *row = list_nth(rows, i);
		ListCell   *cell;

		ExecStoreMinimalTuple(row->tuple, slot, false);
		foreach(cell, batch->sources)
		{
			int			column = lfirst_int(cell);

			params->types[n] = column == 0 ? INT4OID : TupleDescAttr(desc, column - 1)->atttypid;
			if (column == 0)
				params->values[n] = Int32GetDatum(row->inBatch);
			else
				params->values[n] = slot_getattr(slot, column, &params->nulls[n]);
			n++;
		}
	}
	/* values point into the batch's tuples */
	ExecDropSingleTupleTableSlot(slot);
	return params;
}

/* rows that one statement can carry */
static int
rows_per_statement(ChangeBatch *batch)
{
	ChangeState *state = batch->state;

	if (batch->command != CMD_INSERT && state->copies && state->identity == NIL)
		return 1;
	return MAX_PARAMS / Max(list_length(batch->sources), 1);
}

List *
executor_change_add_tasks(ChangeBatch *batch, List *tasks, ChangeBatchShard *entry)
{
	const Shard *target = batch->state->table->shards[entry->shard->index];
	int			step = rows_per_statement(batch);
	int			total = list_length(entry->rows);

	for (int first = 0; first < total; first += step)
	{
		int			nrows = Min(step, total - first);
		ChangeBatchRow *row = list_nth(entry->rows, first);
		char	   *sql = make_statement(batch, entry->shard, row->inBatch, nrows);

		tasks = executor_tasks_for_shard(tasks, target, sql,
										 make_params(batch, entry->rows, first, nrows), true);
	}
	return tasks;
}
