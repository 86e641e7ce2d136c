/*
 * elsewhere_internal.h
 *	  What the two sides of a foreign key share that only one node knows: the node of the statement
 *	  (elsewhere.c), and the one that has the table that refers (elsewhere_act.c).
 */
#ifndef CITUS_EXECUTOR_ELSEWHERE_INTERNAL_H
#define CITUS_EXECUTOR_ELSEWHERE_INTERNAL_H

#include "postgres.h"
#include "utils/array.h"
#include "executor/change_internal.h"

/*
 * OldKey: values of the referenced columns, as the referenced table has them; when the row changes,
 * behind them those that it gets.
 */
typedef struct OldKey
{
	Oid			relid;			/* the referenced table, or the partition that has the row */
	int			count;
	bool		changes;
	AttrNumber	columns[INDEX_MAX_KEYS];
	Oid			types[2 * INDEX_MAX_KEYS];
	Datum		values[2 * INDEX_MAX_KEYS];
	char		nulls[2 * INDEX_MAX_KEYS];	/* as SPI has them */
} OldKey;

/*
 * Finding: what the node that knows the key leaves to the statement's.  Without a referenced table:
 * rows refer to the old values.  With one: a row there must have the values of the condition.
 */
typedef struct Finding
{
	int			number;			/* of the row that goes or changes, from 0 */
	char	   *schema;			/* of the table that refers */
	char	   *table;
	char	   *constraint;
	char	   *referenced;		/* qualified, as SQL has it; or NULL */
	char	   *condition;		/* SQL about its columns */
	char	   *quoted;			/* "Key (..)=(..)", or "Key" where the user may not read it */
} Finding;

/* columns of what citus_internal.act_on_referring() gives, in the order of the struct */
#define FINDING_COLUMNS 7

/* ---- elsewhere.c ---- */

/* old values, and new ones where there are some */
extern int	executor_key_values(const OldKey *key);
/*
 * Runs a query with the values as its parameters, as the owner of a table and as the server's
 * own checks see rows; the number of rows.  Without fires, AFTER triggers wait in the caller's
 * level of queries.
 */
extern uint64 executor_key_run(const char *sql, OldKey *key, Oid owned, bool fires, long limit);
extern const char *executor_only_if_plain(Oid relid);

/* ---- elsewhere_act.c ---- */

/*
 * Does what the foreign key asks for when rows go.  Of each row there are the qualified name of its
 * relation, the old values, and, when it changes (not onDelete), the new ones.  List of Finding *,
 * in the current context.  Raises what the server would.
 */
extern List *executor_elsewhere_act(Oid constraintId, char action, bool onDelete,
									ArrayType *values);
/* in place of the check of a foreign key to a table whose rows only the statement's node sees */
extern void executor_elsewhere_note(struct TriggerData *data);

#endif
