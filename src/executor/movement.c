/*
 * movement.c
 *	  Rows that move between shards before a fragment can run.
 *
 * A fragment that joins tables other than by their distribution columns has movements: each is a
 * fragment of its own, whose rows come from its shards packed in buckets (moved_rows.c), one per
 * shard of the main fragment's anchor.  Many rows go from node to node (movement_direct.c), and
 * what comes here are notes of where they are.  Few come here: the chunks are laid aside by bucket,
 * in memory, or in a temporary file when they are more than work_mem; nobody looks into them.  When
 * a task of the main fragment leaves, the chunks of its bucket, or a ticket for them, become the
 * value of its parameter.
 *
 * Invariants: (1) every movement has come to its end before the first task of the fragment is sent;
 * (2) no more is in memory than work_mem, chunks being received, and buckets of tasks being sent.
 *
 * Main path: executor_movements_run(); executor_movements_bind() before a task is sent or run,
 * executor_movements_unbind() after it.  The file goes with the query's resource owner.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "storage/buffile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "movement_internal.h"

#define SOON_ROWS	200000
#define PIECE	(16 * 1024 * 1024)	/* of a bucket, where a task can do with a part of it */

/* one movement under way */
typedef struct MovementRun
{
	ConnUser	user;
	TaskRun    *run;
	RowReader  *reader;
	MovedRows  *rows;
	Arrival    *arrival;
	Datum		values[2];
	bool		nulls[2];
} MovementRun;

/* ---- laying aside ---- */

/*
 * Rows for all tasks of a join are meant to be few; those that are cut by a key, or come to a table
 * piece by piece, are as many as they are.
 */
static void
check_size(const Arrival *arrival)
{
	if (arrival->movement->keyColumn > 0 || arrival->movement->canCut ||
		executor_max_copied_kb < 0 ||
		arrival->bytes / arrival->nbuckets <=
		(uint64) executor_max_copied_kb * UINT64CONST(1024))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("intermediate result exceeds the maximum size of %d kB",
					executor_max_copied_kb),
			 errdetail("These are rows that all shards need: %s.", arrival->movement->name),
			 errhint("Raise \"%s\", or set it to -1 for no limit; ANALYZE the tables.",
					 "citus.max_intermediate_result_size")));
}

static Bucket *
get_bucket(Arrival *arrival, int number)
{
	if (number < 0 || number >= arrival->nbuckets)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("packed rows of bucket %d were received where there are %d", number,
						arrival->nbuckets)));
	return &arrival->buckets[number];
}

static void
write_to_file(MovedRows *rows, Chunk *chunk, char *data)
{
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext caller;

	if (rows->file == NULL)
	{
		caller = MemoryContextSwitchTo(rows->context);
		CurrentResourceOwner = rows->owner;
		rows->file = BufFileCreateTemp(false);
		CurrentResourceOwner = owner;
		MemoryContextSwitchTo(caller);
	}
	chunk->data = NULL;
	BufFileTell(rows->file, &chunk->fileno, &chunk->offset);
	BufFileWrite(rows->file, data, chunk->length);
}

/* few bytes stay in memory */
static void
keep_bytes(MovedRows *rows, Chunk *chunk, char *data, int length)
{
	chunk->length = length;
	if (rows->inMemory + length > work_mem * (Size) 1024)
		write_to_file(rows, chunk, data);
	else
	{
		chunk->data = memcpy(MemoryContextAlloc(rows->context, length), data, length);
		rows->inMemory += length;
	}
}

