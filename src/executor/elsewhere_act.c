/*
 * elsewhere_act.c
 *	  What a foreign key to a distributed table that only this node knows asks for when another node
 *	  deletes or changes rows (elsewhere.c there asks this one to act).
 *
 * The statement is the one that the server's own trigger would run, with triggers, rules and
 * partitions of the table as they are.  But this session does not see what the other node's
 * transaction has done to the distributed table.  So checks of foreign keys to known tables are
 * left out while it acts: the values that they would look for are noted, and go back to the
 * other node, which looks.  A trigger that reads or writes such tables would see them as they were
 * before the transaction, and wait for its locks; it is an error.
 *
 * Invariants: (1) acting is set while such a statement runs, or triggers that it has left, and
 * never after; (2) every relation that is changed meanwhile is in its estate's list, with the
 * triggers as they are to fire.
 *
 * Main path: executor_elsewhere_act() -> act() -> run_actions(); executor_elsewhere_started() for
 * each statement; executor_elsewhere_note() for each check.
 */
#include "postgres.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "citus/base/session.h"
#include "executor/elsewhere_internal.h"
#include "executor/triggers_internal.h"

/* Acting: a statement for a foreign key */
typedef struct Acting
{
	EState	   *estate;			/* whose relations AFTER triggers are called for */
	MemoryContext context;		/* of what is found */
	List	   *findings;		/* of Finding * */
	int			number;			/* of the referenced row that is followed */
} Acting;

static Acting *acting = NULL;

/* ---- the key ---- */

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
parse_value(OldKey *key, int i, Datum given, bool isNull)
{
	int32		typmod;
	Oid			collation;
	Oid			input;
	Oid			parameter;

	get_atttypetypmodcoll(key->relid, key->columns[i % key->count], &key->types[i], &typmod,
						  &collation);
	getTypeInputInfo(key->types[i], &input, &parameter);
	key->nulls[i] = isNull ? 'n' : ' ';
	if (!isNull)
		key->values[i] = OidInputFunctionCall(input, TextDatumGetCString(given), parameter,
											  typmod);
	else if (i < key->count)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("value of a foreign key is null")));
}

static Oid
relation_of_name(Datum given)
{
	return DatumGetObjectId(DirectFunctionCall1(regclassin,
												CStringGetDatum(TextDatumGetCString(given))));
}

/* the values of all rows, one after another: List of OldKey * */
static List *
parse_keys(const OldKey *pattern, bool onDelete, ArrayType *texts)
{
	int			width = 1 + (onDelete ? pattern->count : 2 * pattern->count);
	List	   *keys = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	if (count % width != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d values are no keys of %d columns", count, pattern->count)));
	for (int at = 0; at < count; at += width)
	{
		OldKey	   *key = palloc(sizeof(OldKey));

		*key = *pattern;
		for (int i = 1; i < width; i++)
			parse_value(key, i - 1, elements[at + i], nulls[at + i]);
		if (!nulls[at])
			key->relid = relation_of_name(elements[at]);
		keys = lappend(keys, key);
	}
	return keys;
}

/* the columns that the statement sets: to NULL, to their defaults, or to what the row gets */
static void
append_columns(StringInfo sql, const Referring *referring, const OldKey *key, char action,
			   bool onDelete)
{
	bool		some = referring->nset > 0 && onDelete;
	int			count = some ? referring->nset : key->count;
	const AttrNumber *columns = some ? referring->set : referring->own;

	for (int i = 0; i < count; i++)
	{
		appendStringInfo(sql, "%s%s = ", i == 0 ? "" : ", ",
						 quote_identifier(get_attname(referring->relid, columns[i], false)));
		if (action == FKCONSTR_ACTION_CASCADE)
			appendStringInfo(sql, "$%d", key->count + i + 1);
		else
			appendStringInfoString(sql, action == FKCONSTR_ACTION_SETNULL ? "NULL" : "DEFAULT");
	}
}

/* ---- the statement and its triggers ---- */

static Oid
note_function(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	return base_own_function("note_reference", 0, NULL, &functionOid, &extensionOid);
}

static bool
checks_distributed(const Trigger *trigger)
{
	return trigger->tgisinternal && RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_FK &&
		catalog_table_is_known(trigger->tgconstrrelid);
}

/* puts our function in the place of checks that cannot be made here; true if there are some */
static bool
replace_checks(ResultRelInfo *info)
{
	TriggerDesc *triggers = info->ri_TrigDesc;
	bool		result = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!checks_distributed(trigger))
			continue;
		trigger->tgfoid = note_function();
		trigger->tgdeferrable = trigger->tginitdeferred = false;
		result = true;
	}
	return result;
}

