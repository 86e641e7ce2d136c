/*
 * copy_through.c
 *	  COPY FROM whose lines go to shards as the user wrote them.
 *
 * This node finds where lines end and what the key's field says, and forwards the bytes; the
 * shard's COPY, with the options of the user's, reads the rest.  Whatever is not as simple as that
 * is shown to the server's own parser here (the judge): a line whose key's field has escapes or is
 * the NULL string, that is too short, that has a line end of the wrong kind or the end-of-copy
 * marker.  It raises the errors that it would raise on one server, or says what the key is.
 *
 * Statements whose rows depend on more than the line are not for this file, see
 * commands_copy_may_pass().
 *
 *	   commands_copy_pass
 *		   commands_input_more: bytes (copy_input.c)
 *		   commands_line_next: a line, the key's field (copy_lines.c)
 *		   shard_of_line: value of the key, or judge_line
 *		   executor_writer_put_line
 *		   executor_writer_end: the shards have read all
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/copyfrom_internal.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_node.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "citus/base/compat.h"
#include "citus/base/compat_copy.h"
#include "citus/routing/routing.h"
#include "commands/copy_internal.h"

typedef struct PassRun
{
	CopyRun    *run;
	CopyInput	input;
	LineSplitter splitter;
	uint64		line;			/* number of the line at hand; it may be the last of several */

	/* the key, valid when the table has one */
	ShardRouter *router;
	FmgrInfo	keyInput;
	Oid			keyIoParam;
	bool		isNumber;		/* int2, int4 or int8: plain digits are read here */

	/* the server's parser for lines that need it; NULL until there is one */
	CopyFromState judge;

	LineEnd		lineEndBefore;	/* as known when the line at hand began */
} PassRun;

/* ---- may the lines pass? ---- */

/* options that mean the same for each line by itself */
static bool
options_may_pass(const CopyStmt *statement)
{
	static const char *const known[] = {"format", "header", "delimiter", "null", "quote",
	"escape", "force_not_null", "force_null", "encoding", "freeze", "log_verbosity"};
	ListCell   *cell;

	foreach(cell, statement->options)
	{
		const char *name = lfirst_node(DefElem, cell)->defname;
		bool		found = false;

		for (int i = 0; i < lengthof(known); i++)
			found |= strcmp(name, known[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* bytes that the splitter tells apart are different ones, and are found in no other character */
static bool
format_may_pass(CopyFromState state)
{
	const CopyFormatOptions *options = &state->opts;

	if (options->binary || !PG_VALID_BE_ENCODING(state->file_encoding))
		return false;
	if (!options->csv_mode)
		return true;
	return strchr("\r\n\\", options->quote[0]) == NULL &&
		strchr("\r\n", options->escape[0]) == NULL && options->delim[0] != options->escape[0] &&
		options->delim[0] != '\\';
}

/* columns that are not given stay NULL: no value has to be computed here */
static bool
columns_may_pass(CopyRun *run)
{
	TupleDesc	desc = RelationGetDescr(run->relation);
	List	   *given = run->input->attnumlist;

	if (given == NIL)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || attribute->attgenerated != '\0' ||
			list_member_int(given, attribute->attnum))
			continue;
		if (attribute->attnum == run->table->keyAttno ||
			build_column_default(run->relation, attribute->attnum) != NULL)
			return false;
	}
	return true;
}

bool
commands_copy_may_pass(CopyRun *run)
{
	if (DIST_TABLE_HAS_KEY(run->table) && run->table->kind != DIST_TABLE_HASH)
		return false;
	return run->filter == NULL && options_may_pass(run->statement) &&
		format_may_pass(run->input) && columns_may_pass(run);
}

/* ---- options for the shards ---- */

static void
append_names(StringInfo text, List *names)
{
	ListCell   *cell;

	foreach(cell, names)
		appendStringInfo(text, "%s%s", foreach_current_index(cell) == 0 ? " (" : ", ",
						 quote_identifier(strVal(lfirst(cell))));
	appendStringInfoChar(text, ')');
}

static void
append_option(StringInfo text, DefElem *option)
{
	appendStringInfo(text, ", %s", option->defname);
	if (option->arg == NULL)
		return;
	if (IsA(option->arg, List))
		append_names(text, (List *) option->arg);
	else if (IsA(option->arg, A_Star))
		appendStringInfoString(text, " *");
	else
		appendStringInfo(text, " %s", quote_literal_cstr(defGetString(option)));
}

/* the user's, but for what concerns the input as a whole */
static char *
options_for_shards(CopyRun *run)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfo(&text, "encoding %s",
					 quote_literal_cstr(pg_encoding_to_char(run->input->file_encoding)));
	foreach(cell, run->statement->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "header") != 0 && strcmp(option->defname, "freeze") != 0 &&
			strcmp(option->defname, "encoding") != 0)
			append_option(&text, option);
	}
	return text.data;
}

/* ---- the judge ---- */

