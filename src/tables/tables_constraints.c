/*
 * tables_constraints.c
 *	  Which constraints a distributed table can keep, and the graph of foreign keys.
 *
 * A constraint is kept when every shard can keep it by itself: unique and exclusion constraints
 * contain the key, foreign keys stay within the shards of one index or end at reference tables.
 * What a foreign key does ON DELETE and ON UPDATE may go further (catalog's actions.c).
 *
 * Main path: tables_check_constraints(), after the table or the constraint exists here.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/typcache.h"

#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* ---- the graph ---- */

void
tables_visit_foreign_keys(Oid relid, bool outgoing, ForeignKeyVisitor visit, void *context)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key,
				outgoing ? Anum_pg_constraint_conrelid : Anum_pg_constraint_confrelid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, outgoing ? ConstraintRelidTypidNameIndexId : InvalidOid,
							  outgoing, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

		if (constraint->contype == CONSTRAINT_FOREIGN && !OidIsValid(constraint->conparentid))
			visit(tuple, context);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
}

typedef struct Neighbours
{
	Oid			relid;
	List	   *found;
} Neighbours;

static void
collect_neighbour(HeapTuple tuple, void *context)
{
	Neighbours *neighbours = context;
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	Oid			other = constraint->conrelid == neighbours->relid ?
		constraint->confrelid : constraint->conrelid;

	if (other != neighbours->relid)
		neighbours->found = list_append_unique_oid(neighbours->found, other);
}

List *
tables_referenced(Oid relid)
{
	Neighbours	neighbours = {.relid = relid};

	tables_visit_foreign_keys(relid, true, collect_neighbour, &neighbours);
	return neighbours.found;
}

List *
tables_referencing(Oid relid)
{
	Neighbours	neighbours = {.relid = relid};

	tables_visit_foreign_keys(relid, false, collect_neighbour, &neighbours);
	return neighbours.found;
}

List *
tables_linked(Oid relid)
{
	List	   *linked = list_make1_oid(relid);

	for (int i = 0; i < list_length(linked); i++)
	{
		Oid			current = list_nth_oid(linked, i);

		linked = list_concat_unique_oid(linked, tables_referenced(current));
		linked = list_concat_unique_oid(linked, tables_referencing(current));
	}
	return linked;
}

/* ---- foreign keys ---- */

/* ForeignKeyCheck: the table as it is or will be */
typedef struct ForeignKeyCheck
{
	Oid			relid;
	AttrNumber	keyAttno;
	DistTableKind kind;
	ColocationId colocationId;
	bool		collects;		/* what is refused is only noted ... */
	List	   *refused;		/* ... here: oids of constraints */
} ForeignKeyCheck;

static void
refuse(ForeignKeyCheck *check, int sqlstate, HeapTuple tuple, const char *detail)
{
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

	if (check->collects)
	{
		check->refused = list_append_unique_oid(check->refused, constraint->oid);
		return;
	}
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("cannot keep foreign key \"%s\" of table \"%s\"",
					NameStr(constraint->conname), get_rel_name(constraint->conrelid)),
			 errdetail_internal("%s", detail)));
}

/* the columns of a foreign key, told from a key column's point of view */
typedef struct ForeignKeyColumns
{
	int			count;
	AttrNumber	referencing[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
} ForeignKeyColumns;

static void
get_columns(HeapTuple tuple, ForeignKeyColumns *columns)
{
	DeconstructFkConstraintRow(tuple, &columns->count, columns->referencing,
							   columns->referenced, NULL, NULL, NULL, NULL, NULL);
}

/* true if the keys of both tables face each other */
static bool
keys_face(const ForeignKeyColumns *columns, AttrNumber referencingKey, AttrNumber referencedKey)
{
	for (int i = 0; i < columns->count; i++)
	{
		if (columns->referencing[i] == referencingKey && columns->referenced[i] == referencedKey)
			return true;
	}
	return false;
}

/* between two tables whose rows are spread, or one with itself */
static void
check_colocated(HeapTuple tuple, ForeignKeyCheck *check, const DistTable *other, bool outgoing)
{
	ForeignKeyColumns columns;
	AttrNumber	otherKey = other != NULL ? other->keyAttno : check->keyAttno;

	get_columns(tuple, &columns);
	if (other != NULL &&
		(check->colocationId == INVALID_COLOCATION_ID ||
		 other->colocationId != check->colocationId))
		refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple, "The tables are not colocated.");
	if (check->keyAttno == InvalidAttrNumber)
		return;
	if (!keys_face(&columns, outgoing ? check->keyAttno : otherKey,
				   outgoing ? otherKey : check->keyAttno))
		refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple,
			   "The distribution columns are not at the same place in it.");
}

