/*
 * statistics.c
 *	  Statistics of columns: those of the shards, merged into the shell's row of pg_statistic.
 *
 * Every node's ANALYZE has looked at its shards.  What it found is read as text from pg_stats, put
 * together here, and written where the server's planner looks when it plans a statement over the
 * shell: on this node, and on all others by citus_internal.set_column_statistics().
 *
 *	 null fraction, width	averages, weighed by the rows of the shards
 *	 distinct values		of the distribution column the sum; of others the number that, spread
 *							at random over the shards, shows as many in each
 *	 most common values		frequencies added up; where a shard does not list a value, it has it as
 *							often as an average one
 *	 histogram				the bounds of all shards, cut into parts of equal weight
 *
 * What the user who analyzes may not read in pg_stats is left out.  Statistics are guesses: they
 * are not checked against each other, and a value that has no text in common is left out too.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "citus/base/compat.h"
#include "citus/base/own_sql.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "citus/routing/routing.h"
#include "commands_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_set_column_statistics);

/* a value listed by more than this many times the average is worth to be listed here */
#define COMMON_FACTOR 1.25

/* columns of shard_query() */
enum
{
	SHARD_ATTRIBUTE,
	SHARD_ROWS,
	SHARD_NULLS,
	SHARD_WIDTH,
	SHARD_DISTINCT,
	SHARD_VALUES,
	SHARD_FREQUENCIES,
	SHARD_BOUNDS
};

/* statistics of one column in one shard */
typedef struct ShardColumn
{
	double		rows;
	double		weight;			/* share of the table's rows */
	double		nulls;
	double		width;
	double		distinct;		/* a number of values */
	int			nvalues;		/* most common values */
	Datum	   *values;
	double	   *frequencies;
	int			nbounds;
	Datum	   *bounds;
	double		rest;			/* share of the shard's rows that the histogram describes */
} ShardColumn;

/* a value with a share of the table's rows */
typedef struct WeighedValue
{
	Datum		value;
	double		weight;
	Bitmapset  *shards;			/* that list the value */
} WeighedValue;

/* what is written */
typedef struct ColumnStatistics
{
	AttrNumber	attno;
	float4		nulls;
	int32		width;
	float4		distinct;
	Datum		values;			/* arrays; 0: none */
	Datum		frequencies;
	Datum		bounds;
} ColumnStatistics;

typedef struct Merge
{
	Form_pg_attribute attribute;
	TypeCacheEntry *type;
	bool		isKey;
	double		rows;			/* of all shards */
	int			nshards;
	ShardColumn *shards;
} Merge;

/* ---- reading ---- */

/* statistics of the shards whose first copy is in the group; NULL: there are none */
static char *
shard_query(const DistTable *table, GroupId groupId)
{
	char	   *schemaName = get_namespace_name(get_rel_namespace(table->relid));
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < table->nshards; i++)
	{
		const Shard *shard = table->shards[i];

		if (shard->nplacements > 0 && shard->placements[0].groupId == groupId)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 quote_literal_cstr(catalog_shard_relname(shard)));
	}
	if (names.len == 0)
		return NULL;
	return psprintf("SELECT s.attname, c.reltuples, s.null_frac, s.avg_width, s.n_distinct, "
					"s.most_common_vals::pg_catalog.text, "
					"s.most_common_freqs::pg_catalog.float8[]::pg_catalog.text, "
					"s.histogram_bounds::pg_catalog.text "
					"FROM pg_catalog.pg_class c "
					"JOIN pg_catalog.pg_namespace n "
					"ON n.oid OPERATOR(pg_catalog.=) c.relnamespace "
					"JOIN pg_catalog.pg_stats s "
					"ON s.schemaname OPERATOR(pg_catalog.=) n.nspname "
					"AND s.tablename OPERATOR(pg_catalog.=) c.relname "
					"AND s.inherited OPERATOR(pg_catalog.=) (c.relkind OPERATOR(pg_catalog.=) 'p') "
					"WHERE n.nspname OPERATOR(pg_catalog.=) %s "
					"AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[%s]::pg_catalog.name[]) "
					"AND c.reltuples OPERATOR(pg_catalog.>) 0",
					quote_literal_cstr(schemaName), names.data);
}

