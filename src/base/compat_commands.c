/*
 * compat_commands.c
 *	  Wrappers for COPY and VACUUM, which differ too much between majors to be inline.
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "commands/copyfrom_internal.h"
#include "commands/progress.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat.h"
#include "citus/base/compat_copy.h"

#if PG_VERSION_NUM >= 180000
static void
check_reject_limit(CopyFromState cstate)
{
	if (cstate->opts.reject_limit > 0 && cstate->num_errors > cstate->opts.reject_limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("skipped more than REJECT_LIMIT (%lld) rows due to data type "
						"incompatibility", (long long) cstate->opts.reject_limit)));
}
#endif

bool
compat_copy_from_skips_row(CopyFromState cstate)
{
#if PG_VERSION_NUM >= 170000
	if (cstate->opts.on_error != COPY_ON_ERROR_IGNORE || !cstate->escontext->error_occurred)
		return false;
	cstate->escontext->error_occurred = false;
#if PG_VERSION_NUM >= 180000
	check_reject_limit(cstate);
#endif
	return true;
#else
	return false;
#endif
}

void
compat_copy_from_report_skipped(CopyFromState cstate)
{
#if PG_VERSION_NUM >= 170000
	if (cstate->opts.on_error != COPY_ON_ERROR_IGNORE || cstate->num_errors == 0)
		return;
#if PG_VERSION_NUM >= 180000
	if (cstate->opts.log_verbosity == COPY_LOG_VERBOSITY_SILENT)
		return;
#endif
	ereport(NOTICE,
			(errmsg_plural("%llu row was skipped due to data type incompatibility",
						   "%llu rows were skipped due to data type incompatibility",
						   (unsigned long long) cstate->num_errors,
						   (unsigned long long) cstate->num_errors)));
#endif
}

void
compat_copy_show_skipped(CopyFromState cstate)
{
#if PG_VERSION_NUM >= 170000
	pgstat_progress_update_param(PROGRESS_COPY_TUPLES_SKIPPED, cstate->num_errors);
#endif
}

CopyToState
compat_begin_copy_to(ParseState *pstate, RawStmt *query, const char *filename, bool isProgram,
					 List *options)
{
#if PG_VERSION_NUM >= 160000
	return BeginCopyTo(pstate, NULL, query, InvalidOid, filename, isProgram, NULL, NIL, options);
#else
	return BeginCopyTo(pstate, NULL, query, InvalidOid, filename, isProgram, NIL, options);
#endif
}

/* since 18 a \. alone on a line is data in csv; length is with the line end */
bool
compat_csv_line_is_marker(const char *line, int length)
{
#if PG_VERSION_NUM >= 180000
	return false;
#else
	return length > 2 && strspn(line + 2, "\r\n") >= length - 2;
#endif
}

/* the subtransaction that gave the relation the file that it has; renamed by 16 */
SubTransactionId
compat_relation_new_file_subid(Relation relation)
{
#if PG_VERSION_NUM >= 160000
	return relation->rd_newRelfilelocatorSubid;
#else
	return relation->rd_newRelfilenodeSubid;
#endif
}

/* where COPY FROM keeps a column's default, NULL if it has none; since 16 by column */
ExprState **
compat_copy_from_default(CopyFromState cstate, AttrNumber attno)
{
#if PG_VERSION_NUM >= 160000
	return cstate->defexprs[attno - 1] ? &cstate->defexprs[attno - 1] : NULL;
#else
	for (int i = 0; i < cstate->num_defaults; i++)
	{
		if (cstate->defmap[i] == attno - 1)
			return &cstate->defexprs[i];
	}
	return NULL;
#endif
}

void
compat_require_maintenance(Oid relid, Oid tableId)
{
	AclResult	result;

#if PG_VERSION_NUM >= 170000
	result = pg_class_aclcheck(tableId, GetUserId(), ACL_MAINTAIN);
#else
	result = compat_object_ownercheck(RelationRelationId, tableId, GetUserId()) ? ACLCHECK_OK :
		ACLCHECK_NOT_OWNER;
#endif
	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

bool
compat_may_maintain(Oid relid)
{
	if (compat_object_ownercheck(DatabaseRelationId, MyDatabaseId, GetUserId()))
		return true;
#if PG_VERSION_NUM >= 170000
	return pg_class_aclcheck(relid, GetUserId(), ACL_MAINTAIN) == ACLCHECK_OK;
#else
	return compat_object_ownercheck(RelationRelationId, relid, GetUserId());
#endif
}

void
compat_vac_update_relstats(Relation relation, BlockNumber pages, double rows, bool hasindex)
{
#if PG_VERSION_NUM >= 180000
	vac_update_relstats(relation, pages, rows, 0, 0, hasindex, InvalidTransactionId,
						InvalidMultiXactId, NULL, NULL, false);
#else
	vac_update_relstats(relation, pages, rows, 0, hasindex, InvalidTransactionId,
						InvalidMultiXactId, NULL, NULL, false);
#endif
}

void
compat_report_analyze(Relation relation, double rows)
{
#if PG_VERSION_NUM >= 180000
	pgstat_report_analyze(relation, (PgStat_Counter) rows, 0, true, GetCurrentTimestamp());
#else
	pgstat_report_analyze(relation, (PgStat_Counter) rows, 0, true);
#endif
}
