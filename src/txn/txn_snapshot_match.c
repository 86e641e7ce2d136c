/*
 * txn_snapshot_match.c
 *	  Do snapshots of several nodes agree on every transaction that committed on more than one?
 *
 * Pure: reports in, what new snapshots must see out; and the text form of reports.  The argument
 * why nothing is overlooked, with the numbers of the cases, is in README.md, "Cluster snapshots".
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "txn/txn_snapshot_internal.h"

/* how much the clocks of two nodes may differ over a time, besides what rounding costs */
#define MARGIN(us) ((us) / 16 + 2000)

/* ---- looking things up ---- */

bool
txn_snapshot_has_id(List *ids, const GlobalXact *id)
{
	ListCell   *cell;

	foreach(cell, ids)
	{
		GlobalXact *other = lfirst(cell);

		if (other->number == id->number && other->group == id->group)
			return true;
	}
	return false;
}

static bool
takes_part(const Participants *participants, GroupId group)
{
	if (participants->n == PARTICIPANTS_UNKNOWN)
		return true;
	for (int i = 0; i < participants->n; i++)
		if (participants->groups[i] == group)
			return true;
	return false;
}

typedef enum Sight
{
	SIGHT_UNKNOWN,				/* the report does not mention it */
	SIGHT_VISIBLE,
	SIGHT_INVISIBLE,
	SIGHT_BOTH					/* it has several parts on the node */
} Sight;

static Sight
sight_of(const SnapshotReport *report, const GlobalXact *id)
{
	Sight		sight = SIGHT_UNKNOWN;

	for (int i = 0; i < report->nxacts; i++)
	{
		const ReportedXact *xact = &report->xacts[i];
		Sight		this = xact->visible ? SIGHT_VISIBLE : SIGHT_INVISIBLE;

		if (xact->id.number == id->number && xact->id.group == id->group)
			sight = sight == SIGHT_UNKNOWN || sight == this ? this : SIGHT_BOTH;
	}
	return sight;
}

static void
must_see(SnapshotReport *report, const GlobalXact *id)
{
	GlobalXact *copy;

	if (txn_snapshot_has_id(report->mustSee, id))
		return;
	copy = palloc(sizeof(GlobalXact));
	*copy = *id;
	report->mustSee = lappend(report->mustSee, copy);
}

/* ---- the comparison ---- */

/* the transaction is visible in one report: is it in the other, too? */
static void
compare_visible(const ReportedXact *xact, SnapshotReport *other, int64 elapsed)
{
	switch (sight_of(other, &xact->id))
	{
		case SIGHT_VISIBLE:
			return;
		case SIGHT_INVISIBLE:
		case SIGHT_BOTH:
			must_see(other, &xact->id); /* case 1 */
			return;
		case SIGHT_UNKNOWN:
			/* case 2: the other snapshot may be older than its PREPARE there */
			if (xact->age <= elapsed + MARGIN(elapsed) &&
				!txn_snapshot_has_id(other->seen, &xact->id))
				must_see(other, &xact->id);
			return;
	}
}

/* case 3: may it have seen one that is in doubt elsewhere?  It may be the later report. */
static bool
may_have_forgotten(const SnapshotReport *report, const ReportedXact *xact, int64 elapsed)
{
	return txn_snapshot_has_id(report->seen, &xact->id) ||
		xact->age + MARGIN(xact->age) + elapsed >= report->window;
}

/* the transaction is in doubt in report */
static void
compare_invisible(const ReportedXact *xact, SnapshotReport *report, const SnapshotReport *other,
				  int64 elapsed)
{
	if (sight_of(other, &xact->id) == SIGHT_UNKNOWN &&
		may_have_forgotten(other, xact, elapsed))
		must_see(report, &xact->id);
}

/* what other must see of the transactions in report, and report because other may have seen it */
static void
compare(SnapshotReport *report, SnapshotReport *other, int64 elapsed)
{
	for (int x = 0; x < report->nxacts; x++)
	{
		const ReportedXact *xact = &report->xacts[x];

		if (!takes_part(&xact->participants, other->groupId))
			continue;
		if (xact->visible)
			compare_visible(xact, other, elapsed);
		else
			compare_invisible(xact, report, other, elapsed);
	}
}

/* case 4 */
static void
compare_parts(SnapshotReport *report)
{
	for (int x = 0; x < report->nxacts; x++)
	{
		const ReportedXact *xact = &report->xacts[x];

		if (!xact->visible && sight_of(report, &xact->id) == SIGHT_BOTH)
			must_see(report, &xact->id);
	}
}

static bool
is_covered(const SnapshotReport *report, int64 elapsed)
{
	return report->window >= elapsed + MARGIN(elapsed);
}

static bool
nothing_is_lacking(const SnapshotReport *reports, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (reports[i].mustSee != NIL)
			return false;
	}
	return true;
}

bool
txn_snapshot_match(SnapshotReport *reports, int n, int64 elapsed, bool *uncovered)
{
	*uncovered = false;
	for (int i = 0; i < n; i++)
		reports[i].mustSee = NIL;
	for (int i = 0; i < n; i++)
	{
		*uncovered |= n > 1 && !is_covered(&reports[i], elapsed);
		compare_parts(&reports[i]);
		for (int j = 0; j < n; j++)
		{
			if (j != i)
				compare(&reports[i], &reports[j], elapsed);
		}
	}
	return nothing_is_lacking(reports, n) && !*uncovered;
}

bool
txn_snapshot_match_late(SnapshotReport *reports, int n, int late, int64 elapsed, bool *uncovered)
{
	for (int i = 0; i < n; i++)
		reports[i].mustSee = NIL;
	compare_parts(&reports[late]);
	for (int i = 0; i < n; i++)
	{
		if (i == late)
			continue;
		compare(&reports[late], &reports[i], elapsed);
		compare(&reports[i], &reports[late], elapsed);
	}
	*uncovered = n > 1 && !is_covered(&reports[late], elapsed);
	return nothing_is_lacking(reports, n) && !*uncovered;
}

