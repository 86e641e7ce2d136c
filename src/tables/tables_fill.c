/*
 * tables_fill.c
 *	  Values that rows get which are there already when a column comes or changes.
 *
 * Each shard computes them by itself, which is right for expressions that are immutable, and for
 * volatile ones, which differ from row to row anyway.  For the others the planning node says what
 * to compute instead:
 *
 *	 - a stable expression (now(), current_user) has one value for the statement: a literal;
 *	 - values of a sequence are drawn on the planning node, one a row of all shards, and handed out
 *	   to the shards: fill_number(n) stands for the next of the n-th series;
 *	 - all copies of a reference table must agree on every row, and functions of users may look at
 *	   what only the planning node has: such volatile defaults are computed there, once a row, and
 *	   fill_text(n) stands for the next of the n-th list.
 *
 * The number of rows is taken under the locks of the statement, which has run on all shells by
 * then.  The shards give the values out as the server rewrites them, in the one pass in which it
 * also checks constraints (tables_fill_run.c).
 *
 * Main path: tables_fills_make(), tables_fills_add() per column, tables_fills_draw().
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "utils/datum.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

#include "citus/cluster/cluster.h"
#include "citus/deparse/template.h"
#include "citus/planner/planner.h"
#include "tables/tables_internal.h"

/* ---- expressions ---- */

static Oid
fill_function(const char *name)
{
	Oid			argument = INT4OID;

	return LookupFuncName(list_make2(makeString("citus_internal"), makeString(pstrdup(name))),
						  1, &argument, false);
}

static Expr *
fill_call(const char *name, Oid resultType, int number)
{
	Const	   *argument = makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
									 Int32GetDatum(number), false, true);

	return (Expr *) makeFuncExpr(fill_function(name), resultType, list_make1(argument),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Datum
evaluate(Node *expression, bool *isNull)
{
	EState	   *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	ExprState  *state = ExecPrepareExpr((Expr *) expression, estate);
	Datum		value = ExecEvalExprSwitchContext(state, context, isNull);
	int16		length;
	bool		byValue;

	get_typlenbyval(exprType(expression), &length, &byValue);
	if (!*isNull && !byValue)
		value = datumCopy(value, byValue, length);
	FreeExecutorState(estate);
	return value;
}

/* the sequence that a call of nextval() means; InvalidOid when only its rows know */
static Oid
sequence_of_call(const FuncExpr *call)
{
	Node	   *argument = linitial(call->args);
	bool		isNull;
	Datum		value;

	if (contain_var_clause(argument) || contain_volatile_functions(argument))
		return InvalidOid;
	value = evaluate(argument, &isNull);
	return isNull ? InvalidOid : DatumGetObjectId(value);
}

/* mutator: what draws from a sequence becomes the next of a series */
static Node *
replace_draws(Node *node, TableFills *fills)
{
	Oid			sequence = InvalidOid;
	bool		checkRights = true;
	FillSeries *series;
	Expr	   *call;

	if (node == NULL)
		return NULL;
	if (IsA(node, NextValueExpr))
	{
		sequence = ((NextValueExpr *) node)->seqid;
		checkRights = false;
	}
	else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_NEXTVAL)
		sequence = sequence_of_call((FuncExpr *) node);
	if (!OidIsValid(sequence))
		return expression_tree_mutator(node, replace_draws, fills);

	series = palloc0(sizeof(FillSeries));
	series->sequence = sequence;
	series->checkRights = checkRights;
	fills->series = lappend(fills->series, series);
	call = fill_call("fill_number", INT8OID, list_length(fills->series) - 1);
	/* an identity column's type may be smaller */
	return coerce_to_target_type(NULL, (Node *) call, INT8OID, exprType(node), -1,
								 COERCION_ASSIGNMENT, COERCE_EXPLICIT_CAST, -1);
}

static char *
expression_text(Oid relid, Node *expression)
{
	List	   *context = deparse_context_for(get_rel_name(relid), relid);
	int			level = deparse_settings_begin();
	char	   *text = deparse_expression(expression, context, false, false);

	deparse_settings_end(level);
	return text;
}

