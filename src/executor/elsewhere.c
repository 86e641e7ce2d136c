/*
 * elsewhere.c
 *	  Foreign keys to distributed tables that only another node knows: a table of that node refers
 *	  to rows which a statement of this one deletes or changes.
 *
 * Watches (catalog's watches.c) call executor_elsewhere_ask() for each such row, on the node of the
 * statement.  It asks the node that knows the key, in the same transaction.  That one looks for
 * rows that refer to the row's old values, deletes them, sets them to NULL or to the row's new
 * values where the key says so, and otherwise tells of them; what is an error then is raised here,
 * for only this session sees what else the statement has changed.
 *
 * The session there sees the distributed table as it was before the statement.  New values of a key
 * are known to be there, so that their check is left out.  What the check would have to find
 * (defaults), and what triggers of users would see there, is an error.
 *
 * Main path: executor_elsewhere_ask(); on the other node executor_elsewhere_act().
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "citus/base/compat_triggers.h"
#include "citus/cluster/cluster.h"
#include "executor/change_internal.h"

/*
 * OldKey: values of the referenced columns, as the referenced table has them; when the row changes,
 * behind them those that it gets.
 */
typedef struct OldKey
{
	Oid			relid;
	int			count;
	bool		changes;
	AttrNumber	columns[INDEX_MAX_KEYS];
	Oid			types[2 * INDEX_MAX_KEYS];
	Datum		values[2 * INDEX_MAX_KEYS];
	char		nulls[2 * INDEX_MAX_KEYS];	/* as SPI has them */
} OldKey;

static int
values_of_key(const OldKey *key)
{
	return key->changes ? 2 * key->count : key->count;
}

