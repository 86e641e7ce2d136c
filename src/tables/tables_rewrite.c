/*
 * tables_rewrite.c
 *	  Statements about a shell -> the same statements about one of its shards.
 *
 * A raw parse tree is changed in place.  Every name of a relation, index, constraint or
 * statistics object that belongs to the shell gets the shard's id; names of other known tables get
 * the id of their shard that stands beside this one; all other names stay.  What a shard does not
 * have (sequences, identity) is taken out.
 *
 * Invariants: (1) a name that cannot be resolved belongs to the shell: the statement creates it,
 * or the shell has been altered first; (2) names for unnamed things are consumed in the order in
 * which tables_names.c meets them: both walk a statement in the same order.
 *
 * Main path: tables_extend_names(), a table of rewriters by statement kind.
 *
 * Not here: executing the result (tables_shard_ddl.c), choosing names (tables_names.c).
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* Rewrite: one statement being rewritten for one shard */
typedef struct Rewrite
{
	const Shard *shard;
	List	  **names;			/* chosen names that are left */
	char	   *oldName;		/* the shell's name as the statement has it, or NULL */
	const TableFills *fills;	/* what replaces expressions of columns, or NULL */
	List	   *after;			/* AlterTableCmds that undo that for later rows */
	int			subSelects;		/* how many are around the expression */
} Rewrite;

/* false: nothing is left to execute */
typedef bool (*Rewriter) (Rewrite *rewrite, Node *statement);

/* ---- names ---- */

static char *
extended(Rewrite *rewrite, const char *name)
{
	return catalog_extend_name(name, rewrite->shard->id);
}

/* gives an unnamed thing its chosen name; false when there is none */
static bool
find_name(Rewrite *rewrite, char **name)
{
	if (*name != NULL)
		return true;
	if (*rewrite->names == NIL)
		return false;
	*name = linitial(*rewrite->names);
	*rewrite->names = list_delete_first(*rewrite->names);
	return true;
}

static void
extend_or_name(Rewrite *rewrite, char **name)
{
	if (find_name(rewrite, name))
		*name = extended(rewrite, *name);
}

/*
 * The shard whose id goes to the name of relid: this one for the shell and for what does not
 * exist here, the neighbour for another known table, NULL for anything else.
 */
static const Shard *
shard_beside(Rewrite *rewrite, Oid relid)
{
	const DistTable *other;
	char		relkind;

	if (!OidIsValid(relid))
		return rewrite->shard;

	relkind = get_rel_relkind(relid);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	if (relid == rewrite->shard->relid)
		return rewrite->shard;

	other = catalog_table_get(relid);
	if (other == NULL || other->nshards == 0)
		return NULL;
	if (DIST_TABLE_HAS_KEY(other))
		return rewrite->shard->index < other->nshards ?
			other->shards[rewrite->shard->index] : NULL;
	return other->shards[0];
}

/* the relation that a name means now, without locks; InvalidOid when there is none */
static Oid
resolve(RangeVar *name)
{
	return RangeVarGetRelid(name, NoLock, true);
}

static void
extend_with(RangeVar *name, Oid relid, const Shard *shard)
{
	if (OidIsValid(relid) && name->schemaname == NULL)
		name->schemaname = get_namespace_name(get_rel_namespace(relid));
	name->relname = catalog_extend_name(name->relname, shard->id);
}

/*
 * A relation that the statement refers to: gets its own shard's id; NULL when the name stays as it
 * is.
 */
static const Shard *
extend_relation(Rewrite *rewrite, RangeVar *name)
{
	Oid			relid = resolve(name);
	const Shard *shard = shard_beside(rewrite, relid);

	if (shard != NULL)
		extend_with(name, relid, shard);
	return shard;
}

/*
 * The relation that the statement is about, a shell or an index of one: always gets this shard's
 * id, also when the name by now means something else further down the search_path.  Columns
 * qualified by its name are rewritten later.
 */
static void
extend_subject(Rewrite *rewrite, RangeVar *name)
{
	Oid			relid = resolve(name);

	if (shard_beside(rewrite, relid) != rewrite->shard)
		relid = InvalidOid;
	rewrite->oldName = name->relname;
	extend_with(name, relid, rewrite->shard);
}