static bool
is_spread(DistTableKind kind)
{
	return kind != DIST_TABLE_REFERENCE && kind != DIST_TABLE_LOCAL;
}

/* a reference table's copies away from the coordinator cannot act on a table that is only there */
static void
check_reference_to_local(HeapTuple tuple, ForeignKeyCheck *check)
{
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

	if (!tables_enable_local_reference_fks)
		refuse(check, ERRCODE_INVALID_TABLE_DEFINITION, tuple,
			   "The referenced table is neither a reference table nor distributed.");
	if ((constraint->confdeltype != FKCONSTR_ACTION_NOACTION &&
		 constraint->confdeltype != FKCONSTR_ACTION_RESTRICT) ||
		(constraint->confupdtype != FKCONSTR_ACTION_NOACTION &&
		 constraint->confupdtype != FKCONSTR_ACTION_RESTRICT))
		refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple,
			   "From a reference table to a local table only NO ACTION and RESTRICT are possible.");
}

static void
check_outgoing(HeapTuple tuple, void *context)
{
	ForeignKeyCheck *check = context;
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	const DistTable *other = catalog_table_get(constraint->confrelid);

	if (constraint->confrelid == check->relid)
	{
		if (is_spread(check->kind))
			check_colocated(tuple, check, NULL, true);
		return;
	}
	if (other != NULL && other->kind == DIST_TABLE_REFERENCE)
		return;
	if (!is_spread(check->kind))
	{
		if (other != NULL && is_spread(other->kind))
			refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple,
				   "A reference or local table cannot reference a distributed one.");
		if (check->kind == DIST_TABLE_REFERENCE)
			check_reference_to_local(tuple, check);
		return;
	}
	if (other == NULL)
	{
		refuse(check, ERRCODE_INVALID_TABLE_DEFINITION, tuple,
			   "The referenced table is neither a reference table nor distributed.");
		return;
	}
	if (other->kind == DIST_TABLE_LOCAL)
		refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple,
			   "A distributed table cannot reference a local one.");
	check_colocated(tuple, check, other, true);
}

static void
check_incoming(HeapTuple tuple, void *context)
{
	ForeignKeyCheck *check = context;
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	const DistTable *other = catalog_table_get(constraint->conrelid);

	/* plain tables may be on their way to become known, too */
	if (constraint->conrelid == check->relid || other == NULL)
		return;
	if (!is_spread(check->kind))
	{
		if (check->kind == DIST_TABLE_LOCAL && is_spread(other->kind))
			refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple,
				   "A distributed table cannot reference a local one.");
		return;
	}
	if (!is_spread(other->kind))
		refuse(check, ERRCODE_FEATURE_NOT_SUPPORTED, tuple,
			   "A reference or local table cannot reference a distributed one.");
	check_colocated(tuple, check, other, false);
}

/* ---- foreign keys of shards ---- */

static bool
names_column(List *columns, const char *name)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		if (strcmp(strVal(lfirst(cell)), name) == 0)
			return true;
	}
	return false;
}

static void
leave_action(char *action)
{
	if (*action == FKCONSTR_ACTION_SETNULL || *action == FKCONSTR_ACTION_SETDEFAULT ||
		*action == FKCONSTR_ACTION_CASCADE)
		*action = FKCONSTR_ACTION_NOACTION;
}