/* what the judge reads: its callback has no argument */
static const char *judged_bytes = NULL;
static int	judged_left = 0;

static int
read_judged(void *buffer, int minRead, int maxRead)
{
	int			n = Min(maxRead, judged_left);

	memcpy(buffer, judged_bytes, n);
	judged_bytes += n;
	judged_left -= n;
	return n;
}

static void
make_judge(PassRun *pass)
{
	CopyRun    *run = pass->run;
	MemoryContext caller = MemoryContextSwitchTo(run->estate->es_query_cxt);

	pass->judge = BeginCopyFrom(make_parsestate(NULL), run->relation, NULL, NULL, false,
								read_judged, run->statement->attlist, run->statement->options);
	MemoryContextSwitchTo(caller);
	commands_copy_show_progress(run, pass->input.read);
}

/*
 * The server's parser reads the line, as number pass->line of the input: run->row has its values.
 * False: it is the end-of-copy marker, or the header.
 */
static bool
judge_line(PassRun *pass, const char *data, const CopyLine *line)
{
	CopyRun    *run = pass->run;
	ExprContext *econtext = GetPerTupleExprContext(run->estate);
	CopyFromState judge;
	MemoryContext caller;
	bool		found;

	if (pass->judge == NULL)
		make_judge(pass);
	judge = pass->judge;
	judge->raw_buf_index = judge->raw_buf_len = 0;
	judge->input_buf_index = judge->input_buf_len = 0;
	judge->raw_reached_eof = judge->input_reached_eof = judge->input_reached_error = false;
	judge->eol_type = (EolType) pass->lineEndBefore;
	judge->cur_lineno = pass->line - line->inner - 1;
	judged_bytes = data;
	judged_left = line->length;

	run->judge = judge;
	caller = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	ExecClearTuple(run->row);
	found = NextCopyFrom(judge, econtext, run->row->tts_values, run->row->tts_isnull);
	MemoryContextSwitchTo(caller);
	if (found && line->wrong)
		elog(ERROR, "line " UINT64_FORMAT " has an unexpected line end", pass->line);
	return found;
}

/* ---- the key ---- */

/* int2, int4 and int8 of few digits; false: the type's own function has to look at it */
static bool
read_number(const char *text, int length, Datum *value, Oid type)
{
	int			most = type == INT8OID ? 18 : type == INT4OID ? 9 : 4;
	bool		negative = length > 0 && *text == '-';
	int64		number = 0;

	if (length - negative < 1 || length - negative > most)
		return false;
	for (int i = negative; i < length; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
	}
	if (negative)
		number = -number;
	*value = type == INT8OID ? Int64GetDatum(number) :
		type == INT4OID ? Int32GetDatum((int32) number) : Int16GetDatum((int16) number);
	return true;
}

static bool
is_ascii_text(const char *text, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(text[i]) || text[i] == '\0')
			return false;
	}
	return true;
}

/* the type's own function; false if it raises an error about the data */
static bool
convert_key(PassRun *pass, char *text, Datum *value)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		*value = InputFunctionCall(&pass->keyInput, text, pass->keyIoParam,
								   pass->run->table->keyTypmod);
		done = true;
	}
	PG_CATCH();
	{
		/* the judge will raise it again, unless there is another before it in the line */
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	return done;
}

/* false: the field is one for the judge */
static bool
read_key(PassRun *pass, const CopyLine *line, Datum *value)
{
	const CopyFormatOptions *options = &pass->run->input->opts;

	if (line->key == NULL ||
		(line->keyLength == options->null_print_len &&
		 memcmp(line->key, options->null_print, line->keyLength) == 0))
		return false;
	if (pass->isNumber)
		return read_number(line->key, line->keyLength, value, pass->run->table->keyType);
	if (!is_ascii_text(line->key, line->keyLength) &&
		(pass->run->input->need_transcoding || memchr(line->key, '\0', line->keyLength) != NULL ||
		 !pg_verifymbstr(line->key, line->keyLength, true)))
		return false;
	return convert_key(pass, pnstrdup(line->key, line->keyLength), value);
}

/* shard of the line; false: the line is no row but the end of the data */
static bool
shard_of_line(PassRun *pass, const char *data, const CopyLine *line, int *shard)
{
	CopyRun    *run = pass->run;
	Datum		key = (Datum) 0;

	*shard = 0;
	run->judge = NULL;
	if (pass->router == NULL || !read_key(pass, line, &key))
	{
		if (pass->router == NULL && !line->wrong && !line->marker)
			return true;
		if (!judge_line(pass, data, line))
			return false;
		if (pass->router == NULL)
			return true;
		commands_copy_refuse_null_key(run);
		key = run->row->tts_values[run->table->keyAttno - 1];
		run->judge = NULL;
	}
	*shard = routing_shard_of_value(run->table, pass->router, key, false);
	return true;
}

/* ---- lines ---- */

