/*
 * txn_deadlock_graph.c: victims of made-up edges.
 */
#include "postgres.h"

#include "txn/txn_deadlock_internal.h"
#include "unit.h"

#define MAX_EDGES 16

static WaitEdge edges[MAX_EDGES];
static int	nedges;

/* a session of transaction number, begun in the group at time number; its client is elsewhere */
static WaitMember
part(GroupId group, GroupId initiator, uint64 number)
{
	WaitMember	member = {
		.group = group, .pid = 1000 + (int) number,
		.clientGroup = initiator, .clientPid = (int) number,
		.xact = {.initiatorGroup = initiator, .number = number, .timestamp = (int64) number},
	};

	return member;
}

/* a session without distributed transaction */
static WaitMember
session(GroupId group, int pid, GroupId clientGroup, int clientPid)
{
	WaitMember	member = {
		.group = group, .pid = pid, .clientGroup = clientGroup, .clientPid = clientPid,
		.xact = {.initiatorGroup = group},
	};

	return member;
}

static void
wait_for(WaitMember waiting, WaitMember blocking)
{
	edges[nedges].waiting = waiting;
	edges[nedges].blocking = blocking;
	nedges++;
}

/* transaction a of group 0 waits for b of group 0 on a node */
static void
wait_on(GroupId group, uint64 a, uint64 b)
{
	wait_for(part(group, 0, a), part(group, 0, b));
}

static List *
victims(void)
{
	return txn_deadlock_victims(edges, nedges);
}

static uint64
number_of(List *list, int i)
{
	return ((DistXactId *) list_nth(list, i))->number;
}

UNIT_TEST(deadlock_nobody_waits)
{
	nedges = 0;
	UNIT_ASSERT_INT(0, list_length(victims()));
}

UNIT_TEST(deadlock_chain_is_none)
{
	nedges = 0;
	wait_on(1, 3, 2);
	wait_on(2, 2, 1);
	wait_on(2, 3, 1);
	UNIT_ASSERT_INT(0, list_length(victims()));
}

UNIT_TEST(deadlock_youngest_of_two)
{
	nedges = 0;
	wait_on(1, 1, 2);
	wait_on(2, 2, 1);
	UNIT_ASSERT_INT(1, list_length(victims()));
	UNIT_ASSERT_INT(2, number_of(victims(), 0));
}

UNIT_TEST(deadlock_youngest_of_three_with_bystanders)
{
	nedges = 0;
	wait_on(1, 9, 5);			/* waits for the cycle, is not in it */
	wait_on(1, 5, 7);
	wait_on(2, 7, 6);
	wait_on(3, 6, 5);
	wait_on(3, 6, 8);			/* the cycle waits for it */
	UNIT_ASSERT_INT(1, list_length(victims()));
	UNIT_ASSERT_INT(7, number_of(victims(), 0));
}

UNIT_TEST(deadlock_order_of_edges_does_not_matter)
{
	List	   *list;

	nedges = 0;
	wait_on(3, 6, 8);
	wait_on(3, 6, 5);
	wait_on(2, 7, 6);
	wait_on(1, 5, 7);
	wait_on(1, 9, 5);
	list = victims();
	UNIT_ASSERT_INT(1, list_length(list));
	UNIT_ASSERT_INT(7, number_of(list, 0));
}

UNIT_TEST(deadlock_two_cycles_two_victims)
{
	List	   *list;

	nedges = 0;
	wait_on(1, 1, 2);
	wait_on(2, 2, 1);
	wait_on(1, 3, 4);
	wait_on(2, 4, 3);
	list = victims();
	UNIT_ASSERT_INT(2, list_length(list));
	UNIT_ASSERT_INT(4, number_of(list, 0));
	UNIT_ASSERT_INT(2, number_of(list, 1));
}

UNIT_TEST(deadlock_one_victim_for_cycles_that_share_it)
{
	List	   *list;

	nedges = 0;
	wait_on(1, 1, 3);
	wait_on(2, 3, 1);
	wait_on(1, 2, 3);
	wait_on(2, 3, 2);
	list = victims();
	UNIT_ASSERT_INT(1, list_length(list));
	UNIT_ASSERT_INT(3, number_of(list, 0));
}

UNIT_TEST(deadlock_same_number_of_other_initiator)
{
	nedges = 0;
	wait_for(part(1, 0, 1), part(1, 0, 2));
	wait_for(part(2, 5, 2), part(2, 0, 1));
	UNIT_ASSERT_INT(0, list_length(victims()));
}

UNIT_TEST(deadlock_through_a_local_session)
{
	List	   *list;

	/* 1 waits for a session that was opened on the worker itself */
	nedges = 0;
	wait_for(part(1, 0, 1), session(1, 77, 1, 77));
	wait_for(session(1, 77, 1, 77), part(1, 0, 2));
	wait_on(2, 2, 1);
	list = victims();
	UNIT_ASSERT_INT(1, list_length(list));
	UNIT_ASSERT_INT(2, number_of(list, 0));

	/* the same process id on another node is another session */
	nedges = 0;
	wait_for(part(1, 0, 1), session(1, 77, 1, 77));
	wait_for(session(2, 77, 2, 77), part(2, 0, 2));
	wait_on(3, 2, 1);
	UNIT_ASSERT_INT(0, list_length(victims()));
}

UNIT_TEST(deadlock_through_a_helper_of_a_client)
{
	List	   *list;

	/* client 50 of group 0 holds what 2 wants there; its statement on group 1 waits for 2 */
	nedges = 0;
	wait_for(session(1, 900, 0, 50), part(1, 0, 2));
	wait_for(part(0, 0, 2), session(0, 50, 0, 50));
	list = victims();
	UNIT_ASSERT_INT(1, list_length(list));
	UNIT_ASSERT_INT(2, number_of(list, 0));

	/* another helper of the same client, which does not wait, gives free what it holds */
	nedges = 0;
	wait_for(session(1, 900, 0, 50), part(1, 0, 2));
	wait_for(part(1, 0, 2), session(1, 901, 0, 50));
	UNIT_ASSERT_INT(0, list_length(victims()));
}

UNIT_TEST(deadlock_with_oneself)
{
	nedges = 0;
	wait_for(session(1, 900, 0, 50), session(1, 900, 0, 50));
	UNIT_ASSERT_INT(0, list_length(victims()));
	wait_on(1, 4, 4);
	UNIT_ASSERT_INT(1, list_length(victims()));
}

UNIT_TEST(deadlock_confirmed_by_what_was_there_before)
{
	WaitEdge	earlier[2];

	nedges = 0;
	wait_on(1, 1, 2);
	wait_on(2, 2, 1);
	memcpy(earlier, edges, sizeof(earlier));
	UNIT_ASSERT_INT(2, txn_deadlock_confirm(edges, nedges, earlier, 2));

	/* the same session, another transaction */
	earlier[1].waiting.xact.number = 99;
	UNIT_ASSERT_INT(1, txn_deadlock_confirm(edges, nedges, earlier, 2));
	UNIT_ASSERT_INT(1, (int) edges[0].waiting.xact.number);
	UNIT_ASSERT_INT(0, txn_deadlock_confirm(edges, 1, earlier, 0));
}
