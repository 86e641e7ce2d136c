/*
 * objects.c
 *	  Objects other than tables: known ones, and the creation of new ones.
 *
 * A new object is created here by the server first; from the catalogs it is then made on the other
 * nodes, after what it depends on, and noted in pg_dist_object.  A statement about an object that
 * is known goes as text to the other nodes.  Objects that cannot be the same everywhere (they
 * depend on plain tables, or are temporary) stay local.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "citus/base/types.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/deparse/template.h"
#include "commands_internal.h"

/* ---- known objects ---- */

static const struct
{
	ObjectType	type;
	const char *keyword;
}			object_keywords[] = {
	{OBJECT_AGGREGATE, "ROUTINE"},
	{OBJECT_CAST, "CAST"},
	{OBJECT_COLLATION, "COLLATION"},
	{OBJECT_DATABASE, "DATABASE"},
	{OBJECT_DOMAIN, "DOMAIN"},
	{OBJECT_EXTENSION, "EXTENSION"},
	{OBJECT_FDW, "FOREIGN DATA WRAPPER"},
	{OBJECT_FOREIGN_SERVER, "SERVER"},
	{OBJECT_FUNCTION, "ROUTINE"},
	{OBJECT_LANGUAGE, "LANGUAGE"},
	{OBJECT_OPCLASS, "OPERATOR CLASS"},
	{OBJECT_OPERATOR, "OPERATOR"},
	{OBJECT_OPFAMILY, "OPERATOR FAMILY"},
	{OBJECT_PROCEDURE, "ROUTINE"},
	{OBJECT_PUBLICATION, "PUBLICATION"},
	{OBJECT_ROLE, "ROLE"},
	{OBJECT_ROUTINE, "ROUTINE"},
	{OBJECT_SCHEMA, "SCHEMA"},
	{OBJECT_SEQUENCE, "SEQUENCE"},
	{OBJECT_STATISTIC_EXT, "STATISTICS"},
	{OBJECT_TABLE, "TABLE"},
	{OBJECT_TSCONFIGURATION, "TEXT SEARCH CONFIGURATION"},
	{OBJECT_TSDICTIONARY, "TEXT SEARCH DICTIONARY"},
	{OBJECT_TSPARSER, "TEXT SEARCH PARSER"},
	{OBJECT_TSTEMPLATE, "TEXT SEARCH TEMPLATE"},
	{OBJECT_TYPE, "TYPE"},
	{OBJECT_VIEW, "VIEW"},
};

const char *
commands_object_keyword(ObjectType type)
{
	for (int i = 0; i < lengthof(object_keywords); i++)
	{
		if (object_keywords[i].type == type)
			return object_keywords[i].keyword;
	}
	return NULL;
}

char *
commands_drop_text(ObjectType type, const ObjectAddress *address, DropBehavior behavior)
{
	char	   *name;

	if (address->classId == ProcedureRelationId)
	{
		int			level = deparse_settings_begin();

		name = deparse_routine_signature(address->objectId);
		deparse_settings_end(level);
	}
	else
		name = getObjectIdentity(address, false);
	return psprintf("DROP %s IF EXISTS %s%s", commands_object_keyword(type), name,
					commands_behavior_text(behavior));
}

ObjectAddress
commands_object_find(ObjectType type, Node *object)
{
	Relation	relation = NULL;
	ObjectAddress address;

	if ((type == OBJECT_TYPE || type == OBJECT_DOMAIN) && IsA(object, List))
		object = (Node *) makeTypeNameFromNameList((List *) object);
	address = get_object_address(type, object, &relation, AccessShareLock, true);
	/* whoever changes it takes locks in an order of its own: name, coordinator, this node */
	if (relation != NULL)
		relation_close(relation, AccessShareLock);
	else if (!OidIsValid(address.objectId))
		return address;
	else if (IsSharedRelation(address.classId))
		UnlockSharedObject(address.classId, address.objectId, 0, AccessShareLock);
	else
		UnlockDatabaseObject(address.classId, address.objectId, 0, AccessShareLock);
	return address;
}

bool
commands_object_is_known(const ObjectAddress *address)
{
	if (!OidIsValid(address->objectId))
		return false;
	if (address->classId == RelationRelationId &&
		(catalog_table_is_known(address->objectId) ||
		 OidIsValid(commands_owner_of_sequence(address->objectId))))
		return true;
	return catalog_object_is_distributed(address);
}