/* a query with the values as its parameters; the number of rows */
static uint64
run_with_key(const char *sql, OldKey *key, Oid role, Oid owned, long limit)
{
	CallerRole	caller = executor_enter_unforced(role, owned);
	Snapshot	latest;
	SPIPlanPtr	plan;
	uint64		processed;

	/* as the server's own checks, also of what the transaction's snapshot lacks */
	CommandCounterIncrement();
	latest = RegisterSnapshot(GetLatestSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(sql, values_of_key(key), key->types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	if (SPI_execute_snapshot(plan, key->values, key->nulls, latest,
							 IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
							 InvalidSnapshot, false, true, limit) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	processed = SPI_processed;
	SPI_finish();
	UnregisterSnapshot(latest);
	executor_leave_role(caller);
	return processed;
}

static const char *
only_if_plain(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ";
}

/* ---- the node of the statement ---- */

static AttrNumber
column_of_row(const TriggerData *data, const Watch *watch, int number)
{
	if (RelationGetRelid(data->tg_relation) == watch->relid)
		return watch->columns[number];
	return get_attnum(RelationGetRelid(data->tg_relation),
					  get_attname(watch->relid, watch->columns[number], false));
}

/* false when nothing can refer to the row, or its key stays as it is */
static bool
take_key(const TriggerData *data, const Watch *watch, OldKey *key)
{
	bool		changed = TRIGGER_FIRED_BY_DELETE(data->tg_event);

	key->relid = watch->relid;
	key->count = watch->ncolumns;
	key->changes = !changed;
	for (int i = 0; i < watch->ncolumns; i++)
	{
		AttrNumber	column = column_of_row(data, watch, i);
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(data->tg_relation),
													column - 1);
		int			next = key->count + i;
		bool		isNull;

		key->columns[i] = watch->columns[i];
		key->types[i] = attribute->atttypid;
		key->values[i] = slot_getattr(data->tg_trigslot, column, &isNull);
		key->nulls[i] = ' ';
		if (isNull)
			return false;
		if (!key->changes)
			continue;
		key->types[next] = attribute->atttypid;
		key->values[next] = slot_getattr(data->tg_newslot, column, &isNull);
		key->nulls[next] = isNull ? 'n' : ' ';
		changed = changed || isNull ||
			!datum_image_eq(key->values[i], key->values[next], attribute->attbyval,
							attribute->attlen);
	}
	return changed;
}

static char *
text_of(const OldKey *key, int number)
{
	Oid			output;
	bool		isVarlena;

	getTypeOutputInfo(key->types[number], &output, &isVarlena);
	return OidOutputFunctionCall(output, key->values[number]);
}

/* what the other node answers: schema, table, constraint; or NULL when nothing is left to do */
static char **
ask(const ClusterNode *node, const Watch *watch, bool onDelete, OldKey *key)
{
	StringInfoData sql;
	List	   *rows;
	char	  **row;

	initStringInfo(&sql);
	appendStringInfo(&sql, BASE_NODE_SELECT "referring_schema, referring_table, constraint_name "
					 "FROM citus_internal.act_on_referring(%u, '%c', %s, ARRAY[",
					 watch->constraint, watch->action, onDelete ? "true" : "false");
	for (int i = 0; i < values_of_key(key); i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? "" : ", ",
						 key->nulls[i] == 'n' ? "NULL" : quote_literal_cstr(text_of(key, i)));
	appendStringInfoString(&sql, "]::pg_catalog.text[])");
	executor_quiesce_all(NULL);
	rows = linitial(cluster_call_each(list_make1(unconstify(ClusterNode *, node)), sql.data));
	row = rows == NIL ? NULL : linitial(rows);
	return row == NULL || row[0] == NULL ? NULL : row;
}

/* true if a row of the referenced table has the old values, still or again */
static bool
key_is_there(OldKey *key)
{
	Oid			equals[INDEX_MAX_KEYS];
	StringInfoData sql;

	for (int i = 0; i < key->count; i++)
		equals[i] = lookup_type_cache(key->types[i], TYPECACHE_EQ_OPR)->eq_opr;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s%s", only_if_plain(key->relid),
					 catalog_qualified_name(key->relid));
	executor_append_references(&sql, key->relid, key->columns, equals, key->count);
	appendStringInfoString(&sql, " FOR KEY SHARE");
	key->changes = false;
	return run_with_key(sql.data, key, catalog_relation_owner(key->relid), key->relid, 1) > 0;
}

/* as the server decides whether an error may quote the key */
static bool
may_quote(const OldKey *key)
{
	if (check_enable_rls(key->relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(key->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < key->count; i++)
	{
		if (pg_attribute_aclcheck(key->relid, key->columns[i], GetUserId(), ACL_SELECT) !=
			ACLCHECK_OK)
			return false;
	}
	return true;
}

static char *
quoted_key(const OldKey *key)
{
	StringInfoData names;
	StringInfoData values;

	if (!may_quote(key))
		return "Key";
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < key->count; i++)
	{
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ",
						 get_attname(key->relid, key->columns[i], false));
		appendStringInfo(&values, "%s%s", i == 0 ? "" : ", ", text_of(key, i));
	}
	return psprintf("Key (%s)=(%s)", names.data, values.data);
}

static void
raise_violation(const OldKey *key, char action, char **found)
{
	bool		restricts = action == FKCONSTR_ACTION_RESTRICT && COMPAT_RESTRICT_HAS_OWN_ERROR;

	ereport(ERROR,
			(errcode(restricts ? ERRCODE_RESTRICT_VIOLATION : ERRCODE_FOREIGN_KEY_VIOLATION),
			 restricts ?
			 errmsg("update or delete on table \"%s\" violates RESTRICT setting of foreign key "
					"constraint \"%s\" on table \"%s\"", get_rel_name(key->relid), found[2],
					found[1]) :
			 errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on "
					"table \"%s\"", get_rel_name(key->relid), found[2], found[1]),
			 restricts ?
			 errdetail("%s is referenced from table \"%s\".", quoted_key(key), found[1]) :
			 errdetail("%s is still referenced from table \"%s\".", quoted_key(key), found[1]),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, found[0]),
			 err_generic_string(PG_DIAG_TABLE_NAME, found[1]),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, found[2])));
}

static void
refuse_action(const OldKey *key, const ClusterNode *node, char **found)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot change rows of table \"%s\" on this node that local table \"%s\" of "
					"another node references", get_rel_name(key->relid), found[1]),
			 errdetail("Foreign key \"%s\" would have its rows get keys that only this statement "
					   "sees, or triggers fire for them.", found[2]),
			 errhint("Run the statement on node %s:%d, or distribute table \"%s\".", node->name,
					 node->port, found[1])));
}

