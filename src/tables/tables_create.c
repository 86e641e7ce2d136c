/*
 * tables_create.c
 *	  Plain table -> hash, single-shard, reference or managed local table.
 *
 * A table becomes known together with its partitions, and a reference table together with the
 * plain tables that foreign keys tie to it (they become managed local).  All of it is one
 * distributed transaction.
 *
 * Invariants: (1) from the check to the end of the transaction nobody writes to the table
 * (ExclusiveLock) and no node joins or leaves (node list); (2) shells exist on all nodes before
 * metadata names them, metadata before shards; (3) foreign keys come last, when everything they can
 * point to is there; (4) partitions are attached when they and their parent have their indexes, so
 * that a partition's own ones can match.
 *
 * Main path: tables_create() -> plan_creations() -> per table create_shells(), record(),
 * create_shards(), move_rows(), finish_shards() -> add_foreign_keys().
 *
 * Not here: what is allowed (tables_check.c, tables_constraints.c), where shards go
 * (tables_layout.c).
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* what a shell has before it is attached and before foreign keys */
#define SHELL_BASE (TABLE_DDL_CREATE | TABLE_DDL_OWNER | TABLE_DDL_CHECKS | TABLE_DDL_IDENTITY | \
					TABLE_DDL_DEFAULTS)
#define SHELL_REST (TABLE_DDL_INDEXES | TABLE_DDL_STATISTICS | TABLE_DDL_SECURITY | \
					TABLE_DDL_COMMENTS | TABLE_DDL_REPLICA_IDENTITY | TABLE_DDL_UNVALIDATED | \
					TABLE_DDL_POLICIES | TABLE_DDL_RULES | TABLE_DDL_TRIGGERS)

/* Creation: one table (with its partitions) on its way */
typedef struct Creation
{
	TableSpec	spec;
	List	   *family;			/* oids: the table, then its partitions */
	ShardLayout *layout;		/* of the table; partitions are laid out like it */
	bool		wasLocal;		/* a managed local table is being converted */
	List	   *former;			/* of const DistTable *: the family, where it is laid out again */
} Creation;

/* ---- the local node ---- */

/*
 * A server that stands alone becomes the coordinator of a cluster of one, so that a newcomer need
 * not call anything before the first distributed table.
 */
void
tables_ensure_local_node(void)
{
	NodeRow		row = {0};

	if (catalog_nodes() != NIL)
		return;
	row.id = catalog_next_node_id();
	row.groupId = COORDINATOR_GROUP_ID;
	row.name = GetConfigOption("citus.local_hostname", false, false);
	row.port = PostPortNumber;
	row.role = "primary";
	row.cluster = "default";
	row.hasMetadata = true;
	row.isActive = true;
	row.metadataSynced = true;
	row.shouldHaveShards = true;
	catalog_node_insert(&row);
	CommandCounterIncrement();
}

/* ---- planning ---- */

/* nobody may be in the middle of using them in this session, either */
static void
lock_family(List *family)
{
	ListCell   *lc;

	foreach(lc, family)
	{
		Relation	rel = relation_open(lfirst_oid(lc), ExclusiveLock);

		CheckTableNotInUse(rel, "distribute");
		relation_close(rel, NoLock);
	}
}

/*
 * Members of a family are ordinary or partitioned tables, of managed ones foreign tables, too;
 * their parents are all in the family, but for those of its root: these are known already.
 */
static void
check_members(List *family, DistTableKind kind, int rootParents)
{
	ListCell   *lc;

	foreach(lc, family)
	{
		Oid			relid = lfirst_oid(lc);
		char		relkind = get_rel_relkind(relid);
		List	   *outside = list_difference_oid(deparse_parents(relid), family);

		if (relkind == RELKIND_FOREIGN_TABLE && kind == DIST_TABLE_LOCAL)
			tables_check_foreign(relid);
		else if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
			get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot distribute table \"%s\"", get_rel_name(relid)),
					 errdetail("Partitions and children of distributed tables must be ordinary "
							   "tables.")));
		if (outside != NIL && !(lc == list_head(family) && rootParents > 0))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot distribute table \"%s\"", get_rel_name(relid)),
					 errdetail("It also inherits from table \"%s\".",
							   get_rel_name(linitial_oid(outside)))));
	}
}

