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

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
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

/* the names that lack a schema and mean something here */
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
	return result;
}

/* ---- changes of the text ---- */

/* TextEdit: a piece of the user's text that reads otherwise elsewhere */
typedef struct TextEdit
{
	int			start;			/* byte of ownText */
	int			length;			/* that is left out */
	char	   *text;			/* that stands there instead */
} TextEdit;

static int
compare_edits(const ListCell *left, const ListCell *right)
{
	return ((TextEdit *) lfirst(left))->start - ((TextEdit *) lfirst(right))->start;
}

static void
add_edit(Command *command, int start, int length, char *text)
{
	TextEdit   *edit = palloc(sizeof(TextEdit));

	edit->start = start;
	edit->length = length;
	edit->text = text;
	command->edits = lappend(command->edits, edit);
}

static void
apply_edits(Command *command)
{
	StringInfoData text;
	int			done = 0;
	ListCell   *cell;

	initStringInfo(&text);
	list_sort(command->edits, compare_edits);
	foreach(cell, command->edits)
	{
		TextEdit   *edit = lfirst(cell);

		appendBinaryStringInfo(&text, command->ownText + done, edit->start - done);
		appendStringInfoString(&text, edit->text);
		done = edit->start + edit->length;
	}
	appendStringInfoString(&text, command->ownText + done);
	command->text = finish_text(text.data);
}

/* -1 when location, of a parse node, is not in this statement's text */
static int
place_in_text(const Command *command, int location)
{
	int			place = location - command->textStart;

	return location < command->textStart || place >= (int) strlen(command->ownText) ? -1 : place;
}

/*
 * Puts the schemas of names, RangeVars of the statement (NULL elements are skipped), into
 * command->text.  To be called before the statement runs.
 */
void
commands_qualify_text(Command *command, List *names)
{
	ListCell   *cell;

	foreach(cell, names_to_qualify(command, names))
	{
		RangeVar   *name = lfirst(cell);
		Oid			relid = RangeVarGetRelid(name, NoLock, true);
		char	   *schema = get_namespace_name(get_rel_namespace(relid));

		add_edit(command, name->location - command->textStart, 0,
				 psprintf("%s.", quote_identifier(schema)));
	}
	apply_edits(command);
}

/* the places of the first tokens of text from place on, and their ends; how many there are */
static int
find_tokens(const char *text, int place, int *starts, int limit)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(text + place, &extra, &ScanKeywords, ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		location;
	int			count = 0;

	extra.escape_string_warning = false;
	while (count < limit && core_yylex(&value, &location, scanner) != 0)
		starts[count++] = place + location;
	scanner_finish(scanner);
	return count;
}

/*
 * A serial column becomes what it stands for, with the sequence that it has here.
 */
void
commands_spell_serial_in_text(Command *command, const TypeName *type, Oid sequence)
{
	int			place = place_in_text(command, type->location);
	int			starts[2];
	int			count;
	Oid			relid;
	int32		attno;
	char	   *text;

	if (place < 0 || !sequenceIsOwned(sequence, DEPENDENCY_AUTO, &relid, &attno))
		elog(ERROR, "column of sequence %u not found", sequence);
	count = find_tokens(command->ownText, place, starts, 2);
	text = psprintf("%s DEFAULT pg_catalog.nextval(%s::pg_catalog.regclass) NOT NULL ",
					format_type_be_qualified(get_atttype(relid, attno)),
					quote_literal_cstr(catalog_qualified_name(sequence)));
	add_edit(command, place,
			 (count == 2 ? starts[1] : (int) strlen(command->ownText)) - place, text);
	apply_edits(command);
}

static bool
has_name_of_sequence(const Constraint *identity)
{
	ListCell   *cell;

	foreach(cell, identity->options)
	{
		if (strcmp(((DefElem *) lfirst(cell))->defname, "sequence_name") == 0)
			return true;
	}
	return false;
}

/*
 * The sequence of an identity column is called there as it is here: GENERATED ... AS IDENTITY
 * (SEQUENCE NAME name ...), unless the user has said so.
 */
void
commands_name_identity_in_text(Command *command, const Constraint *identity, Oid sequence)
{
	int			place = place_in_text(command, identity->location);
	const char *text = command->ownText;
	int			starts[9];
	int			count;
	int			word = 0;
	char	   *name;

	if (has_name_of_sequence(identity) || !OidIsValid(sequence))
		return;
	if (place < 0)
		elog(ERROR, "identity column of sequence %u not found", sequence);
	/* ADD GENERATED BY DEFAULT AS IDENTITY ( */
	count = find_tokens(text, place, starts, lengthof(starts));
	while (word < count && pg_strncasecmp(text + starts[word], "identity", 8) != 0)
		word++;
	if (word == count)
		elog(ERROR, "no IDENTITY in column definition: %s", text + place);
	name = psprintf("SEQUENCE NAME %s ", catalog_qualified_name(sequence));
	if (word + 1 < count && text[starts[word + 1]] == '(')
		add_edit(command, starts[word + 1] + 1, 0, name);
	else
		add_edit(command, starts[word] + strlen("identity"), 0, psprintf(" (%s) ", name));
	apply_edits(command);
}

/* leaves CONCURRENTLY out, which comes behind name */
void
commands_drop_concurrently_in_text(Command *command, const RangeVar *name)
{
	int			place = place_in_text(command, name->location);
	const char *word = "concurrently";
	int			starts[7];
	int			count;

	if (place < 0)
		elog(ERROR, "relation \"%s\" is not in the text", name->relname);
	count = find_tokens(command->ownText, place, starts, lengthof(starts));
	for (int i = 1; i < count; i++)
	{
		if (pg_strncasecmp(command->ownText + starts[i], word, strlen(word)) == 0)
		{
			add_edit(command, starts[i], strlen(word), "");
			break;
		}
	}
	apply_edits(command);
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
