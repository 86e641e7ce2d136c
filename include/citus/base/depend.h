/*
 * depend.h
 *	  Which objects depend on which, as pg_depend has it.
 */
#ifndef CITUS_BASE_DEPEND_H
#define CITUS_BASE_DEPEND_H

#include "postgres.h"
#include "catalog/pg_depend.h"
#include "nodes/pg_list.h"

/*
 * Rows of pg_depend that say on what the object depends, or what depends on it: List of
 * Form_pg_depend, list and rows palloc'd.  The lock of the catalog is given up again.
 */
extern List *base_depend_of(Oid classId, Oid objectId);
extern List *base_depend_on(Oid classId, Oid objectId);

#endif