/* rows of a query here, as cluster_query() gives them */
List *
commands_query_here(const char *sql)
{
	List	   *rows;

	base_frame_push(FRAME_OWN_DDL);
	rows = base_own_query(sql);
	base_frame_pop(FRAME_OWN_DDL);
	return rows;
}

/* the same from nodes outside this transaction, whose patience is short; false: one is silent */
static bool
read_shards_alone(List *nodes, List *queries, List **rows)
{
	ListCell   *cell;

	foreach(cell, cluster_ask_each_alone(nodes, queries))
	{
		ClusterAnswer *answer = lfirst(cell);

		if (!answer->ok)
			return false;
		*rows = list_concat(*rows, answer->rows);
	}
	return true;
}

/*
 * commands_read_statistics
 *		*rows: what the nodes say of the table's shards, for commands_merge_statistics().  Nodes
 *		are asked within the transaction; alone: outside it, and false if one does not answer.
 */
bool
commands_read_statistics(const DistTable *table, bool alone, List **rows)
{
	GroupId		localGroup = catalog_local_group();
	char	   *localQuery = shard_query(table, localGroup);
	List	   *nodes = NIL;
	List	   *queries = NIL;
	ListCell   *cell;

	foreach(cell, catalog_active_primaries())
	{
		ClusterNode *node = lfirst(cell);
		char	   *query = node->groupId == localGroup ? NULL
			: shard_query(table, node->groupId);

		if (query == NULL)
			continue;
		nodes = lappend(nodes, node);
		queries = lappend(queries, query);
	}
	*rows = localQuery == NULL ? NIL : commands_query_here(localQuery);
	if (nodes == NIL)
		return true;
	if (alone)
		return read_shards_alone(nodes, queries, rows);
	foreach(cell, cluster_query_each(nodes, queries))
		*rows = list_concat(*rows, lfirst(cell));
	return true;
}

/* an array's text as an array of elements of type; NULL gives 0 */
static Datum
read_array(const char *text, Oid type)
{
	Oid			input;
	Oid			ioparam;

	if (text == NULL)
		return (Datum) 0;
	getTypeInputInfo(FLOAT8ARRAYOID, &input, &ioparam);
	return OidInputFunctionCall(input, unconstify(char *, text), type, -1);
}

static int
read_elements(const char *text, Oid type, Datum **elements)
{
	Datum		array = read_array(text, type);
	int16		length;
	bool		byValue;
	char		align;
	int			count = 0;

	*elements = NULL;
	if (array == (Datum) 0)
		return 0;
	get_typlenbyvalalign(type, &length, &byValue, &align);
	deconstruct_array(DatumGetArrayTypeP(array), type, length, byValue, align, elements, NULL,
					  &count);
	return count;
}

static void
read_shard_column(ShardColumn *column, char **row, const Merge *merge)
{
	Oid			type = merge->attribute->atttypid;
	double		common = 0;

	column->rows = strtod(row[SHARD_ROWS], NULL);
	column->nulls = strtod(row[SHARD_NULLS], NULL);
	column->width = strtod(row[SHARD_WIDTH], NULL);
	column->distinct = strtod(row[SHARD_DISTINCT], NULL);
	if (column->distinct < 0)
		column->distinct *= -column->rows;
	column->rest = 0;
	if (OidIsValid(routing_object_class(getBaseType(type))) || !OidIsValid(merge->type->cmp_proc))
		return;

	column->nvalues = read_elements(row[SHARD_VALUES], type, &column->values);
	if (column->nvalues > 0)
	{
		Datum	   *frequencies;
		int			n = read_elements(row[SHARD_FREQUENCIES], FLOAT8OID, &frequencies);

		column->nvalues = Min(n, column->nvalues);
		column->frequencies = palloc(sizeof(double) * Max(n, 1));
		for (int i = 0; i < column->nvalues; i++)
		{
			column->frequencies[i] = DatumGetFloat8(frequencies[i]);
			common += column->frequencies[i];
		}
	}
	column->nbounds = read_elements(row[SHARD_BOUNDS], type, &column->bounds);
	column->rest = Max(1 - column->nulls - common, 0);
}

