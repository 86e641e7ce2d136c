/*
 * attached.c
 *	  What hangs on tables: extended statistics, policies, rules, triggers.
 *
 * Statistics have names of their own on each shard; policies keep theirs.  Rules and triggers are
 * on shells only: they do their work on the node that gets a statement.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/deparse/template.h"
#include "citus/tables/tables.h"
#include "commands_internal.h"

/* ---- statistics ---- */

/* the known table of a statistics object, or NULL */
static const DistTable *
table_of_statistics(Oid statisticsId)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statisticsId));
	Oid			relid;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	relid = ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid;
	ReleaseSysCache(tuple);
	return catalog_table_get(relid);
}

bool
commands_statistics_is_known(Oid statisticsId)
{
	return table_of_statistics(statisticsId) != NULL;
}

static char *
statistics_qualified_name(Oid statisticsId)
{
	ObjectAddress address;

	ObjectAddressSet(address, StatisticExtRelationId, statisticsId);
	return getObjectIdentity(&address, false);
}

/* the newest statistics object of a table: the one just made */
static Oid
newest_statistics(Oid relid)
{
	List	   *ids;
	Oid			newest = InvalidOid;
	ListCell   *cell;
	Relation	relation = RelationIdGetRelation(relid);

	ids = RelationGetStatExtList(relation);
	RelationClose(relation);
	foreach(cell, ids)
		newest = Max(newest, lfirst_oid(cell));
	return newest;
}

/*
 * The definition as the server prints it has the name that it chose; nodes and shards get that.
 */
static void
create_statistics_elsewhere(Command *command, void *argument)
{
	CreateStatsStmt *statement = (CreateStatsStmt *) command->statement;
	Oid			relid = *(Oid *) argument;
	Oid			statisticsId = statement->defnames
		? get_statistics_object_oid(statement->defnames, true) : newest_statistics(relid);
	ObjectAddress address;
	char	   *text;
	int			level;

	if (!OidIsValid(statisticsId))
		return;
	ObjectAddressSet(address, StatisticExtRelationId, statisticsId);
	cluster_ensure_dependencies(&address, false);
	level = deparse_settings_begin();
	text = pg_get_statisticsobjdef_string(statisticsId);
	deparse_settings_end(level);
	commands_run_on_nodes(list_make1(text));
	tables_run_shard_ddl(catalog_table_get(relid), list_make1(text), NIL, "pg_catalog");
}

List *
commands_steps_create_statistics(Command *command)
{
	CreateStatsStmt *statement = (CreateStatsStmt *) command->statement;
	RangeVar   *name = linitial(statement->relations);
	Oid			relid;
	Oid		   *argument;

	if (!IsA(name, RangeVar))
		return NIL;
	relid = commands_relation_find(command, name);
	if (!OidIsValid(relid) || !catalog_table_is_known(relid))
		return NIL;
	if (statement->if_not_exists && statement->defnames != NIL &&
		OidIsValid(get_statistics_object_oid(statement->defnames, true)))
		return NIL;
	commands_require_owner(relid);
	commands_lock_coordinator_first(list_make1_oid(relid), ShareUpdateExclusiveLock,
									LOCK_ALONE);
	argument = palloc(sizeof(Oid));
	*argument = relid;
	return list_make2(commands_step_local(),
					  commands_step_call(create_statistics_elsewhere, argument));
}

List *
commands_steps_alter_statistics(Command *command)
{
	AlterStatsStmt *statement = (AlterStatsStmt *) command->statement;
	Oid			statisticsId = get_statistics_object_oid(statement->defnames, true);
	const DistTable *table = OidIsValid(statisticsId) ? table_of_statistics(statisticsId) : NULL;

	if (table == NULL)
		return NIL;
	return list_make3(commands_step_local(), commands_step_nodes(command->text),
					  commands_step_shards(table->relid, command->text, NIL));
}

/* RENAME, SET SCHEMA, OWNER TO of extended statistics: the shards first, by the old name */
List *
commands_steps_for_statistics(Command *command, List *names)
{
	Oid			statisticsId = get_statistics_object_oid(names, true);
	const DistTable *table = OidIsValid(statisticsId) ? table_of_statistics(statisticsId) : NULL;

	if (table == NULL)
		return NIL;
	commands_require_owner(table->relid);
	return list_make4(commands_step_lock_shells(list_make1_oid(table->relid),
												ShareUpdateExclusiveLock, LOCK_ALONE),
					  commands_step_shards(table->relid, command->text, NIL),
					  commands_step_local(), commands_step_nodes(command->text));
}

