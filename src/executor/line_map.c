/*
 * line_map.c
 *	  Which lines of the user's input the rows of one shard are.
 *
 * A COPY that is cut by shard gives every shard some of the input's lines, and the server counts
 * lines from one in each.  The map says for every row how many lines of other shards came before
 * it, so that an error in the shard's COPY can be told with the line that the user wrote.  It is
 * made for every row and read only when there is an error: one byte for most rows.
 *
 * Form: per row a number of seven bits a byte, lowest first, top bit set on all but the last: the
 * lines skipped, times two, plus one if the row has line ends inside quotes; then their number
 * follows in the same way.
 */
#include "postgres.h"
#include "executor/executor_internal.h"

static void
append_number(StringInfo map, uint64 number)
{
	while (number >= 0x80)
	{
		appendStringInfoCharMacro(map, (char) (number | 0x80));
		number >>= 7;
	}
	appendStringInfoCharMacro(map, (char) number);
}

/* false at the end, or where the map is cut off */
static bool
read_number(const char **at, const char *end, uint64 *number)
{
	int			shift = 0;

	*number = 0;
	while (*at < end && shift < 64)
	{
		uint8		byte = (uint8) *(*at)++;

		*number |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
		shift += 7;
	}
	return false;
}

/* skipped: lines of other shards before this row; inner: line ends inside of it */
void
executor_lines_append(StringInfo map, uint64 skipped, uint64 inner)
{
	append_number(map, skipped << 1 | (inner > 0));
	if (inner > 0)
		append_number(map, inner);
}

/*
 * The next row of the map, which *at is moved behind: *line, the user's number of the line in which
 * the row before it ended (0 at first), becomes that of its own.  False at the end.
 */
bool
executor_lines_next(const char **at, const char *end, uint64 *line)
{
	uint64		skipped;
	uint64		inner = 0;

	if (!read_number(at, end, &skipped) || ((skipped & 1) && !read_number(at, end, &inner)))
		return false;
	*line += (skipped >> 1) + 1 + inner;
	return true;
}

/* the user's number of the line that is number line of the shard's rows; line where unknown */
uint64
executor_lines_find(const char *map, int length, uint64 line)
{
	const char *at = map;
	const char *end = map + length;
	uint64		there = 0;
	uint64		here = 0;
	uint64		skipped;

	while (read_number(&at, end, &skipped))
	{
		uint64		inner = 0;

		if ((skipped & 1) && !read_number(&at, end, &inner))
			break;
		there += 1 + inner;
		here += (skipped >> 1) + 1 + inner;
		if (there >= line)
			return here - (there - line);
	}
	return here > 0 ? here + 1 : line;
}