/* the topmost known parent of a partition or child that has a constraint of this name */
static Oid
constraint_origin(Oid relid, const char *name)
{
	List	   *parents = get_rel_relispartition(relid)
		? list_make1_oid(get_partition_parent(relid, true)) : deparse_parents(relid);
	ListCell   *lc;

	foreach(lc, parents)
	{
		Oid			parentId = lfirst_oid(lc);

		if (catalog_table_is_known(parentId) &&
			OidIsValid(get_relation_constraint_oid(parentId, name, true)))
			return constraint_origin(parentId, name);
	}
	return relid;
}

/*
 * Partitions and children have the check constraints of their parent under the same name, which on
 * shards is the name in the parent's shard.
 */
static char *
extended_constraint(Rewrite *rewrite, const char *name)
{
	Oid			relid = constraint_origin(rewrite->shard->relid, name);

	return catalog_extend_name(name, shard_beside(rewrite, relid)->id);
}

char *
tables_constraint_name(const Shard *shard, const char *name)
{
	Rewrite		rewrite = {.shard = shard};

	return extended_constraint(&rewrite, name);
}

/*
 * A constraint that exists already.  Since PostgreSQL 18 NOT NULL is one, and where nobody named
 * it, each shard's is named after the shard.
 */
static char *
extended_existing_constraint(Rewrite *rewrite, const char *name)
{
	char	   *result = extended_constraint(rewrite, name);
	char	   *shardName = catalog_shard_relname(rewrite->shard);
	Oid			relid = get_relname_relid(shardName, get_rel_namespace(rewrite->shard->relid));
	size_t		prefix = strlen(rewrite->oldName) + 1;
	size_t		suffix = strlen("_not_null");
	size_t		length = strlen(name);
	char	   *generated;

	if (!OidIsValid(relid) || OidIsValid(get_relation_constraint_oid(relid, result, true)) ||
		length <= prefix + suffix || strncmp(name, rewrite->oldName, prefix - 1) != 0 ||
		strcmp(name + length - suffix, "_not_null") != 0)
		return result;
	generated = makeObjectName(shardName, pnstrdup(name + prefix, length - prefix - suffix),
							   "not_null");
	return OidIsValid(get_relation_constraint_oid(relid, generated, true)) ? generated : result;
}

/* the same for a name that is a List of String; the new list */
static List *
extend_subject_list(Rewrite *rewrite, List *names)
{
	RangeVar   *name = makeRangeVarFromNameList(names);
	List	   *result = NIL;

	extend_subject(rewrite, name);
	if (name->catalogname != NULL)
		result = lappend(result, makeString(name->catalogname));
	if (name->schemaname != NULL)
		result = lappend(result, makeString(name->schemaname));
	return lappend(result, makeString(name->relname));
}

/* extends the last part of a List of String that is not a relation (statistics objects) */
static void
extend_last(Rewrite *rewrite, List *names)
{
	String	   *last = llast_node(String, names);

	strVal(last) = extended(rewrite, strVal(last));
}

/*
 * (relation ..., name): extends the relation, and the name too where such names are per schema or
 * are told apart by shard.
 */
static List *
extend_member(Rewrite *rewrite, List *names, bool extendMember)
{
	String	   *member = llast_node(String, names);
	List	   *relation = list_truncate(list_copy(names), list_length(names) - 1);

	if (relation != NIL)
		relation = extend_subject_list(rewrite, relation);
	if (extendMember)
		strVal(member) = extended(rewrite, strVal(member));
	return lappend(relation, member);
}

/* ---- expressions ---- */

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

	row->fields = list_make1(makeString(extended(rewrite, rewrite->oldName)));
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
			makeString(extended(rewrite, rewrite->oldName));
}

