/*
 * lock_internal.h
 *	  What the files of DIST_PLAN_LOCK share.
 */
#ifndef LOCK_INTERNAL_H
#define LOCK_INTERNAL_H

#include "executor/executor_internal.h"

#define LOCK_MAX_TARGETS	8

/* the rows of a candidate; zeroed before it is filled, for it is hashed as bytes */
typedef struct CandidateKey
{
	RowId		rows[LOCK_MAX_TARGETS];
} CandidateKey;

typedef struct Candidate
{
	CandidateKey key;
	MinimalTuple tuple;
	int			locked;			/* targets whose row is; negative: it is not wanted any more */
	bool		changed;		/* it was another version that was found */
} Candidate;

/* candidates some of which could not be locked as they were found */
typedef struct LookAgainRun
{
	DistPlan   *plan;
	EState	   *estate;
	TupleDesc	desc;			/* of candidates */
	Candidate  *candidates;
	int			n;
} LookAgainRun;

/* ---- lock.c ---- */

/*
 * Statements that lock the rows of one target of all candidates that have locked those of the
 * targets before.  finds: they lock nothing, and give, besides candidates' numbers, where the rows
 * are now.
 */
extern List *executor_candidates_tasks(const LockTarget *target, int position,
									   Candidate *candidates, int n, bool finds);
/* runs them; candidates whose row was locked count one more */
extern void executor_candidates_lock(const LockTarget *target, int position,
									 Candidate *candidates, int n, Snapshot snapshot);
/* the rows of a part of the plan, in the current context; desc: NULL, or of them */
extern Tuplestorestate *executor_part_read(EState *estate, PlannedStmt *stmt, Snapshot snapshot,
										   ParamListInfo params, TupleDesc *desc);
/* the client's parameters, and one more */
extern ParamListInfo executor_params_with(EState *estate, int number, Oid type, Datum value,
										  bool isNull);

/* ---- lock_again.c ---- */

/*
 * Locks candidates in the version they have now, and gives those that are wanted as they are the
 * rows that come of it.  At READ COMMITTED; in a context that lives as long as the candidates.
 */
extern void executor_look_again(LookAgainRun *run);

#endif
