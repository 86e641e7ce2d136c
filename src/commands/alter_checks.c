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

static void
refuse(const DistTable *table, const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot %s distributed table \"%s\"", what, get_rel_name(table->relid)),
			 errdetail("%s", detail)));
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

static void
check_subcommand(const DistTable *table, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
			if (OidIsValid(get_rewrite_oid(table->relid, cmd->name, true)) &&
				OidIsValid(deparse_rule_obstacle(table->relid, cmd->name)))
				refuse(table, "enable or disable a rule on",
					   "The rule names a relation that other nodes do not have.");
			break;
		default:
			break;
	}
}

/* raises 0A000 for what cannot be kept true over the shards of table */
void
commands_check_alter_table(const DistTable *table, AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
		check_subcommand(table, lfirst(cell));
}
