/*
 * commands.h
 *	  Utility statements over known tables: a table of handlers by statement kind.
 */
#ifndef CITUS_COMMANDS_COMMANDS_H
#define CITUS_COMMANDS_COMMANDS_H

#include "postgres.h"
#include "tcop/utility.h"

extern void commands_init(void);

/* everything ProcessUtility_hook is given */
typedef struct UtilityCall
{
	PlannedStmt *pstmt;
	const char *queryString;
	bool		readOnlyTree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *queryEnv;
	DestReceiver *dest;
	QueryCompletion *qc;
	ProcessUtility_hook_type next;	/* the hook before ours, or NULL: standard_ProcessUtility */
} UtilityCall;

extern void commands_process(UtilityCall *call);

/* for every message, before it is sent: what the server says of shards while it drops something */
extern void commands_edit_message(ErrorData *edata);

/*
 * A duty of the coordinator: statistics of tables whose shards have newer ones than their shells.
 * Commits in between.  Its interval in milliseconds, -1 while autovacuum is off.
 */
extern void commands_statistics_duty(void);
extern int	commands_statistics_interval(void);

#endif