List *
commands_steps_drop_statistics(Command *command)
{
	DropStmt   *statement = (DropStmt *) command->statement;
	List	   *steps = NIL;
	List	   *tables = NIL;
	ListCell   *cell;

	foreach(cell, statement->objects)
	{
		Oid			statisticsId = get_statistics_object_oid(lfirst(cell), true);
		const DistTable *table = OidIsValid(statisticsId)
			? table_of_statistics(statisticsId) : NULL;
		char	   *text;

		if (table == NULL)
			continue;
		commands_require_owner(table->relid);
		tables = list_append_unique_oid(tables, table->relid);
		text = psprintf("DROP STATISTICS %s", statistics_qualified_name(statisticsId));
		steps = lappend(steps, commands_step_nodes(text));
		steps = lappend(steps, commands_step_shards(table->relid, text, NIL));
	}
	if (steps == NIL)
		return NIL;
	commands_lock_coordinator_first(tables, ShareUpdateExclusiveLock, LOCK_ALONE);
	return lcons(commands_step_local(), steps);
}

/* ---- policies ---- */

static bool
has_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		return true;
	return raw_expression_tree_walker(node, has_subquery, context);
}

typedef struct PolicyTarget
{
	Oid			relid;
	const char *name;
} PolicyTarget;

/* roles and functions of the policy */
static void
ensure_policy_dependencies(Command *command, void *argument)
{
	PolicyTarget *target = argument;
	ObjectAddress address;

	tables_check_policies(target->relid);
	ObjectAddressSet(address, PolicyRelationId,
					 get_relation_policy_oid(target->relid, target->name, false));
	cluster_ensure_dependencies(&address, false);
}

/*
 * A policy with a sub-query, as the server prints it: names in it are qualified and told apart from
 * the table's own.
 */
static void
remake_policy(Command *command, void *argument)
{
	PolicyTarget *target = argument;
	char	   *drop = psprintf("DROP POLICY IF EXISTS %s ON %s", quote_identifier(target->name),
								catalog_qualified_name(target->relid));
	List	   *texts = list_make2(drop, deparse_policy(target->relid, target->name));

	commands_run_on_nodes(texts);
	tables_run_shard_ddl(catalog_table_get(target->relid), texts, NIL, "pg_catalog");
}

static List *
steps_for_policy(Command *command, RangeVar *relation, const char *name, Node *using, Node *check)
{
	Oid			relid = commands_relation_find(command, relation);
	PolicyTarget *target;
	List	   *steps;

	if (!OidIsValid(relid) || !catalog_table_is_known(relid))
		return NIL;
	commands_require_owner(relid);
	commands_lock_coordinator_first(list_make1_oid(relid), AccessExclusiveLock, LOCK_ALONE);
	commands_qualify_text(command, list_make1(relation));
	target = palloc(sizeof(PolicyTarget));
	target->relid = relid;
	target->name = pstrdup(name);
	steps = list_make2(commands_step_local(),
					   commands_step_call(ensure_policy_dependencies, target));
	if (has_subquery(using, NULL) || has_subquery(check, NULL))
		return lappend(steps, commands_step_call(remake_policy, target));
	steps = lappend(steps, commands_step_nodes(command->text));
	return lappend(steps, commands_step_shards(relid, command->text, NIL));
}

List *
commands_steps_create_policy(Command *command)
{
	CreatePolicyStmt *statement = (CreatePolicyStmt *) command->statement;

	return steps_for_policy(command, statement->table, statement->policy_name,
							statement->qual, statement->with_check);
}

List *
commands_steps_alter_policy(Command *command)
{
	AlterPolicyStmt *statement = (AlterPolicyStmt *) command->statement;

	return steps_for_policy(command, statement->table, statement->policy_name,
							statement->qual, statement->with_check);
}

/* ---- rules ---- */

/*
 * Rules are applied on the node that gets a statement, before it is planned: all shells have them,
 * and no shard; so have views that all nodes have.
 */
static void
share_rule(Command *command, void *argument)
{
	RuleStmt   *statement = (RuleStmt *) command->statement;
	Oid			relid = *(Oid *) argument;
	Oid			obstacle = deparse_rule_obstacle(relid, statement->rulename);
	ObjectAddress address;

	if (OidIsValid(obstacle))
	{
		ereport(WARNING,
				(errmsg("rule \"%s\" on %s \"%s\" stays local to this node",
						statement->rulename,
						get_rel_relkind(relid) == RELKIND_VIEW ? "view" : "table",
						get_rel_name(relid)),
				 errdetail("It names relation \"%s\", which other nodes do not have.",
						   get_rel_name(obstacle))));
		return;
	}
	ObjectAddressSet(address, RewriteRelationId,
					 get_rewrite_oid(relid, statement->rulename, false));
	cluster_ensure_dependencies(&address, false);
	commands_run_on_nodes(deparse_rule(relid, statement->rulename));
}

