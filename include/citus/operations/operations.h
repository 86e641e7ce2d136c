/*
 * operations.h
 *	  Changes of membership and placement: nodes today.
 */
#ifndef CITUS_OPERATIONS_OPERATIONS_H
#define CITUS_OPERATIONS_OPERATIONS_H

extern void operations_init(void);

#endif
