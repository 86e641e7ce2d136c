/*
 * session.h
 *	  What this session is, and what it is in the middle of.
 *
 * One stack of frames replaces "we are inside X" variables.  Frames are popped by whoever pushed
 * them, or by the end-of-(sub)transaction phase after an error: a frame remembers the
 * sub-transaction nesting level it was pushed at.
 */
#ifndef CITUS_BASE_SESSION_H
#define CITUS_BASE_SESSION_H

#include "postgres.h"
#include "citus/base/origin.h"
#include "citus/base/types.h"

typedef enum SessionFrame
{
	FRAME_LOCAL_TASK,			/* a fragment of a distributed statement runs in-process */
	FRAME_OWN_DDL,				/* utility statements issued by us: hooks let them pass */
	FRAME_USER_CODE,			/* a function of a user beneath those: FRAME_OWN_DDL ends here */
	FRAME_METADATA_CHANGE		/* our own SQL touches pg_dist_* tables */
} SessionFrame;

extern void base_frame_push(SessionFrame frame);
extern void base_frame_pop(SessionFrame frame);
extern bool base_frame_active(SessionFrame frame);

/*
 * Hooks of the function manager: a function that a user wrote runs under FRAME_USER_CODE when
 * FRAME_OWN_DDL calls it, as a check or the value of a column: its statements are no DDL of ours.
 */
extern bool base_user_code_needs_hook(Oid functionOid);
extern void base_user_code_hook(int event, Datum *data);

/*
 * true when the extension exists in this database and may be used: not in a parallel worker's
 * start-up, not while CREATE or ALTER EXTENSION citus itself runs, not in a binary upgrade.
 * Cached; invalidated by the server's messages.  All hooks ask this first.
 */
extern bool base_extension_is_active(void);
extern Oid	base_extension_oid(void);
/* the role that owns it: a superuser, known to all nodes */
extern Oid	base_extension_owner(void);

/*
 * A function of citus_internal; looked up once per extension.  *functionOid and *extensionOid are
 * the caller's memory of it, and InvalidOid at first.
 */
/*
 * The search_path for texts that were made under pg_catalog alone, whose names mean the server's
 * own objects, whatever the user has put before these; NULL: that of the session does.  forOther:
 * they run with another role's rights, and temporary types of the user come last.
 */
extern char *base_task_search_path(bool forOther);

extern Oid	base_own_function(const char *name, int nargs, const Oid *args, Oid *functionOid,
							  Oid *extensionOid);
/*
 * citus_internal.is_row(tableoid, ctid, shard, place): true for the row that was at this place of
 * this shard, or what it has become there.  A condition of statements that travel.
 */
extern Oid	base_is_row_oid(void);

/* raises 55000 when the extension's SQL objects are of another version than the library */
extern void base_check_version(void);

/* raises 42501 unless the current user is superuser */
extern void base_require_superuser(const char *action);

#endif
