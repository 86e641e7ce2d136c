/*
 * tables_relayout.c
 *	  Known table -> the same table with another distribution column, other shards, another group.
 *
 * The shells stay as they are, on all nodes, and with them whatever depends on the table.  Its rows
 * are read and kept by this node (a tuplestore), its shards go, new ones are made as for a table
 * that becomes distributed, and the rows are put into those.  New shards have the ids of former
 * ones on their nodes, as far as there are any: see match_former() in tables_layout.c.  Foreign
 * keys between shards go with the old shards, and come back at the end.
 *
 * Invariants: (1) all nodes' shells of the tables, and of those that foreign keys link to them, are
 * locked before the first row is read; (2) everything is part of the distributed transaction, so
 * that it ends with the old shards or with the new ones; (3) a family is laid out as a whole.
 *
 * Main path: tables_drop_key(), tables_rehash() -> tables_relayout_run() -> tables_lay_out_again().
 *
 * Not here: ALTER TABLE, which changes columns (commands/key_change.c); alter_distributed_table()
 * (tables_alter.c); moving single shards.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "commands/tablecmds.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* LinkedKey: a foreign key of a table whose shards lose it on the way */
typedef struct LinkedKey
{
	Oid			relid;			/* the referencing table */
	Oid			other;			/* the one at the other end, as seen from what is laid out */
	char	   *text;			/* the statement that makes it */
} LinkedKey;

/* ---- foreign keys ---- */

static bool
is_moved(List *relayouts, Oid relid)
{
	ListCell   *lc;

	foreach(lc, relayouts)
	{
		if (list_member_oid(((Relayout *) lfirst(lc))->family, relid))
			return true;
	}
	return false;
}

static bool
is_spread(Oid relid)
{
	const DistTable *table = catalog_table_get(relid);

	return table != NULL && table->kind != DIST_TABLE_REFERENCE &&
		table->kind != DIST_TABLE_LOCAL;
}

/*
 * Foreign keys between known tables of which at least one is laid out anew.  Where the
 * distribution column is about to be dropped, those between distributed tables go with it.
 */
static List *
collect_keys(List *relayouts, bool keyLeaves)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(constraints, InvalidOid, false, NULL, 0, NULL);
	List	   *keys = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool		movesFrom;
		bool		movesTo;
		LinkedKey  *key;

		if (form->contype != CONSTRAINT_FOREIGN || OidIsValid(form->conparentid) ||
			!catalog_table_is_known(form->conrelid) || !catalog_table_is_known(form->confrelid))
			continue;
		movesFrom = is_moved(relayouts, form->conrelid);
		movesTo = is_moved(relayouts, form->confrelid);
		if (!movesFrom && !movesTo)
			continue;
		if (keyLeaves && !(movesFrom && movesTo) &&
			is_spread(movesFrom ? form->confrelid : form->conrelid))
			continue;
		key = palloc(sizeof(LinkedKey));
		key->relid = form->conrelid;
		key->other = movesFrom ? form->confrelid : form->conrelid;
		key->text = deparse_constraint(form->oid);
		keys = lappend(keys, key);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return keys;
}

static void
restore_keys(List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		const LinkedKey *key = lfirst(lc);

		tables_run_shard_ddl(catalog_table_get(key->relid), list_make1(key->text), NIL,
							 "pg_catalog");
	}
}

/* distributed tables at the other end of keys: their shards are altered, too */
static void
lock_linked(List *relayouts, List *keys)
{
	List	   *linked = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		const LinkedKey *key = lfirst(lc);

		if (is_spread(key->other) && !is_moved(relayouts, key->other))
			linked = list_concat_unique_oid(linked, tables_family(key->other));
	}
	list_sort(linked, list_oid_cmp);
	tables_lock_everywhere(linked, "alter");
}

/* ---- one table ---- */

Relayout *
tables_relayout_make(Oid relid)
{
	Relayout   *relayout = palloc0(sizeof(Relayout));

	relayout->relid = relid;
	relayout->family = tables_family(relid);
	relayout->oldGroup = catalog_table_get(relid)->colocationId;
	return relayout;
}

AttrNumber
tables_relayout_key(const Relayout *relayout, Oid member)
{
	if (relayout->layout->keyAttno == InvalidAttrNumber)
		return InvalidAttrNumber;
	return get_attnum(member, get_attname(relayout->relid, relayout->layout->keyAttno, false));
}

void
tables_relayout_check(const Relayout *relayout)
{
	const ShardLayout *layout = relayout->layout;
	ListCell   *lc;

	foreach(lc, relayout->family)
		tables_check_constraints(lfirst_oid(lc), tables_relayout_key(relayout, lfirst_oid(lc)),
								 layout->partMethod == 'h' ? DIST_TABLE_HASH :
								 DIST_TABLE_SINGLE_SHARD,
								 layout->newGroup ? INVALID_COLOCATION_ID : layout->colocationId);
}

/* policies of other tables name its shards */
static void
check_policies(const Relayout *relayout)
{
	ListCell   *lc;

	foreach(lc, relayout->family)
	{
		char	   *policy;
		Oid			user = tables_policy_user(lfirst_oid(lc), &policy);

		if (OidIsValid(user))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot change the distribution of table \"%s\" because policy \"%s\" "
							"on table \"%s\" uses it", get_rel_name(lfirst_oid(lc)), policy,
							get_rel_name(user))));
	}
}

static void
hold_rows(Relayout *relayout)
{
	ListCell   *lc;

	foreach(lc, relayout->family)
	{
		Oid			member = lfirst_oid(lc);
		bool		wasForced = tables_suspend_row_security(member);
		HeldRows   *rows = tables_data_hold(member);

		if (rows != NULL)
			relayout->held = lappend(relayout->held, rows);
		if (wasForced)
			tables_resume_row_security(member);
	}
}

