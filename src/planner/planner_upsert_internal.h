/*
 * planner_upsert_internal.h
 *	  What the files that plan INSERT .. ON CONFLICT DO UPDATE share.
 */
#ifndef PLANNER_UPSERT_INTERNAL_H
#define PLANNER_UPSERT_INTERNAL_H

#include "postgres.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"
#include "planner_change_internal.h"

typedef struct Upsert
{
	Query	   *query;			/* normalized; not changed */
	Index		target;
	Index		excluded;
	Relation	relation;
	Relation	index;			/* that decides; the one at hand of several */
	List	   *indexes;		/* of Oid: all that are needed to decide, in the server's order */
	const char *impossible;

	/* row by row */
	PlanRequest *request;
	EarlyReads *early;			/* gets what the clause reads before the first row */
} Upsert;

/* ---- planner_upsert.c ---- */

/* a copy: whole rows of EXCLUDED are rows of columns, and computed columns what computes them */
extern Node *planner_upsert_adapt_excluded(Upsert *upsert, Node *node);
/*
 * What gave the rows stays in the range table, for its numbering, but as nothing; relations, which
 * are those of a view that the rewriter has replaced, stay as what the user must have rights on.
 */
extern void planner_upsert_forget_sources(Upsert *upsert, Query *query);

/* ---- planner_upsert_indexes.c ---- */

/* fills in the indexes that decide; raises what the server raises when there is none */
extern void planner_upsert_find_indexes(Upsert *upsert);
/* column number of upsert->index, of the rows of entry rti */
extern Expr *planner_upsert_index_column(Upsert *upsert, IndexInfo *info, int number, Index rti);
/* left = right, as upsert->index compares its column */
extern Expr *planner_upsert_equality(Upsert *upsert, IndexInfo *info, int number, Expr *left,
									 Expr *right);

#endif