void
executor_elsewhere_ask(TriggerData *data)
{
	Watch		watch;
	OldKey		key;
	const ClusterNode *node;
	char	  **found;

	catalog_watch_read(data->tg_trigger, &watch);
	node = watch.groupId == catalog_local_group() ? NULL : catalog_node_of_group(watch.groupId);
	/* a node that has left keeps what it had, and has no distributed tables any more */
	if (node == NULL || !take_key(data, &watch, &key))
		return;
	found = ask(node, &watch, TRIGGER_FIRED_BY_DELETE(data->tg_event), &key);
	if (found == NULL)
		return;
	if (watch.action == FKCONSTR_ACTION_RESTRICT)
		raise_violation(&key, watch.action, found);
	else if (watch.action != FKCONSTR_ACTION_NOACTION)
		refuse_action(&key, node, found);
	else if (!key_is_there(&key))
		raise_violation(&key, watch.action, found);
}

/* ---- the node that knows the key ---- */

/* Referring: the foreign key, and the table that has it */
typedef struct Referring
{
	Oid			constraint;
	Oid			relid;
	char	   *name;
	AttrNumber	own[INDEX_MAX_KEYS];
	int			nset;			/* columns that ON DELETE SET NULL is about; 0: all */
	AttrNumber	set[INDEX_MAX_KEYS];
	Oid			equals[INDEX_MAX_KEYS];
} Referring;

/* false: there is no such key any more, and none that nobody else knows */
static bool
find_referring(Oid constraintId, Referring *referring, OldKey *key)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraintId));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (form->contype != CONSTRAINT_FOREIGN || catalog_table_is_known(form->conrelid))
	{
		ReleaseSysCache(tuple);
		return false;
	}
	referring->constraint = constraintId;
	referring->relid = form->conrelid;
	referring->name = pstrdup(NameStr(form->conname));
	key->relid = form->confrelid;
	DeconstructFkConstraintRow(tuple, &key->count, referring->own, key->columns,
							   referring->equals, NULL, NULL, &referring->nset, referring->set);
	ReleaseSysCache(tuple);
	return true;
}

static void
parse_values(OldKey *key, ArrayType *texts)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	key->changes = count == 2 * key->count;
	if (count != values_of_key(key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("foreign key has %d columns, not %d", key->count, count)));
	for (int i = 0; i < count; i++)
	{
		int32		typmod;
		Oid			collation;
		Oid			input;
		Oid			parameter;

		get_atttypetypmodcoll(key->relid, key->columns[i % key->count], &key->types[i], &typmod,
							  &collation);
		getTypeInputInfo(key->types[i], &input, &parameter);
		key->nulls[i] = nulls[i] ? 'n' : ' ';
		if (!nulls[i])
			key->values[i] = OidInputFunctionCall(input, TextDatumGetCString(elements[i]),
												  parameter, typmod);
		else if (i < key->count)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("value of a foreign key is null")));
	}
}

/* triggers of users would see the distributed table as it was before the statement */
static bool
has_user_triggers(Oid relid)
{
	Relation	relation = table_open(relid, RowShareLock);
	TriggerDesc *triggers = relation->trigdesc;
	bool		result = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		result |= !triggers->triggers[i].tgisinternal;
	table_close(relation, NoLock);
	return result;
}

/* true when the trigger is a check of another foreign key, on columns that the key does not set */
static bool
checks_other_columns(const Trigger *trigger, const Referring *referring, int count)
{
	HeapTuple	tuple;
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	others[INDEX_MAX_KEYS];
	int			ncolumns;
	bool		result = RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_FK;

	if (!result)
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(trigger->tgconstraint));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", trigger->tgconstraint);
	DeconstructFkConstraintRow(tuple, &ncolumns, own, others, NULL, NULL, NULL, NULL, NULL);
	ReleaseSysCache(tuple);
	for (int i = 0; i < ncolumns; i++)
	{
		for (int j = 0; j < count; j++)
			result &= own[i] != referring->own[j];
	}
	return result;
}

/*
 * True when nothing but the key itself would look at new values of its columns, so that a statement
 * without triggers does what one with them would, but for the key's own check.
 */
