/*
 * plain_lines.c
 *	  Lines of COPY data that are easily read, without the server's parser.
 *
 * The server looks at each byte of a line several times, because it may mean something: a quote, a
 * backslash, a line end of another kind.  In most data nearly none does.  Where a line's bytes are
 * just values between delimiters, they are found and read here, numbers and texts without a
 * function call, and stored in batches as the server's COPY does.
 *
 * Invariants:
 * (1) the first line that might be anything else, and all after it, are read by the server's
 *	   parser: a line with a quote, backslash or carriage return, with another number of fields,
 *	   with a NULL where there must be none, or without a line end.  Their rows go into the same
 *	   batches, so that a line that cannot be read is told before an index refuses a row, as in
 *	   the server's COPY;
 * (2) what can be wrong with a plain line is raised by what raises it in the server's COPY (input
 *	   functions, indexes), while state says which line and column it is;
 * (3) values are as the type's input function gives them.
 *
 * Main path: executor_lines_may_be_plain(), executor_plain_lines_begin();
 * executor_plain_lines_read() takes what it can of the data, executor_plain_lines_end() the rest
 * from state's source.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/copyfrom_internal.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "citus/base/compat_triggers.h"
#include "store_internal.h"

#define MOST_BYTES	65535		/* of lines that wait, as in the server */

typedef enum FieldKind
{
	FIELD_INT2,
	FIELD_INT4,
	FIELD_INT8,
	FIELD_STRING,				/* text; varchar whose limit bytes keep, too */
	FIELD_OTHER
} FieldKind;

typedef struct PlainField
{
	Form_pg_attribute attribute;
	FieldKind	kind;
	int			most;			/* bytes of a string */
} PlainField;

struct PlainLines
{
	CopyFromState state;
	EState	   *estate;
	char		delimiter;
	char		escape;			/* of the text format; '\0': there is none */
	int			nfields;
	PlainField *fields;
	const char **stops;			/* ends of a line's fields */
	RowBatch	batch;
	MemoryContext rowContext;	/* of what input functions leave */
	MemoryContext tupleContext; /* of rows that wait */
	StringInfoData strings;		/* of a row */
	Datum	   *values;
	bool	   *nulls;
	uint64		count;			/* of rows */
};

/* ---- is it that simple? ---- */

