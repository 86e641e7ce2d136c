/*
 * reference.c
 *	  Copies of reference tables on the nodes that lack them.
 *
 * Writers of a reference table hold a lock on its shell, on the node where they are, from before
 * they look up its copies until they end.  So the shell is locked against writers on all nodes
 * first; who waits for that lock sees the new copy.  The same lock keeps writers from a copy that
 * goes.  Rows then travel as COPY text from a copy,
 * here or on another node, to the new one; constraints come after the rows.
 *
 * Not here: which node is to have copies (nodes.c), the writing of rows by users (executor).
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/partition.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "citus/deparse/object.h"
#include "citus/deparse/template.h"
#include "citus/remote/remote.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

#define FETCH_ROWS 1000
#define SEND_BYTES 65536

/* ShardCopy: one shard on its way to one node */
typedef struct ShardCopy
{
	const DistTable *table;
	const Shard *shard;
	const char *shardName;		/* qualified */
	const char *columns;		/* those that COPY may write, quoted; may be empty */
	const ClusterNode *target;
	RemoteConn *to;
} ShardCopy;

static ClusterUser
become(Oid role)
{
	ClusterUser saved;

	GetUserIdAndSecContext(&saved.userId, &saved.securityContext);
	SetUserIdAndSecContext(role, saved.securityContext | SECURITY_LOCAL_USERID_CHANGE);
	return saved;
}

/* ---- protocol ---- */

/* Sends a COPY with the current user's rights and waits until the server is in the state wanted. */
static RemoteConn *
start_copy(const ClusterNode *node, const char *sql, RemoteAnswerKind wanted)
{
	RemoteConn *conn = txn_main_conn(node);
	RemoteAnswer answer;

	if (remote_conn_state(conn) == REMOTE_CONNECTING)
		remote_conn_finish(conn);
	txn_conn_begin(conn, TXN_WRITE);
	remote_send_sql(conn, sql, NULL);
	do
	{
		remote_receive_wait(conn, &answer);
		if (txn_is_own_answer(&answer))
			txn_handle_answer(conn, &answer);
		else if (answer.kind == REMOTE_ANSWER_LOST)
		{
			txn_conn_failed(conn);
			remote_error_raise(conn);
		}
		else if (answer.kind != wanted)
			remote_error_raise(conn);
		else
			return conn;
	} while (true);
}

/* Waits for the end of what was started. */
static void
finish_copy(RemoteConn *conn)
{
	while (remote_outstanding(conn) > 0)
	{
		RemoteAnswer answer;

		remote_receive_wait(conn, &answer);
		if (answer.kind == REMOTE_ANSWER_LOST)
			txn_conn_failed(conn);
		if (answer.kind == REMOTE_ANSWER_LOST || answer.kind == REMOTE_ANSWER_ERROR)
			remote_error_raise(conn);
	}
}

/* ---- rows ---- */

/* the value in COPY's text format */
static void
append_copy_value(StringInfo buf, const char *value)
{
	for (const char *p = value; *p; p++)
		switch (*p)
		{
			case '\\':
				appendStringInfoString(buf, "\\\\");
				break;
			case '\n':
				appendStringInfoString(buf, "\\n");
				break;
			case '\r':
				appendStringInfoString(buf, "\\r");
				break;
			case '\t':
				appendStringInfoString(buf, "\\t");
				break;
			default:
				appendStringInfoChar(buf, *p);
		}
}

static void
append_row(StringInfo buf, HeapTuple tuple, TupleDesc desc)
{
	for (int i = 1; i <= desc->natts; i++)
	{
		char	   *value = SPI_getvalue(tuple, desc, i);

		if (i > 1)
			appendStringInfoChar(buf, '\t');
		if (value == NULL)
			appendStringInfoString(buf, "\\N");
		else
			append_copy_value(buf, value);
	}
	appendStringInfoChar(buf, '\n');
}

static void
copy_rows_from_here(ShardCopy *copy)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "rows of reference table",
												ALLOCSET_DEFAULT_SIZES);
	StringInfoData buf;
	Portal		portal;

	initStringInfo(&buf);
	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, psprintf("SELECT %s FROM ONLY %s", copy->columns,
													  copy->shardName),
									   0, NULL, NULL, NULL, false, CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		MemoryContext old;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		old = MemoryContextSwitchTo(batch);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			append_row(&buf, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			if (buf.len < SEND_BYTES)
				continue;
			remote_copy_put(copy->to, buf.data, buf.len);
			resetStringInfo(&buf);
			MemoryContextReset(batch);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(batch);
		SPI_freetuptable(SPI_tuptable);
	}
	if (buf.len > 0)
		remote_copy_put(copy->to, buf.data, buf.len);
	SPI_cursor_close(portal);
	SPI_finish();
	pfree(buf.data);
	MemoryContextDelete(batch);
}