static bool
may_follow(const Referring *referring, const OldKey *key)
{
	Relation	relation = table_open(referring->relid, RowExclusiveLock);
	TriggerDesc *triggers = relation->trigdesc;
	bool		result = relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_rules == NULL && key->changes;

	for (int i = 0; i < key->count; i++)
		result = result && (key->count == 1 || key->nulls[key->count + i] != 'n');
	for (int i = 0; result && triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		result = trigger->tgisinternal && (trigger->tgconstraint == referring->constraint ||
										   checks_other_columns(trigger, referring, key->count));
	}
	table_close(relation, NoLock);
	return result;
}

/* the columns that the statement sets, to NULL or to what the referenced row gets */
static void
append_columns(StringInfo sql, const Referring *referring, const OldKey *key, bool onDelete,
			   bool follows)
{
	bool		some = referring->nset > 0 && onDelete;
	int			count = some ? referring->nset : key->count;
	const AttrNumber *columns = some ? referring->set : referring->own;

	for (int i = 0; i < count; i++)
	{
		appendStringInfo(sql, "%s%s = ", i == 0 ? "" : ", ",
						 quote_identifier(get_attname(referring->relid, columns[i], false)));
		if (follows)
			appendStringInfo(sql, "$%d", key->count + i + 1);
		else
			appendStringInfoString(sql, "NULL");
	}
}

/* as run_with_key(); no trigger fires */
static uint64
run_without_triggers(const char *sql, OldKey *key, Oid role, Oid owned)
{
	int			saved = SessionReplicationRole;
	uint64		processed = 0;

	PG_TRY();
	{
		SessionReplicationRole = SESSION_REPLICATION_ROLE_REPLICA;
		processed = run_with_key(sql, key, role, owned, 0);
	}
	PG_FINALLY();
	{
		SessionReplicationRole = saved;
	}
	PG_END_TRY();
	return processed;
}

/* true if rows refer to the key and are not taken care of here */
static bool
act(const Referring *referring, OldKey *key, char action, bool onDelete)
{
	bool		follows = action == FKCONSTR_ACTION_CASCADE && !onDelete;
	bool		acts = follows ? may_follow(referring, key) :
		!has_user_triggers(referring->relid) &&
		(action == FKCONSTR_ACTION_SETNULL || action == FKCONSTR_ACTION_CASCADE);
	const char *only = only_if_plain(referring->relid);
	Oid			owner = catalog_relation_owner(referring->relid);
	char	   *name = catalog_qualified_name(referring->relid);
	StringInfoData sql;

	initStringInfo(&sql);
	if (!acts)
		appendStringInfo(&sql, "SELECT 1 FROM %s%s", only, name);
	else if (action == FKCONSTR_ACTION_CASCADE && !follows)
		appendStringInfo(&sql, "DELETE FROM %s%s", only, name);
	else
	{
		appendStringInfo(&sql, "UPDATE %s%s SET ", only, name);
		append_columns(&sql, referring, key, onDelete, follows);
	}
	executor_append_references(&sql, referring->relid, referring->own, referring->equals,
							   key->count);
	if (acts && follows)
	{
		run_without_triggers(sql.data, key, owner, referring->relid);
		return false;
	}
	if (!acts)
		appendStringInfoString(&sql, " FOR KEY SHARE");
	/* only what follows has parameters for new values */
	key->changes = false;
	return run_with_key(sql.data, key, owner, referring->relid, acts ? 0 : 1) > 0 && !acts;
}

/*
 * executor_elsewhere_act
 *		Does what the foreign key asks for when a row with these values goes (or, not onDelete,
 *		changes to those that follow).  False when that is done; true when rows refer to it that
 *		somebody else has to decide about; *relid and *name are the table's and the constraint's
 *		then.  Raises what the server would.
 */
bool
executor_elsewhere_act(Oid constraintId, char action, bool onDelete, ArrayType *values,
					   Oid *relid, char **name)
{
	Referring	referring = {0};
	OldKey		key = {0};

	if (!find_referring(constraintId, &referring, &key))
		return false;
	parse_values(&key, values);
	*relid = referring.relid;
	*name = referring.name;
	return act(&referring, &key, action, onDelete);
}
