/*
 * template.c
 *	  A Query as statement text with holes where shard names belong, and the holes filled.
 *
 * The server prints the (adapted) query with every user relation schema-qualified, the server's
 * raw parser tells at which byte each relation's name stands, and there the text is cut.
 *
 * Invariants: (1) each hole names a relation known to the catalog; no name of one is left in a
 * place where a relation is meant; (2) every such hole is followed by an alias, so that column
 * references by the shell's name stay valid; (3) text never depends on session settings.
 *
 * ON CONFLICT ON CONSTRAINT has a hole, too, for a constraint is called otherwise on shards: it
 * names the constraint's index.
 *
 * What is changed in the tree before: query_adapt.c.  Statements about objects: object_*.c,
 * table_*.c.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "deparse/deparse_internal.h"

typedef struct Hole
{
	int			start;			/* of the name in the full text */
	int			length;
	Oid			relid;
	bool		aliased;
} Hole;

typedef struct HoleContext
{
	const char *text;
	Hole	   *holes;
	int			nholes;
	int			capacity;
} HoleContext;

/* parameter numbers of the values of an INSERT, which are cut out again */
#define MARK_PARAM 60000


/* ---- settings under which text is made ---- */

static void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/* Returns the level for deparse_settings_end().  Settings that are right already cost nothing. */
int
deparse_settings_begin(void)
{
	int			level = NewGUCNestLevel();

	if (namespace_search_path == NULL || strcmp(namespace_search_path, "pg_catalog") != 0)
		set_for_now("search_path", "pg_catalog");
	if (DateStyle != USE_ISO_DATES)
		set_for_now("datestyle", "ISO");
	if (IntervalStyle != INTSTYLE_POSTGRES)
		set_for_now("intervalstyle", "postgres");
	if (extra_float_digits < 1)
		set_for_now("extra_float_digits", "3");
	if (bytea_output != BYTEA_OUTPUT_HEX)
		set_for_now("bytea_output", "hex");
	if (quote_all_identifiers)
		set_for_now("quote_all_identifiers", "off");
	if (!standard_conforming_strings)
		set_for_now("standard_conforming_strings", "on");
	return level;
}

void
deparse_settings_end(int level)
{
	AtEOXact_GUC(true, level);
}


/* ---- making ---- */

static void
push_hole(HoleContext *context, int start, int length, Oid relid, bool aliased)
{
	Hole	   *hole;

	if (context->nholes == context->capacity)
	{
		context->capacity *= 2;
		context->holes = repalloc(context->holes, context->capacity * sizeof(Hole));
	}
	hole = &context->holes[context->nholes++];
	hole->start = start;
	hole->length = length;
	hole->relid = relid;
	hole->aliased = aliased;
}

static void
add_hole(HoleContext *context, const RangeVar *var)
{
	Oid			namespaceId = get_namespace_oid(var->schemaname, true);
	Oid			relid = InvalidOid;
	char	   *name;

	if (OidIsValid(namespaceId))
		relid = get_relname_relid(var->relname, namespaceId);
	if (!OidIsValid(relid) || !catalog_table_is_known(relid))
		return;

	name = quote_qualified_identifier(var->schemaname, var->relname);
	if (var->location < 0 || strncmp(context->text + var->location, name, strlen(name)) != 0)
		elog(ERROR, "relation %s is not at byte %d of \"%s\"", name, var->location, context->text);
	push_hole(context, var->location, strlen(name), relid, var->alias != NULL);
}

/* the name in ON CONSTRAINT, at which the clause has its location */
static void
add_constraint_hole(HoleContext *context, const InsertStmt *insert)
{
	const InferClause *infer = insert->onConflictClause == NULL ? NULL :
		insert->onConflictClause->infer;
	const char *words = "ON CONSTRAINT ";
	const char *name;
	Oid			relid;

	if (infer == NULL || infer->conname == NULL)
		return;
	relid = RangeVarGetRelid(insert->relation, NoLock, false);
	if (!catalog_table_is_known(relid))
		return;
	name = quote_identifier(infer->conname);
	if (infer->location < 0 ||
		strncmp(context->text + infer->location, words, strlen(words)) != 0 ||
		strncmp(context->text + infer->location + strlen(words), name, strlen(name)) != 0)
		elog(ERROR, "constraint %s is not at byte %d of \"%s\"", name, infer->location,
			 context->text);
	push_hole(context, infer->location + strlen(words), strlen(name),
			  get_constraint_index(get_relation_constraint_oid(relid, infer->conname, false)),
			  true);
}

