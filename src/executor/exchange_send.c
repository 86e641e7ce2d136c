/*
 * exchange_send.c
 *	  From beside a shard to the nodes where its rows are needed.
 *
 * pack_rows() gives chunks of rows for places; they are gathered by node and leave in batches: to
 * the files of this node's exchange, or over a connection of this session's own to another node, as
 * the argument of a function that appends them there.  A batch has each place's chunks one after
 * the other, so that a place and a batch make one extent.
 *
 * Invariants:
 * (1) nobody is waited for but a session of another node that does nothing but write a file, and a
 *	   connection that is being opened, within its time limit: sessions that bring rows to each
 *	   other's nodes cannot lock each other;
 * (2) a connection that the pool has no place for, or that could not be opened, is no error: its
 *	   chunks are given back and go with the caller's answer, as do those of the next minute;
 * (3) what is in memory of a batch that was sent is bounded by MAX_UNDER_WAY batches a node.
 *
 * Main path: executor_sender_begin(), _put() for each chunk, _end().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "executor/executor_internal.h"
#include "exchange_internal.h"

#define MAX_BATCH		(1024 * 1024)
#define MIN_BATCH		(64 * 1024)
#define ALL_BATCHES		(32 * 1024 * 1024)	/* of all nodes together, while that is possible */
#define MAX_UNDER_WAY	2
#define UNREACHABLE_MS	60000

/* a batch that was sent: where its notes' extents begin is not known yet */
typedef struct Batch
{
	List	   *notes;
	bool		hasPlace;
} Batch;

typedef struct SenderNode
{
	GroupId		group;
	bool		here;
	bool		reachable;
	RemoteConn *conn;			/* NULL: here, or not reachable */
	Size		waiting;		/* bytes of its places */
	List	   *underWay;		/* of Batch, in the order in which they were sent */
} SenderNode;

typedef struct SenderPlace
{
	SenderNode *node;			/* NULL: nobody wants its rows */
	StringInfoData chunks;		/* waiting */
	int			rows;
} SenderPlace;

struct ExchangeSender
{
	MemoryContext context;
	ExchangeRoute *route;
	ExchangeReturn giveBack;
	void	   *arg;
	SenderPlace *places;
	int			nnodes;
	SenderNode *nodes;
	Size		batchSize;
	List	   *notes;
};

/* ---- nodes that could not be reached ---- */

typedef struct Unreachable
{
	GroupId		group;
	TimestampTz until;
} Unreachable;

static List *unreachable = NIL; /* of Unreachable, in TopMemoryContext */

static void
note_unreachable(GroupId group)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	Unreachable *entry = palloc(sizeof(Unreachable));

	entry->group = group;
	entry->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), UNREACHABLE_MS);
	unreachable = lappend(unreachable, entry);
	MemoryContextSwitchTo(caller);
}

static bool
is_unreachable(GroupId group)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		result = false;
	ListCell   *cell;

	foreach(cell, unreachable)
	{
		Unreachable *entry = lfirst(cell);

		if (entry->until < now)
		{
			unreachable = foreach_delete_current(unreachable, cell);
			pfree(entry);
		}
		else if (entry->group == group)
			result = true;
	}
	return result;
}

/* ---- connections ---- */

static void
connect_node(SenderNode *node)
{
	const ClusterNode *where = catalog_node_of_group(node->group);
	RemoteTarget target;

	if (where == NULL || is_unreachable(node->group))
		return;
	target = txn_target_of_node(where);
	/* rows are brought by the role that wants them, or not at all */
	if (get_role_oid(target.user, true) != GetUserId())
		return;
	remote_set_application_name(psprintf(CITUS_INTERNAL_APP_PREFIX UINT64_FORMAT,
										 txn_global_pid()));
	node->conn = remote_conn_acquire(&target, true);
	node->reachable = node->conn != NULL;
}

static void
wait_for_node(SenderNode *node)
{
	bool		ready = false;

	remote_wait_any(&node->conn, 1, 1000, &ready);
}

/* waits until the connection is open; false: it is not going to be */
static bool
is_connected(SenderNode *node)
{
	RemoteConnState state;

	while ((state = remote_conn_poll(node->conn)) == REMOTE_CONNECTING)
		wait_for_node(node);
	if (state != REMOTE_BROKEN)
		return true;
	remote_error_report(node->conn, DEBUG1);
	remote_conn_close(node->conn);
	node->conn = NULL;
	node->reachable = false;
	note_unreachable(node->group);
	return false;
}

