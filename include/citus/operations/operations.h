/*
 * operations.h
 *	  Changes of membership and placement: nodes today.
 */
#ifndef CITUS_OPERATIONS_OPERATIONS_H
#define CITUS_OPERATIONS_OPERATIONS_H

extern void operations_init(void);

extern int	operations_sync_interval;	/* citus.metadata_sync_interval, milliseconds */
/* A duty of the coordinator: brings nodes up to date that missed a change and answer again. */
extern void operations_sync_metadata(void);

#endif
