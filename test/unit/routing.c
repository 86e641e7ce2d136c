/*
 * routing.c: tokens of values, ranges of shards, pruning by conditions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "citus/routing/routing.h"
#include "unit.h"

static void
run(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "\"%s\" failed", sql);
	SPI_finish();
	CommandCounterIncrement();
}

static int32
token_of(Oid type, const char *text)
{
	Oid			input;
	Oid			param;

	getTypeInputInfo(type, &input, &param);
	return routing_token(routing_router_make(type, get_typcollation(type)),
						 OidInputFunctionCall(input, pstrdup(text), param, -1));
}

UNIT_TEST(routing_tokens_are_the_published_ones)
{
	UNIT_ASSERT_INT(-1905060026, token_of(INT2OID, "1"));
	UNIT_ASSERT_INT(-1905060026, token_of(INT4OID, "1"));
	UNIT_ASSERT_INT(-1905060026, token_of(INT8OID, "1"));
	UNIT_ASSERT_INT(-1905060026, token_of(OIDOID, "1"));
	UNIT_ASSERT_INT(-1905060026, token_of(BOOLOID, "true"));
	UNIT_ASSERT_INT(-1330264708, token_of(INT8OID, "5"));
	UNIT_ASSERT_INT(385747274, token_of(INT4OID, "-1"));
	UNIT_ASSERT_INT(1851357687, token_of(INT8OID, "1099511627776"));
	UNIT_ASSERT_INT(376496956, token_of(FLOAT4OID, "1"));
	UNIT_ASSERT_INT(376496956, token_of(FLOAT8OID, "1"));
	UNIT_ASSERT_INT(692967894, token_of(NUMERICOID, "1.5"));
	UNIT_ASSERT_INT(692967894, token_of(NUMERICOID, "1.50"));
	UNIT_ASSERT_INT(-785388649, token_of(TEXTOID, "abc"));
	UNIT_ASSERT_INT(-785388649, token_of(VARCHAROID, "abc"));
	UNIT_ASSERT_INT(-785388649, token_of(BPCHAROID, "abc       "));
	UNIT_ASSERT_INT(-1477818771, token_of(TEXTOID, ""));
	UNIT_ASSERT_INT(1074944137, token_of(TEXTOID, "x"));
	UNIT_ASSERT_INT(1353656403, token_of(UUIDOID, "00000000-0000-0000-0000-000000000000"));
	UNIT_ASSERT_INT(462473164, token_of(DATEOID, "2020-01-01"));
	UNIT_ASSERT_INT(-575494134, token_of(TIMESTAMPOID, "2020-01-01"));
	UNIT_ASSERT_INT(-575494134, token_of(TIMESTAMPTZOID, "2020-01-01 00:00+00"));
	UNIT_ASSERT_INT(-2053980660, token_of(INTERVALOID, "1 day"));
	UNIT_ASSERT_INT(595046178, token_of(BYTEAOID, "\\x01"));
	UNIT_ASSERT_INT(1322320426, token_of(JSONBOID, "{\"a\":1}"));
	UNIT_ASSERT_INT(-2087800271, token_of(INT4ARRAYOID, "{1,2}"));
	UNIT_ASSERT_INT(1455329472, token_of(INETOID, "10.0.0.1"));
}

/* the number of a label or an object must not matter: make the type twice */
UNIT_TEST(routing_tokens_of_names)
{
	const char *kinds[] = {"e", "e[]", "r", "c", "d"};
	const char *values[] = {"b", "{a,NULL,b}", "[a,b)", "(1,b)", "b"};
	int32		tokens[lengthof(kinds)];

	run("CREATE SCHEMA routing_test");
	run("SET LOCAL search_path = routing_test, pg_catalog");
	for (int pass = 0; pass < 2; pass++)
	{
		run("CREATE TYPE e AS ENUM ('a', 'b')");
		run("CREATE TYPE r AS RANGE (subtype = e)");
		run("CREATE TYPE c AS (x int, y e)");
		run("CREATE DOMAIN d AS e");
		for (int i = 0; i < lengthof(kinds); i++)
		{
			Oid			type;
			int32		typmod;

			SPI_connect();
			parseTypeString(kinds[i], &type, &typmod, false);
			SPI_finish();
			if (pass == 0)
				tokens[i] = token_of(type, values[i]);
			else
				UNIT_ASSERT_INT(tokens[i], token_of(type, values[i]));
		}
		run("DROP TYPE r, c, d, e");
	}
	UNIT_ASSERT_INT(token_of(TEXTOID, "b"), tokens[0]);
	UNIT_ASSERT_INT(token_of(TEXTOID, "b"), tokens[4]);
	UNIT_ASSERT_INT(token_of(TEXTOID, "pg_catalog.pg_class"), token_of(REGCLASSOID, "pg_class"));
}

