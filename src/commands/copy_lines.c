/*
 * copy_lines.c
 *	  Lines of COPY data in text or csv format, and the key's field in them.
 *
 * Lines end where the server's parser ends them: that is all that has to be known to cut the data
 * by shard.  Where the server would raise an error in a line, or only its parser can tell what the
 * key's field says, the line is given without a key, and the caller lets the server look at it.
 *
 * Most lines hold nothing special: no backslash in text, no quote in csv, no line end of the other
 * kind.  Where the next special byte is, is known ahead (LineSplitter.next), so that such lines
 * cost a search for their line end and for a few delimiters.  All encodings that a server may have
 * leave ASCII bytes alone; data in others does not come here.
 *
 * Main path: commands_line_next() -> find_plain_line(), else scan_text() or scan_csv(), then
 * find_key().
 */
#include "postgres.h"

#include "commands/copy_internal.h"

/* ---- bytes that need attention ---- */

/* the nearest special byte at or after data; end if there is none */
static const char *
next_special(LineSplitter *splitter, const char *data, const char *end)
{
	char		special[2];
	const char *nearest = end;

	special[0] = splitter->format.csv ? splitter->format.quote : '\\';
	special[1] = splitter->lineEnd == LINE_END_CR ? '\n' : '\r';
	for (int i = 0; i < (splitter->lineEnd == LINE_END_CRLF ? 1 : 2); i++)
	{
		if (splitter->next[i] < data || splitter->next[i] > end)
		{
			splitter->next[i] = memchr(data, special[i], end - data);
			if (splitter->next[i] == NULL)
				splitter->next[i] = end;
		}
		nearest = Min(nearest, splitter->next[i]);
	}
	return nearest;
}

/* To be called when bytes have moved or come: what is known of them is forgotten. */
void
commands_lines_moved(LineSplitter *splitter)
{
	splitter->next[0] = splitter->next[1] = NULL;
}

/* ---- where the line ends ---- */

typedef enum ScanResult
{
	SCAN_LINE,					/* line->length is set */
	SCAN_MORE,					/* it does not end here */
	SCAN_UNSURE					/* not plain: to be looked at byte by byte */
} ScanResult;

/* a line of known line end without anything special in it */
static ScanResult
find_plain_line(LineSplitter *splitter, const char *data, const char *end, CopyLine *line)
{
	const char *special;
	const char *found;

	if (splitter->lineEnd == LINE_END_UNKNOWN)
		return SCAN_UNSURE;
	if (splitter->format.csv && data < end && *data == '\\')
		return SCAN_UNSURE;
	special = next_special(splitter, data, end);
	found = memchr(data, splitter->lineEnd == LINE_END_CR ? '\r' : '\n', special - data);
	if (found == NULL)
		return special == end ? SCAN_MORE : SCAN_UNSURE;
	if (splitter->lineEnd == LINE_END_CRLF &&
		memchr(data, '\r', found - data) != found - 1)
		return SCAN_UNSURE;
	line->length = found + 1 - data;
	return SCAN_LINE;
}

/*
 * at: a CR or LF that nothing quotes.  Sets the kind of line end if it is the first one.  Line ends
 * that do not fit the first one are errors, which the server raises.
 */
static ScanResult
end_line(LineSplitter *splitter, const char *data, const char *at, const char *end, bool atEnd,
		 CopyLine *line)
{
	LineEnd		kind;

	if (*at == '\n')
		kind = LINE_END_LF;
	else if (splitter->lineEnd == LINE_END_LF || splitter->lineEnd == LINE_END_CR)
		kind = LINE_END_CR;
	else if (at + 1 == end && !atEnd)
		return SCAN_MORE;
	else
		kind = at + 1 < end && at[1] == '\n' ? LINE_END_CRLF : LINE_END_CR;

	if (splitter->lineEnd == LINE_END_UNKNOWN)
		splitter->lineEnd = kind;
	else if (splitter->lineEnd != kind)
		line->wrong = true;
	line->length = at + (kind == LINE_END_CRLF ? 2 : 1) - data;
	return SCAN_LINE;
}

/* the input ends with data that no line end follows */
static ScanResult
end_input(const char *data, const char *end, bool atEnd, CopyLine *line)
{
	if (!atEnd)
		return SCAN_MORE;
	line->length = end - data;
	line->unended = true;
	return SCAN_LINE;
}

static ScanResult
scan_text(LineSplitter *splitter, const char *data, const char *end, bool atEnd, CopyLine *line)
{
	for (const char *p = data; p < end; p++)
	{
		if (*p == '\\')
		{
			if (p + 1 == end)
				break;
			if (p[1] == '.')
				line->marker = true;
			p++;				/* what follows is data, be it a line end */
		}
		else if (*p == '\n' || *p == '\r')
			return end_line(splitter, data, p, end, atEnd, line);
	}
	return end_input(data, end, atEnd, line);
}

/*
 * In quotes or not is all that matters, and the server has its own way of telling: each quote
 * toggles, but for one behind an odd number of escapes that are in quotes.
 */