/* those that say how a line is cut into fields, and not what else is done with these */
static bool
options_are_simple(const List *options)
{
	static const char *const simple[] = {"format", "delimiter", "null", "quote", "escape",
	"encoding", "log_verbosity"};
	const ListCell *cell;

	foreach(cell, options)
	{
		bool		found = false;

		for (int i = 0; i < lengthof(simple); i++)
			found |= strcmp(lfirst_node(DefElem, cell)->defname, simple[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* all columns get their values from fields, or are NULL; and no check is made of a row */
static bool
columns_are_simple(CopyFromState state)
{
	TupleDesc	desc = RelationGetDescr(state->rel);

	if (state->attnumlist == NIL || state->num_defaults > 0 ||
		(desc->constr != NULL && desc->constr->num_check > 0))
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		if (attribute->attgenerated != '\0' ||
			(attribute->attnotnull && !list_member_int(state->attnumlist, attribute->attnum)))
			return false;
	}
	return true;
}

bool
executor_lines_may_be_plain(CopyFromState state, const List *options)
{
	Relation	relation = state->rel;

	return !state->opts.binary && !state->need_transcoding &&
		(state->eol_type == EOL_UNKNOWN || state->eol_type == EOL_NL) &&
		strstr(state->opts.null_print, "\\.") == NULL &&
		relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_rel->relam == HEAP_TABLE_AM_OID && !relation->rd_rel->relispartition &&
		relation->trigdesc == NULL && options_are_simple(options) && columns_are_simple(state);
}

/* how many of data's first bytes have no meaning of their own in any line */
static int
find_plain_end(CopyFromState state, const char *data, int length)
{
	char		special[2] = {'\r', state->opts.csv_mode ? state->opts.quote[0] : '\r'};
	int			result = length;

	if (pg_encoding_verifymbstr(GetDatabaseEncoding(), data, length) < length)
		return 0;
	for (int i = 0; i < lengthof(special); i++)
	{
		const char *found = memchr(data, special[i], result);

		if (found != NULL)
			result = found - data;
	}
	return result;
}

/* ---- values ---- */

static FieldKind
kind_of_field(const PlainField *field)
{
	switch (field->attribute->atttypid)
	{
		case INT2OID:
			return FIELD_INT2;
		case INT4OID:
			return FIELD_INT4;
		case INT8OID:
			return FIELD_INT8;
		case TEXTOID:
		case VARCHAROID:
			return FIELD_STRING;
		default:
			return FIELD_OTHER;
	}
}

/* digits that cannot be too many, perhaps after a sign; false: it is for the input function */
static inline bool
read_number(const char *at, int length, int mostDigits, int64 *value)
{
	bool		negative = length > 0 && *at == '-';
	int64		number = 0;

	at += negative;
	length -= negative;
	if (length < 1 || length > mostDigits)
		return false;
	for (int i = 0; i < length; i++)
	{
		unsigned	digit = (unsigned char) at[i] - '0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*value = negative ? -number : number;
	return true;
}

/* the strings of a row lie one after the other, where there is room for all of them */
static Datum
make_string(PlainLines *lines, const char *at, int length)
{
	char	   *place = lines->strings.data + lines->strings.len;

	SET_VARSIZE(place, length + VARHDRSZ);
	memcpy(VARDATA(place), at, length);
	lines->strings.len += INTALIGN(length + VARHDRSZ);
	return PointerGetDatum(place);
}

/* raises what the input function raises, as the server's COPY does; at NULL: for NULL */
static Datum
call_input(PlainLines *lines, const PlainField *field, const char *at, int length)
{
	CopyFromState state = lines->state;
	int			column = field->attribute->attnum - 1;
	MemoryContext caller = MemoryContextSwitchTo(lines->rowContext);
	char	   *text = at == NULL ? NULL : pnstrdup(at, length);
	Datum		value;

	state->cur_attname = NameStr(field->attribute->attname);
	state->cur_attval = text;
	value = InputFunctionCall(&state->in_functions[column], text, state->typioparams[column],
							  field->attribute->atttypmod);
	state->cur_attname = NULL;
	state->cur_attval = NULL;
	MemoryContextSwitchTo(caller);
	return value;
}

static Datum
read_value(PlainLines *lines, const PlainField *field, const char *at, int length)
{
	int64		number;

	switch (field->kind)
	{
		case FIELD_INT2:
			if (read_number(at, length, 4, &number))
				return Int16GetDatum((int16) number);
			break;
		case FIELD_INT4:
			if (read_number(at, length, 9, &number))
				return Int32GetDatum((int32) number);
			break;
		case FIELD_INT8:
			if (read_number(at, length, 18, &number))
				return Int64GetDatum(number);
			break;
		case FIELD_STRING:
			if (length <= field->most)
				return make_string(lines, at, length);
			break;
		case FIELD_OTHER:
			break;
	}
	return call_input(lines, field, at, length);
}

/* ---- lines ---- */

/* false: the field means more than its bytes, or is not allowed */
static bool
read_field(PlainLines *lines, const PlainField *field, const char *at, int length)
{
	const CopyFormatOptions *options = &lines->state->opts;
	int			column = field->attribute->attnum - 1;

	lines->nulls[column] = length == options->null_print_len &&
		memcmp(at, options->null_print, length) == 0;
	if (lines->nulls[column])
	{
		/* domains may refuse it */
		if (field->kind == FIELD_OTHER && !field->attribute->attnotnull)
			(void) call_input(lines, field, NULL, 0);
		return !field->attribute->attnotnull;
	}
	if (lines->escape != '\0' && memchr(at, lines->escape, length) != NULL)
		return false;
	lines->values[column] = read_value(lines, field, at, length);
	return true;
}

/* where the fields end: found first, for too many are told before what is wrong in one */
static bool
find_fields(PlainLines *lines, const char *at, const char *end)
{
	int			last = lines->nfields - 1;

	for (int i = 0; i < last; i++)
	{
		lines->stops[i] = memchr(at, lines->delimiter, end - at);
		if (lines->stops[i] == NULL)
			return false;
		at = lines->stops[i] + 1;
	}
	lines->stops[last] = end;
	return memchr(at, lines->delimiter, end - at) == NULL;
}

/* the fields of a line; false: it is for the server to read */
static bool
read_line(PlainLines *lines, const char *at, const char *end)
{
	/* the end-of-copy marker of some releases, or of one format */
	if (at < end && *at == '\\' && (end - at == 1 || at[1] == '.'))
		return false;
	if (!find_fields(lines, at, end))
		return false;
	resetStringInfo(&lines->strings);
	enlargeStringInfo(&lines->strings, (end - at) + lines->nfields * 2 * VARHDRSZ);
	for (int i = 0; i < lines->nfields; i++)
	{
		if (!read_field(lines, &lines->fields[i], at, lines->stops[i] - at))
			return false;
		at = lines->stops[i] + 1;
	}
	return true;
}

/* what has been read of a line becomes a row that waits */
static void
add_row(PlainLines *lines, int length)
{
	RowBatch   *batch = &lines->batch;
	TupleTableSlot *slot = executor_batch_slot(batch);
	MemoryContext caller = MemoryContextSwitchTo(lines->tupleContext);
	HeapTuple	tuple = heap_form_tuple(batch->desc, lines->values, lines->nulls);

	tuple->t_tableOid = slot->tts_tableOid;
	ExecStoreHeapTuple(tuple, slot, true);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(lines->rowContext);
	batch->lines[batch->nrows] = lines->state->cur_lineno;
	executor_batch_add(batch, length);
	lines->count++;
}

static bool
batch_is_full(const PlainLines *lines)
{
	return lines->batch.nrows == BATCH_ROWS || lines->batch.nbytes >= MOST_BYTES;
}

static void
store_rows(PlainLines *lines)
{
	CHECK_FOR_INTERRUPTS();
	lines->state->line_buf_valid = false;
	executor_batch_store(&lines->batch);
	MemoryContextReset(lines->tupleContext);
}

/* ---- all of it ---- */

static void
begin_target(PlainLines *lines)
{
	Relation	relation = lines->state->rel;
	ResultRelInfo *target = makeNode(ResultRelInfo);

	lines->estate->es_output_cid = GetCurrentCommandId(true);
	compat_estate_add_target(lines->estate, relation, NULL);
	InitResultRelInfo(target, relation, 1, NULL, 0);
	ExecOpenIndices(target, false);
	executor_batch_begin(&lines->batch, lines->estate, target);
	lines->batch.line = &lines->state->cur_lineno;
	lines->batch.pages = GetBulkInsertState();
}

PlainLines *
executor_plain_lines_begin(CopyFromState state)
{
	EState	   *estate = CreateExecutorState();
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	PlainLines *lines = palloc0(sizeof(PlainLines));
	TupleDesc	desc = RelationGetDescr(state->rel);
	ListCell   *cell;

	lines->state = state;
	lines->estate = estate;
	lines->delimiter = state->opts.delim[0];
	lines->escape = state->opts.csv_mode ? '\0' : '\\';
	lines->fields = palloc0(sizeof(PlainField) * list_length(state->attnumlist));
	lines->stops = palloc(sizeof(char *) * list_length(state->attnumlist));
	foreach(cell, state->attnumlist)
	{
		PlainField *field = &lines->fields[lines->nfields++];

		field->attribute = TupleDescAttr(desc, lfirst_int(cell) - 1);
		field->kind = kind_of_field(field);
		field->most = field->attribute->atttypid == VARCHAROID &&
			field->attribute->atttypmod >= VARHDRSZ ?
			field->attribute->atttypmod - VARHDRSZ : PG_INT32_MAX;
	}
	lines->values = palloc0(sizeof(Datum) * desc->natts);
	lines->nulls = palloc(sizeof(bool) * desc->natts);
	memset(lines->nulls, true, sizeof(bool) * desc->natts);
	lines->rowContext = AllocSetContextCreate(CurrentMemoryContext, "citus plain line",
											  ALLOCSET_DEFAULT_SIZES);
	lines->tupleContext = AllocSetContextCreate(CurrentMemoryContext, "citus plain rows",
												ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&lines->strings);
	begin_target(lines);
	MemoryContextSwitchTo(caller);
	return lines;
}

int
executor_plain_lines_read(PlainLines *lines, const char *data, int length)
{
	CopyFromState state = lines->state;
	const char *end = data + find_plain_end(state, data, length);
	const char *at = data;
	const char *lineEnd;
	ErrorContextCallback callback = {error_context_stack, CopyFromErrorCallback, state};
	MemoryContext caller = MemoryContextSwitchTo(lines->estate->es_query_cxt);

	state->line_buf_valid = false;
	error_context_stack = &callback;
	while ((lineEnd = memchr(at, '\n', end - at)) != NULL)
	{
		state->cur_lineno = lines->count + 1;
		if (!read_line(lines, at, lineEnd))
			break;
		add_row(lines, lineEnd - at);
		at = lineEnd + 1;
		if (batch_is_full(lines))
			store_rows(lines);
	}
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(caller);
	state->cur_lineno = lines->count;
	if (lines->count > 0)
		state->eol_type = EOL_NL;
	return at - data;
}

/* a line by the server's parser; false: there is none */
static bool
read_other_line(PlainLines *lines)
{
	ExprContext *econtext = GetPerTupleExprContext(lines->estate);
	MemoryContext caller = MemoryContextSwitchTo(lines->rowContext);
	bool		found = NextCopyFrom(lines->state, econtext, lines->values, lines->nulls);

	MemoryContextSwitchTo(caller);
	return found;
}

static void
check_not_null(PlainLines *lines)
{
	TupleDesc	desc = lines->batch.desc;
	TupleTableSlot *slot;

	if (desc->constr == NULL || !desc->constr->has_not_null)
		return;
	slot = executor_batch_slot(&lines->batch);
	ExecStoreHeapTuple(heap_form_tuple(desc, lines->values, lines->nulls), slot, true);
	ExecConstraints(lines->batch.target, slot, lines->estate);
}

static void
read_other_lines(PlainLines *lines)
{
	CopyFromState state = lines->state;

	while (read_other_line(lines))
	{
		CHECK_FOR_INTERRUPTS();
		check_not_null(lines);
		add_row(lines, state->line_buf.len);
		if (batch_is_full(lines))
			store_rows(lines);
	}
}

uint64
executor_plain_lines_end(PlainLines *lines, bool more)
{
	ErrorContextCallback callback = {error_context_stack, CopyFromErrorCallback, lines->state};
	MemoryContext caller = MemoryContextSwitchTo(lines->estate->es_query_cxt);
	RowBatch   *batch = &lines->batch;
	uint64		count;

	error_context_stack = &callback;
	if (more)
		read_other_lines(lines);
	store_rows(lines);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(caller);

	count = lines->count;
	FreeBulkInsertState(batch->pages);
	table_finish_bulk_insert(lines->state->rel, 0);
	ExecResetTupleTable(batch->estate->es_tupleTable, false);
	ExecCloseIndices(batch->target);
	FreeExecutorState(batch->estate);
	return count;
}
