/*
 * txn_snapshot_commit.c
 *	  Tells txn_commits.c of the steps of commits over several nodes: on the initiator, and in the
 *	  sessions that prepare and finish its parts.
 *
 * The groups that take part travel in a comment behind PREPARE TRANSACTION, the transaction's id in
 * one behind BEGIN, so that knowing them costs no command.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "citus/base/injection.h"
#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "txn/txn_snapshot_internal.h"

#define GROUPS_MARK "/* groups "

typedef struct OwnPart
{
	bool		added;			/* is in the table */
	GlobalXact	id;
	int			connection;
	Participants participants;
	bool		announced;		/* PREPARE TRANSACTION was read, and has not happened */
} OwnPart;

#define KEPT_COMMITS 16

/* of the current transaction */
static OwnPart own = {0};
/* of the session: which transactions over several nodes it has begun to commit last, in a ring */
static GlobalXact own_commits[KEPT_COMMITS];
static uint32 n_own_commits = 0;

/* ---- the initiator ---- */

static void
add_group(Participants *participants, GroupId group)
{
	for (int i = 0; i < participants->n; i++)
		if (participants->groups[i] == group)
			return;
	if (participants->n == MAX_PARTICIPANTS)
		participants->n = PARTICIPANTS_UNKNOWN;
	if (participants->n != PARTICIPANTS_UNKNOWN)
		participants->groups[participants->n++] = group;
}

char *
txn_snapshot_commit_begin(List *writers, bool localWrote)
{
	Participants *participants = &own.participants;
	ListCell   *cell;

	participants->n = 0;
	foreach(cell, writers)
		add_group(participants, ((RemoteXact *) lfirst(cell))->groupId);
	if (localWrote)
		add_group(participants, catalog_local_group());
	if (list_length(writers) == 1 && !localWrote)
		return "";

	own.id.group = catalog_local_group();
	own.id.number = txn_backend_gid_number();
	own.connection = 0;
	own_commits[n_own_commits++ % KEPT_COMMITS] = own.id;
	if (localWrote)
	{
		txn_commits_add(&own.id, 0, participants);
		own.added = true;
	}
	return psprintf(" " GROUPS_MARK "%s */", txn_snapshot_print_participants(participants));
}

List *
txn_snapshot_own_commits(void)
{
	List	   *ids = NIL;

	for (int i = 0; i < Min(n_own_commits, KEPT_COMMITS); i++)
	{
		GlobalXact *id = palloc(sizeof(GlobalXact));

		*id = own_commits[i];
		ids = lappend(ids, id);
	}
	return ids;
}

void
txn_snapshot_commit_wait(void)
{
	if (own.added)
		txn_commits_wait_for_fences(&own.id);
}

/* Raises nothing. */
void
txn_snapshot_commit_end(bool prepared)
{
	if (own.added && !prepared)
		txn_commits_end(&own.id, own.connection);
	own.added = false;
	own.announced = false;
}

/* ---- sessions that work for it ---- */

static bool
parse_gid(const char *gid, GlobalXact *id, int *connection)
{
	DistributedGid parts;

	if (gid == NULL || !txn_gid_parse(gid, &parts))
		return false;
	id->group = parts.group;
	id->number = parts.number;
	*connection = parts.connection;
	return true;
}

void
txn_statement_starts(const TransactionStmt *stmt, const char *text)
{
	GlobalXact	id;
	int			connection;
	const char *groups;

	switch (stmt->kind)
	{
		case TRANS_STMT_PREPARE:
			BASE_STOP_POINT("txn-part-before-prepare");
			groups = strstr(text, GROUPS_MARK);
			own.announced = groups != NULL &&
				parse_gid(stmt->gid, &own.id, &own.connection) &&
				txn_snapshot_parse_participants(groups + strlen(GROUPS_MARK), &own.participants);
			break;
		case TRANS_STMT_COMMIT_PREPARED:
			BASE_STOP_POINT("txn-part-before-commit");
			if (parse_gid(stmt->gid, &id, &connection))
				txn_commits_wait_for_fences(&id);
			break;
		default:
			break;
	}
}

/* BEGIN of a session that works for another node says for which transaction (txn.c, send_begin) */
static void
take_id(const char *text)
{
	const char *mark = base_session_is_internal() ? strstr(text, TXN_ID_MARK) : NULL;
	char	   *next;
	GroupId		group;
	uint64		number;

	if (mark == NULL)
		return;
	group = (GroupId) strtol(mark + strlen(TXN_ID_MARK), &next, 10);
	number = strtou64(next, &next, 10);
	txn_backend_assign(group, number, (TimestampTz) strtoi64(next, NULL, 10));
}

void
txn_statement_ended(const TransactionStmt *stmt, const char *text)
{
	GlobalXact	id;
	int			connection;

	if (stmt->kind == TRANS_STMT_BEGIN)
		take_id(text);
	if (stmt->kind == TRANS_STMT_COMMIT_PREPARED)
		BASE_STOP_POINT("txn-part-after-commit");
	if ((stmt->kind == TRANS_STMT_COMMIT_PREPARED ||
		 stmt->kind == TRANS_STMT_ROLLBACK_PREPARED) &&
		parse_gid(stmt->gid, &id, &connection))
		txn_commits_end(&id, connection);
}

void
txn_snapshot_pre_prepare(void)
{
	if (!own.announced)
		return;
	own.announced = false;
	txn_commits_add(&own.id, own.connection, &own.participants);
	own.added = true;
}