/* what report must see; README.md, "A snapshot that has been read with" */
static void
compare_with_earlier(const SnapshotReport *earlier, SnapshotReport *report, int64 elapsed)
{
	for (int i = 0; i < earlier->nxacts; i++)
	{
		const ReportedXact *xact = &earlier->xacts[i];
		Sight		sight = sight_of(report, &xact->id);

		if (xact->visible && takes_part(&xact->participants, report->groupId) &&
			(sight == SIGHT_INVISIBLE || sight == SIGHT_BOTH))
			must_see(report, &xact->id);
	}
	for (int i = 0; i < report->nxacts; i++)
	{
		const ReportedXact *xact = &report->xacts[i];

		if (!xact->visible && takes_part(&xact->participants, earlier->groupId))
			compare_invisible(xact, report, earlier, elapsed);
	}
}

bool
txn_snapshot_match_earlier(const SnapshotReport *earlier, SnapshotReport *report, int64 elapsed)
{
	for (int i = 0; i < earlier->nxacts; i++)
	{
		const ReportedXact *xact = &earlier->xacts[i];

		if (xact->visible || !takes_part(&xact->participants, report->groupId))
			continue;
		switch (sight_of(report, &xact->id))
		{
			case SIGHT_VISIBLE:
			case SIGHT_BOTH:
				return false;
			case SIGHT_UNKNOWN:
				if (may_have_forgotten(report, xact, elapsed))
					return false;
				break;
			case SIGHT_INVISIBLE:
				break;
		}
		if (sight_of(earlier, &xact->id) == SIGHT_BOTH)
			return false;
	}
	compare_with_earlier(earlier, report, elapsed);
	return true;
}

/* ---- text ---- */

static void
append_participants(StringInfo text, const Participants *participants)
{
	if (participants->n == PARTICIPANTS_UNKNOWN)
		appendStringInfoChar(text, '*');
	for (int i = 0; i < participants->n; i++)
		appendStringInfo(text, "%s%d", i == 0 ? "" : ",", participants->groups[i]);
}

char *
txn_snapshot_print_participants(const Participants *participants)
{
	StringInfoData text;

	initStringInfo(&text);
	append_participants(&text, participants);
	return text.data;
}

/* false: malformed; reads up to the end or a semicolon */
bool
txn_snapshot_parse_participants(const char *text, Participants *participants)
{
	participants->n = 0;
	if (*text == '*')
	{
		participants->n = PARTICIPANTS_UNKNOWN;
		return true;
	}
	for (;;)
	{
		char	   *end;
		long		group = strtol(text, &end, 10);

		if (end == text || participants->n == MAX_PARTICIPANTS)
			return false;
		participants->groups[participants->n++] = (GroupId) group;
		if (*end != ',')
			return *end == '\0' || *end == ';' || *end == ' ';
		text = end + 1;
	}
}

/* "window slot;group number visible age participants;..." */
void
txn_snapshot_print(const SnapshotReport *report, StringInfo text)
{
	appendStringInfo(text, INT64_FORMAT " %d", report->window, report->slot);
	for (int i = 0; i < report->nxacts; i++)
	{
		const ReportedXact *xact = &report->xacts[i];

		appendStringInfo(text, ";%d " UINT64_FORMAT " %d " INT64_FORMAT " ", xact->id.group,
						 xact->id.number, xact->visible ? 1 : 0, xact->age);
		append_participants(text, &xact->participants);
	}
}

static bool
parse_xact(const char *text, ReportedXact *xact)
{
	unsigned long long number;
	long long	age;
	int			visible;
	int			length = 0;

	if (sscanf(text, "%d %llu %d %lld %n", &xact->id.group, &number, &visible, &age,
			   &length) != 4 || length == 0)
		return false;
	xact->id.number = number;
	xact->visible = visible != 0;
	xact->age = age;
	return txn_snapshot_parse_participants(text + length, &xact->participants);
}

/* The report's arrays are palloc'd. */
bool
txn_snapshot_parse(const char *text, SnapshotReport *report)
{
	long long	window;
	int			n = 0;

	if (sscanf(text, "%lld %d", &window, &report->slot) != 2)
		return false;
	report->window = window;
	for (const char *c = text; *c != '\0'; c++)
		n += *c == ';';
	report->xacts = palloc(Max(n, 1) * sizeof(ReportedXact));
	report->nxacts = 0;
	while ((text = strchr(text, ';')) != NULL)
	{
		text++;
		if (!parse_xact(text, &report->xacts[report->nxacts++]))
			return false;
	}
	return true;
}

/* "group:number,..." */
char *
txn_snapshot_print_ids(List *ids)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, ids)
	{
		GlobalXact *id = lfirst(cell);

		appendStringInfo(&text, "%s%d:" UINT64_FORMAT, text.len == 0 ? "" : ",", id->group,
						 id->number);
	}
	return text.data;
}

List *
txn_snapshot_parse_ids(const char *text)
{
	List	   *ids = NIL;

	while (*text != '\0')
	{
		GlobalXact *id = palloc(sizeof(GlobalXact));
		unsigned long long number;
		int			length = 0;

		if (sscanf(text, "%d:%llu%n", &id->group, &number, &length) != 2 || length == 0 ||
			(text[length] != ',' && text[length] != '\0'))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid list of transactions: \"%s\"", text)));
		id->number = number;
		ids = lappend(ids, id);
		text += length;
		if (*text == ',')
			text++;
	}
	return ids;
}