/* the key's attribute number in a partition, where it may differ */
static AttrNumber
key_of_member(const Creation *creation, Oid member)
{
	if (creation->layout->keyAttno == InvalidAttrNumber)
		return InvalidAttrNumber;
	return get_attnum(member, get_attname(creation->spec.relid, creation->layout->keyAttno, false));
}

static void
check_family_constraints(const Creation *creation)
{
	ListCell   *lc;

	foreach(lc, creation->family)
		tables_check_constraints(lfirst_oid(lc), key_of_member(creation, lfirst_oid(lc)),
								 creation->spec.kind,
								 creation->layout->newGroup ? INVALID_COLOCATION_ID :
								 creation->layout->colocationId);
}

/* locks, checks, decides; changes nothing but the row of the local node and ids drawn */
static Creation *
plan_creation(const TableSpec *spec)
{
	Creation   *creation = palloc0(sizeof(Creation));
	Relation	rel = try_relation_open(spec->relid, ExclusiveLock);
	const DistTable *known;
	AttrNumber	keyAttno = InvalidAttrNumber;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", spec->relid)));
	creation->spec = *spec;
	known = catalog_table_get(spec->relid);
	if (known != NULL && known->kind == DIST_TABLE_LOCAL && spec->kind != DIST_TABLE_LOCAL)
	{
		tables_require_owner(spec->relid);
		tables_refuse_partition(rel);
		creation->wasLocal = true;
	}
	else
		tables_check_relation(rel, spec->kind);
	if (spec->keyColumn != NULL)
		keyAttno = tables_check_key(rel, spec->keyColumn);
	relation_close(rel, NoLock);

	creation->family = tables_family(spec->relid);
	check_members(creation->family, spec->kind, 0);
	lock_family(creation->family);
	creation->layout = tables_layout_choose(spec, keyAttno);
	check_family_constraints(creation);
	return creation;
}

static bool
has_foreign_keys(Oid relid)
{
	return tables_referenced(relid) != NIL || tables_referencing(relid) != NIL;
}

/*
 * Plain tables that foreign keys tie to a table that is being created, directly or through other
 * plain tables.
 */
static List *
linked_plain_tables(Oid relid)
{
	List	   *plain = NIL;
	List	   *queue = list_make1_oid(relid);

	for (int i = 0; i < list_length(queue); i++)
	{
		Oid			current = list_nth_oid(queue, i);
		List	   *neighbours = list_concat_unique_oid(tables_referenced(current),
														tables_referencing(current));
		ListCell   *lc;

		foreach(lc, neighbours)
		{
			Oid			other = lfirst_oid(lc);

			if (list_member_oid(queue, other) || catalog_table_is_known(other))
				continue;
			queue = lappend_oid(queue, other);
			plain = lappend_oid(plain, other);
		}
	}
	return plain;
}

static bool
follows_reference_table(void)
{
	return tables_enable_local_reference_fks &&
		catalog_node_of_group(COORDINATOR_GROUP_ID) != NULL;
}

/* of Creation *: what is asked for, then the tables that have to come along */
static List *
plan_creations(const TableSpec *spec)
{
	List	   *creations;
	ListCell   *lc;

	creations = list_make1(plan_creation(spec));
	if (spec->kind != DIST_TABLE_REFERENCE || !follows_reference_table())
		return creations;
	foreach(lc, linked_plain_tables(spec->relid))
	{
		TableSpec	local = {
			.relid = lfirst_oid(lc),
			.kind = DIST_TABLE_LOCAL,
			.autoConverted = true,
		};

		ereport(NOTICE,
				(errmsg("table \"%s\" becomes known to all nodes because a foreign key links it "
						"to a reference table", get_rel_name(local.relid))));
		creations = lappend(creations, plan_creation(&local));
	}
	return creations;
}