static void
copy_rows_from_node(ShardCopy *copy, const ClusterNode *source)
{
	RemoteConn *from = start_copy(source, psprintf("COPY (SELECT %s FROM ONLY %s) TO STDOUT",
												   copy->columns, copy->shardName),
								  REMOTE_ANSWER_COPY_OUT);
	int			length;
	char	   *row;

	while ((row = remote_copy_get(from, &length)) != NULL && length >= 0)
	{
		remote_copy_put(copy->to, row, length);
		pfree(row);
	}
	finish_copy(from);
}

/*
 * What checks and generates values runs as in the session of the table's owner, never with the
 * rights of whoever fills the node.
 */
static RemoteConn *
start_copy_as_owner(ShardCopy *copy)
{
	char	   *sql = psprintf("COPY %s (%s) FROM STDIN", copy->shardName, copy->columns);
	ClusterUser saved = become(catalog_relation_owner(copy->table->relid));
	RemoteConn *conn = start_copy(copy->target, sql, REMOTE_ANSWER_COPY_IN);

	cluster_restore_user(saved);
	return conn;
}

/* the nearest other copy: the one here (NULL), or that of an active node */
static const ClusterNode *
source_of(const ShardCopy *copy)
{
	const ClusterNode *source = NULL;

	for (int i = 0; i < copy->shard->nplacements; i++)
	{
		GroupId		group = copy->shard->placements[i].groupId;

		if (group == catalog_local_group())
			return NULL;
		if (group != copy->target->groupId && catalog_node_of_group(group) != NULL)
			source = catalog_node_of_group(group);
	}
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no active node holds shard " INT64_FORMAT " of table \"%s\"",
						copy->shard->id, get_rel_name(copy->table->relid))));
	return source;
}

static void
copy_rows(ShardCopy *copy)
{
	const ClusterNode *source = source_of(copy);
	int			level;

	/* the rows of a partitioned table are those of its partitions */
	if (copy->columns[0] == '\0' ||
		get_rel_relkind(copy->table->relid) == RELKIND_PARTITIONED_TABLE)
		return;
	level = deparse_settings_begin();
	copy->to = start_copy_as_owner(copy);
	if (source == NULL)
		copy_rows_from_here(copy);
	else
		copy_rows_from_node(copy, source);
	remote_copy_end(copy->to, NULL);
	finish_copy(copy->to);
	deparse_settings_end(level);
}

/* ---- the copy of one table ---- */

/* columns that are stored and not generated */
static char *
writable_columns(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(NameStr(attribute->attname)));
	}
	table_close(rel, NoLock);
	return buf.data;
}

static char *
text_array(List *texts)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, texts)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "," : "", quote_literal_cstr(lfirst(lc)));
	return psprintf("ARRAY[%s]::pg_catalog.text[]", buf.data);
}

/* statements of the shell on the new copy only */
static void
run_on_copy(const ShardCopy *copy, int parts)
{
	List	   *texts = deparse_table_ddl(copy->table->relid, parts);

	if (texts == NIL)
		return;
	cluster_run(list_make1((void *) copy->target),
				list_make1(psprintf(BASE_NODE_SELECT "citus_internal.apply_shard_ddl(ARRAY["
									INT64_FORMAT "]::pg_catalog.int8[], %s, %s, 'pg_catalog')",
									copy->shard->id, text_array(texts), text_array(NIL))));
}

static void
make_copy(Oid relid, const ClusterNode *target)
{
	MetadataDelta *delta = cluster_delta_begin();
	ShardCopy	copy = {.target = target};

	copy.table = catalog_table_get(relid);
	cluster_delta_add_placement(delta, copy.table->shards[0]->id, catalog_next_placement_id(),
								target->groupId);
	cluster_delta_apply(delta);

	copy.table = catalog_table_get(relid);
	copy.shard = copy.table->shards[0];
	copy.shardName = catalog_shard_qualified_name(copy.shard);
	copy.columns = writable_columns(relid);
	run_on_copy(&copy, TABLE_DDL_SHARD_BEFORE & ~TABLE_DDL_ATTACH);
	copy_rows(&copy);
	run_on_copy(&copy, TABLE_DDL_SHARD_AFTER & ~TABLE_DDL_POLICIES);
	txn_commit_first(target);
}

