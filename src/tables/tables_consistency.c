/*
 * tables_consistency.c
 *	  Does everything that must hold between transactions hold?
 *
 * Each node looks at itself (citus_internal.node_problems) and describes what it knows
 * (citus_internal.node_digests); what differs between a node and this one is a problem, too.
 *
 * Main path: tables_check_consistency().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/tuplestore.h"

#include "citus/base/own_sql.h"
#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

#define LAST_SHARD_QUERY "SELECT last_value FROM pg_catalog.pg_dist_shardid_seq"
#define PROBLEMS_QUERY "SELECT problem FROM citus_internal.node_problems(%s) problem"
#define DIGESTS_QUERY "SELECT item, digest FROM citus_internal.node_digests()"

/* Digest: an entry of the picture that this node has */
typedef struct Digest
{
	char		item[256];		/* hash key */
	char	   *digest;
	bool		seen;			/* by the node being compared */
} Digest;

static HTAB *
digests_here(void)
{
	HASHCTL		info = {
		.keysize = sizeof(((Digest *) NULL)->item),
		.entrysize = sizeof(Digest),
		.hcxt = CurrentMemoryContext,
	};
	HTAB	   *digests = hash_create("digests", 1024, &info,
									  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	ListCell   *lc;

	foreach(lc, base_own_query(DIGESTS_QUERY))
	{
		char	  **row = lfirst(lc);
		Digest	   *entry = hash_search(digests, row[0], HASH_ENTER, NULL);

		entry->digest = row[1] ? row[1] : "";
		entry->seen = false;
	}
	return digests;
}

static List *
add_problem(List *problems, const ClusterNode *node, const char *problem)
{
	if (node == NULL)
		return lappend(problems, pstrdup(problem));
	return lappend(problems, psprintf("%s:%d: %s", node->name, node->port, problem));
}

/* what the node's picture has that ours has not, the other way round, or differently */
static List *
compare(List *problems, HTAB *digests, const ClusterAnswer *answer)
{
	HASH_SEQ_STATUS status;
	Digest	   *entry;
	ListCell   *lc;

	hash_seq_init(&status, digests);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->seen = false;
	foreach(lc, answer->rows)
	{
		char	  **row = lfirst(lc);
		const char *digest = row[1] ? row[1] : "";

		entry = hash_search(digests, row[0], HASH_FIND, NULL);
		if (entry == NULL)
			problems = add_problem(problems, answer->node,
								   psprintf("%s is known only there: %s", row[0], digest));
		else
		{
			entry->seen = true;
			if (strcmp(entry->digest, digest) != 0)
				problems = add_problem(problems, answer->node,
									   psprintf("%s differs: %s there, %s here", row[0], digest,
												entry->digest));
		}
	}
	hash_seq_init(&status, digests);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!entry->seen)
			problems = add_problem(problems, answer->node,
								   psprintf("%s is not known there: %s", entry->item,
											entry->digest));
	}
	return problems;
}

static List *
other_active_nodes(void)
{
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId != catalog_local_group())
			others = lappend(others, (void *) node);
	}
	return others;
}

/* the last id that was given to a shard, as the coordinator says; "0" when it does not */
static const char *
last_shard_id(void)
{
	List	   *rows = NIL;

	if (catalog_is_coordinator())
		rows = base_own_query(LAST_SHARD_QUERY);
	else
	{
		ClusterAnswer *answer;

		answer = linitial(cluster_run_alone(list_make1((void *) cluster_coordinator()),
											list_make1(LAST_SHARD_QUERY), false));
		rows = answer->ok ? answer->rows : NIL;
	}
	return rows == NIL ? "0" : ((char **) linitial(rows))[0];
}

List *
tables_check_consistency(void)
{
	char	   *problemsQuery = psprintf(PROBLEMS_QUERY, last_shard_id());
	List	   *others = other_active_nodes();
	HTAB	   *digests = digests_here();
	List	   *problems = NIL;
	ListCell   *lc;
	ListCell   *row;

	foreach(row, base_own_query(problemsQuery))
		problems = add_problem(problems, NULL, ((char **) lfirst(row))[0]);
	foreach(lc, cluster_run_alone(others, list_make1(problemsQuery), true))
	{
		const ClusterAnswer *answer = lfirst(lc);

		if (!answer->ok)
			problems = add_problem(problems, answer->node, answer->error);
		foreach(row, answer->rows)
			problems = add_problem(problems, answer->node, ((char **) lfirst(row))[0]);
	}
	foreach(lc, cluster_run_alone(others, list_make1(DIGESTS_QUERY), true))
	{
		const ClusterAnswer *answer = lfirst(lc);

		if (answer->ok)
			problems = compare(problems, digests, answer);
		else
			problems = add_problem(problems, answer->node, answer->error);
	}
	return problems;
}

PG_FUNCTION_INFO_V1(citus_internal_check_consistency);

Datum
citus_internal_check_consistency(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	base_require_superuser("check the consistency of the cluster");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, tables_check_consistency())
	{
		Datum		value = CStringGetTextDatum(lfirst(lc));
		bool		isNull = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value, &isNull);
	}
	return (Datum) 0;
}