/* walker: columns qualified by the shell's name, its rows, and relations in sub-selects */
static bool
extend_expression(Node *node, Rewrite *rewrite)
{
	bool		result;
	ListCell   *lc;

	if (node == NULL)
		return false;
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
				(void) extend_expression(lfirst(lc), rewrite);
		}
		return false;
	}
	if (IsA(node, RangeVar))
	{
		RangeVar   *relation = (RangeVar *) node;
		char	   *alias = relation->relname;

		/* a common table expression, as all relations are there */
		if (!OidIsValid(resolve(relation)))
			return false;
		if (extend_relation(rewrite, relation) != NULL && relation->alias == NULL)
			relation->alias = makeAlias(alias, NIL);
		return false;
	}
	rewrite->subSelects += IsA(node, SelectStmt);
	result = raw_expression_tree_walker(node, extend_expression, rewrite);
	rewrite->subSelects -= IsA(node, SelectStmt);
	return result;
}

/* true for a raw expression that draws from a sequence */
static bool
uses_sequence(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		String	   *name = llast_node(String, ((FuncCall *) node)->funcname);

		if (strcmp(strVal(name), "nextval") == 0)
			return true;
	}
	return raw_expression_tree_walker(node, uses_sequence, context);
}

/* ---- constraints and columns ---- */

/*
 * False when the constraint is not for this node's shard: the referenced table has no copy here
 * (a reference table pointing to a managed local one).
 */
static bool
extend_referenced_table(Rewrite *rewrite, RangeVar *referenced)
{
	const Shard *shard = extend_relation(rewrite, referenced);

	if (shard == NULL || shard == rewrite->shard)
		return true;
	for (int i = 0; i < shard->nplacements; i++)
	{
		if (shard->placements[i].groupId == catalog_local_group())
			return true;
	}
	return false;
}

/* consumes names as tables_names.c does; false when the shard does without the constraint */
static bool
extend_constraint(Rewrite *rewrite, Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (find_name(rewrite, &constraint->conname))
				constraint->conname = extended_constraint(rewrite, constraint->conname);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
		case CONSTR_FOREIGN:
			extend_or_name(rewrite, &constraint->conname);
			break;
		default:
			if (constraint->conname != NULL)
				constraint->conname = extended(rewrite, constraint->conname);
			break;
	}

	if (constraint->contype == CONSTR_DEFAULT && uses_sequence(constraint->raw_expr, NULL))
		return false;
	if (constraint->contype == CONSTR_FOREIGN)
		tables_leave_actions_on_key(rewrite->shard->relid, constraint);
	if (constraint->contype == CONSTR_FOREIGN &&
		!extend_referenced_table(rewrite, constraint->pktable))
		return false;
	if (constraint->contype == CONSTR_IDENTITY)
	{
		/* the planning node computes the values; what remains is that they are not null */
		constraint->contype = CONSTR_NOTNULL;
		constraint->options = NIL;
		constraint->generated_when = '\0';
		constraint->initially_valid = true;
	}

	if (constraint->indexname != NULL)
		constraint->indexname = extended(rewrite, constraint->indexname);
	extend_expression(constraint->raw_expr, rewrite);
	extend_expression(constraint->where_clause, rewrite);
	extend_expression((Node *) constraint->exclusions, rewrite);
	return true;
}

static List *
extend_constraints(Rewrite *rewrite, List *constraints)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (extend_constraint(rewrite, constraint))
			kept = lappend(kept, constraint);
	}
	return kept;
}

/* serial and its kin become the integer type they stand for, NOT NULL */
static void
replace_serial_type(ColumnDef *column)
{
	static const struct
	{
		const char *serial;
		const char *plain;
	}			types[] = {
		{"smallserial", "int2"}, {"serial2", "int2"},
		{"serial", "int4"}, {"serial4", "int4"},
		{"bigserial", "int8"}, {"serial8", "int8"},
	};
	const char *name;

	if (column->typeName == NULL || list_length(column->typeName->names) != 1 ||
		column->typeName->pct_type)
		return;
	name = strVal(linitial(column->typeName->names));
	for (int i = 0; i < lengthof(types); i++)
	{
		if (strcmp(name, types[i].serial) == 0)
		{
			Constraint *notNull = makeNode(Constraint);

			notNull->contype = CONSTR_NOTNULL;
			notNull->location = -1;
			notNull->initially_valid = true;
			column->typeName = SystemTypeName(pstrdup(types[i].plain));
			column->constraints = lappend(column->constraints, notNull);
			return;
		}
	}
}