UNIT_TEST(routing_types_without_hash)
{
	UNIT_ASSERT_ERROR(ERRCODE_UNDEFINED_OBJECT, routing_router_make(JSONOID, InvalidOid));
	UNIT_ASSERT_ERROR(ERRCODE_UNDEFINED_FUNCTION, routing_router_make(JSONARRAYOID, InvalidOid));
}

UNIT_TEST(routing_ranges_cover_all_tokens)
{
	int32		min;
	int32		max;

	routing_shard_range(0, 4, &min, &max);
	UNIT_ASSERT_INT(PG_INT32_MIN, min);
	UNIT_ASSERT_INT(-1073741825, max);
	routing_shard_range(1, 3, &min, &max);
	UNIT_ASSERT_INT(-715827883, min);
	UNIT_ASSERT_INT(715827881, max);
	for (int n = 1; n < 70; n++)
	{
		int64		next = PG_INT32_MIN;

		for (int i = 0; i < n; i++)
		{
			routing_shard_range(i, n, &min, &max);
			UNIT_ASSERT_INT(next, min);
			next = (int64) max + 1;
		}
		UNIT_ASSERT_INT(PG_INT32_MAX, max);
	}
}


/* ---- pruning ---- */

static const DistTable *
make_table(const char *type)
{
	run("CREATE SCHEMA IF NOT EXISTS prune_test");
	run("SET LOCAL search_path = prune_test, pg_catalog");
	run("DROP TABLE IF EXISTS t");
	run(psprintf("CREATE TABLE t (k %s, x int, y text)", type));
	run("SELECT create_distributed_table('t', 'k', shard_count => 32, colocate_with => 'none')");
	return catalog_table_get(get_relname_relid("t", get_namespace_oid("prune_test", false)));
}

/* $1 is int4 5, $2 is int8 5, $3 is text 'five', $4 is null int4 */
static Datum
evaluate(Expr *expr, bool *isNull, void *arg)
{
	*isNull = false;
	if (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	if (!IsA(expr, Param))
		elog(ERROR, "unexpected expression");
	switch (((Param *) expr)->paramid)
	{
		case 1:
			return Int32GetDatum(5);
		case 2:
			return Int64GetDatum(5);
		case 3:
			return CStringGetTextDatum("five");
		default:
			*isNull = true;
			return (Datum) 0;
	}
}

static Bitmapset *
prune(const DistTable *table, const char *condition)
{
	Oid			types[] = {INT4OID, INT8OID, TEXTOID, INT4OID};
	char	   *sql = psprintf("SELECT FROM t WHERE %s", condition);
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT));
	Query	   *query = linitial_node(Query, pg_analyze_and_rewrite_fixedparams(raw, sql, types, 4,
																				NULL));
	PruneSpec  *spec = routing_prune_from_quals(list_make1(query->jointree->quals), 1, table);

	return routing_prune(table, spec, evaluate, NULL);
}

static void
check_all(const DistTable *table, const char *condition)
{
	if (bms_num_members(prune(table, condition)) != table->nshards)
		elog(ERROR, "\"%s\" selects %d shards", condition,
			 bms_num_members(prune(table, condition)));
}

