/*
 * txn_snapshot_match.c: do made-up reports of snapshots agree?
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "txn/txn_snapshot_internal.h"
#include "unit.h"

#define MS INT64CONST(1000)
#define MAX_XACTS 8

static SnapshotReport reports[3];

/* reports of groups 1, 2 and 3 that go back 50 ms and know of nothing */
static void
start(void)
{
	for (int i = 0; i < 3; i++)
	{
		memset(&reports[i], 0, sizeof(SnapshotReport));
		reports[i].groupId = i + 1;
		reports[i].window = 50 * MS;
		reports[i].xacts = palloc0(MAX_XACTS * sizeof(ReportedXact));
	}
}

/* a transaction of groups 1 and 2, as the node of group sees it */
static ReportedXact *
report(GroupId group, uint64 number, bool visible, int64 age)
{
	SnapshotReport *of = &reports[group - 1];
	ReportedXact *xact = &of->xacts[of->nxacts++];

	xact->id.number = number;
	xact->visible = visible;
	xact->age = age;
	xact->participants.n = 2;
	xact->participants.groups[0] = 1;
	xact->participants.groups[1] = 2;
	return xact;
}

/* as a number: which transactions must be seen by 1, 2 and 3 */
static int
must_see(int64 elapsed)
{
	bool		uncovered;
	bool		agree = txn_snapshot_match(reports, 3, elapsed, &uncovered);
	int			result = 0;

	for (int i = 0; i < 3; i++)
	{
		ListCell   *cell;

		result *= 100;
		foreach(cell, reports[i].mustSee)
			result += ((GlobalXact *) lfirst(cell))->number;
	}
	UNIT_ASSERT(!uncovered);
	UNIT_ASSERT(agree == (result == 0));
	return result;
}

UNIT_TEST(snapshots_that_know_of_nothing_agree)
{
	start();
	UNIT_ASSERT_INT(0, must_see(1 * MS));
}

UNIT_TEST(snapshots_of_a_transaction_seen_by_all_agree)
{
	start();
	report(1, 7, true, 0);
	report(2, 7, true, 30 * MS);
	UNIT_ASSERT_INT(0, must_see(1 * MS));
	start();
	report(1, 7, false, 1 * MS);
	report(2, 7, false, 1 * MS);
	UNIT_ASSERT_INT(0, must_see(1 * MS));
}

UNIT_TEST(snapshot_before_the_commit_of_a_transaction_that_another_sees)
{
	start();
	report(1, 7, true, 0);
	report(2, 7, false, 4 * MS);
	UNIT_ASSERT_INT(700, must_see(1 * MS));
	/* each lacks another one */
	report(1, 8, false, 1 * MS);
	report(2, 8, true, 20 * MS);
	UNIT_ASSERT_INT(80700, must_see(1 * MS));
}

UNIT_TEST(snapshot_before_the_prepare_of_a_transaction_that_another_sees)
{
	GlobalXact	id = {0, 7};

	start();
	report(1, 7, true, 1 * MS);
	UNIT_ASSERT_INT(700, must_see(2 * MS));
	/* it ended before the first snapshot was asked for: prepared everywhere, ended at 2 long ago */
	start();
	report(1, 7, true, 10 * MS);
	UNIT_ASSERT_INT(0, must_see(2 * MS));
	/* 2 has waited for it */
	start();
	report(1, 7, true, 1 * MS);
	reports[1].seen = list_make1(&id);
	UNIT_ASSERT_INT(0, must_see(2 * MS));
}

UNIT_TEST(snapshot_of_a_transaction_whose_end_another_node_has_forgotten)
{
	start();
	report(2, 7, false, 60 * MS);
	UNIT_ASSERT_INT(700, must_see(1 * MS));
	/* prepared here just now, and there after that snapshot */
	start();
	report(2, 7, false, 5 * MS);
	UNIT_ASSERT_INT(0, must_see(1 * MS));
	/* a restarted server knows of nothing before */
	reports[0].window = 4 * MS;
	UNIT_ASSERT_INT(700, must_see(1 * MS));
}

UNIT_TEST(snapshot_between_two_parts_on_one_node)
{
	start();
	report(2, 7, true, 1 * MS);
	report(2, 7, false, 1 * MS);
	/* the other participant has not seen it, either */
	UNIT_ASSERT_INT(70700, must_see(2 * MS));
}

UNIT_TEST(snapshots_of_nodes_that_take_no_part)
{
	start();
	report(1, 7, true, 0)->participants.groups[1] = 9;
	UNIT_ASSERT_INT(0, must_see(1 * MS));
	/* unknown: perhaps all */
	start();
	report(1, 7, true, 0)->participants.n = PARTICIPANTS_UNKNOWN;
	UNIT_ASSERT_INT(707, must_see(1 * MS));
}

/* reports[0] stays; false: the other one sees more */
static bool
earlier_agrees(int64 elapsed)
{
	reports[1].mustSee = NIL;
	return txn_snapshot_match_earlier(&reports[0], &reports[1], elapsed);
}

UNIT_TEST(snapshot_that_stays_and_does_not_see_what_another_sees)
{
	start();
	report(1, 7, false, 900 * MS);
	report(2, 7, true, 1 * MS);
	UNIT_ASSERT(!earlier_agrees(1 * MS));
	/* ended there so long ago that it is not reported */
	start();
	report(1, 7, false, 900 * MS);
	UNIT_ASSERT(!earlier_agrees(1 * MS));
	/* about to be prepared */
	start();
	report(1, 7, false, 1 * MS);
	UNIT_ASSERT(earlier_agrees(1 * MS));
	UNIT_ASSERT(reports[1].mustSee == NIL);
	/* in doubt on both */
	report(2, 7, false, 1 * MS);
	UNIT_ASSERT(earlier_agrees(1 * MS));
	UNIT_ASSERT(reports[1].mustSee == NIL);
	/* not there at all */
	start();
	report(1, 7, false, 900 * MS)->participants.groups[1] = 9;
	UNIT_ASSERT(earlier_agrees(1 * MS));
}