/* AFTER triggers are looked for in a relation of the statement's, or of the one around it */
static void
remember_relation(Oid relid)
{
	MemoryContext caller = MemoryContextSwitchTo(acting->estate->es_query_cxt);
	ResultRelInfo *info = makeNode(ResultRelInfo);
	ListCell   *cell;

	foreach(cell, acting->estate->es_trig_target_relations)
	{
		if (RelationGetRelid(((ResultRelInfo *) lfirst(cell))->ri_RelationDesc) == relid)
		{
			MemoryContextSwitchTo(caller);
			return;
		}
	}
	InitResultRelInfo(info, table_open(relid, NoLock), 0, NULL, 0);
	(void) replace_checks(info);
	acting->estate->es_trig_target_relations = lappend(acting->estate->es_trig_target_relations,
													   info);
	MemoryContextSwitchTo(caller);
}

/* the server stores what the statement changes, and only in tables of this node */
static bool
only_reads_known(const PlannedStmt *statement)
{
	ListCell   *cell;

	if (statement->hasModifyingCTE || statement->rowMarks != NIL)
		return false;
	if (statement->commandType == CMD_SELECT)
		return true;
	foreach(cell, statement->resultRelations)
	{
		if (catalog_table_is_known(rt_fetch(lfirst_int(cell), statement->rtable)->relid))
			return false;
	}
	return statement->resultRelations != NIL;
}

/* of a reference table, this session has written the copy that it reads */
static bool
may_use(const PlannedStmt *statement, Oid relid)
{
	const DistTable *table = catalog_table_get(relid);

	return table == NULL ||
		(table->kind == DIST_TABLE_REFERENCE && only_reads_known(statement));
}

static void
refuse_known(const PlannedStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->relationOids)
	{
		if (!may_use(statement, lfirst_oid(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot use table \"%s\" in a trigger or rule of a local table whose "
							"rows another node changes", get_rel_name(lfirst_oid(cell))),
					 errdetail("A foreign key of the local table is followed from another node, "
							   "whose transaction this one does not see."),
					 errhint("Run the statement on the node of the local table, or distribute "
							 "that table.")));
	}
}

void
executor_elsewhere_started(QueryDesc *query)
{
	ListCell   *cell;

	if (acting == NULL)
		return;
	refuse_known(query->plannedstmt);
	foreach(cell, query->estate->es_opened_result_relations)
	{
		ResultRelInfo *info = lfirst(cell);

		if (replace_checks(info))
			remember_relation(RelationGetRelid(info->ri_RelationDesc));
	}
}

/* partitions that rows may move to are among the statement's relations, if none is pruned */
static void
keep_partitions(void)
{
	(void) set_config_option("enable_partition_pruning", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* of constraints that are copies of one, the one by which the table refers to a partition */
static Oid
copy_for_partition(Relation catalog, const Referring *referring, Oid parent, Oid partition)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_constraint_conparentid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(parent));
	scan = systable_beginscan(catalog, ConstraintParentIndexId, true, NULL, 1, &key);
	while (!OidIsValid(result) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->conrelid != referring->relid)
			continue;
		result = form->confrelid == partition ? form->oid :
			copy_for_partition(catalog, referring, form->oid, partition);
	}
	systable_endscan(scan);
	return result;
}

/* the server tells of the partition's own constraint */
static char *
name_for_relation(const Referring *referring, Oid relid)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	Oid			copy = get_rel_relispartition(relid) ?
		copy_for_partition(catalog, referring, referring->constraint, relid) : InvalidOid;

	table_close(catalog, AccessShareLock);
	return OidIsValid(copy) ? get_constraint_name(copy) : referring->name;
}

/* if rows refer to the old values, a Finding */
static void
look(const Referring *referring, OldKey *key, int number, List **findings)
{
	StringInfoData sql;
	Finding    *found;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s%s", executor_only_if_plain(referring->relid),
					 catalog_qualified_name(referring->relid));
	executor_append_references(&sql, referring->relid, referring->own, referring->equals,
							   key->count);
	appendStringInfoString(&sql, " FOR KEY SHARE");
	key->changes = false;
	if (executor_key_run(sql.data, key, referring->relid, true, 1) == 0)
		return;
	found = palloc0(sizeof(Finding));
	found->number = number;
	found->schema = get_namespace_name(get_rel_namespace(referring->relid));
	found->table = get_rel_name(referring->relid);
	found->constraint = name_for_relation(referring, key->relid);
	*findings = lappend(*findings, found);
}

