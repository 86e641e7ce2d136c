/*
 * defaults.c
 *	  Values that ADD COLUMN ... DEFAULT gives to rows that are there already.
 *
 * Each shard fills the column by itself.  That is right for immutable defaults, and for volatile
 * ones, which differ from row to row anyway.  A stable one (now(), current_user) has one value for
 * the whole statement, which this node computes and writes over what the shards have made of it.
 * The copies of a reference table must agree on every row, so that a volatile default is refused
 * there when rows exist.
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/deparse/template.h"
#include "citus/executor/executor.h"
#include "citus/plan/plan.h"
#include "commands_internal.h"

typedef struct NewColumns
{
	Oid			relid;
	List	   *names;			/* of char *: columns that did not exist before */
} NewColumns;

/* the stored default of a column; NULL when it has none */
static Node *
default_expression(Oid relid, AttrNumber attno)
{
	Relation	relation = table_open(relid, NoLock);
	Node	   *expression = build_column_default(relation, attno);

	table_close(relation, NoLock);
	return expression;
}

/* the value of a stable expression as a literal with its type */
static char *
value_literal(Node *expression)
{
	EState	   *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	Oid			type = exprType(expression);
	char	   *typeName = format_type_extended(type, exprTypmod(expression),
												FORMAT_TYPE_TYPEMOD_GIVEN |
												FORMAT_TYPE_FORCE_QUALIFY);
	ExprState  *state = ExecPrepareExpr((Expr *) expression, estate);
	Datum		value;
	bool		isNull;
	bool		isVarlena;
	Oid			output;
	char	   *text = "NULL";
	int			level;

	value = ExecEvalExprSwitchContext(state, context, &isNull);
	level = deparse_settings_begin();
	getTypeOutputInfo(type, &output, &isVarlena);
	if (!isNull)
		text = quote_literal_cstr(OidOutputFunctionCall(output, value));
	text = psprintf("%s::%s", text, typeName);
	deparse_settings_end(level);
	FreeExecutorState(estate);
	return text;
}

static void
write_value(const DistTable *table, const char *column, const char *literal)
{
	const char *head = "UPDATE ";
	int			hole = strlen(head);
	char	   *text = psprintf("%s SET %s = %s", head, quote_identifier(column), literal);

	(void) executor_run_on_shards(table, plan_template_make(text, 1, &hole, &table->relid));
}

static void
refuse_volatile(const DistTable *table, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot add column \"%s\" with a volatile default to reference table \"%s\"",
					column, get_rel_name(table->relid)),
			 errdetail("Each copy of the table's rows would get values of its own."),
			 errhint("Add the column without a default, set the default, and update the rows.")));
}

static void
settle_column(const DistTable *table, const char *column)
{
	AttrNumber	attno = get_attnum(table->relid, column);
	Node	   *expression = attno == InvalidAttrNumber ? NULL
		: default_expression(table->relid, attno);

	if (expression == NULL || !contain_mutable_functions(expression))
		return;
	if (!contain_volatile_functions(expression))
		write_value(table, column, value_literal(expression));
	else if (table->kind == DIST_TABLE_REFERENCE && commands_table_has_rows(table->relid))
		refuse_volatile(table, column);
}

static void
settle_defaults(Command *command, void *argument)
{
	NewColumns *columns = argument;
	const DistTable *table = catalog_table_get(columns->relid);
	ListCell   *cell;

	foreach(cell, columns->names)
		settle_column(table, lfirst(cell));
}

/* the step that does it, after the shards' step; NULL when the statement adds no column */
CommandStep *
commands_step_defaults(Oid relid, AlterTableStmt *statement)
{
	NewColumns *columns = palloc0(sizeof(NewColumns));
	ListCell   *cell;

	columns->relid = relid;
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);
		ColumnDef  *column = (ColumnDef *) cmd->def;

		if (cmd->subtype == AT_AddColumn &&
			get_attnum(relid, column->colname) == InvalidAttrNumber)
			columns->names = lappend(columns->names, pstrdup(column->colname));
	}
	return columns->names == NIL ? NULL : commands_step_call(settle_defaults, columns);
}
