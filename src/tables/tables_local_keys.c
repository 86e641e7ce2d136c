/*
 * tables_local_keys.c
 *	  Foreign keys of tables of one node only to distributed tables.
 *
 * A plain table may reference a distributed one, so that tables can be distributed one by one.
 * The node of the plain table has the foreign key in its catalogs, where its shell stands for the
 * distributed table; the triggers of the shell act for it (catalog's actions.c).  The shells of all
 * nodes are told of the key, so that its node is asked when another one changes rows (watches,
 * catalog's watches.c).  They are told anew whenever the keys may be others; a watch of a key that
 * is gone does nothing.
 *
 * When the type of a referenced column changes, the server checks all rows of the plain table
 * against the shell, which has none, and before the shards have the new type.  So the foreign keys
 * are taken off before, and put back, which checks them, when the shards are done.  Keys of other
 * nodes' tables are the matter of tables_far_keys.c.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/comment.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "citus/base/compat_triggers.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* names at the end of a key's description */
#define KEY_NAMES_SCHEMA 0
#define KEY_NAMES_CONSTRAINT 1
#define KEY_NAMES_COLUMN 2		/* and those behind it */

bool
tables_key_is_one_sided(HeapTuple tuple)
{
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	const DistTable *referenced = catalog_table_get(constraint->confrelid);

	return referenced != NULL && referenced->kind != DIST_TABLE_REFERENCE &&
		referenced->kind != DIST_TABLE_LOCAL && !catalog_table_is_known(constraint->conrelid);
}

/* ---- watches ---- */

/*
 * The key as all nodes remember it, see catalog's watches.c; names of its schema, itself, and of
 * the columns, since their numbers may differ.
 */
static char *
describe_key(HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
	int			count;
	StringInfoData text;

	DeconstructFkConstraintRow(tuple, &count, own, referenced, NULL, NULL, NULL, NULL, NULL);
	initStringInfo(&text);
	appendStringInfo(&text, "%u %c %c %d %d ", form->oid, form->confdeltype, form->confupdtype,
					 form->condeferrable, form->condeferred);
	appendStringInfoString(&text, quote_identifier(get_namespace_name(form->connamespace)));
	appendStringInfo(&text, ",%s", quote_identifier(NameStr(form->conname)));
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, ",%s",
						 quote_identifier(get_attname(form->confrelid, referenced[i], false)));
	return text.data;
}

static void
collect_key(HeapTuple tuple, void *context)
{
	List	  **keys = context;

	if (tables_key_is_one_sided(tuple) &&
		compat_constraint_is_enforced((Form_pg_constraint) GETSTRUCT(tuple)))
		*keys = lappend(*keys, makeString(describe_key(tuple)));
}

List *
tables_key_descriptions(Oid relid)
{
	List	   *keys = NIL;

	tables_visit_foreign_keys(relid, false, collect_key, &keys);
	return keys;
}

/* what the shell here knows of a group's keys */
static List *
known_watches(Oid relid, GroupId groupId, List **triggerIds)
{
	Relation	relation = table_open(relid, AccessShareLock);
	List	   *keys = catalog_watch_keys(relation, groupId, triggerIds);

	table_close(relation, NoLock);
	return keys;
}

/* List of char *: the names that a key's description ends with: schema, constraint, columns */
static List *
names_of_key(const char *names)
{
	List	   *result;

	if (!SplitIdentifierString(pstrdup(names), ',', &result) ||
		list_length(result) <= KEY_NAMES_COLUMN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" does not name a foreign key and its columns", names)));
	return result;
}

/* oid of the relation, and numbers of the columns that the key names */
static char *
numbers_of_columns(Oid relid, const char *names)
{
	ListCell   *lc;
	StringInfoData numbers;

	initStringInfo(&numbers);
	appendStringInfo(&numbers, "%u", relid);
	for_each_from(lc, names_of_key(names), KEY_NAMES_COLUMN)
	{
		AttrNumber	attno = get_attnum(relid, lfirst(lc));

		if (attno == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							(char *) lfirst(lc), get_rel_name(relid))));
		appendStringInfo(&numbers, " %d", attno);
	}
	return numbers.data;
}

