/*
 * moved_rows_internal.h
 *	  How rows are written that move from shard to shard: moved_rows.c, which says what a chunk of
 *	  them is, and moved_rows_read.c.
 */
#ifndef CITUS_MOVED_ROWS_INTERNAL_H
#define CITUS_MOVED_ROWS_INTERNAL_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "fmgr.h"
#include "executor/executor_internal.h"

/* of a chunk: its length, rows and columns */
#define CHUNK_HEADER	10

typedef enum ColumnForm
{
	FORM_BOOL = 'b',
	FORM_2 = '2',				/* by-value numbers of so many bytes */
	FORM_4 = '4',
	FORM_8 = '8',
	FORM_BYTES = 'y',			/* length and bytes of a bytea */
	FORM_STRING = 'v',			/* length and bytes of text in the server's encoding */
	FORM_SENT = 's',			/* length and what the type's send function gives */
	FORM_TEXT = 't'				/* length and what the type's output function gives */
} ColumnForm;

typedef struct ColumnCodec
{
	ColumnForm	form;
	int			size;			/* of a value; 0: it says so itself */
	FmgrInfo	output;			/* FORM_SENT, FORM_TEXT: how a value leaves, ... */
	ValueInput	input;			/* ... or how it is read */
} ColumnCodec;

/* how the columns of desc are written, or read; in the current context */
extern ColumnCodec *executor_codecs_make(TupleDesc desc, bool reads);

#endif
