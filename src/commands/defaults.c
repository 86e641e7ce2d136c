/*
 * defaults.c
 *	  What ALTER TABLE gives to rows that are there already: defaults of new columns, USING.
 *
 * The expressions are taken from the shell as it is here: USING before the statement runs, because
 * it reads the columns as they were; defaults after, because then the server has made of them what
 * is to be stored (serial, identity and defaults of domains included).  How they become values is
 * the business of TableFills (tables).
 *
 * Also: the text for the shells of other nodes, whose sequences must be called what the ones are
 * that were made here.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

/* ---- new columns ---- */

/*
 * The columns that the statement adds, in its order: those that are not there yet.  List of
 * ColumnDef *.
 */
static List *
added_columns(Oid relid, const AlterTableStmt *statement)
{
	List	   *columns = NIL;
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);
		ColumnDef  *column = (ColumnDef *) cmd->def;

		if (cmd->subtype == AT_AddColumn &&
			get_attnum(relid, column->colname) == InvalidAttrNumber)
			columns = lappend(columns, copyObject(column));
	}
	return columns;
}

/* the stored default of a column, NULL when it has none */
static Node *
default_expression(Oid relid, const char *column)
{
	AttrNumber	attno = get_attnum(relid, column);
	Relation	relation;
	Node	   *expression;

	if (attno == InvalidAttrNumber)
		return NULL;
	relation = table_open(relid, NoLock);
	expression = TupleDescAttr(RelationGetDescr(relation), attno - 1)->attgenerated != '\0'
		? NULL : build_column_default(relation, attno);
	table_close(relation, NoLock);
	return expression;
}

static void
run_on_shards(Command *command, void *argument)
{
	TableChange *change = argument;
	const DistTable *table = catalog_table_get(change->relid);
	ListCell   *cell;

	if (table == NULL)
		return;
	foreach(cell, change->added)
	{
		const char *column = ((ColumnDef *) lfirst(cell))->colname;

		tables_fills_add(change->fills, column, default_expression(change->relid, column));
	}
	tables_fills_draw(change->fills);
	tables_run_filled_shard_ddl(table, list_make1((char *) change->text), change->names,
								namespace_search_path, change->fills);
}

/* ---- USING ---- */

static Node *
using_expression(Relation relation, const ColumnDef *column)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;
	Node	   *expression;
	Oid			type;
	int32		typmod;

	nsitem = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, nsitem, false, true, true);
	typenameTypeIdAndMod(pstate, column->typeName, &type, &typmod);
	expression = transformExpr(pstate, copyObject(column->raw_default),
							   EXPR_KIND_ALTER_COL_TRANSFORM);
	expression = coerce_to_target_type(pstate, expression, exprType(expression), type, typmod,
									   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expression != NULL)
		assign_expr_collations(pstate, expression);
	free_parsestate(pstate);
	return expression;
}

static void
take_using(Command *command, void *argument)
{
	TableChange *change = argument;
	Relation	relation = table_open(change->relid, NoLock);
	ListCell   *cell;

	foreach(cell, change->converted)
	{
		AlterTableCmd *cmd = lfirst(cell);
		Node	   *expression = using_expression(relation, (ColumnDef *) cmd->def);

		if (expression != NULL && contain_volatile_functions(expression))
			tables_fills_add(change->fills, cmd->name, expression);
	}
	table_close(relation, NoLock);
	tables_fills_draw(change->fills);
}

/* of the statement's subcommands, those with USING */
static List *
converted_columns(const AlterTableStmt *statement)
{
	List	   *converted = NIL;
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_AlterColumnType && ((ColumnDef *) cmd->def)->raw_default != NULL)
			converted = lappend(converted, copyObject(cmd));
	}
	return converted;
}

TableChange *
commands_table_change(Oid relid, const AlterTableStmt *statement, const char *text, List *names)
{
	TableChange *change = palloc0(sizeof(TableChange));

	change->relid = relid;
	change->text = text;
	change->names = names;
	change->added = added_columns(relid, statement);
	change->converted = converted_columns(statement);
	change->fills = tables_fills_make(relid);
	return change;
}

/*
 * The steps before the statement runs on any shell, NIL in most cases: what USING computes on this
 * node, from rows that nobody may change any more.
 */
List *
commands_steps_before_change(TableChange *change)
{
	if (change->converted == NIL)
		return NIL;
	return list_make2(commands_step_lock_shells(list_make1_oid(change->relid),
												AccessExclusiveLock, LOCK_CHILDREN),
					  commands_step_call(take_using, change));
}

/* the shards' part, after the statement has run on all shells */
CommandStep *
commands_step_change_shards(TableChange *change)
{
	return commands_step_call(run_on_shards, change);
}

/* ---- the text for other nodes' shells ---- */

static Oid
owned_sequence(Oid relid, const char *column)
{
	AttrNumber	attno = get_attnum(relid, column);
	ListCell   *cell;

	foreach(cell, getOwnedSequences(relid))
	{
		Oid			tableId;
		int32		columnId;

		if (sequenceIsOwned(lfirst_oid(cell), DEPENDENCY_AUTO, &tableId, &columnId) &&
			columnId == attno)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

static Oid
identity_sequence(Oid relid, const char *column)
{
	Relation	relation = table_open(relid, NoLock);
	Oid			sequence = compat_identity_sequence(relation, get_attnum(relid, column));

	table_close(relation, NoLock);
	return sequence;
}

static void
name_identity(Command *command, Oid relid, const char *column, List *constraints)
{
	ListCell   *cell;

	foreach(cell, constraints)
	{
		Constraint *constraint = lfirst(cell);

		if (constraint->contype == CONSTR_IDENTITY)
			commands_name_identity_in_text(command, constraint,
										   identity_sequence(relid, column));
	}
}

/* the statement that makes a column own its sequence, as it does here */
static char *
own_text(Oid relid, const char *column, Oid sequence)
{
	return psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", catalog_qualified_name(sequence),
					catalog_qualified_name(relid), quote_identifier(column));
}

static void
run_on_shells(Command *command, void *argument)
{
	TableChange *change = argument;
	AlterTableStmt *statement = (AlterTableStmt *) change->statement;
	List	   *texts = NIL;
	char	   *text;
	ListCell   *cell;

	foreach(cell, change->added)
	{
		ColumnDef  *column = lfirst(cell);
		Oid			sequence;

		name_identity(command, change->relid, column->colname, column->constraints);
		if (!commands_type_is_serial(column->typeName))
			continue;
		sequence = owned_sequence(change->relid, column->colname);
		if (!OidIsValid(sequence))
			continue;
		commands_spell_serial_in_text(command, column->typeName, sequence);
		texts = lappend(texts, own_text(change->relid, column->colname, sequence));
	}
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_AddIdentity)
			name_identity(command, change->relid, cmd->name, list_make1(cmd->def));
	}
	text = (char *) command->text;
	if (commands_alter_table_needs_fit(statement))
		text = psprintf(BASE_NODE_SELECT "citus_internal.alter_shell(%s)",
						quote_literal_cstr(text));
	commands_run_on_nodes(lcons(text, texts));
}

CommandStep *
commands_step_change_shells(TableChange *change, const AlterTableStmt *statement)
{
	change->statement = (Node *) copyObject(statement);
	return commands_step_call(run_on_shells, change);
}
