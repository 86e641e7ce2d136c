/*
 * machine.h
 *	  The machine that a server runs on, as far as it concerns how much can be done at once there.
 */
#ifndef CITUS_BASE_MACHINE_H
#define CITUS_BASE_MACHINE_H

#include "postgres.h"

/* the parameter with which a server tells its machine when a node's session starts */
#define BASE_MACHINE_PARAMETER "citus.session_machine"

typedef struct Machine
{
	uint64		id;				/* servers that share processors have the same; 0: not known */
	int			processors;		/* 0: not known */
} Machine;

/* of what a server has told; NULL, or not understood: nothing is known */
extern Machine base_machine_parse(const char *description);

#endif
