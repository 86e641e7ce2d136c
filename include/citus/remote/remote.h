/*
 * remote.h
 *	  One connection to one server of the cluster.
 *
 * A RemoteConn is opened without blocking, takes a queue of commands (sent at once, in libpq's
 * pipeline mode) and gives their answers back in order.  Whatever waits does so on the latch with
 * a wait event and reacts to cancel.  The transport (libpq, or a scripted fake in unit tests) is a
 * struct of functions, RemoteTransport, in remote_internal.h.
 *
 * Connections are cached per session by (host, port, user, database), bounded by shared-memory
 * counters per node over all sessions.  Which connection is used for what, and BEGIN / COMMIT, is
 * txn's business; nobody else takes connections from here except for commands outside any
 * transaction (remote_run_alone).
 */
#ifndef CITUS_REMOTE_REMOTE_H
#define CITUS_REMOTE_REMOTE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"
#include "citus/base/compat.h"
#include "citus/base/machine.h"
#include "citus/base/types.h"

typedef struct RemoteConn RemoteConn;

/* who to connect to; strings are copied */
typedef struct RemoteTarget
{
	NodeId		nodeId;			/* 0 when unknown */
	const char *host;
	int			port;
	const char *user;			/* NULL: current user */
	const char *database;		/* NULL: current database */
	const char *authinfo;		/* pg_dist_authinfo text or NULL */
	const char *poolinfo;		/* pg_dist_poolinfo text or NULL */
	const unsigned char *secret;	/* of the cluster, BASE_SECRET_SIZE bytes, or NULL: proves to
									 * the node that another one opens the session; copied */
	const char *applicationName;	/* NULL: the usual one; else a connection not from the cache */
	long		patienceMs;		/* of remote_run_alone(), connecting included; 0: no limit */
} RemoteTarget;

typedef enum RemoteConnState
{
	REMOTE_CONNECTING,			/* remote_conn_poll() drives it; failure: REMOTE_BROKEN */
	REMOTE_IDLE,				/* nothing queued; may be cached or closed */
	REMOTE_BUSY,				/* commands queued or answers outstanding */
	REMOTE_COPY_IN,				/* the head command wants remote_copy_* */
	REMOTE_COPY_OUT,
	REMOTE_BROKEN				/* only remote_conn_close() is allowed */
} RemoteConnState;

/* a value array is in the formats given: 0 text, 1 binary */
typedef struct RemoteCommand
{
	const char *sql;
	const char *statementName;	/* NULL: unnamed; else prepared on first use on this connection */
	int			nparams;
	const Oid  *paramTypes;		/* 0: let the server infer */
	const char *const *paramValues;	/* NULL element: NULL */
	const int  *paramLengths;
	const int  *paramFormats;
	bool		binaryResult;
	bool		sync;			/* a Sync after this command: an error in it spares later ones;
								 * its DONE is given when the server has answered the Sync, so an
								 * autocommitted statement is committed then */
	bool		simple;			/* simple query protocol, no parameters: several statements in one
								 * text, COPY.  Starts when all earlier commands are answered;
								 * later ones wait for it.  Implied by a text that begins with
								 * COPY. */
	bool		essential;		/* remote_settle() does not cancel it */
	bool		decisive;		/* the server commits with it: a cancel request is passed on, and
								 * its answer waited for; 08007 if the connection is lost */
	void	   *owner;			/* handed back with its answers */
} RemoteCommand;

typedef enum RemoteAnswerKind
{
	REMOTE_ANSWER_NONE,			/* nothing yet: wait */
	REMOTE_ANSWER_ROW,
	REMOTE_ANSWER_DONE,			/* command complete; tag and row count valid */
	REMOTE_ANSWER_ERROR,		/* error of this command; remote_error_raise() */
	REMOTE_ANSWER_COPY_IN,		/* the server waits for COPY data */
	REMOTE_ANSWER_COPY_OUT,
	REMOTE_ANSWER_LOST			/* the connection broke */
} RemoteAnswerKind;

