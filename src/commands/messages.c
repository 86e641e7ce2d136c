/*
 * messages.c
 *	  What the server says of dependent objects, without the shards on this node.
 *
 * Shards of this node have the columns, defaults, constraints and indexes of their table, and so
 * depend on what these depend on.  The server lists them when something is dropped, or cannot be:
 * the user is to read of his own objects.  Lines of the detail that name a shard are taken out of
 * the notice (entry's emit_log_hook) and of the error, and the count in the notice is made right.
 *
 * The server calls that hook for messages only that go to its log.  While a statement runs, notices
 * count as such; the hook then decides as the server would have done.
 *
 * Main path: commands_run_local_statement() -> commands_messages_begin() ... _end(), and meanwhile
 * commands_edit_message() for each message.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "citus/catalog/catalog.h"
#include "commands_internal.h"

/* as many as the server sends to clients */
#define LINES_FOR_CLIENTS 100

/* how many statements are being run, one inside the other; errors take it back */
static int	editing = 0;

/* valid while editing: what log_min_messages is for the user */
static int	userLogLevel;

/* ---- lines ---- */

/* the identifier at *at, without quotes, or NULL; *at moves on */
static char *
next_identifier(const char **at)
{
	StringInfoData name;
	const char *p = *at;

	initStringInfo(&name);
	if (*p == '"')
	{
		for (p++; *p != '\0' && !(*p == '"' && p[1] != '"'); p++)
		{
			if (*p == '"')
				p++;
			appendStringInfoChar(&name, *p);
		}
		*at = *p == '"' ? p + 1 : p;
		return name.data;
	}
	while (*p == '_' || *p == '$' || IS_HIGHBIT_SET(*p) || isalnum((unsigned char) *p))
		appendStringInfoChar(&name, *p++);
	*at = p > *at ? p : p + 1;
	return name.len > 0 ? name.data : NULL;
}

static bool
names_shard(const char *line)
{
	while (*line != '\0')
	{
		char	   *name = next_identifier(&line);

		if (name != NULL && catalog_user_name(name, true) != name)
			return true;
	}
	return false;
}

/* List of char *; *removed counts those left out */
static List *
lines_without_shards(const char *text, int *removed)
{
	List	   *lines = NIL;

	*removed = 0;
	while (*text != '\0')
	{
		int			length = strcspn(text, "\n");
		char	   *line = pnstrdup(text, length);

		if (names_shard(line))
			(*removed)++;
		else
			lines = lappend(lines, line);
		text += length + (text[length] == '\n' ? 1 : 0);
	}
	return lines;
}

static char *
join_lines(List *lines, int most)
{
	StringInfoData joined;

	initStringInfo(&joined);
	for (int i = 0; i < list_length(lines) && i < most; i++)
		appendStringInfo(&joined, "%s%s", i > 0 ? "\n" : "", (char *) list_nth(lines, i));
	return joined.data;
}

/* text with number in the place of the first number in it */
static char *
with_number(const char *text, int number)
{
	int			before = strcspn(text, "0123456789");
	int			digits = strspn(text + before, "0123456789");

	if (digits == 0)
		return pstrdup(text);
	return psprintf("%.*s%d%s", before, text, number, text + before + digits);
}

/* ---- messages ---- */

/* what is left of the detail; true if nothing is */
static bool
edit_detail(ErrorData *edata, List *lines)
{
	int			count = list_length(lines);

	if (count == 0)
		return true;
	edata->detail_log = join_lines(lines, count);
	if (count <= LINES_FOR_CLIENTS)
		edata->detail = pstrdup(edata->detail_log);
	else
	{
		/* the last line of what clients get says how many there are more */
		char	   *tail = strrchr(edata->detail, '\n');

		edata->detail = psprintf("%s%s", join_lines(lines, LINES_FOR_CLIENTS),
								 tail == NULL ? "" : with_number(tail, count - LINES_FOR_CLIENTS));
	}
	return false;
}

static void
edit_notice(ErrorData *edata)
{
	int			removed;
	List	   *lines;

	if (edata->detail == NULL)
	{
		if (names_shard(edata->message))
			edata->output_to_client = edata->output_to_server = false;
		return;
	}
	lines = lines_without_shards(edata->detail_log ? edata->detail_log : edata->detail, &removed);
	if (removed == 0)
		return;
	if (edit_detail(edata, lines))
		edata->output_to_client = edata->output_to_server = false;
	else if (list_length(lines) > 1)
		edata->message = with_number(edata->message, list_length(lines));
	else
	{
		/* one object is told without a detail */
		edata->message = linitial(lines);
		edata->detail = edata->detail_log = NULL;
	}
}

/* as the server decides it, for what is no error */
static bool
belongs_into_log(int level)
{
	return userLogLevel != LOG && level >= userLogLevel;
}

void
commands_edit_message(ErrorData *edata)
{
	MemoryContext context;

	if (editing == 0 || edata->elevel >= ERROR || edata->elevel < INFO)
		return;
	edata->output_to_server = belongs_into_log(edata->elevel);
	if (edata->elevel != NOTICE || edata->message == NULL || !IsTransactionState())
		return;
	context = MemoryContextSwitchTo(edata->assoc_context);
	HOLD_INTERRUPTS();
	edit_notice(edata);
	RESUME_INTERRUPTS();
	MemoryContextSwitchTo(context);
}

bool
commands_messages_begin(void)
{
	if (!catalog_has_shards())
		return false;
	if (editing++ == 0)
	{
		userLogLevel = log_min_messages;
		if (log_min_messages > NOTICE || log_min_messages == LOG)
			log_min_messages = NOTICE;
	}
	return true;
}

void
commands_messages_end(void)
{
	if (--editing == 0)
		log_min_messages = userLogLevel;
}

void
commands_messages_rethrow(MemoryContext context)
{
	ErrorData  *edata;
	int			removed;
	List	   *lines;

	commands_messages_end();
	if (geterrcode() != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST || !IsTransactionState())
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	FlushErrorState();
	if (edata->detail != NULL)
	{
		lines = lines_without_shards(edata->detail_log ? edata->detail_log : edata->detail,
									 &removed);
		if (removed > 0)
			(void) edit_detail(edata, lines);
	}
	ReThrowError(edata);
}
