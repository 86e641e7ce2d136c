/*
 * shell_size.c
 *	  What the catalog says of a shell's size, kept over statements that read the shell.
 *
 * ANALYZE and VACUUM write the size of all shards into the shell's pg_class row (vacuum.c).  The
 * server writes there, too, whenever it builds an index on the shell or copies it, and finds it
 * empty: here and on every other node that repeats the statement.  So what such a statement may
 * read is looked up before it, and written back after it.
 *
 * Not here: TRUNCATE, after which nothing is the truth.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "commands_internal.h"

typedef struct ShellSize
{
	Oid			relid;
	double		pages;
	double		rows;
} ShellSize;

static void
remember_size(List **sizes, Oid relid)
{
	HeapTuple	tuple;
	Form_pg_class form;
	ShellSize  *size;

	if (!catalog_table_is_known(relid))
		return;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->reltuples > 0)
	{
		size = palloc(sizeof(ShellSize));
		size->relid = relid;
		size->pages = form->relpages;
		size->rows = form->reltuples;
		*sizes = lappend(*sizes, size);
	}
	ReleaseSysCache(tuple);
}

/* the table, or the table of the index, that the statement may read; InvalidOid if none */
static Oid
table_of(Node *statement)
{
	RangeVar   *name = NULL;
	Oid			relid;

	if (IsA(statement, IndexStmt))
		name = ((IndexStmt *) statement)->relation;
	else if (IsA(statement, ReindexStmt))
		name = ((ReindexStmt *) statement)->relation;
	else if (IsA(statement, ClusterStmt))
		name = ((ClusterStmt *) statement)->relation;
	else if (IsA(statement, AlterTableStmt))
		name = ((AlterTableStmt *) statement)->relation;
	if (name == NULL)
		return InvalidOid;
	relid = RangeVarGetRelid(name, NoLock, true);
	switch (OidIsValid(relid) ? get_rel_relkind(relid) : '\0')
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return IndexGetRelation(relid, true);
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return relid;
		default:
			return InvalidOid;
	}
}

/*
 * The sizes of the shells that the statement may read, List of ShellSize * in the current context.
 * Takes no lock: what is wrong by the time the statement has run is only an estimate.
 */
List *
commands_shell_sizes(Node *statement)
{
	Oid			relid = table_of(statement);
	List	   *sizes = NIL;
	ListCell   *cell;

	if (!OidIsValid(relid))
		return NIL;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		remember_size(&sizes, lfirst_oid(cell));
	return sizes;
}

/* writes those back that are lost */
void
commands_shell_sizes_restore(List *sizes)
{
	ListCell   *cell;

	if (sizes == NIL)
		return;
	CommandCounterIncrement();
	foreach(cell, sizes)
	{
		ShellSize  *size = lfirst(cell);
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(size->relid));
		bool		isLost;

		if (!HeapTupleIsValid(tuple))
			continue;
		isLost = ((Form_pg_class) GETSTRUCT(tuple))->reltuples <= 0;
		ReleaseSysCache(tuple);
		if (isLost)
			commands_set_shell_size(size->relid, size->pages, size->rows, false);
	}
}
