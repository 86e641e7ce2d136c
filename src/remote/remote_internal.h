/*
 * remote_internal.h
 *	  What the files of remote share: the connection, its queue, the transport.
 */
#ifndef CITUS_REMOTE_INTERNAL_H
#define CITUS_REMOTE_INTERNAL_H

#include "postgres.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "citus/remote/remote.h"

/* ---- transport ---- */

typedef enum RemotePoll
{
	REMOTE_POLL_WAIT_READ,
	REMOTE_POLL_WAIT_WRITE,
	REMOTE_POLL_OK,
	REMOTE_POLL_FAILED
} RemotePoll;

typedef enum RemoteFlush
{
	REMOTE_FLUSH_DONE,
	REMOTE_FLUSH_PENDING,
	REMOTE_FLUSH_FAILED
} RemoteFlush;

/* what next() has taken from the connection */
typedef enum RemoteResult
{
	REMOTE_RESULT_ROWS,			/* rows; more or COMPLETE follow for the same command */
	REMOTE_RESULT_COMPLETE,
	REMOTE_RESULT_ERROR,
	REMOTE_RESULT_SKIPPED,		/* not executed: an earlier command of the section failed */
	REMOTE_RESULT_SYNC,
	REMOTE_RESULT_COPY_IN,
	REMOTE_RESULT_COPY_OUT,
	REMOTE_RESULT_END,			/* all results of the command are taken */
	REMOTE_RESULT_LOST
} RemoteResult;

/* fields of an error or a notice; NULL where the server sent none */
typedef struct RemoteError
{
	int			sqlstate;		/* 0: not from a server */
	const char *severity;		/* untranslated */
	const char *message;
	const char *detail;
	const char *hint;
	const char *context;
	const char *schemaName;
	const char *tableName;
	const char *columnName;
	const char *dataTypeName;
	const char *constraintName;
} RemoteError;

typedef void (*RemoteNoticeCallback) (void *arg, const RemoteError *notice);

/*
 * RemoteTransport: one connection, nothing waited for except where said.  No function raises
 * errors, except for lack of memory.  bool results: false means failed, the reason is in
 * error_text().
 */
typedef struct RemoteTransport
{
	/* opening: keyword/value arrays end with NULL; NULL result: out of memory */
	void	   *(*open) (const char *const *keywords, const char *const *values,
						 RemoteNoticeCallback notice, void *noticeArg);
	RemotePoll	(*poll) (void *link);	/* one step, only if the socket is ready for it */
	void		(*close) (void *link);
	pgsocket	(*socket) (void *link); /* PGINVALID_SOCKET: always ready */
	bool		(*is_alive) (void *link);	/* for idle ones: nothing unexpected has arrived */
	/* to be called every now and then while waiting: the network is silent and will remain so */
	bool		(*is_cut) (void *link);
	bool		(*is_full) (void *link);	/* poll() failed: the server has no place for us now */
	int			(*backend_pid) (void *link);
	bool		(*in_transaction) (void *link);
	const char *(*parameter) (void *link, const char *name);	/* told by the server, or NULL */
	const char *(*error_text) (void *link);

	/* sending */
	bool		(*set_pipeline) (void *link, bool on);	/* only when nothing is outstanding */
	bool		(*send) (void *link, const RemoteCommand *command);
	bool		(*send_simple) (void *link, const char *sql);
	bool		(*send_prepare) (void *link, const char *name, const char *sql, int nparams,
								 const Oid *paramTypes);
	bool		(*send_prepared) (void *link, const char *name, const RemoteCommand *command);
	bool		(*send_unprepare) (void *link, const char *name);
	bool		(*send_sync) (void *link);
	RemoteFlush (*flush) (void *link);

	/* receiving */
	bool		(*consume) (void *link);	/* reads what has arrived */
	bool		(*busy) (void *link);	/* next() would wait */
	void		(*stream_rows) (void *link);	/* before the first next() of a command */
	RemoteResult (*next) (void *link);
	int			(*row_count) (void *link);	/* of what next() took, as are all below */
	int			(*column_count) (void *link, bool *binary);
	void		(*row) (void *link, int row, const char **values, int *lengths);
	const char *(*tag) (void *link, uint64 *rowCount);
	void		(*error) (void *link, RemoteError *error);

	/* COPY; put: 1 taken, 0 flush first, -1 failed; get: > 0 length, 0 wait, -1 end, -2 failed */
	int			(*copy_put) (void *link, const char *data, int length);
	bool		(*copy_end) (void *link, const char *errormsg);
	int			(*copy_get) (void *link, char **data);
	void		(*copy_free) (void *link, char *data);

	/* asks the server to cancel; may wait for at most timeoutMs */
	bool		(*cancel) (void *link, long timeoutMs);
} RemoteTransport;

extern const RemoteTransport *remote_transport;	/* unit tests put the scripted one here */
extern const RemoteTransport remote_libpq_transport;

