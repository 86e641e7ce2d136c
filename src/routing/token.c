/*
 * token.c
 *	  The token of a value, and the shard that owns a token.
 *
 * Owns ShardRouter, a tree of hash steps for one type.  Most types are one step: the server's own
 * 32-bit hash function.  Types whose server hash is made of OIDs, which differ between nodes, are
 * opened up until a value with a name is reached; README.md gives the formulas, which can never
 * change, as rows are stored by them.
 *
 * Invariants: (1) for a type without names in it the token is the server's hash; (2) equal values
 * of types in one hash operator family have equal tokens, whatever their type, as far as (1) goes.
 *
 * Conditions are prune.c's and quals.c's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "routing/routing_internal.h"

typedef enum TokenStep
{
	TOKEN_SERVER,				/* the server's hash function */
	TOKEN_ENUM,					/* hash of the label */
	TOKEN_OBJECT,				/* hash of the object's identity text */
	TOKEN_ARRAY,
	TOKEN_RANGE,
	TOKEN_MULTIRANGE,
	TOKEN_COMPOSITE
} TokenStep;

struct ShardRouter
{
	TokenStep	step;
	Oid			type;			/* domains replaced by their base type */
	Oid			collation;

	FmgrInfo	hash;			/* TOKEN_SERVER */
	Oid			classId;		/* TOKEN_OBJECT */

	/* TOKEN_ARRAY, TOKEN_RANGE, TOKEN_MULTIRANGE: of the element */
	ShardRouter *element;
	TypeCacheEntry *rangeType;	/* TOKEN_RANGE, TOKEN_MULTIRANGE */
	int16		elementLength;	/* TOKEN_ARRAY */
	bool		elementByValue;
	char		elementAlign;

	/* TOKEN_COMPOSITE: by attribute number - 1; NULL for dropped columns */
	int			nfields;
	ShardRouter **fields;
};

/* types whose values are OIDs of objects, and the catalog of those objects */
static const struct
{
	Oid			type;
	Oid			classId;
}			objectTypes[] = {
	{REGPROCOID, ProcedureRelationId},
	{REGPROCEDUREOID, ProcedureRelationId},
	{REGOPEROID, OperatorRelationId},
	{REGOPERATOROID, OperatorRelationId},
	{REGCLASSOID, RelationRelationId},
	{REGCOLLATIONOID, CollationRelationId},
	{REGTYPEOID, TypeRelationId},
	{REGROLEOID, AuthIdRelationId},
	{REGNAMESPACEOID, NamespaceRelationId},
	{REGCONFIGOID, TSConfigRelationId},
	{REGDICTIONARYOID, TSDictionaryRelationId}
};

Oid
routing_object_class(Oid type)
{
	for (int i = 0; i < lengthof(objectTypes); i++)
	{
		if (objectTypes[i].type == type)
			return objectTypes[i].classId;
	}
	return InvalidOid;
}

/* the element type of a varlena array type; oidvector and the like are hashed by the server */
static Oid
array_element_type(Oid type)
{
	Oid			element = get_element_type(type);

	return type_is_array(type) ? element : InvalidOid;
}

/* true if the server's hash of some part of the (base) type is made of OIDs */
static bool
type_has_names(Oid type)
{
	bool		found = false;

	check_stack_depth();
	if (type_is_enum(type) || OidIsValid(routing_object_class(type)))
		return true;
	if (OidIsValid(array_element_type(type)))
		return type_has_names(getBaseType(array_element_type(type)));
	if (type_is_range(type))
		return type_has_names(getBaseType(get_range_subtype(type)));
	if (type_is_multirange(type))
		return type_has_names(get_multirange_range(type));
	if (get_typtype(type) == TYPTYPE_COMPOSITE)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);

		for (int i = 0; i < desc->natts && !found; i++)
		{
			Form_pg_attribute attr = TupleDescAttr(desc, i);

			found = !attr->attisdropped && type_has_names(getBaseType(attr->atttypid));
		}
		ReleaseTupleDesc(desc);
	}
	return found;
}

