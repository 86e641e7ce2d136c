/*
 * remote_settings.c
 *	  Settings of remote, and the parameters of a connection that follow from them.
 *
 * Parameters of a connection, in order of rank: what the cluster fixes (encoding, application
 * name, neutral start options), the node's pg_dist_authinfo, its address and the user, and
 * citus.node_conninfo for the rest.
 */
#include "postgres.h"

#include <poll.h>

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "citus/base/settings.h"
#include "remote/remote_internal.h"

int			remote_max_shared_pool_size = 0;
int			remote_max_cached_conns_per_worker = 1;
int			remote_max_cached_lifetime = 600000;
int			remote_connection_timeout = 30000;
char	   *remote_node_conninfo = NULL;
uint32		remote_conninfo_generation = 1;
bool		remote_log_commands = false;
static char *logged_pattern = NULL;
int			remote_worker_min_messages = NOTICE;
int			remote_copy_flush_threshold = 8388608;

static char *own_application_name = NULL;

static const struct config_enum_entry message_levels[] = {
	{"off", PANIC, false},
	{"debug5", DEBUG5, false},
	{"debug4", DEBUG4, false},
	{"debug3", DEBUG3, false},
	{"debug2", DEBUG2, false},
	{"debug1", DEBUG1, false},
	{"debug", DEBUG2, true},
	{"log", LOG, false},
	{"notice", NOTICE, false},
	{"warning", WARNING, false},
	{"error", ERROR, false},
	{NULL, 0, false}
};

/* parameters that an administrator may set for all connections between nodes */
static const char *const conninfo_keys[] = {
	"connect_timeout", "host", "keepalives", "keepalives_count", "keepalives_idle",
	"keepalives_interval", "sslcert", "sslcompression", "sslcrl", "sslkey", "sslmode",
	"sslrootcert", "tcp_user_timeout", "sslnegotiation", "sslkeylogfile", "krbsrvname", "gsslib",
	NULL
};

/* parameters that pg_dist_authinfo may give; its CHECK constraint says the same */
static const char *const authinfo_keys[] = {"password", "sslcert", "sslkey", NULL};

/* LIKE would raise an error about it, where commands are sent */
static bool
check_pattern(char **value, void **extra, GucSource source)
{
	const char *end = *value + strlen(*value);
	int			escapes = 0;

	while (end - escapes > *value && end[-1 - escapes] == '\\')
		escapes++;
	if (escapes % 2 == 0)
		return true;
	GUC_check_errdetail("The pattern ends with an escape character.");
	return false;
}