/* ---- batches ---- */

static void
move_extents(ExchangeSender *sender, List *notes, uint32 file, uint64 offset)
{
	ListCell   *cell;

	foreach(cell, notes)
	{
		ExchangeNote *note = lfirst(cell);

		note->extent.file = file;
		note->extent.offset += offset;
	}
	sender->notes = list_concat(sender->notes, notes);
}

/* the chunks of the node's places, one after the other; a note for each place */
static List *
take_batch(ExchangeSender *sender, SenderNode *node, StringInfo data)
{
	List	   *notes = NIL;

	enlargeStringInfo(data, node->waiting);
	for (int i = 0; i < sender->route->nplaces; i++)
	{
		SenderPlace *place = &sender->places[i];
		ExchangeNote *note;

		if (place->node != node || place->rows == 0)
			continue;
		note = palloc0(sizeof(ExchangeNote));
		note->place = i;
		note->rows = place->rows;
		note->extent.offset = data->len;
		note->extent.length = place->chunks.len;
		notes = lappend(notes, note);
		appendBinaryStringInfo(data, place->chunks.data, place->chunks.len);
		resetStringInfo(&place->chunks);
		place->rows = 0;
	}
	node->waiting = 0;
	return notes;
}

static void
give_back(ExchangeSender *sender, SenderNode *node)
{
	for (int i = 0; i < sender->route->nplaces; i++)
	{
		SenderPlace *place = &sender->places[i];

		if (place->node != node || place->rows == 0)
			continue;
		sender->giveBack(sender->arg, i, place->chunks.data, place->chunks.len);
		resetStringInfo(&place->chunks);
		place->rows = 0;
	}
	node->waiting = 0;
}

static int64
number_of(const RemoteAnswer *answer, int column, int size)
{
	uint32		four;
	uint64		eight;

	if (answer->ncolumns <= column || answer->values[column] == NULL || !answer->binary ||
		answer->lengths[column] != size)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("unexpected answer to rows that were brought to another node")));
	if (size == sizeof(four))
	{
		memcpy(&four, answer->values[column], sizeof(four));
		return pg_ntoh32(four);
	}
	memcpy(&eight, answer->values[column], sizeof(eight));
	return (int64) pg_ntoh64(eight);
}

/* waits until no more batches are under way than that */
static void
take_answers(ExchangeSender *sender, SenderNode *node, int most)
{
	while (list_length(node->underWay) > most)
	{
		RemoteAnswer answer;
		Batch	   *batch = linitial(node->underWay);

		remote_receive(node->conn, &answer);
		switch (answer.kind)
		{
			case REMOTE_ANSWER_NONE:
				wait_for_node(node);
				break;
			case REMOTE_ANSWER_ROW:
				move_extents(sender, batch->notes, number_of(&answer, 0, sizeof(uint32)),
							 number_of(&answer, 1, sizeof(uint64)));
				batch->hasPlace = true;
				break;
			case REMOTE_ANSWER_DONE:
				if (!batch->hasPlace)
					ereport(ERROR,
							(errcode(ERRCODE_PROTOCOL_VIOLATION),
							 errmsg("unexpected answer to rows that were brought to another "
									"node")));
				node->underWay = list_delete_first(node->underWay);
				break;
			default:
				remote_error_raise(node->conn);
		}
	}
}

static void
send_batch(ExchangeSender *sender, SenderNode *node)
{
	static const Oid types[] = {BYTEAOID, BYTEAOID};
	static const int formats[] = {1, 1};
	StringInfoData data;
	const char *values[2];
	int			lengths[2];
	RemoteCommand command = {
		.sql = "SELECT file, place FROM citus_internal.exchange_put($1, $2)",
		.statementName = "citus_exchange_put",
		.nparams = 2,
		.paramTypes = types,
		.paramValues = values,
		.paramLengths = lengths,
		.paramFormats = formats,
		.binaryResult = true,
		.sync = true,
	};
	Batch	   *batch = palloc0(sizeof(Batch));

	take_answers(sender, node, MAX_UNDER_WAY - 1);
	initStringInfo(&data);
	batch->notes = take_batch(sender, node, &data);
	values[0] = sender->route->key;
	lengths[0] = EXCHANGE_KEY_SIZE;
	values[1] = data.data;
	lengths[1] = data.len;
	command.owner = batch;
	remote_send(node->conn, &command);
	node->underWay = lappend(node->underWay, batch);
	pfree(data.data);
}

