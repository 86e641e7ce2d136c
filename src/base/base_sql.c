/*
 * base_sql.c
 *	  SQL-callable functions of base.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/base_internal.h"
#include "citus/base/session.h"
#include "citus/base/types.h"

PG_FUNCTION_INFO_V1(citus_internal_enable_tls);
PG_FUNCTION_INFO_V1(citus_version);

/* citus_internal.enable_tls(): called by the install script */
Datum
citus_internal_enable_tls(PG_FUNCTION_ARGS)
{
	base_require_superuser("change the server's settings");
	base_tls_enable();
	PG_RETURN_VOID();
}

Datum
citus_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text("Citus " CITUS_VERSION " on PostgreSQL " PG_VERSION));
}
