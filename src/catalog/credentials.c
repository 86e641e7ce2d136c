/*
 * credentials.c
 *	  How to reach a node and with which secret: pg_dist_authinfo and pg_dist_poolinfo; the
 *	  secret of the cluster, by which nodes know each other.
 *
 * The first two hold connection strings of libpq's form key=value, of a few keys each.  They are
 * read here without libpq, which belongs to remote.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

#define ANY_NODE ((NodeId) 0)
#define LOOPBACK_NODE ((NodeId) -1)

/* ---- the form ---- */

static const char *
skip_spaces(const char *p)
{
	while (isspace((unsigned char) *p))
		p++;
	return p;
}

/* The end of a value, plain or in quotes, with backslash escapes; NULL if a quote is not closed. */
static const char *
skip_value(const char *p)
{
	if (*p != '\'')
	{
		while (*p != '\0' && !isspace((unsigned char) *p))
		{
			if (*p == '\\' && p[1] != '\0')
				p++;
			p++;
		}
		return p;
	}
	for (p++; *p != '\''; p++)
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p == '\0')
			return NULL;
	}
	return p + 1;
}

static bool
key_is_allowed(const char *key, size_t length, const char *const *allowed)
{
	for (; *allowed != NULL; allowed++)
	{
		if (strlen(*allowed) == length && strncmp(*allowed, key, length) == 0)
			return true;
	}
	return false;
}

/* True when text is a list of key=value with keys out of allowed, a NULL-terminated array. */
bool
catalog_conninfo_is_valid(const char *text, const char *const *allowed)
{
	const char *p = skip_spaces(text);

	while (*p != '\0')
	{
		const char *key = p;
		size_t		length = strcspn(p, "= \t\n\r\f\v");

		if (!key_is_allowed(key, length, allowed))
			return false;
		p = skip_spaces(p + length);
		if (*p != '=')
			return false;
		p = skip_value(skip_spaces(p + 1));
		if (p == NULL)
			return false;
		p = skip_spaces(p);
	}
	return true;
}

/* ---- reading ---- */

/* The smaller the better; -1: does not apply. */
static int
authinfo_rank(NodeId row, NodeId wanted)
{
	if (row == wanted)
		return 0;
	if (row == LOOPBACK_NODE && wanted == catalog_local_node_id())
		return 1;
	return row == ANY_NODE ? 2 : -1;
}

/* Palloc'd text of the row that fits best. */
char *
catalog_authinfo(NodeId nodeId, const char *role)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char	   *best = NULL;
	int			bestRank = INT_MAX;
	bool		isNull;

	if (!base_extension_is_active())
		return NULL;
	catalog_key_name(&key, AUTHINFO_ROLE, role);
	catalog_scan_begin(&scan, REL_AUTHINFO, REL_AUTHINFO_INDEX, 1, &key, AccessShareLock);
	while (HeapTupleIsValid(tuple = catalog_scan_next(&scan)))
	{
		NodeId		row =
			DatumGetInt32(catalog_scan_value(&scan, tuple, AUTHINFO_NODE, &isNull));
		int			rank = authinfo_rank(row, nodeId);

		if (rank >= 0 && rank < bestRank)
		{
			best = TextDatumGetCString(catalog_scan_value(&scan, tuple, AUTHINFO_TEXT,
														  &isNull));
			bestRank = rank;
		}
	}
	catalog_scan_end(&scan);
	return best;
}

static unsigned char *
secret_of(CatalogScan *scan, HeapTuple tuple, AttrNumber column)
{
	bool		isNull;
	Datum		value = catalog_scan_value(scan, tuple, column, &isNull);
	bytea	   *bytes = isNull ? NULL : DatumGetByteaPP(value);

	if (bytes == NULL || VARSIZE_ANY_EXHDR(bytes) != BASE_SECRET_SIZE)
		return NULL;
	return memcpy(palloc(BASE_SECRET_SIZE), VARDATA_ANY(bytes), BASE_SECRET_SIZE);
}

/* Both palloc'd; NULL where there is none, for instance while the extension is being created. */
unsigned char *
catalog_secrets(unsigned char **second)
{
	CatalogScan scan;
	HeapTuple	tuple;
	unsigned char *secret = NULL;

	*second = NULL;
	if (!base_extension_is_active())
		return NULL;
	catalog_scan_begin(&scan, REL_SECRET, REL_SECRET, 0, NULL, AccessShareLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		secret = secret_of(&scan, tuple, SECRET_BYTES);
		*second = secret_of(&scan, tuple, SECRET_SECOND);
	}
	catalog_scan_end(&scan);
	return secret;
}

unsigned char *
catalog_secret(void)
{
	unsigned char *second;

	return catalog_secrets(&second);
}

static Datum
secret_datum(const unsigned char *secret)
{
	bytea	   *bytes = palloc(VARHDRSZ + BASE_SECRET_SIZE);

	SET_VARSIZE(bytes, VARHDRSZ + BASE_SECRET_SIZE);
	memcpy(VARDATA(bytes), secret, BASE_SECRET_SIZE);
	return PointerGetDatum(bytes);
}

/* second may be NULL */
void
catalog_secret_set(const unsigned char *secret, const unsigned char *second)
{
	Relation	relation = table_open(catalog_relation_oid(REL_SECRET), RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	Datum		values[2] = {secret_datum(secret)};
	bool		nulls[2] = {false, second == NULL};
	HeapTuple	fresh;

	if (second != NULL)
		values[1] = secret_datum(second);
	fresh = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	if (HeapTupleIsValid(tuple))
		CatalogTupleUpdate(relation, &tuple->t_self, fresh);
	else
		CatalogTupleInsert(relation, fresh);
	systable_endscan(scan);
	table_close(relation, NoLock);
}

/* Palloc'd text; NULL if the node has no pooler. */
char *
catalog_poolinfo(NodeId nodeId)
{
	CatalogScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char	   *result = NULL;
	bool		isNull;

	if (!base_extension_is_active())
		return NULL;
	catalog_key_int4(&key, POOLINFO_NODE, nodeId);
	catalog_scan_begin(&scan, REL_POOLINFO, REL_POOLINFO_INDEX, 1, &key, AccessShareLock);
	tuple = catalog_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		result = TextDatumGetCString(catalog_scan_value(&scan, tuple, POOLINFO_TEXT, &isNull));
	catalog_scan_end(&scan);
	return result;
}
