/*
 * shmem.h
 *	  Shared memory segments of modules.
 */
#ifndef CITUS_BASE_SHMEM_H
#define CITUS_BASE_SHMEM_H

#include "postgres.h"
#include "storage/lwlock.h"

typedef struct SharedSegment
{
	const char *name;
	Size		(*size) (void);
	void		(*init) (void *segment);	/* first attach only, segment is zeroed */
	void	  **address;		/* set on attach in every process */
	LWLock	  **lock;			/* one lock of an own tranche; may be NULL */
} SharedSegment;

/* Registers a segment; call from a module initialiser. */
extern void base_shmem_register(const SharedSegment *segment);

/* bodies of shmem_request_hook and shmem_startup_hook, called by entry */
extern void base_shmem_request(void);
extern void base_shmem_startup(void);

#endif
