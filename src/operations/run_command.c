/*
 * run_command.c
 *	  run_command_on_workers() and its siblings: a command elsewhere, outside the transaction.
 *
 * A command has one answer: its only value, or its tag, or its error.  Nothing that a node answers
 * raises an error here.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "citus/base/session.h"
#include "citus/txn/txn.h"
#include "operations/operations_internal.h"

PG_FUNCTION_INFO_V1(run_command_on_workers);
PG_FUNCTION_INFO_V1(run_command_on_all_nodes);
PG_FUNCTION_INFO_V1(run_command_on_coordinator);
PG_FUNCTION_INFO_V1(run_command_on_shards);
PG_FUNCTION_INFO_V1(run_command_on_placements);
PG_FUNCTION_INFO_V1(run_command_on_colocated_placements);
PG_FUNCTION_INFO_V1(master_run_on_worker);
PG_FUNCTION_INFO_V1(citus_run_local_command);

#define MAX_COLUMNS 6

/* CommandRun: commands, nodes and what identifies them in the result, in step */
typedef struct CommandRun
{
	List	   *nodes;			/* of ClusterNode * */
	List	   *commands;		/* of char *; one a node, or one for all */
	List	   *keys;			/* of Datum *: leading columns of the result */
	int			nkeys;
} CommandRun;

static char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* true and the text of an answer's only value (NULL for NULL), or its tag; else the error's */
static bool
result_of_answer(const ClusterAnswer *answer, char **result)
{
	*result = NULL;
	if (!answer->ok)
	{
		*result = answer->reached ? answer->error :
			psprintf("failed to connect to %s:%d", answer->node->name, answer->node->port);
		return false;
	}
	if (list_length(answer->rows) > 1)
	{
		*result = "expected a single row in query result";
		return false;
	}
	if (answer->rows == NIL)
	{
		*result = answer->tag;
		return true;
	}
	if (answer->ncolumns != 1)
	{
		*result = "expected a single column in query result";
		return false;
	}
	*result = ((char **) linitial(answer->rows))[0];
	return true;
}

static void
run_and_return(FunctionCallInfo fcinfo, CommandRun *run, bool parallel, bool warn)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *answers;

	InitMaterializedSRF(fcinfo, 0);
	answers = cluster_run_alone(run->nodes, run->commands, parallel);
	for (int i = 0; i < list_length(answers); i++)
	{
		ClusterAnswer *answer = list_nth(answers, i);
		Datum	   *keys = list_nth(run->keys, i);
		Datum		values[MAX_COLUMNS];
		bool		nulls[MAX_COLUMNS] = {false};
		char	   *result;

		if (warn && !answer->reached)
			ereport(WARNING,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("could not connect to node %s:%d", answer->node->name,
							answer->node->port),
					 errdetail_internal("%s", answer->error)));
		memcpy(values, keys, sizeof(Datum) * run->nkeys);
		values[run->nkeys] = BoolGetDatum(result_of_answer(answer, &result));
		nulls[run->nkeys + 1] = result == NULL;
		values[run->nkeys + 1] = result ? CStringGetTextDatum(result) : (Datum) 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

static Datum *
make_keys(int n)
{
	return palloc0(sizeof(Datum) * n);
}

static void
add_call(CommandRun *run, const ClusterNode *node, char *command, Datum *keys)
{
	run->nodes = lappend(run->nodes, (void *) node);
	if (command != NULL)
		run->commands = lappend(run->commands, command);
	run->keys = lappend(run->keys, keys);
}

static void
add_call_by_address(CommandRun *run, const ClusterNode *node, char *command)
{
	Datum	   *keys = make_keys(2);

	keys[0] = CStringGetTextDatum(node->name);
	keys[1] = Int32GetDatum(node->port);
	add_call(run, node, command, keys);
}

static void
add_call_by_id(CommandRun *run, const ClusterNode *node)
{
	Datum	   *keys = make_keys(1);

	keys[0] = Int32GetDatum(node->id);
	add_call(run, node, NULL, keys);
}