static void
extend_column(Rewrite *rewrite, ColumnDef *column)
{
	replace_serial_type(column);
	if (uses_sequence(column->raw_default, NULL))
		column->raw_default = NULL;
	extend_expression(column->raw_default, rewrite);
	column->constraints = extend_constraints(rewrite, column->constraints);
}

/*
 * A new column gives rows that are there the expression that fills say, and later ones what
 * remains of its default.
 */
static void
fill_column(Rewrite *rewrite, ColumnDef *column)
{
	Node	   *expression = tables_fill_expression(rewrite->fills, column->colname);
	Constraint *constraint = makeNode(Constraint);
	AlterTableCmd *after = makeNode(AlterTableCmd);
	List	   *kept = NIL;
	ListCell   *lc;

	if (expression == NULL)
		return;
	after->subtype = AT_ColumnDefault;
	after->name = column->colname;
	foreach(lc, column->constraints)
	{
		Constraint *other = lfirst_node(Constraint, lc);

		if (other->contype == CONSTR_DEFAULT)
			after->def = other->raw_expr;
		else
			kept = lappend(kept, other);
	}
	constraint->contype = CONSTR_DEFAULT;
	constraint->location = -1;
	constraint->raw_expr = expression;
	column->constraints = lappend(kept, constraint);
	rewrite->after = lappend(rewrite->after, after);
}

static void
extend_new_type(Rewrite *rewrite, const char *name, ColumnDef *column)
{
	Node	   *expression = tables_fill_expression(rewrite->fills, name);

	if (expression != NULL)
		column->raw_default = expression;
	else
		extend_expression(column->raw_default, rewrite);
}

static void
extend_index_elements(Rewrite *rewrite, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
		extend_expression(lfirst_node(IndexElem, lc)->expr, rewrite);
}

/* ---- tables ---- */

static bool
rewrite_create_table(Rewrite *rewrite, Node *node)
{
	CreateStmt *create = (CreateStmt *) node;
	List	   *elements = NIL;
	ListCell   *lc;

	extend_subject(rewrite, create->relation);
	foreach(lc, create->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			extend_column(rewrite, (ColumnDef *) element);
		else if (IsA(element, Constraint) && !extend_constraint(rewrite, (Constraint *) element))
			continue;
		elements = lappend(elements, element);
	}
	create->tableElts = elements;
	create->constraints = extend_constraints(rewrite, create->constraints);
	foreach(lc, create->inhRelations)
		extend_relation(rewrite, lfirst_node(RangeVar, lc));
	if (create->partspec != NULL)
	{
		foreach(lc, create->partspec->partParams)
			extend_expression(lfirst_node(PartitionElem, lc)->expr, rewrite);
	}
	return true;
}

static bool
rewrite_create_foreign_table(Rewrite *rewrite, Node *node)
{
	return rewrite_create_table(rewrite, (Node *) &((CreateForeignTableStmt *) node)->base);
}

/*
 * A copy of a reference table lacks the foreign keys to managed local tables, which only the
 * coordinator's can have.
 */
static bool
copy_lacks_constraint(Rewrite *rewrite, const char *name)
{
	const Shard *shard = rewrite->shard;
	Oid			relid = get_relname_relid(catalog_shard_relname(shard),
										  get_rel_namespace(shard->relid));

	return shard->nplacements > 1 && !catalog_is_coordinator() && OidIsValid(relid) &&
		!OidIsValid(get_relation_constraint_oid(relid, name, true));
}

