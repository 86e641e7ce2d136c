/*
 * nodes.c
 *	  The shared plan words as nodes of the server: copying, comparing, printing, reading.
 *
 * Each type is described by a table of its fields, and one set of functions walks the tables, so
 * that a new field is one line here and one in plan.h.  Scalars are printed as server nodes print
 * them; offsets and oids of a template as integer lists.
 *
 * Main path: plan_nodes_register() at library load; the server's copyObject(), equal() and
 * nodeToString() then find the methods by name.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/extensible.h"
#include "nodes/readfuncs.h"

#include "plan/plan_internal.h"

typedef enum FieldKind
{
	FIELD_BOOL,
	FIELD_INT,					/* int and enums */
	FIELD_OID,
	FIELD_DOUBLE,
	FIELD_STRING,				/* char *, may be NULL */
	FIELD_NODE,					/* Node * or List *, may be NULL */
	FIELD_INT_ARRAY,			/* int * or Oid *, of the length in the int field before */
	FIELD_OID_ARRAY
} FieldKind;

typedef struct Field
{
	const char *name;
	FieldKind	kind;
	Size		offset;
	Size		lengthOffset;	/* arrays only: where their int length is */
} Field;

typedef struct NodeType
{
	ExtensibleNodeMethods methods;
	const Field *fields;
	int			nfields;
} NodeType;

#define FIELD(type, name, kind) {#name, kind, offsetof(type, name), 0}
#define ARRAY(type, name, kind, length) {#name, kind, offsetof(type, name), offsetof(type, length)}

static const Field templateFields[] = {
	FIELD(SqlTemplate, text, FIELD_STRING),
	FIELD(SqlTemplate, nholes, FIELD_INT),
	ARRAY(SqlTemplate, holes, FIELD_INT_ARRAY, nholes),
	ARRAY(SqlTemplate, relids, FIELD_OID_ARRAY, nholes)
};

static const Field pruneFields[] = {
	FIELD(PruneSpec, kind, FIELD_INT),
	FIELD(PruneSpec, value, FIELD_NODE),
	FIELD(PruneSpec, args, FIELD_NODE)
};

static const Field fragmentFields[] = {
	FIELD(Fragment, sql, FIELD_NODE),
	FIELD(Fragment, command, FIELD_INT),
	FIELD(Fragment, returnsRows, FIELD_BOOL),
	FIELD(Fragment, hasRowLocks, FIELD_BOOL),
	FIELD(Fragment, firstCopy, FIELD_BOOL),
	FIELD(Fragment, hasModifyingCte, FIELD_BOOL),
	FIELD(Fragment, findsOneRow, FIELD_BOOL),
	FIELD(Fragment, target, FIELD_INT),
	FIELD(Fragment, anchor, FIELD_OID),
	FIELD(Fragment, prune, FIELD_NODE),
	FIELD(Fragment, copiesAtOnce, FIELD_BOOL),
	FIELD(Fragment, mayBeNowhere, FIELD_BOOL),
	FIELD(Fragment, pinned, FIELD_BOOL),
	FIELD(Fragment, cannotRaise, FIELD_BOOL),
	FIELD(Fragment, all, FIELD_NODE),
	FIELD(Fragment, params, FIELD_NODE),
	FIELD(Fragment, canSort, FIELD_BOOL),
	FIELD(Fragment, sortKeys, FIELD_NODE),
	FIELD(Fragment, estimatedRows, FIELD_DOUBLE),
	FIELD(Fragment, role, FIELD_OID),
	FIELD(Fragment, unforced, FIELD_BOOL),
	FIELD(Fragment, movements, FIELD_NODE)
};

static const Field movementFields[] = {
	FIELD(Movement, source, FIELD_NODE),
	FIELD(Movement, keyColumn, FIELD_INT),
	FIELD(Movement, width, FIELD_INT),
	FIELD(Movement, name, FIELD_STRING),
	FIELD(Movement, keyName, FIELD_STRING),
	FIELD(Movement, canCut, FIELD_BOOL)
};

static const Field insertFields[] = {
	FIELD(InsertSpec, relid, FIELD_OID),
	FIELD(InsertSpec, columns, FIELD_NODE),
	FIELD(InsertSpec, head, FIELD_NODE),
	FIELD(InsertSpec, tail, FIELD_NODE),
	FIELD(InsertSpec, tailParams, FIELD_NODE),
	FIELD(InsertSpec, again, FIELD_NODE),
	FIELD(InsertSpec, againParams, FIELD_NODE),
	FIELD(InsertSpec, onConflict, FIELD_BOOL),
	FIELD(InsertSpec, updates, FIELD_BOOL),
	FIELD(InsertSpec, returning, FIELD_BOOL),
	FIELD(InsertSpec, onlyColumns, FIELD_BOOL),
	FIELD(InsertSpec, canStream, FIELD_BOOL),
	FIELD(InsertSpec, conflict, FIELD_NODE),
	FIELD(InsertSpec, conflictKeys, FIELD_NODE),
	FIELD(InsertSpec, conflictFilters, FIELD_BOOL),
	FIELD(InsertSpec, checks, FIELD_NODE),
	FIELD(InsertSpec, role, FIELD_OID),
	FIELD(InsertSpec, unforced, FIELD_BOOL)
};