static void
check_none(const DistTable *table, const char *condition)
{
	if (!bms_is_empty(prune(table, condition)))
		elog(ERROR, "\"%s\" selects shards", condition);
}

static void
check_like(const DistTable *table, const char *condition, const char *same)
{
	Bitmapset  *shards = prune(table, condition);

	if (bms_num_members(shards) == table->nshards || bms_is_empty(shards) ||
		!bms_equal(shards, prune(table, same)))
		elog(ERROR, "\"%s\" does not select the shards of \"%s\"", condition, same);
}

UNIT_TEST(routing_prunes_integers)
{
	const DistTable *table = make_table("int");

	UNIT_ASSERT_INT(1, bms_num_members(prune(table, "k = 5")));
	UNIT_ASSERT_INT(routing_shard_of_token(table, -1330264708),
					bms_singleton_member(prune(table, "k = 5")));
	check_like(table, "5 = k AND x = 7", "k = 5");
	check_like(table, "k = 5::int8", "k = 5");
	check_like(table, "k = 5::int2", "k = 5");
	check_like(table, "k = 5.0", "k = 5");
	check_like(table, "k = 2 + 3", "k = 5");
	check_like(table, "k = $1", "k = 5");
	check_like(table, "k = $2", "k = 5");
	check_like(table, "NOT k <> 5", "k = 5");
	check_like(table, "(k, x) = (5, 1)", "k = 5");
	check_like(table, "k = 5 AND k = 5", "k = 5");
	check_like(table, "k = 5 AND k IN (1, 5, 9)", "k = 5");
	check_like(table, "k IN (1, 2)", "k = 1 OR k = 2");
	check_like(table, "k = ANY ('{1,2,NULL}')", "k = 1 OR k = 2");
	check_like(table, "k IN (1, 5::int8)", "k = 1 OR k = 5");
	check_like(table, "(k, x) IN ((1, 1), (2, 2))", "k = 1 OR k = 2");
	check_like(table, "(k = 1 AND x = 2) OR (k = 2 AND y = 'a')", "k = 1 OR k = 2");
	check_like(table, "k = 1 OR (k = 2 AND false)", "k = 1");
	check_none(table, "k = 5.5");
	check_none(table, "k = 1e30");
	check_none(table, "k = NULL");
	check_none(table, "k = $4");
	check_none(table, "k = 1 AND k = 2");
	check_none(table, "false");
	check_none(table, "x = 1 AND 1 = 2");
	check_all(table, "k = 5 OR x = 1");
	check_all(table, "k > 5");
	check_all(table, "k <> 5");
	check_all(table, "k + 0 = 5");
	check_all(table, "k = x");
	check_all(table, "k = (SELECT 5)");
	check_all(table, "k = (random() * 10)::int");
	check_all(table, "k = ALL ('{5}')");
	check_all(table, "k IS NOT NULL");
	check_all(table, "x = 5");
	check_all(table, "k::float8 = 5");
	/* out of the key's range: no error, and at most one shard */
	UNIT_ASSERT(bms_num_members(prune(table, "k = 1099511627776")) <= 1);
}