/*
 * Local tables that became known only because foreign keys link them (also to each other) give way
 * to a table that is going to be spread: they cannot point to it while they are known, and may be
 * the next to be spread.  Returns their oids.
 */
static List *
release_linked_local_tables(Oid relid)
{
	List	   *queue = list_make1_oid(relid);

	for (int i = 0; i < list_length(queue); i++)
	{
		Oid			current = list_nth_oid(queue, i);
		List	   *neighbours = list_concat_unique_oid(tables_referenced(current),
														tables_referencing(current));
		ListCell   *lc;

		foreach(lc, neighbours)
		{
			const DistTable *other = catalog_table_get(lfirst_oid(lc));

			if (other != NULL && other->kind == DIST_TABLE_LOCAL && other->autoConverted)
				queue = list_append_unique_oid(queue, other->relid);
		}
	}
	for (int i = 1; i < list_length(queue); i++)
	{
		tables_require_owner(list_nth_oid(queue, i));
		tables_make_plain(list_nth_oid(queue, i));
	}
	return list_delete_first(queue);
}

/* ---- shells ---- */

static List *
member_ddl(List *texts, Oid member, int parts)
{
	return list_concat(texts, deparse_table_ddl(member, parts));
}

/* partitions before their parent: see invariant 4 */
static List *
family_ddl_children_first(List *texts, List *family, int parts)
{
	for (int i = list_length(family) - 1; i >= 0; i--)
		texts = member_ddl(texts, list_nth_oid(family, i), parts);
	return texts;
}

static void
create_shells(List *family)
{
	List	   *texts = NIL;
	ListCell   *lc;

	foreach(lc, family)
	{
		ObjectAddress address;

		ObjectAddressSet(address, RelationRelationId, lfirst_oid(lc));
		cluster_ensure_dependencies(&address, false);
		texts = member_ddl(texts, lfirst_oid(lc), SHELL_BASE);
	}
	texts = family_ddl_children_first(texts, family, SHELL_REST);
	texts = family_ddl_children_first(texts, family, TABLE_DDL_ATTACH);
	texts = family_ddl_children_first(texts, family, TABLE_DDL_OWN_PARTS);
	foreach(lc, family)
		texts = lappend(texts,
						psprintf(BASE_NODE_SELECT "citus_internal.adjust_sequences(%s)",
								 quote_literal_cstr(catalog_qualified_name(lfirst_oid(lc)))));
	cluster_run_on_others(texts);
}

/* ---- shards ---- */

static void
run_family_ddl(List *family, int parts)
{
	for (int i = list_length(family) - 1; i >= 0; i--)
		tables_shard_ddl_parts(list_nth_oid(family, i), parts);
}

static void
create_shards(List *family)
{
	ListCell   *lc;

	foreach(lc, family)
		tables_shard_ddl_parts(lfirst_oid(lc),
							   TABLE_DDL_CREATE | TABLE_DDL_OWNER | TABLE_DDL_CHECKS);
}

/* the originals stay, out of sight, except those of managed local tables */
static void
move_rows(List *family, DistTableKind kind)
{
	ListCell   *lc;

	foreach(lc, family)
	{
		Oid			member = lfirst_oid(lc);
		uint64		count;

		if (tables_heap_is_empty(member))
			continue;
		ereport(NOTICE,
				(errmsg("copying the rows of table \"%s\" to its shards", get_rel_name(member))));
		count = tables_data_push(member);
		ereport(NOTICE,
				(errmsg("copied " UINT64_FORMAT " rows of table \"%s\"",
						count, get_rel_name(member)),
				 kind == DIST_TABLE_LOCAL ? 0 :
				 errdetail("The local copy of the rows is no longer visible."),
				 kind == DIST_TABLE_LOCAL ? 0 :
				 errhint("To free its space, call "
						 "truncate_local_data_after_distributing_table(%s).",
						 quote_literal_cstr(catalog_qualified_name(member)))));
	}
}