static const Field actionFields[] = {
	FIELD(ChangeAction, command, FIELD_INT),
	FIELD(ChangeAction, columns, FIELD_NODE),
	FIELD(ChangeAction, firstValue, FIELD_INT),
	FIELD(ChangeAction, defaults, FIELD_NODE)
};

static const Field changeFields[] = {
	FIELD(ChangeSpec, relid, FIELD_OID),
	FIELD(ChangeSpec, command, FIELD_INT),
	FIELD(ChangeSpec, shardColumn, FIELD_INT),
	FIELD(ChangeSpec, rowColumn, FIELD_INT),
	FIELD(ChangeSpec, actionColumn, FIELD_INT),
	FIELD(ChangeSpec, oldColumn, FIELD_INT),
	FIELD(ChangeSpec, oldSystem, FIELD_INT),
	FIELD(ChangeSpec, actions, FIELD_NODE),
	FIELD(ChangeSpec, outputs, FIELD_NODE),
	FIELD(ChangeSpec, outputNumbers, FIELD_NODE),
	FIELD(ChangeSpec, conflict, FIELD_STRING),
	FIELD(ChangeSpec, proposedColumn, FIELD_INT),
	FIELD(ChangeSpec, checks, FIELD_NODE),
	FIELD(ChangeSpec, role, FIELD_OID),
	FIELD(ChangeSpec, unforced, FIELD_BOOL),
	FIELD(ChangeSpec, keepsPartition, FIELD_BOOL),
	FIELD(ChangeSpec, callsUsers, FIELD_BOOL)
};

static const Field checkFields[] = {
	FIELD(RowCheck, kind, FIELD_INT),
	FIELD(RowCheck, policy, FIELD_STRING),
	FIELD(RowCheck, column, FIELD_INT),
	FIELD(RowCheck, qual, FIELD_NODE),
	FIELD(RowCheck, query, FIELD_NODE)
};

static const Field fireFields[] = {
	FIELD(FireSpec, relid, FIELD_OID),
	FIELD(FireSpec, command, FIELD_INT),
	FIELD(FireSpec, commands, FIELD_NODE),
	FIELD(FireSpec, updated, FIELD_NODE),
	FIELD(FireSpec, rows, FIELD_BOOL),
	FIELD(FireSpec, joins, FIELD_BOOL)
};

static const Field lockTargetFields[] = {
	FIELD(LockTarget, relid, FIELD_OID),
	FIELD(LockTarget, shardColumn, FIELD_INT),
	FIELD(LockTarget, rowColumn, FIELD_INT),
	FIELD(LockTarget, strength, FIELD_INT),
	FIELD(LockTarget, waitPolicy, FIELD_INT),
	FIELD(LockTarget, role, FIELD_OID),
	FIELD(LockTarget, unforced, FIELD_BOOL)
};

static const Field lockFields[] = {
	FIELD(LockSpec, targets, FIELD_NODE),
	FIELD(LockSpec, limit, FIELD_NODE),
	FIELD(LockSpec, offset, FIELD_NODE),
	FIELD(LockSpec, limitParam, FIELD_INT),
	FIELD(LockSpec, placesParam, FIELD_INT),
	FIELD(LockSpec, againId, FIELD_INT),
	FIELD(LockSpec, ownColumns, FIELD_INT),
	FIELD(LockSpec, placeColumns, FIELD_INT),
	FIELD(LockSpec, leavesChanged, FIELD_BOOL)
};

static const Field cursorFields[] = {
	FIELD(CursorSpec, relids, FIELD_NODE),
	FIELD(CursorSpec, first, FIELD_INT),
	FIELD(CursorSpec, locks, FIELD_BOOL),
	FIELD(CursorSpec, leavesChanged, FIELD_BOOL)
};

