/*
 * statistics_duty.c
 *	  The duty of the coordinator that keeps statistics of distributed tables as new as those of
 *	  their shards.
 *
 * Autovacuum analyzes shards on their nodes and never sees a shell.  Once in a round every node
 * says, in one answer about all tables, what it knows: how many rows its shards have, how many
 * have changed since they were analyzed and how long that is ago, and the same of its shell.  The
 * statistics of a table are gathered again (statistics.c) when a shard has been analyzed after any
 * node's shell got its statistics, or when a shell's number of rows is far from the shards'.  Times
 * are compared as ages, so that clocks of nodes may differ.
 *
 * A table of which autovacuum analyzes no shard, for it looks at each alone and finds few changes,
 * is analyzed here as soon as the changes of all shards together would be enough for one table.
 *
 * Invariants
 * (1) No lock is waited for: a table that is locked has its turn in the next round; other nodes
 *	   are given LOCK_PATIENCE.
 * (2) No lock is held while other nodes are asked: what is written here is committed first.
 * (3) A round starts no more tables once ROUND_MS are over, and the next begins where it ended.
 *
 * A node that does not answer is left out, with the tables that have shards there.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/autovacuum.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_refresh_statistics);

/* how long other duties wait for this one */
#define ROUND_MS 1000

/* for locks of shells on other nodes, milliseconds */
#define LOCK_PATIENCE "10"

/* the server notes the time of an analysis a moment before others see what it has found */
#define SLACK_SECONDS 1.0

/* a number of rows that is wrong by this share of it is gathered again */
#define TOLERANCE 0.1

#define STATE_QUERY "SELECT * FROM citus_internal.statistics_state()"

/* columns of STATE_QUERY */
enum
{
	STATE_NAME,
	STATE_ROWS,					/* NULL: no shard there has been analyzed */
	STATE_PAGES,
	STATE_CHANGES,
	STATE_ANALYZED,				/* seconds ago, the last of the shards; NULL: unknown */
	STATE_SHELL_ROWS,			/* -1: unknown */
	STATE_SHELL_ANALYZED
};

/* TableState: what all nodes say of one table */
typedef struct TableState
{
	char		name[2 * NAMEDATALEN * 2 + 4];	/* hash key: qualified and quoted */
	Oid			relid;
	bool		hasRows;		/* any shard has been analyzed */
	double		rows;
	double		pages;
	double		changes;
	double		analyzed;		/* seconds ago; infinite: never */
	double		leastShellRows;
	double		mostShellRows;
	double		shellAnalyzed;	/* the oldest */
} TableState;

/* Round: one run of the duty */
typedef struct Round
{
	MemoryContext context;		/* outlives transactions */
	bool		commits;		/* table by table */
	TimestampTz end;
	HTAB	   *states;
	List	   *silent;			/* groups that have not answered */
} Round;

/* where the last round ended */
static Oid	last_table = InvalidOid;

/* ---- what the nodes know ---- */

static TableState *
state_of(Round *round, const char *name, bool create)
{
	char		key[sizeof(((TableState *) NULL)->name)];
	TableState *state;
	bool		found;

	memset(key, 0, sizeof(key));
	strlcpy(key, name, sizeof(key));
	state = hash_search(round->states, key, create ? HASH_ENTER : HASH_FIND, &found);
	if (state != NULL && !found)
	{
		memset((char *) state + sizeof(key), 0, sizeof(TableState) - sizeof(key));
		state->analyzed = get_float8_infinity();
		state->leastShellRows = get_float8_infinity();
		state->mostShellRows = -1;
	}
	return state;
}

