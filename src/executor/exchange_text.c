/*
 * exchange_text.c
 *	  What nodes tell each other about an exchange, as bytes: routes, notes and tickets.
 *
 * All numbers are in network order.  A route goes to pack_rows(); notes come back from it; a ticket
 * stands among the chunks that unpack_rows() reads:
 *		length (4, of the whole chunk), number of rows (4), TICKET_MARK (2),
 *		key, then extents: file (4), offset (8), length (8)
 *
 * Invariant: any bytes are read without harm; who makes them up has to know a key.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

#include "executor/executor_internal.h"
#include "exchange_internal.h"

#define TICKET_MARK		0xFFFF	/* no rows have so many columns */
#define TICKET_HEADER	(10 + EXCHANGE_KEY_SIZE)
#define EXTENT_SIZE		20
#define MAX_PLACES		(1024 * 1024)

static void
put_extent(StringInfo out, const ExchangeExtent *extent)
{
	pq_sendint32(out, extent->file);
	pq_sendint64(out, extent->offset);
	pq_sendint64(out, extent->length);
}

static void
get_extent(StringInfo in, ExchangeExtent *extent)
{
	extent->file = pq_getmsgint(in, 4);
	extent->offset = pq_getmsgint64(in);
	extent->length = pq_getmsgint64(in);
}

static StringInfoData
reading(const char *data, int length)
{
	StringInfoData in = {.data = unconstify(char *, data),.len = length,.maxlen = length};

	return in;
}

/* ---- routes ---- */

bytea *
executor_route_encode(const ExchangeRoute *route)
{
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, (char *) route->key, EXCHANGE_KEY_SIZE);
	pq_sendbyte(&out, route->toAll);
	pq_sendint32(&out, route->nplaces);
	for (int i = 0; i < route->nplaces; i++)
		pq_sendint32(&out, route->groups[i]);
	return pq_endtypsend(&out);
}

ExchangeRoute *
executor_route_decode(bytea *bytes)
{
	StringInfoData in = reading(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	ExchangeRoute *route = palloc0(sizeof(ExchangeRoute));

	pq_copymsgbytes(&in, route->key, EXCHANGE_KEY_SIZE);
	route->toAll = pq_getmsgbyte(&in) != 0;
	route->nplaces = pq_getmsgint(&in, 4);
	if (route->nplaces < 0 || route->nplaces > MAX_PLACES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid number of places: %d", route->nplaces)));
	route->groups = palloc(sizeof(GroupId) * Max(route->nplaces, 1));
	for (int i = 0; i < route->nplaces; i++)
		route->groups[i] = (int32) pq_getmsgint(&in, 4);
	pq_getmsgend(&in);
	return route;
}

/* ---- notes ---- */

void
executor_notes_encode(StringInfo out, List *notes)
{
	ListCell   *cell;

	foreach(cell, notes)
	{
		ExchangeNote *note = lfirst(cell);

		pq_sendint32(out, note->place);
		pq_sendint32(out, note->rows);
		put_extent(out, &note->extent);
	}
}

List *
executor_notes_decode(const char *data, int length)
{
	StringInfoData in = reading(data, length);
	List	   *notes = NIL;

	while (in.cursor < in.len)
	{
		ExchangeNote *note = palloc(sizeof(ExchangeNote));

		note->place = (int32) pq_getmsgint(&in, 4);
		note->rows = pq_getmsgint(&in, 4);
		get_extent(&in, &note->extent);
		notes = lappend(notes, note);
	}
	return notes;
}

/* ---- tickets ---- */

/* extents: List of ExchangeExtent * */
void
executor_ticket_encode(StringInfo out, const char *key, uint32 rows, const List *extents)
{
	ListCell   *cell;

	pq_sendint32(out, TICKET_HEADER + list_length(extents) * EXTENT_SIZE);
	pq_sendint32(out, rows);
	pq_sendint16(out, TICKET_MARK);
	pq_sendbytes(out, (char *) key, EXCHANGE_KEY_SIZE);
	foreach(cell, extents)
		put_extent(out, lfirst(cell));
}

ExchangeExtent *
executor_ticket_decode(const char *chunk, uint32 length, int *n, const char **key)
{
	StringInfoData in = reading(chunk, length);
	ExchangeExtent *extents;
	uint16		mark;

	if (length < TICKET_HEADER)
		return NULL;
	memcpy(&mark, chunk + 8, sizeof(mark));
	if (pg_ntoh16(mark) != TICKET_MARK)
		return NULL;
	if ((length - TICKET_HEADER) % EXTENT_SIZE != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("packed rows are damaged")));
	*key = chunk + 10;
	in.cursor = TICKET_HEADER;
	*n = (length - TICKET_HEADER) / EXTENT_SIZE;
	extents = palloc(sizeof(ExchangeExtent) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		get_extent(&in, &extents[i]);
	return extents;
}
