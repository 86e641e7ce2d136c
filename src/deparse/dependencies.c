/*
 * dependencies.c
 *	  What must exist before an object can be made, in an order in which it can be made.
 *
 * A depth-first walk over pg_depend and pg_shdepend.  Only independent objects are nodes of the
 * walk: what is part of another object (a default, a constraint, a rule, an index, a row type) is
 * looked through, and a member of an extension counts as the extension.
 *
 * Invariants: (1) an object stands behind everything it depends on, except along cycles, where the
 * one met first stands last; (2) nothing of the server itself, nothing of this extension, and not
 * the object asked for are in the answer.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "citus/base/depend.h"
#include "citus/base/session.h"
#include "deparse/deparse_internal.h"

typedef struct Walk
{
	ObjectAddresses *visited;	/* nodes and parts, so that cycles end */
	List	   *found;			/* of ObjectAddress *, in order */
} Walk;

static void visit(Walk *walk, ObjectAddress address);
static void visit_depended(Walk *walk, Oid classId, Oid objectId);


static bool
is_shared_class(Oid classId)
{
	return classId == AuthIdRelationId || classId == DatabaseRelationId;
}

/* the constraint is a foreign key: those are made after all tables */
static bool
is_foreign_key(Oid constraintId)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraintId));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN;
	ReleaseSysCache(tuple);
	return result;
}

/* whether an object that depends on its owner is a part of it, made together with it */
static bool
is_part(const Form_pg_depend form)
{
	switch (form->classid)
	{
		case RewriteRelationId:
			/* a rule that stays on this node is made on no other; a view's query is the view */
			return form->deptype == DEPENDENCY_INTERNAL ||
				!OidIsValid(deparse_relation_of_rule_missing(form->objid));
		case AccessMethodOperatorRelationId:
		case AccessMethodProcedureRelationId:
		case AttrDefaultRelationId:
		case PolicyRelationId:
		case StatisticExtRelationId:
		case TriggerRelationId:
			return true;
		case PublicationRelRelationId:
		case PublicationNamespaceRelationId:
			/* the entry hangs on the table or schema as well, but is no part of that */
			return form->refclassid == PublicationRelationId;
		case ConstraintRelationId:
			return !is_foreign_key(form->objid);
		case RelationRelationId:
			{
				char		kind = get_rel_relkind(form->objid);

				return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ||
					kind == RELKIND_COMPOSITE_TYPE;
			}
		default:
			return false;
	}
}

/*
 * Replaces a part by the object that it is part of, which must exist instead: element types of
 * arrays, ranges of multiranges, tables of row types, tables of indexes.
 */
static ObjectAddress
whole_of(ObjectAddress address)
{
	address.objectSubId = 0;
	if (address.classId == TypeRelationId)
	{
		Oid			element = get_element_type(address.objectId);
		Oid			relid;

		if (OidIsValid(element) && type_is_array(address.objectId))
			address.objectId = element;
		if (get_typtype(address.objectId) == TYPTYPE_MULTIRANGE)
			address.objectId = get_multirange_range(address.objectId);
		relid = get_typ_typrelid(address.objectId);
		if (OidIsValid(relid) && get_rel_relkind(relid) != RELKIND_COMPOSITE_TYPE)
			ObjectAddressSet(address, RelationRelationId, relid);
	}
	return address;
}

/* entries of publications go with their table or schema */
static bool
is_publication_entry(Oid classId)
{
	return classId == PublicationRelRelationId || classId == PublicationNamespaceRelationId;
}

/* the family of an operator class, and what a member of a family names */
static bool
is_operator_reference(const Form_pg_depend form)
{
	switch (form->classid)
	{
		case OperatorClassRelationId:
			return form->refclassid == OperatorFamilyRelationId;
		case AccessMethodOperatorRelationId:
			return form->refclassid == OperatorRelationId;
		case AccessMethodProcedureRelationId:
			return form->refclassid == ProcedureRelationId;
		default:
			return false;
	}
}

/* Objects that this one refers to.  Automatic dependencies are mostly those of parts. */
static void
visit_referenced(Walk *walk, Oid classId, Oid objectId)
{
	List	   *rows = base_depend_of(classId, objectId);
	ListCell   *cell;

	foreach(cell, rows)
	{
		Form_pg_depend row = lfirst(cell);
		ObjectAddress address;

		if (row->deptype != DEPENDENCY_NORMAL &&
			!(row->deptype == DEPENDENCY_AUTO &&
			  (is_publication_entry(classId) || is_operator_reference(row))))
			continue;
		if (row->refobjid < FirstNormalObjectId)
			continue;
		ObjectAddressSet(address, row->refclassid, row->refobjid);
		visit(walk, address);
	}
	list_free_deep(rows);
}

