/*
 * module.h
 *	  What a module hands to the entry layer: its name and its initialiser.
 *
 * entry calls the initialisers of all modules, bottom to top, once from _PG_init() in the
 * postmaster.  An initialiser registers settings, lifecycle callbacks and shared memory; it must
 * not read catalogs or allocate in short-lived contexts.
 */
#ifndef CITUS_BASE_MODULE_H
#define CITUS_BASE_MODULE_H

typedef struct ModuleDef
{
	const char *name;
	void		(*init) (void);
} ModuleDef;

extern void base_init(void);

#endif