List *
commands_steps_for_object(Command *command, const ObjectAddress *address)
{
	if (!commands_object_is_known(address))
		return NIL;
	return list_make3(commands_step_local(),
					  commands_step_dependencies(address->classId, address->objectId),
					  commands_step_nodes(command->text));
}

/* ---- sharing ---- */

static bool
is_temporary(const ObjectAddress *address)
{
	Oid			schemaId = address->objectId;

	if (address->classId != NamespaceRelationId)
		schemaId = get_object_namespace(address);
	return OidIsValid(schemaId) && isAnyTempNamespace(schemaId);
}

/* settings that keep new objects of a kind on this node, or put them off until needed */
static bool
is_held_back(const ObjectAddress *address)
{
	/* nothing that needs a cast says so later */
	if (address->classId == NamespaceRelationId || address->classId == ExtensionRelationId ||
		address->classId == CastRelationId)
		return false;
	if (address->classId == TypeRelationId && !commands_create_type_propagation)
		return true;
	return commands_object_propagation == OBJECTS_DEFERRED ||
		(commands_object_propagation == OBJECTS_AUTOMATIC && IsTransactionBlock());
}

static bool
relation_can_be_shared(Oid relid)
{
	ObjectAddress address;

	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_MATVIEW:
			return catalog_table_is_known(relid);
		case RELKIND_VIEW:
			ObjectAddressSet(address, RelationRelationId, relid);
			return catalog_object_is_distributed(&address);
		default:
			return true;
	}
}

/*
 * The first dependency that exists on this node only, or NULL; *mixed when there is a known table
 * among the others.
 */
static ObjectAddress *
local_dependency(const ObjectAddress *address, bool *mixed)
{
	ObjectAddress *found = NULL;
	ListCell   *cell;

	*mixed = false;
	foreach(cell, deparse_object_dependencies(address))
	{
		ObjectAddress *dependency = lfirst(cell);
		bool		shared;

		if (dependency->classId == RelationRelationId)
		{
			shared = relation_can_be_shared(dependency->objectId);
			if (catalog_table_is_known(dependency->objectId))
				*mixed = true;
		}
		else
			shared = deparse_object_is_supported(dependency);
		if (!shared && found == NULL)
			found = dependency;
	}
	return found;
}

/* the object that keeps one on this node, or NULL; a user is told of it where it is a surprise */
static ObjectAddress *
find_obstacle(const ObjectAddress *address, bool surprising)
{
	bool		mixed;
	ObjectAddress *obstacle = local_dependency(address, &mixed);

	if (obstacle != NULL)
		ereport(mixed || surprising ? WARNING : DEBUG1,
				(errmsg("%s stays local to this node", getObjectDescription(address, false)),
				 errdetail("It depends on %s, which other nodes do not have.",
						   getObjectDescription(obstacle, false))));
	return obstacle;
}

void
commands_share_object(const ObjectAddress *address)
{
	if (!OidIsValid(address->objectId) || is_temporary(address) ||
		!deparse_object_is_supported(address) ||
		OidIsValid(getExtensionOfObject(address->classId, address->objectId)))
		return;

	if (find_obstacle(address, false) == NULL)
		cluster_ensure_dependencies(address, true);
}

/* ---- CREATE ---- */

/* what a CREATE statement makes */
typedef struct CreatedObject
{
	ObjectType	type;
	Node	   *object;			/* in the form get_object_address() wants */
	bool		wasKnown;		/* replaced, and on all nodes before */
} CreatedObject;

/* names in the schema where a statement creates things */
static List *
creation_names(List *names)
{
	char	   *name;
	Oid			schemaId = QualifiedNameGetCreationNamespace(names, &name);

	return list_make2(makeString(get_namespace_name(schemaId)), makeString(pstrdup(name)));
}

static List *
creation_names_of_relation(RangeVar *relation)
{
	Oid			schemaId = RangeVarGetCreationNamespace(relation);

	return list_make2(makeString(get_namespace_name(schemaId)),
					  makeString(pstrdup(relation->relname)));
}

/* a function by its name and parameters as CREATE gives them */
static ObjectWithArgs *
function_of_parameters(List *names, List *parameters)
{
	ObjectWithArgs *function = makeNode(ObjectWithArgs);
	ListCell   *cell;

	function->objname = creation_names(names);
	function->objfuncargs = parameters;
	foreach(cell, parameters)
	{
		FunctionParameter *parameter = lfirst(cell);

		if (parameter->mode == FUNC_PARAM_OUT || parameter->mode == FUNC_PARAM_TABLE)
			continue;
		function->objargs = lappend(function->objargs, parameter->argType);
	}
	return function;
}

