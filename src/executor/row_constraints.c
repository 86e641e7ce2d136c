/*
 * row_constraints.c
 *	  Asks the constraints of a table about rows that this node has, before or instead of a shard.
 *
 * The shell has the same ones, and its names are the user's.  The order and the errors are those
 * of the server's INSERT: the partition, generated columns, NOT NULL and CHECK.
 *
 * Not here: unique and foreign keys, which are asked where the rows are; policies (row_checks.c).
 */
#include "postgres.h"
#include "access/table.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/makefuncs.h"
#include "utils/rel.h"
#include "citus/base/compat_triggers.h"
#include "executor/executor_internal.h"

void
executor_constraints_begin(RowConstraints *constraints, Relation relation)
{
	constraints->relation = relation;
	constraints->estate = CreateExecutorState();
	constraints->info = makeNode(ResultRelInfo);
	constraints->routing = NULL;
	compat_estate_add_target(constraints->estate, relation, NULL);
	InitResultRelInfo(constraints->info, relation, 1, NULL, 0);
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	constraints->modify = makeNode(ModifyTableState);
	constraints->modify->ps.state = constraints->estate;
	constraints->modify->operation = CMD_INSERT;
	constraints->modify->mt_nrels = 1;
	constraints->modify->resultRelInfo = constraints->info;
	constraints->modify->rootResultRelInfo = constraints->info;
	constraints->routing = ExecSetupPartitionTupleRouting(constraints->estate, relation);
}

void
executor_constraints_end(RowConstraints *constraints)
{
	if (constraints->routing != NULL)
		ExecCleanupTupleRouting(constraints->modify, constraints->routing);
	FreeExecutorState(constraints->estate);
}

/* the partition that takes the row, which becomes a row of the partition's; raises 23514 */
static ResultRelInfo *
find_partition(RowConstraints *constraints, TupleTableSlot **row)
{
	ResultRelInfo *info = ExecFindPartition(constraints->modify, constraints->info,
											constraints->routing, *row, constraints->estate);
	TupleDesc	desc = RelationGetDescr(info->ri_RelationDesc);
	TupleConversionMap *map = convert_tuples_by_name(RelationGetDescr(constraints->relation),
													 desc);

	if (map != NULL)
		*row = execute_attr_map_slot(map->attrMap, *row,
									 MakeSingleTupleTableSlot(desc, &TTSOpsVirtual));
	return info;
}

void
executor_constraints_check(RowConstraints *constraints, TupleTableSlot *row)
{
	ResultRelInfo *info = constraints->info;
	TupleTableSlot *given = row;
	TupleConstr *asked;

	if (constraints->routing != NULL)
		info = find_partition(constraints, &row);
	asked = RelationGetDescr(info->ri_RelationDesc)->constr;
	if (asked != NULL && asked->has_generated_stored)
		ExecComputeStoredGenerated(info, constraints->estate, row, CMD_INSERT);
	if (asked != NULL)
		ExecConstraints(info, row, constraints->estate);
	if (constraints->routing == NULL && info->ri_RelationDesc->rd_rel->relispartition)
		ExecPartitionCheck(info, row, constraints->estate, true);
	if (row != given)
		ExecDropSingleTupleTableSlot(row);
}