/* valid until the next call on the same connection */
typedef struct RemoteAnswer
{
	RemoteAnswerKind kind;
	void	   *owner;			/* RemoteCommand.owner */
	int			ncolumns;		/* ROW */
	const char *const *values;	/* ROW: NULL element is SQL NULL */
	const int  *lengths;
	bool		binary;
	uint64		rowCount;		/* DONE: from the command tag */
	const char *tag;			/* DONE */
} RemoteAnswer;

extern void remote_init(void);

/* ---- opening and closing ---- */

/*
 * A cached idle connection, or a new one in REMOTE_CONNECTING.  optional: give NULL instead of
 * waiting when the shared limit of the node is reached.
 */
extern RemoteConn *remote_conn_acquire(const RemoteTarget *target, bool optional);
/* a cached one or NULL; authinfo and poolinfo of the target are not looked at */
extern RemoteConn *remote_conn_acquire_cached(const RemoteTarget *target);
/* gives an idle connection back to the cache (closed if too old, too many, broken or not idle) */
extern void remote_conn_release(RemoteConn *conn);
extern void remote_conn_close(RemoteConn *conn);
/* keeps one that is in use beyond the end of the transaction, until it is released or closed */
extern void remote_conn_keep(RemoteConn *conn);
/* connects to the end; raises 08006 on failure or after citus.node_connection_timeout */
extern void remote_conn_finish(RemoteConn *conn);
/* one step of connecting without waiting; returns the new state */
extern RemoteConnState remote_conn_poll(RemoteConn *conn);
/* as far as is known here; of an idle one */
extern bool remote_conn_is_alive(RemoteConn *conn);
/* the server's view: a transaction block is open; valid when idle */
extern bool remote_conn_in_transaction(const RemoteConn *conn);
/* application_name of connections opened from now on; copied */
extern void remote_set_application_name(const char *name);
/* citus.grep_remote_commands: is a command to be shown that citus.log_..._commands reports? */
extern bool remote_is_reported(const char *sql);

/* citus.worker_min_messages as a level of elog.h */
extern int	remote_message_level(void);
/* are connections kept for later? */
extern bool remote_cache_is_on(void);
/* closes all cached idle connections (to one node if nodeId > 0) */
extern void remote_cache_clear(NodeId nodeId);

extern RemoteConnState remote_conn_state(const RemoteConn *conn);
extern NodeId remote_conn_node(const RemoteConn *conn);
extern const char *remote_conn_host(const RemoteConn *conn);
extern int	remote_conn_port(const RemoteConn *conn);
/* goes through another address by pg_dist_poolinfo, whose sessions begin as a pooler has them */
extern bool remote_conn_is_pooled(const RemoteConn *conn);
extern const char *remote_conn_user(const RemoteConn *conn);
/* what the server, once connected, has told of its machine */
extern Machine remote_conn_machine(RemoteConn *conn);
extern uint64 remote_conn_id(const RemoteConn *conn);
extern int	remote_conn_backend_pid(const RemoteConn *conn);
/* free for use by txn: survives as long as the connection */
extern void **remote_conn_user_data(RemoteConn *conn);
/* settings text last sent to this connection by txn, and its number; "" and 0 for a fresh one */
extern const char *remote_conn_settings(const RemoteConn *conn);
extern uint64 remote_conn_settings_number(const RemoteConn *conn);
extern void remote_conn_set_settings(RemoteConn *conn, const char *settings, uint64 number);

/* ---- commands ---- */

/* queues and starts sending; never waits.  Raises 08006 only when the connection is broken. */
extern void remote_send(RemoteConn *conn, const RemoteCommand *command);
/* without parameters, with sync */
extern void remote_send_sql(RemoteConn *conn, const char *sql, void *owner);
/* ends the pipeline section: a Sync, and flush of what is buffered */
extern void remote_sync(RemoteConn *conn);
/* true when the named statement is prepared on this connection (bounded cache, LRU) */
extern bool remote_has_prepared(RemoteConn *conn, const char *statementName);

/* the next answer; NONE if it would have to wait */
extern void remote_receive(RemoteConn *conn, RemoteAnswer *answer);
/* the next answer, waiting for it (never NONE) */
extern void remote_receive_wait(RemoteConn *conn, RemoteAnswer *answer);
/* true while the network has not taken all that was sent; tries again */
extern bool remote_has_unsent(RemoteConn *conn);
/* number of commands whose final answer has not been received */
extern int	remote_outstanding(const RemoteConn *conn);

