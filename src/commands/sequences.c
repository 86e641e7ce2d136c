/*
 * sequences.c
 *	  CREATE and ALTER SEQUENCE where known tables use the sequence, and what ALTER TABLE says about
 *	  sequences of identity columns.
 *
 * The coordinator's sequence is the one that counts: there a statement runs as it is.  On another
 * node the sequence has bounds of that node's own (cluster/sequences.c), so that what the statement
 * says about bounds and positions is left out, and the bounds are set again afterwards.
 *
 * Main path: commands_steps_alter_sequence(), on other nodes citus_internal.alter_sequence();
 * commands_fit_alter_table(), on other nodes from citus_internal.alter_shell().
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/sequence.h"
#include "commands/tablecmds.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/template.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_alter_sequence);
PG_FUNCTION_INFO_V1(citus_internal_alter_shell);

/* ---- which sequences ---- */

/* the known table whose column owns a sequence, as serial and identity columns do, or InvalidOid */
Oid
commands_owner_of_sequence(Oid relid)
{
	Oid			table;
	int32		attno;

	if (!sequenceIsOwned(relid, DEPENDENCY_AUTO, &table, &attno) &&
		!sequenceIsOwned(relid, DEPENDENCY_INTERNAL, &table, &attno))
		return InvalidOid;
	return catalog_table_is_known(table) ? table : InvalidOid;
}

/* the table of OWNED BY table.column; InvalidOid for NONE and without it */
static Oid
new_owner(Command *command, List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst(cell);
		List	   *names;

		if (strcmp(option->defname, "owned_by") != 0 || option->arg == NULL)
			continue;
		names = defGetQualifiedName(option);
		if (list_length(names) < 2)
			continue;
		names = list_truncate(list_copy(names), list_length(names) - 1);
		return commands_relation_find(command, makeRangeVarFromNameList(names));
	}
	return InvalidOid;
}

/* ---- on one node ---- */

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
	{
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

static bool
has_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		if (strcmp(((DefElem *) lfirst(cell))->defname, name) == 0)
			return true;
	}
	return false;
}

/* of the options, those that mean the same where a node has values of its own */
static List *
common_options(List *options)
{
	static const char *const common[] = {
		"as", "increment", "cache", "cycle", "owned_by", "generated", NULL
	};
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst(cell);

		if (is_one_of(option->defname, common))
			kept = lappend(kept, option);
	}
	return kept;
}

static DefElem *
number_option(const char *name, int value)
{
	return makeDefElem(pstrdup(name), (Node *) makeInteger(value), -1);
}

/* bounds that fit every integer type, until the node's own are set again */
static List *
neutral_bounds(List *options)
{
	options = lappend(options, number_option("minvalue", PG_INT16_MIN));
	options = lappend(options, number_option("maxvalue", PG_INT16_MAX));
	options = lappend(options, number_option("start", 1));
	return lappend(options, number_option("restart", 1));
}

/* a statement of ours or of another node, in place of the one that came in */
static void
run_utility(Node *statement, const char *text)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = statement;
	wrapper->stmt_len = 0;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	base_frame_push(FRAME_OWN_DDL);
	ProcessUtility(wrapper, text, false, PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver, NULL);
	base_frame_pop(FRAME_OWN_DDL);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

static void
reset_bounds(Oid relid)
{
	AlterSeqStmt *statement = makeNode(AlterSeqStmt);

	statement->sequence = makeRangeVar(get_namespace_name(get_rel_namespace(relid)),
									   get_rel_name(relid), -1);
	statement->options = neutral_bounds(NIL);
	run_utility((Node *) statement, "ALTER SEQUENCE");
}

/* what remains of the statement on a node other than the coordinator */
static void
fit_alter_sequence(AlterSeqStmt *statement)
{
	statement->options = common_options(statement->options);
	if (has_option(statement->options, "as"))
		statement->options = neutral_bounds(statement->options);
}

static Oid
identity_sequence(Oid relid, const char *column)
{
	AttrNumber	attno = get_attnum(relid, column);
	Relation	relation;
	Oid			sequence;

	if (attno == InvalidAttrNumber)
		return InvalidOid;
	relation = table_open(relid, NoLock);
	sequence = compat_identity_sequence(relation, attno);
	table_close(relation, NoLock);
	return sequence;
}

/*
 * Makes ALTER TABLE of a known table fit for this node's shell, where that is not the
 * coordinator's; false when nothing of it is left.  The bounds are to be set again afterwards.
 */
bool
commands_fit_alter_table(Oid relid, AlterTableStmt *statement)
{
	List	   *kept = NIL;
	ListCell   *cell;

	if (catalog_is_coordinator())
		return true;
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_AlterColumnType)
		{
			Oid			sequence = identity_sequence(relid, cmd->name);

			if (OidIsValid(sequence))
				reset_bounds(sequence);
		}
		else if (cmd->subtype == AT_SetIdentity &&
				 OidIsValid(identity_sequence(relid, cmd->name)))
		{
			cmd->def = (Node *) common_options((List *) cmd->def);
			if (cmd->def == NULL)
				continue;
		}
		kept = lappend(kept, cmd);
	}
	statement->cmds = kept;
	return kept != NIL;
}

/* true when other nodes need more than the text of ALTER TABLE */
bool
commands_alter_table_needs_fit(const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableType type = ((AlterTableCmd *) lfirst(cell))->subtype;

		if (type == AT_AlterColumnType || type == AT_SetIdentity)
			return true;
	}
	return false;
}