/* keyword and value pairs of a conninfo string; NIL and *error set (palloc'd) when malformed */
typedef struct RemoteOption
{
	char	   *keyword;
	char	   *value;
} RemoteOption;
extern List *remote_libpq_parse_conninfo(const char *conninfo, char **error);

/* ---- the queue of a connection ---- */

typedef enum RemoteItemKind
{
	REMOTE_ITEM_COMMAND,
	REMOTE_ITEM_PREPARE,		/* ours; answer swallowed, failure forgets the statement */
	REMOTE_ITEM_UNPREPARE,		/* ours; answer ignored */
	REMOTE_ITEM_PROOF,			/* ours; a session that has not proved itself is of no use */
	REMOTE_ITEM_SYNC
} RemoteItemKind;

typedef struct RemoteItem
{
	dlist_node	node;
	RemoteItemKind kind;
	void	   *owner;
	bool		simple;
	bool		streaming;		/* stream_rows() was called */
	bool		essential;		/* see RemoteCommand */
	bool		decisive;
	uint32		preparedId;		/* PREPARE and commands using one; 0: none */
} RemoteItem;

/* a command that may not be sent yet; it is allocated in its context */
typedef struct RemoteHeld
{
	dlist_node	node;
	MemoryContext context;
	RemoteCommand command;
} RemoteHeld;

/*
 * One for each shard and form of statement: what a use looks at is together, for it is seldom in
 * the processor's caches.
 */
typedef struct RemotePrepared
{
	struct RemotePrepared *next;	/* of the same chain */
	uint64		lastUse;
	uint32		hash;
	uint32		id;				/* number in the server-side name, never reused */
	bool		done;			/* its PREPARE has succeeded */
	char		serverName[24];	/* as the server calls it */
	char		name[FLEXIBLE_ARRAY_MEMBER];	/* as the caller does */
} RemotePrepared;

#define REMOTE_PREPARED_CHAINS 256

typedef struct RemoteNotice
{
	struct RemoteNotice *next;
	int			elevel;
	RemoteError fields;
} RemoteNotice;

/*
 * RemoteConn
 *
 * Invariants
 * (1) items were sent, in this order; held ones were not, and go after them in their order.
 * (2) nothing simple is sent while anything else is in the queue, nor the reverse.
 * (3) outstanding is the number of COMMAND items and held commands, plus one if a final answer is
 *	   kept back (kept).
 * (4) a connection in the cache has an empty queue and is in no transaction.
 */
struct RemoteConn
{
	dlist_node	node;			/* in the list of all, or of idle cached ones */
	MemoryContext context;		/* holds this struct and all below */
	uint64		id;				/* unique in this session */

	/* who */
	NodeId		nodeId;
	char	   *targetHost;		/* the node's address; another one by pg_dist_poolinfo ... */
	int			targetPort;
	char	   *host;			/* ... is where it really goes */
	int			port;
	char	   *user;
	char	   *database;
	int			sharedSlot;		/* counter in shared memory, -1: uncounted */
	unsigned char *secret;		/* with which to prove who we are; NULL: not to be proved */
	bool		proved;			/* the proof was sent */
	bool		cancelProved;	/* remote_cancel() waits for its answer */

	/* life */
	RemoteConnState state;		/* never BUSY: IDLE with a queue that is not empty means that */
	bool		cached;
	TimestampTz openedAt;
	TimestampTz deadline;		/* of connecting */
	TimestampTz retryAt;		/* while connecting: the server was full, try again; 0: trying */
	int			retryPause;		/* the last one, ms */
	const char **keywords;		/* of connecting */
	const char **keywordValues;
	uint32		generation;		/* of citus.node_conninfo */
	bool		isClosing;		/* do not cache on release */
	Machine		machine;		/* told by the server; no processors: not read yet */

	/* free for txn */
	void	   *userData;
	char	   *settings;
	uint64		settingsNumber; /* txn's number of that text; 0: none */

	/* transport */
	const RemoteTransport *transport;
	void	   *link;
	RemotePoll	wants;			/* while connecting */
	bool		pipeline;
	bool		unflushed;
	int			unflushedBytes; /* of COPY data, since the last complete flush */

	/* queue */
	dlist_head	items;
	dlist_head	freeItems;
	dlist_head	held;
	int			nitems;
	int			outstanding;
	bool		sectionOpen;	/* commands were sent after the last Sync */

	/* a decisive command is sent and not answered */
	bool		deciding;
	TimestampTz answerBy;		/* for remote_receive_wait(); 0: no limit */
	TimestampTz giveUpAt;		/* it was canceled, and is waited for until then; 0: not canceled */

	/* the answer in progress */
	bool		haveKept;
	bool		keptDecides;	/* kept is the answer to the decisive command */
	RemoteAnswer kept;			/* DONE or ERROR waiting for its Sync */
	char		tag[64];
	int			nextRow;
	int			nrows;
	int			ncolumns;
	bool		binary;
	int			maxColumns;
	const char **values;
	int		   *lengths;

