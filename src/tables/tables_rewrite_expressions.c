/*
 * tables_rewrite_expressions.c
 *	  Raw expressions of a shell (checks, policies, indexes, defaults) for one of its shards.
 *
 * Columns that are qualified by the shell's name are by the shard's; the shell's rows and tableoid,
 * which are the shard's there, are made the shell's again.  session_user, which on another node is
 * whoever has logged in there, becomes a function that knows the client's: checks of shards are
 * computed without being planned, and so without planner_caller.c.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "tables/tables_rewrite_internal.h"

/* a table whose rows no other table shares: the tableoid of them all is one */
static bool
stands_alone(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_RELATION && !get_rel_relispartition(relid) &&
		!has_superclass(relid) && !has_subclass(relid);
}

/* the tableoid of the statement's own rows, not of those that a sub-select reads */
static bool
is_own_tableoid(Rewrite *rewrite, const ColumnRef *ref)
{
	Node	   *last = llast(ref->fields);

	if (rewrite->subSelects > 0 || !IsA(last, String) || strcmp(strVal(last), "tableoid") != 0)
		return false;
	return stands_alone(rewrite->shard->relid);
}

static Node *
make_cast(Node *node, TypeName *type)
{
	TypeCast   *cast = makeNode(TypeCast);

	cast->arg = node;
	cast->typeName = type;
	cast->location = -1;
	return (Node *) cast;
}

/*
 * Raw trees can only be changed in place: an indirection without subscripts takes no more room than
 * a column.
 */
static void
replace_column(ColumnRef *ref, Node *node)
{
	A_Indirection *wrapper = (A_Indirection *) ref;

	StaticAssertStmt(sizeof(A_Indirection) <= sizeof(ColumnRef), "no room for an A_Indirection");
	memset(wrapper, 0, sizeof(A_Indirection));
	wrapper->type = T_A_Indirection;
	wrapper->arg = node;
}

/* 'the shell'::regclass::oid in place of tableoid, which would be the shard's */
static void
replace_tableoid(Rewrite *rewrite, ColumnRef *ref)
{
	A_Const    *name = makeNode(A_Const);

	name->val.sval.type = T_String;
	name->val.sval.sval = catalog_qualified_name(rewrite->shard->relid);
	name->location = -1;
	replace_column(ref, make_cast(make_cast((Node *) name, SystemTypeName("regclass")),
								  SystemTypeName("oid")));
}

/* t.* or t, where that is no column */
static bool
is_own_row(Rewrite *rewrite, const ColumnRef *ref)
{
	int			length = list_length(ref->fields);
	Node	   *name = linitial(ref->fields);

	if (rewrite->oldName == NULL)
		return false;
	if (IsA(llast(ref->fields), A_Star) && length > 1)
		name = list_nth(ref->fields, length - 2);
	else if (length > 1 || rewrite->subSelects > 0 ||
			 get_attnum(rewrite->shard->relid, rewrite->oldName) != InvalidAttrNumber)
		return false;
	return IsA(name, String) && strcmp(strVal(name), rewrite->oldName) == 0;
}

/*
 * The shard's row as one of the shell, whose type the user's functions take.  By way of text, which
 * goes on to be right when the table gets other columns.
 */
static void
replace_row(Rewrite *rewrite, ColumnRef *ref)
{
	Oid			relid = rewrite->shard->relid;
	ColumnRef  *row = makeNode(ColumnRef);
	List	   *type = list_make2(makeString(get_namespace_name(get_rel_namespace(relid))),
								  makeString(get_rel_name(relid)));

	row->fields = list_make1(makeString(tables_extended_name(rewrite, rewrite->oldName)));
	row->location = -1;
	replace_column(ref, make_cast(make_cast((Node *) row, SystemTypeName("text")),
								  makeTypeNameFromNameList(type)));
}

/* ROW(t.*), SELECT t.*: columns, not a row */
static bool
is_expanded(Node *node)
{
	return node != NULL && IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), A_Star);
}

static void
extend_qualifier(Rewrite *rewrite, ColumnRef *ref)
{
	int			position = list_length(ref->fields) - 2;

	if (position >= 0 && rewrite->oldName != NULL &&
		IsA(list_nth(ref->fields, position), String) &&
		strcmp(strVal(list_nth(ref->fields, position)), rewrite->oldName) == 0)
		lfirst(list_nth_cell(ref->fields, position)) =
			makeString(tables_extended_name(rewrite, rewrite->oldName));
}