/* one subcommand of ALTER TABLE; false when a shard does without it */
static bool
rewrite_subcommand(Rewrite *rewrite, AlterTableCmd *cmd)
{
	switch ((int) cmd->subtype)
	{
		case AT_AddColumn:
			extend_column(rewrite, castNode(ColumnDef, cmd->def));
			fill_column(rewrite, castNode(ColumnDef, cmd->def));
			break;
		case AT_ColumnDefault:
			if (uses_sequence(cmd->def, NULL))
				cmd->def = NULL;
			extend_expression(cmd->def, rewrite);
			break;
		case COMPAT_AT_SET_EXPRESSION:
			extend_expression(cmd->def, rewrite);
			break;
		case AT_AlterColumnType:
			extend_new_type(rewrite, cmd->name, castNode(ColumnDef, cmd->def));
			break;
		case AT_AddConstraint:
			return extend_constraint(rewrite, castNode(Constraint, cmd->def));
		case AT_AlterConstraint:
			{
				char	  **name = compat_alter_constraint_name(cmd);

				*name = extended_existing_constraint(rewrite, *name);
				return !copy_lacks_constraint(rewrite, *name);
			}
		case AT_ValidateConstraint:
		case AT_DropConstraint:
			cmd->name = extended_existing_constraint(rewrite, cmd->name);
			return !copy_lacks_constraint(rewrite, cmd->name);
		case AT_ClusterOn:
			cmd->name = extended(rewrite, cmd->name);
			break;
		case AT_AddInherit:
		case AT_DropInherit:
			extend_relation(rewrite, castNode(RangeVar, cmd->def));
			break;
		case AT_ReplicaIdentity:
			{
				ReplicaIdentityStmt *identity = castNode(ReplicaIdentityStmt, cmd->def);

				if (identity->name != NULL)
					identity->name = extended(rewrite, identity->name);
				break;
			}
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			extend_relation(rewrite, castNode(PartitionCmd, cmd->def)->name);
			break;
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_AddOf:
		case AT_DropOf:
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
			/* shards have columns of their own, and no sequences, types of rows, rules, triggers */
			return false;
		default:
			/* nothing in it but columns, options and roles */
			break;
	}
	return true;
}

/* what is said of a type goes for the columns of a table of it */
static RangeVar *
shell_of_type(Rewrite *rewrite)
{
	Oid			relid = rewrite->shard->relid;

	return makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
}

static bool
rewrite_alter_table(Rewrite *rewrite, Node *node)
{
	AlterTableStmt *alter = (AlterTableStmt *) node;
	List	   *kept = NIL;
	ListCell   *lc;

	if (alter->objtype == OBJECT_TYPE)
	{
		alter->relation = shell_of_type(rewrite);
		alter->objtype = OBJECT_TABLE;
	}
	extend_subject(rewrite, alter->relation);
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (rewrite_subcommand(rewrite, cmd))
			kept = lappend(kept, cmd);
	}
	alter->cmds = kept;
	return kept != NIL;
}

static bool
rewrite_rename(Rewrite *rewrite, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;

	if (rename->renameType == OBJECT_ATTRIBUTE)
	{
		rename->relation = shell_of_type(rewrite);
		rename->renameType = OBJECT_COLUMN;
		rename->relationType = OBJECT_TABLE;
	}
	if (rename->relation != NULL)
		extend_subject(rewrite, rename->relation);
	switch (rename->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
			rename->newname = extended(rewrite, rename->newname);
			break;
		case OBJECT_TABCONSTRAINT:
			rename->subname = extended_existing_constraint(rewrite, rename->subname);
			rename->newname = extended_constraint(rewrite, rename->newname);
			return !copy_lacks_constraint(rewrite, rename->subname);
		case OBJECT_STATISTIC_EXT:
			extend_last(rewrite, castNode(List, rename->object));
			rename->newname = extended(rewrite, rename->newname);
			break;
		default:
			break;
	}
	return true;
}

static bool
rewrite_set_schema(Rewrite *rewrite, Node *node)
{
	AlterObjectSchemaStmt *alter = (AlterObjectSchemaStmt *) node;

	if (alter->relation != NULL)
		extend_subject(rewrite, alter->relation);
	else if (alter->objectType == OBJECT_STATISTIC_EXT)
		extend_last(rewrite, castNode(List, alter->object));
	return true;
}

static bool
rewrite_owner(Rewrite *rewrite, Node *node)
{
	AlterOwnerStmt *alter = (AlterOwnerStmt *) node;

	if (alter->objectType == OBJECT_STATISTIC_EXT)
		extend_last(rewrite, castNode(List, alter->object));
	return true;
}

/* ---- indexes and statistics ---- */