/* ---- merging ---- */

/*
 * How many distinct values a table of rows has when a shard with share of them shows so many:
 * values that are spread at random meet a shard with probability 1 - (1 - share)^(rows a value).
 */
static double
distinct_from_shards(const Merge *merge)
{
	double		low = 1;
	double		high = 0;
	double		shown = 0;

	for (int i = 0; i < merge->nshards; i++)
	{
		low = Max(low, merge->shards[i].distinct);
		high += merge->shards[i].distinct;
	}
	if (merge->isKey || merge->nshards == 1)
		return high;
	shown = high / merge->nshards;
	for (int step = 0; step < 50; step++)
	{
		double		guess = (low + high) / 2;
		double		expected = guess *
			(1 - pow(1 - 1.0 / merge->nshards, merge->rows / Max(guess, 1)));

		if (expected < shown)
			low = guess;
		else
			high = guess;
	}
	return rint(Min(high, merge->rows));
}

static int
compare_values(const void *a, const void *b, void *arg)
{
	const Merge *merge = arg;

	return DatumGetInt32(FunctionCall2Coll(&merge->type->cmp_proc_finfo,
										   merge->attribute->attcollation,
										   ((const WeighedValue *) a)->value,
										   ((const WeighedValue *) b)->value));
}

static int
compare_weights(const void *a, const void *b)
{
	double		x = ((const WeighedValue *) a)->weight;
	double		y = ((const WeighedValue *) b)->weight;

	return x > y ? -1 : x < y;
}

/* how often a shard has a value that it does not list */
static double
unlisted_frequency(const ShardColumn *column)
{
	double		others = column->distinct - column->nvalues;

	if (others < 1)
		return 0;
	return Min(column->rest / others,
			   column->nvalues > 0 ? column->frequencies[column->nvalues - 1] : 1);
}

/* values listed by any shard, each once, sorted by value; *n: how many */
static WeighedValue *
unite_values(const Merge *merge, int *n)
{
	int			total = 0;
	int			last = -1;
	WeighedValue *united;

	for (int i = 0; i < merge->nshards; i++)
		total += merge->shards[i].nvalues;
	united = palloc0(sizeof(WeighedValue) * Max(total, 1));
	total = 0;
	for (int i = 0; i < merge->nshards; i++)
	{
		const ShardColumn *column = &merge->shards[i];

		for (int j = 0; j < column->nvalues; j++)
		{
			united[total].value = column->values[j];
			united[total].weight = column->weight * column->frequencies[j];
			united[total++].shards = bms_make_singleton(i);
		}
	}
	qsort_arg(united, total, sizeof(WeighedValue), compare_values, unconstify(Merge *, merge));
	for (int i = 0; i < total; i++)
	{
		if (last >= 0 &&
			compare_values(&united[last], &united[i], unconstify(Merge *, merge)) == 0)
		{
			united[last].weight += united[i].weight;
			united[last].shards = bms_join(united[last].shards, united[i].shards);
		}
		else
			united[++last] = united[i];
	}
	*n = last + 1;
	return united;
}

/* chooses the most common of the values, which come back sorted by frequency; *ncommon of them */
static WeighedValue *
choose_common(const Merge *merge, double distinct, WeighedValue *united, int n, int *ncommon)
{
	WeighedValue *common = palloc(sizeof(WeighedValue) * Max(n, 1));
	double		filled = 0;
	int			limit = 0;

	for (int i = 0; i < merge->nshards; i++)
	{
		limit = Max(limit, merge->shards[i].nvalues);
		filled += merge->shards[i].weight * (1 - merge->shards[i].nulls);
	}
	for (int i = 0; i < n; i++)
	{
		for (int shard = 0; !merge->isKey && shard < merge->nshards; shard++)
		{
			if (!bms_is_member(shard, united[i].shards))
				united[i].weight += merge->shards[shard].weight *
					unlisted_frequency(&merge->shards[shard]);
		}
	}
	memcpy(common, united, sizeof(WeighedValue) * n);
	qsort(common, n, sizeof(WeighedValue), compare_weights);
	*ncommon = 0;
	while (*ncommon < Min(n, limit) &&
		   (distinct <= limit || common[*ncommon].weight * distinct > filled * COMMON_FACTOR))
		(*ncommon)++;
	return common;
}