static bool
key_is_allowed(const char *key, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

static bool
looks_like_uri(const char *conninfo)
{
	return strncmp(conninfo, "postgres://", 11) == 0 ||
		strncmp(conninfo, "postgresql://", 13) == 0;
}

static bool
check_node_conninfo(char **newval, void **extra, GucSource source)
{
	char	   *error;
	List	   *options;
	ListCell   *lc;

	if (*newval == NULL || **newval == '\0')
		return true;
	GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	if (looks_like_uri(*newval))
	{
		GUC_check_errdetail("Connection URIs are not supported here.");
		return false;
	}
	options = remote_libpq_parse_conninfo(*newval, &error);
	if (error != NULL)
	{
		GUC_check_errdetail("%s", error);
		return false;
	}
	foreach(lc, options)
	{
		RemoteOption *option = lfirst(lc);

		if (!key_is_allowed(option->keyword, conninfo_keys))
		{
			GUC_check_errdetail("Connection parameter \"%s\" is not allowed here.",
								option->keyword);
			return false;
		}
	}
	return true;
}

/* Connections opened with the old value are closed at the end of their transaction. */
static void
assign_node_conninfo(const char *newval, void *extra)
{
	if (remote_node_conninfo == NULL || newval == NULL ||
		strcmp(remote_node_conninfo, newval) != 0)
		remote_conninfo_generation++;
}

#ifdef USE_SSL
#define DEFAULT_CONNINFO "sslmode=require"
#else
#define DEFAULT_CONNINFO "sslmode=prefer"
#endif

static const SettingDef settings[] = {
	{
		.name = "citus.max_shared_pool_size",
		.description = "Connections that all sessions together may open to one node.",
		.type = SETTING_INT, .variable = &remote_max_shared_pool_size, .boot.i = 0,
		.min = -1, .max = INT_MAX, .context = PGC_SIGHUP
	},
	{
		.name = "citus.max_cached_conns_per_worker",
		.description = "Idle connections that a session keeps per node between transactions.",
		.type = SETTING_INT, .variable = &remote_max_cached_conns_per_worker, .boot.i = 1,
		.min = 0, .max = INT_MAX, .context = PGC_USERSET
	},
	{
		.name = "citus.max_cached_connection_lifetime",
		.description = "Age at which a cached connection to a node is closed.",
		.type = SETTING_INT, .variable = &remote_max_cached_lifetime, .boot.i = 600000,
		.min = -1, .max = INT_MAX, .context = PGC_USERSET, .flags = GUC_UNIT_MS
	},
	{
		.name = "citus.node_connection_timeout",
		.description = "Time after which an attempt to connect to a node is given up.",
		.type = SETTING_INT, .variable = &remote_connection_timeout, .boot.i = 30000,
		.min = 10, .max = 3600000, .context = PGC_USERSET, .flags = GUC_UNIT_MS
	},
	{
		.name = "citus.node_conninfo",
		.description = "Additional libpq parameters of connections between nodes.",
		.type = SETTING_STRING, .variable = &remote_node_conninfo, .boot.s = DEFAULT_CONNINFO,
		.context = PGC_SIGHUP,
		.check_hook = check_node_conninfo, .assign_hook = assign_node_conninfo
	},
	{
		.name = "citus.log_remote_commands",
		.description = "Reports each command sent to another node as a notice.",
		.type = SETTING_BOOL, .variable = &remote_log_commands, .boot.b = false,
		.context = PGC_USERSET
	},
	{
		.name = "citus.grep_remote_commands",
		.description = "Commands that are reported: those LIKE this pattern; empty: all.",
		.type = SETTING_STRING, .variable = &logged_pattern, .boot.s = "",
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL,
		.check_hook = check_pattern
	},
	{
		.name = "citus.worker_min_messages",
		.description = "Lowest level of messages of other nodes that are passed on.",
		.type = SETTING_ENUM, .variable = &remote_worker_min_messages, .boot.i = NOTICE,
		.options = message_levels, .context = PGC_USERSET
	},
	{
		.name = "citus.remote_copy_flush_threshold",
		.description = "Bytes of COPY data buffered before the sender waits for the network.",
		.type = SETTING_INT, .variable = &remote_copy_flush_threshold, .boot.i = 8388608,
		.min = 0, .max = INT_MAX, .context = PGC_USERSET, .flags = GUC_UNIT_BYTE
	},
};

bool
remote_is_reported(const char *sql)
{
	if (logged_pattern == NULL || logged_pattern[0] == '\0')
		return true;
	return DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
												CStringGetTextDatum(sql),
												CStringGetTextDatum(logged_pattern)));
}

void
remote_settings_init(void)
{
	base_settings_register(settings, lengthof(settings));
}

void
remote_set_application_name(const char *name)
{
	if (own_application_name != NULL && strcmp(own_application_name, name) == 0)
		return;
	if (own_application_name != NULL)
		pfree(own_application_name);
	own_application_name = MemoryContextStrdup(TopMemoryContext, name);
}

/* ---- parameters of a connection ---- */

typedef struct Params
{
	const char **keywords;
	const char **values;
	int			n;
	int			max;
} Params;

/* a keyword given again replaces its value */
static void
set_param(Params *params, const char *keyword, const char *value)
{
	int			i;

	for (i = 0; i < params->n; i++)
		if (strcmp(params->keywords[i], keyword) == 0)
			break;
	if (i == params->n)
	{
		if (params->n + 2 > params->max)
		{
			params->max *= 2;
			params->keywords = repalloc(params->keywords, params->max * sizeof(char *));
			params->values = repalloc(params->values, params->max * sizeof(char *));
		}
		params->n++;
	}
	params->keywords[i] = keyword;
	params->values[i] = value;
}

