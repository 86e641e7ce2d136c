/*
 * packed.c
 *	  Which types' values aggregates in two steps may pack.
 *
 * Invariant: the order and the equality of the type's default btree operators are those of its
 * bytes as a number, NaN and the two zeros of floating point aside.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "citus/plan/packed.h"

static const struct
{
	Oid			type;
	PackedKind	kind;
}			packedTypes[] =
{
	{BOOLOID, PACKED_BOOL},
	{OIDOID, PACKED_OID},
	{INT2OID, PACKED_INT2},
	{INT4OID, PACKED_INT4},
	{DATEOID, PACKED_INT4},
	{FLOAT4OID, PACKED_FLOAT4},
	{INT8OID, PACKED_INT8},
	{TIMEOID, PACKED_INT8},
	{TIMESTAMPOID, PACKED_INT8},
	{TIMESTAMPTZOID, PACKED_INT8},
	{MONEYOID, PACKED_INT8},
	{FLOAT8OID, PACKED_FLOAT8},
};

PackedKind
plan_packed_kind(Oid type)
{
	Oid			base = OidIsValid(type) ? getBaseType(type) : InvalidOid;

	for (int i = 0; i < lengthof(packedTypes); i++)
	{
		if (packedTypes[i].type == base)
			return packedTypes[i].kind;
	}
	return PACKED_NOT;
}