/* points of a histogram: the bounds of the shards, and what they list that is not listed here */
static WeighedValue *
collect_points(const Merge *merge, WeighedValue *united, int n, double least, int *npoints)
{
	int			total = n;
	WeighedValue *points;

	for (int i = 0; i < merge->nshards; i++)
		total += merge->shards[i].nbounds;
	points = palloc0(sizeof(WeighedValue) * Max(total, 1));
	*npoints = 0;
	for (int i = 0; i < n; i++)
	{
		if (united[i].weight < least)
			points[(*npoints)++] = united[i];
	}
	for (int i = 0; i < merge->nshards; i++)
	{
		const ShardColumn *column = &merge->shards[i];

		for (int j = 0; j < column->nbounds; j++)
		{
			points[*npoints].value = column->bounds[j];
			if (j > 0)
				points[*npoints].weight = column->weight * column->rest / (column->nbounds - 1);
			(*npoints)++;
		}
	}
	qsort_arg(points, *npoints, sizeof(WeighedValue), compare_values,
			  unconstify(Merge *, merge));
	return points;
}

static Datum
make_array(const Merge *merge, Datum *values, int n)
{
	Form_pg_attribute attribute = merge->attribute;

	return PointerGetDatum(construct_array(values, n, attribute->atttypid, attribute->attlen,
										   attribute->attbyval, attribute->attalign));
}

static Datum
make_bounds(const Merge *merge, WeighedValue *points, int npoints)
{
	int			nbounds = 0;
	double		total = 0;
	double		sum = 0;
	Datum	   *bounds;
	int			next = 0;

	for (int i = 0; i < merge->nshards; i++)
		nbounds = Max(nbounds, merge->shards[i].nbounds);
	if (nbounds < 2 || npoints < 2)
		return (Datum) 0;
	for (int i = 0; i < npoints; i++)
		total += points[i].weight;
	bounds = palloc(sizeof(Datum) * nbounds);
	bounds[0] = points[0].value;
	for (int i = 1; i < nbounds - 1; i++)
	{
		while (next < npoints - 1 && sum + points[next].weight < total * i / (nbounds - 1))
			sum += points[next++].weight;
		bounds[i] = points[next].value;
	}
	bounds[nbounds - 1] = points[npoints - 1].value;
	return make_array(merge, bounds, nbounds);
}

static void
merge_values(const Merge *merge, double distinct, ColumnStatistics *result)
{
	int			n;
	int			ncommon;
	int			npoints;
	WeighedValue *united = unite_values(merge, &n);
	WeighedValue *common = choose_common(merge, distinct, united, n, &ncommon);
	WeighedValue *points;

	if (ncommon > 0)
	{
		Datum	   *values = palloc(sizeof(Datum) * ncommon);
		Datum	   *frequencies = palloc(sizeof(Datum) * ncommon);

		for (int i = 0; i < ncommon; i++)
		{
			values[i] = common[i].value;
			frequencies[i] = Float4GetDatum((float4) Min(common[i].weight, 1));
		}
		result->values = make_array(merge, values, ncommon);
		result->frequencies = PointerGetDatum(construct_array(frequencies, ncommon, FLOAT4OID,
															  sizeof(float4), true,
															  TYPALIGN_INT));
	}
	points = collect_points(merge, united, n,
							ncommon > 0 ? common[ncommon - 1].weight : 2, &npoints);
	result->bounds = make_bounds(merge, points, npoints);
}