static void
store_chunk(MovementRun *run, Bucket *bucket, bytea *data)
{
	MovedRows  *rows = run->rows;
	Chunk	   *chunk;

	if (bucket->nchunks == bucket->allocated)
	{
		MemoryContext caller = MemoryContextSwitchTo(rows->context);

		bucket->allocated = Max(bucket->allocated * 2, 8);
		if (bucket->chunks == NULL)
			bucket->chunks = palloc(sizeof(Chunk) * bucket->allocated);
		else
			bucket->chunks = repalloc(bucket->chunks, sizeof(Chunk) * bucket->allocated);
		MemoryContextSwitchTo(caller);
	}
	chunk = &bucket->chunks[bucket->nchunks++];
	keep_bytes(rows, chunk, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	run->arrival->bytes += chunk->length;
}

/* rows that are where they are needed */
static void
store_notes(MovementRun *run, bytea *data)
{
	MemoryContext caller = MemoryContextSwitchTo(run->rows->context);
	ListCell   *cell;

	foreach(cell, executor_notes_decode(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)))
	{
		ExchangeNote *note = lfirst(cell);
		Bucket	   *bucket = get_bucket(run->arrival, note->place);

		bucket->extents = lappend(bucket->extents, &note->extent);
		bucket->rows += note->rows;
		run->arrival->bytes += note->extent.length;
	}
	MemoryContextSwitchTo(caller);
}

/* a row of an answer of pack_rows() */
static void
store_row(MovementRun *run, const Datum *values)
{
	int			number = DatumGetInt32(values[0]);
	bytea	   *data = DatumGetByteaPP(values[1]);

	if (number == PACKED_NOTES)
		store_notes(run, data);
	else
		store_chunk(run, get_bucket(run->arrival, number), data);
	check_size(run->arrival);
}

typedef struct ChunkReceiver
{
	DestReceiver pub;
	MovementRun *run;
	ExecutorTask *task;
} ChunkReceiver;

static void
chunk_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
chunk_shutdown(DestReceiver *self)
{
}

static bool
chunk_receive(TupleTableSlot *slot, DestReceiver *self)
{
	ChunkReceiver *receiver = (ChunkReceiver *) self;

	slot_getallattrs(slot);
	receiver->task->rows++;
	store_row(receiver->run, slot->tts_values);
	return true;
}

static DestReceiver *
chunk_receiver(MovementRun *run, ExecutorTask *task)
{
	ChunkReceiver *receiver = palloc0(sizeof(ChunkReceiver));

	receiver->pub.receiveSlot = chunk_receive;
	receiver->pub.rStartup = chunk_startup;
	receiver->pub.rShutdown = chunk_shutdown;
	receiver->pub.rDestroy = chunk_shutdown;
	receiver->pub.mydest = DestTuplestore;
	receiver->run = run;
	receiver->task = task;
	return &receiver->pub;
}

/* ---- running ---- */

static bool
movement_uses(ConnUser *user, RemoteConn *conn)
{
	MovementRun *run = user->owner;

	return run->run != NULL && executor_run_uses(run->run, conn);
}

static void
movement_settle(ConnUser *user)
{
	MovementRun *run = user->owner;
	RemoteAnswer answer;

	while (executor_run_next(run->run, &answer) != NULL)
	{
		executor_reader_decode(run->reader, &answer, executor_reader_sink_context(run->reader),
							   run->values, run->nulls);
		store_row(run, run->values);
	}
}

#define OWN_PARAMS 4

/* "SELECT bucket, data FROM pack_rows($1, ...)" with the parameters of the source */
static char *
pack_statement(const Movement *movement, const Fragment *source)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT bucket, data FROM citus_internal.pack_rows($1::text, "
					 "$2::integer, $3::integer[], $4::bytea, %s::text",
					 movement->keyName == NULL ? "NULL" : quote_literal_cstr(movement->keyName));
	executor_wrap_arguments(&sql, source->params, OWN_PARAMS);
	return sql.data;
}

static Datum
make_bounds(const DistTable *anchor, bool broadcast)
{
	int			n = broadcast ? 1 : anchor->nshards;
	Datum	   *bounds = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
		bounds[i] = Int32GetDatum(broadcast || !anchor->shards[i]->hasRange ? 0
								  : anchor->shards[i]->minToken);
	return PointerGetDatum(construct_array(bounds, n, INT4OID, sizeof(int32), true,
										   TYPALIGN_INT));
}

