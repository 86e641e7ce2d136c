/*
 * visibility.c
 *	  Which sessions see the relations of shards in pg_class.
 *
 * Shards are an implementation detail to clients: their catalog queries show tables only.  Sessions
 * that other nodes opened, background processes, and clients that ask for it by setting see all.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "catalog/catalog_internal.h"
#include "citus/base/session.h"
#include "citus/base/settings.h"

static bool overrideTableVisibility = true;
static char *showShardsPrefixes = NULL;
static char *hideShardsPrefixes = NULL;

/* The value must be readable as a list when it is used. */
static bool
check_prefixes(char **newval, void **extra, GucSource source)
{
	List	   *prefixes;
	bool		ok = SplitGUCList(pstrdup(*newval), ',', &prefixes);

	list_free(prefixes);
	if (!ok)
		GUC_check_errdetail("List syntax is invalid.");
	return ok;
}

static bool enableManualChanges = false;

static const SettingDef settings[] = {
	{
		.name = "citus.enable_manual_changes_to_shards",
		.description = "Permits clients to change the relations of shards directly.",
		.type = SETTING_BOOL, .variable = &enableManualChanges, .boot.b = false,
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
	},
	{
		.name = "citus.override_table_visibility",
		.description = "Hides the relations of shards from catalog queries.",
		.type = SETTING_BOOL, .variable = &overrideTableVisibility, .boot.b = true,
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
	},
	{
		.name = "citus.show_shards_for_app_name_prefixes",
		.description = "Shows the relations of shards to clients whose application_name begins "
		"with an item of this list.",
		.type = SETTING_STRING, .variable = &showShardsPrefixes, .boot.s = "",
		.context = PGC_USERSET, .flags = GUC_LIST_INPUT, .check_hook = check_prefixes
	},
	{
		.name = "citus.hide_shards_from_app_name_prefixes",
		.description = "Has no effect; see citus.show_shards_for_app_name_prefixes.",
		.type = SETTING_STRING, .variable = &hideShardsPrefixes, .boot.s = "",
		.context = PGC_SUSET, .flags = GUC_LIST_INPUT | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
	},
};

void
catalog_visibility_start(void)
{
	base_settings_register(settings, lengthof(settings));
}

bool
catalog_shard_changes_allowed(void)
{
	return enableManualChanges;
}

static bool
application_may_see_shards(void)
{
	List	   *prefixes;
	ListCell   *cell;

	if (showShardsPrefixes == NULL || showShardsPrefixes[0] == '\0' ||
		!SplitGUCList(pstrdup(showShardsPrefixes), ',', &prefixes))
		return false;

	foreach(cell, prefixes)
	{
		const char *prefix = lfirst(cell);

		if (strcmp(prefix, "*") == 0 ||
			(application_name != NULL &&
			 strncmp(application_name, prefix, strlen(prefix)) == 0))
			return true;
	}
	return false;
}

bool
catalog_hides_shards(void)
{
	return overrideTableVisibility &&
		MyBackendType == B_BACKEND &&
		base_extension_is_active() &&
		!base_session_is_internal() &&
		!base_frame_active(FRAME_LOCAL_TASK) &&
		!base_frame_active(FRAME_OWN_DDL) &&
		!base_frame_active(FRAME_METADATA_CHANGE) &&
		!application_may_see_shards() &&
		catalog_has_shards();
}