void
tables_relayout_run(List *relayouts, bool keyLeaves)
{
	List	   *keys;
	ListCell   *lc;

	keys = collect_keys(relayouts, keyLeaves);
	lock_linked(relayouts, keys);
	foreach(lc, relayouts)
	{
		check_policies(lfirst(lc));
		hold_rows(lfirst(lc));
	}
	foreach(lc, relayouts)
	{
		Relayout   *relayout = lfirst(lc);
		ListCell   *member;

		foreach(member, relayout->family)
			relayout->former = lappend(relayout->former,
									   unconstify(DistTable *,
												  catalog_table_get(lfirst_oid(member))));
		tables_drop_shards_of_family(relayout->family);
	}
	foreach(lc, relayouts)
	{
		Relayout   *relayout = lfirst(lc);

		tables_lay_out_again(relayout->relid, relayout->layout, relayout->held,
							 relayout->former);
	}
	restore_keys(keys);
	foreach(lc, relayouts)
		tables_colocation_drop_if_empty(((Relayout *) lfirst(lc))->oldGroup);
}

/* ---- what ALTER TABLE needs ---- */

/*
 * Nodes other than the coordinator cannot share its lock on the making of default groups; they
 * keep everybody from making shards instead.
 */
static void
lock_for_change(List *family)
{
	cluster_lock_node_list(!catalog_is_coordinator());
	tables_lock_everywhere(family, "alter");
}

static void
require_hash(const DistTable *table, const char *what)
{
	if (table->kind != DIST_TABLE_HASH)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot %s the distribution column of table \"%s\"", what,
						get_rel_name(table->relid)),
				 errdetail("It is distributed by append or range.")));
}

void
tables_drop_key(Oid relid)
{
	TableSpec	spec = {
		.relid = relid,
		.kind = DIST_TABLE_SINGLE_SHARD,
		.replicationFactor = 1,
	};
	Relayout   *relayout;

	require_hash(catalog_table_get(relid), "drop");
	relayout = tables_relayout_make(relid);
	lock_for_change(relayout->family);
	relayout->layout = tables_layout_choose(&spec, InvalidAttrNumber);
	tables_relayout_run(list_make1(relayout), true);
	ereport(NOTICE,
			(errmsg("table \"%s\" loses its distribution column: all of its rows are in one "
					"shard now", get_rel_name(relid)),
			 errhint("Call alter_distributed_table(%s, distribution_column => ...) to distribute "
					 "it by another column.",
					 quote_literal_cstr(catalog_qualified_name(relid)))));
}

/*
 * The same shards and placements, with the distribution column as it is now in the metadata of all
 * nodes.
 */
static void
record_key(const DistTable *table, Oid member, const char *keyColumn)
{
	const DistTable *known = catalog_table_get(member);
	MetadataDelta *delta = cluster_delta_begin();

	cluster_delta_drop_table(delta, member);
	cluster_delta_add_table(delta, member, known->partMethod, get_attnum(member, keyColumn),
							known->colocationId, known->replicationModel);
	for (int i = 0; i < known->nshards; i++)
	{
		const Shard *shard = known->shards[i];

		cluster_delta_add_shard(delta, member, shard->id, shard->hasRange, shard->minToken,
								shard->maxToken);
		for (int p = 0; p < shard->nplacements; p++)
			cluster_delta_add_placement(delta, shard->id, shard->placements[p].id,
										shard->placements[p].groupId);
	}
	cluster_delta_apply(delta);
}

void
tables_check_new_key(Oid relid, const char *keyColumn)
{
	Relation	rel = relation_open(relid, NoLock);

	require_hash(catalog_table_get(relid), "change the type of");
	(void) tables_check_key(rel, keyColumn);
	relation_close(rel, NoLock);
}

void
tables_rehash(Oid relid, const char *keyColumn, bool valuesChanged)
{
	const DistTable *table = catalog_table_get(relid);
	const ColocationGroup *group = catalog_colocation_get(table->colocationId);
	Relayout   *relayout = tables_relayout_make(relid);
	AttrNumber	keyAttno = get_attnum(relid, keyColumn);
	TableSpec	spec = {
		.relid = relid,
		.kind = DIST_TABLE_HASH,
		.keyColumn = keyColumn,
		.shardCount = table->nshards,
		.replicationFactor = group->replicationFactor,
	};
	Oid			type;
	int32		typmod;
	Oid			collation;
	ListCell   *lc;

	lock_for_change(relayout->family);
	foreach(lc, relayout->family)
		record_key(table, lfirst_oid(lc), keyColumn);
	get_atttypetypmodcoll(relid, keyAttno, &type, &typmod, &collation);
	if (type == group->keyType && collation == group->keyCollation)
	{
		if (!valuesChanged)
			return;
		relayout->layout = tables_layout_like(catalog_table_get(relid), keyAttno);
	}
	else
		relayout->layout = tables_layout_choose(&spec, keyAttno);
	tables_relayout_check(relayout);
	tables_relayout_run(list_make1(relayout), false);
}

void
tables_rehash_all(List *relids)
{
	List	   *relayouts = NIL;
	ListCell   *lc;

	cluster_lock_node_list(false);
	foreach(lc, relids)
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));
		Relayout   *relayout;

		if (table == NULL || table->kind != DIST_TABLE_HASH)
			continue;
		relayout = tables_relayout_make(lfirst_oid(lc));
		relayout->layout = tables_layout_like(table, table->keyAttno);
		tables_lock_everywhere(relayout->family, "alter");
		relayouts = lappend(relayouts, relayout);
	}
	tables_relayout_run(relayouts, false);
}
