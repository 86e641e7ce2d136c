/*
 * template.h
 *	  Query -> statement text with holes for shard names.
 */
#ifndef CITUS_DEPARSE_TEMPLATE_H
#define CITUS_DEPARSE_TEMPLATE_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "citus/catalog/catalog.h"
#include "citus/plan/plan.h"

/*
 * Deparses a rewritten, unplanned Query.  Every reference to a relation known to the catalog
 * becomes a hole.  The tree is copied, and adapted so that the text means the same elsewhere:
 * whole-row references become ROW(...)::type, parameters get an explicit cast to their type,
 * security qualifications of updatable security-barrier views join the WHERE clause (row-level
 * security is applied again where the shard lives), constants print in a form that no setting
 * changes.  Output columns are named c1, c2 ... when nameColumns.
 *
 * Palloc'd in the current context.  Raises 0A000 when a construct cannot be carried over.
 */
extern SqlTemplate *deparse_query_template(const Query *query, bool nameColumns);

/* true when a target entry's expression assigns to fields or elements of its column */
extern bool deparse_assigns_parts(Expr *expr);

/*
 * The generated columns of its target that a rewritten statement SETs to DEFAULT, as an IntList in
 * the current context.  Takes AccessShareLock on the target.
 */
extern List *deparse_generated_columns(const Query *query);

/*
 * Splits the template of an INSERT whose only row is VALUES of parameters: see InsertSpec.
 * query has no VALUES RTE; its target list entries (in order of spec->columns) are replaced.
 */
extern void deparse_insert_templates(const Query *query, List *columns, SqlTemplate **head,
									 SqlTemplate **tail);

/*
 * Fills the holes for one shard index of the colocation group: a keyed relation's hole gets its
 * shard of that index, any other relation its only shard.  Palloc'd text.
 */
extern char *deparse_template_fill(const SqlTemplate *sql, int shardIndex);

/*
 * The same template with other text in place of parameters: replacements[i] for $(i+1), NULL for
 * those that stay.  Palloc'd.
 */
extern SqlTemplate *deparse_template_replace_params(const SqlTemplate *sql,
													const char *const *replacements, int n);

/*
 * Raw parse trees of text made here, which does not follow the session's rules for string literals.
 */
extern List *deparse_parse_text(const char *text);

/* citus_internal.shard_of_row(oid): in a query for shards its argument is the shard's tableoid */
extern Oid	deparse_shard_of_row_oid(void);
/* citus_internal.place_in_shard(tid): likewise, its argument stays the shard's ctid */
extern Oid	deparse_place_in_shard_oid(void);

/* Fills the holes with the shells' own names (EXPLAIN, log). */
extern char *deparse_template_fill_shells(const SqlTemplate *sql);

/*
 * Runs pg_get_querydef() and friends under the settings of a stable text: search_path pg_catalog,
 * DateStyle ISO, IntervalStyle postgres, extra_float_digits 3 ...  Pair of calls; the second is
 * implied by an error.
 */
extern int	deparse_settings_begin(void);
extern void deparse_settings_end(int level);

#endif
