/*
 * daemon.h
 *	  Periodic duties of a database, run by one background worker per database.
 */
#ifndef CITUS_DAEMON_DAEMON_H
#define CITUS_DAEMON_DAEMON_H

#include "postgres.h"

/*
 * One duty: run in a transaction of its own every *intervalMs (-1: off), or every interval() where
 * that is computed.  run() may commit, and begin another transaction, in between.
 */
typedef struct Duty
{
	const char *name;
	int		   *intervalMs;
	void		(*run) (void);
	int			(*interval) (void);
} Duty;

extern void daemon_init(void);
/* the table of duties, handed in by entry; the array must stay */
extern void daemon_set_duties(const Duty *duties, int n);
/* starts the worker of the current database if it is not running; cheap when it is */
extern void daemon_ensure_started(void);
/*
 * Lets the worker of the current database, if there is one, run the duty, one of the table, as soon
 * as it can, unless the duty is off.  Raises nothing.
 */
extern void daemon_hurry(const Duty *duty);
/*
 * Stops the worker of a database and waits until it is gone, at most some seconds: for statements
 * that need the database without sessions, such as DROP DATABASE.  A later session starts it again.
 */
extern void daemon_stop(Oid database);

#endif