/*
 * Tasks that read one small table: starting each of them costs more than is won by several sessions
 * of a node that run them at the same time.
 */
static bool
is_read_soon(const Movement *movement)
{
	const Fragment *source = movement->source;
	HeapTuple	tuple;
	double		rows;

	if (source->target != FRAGMENT_SHARDS || source->hasRowLocks || source->sql->nholes != 1 ||
		executor_force_parallel)
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(source->sql->relids[0]));
	if (!HeapTupleIsValid(tuple))
		return false;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows >= 0 && rows <= SOON_ROWS;
}

/* the tasks of the source, each wrapped: its own text becomes a parameter */
static List *
make_pack_tasks(DistScanState *state, const Arrival *arrival, const DistTable *anchor)
{
	const Movement *movement = arrival->movement;
	PlanState  *parent = &state->css.ss.ps;
	MovedRows  *rows = state->moved;
	Fragment   *source = executor_late_fragment(movement->source, state->econtext);
	ExecutorParams *own = executor_params_evaluate(source->params, parent, state->econtext);
	int			nshards;
	List	   *tasks = executor_tasks_make(source, NULL, parent, state->econtext, &nshards);
	char	   *sql = pack_statement(movement, source);
	Datum		bounds = make_bounds(anchor, movement->keyColumn == 0);
	Datum		route = rows->direct == NULL ? (Datum) 0 :
		PointerGetDatum(executor_direct_route(rows->direct, movement, arrival->nbuckets,
											  state->tasks));
	ListCell   *cell;

	if (is_read_soon(movement))
		tasks = executor_fuse_all(tasks, NULL);
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);
		ExecutorParams *params = executor_params_behind(own, OWN_PARAMS);

		params->types[0] = TEXTOID;
		params->values[0] = CStringGetTextDatum(task->sql);
		params->types[1] = INT4OID;
		params->values[1] = Int32GetDatum(movement->keyColumn);
		params->types[2] = INT4ARRAYOID;
		params->values[2] = bounds;
		params->types[3] = BYTEAOID;
		params->values[3] = route;
		params->nulls[3] = rows->direct == NULL;
		task->sql = sql;
		task->params = params;
	}
	return tasks;
}

static TupleDesc
chunk_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(desc, 1, "bucket", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 2, "data", BYTEAOID, -1, 0);
	return desc;
}

static void
run_movement(DistScanState *state, Arrival *arrival, const DistTable *anchor,
			 const RunOptions *like)
{
	MovementRun *run = palloc0(sizeof(MovementRun));
	Fragment   *source = arrival->movement->source;
	List	   *tasks = make_pack_tasks(state, arrival, anchor);
	EState	   *estate = state->css.ss.ps.state;
	RunOptions	options = {.use = like->use,.mayGrow = true,.snapshot = like->snapshot};
	Snapshot	snapshot = estate->es_snapshot;
	CallerRole	caller = executor_enter_role(source->role);
	ListCell   *cell;

	run->rows = state->moved;
	run->arrival = arrival;
	run->reader = executor_reader_make(chunk_desc());
	run->user.owner = run;
	run->user.uses = movement_uses;
	run->user.settle = movement_settle;
	options.binary = run->reader->binary;
	options.user = &run->user;

	executor_user_register(&run->user, CurrentMemoryContext);
	run->run = executor_run_start(tasks, &options);
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		if (!task->local)
			continue;
		if (options.snapshot != NULL)
			snapshot = txn_snapshot_local(options.snapshot);
		executor_local_run(task, false, snapshot, estate->es_snapshot->curcid,
						   chunk_receiver(run, task));
	}
	movement_settle(&run->user);
	executor_user_check(&run->user);
	executor_run_return_conns(run->run);
	executor_user_unregister(&run->user);
	executor_leave_role(caller);
}