static void
add_watch(Oid relid, GroupId groupId, const char *key, bool onDelete)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);
	Oid			constraintId;
	char		deletes;
	char		updates;
	int			deferrable;
	int			deferred;
	int			namesAt = 0;
	ObjectAddress trigger;
	ObjectAddress function;

	if (sscanf(key, "%u %c %c %d %d %n", &constraintId, &deletes, &updates, &deferrable,
			   &deferred, &namesAt) != 5 || namesAt == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" does not describe a foreign key", key)));
	statement->trigname = psprintf("citus_watch_%d_%u_%c", groupId, constraintId,
								   onDelete ? 'd' : 'u');
	statement->args = list_make3(makeString(psprintf("%d", groupId)), makeString(pstrdup(key)),
								 makeString(numbers_of_columns(relid, key + namesAt)));
	statement->row = true;
	statement->timing = TRIGGER_TYPE_AFTER;
	statement->events = onDelete ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE;
	/* no other action waits */
	if ((onDelete ? deletes : updates) == FKCONSTR_ACTION_NOACTION)
	{
		statement->deferrable = deferrable;
		statement->initdeferred = deferred;
	}
	ObjectAddressSet(function, ProcedureRelationId, catalog_watch_function());
	trigger = CreateTrigger(statement, NULL, relid, InvalidOid, InvalidOid, InvalidOid,
							function.objectId, InvalidOid, NULL, true, false);
	/* it goes with the extension */
	deleteDependencyRecordsForSpecific(TriggerRelationId, trigger.objectId, DEPENDENCY_NORMAL,
									   ProcedureRelationId, function.objectId);
	recordDependencyOn(&trigger, &function, DEPENDENCY_AUTO);
}

static void
drop_watches(List *triggerIds)
{
	ObjectAddresses *objects = new_object_addresses();
	ListCell   *lc;

	foreach(lc, triggerIds)
	{
		ObjectAddress address;

		ObjectAddressSet(address, TriggerRelationId, lfirst_oid(lc));
		add_exact_object_address(&address, objects);
	}
	performMultipleDeletions(objects, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	free_object_addresses(objects);
}

void
tables_set_watches(Oid relid, GroupId groupId, List *keys)
{
	List	   *triggerIds = NIL;
	ListCell   *lc;

	LockRelationOid(relid, ShareRowExclusiveLock);
	(void) known_watches(relid, groupId, &triggerIds);
	drop_watches(triggerIds);
	foreach(lc, keys)
	{
		add_watch(relid, groupId, strVal(lfirst(lc)), true);
		add_watch(relid, groupId, strVal(lfirst(lc)), false);
	}
	CommandCounterIncrement();
}

void
tables_watch(Oid relid)
{
	GroupId		groupId = catalog_local_group();
	List	   *keys = NIL;
	List	   *known = known_watches(relid, groupId, NULL);

	if (catalog_table_is_known(relid))
		keys = tables_key_descriptions(relid);
	if (list_difference(keys, known) == NIL && list_difference(known, keys) == NIL)
		return;
	if (catalog_table_is_known(relid))
		cluster_run_on_others(list_make1(deparse_set_watches(relid, groupId, keys)));
	tables_set_watches(relid, groupId, keys);
}

void
tables_watch_referenced(Oid relid)
{
	ListCell   *lc;

	foreach(lc, tables_referenced(relid))
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table != NULL)
			tables_watch(table->relid);
	}
}

bool
tables_references_distributed(Oid relid)
{
	ListCell   *lc;

	foreach(lc, tables_referenced(relid))
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table != NULL && table->kind != DIST_TABLE_REFERENCE &&
			table->kind != DIST_TABLE_LOCAL)
			return true;
	}
	return false;
}

static Oid
relation_of_trigger(Oid triggerId)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(triggerId));
	scan = systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find tuple for trigger %u", triggerId);
	relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return relid;
}

/* relations with watches: those that the function's dependents are of */
static List *
watched_relations(void)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *relids = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(catalog_watch_function()));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == TriggerRelationId)
			relids = list_append_unique_oid(relids, relation_of_trigger(form->objid));
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return relids;
}

void
tables_watch_again(void)
{
	ListCell   *lc;

	foreach(lc, watched_relations())
		tables_watch(lfirst_oid(lc));
}

/* adds the relation's triggers for keys of the name */
static void
add_watches_of_name(WatchedName *found, Oid relid, const char *schema, const char *name)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		int			deferrable;
		int			namesAt = 0;
		List	   *names;
		Watch		watch;

		if (!catalog_trigger_is_watch(&triggers->triggers[i]))
			continue;
		catalog_watch_read(&triggers->triggers[i], &watch);
		if (sscanf(watch.key, "%*u %*c %*c %d %*d %n", &deferrable, &namesAt) != 1)
			continue;
		names = names_of_key(watch.key + namesAt);
		if (strcmp(list_nth(names, KEY_NAMES_SCHEMA), schema) != 0 ||
			strcmp(list_nth(names, KEY_NAMES_CONSTRAINT), name) != 0)
			continue;
		found->triggers = lappend_oid(found->triggers, triggers->triggers[i].tgoid);
		found->deferrable |= deferrable != 0;
	}
	table_close(relation, AccessShareLock);
}