static void
add_answer(Round *round, char **row)
{
	TableState *state = state_of(round, row[STATE_NAME], true);
	double		shellRows = strtod(row[STATE_SHELL_ROWS], NULL);

	if (row[STATE_ROWS] != NULL)
	{
		state->hasRows = true;
		state->rows += strtod(row[STATE_ROWS], NULL);
		state->pages += strtod(row[STATE_PAGES], NULL);
	}
	if (row[STATE_CHANGES] != NULL)
		state->changes += strtod(row[STATE_CHANGES], NULL);
	if (row[STATE_ANALYZED] != NULL)
		state->analyzed = Min(state->analyzed, strtod(row[STATE_ANALYZED], NULL));
	state->leastShellRows = Min(state->leastShellRows, shellRows);
	state->mostShellRows = Max(state->mostShellRows, shellRows);
	state->shellAnalyzed = row[STATE_SHELL_ANALYZED] == NULL ? get_float8_infinity() :
		Max(state->shellAnalyzed, strtod(row[STATE_SHELL_ANALYZED], NULL));
}

/* those that answer, as far as one knows */
static List *
other_nodes(const Round *round)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, catalog_active_primaries())
	{
		const ClusterNode *node = lfirst(cell);

		if (node->groupId != catalog_local_group() &&
			!list_member_int(round->silent, node->groupId))
			result = lappend(result, lfirst(cell));
	}
	return result;
}

static void
ask_nodes(Round *round)
{
	HASHCTL		control = {
		.keysize = sizeof(((TableState *) NULL)->name),
		.entrysize = sizeof(TableState),
		.hcxt = round->context,
	};
	MemoryContext caller = MemoryContextSwitchTo(round->context);
	ListCell   *cell;
	ListCell   *row;

	round->states = hash_create("statistics of tables", 256, &control,
								HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	round->silent = NIL;
	/* what was asked before in this transaction */
	pgstat_clear_snapshot();
	foreach(row, commands_query_here(STATE_QUERY))
		add_answer(round, lfirst(row));
	foreach(cell, cluster_ask_alone(other_nodes(round), STATE_QUERY))
	{
		ClusterAnswer *answer = lfirst(cell);

		if (!answer->ok)
			round->silent = lappend_int(round->silent, answer->node->groupId);
		foreach(row, answer->ok ? answer->rows : NIL)
			add_answer(round, lfirst(row));
	}
	MemoryContextSwitchTo(caller);
}

/* ---- tables to work on ---- */

/* what is set for the table of the options that autovacuum heeds; false: it is to leave it alone */
static bool
read_options(Oid relid, int *threshold, double *scale)
{
	Relation	relation;
	StdRdOptions *options;
	bool		enabled = true;

	*threshold = autovacuum_anl_thresh;
	*scale = autovacuum_anl_scale;
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	relation = try_relation_open(relid, NoLock);
	if (relation == NULL)
	{
		UnlockRelationOid(relid, AccessShareLock);
		return false;
	}
	if (relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_options != NULL)
	{
		options = (StdRdOptions *) relation->rd_options;
		enabled = options->autovacuum.enabled;
		if (options->autovacuum.analyze_threshold >= 0)
			*threshold = options->autovacuum.analyze_threshold;
		if (options->autovacuum.analyze_scale_factor >= 0)
			*scale = options->autovacuum.analyze_scale_factor;
	}
	relation_close(relation, AccessShareLock);
	return enabled;
}

static bool
has_silent_shards(const Round *round, const DistTable *table)
{
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		if (shard->nplacements == 0 ||
			list_member_int(round->silent, shard->placements[0].groupId))
			return true;
	}
	return false;
}

/* autovacuum knows sizes of a partitioned table's parts only */
static void
add_parts(Round *round, TableState *state)
{
	ListCell   *cell;

	state->rows = 0;
	state->pages = 0;
	state->hasRows = false;
	foreach(cell, find_all_inheritors(state->relid, NoLock, NULL))
	{
		TableState *part;

		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_PARTITIONED_TABLE)
			continue;
		part = state_of(round, catalog_qualified_name(lfirst_oid(cell)), false);
		if (part == NULL || !part->hasRows)
			continue;
		state->hasRows = true;
		state->rows += part->rows;
		state->pages += part->pages;
	}
}

static bool
is_stale(const TableState *state)
{
	double		tolerance = TOLERANCE * Max(state->rows, 0);

	if (!state->hasRows)
		return false;
	return state->analyzed < state->shellAnalyzed + SLACK_SECONDS ||
		state->leastShellRows < state->rows - tolerance ||
		state->mostShellRows > state->rows + tolerance ||
		state->leastShellRows < 0;
}

