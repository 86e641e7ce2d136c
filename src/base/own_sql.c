/*
 * own_sql.c
 *	  Statements of the extension's own, run in this session: see own_sql.h.
 *
 * Whoever runs them says in which frame, and as whom: hooks and rights are not looked after here.
 *
 * Not here: statements of users, and those sent to other nodes.  The latter run under the user's
 * search_path: they name operators with their schema.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "citus/base/own_sql.h"

/* Leaves SPI connected, and the settings changed until execute_end(). */
static int
execute_begin(const char *sql, int expected)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(sql, false, 0) != expected)
		elog(ERROR, "could not execute \"%s\"", sql);
	return level;
}

static void
execute_end(int level)
{
	SPI_finish();
	AtEOXact_GUC(true, level);
}

List *
base_own_query(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *rows = NIL;
	int			level = execute_begin(sql, SPI_OK_SELECT);
	MemoryContext spiContext = MemoryContextSwitchTo(context);

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	  **values = palloc(sizeof(char *) * Max(desc->natts, 1));

		CHECK_FOR_INTERRUPTS();
		for (int column = 0; column < desc->natts; column++)
			values[column] = SPI_getvalue(SPI_tuptable->vals[i], desc, column + 1);
		rows = lappend(rows, values);
	}
	MemoryContextSwitchTo(spiContext);
	execute_end(level);
	return rows;
}

uint64
base_own_execute(const char *sql, int expected)
{
	int			level = execute_begin(sql, expected);
	uint64		processed = SPI_processed;

	execute_end(level);
	return processed;
}