static void
take_session_user(Node **node)
{
	if (*node == NULL || !IsA(*node, SQLValueFunction) ||
		((SQLValueFunction *) *node)->op != SVFOP_SESSION_USER)
		return;
	*node = (Node *) makeFuncCall(list_make2(makeString("citus_internal"),
											 makeString("client_session_user")),
								  NIL, COERCE_EXPLICIT_CALL, -1);
}

/* in what the node has directly below it: of lists, each is visited as such */
static void
take_session_users(Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_List:
			foreach(lc, (List *) node)
				take_session_user((Node **) &lfirst(lc));
			break;
		case T_A_Expr:
			take_session_user(&((A_Expr *) node)->lexpr);
			take_session_user(&((A_Expr *) node)->rexpr);
			break;
		case T_TypeCast:
			take_session_user(&((TypeCast *) node)->arg);
			break;
		case T_CollateClause:
			take_session_user(&((CollateClause *) node)->arg);
			break;
		case T_A_Indirection:
			take_session_user(&((A_Indirection *) node)->arg);
			break;
		case T_NullTest:
			take_session_user((Node **) &((NullTest *) node)->arg);
			break;
		case T_NamedArgExpr:
			take_session_user((Node **) &((NamedArgExpr *) node)->arg);
			break;
		case T_CaseExpr:
			take_session_user((Node **) &((CaseExpr *) node)->arg);
			take_session_user((Node **) &((CaseExpr *) node)->defresult);
			break;
		case T_CaseWhen:
			take_session_user((Node **) &((CaseWhen *) node)->expr);
			take_session_user((Node **) &((CaseWhen *) node)->result);
			break;
		case T_SubLink:
			take_session_user(&((SubLink *) node)->testexpr);
			break;
		case T_ResTarget:
			take_session_user(&((ResTarget *) node)->val);
			break;
		default:
			break;
	}
}

bool
tables_extend_whole(Node **node, Rewrite *rewrite)
{
	take_session_user(node);
	return tables_extend_expression(*node, rewrite);
}

bool
tables_extend_expression(Node *node, Rewrite *rewrite)
{
	bool		result;
	ListCell   *lc;

	if (node == NULL)
		return false;
	take_session_users(node);
	if (IsA(node, ColumnRef) && is_own_tableoid(rewrite, (ColumnRef *) node))
	{
		replace_tableoid(rewrite, (ColumnRef *) node);
		return false;
	}
	if (IsA(node, ColumnRef) && is_own_row(rewrite, (ColumnRef *) node))
	{
		replace_row(rewrite, (ColumnRef *) node);
		return false;
	}
	if (IsA(node, ColumnRef))
	{
		extend_qualifier(rewrite, (ColumnRef *) node);
		return false;
	}
	if (IsA(node, ResTarget) && is_expanded(((ResTarget *) node)->val))
	{
		extend_qualifier(rewrite, (ColumnRef *) ((ResTarget *) node)->val);
		return false;
	}
	if (IsA(node, RowExpr))
	{
		foreach(lc, ((RowExpr *) node)->args)
		{
			if (is_expanded(lfirst(lc)))
				extend_qualifier(rewrite, lfirst(lc));
			else
				(void) tables_extend_expression(lfirst(lc), rewrite);
		}
		return false;
	}
	if (IsA(node, RangeVar))
	{
		RangeVar   *relation = (RangeVar *) node;
		char	   *alias = relation->relname;

		/* a common table expression, as all relations are there */
		if (!OidIsValid(tables_resolve_name(relation)))
			return false;
		if (tables_extend_relation(rewrite, relation) != NULL && relation->alias == NULL)
			relation->alias = makeAlias(alias, NIL);
		return false;
	}
	rewrite->subSelects += IsA(node, SelectStmt);
	result = raw_expression_tree_walker(node, tables_extend_expression, rewrite);
	rewrite->subSelects -= IsA(node, SelectStmt);
	return result;
}

bool
tables_uses_sequence(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		String	   *name = llast_node(String, ((FuncCall *) node)->funcname);

		if (strcmp(strVal(name), "nextval") == 0)
			return true;
	}
	return raw_expression_tree_walker(node, tables_uses_sequence, context);
}
