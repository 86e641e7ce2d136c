/*
 * objects_sql.c
 *	  The functions of citus_internal about objects: making them here for another node, and their
 *	  rows in pg_dist_object.
 *
 * An object is named by the arguments of pg_get_object_address(): (type, names, args).
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/compat.h"
#include "citus/base/lifecycle.h"
#include "citus/base/session.h"
#include "citus/deparse/object.h"
#include "cluster/cluster_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_create_object);
PG_FUNCTION_INFO_V1(citus_internal_add_object_metadata);
PG_FUNCTION_INFO_V1(citus_internal_delete_object_metadata);
PG_FUNCTION_INFO_V1(citus_internal_forget_dropped);

/*
 * The operator of one operand that the arguments name, which pg_get_object_address() cannot find:
 * it wants two.  False when they name something else; raises 42883.
 */
static bool
find_prefix_operator(FunctionCallInfo fcinfo, ObjectAddress *address)
{
	Datum	   *names;
	Datum	   *args;
	Oid			type;
	Oid			operatorId;

	if (strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), "operator") != 0 ||
		cluster_array_arg(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, &names, NULL) != 2 ||
		cluster_array_arg(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, &args, NULL) != 1)
		return false;
	type = DatumGetObjectId(DirectFunctionCall1(regtypein,
												CStringGetDatum(TextDatumGetCString(args[0]))));
	operatorId = OpernameGetOprid(list_make2(makeString(TextDatumGetCString(names[0])),
											 makeString(TextDatumGetCString(names[1]))),
								  InvalidOid, type);
	if (!OidIsValid(operatorId))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("operator does not exist: %s.%s %s", TextDatumGetCString(names[0]),
						TextDatumGetCString(names[1]), format_type_be(type))));
	ObjectAddressSet(*address, OperatorRelationId, operatorId);
	return true;
}

/* the address of arguments 0 to 2; raises 42704 */
static ObjectAddress
address_args(FunctionCallInfo fcinfo)
{
	HeapTupleHeader record;
	ObjectAddress address;
	bool		isNull;

	if (find_prefix_operator(fcinfo, &address))
		return address;
	record = DatumGetHeapTupleHeader(OidFunctionCall3(F_PG_GET_OBJECT_ADDRESS,
													  PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
													  PG_GETARG_DATUM(2)));
	address.classId = DatumGetObjectId(GetAttributeByNum(record, 1, &isNull));
	address.objectId = DatumGetObjectId(GetAttributeByNum(record, 2, &isNull));
	address.objectSubId = DatumGetInt32(GetAttributeByNum(record, 3, &isNull));
	return address;
}

/* what is said of a name that means nothing here, or of one whose schema, type, .. does */
static bool
says_missing(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INVALID_SCHEMA_NAME;
}

/* AddressCall: arguments and the object that they name */
typedef struct AddressCall
{
	FunctionCallInfo fcinfo;
	ObjectAddress address;
} AddressCall;

static void
read_address(void *argument)
{
	AddressCall *call = argument;

	call->address = address_args(call->fcinfo);
}

/* the same; false instead of an error when there is no such object */
static bool
find_address(FunctionCallInfo fcinfo, ObjectAddress *address)
{
	AddressCall call = {fcinfo};
	ErrorData  *error = base_try_subtransaction(read_address, &call, true);

	if (error != NULL && !says_missing(error->sqlerrcode))
		ReThrowError(error);
	*address = call.address;
	return error == NULL;
}

static bool
list_equals_array(List *strings, ArrayType *array)
{
	Datum	   *values;
	int			n = cluster_array_arg(array, TEXTOID, &values, NULL);

	if (n != list_length(strings))
		return false;
	for (int i = 0; i < n; i++)
		if (strcmp(list_nth(strings, i), TextDatumGetCString(values[i])) != 0)
			return false;
	return true;
}

/* ---- making ---- */

static void
run_statement(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	SPI_finish();
}

/* Kinds that CREATE neither replaces nor skips: the catalog of their names, and their statements */
typedef struct RenamedKind
{
	Oid			classId;
	int			cache;
	AttrNumber	name;
	AttrNumber	schema;
	const char *statement;
} RenamedKind;

static const RenamedKind renamed_kinds[] = {
	{TypeRelationId, TYPEOID, Anum_pg_type_typname, Anum_pg_type_typnamespace, "TYPE"},
	{CollationRelationId, COLLOID, Anum_pg_collation_collname,
	Anum_pg_collation_collnamespace, "COLLATION"},
	{TSConfigRelationId, TSCONFIGOID, Anum_pg_ts_config_cfgname,
	Anum_pg_ts_config_cfgnamespace, "TEXT SEARCH CONFIGURATION"},
	{TSDictionaryRelationId, TSDICTOID, Anum_pg_ts_dict_dictname,
	Anum_pg_ts_dict_dictnamespace, "TEXT SEARCH DICTIONARY"},
};