static bool
find_holes(Node *node, HoleContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) && ((RangeVar *) node)->schemaname != NULL)
		add_hole(context, (RangeVar *) node);
	if (IsA(node, InsertStmt))
		add_constraint_hole(context, (InsertStmt *) node);
	return raw_expression_tree_walker(node, find_holes, context);
}

static int
compare_holes(const void *a, const void *b)
{
	return ((const Hole *) a)->start - ((const Hole *) b)->start;
}

List *
deparse_parse_text(const char *text)
{
	bool		saved = standard_conforming_strings;
	List	   *statements;

	standard_conforming_strings = true;
	PG_TRY();
	{
		statements = raw_parser(text, RAW_PARSE_DEFAULT);
	}
	PG_FINALLY();
	{
		standard_conforming_strings = saved;
	}
	PG_END_TRY();
	return statements;
}

/* the statement's only raw parse tree */
static Node *
parse_text(const char *text)
{
	List	   *statements = deparse_parse_text(text);

	if (list_length(statements) != 1)
		elog(ERROR, "deparsed text is not one statement: \"%s\"", text);
	return linitial_node(RawStmt, statements)->stmt;
}

/* Cuts bytes [from, to) of the text into a template, without white space at its ends. */
static SqlTemplate *
cut_text(const HoleContext *context, int from, int to, const char *prefix)
{
	StringInfoData out;
	int		   *offsets = palloc(Max(context->nholes, 1) * sizeof(int));
	Oid		   *relids = palloc(Max(context->nholes, 1) * sizeof(Oid));
	int			nholes = 0;

	while (from < to && isspace((unsigned char) context->text[from]))
		from++;
	while (from < to && isspace((unsigned char) context->text[to - 1]))
		to--;
	initStringInfo(&out);
	appendStringInfoString(&out, prefix);
	for (int i = 0; i < context->nholes; i++)
	{
		const Hole *hole = &context->holes[i];

		if (hole->start < from || hole->start >= to)
			continue;
		appendBinaryStringInfo(&out, context->text + from, hole->start - from);
		offsets[nholes] = out.len;
		relids[nholes++] = hole->relid;
		if (!hole->aliased)
			appendStringInfo(&out, " AS %s", quote_identifier(get_rel_name(hole->relid)));
		from = hole->start + hole->length;
	}
	appendBinaryStringInfo(&out, context->text + from, to - from);
	return plan_template_make(out.data, nholes, offsets, relids);
}

/*
 * Prints the query (which is scribbled on) and finds its holes; returns the text's parse tree.
 * Expects the settings of deparse_settings_begin().
 */
static Node *
print_query(Query *query, HoleContext *context)
{
	Node	   *parsed;

	context->text = pg_get_querydef(query, false);
	context->capacity = 8;
	context->nholes = 0;
	context->holes = palloc(context->capacity * sizeof(Hole));
	parsed = parse_text(context->text);
	(void) find_holes(parsed, context);
	qsort(context->holes, context->nholes, sizeof(Hole), compare_holes);
	return parsed;
}

/* Takes AccessShareLock on the relations of the query, as parsing it does. */
SqlTemplate *
deparse_query_template(const Query *query, bool nameColumns)
{
	Query	   *adapted = deparse_query_adapt(query);
	int			level = deparse_settings_begin();
	HoleContext context;
	SqlTemplate *sql;

	if (nameColumns)
		deparse_query_name_columns(adapted);
	(void) print_query(adapted, &context);
	sql = cut_text(&context, 0, strlen(context.text), "");
	deparse_settings_end(level);
	return sql;
}

