/*
 * compat.c
 *	  The wrappers of compat.h that are too long to be inlined.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_database.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"

#include "citus/base/compat.h"

#if PG_VERSION_NUM < 160000

/* a class and its function of before 16 */
typedef struct OwnerCheck
{
	Oid			classId;
	bool		(*check) (Oid objectId, Oid roleId);
} OwnerCheck;

static const OwnerCheck ownerChecks[] = {
	{RelationRelationId, pg_class_ownercheck},
	{TypeRelationId, pg_type_ownercheck},
	{OperatorRelationId, pg_oper_ownercheck},
	{ProcedureRelationId, pg_proc_ownercheck},
	{LanguageRelationId, pg_language_ownercheck},
	{NamespaceRelationId, pg_namespace_ownercheck},
	{TableSpaceRelationId, pg_tablespace_ownercheck},
	{OperatorClassRelationId, pg_opclass_ownercheck},
	{OperatorFamilyRelationId, pg_opfamily_ownercheck},
	{DatabaseRelationId, pg_database_ownercheck},
	{CollationRelationId, pg_collation_ownercheck},
	{ConversionRelationId, pg_conversion_ownercheck},
	{TSDictionaryRelationId, pg_ts_dict_ownercheck},
	{TSConfigRelationId, pg_ts_config_ownercheck},
	{ForeignDataWrapperRelationId, pg_foreign_data_wrapper_ownercheck},
	{ForeignServerRelationId, pg_foreign_server_ownercheck},
	{EventTriggerRelationId, pg_event_trigger_ownercheck},
	{ExtensionRelationId, pg_extension_ownercheck},
	{PublicationRelationId, pg_publication_ownercheck},
	{SubscriptionRelationId, pg_subscription_ownercheck},
	{StatisticExtRelationId, pg_statistics_object_ownercheck},
};

bool
compat_object_ownercheck(Oid classId, Oid objectId, Oid roleId)
{
	for (int i = 0; i < lengthof(ownerChecks); i++)
	{
		if (ownerChecks[i].classId == classId)
			return ownerChecks[i].check(objectId, roleId);
	}
	elog(ERROR, "objects of class %u have no owner", classId);
}

/* a class and its function of before 16 */
typedef struct AclCheck
{
	Oid			classId;
	AclResult	(*check) (Oid objectId, Oid roleId, AclMode mode);
} AclCheck;

static const AclCheck aclChecks[] = {
	{RelationRelationId, pg_class_aclcheck},
	{DatabaseRelationId, pg_database_aclcheck},
	{ProcedureRelationId, pg_proc_aclcheck},
	{LanguageRelationId, pg_language_aclcheck},
	{NamespaceRelationId, pg_namespace_aclcheck},
	{TableSpaceRelationId, pg_tablespace_aclcheck},
	{ForeignDataWrapperRelationId, pg_foreign_data_wrapper_aclcheck},
	{ForeignServerRelationId, pg_foreign_server_aclcheck},
	{TypeRelationId, pg_type_aclcheck},
};

AclResult
compat_object_aclcheck(Oid classId, Oid objectId, Oid roleId, AclMode mode)
{
	for (int i = 0; i < lengthof(aclChecks); i++)
	{
		if (aclChecks[i].classId == classId)
			return aclChecks[i].check(objectId, roleId, mode);
	}
	elog(ERROR, "objects of class %u have no rights", classId);
}

#endif

int
compat_proc_in_transaction(int session, LocalTransactionId lxid)
{
#if PG_VERSION_NUM >= 170000
	PGPROC	   *proc = ProcNumberGetProc(session);

	return proc != NULL && proc->vxid.lxid == lxid ? session : -1;
#else
	PGPROC	   *proc = BackendIdGetProc(session);

	return proc != NULL && proc->lxid == lxid ? proc->pgprocno : -1;
#endif
}