static ScanResult
scan_csv(LineSplitter *splitter, const char *data, const char *end, bool atEnd, CopyLine *line)
{
	char		quote = splitter->format.quote;
	char		escape = splitter->format.escape == quote ? '\0' : splitter->format.escape;
	bool		inQuotes = false;
	bool		escaped = false;

	if (data < end && *data == '\\')
	{
		if (data + 1 == end && !atEnd)
			return SCAN_MORE;
		line->marker = data + 1 < end && data[1] == '.';
	}
	for (const char *p = data; p < end; p++)
	{
		if (inQuotes && *p == escape)
			escaped = !escaped;
		if (*p == quote && !escaped)
			inQuotes = !inQuotes;
		if (*p != escape)
			escaped = false;
		if (inQuotes)
			line->inner += *p == (splitter->lineEnd == LINE_END_LF ? '\n' : '\r');
		else if (*p == '\n' || *p == '\r')
			return end_line(splitter, data, p, end, atEnd, line);
	}
	return end_input(data, end, atEnd, line);
}

/* ---- the key's field ---- */

/* fields without quotes and backslashes before end; the field's end is at *fieldEnd */
static const char *
plain_field(const LineFormat *format, const char *data, const char *end, const char **fieldEnd)
{
	const char *start = data;
	const char *delimiter;

	for (int i = 0; i < format->keyField; i++)
	{
		delimiter = memchr(start, format->delimiter, end - start);
		if (delimiter == NULL)
			return NULL;
		start = delimiter + 1;
	}
	delimiter = memchr(start, format->delimiter, end - start);
	*fieldEnd = delimiter == NULL ? end : delimiter;
	return start;
}

/* where the field that begins at p ends: at a delimiter that nothing escapes, or at end */
static const char *
end_of_text_field(const LineFormat *format, const char *p, const char *end)
{
	for (; p < end && *p != format->delimiter; p++)
	{
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return p;
}

/* the same for csv: escapes matter in quotes only, and before an escape or a quote only */
static const char *
end_of_csv_field(const LineFormat *format, const char *p, const char *end)
{
	bool		inQuotes = false;

	for (; p < end && (inQuotes || *p != format->delimiter); p++)
	{
		if (inQuotes && *p == format->escape && p + 1 < end &&
			(p[1] == format->escape || p[1] == format->quote))
			p++;
		else if (*p == format->quote)
			inQuotes = !inQuotes;
	}
	return p;
}

/* the bytes of a csv field, if they need no treatment but for quotes around them */
static void
take_csv_field(const LineFormat *format, const char *start, const char *end, CopyLine *line)
{
	bool		quoted = end - start >= 2 && *start == format->quote &&
	end[-1] == format->quote;

	start += quoted;
	end -= quoted;
	if (memchr(start, format->quote, end - start) != NULL ||
		(quoted && memchr(start, format->escape, end - start) != NULL))
		return;
	line->key = start;
	line->keyLength = end - start;
}

/* plain: nothing special in the line */
static void
find_key(const LineSplitter *splitter, const char *data, bool plain, CopyLine *line)
{
	const LineFormat *format = &splitter->format;
	const char *end = data + line->length;
	char		special = format->csv ? format->quote : '\\';
	const char *start;
	const char *fieldEnd;

	if (!line->unended)
		end -= splitter->lineEnd == LINE_END_CRLF ? 2 : 1;
	start = plain_field(format, data, end, &fieldEnd);
	if (!plain && memchr(data, special, (start == NULL ? end : fieldEnd) - data) != NULL)
	{
		start = data;
		for (int i = 0;; i++)
		{
			fieldEnd = format->csv ? end_of_csv_field(format, start, end) :
				end_of_text_field(format, start, end);
			if (i == format->keyField)
				break;
			if (fieldEnd == end)
				return;
			start = fieldEnd + 1;
		}
		if (format->csv)
		{
			take_csv_field(format, start, fieldEnd, line);
			return;
		}
		if (memchr(start, '\\', fieldEnd - start) != NULL)
			return;
	}
	line->key = start;
	line->keyLength = start == NULL ? 0 : fieldEnd - start;
}

/* ---- the interface ---- */

bool
commands_line_next(LineSplitter *splitter, const char *data, const char *end, bool atEnd,
				   CopyLine *line)
{
	ScanResult	result;
	bool		plain;

	memset(line, 0, sizeof(*line));
	if (data == end)
		return false;
	result = find_plain_line(splitter, data, end, line);
	plain = result == SCAN_LINE;
	if (result == SCAN_UNSURE || (result == SCAN_MORE && atEnd))
		result = splitter->format.csv ? scan_csv(splitter, data, end, atEnd, line) :
			scan_text(splitter, data, end, atEnd, line);
	if (result == SCAN_MORE)
		return false;
	if (splitter->format.keyField >= 0 && !line->wrong && !line->marker)
		find_key(splitter, data, plain, line);
	return true;
}