static void
make_server_step(ShardRouter *router)
{
	TypeCacheEntry *entry = lookup_type_cache(router->type, TYPECACHE_HASH_OPFAMILY |
											  TYPECACHE_HASH_PROC);

	if (!OidIsValid(entry->hash_opf))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("data type %s has no default operator class for access method \"%s\"",
					   format_type_be(router->type), "hash"));
	if (!OidIsValid(entry->hash_proc))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("could not identify a hash function for type %s",
					   format_type_be(router->type)));

	router->step = TOKEN_SERVER;
	fmgr_info(entry->hash_proc, &router->hash);
	if (!OidIsValid(router->collation))
		router->collation = get_typcollation(router->type);
}

static void
make_array_step(ShardRouter *router)
{
	Oid			element = array_element_type(router->type);

	router->step = TOKEN_ARRAY;
	router->element = routing_router_make(element, router->collation);
	get_typlenbyvalalign(element, &router->elementLength, &router->elementByValue,
						 &router->elementAlign);
}

static void
make_range_step(ShardRouter *router)
{
	Oid			range = router->type;

	router->step = TOKEN_RANGE;
	if (type_is_multirange(range))
	{
		router->step = TOKEN_MULTIRANGE;
		range = get_multirange_range(range);
	}
	router->rangeType = lookup_type_cache(range, TYPECACHE_RANGE_INFO);
	router->element = routing_router_make(router->rangeType->rngelemtype->type_id,
										  router->rangeType->rng_collation);
}

static void
make_composite_step(ShardRouter *router)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(router->type, -1);

	router->step = TOKEN_COMPOSITE;
	router->nfields = desc->natts;
	router->fields = palloc0(desc->natts * sizeof(ShardRouter *));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped)
			router->fields[i] = routing_router_make(attr->atttypid, attr->attcollation);
	}
	FreeTupleDesc(desc);
}

/* ---- routers that are kept ---- */

/*
 * Built-in types do not change, and their routers are wanted for each statement.  Those of one
 * step are kept for the session, under what was asked for.
 */
#define MAX_KEPT 16

static struct
{
	Oid			type;
	Oid			collation;
	ShardRouter *router;
}			kept[MAX_KEPT];
static int	nkept = 0;

static ShardRouter *
find_kept(Oid type, Oid collation)
{
	for (int i = 0; i < nkept; i++)
	{
		if (kept[i].type == type && kept[i].collation == collation)
			return kept[i].router;
	}
	return NULL;
}

static void
keep_router(Oid type, Oid collation, const ShardRouter *router)
{
	ShardRouter *copy;

	if (type >= FirstGenbkiObjectId || router->step != TOKEN_SERVER || nkept == MAX_KEPT)
		return;
	copy = MemoryContextAlloc(TopMemoryContext, sizeof(ShardRouter));
	*copy = *router;
	fmgr_info_copy(&copy->hash, unconstify(FmgrInfo *, &router->hash), TopMemoryContext);
	kept[nkept].type = type;
	kept[nkept].collation = collation;
	kept[nkept++].router = copy;
}

ShardRouter *
routing_router_make(Oid type, Oid collation)
{
	ShardRouter *router = find_kept(type, collation);

	if (router != NULL)
		return router;
	check_stack_depth();
	router = palloc0(sizeof(ShardRouter));
	router->type = getBaseType(type);
	router->collation = collation;

	if (!type_has_names(router->type))
		make_server_step(router);
	else if (type_is_enum(router->type))
		router->step = TOKEN_ENUM;
	else if (OidIsValid(routing_object_class(router->type)))
	{
		router->step = TOKEN_OBJECT;
		router->classId = routing_object_class(router->type);
	}
	else if (OidIsValid(array_element_type(router->type)))
		make_array_step(router);
	else if (type_is_range(router->type) || type_is_multirange(router->type))
		make_range_step(router);
	else
		make_composite_step(router);
	keep_router(type, collation, router);
	return router;
}

/* table must have a key */
ShardRouter *
routing_router_for(const DistTable *table)
{
	Assert(DIST_TABLE_HAS_KEY(table));
	return routing_router_make(table->keyType, table->keyCollation);
}