void
tables_leave_actions_on_key(Oid shell, Constraint *constraint)
{
	const DistTable *table = catalog_table_get(shell);
	Oid			referenced = RangeVarGetRelid(constraint->pktable, NoLock, true);
	const DistTable *other = OidIsValid(referenced) ? catalog_table_get(referenced) : NULL;
	char	   *key;
	bool		named;

	if (table == NULL || !DIST_TABLE_HAS_KEY(table))
		return;
	key = get_attname(shell, table->keyAttno, false);
	named = names_column(constraint->fk_attrs, key);
	if (named && (constraint->fk_upd_action != FKCONSTR_ACTION_CASCADE || referenced == shell ||
				  other == NULL || other->colocationId != table->colocationId))
		leave_action(&constraint->fk_upd_action);
	if (constraint->fk_del_action != FKCONSTR_ACTION_CASCADE &&
		(constraint->fk_del_set_cols == NIL ? named :
		 names_column(constraint->fk_del_set_cols, key)))
	{
		leave_action(&constraint->fk_del_action);
		constraint->fk_del_set_cols = NIL;
	}
}

/* ---- unique and exclusion constraints ---- */

/* position of the key among the index's key columns; -1 if it is not one */
static int
index_position(Relation index, AttrNumber keyAttno)
{
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		if (index->rd_index->indkey.values[i] == keyAttno)
			return i;
	}
	return -1;
}

/* by which the index finds that two values of its column are the same */
static Oid
equality_of_column(Relation index, int position)
{
	Oid			type = index->rd_opcintype[position];
	Oid		   *operators;
	Oid		   *procs;
	uint16	   *strategies;

	if (!index->rd_index->indisexclusion)
		return get_opfamily_member(index->rd_opfamily[position], type, type,
								   BTEqualStrategyNumber);
	RelationGetExclusionInfo(index, &operators, &procs, &strategies);
	return operators[position];
}

/*
 * True if rows of different shards can never conflict in the index: what it takes for equal has the
 * same hash.
 */
static bool
index_separates_shards(Relation index, AttrNumber keyAttno)
{
	int			position = index_position(index, keyAttno);
	Oid			keyType;
	Oid			collation;

	if (position < 0)
		return false;
	collation = index->rd_indcollation[position];
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return false;
	keyType = get_atttype(index->rd_index->indrelid, keyAttno);
	return op_in_opfamily(equality_of_column(index, position),
						  lookup_type_cache(keyType, TYPECACHE_HASH_OPFAMILY)->hash_opf);
}

static void
check_index(Oid indexId, Relation rel, AttrNumber keyAttno)
{
	Relation	index = index_open(indexId, AccessShareLock);

	if ((index->rd_index->indisunique || index->rd_index->indisexclusion) &&
		!index_separates_shards(index, keyAttno))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot keep \"%s\" on table \"%s\" distributed by column \"%s\"",
						RelationGetRelationName(index), RelationGetRelationName(rel),
						get_attname(RelationGetRelid(rel), keyAttno, false)),
				 errdetail("Unique and exclusion constraints must contain the distribution "
						   "column, compared for equality, by a deterministic collation.")));
	index_close(index, AccessShareLock);
}

void
tables_check_constraints(Oid relid, AttrNumber keyAttno, DistTableKind kind,
						 ColocationId colocationId)
{
	ForeignKeyCheck check = {
		.relid = relid,
		.keyAttno = keyAttno,
		.kind = kind,
		.colocationId = colocationId,
	};

	if (keyAttno != InvalidAttrNumber && !tables_allow_unsafe_constraints)
	{
		Relation	rel = relation_open(relid, AccessShareLock);
		ListCell   *lc;

		foreach(lc, RelationGetIndexList(rel))
			check_index(lfirst_oid(lc), rel, keyAttno);
		relation_close(rel, AccessShareLock);
	}
	tables_visit_foreign_keys(relid, true, check_outgoing, &check);
	tables_visit_foreign_keys(relid, false, check_incoming, &check);
}

List *
tables_refused_foreign_keys(Oid relid, AttrNumber keyAttno, DistTableKind kind,
							ColocationId colocationId)
{
	ForeignKeyCheck check = {
		.relid = relid,
		.keyAttno = keyAttno,
		.kind = kind,
		.colocationId = colocationId,
		.collects = true,
	};

	tables_visit_foreign_keys(relid, true, check_outgoing, &check);
	tables_visit_foreign_keys(relid, false, check_incoming, &check);
	return check.refused;
}
