/*
 * object_ddl.c
 *	  Which kinds of objects can be made again, and the function that makes each.
 *
 * A kind is a line of the table.  Tables go by deparse_table_ddl(), which takes parts.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "deparse/deparse_internal.h"

typedef struct ObjectKind
{
	Oid			classId;
	char		relkind;		/* pg_class only */
	List	   *(*make) (Oid objectId);
	bool		(*supported) (Oid objectId);	/* NULL: all of them */
} ObjectKind;

static const ObjectKind kinds[] = {
	{NamespaceRelationId, 0, deparse_schema, NULL},
	{AuthIdRelationId, 0, deparse_role, NULL},
	{TypeRelationId, 0, deparse_type, deparse_type_is_supported},
	{ProcedureRelationId, 0, deparse_routine, NULL},
	{OperatorRelationId, 0, deparse_operator, deparse_operator_is_supported},
	{OperatorFamilyRelationId, 0, deparse_operator_family, NULL},
	{OperatorClassRelationId, 0, deparse_operator_class, NULL},
	{CastRelationId, 0, deparse_cast, NULL},
	{CollationRelationId, 0, deparse_collation, NULL},
	{ExtensionRelationId, 0, deparse_extension, NULL},
	{RelationRelationId, RELKIND_SEQUENCE, deparse_sequence, NULL},
	{RelationRelationId, RELKIND_VIEW, deparse_view, NULL},
	{TSConfigRelationId, 0, deparse_ts_config, NULL},
	{TSDictionaryRelationId, 0, deparse_ts_dictionary, NULL},
	{ForeignServerRelationId, 0, deparse_server, NULL},
	{PublicationRelationId, 0, deparse_publication, NULL}
};


static const ObjectKind *
kind_of(const ObjectAddress *address)
{
	for (int i = 0; i < lengthof(kinds); i++)
	{
		const ObjectKind *kind = &kinds[i];

		if (kind->classId != address->classId || address->objectSubId != 0)
			continue;
		if (kind->relkind != 0 && kind->relkind != get_rel_relkind(address->objectId))
			continue;
		if (kind->supported != NULL && !kind->supported(address->objectId))
			continue;
		return kind;
	}
	return NULL;
}

bool
deparse_object_is_supported(const ObjectAddress *address)
{
	return kind_of(address) != NULL;
}

/* Palloc'd in the current context.  Raises 42704-class errors for objects that do not exist. */
List *
deparse_object_ddl(const ObjectAddress *address)
{
	const ObjectKind *kind = kind_of(address);
	int			level;
	List	   *texts;

	if (kind == NULL)
		return NIL;
	level = deparse_settings_begin();
	texts = kind->make(address->objectId);
	deparse_settings_end(level);
	return texts;
}
