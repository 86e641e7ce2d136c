/*
 * operations.c
 *	  Settings of the module.
 */
#include "postgres.h"

#include <limits.h>

#include "citus/base/settings.h"
#include "citus/operations/operations.h"
#include "operations/operations_internal.h"

bool		operations_replicate_on_activate = true;
int			operations_metadata_sync_mode = METADATA_SYNC_TRANSACTIONAL;

int			operations_sync_interval = 60000;
int			operations_cleanup_interval = 15000;

/* the function, which is SQL, asks for it by name */
static int	diskSizeBaseCost = 100 * 1024 * 1024;

static const struct config_enum_entry metadata_sync_modes[] = {
	{"transactional", METADATA_SYNC_TRANSACTIONAL, false},
	{"nontransactional", METADATA_SYNC_NONTRANSACTIONAL, false},
	{NULL, 0, false},
};

static const SettingDef settings[] = {
	{
		.name = "citus.replicate_reference_tables_on_activate",
		.description = "Copies reference tables to a node when it is activated.",
		.type = SETTING_BOOL,
		.variable = &operations_replicate_on_activate,
		.boot.b = true,
		.context = PGC_USERSET,
		.flags = GUC_NO_SHOW_ALL,
	},
	{
		.name = "citus.metadata_sync_mode",
		.description = "Whether a node may be activated inside a transaction block.",
		.type = SETTING_ENUM,
		.variable = &operations_metadata_sync_mode,
		.boot.i = METADATA_SYNC_TRANSACTIONAL,
		.options = metadata_sync_modes,
		.context = PGC_SUSET,
		.flags = GUC_NO_SHOW_ALL,
	},
	{
		.name = "citus.metadata_sync_interval",
		.description = "Time between two looks for nodes that missed a change of metadata.",
		.type = SETTING_INT,
		.variable = &operations_sync_interval,
		.boot.i = 60000,
		.min = 1,
		.max = 7 * 24 * 3600 * 1000,
		.context = PGC_SIGHUP,
		.flags = GUC_UNIT_MS | GUC_NO_SHOW_ALL,
	},
	{
		.name = "citus.defer_shard_delete_interval",
		.description = "Time between two attempts to drop what could not be dropped before.",
		.type = SETTING_INT,
		.variable = &operations_cleanup_interval,
		.boot.i = 15000,
		.min = -1,
		.max = 7 * 24 * 3600 * 1000,
		.context = PGC_SIGHUP,
		.flags = GUC_UNIT_MS,
	},
	{
		.name = "citus.rebalancer_by_disk_size_base_cost",
		.description = "What citus_shard_cost_by_disk_size() adds to the size of a shard.",
		.type = SETTING_INT,
		.variable = &diskSizeBaseCost,
		.boot.i = 100 * 1024 * 1024,
		.min = 0,
		.max = INT_MAX,
		.context = PGC_USERSET,
		.flags = GUC_UNIT_BYTE | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
	},
};

void
operations_init(void)
{
	base_settings_register(settings, lengthof(settings));
}
