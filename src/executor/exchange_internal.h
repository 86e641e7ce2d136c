/*
 * exchange_internal.h
 *	  Rows on their way from node to node, without the planning node in between.
 *
 * An exchange is the place on one node for rows that a statement's tasks need there: a file per
 * session that brings some.  The planning node opens it on all nodes under one random key, tells
 * the key to the tasks that pack rows and to those that unpack them, and hears of the former where
 * the rows are.
 *
 * A place is one that rows are brought to: a bucket, or, when all tasks get all rows, a node.
 */
#ifndef CITUS_EXCHANGE_INTERNAL_H
#define CITUS_EXCHANGE_INTERNAL_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "citus/base/types.h"

#define EXCHANGE_KEY_SIZE 16
/* of a group: nobody there wants rows */
#define EXCHANGE_NOBODY (-1)
/* in place of a bucket's number in the answer of pack_rows(): its bytes are notes */
#define PACKED_NOTES	(-1)

/*
 * The transaction that wanted moved rows has failed on a node: not by itself a reason, the error is
 * on its way, too.
 */
#define EXCHANGE_ENDED MAKE_SQLSTATE('C', 'X', 'E', 'N', 'D')

/* bytes of a file of an exchange: whole chunks of packed rows */
typedef struct ExchangeExtent
{
	uint32		file;
	uint64		offset;
	uint64		length;
} ExchangeExtent;

/* what has been brought to a place */
typedef struct ExchangeNote
{
	int32		place;
	uint32		rows;
	ExchangeExtent extent;
} ExchangeNote;

/* where packed rows go, as pack_rows() is told */
typedef struct ExchangeRoute
{
	char		key[EXCHANGE_KEY_SIZE];
	bool		toAll;			/* each row goes to all places, not to that of its bucket */
	int			nplaces;
	GroupId    *groups;			/* of the places; EXCHANGE_NOBODY */
} ExchangeRoute;

/* ---- the place (exchange.c) ---- */

extern void executor_exchange_init(void);
/* for the current user, until this (sub)transaction ends; false: there are too many */
extern bool executor_exchange_open(const char *key);
extern void executor_exchange_close(const char *key);
/* appends to the session's file; where the bytes are, in *file and the result */
extern uint64 executor_exchange_write(const char *key, const char *data, Size length,
									  uint32 *file);

typedef struct ExchangeReader ExchangeReader;

/* chunks of rows, one after the other; NULL after the last.  Valid until the next call. */
extern ExchangeReader *executor_exchange_read(const char *key, const ExchangeExtent *extents,
											  int nextents);
extern const char *executor_exchange_next(ExchangeReader *reader, uint32 *length);
extern void executor_exchange_read_end(ExchangeReader *reader);

/* ---- the way (exchange_send.c) ---- */

typedef struct ExchangeSender ExchangeSender;
/* takes a chunk that could not be brought: the planning node has to */
typedef void (*ExchangeReturn) (void *arg, int place, const char *chunk, int length);

extern ExchangeSender *executor_sender_begin(const ExchangeRoute *route,
											 ExchangeReturn giveBack, void *arg);
extern void executor_sender_put(ExchangeSender *sender, int bucket, const char *chunk,
								int length, int rows);
/* waits until all has arrived; List of ExchangeNote * */
extern List *executor_sender_end(ExchangeSender *sender);
/* after an error, instead of the end; raises nothing */
extern void executor_sender_abandon(ExchangeSender *sender);

/* ---- as bytes (exchange_text.c) ---- */

extern struct varlena *executor_route_encode(const ExchangeRoute *route);
extern ExchangeRoute *executor_route_decode(struct varlena *bytes);
extern void executor_notes_encode(StringInfo out, List *notes);
extern List *executor_notes_decode(const char *data, int length);
/* a chunk that stands for chunks in an exchange of this node */
extern void executor_ticket_encode(StringInfo out, const char *key, uint32 rows,
								   const List *extents);
/* the extents of such a chunk; NULL: it is none.  *key points into the chunk. */
extern ExchangeExtent *executor_ticket_decode(const char *chunk, uint32 length, int *n,
											  const char **key);

#endif
