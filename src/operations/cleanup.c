/*
 * cleanup.c
 *	  Relations that could not be dropped when they should have been: pg_dist_cleanup.
 *
 * The coordinator has the records.  A shard is dropped as soon as its node answers and does not
 * count it among its shards any more, and nobody uses it; a record of a node that has left the
 * cluster is void.
 *
 * Main path: operations_clean_up() -> clean_group() -> citus_internal.drop_leftovers() there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "citus/base/own_sql.h"
#include "citus/operations/operations.h"
#include "operations/operations_internal.h"

PG_FUNCTION_INFO_V1(citus_cleanup_orphaned_resources);
PG_FUNCTION_INFO_V1(citus_cleanup_orphaned_shards);

/* taken at once, by one session at a time */
#define RECORDS_QUERY \
	"SELECT record_id, object_name, node_group_id FROM pg_catalog.pg_dist_cleanup" \
	" WHERE object_type = 1 AND policy_type <> 1" \
	" ORDER BY node_group_id, record_id LIMIT 10000 FOR UPDATE SKIP LOCKED"

/* CleanupRecord: a shard on the nodes of a group */
typedef struct CleanupRecord
{
	char	   *id;
	char	   *name;			/* qualified and quoted */
	GroupId		group;
} CleanupRecord;

static List *
read_records(void)
{
	List	   *records = NIL;
	ListCell   *lc;

	foreach(lc, base_own_query(RECORDS_QUERY))
	{
		char	  **row = lfirst(lc);
		CleanupRecord *record = palloc(sizeof(CleanupRecord));

		record->id = row[0];
		record->name = row[1];
		record->group = atoi(row[2]);
		records = lappend(records, record);
	}
	return records;
}

static void
delete_records(List *records)
{
	StringInfoData sql;
	ListCell   *lc;

	if (records == NIL)
		return;
	initStringInfo(&sql);
	appendStringInfoString(&sql, "DELETE FROM pg_catalog.pg_dist_cleanup WHERE record_id IN (");
	foreach(lc, records)
		appendStringInfo(&sql, "%s%s", lc == list_head(records) ? "" : ",",
						 ((CleanupRecord *) lfirst(lc))->id);
	appendStringInfoChar(&sql, ')');
	(void) base_own_execute(sql.data, SPI_OK_DELETE);
}

static bool
group_exists(GroupId group)
{
	ListCell   *lc;

	foreach(lc, catalog_nodes())
		if (((const ClusterNode *) lfirst(lc))->groupId == group)
			return true;
	return false;
}

/* those of the records whose relations are gone */
static List *
clean_group(const ClusterNode *node, List *records)
{
	StringInfoData sql;
	ClusterAnswer *answer;
	List	   *done = NIL;
	ListCell   *lc;
	ListCell   *row;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT * FROM citus_internal.drop_leftovers(ARRAY[");
	foreach(lc, records)
		appendStringInfo(&sql, "%s%s", lc == list_head(records) ? "" : ",",
						 quote_literal_cstr(((CleanupRecord *) lfirst(lc))->name));
	appendStringInfoString(&sql, "]::pg_catalog.text[])");
	answer = linitial(cluster_run_alone(list_make1((void *) node), list_make1(sql.data), false));
	if (!answer->ok)
	{
		ereport(LOG,
				(errmsg("could not clean up on node %s:%d: %s", node->name, node->port,
						answer->error)));
		return NIL;
	}
	/* in the same order, some left out */
	row = list_head(answer->rows);
	foreach(lc, records)
	{
		if (row == NULL)
			break;
		if (strcmp(((char **) lfirst(row))[0], ((CleanupRecord *) lfirst(lc))->name) != 0)
			continue;
		done = lappend(done, lfirst(lc));
		row = lnext(answer->rows, row);
	}
	return done;
}

/* number of relations dropped */
static int
clean_up(void)
{
	List	   *records = read_records();
	int			dropped = 0;
	int			i = 0;

	while (i < list_length(records))
	{
		GroupId		group = ((CleanupRecord *) list_nth(records, i))->group;
		const ClusterNode *node = catalog_node_of_group(group);
		List	   *ofGroup = NIL;

		for (; i < list_length(records); i++)
		{
			CleanupRecord *record = list_nth(records, i);

			if (record->group != group)
				break;
			ofGroup = lappend(ofGroup, record);
		}
		if (node != NULL)
		{
			ofGroup = clean_group(node, ofGroup);
			dropped += list_length(ofGroup);
		}
		if (node != NULL || !group_exists(group))
			delete_records(ofGroup);
	}
	return dropped;
}

int
operations_clean_up(void)
{
	ClusterUser saved;
	int			dropped;

	if (!catalog_is_coordinator())
		return 0;
	saved = cluster_become_owner();
	dropped = clean_up();
	cluster_restore_user(saved);
	return dropped;
}

/* of pg_dist_cleanup now, without waiting for the daemon */
Datum
citus_cleanup_orphaned_resources(PG_FUNCTION_ARGS)
{
	int			dropped;

	PreventInTransactionBlock(true, "citus_cleanup_orphaned_resources()");
	dropped = operations_clean_up();
	if (dropped > 0)
		ereport(NOTICE,
				(errmsg_plural("cleaned up %d orphaned resource",
							   "cleaned up %d orphaned resources", dropped, dropped)));
	PG_RETURN_VOID();
}

Datum
citus_cleanup_orphaned_shards(PG_FUNCTION_ARGS)
{
	ereport(WARNING,
			(errcode(ERRCODE_WARNING_DEPRECATED_FEATURE),
			 errmsg("citus_cleanup_orphaned_shards() is deprecated"),
			 errhint("Use citus_cleanup_orphaned_resources().")));
	return citus_cleanup_orphaned_resources(fcinfo);
}