/* a coordinator that is not registered, by the address at which it reaches itself */
static ClusterNode *
unregistered_self(void)
{
	ClusterNode *node = palloc0(sizeof(ClusterNode));

	node->name = cluster_local_hostname;
	node->port = PostPortNumber;
	return node;
}

Datum
run_command_on_workers(PG_FUNCTION_ARGS)
{
	CommandRun	run = {.nkeys = 2};
	ListCell   *lc;

	run.commands = list_make1(text_arg(fcinfo, 0));
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		if (node->groupId != COORDINATOR_GROUP_ID)
			add_call_by_address(&run, node, NULL);
	}
	run_and_return(fcinfo, &run, PG_GETARG_BOOL(1), false);
	return (Datum) 0;
}

Datum
run_command_on_all_nodes(PG_FUNCTION_ARGS)
{
	CommandRun	run = {.nkeys = 1};
	bool		self = false;
	ListCell   *lc;

	run.commands = list_make1(text_arg(fcinfo, 0));
	foreach(lc, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(lc);

		self |= node->groupId == catalog_local_group();
		add_call_by_id(&run, node);
	}
	if (!self)
		add_call_by_id(&run, unregistered_self());
	run_and_return(fcinfo, &run, PG_GETARG_BOOL(1), PG_GETARG_BOOL(2));
	return (Datum) 0;
}

Datum
run_command_on_coordinator(PG_FUNCTION_ARGS)
{
	CommandRun	run = {.nkeys = 1};
	const ClusterNode *node = catalog_node_of_group(COORDINATOR_GROUP_ID);

	run.commands = list_make1(text_arg(fcinfo, 0));
	if (node == NULL)
		node = catalog_is_coordinator() ? unregistered_self() : cluster_coordinator();
	add_call_by_id(&run, node);
	run_and_return(fcinfo, &run, false, PG_GETARG_BOOL(1));
	return (Datum) 0;
}

/* ---- shards ---- */

/*
 * The command for one shard (or a pair): format() with the shard's name for every %s, %I, %L, in
 * turn for a pair.
 */
static char *
fill_command(const char *command, const Shard *shard, const Shard *other)
{
	const char *names[2];
	int			nnames = other ? 2 : 1;
	int			used = 0;
	StringInfoData buf;

	names[0] = catalog_shard_qualified_name(shard);
	names[1] = other ? catalog_shard_qualified_name(other) : NULL;
	initStringInfo(&buf);
	for (const char *p = command; *p; p++)
	{
		const char *name = names[used % nnames];

		if (*p != '%' || p[1] == '\0')
		{
			appendStringInfoChar(&buf, *p);
			continue;
		}
		switch (*++p)
		{
			case 's':
				appendStringInfoString(&buf, name);
				used++;
				break;
			case 'I':
				appendStringInfoString(&buf, quote_identifier(name));
				used++;
				break;
			case 'L':
				appendStringInfoString(&buf, quote_literal_cstr(name));
				used++;
				break;
			case '%':
				appendStringInfoChar(&buf, '%');
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("unrecognized conversion specifier \"%%%c\"", *p)));
		}
	}
	return buf.data;
}

/* calls for one shard: its first active copy, or all of them */
static void
add_shard(CommandRun *run, const Shard *shard, const char *command, bool allPlacements)
{
	for (int i = 0; i < shard->nplacements; i++)
	{
		const ClusterNode *node = catalog_node_of_group(shard->placements[i].groupId);
		Datum	   *keys = make_keys(3);

		if (node == NULL && shard->placements[i].groupId == catalog_local_group())
			node = unregistered_self();
		if (node == NULL)
			continue;
		if (allPlacements)
		{
			keys[0] = CStringGetTextDatum(node->name);
			keys[1] = Int32GetDatum(node->port);
			keys[2] = Int64GetDatum(shard->id);
		}
		else
			keys[0] = Int64GetDatum(shard->id);
		add_call(run, node, fill_command(command, shard, NULL), keys);
		if (!allPlacements)
			break;
	}
}

