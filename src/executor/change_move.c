/*
 * change_move.c
 *	  Foreign keys that refer to rows which move to another shard.
 *
 * The server's own triggers on shards see a DELETE and an INSERT where the user has written an
 * UPDATE.  What a foreign key asks for ON UPDATE is done here:
 *
 *		NO ACTION, RESTRICT		an error when rows refer to the old values; when the key says the
 *								same ON DELETE, the shard's own trigger finds them
 *		CASCADE					after the row has arrived, rows that refer to it are updated by a
 *								statement of the user's tables, and so move, too
 *		SET NULL, SET DEFAULT	an error: the distribution column of the rows would change so
 *
 * A self-referencing key is left to the triggers on the shards, and those that act on this node as
 * they are to its shells' (actions.c).
 *
 * The statements run as the owner of the referencing table, who need not be the user, and whom
 * policies do not keep from its rows, as the server's own do.
 */
#include "postgres.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "executor/change_internal.h"

/* a foreign key of another table that refers to the rows */
typedef struct ForeignKey
{
	Oid			constraint;
	char	   *name;
	Oid			relid;			/* the table that has it */
	Oid			owner;			/* of that table */
	char		onUpdate;
	char		onDelete;
	int			nkeys;
	AttrNumber	own[INDEX_MAX_KEYS];	/* columns of that table */
	AttrNumber	referenced[INDEX_MAX_KEYS];
	Oid			equals[INDEX_MAX_KEYS]; /* operators: referenced = own */
} ForeignKey;

static List *
find_foreign_keys(Oid relid, List *acting)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_constraint_confrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		ForeignKey *found;

		/* those of partitions follow their parent's */
		if (form->contype != CONSTRAINT_FOREIGN || OidIsValid(form->conparentid) ||
			form->conrelid == relid || list_member_oid(acting, form->conrelid))
			continue;
		found = palloc0(sizeof(ForeignKey));
		found->constraint = form->oid;
		found->name = pstrdup(NameStr(form->conname));
		found->relid = form->conrelid;
		found->owner = catalog_relation_owner(form->conrelid);
		found->onUpdate = form->confupdtype;
		found->onDelete = form->confdeltype;
		DeconstructFkConstraintRow(tuple, &found->nkeys, found->own, found->referenced,
								   found->equals, NULL, NULL, NULL, NULL);
		result = lappend(result, found);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return result;
}

static const char *
own_column(const ForeignKey *key, int number)
{
	return quote_identifier(get_attname(key->relid, key->own[number], false));
}

void
executor_append_references(StringInfo sql, Oid relid, const AttrNumber *own, const Oid *equals,
						   int count)
{
	for (int i = 0; i < count; i++)
	{
		HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(equals[i]));
		Form_pg_operator operator;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for operator %u", equals[i]);
		operator = (Form_pg_operator) GETSTRUCT(tuple);
		appendStringInfo(sql, " %s $%d OPERATOR(%s.%s) %s", i == 0 ? "WHERE" : "AND", i + 1,
						 quote_identifier(get_namespace_name(operator->oprnamespace)),
						 NameStr(operator->oprname),
						 quote_identifier(get_attname(relid, own[i], false)));
		ReleaseSysCache(tuple);
	}
}

static void
append_where(StringInfo sql, const ForeignKey *key)
{
	executor_append_references(sql, key->relid, key->own, key->equals, key->nkeys);
}

/*
 * Runs a statement with the old, and if wanted the new, values of the referenced columns, as the
 * owner of the referencing table.
 */
static uint64
run_for_row(ChangeState *state, const ForeignKey *key, const char *sql, TupleTableSlot *slot,
			ChangeAction *action, bool withNew)
{
	Oid			types[2 * INDEX_MAX_KEYS];
	Datum		values[2 * INDEX_MAX_KEYS];
	char		nulls[2 * INDEX_MAX_KEYS];
	int			n = 0;
	uint64		processed;
	CallerRole	caller;

	for (int pass = 0; pass <= (withNew ? 1 : 0); pass++)
	{
		for (int i = 0; i < key->nkeys; i++)
		{
			AttrNumber	attno = key->referenced[i];
			int			column = pass == 0 ? 0 : executor_change_value_column(state, action, attno);
			bool		isNull;

			if (column == 0)
				column = state->spec->oldColumn + attno - 1;
			types[n] = TupleDescAttr(state->rowDesc, column - 1)->atttypid;
			values[n] = slot_getattr(slot, column, &isNull);
			nulls[n++] = isNull ? 'n' : ' ';
		}
	}
	caller = executor_enter_unforced(key->owner, key->relid);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, n, types, values, nulls, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	processed = SPI_processed;
	SPI_finish();
	executor_leave_role(caller);
	return processed;
}

static ChangeAction *
moving_action(ChangeState *state, TupleTableSlot *slot)
{
	bool		isNull;
	int			number = state->spec->actionColumn == 0 ? 1 :
		DatumGetInt32(slot_getattr(slot, state->spec->actionColumn, &isNull));

	return list_nth(state->spec->actions, number - 1);
}

static void
visit_check(ChangeState *state, int64 number, TupleTableSlot *slot, void *arg)
{
	ForeignKey *key = arg;
	StringInfoData sql;

	if ((state->flags[number] & CHANGE_ROW_MOVES) == 0)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s", catalog_qualified_name(key->relid));
	append_where(&sql, key);
	appendStringInfoString(&sql, " LIMIT 1");
	if (run_for_row(state, key, sql.data, slot, moving_action(state, slot), false) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("update or delete on table \"%s\" violates foreign key constraint "
						"\"%s\" on table \"%s\"", get_rel_name(state->spec->relid), key->name,
						get_rel_name(key->relid)),
				 errdetail("The row would move to another shard, and is still referenced.")));
	pfree(sql.data);
}

static void
visit_follow(ChangeState *state, int64 number, TupleTableSlot *slot, void *arg)
{
	ForeignKey *key = arg;
	StringInfoData sql;

	if ((state->flags[number] & CHANGE_ROW_MOVES) == 0)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s SET ", catalog_qualified_name(key->relid));
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&sql, "%s%s = $%d", i == 0 ? "" : ", ", own_column(key, i),
						 key->nkeys + i + 1);
	append_where(&sql, key);
	(void) run_for_row(state, key, sql.data, slot, moving_action(state, slot), true);
	pfree(sql.data);
}

void
executor_change_begin_moves(ChangeState *state)
{
	ListCell   *cell;

	state->foreignKeys = find_foreign_keys(state->spec->relid, state->acting);
	foreach(cell, state->foreignKeys)
	{
		ForeignKey *key = lfirst(cell);
		bool		refuses = key->onUpdate == FKCONSTR_ACTION_NOACTION ||
			key->onUpdate == FKCONSTR_ACTION_RESTRICT;

		/* the trigger on the shard finds them */
		if (refuses && (key->onDelete == FKCONSTR_ACTION_NOACTION ||
						key->onDelete == FKCONSTR_ACTION_RESTRICT))
			continue;
		if (key->onUpdate == FKCONSTR_ACTION_CASCADE)
			state->followed = true;
		else
			executor_change_each_row(state, visit_check, key);
	}
}

void
executor_change_follow_moves(ChangeState *state)
{
	ListCell   *cell;

	foreach(cell, state->foreignKeys)
	{
		ForeignKey *key = lfirst(cell);

		if (key->onUpdate == FKCONSTR_ACTION_CASCADE)
			executor_change_each_row(state, visit_follow, key);
	}
}