/* the statement that the server's trigger has for the action */
static char *
action_sql(const Referring *referring, const OldKey *key, char action, bool onDelete)
{
	const char *only = executor_only_if_plain(referring->relid);
	char	   *name = catalog_qualified_name(referring->relid);
	StringInfoData sql;

	initStringInfo(&sql);
	if (action == FKCONSTR_ACTION_CASCADE && onDelete)
		appendStringInfo(&sql, "DELETE FROM %s%s", only, name);
	else
	{
		appendStringInfo(&sql, "UPDATE %s%s SET ", only, name);
		append_columns(&sql, referring, key, action, onDelete);
	}
	executor_append_references(&sql, referring->relid, referring->own, referring->equals,
							   key->count);
	return sql.data;
}

/* for each row that has gone or changed, in one level of queries */
static void
run_actions(const Referring *referring, List *keys, char action, bool onDelete)
{
	char	   *sql = action_sql(referring, linitial(keys), action, onDelete);
	ListCell   *cell;

	foreach(cell, keys)
	{
		OldKey	   *key = lfirst(cell);

		acting->number = foreach_current_index(cell);
		key->changes = action == FKCONSTR_ACTION_CASCADE && !onDelete;
		(void) executor_key_run(sql, key, referring->relid, false, 0);
		/* defaults may be the values that have gone, which changes nothing that a check sees */
		if (action == FKCONSTR_ACTION_SETDEFAULT)
			look(referring, key, foreach_current_index(cell), &acting->findings);
	}
}

/*
 * What is done to rows is done as the owner of the table, what triggers do after that with the
 * user's rights, as on one server; List of Finding *.
 */
static List *
act(const Referring *referring, List *keys, char action, bool onDelete)
{
	Acting		own = {.estate = CreateExecutorState(), .context = CurrentMemoryContext};
	Acting	   *outer = acting;
	int			level = NewGUCNestLevel();
	ListCell   *cell;

	keep_partitions();
	PG_TRY();
	{
		acting = &own;
		AfterTriggerBeginQuery();
		run_actions(referring, keys, action, onDelete);
		AfterTriggerEndQuery(own.estate);
	}
	PG_FINALLY();
	{
		acting = outer;
	}
	PG_END_TRY();
	ExecResetTupleTable(own.estate->es_tupleTable, false);
	foreach(cell, own.estate->es_trig_target_relations)
		table_close(((ResultRelInfo *) lfirst(cell))->ri_RelationDesc, NoLock);
	FreeExecutorState(own.estate);
	AtEOXact_GUC(true, level);
	return own.findings;
}

List *
executor_elsewhere_act(Oid constraintId, char action, bool onDelete, ArrayType *values)
{
	Referring	referring = {0};
	OldKey		pattern = {0};
	List	   *findings = NIL;
	List	   *keys;
	ListCell   *cell;

	if (!find_referring(constraintId, &referring, &pattern))
		return NIL;
	keys = parse_keys(&pattern, onDelete, values);
	if (keys == NIL)
		return NIL;
	if (action != FKCONSTR_ACTION_NOACTION && action != FKCONSTR_ACTION_RESTRICT)
		return act(&referring, keys, action, onDelete);
	foreach(cell, keys)
		look(&referring, lfirst(cell), foreach_current_index(cell), &findings);
	return findings;
}

/* ---- checks that the other node makes ---- */

/* Check: a row's values for a foreign key */
typedef struct Check
{
	Oid			relid;
	Oid			referenced;
	char	   *name;
	char		match;			/* FKCONSTR_MATCH_ */
	int			count;
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	others[INDEX_MAX_KEYS];
	Oid			equals[INDEX_MAX_KEYS];
	char	   *texts[INDEX_MAX_KEYS];	/* NULL: the value is */
	int			nnulls;
} Check;

