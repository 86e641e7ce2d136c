/*
 * partkey.c
 *	  The text form of a distribution key in pg_dist_partition.partkey: a printed Var.
 *
 * It is written by the server's own printer, and read field by field here instead of by the
 * server's reader: the text may come from a user, who could otherwise have any node built, and
 * the fields of a Var differ between the majors.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "nodes/makefuncs.h"
#include "nodes/nodes.h"
#include "utils/syscache.h"

#include "catalog/catalog_internal.h"

bool
catalog_partkey_field(const char *text, const char *field, int64 *value)
{
	const char *found;
	char	   *end;

	if (strncmp(text, "{VAR ", 5) != 0)
		return false;
	found = strstr(text, field);
	if (found == NULL || found[strlen(field)] != ' ')
		return false;
	found += strlen(field) + 1;
	errno = 0;
	*value = strtoll(found, &end, 10);
	return errno == 0 && end != found && (*end == ' ' || *end == '}');
}

char *
catalog_partkey_text(Oid relid, AttrNumber attno)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
										Int16GetDatum(attno));
	Form_pg_attribute attribute;
	Var		   *var;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u", attno, relid);
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	var = makeVar(1, attno, attribute->atttypid, attribute->atttypmod,
				  attribute->attcollation, 0);
	ReleaseSysCache(tuple);
	return nodeToString(var);
}
