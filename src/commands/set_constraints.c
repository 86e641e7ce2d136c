/*
 * set_constraints.c
 *	  SET CONSTRAINTS: on shells, on shards, and for constraint triggers that fire here.
 *
 * The server does it for the shells first, which finds names and checks that they may be deferred.
 * Shards have constraints under names of their own; those of other nodes hear of it when the
 * transaction gets there (txn_constraints.c), or at once if something is to be checked now.  A
 * foreign key that only another node knows has triggers here (watches) and no name that the server
 * would find.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "citus/executor/executor.h"
#include "citus/tables/tables.h"
#include "citus/txn/txn.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_set_constraints);

/* what the statement names */
typedef struct NamedConstraints
{
	List	   *triggers;		/* OIDs of constraint triggers that fire here */
	List	   *relids;			/* known tables, and beside it, their constraints' names */
	List	   *names;			/* of char * */
} NamedConstraints;

/* ---- constraints by name ---- */

/* a constraint trigger's own, and those of its copies on partitions */
static void
add_triggers(NamedConstraints *named, Oid constraintId)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgconstraint, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(constraintId));
	scan = systable_beginscan(catalog, TriggerConstraintIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		named->triggers = lappend_oid(named->triggers, ((Form_pg_trigger) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

static void
add_children(NamedConstraints *named, Relation catalog, Oid parent)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conparentid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(parent));
	scan = systable_beginscan(catalog, ConstraintParentIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			child = ((Form_pg_constraint) GETSTRUCT(tuple))->oid;

		add_triggers(named, child);
		add_children(named, catalog, child);
	}
	systable_endscan(scan);
}

static void
add_constraint(NamedConstraints *named, Relation catalog, Form_pg_constraint form)
{
	bool		known = catalog_table_is_known(form->conrelid);
	bool		references = form->contype == CONSTRAINT_FOREIGN &&
		catalog_table_is_known(form->confrelid);

	if (!form->condeferrable || !OidIsValid(form->conrelid) || (!known && !references))
		return;
	/* a foreign key's fire here, or not at all, for rows that it refers to */
	if (form->contype == CONSTRAINT_TRIGGER || references)
	{
		add_triggers(named, form->oid);
		add_children(named, catalog, form->oid);
	}
	if (form->contype == CONSTRAINT_TRIGGER || !known)
		return;
	named->relids = lappend_oid(named->relids, form->conrelid);
	named->names = lappend(named->names, pstrdup(NameStr(form->conname)));
}

/* constraints of a schema; true when there are any */
static bool
add_of_schema(NamedConstraints *named, Relation catalog, Oid schemaId, const char *name)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schemaId));
	scan = systable_beginscan(catalog, ConstraintNameNspIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		found = true;
		add_constraint(named, catalog, (Form_pg_constraint) GETSTRUCT(tuple));
	}
	systable_endscan(scan);
	return found;
}

/* foreign keys of other nodes' tables; true when there are any */
static bool
add_watches(NamedConstraints *named, Oid schemaId, const char *name)
{
	WatchedName watched = tables_watches_of_name(get_namespace_name(schemaId), name);

	if (watched.triggers != NIL && !watched.deferrable)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("constraint \"%s\" is not deferrable", name)));
	named->triggers = list_concat(named->triggers, watched.triggers);
	return watched.triggers != NIL;
}

/*
 * All constraints of a name in the first schema that has one, as the server does it; false when
 * the server would not find it.
 */
static bool
add_named(NamedConstraints *named, const RangeVar *constraint)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	List	   *schemas = constraint->schemaname == NULL ? fetch_search_path(true) :
		list_make1_oid(LookupExplicitNamespace(constraint->schemaname, false));
	bool		found = false;
	bool		watched = false;
	ListCell   *cell;

	foreach(cell, schemas)
	{
		found = add_of_schema(named, catalog, lfirst_oid(cell), constraint->relname);
		watched = add_watches(named, lfirst_oid(cell), constraint->relname);
		if (found || watched)
			break;
	}
	table_close(catalog, AccessShareLock);
	return found || !watched;
}

/* ---- shards ---- */

/* the constraint's names on the shards that are on this node */
static List *
names_on_shards(List *names, const DistTable *table, const char *name)
{
	GroupId		localGroup = catalog_local_group();
	char	   *schemaName = get_namespace_name(get_rel_namespace(table->relid));

	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];
		char	   *shardName = catalog_extend_name(name, shard->id);

		for (int j = 0; j < shard->nplacements; j++)
		{
			Oid			relid;

			if (shard->placements[j].groupId != localGroup)
				continue;
			relid = get_relname_relid(catalog_shard_relname(shard),
									  get_rel_namespace(table->relid));
			if (OidIsValid(relid) &&
				OidIsValid(get_relation_constraint_oid(relid, shardName, true)))
				names = lappend(names, makeRangeVar(schemaName, shardName, -1));
		}
	}
	return names;
}

