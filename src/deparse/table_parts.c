/*
 * table_parts.c
 *	  What is added to a table after it is made: indexes, constraints, statistics, rights, triggers,
 *	  comments.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"


/* ---- indexes ---- */

/* statistics targets of the expression columns of an index */
static List *
index_statistics(List *texts, Relation index)
{
	char	   *name = catalog_qualified_name(RelationGetRelid(index));

	for (int i = 1; i <= RelationGetNumberOfAttributes(index); i++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(RelationGetRelid(index)),
											Int16GetDatum(i));
		bool		isNull;
		Datum		value;
		int			target;

		if (!HeapTupleIsValid(tuple))
			continue;
		value = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isNull);
		target = compat_statistics_target(value, isNull);
		if (target >= 0)
			texts = deparse_append(texts, "ALTER INDEX %s ALTER COLUMN %d SET STATISTICS %d",
								   name, i, target);
		ReleaseSysCache(tuple);
	}
	return texts;
}

/* Those of a partition that belong to its parent's are made too, and found by ATTACH PARTITION. */
List *
deparse_table_indexes(List *texts, Relation relation)
{
	char	   *table = catalog_qualified_name(RelationGetRelid(relation));
	List	   *indexIds = RelationGetIndexList(relation);
	ListCell   *cell;

	foreach(cell, indexIds)
	{
		Oid			indexId = lfirst_oid(cell);
		Relation	index = relation_open(indexId, AccessShareLock);
		Oid			constraintId = get_index_constraint(indexId);
		bool		wanted = index->rd_index->indisvalid ||
			index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX;

		if (wanted)
		{
			if (OidIsValid(constraintId))
				texts = lappend(texts, pg_get_constraintdef_command(constraintId));
			else
				texts = lappend(texts, pg_get_indexdef_string(indexId));
			texts = index_statistics(texts, index);
		}
		if (wanted && index->rd_index->indisclustered)
			texts = deparse_append(texts, "ALTER TABLE %s CLUSTER ON %s", table,
								   quote_identifier(RelationGetRelationName(index)));
		relation_close(index, AccessShareLock);
	}
	list_free(indexIds);
	return texts;
}

List *
deparse_table_replica_identity(List *texts, Relation relation)
{
	char	   *table = catalog_qualified_name(RelationGetRelid(relation));

	if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return texts;
	switch (relation->rd_rel->relreplident)
	{
		case REPLICA_IDENTITY_NOTHING:
			return deparse_append(texts, "ALTER TABLE %s REPLICA IDENTITY NOTHING", table);
		case REPLICA_IDENTITY_FULL:
			return deparse_append(texts, "ALTER TABLE %s REPLICA IDENTITY FULL", table);
		case REPLICA_IDENTITY_INDEX:
			if (OidIsValid(RelationGetReplicaIndex(relation)))
				return deparse_append(texts, "ALTER TABLE %s REPLICA IDENTITY USING INDEX %s",
									  table,
									  quote_identifier(get_rel_name(relation->rd_replidindex)));
			return texts;
		default:
			return texts;
	}
}


/* ---- constraints ---- */

typedef struct NamedText
{
	NameData	name;
	char	   *text;
} NamedText;

static int
compare_named(const ListCell *a, const ListCell *b)
{
	return strcmp(NameStr(((NamedText *) lfirst(a))->name),
				  NameStr(((NamedText *) lfirst(b))->name));
}

/* in the order of names, so that the text does not depend on history */
static List *
append_sorted(List *texts, List *named)
{
	ListCell   *cell;

	list_sort(named, compare_named);
	foreach(cell, named)
		texts = lappend(texts, ((NamedText *) lfirst(cell))->text);
	return texts;
}

/* which part a constraint belongs to; 0 for those that are made elsewhere */
static int
part_of(Form_pg_constraint form)
{
	if (OidIsValid(form->conparentid))
		return 0;
	switch (form->contype)
	{
		case CONSTRAINT_FOREIGN:
			return TABLE_DDL_FOREIGN_KEYS;
		case DEPARSE_CONSTRAINT_NOTNULL:
			/* the others stand in CREATE TABLE */
			return form->convalidated ? 0 : TABLE_DDL_UNVALIDATED;
		case CONSTRAINT_CHECK:
			return form->convalidated ? TABLE_DDL_CHECKS : TABLE_DDL_UNVALIDATED;
		default:
			return 0;
	}
}

