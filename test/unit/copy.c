/*
 * copy.c: lines of COPY data, the key's field in them, maps of lines.
 */
#include "postgres.h"

#include "commands/copy_internal.h"
#include "executor/executor_internal.h"
#include "unit.h"

static LineSplitter
text_splitter(int keyField)
{
	LineSplitter splitter = {{.delimiter = '\t', .keyField = keyField}};

	return splitter;
}

static LineSplitter
csv_splitter(int keyField, char escape)
{
	LineSplitter splitter = {{.csv = true, .delimiter = ',', .quote = '"', .escape = escape,
	.keyField = keyField}};

	return splitter;
}

/* lines as length:key; wrong ones as length!, those for the server as length?; blanks between */
static char *
lines_of(LineSplitter splitter, const char *data, bool atEnd)
{
	const char *end = data + strlen(data);
	StringInfoData result;
	CopyLine	line;

	initStringInfo(&result);
	while (commands_line_next(&splitter, data, end, atEnd, &line))
	{
		appendStringInfo(&result, "%s%d", result.len > 0 ? " " : "", line.length);
		if (line.wrong || line.marker)
			appendStringInfoChar(&result, line.wrong ? '!' : '.');
		else if (line.key == NULL)
			appendStringInfoChar(&result, '?');
		else
			appendStringInfo(&result, ":%.*s", line.keyLength, line.key);
		if (line.inner > 0)
			appendStringInfo(&result, "+%d", line.inner);
		data += line.length;
	}
	if (data < end)
		appendStringInfoString(&result, " ...");
	return result.data;
}

UNIT_TEST(copy_text_lines)
{
	UNIT_ASSERT_STR("4:1 4:2", lines_of(text_splitter(0), "1\ta\n2\tb\n", true));
	UNIT_ASSERT_STR("4:a 3:b", lines_of(text_splitter(1), "1\ta\n2\tb", true));
	UNIT_ASSERT_STR("4:a ...", lines_of(text_splitter(1), "1\ta\n2\tb", false));
	UNIT_ASSERT_STR("2? 2?", lines_of(text_splitter(1), "1\n2\n", true));
	UNIT_ASSERT_STR("1: 1:", lines_of(text_splitter(0), "\n\n", true));
	UNIT_ASSERT_STR("", lines_of(text_splitter(0), "", true));
}

UNIT_TEST(copy_text_backslashes)
{
	UNIT_ASSERT_STR("5:1 3?", lines_of(text_splitter(0), "1\t\\N\n\\N\n", true));
	/* an escaped line end, an escaped delimiter */
	UNIT_ASSERT_STR("6:1 2:2", lines_of(text_splitter(0), "1\ta\\\n\n2\n", true));
	UNIT_ASSERT_STR("6:b", lines_of(text_splitter(1), "a\\\t\tb\n", true));
	UNIT_ASSERT_STR("6?", lines_of(text_splitter(1), "a\t\\\tb\n", true));
	/* the marker, and what looks like it */
	UNIT_ASSERT_STR("2:1 3. 2:2", lines_of(text_splitter(0), "1\n\\.\n2\n", true));
	UNIT_ASSERT_STR("6:1", lines_of(text_splitter(0), "1\t\\\\.\n", true));
	/* a backslash at the very end may be half of something */
	UNIT_ASSERT_STR(" ...", lines_of(text_splitter(0), "1\ta\\", false));
	UNIT_ASSERT_STR("4:1", lines_of(text_splitter(0), "1\ta\\", true));
}

UNIT_TEST(copy_line_ends)
{
	UNIT_ASSERT_STR("3:1 3:2", lines_of(text_splitter(0), "1\r\n2\r\n", true));
	UNIT_ASSERT_STR("2:1 2:2", lines_of(text_splitter(0), "1\r2\r", true));
	/* CR or CR LF? */
	UNIT_ASSERT_STR(" ...", lines_of(text_splitter(0), "1\r", false));
	UNIT_ASSERT_STR("2:1", lines_of(text_splitter(0), "1\r", true));
	/* other kinds than the first */
	UNIT_ASSERT_STR("2:1 2!", lines_of(text_splitter(0), "1\n2\r", true));
	UNIT_ASSERT_STR("3:1 2!", lines_of(text_splitter(0), "1\r\n2\n", true));
	UNIT_ASSERT_STR("2:1 2!", lines_of(text_splitter(0), "1\r2\n", true));
}