UNIT_TEST(routing_prunes_ranges)
{
	const DistTable *table = make_table("int");

	check_like(table, "k BETWEEN 5 AND 7", "k IN (5, 6, 7)");
	check_like(table, "k > 4 AND k <= 6", "k IN (5, 6)");
	check_like(table, "4 < k AND 7 > k", "k IN (5, 6)");
	check_like(table, "k >= 5::int8 AND k < 7::int2", "k IN (5, 6)");
	check_like(table, "k BETWEEN 5 AND $1", "k = 5");
	check_like(table, "k >= 5 AND (x = 1 AND k <= 5)", "k = 5");
	check_like(table, "k BETWEEN 1 AND 2 OR k = 5", "k IN (1, 2, 5)");
	check_like(table, "k IN (1, 5, 9) AND k > 4 AND k < 6", "k = 5");
	check_like(table, "k IN (1, 5, 9) AND k < 3", "k = 1");
	check_like(table, "(k, x) >= (5, 1) AND (6, 2) > (k, x)", "k IN (5, 6)");
	check_like(table, "k > 2147483645 AND k < 1099511627776", "k IN (2147483646, 2147483647)");
	check_like(table, "k <= -2147483647", "k IN (-2147483648, -2147483647)");
	check_none(table, "k > 5 AND k < 6");
	check_none(table, "k > 2147483647");
	check_none(table, "k > 9223372036854775807");
	check_none(table, "k < (-9223372036854775807 - 1)");
	check_none(table, "k = 5 AND k > 5");
	check_none(table, "k = $1 AND k <> 1 AND k < 5");
	check_none(table, "k BETWEEN 5 AND NULL");
	check_none(table, "k = 5 AND k = 6 OR k > 9 AND k < 8");
	check_all(table, "k < 5");
	check_all(table, "k BETWEEN 5 AND 5000");
	check_all(table, "k BETWEEN 5 AND 6 OR x = 1");
	check_all(table, "k BETWEEN 5 AND x");
	check_all(table, "k + 0 BETWEEN 5 AND 6");
	check_all(table, "NOT k BETWEEN 5 AND 6");
	check_all(table, "k > ALL ('{5}') AND k < 7");

	table = make_table("int8");
	check_like(table, "k >= 9223372036854775806",
			   "k IN (9223372036854775806, 9223372036854775807)");
	check_none(table, "k > 9223372036854775807");

	table = make_table("date");
	check_like(table, "k BETWEEN '2024-02-28' AND '2024-03-01'",
			   "k IN ('2024-02-28', '2024-02-29', '2024-03-01')");
	check_all(table, "k >= '2024-02-28' AND k < '2024-02-29'::timestamp");
	check_all(table, "k > '-infinity' AND k < 'infinity'");

	table = make_table("numeric");
	check_all(table, "k BETWEEN 5 AND 6");
	table = make_table("text");
	check_all(table, "k BETWEEN 'a' AND 'b'");
}

UNIT_TEST(routing_prunes_other_types)
{
	const DistTable *table = make_table("varchar(10)");

	check_like(table, "k = $3", "k = 'five'::text");
	check_like(table, "k = 'five'::varchar", "k = 'five'::text");
	check_like(table, "k IN ('a', 'b')", "k = 'a' OR k = 'b'");
	check_all(table, "k LIKE 'a'");
	check_all(table, "lower(k) = 'a'");
	check_all(table, "k::bpchar = 'a'");
	if (OidIsValid(get_collation_oid(list_make1(makeString("und-x-icu")), true)))
		check_like(table, "k = 'a' COLLATE \"und-x-icu\"", "k = 'a'");

	table = make_table("bool");
	check_like(table, "k", "k = true");
	check_like(table, "NOT k", "k = false");

	table = make_table("numeric");
	check_like(table, "k = 1.50", "k = 1.5");
	check_like(table, "k = 1", "k = 1.0");

	table = make_table("timestamptz");
	check_like(table, "k = '2020-01-01 01:00+01'", "k = '2020-01-01 00:00+00'");
	check_all(table, "k = '2020-01-01'::date");

	table = make_table("int[]");
	check_like(table, "k = '{1,2}'", "k = ARRAY[1, 2]");

	run("CREATE TYPE prune_test.e AS ENUM ('a', 'b')");
	table = make_table("e");
	UNIT_ASSERT_INT(routing_shard_of_token(table, token_of(TEXTOID, "a")),
					bms_singleton_member(prune(table, "k = 'a'")));
	check_like(table, "k IN ('a', 'b')", "k = 'a' OR k = 'b'");

	table = make_table("regclass");
	UNIT_ASSERT_INT(routing_shard_of_token(table, token_of(TEXTOID, "pg_catalog.pg_class")),
					bms_singleton_member(prune(table, "k = 'pg_class'::regclass")));

	run("CREATE DOMAIN prune_test.d AS int");
	table = make_table("d");
	UNIT_ASSERT_INT(routing_shard_of_token(table, -1330264708),
					bms_singleton_member(prune(table, "k = 5")));
}