/*
 * A key hashed by names takes only values of its own kind (quals.c sees to it), perhaps under
 * another type of the same bytes, such as oid for regclass.
 */
ShardRouter *
routing_router_for_value(const DistTable *table, Oid valueType)
{
	Oid			keyType;

	/* what is kept has no names in it */
	if (find_kept(table->keyType, table->keyCollation) == NULL)
	{
		keyType = getBaseType(table->keyType);
		if (type_has_names(keyType))
			return routing_router_make(keyType, table->keyCollation);
		/* known by then for the next value */
		if (table->keyType < FirstGenbkiObjectId && nkept < MAX_KEPT)
			(void) routing_router_for(table);
	}
	return routing_router_make(valueType, table->keyCollation);
}

Oid
routing_hash_family(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(getBaseType(type), TYPECACHE_HASH_OPFAMILY |
											  TYPECACHE_HASH_PROC);

	return OidIsValid(entry->hash_proc) ? entry->hash_opf : InvalidOid;
}


/* ---- tokens ---- */

static uint32
hash_text_bytes(const char *string)
{
	return DatumGetUInt32(hash_any((const unsigned char *) string, strlen(string)));
}

static uint32
enum_token(Oid label)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label));
	uint32		token;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("invalid internal value for enum: %u", label));
	token = hash_text_bytes(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	ReleaseSysCache(tuple);
	return token;
}

/* Objects that do not exist (any more), and 0, are known by their number. */
static uint32
object_token(Oid classId, Oid objectId)
{
	ObjectAddress address;
	char	   *identity = NULL;

	ObjectAddressSet(address, classId, objectId);
	if (OidIsValid(objectId))
		identity = getObjectIdentity(&address, true);
	if (identity == NULL)
		identity = psprintf("%u", objectId);
	return hash_text_bytes(identity);
}

static uint32
array_token(ShardRouter *router, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	uint32		token = 1;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, ARR_ELEMTYPE(array), router->elementLength, router->elementByValue,
					  router->elementAlign, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		uint32		part = nulls[i] ? 0 : (uint32) routing_token(router->element, elements[i]);

		token = token * 31 + part;
	}
	return token;
}

static uint32
bounds_token(ShardRouter *router, const RangeBound *lower, const RangeBound *upper, bool empty)
{
	uint32		token;
	uint32		lowerToken = 0;
	uint32		upperToken = 0;
	uint32		flags = 0;

	/* the server's flag bits, which it stores in every range */
	if (empty)
		flags = RANGE_EMPTY;
	else
	{
		flags |= lower->infinite ? RANGE_LB_INF : lower->inclusive ? RANGE_LB_INC : 0;
		flags |= upper->infinite ? RANGE_UB_INF : upper->inclusive ? RANGE_UB_INC : 0;
		if (!lower->infinite)
			lowerToken = (uint32) routing_token(router->element, lower->val);
		if (!upper->infinite)
			upperToken = (uint32) routing_token(router->element, upper->val);
	}

	token = DatumGetUInt32(hash_uint32(flags)) ^ lowerToken;
	return pg_rotate_left32(token, 1) ^ upperToken;
}

static uint32
range_token(ShardRouter *router, Datum value)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(router->rangeType, DatumGetRangeTypeP(value), &lower, &upper, &empty);
	return bounds_token(router, &lower, &upper, empty);
}

static uint32
multirange_token(ShardRouter *router, Datum value)
{
	MultirangeType *multirange = DatumGetMultirangeTypeP(value);
	uint32		token = 1;

	for (uint32 i = 0; i < multirange->rangeCount; i++)
	{
		RangeBound	lower;
		RangeBound	upper;

		multirange_get_bounds(router->rangeType, multirange, i, &lower, &upper);
		token = token * 31 + bounds_token(router, &lower, &upper, false);
	}
	return token;
}

static uint32
composite_token(ShardRouter *router, Datum value)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(value);
	uint32		token = 0;

	for (int i = 0; i < router->nfields; i++)
	{
		bool		isNull;
		Datum		field;
		uint32		part = 0;

		if (router->fields[i] == NULL)
			continue;
		field = GetAttributeByNum(row, i + 1, &isNull);
		if (!isNull)
			part = (uint32) routing_token(router->fields[i], field);
		token = token * 31 + part;
	}
	return token;
}

