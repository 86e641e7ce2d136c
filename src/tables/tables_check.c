/*
 * tables_check.c
 *	  Whether a table may become known to the extension: its kind, its key, its family.
 *
 * Nothing here changes anything or takes locks beyond those that catalog scans take.  Constraints
 * are in tables_constraints.c.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/deparse/object.h"
#include "citus/routing/routing.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

void
tables_require_owner(Oid relid)
{
	if (!compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/* ---- families of partitions ---- */

Oid
tables_root(Oid relid)
{
	List	   *ancestors;

	if (!get_rel_relispartition(relid))
	{
		List	   *parents = deparse_parents(relid);

		return parents == NIL ? relid : tables_root(linitial_oid(parents));
	}
	ancestors = get_partition_ancestors(relid);
	return ancestors == NIL ? relid : llast_oid(ancestors);
}

List *
tables_family(Oid relid)
{
	if (!has_subclass(relid))
		return list_make1_oid(relid);
	return find_all_inheritors(relid, NoLock, NULL);
}

bool
tables_is_member(Oid relid)
{
	return get_rel_relispartition(relid) || has_superclass(relid);
}

/* ---- the relation ---- */

/* Without the option postgres_fdw reads the table of the same name: a shard has another. */
void
tables_check_foreign(Oid relid)
{
	ForeignTable *table = GetForeignTable(relid);
	ForeignServer *server = GetForeignServer(table->serverid);
	ListCell   *lc;

	if (strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "postgres_fdw") != 0)
		return;
	foreach(lc, table->options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "table_name") == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			 errmsg("foreign table \"%s\" needs the option \"table_name\" to be known to all nodes",
					get_rel_name(relid)),
			 errhint("Set it by ALTER FOREIGN TABLE ... OPTIONS (ADD table_name '...').")));
}

static void
check_relkind(Relation rel, DistTableKind kind)
{
	const char *name = RelationGetRelationName(rel);

	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return;
		case RELKIND_FOREIGN_TABLE:
			if (kind == DIST_TABLE_LOCAL)
				tables_check_foreign(RelationGetRelid(rel));
			else
				ereport(ERROR,
						(errcode(ERRCODE_WRONG_OBJECT_TYPE),
						 errmsg("cannot distribute foreign table \"%s\"", name),
						 errhint("Use citus_add_local_table_to_metadata() to make it known to all "
								 "nodes.")));
			return;
		default:
			ereport(ERROR,
					(errcode(kind == DIST_TABLE_LOCAL ? ERRCODE_FEATURE_NOT_SUPPORTED :
							 ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is not a table", name),
					 errdetail_relkind_not_supported(rel->rd_rel->relkind)));
	}
}

void
tables_refuse_partition(Relation rel)
{
	const char *root = get_rel_name(tables_root(RelationGetRelid(rel)));

	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot distribute partition \"%s\" on its own",
						RelationGetRelationName(rel)),
				 errhint("Distribute the partitioned table \"%s\" instead.", root)));
	if (tables_is_member(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot distribute table \"%s\" on its own because it inherits from table "
						"\"%s\"", RelationGetRelationName(rel), root),
				 errhint("Distribute \"%s\" instead.", root)));
}

void
tables_check_relation(Relation rel, DistTableKind kind)
{
	const char *name = RelationGetRelationName(rel);
	const DistTable *known = catalog_table_get(RelationGetRelid(rel));

	tables_require_owner(RelationGetRelid(rel));
	if (known != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" is already distributed", name)));
	if (RelationGetRelid(rel) < FirstNormalObjectId || IsToastRelation(rel) ||
		RelationGetNamespace(rel) == PG_CATALOG_NAMESPACE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot distribute catalog table \"%s\"", name)));
	if (catalog_relation_is_shard(RelationGetRelid(rel), NULL, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot distribute \"%s\", which is a shard", name)));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot distribute temporary table \"%s\"", name)));

	check_relkind(rel, kind);
	tables_refuse_partition(rel);
}

/* ---- the key ---- */

/* a numeric with a negative scale rounds before the point, so that equal tokens would be few */
static bool
has_negative_scale(Form_pg_attribute attribute)
{
	int32		scale;

	if (getBaseType(attribute->atttypid) != NUMERICOID || attribute->atttypmod < (int32) VARHDRSZ)
		return false;
	scale = (attribute->atttypmod - VARHDRSZ) & 0x7ff;
	return (scale ^ 1024) - 1024 < 0;
}

AttrNumber
tables_check_key(Relation rel, const char *keyColumn)
{
	AttrNumber	attno = get_attnum(RelationGetRelid(rel), keyColumn);
	Form_pg_attribute attribute;

	if (attno == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						keyColumn, RelationGetRelationName(rel))));
	if (attno < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot distribute by system column \"%s\"", keyColumn)));

	attribute = TupleDescAttr(RelationGetDescr(rel), attno - 1);
	if (attribute->attgenerated != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot distribute by generated column \"%s\"", keyColumn)));
	if (has_negative_scale(attribute))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot distribute by column \"%s\" of a numeric type with negative scale",
						keyColumn)));
	if (OidIsValid(attribute->attcollation) &&
		!get_collation_isdeterministic(attribute->attcollation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot distribute by column \"%s\" with a nondeterministic collation",
						keyColumn)));
	/* raises for types that cannot be hashed */
	(void) routing_router_make(attribute->atttypid, attribute->attcollation);
	return attno;
}
