/*
 * compat_triggers.h
 *	  What storing rows and firing triggers outside of the server's own nodes needs, for all
 *	  supported majors.
 */
#ifndef CITUS_BASE_COMPAT_TRIGGERS_H
#define CITUS_BASE_COMPAT_TRIGGERS_H

#include "postgres.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/rel.h"

/*
 * Makes relation the only entry of the estate's range table, with the columns (numbered as in
 * permission bitmaps) that the statement updates.  16: these moved out of the entry; 18: range
 * table entries may be pruned.
 */
extern void compat_estate_add_target(EState *estate, Relation relation, Bitmapset *updated);

/* forgets what a copy of a relation shares with the original's cache entry about its indexes */
extern void compat_relation_forget_indexes(Relation copy);

/* BEFORE ROW triggers for a row that is given as a tuple; 16, 18: more arguments */
extern bool compat_fire_before_update(EState *estate, ResultRelInfo *relation, HeapTuple old,
									  TupleTableSlot *slot);
extern bool compat_fire_before_delete(EState *estate, ResultRelInfo *relation, HeapTuple old);

/* entries of a new row in all indexes; 16: onlySummarizing */
static inline List *
compat_insert_index_tuples(ResultRelInfo *relation, TupleTableSlot *row, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(relation, row, estate, false, false, NULL, NIL, false);
#else
	return ExecInsertIndexTuples(relation, row, estate, false, false, NULL, NIL);
#endif
}

/* the role that deferred triggers run as; 18: that of the statement, before: the current one */
extern bool compat_deferred_triggers_keep_role(void);

/* ---- foreign keys ---- */

/* 18: what ON DELETE or ON UPDATE RESTRICT refuses is 23001, with a message of its own */
#if PG_VERSION_NUM >= 180000
#define COMPAT_RESTRICT_HAS_OWN_ERROR true
#else
#define COMPAT_RESTRICT_HAS_OWN_ERROR false
#endif

/* 18: NOT ENFORCED */
#if PG_VERSION_NUM >= 180000
#define compat_constraint_is_enforced(form) ((form)->conenforced)
#else
#define compat_constraint_is_enforced(form) true
#endif

#endif
