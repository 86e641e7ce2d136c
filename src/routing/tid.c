/*
 * tid.c
 *	  ctid of a row among all shards of its table.
 *
 * A heap page has at most MaxHeapTuplesPerPage rows, so the upper bits of an offset are free: they
 * hold the low bits of the shard's index.  What does not fit there stands in the upper bits of the
 * block number, as many as the table's number of shards needs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "port/pg_bitutils.h"

#include "routing/routing_internal.h"

#define OFFSET_BITS		9		/* of an offset within a page */
#define INDEX_BITS		7		/* of a shard's index, above them */

StaticAssertDecl(MaxHeapTuplesPerPage < (1 << OFFSET_BITS), "offsets fit");

/* bits of a block number that are left for block numbers */
static int
block_bits(const DistTable *table)
{
	int			groups = (table->nshards - 1) >> INDEX_BITS;

	return 32 - (groups == 0 ? 0 : pg_leftmost_one_pos32(groups) + 1);
}

int
routing_place_of_tid(const DistTable *table, ItemPointer tid, ItemPointer place)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);
	int			blockBits = block_bits(table);
	int			index = offset >> OFFSET_BITS;

	if (table->nshards <= 1)
	{
		ItemPointerCopy(tid, place);
		return 0;
	}
	if (blockBits < 32)
	{
		index |= (int) (block >> blockBits) << INDEX_BITS;
		block &= ((BlockNumber) 1 << blockBits) - 1;
	}
	ItemPointerSet(place, block, offset & ((1 << OFFSET_BITS) - 1));
	return index;
}

void
routing_tid(const DistTable *table, int index, ItemPointer place, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(place);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(place);
	int			high = index >> INDEX_BITS;
	int			blockBits = block_bits(table);

	if (table->nshards <= 1)
	{
		ItemPointerCopy(place, tid);
		return;
	}
	if (offset >= (1 << OFFSET_BITS) || (uint64) block >= (UINT64CONST(1) << blockBits))
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("ctid (%u,%u) of a row of table with OID %u cannot be shown", block, offset,
					   table->relid),
				errdetail("It leaves no room for the number of the shard."));
	if (blockBits < 32)
		block |= (BlockNumber) high << blockBits;
	ItemPointerSet(tid, block, offset | (index & ((1 << INDEX_BITS) - 1)) << OFFSET_BITS);
}