static const char *
get_param(const Params *params, const char *keyword, const char *otherwise)
{
	for (int i = 0; i < params->n; i++)
		if (strcmp(params->keywords[i], keyword) == 0)
			return params->values[i];
	return otherwise;
}

static void
set_params_of_conninfo(Params *params, const char *conninfo, const char *const *allowed,
					   const char *what)
{
	char	   *error;
	List	   *options = remote_libpq_parse_conninfo(conninfo, &error);
	ListCell   *lc;

	if (error != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid connection parameters in %s", what)));
	foreach(lc, options)
	{
		RemoteOption *option = lfirst(lc);

		if (key_is_allowed(option->keyword, allowed))
			set_param(params, option->keyword, option->value);
	}
}

/*
 * Options that make a session between nodes independent of what a role or database of the far
 * side has set: the initiator alone decides when to give up, and says what kind of transaction it
 * wants when it is not the usual one.
 */
static char *
start_options(const Params *params)
{
	StringInfoData options;

	initStringInfo(&options);
	appendStringInfoString(&options, "-c statement_timeout=0 -c lock_timeout=0"
						   " -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
						   " -c default_transaction_isolation=read\\ committed"
						   " -c default_transaction_read_only=off"
						   " -c default_transaction_deferrable=off");
#ifdef POLLRDHUP
	/* a session whose initiator was killed must not run on for long */
	appendStringInfoString(&options, " -c client_connection_check_interval=10s");
#endif
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		appendStringInfoString(&options, " -c transaction_timeout=0");
	/* both ends find out that the network is cut, and the far one gives up its locks */
	if (strcmp(get_param(params, "keepalives", "1"), "0") != 0)
		appendStringInfo(&options, " -c tcp_keepalives_idle=%d -c tcp_keepalives_interval=%d"
						 " -c tcp_keepalives_count=%d",
						 Max(atoi(get_param(params, "keepalives_idle", "0")), 0),
						 Max(atoi(get_param(params, "keepalives_interval", "0")), 0),
						 Max(atoi(get_param(params, "keepalives_count", "0")), 0));
	return options.data;
}

void
remote_conninfo_build(const RemoteTarget *target, const char *user, const char *database,
					  const char ***keywords, const char ***values)
{
	Params		params;
	bool		hostFixed;

	params.n = 0;
	params.max = 16;
	params.keywords = palloc(params.max * sizeof(char *));
	params.values = palloc(params.max * sizeof(char *));

	/* a network that is silent for 10 + 4 * 5 seconds is taken for cut */
	set_param(&params, "keepalives_idle", "10");
	set_param(&params, "keepalives_interval", "5");
	set_param(&params, "keepalives_count", "4");
	if (remote_node_conninfo != NULL && *remote_node_conninfo != '\0')
		set_params_of_conninfo(&params, remote_node_conninfo, conninfo_keys,
							   "citus.node_conninfo");
	/* a host in citus.node_conninfo is the name that certificates are checked against */
	hostFixed = get_param(&params, "host", NULL) != NULL;
	set_param(&params, hostFixed ? "hostaddr" : "host", target->host);
	set_param(&params, "port", psprintf("%d", target->port));
	set_param(&params, "user", user);
	set_param(&params, "dbname", database);
	if (target->authinfo != NULL)
		set_params_of_conninfo(&params, target->authinfo, authinfo_keys, "pg_dist_authinfo");
	set_param(&params, "client_encoding", GetDatabaseEncodingName());
	set_param(&params, "application_name",
			  target->applicationName != NULL ? target->applicationName :
			  own_application_name != NULL ? own_application_name : CITUS_INTERNAL_APP_PREFIX "0");
	set_param(&params, "options", start_options(&params));

	params.keywords[params.n] = NULL;
	params.values[params.n] = NULL;
	*keywords = params.keywords;
	*values = params.values;
}

const char *
remote_conninfo_value(const RemoteConn *conn, const char *keyword)
{
	for (int i = 0; conn->keywords[i] != NULL; i++)
		if (strcmp(conn->keywords[i], keyword) == 0)
			return conn->keywordValues[i];
	return NULL;
}

int
remote_message_level(void)
{
	return remote_worker_min_messages;
}
