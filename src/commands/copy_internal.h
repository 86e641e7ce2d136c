/*
 * copy_internal.h
 *	  What the files of COPY FROM share: the statement, its input, lines of it.
 */
#ifndef CITUS_COMMANDS_COPY_INTERNAL_H
#define CITUS_COMMANDS_COPY_INTERNAL_H

#include "postgres.h"
#include "commands/copy.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "citus/catalog/catalog.h"
#include "citus/executor/executor.h"

/* ---- both directions (copy.c) ---- */

/* raises 42501 when the user may not have the server read or write a file or a program */
extern void commands_copy_check_source(const CopyStmt *statement);
/* raises what the server raises about the columns and the user's rights on them */
extern void commands_copy_check_rights(const CopyStmt *statement, Relation relation,
									   ParseState *pstate, ParseNamespaceItem *nsitem);

#define COPY_PROGRESS_CONSTANTS 3

/* pg_stat_progress_copy, which names the user's table and which other COPYs put an end to */
typedef struct CopyProgress
{
	Oid			relid;
	int64		constants[COPY_PROGRESS_CONSTANTS];
} CopyProgress;

/* of the COPY that the server has just begun to show */
extern void commands_progress_begin(CopyProgress *progress, Oid relid);
/* shows it, if anything else is shown; counts are zero then */
extern void commands_progress_assert(const CopyProgress *progress);

/* ---- COPY FROM (copy_from.c) ---- */

/* one COPY FROM under way */
typedef struct CopyRun
{
	CopyStmt   *statement;
	Relation	relation;
	const DistTable *table;
	CopyFromState input;
	ExprState  *filter;			/* WHERE, or NULL */
	EState	   *estate;

	/* rows as parsed, and what the shards get of them */
	TupleTableSlot *row;
	TupleTableSlot *output;
	List	   *columns;		/* attribute numbers of output */
	ShardWriter *writer;		/* NULL: nothing is under way */
	TriggerRun *triggers;		/* NULL: none */

	uint64		rows;
	uint64		written;		/* by writers that have ended */
	uint64		excluded;		/* by WHERE */
	CopyProgress progress;

	/* for error messages */
	bool		sending;		/* the row has been read: what fails is not its line */
	CopyFromState judge;		/* that has read the line at hand, or NULL */
} CopyRun;

/* raises 22004 when run->row has no key */
extern void commands_copy_refuse_null_key(CopyRun *run);
/* read(argument); an error in a line that it finds waits for those of earlier lines */
extern void commands_copy_in_order(CopyRun *run, void (*read) (void *argument), void *argument);
extern void commands_copy_show_progress(CopyRun *run, uint64 bytes);

/* ---- the input, as bytes (copy_input.c) ---- */

typedef struct CopyInput
{
	CopyFromState state;		/* where it comes from */
	StringInfoData bytes;
	int			next;			/* first byte of bytes that is not used */
	bool		atEnd;			/* bytes has all there is */
	uint64		read;
} CopyInput;

extern void commands_input_begin(CopyInput *input, CopyFromState state);
/* more bytes behind the unused ones; at least one unless the end is reached */
extern void commands_input_more(CopyInput *input);
/* reads and forgets the rest of what a client sends */
extern void commands_input_drain(CopyInput *input);

/* ---- lines (copy_lines.c) ---- */

/* the server's EolType, whose numbers travel to other nodes */
typedef enum LineEnd
{
	LINE_END_UNKNOWN,
	LINE_END_LF,
	LINE_END_CR,
	LINE_END_CRLF
} LineEnd;

/* how lines and the key's field in them are found */
typedef struct LineFormat
{
	bool		csv;
	char		delimiter;
	char		quote;			/* csv */
	char		escape;			/* csv: quote if there is no other */
	int			keyField;		/* from 0; -1: no field is looked for */
} LineFormat;

typedef struct LineSplitter
{
	LineFormat	format;
	LineEnd		lineEnd;

	/* the next byte of each special kind; NULL where it is not known */
	const char *next[2];
} LineSplitter;

typedef struct CopyLine
{
	int			length;			/* with its line end, if it has one */
	int			inner;			/* line ends in quotes, as the server counts them */
	bool		unended;		/* by the end of the input */
	bool		marker;			/* may be the end-of-copy marker, or have it in it */
	bool		wrong;			/* its line end is an error */

	/*
	 * The bytes of the key's field, without quotes; NULL when only the server's parser can tell
	 * them, or what is wrong with the line.
	 */
	const char *key;
	int			keyLength;
} CopyLine;

/*
 * The line that begins at data.  False: it does not end before end; atEnd: there is nothing behind
 * end, which ends the line, too (false only when there is no byte left).
 */
extern bool commands_line_next(LineSplitter *splitter, const char *data, const char *end,
							   bool atEnd, CopyLine *line);
extern void commands_lines_moved(LineSplitter *splitter);

/* ---- lines to shards as they are (copy_through.c) ---- */

/* true when the statement's lines can go to shards unread but for the key */
extern bool commands_copy_may_pass(CopyRun *run);
extern void commands_copy_pass(CopyRun *run);

#endif
