/*
 * tables_rewrite.c
 *	  Statements about a shell -> the same statements about one of its shards.
 *
 * A raw parse tree is changed in place.  Every name of a relation, index, constraint or
 * statistics object that belongs to the shell gets the shard's id; names of other known tables get
 * the id of their shard that stands beside this one; all other names stay.  What a shard does not
 * have (sequences, identity) is taken out.
 *
 * Invariant: names for unnamed things are consumed in the order in which tables_names.c meets them:
 * both walk a statement in the same order.
 *
 * Main path: tables_extend_names(), a table of rewriters by statement kind.
 *
 * Not here: names one by one (tables_rewrite_names.c), expressions (tables_rewrite_expressions.c),
 * executing the result (tables_shard_ddl.c), choosing names (tables_names.c).
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"

#include "citus/base/compat.h"
#include "citus/catalog/catalog.h"
#include "tables/tables_rewrite_internal.h"

/* false: nothing is left to execute */
typedef bool (*Rewriter) (Rewrite *rewrite, Node *statement);

/* ---- constraints and columns ---- */

/*
 * False when the constraint is not for this node's shard: the referenced table has no copy here
 * (a reference table pointing to a managed local one).
 */
static bool
extend_referenced_table(Rewrite *rewrite, RangeVar *referenced)
{
	const Shard *shard = tables_extend_relation(rewrite, referenced);

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
			if (tables_find_chosen_name(rewrite, &constraint->conname))
				constraint->conname = tables_extended_constraint(rewrite, constraint->conname);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
		case CONSTR_FOREIGN:
			tables_extend_or_name(rewrite, &constraint->conname);
			break;
		default:
			if (constraint->conname != NULL)
				constraint->conname = tables_extended_name(rewrite, constraint->conname);
			break;
	}

	if (constraint->contype == CONSTR_DEFAULT && tables_uses_sequence(constraint->raw_expr, NULL))
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
		constraint->indexname = tables_extended_name(rewrite, constraint->indexname);
	tables_extend_whole(&constraint->raw_expr, rewrite);
	tables_extend_expression(constraint->where_clause, rewrite);
	tables_extend_expression((Node *) constraint->exclusions, rewrite);
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
	if (tables_uses_sequence(column->raw_default, NULL))
		column->raw_default = NULL;
	tables_extend_whole(&column->raw_default, rewrite);
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
		tables_extend_whole(&column->raw_default, rewrite);
}

static void
extend_index_elements(Rewrite *rewrite, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
		tables_extend_expression(lfirst_node(IndexElem, lc)->expr, rewrite);
}

/* ---- tables ---- */

