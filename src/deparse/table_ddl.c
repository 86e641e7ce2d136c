/*
 * table_ddl.c
 *	  A table as statements: the table itself with its columns, and the order of all parts.
 *
 * The texts serve two ends: shells on other nodes, and shards, for which tables extends the names.
 * A part that the server makes by itself on ATTACH PARTITION (foreign keys and triggers of a
 * partition that come from its parent) is left to it.  Indexes are not, since it would choose their
 * names: they are made first, and found to match.
 *
 * Main path: deparse_table_ddl().  The other parts: table_parts.c.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/sequence.h"
#include "catalog/pg_foreign_table.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"


/* ---- columns ---- */

static bool
find_nextval(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr))
		return true;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_NEXTVAL)
		return true;
	return expression_tree_walker(node, find_nextval, context);
}

/* the stored default or generation expression of a column; NULL if it has none */
static const char *
stored_default(TupleDesc desc, AttrNumber attno)
{
	TupleConstr *constr = desc->constr;

	for (int i = 0; constr != NULL && i < constr->num_defval; i++)
	{
		if (constr->defval[i].adnum == attno)
			return constr->defval[i].adbin;
	}
	return NULL;
}

static void
append_default(StringInfo text, Relation relation, Form_pg_attribute attr, int parts)
{
	const char *expr = stored_default(RelationGetDescr(relation), attr->attnum);
	Oid			relid = RelationGetRelid(relation);

	if (expr == NULL)
		return;
	if (attr->attgenerated != '\0')
		appendStringInfo(text, " GENERATED ALWAYS AS (%s) %s", deparse_expression_of(relid, expr),
						 attr->attgenerated == ATTRIBUTE_GENERATED_STORED ? "STORED" : "VIRTUAL");
	else if ((parts & TABLE_DDL_DEFAULTS) || !find_nextval(stringToNode(expr), NULL))
		appendStringInfo(text, " DEFAULT %s", deparse_expression_of(relid, expr));
}

/* A partition gets identity from its parent when it is attached, or has none. */
static void
append_identity(StringInfo text, Relation relation, Form_pg_attribute attr)
{
	Oid			sequence;

	if (attr->attidentity == '\0' || relation->rd_rel->relispartition)
		return;
	sequence = compat_identity_sequence(relation, attr->attnum);
	appendStringInfo(text, " GENERATED %s AS IDENTITY",
					 attr->attidentity == ATTRIBUTE_IDENTITY_ALWAYS ? "ALWAYS" : "BY DEFAULT");
	if (OidIsValid(sequence))
		appendStringInfo(text, " (SEQUENCE NAME %s %s)", catalog_qualified_name(sequence),
						 deparse_sequence_options(sequence));
}

/*
 * NOT NULL; since PostgreSQL 18 these are constraints with names, printed when somebody chose the
 * name.  Those not validated yet come with the check constraints.
 */
static void
append_not_null(StringInfo text, Relation relation, Form_pg_attribute attr)
{
	const char *name = "";
	bool		valid = true;
	Relation	constraints;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char	   *generated;

	if (!attr->attnotnull)
		return;
	generated = makeObjectName(RelationGetRelationName(relation), NameStr(attr->attname),
							   "not_null");
	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool		isNull;
		Datum		columns = heap_getattr(tuple, Anum_pg_constraint_conkey,
										   RelationGetDescr(constraints), &isNull);

		if (form->contype != DEPARSE_CONSTRAINT_NOTNULL || isNull ||
			((int16 *) ARR_DATA_PTR(DatumGetArrayTypeP(columns)))[0] != attr->attnum)
			continue;
		valid = form->convalidated;
		if (strcmp(NameStr(form->conname), generated) != 0)
			name = psprintf(" CONSTRAINT %s", quote_identifier(NameStr(form->conname)));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	if (valid)
		appendStringInfo(text, "%s NOT NULL", name);
}

static const char *
compression_name(char method)
{
	return method == 'p' ? "pglz" : "lz4";
}

static void
append_column(StringInfo text, Relation relation, Form_pg_attribute attr, int parts)
{
	appendStringInfo(text, "%s %s", quote_identifier(NameStr(attr->attname)),
					 format_type_with_typemod(attr->atttypid, attr->atttypmod));
	if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(attr->attrelid),
											Int16GetDatum(attr->attnum));
		bool		isNull;
		Datum		options = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attfdwoptions,
											  &isNull);

		if (!isNull)
			appendStringInfo(text, " OPTIONS (%s)", deparse_fdw_options(options));
		ReleaseSysCache(tuple);
	}
	if (attr->attcompression != '\0')
		appendStringInfo(text, " COMPRESSION %s", compression_name(attr->attcompression));
	if (OidIsValid(attr->attcollation) && attr->attcollation != get_typcollation(attr->atttypid))
		appendStringInfo(text, " COLLATE %s", generate_collation_name(attr->attcollation));
	append_default(text, relation, attr, parts);
	if (parts & TABLE_DDL_IDENTITY)
		append_identity(text, relation, attr);
	append_not_null(text, relation, attr);
}

