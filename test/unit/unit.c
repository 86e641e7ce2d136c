/*
 * unit.c: the list of C tests and the SQL function that runs one of them.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "unit.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(citus_unit_run);

static UnitTest *tests = NULL;

void
unit_register(UnitTest *test)
{
	test->next = tests;
	tests = test;
}

void
unit_fail(const char *file, int line, const char *fmt,...)
{
	StringInfoData text;
	const char *name = strrchr(file, '/');

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	ereport(ERROR,
			errcode(ERRCODE_ASSERT_FAILURE),
			errmsg("%s:%d: %s", name ? name + 1 : file, line, text.data));
}

/* citus_unit_run(name text) returns void */
Datum
citus_unit_run(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (UnitTest *test = tests; test != NULL; test = test->next)
	{
		if (strcmp(test->name, name) == 0)
		{
			test->run();
			PG_RETURN_VOID();
		}
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("no test is called \"%s\"", name));
}
