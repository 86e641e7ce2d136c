/*
 * shmem.c
 *	  Shared memory segments of modules: asked for before the server sizes its memory, attached when
 *	  it has been made.
 *
 * Owns the list of segments.  It is filled by the initialisers of modules in the postmaster and
 * never changes afterwards.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "citus/base/shmem.h"

#define MAX_SEGMENTS 16

static const SharedSegment *segments[MAX_SEGMENTS];
static int	nsegments = 0;

void
base_shmem_register(const SharedSegment *segment)
{
	if (nsegments == MAX_SEGMENTS)
		elog(ERROR, "too many shared memory segments");
	segments[nsegments++] = segment;
}

void
base_shmem_request(void)
{
	for (int i = 0; i < nsegments; i++)
	{
		RequestAddinShmemSpace(segments[i]->size());
		if (segments[i]->lock != NULL)
			RequestNamedLWLockTranche(segments[i]->name, 1);
	}
}

void
base_shmem_startup(void)
{
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nsegments; i++)
	{
		const SharedSegment *segment = segments[i];
		Size		size = segment->size();
		bool		found;
		void	   *address = ShmemInitStruct(segment->name, size, &found);

		if (segment->lock != NULL)
			*segment->lock = &GetNamedLWLockTranche(segment->name)->lock;
		*segment->address = address;
		if (!found)
		{
			memset(address, 0, size);
			if (segment->init != NULL)
				segment->init(address);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}