static char *
columns_text(Relation relation, int parts)
{
	TupleDesc	desc = RelationGetDescr(relation);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped)
			continue;
		if (text.len > 0)
			appendStringInfoString(&text, ", ");
		append_column(&text, relation, attr, parts);
	}
	return text.data;
}

static const char *
storage_name(char storage)
{
	switch (storage)
	{
		case TYPSTORAGE_PLAIN:
			return "PLAIN";
		case TYPSTORAGE_EXTERNAL:
			return "EXTERNAL";
		case TYPSTORAGE_EXTENDED:
			return "EXTENDED";
		default:
			return "MAIN";
	}
}

/* storage strategies and options of columns, which CREATE TABLE has no word for in all releases */
static List *
column_settings(List *texts, Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	char	   *name = catalog_qualified_name(RelationGetRelid(relation));

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		const char *column = quote_identifier(NameStr(attr->attname));
		const char *settings;
		HeapTuple	tuple;
		Datum		options;
		bool		isNull;

		if (attr->attisdropped)
			continue;
		if (attr->attstorage != get_typstorage(attr->atttypid))
			texts = deparse_append(texts, "ALTER TABLE %s ALTER COLUMN %s SET STORAGE %s", name,
								   column, storage_name(attr->attstorage));
		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(attr->attrelid),
								Int16GetDatum(attr->attnum));
		options = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attoptions, &isNull);
		settings = isNull ? "" : deparse_reloptions(options, "");
		if (*settings != '\0')
			texts = deparse_append(texts, "ALTER TABLE %s ALTER COLUMN %s SET (%s)", name,
								   column, settings);
		ReleaseSysCache(tuple);
	}
	return texts;
}


/* ---- the table ---- */

static Datum
class_attribute(Oid relid, AttrNumber attno, bool *isNull)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	value = SysCacheGetAttr(RELOID, tuple, attno, isNull);
	if (!*isNull)
		value = datumCopy(value, false, -1);
	ReleaseSysCache(tuple);
	return value;
}

/* storage parameters, those of the toast table included */
static char *
storage_options(Relation relation)
{
	StringInfoData text;
	bool		isNull;
	Datum		options = class_attribute(RelationGetRelid(relation), Anum_pg_class_reloptions,
										  &isNull);

	initStringInfo(&text);
	if (!isNull)
		appendStringInfoString(&text, deparse_reloptions(options, ""));
	if (OidIsValid(relation->rd_rel->reltoastrelid))
	{
		options = class_attribute(relation->rd_rel->reltoastrelid, Anum_pg_class_reloptions,
								  &isNull);
		if (!isNull)
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
							 deparse_reloptions(options, "toast."));
	}
	return text.data;
}

static void
append_server(StringInfo text, Oid relid)
{
	ForeignTable *table = GetForeignTable(relid);
	HeapTuple	tuple = SearchSysCache1(FOREIGNTABLEREL, ObjectIdGetDatum(relid));
	bool		isNull;
	Datum		options = SysCacheGetAttr(FOREIGNTABLEREL, tuple,
										  Anum_pg_foreign_table_ftoptions, &isNull);

	appendStringInfo(text, " SERVER %s",
					 quote_identifier(GetForeignServer(table->serverid)->servername));
	if (!isNull)
		appendStringInfo(text, " OPTIONS (%s)", deparse_fdw_options(options));
	ReleaseSysCache(tuple);
}

static List *
create_table(List *texts, Relation relation, int parts)
{
	Form_pg_class form = relation->rd_rel;
	Oid			relid = RelationGetRelid(relation);
	char	   *options = storage_options(relation);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE %sTABLE %s (%s)",
					 form->relkind == RELKIND_FOREIGN_TABLE ? "FOREIGN " :
					 form->relpersistence == RELPERSISTENCE_UNLOGGED ? "UNLOGGED " : "",
					 catalog_qualified_name(relid), columns_text(relation, parts));
	if (form->relkind == RELKIND_PARTITIONED_TABLE)
	{
		Datum		key = DirectFunctionCall1(pg_get_partkeydef, ObjectIdGetDatum(relid));

		appendStringInfo(&out, " PARTITION BY %s", TextDatumGetCString(key));
	}
	if (form->relkind == RELKIND_FOREIGN_TABLE)
		append_server(&out, relid);
	else if (OidIsValid(form->relam))
		appendStringInfo(&out, " USING %s", quote_identifier(get_am_name(form->relam)));
	if (*options != '\0')
		appendStringInfo(&out, " WITH (%s)", options);
	return column_settings(lappend(texts, out.data), relation);
}

