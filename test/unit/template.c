/*
 * template.c: statements and their templates.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "citus/deparse/template.h"
#include "unit.h"

static void
run(const char *sql)
{
	int			result;

	SPI_connect();
	result = SPI_execute(sql, false, 0);
	if (result < 0)
		elog(ERROR, "\"%s\" failed: %d", sql, result);
	SPI_finish();
	CommandCounterIncrement();
}

static Query *
analyze(const char *sql)
{
	Oid			types[] = {INT4OID, TEXTOID};
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT));
	List	   *queries = pg_analyze_and_rewrite_fixedparams(raw, sql, types, 2, NULL);

	if (list_length(queries) != 1)
		elog(ERROR, "\"%s\" is rewritten to %d queries", sql, list_length(queries));
	return linitial_node(Query, queries);
}

/* The template with each hole shown as <>, and its line breaks as spaces. */
static char *
shown(const SqlTemplate *sql)
{
	StringInfoData out;
	int			from = 0;
	int			to;

	initStringInfo(&out);
	for (int i = 0; i < sql->nholes; i++)
	{
		appendBinaryStringInfo(&out, sql->text + from, sql->holes[i] - from);
		appendStringInfoString(&out, "<>");
		from = sql->holes[i];
	}
	appendStringInfoString(&out, sql->text + from);

	for (int i = to = 0; i < out.len; i++)
	{
		char		c = out.data[i] == '\n' ? ' ' : out.data[i];

		if (c != ' ' || to == 0 || out.data[to - 1] != ' ')
			out.data[to++] = c;
	}
	out.data[to] = '\0';
	return out.data;
}

/* What the template gives when filled must be a statement. */
static char *
template_of(const char *sql)
{
	SqlTemplate *template = deparse_query_template(analyze(sql), false);

	(void) analyze(deparse_template_fill_shells(template));
	(void) raw_parser(deparse_template_fill(template, 1), RAW_PARSE_DEFAULT);
	return shown(template);
}

static void
make_tables(void)
{
	run("CREATE SCHEMA template_test");
	run("SET LOCAL search_path = template_test, public");
	run("CREATE TABLE items (k int PRIMARY KEY, gone int, v text)");
	run("ALTER TABLE items DROP COLUMN gone");
	run("CREATE TABLE \"Odd name\" (k int, \"select\" int)");
	run("CREATE TABLE plain (k int)");
	run("SELECT create_distributed_table('items', 'k', shard_count => 2, "
		"colocate_with => 'none')");
	run("SELECT create_distributed_table('\"Odd name\"', 'k', colocate_with => 'items')");
}

