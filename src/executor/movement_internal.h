/*
 * movement_internal.h
 *	  What movements have brought (movement.c), and whether it came here (movement_direct.c).
 */
#ifndef CITUS_MOVEMENT_INTERNAL_H
#define CITUS_MOVEMENT_INTERNAL_H

#include "postgres.h"

#include "storage/buffile.h"
#include "utils/resowner.h"

#include "executor/executor_internal.h"
#include "exchange_internal.h"

/* a chunk that came here */
typedef struct Chunk
{
	int			length;
	char	   *data;			/* NULL: it is in the file */
	int			fileno;
	off_t		offset;
} Chunk;

/* rows of a bucket; where each task gets all rows and they moved directly: those on a node */
typedef struct Bucket
{
	/* here */
	int			nchunks;
	int			allocated;
	Chunk	   *chunks;
	Datum		whole;			/* all of them, as the value that several tasks get; 0: not made */

	/* in an exchange */
	List	   *extents;		/* of ExchangeExtent * */
	uint32		rows;
} Bucket;

/* what one movement has brought */
typedef struct Arrival
{
	const Movement *movement;
	int			param;			/* of the main fragment's parameters, from 0; -1: nobody reads it */
	int			nbuckets;
	Bucket	   *buckets;
	uint64		bytes;
} Arrival;

typedef struct DirectMove DirectMove;

struct MovedRows
{
	MemoryContext context;
	ResourceOwner owner;		/* of the file */
	BufFile    *file;			/* NULL: not needed yet */
	Size		inMemory;		/* bytes of chunks that are not in the file */
	DirectMove *direct;			/* NULL: all rows come here */
	int			narrivals;
	Arrival    *arrivals;
};

/* ---- from node to node (movement_direct.c) ---- */

/*
 * Opens an exchange on all nodes of the scan's tasks; NULL when rows shall come here, as they do
 * when there are few.  options: as the scan reads; from then on in a transaction.
 */
extern DirectMove *executor_direct_begin(DistScanState *state, RunOptions *options);
/* how pack_rows() is told where the rows of a movement are needed */
extern struct varlena *executor_direct_route(const DirectMove *direct, const Movement *movement,
											 int nbuckets, List *tasks);
extern int	executor_direct_nodes(const DirectMove *direct);
extern int	executor_direct_node_of_task(const DirectMove *direct, const ExecutorTask *task);
extern const char *executor_direct_key(const DirectMove *direct);
/* the rows were read: their files may go */
extern void executor_direct_end(DistScanState *state);
/* for EXPLAIN: would they? */
extern bool executor_direct_is_worthwhile(const Fragment *fragment, List *tasks);

#endif