static void
read_check(const TriggerData *data, TupleTableSlot *row, Check *check)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(data->tg_trigger->tgconstraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", data->tg_trigger->tgconstraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	check->relid = form->conrelid;
	check->referenced = form->confrelid;
	check->name = pstrdup(NameStr(form->conname));
	check->match = form->confmatchtype;
	DeconstructFkConstraintRow(tuple, &check->count, check->own, check->others, check->equals,
							   NULL, NULL, NULL, NULL);
	ReleaseSysCache(tuple);
	for (int i = 0; i < check->count; i++)
	{
		bool		isNull;
		Datum		value = slot_getattr(row, check->own[i], &isNull);
		Oid			output;
		bool		isVarlena;

		getTypeOutputInfo(get_atttype(check->relid, check->own[i]), &output, &isVarlena);
		check->texts[i] = isNull ? NULL : OidOutputFunctionCall(output, value);
		check->nnulls += isNull;
	}
}

/* x.col OPERATOR(s.=) '..'::type AND ..; with operands as the server's own query has them */
static char *
condition_of(const Check *check)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < check->count; i++)
	{
		Oid			type = getBaseType(get_atttype(check->relid, check->own[i]));
		HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(check->equals[i]));
		Form_pg_operator operator;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for operator %u", check->equals[i]);
		operator = (Form_pg_operator) GETSTRUCT(tuple);
		appendStringInfo(&sql, "%sx.%s OPERATOR(%s.%s) %s::%s", i == 0 ? "" : " AND ",
						 quote_identifier(get_attname(check->referenced, check->others[i],
													  false)),
						 quote_identifier(get_namespace_name(operator->oprnamespace)),
						 NameStr(operator->oprname), quote_literal_cstr(check->texts[i]),
						 format_type_be_qualified(type));
		if (operator->oprright != type && !IsPolymorphicType(operator->oprright))
			appendStringInfo(&sql, "::%s", format_type_be_qualified(operator->oprright));
		ReleaseSysCache(tuple);
	}
	return sql.data;
}

/* as the server decides whether an error may quote the key */
static char *
quote_check(const Check *check)
{
	bool		readable = check_enable_rls(check->relid, InvalidOid, true) != RLS_ENABLED;
	bool		all = pg_class_aclcheck(check->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < check->count; i++)
	{
		readable = readable &&
			(all || pg_attribute_aclcheck(check->relid, check->own[i], GetUserId(),
										  ACL_SELECT) == ACLCHECK_OK);
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ",
						 get_attname(check->relid, check->own[i], false));
		appendStringInfo(&values, "%s%s", i == 0 ? "" : ", ", check->texts[i]);
	}
	return readable ? psprintf("Key (%s)=(%s)", names.data, values.data) : pstrdup("Key");
}

static void
refuse_mixed_nulls(const TriggerData *data, const Check *check)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
					RelationGetRelationName(data->tg_relation), check->name),
			 errdetail("MATCH FULL does not allow mixing of null and nonnull key values."),
			 errtableconstraint(data->tg_relation, check->name)));
}

static void
note_check(const Check *check)
{
	MemoryContext caller = MemoryContextSwitchTo(acting->context);
	Finding    *found = palloc0(sizeof(Finding));
	Finding    *last = acting->findings == NIL ? NULL : llast(acting->findings);

	found->number = acting->number;
	found->schema = get_namespace_name(get_rel_namespace(check->relid));
	found->table = get_rel_name(check->relid);
	found->constraint = pstrdup(check->name);
	found->referenced = catalog_qualified_name(check->referenced);
	found->condition = condition_of(check);
	found->quoted = quote_check(check);
	/* rows that follow one row get one key */
	if (last == NULL || strcmp(last->condition, found->condition) != 0 ||
		strcmp(last->constraint, found->constraint) != 0 ||
		strcmp(last->table, found->table) != 0)
		acting->findings = lappend(acting->findings, found);
	MemoryContextSwitchTo(caller);
}

void
executor_elsewhere_note(TriggerData *data)
{
	bool		updated = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	TupleTableSlot *row = updated ? data->tg_newslot : data->tg_trigslot;
	Check		check = {0};

	if (acting == NULL)
		elog(ERROR, "a check of a foreign key was left out where nobody acts");
	/* the server does not keep events of rows whose key is the same, nor checks what has changed */
	if ((updated && !RI_FKey_fk_upd_check_required(data->tg_trigger, data->tg_relation,
												   data->tg_trigslot, row)) ||
		!table_tuple_satisfies_snapshot(data->tg_relation, row, SnapshotSelf))
		return;
	read_check(data, row, &check);
	if (check.nnulls == 0)
		note_check(&check);
	else if (check.match == FKCONSTR_MATCH_FULL && check.nnulls < check.count)
		refuse_mixed_nulls(data, &check);
}
