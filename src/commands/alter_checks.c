/*
 * alter_checks.c
 *	  ALTER TABLE: what is refused because it could not hold across shards.
 *
 * Only what the shards cannot check themselves is looked at, before anything runs.  Constraints
 * are checked after the statement has run here, on what came out of it (tables_check_constraints).
 */
#include "postgres.h"

#include "rewrite/rewriteSupport.h"
#include "utils/lsyscache.h"

#include "citus/deparse/object.h"
#include "commands_internal.h"

typedef struct AlterCheck
{
	const DistTable *table;
	const char *keyName;		/* NULL when keyless */
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

/* true for the types that stand for an integer with a sequence */
bool
commands_type_is_serial(const TypeName *type)
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

static const char *
key_change(AlterTableType type)
{
	switch (type)
	{
		case AT_DropColumn:
			return "drop";
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

static void
check_subcommand(const AlterCheck *check, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AlterColumnType:
		case AT_DropColumn:
		case AT_DropExpression:
			check_key_column(check, cmd);
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

	if (DIST_TABLE_HAS_KEY(table))
		check.keyName = get_attname(table->relid, table->keyAttno, false);
	foreach(cell, statement->cmds)
		check_subcommand(&check, lfirst(cell));
}