/* the base type of an aggregate in the old syntax: CREATE AGGREGATE a (basetype = t, ...) */
static List *
oldstyle_aggregate_parameters(List *definition)
{
	ListCell   *cell;

	foreach(cell, definition)
	{
		DefElem    *element = lfirst(cell);
		FunctionParameter *parameter;

		if (pg_strcasecmp(element->defname, "basetype") != 0)
			continue;
		if (IsA(element->arg, String) && pg_strcasecmp(strVal(element->arg), "any") == 0)
			return NIL;
		parameter = makeNode(FunctionParameter);
		parameter->argType = defGetTypeName(element);
		parameter->mode = FUNC_PARAM_IN;
		return list_make1(parameter);
	}
	return NIL;
}

/* an operator by its name and operands as CREATE gives them; NULL for one that is not there */
static ObjectWithArgs *
operator_of_definition(List *names, List *definition)
{
	ObjectWithArgs *operator = makeNode(ObjectWithArgs);
	TypeName   *left = NULL;
	TypeName   *right = NULL;
	ListCell   *cell;

	foreach(cell, definition)
	{
		DefElem    *element = lfirst(cell);

		if (strcmp(element->defname, "leftarg") == 0)
			left = defGetTypeName(element);
		else if (strcmp(element->defname, "rightarg") == 0)
			right = defGetTypeName(element);
	}
	operator->objname = creation_names(names);
	operator->objargs = list_make2(left, right);
	return operator;
}

/* operator classes and families: the access method comes before the name */
static Node *
creation_names_using(const char *accessMethod, List *names)
{
	return (Node *) lcons(makeString(pstrdup(accessMethod)), creation_names(names));
}

static bool
defined_object(DefineStmt *statement, CreatedObject *created)
{
	List	   *parameters;

	created->type = statement->kind;
	switch (statement->kind)
	{
		case OBJECT_AGGREGATE:
			/* a function of that name is for the server to refuse */
			created->type = OBJECT_ROUTINE;
			parameters = statement->oldstyle
				? oldstyle_aggregate_parameters(statement->definition)
				: linitial_node(List, statement->args);
			created->object = (Node *) function_of_parameters(statement->defnames, parameters);
			return true;
		case OBJECT_OPERATOR:
			created->object = (Node *)
				operator_of_definition(statement->defnames, statement->definition);
			return true;
		case OBJECT_COLLATION:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
			created->object = (Node *) creation_names(statement->defnames);
			return true;
		default:
			return false;
	}
}

static char *
created_schema_name(CreateSchemaStmt *statement)
{
	if (statement->schemaname)
		return statement->schemaname;
	return get_rolespec_name(statement->authrole);
}