/* true for a relation whose rules other nodes have, too: a known table, or a known view */
bool
commands_has_shared_rules(Oid relid)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, relid);
	return catalog_table_is_known(relid) ||
		(get_rel_relkind(relid) == RELKIND_VIEW && commands_object_is_known(&address));
}

List *
commands_steps_create_rule(Command *command)
{
	RuleStmt   *statement = (RuleStmt *) command->statement;
	Oid			relid = commands_relation_find(command, statement->relation);
	Oid		   *argument;

	if (!OidIsValid(relid) || !commands_has_shared_rules(relid))
		return NIL;
	commands_require_owner(relid);
	if (statement->event == CMD_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot have ON SELECT rules", get_rel_name(relid)),
				 get_rel_relkind(relid) == RELKIND_VIEW ? 0 :
				 errdetail("A distributed table cannot become a view.")));
	commands_lock_coordinator_first(list_make1_oid(relid), AccessExclusiveLock, LOCK_ALONE);
	argument = palloc(sizeof(Oid));
	*argument = relid;
	return list_make2(commands_step_local(), commands_step_call(share_rule, argument));
}

/* ---- triggers ---- */

/* the function of the trigger must be there before the trigger is */
static void
ensure_trigger_function(Command *command, void *argument)
{
	CreateTrigStmt *statement = (CreateTrigStmt *) command->statement;
	ObjectAddress address;

	ObjectAddressSet(address, TriggerRelationId,
					 get_trigger_oid(*(Oid *) argument, statement->trigname, false));
	cluster_ensure_dependencies(&address, false);
}

List *
commands_steps_create_trigger(Command *command)
{
	CreateTrigStmt *statement = (CreateTrigStmt *) command->statement;
	Oid			relid = commands_relation_find(command, statement->relation);
	Oid		   *argument;

	/* views have INSTEAD OF triggers, applied on the node that gets a statement, as rules are */
	if (!OidIsValid(relid) || !commands_has_shared_rules(relid))
		return NIL;
	commands_lock_coordinator_first(list_make1_oid(relid), ShareRowExclusiveLock, LOCK_ALONE);
	commands_qualify_text(command, list_make2(statement->relation, statement->constrrel));
	argument = palloc(sizeof(Oid));
	*argument = relid;
	return list_make3(commands_step_local(),
					  commands_step_call(ensure_trigger_function, argument),
					  commands_step_nodes(command->text));
}

/* DROP TRIGGER, DROP POLICY, DROP RULE: the last name is the object's, the others the table's */
List *
commands_steps_drop_attached(Command *command)
{
	DropStmt   *statement = (DropStmt *) command->statement;
	List	   *names = linitial_node(List, statement->objects);
	List	   *tableNames;
	const DistTable *table;
	Oid			relid;
	char	   *text;

	if (list_length(names) < 2)
		return NIL;
	tableNames = list_truncate(list_copy(names), list_length(names) - 1);
	relid = commands_relation_find(command, makeRangeVarFromNameList(tableNames));
	table = OidIsValid(relid) ? catalog_table_get(relid) : NULL;
	if (table == NULL && (!OidIsValid(relid) || statement->removeType == OBJECT_POLICY ||
						  !commands_has_shared_rules(relid)))
		return NIL;
	if (statement->removeType == OBJECT_TRIGGER &&
		!OidIsValid(get_trigger_oid(relid, strVal(llast(names)), true)))
		return NIL;
	commands_require_owner(relid);
	commands_lock_coordinator_first(list_make1_oid(relid), AccessExclusiveLock, LOCK_ALONE);
	text = psprintf("DROP %s IF EXISTS %s ON %s%s",
					statement->removeType == OBJECT_TRIGGER ? "TRIGGER" :
					statement->removeType == OBJECT_RULE ? "RULE" : "POLICY",
					quote_identifier(strVal(llast(names))), catalog_qualified_name(relid),
					commands_behavior_text(statement->behavior));
	if (statement->removeType != OBJECT_POLICY)
		return list_make2(commands_step_local(), commands_step_nodes(text));
	return list_make3(commands_step_local(), commands_step_nodes(text),
					  commands_step_shards(relid, text, NIL));
}