/* the statistics of one column, from the rows of shard_query() that are about it */
static void
merge_column(Merge *merge, List *rows, double tableRows, ColumnStatistics *result)
{
	double		distinct;
	double		nulls = 0;
	double		width = 0;
	ListCell   *cell;

	merge->shards = palloc0(sizeof(ShardColumn) * list_length(rows));
	foreach(cell, rows)
	{
		ShardColumn *column = &merge->shards[merge->nshards++];

		read_shard_column(column, lfirst(cell), merge);
		merge->rows += column->rows;
	}
	for (int i = 0; i < merge->nshards; i++)
	{
		ShardColumn *column = &merge->shards[i];

		column->weight = column->rows / merge->rows;
		nulls += column->weight * column->nulls;
		width += column->weight * column->width;
	}
	distinct = distinct_from_shards(merge);

	result->attno = merge->attribute->attnum;
	result->nulls = (float4) nulls;
	result->width = (int32) rint(width);
	/* as the server does: what grows with the table is a share of its rows */
	result->distinct = (float4) (distinct > 0.1 * tableRows ? -Min(distinct / tableRows, 1)
								 : distinct);
	if (OidIsValid(merge->type->cmp_proc))
		merge_values(merge, distinct, result);
}

/* ---- writing ---- */

static void
set_slot(Datum *values, int slot, int kind, Oid operator, Oid collation)
{
	values[Anum_pg_statistic_stakind1 - 1 + slot] = Int16GetDatum(kind);
	values[Anum_pg_statistic_staop1 - 1 + slot] = ObjectIdGetDatum(operator);
	values[Anum_pg_statistic_stacoll1 - 1 + slot] = ObjectIdGetDatum(collation);
}

static HeapTuple
form_tuple(Relation catalog, Oid relid, Form_pg_attribute attribute,
		   const ColumnStatistics *column)
{
	TypeCacheEntry *type = lookup_type_cache(attribute->atttypid,
											 TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	int			slot = 0;

	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		set_slot(values, i, 0, InvalidOid, InvalidOid);
		nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = true;
		nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
	}
	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(relid);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(attribute->attnum);
	values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(column->nulls);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(column->width);
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(column->distinct);
	if (column->values != (Datum) 0 && OidIsValid(type->eq_opr))
	{
		set_slot(values, slot, STATISTIC_KIND_MCV, type->eq_opr, attribute->attcollation);
		values[Anum_pg_statistic_stanumbers1 - 1 + slot] = column->frequencies;
		nulls[Anum_pg_statistic_stanumbers1 - 1 + slot] = false;
		values[Anum_pg_statistic_stavalues1 - 1 + slot] = column->values;
		nulls[Anum_pg_statistic_stavalues1 - 1 + slot] = false;
		slot++;
	}
	if (column->bounds != (Datum) 0 && OidIsValid(type->lt_opr))
	{
		set_slot(values, slot, STATISTIC_KIND_HISTOGRAM, type->lt_opr,
				 attribute->attcollation);
		values[Anum_pg_statistic_stavalues1 - 1 + slot] = column->bounds;
		nulls[Anum_pg_statistic_stavalues1 - 1 + slot] = false;
	}
	return heap_form_tuple(RelationGetDescr(catalog), values, nulls);
}

/* the lock keeps two from writing the same row; ANALYZE takes it as well */
static void
write_column(Oid relid, const ColumnStatistics *column)
{
	Relation	relation = try_relation_open(relid, ShareUpdateExclusiveLock);
	Relation	catalog;
	Form_pg_attribute attribute;
	HeapTuple	old;
	HeapTuple	tuple;

	if (relation == NULL)
		return;
	attribute = TupleDescAttr(RelationGetDescr(relation), column->attno - 1);
	catalog = table_open(StatisticRelationId, RowExclusiveLock);
	tuple = form_tuple(catalog, relid, attribute, column);
	old = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
						  Int16GetDatum(column->attno), BoolGetDatum(false));
	if (HeapTupleIsValid(old))
	{
		CatalogTupleUpdate(catalog, &old->t_self, tuple);
		ReleaseSysCache(old);
	}
	else
		CatalogTupleInsert(catalog, tuple);
	heap_freetuple(tuple);
	table_close(catalog, RowExclusiveLock);
	relation_close(relation, NoLock);
}

/* ---- spreading ---- */

static const char *
array_literal(Datum array, Oid type)
{
	Oid			output;
	bool		isVarlena;

	if (array == (Datum) 0)
		return "NULL";
	getTypeOutputInfo(type, &output, &isVarlena);
	return quote_literal_cstr(OidOutputFunctionCall(output, array));
}

