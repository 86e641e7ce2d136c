/*
 * routing_sql.c
 *	  SQL functions that show tokens and shards of values.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "routing/routing_internal.h"

PG_FUNCTION_INFO_V1(worker_hash);
PG_FUNCTION_INFO_V1(get_shard_id_for_distribution_column);
PG_FUNCTION_INFO_V1(row_tid);
PG_FUNCTION_INFO_V1(row_version);
PG_FUNCTION_INFO_V1(is_row);
PG_FUNCTION_INFO_V1(token_is_between);
PG_FUNCTION_INFO_V1(key_is_given);


/* A literal without a type reaches an "any" argument as a C string of type unknown. */
static Datum
argument_value(FunctionCallInfo fcinfo, int n, Oid *type)
{
	*type = get_fn_expr_argtype(fcinfo->flinfo, n);
	if (!OidIsValid(*type))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("could not determine data type of argument %d", n + 1));
	if (*type == UNKNOWNOID)
	{
		*type = TEXTOID;
		return PG_ARGISNULL(n) ? (Datum) 0 : CStringGetTextDatum(PG_GETARG_CSTRING(n));
	}
	return PG_GETARG_DATUM(n);
}

/* the token of argument 0, which is not NULL */
static int32
token_of_argument(FunctionCallInfo fcinfo)
{
	ShardRouter *router = fcinfo->flinfo->fn_extra;
	Oid			type;
	Datum		value = argument_value(fcinfo, 0, &type);

	if (router == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (!OidIsValid(routing_hash_family(type)))
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot hash a value of type %s", format_type_be(type)));
		router = routing_router_make(type, PG_GET_COLLATION());
		fcinfo->flinfo->fn_extra = router;
		MemoryContextSwitchTo(old);
	}
	return routing_token(router, value);
}

/* worker_hash(value "any") returns int: the token of a value */
Datum
worker_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(token_of_argument(fcinfo));
}

/* token_is_between(value "any", low int, high int) returns bool */
Datum
token_is_between(PG_FUNCTION_ARGS)
{
	int32		token;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	token = PG_ARGISNULL(0) ? PG_INT32_MIN : token_of_argument(fcinfo);
	PG_RETURN_BOOL(token >= PG_GETARG_INT32(1) && token <= PG_GETARG_INT32(2));
}

/* key_is_given(value "any", name text) returns bool */
Datum
key_is_given(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("null value in distribution column %s",
						PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1)))));
	PG_RETURN_BOOL(true);
}

/* The value as the key's type: by the assignment cast where there is one, else through its text. */
static Datum
coerce_to_key(const DistTable *table, Oid type, Datum value, bool *isNull)
{
	Const	   *input;
	Node	   *coerced;
	Expr	   *result;

	if (type != TEXTOID &&
		can_coerce_type(1, &type, (Oid[]) {table->keyType}, COERCION_ASSIGNMENT))
	{
		input = makeConst(type, -1, get_typcollation(type), get_typlen(type), value, false,
						  get_typbyval(type));
		coerced = coerce_to_target_type(NULL, (Node *) input, type, table->keyType,
										table->keyTypmod, COERCION_ASSIGNMENT,
										COERCE_IMPLICIT_CAST, -1);
	}
	else
	{
		Oid			output;
		bool		isVarlena;
		char	   *text;

		getTypeOutputInfo(type, &output, &isVarlena);
		text = OidOutputFunctionCall(output, value);
		input = makeConst(UNKNOWNOID, -1, InvalidOid, -2, CStringGetDatum(text), false, false);
		coerced = coerce_to_target_type(NULL, (Node *) input, UNKNOWNOID, table->keyType,
										table->keyTypmod, COERCION_ASSIGNMENT,
										COERCE_IMPLICIT_CAST, -1);
	}
	if (coerced == NULL)
		ereport(ERROR,
				errcode(ERRCODE_CANNOT_COERCE),
				errmsg("cannot cast type %s to %s", format_type_be(type),
					   format_type_be(table->keyType)));

	result = evaluate_expr((Expr *) coerced, table->keyType, table->keyTypmod,
						   table->keyCollation);
	*isNull = ((Const *) result)->constisnull;
	return ((Const *) result)->constvalue;
}