static const Field planFields[] = {
	FIELD(DistPlan, kind, FIELD_INT),
	FIELD(DistPlan, strategy, FIELD_STRING),
	FIELD(DistPlan, fragment, FIELD_NODE),
	FIELD(DistPlan, insert, FIELD_NODE),
	FIELD(DistPlan, change, FIELD_NODE),
	FIELD(DistPlan, lock, FIELD_NODE),
	FIELD(DistPlan, cursor, FIELD_NODE),
	FIELD(DistPlan, fires, FIELD_NODE),
	FIELD(DistPlan, parts, FIELD_NODE),
	FIELD(DistPlan, partIds, FIELD_NODE),
	FIELD(DistPlan, partId, FIELD_INT),
	FIELD(DistPlan, modifies, FIELD_BOOL)
};

static void copy_fields(ExtensibleNode *to, const ExtensibleNode *from);
static bool equal_fields(const ExtensibleNode *a, const ExtensibleNode *b);
static void print_fields(StringInfo out, const ExtensibleNode *node);
static void read_fields(ExtensibleNode *node);

#define NODE_TYPE(name, type, fields) \
	{{name, sizeof(type), copy_fields, equal_fields, print_fields, read_fields}, \
		fields, lengthof(fields)}

static const NodeType nodeTypes[] = {
	NODE_TYPE(PLAN_NODE_TEMPLATE, SqlTemplate, templateFields),
	NODE_TYPE(PLAN_NODE_PRUNE, PruneSpec, pruneFields),
	NODE_TYPE(PLAN_NODE_FRAGMENT, Fragment, fragmentFields),
	NODE_TYPE(PLAN_NODE_MOVEMENT, Movement, movementFields),
	NODE_TYPE(PLAN_NODE_INSERT, InsertSpec, insertFields),
	NODE_TYPE(PLAN_NODE_ACTION, ChangeAction, actionFields),
	NODE_TYPE(PLAN_NODE_CHANGE, ChangeSpec, changeFields),
	NODE_TYPE(PLAN_NODE_CHECK, RowCheck, checkFields),
	NODE_TYPE(PLAN_NODE_FIRE, FireSpec, fireFields),
	NODE_TYPE(PLAN_NODE_TARGET, LockTarget, lockTargetFields),
	NODE_TYPE(PLAN_NODE_LOCK, LockSpec, lockFields),
	NODE_TYPE(PLAN_NODE_CURSOR, CursorSpec, cursorFields),
	NODE_TYPE(PLAN_NODE_PLAN, DistPlan, planFields)
};

#define AT(node, type, at) (*(type *) ((char *) (node) + (at)))
#define AT_CONST(node, type, at) (*(type const *) ((const char *) (node) + (at)))

StaticAssertDecl(sizeof(int) == sizeof(Oid), "arrays of int and Oid are copied alike");
StaticAssertDecl(sizeof(PruneKind) == sizeof(int), "enums are handled as int");


/* Tells the server how to copy, compare, print and read our nodes; once per process. */
void
plan_nodes_register(void)
{
	for (int i = 0; i < lengthof(nodeTypes); i++)
		RegisterExtensibleNodeMethods(&nodeTypes[i].methods);
}

static const NodeType *
type_of_node(const ExtensibleNode *node)
{
	for (int i = 0; i < lengthof(nodeTypes); i++)
	{
		if (strcmp(nodeTypes[i].methods.extnodename, node->extnodename) == 0)
			return &nodeTypes[i];
	}
	elog(ERROR, "unknown plan node \"%s\"", node->extnodename);
}

static void *
copy_array(const void *array, int length)
{
	void	   *copy;

	if (array == NULL || length == 0)
		return NULL;
	copy = palloc(length * sizeof(int));
	memcpy(copy, array, length * sizeof(int));
	return copy;
}

static void
copy_fields(ExtensibleNode *to, const ExtensibleNode *from)
{
	const NodeType *type = type_of_node(from);

	for (int i = 0; i < type->nfields; i++)
	{
		const Field *field = &type->fields[i];
		Size		at = field->offset;

		switch (field->kind)
		{
			case FIELD_BOOL:
				AT(to, bool, at) = AT_CONST(from, bool, at);
				break;
			case FIELD_INT:
			case FIELD_OID:
				AT(to, int, at) = AT_CONST(from, int, at);
				break;
			case FIELD_DOUBLE:
				AT(to, double, at) = AT_CONST(from, double, at);
				break;
			case FIELD_STRING:
				{
					const char *string = AT_CONST(from, char *, at);

					AT(to, char *, at) = string ? pstrdup(string) : NULL;
				}
				break;
			case FIELD_NODE:
				AT(to, void *, at) = copyObjectImpl(AT_CONST(from, void *, at));
				break;
			case FIELD_INT_ARRAY:
			case FIELD_OID_ARRAY:
				AT(to, void *, at) = copy_array(AT_CONST(from, void *, at),
												AT_CONST(from, int, field->lengthOffset));
				break;
		}
	}
}