static void
write_batch(ExchangeSender *sender, SenderNode *node)
{
	StringInfoData data;
	List	   *notes;
	uint32		file;
	uint64		offset;

	initStringInfo(&data);
	notes = take_batch(sender, node, &data);
	offset = executor_exchange_write(sender->route->key, data.data, data.len, &file);
	move_extents(sender, notes, file, offset);
	pfree(data.data);
}

static void
flush_node(ExchangeSender *sender, SenderNode *node)
{
	if (node->waiting == 0)
		return;
	if (node->here)
		write_batch(sender, node);
	else if (node->reachable && is_connected(node))
		send_batch(sender, node);
	else
		give_back(sender, node);
}

/* ---- the interface ---- */

static SenderNode *
node_of_group(ExchangeSender *sender, GroupId group)
{
	SenderNode *node;

	for (int i = 0; i < sender->nnodes; i++)
	{
		if (sender->nodes[i].group == group)
			return &sender->nodes[i];
	}
	node = &sender->nodes[sender->nnodes++];
	node->group = group;
	node->here = group == catalog_local_group();
	if (!node->here)
		connect_node(node);
	return node;
}

ExchangeSender *
executor_sender_begin(const ExchangeRoute *route, ExchangeReturn giveBack, void *arg)
{
	ExchangeSender *sender = palloc0(sizeof(ExchangeSender));

	sender->context = CurrentMemoryContext;
	sender->route = (ExchangeRoute *) route;
	sender->giveBack = giveBack;
	sender->arg = arg;
	sender->places = palloc0(sizeof(SenderPlace) * Max(route->nplaces, 1));
	sender->nodes = palloc0(sizeof(SenderNode) * Max(route->nplaces, 1));
	for (int i = 0; i < route->nplaces; i++)
	{
		if (route->groups[i] == EXCHANGE_NOBODY)
			continue;
		sender->places[i].node = node_of_group(sender, route->groups[i]);
		initStringInfo(&sender->places[i].chunks);
	}
	sender->batchSize = Max(MIN_BATCH, Min(MAX_BATCH, ALL_BATCHES / Max(sender->nnodes, 1)));
	return sender;
}

static void
put_to_place(ExchangeSender *sender, int number, const char *chunk, int length, int rows)
{
	SenderPlace *place = &sender->places[number];
	SenderNode *node = place->node;

	if (node == NULL)
		return;
	/* a large value fills a batch alone */
	if (node->waiting > 0 && node->waiting + length > sender->batchSize)
		flush_node(sender, node);
	appendBinaryStringInfo(&place->chunks, chunk, length);
	place->rows += rows;
	node->waiting += length;
	if (node->waiting >= sender->batchSize)
		flush_node(sender, node);
}

/* The caller is told at once of what cannot be brought. */
void
executor_sender_put(ExchangeSender *sender, int bucket, const char *chunk, int length, int rows)
{
	MemoryContext caller = MemoryContextSwitchTo(sender->context);

	if (!sender->route->toAll)
		put_to_place(sender, bucket, chunk, length, rows);
	else
		for (int i = 0; i < sender->route->nplaces; i++)
			put_to_place(sender, i, chunk, length, rows);
	MemoryContextSwitchTo(caller);
}

List *
executor_sender_end(ExchangeSender *sender)
{
	MemoryContext caller = MemoryContextSwitchTo(sender->context);

	/* all are sent before one is waited for */
	for (int i = 0; i < sender->nnodes; i++)
		flush_node(sender, &sender->nodes[i]);
	for (int i = 0; i < sender->nnodes; i++)
	{
		SenderNode *node = &sender->nodes[i];

		if (node->conn == NULL)
			continue;
		take_answers(sender, node, 0);
		/* one that is still being opened had nothing to bring */
		remote_conn_release(node->conn);
		node->conn = NULL;
	}
	MemoryContextSwitchTo(caller);
	return sender->notes;
}

/* after an error: what is under way is of no use */
void
executor_sender_abandon(ExchangeSender *sender)
{
	for (int i = 0; i < sender->nnodes; i++)
	{
		if (sender->nodes[i].conn != NULL)
			remote_conn_close(sender->nodes[i].conn);
		sender->nodes[i].conn = NULL;
	}
}