/* every statement parses again, with shard names and with the shells' */
UNIT_TEST(template_statements_survive)
{
	const char *statements[] = {
		"SELECT * FROM items",
		"SELECT * FROM ONLY items AS i (x, y) WHERE x = 1",
		"SELECT * FROM items, items b, \"Odd name\" WHERE items.k = b.k",
		"SELECT a.* FROM items a JOIN \"Odd name\" USING (k)",
		"SELECT * FROM (items a JOIN \"Odd name\" b USING (k)) j (x, y, z)",
		"SELECT * FROM items a LEFT JOIN LATERAL (SELECT k FROM items b WHERE b.k = a.k) c ON true",
		"WITH RECURSIVE r AS (SELECT k FROM items UNION ALL SELECT r.k + 1 FROM r JOIN items "
		"USING (k)) SELECT * FROM r",
		"WITH RECURSIVE r AS (SELECT k FROM items UNION ALL SELECT r.k + 1 FROM r JOIN items "
		"USING (k)) SEARCH DEPTH FIRST BY k SET o CYCLE k SET c USING p SELECT k FROM r ORDER BY o",
		"WITH items AS (SELECT 1 AS k) SELECT items.k FROM items, template_test.items i2",
		"SELECT * FROM items TABLESAMPLE bernoulli (10) REPEATABLE (1)",
		"SELECT * FROM items FOR UPDATE OF items SKIP LOCKED",
		"SELECT items FROM items",
		"SELECT b FROM items a LEFT JOIN items b ON a.k = b.k + 1",
		"SELECT items, count(*) FROM items GROUP BY items HAVING count(items) > 0",
		"SELECT DISTINCT items FROM items ORDER BY items",
		"SELECT row_to_json(items.*), items.ctid, items.tableoid FROM items",
		"SELECT tableoid::regclass FROM items WHERE tableoid = 'items'::regclass",
		"SELECT -k AS k FROM items ORDER BY items.k",
		"SELECT DISTINCT ON (v) -k AS v FROM items ORDER BY v, items.k",
		"SELECT k FROM items UNION SELECT \"select\" FROM \"Odd name\" ORDER BY 1 LIMIT $1",
		"SELECT sum(k) OVER w FROM items WINDOW w AS (PARTITION BY v ORDER BY k ROWS 3 PRECEDING)",
		"SELECT v, k, grouping(v) FROM items GROUP BY GROUPING SETS ((v), (k, v), ())",
		"SELECT * FROM items WHERE k = ANY (SELECT k FROM \"Odd name\") AND v = $2",
		"SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a'])) f (a, b), items",
		"SELECT x.* FROM items, json_to_recordset('[]') AS x (a int)",
		"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY k) FILTER (WHERE k > 0) FROM items",
		"SELECT CASE k WHEN 1 THEN 'x' ELSE v END COLLATE \"C\" FROM items",
		"SELECT ROW(k, v) = ROW($1, $2), NULLIF(v, 'x'), k IS DISTINCT FROM 3 FROM items",
		"VALUES ((SELECT max(k) FROM items))",
		"INSERT INTO items (k, v) VALUES (1, 'a')",
		"INSERT INTO items VALUES (1), (2) RETURNING items, *",
		"INSERT INTO items AS t SELECT * FROM items RETURNING t.k",
		"INSERT INTO items (k) VALUES ($1) ON CONFLICT DO NOTHING",
		"INSERT INTO items VALUES (1) ON CONFLICT (k) WHERE k > 0 DO UPDATE "
		"SET v = excluded.v || items.v WHERE items.k < 5 RETURNING *",
		"INSERT INTO items VALUES (1) ON CONFLICT ON CONSTRAINT items_pkey DO UPDATE SET v = 'x'",
		"UPDATE items SET v = v || 'x' WHERE k = 1 RETURNING items.v",
		"UPDATE ONLY items SET (k, v) = (SELECT 1, 'x') FROM \"Odd name\" o WHERE o.k = items.k",
		"DELETE FROM items USING \"Odd name\" WHERE items.k = \"Odd name\".k RETURNING items",
		"WITH d AS (DELETE FROM items RETURNING *) SELECT * FROM d, \"Odd name\"",
		"MERGE INTO items USING \"Odd name\" o ON items.k = o.k "
		"WHEN MATCHED THEN UPDATE SET v = 'x' "
		"WHEN NOT MATCHED THEN INSERT VALUES (o.k, 'y')",
		"SELECT extract(year FROM now()), v ILIKE 'x%' FROM items",
		"SELECT 1.5::float8, '1 day'::interval, '\\x01'::bytea, E'a\\\\b', now() FROM items"
	};

	make_tables();
	for (int i = 0; i < lengthof(statements); i++)
		(void) template_of(statements[i]);
}

UNIT_TEST(template_statements_of_later_releases_survive)
{
	const struct
	{
		int			since;
		const char *sql;
	}			statements[] = {
		{160000, "SELECT JSON_OBJECT('a': k), JSON_ARRAY(k, v), v IS JSON FROM items"},
		{160000, "SELECT JSON_OBJECTAGG(k: v RETURNING jsonb), "
		"JSON_ARRAYAGG(k ORDER BY v) FROM items"},
		{160000, "SELECT JSON_ARRAY(SELECT k FROM items)"},
		{170000, "SELECT j.* FROM items, JSON_TABLE(v::jsonb, '$[*]' COLUMNS (a int PATH '$.a', "
		"NESTED PATH '$.b[*]' COLUMNS (c text PATH '$'))) AS j"},
		{170000, "SELECT JSON_VALUE(v::jsonb, '$.a' RETURNING int DEFAULT 1 ON ERROR), "
		"JSON_QUERY(v::jsonb, '$'), JSON_EXISTS(v::jsonb, '$.x') FROM items"},
		{170000, "MERGE INTO items USING \"Odd name\" o ON items.k = o.k "
		"WHEN NOT MATCHED BY SOURCE "
		"THEN DELETE WHEN MATCHED THEN DO NOTHING RETURNING merge_action(), items, o"},
		{180000, "UPDATE items SET v = 'x' RETURNING old, new, old.v, new.k"},
		{180000, "INSERT INTO items VALUES (1) RETURNING WITH (OLD AS o, NEW AS n) o, n, o.k"},
		{180000, "DELETE FROM items RETURNING old.*, new"},
		{180000, "SELECT v, count(*) FROM items GROUP BY v ORDER BY items.v"},
		{180000, "SELECT items, count(*) FROM items GROUP BY ROLLUP (items)"}
	};
	int			version = atoi(GetConfigOption("server_version_num", false, false));

	make_tables();
	for (int i = 0; i < lengthof(statements); i++)
	{
		if (version >= statements[i].since)
			(void) template_of(statements[i].sql);
	}
}