static void
check_readable(Oid relid)
{
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

/*
 * get_shard_id_for_distribution_column(table_name regclass, distribution_value "any") returns
 * bigint: the shard in which a row with this key lives, null when there is none
 */
Datum
get_shard_id_for_distribution_column(PG_FUNCTION_ARGS)
{
	const DistTable *table;
	Oid			relid;
	Oid			type;
	Datum		value;
	bool		isNull = PG_ARGISNULL(1);
	int			index = 0;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("table name cannot be null"));
	relid = PG_GETARG_OID(0);
	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	check_readable(relid);
	table = catalog_table_get(relid);
	if (table == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				errmsg("table \"%s\" is not distributed", get_rel_name(relid)));

	if (DIST_TABLE_HAS_KEY(table))
	{
		if (isNull || table->kind != DIST_TABLE_HASH)
			(void) routing_shard_of_value(table, NULL, (Datum) 0, true);	/* raises */
		value = argument_value(fcinfo, 1, &type);
		value = coerce_to_key(table, type, value, &isNull);
		if (isNull)
			(void) routing_shard_of_value(table, NULL, (Datum) 0, true);
		index = routing_shard_of_token(table, routing_token(routing_router_for(table), value));
	}
	if (index < 0 || index >= table->nshards)
		PG_RETURN_NULL();
	PG_RETURN_INT64(table->shards[index]->id);
}


/* citus_internal.row_tid(tableoid oid, ctid tid) returns tid: see routing_tid() */
Datum
row_tid(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ItemPointer place = (ItemPointer) PG_GETARG_POINTER(1);
	ItemPointer result = palloc(sizeof(ItemPointerData));
	ShardId		id;
	Oid			shell;

	/* looked up each time: the catalog's cache is as quick as one of ours would be */
	if (!catalog_relation_is_shard(relid, &id, &shell))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("relation with OID %u is not a shard", relid));
	routing_tid(catalog_table_get(shell), catalog_shard_get(id)->index, place, result);
	PG_RETURN_POINTER(result);
}

/* the shard's relation on this node; invalid when it has no rows of its own here */
static Oid
relation_of_shard(ShardId id)
{
	const Shard *shard = catalog_shard_get(id);
	Oid			relid;

	if (shard == NULL)
		return InvalidOid;
	relid = get_relname_relid(catalog_shard_relname(shard),
							  get_rel_namespace(shard->relid));
	return get_rel_relkind(relid) == RELKIND_RELATION ? relid : InvalidOid;
}

/*
 * citus_internal.row_version(shard bigint, place tid) returns tid: where the row is now that was at
 * this place of the shard, as the statement sees it; NULL if there is nothing.  What WHERE CURRENT
 * OF means on one server, where a cursor's row may have been changed since it was fetched.
 */
Datum
row_version(PG_FUNCTION_ARGS)
{
	Oid			relid = relation_of_shard(PG_GETARG_INT64(0));
	ItemPointer tid = palloc(sizeof(ItemPointerData));
	Relation	relation;
	TableScanDesc scan;
	bool		valid;

	ItemPointerCopy((ItemPointer) PG_GETARG_POINTER(1), tid);
	if (!OidIsValid(relid))
		PG_RETURN_NULL();
	relation = table_open(relid, AccessShareLock);
	scan = table_beginscan_tid(relation, GetActiveSnapshot());
	valid = ItemPointerIsValid(tid) && table_tuple_tid_valid(scan, tid);
	if (valid)
		table_tuple_get_latest_tid(scan, tid);
	table_endscan(scan);
	table_close(relation, NoLock);
	if (!valid)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(tid);
}

/*
 * citus_internal.is_row(tableoid oid, ctid tid, shard bigint, place tid) returns boolean: never
 * called, for the text of statements has something else in its place (query_adapt.c).
 */
Datum
is_row(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("function is_row cannot be called"));
}
