/*
 * copy.c
 *	  COPY that names a known table.
 *
 * COPY FROM is done by copy_from.c in place of the server.  COPY TO becomes COPY (SELECT ...) TO,
 * which the server runs and our planner answers.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "commands_internal.h"

static ResTarget *
column_target(const char *name)
{
	ColumnRef  *column = makeNode(ColumnRef);
	ResTarget  *target = makeNode(ResTarget);

	column->fields = list_make1(makeString(pstrdup(name)));
	column->location = -1;
	target->val = (Node *) column;
	target->location = -1;
	return target;
}

/* all columns that COPY TO writes when none are named: generated ones are left out */
static List *
all_columns(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *targets = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && attribute->attgenerated == '\0')
			targets = lappend(targets, column_target(NameStr(attribute->attname)));
	}
	table_close(relation, NoLock);
	return targets;
}

static List *
named_columns(Oid relid, List *names)
{
	List	   *targets = NIL;
	ListCell   *cell;

	foreach(cell, names)
	{
		const char *name = strVal(lfirst(cell));
		AttrNumber	attno = get_attnum(relid, name);

		if (attno == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
							get_rel_name(relid))));
		if (get_attgenerated(relid, attno) != '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("column \"%s\" is a generated column", name),
					 errdetail("Generated columns cannot be used in COPY.")));
		targets = lappend(targets, column_target(name));
	}
	return targets;
}

static void
rewrite_copy_to(CopyStmt *statement, Oid relid)
{
	SelectStmt *select = makeNode(SelectStmt);
	RangeVar   *relation;

	select->targetList = statement->attlist ? named_columns(relid, statement->attlist)
		: all_columns(relid);
	relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	/* COPY leaves out the rows of children */
	relation->inh = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	select->fromClause = list_make1(relation);
	statement->query = (Node *) select;
	statement->relation = NULL;
	statement->attlist = NIL;
}

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
	if (!OidIsValid(relid) || !catalog_table_is_known(relid))
		return NIL;
	if (statement->is_from)
		return list_make1(commands_step_call(commands_copy_from, NULL));
	rewrite_copy_to(statement, relid);
	return list_make1(commands_step_local());
}