UNIT_TEST(template_holes_have_aliases)
{
	make_tables();
	UNIT_ASSERT_STR("SELECT k, v FROM <> AS items",
					template_of("SELECT * FROM items"));
	UNIT_ASSERT_STR("SELECT x, y FROM <> i(x, y)",
					template_of("SELECT * FROM items AS i (x, y)"));
	UNIT_ASSERT_STR("SELECT items.k, o.\"select\", plain.k FROM <> AS items, <> o, "
					"template_test.plain",
					template_of("SELECT items.k, o.\"select\", plain.k "
								"FROM items, \"Odd name\" o, plain"));
	UNIT_ASSERT_STR("INSERT INTO <> AS items (k, v) VALUES (1, 'a'::text)",
					template_of("INSERT INTO items VALUES (1, 'a')"));
	UNIT_ASSERT_STR("UPDATE ONLY <> AS items SET v = 'x'::text WHERE (k = 1)",
					template_of("UPDATE ONLY items SET v = 'x' WHERE k = 1"));
	UNIT_ASSERT_STR("DELETE FROM <> AS \"Odd name\"",
					template_of("DELETE FROM \"Odd name\""));
}

UNIT_TEST(template_rewrites_what_shards_would_change)
{
	make_tables();
	UNIT_ASSERT_STR("SELECT ROW(k, v)::template_test.items AS items FROM <> AS items",
					template_of("SELECT items FROM items"));
	UNIT_ASSERT_STR("SELECT (('template_test.items'::regclass)::oid)::regclass AS tableoid "
					"FROM <> AS items",
					template_of("SELECT tableoid::regclass FROM items"));
	UNIT_ASSERT_STR(psprintf("SELECT '%u'::oid AS tableoid FROM <> AS items",
							 get_relname_relid("items",
											   get_namespace_oid("template_test", false))),
					template_of("SELECT tableoid FROM items"));
	UNIT_ASSERT_STR("SELECT k FROM <> AS items WHERE ((k = ($1)::integer) AND (v = ($2)::text))",
					template_of("SELECT k FROM items WHERE k = $1 AND v = $2"));
	UNIT_ASSERT_STR("INSERT INTO <> AS items (k) VALUES (1) ON CONFLICT(k) DO NOTHING",
					template_of("INSERT INTO items (k) VALUES (1) "
								"ON CONFLICT ON CONSTRAINT items_pkey DO NOTHING"));
}

UNIT_TEST(template_does_not_depend_on_settings)
{
	char	   *before;

	make_tables();
	before = template_of("SELECT '1 day 1 hour'::interval, '2020-01-02'::date, '\\x01'::bytea "
						 "FROM items");
	run("SET LOCAL intervalstyle = 'iso_8601'");
	run("SET LOCAL datestyle = 'German'");
	run("SET LOCAL bytea_output = 'escape'");
	run("SET LOCAL quote_all_identifiers = on");
	run("SET LOCAL standard_conforming_strings = off");
	run("SET LOCAL escape_string_warning = off");
	UNIT_ASSERT_STR(before, template_of("SELECT '1 day 1 hour'::interval, '02.01.2020'::date, "
										"E'\\\\x01'::bytea FROM items"));
}

UNIT_TEST(template_of_insert_has_two_halves)
{
	SqlTemplate *head;
	SqlTemplate *tail;

	make_tables();
	deparse_insert_templates(analyze("INSERT INTO items (v, k) VALUES ('VALUES ($60000)', 1) "
									 "ON CONFLICT (k) DO UPDATE SET v = $2 RETURNING items.k"),
							 list_make2_int(1, 3), &head, &tail);
	UNIT_ASSERT_STR("INSERT INTO <> AS items (k, v)", shown(head));
	UNIT_ASSERT_STR(" ON CONFLICT(k) DO UPDATE SET v = ($2)::text RETURNING items.k",
					shown(tail));
}