WatchedName
tables_watches_of_name(const char *schema, const char *name)
{
	WatchedName found = {NIL, false};
	ListCell   *lc;

	foreach(lc, watched_relations())
		add_watches_of_name(&found, lfirst_oid(lc), schema, name);
	return found;
}

void
tables_unwatch(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;
	List	   *triggerIds = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (catalog_trigger_is_watch(&triggers->triggers[i]))
			triggerIds = lappend_oid(triggerIds, triggers->triggers[i].tgoid);
	}
	table_close(relation, NoLock);
	drop_watches(triggerIds);
}

/* the server sees foreign keys of its own node only */
void
tables_refuse_watched(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	ListCell   *lc;

	foreach(lc, catalog_watches(relation))
	{
		const ClusterNode *node;
		Watch		watch;

		catalog_watch_read(lfirst(lc), &watch);
		node = catalog_node_of_group(watch.groupId);
		if (node != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot drop table %s because other objects depend on it",
							get_rel_name(relid)),
					 errdetail("A foreign key of a local table of node %s:%d depends on table %s",
							   node->name, node->port, get_rel_name(relid)),
					 errhint("Use DROP ... CASCADE to drop the dependent objects too.")));
	}
	/* the statement's own lock, which comes later, must not be a second one */
	table_close(relation, AccessShareLock);
}

/* ---- columns that get another type ---- */

typedef struct Taking
{
	List	   *columns;		/* of char *: those of the referenced tables that change */
	List	   *keys;			/* of TakenKey * */
	ObjectAddresses *objects;
} Taking;

static bool
names_column(List *columns, const char *name)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

static bool
references_columns(HeapTuple tuple, List *columns)
{
	Oid			referenced = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	others[INDEX_MAX_KEYS];
	int			count;

	DeconstructFkConstraintRow(tuple, &count, own, others, NULL, NULL, NULL, NULL, NULL);
	for (int i = 0; i < count; i++)
	{
		if (names_column(columns, get_attname(referenced, others[i], false)))
			return true;
	}
	return false;
}

/* what is not validated is not checked now, either */
static void
take_key(HeapTuple tuple, void *context)
{
	Taking	   *taking = context;
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	ObjectAddress address;
	TakenKey   *key;

	if (!tables_key_is_one_sided(tuple) || !constraint->convalidated ||
		!references_columns(tuple, taking->columns))
		return;
	key = palloc(sizeof(TakenKey));
	key->relid = constraint->conrelid;
	key->name = pstrdup(NameStr(constraint->conname));
	key->text = deparse_constraint(constraint->oid);
	key->comment = GetComment(constraint->oid, ConstraintRelationId, 0);
	taking->keys = lappend(taking->keys, key);
	ObjectAddressSet(address, ConstraintRelationId, constraint->oid);
	add_exact_object_address(&address, taking->objects);
}

List *
tables_take_off_local_keys(Oid relid, List *columns)
{
	Taking		taking = {.columns = columns, .objects = new_object_addresses()};
	ListCell   *lc;

	foreach(lc, tables_family(relid))
		tables_visit_foreign_keys(lfirst_oid(lc), false, take_key, &taking);
	performMultipleDeletions(taking.objects, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	free_object_addresses(taking.objects);
	CommandCounterIncrement();
	return taking.keys;
}

/* not as a statement of ours: the server's check is to read the shards */
void
tables_add_constraint(const char *text)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
	ProcessUtility(wrapper, text, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL, None_Receiver,
				   NULL);
	CommandCounterIncrement();
}

void
tables_put_back_local_keys(List *keys)
{
	ClusterUser saved;
	ListCell   *lc;

	if (keys == NIL)
		return;
	/* who may alter the referenced table need not own the others */
	saved = cluster_become_owner();
	foreach(lc, keys)
	{
		const TakenKey *key = lfirst(lc);

		tables_add_constraint(key->text);
		if (key->comment != NULL)
			CreateComments(get_relation_constraint_oid(key->relid, key->name, false),
						   ConstraintRelationId, 0, key->comment);
		tables_watch_referenced(key->relid);
	}
	cluster_restore_user(saved);
}