/* enough changes for one table, and not enough in any shard, as far as one can tell */
static bool
is_neglected(const TableState *state, int nshards, int threshold, double scale)
{
	double		share = scale * state->rows;

	return get_rel_relkind(state->relid) == RELKIND_RELATION &&
		state->changes > threshold + share &&
		state->changes <= (double) threshold * nshards + share;
}

typedef bool (*TableTest) (Round *round, TableState *state, const DistTable *table);

static bool
wants_gathering(Round *round, TableState *state, const DistTable *table)
{
	int			threshold;
	double		scale;

	if (get_rel_relkind(state->relid) == RELKIND_PARTITIONED_TABLE)
		add_parts(round, state);
	return is_stale(state) && read_options(state->relid, &threshold, &scale);
}

static bool
wants_analysis(Round *round, TableState *state, const DistTable *table)
{
	int			threshold;
	double		scale;

	return read_options(state->relid, &threshold, &scale) &&
		is_neglected(state, table->nshards, threshold, scale);
}

/* oids of the tables of which test is true, from the one on that follows the last one treated */
static List *
choose_tables(Round *round, TableTest test)
{
	MemoryContext caller = MemoryContextSwitchTo(round->context);
	List	   *next = NIL;
	List	   *first = NIL;
	ListCell   *cell;

	foreach(cell, catalog_table_oids())
	{
		Oid			relid = lfirst_oid(cell);
		const DistTable *table = catalog_table_get(relid);
		TableState *state;

		if (table == NULL || has_silent_shards(round, table) ||
			!OidIsValid(get_rel_namespace(relid)))
			continue;
		state = state_of(round, catalog_qualified_name(relid), false);
		if (state == NULL)
			continue;
		state->relid = relid;
		if (!test(round, state, table))
			continue;
		if (relid > last_table)
			next = lappend_oid(next, relid);
		else
			first = lappend_oid(first, relid);
	}
	next = list_concat(next, first);
	MemoryContextSwitchTo(caller);
	return next;
}

/* ---- working on them ---- */

static void
commit_table(Round *round)
{
	if (!round->commits)
		return;
	PopActiveSnapshot();
	CommitTransactionCommand();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* the table, if it is there still and nobody keeps others from changing it; locked */
static const DistTable *
lock_table(Oid relid)
{
	const DistTable *table;

	if (!ConditionalLockRelationOid(relid, ShareUpdateExclusiveLock))
		return NULL;
	table = get_rel_relkind(relid) == '\0' ? NULL : catalog_table_get(relid);
	if (table == NULL)
		UnlockRelationOid(relid, ShareUpdateExclusiveLock);
	return table;
}

static void
log_failures(List *answers, const char *tableName)
{
	ListCell   *cell;

	foreach(cell, answers)
	{
		ClusterAnswer *answer = lfirst(cell);

		if (!answer->ok && answer->sqlstate != ERRCODE_LOCK_NOT_AVAILABLE)
			ereport(LOG,
					(errmsg("could not write statistics of table %s on node %s:%d: %s",
							tableName, answer->node->name, answer->node->port,
							answer->error)));
	}
}

/* false when the table is busy */
static bool
gather_table(Round *round, Oid relid)
{
	const DistTable *table = catalog_table_get(relid);
	List	   *rows;
	List	   *texts;
	char	   *name;
	TableState *state;
	StringInfoData text;
	ListCell   *cell;

	if (table == NULL || !commands_read_statistics(table, true, &rows))
		return false;
	table = lock_table(relid);
	if (table == NULL)
		return false;
	name = MemoryContextStrdup(round->context, catalog_qualified_name(relid));
	state = state_of(round, name, false);
	/* it may have another name by now */
	if (state == NULL)
	{
		commit_table(round);
		return false;
	}
	texts = commands_merge_statistics(table, rows, state->rows);
	commands_set_shell_size(relid, state->pages, state->rows, true);

	MemoryContextSwitchTo(round->context);
	initStringInfo(&text);
	appendStringInfo(&text, "SET lock_timeout = " LOCK_PATIENCE
					 "; SELECT citus_internal.set_table_size(%s, %.0f, %.0f, true)",
					 quote_literal_cstr(name), state->pages, state->rows);
	foreach(cell, texts)
		appendStringInfo(&text, "; %s", (char *) lfirst(cell));
	commit_table(round);
	log_failures(cluster_ask_alone(other_nodes(round), text.data), name);
	return true;
}

/* ANALYZE of the shards whose first copy is in the group; NULL: there are none */
static char *
analyze_text(const DistTable *table, GroupId groupId)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		if (shard->placements[0].groupId == groupId)
			appendStringInfo(&text, "%s%s", text.len == 0 ? "ANALYZE (SKIP_LOCKED) " : ", ",
							 catalog_shard_qualified_name(shard));
	}
	return text.len == 0 ? NULL : text.data;
}