UNIT_TEST(copy_csv_lines)
{
	UNIT_ASSERT_STR("4:1 4:2", lines_of(csv_splitter(0, '"'), "1,a\n2,b\n", true));
	UNIT_ASSERT_STR("7:b 4:d", lines_of(csv_splitter(1, '"'), "\"a,\",b\nc,d\n", true));
	UNIT_ASSERT_STR("8:1", lines_of(csv_splitter(0, '"'), "\"1\",\"2\"\n", true));
	/* line ends in quotes */
	UNIT_ASSERT_STR("2:0 8:1+1 2:2",
					lines_of(csv_splitter(0, '"'), "0\n1,\"a\nb\"\n2\n", true));
	/* doubled quotes */
	UNIT_ASSERT_STR("8:1 2:2", lines_of(csv_splitter(0, '"'), "1,\"a\"\"\"\n2\n", true));
	UNIT_ASSERT_STR("9:c", lines_of(csv_splitter(1, '"'), "\"a\"\"b\",c\n", true));
	UNIT_ASSERT_STR("7?", lines_of(csv_splitter(0, '"'), "\"a\"\"b\"\n", true));
	/* quotes in the middle of a field */
	UNIT_ASSERT_STR("8:c", lines_of(csv_splitter(1, '"'), "a\",\"b,c\n", true));
	/* without an end */
	UNIT_ASSERT_STR(" ...", lines_of(csv_splitter(0, '"'), "1,\"a\n2\n", false));
	UNIT_ASSERT_STR("7:1", lines_of(csv_splitter(0, '"'), "1,\"a\n2\n", true));
	/* a backslash is data but for the marker */
	UNIT_ASSERT_STR("2:1 3.", lines_of(csv_splitter(0, '"'), "1\n\\.\n", true));
	UNIT_ASSERT_STR("3:\\N 6:1", lines_of(csv_splitter(0, '"'), "\\N\n1,\\\\.\n", true));
}

UNIT_TEST(copy_csv_escapes)
{
	UNIT_ASSERT_STR("8:1 2:2", lines_of(csv_splitter(0, '\\'), "1,\"a\\\"\"\n2\n", true));
	UNIT_ASSERT_STR("9:c", lines_of(csv_splitter(1, '\\'), "\"a\\\"b\",c\n", true));
	UNIT_ASSERT_STR("7?", lines_of(csv_splitter(0, '\\'), "\"a\\\"b\"\n", true));
	UNIT_ASSERT_STR("8:1 2:2", lines_of(csv_splitter(0, '\\'), "1,\"a\\\\\"\n2\n", true));
	/* outside quotes it is data */
	UNIT_ASSERT_STR("4:a\\b", lines_of(csv_splitter(0, '\\'), "a\\b\n", true));
}

UNIT_TEST(copy_line_map)
{
	StringInfoData map;

	/* lines 3, 4, 1000 to 1002 (two line ends in quotes), 200000 */
	initStringInfo(&map);
	executor_lines_append(&map, 2, 0);
	executor_lines_append(&map, 0, 0);
	executor_lines_append(&map, 995, 2);
	executor_lines_append(&map, 198997, 0);
	UNIT_ASSERT_INT(3, executor_lines_find(map.data, map.len, 1));
	UNIT_ASSERT_INT(4, executor_lines_find(map.data, map.len, 2));
	UNIT_ASSERT_INT(1000, executor_lines_find(map.data, map.len, 3));
	UNIT_ASSERT_INT(1002, executor_lines_find(map.data, map.len, 5));
	UNIT_ASSERT_INT(200000, executor_lines_find(map.data, map.len, 6));
	/* behind the end, and with a map that is cut off or empty */
	UNIT_ASSERT_INT(200001, executor_lines_find(map.data, map.len, 7));
	UNIT_ASSERT_INT(5, executor_lines_find(map.data, 3, 3));
	UNIT_ASSERT_INT(9, executor_lines_find(NULL, 0, 9));
}
