/*
 * ids.c
 *	  New identifiers from our sequences.
 *
 * The sequences of the coordinator are the ones that count; that calls happen there is the
 * callers' business.  No rights on the sequences are needed: creating a table is enough.
 */
#include "postgres.h"

#include "commands/sequence.h"
#include "utils/guc.h"

#include "catalog/catalog_internal.h"
#include "citus/base/settings.h"

static int	nextShardId = 0;
static int	nextPlacementId = 0;

static const SettingDef settings[] = {
	{
		.name = "citus.next_shard_id",
		.description = "For tests: the next shard id; 0 takes it from the sequence.",
		.type = SETTING_INT, .variable = &nextShardId, .boot.i = 0,
		.min = 0, .max = INT_MAX,
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
	},
	{
		.name = "citus.next_placement_id",
		.description = "For tests: the next placement id; 0 takes it from the sequence.",
		.type = SETTING_INT, .variable = &nextPlacementId, .boot.i = 0,
		.min = 0, .max = INT_MAX,
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
	},
};

void
catalog_ids_start(void)
{
	base_settings_register(settings, lengthof(settings));
}

static int64
next_value(CatalogRelation sequence)
{
	return nextval_internal(catalog_relation_oid(sequence), false);
}

ShardId
catalog_next_shard_id(void)
{
	return nextShardId > 0 ? nextShardId++ : next_value(REL_SHARD_ID_SEQUENCE);
}

PlacementId
catalog_next_placement_id(void)
{
	return nextPlacementId > 0 ? nextPlacementId++ : next_value(REL_PLACEMENT_ID_SEQUENCE);
}

NodeId
catalog_next_node_id(void)
{
	return (NodeId) next_value(REL_NODE_ID_SEQUENCE);
}

GroupId
catalog_next_group_id(void)
{
	return (GroupId) next_value(REL_GROUP_ID_SEQUENCE);
}

ColocationId
catalog_next_colocation_id(void)
{
	return (ColocationId) next_value(REL_COLOCATION_ID_SEQUENCE);
}