static bool
has_copy(const DistTable *table, GroupId group)
{
	for (int i = 0; i < table->shards[0]->nplacements; i++)
		if (table->shards[0]->placements[i].groupId == group)
			return true;
	return false;
}

/* the nodes that lack the table: List of const ClusterNode * */
static List *
nodes_lacking(Oid relid)
{
	const DistTable *table = catalog_table_get(relid);
	List	   *lacking = NIL;
	ListCell   *lc;

	if (table == NULL || table->kind != DIST_TABLE_REFERENCE || table->nshards != 1)
		return NIL;
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId != catalog_local_group() && !has_copy(table, node->groupId))
			lacking = lappend(lacking, (void *) node);
	}
	return lacking;
}

static void
lock_against_writers(Oid relid)
{
	LockRelationOid(relid, ExclusiveLock);
	cluster_run(cluster_other_nodes(),
				list_make1(psprintf("LOCK TABLE ONLY %s IN EXCLUSIVE MODE",
									catalog_qualified_name(relid))));
}

void
operations_lock_references_in(GroupId group)
{
	ListCell   *lc;

	foreach(lc, catalog_table_oids())
	{
		const DistTable *table = catalog_table_get(lfirst_oid(lc));

		if (table != NULL && table->kind == DIST_TABLE_REFERENCE && table->nshards == 1 &&
			has_copy(table, group))
			lock_against_writers(table->relid);
	}
}

/* ATTACH PARTITION is a statement about the parent; it checks the rows by the partition key. */
static void
attach_copy(Oid relid, const ClusterNode *target)
{
	Oid			parent = get_partition_parent(relid, false);
	Oid			owner = catalog_relation_owner(relid);
	ShardCopy	copy = {.target = target};
	ClusterUser saved;

	copy.table = catalog_table_get(relid);
	copy.shard = catalog_table_get(parent)->shards[0];
	/* of two owners neither has the rights */
	saved = become(owner == catalog_relation_owner(parent) ? owner : GetUserId());
	run_on_copy(&copy, TABLE_DDL_ATTACH);
	cluster_restore_user(saved);
}

/* What names other new copies comes when all are there: parents, foreign keys and policies. */
static void
add_links(Oid relid, const ClusterNode *target, int parts)
{
	ShardCopy	copy = {.target = target};

	if (parts == TABLE_DDL_ATTACH && get_rel_relispartition(relid))
	{
		attach_copy(relid, target);
		return;
	}
	copy.table = catalog_table_get(relid);
	copy.shard = copy.table->shards[0];
	run_on_copy(&copy, parts);
}

int
operations_replicate_references(void)
{
	static const int links[] = {TABLE_DDL_ATTACH, TABLE_DDL_FOREIGN_KEYS | TABLE_DDL_POLICIES};
	List	   *relids = NIL;
	List	   *targets = NIL;	/* List of nodes for each of relids */
	ListCell   *lr;
	ListCell   *lt;
	ListCell   *lc;
	int			ncopies = 0;

	foreach(lc, catalog_table_oids())
	{
		if (nodes_lacking(lfirst_oid(lc)) == NIL)
			continue;
		if (IsolationUsesXactSnapshot())
			ereport(ERROR,
					(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
					 errmsg("reference tables can only be copied at isolation level READ "
							"COMMITTED")));
		lock_against_writers(lfirst_oid(lc));
		relids = lappend_oid(relids, lfirst_oid(lc));
	}
	foreach(lr, relids)
	{
		List	   *lacking = nodes_lacking(lfirst_oid(lr));

		targets = lappend(targets, lacking);
		foreach(lc, lacking)
		{
			make_copy(lfirst_oid(lr), lfirst(lc));
			ncopies++;
		}
	}
	for (int i = 0; i < lengthof(links); i++)
		forboth(lr, relids, lt, targets)
			foreach(lc, (List *) lfirst(lt))
				add_links(lfirst_oid(lr), lfirst(lc), links[i]);
	return ncopies;
}