/* false: of a kind that stays on this node */
static bool
created_object(Node *node, CreatedObject *created)
{
	switch (nodeTag(node))
	{
		case T_CreateSchemaStmt:
			created->type = OBJECT_SCHEMA;
			created->object = (Node *) makeString(created_schema_name((CreateSchemaStmt *) node));
			return true;
		case T_CompositeTypeStmt:
			created->type = OBJECT_TYPE;
			created->object = (Node *)
				creation_names_of_relation(((CompositeTypeStmt *) node)->typevar);
			return true;
		case T_CreateEnumStmt:
			created->type = OBJECT_TYPE;
			created->object = (Node *) creation_names(((CreateEnumStmt *) node)->typeName);
			return true;
		case T_CreateRangeStmt:
			created->type = OBJECT_TYPE;
			created->object = (Node *) creation_names(((CreateRangeStmt *) node)->typeName);
			return true;
		case T_CreateDomainStmt:
			created->type = OBJECT_DOMAIN;
			created->object = (Node *) creation_names(((CreateDomainStmt *) node)->domainname);
			return true;
		case T_CreateFunctionStmt:
			created->type = OBJECT_ROUTINE;
			created->object = (Node *)
				function_of_parameters(((CreateFunctionStmt *) node)->funcname,
									   ((CreateFunctionStmt *) node)->parameters);
			return true;
		case T_DefineStmt:
			return defined_object((DefineStmt *) node, created);
		case T_CreateOpClassStmt:
			created->type = OBJECT_OPCLASS;
			created->object = creation_names_using(((CreateOpClassStmt *) node)->amname,
												   ((CreateOpClassStmt *) node)->opclassname);
			return true;
		case T_CreateOpFamilyStmt:
			created->type = OBJECT_OPFAMILY;
			created->object = creation_names_using(((CreateOpFamilyStmt *) node)->amname,
												   ((CreateOpFamilyStmt *) node)->opfamilyname);
			return true;
		case T_CreateCastStmt:
			created->type = OBJECT_CAST;
			created->object = (Node *) list_make2(((CreateCastStmt *) node)->sourcetype,
												  ((CreateCastStmt *) node)->targettype);
			return true;
		case T_ViewStmt:
			created->type = OBJECT_VIEW;
			created->object = (Node *) creation_names_of_relation(((ViewStmt *) node)->view);
			return ((ViewStmt *) node)->view->relpersistence != RELPERSISTENCE_TEMP;
		case T_CreateExtensionStmt:
			created->type = OBJECT_EXTENSION;
			created->object = (Node *) makeString(((CreateExtensionStmt *) node)->extname);
			return strcmp(((CreateExtensionStmt *) node)->extname, CITUS_EXTENSION_NAME) != 0;
		case T_CreateForeignServerStmt:
			created->type = OBJECT_FOREIGN_SERVER;
			created->object = (Node *) makeString(((CreateForeignServerStmt *) node)->servername);
			return true;
		case T_CreatePublicationStmt:
			created->type = OBJECT_PUBLICATION;
			created->object = (Node *) makeString(((CreatePublicationStmt *) node)->pubname);
			return true;
		default:
			elog(ERROR, "unexpected kind of statement: %d", (int) nodeTag(node));
	}
	return false;
}

/* looking up types says again what the statement itself says: table.column%TYPE converted */
static ObjectAddress
find_quietly(const CreatedObject *created)
{
	int			level = NewGUCNestLevel();
	ObjectAddress address;

	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	address = commands_object_find(created->type, created->object);
	AtEOXact_GUC(true, level);
	return address;
}

/* what was replaced by something that only this node can have; others may not depend on it there */
static void
stop_sharing(ObjectType type, const ObjectAddress *address)
{
	MetadataDelta *delta = cluster_delta_begin();

	cluster_delta_drop_object(delta, address);
	cluster_delta_apply(delta);
	commands_run_on_nodes(list_make1(commands_drop_text(type, address, DROP_RESTRICT)));
}

static void
share_created(Command *command, void *argument)
{
	CreatedObject *created = argument;
	ObjectAddress address = find_quietly(created);

	if (!OidIsValid(address.objectId))
		return;
	if (created->wasKnown && find_obstacle(&address, true) != NULL)
		stop_sharing(created->type, &address);
	else if (created->wasKnown)
	{
		/* bodies have been checked here, where the tables are that other nodes do not have */
		cluster_ensure_dependencies(&address, false);
		commands_run_on_nodes(list_make2("SET LOCAL check_function_bodies TO off",
										 unconstify(char *, command->text)));
	}
	else if (!is_held_back(&address))
		commands_share_object(&address);
	if (IsA(command->statement, CreateSchemaStmt))
		commands_settle_elements(((CreateSchemaStmt *) command->statement)->schemaElts,
								 address.objectId);
}

/* the rows of a known table are not in the relation that a publication names */
void
commands_warn_of_published(List *objects)
{
	ListCell   *cell;

	foreach(cell, objects)
	{
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, cell);
		Oid			relid = object->pubtable == NULL ? InvalidOid :
			RangeVarGetRelid(object->pubtable->relation, NoLock, true);

		if (!OidIsValid(relid) || !catalog_table_is_known(relid))
			continue;
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("changes of table \"%s\" are not published under its name",
						get_rel_name(relid)),
				 errdetail("Its rows are in shards, which publications of whole schemas and of all "
						   "tables publish, each node its own.")));
	}
}

/*
 * The object is looked up by name after the server has made it: it does not tell us its OID.
 */
List *
commands_steps_create_object(Command *command)
{
	CreatedObject *created = palloc0(sizeof(CreatedObject));
	ObjectAddress before;

	if (!created_object(command->statement, created))
		return NIL;
	if (IsA(command->statement, CreatePublicationStmt))
		commands_warn_of_published(((CreatePublicationStmt *) command->statement)->pubobjects);
	before = find_quietly(created);
	created->wasKnown = commands_object_is_known(&before);
	return list_make2(commands_step_local(), commands_step_call(share_created, created));
}