/* the table's shards may be read by whoever may read the table */
static const DistTable *
readable_table(Oid relid)
{
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
	return catalog_table_get(relid);
}

static Datum
run_on_shards(FunctionCallInfo fcinfo, bool allPlacements)
{
	CommandRun	run = {.nkeys = allPlacements ? 3 : 1};
	const DistTable *table = readable_table(PG_GETARG_OID(0));
	char	   *command = text_arg(fcinfo, 1);

	for (int i = 0; table != NULL && i < table->nshards; i++)
		add_shard(&run, table->shards[i], command, allPlacements);
	run_and_return(fcinfo, &run, PG_GETARG_BOOL(2), false);
	return (Datum) 0;
}

Datum
run_command_on_shards(PG_FUNCTION_ARGS)
{
	return run_on_shards(fcinfo, false);
}

Datum
run_command_on_placements(PG_FUNCTION_ARGS)
{
	return run_on_shards(fcinfo, true);
}

static void
add_pair(CommandRun *run, const Shard *shard, const Shard *other, const char *command)
{
	for (int i = 0; i < shard->nplacements; i++)
	{
		GroupId		group = shard->placements[i].groupId;
		const ClusterNode *node = catalog_node_of_group(group);
		Datum	   *keys = make_keys(4);

		if (node == NULL && group == catalog_local_group())
			node = unregistered_self();
		if (node == NULL)
			continue;
		keys[0] = CStringGetTextDatum(node->name);
		keys[1] = Int32GetDatum(node->port);
		keys[2] = Int64GetDatum(shard->id);
		keys[3] = Int64GetDatum(other->id);
		add_call(run, node, fill_command(command, shard, other), keys);
	}
}

Datum
run_command_on_colocated_placements(PG_FUNCTION_ARGS)
{
	CommandRun	run = {.nkeys = 4};
	const DistTable *first = readable_table(PG_GETARG_OID(0));
	const DistTable *second = readable_table(PG_GETARG_OID(1));
	char	   *command = text_arg(fcinfo, 2);

	if (first != NULL && second != NULL)
	{
		if (first->colocationId == INVALID_COLOCATION_ID ||
			first->colocationId != second->colocationId)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("tables \"%s\" and \"%s\" are not colocated",
							get_rel_name(first->relid), get_rel_name(second->relid))));
		for (int i = 0; i < first->nshards && i < second->nshards; i++)
			add_pair(&run, first->shards[i], second->shards[i], command);
	}
	run_and_return(fcinfo, &run, PG_GETARG_BOOL(3), false);
	return (Datum) 0;
}

/* ---- others ---- */

/* (names text[], ports int[], commands text[], parallel) */
Datum
master_run_on_worker(PG_FUNCTION_ARGS)
{
	CommandRun	run = {.nkeys = 2};
	Datum	   *names;
	Datum	   *ports;
	Datum	   *commands;
	int			n;
	int			nports;
	int			ncommands;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL,
					  &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT4OID, 4, true, TYPALIGN_INT, &ports, NULL,
					  &nports);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &commands,
					  NULL, &ncommands);
	if (n != nports || n != ncommands)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("arrays of names, ports and commands must have the same length")));
	for (int i = 0; i < n; i++)
	{
		ClusterNode *node = palloc0(sizeof(ClusterNode));
		const ClusterNode *known;

		node->name = TextDatumGetCString(names[i]);
		node->port = DatumGetInt32(ports[i]);
		known = catalog_node_find(node->name, node->port);
		add_call_by_address(&run, known ? known : node, TextDatumGetCString(commands[i]));
	}
	run_and_return(fcinfo, &run, PG_GETARG_BOOL(3), false);
	return (Datum) 0;
}

Datum
citus_run_local_command(PG_FUNCTION_ARGS)
{
	SPI_connect();
	if (SPI_execute(text_arg(fcinfo, 0), false, 0) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("could not run the command in this node")));
	SPI_finish();
	PG_RETURN_VOID();
}