static void
analyze_here(const char *text)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	base_frame_push(FRAME_OWN_DDL);
	if (SPI_execute(text, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not analyze shards");
	base_frame_pop(FRAME_OWN_DDL);
	SPI_finish();
}

static void
analyze_table(Round *round, Oid relid)
{
	const DistTable *table = catalog_table_get(relid);
	List	   *nodes = NIL;
	List	   *texts = NIL;
	char	   *textHere;
	ListCell   *cell;

	if (table == NULL || has_silent_shards(round, table))
		return;
	textHere = analyze_text(table, catalog_local_group());
	foreach(cell, other_nodes(round))
	{
		const ClusterNode *node = lfirst(cell);
		char	   *text = analyze_text(table, node->groupId);

		if (text == NULL)
			continue;
		nodes = lappend(nodes, lfirst(cell));
		texts = lappend(texts, text);
	}
	if (nodes != NIL)
		log_failures(cluster_ask_each_alone(nodes, texts), catalog_qualified_name(relid));
	if (textHere != NULL)
		analyze_here(textHere);
	commit_table(round);
}

static bool
is_over(const Round *round)
{
	return round->commits && GetCurrentTimestamp() >= round->end;
}

/* number of tables whose statistics were gathered */
static int
run_round(Round *round)
{
	int			gathered = 0;
	List	   *neglected;
	ListCell   *cell;

	ask_nodes(round);
	neglected = choose_tables(round, wants_analysis);
	foreach(cell, neglected)
	{
		if (is_over(round))
			break;
		analyze_table(round, lfirst_oid(cell));
	}
	if (neglected != NIL)
		ask_nodes(round);
	foreach(cell, choose_tables(round, wants_gathering))
	{
		if (is_over(round))
			break;
		/* first, so that a table that fails is not the first one in the next round again */
		last_table = lfirst_oid(cell);
		if (gather_table(round, last_table))
			gathered++;
		CHECK_FOR_INTERRUPTS();
	}
	return gathered;
}

int
commands_statistics_interval(void)
{
	return AutoVacuumingActive() ? autovacuum_naptime * 1000 : -1;
}

static int
refresh_statistics(bool commits)
{
	Round		round = {.commits = commits};
	MemoryContext caller = CurrentMemoryContext;
	int			gathered;

	if (!catalog_is_coordinator() || catalog_table_oids() == NIL)
		return 0;
	round.context = AllocSetContextCreate(commits ? TopMemoryContext : caller,
										  "statistics of distributed tables",
										  ALLOCSET_DEFAULT_SIZES);
	round.end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ROUND_MS);
	PG_TRY();
	{
		gathered = run_round(&round);
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(commits ? TopMemoryContext : caller);
		MemoryContextDelete(round.context);
	}
	PG_END_TRY();
	return gathered;
}

void
commands_statistics_duty(void)
{
	(void) refresh_statistics(true);
}

/*
 * citus_internal.refresh_statistics(): what the duty does, now, in this transaction, and as long as
 * it takes; number of tables whose statistics were gathered.
 */
Datum
citus_internal_refresh_statistics(PG_FUNCTION_ARGS)
{
	base_require_superuser("refresh statistics of distributed tables");
	PG_RETURN_INT32(refresh_statistics(false));
}
