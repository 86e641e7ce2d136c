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

extern int	operations_cleanup_interval;	/* citus.defer_shard_delete_interval; -1: off */
/*
 * A duty of the coordinator: drops the relations noted in pg_dist_cleanup, where that is possible;
 * their number.
 */
extern int	operations_clean_up(void);

#endif
