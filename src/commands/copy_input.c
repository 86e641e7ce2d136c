/*
 * copy_input.c
 *	  The bytes of a COPY FROM's input, unread.
 *
 * The server opens the file, the program or the client's stream (BeginCopyFrom); here it is read in
 * pieces of any length, without a look at lines and encodings.
 *
 * Invariant: messages of the client are read to their end, so that an error at any time leaves the
 * protocol in order.
 */
#include "postgres.h"

#include "commands/copyfrom_internal.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "citus/base/compat.h"
#include "commands/copy_internal.h"

/* declared here because libpq/libpq.h needs the headers of GSSAPI */
extern int	pq_getbyte(void);
extern int	pq_getmessage(StringInfo s, int maxlen);

#define PIECE			(64 * 1024)
#define MAX_DATA		(MaxAllocSize - 1)	/* of one message */
#define MAX_OTHER		10000

/* ---- the client's stream ---- */

static void
client_is_gone(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("unexpected EOF on client connection with an open transaction")));
}

/* type of the next message, whose body is left in the state's buffer */
static int
receive_message(CopyFromState state)
{
	int			type;

	HOLD_CANCEL_INTERRUPTS();
	pq_startmsgread();
	type = pq_getbyte();
	if (type == EOF)
		client_is_gone();
	if (strchr("dcfHS", type) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("unexpected message type 0x%02X during COPY from stdin", type)));
	if (pq_getmessage(state->fe_msgbuf, type == 'd' ? MAX_DATA : MAX_OTHER))
		client_is_gone();
	RESUME_CANCEL_INTERRUPTS();
	return type;
}

/* appends the data of the client's next message that has any; false: it sends no more */
static bool
read_client(CopyInput *input)
{
	StringInfo	message = input->state->fe_msgbuf;

	for (;;)
	{
		switch (receive_message(input->state))
		{
			case 'd':
				if (message->len == 0)
					break;
				appendBinaryStringInfo(&input->bytes, message->data, message->len);
				return true;
			case 'c':
				return false;
			case 'f':
				ereport(ERROR,
						(errcode(ERRCODE_QUERY_CANCELED),
						 errmsg("COPY from stdin failed: %s", pq_getmsgstring(message))));
			default:
				break;			/* Flush and Sync mean nothing in a COPY */
		}
	}
}

/* ---- files and programs ---- */

static bool
read_file(CopyInput *input, int wanted)
{
	FILE	   *file = input->state->copy_file;
	int			n;

	enlargeStringInfo(&input->bytes, wanted);
	n = fread(input->bytes.data + input->bytes.len, 1, wanted, file);
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from COPY file: %m")));
	input->bytes.len += n;
	input->bytes.data[input->bytes.len] = '\0';
	return n > 0;
}

/* ---- the interface ---- */

void
commands_input_begin(CopyInput *input, CopyFromState state)
{
	memset(input, 0, sizeof(*input));
	input->state = state;
	initStringInfo(&input->bytes);
	enlargeStringInfo(&input->bytes, 2 * PIECE);
}

static void
drop_used(CopyInput *input)
{
	StringInfo	bytes = &input->bytes;

	if (input->next == 0)
		return;
	memmove(bytes->data, bytes->data + input->next, bytes->len - input->next);
	bytes->len -= input->next;
	bytes->data[bytes->len] = '\0';
	input->next = 0;
}

/* The more is unused, the more is read: a long line is looked at a few times only. */
void
commands_input_more(CopyInput *input)
{
	int			before;
	int			wanted;

	drop_used(input);
	before = input->bytes.len;
	wanted = Max(PIECE, before);
	while (!input->atEnd && input->bytes.len - before < wanted)
	{
		bool		more = input->state->copy_src == COPY_FRONTEND ? read_client(input) :
			read_file(input, wanted);

		if (!more)
			input->atEnd = input->state->raw_reached_eof = true;
	}
	input->read += input->bytes.len - before;
}

void
commands_input_drain(CopyInput *input)
{
	while (input->state->copy_src == COPY_FRONTEND && !input->atEnd)
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&input->bytes);
		if (!read_client(input))
			input->atEnd = input->state->raw_reached_eof = true;
	}
	resetStringInfo(&input->bytes);
	input->next = 0;
}
