/*
 * tables_alter.c
 *	  alter_distributed_table(): another distribution column, number of shards or colocation.
 *
 * Everything that speaks against the change is said before a row is read.  Foreign keys that the
 * new layout cannot keep are dropped, with a warning: they belong to the layout that the user gives
 * up.  Unique constraints are data's own, and are an error.
 *
 * Main path: tables_alter() -> check_request(), choose_layout(), drop_refused_keys() ->
 * tables_relayout_run().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* ---- what is asked for ---- */

static bool
is_word(const char *colocateWith, const char *word)
{
	return colocateWith != NULL && pg_strcasecmp(colocateWith, word) == 0;
}

static bool
names_table(const char *colocateWith)
{
	return colocateWith != NULL && !is_word(colocateWith, "none") &&
		!is_word(colocateWith, "default");
}

/* the other tables of the group, without their partitions and children */
static List *
colocated_roots(const DistTable *table)
{
	List	   *roots = NIL;
	ListCell   *lc;

	foreach(lc, catalog_colocated_tables(table->colocationId))
	{
		Oid			root = tables_root(lfirst_oid(lc));

		if (root != table->relid)
			roots = list_append_unique_oid(roots, root);
	}
	return roots;
}

static void
check_table(Oid relid)
{
	const char *name = get_rel_name(relid);
	const DistTable *table = catalog_table_get(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	tables_require_owner(relid);
	if (table == NULL ||
		(table->kind != DIST_TABLE_HASH && table->kind != DIST_TABLE_SINGLE_SHARD))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot alter the distribution of table \"%s\"", name),
				 errdetail("It is not distributed by hash.")));
	if (tables_is_member(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot alter the distribution of partition or child \"%s\" on its own",
						name),
				 errhint("Alter table \"%s\" instead.", get_rel_name(tables_root(relid)))));
	if (catalog_schema_colocation(get_rel_namespace(relid)) != INVALID_COLOCATION_ID)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot alter the distribution of table \"%s\" because its schema is "
						"distributed", name)));
}

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_internal("%s", message),
			 hint ? errhint("%s", hint) : 0));
}

static void
check_request(const AlterSpec *spec, const DistTable *table)
{
	if (spec->keyColumn == NULL && !spec->hasShardCount && spec->colocateWith == NULL)
		refuse("no change of the distribution is given",
			   "Give distribution_column, shard_count or colocate_with.");
	if (spec->cascade && spec->keyColumn != NULL)
		refuse("cannot change the distribution column of colocated tables along with one table",
			   NULL);
	if (spec->cascade && is_word(spec->colocateWith, "none"))
		refuse("cannot take colocated tables along when colocate_with is none", NULL);
	if (spec->hasShardCount && table->kind == DIST_TABLE_SINGLE_SHARD && spec->keyColumn == NULL)
		refuse("cannot choose a shard count for a table without a distribution column",
			   "Give distribution_column, too.");
	if ((spec->hasShardCount || spec->colocateWith != NULL) && !spec->hasCascade &&
		spec->keyColumn == NULL && !is_word(spec->colocateWith, "none") &&
		colocated_roots(table) != NIL)
		refuse("cascade_to_colocated must be given because other tables are colocated with the "
			   "table",
			   "With true they are changed, too; with false they are left behind.");
}

/* ---- the new layout ---- */

/* the number of shards has to be that of the table to colocate with */
static void
check_shard_count_of_model(const AlterSpec *spec)
{
	List	   *names;
	const DistTable *model;

	if (!spec->hasShardCount || !names_table(spec->colocateWith))
		return;
	names = textToQualifiedNameList(cstring_to_text(spec->colocateWith));
	model = catalog_table_get(RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock,
											   false));
	if (model != NULL && model->nshards != spec->shardCount)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot colocate with table \"%s\"", get_rel_name(model->relid)),
				 errdetail("It has %d shards.", model->nshards)));
}

static int
wanted_shard_count(const AlterSpec *spec, const DistTable *table)
{
	if (names_table(spec->colocateWith))
		return 0;
	if (spec->hasShardCount)
		return spec->shardCount != 0 ? spec->shardCount : -1;	/* given, and not valid */
	return table->kind == DIST_TABLE_HASH ? table->nshards : 0;
}

