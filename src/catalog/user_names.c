/*
 * user_names.c
 *	  Texts about shards, as errors bring them, told in the names that the user gave.
 *
 * A message of the server quotes the names it is about: "items_pkey_102008"; where it describes an
 * object they follow its kind: index items_pkey_102008.  A name that ends with the id of a known
 * shard loses that suffix; one that had been too long for it is looked for among the names of the
 * shard's table.  Names that the server made of a shard's, for partitions, go on after it:
 * items_fkey_102008_1.  Nothing else is touched: what stands in parentheses is data.
 *
 * Not here: which texts these are (executor).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "lib/stringinfo.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"

/* Does name, made longer by the shard's id, give shardName? */
static bool
makes_name(const char *name, ShardId id, const char *shardName)
{
	return name != NULL && strcmp(catalog_extend_name(name, id), shardName) == 0;
}

/* The name of one of the rows of a catalog that belong to a relation; NULL if none makes it. */
static char *
find_in_catalog(Oid catalogId, Oid indexId, AttrNumber relidColumn, AttrNumber nameColumn,
				const Shard *shard, const char *shardName)
{
	Relation	catalog = table_open(catalogId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *found = NULL;

	ScanKeyInit(&key, relidColumn, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(shard->relid));
	scan = systable_beginscan(catalog, indexId, true, NULL, 1, &key);
	while (found == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isNull;
		Name		name = DatumGetName(heap_getattr(tuple, nameColumn,
													 RelationGetDescr(catalog), &isNull));

		if (makes_name(NameStr(*name), shard->id, shardName))
			found = pstrdup(NameStr(*name));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

static char *
find_index(const Shard *shard, const char *shardName)
{
	Relation	relation = try_relation_open(shard->relid, NoLock);
	char	   *found = NULL;
	ListCell   *cell;

	if (relation == NULL)
		return NULL;
	foreach(cell, RelationGetIndexList(relation))
	{
		char	   *name = get_rel_name(lfirst_oid(cell));

		if (found == NULL && makes_name(name, shard->id, shardName))
			found = name;
	}
	relation_close(relation, NoLock);
	return found;
}

/* What the user calls the object of the shard; NULL if there is no such object. */
static char *
find_long_name(const Shard *shard, const char *shardName)
{
	char	   *name = get_rel_name(shard->relid);

	if (makes_name(name, shard->id, shardName))
		return name;
	name = find_in_catalog(ConstraintRelationId, ConstraintRelidTypidNameIndexId,
						   Anum_pg_constraint_conrelid, Anum_pg_constraint_conname,
						   shard, shardName);
	if (name == NULL)
		name = find_in_catalog(TriggerRelationId, TriggerRelidNameIndexId,
							   Anum_pg_trigger_tgrelid, Anum_pg_trigger_tgname,
							   shard, shardName);
	return name != NULL ? name : find_index(shard, shardName);
}

/* The name without the suffix; the name itself if the suffix is not the id of a shard. */
static char *
without_shard_id(char *shardName, bool mayRead)
{
	ShardId		id = catalog_shard_id_of_name(shardName);
	int			length = strlen(shardName);
	const Shard *shard;

	if (id == INVALID_SHARD_ID || (mayRead && !base_extension_is_active()))
		return shardName;
	if (mayRead)
	{
		shard = catalog_shard_get(id);
		if (shard == NULL)
			return shardName;
		if (length == NAMEDATALEN - 1)
		{
			char	   *name = find_long_name(shard, shardName);

			return name != NULL ? name : shardName;
		}
	}
	else if (!catalog_shard_is_cached(id) || length == NAMEDATALEN - 1)
		return shardName;
	return pnstrdup(shardName, strrchr(shardName, '_') - shardName);
}

/*
 * The name without the id of a shard; the name itself if it is not one of a shard.  What the server
 * has put behind the id stays.
 */
char *
catalog_user_name(char *shardName, bool mayRead)
{
	char	   *result = without_shard_id(shardName, mayRead);

	for (char *at = strchr(shardName, '_'); at != NULL && result == shardName;
		 at = strchr(at + 1, '_'))
	{
		int			digits = strspn(at + 1, "0123456789");
		char	   *start;
		char	   *name;

		if (digits == 0 || at[1 + digits] != '_')
			continue;
		start = pnstrdup(shardName, at + 1 + digits - shardName);
		name = without_shard_id(start, mayRead);
		if (name != start)
			result = psprintf("%s%s", name, at + 1 + digits);
	}
	return result;
}

/*
 * The end of what stands in parentheses from here on.  Values may hold parentheses of their own
 * and quotes: as far as they match.
 */
static const char *
skip_parenthesised(const char *at)
{
	int			depth = 0;

	for (const char *end = at; *end != '\0'; end++)
	{
		if (*end == '(')
			depth++;
		else if (*end == ')' && --depth == 0)
			return end;
	}
	return at;
}

/* Appends the user's name of a shard's, perhaps after that of a schema; false if it is not one. */
static bool
append_user_name(StringInfo result, const char *at, int length, bool mayRead)
{
	char	   *name = pnstrdup(at, length);
	char	   *shardName = strrchr(name, '.');
	char	   *userName;

	shardName = shardName != NULL ? shardName + 1 : name;
	userName = catalog_user_name(shardName, mayRead);
	if (userName == shardName)
		return false;
	appendStringInfo(result, "%.*s%s", (int) (shardName - name), name, userName);
	return true;
}

/*
 * If the quotes at at hold the name of a shard, appends what the user calls it, in quotes, and
 * sets *end to the closing one.
 */
static bool
append_quoted_name(StringInfo result, const char *at, const char **end, bool mayRead)
{
	const char *closing = strchr(at + 1, '"');

	if (closing == NULL || closing - at > 2 * NAMEDATALEN)
		return false;
	appendStringInfoChar(result, '"');
	if (!append_user_name(result, at + 1, closing - at - 1, mayRead))
	{
		result->data[--result->len] = '\0';
		return false;
	}
	appendStringInfoChar(result, '"');
	*end = closing;
	return true;
}

/* The same for the name at at, where the kind of an object is said before it. */
static bool
append_described_name(StringInfo result, const char *text, const char *at, const char **end,
					  bool mayRead)
{
	static const char *const kinds[] = {
		"index ", "table ", "constraint ", "trigger ", "relation ", "sequence "
	};
	bool		described = false;
	int			length;

	for (int i = 0; i < lengthof(kinds) && !described; i++)
	{
		int			before = strlen(kinds[i]);

		described = at - text >= before && strncmp(at - before, kinds[i], before) == 0;
	}
	if (!described)
		return false;
	length = strcspn(at, " \"'(),;:\n");
	if (length == 0 || length > 2 * NAMEDATALEN || !append_user_name(result, at, length, mayRead))
		return false;
	*end = at + length - 1;
	return true;
}

/*
 * text with user's names in place of shards' names: palloc'd, or text itself if there are none.
 * mayRead: catalogs may be read now, otherwise only what the session has seen of them counts.
 */
char *
catalog_user_text(const char *text, bool mayRead)
{
	StringInfoData result;
	const char *at;

	if (text == NULL || strchr(text, '_') == NULL)
		return unconstify(char *, text);
	initStringInfo(&result);
	for (at = text; *at != '\0'; at++)
	{
		const char *end = at;

		if (*at == '(')
		{
			end = skip_parenthesised(at);
			appendBinaryStringInfo(&result, at, end - at + 1);
		}
		else if (!(*at == '"' ? append_quoted_name(&result, at, &end, mayRead) :
				   append_described_name(&result, text, at, &end, mayRead)))
			appendStringInfoChar(&result, *at);
		at = end;
	}
	return result.data;
}
