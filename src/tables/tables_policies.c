/*
 * tables_policies.c
 *	  Policies whose conditions have sub-queries.
 *
 * A shard has its table's policies, and evaluates them with the shards that stand beside it.  So a
 * sub-query may read reference tables, and colocated tables by the key; what it reads must stay
 * such a table for as long as the policy exists.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "nodes/nodes.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/depend.h"
#include "citus/planner/planner.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

static void
check_condition(Oid relid, const char *name, Datum value)
{
	Node	   *condition = stringToNode(TextDatumGetCString(value));
	const char *reason;

	if (!checkExprHasSubLink(condition))
		return;
	reason = planner_condition_obstacle(relid, condition);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot use the subquery of policy \"%s\" on distributed table \"%s\"",
						name, get_rel_name(relid)),
				 errdetail("Policies are evaluated where the shards are: %s.", reason),
				 errhint("A subquery may read reference tables, and colocated tables that are "
						 "joined by the distribution column.")));
}

void
tables_check_policies(Oid relid)
{
	Relation	policies = table_open(PolicyRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(policies, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		static const AttrNumber conditions[] = {Anum_pg_policy_polqual,
		Anum_pg_policy_polwithcheck};

		for (int i = 0; i < lengthof(conditions); i++)
		{
			bool		isNull;
			Datum		text = heap_getattr(tuple, conditions[i], RelationGetDescr(policies),
											&isNull);

			if (!isNull)
				check_condition(relid, NameStr(((Form_pg_policy) GETSTRUCT(tuple))->polname),
								text);
		}
	}
	systable_endscan(scan);
	table_close(policies, AccessShareLock);
}

/* the table of a policy, and a copy of the policy's name */
static Oid
table_of_policy(Oid policyId, char **name)
{
	Relation	policies = table_open(PolicyRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_policy_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(policyId));
	scan = systable_beginscan(policies, PolicyOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		relid = ((Form_pg_policy) GETSTRUCT(tuple))->polrelid;
		*name = pstrdup(NameStr(((Form_pg_policy) GETSTRUCT(tuple))->polname));
	}
	systable_endscan(scan);
	table_close(policies, AccessShareLock);
	return relid;
}

Oid
tables_policy_user(Oid relid, char **policy)
{
	ListCell   *cell;

	foreach(cell, base_depend_on(RelationRelationId, relid))
	{
		Form_pg_depend row = lfirst(cell);
		Oid			user;

		if (row->classid != PolicyRelationId)
			continue;
		user = table_of_policy(row->objid, policy);
		if (user != relid && catalog_table_is_known(user))
			return user;
	}
	return InvalidOid;
}