/* as a literal with its type */
static char *
value_literal(Node *expression)
{
	Oid			type = exprType(expression);
	char	   *typeName = format_type_extended(type, exprTypmod(expression),
												FORMAT_TYPE_TYPEMOD_GIVEN |
												FORMAT_TYPE_FORCE_QUALIFY);
	bool		isNull;
	Datum		value = evaluate(expression, &isNull);
	int			level;
	bool		isVarlena;
	Oid			output;
	char	   *text = "NULL";

	level = deparse_settings_begin();
	getTypeOutputInfo(type, &output, &isVarlena);
	if (!isNull)
		text = quote_literal_cstr(OidOutputFunctionCall(output, value));
	deparse_settings_end(level);
	return psprintf("%s::%s", text, typeName);
}

/* rows have copies, which must agree */
static bool
is_replicated(const DistTable *table)
{
	for (int i = 0; i < table->nshards; i++)
	{
		if (table->shards[i]->nplacements > 1)
			return true;
	}
	return false;
}

static bool
is_users_volatile(Oid function, void *context)
{
	return function >= FirstNormalObjectId && func_volatile(function) == PROVOLATILE_VOLATILE;
}

/* walker: a volatile function that is not the server's */
static bool
find_users_volatile(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_users_volatile, context))
		return true;
	return expression_tree_walker(node, find_users_volatile, context);
}

/* what is volatile must be computed once a row, on this node */
static bool
must_compute_here(const DistTable *table, Node *expression)
{
	if (is_replicated(table))
		return contain_volatile_functions_not_nextval(expression);
	return !contain_var_clause(expression) && find_users_volatile(expression, NULL);
}

TableFills *
tables_fills_make(Oid relid)
{
	TableFills *fills = palloc0(sizeof(TableFills));

	fills->relid = relid;
	return fills;
}

/* replaces what shards would compute for themselves by values that this node computes */
static char *
add_values(TableFills *fills, Node *expression)
{
	Oid			type = exprType(expression);
	FillValues *values = palloc0(sizeof(FillValues));

	values->expression = expression;
	fills->values = lappend(fills->values, values);
	return psprintf("citus_internal.fill_text(%d)::%s", list_length(fills->values) - 1,
					format_type_extended(type, exprTypmod(expression),
										 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

void
tables_fills_add(TableFills *fills, const char *column, Node *expression)
{
	const DistTable *table = catalog_table_get(fills->relid);
	int			nseries = list_length(fills->series);
	Node	   *replaced;
	char	   *text;

	if (expression == NULL || !contain_mutable_functions(expression))
		return;
	if (!contain_volatile_functions(expression))
	{
		/* of a stable one without columns; with columns, each row's is as good here as there */
		if (contain_var_clause(expression))
			return;
		text = value_literal(expression);
	}
	else
	{
		replaced = replace_draws(expression, fills);
		if (must_compute_here(table, expression))
			text = add_values(fills, replaced);
		else if (list_length(fills->series) > nseries)
			text = expression_text(fills->relid, replaced);
		else
			return;
	}
	fills->columns = lappend(fills->columns, pstrdup(column));
	fills->expressions = lappend(fills->expressions, text);
}

/* ---- numbers of rows ---- */

static List *
shards_of(const DistTable *table)
{
	List	   *shards = NIL;

	for (int i = 0; i < table->nshards; i++)
		shards = lappend(shards, table->shards[i]);
	return shards;
}

/* the node to ask about a shard; NULL for this one */
static const ClusterNode *
node_of_shard(const Shard *shard)
{
	const ClusterNode *node = NULL;

	for (int i = 0; i < shard->nplacements; i++)
	{
		GroupId		group = shard->placements[i].groupId;

		if (group == catalog_local_group())
			return NULL;
		if (node == NULL)
			node = catalog_node_of_group(group);
	}
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no active node holds shard " INT64_FORMAT " of table \"%s\"",
						shard->id, get_rel_name(shard->relid))));
	return node;
}