static bool
rewrite_create_index(Rewrite *rewrite, Node *node)
{
	IndexStmt  *index = (IndexStmt *) node;

	extend_subject(rewrite, index->relation);
	extend_or_name(rewrite, &index->idxname);
	extend_index_elements(rewrite, index->indexParams);
	extend_index_elements(rewrite, index->indexIncludingParams);
	extend_expression(index->whereClause, rewrite);
	return true;
}

static bool
rewrite_create_statistics(Rewrite *rewrite, Node *node)
{
	CreateStatsStmt *create = (CreateStatsStmt *) node;
	ListCell   *lc;

	foreach(lc, create->relations)
	{
		if (IsA(lfirst(lc), RangeVar))
			extend_subject(rewrite, lfirst(lc));
	}
	if (create->defnames == NIL)
	{
		char	   *name = NULL;

		extend_or_name(rewrite, &name);
		if (name != NULL)
			create->defnames = list_make1(makeString(name));
	}
	else
		extend_last(rewrite, create->defnames);
	foreach(lc, create->exprs)
	{
		if (IsA(lfirst(lc), StatsElem))
			extend_expression(lfirst_node(StatsElem, lc)->expr, rewrite);
	}
	return true;
}

static bool
rewrite_alter_statistics(Rewrite *rewrite, Node *node)
{
	extend_last(rewrite, ((AlterStatsStmt *) node)->defnames);
	return true;
}

static bool
rewrite_reindex(Rewrite *rewrite, Node *node)
{
	ReindexStmt *reindex = (ReindexStmt *) node;

	if (reindex->relation == NULL)
		return false;
	extend_subject(rewrite, reindex->relation);
	return true;
}

static bool
rewrite_cluster(Rewrite *rewrite, Node *node)
{
	ClusterStmt *cluster = (ClusterStmt *) node;

	if (cluster->relation == NULL)
		return false;
	extend_subject(rewrite, cluster->relation);
	if (cluster->indexname != NULL)
		cluster->indexname = extended(rewrite, cluster->indexname);
	return true;
}

/* ---- policies ---- */

static bool
rewrite_create_policy(Rewrite *rewrite, Node *node)
{
	CreatePolicyStmt *create = (CreatePolicyStmt *) node;

	extend_subject(rewrite, create->table);
	extend_expression(create->qual, rewrite);
	extend_expression(create->with_check, rewrite);
	return true;
}

static bool
rewrite_alter_policy(Rewrite *rewrite, Node *node)
{
	AlterPolicyStmt *alter = (AlterPolicyStmt *) node;

	extend_subject(rewrite, alter->table);
	extend_expression(alter->qual, rewrite);
	extend_expression(alter->with_check, rewrite);
	return true;
}

/* ---- statements on lists of objects: what is not this shell's is taken out ---- */

static bool
is_own_relation(Rewrite *rewrite, RangeVar *name)
{
	return shard_beside(rewrite, resolve(name)) == rewrite->shard;
}

/* of RangeVars, those of this shell, extended */
static List *
extend_own_relations(Rewrite *rewrite, List *relations)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, relations)
	{
		RangeVar   *relation = lfirst_node(RangeVar, lc);

		if (!is_own_relation(rewrite, relation))
			continue;
		extend_relation(rewrite, relation);
		kept = lappend(kept, relation);
	}
	return kept;
}

static bool
rewrite_grant(Rewrite *rewrite, Node *node)
{
	GrantStmt  *grant = (GrantStmt *) node;

	if (grant->targtype != ACL_TARGET_OBJECT || grant->objtype != OBJECT_TABLE)
		return false;
	grant->objects = extend_own_relations(rewrite, grant->objects);
	return grant->objects != NIL;
}

static bool
rewrite_truncate(Rewrite *rewrite, Node *node)
{
	TruncateStmt *truncate = (TruncateStmt *) node;

	truncate->relations = extend_own_relations(rewrite, truncate->relations);
	truncate->restart_seqs = false;
	return truncate->relations != NIL;
}

static bool
rewrite_vacuum(Rewrite *rewrite, Node *node)
{
	VacuumStmt *vacuum = (VacuumStmt *) node;
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, vacuum->rels)
	{
		VacuumRelation *relation = lfirst_node(VacuumRelation, lc);

		if (relation->relation == NULL || !is_own_relation(rewrite, relation->relation))
			continue;
		extend_relation(rewrite, relation->relation);
		kept = lappend(kept, relation);
	}
	vacuum->rels = kept;
	return kept != NIL;
}

