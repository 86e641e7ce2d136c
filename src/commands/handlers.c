/*
 * handlers.c
 *	  The table of handlers: what happens to which kind of statement.
 *
 * Kinds that are not listed run on this node alone, as the server has them.
 */
#include "postgres.h"

#include "commands_internal.h"

static const CommandHandler handlers[] = {
	/* data */
	{T_CopyStmt, true, commands_steps_copy},
	{T_TruncateStmt, true, commands_steps_truncate},
	{T_VacuumStmt, false, commands_steps_vacuum},
	{T_LockStmt, false, commands_steps_lock},
	{T_DiscardStmt, true, commands_steps_discard},
	{T_ConstraintsSetStmt, true, commands_steps_set_constraints},
	{T_ClusterStmt, false, commands_steps_cluster},

	/* tables */
	{T_CreateStmt, false, commands_steps_create_table},
	{T_CreateTableAsStmt, false, commands_steps_create_table_as},
	{T_CreateForeignTableStmt, false, commands_steps_create_foreign_table},
	{T_AlterTableStmt, false, commands_steps_alter_table},
	{T_RenameStmt, false, commands_steps_rename},
	{T_AlterObjectSchemaStmt, false, commands_steps_set_schema},
	{T_AlterOwnerStmt, false, commands_steps_owner},
	{T_AlterObjectDependsStmt, false, commands_steps_depends},
	{T_CommentStmt, false, commands_steps_comment},
	{T_SecLabelStmt, false, commands_steps_security_label},
	{T_DropStmt, false, commands_steps_drop},

	/* what hangs on tables */
	{T_IndexStmt, false, commands_steps_create_index},
	{T_ReindexStmt, false, commands_steps_reindex},
	{T_CreateStatsStmt, false, commands_steps_create_statistics},
	{T_AlterStatsStmt, false, commands_steps_alter_statistics},
	{T_CreatePolicyStmt, false, commands_steps_create_policy},
	{T_AlterPolicyStmt, false, commands_steps_alter_policy},
	{T_RuleStmt, false, commands_steps_create_rule},
	{T_CreateTrigStmt, false, commands_steps_create_trigger},

	/* other objects */
	{T_CreateSchemaStmt, false, commands_steps_create_object},
	{T_CompositeTypeStmt, false, commands_steps_create_object},
	{T_CreateEnumStmt, false, commands_steps_create_object},
	{T_CreateRangeStmt, false, commands_steps_create_object},
	{T_CreateDomainStmt, false, commands_steps_create_object},
	{T_CreateFunctionStmt, false, commands_steps_create_object},
	{T_DefineStmt, false, commands_steps_create_object},
	{T_CreateCastStmt, false, commands_steps_create_object},
	{T_CreateOpClassStmt, false, commands_steps_create_object},
	{T_CreateOpFamilyStmt, false, commands_steps_create_object},
	{T_ViewStmt, false, commands_steps_create_object},
	{T_CreateExtensionStmt, false, commands_steps_create_object},
	{T_CreateForeignServerStmt, false, commands_steps_create_object},
	{T_CreatePublicationStmt, false, commands_steps_create_object},

	{T_AlterEnumStmt, false, commands_steps_alter_object},
	{T_AlterTypeStmt, false, commands_steps_alter_object},
	{T_AlterDomainStmt, false, commands_steps_alter_object},
	{T_AlterFunctionStmt, false, commands_steps_alter_object},
	{T_AlterOperatorStmt, false, commands_steps_alter_object},
	{T_AlterOpFamilyStmt, false, commands_steps_alter_object},
	{T_AlterCollationStmt, false, commands_steps_alter_object},
	{T_AlterTSConfigurationStmt, false, commands_steps_alter_object},
	{T_AlterTSDictionaryStmt, false, commands_steps_alter_object},
	{T_AlterForeignServerStmt, false, commands_steps_alter_object},
	{T_AlterPublicationStmt, false, commands_steps_alter_object},
	{T_CreateSeqStmt, false, commands_steps_create_sequence},
	{T_AlterSeqStmt, false, commands_steps_alter_sequence},
	{T_AlterExtensionStmt, false, commands_steps_alter_extension},

	/* roles and rights */
	{T_CreateRoleStmt, false, commands_steps_create_role},
	{T_AlterRoleStmt, false, commands_steps_alter_role},
	{T_AlterRoleSetStmt, false, commands_steps_alter_role_set},
	{T_DropRoleStmt, false, commands_steps_drop_role},
	{T_GrantRoleStmt, false, commands_steps_grant_role},
	{T_GrantStmt, false, commands_steps_grant},
	{T_AlterDatabaseSetStmt, false, commands_steps_database_set},
	{T_DropOwnedStmt, false, commands_steps_drop_owned},
	{T_ReassignOwnedStmt, false, commands_steps_drop_owned},
};

const CommandHandler *
commands_handler_find(NodeTag tag)
{
	for (int i = 0; i < lengthof(handlers); i++)
	{
		if (handlers[i].tag == tag)
			return &handlers[i];
	}
	return NULL;
}
