/*
 * own_sql.h
 *	  Statements of the extension's own, run in this session.
 *
 * They are parsed and run under search_path pg_catalog: no operator, function or type that the
 * user's search_path would find stands in for the server's.  That matters most where they run with
 * the rights of the extension's owner.
 */
#ifndef CITUS_BASE_OWN_SQL_H
#define CITUS_BASE_OWN_SQL_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Rows of a query: List of char **, values as text or NULL, in the caller's memory context. */
extern List *base_own_query(const char *sql);

/* Runs a statement; expected: what SPI_execute() returns for one of its kind.  How many rows. */
extern uint64 base_own_execute(const char *sql, int expected);

#endif