/* Replaces the values of the columns by marked parameters. */
static void
mark_values(Query *query, List *columns)
{
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	List	   *values = NIL;
	ListCell   *cell;

	foreach(cell, columns)
	{
		AttrNumber	attno = lfirst_int(cell);
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = MARK_PARAM + foreach_current_index(cell);
		get_atttypetypmodcoll(relid, attno, &param->paramtype, &param->paramtypmod,
							  &param->paramcollid);
		param->location = -1;
		values = lappend(values, makeTargetEntry((Expr *) param, attno,
												 get_attname(relid, attno, false), false));
	}
	query->targetList = values;
}

/* Where in the text the marked row "VALUES (...)" starts and ends. */
static void
find_values(const char *text, Node *parsed, int *start, int *end)
{
	SelectStmt *select = (SelectStmt *) castNode(InsertStmt, parsed)->selectStmt;
	const char *opening = "VALUES (";
	List	   *row;

	if (select == NULL || list_length(select->valuesLists) != 1)
		elog(ERROR, "\"%s\" does not insert one row of values", text);
	row = linitial(select->valuesLists);
	*start = linitial_node(ParamRef, row)->location - (int) strlen(opening);
	*end = llast_node(ParamRef, row)->location;
	if (*start < 0 || strncmp(text + *start, opening, strlen(opening)) != 0)
		elog(ERROR, "values not found in \"%s\"", text);
	*end += strcspn(text + *end, ")") + 1;
}

/* The same of "DEFAULT VALUES", which stand where a row of no columns is inserted. */
static void
find_default_values(const char *text, Node *parsed, int *start, int *end)
{
	const char *words = "DEFAULT VALUES";
	const char *place = text + castNode(InsertStmt, parsed)->relation->location;
	bool		quoted = false;

	for (; *place != '\0' && (quoted || strncmp(place, words, strlen(words)) != 0); place++)
	{
		if (*place == '"')
			quoted = !quoted;
	}
	if (*place == '\0')
		elog(ERROR, "no DEFAULT VALUES in \"%s\"", text);
	*start = place - text;
	*end = *start + strlen(words);
}

void
deparse_insert_templates(const Query *query, List *columns, SqlTemplate **head,
						 SqlTemplate **tail)
{
	Query	   *adapted = deparse_query_adapt(query);
	int			level = deparse_settings_begin();
	HoleContext context;
	Node	   *parsed;
	int			start;
	int			end;

	Assert(query->commandType == CMD_INSERT);
	mark_values(adapted, columns);
	parsed = print_query(adapted, &context);
	if (columns == NIL)
		find_default_values(context.text, parsed, &start, &end);
	else
		find_values(context.text, parsed, &start, &end);
	*head = cut_text(&context, 0, start, "");
	*tail = cut_text(&context, end, strlen(context.text), " ");
	deparse_settings_end(level);
}


/* ---- parameters replaced ---- */

typedef struct ParamContext
{
	const char *const *replacements;
	int			n;
	HoleContext places;			/* of parameters; relid is the number */
} ParamContext;

static bool
find_params(Node *node, ParamContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
	{
		const ParamRef *param = (ParamRef *) node;

		if (param->number > 0 && param->number <= context->n &&
			context->replacements[param->number - 1] != NULL)
			push_hole(&context->places, param->location,
					  strspn(context->places.text + param->location + 1, "0123456789") + 1,
					  param->number, true);
	}
	return raw_expression_tree_walker(node, find_params, context);
}

/* the text with a name of one letter in each hole, so that it can be parsed */
static char *
fill_with_letters(const SqlTemplate *sql)
{
	StringInfoData out;
	int			from = 0;

	initStringInfo(&out);
	for (int i = 0; i < sql->nholes; i++)
	{
		appendBinaryStringInfo(&out, sql->text + from, sql->holes[i] - from);
		appendStringInfoChar(&out, 'x');
		from = sql->holes[i];
	}
	appendStringInfoString(&out, sql->text + from);
	return out.data;
}