static List *
attach_partition(List *texts, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	bool		isNull;
	Datum		bound;

	if (!relation->rd_rel->relispartition)
		return deparse_inherit(texts, relation);
	bound = class_attribute(relid, Anum_pg_class_relpartbound, &isNull);
	if (isNull)
		elog(ERROR, "partition %u has no bound", relid);
	bound = DirectFunctionCall2(pg_get_expr, bound, ObjectIdGetDatum(relid));
	return deparse_append(texts, "ALTER TABLE %s ATTACH PARTITION %s %s",
						  catalog_qualified_name(get_partition_parent(relid, true)),
						  catalog_qualified_name(relid), TextDatumGetCString(bound));
}

/* the type whose columns a shell has */
static List *
bind_type(List *texts, Relation relation)
{
	Oid			type = relation->rd_rel->reloftype;

	if (!OidIsValid(type))
		return texts;
	return deparse_append(texts, "ALTER TABLE %s OF %s",
						  catalog_qualified_name(RelationGetRelid(relation)),
						  format_type_be_qualified(type));
}

/* serial columns own their sequences, which exist already as dependencies */
static List *
own_sequences(List *texts, Relation relation)
{
	ListCell   *cell;

	foreach(cell, getOwnedSequences(RelationGetRelid(relation)))
	{
		Oid			sequence = lfirst_oid(cell);
		Oid			table;
		int32		attno;

		if (!sequenceIsOwned(sequence, DEPENDENCY_AUTO, &table, &attno))
			continue;
		texts = deparse_append(texts, "ALTER SEQUENCE %s OWNED BY %s.%s",
							   catalog_qualified_name(sequence), catalog_qualified_name(table),
							   quote_identifier(get_attname(table, attno, false)));
	}
	return texts;
}

static List *
table_parts(Relation relation, int parts)
{
	List	   *texts = NIL;
	char	   *name = catalog_qualified_name(RelationGetRelid(relation));

	if (parts & TABLE_DDL_CREATE)
		texts = create_table(texts, relation, parts);
	if (parts & TABLE_DDL_OWNER)
		texts = deparse_owner(texts, "TABLE", name, relation->rd_rel->relowner);
	if ((parts & TABLE_DDL_DEFAULTS) && (parts & TABLE_DDL_CREATE))
		texts = bind_type(own_sequences(texts, relation), relation);
	if (parts & (TABLE_DDL_CHECKS | TABLE_DDL_UNVALIDATED))
		texts = deparse_table_checks(texts, relation, parts);
	if (parts & TABLE_DDL_INDEXES)
		texts = deparse_table_indexes(texts, relation);
	if (parts & TABLE_DDL_ATTACH)
		texts = attach_partition(texts, relation);
	if (parts & TABLE_DDL_OWN_PARTS)
		texts = deparse_own_parts(texts, relation);
	if (parts & TABLE_DDL_REPLICA_IDENTITY)
		texts = deparse_table_replica_identity(texts, relation);
	if (parts & TABLE_DDL_FOREIGN_KEYS)
		texts = deparse_table_foreign_keys(texts, relation);
	if (parts & TABLE_DDL_STATISTICS)
		texts = deparse_table_statistics(texts, relation);
	if (parts & TABLE_DDL_SECURITY)
		texts = deparse_table_security(texts, relation);
	if (parts & TABLE_DDL_POLICIES)
		texts = deparse_table_policies(texts, relation);
	if (parts & TABLE_DDL_RULES)
		texts = deparse_table_rules(texts, relation);
	if (parts & TABLE_DDL_TRIGGERS)
		texts = deparse_table_triggers(texts, relation);
	if (parts & TABLE_DDL_COMMENTS)
		texts = deparse_table_comments(texts, relation);
	return texts;
}

/*
 * Palloc'd in the current context.  Keeps AccessShareLock on the table.  Raises 42809 for what is
 * no table.
 */
List *
deparse_table_ddl(Oid relid, int parts)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	char		kind = relation->rd_rel->relkind;
	int			level;
	List	   *texts;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a table", RelationGetRelationName(relation)));
	level = deparse_settings_begin();
	texts = table_parts(relation, parts);
	deparse_settings_end(level);
	relation_close(relation, NoLock);
	return texts;
}