static bool
equal_strings(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
equal_field(const Field *field, const ExtensibleNode *a, const ExtensibleNode *b)
{
	Size		at = field->offset;

	switch (field->kind)
	{
		case FIELD_BOOL:
			return AT_CONST(a, bool, at) == AT_CONST(b, bool, at);
		case FIELD_INT:
		case FIELD_OID:
			return AT_CONST(a, int, at) == AT_CONST(b, int, at);
		case FIELD_DOUBLE:
			return AT_CONST(a, double, at) == AT_CONST(b, double, at);
		case FIELD_STRING:
			return equal_strings(AT_CONST(a, char *, at), AT_CONST(b, char *, at));
		case FIELD_NODE:
			return equal(AT_CONST(a, void *, at), AT_CONST(b, void *, at));
		case FIELD_INT_ARRAY:
		case FIELD_OID_ARRAY:
			{
				int			length = AT_CONST(a, int, field->lengthOffset);

				/* the length fields themselves stand before and have been compared */
				return length == 0 ||
					memcmp(AT_CONST(a, void *, at), AT_CONST(b, void *, at),
						   length * sizeof(int)) == 0;
			}
	}
	return false;
}

static bool
equal_fields(const ExtensibleNode *a, const ExtensibleNode *b)
{
	const NodeType *type = type_of_node(a);

	for (int i = 0; i < type->nfields; i++)
	{
		if (!equal_field(&type->fields[i], a, b))
			return false;
	}
	return true;
}

static List *
array_to_list(const int *array, int length)
{
	List	   *list = NIL;

	for (int i = 0; i < length; i++)
		list = lappend_int(list, array[i]);
	return list;
}

/* Strings are printed quoted as String nodes, which the server can read back. */
static void
print_fields(StringInfo out, const ExtensibleNode *node)
{
	const NodeType *type = type_of_node(node);

	for (int i = 0; i < type->nfields; i++)
	{
		const Field *field = &type->fields[i];
		Size		at = field->offset;
		Node	   *value = NULL;

		appendStringInfo(out, " :%s ", field->name);
		switch (field->kind)
		{
			case FIELD_BOOL:
				appendStringInfoString(out, AT_CONST(node, bool, at) ? "true" : "false");
				continue;
			case FIELD_INT:
				appendStringInfo(out, "%d", AT_CONST(node, int, at));
				continue;
			case FIELD_OID:
				appendStringInfo(out, "%u", AT_CONST(node, Oid, at));
				continue;
			case FIELD_DOUBLE:
				appendStringInfo(out, "%.17g", AT_CONST(node, double, at));
				continue;
			case FIELD_STRING:
				if (AT_CONST(node, char *, at) != NULL)
					value = (Node *) makeString(AT_CONST(node, char *, at));
				break;
			case FIELD_NODE:
				value = AT_CONST(node, Node *, at);
				break;
			case FIELD_INT_ARRAY:
			case FIELD_OID_ARRAY:
				value = (Node *) array_to_list(AT_CONST(node, int *, at),
											   AT_CONST(node, int, field->lengthOffset));
				break;
		}
		appendStringInfoString(out, nodeToString(value));
	}
}

static int *
list_to_array(List *list)
{
	int		   *array = NULL;
	ListCell   *cell;

	if (list != NIL)
		array = palloc(list_length(list) * sizeof(int));
	foreach(cell, list)
		array[foreach_current_index(cell)] = lfirst_int(cell);
	return array;
}

static void
read_fields(ExtensibleNode *node)
{
	const NodeType *type = type_of_node(node);

	for (int i = 0; i < type->nfields; i++)
	{
		const Field *field = &type->fields[i];
		Size		at = field->offset;
		int			length;
		const char *token;
		Node	   *value;

		(void) pg_strtok(&length);	/* the field's name */
		switch (field->kind)
		{
			case FIELD_BOOL:
				token = pg_strtok(&length);
				AT(node, bool, at) = (*token == 't');
				break;
			case FIELD_INT:
			case FIELD_OID:
				token = pg_strtok(&length);
				AT(node, int, at) = (int) strtoul(token, NULL, 10);
				break;
			case FIELD_DOUBLE:
				token = pg_strtok(&length);
				AT(node, double, at) = strtod(token, NULL);
				break;
			case FIELD_STRING:
				value = nodeRead(NULL, 0);
				AT(node, char *, at) = value ? strVal(value) : NULL;
				break;
			case FIELD_NODE:
				AT(node, void *, at) = nodeRead(NULL, 0);
				break;
			case FIELD_INT_ARRAY:
			case FIELD_OID_ARRAY:
				AT(node, void *, at) = list_to_array((List *) nodeRead(NULL, 0));
				break;
		}
	}
}