/* ATTACH PARTITION is a statement about the parent, INHERIT about the child */
static void
attach_shards(List *family)
{
	ListCell   *lc;

	foreach(lc, family)
	{
		Oid			member = lfirst_oid(lc);

		if (!get_rel_relispartition(member))
			tables_shard_ddl_parts(member, TABLE_DDL_ATTACH);
		else
			tables_run_shard_ddl(catalog_table_get(get_partition_parent(member, false)),
								 deparse_table_ddl(member, TABLE_DDL_ATTACH), NIL, "pg_catalog");
	}
}

static void
finish_shards(List *family)
{
	ListCell   *lc;

	foreach(lc, family)
		tables_check_policies(lfirst_oid(lc));
	run_family_ddl(family, TABLE_DDL_SHARD_AFTER);
	attach_shards(family);
}

/* ---- the whole ---- */

static const DistTable *
former_of(const Creation *creation, Oid relid)
{
	ListCell   *lc;

	foreach(lc, creation->former)
	{
		if (((const DistTable *) lfirst(lc))->relid == relid)
			return lfirst(lc);
	}
	return NULL;
}

static void
record(const Creation *creation)
{
	Oid			relid = creation->spec.relid;
	const DistTable *table;
	ListCell   *lc;

	tables_layout_record(relid, creation->layout, creation->spec.autoConverted,
						 former_of(creation, relid));
	table = catalog_table_get(relid);
	foreach(lc, creation->family)
	{
		Oid			member = lfirst_oid(lc);

		if (member != relid)
			tables_layout_record(member,
								 tables_layout_like(table, key_of_member(creation, member)),
								 creation->spec.autoConverted, former_of(creation, member));
	}
}

static void
check_empty(List *family)
{
	ListCell   *lc;

	foreach(lc, family)
	{
		if (!tables_heap_is_empty(lfirst_oid(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
					 errmsg("cannot distribute table \"%s\" by append or range",
							get_rel_name(lfirst_oid(lc))),
					 errdetail("It contains rows.")));
	}
}

static void
create_one(const Creation *creation)
{
	DistTableKind kind = creation->spec.kind;

	if (kind == DIST_TABLE_APPEND || kind == DIST_TABLE_RANGE)
		check_empty(creation->family);
	create_shells(creation->family);
	record(creation);
	create_shards(creation->family);
	if (creation->layout->nshards > 0)
		move_rows(creation->family, kind);
	finish_shards(creation->family);
	if (kind == DIST_TABLE_LOCAL)
	{
		ListCell   *lc;

		foreach(lc, creation->family)
			tables_data_clear(lfirst_oid(lc));
	}
}

static void
add_foreign_keys(const Creation *creation)
{
	ListCell   *lc;

	foreach(lc, creation->family)
	{
		Oid			member = lfirst_oid(lc);
		List	   *texts = deparse_table_ddl(member, TABLE_DDL_FOREIGN_KEYS);

		if (texts == NIL)
			continue;
		cluster_run_on_others(texts);
		tables_run_shard_ddl(catalog_table_get(member), texts, NIL, "pg_catalog");
	}
}

static bool
is_created(const List *creations, Oid relid)
{
	ListCell   *lc;

	foreach(lc, creations)
	{
		if (list_member_oid(((Creation *) lfirst(lc))->family, relid))
			return true;
	}
	return false;
}

/* a foreign key of a known table to one whose shells and shards were dropped, and it with them */
typedef struct IncomingKey
{
	Oid			relid;
	char	   *text;
} IncomingKey;

typedef struct IncomingKeys
{
	const List *creations;		/* whose tables have got theirs already */
	List	   *keys;			/* of IncomingKey */
} IncomingKeys;

static void
collect_incoming(HeapTuple tuple, void *context)
{
	IncomingKeys *incoming = context;
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	IncomingKey *key;

	if (!catalog_table_is_known(form->conrelid) ||
		is_created(incoming->creations, form->conrelid))
		return;
	key = palloc(sizeof(IncomingKey));
	key->relid = form->conrelid;
	key->text = deparse_constraint(form->oid);
	incoming->keys = lappend(incoming->keys, key);
}

static void
restore_incoming_keys(const List *creations, const Creation *creation)
{
	IncomingKeys incoming = {creations, NIL};
	ListCell   *lc;

	foreach(lc, creation->family)
		tables_visit_foreign_keys(lfirst_oid(lc), false, collect_incoming, &incoming);
	foreach(lc, incoming.keys)
	{
		const IncomingKey *key = lfirst(lc);

		cluster_run_on_others(list_make1(key->text));
		tables_run_shard_ddl(catalog_table_get(key->relid), list_make1(key->text), NIL,
							 "pg_catalog");
	}
}

/* A table that has given way must not be one that a known table points to. */
static void
refuse_lost_key(HeapTuple tuple, void *context)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	if (catalog_table_is_known(form->conrelid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot keep foreign key \"%s\" of table \"%s\"",
						NameStr(form->conname), get_rel_name(form->conrelid)),
				 errdetail("The referenced table \"%s\" has a foreign key to table \"%s\".",
						   get_rel_name(form->confrelid), get_rel_name(*(Oid *) context))));
}

