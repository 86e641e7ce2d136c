/*
 * text.c
 *	  The statement's own text, as other nodes and shards get it.
 *
 * It is what the user wrote, cut out of the query string, with two changes that keep its meaning
 * there: relations that it names without a schema get the schema of what they mean here, because
 * another node may have a table of its own that comes first in the search path; and literals that
 * a session's settings make special say so.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "commands_internal.h"

/*
 * With standard_conforming_strings off, backslashes in plain literals escape.  Other sessions read
 * the text by the standard, so such literals say what they are.
 */
static char *
mark_escaping_literals(const char *text)
{
	StringInfoData result;
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		location;
	int			done = 0;

	extra.escape_string_warning = false;
	initStringInfo(&result);
	while (core_yylex(&value, &location, scanner) != 0)
	{
		if (text[location] != '\'')
			continue;
		appendBinaryStringInfo(&result, text + done, location - done);
		appendStringInfoString(&result, " E");
		done = location;
	}
	scanner_finish(scanner);
	appendStringInfoString(&result, text + done);
	return result.data;
}

static const char *
finish_text(const char *text)
{
	return standard_conforming_strings ? text : mark_escaping_literals(text);
}

/*
 * Sets command->text.  The server tells where the statement is in the query string, unless there is
 * but one.
 */
void
commands_cut_text(Command *command)
{
	const UtilityCall *call = command->call;
	int			location = Max(call->pstmt->stmt_location, 0);
	int			length = call->pstmt->stmt_len;
	char	   *text;

	if (call->pstmt->stmt_location < 0 || length <= 0)
		length = strlen(call->queryString + location);
	text = pnstrdup(call->queryString + location, length);

	/* a trailing semicolon is part of the rest of a string */
	for (length = strlen(text); length > 0; length--)
	{
		if (text[length - 1] != ';' && !isspace((unsigned char) text[length - 1]))
			break;
		text[length - 1] = '\0';
	}
	command->textStart = location;
	command->ownText = text;
	command->text = finish_text(text);
}

/* ---- schemas of relations ---- */

static int
compare_locations(const ListCell *left, const ListCell *right)
{
	return ((RangeVar *) lfirst(left))->location - ((RangeVar *) lfirst(right))->location;
}

/* the names that lack a schema and mean something here, in the order of the text */
static List *
names_to_qualify(const Command *command, List *names)
{
	int			length = strlen(command->ownText);
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, names)
	{
		RangeVar   *name = lfirst(cell);

		if (name == NULL || name->schemaname != NULL || name->location < command->textStart ||
			name->location - command->textStart >= length ||
			!OidIsValid(RangeVarGetRelid(name, NoLock, true)))
			continue;
		result = lappend(result, name);
	}
	list_sort(result, compare_locations);
	return result;
}

/*
 * Puts the schemas of names, RangeVars of the statement (NULL elements are skipped), into
 * command->text.  To be called before the statement runs.
 */
void
commands_qualify_text(Command *command, List *names)
{
	StringInfoData text;
	int			done = 0;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, names_to_qualify(command, names))
	{
		RangeVar   *name = lfirst(cell);
		int			position = name->location - command->textStart;
		Oid			relid = RangeVarGetRelid(name, NoLock, true);

		appendBinaryStringInfo(&text, command->ownText + done, position - done);
		appendStringInfo(&text, "%s.",
						 quote_identifier(get_namespace_name(get_rel_namespace(relid))));
		done = position;
	}
	appendStringInfoString(&text, command->ownText + done);
	command->text = finish_text(text.data);
}

/*
 * CREATE INDEX without a name gets the one that was chosen here: another node might choose
 * otherwise, having relations of its own.  To be called last.
 */
void
commands_name_index_in_text(Command *command, const char *name)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(command->text, &extra, &ScanKeywords,
										 ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		location = 0;
	const char *token;

	/* only the words of the command stand before the first ON */
	do
	{
		if (core_yylex(&value, &location, scanner) == 0)
			elog(ERROR, "no ON in index definition: %s", command->text);
		token = command->text + location;
	} while (pg_strncasecmp(token, "on", 2) != 0 || isalnum((unsigned char) token[2]));
	scanner_finish(scanner);
	command->text = psprintf("%.*s%s %s", location, command->text, quote_identifier(name), token);
}
