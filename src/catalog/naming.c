/*
 * naming.c
 *	  Names of relations, of shards and of what belongs to them, and the way back from a relation to
 *	  its shard.
 *
 * The rule for shards is the same on every node and must stay so for ever: existing shards bear
 * these names.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

/* grows when a schema may have got another name */
static uint64 schemaNames = 0;

/*
 * name_<shard id>; if that is too long, what fits of name, then a hash of the whole name so that
 * names with a common beginning stay apart.
 */
char *
catalog_extend_name(const char *name, ShardId shardId)
{
	char		suffix[NAMEDATALEN];
	int			length = strlen(name);
	int			suffixLength = snprintf(suffix, sizeof(suffix), "_" INT64_FORMAT, shardId);

	if (length + suffixLength >= NAMEDATALEN)
	{
		uint32		hash = hash_bytes((const unsigned char *) name, length);

		suffixLength = snprintf(suffix, sizeof(suffix), "_%08x_" INT64_FORMAT, hash, shardId);
		length = pg_mbcliplen(name, length, NAMEDATALEN - 1 - suffixLength);
	}
	return psprintf("%.*s%s", length, name, suffix);
}

static void
refuse_missing(Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("relation with OID %u does not exist", relid)));
}

char *
catalog_relation_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		refuse_missing(relid);
	return name;
}

char *
catalog_qualified_name(Oid relid)
{
	char	   *name = catalog_relation_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	if (schema == NULL)
		refuse_missing(relid);
	return quote_qualified_identifier(schema, name);
}

Oid
catalog_relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		refuse_missing(relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

static char *
shell_name(const Shard *shard)
{
	char	   *name = get_rel_name(shard->relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation %u of shard " INT64_FORMAT " does not exist",
						shard->relid, shard->id)));
	return name;
}

char *
catalog_shard_relname(const Shard *shard)
{
	return catalog_extend_name(shell_name(shard), shard->id);
}

static char *
make_qualified_name(const Shard *shard)
{
	char	   *relname = catalog_shard_relname(shard);
	char	   *schema = get_namespace_name(get_rel_namespace(shard->relid));

	if (schema == NULL)
		elog(ERROR, "cache lookup failed for namespace of relation %u", shard->relid);
	return quote_qualified_identifier(schema, relname);
}

static void
forget_schema_names(Datum arg, int cacheid, uint32 hashvalue)
{
	schemaNames++;
}

void
catalog_naming_start(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema_names, (Datum) 0);
}

/*
 * Statements fill it into their texts again and again, so it is kept with the shard: when the
 * table is renamed or moved its cache entry goes, when a schema is renamed the count tells.
 */
char *
catalog_shard_qualified_name(const Shard *shard)
{
	Shard	   *entry = unconstify(Shard *, shard);
	uint64		before = schemaNames;
	char	   *name;

	if (shard->qualifiedName != NULL && shard->namedAt == schemaNames)
		return pstrdup(shard->qualifiedName);
	name = make_qualified_name(shard);
	if (shard->context != NULL && before == schemaNames)
	{
		if (shard->qualifiedName != NULL)
			pfree(shard->qualifiedName);
		entry->qualifiedName = MemoryContextStrdup(shard->context, name);
		entry->namedAt = before;
	}
	return name;
}

/* ---- from a relation to its shard ---- */

/* The number after the last underscore; 0 if the name does not end so. */
ShardId
catalog_shard_id_of_name(const char *name)
{
	const char *underscore = strrchr(name, '_');
	const char *digit;
	ShardId		id = 0;

	if (underscore == NULL || underscore == name)
		return INVALID_SHARD_ID;
	for (digit = underscore + 1; *digit != '\0'; digit++)
	{
		if (*digit < '0' || *digit > '9' || digit - underscore > 18)
			return INVALID_SHARD_ID;
		id = id * 10 + (*digit - '0');
	}
	/* a shard id is printed without leading zeros */
	return underscore[1] == '0' ? INVALID_SHARD_ID : id;
}

/* A table is a shard if pg_dist_shard has the id and the shell's name makes the table's name. */
static const Shard *
shard_of_table(Oid relid, Form_pg_class class)
{
	ShardId		id = catalog_shard_id_of_name(NameStr(class->relname));
	const Shard *shard;
	char	   *shell;

	if (id == INVALID_SHARD_ID)
		return NULL;
	shard = catalog_shard_get(id);
	if (shard == NULL || shard->relid == relid)
		return NULL;
	shell = get_rel_name(shard->relid);
	if (shell == NULL || get_rel_namespace(shard->relid) != class->relnamespace ||
		strcmp(catalog_extend_name(shell, id), NameStr(class->relname)) != 0)
		return NULL;
	return shard;
}

/* The table that a TOAST table belongs to: its oid is part of the name. */
static Oid
table_of_toast(Oid toastRelid, const char *toastName)
{
	Oid			owner;
	HeapTuple	tuple;
	bool		matches;

	if (sscanf(toastName, "pg_toast_%u", &owner) != 1)
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(owner));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	matches = ((Form_pg_class) GETSTRUCT(tuple))->reltoastrelid == toastRelid;
	ReleaseSysCache(tuple);
	return matches ? owner : InvalidOid;
}

static Oid
table_of_sequence(Oid sequenceRelid)
{
	Oid			owner;
	int32		column;

	if (sequenceIsOwned(sequenceRelid, DEPENDENCY_AUTO, &owner, &column) ||
		sequenceIsOwned(sequenceRelid, DEPENDENCY_INTERNAL, &owner, &column))
		return owner;
	return InvalidOid;
}

/* The shard that relation is, or belongs to; NULL if none. */
static const Shard *
shard_of_relation(Oid relid)
{
	HeapTuple	tuple;
	Form_pg_class class;
	const Shard *shard = NULL;
	Oid			owner = InvalidOid;

	if (relid < FirstNormalObjectId)
		return NULL;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	class = (Form_pg_class) GETSTRUCT(tuple);

	switch (class->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
			shard = shard_of_table(relid, class);
			break;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			owner = IndexGetRelation(relid, true);
			break;
		case RELKIND_TOASTVALUE:
			owner = table_of_toast(relid, NameStr(class->relname));
			break;
		case RELKIND_SEQUENCE:
			owner = table_of_sequence(relid);
			break;
		default:
			break;
	}
	ReleaseSysCache(tuple);

	/* an index of a TOAST table is two steps away */
	return OidIsValid(owner) ? shard_of_relation(owner) : shard;
}

bool
catalog_relation_is_shard(Oid relid, ShardId *shardId, Oid *shellRelid)
{
	const Shard *shard = base_extension_is_active() ? shard_of_relation(relid) : NULL;

	if (shard == NULL)
		return false;
	if (shardId != NULL)
		*shardId = shard->id;
	if (shellRelid != NULL)
		*shellRelid = shard->relid;
	return true;
}