/* which parameter of the fragment takes the rows of movement number */
static int
param_of_movement(const Fragment *fragment, int number)
{
	ListCell   *cell;

	foreach(cell, fragment->params)
	{
		Param	   *param = lfirst(cell);

		if (IsA(param, Param) && param->paramid == PLAN_MOVED_PARAM + number)
			return foreach_current_index(cell);
	}
	return -1;
}

/*
 * executor_movements_run
 *		Brings the rows that the fragment of state needs, to the end, read as options say for the
 *		fragment itself; these may change: what moves directly is read in a transaction.
 *		Allocates in the node's memory, raises what the nodes raise.
 */
void
executor_movements_run(DistScanState *state, RunOptions *options)
{
	const Fragment *fragment = state->plan->fragment;
	const DistTable *anchor = catalog_table_get(fragment->anchor);
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	MovedRows  *rows = palloc0(sizeof(MovedRows));

	rows->context = AllocSetContextCreate(state->context, "citus moved rows",
										  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(rows->context);
	rows->owner = state->owner;
	rows->narrivals = list_length(fragment->movements);
	rows->arrivals = palloc0(sizeof(Arrival) * rows->narrivals);
	state->moved = rows;
	rows->direct = executor_direct_begin(state, options);
	for (int i = 0; i < rows->narrivals; i++)
	{
		Arrival    *arrival = &rows->arrivals[i];

		arrival->movement = list_nth(fragment->movements, i);
		arrival->param = param_of_movement(fragment, i);
		if (arrival->movement->keyColumn > 0)
			arrival->nbuckets = anchor->nshards;
		else
			arrival->nbuckets = rows->direct == NULL ? 1 : executor_direct_nodes(rows->direct);
		arrival->buckets = palloc0(sizeof(Bucket) * arrival->nbuckets);
		run_movement(state, arrival, anchor, options);
	}
	MemoryContextSwitchTo(caller);
}

void
executor_movements_end(DistScanState *state)
{
	if (state->moved == NULL)
		return;
	if (state->moved->direct != NULL)
		executor_direct_end(state);
	if (state->moved->file != NULL)
		BufFileClose(state->moved->file);
	MemoryContextDelete(state->moved->context);
	pfree(state->moved);
	state->moved = NULL;
}

/* ---- values of tasks ---- */

static Bucket *
bucket_of_task(MovedRows *rows, Arrival *arrival, const ExecutorTask *task)
{
	if (arrival->movement->keyColumn > 0)
		return &arrival->buckets[task->shardIndex];
	if (rows->direct != NULL)
		return &arrival->buckets[executor_direct_node_of_task(rows->direct, task)];
	return &arrival->buckets[0];
}

/* copies of the task for pieces of its bucket, of so many bytes if there is more than one chunk */
static List *
cut_task(List *result, const ExecutorTask *task, const Bucket *bucket, int64 most)
{
	int			next = 0;

	/* the first one has what the ticket stands for */
	while (next < bucket->nchunks || (next == 0 && bucket->extents != NIL))
	{
		ExecutorTask *piece = palloc(sizeof(ExecutorTask));
		int64		bytes = 0;

		*piece = *task;
		piece->index = list_length(result);
		piece->firstChunk = next;
		while (next < bucket->nchunks &&
			   (bytes == 0 || bytes + bucket->chunks[next].length <= most))
			bytes += bucket->chunks[next++].length;
		piece->nchunks = next - piece->firstChunk;
		result = lappend(result, piece);
		if (bucket->nchunks == 0)
			break;
	}
	return result;
}

List *
executor_movements_cut(List *tasks, MovedRows *rows)
{
	Arrival    *arrival = &rows->arrivals[0];
	List	   *result = NIL;
	ListCell   *cell;

	Assert(rows->narrivals == 1);
	foreach(cell, tasks)
	{
		ExecutorTask *task = lfirst(cell);

		result = cut_task(result, task, bucket_of_task(rows, arrival, task),
						  arrival->movement->canCut ? PIECE : PG_INT64_MAX);
	}
	return result;
}

static void
read_bytes(MovedRows *rows, const Chunk *chunk, char *at)
{
	if (chunk->data != NULL)
	{
		memcpy(at, chunk->data, chunk->length);
		return;
	}
	if (BufFileSeek(rows->file, chunk->fileno, chunk->offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in the temporary file of moved rows")));
	if (BufFileRead(rows->file, at, chunk->length) != (size_t) chunk->length)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the temporary file of moved rows")));
}

/* some chunks of a bucket, one after the other, behind the ticket if they begin with the first */
static Datum
read_chunks(MovedRows *rows, const Bucket *bucket, int first, int n)
{
	StringInfoData ticket;
	int64		bytes;
	bytea	   *value;
	char	   *at;

	initStringInfo(&ticket);
	if (first == 0 && bucket->extents != NIL)
		executor_ticket_encode(&ticket, executor_direct_key(rows->direct), bucket->rows,
							   bucket->extents);
	bytes = ticket.len;
	for (int i = first; i < first + n; i++)
		bytes += bucket->chunks[i].length;
	if (bytes > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rows that one shard needs from others have " INT64_FORMAT " bytes",
						bytes),
				 errdetail("They may have %zu bytes.", MaxAllocSize),
				 errhint("Join the tables by their distribution columns, or distribute them over "
						 "more shards.")));
	value = palloc(VARHDRSZ + bytes);
	SET_VARSIZE(value, VARHDRSZ + bytes);
	at = VARDATA(value);
	memcpy(at, ticket.data, ticket.len);
	at += ticket.len;
	for (int i = first; i < first + n; i++)
	{
		read_bytes(rows, &bucket->chunks[i], at);
		at += bucket->chunks[i].length;
	}
	return PointerGetDatum(value);
}

/* what a task gets of a bucket; allocates in the current context, or for all tasks that get it */
static Datum
value_of_task(MovedRows *rows, const Arrival *arrival, Bucket *bucket, const ExecutorTask *task)
{
	int			n = task->nchunks > 0 ? task->nchunks : bucket->nchunks;
	MemoryContext caller;

	if (arrival->movement->keyColumn > 0 || rows->direct != NULL || rows->file != NULL ||
		n < bucket->nchunks)
		return read_chunks(rows, bucket, task->firstChunk, n);
	if (bucket->whole == (Datum) 0)
	{
		caller = MemoryContextSwitchTo(rows->context);
		bucket->whole = read_chunks(rows, bucket, 0, n);
		MemoryContextSwitchTo(caller);
	}
	return bucket->whole;
}

/*
 * executor_movements_bind
 *		Gives the task its rows, until executor_movements_unbind().
 */
void
executor_movements_bind(ExecutorTask *task)
{
	MovedRows  *rows = task->moved;
	MemoryContext caller;
	ExecutorParams *params;

	if (rows == NULL)
		return;
	task->boundContext = AllocSetContextCreate(rows->context, "citus bound rows",
											   ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(task->boundContext);
	params = executor_params_make(task->params->n);
	memcpy(params->types, task->params->types, sizeof(Oid) * params->n);
	memcpy(params->values, task->params->values, sizeof(Datum) * params->n);
	memcpy(params->nulls, task->params->nulls, sizeof(bool) * params->n);
	for (int i = 0; i < rows->narrivals; i++)
	{
		Arrival    *arrival = &rows->arrivals[i];
		Bucket	   *bucket;

		if (arrival->param < 0)
			continue;
		bucket = bucket_of_task(rows, arrival, task);
		params->values[arrival->param] = value_of_task(rows, arrival, bucket, task);
		params->nulls[arrival->param] = false;
	}
	task->unbound = task->params;
	task->params = params;
	MemoryContextSwitchTo(caller);
}

void
executor_movements_unbind(ExecutorTask *task)
{
	if (task->moved == NULL)
		return;
	task->params = task->unbound;
	MemoryContextDelete(task->boundContext);
}