static char *
count_query(List *shards)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, shards)
		appendStringInfo(&sql, "%s" INT64_FORMAT,
						 sql.len > 0 ? "," : BASE_NODE_SELECT "* FROM "
						 "pg_catalog.unnest(citus_internal.count_shard_rows('{",
						 ((const Shard *) lfirst(lc))->id);
	appendStringInfoString(&sql, "}'))");
	return sql.data;
}

/* rows of each shard, in the order of the table's shards */
static int64 *
count_rows(const DistTable *table)
{
	int64	   *counts = palloc0(sizeof(int64) * Max(table->nshards, 1));
	List	   *nodes = NIL;
	List	   *shards = NIL;	/* of lists, a node each */
	List	   *queries = NIL;
	List	   *answers;
	ListCell   *lc;
	ListCell   *rows;

	foreach(lc, shards_of(table))
	{
		Shard	   *shard = lfirst(lc);
		const ClusterNode *node = node_of_shard(shard);
		int			known = 0;

		if (node == NULL)
		{
			counts[shard->index] = tables_shard_row_count(shard);
			continue;
		}
		while (known < list_length(nodes) && list_nth(nodes, known) != node)
			known++;
		if (known == list_length(nodes))
		{
			nodes = lappend(nodes, (void *) node);
			shards = lappend(shards, NIL);
		}
		lfirst(list_nth_cell(shards, known)) = lappend(list_nth(shards, known), shard);
	}
	if (nodes == NIL)
		return counts;

	foreach(lc, shards)
		queries = lappend(queries, count_query(lfirst(lc)));
	answers = cluster_query_each(nodes, queries);
	forboth(lc, shards, rows, answers)
	{
		List	   *ofNode = lfirst(lc);
		List	   *numbers = lfirst(rows);

		if (list_length(ofNode) != list_length(numbers))
			elog(ERROR, "numbers of rows of %d shards, not %d", list_length(numbers),
				 list_length(ofNode));
		for (int i = 0; i < list_length(ofNode); i++)
			counts[((Shard *) list_nth(ofNode, i))->index] =
				pg_strtoint64(((char **) list_nth(numbers, i))[0]);
	}
	return counts;
}

/* ---- drawing and computing ---- */

static void
add_piece(FillSeries *series, ShardId shardId, NumberRun run)
{
	FillPiece  *piece = palloc(sizeof(FillPiece));

	piece->shardId = shardId;
	piece->run = run;
	series->pieces = lappend(series->pieces, piece);
}

/* total values, given out to the shards by their numbers of rows */
static void
draw_series(FillSeries *series, const DistTable *table, const int64 *counts, int64 total)
{
	List	   *runs = cluster_draw_numbers(series->sequence, total, series->checkRights);
	NumberRun	rest = {0};

	for (int i = 0; i < table->nshards; i++)
	{
		int64		missing = counts[i];

		while (missing > 0)
		{
			NumberRun	part;

			if (rest.count == 0)
			{
				if (runs == NIL)
					elog(ERROR, "too few values of sequence %u", series->sequence);
				rest = *(NumberRun *) linitial(runs);
				runs = list_delete_first(runs);
			}
			part = rest;
			part.count = Min(missing, rest.count);
			add_piece(series, table->shards[i]->id, part);
			missing -= part.count;
			rest.count -= part.count;
			if (rest.count > 0)
				rest.start += rest.step * part.count;
		}
	}
	series->drawn = true;
}

static char *
text_of_value(Datum value, bool isNull, Oid type)
{
	Oid			output;
	bool		isVarlena;
	int			level;
	char	   *text;

	if (isNull)
		return NULL;
	level = deparse_settings_begin();
	getTypeOutputInfo(type, &output, &isVarlena);
	text = OidOutputFunctionCall(output, value);
	deparse_settings_end(level);
	return text;
}

static ExprState *
prepare_expression(Node *expression, EState *estate)
{
	return ExecPrepareExpr((Expr *) planner_redirect_expression(expression), estate);
}

