/*
 * triggers_internal.h
 *	  What the files that fire triggers share: a statement's run, and the relations it fires for.
 */
#ifndef CITUS_EXECUTOR_TRIGGERS_INTERNAL_H
#define CITUS_EXECUTOR_TRIGGERS_INTERNAL_H

#include "postgres.h"
#include "access/tupconvert.h"
#include "commands/trigger.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "executor/executor_internal.h"

/* a relation whose triggers fire: the statement's, or a partition of it */
typedef struct FireTarget
{
	Relation	relation;		/* open; NULL: a TRUNCATE is under way */
	ResultRelInfo *info;		/* of a copy of it, below the statement's relation */
	List	   *deferred;		/* of Trigger *: those that wait until the constraint is checked */
	List	   *conditions;		/* of ExprState *: theirs, once there was an event; NULL: none */
	TupleTableSlot *oldSlot;	/* rows as the relation has them */
	TupleTableSlot *newSlot;
	TupleConversionMap *fromRoot;	/* NULL: rows look the same */
	TupleConversionMap *toRoot;
} FireTarget;

struct TriggerRun
{
	MemoryContext context;
	FireSpec   *spec;			/* NULL: a TRUNCATE */
	EState	   *estate;
	FireTarget *root;			/* of the statement's relation */
	List	   *targets;		/* of FireTarget, root first */
	Bitmapset  *updated;		/* columns as in permission bitmaps */
	ResultRelInfo *rootWithRows;	/* for rows that have changed their partition; NULL: none has */

	/* AFTER triggers, triggers_level.c */
	struct TriggerRun *level;	/* whose end calls them: itself, or one that is ending */
	List	   *announced;		/* of ResultRelInfo *: what events of its level may be about */
	List	   *opened;			/* of Relation: for those that share its level */
	int			depth;			/* of triggers' functions, when it began to end */

	/* what the statement has changed; NULL: nobody wants to see it */
	TransitionCaptureState *capture;
	TransitionCaptureState *conflictCapture;	/* of ON CONFLICT DO UPDATE */

	/* where new rows belong, made when the first comes */
	ModifyTableState *routingState;
	PartitionTupleRouting *routing;

	/* rows that have passed their BEFORE triggers and not been sent */
	TriggerFlush flush;			/* NULL: there never are any */
	void	   *flushArgument;
	bool		pending;
	bool		interrupted;	/* some were sent for a trigger's statement, or it wrote itself */
	bool		alone;			/* each row is sent before the next one's triggers fire */
	uint64		updates;		/* rows that have come to BEFORE UPDATE triggers */
	int			nestLevel;		/* of the transaction, where the statement runs */
	Oid			userId;
	struct TriggerRun *outer;	/* whose trigger's function runs this statement */
};

/* ---- triggers.c ---- */

/* the relation's triggers that pass, or NULL, in the current context; deferred may be NULL */
extern TriggerDesc *executor_triggers_choose(Relation relation, List **deferred);
/* adds one to those of a description, which has the place */
extern void executor_triggers_add(TriggerDesc *triggers, const Trigger *trigger);
/* a copy of an open relation with these triggers; its rows need not be in the relation */
extern ResultRelInfo *executor_triggers_info(Relation relation, TriggerDesc *triggers,
											 Index rti, ResultRelInfo *root);

/* ---- triggers_keys.c ---- */

/* those of foreign keys, or NULL */
extern TriggerDesc *executor_keys_of(const TriggerDesc *triggers);
/* true if the departure of a row from a partition for another is no concern of the trigger's */
extern bool executor_key_leaves(const Trigger *trigger, const FireTarget *departed);
/*
 * Disables triggers of foreign keys that the row's event is no concern of, in the relation's own
 * format; old, and new for an UPDATE.  For executor_keys_restore(), which must follow.
 */
extern char *executor_keys_leave(ResultRelInfo *info, const FireTarget *departed,
								 TupleTableSlot *old, TupleTableSlot *new);
extern void executor_keys_restore(ResultRelInfo *info, char *enabled);
extern void executor_keys_refuse_move(const TriggerRun *run, const FireTarget *from);

/* ---- triggers_level.c ---- */

extern void executor_level_enter(TriggerRun *run, int eflags);
extern void executor_level_announce(TriggerRun *run, Relation relation, int ntriggers);
extern void executor_level_end(TriggerRun *run);
extern void executor_level_close_found(EState *estate, const List *announced);
extern void executor_level_forget(void);

/* ---- triggers_deferred.c ---- */

extern bool executor_trigger_is_deferred(const Trigger *trigger);
/* keeps an event for those of the target's deferred triggers that it concerns */
extern void executor_triggers_defer(TriggerRun *run, FireTarget *target, int event,
									TupleTableSlot *old, TupleTableSlot *new);

#endif
