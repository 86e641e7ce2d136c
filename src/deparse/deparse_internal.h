/*
 * deparse_internal.h
 *	  What the files of deparse share.
 */
#ifndef CITUS_DEPARSE_INTERNAL_H
#define CITUS_DEPARSE_INTERNAL_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"

#include "citus/base/compat.h"
#include "citus/deparse/object.h"
#include "citus/deparse/template.h"

/* a copy of query whose text means the same on another node; query_adapt.c */
extern Query *deparse_query_adapt(const Query *query);
extern void deparse_query_name_columns(Query *query);

#endif
