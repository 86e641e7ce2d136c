/*
 * writer_internal.h
 *	  What the files of the ShardWriter share: rows into buffers (writer.c), buffers to nodes
 *	  (writer_send.c), the line that a failed COPY names (writer_order.c).
 */
#ifndef CITUS_EXECUTOR_WRITER_INTERNAL_H
#define CITUS_EXECUTOR_WRITER_INTERNAL_H

#include "postgres.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

typedef struct WriterNode
{
	const ClusterNode *node;
	RemoteConn *conn;
	int			commands;		/* sent and not answered */
	int64		bytes;			/* of them */
	bool		failed;			/* has refused rows: takes no more */
} WriterNode;

/*
 * Lines of a COPY that are kept until a shard has read them: data and maps of lines of each part
 * follow each other.
 */
typedef struct KeptRows
{
	StringInfoData data;
	StringInfoData lines;
	int			nparts;
	ShardRows  *parts;			/* lengths only */
} KeptRows;

/* rows of a shard that wait */
typedef struct ShardBuffer
{
	const Shard *shard;
	List	   *placements;		/* of Placement, usable ones; lowest group first */
	bool		isLocal;		/* only here */
	StringInfoData data;		/* in COPY's format; data.data NULL: empty */
	StringInfoData lines;		/* which lines of the input they are (line_map.c) */
	uint64		lastLine;		/* where the last of them ended */
	int			lineEnd;		/* kind known when the first of them began */
	int			flushAt;		/* bytes */
} ShardBuffer;

struct ShardWriter
{
	MemoryContext context;
	MemoryContext rowContext;
	const DistTable *table;
	ShardRouter *router;		/* NULL: keyless */
	Oid			role;			/* writes into the shards; invalid: the current one */
	int			keyColumn;
	int			ncolumns;
	char	   *columnList;		/* (a, "B"), or nothing */

	/* what the shards get: rows as tuples in binary or text, or lines as the user wrote them */
	ShardCopy	copy;
	bool		binary;
	FmgrInfo   *outputs;		/* of tuples */

	ShardBuffer *buffers;		/* by shard index */
	int			maxPlacements;	/* of one shard */
	int64		buffered;
	List	   *nodes;			/* of WriterNode */
	uint64		line;			/* where the row to be put ends in the user's input */
	int			lineEnd;		/* kind known when it begins */
	uint64		rows;			/* written, as the shards said */

	List	   *spare;			/* of StringInfoData: buffers to be used again */

	/* of a COPY: what is wrong with its first wrong line, as far as is known (writer_order.c) */
	ErrorData  *failure;
	uint64		failureLine;
	bool		ended;			/* there are no more rows: the failure waits for none */
	bool		failedHere;		/* no more rows go into shards of this node */
	List	   *unread;			/* of KeptRows: no shard has read or will read them */
	ConnUser	user;
};

/* the next time that a shard's rows leave: early at first, so that nodes have work soon */
extern void executor_writer_next_flush(ShardBuffer *buffer);
/* sends a shard's rows to all of its placements, waiting only for room */
extern void executor_writer_flush(ShardWriter *writer, ShardBuffer *buffer);
/* the rows of all shards, of several in one command */
extern void executor_writer_flush_all(ShardWriter *writer);
/* takes answers that have come; wait: until all have */
extern void executor_writer_receive(ShardWriter *writer, bool wait);

/* ---- the first wrong line of a COPY (writer_order.c) ---- */

/* the current error, caught, of a node or of a shard here; true: a COPY remembers it */
extern bool executor_writer_is_wrong_line(const ShardWriter *writer, int sqlstate);
extern void executor_writer_keep_failure(ShardWriter *writer);
/* raises the failure, once the other nodes have read what they were sent */
extern void executor_writer_check(ShardWriter *writer);
/* nobody reads the rows any more: their buffers serve others */
extern void executor_writer_recycle(ShardWriter *writer, KeptRows *kept);

extern bool executor_writer_uses(ConnUser *user, RemoteConn *conn);
extern void executor_writer_settle(ConnUser *user);

#endif
