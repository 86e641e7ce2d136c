/*
 * tables_names.c
 *	  Names for what a statement leaves unnamed, chosen before it runs.
 *
 * The shell and all shards must agree on the stem of every name, so the planning node chooses it,
 * as the server would have: table_column_label, cut to fit, with a number while it is taken.
 * tables_rewrite.c meets the unnamed things in the same order.
 *
 * Main path: tables_choose_names().
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_target.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "citus/tables/tables.h"

/* Naming: the table, and the names given so far */
typedef struct Naming
{
	Oid			relid;
	Oid			schemaId;
	const char *relationName;
	List	   *names;
} Naming;

static bool
is_taken(Naming *naming, const char *name, bool constraint)
{
	ListCell   *lc;

	foreach(lc, naming->names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	if (OidIsValid(get_relname_relid(name, naming->schemaId)))
		return true;
	return constraint && ConstraintNameExists(name, naming->schemaId);
}

/* table[_middle]_label, with the first free number behind label */
static char *
choose(Naming *naming, const char *middle, const char *label, bool constraint)
{
	char		numbered[NAMEDATALEN];

	strlcpy(numbered, label, sizeof(numbered));
	for (int pass = 1;; pass++)
	{
		char	   *name = makeObjectName(naming->relationName, middle, numbered);

		if (!is_taken(naming, name, constraint))
		{
			naming->names = lappend(naming->names, name);
			return name;
		}
		snprintf(numbered, sizeof(numbered), "%s%d", label, pass);
	}
}

/* columns joined by "_", as long as a name may be */
static char *
join_names(List *columns)
{
	StringInfoData joined;
	ListCell   *lc;

	initStringInfo(&joined);
	foreach(lc, columns)
	{
		if (joined.len > 0)
			appendStringInfoChar(&joined, '_');
		appendStringInfoString(&joined, strVal(lfirst(lc)));
		if (joined.len >= NAMEDATALEN)
			break;
	}
	return joined.data;
}

/* names of index columns: the column's, or what the expression would be called; made distinct */
static List *
index_column_names(List *elements)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, elements)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		char	   *stem = element->indexcolname;
		char	   *name;

		if (stem == NULL && element->name == NULL)
			stem = FigureIndexColname(element->expr);
		if (stem == NULL)
			stem = element->name != NULL ? element->name : "expr";
		name = stem;
		for (int i = 1; list_member(names, makeString(name)); i++)
			name = psprintf("%.*s%d", NAMEDATALEN - 12, stem, i);
		names = lappend(names, makeString(name));
	}
	return names;
}

/* the one column that a check reads; NULL if it reads none or several, as the server names it */
static bool
find_single_column(Node *node, char **column)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(((ColumnRef *) node)->fields);

		if (!IsA(last, String))
			return true;
		if (*column != NULL && strcmp(*column, strVal(last)) != 0)
			return true;
		*column = strVal(last);
		return false;
	}
	return raw_expression_tree_walker(node, find_single_column, column);
}

static char *
single_column(Node *expression)
{
	char	   *column = NULL;

	return find_single_column(expression, &column) ? NULL : column;
}

/* columnName: of the column definition that the constraint is part of, or NULL */
static void
name_constraint(Naming *naming, Constraint *constraint, char *columnName)
{
	List	   *column = columnName ? list_make1(makeString(columnName)) : NIL;
	List	   *elements = NIL;
	ListCell   *lc;

	if (constraint->conname != NULL)
		return;
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			constraint->conname = choose(naming, single_column(constraint->raw_expr), "check",
										 true);
			break;
		case CONSTR_PRIMARY:
			constraint->conname = choose(naming, NULL, "pkey", true);
			break;
		case CONSTR_UNIQUE:
			constraint->conname = choose(naming,
										 join_names(list_concat_copy(constraint->keys ?
																	 constraint->keys : column,
																	 constraint->including)),
										 "key", true);
			break;
		case CONSTR_EXCLUSION:
			foreach(lc, constraint->exclusions)
				elements = lappend(elements, linitial(lfirst_node(List, lc)));
			constraint->conname = choose(naming,
										 join_names(list_concat(index_column_names(elements),
																constraint->including)),
										 "excl", true);
			break;
		case CONSTR_FOREIGN:
			constraint->conname = choose(naming,
										 join_names(constraint->fk_attrs ? constraint->fk_attrs :
													column),
										 "fkey", true);
			break;
		default:
			break;
	}
}

/* PRIMARY KEY or UNIQUE USING INDEX without a name takes the index's */
static void
name_by_index(Naming *naming, Constraint *constraint)
{
	if (constraint->conname == NULL && constraint->indexname != NULL)
	{
		constraint->conname = pstrdup(constraint->indexname);
		naming->names = lappend(naming->names, constraint->conname);
	}
}

static void
name_alter_table(Naming *naming, AlterTableStmt *alter)
{
	ListCell   *lc;
	ListCell   *inner;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn)
		{
			ColumnDef  *column = castNode(ColumnDef, cmd->def);

			foreach(inner, column->constraints)
				name_constraint(naming, lfirst_node(Constraint, inner), column->colname);
		}
		else if (cmd->subtype == AT_AddConstraint)
		{
			Constraint *constraint = castNode(Constraint, cmd->def);

			name_by_index(naming, constraint);
			name_constraint(naming, constraint, NULL);
		}
	}
}

static void
name_index(Naming *naming, IndexStmt *index)
{
	List	   *elements = list_concat_copy(index->indexParams, index->indexIncludingParams);

	if (index->idxname == NULL)
		index->idxname = choose(naming, join_names(index_column_names(elements)), "idx", false);
}

static void
name_statistics(Naming *naming, CreateStatsStmt *create)
{
	List	   *columns = NIL;
	ListCell   *lc;
	char	   *name;

	if (create->defnames != NIL)
		return;
	foreach(lc, create->exprs)
	{
		StatsElem  *element = lfirst_node(StatsElem, lc);

		columns = lappend(columns, makeString(element->name ? element->name : "expr"));
	}
	name = choose(naming, join_names(columns), "stat", false);
	create->defnames = list_make1(makeString(name));
}

List *
tables_choose_names(Node *statement, Oid relid)
{
	Naming		naming = {
		.relid = relid,
		.schemaId = get_rel_namespace(relid),
		.relationName = get_rel_name(relid),
	};

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			name_alter_table(&naming, (AlterTableStmt *) statement);
			break;
		case T_IndexStmt:
			name_index(&naming, (IndexStmt *) statement);
			break;
		case T_CreateStatsStmt:
			name_statistics(&naming, (CreateStatsStmt *) statement);
			break;
		default:
			break;
	}
	return naming.names;
}
