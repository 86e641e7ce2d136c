/*
 * store_internal.h
 *	  Rows into a table of this node, many at a time (row_batch.c), and lines of COPY data that
 *	  become rows without the server's parser (plain_lines.c).
 */
#ifndef CITUS_STORE_INTERNAL_H
#define CITUS_STORE_INTERNAL_H

#include "postgres.h"

#include "access/heapam.h"
#include "commands/copy.h"
#include "nodes/execnodes.h"

#define BATCH_ROWS	1000

/* ---- row_batch.c ---- */

typedef struct RowBatch
{
	EState	   *estate;
	ResultRelInfo *target;
	TupleDesc	desc;			/* of the slots */
	BulkInsertState pages;		/* or NULL */
	uint64	   *line;			/* where errors look for the line of a row being stored; or NULL */

	/* the rows that wait; slots are made when they are first needed */
	TupleTableSlot *slots[BATCH_ROWS];
	uint64		lines[BATCH_ROWS];	/* of the rows, when line is given */
	int			nrows;
	Size		nbytes;
} RowBatch;

/* batch: all zero before.  Uses the memory and the command of estate, and ends with it. */
extern void executor_batch_begin(RowBatch *batch, EState *estate, ResultRelInfo *target);
/* an empty slot for the next row, which counts when executor_batch_add() is called */
extern TupleTableSlot *executor_batch_slot(RowBatch *batch);
extern void executor_batch_add(RowBatch *batch, Size bytes);
/* stores what waits; raises what the table's indexes and constraints raise */
extern void executor_batch_store(RowBatch *batch);

/* ---- plain_lines.c ---- */

typedef struct PlainLines PlainLines;

/* may lines of state's COPY be plain ones?  options: of the COPY statement */
extern bool executor_lines_may_be_plain(CopyFromState state, const List *options);
/* lives in memory of its own until executor_plain_lines_end() */
extern PlainLines *executor_plain_lines_begin(CopyFromState state);
/*
 * Rows of data's first lines, up to one that is for the server's parser, or to the end; the number
 * of their bytes.  state knows what line is next.
 */
extern int	executor_plain_lines_read(PlainLines *lines, const char *data, int length);
/* stores what is left, with more: also of state's source; the number of all rows */
extern uint64 executor_plain_lines_end(PlainLines *lines, bool more);

#endif
