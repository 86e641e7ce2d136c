/*
 * citus/plan/packed.h
 *	  Types whose values aggregates in two steps may pack: numbers of fixed length that sort as the
 *	  values do.
 */
#ifndef CITUS_PLAN_PACKED_H
#define CITUS_PLAN_PACKED_H

typedef enum PackedKind
{
	PACKED_NOT,					/* values of the type are not packed */
	PACKED_BOOL,
	PACKED_OID,
	PACKED_INT2,
	PACKED_INT4,				/* date as well */
	PACKED_FLOAT4,
	PACKED_INT8,				/* time, timestamps and money as well */
	PACKED_FLOAT8
} PackedKind;

/* how values of the type, or of the type that a domain is over, are packed */
extern PackedKind plan_packed_kind(Oid type);

#endif