UNIT_TEST(snapshot_that_stays_and_sees_what_another_must_wait_for)
{
	start();
	report(1, 7, true, 1 * MS);
	report(2, 7, false, 1 * MS);
	UNIT_ASSERT(earlier_agrees(1 * MS));
	UNIT_ASSERT_INT(1, list_length(reports[1].mustSee));
	/* perhaps forgotten by the one that stays */
	start();
	report(2, 7, false, 60 * MS);
	UNIT_ASSERT(earlier_agrees(1 * MS));
	UNIT_ASSERT_INT(1, list_length(reports[1].mustSee));
	start();
	report(2, 7, false, 5 * MS);
	UNIT_ASSERT(earlier_agrees(1 * MS));
	UNIT_ASSERT(reports[1].mustSee == NIL);
}

UNIT_TEST(snapshots_whose_reports_do_not_go_back_far_enough)
{
	bool		uncovered;

	start();
	UNIT_ASSERT(!txn_snapshot_match(reports, 3, 60 * MS, &uncovered));
	UNIT_ASSERT(uncovered);
	/* one snapshot alone agrees with itself */
	UNIT_ASSERT(txn_snapshot_match(reports, 1, 60 * MS, &uncovered));
}

/* 1 and 3 are in use for 400 ms when 2 comes, whose report goes back far enough */
static bool
late_agrees(void)
{
	bool		uncovered;
	bool		agree;

	reports[1].window = 1600 * MS;
	agree = txn_snapshot_match_late(reports, 3, 1, 400 * MS, &uncovered);
	UNIT_ASSERT(!uncovered);
	return agree;
}

UNIT_TEST(snapshot_that_comes_when_others_are_in_use)
{
	GlobalXact	id = {0, 7};
	bool		uncovered;

	/* how far the others go back does not matter */
	start();
	UNIT_ASSERT(late_agrees());
	/* ended while they were in use, and before; there it may have been forgotten */
	start();
	report(2, 7, true, 300 * MS);
	UNIT_ASSERT(!late_agrees());
	UNIT_ASSERT_INT(1, list_length(reports[0].mustSee));
	start();
	report(2, 7, true, 500 * MS);
	UNIT_ASSERT(late_agrees());
	/* as nearly then that clocks may differ about it, but known to have ended before */
	start();
	report(2, 7, true, 410 * MS);
	UNIT_ASSERT(!late_agrees());
	reports[0].seen = list_make1(&id);
	UNIT_ASSERT(late_agrees());
	/* seen by one that is in use: can be waited for */
	start();
	report(1, 7, true, 1 * MS);
	report(2, 7, false, 401 * MS);
	UNIT_ASSERT(!late_agrees());
	UNIT_ASSERT(reports[0].mustSee == NIL);
	UNIT_ASSERT_INT(1, list_length(reports[1].mustSee));
	/* those in use have agreed: of what is at the edge of their windows nothing is asked */
	start();
	report(1, 7, true, 49 * MS)->participants.groups[1] = 3;
	UNIT_ASSERT(late_agrees());
	/* the late one's server knows too little of what ended meanwhile */
	start();
	UNIT_ASSERT(!txn_snapshot_match_late(reports, 3, 1, 400 * MS, &uncovered));
	UNIT_ASSERT(uncovered);
}

UNIT_TEST(snapshot_reports_as_text)
{
	StringInfoData text;
	SnapshotReport copy;
	List	   *ids;

	start();
	reports[0].slot = -1;
	report(1, PG_UINT64_MAX, true, 12)->participants.n = PARTICIPANTS_UNKNOWN;
	report(1, 5, false, 1)->id.group = 3;
	initStringInfo(&text);
	txn_snapshot_print(&reports[0], &text);
	UNIT_ASSERT_STR("50000 -1;0 18446744073709551615 1 12 *;3 5 0 1 1,2", text.data);
	UNIT_ASSERT(txn_snapshot_parse(text.data, &copy));
	UNIT_ASSERT_INT(2, copy.nxacts);
	UNIT_ASSERT_INT(-1, copy.slot);
	UNIT_ASSERT(copy.xacts[0].id.number == PG_UINT64_MAX && copy.xacts[0].visible);
	UNIT_ASSERT_INT(2, copy.xacts[1].participants.n);
	UNIT_ASSERT_INT(3, copy.xacts[1].id.group);

	UNIT_ASSERT(!txn_snapshot_parse("", &copy));
	UNIT_ASSERT(!txn_snapshot_parse("50 1;", &copy));
	UNIT_ASSERT(!txn_snapshot_parse("50 1;1 2 3 4", &copy));
	UNIT_ASSERT(!txn_snapshot_parse("50 1;1 2 1 4 x", &copy));

	ids = txn_snapshot_parse_ids("0:5,3:18446744073709551615");
	UNIT_ASSERT_INT(2, list_length(ids));
	UNIT_ASSERT_STR("0:5,3:18446744073709551615", txn_snapshot_print_ids(ids));
	UNIT_ASSERT_INT(0, list_length(txn_snapshot_parse_ids("")));
	UNIT_ASSERT_ERROR(ERRCODE_INVALID_PARAMETER_VALUE, txn_snapshot_parse_ids("0:5,,"));
	UNIT_ASSERT_ERROR(ERRCODE_INVALID_PARAMETER_VALUE, txn_snapshot_parse_ids("x"));
}