static void
pass_error_context(void *argument)
{
	PassRun    *pass = argument;
	CopyRun    *run = pass->run;

	if (run->judge != NULL)
		CopyFromErrorCallback(run->judge);
	else if (!run->sending)		/* otherwise the shard's COPY has said it */
		errcontext("COPY %s, line " UINT64_FORMAT, RelationGetRelationName(run->relation),
				   pass->line);
}

/* false: the data has ended */
static bool
pass_line(PassRun *pass, const char *data, const CopyLine *line)
{
	CopyRun    *run = pass->run;
	MemoryContext context = GetPerTupleExprContext(run->estate)->ecxt_per_tuple_memory;
	MemoryContext caller = MemoryContextSwitchTo(context);
	int			shard;
	bool		found;

	pass->line += 1 + line->inner;
	found = shard_of_line(pass, data, line, &shard);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(context);
	if (!found)
		return false;

	run->sending = true;
	executor_writer_set_line_end(run->writer, pass->lineEndBefore);
	executor_writer_set_line(run->writer, pass->line);
	executor_writer_put_line(run->writer, shard, data, line->length, line->inner);
	run->sending = false;
	run->rows++;
	/* text may have the marker behind a row's data, which ends only what a client sends */
	return !line->marker || run->input->opts.csv_mode ||
		run->input->copy_src != COPY_FRONTEND;
}

/* the next line of the input, which stays where it is until the call after; NULL at the end */
static const char *
next_line(PassRun *pass, CopyLine *line)
{
	CopyInput  *input = &pass->input;

	pass->lineEndBefore = pass->splitter.lineEnd;
	for (;;)
	{
		const char *data = input->bytes.data + input->next;
		const char *end = input->bytes.data + input->bytes.len;

		if (commands_line_next(&pass->splitter, data, end, input->atEnd, line))
		{
			input->next += line->length;
			return data;
		}
		memset(line, 0, sizeof(*line));
		if (input->atEnd)
			return NULL;
		CHECK_FOR_INTERRUPTS();
		pass->run->judge = NULL;
		commands_input_more(input);
		commands_lines_moved(&pass->splitter);
		commands_copy_show_progress(pass->run, input->read);
		pass->run->sending = true;
		executor_writer_poll(pass->run->writer);
		pass->run->sending = false;
	}
}

/* the server's parser checks the header; false: it has the end-of-copy marker in it */
static bool
pass_header(PassRun *pass)
{
	CopyLine	line;
	const char *data = next_line(pass, &line);

	if (data == NULL)
		data = "";
	pass->line = 1 + line.inner;
	(void) judge_line(pass, data, &line);
	pass->run->judge = NULL;
	return !line.marker || (pass->run->input->opts.csv_mode &&
							!compat_csv_line_is_marker(data, line.length));
}

static void
pass_lines(void *argument)
{
	PassRun    *pass = argument;
	CopyRun    *run = pass->run;
	CopyLine	line;
	const char *data;

	if (run->input->opts.header_line == COPY_HEADER_FALSE || pass_header(pass))
	{
		do
		{
			data = next_line(pass, &line);
		} while (data != NULL && pass_line(pass, data, &line));
	}
	run->judge = NULL;
	commands_input_drain(&pass->input);
}

/* ---- the statement ---- */

static void
begin_key(PassRun *pass)
{
	const DistTable *table = pass->run->table;
	Oid			function;
	ListCell   *cell;

	pass->splitter.format.keyField = -1;
	if (!DIST_TABLE_HAS_KEY(table))
		return;
	foreach(cell, pass->run->input->attnumlist)
	{
		if (lfirst_int(cell) == table->keyAttno)
			pass->splitter.format.keyField = foreach_current_index(cell);
	}
	pass->router = routing_router_for(table);
	getTypeInputInfo(table->keyType, &function, &pass->keyIoParam);
	fmgr_info(function, &pass->keyInput);
	pass->isNumber = table->keyType == INT2OID || table->keyType == INT4OID ||
		table->keyType == INT8OID;
}

void
commands_copy_pass(CopyRun *run)
{
	PassRun		pass = {0};
	LineFormat *format = &pass.splitter.format;
	const CopyFormatOptions *options = &run->input->opts;
	ErrorContextCallback errorContext = {error_context_stack, pass_error_context, &pass};

	pass.run = run;
	format->csv = options->csv_mode;
	format->delimiter = options->delim[0];
	format->quote = options->csv_mode ? options->quote[0] : '\0';
	format->escape = options->csv_mode ? options->escape[0] : '\0';
	begin_key(&pass);
	commands_input_begin(&pass.input, run->input);
	run->writer = executor_writer_begin_lines(run->table, run->input->attnumlist,
											  options_for_shards(run));

	error_context_stack = &errorContext;
	commands_copy_in_order(run, pass_lines, &pass);
	run->sending = true;
	run->rows = executor_writer_end(run->writer);
	error_context_stack = errorContext.previous;
	if (pass.judge != NULL)
		EndCopyFrom(pass.judge);
}