/* what the parts of an object refer to */
static void
visit_parts(Walk *walk, Oid classId, Oid objectId)
{
	List	   *rows = base_depend_on(classId, objectId);
	ListCell   *cell;

	foreach(cell, rows)
	{
		Form_pg_depend row = lfirst(cell);

		if ((row->deptype == DEPENDENCY_AUTO || row->deptype == DEPENDENCY_INTERNAL) &&
			is_part(row))
			visit_depended(walk, row->classid, row->objid);
	}
	list_free_deep(rows);
}

/* owner, and roles with rights or in policies */
static void
visit_roles(Walk *walk, Oid classId, Oid objectId)
{
	Relation	depend = table_open(SharedDependRelationId, AccessShareLock);
	List	   *roles = NIL;
	SysScanDesc scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;
	ListCell   *cell;

	ScanKeyInit(&keys[0], Anum_pg_shdepend_dbid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(is_shared_class(classId) ? InvalidOid : MyDatabaseId));
	ScanKeyInit(&keys[1], Anum_pg_shdepend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(classId));
	ScanKeyInit(&keys[2], Anum_pg_shdepend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(objectId));
	scan = systable_beginscan(depend, SharedDependDependerIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(tuple);

		if (form->refclassid == AuthIdRelationId)
			roles = list_append_unique_oid(roles, form->refobjid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);

	foreach(cell, roles)
	{
		ObjectAddress address;

		ObjectAddressSet(address, AuthIdRelationId, lfirst_oid(cell));
		visit(walk, address);
	}
	list_free(roles);
}

/* roles that a role is a member of */
static void
visit_memberships(Walk *walk, Oid roleId)
{
	CatCList   *memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(roleId));
	List	   *roles = NIL;
	ListCell   *cell;

	for (int i = 0; i < memberships->n_members; i++)
	{
		HeapTuple	tuple = &memberships->members[i]->tuple;

		roles = lappend_oid(roles, ((Form_pg_auth_members) GETSTRUCT(tuple))->roleid);
	}
	ReleaseSysCacheList(memberships);
	foreach(cell, roles)
	{
		ObjectAddress address;

		ObjectAddressSet(address, AuthIdRelationId, lfirst_oid(cell));
		visit(walk, address);
	}
	list_free(roles);
}

/* false if it was visited before */
static bool
mark_visited(Walk *walk, Oid classId, Oid objectId)
{
	ObjectAddress address;

	ObjectAddressSet(address, classId, objectId);
	if (object_address_present(&address, walk->visited))
		return false;
	add_exact_object_address(&address, walk->visited);
	return true;
}

static void
visit_depended(Walk *walk, Oid classId, Oid objectId)
{
	if (!mark_visited(walk, classId, objectId))
		return;
	check_stack_depth();
	visit_roles(walk, classId, objectId);
	if (classId == AuthIdRelationId)
	{
		visit_memberships(walk, objectId);
		return;
	}
	visit_referenced(walk, classId, objectId);
	visit_parts(walk, classId, objectId);
	if (classId == TypeRelationId && OidIsValid(get_typ_typrelid(objectId)))
		visit_depended(walk, RelationRelationId, get_typ_typrelid(objectId));
}

static void
visit(Walk *walk, ObjectAddress address)
{
	ObjectAddress *found;
	Oid			extension;

	address = whole_of(address);
	if (address.objectId < FirstNormalObjectId)
		return;
	extension = getExtensionOfObject(address.classId, address.objectId);
	if (OidIsValid(extension) && address.classId != ExtensionRelationId)
		ObjectAddressSet(address, ExtensionRelationId, extension);
	if (address.classId == ExtensionRelationId &&
		(address.objectId == base_extension_oid() || address.objectId < FirstNormalObjectId))
		return;
	if (object_address_present(&address, walk->visited))
		return;

	visit_depended(walk, address.classId, address.objectId);
	found = palloc(sizeof(ObjectAddress));
	*found = address;
	walk->found = lappend(walk->found, found);
}

/* Palloc'd in the current context. */
List *
deparse_object_dependencies(const ObjectAddress *address)
{
	Walk		walk = {new_object_addresses(), NIL};

	visit_depended(&walk, address->classId, address->objectId);
	free_object_addresses(walk.visited);
	return walk.found;
}
