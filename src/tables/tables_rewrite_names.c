/*
 * tables_rewrite_names.c
 *	  Names in a statement about a shell, as they are in the statement about one of its shards.
 *
 * A name that cannot be resolved belongs to the shell: the statement creates it, or the shell has
 * been altered first.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "citus/deparse/object.h"
#include "tables/tables_rewrite_internal.h"

char *
tables_extended_name(Rewrite *rewrite, const char *name)
{
	return catalog_extend_name(name, rewrite->shard->id);
}

bool
tables_find_chosen_name(Rewrite *rewrite, char **name)
{
	if (*name != NULL)
		return true;
	if (*rewrite->names == NIL)
		return false;
	*name = linitial(*rewrite->names);
	*rewrite->names = list_delete_first(*rewrite->names);
	return true;
}

void
tables_extend_or_name(Rewrite *rewrite, char **name)
{
	if (tables_find_chosen_name(rewrite, name))
		*name = tables_extended_name(rewrite, *name);
}

const Shard *
tables_shard_beside(Rewrite *rewrite, Oid relid)
{
	const DistTable *other;
	char		relkind;

	if (!OidIsValid(relid))
		return rewrite->shard;

	relkind = get_rel_relkind(relid);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	if (relid == rewrite->shard->relid)
		return rewrite->shard;

	other = catalog_table_get(relid);
	if (other == NULL || other->nshards == 0)
		return NULL;
	if (DIST_TABLE_HAS_KEY(other))
		return rewrite->shard->index < other->nshards ?
			other->shards[rewrite->shard->index] : NULL;
	return other->shards[0];
}

Oid
tables_resolve_name(RangeVar *name)
{
	return RangeVarGetRelid(name, NoLock, true);
}

static void
extend_with(RangeVar *name, Oid relid, const Shard *shard)
{
	if (OidIsValid(relid) && name->schemaname == NULL)
		name->schemaname = get_namespace_name(get_rel_namespace(relid));
	name->relname = catalog_extend_name(name->relname, shard->id);
}

const Shard *
tables_extend_relation(Rewrite *rewrite, RangeVar *name)
{
	Oid			relid = tables_resolve_name(name);
	const Shard *shard = tables_shard_beside(rewrite, relid);

	if (shard != NULL)
		extend_with(name, relid, shard);
	return shard;
}

void
tables_extend_subject(Rewrite *rewrite, RangeVar *name)
{
	Oid			relid = tables_resolve_name(name);

	if (tables_shard_beside(rewrite, relid) != rewrite->shard)
		relid = InvalidOid;
	rewrite->oldName = name->relname;
	extend_with(name, relid, rewrite->shard);
}

/* the topmost known parent of a partition or child that has a constraint of this name */
static Oid
constraint_origin(Oid relid, const char *name)
{
	List	   *parents = get_rel_relispartition(relid)
		? list_make1_oid(get_partition_parent(relid, true)) : deparse_parents(relid);
	ListCell   *lc;

	foreach(lc, parents)
	{
		Oid			parentId = lfirst_oid(lc);

		if (catalog_table_is_known(parentId) &&
			OidIsValid(get_relation_constraint_oid(parentId, name, true)))
			return constraint_origin(parentId, name);
	}
	return relid;
}

/*
 * Partitions and children have the check constraints of their parent under the same name, which on
 * shards is the name in the parent's shard.
 */
char *
tables_extended_constraint(Rewrite *rewrite, const char *name)
{
	Oid			relid = constraint_origin(rewrite->shard->relid, name);

	return catalog_extend_name(name, tables_shard_beside(rewrite, relid)->id);
}

char *
tables_constraint_name(const Shard *shard, const char *name)
{
	Rewrite		rewrite = {.shard = shard};

	return tables_extended_constraint(&rewrite, name);
}

/*
 * A constraint that exists already.  Since PostgreSQL 18 NOT NULL is one, and where nobody named
 * it, each shard's is named after the shard.
 */
char *
tables_existing_constraint(Rewrite *rewrite, const char *name)
{
	char	   *result = tables_extended_constraint(rewrite, name);
	char	   *shardName = catalog_shard_relname(rewrite->shard);
	Oid			relid = get_relname_relid(shardName, get_rel_namespace(rewrite->shard->relid));
	size_t		prefix = strlen(rewrite->oldName) + 1;
	size_t		suffix = strlen("_not_null");
	size_t		length = strlen(name);
	char	   *generated;

	if (!OidIsValid(relid) || OidIsValid(get_relation_constraint_oid(relid, result, true)) ||
		length <= prefix + suffix || strncmp(name, rewrite->oldName, prefix - 1) != 0 ||
		strcmp(name + length - suffix, "_not_null") != 0)
		return result;
	generated = makeObjectName(shardName, pnstrdup(name + prefix, length - prefix - suffix),
							   "not_null");
	return OidIsValid(get_relation_constraint_oid(relid, generated, true)) ? generated : result;
}

List *
tables_extend_subject_list(Rewrite *rewrite, List *names)
{
	RangeVar   *name = makeRangeVarFromNameList(names);
	List	   *result = NIL;

	tables_extend_subject(rewrite, name);
	if (name->catalogname != NULL)
		result = lappend(result, makeString(name->catalogname));
	if (name->schemaname != NULL)
		result = lappend(result, makeString(name->schemaname));
	return lappend(result, makeString(name->relname));
}

void
tables_extend_last(Rewrite *rewrite, List *names)
{
	String	   *last = llast_node(String, names);

	strVal(last) = tables_extended_name(rewrite, strVal(last));
}

List *
tables_extend_member(Rewrite *rewrite, List *names, bool extendMember)
{
	String	   *member = llast_node(String, names);
	List	   *relation = list_truncate(list_copy(names), list_length(names) - 1);

	if (relation != NIL)
		relation = tables_extend_subject_list(rewrite, relation);
	if (extendMember)
		strVal(member) = tables_extended_name(rewrite, strVal(member));
	return lappend(relation, member);
}