static bool
rewrite_create_table(Rewrite *rewrite, Node *node)
{
	CreateStmt *create = (CreateStmt *) node;
	List	   *elements = NIL;
	ListCell   *lc;

	tables_extend_subject(rewrite, create->relation);
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
		tables_extend_relation(rewrite, lfirst_node(RangeVar, lc));
	if (create->partspec != NULL)
	{
		foreach(lc, create->partspec->partParams)
			tables_extend_expression(lfirst_node(PartitionElem, lc)->expr, rewrite);
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
			if (tables_uses_sequence(cmd->def, NULL))
				cmd->def = NULL;
			tables_extend_whole(&cmd->def, rewrite);
			break;
		case COMPAT_AT_SET_EXPRESSION:
			tables_extend_expression(cmd->def, rewrite);
			break;
		case AT_AlterColumnType:
			extend_new_type(rewrite, cmd->name, castNode(ColumnDef, cmd->def));
			break;
		case AT_AddConstraint:
			return extend_constraint(rewrite, castNode(Constraint, cmd->def));
		case AT_AlterConstraint:
			{
				char	  **name = compat_alter_constraint_name(cmd);

				*name = tables_existing_constraint(rewrite, *name);
				return !copy_lacks_constraint(rewrite, *name);
			}
		case AT_ValidateConstraint:
		case AT_DropConstraint:
			cmd->name = tables_existing_constraint(rewrite, cmd->name);
			return !copy_lacks_constraint(rewrite, cmd->name);
		case AT_ClusterOn:
			cmd->name = tables_extended_name(rewrite, cmd->name);
			break;
		case AT_AddInherit:
		case AT_DropInherit:
			tables_extend_relation(rewrite, castNode(RangeVar, cmd->def));
			break;
		case AT_ReplicaIdentity:
			{
				ReplicaIdentityStmt *identity = castNode(ReplicaIdentityStmt, cmd->def);

				if (identity->name != NULL)
					identity->name = tables_extended_name(rewrite, identity->name);
				break;
			}
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			tables_extend_relation(rewrite, castNode(PartitionCmd, cmd->def)->name);
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
	tables_extend_subject(rewrite, alter->relation);
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
		tables_extend_subject(rewrite, rename->relation);
	switch (rename->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
			rename->newname = tables_extended_name(rewrite, rename->newname);
			break;
		case OBJECT_TABCONSTRAINT:
			rename->subname = tables_existing_constraint(rewrite, rename->subname);
			rename->newname = tables_extended_constraint(rewrite, rename->newname);
			return !copy_lacks_constraint(rewrite, rename->subname);
		case OBJECT_STATISTIC_EXT:
			tables_extend_last(rewrite, castNode(List, rename->object));
			rename->newname = tables_extended_name(rewrite, rename->newname);
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
		tables_extend_subject(rewrite, alter->relation);
	else if (alter->objectType == OBJECT_STATISTIC_EXT)
		tables_extend_last(rewrite, castNode(List, alter->object));
	return true;
}

static bool
rewrite_owner(Rewrite *rewrite, Node *node)
{
	AlterOwnerStmt *alter = (AlterOwnerStmt *) node;

	if (alter->objectType == OBJECT_STATISTIC_EXT)
		tables_extend_last(rewrite, castNode(List, alter->object));
	return true;
}

/* ---- indexes and statistics ---- */

static bool
rewrite_create_index(Rewrite *rewrite, Node *node)
{
	IndexStmt  *index = (IndexStmt *) node;

	tables_extend_subject(rewrite, index->relation);
	tables_extend_or_name(rewrite, &index->idxname);
	extend_index_elements(rewrite, index->indexParams);
	extend_index_elements(rewrite, index->indexIncludingParams);
	tables_extend_expression(index->whereClause, rewrite);
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
			tables_extend_subject(rewrite, lfirst(lc));
	}
	if (create->defnames == NIL)
	{
		char	   *name = NULL;

		tables_extend_or_name(rewrite, &name);
		if (name != NULL)
			create->defnames = list_make1(makeString(name));
	}
	else
		tables_extend_last(rewrite, create->defnames);
	foreach(lc, create->exprs)
	{
		if (IsA(lfirst(lc), StatsElem))
			tables_extend_expression(lfirst_node(StatsElem, lc)->expr, rewrite);
	}
	return true;
}

static bool
rewrite_alter_statistics(Rewrite *rewrite, Node *node)
{
	tables_extend_last(rewrite, ((AlterStatsStmt *) node)->defnames);
	return true;
}

static bool
rewrite_reindex(Rewrite *rewrite, Node *node)
{
	ReindexStmt *reindex = (ReindexStmt *) node;

	if (reindex->relation == NULL)
		return false;
	tables_extend_subject(rewrite, reindex->relation);
	return true;
}

static bool
rewrite_cluster(Rewrite *rewrite, Node *node)
{
	ClusterStmt *cluster = (ClusterStmt *) node;

	if (cluster->relation == NULL)
		return false;
	tables_extend_subject(rewrite, cluster->relation);
	if (cluster->indexname != NULL)
		cluster->indexname = tables_extended_name(rewrite, cluster->indexname);
	return true;
}

/* ---- policies ---- */

static bool
rewrite_create_policy(Rewrite *rewrite, Node *node)
{
	CreatePolicyStmt *create = (CreatePolicyStmt *) node;

	tables_extend_subject(rewrite, create->table);
	tables_extend_expression(create->qual, rewrite);
	tables_extend_expression(create->with_check, rewrite);
	return true;
}

static bool
rewrite_alter_policy(Rewrite *rewrite, Node *node)
{
	AlterPolicyStmt *alter = (AlterPolicyStmt *) node;

	tables_extend_subject(rewrite, alter->table);
	tables_extend_expression(alter->qual, rewrite);
	tables_extend_expression(alter->with_check, rewrite);
	return true;
}

/* ---- statements on lists of objects: what is not this shell's is taken out ---- */

static bool
is_own_relation(Rewrite *rewrite, RangeVar *name)
{
	return tables_shard_beside(rewrite, tables_resolve_name(name)) == rewrite->shard;
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
		tables_extend_relation(rewrite, relation);
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
		tables_extend_relation(rewrite, relation->relation);
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
				lfirst(lc) = tables_extend_subject_list(rewrite, lfirst_node(List, lc));
				break;
			case OBJECT_STATISTIC_EXT:
				tables_extend_last(rewrite, lfirst_node(List, lc));
				break;
			case OBJECT_POLICY:
			case OBJECT_RULE:
				lfirst(lc) = tables_extend_member(rewrite, lfirst_node(List, lc), false);
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
			*object = (Node *) tables_extend_subject_list(rewrite, (List *) *object);
			return true;
		case OBJECT_COLUMN:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			*object = (Node *) tables_extend_member(rewrite, (List *) *object, false);
			return true;
		case OBJECT_TABCONSTRAINT:
			*object = (Node *) tables_extend_member(rewrite, (List *) *object, true);
			return true;
		case OBJECT_STATISTIC_EXT:
			tables_extend_last(rewrite, (List *) *object);
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