/* an array type that came with its element's: CREATE TYPE gives it another name by itself */
static bool
is_made_array(const ObjectAddress *address)
{
	return address->classId == TypeRelationId &&
		get_array_type(get_element_type(address->objectId)) == address->objectId;
}

/*
 * Moves an object of another definition out of the way: what depends on it here keeps it, under a
 * name of its own.  Nothing to do for kinds that are replaced or skipped.
 */
static void
rename_away(const ObjectAddress *address)
{
	if (is_made_array(address))
		return;
	for (int i = 0; i < lengthof(renamed_kinds); i++)
	{
		const RenamedKind *kind = &renamed_kinds[i];
		HeapTuple	tuple;
		char	   *name;
		char	   *schema;
		bool		isNull;
		int			length;

		if (kind->classId != address->classId)
			continue;
		tuple = SearchSysCache1(kind->cache, ObjectIdGetDatum(address->objectId));
		if (!HeapTupleIsValid(tuple))
			return;
		name = pstrdup(NameStr(*DatumGetName(SysCacheGetAttr(kind->cache, tuple, kind->name,
															 &isNull))));
		schema = get_namespace_name(DatumGetObjectId(SysCacheGetAttr(kind->cache, tuple,
																	 kind->schema, &isNull)));
		ReleaseSysCache(tuple);
		length = pg_mbcliplen(name, strlen(name), NAMEDATALEN - 20);
		run_statement(psprintf("ALTER %s %s RENAME TO %s", kind->statement,
							   quote_qualified_identifier(schema, name),
							   quote_identifier(psprintf("%.*s_backup_%u", length, name,
														 address->objectId))));
		return;
	}
}

/*
 * (type, names, args, statements): makes the object by the statements, unless it is here with the
 * same definition.  Runs as the caller, who gains nothing by it.
 */
Datum
citus_internal_create_object(PG_FUNCTION_ARGS)
{
	Datum	   *statements;
	int			n = cluster_array_arg(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, &statements, NULL);
	ObjectAddress address;
	bool		exists;

	base_require_node_command(fcinfo);
	exists = find_address(fcinfo, &address);
	if (exists && list_equals_array(deparse_object_ddl(&address), PG_GETARG_ARRAYTYPE_P(3)))
		PG_RETURN_VOID();
	base_frame_push(FRAME_OWN_DDL);
	if (exists)
		rename_away(&address);
	for (int i = 0; i < n; i++)
		run_statement(TextDatumGetCString(statements[i]));
	base_frame_pop(FRAME_OWN_DDL);
	PG_RETURN_VOID();
}

/* ---- rows of pg_dist_object ---- */

static void
require_object_owner(const ObjectAddress *address)
{
	/* roles have no owner; nor is there any other known object without one */
	if (!superuser() &&
		(address->classId == AuthIdRelationId || !cluster_object_is_owned(address)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of %s", getObjectDescription(address, false))));
}

/* (type, names, args) */
Datum
citus_internal_add_object_metadata(PG_FUNCTION_ARGS)
{
	ObjectAddress address;

	base_require_node_command(fcinfo);
	address = address_args(fcinfo);
	require_object_owner(&address);
	if (!catalog_object_is_distributed(&address))
		catalog_object_insert(&address);
	PG_RETURN_VOID();
}

/* the same arguments; no error when there is no such object */
Datum
citus_internal_delete_object_metadata(PG_FUNCTION_ARGS)
{
	char	   *wanted = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ListCell   *lc;

	base_require_node_command(fcinfo);
	foreach(lc, catalog_objects())
	{
		const ObjectAddress *address = lfirst(lc);
		char	   *type;
		List	   *names;
		List	   *args;

		if (!cluster_object_name(address, &type, &names, &args) || strcmp(type, wanted) != 0 ||
			!list_equals_array(names, PG_GETARG_ARRAYTYPE_P(1)) ||
			!list_equals_array(args, PG_GETARG_ARRAYTYPE_P(2)))
			continue;
		require_object_owner(address);
		catalog_object_delete(address);
		break;
	}
	PG_RETURN_VOID();
}

/* Rows of metadata about what does not exist (any more) go; harmless for anybody to call. */
void
cluster_forget_dropped(void)
{
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			catalog_table_delete(lfirst_oid(lc));
	foreach(lc, catalog_objects())
	{
		char	   *type;
		List	   *names;
		List	   *args;

		if (!cluster_object_name(lfirst(lc), &type, &names, &args))
			catalog_object_delete(lfirst(lc));
	}
}

Datum
citus_internal_forget_dropped(PG_FUNCTION_ARGS)
{
	base_require_node_command(fcinfo);
	cluster_forget_dropped();
	PG_RETURN_VOID();
}