static List *
constraints_of_parts(List *texts, Relation relation, int parts)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	List	   *named = NIL;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		NamedText  *item;

		if ((part_of(form) & parts) == 0)
			continue;
		item = palloc(sizeof(NamedText));
		item->name = form->conname;
		item->text = pg_get_constraintdef_command(form->oid);
		named = lappend(named, item);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return append_sorted(texts, named);
}

/*
 * Validated ones with TABLE_DDL_CHECKS, others with TABLE_DDL_UNVALIDATED: after rows have come,
 * and before ATTACH PARTITION, which wants to find what a partition shares with its parent.
 */
List *
deparse_table_checks(List *texts, Relation relation, int parts)
{
	return constraints_of_parts(texts, relation,
								parts & (TABLE_DDL_CHECKS | TABLE_DDL_UNVALIDATED));
}

List *
deparse_table_foreign_keys(List *texts, Relation relation)
{
	return constraints_of_parts(texts, relation, TABLE_DDL_FOREIGN_KEYS);
}

char *
deparse_constraint(Oid constraintId)
{
	int			level = deparse_settings_begin();
	char	   *text = pg_get_constraintdef_command(constraintId);

	deparse_settings_end(level);
	return text;
}


/* ---- statistics ---- */

static List *
extended_statistics(List *texts, Oid statisticsId)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statisticsId));
	Form_pg_statistic_ext form;
	bool		isNull;
	Datum		value;
	int			target;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for statistics object %u", statisticsId);
	form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
	texts = lappend(texts, pg_get_statisticsobjdef_string(statisticsId));
	value = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxstattarget, &isNull);
	target = compat_statistics_target(value, isNull);
	if (target >= 0)
		texts = deparse_append(texts, "ALTER STATISTICS %s SET STATISTICS %d",
							   deparse_name_in_schema(form->stxnamespace,
													  NameStr(form->stxname)), target);
	texts = deparse_comment(texts, "STATISTICS",
							deparse_name_in_schema(form->stxnamespace, NameStr(form->stxname)),
							StatisticExtRelationId, statisticsId, 0);
	ReleaseSysCache(tuple);
	return texts;
}

List *
deparse_table_statistics(List *texts, Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	char	   *table = catalog_qualified_name(RelationGetRelid(relation));
	ListCell   *cell;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		HeapTuple	tuple;
		bool		isNull;
		Datum		value;
		int			target;

		if (attr->attisdropped)
			continue;
		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(attr->attrelid),
								Int16GetDatum(attr->attnum));
		value = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isNull);
		target = compat_statistics_target(value, isNull);
		if (target >= 0)
			texts = deparse_append(texts, "ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %d",
								   table, quote_identifier(NameStr(attr->attname)), target);
		ReleaseSysCache(tuple);
	}
	foreach(cell, RelationGetStatExtList(relation))
		texts = extended_statistics(texts, lfirst_oid(cell));
	return texts;
}


/* ---- rights ---- */

List *
deparse_table_security(List *texts, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	TupleDesc	desc = RelationGetDescr(relation);
	char	   *table = catalog_qualified_name(relid);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	texts = deparse_grants(texts, "TABLE", table,
						   deparse_acl_of(RELOID, tuple, Anum_pg_class_relacl),
						   relation->rd_rel->relowner);
	ReleaseSysCache(tuple);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped)
			continue;
		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attr->attnum));
		texts = deparse_column_grants(texts, relid, NameStr(attr->attname),
									  deparse_acl_of(ATTNUM, tuple, Anum_pg_attribute_attacl));
		ReleaseSysCache(tuple);
	}
	if (relation->rd_rel->relrowsecurity)
		texts = deparse_append(texts, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY", table);
	if (relation->rd_rel->relforcerowsecurity)
		texts = deparse_append(texts, "ALTER TABLE %s FORCE ROW LEVEL SECURITY", table);
	return texts;
}