static ShardLayout *
choose_layout(const AlterSpec *spec, const DistTable *table)
{
	const ColocationGroup *group = catalog_colocation_get(table->colocationId);
	TableSpec	wanted = {
		.relid = spec->relid,
		.kind = spec->keyColumn != NULL ? DIST_TABLE_HASH : table->kind,
		.colocateWith = spec->colocateWith,
		.replicationFactor = group->replicationFactor,
	};
	AttrNumber	keyAttno = table->keyAttno;
	ShardLayout *layout;

	if (spec->keyColumn != NULL)
	{
		Relation	rel = relation_open(spec->relid, NoLock);

		keyAttno = tables_check_key(rel, spec->keyColumn);
		relation_close(rel, NoLock);
	}
	check_shard_count_of_model(spec);
	wanted.shardCount = wanted.kind == DIST_TABLE_HASH ? wanted_shard_count(spec, table) : 0;
	layout = tables_layout_choose(&wanted, keyAttno);
	if (!layout->newGroup && layout->colocationId == table->colocationId &&
		keyAttno == table->keyAttno)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" is distributed like that already",
						get_rel_name(spec->relid))));
	return layout;
}

/* the same for a table that comes along */
static ShardLayout *
layout_beside(const ShardLayout *first, Oid relid)
{
	ShardLayout *layout = palloc(sizeof(ShardLayout));

	*layout = *first;
	layout->keyAttno = catalog_table_get(relid)->keyAttno;
	layout->newGroup = false;
	return layout;
}

/* ---- foreign keys ---- */

static void
drop_key(Oid constraintId)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraintId));
	Form_pg_constraint form;
	char	   *sql;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("foreign key \"%s\" of table \"%s\" is dropped", NameStr(form->conname),
					get_rel_name(form->conrelid)),
			 errdetail("It cannot be kept with the new distribution.")));
	sql = psprintf("ALTER TABLE %s DROP CONSTRAINT %s", catalog_qualified_name(form->conrelid),
				   quote_identifier(NameStr(form->conname)));
	ReleaseSysCache(tuple);

	SPI_connect();
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not drop a foreign key");
	SPI_finish();
	CommandCounterIncrement();
}

static void
drop_refused_keys(const Relayout *relayout)
{
	const ShardLayout *layout = relayout->layout;
	List	   *refused = NIL;
	ListCell   *lc;

	foreach(lc, relayout->family)
		refused = list_concat_unique_oid(refused, tables_refused_foreign_keys(
			lfirst_oid(lc), tables_relayout_key(relayout, lfirst_oid(lc)),
			layout->partMethod == 'h' ? DIST_TABLE_HASH : DIST_TABLE_SINGLE_SHARD,
			layout->newGroup ? INVALID_COLOCATION_ID : layout->colocationId));
	foreach(lc, refused)
		drop_key(lfirst_oid(lc));
}

/* ---- the whole ---- */

static void
lock_all(List *relids)
{
	List	   *all = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		all = list_concat_unique_oid(all, tables_family(lfirst_oid(lc)));
	list_sort(all, list_oid_cmp);
	tables_lock_everywhere(all, "alter");
}

void
tables_alter(const AlterSpec *spec)
{
	const DistTable *table;
	List	   *relids;
	List	   *relayouts = NIL;
	Relayout   *first;
	ListCell   *lc;

	cluster_require_coordinator();
	check_table(spec->relid);
	cluster_lock_node_list(false);
	LockRelationOid(spec->relid, AccessExclusiveLock);
	table = catalog_table_get(spec->relid);
	if (table == NULL)
		check_table(spec->relid);
	check_request(spec, table);

	relids = spec->cascade ? lcons_oid(spec->relid, colocated_roots(table)) :
		list_make1_oid(spec->relid);
	foreach(lc, relids)
		check_table(lfirst_oid(lc));
	lock_all(relids);

	first = tables_relayout_make(spec->relid);
	first->layout = choose_layout(spec, table);
	if (!spec->cascade)
	{
		drop_refused_keys(first);
		tables_relayout_check(first);
	}
	foreach(lc, relids)
	{
		Relayout   *relayout = first;

		if (lc != list_head(relids))
		{
			relayout = tables_relayout_make(lfirst_oid(lc));
			relayout->layout = layout_beside(first->layout, lfirst_oid(lc));
		}
		ereport(NOTICE,
				(errmsg("redistributing the rows of table \"%s\"", get_rel_name(lfirst_oid(lc)))));
		relayouts = lappend(relayouts, relayout);
	}
	tables_relayout_run(relayouts, false);
}
