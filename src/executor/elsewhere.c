/*
 * elsewhere.c
 *	  Foreign keys to distributed tables that only another node knows: a table of that node refers
 *	  to rows which a statement of this one deletes or changes.
 *
 * Watches (catalog's watches.c) call executor_elsewhere_ask() for each such row, on the node of the
 * statement.  It asks the node that knows the key, in the same transaction.  That one does what the
 * key says (elsewhere_act.c), and tells of what only this session can decide, for only it sees what
 * else the statement has changed: of rows that still refer to the old values, and of values that
 * rows of local tables have got and that must be those of a row.
 *
 * Main path: executor_elsewhere_ask() -> ask(), settle().
 */
#include "postgres.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"
#include "citus/base/compat_triggers.h"
#include "citus/cluster/cluster.h"
#include "executor/elsewhere_internal.h"

int
executor_key_values(const OldKey *key)
{
	return key->changes ? 2 * key->count : key->count;
}

uint64
executor_key_run(const char *sql, OldKey *key, Oid owned, bool fires, long limit)
{
	CallerRole	caller = executor_enter_unforced(catalog_relation_owner(owned), owned);
	Snapshot	latest;
	SPIPlanPtr	plan;
	uint64		processed;

	/* as the server's own checks, also of what the transaction's snapshot lacks */
	CommandCounterIncrement();
	latest = RegisterSnapshot(GetLatestSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(sql, executor_key_values(key), key->types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	if (SPI_execute_snapshot(plan, key->values, key->nulls, latest,
							 IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
							 InvalidSnapshot, false, fires, limit) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	processed = SPI_processed;
	SPI_finish();
	UnregisterSnapshot(latest);
	executor_leave_role(caller);
	return processed;
}

const char *
executor_only_if_plain(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ";
}

/* Asking: rows that one foreign key has to follow */
typedef struct Asking
{
	Watch		watch;
	bool		onDelete;
	const ClusterNode *node;
	List	   *keys;			/* of OldKey * */
} Asking;

/* ---- the row ---- */

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

	key->relid = RelationGetRelid(data->tg_relation);
	key->count = watch->ncolumns;
	key->changes = !changed;
	for (int i = 0; i < watch->ncolumns; i++)
	{
		AttrNumber	column = column_of_row(data, watch, i);
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(data->tg_relation),
													column - 1);
		int			next = key->count + i;
		bool		isNull;

		key->columns[i] = column;
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

/* ---- what the other node leaves to decide ---- */

/* true if a row of the referenced table has the old values, still or again */
static bool
key_is_there(OldKey *key)
{
	Oid			equals[INDEX_MAX_KEYS];
	StringInfoData sql;

	for (int i = 0; i < key->count; i++)
		equals[i] = lookup_type_cache(key->types[i], TYPECACHE_EQ_OPR)->eq_opr;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s%s", executor_only_if_plain(key->relid),
					 catalog_qualified_name(key->relid));
	executor_append_references(&sql, key->relid, key->columns, equals, key->count);
	appendStringInfoString(&sql, " FOR KEY SHARE");
	key->changes = false;
	return executor_key_run(sql.data, key, key->relid, true, 1) > 0;
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
raise_violation(const OldKey *key, bool restricts, const Finding *found)
{
	ereport(ERROR,
			(errcode(restricts ? ERRCODE_RESTRICT_VIOLATION : ERRCODE_FOREIGN_KEY_VIOLATION),
			 restricts ?
			 errmsg("update or delete on table \"%s\" violates RESTRICT setting of foreign key "
					"constraint \"%s\" on table \"%s\"", get_rel_name(key->relid),
					found->constraint, found->table) :
			 errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on "
					"table \"%s\"", get_rel_name(key->relid), found->constraint, found->table),
			 restricts ?
			 errdetail("%s is referenced from table \"%s\".", quoted_key(key), found->table) :
			 errdetail("%s is still referenced from table \"%s\".", quoted_key(key),
					   found->table),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, found->schema),
			 err_generic_string(PG_DIAG_TABLE_NAME, found->table),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, found->constraint)));
}

/* ---- values that rows of the other node have got ---- */

/* as the check of the other node's row would look for them, here where they can be seen */
static void
check_values(const Finding *found)
{
	Datum		name = CStringGetDatum(found->referenced);
	Oid			relid = DatumGetObjectId(DirectFunctionCall1(regclassin, name));
	OldKey		none = {.relid = relid};
	char	   *sql = psprintf("SELECT 1 FROM %s%s x WHERE %s FOR KEY SHARE OF x",
							   executor_only_if_plain(relid), found->referenced,
							   found->condition);

	if (executor_key_run(sql, &none, relid, true, 1) > 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
					found->table, found->constraint),
			 errdetail("%s is not present in table \"%s\".", found->quoted,
					   get_rel_name(relid)),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, found->schema),
			 err_generic_string(PG_DIAG_TABLE_NAME, found->table),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, found->constraint)));
}

