/*
 * tables.c
 *	  The module: its settings and its initialiser.
 */
#include "postgres.h"

#include "citus/base/lifecycle.h"
#include "citus/base/settings.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

int			tables_shard_count = 32;
int			tables_shard_replication_factor = 1;
bool		tables_allow_unsafe_constraints = false;
bool		tables_enable_local_reference_fks = true;

static const SettingDef settings[] = {
	{
		.name = "citus.shard_count",
		.description = "Number of shards of a hash-distributed table when none is given.",
		.type = SETTING_INT, .variable = &tables_shard_count, .boot.i = 32,
		.min = 1, .max = 64000,
		.context = PGC_USERSET,
	},
	{
		.name = "citus.shard_replication_factor",
		.description = "Number of copies of each shard of a new hash-distributed table.",
		.type = SETTING_INT, .variable = &tables_shard_replication_factor, .boot.i = 1,
		.min = 1, .max = 100,
		.context = PGC_USERSET,
	},
	{
		.name = "citus.allow_unsafe_constraints",
		.description = "Allows unique and exclusion constraints without the distribution column, "
		"which then hold within each shard only.",
		.type = SETTING_BOOL, .variable = &tables_allow_unsafe_constraints, .boot.b = false,
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL,
	},
	{
		.name = "citus.enable_local_reference_table_foreign_keys",
		.description = "Permits foreign keys between local and reference tables.",
		.type = SETTING_BOOL, .variable = &tables_enable_local_reference_fks, .boot.b = true,
		.context = PGC_USERSET,
	},
};

void
tables_init(void)
{
	base_settings_register(settings, lengthof(settings));
	base_lifecycle_register(PHASE_COMMANDS, tables_forget_links);
}