/*
 * Waits until one of conns can make progress (readable, writable while output is pending,
 * connecting), the latch is set or timeoutMs (-1: none) has passed.  Sets ready[i].  Handles
 * interrupts.
 */
extern void remote_wait_any(RemoteConn **conns, int nconns, long timeoutMs, bool *ready);
/*
 * The function is called wherever this module checks for interrupts, before the server does: it
 * may raise an error of its own for a pending one.  Registered once.
 */
extern void remote_set_interrupt_check(void (*check) (void));

/*
 * Copies the error of the last ERROR or LOST answer and raises it here: SQLSTATE, message, detail,
 * hint, context kept; context names host:port.  remote_error_report lowers it to elevel.
 */
extern void remote_error_raise(RemoteConn *conn) pg_attribute_noreturn();
extern void remote_error_report(RemoteConn *conn, int elevel);
/* the same, but errors about data (classes 22 and 23) do not name the node: any would raise them */
extern void remote_error_raise_data(RemoteConn *conn) pg_attribute_noreturn();
/*
 * The function puts the user's names into a text of another node's error that is about to be
 * raised here; isName: the text is nothing but a name.  Registered once.
 */
extern void remote_set_user_names(const char *(*restore) (const char *text, bool isName));
/* message text and SQLSTATE of the same, as the node gave it, palloc'd */
extern char *remote_error_message(RemoteConn *conn, int *sqlstate);

/*
 * A message of level INFO with this SQLSTATE is the plan of a command, not for the client: its
 * detail is a number that the command's sender knows it by.
 */
#define REMOTE_PLAN_MESSAGE MAKE_SQLSTATE('C', 'X', 'P', 'L', 'N')
/* the last one of this number that has arrived, palloc'd, or NULL; others are forgotten */
extern char *remote_take_plan(RemoteConn *conn, int id);

/* ---- COPY ---- */

/* data of any size; waits when more than citus.remote_copy_flush_threshold is unsent */
extern void remote_copy_put(RemoteConn *conn, const char *data, int length);
/* NULL errormsg ends normally; the command's DONE or ERROR is then received as usual */
extern void remote_copy_end(RemoteConn *conn, const char *errormsg);
/* a row of COPY OUT in a palloc'd buffer; length -1 at its end */
extern char *remote_copy_get(RemoteConn *conn, int *length);

/* ---- cancel ---- */

/*
 * Asks the server to cancel what runs, as soon as it has answered the proof of the session; does
 * not wait for the effect.
 */
extern void remote_cancel(RemoteConn *conn);
/*
 * After an error: cancels, drains all outstanding answers for at most timeoutMs.  False: the
 * connection is now REMOTE_BROKEN.
 */
extern bool remote_abandon(RemoteConn *conn, long timeoutMs);
/*
 * The same where the transaction goes on: nothing is cancelled while an essential command is among
 * what is not answered yet.
 */
extern bool remote_settle(RemoteConn *conn, long timeoutMs);

/*
 * Runs one command on a connection of its own, outside any transaction, and gives the rows back as
 * List of (char ** values, text).  On failure: NULL ok raises; else *ok = false and *errormsg set.
 */
extern List *remote_run_alone(const RemoteTarget *target, const char *sql, bool *ok,
							  char **errormsg);
/* the same; *ncolumns and *tag of the last statement too */
extern List *remote_run_alone_tag(const RemoteTarget *target, const char *sql, bool *ok,
								  char **errormsg, int *ncolumns, char **tag);

/* runs statements on an idle connection, outside any transaction; raises errors; rows as above */
extern List *remote_conn_query(RemoteConn *conn, const char *sql);
/* the same where nobody can be told: false, and of no more use, when it did not succeed in time */
extern bool remote_conn_run_quietly(RemoteConn *conn, const char *sql, long timeoutMs);
/*
 * Runs a command on another connection with the parameters of conn, which is broken: nothing is
 * looked up in the catalogs.  False: *sqlstate says why not.
 */
extern bool remote_run_again(const RemoteConn *conn, const char *sql, long patienceMs,
							 int *sqlstate);

#endif