/* ---- triggers ---- */

static const char *
trigger_state(char enabled)
{
	switch (enabled)
	{
		case TRIGGER_DISABLED:
			return "DISABLE";
		case TRIGGER_FIRES_ALWAYS:
			return "ENABLE ALWAYS";
		case TRIGGER_FIRES_ON_REPLICA:
			return "ENABLE REPLICA";
		default:
			return NULL;
	}
}

/* a view may be made again where it is already, with its triggers */
static char *
replaceable(Relation relation, char *trigger)
{
	if (relation->rd_rel->relkind != RELKIND_VIEW)
		return trigger;
	return psprintf("CREATE OR REPLACE%s", trigger + strlen("CREATE"));
}

char *
deparse_set_watches(Oid relid, GroupId groupId, List *keys)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfo(&text, BASE_NODE_SELECT "citus_internal.set_watches(%s, %d, ARRAY[",
					 quote_literal_cstr(catalog_qualified_name(relid)), groupId);
	foreach(lc, keys)
		appendStringInfo(&text, "%s%s", foreach_current_index(lc) == 0 ? "" : ", ",
						 quote_literal_cstr(strVal(lfirst(lc))));
	appendStringInfoString(&text, "]::pg_catalog.text[])");
	return text.data;
}

/* the shell of another node is to ask those nodes, too */
static List *
watches(List *texts, Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	List	   *groups = NIL;
	ListCell   *lc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Watch		watch;

		if (!catalog_trigger_is_watch(&triggers->triggers[i]))
			continue;
		catalog_watch_read(&triggers->triggers[i], &watch);
		groups = list_append_unique_int(groups, watch.groupId);
	}
	foreach(lc, groups)
		texts = lappend(texts,
						deparse_set_watches(RelationGetRelid(relation), lfirst_int(lc),
											catalog_watch_keys(relation, lfirst_int(lc), NULL)));
	return texts;
}

/* users' triggers; those that a partition has from its parent come with ATTACH PARTITION */
List *
deparse_table_triggers(List *texts, Relation relation)
{
	char	   *table = catalog_qualified_name(RelationGetRelid(relation));
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		const char *state = trigger_state(form->tgenabled);
		Datum		definition;

		if (form->tgisinternal || OidIsValid(form->tgparentid))
			continue;
		definition = DirectFunctionCall1(pg_get_triggerdef, ObjectIdGetDatum(form->oid));
		texts = lappend(texts, replaceable(relation, TextDatumGetCString(definition)));
		if (state != NULL)
			texts = deparse_append(texts, "ALTER TABLE %s %s TRIGGER %s", table, state,
								   quote_identifier(NameStr(form->tgname)));
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return watches(texts, relation);
}


/* ---- comments ---- */

/* foreign keys come after the comments */
static List *
constraint_comments(List *texts, Relation relation)
{
	char	   *table = catalog_qualified_name(RelationGetRelid(relation));
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->contype == CONSTRAINT_FOREIGN || form->contype == CONSTRAINT_TRIGGER)
			continue;
		texts = deparse_comment(texts, "CONSTRAINT",
								psprintf("%s ON %s", quote_identifier(NameStr(form->conname)),
										 table),
								ConstraintRelationId, form->oid, 0);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return texts;
}

List *
deparse_table_comments(List *texts, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	TupleDesc	desc = RelationGetDescr(relation);
	char	   *table = catalog_qualified_name(relid);
	List	   *indexIds = RelationGetIndexList(relation);
	ListCell   *cell;

	texts = deparse_comment(texts, relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE ?
							"FOREIGN TABLE" : "TABLE", table, RelationRelationId, relid, 0);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped)
			texts = deparse_comment(texts, "COLUMN",
									psprintf("%s.%s", table,
											 quote_identifier(NameStr(attr->attname))),
									RelationRelationId, relid, attr->attnum);
	}
	foreach(cell, indexIds)
		texts = deparse_comment(texts, "INDEX", catalog_qualified_name(lfirst_oid(cell)),
								RelationRelationId, lfirst_oid(cell), 0);
	return constraint_comments(texts, relation);
}
