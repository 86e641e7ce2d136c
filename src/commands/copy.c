/*
 * copy.c
 *	  COPY that names a known table.
 *
 * COPY FROM is done by copy_from.c in place of the server.  COPY TO is COPY (SELECT ...) TO, which
 * the server's COPY runs and our planner answers; columns and options are checked as those of a
 * table.  What both directions have in common is here: rights, and pg_stat_progress_copy.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "commands/copy.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "tcop/cmdtag.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "citus/base/compat.h"
#include "citus/base/compat_copy.h"
#include "commands/copy_internal.h"
#include "commands_internal.h"

/* ---- rights ---- */

/* programs and files of the server are for members of predefined roles */
void
commands_copy_check_source(const CopyStmt *statement)
{
	const char *direction = statement->is_from ? "from" : "to";

	if (statement->filename == NULL)
		return;
	if (statement->is_program &&
		!has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to COPY %s an external program", direction),
				 errdetail("It takes the privileges of role \"%s\".",
						   "pg_execute_server_program"),
				 errhint("Anyone can COPY to stdout or from stdin; psql's \\copy works for anyone, "
						 "too.")));
	if (!statement->is_program &&
		!has_privs_of_role(GetUserId(), statement->is_from ? ROLE_PG_READ_SERVER_FILES :
						   ROLE_PG_WRITE_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to COPY %s a file", direction),
				 errdetail("It takes the privileges of role \"%s\".",
						   statement->is_from ? "pg_read_server_files" :
						   "pg_write_server_files"),
				 errhint("Anyone can COPY to stdout or from stdin; psql's \\copy works for anyone, "
						 "too.")));
}

/*
 * The relation is the only entry of pstate; columns that are read in WHERE are marked there.  With
 * row-level security rows can be read only, by a query.
 */
void
commands_copy_check_rights(const CopyStmt *statement, Relation relation, ParseState *pstate,
						   ParseNamespaceItem *nsitem)
{
	CompatPermInfo *permissions = compat_nsitem_perminfo(nsitem);
	Bitmapset **columns = statement->is_from ? &permissions->insertedCols :
		&permissions->selectedCols;
	ListCell   *cell;

	permissions->requiredPerms = statement->is_from ? ACL_INSERT : ACL_SELECT;
	if (!bms_is_empty(permissions->selectedCols))
		permissions->requiredPerms |= ACL_SELECT;
	foreach(cell, CopyGetAttnums(RelationGetDescr(relation), relation, statement->attlist))
		*columns = bms_add_member(*columns,
								  lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	compat_exec_check_permissions(pstate->p_rtable, compat_pstate_perminfos(pstate), true);

	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED &&
		statement->is_from)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY FROM not supported with row-level security"),
				 errhint("Use INSERT statements instead.")));
}

/* ---- progress ---- */

/* what is shown of a COPY all the time */
static const int constants[COPY_PROGRESS_CONSTANTS] = {
	PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE, PROGRESS_COPY_BYTES_TOTAL
};

void
commands_progress_begin(CopyProgress *progress, Oid relid)
{
	progress->relid = relid;
	for (int i = 0; i < COPY_PROGRESS_CONSTANTS; i++)
		progress->constants[i] = MyBEEntry->st_progress_param[constants[i]];
}

/* Counts that the server keeps are to be shown after this. */
void
commands_progress_assert(const CopyProgress *progress)
{
	if (MyBEEntry->st_progress_command == PROGRESS_COMMAND_COPY &&
		MyBEEntry->st_progress_command_target == progress->relid)
		return;
	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, progress->relid);
	pgstat_progress_update_multi_param(COPY_PROGRESS_CONSTANTS, constants, progress->constants);
}

/* ---- COPY TO ---- */

/* generated columns are written by a query only */
static SelectStmt *
make_select(Relation relation, List *attnums)
{
	SelectStmt *select = makeNode(SelectStmt);
	RangeVar   *source = makeRangeVar(get_namespace_name(RelationGetNamespace(relation)),
									  pstrdup(RelationGetRelationName(relation)), -1);
	ListCell   *cell;

	/* COPY leaves out the rows of children */
	source->inh = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	select->fromClause = list_make1(source);
	foreach(cell, attnums)
	{
		ColumnRef  *column = makeNode(ColumnRef);
		ResTarget  *target = makeNode(ResTarget);
		char	   *name = get_attname(RelationGetRelid(relation), lfirst_int(cell), false);

		column->fields = list_make1(makeString(name));
		column->location = target->location = -1;
		target->val = (Node *) column;
		select->targetList = lappend(select->targetList, target);
	}
	return select;
}

/* of the table, since those of the query are other ones */
static void
check_force_quote(const CopyStmt *statement, Relation relation, ParseState *pstate,
				  const List *attnums)
{
	CopyFormatOptions options = {0};
	ListCell   *cell;

	ProcessCopyOptions(pstate, &options, false, statement->options);
	if (options.force_quote == NIL)
		return;
	foreach(cell, CopyGetAttnums(RelationGetDescr(relation), relation, options.force_quote))
	{
		if (!list_member_int(attnums, lfirst_int(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("FORCE_QUOTE column \"%s\" not referenced by COPY",
							get_attname(RelationGetRelid(relation), lfirst_int(cell), false))));
	}
}

static CopyToState
begin_output(Command *command, Relation relation, ParseState *pstate)
{
	CopyStmt   *statement = (CopyStmt *) command->statement;
	List	   *attnums = CopyGetAttnums(RelationGetDescr(relation), relation,
										 statement->attlist);
	RawStmt    *query = makeNode(RawStmt);

	check_force_quote(statement, relation, pstate, attnums);
	query->stmt = (Node *) make_select(relation, attnums);
	query->stmt_location = command->call->pstmt->stmt_location;
	query->stmt_len = command->call->pstmt->stmt_len;
	return compat_begin_copy_to(pstate, query, statement->filename, statement->is_program,
								statement->options);
}

static void
copy_to(Command *command, void *argument)
{
	CopyStmt   *statement = (CopyStmt *) command->statement;
	ParseState *pstate = make_parsestate(NULL);
	CopyProgress progress;
	Relation	relation;
	CopyToState output;
	uint64		rows;

	pstate->p_sourcetext = command->call->queryString;
	commands_copy_check_source(statement);
	relation = table_openrv(statement->relation, AccessShareLock);
	commands_copy_check_rights(statement, relation, pstate,
							   addRangeTableEntryForRelation(pstate, relation, AccessShareLock,
															 NULL, false, false));
	output = begin_output(command, relation, pstate);
	commands_progress_begin(&progress, RelationGetRelid(relation));
	commands_progress_assert(&progress);
	rows = DoCopyTo(output);
	EndCopyTo(output);
	table_close(relation, NoLock);
	free_parsestate(pstate);
	if (command->call->qc)
		SetQueryCompletion(command->call->qc, CMDTAG_COPY, rows);
}

/* ---- the statement ---- */

List *
commands_steps_copy(Command *command)
{
	CopyStmt   *statement = (CopyStmt *) command->statement;
	Oid			relid;

	if (statement->relation == NULL)
		return NIL;
	relid = RangeVarGetRelid(statement->relation, NoLock, true);
	if (statement->is_from)
		commands_refuse_shard(command, relid);
	if (!OidIsValid(relid))
		return NIL;
	if (!catalog_table_is_known(relid))
	{
		/* with no executor */
		if (!statement->is_from)
			executor_plain_table_read(relid);
		return NIL;
	}
	return list_make1(commands_step_call(statement->is_from ? commands_copy_from : copy_to, NULL));
}