static char *
set_statement(Oid relid, Form_pg_attribute attribute, const ColumnStatistics *column)
{
	return psprintf("SELECT citus_internal.set_column_statistics(%s, %s, %.9g, %d, %.9g, "
					"%s, %s, %s)",
					quote_literal_cstr(catalog_qualified_name(relid)),
					quote_literal_cstr(NameStr(attribute->attname)),
					column->nulls, column->width, column->distinct,
					array_literal(column->values, FLOAT8ARRAYOID),
					array_literal(column->frequencies, FLOAT4ARRAYOID),
					array_literal(column->bounds, FLOAT8ARRAYOID));
}

/*
 * citus_internal.set_column_statistics(regclass, name, real, integer, real, text, real[], text):
 * what another node has put together.  For those who may ANALYZE the table.
 */
Datum
citus_internal_set_column_statistics(PG_FUNCTION_ARGS)
{
	ColumnStatistics column = {0};
	Oid			relid;
	Oid			type;

	for (int i = 0; i < 5; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_VOID();
	}
	relid = PG_GETARG_OID(0);
	commands_require_maintained(relid);
	column.attno = get_attnum(relid, NameStr(*PG_GETARG_NAME(1)));
	if (column.attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						NameStr(*PG_GETARG_NAME(1)), get_rel_name(relid))));
	type = get_atttype(relid, column.attno);
	column.nulls = PG_GETARG_FLOAT4(2);
	column.width = PG_GETARG_INT32(3);
	column.distinct = PG_GETARG_FLOAT4(4);
	if (!PG_ARGISNULL(5) && !PG_ARGISNULL(6))
	{
		column.values = read_array(text_to_cstring(PG_GETARG_TEXT_PP(5)), type);
		column.frequencies = PG_GETARG_DATUM(6);
		if (ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(column.values)),
						   ARR_DIMS(DatumGetArrayTypeP(column.values))) !=
			ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(column.frequencies)),
						   ARR_DIMS(DatumGetArrayTypeP(column.frequencies))))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("every most common value needs a frequency")));
	}
	if (!PG_ARGISNULL(7))
		column.bounds = read_array(text_to_cstring(PG_GETARG_TEXT_PP(7)), type);
	write_column(relid, &column);
	PG_RETURN_VOID();
}

/* rows of shard_query() about the attribute */
static List *
rows_of_attribute(List *rows, const char *name)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		if (strcmp(((char **) lfirst(cell))[SHARD_ATTRIBUTE], name) == 0)
			result = lappend(result, lfirst(cell));
	}
	return result;
}

/*
 * commands_merge_statistics
 *		Puts rows of commands_read_statistics() together and writes the statistics of the table's
 *		columns here; returns texts, a List of char *, that write them on other nodes.  tableRows is
 *		the number of the table's rows.
 */
List *
commands_merge_statistics(const DistTable *table, List *rows, double tableRows)
{
	Oid			relid = table->relid;
	AttrNumber	keyAttno = DIST_TABLE_HAS_KEY(table) ? table->keyAttno : 0;
	Relation	relation = rows == NIL || tableRows < 1 ? NULL :
		try_relation_open(relid, ShareUpdateExclusiveLock);
	List	   *texts = NIL;

	for (int i = 0; relation != NULL && i < RelationGetDescr(relation)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		ColumnStatistics column = {0};
		Merge		merge = {.attribute = attribute};
		List	   *own;

		if (attribute->attisdropped)
			continue;
		own = rows_of_attribute(rows, NameStr(attribute->attname));
		if (own == NIL)
			continue;
		merge.type = lookup_type_cache(attribute->atttypid,
									   TYPECACHE_CMP_PROC | TYPECACHE_CMP_PROC_FINFO);
		merge.isKey = attribute->attnum == keyAttno;
		merge_column(&merge, own, tableRows, &column);
		write_column(relid, &column);
		texts = lappend(texts, set_statement(relid, attribute, &column));
	}
	if (relation != NULL)
		relation_close(relation, NoLock);
	return texts;
}
