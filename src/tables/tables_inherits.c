/*
 * tables_inherits.c
 *	  Children of known tables (INHERITS): what of a child is its own.
 *
 * A parent and its children are one family, laid out alike: the child's shard inherits from the
 * parent's shard of the same index, so that a statement about the parent finds the children's rows
 * beside the parent's.
 *
 * Columns and constraints that a child has only from its parents go when these lose them.  Shells
 * and shards that were made again, as tables of their own bound to their parents, are told which
 * those are.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "citus/base/session.h"
#include "citus/deparse/object.h"
#include "tables/tables_internal.h"

/* true when the child has the column, or constraint, of this name for itself */
typedef bool (*IsOwn) (const char *name, void *context);

static void
set_own_columns(Oid relid, IsOwn isOwn, void *context)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Relation	attributes = table_open(AttributeRelationId, RowExclusiveLock);

	for (int i = 1; i <= RelationGetNumberOfAttributes(rel); i++)
	{
		HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid),
												Int16GetDatum(i));
		Form_pg_attribute form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_attribute) GETSTRUCT(tuple);
		if (!form->attisdropped && form->attinhcount > 0 &&
			form->attislocal != isOwn(NameStr(form->attname), context))
		{
			form->attislocal = !form->attislocal;
			CatalogTupleUpdate(attributes, &tuple->t_self, tuple);
		}
		heap_freetuple(tuple);
	}
	table_close(attributes, RowExclusiveLock);
	table_close(rel, NoLock);
}

static void
set_own_constraints(Oid relid, IsOwn isOwn, void *context)
{
	Relation	constraints = table_open(ConstraintRelationId, RowExclusiveLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		HeapTuple	copy = heap_copytuple(tuple);
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(copy);

		if (form->coninhcount > 0 && form->conislocal != isOwn(NameStr(form->conname), context))
		{
			form->conislocal = !form->conislocal;
			CatalogTupleUpdate(constraints, &copy->t_self, copy);
		}
		heap_freetuple(copy);
	}
	systable_endscan(scan);
	table_close(constraints, RowExclusiveLock);
}

/* ---- shells: as another node says ---- */

static bool
name_is_listed(const char *name, void *context)
{
	ListCell   *lc;

	foreach(lc, (List *) context)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

static List *
names_arg(ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	List	   *names = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			names = lappend(names, TextDatumGetCString(values[i]));
	}
	return names;
}

PG_FUNCTION_INFO_V1(citus_internal_set_own_parts);

/* citus_internal.set_own_parts(relation text, columns text[], constraints text[]) */
Datum
citus_internal_set_own_parts(PG_FUNCTION_ARGS)
{
	RangeVar   *name = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	Oid			relid;

	base_require_node_command(fcinfo);
	relid = RangeVarGetRelid(name, AccessExclusiveLock, false);
	tables_require_owner(relid);
	set_own_columns(relid, name_is_listed, names_arg(PG_GETARG_ARRAYTYPE_P(1)));
	set_own_constraints(relid, name_is_listed, names_arg(PG_GETARG_ARRAYTYPE_P(2)));
	CommandCounterIncrement();
	PG_RETURN_VOID();
}

/* ---- shards: as the shell has it ---- */

static bool
shell_has_column(const char *name, void *context)
{
	const Shard *shard = context;
	HeapTuple	tuple = SearchSysCacheAttName(shard->relid, name);
	bool		own;

	if (!HeapTupleIsValid(tuple))
		return true;
	own = ((Form_pg_attribute) GETSTRUCT(tuple))->attislocal;
	ReleaseSysCache(tuple);
	return own;
}

/*
 * Constraints of shards are called after the shell's, with a shard's id; those that have no name
 * from there count as own.
 */
static bool
shell_has_constraint(const char *name, void *context)
{
	const Shard *shard = context;
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	bool		own = true;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(shard->relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (strcmp(tables_constraint_name(shard, NameStr(form->conname)), name) == 0)
			own = form->conislocal;
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return own;
}

void
tables_mirror_own_parts(const Shard *shard)
{
	Oid			relid = get_relname_relid(catalog_shard_relname(shard),
										  get_rel_namespace(shard->relid));

	if (!OidIsValid(relid) || deparse_parents(shard->relid) == NIL)
		return;
	set_own_columns(relid, shell_has_column, unconstify(Shard *, shard));
	set_own_constraints(relid, shell_has_constraint, unconstify(Shard *, shard));
	CommandCounterIncrement();
}