	/* the last error */
	MemoryContext errorContext;
	RemoteError error;
	bool		lost;			/* it is about the connection, not about a command */
	bool		connectFailed;
	bool		outcomeUnknown; /* it was lost while a decisive command was under way */

	/* notices that arrived inside the transport */
	MemoryContext noticeContext;
	RemoteNotice *notices;
	RemoteNotice **noticesTail;
	char	   *plan;			/* message that is the plan of a command, in context; or NULL */
	int			planId;

	/* prepared statements: chains by the hash of their names */
	RemotePrepared *prepared[REMOTE_PREPARED_CHAINS];
	int			nprepared;
	uint64		preparedUses;
	uint32		lastPreparedId;
};

/* ---- settings ---- */

extern int	remote_max_shared_pool_size;
extern int	remote_max_cached_conns_per_worker;
extern int	remote_max_cached_lifetime;
extern int	remote_connection_timeout;
extern char *remote_node_conninfo;
extern uint32 remote_conninfo_generation;
extern bool remote_log_commands;
extern int	remote_worker_min_messages;
extern int	remote_copy_flush_threshold;

extern void remote_settings_init(void);
/* keyword/value arrays for the transport, palloc'd */
extern void remote_conninfo_build(const RemoteTarget *target, const char *user,
								  const char *database, const char ***keywords,
								  const char ***values);

/* a parameter with which the connection is or was opened; NULL: not given */
extern const char *remote_conninfo_value(const RemoteConn *conn, const char *keyword);

/* ---- connections (remote_conn.c) ---- */

/* as remote_conn_acquire(); pristine: no connection whose session settings were changed */
extern RemoteConn *remote_acquire(const RemoteTarget *target, bool optional, bool pristine);

/* a connection like conn, not from the cache; to be closed before conn */
extern RemoteConn *remote_open_again(const RemoteConn *conn);

/* ---- shared counters (remote_pool.c) ---- */

extern void remote_pool_init(void);
/* a slot of the node's counter; -1: uncounted; *full set and -1 if optional and at the limit */
extern int	remote_pool_take(const char *host, int port, bool optional, bool holdsOthers,
							 bool *full);
extern void remote_pool_give(int slot);
/* true while few enough are open that this session may keep an idle one */
extern bool remote_pool_may_cache(int slot);

/* ---- errors and notices (remote_error.c) ---- */

extern void remote_error_set(RemoteConn *conn, const RemoteError *error);
/* the connection is gone: state REMOTE_BROKEN; text may be NULL (the transport's is taken) */
extern void remote_error_lost(RemoteConn *conn, const char *text);
extern void remote_notice_receive(void *arg, const RemoteError *notice);
/* gives pending notices to the client */
extern void remote_notices_relay(RemoteConn *conn);
extern void remote_log_command(RemoteConn *conn, const char *sql);

/* ---- queue (remote_queue.c) ---- */

extern void remote_queue_init(RemoteConn *conn);
extern RemoteItem *remote_queue_add(RemoteConn *conn, RemoteItemKind kind, void *owner);
extern RemoteItem *remote_queue_head(RemoteConn *conn);
/* takes the head off */
extern void remote_queue_pop(RemoteConn *conn);
/* sends held commands as far as the queue allows */
extern void remote_queue_send_held(RemoteConn *conn);
extern void remote_queue_clear(RemoteConn *conn);
/* drops what has not been sent yet */
extern void remote_queue_drop_held(RemoteConn *conn);
extern bool remote_queue_has_essential(RemoteConn *conn);
extern void remote_queue_flush(RemoteConn *conn);

/* ---- prepared statements (remote_prepared.c) ---- */

/* the statement; sends its PREPARE, and drops the least recently used one, if needed */
extern const RemotePrepared *remote_prepared_ensure(RemoteConn *conn,
													const RemoteCommand *command);
/* the PREPARE has succeeded */
extern void remote_prepared_done(RemoteConn *conn, uint32 id);
/* its PREPARE or a command using it has failed: forgotten, if that may be the reason */
extern void remote_prepared_failed(RemoteConn *conn, uint32 id, int sqlstate);

/* ---- cancelling (remote_cancel.c) ---- */

/* a cancel request takes a connection of its own; longer than this it is not worth waiting for */
#define CANCEL_TIMEOUT_MS 2000

/* ---- receiving (remote_receive.c) ---- */

/* true if remote_receive() has something to give without reading from the network */
extern bool remote_has_result(RemoteConn *conn);

/* ---- waiting (remote_wait.c) ---- */

/* waits for one connection; false when deadline (0: none) has passed */
extern bool remote_wait_one(RemoteConn *conn, TimestampTz deadline);
/* forgets wait event sets that watch conn */
extern void remote_wait_forget(RemoteConn *conn);
/* CHECK_FOR_INTERRUPTS(), after the function that was registered for it */
extern void remote_check_interrupts(void);
/* a decisive command has succeeded: a cancel request came too late */
extern void remote_forget_cancel(RemoteConn *conn);

#endif