/* May leave detoasted copies in the current context. */
int32
routing_token(ShardRouter *router, Datum value)
{
	switch (router->step)
	{
		case TOKEN_SERVER:
			return DatumGetInt32(FunctionCall1Coll(&router->hash, router->collation, value));
		case TOKEN_ENUM:
			return (int32) enum_token(DatumGetObjectId(value));
		case TOKEN_OBJECT:
			return (int32) object_token(router->classId, DatumGetObjectId(value));
		case TOKEN_ARRAY:
			return (int32) array_token(router, value);
		case TOKEN_RANGE:
			return (int32) range_token(router, value);
		case TOKEN_MULTIRANGE:
			return (int32) multirange_token(router, value);
		case TOKEN_COMPOSITE:
			return (int32) composite_token(router, value);
	}
	elog(ERROR, "unknown token step %d", (int) router->step);
}


/* ---- shards ---- */

int
routing_shard_of_token(const DistTable *table, int32 token)
{
	int			low = 0;
	int			high = table->nshards - 1;

	/* most tables have shards of equal width, where the first guess is right */
	int			middle = (int) (((int64) token - PG_INT32_MIN) * table->nshards >> 32);

	for (; low <= high; middle = low + (high - low) / 2)
	{
		const Shard *shard = table->shards[middle];

		if (!shard->hasRange)
			return -1;
		if (token < shard->minToken)
			high = middle - 1;
		else if (token > shard->maxToken)
			low = middle + 1;
		else
			return middle;
	}
	return -1;
}

/* where the table itself forbids it, its user knows the server's error */
static void
raise_not_null(const DistTable *table, const char *column)
{
	const char *name = get_rel_name(table->relid);

	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("null value in column \"%s\" of relation \"%s\" violates not-null constraint",
					column, name),
			 err_generic_string(PG_DIAG_SCHEMA_NAME,
								get_namespace_name(get_rel_namespace(table->relid))),
			 err_generic_string(PG_DIAG_TABLE_NAME, name),
			 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
}

static bool
key_is_not_null(const DistTable *table)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table->relid),
										Int16GetDatum(table->keyAttno));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return result;
}

void
routing_refuse_null(const DistTable *table, const char *detail)
{
	if (key_is_not_null(table))
		raise_not_null(table, get_attname(table->relid, table->keyAttno, false));
	ereport(ERROR,
			errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			errmsg("null value in distribution column \"%s\" of table \"%s\"",
				   get_attname(table->relid, table->keyAttno, false),
				   get_rel_name(table->relid)),
			detail != NULL ? errdetail_internal("%s", detail) : 0);
}

/* Raises 55000 when no shard holds the value's token, 0A000 for tables not cut by hash. */
int
routing_shard_of_value(const DistTable *table, ShardRouter *router, Datum value, bool isNull)
{
	int			index;

	if (!DIST_TABLE_HAS_KEY(table))
		return 0;
	if (table->kind != DIST_TABLE_HASH)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot choose a shard of table \"%s\" by value",
					   get_rel_name(table->relid)),
				errdetail("Only hash-distributed tables have shards chosen by value."));
	if (isNull)
		routing_refuse_null(table, NULL);

	index = routing_shard_of_token(table, routing_token(router, value));
	if (index < 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("no shard of table \"%s\" holds the value of distribution column \"%s\"",
					   get_rel_name(table->relid),
					   get_attname(table->relid, table->keyAttno, false)));
	return index;
}

void
routing_shard_range(int index, int nshards, int32 *minToken, int32 *maxToken)
{
	int64		width = (INT64CONST(1) << 32) / nshards;
	int64		min = PG_INT32_MIN + index * width;

	Assert(nshards > 0 && index >= 0 && index < nshards);
	*minToken = (int32) min;
	*maxToken = index == nshards - 1 ? PG_INT32_MAX : (int32) (min + width - 1);
}