static void
settle(const Asking *asking, char **row)
{
	char		action = asking->watch.action;
	bool		restricts = action == FKCONSTR_ACTION_RESTRICT;
	OldKey	   *key = list_nth(asking->keys, pg_strtoint32(row[0]));
	Finding		found = {
		.schema = row[1], .table = row[2], .constraint = row[3],
		.referenced = row[4], .condition = row[5], .quoted = row[6]
	};

	if (found.referenced != NULL)
		check_values(&found);
	else if (restricts || !key_is_there(key))
		raise_violation(key, restricts && COMPAT_RESTRICT_HAS_OWN_ERROR, &found);
}

/* ---- what is asked ---- */

/*
 * Of the statement whose AFTER triggers are being called, until all have been: one call for all of
 * its rows, so that the other node can do what one statement does.
 */
typedef struct Pending
{
	MemoryContext context;
	List	   *askings;		/* of Asking * */
} Pending;

static Pending *pending = NULL;

/* what the other node leaves to decide here: List of char **, see Finding */
static List *
ask(const Asking *asking)
{
	StringInfoData sql;
	ListCell   *cell;
	const char *separator = "";

	initStringInfo(&sql);
	appendStringInfo(&sql, BASE_NODE_SELECT "key_number, referring_schema, referring_table, "
					 "constraint_name, referenced, condition, quoted "
					 "FROM citus_internal.act_on_referring(%u, '%c', %s, ARRAY[",
					 asking->watch.constraint, asking->watch.action,
					 asking->onDelete ? "true" : "false");
	foreach(cell, asking->keys)
	{
		OldKey	   *key = lfirst(cell);

		appendStringInfo(&sql, "%s%s", separator,
						 quote_literal_cstr(catalog_qualified_name(key->relid)));
		for (int i = 0; i < executor_key_values(key); i++)
			appendStringInfo(&sql, ", %s", key->nulls[i] == 'n' ? "NULL" :
							 quote_literal_cstr(text_of(key, i)));
		separator = ", ";
	}
	appendStringInfoString(&sql, "]::pg_catalog.text[])");
	executor_quiesce_all(NULL);
	return linitial(cluster_call_each(list_make1(unconstify(ClusterNode *, asking->node)),
									  sql.data));
}

static void
ask_and_settle(const Asking *asking)
{
	ListCell   *cell;

	foreach(cell, ask(asking))
		settle(asking, lfirst(cell));
}

/* values of the row's slots do not stay */
static OldKey *
copy_key(const OldKey *key)
{
	OldKey	   *copy = palloc(sizeof(OldKey));

	*copy = *key;
	for (int i = 0; i < executor_key_values(key); i++)
	{
		int16		length;
		bool		byValue;

		get_typlenbyval(key->types[i], &length, &byValue);
		if (key->nulls[i] != 'n')
			copy->values[i] = datumCopy(key->values[i], byValue, length);
	}
	return copy;
}

static void
ask_later(const Asking *asking, const OldKey *key)
{
	MemoryContext caller = MemoryContextSwitchTo(pending->context);
	Asking	   *known = NULL;
	ListCell   *cell;

	foreach(cell, pending->askings)
	{
		Asking	   *other = lfirst(cell);

		if (other->watch.constraint == asking->watch.constraint &&
			other->node == asking->node && other->onDelete == asking->onDelete)
			known = other;
	}
	if (known == NULL)
	{
		known = palloc(sizeof(Asking));
		*known = *asking;
		known->watch.key = NULL;
		pending->askings = lappend(pending->askings, known);
	}
	known->keys = lappend(known->keys, copy_key(key));
	MemoryContextSwitchTo(caller);
}

/* what the server checks row by row is asked at once: triggers that fire next may change it */
void
executor_elsewhere_ask(TriggerData *data)
{
	Asking		asking = {.onDelete = TRIGGER_FIRED_BY_DELETE(data->tg_event)};
	OldKey		key;

	catalog_watch_read(data->tg_trigger, &asking.watch);
	asking.node = asking.watch.groupId == catalog_local_group() ? NULL :
		catalog_node_of_group(asking.watch.groupId);
	/* a node that has left keeps what it had, and has no distributed tables any more */
	if (asking.node == NULL || !take_key(data, &asking.watch, &key))
		return;
	if (pending != NULL && asking.watch.action != FKCONSTR_ACTION_NOACTION &&
		asking.watch.action != FKCONSTR_ACTION_RESTRICT)
	{
		ask_later(&asking, &key);
		return;
	}
	asking.keys = list_make1(&key);
	ask_and_settle(&asking);
}

/* calls AFTER triggers by the function, and asks for what they leave */
void
executor_elsewhere_around(void (*fire) (EState *estate), EState *estate)
{
	Pending		own = {.context = CurrentMemoryContext};
	Pending    *outer = pending;
	ListCell   *cell;

	PG_TRY();
	{
		pending = &own;
		fire(estate);
	}
	PG_FINALLY();
	{
		pending = outer;
	}
	PG_END_TRY();
	foreach(cell, own.askings)
		ask_and_settle(lfirst(cell));
}