static void
check_released(List *released, Oid relid)
{
	ListCell   *lc;

	foreach(lc, released)
	{
		if (!catalog_table_is_known(lfirst_oid(lc)))
			tables_visit_foreign_keys(lfirst_oid(lc), false, refuse_lost_key, &relid);
	}
}

void
tables_create(const TableSpec *spec)
{
	const DistTable *known;
	List	   *released = NIL;
	List	   *creations;
	Creation   *first;
	ListCell   *lc;

	cluster_require_coordinator();
	tables_ensure_local_node();
	cluster_lock_node_list(false);

	known = catalog_table_get(spec->relid);
	if (known != NULL && known->kind == DIST_TABLE_LOCAL && known->autoConverted &&
		spec->kind == DIST_TABLE_LOCAL && !spec->autoConverted)
	{
		tables_require_owner(spec->relid);
		tables_set_auto_converted(spec->relid, false);
		return;
	}

	if (spec->kind != DIST_TABLE_REFERENCE && spec->kind != DIST_TABLE_LOCAL)
		released = release_linked_local_tables(spec->relid);
	creations = plan_creations(spec);
	first = linitial(creations);
	if (first->wasLocal)
		tables_make_plain(spec->relid);
	foreach(lc, creations)
		create_one(lfirst(lc));
	foreach(lc, creations)
		add_foreign_keys(lfirst(lc));
	if (first->wasLocal)
		restore_incoming_keys(creations, first);
	check_released(released, spec->relid);
	foreach(lc, tables_family(spec->relid))
	{
		tables_watch(lfirst_oid(lc));
		tables_watch_referenced(lfirst_oid(lc));
	}
}

/*
 * citus_add_local_table_to_metadata(): with cascade, all tables that foreign keys link.
 */