static bool
rewrite_drop(Rewrite *rewrite, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	ListCell   *lc;

	foreach(lc, drop->objects)
	{
		switch (drop->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_INDEX:
				lfirst(lc) = extend_subject_list(rewrite, lfirst_node(List, lc));
				break;
			case OBJECT_STATISTIC_EXT:
				extend_last(rewrite, lfirst_node(List, lc));
				break;
			case OBJECT_POLICY:
			case OBJECT_RULE:
				lfirst(lc) = extend_member(rewrite, lfirst_node(List, lc), false);
				break;
			default:
				return false;
		}
	}
	return true;
}

/* what COMMENT and SECURITY LABEL name */
static bool
extend_labelled(Rewrite *rewrite, ObjectType kind, Node **object)
{
	if (!IsA(*object, List))
		return false;
	switch (kind)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
			*object = (Node *) extend_subject_list(rewrite, (List *) *object);
			return true;
		case OBJECT_COLUMN:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			*object = (Node *) extend_member(rewrite, (List *) *object, false);
			return true;
		case OBJECT_TABCONSTRAINT:
			*object = (Node *) extend_member(rewrite, (List *) *object, true);
			return true;
		case OBJECT_STATISTIC_EXT:
			extend_last(rewrite, (List *) *object);
			return true;
		default:
			return false;
	}
}

static bool
rewrite_comment(Rewrite *rewrite, Node *node)
{
	CommentStmt *comment = (CommentStmt *) node;

	return extend_labelled(rewrite, comment->objtype, &comment->object);
}

static bool
rewrite_label(Rewrite *rewrite, Node *node)
{
	SecLabelStmt *label = (SecLabelStmt *) node;

	return extend_labelled(rewrite, label->objtype, &label->object);
}

static const struct
{
	NodeTag		tag;
	Rewriter	rewriter;
}			rewriters[] = {
	{T_CreateStmt, rewrite_create_table},
	{T_CreateForeignTableStmt, rewrite_create_foreign_table},
	{T_AlterTableStmt, rewrite_alter_table},
	{T_RenameStmt, rewrite_rename},
	{T_AlterObjectSchemaStmt, rewrite_set_schema},
	{T_AlterOwnerStmt, rewrite_owner},
	{T_IndexStmt, rewrite_create_index},
	{T_CreateStatsStmt, rewrite_create_statistics},
	{T_AlterStatsStmt, rewrite_alter_statistics},
	{T_ReindexStmt, rewrite_reindex},
	{T_ClusterStmt, rewrite_cluster},
	{T_CreatePolicyStmt, rewrite_create_policy},
	{T_AlterPolicyStmt, rewrite_alter_policy},
	{T_GrantStmt, rewrite_grant},
	{T_TruncateStmt, rewrite_truncate},
	{T_VacuumStmt, rewrite_vacuum},
	{T_DropStmt, rewrite_drop},
	{T_CommentStmt, rewrite_comment},
	{T_SecLabelStmt, rewrite_label},
};

/*
 * The same where rows that are there get values from fills (or NULL); *after is a statement to run
 * on the shard next, if one is needed.
 */
bool
tables_extend_names_filled(Node *statement, const Shard *shard, List **names,
						   const TableFills *fills, Node **after)
{
	Rewrite		rewrite = {.shard = shard, .names = names, .fills = fills};

	for (int i = 0; i < lengthof(rewriters); i++)
	{
		bool		execute;

		if (nodeTag(statement) != rewriters[i].tag)
			continue;
		execute = rewriters[i].rewriter(&rewrite, statement);
		if (rewrite.after != NIL)
		{
			AlterTableStmt *alter = copyObject(castNode(AlterTableStmt, statement));

			alter->cmds = rewrite.after;
			*after = (Node *) alter;
		}
		return execute;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot run this kind of statement on shards")));
	return false;
}

bool
tables_extend_names(Node *statement, const Shard *shard, List **names)
{
	Node	   *after = NULL;

	return tables_extend_names_filled(statement, shard, names, NULL, &after);
}