static Node *
parse_statement(const char *text, NodeTag tag)
{
	List	   *parsed = deparse_parse_text(text);
	Node	   *statement;

	if (list_length(parsed) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("one statement is expected")));
	statement = linitial_node(RawStmt, parsed)->stmt;
	if (nodeTag(statement) != tag)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("another kind of statement is expected")));
	return statement;
}

static List *
without_owner(List *options)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, options)
	{
		if (strcmp(((DefElem *) lfirst(cell))->defname, "owned_by") != 0)
			kept = lappend(kept, lfirst(cell));
	}
	return kept;
}

/* citus_internal.alter_sequence(text, boolean): ALTER SEQUENCE, of another node */
Datum
citus_internal_alter_sequence(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	AlterSeqStmt *statement;
	Oid			relid;

	base_require_node_command(fcinfo);
	statement = (AlterSeqStmt *) parse_statement(sql, T_AlterSeqStmt);
	relid = RangeVarGetRelid(statement->sequence, NoLock, false);
	if (!PG_GETARG_BOOL(1))
		statement->options = without_owner(statement->options);
	if (!catalog_is_coordinator())
		fit_alter_sequence(statement);
	run_utility((Node *) statement, sql);
	cluster_adjust_sequence(relid);
	PG_RETURN_VOID();
}

/*
 * citus_internal.alter_shell(text): ALTER TABLE, of another node.  Shells are empty, so that USING
 * has nothing to compute, and what it refers to need not be here.
 */
Datum
citus_internal_alter_shell(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	AlterTableStmt *statement;
	ListCell   *cell;
	Oid			relid;

	base_require_node_command(fcinfo);
	statement = (AlterTableStmt *) parse_statement(sql, T_AlterTableStmt);
	relid = AlterTableLookupRelation(statement, AlterTableGetLockLevel(statement->cmds));
	if (!OidIsValid(relid))
		PG_RETURN_VOID();
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_AlterColumnType && ((ColumnDef *) cmd->def)->raw_default != NULL)
		{
			A_Const    *null = makeNode(A_Const);

			null->isnull = true;
			null->location = -1;
			((ColumnDef *) cmd->def)->raw_default = (Node *) null;
		}
	}
	if (commands_fit_alter_table(relid, statement))
	{
		List	   *sizes = commands_shell_sizes((Node *) statement);

		run_utility((Node *) statement, sql);
		commands_shell_sizes_restore(sizes);
	}
	PG_RETURN_VOID();
}

/* ---- the statements ---- */

typedef struct SequenceChange
{
	Oid			relid;
	bool		withOwner;		/* OWNED BY means something on other nodes */
} SequenceChange;

static void
alter_others(Command *command, void *argument)
{
	SequenceChange *change = argument;

	cluster_adjust_sequence(change->relid);
	commands_run_on_nodes(list_make1(psprintf(BASE_NODE_SELECT
											  "citus_internal.alter_sequence(%s, %s)",
											  quote_literal_cstr(command->text),
											  change->withOwner ? "true" : "false")));
}

static void
share_sequence(Command *command, void *argument)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, ((SequenceChange *) argument)->relid);
	commands_share_object(&address);
}

List *
commands_steps_alter_sequence(Command *command)
{
	AlterSeqStmt *statement = (AlterSeqStmt *) command->statement;
	Oid			relid = commands_relation_find(command, statement->sequence);
	Oid			owner = new_owner(command, statement->options);
	bool		ownerIsKnown = OidIsValid(owner) && catalog_table_is_known(owner);
	SequenceChange *change = palloc0(sizeof(SequenceChange));
	List	   *steps = NIL;
	ObjectAddress address;

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_SEQUENCE ||
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return NIL;
	change->relid = relid;
	change->withOwner = !OidIsValid(owner) || ownerIsKnown;
	ObjectAddressSet(address, RelationRelationId, relid);
	if (!commands_object_is_known(&address))
	{
		if (!ownerIsKnown)
			return NIL;
		steps = list_make1(commands_step_call(share_sequence, change));
	}
	commands_require_owner(relid);
	commands_qualify_text(command, list_make1(statement->sequence));
	if (!catalog_is_coordinator())
		fit_alter_sequence(statement);
	steps = lappend(steps, commands_step_local());
	return lappend(steps, commands_step_call(alter_others, change));
}

/* the new sequence of a known table's column, on all nodes */
static void
share_owned(Command *command, void *argument)
{
	CreateSeqStmt *statement = (CreateSeqStmt *) command->statement;
	Oid			table = *(Oid *) argument;
	Oid			relid = RangeVarGetRelid(statement->sequence, NoLock, false);
	ObjectAddress address;
	int32		attno;
	char	   *text;

	if (!sequenceIsOwned(relid, DEPENDENCY_AUTO, &table, &attno))
		return;
	ObjectAddressSet(address, RelationRelationId, relid);
	commands_share_object(&address);
	text = psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", catalog_qualified_name(relid),
					catalog_qualified_name(table),
					quote_identifier(get_attname(table, attno, false)));
	commands_run_on_nodes(list_make2(text, cluster_adjust_sequences_command(table)));
	cluster_adjust_sequence(relid);
}

List *
commands_steps_create_sequence(Command *command)
{
	CreateSeqStmt *statement = (CreateSeqStmt *) command->statement;
	Oid		   *owner = palloc(sizeof(Oid));

	*owner = new_owner(command, statement->options);
	if (!OidIsValid(*owner) || !catalog_table_is_known(*owner) ||
		OidIsValid(RangeVarGetRelid(statement->sequence, NoLock, true)))
		return NIL;
	return list_make2(commands_step_local(), commands_step_call(share_owned, owner));
}
