/*
 * alter_checks.c
 *	  ALTER TABLE: what is refused because it could not hold across shards.
 *
 * Only what the shards cannot check themselves is looked at, before anything runs.  Constraints
 * are checked after the statement has run here, on what came out of it (tables_check_constraints).
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/spi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteSupport.h"
#include "utils/lsyscache.h"

#include "citus/deparse/object.h"
#include "commands_internal.h"

typedef struct AlterCheck
{
	const DistTable *table;
	const char *keyName;		/* NULL when keyless */
	bool		alone;			/* the only subcommand */
} AlterCheck;

static void
refuse(const AlterCheck *check, const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot %s distributed table \"%s\"", what,
					get_rel_name(check->table->relid)),
			 detail ? errdetail("%s", detail) : 0));
}

static bool
nextval_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		const char *name = strVal(llast(((FuncCall *) node)->funcname));

		if (strcmp(name, "nextval") == 0)
			return true;
	}
	return raw_expression_tree_walker(node, nextval_walker, context);
}

/* true for a raw expression that draws from a sequence */
bool
commands_expression_has_nextval(Node *expression)
{
	return nextval_walker(expression, NULL);
}

static bool
type_is_serial(const TypeName *type)
{
	static const char *const names[] = {
		"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"
	};

	if (type == NULL || list_length(type->names) != 1 || type->pct_type)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(strVal(linitial(type->names)), names[i]) == 0)
			return true;
	}
	return false;
}

bool
commands_table_has_rows(Oid relid)
{
	char	   *query = psprintf("SELECT FROM %s LIMIT 1", commands_qualified_name(relid));
	bool		found;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for rows of relation %u", relid);
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}

/*
 * Values of a sequence are drawn where a row comes in, never on shards: rows that are there already
 * would stay without.
 */
static void
check_add_column(const AlterCheck *check, const ColumnDef *column)
{
	bool		numbered = false;
	ListCell   *cell;

	if (type_is_serial(column->typeName))
		refuse(check, "add a serial column to",
			   "Create the sequence first and make it the default of an added column.");
	foreach(cell, column->constraints)
	{
		Constraint *constraint = lfirst(cell);

		numbered |= constraint->contype == CONSTR_IDENTITY ||
			(constraint->contype == CONSTR_DEFAULT &&
			 commands_expression_has_nextval(constraint->raw_expr));
	}
	if (numbered && commands_table_has_rows(check->table->relid))
		refuse(check, "add a column that draws from a sequence to",
			   "The table has rows, which cannot be numbered over all shards.");
}

static const char *
key_change(AlterTableType type)
{
	switch (type)
	{
		case AT_DropColumn:
			return "drop";
		case AT_ColumnDefault:
			return "change the default of";
		case AT_DropNotNull:
			return "allow nulls in";
		default:
			return "change the type or expression of";
	}
}

static void
check_key_column(const AlterCheck *check, const AlterTableCmd *cmd)
{
	if (check->keyName == NULL || cmd->name == NULL || strcmp(cmd->name, check->keyName) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("cannot %s the distribution column of distributed table \"%s\"",
					key_change(cmd->subtype), get_rel_name(check->table->relid))));
}

/*
 * USING rewrites each copy of a reference table on its own: volatile functions would make them
 * differ.
 */
static void
check_using(const AlterCheck *check, const ColumnDef *column)
{
	ParseState *pstate;
	ParseNamespaceItem *nsitem;
	Relation	relation;
	Node	   *expression;

	if (check->table->kind != DIST_TABLE_REFERENCE || column->raw_default == NULL)
		return;
	pstate = make_parsestate(NULL);
	relation = table_open(check->table->relid, AccessShareLock);
	nsitem = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, nsitem, false, true, true);
	expression = transformExpr(pstate, copyObject(column->raw_default),
							   EXPR_KIND_ALTER_COL_TRANSFORM);
	table_close(relation, NoLock);
	free_parsestate(pstate);
	if (contain_volatile_functions(expression))
		refuse(check, "change a column by a volatile expression in",
			   "Each copy of the table's rows would get values of its own.");
}

static void
check_attach(const AlterCheck *check, const AlterTableCmd *cmd)
{
	PartitionCmd *partition = (PartitionCmd *) cmd->def;

	if (partition->concurrent || cmd->subtype == AT_DetachPartitionFinalize)
		refuse(check, "concurrently detach a partition of", NULL);
	if (!check->alone)
		refuse(check, "combine other changes with partitions of", NULL);
}

static void
check_subcommand(const AlterCheck *check, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			check_add_column(check, (ColumnDef *) cmd->def);
			break;
		case AT_AlterColumnType:
			check_key_column(check, cmd);
			check_using(check, (ColumnDef *) cmd->def);
			break;
		case AT_DropColumn:
		case AT_DropExpression:
		case AT_ColumnDefault:
		case AT_DropNotNull:
			check_key_column(check, cmd);
			break;
		case AT_SetIdentity:
			refuse(check, "change the sequence of an identity column of",
				   "Each node has a range of values of its own.");
			break;
		case AT_AddInherit:
		case AT_DropInherit:
			refuse(check, "change the inheritance of", NULL);
			break;
		case AT_AddOf:
			refuse(check, "bind to a type the columns of",
				   "Changes of the type would not reach the shards.");
			break;
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
			if (OidIsValid(get_rewrite_oid(check->table->relid, cmd->name, true)) &&
				OidIsValid(deparse_rule_obstacle(check->table->relid, cmd->name)))
				refuse(check, "enable or disable a rule on",
					   "The rule names a relation that other nodes do not have.");
			break;
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			check_attach(check, cmd);
			break;
		default:
			break;
	}
}

/*
 * raises 0A000 for what cannot be kept true over the shards of table, XX000 for changes of its
 * distribution column
 */
void
commands_check_alter_table(const DistTable *table, AlterTableStmt *statement)
{
	AlterCheck	check = {.table = table};
	ListCell   *cell;

	check.alone = list_length(statement->cmds) == 1;
	if (DIST_TABLE_HAS_KEY(table))
		check.keyName = get_attname(table->relid, table->keyAttno, false);
	foreach(cell, statement->cmds)
		check_subcommand(&check, lfirst(cell));
}
