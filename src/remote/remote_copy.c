/*
 * remote_copy.c
 *	  COPY data, both ways.
 *
 * Data to send is buffered by libpq without limit; put waits when too much is unsent.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "remote/remote_internal.h"

static void
copy_lost(RemoteConn *conn)
{
	remote_error_lost(conn, NULL);
	remote_queue_clear(conn);
	remote_error_raise(conn);
}

static void
wait_until_flushed(RemoteConn *conn)
{
	remote_queue_flush(conn);
	while (conn->unflushed)
	{
		/* the server may have sent an error, which must be read for it to read on */
		if (!conn->transport->consume(conn->link))
			copy_lost(conn);
		remote_wait_one(conn, 0);
		remote_queue_flush(conn);
	}
}

void
remote_copy_put(RemoteConn *conn, const char *data, int length)
{
	int			rc;

	if (conn->state != REMOTE_COPY_IN)
		elog(ERROR, "connection is not in COPY");
	remote_check_interrupts();
	for (;;)
	{
		rc = conn->transport->copy_put(conn->link, data, length);
		if (rc != 0)
			break;
		conn->unflushed = true;
		wait_until_flushed(conn);
	}
	if (rc < 0)
		copy_lost(conn);
	conn->unflushed = true;
	conn->unflushedBytes += length;
	if (conn->unflushedBytes > remote_copy_flush_threshold)
		wait_until_flushed(conn);
	else
		remote_queue_flush(conn);
}

void
remote_copy_end(RemoteConn *conn, const char *errormsg)
{
	if (conn->state != REMOTE_COPY_IN)
		elog(ERROR, "connection is not in COPY");
	conn->state = REMOTE_IDLE;
	if (!conn->transport->copy_end(conn->link, errormsg))
		copy_lost(conn);
	conn->unflushed = true;
	remote_queue_flush(conn);
}

char *
remote_copy_get(RemoteConn *conn, int *length)
{
	if (conn->state != REMOTE_COPY_OUT)
		elog(ERROR, "connection is not in COPY");
	for (;;)
	{
		char	   *data = NULL;
		int			rc;

		remote_check_interrupts();
		rc = conn->transport->copy_get(conn->link, &data);
		if (rc > 0)
		{
			char	   *copy = palloc_extended(rc + 1, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);

			if (copy != NULL)
			{
				memcpy(copy, data, rc);
				copy[rc] = '\0';
			}
			conn->transport->copy_free(conn->link, data);
			if (copy == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_OUT_OF_MEMORY),
						 errmsg("out of memory")));
			*length = rc;
			return copy;
		}
		if (rc < 0)
		{
			/* at its end, or failed: the final answer tells */
			conn->state = REMOTE_IDLE;
			*length = -1;
			return NULL;
		}
		remote_wait_one(conn, 0);
		if (!conn->transport->consume(conn->link))
			copy_lost(conn);
	}
}
