/*
 * compat_copy.h
 *	  What COPY outside of the server's own code needs, for all supported majors.
 */
#ifndef CITUS_BASE_COMPAT_COPY_H
#define CITUS_BASE_COMPAT_COPY_H

#include "postgres.h"
#include "commands/copy.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"

/*
 * 17: ON_ERROR ignore, 18: REJECT_LIMIT.  True when NextCopyFrom() has just met a row that is to
 * be skipped; raises when too many were.  Always false before.
 */
extern bool compat_copy_from_skips_row(CopyFromState cstate);
/* the notice about skipped rows at the end of COPY FROM (17) */
extern void compat_copy_from_report_skipped(CopyFromState cstate);
/* pg_stat_progress_copy: how many rows were skipped (17) */
extern void compat_copy_show_skipped(CopyFromState cstate);
/* COPY of a query's rows to a file, a program, or the client; 16: another argument */
extern CopyToState compat_begin_copy_to(ParseState *pstate, RawStmt *query, const char *filename,
										bool isProgram, List *options);
extern bool compat_csv_line_is_marker(const char *line, int length);
extern SubTransactionId compat_relation_new_file_subid(Relation relation);
extern ExprState **compat_copy_from_default(CopyFromState cstate, AttrNumber attno);

#endif
