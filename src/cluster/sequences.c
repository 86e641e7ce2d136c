/*
 * sequences.c
 *	  A share of every sequence's values for each node, for what draws from it by itself.
 *
 * Statements take their values from the coordinator (draw.c).  What the planner does not see, such
 * as an argument of EXECUTE, calls the server's nextval(), which must not give what another node
 * gives.
 *
 * A bigint sequence of a known table gives [g * 2^48 + 1, (g + 1) * 2^48 + 1] on the node of group
 * g, so that nodes never hand out the same value; the coordinator (group 0) keeps the sequence as
 * it was made.  A smaller one is exhausted everywhere but on the coordinator.
 *
 * Applying twice changes nothing: a sequence that stands within its share stays where it is.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/depend.h"
#include "citus/base/session.h"
#include "cluster/cluster_internal.h"

#define SEQUENCE_SHARE_BITS 48

/* sequences on which (classId, objectId) depends, appended to list */
static List *
sequences_used_by(List *list, Oid classId, Oid objectId)
{
	ListCell   *lc;

	foreach(lc, base_depend_of(classId, objectId))
	{
		Form_pg_depend row = lfirst(lc);

		if (row->refclassid == RelationRelationId &&
			get_rel_relkind(row->refobjid) == RELKIND_SEQUENCE)
			list = list_append_unique_oid(list, row->refobjid);
	}
	return list;
}

List *
cluster_table_sequences(Oid relid)
{
	List	   *sequences = NIL;
	ListCell   *lc;

	foreach(lc, base_depend_on(RelationRelationId, relid))
	{
		Form_pg_depend row = lfirst(lc);

		/* owned sequences (serial, identity) depend on the column; so do its defaults */
		if (row->classid == RelationRelationId && row->refobjsubid != 0 &&
			get_rel_relkind(row->objid) == RELKIND_SEQUENCE)
			sequences = list_append_unique_oid(sequences, row->objid);
		else if (row->classid == AttrDefaultRelationId)
			sequences = sequences_used_by(sequences, AttrDefaultRelationId, row->objid);
	}
	return sequences;
}

/*
 * The last value that a sequence gave here, false when it gave none, or may not be looked at.
 */
bool
cluster_sequence_position(Oid sequenceId, int64 *position)
{
	LOCAL_FCINFO(call, 1);
	FmgrInfo	flinfo;
	Datum		value;

	if (pg_class_aclcheck(sequenceId, GetUserId(), ACL_SELECT | ACL_USAGE) != ACLCHECK_OK)
		return false;
	fmgr_info(F_PG_SEQUENCE_LAST_VALUE, &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(sequenceId);
	call->args[0].isnull = false;
	value = FunctionCallInvoke(call);
	if (call->isnull)
		return false;
	*position = DatumGetInt64(value);
	return true;
}

/*
 * A statement by which other nodes go on where a sequence stands that this node, not the
 * coordinator, has had for itself so far; NULL when none is needed.
 */
char *
cluster_sequence_position_command(const ObjectAddress *address)
{
	int64		position;

	if (catalog_is_coordinator() || address->classId != RelationRelationId ||
		get_rel_relkind(address->objectId) != RELKIND_SEQUENCE ||
		!cluster_sequence_position(address->objectId, &position))
		return NULL;
	return psprintf("SELECT pg_catalog.setval(%s, " INT64_FORMAT ")",
					quote_literal_cstr(catalog_qualified_name(address->objectId)), position);
}

static void
run_sql(const char *sql)
{
	ClusterUser saved = cluster_become_owner();

	base_frame_push(FRAME_OWN_DDL);
	SPI_connect();
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", sql);
	SPI_finish();
	base_frame_pop(FRAME_OWN_DDL);
	cluster_restore_user(saved);
}

/* Lets an int or smallint sequence give no value here. */
static void
exhaust(const char *name, Form_pg_sequence form)
{
	int64		end = form->seqincrement > 0 ? form->seqmax : form->seqmin;

	ClusterUser saved;

	if (form->seqcycle)
		run_sql(psprintf("ALTER SEQUENCE %s NO CYCLE", name));
	/* called, not planned: in a statement it would go to the coordinator */
	CommandCounterIncrement();
	saved = cluster_become_owner();
	DirectFunctionCall3(setval3_oid, ObjectIdGetDatum(form->seqrelid), Int64GetDatum(end),
						BoolGetDatum(true));
	cluster_restore_user(saved);
}

void
cluster_adjust_sequence(Oid sequenceId)
{
	GroupId		group = catalog_local_group();
	char	   *name = catalog_qualified_name(sequenceId);
	HeapTuple	tuple;
	FormData_pg_sequence form;
	int64		low;
	int64		high;

	if (group == COORDINATOR_GROUP_ID)
		return;
	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequenceId));
	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_sequence) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);

	if (form.seqtypid != INT8OID)
	{
		exhaust(name, &form);
		return;
	}
	low = ((int64) group << SEQUENCE_SHARE_BITS) + 1;
	high = ((int64) (group + 1) << SEQUENCE_SHARE_BITS) + 1;
	if (form.seqmin == low && form.seqmax == high)
		return;
	run_sql(psprintf("ALTER SEQUENCE %s MINVALUE " INT64_FORMAT " MAXVALUE " INT64_FORMAT
					 " START " INT64_FORMAT " RESTART", name, low, high,
					 form.seqincrement > 0 ? low : high));
}

void
cluster_adjust_sequences(Oid relid)
{
	ListCell   *lc;

	if (catalog_local_group() == COORDINATOR_GROUP_ID)
		return;
	foreach(lc, cluster_table_sequences(relid))
		cluster_adjust_sequence(lfirst_oid(lc));
}

char *
cluster_adjust_sequences_command(Oid relid)
{
	return psprintf(BASE_NODE_SELECT "citus_internal.adjust_sequences(%s)",
					quote_literal_cstr(catalog_qualified_name(relid)));
}