SqlTemplate *
deparse_template_replace_params(const SqlTemplate *sql, const char *const *replacements, int n)
{
	ParamContext context = {replacements, n, {fill_with_letters(sql)}};
	HoleContext *places = &context.places;
	int		   *offsets = palloc(Max(sql->nholes, 1) * sizeof(int));
	int			from = 0;
	int			nholes = 0;
	StringInfoData out;

	places->capacity = 8;
	places->holes = palloc(places->capacity * sizeof(Hole));
	(void) find_params(parse_text(places->text), &context);
	for (int i = 0; i < sql->nholes; i++)
		push_hole(places, sql->holes[i] + i, 1, InvalidOid, true);
	qsort(places->holes, places->nholes, sizeof(Hole), compare_holes);

	initStringInfo(&out);
	for (int i = 0; i < places->nholes; i++)
	{
		const Hole *place = &places->holes[i];

		appendBinaryStringInfo(&out, places->text + from, place->start - from);
		if (OidIsValid(place->relid))
			appendStringInfoString(&out, replacements[place->relid - 1]);
		else
			offsets[nholes++] = out.len;
		from = place->start + place->length;
	}
	appendStringInfoString(&out, places->text + from);
	return plan_template_make(out.data, nholes, offsets, sql->relids);
}


/* ---- filling ---- */

/* invalid: the relation is none */
static Oid
table_of_index(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ?
		IndexGetRelation(relid, false) : InvalidOid;
}

static const Shard *
find_shard(Oid relid, int shardIndex)
{
	const DistTable *table = catalog_table_get(relid);

	if (table == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u is not distributed any more", relid));
	if (table->kind == DIST_TABLE_REFERENCE || !DIST_TABLE_HAS_KEY(table))
		shardIndex = 0;
	if (shardIndex < 0 || shardIndex >= table->nshards)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" has no shard %d", get_rel_name(relid), shardIndex));
	return table->shards[shardIndex];
}

/* the name of a shard, or of a constraint whose index is given on one */
static char *
shard_name(Oid relid, int shardIndex)
{
	Oid			indexed = catalog_table_is_known(relid) ? InvalidOid : table_of_index(relid);
	const Shard *shard = find_shard(OidIsValid(indexed) ? indexed : relid, shardIndex);

	if (!OidIsValid(indexed))
		return catalog_shard_qualified_name(shard);
	return pstrdup(quote_identifier(catalog_extend_name(get_rel_name(relid), shard->id)));
}

static char *
shell_name(Oid relid, int shardIndex)
{
	if (OidIsValid(table_of_index(relid)))
		return pstrdup(quote_identifier(get_rel_name(relid)));
	return catalog_qualified_name(relid);
}

static char *
fill(const SqlTemplate *sql, char *(*name_of) (Oid relid, int shardIndex), int shardIndex)
{
	int			length = strlen(sql->text);
	int			from = 0;
	char	   *name = NULL;
	StringInfoData out;

	out.data = palloc(length + sql->nholes * 2 * NAMEDATALEN + 1);
	out.maxlen = length + sql->nholes * 2 * NAMEDATALEN + 1;
	resetStringInfo(&out);
	for (int i = 0; i < sql->nholes; i++)
	{
		if (i == 0 || sql->relids[i] != sql->relids[i - 1])
			name = name_of(sql->relids[i], shardIndex);
		appendBinaryStringInfo(&out, sql->text + from, sql->holes[i] - from);
		appendStringInfoString(&out, name);
		from = sql->holes[i];
	}
	appendBinaryStringInfo(&out, sql->text + from, length - from);
	return out.data;
}

/* Raises 42P01 or 55000 when the catalog has changed so much that the template has no sense. */
char *
deparse_template_fill(const SqlTemplate *sql, int shardIndex)
{
	return fill(sql, shard_name, shardIndex);
}

char *
deparse_template_fill_shells(const SqlTemplate *sql)
{
	return fill(sql, shell_name, 0);
}