void
tables_create_local(Oid relid, bool cascadeViaForeignKeys)
{
	TableSpec	spec = {.relid = relid, .kind = DIST_TABLE_LOCAL};
	List	   *creations = NIL;
	List	   *linked;
	ListCell   *lc;

	if (!OidIsValid(relid) || !has_foreign_keys(relid) || catalog_table_is_known(relid))
	{
		tables_create(&spec);
		return;
	}
	cluster_require_coordinator();
	tables_ensure_local_node();
	cluster_lock_node_list(false);
	linked = linked_plain_tables(relid);
	if (linked != NIL && !cascadeViaForeignKeys)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot add table \"%s\" alone because foreign keys link it to table "
						"\"%s\"", get_rel_name(relid), get_rel_name(linitial_oid(linked))),
				 errhint("Set cascade_via_foreign_keys to add all linked tables.")));
	foreach(lc, lcons_oid(relid, linked))
	{
		spec.relid = lfirst_oid(lc);
		creations = lappend(creations, plan_creation(&spec));
	}
	foreach(lc, creations)
		create_one(lfirst(lc));
	foreach(lc, creations)
		add_foreign_keys(lfirst(lc));
}

void
tables_lay_out_again(Oid relid, ShardLayout *layout, List *held, List *former)
{
	Creation	creation = {.layout = layout, .former = former};
	ListCell   *lc;

	creation.spec.relid = relid;
	creation.spec.kind = layout->partMethod == 'h' ? DIST_TABLE_HASH : DIST_TABLE_SINGLE_SHARD;
	creation.family = tables_family(relid);
	record(&creation);
	create_shards(creation.family);
	foreach(lc, held)
		tables_data_release(lfirst(lc));
	finish_shards(creation.family);
}

/* ---- partitions and children that come later ---- */

/* the first one, or InvalidOid */
static Oid
parent_of(Oid relid)
{
	List	   *parents;

	if (get_rel_relispartition(relid))
		return get_partition_parent(relid, false);
	parents = deparse_parents(relid);
	return parents == NIL ? InvalidOid : linitial_oid(parents);
}

static void
add_member(Oid relid, const DistTable *parent)
{
	Creation	creation = {0};
	AttrNumber	keyAttno = InvalidAttrNumber;

	tables_require_owner(relid);
	cluster_lock_node_list(false);
	creation.family = tables_family(relid);
	check_members(creation.family, parent->kind, list_length(deparse_parents(relid)));
	lock_family(creation.family);

	if (DIST_TABLE_HAS_KEY(parent))
		keyAttno = get_attnum(relid, get_attname(parent->relid, parent->keyAttno, false));
	creation.spec.relid = relid;
	creation.spec.kind = parent->kind;
	creation.spec.autoConverted = parent->autoConverted;
	creation.layout = tables_layout_like(parent, keyAttno);
	check_family_constraints(&creation);
	create_one(&creation);
	add_foreign_keys(&creation);
}

void
tables_add_member(Oid relid)
{
	Oid			parentId = parent_of(relid);
	const DistTable *parent = OidIsValid(parentId) ? catalog_table_get(parentId) : NULL;

	if (parent != NULL && !catalog_table_is_known(relid))
		add_member(relid, parent);
}

/* also to itself */
static bool
has_own_foreign_keys(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	bool		result = RelationGetFKeyList(relation) != NIL;

	relation_close(relation, NoLock);
	return result;
}

bool
tables_add_partition_first(Oid relid, Oid parentId)
{
	const DistTable *parent = catalog_table_get(parentId);
	bool		hasRows = false;
	ListCell   *lc;

	if (parent == NULL || catalog_table_is_known(relid) || !has_own_foreign_keys(parentId))
		return false;
	if (DIST_TABLE_HAS_KEY(parent))
	{
		AttrNumber	attno = get_attnum(relid, get_attname(parentId, parent->keyAttno, false));

		if (attno == InvalidAttrNumber || get_atttype(relid, attno) != parent->keyType)
			return false;
	}
	foreach(lc, tables_family(relid))
		hasRows = hasRows || !tables_heap_is_empty(lfirst_oid(lc));
	if (!hasRows || deparse_parents(relid) != NIL)
		return false;
	add_member(relid, parent);
	tables_forget_local_rows(relid);
	return true;
}
