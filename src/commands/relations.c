/*
 * relations.c
 *	  What handlers ask about relations: is it ours, may the user.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/cluster/cluster.h"
#include "commands_internal.h"

void
commands_refuse_shard(Command *command, Oid relid)
{
	Oid			shellRelid;

	if (command->internal || base_frame_active(FRAME_LOCAL_TASK) || !OidIsValid(relid) ||
		!catalog_relation_is_shard(relid, NULL, &shellRelid) || catalog_shard_changes_allowed())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot modify shard relation \"%s\" directly", get_rel_name(relid)),
			 errdetail("It holds rows of table \"%s\".", get_rel_name(shellRelid)),
			 errhint("Use the table itself, or set citus.enable_manual_changes_to_shards.")));
}

Oid
commands_relation_find(Command *command, const RangeVar *name)
{
	Oid			relid;

	if (name == NULL)
		return InvalidOid;
	relid = RangeVarGetRelid(name, NoLock, true);
	commands_refuse_shard(command, relid);
	return relid;
}

const DistTable *
commands_table_of_relation(Oid relid)
{
	char		relkind;

	if (!OidIsValid(relid))
		return NULL;
	relkind = get_rel_relkind(relid);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	return OidIsValid(relid) ? catalog_table_get(relid) : NULL;
}

void
commands_require_owner(Oid relid)
{
	if (!compat_object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

int
commands_answer_sqlstate(const ClusterAnswer *answer)
{
	if (!answer->reached)
		return ERRCODE_CONNECTION_FAILURE;
	return answer->sqlstate != 0 ? answer->sqlstate : ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
}

const char *
commands_behavior_text(DropBehavior behavior)
{
	return behavior == DROP_CASCADE ? " CASCADE" : "";
}
