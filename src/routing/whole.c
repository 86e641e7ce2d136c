/*
 * whole.c
 *	  Keys that are whole numbers: types whose values follow each other one by one.
 *
 * Only such keys can be counted between two bounds.  Dates count in days; NULL is the caller's
 * to handle.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/date.h"

#include "routing/routing_internal.h"

/* false if the type is not one of those, or a domain over one */
bool
routing_whole_range(Oid type, int64 *low, int64 *high)
{
	switch (type)
	{
		case INT2OID:
			*low = PG_INT16_MIN;
			*high = PG_INT16_MAX;
			return true;
		case INT4OID:
		case DATEOID:
			*low = PG_INT32_MIN;
			*high = PG_INT32_MAX;
			return true;
		case INT8OID:
			*low = PG_INT64_MIN;
			*high = PG_INT64_MAX;
			return true;
		case OIDOID:
			*low = 0;
			*high = PG_UINT32_MAX;
			return true;
		default:
			return false;
	}
}

/* false as above */
bool
routing_whole_number(Oid type, Datum value, int64 *number)
{
	switch (type)
	{
		case INT2OID:
			*number = DatumGetInt16(value);
			return true;
		case INT4OID:
			*number = DatumGetInt32(value);
			return true;
		case DATEOID:
			*number = DatumGetDateADT(value);
			return true;
		case INT8OID:
			*number = DatumGetInt64(value);
			return true;
		case OIDOID:
			*number = DatumGetObjectId(value);
			return true;
		default:
			return false;
	}
}

/* number is within the range of type, which is one of those above */
Datum
routing_whole_datum(Oid type, int64 number)
{
	switch (type)
	{
		case INT2OID:
			return Int16GetDatum((int16) number);
		case INT4OID:
			return Int32GetDatum((int32) number);
		case DATEOID:
			return DateADTGetDatum((DateADT) number);
		case INT8OID:
			return Int64GetDatum(number);
		case OIDOID:
			return ObjectIdGetDatum((Oid) number);
		default:
			elog(ERROR, "type %u has no whole numbers", type);
	}
}