static void
set_on_shards_here(List *relids, List *names, bool deferred)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);
	ListCell   *relid;
	ListCell   *name;

	statement->deferred = deferred;
	forboth(relid, relids, name, names)
	{
		const DistTable *table = catalog_table_get(lfirst_oid(relid));

		if (table != NULL)
			statement->constraints = names_on_shards(statement->constraints, table,
													 lfirst(name));
	}
	if (statement->constraints != NIL)
		AfterTriggerSetState(statement);
}

/*
 * citus_internal.set_constraints(regclass[], name[], boolean): what another node asks this one to
 * do.
 */
Datum
citus_internal_set_constraints(PG_FUNCTION_ARGS)
{
	Datum	   *relids;
	Datum	   *names;
	int			nrelids;
	int			nnames;
	List	   *relidList = NIL;
	List	   *nameList = NIL;

	base_require_node_command(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &relids, NULL, &nrelids);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &names, NULL, &nnames);
	for (int i = 0; i < Min(nrelids, nnames); i++)
	{
		relidList = lappend_oid(relidList, DatumGetObjectId(relids[i]));
		nameList = lappend(nameList, NameStr(*DatumGetName(names[i])));
	}
	set_on_shards_here(relidList, nameList, PG_GETARG_BOOL(2));
	PG_RETURN_VOID();
}

/* ---- the statement ---- */

static char *
remote_text(const NamedConstraints *named, bool deferred)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfoString(&text, BASE_NODE_SELECT "citus_internal.set_constraints(ARRAY[");
	foreach(cell, named->relids)
		appendStringInfo(&text, "%s%s", foreach_current_index(cell) == 0 ? "" : ", ",
						 quote_literal_cstr(catalog_qualified_name(lfirst_oid(cell))));
	appendStringInfoString(&text, "]::pg_catalog.regclass[], ARRAY[");
	foreach(cell, named->names)
		appendStringInfo(&text, "%s%s", foreach_current_index(cell) == 0 ? "" : ", ",
						 quote_literal_cstr(lfirst(cell)));
	appendStringInfo(&text, "]::pg_catalog.name[], %s)", deferred ? "true" : "false");
	return text.data;
}

static void
check_elsewhere(void *nodes)
{
	cluster_run(nodes, list_make1("SELECT 1"));
}

/* the server's part: without what it would not find */
static void
set_found(Command *command, void *argument)
{
	ConstraintsSetStmt *statement = copyObject((ConstraintsSetStmt *) command->statement);

	statement->constraints = argument;
	WarnNoTransactionBlock(command->call->context == PROCESS_UTILITY_TOPLEVEL, "SET CONSTRAINTS");
	if (statement->constraints != NIL)
		AfterTriggerSetState(statement);
}

static void
set_elsewhere(Command *command, void *argument)
{
	ConstraintsSetStmt *statement = (ConstraintsSetStmt *) command->statement;
	NamedConstraints named = {NIL, NIL, NIL};
	bool		all = statement->constraints == NIL;
	ListCell   *cell;

	foreach(cell, statement->constraints)
		add_named(&named, lfirst(cell));
	if (named.relids != NIL)
	{
		set_on_shards_here(named.relids, named.names, statement->deferred);
		txn_constraints_add(remote_text(&named, statement->deferred));
	}
	if (all)
		txn_constraints_add(psprintf("SET CONSTRAINTS ALL %s",
									 statement->deferred ? "DEFERRED" : "IMMEDIATE"));
	/* what is wrong is to be said now */
	if ((all || named.relids != NIL) && !statement->deferred && txn_constraints_nodes() != NIL)
		executor_check_for_caller(check_elsewhere, txn_constraints_nodes());
	executor_constraints_set(named.triggers, all, statement->deferred);
}

List *
commands_steps_set_constraints(Command *command)
{
	ConstraintsSetStmt *statement = (ConstraintsSetStmt *) command->statement;
	NamedConstraints named = {NIL, NIL, NIL};
	List	   *found = NIL;
	CommandStep *step;
	ListCell   *cell;

	if (command->internal)
		return NIL;
	foreach(cell, statement->constraints)
	{
		if (add_named(&named, lfirst(cell)))
			found = lappend(found, lfirst(cell));
	}
	/* without a snapshot, for SET TRANSACTION may follow */
	step = list_length(found) == list_length(statement->constraints) ? commands_step_local() :
		commands_step_alone(set_found, found);
	return list_make2(step, commands_step_alone(set_elsewhere, NULL));
}