/* one value a row, whatever the row */
static void
compute_defaults(FillValues *values, int64 count)
{
	EState	   *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	ExprState  *state = prepare_expression(values->expression, estate);

	for (int64 i = 0; i < count; i++)
	{
		bool		isNull;
		Datum		value;

		CHECK_FOR_INTERRUPTS();
		value = ExecEvalExprSwitchContext(state, context, &isNull);
		values->texts[i] = text_of_value(value, isNull, exprType(values->expression));
		ResetExprContext(context);
	}
	FreeExecutorState(estate);
}

/*
 * A value of each row of the copy that is here; the texts are in the order on which all copies
 * agree.
 */
static void
compute_from_rows(FillValues *values, const Shard *shard, int64 count)
{
	EState	   *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	ExprState  *state = prepare_expression(values->expression, estate);
	int64	   *ranks = tables_fill_ranks(shard, count);
	TableFillScan *scan = tables_fill_scan_begin(shard, true);

	for (int64 i = 0; i < count; i++)
	{
		bool		isNull;
		Datum		value;

		CHECK_FOR_INTERRUPTS();
		context->ecxt_scantuple = tables_fill_scan_next(scan);
		value = ExecEvalExprSwitchContext(state, context, &isNull);
		values->texts[ranks[i]] = text_of_value(value, isNull, exprType(values->expression));
		ResetExprContext(context);
	}
	tables_fill_scan_end(scan);
	FreeExecutorState(estate);
}

static void
compute_values(TableFills *fills, FillValues *values, const Shard *shard, int64 count)
{
	values->count = count;
	values->texts = MemoryContextAllocHuge(CurrentMemoryContext,
										   Max(count, 1) * sizeof(char *));
	tables_fill_run_begin(fills, shard, NULL);
	PG_TRY();
	{
		if (!contain_var_clause(values->expression))
			compute_defaults(values, count);
		else if (catalog_table_get(shard->relid)->nshards > 1)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot change a column by a volatile expression in table \"%s\"",
							get_rel_name(shard->relid)),
					 errdetail("Each copy of its shards would get values of its own.")));
		else if (node_of_shard(shard) == NULL)
			compute_from_rows(values, shard, count);
		else
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("this node has no copy of reference table \"%s\"",
							get_rel_name(shard->relid))));
	}
	PG_FINALLY();
	{
		tables_fill_run_end();
	}
	PG_END_TRY();
	values->computed = true;
}

/*
 * Draws and computes what has been added so far and needs it.  To be called when all shells are
 * locked; expressions that read columns must be computed before the shell's have changed.
 */
void
tables_fills_draw(TableFills *fills)
{
	const DistTable *table = catalog_table_get(fills->relid);
	int64		total = 0;
	ListCell   *lc;

	if (fills->series == NIL && fills->values == NIL)
		return;
	fills->counts = count_rows(table);
	for (int i = 0; i < table->nshards; i++)
		total += fills->counts[i];
	foreach(lc, fills->series)
	{
		FillSeries *series = lfirst(lc);

		if (!series->drawn)
			draw_series(series, table, fills->counts, total);
	}
	foreach(lc, fills->values)
	{
		FillValues *values = lfirst(lc);

		if (!values->computed)
			compute_values(fills, values, table->shards[0], total);
	}
}

/*
 * The part of fills that one shard of the table gets.  Palloc'd, but for the values themselves.
 */
TableFills *
tables_fills_of_shard(const TableFills *fills, const DistTable *table, int index)
{
	TableFills *part = palloc(sizeof(TableFills));
	int64		offset = 0;
	ListCell   *lc;

	*part = *fills;
	part->values = NIL;
	for (int i = 0; i < index; i++)
		offset += fills->counts[i];
	foreach(lc, fills->values)
	{
		FillValues *values = palloc(sizeof(FillValues));

		*values = *(FillValues *) lfirst(lc);
		values->texts += offset;
		values->count = fills->counts[index];
		part->values = lappend(part->values, values);
	}
	return part;
}
